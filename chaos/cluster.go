package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/localetcd"
	"github.com/orbweaver/orbweaver/internal/localfarm"
	"github.com/orbweaver/orbweaver/internal/supervise"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

const (
	clusterPassword = "orbweaver-chaos-cluster"
	leaves          = 4 // leaves that the cluster has at first
	spares          = 2 // leaves that commands add and remove
	nodes           = 3
	etcds           = 3 // members
)

// cluster is real processes: leaves, an etcd, nodes, and the wires between them.
type cluster struct {
	dir     string
	farm    *localfarm.Farm
	leaves  map[string]localfarm.Leaf
	index   map[string]int // of leaves in the farm
	etcd    *localetcd.Etcd
	etcdLog *os.File
	nodes   map[string]*node
	wires   *wires
	cat     *catalog.Catalog // the checker's own sight of the topology, by wires that nothing cuts
	direct  map[string]*sql.DB
	shape   shape
	story   *story
	backing sync.WaitGroup // processes that are being started again
	dumping sync.Once
	making  sync.Mutex // held while processes are added: proxies ask for them

	redundancy int
	spares     int // leaves that commands add and remove
}

// node is an Orbweaver process.
type node struct {
	*process
	mysql, http atomic.Value // addresses, strings
	text, bin   *sql.DB      // clients by the text protocol and by prepared statements

	mu    sync.Mutex
	blind int       // faults that keep it from etcd, or from running
	until time.Time // it may still act on what it saw before
}

// grace is for how long a node that was cut off from etcd, or stopped, may answer reads from what it knew before.
const grace = 3 * time.Second

// blinded notes that a node does not see the topology, for now.
func (n *node) blinded(by int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.blind += by
	n.until = time.Now().Add(grace)
}

// sees says whether the node has seen the topology at all times since.
func (n *node) sees(since time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.blind == 0 && since.After(n.until)
}

func names(what string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%s-%d", what, i+1)
	}
	return out
}

// startCluster starts everything in a directory; program is the orbweaver to be run. other is what is to be otherwise than `make chaos` has it.
func startCluster(ctx context.Context, dir, program string, st *story, other ...func(*cluster)) (c *cluster, err error) {
	c = &cluster{
		dir: dir, leaves: map[string]localfarm.Leaf{}, index: map[string]int{}, nodes: map[string]*node{},
		direct: map[string]*sql.DB{}, wires: newWires(), story: st,
		shape: shape{leaves: names("leaf", leaves), nodes: names("node", nodes), members: names("etcd", etcds)}, redundancy: 2, spares: spares,
	}
	for _, o := range other {
		o(c)
	}
	defer func() {
		if err != nil {
			c.close()
		}
	}()
	if err := c.make(ctx, program); err != nil {
		return c, err
	}
	var starting sync.WaitGroup
	errs := make([]error, nodes)
	for i, name := range c.shape.nodes {
		starting.Go(func() { errs[i] = c.nodes[name].start() })
	}
	starting.Wait()
	return c, errors.Join(errs...)
}

// make starts all but the nodes.
func (c *cluster) make(ctx context.Context, program string) (err error) {
	c.making.Lock()
	defer c.making.Unlock()
	c.farm, err = localfarm.Start(ctx, localfarm.Config{
		Dir: filepath.Join(c.dir, "leaves"), Leaves: len(c.shape.leaves) + c.spares, ClusterPublicKey: wire.Ed25519Public(clusterPassword), Throwaway: true,
		TemplateDir: filepath.Join(os.TempDir(), fmt.Sprintf("orbweaver-templates-%d", os.Geteuid())), Options: []string{"max_connections=1000"},
	})
	if err != nil {
		return err
	}
	for i, l := range c.farm.Leaves() {
		c.leaves[l.Name], c.index[l.Name] = l, i
		if err := c.wires.addLeaf(l.Name, l.Addr(), c.pids); err != nil {
			return err
		}
		cfg := mysql.NewConfig()
		cfg.Net, cfg.Addr, cfg.User, cfg.Timeout, cfg.Logger = "unix", l.Socket, "root", 5*time.Second, &mysql.NopLogger{} // leaves are killed all the time
		connector, err := mysql.NewConnector(cfg)
		if err != nil {
			return err
		}
		c.direct[l.Name] = sql.OpenDB(connector)
	}
	if err := c.startEtcd(ctx, program); err != nil {
		return err
	}
	if err := c.register(ctx); err != nil {
		return err
	}
	for _, name := range c.shape.nodes {
		if c.nodes[name], err = c.newNode(name, program); err != nil {
			return err
		}
	}
	return nil
}

// startEtcd starts the members, each a process.
func (c *cluster) startEtcd(ctx context.Context, program string) (err error) {
	log, err := os.Create(filepath.Join(c.dir, "etcd.log"))
	if err != nil {
		return err
	}
	c.etcdLog = log
	c.etcd, err = localetcd.Start(ctx, localetcd.Config{
		Dir: filepath.Join(c.dir, "etcd"), Members: len(c.shape.members), Run: []string{program, "etcd-member"}, Stderr: log, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	for i, endpoint := range c.etcd.Endpoints() {
		for _, node := range c.shape.nodes {
			if err := c.wires.addEtcd(node, c.shape.members[i], strings.Replace(endpoint, "unix://", "unix:", 1)); err != nil {
				return err
			}
		}
	}
	c.cat, err = catalog.Open(ctx, catalog.Config{Endpoints: c.etcd.Endpoints(), Log: slog.New(slog.DiscardHandler)})
	return err
}

// member is a member of etcd, which is started again when it has ended, unless it is held.
type member struct{ home string }

// member finds one by its name.
func (c *cluster) member(name string) (m member, ok bool) {
	i := slices.Index(c.shape.members, name)
	if i < 0 {
		return m, false
	}
	return member{c.etcd.Home(i + 1)}, true
}

// begin kills or pauses it; heal has it go on.
func (m member) begin(k kind) (heal func() error, err error) {
	text, err := os.ReadFile(filepath.Join(m.home, supervise.PIDFile))
	if err != nil {
		return nil, err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, err
	}
	if k == pause {
		return func() error { return syscall.Kill(pid, syscall.SIGCONT) }, syscall.Kill(pid, syscall.SIGSTOP)
	}
	hold := filepath.Join(m.home, supervise.HoldFile)
	if err := os.WriteFile(hold, nil, 0o600); err != nil {
		return nil, err
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return nil, errors.Join(err, os.Remove(hold))
	}
	return func() error { return os.Remove(hold) }, nil
}

// register tells the catalog of the leaves, at their proxies' addresses.
func (c *cluster) register(ctx context.Context) error {
	if _, err := c.cat.SecretOnce(ctx, "cluster-key", clusterPassword); err != nil {
		return err
	}
	_, err := c.cat.Update(ctx, func(x *catalog.Txn) error {
		s := x.Settings()
		s.Redundancy = c.redundancy
		x.PutSettings(s)
		for i, name := range c.shape.leaves {
			host, port := c.addr(name)
			l := &topo.Leaf{Name: name, Host: host, Port: port, Group: 1, ServerID: c.leaves[name].ServerID, State: topo.LeafOnline}
			if c.redundancy > 1 {
				l.Group, l.Pair = 1+i%2, c.shape.leaves[i^1]
			}
			x.PutLeaf(l)
		}
		return nil
	})
	return err
}

// addr is where the others reach a leaf.
func (c *cluster) addr(leaf string) (host string, port int) {
	host, p, _ := net.SplitHostPort(c.wires.leaves[leaf].Addr()) // a listener's
	port, _ = strconv.Atoi(p)
	return host, port
}

var readyLine = regexp.MustCompile(`^ready: mysql (\S+) http (\S+)`)

func (c *cluster) newNode(name, program string) (*node, error) {
	var endpoints []string
	for _, m := range c.shape.members {
		endpoints = append(endpoints, "http://"+c.wires.etcd[name][m].Addr())
	}
	n := &node{}
	n.process = &process{
		name: name, log: filepath.Join(c.dir, name+".log"), env: []string{"GORACE=halt_on_error=0 atexit_sleep_ms=0"},
		args: []string{program, "serve", "--name", name, "--etcd", strings.Join(endpoints, ","), "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0",
			"--data-dir", filepath.Join(c.dir, name), "--log-level", "info"},
		ready: func(line string) {
			if m := readyLine.FindStringSubmatch(line); m != nil {
				n.mysql.Store(m[1])
				n.http.Store(m[2])
			}
		},
	}
	// Each start is at other ports.
	network := "chaos-" + name + "-" + filepath.Base(c.dir)
	mysql.RegisterDialContext(network, func(ctx context.Context, _ string) (net.Conn, error) {
		addr, _ := n.mysql.Load().(string)
		var d net.Dialer
		return d.DialContext(ctx, "tcp", addr)
	})
	open := func(text bool) (*sql.DB, error) {
		cfg := mysql.NewConfig()
		cfg.Net, cfg.Addr, cfg.User, cfg.DBName, cfg.InterpolateParams, cfg.Logger = network, name, "root", "", text, &mysql.NopLogger{}
		connector, err := mysql.NewConnector(cfg)
		if err != nil {
			return nil, err
		}
		db := sql.OpenDB(connector)
		db.SetMaxIdleConns(32)
		return db, nil
	}
	var err1, err2 error
	n.text, err1 = open(true)
	n.bin, err2 = open(false)
	return n, errors.Join(err1, err2)
}

// pids are the processes that connect to leaves.
func (c *cluster) pids() map[string]int {
	c.making.Lock()
	defer c.making.Unlock()
	out := map[string]int{}
	for name, i := range c.index {
		out[name] = c.farm.PID(i)
	}
	for name, n := range c.nodes {
		out[name] = n.pid()
	}
	return out
}

// target is a node's process by its name; nil when it is something else.
func (c *cluster) target(name string) *process {
	if n := c.nodes[name]; n != nil {
		return n.process
	}
	return nil
}

// killLeaf keeps a leaf down until startLeaf.
func (c *cluster) killLeaf(name string) error {
	if err := os.WriteFile(filepath.Join(c.leaves[name].Dir, localfarm.HoldFile), nil, 0o644); err != nil {
		return err
	}
	if err := c.farm.Kill(c.index[name]); err != nil {
		return errors.Join(err, c.startLeaf(name))
	}
	return nil
}

func (c *cluster) startLeaf(name string) error {
	return os.Remove(filepath.Join(c.leaves[name].Dir, localfarm.HoldFile))
}

// events are what the nodes told of themselves.
func (c *cluster) events(ctx context.Context) []catalog.Event {
	ev, err := c.cat.Events(ctx)
	if err != nil {
		c.story.say("the cluster's events can't be read: %v", err)
	}
	return ev
}

// nodeNames are the nodes in order.
func (c *cluster) nodeNames() []string { return c.shape.nodes }

// close ends everything. Nodes are asked first; what they say of it is told.
func (c *cluster) close() {
	c.backing.Wait()
	for _, n := range c.nodes {
		if n.text != nil {
			n.text.Close()
			n.bin.Close()
		}
		n.kill()
	}
	for _, db := range c.direct {
		db.Close()
	}
	if c.cat != nil {
		_ = c.cat.Close() // what it leaves in an etcd that is about to go is nothing
	}
	if c.etcd != nil {
		if err := c.etcd.Close(); err != nil {
			c.story.say("etcd did not end well: %v", err)
		}
	}
	if c.etcdLog != nil {
		c.etcdLog.Close()
	}
	if c.farm != nil {
		if err := c.farm.Close(); err != nil {
			c.story.say("the leaves did not end well: %v", err)
		}
	}
	c.wires.close()
}

// build makes the orbweaver that is tested.
func build(ctx context.Context, to string, race bool) error {
	args := []string{"build", "-buildvcs=false", "-o", to}
	if race {
		args = append(args, "-race")
	}
	cmd := exec.CommandContext(ctx, "go", append(args, "github.com/orbweaver/orbweaver/cmd/orbweaver")...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
}

// sorted are a map's keys.
func sorted[T any](m map[string]T) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
