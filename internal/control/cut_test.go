package control_test

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/faultproxy"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// Packets that are dropped are another matter than servers that die: nobody is told, and the server goes on.

func proxy(t *testing.T, target string) *faultproxy.Proxy {
	t.Helper()
	p, err := faultproxy.Start(target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func port(t *testing.T, p *faultproxy.Proxy) int {
	t.Helper()
	_, text, err := net.SplitHostPort(p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func heal(t *testing.T, p *faultproxy.Proxy) {
	t.Helper()
	if err := p.Heal(); err != nil {
		t.Fatal(err)
	}
}

func TestLeafThatIsCutOffIsLeftAndTakenBack(t *testing.T) {
	c := newCluster(t, 2, 2, 0)
	c.hasty = true
	for _, l := range c.farm.Leaves() {
		c.proxies = append(c.proxies, proxy(t, fmt.Sprintf("%s:%d", l.Host, l.Port)))
	}
	c.first(2)
	c.must("CREATE DATABASE d PARTITIONS 4 WITH SYNC REPLICATION", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT)")
	c.until("whole", whole)
	load := c.insert(4)
	for round := range 2 {
		load.more(t, 100)
		leaf := c.farm.Leaves()[round].Name
		c.proxies[round].BlackHole()
		c.until("a failover", func(s *topo.Snapshot) bool {
			for _, p := range s.Databases["d"].Partitions {
				if m, ok := p.Master(); !ok || m == leaf || p.Locked {
					return false
				}
			}
			return s.Leaves[leaf].State == topo.LeafOffline
		})
		load.more(t, 100)
		heal(t, c.proxies[round])
		c.until("whole again", whole)
	}
	load.more(t, 100)
	load.end(t, c)
	c.equal("t")
}

// A connection to a replica breaks in the midst of making it a master: it is the only one that can be.
func TestReplicaThatBreaksOffBecomesMaster(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 2, 0)
	for _, l := range c.farm.Leaves() {
		p, err := faultproxy.StartMySQL(fmt.Sprintf("%s:%d", l.Host, l.Port), func(net.Conn) string { return "node" })
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Close)
		c.proxies = append(c.proxies, p)
	}
	c.first(1)
	c.must("CREATE DATABASE d PARTITIONS 4 WITH SYNC REPLICATION", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT)")
	c.until("whole", whole)
	serve := c.proxies[1].Stop(faultproxy.Asked, func(q faultproxy.Command) bool {
		return strings.Contains(string(q.Text), "REPLACE INTO orbweaver.terms")
	})
	release := c.hold(0)
	select {
	case <-serve.Reached():
	case <-time.After(patience):
		t.Fatal("no replica becomes master")
	}
	serve.Reset()
	c.until("a failover", func(s *topo.Snapshot) bool {
		for _, p := range s.Databases["d"].Partitions {
			if m, ok := p.Master(); !ok || m != "leaf-2" || p.Locked {
				return false
			}
		}
		return true
	})
	release()
	c.until("whole again", whole)
}

// One node of three does not reach a leaf that the others reach: it is the node's trouble, and no failover.
func TestNodeThatIsCutOffFromALeaf(t *testing.T) {
	t.Parallel() // it waits for what can't be reached
	c := newCluster(t, 2, 2, 0)
	c.first(2)
	far := c.farm.Leaves()[0]
	p := proxy(t, fmt.Sprintf("%s:%d", far.Host, far.Port))
	c.detour, c.hasty = map[string]string{far.Name: p.Addr()}, true
	c.wait = 5 * time.Second // what waits for the leaf there waits in vain
	c.next()
	c.must("CREATE DATABASE d PARTITIONS 2", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT)")
	c.until("whole", whole)
	p.BlackHole()
	c.reported(far.Name, true)
	for id := range 20 {
		c.must(fmt.Sprintf("INSERT INTO d.t VALUES (%d, 1)", id))
	}
	failed := 0
	for id := range 4 { // over both partitions
		if _, err := c.nodes[2].db.ExecContext(within(t, patience), fmt.Sprintf("UPDATE d.t SET v = 2 WHERE id = %d", id)); err != nil {
			failed++
		}
	}
	if failed == 0 || failed == 4 {
		t.Errorf("%d of 4 writes failed: the node reaches one leaf of two", failed)
	}
	for _, part := range c.nodes[0].cat.Snapshot().Databases["d"].Partitions {
		if part.Term != 1 || len(part.Instances) != 2 {
			t.Errorf("partition %s: term %d, %v", part.ID, part.Term, part.Instances)
		}
	}
	heal(t, p)
	c.reported(far.Name, false)
	for id := range 4 {
		if _, err := c.nodes[2].db.ExecContext(within(t, patience), fmt.Sprintf("UPDATE d.t SET v = 3 WHERE id = %d", id)); err != nil {
			t.Error(err)
		}
	}
	var n int
	if err := c.nodes[1].db.QueryRow("SELECT COUNT(*) FROM d.t WHERE v = 3").Scan(&n); err != nil || n != 4 {
		t.Errorf("%d rows (%v)", n, err)
	}
	c.equal("t")
}

// alive waits until that many nodes have a lease.
func (c *cluster) alive(n int) {
	c.t.Helper()
	for deadline := time.Now().Add(patience); len(c.nodes[0].cat.Nodes()) != n; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			c.t.Fatalf("%d nodes are alive, not %d", len(c.nodes[0].cat.Nodes()), n)
		}
	}
}

// A node that etcd has taken for dead knows nothing of masters that change: what it writes to the old ones must not be acknowledged.
func TestNodeThatIsCutOffFromEtcd(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 2, 1)
	u, err := url.Parse(c.etcd.Endpoints()[0])
	if err != nil {
		t.Fatal(err)
	}
	p := proxy(t, u.Host)
	c.endpoint, c.wait = "http://"+p.Addr(), 10*time.Second // what waits for masters there waits in vain
	c.next()
	c.endpoint, c.wait = "", 0
	stale := c.nodes[1]
	c.next()
	c.must("CREATE DATABASE d PARTITIONS 4 WITH SYNC REPLICATION", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT)")
	c.until("whole", whole)
	load := c.insert(6)
	load.more(t, 100)
	p.BlackHole()
	c.alive(2)
	for _, part := range c.nodes[0].cat.Snapshot().Databases["d"].Partitions {
		to := c.nodes[0].cat.Snapshot().Leaves[part.Replicas()[0]]
		if _, err := c.nodes[0].db.Exec(fmt.Sprintf("PROMOTE PARTITION d:%d ON '%s':%d", part.ID.Ordinal, to.Host, to.Port)); err != nil {
			t.Error(err)
		}
	}
	var n int
	if err := stale.db.QueryRowContext(within(t, patience), "SELECT COUNT(*) FROM d.t").Scan(&n); err != nil {
		t.Logf("a read at the stale node: %v", err)
	}
	load.more(t, 100)
	heal(t, p)
	c.alive(3)
	c.until("whole", whole)
	load.more(t, 100)
	load.mu.Lock()
	refused := len(load.failed)
	load.failed = nil // its clients were told that nothing was done
	load.mu.Unlock()
	t.Logf("%d writes were refused, %d are of unknown outcome", refused, load.unknown)
	load.end(t, c)
	c.equal("t")
}
