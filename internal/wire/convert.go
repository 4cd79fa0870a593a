package wire

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
)

// AppendBinaryRow appends a text row's values as a binary row: what a prepared statement's result needs that is not made by a server.
// It allocates nothing but what dst grows. A value that is none of its column's type is an error.
func AppendBinaryRow(dst []byte, cols []Column, textRow []byte) ([]byte, error) {
	dst = append(dst, 0)
	nulls := len(dst)
	for range (len(cols) + 9) / 8 {
		dst = append(dst, 0)
	}
	r := TextRow(textRow)
	for i := range cols {
		v, null, ok := r.Next()
		if !ok {
			return dst, ErrMalformed
		}
		if null || cols[i].Type == TypeNull {
			dst[nulls+(i+2)>>3] |= 1 << ((i + 2) & 7)
			continue
		}
		var err error
		if dst, err = appendBinary(dst, &cols[i], v); err != nil {
			return dst, fmt.Errorf("column %d: %w", i+1, err)
		}
	}
	if !r.Done() {
		return dst, ErrMalformed
	}
	return dst, nil
}

func appendBinary(dst []byte, c *Column, v []byte) ([]byte, error) {
	switch {
	case c.Type.IsInteger():
		n, ok := parseInt(v, c.Type.fixedSize()*8, c.Unsigned() || c.Type == TypeYear)
		if !ok {
			return dst, ErrMalformed
		}
		p := Param{ParamType: ParamType{Type: c.Type}, Int: n}
		return p.append(dst), nil
	case c.Type == TypeFloat:
		f, err := strconv.ParseFloat(string(v), 32)
		if err != nil {
			return dst, ErrMalformed
		}
		return binary.LittleEndian.AppendUint32(dst, math.Float32bits(float32(f))), nil
	case c.Type == TypeDouble:
		f, err := strconv.ParseFloat(string(v), 64)
		if err != nil {
			return dst, ErrMalformed
		}
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(f)), nil
	case c.Type.IsTemporal():
		t, err := ParseTemporalText(v, c.Type)
		if err != nil {
			return dst, err
		}
		return t.AppendBinary(dst, c.Type), nil
	}
	return AppendLenencBytes(dst, v), nil
}

// parseInt reads a decimal integer of so many bits, as two's complement.
func parseInt(v []byte, bits int, unsigned bool) (uint64, bool) {
	neg := len(v) > 0 && v[0] == '-'
	if neg {
		v = v[1:]
	}
	if len(v) == 0 {
		return 0, false
	}
	var n uint64
	for _, c := range v {
		if c < '0' || c > '9' || n > math.MaxUint64/10 {
			return 0, false
		}
		n *= 10
		d := uint64(c - '0')
		if n > math.MaxUint64-d {
			return 0, false
		}
		n += d
	}
	limit := uint64(math.MaxUint64) >> (64 - bits) // the largest unsigned
	switch {
	case unsigned:
		return n, n <= limit && (!neg || n == 0)
	case neg:
		return -n, n <= limit/2+1
	}
	return n, n <= limit/2
}

// SplitBinaryRow gives a binary row's values as a text row has them, but FLOAT with all of its digits; nil is NULL.
func SplitBinaryRow(row []byte, cols []Column, cells [][]byte) error {
	var r BinaryRow
	if err := r.Reset(row, len(cols)); err != nil {
		return err
	}
	for i := range cols {
		c := &cols[i]
		v, null, ok := r.Next(c.Type)
		if !ok {
			return ErrMalformed
		}
		if null || c.Type == TypeNull {
			cells[i] = nil
			continue
		}
		p := Param{ParamType: ParamType{Type: c.Type, Unsigned: c.Unsigned() || c.Type == TypeYear}}
		if err := p.set(v); err != nil {
			return err
		}
		switch {
		case c.Type.IsInteger() && p.Unsigned:
			cells[i] = strconv.AppendUint(nil, p.Int, 10)
		case c.Type.IsInteger():
			cells[i] = strconv.AppendInt(nil, int64(p.Int), 10)
		case c.Type == TypeFloat, c.Type == TypeDouble:
			cells[i] = strconv.AppendFloat(nil, p.Float, 'g', -1, 64)
		case c.Type.IsTemporal():
			cells[i] = p.Time.AppendText(nil, c.Type, c.Decimals)
		default:
			cells[i] = append([]byte{}, p.Bytes...)
		}
	}
	if !r.Done() {
		return ErrMalformed
	}
	return nil
}
