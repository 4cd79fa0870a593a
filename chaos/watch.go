package main

import (
	"context"
	"fmt"
	"sync"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// watch looks at every change of the topology, and wants one master a term.
type watch struct {
	c  *cluster
	wg sync.WaitGroup

	mu      sync.Mutex
	masters map[string]string // by partition and term
	terms   int
}

func newWatch(c *cluster) *watch { return &watch{c: c, masters: map[string]string{}} }

// start looks until ctx ends; wait waits for that.
func (w *watch) start(ctx context.Context) {
	w.wg.Go(func() {
		for {
			changed := w.c.cat.Changed()
			for _, err := range w.look(w.c.cat.Snapshot()) {
				w.c.story.fail("%v", err)
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	})
}

func (w *watch) wait() { w.wg.Wait() }

// look compares a topology with those before.
func (w *watch) look(s *topo.Snapshot) (errs []error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, d := range s.Databases {
		for _, p := range d.Partitions {
			masters := 0
			for _, in := range p.Instances {
				if in.Role != topo.Master {
					continue
				}
				masters++
				key := fmt.Sprintf("%s in term %d (domain %d)", p.ID, p.Term, p.Domain)
				switch before, known := w.masters[key]; {
				case !known:
					w.masters[key] = in.Leaf
					w.terms++
				case before != in.Leaf:
					errs = append(errs, fmt.Errorf("partition %s has two masters: %s, then %s", key, before, in.Leaf))
				}
			}
			if masters > 1 {
				errs = append(errs, fmt.Errorf("partition %s has %d masters", p.ID, masters))
			}
		}
	}
	return errs
}
