package sqltext

import "fmt"

// Classes of bytes, as the lexer meets them at the start of a token.
const (
	cOther  uint8 = iota // no SQL: control characters, NUL
	cSpace               // white space
	cWord                // letters, _, $ and all bytes from 0x80
	cDigit               //
	cString              // ' or "
	cTick                // `
	cAt                  // @
	cDot                 // .
	cParam               // ?
	cSemi                // ;
	cOp                  // an operator of one byte
	cOp2                 // may begin a longer operator: < > ! = | & :
	cMinus               // - may begin a comment
	cSlash               // / may begin a comment
	cHash                // # begins a comment
	cStar                // * may end an executable comment
	cBack                // \ of \N
)

var byteClass = makeByteClass()

func makeByteClass() (t [256]uint8) {
	for c := range 256 {
		switch {
		case c >= 0x80, 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '_', c == '$':
			t[c] = cWord
		case '0' <= c && c <= '9':
			t[c] = cDigit
		case c == ' ', '\t' <= c && c <= '\r':
			t[c] = cSpace
		}
	}
	for c, class := range map[byte]uint8{'\'': cString, '"': cString, '`': cTick, '@': cAt, '.': cDot, '?': cParam, ';': cSemi,
		'<': cOp2, '>': cOp2, '!': cOp2, '=': cOp2, '|': cOp2, '&': cOp2, ':': cOp2, '-': cMinus, '/': cSlash, '#': cHash, '*': cStar, '\\': cBack} {
		t[c] = class
	}
	for _, c := range []byte("()+,%^~{}[]") {
		t[c] = cOp
	}
	return t
}

// isIdent says whether a byte may stand in an unquoted identifier.
func isIdent(c byte) bool { return byteClass[c] == cWord || byteClass[c] == cDigit }

// Marks that stand for literals in a fingerprint. No token's text begins with one of these bytes: a stray control character is written
// after fpEscape.
const (
	fpInt byte = iota + 1
	fpDecimal
	fpFloat
	fpString
	fpHex
	fpBit
	fpEscape
)

type lexer struct {
	s      *Scan
	src    []byte
	mode   Mode
	mb     *multibyte
	tokens []Token
	fp     []byte
	pos    int
	gap    bool // white space or a comment stands before the next token
	exec   bool // inside an executable comment
	dot    bool // the last token was a '.' directly before pos: what follows is a name
	body   bodyTracker
}

// textError makes an error that wraps ErrText.
func textError(what string, at int) error { return fmt.Errorf("%w: %s at byte %d", ErrText, what, at) }

// at is the byte at i, 0 after the end.
func (l *lexer) at(i int) byte {
	if i < len(l.src) {
		return l.src[i]
	}
	return 0
}

func (l *lexer) run() error {
	src := l.src
	for l.pos < len(src) {
		start := l.pos
		c := src[start]
		class := byteClass[c]
		if l.dot {
			l.dot = false
			if class == cDigit {
				class = cWord
			}
			if class == cWord {
				l.pos = l.wordEnd(start)
				l.emit(Token{Kind: Word}, start)
				l.dotAfter()
				continue
			}
		}
		switch class {
		case cSpace:
			l.pos++
			for l.pos < len(src) && byteClass[src[l.pos]] == cSpace {
				l.pos++
			}
			l.gap = true
		case cWord:
			if err := l.word(); err != nil {
				return err
			}
		case cDigit:
			l.number()
		case cString:
			if err := l.quoted(); err != nil {
				return err
			}
		case cTick:
			end, err := l.tickEnd(start)
			if err != nil {
				return err
			}
			l.pos = end
			l.emit(Token{Kind: QuotedID}, start)
		case cAt:
			if err := l.variable(); err != nil {
				return err
			}
		case cDot:
			// After a word that the dot touches, word() and dotAfter have taken it already.
			if byteClass[l.at(start+1)] == cDigit {
				l.fraction(start)
				break
			}
			l.takeDot()
		case cParam:
			l.pos++
			l.s.Params++
			l.emit(Token{Kind: Param, Op: '?'}, start)
		case cSemi:
			if l.body.holdsSemicolon() || l.mode.Oracle && l.body.oracle && l.moreAfter(start+1) {
				l.emitOp(1)
				break
			}
			l.s.End = start
			if l.exec {
				return l.fail("unclosed comment", start)
			}
			l.s.More = l.moreAfter(start + 1)
			return nil
		case cOp:
			l.emitOp(1)
		case cOp2:
			if c == ':' && l.mode.Oracle && l.placeholder() {
				break
			}
			l.emitOp(l.operatorLen(c))
		case cMinus:
			if l.at(start+1) == '-' && (start+2 == len(src) || byteClass[src[start+2]] == cSpace || src[start+2] < ' ') {
				l.lineComment()
				break
			}
			l.emitOp(1)
		case cHash:
			l.lineComment()
		case cSlash:
			if l.at(start+1) != '*' {
				l.emitOp(1)
				break
			}
			if err := l.comment(); err != nil {
				return err
			}
		case cStar:
			if l.exec && l.at(start+1) == '/' {
				l.exec = false
				l.pos += 2
				l.markExec()
				break
			}
			l.emitOp(1)
		case cBack:
			if l.at(start+1) == 'N' {
				l.pos += 2
				l.emit(Token{Kind: Word, KW: KwNull}, start)
				break
			}
			l.emitOp(1)
		default:
			if c == 0 && start+1 == len(src) { // MariaDB takes a NUL at the very end for the end
				l.pos++
				break
			}
			l.emitOp(1)
		}
	}
	if l.exec {
		return l.fail("unclosed comment", len(src))
	}
	return nil
}

func (l *lexer) fail(what string, at int) error {
	l.s.End, l.s.More = len(l.src), false
	return textError(what, at)
}

// emit appends a token that ends at pos, and its text to the fingerprint. A gap becomes one space: whether there is one decides in
// MariaDB what is a call (`count (*)`), so that it belongs to the statement's meaning.
func (l *lexer) emit(t Token, start int) {
	t.Start, t.End = uint32(start), uint32(l.pos)
	l.fpGap()
	l.fp = append(l.fp, l.src[start:l.pos]...)
	l.push(t)
}

func (l *lexer) fpGap() {
	if len(l.fp) > fingerprintBound {
		l.s.Huge = true
		l.fp = l.fp[:0]
	}
	if l.gap && len(l.tokens) > 0 {
		l.fp = append(l.fp, ' ')
	}
	l.gap = false
}

func (l *lexer) push(t Token) {
	l.tokens = append(l.tokens, t)
	if l.body.watch || len(l.tokens) == 1 {
		l.body.token(l.tokens)
	}
}

// literal is emit for a literal: only the mark of its class enters the fingerprint.
func (l *lexer) literal(kind Kind, mark byte, start int) {
	l.fpGap()
	l.fp = append(l.fp, mark)
	l.s.Literals = append(l.s.Literals, int32(len(l.tokens)))
	l.push(Token{Kind: kind, Start: uint32(start), End: uint32(l.pos)})
}

func (l *lexer) emitOp(n int) {
	start := l.pos
	op := uint32(l.src[start])
	for i := 1; i < n; i++ {
		op |= uint32(l.src[start+i]) << (8 * i)
	}
	l.pos += n
	if n == 1 && op <= uint32(fpEscape) {
		l.fpGap()
		l.fp = append(l.fp, fpEscape, byte(op))
		l.push(Token{Kind: Op, Op: op, Start: uint32(start), End: uint32(l.pos)})
		return
	}
	l.emit(Token{Kind: Op, Op: op}, start)
}

func (l *lexer) operatorLen(c byte) int {
	next := l.at(l.pos + 1)
	switch c {
	case '<':
		if next == '=' {
			if l.at(l.pos+2) == '>' {
				return 3
			}
			return 2
		}
		if next == '>' || next == '<' {
			return 2
		}
	case '>':
		if next == '=' || next == '>' {
			return 2
		}
	case '!', ':':
		if next == '=' {
			return 2
		}
	case '|', '&':
		if next == c {
			return 2
		}
	}
	return 1
}

// takeDot emits a '.'; what touches it is a name, whatever it looks like (`t.1a`, `t.select`).
func (l *lexer) takeDot() {
	l.emitOp(1)
	l.dot = l.pos < len(l.src) && isIdent(l.src[l.pos])
}

// dotAfter takes the dot that touches an unquoted name and is itself touched by a name, so that `t.1a` is not read as t and .1.
func (l *lexer) dotAfter() {
	if l.at(l.pos) == '.' && isIdent(l.at(l.pos+1)) && l.pos+1 < len(l.src) {
		l.takeDot()
	}
}

// wordEnd is where the unquoted name that begins at i ends.
func (l *lexer) wordEnd(i int) int {
	src := l.src
	if l.mb != nil {
		for i < len(src) && isIdent(src[i]) {
			i += l.mb.length(src, i)
		}
		return i
	}
	for i < len(src) && isIdent(src[i]) {
		i++
	}
	return i
}

// word reads an unquoted identifier, a keyword, an introducer, or what x', b' and n' begin.
func (l *lexer) word() error {
	src, start := l.src, l.pos
	c := src[start]
	if l.at(start+1) == '\'' {
		switch c {
		case 'x', 'X':
			return l.digitString(Hex, fpHex, isHexDigit)
		case 'b', 'B':
			return l.digitString(Bit, fpBit, isBitDigit)
		case 'n', 'N':
			l.pos++
			l.emit(Token{Kind: Introducer}, start)
			return l.quoted()
		}
	}
	i := start
	h := uint32(0)
	if l.mb != nil {
		i = l.wordEnd(start)
		for _, c := range src[start:i] {
			h = hashByte(h, c)
		}
	} else {
		for i < len(src) {
			c := src[i]
			if cl := byteClass[c]; cl != cWord && cl != cDigit {
				break
			}
			h = h*31 + uint32(c|0x20)
			h ^= h >> 11
			i++
		}
	}
	l.pos = i
	if i+1 < len(src) && src[i] == '.' && isIdent(src[i+1]) { // `select.a` names a table, even unquoted
		l.emit(Token{Kind: Word}, start)
		l.takeDot()
		return nil
	}
	kw := lookupKeyword(src[start:i], h)
	if kw == KwMinus && l.mode.Oracle {
		kw = KwExcept
	}
	if kw == kwIntroducer {
		l.emit(Token{Kind: Introducer}, start)
		return nil
	}
	l.emit(Token{Kind: Word, KW: kw}, start)
	return nil
}

// moreAfter says whether anything but white space, comments and semicolons follows.
func (l *lexer) moreAfter(i int) bool {
	for i < len(l.src) {
		switch c := l.src[i]; {
		case byteClass[c] == cSpace, c == ';', c == 0 && i+1 == len(l.src):
			i++
		case c == '#', c == '-' && l.at(i+1) == '-' && (i+2 == len(l.src) || byteClass[l.src[i+2]] == cSpace || l.src[i+2] < ' '):
			i = lineEnd(l.src, i)
		case c == '/' && l.at(i+1) == '*' && l.at(i+2) != '!' && !(l.at(i+2) == 'M' && l.at(i+3) == '!'):
			end, ok := commentEnd(l.src, i+2)
			if !ok {
				return true
			}
			i = end
		default:
			return true
		}
	}
	return false
}
