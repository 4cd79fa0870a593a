package control_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/xid"
)

// atLeaf asks a leaf by the cluster's account.
func (c *cluster) atLeaf(leaf, sql string) [][][]byte {
	c.t.Helper()
	conn, err := c.nodes[len(c.nodes)-1].pools.Get(within(c.t, patience), backend.Want{Leaf: leaf, Account: backend.Cluster, Variant: backend.Internal})
	if err != nil {
		c.t.Fatal(err)
	}
	defer conn.Release()
	res, err := conn.Query(within(c.t, patience), sql)
	if err != nil {
		c.t.Fatalf("leaf %s: %s: %v", leaf, sql, err)
	}
	return res.Rows
}

// events lists what operators were told of some kinds.
func (c *cluster) events(kinds ...string) (out []string) {
	c.t.Helper()
	rows, err := c.nodes[len(c.nodes)-1].db.Query("SELECT EVENT_TYPE, LEAF, DETAILS FROM information_schema.MV_EVENTS WHERE EVENT_TYPE IN ('" + strings.Join(kinds, "', '") + "')")
	if err != nil {
		c.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var kind, leaf, details string
		if err := rows.Scan(&kind, &leaf, &details); err != nil {
			c.t.Fatal(err)
		}
		out = append(out, kind+" "+leaf+": "+details)
	}
	return out
}

// audit ends the transfers and looks whether all is there, everywhere: the total, the copies, the decisions in the copies, that nothing is left prepared, and that no leaf has
// committed in one phase what a crash may then leave in its log alone.
func (b *bank) audit() {
	c, t := b.c, b.c.t
	t.Helper()
	b.end()
	n := c.nodes[len(c.nodes)-1]
	for _, l := range n.cat.Snapshot().Leaves {
		var left [][][]byte
		for range 1000 { // what is in doubt is settled
			if left = c.atLeaf(l.Name, "XA RECOVER"); len(left) == 0 {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		if len(left) > 0 {
			t.Errorf("leaf %s has prepared %q", l.Name, left)
		}
		for _, log := range c.atLeaf(l.Name, "SHOW BINARY LOGS") {
			for _, e := range c.atLeaf(l.Name, "SHOW BINLOG EVENTS IN '"+string(log[0])+"'") {
				if string(e[2]) == "Query" && string(e[5]) == "COMMIT" {
					t.Fatalf("leaf %s has committed in one phase: %s, position %s", l.Name, e[0], e[1])
				}
			}
		}
	}
	var sum int
	if err := n.db.QueryRow("SELECT SUM(v) FROM d.bank").Scan(&sum); err != nil || sum != b.accounts*balance {
		t.Errorf("the total is %d, %v", sum, err)
	}
	c.equal("bank")
	for _, p := range n.cat.Snapshot().Databases["d"].Partitions {
		const q = "SELECT CONCAT(COUNT(*), ' ', COALESCE(BIT_XOR(CRC32(CONCAT(owner, '-', seq, outcome))), 0)) FROM orbweaver.decisions WHERE `partition` = '%s'"
		master, _ := p.Master()
		for _, r := range p.Replicas() {
			has := [2]string{"", "-"}
			for range 1000 {
				for i, leaf := range []string{master, r} {
					has[i] = string(c.atLeaf(leaf, fmt.Sprintf(q, p.ID.Schema()))[0][0])
				}
				if has[0] == has[1] {
					break
				}
				time.Sleep(100 * time.Millisecond)
			}
			if has[0] != has[1] {
				t.Errorf("partition %s: decisions %s on %s, %s on %s", p.ID, has[0], master, has[1], r)
			}
		}
	}
}

// Copies begin at moments at which no transaction is between its prepared and its committed branch: else what they follow would have an end without a beginning.
func TestCopiesAreMadeUnderTransfers(t *testing.T) {
	c := newCluster(t, 4, 1, 2)
	c.must("CREATE DATABASE d PARTITIONS 4 WITH SYNC REPLICATION")
	b := c.newBank(64, 6)
	b.more(100)
	for range 3 {
		c.must("SET GLOBAL redundancy_level = 2", "REBALANCE PARTITIONS ON d")
		c.until("every partition twice", whole)
		b.more(30)
		for i := range 4 {
			p := c.nodes[0].cat.Snapshot().Databases["d"].Partitions[i]
			to := c.nodes[0].cat.Snapshot().Leaves[p.Replicas()[0]]
			c.must(fmt.Sprintf("PROMOTE PARTITION d:%d ON '%s':%d", i, to.Host, to.Port))
		}
		b.more(30)
		c.must("SET GLOBAL redundancy_level = 1", "REBALANCE PARTITIONS ON d")
		c.until("every partition once", whole)
		b.more(30)
	}
	c.must("SET GLOBAL redundancy_level = 2", "REBALANCE PARTITIONS ON d")
	c.until("every partition twice", whole)
	b.audit()
	if told := c.events("replica broken", "replica missing", "attach failed"); len(told) > 0 {
		t.Errorf("replication has stopped: %s", strings.Join(told, "; "))
	}
	t.Logf("%d transfers", b.moved.Load())
}

// Leaves are killed with branches prepared there: failovers, returns and mended copies keep every transfer whole.
func TestKilledLeavesKeepTransfersWhole(t *testing.T) {
	c := newCluster(t, 2, 2, 2)
	c.must("CREATE DATABASE d PARTITIONS 4 WITH SYNC REPLICATION")
	c.until("whole", whole)
	b := c.newBank(64, 6)
	for round := range 4 {
		b.more(60)
		victim := round % 2
		name := c.farm.Leaves()[victim].Name
		release := c.hold(victim)
		c.until("a failover", func(s *topo.Snapshot) bool { return s.Leaves[name].State == topo.LeafOffline })
		b.more(30)
		release()
		c.until("whole again", whole)
	}
	b.more(30)
	b.audit()
	if told := c.events("replica broken", "attach failed", "errant writes"); len(told) > 0 {
		t.Logf("events: %s", strings.Join(told, "; "))
	}
	t.Logf("%d transfers", b.moved.Load())
}

// A replica that is killed, and is back before it is missed, goes on from what its binary log has; or where it was killed between its log and InnoDB, with a branch that it
// lacks, it stops at the number that its log has already, and is copied anew.
func TestRestartedLeavesFollowOnUnderTransfers(t *testing.T) {
	c := newCluster(t, 2, 2, 1)
	c.must("CREATE DATABASE d PARTITIONS 2 WITH SYNC REPLICATION") // on a busy machine it may be missed all the same
	c.until("whole", whole)
	b := c.newBank(64, 6)
	for round := range 4 {
		b.more(60)
		if err := c.farm.Kill(round % 2); err != nil {
			t.Fatal(err)
		}
		if err := c.farm.AwaitReady(context.Background(), round%2); err != nil {
			t.Fatal(err)
		}
	}
	b.more(60)
	c.until("whole", whole)
	b.audit()
	for _, told := range c.events("replica broken") {
		if !strings.Contains(told, "would create an out-of-order sequence number") {
			t.Errorf("replication has stopped: %s", told)
		}
	}
}

// left leaves a branch prepared at a partition's master that nobody owns, and whose transaction was never decided.
func (c *cluster) left(p *topo.Partition, write ...string) xid.XID {
	c.t.Helper()
	master, _ := p.Master()
	x := xid.XID{ID: xid.ID{Owner: 1, Seq: uint64(time.Now().UnixMicro())}, Decider: xid.PlaceHash(topo.PartitionID{DB: "d", Ordinal: 1}), Place: xid.PlaceHash(p.ID), Thread: 1}
	for _, l := range c.farm.Leaves() {
		if l.Name != master {
			continue
		}
		leaf, err := sql.Open("mysql", "root@unix("+l.Socket+")/"+p.ID.Schema())
		if err != nil {
			c.t.Fatal(err)
		}
		leaf.SetMaxOpenConns(1)
		do := append([]string{fmt.Sprintf("SET SESSION gtid_domain_id = %d", p.Domain), "XA START " + x.SQL()}, write...)
		for _, q := range append(do, "XA END "+x.SQL(), "XA PREPARE "+x.SQL()) {
			if _, err := leaf.Exec(q); err != nil {
				c.t.Fatalf("%s: %v", q, err)
			}
		}
		leaf.Close()
	}
	return x
}

// preparedAt waits until a leaf lists a branch of a partition.
func (c *cluster) preparedAt(leaf string, p *topo.Partition) (x xid.XID) {
	c.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		for _, row := range c.atLeaf(leaf, "XA RECOVER") {
			if b, ours := xid.Listed(row); ours && b.Place == xid.PlaceHash(p.ID) {
				return b
			}
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("leaf %s lists no branch of %s", leaf, p.ID)
		}
	}
}

// gone waits until a leaf does not list a branch any more.
func (c *cluster) gone(leaf string, x xid.XID) {
	c.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		listed := slices.ContainsFunc(c.atLeaf(leaf, "XA RECOVER"), func(row [][]byte) bool {
			b, ours := xid.Listed(row)
			return ours && b == x
		})
		if !listed {
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("leaf %s lists %s still", leaf, x.SQL())
		}
	}
}

// What somebody who has died has left prepared comes along when a partition's master moves, and a copy waits until it is settled.
func TestBranchesThatWereLeftMoveAlong(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 2, 2)
	c.must("CREATE DATABASE d PARTITIONS 2 WITH SYNC REPLICATION")
	c.until("whole", whole)
	b := c.newBank(64, 2)
	b.more(20)
	for round := range 3 {
		p := c.nodes[0].cat.Snapshot().Databases["d"].Partitions[0]
		old, _ := p.Master()
		// These are in no log, and so not at the next master.
		read := c.left(p, "SELECT * FROM bank LIMIT 1 FOR UPDATE")
		undone := c.left(p, "SAVEPOINT s", fmt.Sprintf("INSERT INTO bank VALUES (%d, 1)", -11-round), "ROLLBACK TO s")
		c.left(p, fmt.Sprintf("INSERT INTO bank VALUES (%d, 1)", -1-round)) // rolled back, or the total is wrong
		to := c.nodes[0].cat.Snapshot().Leaves[p.Replicas()[0]]
		c.must(fmt.Sprintf("PROMOTE PARTITION d:0 ON '%s':%d", to.Host, to.Port))
		b.more(10)
		c.gone(old, read)
		c.gone(old, undone)
	}
	c.must("SET GLOBAL redundancy_level = 1", "REBALANCE PARTITIONS ON d")
	c.until("every partition once", whole)
	c.left(c.nodes[0].cat.Snapshot().Databases["d"].Partitions[0], "INSERT INTO bank VALUES (-9, 1)")
	c.must("SET GLOBAL redundancy_level = 2", "REBALANCE PARTITIONS ON d")
	c.until("every partition twice", whole)
	b.pace.Store(int64(20 * time.Millisecond)) // from here on there is a lot to wait for
	// What a client has prepared only the client ends: a copy says so.
	c.must("SET GLOBAL redundancy_level = 1", "REBALANCE PARTITIONS ON d", "CREATE TABLE d.x (id INT PRIMARY KEY)")
	c.until("every partition once", whole)
	client, err := c.nodes[1].db.Conn(within(t, time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	do := func(sql ...string) {
		t.Helper()
		for _, q := range sql {
			if _, err := client.ExecContext(within(t, time.Minute), q); err != nil {
				t.Fatalf("%s: %v", q, err)
			}
		}
	}
	do("XA START 'x'", "INSERT INTO d.x VALUES (1), (2), (3), (4), (5), (6), (7), (8)", "XA END 'x'", "XA PREPARE 'x'")
	c.must("SET GLOBAL redundancy_level = 2")
	if _, err := c.nodes[0].db.Exec("REBALANCE PARTITIONS ON d"); err == nil || !strings.Contains(err.Error(), "has a prepared branch of transaction") {
		t.Errorf("a copy beside a client's prepared branch: %v", err)
	}
	b.more(10)
	do("XA COMMIT 'x'")
	c.must("REBALANCE PARTITIONS ON d")
	c.until("every partition twice", whole)
	// A copy that was detached before that never hears of the end: it does not keep the branch for ever, nor do snapshots wait for it.
	p := c.nodes[0].cat.Snapshot().Databases["d"].Partitions[0]
	copied := c.nodes[0].cat.Snapshot().Leaves[p.Replicas()[0]]
	do("XA START 'y'", "INSERT INTO d.x VALUES (11), (12), (13), (14), (15), (16), (17), (18)", "XA END 'y'", "XA PREPARE 'y'")
	at := fmt.Sprintf("d:0 ON '%s':%d", copied.Host, copied.Port)
	kept := c.preparedAt(copied.Name, p)
	c.must("DETACH PARTITION " + at)
	do("XA COMMIT 'y'", "START TRANSACTION WITH CONSISTENT SNAPSHOT", "SELECT SUM(id) FROM d.x", "COMMIT")
	c.gone(copied.Name, kept)
	c.must("COPY PARTITION " + at)
	c.until("every partition twice", whole)
	b.audit()
	c.equal("x")
	if told := c.events("replica broken"); len(told) > 0 {
		t.Errorf("replication has stopped: %s", strings.Join(told, "; "))
	}
}
