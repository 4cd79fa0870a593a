package gateway

import (
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// A session with temporary tables goes on when its database is altered or dropped.
func TestTemporaryTablesOfAlteredDatabase(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "tempalter")
	c.exec("CREATE TEMPORARY TABLE w (id INT)")
	c.exec("INSERT INTO w VALUES (1)")
	const told = "SELECT @@collation_database, COUNT(*) FROM w"
	c.exec("SET collation_database = latin1_bin")
	c.want(told, "latin1_bin|1")
	c.exec("USE mysql")
	c.want("SELECT @@collation_database = 'latin1_bin', COUNT(*) FROM tempalter.w", "0|1")
	c.exec("USE tempalter")
	c.exec("ALTER DATABASE tempalter COLLATE utf8mb4_unicode_ci")
	c.want(told, "utf8mb4_unicode_ci|1")
	c.exec("SET collation_database = latin1_bin")
	c.exec("ALTER DATABASE COLLATE utf8mb4_bin")
	c.want(told, "utf8mb4_bin|1")
	c.exec("DROP DATABASE tempalter")
	c.want("SELECT DATABASE(), COUNT(*) FROM tempalter.w", "NULL|1")
	c.fails(1046, "SELECT * FROM w")
	c.exec("CREATE DATABASE tempalter")
	c.exec("USE tempalter")
	c.want("SELECT COUNT(*) FROM w", "1")
	c.exec("CREATE OR REPLACE DATABASE tempalter")
	c.want("SELECT DATABASE(), COUNT(*) FROM tempalter.w", "NULL|1")
	c.fails(1046, "SELECT * FROM w")
	other := b.as(t, "root", "", "tempalter")
	other.exec("CREATE TEMPORARY TABLE o (id INT)")
	c.exec("DROP DATABASE tempalter") // of which the other session learns by what is missing
	other.want("SELECT COUNT(*) FROM o", "0")
	other.exec("USE mysql")
	other.want("SELECT COUNT(*) FROM tempalter.o", "0")
}

// Temporary tables are the session's, and shadow others for it alone.
func TestTemporaryTables(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "temps")
	c.exec("CREATE TABLE s (id INT PRIMARY KEY, v INT)")
	c.exec("INSERT INTO s VALUES (1, 10), (2, 20), (3, 30)")
	c.exec("CREATE REFERENCE TABLE r (id INT PRIMARY KEY, name VARCHAR(20))")
	c.exec("INSERT INTO r VALUES (1, 'one'), (2, 'two')")
	c.want("SELECT COUNT(*) FROM s", "3")
	early, err := c.c.PrepareContext(timeout(t), "SELECT COUNT(*) FROM s WHERE id > ?")
	if err != nil {
		t.Fatal(err)
	}
	defer early.Close()
	count := func() (n int) {
		t.Helper()
		if err := early.QueryRow(0).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := count(); n != 3 {
		t.Error(n)
	}
	c.exec("CREATE TEMPORARY TABLE w (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(20)) ENGINE=InnoDB")
	if id, err := c.exec("INSERT INTO w (v) VALUES ('a'), ('b')").LastInsertId(); err != nil || id != 1 {
		t.Error(id, err)
	}
	c.want("SELECT LAST_INSERT_ID()", "1")
	c.exec("INSERT INTO w VALUES (9, 'given')")
	c.want("SELECT LAST_INSERT_ID()", "1")
	c.want("SELECT w.v, r.name FROM w JOIN r ON r.id = w.id ORDER BY 1", "a|one/b|two")
	c.want("SELECT x.v FROM temps.w AS x JOIN w ON w.id = x.id + 1", "a")
	c.want("SELECT v FROM w WHERE id = ?", "b", 2)
	c.exec("PREPARE p FROM 'SELECT COUNT(*) FROM w WHERE id < ?'")
	c.exec("SET @n = 3")
	c.want("EXECUTE p USING @n", "2")
	c.exec("SET @m = (SELECT MAX(id) FROM w)")
	c.want("SELECT @m", "9")
	c.exec("SELECT v INTO @v FROM w WHERE id = 1")
	c.want("SELECT @v", "a")
	c.exec("INSERT INTO w (v) SELECT name FROM r")
	c.exec("UPDATE w SET v = CONCAT(v, '!') WHERE id = 9")
	c.exec("DELETE FROM w WHERE id = 2")
	c.exec("DELETE FROM w WHERE id IN (SELECT id + 1000 FROM r)")
	c.exec("DELETE w FROM w JOIN w AS x ON x.id = w.id + 1000")
	c.want("SELECT v FROM w ORDER BY id", "a/given!/one/two")
	c.exec("ALTER TABLE w ADD COLUMN k INT DEFAULT 5")
	c.exec("CREATE INDEX k ON w (k)")
	c.want("SELECT DISTINCT k FROM w", "5")
	if got := c.rows("SHOW CREATE TABLE w"); !strings.Contains(got, "CREATE TEMPORARY TABLE") || !strings.Contains(got, "KEY `k`") {
		t.Error(got)
	}
	if got := c.rows("DESCRIBE w"); !strings.HasPrefix(got, "id|int") {
		t.Error(got)
	}
	if got := c.rows("EXPLAIN SELECT * FROM w WHERE id = 1"); !strings.Contains(got, "PRIMARY") {
		t.Error(got)
	}
	// In the shadow of another table, for this session.
	c.exec("CREATE TEMPORARY TABLE s (id INT)")
	c.want("SELECT COUNT(*) FROM s", "0")
	if n := count(); n != 0 {
		t.Error(n)
	}
	b.root(t, "temps").want("SELECT COUNT(*) FROM s", "3")
	b.root(t, "temps").fails(1146, "SELECT * FROM w")
	c.exec("USE mysql")
	c.want("SELECT COUNT(*) FROM temps.w", "4")
	c.fails(1146, "SELECT * FROM w")
	c.exec("USE temps")
	// Transactions hold for them, beside others.
	c.exec("BEGIN")
	c.exec("INSERT INTO r VALUES (3, 'three')")
	c.exec("INSERT INTO s VALUES (7)")
	c.exec("CREATE TEMPORARY TABLE u AS SELECT name FROM r WHERE id < 3")
	c.want("SELECT name FROM r WHERE id NOT IN (SELECT id FROM w WHERE id < 3) ORDER BY id", "two/three")
	c.exec("SAVEPOINT p")
	c.exec("INSERT INTO s VALUES (8)")
	c.exec("ROLLBACK TO p")
	c.want("SELECT * FROM s", "7")
	c.exec("ROLLBACK")
	c.want("SELECT COUNT(*) FROM s", "0")
	c.want("SELECT COUNT(*) FROM r", "2")
	c.want("SELECT COUNT(*) FROM u", "2")
	c.exec("BEGIN")
	c.exec("INSERT INTO s VALUES (7)")
	c.exec("INSERT INTO r VALUES (4, 'four')")
	c.exec("COMMIT")
	c.want("SELECT id FROM s", "7")
	c.want("SELECT COUNT(*) FROM r", "3")
	c.exec("TRUNCATE TABLE s")
	c.want("SELECT COUNT(*) FROM s", "0")
	c.exec("DROP TABLE s")
	c.want("SELECT COUNT(*) FROM s", "3")
	if n := count(); n != 3 {
		t.Error(n)
	}
	c.exec("CREATE TEMPORARY TABLE IF NOT EXISTS w (x INT)")
	if got := c.rows("SHOW WARNINGS"); !strings.HasPrefix(got, "Note|1050|") {
		t.Error(got)
	}
	c.fails(1050, "CREATE TEMPORARY TABLE w (x INT)")
	c.fails(1064, "CREATE TEMPORARY TABLE x (x INT,)")
	c.fails(1051, "DROP TEMPORARY TABLE s")
	c.exec("DROP TEMPORARY TABLE IF EXISTS s")
	for _, q := range []string{
		"EXPLAIN SELECT * FROM w JOIN s ON s.id = w.id", "INSERT INTO r VALUES (50, (SELECT MAX(v) FROM w))",
		"LOCK TABLES w READ", "CREATE TEMPORARY TABLE z AS SELECT LAST_INSERT_ID() AS i", "CREATE TEMPORARY TABLE z AS SELECT @@spider_bgs_mode AS i",
		"RENAME TABLE w TO ww, r TO rr", "ALTER TABLE r RENAME TO w", "CREATE TABLE z LIKE w", "CREATE TEMPORARY TABLE z (a INT PRIMARY KEY, SHARD KEY (a))", "ANALYZE TABLE w, r",
		`CREATE TEMPORARY TABLE z (a INT) ENGINE=SPIDER COMMENT='host "h"'`,
	} {
		c.fails(1235, q)
	}
	// Beside others, whose rows are elsewhere.
	c.want("SELECT w.v, s.v FROM w JOIN s ON s.id = w.k - 3 ORDER BY w.id LIMIT 2", "a|20/given!|20")
	c.exec("INSERT INTO r SELECT id + 50, v FROM w WHERE id = 1")
	c.exec("INSERT INTO s SELECT id + 60, k FROM w WHERE id = 1")
	c.want("SELECT r.name, s.v FROM r JOIN s ON s.id = r.id + 10", "a|5")
	c.exec("DELETE FROM r WHERE id = 51")
	c.exec("CREATE TEMPORARY TABLE ws AS SELECT w.v, SUM(s.v) AS sum FROM w JOIN s GROUP BY w.v")
	c.want("SELECT COUNT(*), MIN(sum) FROM ws", "4|65")
	c.fails(1062, "CREATE TEMPORARY TABLE one (PRIMARY KEY (k)) AS SELECT 1 AS k, v FROM s")
	c.fails(1146, "SELECT * FROM one")
	c.exec("CREATE USER tempuser IDENTIFIED BY 'p'")
	c.exec("GRANT CREATE TEMPORARY TABLES ON temps.* TO tempuser")
	u := b.as(t, "tempuser", "p", "temps")
	u.exec("CREATE TEMPORARY TABLE mine (id INT)")
	for _, q := range []string{"SELECT COUNT(*) FROM mine JOIN s ON s.id = mine.id", "INSERT INTO mine SELECT id FROM s", "INSERT INTO s SELECT id, 1 FROM mine", "CREATE TEMPORARY TABLE more AS SELECT id FROM s",
		"UPDATE mine JOIN s ON s.id = mine.id SET mine.id = 1", "DELETE FROM mine WHERE id IN (SELECT id FROM s)"} {
		u.fails(1142, q)
	}
	u.fails(1142, "SELECT * FROM more")
	c.exec("DROP TEMPORARY TABLE ws")
	c.exec("CREATE OR REPLACE TEMPORARY TABLE w (x INT)")
	c.want("SELECT COUNT(*) FROM w", "0")
	c.exec("DROP TEMPORARY TABLE w, u")
	c.fails(1146, "SELECT * FROM w")
	if n := c.rows("SELECT COUNT(*) FROM r"); n != "3" {
		t.Error(n)
	}
}

// A temporary table that is lost with its connection is not taken for another one.
func TestTemporaryTableLost(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "templost")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY)")
	c.exec("INSERT INTO t VALUES (1)")
	c.exec("CREATE TEMPORARY TABLE t (x INT)")
	c.exec("CREATE TEMPORARY TABLE u (x INT)")
	c.exec("INSERT INTO t VALUES (5)")
	c.exec("CREATE SEQUENCE q")
	c.exec("CREATE TEMPORARY SEQUENCE q START WITH 10")
	c.want("SELECT NEXTVAL(q)", "10")
	b.root(t, "templost").want("SELECT NEXTVAL(q)", "1")
	killed := 0
	for i := range b.farm.Leaves() {
		for _, thread := range strings.Split(b.leaf(t, i, "SELECT ID FROM information_schema.PROCESSLIST WHERE DB = 'templost' AND USER = 'root'"), "/") {
			if thread != "" {
				b.leaf(t, i, "KILL "+thread)
				killed++
			}
		}
	}
	if got, err := c.query("SELECT * FROM t"); err == nil {
		t.Errorf("with %d connections killed it is there: %s", killed, got)
	}
	if m := c.fails(1146, "SELECT * FROM t"); !strings.Contains(m, "lost") {
		t.Error(m)
	}
	c.fails(1146, "INSERT INTO t VALUES (6)")
	for _, q := range []string{"SELECT NEXTVAL(q)", "SELECT * FROM q", "INSERT INTO u VALUES (LASTVAL(q))"} {
		c.fails(1146, q)
	}
	c.exec("DROP SEQUENCE q")
	c.want("SELECT NEXTVAL(q)", "2")
	c.exec("CREATE TEMPORARY TABLE u (y INT)")
	c.want("SELECT COUNT(*) FROM u", "0")
	c.fails(1146, "SELECT * FROM t")
	c.exec("DROP TEMPORARY TABLE t")
	c.want("SELECT * FROM t", "1")
}

// What else a session does leaves its temporary tables alone, or takes them as MariaDB does.
func TestTemporaryTablesOfSession(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "tempsess")
	c.exec("CREATE TABLE s (id INT PRIMARY KEY)")
	c.exec("CREATE REFERENCE TABLE r (id INT PRIMARY KEY)")
	c.exec("CREATE TEMPORARY TABLE w (id INT PRIMARY KEY, v VARCHAR(20))")
	c.exec("SET autocommit = 0")
	c.exec("INSERT INTO w VALUES (1, 'a')")
	c.exec("INSERT INTO s VALUES (1)")
	c.exec("ROLLBACK")
	c.want("SELECT COUNT(*) FROM w", "0")
	c.exec("INSERT INTO w VALUES (1, 'a')")
	c.exec("INSERT INTO r VALUES (1)")
	c.exec("COMMIT")
	c.exec("SET autocommit = 1")
	c.want("SELECT w.id FROM w JOIN r ON r.id = w.id", "1")
	c.exec("SET @x = 'a', sql_mode = 'ANSI_QUOTES'")
	c.want(`SELECT "v" FROM w WHERE v = @x`, "a")
	c.exec("SET sql_mode = DEFAULT")
	c.exec("LOCK TABLES s WRITE")
	c.exec("INSERT INTO w VALUES (2, 'b')")
	c.exec("UNLOCK TABLES")
	c.want("SELECT GET_LOCK('temps', 1)", "1")
	c.want("SELECT COUNT(*) FROM w", "2")
	c.want("SELECT RELEASE_LOCK('temps')", "1")
	c.exec("CREATE TABLE later (id INT PRIMARY KEY)")
	c.exec("ALTER TABLE s ADD COLUMN v INT")
	c.want("SELECT COUNT(*) FROM w", "2")
	c.fails(1062, "INSERT INTO w VALUES (2, 'b')")
	c.fails(1054, "SELECT nosuch FROM w")
	c.want("SELECT COUNT(*) FROM information_schema.TABLES t JOIN w ON t.TABLE_NAME = 'later' WHERE t.TABLE_SCHEMA = 'tempsess'", "2")
	c.exec("INSERT INTO w VALUES (3, 'c') ON DUPLICATE KEY UPDATE v = 'x'")
	c.want("INSERT INTO w VALUES (4, 'd') RETURNING v", "d")
	c.want("WITH x AS (SELECT id FROM w WHERE id > 2) SELECT COUNT(*) FROM x", "2")
	c.want("SELECT COUNT(*) FROM (SELECT * FROM w UNION ALL SELECT id, 'r' FROM r) u", "5")
	// Rights are MariaDB's.
	b.account(t, "temper", "IDENTIFIED BY 'x'")
	c.exec("GRANT SELECT ON tempsess.* TO temper")
	plain := b.as(t, "temper", "x", "tempsess")
	plain.fails(1044, "CREATE TEMPORARY TABLE w (id INT)")
	c.exec("GRANT CREATE TEMPORARY TABLES ON tempsess.* TO temper")
	plain = b.as(t, "temper", "x", "tempsess")
	plain.exec("CREATE TEMPORARY TABLE w (id INT)")
	plain.exec("INSERT INTO w VALUES (1)")
	plain.fails(1142, "INSERT INTO r VALUES (7)")
	plain.want("SELECT COUNT(*) FROM w JOIN r USING (id)", "1")
	plain.fails(1044, "CREATE TEMPORARY TABLE mysql.w (id INT)")
	c.want("SELECT COUNT(*) FROM w", "4")
	// COM_RESET_CONNECTION drops them.
	raw := b.raw(t, "tempsess", 0)
	raw.ok(append([]byte{byte(wire.ComQuery)}, "CREATE TEMPORARY TABLE q (id INT)"...))
	raw.ok([]byte{byte(wire.ComResetConnection)})
	raw.send(append([]byte{byte(wire.ComQuery)}, "SELECT * FROM q"...))
	if got, err := raw.c.ReadPacket(); err != nil || !wire.IsError(got) {
		t.Errorf("%q, %v", got, err)
	}
}

// What is prepared is described with temporary tables, and without them once they are lost.
func TestTemporaryTablesPrepared(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "tempprep")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY)")
	c.exec("INSERT INTO t VALUES (1), (2)")
	c.exec("CREATE TEMPORARY TABLE t (x INT, y INT)")
	c.exec("INSERT INTO t VALUES (5, 6)")
	st, err := c.c.PrepareContext(timeout(t), "SELECT * FROM t WHERE x > ?")
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	var x, y int
	if err := st.QueryRow(1).Scan(&x, &y); err != nil || x != 5 || y != 6 {
		t.Error(x, y, err)
	}
	for i := range b.farm.Leaves() {
		for _, thread := range strings.Split(b.leaf(t, i, "SELECT ID FROM information_schema.PROCESSLIST WHERE DB = 'tempprep'"), "/") {
			if thread != "" {
				b.leaf(t, i, "KILL "+thread)
			}
		}
	}
	other, err := c.c.PrepareContext(timeout(t), "SELECT ? + 1")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := other.QueryRow(1).Scan(&x); err != nil || x != 2 {
		t.Error(x, err)
	}
	if err := st.QueryRow(1).Scan(&x, &y); err == nil || !strings.Contains(err.Error(), "1146") {
		t.Error(err)
	}
	c.exec("DROP TABLE t")
	c.want("SELECT * FROM t WHERE id = ?", "2", 2)
}

// A session goes on at another leaf when the one with its temporary tables dies, and makes new ones there.
func TestTemporaryTablesWithoutTheirLeaf(t *testing.T) {
	t.Parallel()
	b, err := newBench(farmtest.Start(t, 2), Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.close)
	root := b.database(t, "tempdead")
	root.exec("CREATE REFERENCE TABLE r (id INT PRIMARY KEY)")
	root.exec("INSERT INTO r VALUES (1)")
	var sessions []*client
	for range 4 { // at both leaves
		c := b.root(t, "tempdead")
		c.exec("CREATE TEMPORARY TABLE w (id INT)")
		c.exec("INSERT INTO w VALUES (1)")
		sessions = append(sessions, c)
	}
	if err := b.farm.Kill(0); err != nil {
		t.Fatal(err)
	}
	lost := 0
	for _, c := range sessions {
		if got, err := c.query("SELECT w.id FROM w JOIN r ON r.id = w.id"); err == nil && got == "1" {
			continue // it was at the other leaf
		}
		lost++
		c.want("SELECT id FROM r", "1")
		c.fails(1146, "SELECT * FROM w")
		c.exec("CREATE TEMPORARY TABLE w (id INT)")
		c.want("SELECT COUNT(*) FROM w JOIN r", "0")
	}
	if lost == 0 || lost == len(sessions) {
		t.Errorf("%d of %d sessions have lost their tables", lost, len(sessions))
	}
}
