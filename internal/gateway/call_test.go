package gateway

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// A procedure does what its definer may, or its caller where it says so; who may call it a leaf says. What it runs under is over when it ends.
func TestProceduresOfAccounts(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "calldb")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
	c.exec("CREATE PROCEDURE put (k INT) BEGIN INSERT INTO calldb.t VALUES (k, k); SET @who = CURRENT_USER(); END")
	c.exec("CREATE PROCEDURE own (k INT) SQL SECURITY INVOKER INSERT INTO calldb.t VALUES (k, k)")
	c.exec("CREATE PROCEDURE both_of (k INT) SQL SECURITY INVOKER BEGIN CALL put(k); SET @me = CURRENT_USER(); CALL own(k + 1); END")
	c.exec("CREATE PROCEDURE leaves_open () BEGIN START TRANSACTION; INSERT INTO t VALUES (99, 99); END")
	me := c.rows("SELECT CURRENT_USER()")
	b.account(t, "'pcaller'@'%'", "IDENTIFIED BY 'p'")
	caller := b.as(t, "pcaller", "p", "")
	caller.fails(1370, "CALL calldb.put(1)")
	c.exec("GRANT EXECUTE ON PROCEDURE calldb.put TO 'pcaller'@'%'")
	c.exec("GRANT EXECUTE ON PROCEDURE calldb.own TO 'pcaller'@'%'")
	c.exec("GRANT EXECUTE ON PROCEDURE calldb.both_of TO 'pcaller'@'%'")
	c.exec("GRANT EXECUTE ON PROCEDURE calldb.leaves_open TO 'pcaller'@'%'")
	caller.exec("SET sql_mode = 'ANSI_QUOTES'")
	caller.exec("CALL calldb.put(1)")
	caller.want("SELECT @who <> CURRENT_USER(), DATABASE() IS NULL, @@sql_mode, CURRENT_USER()", "1|1|ANSI_QUOTES|pcaller@%")
	caller.fails(1142, "CALL calldb.own(2)")
	caller.fails(1142, "INSERT INTO calldb.t VALUES (3, 3)")
	caller.fails(1142, "CALL calldb.both_of(3)")
	caller.want("SELECT @me", "pcaller@%")
	caller.fails(1318, "CALL calldb.put(1, 2)")
	caller.fails(1370, "CALL calldb.nosuch()")
	caller.exec("BEGIN")
	if m := caller.fails(1235, "CALL calldb.put(5)"); !strings.Contains(m, "grant the caller") {
		t.Error(m)
	}
	caller.exec("COMMIT")
	// Within a transaction both the definer's and the caller's rights count.
	c.exec("CREATE PROCEDURE add_one (k INT) BEGIN INSERT INTO calldb.t VALUES (k, k); SELECT COUNT(*) INTO @n FROM calldb.t; END")
	c.exec("GRANT EXECUTE ON PROCEDURE calldb.add_one TO 'pcaller'@'%'")
	c.exec("GRANT SELECT, INSERT ON calldb.t TO 'pcaller'@'%'")
	caller.exec("BEGIN")
	caller.exec("INSERT INTO calldb.t VALUES (20, 20)")
	caller.exec("CALL calldb.add_one(21)")
	caller.want("SELECT @n", "4")
	caller.exec("SET @who = ''")
	caller.exec("CALL calldb.put(22)")
	caller.want("SELECT @who, COUNT(*) FROM calldb.t", me+"|5")
	c.exec("CREATE PROCEDURE asks () BEGIN DECLARE w VARCHAR(80) DEFAULT CURRENT_USER; SET @n = (SELECT COUNT(*) FROM calldb.t WHERE CURRENT_USER() = w); SELECT CURRENT_USER(), USER() <> w, @n AS n FROM calldb.t WHERE id = 20; END")
	c.exec("SET @itself = 'BEGIN NOT ATOMIC EXECUTE IMMEDIATE @itself; END'")
	c.fails(1436, "EXECUTE IMMEDIATE @itself") // MariaDB's, which has a stack overrun
	c.exec("CREATE PROCEDURE dynamic (k INT) BEGIN EXECUTE IMMEDIATE 'SELECT 1'; END")
	c.exec("CREATE PROCEDURE prepared (k INT) BEGIN SET @k = k; PREPARE p FROM 'INSERT INTO calldb.t VALUES (?, 0)'; EXECUTE p USING @k; DEALLOCATE PREPARE p; END")
	c.exec("CREATE PROCEDURE role_of () SELECT CURRENT_ROLE(), id INTO @r, @i FROM calldb.t LIMIT 1")
	c.exec("CREATE PROCEDURE told_of () SELECT CURRENT_USER()")
	for _, p := range []string{"asks", "dynamic", "prepared", "role_of", "told_of"} {
		c.exec("GRANT EXECUTE ON PROCEDURE calldb." + p + " TO 'pcaller'@'%'")
	}
	caller.want("CALL calldb.asks()", me+"|1|5")
	caller.exec("CALL calldb.prepared(23)")
	caller.want("SELECT v FROM calldb.t WHERE id = 23", "0")
	caller.fails(1235, "CALL calldb.dynamic(1)")
	caller.want("CALL calldb.told_of()", me)
	if m := caller.fails(1235, "CALL calldb.role_of()"); !strings.Contains(m, "CURRENT_ROLE") {
		t.Error(m)
	}
	caller.exec("ROLLBACK")
	b.account(t, "'pweak'@'%'", "IDENTIFIED BY 'p'")
	c.exec("GRANT SELECT ON calldb.t TO 'pweak'@'%'")
	c.exec("CREATE DEFINER='pweak'@'%' PROCEDURE weak (k INT) BEGIN INSERT INTO calldb.t VALUES (k, k); END")
	c.exec("CREATE DEFINER='pweak'@'%' PROCEDURE calls (k INT) CALL put(k)")
	c.exec("CREATE PROCEDURE back_again (k INT) SQL SECURITY INVOKER CALL weak(k)")
	c.exec("BEGIN")
	c.fails(1142, "CALL weak(30)")
	c.fails(1370, "CALL calls(31)")
	c.fails(1142, "CALL back_again(32)")
	c.exec("CALL add_one(33)")
	c.exec("ROLLBACK")
	c.exec("REVOKE SELECT, INSERT ON calldb.t FROM 'pcaller'@'%'")
	// So it is with functions that write.
	c.exec("CREATE FUNCTION puts (k INT) RETURNS INT BEGIN INSERT INTO calldb.t VALUES (k, 0), (k + 1, 0); RETURN k; END")
	c.exec("CREATE FUNCTION own_puts (k INT) RETURNS INT SQL SECURITY INVOKER BEGIN INSERT INTO calldb.t VALUES (k, 0); INSERT INTO calldb.t VALUES (k + 1, 0); RETURN k; END")
	caller.fails(1370, "SELECT calldb.puts(40)")
	c.exec("GRANT EXECUTE ON FUNCTION calldb.puts TO 'pcaller'@'%'")
	c.exec("GRANT EXECUTE ON FUNCTION calldb.own_puts TO 'pcaller'@'%'")
	caller.want("SELECT calldb.puts(40)", "40")
	caller.exec("SET @x = calldb.puts(42)")
	caller.want("SELECT @x, @@timestamp > 1600000000, CURRENT_USER(), @@in_transaction", "42|1|pcaller@%|0")
	caller.exec("DO calldb.puts(39)") // which warns of 1062, and has put nothing
	caller.fails(1142, "SELECT calldb.own_puts(50)")
	caller.fails(1235, "SELECT calldb.puts(50), calldb.puts(60)")
	caller.exec("BEGIN")
	caller.fails(1235, "SELECT calldb.puts(50)")
	caller.exec("COMMIT")
	c.fails(1062, "SELECT calldb.own_puts(39)")
	c.exec("CREATE VIEW by_view AS SELECT puts(50) AS n")
	c.exec("CREATE TEMPORARY TABLE tt (n INT)")
	for _, sql := range []string{
		"CREATE TABLE made AS SELECT puts(50) AS n", "CREATE TEMPORARY TABLE tt2 AS SELECT puts(50) AS n", "SELECT n FROM by_view",
		"SELECT * FROM by_view", "UPDATE tt SET n = 1 WHERE n = puts(50)", "INSERT INTO tt SELECT puts(50)", "SELECT puts(50) FROM tt", "SHOW TABLES WHERE puts(50) = 1", "KILL puts(50)", "EXPLAIN SELECT puts(50)",
		"SET GLOBAL slow_launch_time = puts(50)", "EXECUTE IMMEDIATE CONCAT('SELECT ', puts(50))", "ANALYZE SELECT puts(50)", "XA START 'puts'; SELECT puts(50)",
	} {
		for sql := range strings.SplitSeq(sql, "; ") {
			if strings.HasPrefix(sql, "XA") {
				c.exec(sql)
			} else {
				c.fails(1235, sql)
			}
		}
	}
	c.exec("XA END 'puts'")
	c.exec("XA ROLLBACK 'puts'")
	c.exec("INSERT INTO tt VALUES (puts(60))")
	c.want("SELECT n FROM tt", "60")
	c.exec("DROP TEMPORARY TABLE tt")
	c.exec("DELETE FROM t WHERE id IN (60, 61)")
	c.want("SELECT GROUP_CONCAT(id ORDER BY id) FROM t WHERE id > 30", "40,41,42,43")
	c.exec("DELETE FROM t WHERE id > 30")
	other := b.root(t, "calldb")
	other.exec("SET sql_mode = 'ORACLE'")
	if m := other.fails(1235, "CREATE PROCEDURE oracles AS BEGIN SELECT 1; END"); !strings.Contains(m, "ORACLE") {
		t.Error(m)
	}
	caller.fails(1235, "CALL calldb.leaves_open()")
	c.want("SELECT GROUP_CONCAT(id ORDER BY id) FROM t", "1,3")
	c.exec("REVOKE EXECUTE ON PROCEDURE calldb.put FROM 'pcaller'@'%'")
	caller.fails(1370, "CALL calldb.put(6)")
	caller.fails(1370, "CALL calldb.both_of(6)")
}

// rowWaits is how many wait for a row's lock. Unlike INNODB_TRX it changes while it is asked again and again.
const rowWaits = "SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'INNODB_ROW_LOCK_CURRENT_WAITS'"

// A function whose transaction is lost is over, whatever handlers it has: what it did before would be missing.
func TestFunctionsAreDeadlocked(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "fdeadlock")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY, v INT, SHARD KEY ())")
	c.exec("CREATE FUNCTION puts (k INT) RETURNS INT BEGIN DECLARE CONTINUE HANDLER FOR SQLEXCEPTION BEGIN END; INSERT INTO t VALUES (k, 0); INSERT INTO t VALUES (k + 1, 0); INSERT INTO t VALUES (k + 2, 0); RETURN 1; END")
	other := b.root(t, "fdeadlock")
	other.exec("BEGIN")
	for i := range 20 { // so that the function is the one to be undone
		other.exec("INSERT INTO t VALUES (?, 1)", 100+i)
	}
	other.exec("INSERT INTO t VALUES (2, 1)")
	done := make(chan error, 1)
	go func() {
		_, err := c.c.ExecContext(context.Background(), "DO puts(1)")
		done <- err
	}()
	waitFor(t, func() bool {
		select {
		case err := <-done:
			t.Fatalf("the function did not wait: %v", err)
		default:
		}
		return b.leaf(t, 0, rowWaits) == "1" || b.leaf(t, 1, rowWaits) == "1"
	})
	other.exec("DELETE FROM t WHERE id = 1")
	var e *mysql.MySQLError
	if err := <-done; !errors.As(err, &e) || e.Number != 1213 {
		t.Errorf("the function gave %v", err)
	}
	other.exec("ROLLBACK")
	c.want("SELECT COUNT(*), @@in_transaction FROM t", "0|0")
	c.want("SELECT puts(1)", "1")
	c.want("SELECT COUNT(*) FROM t", "3")
}

// KILL, and the time that the session gives statements, end a program wherever it is, and no handler of its keeps it going.
func TestProgramsAreKilled(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "killpdb")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
	victim := b.root(t, "killpdb")
	id := victim.rows("SELECT CONNECTION_ID()")
	for _, loop := range []string{"SET @x = 1", "INSERT INTO t VALUES (1, 1) ON DUPLICATE KEY UPDATE v = v + 1"} {
		text := "BEGIN NOT ATOMIC DECLARE CONTINUE HANDLER FOR SQLEXCEPTION SET @caught = 1; WHILE TRUE DO " + loop + "; END WHILE; END"
		done := make(chan error, 1)
		go func() {
			_, err := victim.c.ExecContext(context.Background(), text)
			done <- err
		}()
		waitFor(t, func() bool { return strings.Contains(c.rows("SHOW FULL PROCESSLIST"), loop) })
		c.exec("KILL QUERY " + id)
		var e *mysql.MySQLError
		if err := <-done; !errors.As(err, &e) || e.Number != 1317 {
			t.Errorf("%s: KILL QUERY gave %v", loop, err)
		}
		victim.want("SELECT @caught", "NULL")
	}
	victim.exec("SET max_statement_time = 1")
	victim.fails(1969, "BEGIN NOT ATOMIC WHILE TRUE DO SET @x = 1; END WHILE; END")
	victim.fails(1969, "BEGIN NOT ATOMIC DECLARE CONTINUE HANDLER FOR SQLEXCEPTION SET @caught = 1; WHILE TRUE DO SELECT MAX(v) INTO @x FROM t; END WHILE; END")
}
