package settle

import (
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/xid"
)

func TestPlans(t *testing.T) {
	part := func(n int, leaves ...string) *topo.Partition {
		p := &topo.Partition{ID: topo.PartitionID{DB: "d", Ordinal: n}, Term: 3, Domain: uint32(100 + n)}
		for i, l := range leaves {
			role := topo.Replica
			if i == 0 {
				role = topo.Master
			}
			p.Instances = append(p.Instances, topo.Instance{Leaf: l, Role: role})
		}
		return p
	}
	locked, lost := part(2, "a"), part(3)
	locked.Locked, lost.Home = true, "b"
	snap := &topo.Snapshot{Databases: map[string]*topo.Database{"d": {Name: "d", Partitions: []*topo.Partition{part(0, "a", "b"), part(1, "b", "a"), locked, lost}}}}
	hash := func(n int) uint64 { return txn.PlaceHash(topo.PartitionID{DB: "d", Ordinal: n}) }
	const dead, living, other = 1, 2, 3
	branch := func(owner, decider, place uint64) txn.XID {
		return txn.XID{ID: txn.ID{Owner: owner, Seq: 7}, Decider: decider, Place: place, Thread: 5}
	}
	server := &backend.Remote{ID: "server x", Name: "s"}
	for _, c := range []struct {
		what  string
		seen  Seen
		known catalog.Outcome
		held  bool
		given bool
		end   string // where it is ended, and who decides
		wait  string // a word of why it waits
	}{
		{what: "at the master", seen: Seen{XID: branch(dead, hash(0), hash(1)), Leaf: "b"}, end: "partition d:1 on leaf b, partition d:0 on leaf a"},
		{what: "at a replica", seen: Seen{XID: branch(dead, hash(0), hash(1)), Leaf: "a"}},
		{what: "a copy that is none", seen: Seen{XID: branch(dead, hash(0), hash(1)), Leaf: "c"}},
		{what: "a living owner's", seen: Seen{XID: branch(living, hash(0), hash(1)), Leaf: "b"}},
		{what: "given by its owner", seen: Seen{XID: branch(living, hash(0), hash(1)), Leaf: "b"}, given: true, end: "partition d:1 on leaf b, partition d:0 on leaf a"},
		{what: "the catalog decides", seen: Seen{XID: branch(dead, 0, hash(1)), Leaf: "b"}, end: "partition d:1 on leaf b, leaf "},
		{what: "a client's", seen: Seen{XID: branch(dead, 0, hash(1)), Leaf: "b"}, held: true},
		{what: "at shapes", seen: Seen{XID: branch(dead, hash(0), txn.PlaceShape), Leaf: "c"}, end: "leaf c, partition d:0 on leaf a"},
		{what: "at a server", seen: Seen{XID: branch(dead, hash(0), txn.PlaceRemote), Leaf: server.ID, Remote: server}, end: "server s, partition d:0 on leaf a"},
		{what: "another cluster's", seen: Seen{XID: branch(other, hash(0), txn.PlaceRemote), Leaf: server.ID, Remote: server}},
		{what: "its partition locked", seen: Seen{XID: branch(dead, hash(0), hash(2)), Leaf: "a"}, wait: "d:2, which it is a branch at, is getting another master"},
		{what: "its partition away", seen: Seen{XID: branch(dead, hash(0), hash(3)), Leaf: "b"}, wait: "d:3, which it is a branch at, has no master"},
		{what: "an old copy of one that is away", seen: Seen{XID: branch(dead, hash(0), hash(3)), Leaf: "a"}},
		{what: "its partition dropped", seen: Seen{XID: branch(dead, hash(0), hash(9)), Leaf: "b"}, end: "leaf b, partition d:0 on leaf a"},
		{what: "the decider locked", seen: Seen{XID: branch(dead, hash(2), hash(1)), Leaf: "b"}, wait: "d:2, which decides about it, is getting another master"},
		{what: "the decider away", seen: Seen{XID: branch(dead, hash(3), hash(1)), Leaf: "b"}, wait: "d:3, which decides about it, has no master"},
		{what: "the decider dropped", seen: Seen{XID: branch(dead, hash(9), hash(1)), Leaf: "b"}, wait: "dropped"},
		{what: "the decider dropped, what it decided found", seen: Seen{XID: branch(dead, hash(9), hash(1)), Leaf: "b"}, known: catalog.Committed, end: "partition d:1 on leaf b, leaf "},
	} {
		id := c.seen.XID.ID
		f := Facts{Snapshot: snap, Ours: map[uint64]bool{dead: true, living: true}, Living: map[uint64]bool{living: true}, Given: map[txn.ID]bool{id: c.given},
			Held: map[txn.ID]bool{id: c.held}, Known: Outcomes{}}
		if c.known != "" {
			f.Known[id] = c.known
		}
		plan := MakePlan([]Seen{c.seen}, f)
		end, wait := "", ""
		for _, e := range plan.Ends {
			end = e.At.String() + ", " + e.Decider.String()
		}
		for _, w := range plan.Waits {
			wait = w.Why
		}
		if end != c.end || (wait == "") != (c.wait == "") || !strings.Contains(wait, c.wait) {
			t.Errorf("%s: end %q, wait %q", c.what, end, wait)
		}
		if asked := len(plan.Living) > 0; asked != (id.Owner == living && !c.given) {
			t.Errorf("%s: living %v", c.what, plan.Living)
		}
	}
}

func TestStrays(t *testing.T) {
	part := func(n int, replica string) *topo.Partition {
		p := &topo.Partition{ID: topo.PartitionID{DB: "d", Ordinal: n}, Instances: []topo.Instance{{Leaf: "a", Role: topo.Master}}}
		if replica != "" {
			p.Instances = append(p.Instances, topo.Instance{Leaf: replica, Role: topo.Replica, InSync: true})
		}
		return p
	}
	locked := part(2, "b")
	locked.Locked = true
	snap := &topo.Snapshot{Databases: map[string]*topo.Database{"d": {Name: "d", Partitions: []*topo.Partition{part(0, "b"), part(1, ""), locked}}}}
	at := func(leaf string, n int, thread uint64) Seen {
		return Seen{XID: txn.XID{ID: txn.ID{Owner: 1, Seq: 7}, Place: txn.PlaceHash(topo.PartitionID{DB: "d", Ordinal: n}), Thread: thread}, Leaf: leaf}
	}
	stray := at("b", 0, 5)
	shape, remote := at("b", 0, 5), at("b", 0, 5)
	shape.XID.Place, remote.Remote = txn.PlaceShape, &backend.Remote{ID: "b"}
	for _, c := range []struct {
		what  string
		seen  []Seen
		stray bool
	}{
		{"a replica alone lists it", []Seen{stray}, true},
		{"its master, too", []Seen{stray, at("a", 0, 5)}, false},
		{"another one of its transaction at the master", []Seen{stray, at("a", 0, 6)}, true},
		{"the master alone", []Seen{at("a", 0, 5)}, false},
		{"a copy that is none", []Seen{at("b", 1, 5)}, false},
		{"its partition is getting another master", []Seen{at("b", 2, 5)}, false},
		{"its database was dropped", []Seen{at("b", 9, 5)}, false},
		{"at shapes, or at a server", []Seen{shape, remote}, false},
	} {
		if got := MakeStrays(c.seen, snap); (len(got) == 1) != c.stray || c.stray && (got[0].Seen != stray || got[0].Master != "a") {
			t.Errorf("%s: %v", c.what, got)
		}
	}
}

func TestRemnants(t *testing.T) {
	part := func(n int) *topo.Partition {
		return &topo.Partition{ID: topo.PartitionID{DB: "d", Ordinal: n}, Instances: []topo.Instance{{Leaf: "a", Role: topo.Master}, {Leaf: "b", Role: topo.Replica, InSync: true}}}
	}
	locked, lost := part(1), part(2)
	locked.Locked, lost.Instances = true, nil
	leaf := func(name string, state topo.LeafState) *topo.Leaf { return &topo.Leaf{Name: name, State: state} }
	snap := &topo.Snapshot{
		Leaves: map[string]*topo.Leaf{"a": leaf("a", topo.LeafOnline), "b": leaf("b", topo.LeafOnline), "c": leaf("c", topo.LeafOnline),
			"coming": leaf("coming", topo.LeafAttaching), "detached": leaf("detached", topo.LeafDetached)},
		Databases: map[string]*topo.Database{"d": {Name: "d", Partitions: []*topo.Partition{part(0), locked, lost}}},
	}
	at := func(leaf string, n int) Seen {
		return Seen{XID: txn.XID{ID: txn.ID{Owner: 1, Seq: 7}, Place: txn.PlaceHash(topo.PartitionID{DB: "d", Ordinal: n}), Thread: 5}, Leaf: leaf}
	}
	shape, remote := at("c", 0), at("c", 0)
	shape.XID.Place, remote.Remote = txn.PlaceShape, &backend.Remote{ID: "c"}
	for _, c := range []struct {
		what    string
		seen    []Seen
		remnant bool
	}{
		{"a copy that is none", []Seen{at("c", 0)}, true},
		{"the master has not ended it", []Seen{at("c", 0), at("a", 0)}, false},
		{"a replica", []Seen{at("b", 0)}, false},
		{"its partition is getting another master", []Seen{at("c", 1)}, false},
		{"its partition has no copy", []Seen{at("c", 2)}, false},
		{"its database was dropped", []Seen{at("c", 9)}, false},
		{"a leaf that is coming back", []Seen{at("coming", 0)}, false},
		{"a leaf that is detached", []Seen{at("detached", 0)}, false},
		{"a leaf that is removed", []Seen{at("removed", 0)}, false},
		{"at shapes, or at a server", []Seen{shape, remote}, false},
	} {
		if got := MakeRemnants(c.seen, snap); (len(got) == 1) != c.remnant || c.remnant && got[0].Seen != at("c", 0) {
			t.Errorf("%s: %v", c.what, got)
		}
	}
}

func TestBranchesAsServersListThem(t *testing.T) {
	x := txn.XID{ID: txn.ID{Owner: 12, Seq: 34}, Decider: 56, Place: 78, Thread: 90}
	parts := strings.Split(x.SQL(), "'")
	g, b := parts[1], parts[3]
	length := func(s string) []byte { return []byte(string(rune('0'+len(s)/10)) + string(rune('0'+len(s)%10))) }
	row := [][]byte{[]byte("20311"), length(g), length(b), []byte(g + b)}
	if got, ok := xid.Listed(row); !ok || got != x {
		t.Errorf("%v %v", got, ok)
	}
	for _, bad := range [][][]byte{
		{row[0], row[1], row[2]}, {[]byte("1"), row[1], row[2], row[3]}, {row[0], []byte("99"), row[2], row[3]}, {row[0], []byte("-1"), row[2], row[3]},
		{row[0], row[1], row[2], []byte("x")}, {[]byte("?"), row[1], row[2], row[3]},
	} {
		if got, ok := xid.Listed(bad); ok {
			t.Errorf("%q: %v", bad, got)
		}
	}
}

// Partitions whose names had one hash would be one to whom reads a branch: neither is taken for the other.
func TestNamesThatAreAlike(t *testing.T) {
	p := &topo.Partition{ID: topo.PartitionID{DB: "d", Ordinal: 0}, Instances: []topo.Instance{{Leaf: "a", Role: topo.Master}}}
	s := &topo.Snapshot{Databases: map[string]*topo.Database{"d": {Name: "d", Partitions: []*topo.Partition{p, p}}}}
	if x := IndexOf(s); len(x) != 0 {
		t.Errorf("%v", x)
	}
}
