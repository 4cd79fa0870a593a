package control_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/control"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// leaf is a session at a leaf itself, as its administrator.
func (c *cluster) leaf(i int) *sql.Conn {
	c.t.Helper()
	db, err := sql.Open("mysql", "root@unix("+c.farm.Leaves()[i].Socket+")/")
	if err != nil {
		c.t.Fatal(err)
	}
	conn, err := db.Conn(within(c.t, patience))
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { conn.Close(); db.Close() })
	return conn
}

func (c *cluster) at(conn *sql.Conn, statements ...string) {
	c.t.Helper()
	for _, s := range statements {
		if _, err := conn.ExecContext(within(c.t, patience), s); err != nil {
			c.t.Fatalf("%s: %v", s, err)
		}
	}
}

// reported waits until the last node says so of a leaf.
func (c *cluster) reported(leaf string, down bool) {
	c.t.Helper()
	n := c.nodes[len(c.nodes)-1]
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		var seen map[string]struct {
			Down bool `json:"down"`
		}
		if doc := n.cat.Heard("leaves")[n.member.ID()]; doc != nil {
			if err := json.Unmarshal(doc, &seen); err != nil {
				c.t.Fatal(err)
			}
		}
		if o, ok := seen[leaf]; ok && o.Down == down {
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("nobody says down=%v of leaf %s", down, leaf)
		}
	}
}

// happened says whether there is an event of a kind.
func (c *cluster) happened(kind string) bool {
	c.t.Helper()
	events, err := c.nodes[len(c.nodes)-1].cat.Events(within(c.t, patience))
	if err != nil {
		c.t.Fatal(err)
	}
	for _, e := range events {
		if e.Kind == kind {
			c.t.Logf("%s, leaf %s: %s", e.Kind, e.Leaf, e.Detail)
			return true
		}
	}
	return false
}

// mastered are the partitions of d whose master is on a leaf.
func (c *cluster) mastered(leaf string) (out []*topo.Partition) {
	for _, p := range c.nodes[len(c.nodes)-1].cat.Snapshot().Databases["d"].Partitions {
		if m, ok := p.Master(); ok && m == leaf {
			out = append(out, p)
		}
	}
	return out
}

// What all leaves share has failed, as the nodes' network or machine: nobody could take anybody's place, and when it is over all go on where they were.
func TestNobodyIsTakenForDeadWhileNobodyAnswers(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 2, 0)
	c.configure = func(cfg *control.Config) { cfg.Dark = 2 * patience }
	c.first(1)
	c.must("CREATE DATABASE d PARTITIONS 4", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT)", "INSERT INTO d.t VALUES (1, 1), (2, 2), (3, 3)")
	c.until("whole", whole)
	before := c.nodes[0].cat.Snapshot().Databases["d"]
	for i := range 2 {
		if err := c.farm.Pause(i); err != nil {
			t.Fatal(err)
		}
	}
	c.reported("leaf-1", true)
	c.reported("leaf-2", true)
	for range 10 { // the controller looks ten times a second
		time.Sleep(100 * time.Millisecond)
		if !whole(c.nodes[0].cat.Snapshot()) {
			t.Fatal("a leaf was taken for dead")
		}
	}
	for i := range 2 {
		if err := c.farm.Resume(i); err != nil {
			t.Fatal(err)
		}
	}
	c.reported("leaf-1", false)
	c.reported("leaf-2", false)
	c.must("INSERT INTO d.t VALUES (4, 4), (5, 5), (6, 6), (7, 7)")
	if c.happened("leaf offline") {
		t.Error("a leaf was lost")
	}
	for i, p := range c.nodes[0].cat.Snapshot().Databases["d"].Partitions {
		if p.Term != before.Partitions[i].Term {
			t.Errorf("partition %s has a new term", p.ID)
		}
	}
}

func TestLeavesThatStartLateAreNotFailedOverFrom(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 2, 1)
	c.must("CREATE DATABASE d PARTITIONS 4", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT)", "INSERT INTO d.t VALUES (1, 1), (2, 2), (3, 3)")
	c.until("whole", whole)
	c.nodes[0].stop(t)
	release := c.hold(1)
	c.next()
	c.reported("leaf-1", false)
	c.reported("leaf-2", true)
	for range 10 { // the controller looks ten times a second
		time.Sleep(100 * time.Millisecond)
		if s := c.nodes[1].cat.Snapshot(); !whole(s) {
			t.Fatalf("leaf-2 is %s", s.Leaves["leaf-2"].State)
		}
	}
	release()
	c.reported("leaf-2", false)
	for _, p := range c.nodes[1].cat.Snapshot().Databases["d"].Partitions {
		if p.Term != 1 {
			t.Errorf("partition %s is in term %d", p.ID, p.Term)
		}
	}
	var n int
	if err := c.nodes[1].db.QueryRow("SELECT COUNT(*) FROM d.t").Scan(&n); err != nil || n != 3 {
		t.Errorf("%d rows (%v)", n, err)
	}
}

func TestLockOfADeadControllerHoldsNoFailoverUp(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 2, 1)
	c.must("CREATE DATABASE d PARTITIONS 4", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT)", "INSERT INTO d.t VALUES (1, 1), (2, 2), (3, 3), (4, 4), (5, 5)")
	c.until("whole", whole)
	c.equal("t")
	c.nodes[0].watch.Close()
	// It dies in a switch, and the old master with it.
	locked := c.mastered("leaf-1")[0].ID
	c.change(func(x *catalog.Txn) {
		d := *x.Database("d")
		d.Partitions = append([]*topo.Partition(nil), d.Partitions...)
		p := *d.Partitions[locked.Ordinal]
		p.Locked = true
		d.Partitions[locked.Ordinal] = &p
		x.PutDatabase(&d)
	})
	release := c.hold(0)
	c.nodes[0].stop(t)
	c.configure = func(cfg *control.Config) { cfg.Grace = time.Second }
	c.next()
	c.until("a failover", func(s *topo.Snapshot) bool {
		for _, p := range s.Databases["d"].Partitions {
			if m, ok := p.Master(); !ok || m != "leaf-2" || p.Locked {
				return false
			}
		}
		return true
	})
	var n int
	if err := c.nodes[1].db.QueryRow("SELECT COUNT(*) FROM d.t").Scan(&n); err != nil || n != 5 {
		t.Errorf("%d rows (%v)", n, err)
	}
	release()
	c.until("whole again", whole)
	c.equal("t")
}

func TestFailoverOfADeadControllerIsEnded(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 2, 1)
	c.must("CREATE DATABASE d PARTITIONS 4", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT)", "INSERT INTO d.t VALUES (1, 1), (2, 2), (3, 3), (4, 4), (5, 5)")
	c.until("whole", whole)
	c.equal("t")
	c.nodes[0].watch.Close()
	// What a failover begins with. The leaf is back before the next controller is there.
	c.change(func(x *catalog.Txn) {
		l := *x.Leaf("leaf-1")
		l.State = topo.LeafOffline
		x.PutLeaf(&l)
		d := *x.Database("d")
		d.Partitions = append([]*topo.Partition(nil), d.Partitions...)
		for i, old := range d.Partitions {
			p := *old
			if m, _ := p.Master(); m == "leaf-1" {
				p.Locked = true
			} else {
				p.Instances = p.Instances[:1]
			}
			d.Partitions[i] = &p
		}
		x.PutDatabase(&d)
	})
	c.next()
	c.until("whole again", whole)
	c.equal("t")
	var n int
	if err := c.nodes[1].db.QueryRow("SELECT COUNT(*) FROM d.t").Scan(&n); err != nil || n != 5 {
		t.Errorf("%d rows (%v)", n, err)
	}
}

// change changes the topology, whoever the controller is.
func (c *cluster) change(f func(*catalog.Txn)) {
	c.t.Helper()
	if _, err := c.nodes[0].cat.Update(within(c.t, patience), func(x *catalog.Txn) error { f(x); return nil }); err != nil {
		c.t.Fatal(err)
	}
}

// links is how many replication connections a leaf has. Its sessions are ended when it comes back.
func (c *cluster) links(i int) (n int) {
	db, err := sql.Open("mysql", "root@unix("+c.farm.Leaves()[i].Socket+")/")
	if err != nil {
		c.t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("SHOW ALL SLAVES STATUS")
	if err != nil {
		return 1
	}
	defer rows.Close()
	for rows.Next() {
		n++
	}
	if rows.Err() != nil {
		return 1
	}
	return n
}

func TestLeafIsLostWhileItIsTakenBack(t *testing.T) {
	c := newCluster(t, 2, 2, 0)
	c.hasty = true
	c.first(1)
	c.must("CREATE DATABASE d PARTITIONS 4", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT)")
	c.until("whole", whole)
	release := c.hold(0)
	c.until("a failover", func(s *topo.Snapshot) bool {
		return s.Leaves["leaf-1"].State == topo.LeafOffline && len(c.mastered("leaf-2")) == 4
	})
	lock, err := c.nodes[0].member.Lock(within(t, patience), "d") // as DDL does that takes long
	if err != nil {
		t.Fatal(err)
	}
	release()
	c.until("attaching", func(s *topo.Snapshot) bool { return s.Leaves["leaf-1"].State == topo.LeafAttaching })
	for deadline := time.Now().Add(patience); c.links(0) > 0; time.Sleep(10 * time.Millisecond) { // their end comes right before the lock is waited for
		if time.Now().After(deadline) {
			t.Fatal("the leaf follows still")
		}
	}
	if err := c.farm.Pause(0); err != nil {
		t.Fatal(err)
	}
	c.until("offline again", func(s *topo.Snapshot) bool { return s.Leaves["leaf-1"].State == topo.LeafOffline })
	lock.Unlock()
	if err := c.farm.Resume(0); err != nil {
		t.Fatal(err)
	}
	c.until("whole again", whole)
	c.equal("t")
}

// replicaOn finds a row's partition whose replica is on a leaf: the row's key, and the partition's database.
func (c *cluster) replicaOn(leaf string, from int) (key int, p *topo.Partition) {
	c.t.Helper()
	for key = from; key < from+100; key++ {
		c.must(fmt.Sprintf("INSERT INTO d.t VALUES (%d, 0)", key))
		for _, p := range c.nodes[0].cat.Snapshot().Databases["d"].Partitions {
			if r := p.Replicas(); len(r) != 1 || r[0] != leaf {
				continue
			}
			master, _ := p.Master()
			for i, l := range c.farm.Leaves() {
				var n int
				if l.Name != master {
					continue
				}
				if err := c.leaf(i).QueryRowContext(within(c.t, patience), fmt.Sprintf("SELECT COUNT(*) FROM %s.t WHERE id = %d", p.ID.Schema(), key)).Scan(&n); err != nil {
					c.t.Fatal(err)
				}
				if n == 1 {
					return key, p
				}
			}
		}
	}
	c.t.Fatal("no such row")
	return 0, nil
}

func TestSlowReplicaIsWaitedForNoLonger(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 2, 0)
	c.configure = func(cfg *control.Config) { cfg.Behind = 2 * time.Second }
	c.first(2)
	c.must("CREATE DATABASE d PARTITIONS 2 WITH SYNC REPLICATION", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT)")
	c.until("whole", whole)
	key, p := c.replicaOn("leaf-2", 1)
	slow := c.leaf(1)
	c.at(slow, "LOCK TABLES "+p.ID.Schema()+".t READ")
	wrote := make(chan error, 1)
	go func() {
		_, err := c.nodes[0].db.Exec(fmt.Sprintf("UPDATE d.t SET v = 1 WHERE id = %d", key))
		wrote <- err
	}()
	if err := <-wrote; err != nil && !unknownOutcome(err) {
		t.Error(err)
	}
	c.until("no replica", func(s *topo.Snapshot) bool { return len(s.Partition(p.ID).Replicas()) == 0 })
	c.must(fmt.Sprintf("UPDATE d.t SET v = 2 WHERE id = %d", key))
	c.at(slow, "UNLOCK TABLES")
	c.until("whole again", whole)
	if !c.happened("replica behind") || c.happened("replica broken") {
		t.Error("the events tell something else")
	}
	c.equal("t")
}

func TestBrokenReplicaIsWaitedForByNobodyWhileAnOperationRuns(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 2, 1)
	c.must("CREATE DATABASE beside PARTITIONS 2", "CREATE DATABASE d PARTITIONS 2 WITH SYNC REPLICATION", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT)")
	c.until("whole", whole)
	key, p := c.replicaOn("leaf-2", 1)
	lock, err := c.nodes[0].member.Lock(within(t, patience), "d")
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Unlock()
	moved := make(chan error, 1)
	to := c.nodes[0].cat.Snapshot().Leaves["leaf-2"]
	go func() { // it waits for the DDL, and everything else on the database waits for it
		_, err := c.nodes[0].db.Exec(fmt.Sprintf("PROMOTE PARTITION d:%d ON '%s':%d", p.ID.Ordinal, to.Host, to.Port))
		moved <- err
	}()
	c.at(c.leaf(1), "SET SESSION sql_log_bin=0", fmt.Sprintf("DELETE FROM %s.t WHERE id = %d", p.ID.Schema(), key))
	if _, err := c.nodes[0].db.Exec(fmt.Sprintf("UPDATE d.t SET v = 1 WHERE id = %d", key)); err != nil && !unknownOutcome(err) {
		t.Error(err)
	}
	c.until("no replica", func(s *topo.Snapshot) bool { return len(s.Partition(p.ID).Replicas()) == 0 })
	lock.Unlock()
	if err := <-moved; err == nil {
		t.Error("a broken replica was made the master")
	}
	c.until("whole again", whole)
	c.equal("t")
	var v int
	if err := c.nodes[0].db.QueryRow(fmt.Sprintf("SELECT v FROM d.t WHERE id = %d", key)).Scan(&v); err != nil || v != 1 {
		t.Errorf("v = %d (%v)", v, err)
	}
	events, err := c.nodes[0].cat.Events(within(t, patience))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events { // what else the link brings is not made anew
		if e.Kind == "replica broken" && e.Database != "d" {
			t.Errorf("%s: %s", e.Database, e.Detail)
		}
	}
}

// brokenLink waits until a leaf's replication tells an error.
func (c *cluster) brokenLink(i int) {
	c.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		rows, err := c.leaf(i).QueryContext(within(c.t, patience), "SHOW ALL SLAVES STATUS")
		if err != nil {
			c.t.Fatal(err)
		}
		columns, err := rows.Columns()
		if err != nil {
			c.t.Fatal(err)
		}
		at := slices.Index(columns, "Last_SQL_Errno")
		broken := false
		for rows.Next() {
			row := make([]any, len(columns))
			for i := range row {
				row[i] = new(sql.RawBytes)
			}
			if err := rows.Scan(row...); err != nil {
				c.t.Fatal(err)
			}
			broken = broken || string(*row[at].(*sql.RawBytes)) != "0"
		}
		if err := rows.Err(); err != nil {
			c.t.Fatal(err)
		}
		rows.Close()
		if broken {
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatal("replication goes on")
		}
	}
}

func TestOneBrokenReplicaLosesNoOtherPartition(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 2, 1)
	c.must("CREATE DATABASE d PARTITIONS 4", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT)")
	c.until("whole", whole)
	key, p := c.replicaOn("leaf-2", 1)
	c.must("INSERT INTO d.t VALUES (1001, 1), (1002, 1), (1003, 1), (1004, 1), (1005, 1), (1006, 1)")
	c.equal("t")
	c.at(c.leaf(1), "SET SESSION sql_log_bin=0", fmt.Sprintf("DELETE FROM %s.t WHERE id = %d", p.ID.Schema(), key))
	c.must(fmt.Sprintf("UPDATE d.t SET v = 1 WHERE id = %d", key))
	c.brokenLink(1) // what the replica has not received, nobody expects of it
	release := c.hold(0)
	c.until("a failover", func(s *topo.Snapshot) bool {
		for _, q := range s.Databases["d"].Partitions {
			m, ok := q.Master()
			if q.ID == p.ID && !ok && q.Home == "leaf-1" {
				continue
			}
			if !ok || m != "leaf-2" || q.Locked {
				return false
			}
		}
		return true
	})
	release()
	c.until("whole again", whole)
	c.equal("t")
	var v int
	if err := c.nodes[0].db.QueryRow(fmt.Sprintf("SELECT v FROM d.t WHERE id = %d", key)).Scan(&v); err != nil || v != 1 {
		t.Errorf("v = %d (%v)", v, err)
	}
}

func TestAnotherNodeIsMadeTheController(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 2, 2)
	c.must("CREATE DATABASE d PARTITIONS 2 WITH SYNC REPLICATION", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT)")
	c.until("whole", whole)
	load := c.insert(2)
	for i := range 4 {
		load.more(t, 20)
		to := c.nodes[i%2]
		info := to.cat.Nodes()[i%2]
		host, port, _ := strings.Cut(info.MySQL, ":")
		if _, err := c.nodes[1].db.Exec(fmt.Sprintf("PROMOTE AGGREGATOR '%s':%s TO MASTER", host, port)); err != nil {
			t.Fatal(err)
		}
		if got := to.cat.Controller(); got != info.Name {
			t.Errorf("%s is the controller, not %s", got, info.Name)
		}
		p := to.cat.Snapshot().Databases["d"].Partitions[0]
		l := to.cat.Snapshot().Leaves[p.Replicas()[0]]
		if _, err := c.nodes[0].db.Exec(fmt.Sprintf("PROMOTE PARTITION d:0 ON '%s':%d", l.Host, l.Port)); err != nil {
			t.Error(err)
		}
	}
	load.end(t, c)
	c.equal("t")
}

func TestAllLeavesAreRestartedWithoutAnError(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 2, 1)
	c.must("CREATE DATABASE d PARTITIONS 2 WITH SYNC REPLICATION", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT)")
	c.until("whole", whole)
	before := []int{c.farm.PID(0), c.farm.PID(1)}
	load := c.insert(3)
	load.more(t, 50)
	if _, err := c.nodes[0].db.ExecContext(within(t, patience), "RESTART LEAVES"); err != nil {
		t.Fatal(err)
	}
	for i, pid := range before {
		if now := c.farm.PID(i); now == pid || now == 0 {
			t.Errorf("leaf %d was process %d and is %d", i+1, pid, now)
		}
	}
	load.more(t, 50)
	load.end(t, c)
	if load.unknown > 0 {
		t.Errorf("%d outcomes are unknown", load.unknown)
	}
	c.until("whole", whole)
	c.equal("t")
}
