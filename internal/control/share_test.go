package control_test

import (
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// A controller dies when a leaf that has come back is online and is about to get its masters: the next one gives it these.
func TestSharesOfMastersAreNotForgotten(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 2, 2)
	c.must("CREATE DATABASE d PARTITIONS 4", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT)")
	c.must("INSERT INTO d.t SELECT seq, 0 FROM d.seq_1_to_100")
	c.until("whole", whole)
	masters := func(s *topo.Snapshot) map[string]int {
		n := map[string]int{}
		for _, p := range s.Databases["d"].Partitions {
			m, _ := p.Master()
			n[m]++
		}
		return n
	}
	release := c.hold(1)
	c.until("a failover", func(s *topo.Snapshot) bool {
		return masters(s)["leaf-1"] == 4 && s.Leaves["leaf-2"].State == topo.LeafOffline
	})
	// A transaction that has written everywhere keeps masters where they are.
	tx, err := c.nodes[1].db.BeginTx(within(t, patience), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.Exec("UPDATE d.t SET v = v + 1"); err != nil {
		t.Fatal(err)
	}
	release()
	c.until("the leaf online", func(s *topo.Snapshot) bool { return s.Leaves["leaf-2"].State == topo.LeafOnline })
	owed := func(want bool) {
		t.Helper()
		for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
			if _, owed := c.nodes[1].cat.Procedures()["uneven/leaf-2"]; owed == want {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("owed: %v", !want)
			}
		}
	}
	owed(true)
	c.nodes[0].crash(t)
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	c.until("as many masters on each", func(s *topo.Snapshot) bool { return masters(s)["leaf-1"] == 2 && masters(s)["leaf-2"] == 2 })
	owed(false)
}
