package equivalence

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/equivalence/answer"
	due "github.com/orbweaver/orbweaver/internal/schedule"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// TestEvents compares what is said of events that are made, altered and dropped. That they are run is tested in package gateway.
func TestEvents(t *testing.T) {
	text, err := os.ReadFile("testdata/events.txt")
	if err != nil {
		t.Fatal(err)
	}
	p := newPair(t, "eq_events", 4, answer.Caps)
	p.strict = true
	must(t, p.plain, "SET GLOBAL event_scheduler = ON")
	t.Cleanup(func() { must(t, p.plain, "SET GLOBAL event_scheduler = OFF") })
	p.both("CREATE TABLE t (id BIGINT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(40))")
	for _, s := range script(string(text)) {
		p.same(s.sql, s.how)
	}
	p.both("DROP DATABASE eq_events")
	p.same("SELECT COUNT(*) FROM information_schema.EVENTS", how{})
	p.report()
}

// away is a time zone that is so many seconds from UTC.
type away int64

func (a away) Local(moment int64) (int64, error) { return moment + int64(a), nil }
func (a away) Moment(clock int64) (int64, error) { return clock - int64(a), nil }

// TestDueTimes compares when events are due with when a server runs them: not before, and at all.
func TestDueTimes(t *testing.T) {
	_, plain := cluster(t)
	c := dial(t, plain, "", answer.Caps)
	for _, sql := range []string{"DROP DATABASE IF EXISTS eq_due", "CREATE DATABASE eq_due", "USE eq_due", "SET GLOBAL event_scheduler = ON", "SET time_zone = '+05:30'"} {
		must(t, c, sql)
	}
	t.Cleanup(func() { must(t, c, "SET GLOBAL event_scheduler = OFF") })
	intervals := []string{"1 MINUTE", "7 MINUTE", "3 HOUR", "'1:30' HOUR_MINUTE", "'0:1:1' HOUR_SECOND", "1 DAY", "'2 3' DAY_HOUR", "2 WEEK", "1 MONTH", "5 MONTH", "2 QUARTER", "1 YEAR", "'1-2' YEAR_MONTH", "90 SECOND"}
	for i, every := range intervals {
		// It began in the past, so that it is due again in a moment.
		must(t, c, fmt.Sprintf("CREATE EVENT e%d ON SCHEDULE EVERY %s STARTS NOW() + INTERVAL 2 SECOND - INTERVAL %[2]s - INTERVAL %[2]s ON COMPLETION PRESERVE DO DO 1", i, every))
	}
	const read = "SELECT name, IFNULL(starts, ''), interval_value, interval_field, UNIX_TIMESTAMP(created), IFNULL(UNIX_TIMESTAMP(CONVERT_TZ(last_executed, '+00:00', '+05:30')), '') FROM mysql.event WHERE db = 'eq_due'"
	next := map[string]int64{}
	for _, row := range must(t, c, read)[0].Rows {
		text := texts(row)
		e := topo.Event{DB: "eq_due", Name: text[0], Starts: text[1], Every: text[2], Unit: text[3]}
		times, err := due.Of(&e)
		if err != nil {
			t.Fatal(err)
		}
		var created int64
		if _, err := fmt.Sscan(text[4], &created); err != nil {
			t.Fatal(err)
		}
		at, more, err := times.Next(away(5*3600+30*60), 0, created)
		if err != nil || !more {
			t.Fatalf("%s: %v %v", text[0], more, err)
		}
		next[text[0]] = at
	}
	if len(next) != len(intervals) {
		t.Fatalf("%d events of %d", len(next), len(intervals))
	}
	for until := time.Now().Add(3 * time.Minute); len(next) > 0; time.Sleep(50 * time.Millisecond) {
		for _, row := range must(t, c, read)[0].Rows {
			text := texts(row)
			at, waits := next[text[0]]
			if !waits || text[5] == "" {
				continue
			}
			var ran int64
			if _, err := fmt.Sscan(text[5], &ran); err != nil {
				t.Fatal(err)
			}
			if ran < at {
				t.Errorf("%s, EVERY %s %s, was run at %d, %d s before it is due", text[0], text[2], text[3], ran, at-ran)
			}
			delete(next, text[0])
		}
		if time.Now().After(until) {
			t.Fatalf("a server does not run at all: %v", next)
		}
	}
	must(t, c, "DROP DATABASE eq_due")
}

// texts are a row's values.
func texts(row answer.Row) []string {
	out := make([]string, len(row.Cells))
	for i, c := range row.Cells {
		out[i] = strings.Trim(c, `"`)
	}
	return out
}
