package value

import "bytes"

// Divided is a number that was asked for with all digits a DECIMAL may have, with as many as MariaDB's has: it divides with a multiple of 9
// behind the point.
func Divided(number []byte) []byte {
	at := bytes.IndexByte(number, '.')
	if at < 0 {
		return number
	}
	digits := len(bytes.TrimRight(number[at+1:], "0"))
	return number[:min(len(number), at+1+max(1, (digits+8)/9)*9)]
}

// decimals is how many digits a number of the column has behind the point: as many as the column, or fewer by Divided.
func (c *Column) decimals(number []byte) int {
	if at := bytes.IndexByte(number, '.'); at >= 0 {
		return len(number) - at - 1
	}
	return int(c.Decimals)
}
