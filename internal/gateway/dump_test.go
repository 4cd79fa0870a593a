package gateway

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// A dump of a database through the node, loaded through the node into another one: the same rows, and the same placement of them.
func TestDumpAndLoad(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "dumpdb")
	c.exec("CREATE TABLE t (id BIGINT AUTO_INCREMENT, k INT NOT NULL, v VARCHAR(200), b BLOB, PRIMARY KEY (id, k), KEY (v), SHARD KEY (k))")
	c.exec("CREATE REFERENCE TABLE r (id INT PRIMARY KEY, n DECIMAL(10,3))")
	c.exec("CREATE TABLE keyless (d DATETIME, e ENUM('a','b'))")
	for i := range 50 {
		c.exec("INSERT INTO t (k, v, b) VALUES (?, ?, ?)", i, fmt.Sprintf("it's \\ %d\n", i), []byte{0, 1, byte(i), 0xff, '\''})
	}
	c.exec("INSERT INTO r VALUES (1, 1.5), (2, NULL)")
	c.exec("INSERT INTO keyless VALUES ('2020-01-01', 'a'), (NULL, 'b')")
	// Triggers come before the tables whose names are behind that of their own.
	c.exec("CREATE TABLE zlog (k INT NOT NULL, what VARCHAR(200), KEY (k), SHARD KEY (k))")
	c.exec("INSERT INTO zlog VALUES (3, 'old')")
	c.exec("CREATE TRIGGER t_bi BEFORE INSERT ON t FOR EACH ROW BEGIN IF NEW.v LIKE 'a;b%' THEN SET NEW.v = CONCAT(NEW.v, ' \\ ;; é'); END IF; END")
	c.exec("CREATE TRIGGER t_ai AFTER INSERT ON t FOR EACH ROW INSERT INTO zlog VALUES (NEW.k, CONCAT('it''s ', NEW.v))")
	c.exec("SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'")
	c.exec("CREATE TRIGGER \"t a\" AFTER UPDATE ON t FOR EACH ROW INSERT INTO \"zlog\" (k, what) VALUES (NEW.k, '\\')")
	c.exec("SET sql_mode = DEFAULT")
	c.exec("CREATE SEQUENCE s START WITH 40 INCREMENT BY 2 CACHE 20")
	c.exec("CREATE TABLE drawn (id BIGINT NOT NULL DEFAULT NEXTVAL(s), v INT, PRIMARY KEY (id))")
	c.exec("INSERT INTO drawn (v) VALUES (1), (2), (3)")
	// So do foreign keys.
	c.exec("CREATE TABLE zparent (id INT AUTO_INCREMENT PRIMARY KEY, v INT UNIQUE, SHARD KEY ())")
	c.exec("CREATE TABLE achild (id INT PRIMARY KEY, p INT, before_it INT, FOREIGN KEY (p) REFERENCES zparent (id) ON DELETE CASCADE, FOREIGN KEY (before_it) REFERENCES achild (id))")
	c.exec("INSERT INTO zparent (v) VALUES (7), (8), (9)")
	c.exec("DELETE FROM zparent WHERE v = 9")
	c.exec("INSERT INTO achild VALUES (1, 1, NULL), (2, 2, 1), (3, 1, 2)")
	c.exec("CREATE TABLE zspread (id INT PRIMARY KEY)")
	c.exec("CREATE TABLE akid (p INT, n INT, PRIMARY KEY (p, n), CONSTRAINT `of it` FOREIGN KEY (p) REFERENCES zspread (id), SHARD KEY (p))")
	c.exec("INSERT INTO zspread VALUES (1), (2), (3), (4), (5)")
	c.exec("INSERT INTO akid VALUES (1, 1), (2, 1), (3, 1), (3, 2)")
	// And triggers that nodes run, whose tables come later.
	c.exec("CREATE TABLE zpost (id INT PRIMARY KEY, remarks INT NOT NULL DEFAULT 0)")
	c.exec("CREATE TABLE zremarks (id BIGINT AUTO_INCREMENT PRIMARY KEY, remark INT)")
	c.exec("CREATE TABLE aremark (id INT PRIMARY KEY, post INT)")
	c.exec("CREATE TRIGGER aremark_ai AFTER INSERT ON aremark FOR EACH ROW UPDATE zpost SET remarks = remarks + 1 WHERE id = NEW.post")
	c.exec("CREATE TRIGGER aremark_log AFTER INSERT ON aremark FOR EACH ROW INSERT INTO zremarks (remark) VALUES (NEW.id)")
	c.exec("INSERT INTO zpost (id) VALUES (1), (2)")
	c.exec("INSERT INTO aremark VALUES (1, 1), (2, 2), (3, 1)")
	c.exec("CREATE PROCEDURE `a p` (IN x VARCHAR(9), OUT y INT) COMMENT 'it''s' SQL SECURITY INVOKER BEGIN DECLARE z INT; SET y = LENGTH('ü;;'); SELECT x INTO z; END")
	c.exec("CREATE FUNCTION `f``1` (x VARCHAR(20)) RETURNS INT COMMENT 'ü' DETERMINISTIC RETURN LENGTH(x)")
	c.exec("CREATE VIEW zv AS SELECT `f``1`(v) AS n FROM t")
	to := b.database(t, "dumpto")
	for _, options := range [][]string{{"--routines"}, {"--routines", "--single-transaction", "--skip-extended-insert"}, {"--routines", "--hex-blob", "--skip-opt", "--create-options"}} {
		args := append([]string{"--no-defaults", "-h127.0.0.1", fmt.Sprintf("-P%d", b.addr.Port), "-uroot"}, options...)
		dump, err := exec.CommandContext(timeout(t), "mariadb-dump", append(args, "dumpdb")...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v %s", options, err, dump)
		}
		for _, table := range []string{"t", "r", "keyless", "zlog", "drawn", "s", "achild", "zparent", "akid", "zspread", "aremark", "zremarks", "zpost"} {
			to.exec("DROP TABLE IF EXISTS " + table)
		}
		to.exec("DROP PROCEDURE IF EXISTS `a p`")
		to.exec("DROP FUNCTION IF EXISTS `f``1`")
		to.exec("DROP VIEW IF EXISTS zv")
		if out, err := b.cli(t, "root", "", string(dump), "dumpto"); err != nil {
			t.Fatalf("%v: %s", options, out)
		}
		for _, q := range []string{"SHOW CREATE SEQUENCE s", "SELECT * FROM zpost ORDER BY id", "SELECT * FROM zremarks ORDER BY id", "SELECT next_not_cached_value FROM s", "SELECT * FROM drawn ORDER BY id", "SELECT SUM(n) FROM zv", "SHOW CREATE VIEW zv", "SHOW CREATE TABLE drawn", "SHOW CREATE TABLE achild", "SHOW CREATE TABLE zparent", "SELECT * FROM achild ORDER BY id", "SHOW CREATE TABLE akid", "SHOW CREATE TABLE zspread", "SELECT * FROM akid JOIN zspread ON id = p ORDER BY p, n", "SELECT id, k, v, HEX(b) FROM t ORDER BY k", "SELECT * FROM r ORDER BY id", "SELECT * FROM keyless ORDER BY e", "SELECT * FROM zlog",
			"SELECT ROUTINE_NAME, ROUTINE_DEFINITION, ROUTINE_COMMENT, SECURITY_TYPE, SQL_MODE, COLLATION_CONNECTION, DATABASE_COLLATION, DEFINER FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE() ORDER BY 1",
			"SELECT TRIGGER_NAME, EVENT_MANIPULATION, ACTION_STATEMENT, DEFINER, SQL_MODE, COLLATION_CONNECTION FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE() ORDER BY 1"} {
			if x, y := c.rows(q), to.rows(q); x != y {
				t.Errorf("%v: %s: %s, after loading %s", options, q, x, y)
			}
		}
		x, y := c.rows("SHOW CREATE TABLE t"), to.rows("SHOW CREATE TABLE t")
		if x, y := strings.Split(x, "AUTO_INC")[0:2], strings.Split(y, "AUTO_INC")[0:2]; x[0] != y[0] {
			t.Errorf("%s became %s", x, y)
		}
		to.want("SELECT NEXTVAL(s)", "80")
		place := strings.NewReplacer("dumpto", "dumpdb", "leaf-1", "leaf", "leaf-2", "leaf") // leaves take turns in having first partitions
		if got, want := place.Replace(c.rows("EXPLAIN SELECT * FROM t WHERE k = 7")), place.Replace(to.rows("EXPLAIN SELECT * FROM t WHERE k = 7")); got != want {
			t.Errorf("EXPLAIN: %s, of the first %s", got, want)
		}
		to.want("SELECT COUNT(*) FROM r JOIN t ON t.k = r.id", "2")
		to.exec("INSERT INTO t (k, v) VALUES (1001, 'a;b'), (1002, 'c')")
		to.exec("UPDATE t SET b = 'x' WHERE k = 1002")
		to.exec("INSERT INTO aremark VALUES (4, 2), (5, 2), (6, 2)")
		to.want("SELECT * FROM zpost ORDER BY id", "1|2/2|4")
		to.want("SELECT id > 0, remark FROM zremarks ORDER BY id", "1|1/1|2/1|3/1|4/1|5/1|6")
		to.want("SELECT what FROM zlog WHERE k > 1000 ORDER BY k, what", "it's a;b  ;; é/it's c/\\")
	}
}

// A dump of linked tables is loaded again, definitions, rows and all, under the locks that it takes. The rows are in it when they are asked for, as those of any table
// of Spider: they are other servers'.
func TestDumpOfLinkedTables(t *testing.T) {
	b := cluster(t)
	b.dropServers(t)
	r := newRemote(t)
	r.exec("CREATE TABLE old.t (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(200))")
	c := b.database(t, "fed")
	c.exec(r.server("backend"))
	c.exec(`CREATE TABLE l (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(200)) ENGINE=SPIDER COMMENT='srv "backend", table "t"'`)
	c.exec("INSERT INTO l (v) VALUES ('it''s \\ '), ('ü')")
	rows, create := c.rows("SELECT * FROM l ORDER BY id"), c.rows("SHOW CREATE TABLE l")
	for _, options := range [][]string{{}, {"--single-transaction", "--skip-extended-insert"}, {"--skip-opt", "--create-options"}} {
		args := append([]string{"--no-defaults", "-h127.0.0.1", fmt.Sprintf("-P%d", b.addr.Port), "-uroot"}, options...)
		dump, err := exec.CommandContext(timeout(t), "mariadb-dump", append(args, "fed")...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v %s", options, err, dump)
		}
		if strings.Contains(string(dump), "INSERT") {
			t.Errorf("%v: there are rows in %s", options, dump)
		}
		c.exec("DROP TABLE l")
		if out, err := b.cli(t, "root", "", string(dump), "fed"); err != nil {
			t.Fatalf("%v: %s", options, out)
		}
		c.want("SELECT * FROM l ORDER BY id", rows)
		if dump, err = exec.CommandContext(timeout(t), "mariadb-dump", append(args, "--skip-no-data-med", "fed")...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v %s", options, err, dump)
		}
		c.exec("TRUNCATE TABLE l")
		c.exec("DROP TABLE l")
		if out, err := b.cli(t, "root", "", string(dump), "fed"); err != nil {
			t.Fatalf("%v: %s", options, out)
		}
		c.want("SELECT * FROM l ORDER BY id", rows)
		c.want("SHOW CREATE TABLE l", create)
	}
}
