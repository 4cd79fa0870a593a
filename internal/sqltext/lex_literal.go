package sqltext

import "bytes"

func isHexDigit(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func isBitDigit(c byte) bool { return c == '0' || c == '1' }

// digitString reads x'…' and b'…'. MariaDB accepts nothing else there than digits, and an even number for x.
func (l *lexer) digitString(kind Kind, mark byte, ok func(byte) bool) error {
	start := l.pos
	i := start + 2
	for i < len(l.src) && ok(l.src[i]) {
		i++
	}
	if l.at(i) != '\'' || kind == Hex && (i-start)%2 != 0 {
		return l.fail("bad literal", start)
	}
	l.pos = i + 1
	l.literal(kind, mark, start)
	return nil
}

// number reads what begins with a digit: a number, 0x…, 0b…, or an identifier such as 1a. The order of the attempts is MariaDB's.
func (l *lexer) number() {
	src, start := l.src, l.pos
	i := start
	for i < len(src) && byteClass[src[i]] == cDigit {
		i++
	}
	c := l.at(i)
	if c == 'x' && i == start+1 && src[start] == '0' {
		if j := skip(src, i+1, isHexDigit); j > i+1 && !(j < len(src) && isIdent(src[j])) {
			l.pos = j
			l.literal(Hex, fpHex, start)
			return
		}
	}
	if c == 'b' && i == start+1 && src[start] == '0' {
		if j := skip(src, i+1, isBitDigit); j > i+1 && !(j < len(src) && isIdent(src[j])) {
			l.pos = j
			l.literal(Bit, fpBit, start)
			return
		}
	}
	if c == 'e' || c == 'E' {
		if j, ok := l.exponentEnd(i); ok {
			l.pos = j
			l.literal(Number, fpFloat, start)
			return
		}
	}
	if i < len(src) && isIdent(c) {
		l.pos = l.wordEnd(i)
		l.emit(Token{Kind: Word}, start)
		l.dotAfter()
		return
	}
	if c != '.' {
		l.pos = i
		l.literal(Number, fpInt, start)
		return
	}
	l.fractionFrom(start, i)
}

// fraction reads .5 and .5e3.
func (l *lexer) fraction(start int) { l.fractionFrom(start, start) }

func (l *lexer) fractionFrom(start, dot int) {
	i := skip(l.src, dot+1, func(c byte) bool { return byteClass[c] == cDigit })
	mark := fpDecimal
	if c := l.at(i); c == 'e' || c == 'E' {
		if j, ok := l.exponentEnd(i); ok {
			i, mark = j, fpFloat
		}
	}
	l.pos = i
	l.literal(Number, mark, start)
}

// exponentEnd reads e5, e+5, e-5 at i.
func (l *lexer) exponentEnd(i int) (end int, ok bool) {
	i++
	if c := l.at(i); c == '+' || c == '-' {
		i++
	}
	end = skip(l.src, i, func(c byte) bool { return byteClass[c] == cDigit })
	return end, end > i
}

func skip(src []byte, i int, ok func(byte) bool) int {
	for i < len(src) && ok(src[i]) {
		i++
	}
	return i
}

// quoted reads '…' and "…"; the latter is an identifier under ANSI_QUOTES.
func (l *lexer) quoted() error {
	start := l.pos
	end, err := l.stringEnd(start)
	if err != nil {
		return err
	}
	l.pos = end
	if l.src[start] == '"' && l.mode.ANSIQuotes {
		l.emit(Token{Kind: QuotedID}, start)
		return nil
	}
	l.literal(String, fpString, start)
	return nil
}

// stringEnd is where the string ends whose quote stands at start. Backslashes escape nothing in an identifier.
func (l *lexer) stringEnd(start int) (int, error) {
	src, quote := l.src, l.src[start]
	escapes := !l.mode.NoBackslashEscapes && !(quote == '"' && l.mode.ANSIQuotes)
	for i := start + 1; i < len(src); {
		c := src[i]
		switch {
		case l.mb != nil && c >= 0x80:
			i += l.mb.length(src, i)
			continue
		case c == '\\' && escapes:
			i++ // a backslash escapes one byte, be it the first of two: so does MariaDB
		case c == quote:
			if l.at(i+1) != quote || i+1 >= len(src) {
				return i + 1, nil
			}
			i++
		}
		i++
	}
	return 0, l.fail("unclosed string", start)
}

// tickEnd is where the identifier ends whose backtick stands at start.
func (l *lexer) tickEnd(start int) (int, error) {
	src := l.src
	for i := start + 1; i < len(src); {
		if l.mb == nil {
			j := bytes.IndexByte(src[i:], '`')
			if j < 0 {
				break
			}
			i += j
		} else if src[i] != '`' {
			i += l.mb.length(src, i)
			continue
		}
		if l.at(i+1) != '`' {
			return i + 1, nil
		}
		i += 2
	}
	return 0, l.fail("unclosed identifier", start)
}

// variable reads @x, @'x', @`x`, @@x; a lone @ is an operator.
func (l *lexer) variable() error {
	start := l.pos
	kind, i := UserVar, start+1
	if l.at(i) == '@' {
		kind, i = SysVar, i+1
	}
	end := i
	var err error
	switch c := l.at(i); {
	case c == '`':
		end, err = l.tickEnd(i)
	case (c == '\'' || c == '"') && kind == UserVar:
		end, err = l.stringEnd(i)
	case kind == UserVar:
		for end < len(l.src) && (isIdent(l.src[end]) || l.src[end] == '.') {
			if l.mb != nil {
				end += l.mb.length(l.src, end)
			} else {
				end++
			}
		}
	default:
		end = l.wordEnd(i)
	}
	if err != nil {
		return err
	}
	if end == i {
		l.emitOp(1)
		return nil
	}
	l.pos = end
	l.emit(Token{Kind: kind}, start)
	return nil
}

// multibyte is a client character set whose characters' second bytes may be ASCII.
type multibyte struct {
	lead, trail [256]bool
}

// length of the character at i: 2 for a valid pair, else 1.
func (m *multibyte) length(src []byte, i int) int {
	if m.lead[src[i]] && i+1 < len(src) && m.trail[src[i+1]] {
		return 2
	}
	return 1
}

var (
	mbGBK  = newMultibyte(0x81, 0xfe, 0, -1, 0x80, 0xfe)
	mbBig5 = newMultibyte(0xa1, 0xf9, 0, -1, 0xa1, 0xfe)
	mbSJIS = newMultibyte(0x81, 0x9f, 0xe0, 0xfc, 0x80, 0xfc)
)

func newMultibyte(lead1, lead2, lead3, lead4, trail1, trail2 int) *multibyte {
	m := new(multibyte)
	for c := range 256 {
		m.lead[c] = lead1 <= c && c <= lead2 || lead3 <= c && c <= lead4
		m.trail[c] = 0x40 <= c && c <= 0x7e || trail1 <= c && c <= trail2
	}
	return m
}

func multibyteOf(name string) *multibyte {
	switch name {
	case "gbk":
		return mbGBK
	case "big5":
		return mbBig5
	case "sjis", "cp932":
		return mbSJIS
	}
	return nil
}
