package backend

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/orbweaver/orbweaver/internal/wire"
)

// Pools are a node's connections to all leaves.
type Pools struct {
	cfg Config

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	// admit looks at new connections of clients' accounts; nil: none.
	admit atomic.Pointer[func(context.Context, *Conn) error]
	// choices grows with Renew: connections that have chosen their databases before are closed when they come back.
	choices atomic.Uint64
	// vacate is what Vacate was told last.
	vacate atomic.Pointer[map[string]bool]
	// background is what runs beside callers: the trimming of idle connections, the readers of pipelines, kills.
	background sync.WaitGroup

	mu     sync.RWMutex
	leaves map[string]*leafPool
	closed bool
}

// New makes empty pools. Close ends them.
func New(cfg Config) *Pools {
	cfg.MaxPerLeaf = orDefault(cfg.MaxPerLeaf, 2000)
	cfg.MaxDials = orDefault(cfg.MaxDials, 16)
	cfg.WaitTimeout = orDefault(cfg.WaitTimeout, 10*time.Second)
	cfg.DialTimeout = orDefault(cfg.DialTimeout, 5*time.Second)
	cfg.IdleTimeout = orDefault(cfg.IdleTimeout, 5*time.Minute)
	cfg.MaxStatements = orDefault(cfg.MaxStatements, 256)
	p := &Pools{cfg: cfg, leaves: map[string]*leafPool{}}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.background.Go(p.maintain)
	return p
}

func orDefault[T int | time.Duration](v, def T) T {
	if v <= 0 {
		return def
	}
	return v
}

// Get lends a connection: an idle one that is as wanted, else an idle one of the same login that is retargeted, else a new one. Retargeting
// (COM_INIT_DB, SET, COM_RESET_CONNECTION) is one write and one wait before Get returns: were it sent ahead of the caller's command in one
// write, a refused COM_INIT_DB would let the command run in another partition. A connection found dead here is replaced.
//
// Errors: *LeafDownError, *PoolFullError, *PrepareError, *wire.ServerError (the leaf refused the login), ErrClosed, ctx's.
func (p *Pools) Get(ctx context.Context, w Want) (*Conn, error) {
	l, err := p.leaf(w.Leaf, w.Remote)
	if err != nil {
		return nil, err
	}
	for {
		c, err := l.take(ctx, w)
		if err == errRetired {
			if l, err = p.leaf(w.Leaf, w.Remote); err != nil {
				return nil, err
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		idle := !c.idleSince.IsZero()
		if idle && (!c.alive() || c.doubtful() && !c.answers(ctx)) {
			c.breakOff()
			c.Release()
			continue
		}
		if !idle {
			if err := p.admitted(ctx, c); err != nil {
				c.breakOff()
				c.Release()
				return nil, err
			}
		}
		was := c.schema
		if err = c.retarget(ctx, w); err == nil {
			if was != c.schema && p.vacated(was) { // whoever ends the sessions of that database may have listed this one
				c.Discard()
				c.Release()
				continue
			}
			c.term = w.Term
			return c, nil
		}
		c.Release()
		var lost *LostError
		if !idle || !errors.As(err, &lost) {
			return nil, err
		}
		if l.dead.Load() {
			return nil, &LeafDownError{Leaf: w.Leaf, Err: errBroken} // by Break: the next one would not answer either
		}
		// It died while idle, and nothing of the caller's was sent.
	}
}

// Admit has f look at each new connection to a leaf that is logged in as a client's account, before anything is said on it: one that f refuses is not lent, as if the leaf
// were away. An error of f's own that is a *wire.ServerError, as it is, is one that the account would have met anyway. Connections of the cluster's own account are not looked at. Pools that are
// Apart have none of it. Called before the first Get.
func (p *Pools) Admit(f func(ctx context.Context, c *Conn) error) { p.admit.Store(&f) }

// admitted has a new connection looked at.
func (p *Pools) admitted(ctx context.Context, c *Conn) error {
	look := p.admit.Load()
	if look == nil || c.pool.remote != nil || c.account == Cluster {
		return nil
	}
	err := (*look)(ctx, c)
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if refused, ok := err.(*wire.ServerError); ok { // as it is: one that is wrapped may be another connection's
		return refused
	}
	return &LeafDownError{Leaf: c.pool.name, Err: err}
}

// leaf is the pool of a leaf, or of a remote server, which Kill names without saying what it is: it has a pool then.
func (p *Pools) leaf(name string, remote *Remote) (*leafPool, error) {
	p.mu.RLock()
	l, closed := p.leaves[name], p.closed
	p.mu.RUnlock()
	if closed {
		return nil, ErrClosed
	}
	if l != nil {
		return l, nil
	}
	if remote == nil {
		if _, ok := p.cfg.Addr(name); !ok {
			return nil, &LeafDownError{Leaf: name, Err: ErrNoLeaf}
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, ErrClosed
	}
	if l = p.leaves[name]; l == nil {
		l = newLeafPool(p, name)
		l.remote = remote
		p.leaves[name] = l
	}
	return l, nil
}

// Kill ends the statement that runs on a connection of a leaf (KILL QUERY), or the connection (KILL CONNECTION), by the cluster's account. A thread
// that is gone is no error.
func (p *Pools) Kill(ctx context.Context, leaf string, thread uint64, connection bool) error {
	if l, err := p.leaf(leaf, nil); err == nil && l.dead.Load() {
		return &LeafDownError{Leaf: leaf, Err: errBroken} // nothing is worth waiting for it
	}
	c, err := p.Get(ctx, Want{Leaf: leaf, Variant: Internal, reserved: true})
	if err != nil {
		return err
	}
	defer c.Release()
	what := "QUERY"
	if connection {
		what = "CONNECTION"
	}
	_, err = c.Query(ctx, fmt.Sprintf("KILL %s %d", what, thread))
	var refused *wire.ServerError
	if errors.As(err, &refused) && refused.Code == wire.ErNoSuchThread {
		return nil
	}
	return err
}

// Drop closes the idle connections to a leaf, and those in use when they are released: it has moved, or is gone.
func (p *Pools) Drop(leaf string) {
	p.mu.RLock()
	l := p.leaves[leaf]
	p.mu.RUnlock()
	if l != nil {
		l.generation.Add(1)
		l.trim(time.Time{}, nil)
		l.closePipes()
	}
}

// Vacate closes the idle connections of databases (as sets of names, at all leaves) from now on, and those in use when they are released: the sessions of these
// databases are about to be ended, and one that has come to another database between being listed and being ended would take that one's statement along.
func (p *Pools) Vacate(schemas map[string]bool) {
	p.vacate.Store(&schemas)
	if len(schemas) == 0 {
		return
	}
	p.mu.RLock()
	leaves := p.list()
	p.mu.RUnlock()
	for _, l := range leaves {
		l.trim(time.Time{}, nil)
	}
}

// Renew closes the idle connections of databases, and all those in use when they are released: the databases are gone, or have another character set now, and a connection keeps the one that its
// database had when it was chosen (@@collation_database).
func (p *Pools) Renew(schemas map[string]bool) {
	now := p.choices.Add(1)
	p.mu.RLock()
	leaves := p.list()
	p.mu.RUnlock()
	for _, l := range leaves {
		l.trim(time.Time{}, func(c *Conn) bool {
			c.choice = now
			return schemas[c.schema]
		})
	}
}

// vacated says whether connections of a database are to be closed.
func (p *Pools) vacated(schema string) bool {
	all := p.vacate.Load()
	return all != nil && (*all)[schema]
}

// Addr is a leaf's host:port in the current topology; false when there is no such leaf.
func (p *Pools) Addr(leaf string) (string, bool) { return p.cfg.Addr(leaf) }

// Derive makes a secret of the cluster's for a purpose: the same at every node, and nothing that the cluster's own could be told from.
func (p *Pools) Derive(purpose string) string {
	mac := hmac.New(sha256.New, []byte(p.cfg.Password))
	mac.Write([]byte(purpose))
	return hex.EncodeToString(mac.Sum(nil))[:32]
}

// Break is Drop that also cuts the connections in use: the leaf is taken for dead, and who waits for its answers waits for nothing.
func (p *Pools) Break(leaf string) {
	p.Drop(leaf)
	p.mu.RLock()
	l := p.leaves[leaf]
	p.mu.RUnlock()
	if l != nil {
		l.breakAll()
	}
}

// Cut breaks one connection off, whoever uses it, and says whether it was one of this node's. The leaf is not told: what runs there goes on, and nobody hears of
// its end.
func (p *Pools) Cut(leaf string, thread uint64) bool {
	p.mu.RLock()
	l := p.leaves[leaf]
	p.mu.RUnlock()
	if l == nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		if c.thread == thread {
			c.w.Close()
			return true
		}
	}
	return false
}

// Close closes idle connections, waits for those in use and for everything that runs in the background. Get fails from now on.
func (p *Pools) Close() {
	p.mu.Lock()
	p.closed = true
	leaves := p.list()
	p.mu.Unlock()
	p.cancel()
	for _, l := range leaves {
		l.close()
	}
	p.background.Wait()
	for _, l := range leaves {
		l.lent.Wait()
	}
}

// inBackground runs f in a goroutine that Close waits for; false when the pools are closed.
func (p *Pools) inBackground(f func()) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.closed {
		return false
	}
	p.background.Go(f)
	return true
}

// list is the leaves' pools by name; the caller holds mu.
func (p *Pools) list() []*leafPool {
	all := make([]*leafPool, 0, len(p.leaves))
	for _, l := range p.leaves {
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b *leafPool) int { return strings.Compare(a.name, b.name) })
	return all
}

// maintain closes connections that have been idle for long or were closed by their leaf.
func (p *Pools) maintain() {
	tick := time.NewTicker(min(p.cfg.IdleTimeout/4, time.Second))
	defer tick.Stop()
	for {
		select {
		case <-p.ctx.Done():
			return
		case now := <-tick.C:
			p.mu.RLock()
			leaves := p.list()
			p.mu.RUnlock()
			for _, l := range leaves {
				l.trim(now.Add(-p.cfg.IdleTimeout), nil)
			}
			p.retire()
		}
	}
}

// Stats is a picture of the pools, one entry a leaf that was ever used, by name.
func (p *Pools) Stats() []LeafStats {
	p.mu.RLock()
	leaves := p.list()
	p.mu.RUnlock()
	stats := make([]LeafStats, 0, len(leaves))
	for _, l := range leaves {
		if l.remote == nil {
			stats = append(stats, l.stats())
		}
	}
	return stats
}

// counters are what LeafStats counts.
type counters struct {
	opened, failed, lost, resets, retargets, commands atomic.Uint64
	roundTrip                                         atomic.Int64 // nanoseconds
}

// sample folds one round trip into the moving average.
func (n *counters) sample(d time.Duration) {
	old := n.roundTrip.Load()
	if old == 0 {
		n.roundTrip.Store(int64(d))
		return
	}
	n.roundTrip.Store(old + (int64(d)-old)/16) // a lost update among many does no harm
}
