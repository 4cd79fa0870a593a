package gateway

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// DDL on linked tables leaves remote tables alone but for TRUNCATE, and what does not fit them then is told.
func TestDDLOnLinkedTables(t *testing.T) {
	b := cluster(t)
	b.dropServers(t)
	r := newRemote(t)
	r.exec("CREATE TABLE old.t (a INT PRIMARY KEY, v INT)")
	for _, name := range []string{"p0", "p1", "p2"} {
		r.exec("CREATE TABLE old." + name + " (a INT PRIMARY KEY)")
		r.exec("INSERT INTO old." + name + " VALUES (1)")
	}
	r.exec("INSERT INTO old.t VALUES (1, 1)")
	c := b.database(t, "fed")
	c.exec(r.server("backend"))
	c.exec(`CREATE TABLE t (a INT PRIMARY KEY) ENGINE=SPIDER COMMENT='srv "backend"'`)
	c.exec("ALTER TABLE t ADD v INT, ADD KEY (v)")
	c.want("SHOW WARNINGS", "")
	c.want("SELECT * FROM t", "1|1")
	c.exec("ALTER TABLE t ADD nosuch INT")
	if w := c.rows("SHOW WARNINGS"); !strings.HasPrefix(w, "Warning|12702|") {
		t.Error(w)
	}
	c.exec("ALTER TABLE t DROP nosuch")
	c.exec("RENAME TABLE t TO u")
	c.want("SELECT * FROM u", "1|1")
	c.want("SHOW CREATE TABLE u", "u|CREATE TABLE `u` (\n  `a` int(11) NOT NULL,\n  `v` int(11) DEFAULT NULL,\n  PRIMARY KEY (`a`),\n  KEY `v` (`v`)\n"+
		") ENGINE=SPIDER DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci COMMENT='srv \"backend\", table \"t\"'")
	c.exec("CREATE TABLE t LIKE u")
	c.want("SELECT * FROM t", "1|1")
	c.exec("DROP TABLE t")
	c.exec("TRUNCATE TABLE u")
	r.want("SELECT * FROM old.t", "")

	c.exec(`CREATE TABLE parts (a INT PRIMARY KEY) ENGINE=SPIDER COMMENT='srv "backend"' PARTITION BY RANGE (a)
 (PARTITION p0 VALUES LESS THAN (10) COMMENT='tbl "p0"', PARTITION p1 VALUES LESS THAN (20) COMMENT='tbl "p1"')`)
	c.exec(`ALTER TABLE parts ADD PARTITION (PARTITION p2 VALUES LESS THAN (30) COMMENT='tbl "nosuch"')`)
	if w := c.rows("SHOW WARNINGS"); !strings.HasPrefix(w, "Warning|12702|") {
		t.Error(w)
	}
	c.exec(`ALTER TABLE parts REORGANIZE PARTITION p2 INTO (PARTITION p2 VALUES LESS THAN (30) COMMENT='tbl "p2"')`)
	c.want("SHOW WARNINGS", "")
	c.exec("ALTER TABLE parts TRUNCATE PARTITION p1")
	r.want("SELECT (SELECT COUNT(*) FROM old.p0), (SELECT COUNT(*) FROM old.p1), (SELECT COUNT(*) FROM old.p2)", "1|0|1")
	c.exec("ALTER TABLE parts DROP PARTITION p0")
	if w := c.rows("SHOW WARNINGS"); !strings.Contains(w, "left alone") {
		t.Error(w)
	}
	c.exec("TRUNCATE TABLE parts")
	r.want("SELECT (SELECT COUNT(*) FROM old.p0), (SELECT COUNT(*) FROM old.p1), (SELECT COUNT(*) FROM old.p2)", "1|0|0")
	r.exec("REVOKE ALL ON old.* FROM " + linkUser + "@'%'")
	r.exec("GRANT SELECT, INSERT ON old.* TO " + linkUser + "@'%'")
	if text := c.fails(1142, "TRUNCATE TABLE parts"); !strings.Contains(text, "Server backend") {
		t.Error(text)
	}
	// In a statement that is prepared, too, no leaf is told of links.
	c.exec("PREPARE p FROM 'ALTER TABLE parts COMMENT=''srv \"backend\", password \"x\"'''")
	c.exec("EXECUTE p")
	c.want("SELECT COUNT(*) FROM information_schema.PARTITIONS WHERE TABLE_NAME = 'parts' AND PARTITION_COMMENT != ''", "0")
	if text := c.rows("SHOW CREATE TABLE parts"); !strings.Contains(text, `COMMENT='srv "backend", password "***"'`) {
		t.Error(text)
	}
}

// LOCK TABLES, ANALYZE TABLE and the like are done by the servers.
func TestLinkedTablesAreLockedAndLookedAfter(t *testing.T) {
	b := cluster(t)
	b.dropServers(t)
	r := newRemote(t)
	for _, name := range []string{"t", "p0", "p1"} {
		r.exec("CREATE TABLE old." + name + " (a INT PRIMARY KEY)")
	}
	c := b.database(t, "fed")
	c.exec(r.server("backend"))
	c.exec(`CREATE TABLE l (a INT PRIMARY KEY) ENGINE=SPIDER COMMENT='srv "backend", tbl "t"'`)
	c.exec(`CREATE TABLE parts (a INT PRIMARY KEY) ENGINE=SPIDER COMMENT='srv "backend"' PARTITION BY KEY (a) (PARTITION p0 COMMENT='tbl "p0"', PARTITION p1 COMMENT='tbl "p1"')`)
	c.exec(`CREATE TABLE twice (a INT PRIMARY KEY) ENGINE=SPIDER COMMENT='srv "backend", tbl "t"' PARTITION BY KEY (a) PARTITIONS 2`)
	c.exec("CREATE TABLE sharded (a INT PRIMARY KEY)")

	c.exec("LOCK TABLES l WRITE, parts READ, sharded WRITE")
	r.fails(1205, "LOCK TABLES old.t READ NOWAIT")
	r.exec("LOCK TABLES old.p0 READ, old.p1 READ NOWAIT")
	r.exec("UNLOCK TABLES")
	r.fails(1205, "LOCK TABLES old.p1 WRITE NOWAIT")
	c.exec("INSERT INTO l VALUES (1), (2)")
	c.exec("UPDATE l SET a = a + 10 WHERE a = 2")
	c.exec("DELETE FROM l WHERE a = 1")
	c.want("SELECT l.a FROM l", "12")
	c.fails(1100, "SELECT x.a FROM l AS x")
	c.exec("INSERT INTO sharded VALUES (1)")
	if got := c.rows("ANALYZE TABLE l"); !strings.HasSuffix(got, "fed.l|analyze|status|OK") {
		t.Error(got)
	}
	c.exec("LOCK TABLES l AS x READ")
	c.want("SELECT x.a FROM l AS x", "12")
	c.exec("UNLOCK TABLES")
	r.exec("LOCK TABLES old.t WRITE, old.p0 WRITE, old.p1 WRITE WAIT 30")
	r.exec("UNLOCK TABLES")
	// Servers are locked in one order, whatever that of the tables is.
	r.exec("CREATE USER another@'%' IDENTIFIED BY '" + linkPassword + "'")
	r.exec("GRANT ALL ON old.* TO another@'%'")
	c.exec(strings.Replace(r.server("second"), "'"+linkUser+"'", "'another'", 1))
	c.exec(`CREATE TABLE m (a INT PRIMARY KEY) ENGINE=SPIDER COMMENT='srv "second", tbl "p0"'`)
	order := func(q string) string {
		r.hear()
		c.exec(q)
		c.exec("UNLOCK TABLES")
		return r.rows("SELECT CONVERT(argument USING utf8mb4) FROM mysql.general_log WHERE argument LIKE 'LOCK TABLES%'")
	}
	if one, other := order("LOCK TABLES l WRITE, m WRITE"), order("LOCK TABLES m WRITE, l WRITE"); one != other || strings.Count(one, "LOCK TABLES") != 2 {
		t.Errorf("locked were %s, and %s", one, other)
	}
	c.fails(1235, "LOCK TABLES twice WRITE")
	c.exec("LOCK TABLES twice READ")
	c.exec("UNLOCK TABLES")
	// What statements lock there, too: their connections would wait for each other.
	c.exec("SET innodb_lock_wait_timeout = 2")
	c.exec("INSERT INTO twice VALUES (21), (22), (23), (24)")
	c.exec("UPDATE twice SET a = a WHERE a = 21")
	c.want("SELECT COUNT(*) FROM twice FOR UPDATE", "10")
	c.exec("BEGIN")
	for _, q := range []string{"UPDATE twice SET a = a", "DELETE FROM twice", "DELETE FROM twice ORDER BY a LIMIT 1", "SELECT COUNT(*) FROM twice FOR UPDATE"} {
		if text := c.fails(1235, q); !strings.Contains(text, "'old.t' at backend") {
			t.Errorf("%s: %s", q, text)
		}
	}
	c.exec("ROLLBACK")
	c.exec(`CREATE TABLE mirrored (a INT PRIMARY KEY) ENGINE=SPIDER COMMENT='srv "backend backend", tbl "t t"'`)
	for _, q := range []string{"INSERT INTO mirrored VALUES (31)", "DELETE FROM mirrored WHERE a = 12"} {
		c.fails(1235, q)
	}
	c.want("SELECT COUNT(*) FROM l", "5")
	c.exec("DELETE FROM l WHERE a > 20")
	c.exec("SET innodb_lock_wait_timeout = DEFAULT")
	b.account(t, "nobody", "IDENTIFIED BY 'n'")
	c.exec("GRANT SELECT ON fed.* TO nobody")
	b.as(t, "nobody", "n", "fed").fails(1044, "LOCK TABLES l READ")

	for _, verb := range []string{"ANALYZE", "CHECK", "OPTIMIZE"} {
		want := strings.ReplaceAll(r.rows(verb+" TABLE old.t"), "old.t|", "fed.l|")
		c.want(verb+" TABLE l", want)
		c.want(verb+" TABLE parts", strings.ReplaceAll(want, "fed.l|", "fed.parts|"))
		if got := c.rows(verb + " TABLE sharded, l"); !strings.HasPrefix(got, "fed.sharded|") || !strings.HasSuffix(got, "/"+want) {
			t.Errorf("%s: %s", verb, got)
		}
	}
	sum := func(name string) (n uint64) {
		t.Helper()
		_, text, _ := strings.Cut(r.rows("CHECKSUM TABLE old."+name), "|")
		n, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	c.exec("INSERT INTO parts VALUES (1), (2), (3), (4), (5)")
	for _, locked := range []bool{false, true} {
		if locked {
			c.exec("LOCK TABLES l READ, parts READ")
		}
		c.want("CHECKSUM TABLE l, parts", fmt.Sprintf("fed.l|%d/fed.parts|%d", sum("t"), (sum("p0")+sum("p1"))%(1<<32)))
	}
	c.exec("UNLOCK TABLES")
	c.want("CHECKSUM TABLE l QUICK", "fed.l|NULL")
	c.exec("FLUSH TABLES l")
	c.exec(`CREATE TABLE away (a INT PRIMARY KEY) ENGINE=SPIDER COMMENT='host "127.0.0.1", port "1"'`)
	c.want("CHECK TABLE away", "fed.away|check|Error|Unable to connect to foreign data source: 127.0.0.1/fed.away|check|status|Operation failed")
	c.want("CHECKSUM TABLE away", "fed.away|NULL")
	c.want("SHOW WARNINGS", "Error|1429|Unable to connect to foreign data source: 127.0.0.1")
	c.fails(1429, "LOCK TABLES away READ")
	c.fails(1429, "TRUNCATE TABLE away")
}
