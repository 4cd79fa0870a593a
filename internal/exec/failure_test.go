package exec_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/gateway"
	"github.com/orbweaver/orbweaver/internal/gateway/gatewaytest"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
)

func TestMain(m *testing.M) {
	// Leaves are killed under the driver's connections, which the statements tell of.
	if err := mysql.SetLogger(&mysql.NopLogger{}); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

const sortMemory = 4 << 20

// cluster is a node over two leaves of its own, with a table of rows on four partitions.
func cluster(t *testing.T) (*gatewaytest.Node, *sql.DB) {
	t.Helper()
	n, err := gatewaytest.Start(farmtest.Start(t, 2), gateway.Config{SortMemory: sortMemory})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	db, err := sql.Open("mysql", fmt.Sprintf("root@tcp(%s)/?interpolateParams=true", n.Addr))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(8)
	run(t, db, "CREATE DATABASE brk PARTITIONS 4")
	run(t, db, "CREATE TABLE brk.t (id INT PRIMARY KEY, a INT)")
	run(t, db, "INSERT INTO brk.t SELECT seq, 1 FROM brk.seq_1_to_100")
	return n, db
}

func run(t *testing.T, db *sql.DB, q string) {
	t.Helper()
	if _, err := db.ExecContext(within(t, patience), q); err != nil {
		t.Fatalf("%s: %v", q, err)
	}
}

func one(t *testing.T, db *sql.DB, q string) (n int) {
	t.Helper()
	if err := db.QueryRowContext(within(t, patience), q).Scan(&n); err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	return n
}

// patience is what a slow machine does not exhaust: whatever takes longer hangs.
const patience = 2 * time.Minute

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// read reads all rows of a query and counts them.
func read(ctx context.Context, db interface {
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
}, q string, each func(n int)) (n int, err error) {
	rows, err := db.QueryContext(ctx, q)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		if n++; each != nil {
			each(n)
		}
	}
	return n, rows.Err()
}

// awaitRows waits for the leaves to be back.
func awaitRows(t *testing.T, db *sql.DB) {
	t.Helper()
	var err error
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		var n int
		if err = db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM brk.t").Scan(&n); err == nil && n == 100 {
			return
		}
	}
	t.Fatalf("the leaves did not come back: %v", err)
}

// running lists what the leaves run for clients.
func running(t *testing.T, n *gatewaytest.Node, like string) (out []string) {
	t.Helper()
	for _, l := range n.Farm.Leaves() {
		c, err := n.Pools.Get(t.Context(), backend.Want{Leaf: l.Name, Variant: backend.Internal})
		if err != nil {
			t.Fatal(err)
		}
		res, err := c.Query(t.Context(), "SELECT INFO FROM information_schema.PROCESSLIST WHERE INFO LIKE '"+like+"' AND ID <> CONNECTION_ID()")
		c.Release()
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range res.Rows {
			out = append(out, string(row[0]))
		}
	}
	return out
}

// awaitIdle waits for the leaves to have nothing to do for clients any more.
func awaitIdle(t *testing.T, n *gatewaytest.Node, like string) {
	t.Helper()
	var last []string
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if last = running(t, n, like); len(last) == 0 {
			return
		}
	}
	t.Errorf("the leaves still run %q", last)
}

const millions = "SELECT x.id, s.seq FROM brk.t x JOIN brk.seq_1_to_%d s"

func TestLeafDiesDuringScatterRead(t *testing.T) {
	n, db := cluster(t)
	count, err := read(within(t, patience), db, fmt.Sprintf(millions, 30000), func(i int) {
		if i == 1000 {
			if err := n.Farm.Kill(1); err != nil {
				t.Error(err)
			}
		}
	})
	if err == nil || count >= 100*30000 {
		t.Errorf("%d rows and error %v: a part of them can't have come", count, err)
	}
	awaitRows(t, db)
	awaitIdle(t, n, "%seq_1_to_30000%")
}

func TestLeafDiesDuringScatterWrite(t *testing.T) {
	n, db := cluster(t)
	failed := make(chan error, 1)
	go func() {
		_, err := db.ExecContext(within(t, patience), "UPDATE brk.t SET a = a + 1 + SLEEP(0.05)")
		failed <- err
	}()
	for len(running(t, n, "%SLEEP(0.05)%")) < 4 {
		time.Sleep(5 * time.Millisecond)
	}
	if err := n.Farm.Kill(0); err != nil {
		t.Fatal(err)
	}
	// It was rolled back everywhere, and is run again when the leaf is back: once or not at all.
	want := 200
	if err := <-failed; err != nil {
		want = 100
	}
	awaitRows(t, db)
	awaitIdle(t, n, "%SLEEP(0.05)%")
	if got := one(t, db, "SELECT SUM(a) FROM brk.t"); got != want {
		t.Errorf("the sum is %d after a write that lost a partition, want %d", got, want)
	}
}

func TestClientsGoAway(t *testing.T) {
	n, db := cluster(t)
	var all sync.WaitGroup
	for _, q := range []string{
		"SELECT SLEEP(300), id FROM brk.t WHERE id = 1", "SELECT SLEEP(300), id FROM brk.t ORDER BY id", "SELECT SUM(SLEEP(300)) FROM brk.t", "UPDATE brk.t SET a = a + SLEEP(300)",
		"INSERT INTO brk.t SELECT id + 1000 + SLEEP(300), 1 FROM brk.t", "DELETE FROM brk.t WHERE id = 1 + SLEEP(300)", fmt.Sprintf(millions, 5000000),
	} {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			if _, err := read(ctx, db, q, nil); err == nil {
				t.Errorf("%s: no error", q)
			}
		})
	}
	all.Wait()
	awaitIdle(t, n, "%brk%")
	awaitIdle(t, n, "%SLEEP(300)%")
	if got := one(t, db, "SELECT COUNT(*) + SUM(a) FROM brk.t"); got != 200 {
		t.Errorf("what was cancelled left its traces: %d", got)
	}
	// KILL QUERY ends the statement and leaves the session.
	c, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var id int
	if err := c.QueryRowContext(t.Context(), "SELECT CONNECTION_ID()").Scan(&id); err != nil {
		t.Fatal(err)
	}
	killed := make(chan error, 1)
	go func() {
		_, err := read(within(t, patience), c, "SELECT id, SLEEP(10) FROM brk.t ORDER BY id DESC", nil)
		killed <- err
	}()
	for len(running(t, n, "%SLEEP(10)%")) == 0 {
		time.Sleep(5 * time.Millisecond)
	}
	run(t, db, fmt.Sprintf("KILL QUERY %d", id))
	err = <-killed
	var e *mysql.MySQLError
	if !errors.As(err, &e) || e.Number != 1317 {
		t.Errorf("KILL QUERY: %v", err)
	}
	if n, err := read(within(t, patience), c, "SELECT id FROM brk.t", nil); n != 100 || err != nil {
		t.Errorf("after KILL QUERY: %d rows, %v", n, err)
	}
}

// An error in the midst of rows follows them, and costs neither the session nor its transaction.
func TestErrorsBetweenRows(t *testing.T) {
	_, db := cluster(t)
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.Exec("UPDATE brk.t SET a = 2 WHERE id < 11"); err != nil {
		t.Fatal(err)
	}
	for _, order := range []string{"", " ORDER BY x.id, s.seq"} {
		count, err := read(within(t, patience), tx,
			"SELECT x.id, s.seq, (SELECT 1 UNION ALL SELECT 2 FROM DUAL WHERE x.id = 97 AND s.seq = 500) FROM brk.t x JOIN brk.seq_1_to_500 s"+order, nil)
		var e *mysql.MySQLError
		if !errors.As(err, &e) || e.Number != 1242 {
			t.Errorf("after %d rows: %v, want error 1242", count, err)
		}
		var sum int
		if err := tx.QueryRow("SELECT SUM(a) FROM brk.t").Scan(&sum); err != nil || sum != 110 {
			t.Errorf("in the transaction the sum is %d, %v", sum, err)
		}
	}
	// Rows that a write collects are bounded: it is undone, and the transaction goes on.
	for _, write := range []string{"DELETE FROM brk.t RETURNING REPEAT(id, 100000)", "INSERT INTO brk.t SELECT seq + 100, 1 FROM brk.seq_1_to_100 RETURNING REPEAT(id, 100000)"} {
		count, err := read(within(t, patience), tx, write, nil)
		var e *mysql.MySQLError
		if !errors.As(err, &e) || e.Number != 1038 || count != 0 {
			t.Errorf("%s: %d rows, %v, want error 1038", write, count, err)
		}
		var rows int
		if err := tx.QueryRow("SELECT COUNT(*) FROM brk.t").Scan(&rows); err != nil || rows != 100 {
			t.Errorf("after %s there are %d rows, %v", write, rows, err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Error(err)
	}
	if got := one(t, db, "SELECT SUM(a) FROM brk.t"); got != 110 {
		t.Errorf("the sum is %d, want 110", got)
	}
}

func TestLimitEndsEarly(t *testing.T) {
	n, db := cluster(t)
	for _, q := range []string{fmt.Sprintf(millions, 100000000) + " LIMIT 10", fmt.Sprintf(millions, 100000000) + " WHERE x.id = 5 LIMIT 10"} {
		got, err := read(within(t, patience), db, q, nil)
		if err != nil || got != 10 {
			t.Errorf("%s: %d rows, %v", q, got, err)
		}
	}
	awaitIdle(t, n, "%seq_1_to_%")
}

// TestStreams holds a result that is larger than what the node may use against its heap.
func TestStreams(t *testing.T) {
	_, db := cluster(t)
	rows := 5000000
	if testing.Short() || raceEnabled {
		rows = 1000000
	}
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	most := uint64(0)
	got, err := read(within(t, patience), db, fmt.Sprintf(millions, rows/100), func(i int) {
		if i%200000 == 0 {
			runtime.ReadMemStats(&now)
			most = max(most, now.HeapInuse)
		}
	})
	if err != nil || got != rows {
		t.Errorf("%d rows, %v", got, err)
	}
	if most > before.HeapInuse+64<<20 {
		t.Errorf("the heap grew from %d to %d MiB", before.HeapInuse>>20, most>>20)
	}
}

// A transaction whose connection is cut between two statements is lost: the second one is not done alone, at whichever leaf the session is at home.
func TestTransactionIsLostBetweenStatements(t *testing.T) {
	n, db := cluster(t)
	for _, leaf := range n.Farm.Leaves() {
		for id := range 8 { // some of the rows are at the leaf
			conn, err := db.Conn(within(t, patience))
			if err != nil {
				t.Fatal(err)
			}
			for _, q := range []string{"BEGIN", fmt.Sprintf("UPDATE brk.t SET a = a + 100 WHERE id = %d", id+1)} {
				if _, err := conn.ExecContext(within(t, patience), q); err != nil {
					t.Fatal(err)
				}
			}
			n.Pools.Break(leaf.Name)
			_, second := conn.ExecContext(within(t, patience), fmt.Sprintf("UPDATE brk.t SET a = a + 1 WHERE id = %d", id+1))
			var refused *mysql.MySQLError
			if second != nil && (!errors.As(second, &refused) || refused.Number != 1213) {
				t.Errorf("row %d without %s: %v", id+1, leaf.Name, second)
			}
			if _, err := conn.ExecContext(within(t, patience), "ROLLBACK"); err != nil {
				t.Error(err)
			}
			conn.Close()
		}
	}
	if got := one(t, db, "SELECT COUNT(*) FROM brk.t WHERE a <> 1"); got != 0 {
		t.Errorf("%d rows have been changed by parts of transactions that were rolled back", got)
	}
}

// A query over all partitions that meets a dead leaf tells that its transaction is lost: it does not wait for the leaf and go on without what was done before.
func TestQueryTellsThatItsTransactionIsLost(t *testing.T) {
	n, db := cluster(t)
	ctx := within(t, patience)
	for round := range 6 {
		conn, err := db.Conn(ctx)
		if err != nil {
			t.Fatal(err)
		}
		exec := func(q string, args ...any) error {
			_, err := conn.ExecContext(ctx, fmt.Sprintf(q, args...))
			return err
		}
		if err := errors.Join(exec("BEGIN"), exec("UPDATE brk.t SET a = a + 100 WHERE id = %d", round+1)); err != nil {
			t.Fatal(err)
		}
		leaf := round % 2
		if err := n.Farm.Kill(leaf); err != nil {
			t.Fatal(err)
		}
		var sum int
		err = conn.QueryRowContext(ctx, "SELECT SUM(a) FROM brk.t").Scan(&sum)
		var refused *mysql.MySQLError
		if err != nil && (!errors.As(err, &refused) || refused.Number != 1213) {
			t.Errorf("without %s: %v", n.Farm.Leaves()[leaf].Name, err)
		}
		if err == nil { // then it is all one transaction still
			if err := exec("UPDATE brk.t SET a = a + 1 WHERE id = %d", round+50); err != nil {
				t.Error(err)
			}
		}
		if err := exec("ROLLBACK"); err != nil {
			t.Error(err)
		}
		conn.Close()
		if got := one(t, db, "SELECT COUNT(*) FROM brk.t WHERE a <> 1"); got != 0 {
			t.Fatalf("round %d, %v: %d rows have been changed by a part of a transaction that was rolled back", round, err, got)
		}
	}
}
