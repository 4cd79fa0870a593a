package control

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

const (
	// tick is how often the leader looks when nothing tells it to.
	tick = 100 * time.Millisecond
	// mendEvery is how often the leaves are compared with the topology.
	mendEvery = 5 * time.Second
	// serveWithin bounds how long one master is waited for when it is told that it serves a partition still.
	serveWithin = 5 * time.Second
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
	taking   map[string]context.CancelFunc // ends the taking in of a leaf that has come back
	settled  bool                          // nothing is left of what an earlier controller had locked
	looks    map[string]*looked            // by leaf, what there is left of room
	// beginning are domains that the topology does not have yet, held the binary logs that something under way needs, unneeded the binary logs, by leaf, before
	// which nobody needed any when that was looked at.
	beginning map[uint32]bool
	held      map[int]held
	holds     int
	unneeded  map[string]string

	// Of run alone: since when no leaf has been away or coming back and no master has moved, and the terms by which that is seen.
	calm  time.Time
	terms uint64
	seen  *topo.Snapshot

	// Of run alone: by leaf that is to be taken for dead, and whom a leaf waits for.
	dark    map[string]darkness
	waiting map[string]string

	// Of mend alone.
	marks   map[string]mark
	retries map[string]*retry

	toldRoom string // watchRoom's alone
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
	// Beside the loop: a leaf that does not answer here may be one that is to be failed over from.
	l.begin("leftovers", l.unlockLeftovers)
	l.begin("room", l.watchRoom)
	l.begin("branches", l.watchBranches)
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	mend, clear := time.Time{}, time.Now()
	for l.ctx.Err() == nil {
		board, changed := l.cat.BoardChanged(), l.cat.Changed()
		settled := l.isSettled()
		l.judge(settled)
		if settled {
			l.obey()
			l.welcome()
		}
		if settled && time.Since(mend) > mendEvery {
			mend = time.Now()
			l.begin("mend", l.mend)
		}
		if settled && time.Since(clear) > l.cfg.ClearEvery && time.Since(l.calm) > l.cfg.Calm {
			clear = time.Now()
			l.begin("clear", l.clear)
		}
		select {
		case <-board:
		case <-changed:
		case <-ticker.C:
		case <-l.ctx.Done():
		}
	}
}

// welcome looks after leaves that answer again: one that was restarted before it was missed does not replicate until it is told to.
func (l *leader) welcome() {
	l.Control.mu.Lock()
	defer l.Control.mu.Unlock()
	for name := range l.back {
		x := l.cat.Snapshot().Leaves[name]
		if x != nil && x.State == topo.LeafOnline && !l.begin("welcome of "+name, func(ctx context.Context) {
			if err := l.mendLeaf(ctx, name); err != nil && ctx.Err() == nil {
				l.log.Info("control: a leaf could not be looked after", "leaf", name, "error", err)
			}
		}) {
			continue
		}
		delete(l.back, name)
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

// judge compares what the nodes see with what the topology says of the leaves. Failovers begin whatever else is under way; leaves are taken back once what an
// earlier controller left is settled.
func (l *leader) judge(settled bool) {
	said, err := verdicts(l.cat.Heard(topicLeaves))
	if err != nil {
		l.log.Warn("control: reports can't be read", "error", err)
		return
	}
	snap := l.cat.Snapshot()
	if snap != l.seen {
		terms := uint64(0)
		for _, d := range snap.Databases {
			for _, p := range d.Partitions {
				terms += p.Term
			}
		}
		if terms != l.terms {
			l.calm = time.Now()
		}
		l.seen, l.terms = snap, terms
	}
	for name, leaf := range snap.Leaves {
		v, told := said[name]
		if leaf.State == topo.LeafOffline || leaf.State == topo.LeafAttaching {
			l.calm = time.Now()
		}
		if !told {
			continue
		}
		l.mu.Lock()
		if !v.down {
			l.answered[name] = true
		}
		now := circumstances{
			verdict: v, state: leaf.State, inUse: leaf.State == topo.LeafOffline && inUse(snap, name), settled: settled, losing: l.busy["leaf "+name],
			known: l.answered[name] || time.Since(l.began) > l.cfg.Grace,
		}
		l.mu.Unlock()
		now.mayReturn = leaf.State == topo.LeafOffline && !v.down && !l.waits(snap, name) && l.mayReturn(name)
		if !v.down {
			delete(l.dark, name)
		}
		switch decide(now) {
		case loseIt:
			if leaf.State != topo.LeafOffline && l.inTheDark(snap, name) {
				continue
			}
			l.begin("leaf "+name, func(ctx context.Context) { l.lose(ctx, name, cmp.Or(v.why, "its failover was not ended")) })
		case takeItBack:
			l.begin("return of "+name, func(ctx context.Context) {
				ctx, cancel := context.WithCancel(ctx)
				defer cancel()
				l.mu.Lock()
				l.taking[name] = cancel
				l.mu.Unlock()
				l.comeBack(ctx, name)
			})
		}
	}
}

// inTheDark says whether a leaf that is to be taken for dead is waited for, as no other one answers.
func (l *leader) inTheDark(snap *topo.Snapshot, leaf string) (wait bool) {
	now := time.Now()
	l.Control.mu.Lock()
	none := dark(snap, leaf, l.heard, now)
	l.Control.mu.Unlock()
	before := l.dark[leaf]
	l.dark[leaf], wait = before.after(now, none, l.cfg.Dark)
	if wait && before.began.IsZero() {
		l.log.Warn("control: no leaf answers: none is taken for dead yet", "leaf", leaf)
	}
	return wait
}

// inUse says whether a leaf has instances: when it is offline, a failover was begun and not ended, or a copy became an instance at the last moment.
func inUse(s *topo.Snapshot, leaf string) bool {
	for _, d := range s.Databases {
		for _, p := range d.Partitions {
			if slices.ContainsFunc(p.Instances, func(in topo.Instance) bool { return in.Leaf == leaf }) {
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
		r.pause = min(2*r.pause, l.cfg.HoldBack)
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
		left(x, leaf, &n, nil)
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

// unlockLeftovers opens partitions that an earlier controller had locked for a switch that it did not finish. Until that is done there are no other locks
// than those of failovers.
func (l *leader) unlockLeftovers(ctx context.Context) {
	for ctx.Err() == nil {
		err := l.unlock(ctx)
		if err == nil {
			l.mu.Lock()
			l.settled = true
			l.mu.Unlock()
			return
		}
		if ctx.Err() == nil {
			l.log.Warn("control: locks that an earlier controller left could not be opened yet", "error", err)
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

func (l *leader) isSettled() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.settled
}

// unlock opens what can be opened. An old master that does not answer keeps its own partitions locked: it may come to a failover.
func (l *leader) unlock(ctx context.Context) error {
	if err := l.cat.Sync(ctx); err != nil { // what the earlier controller did last is to be seen
		return err
	}
	s := l.cat.Snapshot()
	var errs []error
	serving := map[topo.PartitionID]uint64{} // the terms in which masters serve for certain
	silent := map[string]bool{}
	for _, d := range s.Databases {
		for _, p := range d.Partitions {
			master, ok := p.Master()
			if !p.Locked || !ok || silent[master] || s.Leaves[master] == nil || s.Leaves[master].State == topo.LeafOffline {
				continue // the failover goes on by itself
			}
			short, cancel := context.WithTimeout(ctx, serveWithin)
			err := l.servers.Serve(short, master, p.ID.Schema(), p.Domain, p.Term)
			cancel()
			if err != nil {
				silent[master] = true
				errs = append(errs, err)
				continue
			}
			serving[p.ID] = p.Term
		}
	}
	_, err := l.update(ctx, func(x *catalog.Txn) error {
		for name := range x.Databases() {
			d := changed(x.Database(name))
			open := d.Locked || d.Quiet
			d.Locked, d.Quiet = false, false
			for _, p := range d.Partitions {
				if term, ok := serving[p.ID]; !p.Locked || len(p.Instances) > 0 && (!ok || term != p.Term) {
					continue
				}
				if master, ok := p.Master(); ok && (x.Leaf(master) == nil || x.Leaf(master).State == topo.LeafOffline) {
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
	return errors.Join(append(errs, err)...)
}

// refuse is an error for a command's client.
func refuse(code uint16, format string, args ...any) error {
	return &catalog.CommandError{Code: code, State: "HY000", Message: fmt.Sprintf(format, args...)}
}
