package equivalence

import (
	"os"
	"testing"

	"github.com/orbweaver/orbweaver/internal/equivalence/answer"
)

// TestCascades compares what foreign keys do to rows of sharded tables with those of reference tables, and what later statements of a transaction are told of it.
func TestCascades(t *testing.T) {
	text, err := os.ReadFile("testdata/cascades.txt")
	if err != nil {
		t.Fatal(err)
	}
	p := newPair(t, "eq_cascades", 4, answer.Caps)
	p.strict = true
	for _, sql := range []string{
		"CREATE REFERENCE TABLE dept (id INT PRIMARY KEY, code INT UNIQUE, name VARCHAR(20), up INT, FOREIGN KEY (up) REFERENCES dept (id) ON DELETE CASCADE)",
		"CREATE REFERENCE TABLE team (id INT PRIMARY KEY, dept INT, name VARCHAR(20), FOREIGN KEY (dept) REFERENCES dept (id) ON DELETE CASCADE ON UPDATE SET NULL)",
		"CREATE REFERENCE TABLE news (id INT PRIMARY KEY, what VARCHAR(20))",
		"CREATE TABLE emp (id INT PRIMARY KEY, team INT, dcode INT, FOREIGN KEY (team) REFERENCES team (id) ON DELETE SET NULL," +
			" FOREIGN KEY (dcode) REFERENCES dept (code) ON DELETE CASCADE ON UPDATE CASCADE)",
		"CREATE TABLE pay (emp INT, no INT, PRIMARY KEY (emp, no), SHARD KEY (emp), FOREIGN KEY (emp) REFERENCES emp (id) ON DELETE CASCADE)",
		"CREATE TABLE guest (id INT PRIMARY KEY, team INT, CONSTRAINT host FOREIGN KEY (team) REFERENCES team (id))",
		"CREATE TABLE desk (id INT PRIMARY KEY, team INT, SHARD KEY (), FOREIGN KEY (team) REFERENCES team (id) ON DELETE SET NULL)",
		"CREATE TABLE apart (id INT PRIMARY KEY, v INT)",
		"INSERT INTO dept VALUES (1, 10, 'one', NULL), (2, 20, 'two', NULL), (3, 30, 'three', 2), (4, 40, 'four', NULL), (5, 50, 'five', NULL)",
		"INSERT INTO team VALUES (1, 1, 'a'), (2, 2, 'b'), (3, 3, 'c'), (4, 4, 'd'), (5, 5, 'e'), (6, NULL, 'f'), (7, NULL, 'g')",
		"INSERT INTO emp SELECT seq, seq % 5 + 1, seq % 7 DIV 2 * 10 + 10 FROM seq_1_to_40",
		"INSERT INTO emp VALUES (41, 6, NULL), (42, 7, NULL)",
		"INSERT INTO pay SELECT seq, 1 FROM seq_1_to_30",
		"INSERT INTO desk VALUES (1, 6), (2, 7)",
		"INSERT INTO guest VALUES (1, NULL), (2, NULL)",
		"INSERT INTO apart SELECT seq, seq FROM seq_1_to_9",
		"INSERT INTO news VALUES (6, 'x'), (7, 'y')",
	} {
		p.both(sql)
	}
	for _, s := range script(string(text)) {
		p.same(s.sql, s.how)
	}
	p.report()
}
