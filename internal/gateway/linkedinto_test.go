package gateway

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// one makes a table without partitions everywhere.
func (p *pair) one(remotes []*remoteServer, server int, name, columns string) {
	p.t.Helper()
	remotes[server-1].exec("CREATE TABLE old." + name + " " + columns)
	p.node.exec("CREATE TABLE " + name + " " + columns + " ENGINE=SPIDER " + strings.Replace(place(server, name), `'srv`, `'wrapper "mysql", srv`, 1))
	p.plain.exec("CREATE TABLE " + name + " " + columns)
}

// Rows of queries over other places go into a table without partitions, whose server gives the AUTO_INCREMENT values.
func TestLinkedRowsIntoOnePlace(t *testing.T) {
	_, p, remotes := partitioned(t, 2)
	columns := "(id INT NOT NULL AUTO_INCREMENT, v VARCHAR(10), PRIMARY KEY (id))"
	p.one(remotes, 1, "one", columns)
	p.one(remotes, 2, "two", columns)
	p.one(remotes, 1, "bare", "(v VARCHAR(10), n INT)")
	p.table(remotes, "t", "(id INT PRIMARY KEY, v VARCHAR(10))", "KEY (id)", [2]string{"", "t0"}, [2]string{"", "t1"})
	p.both("CREATE TABLE plain (id INT PRIMARY KEY, v VARCHAR(10))")
	p.both("INSERT INTO plain VALUES (1, 'a'), (2, 'b'), (3, NULL), (4, 'ü'), (7, 'e')")
	p.node.exec("CREATE REFERENCE TABLE ref (id INT PRIMARY KEY, v VARCHAR(10))")
	p.plain.exec("CREATE TABLE ref (id INT PRIMARY KEY, v VARCHAR(10))")
	p.both("INSERT INTO ref SELECT id + 100, v FROM plain")
	for _, q := range []string{
		"INSERT INTO one (v) VALUES ('first')",
		"INSERT INTO one (v) SELECT v FROM plain ORDER BY id",
		"SELECT LAST_INSERT_ID()",
		"INSERT INTO one VALUES (9, 'next')", // a query's rows make InnoDB leave numbers out
		"INSERT INTO one SELECT id + 50, v FROM plain ORDER BY id",
		"SELECT LAST_INSERT_ID()",
		"INSERT INTO one SELECT IF(id = 3, 0, id + 80), v FROM plain ORDER BY id",
		"SELECT LAST_INSERT_ID()",
		"SELECT * FROM one ORDER BY id",
		"INSERT INTO one SELECT * FROM plain",
		"INSERT IGNORE INTO one SELECT id + 2, v FROM plain ORDER BY id",
		"INSERT INTO one SELECT * FROM plain ORDER BY id ON DUPLICATE KEY UPDATE v = CONCAT(one.v, VALUES(v))",
		"REPLACE INTO one SELECT id, 'new' FROM plain WHERE id > 3 ORDER BY id",
		"INSERT INTO two SELECT * FROM one",
		"INSERT INTO two (v) SELECT v FROM one WHERE id < 4 ORDER BY id",
		"INSERT INTO t SELECT * FROM one WHERE id < 50",
		"INSERT INTO one SELECT id + 1000, v FROM t",
		"INSERT INTO one SELECT id + 2000, v FROM ref",
		"INSERT INTO one SELECT id + 3000, v FROM two",
		"INSERT INTO two SELECT id + 4000, v FROM two WHERE id < 5",
		"INSERT INTO one SELECT 9000, 'alone'",
		"INSERT INTO bare SELECT v, id FROM plain",
		"INSERT INTO bare (n) SELECT COUNT(*) FROM t",
		"INSERT INTO bare SELECT v, 1 FROM plain WHERE id = 1 RETURNING v, n",
		"INSERT INTO one SELECT p.id + 10000, r.v FROM plain p JOIN ref r ON r.id = p.id + 100 ORDER BY p.id",
		"SELECT * FROM one ORDER BY id",
		"SELECT * FROM two ORDER BY id",
		"SELECT * FROM bare ORDER BY n, v",
	} {
		if strings.Contains(q, "RETURNING") || strings.HasPrefix(q, "SELECT") {
			p.same(q)
			continue
		}
		end := " entry"
		if strings.Contains(q, "ON DUPLICATE") { // MariaDB tells an id of VALUES, and none of a query
			end = ", id"
		}
		got, _, _ := strings.Cut(p.node.done(q), end)
		if want, _, _ := strings.Cut(p.plain.done(q), end); got != want {
			t.Errorf("%s\n got %s\nwant %s", q, got, want)
		}
	}
	for range 2 {
		p.same("INSERT INTO bare SELECT v, id FROM t WHERE id < ?", 3)
	}
	p.node.fails(1235, "INSERT INTO one (v) SELECT v FROM plain RETURNING id")
	before := p.node.rows("SELECT COUNT(*) FROM one")
	p.node.exec("BEGIN")
	p.node.exec("INSERT INTO one (v) SELECT v FROM plain")
	p.node.exec("ROLLBACK")
	p.node.want("SELECT COUNT(*) FROM one", before)
	p.node.exec("SET spider_read_only_mode = 1")
	p.node.fails(12518, "INSERT INTO one (v) SELECT v FROM plain")
}

// LOAD DATA LOCAL goes to the one place of a table without partitions.
func TestLinkedFilesIntoOnePlace(t *testing.T) {
	b, p, remotes := partitioned(t, 1)
	p.one(remotes, 1, "one", "(id INT NOT NULL AUTO_INCREMENT, v VARCHAR(10), d DATE, PRIMARY KEY (id))")
	file := filepath.Join(t.TempDir(), "rows")
	var lines strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&lines, "%d\tv%d\t2020-01-%02d\n", i+1, i, i%28+1)
	}
	lines.WriteString("1\tduplicate\t\\N\n\\N\tmade\t2020-01-01\n0\tmade too\n")
	if err := os.WriteFile(file, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	load := func(q string) {
		t.Helper()
		q += "; SHOW WARNINGS; SELECT LAST_INSERT_ID() AS Warning"
		got, err := b.cli(t, "root", "", q, "--local-infile", "-vv", "fed")
		if err != nil {
			t.Fatal(got)
		}
		want, err := plainCLI(t, remotes[0], q, "--local-infile", "-vv", "fed")
		if err != nil {
			t.Fatal(want)
		}
		if got != want && results(got) != results(want) {
			t.Errorf("%s\n got %s\nwant %s", q, got, want)
		}
		tail := func(out string) string { return out[strings.LastIndex(out, "Warning"):] }
		if tail(got)[:20] != tail(want)[:20] {
			t.Errorf("%s\n got id %s\nwant %s", q, tail(got), tail(want))
		}
		p.same("SELECT * FROM one ORDER BY id")
	}
	load("LOAD DATA LOCAL INFILE '" + file + "' INTO TABLE one")
	load("LOAD DATA LOCAL INFILE '" + file + "' REPLACE INTO TABLE one (id, v, @d) SET d = @d + INTERVAL 1 DAY")
	load("LOAD DATA LOCAL INFILE '" + file + "' INTO TABLE one IGNORE 2990 LINES (@x, v) SET id = @x + 5000")
	load("LOAD DATA LOCAL INFILE '" + file + "' INTO TABLE one IGNORE 2990 LINES (@x, v)")
	p.same("INSERT INTO one (v) VALUES ('next')")
}
