package catalog

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

var prefixOpt = []clientv3.OpOption{clientv3.WithPrefix()}

// register makes a node whose lease a slow machine does not lose.
func register(t *testing.T, c *Catalog, name string) *Node {
	t.Helper()
	return registerFor(t, c, name, 20*time.Second)
}

func registerFor(t *testing.T, c *Catalog, name string, lease time.Duration) *Node {
	t.Helper()
	n, err := c.Register(within(t, time.Minute), NodeInfo{Name: name}, lease)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close(context.Background()) })
	return n
}

func TestNodesAndController(t *testing.T) {
	t.Parallel()
	e := newEtcd(t)
	ca, cb := open(t, e), open(t, e)
	a, b := register(t, ca, "a"), register(t, cb, "b")
	if a.ID() == b.ID() || a.ID() == 0 || b.ID() == 0 {
		t.Errorf("ids %d %d", a.ID(), b.ID())
	}
	eventually(t, "both nodes at both", func() bool { return len(ca.Nodes()) == 2 && len(cb.Nodes()) == 2 })
	ctx := within(t, time.Minute)
	lead, err := a.Campaign(ctx)
	if err != nil || !a.IsController() {
		t.Fatal(err)
	}
	won := make(chan context.Context)
	go func() {
		l, err := b.Campaign(ctx)
		if err != nil {
			t.Error(err)
		}
		won <- l
	}()
	select {
	case <-won:
		t.Fatal("two controllers")
	case <-time.After(300 * time.Millisecond):
	}
	eventually(t, "the controller's name", func() bool { return cb.Controller() == "a" })
	if err := a.Resign(ctx); err != nil {
		t.Fatal(err)
	}
	if lead.Err() == nil || a.IsController() {
		t.Error("a resigned and leads on")
	}
	lead = <-won
	if !b.IsController() || lead.Err() != nil {
		t.Error("b does not lead")
	}
	// Closing a node ends its leadership and its registration at once.
	if err := b.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if lead.Err() == nil {
		t.Error("b is closed and leads on")
	}
	if _, err := a.Campaign(ctx); err != nil {
		t.Fatal(err)
	}
	eventually(t, "b gone", func() bool { return len(ca.Nodes()) == 1 })
}

func TestLostLease(t *testing.T) {
	t.Parallel()
	c := open(t, newEtcd(t))
	n := registerFor(t, c, "a", 2*time.Second)
	id := n.ID()
	ctx := within(t, time.Minute)
	lead, err := n.Campaign(ctx)
	if err != nil {
		t.Fatal(err)
	}
	l, err := n.Lock(ctx, "d")
	if err != nil {
		t.Fatal(err)
	}
	r := &DDLRecord{Databases: []string{"d"}, Statement: "CREATE"}
	if err := l.BeginDDL(ctx, r); err != nil {
		t.Fatal(err)
	}
	alive := n.Alive()
	if _, err := c.client.Revoke(ctx, l.lease.id); err != nil {
		t.Fatal(err)
	}
	for what, x := range map[string]context.Context{"lease": alive, "lock": l.Context(), "leadership": lead} {
		select {
		case <-x.Done():
		case <-time.After(time.Minute):
			t.Errorf("%s: not signalled", what)
		}
	}
	if err := l.SaveDDL(ctx, r); !errors.Is(err, ErrLockLost) {
		t.Errorf("saved without the lock: %v", err)
	}
	if _, err := c.Update(ctx, func(x *Txn) error { x.EndDDL(l, r); return nil }); !errors.Is(err, ErrLockLost) {
		t.Errorf("ended without the lock: %v", err)
	}
	eventually(t, "a new lease", func() bool { return n.Alive().Err() == nil })
	if n.ID() != id {
		t.Error("the id has changed")
	}
	recs, err := c.DDLRecords(ctx, "d")
	if err != nil || len(recs) != 1 || !recs[0].Orphan {
		t.Fatalf("%v %v", recs, err)
	}
	l2, err := n.Lock(ctx, "d")
	if err != nil {
		t.Fatal(err)
	}
	defer l2.Unlock()
	if _, err := c.Update(ctx, func(x *Txn) error { recs[0].Steps = []string{"b"}; x.SaveDDL(l2, recs[0]); return nil }); err != nil {
		t.Fatal(err)
	}
	if is, err := c.DDLRecords(ctx, "d"); err != nil || len(is) != 1 || len(is[0].Steps) != 1 || is[0].Orphan {
		t.Errorf("%v %v", is, err)
	}
	if _, err := c.Update(ctx, func(x *Txn) error { x.EndDDL(l2, recs[0]); x.Free(l2); return nil }); err != nil {
		t.Fatal(err)
	}
	free, err := n.Lock(within(t, 10*time.Second), "d") // it has gone with the change
	if err != nil {
		t.Fatal(err)
	}
	free.Unlock()
	if recs, err = c.DDLRecords(ctx); err != nil || len(recs) != 0 {
		t.Errorf("%v %v", recs, err)
	}
	// One that is lost, of which the node has not heard, costs nobody a lock.
	if _, err := c.client.Revoke(ctx, l2.lease.id); err != nil {
		t.Fatal(err)
	}
	l3, err := n.Lock(ctx, "e")
	if err != nil {
		t.Fatal(err)
	}
	l3.Unlock()
}

// A lease that has ended by itself is given up already.
func TestCloseAfterTheLease(t *testing.T) {
	t.Parallel()
	c := open(t, newEtcd(t))
	n := registerFor(t, c, "a", time.Minute)
	n.stop() // it would register again
	n.wg.Wait()
	if _, err := c.client.Revoke(within(t, time.Minute), n.lease.id); err != nil {
		t.Fatal(err)
	}
	if err := n.Close(within(t, time.Minute)); err != nil {
		t.Error(err)
	}
}

// A process that comes back under its name finds the locks of its former life free at once.
func TestTakeOver(t *testing.T) {
	t.Parallel()
	e := newEtcd(t)
	a := open(t, e)
	old, err := a.Register(within(t, time.Minute), NodeInfo{Name: "a"}, 60*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := old.Lock(within(t, time.Minute), "d"); err != nil {
		t.Fatal(err)
	}
	_ = a.Close() // the lease is not revoked: as if killed
	b := open(t, e)
	n := register(t, b, "a")
	if n.ID() != old.ID() {
		t.Errorf("ids %d and %d", old.ID(), n.ID())
	}
	l, err := n.Lock(within(t, time.Minute), "d")
	if err != nil {
		t.Fatal(err)
	}
	l.Unlock()
}

// The lease of the former life may end in the very moment that the new one takes it: that is no failure.
func TestRevokingALeaseThatHasEndedIsCertain(t *testing.T) {
	t.Parallel()
	c := open(t, newEtcd(t))
	if _, err := c.client.Revoke(within(t, time.Minute), 12345); err == nil || !certainlyNot(err) {
		t.Errorf("%v", err)
	}
}

func TestLocksExclude(t *testing.T) {
	t.Parallel()
	e := newEtcd(t)
	nodes := []*Node{register(t, open(t, e), "a"), register(t, open(t, e), "b")}
	var inside atomic.Int32
	var wg sync.WaitGroup
	ctx := within(t, time.Minute)
	for _, n := range nodes {
		for i := range 4 {
			dbs := []string{"x", "y"}
			if i%2 == 1 {
				dbs = []string{"y", "x", "y"}
			}
			wg.Go(func() {
				for range 5 {
					l, err := n.Lock(ctx, dbs...)
					if err != nil {
						t.Error(err)
						return
					}
					if inside.Add(1) != 1 {
						t.Error("two inside")
					}
					inside.Add(-1)
					l.Unlock()
				}
			})
		}
	}
	wg.Wait()
	l, err := nodes[0].Lock(ctx, "x")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Unlock()
	short, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	if _, err := nodes[1].Lock(short, "y", "x"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	// What the failed attempt had taken is free again.
	l2, err := nodes[0].Lock(within(t, time.Minute), "y")
	if err != nil {
		t.Fatal(err)
	}
	l2.Unlock()
}

func TestLeaseSurvivesEtcdRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := startEtcd(t, dir)
	c := open(t, e)
	n := registerFor(t, c, "a", 2*time.Second)
	_ = e.Close()
	time.Sleep(3 * time.Second) // longer than the lease
	if n.Alive().Err() == nil {
		t.Error("the lease can't have been renewed, and is said to live")
	}
	e = startEtcd(t, dir)
	defer func() { _ = e.Close() }()
	eventually(t, "registered again", func() bool { return n.Alive().Err() == nil })
	if _, err := n.Campaign(within(t, time.Minute)); err != nil {
		t.Error(err)
	}
}
