package gateway

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
)

// SHOW TRANSACTION STATUS tells at every node what has become of a transaction.
func TestShowTransactionStatus(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "trxstatus")
	beside := b.beside(t, "trxstatus").root(t, "trxstatus")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
	status := func(id txn.ID, want string) {
		t.Helper()
		for _, at := range []*client{c, beside} {
			row := strings.Split(at.rows(fmt.Sprintf("SHOW TRANSACTION STATUS '%s'", id)), "|")
			if len(row) != 7 || row[0] != id.String() {
				t.Fatalf("%q", row)
			}
			row[2] = "" // Since
			if got := strings.Join(row[1:], "|"); got != want {
				t.Errorf("%s: %s\nwant %s", id, got, want)
			}
		}
	}
	c.exec("INSERT INTO t VALUES (1,1),(2,2),(3,3),(4,4),(5,5),(6,6),(7,7),(8,8)")
	var id txn.ID
	decider := ""
	for i := range 2 {
		for _, row := range strings.Split(b.leaf(t, i, "SELECT owner, seq, `partition` FROM orbweaver.decisions WHERE `partition` LIKE 'trxstatus%'"), "/") {
			if f := strings.Split(row, "|"); len(f) == 3 {
				id = txn.ID{Owner: number64(t, f[0]), Seq: number64(t, f[1])}
				decider = strings.Replace(f[2], "trxstatus_", "trxstatus:", 1)
			}
		}
	}
	if id.IsZero() {
		t.Fatal("a transaction over four partitions has left no decision")
	}
	status(id, "committed||node-1|"+decider+"|0|It is committed everywhere")
	since := c.rows(fmt.Sprintf("SHOW TRANSACTION STATUS '%s'", id))
	c.want("SELECT '"+strings.Split(since, "|")[2]+"' BETWEEN NOW() - INTERVAL 1 HOUR AND NOW() + INTERVAL 1 HOUR", "1")
	nothing := "Nothing is known of it: it wrote in one place only, or was rolled back before it began to commit, or ended more than ten minutes ago"
	status(txn.ID{Owner: 7, Seq: id.Seq}, "unknown||NULL|NULL|0|"+nothing)
	status(txn.ID{Owner: id.Owner, Seq: id.Seq - 1}, "unknown||node-1|NULL|0|"+nothing)

	// A branch whose node is gone, and is waiting.
	lost := txn.ID{Owner: 7, Seq: id.Seq + 1}
	first, second := topo.PartitionID{DB: "trxstatus", Ordinal: 0}, topo.PartitionID{DB: "trxstatus", Ordinal: 1}
	leaf, _ := b.cat.Snapshot().Partition(second).Master()
	conn, err := b.pools.Get(timeout(t), backend.Want{Leaf: leaf, Account: backend.Cluster, Variant: backend.Internal})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	conn.ResetOnRelease()
	x := txn.XID{ID: lost, Decider: txn.PlaceHash(first), Place: txn.PlaceHash(second), Thread: 1}
	do := func(sql string) {
		t.Helper()
		if _, err := conn.Query(timeout(t), sql); err != nil {
			t.Fatal(sql, err)
		}
	}
	do("XA START " + x.SQL())
	do("INSERT INTO trxstatus_1.t VALUES (1000000, 1)")
	do("XA END " + x.SQL())
	do("XA PREPARE " + x.SQL())
	status(lost, "preparing||NULL|trxstatus:0|1|It is committing, and nothing is decided yet: it is committed everywhere or nowhere; its branch has yet to end at partition trxstatus:1 on leaf "+leaf)
	do("XA ROLLBACK " + x.SQL())

	c.fails(1210, "SHOW TRANSACTION STATUS 'nonsense'")
	c.fails(1064, "SHOW TRANSACTION STATUS")
	c.fails(1064, "SHOW TRANSACTION STATUS '1-1' LIKE 'x'")
	c.want("SELECT COUNT(*) FROM t", "8")
}

func number64(t *testing.T, s string) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
