package control_test

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// viewsOf is all that a leaf has of views.
func (c *cluster) viewsOf(leaf string) string {
	c.t.Helper()
	return c.ask(leaf, "SELECT COALESCE(GROUP_CONCAT(TABLE_SCHEMA, '.', TABLE_NAME, ' ', VIEW_DEFINITION, ' ', CHECK_OPTION, ' ', DEFINER, ' ', SECURITY_TYPE, ' ', COLLATION_CONNECTION, ' ', ALGORITHM"+
		" ORDER BY TABLE_SCHEMA, TABLE_NAME SEPARATOR '\\n'), '') FROM information_schema.VIEWS WHERE TABLE_SCHEMA NOT IN ('sys', 'mysql')")
}

// triggersOf is all that a leaf has of triggers of d, in the order of their names.
func (c *cluster) triggersOf(leaf string) string {
	c.t.Helper()
	return c.ask(leaf, "SELECT COALESCE(GROUP_CONCAT(TRIGGER_SCHEMA, '.', TRIGGER_NAME, ' ', ACTION_TIMING, ' ', EVENT_MANIPULATION, ' ', ACTION_ORDER, ' ', ACTION_STATEMENT, ' ', DEFINER ORDER BY TRIGGER_SCHEMA, TRIGGER_NAME"+
		" SEPARATOR '\\n'), '') FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA LIKE 'd%'")
}

// routinesOf is all that a leaf has of routines.
func (c *cluster) routinesOf(leaf string) string {
	c.t.Helper()
	return c.ask(leaf, "SELECT COALESCE(GROUP_CONCAT(db, '.', name, ' ', type, ' ', body_utf8, ' ', comment, ' ', definer, ' ', created, ' ', modified, ' ', db_collation ORDER BY db, type, name SEPARATOR '\\n'), '') FROM mysql.proc"+
		" WHERE db NOT IN ('sys', 'mysql', 'orbweaver')")
}

// A leaf that was away, while views were made, changed and dropped, has in the end what the others have; an invalid one once what it reads is there again.
func TestJoiningLeafGetsViews(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 4, 2, 1)
	c.must("CREATE DATABASE d PARTITIONS 4", "CREATE DATABASE a PARTITIONS 2", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT)", "CREATE REFERENCE TABLE d.r (a INT PRIMARY KEY)",
		"INSERT INTO d.t VALUES (1, 1), (2, 2)", "INSERT INTO d.r VALUES (1)", "CREATE TABLE d.gone (id INT PRIMARY KEY)",
		"CREATE VIEW d.v AS SELECT id FROM d.t", "CREATE VIEW d.dropped AS SELECT id FROM d.t", "CREATE VIEW d.invalid AS SELECT id FROM d.gone")
	c.must("CREATE TABLE d.log (id BIGINT, what VARCHAR(20), SHARD KEY (id))", "CREATE TRIGGER d.ti AFTER INSERT ON d.t FOR EACH ROW INSERT INTO log VALUES (NEW.id, 'old')",
		"CREATE TRIGGER d.td AFTER DELETE ON d.t FOR EACH ROW INSERT INTO log VALUES (OLD.id, 'deleted')")
	c.must("CREATE REFERENCE TABLE d.rlog (a INT, what VARCHAR(20))", "CREATE TRIGGER d.zi AFTER INSERT ON d.r FOR EACH ROW INSERT INTO d.rlog VALUES (NEW.a, 'old')")
	c.must("CREATE SEQUENCE d.s", "CREATE SEQUENCE d.dropping", "CREATE TABLE d.drawn (id BIGINT DEFAULT NEXTVAL(d.s) PRIMARY KEY, v BIGINT DEFAULT NEXTVAL(d.dropping))", "DO NEXTVAL(d.s)",
		"CREATE SEQUENCE a.s", "CREATE REFERENCE TABLE d.far (id BIGINT DEFAULT NEXTVAL(a.s) PRIMARY KEY, v INT)", "INSERT INTO d.far (v) VALUES (1), (2)")
	c.must("CREATE EVENT d.e ON SCHEDULE EVERY '1:30' HOUR_MINUTE STARTS '2035-01-01' DO SELECT 1", "CREATE EVENT d.dropped ON SCHEDULE EVERY 1 DAY STARTS '2035-01-01' DO SELECT 1")
	c.must("CREATE PROCEDURE d.p () SELECT 1", "CREATE PROCEDURE d.q () SELECT 1", "CREATE FUNCTION d.f (a INT) RETURNS INT RETURN a + 1", "CREATE VIEW d.called AS SELECT d.f(id) AS n FROM d.t")
	c.until("whole", whole)
	release := c.hold(3)
	c.until("offline", func(s *topo.Snapshot) bool { return s.Leaves["leaf-4"].State == topo.LeafOffline })
	c.must("CREATE VIEW a.early AS SELECT v.id, r.a FROM d.v JOIN d.r ON r.a = v.id", "DROP VIEW d.dropped", "CREATE OR REPLACE ALGORITHM=MERGE SQL SECURITY INVOKER VIEW d.v AS SELECT id, v FROM d.t WHERE v > 0"+
		" WITH CASCADED CHECK OPTION", "DROP TABLE d.gone", "CREATE VIEW d.`odd ``n` (`a b`) AS SELECT CONCAT('it''s \\\\ é', v) FROM d.t")
	c.must("CREATE OR REPLACE TRIGGER d.ti AFTER INSERT ON d.t FOR EACH ROW INSERT INTO log VALUES (NEW.id, 'new')", "DROP TRIGGER d.td", "INSERT INTO d.t VALUES (11, 1), (12, 1), (13, 1), (14, 1), (15, 1)",
		"CREATE TRIGGER d.ti0 AFTER INSERT ON d.t FOR EACH ROW PRECEDES ti INSERT INTO d.log VALUES (NEW.id, 'first')")
	c.must("ALTER EVENT d.e COMMENT 'é'", "DROP EVENT d.dropped", "CREATE EVENT a.e ON SCHEDULE AT '2035-01-01' DO SELECT 2")
	c.must("CREATE OR REPLACE PROCEDURE d.p (a INT) SELECT 'new'", "ALTER PROCEDURE d.p COMMENT 'é'", "DROP PROCEDURE d.q", "CREATE OR REPLACE FUNCTION d.f (a INT) RETURNS INT RETURN a * 2")
	c.must("DROP SEQUENCE d.dropping", "CREATE SEQUENCE d.new START WITH 500")
	c.must("CREATE OR REPLACE TRIGGER d.zi AFTER INSERT ON d.r FOR EACH ROW INSERT INTO d.rlog VALUES (NEW.a, 'new')", "INSERT INTO d.r VALUES (52)")
	release()
	c.until("whole", whole)
	const events = "SELECT GROUP_CONCAT(db, name, IFNULL(starts, execute_at), IFNULL(interval_value, 0), comment, status, created, modified, body ORDER BY db, name) FROM mysql.event"
	if got, want := c.ask("leaf-4", events), c.ask("leaf-1", events); got != want || strings.Count(got, "SLAVESIDE_DISABLED") != 2 {
		t.Errorf("leaf-4 has events %s, want %s", got, want)
	}
	// No shape's sequence gives a value.
	const shapes = "SELECT GROUP_CONCAT(TABLE_NAME ORDER BY 1), (SELECT maximum_value - next_not_cached_value FROM d.s), (SELECT maximum_value - next_not_cached_value FROM d.new)" +
		" FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'd' AND TABLE_TYPE = 'SEQUENCE'"
	for _, leaf := range []string{"leaf-1", "leaf-4"} {
		if got := fmt.Sprint(c.rows(leaf, shapes)); got != "[[new,s -1 -1]]" && got != "[[new s -1 -1]]" {
			t.Errorf("%s has %s", leaf, got)
		}
	}
	for _, leaf := range []string{"leaf-1", "leaf-4"} {
		if got := fmt.Sprint(c.rows(leaf, "SELECT GROUP_CONCAT(id, ' ', v ORDER BY id), (SELECT COLUMN_DEFAULT FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'd' AND TABLE_NAME = 'far' AND COLUMN_NAME = 'id') FROM d.far")); got != "[[1 1,2 2 nextval(`a`.`s`)]]" {
			t.Errorf("%s has %s", leaf, got)
		}
	}
	if got, want := c.routinesOf("leaf-4"), c.routinesOf("leaf-1"); got != want || strings.Count(got, "\n") != 1 || !strings.HasPrefix(got, "d.f FUNCTION RETURN a * 2 ") || !strings.Contains(got, "\nd.p PROCEDURE SELECT 'new' é ") {
		t.Errorf("leaf-4 has\n%s\nwant\n%s", got, want)
	}
	c.must("INSERT INTO d.r VALUES (53)")
	for _, leaf := range []string{"leaf-1", "leaf-4"} {
		if got := c.ask(leaf, "SELECT GROUP_CONCAT(a, what ORDER BY a) FROM d.rlog"); got != "52new,53new" {
			t.Errorf("%s has %s", leaf, got)
		}
	}
	if n := valueOf(t, c.nodes[0].db, "SELECT NEXTVAL(d.new)"); n != 500 {
		t.Errorf("%d was given", n)
	}
	for _, leaf := range []string{"leaf-1", "leaf-2", "leaf-3", "leaf-4"} {
		want := []string{"d.ti AFTER INSERT 2 INSERT INTO log VALUES (NEW.id, 'new') root@localhost", "d.ti0 AFTER INSERT 1 INSERT INTO d.log VALUES (NEW.id, 'first') root@localhost", "d.zi AFTER INSERT 1 INSERT INTO d.rlog VALUES (NEW.a, 'new') root@localhost"}
		for schema := range strings.FieldsSeq(c.ask(leaf, "SELECT COALESCE(GROUP_CONCAT(SCHEMA_NAME ORDER BY 1 SEPARATOR ' '), '') FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE 'd\\_%'")) {
			want = append(want, schema+strings.TrimPrefix(want[0], "d"), schema+".ti0 AFTER INSERT 1 INSERT INTO `"+schema+"`.`log` VALUES (NEW.id, 'first') root@localhost")
		}
		if got := c.triggersOf(leaf); got != strings.Join(want, "\n") {
			t.Errorf("%s has\n%s\nwant\n%s", leaf, got, strings.Join(want, "\n"))
		}
	}
	if n := valueOf(t, c.nodes[0].db, "SELECT COUNT(*) FROM d.log"); n != 5 {
		t.Errorf("%d rows: triggers were fired for rows that were copied", n)
	}
	var without []string
	for line := range strings.SplitSeq(c.viewsOf("leaf-1"), "\n") {
		if !strings.HasPrefix(line, "d.invalid") {
			without = append(without, line)
		}
	}
	if got := c.viewsOf("leaf-4"); got != strings.Join(without, "\n") {
		t.Errorf("leaf-4 has\n%s\nwant\n%s", got, strings.Join(without, "\n"))
	}
	c.eventOf(c.nodes[0], "view left out", "d.invalid")
	for range 4 { // at whichever leaf the session is at home
		failedWith(t, func() error { _, err := c.nodes[0].db.Exec("SELECT * FROM d.invalid"); return err }(), 1356, "d.invalid")
	}
	c.must("CREATE TABLE d.gone (id INT PRIMARY KEY)")
	if got, want := c.viewsOf("leaf-4"), c.viewsOf("leaf-1"); got != want {
		t.Errorf("leaf-4 has\n%s\nwant\n%s", got, want)
	}
	if n := valueOf(t, c.nodes[0].db, "SELECT COUNT(*) FROM a.early"); n != 1 {
		t.Errorf("%d rows", n)
	}
	// Views of the leaves' own, which look at rows, go with the CHECK OPTION.
	checks := func() (n int) {
		for _, leaf := range c.farm.Leaves() {
			k, err := strconv.Atoi(c.ask(leaf.Name, "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'orbweaver_checks'"))
			if err != nil {
				t.Fatal(err)
			}
			n += k
		}
		return n
	}
	c.must("INSERT INTO d.v VALUES (101, 1), (102, 1)")
	if checks() == 0 {
		t.Error("no leaf looks at rows")
	}
	c.must("CREATE OR REPLACE VIEW d.v AS SELECT id, v FROM d.t")
	for deadline := time.Now().Add(patience); checks() > 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("leaves keep views that nothing needs")
		}
	}
}

// A backup has the database's views, and a restore under another name makes them of that database.
func TestBackupKeepsViews(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 2, 1)
	path := filepath.Join(t.TempDir(), "backup")
	c.must("CREATE DATABASE d PARTITIONS 3", "CREATE TABLE d.t (id INT PRIMARY KEY, d INT)", "INSERT INTO d.t VALUES (1, 1), (2, 2), (3, 3)", "CREATE DATABASE away PARTITIONS 2",
		"CREATE REFERENCE TABLE away.t (id INT PRIMARY KEY)", "INSERT INTO away.t VALUES (3)",
		"CREATE VIEW d.z AS SELECT t.id, t.d AS `d` FROM d.t WHERE d.t.d > 1", "CREATE VIEW d.a (n) AS SELECT z.id FROM d.z WHERE z.d < 3 WITH LOCAL CHECK OPTION",
		"CREATE REFERENCE TABLE d.r (n INT)", "INSERT INTO d.r VALUES (5)", "CREATE TABLE d.log (id INT, n INT, SHARD KEY (id))",
		"CREATE TRIGGER d.ti AFTER INSERT ON d.t FOR EACH ROW INSERT INTO d.log VALUES (NEW.id, (SELECT MAX(n) FROM r))", "CREATE TABLE d.audit (no INT AUTO_INCREMENT PRIMARY KEY, id INT)",
		"CREATE TRIGGER d.ta AFTER INSERT ON d.t FOR EACH ROW INSERT INTO d.audit (id) VALUES (NEW.id)", "INSERT INTO d.t VALUES (9, 0)",
		"CREATE TRIGGER d.rb BEFORE INSERT ON d.r FOR EACH ROW SET NEW.n = (SELECT MAX(r.n) FROM d.r) + NEW.n",
		"CREATE VIEW d.far AS SELECT d.id FROM d.t d JOIN away.t ON away.t.id = d.id",
		"CREATE EVENT d.e ON SCHEDULE EVERY 1 SECOND DO INSERT INTO other.log (id) VALUES (-1)", "CREATE EVENT d.off ON SCHEDULE AT '2035-01-01' DISABLE COMMENT 'é' DO SELECT 'é'",
		"CREATE PROCEDURE d.p (x VARCHAR(5)) COMMENT 'c' SELECT x FROM d.t WHERE d.f(1)", "CREATE FUNCTION d.g (a INT) RETURNS INT RETURN a * 2", "CREATE FUNCTION d.f (a INT) RETURNS INT RETURN d.g(a) + (SELECT MAX(n) FROM d.r)",
		"CREATE TRIGGER d.tb BEFORE UPDATE ON d.t FOR EACH ROW SET NEW.d = g(NEW.d) - NEW.d",
		"BACKUP DATABASE d TO '"+path+"'", "RESTORE DATABASE d AS other FROM '"+path+"'", "UPDATE other.t SET d = 2",
		"INSERT INTO other.t VALUES (10, 2), (11, 2), (12, 2)", "INSERT INTO other.r VALUES (1)")
	for q, want := range map[string]int64{"SELECT COUNT(*) FROM other.z": 7, "SELECT COUNT(*) FROM other.a": 7, "SELECT SUM(n) FROM other.a": 48,
		"SELECT COUNT(*) FROM other.log WHERE n = 5 AND id > 0": 4, "SELECT COUNT(*) FROM d.log": 1, "SELECT SUM(id) FROM other.audit": 42, "SELECT SUM(id) FROM d.audit": 9, "SELECT id FROM other.far": 3, "SELECT SUM(n) FROM other.r": 11, "SELECT other.f(1)": 8, "SELECT SUM(d.f(id)) FROM other.t": 131, "SELECT SUM(n) FROM d.r": 5, "SELECT COUNT(*) FROM d.z": 2} {
		if n := valueOf(t, c.nodes[0].db, q); int64(n) != want {
			t.Errorf("%s: %d, want %d", q, n, want)
		}
	}
	for _, leaf := range []string{"leaf-1", "leaf-2"} {
		all := strings.Split(c.routinesOf(leaf), "\n")
		for i, r := range all[:len(all)/2] {
			is := strings.NewReplacer(" `other`.`r` ", "d.r", " `other`.`g` ", "d.g", " `other`.`t` ", "d.t", " `other`.`f` ", "d.f", "other.", "d.").Replace(all[len(all)/2+i])
			if strings.ReplaceAll(is, " ", "") != strings.ReplaceAll(r, " ", "") {
				t.Errorf("%s has %s\nand %s", leaf, r, is)
			}
		}
		if len(all) != 6 {
			t.Errorf("%s has %q", leaf, all)
		}
		got := c.ask(leaf, "SELECT GROUP_CONCAT(TABLE_NAME, ' ', VIEW_DEFINITION, ' ', CHECK_OPTION ORDER BY TABLE_NAME SEPARATOR '\\n') FROM information_schema.VIEWS WHERE TABLE_SCHEMA = 'other'")
		want := c.ask(leaf, "SELECT GROUP_CONCAT(TABLE_NAME, ' ', REPLACE(REPLACE(VIEW_DEFINITION, '`d`.`t`', '`other`.`t`'), '`d`.`z`', '`other`.`z`'), ' ', CHECK_OPTION ORDER BY TABLE_NAME SEPARATOR '\\n') FROM information_schema.VIEWS WHERE TABLE_SCHEMA = 'd'")
		if got != want {
			t.Errorf("%s has\n%s\nwant\n%s", leaf, got, want)
		}
	}
	const events = "SELECT GROUP_CONCAT(EVENT_NAME, STATUS, EVENT_COMMENT, EVENT_DEFINITION, IFNULL(EXECUTE_AT, STARTS), CREATED ORDER BY EVENT_NAME) FROM information_schema.EVENTS WHERE EVENT_SCHEMA = '"
	var was, is string
	if err := c.nodes[0].db.QueryRow(events + "d'").Scan(&was); err != nil {
		t.Fatal(err)
	}
	if err := c.nodes[0].db.QueryRow(events + "other'").Scan(&is); err != nil || is != was {
		t.Errorf("%s was restored as %s: %v", was, is, err)
	}
	c.must("DROP EVENT d.e", "DELETE FROM other.log WHERE id = -1")
	for until := time.Now().Add(patience); valueOf(t, c.nodes[0].db, "SELECT COUNT(*) FROM other.log WHERE id = -1") < 2; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("a restored event is not run")
		}
	}
	c.must("DROP EVENT other.e")
	c.must("DROP DATABASE d", "DROP DATABASE away", "RESTORE DATABASE d FROM '"+path+"'")
	failedWith(t, func() error { _, err := c.nodes[0].db.Exec("SELECT * FROM d.far"); return err }(), 1356, "d.far")
	c.must("CREATE DATABASE away PARTITIONS 2", "CREATE REFERENCE TABLE away.t (id INT PRIMARY KEY)", "INSERT INTO away.t VALUES (2)")
	if n := valueOf(t, c.nodes[0].db, "SELECT id FROM d.far"); n != 2 {
		t.Errorf("%d", n)
	}
}
