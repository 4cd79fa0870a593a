package gateway

import (
	"bytes"
	"context"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/faultproxy"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// beside is another node of the same cluster. It is closed with the test.
func (b *bench) beside(t *testing.T, name string, change ...func(*backend.Config)) *bench {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	n := &bench{farm: b.farm, serve: make(chan error, 1)}
	t.Cleanup(n.close)
	quiet := slog.New(slog.DiscardHandler)
	var err error
	if n.cat, err = catalog.Open(ctx, catalog.Config{Endpoints: b.etcd.Endpoints(), Log: quiet}); err != nil {
		t.Fatal(err)
	}
	if err := n.serveNode(ctx, name, 2*time.Second, Config{}, quiet, change); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return len(b.g.peers()) == 1 })
	return n
}

// A leaf whose connections break off while a node starts does not keep the node from starting.
func TestNodesStartBesideBrokenConnections(t *testing.T) {
	b := cluster(t)
	leaf := b.farm.Leaves()[1]
	proxy, err := faultproxy.StartMySQL(net.JoinHostPort(leaf.Host, strconv.Itoa(leaf.Port)), func(net.Conn) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	installs := func(c faultproxy.Command) bool { return bytes.Contains(c.Text, []byte("orbweaver.installed")) }
	stop := proxy.Stop(faultproxy.Answered, installs)
	go func() {
		<-stop.Reached()
		stop.Reset()
	}()
	n := b.beside(t, "node-2", func(c *backend.Config) {
		addr := c.Addr
		c.Addr = func(name string) (string, bool) {
			if name == leaf.Name {
				return proxy.Addr(), true
			}
			return addr(name)
		}
	})
	select {
	case <-stop.Reached():
	default:
		t.Error("nothing broke off")
	}
	n.root(t, "").want("SELECT 1", "1")
}

// sleeping has a session sleep, and gives what comes of it.
func (c *client) sleeping(t *testing.T, other *client) <-chan error {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		_, err := c.c.ExecContext(context.Background(), "SELECT SLEEP(300)")
		done <- err
	}()
	waitFor(t, func() bool { return strings.Contains(other.rows("SHOW PROCESSLIST"), "SLEEP(300)") })
	return done
}

func TestKillAtAnotherNode(t *testing.T) {
	b := alone(t, Config{})
	n := b.beside(t, "node-2")
	b.account(t, "'kp'@'%'", "IDENTIFIED BY 'k'")
	b.account(t, "'kq'@'%'", "IDENTIFIED BY 'k'")
	root, own, other := b.root(t, ""), b.as(t, "kp", "k", ""), b.as(t, "kq", "k", "")
	victim := n.as(t, "kp", "k", "")
	id := victim.rows("SELECT CONNECTION_ID()")
	if x := victim.rows("SELECT CONNECTION_ID() >> 20"); x != fmt.Sprint(n.node.ID()) || n.node.ID() == b.node.ID() {
		t.Errorf("node %s, want %d", x, n.node.ID())
	}
	var e *mysql.MySQLError
	for killer, code := range map[*client]uint16{other: 1095, own: 0, root: 0} {
		done := victim.sleeping(t, root)
		if code != 0 {
			killer.fails(code, "KILL QUERY "+id)
			killer.fails(code, "KILL "+id)
			root.exec("KILL QUERY " + id)
		} else {
			killer.exec("KILL QUERY " + id)
		}
		if err := <-done; !errors.As(err, &e) || e.Number != 1317 {
			t.Errorf("KILL QUERY gave %v", err)
		}
		victim.want("SELECT 1", "1")
	}

	// What a leaf that works for it is doing.
	for _, sql := range []string{
		"CREATE DATABASE told PARTITIONS 2", "CREATE TABLE told.t (id INT PRIMARY KEY)", "INSERT INTO told.t VALUES (1), (2), (3), (4)",
		"CREATE REFERENCE TABLE told.r (n INT, KEY (n))", "INSERT INTO told.r SELECT seq FROM told.seq_1_to_200", "GRANT SELECT ON told.* TO 'kp'@'%'",
	} {
		root.exec(sql)
	}
	own.fails(1933, "SHOW EXPLAIN FOR "+id)
	working := make(chan error, 1)
	query := "SELECT COUNT(*) FROM told.t JOIN told.r a ON a.n = t.id, told.r b, told.r c, told.r d, told.r e WHERE b.n + c.n + d.n + e.n < 0"
	go func() {
		_, err := victim.c.ExecContext(context.Background(), query)
		working <- err
	}()
	waitFor(t, func() bool {
		_, err := own.query("SHOW EXPLAIN FOR " + id)
		return err == nil
	})
	own.want("SHOW WARNINGS", "Note|1003|"+query)
	for _, c := range []*client{own, root, n.root(t, "")} {
		if got := c.rows("EXPLAIN FOR CONNECTION " + id); !strings.Contains(got, "|told.t.id|") || strings.Count(got, "/") != 5 {
			t.Errorf("EXPLAIN FOR CONNECTION: %s", got)
		}
		if got := c.rows("SHOW ANALYZE FORMAT=JSON FOR " + id); !strings.Contains(got, `"r_loops"`) || strings.Contains(got, "told_") {
			t.Errorf("SHOW ANALYZE: %s", got)
		}
	}
	other.fails(1227, "SHOW EXPLAIN FOR "+id)
	own.exec("KILL QUERY " + id)
	<-working
	own.fails(1933, "SHOW EXPLAIN FOR "+id)
	own.fails(1094, fmt.Sprintf("SHOW EXPLAIN FOR %d", uint64(n.node.ID())<<52|1))
	own.fails(1094, fmt.Sprintf("EXPLAIN FOR CONNECTION %d", 4000<<20|1))
	own.fails(1204, "EXPLAIN FOR CONNECTION CONNECTION_ID()")
	root.exec("DROP DATABASE told")

	root.exec("GRANT CONNECTION ADMIN ON *.* TO 'kq'@'%'")
	admin := b.as(t, "kq", "k", "")
	done := victim.sleeping(t, root)
	admin.exec("KILL CONNECTION " + id)
	if err := <-done; !errors.As(err, &e) || e.Number != 1927 {
		t.Errorf("KILL CONNECTION gave %v", err)
	}
	if _, err := victim.query("SELECT 1"); err == nil {
		t.Error("the session lives after KILL")
	}
	own.fails(1094, "KILL "+id)
	root.fails(1094, "KILL QUERY "+id)
	root.fails(1094, fmt.Sprintf("KILL %d", 4000<<20|1)) // of no node
	root.fails(1094, fmt.Sprintf("KILL %d", uint64(n.node.ID())<<52|1))

	// All sessions of a user.
	victims := []*client{n.as(t, "kp", "k", ""), b.as(t, "kp", "k", ""), n.as(t, "kp", "k", "")}
	b.account(t, "'kr'@'%'", "IDENTIFIED BY 'k'")
	b.as(t, "kr", "k", "").fails(1095, "KILL USER kp")
	for _, v := range victims {
		v.want("SELECT 1", "1")
	}
	killed := func(c *client, sql string, want int64) {
		t.Helper()
		r, err := c.c.ExecContext(timeout(t), sql)
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		if got, err := r.RowsAffected(); got != want || err != nil {
			t.Errorf("%s: %d sessions, want %d (%v)", sql, got, want, err)
		}
	}
	killed(root, "KILL USER kp@'192.0.2.1'", 0)
	done = victims[0].sleeping(t, root)
	killed(root, "KILL QUERY USER kp@localhost", 4) // own is one of them
	if err := <-done; !errors.As(err, &e) || e.Number != 1317 {
		t.Errorf("KILL QUERY USER gave %v", err)
	}
	killed(own, "KILL USER kp", 4)
	for _, v := range append(victims, own) {
		if _, err := v.query("SELECT 1"); err == nil {
			t.Error("the session lives after KILL USER")
		}
	}

	// Who has a lock.
	far := n.root(t, "")
	far.want("SELECT GET_LOCK('kp', 0)", "1")
	root.want("SELECT IS_USED_LOCK('kp'), IS_FREE_LOCK('kp')", far.rows("SELECT CONNECTION_ID()")+"|0")
	far.want("SELECT RELEASE_LOCK('kp')", "1")

	// By the protocol's own command.
	victim = n.root(t, "")
	id = victim.rows("SELECT CONNECTION_ID()")
	var num uint32
	if _, err := fmt.Sscan(id, &num); err != nil {
		t.Fatal(err)
	}
	b.raw(t, "", 0).ok(wire.AppendCommand(nil, wire.ComProcessKill, string(binary.LittleEndian.AppendUint32(nil, num))))
	if _, err := victim.query("SELECT 1"); err == nil {
		t.Error("the session lives after COM_PROCESS_KILL")
	}
}

func TestProcesslistOfAllNodes(t *testing.T) {
	b := alone(t, Config{})
	n := b.beside(t, "node-2")
	b.account(t, "'pl'@'%'", "IDENTIFIED BY 'p'")
	root, far := b.root(t, ""), n.root(t, "mysql")
	mine, mineFar := b.as(t, "pl", "p", ""), n.as(t, "pl", "p", "")
	rootID, farID, mineID, mineFarID := root.rows("SELECT CONNECTION_ID()"), far.rows("SELECT CONNECTION_ID()"), mine.rows("SELECT CONNECTION_ID()"), mineFar.rows("SELECT CONNECTION_ID()")
	done := make(chan error, 1)
	secret := strings.Repeat("ä", 70)
	go func() {
		_, err := far.c.ExecContext(context.Background(), "SELECT SLEEP(300), '"+secret+"', 'the end'")
		done <- err
	}()
	waitFor(t, func() bool { return strings.Contains(root.rows("SHOW PROCESSLIST"), "SLEEP(300)") })
	for _, q := range []string{"SHOW PROCESSLIST", "SHOW FULL PROCESSLIST", "SELECT * FROM information_schema.PROCESSLIST ORDER BY ID"} {
		all := root.rows(q)
		for _, want := range []string{rootID + "|root|", farID + "|root|", mineID + "|pl|", mineFarID + "|pl|", "|mysql|Query|", "|Sleep|"} {
			if !strings.Contains("/"+all, want) {
				t.Errorf("%s: no %q in %s", q, want, all)
			}
		}
		if full := q != "SHOW PROCESSLIST"; strings.Contains(all, "the end") != full {
			t.Errorf("%s: %s", q, all)
		}
		if seen := mine.rows(q); strings.Contains(seen, "root") || !strings.Contains(seen, mineFarID+"|pl|") || !strings.Contains(seen, mineID+"|pl|") {
			t.Errorf("%s: an account without PROCESS sees %s", q, seen)
		}
	}
	root.want("SELECT ID, DB, COMMAND, TIME < 20, TIME_MS > 0 FROM information_schema.processlist WHERE INFO LIKE '%"+secret+"%' AND ID <> CONNECTION_ID()", farID+"|mysql|Query|1|1")
	root.want("SELECT COUNT(*) FROM information_schema.PROCESSLIST p JOIN information_schema.PROCESSLIST q USING (ID) WHERE p.ID = "+mineFarID, "1")
	raw := b.raw(t, "", wire.ClientDeprecateEOF)
	raw.send(wire.AppendCommand(nil, wire.ComProcessInfo, ""))
	for range 1 + 9 { // the number of columns, and they
		raw.read()
	}
	if got, _ := raw.rows(); got < 5 {
		t.Errorf("COM_PROCESS_INFO lists %d sessions", got)
	}
	root.exec("KILL QUERY " + farID)
	<-done

	// What nodes tell each other of statements is in etcd for a while, and nobody's to read.
	if doc, err := n.g.packSessions([]shownSession{{Info: &secret}}); err != nil || strings.Contains(string(doc), secret) {
		t.Errorf("a list is not sealed: %v", err)
	}

	// A node that has died is missed, and then forgotten.
	n.cat.Close()
	id := mineFarID
	root.fails(1094, "KILL "+id)
	if got := root.rows("SHOW PROCESSLIST"); strings.Contains(got, id) || !strings.Contains(got, mineID) {
		t.Error(got)
	}
	root.want("SHOW WARNINGS", "")
}

// A node that lives and does not answer.
func TestProcesslistWithoutANode(t *testing.T) {
	b := alone(t, Config{})
	cat, err := catalog.Open(timeout(t), catalog.Config{Endpoints: b.etcd.Endpoints(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer cat.Close()
	mute, err := cat.Register(timeout(t), catalog.NodeInfo{Name: "mute"}, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close(context.Background())
	waitFor(t, func() bool { return len(b.g.peers()) == 1 })
	c := b.root(t, "")
	if got := c.rows("SHOW PROCESSLIST"); !strings.Contains(got, "SHOW PROCESSLIST") {
		t.Error(got)
	}
	if got := c.rows("SHOW WARNINGS"); !strings.HasPrefix(got, "Warning|1105|The sessions of node mute are missing") {
		t.Error(got)
	}
	if msg := c.fails(1105, "SELECT ID FROM information_schema.PROCESSLIST"); !strings.Contains(msg, "mute") {
		t.Error(msg)
	}
	if msg := c.fails(1105, fmt.Sprintf("KILL %d", uint64(mute.ID())<<20|1)); !strings.Contains(msg, "Node mute") {
		t.Error(msg)
	}
}

// More sessions than an answer has room for.
func TestManySessionsAreToldInPart(t *testing.T) {
	b := cluster(t)
	list := make([]shownSession, 20000)
	for i := range list {
		text := fmt.Sprintf("%x", sha512.Sum512([]byte(fmt.Sprint(i)))) // nothing that could be compressed much
		list[i] = shownSession{ID: uint32(i), User: text[:80], Host: text[80:], Command: "Sleep"}
		if i%1000 == 0 {
			list[i].Info = &text
		}
	}
	doc, err := b.g.packSessions(list)
	if err != nil || len(doc) > catalog.MostAnswer {
		t.Fatalf("%d bytes, %v", len(doc), err)
	}
	a, err := b.g.unpackSessions(doc)
	if err != nil || a.LeftOut == 0 || len(a.Sessions)+a.LeftOut != len(list) {
		t.Fatalf("%d and %d left out of %d, %v", len(a.Sessions), a.LeftOut, len(list), err)
	}
	for i := range 20 {
		if a.Sessions[i].Info == nil {
			t.Fatal("an idle session comes before one that runs something")
		}
	}
	if _, err := b.g.unpackSessions([]byte("rubbish")); err == nil {
		t.Error("rubbish is taken for an answer")
	}
}
