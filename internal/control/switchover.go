package control

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/orbweaver/orbweaver/internal/mariadb"
	"github.com/orbweaver/orbweaver/internal/topo"
)

const (
	// switchWithin bounds one try of a planned change of masters, from the lock on.
	switchWithin = 10 * time.Second
	// switchTries is how often transactions that hold a partition are waited for before they are ended; they pause for switchPause, longer each time.
	switchTries = 40
	switchPause = 50 * time.Millisecond
)

// promote makes a replica the master, and the master its replica. Statements wait for it at most some 100 ms at a time.
func (l *leader) promote(ctx context.Context, id topo.PartitionID, leaf string) error {
	p, master, err := l.part(id)
	if err != nil {
		return err
	}
	if master == leaf {
		return nil
	}
	ready := false
	for _, in := range p.Instances {
		ready = ready || in.Leaf == leaf && in.InSync
	}
	if !ready {
		return movedError{refuse(1777, "Leaf %s has no replica of partition %s that could become its master.", leaf, id)}
	}
	if err := l.writable(master, leaf); err != nil {
		return err
	}
	lock, err := l.node.Lock(ctx, id.DB) // a statement that defines something is not to be torn apart
	if err != nil {
		return err
	}
	defer lock.Unlock()
	domain, free, err := l.newDomains(ctx, 1)
	if err != nil {
		return err
	}
	defer free()
	release, err := l.hold(ctx, leaf)
	if err != nil {
		return err
	}
	defer release()
	// The old master and the other replicas follow the new term from its first write on: commits wait for them.
	others := slices.DeleteFunc(p.Replicas(), func(r string) bool { return r == leaf })
	done := false
	defer func() {
		if !done {
			l.tidy(func(ctx context.Context) error { return l.unfollowAll(ctx, append(others, master), leaf, domain) })
		}
	}()
	if err := l.servers.Follow(ctx, master, leaf, l.addr(leaf), mariadb.Start{Domain: domain}); err != nil {
		return err
	}
	for _, r := range others {
		if err := l.servers.Follow(ctx, r, leaf, l.addr(leaf), mariadb.Start{Domain: domain}); err != nil {
			return err
		}
	}
	if err := l.catchUp(ctx, p, master, leaf, mariadb.GTID{}); err != nil {
		return err
	}
	for try := 1; ; try++ {
		held, err := l.switchOver(ctx, p, master, leaf, domain, others, try == switchTries)
		if err != nil {
			return err
		}
		if !held {
			break
		}
		select {
		case <-time.After(time.Duration(min(try, 20)) * switchPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	done = true
	l.event("notice", "partition promoted", leaf, id.DB, fmt.Sprintf("partition %s moved its master from %s", id, master))
	if err := l.unfollowAll(ctx, append(others, leaf), master, p.Domain); err != nil {
		l.log.Info("control: an old link is left for the mending", "leaf", leaf, "error", err)
	}
	return nil
}

func (l *leader) unfollowAll(ctx context.Context, leaves []string, source string, domain uint32) error {
	errs := make([]error, len(leaves))
	for i, leaf := range leaves {
		errs[i] = l.servers.Unfollow(ctx, leaf, source, domain)
	}
	return errors.Join(errs...)
}

// tidy does what should be done although an action has failed or was cancelled; mend does it again.
func (l *leader) tidy(f func(ctx context.Context) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(l.ctx), switchWithin)
	defer cancel()
	if err := f(ctx); err != nil {
		l.log.Info("control: something is left for the mending", "error", err)
	}
}

// switchOver is one try of a promotion. held: transactions hold the partition, it was given back to them. force ends them.
// others are the replicas that follow the new term; one that lacks the end of the old one is made anew.
func (l *leader) switchOver(ctx context.Context, p *topo.Partition, master, leaf string, domain uint32, others []string, force bool) (held bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, switchWithin)
	defer cancel()
	schema := p.ID.Schema()
	rev, err := l.alter(ctx, p, func(n *topo.Partition) (*topo.Partition, error) {
		if n.Locked {
			return nil, errMoved
		}
		n.Locked = true
		return n, nil
	})
	if err != nil {
		return false, err
	}
	fenced, published := false, false
	defer func() {
		if published {
			return
		}
		l.tidy(func(ctx context.Context) error {
			if fenced {
				if err := l.servers.Serve(ctx, master, schema, p.Domain, p.Term); err != nil {
					return err
				}
			}
			_, err := l.alter(ctx, p, func(n *topo.Partition) (*topo.Partition, error) {
				if x := l.cat.Snapshot().Leaves[master]; x == nil || x.State == topo.LeafOffline {
					return nil, errMoved // the failover has the lock now
				}
				n.Locked = false
				return n, nil
			})
			return err
		})
	}()
	undrained, err := l.barrier(ctx, rev)
	if err != nil {
		return false, err
	}
	if undrained[p.ID] && !force {
		return true, nil
	}
	fenced = true
	if err := l.servers.Fence(ctx, master, schema); err != nil {
		return false, err
	}
	pos, err := l.servers.BinlogPosition(ctx, master)
	if err != nil {
		return false, err
	}
	at := pos[p.Domain]
	if at.Sequence == 0 { // nothing was written in this term: the copy stands where it was made
		applied, err := l.servers.Stands(ctx, master)
		if err != nil {
			return false, err
		}
		at = applied[p.Domain]
	} else if err := l.servers.WaitReached(ctx, leaf, at); err != nil {
		return false, err
	}
	behind, err := l.behind(ctx, others, at)
	if err != nil {
		return false, err
	}
	for _, r := range behind {
		if err := l.note(ctx, mending{DB: p.ID.DB, Ordinal: p.ID.Ordinal, Leaf: r, Since: time.Now()}); err != nil {
			return false, err
		}
	}
	if err := l.servers.Serve(ctx, leaf, schema, domain, p.Term+1); err != nil {
		return false, err
	}
	_, err = l.alter(ctx, p, func(n *topo.Partition) (*topo.Partition, error) {
		if m, ok := n.Master(); !ok || m != master || !n.Locked {
			return nil, errMoved
		}
		if x := l.cat.Snapshot().Leaves[master]; x == nil || x.State == topo.LeafOffline {
			return nil, errMoved // a failover is at it
		}
		replicas := []string{master}
		for _, r := range n.Replicas() {
			if slices.Contains(others, r) && !slices.Contains(behind, r) {
				replicas = append(replicas, r)
			}
		}
		return follow(n, leaf, domain, at, replicas...), nil
	})
	published = err == nil
	if !published {
		l.tidy(func(ctx context.Context) error { return l.servers.Fence(ctx, leaf, schema) })
	}
	return false, err
}

// behind are the leaves that have not got a transaction in time.
func (l *leader) behind(ctx context.Context, leaves []string, at mariadb.GTID) (behind []string, err error) {
	if at.Sequence == 0 {
		return nil, nil
	}
	short, cancel := context.WithTimeout(ctx, behindWithin)
	defer cancel()
	for _, leaf := range leaves {
		switch err := l.servers.WaitReached(short, leaf, at); {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			behind = append(behind, leaf)
		}
	}
	return behind, nil
}
