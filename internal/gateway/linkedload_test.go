package gateway

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// INSERT … SELECT takes rows from one place to another, whatever the tables are.
func TestLinkedRowsOfQueries(t *testing.T) {
	_, p, remotes := partitioned(t, 2)
	c := p.node
	columns := "(id INT NOT NULL AUTO_INCREMENT, v VARCHAR(10), PRIMARY KEY (id))"
	p.table(remotes, "t", columns, "KEY (id)", [2]string{"", "t0"}, [2]string{"", "t1"})
	p.table(remotes, "alike", "(id INT PRIMARY KEY, v VARCHAR(10))", "KEY (id)", [2]string{"", "a0"}, [2]string{"", "a1"})
	p.table(remotes, "r", "(v VARCHAR(10), id INT)", "RANGE (id)", [2]string{"VALUES LESS THAN (5)", "r0"}, [2]string{"VALUES LESS THAN (10)", "r1"})
	for _, q := range []string{"CREATE TABLE plain (id INT PRIMARY KEY, v VARCHAR(10))", "INSERT INTO plain VALUES (1, 'a'), (2, 'b'), (3, NULL), (4, 'ü'), (7, 'e')"} {
		p.both(q)
	}
	c.exec("CREATE REFERENCE TABLE ref (id INT PRIMARY KEY, v VARCHAR(10))")
	p.plain.exec("CREATE TABLE ref (id INT PRIMARY KEY, v VARCHAR(10))")
	for _, q := range []string{
		"INSERT INTO t SELECT * FROM plain",
		"INSERT INTO t (v) SELECT v FROM plain WHERE id < 3 ORDER BY id",
		"SELECT * FROM t ORDER BY id",
		"INSERT INTO t SELECT * FROM plain",
		"INSERT IGNORE INTO t SELECT id + 5, v FROM plain",
		"INSERT INTO t SELECT * FROM plain ON DUPLICATE KEY UPDATE v = CONCAT(t.v, VALUES(v))",
		"REPLACE INTO t SELECT id, 'new' FROM plain WHERE id > 3",
		"SELECT * FROM t ORDER BY id",
		"INSERT INTO alike SELECT * FROM t",
		"SELECT * FROM alike ORDER BY id",
		"INSERT INTO r SELECT v, id FROM t WHERE id < 10",
		"INSERT INTO r SELECT v, id FROM t",
		"INSERT IGNORE INTO r SELECT v, id FROM t WHERE id > 7",
		"INSERT INTO r (id, v) SELECT COUNT(*), MAX(v) FROM alike WHERE id < 4",
		"INSERT INTO r PARTITION (p1) SELECT v, id FROM plain WHERE id > 4",
		"INSERT INTO r PARTITION (p1) SELECT v, id FROM plain",
		"INSERT INTO r PARTITION (p0) VALUES ('x', 1)",
		"INSERT INTO r PARTITION (p0) VALUES ('x', 1), ('y', 8)",
		"INSERT IGNORE INTO r PARTITION (p0) VALUES ('x', 2), ('y', 8)",
		"SELECT * FROM r ORDER BY id, v",
		"INSERT INTO ref SELECT * FROM alike WHERE id < 5",
		"SELECT * FROM ref ORDER BY id",
		"INSERT INTO plain SELECT id + 100, v FROM t",
		"SELECT * FROM plain ORDER BY id",
		"INSERT INTO alike SELECT id + 1000, v FROM ref",
		"SELECT COUNT(*) FROM alike",
	} {
		if strings.Contains(q, "RETURNING") || strings.HasPrefix(q, "SELECT") {
			p.same(q)
			continue
		}
		// Which row is the last one, and which of several fails first, is not told by MariaDB either.
		got, _, _ := strings.Cut(strings.Split(p.node.done(q), " entry")[0], ", id")
		if want, _, _ := strings.Cut(strings.Split(p.plain.done(q), " entry")[0], ", id"); got != want {
			t.Errorf("%s\n got %s\nwant %s", q, got, want)
		}
	}
	for range 2 {
		p.same("INSERT INTO r SELECT v, id FROM t WHERE id < ?", 3)
	}
	for n := range 2 {
		for _, table := range []string{"t", "alike", "r"} {
			if got, want := remotes[n].rows(fmt.Sprintf("SELECT * FROM old.%s%d ORDER BY id, v", table[:1], n)), p.plain.rows(fmt.Sprintf("SELECT * FROM %s PARTITION (p%d) ORDER BY id, v", table, n)); got != want {
				t.Errorf("partition %d of %s has %s, want %s", n, table, got, want)
			}
		}
	}
	// In a transaction, what came over goes with it.
	before := c.rows("SELECT COUNT(*) FROM t")
	c.exec("BEGIN")
	c.exec("INSERT INTO t (v) SELECT v FROM plain")
	c.exec("ROLLBACK")
	c.want("SELECT COUNT(*) FROM t", before)
}

// LOAD DATA LOCAL deals a file's lines out to the places.
func TestLinkedRowsOfFiles(t *testing.T) {
	b, p, remotes := partitioned(t, 2)
	p.table(remotes, "t", "(id INT NOT NULL AUTO_INCREMENT, v VARCHAR(10), d DATE, PRIMARY KEY (id))", "KEY (id)", [2]string{"", "t0"}, [2]string{"", "t1"})
	p.table(remotes, "r", "(id INT, v VARCHAR(10))", "RANGE (id)", [2]string{"VALUES LESS THAN (100)", "r0"}, [2]string{"VALUES LESS THAN (200)", "r1"})
	file := filepath.Join(t.TempDir(), "rows")
	var lines strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&lines, "%d\tv%d\t2020-01-%02d\n", i+1, i, i%28+1)
	}
	lines.WriteString("1\tduplicate\t\\N\n2001\tshort\t2020-01-01\n")
	if err := os.WriteFile(file, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	load := func(q string) {
		t.Helper()
		q += "; SHOW WARNINGS"
		got, err := b.cli(t, "root", "", q, "--local-infile", "-vv", "fed")
		if err != nil {
			t.Fatal(got)
		}
		want, err := plainCLI(t, remotes[0], q, "--local-infile", "-vv", "fed")
		if err != nil {
			t.Fatal(want)
		}
		if got, want := results(got), results(want); got != want {
			t.Errorf("%s\n got %s\nwant %s", q, got, want)
		}
	}
	load("LOAD DATA LOCAL INFILE '" + file + "' INTO TABLE t")
	load("LOAD DATA LOCAL INFILE '" + file + "' REPLACE INTO TABLE t (id, v, @d) SET d = @d + INTERVAL 1 DAY")
	load("LOAD DATA LOCAL INFILE '" + file + "' INTO TABLE r IGNORE 50 LINES (id, v, @y)")
	short := filepath.Join(t.TempDir(), "short")
	if err := os.WriteFile(short, []byte("a,5\nb,150\nc,250\nd,\\N\ne,99.7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	load("LOAD DATA LOCAL INFILE '" + short + "' INTO TABLE r FIELDS TERMINATED BY ',' (v, id)")
	p.same("SELECT COUNT(*), SUM(id), MAX(v), MAX(d) FROM t")
	p.same("SELECT * FROM t WHERE id IN (1, 2, 2001) ORDER BY id")
	p.same("SELECT * FROM r ORDER BY v")
	p.same("INSERT INTO t (v) VALUES ('next')")
	for n := range 2 {
		for _, table := range []string{"t", "r"} {
			if got, want := remotes[n].rows(fmt.Sprintf("SELECT * FROM old.%s%d ORDER BY id, v", table, n)), p.plain.rows(fmt.Sprintf("SELECT * FROM %s PARTITION (p%d) ORDER BY id, v", table, n)); got != want {
				t.Errorf("partition %d of %s has %s, want %s", n, table, got, want)
			}
		}
	}
}

// Who may not insert loads nothing: at the servers it would be another account's doing.
func TestLinkedRightsOfFiles(t *testing.T) {
	b, p, remotes := partitioned(t, 2)
	p.table(remotes, "t", "(id INT PRIMARY KEY, v INT, w INT)", "KEY (id)", [2]string{"", "t0"}, [2]string{"", "t1"})
	p.one(remotes, 1, "one", "(id INT PRIMARY KEY, v INT, w INT)")
	file := filepath.Join(t.TempDir(), "rows")
	if err := os.WriteFile(file, []byte("1\t1\n2\t2\n3\t3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.account(t, "loader", "IDENTIFIED BY 'l'")
	p.plain.exec("CREATE USER loader IDENTIFIED BY 'l'")
	code := regexp.MustCompile(`ERROR \d+`)
	load := func(table, how, columns string) {
		t.Helper()
		q := "LOAD DATA LOCAL INFILE '" + file + "' " + how + " INTO TABLE " + table + " " + columns
		out, _ := b.cli(t, "loader", "l", q, "--local-infile", "fed")
		want, _ := plainCLI(t, remotes[0], q, "--local-infile", "-uloader", "-pl", "fed")
		if out, want := code.FindString(out), code.FindString(want); out != want {
			t.Errorf("%s: %q, want %q", q, out, want)
		}
		p.same("SELECT COUNT(*), SUM(v), SUM(w) FROM " + table)
	}
	for _, grant := range []string{"SELECT", "INSERT (id, v)", "INSERT (w), DELETE", "UPDATE"} {
		p.both("GRANT " + grant + " ON fed.t TO loader")
		p.both("GRANT " + grant + " ON fed.one TO loader")
		for _, how := range []string{"", "REPLACE", "IGNORE"} {
			for _, columns := range []string{"(id, v)", "(id, w)", "(id, @x) SET w = 1", "(id, @x) SET v = @x + 1", ""} {
				if columns == "" && grant == "INSERT (id, v)" { // MariaDB looks at no columns that nobody names
					continue
				}
				load("t", how, columns)
				load("one", how, columns)
			}
		}
	}
}

// plainCLI runs the client at a plain server.
func plainCLI(t *testing.T, r *remoteServer, stdin string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(timeout(t), "mariadb", append([]string{"--no-defaults", "-S" + r.farm.Leaves()[0].Socket, "-uroot"}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// results are the lines of the client's output that tell of rows and warnings, without times.
func results(out string) string {
	var kept []string
	for line := range strings.Lines(out) {
		if line, _, _ := strings.Cut(line, " ("); strings.HasPrefix(line, "Query OK") || strings.HasPrefix(line, "Records") || strings.HasPrefix(line, "Warning") {
			kept = append(kept, strings.TrimSpace(line))
		}
	}
	return strings.Join(kept, "\n")
}
