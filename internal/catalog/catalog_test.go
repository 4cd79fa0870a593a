package catalog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/topo"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

func startEtcd(t *testing.T, dir string) *Embedded {
	t.Helper()
	e, err := StartEmbedded(within(t, time.Minute), EmbeddedConfig{Dir: dir, Throwaway: true, Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// newEtcd is an etcd for one test.
func newEtcd(t *testing.T) *Embedded {
	e := startEtcd(t, t.TempDir())
	t.Cleanup(func() { _ = e.Close() })
	return e
}

func open(t *testing.T, e *Embedded) *Catalog {
	t.Helper()
	c, err := Open(within(t, time.Minute), Config{Endpoints: e.Endpoints(), Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func putLeaf(t *testing.T, c *Catalog, name string) int64 {
	t.Helper()
	rev, err := c.Update(within(t, time.Minute), func(x *Txn) error {
		x.PutLeaf(&topo.Leaf{Name: name, Host: "127.0.0.1", Port: 3307, Group: 1, State: topo.LeafOnline})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rev
}

func putDatabase(t *testing.T, c *Catalog, name string, partitions int) {
	t.Helper()
	_, err := c.Update(within(t, time.Minute), func(x *Txn) error {
		if x.Database(name) != nil {
			return topo.DatabaseExists(name)
		}
		x.Leaves()
		parts, err := x.Snapshot().Place(name, partitions, 1)
		if err != nil {
			return err
		}
		x.PutDatabase(&topo.Database{Name: name, Charset: "utf8mb4", Collation: "utf8mb4_general_ci", Partitions: parts})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it did not come to this: %s", what)
		}
	}
}

func TestEmbeddedIsReadySoonAndPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "etcd")
	began := time.Now()
	e := startEtcd(t, dir)
	c := open(t, e)
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("ready after %v", took)
	}
	if fi, err := os.Stat(filepath.Join(dir, "client.sock")); err != nil || fi.Mode().Type() != os.ModeSocket {
		t.Errorf("clients come by %v, %v", fi, err)
	}
	if fi, err := os.Stat(dir); err != nil || fi.Mode().Perm() != 0o700 {
		t.Errorf("the directory of the cluster's secrets: %v, %v", fi.Mode(), err)
	}
	id := c.ClusterID()
	putLeaf(t, c, "leaf-1")
	_ = c.Close()
	began = time.Now()
	_ = e.Close()
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("stopped after %v", took)
	}
	e = startEtcd(t, dir)
	defer func() { _ = e.Close() }()
	c = open(t, e)
	if c.Snapshot().Leaves["leaf-1"] == nil || c.ClusterID() != id {
		t.Error("what was stored is gone after a restart")
	}
}

func TestEmbeddedOnTCPAndInDeepDirectories(t *testing.T) {
	t.Parallel()
	deep := t.TempDir() + "/" + fmt.Sprintf("%0120d", 1)
	e, err := StartEmbedded(within(t, time.Minute), EmbeddedConfig{Dir: deep, Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	c := open(t, e)
	putLeaf(t, c, "leaf-1")
	_ = c.Close()
	_ = e.Close()
	e, err = StartEmbedded(within(t, time.Minute), EmbeddedConfig{Dir: t.TempDir(), Listen: "127.0.0.1:0", Throwaway: true, Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	putLeaf(t, open(t, e), "leaf-1")
}

func TestChangeIsSeenByOtherNode(t *testing.T) {
	e := newEtcd(t)
	a, b := open(t, e), open(t, e)
	if a.ClusterID() != b.ClusterID() {
		t.Error("two clients, two cluster ids")
	}
	var took []time.Duration
	for i := range 20 {
		name := fmt.Sprintf("leaf-%d", i)
		rev := putLeaf(t, a, name)
		if a.Snapshot().Leaves[name] == nil {
			t.Fatal("the writer does not see its own change")
		}
		began := time.Now()
		if err := b.WaitRevision(within(t, time.Minute), rev); err != nil {
			t.Fatal(err)
		}
		took = append(took, time.Since(began))
		if b.Snapshot().Leaves[name] == nil {
			t.Fatal("revision reached, change not there")
		}
	}
	slices.Sort(took)
	t.Logf("seen after %v in the median of %d changes", took[len(took)/2], len(took))
}

func TestDatabasesAndTables(t *testing.T) {
	t.Parallel()
	e := newEtcd(t)
	a, b := open(t, e), open(t, e)
	ctx := within(t, time.Minute)
	putLeaf(t, a, "leaf-1")
	putDatabase(t, a, "we/ird d", 2)
	before := a.Snapshot()
	rev, err := a.Update(ctx, func(x *Txn) error {
		x.PutTable(&topo.Table{DB: "we/ird d", Name: "t/é", Kind: topo.Sharded, ID: 7, AutoIncrement: -1})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if before.Table("we/ird d", "t/é") != nil {
		t.Error("a snapshot has changed")
	}
	if err := b.WaitRevision(ctx, rev); err != nil {
		t.Fatal(err)
	}
	s := b.Snapshot()
	if s.Table("we/ird d", "t/é") == nil || len(s.Databases["we/ird d"].Partitions) != 2 || s.Schemas["we/ird d_1"].Ordinal != 1 {
		t.Errorf("seen at the other node: %+v", s.Databases["we/ird d"])
	}
	// A change of the database's record keeps its tables.
	if rev, err = a.Update(ctx, func(x *Txn) error {
		d := *x.Database("we/ird d")
		d.Collation = "utf8mb4_bin"
		x.PutDatabase(&d)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	_ = b.WaitRevision(ctx, rev)
	if b.Snapshot().Table("we/ird d", "t/é") == nil || b.Snapshot().Databases["we/ird d"].Collation != "utf8mb4_bin" {
		t.Error("the table is gone, or the collation is the old one")
	}
	if _, err = a.Update(ctx, func(x *Txn) error { x.DropDatabase("we/ird d"); return nil }); err != nil {
		t.Fatal(err)
	}
	if len(a.Snapshot().Databases) != 0 || len(a.Snapshot().Schemas) != 0 {
		t.Error("the database is still there")
	}
	_, err = a.Update(ctx, func(x *Txn) error { x.PutTable(&topo.Table{DB: "we/ird d", Name: "x"}); return nil })
	if !errors.Is(err, topo.ErrNoDatabase) {
		t.Errorf("a table without a database: %v", err)
	}
	c := open(t, e)
	if len(c.Snapshot().Databases) != 0 {
		t.Error("a new client still sees the database or its tables")
	}
}

// What a start has loaded can be changed: the marks of leaves and databases are empty values, which are there all the same.
func TestChangeAfterLoad(t *testing.T) {
	t.Parallel()
	e := newEtcd(t)
	a := open(t, e)
	putLeaf(t, a, "leaf-1")
	putDatabase(t, a, "d", 2)
	b := open(t, e)
	if _, err := b.Update(within(t, time.Minute), func(x *Txn) error {
		if len(x.Leaves()) != 1 || len(x.Databases()) != 1 {
			t.Error("the load has missed something")
		}
		x.DropDatabase("d")
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// Many clients change one object at once: no change is lost.
func TestConflictStorm(t *testing.T) {
	t.Parallel()
	e := newEtcd(t)
	clients := []*Catalog{open(t, e), open(t, e), open(t, e)}
	putLeaf(t, clients[0], "leaf-1")
	const each = 15
	var wg sync.WaitGroup
	for _, c := range clients {
		for range 2 {
			wg.Go(func() {
				for range each {
					if _, err := c.Update(within(t, time.Minute), func(x *Txn) error {
						l := *x.Leaf("leaf-1")
						l.Port++
						x.PutLeaf(&l)
						return nil
					}); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
	}
	wg.Wait()
	c := open(t, e)
	if got, want := c.Snapshot().Leaves["leaf-1"].Port, 3307+6*each; got != want {
		t.Errorf("port %d, want %d", got, want)
	}
}

// Of many who create the same database exactly one does, and a table never outlives its database.
func TestRaces(t *testing.T) {
	t.Parallel()
	e := newEtcd(t)
	clients := []*Catalog{open(t, e), open(t, e), open(t, e)}
	putLeaf(t, clients[0], "leaf-1")
	ctx := within(t, time.Minute)
	for round := range 5 {
		var mu sync.Mutex
		made := 0
		var wg sync.WaitGroup
		for _, c := range clients {
			wg.Go(func() {
				_, err := c.Update(ctx, func(x *Txn) error {
					if err := x.Snapshot().CheckNewDatabase("d", 1); err != nil {
						return err
					}
					x.Databases()
					x.PutDatabase(&topo.Database{Name: "d"})
					return nil
				})
				switch {
				case err == nil:
					mu.Lock()
					made++
					mu.Unlock()
				case !errors.Is(err, topo.ErrDatabaseExists):
					t.Error(err)
				}
				_, err = c.Update(ctx, func(x *Txn) error { x.PutTable(&topo.Table{DB: "d", Name: "t"}); return nil })
				if err != nil && !errors.Is(err, topo.ErrNoDatabase) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if made != 1 {
			t.Errorf("round %d: created %d times", round, made)
		}
		wg.Go(func() {
			_, err := clients[0].Update(ctx, func(x *Txn) error { x.DropDatabase("d"); return nil })
			if err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			_, err := clients[1].Update(ctx, func(x *Txn) error { x.PutTable(&topo.Table{DB: "d", Name: "u"}); return nil })
			if err != nil && !errors.Is(err, topo.ErrNoDatabase) {
				t.Error(err)
			}
		})
		wg.Wait()
		resp, err := clients[0].client.Get(ctx, clients[0].key(dirTable), prefixOpt...)
		if err != nil || len(resp.Kvs) != 0 {
			t.Errorf("tables without a database: %v %v", resp, err)
		}
	}
}

func TestGoesOnWithoutEtcdAndCatchesUp(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := startEtcd(t, dir)
	a := open(t, e)
	putLeaf(t, a, "leaf-1")
	_ = e.Close()
	if a.Snapshot().Leaves["leaf-1"] == nil {
		t.Error("the snapshot is gone with etcd")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	_, err := a.Update(ctx, func(x *Txn) error { x.PutLeaf(&topo.Leaf{Name: "no"}); return nil })
	cancel()
	if !errors.Is(err, ErrUnavailable) {
		t.Errorf("an update without etcd: %v", err)
	}
	e = startEtcd(t, dir)
	defer func() { _ = e.Close() }()
	b := open(t, e)
	putLeaf(t, b, "leaf-2")
	eventually(t, "the change made after etcd came back", func() bool { return a.Snapshot().Leaves["leaf-2"] != nil })
	putLeaf(t, a, "leaf-3")
	if a.Snapshot().Leaves["no"] != nil {
		t.Error("an update that failed was made")
	}
}

func TestReloadAfterCompaction(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := startEtcd(t, dir)
	a := open(t, e)
	putLeaf(t, a, "leaf-1")
	putLeaf(t, a, "leaf-2")
	_ = e.Close()
	// While a can't reach it the history that a would need is compacted away. Another socket keeps a out meanwhile.
	aside, err := StartEmbedded(within(t, time.Minute), EmbeddedConfig{Dir: dir, Listen: "127.0.0.1:0", Throwaway: true, Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	b := open(t, aside)
	ctx := within(t, time.Minute)
	if _, err := b.Update(ctx, func(x *Txn) error { x.DropLeaf("leaf-1"); return nil }); err != nil {
		t.Fatal(err)
	}
	rev := putLeaf(t, b, "leaf-3")
	if _, err := b.client.Compact(ctx, rev); err != nil {
		t.Fatal(err)
	}
	_ = b.Close()
	_ = aside.Close()
	e = startEtcd(t, dir)
	defer func() { _ = e.Close() }()
	eventually(t, "the reload", func() bool { return a.Snapshot().Leaves["leaf-3"] != nil })
	if a.Snapshot().Leaves["leaf-1"] != nil {
		t.Error("a leaf dropped before the compaction is still there")
	}
}

func TestPagesOfALargeTopology(t *testing.T) {
	t.Parallel()
	e := newEtcd(t)
	a := open(t, e)
	putLeaf(t, a, "leaf-1")
	putDatabase(t, a, "d", 1)
	ctx := within(t, time.Minute)
	const n = pageSize + 200
	for from := 0; from < n; from += 100 {
		if _, err := a.Update(ctx, func(x *Txn) error {
			for i := from; i < min(n, from+100); i++ {
				x.PutTable(&topo.Table{DB: "d", Name: fmt.Sprint("t", i)})
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if b := open(t, e); len(b.Snapshot().Databases["d"].Tables) != n {
		t.Errorf("%d tables, want %d", len(b.Snapshot().Databases["d"].Tables), n)
	}
}

func TestSnapshotAllocatesNothing(t *testing.T) {
	c := open(t, newEtcd(t))
	if n := testing.AllocsPerRun(100, func() { _ = c.Snapshot() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestSecretsAndAccounts(t *testing.T) {
	t.Parallel()
	e := newEtcd(t)
	a, b := open(t, e), open(t, e)
	ctx := within(t, time.Minute)
	x, err := a.SecretOnce(ctx, "key", "one")
	if err != nil {
		t.Fatal(err)
	}
	y, err := b.SecretOnce(ctx, "key", "two")
	if err != nil || x != "one" || y != "one" {
		t.Errorf("%q %q %v", x, y, err)
	}
	if err := a.SetSecret(ctx, "key", "three"); err != nil {
		t.Fatal(err)
	}
	if v, ok, err := b.Secret(ctx, "key"); v != "three" || !ok || err != nil {
		t.Errorf("%q %v %v", v, ok, err)
	}
	if _, ok, err := b.Secret(ctx, "none"); ok || err != nil {
		t.Errorf("%v %v", ok, err)
	}
	v := b.AccountsVersion()
	now, err := a.AccountsChanged(ctx)
	if err != nil || now <= v {
		t.Fatal(now, err)
	}
	eventually(t, "the change of accounts", func() bool { return b.AccountsVersion() == now })
}
