package ddl

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// A statement whose lock is lost before each of its steps, and settled by the next holder, while its process goes on: it does nothing more.
func TestLockLostAtEveryStep(t *testing.T) {
	b := newBench(t, "d")
	all := t
	for _, sql := range []string{
		"CREATE TABLE x (id INT PRIMARY KEY)", "DROP TABLE t", "RENAME TABLE t TO u", "ALTER TABLE t MODIFY v BIGINT NOT NULL",
	} {
		t.Run(sql, func(t *testing.T) {
			b.t = t
			for at := int32(1); ; at += 2 {
				b.must("DROP DATABASE d")
				b.must("CREATE DATABASE d PARTITIONS 2")
				b.must("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
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
				old.cfg.Wait = time.Millisecond // the next lease is another process's
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
	b := newBench(t, "d")
	node, err := b.cat.Register(b.ctx(), catalog.NodeInfo{Name: "forgetful"}, 2*time.Second) // which notices soon
	if err != nil {
		t.Fatal(err)
	}
	defer node.Close(context.Background())
	b.run = New(Config{Catalog: b.cat, Node: node, Pools: b.run.cfg.Pools, Log: b.run.log})
	for _, sql := range []string{
		"CREATE TABLE x (id INT PRIMARY KEY)", "ALTER TABLE t ADD KEY k (v)", "RENAME TABLE t TO u", "CREATE DATABASE e PARTITIONS 2",
		"DROP TABLE t", "TRUNCATE TABLE t", "ALTER TABLE t MODIFY v BIGINT NOT NULL",
	} {
		t.Run(sql, func(t *testing.T) {
			b.t = t
			for at := int32(1); ; at += 3 {
				b.must("DROP DATABASE IF EXISTS e")
				b.must("DROP DATABASE d")
				b.must("CREATE DATABASE d PARTITIONS 2")
				b.must("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
				var n atomic.Int32
				b.run.step = func(string) error {
					if n.Add(1) == at {
						b.loseLease(t)
					}
					return nil
				}
				_, err := b.as(b.s, sql)
				b.run.step = func(string) error { return nil }
				if err != nil {
					t.Errorf("step %d: %v", at, err)
				}
				if n.Load() < at {
					break
				}
				b.must("CREATE TABLE settled (id INT PRIMARY KEY)") // which comes after all else
				b.consistent("d")
			}
		})
	}
	b.t = t
	b.must("DROP DATABASE IF EXISTS e")
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
