package control_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// valueOf is the only value that a query gives.
func valueOf(t *testing.T, db *sql.DB, query string) (n int64) {
	t.Helper()
	if err := db.QueryRow(query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// refusedAs runs a statement that must fail with a number and a text.
func refusedAs(t *testing.T, db *sql.DB, statement string, number uint16, text string) {
	t.Helper()
	_, err := db.Exec(statement)
	var e *mysql.MySQLError
	if !errors.As(err, &e) || e.Number != number || !strings.Contains(e.Message, text) {
		t.Errorf("%s:\n%v\nwant %d … %s …", statement, err, number, text)
	}
}

const accounts = 400

// transfers moves money between partitions in transactions, and writes numbers to one partition before it writes them to another.
func (c *cluster) transfers(clients int) (done *atomic.Int64, stop func()) {
	running, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	done = new(atomic.Int64)
	stop = func() { cancel(); wg.Wait() }
	c.t.Cleanup(stop)
	for i := range clients {
		db := c.nodes[i%len(c.nodes)].db
		wg.Go(func() {
			for n := 1; running.Err() == nil; n++ {
				err := transfer(db, 1+rand.IntN(accounts), 1+rand.IntN(accounts))
				if err == nil {
					_, err = db.Exec("UPDATE d.step SET n = ? WHERE id = ?", n, 2*i)
				}
				if err == nil {
					_, err = db.Exec("UPDATE d.step SET n = ? WHERE id = ?", n, 2*i+1)
				}
				if err == nil {
					_, err = db.Exec("UPDATE d.rate SET n = n + 1 WHERE id = ?", i)
				}
				var e *mysql.MySQLError
				if err != nil && !(errors.As(err, &e) && e.Number == 1213) {
					c.t.Errorf("a client failed: %v", err)
					return
				}
				done.Add(1)
			}
		})
	}
	return done, stop
}

func transfer(db *sql.DB, from, to int) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.Exec("UPDATE d.account SET balance = balance - 1 WHERE id = ?", from); err != nil {
		return err
	}
	if _, err := tx.Exec("UPDATE d.account SET balance = balance + 1 WHERE id = ?", to); err != nil {
		return err
	}
	return tx.Commit()
}

func TestBackupIsOneMomentOfAllPartitions(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 1, 2)
	c.must("CREATE DATABASE d PARTITIONS 4", "CREATE TABLE d.account (id BIGINT AUTO_INCREMENT PRIMARY KEY, balance BIGINT NOT NULL)", "CREATE TABLE d.step (id INT PRIMARY KEY, n BIGINT NOT NULL)",
		"CREATE REFERENCE TABLE d.rate (id INT PRIMARY KEY, n BIGINT NOT NULL)")
	var rows []string
	for i := range accounts {
		rows = append(rows, fmt.Sprintf("(%d, 1000)", i+1))
	}
	c.must("INSERT INTO d.account VALUES " + strings.Join(rows, ", "))
	const clients = 12
	for i := range clients {
		c.must(fmt.Sprintf("INSERT INTO d.step VALUES (%d, 0), (%d, 0)", 2*i, 2*i+1), fmt.Sprintf("INSERT INTO d.rate VALUES (%d, 0)", i))
	}
	done, stop := c.transfers(clients)
	dir := t.TempDir()
	const backups = 6
	for i := range backups {
		before := done.Load()
		// At the node that is not the controller, as well.
		if _, err := c.nodes[i%2].db.Exec(fmt.Sprintf("BACKUP DATABASE d TO '%s/%d'", dir, i)); err != nil {
			t.Fatal(err)
		}
		t.Logf("backup %d: %d rounds of clients meanwhile", i, done.Load()-before)
	}
	stop()
	if done.Load() == 0 {
		t.Fatal("nothing was written")
	}
	o := newCluster(t, 3, 1, 1)
	db := o.nodes[0].db
	for i := range backups {
		name := fmt.Sprint("back", i)
		o.must(fmt.Sprintf("RESTORE DATABASE d AS %s FROM '%s/%d'", name, dir, i))
		if n := valueOf(t, db, "SELECT SUM(balance) FROM "+name+".account"); n != accounts*1000 {
			t.Errorf("backup %d: the balances' sum is %d", i, n)
		}
		if n := valueOf(t, db, "SELECT COUNT(*) FROM "+name+".account"); n != accounts {
			t.Errorf("backup %d: %d accounts", i, n)
		}
		for k := range clients {
			first := valueOf(t, db, fmt.Sprintf("SELECT n FROM %s.step WHERE id = %d", name, 2*k))
			second := valueOf(t, db, fmt.Sprintf("SELECT n FROM %s.step WHERE id = %d", name, 2*k+1))
			third := valueOf(t, db, fmt.Sprintf("SELECT n FROM %s.rate WHERE id = %d", name, k))
			if second > first || first > second+1 || third > second {
				t.Errorf("backup %d, client %d: it wrote %d, then %d, then %d", i, k, first, second, third)
			}
		}
		o.must("INSERT INTO " + name + ".account (balance) VALUES (0)")
		if n := valueOf(t, db, "SELECT MAX(id) FROM "+name+".account"); n <= accounts {
			t.Errorf("AUTO_INCREMENT went on with %d", n)
		}
	}
	used := map[string]bool{}
	for _, p := range o.nodes[0].cat.Snapshot().Databases["back0"].Partitions {
		leaf, _ := p.Master()
		used[leaf] = true
	}
	if len(used) != 3 {
		t.Errorf("the partitions are on %v", used)
	}
	entries, err := os.ReadDir(filepath.Join(dir, "0"))
	if err != nil || len(entries) != 2*4+1+1 {
		t.Errorf("%d files (%v), want a manifest, 4 files for each of the two sharded tables, and one for the reference table", len(entries), err)
	}
}

// What DDL comes in between of is one state all the same: the one before it, or the one after.
func TestBackupAcrossDDL(t *testing.T) {
	t.Parallel() // it waits for the rate
	c := newCluster(t, 2, 1, 1)
	c.large(10)
	c.must("CREATE TABLE d.x (id INT PRIMARY KEY, v CHAR(1))", "CREATE TABLE d.y (id INT PRIMARY KEY, v CHAR(1))")
	var x, y []string
	for i := range 200 {
		x, y = append(x, fmt.Sprintf("(%d, 'x')", i)), append(y, fmt.Sprintf("(%d, 'y')", i))
	}
	c.must("INSERT INTO d.x VALUES "+strings.Join(x, ", "), "INSERT INTO d.y VALUES "+strings.Join(y, ", "))
	c.must("SET GLOBAL copy_rate = 2") // so that there is a while in which it comes
	db, dir := c.nodes[0].db, t.TempDir()
	for i, ddl := range []string{
		"RENAME TABLE d.x TO d.z, d.y TO d.x, d.z TO d.y", "TRUNCATE TABLE d.x", "ALTER TABLE d.t CHANGE v w VARCHAR(255), CHANGE w v VARCHAR(255)",
		"ALTER TABLE d.t ADD COLUMN c INT DEFAULT 7", "DROP TABLE d.y",
	} {
		path, name := fmt.Sprint(dir, "/", i), fmt.Sprint("n", i)
		failed := make(chan error, 1)
		go func() { _, err := db.Exec("BACKUP DATABASE d TO '" + path + "'"); failed <- err }()
		appears(t, path, ".tsv.zst")
		state := func(db string) string {
			var out []string
			for _, table := range []string{"x", "y"} {
				if c.nodes[0].cat.Snapshot().Table(db, table) == nil {
					out = append(out, "none")
					continue
				}
				var v string
				if err := c.nodes[0].db.QueryRow("SELECT COALESCE(CONCAT(MIN(v), MAX(v), COUNT(*)), '') FROM " + db + "." + table).Scan(&v); err != nil {
					t.Fatal(err)
				}
				out = append(out, v)
			}
			return fmt.Sprint(out, valueOf(t, c.nodes[0].db, "SELECT SUM(CRC32(v)) FROM "+db+".t"), valueOf(t, c.nodes[0].db, "SELECT COUNT(*) FROM "+db+".t"), undated(c.told(db+".t")))
		}
		before := state("d")
		c.must(ddl)
		after := state("d")
		if err := <-failed; err != nil {
			t.Fatalf("%s: %v", ddl, err)
		}
		c.must("RESTORE DATABASE d AS " + name + " FROM '" + path + "'")
		if got := state(name); got != before && got != after {
			t.Errorf("%s: restored\n%s\nbefore\n%s\nafter\n%s", ddl, got, before, after)
		}
		c.must("DROP DATABASE " + name)
	}
}

// pastUnsaved has the database d refused whose past could not be restored.
func (c *cluster) pastUnsaved() {
	c.t.Helper()
	for what, made := range map[string][]string{
		"counted by transactions":    {"CREATE TABLE d.past (id INT, s BIGINT UNSIGNED GENERATED ALWAYS AS ROW START, e BIGINT UNSIGNED GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (s, e)) WITH SYSTEM VERSIONING"},
		"places that a backup":       {"CREATE TABLE d.past (id INT) WITH SYSTEM VERSIONING PARTITION BY SYSTEM_TIME LIMIT 5 PARTITIONS 3"},
		"that ended when they began": {"CREATE TABLE d.past (id INT) WITH SYSTEM VERSIONING", "SET timestamp = 1000000000", "INSERT INTO d.past VALUES (1)", "DELETE FROM d.past", "SET timestamp = DEFAULT"},
	} {
		c.must(made...)
		refusedAs(c.t, c.nodes[0].db, "BACKUP DATABASE d TO '"+filepath.Join(c.t.TempDir(), "past")+"'", 1235, what)
		c.must("DROP TABLE d.past")
	}
}

// undated is a table's definition without its counter.
func undated(create string) string {
	at := strings.Index(create, " AUTO_INCREMENT=")
	if at < 0 {
		return create
	}
	end := at + len(" AUTO_INCREMENT=")
	for end < len(create) && create[end] >= '0' && create[end] <= '9' {
		end++
	}
	return create[:at] + create[end:]
}
