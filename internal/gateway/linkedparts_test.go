package gateway

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/partition"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// spiderNode is a remote server with the real Spider, and a database of the same name as the client's.
func spiderNode(t *testing.T) *remoteServer {
	t.Helper()
	r := newRemote(t)
	r.exec("SET sql_log_bin=0")
	r.exec("INSTALL SONAME 'ha_spider'")
	r.exec("CREATE DATABASE fed")
	r.exec("USE fed")
	return r
}

// definitions are tables t of both kinds, for Spider and for us; none is used.
var definitions = []string{
	`(id INT UNSIGNED NOT NULL AUTO_INCREMENT, k INT, c CHAR(120) NOT NULL DEFAULT '', PRIMARY KEY (id), KEY k (k)) ENGINE=spider COMMENT='wrapper "mysql", table "sbtest"'
 PARTITION BY KEY (id)
( PARTITION pt1 COMMENT = 'srv "one"', PARTITION pt2 COMMENT = 'srv "two"' )`,
	"(id INT PRIMARY KEY) COMMENT='srv \"one\"' PARTITION BY LINEAR KEY (id) (PARTITION a ENGINE=SPIDER, PARTITION b COMMENT 'srv \"two\", tbl \"x\"' ENGINE SPIDER)",
	`(id INT PRIMARY KEY) ENGINE=SPIDER, COMMENT='srv "one"' PARTITION BY HASH (id MOD 7) PARTITIONS 3`,
	`(id INT PRIMARY KEY) ENGINE=SPIDER COMMENT='srv "one"' PARTITION BY LINEAR HASH (id)`,
	"(d DATE, v VARCHAR(20)) ENGINE=SPIDER COMMENT='srv \"one\"' PARTITION BY RANGE (YEAR(d)) (PARTITION `old` VALUES LESS THAN (2000) COMMENT='tbl \"o\"', PARTITION `a``b` VALUES LESS THAN MAXVALUE)",
	`(d DATE, v VARCHAR(20)) ENGINE=SPIDER COMMENT='srv "one"' PARTITION BY RANGE COLUMNS (v, d) (PARTITION p0 VALUES LESS THAN ('m', '2020-01-01'), PARTITION p1 VALUES LESS THAN (MAXVALUE, MAXVALUE))`,
	`(a INT, b INT) ENGINE=SPIDER CONNECTION='srv "one"' PARTITION BY LIST (a + b) (PARTITION p0 VALUES IN (1, 2, NULL) CONNECTION = 'tbl "a"', PARTITION p1 DEFAULT)`,
	`(v VARCHAR(9) COLLATE utf8mb4_bin) ENGINE=SPIDER COMMENT='srv "two"' PARTITION BY LIST COLUMNS (v) (PARTITION p0 VALUES IN ('a', 'ü') COMMENT = 'user "ü", tbl \'a\'', PARTITION p1 VALUES IN ('c'))`,
	`(id INT PRIMARY KEY, k INT) ENGINE=SPIDER COMMENT='srv "one"' PARTITION BY RANGE (id) SUBPARTITION BY KEY (id)
 (PARTITION p0 VALUES LESS THAN (10) COMMENT='tbl "z"' (SUBPARTITION s0, SUBPARTITION s1), PARTITION p1 VALUES LESS THAN (20) (SUBPARTITION s2 COMMENT='tbl "y"', SUBPARTITION s3 CONNECTION='tbl "c"'))`,
	`(id INT PRIMARY KEY, k INT) ENGINE=SPIDER COMMENT='srv "one"' PARTITION BY LIST (id) SUBPARTITION BY HASH (id) SUBPARTITIONS 2
 (PARTITION p0 VALUES IN (1) COMMENT='tbl "z"', PARTITION p1 VALUES IN (2))`,
	"(id INT PRIMARY KEY) ENGINE=SPIDER COMMENT='srv \"one\", password \"" + `s''e\\"c\\\\ret` + "\"' PARTITION BY KEY () (PARTITION p0 COMMENT=\"password 'x\\\\\\\\y'\\n\", PARTITION p1)",
	"(id INT PRIMARY KEY) ENGINE=SPIDER CONNECTION='srv \"one\"\n' `REMOTE_DATABASE`='d' `REMOTE_TABLE`='it''s'",
	"(id INT PRIMARY KEY) ENGINE=SPIDER `REMOTE_SERVER`='one' PARTITION BY KEY (id) (PARTITION p0 REMOTE_TABLE = 'a', PARTITION p1 REMOTE_TABLE = 'b')",
}

// SHOW CREATE TABLE prints what a Spider node prints, but for passwords; and what it prints makes the same table.
func TestLinkedTableIsPrintedAsSpiderDoes(t *testing.T) {
	b := cluster(t)
	b.dropServers(t)
	r := spiderNode(t)
	c := b.database(t, "fed")
	for _, server := range []string{"one", "two"} {
		for _, at := range []*client{c, r.client} {
			at.exec("CREATE SERVER " + server + " FOREIGN DATA WRAPPER mysql OPTIONS (HOST '127.0.0.1', PORT 1, USER 'u', PASSWORD 'p')")
		}
	}
	for _, mode := range []string{"", "ANSI_QUOTES", "NO_BACKSLASH_ESCAPES", "NO_TABLE_OPTIONS,NO_FIELD_OPTIONS"} {
		for i, d := range definitions {
			if mode != "" && i%4 != 0 || mode == "NO_BACKSLASH_ESCAPES" && strings.Contains(d, `\`) || mode == "ANSI_QUOTES" && strings.Contains(d, "COMMENT=\"") {
				continue
			}
			for _, at := range []*client{c, r.client} {
				at.exec("SET NAMES utf8mb4")
				at.exec("SET sql_mode='" + mode + "'")
				at.exec("DROP TABLE IF EXISTS t")
				at.exec("CREATE TABLE t " + d)
			}
			masked := strings.NewReplacer(`s''e\\"c\\\\ret`, "***", `x\\\\y`, "***")
			want := r.rows("SHOW CREATE TABLE t")
			got := c.rows("SHOW CREATE TABLE t")
			if masked.Replace(want) != got {
				t.Errorf("%q: %s\nis printed\n%s\nSpider prints\n%s", mode, d, got, want)
				continue
			}
			before := b.cat.Snapshot().Table("fed", "t")
			wellPlaced(t, before)
			if strings.Contains(d, "'ü'") && !strings.Contains(before.Scheme, "'ü'") {
				t.Errorf("%s has the scheme %s", d, before.Scheme)
			}
			if mode != "" {
				continue
			}
			_, text, _ := strings.Cut(want, "|")
			c.exec("DROP TABLE t")
			c.exec(text)
			if got := c.rows("SHOW CREATE TABLE t"); masked.Replace(want) != got {
				t.Errorf("%s\nmakes\n%s", text, got)
			}
			after := *b.cat.Snapshot().Table("fed", "t")
			after.ID = before.ID
			if !reflect.DeepEqual(unsealed(*before), unsealed(after)) {
				t.Errorf("%+v\nmade anew is\n%+v", *before, after)
			}
		}
	}
}

// unsealed is a table without what differs each time.
func unsealed(t topo.Table) topo.Table {
	places, links := t.Places, t.Links
	t.Places, t.Links = nil, nil
	for _, p := range places {
		p.Passwords = make([][]byte, len(p.Passwords))
		t.Places = append(t.Places, p)
	}
	for _, l := range links {
		l.Sealed = nil
		t.Links = append(t.Links, l)
	}
	return t
}

// wellPlaced checks that what the catalog has of a table's partitions is of one piece.
func wellPlaced(t *testing.T, table *topo.Table) {
	t.Helper()
	if table.Scheme == "" {
		if len(table.Places) != 1 || table.ShardKey != nil {
			t.Errorf("%+v", table)
		}
		return
	}
	s, err := partition.Read([]byte(table.Scheme), sqltext.Mode{}, table.Columns)
	if err != nil {
		t.Fatal(err)
	}
	f, err := partition.New(s)
	if err != nil {
		t.Fatal(err)
	}
	if f.Places() != len(table.Places) || len(table.ShardKey) != len(s.Columns) {
		t.Errorf("%d places and %d columns of %+v", f.Places(), len(s.Columns), table)
	}
	for i, at := range table.ShardKey {
		if table.Columns[at].Name != s.Columns[i].Name {
			t.Errorf("column %d of %v is %+v", i, table.ShardKey, s.Columns[i])
		}
	}
	for _, secret := range []string{"COMMENT", "srv", "SPIDER"} {
		if strings.Contains(table.Scheme, secret) {
			t.Errorf("the shape says %s", table.Scheme)
		}
	}
}

// What a definition can't be is an error that says why, and makes nothing.
func TestPartitionsThatCanNotBeLinked(t *testing.T) {
	b := cluster(t)
	b.dropServers(t)
	c := b.database(t, "fed")
	c.exec("CREATE SERVER one FOREIGN DATA WRAPPER mysql OPTIONS (HOST '127.0.0.1', PORT 1, USER 'u', PASSWORD 'p')")
	for _, q := range []struct {
		code uint16
		d    string
		says string
	}{
		{1497, `ENGINE=SPIDER PARTITION BY KEY (id) (PARTITION p0 ENGINE=InnoDB, PARTITION p1)`, "mix of handlers"},
		{1497, `ENGINE=InnoDB PARTITION BY KEY (id) (PARTITION p0 ENGINE=SPIDER, PARTITION p1 ENGINE=SPIDER)`, "mix of handlers"},
		{1497, `PARTITION BY KEY (id) (PARTITION p0 ENGINE=SPIDER, PARTITION p1 ENGINE=MyISAM)`, "mix of handlers"},
		{1477, `ENGINE=SPIDER COMMENT='srv "one"' PARTITION BY KEY (id) (PARTITION p0, PARTITION p1 COMMENT='srv "none"')`, "none"},
		{12501, `ENGINE=SPIDER PARTITION BY KEY (id) (PARTITION p0, PARTITION p1 COMMENT='server1 "x"')`, "server1"},
		{1210, `ENGINE=SPIDER PARTITION BY KEY (id) (PARTITION p0 COMMENT='password "***"')`, "password"},
		{12504, `ENGINE=SPIDER PARTITION BY KEY (id) (PARTITION p0 COMMENT='srv "one one", tbl "a b c"')`, "link"},
		{1493, `ENGINE=SPIDER PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (2), PARTITION p1 VALUES LESS THAN (1))`, "strictly increasing"},
		{1488, `ENGINE=SPIDER PARTITION BY KEY (x)`, "not found"},
		{1499, `ENGINE=SPIDER PARTITION BY KEY (id) PARTITIONS 100000`, "Too many partitions"},
	} {
		if text := c.fails(q.code, "CREATE TABLE t (id INT PRIMARY KEY) "+q.d); !strings.Contains(text, q.says) {
			t.Errorf("%s: %s", q.d, text)
		}
		c.want("SHOW TABLES", "")
	}
}

// Without columns a table has those of its remote table.
func TestColumnsAreReadFromTheRemoteTable(t *testing.T) {
	b := cluster(t)
	b.dropServers(t)
	r := newRemote(t)
	c := b.database(t, "fed")
	c.exec(r.server("backend"))
	r.exec("CREATE TABLE old.parent (id INT PRIMARY KEY) ENGINE=InnoDB")
	const columns = "(\n  `id` int(11) NOT NULL AUTO_INCREMENT,\n  `p``1` int(11) DEFAULT NULL COMMENT 'it''s, (this',\n" +
		"  `v` varchar(20) CHARACTER SET latin1 COLLATE latin1_bin DEFAULT 'ü',\n  `g` int(11) GENERATED ALWAYS AS (`id` + 1) VIRTUAL,\n" +
		"  `j` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL CHECK (json_valid(`j`)),\n" +
		"  PRIMARY KEY (`id`),\n  UNIQUE KEY `v` (`v`(3)),\n  KEY `p` (`p``1`) COMMENT 'a key'"
	r.exec("CREATE TABLE old.child " + columns + ",\n  CONSTRAINT `f` FOREIGN KEY (`p``1`) REFERENCES `parent` (`id`),\n  CONSTRAINT `c` CHECK (`p``1` > 0)\n" +
		") ENGINE=InnoDB AUTO_INCREMENT=77 DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_bin COMMENT='not ours'")
	r.exec("ALTER TABLE old.child DROP FOREIGN KEY f")
	for _, mode := range []string{"", "ANSI_QUOTES", "NO_BACKSLASH_ESCAPES"} {
		c.exec("SET sql_mode='" + mode + "'")
		c.exec(`CREATE TABLE child ENGINE=SPIDER COMMENT='srv "backend"'`)
		c.want("SHOW WARNINGS", "")
		c.exec("SET sql_mode=''")
		c.want("SHOW CREATE TABLE child", "child|CREATE TABLE `child` "+columns+"\n) ENGINE=SPIDER DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_bin COMMENT='srv \"backend\"'")
		c.exec("DROP TABLE child")
	}
	c.exec("SET NAMES latin1")
	c.exec(`CREATE TABLE child ENGINE=SPIDER COMMENT='srv "backend"'`)
	c.exec("SET NAMES utf8mb4")
	c.exec("INSERT INTO child (`p``1`) VALUES (1)")
	c.want("SELECT v FROM child", "ü")
	c.want("SELECT COLUMN_DEFAULT FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'fed' AND COLUMN_NAME = 'v'", "'ü'")
	c.exec("DROP TABLE child")
	c.exec(`CREATE TABLE child ENGINE=SPIDER COMMENT='srv "backend", tbl "parent"' PARTITION BY HASH (id) PARTITIONS 2`)
	if table := b.cat.Snapshot().Table("fed", "child"); len(table.Places) != 2 || len(table.Columns) != 1 {
		t.Errorf("%+v", table)
	}
	wellPlaced(t, b.cat.Snapshot().Table("fed", "child"))
	c.exec(fmt.Sprintf(`CREATE TABLE x ENGINE=SPIDER COMMENT='host "127.0.0.1", user "%s", password "%s", port "%d", database "old", tbl "child"'`, linkUser, linkPassword, r.port))
	c.fails(12702, `CREATE TABLE none ENGINE=SPIDER COMMENT='srv "backend"'`)
	c.exec("CREATE SERVER away FOREIGN DATA WRAPPER mysql OPTIONS (HOST '127.0.0.1', PORT 1, USER 'u', PASSWORD 'p')")
	c.fails(1429, `CREATE TABLE none ENGINE=SPIDER COMMENT='srv "away"'`)
	r.exec("CREATE VIEW old.none AS SELECT 1 AS a")
	c.fails(1235, `CREATE TABLE none ENGINE=SPIDER COMMENT='srv "backend"'`)
	c.want("SHOW TABLES", "child/x")
}

// What stands behind a partition stays there beside subpartitions with texts of their own, where MariaDB forgets it.
func TestPartitionsKeepTextsBesideSubpartitions(t *testing.T) {
	b := cluster(t)
	b.dropServers(t)
	c := b.database(t, "fed")
	c.exec("CREATE SERVER one FOREIGN DATA WRAPPER mysql OPTIONS (HOST '127.0.0.1', PORT 1, USER 'u', PASSWORD 'p')")
	c.exec(`CREATE TABLE t (id INT PRIMARY KEY, k INT) ENGINE=SPIDER PARTITION BY RANGE (id) SUBPARTITION BY KEY (id)
 (PARTITION p0 VALUES LESS THAN (10) COMMENT='srv "one"' CONNECTION='tbl "it\'s"' (SUBPARTITION s0 COMMENT='tbl "a"', SUBPARTITION s1))`)
	const clause = "(PARTITION `p0` VALUES LESS THAN (10) COMMENT = 'srv \"one\"'\n" +
		" (SUBPARTITION `s0` COMMENT = 'tbl \"a\"' CONNECTION = 'tbl \"it\\'s\"' ENGINE = SPIDER,\n" +
		"  SUBPARTITION `s1` CONNECTION = 'tbl \"it\\'s\"' ENGINE = SPIDER))"
	text := c.rows("SHOW CREATE TABLE t")
	if !strings.HasSuffix(text, clause) {
		t.Error(text)
	}
	before := b.cat.Snapshot().Table("fed", "t")
	if p := before.Places; len(p) != 2 || p[0].Params["table"][0] != "a" || p[1].Params["table"][0] != "it's" || p[0].Params["server"][0] != "one" {
		t.Errorf("%+v", p)
	}
	_, text, _ = strings.Cut(text, "|")
	c.exec("DROP TABLE t")
	c.exec(text)
	after := *b.cat.Snapshot().Table("fed", "t")
	after.ID = before.ID
	if !reflect.DeepEqual(*before, after) {
		t.Errorf("%+v\nmade anew is\n%+v", *before, after)
	}
}
