package control_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/topo"
)

func TestKilledLeavesLoseNoAcknowledgedWrite(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 4, 2, 2)
	c.must("CREATE DATABASE d PARTITIONS 6 WITH SYNC REPLICATION", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT)", "CREATE REFERENCE TABLE d.r (a INT PRIMARY KEY)",
		"INSERT INTO d.r VALUES (1), (2)")
	c.until("whole", whole)
	load := c.insert(6)
	values := c.draw(3)
	for round := range 3 {
		load.more(t, 50)
		victim := round % 4
		name := c.farm.Leaves()[victim].Name
		release := c.hold(victim)
		c.until("a failover", func(s *topo.Snapshot) bool {
			for _, p := range s.Databases["d"].Partitions {
				if m, ok := p.Master(); !ok || m == name || p.Locked {
					return false
				}
			}
			return s.Leaves[name].State == topo.LeafOffline
		})
		load.more(t, 50)
		values.more(t, 20)
		// What every leaf has alike goes on without it.
		c.must(fmt.Sprintf("INSERT INTO d.r VALUES (%d)", 10+round), fmt.Sprintf("ALTER TABLE d.t ADD COLUMN c%d INT", round))
		release()
		c.until("whole again", whole)
		load.more(t, 50)
	}
	load.end(t, c)
	values.end(t, c)
	c.equal("t", "n")
	for _, leaf := range c.farm.Leaves() {
		// The joins of each leaf see the same reference table.
		var n int
		conn, err := sql.Open("mysql", "root@unix("+leaf.Socket+")/")
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.QueryRow("SELECT COUNT(*) FROM d.r").Scan(&n); err != nil || n != 5 {
			t.Errorf("leaf %s has %d rows in the reference table (%v)", leaf.Name, n, err)
		}
		conn.Close()
	}
}

func TestPausedLeafIsLeftAndTakenBack(t *testing.T) {
	c := newCluster(t, 2, 2, 0)
	c.hasty = true
	c.first(1)
	c.must("CREATE DATABASE d PARTITIONS 4 WITH SYNC REPLICATION", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT)")
	c.until("whole", whole)
	load := c.insert(4)
	load.more(t, 100)
	if err := c.farm.Pause(0); err != nil {
		t.Fatal(err)
	}
	c.until("a failover", func(s *topo.Snapshot) bool { return s.Leaves["leaf-1"].State == topo.LeafOffline })
	load.more(t, 100)
	if err := c.farm.Resume(0); err != nil {
		t.Fatal(err)
	}
	c.until("whole again", whole)
	load.more(t, 100)
	load.end(t, c)
	c.equal("t")
}

func TestErrantWritesAreKeptAndDiscarded(t *testing.T) {
	c := newCluster(t, 2, 2, 0)
	c.hasty = true
	c.first(1)
	c.must("CREATE DATABASE d PARTITIONS 2", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT)", "INSERT INTO d.t VALUES (1, 1), (2, 2), (3, 3), (4, 4)")
	c.until("whole", whole)
	c.equal("t") // an ASYNC replica has what it has
	snap := c.nodes[0].cat.Snapshot()
	var errant *topo.Partition
	for _, p := range snap.Databases["d"].Partitions {
		if m, _ := p.Master(); m == "leaf-1" {
			errant = p
		}
	}
	// The stale master writes after the cluster has given it up.
	if err := c.farm.Pause(0); err != nil {
		t.Fatal(err)
	}
	c.until("a failover", func(s *topo.Snapshot) bool {
		m, ok := s.Partition(errant.ID).Master()
		return ok && m == "leaf-2"
	})
	c.nodes[0].watch.Close() // nobody takes the leaf back before it has written
	if err := c.farm.Resume(0); err != nil {
		t.Fatal(err)
	}
	leaf, err := sql.Open("mysql", "root@unix("+c.farm.Leaves()[0].Socket+")/")
	if err != nil {
		t.Fatal(err)
	}
	defer leaf.Close()
	leaf.SetMaxOpenConns(1)
	for _, q := range []string{
		fmt.Sprintf("SET SESSION gtid_domain_id = %d", errant.Domain), "INSERT INTO " + errant.ID.Schema() + ".t VALUES (666, 1)",
	} {
		if _, err := leaf.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	c.next()
	c.until("whole again", whole)
	var n int
	if err := c.nodes[1].db.QueryRow("SELECT COUNT(*) FROM d.t").Scan(&n); err != nil || n != 4 {
		t.Errorf("%d rows (%v)", n, err)
	}
	c.equal("t")
	files, err := filepath.Glob(filepath.Join(c.dir, "errant", "errant-"+errant.ID.Schema()+"-leaf-1-*.sql"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v %v", files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil || !strings.Contains(string(text), "666") {
		t.Errorf("the errant row is not in the file (%v):\n%.2000s", err, text)
	}
}

func TestMastersMoveUnderLoadWithoutAnError(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 2, 2)
	c.must("CREATE DATABASE d PARTITIONS 2 WITH SYNC REPLICATION", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT)")
	c.until("whole", whole)
	load := c.insert(4)
	values := c.draw(2)
	defer func() {
		load.end(t, c)
		values.end(t, c)
		if load.unknown > 0 || len(values.unknown) > 0 {
			t.Errorf("%d outcomes are unknown, and %v", load.unknown, values.unknown)
		}
		c.equal("t", "n")
	}()
	for range 6 {
		load.more(t, 30)
		values.more(t, 10)
		for i := range 2 {
			p := c.nodes[0].cat.Snapshot().Databases["d"].Partitions[i]
			to := c.nodes[0].cat.Snapshot().Leaves[p.Replicas()[0]]
			if _, err := c.nodes[1].db.Exec(fmt.Sprintf("PROMOTE PARTITION d:%d ON '%s':%d", i, to.Host, to.Port)); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestRedundancyComesAndGoes(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 4, 1, 1)
	c.must("CREATE DATABASE d PARTITIONS 5", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT)")
	load := c.insert(3)
	values := c.draw(1)
	// A column whose default is that of a sequence which is no more.
	c.must("CREATE SEQUENCE d.gone", "CREATE TABLE d.u (id BIGINT PRIMARY KEY, v BIGINT DEFAULT NEXTVAL(d.gone))", "INSERT INTO d.u VALUES (1, 1), (2, 2)", "DROP SEQUENCE d.gone")
	c.must("CREATE TABLE d.one (id INT AUTO_INCREMENT PRIMARY KEY, v INT UNIQUE, before_it INT, FOREIGN KEY (before_it) REFERENCES d.one (id), SHARD KEY ())", "INSERT INTO d.one (v) VALUES (1), (2), (3), (4)",
		"DELETE FROM d.one WHERE v > 2")
	load.more(t, 100)
	c.must("SET GLOBAL redundancy_level = 2", "REBALANCE PARTITIONS ON d")
	c.until("every partition twice", whole)
	load.more(t, 100)
	values.more(t, 10)
	values.end(t, c)
	c.equal("t", "n", "s", "u", "one")
	p := c.nodes[0].cat.Snapshot().Databases["d"].Partitions[topo.SingleOrdinal]
	to := c.nodes[0].cat.Snapshot().Leaves[p.Replicas()[0]]
	c.must(fmt.Sprintf("PROMOTE PARTITION d:%d ON '%s':%d", topo.SingleOrdinal, to.Host, to.Port), "INSERT INTO d.one (v, before_it) VALUES (9, 2)")
	if n := valueOf(t, c.nodes[0].db, "SELECT MAX(id) FROM d.one WHERE (SELECT COUNT(*) FROM d.one) = 3"); n != 5 {
		t.Errorf("the copy of the table in one partition went on with %d", n)
	}
	c.must("SET GLOBAL redundancy_level = 1", "REBALANCE PARTITIONS ON d")
	c.until("every partition once", whole)
	load.more(t, 100)
	load.end(t, c)
}

func TestNextControllerGoesOn(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 1, 2)
	c.must("CREATE DATABASE d PARTITIONS 6", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT, pad CHAR(100) DEFAULT 'x')", "SET GLOBAL redundancy_level = 2")
	load := c.insert(2)
	load.more(t, 200)
	done := make(chan error, 1)
	last := c.nodes[1]
	go func() {
		_, err := last.db.Exec("REBALANCE PARTITIONS ON d")
		done <- err
	}()
	c.until("some copies", func(s *topo.Snapshot) bool {
		n := 0
		for _, p := range s.Databases["d"].Partitions {
			n += len(p.Replicas())
		}
		return n > 0
	})
	for _, n := range c.nodes {
		if n.member.IsController() {
			n.watch.Close()
			break // the other one is elected at once
		}
	}
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Fatal("the command was not finished by the next controller")
	}
	c.until("every partition twice", whole)
	load.end(t, c)
	c.equal("t")
}
