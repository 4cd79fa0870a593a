package shard

import "math"

// maxTime is the largest TIME, 838:59:59.999999, in microseconds.
const maxTime = (838*3600+59*60+59)*1_000_000 + 999_999

// two reads exactly two digits.
func two(b []byte) (int, bool) {
	if len(b) < 2 || b[0] < '0' || b[0] > '9' || b[1] < '0' || b[1] > '9' {
		return 0, false
	}
	return int(b[0]-'0')*10 + int(b[1]-'0'), true
}

// clock reads hh:mm:ss[.ffffff] after the hours; left is what follows the hours.
func clock(b []byte) (minute, second, micro, scale int, ok bool) {
	if len(b) < 6 || b[0] != ':' || b[3] != ':' {
		return
	}
	var ok1, ok2 bool
	minute, ok1 = two(b[1:])
	second, ok2 = two(b[4:])
	if !ok1 || !ok2 || minute > 59 || second > 59 {
		return
	}
	b = b[6:]
	if len(b) == 0 {
		return minute, second, 0, 0, true
	}
	if b[0] != '.' || len(b) < 2 || len(b) > 7 || !allDigits(b[1:]) {
		return
	}
	for i := 1; i <= 6; i++ {
		micro *= 10
		if i < len(b) {
			micro += int(b[i] - '0')
			if b[i] != '0' {
				scale = i
			}
		}
	}
	return minute, second, micro, scale, true
}

// parseDateTime reads YYYY-MM-DD[ hh:mm:ss[.ffffff]]. scale is the number of digits that the fraction needs.
func parseDateTime(b []byte) (packed int64, scale int, ok bool) {
	if len(b) < 10 || b[4] != '-' || b[7] != '-' {
		return 0, 0, false
	}
	y1, ok1 := two(b)
	y2, ok2 := two(b[2:])
	month, ok3 := two(b[5:])
	day, ok4 := two(b[8:])
	if !ok1 || !ok2 || !ok3 || !ok4 {
		return 0, 0, false
	}
	year := y1*100 + y2
	if len(b) == 10 {
		return PackDateTime(year, month, day, 0, 0, 0, 0), 0, true
	}
	if b[10] != ' ' && b[10] != 'T' {
		return 0, 0, false
	}
	hour, ok5 := two(b[11:])
	if !ok5 || hour > 23 {
		return 0, 0, false
	}
	minute, second, micro, scale, ok := clock(b[13:])
	return PackDateTime(year, month, day, hour, minute, second, micro), scale, ok
}

// plain says whether a packed date is a day of the calendar: zero dates, 30 February and the like are sql_mode's business.
func plain(packed int64) bool {
	day, month, year := int(packed>>41)&31, int(packed>>46)&15, int(uint64(packed)>>50) // the highest bit is that of the years from 8192 on
	return year > 0 && month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month)
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// microScale is the number of digits that a fraction in microseconds needs.
func microScale(micro int64) int {
	if micro < 0 {
		micro = -micro
	}
	micro %= 1_000_000
	scale := 6
	for scale > 0 && micro%10 == 0 {
		micro /= 10
		scale--
	}
	return scale
}

// parseTime reads -?h+:mm:ss[.ffffff] into microseconds.
func parseTime(b []byte) (micros int64, scale int, ok bool) {
	neg := len(b) > 0 && b[0] == '-'
	if neg {
		b = b[1:]
	}
	i := 0
	hours := 0
	for i < len(b) && i < 4 && b[i] >= '0' && b[i] <= '9' {
		hours = hours*10 + int(b[i]-'0')
		i++
	}
	if i < 2 || i > 3 {
		return 0, 0, false
	}
	minute, second, micro, scale, ok := clock(b[i:])
	micros = (int64(hours)*3600+int64(minute)*60+int64(second))*1_000_000 + int64(micro)
	if !ok || micros > maxTime {
		return 0, 0, false
	}
	if neg {
		micros = -micros
	}
	return micros, scale, true
}

// yearOf reads a year that has one meaning only.
func yearOf(i integer) (integer, bool) { return i, !i.neg && i.v >= 1901 && i.v <= 2155 }

// PackTime is a TIME in microseconds.
func PackTime(neg bool, days, hours, minutes, seconds, micro int) int64 {
	v := ((int64(days)*24+int64(hours))*3600+int64(minutes)*60+int64(seconds))*1_000_000 + int64(micro)
	if neg && v != math.MinInt64 {
		return -v
	}
	return v
}
