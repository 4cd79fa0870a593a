package wire

import "encoding/binary"

// Temporal is a date, a date with a time, or a TIME (which has Days, and may be negative).
type Temporal struct {
	Neg                  bool
	Year                 uint16
	Month, Day           uint8
	Days                 uint32
	Hour, Minute, Second uint8
	Micro                uint32
}

// ParseTemporal reads what follows the length of a date or time in the binary protocol.
func ParseTemporal(value []byte, typ FieldType) (Temporal, error) {
	var t Temporal
	r := reader{p: value}
	if typ == TypeTime || typ == TypeTime2 {
		switch len(value) {
		case 0:
		case 8, 12:
			t.Neg = r.u8() != 0
			t.Days = r.u32()
			t.Hour, t.Minute, t.Second = r.u8(), r.u8(), r.u8()
			if len(value) == 12 {
				t.Micro = r.u32()
			}
		default:
			return t, ErrMalformed
		}
		return t, nil
	}
	switch len(value) {
	case 0:
		return t, nil
	case 4, 7, 11:
	default:
		return t, ErrMalformed
	}
	t.Year, t.Month, t.Day = r.u16(), r.u8(), r.u8()
	if len(value) >= 7 {
		t.Hour, t.Minute, t.Second = r.u8(), r.u8(), r.u8()
	}
	if len(value) == 11 {
		t.Micro = r.u32()
	}
	return t, nil
}

// AppendBinary appends the value for the binary protocol, its length before it, as short as it may be.
func (t Temporal) AppendBinary(dst []byte, typ FieldType) []byte {
	if typ == TypeTime || typ == TypeTime2 {
		switch {
		case t.Micro == 0 && t.Second == 0 && t.Minute == 0 && t.Hour == 0 && t.Days == 0:
			return append(dst, 0)
		case t.Micro == 0:
			dst = append(dst, 8)
		default:
			dst = append(dst, 12)
		}
		var neg byte
		if t.Neg {
			neg = 1
		}
		dst = binary.LittleEndian.AppendUint32(append(dst, neg), t.Days)
		dst = append(dst, t.Hour, t.Minute, t.Second)
		if t.Micro != 0 {
			dst = binary.LittleEndian.AppendUint32(dst, t.Micro)
		}
		return dst
	}
	n := byte(11)
	switch {
	case t.Micro != 0:
	case t.Hour != 0 || t.Minute != 0 || t.Second != 0:
		n = 7
	case t.Year != 0 || t.Month != 0 || t.Day != 0:
		n = 4
	default:
		return append(dst, 0)
	}
	dst = binary.LittleEndian.AppendUint16(append(dst, n), t.Year)
	dst = append(dst, t.Month, t.Day)
	if n >= 7 {
		dst = append(dst, t.Hour, t.Minute, t.Second)
	}
	if n == 11 {
		dst = binary.LittleEndian.AppendUint32(dst, t.Micro)
	}
	return dst
}

// AppendText appends the value as the text protocol has it, with decimals digits of the second's fraction (more than 6 means as
// many as it has).
func (t Temporal) AppendText(dst []byte, typ FieldType, decimals uint8) []byte {
	if typ == TypeTime || typ == TypeTime2 {
		if t.Neg {
			dst = append(dst, '-')
		}
		hours := uint64(t.Days)*24 + uint64(t.Hour)
		dst = appendPadded(dst, hours, 2)
	} else {
		dst = appendPadded(dst, uint64(t.Year), 4)
		dst = appendPadded(append(dst, '-'), uint64(t.Month), 2)
		dst = appendPadded(append(dst, '-'), uint64(t.Day), 2)
		if typ == TypeDate || typ == TypeNewDate {
			return dst
		}
		dst = appendPadded(append(dst, ' '), uint64(t.Hour), 2)
	}
	dst = appendPadded(append(dst, ':'), uint64(t.Minute), 2)
	dst = appendPadded(append(dst, ':'), uint64(t.Second), 2)
	if decimals > 6 {
		if t.Micro == 0 {
			return dst
		}
		decimals = 6
	}
	if decimals == 0 {
		return dst
	}
	dst = appendPadded(append(dst, '.'), uint64(t.Micro), 6)
	return dst[:len(dst)-6+int(decimals)]
}

// appendPadded appends n with at least width digits.
func appendPadded(dst []byte, n uint64, width int) []byte {
	var b [20]byte
	i := len(b)
	for n > 0 || width > 0 {
		i--
		b[i] = byte('0' + n%10)
		n /= 10
		width--
	}
	return append(dst, b[i:]...)
}

// ParseTemporalText reads a date or time as the text protocol has it.
func ParseTemporalText(s []byte, typ FieldType) (Temporal, error) {
	var t Temporal
	isTime := typ == TypeTime || typ == TypeTime2
	if isTime && len(s) > 0 && s[0] == '-' {
		t.Neg, s = true, s[1:]
	}
	var n [7]uint32
	count, at := 0, 0
	for at < len(s) && count < len(n) && s[at] != '.' {
		start := at
		for at < len(s) && s[at] >= '0' && s[at] <= '9' {
			if at-start > 8 {
				return t, ErrMalformed
			}
			n[count] = n[count]*10 + uint32(s[at]-'0')
			at++
		}
		if at == start {
			return t, ErrMalformed
		}
		count++
		if at == len(s) || s[at] == '.' {
			break
		}
		if c := s[at]; c != '-' && c != ':' && c != ' ' && c != 'T' {
			return t, ErrMalformed
		}
		at++
	}
	if at < len(s) && s[at] == '.' {
		digits := 0
		for at++; at < len(s); at++ {
			if s[at] < '0' || s[at] > '9' || digits == 6 {
				return t, ErrMalformed
			}
			t.Micro = t.Micro*10 + uint32(s[at]-'0')
			digits++
		}
		for ; digits < 6; digits++ {
			t.Micro *= 10
		}
	}
	if at != len(s) {
		return t, ErrMalformed
	}
	if isTime {
		if count != 3 || n[1] > 59 || n[2] > 59 {
			return t, ErrMalformed
		}
		t.Days, t.Hour, t.Minute, t.Second = n[0]/24, uint8(n[0]%24), uint8(n[1]), uint8(n[2])
		return t, nil
	}
	if (count != 3 && count != 6) || n[0] > 9999 || n[1] > 99 || n[2] > 99 || n[3] > 99 || n[4] > 99 || n[5] > 99 {
		return t, ErrMalformed
	}
	t.Year, t.Month, t.Day = uint16(n[0]), uint8(n[1]), uint8(n[2])
	t.Hour, t.Minute, t.Second = uint8(n[3]), uint8(n[4]), uint8(n[5])
	return t, nil
}
