package ddl

import (
	"fmt"
	"strings"
	"testing"
)

func TestDropRenameTruncate(t *testing.T) {
	b := newBench(t, "d")
	for _, n := range []string{"a", "b", "c"} {
		b.must("CREATE TABLE " + n + " (" + n + " INT PRIMARY KEY AUTO_INCREMENT)")
	}
	b.must("CREATE REFERENCE TABLE r (id INT PRIMARY KEY)")
	b.must("RENAME TABLE a TO x, d.b TO y")
	b.consistent("d")
	b.must("RENAME TABLE x TO tmp, y TO x, tmp TO y")
	b.consistent("d")
	if b.cat.Snapshot().Table("d", "x").Columns[0].Name != "b" {
		t.Error("the swap has not swapped")
	}
	b.must("ALTER TABLE r RENAME TO r2")
	b.consistent("d")
	b.refused(1050, "exists", "RENAME TABLE x TO y")
	b.refused(1146, "", "RENAME TABLE none TO z")
	b.refused(1146, "", "RENAME TABLE none TO x")
	for _, sql := range []string{ // what is not there is passed over, and so is a name that somebody else has
		"RENAME TABLE IF EXISTS none TO x", "RENAME TABLE IF EXISTS none TO z, x TO z, z TO x, none TO r2", "ALTER TABLE IF EXISTS none RENAME TO x",
		"RENAME TABLE IF EXISTS none TO r2, r2 TO r3, r3x TO c", "RENAME TABLE r3 TO r2", "ALTER TABLE x RENAME TO x",
	} {
		b.must(sql)
		b.consistent("d")
	}
	b.refused(1050, "x", "RENAME TABLE IF EXISTS y TO z, none TO y, c TO x")
	b.consistent("d")
	p, _ := partitions(b.cat.Snapshot(), "d")
	for i, pl := range p {
		b.at(pl.Leaf, pl.Schema, fmt.Sprintf("INSERT INTO c VALUES (%d)", i+1))
	}
	b.must("CREATE TRIGGER ct AFTER INSERT ON d.c FOR EACH ROW BEGIN DECLARE x INT; SET x = NEW.c; END")
	for _, sql := range []string{"RENAME TABLE c TO c9", "RENAME TABLE c9 TO tmp, x TO c9, tmp TO x", "RENAME TABLE x TO tmp, c9 TO x, tmp TO c9", "ALTER TABLE c9 RENAME c", "DROP TRIGGER ct"} {
		b.must(sql)
		b.consistent("d")
	}
	seq := b.cat.Sequence(b.cat.Snapshot().Table("d", "c").ID)
	if err := seq.Observe(b.ctx(), 500); err != nil {
		t.Fatal(err)
	}
	b.must("TRUNCATE TABLE c")
	for _, pl := range p {
		if n := b.at(pl.Leaf, pl.Schema, "SELECT COUNT(*) FROM c"); n[0] != "0" {
			t.Errorf("%v: %v rows", pl, n)
		}
	}
	if v, err := seq.Next(b.ctx(), 1); err != nil || v != 1 {
		t.Errorf("next after TRUNCATE: %d %v", v, err)
	}
	if _, err := b.as(b.s, "DROP TABLE none, x"); err == nil || !strings.Contains(err.Error(), "none") {
		t.Errorf("%v", err)
	}
	if b.cat.Snapshot().Table("d", "x") != nil {
		t.Error("MariaDB drops what exists, and so do we")
	}
	b.consistent("d")
	b.must("DROP TABLE IF EXISTS none, y, c, r2")
	b.consistent("d")
	if len(b.cat.Snapshot().Databases["d"].Tables) != 0 {
		t.Error("tables left")
	}
	b.refused(1051, "none", "DROP TABLE none")
}
