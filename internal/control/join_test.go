package control_test

import (
	"database/sql"
	"testing"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// A transaction that has written a reference table is open while a leaf joins: the leaf has its row afterwards.
func TestJoiningLeafGetsWhatOpenTransactionsWrite(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 4, 2, 1)
	c.must("CREATE DATABASE d PARTITIONS 4", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT)", "CREATE REFERENCE TABLE d.r (a INT PRIMARY KEY)", "INSERT INTO d.r VALUES (1)")
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
	}
}
