package ddl

import (
	"fmt"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/topo"
)

func TestTablesGetAPlaceThatKeepsTheirKeys(t *testing.T) {
	b := newBench(t, "d")
	b.must("CREATE TABLE s (id INT PRIMARY KEY)")
	b.must("CREATE TABLE keyless (a INT)")
	b.must("CREATE REFERENCE TABLE r (id INT PRIMARY KEY)")
	for _, c := range []struct {
		columns string
		kind    topo.TableKind
		key     string // with * where it is printed
		note    string // "" for none
	}{
		// What was so before is so still.
		{"a INT PRIMARY KEY, b INT", topo.Sharded, "[a]", ""},
		{"a INT, b INT, PRIMARY KEY (a, b), UNIQUE (b, a)", topo.Sharded, "[a b]", ""},
		{"a INT, KEY (a)", topo.Keyless, "[]", ""},
		{"a INT PRIMARY KEY, b INT, FOREIGN KEY (b) REFERENCES r (id)", topo.Sharded, "[a]", ""},
		{"a INT PRIMARY KEY, FOREIGN KEY (a) REFERENCES s (id)", topo.Sharded, "[a]", ""},
		// A shard key that does for all.
		{"a INT, b INT, c INT, PRIMARY KEY (a, b), UNIQUE (c, b)", topo.Sharded, "[b]*", "1503 SHARD KEY (`b`)"},
		{"a INT, b INT, c INT, PRIMARY KEY (a, b, c), UNIQUE (c, b)", topo.Sharded, "[b c]*", "1503 SHARD KEY (`b`, `c`)"},
		{"a INT, UNIQUE (a)", topo.Sharded, "[a]*", "1503 SHARD KEY (`a`)"},
		{"a TIMESTAMP, b INT, PRIMARY KEY (a, b)", topo.Sharded, "[b]*", "1235 SHARD KEY (`b`)"},
		{"a INT, b INT, PRIMARY KEY (a, b), FOREIGN KEY (b) REFERENCES s (id)", topo.Sharded, "[b]*", "1235 SHARD KEY (`b`)"},
		{"a INT, FOREIGN KEY (a) REFERENCES s (id)", topo.Sharded, "[a]*", "1235 SHARD KEY (`a`)"},
		// One partition.
		{"a INT PRIMARY KEY, b INT, UNIQUE u (b)", topo.Single, "[]*", "1503 no column could be the shard key"},
		{"a FLOAT PRIMARY KEY", topo.Single, "[]*", "1235 no column could be the shard key"},
		{"a VARCHAR(100), PRIMARY KEY (a(10))", topo.Single, "[]*", "1503 no column could be the shard key"},
		{"a INT PRIMARY KEY, b INT, FOREIGN KEY f (b) REFERENCES x (a)", topo.Single, "[]*", "1235 leads from row to row"},
		{"a INT PRIMARY KEY, b INT, UNIQUE (b), FOREIGN KEY (b) REFERENCES r (id)", topo.Single, "[]*", "1503 no column"},
		{"a INT PRIMARY KEY, SHARD KEY ()", topo.Single, "[]*", ""},
		{"a INT PRIMARY KEY /*!999999 SHARD KEY () */", topo.Single, "[]*", ""},
	} {
		sql := "CREATE TABLE x (" + c.columns + ")"
		res := b.must(sql)
		x := b.cat.Snapshot().Table("d", "x")
		key := []string{}
		for _, i := range x.ShardKey {
			key = append(key, x.Columns[i].Name)
		}
		got := fmt.Sprint(key)
		if x.Explicit || x.Kind == topo.Single {
			got += "*"
		}
		if x.Kind != c.kind || got != c.key {
			t.Errorf("%s: %s %s", sql, x.Kind, got)
		}
		code, text, _ := strings.Cut(c.note, " ")
		switch {
		case c.note == "":
			if len(res.Notes) > 0 {
				t.Errorf("%s: %+v", sql, res.Notes)
			}
		case len(res.Notes) != 1 || res.Notes[0].Level != "Note" || fmt.Sprint(res.Notes[0].Code) != code || !strings.Contains(res.Notes[0].Message, text) || !strings.Contains(res.Notes[0].Message, "SHARD KEY ()"):
			t.Errorf("%s: %+v", sql, res.Notes)
		}
		b.consistent("d")
		b.must("DROP TABLE x")
	}
	b.must("CREATE TABLE one (id INT PRIMARY KEY, v INT, KEY (v), SHARD KEY ())")
	res := b.must("CREATE TABLE x (a INT PRIMARY KEY, b INT, FOREIGN KEY f (b) REFERENCES one (id) ON DELETE SET NULL)")
	if b.cat.Snapshot().Table("d", "x").Kind != topo.Single || !strings.Contains(res.Notes[0].Message, "'f' leads to 'one', which is there") {
		t.Errorf("%+v %+v", b.cat.Snapshot().Table("d", "x"), res.Notes)
	}
	b.must("ALTER TABLE one ADD UNIQUE u (v), ADD COLUMN p INT, ADD FOREIGN KEY (p) REFERENCES one (id)")
	b.must("CREATE TABLE l LIKE one")
	if b.cat.Snapshot().Table("d", "l").Kind != topo.Single {
		t.Error("LIKE")
	}
	parts, _ := partitions(b.cat.Snapshot(), "d")
	b.at(parts[2].Leaf, parts[2].Schema, "INSERT INTO s (id) VALUES (1)") // without rows it would be placed anew
	b.refused(1235, "make this table with SHARD KEY (), too", "CREATE TABLE y (a INT PRIMARY KEY, FOREIGN KEY (a) REFERENCES one (id), SHARD KEY (a))")
	b.refused(1235, "make that one with SHARD KEY (), too", "CREATE TABLE y (a INT PRIMARY KEY, FOREIGN KEY (a) REFERENCES s (id), SHARD KEY ())")
	b.refused(1235, "make that one with SHARD KEY (), too", "CREATE TABLE y (a INT PRIMARY KEY, b INT, UNIQUE (b), FOREIGN KEY (b) REFERENCES s (id))")
	b.refused(1235, "Tables that are made with SHARD KEY ()", "CREATE TABLE y (a INT PRIMARY KEY, b INT, FOREIGN KEY (b) REFERENCES s (id))")
	b.refused(1235, "only reference reference tables", "CREATE REFERENCE TABLE y (a INT PRIMARY KEY, FOREIGN KEY (a) REFERENCES one (id))")
	b.refused(1235, "ENGINE=CSV", "CREATE TABLE y (a INT NOT NULL, b INT NOT NULL) ENGINE=CSV")
	b.refused(1235, "make that one with SHARD KEY (), too", "ALTER TABLE one ADD FOREIGN KEY (v) REFERENCES s (id)")
	b.refused(1235, "make this table with SHARD KEY (), too", "ALTER TABLE s ADD FOREIGN KEY (id) REFERENCES one (id)")
	b.refused(1503, "SHARD KEY ()", "ALTER TABLE s ADD COLUMN u INT UNIQUE")
	b.must("RENAME TABLE one TO two, s TO one")
	b.s.State = b.s.State.With("foreign_key_checks", "foreign_key_checks=0")
	b.must("CREATE TABLE early (a INT PRIMARY KEY, b INT, FOREIGN KEY (b) REFERENCES late (id))")
	b.refused(1235, "'early', whose rows are all in one partition", "RENAME TABLE keyless TO late")
	b.refused(1235, "'early', whose rows are all in one partition", "CREATE TABLE late (id INT PRIMARY KEY, SHARD KEY (id))")
	b.refused(1235, "'early', whose rows are all in one partition", "CREATE REFERENCE TABLE late (id INT PRIMARY KEY)")
	if res := b.must("CREATE TABLE late (id INT PRIMARY KEY)"); !strings.Contains(res.Notes[0].Message, "'early' leads to it, which is there") {
		t.Errorf("%+v", res.Notes)
	}
	if snap := b.cat.Snapshot(); snap.Table("d", "two").Kind != topo.Single || snap.Table("d", "one").Kind != topo.Sharded {
		t.Error("RENAME")
	}
	b.consistent("d")
}

func TestDefaultOfADatabaseIsOnePartition(t *testing.T) {
	b := newBench(t, "d")
	b.must("CREATE DATABASE app PARTITIONS 2 DEFAULT SHARD KEY ()")
	b.s.Schema = "app"
	kinds := func(want ...topo.TableKind) {
		t.Helper()
		for i, kind := range want {
			name := fmt.Sprint("t", i)
			if got := b.cat.Snapshot().Table("app", name); got == nil || got.Kind != kind {
				t.Errorf("%s: %+v, want %s", name, got, kind)
			}
		}
	}
	if res := b.must("CREATE TABLE t0 (id INT PRIMARY KEY)"); len(res.Notes) > 0 {
		t.Errorf("%+v", res.Notes)
	}
	b.must("CREATE TABLE t1 (id INT, SHARD KEY (id))")
	b.must("CREATE REFERENCE TABLE t2 (id INT)")
	b.must("ALTER DATABASE app DEFAULT SHARD KEY (PRIMARY KEY)")
	b.must("CREATE TABLE t3 (id INT PRIMARY KEY)")
	b.must("ALTER DATABASE SHARD KEY = () CHARACTER SET latin1")
	if d := b.cat.Snapshot().Databases["app"]; !d.Single || d.Charset != "latin1" {
		t.Errorf("%+v", d)
	}
	b.must("CREATE TABLE t4 (a INT)")
	b.must("ALTER DATABASE app COMMENT 'x'")
	b.must("CREATE TABLE t5 (a INT)")
	kinds(topo.Single, topo.Sharded, topo.Reference, topo.Sharded, topo.Single, topo.Single)
	root := b.s
	b.s = b.account("mere", "USAGE ON *.*")
	b.refused(1044, "", "ALTER DATABASE app SHARD KEY (PRIMARY KEY)")
	b.s = root
	b.must("DROP DATABASE app")
}
