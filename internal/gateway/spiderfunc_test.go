package gateway

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// direct is the cluster's database, a remote server that the server s1 leads to, and root's session.
func newDirect(t *testing.T, db string) (*bench, *remoteServer, *client) {
	t.Helper()
	b := cluster(t)
	b.dropServers(t)
	r := newRemote(t)
	r.exec("CREATE TABLE old.r (a INT PRIMARY KEY, b VARCHAR(20))")
	r.exec("INSERT INTO old.r VALUES (1,'one'),(2,'zwö''lf')")
	c := b.database(t, db)
	c.exec(r.server("s1"))
	return b, r, c
}

func TestDirectSQL(t *testing.T) {
	_, r, c := newDirect(t, "directsql")
	c.exec("CREATE TABLE t (a INT PRIMARY KEY, b VARCHAR(20), c INT DEFAULT 7)")
	c.exec("CREATE REFERENCE TABLE n (a INT)")
	c.want(`SELECT spider_direct_sql('INSERT INTO r VALUES (3, "three")', '', 'srv "s1"')`, "1")
	r.want("SELECT b FROM old.r WHERE a = 3", "three")
	c.want(`SELECT spider_direct_sql('SELECT * FROM r', 't', 'srv "s1", urt "1"') AS done`, "1")
	c.want("SELECT * FROM t ORDER BY a", "1|one|7/2|zwö'lf|7/3|three|7")
	// Several results into several tables, more columns than there are, fewer tables than results.
	c.exec("DELETE FROM t")
	c.want(`SELECT spider_direct_sql('SELECT a FROM r; SELECT a * 10 AS x, NULL, 5, 6 FROM r', 'n directsql.t', 'server "s1", use_real_table "1"')`, "1")
	c.want("SELECT a FROM n ORDER BY a", "1/2/3")
	c.want("SELECT * FROM t ORDER BY a", "10|NULL|5/20|NULL|5/30|NULL|5")
	c.want(`SELECT spider_direct_sql('SELECT 100; SELECT 101; SELECT 102', 'n', 'srv "s1", urt "1"')`, "1")
	c.want(`SELECT spider_direct_sql('SELECT 110; SELECT 111', 'n', 'srv "s1", urt "1", tlm "1"')`, "1")
	c.want("SELECT a FROM n WHERE a > 90 ORDER BY a", "100/110/111")
	c.want(`SELECT spider_direct_sql('SELECT 7', NULL, 'srv "s1"')`, "1")
	// Into temporary tables, as in Spider: no others are written to then.
	c.exec("CREATE TEMPORARY TABLE n (a INT, b VARCHAR(20))")
	c.exec("CREATE TEMPORARY TABLE t3 (a INT)")
	c.want(`SELECT spider_direct_sql('SELECT * FROM r ORDER BY a; SELECT a + 10, 3 FROM r', 'n t3', 'srv "s1"')`, "1")
	c.want("SELECT * FROM n ORDER BY a", "1|one/2|zwö'lf/3|three")
	c.want("SELECT a FROM t3 ORDER BY a", "11/12/13")
	c.fails(12703, `SELECT spider_direct_sql('SELECT 1', 't', 'srv "s1"')`)
	c.exec("DROP TEMPORARY TABLE n, t3")
	c.want("SELECT COUNT(*) FROM n", "6")
	// More than a batch.
	c.exec("DELETE FROM n")
	c.want(`SELECT spider_direct_sql('SELECT seq FROM seq_1_to_2500', 'n', 'srv "s1", urt "1"')`, "1")
	c.want("SELECT COUNT(*), SUM(a) FROM n", "2500|3126250")
	// Outside of the transaction, but for the rows that come here.
	c.exec("BEGIN")
	c.exec(`DO spider_direct_sql('UPDATE r SET b = "drei" WHERE a = 3', '', 'srv "s1"'), spider_direct_sql('SELECT 9', 'n', 'srv "s1", urt "1"')`)
	c.want("SELECT COUNT(*) FROM n WHERE a = 9", "2")
	c.exec("ROLLBACK")
	c.want("SELECT COUNT(*) FROM n WHERE a = 9", "1")
	r.want("SELECT b FROM old.r WHERE a = 3", "drei")
	// What a call leaves behind on its connection is forgotten.
	c.want(`SELECT spider_direct_sql('BEGIN; INSERT INTO r VALUES (77, "x"); SET @z = 1', '', 'srv "s1"')`, "1")
	r.want("SELECT COUNT(*) FROM old.r WHERE a = 77", "0")
	// Forms.
	c.exec(`SET @x = spider_direct_sql('SELECT 1', '', 'srv "s1"'), @y = 3`)
	c.want("SELECT @x, @y", "1|3")
	c.exec(`SET @sql = 'INSERT INTO r VALUES (40, "v")', @params = 'srv "s1"'`)
	c.want("SELECT spider_direct_sql(@sql, '', @params), 1 + 1, DATABASE()", "1|2|directsql")
	c.want("SELECT spider_direct_sql(?, '', ?), ?", "1|9", "DELETE FROM r WHERE a = 40", `srv "s1"`, 9)
	r.want("SELECT COUNT(*) FROM old.r WHERE a = 40", "0")
	c.exec(`SELECT spider_direct_sql('SELECT 1', '', 'srv "s1"') INTO @z`)
	c.want("SELECT @z", "1")
	c.exec(`PREPARE p FROM 'SELECT spider_direct_sql(?, "", ?)'`)
	c.want("EXECUTE p USING @sql, @params", "1")
	r.want("SELECT COUNT(*) FROM old.r WHERE a = 40", "1")
	c.exec("CREATE TABLE cmd (id INT PRIMARY KEY, q VARCHAR(100))")
	c.exec(`INSERT INTO cmd VALUES (1, 'INSERT INTO r VALUES (51, "")'), (2, 'INSERT INTO r VALUES (52, "")'), (3, 'INSERT INTO nosuch VALUES (1)')`)
	c.want(`SELECT spider_direct_sql(q, '', 'srv "s1"') FROM cmd WHERE id < ? ORDER BY id`, "1/1", 3)
	r.want("SELECT a FROM old.r WHERE a > 50 ORDER BY a", "51/52")
	c.fails(1146, `SELECT spider_direct_sql(q, '', 'srv "s1"') FROM cmd WHERE id = 3`)
	if got := c.columns(`SELECT spider_direct_sql('SELECT 1', '', 'srv "s1"'), spider_flush_table_mon_cache()`); got != `spider_direct_sql('SELECT 1', '', 'srv "s1"'),spider_flush_table_mon_cache()` {
		t.Error(got)
	}
	for _, q := range []string{
		`SELECT 1 + spider_direct_sql('SELECT 1', '', 'srv "s1"')`, `SELECT IF(0, spider_direct_sql('SELECT 1', '', 'srv "s1"'), 1)`,
		`INSERT INTO n SELECT spider_direct_sql('SELECT 1', '', 'srv "s1"')`, `SELECT a, spider_direct_sql('SELECT 1', '', 'srv "s1"') FROM n`,
		`SELECT 1 WHERE spider_direct_sql('SELECT 1', '', 'srv "s1"')`, `SELECT spider_direct_sql('SELECT 1', '', 'srv "s1"') UNION SELECT 2`,
		`EXPLAIN SELECT spider_direct_sql('SELECT 1', '', 'srv "s1"')`, `SELECT spider_direct_sql('SELECT 1', '', CONCAT('password "', 'x"'))`,
		`SELECT spider_direct_sql('SELECT 1', '', 'srv "s1"') FROM n GROUP BY a`, `SELECT spider_direct_sql('SELECT 1', '', 'srv "s1"') INTO @z FROM n`, `SELECT (SELECT spider_direct_sql('SELECT 1', '', 'srv "s1"'))`,
		`SELECT spider_direct_sql('SELECT 1', '', 'srv "s1"') LIMIT 0`, `SET max_statement_time = spider_direct_sql('SELECT 1', '', 'srv "s1"') + 1`,
	} {
		c.fails(1235, q)
	}

}

// What is wrong with a call is said as Spider says it.
func TestDirectSQLErrors(t *testing.T) {
	b, r, c := newDirect(t, "directerr")
	theirs := spiderClient(t)
	theirs.exec(r.server("s1"))
	theirs.exec("CREATE DATABASE directerr")
	theirs.exec("USE directerr")
	for _, x := range []*client{c, theirs} {
		for q, code := range map[string]uint16{
			`SELECT spider_direct_sql('SELECT 1', '', 0)`:                                           1123,
			`SELECT spider_direct_sql('SELECT 1', '')`:                                              1123,
			`SELECT spider_direct_sql('', '', 'srv "s1"')`:                                          1065,
			`SELECT spider_direct_sql(NULL, '', 'srv "s1"')`:                                        1065,
			`SELECT spider_direct_sql('SELECT 1', 'nosuch', 'srv "s1"')`:                            12703,
			`SELECT spider_direct_sql('INSERT INTO r VALUES (1, 1)', '', 'srv "s1"')`:               1062,
			`SELECT spider_direct_sql('SELECT * FROM nosuch', '', 'srv "s1"')`:                      1146,
			`SELECT spider_direct_sql('SELEC 1', '', 'srv "s1"')`:                                   1064,
			`SELECT spider_direct_sql('SELECT 1', '', 'srv "nosuch"')`:                              1477,
			`SELECT spider_direct_sql('SELECT 1', '', 'nosuch "x"')`:                                12503,
			`SELECT spider_direct_sql('SELECT 1', '', 'srv s1')`:                                    12503,
			`SELECT spider_direct_sql('SELECT 1', '', 'host "127.0.0.1", port "1", user "u"')`:      1429,
			`SELECT spider_direct_sql('SELECT 1', '', 'wrapper "odbc", host "127.0.0.1"')`:          12521,
			`SELECT spider_bg_direct_sql('SELECT * FROM nosuch', '', 'srv "s1"') FROM mysql.plugin`: 1146,
			`SELECT spider_copy_tables('nosuch', '0', '1')`:                                         1032,
			`SELECT spider_copy_tables('', '0', '1')`:                                               12517,
			`SELECT spider_copy_tables('l', '0', '1')`:                                              12705,
			`SELECT spider_copy_tables('l', '0', '0')`:                                              12705,
			`SELECT spider_copy_tables('l', '', '')`:                                                12704,
			`SELECT spider_copy_tables('l', '0')`:                                                   1123,
			`SELECT spider_copy_tables('l', 0, 1)`:                                                  1123,
			`SELECT spider_ping_table('l')`:                                                         1123,
			`SELECT spider_ping_table('', '0', 0, 1, '', 0, 0, 0, 0, 0)`:                            12506,
			`SELECT spider_ping_table('./directerr/nosuch', '0', 0, 1, '', 0, 0, 0, 0, 0)`:          1032,
			`SELECT spider_ping_table('./directerr/l', '0', 0, 1, '', 0, 0, 0, 0, 0)`:               1032,
		} {
			if strings.Contains(q, "('l', '', '')") && x == theirs {
				continue // Spider looks for the destination first
			}
			if strings.Contains(q, "'l'") || strings.Contains(q, "/l'") {
				x.exec(`CREATE TABLE IF NOT EXISTS l (a INT PRIMARY KEY, b VARCHAR(20)) ENGINE=SPIDER COMMENT='srv "s1", table "r"'`)
			}
			if strings.Contains(q, "bg_direct") && x == theirs {
				continue // an empty table there
			}
			q = strings.Replace(q, "mysql.plugin", "information_schema.SCHEMATA", 1)
			x.fails(code, q)
		}
	}
	c.want(`SELECT spider_direct_sql('SELECT 1', '', 'host "127.0.0.1", port "1", user "u", erwm "1"')`, "1")
	if got := c.rows("SHOW WARNINGS"); !strings.HasPrefix(got, "Warning|1429|") {
		t.Error(got)
	}
	c.exec("CREATE TABLE t (a INT)")
	c.fails(12703, `SELECT spider_direct_sql('SELECT 1', 't', 'srv "s1"')`)
	c.fails(1146, `SELECT spider_direct_sql('SELECT 1', 'nosuch', 'srv "s1", urt "1"')`)
	c.fails(1264, `SELECT spider_direct_sql('SELECT 99999999999', 't', 'srv "s1", urt "1"')`)
	b.root(t, "").fails(1046, `SELECT spider_direct_sql('SELECT 1', 't', 'srv "s1"')`)
	// A leaf is not to be written to past the nodes.
	leaf := b.farm.Leaves()[0]
	b.leaf(t, 0, "CREATE OR REPLACE USER direct@'%' IDENTIFIED BY 'x'")
	defer b.leaf(t, 0, "DROP USER direct@'%'")
	b.leaf(t, 0, "GRANT ALL ON *.* TO direct@'%'")
	c.fails(12720, fmt.Sprintf(`SELECT spider_direct_sql('SELECT 1', '', 'host "127.0.0.1", port "%d", user "direct", password "x", database "mysql"')`, leaf.Port))
}

// spider_bg_direct_sql runs its calls at the same time, and counts them.
func TestBackgroundDirectSQL(t *testing.T) {
	_, r, c := newDirect(t, "directbg")
	c.exec("CREATE TABLE n (a INT)")
	c.exec("CREATE TABLE cmd (id INT PRIMARY KEY, q VARCHAR(200), s VARCHAR(20))")
	r.exec("CREATE TABLE old.seen (id INT PRIMARY KEY)")
	// Each waits until it sees the other: one after another they would not end.
	for i := range 2 {
		c.exec("INSERT INTO cmd VALUES (?, ?, ?)", i, fmt.Sprintf(
			`BEGIN NOT ATOMIC INSERT INTO seen VALUES (%d); REPEAT DO SLEEP(0.01); UNTIL (SELECT COUNT(*) FROM seen) > 1 END REPEAT; SELECT %d; END`, i, i+5), `srv "s1"`)
	}
	c.exec("SET spider_net_read_timeout = 60")
	c.want(`SELECT spider_bg_direct_sql(q, 'n', CONCAT(s, ', urt "1"')) FROM cmd`, "2")
	c.want("SELECT a FROM n ORDER BY a", "5/6")
	c.want(`SELECT spider_bg_direct_sql('SELECT 1', '', 'srv "s1"') AS n FROM cmd WHERE id = 7`, "0")
	c.want(`SELECT spider_bg_direct_sql('SELECT 1', '', 'srv "s1"')`, "1")
	c.want(`SELECT spider_bg_direct_sql('SELECT ' 'nothing', '', ?) FROM cmd WHERE id >= ?`, "0", `srv "s1"`, 7)
	c.fails(1054, `SELECT spider_bg_direct_sql('SELECT nothing', '', 'srv "s1"') FROM cmd`)
	c.fails(1235, `SELECT spider_bg_direct_sql('SELECT 1', '', 'srv "s1"'), id FROM cmd`)
	c.fails(1235, `SELECT spider_bg_direct_sql('SELECT 1', '', 'srv "s1"') FROM cmd LIMIT 1`)
}

// Whoever may not make servers may not run statements at them, nor see what others' calls say; no leaf is told a password.
func TestDirectSQLSecrets(t *testing.T) {
	b, r, c := newDirect(t, "directsec")
	c.exec("CREATE OR REPLACE USER plain2@'%' IDENTIFIED BY 'x'")
	defer c.exec("DROP USER plain2@'%'")
	c.exec("GRANT SELECT, INSERT, PROCESS ON *.* TO plain2@'%'")
	plain := b.as(t, "plain2", "x", "directsec")
	for _, q := range []string{
		`SELECT spider_direct_sql('SELECT 1', '', 'srv "s1"')`, `DO spider_direct_sql('SELECT 1', '', 'srv "s1"')`, `SET @x = spider_direct_sql('SELECT 1', '', 'srv "s1"')`,
		`SELECT spider_bg_direct_sql('SELECT 1', '', 'srv "s1"') FROM mysql.spider_xa`,
	} {
		plain.fails(1227, q)
	}
	plain.want("SELECT spider_flush_table_mon_cache()", "1")
	b.leaf(t, 0, "SET GLOBAL log_output = 'TABLE'")
	for i := range b.farm.Leaves() {
		b.leaf(t, i, "SET GLOBAL log_output = 'TABLE', general_log = 1")
		defer b.leaf(t, i, "SET GLOBAL log_output = DEFAULT, general_log = DEFAULT")
	}
	info := fmt.Sprintf(`host "127.0.0.1", port "%d", user "%s", password "%s", database "old"`, r.port, linkUser, linkPassword)
	c.want("SELECT spider_direct_sql('SELECT 1', '', '"+info+"'), 2", "1|2")
	c.want("SELECT spider_direct_sql('SELECT 1', '', ?)", "1", info)
	c.exec("DO spider_direct_sql('SELECT 1', '', '" + info + "')")
	c.exec("PREPARE p FROM 'SELECT spider_direct_sql(\"SELECT 1\", \"\", \\'" + info + "\\')'")
	c.want("EXECUTE p", "1")
	if got := c.columns("SELECT spider_direct_sql('SELECT 1', '', '" + info + "')"); strings.Contains(got, linkPassword) || !strings.Contains(got, masked) {
		t.Error(got)
	}
	for i := range b.farm.Leaves() {
		if got := b.leaf(t, i, "SELECT COUNT(*) FROM mysql.general_log WHERE argument LIKE '%skyvo%' AND argument NOT LIKE '%general_log%'"); got != "0" {
			t.Errorf("leaf %d was told a password %s times", i, got)
		}
	}
	done := make(chan error, 1)
	go func() {
		_, err := c.query("SELECT spider_direct_sql('SELECT SLEEP(300)', '', '" + info + "')")
		done <- err
	}()
	id := ""
	for deadline := time.Now().Add(time.Minute); id == "" && time.Now().Before(deadline); {
		id = plain.rows("SELECT ID FROM information_schema.PROCESSLIST WHERE INFO LIKE 'SELECT spider_direct_sql%'")
	}
	if got := plain.rows("SHOW FULL PROCESSLIST"); !strings.Contains(got, "spider_direct_sql") || strings.Contains(got, linkPassword) {
		t.Error(got)
	}
	b.root(t, "").exec("KILL QUERY " + id)
	if err := <-done; err == nil || !strings.Contains(err.Error(), "1317") {
		t.Error(err)
	}
}
