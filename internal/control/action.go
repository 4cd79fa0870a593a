package control

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/mariadb"
	"github.com/orbweaver/orbweaver/internal/move"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// catchUpWithin bounds how long a new copy may take to catch up.
const catchUpWithin = time.Hour

// errMoved: the partition is not what it was when an action began. The action may be planned anew.
var errMoved = errors.New("the partition has changed meanwhile; run the command again")

// movedError is an error that a plan meets when a partition is not what it was any more, and that says more than errMoved to who asked for the one step.
type movedError struct{ error }

func (e movedError) Unwrap() []error { return []error{e.error, errMoved} }

// part finds a partition that has a master.
func (l *leader) part(id topo.PartitionID) (*topo.Partition, string, error) {
	p := l.cat.Snapshot().Partition(id)
	if p == nil {
		return nil, "", topo.NoPartition(id)
	}
	master, ok := p.Master()
	if !ok {
		return nil, "", movedError{topo.NoMaster(id)}
	}
	return p, master, nil
}

func (l *leader) addr(leaf string) string {
	if x := l.cat.Snapshot().Leaves[leaf]; x != nil {
		return x.Addr()
	}
	return ""
}

// alter changes one partition in the topology, as long as it is still in the term that the caller knows.
func (l *leader) alter(ctx context.Context, was *topo.Partition, f func(p *topo.Partition) (*topo.Partition, error)) (int64, error) {
	return l.update(ctx, func(x *catalog.Txn) error {
		old := x.Database(was.ID.DB)
		if old == nil || was.ID.Ordinal >= len(old.Partitions) {
			return topo.NoPartition(was.ID)
		}
		d := changed(old)
		p := d.Partitions[was.ID.Ordinal]
		if p.Term != was.Term {
			return errMoved
		}
		n, err := f(p)
		if err != nil {
			return err
		}
		d.Partitions[was.ID.Ordinal] = n
		x.PutDatabase(d)
		return nil
	})
}

// still runs f under the DDL lock of a partition's database, while the partition is in the term that it was in: else its name may be that of another one by now.
func (l *leader) still(p *topo.Partition) func(ctx context.Context, f func() error) error {
	return func(ctx context.Context, f func() error) error {
		lock, err := l.node.Lock(ctx, p.ID.DB)
		if err != nil {
			return err
		}
		defer lock.Unlock()
		if err := l.cat.Sync(ctx); err != nil {
			return err
		}
		switch now := l.cat.Snapshot().Partition(p.ID); {
		case now == nil:
			return topo.NoPartition(p.ID)
		case now.Domain != p.Domain:
			return errMoved
		}
		return f()
	}
}

// copyRate is the operator's limit of a copy, in bytes a second.
func (l *leader) copyRate() int64 { return int64(l.cat.Snapshot().Settings.CopyRate) << 20 }

// copyTo makes a leaf a replica of a partition. A replica that is there already is enough.
func (l *leader) copyTo(ctx context.Context, id topo.PartitionID, leaf string, progress func(rows, total int64)) error {
	end, err := l.turn(ctx, id, leaf)
	if err != nil {
		return err
	}
	defer end()
	p, master, err := l.part(id)
	if err != nil {
		return err
	}
	for _, in := range p.Instances {
		switch {
		case in.Leaf == leaf && (in.InSync || in.Role == topo.Master):
			return nil
		case in.Leaf == leaf: // an earlier controller did not come to the end
			return l.inSync(ctx, p, master, leaf, l.cat.Snapshot().Revision, mariadb.GTID{})
		}
	}
	courtesy := l.copier.Attend(ctx, master, leaf)
	defer courtesy.End()
	defer courtesy.RestAfter(ctx) // with the turn: the next copy comes later, too
	schema := id.Schema()
	if err := l.fits(ctx, p, master, leaf); err != nil {
		return err
	}
	free, err := l.hold(ctx, master)
	if err != nil {
		return err
	}
	defer free()
	var at mariadb.GTID
	if err := l.whileRoom(ctx, leaf, func(ctx context.Context) (err error) {
		// What may be left of an earlier try is neither served nor followed.
		if err := l.still(p)(ctx, func() error {
			if err := l.servers.Fence(ctx, leaf, schema); err != nil {
				return err
			}
			return l.servers.Unfollow(ctx, leaf, master, p.Domain)
		}); err != nil {
			return err
		}
		at, err = l.copier.Copy(ctx, move.Spec{Schema: schema, Partition: id, Domain: p.Domain, From: master, To: leaf, Rate: l.copyRate, Still: l.still(p), Moment: l.moment(id, master),
			Progress: progress, Courtesy: courtesy})
		return err
	}); err != nil {
		return err
	}
	return l.join(ctx, p, master, leaf, mariadb.Start{Domain: p.Domain, After: at})
}

// turn waits until no other copy is read from the partition's master, and none is written to the leaf: each leaf has its statements to serve.
func (l *leader) turn(ctx context.Context, id topo.PartitionID, leaf string) (end func(), err error) {
	for {
		_, master, err := l.part(id)
		if err != nil {
			return nil, err
		}
		// All take them in this order: none waits for another that waits for it.
		endRead, err := l.take(ctx, "copy from "+master)
		if err != nil {
			return nil, err
		}
		endWrite, err := l.take(ctx, "copy to "+leaf)
		if err != nil {
			endRead()
			return nil, err
		}
		if _, now, err := l.part(id); err == nil && now == master {
			return func() { endWrite(); endRead() }, nil
		}
		endWrite()
		endRead()
	}
}

// join makes a whole copy at a leaf follow the master, and a replica once it has caught up.
func (l *leader) join(ctx context.Context, p *topo.Partition, master, leaf string, from mariadb.Start) error {
	if err := l.unblock(ctx, master, leaf); err != nil {
		return err
	}
	// A DROP DATABASE that comes later is followed, too; one that came before has dropped the copy, and would drop what has its name by now.
	if err := l.still(p)(ctx, func() error { return l.servers.Follow(ctx, leaf, master, l.addr(master), from) }); err != nil {
		return err
	}
	if err := l.catchUp(ctx, p, master, leaf, from.After); err != nil {
		// What the link can't apply would hold up the other partitions that it carries. The next controller does this before it copies.
		if l.ctx.Err() == nil {
			l.tidy(func(ctx context.Context) error { return l.unjoin(ctx, p, master, leaf) })
		}
		return err
	}
	rev, err := l.alter(ctx, p, func(n *topo.Partition) (*topo.Partition, error) {
		if m, ok := n.Master(); !ok || m != master {
			return nil, errMoved
		}
		n.Instances = append(n.Instances, topo.Instance{Leaf: leaf, Role: topo.Replica})
		return n, nil
	})
	if err != nil {
		return err
	}
	return l.inSync(ctx, p, master, leaf, rev, from.After)
}

// unjoin has a copy follow its master no more. One whose database was dropped meanwhile may not have followed that yet, and would keep the name from being used: it is dropped.
func (l *leader) unjoin(ctx context.Context, p *topo.Partition, master, leaf string) error {
	if err := l.servers.Unfollow(ctx, leaf, master, p.Domain); err != nil {
		return err
	}
	lock, err := l.node.Lock(ctx, p.ID.DB)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	if err := l.cat.Sync(ctx); err != nil || l.cat.Snapshot().Partition(p.ID) != nil {
		return err
	}
	return l.servers.Drop(ctx, leaf, p.ID.Schema())
}

// inSync calls a replica in sync that a revision has named first: once every node has seen that, commits in a SYNC database wait for it, and it only has to have
// what was acknowledged before.
func (l *leader) inSync(ctx context.Context, p *topo.Partition, master, leaf string, rev int64, at mariadb.GTID) error {
	if _, err := l.barrier(ctx, rev); err != nil {
		return err
	}
	if err := l.catchUp(ctx, p, master, leaf, at); err != nil {
		return err
	}
	_, err := l.alter(ctx, p, func(n *topo.Partition) (*topo.Partition, error) {
		for i := range n.Instances {
			if n.Instances[i].Leaf == leaf && n.Instances[i].Role == topo.Replica {
				n.Instances[i].InSync = true
				return n, nil
			}
		}
		return nil, errMoved
	})
	return err
}

// catchUp waits until a replica has all that its master has now.
func (l *leader) catchUp(ctx context.Context, p *topo.Partition, master, leaf string, at mariadb.GTID) error {
	ctx, cancel := context.WithTimeout(ctx, catchUpWithin)
	defer cancel()
	pos, err := l.servers.BinlogPosition(ctx, master)
	if err != nil {
		return err
	}
	if to := pos[p.Domain]; to.Sequence > at.Sequence {
		at = to
	}
	for {
		short, stop := context.WithTimeout(ctx, 2*time.Second)
		waited := l.servers.WaitReached(short, leaf, at)
		stop()
		if ctx.Err() != nil || waited != nil && !errors.Is(waited, mariadb.ErrNotApplied) {
			return waited
		}
		links, err := l.servers.Links(ctx, leaf)
		if err != nil {
			return err
		}
		link := links[master]
		if broken(link, p.Domain) { // the position of a domain that the link leaves out advances all the same, and means nothing
			why := "it does not carry the partition"
			if link != nil && link.Error != "" {
				why = link.Error
			}
			return fmt.Errorf("replication of partition %s from %s to %s has stopped: %s", p.ID, master, leaf, why)
		}
		if waited == nil && link.Receiving {
			return nil
		}
		if waited == nil { // it is there, and what comes next will not be yet
			select {
			case <-time.After(20 * time.Millisecond):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}

// behindWithin is how long a switch waits for replicas that do not become master: where commits do so, too, they have all at once.
const behindWithin = 50 * time.Millisecond

// drop removes a replica, its data too when wanted.
func (l *leader) drop(ctx context.Context, id topo.PartitionID, leaf string, data bool) error {
	p := l.cat.Snapshot().Partition(id)
	if p == nil {
		return topo.NoPartition(id)
	}
	master, has := p.Master()
	if has && master == leaf {
		return movedError{refuse(1777, "Leaf %s has the master of partition %s: promote another instance first.", leaf, id)}
	}
	if _, err := l.alter(ctx, p, func(n *topo.Partition) (*topo.Partition, error) {
		for i, in := range n.Instances {
			if in.Leaf == leaf {
				n.Instances = append(n.Instances[:i], n.Instances[i+1:]...)
				break
			}
		}
		return n, nil
	}); err != nil {
		return err
	}
	if has {
		if err := l.servers.Unfollow(ctx, leaf, master, p.Domain); err != nil {
			return err
		}
	}
	if !data {
		return nil
	}
	return l.servers.Drop(ctx, leaf, id.Schema())
}

// attachMaster takes in the only copy of a partition, in the term that it was in.
func (l *leader) attachMaster(ctx context.Context, id topo.PartitionID, leaf string) error {
	p := l.cat.Snapshot().Partition(id)
	if p == nil {
		return topo.NoPartition(id)
	}
	if _, ok := p.Master(); ok {
		return nil
	}
	if err := l.servers.Serve(ctx, leaf, id.Schema(), p.Domain, p.Term); err != nil {
		return err
	}
	_, err := l.alter(ctx, p, func(n *topo.Partition) (*topo.Partition, error) {
		if len(n.Instances) > 0 {
			return nil, errMoved
		}
		n.Instances, n.Home, n.Locked = []topo.Instance{{Leaf: leaf, Role: topo.Master}}, "", false
		return n, nil
	})
	return err
}

// attachReplica takes in a copy that ended where the present term began.
func (l *leader) attachReplica(ctx context.Context, id topo.PartitionID, leaf string) error {
	p, master, err := l.part(id)
	if err != nil {
		return err
	}
	for _, in := range p.Instances {
		if in.Leaf == leaf {
			return nil
		}
	}
	served, err := l.servers.Served(ctx, leaf)
	if err != nil {
		return err
	}
	stands, err := l.servers.Stands(ctx, leaf)
	if err != nil {
		return err
	}
	// The master of the term before follows the present one from its start, unless it has begun to before it was lost again. A replica goes on where it was.
	from := mariadb.Start{Domain: p.Domain, After: stands[p.Domain]}
	if from.After.Sequence == 0 && served[id.Schema()] == 0 {
		return l.copyTo(ctx, id, leaf, func(int64, int64) {})
	}
	free, err := l.hold(ctx, master)
	if err != nil {
		return err
	}
	defer free()
	// One start that is not there any more would have the master refuse the whole link.
	if keeps, err := l.servers.Keeps(ctx, master, from); err != nil {
		return err
	} else if !keeps {
		return l.copyTo(ctx, id, leaf, func(int64, int64) {})
	}
	if err = l.servers.Follow(ctx, leaf, master, l.addr(master), from); err == nil {
		if err = l.servers.Fence(ctx, leaf, id.Schema()); err == nil {
			err = l.join(ctx, p, master, leaf, from)
		}
	}
	if err == nil || ctx.Err() != nil {
		return err
	}
	l.log.Info("control: a copy that can't be followed up is made anew", "partition", id.String(), "leaf", leaf, "error", err)
	return l.copyTo(ctx, id, leaf, func(int64, int64) {})
}

// create makes an empty partition in place of one that is lost.
func (l *leader) create(ctx context.Context, id topo.PartitionID, leaf string) error {
	p := l.cat.Snapshot().Partition(id)
	if p == nil {
		return topo.NoPartition(id)
	}
	if len(p.Instances) > 0 {
		return nil
	}
	domain, free, err := l.newDomains(ctx, 1)
	if err != nil {
		return err
	}
	defer free()
	var triggers []topo.Trigger
	for _, t := range l.cat.Snapshot().Databases[id.DB].Tables {
		if t.Kind != topo.Reference { // whose rows are in the shape
			triggers = append(triggers, t.Triggers...)
		}
	}
	if err := l.copier.Empty(ctx, id.DB, id.Schema(), leaf, domain, p.Term+1, triggers, id.Ordinal == topo.SequenceOrdinal); err != nil {
		return err
	}
	_, err = l.alter(ctx, p, func(n *topo.Partition) (*topo.Partition, error) {
		if len(n.Instances) > 0 {
			return nil, errMoved
		}
		return follow(n, leaf, domain, mariadb.GTID{}), nil
	})
	if err == nil {
		l.event("warning", "partition replaced", leaf, id.DB, fmt.Sprintf("partition %s begins anew, empty: its data is lost, or is on leaf %q as an orphan", id, p.Home))
	}
	return err
}
