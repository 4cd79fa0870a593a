package txn

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
)

// quiet is a guard that holds commits back at some partitions, and counts who is inside.
type quiet struct {
	mu      sync.Mutex
	held    map[int]bool // by ordinal; -1 stands for places that are no partition
	inside  map[int]int
	entered int
	waited  func(n int) error // what AwaitCommit does
}

func of(p Place) int {
	if p.Partition.DB == "" {
		return -1
	}
	return p.Partition.Ordinal
}

func (q *quiet) Enter(Place) error                                   { return nil }
func (q *quiet) Leave(Place)                                         {}
func (q *quiet) Confirm(context.Context, Place, *backend.Conn) error { return nil }
func (q *quiet) Uneven()                                             {}

func (q *quiet) EnterCommit(p Place) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.held[of(p)] {
		return false
	}
	q.inside[of(p)]++
	q.entered++
	return true
}

func (q *quiet) LeaveCommit(p Place) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.inside[of(p)]--
}

func (q *quiet) AwaitCommit(_ context.Context, p Place) error { return q.waited(of(p)) }

// wide stands for commits at several places.
const wide = -3

func (q *quiet) EnterWide([]Place) func() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.held[wide] {
		return nil
	}
	q.inside[wide]++
	return func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.inside[wide]--
	}
}

func (q *quiet) AwaitWide(context.Context, []Place) error { return q.waited(wide) }

func (q *quiet) hold(n int, on bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.held[n] = on
}

// nobody says whether all that entered have left.
func (q *quiet) nobody() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for n, i := range q.inside {
		if i != 0 {
			return fmt.Errorf("%d are inside of %d", i, n)
		}
	}
	return nil
}

func TestCommitsAreHeldBack(t *testing.T) {
	e := newEnv(t, farmtest.Shared(t, 2))
	q := &quiet{held: map[int]bool{}, inside: map[int]int{}}
	s := e.session()
	s.SetGuard(q)
	wait := errors.New("for too long")
	waits := 0
	// Whoever waits for one partition is inside of none.
	q.waited = func(n int) error {
		waits++
		if err := q.nobody(); err != nil {
			t.Error(err)
		}
		q.hold(n, false)
		return nil
	}
	entered := func(want int) {
		t.Helper()
		if q.entered != want {
			t.Errorf("%d have entered, want %d", q.entered, want)
		}
		if err := q.nobody(); err != nil {
			t.Error(err)
		}
		q.entered = 0
	}
	e.must(s, 0, "INSERT INTO t VALUES (1, 1)")
	entered(1)
	q.hold(0, true)
	e.must(s, 0, "INSERT INTO t VALUES (2, 1)")
	entered(1)
	if waits != 1 {
		t.Errorf("waited %d times", waits)
	}
	s.Reading(true)
	e.must(s, 0, "SELECT a FROM t")
	s.Reading(false)
	entered(0)
	if _, err := run(s, 0, "INSERT INTO t VALUES (2, 1)"); err == nil {
		t.Error("a duplicate")
	}
	entered(1)
	// Places that are no partition are committed to by statements that write reference tables.
	for _, shapes := range []bool{false, true} {
		s.Shapes(shapes)
		c, err := s.Conn(ctx, Place{Leaf: "leaf-1", Schema: "t_0"})
		e.ok(err)
		_, err = c.Query(ctx, "SELECT 1")
		e.ok(s.Done(c, err))
		s.Shapes(false)
		entered(map[bool]int{true: 1}[shapes])
	}
	// A transaction goes on while commits are held back, and waits at its end for all places at once.
	q.hold(1, true)
	e.ok(s.Begin(ctx, Modes{}))
	for n := range 3 {
		e.must(s, n, "INSERT INTO t VALUES (3, 1)")
	}
	entered(0)
	if _, err := s.Commit(ctx, End{}); err != nil {
		t.Error(err)
	}
	entered(4) // one of them twice: it left again while the next was waited for
	e.check("1,2,3 / 3 / 3")
	// One that is kept waiting for too long is rolled back everywhere.
	q.waited = func(int) error { return wait }
	q.hold(2, true)
	e.ok(s.Begin(ctx, Modes{}))
	for n := range 3 {
		e.must(s, n, "INSERT INTO t VALUES (4, 1)")
	}
	_, err := s.Commit(ctx, End{})
	var lost *LostError
	if !errors.As(err, &lost) || !errors.Is(err, wait) || s.InTransaction() || s.Held() != 0 {
		t.Errorf("%v, holds %d", err, s.Held())
	}
	entered(2)
	if _, err := run(s, 2, "INSERT INTO t VALUES (4, 1)"); !errors.Is(err, wait) {
		t.Errorf("outside of a transaction: %v", err)
	}
	// So is a statement at several places, which is a transaction of its own.
	g := s.Group()
	for n := range 3 {
		e.must(g, n, "INSERT INTO t VALUES (5, 1)")
	}
	if err := g.End(ctx, nil); !errors.Is(err, wait) || s.InTransaction() || s.Held() != 0 {
		t.Errorf("a statement at several places: %v, holds %d", err, s.Held())
	}
	e.check("1,2,3 / 3 / 3")
	q.entered = 0
	// Nothing was written: there is nothing to hold back.
	e.ok(s.Begin(ctx, Modes{}))
	s.Reading(true)
	e.must(s, 2, "SELECT a FROM t")
	s.Reading(false)
	if _, err := s.Commit(ctx, End{}); err != nil {
		t.Error(err)
	}
	entered(0)
}
