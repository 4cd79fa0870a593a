package gate

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orbweaver/orbweaver/internal/topo"
)

func snap(term uint64, locked bool) *topo.Snapshot {
	b := topo.NewBuilder(nil)
	b.PutDatabase(&topo.Database{Name: "d", Partitions: []*topo.Partition{{ID: topo.PartitionID{DB: "d"}, Term: term, Locked: locked}}})
	return b.Build(1)
}

var d0 = topo.PartitionID{DB: "d"}

func TestLockedPartitionsTakeNobodyIn(t *testing.T) {
	g := New()
	if err := g.Enter(d0, 7); err != nil {
		t.Errorf("before any topology: %v", err)
	}
	if g.Apply(snap(1, false)) {
		t.Error("locked")
	}
	if err := g.Enter(d0, 1); err != nil {
		t.Error(err)
	}
	if err := g.Enter(d0, 2); !errors.Is(err, ErrMoving) {
		t.Errorf("another term: %v", err)
	}
	if !g.Apply(snap(1, true)) {
		t.Error("not locked")
	}
	if err := g.Enter(d0, 1); !errors.Is(err, ErrMoving) {
		t.Errorf("locked: %v", err)
	}
	if held := g.Held(); len(held) != 1 || held[0] != d0 {
		t.Error(held)
	}
	g.Leave(d0)
	if held := g.Held(); len(held) != 0 {
		t.Error(held)
	}
	g.Apply(snap(2, false))
	if g.Holds(d0, 1) || !g.Holds(d0, 2) {
		t.Error("terms")
	}
	if err := g.Enter(d0, 2); err != nil {
		t.Error(err)
	}
}

func TestDrainWaitsForTheLastOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New()
		g.Apply(snap(1, false))
		for range 3 {
			if err := g.Enter(d0, 1); err != nil {
				t.Fatal(err)
			}
		}
		g.Apply(snap(1, true))
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if held := g.Drain(short); len(held) != 1 {
			t.Errorf("%v while three are inside", held)
		}
		done := make(chan []topo.PartitionID)
		go func() { done <- g.Drain(t.Context()) }()
		for range 3 {
			synctest.Wait()
			select {
			case <-done:
				t.Fatal("drained too early")
			default:
			}
			g.Leave(d0)
		}
		if held := <-done; len(held) != 0 {
			t.Error(held)
		}
	})
}

func TestManyComeAndGoWhileLocksChange(t *testing.T) {
	g := New()
	g.Apply(snap(1, false))
	var wg sync.WaitGroup
	var inside, worst sync.Map
	stop := make(chan struct{})
	for i := range 8 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if g.Enter(d0, 1) == nil {
					inside.Store(i, true)
					inside.Delete(i)
					g.Leave(d0)
				}
			}
		})
	}
	for range 200 {
		g.Apply(snap(1, true))
		g.Drain(context.Background())
		inside.Range(func(k, _ any) bool { worst.Store(k, true); return true })
		g.Apply(snap(1, false))
	}
	close(stop)
	wg.Wait()
	worst.Range(func(k, _ any) bool { t.Errorf("%v was inside of a drained partition", k); return true })
}

func TestCommitsWaitWhileADatabaseIsQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		quiet := func(on bool) *topo.Snapshot {
			b := topo.NewBuilder(snap(1, false))
			b.PutDatabase(&topo.Database{Name: "q", Quiet: on, Partitions: []*topo.Partition{{ID: topo.PartitionID{DB: "q"}, Term: 1}}})
			return b.Build(2)
		}
		g := New()
		g.Apply(quiet(false))
		if !g.EnterCommit("q") || !g.EnterCommit("") {
			t.Fatal("nobody may commit")
		}
		if !g.Apply(quiet(true)) {
			t.Error("not locked")
		}
		if g.EnterCommit("q") || g.EnterCommit("") {
			t.Error("commits to a quiet database, or to reference tables")
		}
		if !g.EnterCommit("d") {
			t.Error("another database is kept quiet too")
		}
		g.LeaveCommit("d")
		if err := g.Enter(topo.PartitionID{DB: "q"}, 1); err != nil {
			t.Errorf("a statement that commits nothing: %v", err)
		}
		if held := g.Held(); len(held) != 2 {
			t.Errorf("held: %v", held)
		}
		g.LeaveCommit("q")
		g.LeaveCommit("")
		if held := g.Drain(t.Context()); len(held) != 0 {
			t.Errorf("held: %v", held)
		}
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var q *QuietError
		if err := g.AwaitCommit(short, "q"); !errors.As(err, &q) || q.DB != "q" {
			t.Errorf("waited in vain: %v", err)
		}
		if !g.EnterCommit("new") { // it has been made, and the gates don't follow that yet
			t.Error("a new database")
		}
		b := topo.NewBuilder(quiet(true))
		b.PutDatabase(&topo.Database{Name: "new", Quiet: true})
		g.Apply(b.Build(3))
		if held := g.Held(); len(held) != 1 || held[0] != Commits("new") {
			t.Errorf("held: %v", held)
		}
		g.LeaveCommit("new")
		let := make(chan error)
		go func() { let <- g.AwaitCommit(t.Context(), "q") }()
		synctest.Wait()
		g.Apply(quiet(false))
		if err := <-let; err != nil || !g.EnterCommit("q") {
			t.Errorf("not let in: %v", err)
		}
	})
}
