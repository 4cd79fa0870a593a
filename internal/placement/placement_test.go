package placement

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// build makes a cluster of leaves in two halves (one group with redundancy 1) and a database test; masters[i] is the leaf of partition i, followed by its
// replica: "2", "2 6", "" for a lost one.
func build(leaves, redundancy int, parts ...string) *topo.Snapshot {
	b := topo.NewBuilder(nil)
	b.PutSettings(topo.Settings{Redundancy: redundancy, AutoAttach: true})
	for i := range leaves {
		l := &topo.Leaf{Name: fmt.Sprint("leaf-", i+1), Group: 1, State: topo.LeafOnline}
		if redundancy == 2 {
			l.Group = 1 + i*2/leaves
			l.Pair = fmt.Sprint("leaf-", (i+leaves/2)%leaves+1)
		}
		b.PutLeaf(l)
	}
	d := &topo.Database{Name: "test"}
	for i, text := range parts {
		p := &topo.Partition{ID: topo.PartitionID{DB: "test", Ordinal: i}, Term: 1}
		for j, n := range strings.Fields(text) {
			role := topo.Master
			if j > 0 {
				role = topo.Replica
			}
			p.Instances = append(p.Instances, topo.Instance{Leaf: "leaf-" + n, Role: role, InSync: j > 0})
		}
		d.Partitions = append(d.Partitions, p)
	}
	b.PutDatabase(d)
	return b.Build(1)
}

// carry carries a plan out on a snapshot.
func carry(t rapid.TB, s *topo.Snapshot, actions []Action) *topo.Snapshot {
	t.Helper()
	d := *s.Databases["test"]
	d.Partitions = slices.Clone(d.Partitions)
	for _, a := range actions {
		p := *d.Partitions[a.Ordinal]
		p.Instances = slices.Clone(p.Instances)
		at := slices.IndexFunc(p.Instances, func(i topo.Instance) bool { return i.Leaf == a.Leaf })
		switch a.Action {
		case Create:
			if len(p.Instances) > 0 {
				t.Fatalf("%+v: it has instances", a)
			}
			p.Instances = []topo.Instance{{Leaf: a.Leaf, Role: topo.Master}}
		case Attach, Copy:
			// The copy back to the old master finds a replica there: the promotion left it.
			role := topo.Replica
			if len(p.Instances) == 0 {
				role = topo.Master
			}
			if at < 0 {
				p.Instances = append(p.Instances, topo.Instance{Leaf: a.Leaf, Role: role})
			}
		case Promote:
			if at < 0 {
				t.Fatalf("%+v: no instance there", a)
			}
			for i := range p.Instances {
				p.Instances[i].Role = topo.Replica
			}
			p.Instances[at].Role = topo.Master
		case Drop, Detach:
			if at < 0 || p.Instances[at].Role == topo.Master {
				t.Fatalf("%+v: not a replica", a)
			}
			p.Instances = slices.Delete(p.Instances, at, at+1)
		}
		if _, ok := p.Master(); !ok {
			t.Fatalf("%+v left the partition without a master", a)
		}
		d.Partitions[a.Ordinal] = &p
	}
	b := topo.NewBuilder(s)
	b.PutDatabase(&d)
	return b.Build(2)
}

func show(actions []Action) string {
	var b strings.Builder
	for _, a := range actions {
		fmt.Fprintf(&b, "%s | %d | %s | %d\n", a.Action, a.Ordinal, a.Leaf, a.Phase)
	}
	return b.String()
}

func TestExamplesOfTheDocumentation(t *testing.T) {
	s := build(8, 2, "1 5", "2", "3 7", "4", "5 1", "2", "7 3", "4")
	got, err := Rebalance(s, "test", false)
	if err != nil {
		t.Fatal(err)
	}
	if want := `COPY PARTITION | 1 | leaf-6 | 2
COPY PARTITION | 3 | leaf-8 | 2
COPY PARTITION | 5 | leaf-6 | 2
COPY PARTITION | 7 | leaf-8 | 2
PROMOTE PARTITION | 1 | leaf-6 | 6
PROMOTE PARTITION | 3 | leaf-8 | 6
COPY PARTITION | 1 | leaf-2 | 7
COPY PARTITION | 3 | leaf-4 | 7
`; show(got) != want {
		t.Errorf("rebalance:\n%s", show(got))
	}
	if again, err := Rebalance(carry(t, s, got), "test", false); err != nil || len(again) > 0 {
		t.Errorf("a balanced database is balanced again: %s %v", show(again), err)
	}
	parts := make([]string, 16)
	for i := range parts {
		parts[i] = fmt.Sprintf("%d %d", i%4+1, i%4+5)
	}
	parts[3], parts[7], parts[11], parts[15] = "4", "4", "4", "4"
	got, err = AttachLeaf(build(8, 2, parts...), "test", "leaf-8", func(p *topo.Partition) Found {
		if p.ID.Ordinal > 8 {
			return Clean
		}
		return Diverged
	}, true, true)
	if err != nil {
		t.Fatal(err)
	}
	if want := `ATTACH PARTITION | 11 | leaf-8 | 1
ATTACH PARTITION | 15 | leaf-8 | 1
COPY PARTITION | 3 | leaf-8 | 3
COPY PARTITION | 7 | leaf-8 | 3
PROMOTE PARTITION | 3 | leaf-8 | 7
PROMOTE PARTITION | 7 | leaf-8 | 7
COPY PARTITION | 3 | leaf-4 | 8
COPY PARTITION | 7 | leaf-4 | 8
`; show(got) != want {
		t.Errorf("attach:\n%s", show(got))
	}
	got, err = AttachLeaf(build(4, 1, "1", "2", "3", "", "1", "2", "3", ""), "test", "leaf-4", func(*topo.Partition) Found { return Diverged }, false, true)
	if want := "ATTACH PARTITION | 3 | leaf-4 | 1\nATTACH PARTITION | 7 | leaf-4 | 1\n"; err != nil || show(got) != want {
		t.Errorf("attach with redundancy 1: %s %v", show(got), err)
	}
}

func TestLostPartitions(t *testing.T) {
	s := build(2, 1, "1", "", "2", "")
	if _, err := Rebalance(s, "test", false); err == nil || err.Error() != "Partition test:1 has no master instance." {
		t.Error(err)
	}
	got, err := Rebalance(s, "test", true)
	if want := "CREATE PARTITION | 1 | leaf-1 | 1\nCREATE PARTITION | 3 | leaf-2 | 1\n"; err != nil || show(got) != want {
		t.Errorf("%s %v", show(got), err)
	}
	// The newest copy is on another leaf, which is away.
	b := topo.NewBuilder(s)
	d := *s.Databases["test"]
	d.Partitions = slices.Clone(d.Partitions)
	p := *d.Partitions[1]
	p.Home = "leaf-2"
	d.Partitions[1] = &p
	b.PutDatabase(&d)
	s = b.Build(2)
	for force, want := range map[bool]string{false: "ATTACH PARTITION | 3 | leaf-1 | 1\n", true: "ATTACH PARTITION | 1 | leaf-1 | 1\nATTACH PARTITION | 3 | leaf-1 | 1\n"} {
		got, err := AttachLeaf(s, "test", "leaf-1", func(*topo.Partition) Found { return Diverged }, force, true)
		if err != nil || show(got) != want {
			t.Errorf("force %v: %s %v", force, show(got), err)
		}
	}
}

// The other leaf of the pair may be back first: it had nobody to copy from.
func TestLeafThatComesBackLastGivesItsPairCopies(t *testing.T) {
	s := build(2, 2, "", "")
	for _, p := range s.Databases["test"].Partitions {
		p.Home = "leaf-2"
	}
	got, err := AttachLeaf(s, "test", "leaf-2", func(*topo.Partition) Found { return Diverged }, false, true)
	if err != nil {
		t.Fatal(err)
	}
	want := `ATTACH PARTITION | 0 | leaf-2 | 1
ATTACH PARTITION | 1 | leaf-2 | 1
COPY PARTITION | 0 | leaf-1 | 8
COPY PARTITION | 1 | leaf-1 | 8
`
	if show(got) != want {
		t.Errorf("got\n%s\nwant\n%s", show(got), want)
	}
}

// Both leaves of a pair come back at once: each brought its partitions back while the other was coming, and is looked at once more when it is there.
func TestLeafThatBroughtBackItsOwnGivesItsPairCopies(t *testing.T) {
	got, err := AttachLeaf(build(2, 2, "2", "1", "2 1"), "test", "leaf-2", func(*topo.Partition) Found { return Nothing }, false, false)
	if err != nil {
		t.Fatal(err)
	}
	want := `COPY PARTITION | 1 | leaf-2 | 3
COPY PARTITION | 0 | leaf-1 | 8
`
	if show(got) != want {
		t.Errorf("got\n%s\nwant\n%s", show(got), want)
	}
}

func TestRandomClustersAreBalancedAndEmptied(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 500 {
		redundancy := 1 + n%2
		leaves := 2 + 2*r.IntN(4)
		parts := make([]string, 1+r.IntN(30))
		for i := range parts {
			m := r.IntN(leaves)
			parts[i] = fmt.Sprint(m + 1)
			if redundancy == 2 && r.IntN(3) > 0 {
				parts[i] += fmt.Sprint(" ", (m+leaves/2)%leaves+1)
			}
		}
		s := build(leaves, redundancy, parts...)
		plan, err := Rebalance(s, "test", false)
		if err != nil {
			t.Fatal(err)
		}
		after := carry(t, s, plan)
		masters, all := map[string]int{}, map[string]int{}
		for _, p := range after.Databases["test"].Partitions {
			m, _ := p.Master()
			masters[m]++
			if len(p.Instances) != redundancy {
				t.Fatalf("%v: partition %d has %v", parts, p.ID.Ordinal, p.Instances)
			}
			for _, in := range p.Instances {
				all[in.Leaf]++
			}
		}
		lo, hi := 1<<30, 0
		for name, l := range after.Leaves {
			lo, hi = min(lo, all[name]), max(hi, all[name])
			if l.Pair != "" && masters[name]-masters[l.Pair] > 1 {
				t.Fatalf("%v: %s has %d masters, %s %d", parts, name, masters[name], l.Pair, masters[l.Pair])
			}
		}
		if hi-lo > 1 {
			t.Fatalf("%v: %v", parts, all)
		}
		if again, err := Rebalance(after, "test", false); err != nil || len(again) > 0 {
			t.Fatalf("%v: again %s %v", parts, show(again), err)
		}
		leaf := fmt.Sprint("leaf-", 1+r.IntN(leaves))
		plan, err = Empty(after, "test", leaf, false)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range carry(t, after, plan).Databases["test"].Partitions {
			if slices.ContainsFunc(p.Instances, func(i topo.Instance) bool { return i.Leaf == leaf }) {
				t.Fatalf("%v: partition %d is still on %s", parts, p.ID.Ordinal, leaf)
			}
		}
	}
}

func BenchmarkRebalance(b *testing.B) {
	parts := make([]string, 100000)
	for i := range parts {
		m := i % 400
		parts[i] = fmt.Sprint(m+1, " ", (m+500)%1000+1)
	}
	s := build(1000, 2, parts...)
	for b.Loop() {
		if _, err := Rebalance(s, "test", false); err != nil {
			b.Fatal(err)
		}
	}
}

// A leaf without a partner gets nothing while others have partners, be these away, and gives what it has to pairs: there it has second copies.
func TestLeavesWithoutAPartner(t *testing.T) {
	odd := func(offline string, parts ...string) *topo.Snapshot {
		s := build(4, 2, parts...) // 1 with 3, 2 with 4
		b := topo.NewBuilder(s)
		for _, n := range strings.Fields(offline) {
			l := *s.Leaves["leaf-"+n]
			l.State = topo.LeafOffline
			b.PutLeaf(&l)
		}
		b.PutLeaf(&topo.Leaf{Name: "leaf-5", Group: 2, State: topo.LeafOnline})
		return b.Build(2)
	}
	for _, c := range []struct {
		name, offline string
		parts         []string
		at5           int
	}{
		{"pairs", "", []string{"1 3", "3 1", "2 4", "4 2", "1 3", "3 1", "2 4", "4 2"}, 0},
		{"one of each pair is away", "3 4", []string{"1", "1", "2", "2", "1", "1", "2", "2"}, 0},
		{"one pair is whole", "4", []string{"1 3", "3 1", "2", "2"}, 0},
		{"it has some", "", []string{"1 3", "3 1", "2 4", "5", "5"}, 0},
		{"it has some and one pair is whole", "4", []string{"1 3", "3 1", "2", "5", "5"}, 0},
		{"it has some and no pair is whole", "3 4", []string{"1", "1", "2", "5", "5"}, 2}, // moving them would give them no second copy
	} {
		s := odd(c.offline, c.parts...)
		actions, err := Rebalance(s, "test", false)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, p := range carry(t, s, actions).Databases["test"].Partitions {
			if m, _ := p.Master(); m == "leaf-5" {
				n++
			}
		}
		if n != c.at5 {
			t.Errorf("%s: %d partitions at the leaf without a partner, want %d: %v", c.name, n, c.at5, actions)
		}
	}
}

// A leaf that is being attached keeps the copies that it has got back.
func TestRebalanceLeavesALeafThatIsBeingAttachedItsCopies(t *testing.T) {
	s := build(4, 2, "1 3", "1 3", "2 4", "2 4", "2", "2", "1 3", "1 3")
	b := topo.NewBuilder(s)
	l := *s.Leaves["leaf-4"]
	l.State = topo.LeafAttaching
	b.PutLeaf(&l)
	actions, err := Rebalance(b.Build(2), "test", false)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range actions {
		if a.Leaf == "leaf-4" {
			t.Errorf("%+v", a)
		}
	}
}

// with adds a database to a cluster, with one partition for each text of instances.
func with(s *topo.Snapshot, name string, parts ...string) *topo.Snapshot {
	b := topo.NewBuilder(s)
	d := &topo.Database{Name: name}
	for i, text := range parts {
		p := &topo.Partition{ID: topo.PartitionID{DB: name, Ordinal: i}, Term: 1}
		for j, n := range strings.Fields(text) {
			role := topo.Master
			if j > 0 {
				role = topo.Replica
			}
			p.Instances = append(p.Instances, topo.Instance{Leaf: "leaf-" + n, Role: role, InSync: j > 0})
		}
		d.Partitions = append(d.Partitions, p)
	}
	b.PutDatabase(d)
	return b.Build(s.Revision + 1)
}

// Each database is balanced by itself, and all have their odd partition, or their odd master, on the same leaf: FULL sees that.
func TestFullLooksAtOtherDatabases(t *testing.T) {
	for _, c := range []struct {
		s    *topo.Snapshot
		want string
	}{
		{with(build(3, 1, "1", "1", "2", "3"), "other", "1", "1", "2", "3"), "COPY PARTITION | 1 | leaf-2 | 2\nPROMOTE PARTITION | 1 | leaf-2 | 6\nDROP PARTITION | 1 | leaf-1 | 8\n"},
		{with(build(2, 2, "1 2"), "other", "1 2"), "PROMOTE PARTITION | 0 | leaf-2 | 6\nCOPY PARTITION | 0 | leaf-1 | 7\n"},
		{with(build(4, 2, "1 3", "3 1", "2 4"), "other", "1 3", "3 1", "2 4"), "COPY PARTITION | 1 | leaf-4 | 2\nDROP PARTITION | 1 | leaf-1 | 4\nPROMOTE PARTITION | 1 | leaf-4 | 6\nCOPY PARTITION | 1 | leaf-2 | 7\nDROP PARTITION | 1 | leaf-3 | 8\n"},
		{with(build(2, 1, "1", "2"), "other", "1", "1", "1"), ""}, // an even database stays so
	} {
		if got, err := Rebalance(c.s, "test", false); err != nil || len(got) > 0 {
			t.Errorf("without FULL: %s %v", show(got), err)
		}
		got, err := RebalanceFull(c.s, "test", false)
		if err != nil || show(got) != c.want {
			t.Errorf("got\n%s(%v), want\n%s", show(got), err, c.want)
		}
		if again, err := RebalanceFull(carry(t, c.s, got), "test", false); err != nil || len(again) > 0 {
			t.Errorf("again: %s %v", show(again), err)
		}
	}
}
