package sqltext

import "bytes"

// lineEnd is where a comment ends that goes on to the end of its line: after the line, or before a NUL.
func lineEnd(src []byte, i int) int {
	for ; i < len(src); i++ {
		switch src[i] {
		case '\n':
			return i + 1
		case 0:
			return i
		}
	}
	return i
}

// commentEnd is the offset after the first */ from i on.
func commentEnd(src []byte, i int) (int, bool) {
	if i > len(src) {
		return 0, false
	}
	j := bytes.Index(src[i:], []byte("*/"))
	return i + j + 2, j >= 0
}

func (l *lexer) lineComment() {
	l.pos = lineEnd(l.src, l.pos)
	l.gap = true
}

// comment reads what begins with /*. The inside of an executable comment that MariaDB would execute is read as tokens.
func (l *lexer) comment() error {
	start := l.pos
	l.gap = true
	i := start + 2
	maria := false
	if l.at(i) == 'M' && l.at(i+1) == '!' {
		maria = true
		i++
	}
	if l.exec || l.at(i) != '!' {
		// Inside an executable comment, /*! begins nothing new: MariaDB reads a nested one as a comment or as text, and the first */ ends both.
		if l.exec && l.at(i) == '!' {
			return l.nestedExec(i+1, maria)
		}
		end, ok := commentEnd(l.src, start+2)
		if !ok {
			return l.fail("unclosed comment", start)
		}
		l.pos = end
		return nil
	}
	return l.execComment(i+1, maria)
}

// version reads the five or six digits after /*!; without five there is no version.
func (l *lexer) version(i int) (v, end int) {
	n := 0
	for n < 6 && byteClass[l.at(i+n)] == cDigit {
		v = v*10 + int(l.src[i+n]-'0')
		n++
	}
	if n < 5 {
		return 0, i
	}
	return v, i + n
}

func (l *lexer) execComment(i int, maria bool) error {
	v, body := l.version(i)
	ours := v == oursVersion && oursFollows(l.src[body:])
	if ours || l.executed(v, maria) {
		l.exec = true
		l.pos = body
		l.markExec()
		return nil
	}
	return l.skipExec(body)
}

// executed says whether MariaDB executes a comment of this version: 50700 to 99999 are versions of MySQL that MariaDB never was.
func (l *lexer) executed(v int, maria bool) bool {
	return v <= l.mode.Version && (maria || v < 50700 || v > 99999)
}

// nestedExec is /*! inside an executable comment.
func (l *lexer) nestedExec(i int, maria bool) error {
	v, body := l.version(i)
	if l.executed(v, maria) {
		l.pos = body
		l.markExec()
		return nil
	}
	return l.skipExec(body)
}

// skipExec skips an executable comment that is not for us. MariaDB lets one level of comments nest in it.
func (l *lexer) skipExec(i int) error {
	start := l.pos
	for i < len(l.src) {
		switch {
		case l.src[i] == '*' && l.at(i+1) == '/':
			l.pos = i + 2
			return nil
		case l.src[i] == '/' && l.at(i+1) == '*':
			end, ok := commentEnd(l.src, i+2)
			if !ok {
				return l.fail("unclosed comment", start)
			}
			i = end
		default:
			i++
		}
	}
	return l.fail("unclosed comment", start)
}

// markExec records that an executable comment's delimiter stands before the next token.
func (l *lexer) markExec() {
	l.gap = true
	m := int32(len(l.tokens))
	if n := len(l.s.ExecMarks); n == 0 || l.s.ExecMarks[n-1] != m {
		l.s.ExecMarks = append(l.s.ExecMarks, m)
	}
}

// oursVersion marks the comments that carry Orbweaver's own syntax past plain servers.
const oursVersion = 999999

// oursFollows says whether a comment's content begins with syntax of ours: SHARD KEY, maybe after the comma that separates it from what
// stands before the comment or after DEFAULT, or REFERENCE. Other tools use the same version for messages of theirs.
func oursFollows(b []byte) bool {
	b = bytes.TrimLeft(b, " \t\r\n")
	if len(b) > 0 && b[0] == ',' {
		b = bytes.TrimLeft(b[1:], " \t\r\n")
	} else if _, ok := cutWord(b, "reference"); ok {
		return true
	} else if rest, ok := cutWord(b, "default"); ok {
		b = bytes.TrimLeft(rest, " \t\r\n")
	}
	b, ok := cutWord(b, "shard")
	if !ok {
		return false
	}
	_, ok = cutWord(bytes.TrimLeft(b, " \t\r\n"), "key")
	return ok
}

// cutWord cuts a whole word, given in lower case, off the front.
func cutWord(b []byte, lower string) ([]byte, bool) {
	if len(b) < len(lower) || !equalFoldLower(b[:len(lower)], lower) || len(b) > len(lower) && isIdent(b[len(lower)]) {
		return b, false
	}
	return b[len(lower):], true
}
