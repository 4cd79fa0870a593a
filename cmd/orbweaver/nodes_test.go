package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/localetcd"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
	"github.com/orbweaver/orbweaver/internal/supervise"
)

// load is clients that write, each at one node, and remember what was acknowledged.
type load struct {
	stop    context.CancelFunc
	clients sync.WaitGroup
	ids     atomic.Int64
	count   []atomic.Int64 // statements that succeeded, by node

	mu     sync.Mutex
	acked  map[int64]bool
	failed []failure
}

type failure struct {
	node int
	what string
	err  error
}

// writersPerNode write with keys of their own, and as many with AUTO_INCREMENT.
const writersPerNode = 2

func startLoad(t *testing.T, nodes []place) *load {
	t.Helper()
	do(t, openAt(t, nodes[0].mysql, ""), "CREATE DATABASE load_d PARTITIONS 4 WITH SYNC REPLICATION",
		"CREATE TABLE load_d.t (id BIGINT PRIMARY KEY, n INT)", "CREATE TABLE load_d.a (id BIGINT AUTO_INCREMENT PRIMARY KEY, v BIGINT)")
	ctx, stop := context.WithCancel(context.Background())
	l := &load{stop: stop, count: make([]atomic.Int64, len(nodes)), acked: map[int64]bool{}}
	t.Cleanup(func() { stop(); l.clients.Wait() })
	for n, place := range nodes {
		d := openAt(t, place.mysql, "load_d")
		awaitTable(t, d)
		for range writersPerNode {
			l.clients.Go(func() {
				l.run(ctx, n, "write", func(id int64) error { _, err := d.ExecContext(ctx, "INSERT INTO t VALUES (?, ?)", id, n); return err })
			})
			l.clients.Go(func() {
				l.run(ctx, n, "write with AUTO_INCREMENT", func(id int64) error { _, err := d.ExecContext(ctx, "INSERT INTO a (v) VALUES (?)", id); return err })
			})
		}
		l.clients.Go(func() {
			l.run(ctx, n, read, func(int64) error {
				var rows int
				return d.QueryRowContext(ctx, "SELECT COUNT(*) FROM t WHERE id < 100").Scan(&rows)
			})
		})
	}
	return l
}

// awaitTable waits until a node knows what was created at another one.
func awaitTable(t *testing.T, d *sql.DB) {
	t.Helper()
	eventually(t, "the tables", func() error { _, err := d.Exec("SELECT 1 FROM a LIMIT 1"); return err })
}

const read = "read"

// run runs statements one after another until ctx ends.
func (l *load) run(ctx context.Context, node int, what string, f func(id int64) error) {
	for ctx.Err() == nil {
		id := l.ids.Add(1)
		err := f(id)
		if ctx.Err() != nil {
			return
		}
		l.mu.Lock()
		if err != nil {
			l.failed = append(l.failed, failure{node, what, err})
		} else {
			l.acked[id] = what != read
			l.count[node].Add(1)
		}
		l.mu.Unlock()
		if err != nil { // its node is away
			time.Sleep(50 * time.Millisecond)
		}
		time.Sleep(2 * time.Millisecond) // the machine has other things to do
	}
}

// goesOn waits until every node has answered some statements that were begun after now.
func (l *load) goesOn(t *testing.T) {
	t.Helper()
	was := make([]int64, len(l.count))
	for n := range l.count {
		was[n] = l.count[n].Load()
	}
	eventually(t, "statements at every node", func() error {
		for n := range l.count {
			if l.count[n].Load() < was[n]+4*writersPerNode {
				return fmt.Errorf("%s has answered %d", nodeName(n+1), l.count[n].Load()-was[n])
			}
		}
		return nil
	})
}

// failures takes what has failed since it was called last, without what may have: at a node, or with one of these numbers.
func (l *load) failures(t *testing.T, step string, except int, codes ...uint16) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.failed {
		var refused *mysql.MySQLError
		switch {
		case f.node == except:
		case errors.As(f.err, &refused) && slices.Contains(codes, refused.Number):
		default:
			t.Errorf("%s: a %s failed at %s: %v", step, f.what, nodeName(f.node+1), f.err)
		}
	}
	if len(l.failed) > 0 {
		t.Logf("%s: %d statements failed", step, len(l.failed))
	}
	l.failed = nil
}

// check ends the load and looks whether all that was acknowledged is there.
func (l *load) check(t *testing.T, d *sql.DB) {
	t.Helper()
	l.stop()
	l.clients.Wait()
	there := map[int64]bool{}
	rows, err := d.Query("SELECT id FROM load_d.t UNION ALL SELECT v FROM load_d.a")
	if err != nil { // several tables at once are not every version's
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		there[id] = true
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	lost := 0
	for id, written := range l.acked {
		if written && !there[id] {
			lost++
		}
	}
	t.Logf("%d statements were acknowledged, %d rows are there", len(l.acked), len(there))
	if lost > 0 {
		t.Errorf("%d acknowledged rows are lost", lost)
	}
}

// patience is what a slow machine does not exhaust: whatever takes longer hangs.
const patience = 2 * time.Minute

// eventually waits for f to succeed.
func eventually(t *testing.T, what string, f func() error) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v: %v", what, patience, err)
		}
	}
}

func readPID(file string) int {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return pid
}

// kill9 kills a supervised program, and says which process it was.
func kill9(t *testing.T, home string) int {
	t.Helper()
	pid := readPID(filepath.Join(home, supervise.PIDFile))
	if pid == 0 {
		t.Fatalf("nothing runs in %s", home)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	return pid
}

// aggregators asks a node for the addresses of all nodes, and for the controller's.
func aggregators(d *sql.DB) (all []string, controller string, err error) {
	rows, err := d.Query("SELECT HOST, PORT, MASTER_AGGREGATOR FROM information_schema.AGGREGATORS WHERE STATE = 'online'")
	if err != nil {
		return nil, "", err
	}
	defer rows.Close()
	for rows.Next() {
		var host, port string
		var leads int
		if err := rows.Scan(&host, &port, &leads); err != nil {
			return nil, "", err
		}
		addr := net.JoinHostPort(host, port)
		all = append(all, addr)
		if leads == 1 {
			controller = addr
		}
	}
	return all, controller, rows.Err()
}

// commands runs some at every node.
func commands(t *testing.T, step string, nodes []*sql.DB) {
	t.Helper()
	for n, d := range nodes {
		if got := ask(t, d, "SELECT COUNT(*) FROM information_schema.LEAVES"); got != "2" {
			t.Errorf("%s: %s knows %s leaves", step, nodeName(n+1), got)
		}
		// The masters have moved by the command of the node before.
		var host, port string
		eventually(t, step+": a replica to promote", func() error {
			return d.QueryRow("SELECT HOST, PORT FROM information_schema.DISTRIBUTED_PARTITIONS WHERE DATABASE_NAME='load_d' AND ORDINAL=0 AND ROLE='Slave' AND IN_SYNC=1").Scan(&host, &port)
		})
		if _, err := d.Exec(fmt.Sprintf("PROMOTE PARTITION load_d:0 ON '%s':%s", host, port)); err != nil {
			t.Errorf("%s: PROMOTE PARTITION at %s: %v", step, nodeName(n+1), err)
		}
	}
}

// allOnline waits until every node sees all nodes and all leaves.
func allOnline(t *testing.T, nodes []*sql.DB) {
	t.Helper()
	eventually(t, "nodes and leaves online", func() error {
		for _, d := range nodes {
			all, controller, err := aggregators(d)
			if err == nil && (len(all) != len(nodes) || controller == "") {
				err = fmt.Errorf("nodes %v, controller %q", all, controller)
			}
			var leaves int
			if err == nil {
				err = d.QueryRow("SELECT COUNT(*) FROM information_schema.LEAVES WHERE STATE='online'").Scan(&leaves)
			}
			if err == nil && leaves != 2 {
				err = fmt.Errorf("%d leaves online", leaves)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Codes of writes whose outcome is unknown: those in flight on a leaf that dies, and on one whose partition is given another master by a command while the
// lease of the client's node has ended, as it may on a busy machine: such a node is not waited for.
var outcomeUnknown = []uint16{12701, 1180}

// sessionsOfAll sees the sessions of all nodes at each, and ends one from another node.
func sessionsOfAll(t *testing.T, nodes []*sql.DB) {
	t.Helper()
	for _, d := range nodes {
		if got := ask(t, d, "SELECT COUNT(DISTINCT ID >> 20) FROM information_schema.PROCESSLIST"); got != fmt.Sprint(len(nodes)) {
			t.Errorf("sessions of %s nodes are listed", got)
		}
	}
	victim, err := nodes[len(nodes)-1].Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer victim.Close()
	var id int64
	if err := victim.QueryRowContext(context.Background(), "SELECT CONNECTION_ID()").Scan(&id); err != nil {
		t.Fatal(err)
	}
	asleep := make(chan error, 1)
	go func() {
		_, err := victim.ExecContext(context.Background(), "SELECT SLEEP(30)")
		asleep <- err
	}()
	eventually(t, "the statement is listed", func() error {
		var n int
		return nodes[0].QueryRow("SELECT 1 FROM information_schema.PROCESSLIST WHERE ID = ? AND INFO = 'SELECT SLEEP(30)'", id).Scan(&n)
	})
	do(t, nodes[0], fmt.Sprintf("KILL QUERY %d", id))
	var e *mysql.MySQLError
	if err := <-asleep; !errors.As(err, &e) || e.Number != 1317 {
		t.Errorf("KILL QUERY at another node gave %v", err)
	}
}

func TestNodes(t *testing.T) {
	data := filepath.Join(dataDir(t), "data")
	p := launchNodes(t, nil, 3, "up", "--nodes", "3", "--leaves", "2", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data-dir", data)
	p.expected = []string{"level=WARN"}
	var nodes []*sql.DB
	for _, n := range p.nodes {
		nodes = append(nodes, openAt(t, n.mysql, ""))
	}
	home := func(n int) string { return filepath.Join(data, "nodes", nodeName(n+1)) }
	l := startLoad(t, p.nodes)
	l.goesOn(t)
	commands(t, "at first", nodes)
	sessionsOfAll(t, nodes)

	startTicks(t, nodes[0])

	others := func(n int) []*sql.DB { return append(slices.Clone(nodes[:n]), nodes[n+1:]...) }
	controller := func() int {
		_, c, err := aggregators(nodes[0])
		if err != nil {
			t.Fatal(err)
		}
		return slices.IndexFunc(p.nodes, func(n place) bool { return n.mysql == c })
	}
	for _, c := range []struct {
		step string
		pick func() int
	}{
		{"a node that is not the controller", func() int { return runsEvents(t, p.nodes, controller()) }},
		{"the controller", controller},
	} {
		n := c.pick()
		// Held, it stays away until the others have noticed.
		hold := filepath.Join(home(n), supervise.HoldFile)
		if err := os.WriteFile(hold, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		dead := p.nodes[n].mysql
		kill9(t, home(n))
		began := time.Now()
		for _, d := range others(n) {
			eventually(t, c.step+" is gone, and there is a controller", func() error {
				all, controller, err := aggregators(d)
				if err == nil && (len(all) != 2 || slices.Contains(all, dead) || controller == "" || controller == dead) {
					err = fmt.Errorf("nodes %v, controller %q", all, controller)
				}
				return err
			})
		}
		t.Logf("%s was killed: it is gone, and there is a controller, after %v", c.step, time.Since(began).Round(time.Millisecond))
		commands(t, c.step, others(n))
		awaitTicks(t, c.step, others(n)[0])
		l.failures(t, c.step, n, outcomeUnknown...)
		if err := os.Remove(hold); err != nil {
			t.Fatal(err)
		}
		allOnline(t, nodes)
		l.goesOn(t)
		l.failures(t, c.step+" is back", n)
	}

	n := controller()
	pid := kill9(t, home(n))
	eventually(t, "the controller is started again", func() error {
		if now := readPID(filepath.Join(home(n), supervise.PIDFile)); now == 0 || now == pid {
			return fmt.Errorf("process %d", now)
		}
		return nil
	})
	allOnline(t, nodes)
	l.goesOn(t)
	l.failures(t, "the controller again", n)

	for m := 1; m <= localetcd.Most; m++ {
		step := fmt.Sprint("member ", m, " of the etcd")
		kill9(t, filepath.Join(data, "etcd", fmt.Sprint("member-", m)))
		l.goesOn(t)
		commands(t, step, nodes)
		awaitMember(t, filepath.Join(data, "etcd"), m)
		l.failures(t, step, -1, outcomeUnknown...)
	}

	for leaf := 1; leaf <= 2; leaf++ {
		step := fmt.Sprint("leaf ", leaf)
		if err := syscall.Kill(leafPID(t, data, leaf), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		l.goesOn(t)
		eventually(t, "the leaf's partitions are whole again", func() error { return replicated(nodes[0]) })
		allOnline(t, nodes)
		commands(t, step, nodes)
		l.failures(t, step, -1, outcomeUnknown...)
	}
	l.check(t, nodes[0])
	for _, d := range nodes {
		d.Close()
	}
	p.stop(t, syscall.SIGTERM)
}

// replicated says whether every partition has its replica in sync.
func replicated(d *sql.DB) error {
	var n int
	err := d.QueryRow("SELECT COUNT(*) FROM information_schema.DISTRIBUTED_PARTITIONS WHERE DATABASE_NAME='load_d' AND ROLE='Slave' AND IN_SYNC=1").Scan(&n)
	if err == nil && n != 4 {
		err = fmt.Errorf("%d replicas", n)
	}
	return err
}

// awaitMember waits until a member of an etcd answers by itself.
func awaitMember(t *testing.T, dir string, n int) {
	t.Helper()
	socket := filepath.Join(dir, "client.sock")
	if n > 1 {
		socket = filepath.Join(dir, fmt.Sprintf("client-%d.sock", n))
	}
	eventually(t, fmt.Sprint("member ", n, " of the etcd"), func() error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		c, err := catalog.Open(ctx, catalog.Config{Endpoints: []string{"unix://" + socket}})
		if err == nil {
			err = c.Close()
		}
		return err
	})
}

// Numbers of nodes come and go over the same data, also after the supervisor was killed, and nothing is left behind.
func TestNumbersOfNodes(t *testing.T) {
	data := filepath.Join(dataDir(t), "data")
	rows := 0
	for _, c := range []struct {
		nodes int
		kill  bool
	}{{1, false}, {2, true}, {3, true}, {2, false}, {3, false}, {1, false}} {
		p := launchNodes(t, nil, c.nodes, "up", "--nodes", strconv.Itoa(c.nodes), "--leaves", "2", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data-dir", data)
		p.expected = []string{"level=WARN"}
		if rows == 0 {
			do(t, p.open(t, ""), "CREATE DATABASE nums PARTITIONS 2", "CREATE TABLE nums.t (id INT PRIMARY KEY)")
		}
		for _, n := range p.nodes {
			d := openAt(t, n.mysql, "nums")
			do(t, d, fmt.Sprintf("INSERT INTO t VALUES (%d)", rows))
			rows++
			if got := ask(t, d, "SELECT COUNT(*) FROM t"); got != strconv.Itoa(rows) {
				t.Errorf("%d nodes: %s rows at %s, want %d", c.nodes, got, n.mysql, rows)
			}
			d.Close()
		}
		d := p.open(t, "")
		eventually(t, "those of the start before are forgotten", func() error {
			if got := ask(t, d, "SELECT COUNT(*) FROM information_schema.AGGREGATORS"); got != strconv.Itoa(c.nodes) {
				return fmt.Errorf("%s nodes, want %d", got, c.nodes)
			}
			return nil
		})
		d.Close()
		children := childrenOf(t, p.cmd.Process.Pid)
		if len(children) < 2 {
			t.Errorf("the children are only %v", children)
		}
		if c.kill {
			if err := p.cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			<-p.rest
			_ = p.cmd.Wait()
		} else {
			p.stop(t, syscall.SIGTERM)
		}
		for _, pid := range children {
			eventually(t, fmt.Sprint("process ", pid, " ends"), func() error {
				if err := syscall.Kill(pid, 0); err == nil {
					return errors.New("it lives")
				}
				return nil
			})
		}
	}
}

// childrenOf lists the processes that a process has started.
func childrenOf(t *testing.T, pid int) (children []int) {
	t.Helper()
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			continue // a thread has ended
		}
		for _, word := range strings.Fields(string(text)) {
			if n, err := strconv.Atoi(word); err == nil {
				children = append(children, n)
			}
		}
	}
	return children
}

// Nodes on an etcd of three members with the timing that etcd has by itself: one of these dies, then a node, then a leaf.
func TestServeOnThreeEtcds(t *testing.T) {
	dir := dataDir(t)
	etcd, err := localetcd.Start(t.Context(), localetcd.Config{
		Dir: filepath.Join(dir, "etcd"), Members: 3, Run: []string{program, memberCommandName}, Heartbeat: 100 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := etcd.Close(); err != nil {
			t.Error(err)
		}
	})
	farm := farmtest.Start(t, 2)
	var leaves strings.Builder
	for _, l := range farm.Leaves() {
		fmt.Fprintf(&leaves, "  - {name: %s, host: %s, port: %d, group: %d, server_id: %d}\n", l.Name, l.Host, l.Port, l.Group, l.ServerID)
	}
	key, conf := filepath.Join(dir, "key"), filepath.Join(dir, "node.yaml")
	if err := os.WriteFile(key, []byte(farmtest.ClusterPassword+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("etcd: [%s]\ncluster_key_file: %s\nlisten: 127.0.0.1:0\nhttp: 127.0.0.1:0\nlog_level: warn\ndata_dir: %s\nleaves:\n%s",
		strings.Join(etcd.Endpoints(), ", "), key, dir, leaves.String())
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var running []*process
	var places []place
	var nodes []*sql.DB
	for n := range 3 {
		p := launch(t, nil, "serve", "--config", conf, "--name", nodeName(n+1))
		p.expected = []string{"level=WARN"}
		running, places, nodes = append(running, p), append(places, p.nodes...), append(nodes, p.open(t, ""))
	}
	do(t, nodes[0], "SET GLOBAL redundancy_level = 2")
	l := startLoad(t, places)
	do(t, nodes[0], "REBALANCE PARTITIONS ON load_d")
	eventually(t, "two copies", func() error { return replicated(nodes[0]) })
	l.goesOn(t)
	l.failures(t, "at first", -1)
	for m := 1; m <= localetcd.Most; m++ {
		step := fmt.Sprint("member ", m, " of the etcd")
		kill9(t, etcd.Home(m))
		l.goesOn(t)
		commands(t, step, nodes)
		awaitMember(t, filepath.Join(dir, "etcd"), m)
		l.failures(t, step, -1, outcomeUnknown...)
	}
	if err := farm.Kill(0); err != nil {
		t.Fatal(err)
	}
	l.goesOn(t)
	eventually(t, "two copies again", func() error { return replicated(nodes[0]) })
	allOnline(t, nodes) // or the node that is killed next may be just attaching it
	l.failures(t, "a leaf", -1, outcomeUnknown...)

	if err := running[0].cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the node is gone", func() error {
		all, controller, err := aggregators(nodes[1])
		if err == nil && (len(all) != 2 || controller == "" || controller == places[0].mysql) {
			err = fmt.Errorf("nodes %v, controller %q", all, controller)
		}
		return err
	})
	commands(t, "a node", nodes[1:])
	l.failures(t, "a node", 0, outcomeUnknown...)
	l.check(t, nodes[1])
	for n, p := range running[1:] {
		nodes[n+1].Close()
		p.stop(t, syscall.SIGTERM)
	}
}
