package settle

import (
	"context"
	"slices"
	"time"

	"github.com/orbweaver/orbweaver/internal/mariadb"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
)

// strayWithin is how long replicas have, all together, to apply what their masters have: longer than one takes that follows.
const strayWithin = time.Second

// Stray is a branch that a replica lists and its partition's master does not. As a rule the replica is about to apply its end. But a branch that has written nothing (a locking read,
// an UPDATE that met no row, writes that were taken back to a savepoint) is in no binary log, neither its XA PREPARE nor its end. When its partition gets another master between the two
// it is left where it was: the next master never hears of it, so nothing that is replicated ends it, and consistent snapshots and copies would wait for it for ever.
//
// Once it is known that no end will come it is rolled back there, unlogged, and whoever owns it need not be asked: it has changed nothing, so that it is all the same whether its transaction is committed.
// Nor do its locks guard anything. They were those of its connection, which was ended before the next term began; at the next master they never were. That breaks no promise: who prepares
// has all the locks that it ever takes, and may give up those of its reads. An owner that still means to end it asks the partition's master, where it is not listed and so counts as ended.
type Stray struct {
	Seen
	Partition *topo.Partition
	Master    string
}

// MakeStrays finds them in what all servers have listed, in a topology that is newer. Pure.
func MakeStrays(seen []Seen, s *topo.Snapshot) (strays []Stray) {
	x := IndexOf(s)
	type at struct {
		leaf string
		xid  txn.XID
	}
	listed := map[at]bool{}
	for _, b := range seen {
		listed[at{b.Leaf, b.XID}] = true
	}
	for _, b := range seen {
		p := x[b.XID.Place]
		if b.Remote != nil || p == nil {
			continue
		}
		master, why := masterOf(p, "")
		if why == "" && !listed[at{master.Leaf, b.XID}] && slices.Contains(p.Replicas(), b.Leaf) {
			strays = append(strays, Stray{b, p, master.Leaf})
		}
	}
	return strays
}

// strays has replicas roll back what no end will come for. It returns how many branches are left of which that is not known yet.
//
// It is known where the master does not list a branch, and the replica lists it still when it has applied all that the master had logged by then: a server logs an end before it ceases to list the
// branch. What of it the terms before have logged the replica has, too, when it has applied all of the last one. Topologies that come meanwhile don't matter: what is in no log will not be.
func (r *Rounds) strays(ctx context.Context, all []Stray) (left int) {
	by := map[[2]string][]Stray{}
	for _, b := range all {
		by[[2]string{b.Leaf, b.Master}] = append(by[[2]string{b.Leaf, b.Master}], b)
	}
	short, cancel := context.WithTimeout(ctx, strayWithin)
	defer cancel()
	for pair, some := range by {
		some, waits, err := r.ended(short, pair[0], pair[1], some)
		left += waits
		if err == nil && len(some) > 0 {
			err = r.s.servers.DiscardStrays(ctx, pair[0], func(x txn.XID) bool {
				return slices.ContainsFunc(some, func(b Stray) bool { return b.XID == x })
			})
		}
		if err != nil {
			r.s.log.Info("settle: it is not known yet whether a replica still gets the end of branches", "leaf", pair[0], "branches", len(some), "error", err)
			left += len(some)
			continue
		}
		for _, b := range some {
			r.s.log.Info("settle: a branch that has written nothing was left at an old master, and was rolled back", "leaf", b.Leaf, "partition", b.Partition.ID.String(), "transaction", b.XID.ID)
		}
	}
	return left
}

// ended leaves those branches of a replica whose end does not come by replication, or has come by now. waits is how many it may yet come for.
func (r *Rounds) ended(ctx context.Context, leaf, master string, of []Stray) (out []Stray, waits int, err error) {
	for _, l := range []string{leaf, master} { // or their lists are not what their logs say
		if err := r.s.servers.Reconcile(ctx, l); err != nil {
			return of, 0, err
		}
	}
	listed, err := r.s.servers.Branches(ctx, master)
	if err != nil {
		return of, 0, err
	}
	logged, err := r.s.servers.BinlogPosition(ctx, master) // after the list
	if err != nil {
		return of, 0, err
	}
	stands, err := r.s.servers.Stands(ctx, leaf)
	if err != nil {
		return of, 0, err
	}
	for _, b := range of {
		since, err := mariadb.ParseGTID(b.Partition.Since)
		switch {
		case slices.Contains(listed, b.XID): // prepared there since the look
		case err != nil || stands[b.Partition.Before].Sequence < since.Sequence, r.s.servers.WaitReached(ctx, leaf, logged[b.Partition.Domain]) != nil:
			waits++
		default:
			out = append(out, b)
		}
	}
	return out, waits, nil
}
