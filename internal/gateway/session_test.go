package gateway

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

func TestSessionFunctions(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "fundb")
	c.exec("CREATE TABLE t (id BIGINT AUTO_INCREMENT PRIMARY KEY, v INT)")
	c.exec("CREATE TABLE child (id INT PRIMARY KEY, parent BIGINT)")
	c.want("SELECT DATABASE(), SCHEMA()", "fundb|fundb")
	c.want("SELECT DATABASE() FROM t", "")
	c.exec("INSERT INTO t (v) VALUES (7)")
	id := c.rows("SELECT id FROM t")
	c.want("SELECT LAST_INSERT_ID()", id)
	c.want("SELECT LAST_INSERT_ID(), DATABASE() FROM t WHERE id = LAST_INSERT_ID()", id+"|fundb")
	c.exec("INSERT INTO child VALUES (1, LAST_INSERT_ID()), (2, LAST_INSERT_ID())")
	c.want("SELECT parent FROM child WHERE id = 2", id)
	c.exec("INSERT INTO t (id, v) VALUES (1000000, 8)")
	c.want("SELECT LAST_INSERT_ID()", id) // a given value is not a generated one
	c.exec("INSERT INTO t (v) VALUES (9),(10)")
	if got := c.rows("SELECT LAST_INSERT_ID()"); got == id {
		t.Errorf("LAST_INSERT_ID() is still %s", got)
	}
	c.exec("UPDATE t SET v = v + 1")
	c.want("SELECT ROW_COUNT()", "4")
	c.want("SELECT ROW_COUNT()", "-1")
	c.want("SELECT 1 - ROW_COUNT()", "2")
	c.want("SELECT v FROM t ORDER BY v LIMIT 2", "8/9")
	c.want("SELECT FOUND_ROWS()", "2")
	c.want("SELECT SQL_CALC_FOUND_ROWS TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'fundb' ORDER BY 1 LIMIT 1", "child")
	c.want("SELECT FOUND_ROWS()", "2")
	c.exec("UPDATE t SET v = LAST_INSERT_ID(v + 100) WHERE id = 1000000")
	c.want("SELECT LAST_INSERT_ID()", "109")
	x := c.rows("SELECT CONNECTION_ID()")
	c.want("SELECT CONNECTION_ID() = @@pseudo_thread_id, CONNECTION_ID() >> 20", fmt.Sprintf("1|%d", b.node.ID()))
	if y := c.rows("SELECT CONNECTION_ID() FROM t WHERE id = 1000000"); x != y {
		t.Errorf("the connection's id is %s, and %s in a partition", x, y)
	}
	rows, err := c.c.QueryContext(timeout(t), "SELECT DATABASE(), LAST_INSERT_ID() + 1, @@identity AS x, CONCAT(DATABASE(), '-', SCHEMA()) FROM t WHERE id = 1000000")
	if err != nil {
		t.Fatal(err)
	}
	cols, err := rows.Columns()
	rows.Close()
	if got := strings.Join(cols, ","); err != nil || got != "DATABASE(),LAST_INSERT_ID() + 1,x,CONCAT(DATABASE(), '-', SCHEMA())" {
		t.Errorf("columns %s %v", got, err)
	}
}

func TestMultiStatements(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "multidb")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t VALUES (1),(2); UPDATE t SET id = id WHERE id = 1;")
	rows, err := c.c.QueryContext(timeout(t), "SELECT 1; SELECT COUNT(*) FROM t; INSERT INTO t VALUES (3); SELECT id FROM t WHERE id = 3; /* end */")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for {
		for rows.Next() {
			var s string
			if err := rows.Scan(&s); err != nil {
				t.Fatal(err)
			}
			got = append(got, s)
		}
		if !rows.NextResultSet() {
			break
		}
	}
	if err := rows.Err(); err != nil || strings.Join(got, ",") != "1,2,3" {
		t.Errorf("%v %v", got, err)
	}
	rows.Close()
	_, err = c.c.ExecContext(timeout(t), "INSERT INTO t VALUES (4); INSERT INTO t VALUES (4); INSERT INTO t VALUES (5)")
	var e *mysql.MySQLError
	if !errors.As(err, &e) || e.Number != 1062 || strings.Contains(e.Message, "multidb_") {
		t.Errorf("got %v", err)
	}
	c.want("SELECT COUNT(*) FROM t", "4")
	single := b.open(t, "root", "", "multidb", "")
	if _, err := single.Exec("SELECT 1; SELECT 2"); !errors.As(err, &e) || e.Number != 1064 {
		t.Errorf("several statements where one was agreed on: %v", err)
	}
}

func TestTransactions(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "txdb")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
	c.exec("INSERT INTO t VALUES (1,1),(2,2),(3,3),(4,4)")
	other := b.root(t, "txdb")
	c.exec("BEGIN")
	c.want("SELECT @@in_transaction", "1")
	c.exec("UPDATE t SET v = v + 10")
	other.want("SELECT SUM(v) FROM t", "10")
	c.exec("SAVEPOINT s1")
	c.exec("DELETE FROM t")
	c.exec("ROLLBACK TO s1")
	c.fails(1305, "ROLLBACK TO nosuch")
	c.exec("COMMIT")
	other.want("SELECT SUM(v) FROM t", "50")
	c.exec("SET autocommit = 0")
	c.exec("UPDATE t SET v = 0 WHERE id = 1")
	c.want("SELECT @@autocommit, @@in_transaction", "0|1")
	other.want("SELECT v FROM t WHERE id = 1", "11")
	c.exec("SET autocommit = 1")
	other.want("SELECT v FROM t WHERE id = 1", "0")
	c.exec("START TRANSACTION READ ONLY")
	c.fails(1792, "UPDATE t SET v = 5 WHERE id = 2")
	c.exec("ROLLBACK")
	c.exec("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
	c.exec("START TRANSACTION")
	c.want("SELECT v FROM t WHERE id = 2", "12")
	other.exec("UPDATE t SET v = 22 WHERE id = 2")
	c.want("SELECT v FROM t WHERE id = 2", "22")
	c.exec("COMMIT AND CHAIN")
	c.want("SELECT v FROM t WHERE id = 2", "22")
	c.exec("ROLLBACK")
	c.exec("SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE")
	c.want("SELECT @@tx_isolation", "SERIALIZABLE")
	c.exec("SET SESSION tx_isolation = DEFAULT")
	c.exec("SET tx_isolation = 'READ-COMMITTED'")
	c.want("SELECT @@tx_isolation", "READ-COMMITTED")
	c.exec("SET tx_isolation = DEFAULT, tx_read_only = 1")
	c.exec("BEGIN")
	c.fails(1792, "UPDATE t SET v = 5 WHERE id = 2")
	c.exec("ROLLBACK")
	c.exec("SET tx_read_only = 0")
	c.fails(1064, "START TRANSACTION READ ONLY, READ WRITE")
	c.exec("BEGIN")
	c.exec("INSERT INTO t VALUES (9,9)")
	c.exec("CREATE TABLE implicit (id INT PRIMARY KEY)")
	c.want("SELECT @@in_transaction", "0")
	other.want("SELECT v FROM t WHERE id = 9", "9")
}

func TestSQLPrepare(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "prepdb")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20))")
	c.exec("PREPARE ins FROM 'INSERT INTO t VALUES (?, ?)'")
	c.exec("SET @i = 1, @v = 'it''s'")
	c.exec("EXECUTE ins USING @i, @v")
	c.exec("EXECUTE ins USING 2, CONCAT('a', 'b')")
	c.exec("EXECUTE ins USING 3, NULL")
	c.want("SELECT * FROM t ORDER BY id", "1|it's/2|ab/3|NULL")
	c.exec("SET @q = 'SELECT v FROM t WHERE id = ?'")
	c.exec("PREPARE q FROM @q")
	c.want("EXECUTE q USING 2", "ab")
	c.fails(1210, "EXECUTE q")
	c.fails(1243, "EXECUTE nosuch")
	c.exec("DEALLOCATE PREPARE q")
	c.fails(1243, "EXECUTE q USING 2")
	c.fails(1243, "DROP PREPARE q")
	c.fails(1064, "PREPARE bad FROM 'SELECT FROM'")
	c.fails(1146, "PREPARE bad FROM 'SELECT * FROM nosuch'")
	c.fails(1064, "PREPARE bad FROM 'SELECT 1; SELECT 2'")
	c.fails(1295, "PREPARE bad FROM 'PREPARE x FROM ''SELECT 1'''")
	c.want("EXECUTE IMMEDIATE 'SELECT COUNT(*) FROM t WHERE id > ?' USING 1", "2")
	c.exec("PREPARE l FROM 'SELECT id FROM t ORDER BY id LIMIT ?'")
	c.want("EXECUTE l USING 2", "1/2")
	c.exec("PREPARE s FROM 'SET @z = ?'")
	c.exec("EXECUTE s USING 42")
	c.want("SELECT @z", "42")
}

func TestBinaryProtocol(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "bindb")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(2000), d DATETIME(3), f DOUBLE, n DECIMAL(10,2), u BIGINT UNSIGNED)")
	ins, err := c.c.PrepareContext(timeout(t), "INSERT INTO t VALUES (?,?,?,?,?,?)")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2024, 5, 6, 7, 8, 9, 120e6, time.UTC)
	for i := range 20 {
		if _, err := ins.Exec(i, fmt.Sprint("v", i), now, float64(i)/4, "1.25", uint64(1<<63)); err != nil {
			t.Fatal(err)
		}
	}
	sel, err := c.c.PrepareContext(timeout(t), "SELECT v, d, f, n, u FROM t WHERE id = ?")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		var v, d, n string
		var f float64
		var u uint64
		if err := sel.QueryRow(i).Scan(&v, &d, &f, &n, &u); err != nil || v != fmt.Sprint("v", i) || d != "2024-05-06 07:08:09.120" || f != float64(i)/4 || n != "1.25" || u != 1<<63 {
			t.Fatal(v, d, f, n, u, err)
		}
	}
	c.want("SELECT SUM(id), COUNT(*) FROM t WHERE id > ?", "190|19", 0)
	c.want("SELECT id FROM t WHERE id > ? ORDER BY id DESC LIMIT ?", "19/18", 5, 2)
	c.want("SELECT id FROM t WHERE id IN (?, ?) ORDER BY id", "3/5", 5, 3)
	c.want("SHOW TABLES WHERE Tables_in_bindb = ?", "t", "t")
	c.want("SHOW LEAVES", c.rows("SHOW LEAVES"))
	c.want("SELECT @@autocommit + ?, DATABASE()", "2|bindb", 1)
	c.exec("INSERT INTO t (id, v) VALUES (?, ?)", 100, strings.Repeat("x", 2000))
	if _, err := c.c.PrepareContext(timeout(t), "SELECT * FROM nosuch WHERE id = ?"); err == nil {
		t.Error("a statement on no table was prepared")
	}
	// A statement that was prepared before its table changed.
	star, err := c.c.PrepareContext(timeout(t), "SELECT * FROM t WHERE id = ?")
	if err != nil {
		t.Fatal(err)
	}
	c.exec("ALTER TABLE t DROP COLUMN d, DROP COLUMN f, DROP COLUMN n, DROP COLUMN u")
	var id int
	var v string
	if err := star.QueryRow(3).Scan(&id, &v); err != nil || v != "v3" {
		t.Error(id, v, err)
	}
	if r, err := c.c.ExecContext(timeout(t), "UPDATE t SET v = ? WHERE id < ?", "z", 5); err != nil {
		t.Error(err)
	} else if n, _ := r.RowsAffected(); n != 5 {
		t.Errorf("%d rows", n)
	}
}

func TestLoadDataLocal(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "loaddb")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20))")
	path := filepath.Join(t.TempDir(), "rows")
	var rows strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&rows, "%d\tv%d\n", i, i)
	}
	if err := os.WriteFile(path, []byte(rows.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	mysql.RegisterLocalFile(path)
	n, err := c.exec("SELECT 1; LOAD DATA LOCAL INFILE '" + path + "' INTO TABLE t; DO 1; DELETE FROM t").RowsAffected()
	if err != nil || n != 5000 {
		t.Error(n, err)
	}
	n, err = c.exec("LOAD DATA LOCAL INFILE '" + path + "' INTO TABLE t").RowsAffected()
	if err != nil || n != 5000 {
		t.Error(n, err)
	}
	c.want("SELECT COUNT(*), SUM(id) FROM t", "5000|12497500")
	c.want("SELECT v FROM t WHERE id = 4321", "v4321")
	// Lines that have no field for the shard key have its default.
	c.exec("CREATE TABLE d (a INT DEFAULT 7, b VARCHAR(9), c VARCHAR(9) NOT NULL, n INT, SHARD KEY (a, b, c))")
	short := filepath.Join(t.TempDir(), "short")
	if err := os.WriteFile(short, []byte("1\n2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	mysql.RegisterLocalFile(short)
	c.exec("LOAD DATA LOCAL INFILE '" + short + "' INTO TABLE d (n)")
	c.exec("LOAD DATA LOCAL INFILE '" + short + "' INTO TABLE d (n, a)")
	c.want("SELECT a, n FROM d WHERE a = 7 AND b IS NULL AND c = '' ORDER BY n", "7|1/7|2")
	c.want("SELECT a, n FROM d WHERE a = 0 AND b IS NULL AND c = '' ORDER BY n", "0|1/0|2")
	c.fails(1235, "LOAD DATA INFILE '/etc/passwd' INTO TABLE t")
	out, err := b.cli(t, "root", "", "", "--local-infile=0", "loaddb", "-e", "LOAD DATA LOCAL INFILE '"+path+"' INTO TABLE t")
	if err == nil {
		t.Error("a client that sends no files was asked for one: " + out)
	}
}

func TestLockTables(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "lockdb")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
	c.exec("CREATE REFERENCE TABLE r (id INT PRIMARY KEY)")
	c.exec("INSERT INTO t VALUES (1,1),(2,2),(3,3)")
	other := b.root(t, "lockdb")
	other.exec("SET SESSION lock_wait_timeout = 1")
	c.exec("LOCK TABLES t READ, r READ")
	c.want("SELECT COUNT(*) FROM t", "3")
	c.want("SELECT t.id FROM t JOIN r USING (id)", "")
	c.fails(1099, "UPDATE t SET v = 0 WHERE id = 1")
	other.want("SELECT COUNT(*) FROM t", "3")
	other.fails(1205, "UPDATE t SET v = 0 WHERE id = 1")
	c.exec("UNLOCK TABLES")
	other.exec("UPDATE t SET v = 5 WHERE id = 1")
	c.exec("LOCK TABLES t AS x WRITE, t WRITE")
	c.exec("UPDATE t SET v = v + 1")
	c.want("SELECT SUM(x.v) FROM t AS x", "13")
	c.want("SELECT COUNT(*) FROM t JOIN t x ON x.v = t.v", "3")
	c.fails(1100, "SELECT COUNT(*) FROM t JOIN t y ON y.v = t.v")
	other.fails(1205, "SELECT * FROM t WHERE id = 2")
	c.exec("UNLOCK TABLES")
	other.want("SELECT SUM(v) FROM t", "13")
	c.exec("LOCK TABLES r WRITE")
	c.exec("INSERT INTO r VALUES (1)")
	other.fails(1205, "SELECT * FROM r")
	c.exec("BEGIN")
	other.want("SELECT * FROM r", "1")
	c.exec("COMMIT")
	c.fails(1235, "LOCK TABLES t READ, r WRITE")
	c.fails(1146, "LOCK TABLES nosuch READ")
}

func TestAdminStatements(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "admdb")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY)")
	c.exec("CREATE TABLE u (id INT PRIMARY KEY)")
	c.exec("CREATE REFERENCE TABLE r (id INT PRIMARY KEY)")
	c.want("CHECK TABLE t", "admdb.t|check|status|OK")
	c.want("CHECK TABLE t, r, u", "admdb.t|check|status|OK/admdb.r|check|status|OK/admdb.u|check|status|OK")
	c.want("ANALYZE TABLE admdb.t", "admdb.t|analyze|status|OK")
	if got := c.rows("OPTIMIZE TABLE t"); !strings.Contains(got, "admdb.t|optimize|status|OK") || strings.Contains(got, "admdb_") {
		t.Error(got)
	}
	c.want("CHECKSUM TABLE t, u QUICK", "admdb.t|NULL/admdb.u|NULL")
	b.account(t, "sums", "IDENTIFIED BY 'n'")
	c.exec("GRANT SELECT ON admdb.u TO sums")
	sums := b.as(t, "sums", "n", "admdb")
	sums.want("CHECKSUM TABLE u", "admdb.u|0")
	sums.fails(1142, "CHECKSUM TABLE u, t")
	c.exec("FLUSH TABLES")
	c.exec("FLUSH TABLES t, r")
	c.exec("FLUSH PRIVILEGES")
	c.fails(1235, "FLUSH TABLES t FOR EXPORT")
	b.account(t, "flusher", "IDENTIFIED BY 'n'")
	c.exec("GRANT SELECT, LOCK TABLES ON admdb.* TO flusher")
	f := b.as(t, "flusher", "n", "admdb")
	for _, sql := range []string{"FLUSH TABLES t WITH READ LOCK", "FLUSH TABLES t", "RESET QUERY CACHE", "RESET MASTER", "FLUSH BINARY LOGS DELETE_DOMAIN_ID = (5)"} {
		f.fails(1227, sql)
	}
	c.fails(1186, "FLUSH BINARY LOGS DELETE_DOMAIN_ID = (5)")
	c.exec("FLUSH TABLES t, admdb.r WITH READ LOCK")
	c.want("SELECT COUNT(*) FROM t, r", "0")
	c.fails(1099, "INSERT INTO t VALUES (1)")
	c.exec("UNLOCK TABLES")
	c.exec("INSERT INTO t VALUES (1)")
}

func TestRefusedStatements(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "refdb")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY)")
	for _, q := range []string{
		"CREATE PROCEDURE mysql.p() SELECT 1", "CREATE FUNCTION mysql.f() RETURNS INT RETURN 1", "CREATE FUNCTION f() RETURNS INT RETURN @a",
		"CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.id = 1", "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO l: LOOP SELECT 1; END LOOP",
		"HANDLER t OPEN", "INSTALL SONAME 'nosuch'", "CHANGE MASTER TO MASTER_HOST = 'x'", "STOP SLAVE",
		"UPDATE mysql.global_priv SET Priv = Priv", "INSERT INTO mysql.db SELECT * FROM mysql.db", "BACKUP STAGE START",
		"PURGE BINARY LOGS TO 'x'", "RESET SLAVE", "SHUTDOWN", "FLUSH TABLES t FOR EXPORT",
	} {
		c.fails(1235, q)
	}
	// What is wrong with a value MariaDB says beside the error.
	c.fails(1094, "KILL 'x'")
	c.want("SHOW WARNINGS", "Warning|1292|Truncated incorrect INTEGER value: 'x'/Error|1094|Unknown thread id: 0")
	c.fails(1094, "KILL QUERY '999999999x'")
	c.want("SHOW WARNINGS", "Warning|1292|Truncated incorrect INTEGER value: '999999999x'/Error|1094|Unknown thread id: 999999999")
	for _, q := range []string{"SET storage_engine = InnoDB", "SET SESSION max_tmp_tables = 3", "SET GLOBAL secure_auth = 1"} {
		c.exec(q)
		if got := c.rows("SHOW WARNINGS"); !strings.HasPrefix(got, "Warning|1287|") || strings.Contains(got, "/") {
			t.Errorf("%s: %s", q, got)
		}
	}
	// What is not there MariaDB says, and nothing else.
	for _, q := range []string{
		"DROP PROCEDURE IF EXISTS p", "DROP FUNCTION IF EXISTS f", "DROP TRIGGER IF EXISTS g", "DROP EVENT IF EXISTS e", "DROP SEQUENCE IF EXISTS s",
		"EXECUTE IMMEDIATE 'DROP PROCEDURE IF EXISTS p'",
	} {
		c.exec(q)
		if notes := c.rows("SHOW WARNINGS"); !strings.HasPrefix(notes, "Note|") {
			t.Errorf("%s: %s", q, notes)
		}
	}
	for q, code := range map[string]uint16{
		"DROP PROCEDURE p": 1305, "DROP FUNCTION f": 1305, "DROP TRIGGER g": 1360, "DROP EVENT e": 1539, "DROP SEQUENCE s": 4091, "ALTER PROCEDURE p COMMENT 'x'": 1305,
		"ALTER EVENT e DISABLE": 1539, "CALL p()": 1305, "SELECT f()": 1305, "SELECT NEXTVAL(s)": 4091, "DO NEXTVAL(s)": 1146, "SHOW CREATE TRIGGER g": 1360, "SHOW CREATE PROCEDURE p": 1305,
		"DROP PROCEDURE refdb_0.p": 1049, "DROP SEQUENCE t": 4090, "RESET MASTER": 1186, "FLUSH MASTER": 1186,
		"CALL sys.execute_prepared_stmt('DELETE FROM t')": 1235, "CREATE PROCEDURE p(": 1064, "CALL": 1064,
		"SELECT * FROM t, LATERAL (SELECT t.id) x": 1064, "SELECT * FROM t, LATERAL t2": 1146, "CALL refdb.": 1064, "CALL `refdb`.p": 1305, "DROP PROCEDURE sys.diagnostics": 1235,
	} {
		c.fails(code, q)
	}
	c.exec("CREATE TABLE made SELECT ? AS a", 5)
	if status := c.rows("SHOW PROCEDURE STATUS LIKE 's%'"); strings.Contains(status, "orbweaver") || !strings.Contains(status, "statement_performance_analyzer") {
		t.Error(status)
	}
	for _, q := range []string{"SHOW TRIGGERS", "SHOW EVENTS", "SELECT ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = 'refdb'"} {
		if rows := c.rows(q); rows != "" {
			t.Errorf("%s: %s", q, rows)
		}
	}
	for q, code := range map[string]uint16{
		"SELEC 1": 1064, "SELECT 'abc": 1064, "SELECT (1": 1064, " ": 1065, "SELECT /* open": 1064, "FOO BAR": 1064,
		"SELECT * FROM t WHERE": 1064, "SELECT nosuch FROM t": 1054, "INSERT INTO t VALUES (1,2)": 1136, "SELECT 1 FROM dual WHERE": 1064,
	} {
		c.fails(code, q)
	}
	c.exec("/* nothing */")
	if msg := c.fails(1064, "SELECT 1 FROM t WHER id = 1"); !strings.Contains(msg, "near 'id = 1' at line 1") {
		t.Error(msg)
	}
}

func TestKill(t *testing.T) {
	b := cluster(t)
	c := b.root(t, "")
	victim := b.root(t, "")
	id := victim.rows("SELECT CONNECTION_ID()")
	done := make(chan error, 1)
	go func() {
		_, err := victim.c.ExecContext(context.Background(), "SELECT SLEEP(300)")
		done <- err
	}()
	waitFor(t, func() bool { return strings.Contains(c.rows("SHOW PROCESSLIST"), "SLEEP(300)") })
	b.account(t, "'kweak'@'%'", "IDENTIFIED BY 'k'")
	weak := b.as(t, "kweak", "k", "")
	weak.fails(1095, "KILL QUERY "+id)
	c.exec("KILL QUERY " + id)
	var e *mysql.MySQLError
	if err := <-done; !errors.As(err, &e) || e.Number != 1317 {
		t.Errorf("KILL QUERY gave %v", err)
	}
	victim.want("SELECT 1", "1")
	c.exec("KILL " + id)
	if _, err := victim.query("SELECT 1"); err == nil {
		t.Error("the session lives after KILL")
	}
	c.fails(1094, "KILL 4294967295")
	own := b.as(t, "kweak", "k", "")
	ownID := own.rows("SELECT CONNECTION_ID()")
	weak.exec("KILL CONNECTION " + ownID)
	if _, err := own.query("SELECT 1"); err == nil {
		t.Error("the session lives after its owner's KILL")
	}
	if _, err := weak.query("KILL CONNECTION_ID()"); !errors.As(err, &e) || e.Number != 1927 {
		t.Errorf("a session that kills itself: %v", err)
	}
}

func TestNamedLocks(t *testing.T) {
	b := cluster(t)
	x, y := b.root(t, ""), b.root(t, "")
	x.want("SELECT GET_LOCK('l', 0)", "1")
	y.want("SELECT GET_LOCK('l', 0)", "0")
	x.want("SELECT IS_USED_LOCK('l') IS NOT NULL", "1")
	x.want("SELECT RELEASE_LOCK('l')", "1")
	y.want("SELECT GET_LOCK('l', 0)", "1")
	y.c.Close()
}

func TestCommandLineClient(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "clidb")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(10))")
	c.exec("INSERT INTO t VALUES (1,'a'),(2,'b')")
	// Not in batch mode it asks for all tables' columns (COM_FIELD_LIST), and says what COM_STATISTICS tells.
	out, err := b.cli(t, "root", "", "status\nSELECT * FROM t ORDER BY id;\nSHOW TABLES;\n", "--auto-rehash", "-t", "clidb")
	if err != nil || !strings.Contains(out, "| 1 | a    |") && !strings.Contains(out, "|  1 | a    |") || !strings.Contains(out, "Current database:\tclidb") || !strings.Contains(out, "MariaDB") {
		t.Errorf("%s %v", out, err)
	}
	out, err = b.cli(t, "root", "", "", "clidb", "-e", "SELECT * FROM nosuch")
	if err == nil || !strings.Contains(out, "ERROR 1146 (42S02) at line 1: Table 'clidb.nosuch' doesn't exist") {
		t.Errorf("%s %v", out, err)
	}
	out, err = b.cli(t, "root", "", "", "--compress", "-N", "-B", "-e", "SELECT REPEAT('x', 100000)")
	if err != nil || len(strings.TrimSpace(out)) != 100000 {
		t.Errorf("%d bytes, %v", len(out), err)
	}
}

func waitFor(t *testing.T, cond func() bool) {
	t.Helper()
	for range 2000 {
		if cond() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("it did not come to pass")
}
