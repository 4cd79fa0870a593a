package gateway

import (
	"context"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/wire"
)

// under waits until a statement is under way.
func under(t *testing.T, c *client, sql string) {
	t.Helper()
	waitFor(t, func() bool {
		return c.rows("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID() AND INFO LIKE '"+sql+"%'") != "0"
	})
}

// FLUSH TABLES WITH READ LOCK stops what writes at all nodes, and what was written before from being committed, until its session or its node ends.
func TestReadLockOfAllTables(t *testing.T) {
	b := cluster(t)
	n := b.beside(t, "node-2")
	c := b.database(t, "stopdb")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
	c.exec("CREATE REFERENCE TABLE r (id INT PRIMARY KEY, v INT)")
	c.exec("CREATE SEQUENCE s")
	c.exec("CREATE USER stopped")
	defer c.exec("DROP USER stopped")
	c.exec("INSERT INTO t VALUES (1, 0), (2, 0), (3, 0), (4, 0)")
	watch, other, open, far := b.root(t, "stopdb"), b.root(t, "stopdb"), n.root(t, "stopdb"), n.root(t, "stopdb")
	start := func(c *client, sql string) <-chan error {
		done := make(chan error, 1)
		go func() {
			_, err := c.c.ExecContext(context.Background(), sql)
			done <- err
		}()
		return done
	}
	ended := func(done <-chan error) {
		t.Helper()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}

	open.exec("BEGIN")
	open.exec("UPDATE t SET v = 1 WHERE id IN (1, 2)")
	c.exec("FLUSH TABLES WITH READ LOCK")
	c.exec("FLUSH TABLES WITH READ LOCK")
	for _, at := range []*client{other, far} {
		at.exec("SET lock_wait_timeout = 0")
		for _, q := range []string{"INSERT INTO t VALUES (5, 0)", "UPDATE r SET v = 1", "DELETE FROM t", "CREATE TABLE u (id INT PRIMARY KEY)", "TRUNCATE TABLE t", "GRANT SELECT ON stopdb.* TO stopped",
			"SELECT NEXTVAL(s)", "LOCK TABLES t WRITE", "BEGIN NOT ATOMIC INSERT INTO t VALUES (6, 0); END", "CREATE SERVER stopped FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'h')",
			"RESTORE DATABASE stopped FROM '/nowhere'"} {
			at.fails(1205, q)
		}
		at.exec("CREATE TEMPORARY TABLE own (id INT)")
		at.exec("INSERT INTO own VALUES (1)")
		at.want("SELECT COUNT(*), SUM(v) FROM t, own", "4|0")
		at.exec("BEGIN")
		at.want("SELECT v FROM t WHERE id = 3 FOR UPDATE", "0")
		at.exec("ROLLBACK")
	}
	open.exec("SET lock_wait_timeout = 0")
	open.fails(1205, "COMMIT")
	open.want("SELECT SUM(v) FROM t", "0") // it was rolled back
	for _, q := range []string{"INSERT INTO t VALUES (5, 0)", "CREATE TABLE u (id INT PRIMARY KEY)", "GRANT SELECT ON stopdb.* TO stopped", "SELECT NEXTVAL(s)", "RESTORE DATABASE stopped FROM '/nowhere'"} {
		c.fails(1223, q)
	}
	c.want("SELECT COUNT(*), SUM(v) FROM t", "4|0")
	c.exec("START TRANSACTION WITH CONSISTENT SNAPSHOT")
	c.want("SELECT COUNT(*), SUM(v) FROM t", "4|0")
	c.exec("COMMIT")

	// Several may have it. What waits goes on when the last has let go.
	c2 := n.root(t, "stopdb")
	c2.exec("FLUSH TABLES WITH READ LOCK")
	other.exec("SET lock_wait_timeout = DEFAULT")
	waits := start(other, "INSERT INTO t VALUES (5, 0)")
	under(t, watch, "INSERT INTO t VALUES (5")
	c.exec("UNLOCK TABLES")
	c.want("SELECT COUNT(*) FROM t", "4")
	c2.gone()
	ended(waits)
	c.want("SELECT COUNT(*) FROM t", "5")

	// A statement that is under way ends before the lock is had, and the transaction that it waits for, at another node.
	open.exec("BEGIN")
	open.exec("UPDATE t SET v = 7 WHERE id = 1")
	waits = start(other, "UPDATE t SET v = 8 WHERE id = 1")
	waitFor(t, func() bool {
		writes, _, _ := b.g.guard.moments.stopping.Still()
		return writes
	})
	locks := start(c, "FLUSH TABLES WITH READ LOCK")
	waitFor(t, func() bool { return b.g.guard.moments.stopping.Stopped() && n.g.guard.moments.stopping.Stopped() })
	open.exec("COMMIT")
	ended(waits)
	ended(locks)
	c.want("SELECT v FROM t WHERE id = 1", "8")
	c.exec("UNLOCK TABLES")

	b.account(t, "nolock", "IDENTIFIED BY 'n'")
	b.as(t, "nolock", "n", "").fails(1227, "FLUSH TABLES WITH READ LOCK")
	b.as(t, "nolock", "n", "").fails(1227, "SHUTDOWN")

	// A node that dies.
	far.exec("SET lock_wait_timeout = DEFAULT")
	far.exec("FLUSH TABLES WITH READ LOCK")
	waits = start(other, "INSERT INTO t VALUES (6, 0)")
	under(t, watch, "INSERT INTO t VALUES (6")
	n.cat.Close()
	ended(waits)
}

// The commands of the protocol that mariadb-admin sends.
func TestAdminCommands(t *testing.T) {
	b := cluster(t)
	b.account(t, "'noadmin'@'%'", "IDENTIFIED BY 'n'")
	for _, c := range []struct {
		command    wire.Command
		body       string
		root, user uint16
	}{
		{wire.ComRefresh, "\x01", 0, 1227}, {wire.ComRefresh, "\x3e", 0, 1227}, {wire.ComRefresh, "\x00", 0, 1227}, {wire.ComRefresh, "\x80", 1186, 1227}, {wire.ComRefresh, "\x40", 1235, 1227},
		{wire.ComRefresh, "", 1835, 1835}, {wire.ComDebug, "", 0, 1227}, {wire.ComShutdown, "\x00", 1235, 1227}, {wire.ComTime, "", 1047, 1047}, {wire.ComPing, "", 0, 0},
	} {
		for i, want := range []uint16{c.root, c.user} {
			user, password := "root", ""
			if i == 1 {
				user, password = "noadmin", "n"
			}
			raw := b.rawAs(t, user, password, "", 0)
			raw.send(wire.AppendCommand(nil, c.command, c.body))
			p, err := raw.c.ReadPacket()
			if err != nil {
				t.Fatal(err)
			}
			got := uint16(0)
			if wire.IsError(p) {
				got = uint16(p[1]) | uint16(p[2])<<8
			}
			if got != want {
				t.Errorf("%s: command %#x %q: %d, not %d", user, byte(c.command), strings.TrimSpace(c.body), got, want)
			}
		}
	}
}
