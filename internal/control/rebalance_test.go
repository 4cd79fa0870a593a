package control_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// The leaf that has the only copy of partitions is being attached: a rebalance waits for it, and makes no empty ones in their place when it is forced to.
func TestRebalanceWaitsForALeafThatIsBeingAttached(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 1, 1)
	c.must("CREATE DATABASE d PARTITIONS 4", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT)")
	for id := range 40 {
		c.must(fmt.Sprintf("INSERT INTO d.t VALUES (%d, 1)", id))
	}
	n := c.nodes[0]
	for _, s := range []string{"REBALANCE PARTITIONS ON d", "REBALANCE PARTITIONS ON d FULL", "REBALANCE PARTITIONS ON d FORCE", "REBALANCE ALL DATABASES"} {
		state := func(want topo.LeafState) {
			c.until(fmt.Sprint("leaf-2 is ", want), func(s *topo.Snapshot) bool { return s.Leaves["leaf-2"].State == want })
		}
		release := c.hold(1)
		state(topo.LeafOffline)
		lock, err := n.member.Lock(within(t, patience), "") // it can't be given its shapes
		if err != nil {
			t.Fatal(err)
		}
		release()
		state(topo.LeafAttaching)
		done := make(chan error, 1)
		go func() { _, err := n.db.ExecContext(within(t, patience), s); done <- err }()
		for running := 0; running == 0; time.Sleep(time.Millisecond) { // it has begun
			for _, cmd := range n.cat.Commands() {
				if cmd.State == "running" {
					running++
				}
			}
			if len(done) > 0 {
				break
			}
		}
		lock.Unlock()
		if err := <-done; err != nil {
			t.Errorf("%s: %v", s, err)
		}
		c.until("whole", whole)
		var rows int
		if err := n.db.QueryRow("SELECT COUNT(*) FROM d.t").Scan(&rows); err != nil || rows != 40 {
			t.Fatalf("%s: %d rows (%v)", s, rows, err)
		}
	}
}

// Commands that move the same partitions take turns, with each other and with leaves that come back: none carries out what was planned before the other.
func TestRebalanceWhileLeavesComeAndGo(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 4, 2, 1)
	c.must("CREATE DATABASE d PARTITIONS 8 WITH SYNC REPLICATION", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT)", "INSERT INTO d.t VALUES (1, 1), (2, 2), (3, 3), (4, 4)")
	c.until("whole", whole)
	n := c.nodes[0]
	last := c.farm.Leaves()[3]
	for range 2 {
		var wg sync.WaitGroup
		run := func(statements ...string) {
			wg.Go(func() {
				for _, s := range statements {
					if _, err := n.db.ExecContext(within(t, patience), s); err != nil {
						t.Errorf("%s: %v", s, err)
					}
				}
			})
		}
		run(fmt.Sprintf("DETACH LEAF '%s':%d", last.Host, last.Port), fmt.Sprintf("ATTACH LEAF '%s':%d FORCE", last.Host, last.Port))
		for range 3 {
			run("REBALANCE PARTITIONS ON d", "REBALANCE PARTITIONS ON d FULL", "REBALANCE ALL DATABASES")
		}
		wg.Wait()
	}
	c.must("REBALANCE PARTITIONS ON d")
	c.until("whole", whole)
	c.equal("t")
}

// Replicas of a new database follow it from its beginning: nothing is copied, and what comes next they have.
func TestReplicasOfANewDatabaseFollowFromItsBeginning(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 2, 1)
	c.until("a controller", func(*topo.Snapshot) bool { return c.nodes[0].cat.Controller() != "" })
	c.must("CREATE DATABASE d PARTITIONS 4", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT)", "INSERT INTO d.t VALUES (1, 1), (2, 2), (3, 3), (4, 4), (5, 5)")
	s := c.nodes[0].cat.Snapshot()
	if !whole(s) {
		t.Errorf("%+v", s.Databases["d"].Partitions)
	}
	for _, p := range s.Databases["d"].Partitions {
		for _, leaf := range p.Replicas() {
			conn, err := c.nodes[0].pools.Get(within(t, patience), backend.Want{Leaf: leaf, Account: backend.Cluster, Variant: backend.Internal})
			if err != nil {
				t.Fatal(err)
			}
			res, err := conn.Query(within(t, patience), fmt.Sprintf("SELECT seq FROM orbweaver.starts WHERE domain = %d", p.Domain))
			conn.Release()
			if err != nil || len(res.Rows) != 1 || string(res.Rows[0][0]) != "0" {
				t.Errorf("%s at %s does not follow from the beginning: %v %v", p.ID, leaf, res, err)
			}
		}
	}
	c.equal("t")
}
