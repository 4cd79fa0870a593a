package gateway

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// The shard key is changed again and again while sessions of two nodes write and read the table: each write that was acknowledged is there, once, where the key says.
func TestShardKeyChangesUnderWriters(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "keydb")
	c.exec("CREATE TABLE t (id INT, w INT, v INT NOT NULL DEFAULT 0, PRIMARY KEY (id, w), KEY (w), SHARD KEY ())")
	two := b.beside(t, "node-2")
	ctx, stop := context.WithCancel(timeout(t))
	defer stop()
	var rows, sum atomic.Int64
	var done sync.WaitGroup
	failed := func(what string, err error) {
		if err != nil && ctx.Err() == nil {
			t.Errorf("%s: %v", what, err)
			stop()
		}
	}
	for n := range 4 {
		node := b
		if n%2 == 1 {
			node = two
		}
		s := node.root(t, "keydb").c
		done.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				id, w := i*4+n, i%7
				if _, err := s.ExecContext(timeout(t), "INSERT INTO t (id, w) VALUES (?, ?)", id, w); err != nil {
					failed("INSERT", err)
					return
				}
				rows.Add(1)
				if i%5 == 0 { // in a transaction, of which each statement may have to wait
					for _, q := range []string{"BEGIN", "UPDATE t SET v = v + 1 WHERE id = %d AND w = %d", "UPDATE t SET v = v + 1 WHERE id = %[1]d", "COMMIT"} {
						if q[0] == 'U' {
							q = fmt.Sprintf(q, id, w)
						}
						if _, err := s.ExecContext(timeout(t), q); err != nil {
							failed(q, err)
							return
						}
					}
					sum.Add(2)
				}
				var found int
				if err := s.QueryRowContext(timeout(t), "SELECT COUNT(*) FROM t WHERE id = ? AND w = ?", id, w).Scan(&found); err != nil || found != 1 {
					failed("SELECT", errors.Join(err, fmt.Errorf("row %d, %d is there %d times", id, w, found)))
					return
				}
			}
		})
	}
	for _, key := range []string{"id", "w", "w, id", ""} {
		before := rows.Load()
		waitFor(t, func() bool { return rows.Load() > before+20 || ctx.Err() != nil })
		for ctx.Err() == nil {
			_, err := c.c.ExecContext(ctx, "ALTER TABLE t SHARD KEY ("+key+")")
			var e *mysql.MySQLError
			if err == nil || !errors.As(err, &e) || e.Number != 1205 { // the machine is slow
				failed("ALTER", err)
				break
			}
		}
	}
	stop()
	done.Wait()
	c.want("SELECT COUNT(*), COUNT(DISTINCT id), SUM(v) FROM t", fmt.Sprintf("%d|%[1]d|%d", rows.Load(), sum.Load()))
	c.want("SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'keydb'", "1")
	if rows.Load() < 80 {
		t.Errorf("only %d rows were written", rows.Load())
	}
}

// Statements wait for one that keeps a table closed, as for any ALTER TABLE; a transaction that has the table does not wait for itself.
func TestShardKeyWaitsForTransactions(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "keydb2")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, v INT)")
	c.exec("INSERT INTO t (v) VALUES (1), (2), (3), (4)")
	c.want("SHOW CREATE TABLE t", c.rows("SHOW CREATE TABLE t"))
	tx := b.root(t, "keydb2")
	tx.exec("BEGIN")
	tx.exec("UPDATE t SET v = 10 WHERE id = 1")
	altered := make(chan error, 1)
	go func() {
		_, err := c.c.ExecContext(timeout(t), "ALTER TABLE t SHARD KEY ()")
		altered <- err
	}()
	waitFor(t, func() bool { return b.cat.Snapshot().Table("keydb2", "t").Closed != "" })
	b.root(t, "keydb2").want("SELECT COUNT(*) FROM t", "4")
	tx.exec("UPDATE t SET v = 20 WHERE id = 2")
	tx.exec("INSERT INTO t (v) VALUES (5)")
	tx.exec("COMMIT")
	if err := <-altered; err != nil {
		t.Fatal(err)
	}
	c.want("SELECT id, v FROM t ORDER BY id", "1|10/2|20/3|3/4|4/5|5")
	c.exec("INSERT INTO t (v) VALUES (6)")
	c.exec("ALTER TABLE t ADD UNIQUE (v)")
	c.exec("DELETE FROM t WHERE id = 6")
	c.exec("ALTER TABLE t DROP KEY v, COMMENT = 'x'")
	c.exec("ALTER TABLE t SHARD KEY (id)")
	c.exec("INSERT INTO t (v) VALUES (7)")
	c.want("SELECT id, v FROM t ORDER BY id", "1|10/2|20/3|3/4|4/5|5/7|7")
}

// Tables that are made first and get their keys afterwards are placed by these, as long as they have no rows.
func TestKeysThatComeLaterPlaceATable(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "keydb3")
	c.exec("CREATE TABLE u (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(20), mail VARCHAR(20))")
	c.exec("CREATE TABLE k (a INT, b INT)")
	c.exec("CREATE TABLE p (id INT PRIMARY KEY, a INT)")
	c.exec("CREATE TABLE ch (a INT, x INT)")
	c.exec("CREATE TABLE full (id INT PRIMARY KEY, name VARCHAR(20))")
	c.exec("INSERT INTO full VALUES (1, 'a')")
	c.exec("CREATE TABLE said (id INT PRIMARY KEY, name VARCHAR(20), SHARD KEY (id))")
	c.exec("ALTER TABLE u ADD UNIQUE (name)")
	c.want("SHOW WARNINGS", "Note|1503|Table 'u' has all its rows in one partition, as no column could be the shard key of all its unique keys: SHARD KEY () says so. Large tables are better spread by SHARD KEY (…),"+
		" without the keys that keep them from it; CREATE REFERENCE TABLE makes one whose rows every leaf has")
	c.exec("CREATE UNIQUE INDEX m ON u (mail)")
	c.exec("INSERT INTO u (name, mail) VALUES ('ada', 'a'), ('grace', 'g')")
	c.fails(1062, "INSERT INTO u (name, mail) VALUES ('ada', 'x')")
	c.exec("ALTER TABLE k ADD PRIMARY KEY (a)")
	c.want("SHOW WARNINGS", "")
	c.exec("INSERT INTO k VALUES (1, 1), (2, 1)")
	c.exec("ALTER TABLE ch ADD FOREIGN KEY (a) REFERENCES p (id)")
	c.exec("INSERT INTO p VALUES (1, 1), (2, 2), (3, 3)")
	c.exec("INSERT INTO ch VALUES (1, 1), (2, 2), (3, 3)")
	c.fails(1452, "INSERT INTO ch VALUES (4, 4)")
	c.exec("SET gather_max_rows = 0")
	c.fails(1503, "ALTER TABLE full ADD UNIQUE (name)")
	c.exec("SET gather_max_rows = DEFAULT")
	c.exec("ALTER TABLE full ADD UNIQUE (name)")
	c.fails(1062, "INSERT INTO full VALUES (2, 'a')")
	c.fails(1503, "CREATE UNIQUE INDEX n ON said (name)")
	want := map[string]string{"u": "single", "k": "sharded [0]", "p": "sharded [0]", "ch": "sharded [0] explicit", "full": "single", "said": "sharded [0] explicit"}
	for name, placed := range want {
		table := b.cat.Snapshot().Table("keydb3", name)
		got := string(table.Kind)
		if len(table.ShardKey) > 0 {
			got += fmt.Sprint(" ", table.ShardKey)
		}
		if table.Explicit {
			got += " explicit"
		}
		if got != placed || table.Closed != "" {
			t.Errorf("%s is %s, want %s", name, got, placed)
		}
	}
}
