package catalog

import (
	"errors"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// A due time is claimed once, by the node that has the lock, of the event that it knows.
func TestClaimRun(t *testing.T) {
	t.Parallel()
	e := newEtcd(t)
	ca, cb := open(t, e), open(t, e)
	a, b := register(t, ca, "a"), register(t, cb, "b")
	ctx := within(t, 30*time.Second)
	ev := &topo.Event{DB: "d", Name: "e", ID: 7, Version: 1, Status: topo.EventEnabled}
	other := &topo.Event{DB: "d", Name: "other", ID: 8, Version: 1, Status: topo.EventEnabled}
	if _, err := ca.Update(ctx, func(x *Txn) error {
		x.PutDatabase(&topo.Database{Name: "d"})
		x.PutEvent(ev)
		x.PutEvent(other)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	lock, err := a.LockScheduler(ctx)
	if err != nil {
		t.Fatal(err)
	}
	first, err := ca.ClaimRun(ctx, lock, ev, nil, Run{Due: 100, At: 101})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ca.ClaimRun(ctx, lock, ev, nil, Run{Due: 100, At: 101}); !errors.Is(err, ErrRunTaken) {
		t.Errorf("a due time was claimed twice: %v", err)
	}
	second, err := ca.ClaimRun(ctx, lock, ev, first, Run{Due: 200, At: 200})
	if err != nil {
		t.Fatal(err)
	}
	if err := cb.Sync(ctx); err != nil {
		t.Fatal(err)
	}
	// Altered.
	changed := *ev
	changed.Version = 2
	if _, err := cb.Update(ctx, func(x *Txn) error { x.PutEvent(&changed); return nil }); err != nil {
		t.Fatal(err)
	}
	for _, last := range []bool{false, true} {
		if _, err := ca.ClaimRun(ctx, lock, ev, second, Run{Due: 300, Last: last}); !errors.Is(err, ErrRunTaken) {
			t.Errorf("an event that is another one was claimed: %v", err)
		}
	}
	// Another node's turn: the one before claims nothing any more.
	got := make(chan *Lock, 1)
	go func() {
		l, err := b.LockScheduler(ctx)
		if err != nil {
			t.Error(err)
		}
		got <- l
	}()
	lease := a.Lease()
	if _, err := ca.client.Revoke(ctx, clientv3.LeaseID(lease)); err != nil {
		t.Fatal(err)
	}
	next := <-got
	if next == nil {
		t.FailNow()
	}
	if err := ca.Sync(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := ca.ClaimRun(ctx, lock, &changed, second, Run{Due: 300, At: 300}); !errors.Is(err, ErrLockLost) {
		t.Errorf("a node without the lock has claimed: %v", err)
	}
	runs, err := cb.Runs(ctx)
	if err != nil || len(runs) != 1 || runs[7].Due != 200 || runs[7].Mark != second.Mark || runs[7].Lease != lease {
		t.Fatalf("%+v, %v", runs, err)
	}
	// The last time disables it.
	if _, err := cb.ClaimRun(ctx, next, &changed, runs[7], Run{Due: 300, At: 300, Last: true}); err != nil {
		t.Fatal(err)
	}
	if now := cb.Snapshot().Event("d", "e"); now == nil || now.Status != topo.EventDisabled || now.Version != 2 {
		t.Errorf("%+v", now)
	}
	if _, err := cb.ClaimRun(ctx, next, &changed, runs[7], Run{Due: 400, At: 400, Last: true}); !errors.Is(err, ErrRunTaken) {
		t.Errorf("an event was run once more: %v", err)
	}
	// What is known of runs goes with the event, and stays with its name.
	if _, err := cb.Update(ctx, func(x *Txn) error {
		named := changed
		named.Name, named.Version = "n", 3
		x.RenameEvent("d", "e", &named)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if runs, err = cb.Runs(ctx); err != nil || runs[7] == nil || cb.Snapshot().Event("d", "e") != nil || cb.Snapshot().Event("d", "n") == nil {
		t.Errorf("%+v, %v, %+v", runs, err, cb.Snapshot().Databases["d"].Events)
	}
	if _, err := cb.ClaimRun(ctx, next, other, nil, Run{Due: 1, At: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := cb.Update(ctx, func(x *Txn) error { x.DropEvent("d", "n"); return nil }); err != nil {
		t.Fatal(err)
	}
	if runs, err = cb.Runs(ctx); err != nil || len(runs) != 1 || runs[8] == nil {
		t.Errorf("%+v, %v", runs, err)
	}
	if _, err := cb.Update(ctx, func(x *Txn) error { x.DropDatabase("d"); return nil }); err != nil {
		t.Fatal(err)
	}
	if runs, err = cb.Runs(ctx); err != nil || len(runs) != 0 {
		t.Errorf("%+v, %v", runs, err)
	}
}
