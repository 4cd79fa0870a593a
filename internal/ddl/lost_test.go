package ddl

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// A statement whose lock is lost before each of its steps, and settled by the next holder, while its process goes on: it does nothing more.
func TestLockLostAtEveryStep(t *testing.T) {
	t.Parallel()
	b := newBenchAt(t, farmtest.Start(t, 2), "d")
	all := t
	for _, sql := range []string{
		"CREATE TABLE x (id INT PRIMARY KEY)", "DROP TABLE t", "RENAME TABLE t TO u", "ALTER TABLE t MODIFY v BIGINT NOT NULL", "ALTER TABLE t SHARD KEY ()",
		"CREATE OR REPLACE VIEW w AS SELECT v FROM t", "DROP VIEW w", "RENAME TABLE w TO x",
	} {
		t.Run(sql, func(t *testing.T) {
			b.t = t
			for at := int32(1); ; at += 2 {
				b.must("DROP DATABASE d")
				b.must("CREATE DATABASE d PARTITIONS 2")
				b.must("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
				if strings.Contains(sql, "SHARD KEY") {
					parts, _ := partitions(b.cat.Snapshot(), "d")
					b.at(parts[1].Leaf, parts[1].Schema, "INSERT INTO t VALUES (1, 1)")
				}
				if strings.Contains(sql, "VIEW") || strings.Contains(sql, "TABLE w") {
					b.must("CREATE VIEW w AS SELECT id FROM t")
				}
				old := b.run
				var next *Runner
				var settled chan error
				var n atomic.Int32
				old.step = func(string) error {
					if n.Add(1) == at {
						next, settled = b.takeOver(all, old)
					}
					return nil
				}
				wait := old.cfg.Wait
				old.cfg.Wait = time.Nanosecond // the next lease is another process's
				_, err := b.as(b.s, sql)
				old.step, old.cfg.Wait = func(string) error { return nil }, wait
				if next == nil {
					if err != nil {
						t.Fatal(err)
					}
					break
				}
				if err == nil {
					t.Errorf("step %d: a statement without its lock succeeds", at)
				}
				if err := <-settled; err != nil {
					t.Fatalf("step %d: %v", at, err)
				}
				b.run = next
				if err := old.cfg.Node.Close(b.ctx()); err != nil { // it would want its name back
					t.Error(err)
				}
				b.consistent("d")
				// Whatever became of it, nothing is in the way of the next ones.
				for _, then := range []string{"DROP TABLE IF EXISTS x, t, u", "CREATE TABLE x (id INT PRIMARY KEY)", "CREATE TABLE t (id INT PRIMARY KEY)", "CREATE TABLE u (id INT PRIMARY KEY)"} {
					if _, err := b.as(b.s, then); err != nil {
						t.Fatalf("step %d, then %s: %v", at, then, err)
					}
				}
			}
		})
	}
}

// A statement that loses its lock before any of its steps is run again under the node's next lease.
func TestRunAgainAfterALostLock(t *testing.T) {
	t.Parallel()
	b := newBenchAt(t, farmtest.Start(t, 2), "d")
	b.forgetful()
	for _, sql := range []string{
		"CREATE TABLE x (id INT PRIMARY KEY)", "ALTER TABLE t ADD KEY k (v)", "RENAME TABLE t TO u", "CREATE DATABASE e PARTITIONS 2",
		"DROP TABLE t", "TRUNCATE TABLE t", "ALTER TABLE t MODIFY v BIGINT NOT NULL",
	} {
		t.Run(sql, func(t *testing.T) {
			b.t = t
			lost := func(here func(step string) bool) {
				b.must("DROP DATABASE IF EXISTS e")
				b.must("DROP DATABASE d")
				b.must("CREATE DATABASE d PARTITIONS 2")
				b.must("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
				b.run.step = func(step string) error {
					if here(step) {
						b.loseLease(t)
					}
					return nil
				}
				_, err := b.as(b.s, sql)
				b.run.step = func(string) error { return nil }
				if err != nil {
					t.Error(err)
				}
				b.must("CREATE TABLE settled (id INT PRIMARY KEY)") // which comes after all else
				b.consistent("d")
			}
			var commits atomic.Int32
			if strings.HasPrefix(sql, "ALTER") { // which is finished detached from its client
				lost(func(step string) bool { return step == "commit" && commits.Add(1) == 1 })
			}
			for at := int32(1); ; at += 3 {
				var n atomic.Int32
				if lost(func(string) bool { return n.Add(1) == at }); n.Load() < at || t.Failed() {
					break
				}
			}
		})
	}
	b.t = t
	b.must("DROP DATABASE IF EXISTS e")
}

// A statement loses its lock while it is being finished, after the loss of a leaf: it goes on with that under the node's next lease.
func TestLockLostWhileAStatementIsSettled(t *testing.T) {
	b := newBench(t, "d")
	b.forgetful()
	for _, sql := range []string{"DROP TABLE t", "TRUNCATE TABLE t", "ALTER TABLE t ADD n INT DEFAULT 5"} {
		t.Run(sql, func(t *testing.T) {
			b.t = t
			b.must("DROP TABLE IF EXISTS t")
			b.must("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
			l := &loss{at: 1}
			lose := l.step(b)
			var decided, settled atomic.Bool
			var lost sync.Once
			b.run.step = func(name string) error { // steps at several places are taken at once
				switch {
				case name == "save go" && decided.Swap(true): // DROP and TRUNCATE decide once more when they are settled
					settled.Store(true)
				case !decided.Load() || !strings.Contains(name, " at leaf-2/"):
				case settled.Load() || strings.HasPrefix(name, "cluster") && strings.HasPrefix(sql, "ALTER"):
					lost.Do(func() {
						settled.Store(true)
						b.loseLease(t)
					})
				default:
					return lose(name)
				}
				return nil
			}
			_, err := b.as(b.s, sql)
			b.run.step = func(string) error { return nil }
			l.done.Wait()
			if err != nil || l.back != nil || l.steps == 0 || !settled.Load() {
				t.Errorf("%v, %v; leaf lost: %v, settled: %v", err, l.back, l.steps > 0, settled.Load())
			}
			b.consistent("d")
		})
	}
	b.t = t
}

// A statement that could not write down that it is decided on, as its lock was lost, and that the next holder has undone is not taken for one that is in force: it is
// run again.
func TestDecisionThatWasNotWritten(t *testing.T) {
	b := newBench(t, "d")
	b.forgetful()
	b.must("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
	var once sync.Once
	var undone error
	b.run.step = func(name string) error {
		if name == "save go" {
			once.Do(func() {
				next, settled := b.takeOver(t, b.run)
				undone = errors.Join(<-settled, next.cfg.Node.Close(b.ctx()))
				if n := len(b.at("leaf-1", "d", "SHOW COLUMNS FROM t")); n != 2 {
					t.Errorf("t has %d columns: the test is none", n)
				}
			})
		}
		return nil
	}
	_, err := b.as(b.s, "ALTER TABLE t ADD n INT DEFAULT 5")
	b.run.step = func(string) error { return nil }
	if err != nil || undone != nil {
		t.Fatal(err, undone)
	}
	if n := len(b.at("leaf-1", "d", "SHOW COLUMNS FROM t")); n != 3 {
		t.Errorf("the statement succeeds, and t has %d columns", n)
	}
	b.must("CREATE TABLE settled (id INT PRIMARY KEY)")
	b.consistent("d")
}

// forgetful has statements run under a node that notices soon that its lease is lost.
func (b *bench) forgetful() {
	b.t.Helper()
	node, err := b.cat.Register(b.ctx(), catalog.NodeInfo{Name: "forgetful"}, 2*time.Second)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = node.Close(context.Background()) })
	b.run = New(Config{Catalog: b.cat, Node: node, Pools: b.run.cfg.Pools, Log: b.run.log})
}

// loseLease has the node lose its lease, and get another one as soon as it likes.
func (b *bench) loseLease(t *testing.T) {
	lease := b.run.cfg.Node.Alive()
	other, err := b.cat.Register(b.ctx(), catalog.NodeInfo{Name: b.run.cfg.Node.Name()}, 2*time.Second)
	if err == nil {
		err = other.Close(b.ctx())
	}
	if err != nil {
		t.Error(err)
		return
	}
	select {
	case <-lease.Done():
	case <-b.ctx().Done():
		t.Error("the lease does not end")
	}
}

// takeOver has another process take a node's name, and with it what it holds, and settle what it has left. The node knows that it has lost its lease when takeOver
// returns; settled yields once all is settled, which may have to wait for locks of tables that the statement has on leaves until it ends.
func (b *bench) takeOver(t *testing.T, old *Runner) (next *Runner, settled chan error) {
	settled = make(chan error, 1)
	lease := old.cfg.Node.Alive()
	node, err := b.cat.Register(b.ctx(), catalog.NodeInfo{Name: old.cfg.Node.Name()}, 2*time.Second)
	if err != nil {
		settled <- err
		return old, settled
	}
	t.Cleanup(func() { _ = node.Close(context.Background()) })
	next = New(Config{Catalog: b.cat, Node: node, Pools: old.cfg.Pools, Log: old.log})
	select {
	case <-lease.Done():
	case <-b.ctx().Done():
		t.Error("the lease does not end")
	}
	go func() {
		ctx := b.ctx()
		_, err := next.Recover(ctx)
		for err != nil && ctx.Err() == nil { // on a busy machine it may lose its own lease
			_, err = next.Recover(ctx)
		}
		settled <- err
	}()
	select {
	case err := <-settled:
		settled <- err
	case <-time.After(300 * time.Millisecond):
	}
	return next, settled
}

// What has to be undone after some places failed: all but those that certainly did nothing.
func TestEachTellsWhatMayBeDone(t *testing.T) {
	failures := map[string]error{
		"ok": nil, "refused": wire.Errorf(wire.ErParse, "no"), "unsent": &backend.LeafDownError{Leaf: "unsent"}, "lost": &backend.LostError{Leaf: "lost", Sent: true},
		"ended": context.Canceled,
	}
	var places []place
	for name := range failures {
		places = append(places, place{Leaf: name})
	}
	done, err := each(places, func(p place) error { return failures[p.Leaf] })
	var names []string
	for _, p := range done {
		names = append(names, p.Leaf)
	}
	slices.Sort(names)
	if !slices.Equal(names, []string{"ended", "lost", "ok"}) || err == nil {
		t.Errorf("to be undone are %v, %v", names, err)
	}
}
