package control

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/ddl"
	"github.com/orbweaver/orbweaver/internal/mariadb"
	"github.com/orbweaver/orbweaver/internal/move"
	"github.com/orbweaver/orbweaver/internal/settle"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// Config is what a Control works with. All must be given but for what says otherwise.
type Config struct {
	Catalog *catalog.Catalog
	Node    *catalog.Node
	Pools   *backend.Pools
	// Accounts makes the accounts of all leaves equal, those of leaves that are attaching too.
	Accounts func(ctx context.Context) error
	// Open opens what Seal of the gateway has sealed; nil: ADD LEAF takes no passwords.
	Open func(sealed []byte, purpose string) (string, error)
	// ClusterKey is the public half of the cluster's ed25519 key, as MariaDB stores it.
	ClusterKey string
	// Dir is where errant writes are kept; "" for the working directory.
	Dir string
	// Behind is for how long commits in a SYNC database wait for a replica that does not keep up; 30 s when 0.
	Behind time.Duration
	// Grace is how long a leaf that has not answered since this node was elected is not taken for dead: a cluster that starts has slow ones. 10 s when 0.
	Grace time.Duration
	// Dark is for how long a leaf is not taken for dead while no other one answers either; 5 s when 0.
	Dark time.Duration
	// Silences is how many probes in a row a leaf may leave unanswered before this node calls it down; 4 when 0.
	Silences int
	// ClearEvery is how often what ended terms have left is looked for; 30 s when 0.
	ClearEvery time.Duration
	// Calm is for how long no leaf must have been away or coming back, and no master have moved, before anything is cleared away: links are made by it. 10 min when 0.
	Calm time.Duration
	// HoldBack is for how long at most a leaf that comes and goes is held back; 5 min when 0.
	HoldBack time.Duration
	// Remotes are the servers that linked tables lead to: transactions may have left something there; nil: there are none.
	Remotes func() ([]*backend.Remote, error)
	Log     *slog.Logger // slog.Default() when nil
}

// Control runs in every node. Close ends it.
type Control struct {
	cfg     Config
	cat     *catalog.Catalog
	node    *catalog.Node
	log     *slog.Logger
	servers *mariadb.Servers
	copier  *move.Copier
	ddl     *ddl.Runner
	probes  *backend.Pools
	rooms   *backend.Pools // for looks at what leaves have left
	settler *settle.Settler

	ctx  context.Context
	stop context.CancelFunc
	wg   sync.WaitGroup

	mu    sync.Mutex
	back  map[string]bool      // leaves that answer again, and may have been restarted
	heard map[string]time.Time // when leaves answered this node last
}

// Start begins to probe and to stand for election.
func Start(cfg Config) *Control {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	cfg.Behind, cfg.Grace = cmp.Or(cfg.Behind, 30*time.Second), cmp.Or(cfg.Grace, 10*time.Second)
	cfg.Dark = cmp.Or(cfg.Dark, 5*time.Second)
	cfg.ClearEvery, cfg.HoldBack = cmp.Or(cfg.ClearEvery, 30*time.Second), cmp.Or(cfg.HoldBack, longPause)
	cfg.Calm, cfg.Silences = cmp.Or(cfg.Calm, 10*time.Minute), cmp.Or(cfg.Silences, silences)
	servers := mariadb.New(cfg.Pools)
	c := &Control{
		cfg: cfg, cat: cfg.Catalog, node: cfg.Node, log: cfg.Log, servers: servers, copier: &move.Copier{Pools: cfg.Pools, Servers: servers},
		ddl: ddl.New(ddl.Config{Catalog: cfg.Catalog, Node: cfg.Node, Pools: cfg.Pools, Log: cfg.Log}),
		// Apart from the others: a pool that is full, or stuck, is what they are to find out.
		probes: cfg.Pools.Apart(backend.Config{MaxPerLeaf: 4, DialTimeout: probeTimeout, WaitTimeout: probeTimeout / 2}),
		back:   map[string]bool{},
		heard:  map[string]time.Time{},
		rooms:  cfg.Pools.Apart(backend.Config{MaxPerLeaf: 2, DialTimeout: roomWithin, WaitTimeout: roomWithin}),
	}
	c.settler = settle.New(settle.Config{Catalog: cfg.Catalog, Node: cfg.Node, Pools: cfg.Pools, Remotes: cfg.Remotes, Log: cfg.Log})
	c.ctx, c.stop = context.WithCancel(context.Background())
	c.wg.Go(c.observe)
	c.wg.Go(c.stand)
	return c
}

// Close ends all of it, and gives up being the controller.
func (c *Control) Close() {
	c.stop()
	c.wg.Wait()
	c.probes.Close()
	c.rooms.Close()
	c.settler.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := c.node.Resign(ctx); err != nil {
		c.log.Info("control: the leadership ends with the node's lease", "error", err)
	}
}

// Settled is what this node has settled as the controller.
func (c *Control) Settled() settle.Stats { return c.settler.Stats() }

// stand is elected again and again.
func (c *Control) stand() {
	for c.ctx.Err() == nil {
		lead, err := c.node.Campaign(c.ctx)
		if err != nil {
			if errors.Is(err, catalog.ErrClosed) || c.ctx.Err() != nil {
				return
			}
			continue
		}
		ctx, cancel := context.WithCancel(lead)
		stop := context.AfterFunc(c.ctx, cancel)
		c.log.Info("control: this node is the controller", "node", c.node.Name())
		l := &leader{Control: c, ctx: ctx, busy: map[string]bool{}, began: time.Now(), calm: time.Now(), answered: map[string]bool{}, returns: map[string]*returns{},
			taking: map[string]context.CancelFunc{}, dark: map[string]darkness{}, waiting: map[string]string{}, marks: map[string]mark{}, retries: map[string]*retry{},
			beginning: map[uint32]bool{}, held: map[int]held{}, unneeded: map[string]string{}, looks: map[string]*looked{}}
		l.run()
		stop()
		cancel()
	}
}

// event tells operators.
func (c *Control) event(severity, kind, leaf, database, detail string) {
	level := slog.LevelInfo
	if severity != "notice" {
		level = slog.LevelWarn
	}
	c.log.Log(c.ctx, level, "control: "+kind, "leaf", leaf, "database", database, "detail", detail)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx), time.Second)
	defer cancel()
	// An event that can't be kept was logged.
	_ = c.node.AddEvent(ctx, catalog.Event{Severity: severity, Kind: kind, Leaf: leaf, Database: database, Detail: detail})
}

// update changes the topology as the controller.
func (c *Control) update(ctx context.Context, f func(*catalog.Txn) error) (int64, error) {
	return c.cat.Update(ctx, func(x *catalog.Txn) error {
		x.Lead(c.node)
		return f(x)
	})
}

// barrier waits until every node acts on a revision.
func (c *Control) barrier(ctx context.Context, rev int64) (map[topo.PartitionID]bool, error) {
	return c.cat.AwaitSeen(ctx, rev)
}

// changed is a copy of a database that may be changed: its partitions, not its tables.
func changed(d *topo.Database) *topo.Database {
	n := *d
	n.Partitions = make([]*topo.Partition, len(d.Partitions))
	for i, p := range d.Partitions {
		q := *p
		q.Instances = append([]topo.Instance(nil), p.Instances...)
		n.Partitions[i] = &q
	}
	return &n
}
