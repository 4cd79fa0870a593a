package gateway

import (
	"testing"
)

func TestSmoke(t *testing.T) {
	b := cluster(t)
	c := b.root(t, "")
	c.want("SELECT 1", "1")
	c.want("SELECT CURRENT_USER()", "root@localhost")
	d := b.database(t, "smoke")
	d.want("SELECT DATABASE()", "smoke")
	d.exec("CREATE TABLE t (id BIGINT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(20))")
	d.exec("INSERT INTO t (v) VALUES ('a'),('b'),('c')")
	d.want("SELECT v FROM t ORDER BY v", "a/b/c")
	d.want("SELECT COUNT(*) FROM t", "3")
}
