package partition

import (
	"fmt"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
)

// TestSpider compares the places of rows that a Spider node has sharded: where they are on the server behind it.
func TestSpider(t *testing.T) {
	farm := farmtest.Start(t, 2)
	node, behind := open(t, farm.Leaves()[0]), open(t, farm.Leaves()[1])
	behind.Exec("CREATE USER spider@'%' IDENTIFIED BY 'spider'")
	behind.Exec("GRANT ALL ON *.* TO spider@'%'")
	node.Exec("INSTALL SONAME 'ha_spider'")
	node.Exec(fmt.Sprintf("CREATE SERVER behind FOREIGN DATA WRAPPER mysql OPTIONS (HOST '127.0.0.1', DATABASE 'partition_test', USER 'spider', PASSWORD 'spider', PORT %d)",
		farm.Leaves()[1].Port))
	r := random()
	rows := 0
	for i, typ := range []string{"INT", "BIGINT UNSIGNED", "VARCHAR(12)", "CHAR(12) COLLATE utf8mb4_unicode_ci", "VARCHAR(12) CHARACTER SET latin1", "DECIMAL(10,2)", "DATE", "DATETIME(3)", "BINARY(4)"} {
		by := []string{"KEY (k)", "LINEAR KEY (k, id)"}[i%2]
		columns := "id INT NOT NULL, k " + typ
		var parts []string
		for p := range 5 {
			behind.Exec(fmt.Sprintf("CREATE OR REPLACE TABLE t%d (%s)", p, columns))
			parts = append(parts, fmt.Sprintf(`PARTITION p%d COMMENT = 'srv "behind", table "t%d"'`, p, p))
		}
		node.Exec(fmt.Sprintf(`CREATE OR REPLACE TABLE t (%s) ENGINE=SPIDER COMMENT='wrapper "mysql"' PARTITION BY %s (%s)`, columns, by, strings.Join(parts, ", ")))
		for id, v := range literals(r, typ, 60) {
			if err := node.Try(fmt.Sprintf("INSERT IGNORE INTO t VALUES (%d, %s)", id, v)); err != nil && node.number(err) == 0 {
				t.Fatal(err)
			}
		}
		f := node.function("t")
		var cols []string
		for c := range f.s.Columns {
			cols = append(cols, f.s.Columns[c].Name)
		}
		for p := range 5 {
			for _, row := range behind.Rows(fmt.Sprintf("SELECT %s FROM t%d", strings.Join(cols, ", "), p)) {
				if got, err := f.Row(row, "utf8mb4"); err != nil || got != p {
					t.Errorf("%s by %s: %q is in place %d, not %d: %v", typ, by, row, p, got, err)
				}
				rows++
			}
		}
	}
	if rows < 400 {
		t.Errorf("only %d rows", rows)
	}
}
