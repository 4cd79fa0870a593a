package exec

import (
	"slices"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// What was seen counts for more than what is estimated, and what was seen whole for more than what was reckoned.
func TestGuesses(t *testing.T) {
	a, b := &topo.Table{Name: "a"}, &topo.Table{Name: "b"}
	fills := []plan.Fill{{Table: a}, {Table: b}}
	estimated := map[*topo.Table]int64{a: 1000, b: 2000}
	var g guesses
	if g.find("q", fills) != nil {
		t.Error("something is known of a new statement")
	}
	check := func(what string, rows map[*topo.Table]int64, wantA, wantB int64) {
		t.Helper()
		if rows[a] != wantA || rows[b] != wantB {
			t.Errorf("%s: %d and %d rows, want %d and %d", what, rows[a], rows[b], wantA, wantB)
		}
	}
	check("estimated", g.keep("q", estimated), 1000, 2000)
	see := func(table *topo.Table, rows int64, part bool) {
		g.see("q", map[*topo.Table]sight{table: {time.Now(), rows, part}})
	}
	see(a, 10, true)
	check("reckoned", g.find("q", fills), 10, 2000)
	see(a, 20, false)
	see(a, 5, true)
	check("seen", g.find("q", fills), 20, 2000)
	see(a, 10, false)
	see(b, 5000, false)
	check("fewer, and more", g.find("q", fills), 15, 5000)
	check("estimated anew", g.keep("q", estimated), 15, 5000)
	if got := []int64{g.most("q", a), g.most("q", &topo.Table{}), g.most("another", a)}; !slices.Equal(got, []int64{150 + manyRows, 0, 0}) {
		t.Errorf("at most %d", got)
	}
	if g.find("another", fills) != nil || g.find("q", append(fills, plan.Fill{Table: &topo.Table{Name: "a"}})) != nil {
		t.Error("something is known of another statement, or of another table")
	}
	g.all["q"].seen[b] = sight{at: time.Now().Add(-2 * sightAge), rows: 1}
	check("of long ago", g.find("q", fills), 15, 2000)
	if g.most("q", b) != 0 {
		t.Error("what was seen long ago bounds something")
	}
	g.forget("q")
	check("forgotten", g.find("q", fills), 1000, 2000)
	g.all["q"].at = time.Now().Add(-2 * guessAge)
	if g.find("q", fills) != nil {
		t.Error("an old estimate counts")
	}
	check("of text too long to be kept", g.keep("", estimated), 1000, 2000)
	if g.see("", map[*topo.Table]sight{a: {}}); len(g.all) != 1 {
		t.Error("it was kept")
	}
}

// How many rows a fill would have had shows when it is read.
func TestSeenRows(t *testing.T) {
	table := &topo.Table{Name: "a"}
	s := &stage{rows: map[*topo.Table]int64{table: 1000}, desks: make([]*desk, 2)}
	for _, x := range []struct {
		w    copyWriter
		rows int64
		part bool
	}{
		{copyWriter{f: &plan.Fill{Table: table}, total: 50, readOnce: true}, 25, false}, // at two desks
		{copyWriter{f: &plan.Fill{Table: table, Deal: table}, total: 50, readOnce: true}, 50, false},
		{copyWriter{f: &plan.Fill{Table: table, Probe: true}, probed: 7, readOnce: true}, 7, false},
		{copyWriter{f: &plan.Fill{Table: table, Probe: true}, probed: plan.ProbeRows, readOnce: true}, -1, false},
		{copyWriter{f: &plan.Fill{Table: table}, total: 40, readOnce: true, narrowed: 100}, 201, true}, // a fifth of those that were asked for
		{copyWriter{f: &plan.Fill{Table: table}, total: 40, readOnce: true, narrowed: -1}, -1, false},
		{copyWriter{f: &plan.Fill{Table: table}, total: 50}, -1, false},
		{copyWriter{f: &plan.Fill{Table: table, First: &plan.FillFirst{}}, total: 2, readOnce: true}, -1, false},
		{copyWriter{f: &plan.Fill{Table: &topo.Table{}}, total: 2, readOnce: true}, -1, false},
	} {
		x.w.s = s
		if rows, part := x.w.saw(); rows != x.rows || part != x.part {
			t.Errorf("of %d rows, %d probed, %d asked for: %d, %v, want %d, %v", x.w.total, x.w.probed, x.w.narrowed, rows, part, x.rows, x.part)
		}
	}
}
