package sqltext

import "bytes"

// Unquote appends the bytes that a token stands for to dst: of a String what its escapes mean, of a QuotedID and a Word the identifier, of a
// UserVar or SysVar the name without @, of Hex and Bit literals the bytes they denote, of a Number its text. The bytes are in the client's
// character set; \% and \_ stay as they are, as in MariaDB. src is the text that the token was scanned from.
func Unquote(dst []byte, tok Token, src []byte, mode Mode) []byte {
	b := src[tok.Start:tok.End]
	switch tok.Kind {
	case UserVar, SysVar:
		b = bytes.TrimLeft(b, "@")
		if len(b) > 1 && b[0] == '`' {
			return unquoteName(dst, b)
		}
		if len(b) > 1 && (b[0] == '\'' || b[0] == '"') {
			return unquoteString(dst, b, mode)
		}
	case QuotedID:
		return unquoteName(dst, b)
	case String:
		return unquoteString(dst, b, mode)
	case Hex:
		return unquoteHex(dst, b)
	case Bit:
		return unquoteBit(dst, b)
	}
	return append(dst, b...)
}

// unquoteName reads an identifier in quotes, which are doubled inside.
func unquoteName(dst, b []byte) []byte {
	quote := b[0]
	b = b[1 : len(b)-1]
	for i := 0; i < len(b); i++ {
		dst = append(dst, b[i])
		if b[i] == quote && i+1 < len(b) && b[i+1] == quote {
			i++
		}
	}
	return dst
}

func unquoteString(dst, b []byte, mode Mode) []byte {
	quote := b[0]
	escapes := !mode.NoBackslashEscapes && !(quote == '"' && mode.ANSIQuotes)
	b = b[1 : len(b)-1]
	mb := multibyteOf(mode.Multibyte)
	if mb == nil && bytes.IndexByte(b, quote) < 0 && (!escapes || bytes.IndexByte(b, '\\') < 0) {
		return append(dst, b...)
	}
	for i := 0; i < len(b); i++ {
		c := b[i]
		if mb != nil && mb.length(b, i) == 2 {
			dst = append(dst, c, b[i+1])
			i++
			continue
		}
		if c == quote && i+1 < len(b) && b[i+1] == quote {
			i++
		} else if c == '\\' && escapes && i+1 < len(b) {
			i++
			switch c = b[i]; c {
			case 'n':
				c = '\n'
			case 't':
				c = '\t'
			case 'r':
				c = '\r'
			case 'b':
				c = '\b'
			case '0':
				c = 0
			case 'Z':
				c = 26
			case '%', '_':
				dst = append(dst, '\\')
			}
		}
		dst = append(dst, c)
	}
	return dst
}

// unquoteHex reads x'4142', and 0x141 as 01 41.
func unquoteHex(dst, b []byte) []byte {
	b = digitsOf(b)
	if len(b)%2 != 0 {
		dst = append(dst, hexValue(b[0]))
		b = b[1:]
	}
	for i := 0; i+1 < len(b); i += 2 {
		dst = append(dst, hexValue(b[i])<<4|hexValue(b[i+1]))
	}
	return dst
}

// unquoteBit reads b'101' and 0b101: big-endian bytes, the first one filled with zeros.
func unquoteBit(dst, b []byte) []byte {
	b = digitsOf(b)
	c := byte(0)
	for i := range b {
		c = c<<1 | b[i]&1
		if (len(b)-i)%8 == 1 {
			dst = append(dst, c)
			c = 0
		}
	}
	return dst
}

// digitsOf cuts x'…' and 0x… down to their digits.
func digitsOf(b []byte) []byte {
	if b[1] == '\'' {
		return b[2 : len(b)-1]
	}
	return b[2:]
}

func hexValue(c byte) byte {
	switch {
	case c >= 'a':
		return c - 'a' + 10
	case c >= 'A':
		return c - 'A' + 10
	}
	return c - '0'
}
