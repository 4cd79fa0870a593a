package control_test

import (
	"slices"
	"testing"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// A leaf that was away attaches many partitions while all of them are written, some after the link that others have made: each goes on where its own
// copy stood, and has all that was acknowledged when the other leaf dies.
func TestReturningReplicasMissNothing(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 2, 1)
	c.must("CREATE DATABASE d PARTITIONS 16 WITH SYNC REPLICATION", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT)")
	c.until("whole", whole)
	allAt := func(leaf string) func(*topo.Snapshot) bool {
		return func(s *topo.Snapshot) bool {
			for _, p := range s.Databases["d"].Partitions {
				if m, ok := p.Master(); !ok || m != leaf || p.Locked {
					return false
				}
			}
			return true
		}
	}
	load := c.insert(8)
	load.more(t, 100)
	release := c.hold(1)
	c.until("a failover", allAt("leaf-1"))
	load.more(t, 200)
	release()
	c.until("whole again", whole)
	load.more(t, 200)
	c.hold(0)
	c.until("another failover", allAt("leaf-2"))
	load.more(t, 50)
	load.end(t, c)
}

// A leaf that was away while others went on is not taken back before one of these: it would have them take its definitions and reference tables for theirs.
func TestLeafThatIsBehindWaits(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 2, 1)
	c.must("CREATE DATABASE d PARTITIONS 2 WITH SYNC REPLICATION", "CREATE REFERENCE TABLE d.r (id INT PRIMARY KEY)")
	c.until("whole", whole)
	state := func(leaf string, want topo.LeafState) func(*topo.Snapshot) bool {
		return func(s *topo.Snapshot) bool { return s.Leaves[leaf].State == want }
	}
	first := c.hold(1)
	c.until("a leaf lost", state("leaf-2", topo.LeafOffline))
	c.must("INSERT INTO d.r VALUES (1)", "CREATE REFERENCE TABLE d.later (id INT PRIMARY KEY)", "INSERT INTO d.later VALUES (2)")
	second := c.hold(0)
	c.until("another one lost", state("leaf-1", topo.LeafOffline))
	if s := c.nodes[0].cat.Snapshot(); !s.Leaves["leaf-2"].Behind || s.Leaves["leaf-1"].Behind {
		t.Errorf("behind: leaf-1 %t, leaf-2 %t", s.Leaves["leaf-1"].Behind, s.Leaves["leaf-2"].Behind)
	}
	first()
	for ctx, told := within(t, patience), false; !told; {
		list, err := c.nodes[0].cat.Events(ctx)
		if err != nil {
			t.Fatal(err)
		}
		told = slices.ContainsFunc(list, func(e catalog.Event) bool { return e.Kind == "leaf waits" && e.Leaf == "leaf-2" })
	}
	if s := c.nodes[0].cat.Snapshot(); s.Leaves["leaf-2"].State != topo.LeafOffline {
		t.Errorf("leaf-2 is %v", s.Leaves["leaf-2"].State)
	}
	second()
	c.until("whole again", func(s *topo.Snapshot) bool {
		return whole(s) && !s.Leaves["leaf-1"].Behind && !s.Leaves["leaf-2"].Behind
	})
	for _, leaf := range []string{"leaf-1", "leaf-2"} {
		for table, want := range map[string]string{"r": "1", "later": "2"} {
			if rows := c.atLeaf(leaf, "SELECT GROUP_CONCAT(id) FROM d."+table); string(rows[0][0]) != want {
				t.Errorf("%s of leaf %s has %s", table, leaf, rows[0][0])
			}
		}
	}
}
