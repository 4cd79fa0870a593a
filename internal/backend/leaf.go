package backend

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/orbweaver/orbweaver/internal/wire"
)

// checkAfter is how long a connection may have been idle and still be taken for alive without a look at its socket.
const checkAfter = 200 * time.Millisecond

// scanIdle bounds the search for an idle connection that is exactly as wanted.
const scanIdle = 64

// dialAfterMisses is how often a login retargets a connection for want of one with the right database before it opens another one: about as many
// round trips as a dial costs, so that neither choice is ever much worse than the better one.
const dialAfterMisses = 16

// reservedPlaces is how many connections more than MaxPerLeaf there may be for KILL: a full pool is when it is needed.
const reservedPlaces = 4

// login is what connections of one pool have in common.
type login struct {
	account Account
	variant Variant
	role    string // SET ROLE's fragment: only another login ends a role, COM_RESET_CONNECTION does not
}

func loginOf(w Want) login { return login{w.Account, w.Variant, w.State.role()} }

// leafPool has the connections to one leaf.
type leafPool struct {
	pools *Pools
	name  string
	dials chan struct{} // a place per dial under way
	// generation grows with Drop: connections of an older one are closed when they come back.
	generation atomic.Uint64
	// suspected is the time (nanoseconds) of the last sign that the leaf closes connections: those idle since before are looked at.
	suspected atomic.Int64
	count     counters
	lent      sync.WaitGroup // connections that are open, idle ones too

	mu      sync.Mutex
	open    int // connections that exist or are being made; at most MaxPerLeaf
	idle    int // of these in logins' idle lists
	pipes   int // of these serving pipelines
	logins  map[login]*loginPool
	waiters []chan struct{} // first come, first woken; each has room for one signal
	lines   map[lineKey]*Pipeline
	conns   map[*Conn]struct{} // all that are open
	closed  bool
	// cut ends with the next Break: dials and waits that are under way then would wait for a dead leaf.
	cut    context.Context
	cutOff context.CancelFunc

	local      local
	processors atomic.Int32 // of the leaf's machine, as it says; 0 before it was asked

	// dead: broken by Break, and not reached since.
	dead atomic.Bool
	// secure holds the accounts, without their clients' addresses, that the leaf was seen to refuse without TLS.
	secure sync.Map

	remote  *Remote // nil: it is a leaf
	retired bool    // thrown away; guarded by mu
}

// addr is where the leaf is now.
func (l *leafPool) addr() (string, bool) {
	if l.remote != nil {
		return l.remote.Addr, true
	}
	return l.pools.cfg.Addr(l.name)
}

type loginPool struct {
	idle   []*Conn // the last used at the end
	misses int
}

func newLeafPool(p *Pools, name string) *leafPool {
	l := &leafPool{pools: p, name: name, dials: make(chan struct{}, p.cfg.MaxDials), logins: map[login]*loginPool{},
		lines: map[lineKey]*Pipeline{}, conns: map[*Conn]struct{}{}}
	l.cut, l.cutOff = context.WithCancel(p.ctx)
	return l
}

// take gives an idle connection or a new one. It may have died, and it may have another database and state than wanted.
func (l *leafPool) take(ctx context.Context, w Want) (*Conn, error) {
	addr, ok := l.addr()
	if !ok {
		return nil, &LeafDownError{Leaf: l.name, Err: ErrNoLeaf}
	}
	key := loginOf(w)
	if l.remote != nil {
		key.account = Cluster
	}
	limit := l.pools.cfg.MaxPerLeaf
	if w.reserved {
		limit += reservedPlaces
	}
	var (
		timeout *time.Timer
		again   bool
		began   time.Time
		noRoom  error // the leaf's own max_connections
	)
	for {
		l.mu.Lock()
		if l.closed {
			l.mu.Unlock()
			return nil, ErrClosed
		}
		if l.retired {
			l.mu.Unlock()
			return nil, errRetired
		}
		c, dead := l.pick(key, w, addr)
		if c == nil && l.open >= limit {
			if old := l.evict(); old != nil {
				dead = append(dead, old)
			}
		}
		if c == nil && l.open < limit && noRoom == nil {
			l.open++
			l.lent.Add(1)
			l.mu.Unlock()
			closeAll(dead)
			c, err := l.dial(ctx, key, w, addr)
			if !full(err) {
				return c, err
			}
			noRoom = err
			continue
		}
		if c != nil {
			l.mu.Unlock()
			closeAll(dead)
			return c, nil
		}
		ready := make(chan struct{}, 1)
		if again {
			l.waiters = append([]chan struct{}{ready}, l.waiters...)
		} else {
			l.waiters = append(l.waiters, ready)
		}
		cut := l.cut
		l.mu.Unlock()
		closeAll(dead)
		if timeout == nil {
			began = time.Now()
			timeout = time.NewTimer(l.pools.cfg.WaitTimeout)
			defer timeout.Stop()
		}
		select {
		case <-ready:
			again, noRoom = true, nil
		case <-retry(noRoom):
			// Another node may have given up a connection.
			l.forget(ready)
			again, noRoom = true, nil
		case <-ctx.Done():
			l.forget(ready)
			return nil, context.Cause(ctx)
		case <-l.pools.ctx.Done():
			l.forget(ready)
			return nil, ErrClosed
		case <-cut.Done():
			l.forget(ready)
			return nil, &LeafDownError{Leaf: l.name, Err: errBroken}
		case <-timeout.C:
			l.forget(ready)
			var refused *wire.ServerError
			if errors.As(noRoom, &refused) {
				return nil, &CrowdedError{Leaf: l.name, Remote: l.remoteName(), Waited: time.Since(began).Round(time.Millisecond), Err: refused}
			}
			return nil, &PoolFullError{Leaf: l.name, Remote: l.remoteName(), Limit: l.pools.cfg.MaxPerLeaf, Waited: time.Since(began).Round(time.Millisecond)}
		}
	}
}

// full says whether a leaf refused a login for want of room.
func full(err error) bool {
	var refused *wire.ServerError
	return errors.As(err, &refused) && (refused.Code == wire.ErConCount || refused.Code == wire.ErTooManyUserConns)
}

// retry fires when a leaf that had no room is to be asked again; never when that is not why one waits.
func retry(noRoom error) <-chan time.Time {
	if noRoom == nil {
		return nil
	}
	return time.After(100 * time.Millisecond)
}

// pick takes an idle connection of the login; the caller holds mu and closes dead outside of it.
func (l *leafPool) pick(key login, w Want, addr string) (c *Conn, dead []*Conn) {
	p := l.logins[key]
	if p == nil {
		return nil, nil
	}
	// Those of an old generation or address lie anywhere: Drop and trim take most of them out.
	for n := len(p.idle) - 1; n >= 0 && n >= len(p.idle)-scanIdle; n-- {
		if i := p.idle[n]; i.schema == w.Schema && i.domain == w.Domain && !i.needsReset && i.state.Equal(w.State) {
			return l.remove(p, n, addr, dead)
		}
	}
	room := l.open < l.pools.cfg.MaxPerLeaf*3/4
	// The one that was unused for the longest is retargeted, but one whose state can be changed is better than one to be reset.
	best := -1
	for n := 0; n < len(p.idle) && n < scanIdle; n++ {
		if w.Schema == "" && p.idle[n].schema != "" {
			continue // a default database can't be taken away
		}
		if best < 0 {
			best = n
		}
		if _, ok := change(p.idle[n].state, w.State); ok && !p.idle[n].needsReset {
			best = n
			break
		}
	}
	if best < 0 {
		return nil, nil
	}
	if p.idle[best].schema != w.Schema && room {
		if p.misses++; p.misses > dialAfterMisses {
			p.misses = 0
			return nil, nil
		}
	}
	return l.remove(p, best, addr, dead)
}

func (l *leafPool) remove(p *loginPool, n int, addr string, dead []*Conn) (*Conn, []*Conn) {
	c := p.idle[n]
	p.idle = append(p.idle[:n], p.idle[n+1:]...)
	l.idle--
	if c.addr != addr || c.generation != l.generation.Load() {
		l.open--
		return nil, append(dead, c)
	}
	return c, dead
}

// evict takes out the connection that was idle for the longest, of whatever login, to make room for another login; the caller holds mu.
func (l *leafPool) evict() *Conn {
	var from *loginPool
	for _, p := range l.logins {
		if len(p.idle) > 0 && (from == nil || p.idle[0].idleSince.Before(from.idle[0].idleSince)) {
			from = p
		}
	}
	if from == nil {
		return nil
	}
	c := from.idle[0]
	from.idle = append(from.idle[:0], from.idle[1:]...)
	l.idle--
	l.open--
	return c
}

func closeAll(dead []*Conn) {
	for _, c := range dead {
		c.close()
		c.pool.lent.Done()
	}
}

// dial makes a connection for which a place was taken in open.
func (l *leafPool) dial(ctx context.Context, key login, w Want, addr string) (*Conn, error) {
	within := l.pools.cfg.DialTimeout
	if l.remote != nil && l.remote.Connect > 0 {
		within = l.remote.Connect
	}
	silent := errDialTimeout
	if l.remote != nil {
		silent = errRemoteTimeout
	}
	ctx, cancel := context.WithTimeoutCause(ctx, within, silent)
	defer cancel()
	l.mu.Lock()
	cut := l.cut
	l.mu.Unlock()
	ctx, cancelCut := context.WithCancelCause(ctx)
	defer cancelCut(nil)
	defer context.AfterFunc(cut, func() { cancelCut(errBroken) })()
	c, err := func() (*Conn, error) {
		select {
		case l.dials <- struct{}{}:
			defer func() { <-l.dials }()
		case <-ctx.Done():
			return nil, &LeafDownError{Leaf: l.name, Err: context.Cause(ctx)}
		}
		return dialConn(ctx, l, key, w, addr)
	}()
	if err != nil {
		l.count.failed.Add(1)
		l.gone()
		return nil, err
	}
	l.mu.Lock()
	late := cut.Err() != nil // nobody will cut it any more
	if !late {
		l.conns[c] = struct{}{}
	}
	l.mu.Unlock()
	if late {
		c.w.Close()
		l.count.failed.Add(1)
		l.gone()
		return nil, &LeafDownError{Leaf: l.name, Err: errBroken}
	}
	l.dead.Store(false)
	l.count.opened.Add(1)
	return c, nil
}

// errBroken: the leaf was taken for dead.
var errBroken = errors.New("the leaf is taken for dead")

// breakAll cuts every connection that is open, whoever uses it, and all that are being made or waited for.
func (l *leafPool) breakAll() {
	l.dead.Store(true)
	l.local.forget()
	l.suspect()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cutOff()
	l.cut, l.cutOff = context.WithCancel(l.pools.ctx)
	for c := range l.conns {
		c.w.Close()
	}
}

// gone gives back a place in open, and wakes one who waits for it.
func (l *leafPool) gone() {
	l.mu.Lock()
	l.open--
	l.wake()
	l.mu.Unlock()
	l.lent.Done()
}

// wake lets the first waiter look again; the caller holds mu.
func (l *leafPool) wake() {
	if len(l.waiters) == 0 {
		return
	}
	l.waiters[0] <- struct{}{}
	l.waiters = append(l.waiters[:0], l.waiters[1:]...)
}

// forget takes a waiter out that gives up; if it had been woken already, the next one is.
func (l *leafPool) forget(ready chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, w := range l.waiters {
		if w == ready {
			l.waiters = append(l.waiters[:i], l.waiters[i+1:]...)
			return
		}
	}
	l.wake()
}

// put takes a connection back.
func (l *leafPool) put(c *Conn) {
	if !c.reusable() || c.generation != l.generation.Load() || c.onRelease && c.state.role() != "" {
		if c.broken {
			l.suspect()
		}
		c.close()
		l.gone()
		return
	}
	if c.onRelease {
		c.onRelease, c.needsReset = false, true
		if l.pools.inBackground(func() {
			c.resetNow()
			l.put(c)
		}) {
			return
		}
	}
	c.idleSince = time.Now()
	l.mu.Lock()
	if l.closed || l.pools.vacated(c.schema) || c.choice != l.pools.choices.Load() { // looked at with mu: Vacate and Renew come along after they have said what
		l.mu.Unlock()
		c.close()
		l.gone()
		return
	}
	key := login{c.account, c.variant, c.state.role()}
	p := l.logins[key]
	if p == nil {
		p = &loginPool{}
		l.logins[key] = p
	}
	p.idle = append(p.idle, c)
	l.idle++
	l.wake()
	l.mu.Unlock()
}

// suspect has every connection that is idle now looked at before it is used.
func (l *leafPool) suspect() { l.suspected.Store(time.Now().UnixNano()) }

// trim closes what was idle since before, what is of an older generation or of a database that is vacated, what the leaf has closed, and what else is to go, if there is
// anything.
func (l *leafPool) trim(before time.Time, goes func(*Conn) bool) {
	l.mu.Lock()
	var dead []*Conn
	generation := l.generation.Load()
	look := time.Now().Add(-time.Second)
	for key, p := range l.logins {
		kept := p.idle[:0]
		for _, c := range p.idle {
			if c.idleSince.Before(before) || c.generation != generation || l.pools.vacated(c.schema) || goes != nil && goes(c) || c.idleSince.Before(look) && !c.alive() {
				dead = append(dead, c)
			} else {
				kept = append(kept, c)
			}
		}
		clear(p.idle[len(kept):])
		p.idle = kept
		if len(p.idle) == 0 {
			delete(l.logins, key) // an account that is away costs nothing
		}
	}
	l.idle -= len(dead)
	l.open -= len(dead)
	for range dead {
		l.wake()
	}
	l.mu.Unlock()
	closeAll(dead)
	l.trimPipes(before)
}

func (l *leafPool) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.generation.Add(1)
	l.trim(time.Time{}, nil)
	l.closePipes()
}

func (l *leafPool) stats() LeafStats {
	l.mu.Lock()
	s := LeafStats{Leaf: l.name, Open: l.open, InUse: l.open - l.idle - l.pipes, Idle: l.idle, Pipes: l.pipes, Waiting: len(l.waiters)}
	l.mu.Unlock()
	s.Opened, s.Failed, s.Lost = l.count.opened.Load(), l.count.failed.Load(), l.count.lost.Load()
	s.Resets, s.Retargets, s.Commands = l.count.resets.Load(), l.count.retargets.Load(), l.count.commands.Load()
	s.RoundTrip = time.Duration(l.count.roundTrip.Load())
	return s
}
