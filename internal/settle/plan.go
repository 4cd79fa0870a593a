package settle

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
)

// Seen is a branch that a server lists as prepared.
type Seen struct {
	XID    txn.XID
	Leaf   string          // the leaf's name, or Remote's ID
	Remote *backend.Remote // a server of linked tables; nil for leaves
}

// Facts are all that is looked at to say what becomes of branches.
type Facts struct {
	Snapshot *topo.Snapshot
	// Ours are all owners of this cluster: a server of linked tables may have branches of another one. Living are those whose leases last, Given those of their
	// transactions that they know nothing of.
	Ours   map[uint64]bool
	Living map[uint64]bool
	Given  map[txn.ID]bool
	// Known is what was found about transactions whose deciding partition is not there any more.
	Known Outcomes
	// Held are client's own XA transactions that wait for their clients.
	Held map[txn.ID]bool
}

// Plan says what is to be done about branches. Each is in Ends, in Waits, or nobody's matter now.
type Plan struct {
	Ends  []End
	Waits []Wait
	// Living are transactions whose owners live: theirs to end, unless they say that they know nothing of them.
	Living []txn.ID
}

// End is a branch to be ended at a place, once its decider has been asked.
type End struct {
	XID     txn.XID
	At      Place
	Decider Place // the zero Place: the catalog decides
}

// Place is where something is done: a partition's master, a leaf's shapes, or a server of linked tables.
type Place struct {
	Leaf      string
	Partition topo.PartitionID
	Domain    uint32
	Term      uint64
	Remote    *backend.Remote
}

// String names the place as messages do.
func (p Place) String() string {
	switch {
	case p.Remote != nil:
		return "server " + p.Remote.Name
	case p.Partition.DB != "":
		return "partition " + p.Partition.String() + " on leaf " + p.Leaf
	}
	return "leaf " + p.Leaf
}

// Wait is a branch that can't be ended now, and why.
type Wait struct {
	Seen
	Why string
}

// Index finds partitions by what branches call them.
type Index map[uint64]*topo.Partition

// IndexOf indexes a topology. Partitions that are called alike are left out: nobody guesses which is meant.
func IndexOf(s *topo.Snapshot) Index {
	x := Index{}
	alike := map[uint64]bool{}
	for _, d := range s.Databases {
		for _, p := range d.Partitions {
			h := txn.PlaceHash(p.ID)
			alike[h] = x[h] != nil
			x[h] = p
		}
	}
	maps.DeleteFunc(x, func(h uint64, _ *topo.Partition) bool { return alike[h] })
	return x
}

// MakePlan decides about branches. Pure.
func MakePlan(seen []Seen, f Facts) Plan {
	var plan Plan
	x := IndexOf(f.Snapshot)
	living := map[txn.ID]bool{}
	for _, s := range seen {
		switch {
		case f.Held[s.XID.ID], s.Remote != nil && !f.Ours[s.XID.Owner]:
			continue
		case f.Living[s.XID.Owner] && !f.Given[s.XID.ID]:
			living[s.XID.ID] = true
			continue
		}
		at, mine, why := placeOf(s, x)
		if !mine {
			continue
		}
		decider := Place{}
		if why == "" && s.XID.Decider != 0 && f.Known[s.XID.ID] == "" {
			decider, why = deciderOf(f.Snapshot, x[s.XID.Decider])
		}
		if why != "" {
			plan.Waits = append(plan.Waits, Wait{s, why})
			continue
		}
		plan.Ends = append(plan.Ends, End{s.XID, at, decider})
	}
	plan.Living = slices.SortedFunc(maps.Keys(living), compareIDs)
	return plan
}

// MakeDiscards decides about branches that only replicas have: their master has lost them in a crash before it could say that it had them. So their transactions are rolled
// back, which their deciders confirm, and no end of theirs will ever come by replication. living are transactions whose owners live. Pure.
func MakeDiscards(orphans []Seen, f Facts) (ends []End, living []txn.ID) {
	x := IndexOf(f.Snapshot)
	for _, s := range orphans {
		if f.Living[s.XID.Owner] && !f.Given[s.XID.ID] {
			living = append(living, s.XID.ID)
			continue
		}
		decider, why := Place{}, ""
		if s.XID.Decider != 0 && f.Known[s.XID.ID] == "" {
			decider, why = deciderOf(f.Snapshot, x[s.XID.Decider])
		}
		if why == "" {
			ends = append(ends, End{s.XID, Place{Leaf: s.Leaf}, decider})
		}
	}
	return ends, living
}

// placeOf is where a branch is to be ended. mine is false for what another server's branch brings about: a replica follows its master.
func placeOf(s Seen, x Index) (at Place, mine bool, why string) {
	at = Place{Leaf: s.Leaf, Remote: s.Remote}
	if s.Remote != nil || s.XID.Place == txn.PlaceShape {
		return at, true, ""
	}
	p := x[s.XID.Place]
	if p == nil { // its database was dropped: what the branch has written is gone, but for its locks
		return at, true, ""
	}
	at, why = masterOf(p, "which it is a branch at")
	if why != "" {
		// Of all copies that list it, one may be the next master's.
		return Place{}, p.Home == "" || p.Home == s.Leaf, why
	}
	return at, at.Leaf == s.Leaf, ""
}

// masterOf is a partition's master, or why there is none.
func masterOf(p *topo.Partition, what string) (at Place, why string) {
	if p == nil {
		return Place{}, "the partition " + what + " is not there any more: its database was dropped"
	}
	leaf, ok := p.Master()
	switch {
	case !ok:
		return Place{}, fmt.Sprintf("partition %s, %s, has no master", p.ID, what)
	case p.Locked:
		return Place{}, fmt.Sprintf("partition %s, %s, is getting another master", p.ID, what)
	}
	return Place{Leaf: leaf, Partition: p.ID, Domain: p.Domain, Term: p.Term}, ""
}

// deciderOf is where a partition's decisions are: at its master; or when it has none, and the leaf that has its newest copy is coming back, there. That leaf is given no copy of
// the reference tables before those who have written them elsewhere have ended, and would not become the master before it has that copy.
func deciderOf(s *topo.Snapshot, p *topo.Partition) (at Place, why string) {
	at, why = masterOf(p, "which decides about it")
	if why == "" || p == nil || p.Locked || len(p.Instances) > 0 {
		return at, why
	}
	if home := s.Leaves[p.Home]; home == nil || home.State != topo.LeafAttaching {
		return at, why
	}
	return Place{Leaf: p.Home, Partition: p.ID, Domain: p.Domain, Term: p.Term}, ""
}

// Outcomes are what was decided about transactions: by what was asked.
type Outcomes map[txn.ID]catalog.Outcome

// byDecider lists the transactions that each decider is to be asked about, in an order that all who ask have.
func byDecider(ends []End) map[Place][]txn.ID {
	out := map[Place][]txn.ID{}
	for _, e := range ends {
		out[e.Decider] = append(out[e.Decider], e.XID.ID)
	}
	for at, ids := range out {
		slices.SortFunc(ids, compareIDs)
		out[at] = slices.Compact(ids)
	}
	return out
}

func compareIDs(a, b txn.ID) int {
	return cmp.Or(cmp.Compare(a.Owner, b.Owner), cmp.Compare(a.Seq, b.Seq))
}
