package gateway

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// prepared are the branches of the cluster's that the leaves list.
func (b *bench) prepared(t *testing.T) string {
	t.Helper()
	var all []string
	for i := range b.farm.Leaves() {
		if rows := b.leaf(t, i, "XA RECOVER"); rows != "" {
			all = append(all, rows)
		}
	}
	return strings.Join(all, "/")
}

// prepares has a session run statements in an XA transaction and prepare it.
func (c *client) prepares(xid string, statements ...string) {
	c.t.Helper()
	c.exec("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED") // no gaps are locked
	c.exec("XA START " + xid)
	for _, q := range statements {
		c.exec(q)
	}
	c.exec("XA END " + xid)
	c.exec("XA PREPARE " + xid)
}

// gone closes a connection.
func (c *client) gone() {
	_ = c.c.Raw(func(any) error { return driver.ErrBadConn })
	c.c.Close()
}

// xaDatabase makes a database with a sharded table t of 40 rows and a reference table r.
func (b *bench) xaDatabase(t *testing.T, name string) *client {
	t.Helper()
	c := b.database(t, name)
	c.exec("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
	c.exec("CREATE REFERENCE TABLE r (id INT PRIMARY KEY, v INT)")
	var rows []string
	for i := range 40 {
		rows = append(rows, fmt.Sprintf("(%d, 0)", i))
	}
	c.exec("INSERT INTO t VALUES " + strings.Join(rows, ","))
	return c
}

// What was prepared at one node over all partitions and a reference table is seen at another, and ended there, while the session that has prepared it lives and when it
// does not.
func TestXAFromAnotherNode(t *testing.T) {
	b := alone(t, Config{})
	n := b.beside(t, "node-2")
	c := b.xaDatabase(t, "xanode")
	other := n.root(t, "xanode")
	b.account(t, "'xaplain'@'%'", "IDENTIFIED BY 'k'")
	plain := n.as(t, "xaplain", "k", "")
	write := []string{"UPDATE t SET v = v + 1", "INSERT INTO r VALUES (1, 1), (2, 2)"}
	c.prepares("'g1', X'00ff', 7", write...)
	for _, at := range []*client{c, other, plain} {
		at.want("XA RECOVER", "7|2|2|g1\x00\xff")
		at.want("XA RECOVER FORMAT='SQL'", "7|2|2|X'6731',X'00ff',7")
	}
	if got := strings.Count(b.prepared(t), "ow1."); got != 6 { // four partitions, a reference table on two leaves
		t.Errorf("%d branches: %s", got, b.prepared(t))
	}
	const xa = "SELECT format_id, gtrid_length, bqual_length, HEX(data), status FROM mysql.spider_xa"
	id := "7|2|2|673100FF" + strings.Repeat("0", 248)
	other.want(xa, id+"|PREPARED")
	leaf := b.farm.Leaves()[0]
	other.want("SELECT COUNT(*), COUNT(DISTINCT host, port), MIN(scheme) FROM mysql.spider_xa_member WHERE HEX(data) LIKE '673100FF00%' AND format_id = 7", "6|2|mysql")
	other.want(fmt.Sprintf("SELECT COUNT(*) FROM mysql.spider_xa_member WHERE host = '%s' AND port = '%d'", leaf.Host, leaf.Port), "3")
	plain.fails(1142, xa)
	other.want("SELECT SUM(v) FROM t", "0")
	other.want("SELECT COUNT(*) FROM r", "0")
	other.exec("XA COMMIT 'g1', X'00ff', 7")
	other.want("SELECT SUM(v) FROM t", "40")
	other.want("SELECT COUNT(*) FROM r", "2")
	c.fails(1399, "SELECT * FROM t")
	c.fails(1397, "XA COMMIT 'g1', X'00ff', 7")
	c.want("SELECT COUNT(*) FROM t", "40")

	c.prepares("'g2'", write[0])
	other.fails(1440, "XA START 'g2'")
	c.gone()
	other.exec("XA ROLLBACK 'g2'")
	other.fails(1397, "XA COMMIT 'g2'")
	other.want("SELECT SUM(v) FROM t", "40")
	other.want(xa, "")
	other.want("SELECT COUNT(*) FROM mysql.spider_xa_member", "0")
	other.want("SELECT COUNT(*) FROM mysql.spider_xa_failed_log", "0")
	if got := b.prepared(t); got != "" {
		t.Errorf("left: %s", got)
	}
	// Two that were begun under one XID at two nodes: one can be prepared.
	c = b.root(t, "xanode")
	for _, at := range []*client{c, other} {
		at.exec("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
		at.exec("XA START 'twice'")
	}
	c.exec("UPDATE t SET v = 100 WHERE id < 20")
	other.exec("UPDATE t SET v = 200 WHERE id >= 20")
	for _, at := range []*client{c, other} {
		at.exec("XA END 'twice'")
	}
	c.exec("XA PREPARE 'twice'")
	other.fails(1402, "XA PREPARE 'twice'")
	waitFor(t, func() bool { return other.rows("SELECT COUNT(*) FROM t WHERE v = 200") == "0" })
	other.exec("XA COMMIT 'twice'")
	other.want("SELECT v, COUNT(*) FROM t GROUP BY v ORDER BY v", "1|20/100|20")
	waitFor(t, func() bool { return b.prepared(t) == "" })
}

// halfCommitted leaves a leaf as a crash does between its log and InnoDB: a branch that has inserted a row is committed in the log, and is prepared still.
func (b *bench) halfCommitted(t *testing.T, leaf int, schema string, id, v int) {
	t.Helper()
	root, err := sql.Open("mysql", "root@unix("+b.farm.Leaves()[leaf].Socket+")/"+schema)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	root.SetMaxOpenConns(1)
	x := txn.XID{ID: txn.ID{Owner: uint64(b.node.Lease()), Seq: uint64(time.Now().UnixMicro())}, Decider: txn.PlaceHash(topo.PartitionID{DB: "xakill"}), Place: txn.PlaceShape, Thread: 1}.SQL()
	prepare := []string{"XA START " + x, fmt.Sprintf("INSERT INTO t VALUES (%d, %d)", id, v), "XA END " + x, "XA PREPARE " + x}
	all := append(prepare, "XA COMMIT "+x, "SET SESSION sql_log_bin = 0", fmt.Sprintf("DELETE FROM t WHERE id = %d", id))
	for _, q := range append(all, prepare...) {
		if _, err := root.ExecContext(timeout(t), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
}

// What was prepared outlives kill -9 of the leaves and of the node; what was not is rolled back.
func TestXAOutlivesKills(t *testing.T) {
	t.Parallel()
	farm := farmtest.Start(t, 2)
	b, err := newBench(farm, Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.close)
	n := b.beside(t, "node-2")
	c := b.xaDatabase(t, "xakill")
	c.prepares("'k1'", "UPDATE t SET v = 1 WHERE id < 10", "INSERT INTO r VALUES (1, 1)")
	d := b.root(t, "xakill")
	d.prepares("'k2'", "UPDATE t SET v = 2 WHERE id BETWEEN 10 AND 19", "INSERT INTO r VALUES (2, 2)")
	e := b.root(t, "xakill")
	e.exec("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
	e.exec("XA START 'k3'")
	e.exec("UPDATE t SET v = 3 WHERE id >= 20")
	for i := range farm.Leaves() {
		b.halfCommitted(t, i, fmt.Sprintf("xakill_%d", i), 1000+i, 7)
		if err := farm.Kill(i); err != nil {
			t.Fatal(err)
		}
		if err := farm.AwaitReady(timeout(t), i); err != nil {
			t.Fatal(err)
		}
	}
	// The node is dead as well for all others: its connections were cut, and its lease ends by itself.
	_ = b.cat.Close()
	other := n.root(t, "xakill")
	other.want("SELECT id FROM t WHERE v = 7 ORDER BY id", "1000/1001") // before anything has looked into the leaves' logs
	other.exec("DELETE FROM t WHERE id > 999")
	other.want("XA RECOVER", "1|2|0|k1/1|2|0|k2")
	other.exec("XA COMMIT 'k1'")
	other.exec("XA ROLLBACK 'k2'")
	other.fails(1397, "XA COMMIT 'k3'")
	waitFor(t, func() bool { return n.prepared(t) == "" })
	other.want("SELECT v, COUNT(*) FROM t GROUP BY v ORDER BY v", "0|30/1|10")
	other.want("SELECT * FROM r", "1|1")
	for i := range farm.Leaves() {
		if got := n.leaf(t, i, "SELECT * FROM xakill.r"); got != "1|1" {
			t.Errorf("leaf %d has %q in the reference table", i, got)
		}
	}
}

// A leaf that is away when its branch is to be committed commits it when it is back, and the client of XA COMMIT is told so.
func TestXACommitWithoutALeaf(t *testing.T) {
	t.Parallel()
	farm := farmtest.Start(t, 2)
	b, err := newBench(farm, Config{FailoverWait: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	c := b.xaDatabase(t, "xaaway")
	c.prepares("'a1'", "UPDATE t SET v = 1")
	if err := farm.Stop(timeout(t), 1); err != nil {
		t.Fatal(err)
	}
	_, err = c.query("XA COMMIT 'a1'")
	var told *mysql.MySQLError
	if !errors.As(err, &told) || told.Number != 1180 || !strings.Contains(told.Message, "is committed") || !strings.Contains(told.Message, farm.Leaves()[1].Name) {
		t.Fatalf("%v", err)
	}
	c.fails(1397, "XA COMMIT 'a1'")
	c.want("SELECT LEFT(data, 2), status FROM mysql.spider_xa", "a1|COMMIT")
	failed := "SELECT COUNT(*), MIN(status), MIN(LEFT(data, 2)), MIN(port), MIN(ABS(TIMESTAMPDIFF(SECOND, failed_time, NOW())) < 60) FROM mysql.spider_xa_failed_log"
	c.want(failed, fmt.Sprintf("2|COMMIT|a1|%d|1", farm.Leaves()[1].Port))
	c.exec("SET time_zone = '+09:00'")
	c.want(failed, fmt.Sprintf("2|COMMIT|a1|%d|1", farm.Leaves()[1].Port))
	if err := farm.StartLeaf(timeout(t), 1); err != nil {
		t.Fatal(err)
	}
	if err := farm.AwaitReady(timeout(t), 1); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { rows, err := c.query("SELECT SUM(v) FROM t"); return err == nil && rows == "40" })
	waitFor(t, func() bool { return b.prepared(t) == "" })
}

// An XID that another transaction has: the second one is rolled back, and says so.
func TestXAUnderATakenXID(t *testing.T) {
	b := alone(t, Config{})
	c := b.xaDatabase(t, "xataken")
	c.exec("XA START 'n1'")
	c.exec("UPDATE t SET v = 1 WHERE id = 1")
	c.exec("XA END 'n1'")
	if _, err := b.node.Decide(timeout(t), &catalog.Decision{ID: "1-1", Owner: b.node.Lease(), Outcome: catalog.Prepared, XA: &catalog.XID{Format: 1, Gtrid: []byte("n1")}}); err != nil {
		t.Fatal(err)
	}
	c.fails(1402, "XA PREPARE 'n1'")
	c.want("SHOW WARNINGS", "Error|1105|another XA transaction is prepared under this XID/Error|1402|XA_RBROLLBACK: Transaction branch was rolled back")
	waitFor(t, func() bool { return b.prepared(t) == "" })
	c.want("SELECT SUM(v) FROM t", "0")
	c.fails(1402, "XA COMMIT 'n1'") // that has no branches
}

// While etcd is away nothing is prepared and nothing ended; clients are told what is known, and what was left is done when it is back.
func TestXAWithoutEtcd(t *testing.T) {
	b := alone(t, Config{FailoverWait: time.Second})
	c, d := b.xaDatabase(t, "xaetcd"), b.root(t, "xaetcd")
	c.prepares("'e1'", "UPDATE t SET v = 1 WHERE id = 1")
	d.exec("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
	d.exec("XA START 'e2'")
	d.exec("UPDATE t SET v = 2 WHERE id = 2")
	d.exec("XA END 'e2'")
	if err := b.etcd.Close(); err != nil {
		t.Fatal(err)
	}
	c.want("XA RECOVER", "1|2|0|e1")
	c.fails(1205, "XA COMMIT 'e1'")
	c.fails(1399, "SELECT * FROM t") // it is prepared still
	// Without its lease the node knows that nothing was decided, and takes it back; before that it knows nothing.
	_, err := d.query("XA PREPARE 'e2'")
	var told *mysql.MySQLError
	if !errors.As(err, &told) || told.Number != 1402 && (told.Number != 1180 || !strings.Contains(told.Message, "it is unknown")) {
		t.Error(err)
	}
	if b.etcd, err = catalog.StartEmbedded(timeout(t), catalog.EmbeddedConfig{Dir: b.dir, Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { _, err := c.query("XA COMMIT 'e1'"); return err == nil })
	waitFor(t, func() bool { return b.prepared(t) == "" })
	d.want("XA RECOVER", "")
	d.want("SELECT SUM(v) FROM t", "1")
}

// Linked tables take part.
func TestXAOverLinkedTables(t *testing.T) {
	b := cluster(t)
	b.dropServers(t)
	r := newRemote(t)
	c := b.xaDatabase(t, "xalinked")
	c.exec(r.server("s1"))
	r.exec("CREATE TABLE old.l (id INT PRIMARY KEY, v INT)")
	c.exec(`CREATE TABLE l (id INT PRIMARY KEY, v INT) ENGINE=SPIDER COMMENT='wrapper "mysql", srv "s1", table "l"'`)
	c.prepares("'l1'", "INSERT INTO l VALUES (1, 1)", "UPDATE t SET v = 1")
	if got := r.rows("XA RECOVER"); !strings.Contains(got, "ow1.") {
		t.Errorf("at the remote server: %q", got)
	}
	other := b.root(t, "xalinked")
	other.want("SELECT COUNT(*), MIN(username) FROM mysql.spider_xa_member WHERE port = ?", fmt.Sprintf("1|%s", linkUser), fmt.Sprint(r.port))
	c.gone()
	other.want("SELECT SUM(v) FROM t", "0")
	other.exec("XA COMMIT 'l1'")
	other.want("SELECT SUM(v) FROM t", "40")
	if got := r.rows("XA RECOVER"); got != "" {
		t.Errorf("left at the remote server: %q", got)
	}
	other.prepares("'l2'", "DELETE FROM l")
	other.exec("XA ROLLBACK 'l2'")
	other.want("SELECT * FROM l", "1|1")
	other.exec("XA START 'l3'")
	other.exec("DELETE FROM l")
	other.exec("UPDATE t SET v = 2")
	other.exec("XA END 'l3'")
	other.exec("XA COMMIT 'l3' ONE PHASE")
	other.want("SELECT SUM(v) FROM t", "80")
	other.want("SELECT * FROM l", "")
	if got := r.rows("XA RECOVER"); got != "" {
		t.Errorf("left at the remote server: %q", got)
	}
}

// The binary protocol carries XA as well; status flags say that a transaction is there until it has ended.
func TestXAByTheBinaryProtocol(t *testing.T) {
	b := cluster(t)
	c := b.xaDatabase(t, "xabin")
	prepared := func(q string, args ...any) string {
		t.Helper()
		st, err := c.c.PrepareContext(timeout(t), q)
		if err != nil {
			t.Fatalf("%s: %v", q, err)
		}
		defer st.Close()
		rows, err := st.QueryContext(timeout(t), args...)
		if err != nil {
			return err.Error()
		}
		defer rows.Close()
		var out []string
		for rows.Next() {
			var format, gtrid, bqual int
			var data string
			if err := rows.Scan(&format, &gtrid, &bqual, &data); err != nil {
				t.Fatal(err)
			}
			out = append(out, fmt.Sprint(format, gtrid, bqual, data))
		}
		return strings.Join(out, "/")
	}
	for _, q := range []string{"XA START 'b1', 'b2', 77", "UPDATE t SET v = 1", "XA END 'b1', 'b2', 77", "XA PREPARE 'b1', 'b2', 77"} {
		if got := prepared(q); got != "" {
			t.Errorf("%s: %s", q, got)
		}
	}
	if got := prepared("XA RECOVER"); got != "77 2 2b1b2" {
		t.Error(got)
	}
	if got := prepared("XA RECOVER FORMAT='SQL'"); got != "77 2 2'b1','b2',77" {
		t.Error(got)
	}
	if got := prepared("XA COMMIT 'b1', 'b2', 77"); got != "" {
		t.Error(got)
	}
	c.want("SELECT SUM(v) FROM t", "40")
}

// Spider's tables tell of the cluster's own transactions that are in doubt, too.
func TestSpiderXAInDoubt(t *testing.T) {
	b := alone(t, Config{})
	c := b.database(t, "xadoubt")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
	leaf := b.farm.Leaves()[1]
	at, err := b.pools.Get(timeout(t), backend.Want{Leaf: leaf.Name, Variant: backend.Internal})
	if err != nil {
		t.Fatal(err)
	}
	defer at.Release()
	x := txn.XID{ID: txn.ID{Owner: uint64(b.node.Lease()), Seq: 77}, Decider: 5, Place: txn.PlaceShape, Thread: at.Thread()}
	part := ""
	for _, db := range strings.Split(b.leaf(t, 1, "SHOW DATABASES"), "/") {
		if strings.HasPrefix(db, "xadoubt_") {
			part = db
		}
	}
	for _, q := range []string{"XA START ", "INSERT INTO " + part + ".t VALUES (1, 1) -- ", "XA END ", "XA PREPARE "} {
		if _, err := at.Query(timeout(t), q+x.SQL()); err != nil {
			t.Fatal(err)
		}
	}
	where := fmt.Sprintf(" WHERE format_id = %d AND LEFT(data, gtrid_length) = '%s'", txn.XIDFormat, x.Gtrid())
	c.want("SELECT bqual_length, status FROM mysql.spider_xa"+where, "0|PREPARED")
	c.want("SELECT scheme, host, port, username FROM mysql.spider_xa_member"+where, fmt.Sprintf("mysql|%s|%d|NULL", leaf.Host, leaf.Port))
	c.want("XA RECOVER", "")
	if _, err := at.Query(timeout(t), "XA ROLLBACK "+x.SQL()); err != nil {
		t.Fatal(err)
	}
	c.want("SELECT COUNT(*) FROM mysql.spider_xa"+where, "0")
}

// A transaction is prepared also where those of the session are not atomic, and with temporary tables as long as it has not written to them.
func TestXAAndTheSession(t *testing.T) {
	b := cluster(t)
	c := b.xaDatabase(t, "xasess")
	c.exec("CREATE TEMPORARY TABLE tmp (id INT)")
	c.exec("XA START 's1'")
	c.exec("UPDATE t SET v = 1")
	c.exec("INSERT INTO tmp VALUES (1)")
	c.exec("XA END 's1'")
	c.fails(1399, "XA PREPARE 's1'")
	c.exec("XA START 's1' RESUME")
	c.exec("UPDATE t SET v = 2")
	c.exec("XA END 's1'")
	c.exec("XA COMMIT 's1' ONE PHASE")
	c.want("SELECT SUM(v) FROM t", "80")
	c.exec("DROP TEMPORARY TABLE tmp")
	// COM_RESET_CONNECTION rolls back what is not prepared, and lets go of what is. Until then the status says that there is a transaction.
	r := b.raw(t, "xasess", 0)
	for _, q := range []string{"XA START 's2'", "UPDATE t SET v = 3"} {
		if ok := r.ok(wire.AppendCommand(nil, wire.ComQuery, q)); ok.Status&wire.StatusInTrans == 0 {
			t.Errorf("%s: status %b", q, ok.Status)
		}
	}
	if ok := r.ok([]byte{byte(wire.ComResetConnection)}); ok.Status&wire.StatusInTrans != 0 {
		t.Errorf("status %b", ok.Status)
	}
	for _, q := range []string{"XA START 's2'", "UPDATE t SET v = v + 1", "XA END 's2'", "XA PREPARE 's2'"} {
		if ok := r.ok(wire.AppendCommand(nil, wire.ComQuery, q)); ok.Status&wire.StatusInTrans == 0 {
			t.Errorf("%s: status %b", q, ok.Status)
		}
	}
	if ok := r.ok([]byte{byte(wire.ComResetConnection)}); ok.Status&wire.StatusInTrans != 0 {
		t.Errorf("status %b", ok.Status)
	}
	if got := r.one("SELECT SUM(v) FROM t"); got != "80" {
		t.Errorf("sum %s", got)
	}
	if ok := r.ok(wire.AppendCommand(nil, wire.ComQuery, "XA COMMIT 's2'")); ok.Status&wire.StatusInTrans != 0 {
		t.Errorf("status %b", ok.Status)
	}
	if got := r.one("SELECT SUM(v) FROM t"); got != "120" {
		t.Errorf("sum %s", got)
	}
}
