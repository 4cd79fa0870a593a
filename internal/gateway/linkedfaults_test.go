package gateway

import (
	"bytes"
	"fmt"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// counted makes a table over servers with rows 1 to n, and the same on the plain side.
func (p *pair) counted(remotes []*remoteServer, name string, rows int, params string) {
	p.t.Helper()
	var parts []string
	for i, r := range remotes {
		r.exec(fmt.Sprintf("CREATE TABLE old.%s (id INT PRIMARY KEY, k INT)", name))
		parts = append(parts, fmt.Sprintf("PARTITION p%d COMMENT = 'srv \"backend%d\"%s'", i, i+1, params))
	}
	p.node.exec("CREATE TABLE " + name + " (id INT PRIMARY KEY, k INT) ENGINE=SPIDER COMMENT='tbl \"" + name + "\"' PARTITION BY KEY (id) (" + strings.Join(parts, ", ") + ")")
	var values []string
	for i := range rows {
		values = append(values, fmt.Sprintf("(%d, %d)", i+1, i%7))
	}
	p.node.exec("INSERT INTO " + name + " VALUES " + strings.Join(values, ", "))
}

// Transactions over several servers are committed and rolled back at all of them, and see what they have done.
func TestLinkedTransactionsOverServers(t *testing.T) {
	b, p, remotes := partitioned(t, 2)
	p.counted(remotes, "t", 20, "")
	sum := func() string {
		total := 0
		for _, r := range remotes {
			var n int
			if _, err := fmt.Sscan(r.rows("SELECT COALESCE(SUM(k), 0) FROM old.t"), &n); err != nil {
				t.Fatal(err)
			}
			total += n
		}
		return fmt.Sprint(total)
	}
	before := sum()
	c, other := p.node, b.root(t, "fed")
	for _, end := range []string{"ROLLBACK", "COMMIT"} {
		c.exec("BEGIN")
		c.exec("UPDATE t SET k = 1")
		c.want("SELECT SUM(k), COUNT(*) FROM t", "20|20")
		other.want("SELECT SUM(k) FROM t", before)
		c.exec("SAVEPOINT s")
		c.exec("DELETE FROM t WHERE id > 10")
		c.want("SELECT COUNT(*) FROM t", "10")
		c.exec("ROLLBACK TO s")
		c.want("SELECT COUNT(*) FROM t", "20")
		// A statement that fails in part leaves nothing.
		c.fails(1062, "INSERT INTO t VALUES (101, 0), (102, 0), (103, 0), (1, 0)")
		c.want("SELECT COUNT(*), SUM(k) FROM t", "20|20")
		c.exec(end)
		c.want("SELECT @@in_transaction", "0")
		if end == "ROLLBACK" && sum() != before || end == "COMMIT" && sum() != "20" {
			t.Error(end, sum(), before)
		}
	}
	c.fails(1062, "INSERT INTO t VALUES (101, 0), (102, 0), (103, 0), (1, 0)")
	c.want("SELECT COUNT(*) FROM t", "20")
	c.exec("SET autocommit = 0")
	c.exec("UPDATE t SET k = 2")
	if got := sum(); got != "20" {
		t.Error(got)
	}
	c.exec("COMMIT")
	if got := sum(); got != "40" {
		t.Error(got)
	}
	c.exec("SET autocommit = 1")
	c.exec("START TRANSACTION READ ONLY")
	c.fails(1792, "UPDATE t SET k = 6")
	c.exec("ROLLBACK")
	// One connection a server is lost: the transaction is lost at both.
	c.exec("BEGIN")
	c.exec("UPDATE t SET k = 9")
	remotes[1].exec("KILL USER " + linkUser)
	c.fails(1213, "UPDATE t SET k = 10")
	c.want("SELECT @@in_transaction", "0")
	if got := sum(); got != "40" {
		t.Error(got)
	}
	// Two transactions that wait for each other at one server.
	c.exec("BEGIN")
	other.exec("BEGIN")
	c.exec("UPDATE t SET k = 3 WHERE id = 1")
	other.exec("UPDATE t SET k = 4 WHERE id = 2")
	c.exec("SET innodb_lock_wait_timeout = 1")
	waits := make(chan error, 1)
	go func() {
		_, err := other.query("UPDATE t SET k = 4 WHERE id = 1")
		waits <- err
	}()
	if _, err := c.query("UPDATE t SET k = 3 WHERE id = 2"); err == nil || !strings.Contains(err.Error(), "1205") && !strings.Contains(err.Error(), "1213") {
		t.Error(err)
	}
	c.exec("ROLLBACK")
	if err := <-waits; err != nil && !strings.Contains(err.Error(), "1213") {
		t.Error(err)
	}
	other.exec("ROLLBACK")
	c.want("SELECT SUM(k) FROM t", "40")
}

// A table with eight partitions at one server is read by eight connections at the same time.
func TestLinkedPartitionsOfOneServer(t *testing.T) {
	_, p, remotes := partitioned(t, 1)
	var parts [][2]string
	for i := range 8 {
		by := fmt.Sprintf("VALUES LESS THAN (%d)", i*10+10)
		if i == 7 {
			by = "VALUES LESS THAN MAXVALUE"
		}
		parts = append(parts, [2]string{by, fmt.Sprintf("t%d", i)})
	}
	p.table(remotes, "t", "(id INT UNSIGNED NOT NULL AUTO_INCREMENT, k INT, PRIMARY KEY (id))", "RANGE (id)", parts...)
	p.same("INSERT INTO t (k) VALUES (1)" + strings.Repeat(", (2), (3)", 45))
	p.same("SELECT COUNT(*), SUM(k) FROM t")
	p.same("SELECT * FROM t ORDER BY k DESC, id LIMIT 5")
	p.same("SELECT * FROM t WHERE id BETWEEN 5 AND 25 ORDER BY id")
	p.same("UPDATE t SET k = k + 1 WHERE id > 35")
	p.same("DELETE FROM t WHERE id IN (1, 11, 21)")
	p.same("SELECT k, COUNT(*) FROM t GROUP BY k ORDER BY k")
	r, c := remotes[0], p.node
	// All wait for a lock, each on its own connection.
	running := "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = '" + linkUser + "' AND INFO LIKE '%`old`.`t_`%'"
	r.exec("LOCK TABLES old.t0 WRITE, old.t1 WRITE, old.t2 WRITE, old.t3 WRITE, old.t4 WRITE, old.t5 WRITE, old.t6 WRITE, old.t7 WRITE")
	ended := make(chan string, 1)
	go func() {
		got, err := c.query("SELECT COUNT(*) FROM t")
		ended <- fmt.Sprint(got, err)
	}()
	watch := plainClient(t, r.farm)
	waitFor(t, func() bool { return watch.rows(running) == "8" })
	r.exec("UNLOCK TABLES")
	if got := <-ended; got != "88<nil>" {
		t.Error(got)
	}
	// Links that differ in nothing that matters are apart all the same.
	for n := range 2 {
		r.exec(fmt.Sprintf("CREATE TABLE old.w%d (id INT PRIMARY KEY)", n))
	}
	c.exec(`CREATE TABLE w (id INT PRIMARY KEY) ENGINE=SPIDER PARTITION BY HASH (id) (PARTITION p0 COMMENT='srv "backend1", tbl "w0", wrapper "mysql"', PARTITION p1 COMMENT='srv "backend1", tbl "w1", wrapper "mariadb"')`)
	c.exec("BEGIN")
	c.exec("INSERT INTO w VALUES (2)")
	c.exec("INSERT INTO w VALUES (1)")
	c.exec("INSERT INTO w VALUES (3), (4)")
	c.want("SELECT COUNT(*) FROM w", "4")
	c.exec("COMMIT")
	c.want("SELECT id FROM w ORDER BY id", "1/2/3/4")
	// In a transaction they are its own.
	c.exec("BEGIN")
	c.exec("UPDATE t SET k = 100 WHERE id > 30")
	c.want("SELECT SUM(k >= 100) FROM t", "61")
	c.exec("ROLLBACK")
	c.want("SELECT SUM(k >= 100) FROM t", "0")
}

// What goes wrong at one of several servers names it, and is no leaf's.
func TestLinkedFailuresOfPartitions(t *testing.T) {
	b, p, remotes := partitioned(t, 3)
	c := p.node
	p.counted(remotes, "t", 30, "")
	p.counted(remotes, "silent", 30, `, nrt "2"`)
	remotes[2].exec("CREATE TABLE old.lacks (id INT PRIMARY KEY)")
	remotes[0].exec("CREATE TABLE old.lacks (id INT PRIMARY KEY, k INT)")
	c.exec("CREATE TABLE lacks (id INT PRIMARY KEY, k INT) ENGINE=SPIDER COMMENT='tbl \"lacks\"' PARTITION BY KEY (id) (PARTITION p0 COMMENT='srv \"backend1\"', PARTITION p1 COMMENT='srv \"backend2\"', PARTITION p2 COMMENT='srv \"backend3\"')")
	w := c.rows("SHOW WARNINGS")
	if !strings.Contains(w, "(partition p1)") || !strings.Contains(w, "(partition p2)") || strings.Contains(w, "p0") || strings.Count(w, "Warning|12702|") != 2 {
		t.Error(w)
	}
	for _, q := range []string{"SELECT COUNT(*) FROM lacks", "SELECT k FROM lacks ORDER BY k", "UPDATE lacks SET k = 1", "INSERT INTO lacks VALUES (1, 1), (2, 2), (3, 3), (4, 4)"} {
		if m := c.fails(12702, q); !strings.Contains(m, "backend2") && !strings.Contains(m, "backend3") {
			t.Error(q, m)
		}
	}
	remotes[0].want("SELECT COUNT(*) FROM old.lacks", "0")
	c.want("SELECT COUNT(*) FROM t", "30")

	// KILL QUERY ends the parts at the servers.
	victim := b.as(t, "root", "", "fed")
	id := victim.rows("SELECT CONNECTION_ID()")
	sleeping := "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE '%SLEEP(1.9)%' AND USER = '" + linkUser + "'"
	run := func(q string) <-chan error {
		ended := make(chan error, 1)
		go func() {
			_, err := victim.query(q)
			ended <- err
		}()
		for _, r := range remotes {
			waitFor(t, func() bool { return r.rows(sleeping) == "1" })
		}
		return ended
	}
	for _, q := range []string{"SELECT SUM(SLEEP(1.9)) FROM t", "UPDATE t SET k = SLEEP(1.9)"} {
		ended := run(q)
		c.exec("KILL QUERY " + id)
		if err := <-ended; err == nil || !strings.Contains(err.Error(), "1317") {
			t.Error(q, err)
		}
		for _, r := range remotes {
			waitFor(t, func() bool { return r.rows(sleeping) == "0" })
		}
		victim.want("SELECT COUNT(*), SUM(k) FROM t", c.rows("SELECT COUNT(*), SUM(k) FROM t"))
	}
	// Silence at one server ends a statement; nothing of a write is left.
	before := c.rows("SELECT SUM(k) FROM silent")
	remotes[1].exec("LOCK TABLES old.silent WRITE")
	for _, q := range []string{"SELECT COUNT(k) FROM silent", "UPDATE silent SET k = k + 1", "INSERT INTO silent SELECT id + 100, 1 FROM silent"} {
		if m := c.fails(12701, q); !strings.Contains(m, "backend2") {
			t.Error(q, m)
		}
	}
	remotes[1].exec("UNLOCK TABLES")
	c.want("SELECT SUM(k), COUNT(*) FROM silent", before+"|30")
	// Stale connections are replaced, in reads and writes.
	for _, q := range []string{"SELECT COUNT(*) FROM t", "UPDATE t SET k = k"} {
		for _, r := range remotes {
			r.exec("KILL USER " + linkUser)
		}
		if _, err := c.query(q); err != nil {
			t.Error(q, err)
		}
	}
	// A server that goes away in between.
	for i, q := range []string{"SELECT SUM(SLEEP(1.9)) FROM t", "UPDATE t SET k = SLEEP(1.9)"} {
		ended := run(q)
		if err := remotes[i+1].farm.Kill(0); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; err == nil || !strings.Contains(err.Error(), "12701") || !strings.Contains(err.Error(), fmt.Sprintf("backend%d", i+2)) {
			t.Error(q, err)
		}
		if err := remotes[i+1].farm.AwaitReady(timeout(t), 0); err != nil {
			t.Fatal(err)
		}
		remotes[i+1].client = plainClient(t, remotes[i+1].farm)
		c.want("SELECT COUNT(*) FROM t", "30")
	}
	remotes[0].want("SELECT SUM(k) FROM old.t WHERE k > 7", "NULL")
	// And one that is down.
	if err := remotes[2].farm.Stop(timeout(t), 0); err != nil {
		t.Fatal(err)
	}
	rows := ""
	for id := range 30 {
		rows += fmt.Sprintf(", (%d, 1)", id+202)
	}
	for _, q := range []string{"SELECT COUNT(*) FROM t", "UPDATE t SET k = 1", "SELECT * FROM t ORDER BY id", "DELETE FROM t", "INSERT INTO t VALUES (201, 1)" + rows} {
		if m := c.fails(1429, q); m != "Unable to connect to foreign data source: backend3" {
			t.Error(q, m)
		}
	}
	if w := c.rows("SHOW WARNINGS"); !strings.HasPrefix(w, "Error|1429|") {
		t.Error(w)
	}
	c.want("SELECT COUNT(*) > 0 FROM t PARTITION (p0, p1)", "1")
	remotes[0].want("SELECT COUNT(*) FROM old.t WHERE id > 200 OR k > 7", "0")
}

// Many clients that come, fail and vanish leave neither connections nor goroutines behind.
func TestLinkedPartitionsLeaveNothing(t *testing.T) {
	b, err := newBench(farmtest.Start(t, 1), Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.close)
	p := &pair{t: t, node: b.database(t, "fed")}
	var remotes []*remoteServer
	for i := range 2 {
		remotes = append(remotes, newRemote(t))
		p.node.exec(remotes[i].server(fmt.Sprintf("backend%d", i+1)))
	}
	p.counted(remotes, "t", 20, "")
	p.node.want("SELECT COUNT(*) FROM t", "20")
	busy := func(r *remoteServer) string {
		return r.rows("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = '" + linkUser + "' AND COMMAND <> 'Sleep'")
	}
	before := runtime.NumGoroutine()
	for n := range 6 {
		u := b.raw(t, "fed", 0)
		u.send(append([]byte{3}, []string{"SELECT SLEEP(300) FROM t", "UPDATE t SET k = SLEEP(300)", "SELECT k, SUM(SLEEP(300)) FROM t GROUP BY k"}[n%3]...))
		answer := make(chan []byte, 1)
		go func() {
			p, _ := u.c.ReadPacket() // until it is closed
			answer <- p
		}()
		for _, r := range remotes {
			waitFor(t, func() bool {
				select {
				case p := <-answer:
					t.Fatalf("client %d is answered: %q", n, p)
				default:
				}
				return busy(r) != "0"
			})
		}
		u.c.Close()
		for _, r := range remotes {
			waitFor(t, func() bool { return busy(r) == "0" })
		}
	}
	for _, r := range remotes {
		r.want("SELECT COUNT(*) FROM information_schema.INNODB_TRX WHERE trx_rows_modified > 0", "0")
	}
	waitFor(t, func() bool { return runtime.NumGoroutine() <= before+2 })
}

// A client that reads slowly gets all rows: servers whose turn has not come wait, whatever they have for clients that don't read.
func TestLinkedRowsForSlowClients(t *testing.T) {
	b, p, remotes := partitioned(t, 2)
	p.table(remotes, "t", "(id INT PRIMARY KEY, v LONGTEXT)", "KEY (id)", [2]string{"", "t0"}, [2]string{"", "t1"})
	for i, r := range remotes {
		r.exec("SET GLOBAL net_write_timeout = 1")
		r.exec("KILL USER " + linkUser)
		r.exec(fmt.Sprintf("INSERT INTO old.t%d SELECT seq, REPEAT('x', 1000000) FROM old.seq_1_to_40", i))
	}
	u := b.raw(t, "fed", wire.ClientDeprecateEOF)
	u.send(append([]byte{byte(wire.ComQuery)}, "SELECT v FROM t"...))
	time.Sleep(3 * time.Second)
	u.read()
	u.read() // the column
	n := 0
	for !wire.IsEOF(u.read(), u.c.Caps()) {
		n++
	}
	if n != 80 {
		t.Errorf("%d rows", n)
	}
}

// cutter passes connections to a server, and cuts one off ahead of a COMMIT when it is armed.
type cutter struct {
	armed   atomic.Bool
	commits atomic.Int32 // that came while it was armed
}

func (k *cutter) listen(t *testing.T, target string) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	running.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", target)
			if err != nil {
				in.Close()
				continue
			}
			mu.Lock()
			open = append(open, in, out)
			mu.Unlock()
			running.Go(func() { k.pass(out, in) })
			running.Go(func() { k.pass(in, out) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, c := range open {
			c.Close()
		}
		mu.Unlock()
		running.Wait()
	})
	return l.Addr().(*net.TCPAddr).Port
}

func (k *cutter) pass(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if k.armed.Load() && bytes.Contains(buf[:n], []byte("COMMIT")) {
			k.commits.Add(1)
			return
		}
		if _, werr := to.Write(buf[:n]); err != nil || werr != nil {
			return
		}
	}
}

// A write whose commit is lost at one of two servers is told as not seen there yet, comes to be there, and is never done twice.
func TestLinkedCommitsThatAreLost(t *testing.T) {
	_, p, remotes := partitioned(t, 2)
	k := &cutter{}
	remotes[1].port = k.listen(t, fmt.Sprintf("127.0.0.1:%d", remotes[1].port))
	p.node.exec(remotes[1].server("backend2"))
	p.counted(remotes, "t", 20, "")
	sums := func() (out [2]int) {
		for i, r := range remotes {
			if _, err := fmt.Sscan(r.rows("SELECT SUM(k) FROM old.t"), &out[i]); err != nil {
				t.Fatal(err)
			}
		}
		return out
	}
	c := p.node
	c.exec("UPDATE t SET k = 0")
	for n, run := range []func(){
		func() { c.fails(1180, "UPDATE t SET k = k + 1") },
		func() { c.fails(1180, "INSERT INTO t SELECT id + 100, 1 FROM t") },
		func() {
			c.exec("BEGIN")
			c.exec("UPDATE t SET k = k + 1")
			c.fails(1180, "COMMIT")
			c.want("SELECT @@in_transaction", "0")
		},
	} {
		before := sums()
		k.commits.Store(0)
		k.armed.Store(true)
		run()
		k.armed.Store(false)
		if k.commits.Load() == 0 {
			t.Errorf("case %d: no commit was sent", n)
		}
		// It is decided that all is committed, and done as soon as the server can be reached.
		waitFor(t, func() bool { return sums()[1] != before[1] })
		if after := sums(); after[0]+after[1] != before[0]+before[1]+[]int{20, 20, 40}[n] {
			t.Errorf("case %d: %v became %v", n, before, after)
		}
	}
	c.exec("UPDATE t SET k = 5")
	c.want("SELECT MIN(k), MAX(k) FROM t", "5|5")
}
