package gate

import (
	"context"
	"slices"
	"sync"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// Windows know which commits over several places are under way at a node: from before the first branch is prepared until the last one has committed. In between
// the transaction is visible at some of its places only. The zero value lets everybody in.
type Windows struct {
	mu      sync.Mutex
	holds   []topo.Hold
	inside  map[*Window]struct{}
	changed chan struct{} // closed when holds are others, or somebody has left while there are some
}

// Window is one commit that is under way.
type Window struct{ places []topo.PartitionID }

// Enter begins a commit at some partitions; what has no partition is named by the zero value. nil while it is held back: Await waits for the end of that. Leave must
// follow.
func (w *Windows) Enter(places []topo.PartitionID) *Window {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.held(places) {
		return nil
	}
	if w.inside == nil {
		w.inside = map[*Window]struct{}{}
	}
	in := &Window{places}
	w.inside[in] = struct{}{}
	return in
}

func (w *Windows) held(places []topo.PartitionID) bool {
	return slices.ContainsFunc(w.holds, func(h topo.Hold) bool { return h.Concerns(places) })
}

// Leave ends a commit.
func (w *Windows) Leave(in *Window) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.inside, in)
	if len(w.holds) > 0 {
		w.announce()
	}
}

// Await waits until Enter would let in, or until ctx ends: *QuietError.
func (w *Windows) Await(ctx context.Context, places []topo.PartitionID) error {
	for {
		w.mu.Lock()
		held, changed := w.held(places), w.next()
		w.mu.Unlock()
		if !held {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return &QuietError{places[0].DB}
		}
	}
}

// Apply holds back what these holds say and nothing else.
func (w *Windows) Apply(holds []topo.Hold) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.holds = holds
	w.announce()
}

// Still lists the holds in force by whether commits that they concern are still under way; changed is closed when that may be otherwise.
func (w *Windows) Still() (underWay map[string]bool, changed <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	underWay = make(map[string]bool, len(w.holds))
	for i := range w.holds {
		h := &w.holds[i]
		underWay[h.ID] = false
		for in := range w.inside {
			underWay[h.ID] = underWay[h.ID] || h.Concerns(in.places)
		}
	}
	return underWay, w.next()
}

// next is closed by announce. The caller holds mu.
func (w *Windows) next() chan struct{} {
	if w.changed == nil {
		w.changed = make(chan struct{})
	}
	return w.changed
}

func (w *Windows) announce() {
	if w.changed != nil {
		close(w.changed)
		w.changed = nil
	}
}
