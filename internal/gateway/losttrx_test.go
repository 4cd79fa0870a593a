package gateway

import (
	"strings"
	"testing"
	"time"
)

// A transaction that is lost with a connection between two statements is told so by the second one, whatever that is: it is not run again outside of the transaction, even if it only reads.
func TestStatementAfterALostConnection(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "losttrx")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY, v INT NOT NULL)")
	c.exec("INSERT INTO t VALUES (1, 0), (2, 0), (3, 0), (4, 0)")
	const open = "SELECT id FROM information_schema.PROCESSLIST WHERE user = 'root' AND db LIKE 'losttrx\\_%'"
	for _, q := range []string{
		"SELECT v FROM t WHERE id = 1", "SELECT SUM(v) FROM t", "SELECT v FROM t WHERE id = 1 FOR UPDATE", "UPDATE t SET v = 7 WHERE id = 1", "UPDATE t SET v = 7",
	} {
		c.exec("BEGIN")
		c.exec("UPDATE t SET v = v + 1 WHERE id = 1")
		killed := 0
		for i := range b.farm.Leaves() {
			for id := range strings.SplitSeq(b.leaf(t, i, open), "/") {
				if id == "" {
					continue
				}
				killed++
				b.leaf(t, i, "KILL "+id)
				for end := time.Now().Add(20 * time.Second); strings.Contains("/"+b.leaf(t, i, open)+"/", "/"+id+"/"); time.Sleep(10 * time.Millisecond) {
					if time.Now().After(end) {
						t.Fatal("the connection lives after KILL")
					}
				}
			}
		}
		if killed == 0 {
			t.Fatal("no leaf has the transaction")
		}
		c.fails(1213, q)
		c.want("SELECT SUM(v) FROM t", "0")
	}
}
