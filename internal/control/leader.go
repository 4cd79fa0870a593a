package control

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/mariadb"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

const (
	// tick is how often the leader looks when nothing tells it to.
	tick = 100 * time.Millisecond
	// grace is how long a leaf that has not answered since the leader was elected is not taken for dead: a cluster that starts has slow ones.
	grace = 10 * time.Second
	// mendEvery is how often the leaves are compared with the topology.
	mendEvery = 5 * time.Second
)

// leader is a Control that was elected, until ctx ends.
type leader struct {
	*Control
	ctx   context.Context
	began time.Time
	work  sync.WaitGroup

	mu       sync.Mutex
	busy     map[string]bool // leaves, commands and databases that are being worked on
	answered map[string]bool // leaves that were up since began
	returns  map[string]*returns
	stands   map[string]mariadb.Position // of leaves that are being attached: what they had applied before
}

// returns is how often a leaf came back lately.
type returns struct {
	last  time.Time
	pause time.Duration
	due   time.Time
}

const (
	firstPause = 500 * time.Millisecond
	longPause  = 5 * time.Minute
	quietFor   = 10 * time.Minute
)

// run works until the leadership ends, and until all that it began has ended.
func (l *leader) run() {
	defer l.work.Wait()
	l.unlockLeftovers()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	mend := time.Now()
	for l.ctx.Err() == nil {
		board, changed := l.cat.BoardChanged(), l.cat.Changed()
		l.judge()
		l.obey()
		if time.Since(mend) > mendEvery {
			mend = time.Now()
			l.begin("mend", func(ctx context.Context) { l.mend(ctx) })
		}
		select {
		case <-board:
		case <-changed:
		case <-ticker.C:
		case <-l.ctx.Done():
		}
	}
}

// begin runs f beside the leader unless something of that name runs.
func (l *leader) begin(name string, f func(ctx context.Context)) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.busy[name] {
		return false
	}
	l.busy[name] = true
	l.work.Go(func() {
		defer func() {
			l.mu.Lock()
			delete(l.busy, name)
			l.mu.Unlock()
		}()
		f(l.ctx)
	})
	return true
}

// judge compares what the nodes see with what the topology says of the leaves.
func (l *leader) judge() {
	dead, err := down(l.cat.Heard(topicLeaves))
	if err != nil {
		l.log.Warn("control: reports can't be read", "error", err)
		return
	}
	heard := len(l.cat.Heard(topicLeaves)) > 0
	snap := l.cat.Snapshot()
	for name, leaf := range snap.Leaves {
		why, isDown := dead[name]
		l.mu.Lock()
		if heard && !isDown {
			l.answered[name] = true
		}
		known := l.answered[name] || time.Since(l.began) > grace
		l.mu.Unlock()
		switch {
		case !heard:
		case isDown && known && (leaf.State == topo.LeafOnline || leaf.State == topo.LeafAttaching):
			l.begin("leaf "+name, func(ctx context.Context) { l.lose(ctx, name, why) })
		case isDown && leaf.State == topo.LeafOffline && l.stuck(snap, name):
			l.begin("leaf "+name, func(ctx context.Context) { l.lose(ctx, name, why) })
		case !isDown && leaf.State == topo.LeafAttaching:
			l.begin("leaf "+name, func(ctx context.Context) { l.comeBack(ctx, name) }) // another controller has begun it
		case !isDown && leaf.State == topo.LeafOffline && l.mayReturn(name):
			l.begin("leaf "+name, func(ctx context.Context) { l.comeBack(ctx, name) })
		}
	}
}

// stuck says whether a failover of the leaf was begun and not ended.
func (l *leader) stuck(s *topo.Snapshot, leaf string) bool {
	for _, d := range s.Databases {
		for _, p := range d.Partitions {
			if m, ok := p.Master(); ok && m == leaf {
				return true
			}
		}
	}
	return false
}

// mayReturn holds back leaves that come and go: each time for twice as long.
func (l *leader) mayReturn(leaf string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.returns[leaf]
	if r == nil || time.Since(r.last) > quietFor {
		r = &returns{last: time.Now(), pause: firstPause, due: time.Now()}
		l.returns[leaf] = r
	}
	return time.Now().After(r.due)
}

// returned notes that a leaf has come back.
func (l *leader) returned(leaf string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r := l.returns[leaf]; r != nil {
		r.last, r.due = time.Now(), time.Now().Add(r.pause)
		r.pause = min(2*r.pause, longPause)
	}
}

// setLeaf changes a leaf in the topology.
func (l *leader) setLeaf(ctx context.Context, name string, f func(*topo.Leaf)) error {
	_, err := l.update(ctx, func(x *catalog.Txn) error {
		leaf := x.Leaf(name)
		if leaf == nil {
			return topo.NoLeaf(name)
		}
		n := *leaf
		f(&n)
		if n != *leaf {
			x.PutLeaf(&n)
		}
		return nil
	})
	return err
}

// missing says whether a server has no such table yet.
func missing(err error) bool {
	var refused *wire.ServerError
	return errors.As(err, &refused) && (refused.Code == 1146 || refused.Code == 1049)
}

// unlockLeftovers opens partitions that an earlier controller had locked for a switch that it did not finish.
func (l *leader) unlockLeftovers() {
	for l.ctx.Err() == nil {
		err := l.unlock(l.ctx)
		if err == nil || errors.Is(err, catalog.ErrNotController) {
			return
		}
		l.log.Warn("control: locks that an earlier controller left could not be opened yet", "error", err)
		select {
		case <-time.After(200 * time.Millisecond):
		case <-l.ctx.Done():
		}
	}
}

func (l *leader) unlock(ctx context.Context) error {
	s := l.cat.Snapshot()
	for _, d := range s.Databases {
		for _, p := range d.Partitions {
			master, ok := p.Master()
			if !p.Locked || !ok || s.Leaves[master] == nil || s.Leaves[master].State == topo.LeafOffline {
				continue // the failover goes on by itself
			}
			if err := l.servers.Serve(ctx, master, p.ID.Schema(), p.Domain, p.Term); err != nil {
				return err
			}
		}
	}
	_, err := l.update(ctx, func(x *catalog.Txn) error {
		for name := range x.Databases() {
			d := changed(x.Database(name))
			open := d.Locked
			d.Locked = false
			for _, p := range d.Partitions {
				master, ok := p.Master()
				if !p.Locked || ok && (x.Leaf(master) == nil || x.Leaf(master).State == topo.LeafOffline) {
					continue
				}
				p.Locked, open = false, true
			}
			if open {
				x.PutDatabase(d)
			}
		}
		return nil
	})
	return err
}

// refuse is an error for a command's client.
func refuse(code uint16, format string, args ...any) error {
	return &catalog.CommandError{Code: code, State: "HY000", Message: fmt.Sprintf(format, args...)}
}
