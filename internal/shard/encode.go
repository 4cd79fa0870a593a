package shard

import (
	"bytes"
	"unicode/utf8"
)

// compare appends the canonical form that a column's values equal to v have.
func (c *column) compare(dst []byte, v *Value, w Weights) ([]byte, error) {
	if v.Kind == Null {
		if !c.nullable && c.class == classDate {
			return dst, ErrInexact // IS NULL finds 0000-00-00 in a NOT NULL column
		}
		return append(dst, tagNull), nil
	}
	switch c.class {
	case classInt, classYear:
		i, ok := c.comparedInt(v)
		if !ok {
			return dst, ErrInexact
		}
		return i.append(dst), nil
	case classDecimal:
		n, ok := c.comparedNumber(v)
		if !ok || !c.fits(n) {
			return dst, ErrInexact
		}
		return n.append(dst), nil
	case classString:
		return c.comparedString(dst, v, w)
	case classBytes:
		b, ok := c.bytesOf(v)
		if !ok {
			return dst, ErrInexact
		}
		return appendBytes(dst, b), nil
	}
	return c.temporalOrAddress(dst, v)
}

// store appends the canonical form of what writing v into the column leaves there.
func (c *column) store(dst []byte, v *Value, w Weights) ([]byte, error) {
	if v.Kind == Null {
		if !c.nullable {
			return dst, ErrInexact // an error, or the type's implicit default without strict mode
		}
		return append(dst, tagNull), nil
	}
	switch c.class {
	case classInt, classYear:
		i, ok := c.comparedInt(v)
		if !ok || c.class == classInt && !c.within(i) {
			return dst, ErrInexact
		}
		return i.append(dst), nil
	case classDecimal:
		n, ok := c.storedNumber(v)
		if !ok || !c.fits(n) {
			return dst, ErrInexact
		}
		return n.append(dst), nil
	case classString:
		return c.storedString(dst, v, w)
	case classBytes:
		b, ok := c.bytesOf(v)
		if !ok || int64(len(b)) > c.length {
			return dst, ErrInexact
		}
		dst, from := begin(dst, tagBytes)
		dst = append(dst, b...)
		if c.fixed {
			for n := int64(len(b)); n < c.length; n++ {
				dst = append(dst, 0)
			}
		}
		return end(dst, from), nil
	}
	return c.temporalOrAddress(dst, v)
}

// comparedInt is v as the integer that an integer, BIT or YEAR column is compared with or stores.
func (c *column) comparedInt(v *Value) (i integer, ok bool) {
	switch v.Kind {
	case Int:
		i, ok = fromInt(v.I), true
	case Uint:
		i, ok = integer{v: v.U}, true
	case Number:
		if u, plain := digits(v.B); plain {
			i, ok = integer{v: u, neg: v.Neg && u != 0}, !v.Neg || u <= 1<<63
			break
		}
		if n, number := parseNumber(v.B, v.Neg); number {
			i, ok = n.integer()
		}
	case Float:
		i, ok = fromDouble(v.F)
	case String:
		// The bytes of a string are the value of a BIT.
		if c.typ != "bit" {
			i, ok = signedDigits(v.B)
		}
	case Hybrid:
		i, ok = hybrid(v.B)
		if c.class == classYear || c.typ != "bit" && len(v.B) == 0 {
			ok = false
		}
	}
	if c.typ == "bit" && i.neg {
		return i, false // meets the BIT's 64 bits as a number without sign
	}
	if ok && c.class == classYear {
		if v.Kind == String && len(v.B) != 4 {
			return i, false
		}
		return yearOf(i)
	}
	return i, ok
}

// comparedNumber is v as the number that a DECIMAL column is compared with.
func (c *column) comparedNumber(v *Value) (number, bool) {
	if v.Kind != String {
		return c.storedNumber(v)
	}
	// DECIMAL and a string meet as doubles: with few digits, these are as good as the decimals.
	n, ok := parseNumber(v.B, false)
	return n, ok && c.prec <= exactDigits && len(n.int)+len(n.frac) <= exactDigits
}

// storedNumber is v as the number that a DECIMAL column would hold.
func (c *column) storedNumber(v *Value) (number, bool) {
	switch v.Kind {
	case Int, Uint:
		var buf [24]byte
		b, neg := appendMagnitude(buf[:0], v)
		return parseNumber(b, neg)
	case Number:
		return parseNumber(v.B, v.Neg)
	case String:
		return parseNumber(v.B, false)
	}
	return number{}, false
}

func appendMagnitude(dst []byte, v *Value) ([]byte, bool) {
	i := integer{v: v.U}
	if v.Kind == Int {
		i = fromInt(v.I)
	}
	var rev [20]byte
	n := len(rev)
	for u := i.v; ; u /= 10 {
		n--
		rev[n] = byte('0' + u%10)
		if u < 10 {
			break
		}
	}
	return append(dst, rev[n:]...), i.neg
}

// comparedString is for `string column = v`. A number is compared as a double, which no text can be looked up by.
func (c *column) comparedString(dst []byte, v *Value, w Weights) ([]byte, error) {
	switch v.Kind {
	case String:
		s, ok := convert(v.B, v.Charset, c.coll.Charset)
		if !ok {
			return dst, ErrInexact
		}
		return c.text(dst, s, w)
	case Bytes, Hybrid:
		// Compared byte by byte, which is stricter than the collation: equal rows have these very bytes.
		return c.text(dst, v.B, w)
	case Int, Uint, Number:
		if m, ok := c.byNumber(v); ok {
			return c.text(dst, m, w)
		}
	}
	return dst, ErrInexact
}

// storedString is for writing v into CHAR, VARCHAR, ENUM and SET.
func (c *column) storedString(dst []byte, v *Value, w Weights) ([]byte, error) {
	var s []byte
	ok := false
	switch v.Kind {
	case String:
		s, ok = convert(v.B, v.Charset, c.coll.Charset)
	case Int, Uint:
		if c.typ != "enum" && c.typ != "set" {
			return c.storedDigits(dst, v, w)
		}
		s, ok = c.byNumber(v)
	case Number:
		if c.typ == "enum" || c.typ == "set" {
			s, ok = c.byNumber(v)
			break
		}
		u, plain := digits(v.B)
		if plain && (!v.Neg || u <= 1<<63) {
			return c.storedDigits(dst, &Value{Kind: kindOf(v.Neg), U: u, I: int64(-u)}, w)
		}
	}
	if !ok {
		return dst, ErrInexact
	}
	switch {
	case c.typ == "enum" || c.typ == "set":
		return c.storedMember(dst, s, v.Kind == String, w)
	case c.fixed && !wide(c.coll.Charset):
		s = bytes.TrimRight(s, " ")
	case c.fixed:
		return dst, ErrInexact
	}
	if characters(s, c.coll.Charset) > c.length {
		return dst, ErrInexact
	}
	return c.text(dst, s, w)
}

// storedDigits is for writing an integer into CHAR and VARCHAR: its digits are stored.
func (c *column) storedDigits(dst []byte, v *Value, w Weights) ([]byte, error) {
	b, neg := appendMagnitude([]byte{'-'}, v)
	if !neg {
		b = b[1:]
	}
	if wide(c.coll.Charset) || int64(len(b)) > c.length {
		return dst, ErrInexact
	}
	return c.text(dst, b, w)
}

func kindOf(neg bool) ValueKind {
	if neg {
		return Int
	}
	return Uint
}

// characters counts, at most too high: in other multi-byte character sets than UTF-8 bytes are counted.
func characters(s []byte, charset string) int64 {
	if charset == "utf8mb4" || charset == "utf8mb3" {
		return int64(utf8.RuneCount(s))
	}
	return int64(len(s))
}

// byNumber is the text of an ENUM's or SET's value with a number.
func (c *column) byNumber(v *Value) ([]byte, bool) {
	var i integer
	ok := true
	switch v.Kind {
	case Int:
		i = fromInt(v.I)
	case Uint:
		i.v = v.U
	default:
		i.v, ok = digits(v.B)
		i.neg = v.Neg
	}
	if !ok || i.neg || len(c.members) == 0 || i.v == 0 {
		return nil, false // 0 is '', or an error: sql_mode's business
	}
	if !c.isSet {
		if i.v > uint64(len(c.members)) {
			return nil, false
		}
		return c.members[i.v-1], true
	}
	if len(c.members) < 64 && i.v>>len(c.members) != 0 {
		return nil, false
	}
	return c.joined(i.v), true
}

// joined is a SET's text.
func (c *column) joined(bits uint64) []byte {
	var out []byte
	for m, name := range c.members {
		if bits>>m&1 != 0 {
			if out != nil {
				out = append(out, ',')
			}
			out = append(out, name...)
		}
	}
	return out
}

// storedMember appends the canonical form of an ENUM's or SET's text s, which must be its members'.
func (c *column) storedMember(dst, s []byte, lookUp bool, w Weights) ([]byte, error) {
	if !lookUp {
		return c.text(dst, s, w)
	}
	if len(c.members) == 0 || wide(c.coll.Charset) {
		return dst, ErrInexact
	}
	if !c.isSet {
		m, err := c.member(s, w)
		if err != nil {
			return dst, err
		}
		return c.text(dst, c.members[m], w)
	}
	if len(s) == 0 {
		return c.text(dst, s, w)
	}
	var bits uint64
	for _, part := range bytes.Split(s, []byte{','}) {
		m, err := c.member(part, w)
		if err != nil {
			return dst, err
		}
		bits |= 1 << m
	}
	return c.text(dst, c.joined(bits), w)
}

// member finds the member that s equals.
func (c *column) member(s []byte, w Weights) (int, error) {
	want, err := c.text(nil, bytes.TrimRight(s, " "), w)
	if err != nil {
		return 0, err
	}
	for i, m := range c.members {
		got, err := c.text(nil, m, w)
		if err != nil {
			return 0, err
		}
		if bytes.Equal(got, want) {
			return i, nil
		}
	}
	return 0, ErrInexact
}

// bytesOf is v as a byte string.
func (c *column) bytesOf(v *Value) ([]byte, bool) {
	switch v.Kind {
	case String, Bytes, Hybrid:
		return v.B, v.Kind != String || v.Charset != ""
	}
	return nil, false
}

// temporalOrAddress serves the types for which comparing and storing are alike.
func (c *column) temporalOrAddress(dst []byte, v *Value) ([]byte, error) {
	switch c.class {
	case classDate:
		packed, scale, ok := v.I, 0, true
		switch v.Kind {
		case String:
			packed, scale, ok = parseDateTime(v.B)
		case Date:
		case DateTime:
			scale = microScale(packed & (1<<24 - 1))
		default:
			ok = false
		}
		if !ok || scale > c.scale || c.isDate && packed&timeOfDay != 0 || !plain(packed) {
			return dst, ErrInexact
		}
		return appendInt64(dst, tagDate, packed), nil
	case classTime:
		micros, scale, ok := v.I, 0, true
		switch v.Kind {
		case String:
			micros, scale, ok = parseTime(v.B)
		case Time:
			scale = microScale(micros)
			ok = micros <= maxTime && micros >= -maxTime
		default:
			ok = false
		}
		if !ok || scale > c.scale {
			return dst, ErrInexact
		}
		return appendInt64(dst, tagTime, micros), nil
	case classUUID:
		if u, ok := parseUUID(v.B); ok && v.Kind == String && !wide(v.Charset) {
			return appendAddress(dst, tagUUID, u[:]), nil
		}
	case classInet4, classInet6:
		if a, ok := parseInet(v.B, c.class == classInet6); ok && v.Kind == String && !wide(v.Charset) {
			return appendAddress(dst, c.inetTag(), a), nil
		}
	}
	return dst, ErrInexact
}

func (c *column) inetTag() byte {
	if c.class == classInet6 {
		return tagInet6
	}
	return tagInet4
}

// maybeLost says whether a question mark may stand for a byte that has no place in the character set that the text was printed in.
func maybeLost(s []byte, printed, stored string) bool {
	switch stored {
	case "utf8mb4", "utf8mb3", "latin1", printed:
		return false
	}
	return bytes.IndexByte(s, '?') >= 0
}

// row appends the canonical form of a stored value from the text that a leaf prints for it.
func (c *column) row(dst, s []byte, charset string, w Weights) ([]byte, error) {
	switch c.class {
	case classInt, classYear:
		i, ok := signedDigits(s)
		if c.typ == "bit" {
			i, ok = hybrid(s)
		}
		if ok {
			return i.append(dst), nil
		}
	case classDecimal:
		if n, ok := parseNumber(s, false); ok {
			return n.append(dst), nil
		}
	case classString:
		t, ok := convert(s, charset, c.coll.Charset)
		if !ok || maybeLost(s, charset, c.coll.Charset) {
			return dst, ErrInexact
		}
		if c.fixed && !wide(c.coll.Charset) {
			t = bytes.TrimRight(t, " ") // PAD_CHAR_TO_FULL_LENGTH
		}
		return c.text(dst, t, w)
	case classBytes:
		return appendBytes(dst, s), nil
	case classDate:
		if packed, _, ok := parseDateTime(s); ok {
			return appendInt64(dst, tagDate, packed), nil
		}
	case classTime:
		if micros, _, ok := parseTime(s); ok {
			return appendInt64(dst, tagTime, micros), nil
		}
	case classUUID, classInet4, classInet6:
		return c.temporalOrAddress(dst, &Value{Kind: String, B: s, Charset: charset})
	}
	return dst, ErrInexact
}
