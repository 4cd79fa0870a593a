package ddl

import (
	"fmt"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/topo"
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

func TestCreateAndDropDatabase(t *testing.T) {
	b := newBench(t)
	late := b.account("late", "")
	b.everywhere("GRANT SELECT, CREATE ON `e\\_x`.* TO late@'%'")
	b.everywhere("CREATE DATABASE e_x")
	b.everywhere("CREATE TABLE e_x.t (a INT)")
	b.everywhere("GRANT INSERT ON e_x.t TO late@'%'")
	b.everywhere("DROP DATABASE e_x")
	b.s.Schema = ""
	b.must("CREATE DATABASE e_x PARTITIONS 3 CHARACTER SET latin1 COLLATE latin1_bin")
	d := b.cat.Snapshot().Databases["e_x"]
	if d == nil || len(d.Partitions) != 3 || d.Collation != "latin1_bin" || d.Replication != topo.Async {
		t.Fatalf("%+v", d)
	}
	for _, p := range d.Partitions {
		leaf, _ := p.Master()
		if got := b.at(leaf, "", "SELECT DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = "+lit(p.ID.Schema())); fmt.Sprint(got) != "[latin1_bin]" {
			t.Errorf("%s: %v", p.ID, got)
		}
	}
	grants := fmt.Sprint(b.at("leaf-1", "", "SHOW GRANTS FOR late@'%'"))
	for _, want := range []string{"GRANT SELECT, CREATE ON `e\\_x\\_2`.*", "GRANT INSERT ON `e_x_0`.`t`"} {
		if !strings.Contains(grants, want) {
			t.Errorf("%s is missing in %s", want, grants)
		}
	}
	_ = late
	b.refused(1007, "exists", "CREATE DATABASE e_x")
	if res := b.must("CREATE DATABASE IF NOT EXISTS e_x"); res.Warnings != 1 || len(res.Notes) != 1 || res.Notes[0].Code != 1007 {
		t.Errorf("%+v", res)
	}
	b.refused(1102, "partition", "CREATE DATABASE e_x_1")
	b.refused(1273, "nonsense", "CREATE DATABASE f COLLATE nonsense")
	b.must("ALTER DATABASE e_x CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
	if c := b.cat.Snapshot().Databases["e_x"].Collation; c != "utf8mb4_bin" {
		t.Error(c)
	}
	b.s.Schema = "e_x"
	b.must("CREATE TABLE t (a INT PRIMARY KEY)")
	for _, p := range d.Partitions { // a copy that is being made, and linked to no master
		for _, l := range b.farm.Leaves() {
			if leaf, _ := p.Master(); leaf != l.Name {
				b.at(l.Name, "", "CREATE DATABASE "+p.ID.Schema())
			}
		}
	}
	b.must("DROP DATABASE e_x")
	if b.cat.Snapshot().Databases["e_x"] != nil {
		t.Error("still in the topology")
	}
	for _, l := range b.farm.Leaves() {
		if got := b.at(l.Name, "", "SHOW DATABASES LIKE 'e\\_x%'"); len(got) != 0 {
			t.Errorf("%s: %v", l.Name, got)
		}
		if got := b.at(l.Name, "", "SELECT Db FROM mysql.db WHERE Db LIKE 'e%_0'"); len(got) != 0 {
			t.Errorf("%s: grants on %v", l.Name, got)
		}
	}
	b.refused(1008, "doesn't exist", "DROP DATABASE e_x")
	b.must("DROP DATABASE IF EXISTS e_x")
	// What the cluster does not know is not taken.
	b.at("leaf-2", "", "CREATE DATABASE f_1")
	defer b.at("leaf-2", "", "DROP DATABASE f_1")
	b.refused(1007, "f_1", "CREATE DATABASE f PARTITIONS 4")
}
