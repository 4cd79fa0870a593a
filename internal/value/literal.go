package value

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/orbweaver/orbweaver/internal/wire"
)

// maxDecimals is how many digits behind the point CAST takes.
const maxDecimals = 38

// Literal appends a cell as an SQL expression of the same value, type, character set and collation. ErrNoOrder's classes are literals too, as the
// text that they print. The error is ErrMalformed, for a cell that is not of the column's type.
func Literal(dst []byte, c *Column, cell []byte) ([]byte, error) {
	if cell == nil {
		return append(dst, "NULL"...), nil
	}
	switch c.Class {
	case Null:
		return append(dst, "NULL"...), nil
	case Int:
		return c.intLiteral(dst, cell)
	case Decimal:
		for _, b := range cell {
			if (b < '0' || b > '9') && b != '-' && b != '.' {
				return dst, ErrMalformed
			}
		}
		decimals := c.decimals(cell)
		if decimals > maxDecimals { // as only a literal has
			return append(dst, cell...), nil
		}
		dst = append(append(append(dst, "CAST("...), cell...), " AS DECIMAL("...)
		dst = strconv.AppendInt(dst, int64(c.precision()), 10)
		dst = strconv.AppendInt(append(dst, ','), int64(decimals), 10)
		return append(dst, "))"...), nil
	case Float, Double:
		return c.floatLiteral(dst, cell)
	case Date, DateTime, Time:
		return c.temporalLiteral(dst, cell)
	case Bit:
		dst = append(dst, "b'"...)
		for _, b := range cell {
			for i := 7; i >= 0; i-- {
				dst = append(dst, '0'+b>>i&1)
			}
		}
		return append(dst, '\''), nil
	case Bytes:
		return appendHex(append(dst, "x'"...), cell), nil
	}
	if c.Collation == nil {
		return dst, fmt.Errorf("%w: a string of an unknown character set", ErrMalformed)
	}
	if c.Collation.Charset == "binary" {
		return appendHex(append(dst, "x'"...), cell), nil
	}
	// A cast, since a bare COLLATE would outrank the columns it is compared with.
	dst = append(append(append(dst, "CAST(_"...), c.Collation.Charset...), " x'"...)
	dst = append(appendHex(dst, cell), " AS CHAR CHARACTER SET "...)
	dst = append(append(dst, c.Collation.Charset...), " COLLATE "...)
	return append(append(dst, c.Collation.Name...), ')'), nil
}

// IsDecimal says whether a text is a number as SQL writes it, and nothing else: digits, which may have a sign, a point and an exponent. What a
// client sends as a DECIMAL may be any bytes; in a statement's text `1--` begins a comment, and `e` is a column.
func IsDecimal(text []byte) bool {
	digits := func() (n int) {
		for n < len(text) && text[n] >= '0' && text[n] <= '9' {
			n++
		}
		text = text[n:]
		return n
	}
	sign := func() {
		if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
			text = text[1:]
		}
	}
	sign()
	n := digits()
	if len(text) > 0 && text[0] == '.' {
		text = text[1:]
		n += digits()
	}
	if n == 0 {
		return false
	}
	if len(text) > 0 && (text[0] == 'e' || text[0] == 'E') {
		text = text[1:]
		sign()
		if digits() == 0 {
			return false
		}
	}
	return len(text) == 0
}

func appendHex(dst, b []byte) []byte { return append(hex.AppendEncode(dst, b), '\'') }

func (c *Column) intLiteral(dst, cell []byte) ([]byte, error) {
	v, big, err := c.integer(cell)
	switch {
	case err != nil:
		return dst, err
	case c.Unsigned && c.Type != wire.TypeYear:
		dst = append(dst, "CAST("...)
		dst = strconv.AppendUint(dst, uint64(v), 10)
		return append(dst, " AS UNSIGNED)"...), nil
	case big:
		return dst, ErrMalformed
	case v == math.MinInt64: // its digits alone are a DECIMAL
		return append(dst, "(-9223372036854775807-1)"...), nil
	case v < 0: // brackets: a minus may stand before it
		return append(strconv.AppendInt(append(dst, '('), v, 10), ')'), nil
	}
	return strconv.AppendInt(dst, v, 10), nil
}

// precision is that of a DECIMAL, from its display width, which counts the sign and the point.
func (c *Column) precision() int {
	p := int(c.Length)
	if !c.Unsigned {
		p--
	}
	if c.Decimals > 0 {
		p--
	}
	return min(max(p, int(c.Decimals), 1), maxDigits)
}

func (c *Column) floatLiteral(dst, cell []byte) ([]byte, error) {
	f, err := c.Float64(cell)
	if err != nil {
		return dst, err
	}
	if c.Class == Float {
		dst = append(dst, "CAST("...)
	}
	// The shortest digits, and an exponent, which makes it a DOUBLE.
	dst = append(strconv.AppendFloat(append(dst, '('), f, 'e', -1, 64), ')')
	if c.Class == Float {
		dst = append(dst, " AS FLOAT)"...)
	}
	return dst, nil
}

// Compared appends a value as a literal that is compared with the column that it is of. It is Literal's, but for a date that is none of the calendar, of which a cast makes NULL in some
// sql_modes: that is a bare string.
func Compared(dst []byte, c *Column, cell []byte) ([]byte, error) {
	lit, err := Literal(dst, c, cell)
	if err != nil || !c.OddDate(cell) {
		return lit, err
	}
	from := bytes.IndexByte(lit[len(dst):], '\'') + len(dst)
	to := bytes.LastIndexByte(lit, '\'') + 1
	return append(dst, lit[from:to]...), nil
}

// OddDate says whether a value is a date that is none of the calendar, as a table may have it: some sql_modes take it for NULL in an expression.
func (c *Column) OddDate(cell []byte) bool {
	if cell == nil || c.Class != Date && c.Class != DateTime {
		return false
	}
	parse := wire.ParseTemporalText
	if c.Format == Binary {
		parse = wire.ParseTemporal
	}
	t, err := parse(cell, c.Type)
	if err != nil {
		return false
	}
	_, month, day := time.Date(int(t.Year), time.Month(t.Month), int(t.Day), 0, 0, 0, 0, time.UTC).Date()
	return month != time.Month(t.Month) || day != int(t.Day)
}

func (c *Column) temporalLiteral(dst, cell []byte) ([]byte, error) {
	decimals := c.Decimals
	if decimals > 6 {
		decimals = 6
	}
	if c.Format == Binary {
		t, err := wire.ParseTemporal(cell, c.Type)
		if err != nil {
			return dst, ErrMalformed
		}
		cell = t.AppendText(nil, c.Type, decimals)
	}
	for _, b := range cell {
		if (b < '0' || b > '9') && bytes.IndexByte([]byte("-: ."), b) < 0 {
			return dst, ErrMalformed
		}
	}
	// A cast takes what DATE'…' refuses: zero dates.
	dst = append(append(dst, "CAST('"...), cell...)
	switch c.Class {
	case Date:
		return append(dst, "' AS DATE)"...), nil
	case Time:
		dst = append(dst, "' AS TIME("...)
	default:
		dst = append(dst, "' AS DATETIME("...)
	}
	dst = strconv.AppendInt(dst, int64(decimals), 10)
	return append(dst, "))"...), nil
}

// AppendCell appends a value to a row that is being written: its length before it where the protocol has one. NULL is the caller's.
func (c *Column) AppendCell(dst, cell []byte) []byte {
	if c.Format == Binary && c.Fixed() {
		return append(dst, cell...)
	}
	return wire.AppendLenencBytes(dst, cell)
}

// Fixed says whether the binary protocol writes the column without a length.
func (c *Column) Fixed() bool {
	return c.Class == Int || c.Class == Float || c.Class == Double || c.Class == Null
}
