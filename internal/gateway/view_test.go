package gateway

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// viewed is a database with tables of every kind, views of them by root, and an account that may read the views alone.
func viewed(t *testing.T, db string) (b *bench, root, u *client) {
	b = cluster(t)
	root = b.database(t, db)
	root.exec("CREATE TABLE t (id INT PRIMARY KEY, v INT, secret INT)")
	root.exec("CREATE REFERENCE TABLE r (id INT PRIMARY KEY, n VARCHAR(10), secret INT)")
	for i := range 20 {
		root.exec("INSERT INTO t VALUES (?, ?, 42)", i, i%3)
	}
	root.exec("INSERT INTO r VALUES (0, 'zero', 42), (1, 'one', 42), (2, 'two', 42)")
	root.exec("CREATE VIEW v AS SELECT id, v FROM t WHERE v < 2")
	root.exec("CREATE VIEW names AS SELECT id, n FROM r")
	root.exec("CREATE VIEW both_ AS SELECT v.id, names.n, CURRENT_USER() AS who FROM v JOIN names ON names.id = v.v")
	root.exec("CREATE SQL SECURITY INVOKER VIEW own AS SELECT id, v FROM t")
	b.account(t, "viewer", "IDENTIFIED BY 'v'")
	for _, v := range []string{"v", "names", "both_", "own"} {
		root.exec("GRANT SELECT ON " + db + "." + v + " TO viewer")
	}
	return b, root, b.as(t, "viewer", "v", db)
}

// Who has rights on a view alone reads what it shows, and no more.
func TestViewsGiveTheirDefinersRights(t *testing.T) {
	b, root, u := viewed(t, "viewsdb")
	u.want("SELECT COUNT(*), SUM(id) FROM v", root.rows("SELECT COUNT(*), SUM(id) FROM t WHERE v < 2"))
	u.want("SELECT * FROM v WHERE id = 4", "4|1")
	u.want("SELECT id FROM v WHERE v = 1 ORDER BY id LIMIT 2", "1/4")
	u.want("SELECT v.id, n FROM v JOIN names ON names.id = v.v ORDER BY 1 LIMIT 2", "0|zero/1|one")
	u.want("SELECT n, COUNT(*) FROM both_ GROUP BY n ORDER BY n", "one|7/zero|7")
	u.want("SELECT DISTINCT SUBSTRING_INDEX(who, '@', 1) FROM both_", "root")
	st, err := u.c.PrepareContext(timeout(t), "SELECT v FROM v WHERE id = ?")
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	for i := range 5 {
		var n int
		if err := st.QueryRowContext(timeout(t), i*3).Scan(&n); err != nil || n != 0 {
			t.Fatal(n, err)
		}
	}
	for q, code := range map[string]uint16{
		"SELECT * FROM t": 1142, "SELECT secret FROM v": 1054, "SELECT v.id FROM v JOIN t ON t.id = v.id": 1142, "SELECT (SELECT MAX(secret) FROM t) FROM v": 1142,
		"SELECT * FROM own": 1356, "UPDATE v SET v = 5": 1142, "DELETE FROM v": 1142, "INSERT INTO v VALUES (100, 1)": 1142,
		"SELECT id FROM v WHERE id IN (SELECT id FROM r)": 1142, "SELECT LOAD_FILE('/etc/passwd') FROM v": 1235, "SELECT CURRENT_USER() FROM v": 1235, "SELECT @@version FROM v WHERE USER() <> ''": 1235,
		"SELECT * FROM v FOR UPDATE": 1235, "SELECT n, COUNT(*) FROM both_ GROUP BY n FOR UPDATE": 1235, "SELECT v.id FROM v, information_schema.TABLES": 1235, "CREATE VIEW mine AS SELECT * FROM v": 1142, "SHOW CREATE VIEW v": 1142,
	} {
		u.fails(code, q)
	}
	// A transaction reads one state, by the definer's account too, as long as it has written nothing that it would not see.
	for _, begin := range []string{"BEGIN", "START TRANSACTION READ ONLY", "SET autocommit = 0"} {
		u.exec(begin)
		u.want("SELECT v FROM v WHERE id = 4", "1")
		root.exec("UPDATE t SET v = 0 WHERE id = 4")
		u.want("SELECT v FROM v WHERE id = 4", "1")
		u.want("SELECT n FROM both_ WHERE id = 4", "one")
		u.exec("COMMIT")
		u.want("SELECT v FROM v WHERE id = 4", "0")
		root.exec("UPDATE t SET v = 1 WHERE id = 4")
		u.exec("COMMIT")
		u.exec("SET autocommit = 1")
	}
	u.exec("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
	u.exec("BEGIN")
	u.want("SELECT v FROM v WHERE id = 4", "1")
	root.exec("UPDATE t SET v = 0 WHERE id = 4")
	u.want("SELECT v FROM v WHERE id = 4", "0")
	root.exec("UPDATE t SET v = 1 WHERE id = 4")
	u.exec("ROLLBACK")
	root.exec("CREATE TABLE log (id INT PRIMARY KEY)")
	root.exec("GRANT INSERT ON viewsdb.log TO viewer")
	u.exec("BEGIN")
	u.want("SELECT v FROM v WHERE id = 4", "1")
	u.exec("INSERT INTO log VALUES (1)")
	u.fails(1235, "SELECT * FROM v")
	u.exec("COMMIT")
	root.want("SELECT * FROM log", "1")
	for _, begin := range []string{"START TRANSACTION WITH CONSISTENT SNAPSHOT", "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; BEGIN", "XA START 'x'"} {
		for q := range strings.SplitSeq(begin, "; ") {
			u.exec(q)
		}
		u.fails(1235, "SELECT * FROM v")
		if begin == "XA START 'x'" {
			u.exec("XA END 'x'")
			u.exec("XA ROLLBACK 'x'")
		} else {
			u.exec("ROLLBACK")
		}
	}

	// What was read by the definer's account can't be read on when its connection is lost: the transaction is over.
	u.exec("BEGIN")
	u.want("SELECT v FROM v WHERE id = 4", "1")
	for i := range b.farm.Leaves() {
		for id := range strings.FieldsSeq(b.leaf(t, i, "SELECT COALESCE(GROUP_CONCAT(ID SEPARATOR ' '), '') FROM information_schema.PROCESSLIST WHERE USER = 'root' AND DB LIKE 'viewsdb\\_%'")) {
			b.leaf(t, i, "KILL "+id)
		}
	}
	u.fails(1213, "SELECT v FROM v WHERE id = 4")
	u.want("SELECT @@in_transaction", "0")
	u.want("SELECT v FROM v WHERE id = 4", "1")

	// A right that is taken away is gone for the next statement, the definer's too.
	root.exec("REVOKE SELECT ON viewsdb.v FROM viewer")
	u.fails(1142, "SELECT * FROM v")
	root.exec("GRANT SELECT ON viewsdb.v TO viewer")
	u.want("SELECT COUNT(*) FROM v", "14")
	b.account(t, "maker", "IDENTIFIED BY 'm'")
	root.exec("GRANT SELECT (id, v) ON viewsdb.t TO maker")
	root.exec("CREATE DEFINER=maker VIEW made AS SELECT id FROM t")
	root.exec("GRANT SELECT ON viewsdb.made TO viewer")
	u.want("SELECT COUNT(*) FROM made", "20")
	u.want("SELECT v.v, COUNT(*) FROM made JOIN v ON v.id = made.id GROUP BY v.v ORDER BY 1", "0|7/1|7")
	root.exec("REVOKE SELECT (id, v) ON viewsdb.t FROM maker")
	u.fails(1356, "SELECT COUNT(*) FROM made")
	root.exec("GRANT SELECT ON viewsdb.t TO maker")
	root.exec("ALTER USER maker ACCOUNT LOCK")
	u.fails(1235, "SELECT COUNT(*) FROM made")

	// With rights of one's own there is a transaction, too, and INVOKER views are the same.
	root.exec("GRANT SELECT, UPDATE (v) ON viewsdb.t TO viewer")
	root.exec("GRANT UPDATE ON viewsdb.v TO viewer")
	u.exec("BEGIN")
	u.exec("UPDATE v SET v = 0 WHERE id = 1")
	u.want("SELECT * FROM v WHERE id = 1", "1|0")
	u.want("SELECT * FROM own WHERE id = 1", "1|0")
	u.exec("ROLLBACK")
	u.want("SELECT * FROM own WHERE id = 1", "1|1")
}

// What a session has set does not change what a view is; what can't be kept from changing it is refused.
func TestViewsKeepTheirMeaning(t *testing.T) {
	b, root, _ := viewed(t, "viewmodes")
	_ = b
	root.exec("SET NAMES utf8mb4 COLLATE utf8mb4_general_ci")
	root.exec(`CREATE VIEW texts AS SELECT id, 'it''s \\ "here"' AS s, IF(v = 1 OR v = 2, 'some', 'none') AS what FROM t`)
	want := root.rows("SELECT * FROM texts ORDER BY id")
	for _, mode := range []string{"ANSI_QUOTES", "NO_BACKSLASH_ESCAPES", "PIPES_AS_CONCAT,IGNORE_SPACE", "HIGH_NOT_PRECEDENCE", "ORACLE"} {
		root.exec("SET sql_mode = '" + mode + "'")
		root.want("SELECT * FROM texts ORDER BY id", want)
		root.want("SELECT * FROM both_ ORDER BY id LIMIT 1", "0|zero|root@"+host(root))
	}
	root.exec("SET sql_mode = ''")
	root.exec("CREATE VIEW days AS SELECT id, DATE_FORMAT('2020-01-01', '%b') AS m FROM t")
	root.exec("SET NAMES utf8mb4 COLLATE utf8mb4_bin")
	root.want("SELECT COUNT(*) FROM texts WHERE what = 'some'", "13")
	root.want("SELECT COUNT(*) FROM texts WHERE what = 'SOME'", "0")
	root.exec("SET NAMES utf8mb4 COLLATE utf8mb4_unicode_ci")
	root.fails(1267, "SELECT COUNT(*) FROM texts WHERE what = 'some'") // the view's strings are of utf8mb4_general_ci still
	root.fails(1235, "SELECT * FROM days WHERE m = 'JAN'")
	root.exec("CREATE VIEW bins AS SELECT id, 'a' AS c FROM t")
	root.exec("SET NAMES latin1")
	root.want("SELECT * FROM texts WHERE id = 1", "1|it's \\ \"here\"|some")
	root.fails(1235, "SELECT * FROM bins")
	root.exec("SET NAMES utf8mb4")
	root.exec("CREATE VIEW accents AS SELECT id, 'é' AS c FROM t")
	root.want("SELECT c FROM accents WHERE id = 1", "é")
	root.exec("SET NAMES latin1 COLLATE latin1_swedish_ci")
	root.want("SELECT HEX(CONVERT(c USING utf8mb4)) FROM accents WHERE id = 1", "C3A9")
	root.exec("SET NAMES utf8mb4")

	// A temporary table hides nothing from a view.
	root.exec("CREATE TEMPORARY TABLE r (id INT, n INT)")
	root.fails(1235, "SELECT * FROM names")
	root.exec("DROP TEMPORARY TABLE r")
	root.want("SELECT COUNT(*) FROM names", "3")
	root.exec("CREATE TEMPORARY TABLE names (a INT)")
	root.fails(1352, "CREATE VIEW ofnames AS SELECT * FROM names")
	root.exec("CREATE OR REPLACE VIEW names AS SELECT id, n FROM r")
	root.want("SELECT COUNT(*) FROM names", "0")
	root.exec("DROP TEMPORARY TABLE names")
	root.want("SELECT COUNT(*) FROM names", "3")
}

// A locking read of a view locks the rows that it shows, and no others; what is written through it is the table's.
func TestViewsLockTheirRows(t *testing.T) {
	b, root, _ := viewed(t, "viewlocks")
	root.exec("CREATE VIEW inner_ AS SELECT id, v FROM v WHERE id < 15")
	other := b.as(t, "root", "", "viewlocks")
	other.exec("SET innodb_lock_wait_timeout = 1")
	root.exec("BEGIN")
	root.want("SELECT * FROM inner_ WHERE id = 4 FOR UPDATE", "4|1")
	other.fails(1205, "UPDATE t SET v = 5 WHERE id = 4")
	other.exec("UPDATE t SET v = 5 WHERE id = 6")
	root.exec("UPDATE inner_ SET v = 0 WHERE id = 4")
	root.exec("COMMIT")
	other.want("SELECT id, v FROM t WHERE id IN (4, 6) ORDER BY id", "4|0/6|5")
	root.exec("LOCK TABLES inner_ READ, r AS x READ")
	root.want("SELECT COUNT(*) FROM inner_", "9")
	root.fails(1100, "SELECT COUNT(*) FROM names")
	other.exec("SET lock_wait_timeout = 1")
	other.fails(1205, "UPDATE t SET v = 5 WHERE id = 1")
	root.exec("UNLOCK TABLES")
	other.exec("UPDATE v SET v = 5 WHERE id = 1")
	root.want("SELECT COUNT(*) FROM inner_", "8")
	for range 2 { // by the plan of before, too
		root.want("EXPLAIN SELECT v FROM v WHERE id = 4",
			root.rows("EXPLAIN SELECT v FROM (select `viewlocks`.`t`.`id` AS `id`,`viewlocks`.`t`.`v` AS `v` from `viewlocks`.`t` where `viewlocks`.`t`.`v` < 2) AS `v` WHERE id = 4"))
	}
}

// host is the host of the session's account.
func host(c *client) string { return c.rows("SELECT SUBSTRING_INDEX(CURRENT_USER(), '@', -1)") }

// A CHECK OPTION is looked at by leaves, for those who may write to the view and the table, wherever a leaf lacks what it takes.
func TestViewsCheckRows(t *testing.T) {
	b, root, u := viewed(t, "viewchecks")
	root.exec("CREATE VIEW checked AS SELECT id, v FROM t WHERE v < 5 WITH CHECK OPTION")
	root.exec("CREATE VIEW few AS SELECT id, n FROM r WHERE n <> 'none' WITH CHECK OPTION")
	for _, v := range []string{"checked", "few"} {
		root.exec("GRANT SELECT, INSERT, UPDATE ON viewchecks." + v + " TO viewer")
		u.fails(1235, "INSERT INTO "+v+" VALUES (100, 1)")
	}
	root.exec("GRANT SELECT, INSERT, UPDATE ON viewchecks.t TO viewer")
	root.exec("GRANT SELECT, INSERT, UPDATE ON viewchecks.r TO viewer")
	lost := func() {
		for i := range b.farm.Leaves() {
			for name := range strings.FieldsSeq(b.leaf(t, i, "SELECT COALESCE(GROUP_CONCAT(TABLE_NAME SEPARATOR ' '), '') FROM information_schema.VIEWS WHERE TABLE_SCHEMA = 'orbweaver_checks'")) {
				b.leaf(t, i, "DROP VIEW orbweaver_checks.`"+name+"`")
			}
		}
	}
	for n, begin := range []string{"DO 1", "BEGIN"} {
		lost()
		u.exec(begin)
		for k := range 2 {
			id := 100 + 10*n + k
			u.exec("INSERT INTO checked VALUES (?, 1)", id)
			u.fails(1369, fmt.Sprintf("INSERT INTO checked VALUES (%d, 1), (%d, 5)", id+4, id+5))
			u.fails(1369, "UPDATE checked SET v = v + 4")
			u.exec("INSERT INTO few VALUES (?, 'some')", id)
			u.fails(1369, fmt.Sprintf("INSERT INTO few VALUES (%d, 'none')", id+5))
		}
		u.exec("COMMIT")
	}
	root.want("SELECT GROUP_CONCAT(id ORDER BY id), SUM(v) FROM t WHERE id >= 100", "100,101,110,111|4")
	for i := range b.farm.Leaves() {
		if got := b.leaf(t, i, "SELECT GROUP_CONCAT(id ORDER BY id) FROM viewchecks.r WHERE id >= 100"); got != "100,101,110,111" {
			t.Errorf("leaf %d has %s", i, got)
		}
	}
	u.fails(1049, "SELECT * FROM orbweaver_checks.x")
	u.fails(1049, "USE orbweaver_checks")
	root.want("SHOW DATABASES LIKE 'orbweaver%'", "")
	root.want("SELECT COUNT(*) FROM information_schema.VIEWS WHERE TABLE_SCHEMA LIKE 'orbweaver%'", "0")
	root.fails(1049, "CREATE DATABASE orbweaver_checks")
	root.want("SHOW GRANTS FOR PUBLIC", "")
	root.exec("GRANT LOCK TABLES ON viewchecks.* TO viewer")
	u.exec("LOCK TABLES checked WRITE")
	u.fails(1235, "INSERT INTO checked VALUES (200, 1)")
	u.exec("UNLOCK TABLES")
	root.exec("INSERT INTO few VALUES (200, 'other')")
	root.exec("EXPLAIN INSERT INTO few VALUES (201, 'none')")
}

// Views of several databases and of linked tables, by the rights on the views.
func TestViewsOfLinkedTables(t *testing.T) {
	b := cluster(t)
	b.dropServers(t)
	r := newRemote(t)
	r.exec("CREATE TABLE old.l (id INT PRIMARY KEY, v INT, secret INT)")
	r.exec("INSERT INTO old.l VALUES (1, 2, 42), (2, 3, 42), (3, 4, 42)")
	other := b.database(t, "viewother")
	other.exec("CREATE VIEW far AS SELECT 1 AS id")
	c := b.database(t, "viewlinked")
	c.exec(r.server("backend"))
	c.exec(`CREATE TABLE l (id INT PRIMARY KEY, v INT, secret INT) ENGINE=SPIDER COMMENT='srv "backend"'`)
	c.exec("CREATE TABLE t (id INT PRIMARY KEY, a INT)")
	c.exec("INSERT INTO t VALUES (1, 10), (2, 20)")
	c.exec("CREATE OR REPLACE VIEW viewother.far AS SELECT id, v FROM l WHERE v < 4")
	c.exec("CREATE VIEW near AS SELECT f.id, f.v FROM viewother.far f WHERE f.id > 1")
	c.want("SELECT * FROM viewother.far ORDER BY id", "1|2/2|3")
	c.want("SELECT * FROM near", "2|3")
	c.want("SELECT SUM(v) FROM viewother.far x WHERE x.id = 2", "3")
	b.account(t, "viewer", "IDENTIFIED BY 'v'")
	c.exec("GRANT SELECT ON viewother.far TO viewer")
	u := b.as(t, "viewer", "v", "viewother")
	u.want("SELECT * FROM far ORDER BY id", "1|2/2|3")
	u.exec("BEGIN")
	u.want("SELECT * FROM far WHERE id = 1", "1|2")
	u.exec("COMMIT")
	u.fails(1142, "SELECT * FROM viewlinked.l")
	u.fails(1142, "SELECT * FROM viewlinked.near")
	c.exec("UPDATE viewother.far SET v = 1 WHERE id = 1")
	c.want("SELECT v FROM l WHERE id = 1", "1")
}

// What a statement makes of a view it is for the next statement at any node.
func TestViewsAreTheSameAtAllNodes(t *testing.T) {
	b, root, _ := viewed(t, "viewnodes")
	second := b.beside(t, "node-2").as(t, "root", "", "viewnodes")
	for i := range 20 {
		root.exec(fmt.Sprintf("CREATE OR REPLACE VIEW v AS SELECT id FROM t WHERE id < %d", i))
		second.want("SELECT COUNT(*) FROM v", fmt.Sprint(i))
		root.exec("RENAME TABLE v TO w, own TO v")
		second.want("SELECT COUNT(*) FROM v", "20")
		root.exec("RENAME TABLE v TO own")
		second.exec("DROP VIEW w")
		root.fails(1146, "SELECT COUNT(*) FROM w")
	}
}

// A dump with views, which makes stand-ins for them first, is loaded.
func TestDumpOfViews(t *testing.T) {
	b, root, _ := viewed(t, "viewdump")
	root.exec("CREATE VIEW a_first AS SELECT id, who FROM both_ WHERE who <> 'it''s é'")
	root.exec("CREATE VIEW checked AS SELECT id, v FROM t WHERE v > 0 WITH LOCAL CHECK OPTION")
	to := b.database(t, "viewdumpto")
	for _, options := range [][]string{{}, {"--single-transaction"}, {"--add-drop-table", "--skip-lock-tables", "--skip-opt"}} {
		args := append([]string{"--no-defaults", "-h127.0.0.1", fmt.Sprintf("-P%d", b.addr.Port), "-uroot"}, options...)
		dump, err := exec.CommandContext(timeout(t), "mariadb-dump", append(args, "viewdump")...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v %s", options, err, dump)
		}
		to.exec("DROP VIEW IF EXISTS a_first, checked, v, names, both_, own")
		to.exec("DROP TABLE IF EXISTS t, r")
		if out, err := b.cli(t, "root", "", string(dump), "viewdumpto"); err != nil {
			t.Fatalf("%v: %s", options, out)
		}
		for _, q := range []string{"SELECT * FROM v ORDER BY id", "SELECT id, n FROM both_ ORDER BY id", "SELECT id FROM a_first ORDER BY id", "SELECT * FROM checked ORDER BY id", "SHOW FULL TABLES",
			"SELECT TABLE_NAME, CHECK_OPTION, SECURITY_TYPE, DEFINER, COLLATION_CONNECTION FROM information_schema.VIEWS WHERE TABLE_SCHEMA = DATABASE() ORDER BY 1"} {
			if x, y := root.rows(q), to.rows(q); x != y {
				t.Errorf("%v: %s: %s, after loading %s", options, q, x, y)
			}
		}
		if x, y := root.rows("SHOW CREATE VIEW both_"), to.rows("SHOW CREATE VIEW both_"); strings.ReplaceAll(x, "viewdump", "viewdumpto") != y && x != y {
			t.Errorf("%v: %s became %s", options, x, y)
		}
	}
}
