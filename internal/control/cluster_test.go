package control_test

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/control"
	"github.com/orbweaver/orbweaver/internal/faultproxy"
	"github.com/orbweaver/orbweaver/internal/gateway"
	"github.com/orbweaver/orbweaver/internal/localfarm"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
	"github.com/orbweaver/orbweaver/internal/topo"
)

func TestMain(m *testing.M) {
	// Leaves and nodes are killed under the driver's connections, which the statements tell of.
	if err := mysql.SetLogger(&mysql.NopLogger{}); err != nil {
		panic(err)
	}
	os.Exit(farmtest.Main(m))
}

// patience is what a slow machine does not exhaust: whatever takes longer hangs.
const patience = 6 * time.Minute

// node is one of a cluster's.
type node struct {
	cat    *catalog.Catalog
	member *catalog.Node
	pools  *backend.Pools
	gw     *gateway.Gateway
	watch  *control.Control
	db     *sql.DB
	addr   string
	served chan error
}

// cluster is leaves of its own, to be broken, an etcd and some nodes.
type cluster struct {
	t     *testing.T
	farm  *localfarm.Farm
	etcd  *catalog.Embedded
	dir   string
	nodes []*node
	// configure changes what nodes that start then are made of.
	configure func(*control.Config)
	// hasty has nodes that start then take a leaf that does not answer for dead as soon as they do in use. A busy machine holds leaves up for longer.
	hasty bool
	// wait is for how long statements at nodes that start then wait for leaves; a minute when 0.
	wait  time.Duration
	first func(nodes int)
	// members is how many servers are leaves from the first; all when 0.
	members int
	// proxies are in front of the leaves for everybody, when there are any.
	proxies []*faultproxy.Proxy
	// detour and endpoint are how nodes that start then reach leaves and etcd: their own way, "" for the usual one.
	detour   map[string]string
	endpoint string
}

func newCluster(t *testing.T, leaves, redundancy, nodes int) *cluster {
	t.Helper()
	c := &cluster{t: t, farm: farmtest.Start(t, leaves)}
	var err error
	if c.dir, err = os.MkdirTemp("", "orbweaver-control-"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(c.dir) })
	ctx := within(t, patience)
	if c.etcd, err = catalog.StartEmbedded(ctx, catalog.EmbeddedConfig{Dir: c.dir, Listen: "127.0.0.1:0", Throwaway: true, Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.etcd.Close() })
	c.first = func(nodes int) {
		t.Helper()
		c.nodes = append(c.nodes, c.start("node-1", func(cat *catalog.Catalog) {
			if _, err := cat.Update(ctx, func(x *catalog.Txn) error {
				settings := topo.DefaultSettings
				settings.Redundancy = redundancy
				x.PutSettings(settings)
				all := c.farm.Leaves()
				if c.members > 0 {
					all = all[:c.members]
				}
				for i, l := range all {
					leaf := &topo.Leaf{Name: l.Name, Host: l.Host, Port: c.port(i), Group: l.Group, State: topo.LeafOnline, ServerID: l.ServerID}
					if redundancy == 2 {
						leaf.Pair = all[i^1].Name
					}
					x.PutLeaf(leaf)
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}))
		for len(c.nodes) < nodes {
			c.next()
		}
	}
	if nodes > 0 {
		c.first(nodes)
	}
	return c
}

// port is where the cluster finds a leaf.
func (c *cluster) port(i int) int {
	if i < len(c.proxies) {
		return port(c.t, c.proxies[i])
	}
	return c.farm.Leaves()[i].Port
}

// next starts one more node.
func (c *cluster) next() {
	c.t.Helper()
	c.nodes = append(c.nodes, c.start(fmt.Sprint("node-", len(c.nodes)+1), nil))
}

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

func (c *cluster) start(name string, first func(*catalog.Catalog)) *node {
	t := c.t
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	if os.Getenv("ORBWEAVER_TEST_LOG") != "" {
		log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelInfo})).With("node", name)
	}
	ctx := within(t, patience)
	n := &node{served: make(chan error, 1)}
	var err error
	endpoints := c.etcd.Endpoints()
	if c.endpoint != "" {
		endpoints = []string{c.endpoint}
	}
	if n.cat, err = catalog.Open(ctx, catalog.Config{Endpoints: endpoints, Log: log}); err != nil {
		t.Fatal(err)
	}
	if first != nil {
		first(n.cat)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if n.member, err = n.cat.Register(ctx, catalog.NodeInfo{Name: name, MySQL: l.Addr().String()}, 2*time.Second); err != nil {
		t.Fatal(err)
	}
	detour := c.detour
	n.pools = backend.New(backend.Config{Password: farmtest.ClusterPassword, Addr: func(leaf string) (string, bool) {
		if addr := detour[leaf]; addr != "" {
			return addr, true
		}
		if l := n.cat.Snapshot().Leaves[leaf]; l != nil {
			return l.Addr(), true
		}
		return "", false
	}})
	if n.gw, err = gateway.New(ctx, gateway.Config{
		Catalog: n.cat, Pools: n.pools, Node: n.member, NodeID: uint16(n.member.ID()), ClusterKey: farmtest.ClusterPublicKey, Log: log,
		FailoverWait: cmp.Or(c.wait, time.Minute),
	}); err != nil {
		t.Fatal(err)
	}
	cfg := control.Config{
		Catalog: n.cat, Node: n.member, Pools: n.pools, Accounts: n.gw.RepairAccounts,
		ClusterKey: farmtest.ClusterPublicKey, Dir: filepath.Join(c.dir, "errant"), Log: log,
	}
	if !c.hasty {
		cfg.Silences = 20
	}
	if c.configure != nil {
		c.configure(&cfg)
	}
	n.watch = control.Start(cfg)
	go func() { n.served <- n.gw.Serve(context.Background(), l) }()
	client := mysql.NewConfig()
	client.Net, client.Addr, client.User, client.InterpolateParams = "tcp", l.Addr().String(), "root", true
	connector, err := mysql.NewConnector(client)
	if err != nil {
		t.Fatal(err)
	}
	n.db, n.addr = sql.OpenDB(connector), l.Addr().String()
	t.Cleanup(func() { n.stop(t) })
	return n
}

// stop ends a node in order; the second time it does nothing.
func (n *node) stop(t *testing.T) {
	if n.db == nil {
		return
	}
	n.db.Close()
	n.db = nil
	n.watch.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := n.gw.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if err := <-n.served; !errors.Is(err, gateway.ErrClosed) {
		t.Error(err)
	}
	n.pools.Close()
	_ = n.member.Close(ctx)
	_ = n.cat.Close()
}

func (c *cluster) must(statements ...string) {
	c.t.Helper()
	for _, s := range statements {
		if _, err := c.nodes[0].db.Exec(s); err != nil {
			c.t.Fatalf("%s: %v", s, err)
		}
	}
	for _, n := range c.nodes[1:] { // they see it a moment later
		if err := n.cat.WaitRevision(within(c.t, patience), c.nodes[0].cat.Snapshot().Revision); err != nil {
			c.t.Fatal(err)
		}
	}
}

// hold kills a leaf with -9 and keeps it from coming back until release.
func (c *cluster) hold(i int) (release func()) {
	c.t.Helper()
	file := filepath.Join(c.farm.Leaves()[i].Dir, localfarm.HoldFile)
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		c.t.Fatal(err)
	}
	if err := c.farm.Kill(i); err != nil {
		c.t.Fatal(err)
	}
	return func() { _ = os.Remove(file) }
}

// until waits for the topology to be as wanted.
func (c *cluster) until(what string, ok func(*topo.Snapshot) bool) {
	c.t.Helper()
	cat := c.nodes[len(c.nodes)-1].cat
	deadline := time.After(patience)
	for {
		changed := cat.Changed()
		if ok(cat.Snapshot()) {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			var b strings.Builder
			for _, l := range cat.Snapshot().Leaves {
				fmt.Fprintf(&b, "%s %s; ", l.Name, l.State)
			}
			for _, d := range cat.Snapshot().Databases {
				for _, p := range d.Partitions {
					fmt.Fprintf(&b, "%s locked=%v term=%d home=%q %v; ", p.ID, p.Locked, p.Term, p.Home, p.Instances)
				}
			}
			c.t.Fatalf("it did not come to this: %s\n%s", what, b.String())
		}
	}
}

// whole says that every leaf is online and every partition has a master and a replica in sync.
func whole(s *topo.Snapshot) bool {
	for _, l := range s.Leaves {
		if l.State != topo.LeafOnline {
			return false
		}
	}
	for _, d := range s.Databases {
		for _, p := range d.Partitions {
			if len(p.Instances) != s.Settings.Redundancy || p.Locked {
				return false
			}
			for _, in := range p.Instances {
				if in.Role == topo.Replica && !in.InSync {
					return false
				}
			}
		}
	}
	return true
}

// equal compares every replica with its master.
func (c *cluster) equal(tables ...string) {
	c.t.Helper()
	n := c.nodes[len(c.nodes)-1]
	sum := func(leaf, schema, table string) string {
		conn, err := n.pools.Get(within(c.t, patience), backend.Want{Leaf: leaf, Account: backend.Cluster, Variant: backend.Internal})
		if err != nil {
			c.t.Fatal(err)
		}
		defer conn.Release()
		res, err := conn.Query(within(c.t, patience), "CHECKSUM TABLE "+schema+"."+table+" EXTENDED")
		if err != nil {
			c.t.Fatal(err)
		}
		return string(res.Rows[0][1])
	}
	for _, d := range n.cat.Snapshot().Databases {
		for _, p := range d.Partitions {
			master, _ := p.Master()
			for _, r := range p.Replicas() {
				for _, table := range tables {
					a, b := "", "-"
					for range 3000 { // what is on its way arrives
						if a, b = sum(master, p.ID.Schema(), table), sum(r, p.ID.Schema(), table); a == b {
							break
						}
						time.Sleep(100 * time.Millisecond)
					}
					if a != b {
						c.t.Errorf("partition %s, table %s: %s on %s, %s on %s", p.ID, table, a, master, b, r)
					}
				}
			}
		}
	}
}

// load is clients that insert rows of their own, and know which were acknowledged.
type load struct {
	mu       sync.Mutex
	acked    map[int64]bool
	unknown  int
	failed   []error
	stop     func()
	finished sync.WaitGroup
}

// unknownOutcome are the errors by which a client is told that it can't be known.
func unknownOutcome(err error) bool {
	var e *mysql.MySQLError
	return errors.As(err, &e) && (e.Number == 12701 || e.Number == 1180)
}

// insert begins clients that write to d.t (id BIGINT PRIMARY KEY, v INT), spread over the nodes.
func (c *cluster) insert(clients int) *load {
	running, stop := context.WithCancel(context.Background())
	l := &load{acked: map[int64]bool{}, stop: stop}
	c.t.Cleanup(func() { // a test that has failed may not have ended it
		stop()
		l.finished.Wait()
	})
	for i := range clients {
		db := c.nodes[i%len(c.nodes)].db
		l.finished.Go(func() {
			for id := int64(i); running.Err() == nil; id += int64(clients) {
				_, err := db.Exec("INSERT INTO d.t (id, v) VALUES (?, ?)", id, i)
				l.mu.Lock()
				switch {
				case err == nil:
					l.acked[id] = true
				case unknownOutcome(err):
					l.unknown++
				default:
					l.failed = append(l.failed, err)
				}
				l.mu.Unlock()
				time.Sleep(2 * time.Millisecond) // the machine has other things to do
			}
		})
	}
	return l
}

func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acked)
}

// more waits until some more writes were acknowledged.
func (l *load) more(t *testing.T, n int) {
	t.Helper()
	want := l.count() + n
	for deadline := time.Now().Add(patience); l.count() < want; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			l.mu.Lock()
			defer l.mu.Unlock()
			t.Fatalf("the writes did not go on: %d of %d, %d unknown, errors %v", len(l.acked), want, l.unknown, l.failed)
		}
	}
}

// end stops the clients and looks for every acknowledged row.
func (l *load) end(t *testing.T, c *cluster) {
	t.Helper()
	l.stop()
	l.finished.Wait()
	rows, err := c.nodes[len(c.nodes)-1].db.Query("SELECT id FROM d.t")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	have := map[int64]bool{}
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		if have[id] {
			t.Errorf("row %d is there twice", id)
		}
		have[id] = true
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	lost := 0
	for id := range l.acked {
		if !have[id] {
			lost++
		}
	}
	if lost > 0 {
		t.Errorf("%d of %d acknowledged rows are lost", lost, len(l.acked))
	}
	if len(have) > len(l.acked)+l.unknown {
		t.Errorf("%d rows, of which %d were acknowledged and %d are unknown", len(have), len(l.acked), l.unknown)
	}
	for i, err := range l.failed {
		if i < 5 {
			t.Errorf("a write failed: %v", err)
		}
	}
}
