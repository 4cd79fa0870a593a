package control_test

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/archive"
	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// told is what SHOW CREATE TABLE says of a table.
func (c *cluster) told(table string) (text string) {
	c.t.Helper()
	var name string
	if err := c.nodes[0].db.QueryRow("SHOW CREATE TABLE "+table).Scan(&name, &text); err != nil {
		c.t.Fatal(err)
	}
	return text
}

// schemas are the databases of a leaf that begin with a name.
func (c *cluster) schemas(leaf, prefix string) string {
	c.t.Helper()
	return c.ask(leaf, "SELECT COALESCE(GROUP_CONCAT(SCHEMA_NAME), '') FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE '"+prefix+"%'")
}

// ask asks a leaf itself for a value.
func (c *cluster) ask(leaf, query string) string {
	c.t.Helper()
	n := c.nodes[len(c.nodes)-1]
	conn, err := n.pools.Get(within(c.t, patience), backend.Want{Leaf: leaf, Account: backend.Cluster, Variant: backend.Internal})
	if err != nil {
		c.t.Fatal(err)
	}
	defer conn.Release()
	res, err := conn.Query(within(c.t, patience), query)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(res.Rows[0][0])
}

// nothingOf makes sure that no leaf and no topology knows of a database.
func (c *cluster) nothingOf(db string) {
	c.t.Helper()
	n := c.nodes[len(c.nodes)-1]
	if n.cat.Snapshot().Databases[db] != nil {
		c.t.Errorf("database %s is there", db)
	}
	for _, l := range c.farm.Leaves() {
		if have := c.schemas(l.Name, db); have != "" {
			c.t.Errorf("leaf %s has %s", l.Name, have)
		}
	}
	recs, err := n.cat.DDLRecords(within(c.t, patience))
	if err != nil || len(recs) != 0 {
		c.t.Errorf("%d records of DDL are left (%v)", len(recs), err)
	}
}

// everything makes a database with every kind of table and type of column.
func (c *cluster) everything() {
	c.t.Helper()
	c.must("CREATE DATABASE d PARTITIONS 3 WITH SYNC REPLICATION CHARACTER SET latin1 COLLATE latin1_german1_ci",
		"CREATE REFERENCE TABLE d.country (code CHAR(2) PRIMARY KEY, name VARCHAR(60) COMMENT 'it''s `a` name\\\\', seq INT AUTO_INCREMENT, KEY (seq))",
		`CREATE TABLE d.v (
  id BIGINT AUTO_INCREMENT PRIMARY KEY, f FLOAT, d DOUBLE, n DECIMAL(30,10), b BIT(13), bl BLOB, tx TEXT CHARACTER SET utf8mb4, l1 VARCHAR(50) CHARACTER SET latin1,
  u2 VARCHAR(50) CHARACTER SET ucs2, sj CHAR(10) CHARACTER SET sjis, bi BINARY(7), e ENUM('a','b\tc','é','') CHARACTER SET utf8mb4, s SET('x','y','z'), y YEAR, dt DATE, tm TIME(6),
  dtm DATETIME(6), ts TIMESTAMP(6) NULL, g GEOMETRY, j JSON, i6 INET6, uu UUID, inv INT INVISIBLE DEFAULT 7, gen INT AS (inv * 2) STORED, vir INT AS (inv + 1) VIRTUAL,
  code CHAR(2) CHARACTER SET latin1 COLLATE latin1_german1_ci, CHECK (f > -100), KEY (gen), KEY (l1), FOREIGN KEY (code) REFERENCES d.country (code)) COMMENT 'REFERENCES d.x, ünïcode'`,
		"CREATE TABLE d.child (v BIGINT, id INT, PRIMARY KEY (v, id), SHARD KEY (v), FOREIGN KEY (v) REFERENCES d.v (id)) CHARACTER SET utf8mb4",
		"CREATE TABLE d.`nö key ``s` (a INT, b VARCHAR(10))", "CREATE TABLE d.empty (a INT PRIMARY KEY)",
		"CREATE TABLE d.log (id INT AUTO_INCREMENT PRIMARY KEY, a INT UNIQUE, before_it INT, FOREIGN KEY (before_it) REFERENCES d.log (id), SHARD KEY ())",
		"CREATE TABLE d.eras (id INT PRIMARY KEY, v INT, w INT WITHOUT SYSTEM VERSIONING, e ENUM('a','b')) WITH SYSTEM VERSIONING PARTITION BY SYSTEM_TIME INTERVAL 1 DAY STARTS '2001-01-01 00:00:00' PARTITIONS 3",
		"CREATE TABLE d.span (id INT PRIMARY KEY, v INT, since TIMESTAMP(6) GENERATED ALWAYS AS ROW START, till TIMESTAMP(6) GENERATED ALWAYS AS ROW END INVISIBLE, PERIOD FOR SYSTEM_TIME (since, till), SHARD KEY ()) WITH SYSTEM VERSIONING",
		"INSERT INTO d.eras VALUES (1, 1, 1, 'a'), (2, 2, 2, 'b'), (3, 3, 3, NULL)", "UPDATE d.eras SET v = 4", "DELETE FROM d.eras WHERE id = 2", "INSERT INTO d.span (id, v) VALUES (1, 1), (2, 2)", "UPDATE d.span SET v = 5", "DELETE FROM d.span WHERE id = 1",
		"INSERT INTO d.country (code, name) VALUES ('CH', 'Schweiz'), ('NO', 'Nörge')", "DELETE FROM d.country WHERE code = 'NO'",
		"SET sql_mode='NO_AUTO_VALUE_ON_ZERO'",
		`INSERT INTO d.v (id, f, d, n, b, bl, tx, l1, u2, sj, bi, e, s, y, dt, tm, dtm, ts, g, j, i6, uu, inv, code) VALUES
  (9, 0.1, 0.1, 12345678901234567890.0123456789, b'1010101010101', x'00010203090A0D5C5C4E27221A', '\\N	tab
new\0nul 😀', x'E9E8', 'ünï', 'ｱｲ', x'0900', 'b\tc', 'x,z', 1999, '2020-02-29', '-838:59:59.999999', '9999-12-31 23:59:59.999999', '2038-01-19 03:14:07.999999', ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))', 4326), '{"a":[1,2]}', '::1', UUID(), 9, 'CH'),
  (1, 3.4028e38, 1.7976931348623157e308, -0.0000000001, NULL, '', '', '', '', '', '', NULL, '', 0, '2000-01-01', '00:00:00', '1000-01-01', NULL, NULL, 'null', NULL, NULL, NULL, NULL),
  (2, 1.17549435e-38, 4.9e-324, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, 'é', NULL, NULL, NULL, NULL, NULL, '1970-01-01 00:00:01', ST_GeomFromText('POINT(1 2)'), NULL, NULL, NULL, NULL, NULL),
  (-7, 16777216.5, -0.0, 1, 8191, REPEAT(x'5C0A', 70000), REPEAT('ж\t', 20000), 'a  ', ' a ', 'x', 'y', '', 'y', 2155, '1000-01-01', '12:34:56.5', '2001-01-01 01:02:03.000004', '2001-01-01 01:02:03', NULL, '[]', 'ffff::1', NULL, 0, 'CH')`,
		"INSERT INTO d.v (f) VALUES (1), (2), (3)", "DELETE FROM d.v WHERE f = 3",
		"INSERT INTO d.child VALUES (9, 1), (-7, 2)", "INSERT INTO d.`nö key ``s` VALUES (1, 'x'), (1, 'x'), (NULL, 'ü')", "INSERT INTO d.log (a, before_it) VALUES (1, NULL), (2, 1), (3, 2), (4, 1)", "DELETE FROM d.log WHERE a > 2")
}

var everyTable = []string{"country", "v", "child", "`nö key ``s`", "empty", "log", "eras", "span"}

// sums are the checksums of all partitions' tables and of a shape's reference table.
func (c *cluster) sums(db string) string {
	c.t.Helper()
	n := c.nodes[0]
	var out []string
	one := func(leaf, schema, table string) {
		conn, err := n.pools.Get(within(c.t, patience), backend.Want{Leaf: leaf, Account: backend.Cluster, Variant: backend.Internal})
		if err != nil {
			c.t.Fatal(err)
		}
		defer conn.Release()
		res, err := conn.Query(within(c.t, patience), "CHECKSUM TABLE `"+schema+"`."+table+" EXTENDED")
		if err != nil {
			c.t.Fatal(err)
		}
		out = append(out, table+" "+string(res.Rows[0][1]))
	}
	for _, p := range n.cat.Snapshot().Databases[db].Partitions {
		leaf, _ := p.Master()
		for _, table := range everyTable[1:] {
			one(leaf, p.ID.Schema(), table)
		}
	}
	for _, l := range c.farm.Leaves() {
		one(l.Name, db, "country")
	}
	return strings.Join(out, "\n")
}

func TestBackupKeepsEveryTypeAndDefinition(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 2, 1)
	c.everything()
	c.must("CREATE SEQUENCE d.`s``eq` START WITH 100 INCREMENT BY 10 CACHE 5", "CREATE SEQUENCE d.down INCREMENT BY -1 MAXVALUE -1 NOCACHE CYCLE MINVALUE -3", "CREATE DATABASE far PARTITIONS 1", "CREATE SEQUENCE far.s",
		"CREATE TABLE d.drawn (id BIGINT DEFAULT (NEXT VALUE FOR d.`s``eq`) PRIMARY KEY, f BIGINT DEFAULT NEXTVAL(far.s), v INT COMMENT 'DEFAULT nextval(`d`.`s`)')",
		"CREATE REFERENCE TABLE d.told (id BIGINT NOT NULL DEFAULT NEXTVAL(d.`s``eq`), v INT)",
		"INSERT INTO d.drawn (v) VALUES (1), (2), (3)", "INSERT INTO d.told (v) VALUES (4)", "DO NEXTVAL(d.down)")
	drawn := []string{"`s``eq`", "down", "drawn", "told"}
	last := valueOf(t, c.nodes[0].db, "SELECT MAX(id) FROM d.told")
	c.must("ALTER DATABASE d DEFAULT SHARD KEY ()")
	path := filepath.Join(t.TempDir(), "it's a \"backup\"")
	c.must("BACKUP DATABASE d TO '" + strings.ReplaceAll(path, "'", "''") + "'")
	want := map[string]string{}
	for _, table := range append(drawn, everyTable...) {
		want[table] = c.told("d." + table)
	}
	sums := c.sums("d")
	c.must("INSERT INTO d.told (v) VALUES (5)") // a value that is not the backup's
	refusedAs(t, c.nodes[0].db, "RESTORE DATABASE d FROM '"+strings.ReplaceAll(path, "'", "''")+"'", 1007, "database exists")
	c.must("RESTORE DATABASE d AS other FROM '"+strings.ReplaceAll(path, "'", "''")+"'", "RESTORE DATABASE d AS `t_o` FROM '"+strings.ReplaceAll(path, "'", "''")+"'")
	for _, name := range []string{"other", "t_o"} {
		db := "`" + name + "`"
		if got := c.sums(name); got != sums {
			t.Errorf("database %s:\n%s\nwant:\n%s", db, got, sums)
		}
		for _, table := range everyTable {
			if got := c.told(db + "." + table); undated(got) != undated(want[table]) {
				t.Errorf("%s.%s:\n%s\nwant:\n%s", db, table, got, want[table])
			}
		}
		for _, table := range drawn {
			// Its own sequences give the defaults, those of other databases stay.
			if got, want := c.told(db+"."+table), strings.ReplaceAll(want[table], "nextval(`d`.`s``eq`)", "nextval("+db+".`s``eq`)"); got != want {
				t.Errorf("%s.%s:\n%s\nwant:\n%s", db, table, got, want)
			}
		}
		for _, l := range c.farm.Leaves() {
			if got := c.ask(l.Name, "SELECT next_not_cached_value > maximum_value FROM "+db+".down"); got != "1" {
				t.Errorf("%s: the sequence of leaf %s's shape gives values", db, l.Name)
			}
		}
		c.must("INSERT INTO "+db+".drawn (v) VALUES (10), (11)", "INSERT INTO "+db+".told (v) VALUES (12)")
		first, second, third := valueOf(t, c.nodes[0].db, "SELECT id FROM "+db+".drawn WHERE v = 10"), valueOf(t, c.nodes[0].db, "SELECT id FROM "+db+".drawn WHERE v = 11"), valueOf(t, c.nodes[0].db, "SELECT id FROM "+db+".told WHERE v = 12")
		if first <= last || first > last+50 || second != first+10 || third != first+20 {
			t.Errorf("%s: %d was the last of the sequence's values in the backup, then %d, %d and %d", db, last, first, second, third)
		}
		if n := valueOf(t, c.nodes[0].db, "SELECT COUNT(*) FROM "+db+".drawn JOIN "+db+".told"); n != 10 {
			t.Errorf("%s: %d pairs of rows", db, n)
		}
		if a, b, again := valueOf(t, c.nodes[0].db, "SELECT NEXTVAL("+db+".down)"), valueOf(t, c.nodes[0].db, "SELECT NEXTVAL("+db+".down)"), valueOf(t, c.nodes[0].db, "SELECT NEXTVAL("+db+".down)"); a != -2 || b != -3 || again != -1 {
			t.Errorf("%s: %d, %d and %d follow -1 in a cycle to -3", db, a, b, again)
		}
		d := c.nodes[0].cat.Snapshot().Databases[name]
		if d.Replication != topo.Sync || d.Collation != "latin1_german1_ci" || len(d.Partitions) != 3 || !d.Single {
			t.Errorf("%s: %+v", db, d)
		}
		for _, p := range d.Partitions {
			if len(p.Instances) != 2 || !p.Instances[1].InSync {
				t.Errorf("%s has not got its replica: %v", p.ID, p.Instances)
			}
		}
		if d.Tables["log"].Kind != topo.Single || d.Tables["empty"].Kind != topo.Sharded || d.Tables["country"].Kind != topo.Reference || !d.Tables["child"].Explicit || d.Tables["v"].Explicit {
			t.Errorf("%s: tables are of another kind", db)
		}
		// The restored database's constraints are its own: they need its own reference table, and work.
		refusedAs(t, c.nodes[0].db, "INSERT INTO "+db+".v (code) VALUES ('XX')", 1452, "foreign key constraint")
		c.must("INSERT INTO "+db+".country (code, name) VALUES ('XX', 'new')", "INSERT INTO "+db+".v (code) VALUES ('XX')")
		if n := valueOf(t, c.nodes[0].db, "SELECT MAX(id) FROM "+db+".v WHERE code = 'XX'"); n <= 12 {
			t.Errorf("%s: AUTO_INCREMENT went on with %d", db, n)
		}
		if n := valueOf(t, c.nodes[0].db, "SELECT seq FROM "+db+".country WHERE code = 'XX'"); n < 3 {
			t.Errorf("%s: the reference table went on with %d", db, n)
		}
		if n := valueOf(t, c.nodes[0].db, "SELECT SUM(v) FROM "+db+".eras FOR SYSTEM_TIME ALL"); n != 18 {
			t.Errorf("%s: the sum of all versions is %d", db, n)
		}
		c.must("INSERT INTO " + db + ".log (a) VALUES (9)")
		if n := valueOf(t, c.nodes[0].db, "SELECT id FROM "+db+".log WHERE a = 9 AND (SELECT COUNT(*) FROM "+db+".log) = 3"); n != 5 {
			t.Errorf("%s: the table in one partition went on with %d", db, n)
		}
		refusedAs(t, c.nodes[0].db, "INSERT INTO "+db+".log (a) VALUES (2)", 1062, "Duplicate entry")
		c.equal("v", "child", "eras", "span")
	}
	c.pastUnsaved()
}

func TestRestoreRefusesDamagedBackups(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1, 1, 1)
	db := c.nodes[0].db
	dir := t.TempDir()
	c.must("CREATE DATABASE d PARTITIONS 2", "CREATE TABLE d.t (id BIGINT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(100))", "CREATE REFERENCE TABLE d.r (id INT PRIMARY KEY)", "INSERT INTO d.r VALUES (1), (2)")
	for i := range 20 {
		c.must(fmt.Sprintf("INSERT INTO d.t (v) VALUES ('a row %d')", i))
	}
	good := filepath.Join(dir, "good")
	c.must("BACKUP DATABASE d TO '" + good + "'")
	refusedAs(t, db, "BACKUP DATABASE d TO '"+good+"'", 1086, "is not empty")
	refusedAs(t, db, "BACKUP DATABASE d TO 'good'", 1210, "absolute path")
	refusedAs(t, db, "BACKUP DATABASE d TO '"+dir+"/no/way'", 1004, "Can't create directory")
	refusedAs(t, db, "BACKUP DATABASE nil TO '"+dir+"/nil'", 1049, "Unknown database 'nil'")
	refusedAs(t, db, "BACKUP DATABASE d TO '"+good+"/manifest.json'", 1086, "manifest.json")
	refusedAs(t, db, "RESTORE DATABASE x FROM '"+good+"'", 1049, "of database 'd', not of 'x'")
	refusedAs(t, db, "RESTORE DATABASE d AS mysql FROM '"+good+"'", 1102, "system database")
	refusedAs(t, db, "RESTORE DATABASE d AS n FROM '"+dir+"'", 1017, "manifest.json")
	names, err := os.ReadDir(good)
	if err != nil {
		t.Fatal(err)
	}
	spoilt := func(name string, f func(path string)) string {
		to := filepath.Join(dir, name)
		if err := os.CopyFS(to, os.DirFS(good)); err != nil {
			t.Fatal(err)
		}
		f(to)
		return to
	}
	change := func(path string, f func([]byte) []byte) {
		b, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(path, f(b), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	flip := func(b []byte) []byte { b[len(b)/2] ^= 4; return b }
	tried := 0
	for _, e := range names {
		name := e.Name()
		bad := spoilt("flipped-"+name, func(path string) { change(filepath.Join(path, name), flip) })
		refusedAs(t, db, "RESTORE DATABASE d AS n FROM '"+bad+"'", 1033, name)
		c.nothingOf("n")
		missing := spoilt("missing-"+name, func(path string) {
			if err := os.Remove(filepath.Join(path, name)); err != nil {
				t.Fatal(err)
			}
		})
		refusedAs(t, db, "RESTORE DATABASE d AS n FROM '"+missing+"'", 1017, name)
		short := spoilt("short-"+name, func(path string) {
			change(filepath.Join(path, name), func(b []byte) []byte { return b[:len(b)-2] }) // more than the line feed at a manifest's end
		})
		refusedAs(t, db, "RESTORE DATABASE d AS n FROM '"+short+"'", 1033, name)
		tried++
	}
	if tried != 4 {
		t.Errorf("%d files", tried)
	}
	// The file of another partition is a good file, and not the one.
	swapped := spoilt("swapped", func(path string) {
		var parts [2]string
		for i := range parts {
			found, err := filepath.Glob(filepath.Join(path, fmt.Sprintf("t2-p%d-*", i)))
			if err != nil || len(found) != 1 {
				t.Fatal(found, err)
			}
			parts[i] = found[0]
		}
		a, b := parts[0], parts[1]
		for _, m := range [][2]string{{a, a + "x"}, {b, a}, {a + "x", b}} {
			if err := os.Rename(m[0], m[1]); err != nil {
				t.Fatal(err)
			}
		}
	})
	refusedAs(t, db, "RESTORE DATABASE d AS n FROM '"+swapped+"'", 1033, ".tsv.zst")
	version := spoilt("version", func(path string) {
		change(filepath.Join(path, "manifest.json"), func(b []byte) []byte { return []byte(strings.Replace(string(b), `"format": 2`, `"format": 1`, 1)) })
	})
	refusedAs(t, db, "RESTORE DATABASE d AS n FROM '"+version+"'", 1033, "format 1")
	c.nothingOf("n")
	// Rows that are not those that were saved, in a backup that is whole by all that its files tell.
	forged := spoilt("forged", func(path string) { forge(t, path, "a row 7", "a row 8") })
	refusedAs(t, db, "RESTORE DATABASE d AS n FROM '"+forged+"'", 1033, "sum of values")
	c.nothingOf("n")
	c.must("DROP DATABASE d", "RESTORE DATABASE d AS n FROM '"+good+"'", "RESTORE DATABASE d FROM '"+good+"'")
	for _, name := range []string{"d", "n"} {
		if n := valueOf(t, db, "SELECT COUNT(*) FROM "+name+".t"); n != 20 {
			t.Errorf("%d rows in %s", n, name)
		}
	}
}

// running is the command of a kind that runs.
func (c *cluster) running(kind string) *catalog.Command {
	c.t.Helper()
	cat := c.nodes[len(c.nodes)-1].cat
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		for _, cmd := range cat.Commands() {
			if cmd.Kind == kind && cmd.State == catalog.CommandRunning {
				return cmd
			}
		}
	}
	c.t.Fatalf("no %s runs", kind)
	return nil
}

// large makes a database whose copying takes a while.
func (c *cluster) large(thousands int) {
	c.t.Helper()
	c.must("CREATE DATABASE d PARTITIONS 2", "CREATE TABLE d.t (id BIGINT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(255), w VARCHAR(255))")
	row := strings.Repeat("(SHA2(RAND(), 512), SHA2(RAND(), 512)), ", 999) + "(SHA2(RAND(), 512), SHA2(RAND(), 512))"
	for range thousands {
		c.must("INSERT INTO d.t (v, w) VALUES " + row)
	}
}

// content is the names in a directory; "" when there is none.
func content(dir string) string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return ""
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return strings.Join(out, " ")
}

// appears waits until a directory has a file of a name.
func appears(t *testing.T, dir, name string) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		if strings.Contains(content(dir), name) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s did not appear in %s", name, dir)
		}
	}
}

func TestCancelLeavesNothing(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 1, 1)
	c.large(40)
	c.must("SET GLOBAL copy_rate = 2")
	db, dir := c.nodes[0].db, t.TempDir()
	failed := make(chan error, 1)
	go func() { _, err := db.Exec("BACKUP DATABASE d TO '" + dir + "/b'"); failed <- err }()
	appears(t, dir+"/b", ".tsv.zst")
	if got := content(dir + "/b"); strings.Contains(got, "manifest") {
		t.Fatalf("it is done already: %s", got)
	}
	refusedAs(t, db, "RESTORE DATABASE d AS n FROM '"+dir+"/b'", 1017, "was not finished")
	c.must(fmt.Sprintf("CANCEL %d", c.running("BACKUP").ID))
	if err := <-failed; err == nil || !strings.Contains(err.Error(), "cancelled") {
		t.Errorf("a cancelled backup: %v", err)
	}
	if got := content(dir); got != "" {
		t.Errorf("a cancelled backup left %s", got)
	}
	c.must("BACKUP DATABASE d TO '" + dir + "/b'")
	go func() { _, err := db.Exec("RESTORE DATABASE d AS n FROM '" + dir + "/b'"); failed <- err }()
	cmd := c.running("RESTORE")
	for c.schemas("leaf-1", "n\\_") == "" {
		time.Sleep(time.Millisecond)
	}
	refusedAs(t, db, "SELECT COUNT(*) FROM n.t", 1146, "n.t") // nobody can use it, or sees it
	for _, query := range []string{"SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE 'n%'", "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA LIKE 'n%'"} {
		if n := valueOf(t, db, query); n != 0 {
			t.Errorf("%s: %d", query, n)
		}
	}
	var name string
	if err := db.QueryRow("SHOW DATABASES LIKE 'n%'").Scan(&name); !errors.Is(err, sql.ErrNoRows) {
		t.Errorf("SHOW DATABASES has %q (%v)", name, err)
	}
	c.must(fmt.Sprintf("CANCEL %d", cmd.ID))
	if err := <-failed; err == nil || !strings.Contains(err.Error(), "cancelled") {
		t.Errorf("a cancelled restore: %v", err)
	}
	c.nothingOf("n")
}

// crash ends a node as others see it: its lease is gone, and nothing that it still means to do is to count.
func (n *node) crash(t *testing.T) {
	t.Helper()
	if err := n.member.Close(within(t, patience)); err != nil {
		t.Fatal(err)
	}
	n.watch.Close()
}

func TestNextControllerBeginsAnew(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 1, 3)
	c.large(40)
	c.must("SET GLOBAL copy_rate = 2")
	dir := t.TempDir()
	rows := valueOf(t, c.nodes[0].db, "SELECT COUNT(*) FROM d.t")
	last := c.nodes[2].db // the others will have been the controller
	failed := make(chan error, 1)
	go func() { _, err := last.Exec("BACKUP DATABASE d TO '" + dir + "/b'"); failed <- err }()
	appears(t, dir+"/b", ".tsv.zst")
	c.nodes[0].crash(t)
	if got := content(dir + "/b"); strings.Contains(got, "manifest") {
		t.Fatalf("it is done already: %s", got)
	}
	if err := <-failed; err != nil {
		t.Fatalf("the next controller's backup: %v", err)
	}
	m, err := archive.Open(dir + "/b")
	if err != nil || int64(m.Rows()) != rows {
		t.Fatalf("%v %v", m, err)
	}
	if got := content(dir + "/b"); len(strings.Fields(got)) != 3 {
		t.Errorf("left: %s", got)
	}
	go func() { _, err := last.Exec("RESTORE DATABASE d AS n FROM '" + dir + "/b'"); failed <- err }()
	for c.schemas("leaf-1", "n\\_") == "" {
		time.Sleep(time.Millisecond)
	}
	c.nodes[1].crash(t)
	if err := <-failed; err != nil {
		t.Fatalf("the next controller's restore: %v", err)
	}
	if n := valueOf(t, last, "SELECT COUNT(*) FROM n.t"); n != rows {
		t.Errorf("%d rows, want %d", n, rows)
	}
	recs, err := c.nodes[2].cat.DDLRecords(within(t, patience))
	if err != nil || len(recs) != 0 {
		t.Errorf("%d records of DDL are left (%v)", len(recs), err)
	}
}

func TestProgressOfArchivesIsShown(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1, 1, 1)
	c.must("CREATE DATABASE d PARTITIONS 2", "CREATE TABLE d.t (id BIGINT PRIMARY KEY)", "INSERT INTO d.t VALUES (1), (2), (3)")
	dir := t.TempDir()
	c.must("BACKUP DATABASE d TO '"+dir+"/b'", "RESTORE DATABASE d AS n FROM '"+dir+"/b'")
	for db, action := range map[string]string{"d": "BACKUP DATABASE", "n": "RESTORE DATABASE"} {
		var got string
		var rows int
		if err := c.nodes[0].db.QueryRow("SELECT CONCAT(ACTION, ' ', STATUS, ' ', PERCENT), COPIED_ROWS FROM information_schema.MV_REBALANCE_STATUS WHERE DATABASE_NAME = '"+db+"'").Scan(&got, &rows); err != nil {
			t.Fatal(err)
		}
		if got != action+" success 100" || rows != 3 {
			t.Errorf("%s: %s, %d rows", db, got, rows)
		}
	}
	b, err := os.ReadFile(dir + "/b/manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	var e struct {
		Backup archive.Manifest `json:"backup"`
	}
	if err := json.Unmarshal(b, &e); err != nil || e.Backup.Node != "node-1" || e.Backup.Rows() != 3 {
		t.Errorf("%+v %v", e, err)
	}
}

func TestBackupGoesOnWhenALeafIsLost(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 2, 1)
	c.large(40)
	c.until("whole", whole)
	c.must("SET GLOBAL copy_rate = 2")
	db, dir := c.nodes[0].db, t.TempDir()
	failed := make(chan error, 1)
	go func() { _, err := db.Exec("BACKUP DATABASE d TO '" + dir + "/b'"); failed <- err }()
	appears(t, dir+"/b", ".tsv.zst")
	if got := content(dir + "/b"); strings.Contains(got, "manifest") {
		t.Fatalf("it is done already: %s", got)
	}
	release := c.hold(1)
	c.must("SET GLOBAL copy_rate = 0")
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	release()
	c.must("RESTORE DATABASE d AS n FROM '" + dir + "/b'")
	if n := valueOf(t, db, "SELECT COUNT(*) FROM n.t"); n != 40000 {
		t.Errorf("%d rows", n)
	}
}

func TestRestoreFailsWithALeafAndCanBeRepeated(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 1, 1)
	c.large(40)
	db, dir := c.nodes[0].db, t.TempDir()
	c.must("BACKUP DATABASE d TO '"+dir+"/b'", "SET GLOBAL copy_rate = 2")
	failed := make(chan error, 1)
	go func() { _, err := db.Exec("RESTORE DATABASE d AS n FROM '" + dir + "/b'"); failed <- err }()
	for c.schemas("leaf-2", "n\\_") == "" {
		time.Sleep(time.Millisecond)
	}
	release := c.hold(1)
	if err := <-failed; err == nil {
		t.Fatal("a database was restored whose leaf is dead")
	}
	if c.nodes[0].cat.Snapshot().Databases["n"] != nil {
		t.Error("it is there")
	}
	c.must("SET GLOBAL copy_rate = 0")
	c.until("lost", func(s *topo.Snapshot) bool { return s.Leaves["leaf-2"].State == topo.LeafOffline })
	release()
	c.until("back", func(s *topo.Snapshot) bool { return s.Leaves["leaf-2"].State == topo.LeafOnline })
	c.must("RESTORE DATABASE d AS n FROM '" + dir + "/b'")
	if n := valueOf(t, db, "SELECT COUNT(*) FROM n.t"); n != 40000 {
		t.Errorf("%d rows", n)
	}
	c.must("DROP DATABASE n")
	c.nothingOf("n")
}

// A statement that commits by itself and runs for long is waited for; while it is, others go on most of the time.
func TestBackupWaitsForLongStatements(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1, 1, 1)
	c.must("CREATE DATABASE d PARTITIONS 1", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT)", "INSERT INTO d.t VALUES (1, 0), (2, 0)")
	dir := t.TempDir()
	conn, err := c.nodes[0].db.Conn(within(t, patience))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// It waits for a row until the transaction that has it ends: an open transaction does not keep a backup from beginning.
	if _, err := conn.ExecContext(within(t, patience), "BEGIN"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(within(t, patience), "UPDATE d.t SET v = 1 WHERE id = 1"); err != nil {
		t.Fatal(err)
	}
	c.must("BACKUP DATABASE d TO '" + dir + "/open'")
	waiting, failed := make(chan error, 1), make(chan error, 1)
	go func() { _, err := c.nodes[0].db.Exec("UPDATE d.t SET v = v + 1 WHERE id = 1"); waiting <- err }()
	blocked := "SELECT COUNT(*) FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT'"
	for deadline := time.Now().Add(patience); c.ask("leaf-1", blocked) == "0"; {
		if time.Now().After(deadline) {
			t.Fatal("the statement does not wait")
		}
		time.Sleep(200 * time.Millisecond) // MariaDB tells what it found last to who asks more often
	}
	go func() { _, err := c.nodes[0].db.Exec("BACKUP DATABASE d TO '" + dir + "/b'"); failed <- err }()
	c.running("BACKUP")
	for i := range 20 {
		c.must(fmt.Sprintf("UPDATE d.t SET v = %d WHERE id = 2", i))
	}
	if _, err := conn.ExecContext(within(t, patience), "COMMIT"); err != nil {
		t.Fatal(err)
	}
	for _, ch := range []chan error{waiting, failed} {
		if err := <-ch; err != nil {
			t.Error(err)
		}
	}
	c.must("RESTORE DATABASE d AS o FROM '"+dir+"/open'", "RESTORE DATABASE d AS n FROM '"+dir+"/b'")
	if n := valueOf(t, c.nodes[0].db, "SELECT v FROM o.t WHERE id = 1"); n != 0 {
		t.Errorf("an open transaction is in the backup: %d", n)
	}
	if n := valueOf(t, c.nodes[0].db, "SELECT v FROM n.t WHERE id = 1"); n != 2 {
		t.Errorf("v is %d: the backup began before the statement had ended", n)
	}
}
