package gateway

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// What is asked of leaves is no more than the tables that a statement can tell of, and no less.
func TestReach(t *testing.T) {
	s := &session{g: &Gateway{}}
	s.sess.DB = "cur"
	const tables = " FROM information_schema.TABLES t"
	for q, want := range map[string]string{
		"SELECT *" + tables: "* *",
		"SELECT *" + tables + " WHERE TABLE_SCHEMA = 'a'":                                                                          "a *",
		"SELECT *" + tables + " WHERE t.table_schema = 'a ' AND ('x' = TABLE_NAME) AND TABLE_ROWS > 1":                             "a x",
		"SELECT *" + tables + " WHERE TABLE_SCHEMA IN ('a', 'b') AND TABLE_NAME IN ('x', ?)":                                       "a,b x,par",
		"SELECT *" + tables + " WHERE TABLE_SCHEMA = DATABASE()":                                                                   "cur *",
		"SELECT *" + tables + " WHERE TABLE_SCHEMA = 'a' OR TABLE_NAME = 'x'":                                                      "* *",
		"SELECT *" + tables + " WHERE NOT TABLE_SCHEMA = 'a'":                                                                      "* *",
		"SELECT *" + tables + " WHERE TABLE_SCHEMA NOT IN ('a') AND TABLE_SCHEMA <> 'b' AND TABLE_NAME LIKE 'x'":                   "* *",
		"SELECT *" + tables + " WHERE TABLE_SCHEMA = 'ä' AND TABLE_NAME = 0":                                                       "* *",
		"SELECT *" + tables + " WHERE TABLE_SCHEMA = CONCAT('a', 'b') AND TABLE_NAME = @x":                                         "* *",
		"SELECT *" + tables + ", other o WHERE o.TABLE_SCHEMA = 'a'":                                                               "* *",
		"SELECT *" + tables + " JOIN information_schema.STATISTICS s USING (TABLE_SCHEMA) WHERE s.TABLE_SCHEMA = 'a'":              "* *",
		"SELECT *" + tables + " LEFT JOIN information_schema.PARTITIONS p USING (TABLE_SCHEMA, TABLE_NAME) WHERE TABLE_SCHEMA='a'": "a,a *",
		"SELECT *" + tables + " WHERE TABLE_SCHEMA = 'a' UNION SELECT * FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'b'":   "a,b *",
		"SELECT *" + tables + " WHERE TABLE_SCHEMA = 'a' UNION SELECT * FROM information_schema.TABLES WHERE TABLE_NAME = 'x'":     "* *",
		"SELECT (SELECT TABLE_ROWS FROM information_schema.TABLES WHERE TABLE_SCHEMA = o.db AND TABLE_NAME = 'x') FROM other o":    "* x",
		"SELECT * FROM other WHERE EXISTS (SELECT 1 FROM information_schema.TABLES t WHERE other.x = 1) AND TABLE_SCHEMA = 'a'":    "* *",
		"UPDATE other o JOIN information_schema.TABLES t ON o.id = t.TABLE_ROWS SET o.id = 1 WHERE t.TABLE_SCHEMA = 'a'":           "* *",
		"INSERT INTO other SELECT TABLE_ROWS FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'a'":                              "a *",
		"WITH c AS (SELECT * FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'a') SELECT * FROM c WHERE TABLE_NAME = 'x'":      "a *",
		"SELECT * FROM (SELECT * FROM information_schema.TABLES) x WHERE TABLE_SCHEMA = 'a'":                                       "* *",
	} {
		var scan sqltext.Scan
		if err := scan.Scan([]byte(q), sqltext.Mode{}); err != nil {
			t.Fatal(err)
		}
		stmt, err := sqltext.Parse(&scan, sqltext.Mode{})
		if err != nil {
			t.Fatalf("%s: %v", q, err)
		}
		r := s.reach(&scan, stmt, []wire.Param{{ParamType: wire.ParamType{Type: wire.TypeVarString}, Bytes: []byte("par")}})
		show := func(l *nameList) string {
			if l == nil {
				return "*"
			}
			return strings.Join(l.names, ",")
		}
		if got := show(r.dbs) + " " + show(r.tables); got != want {
			t.Errorf("%s: %s, want %s", q, got, want)
		}
	}
}

// Accounts see what they may see, of whole tables; AUTO_INCREMENT is behind the blocks of all nodes, and statements wait for a partition that has no master.
func TestTallies(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "taldb")
	b.database(t, "talother").exec("CREATE TABLE secret (id INT PRIMARY KEY)")
	c.exec("CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v INT)")
	c.exec("CREATE REFERENCE TABLE r (id INT AUTO_INCREMENT PRIMARY KEY)")
	c.exec("CREATE TABLE one (id INT AUTO_INCREMENT PRIMARY KEY, v INT UNIQUE)")
	c.exec("INSERT INTO one (v) VALUES (1),(2),(3),(4),(5)")
	c.exec("DELETE FROM one WHERE id = 5")
	c.exec("CREATE TABLE `q'ü` (id INT PRIMARY KEY)")
	c.exec("INSERT INTO t (v) VALUES (1),(2),(3),(4),(5),(6),(7)")
	c.exec("INSERT INTO `q'ü` VALUES (1),(2),(3)")
	c.exec("INSERT INTO r VALUES (1),(2)")
	c.exec("ANALYZE TABLE t, r, `q'ü`, one")
	all := "SELECT TABLE_NAME, TABLE_ROWS, AUTO_INCREMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA LIKE 'tal%' AND TABLE_NAME <> 'secret' ORDER BY 1"
	c.want(all, "one|4|6/q'ü|3|NULL/r|2|3/t|7|8")
	c.want("SELECT INDEX_NAME, CARDINALITY FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = 'taldb' AND TABLE_NAME = 'one' ORDER BY 1", "PRIMARY|4/v|4")
	if got := c.rows("SHOW CREATE TABLE one"); !strings.Contains(got, "SHARD KEY () */\n) ENGINE=InnoDB AUTO_INCREMENT=6 ") {
		t.Error(got)
	}
	c.want("SELECT TABLE_ROWS FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?", "3", "taldb", "q'ü")
	if got := c.rows("SHOW TABLE STATUS LIKE 'q''%'"); !strings.HasPrefix(got, "q'ü|InnoDB|10|Dynamic|3|") {
		t.Error(got)
	}
	if got := c.rows("SHOW TABLE STATUS FROM taldb"); strings.Count(got, "/") != 3 {
		t.Error(got)
	}
	c.exec("SET time_zone = '+05:00'")
	c.want("SELECT TIMESTAMPDIFF(SECOND, UPDATE_TIME, NOW()) BETWEEN 0 AND 600 FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'taldb' AND TABLE_NAME = 't'", "1")
	c.exec("SET time_zone = DEFAULT, sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'")
	if got := c.rows(`SHOW TABLE STATUS LIKE 'T'`) + c.rows(`SHOW TABLE STATUS WHERE "Rows" = 8`); got != "" {
		t.Error(got)
	}
	c.want("SELECT \"TABLE_ROWS\" FROM information_schema.\"TABLES\" WHERE TABLE_SCHEMA = 'taldb' AND TABLE_NAME = 't'", "7")
	c.exec("SET sql_mode = DEFAULT")
	c.fails(1235, "SHOW INDEX FROM t WHERE Cardinality > 1")
	if got := c.rows("EXPLAIN EXTENDED SELECT TABLE_ROWS FROM information_schema.TABLES") + c.rows("SHOW WARNINGS"); strings.Contains(got, "secret") {
		t.Error("EXPLAIN tells of all tables")
	}

	b.account(t, "'teller'@'%'", "IDENTIFIED BY 'p'")
	c.exec("GRANT SELECT ON taldb.t TO teller")
	teller := b.as(t, "teller", "p", "")
	teller.want("SELECT TABLE_NAME, TABLE_ROWS FROM information_schema.TABLES WHERE TABLE_SCHEMA LIKE 'tal%'", "t|7")
	if got := teller.rows("SHOW TABLE STATUS FROM taldb"); !strings.HasPrefix(got, "t|InnoDB|10|Dynamic|7|") || strings.Contains(got, "/") {
		t.Error(got)
	}
	teller.fails(1044, "SHOW TABLE STATUS FROM talother")

	// Another node takes a block.
	other, err := catalog.Open(timeout(t), catalog.Config{Endpoints: b.etcd.Endpoints()})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	table := b.cat.Snapshot().Table("taldb", "t")
	next, err := other.Sequence(table.ID).Next(timeout(t), 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{"SELECT AUTO_INCREMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'taldb' AND TABLE_NAME = 't'", "SHOW CREATE TABLE t"} {
		said := uint64(0)
		got := c.rows(q)
		if _, behind, ok := strings.Cut(got, "AUTO_INCREMENT="); ok {
			got = behind
		}
		if _, err := fmt.Sscan(got, &said); err != nil || said <= next {
			t.Errorf("%s: %s, and %d has been given", q, got, next)
		}
	}

	// A partition's master changes.
	id := topo.PartitionID{DB: "taldb", Ordinal: 2}
	var lost []topo.Instance
	change := func(f func(p *topo.Partition)) {
		t.Helper()
		if _, err := b.cat.Update(timeout(t), func(x *catalog.Txn) error {
			d := *x.Database(id.DB)
			d.Partitions = slices.Clone(d.Partitions)
			p := *d.Partitions[id.Ordinal]
			f(&p)
			d.Partitions[id.Ordinal] = &p
			x.PutDatabase(&d)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	change(func(p *topo.Partition) { lost, p.Instances = p.Instances, nil })
	c.want("SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'taldb'", "4") // which needs nobody
	c.want("SELECT TABLE_ROWS FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'talother'", "0")
	c.fails(1777, all) // for good
	change(func(p *topo.Partition) { p.Home = lost[0].Leaf })
	answer := make(chan string, 1)
	go func() {
		got, err := c.query(all)
		answer <- fmt.Sprint(got, err)
	}()
	change(func(p *topo.Partition) { p.Instances, p.Home = lost, "" })
	if got := <-answer; !strings.HasPrefix(got, "one|4|6/q'ü|3|NULL/r|2|3/t|7|") || !strings.HasSuffix(got, "<nil>") {
		t.Error(got)
	}
}
