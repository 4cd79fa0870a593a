package gateway

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/localfarm"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
	"github.com/orbweaver/orbweaver/internal/order"
	"github.com/orbweaver/orbweaver/internal/topo"
)

func TestMain(m *testing.M) {
	// Sessions are ended under the driver's connections, which the statements tell of.
	if err := mysql.SetLogger(&mysql.NopLogger{}); err != nil {
		panic(err)
	}
	code := farmtest.Main(m)
	if shared.b != nil {
		shared.b.close()
	}
	os.Exit(code)
}

// bench is a cluster of two leaves with one node.
type bench struct {
	farm  *localfarm.Farm
	etcd  *catalog.Embedded
	cat   *catalog.Catalog
	node  *catalog.Node
	pools *backend.Pools
	g     *Gateway
	addr  *net.TCPAddr
	dir   string
	serve chan error
}

var shared struct {
	sync.Mutex
	b *bench
}

// cluster is the cluster that all tests of the package share.
func cluster(t *testing.T) *bench {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.b == nil {
		b, err := newBench(farmtest.Shared(t, 2), Config{})
		if err != nil {
			t.Fatal(err)
		}
		shared.b = b
	}
	return shared.b
}

func newBench(farm *localfarm.Farm, cfg Config, change ...func(*backend.Config)) (b *bench, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	b = &bench{farm: farm, serve: make(chan error, 1)}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	quiet := slog.New(slog.DiscardHandler)
	if os.Getenv("GATEWAY_LOG") != "" {
		quiet = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	if b.dir, err = os.MkdirTemp("", "orbweaver-gateway-"); err != nil {
		return b, err
	}
	if b.etcd, err = catalog.StartEmbedded(ctx, catalog.EmbeddedConfig{Dir: b.dir, Throwaway: true, Log: quiet}); err != nil {
		return b, err
	}
	if b.cat, err = catalog.Open(ctx, catalog.Config{Endpoints: b.etcd.Endpoints(), Log: quiet}); err != nil {
		return b, err
	}
	if _, err = b.cat.Update(ctx, func(x *catalog.Txn) error {
		rank := map[int]int{}
		names := map[[2]int]string{}
		for _, l := range farm.Leaves() {
			rank[l.Group]++
			names[[2]int{l.Group, rank[l.Group]}] = l.Name
		}
		clear(rank)
		for _, l := range farm.Leaves() {
			rank[l.Group]++
			x.PutLeaf(&topo.Leaf{
				Name: l.Name, Host: l.Host, Port: l.Port, Group: l.Group, State: topo.LeafOnline, ServerID: l.ServerID, Pair: names[[2]int{3 - l.Group, rank[l.Group]}],
			})
		}
		return nil
	}); err != nil {
		return b, err
	}
	return b, b.serveNode(ctx, "node-1", 10*time.Second, cfg, quiet, change)
}

// serveNode makes the bench a node of its catalog's cluster.
func (b *bench) serveNode(ctx context.Context, name string, lease time.Duration, cfg Config, log *slog.Logger, change []func(*backend.Config)) (err error) {
	if b.node, err = b.cat.Register(ctx, catalog.NodeInfo{Name: name, MySQL: "127.0.0.1:3306"}, lease); err != nil {
		return err
	}
	pools := backend.Config{Password: farmtest.ClusterPassword, Addr: func(leaf string) (string, bool) {
		if l := b.cat.Snapshot().Leaves[leaf]; l != nil {
			return l.Addr(), true
		}
		return "", false
	}}
	for _, f := range change {
		f(&pools)
	}
	b.pools = backend.New(pools)
	cfg.Catalog, cfg.Pools, cfg.Node, cfg.NodeID = b.cat, b.pools, b.node, uint16(b.node.ID())
	cfg.ClusterKey, cfg.Log = farmtest.ClusterPublicKey, log
	sealer, err := order.NewSealer(farmtest.ClusterPassword)
	if err != nil {
		return err
	}
	cfg.Seal, cfg.Open = sealer.Seal, sealer.Open
	if b.g, err = New(ctx, cfg); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	b.addr = l.Addr().(*net.TCPAddr)
	go func() { b.serve <- b.g.Serve(context.Background(), l) }()
	return nil
}

func (b *bench) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if b.addr != nil {
		if err := b.g.Shutdown(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "shutdown:", err)
		}
		if err := <-b.serve; !errors.Is(err, ErrClosed) {
			fmt.Fprintln(os.Stderr, "serve:", err)
		}
	}
	if b.pools != nil {
		b.pools.Close()
	}
	if b.node != nil {
		_ = b.node.Close(ctx)
	}
	if b.cat != nil {
		_ = b.cat.Close()
	}
	if b.etcd != nil {
		_ = b.etcd.Close()
	}
	_ = os.RemoveAll(b.dir)
}

// dsn names the node for an account.
func (b *bench) dsn(user, password, db, params string) string {
	if params != "" {
		params = "?" + params
	}
	return fmt.Sprintf("%s:%s@tcp(%s)/%s%s", user, password, b.addr, db, params)
}

// open is a pool of connections to the node.
func (b *bench) open(t *testing.T, user, password, db, params string) *sql.DB {
	t.Helper()
	d, err := sql.Open("mysql", b.dsn(user, password, db, params))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// root is one connection of root's.
func (b *bench) root(t *testing.T, db string) *client { return b.as(t, "root", "", db) }

// as is one connection of an account's.
func (b *bench) as(t *testing.T, user, password, db string) *client {
	t.Helper()
	c, err := b.open(t, user, password, db, "multiStatements=true").Conn(context.Background())
	if err != nil {
		t.Fatalf("%s: %v", user, err)
	}
	t.Cleanup(func() { c.Close() })
	return &client{t: t, c: c}
}

// database makes a sharded database for one test.
func (b *bench) database(t *testing.T, name string) *client {
	t.Helper()
	c := b.root(t, "")
	c.exec("DROP DATABASE IF EXISTS " + name)
	c.exec("CREATE DATABASE " + name + " PARTITIONS 4")
	t.Cleanup(func() {
		d := b.open(t, "root", "", "", "")
		_, _ = d.Exec("DROP DATABASE IF EXISTS " + name)
	})
	c.exec("USE " + name)
	return c
}

// client is one connection with short names for what tests do with it.
type client struct {
	t *testing.T
	c *sql.Conn
}

func (c *client) exec(q string, args ...any) sql.Result {
	c.t.Helper()
	r, err := c.c.ExecContext(timeout(c.t), q, args...)
	if err != nil {
		c.t.Fatalf("%s: %v", q, err)
	}
	return r
}

// rows are a query's rows, values joined by |, rows by /.
func (c *client) rows(q string, args ...any) string {
	c.t.Helper()
	s, err := c.query(q, args...)
	if err != nil {
		c.t.Fatalf("%s: %v", q, err)
	}
	return s
}

func (c *client) query(q string, args ...any) (string, error) {
	rows, err := c.c.QueryContext(timeout(c.t), q, args...)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	var out []string
	cols, err := rows.Columns()
	if err != nil {
		return "", err
	}
	for rows.Next() {
		values, ptrs := make([]sql.NullString, len(cols)), make([]any, len(cols))
		for i := range values {
			ptrs[i] = &values[i]
		}
		if err := rows.Scan(ptrs...); err != nil {
			return "", err
		}
		parts := make([]string, len(cols))
		for i, v := range values {
			parts[i] = v.String
			if !v.Valid {
				parts[i] = "NULL"
			}
		}
		out = append(out, strings.Join(parts, "|"))
	}
	return strings.Join(out, "/"), rows.Err()
}

// want compares a query's rows.
func (c *client) want(q, want string, args ...any) {
	c.t.Helper()
	if got := c.rows(q, args...); got != want {
		c.t.Errorf("%s: got %q, want %q", q, got, want)
	}
}

// fails wants an error's number.
func (c *client) fails(code uint16, q string, args ...any) string {
	c.t.Helper()
	_, err := c.query(q, args...)
	var e *mysql.MySQLError
	if !errors.As(err, &e) {
		c.t.Errorf("%s: got %v, want error %d", q, err, code)
		return ""
	}
	if e.Number != code {
		c.t.Errorf("%s: got %v, want error %d", q, err, code)
	}
	return e.Message
}

// timeout is what a slow machine does not exhaust: whatever takes longer hangs.
func timeout(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// account makes an account for one test.
func (b *bench) account(t *testing.T, name, how string) {
	t.Helper()
	c := b.root(t, "")
	c.exec("DROP USER IF EXISTS " + name)
	c.exec("CREATE USER " + name + " " + how)
	t.Cleanup(func() {
		d := b.open(t, "root", "", "", "")
		_, _ = d.Exec("DROP USER IF EXISTS " + name)
	})
}

// leaf asks a leaf directly, by the cluster's account.
func (b *bench) leaf(t *testing.T, i int, q string) string {
	t.Helper()
	c, err := b.pools.Get(timeout(t), backend.Want{Leaf: b.farm.Leaves()[i].Name, Variant: backend.Internal})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Release()
	res, err := c.Query(timeout(t), q)
	if err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	var out []string
	for _, row := range res.Rows {
		parts := make([]string, len(row))
		for i, v := range row {
			parts[i] = string(v)
		}
		out = append(out, strings.Join(parts, "|"))
	}
	return strings.Join(out, "/")
}

// cli runs the mariadb command line client.
func (b *bench) cli(t *testing.T, user, password, stdin string, args ...string) (string, error) {
	t.Helper()
	all := append([]string{"--no-defaults", "-h127.0.0.1", fmt.Sprintf("-P%d", b.addr.Port), "-u" + user}, args...)
	if password != "" {
		all = append(all, "-p"+password)
	}
	cmd := exec.CommandContext(timeout(t), "mariadb", all...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
