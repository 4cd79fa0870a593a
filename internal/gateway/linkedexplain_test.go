package gateway

import (
	"strings"
	"testing"
)

// EXPLAIN of statements on partitioned linked tables shows a row for each place that they go to.
func TestLinkedExplain(t *testing.T) {
	b := cluster(t)
	b.dropServers(t)
	c := b.database(t, "shown")
	for _, name := range []string{"one", "two"} {
		c.exec("CREATE SERVER " + name + " FOREIGN DATA WRAPPER mysql OPTIONS (HOST '127.0.0.1', PORT 1, USER 'u', DATABASE 'far')")
	}
	c.exec(`CREATE TABLE t (id INT PRIMARY KEY, k INT) ENGINE=SPIDER COMMENT='srv "one"' PARTITION BY RANGE (id)
(PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN (20) COMMENT 'srv "two"', PARTITION p2 VALUES LESS THAN MAXVALUE)`)
	c.exec("CREATE TABLE sharded (id INT PRIMARY KEY, k INT)")
	at := func(p string) string { return "FROM `far`.`t#P#" + p + "` AS `t`" }
	from := func(p string) string { return "FROM (SELECT `id`,`k` FROM `far`.`t#P#" + p + "`) AS `t`" }
	for _, q := range []struct {
		text string
		want []string
	}{
		{"SELECT k FROM t WHERE id = 5", []string{"Forward|server one|NULL|SELECT k " + at("p0") + " WHERE id = 5"}},
		{"SELECT k FROM t WHERE id BETWEEN 10 AND 12", []string{"Forward|server two|NULL|SELECT k " + at("p1") + " WHERE id BETWEEN 10 AND 12"}},
		{"SELECT k FROM t WHERE id > 10 ORDER BY k LIMIT 3", []string{
			"Merge|server two|NULL|SELECT k " + at("p1") + " WHERE id > 10 ORDER BY k LIMIT 3",
			"Merge|server one|NULL|SELECT k " + at("p2") + " WHERE id > 10 ORDER BY k LIMIT 3"}},
		{"INSERT INTO sharded SELECT id, k FROM t WHERE id < 10", []string{
			"Forward|server one|NULL|SELECT id, k " + from("p0") + " WHERE id < 10", "Spread|by row|NULL|INSERT INTO sharded VALUES …"}},
		{"INSERT INTO t VALUES (1, 2), (11, 3)", []string{"Spread|by row|NULL|INSERT INTO `far`.`t#P#p0` (`id`,`k`) VALUES (1, 2), (11, 3)"}},
		{"UPDATE t PARTITION (p2) SET k = 1", []string{"Forward|server one|NULL|UPDATE `far`.`t#P#p2` AS `t`  SET k = 1"}},
	} {
		c.want("EXPLAIN "+q.text, strings.Join(q.want, "/"))
	}
	if got := c.rows("EXPLAIN SELECT SUM(k) OVER () FROM t WHERE id > 10"); !strings.HasPrefix(got, "Stage|shown.t") || strings.Count(got, "Stage|") != 2 {
		t.Error(got)
	}
	rows := strings.Split(c.rows("EXPLAIN INSERT INTO t SELECT * FROM sharded WHERE id = 3"), "/")
	if len(rows) != 2 || !strings.HasPrefix(rows[0], "Forward|shown:") || rows[1] != "Spread|by row|NULL|INSERT INTO t VALUES …" {
		t.Error(rows)
	}
}
