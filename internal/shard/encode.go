package shard

import (
	"bytes"
	"unicode/utf8"
)

// compare is the value that a column's values equal to v have.
func (c *column) compare(v *Value) (Stored, error) {
	if v.Kind == Null {
		if !c.nullable && (c.class == classDate || c.class == classTimestamp) {
			return inexact() // IS NULL finds 0000-00-00 in a NOT NULL column
		}
		return Stored{}, nil
	}
	switch c.class {
	case classInt, classYear:
		i, ok := c.comparedInt(v)
		return i.stored(), exactly(ok)
	case classDecimal:
		n, ok := c.comparedNumber(v)
		return n.stored(), exactly(ok && c.fits(n))
	case classString:
		s, ok := c.comparedString(v)
		return Stored{Kind: StoredText, B: s}, exactly(ok)
	case classBytes:
		b, ok := c.bytesOf(v)
		return Stored{Kind: StoredBytes, B: b}, exactly(ok)
	case classFloat:
		f, ok := c.comparedFloat(v)
		return Stored{Kind: StoredFloat, F: f}, exactly(ok)
	}
	return c.temporalOrAddress(v)
}

// found is what is stored in the rows that v may equal. Nothing that a CHAR stores ends in spaces; under PAD_CHAR_TO_FULL_LENGTH v may have those that such a column shows.
func (c *column) found(v *Value) (Stored, error) {
	st, err := c.compare(v)
	if err == nil && st.Kind == StoredText && c.fixed {
		if space, ok := Convert([]byte{' '}, "ascii", c.coll.Charset); ok {
			for bytes.HasSuffix(st.B, space) {
				st.B = st.B[:len(st.B)-len(space)]
			}
		}
	}
	return st, err
}

// store is what writing v into the column leaves there.
func (c *column) store(v *Value, w Weights) (Stored, error) {
	if v.Kind == Null {
		return Stored{}, exactly(c.nullable) // else an error, or the type's implicit default without strict mode
	}
	switch c.class {
	case classInt, classYear:
		i, ok := c.comparedInt(v)
		return i.stored(), exactly(ok && (c.class == classYear || c.within(i)))
	case classDecimal:
		n, ok := c.storedNumber(v)
		return n.stored(), exactly(ok && c.fits(n))
	case classString:
		return c.storedString(v, w)
	case classBytes:
		b, ok := c.bytesOf(v)
		st := Stored{Kind: StoredBytes, B: b}
		if c.fixed {
			st.Pad = max(int(c.length)-len(b), 0)
		}
		return st, exactly(ok && int64(len(b)) <= c.length)
	case classFloat:
		f, ok := c.storedFloat(v)
		return Stored{Kind: StoredFloat, F: f}, exactly(ok)
	}
	return c.temporalOrAddress(v)
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
func (c *column) comparedString(v *Value) ([]byte, bool) {
	switch v.Kind {
	case String:
		return convert(v.B, v.Charset, c.coll.Charset)
	case Bytes, Hybrid:
		// Compared byte by byte, which is stricter than the collation: equal rows have these very bytes.
		return v.B, true
	case Int, Uint, Number:
		return c.byNumber(v)
	}
	return nil, false
}

// storedString is for writing v into CHAR, VARCHAR, ENUM and SET.
func (c *column) storedString(v *Value, w Weights) (Stored, error) {
	var s []byte
	ok := false
	switch v.Kind {
	case String:
		s, ok = convert(v.B, v.Charset, c.coll.Charset)
	case Int, Uint:
		if c.typ != "enum" && c.typ != "set" {
			return c.storedDigits(v)
		}
		s, ok = c.byNumber(v)
	case Number:
		if c.typ == "enum" || c.typ == "set" {
			s, ok = c.byNumber(v)
			break
		}
		u, plain := digits(v.B)
		if plain && (!v.Neg || u <= 1<<63) {
			return c.storedDigits(&Value{Kind: kindOf(v.Neg), U: u, I: int64(-u)})
		}
	}
	if !ok {
		return inexact()
	}
	switch {
	case c.typ == "enum" || c.typ == "set":
		return c.storedMember(s, v.Kind == String, w)
	case c.fixed && !wide(c.coll.Charset):
		s = bytes.TrimRight(s, " ")
	case c.fixed:
		return inexact()
	}
	return Stored{Kind: StoredText, B: s}, exactly(characters(s, c.coll.Charset) <= c.length)
}

// storedDigits is for writing an integer into CHAR and VARCHAR: its digits are stored.
func (c *column) storedDigits(v *Value) (Stored, error) {
	b, neg := appendMagnitude([]byte{'-'}, v)
	if !neg {
		b = b[1:]
	}
	return Stored{Kind: StoredText, B: b}, exactly(!wide(c.coll.Charset) && int64(len(b)) <= c.length)
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

// storedMember is an ENUM's or SET's text s, which must be its members'.
func (c *column) storedMember(s []byte, lookUp bool, w Weights) (Stored, error) {
	if !lookUp {
		return Stored{Kind: StoredText, B: s}, nil
	}
	if len(c.members) == 0 || wide(c.coll.Charset) {
		return inexact()
	}
	bits, err := c.memberBits(s, w)
	if err != nil {
		return Stored{}, err
	}
	if !c.isSet {
		return Stored{Kind: StoredText, B: c.members[bits-1]}, nil
	}
	return Stored{Kind: StoredText, B: c.joined(bits)}, nil
}

// memberBits is the number of an ENUM's member, or the bits of a SET's, that s names.
func (c *column) memberBits(s []byte, w Weights) (uint64, error) {
	if !c.isSet {
		m, err := c.member(s, w)
		return uint64(m) + 1, err
	}
	if len(s) == 0 {
		return 0, nil
	}
	var bits uint64
	for _, part := range bytes.Split(s, []byte{','}) {
		m, err := c.member(part, w)
		if err != nil {
			return 0, err
		}
		bits |= 1 << m
	}
	return bits, nil
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
func (c *column) temporalOrAddress(v *Value) (Stored, error) {
	switch c.class {
	case classDate, classTimestamp:
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
			return inexact()
		}
		return Stored{Kind: StoredDate, I: packed}, nil
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
		return Stored{Kind: StoredTime, I: micros}, exactly(ok && scale <= c.scale)
	case classUUID, classInet4, classInet6:
		return c.address(v.B, v.Kind == String && !wide(v.Charset))
	}
	return inexact()
}

// address reads a UUID or an IP address.
func (c *column) address(s []byte, ok bool) (st Stored, err error) {
	switch {
	case !ok:
		return inexact()
	case c.class == classUUID:
		st.Kind = StoredUUID
		st.Address, ok = parseUUID(s)
	case c.class == classInet4:
		st.Kind = StoredInet4
		st.Address, ok = parseInet(s, false)
	default:
		st.Kind = StoredInet6
		st.Address, ok = parseInet(s, true)
	}
	return st, exactly(ok)
}

// maybeLost says whether a question mark may stand for a byte that has no place in the character set that the text was printed in.
func maybeLost(s []byte, printed, stored string) bool {
	switch stored {
	case "utf8mb4", "utf8mb3", "ucs2", "utf16", "utf16le", "utf32", "latin1", printed:
		return false
	}
	return bytes.IndexByte(s, '?') >= 0
}

// row is a stored value, from the text that a leaf prints for it.
func (c *column) row(s []byte, charset string) (Stored, error) {
	switch c.class {
	case classInt, classYear:
		i, ok := signedDigits(s)
		if c.typ == "bit" {
			i, ok = hybrid(s)
		}
		return i.stored(), exactly(ok)
	case classDecimal:
		n, ok := parseNumber(s, false)
		return n.stored(), exactly(ok)
	case classString:
		t, ok := convert(s, charset, c.coll.Charset)
		if c.fixed && !wide(c.coll.Charset) {
			t = bytes.TrimRight(t, " ") // PAD_CHAR_TO_FULL_LENGTH
		}
		return Stored{Kind: StoredText, B: t}, exactly(ok && !maybeLost(s, charset, c.coll.Charset))
	case classBytes:
		return Stored{Kind: StoredBytes, B: s}, nil
	case classDate, classTimestamp:
		packed, _, ok := parseDateTime(s)
		return Stored{Kind: StoredDate, I: packed}, exactly(ok)
	case classTime:
		micros, _, ok := parseTime(s)
		return Stored{Kind: StoredTime, I: micros}, exactly(ok)
	case classFloat:
		f, ok := c.printedFloat(s)
		return Stored{Kind: StoredFloat, F: f}, exactly(ok)
	}
	return c.address(s, !wide(charset))
}
