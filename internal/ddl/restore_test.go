package ddl

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// saved is a database of three tables that need each other, and a sequence that one needs.
func saved() Saved {
	return Saved{Name: "e", Of: "d", Partitions: 2, Replication: topo.Sync, Charset: "latin1", Collation: "latin1_bin", Tables: []SavedTable{
		{Name: "a", Kind: topo.Sharded, ShardKey: []string{"id"}, Next: 40,
			Create: "CREATE TABLE `a` (\n  `id` int(11) NOT NULL AUTO_INCREMENT,\n  `r` int(11) DEFAULT NULL,\n  PRIMARY KEY (`id`),\n  KEY `r` (`r`),\n  CONSTRAINT `f1` FOREIGN KEY (`id`) REFERENCES `b` (`id`),\n" +
				"  CONSTRAINT `f2` FOREIGN KEY (`r`) REFERENCES `r` (`id`)\n) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_bin COMMENT='REFERENCES `d`.`r`'"},
		{Name: "b", Kind: topo.Sharded, ShardKey: []string{"id"}, Explicit: true,
			Create: "CREATE TABLE `b` (\n  `id` int(11) NOT NULL,\n  `at` datetime NOT NULL DEFAULT '0000-00-00 00:00:00',\n  PRIMARY KEY (`id`)\n) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_bin"},
		{Name: "r", Kind: topo.Reference, Create: "CREATE TABLE `r` (\n  `id` int(11) NOT NULL DEFAULT nextval(`d`.`s`),\n  PRIMARY KEY (`id`)\n) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_bin"},
		{Name: "s", Kind: topo.Sequence, Row: "71, 1, 99, 1, 1, 10, 0, 0",
			Create: "CREATE TABLE `s` (\n  `next_not_cached_value` bigint(21) NOT NULL,\n  `minimum_value` bigint(21) NOT NULL,\n  `maximum_value` bigint(21) NOT NULL,\n  `start_value` bigint(21) NOT NULL,\n" +
				"  `increment` bigint(21) NOT NULL,\n  `cache_size` bigint(21) unsigned NOT NULL,\n  `cycle_option` tinyint(1) unsigned NOT NULL,\n  `cycle_count` bigint(21) NOT NULL\n) ENGINE=InnoDB SEQUENCE=1"},
	}}
}

// fill puts a row into each table of each place.
func (b *bench) fill(_ context.Context, places []SavedPlace) error {
	for _, p := range places {
		if p.Ordinal < 0 {
			b.at(p.Leaf, p.Schema, "INSERT INTO r VALUES (1)")
			continue
		}
		b.at(p.Leaf, p.Schema, fmt.Sprintf("INSERT INTO b (id) VALUES (%d)", 100+p.Ordinal))
		b.at(p.Leaf, p.Schema, fmt.Sprintf("INSERT INTO a VALUES (%d, 1)", 100+p.Ordinal))
	}
	return nil
}

// nothingOf makes sure that nobody knows of the database e.
func (b *bench) nothingOf(when string) {
	b.t.Helper()
	if b.cat.Snapshot().Databases["e"] != nil {
		b.t.Errorf("%s: it is in the topology", when)
	}
	for _, l := range b.farm.Leaves() {
		if have := b.at(l.Name, "", "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME IN ('e', 'e_0', 'e_1')"); len(have) > 0 {
			b.t.Errorf("%s: leaf %s has %v", when, l.Name, have)
		}
	}
	if recs, err := b.cat.DDLRecords(b.ctx()); err != nil || len(recs) > 0 {
		b.t.Errorf("%s: records: %v %v", when, recs, err)
	}
}

// The process dies before each step, also between two of the transactions that put very many tables into the topology.
func TestRestoreThatIsCutOffIsUndone(t *testing.T) {
	b := newBench(t)
	atATime = 1
	t.Cleanup(func() {
		atATime = 50
		b.s.Schema = ""
		if b.cat.Snapshot().Databases["e"] != nil {
			b.must("DROP TABLE e.a")
			b.must("DROP DATABASE e")
		}
	})
	visible := 0
	for at := 1; ; at++ {
		var mu sync.Mutex
		n := 0
		b.run.step = func(string) error {
			mu.Lock()
			defer mu.Unlock()
			if n++; n >= at {
				return errCrash
			}
			return nil
		}
		err := b.run.Restore(b.ctx(), saved(), b.fill)
		b.run.step = func(string) error { return nil }
		if err == nil {
			break
		}
		if !errors.Is(err, errCrash) {
			t.Fatalf("step %d: %v", at, err)
		}
		if b.cat.Snapshot().Databases["e"] != nil {
			visible++
		}
		lock, err := b.run.cfg.Node.Lock(b.ctx(), "e")
		if err != nil {
			t.Fatal(err)
		}
		if err := b.run.Settle(b.ctx(), lock, "e"); err != nil {
			t.Fatalf("step %d: %v", at, err)
		}
		lock.Unlock()
		b.nothingOf(fmt.Sprint("step ", at))
	}
	if visible == 0 {
		t.Error("it was never cut off between two tables")
	}
	d := b.cat.Snapshot().Databases["e"]
	if d == nil || len(d.Tables) != 4 || d.Tables["s"].Kind != topo.Sequence || d.Replication != topo.Sync || d.Charset != "latin1" || !d.Tables["b"].Explicit || d.Tables["r"].Kind != topo.Reference {
		t.Fatalf("restored: %+v", d)
	}
	if v, err := b.cat.Sequence(d.Tables["a"].ID).Peek(b.ctx()); err != nil || v != 102 {
		t.Errorf("AUTO_INCREMENT goes on with %d (%v)", v, err)
	}
	for i, p := range d.Partitions {
		leaf, _ := p.Master()
		create := strings.Join(b.at(leaf, p.ID.Schema(), "SHOW CREATE TABLE a"), "")
		if !strings.Contains(create, "REFERENCES `e`.`r` (`id`)") || !strings.Contains(create, "REFERENCES `b` (`id`)") || !strings.Contains(create, "COMMENT='REFERENCES `d`.`r`'") {
			t.Errorf("partition %d: %s", i, create)
		}
	}
	for _, l := range b.farm.Leaves() {
		if create := strings.Join(b.at(l.Name, "e", "SHOW CREATE TABLE r"), ""); !strings.Contains(create, "DEFAULT nextval(`e`.`s`)") {
			t.Errorf("the shape on %s has %s", l.Name, create)
		}
		if got := b.at(l.Name, "e", "SELECT next_not_cached_value > maximum_value FROM s"); got[0] != "1" {
			t.Errorf("the sequence of the shape on %s gives values", l.Name)
		}
	}
	leaf, _ := d.Partitions[0].Master()
	if got := b.at(leaf, "e_0", "SELECT NEXTVAL(s)"); got[0] != "71" {
		t.Errorf("the sequence goes on with %v", got)
	}
	if err := b.run.Restore(b.ctx(), saved(), b.fill); !errors.Is(err, topo.ErrDatabaseExists) {
		t.Errorf("once more: %v", err)
	}
}

func TestRestoreReachesLeavesThatJoin(t *testing.T) {
	b := newBench(t)
	t.Cleanup(func() {
		b.s.Schema = ""
		b.must("DROP TABLE e.a")
		b.must("DROP DATABASE e")
	})
	state := func(s topo.LeafState) {
		if _, err := b.cat.Update(b.ctx(), func(x *catalog.Txn) error {
			l := *x.Leaf("leaf-2")
			l.State = s
			x.PutLeaf(&l)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	state(topo.LeafDetached)
	calls := 0
	if err := b.run.Restore(b.ctx(), saved(), func(ctx context.Context, places []SavedPlace) error {
		if calls++; calls == 1 {
			state(topo.LeafOnline)
		} else if len(places) != 1 || places[0].Leaf != "leaf-2" || places[0].Ordinal != -1 {
			t.Errorf("what joined: %+v", places)
		}
		return b.fill(ctx, places)
	}); err != nil {
		t.Fatal(err)
	}
	if calls != 2 {
		t.Errorf("filled %d times", calls)
	}
	for _, l := range b.farm.Leaves() {
		if got := b.at(l.Name, "e", "SELECT (SELECT COUNT(*) FROM r), (SELECT COUNT(*) FROM a), (SELECT COUNT(*) FROM s), (SELECT COUNT(*) FROM information_schema.COLUMNS WHERE COLUMN_DEFAULT = 'nextval(`e`.`s`)')"); got[0] != "1011" {
			t.Errorf("the shape on %s has %v", l.Name, got)
		}
	}
}

func TestRestoreRefusesAndUndoes(t *testing.T) {
	b := newBench(t)
	no := func(context.Context, []SavedPlace) error { t.Error("it was filled"); return nil }
	for what, change := range map[string]func(*Saved){
		"is not one":           func(s *Saved) { s.Tables[1].Create = "DROP TABLE b" },
		"'b' is not one":       func(s *Saved) { s.Tables[1].Create = "CREATE TABLE other (id INT PRIMARY KEY)" },
		"table 'b' is not one": func(s *Saved) { s.Tables[1].Create += "; DROP DATABASE mysql" },
		"'s' is not one":       func(s *Saved) { s.Tables[3].Row += "); DROP DATABASE mysql; -- (" },
		"twice":                func(s *Saved) { s.Tables[1] = s.Tables[0] },
		"character set":        func(s *Saved) { s.Collation = "x; y" },
		"would not be spread":  func(s *Saved) { s.Tables[1].ShardKey = []string{"at"}; s.Tables[1].Explicit = false },
		"shard key":            func(s *Saved) { s.Tables[1].ShardKey = []string{"at"} },
		"not a table of a sharded": func(s *Saved) {
			s.Tables[0].Create = strings.Replace(s.Tables[0].Create, "REFERENCES `r`", "REFERENCES `away`.`r`", 1)
		},
		"ENGINE=MyISAM":              func(s *Saved) { s.Tables[1].Create = strings.Replace(s.Tables[1].Create, "InnoDB", "MyISAM", 1) },
		"system database":            func(s *Saved) { s.Name = "mysql" },
		"1 to":                       func(s *Saved) { s.Partitions = 0 },
		"Unknown collation: 'nosuch": func(s *Saved) { s.Collation = "nosuch" },
	} {
		s := saved()
		change(&s)
		if err := b.run.Restore(b.ctx(), s, no); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%v\nwant: … %s …", err, what)
		}
		b.nothingOf(what)
	}
	full := errors.New("the file is damaged")
	if err := b.run.Restore(b.ctx(), saved(), func(context.Context, []SavedPlace) error { return full }); !errors.Is(err, full) {
		t.Errorf("not filled: %v", err)
	}
	b.nothingOf("not filled")
	// What is on a leaf already is somebody's.
	b.at("leaf-2", "", "CREATE DATABASE e_1")
	defer b.at("leaf-2", "", "DROP DATABASE e_1")
	if err := b.run.Restore(b.ctx(), saved(), no); err == nil || !strings.Contains(err.Error(), "'e_1' exists on leaf leaf-2") {
		t.Errorf("in the way: %v", err)
	}
}
