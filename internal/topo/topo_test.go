package topo

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func cluster(groups ...int) *Snapshot {
	b := NewBuilder(nil)
	for i, g := range groups {
		b.PutLeaf(&Leaf{Name: fmt.Sprint("leaf-", i+1), Host: "127.0.0.1", Port: 3307 + i, Group: g, State: LeafOnline})
	}
	return b.Build(1)
}

func place(t *testing.T, s *Snapshot, db string, n int) (*Snapshot, map[string]int) {
	t.Helper()
	if err := s.CheckNewDatabase(db, n); err != nil {
		t.Fatal(err)
	}
	parts, err := s.Place(db, n, 10)
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for i, p := range parts {
		if p.ID.Ordinal != i || p.Term != 1 || p.Domain != uint32(10+i) {
			t.Errorf("%+v", p)
		}
		leaf, ok := p.Master()
		if !ok {
			t.Fatal("no master")
		}
		count[leaf]++
	}
	b := NewBuilder(s)
	b.PutDatabase(&Database{Name: db, Partitions: parts})
	return b.Build(s.Revision + 1), count
}

func TestPlaceIsEvenAndAlternates(t *testing.T) {
	for leaves := 1; leaves <= 7; leaves++ {
		groups := make([]int, leaves)
		for i := range groups {
			groups[i] = i*2/leaves + 1
		}
		s := cluster(groups...)
		total := map[string]int{}
		for n := 1; n <= 9; n++ {
			var count map[string]int
			s, count = place(t, s, fmt.Sprint("d", n), n)
			lo, hi, tlo, thi := 1<<30, 0, 1<<30, 0
			for name := range s.Leaves {
				total[name] += count[name]
				lo, hi = min(lo, count[name]), max(hi, count[name])
				tlo, thi = min(tlo, total[name]), max(thi, total[name])
			}
			if hi-lo > 1 || thi-tlo > 1 {
				t.Errorf("%d leaves, %d partitions: skew %v, over all %v", leaves, n, count, total)
			}
		}
	}
	s := cluster(1, 1, 2, 2)
	s, _ = place(t, s, "d", 4)
	for i, p := range s.Databases["d"].Partitions {
		leaf, _ := p.Master()
		if g := s.Leaves[leaf].Group; g != i%2+1 {
			t.Errorf("partition %d in group %d", i, g)
		}
	}
	// Databases that are alike have their first partitions, with all their single tables, on one leaf each.
	firsts := map[string]bool{}
	for i, db := range []string{"d", "a", "b", "c"} {
		if i > 0 {
			s, _ = place(t, s, db, 8)
		}
		leaf, _ := s.Databases[db].Partitions[SingleOrdinal].Master()
		firsts[leaf] = true
	}
	if len(firsts) != 4 {
		t.Errorf("first partitions on %v alone", firsts)
	}
}

func TestPlaceNeedsOnlineLeaves(t *testing.T) {
	b := NewBuilder(cluster(1, 2))
	b.PutLeaf(&Leaf{Name: "leaf-1", Group: 1, State: LeafOffline})
	s := b.Build(2)
	parts, err := s.Place("d", 3, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range parts {
		if l, _ := p.Master(); l != "leaf-2" {
			t.Errorf("on %s", l)
		}
	}
	if _, err := cluster().Place("d", 1, 1); !errors.Is(err, ErrNoOnlineLeaf) {
		t.Error(err)
	}
}

func TestNames(t *testing.T) {
	s, _ := place(t, cluster(1), "d", 4)
	s, _ = place(t, s, "a_1_0", 1)
	for _, c := range []struct {
		name string
		n    int
		want error
	}{
		{"e", 4, nil}, {"d_9", 4, nil}, {"D", 1, nil},
		{"d", 1, ErrDatabaseExists},
		{"d_3", 1, ErrName},
		{"a_1", 1, ErrName}, // its partition 0 is the database a_1_0
		{"a", 2, nil},
		{"mysql", 1, ErrName}, {"Orbweaver", 1, ErrName},
		{"e", 0, ErrName}, {"e", MaxPartitions + 1, ErrName},
		{strings.Repeat("é", 62), 10, nil}, {strings.Repeat("é", 62), 11, ErrName},
	} {
		if err := s.CheckNewDatabase(c.name, c.n); !errors.Is(err, c.want) || (c.want == nil) != (err == nil) {
			t.Errorf("%s of %d: %v", c.name, c.n, err)
		}
	}
}

func TestBuilderLeavesItsBaseAlone(t *testing.T) {
	s, _ := place(t, cluster(1), "d", 2)
	b := NewBuilder(s)
	b.PutTable(&Table{DB: "d", Name: "t"})
	b.PutTable(&Table{DB: "none", Name: "t"})
	with := b.Build(5)
	b = NewBuilder(with)
	b.DropTable("d", "t")
	b.PutDatabase(&Database{Name: "d", Partitions: s.Databases["d"].Partitions[:1]})
	b.DropLeaf("leaf-1")
	after := b.Build(6)
	b = NewBuilder(after)
	b.DropDatabase("d")
	last := b.Build(7)
	if s.Table("d", "t") != nil || with.Table("d", "t") == nil || after.Table("d", "t") != nil {
		t.Error("tables")
	}
	if len(s.Schemas) != 2 || len(after.Schemas) != 1 || len(last.Schemas) != 0 || len(last.Databases) != 0 {
		t.Error("schemas")
	}
	if len(s.Leaves) != 1 || len(after.Leaves) != 0 || with.Revision != 5 {
		t.Error("leaves")
	}
	if _, err := after.MasterLeaf(PartitionID{"d", 0}); err == nil || err.Error() != "Partition d:0 has no master instance." {
		t.Error(err)
	}
	if l, err := with.MasterLeaf(PartitionID{"d", 1}); err != nil || l.Name != "leaf-1" {
		t.Error(l, err)
	}
}

func TestErrorsTellClients(t *testing.T) {
	s, _ := place(t, cluster(1), "test", 1)
	_, noDB := s.Database("x")
	_, noTable := s.MustTable("test", "t")
	_, noPart := s.MasterLeaf(PartitionID{"test", 3})
	for _, c := range []struct {
		err   error
		kind  error
		code  uint16
		state string
		text  string
	}{
		{noDB, ErrNoDatabase, 1049, "42000", "Unknown database 'x'"},
		{noTable, ErrNoTable, 1146, "42S02", "Table 'test.t' doesn't exist"},
		{noPart, ErrNoPartition, 1735, "HY000", "Unknown partition 'test:3'"},
		{NoMaster(PartitionID{"test", 3}), ErrNoMaster, 1777, "HY000", "Partition test:3 has no master instance."},
	} {
		var e interface {
			Code() uint16
			State() string
		}
		if !errors.Is(c.err, c.kind) || !errors.As(c.err, &e) || e.Code() != c.code || e.State() != c.state || c.err.Error() != c.text {
			t.Errorf("%v", c.err)
		}
	}
}
