package schedule

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// Config is what a Scheduler works with.
type Config struct {
	Catalog *catalog.Catalog
	Node    *catalog.Node
	// Zone gives the time zone of a name, as MariaDB has it. What it finds out may take as long as ctx lasts.
	Zone func(ctx context.Context, name string) Zone
	// Run does what an event does. ctx ends when the scheduler is closed.
	Run func(ctx context.Context, e *topo.Event) error
	// End drops an event that is not run any more, unless it is another one by now.
	End func(ctx context.Context, e *topo.Event) error
	// On says whether events are to be run.
	On  func(s *topo.Snapshot) bool
	Log *slog.Logger
}

// Stats counts what this node has done since its start.
type Stats struct {
	Leads   bool   // it runs the cluster's events
	Running int    // events that run now
	Runs    uint64 // ended ones
	Failed  uint64 // those of them that ended with an error
	Skipped uint64 // due times at which nobody could run them
}

// Scheduler runs the cluster's events while this node is the one that does.
type Scheduler struct {
	cfg Config

	leads                 atomic.Bool
	running               atomic.Int64
	runs, failed, skipped atomic.Uint64

	mu     sync.Mutex
	ending map[uint64]bool // events that are run for the last time here, and dropped then, by ID

	ctx     context.Context // of what runs
	end     context.CancelFunc
	leading context.Context // of the work of the one that runs events
	resign  context.CancelFunc
	led     sync.WaitGroup // the loop
	wg      sync.WaitGroup // what runs
}

const (
	// late is for how long after its time an event is run all the same, that is to be run again and again: a node that dies has another one in its place long before. What a whole cluster that was down has missed
	// is skipped, as at a server.
	late = 60
	// lookEvery bounds how long is slept: clocks may be set.
	lookEvery = time.Second
	// again is how long is waited before what failed is tried again, tidyEvery how often is looked for what nodes that are no more have left.
	again     = 200 * time.Millisecond
	tidyEvery = 30 * time.Second
)

// Start begins to run events, whenever this node is the one that does, until Close.
func Start(cfg Config) *Scheduler {
	s := &Scheduler{cfg: cfg, ending: map[uint64]bool{}}
	s.ctx, s.end = context.WithCancel(context.Background())
	s.leading, s.resign = context.WithCancel(s.ctx)
	s.led.Go(s.follow)
	return s
}

// Resign begins no run any more, and lets another node do that; those under way go on.
func (s *Scheduler) Resign() {
	s.resign()
	s.led.Wait()
}

// Close ends all that runs, and waits for it.
func (s *Scheduler) Close() {
	s.Resign()
	s.end()
	s.wg.Wait()
}

// Stats is a picture of what the scheduler does.
func (s *Scheduler) Stats() Stats {
	failed := s.failed.Load() // first: there are not more of them than runs
	return Stats{Leads: s.leads.Load(), Running: int(s.running.Load()), Runs: s.runs.Load(), Failed: failed, Skipped: s.skipped.Load()}
}

// follow waits for its turn, again and again.
func (s *Scheduler) follow() {
	for s.leading.Err() == nil {
		lock, err := s.cfg.Node.LockScheduler(s.leading)
		if err != nil {
			if errors.Is(err, catalog.ErrClosed) {
				return
			}
			s.pause(s.leading, again)
			continue
		}
		ctx, cancel := context.WithCancel(s.leading)
		stop := context.AfterFunc(lock.Context(), cancel)
		s.leads.Store(true)
		l := &leader{Scheduler: s, lock: lock, queue: map[uint64]*waiting{}}
		l.work(ctx)
		s.leads.Store(false)
		stop()
		cancel()
		lock.Unlock()
	}
}

func (s *Scheduler) pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// leader is a Scheduler that runs events, under the lock.
type leader struct {
	*Scheduler
	lock  *catalog.Lock
	runs  map[uint64]*catalog.Run
	queue map[uint64]*waiting // by the events' IDs
	snap  *topo.Snapshot      // that the queue is of; nil: it must be made anew
	since int64               // when events were switched on, 0 when that was before this node's time
	off   bool
}

// waiting is an event that is to be run.
type waiting struct {
	e     *topo.Event
	times Times
	zone  Zone
	due   int64
	over  bool // it is not to be run any more, but is not known for that yet
}

// work runs events at their times until ctx ends.
func (l *leader) work(ctx context.Context) {
	var tidied time.Time
	for ctx.Err() == nil {
		changed := l.cfg.Catalog.Changed()
		wait := lookEvery
		if snap := l.cfg.Catalog.Snapshot(); !l.cfg.On(snap) {
			l.off, l.snap = true, nil
		} else {
			if l.off {
				l.off, l.since = false, time.Now().Unix()
			}
			if time.Since(tidied) > tidyEvery && l.tidy(ctx, snap) == nil {
				tidied = time.Now()
			}
			if err := l.round(ctx, snap); err != nil && ctx.Err() == nil {
				if !errors.Is(err, catalog.ErrRunTaken) {
					l.cfg.Log.Warn("events could not be looked after; it is tried again", "error", err)
				}
				l.snap = nil
				l.pause(ctx, again)
				continue
			}
			for _, w := range l.queue {
				wait = min(wait, time.Until(time.Unix(w.due, 0)))
			}
		}
		select {
		case <-ctx.Done():
		case <-changed:
		case <-time.After(wait):
		}
	}
}

// round begins what is due.
func (l *leader) round(ctx context.Context, snap *topo.Snapshot) error {
	if l.snap == nil {
		runs, err := l.cfg.Catalog.Runs(ctx)
		if err != nil {
			return err
		}
		clear(l.queue)
		l.runs = runs
	}
	var errs []error // of one event, which the others don't wait for
	if l.snap == nil || l.snap.Revision != snap.Revision {
		errs = append(errs, l.enqueue(ctx, snap))
		l.snap = snap
	}
	for _, w := range l.queue {
		if w.due <= time.Now().Unix() {
			errs = append(errs, l.claim(ctx, w))
		}
	}
	return errors.Join(errs...)
}

// enqueue makes the queue that of a snapshot.
func (l *leader) enqueue(ctx context.Context, snap *topo.Snapshot) error {
	there := map[uint64]bool{}
	var errs []error
	for _, d := range snap.Databases {
		for _, e := range d.Events {
			if e.Status != topo.EventEnabled {
				continue
			}
			there[e.ID] = true
			if w := l.queue[e.ID]; w != nil && w.e.Version == e.Version && w.e.Name == e.Name {
				w.e = e
				continue
			}
			delete(l.queue, e.ID)
			w, err := l.next(ctx, e)
			errs = append(errs, err)
			if w != nil {
				l.queue[e.ID] = w
			}
		}
	}
	for id := range l.queue {
		if !there[id] {
			delete(l.queue, id)
		}
	}
	return errors.Join(errs...)
}

// next finds out when an event is due; nil where it never will be. Like a server that has just been told of it, it counts from when the event was made or altered, or run after that.
func (l *leader) next(ctx context.Context, e *topo.Event) (*waiting, error) {
	w := &waiting{e: e}
	var err error
	if w.times, err = Of(e); err != nil {
		l.cfg.Log.Warn("an event is never run", "error", err)
		return nil, nil
	}
	w.zone = l.cfg.Zone(ctx, e.TimeZone)
	from, last := max(e.Modified, l.since), int64(0)
	run := l.runs[e.ID]
	if run != nil {
		last = run.At
		from = max(from, run.At, run.Due)
	}
	if w.times.At != 0 {
		if run != nil && run.Version == e.Version {
			return nil, nil
		}
		last = 0
	}
	if w.due, err = w.dueAfter(last, from); err != nil {
		return nil, err
	}
	if now := time.Now().Unix(); w.times.At == 0 && !w.over && w.due < now-late {
		l.skipped.Add(1)
		l.cfg.Log.Warn("an event could not be run at its time, which is skipped", "event", e.DB+"."+e.Name, "due", time.Unix(w.due, 0).UTC())
		if w.due, err = w.dueAfter(last, now); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// dueAfter is when the event is due: at once, to be ended, where it is not run any more.
func (w *waiting) dueAfter(last, now int64) (int64, error) {
	due, more, err := w.times.Next(w.zone, last, now)
	if w.over = !more; w.over {
		due = 0
	}
	return due, err
}

// claim writes down that an event is run now, and runs it.
func (l *leader) claim(ctx context.Context, w *waiting) error {
	now := time.Now().Unix()
	next, more, err := w.times.Next(w.zone, now, max(now, w.due))
	if err != nil {
		return err
	}
	more = more && !w.over
	run := catalog.Run{Due: w.due, At: now, Last: !more}
	if before := l.runs[w.e.ID]; w.over {
		run = catalog.Run{Last: true}
		if before != nil {
			run.Due, run.At = before.Due, before.At
		}
	}
	r, err := l.cfg.Catalog.ClaimRun(ctx, l.lock, w.e, l.runs[w.e.ID], run)
	if errors.Is(err, catalog.ErrUnknown) {
		r, err = l.claimed(ctx, w.e, r)
	}
	if err != nil {
		return err
	}
	l.runs[w.e.ID] = r
	e := w.e
	if w.due = next; !more {
		delete(l.queue, e.ID)
		l.Scheduler.mu.Lock()
		l.ending[e.ID] = true
		l.Scheduler.mu.Unlock()
	}
	l.running.Add(1)
	over := w.over
	l.wg.Go(func() { l.Scheduler.run(e, !more, over) })
	return nil
}

// claimed finds out whether a claim was written that etcd did not answer to.
func (l *leader) claimed(ctx context.Context, e *topo.Event, mine *catalog.Run) (*catalog.Run, error) {
	for {
		runs, err := l.cfg.Catalog.Runs(ctx)
		if err == nil {
			if r := runs[e.ID]; r != nil && r.Mark == mine.Mark {
				return r, nil
			}
			return nil, catalog.ErrRunTaken
		}
		if ctx.Err() != nil {
			return nil, err
		}
		l.pause(ctx, again)
	}
}

// run runs an event, and drops it when that was the last time, or when that is over already.
func (s *Scheduler) run(e *topo.Event, last, over bool) {
	if !over {
		err := s.cfg.Run(s.ctx, e)
		s.runs.Add(1)
		if err != nil {
			s.failed.Add(1)
			s.cfg.Log.Warn("an event ended with an error", "event", e.DB+"."+e.Name, "definer", e.Definer, "error", err)
		}
	}
	s.running.Add(-1)
	if !last {
		return
	}
	for ends(e) {
		err := s.cfg.End(s.ctx, e)
		if err == nil || s.ctx.Err() != nil {
			break
		}
		s.cfg.Log.Warn("an event that was run for the last time could not be dropped; it is tried again", "event", e.DB+"."+e.Name, "error", err)
		s.pause(s.ctx, 5*again)
	}
	s.mu.Lock()
	delete(s.ending, e.ID)
	s.mu.Unlock()
}

// ends says whether an event that is not run any more is dropped. One that MariaDB can't reckon a next time for, as it would be after 2038, only rests.
func ends(e *topo.Event) bool { return !e.Preserve && (e.At != "" || e.Ends != "") }

// tidy drops events that nodes have run for the last time which did not come to drop them. What they do may have been cut off: an event is run once.
func (l *leader) tidy(ctx context.Context, snap *topo.Snapshot) error {
	var runs map[uint64]*catalog.Run
	var leases *catalog.Leases
	for _, d := range snap.Databases {
		for _, e := range d.Events {
			l.Scheduler.mu.Lock()
			mine := l.ending[e.ID]
			l.Scheduler.mu.Unlock()
			if e.Status != topo.EventDisabled || !ends(e) || mine {
				continue
			}
			if leases == nil { // runs first: a lease that comes then is none of them
				var err error
				if runs, err = l.cfg.Catalog.Runs(ctx); err != nil {
					return err
				}
				if leases, err = l.cfg.Catalog.Leases(ctx); err != nil {
					return err
				}
			}
			if r := runs[e.ID]; r == nil || !r.Last || r.Version != e.Version || leases.Living[r.Lease] {
				continue
			}
			if err := l.cfg.End(ctx, e); err != nil {
				return err
			}
		}
	}
	return nil
}
