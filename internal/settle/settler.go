package settle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/mariadb"
	"github.com/orbweaver/orbweaver/internal/wire"
)

const (
	// answerWithin is how long one statement may take: its connection is cut then. A leaf that is stopped holds nobody for longer.
	answerWithin = 5 * time.Second
	// atOnce is how many connections to one server are used at the same time.
	atOnce = 8
)

// Config is what a Settler works with. All must be given but for what says otherwise.
type Config struct {
	Catalog *catalog.Catalog
	Node    *catalog.Node // nil: alone, with a lease that never ends
	Pools   *backend.Pools
	// Remotes are the servers that linked tables lead to now; nil: there are none.
	Remotes func() ([]*backend.Remote, error)
	// Keep is for how long decisions are kept; 10 min when 0.
	Keep time.Duration
	Log  *slog.Logger // slog.Default() when nil
}

// Settler does at servers what there is to be done. Safe for concurrent use.
type Settler struct {
	cfg     Config
	log     *slog.Logger
	pools   *backend.Pools // apart from clients': those may all wait for what is to be settled
	servers *mariadb.Servers
	count   counters
}

type counters struct{ committed, rolledBack, inDoubt atomic.Int64 }

// Stats counts transactions.
type Stats struct {
	Committed, RolledBack uint64 // that were settled since the start
	InDoubt               int    // that are to be settled and could not be, at the last look
}

// New makes a Settler. Close ends it.
func New(cfg Config) *Settler {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	pools := cfg.Pools.Apart(backend.Config{MaxPerLeaf: atOnce + 2*blockedAtOnce, DialTimeout: 2 * time.Second, WaitTimeout: answerWithin})
	return &Settler{cfg: cfg, log: cfg.Log, pools: pools, servers: mariadb.New(pools)}
}

// Close closes its connections. Nobody may use it any more.
func (s *Settler) Close() { s.pools.Close() }

// Stats is what it has done.
func (s *Settler) Stats() Stats {
	return Stats{uint64(s.count.committed.Load()), uint64(s.count.rolledBack.Load()), int(s.count.inDoubt.Load())}
}

// want is a connection for work at a place: what it writes goes to the partition's domain, or to the server's own. It has the partition's database as a client's has: when
// the partition gets another master, those are ended.
func want(at Place) backend.Want {
	w := backend.Want{Leaf: at.Leaf, Account: backend.Cluster, Variant: backend.Internal}
	switch {
	case at.Remote != nil:
		w.Remote, w.State = at.Remote, at.Remote.State(nil)
	case at.Partition.DB != "":
		w.Schema, w.Domain, w.Term = at.Partition.Schema(), at.Domain, at.Term
	}
	return w
}

// at is a connection for work at a place. Its settings end with its use.
func (s *Settler) at(ctx context.Context, p Place) (*backend.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	c, err := s.pools.Get(ctx, want(p))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p, err)
	}
	c.ResetOnRelease()
	return c, nil
}

// run runs a statement. When it takes too long, or ctx ends, the connection is cut: a KILL would have to wait for the same server.
func (s *Settler) run(ctx context.Context, c *backend.Conn, sql string) (*backend.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	defer context.AfterFunc(ctx, func() { s.pools.Cut(c.Leaf(), c.Thread()) })()
	return c.Query(context.WithoutCancel(ctx), sql)
}

// refused says whether an error is a server's refusal with one of these numbers.
func refused(err error, codes ...uint16) bool {
	var e *wire.ServerError
	if !errors.As(err, &e) {
		return false
	}
	for _, c := range codes {
		if e.Code == c {
			return true
		}
	}
	return false
}

func lit(s string) string { return "'" + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(s) + "'" }
