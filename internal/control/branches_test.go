package control_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
)

// ghost is a node that runs transactions by hand, up to a point, and is gone then.
type ghost struct {
	c     *cluster
	node  *catalog.Node
	pools *backend.Pools
	seq   uint64
	conns []*backend.Conn
	// shapes are leaves at which its transactions write the reference table d.r, too.
	shapes []string
}

func (c *cluster) ghost(name string) *ghost {
	c.t.Helper()
	n := c.nodes[len(c.nodes)-1]
	node, err := n.cat.Register(within(c.t, patience), catalog.NodeInfo{Name: name}, 10*time.Second)
	if err != nil {
		c.t.Fatal(err)
	}
	g := &ghost{c: c, node: node, pools: n.pools.Apart(backend.Config{}), seq: uint64(time.Now().UnixMicro())}
	c.t.Cleanup(func() {
		g.dies()
		for _, conn := range g.conns {
			conn.Discard()
			conn.Release()
		}
		g.pools.Close()
	})
	// The cluster waits for it to see what changes.
	ctx, cancel := context.WithCancel(context.Background())
	c.t.Cleanup(cancel)
	go func() {
		for ctx.Err() == nil {
			changed := n.cat.Changed()
			_ = node.Saw(ctx, n.cat.Snapshot().Revision, n.cat.AccountsVersion(), nil)
			select {
			case <-changed:
			case <-ctx.Done():
			}
		}
	}()
	return g
}

// dies ends its lease; its connections stay.
func (g *ghost) dies() { _ = g.node.Close(context.Background()) }

// prepare inserts a row at each of d's partitions, the first of which decides, prepares the branches, and commits at the first.
func (g *ghost) prepare(table string, value int, commit bool, parts ...int) {
	t := g.c.t
	t.Helper()
	g.seq++
	id := txn.ID{Owner: uint64(g.node.Lease()), Seq: g.seq}
	s := g.c.nodes[len(g.c.nodes)-1].cat.Snapshot()
	var first *backend.Conn
	for i, n := range parts {
		p := s.Databases["d"].Partitions[n]
		leaf, _ := p.Master()
		conn, err := g.pools.Get(within(t, patience), backend.Want{Leaf: leaf, Account: backend.Cluster, Variant: backend.Internal, Schema: p.ID.Schema(), Domain: p.Domain, Term: p.Term})
		if err != nil {
			t.Fatal(err)
		}
		g.conns = append(g.conns, conn)
		insert := fmt.Sprintf("INSERT INTO %s (id, v) VALUES (%d, 0)", table, value)
		x := txn.XID{ID: id, Decider: txn.PlaceHash(s.Databases["d"].Partitions[parts[0]].ID), Place: txn.PlaceHash(p.ID), Thread: conn.Thread()}.SQL()
		do := []string{"XA START " + x, insert, "XA END " + x, "XA PREPARE " + x}
		if i == 0 {
			do = []string{"START TRANSACTION", insert, fmt.Sprintf("CALL orbweaver.decide('%s', %d, %d)", p.ID.Schema(), id.Owner, id.Seq)}
			first = conn
		}
		for _, q := range do {
			if _, err := conn.Query(within(t, patience), q); err != nil {
				t.Fatalf("%s: %v", q, err)
			}
		}
	}
	for _, leaf := range g.shapes {
		conn, err := g.pools.Get(within(t, patience), backend.Want{Leaf: leaf, Account: backend.Cluster, Variant: backend.Internal, Schema: "d"})
		if err != nil {
			t.Fatal(err)
		}
		g.conns = append(g.conns, conn)
		x := txn.XID{ID: id, Decider: txn.PlaceHash(s.Databases["d"].Partitions[parts[0]].ID), Place: txn.PlaceShape, Thread: conn.Thread()}.SQL()
		for _, q := range []string{"XA START " + x, fmt.Sprintf("INSERT INTO r VALUES (%d)", value), "XA END " + x, "XA PREPARE " + x} {
			if _, err := conn.Query(within(t, patience), q); err != nil {
				t.Fatalf("%s: %v", q, err)
			}
		}
	}
	if commit {
		if _, err := first.Query(within(t, patience), "COMMIT"); err != nil {
			t.Fatal(err)
		}
	}
}

// prepared counts the branches at the leaves that answer, but for replicas'.
func (c *cluster) prepared(leaves ...string) (n int) {
	c.t.Helper()
	for _, leaf := range leaves {
		conn, err := c.nodes[len(c.nodes)-1].pools.Get(within(c.t, patience), backend.Want{Leaf: leaf, Account: backend.Cluster, Variant: backend.Internal})
		if err != nil {
			c.t.Fatal(err)
		}
		res, err := conn.Query(within(c.t, patience), "XA RECOVER")
		conn.Release()
		if err != nil {
			c.t.Fatal(err)
		}
		n += len(res.Rows)
	}
	return n
}

// rowsWith waits for a table to have so many rows with a value at d's partitions, whatever is still under way.
func (c *cluster) rowsWith(value, want int) {
	c.t.Helper()
	n := -1
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if err := c.nodes[len(c.nodes)-1].db.QueryRow("SELECT COUNT(*) FROM d.t WHERE id = ?", value).Scan(&n); err != nil {
			c.t.Fatal(err)
		}
		if n == want {
			return
		}
	}
	c.t.Errorf("%d rows with id %d, want %d", n, value, want)
}

func (c *cluster) settled(leaves ...string) {
	c.t.Helper()
	for deadline := time.Now().Add(patience); c.prepared(leaves...) > 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			events, _ := c.nodes[len(c.nodes)-1].cat.Events(within(c.t, patience))
			c.t.Fatalf("%d branches are prepared at %v; %v", c.prepared(leaves...), leaves, events)
		}
	}
}

// A node dies between the steps of two commits, and the leaf dies that decides about them: its next master knows what it knew.
func TestBranchesAreSettledAfterAFailover(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 2, 2)
	c.must("CREATE DATABASE d PARTITIONS 4 WITH SYNC REPLICATION", "CREATE TABLE d.t (id BIGINT, v INT)")
	c.until("whole", whole)
	var one, two []int // partitions by their masters
	for n, p := range c.nodes[0].cat.Snapshot().Databases["d"].Partitions {
		if m, _ := p.Master(); m == "leaf-1" {
			one = append(one, n)
		} else {
			two = append(two, n)
		}
	}
	g := c.ghost("ghost")
	g.prepare("t", 1, true, one[0], two[0])
	g.prepare("t", 2, false, one[0], two[0])
	g.prepare("t", 3, true, two[1], one[1])
	g.prepare("t", 4, false, two[1], one[1])
	// SYNC: what was acknowledged is at the replicas.
	for _, n := range append(one, two...) {
		p := c.nodes[0].cat.Snapshot().Databases["d"].Partitions[n]
		c.has(p)
	}
	release := c.hold(0)
	c.until("a failover", func(s *topo.Snapshot) bool {
		for _, p := range s.Databases["d"].Partitions {
			if m, ok := p.Master(); !ok || m != "leaf-2" || p.Locked {
				return false
			}
		}
		return true
	})
	if n := c.prepared("leaf-2"); n != 4 {
		t.Errorf("%d branches are prepared while their node lives, want 4", n)
	}
	g.dies()
	c.settled("leaf-2")
	for value, want := range map[int]int{1: 2, 2: 0, 3: 2, 4: 0} {
		c.rowsWith(value, want)
	}
	release()
	c.until("whole again", whole)
	c.settled("leaf-1", "leaf-2")
	c.equal("t")
	events, err := c.nodes[1].cat.Events(within(t, patience))
	if err != nil {
		t.Fatal(err)
	}
	told := ""
	for _, e := range events {
		if e.Kind == "transactions settled" {
			told += e.Detail + "\n"
		}
	}
	if !strings.Contains(told, "committed") {
		t.Errorf("the events tell %q", told)
	}
}

// has waits until a partition's replicas have all that its master has.
func (c *cluster) has(p *topo.Partition) {
	c.t.Helper()
	master, _ := p.Master()
	at := func(leaf string) string {
		conn, err := c.nodes[0].pools.Get(within(c.t, patience), backend.Want{Leaf: leaf, Account: backend.Cluster, Variant: backend.Internal})
		if err != nil {
			c.t.Fatal(err)
		}
		defer conn.Release()
		res, err := conn.Query(within(c.t, patience), "SELECT @@GLOBAL.gtid_binlog_pos")
		if err != nil {
			c.t.Fatal(err)
		}
		for g := range strings.SplitSeq(string(res.Rows[0][0]), ",") {
			if strings.HasPrefix(g, fmt.Sprint(p.Domain)+"-") {
				return g
			}
		}
		return ""
	}
	for _, r := range p.Replicas() {
		for deadline := time.Now().Add(patience); at(r) != at(master); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				c.t.Fatalf("partition %s: %s on %s, %s on %s", p.ID, at(master), master, at(r), r)
			}
		}
	}
}

// The only copies of partitions come back with branches that wait for what is decided there, too: no client sees a half of them.
func TestBranchesAreSettledBeforeALeafServes(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 1, 2)
	c.must("CREATE DATABASE d PARTITIONS 4", "CREATE TABLE d.t (id BIGINT, v INT)", "CREATE REFERENCE TABLE d.r (id INT PRIMARY KEY)")
	var one []int
	for n, p := range c.nodes[0].cat.Snapshot().Databases["d"].Partitions {
		if m, _ := p.Master(); m == "leaf-1" {
			one = append(one, n)
		}
	}
	g := c.ghost("ghost")
	// Reference tables, too: the other leaf can't give a copy of them before it is known what becomes of these.
	g.shapes = []string{"leaf-1", "leaf-2"}
	g.prepare("t", 1, true, one[0], one[1])
	g.prepare("t", 2, false, one[0], one[1])
	served := func(s *topo.Snapshot) (n int) {
		for _, i := range one {
			if _, ok := s.Databases["d"].Partitions[i].Master(); ok {
				n++
			}
		}
		return n
	}
	release := c.hold(0)
	c.until("the leaf away", func(s *topo.Snapshot) bool { return served(s) == 0 })
	g.dies()
	release()
	cat := c.nodes[len(c.nodes)-1].cat
	for deadline := time.Now().Add(patience); ; {
		changed := cat.Changed()
		if served(cat.Snapshot()) > 0 {
			break
		}
		select {
		case <-changed:
		case <-time.After(time.Until(deadline)):
			t.Fatal("the leaf does not serve again")
		}
	}
	if n := c.prepared("leaf-1"); n != 0 {
		t.Errorf("%d branches are prepared when it serves", n)
	}
	c.rowsWith(1, 2)
	c.rowsWith(2, 0)
	c.until("the leaf back", whole)
	c.settled("leaf-1", "leaf-2")
	for _, leaf := range g.shapes {
		if rows := c.rows(leaf, "SELECT id FROM d.r"); len(rows) != 1 || rows[0][0] != "1" {
			t.Errorf("%s has %v of the reference table", leaf, rows)
		}
	}
}

// A leaf that is set aside while a look at reference tables waits for a transaction lacks what is written meanwhile: nobody gets its rows.
func TestReferenceTablesAreNotAlignedWithALeafThatHasGone(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, 1, 2)
	c.must("CREATE DATABASE d PARTITIONS 3", "CREATE TABLE d.t (id BIGINT, v INT)", "CREATE REFERENCE TABLE d.r (id INT PRIMARY KEY)", "INSERT INTO d.r VALUES (1)")
	var parts []int
	for n, p := range c.nodes[0].cat.Snapshot().Databases["d"].Partitions {
		if m, _ := p.Master(); m != "leaf-1" {
			parts = append(parts, n)
		}
	}
	g := c.ghost("ghost")
	g.shapes = []string{"leaf-2"}
	g.prepare("t", 5, false, parts...)
	n := c.nodes[0]
	if _, err := n.member.Mark(within(t, patience), true); err != nil {
		t.Fatal(err)
	}
	c.until("a look that waits", func(s *topo.Snapshot) bool { return s.Databases["d"].Locked })
	c.change(func(x *catalog.Txn) {
		leaf := *x.Leaf("leaf-1")
		leaf.State = topo.LeafDetached
		x.PutLeaf(&leaf)
	})
	c.must("INSERT INTO d.r VALUES (2)")
	g.dies()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		marks, err := n.cat.Marks(within(t, patience))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(marks, func(m catalog.Mark) bool { return m.Doubt }) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("nobody has looked")
		}
	}
	for _, leaf := range []string{"leaf-2", "leaf-3"} {
		if rows := c.rows(leaf, "SELECT id FROM d.r"); len(rows) != 2 {
			t.Errorf("%s has %v of the reference table", leaf, rows)
		}
	}
}
