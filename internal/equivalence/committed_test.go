package equivalence

import (
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/equivalence/answer"
)

// What a write reads is what is committed, whatever its transaction has read before, as a plain server locks it.
func TestWritesReadWhatIsCommitted(t *testing.T) {
	node, plain := cluster(t)
	writes := []string{
		"UPDATE fired SET a = a + 1 WHERE id IN (SELECT id FROM src WHERE x = 1)",
		"UPDATE fired JOIN src ON fired.id = src.id SET a = a + x WHERE x = 1",
		"DELETE FROM fired WHERE a IN (SELECT x FROM src)",
		"INSERT INTO fired VALUES (60, (SELECT MAX(x) FROM src))",
		"INSERT INTO plain VALUES (50, (SELECT MAX(x) FROM src))",
		"INSERT INTO plain VALUES (1, 5) ON DUPLICATE KEY UPDATE a = (SELECT SUM(x) FROM src)",
		"INSERT INTO plain VALUES (1, 5) ON DUPLICATE KEY UPDATE a = (SELECT SUM(x) FROM src WHERE src.id >= plain.id)",
		"UPDATE plain SET a = (SELECT MAX(x) FROM src) WHERE id IN (SELECT id FROM src WHERE x = 1)",
	}
	told := map[string][]string{}
	for _, addr := range []string{node, plain} {
		own, other := dial(t, addr, "", answer.ModernCaps), dial(t, addr, "", answer.ModernCaps)
		all := func(c *answer.Client, statements ...string) {
			for _, sql := range statements {
				must(t, c, sql)
			}
		}
		create := "CREATE DATABASE committed"
		if addr == node {
			create += " PARTITIONS 3"
		}
		all(other, create, "USE committed", "CREATE TABLE src (id INT PRIMARY KEY, x INT)", "CREATE TABLE fired (id INT PRIMARY KEY, a INT)", "CREATE TABLE plain (id INT PRIMARY KEY, a INT)",
			"CREATE TABLE seen (id INT AUTO_INCREMENT PRIMARY KEY, n INT)")
		for _, event := range []string{"INSERT", "UPDATE", "DELETE"} {
			all(other, "CREATE TRIGGER of_"+event+" AFTER "+event+" ON fired FOR EACH ROW INSERT INTO seen (n) VALUES (1)")
		}
		all(own, "USE committed", "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
		for _, sql := range writes {
			all(other, "REPLACE INTO src VALUES (1, 1), (2, 2), (3, 3)", "DELETE FROM fired", "DELETE FROM plain", "INSERT INTO fired VALUES (1, 1), (2, 2), (3, 3)", "INSERT INTO plain VALUES (1, 1), (2, 2), (3, 3)", "DELETE FROM seen")
			all(own, "BEGIN", "SELECT * FROM src JOIN fired JOIN plain")
			all(other, "UPDATE src SET x = 1 WHERE id = 2", "REPLACE INTO src VALUES (4, 40)", "UPDATE fired SET a = 40 WHERE id = 3", "DELETE FROM seen")
			all(own, sql, "COMMIT")
			state := sql
			for _, q := range []string{"SELECT * FROM fired ORDER BY id", "SELECT * FROM plain ORDER BY id", "SELECT n FROM seen ORDER BY id"} {
				state += "; "
				for _, row := range must(t, other, q)[0].Rows {
					state += strings.Join(row.Cells, ",") + " "
				}
			}
			told[addr] = append(told[addr], state)
			all(other, "DELETE FROM src")
		}
		all(other, "DROP DATABASE committed")
	}
	for i := range writes {
		if told[node][i] != told[plain][i] {
			t.Errorf("%s\nwant %s", told[node][i], told[plain][i])
		}
	}
}
