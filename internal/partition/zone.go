package partition

import (
	"encoding/binary"
	"math"

	"github.com/orbweaver/orbweaver/internal/shard"
)

// zone is a time zone's offset in seconds.
type zone int64

const unknownZone zone = 1 << 40

// WithZone is the same function for texts of TIMESTAMP columns in a session with this time_zone. It must be an offset like +02:00, or UTC: of any
// other one only a leaf knows the offsets.
func (f *Func) WithZone(name string) *Func {
	g := *f
	g.zone = parseZone(name)
	return &g
}

func parseZone(s string) zone {
	if s == "UTC" {
		return 0
	}
	if len(s) == 5 {
		s = s[:1] + "0" + s[1:]
	}
	digit := func(i int) zone { return zone(s[i] - '0') }
	if len(s) != 6 || s[0] != '+' && s[0] != '-' || s[3] != ':' || digit(1) > 9 || digit(2) > 9 || digit(4) > 9 || digit(5) > 9 {
		return unknownZone
	}
	off := (digit(1)*10+digit(2))*3600 + (digit(4)*10+digit(5))*60
	if s[0] == '-' {
		off = -off
	}
	return off
}

// append appends a TIMESTAMP as it is stored: seconds since 1970 and the fraction.
func (z zone) append(dst []byte, packed int64, scale int) ([]byte, error) {
	sec, err := z.seconds(packed)
	if err != nil {
		return dst, err
	}
	_, _, _, _, micro := unpack(packed)
	return fraction(binary.BigEndian.AppendUint32(dst, uint32(sec)), micro, scale), nil
}

// seconds is a time of the zone as seconds since 1970; 0 is that of 0000-00-00.
func (z zone) seconds(packed int64) (int64, error) {
	if packed == 0 {
		return 0, nil
	}
	if z == unknownZone {
		return 0, shard.ErrAskLeaf
	}
	year, month, day, clock, micro := unpack(packed)
	sec := (days(year, month, day)-days(1970, 1, 1))*86400 + clock>>12*3600 + clock>>6&63*60 + clock&63 - int64(z)
	if sec < 0 || sec == 0 && micro == 0 || sec > math.MaxUint32 { // the very first second is 0000-00-00
		return 0, shard.ErrInexact
	}
	return sec, nil
}

// days counts the days of the Gregorian calendar from a day before year 0.
func days(year, month, day int64) int64 {
	if month < 3 {
		year, month = year-1, month+12
	}
	return year*365 + year/4 - year/100 + year/400 + (month*153-457)/5 + day
}
