package settle_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
)

// orphan prepares a branch at partition 1, which partition 0 decides about, at a leaf that is not its master, as replication does, and has its master say that a crash has taken it.
func (w *world) orphan(id txn.ID, row int) txn.XID {
	w.t.Helper()
	place := func(n int) uint64 { return txn.PlaceHash(topo.PartitionID{DB: "d", Ordinal: n}) }
	replica, master := w.farm.Leaves()[0].Name, w.farm.Leaves()[1].Name
	c, err := w.pools.Get(within(w.t, 20*time.Second), backend.Want{Leaf: replica, Account: backend.Cluster, Variant: backend.Internal})
	if err != nil {
		w.t.Fatal(err)
	}
	x := txn.XID{ID: id, Decider: place(0), Place: place(1), Thread: c.Thread()}
	for _, q := range []string{"SET SESSION sql_log_bin=0", "XA START " + x.SQL(), fmt.Sprintf("INSERT INTO d.r VALUES (%d, 1)", row), "XA END " + x.SQL(), "XA PREPARE " + x.SQL()} {
		if _, err := c.Query(within(w.t, 20*time.Second), q); err != nil {
			w.t.Fatalf("%s: %v", q, err)
		}
	}
	c.Discard() // a branch is free only when its connection is closed
	c.Release()
	w.sql(master, "SET SESSION sql_log_bin=0", fmt.Sprintf("INSERT INTO orbweaver.lost VALUES (%d, %d, %d)", id.Owner, id.Seq, x.Place))
	return x
}

// What a crash has taken from a partition's master, replicas roll back: no end of it comes by replication. Where the transaction is committed all the same, the replica has what the
// master lacks, and keeps it.
func TestOrphansAreDiscarded(t *testing.T) {
	w := newWorld(t, 2, 2)
	replica := w.farm.Leaves()[0].Name
	now := uint64(time.Now().UnixMicro())
	gone, kept := txn.ID{Owner: 7, Seq: now}, txn.ID{Owner: 7, Seq: now + 1}
	w.orphan(gone, 1)
	w.settled()
	if left := w.prepared(); len(left) > 0 {
		t.Errorf("prepared are %q", left)
	}
	w.sql(replica, "SET SESSION sql_log_bin=0, innodb_lock_wait_timeout=1", "INSERT INTO d.r VALUES (1, 2)")

	w.sql(replica, fmt.Sprintf("INSERT INTO orbweaver.decisions VALUES ('d_0', %d, %d, 'committed', NOW(6))", kept.Owner, kept.Seq))
	w.orphan(kept, 2)
	for range 2 {
		if left, err := w.rounds.Once(within(t, time.Minute)); left != 1 || err != nil {
			t.Errorf("%d are left, %v", left, err)
		}
	}
	if left := w.prepared(); len(left) != 1 {
		t.Errorf("prepared are %q", left)
	}
	if told := strings.Join(w.events, "; "); strings.Count(told, "branch lost") != 1 || !strings.Contains(told, kept.String()) {
		t.Errorf("events are %q", told)
	}
}
