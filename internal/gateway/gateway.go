package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/ddl"
	"github.com/orbweaver/orbweaver/internal/exec"
	"github.com/orbweaver/orbweaver/internal/gate"
	"github.com/orbweaver/orbweaver/internal/mariadb"
	"github.com/orbweaver/orbweaver/internal/schedule"
	"github.com/orbweaver/orbweaver/internal/settle"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/view"
)

// ErrClosed is what Serve returns after Shutdown.
var ErrClosed = errors.New("the gateway is shut down")

// Gateway serves clients. One serves any number of listeners.
type Gateway struct {
	cfg     Config
	exec    *exec.Runner
	guard   *guard
	ddl     *ddl.Runner // nil without a node in the catalog
	started time.Time

	otherNames otherNames

	// As a leaf says it, at the start.
	version       string
	versionNumber int
	sqlMode       string              // of new sessions
	writeTimeout  time.Duration       // of new sessions
	remoteState   *backend.State      // of connections to remote servers, ahead of the session's own
	infoSchema    map[string]string   // tables of information_schema: the column that names a database
	columns       map[string][]string // the columns of those that are tallied
	notNull       map[string][]string // those of them that are NOT NULL
	status        []string            // the columns of SHOW TABLE STATUS
	placeScopes   map[string]string   // of the variables that tell of a place, those that leaves have: their scope

	hostname  string // of the node's machine
	serverUID string // of the cluster, as a server would have one

	plans        planCache
	accountCache accountCache
	accountsBusy semaphore // one change of accounts at a time
	// accountsDirty: the leaves' accounts may differ, as a change was cut off.
	accountsDirty atomic.Bool
	// rights is the version of accounts that this node judges by: no connection to a leaf that is given out has logged in before it.
	rights   atomic.Int64
	permits  permits
	denied   permits // statements on views that accounts could not run at the partitions by rights of their own, of late
	checks   checks
	definers definers
	called   procedures
	bodies   view.Bodies
	remotes  remotes
	xids     xaNames
	// What makes transactions over several places atomic; nil without a node in the catalog.
	settler     *settle.Settler
	own         *settle.Own
	coordinator *txn.Coordinator
	// events runs the cluster's events while this node is the one that does; nil without a node in the catalog.
	events *schedule.Scheduler
	clocks clocks

	stats             counters
	runningStatements atomic.Int64

	ctx    context.Context // ends with the last session
	cancel context.CancelCauseFunc
	done   chan struct{} // closed when the background is to end
	behind sync.WaitGroup
	// draining: no new statements but those of open transactions.
	draining atomic.Bool

	mu        sync.Mutex // guards what follows
	closed    bool
	listeners map[net.Listener]struct{}
	sessions  map[uint32]*session
	lastID    uint32
	unmapped  map[topo.PartitionID]time.Time // partitions without any instance, since when
	turned    int
	running   sync.WaitGroup // sessions
}

// New prepares a gateway: it asks a leaf for the version, and makes the leaves' accounts equal, for which all must be reachable. What DDL was
// cut off is finished or undone. Shutdown ends it.
func New(ctx context.Context, cfg Config) (*Gateway, error) {
	cfg.defaults()
	g := &Gateway{
		cfg: cfg, started: time.Now(), done: make(chan struct{}), accountsBusy: make(semaphore, 1),
		listeners: map[net.Listener]struct{}{}, sessions: map[uint32]*session{},
	}
	g.rights.Store(cfg.Catalog.AccountsVersion())
	g.exec = exec.New(exec.Config{Pools: cfg.Pools, Sequences: sequences{cfg.Catalog}, Remote: g.remote, Watch: g.watchLinks, SortMemory: cfg.SortMemory})
	g.guard = &guard{
		gates: gate.New(), cat: cfg.Catalog, node: cfg.Node, pools: cfg.Pools, servers: mariadb.New(cfg.Pools), patience: cfg.FailoverWait, alike: &alike{node: cfg.Node},
		moments: &moments{cat: cfg.Catalog, node: cfg.Node},
	}
	cfg.Pools.Admit(g.guard.servers.Admit)
	g.apply(nil, cfg.Catalog.Snapshot())
	if cfg.Node != nil {
		g.ddl = ddl.New(ddl.Config{Catalog: cfg.Catalog, Node: cfg.Node, Pools: cfg.Pools, Log: cfg.Log, Wait: cfg.FailoverWait, Hopeless: g.lost, Seal: cfg.Seal, Open: cfg.Open,
			Remote: g.exec.AtRemote, Decided: func(ctx context.Context, parts []topo.PartitionID) error { return g.settler.AwaitDecided(ctx, parts) },
			Seen: func(ctx context.Context, rev int64) (map[topo.PartitionID]bool, error) {
				ctx, end := context.WithTimeout(ctx, cfg.FailoverWait)
				defer end()
				return cfg.Catalog.AwaitSeen(ctx, rev)
			},
		})
	}
	if err := g.install(ctx); err != nil {
		return nil, err
	}
	if err := g.atAnyLeaf(ctx, func(ctx context.Context, c *backend.Conn) error { return g.ask(ctx, c) }); err != nil {
		return nil, err
	}
	if err := g.RepairAccounts(ctx); err != nil {
		// Clients whose accounts are whole can be served all the same.
		cfg.Log.Warn("the leaves' accounts could not be made equal yet", "error", err)
		g.accountsDirty.Store(true)
	}
	g.coordinate()
	g.ctx, g.cancel = context.WithCancelCause(context.Background())
	g.behind.Go(g.monitor)
	g.behind.Go(g.followTopology)
	g.behind.Go(func() { g.guard.alike.tidy(g.done) })
	g.behind.Go(func() { g.guard.moments.follow(g.done) })
	g.behind.Go(g.followFullDisks)
	g.startEvents()
	if g.asksPeers() {
		g.behind.Go(g.answerPeers)
	}
	return g, nil
}

// installTries is how often a leaf is given what it needs where connections to it break off.
const installTries = 3

// install makes what the leaves need; one that does not answer gets it when it is attached.
func (g *Gateway) install(ctx context.Context) error {
	for _, l := range g.cfg.Catalog.Snapshot().OnlineLeaves() {
		for try := 1; ; try++ {
			err := g.guard.servers.Install(ctx, l.Name)
			if err != nil && unreachable(err, true) == "" {
				return err
			}
			var lost *backend.LostError
			if !errors.As(err, &lost) || try == installTries {
				break
			}
		}
	}
	return nil
}

// ask learns what the leaves are.
func (g *Gateway) ask(ctx context.Context, c *backend.Conn) error {
	res, err := c.Query(ctx, "SELECT VERSION(), @@GLOBAL.sql_mode, @@GLOBAL.net_write_timeout, @@GLOBAL."+strings.Join(remoteVariables, ", @@GLOBAL."))
	if err != nil {
		return err
	}
	g.version, g.sqlMode = string(res.Rows[0][0]), string(res.Rows[0][1])
	g.versionNumber = versionNumber(g.version)
	seconds, err := strconv.Atoi(string(res.Rows[0][2]))
	if err != nil {
		return err
	}
	g.writeTimeout = time.Duration(seconds) * time.Second
	g.remoteState = remoteBase(res.Rows[0][3:])
	return g.loadInfoSchema(ctx, c)
}

// versionNumber is 101119 for "10.11.19-MariaDB".
func versionNumber(v string) int {
	v, _, _ = strings.Cut(v, "-")
	n := 0
	for part := range strings.SplitSeq(v, ".") {
		i, err := strconv.Atoi(part)
		if err != nil {
			return 0
		}
		n = n*100 + i
	}
	return n
}

// Shutdown stops accepting, lets statements that run and transactions that are open end until ctx does, closes all sessions and waits for
// them.
func (g *Gateway) Shutdown(ctx context.Context) error {
	g.mu.Lock()
	first := !g.closed
	g.closed = true
	for l := range g.listeners {
		l.Close()
	}
	g.mu.Unlock()
	if g.events != nil {
		g.events.Resign()
	}
	g.draining.Store(true)
	ended := make(chan struct{})
	go func() {
		g.running.Wait()
		close(ended)
	}()
	tick := time.NewTicker(drainEvery)
	defer tick.Stop()
	var err error
wait:
	for {
		// Those that wait for their clients' next command are told at once.
		for _, s := range g.all() {
			if !s.busy.Load() && !s.inTransaction.Load() {
				s.interrupt()
			}
		}
		select {
		case <-ended:
			break wait
		case <-ctx.Done():
			err = fmt.Errorf("some clients had not ended their statements and transactions in time, and were cut off: %w", ctx.Err())
			for _, s := range g.all() {
				s.cancel(errShutdown)
				s.interrupt()
			}
			break wait
		case <-tick.C:
		}
	}
	if first {
		close(g.done)
	}
	select {
	case <-ended:
	case <-time.After(killPatience):
		for _, s := range g.all() {
			s.end(errShutdown)
		}
		<-ended
	}
	g.cancel(ErrClosed)
	if g.events != nil {
		g.events.Close()
	}
	g.behind.Wait()
	if first && g.own != nil {
		g.own.Close()
		g.settler.Close()
	}
	return err
}

const drainEvery = 20 * time.Millisecond

// drained says whether sessions are to end between statements.
func (g *Gateway) drained() bool { return g.draining.Load() }

// sequences gives AUTO_INCREMENT values out of the catalog.
type sequences struct{ c *catalog.Catalog }

func (s sequences) Next(ctx context.Context, t *topo.Table, n int) (uint64, error) {
	return s.c.Sequence(t.ID).Next(ctx, uint64(n))
}

func (s sequences) Observe(ctx context.Context, t *topo.Table, v uint64) error {
	return s.c.Sequence(t.ID).Observe(ctx, v)
}
