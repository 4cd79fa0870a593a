package ddl

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/spider"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// linksOf says where a linked table's places lead to, with their passwords.
func (b *bench) linksOf(name string) string {
	b.t.Helper()
	snap := b.cat.Snapshot()
	t := snap.Table("d", name)
	if t == nil || t.Kind != topo.Linked {
		b.t.Fatalf("%s is %+v", name, t)
	}
	var out []string
	for i := range t.Places {
		links, err := spider.LinksOf(snap, t, i)
		if err != nil {
			b.t.Fatal(err)
		}
		password := ""
		if len(links[0].Sealed) > 0 {
			if password, err = b.run.cfg.Open(links[0].Sealed, links[0].Purpose); err != nil {
				b.t.Fatal(err)
			}
		}
		out = append(out, fmt.Sprintf("%s:%s@%s/%s", t.Places[i].Partition+t.Places[i].Subpartition, password, links[0].Host, links[0].Table))
	}
	return strings.Join(out, " ")
}

// opened is a table with what is sealed in it for all to see, without what it is sealed for.
func (b *bench) opened(t topo.Table) topo.Table {
	b.t.Helper()
	open := func(sealed []byte, purpose string) []byte {
		if len(sealed) == 0 {
			return nil
		}
		secret, err := b.run.cfg.Open(sealed, purpose)
		if err != nil {
			b.t.Error(err)
		}
		return []byte(secret)
	}
	c := t
	c.Places, c.Links = slices.Clone(t.Places), slices.Clone(t.Links)
	for i := range c.Places {
		p := &c.Places[i]
		p.Passwords = nil
		for n, sealed := range t.Places[i].Passwords {
			p.Passwords = append(p.Passwords, open(sealed, t.LinkPurpose(&t.Places[i], n)))
		}
	}
	for i := range c.Links {
		c.Links[i].Sealed = open(t.Links[i].Sealed, t.Links[i].Purpose(t.LinksSeal()))
	}
	return c
}

func (b *bench) leads(name, want string) {
	b.t.Helper()
	if got := b.linksOf(name); got != want {
		b.t.Errorf("%s leads to %s, want %s", name, got, want)
	}
}

// The definition of a linked table changes as Spider's does; rows stay where they are, and so do the names of remote tables.
func TestAlterLinked(t *testing.T) {
	b := newBench(t, "d")
	b.must("CREATE TABLE one (id INT PRIMARY KEY, v INT) ENGINE=SPIDER COMMENT='host \"h\", password \"p\"'")
	b.must("CREATE TABLE ranged (id INT AUTO_INCREMENT PRIMARY KEY, v INT) ENGINE=SPIDER COMMENT='password \"p\"'" +
		" PARTITION BY RANGE (id) (PARTITION a VALUES LESS THAN (10) COMMENT='host \"a\"', PARTITION b VALUES LESS THAN (20) COMMENT='host \"b\", table \"x\"')")
	b.must("CREATE TABLE hashed (id INT PRIMARY KEY, v INT) ENGINE=SPIDER COMMENT='host \"h\"' PARTITION BY KEY (id) (PARTITION p0, PARTITION p1 COMMENT='password \"q\"')")
	b.must("CREATE TABLE counted (id INT PRIMARY KEY) ENGINE=SPIDER COMMENT='host \"h\"' PARTITION BY HASH (id) PARTITIONS 2")
	b.must("CREATE TABLE rest (id INT PRIMARY KEY) ENGINE=SPIDER COMMENT='host \"h\"' PARTITION BY LIST (id) (PARTITION p0 VALUES IN (1), PARTITION p1 DEFAULT)")
	b.must("CREATE TABLE subs (id INT PRIMARY KEY) ENGINE=SPIDER COMMENT='host \"h\"' PARTITION BY RANGE (id) SUBPARTITION BY KEY (id)" +
		" (PARTITION p0 VALUES LESS THAN (10) (SUBPARTITION s0, SUBPARTITION s1 COMMENT='password \"p\"'))")
	b.consistent("d")

	// Columns and keys are the definition's alone.
	b.must("ALTER TABLE one ADD COLUMN w INT, DROP COLUMN v, ADD KEY (w)")
	b.must("CREATE INDEX i ON one (w)")
	b.must("DROP INDEX i ON one")
	b.must("ALTER TABLE hashed MODIFY v BIGINT")
	b.consistent("d")
	b.leads("one", ":p@h/one")
	if columns := b.cat.Snapshot().Table("d", "one").Columns; len(columns) != 2 || columns[1].Name != "w" {
		t.Errorf("%+v", columns)
	}

	// Links.
	b.must("ALTER TABLE one COMMENT='host \"g\"' CONNECTION='password \"pp\"', ENGINE=SPIDER")
	b.leads("one", ":pp@g/one")
	b.must("ALTER TABLE one CONNECTION='', REMOTE_TABLE='rt'")
	b.leads("one", ":@g/rt")
	b.must("ALTER TABLE one REMOTE_TABLE=DEFAULT")
	b.leads("one", ":@g/one")
	b.must("ALTER TABLE ranged COMMENT='password \"z\"'")
	b.leads("ranged", "a:z@a/ranged#P#a b:z@b/x")
	b.must("ALTER TABLE hashed ENGINE=spider COMMENT='host \"i\"' PARTITION BY KEY (id) (PARTITION p0 COMMENT='table \"t0\"', PARTITION p1)")
	b.leads("hashed", "p0:@i/t0 p1:@i/hashed#P#p1")
	b.must("ALTER TABLE ranged REORGANIZE PARTITION a INTO (PARTITION a VALUES LESS THAN (10) COMMENT='host \"aa\"')")
	b.leads("ranged", "a:z@aa/ranged#P#a b:z@b/x")

	// Partitions come and go.
	b.must("ALTER TABLE ranged ADD PARTITION (PARTITION c VALUES LESS THAN (30) COMMENT='host \"c\"', PARTITION d VALUES LESS THAN MAXVALUE COMMENT='host \"d\"')")
	b.leads("ranged", "a:z@aa/ranged#P#a b:z@b/x c:z@c/ranged#P#c d:z@d/ranged#P#d")
	b.must("ALTER TABLE subs ADD PARTITION (PARTITION p1 VALUES LESS THAN (20) (SUBPARTITION s2, SUBPARTITION s3))")
	res := b.must("ALTER TABLE ranged DROP PARTITION b, c")
	if len(res.Notes) != 2 || !strings.Contains(res.Notes[0].Message, "'b'") {
		t.Errorf("%+v", res.Notes)
	}
	b.leads("ranged", "a:z@aa/ranged#P#a d:z@d/ranged#P#d")
	b.consistent("d")

	// Names.
	b.must("RENAME TABLE ranged TO r2, one TO ranged")
	b.leads("r2", "a:z@aa/ranged#P#a d:z@d/ranged#P#d")
	b.leads("ranged", ":@g/one")
	b.must("RENAME TABLE r2 TO tmp, ranged TO r2, tmp TO ranged")
	b.leads("ranged", "a:z@aa/ranged#P#a d:z@d/ranged#P#d")
	b.must("ALTER TABLE subs RENAME TO subs2")
	b.leads("subs2", "p0s0:@h/subs#P#p0#SP#s0 p0s1:p@h/subs#P#p0#SP#s1 p1s2:@h/subs#P#p1#SP#s2 p1s3:@h/subs#P#p1#SP#s3")
	b.refused(1235, "no definitions", "RENAME TABLE counted TO c2")
	b.must("ALTER TABLE counted PARTITION BY HASH (id) (PARTITION p0 COMMENT='tbl \"x\"', PARTITION p1)")
	b.must("RENAME TABLE counted TO c2")
	b.leads("c2", "p0:@h/x p1:@h/counted#P#p1")
	b.must("CREATE TABLE `odd \"one` (id INT PRIMARY KEY) ENGINE=SPIDER COMMENT='host \"h\",'")
	b.must("RENAME TABLE `odd \"one` TO even")
	b.leads("even", ":@h/odd \"one")
	b.must("CREATE TABLE `odd \"'two` (id INT PRIMARY KEY) ENGINE=SPIDER COMMENT='host \"h\"'")
	b.refused(1235, "can't be written", "RENAME TABLE `odd \"'two` TO even2")
	b.must("CREATE TABLE copy LIKE hashed")
	b.leads("copy", "p0:@i/t0 p1:@i/copy#P#p1")
	b.must("CREATE TABLE copy2 LIKE ranged")
	b.leads("copy2", "a:z@aa/ranged#P#a d:z@d/ranged#P#d")
	b.must("CREATE OR REPLACE TABLE copy2 (a INT) ENGINE=SPIDER COMMENT='host \"n\"'")
	b.leads("copy2", ":@n/copy2")
	b.must("CREATE OR REPLACE TABLE copy2 LIKE ranged")
	b.leads("copy2", "a:z@aa/ranged#P#a d:z@d/ranged#P#d")
	b.must("CREATE TABLE own (a INT PRIMARY KEY)")
	b.consistent("d")

	for _, q := range []struct {
		code      uint16
		says, sql string
	}{
		{1235, "rows move", "ALTER TABLE hashed ADD PARTITION PARTITIONS 2"},
		{1235, "rows move", "ALTER TABLE hashed COALESCE PARTITION 1"},
		{1235, "rows move", "ALTER TABLE hashed PARTITION BY KEY (id) PARTITIONS 3"},
		{1235, "rows move", "ALTER TABLE hashed PARTITION BY LINEAR KEY (id) (PARTITION p0, PARTITION p1)"},
		{1235, "rows move", "ALTER TABLE hashed REMOVE PARTITIONING"},
		{1235, "rows move", "ALTER TABLE even PARTITION BY KEY (id)"},
		{1235, "rows move", "ALTER TABLE ranged REORGANIZE PARTITION a, d INTO (PARTITION a VALUES LESS THAN MAXVALUE)"},
		{1235, "rows move", "ALTER TABLE ranged REORGANIZE PARTITION a, d INTO (PARTITION a VALUES LESS THAN (9), PARTITION d VALUES LESS THAN MAXVALUE)"},
		{1235, "rows move", "ALTER TABLE ranged EXCHANGE PARTITION a WITH TABLE r2"},
		{1235, "rows move", "ALTER TABLE rest ADD PARTITION (PARTITION p2 VALUES IN (3))"},
		{1235, "decides", "ALTER TABLE hashed MODIFY id BIGINT"},
		{1235, "REBUILD", "ALTER TABLE ranged REBUILD PARTITION a"},
		{1235, "ENGINE=InnoDB", "ALTER TABLE ranged ENGINE=InnoDB"},
		{1235, "rows of its own", "ALTER TABLE own ENGINE=SPIDER COMMENT='host \"h\"'"},
		{1235, "rows of its own", "ALTER TABLE own PARTITION BY KEY (a) (PARTITION p0 ENGINE=SPIDER)"},
		{1060, "Duplicate", "CREATE OR REPLACE TABLE copy2 (a INT, a INT) ENGINE=SPIDER COMMENT='host \"h\"'"},
		{1235, "FOREIGN KEY", "CREATE OR REPLACE TABLE copy2 (a INT, FOREIGN KEY (a) REFERENCES own (a)) ENGINE=SPIDER COMMENT='host \"h\"'"},
		{1235, "ENGINE=MyISAM", "ALTER TABLE ranged COMMENT='host \"x\"' ENGINE=MyISAM"},
		{1235, "counted by its remote", "ALTER TABLE even AUTO_INCREMENT=7"},
		{12501, "hst", "ALTER TABLE ranged COMMENT='hst \"x\"'"},
		{1210, "password", "ALTER TABLE ranged COMMENT='password \"***\"'"},
		{1477, "none", "ALTER TABLE ranged COMMENT='srv \"none\"'"},
		{1060, "Duplicate", "ALTER TABLE ranged ADD v INT"},
		{1507, "Wrong partition name", "ALTER TABLE ranged DROP PARTITION nosuch"},
		{1508, "all partitions", "ALTER TABLE subs2 DROP PARTITION p0, p1"},
		{1481, "MAXVALUE", "ALTER TABLE ranged ADD PARTITION (PARTITION e VALUES LESS THAN (50))"},
		{1142, "ALTER", "ALTER TABLE ranged COMMENT='host \"x\"'"},
	} {
		s := b.s
		if q.code == 1142 {
			b.s = b.account("reader", "SELECT ON d.*")
		}
		b.refused(q.code, q.says, q.sql)
		b.s = s
	}
	// What somebody has changed in the catalog does not get the passwords.
	if _, err := b.cat.Update(b.ctx(), func(x *catalog.Txn) error {
		c := *x.Table("d", "ranged")
		c.Links = slices.Clone(c.Links)
		c.Links[len(c.Links)-1].Comment = `host "evil"`
		x.PutTable(&c)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.as(b.s, "ALTER TABLE ranged ADD z INT"); err == nil || !strings.Contains(err.Error(), "make it anew") {
		t.Error(err)
	}
	b.must("CREATE OR REPLACE TABLE ranged (a INT) ENGINE=SPIDER COMMENT='host \"h\", password \"new\"'")
	b.leads("ranged", ":new@h/ranged")
	b.must("CREATE OR REPLACE TABLE own (a INT) ENGINE=SPIDER COMMENT='host \"h\"'")
	b.must("CREATE OR REPLACE TABLE copy2 (a INT PRIMARY KEY)")
	b.leads("own", ":@h/own")
	b.consistent("d")
	b.must("DROP DATABASE d")
}

// TRUNCATE goes to the remote tables, once the account may and all servers answer; what was not done is said.
func TestTruncateLinked(t *testing.T) {
	b := newBench(t, "d")
	b.must("CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY) ENGINE=SPIDER COMMENT='database \"r\", user \"u\"'" +
		" PARTITION BY KEY (id) (PARTITION a COMMENT='host \"a\"', PARTITION b COMMENT='host \"b\", table \"x\"')")
	b.must("CREATE TABLE ro (id INT PRIMARY KEY) ENGINE=SPIDER COMMENT='host \"a\", read_only_mode \"1\"'")
	heard := func() string {
		b.mu.Lock()
		defer b.mu.Unlock()
		out := slices.Clone(b.heard)
		slices.Sort(out)
		b.heard = nil
		return strings.Join(out, "; ")
	}
	sequence := b.cat.Sequence(b.cat.Snapshot().Table("d", "t").ID)
	if err := sequence.Reset(b.ctx(), 100); err != nil {
		t.Fatal(err)
	}
	b.must("ALTER TABLE t TRUNCATE PARTITION b")
	if got := heard(); got != "b: SELECT 1 FROM `r`.`x` LIMIT 0; b: TRUNCATE TABLE `r`.`x`" {
		t.Error(got)
	}
	if n, err := sequence.Peek(b.ctx()); n != 100 || err != nil {
		t.Error(n, err)
	}
	b.must("TRUNCATE TABLE t")
	if got := heard(); got != "a: SELECT 1 FROM `r`.`t#P#a` LIMIT 0; a: TRUNCATE TABLE `r`.`t#P#a`; b: SELECT 1 FROM `r`.`x` LIMIT 0; b: TRUNCATE TABLE `r`.`x`" {
		t.Error(got)
	}
	if n, err := sequence.Peek(b.ctx()); n > 1 || err != nil {
		t.Error(n, err)
	}
	b.must("ALTER TABLE t TRUNCATE PARTITION ALL")
	heard()
	// The counter does not go below what is there.
	b.answer = func(sql string) (*backend.Result, error) {
		greatest := []byte("7")
		if strings.Contains(sql, "`x`") {
			greatest = nil
		}
		return &backend.Result{Rows: [][][]byte{{greatest}}}, nil
	}
	for n, want := range map[string]uint64{"5": 8, "50": 50} {
		b.must("ALTER TABLE t AUTO_INCREMENT = " + n)
		if got, err := sequence.Peek(b.ctx()); got != want || err != nil {
			t.Errorf("%s: %d %v", n, got, err)
		}
	}
	if got := heard(); !strings.Contains(got, "a: SELECT MAX(`id`) FROM `r`.`t#P#a`") {
		t.Error(got)
	}
	b.answer = func(string) (*backend.Result, error) { return &backend.Result{}, nil }
	b.refused(1735, "nosuch", "ALTER TABLE t TRUNCATE PARTITION nosuch")
	b.refused(12518, "read only", "TRUNCATE TABLE ro")
	may := b.s
	b.s = b.account("reader", "SELECT ON d.*")
	b.refused(1142, "DROP", "TRUNCATE TABLE t")
	b.s = may
	if got := heard(); got != "" {
		t.Error(got)
	}
	b.answer = func(sql string) (*backend.Result, error) {
		if strings.Contains(sql, "LIMIT 0") && strings.Contains(sql, "`x`") {
			return nil, refuse(1429, "HY000", "away")
		}
		return &backend.Result{}, nil
	}
	b.refused(1429, "away", "TRUNCATE TABLE t")
	if got := heard(); strings.Contains(got, "TRUNCATE") {
		t.Error(got)
	}
	b.answer = func(sql string) (*backend.Result, error) {
		if strings.HasPrefix(sql, "TRUNCATE") && strings.Contains(sql, "`x`") {
			return nil, refuse(12701, "HY000", "gone")
		}
		return &backend.Result{}, nil
	}
	b.refused(12701, "these are empty now: a", "TRUNCATE TABLE t")
	var own *Error
	if _, err := b.as(b.s, "TRUNCATE TABLE t"); !errors.As(err, &own) || own.Unfinished {
		t.Error(err)
	}
}

// What a remote server prints is taken but for what is not a column or a key.
func TestColumnsOf(t *testing.T) {
	for _, c := range []struct{ create, body, charset string }{
		{"CREATE TABLE `t` (\n  `a` int(11) NOT NULL\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='x, y'", " (`a` int(11) NOT NULL)", " CHARSET=utf8mb4 COLLATE=utf8mb4_bin"},
		{"CREATE TABLE `t` (\n  `a` decimal(10,2) DEFAULT 1.5 COMMENT '), b',\n  `constraint` enum('a,','b)') DEFAULT (concat('a', ',')),\n  KEY `k` (`a`,`constraint`) /*!999999 SHARD KEY (`a`) */\n) ENGINE=InnoDB\n PARTITION BY KEY (`a`)\nPARTITIONS 2",
			" (`a` decimal(10,2) DEFAULT 1.5 COMMENT '), b', `constraint` enum('a,','b)') DEFAULT (concat('a', ',')), KEY `k` (`a`,`constraint`))", ""},
		{"CREATE /*!999999 REFERENCE */ TABLE `t` (\n  `check` int(11) DEFAULT NULL CHECK (`check` > 0),\n  CONSTRAINT `c` CHECK (`check` in (1,2)),\n  CONSTRAINT `f` FOREIGN KEY (`check`) REFERENCES `p` (`a`),\n  CHECK (1),\n  FULLTEXT KEY `x` (`y`)\n) ENGINE=Aria TRANSACTIONAL=1",
			" (`check` int(11) DEFAULT NULL CHECK (`check` > 0), FULLTEXT KEY `x` (`y`))", ""},
	} {
		body, charset, err := columnsOf([]byte(c.create), sqltext.Mode{})
		if err != nil || body != c.body || charset != c.charset {
			t.Errorf("%s:\n%s %s %v\nwant\n%s %s", c.create, body, charset, err, c.body, c.charset)
		}
	}
	if _, _, err := columnsOf([]byte("CREATE VIEW v AS SELECT 1"), sqltext.Mode{}); err == nil {
		t.Error("a view has no columns to be copied")
	}
}
