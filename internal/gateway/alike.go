package gateway

import (
	"context"
	"sync"
	"time"

	"github.com/orbweaver/orbweaver/internal/catalog"
)

// unmarkAfter is for how long a node that has written reference tables stays marked as one that does: most will again.
const unmarkAfter = 5 * time.Second

// alike watches over what is written to every leaf, one after the other. Were this node to die in between, or a commit to fail, the leaves would differ and nobody
// know: so the catalog knows of it before it begins, and the controller looks.
type alike struct {
	node *catalog.Node // nil: alone

	mu     sync.Mutex
	inside int             // sessions that write
	last   time.Time       // when the last one has ended
	marked context.Context // as long as it holds the mark is there; nil: it is not
	work   sync.WaitGroup
}

// enter is called before a session writes to every leaf, leave when it has committed.
func (a *alike) enter(ctx context.Context) error {
	if a.node == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.marked == nil || a.marked.Err() != nil {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		marked, err := a.node.Mark(ctx, false)
		if err != nil {
			return errNoLease
		}
		a.marked = marked
	}
	a.inside++
	return nil
}

func (a *alike) leave() {
	if a.node == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.inside--
	a.last = time.Now()
}

// doubt is called by a session inside that has committed at some leaves only, or perhaps. It is made known while the lease lasts, and after that by the mark alone.
func (a *alike) doubt() {
	if a.node == nil {
		return
	}
	a.mu.Lock()
	marked := a.marked
	a.mu.Unlock()
	a.work.Go(func() {
		for marked.Err() == nil {
			ctx, cancel := context.WithTimeout(marked, time.Second)
			_, err := a.node.Mark(ctx, true)
			cancel()
			if err == nil {
				return
			}
			select {
			case <-time.After(retryEvery):
			case <-marked.Done():
			}
		}
	})
}

// tidy takes the mark back when nobody has written for a while, until done.
func (a *alike) tidy(done <-chan struct{}) {
	defer a.work.Wait()
	if a.node == nil {
		return
	}
	tick := time.NewTicker(unmarkAfter / 5)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			a.unmark(unmarkAfter)
		case <-done:
			a.unmark(0)
			return
		}
	}
}

func (a *alike) unmark(after time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.inside > 0 || a.marked == nil || time.Since(a.last) < after {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := a.node.Unmark(ctx); err == nil {
		a.marked = nil
	}
}
