package shard

import (
	"bytes"
	"math"
)

// integer is an exact integer between -2^63 and 2^64-1.
type integer struct {
	v   uint64 // the magnitude
	neg bool
}

func fromInt(i int64) integer {
	if i < 0 {
		return integer{v: -uint64(i), neg: true}
	}
	return integer{v: uint64(i)}
}

// within says whether the column's type holds the integer.
func (c *column) within(i integer) bool {
	if i.neg {
		return i.v == 0 || c.lo < 0 && i.v <= -uint64(c.lo)
	}
	return i.v <= c.hi
}

func (i integer) append(dst []byte) []byte {
	if i.neg {
		return appendInt(dst, int64(-i.v))
	}
	return appendUint(dst, i.v)
}

// digits reads an unsigned decimal integer; false for anything else, and above 2^64-1.
func digits(b []byte) (uint64, bool) {
	if len(b) == 0 || len(b) > 19 {
		return slowDigits(b)
	}
	var v uint64
	for _, d := range b { // 19 digits can't overflow
		d -= '0'
		if d > 9 {
			return 0, false
		}
		v = v*10 + uint64(d)
	}
	return v, true
}

func slowDigits(b []byte) (uint64, bool) {
	t := bytes.TrimLeft(b, "0")
	if len(b) == 0 || len(t) > 20 {
		return 0, false
	}
	if len(t) == 0 {
		return 0, true
	}
	if len(t) < 20 {
		return digits(t)
	}
	v, ok := digits(t[:19])
	d := t[19] - '0'
	if !ok || d > 9 || v > (math.MaxUint64-uint64(d))/10 {
		return 0, false
	}
	return v*10 + uint64(d), true
}

// signedDigits reads -?[0-9]+.
func signedDigits(b []byte) (integer, bool) {
	neg := len(b) > 0 && b[0] == '-'
	if neg {
		b = b[1:]
	}
	v, ok := digits(b)
	if neg && v > 1<<63 {
		return integer{}, false
	}
	return integer{v: v, neg: neg && v != 0}, ok
}

// number is an exact decimal number: int and frac are digits without the zeros that don't count.
type number struct {
	neg       bool
	int, frac []byte
}

// parseNumber reads [+-]?digits[.digits], without exponent.
func parseNumber(b []byte, neg bool) (number, bool) {
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		neg = neg != (b[0] == '-')
		b = b[1:]
	}
	whole, frac, _ := bytes.Cut(b, []byte{'.'})
	if len(whole)+len(frac) == 0 || !allDigits(whole) || !allDigits(frac) {
		return number{}, false
	}
	n := number{neg: neg, int: bytes.TrimLeft(whole, "0"), frac: bytes.TrimRight(frac, "0")}
	if len(n.int) == 0 && len(n.frac) == 0 {
		n.neg = false
	}
	return n, true
}

func allDigits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// integer is the number as an integer, when it is one.
func (n number) integer() (integer, bool) {
	if len(n.frac) > 0 {
		return integer{}, false
	}
	if len(n.int) == 0 {
		return integer{}, true
	}
	v, ok := digits(n.int)
	if n.neg && v > 1<<63 {
		return integer{}, false
	}
	return integer{v: v, neg: n.neg}, ok
}

// append appends the canonical form of a DECIMAL: sign, whole digits, point, fraction, nothing superfluous.
func (n number) append(dst []byte) []byte {
	dst, from := begin(dst, tagDecimal)
	if n.neg {
		dst = append(dst, '-')
	}
	dst = append(append(append(dst, n.int...), '.'), n.frac...)
	return end(dst, from)
}

// fits says whether a DECIMAL column holds the number without rounding.
func (c *column) fits(n number) bool {
	return len(n.frac) <= c.scale && len(n.int) <= c.prec-c.scale && !(n.neg && c.unsigned)
}

// exactDigits is how many decimal digits a double keeps apart from each other.
const exactDigits = 15

// exactDouble bounds the integers that a double holds without gaps.
const exactDouble = 1 << 53

// fromDouble is a double as an integer, when it is one and no other integer has the same double.
func fromDouble(f float64) (integer, bool) {
	if f != math.Trunc(f) || math.Abs(f) >= exactDouble {
		return integer{}, false
	}
	return fromInt(int64(f)), true
}

// hybrid is 0x41 or b'01' as an integer.
func hybrid(b []byte) (integer, bool) {
	var v uint64
	if len(b) > 8 {
		return integer{}, false
	}
	for _, x := range b {
		v = v<<8 | uint64(x)
	}
	return integer{v: v}, true
}
