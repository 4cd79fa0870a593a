package ddl

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/catalog"
)

// crashes are the statements that are cut off.
var crashes = []string{
	"CREATE TABLE x (id INT PRIMARY KEY)",
	"CREATE REFERENCE TABLE x (id INT PRIMARY KEY)",
	"DROP TABLE t, r",
	"RENAME TABLE t TO u, s TO v",
	"RENAME TABLE t TO tmp, s TO t, tmp TO s",
	"RENAME TABLE r TO r2",
	"TRUNCATE TABLE t",
	"TRUNCATE TABLE r",
	"ALTER TABLE t ADD n INT DEFAULT 5",
	"ALTER TABLE t ADD UNIQUE u (id, v)",
	"ALTER TABLE t MODIFY v BIGINT NOT NULL",
	"ALTER TABLE r MODIFY v BIGINT NOT NULL",
	"ALTER DATABASE d COLLATE utf8mb4_bin",
	"CREATE DATABASE e PARTITIONS 2",
	"DROP DATABASE d",
}

// The process dies before each step of each statement. The next one finishes or undoes it: all places agree, with the old definition or the new.
func TestCrashAtEveryStep(t *testing.T) {
	b := newBench(t, "d")
	b.everywhere("DROP DATABASE IF EXISTS e")
	prepare := func() {
		if b.cat.Snapshot().Databases["d"] != nil {
			b.must("DROP DATABASE d")
		}
		b.must("CREATE DATABASE d PARTITIONS 2 CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
		b.must("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
		b.must("CREATE TABLE s (id INT PRIMARY KEY)")
		b.must("CREATE REFERENCE TABLE r (id INT PRIMARY KEY, v INT)")
		parts, _ := partitions(b.cat.Snapshot(), "d")
		for i, p := range parts {
			b.at(p.Leaf, p.Schema, fmt.Sprintf("INSERT INTO t VALUES (%d, 1)", i))
		}
		b.everywhere("INSERT INTO d.r VALUES (1, 1)")
	}
	for _, sql := range crashes {
		t.Run(sql, func(t *testing.T) {
			b.t = t
			undone, finished := 0, 0
			for at := 1; ; at++ {
				prepare()
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
				_, err := b.as(b.s, sql)
				b.run.step = func(string) error { return nil }
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
