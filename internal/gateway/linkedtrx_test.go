package gateway

import (
	"fmt"
	"testing"
)

// A transaction holds its connections: what it does at a remote server and in partitions is committed and rolled back together.
func TestLinkedTransactions(t *testing.T) {
	b := cluster(t)
	b.dropServers(t)
	r := newRemote(t)
	r.exec("CREATE TABLE old.t (a INT PRIMARY KEY, b INT)")
	c := b.database(t, "fed")
	c.exec(r.server("backend"))
	c.exec(`CREATE TABLE t (a INT PRIMARY KEY, b INT) ENGINE=SPIDER COMMENT='srv "backend"'`)
	c.exec("CREATE TABLE sharded (a INT PRIMARY KEY)")
	for _, end := range []string{"ROLLBACK", "COMMIT"} {
		c.exec("START TRANSACTION")
		c.exec("INSERT INTO t VALUES (1, 1)")
		c.exec("INSERT INTO sharded VALUES (1), (2), (3), (4)")
		c.exec("SAVEPOINT s")
		c.exec("UPDATE t SET b = 2")
		c.want("SELECT * FROM t", "1|2")
		c.exec("ROLLBACK TO s")
		c.want("SELECT * FROM t", "1|1")
		r.want("SELECT COUNT(*) FROM old.t", "0")
		c.exec(end)
	}
	r.want("SELECT * FROM old.t", "1|1")
	c.want("SELECT COUNT(*) FROM sharded", "4")
	c.exec("SET autocommit = 0")
	c.exec("UPDATE t SET b = 5")
	r.want("SELECT b FROM old.t", "1")
	c.exec("COMMIT")
	r.want("SELECT b FROM old.t", "5")
	c.exec("SET autocommit = 1")
	c.exec("START TRANSACTION READ ONLY")
	c.fails(1792, "UPDATE t SET b = 6")
	c.exec("ROLLBACK")
	// The session's settings go along, and its server's defaults are not the remote one's.
	r.exec("SET GLOBAL sql_mode = 'ANSI'; SET GLOBAL time_zone = '+05:00'")
	r.exec("KILL USER " + linkUser)
	c.want(`SELECT "b" FROM t`, "b")
	meaning := "SELECT 1 / 3 + b, WEEK('2024-01-03'), DAYNAME('2024-01-03'), GROUP_CONCAT(b, 'xxxx'), COUNT(*) FROM t WHERE a IN (1, 2) GROUP BY b"
	c.exec("INSERT INTO t VALUES (2, 6)")
	before := c.rows(meaning)
	r.exec(`SET GLOBAL div_precision_increment = 9, default_week_format = 3, lc_time_names = 'de_DE', group_concat_max_len = 4, sql_select_limit = 1, tx_read_only = 1,
		autocommit = 0, completion_type = 'CHAIN', init_connect = 'SET autocommit = 0'`)
	r.exec("KILL USER " + linkUser)
	if got := c.rows(meaning); got != before {
		t.Errorf("got %q, want %q", got, before)
	}
	c.exec("DELETE FROM t WHERE a = 2")
	c.exec("START TRANSACTION")
	c.exec("UPDATE t SET b = 5")
	c.exec("COMMIT")
	r.exec("KILL USER " + linkUser)
	r.exec("COMMIT")
	r.want("SELECT a, b FROM old.t", "1|5")
	c.exec("SET sql_mode = 'ANSI_QUOTES'")
	c.want(`SELECT "b" FROM "t"`, "5")
	c.exec("SET sql_mode = DEFAULT")
	c.exec("SET time_zone = '+02:00', timestamp = 1")
	c.want("SELECT NOW() FROM t", "1970-01-01 02:00:01")
}

// Each node uses a changed server with the next statement.
func TestLinkedAtTwoNodes(t *testing.T) {
	b := cluster(t)
	b.dropServers(t)
	r, other := newRemote(t), newRemote(t)
	r.exec("CREATE TABLE old.t (a INT PRIMARY KEY)")
	other.exec("CREATE TABLE old.t (a INT PRIMARY KEY)")
	other.exec("INSERT INTO old.t VALUES (7)")
	second := b.beside(t, "node-2")
	c := b.database(t, "fed")
	c.exec(r.server("backend"))
	c.exec(`CREATE TABLE t (a INT PRIMARY KEY) ENGINE=SPIDER COMMENT='srv "backend"'`)
	d := second.root(t, "fed")
	c.exec("INSERT INTO t VALUES (1)")
	for range 10 {
		d.want("SELECT * FROM t", "1")
		c.exec(fmt.Sprintf("ALTER SERVER backend OPTIONS (PORT %d)", other.port))
		d.want("SELECT * FROM t", "7")
		d.exec(fmt.Sprintf("ALTER SERVER backend OPTIONS (PORT %d)", r.port))
		c.want("SELECT * FROM t", "1")
	}
}
