package control

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/mariadb"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// drainWithin bounds how long a replica may take to apply what it has received before it becomes master.
const drainWithin = 30 * time.Second

// heirWithin is for how long a replica that is to become master is tried to be reached: longer than it takes until it is taken for dead, too.
const heirWithin = 8 * time.Second

// successor is a replica that is to become master, and what is known of it.
type successor struct {
	part   *topo.Partition
	leaf   string
	domain uint32 // of the new term
	at     mariadb.GTID
	err    error
}

// lose takes a leaf for dead: its partitions get other masters where there are replicas. It waits for nobody's locks and for no operation under way.
func (l *leader) lose(ctx context.Context, leaf, why string) {
	l.mu.Lock()
	if cancel := l.taking[leaf]; cancel != nil { // it was being taken back, and is gone again
		cancel()
	}
	l.mu.Unlock()
	for ctx.Err() == nil {
		err := l.fail(ctx, leaf, why)
		if err == nil {
			return
		}
		l.log.Warn("control: the failover of a leaf is tried again", "leaf", leaf, "error", err)
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

func (l *leader) fail(ctx context.Context, leaf, why string) error {
	began := time.Now()
	rev, err := l.update(ctx, func(x *catalog.Txn) error {
		old := x.Leaf(leaf)
		if old == nil {
			return nil
		}
		n := *old
		n.State, n.Shaped = topo.LeafOffline, false
		n.Disk, n.Memory = topo.Shortage{}, topo.Shortage{} // it is looked at anew when it is back
		left(x, old, &n, l.answersLately)
		x.PutLeaf(&n)
		for name := range x.Databases() {
			d, touched := changed(x.Database(name)), false
			for _, p := range d.Partitions {
				for i := 0; i < len(p.Instances); i++ {
					switch in := p.Instances[i]; {
					case in.Leaf != leaf:
					case in.Role == topo.Master:
						p.Locked, touched = true, true
					default:
						p.Instances = append(p.Instances[:i], p.Instances[i+1:]...)
						i--
						touched = true
					}
				}
			}
			if touched {
				x.PutDatabase(d)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if _, err := l.barrier(ctx, rev); err != nil {
		return err
	}
	next, free, err := l.successors(ctx, leaf)
	if err != nil {
		return err
	}
	defer free()
	promoted, lost := 0, 0
	_, err = l.update(ctx, func(x *catalog.Txn) error {
		promoted, lost = 0, 0
		for name := range x.Databases() {
			d, touched := changed(x.Database(name)), false
			for i, p := range d.Partitions {
				if m, ok := p.Master(); !ok || m != leaf {
					continue
				}
				touched = true
				if s := next[p.ID]; s != nil && s.part.Term == p.Term {
					d.Partitions[i] = follow(p, s.leaf, s.domain, s.at)
					promoted++
					continue
				}
				// The copy of a replica that did not answer is worth less than the dead leaf's.
				p.Instances, p.Home, p.Locked = nil, leaf, false
				lost++
			}
			if touched {
				x.PutDatabase(d)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	l.event("warning", "leaf offline", leaf, "", fmt.Sprintf("%s; %d partitions have new masters, %d have none; done in %s", why, promoted, lost,
		time.Since(began).Round(time.Millisecond)))
	return nil
}

// follow is a partition in its next term: one master, and whoever follows it.
func follow(p *topo.Partition, master string, domain uint32, at mariadb.GTID, replicas ...string) *topo.Partition {
	n := &topo.Partition{ID: p.ID, Term: p.Term + 1, Domain: domain, Before: p.Domain, Since: at.String(), Instances: []topo.Instance{{Leaf: master, Role: topo.Master}}}
	for _, r := range replicas {
		n.Instances = append(n.Instances, topo.Instance{Leaf: r, Role: topo.Replica, InSync: true})
	}
	return n
}

// successors makes replicas of a dead leaf's partitions masters, as far as they can: they apply what they have received and serve the next term. free is called
// once the topology has those.
func (l *leader) successors(ctx context.Context, dead string) (out map[topo.PartitionID]*successor, free func(), err error) {
	by, n := heirs(l.cat.Snapshot(), dead)
	if n == 0 {
		return nil, func() {}, nil
	}
	domain, free, err := l.newDomains(ctx, n)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, drainWithin)
	defer cancel()
	out = map[topo.PartitionID]*successor{}
	var wg sync.WaitGroup
	for leaf, list := range by {
		for _, next := range list {
			next.domain = domain
			domain++
			out[next.part.ID] = next
		}
		wg.Go(func() {
			if err := l.promoteHeir(ctx, leaf, dead, list); err != nil {
				for _, next := range list {
					next.err = err
				}
			}
		})
	}
	wg.Wait()
	for id, next := range out {
		if next.err != nil {
			l.event("error", "partition lost", next.leaf, id.DB, fmt.Sprintf("partition %s: the replica could not become master: %v", id, next.err))
			delete(out, id)
		}
	}
	return out, free, nil
}

// promoteHeir is promoteAll, again and again while connections to the replica break and it is not taken for dead itself: there is no other one.
func (l *leader) promoteHeir(ctx context.Context, leaf, dead string, list []*successor) error {
	for late := time.Now().Add(heirWithin); ; {
		err := l.promoteAll(ctx, leaf, dead, list)
		broken := err
		for _, next := range list {
			if broken == nil && unreached(next.err) {
				broken = next.err
			}
		}
		if !unreached(broken) || time.Now().After(late) {
			return err
		}
		if x := l.cat.Snapshot().Leaves[leaf]; x == nil || x.State == topo.LeafOffline {
			return err
		}
		l.log.Info("control: a replica that is to become master could not be reached", "leaf", leaf, "error", broken)
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
		for _, next := range list {
			next.err = nil
		}
	}
}

// unreached says whether a connection has failed, and not what was to be done.
func unreached(err error) bool {
	var lost *backend.LostError
	var down *backend.LeafDownError
	return errors.As(err, &lost) || errors.As(err, &down)
}

// promoteAll makes a replica's partitions masters; each of them has its own err when it could not be. An error is all of theirs.
func (l *leader) promoteAll(ctx context.Context, leaf, dead string, list []*successor) error {
	domains := make([]uint32, len(list))
	for i, next := range list {
		domains[i] = next.part.Domain
	}
	if err := l.servers.DrainReceived(ctx, leaf, dead, domains); errors.Is(err, mariadb.ErrNotApplied) {
		// One partition whose rows can't be applied stops the link: the others may have all that was received.
		for _, next := range list {
			next.err = l.servers.DrainReceived(ctx, leaf, dead, []uint32{next.part.Domain})
		}
	} else if err != nil {
		return err
	}
	pos, err := l.servers.Stands(ctx, leaf)
	if err != nil {
		return err
	}
	for _, next := range list {
		if next.err == nil {
			next.at = pos[next.part.Domain]
			next.err = l.servers.Serve(ctx, leaf, next.part.ID.Schema(), next.domain, next.part.Term+1)
		}
	}
	// Nothing is to come from the dead leaf any more, should it return.
	return l.servers.Unlink(ctx, leaf, dead)
}
