package gateway

import "testing"

// sql_select_limit holds for whole answers, whatever number of parts they are made of, and for nothing else.
func TestSelectLimit(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "sellimit")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
	c.exec("CREATE TABLE u (id INT PRIMARY KEY, v INT)")
	c.exec("INSERT INTO t VALUES (1,1),(2,2),(3,3),(4,4),(5,5),(6,6),(7,7),(8,8)")
	c.exec("SET sql_select_limit = 3")
	c.want("SELECT @@sql_select_limit, @@session.sql_select_limit", "3|3")
	c.want("SHOW VARIABLES LIKE 'sql_select_limit'", "sql_select_limit|3")
	for range 2 {
		c.want("SELECT id FROM t ORDER BY id", "1/2/3")
		c.want("SELECT id FROM t ORDER BY id DESC LIMIT 4", "8/7/6/5")
		c.want("(SELECT id FROM t ORDER BY id)", "1/2/3")
		c.want("(SELECT id FROM t ORDER BY id LIMIT 5)", "1/2/3/4/5")
		c.want("SELECT id FROM t WHERE id < 3 UNION ALL SELECT id FROM t WHERE id > 5 ORDER BY id", "1/2/6")
		c.want("SELECT COUNT(*) FROM (SELECT id FROM t) d", "8")
		c.want("SELECT id FROM t WHERE id > ? ORDER BY id FOR UPDATE", "3/4/5", 2)
	}
	c.exec("INSERT INTO u SELECT * FROM t")
	c.exec("SET sql_select_limit = DEFAULT")
	c.want("SELECT COUNT(*) FROM u", "8")
	c.want("SELECT id FROM u ORDER BY id", "1/2/3/4/5/6/7/8")
	c.want("SELECT @@sql_select_limit", "18446744073709551615")
	c.want("SET STATEMENT sql_select_limit = 2 FOR SELECT id FROM t ORDER BY id", "1/2")
	c.exec("SET sql_select_limit = 0")
	c.want("SELECT id FROM t ORDER BY id", "")
	c.exec("SET sql_select_limit = 18446744073709551615")
	c.want("SELECT id FROM t WHERE id > 6 ORDER BY id", "7/8")
}
