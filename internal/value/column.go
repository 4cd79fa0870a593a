package value

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"unsafe"

	"github.com/orbweaver/orbweaver/internal/collate"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// Format is the protocol that a row is written in.
type Format uint8

// The formats.
const (
	Text Format = iota
	Binary
)

// Class groups types that are read and ordered alike.
type Class uint8

// The classes.
const (
	Null Class = iota
	Int        // also YEAR
	Decimal
	Float
	Double
	Date
	DateTime // also TIMESTAMP
	Time
	Bit
	Bytes  // ordered by its bytes
	String // ordered by its weights
	Enum   // ENUM and SET: ordered by a number that the cell does not show
	Opaque // UUID, INET6, GEOMETRY: ordered by what the cell does not show
)

// The errors.
var (
	// ErrNoOrder says that MariaDB's order of a column can't be told from its cells.
	ErrNoOrder = errors.New("value: the order of this type is not that of what it prints")
	// ErrMalformed says that a cell is not of its column's type.
	ErrMalformed = errors.New("value: malformed cell")
	// ErrOverflow says that a combined value is outside its type.
	ErrOverflow = errors.New("value: the combined value is out of range")
)

// Column says how the cells of a result column are read.
type Column struct {
	Class    Class
	Type     wire.FieldType
	Format   Format
	Unsigned bool
	NotNull  bool
	Decimals uint8  // 31 and more: as many as a DOUBLE has
	Length   uint32 // the display width that the definition gives
	// Collation is that of a String's bytes as they arrived: the connection's. Literal uses it, and a caller who knows better may set it.
	Collation *collate.Collation
}

// FreeDecimals is the number of decimals that means "as many as it takes".
const FreeDecimals = 31

// Of reads a column definition.
func Of(d *wire.Column, f Format) Column {
	c := Column{Type: d.Type, Format: f, Unsigned: d.Unsigned(), Decimals: d.Decimals, Length: d.Length, NotNull: d.Flags&wire.FlagNotNull != 0}
	c.Collation = collate.ByID(d.Collation)
	switch d.Type {
	case wire.TypeTiny, wire.TypeShort, wire.TypeLong, wire.TypeInt24, wire.TypeLongLong, wire.TypeYear:
		c.Class = Int
	case wire.TypeDecimal, wire.TypeNewDecimal:
		c.Class = Decimal
	case wire.TypeFloat:
		c.Class = Float
	case wire.TypeDouble:
		c.Class = Double
	case wire.TypeDate, wire.TypeNewDate:
		c.Class = Date
	case wire.TypeDateTime, wire.TypeTimestamp, wire.TypeDateTime2, wire.TypeTimestamp2:
		c.Class = DateTime
	case wire.TypeTime, wire.TypeTime2:
		c.Class = Time
	case wire.TypeBit:
		if c.Class = Bit; d.Flags&wire.FlagBinary != 0 { // an expression's value, which is told as digits
			c.Class = Decimal
		}
	case wire.TypeNull:
		c.Class = Null
	case wire.TypeGeometry:
		c.Class = Opaque
	default:
		switch {
		case d.Flags&(wire.FlagEnum|wire.FlagSet) != 0 || d.Type == wire.TypeEnum || d.Type == wire.TypeSet:
			c.Class = Enum
		case d.ExtendedType() != "":
			c.Class = Opaque
		case d.Collation == wire.CollationBinary:
			c.Class = Bytes
		default:
			c.Class = String
		}
	}
	return c
}

// Order is the comparison of two cells, NULL first, as ORDER BY has it; negative, zero or positive. ErrNoOrder for classes whose cells do not
// show what MariaDB orders by; String is one of them: compare its weights.
func (c *Column) Order() (func(a, b []byte) int, error) {
	var f func(a, b []byte) int
	switch c.Class {
	case Null:
		return func(a, b []byte) int { return 0 }, nil
	case Int:
		f = c.orderInt()
	case Decimal:
		f = compareDecimalText
	case Double:
		f = compareDoubleText
		if c.Format == Binary {
			f = compareDouble
		}
	case Float:
		if c.Format == Text {
			return nil, fmt.Errorf("%w: FLOAT in the text protocol", ErrNoOrder)
		}
		f = compareFloat
	case Date, DateTime:
		f = bytes.Compare
		if c.Format == Binary {
			f = compareTemporal
		}
	case Time:
		f = compareTimeText
		if c.Format == Binary {
			f = compareTime
		}
	case Bit:
		f = compareBits
	case Bytes:
		f = bytes.Compare
	default:
		return nil, fmt.Errorf("%w: %s", ErrNoOrder, c.Class)
	}
	return nullsFirst(f), nil
}

// String names the class as a message does.
func (c Class) String() string {
	return [...]string{"NULL", "an integer", "DECIMAL", "FLOAT", "DOUBLE", "DATE", "DATETIME", "TIME", "BIT", "a binary string",
		"a string", "ENUM or SET", "a type of its own"}[c]
}

func nullsFirst(f func(a, b []byte) int) func(a, b []byte) int {
	return func(a, b []byte) int {
		switch {
		case a == nil && b == nil:
			return 0
		case a == nil:
			return -1
		case b == nil:
			return 1
		}
		return f(a, b)
	}
}

func (c *Column) orderInt() func(a, b []byte) int {
	switch {
	case c.Type == wire.TypeYear && c.Length == 2:
		return func(a, b []byte) int { return compare(c.since1970(a), c.since1970(b)) }
	case c.Format == Text:
		return compareIntText
	case c.Unsigned:
		return func(a, b []byte) int { return compare(wire.BinaryInt(a, true), wire.BinaryInt(b, true)) }
	}
	return func(a, b []byte) int {
		return compare(int64(wire.BinaryInt(a, false)), int64(wire.BinaryInt(b, false)))
	}
}

// since1970 is a YEAR(2), which shows the last two digits of a year from 1970 on, as a number of years.
func (c *Column) since1970(cell []byte) int64 {
	v, _, _ := c.integer(cell) // digits
	return (v + 30) % 100
}

func compare[T int64 | uint64 | float64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// compareIntText compares integers as printed, ZEROFILL included.
func compareIntText(a, b []byte) int {
	an, bn := len(a) > 0 && a[0] == '-', len(b) > 0 && b[0] == '-'
	switch {
	case an && bn:
		return compareDigits(b[1:], a[1:])
	case an:
		return -1
	case bn:
		return 1
	}
	return compareDigits(a, b)
}

func compareDigits(a, b []byte) int {
	for len(a) > 1 && a[0] == '0' {
		a = a[1:]
	}
	for len(b) > 1 && b[0] == '0' {
		b = b[1:]
	}
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return bytes.Compare(a, b)
}

// compareDecimalText compares DECIMALs, which both protocols print; of one column, all have the same number of decimals, but of merged
// expressions they may not.
func compareDecimalText(a, b []byte) int {
	an, bn := len(a) > 0 && a[0] == '-', len(b) > 0 && b[0] == '-'
	if an {
		a = a[1:]
	}
	if bn {
		b = b[1:]
	}
	ai, af := splitPoint(a)
	bi, bf := splitPoint(b)
	if an != bn {
		if isZero(ai, af) && isZero(bi, bf) {
			return 0
		}
		if an {
			return -1
		}
		return 1
	}
	r := compareDigits(ai, bi)
	if r == 0 {
		r = compareFraction(af, bf)
	}
	if an {
		return -r
	}
	return r
}

func splitPoint(b []byte) (whole, frac []byte) {
	i := bytes.IndexByte(b, '.')
	if i < 0 {
		i = len(b)
	} else {
		frac = b[i+1:]
	}
	whole = b[:i]
	for len(whole) > 0 && whole[0] == '0' {
		whole = whole[1:]
	}
	return whole, frac
}

func isZero(whole, frac []byte) bool {
	for _, d := range frac {
		if d != '0' {
			return false
		}
	}
	return len(whole) == 0
}

func compareFraction(a, b []byte) int {
	n := min(len(a), len(b))
	if r := bytes.Compare(a[:n], b[:n]); r != 0 {
		return r
	}
	if !isZero(nil, a[n:]) {
		return 1
	}
	if !isZero(nil, b[n:]) {
		return -1
	}
	return 0
}

// view is b as a string without a copy: for parsers that do not keep it.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

func compareDoubleText(a, b []byte) int {
	x, _ := strconv.ParseFloat(view(a), 64)
	y, _ := strconv.ParseFloat(view(b), 64)
	return compare(x, y)
}

func readDouble(b []byte) float64 {
	if len(b) != 8 {
		return 0
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(b))
}

func readFloat(b []byte) float32 {
	if len(b) != 4 {
		return 0
	}
	return math.Float32frombits(binary.LittleEndian.Uint32(b))
}

func compareDouble(a, b []byte) int { return compare(readDouble(a), readDouble(b)) }

func compareFloat(a, b []byte) int { return compare(float64(readFloat(a)), float64(readFloat(b))) }

// compareBits compares big-endian numbers.
func compareBits(a, b []byte) int {
	for len(a) > len(b) {
		if a[0] != 0 {
			return 1
		}
		a = a[1:]
	}
	for len(b) > len(a) {
		if b[0] != 0 {
			return -1
		}
		b = b[1:]
	}
	return bytes.Compare(a, b)
}

// compareTemporal compares dates and times of the binary protocol, which leaves zeros at the end out.
func compareTemporal(a, b []byte) int { return compare(packTemporal(a), packTemporal(b)) }

func packTemporal(b []byte) uint64 {
	t, err := wire.ParseTemporal(b, wire.TypeDateTime)
	if err != nil {
		return 0
	}
	ymd := uint64(t.Year)<<9 | uint64(t.Month)<<5 | uint64(t.Day)
	hms := uint64(t.Hour)<<12 | uint64(t.Minute)<<6 | uint64(t.Second)
	return (ymd<<17|hms)<<24 | uint64(t.Micro)
}

func compareTime(a, b []byte) int { return compare(micros(a), micros(b)) }

func micros(b []byte) int64 {
	t, err := wire.ParseTemporal(b, wire.TypeTime)
	if err != nil {
		return 0
	}
	v := ((int64(t.Days)*24+int64(t.Hour))*60+int64(t.Minute))*60 + int64(t.Second)
	v = v*1_000_000 + int64(t.Micro)
	if t.Neg {
		return -v
	}
	return v
}

// compareTimeText compares [-]h+:mm:ss[.ffffff].
func compareTimeText(a, b []byte) int {
	an, bn := len(a) > 0 && a[0] == '-', len(b) > 0 && b[0] == '-'
	switch {
	case an && bn:
		return compareClock(b[1:], a[1:])
	case an:
		return -1
	case bn:
		return 1
	}
	return compareClock(a, b)
}

func compareClock(a, b []byte) int {
	i, j := bytes.IndexByte(a, ':'), bytes.IndexByte(b, ':')
	if i < 0 || j < 0 {
		return bytes.Compare(a, b)
	}
	if r := compareDigits(a[:i], b[:j]); r != 0 {
		return r
	}
	return bytes.Compare(a[i:], b[j:])
}
