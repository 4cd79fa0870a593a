package schedule

import (
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// place is a time zone as Go has it. Like MariaDB it takes clocks that show a time twice for the first, and what they leave out for the moment at which they do.
type place struct{ *time.Location }

func (p place) Local(m int64) (int64, error) {
	t := time.Unix(m, 0).In(p.Location)
	_, away := t.Zone()
	return m + int64(away), nil
}

func (p place) Moment(clock int64) (int64, error) {
	for _, near := range []int64{clock - 86400, clock + 86400} {
		_, away := time.Unix(near, 0).In(p.Location).Zone()
		m := clock - int64(away)
		if back, _ := p.Local(m); back == clock {
			return m, nil
		}
	}
	// Left out: the clocks are set between the two.
	from, to := clock-86400, clock+86400
	for to-from > 1 {
		if mid := (from + to) / 2; func() bool { l, _ := p.Local(mid); return l > clock }() {
			to = mid
		} else {
			from = mid
		}
	}
	return to, nil
}

func TestNext(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	const never = ""
	for _, x := range []struct {
		name            string
		e               topo.Event
		zone            *time.Location
		last, now, want string // UTC
	}{
		{"once", topo.Event{At: "2030-01-01 00:00:00"}, time.UTC, "", "2029-01-01 00:00:00", "2030-01-01 00:00:00"},
		{"once, late", topo.Event{At: "2030-01-01 00:00:00"}, time.UTC, "", "2031-01-01 00:00:00", "2030-01-01 00:00:00"},
		{"once, done", topo.Event{At: "2030-01-01 00:00:00"}, time.UTC, "2030-01-01 00:00:00", "2030-01-01 00:00:00", never},
		{"first", every("1", "SECOND", "2030-01-01 00:00:00", ""), time.UTC, "", "2029-01-01 00:00:00", "2030-01-01 00:00:00"},
		{"first, now", every("1", "SECOND", "2030-01-01 00:00:00", ""), time.UTC, "", "2030-01-01 00:00:00", "2030-01-01 00:00:00"},
		{"second", every("1", "SECOND", "2030-01-01 00:00:00", ""), time.UTC, "2030-01-01 00:00:00", "2030-01-01 00:00:00", "2030-01-01 00:00:01"},
		{"missed ones are none", every("7", "MINUTE", "2030-01-01 00:00:00", ""), time.UTC, "2030-01-01 00:07:00", "2030-01-01 00:22:00", "2030-01-01 00:28:00"},
		{"at its time it is the next", every("7", "MINUTE", "2030-01-01 00:00:00", ""), time.UTC, "", "2030-01-01 00:28:00", "2030-01-01 00:35:00"},
		{"compound", every("90", "HOUR_MINUTE", "2030-01-01 00:00:00", ""), time.UTC, "", "2030-01-01 00:30:00", "2030-01-01 01:30:00"},
		{"weeks are kept in days", every("14", "WEEK", "2030-01-01 10:00:00", ""), time.UTC, "", "2030-01-02 00:00:00", "2030-01-15 10:00:00"},
		{"the end is one", every("1", "HOUR", "2030-01-01 00:00:00", "2030-01-01 02:00:00"), time.UTC, "", "2030-01-01 01:00:00", "2030-01-01 02:00:00"},
		{"behind the end", every("1", "HOUR", "2030-01-01 00:00:00", "2030-01-01 02:00:00"), time.UTC, "", "2030-01-01 02:00:00", never},
		{"over", every("1", "HOUR", "2030-01-01 00:00:00", "2030-01-01 02:00:00"), time.UTC, "", "2030-01-01 02:00:01", never},
		{"months", every("1", "MONTH", "2030-01-15 10:00:00", ""), time.UTC, "", "2030-03-15 10:00:00", "2030-04-15 10:00:00"},
		{"this month", every("1", "MONTH", "2030-01-15 10:00:00", ""), time.UTC, "", "2030-03-15 09:59:59", "2030-03-15 10:00:00"},
		{"a short month", every("1", "MONTH", "2030-01-31 10:00:00", ""), time.UTC, "", "2030-02-01 00:00:00", "2030-02-28 10:00:00"},
		{"behind a short month", every("1", "MONTH", "2030-01-31 10:00:00", ""), time.UTC, "", "2030-02-28 10:00:00", "2030-03-28 10:00:00"},
		{"and once more", every("1", "MONTH", "2030-01-31 10:00:00", ""), time.UTC, "", "2030-03-28 10:00:00", "2030-03-31 10:00:00"},
		{"quarters are kept in months", every("3", "QUARTER", "2030-01-31 10:00:00", ""), time.UTC, "", "2030-02-01 00:00:00", "2030-04-30 10:00:00"},
		{"years", every("2", "YEAR", "2028-02-29 10:00:00", ""), time.UTC, "", "2028-03-01 00:00:00", "2030-02-28 10:00:00"},
		{"years and months", every("14", "YEAR_MONTH", "2030-01-01 10:00:00", ""), time.UTC, "", "2030-02-01 00:00:00", "2031-03-01 10:00:00"},
		{"behind MariaDB's moments", every("10", "YEAR", "2030-01-01 10:00:00", ""), time.UTC, "", "2030-02-01 00:00:00", never},
		{"a day of 23 hours", every("1", "DAY", "2030-03-30 09:00:00", ""), berlin, "2030-03-30 09:00:00", "2030-03-30 09:00:00", "2030-03-31 08:00:00"},
		{"a day of 25 hours", every("1", "DAY", "2030-10-26 08:00:00", ""), berlin, "2030-10-26 08:00:00", "2030-10-26 08:00:00", "2030-10-27 09:00:00"},
		{"an hour that is left out", every("1", "DAY", "2030-03-30 01:30:00", ""), berlin, "2030-03-30 01:30:00", "2030-03-30 01:30:00", "2030-03-31 01:00:00"},
		{"hours that come twice are taken once", every("1", "HOUR", "2030-10-26 22:00:00", ""), berlin, "", "2030-10-27 00:00:00", "2030-10-27 02:00:00"},
		{"months on the clock", every("1", "MONTH", "2030-03-01 09:00:00", ""), berlin, "", "2030-03-02 00:00:00", "2030-04-01 08:00:00"},
	} {
		times, err := Of(&x.e)
		if err != nil {
			t.Fatal(err)
		}
		due, more, err := times.Next(place{x.zone}, moment(x.last), moment(x.now))
		if err != nil {
			t.Fatal(err)
		}
		got := never
		if more {
			got = time.Unix(due, 0).UTC().Format(time.DateTime)
		}
		if got != x.want {
			t.Errorf("%s: %q, want %q", x.name, got, x.want)
		}
	}
	for _, e := range []topo.Event{every("0", "SECOND", "2030-01-01 00:00:00", ""), every("1", "MICROSECOND", "2030-01-01 00:00:00", ""), every("1", "SECOND", "", ""), {At: "soon"}} {
		if _, err := Of(&e); err == nil {
			t.Errorf("%+v can be run", e)
		}
	}
}

func every(n, unit, starts, ends string) topo.Event {
	return topo.Event{Every: n, Unit: unit, Starts: starts, Ends: ends}
}

func moment(s string) int64 {
	if s == "" {
		return 0
	}
	t, err := time.Parse(time.DateTime, s)
	if err != nil {
		panic(err)
	}
	return t.Unix()
}

// What is due next is in the future, comes no sooner than the clocks allow, and does not hang on how often it was asked for in between.
func TestNextGoesOn(t *testing.T) {
	for _, zone := range []string{"UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe"} {
		l, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range []topo.Event{every("1000", "SECOND", "2029-12-31 23:50:00", ""), every("45", "MINUTE", "2030-01-01 00:10:00", ""), every("5", "DAY", "2030-01-01 01:30:00", ""), every("1", "MONTH", "2029-01-15 02:30:00", "")} {
			times, err := Of(&e)
			if err != nil {
				t.Fatal(err)
			}
			end := times.Starts + 2*366*86400
			for now := times.Starts; now < end; {
				due, more, err := times.Next(place{l}, 0, now+1)
				if err != nil || !more || due <= now+1 {
					t.Fatalf("%s, %+v at %d: %d, %v, %v", zone, e, now, due, more, err)
				}
				between, _, err := times.Next(place{l}, 0, (now+1+due)/2)
				if err != nil || between > due && (now+1+due)/2 < due {
					t.Fatalf("%s, %+v at %d: %d, but %d in between, %v", zone, e, now, due, between, err)
				}
				now = due
			}
		}
	}
}
