package gateway

import (
	"strings"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// slow is a node over leaves that give up after a second whoever does not read, with 40 MB in t over four partitions.
func slow(t *testing.T) (*bench, *client) {
	t.Helper()
	b, err := newBench(farmtest.Start(t, 2), Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.close)
	c := b.database(t, "slowdb")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY, v LONGTEXT)")
	for _, ids := range []string{"(1),(2),(3),(4)", "(5),(6),(7),(8)", "(9),(10),(11),(12)", "(13),(14),(15),(16)", "(17),(18),(19),(20)", "(21),(22),(23),(24)"} {
		c.exec("INSERT INTO t (id) VALUES " + ids)
	}
	c.exec("UPDATE t SET v = REPEAT('x', 2000000)")
	for i := range 2 {
		b.leaf(t, i, "SET GLOBAL net_write_timeout = 1") // the node has taken 60 s for its own
	}
	return b, c
}

// A client that reads slowly gets all rows: partitions whose turn has not come wait.
func TestRowsForSlowClients(t *testing.T) {
	t.Parallel()
	b, _ := slow(t)
	for _, q := range []string{"SELECT v FROM t", "SELECT v FROM t ORDER BY id"} {
		for _, set := range []string{"", "SET net_write_timeout = 30"} {
			u := b.raw(t, "slowdb", wire.ClientDeprecateEOF)
			if set != "" {
				u.ok(append([]byte{byte(wire.ComQuery)}, set...))
			}
			u.send(append([]byte{byte(wire.ComQuery)}, q...))
			time.Sleep(4 * time.Second)
			u.read()
			u.read() // the column
			if n, _ := u.rows(); n != 24 {
				t.Errorf("%s, %s: %d rows", set, q, n)
			}
		}
	}
}

// Whoever never reads is left after net_write_timeout, and gives back what the statement had.
func TestClientsThatNeverReadAreLeft(t *testing.T) {
	t.Parallel()
	b, c := slow(t)
	c.want("SELECT COUNT(*) FROM t", "24")
	before := len(b.g.all())
	for _, q := range []string{"SELECT v FROM t", "SELECT v, v, v, v, v, v, v, v FROM t WHERE id = 1"} {
		u := b.raw(t, "slowdb", wire.ClientDeprecateEOF)
		u.ok(append([]byte{byte(wire.ComQuery)}, "SET net_write_timeout = 1"...))
		u.send(append([]byte{byte(wire.ComQuery)}, q...))
	}
	waitFor(t, func() bool { return len(b.g.all()) == before })
	for _, st := range b.pools.Stats() {
		if st.InUse != 0 {
			t.Errorf("leaf %s: %d connections are still in use", st.Leaf, st.InUse)
		}
	}
}

// Clients see the variable as they set it, or as the leaves have it, whatever connections to partitions have.
func TestNetWriteTimeoutIsTheClients(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "nwtdb")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY)")
	c.exec("INSERT INTO t VALUES (1),(2),(3),(4),(5),(6)")
	look := func(want string) {
		t.Helper()
		for range 2 {
			c.want("SELECT * FROM t WHERE id = 1", "1")
			c.want("SELECT @@net_write_timeout", want)
			c.want("SHOW SESSION VARIABLES LIKE 'net_write_timeout'", "net_write_timeout|"+want)
			c.want("SELECT VARIABLE_VALUE FROM information_schema.SESSION_VARIABLES WHERE VARIABLE_NAME = 'net_write_timeout'", want)
			c.want("SELECT @@session.net_write_timeout, id FROM t WHERE id = 3", want+"|3")
			c.want("SELECT DISTINCT @@net_write_timeout FROM t", want)
			c.want("SELECT COUNT(*) FROM t WHERE @@local.net_write_timeout = "+want, "6")
		}
	}
	look("60")
	c.exec("SET net_write_timeout = 7")
	look("7")
	c.exec("BEGIN")
	c.exec("UPDATE t SET id = id WHERE id IN (1, 2, 3)")
	look("7")
	c.exec("SET net_write_timeout = 8")
	look("8")
	c.exec("COMMIT")
	c.exec("SET net_write_timeout = DEFAULT")
	look("60")
	if got := strings.TrimPrefix(b.leaf(t, 0, "SHOW GLOBAL VARIABLES LIKE 'net_write_timeout'"), "net_write_timeout|"); got != "60" {
		t.Error(got)
	}
}
