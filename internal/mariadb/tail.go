package mariadb

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
)

// tail is who waits for a replica to apply something. One of those who wait asks the replica, for all of them: its binary log's position, as MASTER_GTID_WAIT and
// gtid_slave_pos must not be read while a position is set.
type tail struct {
	mu      sync.Mutex
	waiting []*tailWaiter
	asking  bool
}

type tailWaiter struct {
	at   GTID
	done chan struct{} // closed when it is applied
	ask  chan struct{} // has a value when it is this one's turn to ask
}

const (
	// askEvery is how often the replica is asked at first while it has not applied what is waited for, askSeldom how often at last.
	askEvery  = 500 * time.Microsecond
	askSeldom = 10 * time.Millisecond
	// askStands is how often of those times it is asked for what its copy had as well: what was committed while the copy was made is in no binary log of the replica.
	askStands = 16
)

// WaitApplied waits until a replica has applied a transaction and written it to its own binary log, or has it by its copy. ErrNotApplied when ctx ends before.
func (s *Servers) WaitApplied(ctx context.Context, leaf string, at GTID) error {
	if at.Sequence == 0 {
		return nil
	}
	s.mu.Lock()
	t := s.tails[leaf]
	if t == nil {
		t = &tail{}
		s.tails[leaf] = t
	}
	s.mu.Unlock()
	w := &tailWaiter{at: at, done: make(chan struct{}), ask: make(chan struct{}, 1)}
	t.mu.Lock()
	t.waiting = append(t.waiting, w)
	if !t.asking {
		t.asking = true
		w.ask <- struct{}{}
	}
	t.mu.Unlock()
	select {
	case <-w.done:
		return nil
	case <-w.ask:
		err := s.askFor(ctx, leaf, t, w)
		t.leave(w)
		return err
	case <-ctx.Done():
		t.mu.Lock()
		mine := len(w.ask) > 0
		t.mu.Unlock()
		if mine {
			<-w.ask
			t.leave(w)
		} else {
			t.remove(w)
		}
		return fmt.Errorf("leaf %s, %s: %w", leaf, at, ErrNotApplied)
	}
}

// askFor asks the replica until it has applied what w waits for, and tells the others what it has.
func (s *Servers) askFor(ctx context.Context, leaf string, t *tail, w *tailWaiter) error {
	c, err := s.pools.Get(ctx, backend.Want{Leaf: leaf, Account: backend.Cluster, Variant: backend.Internal})
	if err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("leaf %s, %s: %w", leaf, w.at, ErrNotApplied)
		}
		return err
	}
	defer c.Release()
	began := time.Now()
	for asked := 1; ; asked++ {
		has := logged
		if asked%askStands == 0 {
			has = stands
		}
		pos, err := has(ctx, c)
		if err != nil {
			if ctx.Err() != nil {
				return fmt.Errorf("leaf %s, %s: %w", leaf, w.at, ErrNotApplied)
			}
			return err
		}
		if t.reached(pos, w) {
			return nil
		}
		select {
		case <-time.After(min(max(askEvery, time.Since(began)/8), askSeldom)): // a replica that is busy is not kept from what it is busy with
		case <-ctx.Done():
			return fmt.Errorf("leaf %s, %s: %w", leaf, w.at, ErrNotApplied)
		}
	}
}

// reached lets those go that waited for what a position has.
func (t *tail) reached(pos Position, own *tailWaiter) (all bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting = slices.DeleteFunc(t.waiting, func(w *tailWaiter) bool {
		if pos[w.at.Domain].Sequence < w.at.Sequence {
			return false
		}
		all = all || w == own
		close(w.done)
		return true
	})
	return all
}

func (t *tail) remove(w *tailWaiter) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := slices.Index(t.waiting, w); i >= 0 {
		t.waiting = slices.Delete(t.waiting, i, i+1)
	}
	if len(w.ask) > 0 { // it got the turn at the last moment
		<-w.ask
		t.next()
	}
}

// leave gives the turn to another one.
func (t *tail) leave(w *tailWaiter) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := slices.Index(t.waiting, w); i >= 0 {
		t.waiting = slices.Delete(t.waiting, i, i+1)
	}
	t.next()
}

func (t *tail) next() {
	t.asking = len(t.waiting) > 0
	if t.asking {
		t.waiting[0].ask <- struct{}{}
	}
}
