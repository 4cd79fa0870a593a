package exec

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// What is run again and again is not estimated each time, and better known each time: MariaDB's estimates know nothing of what a condition leaves of the rows where its column has no key.

// guesses remembers how many rows the fills of statements have, by the statements' texts without values.
type guesses struct {
	mu  sync.Mutex
	all map[string]*guess
}

// guess is what is known of a statement's fills, before keys narrow them.
type guess struct {
	at   time.Time
	rows map[*topo.Table]int64 // as MariaDB estimates them
	seen map[*topo.Table]sight
}

// sight is what was seen when a fill was read.
type sight struct {
	at   time.Time
	rows int64
	part bool // reckoned from some of the rows
}

const (
	guessAge   = 2 * time.Second
	sightAge   = time.Minute
	maxGuesses = 1000
)

// find gives the rows of a statement's fills; nil when they are not known.
func (g *guesses) find(key string, fills []plan.Fill) map[*topo.Table]int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	old := g.all[key]
	if old == nil || time.Since(old.at) >= guessAge {
		return nil
	}
	for i := range fills {
		if _, known := old.rows[fills[i].Table]; !known { // the topology is another
			return nil
		}
	}
	return old.known()
}

func (g *guess) known() map[*topo.Table]int64 {
	rows := maps.Clone(g.rows)
	for t, s := range g.seen {
		if time.Since(s.at) < sightAge {
			rows[t] = s.rows
		}
	}
	return rows
}

// keep takes MariaDB's estimates, and gives what is known with them.
func (g *guesses) keep(key string, rows map[*topo.Table]int64) map[*topo.Table]int64 {
	if key == "" {
		return rows
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.all[key]
	if now == nil {
		if len(g.all) >= maxGuesses || g.all == nil {
			g.all = make(map[string]*guess)
		}
		now = &guess{seen: make(map[*topo.Table]sight)}
		g.all[key] = now
	}
	now.at, now.rows = time.Now(), rows
	maps.DeleteFunc(now.seen, func(t *topo.Table, _ sight) bool { _, there := rows[t]; return !there })
	return now.known()
}

// see takes what was seen. The statement may have had other values in its conditions before: fewer rows than then count by halves.
func (g *guesses) see(key string, seen map[*topo.Table]sight) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.all[key]
	if now == nil {
		return
	}
	for t, s := range seen {
		old, known := now.seen[t]
		known = known && time.Since(old.at) < sightAge
		switch {
		case known && s.part && !old.part:
			continue // that was better
		case known && s.part == old.part && s.rows < old.rows:
			s.rows = (s.rows + old.rows) / 2
		}
		now.seen[t] = s
	}
}

// errUnforeseen: a table has far more rows than were seen of it.
var errUnforeseen = errors.New("more rows than were seen before")

// most is how many rows of a table may come before what was chosen by those that were seen is to be chosen anew; 0 when none were seen.
func (g *guesses) most(key string, t *topo.Table) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now := g.all[key]; now != nil {
		if s, known := now.seen[t]; known && time.Since(s.at) < sightAge {
			return 10*s.rows + manyRows
		}
	}
	return 0
}

// forget leaves nothing but MariaDB's estimates.
func (g *guesses) forget(key string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now := g.all[key]; now != nil {
		clear(now.seen)
	}
}

// guess is how many rows a staged statement's fills are thought to have, before keys narrow them.
func (r *Runner) guess(ctx context.Context, st *Statement) (map[*topo.Table]int64, error) {
	key := st.guessKey()
	if rows := r.guesses.find(key, st.Plan.Fills); rows != nil {
		return rows, nil
	}
	rows, err := r.estimates(ctx, st, st.Plan.Fills)
	if err != nil {
		return nil, err
	}
	return r.guesses.keep(key, rows), nil
}

// guessKey is what guesses know a statement by; "" when it is too large.
func (st *Statement) guessKey() string {
	switch {
	case st.solving != "":
		return st.solving
	case st.Scan.Huge:
		return ""
	}
	return st.Sess.DB + "\x00" + string(st.Scan.Fingerprint)
}

// estimates are how many rows MariaDB thinks that fills have, asked for at once.
func (r *Runner) estimates(ctx context.Context, st *Statement, fills []plan.Fill) (map[*topo.Table]int64, error) {
	var all sync.WaitGroup
	found, errs := make([]int64, len(fills)), make([]error, len(fills))
	for i := range fills {
		if g := st.given[fills[i].Table]; g != nil {
			found[i] = int64(len(g.rows.rows))
			continue
		}
		all.Go(func() { found[i], _, errs[i] = r.Estimate(ctx, st, &fills[i]) })
	}
	all.Wait()
	rows := make(map[*topo.Table]int64)
	for i := range fills {
		rows[fills[i].Table] = found[i]
	}
	return rows, errors.Join(errs...)
}

// learn notes how many rows the fills had.
func (s *stage) learn() {
	if s.rows == nil { // nobody asks
		return
	}
	seen := make(map[*topo.Table]sight)
	for i, w := range s.writers {
		if n, part := w.saw(); n >= 0 && !s.order.skipped[i] {
			seen[s.fills[i].Table] = sight{time.Now(), n, part}
		}
	}
	s.r.guesses.see(s.st.guessKey(), seen)
}

// saw is how many rows a fill has before keys narrow it; negative when that was not seen. part: it was reckoned by those that keys left.
func (w *copyWriter) saw() (n int64, part bool) {
	estimated, known := w.s.rows[w.f.Table]
	if !w.readOnce || !known || w.f.First != nil {
		return -1, false
	}
	n = int64(w.probed)
	if !w.f.Probe {
		n = w.total
		if w.f.Deal == nil {
			n /= int64(len(w.s.desks))
		}
	} else if n >= plan.ProbeRows {
		return -1, false
	}
	switch {
	case w.narrowed == 0:
		return n, false
	case w.narrowed > 0: // of so many rows the conditions left n
		return min(estimated, estimated*n/w.narrowed+1), true
	}
	return -1, false
}
