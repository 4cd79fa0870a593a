package settle

import (
	"context"
	"slices"

	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
)

// Remnant is a branch in a copy that is none of its partition's any more: the leaf followed the master until the copy was detached, between a branch's XA PREPARE and its end, of which it
// never hears. What it has written nobody reads, but its tables could not be dropped, and it would be listed for ever.
//
// It is rolled back there, unlogged, once the master does not list it and the leaf does not follow the partition: a copy that is being made is not in the topology yet, and follows. A copy that is
// attached again after all, where it stood before the end, breaks off there and is made anew.
type Remnant struct {
	Seen
	Partition *topo.Partition
}

// MakeRemnants finds them in what all servers have listed, in a topology that is newer. Pure.
func MakeRemnants(seen []Seen, s *topo.Snapshot) (remnants []Remnant) {
	x := IndexOf(s)
	for _, b := range seen {
		p, leaf := x[b.XID.Place], s.Leaves[b.Leaf]
		if b.Remote != nil || p == nil || leaf == nil || leaf.State != topo.LeafOnline {
			continue // of a leaf that is away or coming it is not known yet which copies are taken back
		}
		master, why := masterOf(p, "")
		ended := !slices.ContainsFunc(seen, func(o Seen) bool { return o.Leaf == master.Leaf && o.XID == b.XID })
		if why == "" && ended && !slices.ContainsFunc(p.Instances, func(in topo.Instance) bool { return in.Leaf == b.Leaf }) {
			remnants = append(remnants, Remnant{b, p})
		}
	}
	return remnants
}

// remnants rolls them back. It returns how many branches are left.
func (r *Rounds) remnants(ctx context.Context, all []Remnant) (left int) {
	by := map[string][]Remnant{}
	for _, b := range all {
		by[b.Leaf] = append(by[b.Leaf], b)
	}
	for leaf, some := range by {
		err := r.s.servers.Reconcile(ctx, leaf)
		if err == nil {
			some, err = r.unfollowed(ctx, leaf, some)
		}
		if err == nil && len(some) > 0 {
			err = r.s.servers.DiscardStrays(ctx, leaf, func(x txn.XID) bool {
				return slices.ContainsFunc(some, func(b Remnant) bool { return b.XID == x })
			})
		}
		if err != nil {
			r.s.log.Info("settle: branches in copies that are detached are left", "leaf", leaf, "branches", len(some), "error", err)
			left += len(some)
			continue
		}
		for _, b := range some {
			r.s.log.Info("settle: a branch in a copy that is detached was rolled back", "leaf", leaf, "partition", b.Partition.ID.String(), "transaction", b.XID.ID)
		}
	}
	return left
}

// unfollowed leaves the branches of partitions that a leaf does not follow. The others are a copy's that is being made.
func (r *Rounds) unfollowed(ctx context.Context, leaf string, of []Remnant) ([]Remnant, error) {
	links, err := r.s.servers.Links(ctx, leaf)
	if err != nil {
		return of, err
	}
	return slices.DeleteFunc(of, func(b Remnant) bool {
		for _, l := range links {
			if slices.Contains(l.Domains, b.Partition.Domain) || slices.Contains(l.Domains, b.Partition.Before) {
				return true
			}
		}
		return false
	}), nil
}
