package gateway

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/deadlock"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
	"github.com/orbweaver/orbweaver/internal/txn"
)

// watched makes a bench's node one that watches deadlocks.
func watched(t *testing.T, spans *txn.Spans, b *bench) {
	t.Helper()
	d := deadlock.Start(deadlock.Config{Spans: spans, Pools: b.pools, Node: b.node, Catalog: b.cat, Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(d.Close)
}

// circle is a deadlock: what the clients have done, each in a transaction of its own, and what they do then, each of which waits for another. In the statements
// {0}, {1} … are rows of t in partitions on both leaves, no two of which are in one.
type circle struct {
	name   string
	before [][]string // of each client
	then   []string
}

var circles = []circle{
	{"rows", [][]string{{"BEGIN", "UPDATE t SET v = v + 1 WHERE id = {0}"}, {"BEGIN", "UPDATE t SET v = v + 1 WHERE id = {1}"}},
		[]string{"UPDATE t SET v = v + 1 WHERE id = {1}", "UPDATE t SET v = v + 1 WHERE id = {0}"}},
	{"branches", [][]string{
		{"BEGIN", "SELECT v FROM t WHERE id = {2}", "UPDATE t SET v = v + 1 WHERE id = {0}"}, {"BEGIN", "SELECT v FROM t WHERE id = {3}", "UPDATE t SET v = v + 1 WHERE id = {1}"},
	}, []string{"UPDATE t SET v = v + 1 WHERE id = {1}", "UPDATE t SET v = v + 1 WHERE id = {0}"}},
	{"three", [][]string{
		{"BEGIN", "UPDATE t SET v = v + 1 WHERE id = {0}"}, {"BEGIN", "UPDATE t SET v = v + 1 WHERE id = {1}"}, {"BEGIN", "UPDATE t SET v = v + 1 WHERE id = {2}"},
	}, []string{"UPDATE t SET v = v + 1 WHERE id = {1}", "UPDATE t SET v = v + 1 WHERE id = {2}", "UPDATE t SET v = v + 1 WHERE id = {0}"}},
	{"a reference table and rows", [][]string{{"BEGIN", "UPDATE r SET v = v + 1 WHERE id = 1"}, {"BEGIN", "UPDATE t SET v = v + 1 WHERE id IN ({0}, {1}, {2}, {3})"}},
		[]string{"UPDATE t SET v = v + 1 WHERE id IN ({0}, {1}, {2}, {3})", "UPDATE r SET v = v + 1 WHERE id = 1"}},
	{"rows of a reference table", [][]string{{"BEGIN", "UPDATE r SET v = v + 1 WHERE id = 1"}, {"BEGIN", "UPDATE r SET v = v + 1 WHERE id = 2"}},
		[]string{"UPDATE r SET v = v + 1 WHERE id = 2", "UPDATE r SET v = v + 1 WHERE id = 1"}},
	{"locking reads", [][]string{{"BEGIN", "SELECT v FROM t WHERE id = {0} FOR UPDATE"}, {"BEGIN", "SELECT v FROM t WHERE id = {1} LOCK IN SHARE MODE"}},
		[]string{"UPDATE t SET v = v + 1 WHERE id IN ({1}, {2})", "SELECT v FROM t WHERE id IN ({0}, {3}) FOR UPDATE"}},
	{"serializable", [][]string{
		{"SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "BEGIN", "SELECT v FROM t WHERE id = {0}"}, {"SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "BEGIN", "SELECT v FROM t WHERE id = {1}"},
	}, []string{"UPDATE t SET v = v + 1 WHERE id = {1}", "UPDATE t SET v = v + 1 WHERE id = {0}"}},
	// InnoDB lists the locks of all that have only read as those of one.
	{"serializable, others read", [][]string{
		{"SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "BEGIN", "SELECT SUM(v) FROM t WHERE id IN ({0}, {1}, {2}, {3})"},
		{"SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "BEGIN", "SELECT SUM(v) FROM t WHERE id IN ({0}, {1}, {2}, {3})"},
	}, []string{"UPDATE t SET v = v + 1 WHERE id = {1}", "UPDATE t SET v = v + 1 WHERE id = {0}"}},
}

// Deadlocks over partitions, branches and reference tables end with one victim, which has nothing left anywhere; also between the sessions of two nodes.
func TestDeadlocksOverPlaces(t *testing.T) {
	t.Parallel()
	first, second := txn.NewSpans(), txn.NewSpans()
	one, err := newBench(farmtest.Start(t, 2), Config{Spans: first})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(one.close)
	watched(t, first, one)
	two := &bench{farm: one.farm, serve: make(chan error, 1)}
	t.Cleanup(two.close)
	if two.cat, err = catalog.Open(timeout(t), catalog.Config{Endpoints: one.etcd.Endpoints(), Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	if err := two.serveNode(timeout(t), "node-2", 10*time.Second, Config{Spans: second}, slog.New(slog.DiscardHandler), nil); err != nil {
		t.Fatal(err)
	}
	watched(t, second, two)

	c := one.database(t, "dead")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
	c.exec("CREATE REFERENCE TABLE r (id INT PRIMARY KEY, v INT)")
	c.exec("INSERT INTO r VALUES (1, 0), (2, 0)")
	rows := make([]string, 4) // by partition
	for id := 1; strings.Contains(strings.Join(rows, ",")+",", ",,") || rows[0] == ""; id++ {
		c.exec("INSERT INTO t VALUES (?, 0)", id)
		at := strings.Split(c.rows(fmt.Sprintf("EXPLAIN SELECT * FROM t WHERE id = %d", id)), "|")[1]
		rows[at[len(at)-1]-'0'] = fmt.Sprint(id)
	}
	replace := strings.NewReplacer("{0}", rows[0], "{1}", rows[1], "{2}", rows[2], "{3}", rows[3])
	t.Run("itself", func(t *testing.T) { waitsForItself(t, one.root(t, "dead")) })
	for _, circle := range circles {
		for name, benches := range map[string][]*bench{"one node": {one, one}, "two nodes": {one, two}} {
			t.Run(circle.name+", "+name, func(t *testing.T) {
				circle.close(t, benches, replace)
				if left := one.leaf(t, 0, "XA RECOVER") + one.leaf(t, 1, "XA RECOVER"); left != "" {
					t.Errorf("branches are left: %s", left)
				}
			})
		}
	}
}

// A transaction that waits for what it has locked itself is told so: to repeat it, as clients do after 1213, would not help.
func waitsForItself(t *testing.T, c *client) {
	c.exec("CREATE TABLE child (id INT PRIMARY KEY, r INT, FOREIGN KEY (r) REFERENCES r (id))")
	c.exec("BEGIN")
	c.exec("INSERT INTO r VALUES (3, 0)")
	c.fails(1235, "INSERT INTO child VALUES (1, 3)")
	c.want("SELECT @@in_transaction", "0")
	c.want("SELECT COUNT(*) FROM r WHERE id = 3", "0")
	c.exec("INSERT INTO r VALUES (3, 0)")
	c.exec("INSERT INTO child VALUES (1, 3)")
	c.fails(1235, "DELETE child, r FROM child JOIN r ON r.id = child.r") // the leaf asks whether the other table still has the row
	c.want("SELECT COUNT(*) FROM child JOIN r ON r.id = child.r", "1")
	c.exec("DROP TABLE child")
}

// close brings the deadlock about.
func (d *circle) close(t *testing.T, benches []*bench, replace *strings.Replacer) {
	type answer struct {
		c       *client
		changed int64
		err     error
	}
	changed := func(r sql.Result) int64 {
		n, err := r.RowsAffected()
		if err != nil {
			t.Error(err)
		}
		return n
	}
	wrote := map[*client]int64{}
	answers := make(chan answer, len(d.then))
	var clients []*client
	for i, before := range d.before {
		c := benches[i%len(benches)].root(t, "dead")
		clients = append(clients, c)
		for _, q := range before {
			wrote[c] += changed(c.exec(replace.Replace(q)))
		}
	}
	watch := benches[0].root(t, "dead")
	total := func() (n int64) {
		for _, table := range []string{"t", "r"} {
			n += int64(number64(t, watch.rows("SELECT SUM(v) FROM "+table)))
		}
		return n
	}
	was := total()
	began := time.Now()
	for i, q := range d.then {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second) // less than innodb_lock_wait_timeout
		defer cancel()
		go func() {
			r, err := clients[i].c.ExecContext(ctx, replace.Replace(q))
			a := answer{c: clients[i], err: err}
			if err == nil {
				a.changed = changed(r)
			}
			answers <- a
		}()
	}
	lost := 0
	for range d.then {
		a := <-answers
		var refused *mysql.MySQLError
		switch {
		case a.err == nil:
			a.c.exec("COMMIT") // lets the next one go on
			was += wrote[a.c] + a.changed
		case errors.As(a.err, &refused) && refused.Number == 1213:
			lost++
			t.Logf("found after %s", time.Since(began).Round(time.Millisecond))
			a.c.want("SELECT @@in_transaction", "0")
		default:
			t.Errorf("another one failed: %v", a.err)
		}
	}
	if lost != 1 {
		t.Errorf("%d had to go", lost)
	}
	if now := total(); now != was {
		t.Errorf("the rows' sum is %d, with what the others wrote it would be %d", now, was)
	}
	for i, c := range clients { // the victim goes on as after any deadlock
		for _, q := range d.before[i] {
			c.exec(replace.Replace(q))
		}
		c.exec("COMMIT")
	}
}
