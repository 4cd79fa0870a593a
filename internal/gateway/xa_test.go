package gateway

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
)

// side is one of the two servers that a transcript is run at.
type side struct {
	t        *testing.T
	open     func(user string) *client
	waiting  func() int // statements that wait for a lock
	sessions map[string]*client
	ids      map[string]string
	running  chan string
}

func newSide(t *testing.T, open func(user string) *client, waiting func() int) *side {
	return &side{t: t, open: open, waiting: waiting, sessions: map[string]*client{}, ids: map[string]string{}, running: make(chan string, 1)}
}

// session is the connection of that name; c is an account's with no rights but to connect and use xadb.
func (s *side) session(name string) *client {
	c := s.sessions[name]
	if c == nil {
		user := "root"
		if name == "C" {
			user = "xaguest"
		}
		c = s.open(user)
		s.sessions[name], s.ids[name] = c, c.rows("SELECT CONNECTION_ID()")
	}
	return c
}

// closed forgets a connection, and waits until the server has noticed.
func (s *side) closed(name string) {
	c := s.sessions[name]
	_ = c.c.Raw(func(any) error { return driver.ErrBadConn }) // the pool does not keep it
	c.c.Close()
	delete(s.sessions, name)
	watch := s.open("root")
	defer watch.c.Close()
	waitFor(s.t, func() bool {
		return watch.rows("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = "+s.ids[name]) == "0"
	})
}

// run gives all that a client can see of a statement.
func (s *side) run(name, how, q string) string {
	switch how {
	case "!":
		s.closed(name)
		return ""
	case "#":
		q = strings.ReplaceAll(q, "KILL A", "KILL "+s.ids["A"])
	case "?":
		return <-s.running
	case "&":
		c := s.session(name)
		go func() { s.running <- answerOf(c.query(q)) }()
		waitFor(s.t, func() bool {
			time.Sleep(150 * time.Millisecond) // InnoDB looks again only when nobody has asked for a tenth of a second
			return s.waiting() > 0 || len(s.running) > 0
		})
		return ""
	}
	return answerOf(s.session(name).query(q))
}

func answerOf(rows string, err error) string {
	var e *mysql.MySQLError
	if errors.As(err, &e) {
		return fmt.Sprintf("%d %s %s", e.Number, e.SQLState[:], e.Message)
	}
	if err != nil {
		return err.Error()
	}
	return rows
}

// Statements on a client's own XA transactions, and all others within one, are answered as by a plain MariaDB.
func TestXAAsMariaDB(t *testing.T) {
	b := cluster(t)
	plain := farmtest.Start(t, 1).Leaves()[0]
	at := func(user string) *client {
		d, err := sql.Open("mysql", user+"@unix("+plain.Socket+")/?multiStatements=true")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { d.Close() })
		c, err := d.Conn(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return &client{t: t, c: c}
	}
	for _, m := range []struct {
		c                      *client
		sharded, alone, global string
	}{{at("root"), "", "", ""}, {b.root(t, ""), " PARTITIONS 4", " PARTITIONS 1", "REFERENCE "}} {
		m.c.exec("DROP DATABASE IF EXISTS xadb; DROP DATABASE IF EXISTS one; DROP USER IF EXISTS xaguest")
		m.c.exec("CREATE DATABASE xadb" + m.sharded + "; CREATE DATABASE one" + m.alone)
		m.c.exec("CREATE TABLE xadb.t (id INT PRIMARY KEY, v INT); CREATE TABLE one.t (id INT PRIMARY KEY, v INT)")
		m.c.exec("CREATE " + m.global + "TABLE xadb.r (id INT PRIMARY KEY, v INT)")
		m.c.exec("CREATE USER xaguest; GRANT SELECT ON xadb.* TO xaguest")
		defer m.c.exec("DROP DATABASE xadb; DROP DATABASE one; DROP USER xaguest")
	}
	const waits = "SELECT COUNT(*) FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT'"
	node := newSide(t, func(user string) *client { return b.as(t, user, "", "xadb") }, func() int {
		return len(strings.ReplaceAll(b.leaf(t, 0, waits)+b.leaf(t, 1, waits), "0", ""))
	})
	watch := at("root")
	maria := newSide(t, func(user string) *client {
		c := at(user)
		c.exec("USE xadb")
		return c
	}, func() int { return len(strings.ReplaceAll(watch.rows(waits), "0", "")) })
	script, err := os.ReadFile("testdata/xa.txt")
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(string(script), "\n") {
		if line == "" || line[0] == '#' {
			for _, s := range []*side{node, maria} {
				for name := range s.sessions {
					s.closed(name)
				}
			}
			continue
		}
		name, how, q := line[:1], line[1:2], strings.TrimSpace(line[2:])
		want, got := maria.run(name, how, q), node.run(name, how, q)
		if got != want {
			t.Errorf("line %d: %s\n\t%s, MariaDB says\n\t%s", i+1, line, got, want)
		}
	}
}
