package catalog

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

func next(t *testing.T, s *Sequence, n uint64) uint64 {
	t.Helper()
	v, err := s.Next(within(t, time.Minute), n)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func wantNext(t *testing.T, s *Sequence, n, want uint64) {
	t.Helper()
	if got := next(t, s, n); got != want {
		t.Fatalf("next %d, want %d", got, want)
	}
}

func observe(t *testing.T, s *Sequence, v uint64) {
	t.Helper()
	if err := s.Observe(within(t, time.Minute), v); err != nil {
		t.Fatal(err)
	}
}

func TestSequenceOfOneNodeHasNoGaps(t *testing.T) {
	t.Parallel()
	e := newEtcd(t)
	c := open(t, e)
	s := c.Sequence(1)
	if c.Sequence(1) != s || c.Sequence(2) == s {
		t.Error("one table, one sequence")
	}
	want := uint64(1)
	for i := range uint64(60) {
		n := i%7*13 + 1
		wantNext(t, s, n, want)
		want += n
	}
	wantNext(t, s, 200_000, want)
	want += 200_000
	if v, err := s.Peek(within(t, time.Minute)); err != nil || v != want {
		t.Errorf("peek %d %v", v, err)
	}
	// What is left is given back, and the next process goes on there.
	_ = c.Close()
	c = open(t, e)
	if v, err := c.Sequence(1).Peek(within(t, time.Minute)); err != nil || v != want {
		t.Errorf("peek after a restart: %d %v, want %d", v, err, want)
	}
	wantNext(t, c.Sequence(1), 1, want)
}

func TestSequenceObserve(t *testing.T) {
	c := open(t, newEtcd(t))
	s := c.Sequence(1)
	wantNext(t, s, 1, 1)
	observe(t, s, 1)
	wantNext(t, s, 1, 2)
	observe(t, s, 50) // in the block
	wantNext(t, s, 1, 51)
	observe(t, s, 1_000_000) // far above it
	wantNext(t, s, 1, 1_000_001)
	wantNext(t, s, 1, 1_000_002)
	observe(t, s, 999)
	observe(t, s, 0)
	wantNext(t, s, 1, 1_000_003)
	// A load of explicit values, in blocks: few of them reach etcd.
	rev := s.rev
	for v := uint64(2_000_000); v < 2_020_000; v++ {
		observe(t, s, v)
	}
	wantNext(t, s, 1, 2_020_000)
	resp, err := c.client.Get(within(t, time.Minute), s.key)
	if err != nil {
		t.Fatal(err)
	}
	if n := resp.Kvs[0].ModRevision - rev; n > 20 {
		t.Errorf("%d changes in etcd for a load of 20,000 rows", n)
	}
	if n := testing.AllocsPerRun(100, func() {
		if err := s.Observe(context.Background(), 2_000_000); err != nil {
			t.Error(err)
		}
		if _, err := s.Next(context.Background(), 1); err != nil {
			t.Error(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations where the block serves", n)
	}
}

func TestSequenceObserveFirst(t *testing.T) {
	t.Parallel()
	e := newEtcd(t)
	a, b := open(t, e).Sequence(1), open(t, e).Sequence(1)
	observe(t, a, 10)
	wantNext(t, a, 1, 11)
	if v := next(t, b, 1); v <= 11 {
		t.Errorf("b: %d", v)
	}
}

// An explicit value inserted at one node in the middle of another one's block is skipped there.
func TestSequenceObserveInAnothersBlock(t *testing.T) {
	e := newEtcd(t)
	a, b := open(t, e).Sequence(1), open(t, e).Sequence(1)
	wantNext(t, a, 1, 1)
	wantNext(t, b, 1, 101)
	observe(t, b, 50)
	eventually(t, "the floor at a", func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		return a.doc.Floor == 51
	})
	wantNext(t, a, 1, 51)
	wantNext(t, b, 1, 102)
	observe(t, a, 200) // at the very end of b's block
	eventually(t, "the floor at b", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.doc.Floor == 201
	})
	if v := next(t, b, 1); v <= 200 {
		t.Errorf("b: %d", v)
	}
	if v := next(t, a, 1); v <= 200 {
		t.Errorf("a: %d", v)
	}
}

func TestSequenceReset(t *testing.T) {
	t.Parallel()
	e := newEtcd(t)
	a, b := open(t, e).Sequence(1), open(t, e).Sequence(1)
	next(t, a, 10)
	next(t, b, 10)
	ctx := within(t, time.Minute)
	if err := a.Reset(ctx, 1); err != nil {
		t.Fatal(err)
	}
	wantNext(t, a, 1, 1)
	eventually(t, "the reset at b", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.limit == 0
	})
	if err := b.Reset(ctx, 5000); err != nil {
		t.Fatal(err)
	}
	wantNext(t, b, 2, 5000)
	eventually(t, "the reset at a", func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		return a.limit == 0
	})
	if v := next(t, a, 1); v <= 5001 {
		t.Errorf("a: %d", v)
	}
}

func TestSequenceEnd(t *testing.T) {
	t.Parallel()
	c := open(t, newEtcd(t))
	s := c.Sequence(1)
	observe(t, s, math.MaxUint64-3)
	wantNext(t, s, 1, math.MaxUint64-2)
	wantNext(t, s, 1, math.MaxUint64-1)
	if _, err := s.Next(within(t, time.Minute), 1); !errors.Is(err, ErrExhausted) {
		t.Errorf("%v", err)
	}
	observe(t, s, math.MaxUint64)
	if _, err := s.Next(within(t, time.Minute), 1); !errors.Is(err, ErrExhausted) {
		t.Errorf("%v", err)
	}
	if _, err := c.Sequence(2).Next(within(t, time.Minute), math.MaxUint64); !errors.Is(err, ErrExhausted) {
		t.Errorf("%v", err)
	}
	if err := c.DropSequences(within(t, time.Minute), 1, 2); err != nil {
		t.Fatal(err)
	}
	wantNext(t, c.Sequence(1), 1, 1)
	if err := c.Sequence(1).Close(within(t, time.Minute)); err != nil {
		t.Error(err)
	}
	if _, err := s.Next(within(t, time.Minute), 1); err == nil && c.Sequence(1) == s {
		t.Error("a closed sequence goes on")
	}
}

// Many workers at three nodes generate and observe at once: no value is handed out twice, and each worker's values ascend.
func TestSequenceUniqueOverNodes(t *testing.T) {
	t.Parallel()
	e := newEtcd(t)
	var mu sync.Mutex
	seen := map[uint64]bool{}
	var wg sync.WaitGroup
	for range 3 {
		s := open(t, e).Sequence(1)
		for w := range 4 {
			r := rand.New(rand.NewPCG(1, uint64(w)))
			wg.Go(func() {
				last := uint64(0)
				for range 400 {
					n := r.Uint64N(20) + 1
					first, err := s.Next(within(t, time.Minute), n)
					if err != nil {
						t.Error(err)
						return
					}
					if first <= last {
						t.Errorf("%d after %d", first, last)
					}
					last = first + n - 1
					mu.Lock()
					for v := first; v <= last; v++ {
						if seen[v] {
							t.Errorf("%d twice", v)
						}
						seen[v] = true
					}
					mu.Unlock()
					if r.Uint64N(20) == 0 {
						if err := s.Observe(within(t, time.Minute), last+r.Uint64N(3000)); err != nil {
							t.Error(err)
						}
					}
				}
			})
		}
	}
	wg.Wait()
}

// While one caller waits for etcd, another one is served from the block.
func TestSequenceServesWhileWaiting(t *testing.T) {
	t.Parallel()
	c := open(t, newEtcd(t))
	s := c.Sequence(1)
	next(t, s, 1)
	s.mu.Lock()
	hold, release := make(chan struct{}), make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.alone(context.Background(), func() error { close(hold); <-release; return nil }); err != nil {
			t.Error(err)
		}
	}()
	<-hold
	wantNext(t, s, 1, 2)
	observe(t, s, 10)
	wantNext(t, s, 1, 11)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.Next(ctx, 1000); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	close(release)
	<-done
	wantNext(t, s, 1, 12)
}

func TestTableIDsAndDomainsAreNeverReused(t *testing.T) {
	t.Parallel()
	e := newEtcd(t)
	seen := map[uint64]bool{}
	for range 3 {
		c := open(t, e)
		for range 5 {
			id, err := c.NewTableID(within(t, time.Minute))
			if err != nil || seen[id] || id == 0 {
				t.Fatalf("%d %v", id, err)
			}
			seen[id] = true
		}
		_ = c.Close()
	}
	c := open(t, e)
	a, err := c.NewDomains(within(t, time.Minute), 8)
	if err != nil || a == 0 {
		t.Fatal(a, err)
	}
	b, err := c.NewDomains(within(t, time.Minute), 8)
	if err != nil || b < a+8 {
		t.Fatal(a, b, err)
	}
}

func TestSequenceUpcoming(t *testing.T) {
	e := newEtcd(t)
	a, b := open(t, e), open(t, e)
	ctx := within(t, time.Minute)
	want := func(who string, c *Catalog, values ...uint64) {
		t.Helper()
		got := c.Upcoming(ctx, []uint64{1, 2, 3})
		for i, v := range values {
			if got[uint64(i)+1] != v {
				t.Errorf("%s: table %d goes on with %d, want %d", who, i+1, got[uint64(i)+1], v)
			}
		}
	}
	want("new", a, 1, 1, 1)
	wantNext(t, a.Sequence(1), 3, 1)
	observe(t, a.Sequence(2), 500)
	want("who has the only block", a, 4, 501, 1)
	// A node without a block tells what is behind all of them, without waiting for its watch.
	want("the other", b, 101, 601, 1)
	wantNext(t, b.Sequence(1), 1, 101)
	want("who has the last block", b, 102, 601, 1)
	want("who has one before", a, 201, 501, 1)
	many := make([]uint64, 250)
	for i := range many {
		many[i] = uint64(i) + 1
	}
	if got := b.Upcoming(ctx, many); len(got) != len(many) || got[1] != 102 || got[250] != 1 {
		t.Errorf("of many: %v", got)
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	ctx = gone // etcd does not answer
	want("by what was seen", a, 201, 501)
	if _, ok := a.Upcoming(ctx, []uint64{7})[7]; ok {
		t.Error("nothing is known of a table that was never used here")
	}
}
