package control_test

import (
	"fmt"
	"testing"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// A database that is made while a leaf is being attached gets its second copies there, too: who makes it sees no partner, and attaching had not seen it.
func TestDatabaseMadeWhileALeafIsAttached(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 2, 1)
	state := func(want topo.LeafState) func(*topo.Snapshot) bool {
		return func(s *topo.Snapshot) bool { return s.Leaves["leaf-2"].State == want }
	}
	release := c.hold(1)
	c.until("leaf-2 is away", state(topo.LeafOffline))
	c.must("CREATE DATABASE d PARTITIONS 1 WITH SYNC REPLICATION", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, pad MEDIUMBLOB)")
	for id := range 64 {
		c.must(fmt.Sprintf("INSERT INTO d.t VALUES (%d, REPEAT('x', %d))", id, 256<<10))
	}
	c.must("SET GLOBAL copy_rate = 1") // MiB a second, of 16: the copy goes on until it is allowed more
	release()
	for n := 1; ; n++ {
		c.copying()
		c.must(fmt.Sprintf("CREATE DATABASE e%d PARTITIONS 2 WITH SYNC REPLICATION", n), fmt.Sprintf("CREATE TABLE e%d.t (id BIGINT PRIMARY KEY, v INT)", n),
			fmt.Sprintf("INSERT INTO e%d.t VALUES (1, 1), (2, 2), (3, 3)", n))
		if state(topo.LeafAttaching)(c.nodes[0].cat.Snapshot()) {
			break
		}
		// A busy machine may have it taken for dead once more.
		if state(topo.LeafOnline)(c.nodes[0].cat.Snapshot()) {
			t.Fatal("leaf-2 was attached too early for the test")
		}
	}
	c.must("SET GLOBAL copy_rate = 0")
	c.until("whole", whole)
	c.equal("t")
}

// copying waits until leaf-2 is being attached, and a copy is made there.
func (c *cluster) copying() {
	c.t.Helper()
	c.until("leaf-2 gets its copies", func(s *topo.Snapshot) bool {
		return s.Leaves["leaf-2"].State == topo.LeafAttaching && s.Leaves["leaf-2"].Shaped
	})
	for running := 0; running == 0; {
		if err := c.nodes[0].db.QueryRow("SELECT COUNT(*) FROM information_schema.MV_REBALANCE_STATUS s WHERE s.DATABASE_NAME = 'd' AND s.STATUS = 'running'").Scan(&running); err != nil {
			c.t.Fatal(err)
		}
	}
}
