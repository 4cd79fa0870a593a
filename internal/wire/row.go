package wire

import "encoding/binary"

// TextRow walks over the values of a text row, without allocating: r := TextRow(payload); for { v, null, ok := r.Next() … }.
type TextRow []byte

// Next returns the next value, a slice of the payload. ok is false at the end and for what cannot be read; [TextRow.Done] tells
// these apart.
func (r *TextRow) Next() (value []byte, null, ok bool) {
	p := *r
	if len(p) > 0 && p[0] == nullMark {
		*r = p[1:]
		return nil, true, true
	}
	value, rest, ok := LenencBytes(p)
	if ok {
		*r = rest
	}
	return value, false, ok
}

// Done reports whether all of the row was read.
func (r TextRow) Done() bool { return len(r) == 0 }

// SplitTextRow reads exactly len(dst) values of a text row into dst; a NULL is nil, an empty string is not.
func SplitTextRow(payload []byte, dst [][]byte) error {
	r := TextRow(payload)
	for i := range dst {
		v, null, ok := r.Next()
		switch {
		case !ok:
			return ErrMalformed
		case null:
			dst[i] = nil
		default:
			dst[i] = v
		}
	}
	if !r.Done() {
		return ErrMalformed
	}
	return nil
}

// BinaryRow walks over the values of a binary row, without allocating.
type BinaryRow struct {
	nulls []byte
	rest  []byte
	n     int
}

// Reset begins with a row of columns values.
func (r *BinaryRow) Reset(payload []byte, columns int) error {
	*r = BinaryRow{}
	nulls := (columns + 9) / 8 // the first two bits are unused
	if len(payload) < 1+nulls || payload[0] != 0 {
		return ErrMalformed
	}
	r.nulls, r.rest = payload[1:1+nulls], payload[1+nulls:]
	return nil
}

// Next returns the next value, which must be of type typ: the bytes of a number, and of the others what follows their length.
// ok is false at the end and for what cannot be read.
func (r *BinaryRow) Next(typ FieldType) (value []byte, null, ok bool) {
	bit := r.n + 2
	if bit>>3 >= len(r.nulls) {
		return nil, false, false
	}
	r.n++
	if r.nulls[bit>>3]&(1<<(bit&7)) != 0 {
		return nil, true, true
	}
	value, r.rest, ok = binaryValue(r.rest, typ)
	return value, false, ok
}

// Done reports whether all of the row's bytes were read.
func (r *BinaryRow) Done() bool { return len(r.rest) == 0 }

// binaryValue splits a value of the binary protocol off p.
func binaryValue(p []byte, typ FieldType) (value, rest []byte, ok bool) {
	n := typ.fixedSize()
	if n < 0 {
		return LenencBytes(p)
	}
	if n > len(p) {
		return nil, p, false
	}
	return p[:n:n], p[n:], true
}

// fixedSize is the size of a type's values in the binary protocol, -1 for those with their length before them.
func (t FieldType) fixedSize() int {
	switch t {
	case TypeNull:
		return 0
	case TypeTiny:
		return 1
	case TypeShort, TypeYear:
		return 2
	case TypeLong, TypeInt24, TypeFloat:
		return 4
	case TypeLongLong, TypeDouble:
		return 8
	}
	return -1
}

// IsTemporal reports whether the type's binary values are dates or times.
func (t FieldType) IsTemporal() bool {
	switch t {
	case TypeDate, TypeNewDate, TypeDateTime, TypeTimestamp, TypeTime, TypeTimestamp2, TypeDateTime2, TypeTime2:
		return true
	}
	return false
}

// IsInteger reports whether the type's binary values are integers.
func (t FieldType) IsInteger() bool {
	switch t {
	case TypeTiny, TypeShort, TypeYear, TypeLong, TypeInt24, TypeLongLong:
		return true
	}
	return false
}

// BinaryInt reads an integer of the binary protocol; a signed one is extended to 64 bits.
func BinaryInt(value []byte, unsigned bool) uint64 {
	switch len(value) {
	case 1:
		if unsigned {
			return uint64(value[0])
		}
		return uint64(int8(value[0]))
	case 2:
		v := binary.LittleEndian.Uint16(value)
		if unsigned {
			return uint64(v)
		}
		return uint64(int16(v))
	case 4:
		v := binary.LittleEndian.Uint32(value)
		if unsigned {
			return uint64(v)
		}
		return uint64(int32(v))
	case 8:
		return binary.LittleEndian.Uint64(value)
	}
	return 0
}
