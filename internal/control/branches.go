package control

import (
	"context"
	"slices"
	"time"

	"github.com/orbweaver/orbweaver/internal/topo"
)

const (
	// branchesEvery is how often it is looked for branches of transactions that nobody ends, when nothing tells of some; branchesAgain how often those are tried
	// that could not be ended.
	branchesEvery = time.Minute
	branchesAgain = time.Second
	// branchesWithin bounds how long a leaf that comes back waits for what is prepared there to be ended.
	branchesWithin = 5 * time.Second
)

// watchBranches settles transactions whose nodes are gone: at once when the lease of one ends, be it by a new process of its name, and when partitions get other masters
// or lose copies, or leaves come and go.
func (l *leader) watchBranches(ctx context.Context) {
	rounds := l.settler.NewRounds(l.event)
	defer rounds.End()
	var last circle
	var due time.Time
	for ctx.Err() == nil {
		board, changed := l.cat.BoardChanged(), l.cat.Changed()
		now := l.circle(last)
		if !now.equal(last) || !time.Now().Before(due) {
			last = now
			left, err := rounds.Once(ctx)
			due = time.Now().Add(branchesEvery)
			if err != nil || left > 0 {
				due = time.Now().Add(branchesAgain)
			}
			if err != nil && ctx.Err() == nil {
				l.log.Info("control: transactions in doubt can't be settled now", "error", err)
			}
		}
		select {
		case <-board:
		case <-changed:
		case <-time.After(time.Until(due)):
		case <-ctx.Done():
		}
	}
}

// circle is what a change of makes it worth looking for branches.
type circle struct {
	snap   *topo.Snapshot
	terms  uint64
	copies int
	locked int
	leaves map[string]topo.LeafState
	leases []int64
}

func (l *leader) circle(last circle) circle {
	c := last
	if s := l.cat.Snapshot(); s != last.snap {
		c = circle{snap: s, leaves: map[string]topo.LeafState{}}
		for _, d := range s.Databases {
			for _, p := range d.Partitions {
				c.terms += p.Term
				c.copies += len(p.Instances)
				if _, ok := p.Master(); p.Locked || !ok {
					c.locked++
				}
			}
		}
		for name, leaf := range s.Leaves {
			c.leaves[name] = leaf.State
		}
	}
	c.leases = nil
	for _, n := range l.cat.Nodes() {
		c.leases = append(c.leases, n.Lease)
	}
	slices.Sort(c.leases)
	return c
}

func (c circle) equal(o circle) bool {
	if c.terms != o.terms || c.copies != o.copies || c.locked != o.locked || len(c.leaves) != len(o.leaves) || !slices.Equal(c.leases, o.leases) {
		return false
	}
	for name, state := range c.leaves {
		if o.leaves[name] != state {
			return false
		}
	}
	return true
}

// settleAt settles what is prepared at a leaf that is about to serve: or clients would see halves of transactions, and a copy of reference tables wait for their locks.
// What can't be settled yet, as who decides is away, keeps its rows locked.
func (l *leader) settleAt(ctx context.Context, leaf string) {
	short, cancel := context.WithTimeout(ctx, branchesWithin)
	defer cancel()
	left, err := l.settler.NewRounds(l.event).At(short, leaf)
	if (err != nil || left > 0) && ctx.Err() == nil {
		l.log.Info("control: transactions are in doubt at a leaf that comes back", "leaf", leaf, "branches", left, "error", err)
	}
}
