package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// opened are the servers that all tests use.
var opened *servers

func TestMain(m *testing.M) {
	var err error
	if opened, err = openServers(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := opened.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// TestFixedSeed runs the statements of one seed. Most of them must say something.
func TestFixedSeed(t *testing.T) {
	var out strings.Builder
	r, err := newRunner(opened, settings{seed: 1, statements: 3000, length: 250, patience: shrinkTime, most: 5}, &out)
	if err != nil {
		t.Fatal(err)
	}
	err = r.run()
	r.report()
	t.Log(out.String())
	if err != nil {
		t.Fatal(err)
	}
	if r.differences > 0 {
		t.Errorf("%d differences", r.differences)
	}
	if r.errors > r.compared/5 {
		t.Errorf("%d of %d statements are errors", r.errors, r.compared)
	}
	if r.empty > r.compared/3 {
		t.Errorf("%d of %d statements have no rows", r.empty, r.compared)
	}
}

// TestCases runs what differed once.
func TestCases(t *testing.T) {
	files, err := filepath.Glob("cases/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".sql"), func(t *testing.T) {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			differences, err := opened.runCase(string(text))
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range differences {
				t.Error(d)
			}
		})
	}
}

// A trial is written as a case that means the same.
func TestRender(t *testing.T) {
	tbl := &table{db: "d1", name: "ord", key: []string{"id", "acc"}, shard: []string{"acc"}, cols: []column{{name: "id", decl: "INT NOT NULL"}, {name: "acc", decl: "INT NOT NULL"}}}
	q := &node{form: query, order: []string{"acc"}, kids: pieces([]any{"SELECT acc FROM d1.ord", may(" WHERE ", cond("id = ", val(num, "2"))), may(" ORDER BY acc")})}
	tr := &trial{
		w:      &world{tables: []*table{tbl}, session: []string{"SET sql_mode = ''", "SET innodb_lock_wait_timeout = 3", "USE d1"}},
		rows:   rows{"d1.ord": {{"1", "2"}, {"3", "4"}}},
		before: []statement{{root: cat("DELETE FROM d1.ord"), tables: []string{"d1.ord"}}},
		st:     statement{root: q, prepared: true},
	}
	text := tr.render(&verdict{difference: difference{"rows", "0, want 1\nand so on"}})
	const want = `-- rows: 0, want 1
-- and so on
SET sql_mode = '';
CREATE TABLE d1.ord (id INT NOT NULL, acc INT NOT NULL, PRIMARY KEY (id, acc), SHARD KEY (acc));
INSERT INTO d1.ord (id, acc) VALUES (1, 2), (3, 4);
-- changes: d1.ord
DELETE FROM d1.ord;
-- prepared
-- order: acc
SELECT acc FROM d1.ord WHERE id = 2 ORDER BY acc;
`
	if text != want {
		t.Errorf("%s\nwant\n%s", text, want)
	}
	all := parseCase(text)
	last := all[len(all)-1]
	if len(all) != 5 || !last.prepared || last.root.String() != q.String() || len(last.root.sorted()) != 1 || all[3].tables[0] != "d1.ord" {
		t.Errorf("%+v", all)
	}
}

// Every simplification is tried, and none is the statement itself.
func TestSmaller(t *testing.T) {
	inner := &node{form: query, kids: pieces([]any{"SELECT 1"})}
	q := &node{form: query, kids: pieces([]any{"SELECT ", many(", ", val(num, "ABS(", val(num, "a"), ")"), val(num, "b")), may(" WHERE ", cond("a IN (", inner, ")"))})}
	seen := map[string]bool{}
	q.smaller(func(n *node) bool {
		seen[n.String()] = true
		return true
	})
	for _, want := range []string{"SELECT 1", "SELECT b WHERE a IN (SELECT 1)", "SELECT ABS(a) WHERE a IN (SELECT 1)", "SELECT a, b WHERE a IN (SELECT 1)", "SELECT ABS(a), b", "SELECT ABS(a), b WHERE 1"} {
		if !seen[want] {
			t.Errorf("not tried: %s; but %v", want, seen)
		}
	}
	if seen[q.String()] {
		t.Error("the statement is smaller than itself")
	}
}
