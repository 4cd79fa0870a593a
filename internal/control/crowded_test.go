package control_test

import (
	"database/sql"
	"testing"
	"time"
)

// A leaf has no connection left: that is no reason to take it for dead, and those that it has are served.
func TestCrowdedLeafIsNotDead(t *testing.T) {
	c := newCluster(t, 2, 2, 0)
	c.hasty = true
	c.first(1)
	c.must("CREATE DATABASE d PARTITIONS 2", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT)", "INSERT INTO d.t VALUES (1,1), (2,1), (3,1), (4,1)")
	c.until("whole", whole)
	before := c.nodes[0].cat.Snapshot().Databases["d"].Partitions
	leaf := c.farm.Leaves()[0]
	direct, err := sql.Open("mysql", "root@unix("+leaf.Socket+")/")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { direct.Close() })
	ctx := within(t, patience)
	var first *sql.Conn
	for range 16 {
		conn, err := direct.Conn(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = conn
		}
	}
	if _, err := first.ExecContext(ctx, "SET GLOBAL max_connections = 10"); err != nil {
		t.Fatal(err)
	}
	if _, err := first.ExecContext(ctx, "KILL USER orbweaver"); err != nil { // the probes must log in anew
		t.Fatal(err)
	}
	time.Sleep(5 * time.Second) // a leaf that is dead would be offline after one
	if err := direct.PingContext(ctx); code(err) != 1040 {
		t.Errorf("the leaf is not crowded: %v", err)
	}
	c.same(before)
	if _, err := first.ExecContext(ctx, "SET GLOBAL max_connections = 500"); err != nil {
		t.Fatal(err)
	}
	c.must("UPDATE d.t SET v = 2")
	c.until("whole", whole)
	c.same(before)
}
