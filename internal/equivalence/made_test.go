package equivalence

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/equivalence/answer"
)

// TestTablesMadeOfQueries compares CREATE TABLE … SELECT, and what becomes of a table in whose place one is made.
func TestTablesMadeOfQueries(t *testing.T) {
	p := newPair(t, "eq_made", 4, answer.Caps)
	p.both("CREATE TABLE kids (id INT PRIMARY KEY, v INT, w VARCHAR(20) NOT NULL DEFAULT 'none', d DECIMAL(8,2))")
	p.both("INSERT INTO kids SELECT seq, seq % 5, CONCAT('w', seq % 7), seq / 2 FROM seq_1_to_60")
	p.both("CREATE REFERENCE TABLE colours (name VARCHAR(10) PRIMARY KEY, code INT)")
	p.both("INSERT INTO colours VALUES ('red', 1), ('green', 2), ('blue', 3)")
	p.both("CREATE VIEW seen AS SELECT id, v FROM kids WHERE id > 50")
	for _, s := range script(madeOfQueries) {
		p.same(s.sql, s.how)
	}
	if len(p.refused) > 0 {
		t.Errorf("refused: %v", p.examples)
	}
	// MariaDB 10.11 itself counts rows that it has not put into a new table.
	must(t, p.node, "CREATE TABLE n7 (PRIMARY KEY (v)) IGNORE SELECT v, id FROM kids")
	if res := must(t, p.node, "SELECT v FROM n7 ORDER BY v"); len(res[0].Rows) != 5 {
		t.Errorf("of 5 keys there are %d rows", len(res[0].Rows))
	}
	must(t, p.node, "DROP TABLE n7")
	// A column that may be NULL, and has no default as MariaDB makes it: SHOW CREATE TABLE does not tell the leaves so.
	must(t, p.node, "CREATE TABLE n7 SELECT MAX(v) AS v, COUNT(*) AS n FROM kids")
	must(t, p.node, "INSERT INTO n7 (n) VALUES (1), (2), (3), (4)")
	if res := must(t, p.node, "SHOW CREATE TABLE n7"); !strings.Contains(res[0].Rows[0].Cells[1], "`v` int(11) DEFAULT NULL") {
		t.Errorf("%s", res[0].Rows[0].Cells[1])
	}
	must(t, p.node, "DROP TABLE n7")
	for _, sql := range []string{
		"CREATE TABLE no SELECT 1 AS a LIMIT 1 OFFSET 0 ROWS EXAMINED", // of which MariaDB says what is wrong
		"CREATE TABLE no ENGINE=SPIDER SELECT 1 AS a",
		"CREATE TABLE no (name VARCHAR(10), FOREIGN KEY (name) REFERENCES colours (name)) SELECT name FROM colours",
		"CREATE TABLE no (v INT INVISIBLE) SELECT id AS v, w FROM kids",
		"CREATE TABLE no (v INT UNIQUE) SELECT id, v FROM kids",
		"CREATE OR REPLACE TABLE n3 (id INT PRIMARY KEY, v INT UNIQUE, SHARD KEY (id))",
		"CREATE OR REPLACE TABLE colours SELECT 1 AS a",
		"CREATE OR REPLACE TABLE n3 SELECT id FROM kids FOR SYSTEM_TIME ALL a JOIN kids b USING (v)",
		"CREATE OR REPLACE TABLE n3 SELECT s.id, k.w, MATCH (k.w) AGAINST ('x') FROM seen s JOIN kids k ON k.v = s.id GROUP BY k.id WITH ROLLUP",
	} {
		res, err := p.node.Query(sql)
		if err != nil {
			t.Fatal(err)
		}
		if res[0].Err == nil {
			t.Errorf("%s: done", sql)
		}
	}
	p.same("SHOW TABLES", how{})
	p.same("SELECT * FROM n3", how{})
	sameFiles(t, p)
	p.prepared = true
	for _, s := range script(madeByParameters) {
		p.same(s.sql, s.how)
	}
	must(t, p.node, "PREPARE made FROM 'CREATE TABLE no SELECT id, ? AS v FROM kids'")
	if res, err := p.node.Query("EXECUTE made USING @x"); err != nil || res[0].Err == nil || res[0].Err.Code != 1235 {
		t.Errorf("EXECUTE of CREATE TABLE … SELECT with a value: %v %v", res, err)
	}
}

// sameFiles compares what SELECT … INTO OUTFILE and DUMPFILE write: a leaf does, on its host.
func sameFiles(t *testing.T, p *pair) {
	dir, err := os.MkdirTemp("", "orbweaver-outfile-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil { // the servers have a user of their own
		t.Fatal(err)
	}
	for i, q := range []string{
		"SELECT id, v, w, d FROM kids ORDER BY id INTO OUTFILE 'FILE' FIELDS TERMINATED BY ';' OPTIONALLY ENCLOSED BY '\"' ESCAPED BY '^' LINES STARTING BY '> ' TERMINATED BY '\\r\\n'",
		"SELECT a.id, NULL, CONCAT(b.w, '\\t\\\\') INTO OUTFILE 'FILE' CHARACTER SET latin1 FROM kids a JOIN kids b ON b.id = a.v ORDER BY a.id",
		"SELECT GROUP_CONCAT(w ORDER BY id) INTO DUMPFILE 'FILE' FROM kids",
		"SELECT * FROM kids WHERE id = 7 INTO OUTFILE 'FILE'",
		"SELECT * FROM colours ORDER BY name INTO OUTFILE 'FILE'",
	} {
		var text [2][]byte
		for n, c := range []*answer.Client{p.node, p.plain} {
			name := fmt.Sprintf("%s/%d-%d", dir, i, n)
			sql := strings.Replace(q, "FILE 'FILE'", "FILE '"+name+"'", 1)
			must(t, c, sql)
			if text[n], err = os.ReadFile(name); err != nil {
				t.Fatal(err)
			}
			if res, err := c.Query(sql); err != nil || res[0].Err == nil || res[0].Err.Code != 1086 {
				t.Errorf("%s, when it is there: %v %v", sql, res, err)
			}
		}
		if !bytes.Equal(text[0], text[1]) || len(text[0]) == 0 {
			t.Errorf("%s: %q, want %q", q, text[0], text[1])
		}
	}
}

// madeByParameters are prepared with their literals as parameters, of which MariaDB makes other columns than of the same literals.
const madeByParameters = `
CREATE TABLE p1 SELECT id, 5 AS n FROM kids WHERE id BETWEEN 3 AND 9
SHOW CREATE TABLE p1
SELECT * FROM p1
CREATE TABLE p2 (x INT DEFAULT 4, PRIMARY KEY (id)) SELECT id, 'word' AS w, 2.5 AS d, NULL AS nothing, x'0102' AS b FROM kids WHERE id < 5 ORDER BY id LIMIT 7
SHOW CREATE TABLE p2
SELECT * FROM p2
CREATE TABLE p3 (PRIMARY KEY (id, w), SHARD KEY (w)) SELECT id, 'é' AS w, v + 1 AS m FROM kids WHERE id > 20 AND w LIKE 'w%'
SHOW COLUMNS FROM p3
SELECT * FROM p3
CREATE OR REPLACE TABLE p3 (PRIMARY KEY (id)) SELECT id, CONCAT('y', w) AS w FROM kids WHERE id IN (1, 2, 3) UNION SELECT 9000, 'u' LIMIT 4
SHOW CREATE TABLE p3
SELECT * FROM p3
CREATE TABLE IF NOT EXISTS p3 SELECT 7 AS k
CREATE TABLE p3 SELECT 7 AS k
CREATE TABLE p4 (PRIMARY KEY (name)) SELECT c.name, COUNT(*) + 10 AS n, 'x' AS x FROM colours c JOIN kids k ON k.v = c.code WHERE k.id > 4 GROUP BY c.name HAVING COUNT(*) > 2
SHOW CREATE TABLE p4
SELECT * FROM p4
CREATE TABLE p5 (v TINYINT) SELECT id * 100 AS v FROM kids WHERE id = 60
CREATE REFERENCE TABLE p6 (PRIMARY KEY (id)) SELECT id, 4.25 AS q FROM kids WHERE id BETWEEN 1 AND 4
SHOW COLUMNS FROM p6
SELECT k.id, p6.q FROM kids k JOIN p6 USING (id)
`

const madeOfQueries = `
CREATE TABLE n1 AS SELECT id, v, w, d FROM kids WHERE v > 2
SHOW CREATE TABLE n1
SELECT * FROM n1
CREATE TABLE n1 SELECT 1 AS x
CREATE TABLE IF NOT EXISTS n1 SELECT 1 AS x
CREATE OR REPLACE TABLE n1 SELECT * FROM n1
CREATE OR REPLACE TABLE n1 (a INT, PRIMARY KEY (v)) SELECT v, COUNT(*) AS n, SUM(d) AS d, MAX(w) AS w, @x AS x FROM kids GROUP BY v ORDER BY v LIMIT 2
SHOW CREATE TABLE n1
SELECT * FROM n1
CREATE TABLE n2 (z INT DEFAULT 4, id BIGINT, PRIMARY KEY (id, v), SHARD KEY (v)) COMMENT='a LIMIT' IGNORE SELECT k.v, k.id * 100 + s.id AS id, s.id AS s FROM kids k JOIN seen s ON s.v = k.v
SELECT z, v, id FROM n2
CREATE TABLE n3 (w VARCHAR(40) PRIMARY KEY, n INT) REPLACE SELECT w, id AS n FROM kids WHERE id <= 7
SELECT * FROM n3
CREATE TABLE n4 (no INT AUTO_INCREMENT PRIMARY KEY) SELECT name FROM colours ORDER BY name
SELECT * FROM n4
SELECT LAST_INSERT_ID()
*CREATE TABLE no (v INT NOT NULL, x INT NOT NULL) SELECT id FROM kids
CREATE TABLE no (v TINYINT) SELECT id * 100 AS v FROM kids WHERE id = 60
!*CREATE TABLE no (PRIMARY KEY (v)) SELECT id, v FROM kids
CREATE TABLE no SELECT id, id FROM kids
CREATE TABLE no SELECT nope FROM kids
CREATE TABLE nodb.no SELECT 1 AS a
SELECT * FROM no
BEGIN
INSERT INTO n3 VALUES ('kept', 1)
CREATE TABLE n5 (SELECT id FROM kids WHERE id < 4) UNION (SELECT 400) UNION ALL SELECT code FROM colours LIMIT 100
ROLLBACK
SHOW CREATE TABLE n5
SELECT * FROM n5
CREATE REFERENCE TABLE n6 (PRIMARY KEY (id)) WITH w AS (SELECT id, v FROM kids) SELECT * FROM w WHERE v = 3
SELECT k.id, n6.v FROM kids k JOIN n6 USING (id) ORDER BY id
SET autocommit = 0
CREATE OR REPLACE TABLE n5 (g INT AS (code + 1)) SELECT name, code, 'ä' AS y FROM colours LOCK IN SHARE MODE
ROLLBACK
SET autocommit = 1
SELECT * FROM n5
CREATE OR REPLACE TABLE n5 LIKE n3
SHOW CREATE TABLE n5
SELECT * FROM n5
RENAME TABLE none TO n5
RENAME TABLE IF EXISTS none TO n5
RENAME TABLE IF EXISTS none TO n5, n5 TO n7, n1 TO n5, none TO n6, n4x TO n4y
RENAME TABLE n4 TO n8, none TO n4
RENAME TABLE IF EXISTS n4 TO n8, n3 TO n2
ALTER TABLE IF EXISTS none RENAME n5
ALTER TABLE n5 RENAME n5
RENAME TABLE n5 TO n1, n7 TO n5
SHOW TABLES
SELECT * FROM n5
SELECT * FROM n1
`
