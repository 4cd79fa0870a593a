package schedule

import (
	"fmt"
	"strconv"
	"time"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// Zone turns moments, in seconds since 1970, into what clocks show, in seconds since 1970 as if they showed UTC, and back.
type Zone interface {
	Local(moment int64) (clock int64, err error)
	// Moment takes clocks that are turned back for earlier, and what they leave out for when they leave it out, as MariaDB does.
	Moment(clock int64) (moment int64, err error)
}

// Times is when an event is run. Moments are in seconds since 1970, 0 for none.
type Times struct {
	At           int64 // once
	Starts, Ends int64 // again and again
	every        int64 // in seconds, or months
	months       bool
}

// lastMoment is the end of MariaDB's moments.
const lastMoment = 1<<31 - 1

// Of reads an event's times.
func Of(e *topo.Event) (t Times, err error) {
	for _, m := range []struct {
		text string
		to   *int64
	}{{e.At, &t.At}, {e.Starts, &t.Starts}, {e.Ends, &t.Ends}} {
		if m.text == "" {
			continue
		}
		at, err := time.Parse(time.DateTime, m.text)
		if err != nil {
			return t, fmt.Errorf("event %s.%s: %w", e.DB, e.Name, err)
		}
		*m.to = at.Unix()
	}
	if t.At != 0 {
		return t, nil
	}
	if t.every, err = strconv.ParseInt(e.Every, 10, 64); err != nil {
		return t, fmt.Errorf("event %s.%s: %w", e.DB, e.Name, err)
	}
	unit, ok := units[e.Unit]
	if !ok || t.every <= 0 || t.Starts == 0 {
		return t, fmt.Errorf("event %s.%s: EVERY %s %s from %q is no interval", e.DB, e.Name, e.Every, e.Unit, e.Starts)
	}
	t.every *= unit.size
	t.months = unit.months
	return t, nil
}

type unit struct {
	size   int64
	months bool
}

// units are what MariaDB keeps the number of an interval in: that of the unit's last part, of days for weeks and of months for quarters.
var units = map[string]unit{
	"YEAR": {12, true}, "QUARTER": {1, true}, "YEAR_MONTH": {1, true}, "MONTH": {1, true},
	"WEEK": {86400, false}, "DAY": {86400, false}, "DAY_HOUR": {3600, false}, "HOUR": {3600, false}, "DAY_MINUTE": {60, false}, "HOUR_MINUTE": {60, false}, "MINUTE": {60, false},
	"DAY_SECOND": {1, false}, "HOUR_SECOND": {1, false}, "MINUTE_SECOND": {1, false}, "SECOND": {1, false},
}

// Next is when an event is due that is looked at now, and was last run at a moment, 0 for never; not more: it will not be run again.
func (t *Times) Next(z Zone, last, now int64) (due int64, more bool, err error) {
	switch {
	case t.At != 0:
		return t.At, last == 0, nil
	case t.Ends != 0 && t.Ends < now:
		return 0, false, nil
	case now < t.Starts, now == t.Starts && last != t.Starts:
		return t.Starts, true, nil
	}
	if t.months {
		due, err = t.nextMonth(z, now)
	} else {
		due, err = t.nextSecond(z, now)
	}
	return due, err == nil && due <= lastMoment && (t.Ends == 0 || due <= t.Ends), err
}

// nextSecond counts on the clock: where clocks are changed, a day may have another length. Those that were turned back show a time twice, which counts as the first: it may be over.
func (t *Times) nextSecond(z Zone, now int64) (int64, error) {
	starts, err := z.Local(t.Starts)
	if err != nil {
		return 0, err
	}
	clock, err := z.Local(now)
	if err != nil {
		return 0, err
	}
	at := starts
	if clock > starts {
		at += (clock - starts) / t.every * t.every
	}
	for {
		at += t.every
		if due, err := z.Moment(at); err != nil || due > now {
			return due, err
		}
	}
}

// nextMonth counts months. A day that a month lacks is its last one, and MariaDB goes on from there with the next interval, once.
func (t *Times) nextMonth(z Zone, now int64) (int64, error) {
	starts, err := z.Local(t.Starts)
	if err != nil {
		return 0, err
	}
	clock, err := z.Local(now)
	if err != nil {
		return 0, err
	}
	a, b := time.Unix(starts, 0).UTC(), time.Unix(clock, 0).UTC()
	passed := int64(b.Year()-a.Year())*12 + int64(b.Month()-a.Month())
	for at := addMonths(starts, passed-passed%t.every); ; at = addMonths(at, t.every) {
		if due, err := z.Moment(at); err != nil || due > now {
			return due, err
		}
	}
}

// addMonths is a clock months later.
func addMonths(clock, months int64) int64 {
	t := time.Unix(clock, 0).UTC()
	first := time.Date(t.Year(), t.Month()+time.Month(months), 1, 0, 0, 0, 0, time.UTC)
	day := min(t.Day(), first.AddDate(0, 1, -1).Day())
	return time.Date(first.Year(), first.Month(), day, t.Hour(), t.Minute(), t.Second(), 0, time.UTC).Unix()
}
