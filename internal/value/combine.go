package value

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"

	"github.com/cockroachdb/apd/v3"

	"github.com/orbweaver/orbweaver/internal/wire"
)

// maxDigits is the precision of MariaDB's DECIMAL.
const maxDigits = 65

// exact computes with more digits than any sum of DECIMALs has, and rounds as MariaDB does.
var exact = func() *apd.Context {
	c := apd.BaseContext.WithPrecision(4 * maxDigits)
	c.Rounding = apd.RoundHalfUp
	return c
}()

// Sum adds cells. The zero value with a Column is empty. NULL cells are skipped; the sum of nothing is NULL.
type Sum struct {
	Column Column // of the cells that are added
	any    bool
	i      int64 // Int, as long as it fits
	dec    apd.Decimal
	useDec bool
	f      float64
	tmp    apd.Decimal
}

// Reset empties the sum.
func (s *Sum) Reset() {
	s.any, s.i, s.useDec, s.f = false, 0, false, 0
	s.dec.SetInt64(0)
}

// Add adds a cell.
func (s *Sum) Add(cell []byte) error {
	if cell == nil {
		return nil
	}
	s.any = true
	switch s.Column.Class {
	case Int:
		v, big, err := s.Column.integer(cell)
		if err != nil {
			return err
		}
		if sum := s.i + v; !big && !s.useDec && (sum >= s.i) == (v >= 0) {
			s.i = sum
			return nil
		}
		s.toDecimal()
		s.tmp.SetInt64(v)
		if big {
			s.tmp.Coeff.SetUint64(uint64(v))
			s.tmp.Negative = false
		}
		_, err = exact.Add(&s.dec, &s.dec, &s.tmp)
		return err
	case Decimal:
		s.toDecimal()
		if _, _, err := s.tmp.SetString(string(cell)); err != nil {
			return ErrMalformed
		}
		_, err := exact.Add(&s.dec, &s.dec, &s.tmp)
		return err
	}
	f, err := s.Column.Float64(cell)
	s.f += f
	return err
}

func (s *Sum) toDecimal() {
	if !s.useDec {
		s.dec.SetInt64(s.i)
		s.useDec = true
	}
}

// Any says whether anything but NULL was added.
func (s *Sum) Any() bool { return s.any }

// Append appends the sum as a cell of column out, which is not NULL (ask Any).
func (s *Sum) Append(dst []byte, out *Column) ([]byte, error) {
	switch s.Column.Class {
	case Int, Decimal:
		if !s.useDec && out.Class == Int {
			return out.appendInt(dst, s.i)
		}
		s.toDecimal()
		return out.appendDecimal(dst, &s.dec)
	}
	return out.appendFloat(dst, s.f)
}

// AppendAverage appends sum / count as a cell of column out; null when nothing was counted.
func AppendAverage(dst []byte, sum, count *Sum, out *Column) (cell []byte, null bool, err error) {
	count.toDecimal()
	if !sum.any || count.dec.IsZero() {
		return dst, true, nil
	}
	switch sum.Column.Class {
	case Int, Decimal:
		sum.toDecimal()
		if out.Class == Decimal {
			// One rounding, half away from zero, at the column's decimals. MariaDB divides to more digits than that, if these are no multiple of 9, and cuts
			// them off, which rounds the same way.
			var q, r apd.Decimal
			if err = divide(&q, &r, &sum.dec, &count.dec, int32(out.Decimals)); err != nil {
				return dst, false, err
			}
			cell, err = out.appendDecimal(dst, &q)
			return cell, false, err
		}
		f, ferr := sum.dec.Float64()
		if ferr != nil {
			return dst, false, ErrOverflow
		}
		sum = &Sum{f: f}
	}
	n, err := count.dec.Float64()
	if err != nil {
		return dst, false, ErrOverflow
	}
	cell, err = out.appendFloat(dst, sum.f/n)
	return cell, false, err
}

// divide sets q to a / b with so many digits behind the point, rounded half away from zero where MariaDB has more of them.
func divide(q, r, a, b *apd.Decimal, decimals int32) error {
	var num apd.Decimal
	num.Set(a)
	num.Exponent += decimals
	if _, err := exact.QuoInteger(q, &num, b); err != nil {
		return ErrOverflow
	}
	if _, err := exact.Rem(r, &num, b); err != nil {
		return ErrOverflow
	}
	negative := a.Negative != b.Negative
	if decimals%9 == 0 { // MariaDB divides to a multiple of 9 digits: it has no more to round by
		q.Exponent -= decimals
		return nil
	}
	var twice apd.Decimal
	if _, err := exact.Add(&twice, r, r); err != nil {
		return ErrOverflow
	}
	twice.Negative = false
	var limit apd.Decimal
	limit.Abs(b)
	if twice.Cmp(&limit) >= 0 {
		one := apd.New(1, 0)
		one.Negative = negative
		if _, err := exact.Add(q, q, one); err != nil {
			return ErrOverflow
		}
	}
	q.Exponent -= decimals
	return nil
}

// integer reads an Int cell; big says that it is unsigned and above the int64s, v holding its bits.
func (c *Column) integer(cell []byte) (v int64, big bool, err error) {
	if c.Format == Binary {
		u := wire.BinaryInt(cell, c.Unsigned)
		return int64(u), c.Unsigned && int64(u) < 0, nil
	}
	if v, err = strconv.ParseInt(view(cell), 10, 64); err == nil {
		return v, false, nil
	}
	u, err := strconv.ParseUint(view(cell), 10, 64)
	if err != nil {
		return 0, false, ErrMalformed
	}
	return int64(u), true, nil
}

// Uint64 reads the cell of an unsigned BIGINT or BIT; a signed one's bits.
func (c *Column) Uint64(cell []byte) (uint64, error) {
	if c.Class == Bit {
		var u uint64
		for _, b := range cell {
			u = u<<8 | uint64(b)
		}
		return u, nil
	}
	if c.Class != Int {
		return 0, ErrMalformed
	}
	v, _, err := c.integer(cell)
	return uint64(v), err
}

// Float64 reads a number.
func (c *Column) Float64(cell []byte) (float64, error) {
	switch {
	case c.Class == Int:
		v, big, err := c.integer(cell)
		if big {
			return float64(uint64(v)), err
		}
		return float64(v), err
	case c.Format == Binary && c.Class == Double:
		return readDouble(cell), nil
	case c.Format == Binary && c.Class == Float:
		return float64(readFloat(cell)), nil
	case c.Class == Decimal, c.Class == Double, c.Class == Float:
		f, err := strconv.ParseFloat(view(cell), 64)
		if err != nil {
			return 0, ErrMalformed
		}
		return f, nil
	}
	return 0, fmt.Errorf("%w: %s is no number", ErrMalformed, c.Class)
}

// AppendUint64 appends an unsigned result: of COUNT, BIT_AND, BIT_OR, BIT_XOR.
func (c *Column) AppendUint64(dst []byte, u uint64) ([]byte, error) {
	if c.Class != Int {
		return dst, ErrMalformed
	}
	if c.Format == Text {
		if c.Unsigned {
			return strconv.AppendUint(dst, u, 10), nil
		}
		return strconv.AppendInt(dst, int64(u), 10), nil
	}
	return c.appendFixed(dst, u)
}

func (c *Column) appendFixed(dst []byte, u uint64) ([]byte, error) {
	switch c.Type {
	case wire.TypeTiny:
		return append(dst, byte(u)), nil
	case wire.TypeShort, wire.TypeYear:
		return binary.LittleEndian.AppendUint16(dst, uint16(u)), nil
	case wire.TypeLong, wire.TypeInt24:
		return binary.LittleEndian.AppendUint32(dst, uint32(u)), nil
	}
	return binary.LittleEndian.AppendUint64(dst, u), nil
}

func (c *Column) appendInt(dst []byte, v int64) ([]byte, error) {
	if c.Unsigned && v < 0 {
		return dst, ErrOverflow
	}
	return c.AppendUint64(dst, uint64(v))
}

// appendDecimal appends d as a cell of whatever numeric class the column is, with the column's decimals.
func (c *Column) appendDecimal(dst []byte, d *apd.Decimal) ([]byte, error) {
	switch c.Class {
	case Int:
		v, err := d.Int64()
		if err == nil {
			return c.appendInt(dst, v)
		}
		if u, uerr := strconv.ParseUint(d.Text('f'), 10, 64); uerr == nil && c.Unsigned {
			return c.AppendUint64(dst, u)
		}
		return dst, ErrOverflow
	case Decimal:
		var q apd.Decimal
		if _, err := exact.Quantize(&q, d, -int32(c.Decimals)); err != nil {
			return dst, ErrOverflow
		}
		if q.NumDigits() > maxDigits {
			return dst, ErrOverflow
		}
		if q.IsZero() {
			q.Negative = false
		}
		return q.Append(dst, 'f'), nil
	}
	f, err := d.Float64()
	if err != nil {
		return dst, ErrOverflow
	}
	return c.appendFloat(dst, f)
}

// appendFloat appends f as a cell of a DOUBLE or FLOAT.
func (c *Column) appendFloat(dst []byte, f float64) ([]byte, error) {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return dst, ErrOverflow
	}
	switch {
	case c.Class == Double && c.Format == Binary:
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(f)), nil
	case c.Class == Float && c.Format == Binary:
		return binary.LittleEndian.AppendUint32(dst, math.Float32bits(float32(f))), nil
	case c.Class == Double:
		return AppendDouble(dst, f, c.Decimals), nil
	case c.Class == Float:
		return AppendFloat(dst, float32(f), c.Decimals), nil
	}
	return dst, fmt.Errorf("%w: %s is no DOUBLE", ErrMalformed, c.Class)
}
