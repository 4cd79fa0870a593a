package ddl

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/topo"
)

func TestViews(t *testing.T) {
	b := newBench(t, "d", "e")
	b.must("CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(10))")
	b.must("CREATE TABLE e.u (id INT PRIMARY KEY)")
	b.must("CREATE VIEW w AS SELECT id, v FROM t WHERE v <> 'é😀' ORDER BY id")
	b.must("CREATE ALGORITHM=MERGE SQL SECURITY INVOKER VIEW d.w2 (n, `odd ``name`) AS SELECT w.id, CONCAT(w.v, 'it''s \\\\') FROM w JOIN e.u ON u.id = w.id WITH LOCAL CHECK OPTION")
	b.consistent("d")
	v, w := b.cat.Snapshot().View("d", "w"), b.cat.Snapshot().View("d", "w2")
	if v == nil || v.DefinerUser != "app" || v.DefinerHost != "%" || v.Invoker || !v.Updatable || fmt.Sprint(v.Columns) != "[id v]" || v.Check != "" || !strings.Contains(v.Body, "'é😀'") {
		t.Errorf("%+v", v)
	}
	if w == nil || !w.Invoker || w.Check != "LOCAL" || w.Algorithm != "MERGE" || len(w.Columns) != 2 || w.Columns[1] != "odd `name" || strings.Contains(w.Body, "CHECK OPTION") {
		t.Errorf("%+v", w)
	}
	b.refused(1050, "w", "CREATE VIEW w AS SELECT 1")
	b.refused(1050, "t", "CREATE VIEW t AS SELECT 1")
	b.refused(1347, "t", "CREATE OR REPLACE VIEW t AS SELECT 1")
	b.refused(1146, "nosuch", "CREATE VIEW x AS SELECT * FROM nosuch")
	b.refused(1227, "cluster's own", "CREATE DEFINER=orbweaver VIEW x AS SELECT 1")
	b.refused(1050, "w", "CREATE TABLE w (id INT PRIMARY KEY)")
	b.refused(1347, "w", "CREATE TABLE x LIKE w")
	b.refused(1347, "w", "ALTER TABLE w RENAME TO x")
	b.refused(1347, "w", "CREATE INDEX i ON w (id)")
	b.refused(1965, "w", "DROP TABLE w")
	b.refused(4092, "nosuch", "DROP VIEW nosuch")
	b.refused(1235, "two databases", "DROP VIEW w, e.x")
	b.refused(1050, "w", "RENAME TABLE t TO w")
	b.refused(1050, "t", "RENAME TABLE w TO t")
	b.refused(1235, "together with tables", "RENAME TABLE w TO x, t TO y")
	stranger := b.account("stranger", "SELECT ON d.t")
	if _, err := b.as(stranger, "CREATE VIEW x AS SELECT id FROM t"); err == nil {
		t.Error("a stranger has made a view")
	}
	if _, err := b.as(stranger, "DROP VIEW w"); err == nil {
		t.Error("a stranger has dropped a view")
	}
	if res := b.must("CREATE VIEW IF NOT EXISTS w AS SELECT 1"); res.Warnings != 1 {
		t.Errorf("%+v", res)
	}
	b.must("RENAME TABLE w2 TO w3")
	b.consistent("d")
	if _, err := b.as(b.s, "DROP VIEW w, nosuch"); err == nil {
		t.Error("DROP VIEW of one that does not exist is no error")
	}
	b.consistent("d")
	if b.cat.Snapshot().View("d", "w") != nil || b.cat.Snapshot().View("d", "w2") != nil || b.cat.Snapshot().View("d", "w3") == nil {
		t.Errorf("%v", b.cat.Snapshot().Databases["d"].Views)
	}
	b.must("DROP DATABASE d")
	b.must("CREATE DATABASE d PARTITIONS 4")
	if n := len(b.cat.Snapshot().Databases["d"].Views); n != 0 {
		t.Errorf("%d views have outlived their database", n)
	}
}

// A leaf that lacks an invalid view, as it could not be made there, gets it when what it reads is there again; and such views can be dropped meanwhile.
func TestViewsThatALeafLacks(t *testing.T) {
	b := newBench(t, "d")
	b.must("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
	b.must("CREATE VIEW w AS SELECT id, v FROM t")
	b.must("CREATE VIEW w2 AS SELECT id FROM w")
	b.must("CREATE VIEW w3 AS SELECT id FROM t")
	b.must("DROP TABLE t")
	b.at("leaf-1", "", "DROP VIEW d.w, d.w2, d.w3") // as it came without
	b.must("DROP VIEW w3")
	for _, sql := range []string{"CREATE TABLE w (id INT PRIMARY KEY)", "CREATE VIEW w AS SELECT 1"} {
		if _, err := b.as(b.s, sql); err == nil {
			t.Errorf("%s: no error", sql)
		}
	}
	b.must("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
	b.consistent("d")
	b.must("DROP TABLE t")
	b.everywhere("DROP VIEW d.w, d.w2")
	b.must("CREATE OR REPLACE VIEW w AS SELECT 1 AS id")
	b.must("DROP VIEW w2, w")
	b.consistent("d")
}

// A leaf that refuses a view, or answers nothing, has the statement undone at the others.
func TestViewsAreUndone(t *testing.T) {
	b := newBench(t, "d")
	b.must("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
	b.must("CREATE VIEW w AS SELECT id FROM t")
	b.at("leaf-2", "", "ALTER TABLE d.t DROP v")
	for _, sql := range []string{"CREATE VIEW x AS SELECT v FROM t", "CREATE OR REPLACE VIEW w AS SELECT v FROM t"} {
		b.refused(1054, "v", sql)
	}
	b.at("leaf-2", "", "ALTER TABLE d.t ADD v INT")
	b.consistent("d")
	for _, sql := range []string{"CREATE VIEW x AS SELECT v FROM t", "CREATE OR REPLACE VIEW w AS SELECT v FROM t", "DROP VIEW w", "RENAME TABLE w TO y"} {
		before := b.world("d")
		b.run.step = func(name string) error {
			if name == "commit" {
				b.run.step = func(string) error { return nil }
				return fmt.Errorf("%w: it does not answer", catalog.ErrUnavailable)
			}
			return nil
		}
		if _, err := b.as(b.s, sql); err == nil || errors.Is(err, topo.ErrNoTable) {
			t.Errorf("%s: %v", sql, err)
		}
		if after := b.world("d"); after != before {
			t.Errorf("%s has left\n%s\nwhere there was\n%s", sql, after, before)
		}
		b.consistent("d")
	}
}
