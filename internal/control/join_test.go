package control_test

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/mariadb"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// A transaction that has written a reference table is open while a leaf joins: the leaf has its row afterwards.
func TestJoiningLeafGetsWhatOpenTransactionsWrite(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 4, 2, 1)
	c.must("CREATE DATABASE d PARTITIONS 4", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT)", "CREATE REFERENCE TABLE d.r (a INT PRIMARY KEY)", "INSERT INTO d.r VALUES (1)",
		"CREATE REFERENCE TABLE d.past (a INT PRIMARY KEY, v INT) WITH SYSTEM VERSIONING", "INSERT INTO d.past VALUES (1, 1)", "UPDATE d.past SET v = 2")
	c.until("whole", whole)
	release := c.hold(3)
	c.until("offline", func(s *topo.Snapshot) bool { return s.Leaves["leaf-4"].State == topo.LeafOffline })
	tx, err := c.nodes[0].db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec("INSERT INTO d.r VALUES (100)"); err != nil {
		t.Fatal(err)
	}
	release()
	for range 2 { // it has been tried at least once
		c.until("locked", func(s *topo.Snapshot) bool { return s.Databases["d"].Locked })
		c.until("given back to the transaction", func(s *topo.Snapshot) bool { return !s.Databases["d"].Locked })
	}
	if _, err := tx.Exec("INSERT INTO d.r VALUES (101)"); err != nil {
		t.Error(err)
	}
	if err := tx.Commit(); err != nil {
		t.Error(err)
	}
	c.until("whole", whole)
	for _, leaf := range c.farm.Leaves() {
		conn, err := sql.Open("mysql", "root@unix("+leaf.Socket+")/")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		var n int
		if err := conn.QueryRow("SELECT COUNT(*) FROM d.r").Scan(&n); err != nil || n != 3 {
			t.Errorf("leaf %s has %d rows in the reference table (%v), want 3", leaf.Name, n, err)
		}
		if err := conn.QueryRow("SELECT COUNT(*) FROM d.past FOR SYSTEM_TIME ALL").Scan(&n); err != nil || n != 2 {
			t.Errorf("leaf %s has %d versions in the reference table (%v), want 2", leaf.Name, n, err)
		}
	}
}

// A copy that can't follow its master is given up, and the other partitions that come by the same link go on.
func TestCopyThatCannotFollowHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 2, 1)
	c.must("CREATE DATABASE d PARTITIONS 4", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT)", "INSERT INTO d.t VALUES (1,1), (2,1), (3,1), (4,1)")
	c.until("whole", whole)
	s := c.nodes[0].cat.Snapshot()
	p := s.Databases["d"].Partitions[0]
	master, _ := p.Master()
	replica := s.Leaves[p.Replicas()[0]]
	index := func(leaf string) int {
		for i, l := range c.farm.Leaves() {
			if l.Name == leaf {
				return i
			}
		}
		return -1
	}
	from := c.leaf(index(master))
	c.at(from, "SET SESSION sql_log_bin = 0", "CREATE DATABASE beside", "CREATE TABLE beside.x (a INT)", "SET SESSION sql_log_bin = 1", fmt.Sprintf("SET SESSION gtid_domain_id = %d", p.Domain))
	at := fmt.Sprintf("d:0 ON '%s':%d", replica.Host, replica.Port)
	c.must("DROP PARTITION " + at)
	copied := make(chan error, 1)
	go func() {
		_, err := c.nodes[0].db.ExecContext(within(t, patience), "COPY PARTITION "+at)
		copied <- err
	}()
	var err error
	for done := false; !done; { // whatever moment it is a copy of, one of these comes behind
		select {
		case err = <-copied:
			done = true
		default:
			c.at(from, "INSERT INTO beside.x VALUES (1)")
		}
	}
	if err == nil || !strings.Contains(err.Error(), "has stopped") {
		t.Fatalf("the copy ended with %v", err)
	}
	for deadline := time.Now().Add(patience); ; {
		links, err := mariadb.New(c.nodes[0].pools).Links(within(t, patience), replica.Name)
		if err != nil {
			t.Fatal(err)
		}
		if link := links[master]; link != nil && !link.Broken() && link.Applying && !slices.Contains(link.Domains, p.Domain) {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("the link is %+v", link)
		}
	}
	c.must("UPDATE d.t SET v = 2", "COPY PARTITION "+at)
	c.until("whole again", whole)
	c.equal("t")
}
