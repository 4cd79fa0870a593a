package control_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/control"
	"github.com/orbweaver/orbweaver/internal/localfarm"
	"github.com/orbweaver/orbweaver/internal/mariadb"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// mastersAt says whether a leaf has the masters of all partitions of d.
func mastersAt(leaf string) func(*topo.Snapshot) bool {
	return func(s *topo.Snapshot) bool {
		for _, p := range s.Databases["d"].Partitions {
			if m, ok := p.Master(); !ok || m != leaf || p.Locked {
				return false
			}
		}
		return true
	}
}

// logged is where a leaf's binary log is.
func (c *cluster) logged(i int) mariadb.Position {
	c.t.Helper()
	conn := c.leaf(i)
	defer conn.Close()
	var text string
	if err := conn.QueryRowContext(within(c.t, patience), "SELECT @@GLOBAL.gtid_binlog_pos").Scan(&text); err != nil {
		c.t.Fatal(err)
	}
	pos, err := mariadb.ParsePosition(text)
	if err != nil {
		c.t.Fatal(err)
	}
	return pos
}

// logs are the binary logs of a leaf, the oldest first.
func (c *cluster) logs(i int) (out []mariadb.Log) {
	c.t.Helper()
	conn := c.leaf(i)
	defer conn.Close()
	rows, err := conn.QueryContext(within(c.t, patience), "SHOW BINARY LOGS")
	if err != nil {
		c.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var l mariadb.Log
		if err := rows.Scan(&l.Name, &l.Size); err != nil {
			c.t.Fatal(err)
		}
		out = append(out, l)
	}
	if err := rows.Err(); err != nil {
		c.t.Fatal(err)
	}
	return out
}

// someRounds lets the clearing do what it must not.
func someRounds() { time.Sleep(600 * time.Millisecond) }

func TestBinaryLogsAreKeptForLeavesThatAreAway(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 2, 0)
	c.configure = often
	c.first(1)
	c.must("CREATE DATABASE d PARTITIONS 2 WITH SYNC REPLICATION", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT)")
	c.until("whole", whole)
	n := 0
	rows := func() {
		for range 20 {
			n++
			c.must(fmt.Sprintf("INSERT INTO d.t VALUES (%d, 0)", n))
		}
	}
	// away has leaf-2 miss three binary logs of leaf-1, and gives the terms' domains in them.
	away := func() (domains []uint32, back func()) {
		back = c.hold(1)
		c.until("a failover", mastersAt("leaf-1"))
		for _, p := range c.nodes[0].cat.Snapshot().Databases["d"].Partitions {
			domains = append(domains, p.Domain)
		}
		conn := c.leaf(0)
		defer conn.Close()
		for range 3 {
			rows()
			c.at(conn, "FLUSH BINARY LOGS")
		}
		rows()
		return domains, back
	}

	domains, back := away()
	someRounds()
	if got := c.logs(0); len(got) < 4 {
		t.Errorf("logs that a leaf needs which is away were purged: %v", got)
	}
	back()
	c.until("whole again", whole)
	for _, d := range domains {
		if have, want := c.logged(1)[d], c.logged(0)[d]; have != want {
			t.Errorf("domain %d was followed up to %s and not to %s, though its logs were kept", d, have, want)
		}
	}
	c.equal("t")

	// The newest logs of no more than so many bytes stay.
	c.until("masters on both", func(s *topo.Snapshot) bool { return whole(s) && !mastersAt("leaf-1")(s) && !mastersAt("leaf-2")(s) })
	domains, back = away()
	all := c.logs(0)
	last := all[len(all)-2:]
	c.must(fmt.Sprintf("SET GLOBAL binlog_keep_bytes = %d", last[0].Size+last[1].Size+500))
	for deadline := time.Now().Add(patience); c.logs(0)[0].Name != last[0].Name; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("of %v, %v are left", all, c.logs(0))
		}
	}
	someRounds()
	if got := c.logs(0); got[0].Name != last[0].Name {
		t.Errorf("of %v, %v are left", all, got)
	}
	back()
	c.until("whole again", whole)
	for _, d := range domains {
		if at := c.logged(1)[d]; at == c.logged(0)[d] {
			t.Errorf("domain %d was followed up to %s, though its first logs were purged", d, at)
		}
	}
	c.equal("t")
	rows()
	c.hold(0)
	c.until("another failover", mastersAt("leaf-2"))
	var have int
	if err := c.nodes[0].db.QueryRow("SELECT COUNT(*) FROM d.t").Scan(&have); err != nil || have != n {
		t.Errorf("%d rows of %d (%v)", have, n, err)
	}
}

// A leaf comes back that knows of many terms which the others have forgotten, after their binary logs were purged.
func TestLeavesReturnWithDomainsThatAreForgotten(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 2, 0)
	c.configure = func(cfg *control.Config) { cfg.ClearEvery = time.Hour }
	c.first(1)
	c.must("CREATE DATABASE d PARTITIONS 2 WITH SYNC REPLICATION", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT)", "SET GLOBAL binlog_keep_seconds = 0")
	c.until("whole", whole)
	load := c.insert(2)
	for i := range 44 {
		p := c.nodes[0].cat.Snapshot().Databases["d"].Partitions[i%2]
		to := c.nodes[0].cat.Snapshot().Leaves[p.Replicas()[0]]
		c.must(fmt.Sprintf("PROMOTE PARTITION d:%d ON '%s':%d", i%2, to.Host, to.Port))
		load.more(t, 5)
	}
	before := c.remains(0)
	release := c.hold(1)
	c.until("a failover", mastersAt("leaf-1"))
	load.more(t, 100)
	c.configure = often
	c.next()
	c.next()                 // two of three see what becomes of leaves
	c.nodes[0].watch.Close() // the next controller clears
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		now := c.remains(0)
		if now.logged <= before.logged-32 && now.applied <= before.applied-32 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the leaf that is left had %+v, and has %+v", before, now)
		}
	}
	load.more(t, 100)
	release()
	c.until("whole again", whole)
	load.more(t, 100)
	c.bounded(2)
	c.hold(0)
	c.until("another failover", mastersAt("leaf-2"))
	load.more(t, 50)
	load.end(t, c)
}

// A leaf that was a partition's master is lost again while it is attached, when it has followed the new one for a while and does not know yet that its own term has ended.
func TestLeafGoesOnFromWhatItHasFollowed(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 2, 0)
	c.first(1)
	c.must("SET GLOBAL auto_attach = OFF", "CREATE DATABASE d PARTITIONS 1 WITH SYNC REPLICATION", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT)")
	c.until("whole", whole)
	part := func() *topo.Partition { return c.nodes[0].cat.Snapshot().Databases["d"].Partitions[0] }
	master, _ := part().Master()
	was := slices.IndexFunc(c.farm.Leaves(), func(l localfarm.Leaf) bool { return l.Name == master })
	old, other := c.farm.Leaves()[was], c.farm.Leaves()[1-was]
	release := c.hold(was)
	c.until("a failover", mastersAt(other.Name))
	c.must("INSERT INTO d.t VALUES (1, 1), (2, 2)", "INSERT INTO d.t VALUES (3, 3)")
	release()
	c.until("the leaf is back", func(s *topo.Snapshot) bool { return s.Leaves[old.Name].State == topo.LeafDetached })
	p := part()
	servers := mariadb.New(c.nodes[0].pools)
	if err := servers.Follow(within(t, patience), old.Name, other.Name, other.Addr(), mariadb.Start{Domain: p.Domain}); err != nil {
		t.Fatal(err)
	}
	for ctx := within(t, patience); ; time.Sleep(5 * time.Millisecond) {
		stands, err := servers.Stands(ctx, old.Name)
		if err != nil {
			t.Fatal(err)
		}
		if stands[p.Domain].Sequence > 1 {
			break
		}
	}
	c.at(c.leaf(was), "SET SESSION sql_log_bin=0", "CREATE TABLE "+p.ID.Schema()+".kept (a INT)") // which is gone when the partition is copied anew
	c.must(fmt.Sprintf("ATTACH LEAF '%s':%d FORCE", old.Host, old.Port))
	c.until("whole again", whole)
	c.at(c.leaf(was), "SET SESSION sql_log_bin=0", "DROP TABLE "+p.ID.Schema()+".kept")
	c.equal("t")
}

// A controller dies while it has a leaf's replication stopped, to change its position.
func TestStoppedLinksGoOnWithTheNextController(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 2, 0)
	c.configure = func(cfg *control.Config) { cfg.Behind = time.Hour } // commits wait for the replicas
	c.first(1)
	c.must("CREATE DATABASE d PARTITIONS 2 WITH SYNC REPLICATION", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT)")
	c.until("whole", whole)
	load := c.insert(2)
	load.more(t, 20)
	before := c.nodes[0].cat.Snapshot().Databases["d"].Partitions
	for i := range c.farm.Leaves() {
		c.at(c.leaf(i), "STOP ALL SLAVES", "SET GLOBAL gtid_strict_mode=OFF", "SET GLOBAL gtid_cleanup_batch_size=2147483647")
	}
	c.next()
	c.nodes[0].watch.Close()
	load.more(t, 20)
	load.end(t, c)
	c.equal("t")
	for i, p := range c.nodes[1].cat.Snapshot().Databases["d"].Partitions {
		if p.Term != before[i].Term || !slices.Equal(p.Instances, before[i].Instances) {
			t.Errorf("partition %s was %v and is %v", p.ID, before[i], p)
		}
	}
	for i, leaf := range c.farm.Leaves() {
		var strict, batch int
		if err := c.leaf(i).QueryRowContext(within(t, patience), "SELECT @@GLOBAL.gtid_strict_mode, @@GLOBAL.gtid_cleanup_batch_size").Scan(&strict, &batch); err != nil {
			t.Fatal(err)
		}
		if strict != 1 || batch > 1000 {
			t.Errorf("leaf %s: gtid_strict_mode %d, gtid_cleanup_batch_size %d", leaf.Name, strict, batch)
		}
	}
	events, err := c.nodes[1].cat.Events(within(t, patience))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Kind == "replica broken" {
			t.Errorf("a replica that was merely stopped was copied anew: %s", e.Detail)
		}
	}
}
