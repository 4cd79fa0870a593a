package gateway

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/orbweaver/orbweaver/internal/wire"
)

// Reads of single rows share a few connections to the remote server, and fail as others do.
func TestLinkedPipelines(t *testing.T) {
	b := cluster(t)
	b.dropServers(t)
	r := newRemote(t)
	r.exec("CREATE TABLE old.t (a INT PRIMARY KEY, b VARCHAR(9))")
	r.exec("INSERT INTO old.t VALUES (1, 'one'), (2, 'two'), (3, '€')")
	c := b.database(t, "fed")
	c.exec(r.server("backend"))
	c.exec(`CREATE TABLE t (a INT PRIMARY KEY, b VARCHAR(9)) ENGINE=SPIDER COMMENT='srv "backend", cto "2", nrt "2"'`)
	c.exec(`CREATE TABLE lacks (a INT PRIMARY KEY, c INT) ENGINE=SPIDER COMMENT='srv "backend", tbl "t"'`)
	// Pipelines have connections of their own.
	thread := func(q string) string {
		r.hear()
		c.exec(q)
		return r.rows("SELECT DISTINCT thread_id FROM mysql.general_log WHERE argument LIKE ?", "%FROM `old`.`t`%")
	}
	point, scan := thread("SELECT b FROM t WHERE a = 1"), thread("SELECT COUNT(b) FROM t WHERE a > 0")
	if point == "" || point == scan {
		t.Errorf("a point select ran on connection %q, a scan on %q", point, scan)
	}
	r.exec("SET GLOBAL general_log = 0")
	const clients = 24
	var all sync.WaitGroup
	for n := range clients {
		all.Go(func() {
			u := b.root(t, "fed")
			if n%2 == 1 {
				u.exec("SET @x = 'mine'") // what a session has set is true of its statements alone
			}
			for i := range 40 {
				a := i%4 + 1
				want := [...]string{"one", "two", "€", ""}[i%4]
				u.want(fmt.Sprintf("SELECT b FROM t WHERE a = %d", a), want)
				u.want("SELECT b FROM t WHERE a = ?", want, a)
				if i%10 == 0 {
					u.fails(12702, "SELECT c FROM lacks WHERE a = 1")
					u.want("SELECT t.*, a + 0 FROM fed.t WHERE a = 2", "2|two|2")
				}
			}
		})
	}
	all.Wait()
	p := b.raw(t, "fed", wire.ClientDeprecateEOF)
	if got := p.columns("SELECT x.b AS c, a FROM t x WHERE a = 1"); got != "fed.x.t.c.b fed.x.t.a.a" {
		t.Error(got)
	}

	// Silence ends what waits, and no more than that.
	r.exec("LOCK TABLES old.t WRITE")
	ended := make(chan error, clients)
	for range clients {
		u := b.root(t, "fed")
		go func() {
			_, err := u.query("SELECT b FROM t WHERE a = 1")
			ended <- err
		}()
	}
	for range clients {
		var e *mysql.MySQLError
		if err := <-ended; !errors.As(err, &e) || e.Number != 12701 {
			t.Errorf("a silent server: %v", err)
		}
	}
	r.exec("UNLOCK TABLES")
	c.want("SELECT b FROM t WHERE a = 1", "one")
	// Stale connections are replaced.
	for range 3 {
		r.exec("KILL USER " + linkUser)
		c.want("SELECT b FROM t WHERE a = 2", "two")
	}
	c.exec("ALTER SERVER backend OPTIONS (PASSWORD 's3cret')")
	c.fails(1429, "SELECT b FROM t WHERE a = 1")
	c.exec("ALTER SERVER backend OPTIONS (PASSWORD '" + linkPassword + "')")
	c.want("SELECT b FROM t WHERE a = 1", "one")
	if err := r.farm.Kill(0); err != nil {
		t.Fatal(err)
	}
	c.fails(1429, "SELECT b FROM t WHERE a = 1")
}
