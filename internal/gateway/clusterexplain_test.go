package gateway

import (
	"context"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/topo"
)

func TestExplainCluster(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "plandb")
	const columns = "Action,Ordinal,Target_Host,Target_Port,Phase"
	for q, want := range map[string]string{
		"EXPLAIN REBALANCE PARTITIONS ON plandb":                                columns,
		"EXPLAIN RESTORE REDUNDANCY ON plandb":                                  columns,
		"EXPLAIN DETACH LEAF '127.0.0.1':" + valueText(b.farm.Leaves()[0].Port): columns + ",Database",
	} {
		if got := c.columns(q); got != want {
			t.Errorf("%s: %s", q, got)
		}
	}
	c.want("EXPLAIN REBALANCE PARTITIONS ON plandb", "")
	c.want("EXPLAIN REBALANCE ALL DATABASES", "")
	c.fails(1049, "EXPLAIN REBALANCE PARTITIONS ON nosuch")
	c.fails(1477, "EXPLAIN DETACH LEAF 'nowhere':1")
	set := func(v topo.Settings) {
		t.Helper()
		if _, err := b.cat.Update(context.Background(), func(x *catalog.Txn) error { x.PutSettings(v); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	set(topo.Settings{Redundancy: 2, AutoAttach: true})
	defer set(topo.DefaultSettings)
	if got := c.rows("EXPLAIN REBALANCE PARTITIONS ON plandb"); strings.Count(got, "COPY PARTITION|") != 4 || strings.Count(got, "|2") < 4 {
		t.Error(got)
	}
	if got := c.rows("EXPLAIN RESTORE REDUNDANCY ON plandb"); strings.Count(got, "COPY PARTITION|") != 4 {
		t.Error(got)
	}
	set(topo.DefaultSettings)
	first := b.farm.Leaves()[0]
	at := "'127.0.0.1':" + valueText(first.Port)
	got := c.rows("EXPLAIN REMOVE LEAF " + at)
	if strings.Count(got, "COPY PARTITION|") != strings.Count(got, "PROMOTE PARTITION|") || strings.Count(got, "|plandb") != 6 {
		t.Error(got)
	}
	c.want("EXPLAIN REMOVE LEAF "+at+" FORCE", "")
	c.want("EXPLAIN ATTACH LEAF "+at, "")
	c.want("EXPLAIN ATTACH LEAF ALL", "")
	c.want("EXPLAIN CLEAR ORPHAN DATABASES", "")
	b.leaf(t, 0, "CREATE DATABASE plangone_7")
	defer b.leaf(t, 0, "DROP DATABASE plangone_7")
	c.want("EXPLAIN CLEAR ORPHAN DATABASES", "") // nobody knows what it is
	snap := b.cat.Snapshot()
	for i, l := range b.farm.Leaves() {
		p := snap.Databases["plandb"].Partitions[0]
		if masterOf(p) != l.Name {
			b.leaf(t, i, "CREATE DATABASE plandb_0")
			defer b.leaf(t, i, "DROP DATABASE plandb_0")
			c.want("EXPLAIN CLEAR ORPHAN DATABASES", "DROP PARTITION|0|127.0.0.1|"+valueText(l.Port)+"|1|plandb")
			break
		}
	}
	c.want("SHOW CLUSTER STATUS LIKE 'plangone%'", "127.0.0.1|"+valueText(first.Port)+"|plangone_7|Orphan|online|NULL|")
}

// A leaf that comes back as the master of what has another one by now is told about; with FORCE its copy is made anew.
func TestExplainAttach(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "attdb")
	var old, now *topo.Leaf
	state := topo.LeafDetached
	change := func(f func(x *catalog.Txn, d *topo.Database)) {
		t.Helper()
		if _, err := b.cat.Update(context.Background(), func(x *catalog.Txn) error {
			d := *x.Database("attdb")
			d.Partitions = append([]*topo.Partition(nil), d.Partitions...)
			f(x, &d)
			x.PutDatabase(&d)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	snap := b.cat.Snapshot()
	was := snap.Databases["attdb"].Partitions[1]
	from, _ := was.Master()
	old = snap.Leaves[from]
	now = snap.Leaves[old.Pair]
	i := 0
	if b.farm.Leaves()[1].Name == old.Name {
		i = 1
	}
	b.leaf(t, i, "CREATE TABLE IF NOT EXISTS orbweaver.terms (name VARCHAR(64) NOT NULL PRIMARY KEY, domain INT UNSIGNED NOT NULL, term BIGINT UNSIGNED NOT NULL)")
	b.leaf(t, i, "REPLACE INTO orbweaver.terms VALUES ('attdb_1', "+valueText(int64(was.Domain))+", 1)")
	defer b.leaf(t, i, "DELETE FROM orbweaver.terms WHERE name = 'attdb_1'")
	mapped := func(detached bool) {
		change(func(x *catalog.Txn, d *topo.Database) {
			l := *old
			p := *was
			if detached {
				l.State = state
				p.Term, p.Instances = 2, []topo.Instance{{Leaf: now.Name, Role: topo.Master}}
			}
			x.PutLeaf(&l)
			d.Partitions[1] = &p
		})
	}
	mapped(true)
	defer mapped(false)
	at := "'127.0.0.1':" + valueText(old.Port)
	want := "Unable to attach leaf " + at + ". Database `attdb_1` (which is in the 'Online' state) conflicts with an existing master instance of `attdb`:1 on " +
		"'127.0.0.1':" + valueText(now.Port) + ". Use ATTACH LEAF ... FORCE to override this conflict."
	if got := c.fails(1811, "EXPLAIN ATTACH LEAF "+at); !strings.Contains(got, want) {
		t.Errorf("%s, want %s", got, want)
	}
	if _, err := c.query("EXPLAIN ATTACH LEAF " + at + " FORCE"); err != nil {
		t.Error(err)
	}
	if got := c.rows("SHOW DATABASES EXTENDED FOR LEAF " + at + " LIKE 'attdb\\_1'"); !strings.Contains(got, "attdb_1|") || !strings.Contains(got, "|master|online|") {
		t.Error(got)
	}
}
