package gateway

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// Whoever makes a routine may run and change it, at every leaf, as MariaDB has it; what is granted on it goes with it.
func TestRoutinesOfAccounts(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "routdb")
	b.account(t, "'rmaker'@'%'", "IDENTIFIED BY 'p'")
	b.account(t, "'rother'@'%'", "IDENTIFIED BY 'p'")
	c.exec("GRANT SELECT ON routdb.* TO 'rmaker'@'%', 'rother'@'%'")
	maker, other := b.as(t, "rmaker", "p", "routdb"), b.as(t, "rother", "p", "routdb")
	maker.fails(1044, "CREATE PROCEDURE p () SELECT 1")
	c.exec("GRANT CREATE ROUTINE ON routdb.* TO 'rmaker'@'%'")
	maker.exec("SET timestamp = 1600000000")
	maker.exec("CREATE PROCEDURE p () COMMENT 'x' SELECT 1")
	rights := func(want string) {
		t.Helper()
		for i := range b.farm.Leaves() { // whoever is asked
			if got := b.leaf(t, i, "SELECT COALESCE(GROUP_CONCAT(User, ' ', Routine_name, ' ', Proc_priv ORDER BY User, Routine_name SEPARATOR '; '), '') FROM mysql.procs_priv WHERE Db = 'routdb'"); got != want {
				t.Errorf("%q, want %q", got, want)
			}
		}
	}
	rights("rmaker p Execute,Alter Routine")
	for range 4 { // at whichever leaf
		b.as(t, "rmaker", "p", "routdb").want("SELECT ROUTINE_NAME, CREATED, LAST_ALTERED = CREATED FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = 'routdb'", "p|2020-09-13 12:26:40|1")
		b.as(t, "rother", "p", "routdb").want("SELECT COUNT(*) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = 'routdb'", "0")
	}
	maker.exec("SET timestamp = 1600000001")
	maker.exec("ALTER PROCEDURE p COMMENT 'y'")
	other.fails(1370, "ALTER PROCEDURE p COMMENT 'z'")
	other.fails(1370, "DROP PROCEDURE p")
	maker.fails(1227, "CREATE DEFINER=root@localhost PROCEDURE no () SELECT 1")
	c.fails(1227, "CREATE DEFINER=orbweaver@`%` PROCEDURE no () SELECT 1")
	c.exec("GRANT EXECUTE ON PROCEDURE routdb.p TO 'rother'@'%'")
	rights("rmaker p Execute,Alter Routine; rother p Execute")
	maker.exec("CREATE OR REPLACE PROCEDURE p () SELECT 2")
	rights("rmaker p Execute,Alter Routine; rother p Execute")
	if got := other.rows("SHOW GRANTS"); !strings.Contains(got, "GRANT EXECUTE ON PROCEDURE `routdb`.`p` TO `rother`@`%`") {
		t.Error(got)
	}
	maker.exec("DROP PROCEDURE p")
	rights("")
	c.exec("CREATE PROCEDURE kept () SELECT 1")
	c.fails(1235, "ALTER DATABASE routdb COLLATE utf8mb4_bin")
	c.exec("DROP DATABASE routdb")
	c.exec("CREATE DATABASE routdb PARTITIONS 2")
	c.want("SELECT COUNT(*) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = 'routdb'", "0")
	c.fails(1305, "SHOW CREATE PROCEDURE routdb.kept")
}

// A function is called with its definer's rights or the caller's, by whoever may execute it, wherever rows are.
func TestFunctionsOfAccounts(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "funcdb")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
	c.exec("CREATE REFERENCE TABLE r (id INT PRIMARY KEY, n INT)")
	c.exec("INSERT INTO t VALUES (1, 1), (2, 2), (3, 3), (4, 4), (5, 5)")
	c.exec("INSERT INTO r VALUES (1, 10)")
	b.account(t, "'fcaller'@'%'", "IDENTIFIED BY 'p'")
	c.exec("GRANT SELECT ON funcdb.t TO 'fcaller'@'%'")
	c.exec("CREATE FUNCTION f (a INT) RETURNS INT RETURN a + (SELECT n FROM r WHERE id = 1)")
	c.exec("CREATE FUNCTION own (a INT) RETURNS INT SQL SECURITY INVOKER RETURN a + (SELECT n FROM r WHERE id = 1)")
	caller := b.as(t, "fcaller", "p", "funcdb")
	for _, q := range []string{"SELECT f(v) FROM t", "SELECT f(v) FROM t WHERE id = 1", "SELECT funcdb.f(a.v) FROM t a JOIN t b ON a.v = b.id", "SELECT f(1)"} {
		if m := caller.fails(1370, q); !strings.Contains(m, "for routine 'funcdb.f'") {
			t.Error(m)
		}
	}
	c.exec("GRANT EXECUTE ON FUNCTION funcdb.f TO 'fcaller'@'%'")
	c.exec("GRANT EXECUTE ON FUNCTION funcdb.own TO 'fcaller'@'%'")
	caller.want("SELECT SUM(f(v)) FROM t", "65")
	caller.want("SELECT f(v) FROM t WHERE id = 3", "13")
	caller.want("SELECT SUM(f(a.v)) FROM t a JOIN t b ON f(a.v) = f(b.id)", "65")
	if m := caller.fails(1142, "SELECT own(v) FROM t"); !strings.Contains(m, "`funcdb`.`r`") {
		t.Error(m)
	}
	c.exec("GRANT SELECT ON funcdb.r TO 'fcaller'@'%'")
	caller.want("SELECT SUM(own(v)) FROM t", "65")
	caller.fails(1370, "DROP FUNCTION f")
	// What it reads may be a sharded table by now.
	c.exec("DROP TABLE r")
	caller.fails(1146, "SELECT f(v) FROM t")
	c.exec("CREATE TABLE r (id INT PRIMARY KEY, n INT)")
	c.exec("INSERT INTO r VALUES (1, 10)")
	c.exec("REVOKE SELECT ON funcdb.r FROM 'fcaller'@'%'")
	b.account(t, "'fpoor'@'%'", "IDENTIFIED BY 'p'")
	c.exec("CREATE DEFINER='fpoor'@'%' FUNCTION poor () RETURNS INT RETURN f(1)")
	c.exec("CREATE DEFINER='fpoor'@'%' FUNCTION asks () RETURNS INT RETURN (SELECT n FROM r WHERE id = 1)")
	c.exec("GRANT EXECUTE ON funcdb.* TO 'fcaller'@'%'")
	for range 2 { // once at the table's shape as it was when the function was made
		caller.want("SELECT SUM(f(v)) FROM t", "65")
		caller.want("SELECT f(1)", "11")
		caller.exec("SET @x = f(2)")
		caller.want("SELECT @x", "12")
		caller.fails(1142, "SELECT n FROM r")
		caller.exec("EXPLAIN SELECT f(v) FROM t")
		if m := caller.fails(1142, "SELECT own(v) FROM t"); !strings.Contains(m, "'fcaller'") || !strings.Contains(m, "`funcdb`.`r`") {
			t.Error(m)
		}
		if m := caller.fails(1142, "SELECT asks()"); !strings.Contains(m, "'fpoor'") || !strings.Contains(m, "`funcdb`.`r`") {
			t.Error(m)
		}
		c.exec("CREATE OR REPLACE FUNCTION f (a INT) RETURNS INT RETURN a + (SELECT n FROM r WHERE id = 1)")
	}
	caller.fails(1370, "SELECT poor()") // by its definer, who may not call the other
	caller.exec("BEGIN")
	caller.want("SELECT f(v) FROM t WHERE id = 2", "12")
	c.exec("UPDATE r SET n = 20")
	caller.want("SELECT f(v) FROM t WHERE id = 2", "12")
	caller.exec("COMMIT")
	caller.want("SELECT f(v) FROM t WHERE id = 2", "22")
	c.exec("BEGIN")
	c.exec("UPDATE r SET n = 30")
	c.want("SELECT f(1)", "31")
	c.exec("ROLLBACK")
	c.exec("GRANT EXECUTE ON FUNCTION funcdb.asks TO 'fpoor'@'%'")
	c.exec("GRANT SELECT (id) ON funcdb.r TO 'fpoor'@'%'")
	caller.fails(1235, "SELECT asks()")
	c.exec("GRANT SELECT ON funcdb.r TO 'fpoor'@'%'")
	caller.want("SELECT asks()", "20")
}

// A statement over several partitions meets a function as it was before a change at all of them, or as it is after it.
func TestFunctionsChangeAtOnce(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "funconce")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY)")
	c.exec("INSERT INTO t VALUES (1), (2), (3), (4), (5), (6), (7), (8)")
	c.exec("CREATE FUNCTION f () RETURNS INT RETURN 1")
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var wg sync.WaitGroup
	var ran atomic.Int64
	for range 3 {
		conn := b.root(t, "funconce")
		wg.Go(func() {
			for ; ctx.Err() == nil; ran.Add(1) {
				var n, kinds int
				err := conn.c.QueryRowContext(context.Background(), "SELECT SUM(f()), COUNT(DISTINCT f()) FROM t").Scan(&n, &kinds)
				if err != nil || kinds != 1 || n%8 != 0 {
					t.Error(n, kinds, err)
					return
				}
			}
		})
	}
	for i := range 4 {
		before := ran.Load()
		c.exec(fmt.Sprintf("CREATE OR REPLACE FUNCTION f () RETURNS INT RETURN %d", i))
		waitFor(t, func() bool { return ran.Load() > before+3 })
	}
	stop()
	wg.Wait()
	c.want("SELECT SUM(f()) FROM t", "24")
	// One that is dropped and made anew is there, or is not.
	ctx, stop = context.WithCancel(context.Background())
	defer stop()
	for _, q := range []string{"SELECT SUM(f()), COUNT(DISTINCT f()) FROM t", "SELECT SUM(funconce.f()), 1 FROM t"} {
		conn := b.root(t, "funconce")
		wg.Go(func() {
			for ; ctx.Err() == nil; ran.Add(1) {
				var n, kinds int
				err := conn.c.QueryRowContext(context.Background(), q).Scan(&n, &kinds)
				if e := (*mysql.MySQLError)(nil); err != nil && (!errors.As(err, &e) || e.Number != 1305) || err == nil && (kinds != 1 || n%8 != 0) {
					t.Error(q, n, kinds, err)
					return
				}
			}
		})
	}
	for i := range 6 {
		before := ran.Load()
		c.exec("DROP FUNCTION f")
		c.exec(fmt.Sprintf("CREATE FUNCTION f () RETURNS INT RETURN %d", i))
		waitFor(t, func() bool { return ran.Load() > before+2 || t.Failed() })
	}
	stop()
	wg.Wait()
}
