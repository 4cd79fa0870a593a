package ddl

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// crashes are the statements that are cut off.
var crashes = []string{
	"CREATE TABLE x (id INT PRIMARY KEY, v INT REFERENCES r (id))",
	"CREATE TABLE x (PRIMARY KEY (id)) SELECT id FROM t",
	"CREATE REFERENCE TABLE x (id INT PRIMARY KEY)",
	"CREATE TABLE x (id INT PRIMARY KEY) ENGINE=SPIDER COMMENT='host \"h\", password \"p\"'",
	"CREATE TABLE x (id INT PRIMARY KEY) ENGINE=SPIDER COMMENT='password \"p\"' PARTITION BY KEY (id) (PARTITION a COMMENT='host \"a\"', PARTITION b COMMENT='host \"b\"')",
	"CREATE OR REPLACE TABLE l (a INT) ENGINE=SPIDER COMMENT='host \"n\"'",
	"DROP TABLE l",
	"RENAME TABLE l TO tmp, k TO l, tmp TO k",
	"ALTER TABLE l ADD n INT, ADD KEY (n), COMMENT='password \"q\", host \"g\"'",
	"TRUNCATE TABLE l",
	"DROP TABLE t, r",
	"RENAME TABLE t TO u, s TO v",
	"RENAME TABLE t TO tmp, s TO t, tmp TO s",
	"RENAME TABLE t TO u, s TO v -- with a TRIGGER",
	"RENAME TABLE r TO r2",
	"RENAME TABLE r TO r2 -- with its TRIGGER",
	"TRUNCATE TABLE t",
	"TRUNCATE TABLE r",
	"ALTER TABLE t ADD n INT DEFAULT 5",
	"ALTER TABLE t ADD UNIQUE u (id, v)",
	"ALTER TABLE t MODIFY v BIGINT NOT NULL",
	"ALTER TABLE r MODIFY v BIGINT NOT NULL",
	"ALTER TABLE t ADD n INT DEFAULT 5, RENAME TO u, COMMENT 'new'",
	"ALTER TABLE c RENAME TO d.b, ADD n INT, ADD UNIQUE (n, id) -- with FOREIGN KEY",
	"ALTER TABLE t SHARD KEY () -- with TRIGGER and FOREIGN KEY",
	"ALTER TABLE s SHARD KEY ()",
	"ALTER TABLE s ADD n INT, ADD UNIQUE (n)", // which leaves no shard key
	"ALTER DATABASE d COLLATE utf8mb4_bin",
	"CREATE DATABASE e PARTITIONS 2",
	"DROP DATABASE d",
	"CREATE VIEW x AS SELECT * FROM t",
	"CREATE OR REPLACE VIEW w AS SELECT v FROM t",
	"ALTER SQL SECURITY INVOKER VIEW w (n) AS SELECT v FROM t",
	"DROP VIEW w, w2",
	"RENAME TABLE w TO w3, w2 TO w4",
	"RENAME TABLE w TO tmp, w2 TO w, tmp TO w2",
	"DROP DATABASE d -- with a VIEW",
	"CREATE OR REPLACE TRIGGER y BEFORE INSERT ON t FOR EACH ROW PRECEDES y2 SET NEW.v = 3",
	"CREATE OR REPLACE TRIGGER ry BEFORE INSERT ON r FOR EACH ROW PRECEDES ry2 SET NEW.v = 3",
	"ALTER EVENT e ON SCHEDULE AT '2036-01-01' RENAME TO f DISABLE DO SELECT 2",
	"DROP EVENT e",
	"CREATE OR REPLACE PROCEDURE q (a INT) SELECT 2",
	"DROP PROCEDURE q",
	"CREATE OR REPLACE FUNCTION fn (a INT) RETURNS INT RETURN 2 -- after PROCEDURE",
	"DROP FUNCTION fn -- after PROCEDURE",
	"ALTER TABLE t ADD n INT DEFAULT 5 -- under LOCK TABLES",
	"ALTER TABLE t MODIFY v BIGINT NOT NULL -- under LOCK TABLES",
	"CREATE UNIQUE INDEX u ON t (id, v) -- under LOCK TABLES",
	"TRUNCATE TABLE t -- under LOCK TABLES",
	"ALTER TABLE t RENAME TO u -- under LOCK TABLES",
	"DROP TABLE t, s -- under LOCK TABLES",
}

// lent are the connections of a session that has tables locked at all partitions.
type lent map[string]*backend.Conn

// At is the gateway's, as far as these tests need it.
func (l lent) At(_ context.Context, schema string, f func(*backend.Conn) error) (bool, error) {
	c := l[schema]
	if c == nil {
		return false, nil
	}
	return true, f(c)
}

// Lose ends them, as a process that dies does.
func (l lent) Lose(context.Context) {
	for schema, c := range l {
		c.ResetOnRelease()
		c.Release()
		delete(l, schema)
	}
}

// locking is a session that has tables of d locked.
func (b *bench) locking(tables string) (Session, lent) {
	b.t.Helper()
	parts, err := partitions(b.cat.Snapshot(), "d")
	if err != nil {
		b.t.Fatal(err)
	}
	s, l := b.s, lent{}
	for _, p := range parts {
		c, err := b.run.cfg.Pools.Get(b.ctx(), p.want(p.Schema))
		if err != nil {
			b.t.Fatal(err)
		}
		if _, err := c.Query(b.ctx(), "LOCK TABLES "+tables); err != nil {
			b.t.Fatal(err)
		}
		l[p.Schema] = c
	}
	s.Locks = l
	return s, l
}

// steps tells at which steps of the statement with that number something happens: from first on, at all of them or every second one. Most statements have most of
// their steps in common, those with odd numbers are tried at odd steps, the others at even ones, and ORBWEAVER_STEPS=all has all of them.
func steps(statement int) (first, by int) {
	if os.Getenv("ORBWEAVER_STEPS") == "all" {
		return 1, 1
	}
	return 1 + statement%2, 2
}

// The process dies before each step of each statement. The next one finishes or undoes it: all places agree, with the old definition or the new.
func TestCrashAtEveryStep(t *testing.T) {
	t.Parallel()
	b := newBenchAt(t, farmtest.Start(t, 2), "d")
	b.everywhere("DROP DATABASE IF EXISTS e")
	prepare := func(sql string) {
		if b.cat.Snapshot().Databases["d"] != nil {
			b.must("DROP DATABASE d")
		}
		b.must("CREATE DATABASE d PARTITIONS 2 CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
		b.must("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
		b.must("CREATE TABLE s (id INT PRIMARY KEY)")
		b.must("CREATE REFERENCE TABLE r (id INT PRIMARY KEY, v INT)")
		if strings.Contains(sql, "TABLE l ") || strings.HasSuffix(sql, "TABLE l") {
			b.must("CREATE TABLE k (id INT PRIMARY KEY) ENGINE=SPIDER COMMENT='host \"h\", password \"p\"'")
			b.must("CREATE TABLE l (id INT AUTO_INCREMENT PRIMARY KEY) ENGINE=SPIDER COMMENT='password \"p\"'" +
				" PARTITION BY RANGE (id) (PARTITION a VALUES LESS THAN (10) COMMENT='host \"a\"', PARTITION b VALUES LESS THAN (20) COMMENT='host \"b\", table \"x\"')")
		}
		if strings.Contains(sql, "VIEW") || strings.Contains(sql, "TABLE w") {
			b.must("CREATE VIEW w AS SELECT id FROM t")
			b.must("CREATE VIEW w2 AS SELECT id FROM w")
		}
		if strings.Contains(sql, "PROCEDURE") {
			b.must("CREATE PROCEDURE q () COMMENT 'old' BEGIN DECLARE x INT; SELECT x; END")
			b.must("ALTER PROCEDURE q SQL SECURITY INVOKER")
			b.must("CREATE FUNCTION fn () RETURNS INT RETURN (SELECT MAX(v) FROM r)")
		}
		if strings.Contains(sql, "its TRIGGER") {
			b.must("CREATE TRIGGER ry BEFORE INSERT ON d.r FOR EACH ROW SET NEW.v = NEW.v + 1")
		} else if strings.Contains(sql, "TRIGGER ry") {
			b.must("CREATE TRIGGER ry2 BEFORE INSERT ON r FOR EACH ROW SET NEW.v = NEW.v + 1")
			b.must("CREATE TRIGGER ry BEFORE INSERT ON d.r FOR EACH ROW FOLLOWS ry2 SET NEW.v = COALESCE((SELECT MAX(v) FROM d.r), 1)")
		} else if strings.Contains(sql, "TRIGGER") {
			b.must("CREATE TRIGGER y2 BEFORE INSERT ON t FOR EACH ROW SET NEW.v = NEW.v + 1")
			b.must("CREATE TRIGGER y BEFORE INSERT ON d.t FOR EACH ROW FOLLOWS y2 SET NEW.v = COALESCE((SELECT MAX(v) FROM r), 1)")
		}
		if strings.Contains(sql, "EVENT") {
			b.must("CREATE EVENT e ON SCHEDULE EVERY 5 HOUR STARTS '2035-01-01' COMMENT 'é' DO SELECT 1")
			b.must("CREATE EVENT e2 ON SCHEDULE AT '2035-01-01' DO SELECT 1")
		}
		if strings.HasSuffix(sql, "FOREIGN KEY") {
			b.must("CREATE TABLE c (id INT PRIMARY KEY, v INT, FOREIGN KEY (id) REFERENCES t (id), FOREIGN KEY (v) REFERENCES r (id))")
		}
		parts, _ := partitions(b.cat.Snapshot(), "d")
		for i, p := range parts {
			b.at(p.Leaf, p.Schema, fmt.Sprintf("INSERT INTO t VALUES (%d, 1)", i))
		}
		b.everywhere("INSERT INTO d.r VALUES (1, 1)")
	}
	for i, sql := range crashes {
		t.Run(sql, func(t *testing.T) {
			b.t = t
			undone, finished := 0, 0
			was := 0 // what is undone is there for the next step
			first, by := steps(i)
			for at := first; ; at += by {
				if at == first || undone == was {
					prepare(sql)
				}
				was = undone
				before := b.world("d") + b.world("e")
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
				session, locks := b.s, lent(nil)
				if strings.HasSuffix(sql, "LOCK TABLES") {
					session, locks = b.locking("t WRITE, s WRITE")
				}
				_, err := b.as(session, sql)
				b.run.step = func(string) error { return nil }
				locks.Lose(b.ctx())
				if err == nil {
					if b.cat.Snapshot().Databases["e"] != nil {
						b.must("DROP DATABASE e")
					}
					break
				}
				if !errors.Is(err, errCrash) {
					t.Fatalf("step %d: %v", at, err)
				}
				// As a node that starts does, where the lock is free since the process is gone.
				recs, err := b.cat.DDLRecords(b.ctx())
				if err != nil {
					t.Fatal(err)
				}
				for _, rec := range recs {
					lock, err := b.run.cfg.Node.Lock(b.ctx(), rec.Databases...)
					if err != nil {
						t.Fatal(err)
					}
					err = b.run.settle(b.ctx(), lock, rec.Databases...)
					lock.Unlock()
					if err != nil {
						t.Fatalf("step %d: %v", at, err)
					}
				}
				snap := b.cat.Snapshot()
				if snap.Databases["d"] != nil {
					b.consistent("d")
				} else if left := b.at("leaf-1", "", "SHOW DATABASES LIKE 'd%'"); len(left) != 0 {
					t.Errorf("step %d: left are %v", at, left)
				}
				if left := b.at("leaf-1", "", "SHOW DATABASES LIKE 'e%'"); len(left) != 0 {
					t.Errorf("step %d: left are %v", at, left)
				}
				if b.world("d")+b.world("e") == before {
					undone++
				} else {
					finished++
				}
			}
			t.Logf("%d times undone, %d times finished", undone, finished)
		})
	}
}

// A node that starts settles what one that died left behind: Recover finds it by the lease that is gone, and says what it did.
func TestRecoverTakesOrphans(t *testing.T) {
	b := newBench(t, "d")
	var n atomic.Int32
	b.run.step = func(string) error { // steps at several places are taken at once
		if n.Add(1) > 3 {
			return errCrash
		}
		return nil
	}
	if _, err := b.as(b.s, "CREATE TABLE t (a INT PRIMARY KEY)"); !errors.Is(err, errCrash) {
		t.Fatal(err)
	}
	b.run.step = func(string) error { return nil }
	if events, err := b.run.Recover(b.ctx()); err != nil || len(events) != 0 {
		t.Fatalf("a living node's statement was touched: %v %v", events, err)
	}
	again, err := b.cat.Register(b.ctx(), catalog.NodeInfo{Name: "n"}, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = again.Close(context.Background()) }()
	b.run = New(Config{Catalog: b.cat, Node: again, Pools: b.run.cfg.Pools, Log: b.run.log})
	events, err := b.run.Recover(b.ctx())
	if err != nil || len(events) != 1 || events[0].Outcome != "undone" || !strings.HasPrefix(events[0].Statement, "CREATE TABLE t") {
		t.Errorf("%+v %v", events, err)
	}
	b.consistent("d")
	b.must("CREATE TABLE t (a INT PRIMARY KEY)")
	b.consistent("d")
}

// leafState changes a leaf in the topology.
func (b *bench) leafState(leaf string, state topo.LeafState) {
	b.t.Helper()
	if err := setLeafState(b.ctx(), b.cat, leaf, state); err != nil {
		b.t.Fatal(err)
	}
}

func setLeafState(ctx context.Context, cat *catalog.Catalog, leaf string, state topo.LeafState) error {
	rev, err := cat.Update(ctx, func(x *catalog.Txn) error {
		l := *x.Leaf(leaf)
		l.State = state
		x.PutLeaf(&l)
		return nil
	})
	if err != nil {
		return err
	}
	return cat.WaitRevision(ctx, rev)
}

// crashed cuts a statement off before its first step of a name.
func (b *bench) crashed(sql, step string) {
	b.t.Helper()
	b.run.step = func(name string) error {
		if strings.HasPrefix(name, step) {
			return errCrash
		}
		return nil
	}
	if _, err := b.as(b.s, sql); !errors.Is(err, errCrash) {
		b.t.Fatal(err)
	}
	b.run.step = func(string) error { return nil }
}

// locked runs f with the lock on d.
func (b *bench) locked(f func(lock *catalog.Lock) error) {
	b.t.Helper()
	lock, err := b.run.cfg.Node.Lock(b.ctx(), "d")
	if err != nil {
		b.t.Fatal(err)
	}
	defer lock.Unlock()
	if err := f(lock); err != nil {
		b.t.Error(err)
	}
}

// A leaf that has gone since is not asked what it has: it gets a copy when it comes back. Whichever leaf was the first to be changed.
func TestSettleWithoutALeafThatIsGone(t *testing.T) {
	for _, gone := range []string{"leaf-1", "leaf-2"} {
		for _, sql := range []string{"ALTER TABLE r ADD n INT DEFAULT 5", "DROP TABLE r", "TRUNCATE TABLE r"} {
			t.Run(sql+" without "+gone, func(t *testing.T) {
				b := newBench(t, "d")
				b.must("CREATE REFERENCE TABLE r (id INT PRIMARY KEY, v INT)")
				b.everywhere("INSERT INTO d.r VALUES (1, 1)")
				b.crashed(sql, "save")
				b.leafState(gone, topo.LeafOffline)
				var asked atomic.Bool
				b.run.step = func(name string) error { // steps at several places are taken at once
					if strings.HasSuffix(name, gone+"/d") {
						asked.Store(true)
					}
					return nil
				}
				b.locked(func(lock *catalog.Lock) error { return b.run.Settle(b.ctx(), lock, "d") })
				if asked.Load() {
					t.Errorf("%s was asked", gone)
				}
				recs, err := b.cat.DDLRecords(b.ctx())
				if err != nil || len(recs) > 0 {
					t.Errorf("%d records are left, %v", len(recs), err)
				}
			})
		}
	}
}

// While no leaf is there a statement that was cut off is told of once, however often somebody looks.
func TestWhatCannotBeSettledIsToldOnce(t *testing.T) {
	b := newBench(t, "d")
	b.must("CREATE REFERENCE TABLE r (id INT PRIMARY KEY, v INT)")
	b.crashed("TRUNCATE TABLE r", "save")
	for _, state := range []topo.LeafState{topo.LeafOffline, topo.LeafOnline} {
		b.leafState("leaf-1", state)
		b.leafState("leaf-2", state)
		for range 3 {
			lock, err := b.run.cfg.Node.Lock(b.ctx(), "d")
			if err != nil {
				t.Fatal(err)
			}
			err = b.run.Settle(b.ctx(), lock, "d")
			lock.Unlock()
			if (err != nil) != (state == topo.LeafOffline) {
				t.Errorf("%s: %v", state, err)
			}
		}
	}
	if all := b.run.Events(); len(all) != 2 || !strings.HasPrefix(all[0].Outcome, "failed: ") || strings.HasPrefix(all[1].Outcome, "failed: ") {
		t.Errorf("%+v", all)
	}
}

// A leaf that is given copies while a statement is half done has what the others have in the end.
func TestJoinWhileAStatementIsCutOff(t *testing.T) {
	for _, settles := range []bool{true, false} {
		t.Run(fmt.Sprintf("settles %v", settles), func(t *testing.T) {
			b := newBench(t, "d")
			b.must("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
			parts, err := partitions(b.cat.Snapshot(), "d")
			if err != nil {
				t.Fatal(err)
			}
			for i, p := range parts { // so that it is rehearsed
				b.at(p.Leaf, p.Schema, fmt.Sprintf("INSERT INTO t VALUES (%d, 1)", i))
			}
			b.leafState("leaf-2", topo.LeafAttaching)
			b.crashed("ALTER TABLE t ADD n INT DEFAULT 5", "save go")
			half := b.at("leaf-1", "", "SHOW COLUMNS FROM d.t")
			if len(half) != 3 {
				t.Fatalf("the shape was not changed yet: %v", half)
			}
			b.locked(func(lock *catalog.Lock) error {
				b.run.step = func(name string) error {
					if !settles && strings.HasPrefix(name, "cluster at") {
						return errors.New("it does not answer")
					}
					return nil
				}
				err := b.run.Join(b.ctx(), lock, "leaf-2", "d")
				b.run.step = func(string) error { return nil }
				return err
			})
			if now := b.at("leaf-1", "", "SHOW COLUMNS FROM d.t"); len(now) == 3 {
				b.at("leaf-2", "d", "ALTER TABLE t ADD n INT DEFAULT 5") // the copy
			}
			b.leafState("leaf-2", topo.LeafOnline)
			b.locked(func(lock *catalog.Lock) error { return b.run.Settle(b.ctx(), lock, "d") })
			b.consistent("d")
		})
	}
}
