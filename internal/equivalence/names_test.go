package equivalence

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/orbweaver/orbweaver/internal/equivalence/answer"
)

// No answer, error, warning or table names a partition's database: eq_names_0 and its like.
func TestPartitionsAreNotNamed(t *testing.T) {
	p := newPair(t, "eq_names", 4, answer.Caps)
	for _, sql := range []string{
		"CREATE TABLE p (id INT PRIMARY KEY, n INT, v VARCHAR(3), CHECK (n < 100))", "CREATE REFERENCE TABLE r (id INT PRIMARY KEY, v VARCHAR(3))",
		"CREATE TABLE c (pid INT, id INT, PRIMARY KEY (pid, id), CONSTRAINT f FOREIGN KEY (pid) REFERENCES p (id), SHARD KEY (pid))",
		"CREATE VIEW broken AS SELECT v FROM p", "INSERT INTO p VALUES (1, 1, 'a'), (2, 2, 'b'), (3, 3, 'c')", "INSERT INTO c VALUES (1, 1), (2, 2)", "INSERT INTO r VALUES (1, 'a')",
		"ALTER TABLE p DROP COLUMN v",
	} {
		p.both(sql)
	}
	must(t, p.node, "CREATE USER IF NOT EXISTS named@'%'")
	must(t, p.node, "GRANT SELECT ON eq_names.* TO named@'%'")
	must(t, p.node, "GRANT SELECT ON eq_names.p TO named@'%'")
	defer must(t, p.node, "DROP USER named@'%'")
	for _, sql := range []string{ // whose answers and warnings are MariaDB's
		"INSERT INTO p VALUES (1, 1)", "INSERT INTO p VALUES (4, 100)", "UPDATE p SET n = n + 99", "INSERT INTO p VALUES ('x', 1)", "INSERT INTO c VALUES (9, 1)", "INSERT IGNORE INTO c VALUES (9, 1)",
		"DELETE FROM p", "DELETE FROM p WHERE id = 1", "UPDATE p SET n = 7 WHERE eq_names.p.x = 1", "SELECT f(1) FROM p", "TRUNCATE p", "DROP TABLE p",
		"CHECK TABLE p, c, r", "CHECKSUM TABLE p, c, r", "REPAIR TABLE c",
		"EXPLAIN EXTENDED SELECT n FROM p WHERE id = 1",
	} {
		p.same(sql, how{loose: true})
	}
	for _, sql := range []string{
		"SELECT * FROM broken", "EXPLAIN EXTENDED SELECT c.id FROM c JOIN p ON p.id = c.pid WHERE p.n = 1 + c.id ORDER BY 1", "EXPLAIN FORMAT=JSON SELECT * FROM c JOIN p ON p.id = c.pid WHERE p.n = c.id", "ANALYZE FORMAT=JSON SELECT * FROM c JOIN r ON r.id = c.pid JOIN p ON p.id = c.pid",
		"SHOW ENGINE INNODB STATUS", "SHOW OPEN TABLES", "SELECT * FROM mysql.db", "SELECT * FROM mysql.tables_priv", "SELECT * FROM mysql.innodb_table_stats", "SELECT * FROM mysql.innodb_index_stats",
		"SELECT * FROM information_schema.INNODB_SYS_TABLES", "SELECT * FROM information_schema.INNODB_SYS_TABLESTATS", "SELECT * FROM information_schema.INNODB_SYS_TABLESPACES",
		"SELECT * FROM information_schema.INNODB_SYS_FOREIGN", "SELECT * FROM information_schema.INNODB_SYS_FOREIGN_COLS", "SELECT TABLE_NAME FROM information_schema.INNODB_BUFFER_PAGE",
		"SELECT TABLE_NAME FROM information_schema.INNODB_BUFFER_PAGE_LRU", "SELECT * FROM information_schema.INNODB_LOCKS", "SELECT * FROM information_schema.TABLE_CONSTRAINTS",
	} {
		res, err := p.node.Query(sql)
		if err != nil {
			t.Fatal(sql, err)
		}
		text := fmt.Sprint(res[0].Rows, res[0].Err, must(t, p.node, "SHOW WARNINGS")[0].Rows)
		if at := partitionOfNames.FindStringIndex(text); at != nil {
			t.Errorf("%s: %s", sql, text[max(0, at[0]-60):min(len(text), at[1]+60)])
		}
	}
}

var partitionOfNames = regexp.MustCompile(`eq.{0,2}_names.{0,2}_\d`) // with an escaped underscore, too
