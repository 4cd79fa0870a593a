package ddl

import (
	"errors"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// What a statement that was cut off still does at a place, between the look of its settling and the change, is no error of that.
func TestUndoingIsOvertaken(t *testing.T) {
	b := newBench(t, "d")
	b.must("CREATE TABLE t (id INT PRIMARY KEY, v INT, KEY i (v), KEY k (id, v))")
	id := topo.PartitionID{DB: "d"}
	leaf, _ := b.cat.Snapshot().Partition(id).Master()
	p := place{Leaf: leaf, Schema: id.Schema()}
	reader, err := b.run.own(b.ctx(), p, "")
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Release()
	for _, sql := range []string{"BEGIN", "SELECT * FROM d_0.t"} {
		if _, err := reader.Query(b.ctx(), sql); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan error, 2)
	waiting := func(n string) {
		t.Helper()
		for deadline := time.Now().Add(3 * time.Minute); ; time.Sleep(time.Millisecond) {
			if got := b.at(leaf, "", "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE = 'Waiting for table metadata lock' AND INFO LIKE 'ALTER TABLE %DROP INDEX%'"); got[0] == n {
				return
			}
			if len(done) > 0 {
				t.Fatal("it did not wait: ", <-done)
			}
			if time.Now().After(deadline) {
				t.Fatal("nothing waits")
			}
		}
	}
	go func() {
		_, err := b.run.asCluster(b.ctx(), p, "", "ALTER TABLE `d_0`.`t` DROP INDEX `i`")
		done <- err
	}()
	waiting("1")
	go func() {
		j := &job{Runner: b.run, snap: b.cat.Snapshot()}
		done <- j.undoAlterOf(b.ctx(), todo{DB: "d", Tables: []string{"t"}, Places: []place{p}, Indexes: []string{"i", "k"}})
	}()
	waiting("2")
	if _, err := reader.Query(b.ctx(), "COMMIT"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(<-done, <-done); err != nil {
		t.Error(err)
	}
	if left := b.at(leaf, "", "SELECT DISTINCT INDEX_NAME FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = 'd_0' AND TABLE_NAME = 't'"); len(left) != 1 || left[0] != "PRIMARY" {
		t.Errorf("%q are left", left)
	}
}
