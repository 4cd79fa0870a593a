package placement

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// cluster draws a cluster in any state that commands may find: leaves without a pair, away or leaving, partitions with one copy or none.
func cluster(t *rapid.T, lost bool) *topo.Snapshot {
	redundancy := rapid.IntRange(1, 2).Draw(t, "redundancy")
	n := rapid.IntRange(1, 8).Draw(t, "leaves")
	b := topo.NewBuilder(nil)
	b.PutSettings(topo.Settings{Redundancy: redundancy})
	leaves := make([]*topo.Leaf, n)
	for i := range leaves {
		l := &topo.Leaf{Name: fmt.Sprint("leaf-", i+1), Group: 1, State: topo.LeafOnline}
		if redundancy == 2 {
			l.Group = rapid.IntRange(1, 2).Draw(t, "group")
		}
		if i > 0 && rapid.IntRange(0, 4).Draw(t, "leaving") == 0 {
			l.State = topo.LeafDetached
		}
		leaves[i] = l
		b.PutLeaf(l)
	}
	pairs := Pairs(b.Build(1))
	b = topo.NewBuilder(b.Build(1))
	for _, l := range leaves {
		l.Pair = pairs[l.Name]
		b.PutLeaf(l)
	}
	d := &topo.Database{Name: "test"}
	for i := range rapid.IntRange(1, 20).Draw(t, "partitions") {
		p := &topo.Partition{ID: topo.PartitionID{DB: "test", Ordinal: i}, Term: 1}
		if !lost || rapid.IntRange(0, 4).Draw(t, "lost") > 0 {
			m := leaves[rapid.IntRange(0, n-1).Draw(t, "master")]
			p.Instances = []topo.Instance{{Leaf: m.Name, Role: topo.Master}}
			if m.Pair != "" && rapid.Bool().Draw(t, "replica") {
				p.Instances = append(p.Instances, topo.Instance{Leaf: m.Pair, Role: topo.Replica})
			}
		}
		d.Partitions = append(d.Partitions, p)
	}
	b.PutDatabase(d)
	return b.Build(1)
}

// inParallel fails when two actions of one phase change the same partition's master, or one needs what the other makes.
func inParallel(t *rapid.T, plan []Action) {
	promoted := map[int]Action{}
	for i, a := range plan {
		if i > 0 && a.Phase < plan[i-1].Phase {
			t.Fatalf("phases out of order: %+v", plan)
		}
		if a.Action == Promote {
			if o, twice := promoted[a.Ordinal]; twice {
				t.Fatalf("partition %d is promoted twice: %+v and %+v", a.Ordinal, o, a)
			}
			promoted[a.Ordinal] = a
		}
		for _, o := range plan[:i] {
			if o.Phase == a.Phase && o.Ordinal == a.Ordinal && (o.Leaf == a.Leaf || o.Action == Promote || a.Action == Promote) {
				t.Fatalf("at the same time: %+v and %+v", o, a)
			}
		}
	}
}

func TestRebalanceKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := cluster(t, true)
		plan, err := Rebalance(s, "test", true)
		if err != nil {
			t.Fatal(err)
		}
		inParallel(t, plan)
		after := carry(t, s, plan)
		pairs := Pairs(after)
		wholePairs := false
		for a, b := range pairs {
			wholePairs = wholePairs || after.Leaves[a].State == topo.LeafOnline && after.Leaves[b].State == topo.LeafOnline
		}
		for i, p := range after.Databases["test"].Partitions {
			groups := map[int]bool{}
			for _, in := range p.Instances {
				l := after.Leaves[in.Leaf]
				if l.State != topo.LeafOnline {
					t.Fatalf("partition %d is still on %s, which is %s", i, l.Name, l.State)
				}
				if groups[l.Group] {
					t.Fatalf("partition %d has two instances in group %d: %v", i, l.Group, p.Instances)
				}
				groups[l.Group] = true
			}
			before := s.Databases["test"].Partitions[i].Instances
			online := 0
			for _, in := range before {
				if s.Leaves[in.Leaf].State == topo.LeafOnline {
					online++
				}
			}
			if wholePairs && len(p.Instances) < online {
				t.Fatalf("partition %d had %v, has %v", i, before, p.Instances)
			}
		}
		if again, err := Rebalance(after, "test", false); err != nil || len(again) > 0 {
			t.Fatalf("again: %s %v", show(again), err)
		}
	})
}

// Each partition that moves costs a copy of all its rows.
func TestRebalanceMovesNoPartitionTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := cluster(t, false)
		plan, err := Rebalance(s, "test", false)
		if err != nil {
			t.Fatal(err)
		}
		copies := map[[2]any]int{}
		for _, a := range plan {
			if a.Action == Copy && a.Phase == 2 {
				copies[[2]any{a.Ordinal, a.Leaf}]++
			}
			if a.Action == Drop {
				for _, o := range plan {
					if o.Action == Copy && o.Ordinal == a.Ordinal && o.Leaf == a.Leaf {
						t.Fatalf("copied and dropped: %+v %+v", o, a)
					}
				}
			}
		}
		for k, n := range copies {
			if n > 1 {
				t.Fatalf("%v copied %d times", k, n)
			}
		}
	})
}

func TestEmptyKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := cluster(t, true)
		leaf := fmt.Sprint("leaf-", rapid.IntRange(1, len(s.Leaves)).Draw(t, "leaf"))
		plan, err := Empty(s, "test", leaf, false)
		if err != nil {
			return // nowhere to go
		}
		inParallel(t, plan)
		after := carryEmpty(t, s, plan)
		for i, p := range after.Databases["test"].Partitions {
			if slices.ContainsFunc(p.Instances, func(i topo.Instance) bool { return i.Leaf == leaf }) {
				t.Fatalf("partition %d is still on %s", i, leaf)
			}
			m, ok := p.Master()
			if was := s.Databases["test"].Partitions[i]; ok && len(was.Instances) == 1 && was.Instances[0].Leaf == leaf {
				if o := after.Leaves[Pairs(after)[m]]; o != nil && o.Name != leaf && o.State == topo.LeafOnline && len(p.Instances) < 2 {
					t.Fatalf("partition %d came to %s without a copy at %s", i, m, o.Name)
				}
			}
		}
	})
}

// carryEmpty is carry for clusters with lost partitions, which stay lost.
func carryEmpty(t *rapid.T, s *topo.Snapshot, plan []Action) *topo.Snapshot {
	for _, a := range plan {
		if len(s.Databases["test"].Partitions[a.Ordinal].Instances) == 0 {
			t.Fatalf("%+v: the partition is lost", a)
		}
	}
	return carry(t, s, plan)
}

// The least that has to move is what is on leaves that leave, and what exceeds an equal share.
func TestRebalanceMovesTheLeast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := cluster(t, false)
		if s.Settings.Redundancy != 1 {
			return
		}
		plan, err := Rebalance(s, "test", false)
		if err != nil {
			t.Fatal(err)
		}
		counts := map[string]int{}
		for _, l := range s.OnlineLeaves() {
			counts[l.Name] = 0
		}
		least := 0
		parts := s.Databases["test"].Partitions
		for _, p := range parts {
			m, _ := p.Master()
			if s.Leaves[m].State == topo.LeafOnline {
				counts[m]++
			} else {
				least++
			}
		}
		var sorted []int
		for _, n := range counts {
			sorted = append(sorted, n)
		}
		slices.SortFunc(sorted, func(a, b int) int { return b - a })
		for i, n := range sorted {
			share := len(parts) / len(sorted)
			if i < len(parts)%len(sorted) {
				share++
			}
			least += max(0, n-share)
		}
		moved := 0
		for _, a := range plan {
			if a.Action == Copy {
				moved++
			}
		}
		if moved != least {
			t.Fatalf("%d moved, %d would do:\n%s", moved, least, show(plan))
		}
	})
}

func BenchmarkRebalanceFromOnePair(b *testing.B) {
	parts := make([]string, 100000)
	for i := range parts {
		parts[i] = "1 501"
	}
	s := build(1000, 2, parts...)
	for b.Loop() {
		if _, err := Rebalance(s, "test", false); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEmpty(b *testing.B) {
	parts := make([]string, 100000)
	for i := range parts {
		parts[i] = fmt.Sprint(i%1000 + 1)
	}
	s := build(1000, 1, parts...)
	for b.Loop() {
		if _, err := Empty(s, "test", "leaf-7", false); err != nil {
			b.Fatal(err)
		}
	}
}

// FULL makes a database as balanced as it is without, and the leaves' shares of all databases never less so.
func TestFullKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := cluster(t, true)
		var other []string
		for range rapid.IntRange(0, 20).Draw(t, "others") {
			other = append(other, fmt.Sprint(rapid.IntRange(1, len(s.Leaves)).Draw(t, "at")))
		}
		s = with(s, "other", other...)
		plan, err := RebalanceFull(s, "test", true)
		if err != nil {
			t.Fatal(err)
		}
		inParallel(t, plan)
		after := carry(t, s, plan)
		for _, again := range []func(*topo.Snapshot, string, bool) ([]Action, error){Rebalance, RebalanceFull} {
			if more, err := again(after, "test", false); err != nil || len(more) > 0 {
				t.Fatalf("again: %s %v", show(more), err)
			}
		}
		plain, err := Rebalance(s, "test", true)
		if err != nil {
			t.Fatal(err)
		}
		if full, less := uneven(after), uneven(carry(t, s, plain)); full > less {
			t.Fatalf("%d with FULL, %d without", full, less)
		}
	})
}

// uneven is greater the less even the masters of all databases are spread.
func uneven(s *topo.Snapshot) (n int) {
	masters := map[string]int{}
	for _, d := range s.Databases {
		for _, p := range d.Partitions {
			m, _ := p.Master()
			masters[m]++
		}
	}
	for _, m := range masters {
		n += m * m
	}
	return n
}
