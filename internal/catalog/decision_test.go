package catalog

import (
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/topo"
)

func ids(ds []*Decision) (all []string) {
	for _, d := range ds {
		all = append(all, d.ID)
	}
	return all
}

// Of many that decide about one transaction, one does; all learn what it was.
func TestDecideOnce(t *testing.T) {
	t.Parallel()
	e := newEtcd(t)
	ca, cb := open(t, e), open(t, e)
	a := register(t, ca, "a")
	ctx := within(t, 30*time.Second)
	outcomes := make([]Outcome, 16)
	var wg sync.WaitGroup
	for i := range outcomes {
		wg.Go(func() {
			var now *Decision
			var err error
			if i%2 == 0 {
				now, err = a.Decide(ctx, &Decision{ID: "1-1", Owner: a.Lease(), Outcome: Committed})
			} else {
				now, err = cb.Decide(ctx, &Decision{ID: "1-1", Owner: a.Lease(), Outcome: RolledBack})
			}
			if err != nil {
				t.Error(err)
				return
			}
			outcomes[i] = now.Outcome
		})
	}
	wg.Wait()
	d, err := cb.Decision(ctx, "1-1")
	if err != nil || d == nil || d.At.IsZero() {
		t.Fatalf("%+v, %v", d, err)
	}
	for i, o := range outcomes {
		if o != d.Outcome {
			t.Errorf("the %d. was told %q, it is %q", i, o, d.Outcome)
		}
	}
	if d, err := cb.Decision(ctx, "1-2"); err != nil || d != nil {
		t.Errorf("nobody has decided: %+v, %v", d, err)
	}
	eventually(t, "the watch has it", func() bool { return reflect.DeepEqual(ids(ca.KnownDecisions()), []string{"1-1"}) })
	if err := cb.Finish(ctx, d); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the watch has its end", func() bool { known := ca.KnownDecisions(); return len(known) == 1 && known[0].Finished })
	if err := cb.Forget(ctx, d); err != nil {
		t.Fatal(err)
	}
	if now, err := ca.Decision(ctx, "1-1"); err != nil || now == nil || !now.Finished {
		t.Errorf("what has changed since it was read is gone: %+v, %v", now, err)
	} else if err := ca.Forget(ctx, now); err != nil {
		t.Fatal(err)
	}
	if d, err := cb.Decision(ctx, "1-1"); err != nil || d != nil {
		t.Errorf("not forgotten: %+v, %v", d, err)
	}
	eventually(t, "the watch has forgotten", func() bool { return len(cb.KnownDecisions()) == 0 })
}

// An owner whose lease has ended decides nothing more; others decide in its place.
func TestDecideUnderALease(t *testing.T) {
	t.Parallel()
	c := open(t, newEtcd(t))
	a := register(t, c, "a")
	ctx := within(t, 30*time.Second)
	lease := a.Lease()
	if err := a.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if a.Lease() != 0 {
		t.Error("a closed node has a lease")
	}
	for _, d := range []Decision{
		{ID: "1-1", Owner: lease, Outcome: Committed},
		{ID: "1-1", Owner: lease, Outcome: Prepared, XA: &XID{Format: 1, Gtrid: []byte("x")}},
	} {
		if now, err := a.Decide(ctx, &d); !errors.Is(err, ErrLeaseLost) {
			t.Errorf("%+v, %v", now, err)
		}
	}
	if now, err := c.Decide(ctx, &Decision{ID: "1-1", Owner: lease, Outcome: RolledBack}); err != nil || now.Outcome != RolledBack {
		t.Errorf("%+v, %v", now, err)
	}
	// It is told what was decided, not only that it may not.
	if now, err := a.Decide(ctx, &Decision{ID: "1-1", Owner: lease, Outcome: Committed}); err != nil || now.Outcome != RolledBack {
		t.Errorf("%+v, %v", now, err)
	}
}

// A client's prepared transaction is found by its XID from anywhere, after restarts of nodes and of etcd; one of many that finish it does, and the XID is free then.
func TestClientXADecisions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := startEtcd(t, dir)
	c, err := Open(within(t, 10*time.Second), Config{Endpoints: e.Endpoints(), Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	ctx := within(t, 60*time.Second)
	a, err := c.Register(ctx, NodeInfo{Name: "a"}, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	x := XID{Format: 7, Gtrid: []byte("\x00/'g"), Bqual: []byte{0xff}}
	want := &Decision{
		ID: "5-6", Owner: a.Lease(), Outcome: Prepared, XA: &x, User: "app", At: time.Unix(1700000000, 0).UTC(), Members: []Member{
			{Partition: topo.PartitionID{DB: "d", Ordinal: 3}, Leaf: "leaf-1", Thread: 11}, {Server: "s", Thread: 12},
		},
	}
	if _, err := a.Decide(ctx, want); err != nil {
		t.Fatal(err)
	}
	if now, err := a.Decide(ctx, want); err != nil || now.Outcome != Prepared { // its first answer was lost
		t.Errorf("%+v, %v", now, err)
	}
	if now, err := a.Decide(ctx, &Decision{ID: "5-7", Owner: a.Lease(), Outcome: Prepared, XA: &XID{8, x.Gtrid, x.Bqual}}); !errors.Is(err, ErrXIDTaken) {
		t.Errorf("%+v, %v", now, err)
	}
	for i, other := range []XID{{7, x.Gtrid, nil}, {7, append(x.Gtrid, x.Bqual...), nil}} {
		if d, err := c.XA(ctx, other); err != nil || d != nil {
			t.Errorf("the %d. other XID finds %+v, %v", i, d, err)
		}
	}
	_ = a.Close(ctx)
	_ = c.Close()
	_ = e.Close()
	e = startEtcd(t, dir)
	t.Cleanup(func() { _ = e.Close() })
	c = open(t, e)
	d, err := c.XA(ctx, x)
	if err != nil || d == nil {
		t.Fatalf("%+v, %v", d, err)
	}
	for _, got := range []*Decision{d, c.KnownDecisions()[0]} {
		plain := *got
		plain.rev = 0
		if !reflect.DeepEqual(&plain, want) {
			t.Errorf("%+v, want %+v", plain, want)
		}
	}
	if err := c.Forget(ctx, d); err != nil {
		t.Fatal(err)
	}
	if err := c.Finish(ctx, d); err != nil {
		t.Fatal(err)
	}
	if d, err := c.XA(ctx, x); err != nil || d == nil || d.Finished {
		t.Fatalf("a prepared one is neither forgotten nor finished: %+v, %v", d, err)
	}
	outcomes := make([]Outcome, 8)
	var wg sync.WaitGroup
	for i := range outcomes {
		wg.Go(func() {
			now, err := c.Resolve(ctx, d, []Outcome{Committed, RolledBack}[i%2])
			if err != nil {
				t.Error(err)
				return
			}
			outcomes[i] = now.Outcome
		})
	}
	wg.Wait()
	now, err := c.Decision(ctx, d.ID)
	if err != nil || now.Outcome == Prepared {
		t.Fatalf("%+v, %v", now, err)
	}
	for _, o := range outcomes {
		if o != now.Outcome {
			t.Errorf("one was told %q, it is %q", o, now.Outcome)
		}
	}
	if d, err := c.XA(ctx, x); err != nil || d != nil {
		t.Errorf("the XID is taken still: %+v, %v", d, err)
	}
	b := register(t, c, "b")
	if _, err := b.Decide(ctx, &Decision{ID: "8-8", Owner: b.Lease(), Outcome: Prepared, XA: &x}); err != nil {
		t.Error(err)
	}
	all, err := c.Decisions(ctx)
	if err != nil || !reflect.DeepEqual(ids(all), []string{"5-6", "8-8"}) {
		t.Errorf("%v, %v", ids(all), err)
	}
	if err := c.Forget(ctx, all...); err != nil {
		t.Fatal(err)
	}
	if all, err = c.Decisions(ctx); err != nil || !reflect.DeepEqual(ids(all), []string{"8-8"}) {
		t.Errorf("%v, %v", ids(all), err)
	}
	if gone, err := c.Resolve(ctx, &Decision{ID: "0-0", Outcome: Prepared, XA: &XID{Gtrid: []byte("z")}}, Committed); err != nil || gone != nil {
		t.Errorf("%+v, %v", gone, err)
	}
}

// Without an answer nobody is told that something was decided, or that it was not.
func TestDecidingWithoutEtcd(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := startEtcd(t, dir)
	c := open(t, e)
	a, err := c.Register(within(t, 10*time.Second), NodeInfo{Name: "a"}, 60*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	lease := a.Lease()
	_ = e.Close()
	if now, err := a.Decide(within(t, 2500*time.Millisecond), &Decision{ID: "1-1", Owner: lease, Outcome: Committed}); !errors.Is(err, ErrUnknown) {
		t.Errorf("%+v, %v", now, err)
	}
	if d, err := c.Decision(within(t, time.Second), "1-1"); !errors.Is(err, ErrUnavailable) {
		t.Errorf("%+v, %v", d, err)
	}
	e = startEtcd(t, dir)
	t.Cleanup(func() { _ = e.Close() })
	if now, err := a.Decide(within(t, 20*time.Second), &Decision{ID: "1-1", Owner: lease, Outcome: Committed}); err != nil || now.Outcome != Committed {
		t.Errorf("%+v, %v", now, err)
	}
}

// Many decisions at once reach the watch, whole.
func TestManyDecisions(t *testing.T) {
	t.Parallel()
	e := newEtcd(t)
	ca, cb := open(t, e), open(t, e)
	a := register(t, ca, "a")
	ctx := within(t, 60*time.Second)
	const many = 300
	var wg sync.WaitGroup
	for w := range 6 {
		wg.Go(func() {
			for i := w; i < many; i += 6 {
				if _, err := a.Decide(ctx, &Decision{ID: fmt.Sprintf("1-%x", i), Owner: a.Lease(), Outcome: Committed}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	eventually(t, "all at the other catalog", func() bool { return len(cb.KnownDecisions()) == many })
}

// Where transactions could not be ended is kept, the latest of it when it is much.
func TestFailedBranches(t *testing.T) {
	t.Parallel()
	c := open(t, newEtcd(t))
	ctx := within(t, 5*time.Minute)
	if all, err := c.FailedBranches(ctx); err != nil || len(all) != 0 {
		t.Fatalf("%v, %v", all, err)
	}
	began := time.Now().UTC().Round(0)
	first := FailedBranch{ID: "1-0", XA: &XID{Format: 1, Gtrid: []byte("x")}, Outcome: Committed, Member: Member{Leaf: "leaf-1", Thread: 7}, At: began}
	if err := c.AddFailedBranch(ctx, first); err != nil {
		t.Fatal(err)
	}
	if all, err := c.FailedBranches(ctx); err != nil || len(all) != 1 || !reflect.DeepEqual(all[0], first) {
		t.Fatalf("%+v, %v", all, err)
	}
	const more = 20
	for i := 1; i < keptEvents+more; i++ {
		if err := c.AddFailedBranch(ctx, FailedBranch{ID: fmt.Sprintf("1-%x", i), At: began.Add(time.Duration(i))}); err != nil {
			t.Fatal(err)
		}
	}
	all, err := c.FailedBranches(ctx)
	if err != nil || len(all) != keptEvents || all[0].ID != fmt.Sprintf("1-%x", more) {
		t.Errorf("%d, the first %+v, %v", len(all), all[0], err)
	}
}
