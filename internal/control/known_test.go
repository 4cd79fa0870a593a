package control_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// A leaf that has a part of another partition's term, from a copy that it held, gives copies all the same to one that has more of it.
func TestCopyFromALeafThatKnowsAPartOfAnotherTerm(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 4, 2, 1)
	c.must("CREATE DATABASE d PARTITIONS 4 WITH SYNC REPLICATION", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT)")
	c.until("whole", whole)
	n := 0
	write := func() {
		c.t.Helper()
		for range 40 {
			n++
			c.must(fmt.Sprintf("INSERT INTO d.t VALUES (%d, 1)", n))
		}
	}
	// One partition of each pair, and a leaf of each: the replica that follows the first, the master of the second.
	s := c.nodes[0].cat.Snapshot()
	first := s.Databases["d"].Partitions[0]
	target := first.Replicas()[0]
	var second *topo.Partition
	for _, p := range s.Databases["d"].Partitions {
		if m, _ := p.Master(); s.Leaves[m].Pair != target && m != target {
			second = p
		}
	}
	source, _ := second.Master()
	at := func(leaf string) string { return fmt.Sprintf("'127.0.0.1':%d", s.Leaves[leaf].Port) }
	write()
	c.must(fmt.Sprintf("COPY PARTITION %s ON %s", first.ID, at(source)))
	write()
	c.must(fmt.Sprintf("DROP PARTITION %s ON %s", first.ID, at(source)))
	write()
	c.must(fmt.Sprintf("COPY PARTITION %s ON %s", second.ID, at(target)))
	write()
	now := c.nodes[0].cat.Snapshot().Partition(second.ID)
	synced := false
	for _, in := range now.Instances {
		synced = synced || in.Leaf == target && in.InSync
	}
	if !synced {
		t.Errorf("%+v", now)
	}
	c.equal("t")
	if c.happened("replica broken") {
		t.Error("a replica broke")
	}
}

// All copies of a partition follow the next term, not only the old master: commits wait for each of them.
func TestMoreCopiesThanTwoFollowTheNextMaster(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 4, 2, 1)
	c.must("CREATE DATABASE d PARTITIONS 2 WITH SYNC REPLICATION", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT)",
		"CREATE TABLE d.past (id BIGINT PRIMARY KEY, v INT) WITH SYSTEM VERSIONING")
	c.until("whole", whole)
	s := c.nodes[0].cat.Snapshot()
	p := s.Databases["d"].Partitions[0]
	at := func(leaf string) string { return fmt.Sprintf("'127.0.0.1':%d", s.Leaves[leaf].Port) }
	n := 0
	write := func() {
		t.Helper()
		for range 20 {
			n++
			c.must(fmt.Sprintf("INSERT INTO d.t VALUES (%d, 1)", n))
		}
		c.must(fmt.Sprintf("INSERT INTO d.past SELECT id, v FROM d.t WHERE id > %d", n-20), fmt.Sprintf("UPDATE d.past SET v = %d", n), fmt.Sprintf("DELETE FROM d.past WHERE id = %d", n))
	}
	write()
	for leaf := range s.Leaves {
		if !slices.ContainsFunc(p.Instances, func(in topo.Instance) bool { return in.Leaf == leaf }) {
			c.must(fmt.Sprintf("COPY PARTITION %s ON %s", p.ID, at(leaf)))
		}
	}
	write()
	for range 4 {
		now := c.nodes[0].cat.Snapshot().Partition(p.ID)
		c.must(fmt.Sprintf("PROMOTE PARTITION %s ON %s", p.ID, at(now.Replicas()[2])))
		write()
	}
	now := c.nodes[0].cat.Snapshot().Partition(p.ID)
	away := c.happened("leaf offline")                                                                                                     // on a machine that stood still: what it had beyond the redundancy is not copied again
	if !away && (len(now.Instances) != 4 || len(slices.DeleteFunc(now.Instances, func(in topo.Instance) bool { return in.InSync })) > 1) { // the master is not called so
		t.Errorf("%+v", now)
	}
	c.equal("t", "past")
	versions := 0
	for round := range 6 { // 20 rows, and another version of each that is there
		versions += 20 + 19*round + 20
	}
	if got := c.value("SELECT COUNT(*) FROM d.past FOR SYSTEM_TIME ALL"); got != strconv.Itoa(versions) {
		t.Errorf("%s versions, want %d", got, versions)
	}
	if c.happened("replica broken") {
		t.Error("a replica broke")
	}
}
