package value

import (
	"bytes"
	"math"
	"strconv"
)

// maxPlainExponent is how far the decimal point may be from the first digit before MariaDB writes an exponent; further on the right only where digits
// follow the point.
const maxPlainExponent = 15

// floatDigits is the precision with which MariaDB prints a FLOAT.
const floatDigits = 6

// AppendDouble appends a DOUBLE as MariaDB prints it: the shortest digits that read back as the same number, or exactly decimals behind the
// point when decimals is below 31.
func AppendDouble(dst []byte, f float64, decimals uint8) []byte {
	if decimals < FreeDecimals {
		return appendFixed(dst, f, int(decimals))
	}
	var buf [32]byte
	return appendDigits(dst, f, strconv.AppendFloat(buf[:0], math.Abs(f), 'e', -1, 64))
}

// AppendFloat appends a FLOAT as MariaDB prints it.
func AppendFloat(dst []byte, f float32, decimals uint8) []byte {
	if decimals < FreeDecimals {
		return appendFixed(dst, float64(f), int(decimals))
	}
	var buf [32]byte
	return appendDigits(dst, float64(f), strconv.AppendFloat(buf[:0], math.Abs(float64(f)), 'e', floatDigits-1, 64))
}

// appendFixed appends f with decimals digits behind the point. Where fewer digits tell the double from all others, MariaDB goes on with zeros.
func appendFixed(dst []byte, f float64, decimals int) []byte {
	start := len(dst)
	dst = strconv.AppendFloat(dst, f, 'f', -1, 64)
	point := bytes.IndexByte(dst[start:], '.')
	digits := 0
	if point >= 0 {
		digits = len(dst) - start - point - 1
	}
	if digits > decimals {
		return strconv.AppendFloat(dst[:start], f, 'f', decimals, 64)
	}
	if point < 0 && decimals > 0 {
		dst = append(dst, '.')
	}
	for ; digits < decimals; digits++ {
		dst = append(dst, '0')
	}
	return dst
}

// appendDigits lays out d.ddde±xx as MariaDB does.
func appendDigits(dst []byte, f float64, e []byte) []byte {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return append(dst, '0') // MariaDB has neither
	}
	if math.Signbit(f) {
		dst = append(dst, '-')
	}
	var digits [32]byte
	n, i := 0, 0
	for ; e[i] != 'e'; i++ {
		if e[i] != '.' {
			digits[n] = e[i]
			n++
		}
	}
	for n > 1 && digits[n-1] == '0' {
		n--
	}
	exp, _ := strconv.Atoi(view(e[i+1:])) // strconv wrote it
	d := digits[:n]
	point := exp + 1 // digits before the point
	switch {
	case n == 1 && d[0] == '0':
		return append(dst, '0')
	case point > maxPlainExponent && n <= point || point < 1-maxPlainExponent:
		dst = append(dst, d[0])
		if n > 1 {
			dst = append(append(dst, '.'), d[1:]...)
		}
		return strconv.AppendInt(append(dst, 'e'), int64(exp), 10)
	case point <= 0:
		dst = append(dst, "0."...)
		for ; point < 0; point++ {
			dst = append(dst, '0')
		}
		return append(dst, d...)
	case point >= n:
		dst = append(dst, d...)
		for ; n < point; n++ {
			dst = append(dst, '0')
		}
		return dst
	}
	return append(append(append(dst, d[:point]...), '.'), d[point:]...)
}
