package gate

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orbweaver/orbweaver/internal/topo"
)

func TestHoldsConcernPartitionsOrAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w Windows
		p0, p1, p2 := topo.PartitionID{DB: "d"}, topo.PartitionID{DB: "d", Ordinal: 1}, topo.PartitionID{DB: "e"}
		in := w.Enter([]topo.PartitionID{p0, p1})
		if in == nil {
			t.Fatal("held back without a hold")
		}
		w.Apply([]topo.Hold{{ID: "a", Parts: []topo.PartitionID{p1}}, {ID: "b", Parts: []topo.PartitionID{p2}}})
		still, changed := w.Still()
		if len(still) != 2 || !still["a"] || still["b"] {
			t.Errorf("under way: %v", still)
		}
		if w.Enter([]topo.PartitionID{p0, p1}) != nil || w.Enter([]topo.PartitionID{p2, p0}) != nil {
			t.Error("let in to what is held back")
		}
		other := w.Enter([]topo.PartitionID{p0, {}})
		if other == nil {
			t.Fatal("another partition is held back")
		}
		w.Leave(in)
		<-changed
		if still, _ = w.Still(); still["a"] {
			t.Error("it has left")
		}
		w.Apply([]topo.Hold{{ID: "c", All: true}})
		if still, _ = w.Still(); len(still) != 1 || !still["c"] {
			t.Errorf("under way: %v", still)
		}
		if w.Enter([]topo.PartitionID{{}, {}}) != nil {
			t.Error("reference tables are let in while all is held back")
		}
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var quiet *QuietError
		if err := w.Await(short, []topo.PartitionID{p0, p1}); !errors.As(err, &quiet) || quiet.DB != "d" {
			t.Errorf("waited in vain: %v", err)
		}
		let := make(chan error)
		go func() { let <- w.Await(t.Context(), []topo.PartitionID{p0, p1}) }()
		synctest.Wait()
		w.Leave(other)
		synctest.Wait()
		w.Apply(nil)
		if err := <-let; err != nil || w.Enter([]topo.PartitionID{p0, p1}) == nil {
			t.Errorf("not let in: %v", err)
		}
	})
}

func TestNobodyIsInsideOfADrainedHold(t *testing.T) {
	var w Windows
	parts := []topo.PartitionID{{DB: "d"}, {DB: "d", Ordinal: 1}}
	var inside atomic.Int64
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if in := w.Enter(parts); in != nil {
					inside.Add(1)
					inside.Add(-1)
					w.Leave(in)
				}
			}
		})
	}
	for range 200 {
		w.Apply([]topo.Hold{{ID: "h", Parts: parts[1:]}})
		for {
			still, changed := w.Still()
			if !still["h"] {
				break
			}
			<-changed
		}
		if n := inside.Load(); n != 0 {
			t.Fatalf("%d are inside", n)
		}
		w.Apply(nil)
	}
	close(stop)
	wg.Wait()
}
