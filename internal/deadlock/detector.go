package deadlock

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/txn"
)

const (
	tick     = 50 * time.Millisecond
	suspect  = 100 * time.Millisecond // how long a statement may run unasked
	between  = 120 * time.Millisecond // looks at a leaf: InnoDB shows nothing new within 100 ms of the last one
	lookCost = 2                      // a look that takes t is followed by this many t without one

	lookWithin     = time.Second // of leaves
	exchangeWithin = 500 * time.Millisecond
	apart          = 5 * time.Second // without the others once the catalog did not answer
	breakWithin    = 2 * time.Second
)

// Config is what a Detector needs.
type Config struct {
	Spans *txn.Spans
	Pools *backend.Pools
	// Node and Catalog tell of other nodes; both nil where there are none.
	Node    *catalog.Node
	Catalog *catalog.Catalog
	Log     *slog.Logger // slog.Default() when nil
}

// Detector finds deadlocks over several leaves and breaks them.
type Detector struct {
	cfg   Config
	self  uint32
	found atomic.Uint64

	ctx  context.Context
	stop context.CancelFunc
	done sync.WaitGroup

	// The monitor's own.
	spans    []*txn.Span
	busy     map[*txn.Span]busy
	history  history
	said     uint64
	reported bool
	looks    time.Time // not before
	apart    time.Time // no exchange before
}

// busy is how long a span has been with one statement.
type busy struct {
	turn  uint64
	since time.Time
}

// Start begins to watch. Close ends it.
func Start(cfg Config) *Detector {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	d := &Detector{cfg: cfg, busy: map[*txn.Span]busy{}}
	if cfg.Node != nil {
		d.self = cfg.Node.ID()
	}
	d.history.self = d.self
	d.ctx, d.stop = context.WithCancel(context.Background())
	d.done.Go(d.monitor)
	return d
}

// Close ends the watch; what it has begun is finished or given up.
func (d *Detector) Close() {
	d.stop()
	d.done.Wait()
}

// Found is the number of transactions of this node that were ended.
func (d *Detector) Found() uint64 { return d.found.Load() }

// monitor sleeps while there are no transactions over several places.
func (d *Detector) monitor() {
	for {
		select {
		case <-d.ctx.Done():
			return
		case <-d.cfg.Spans.Some():
		}
		d.follow()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(d.ctx), exchangeWithin)
		d.retract(ctx)
		cancel()
		if d.ctx.Err() != nil {
			return
		}
	}
}

// follow watches until there are none.
func (d *Detector) follow() {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		d.spans = d.cfg.Spans.Append(d.spans[:0])
		if len(d.spans) == 0 {
			clear(d.busy)
			d.history.waits = nil
			return
		}
		suspects := d.suspects(time.Now())
		clear(d.spans)
		if len(suspects) == 0 {
			d.history.waits = nil
			d.retract(d.ctx)
		} else if !time.Now().Before(d.looks) {
			d.look(suspects)
		}
		select {
		case <-d.ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// suspects are the spans that have been with one statement for long.
func (d *Detector) suspects(now time.Time) []*txn.Span {
	var long []*txn.Span
	was := d.busy
	d.busy = make(map[*txn.Span]busy, len(d.spans))
	for _, sp := range d.spans {
		turn := sp.Oldest()
		if turn == 0 {
			continue
		}
		b, ok := was[sp]
		if !ok || b.turn != turn {
			b = busy{turn, now}
		}
		d.busy[sp] = b
		if now.Sub(b.since) >= suspect {
			long = append(long, sp)
		}
	}
	return long
}

// look asks what the suspects wait for, and breaks what is certain to be a deadlock.
func (d *Detector) look(suspects []*txn.Span) {
	began := time.Now()
	d.said++
	p := Picture{}
	spans := map[Name]*txn.Span{}
	for _, sp := range suspects {
		threads, running, ok := sp.Look()
		if !ok || len(running) == 0 {
			continue
		}
		t := Transaction{Name: Name{d.self, sp.ID}, Begun: sp.Begun.UnixMicro(), Threads: threads, Running: running, Said: d.said}
		spans[t.Name] = sp
		p.Transactions = append(p.Transactions, t)
	}
	if len(spans) == 0 {
		return
	}
	theirs, others := d.exchange(d.ctx, p.Transactions)
	p.Transactions = append(p.Transactions, theirs...)
	leaves := map[string]struct{}{}
	for _, t := range p.Transactions {
		for _, r := range t.Running {
			leaves[r.Thread.Leaf] = struct{}{}
		}
	}
	p.Waits = d.waits(d.ctx, leaves)
	var breaking sync.WaitGroup
	ctx, cancel := context.WithTimeout(d.ctx, breakWithin)
	defer cancel()
	for _, v := range Victims(d.history.next(p)) {
		if sp := spans[v.Name]; sp != nil { // the others are their nodes' business
			breaking.Go(func() { d.end(ctx, sp, v) })
		}
	}
	breaking.Wait()
	took := time.Since(began)
	pause := max(between*time.Duration(1+others), lookCost*took)
	d.looks = began.Add(took + pause + rand.N(pause/8))
}

func (d *Detector) end(ctx context.Context, sp *txn.Span, v Victim) {
	if sp.BreakDeadlock(ctx, v.Turn, v.Own) {
		d.found.Add(1)
		d.cfg.Log.Debug("a deadlock over several partitions was broken", "transaction", sp.ID, "open for", time.Since(sp.Begun))
	}
}
