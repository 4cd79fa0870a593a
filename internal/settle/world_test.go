package settle_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/localfarm"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
	"github.com/orbweaver/orbweaver/internal/mariadb"
	"github.com/orbweaver/orbweaver/internal/settle"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
)

func TestMain(m *testing.M) { os.Exit(farmtest.Main(m)) }

// world is leaves with partitions of a database d, an etcd, and a settler that is a node's. Partition n is at leaf n modulo their number, and has a table t.
type world struct {
	t       *testing.T
	farm    *localfarm.Farm
	etcd    *catalog.Embedded
	cat     *catalog.Catalog
	node    *catalog.Node
	pools   *backend.Pools
	s       *settle.Settler
	rounds  *settle.Rounds
	remotes []*backend.Remote
	events  []string
	dir     string // etcd's
}

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

func newWorld(t *testing.T, leaves, partitions int) *world {
	t.Helper()
	w := &world{t: t, farm: farmtest.Start(t, leaves)}
	dir, err := os.MkdirTemp("", "orbweaver-settle-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	w.dir = dir
	log := slog.New(slog.DiscardHandler)
	if os.Getenv("ORBWEAVER_TEST_LOG") != "" {
		log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	ctx := within(t, time.Minute)
	if w.etcd, err = catalog.StartEmbedded(ctx, catalog.EmbeddedConfig{Dir: dir, Listen: "127.0.0.1:0", Throwaway: true, Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.etcd.Close() }) // the one that runs then
	if w.cat, err = catalog.Open(ctx, catalog.Config{Endpoints: w.etcd.Endpoints(), Log: log}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.cat.Close() })
	d := &topo.Database{Name: "d", Replication: topo.Async, Charset: "utf8mb4", Collation: "utf8mb4_bin"}
	for n := range partitions {
		d.Partitions = append(d.Partitions, &topo.Partition{
			ID: topo.PartitionID{DB: "d", Ordinal: n}, Term: 1, Domain: uint32(100 + n), Instances: []topo.Instance{{Leaf: w.farm.Leaves()[n%leaves].Name, Role: topo.Master}},
		})
	}
	if _, err := w.cat.Update(ctx, func(x *catalog.Txn) error {
		for _, l := range w.farm.Leaves() {
			x.PutLeaf(&topo.Leaf{Name: l.Name, Host: l.Host, Port: l.Port, Group: l.Group, State: topo.LeafOnline, ServerID: l.ServerID})
		}
		x.PutDatabase(d)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	w.pools = backend.New(backend.Config{Password: farmtest.ClusterPassword, Addr: func(leaf string) (string, bool) {
		if l := w.cat.Snapshot().Leaves[leaf]; l != nil {
			return l.Addr(), true
		}
		return "", false
	}})
	t.Cleanup(w.pools.Close)
	servers := mariadb.New(w.pools)
	for _, l := range w.farm.Leaves() {
		if err := servers.Install(ctx, l.Name); err != nil {
			t.Fatal(err)
		}
		w.sql(l.Name, "CREATE DATABASE d", "CREATE TABLE d.r (id INT PRIMARY KEY, v INT)")
	}
	for _, p := range d.Partitions {
		leaf, _ := p.Master()
		if err := servers.Serve(ctx, leaf, p.ID.Schema(), p.Domain, p.Term); err != nil {
			t.Fatal(err)
		}
		w.sql(leaf, "CREATE DATABASE "+p.ID.Schema(), "CREATE TABLE "+p.ID.Schema()+".t (id INT PRIMARY KEY, v INT)")
	}
	if w.node, err = w.cat.Register(ctx, catalog.NodeInfo{Name: "settler"}, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.node.Close(context.Background()) })
	w.s = settle.New(settle.Config{Catalog: w.cat, Node: w.node, Pools: w.pools, Log: log, Keep: time.Second,
		Remotes: func() ([]*backend.Remote, error) { return w.remotes, nil }})
	t.Cleanup(w.s.Close)
	w.rounds = w.s.NewRounds(func(severity, kind, leaf, database, detail string) {
		w.events = append(w.events, severity+" "+kind+": "+detail)
	})
	return w
}

// sql runs statements at a leaf, one after the other; the last one's rows come back, columns with a comma in between.
func (w *world) sql(leaf string, statements ...string) []string {
	w.t.Helper()
	c, err := w.pools.Get(within(w.t, 20*time.Second), backend.Want{Leaf: leaf, Account: backend.Cluster, Variant: backend.Internal})
	if err != nil {
		w.t.Fatal(err)
	}
	defer c.Release()
	var rows []string
	for _, q := range statements {
		res, err := c.Query(within(w.t, 20*time.Second), q)
		if err != nil {
			w.t.Fatalf("%s: %s: %v", leaf, q, err)
		}
		rows = nil
		for _, r := range res.Rows {
			var cells []string
			for _, cell := range r {
				cells = append(cells, string(cell))
			}
			rows = append(rows, strings.Join(cells, ","))
		}
	}
	return rows
}

func (w *world) part(n int) *topo.Partition { return w.cat.Snapshot().Databases["d"].Partitions[n] }

// prepared lists what is prepared anywhere.
func (w *world) prepared() []string {
	w.t.Helper()
	var all []string
	for _, l := range w.farm.Leaves() {
		all = append(all, w.sql(l.Name, "XA RECOVER")...)
	}
	sort.Strings(all)
	return all
}

// settled has all settled that can be, in as many rounds as it takes.
func (w *world) settled() {
	w.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		left, err := w.rounds.Once(within(w.t, time.Minute))
		if err == nil && left == 0 {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("%d are left: %v, %d prepared, events %.2000q", left, err, len(w.prepared()), w.events)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// owner runs transactions step by step as a node does that has a lease, over connections of its own.
type owner struct {
	w     *world
	node  *catalog.Node
	pools *backend.Pools
	lease uint64
	seq   uint64
}

func (w *world) owner(name string) *owner {
	w.t.Helper()
	node, err := w.cat.Register(within(w.t, 20*time.Second), catalog.NodeInfo{Name: name}, 10*time.Second)
	if err != nil {
		w.t.Fatal(err)
	}
	o := &owner{w: w, node: node, lease: uint64(node.Lease()), pools: w.pools.Apart(backend.Config{}), seq: uint64(time.Now().UnixMicro())}
	w.t.Cleanup(func() {
		o.dies()
		o.pools.Close()
	})
	return o
}

// dies has the catalog forget it, as when its lease ends. Its connections stay.
func (o *owner) dies() { _ = o.node.Close(context.Background()) }

// tx is a transaction with a branch at each partition but the first, which decides.
type tx struct {
	o        *owner
	id       txn.ID
	parts    []int
	conns    []*backend.Conn
	branches []txn.XID // of conns from 1 on
	catalog  bool      // the catalog decides: all are branches
	value    int
}

// begin writes a row at each partition.
func (o *owner) begin(byCatalog bool, value int, parts ...int) *tx {
	t := o.w.t
	t.Helper()
	o.seq++
	x := &tx{o: o, id: txn.ID{Owner: o.lease, Seq: o.seq}, parts: parts, catalog: byCatalog, value: value}
	decider := txn.PlaceHash(topo.PartitionID{DB: "d", Ordinal: parts[0]})
	if byCatalog {
		decider = 0
	}
	for i, n := range parts {
		p := o.w.part(n)
		leaf, _ := p.Master()
		c, err := o.pools.Get(within(t, 20*time.Second), backend.Want{
			Leaf: leaf, Account: backend.Cluster, Variant: backend.Internal, Schema: p.ID.Schema(), Domain: p.Domain, Term: p.Term,
		})
		if err != nil {
			t.Fatal(err)
		}
		x.conns = append(x.conns, c)
		xid := txn.XID{ID: x.id, Decider: decider, Place: txn.PlaceHash(p.ID), Thread: c.Thread()}
		x.branches = append(x.branches, xid)
		if i == 0 && !byCatalog {
			x.must(i, "START TRANSACTION")
		} else {
			x.must(i, "XA START "+xid.SQL())
		}
		x.must(i, fmt.Sprintf("INSERT INTO t VALUES (%d, 1)", value))
	}
	return x
}

func (x *tx) run(i int, sql string) error {
	_, err := x.conns[i].Query(within(x.o.w.t, 20*time.Second), sql)
	return err
}

func (x *tx) must(i int, sql string) {
	x.o.w.t.Helper()
	if err := x.run(i, sql); err != nil {
		x.o.w.t.Fatalf("%s: %v", sql, err)
	}
}

// steps are what a commit does, one after the other.
func (x *tx) steps() (steps []step) {
	first := 1
	if x.catalog {
		first = 0
	} else {
		steps = append(steps, step{"decide", func() error {
			return x.run(0, fmt.Sprintf("CALL orbweaver.decide('d_%d', %d, %d)", x.parts[0], x.id.Owner, x.id.Seq))
		}})
	}
	for i := first; i < len(x.parts); i++ {
		steps = append(steps, step{fmt.Sprint("prepare ", i), func() error {
			if err := x.run(i, "XA END "+x.branches[i].SQL()); err != nil {
				return err
			}
			return x.run(i, "XA PREPARE "+x.branches[i].SQL())
		}})
	}
	steps = append(steps, step{"commit", func() error {
		if !x.catalog {
			return x.run(0, "COMMIT")
		}
		d, err := x.o.node.Decide(within(x.o.w.t, 10*time.Second), &catalog.Decision{ID: x.id.String(), Owner: int64(x.o.lease), Outcome: catalog.Committed})
		if err == nil && d.Outcome != catalog.Committed {
			err = fmt.Errorf("it is %s", d.Outcome)
		}
		return err
	}})
	for i := first; i < len(x.parts); i++ {
		steps = append(steps, step{fmt.Sprint("finish ", i), func() error { return x.run(i, "XA COMMIT "+x.branches[i].SQL()) }})
	}
	return steps
}

type step struct {
	name string
	do   func() error
}

// prepare does all steps up to the commit, and it, too, when commit.
func (x *tx) prepare(commit bool) {
	x.o.w.t.Helper()
	for _, st := range x.steps() {
		if st.name == "commit" && !commit {
			return
		}
		if err := st.do(); err != nil {
			x.o.w.t.Fatalf("%s: %v", st.name, err)
		}
		if st.name == "commit" {
			return
		}
	}
}

// cut breaks all its connections off, as the kernel does for a process that is killed.
func (x *tx) cut() {
	for _, c := range x.conns {
		x.o.pools.Cut(c.Leaf(), c.Thread())
		_, _ = c.Query(context.Background(), "DO 0") // has it seen
		c.Release()
	}
}

// rows is in how many of its partitions its row is.
func (x *tx) rows() (n int) {
	x.o.w.t.Helper()
	for _, p := range x.parts {
		leaf, _ := x.o.w.part(p).Master()
		n += len(x.o.w.sql(leaf, fmt.Sprintf("SELECT 1 FROM d_%d.t WHERE id = %d", p, x.value)))
	}
	return n
}
