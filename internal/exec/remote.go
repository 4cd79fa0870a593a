package exec

import (
	"context"
	"errors"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/spider"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// PlaceError says which of a linked table's places an error is about.
type PlaceError struct {
	Partition string // "" when the table has none
	Err       error
}

func (e *PlaceError) Error() string {
	if e.Partition == "" {
		return e.Err.Error()
	}
	return "partition " + e.Partition + ": " + e.Err.Error()
}

// Unwrap is the error.
func (e *PlaceError) Unwrap() error { return e.Err }

// Try asks the servers of a linked table for no row of it. The errors are those of its places, in order: none when all remote tables are there and have all
// columns.
func (r *Runner) Try(ctx context.Context, snap *topo.Snapshot, t *topo.Table) []*PlaceError {
	text := []byte("SELECT ")
	for i := range t.Columns {
		if i > 0 {
			text = append(text, ", "...)
		}
		text = plan.AppendQuoted(text, t.Columns[i].Name)
	}
	_, errs := r.askPlaces(ctx, snap, t, string(text), " LIMIT 0")
	var out []*PlaceError
	for i, err := range errs {
		if err != nil {
			name := t.Places[i].Subpartition
			if name == "" {
				name = t.Places[i].Partition
			}
			out = append(out, &PlaceError{name, err})
		}
	}
	return out
}

// manyPlaces bounds how many places of a table are asked something at the same time.
const manyPlaces = 16

// askPlaces asks all places of a table the same, outside of any session: head FROM remote table tail.
func (r *Runner) askPlaces(ctx context.Context, snap *topo.Snapshot, t *topo.Table, head, tail string) ([]*backend.Result, []error) {
	results, errs := make([]*backend.Result, len(t.Places)), make([]error, len(t.Places))
	turn := make(chan struct{}, manyPlaces)
	var wg sync.WaitGroup
	for i := range t.Places {
		turn <- struct{}{}
		wg.Go(func() {
			results[i], errs[i] = r.askPlace(ctx, snap, t, i, head, tail)
			<-turn
		})
	}
	wg.Wait()
	return results, errs
}

func (r *Runner) askPlace(ctx context.Context, snap *topo.Snapshot, t *topo.Table, place int, head, tail string) (*backend.Result, error) {
	links, _, err := spider.UsedLinks(snap, t, place)
	if err != nil {
		return nil, err
	}
	return r.askLink(ctx, links[:1], head, tail)
}

func (r *Runner) askLink(ctx context.Context, links []spider.Link, head, tail string) (*backend.Result, error) {
	remote, err := r.cfg.Remote(links)
	if err != nil {
		return nil, err
	}
	reads := &plan.Plan{}
	c, err := r.cfg.Pools.Get(ctx, backend.Want{Leaf: remote.ID, Remote: remote, Variant: backend.Internal, State: remote.State(nil)})
	if err != nil {
		return nil, loginError(remote, err, reads)
	}
	defer c.Release()
	name := plan.RemoteName{DB: links[0].Database, Table: links[0].Table}
	text := plan.AppendQuoted([]byte(head+" FROM "), name.DB)
	text = plan.AppendQuoted(append(text, '.'), name.Table)
	res, err := r.askRemote(ctx, c, links, string(append(text, tail...)))
	var answer *wire.ServerError
	if errors.As(err, &answer) {
		return nil, remoteAnswer(links[0].Name(), name, answer)
	}
	return res, remoteError(remote, err, reads)
}

// nextAuto reserves n values of a table's sequence. That of a linked table begins above what is at its places when a node takes the first one: rows have come
// there by other ways.
func (r *Runner) nextAuto(ctx context.Context, snap *topo.Snapshot, t *topo.Table, n int) (uint64, error) {
	if t.Kind == topo.Linked {
		s, err := r.splitOf(t)
		if err != nil {
			return 0, err
		}
		if err := r.countPlaces(ctx, snap, t, s); err != nil {
			return 0, err
		}
	}
	return r.cfg.Sequences.Next(ctx, t, n)
}

// countPlaces has the catalog's sequence know the greatest AUTO_INCREMENT value that is at a linked table's places.
func (r *Runner) countPlaces(ctx context.Context, snap *topo.Snapshot, t *topo.Table, s *split) error {
	select {
	case s.counts <- struct{}{}:
		defer func() { <-s.counts }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if s.counted {
		return nil
	}
	head := plan.AppendQuoted([]byte("SELECT MAX("), t.Columns[t.AutoIncrement].Name)
	results, errs := r.askPlaces(ctx, snap, t, string(append(head, ')')), "")
	highest := uint64(0)
	for i, res := range results {
		if errs[i] != nil {
			return errs[i]
		}
		if len(res.Rows) == 1 && len(res.Rows[0]) == 1 {
			highest = max(highest, wholeOf(res.Rows[0][0]))
		}
	}
	if highest > 0 {
		if err := r.cfg.Sequences.Observe(ctx, t, highest); err != nil {
			return err
		}
	}
	s.counted = true
	return nil
}

// wholeOf is the text of a number as one that a sequence counts; 0 for NULL and what is negative.
func wholeOf(text []byte) uint64 {
	if n, err := strconv.ParseUint(string(text), 10, 64); err == nil {
		return n
	}
	f, err := strconv.ParseFloat(string(text), 64) // of a FLOAT or DECIMAL column
	if err != nil || f <= 0 || f >= math.MaxUint64 {
		return 0
	}
	return uint64(math.Ceil(f))
}

// insertID is what the id means that the statement answers.
func (st *Statement) insertID() plan.InsertID {
	if st.Plan.Linked != nil {
		return st.Plan.Linked.InsertID
	}
	return st.Plan.InsertID
}

// AsksID says whether only LAST_INSERT_ID() tells which id the statement has generated, if any. The ids of tables with partitions are the node's.
func (st *Statement) AsksID() bool {
	id := st.insertID()
	return st.Plan.Insert == nil && (id == plan.InsertIDAsk || id == plan.InsertIDGenerated && st.Plan.Rows) // whose answer has no id
}

// beforeRemote prepares a connection for the statement, and gives the context to run it under.
func (st *Statement) beforeRemote(ctx context.Context, c *backend.Conn, place txn.Place) (context.Context, *patience) {
	if st.AsksID() {
		c.Queue("SET last_insert_id=0")
	}
	return st.wait(ctx, place)
}

// afterRemote finds out what LAST_INSERT_ID() becomes.
func (st *Statement) afterRemote(ctx context.Context, c *backend.Conn) error {
	switch {
	case st.AsksID():
		id, err := lastInsertID(ctx, c)
		if err != nil {
			return err
		}
		if st.out.Generated = id != 0; st.out.Generated {
			st.out.InsertID = id
		}
	case st.Plan.Insert == nil && st.insertID() == plan.InsertIDGenerated:
		st.out.Generated = st.out.InsertID != 0
	}
	return nil
}

// lastInsertID is what the statement before has generated.
func lastInsertID(ctx context.Context, c *backend.Conn) (uint64, error) {
	warnings := c.Warnings
	res, err := c.Query(ctx, "SELECT LAST_INSERT_ID()")
	if err != nil {
		return 0, err
	}
	c.Warnings = warnings
	return strconv.ParseUint(string(res.Rows[0][0]), 10, 64)
}

// patience ends a statement when its server is waited for and has said nothing for as long as the link's net_read_timeout.
type patience struct {
	cancel context.CancelCauseFunc

	mu    sync.Mutex
	timer *time.Timer // nil once it has ended
	step  time.Duration
	// waits: the server is waited for. heard counts what it has sent, silent how many steps it has sent nothing.
	waits         bool
	heard, before uint64
	silent        int
}

var errSilent = errors.New("the server has said nothing for net_read_timeout")

// silenced says whether a context has ended by that.
func silenced(ctx context.Context) bool { return errors.Is(context.Cause(ctx), errSilent) }

// patienceSteps is into how many steps the timeout is divided.
const patienceSteps = 8

// patient is for how long the server at the end of a link may say nothing; 0 is for ever.
func patient(l *spider.Link) time.Duration { return time.Duration(max(0, l.ReadTimeout)) * time.Second }

// wait makes the context for what runs at the end of a link.
func wait(ctx context.Context, l *spider.Link) (context.Context, *patience) {
	within := patient(l)
	if within == 0 {
		return ctx, nil
	}
	p := &patience{step: within / patienceSteps}
	ctx, p.cancel = context.WithCancelCause(ctx)
	p.mu.Lock()
	p.timer = time.AfterFunc(p.step, p.look)
	p.mu.Unlock()
	return ctx, p
}

// wait is wait at one of the statement's places; a leaf is waited for in other ways.
func (st *Statement) wait(ctx context.Context, place txn.Place) (context.Context, *patience) {
	if place.Remote == nil {
		return ctx, nil
	}
	return wait(ctx, &st.Plan.Linked.Places[place.Link].Links[0])
}

func (p *patience) look() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer == nil {
		return
	}
	if p.silent++; !p.waits || p.heard != p.before {
		p.silent = 0
	}
	if p.before = p.heard; p.silent >= patienceSteps {
		p.cancel(errSilent)
		return
	}
	p.timer.Reset(p.step)
}

// reads says that the server is waited for.
func (p *patience) reads() {
	if p != nil {
		p.mu.Lock()
		p.waits = true
		p.mu.Unlock()
	}
}

// next is the next packet that the server sends.
func (p *patience) next(c *backend.Conn) (backend.Packet, error) {
	if p == nil {
		return c.Next()
	}
	p.mu.Lock()
	p.waits = true
	p.mu.Unlock()
	packet, err := c.Next()
	p.mu.Lock()
	p.heard++
	p.waits = false
	p.mu.Unlock()
	return packet, err
}

func (p *patience) end() {
	if p == nil {
		return
	}
	p.mu.Lock()
	p.timer.Stop()
	p.timer = nil
	p.mu.Unlock()
	p.cancel(nil)
}

// Count has the catalog's sequence of a linked table with partitions know what is at its places, for those who can't ask later: other connections wait for the locks
// that LOCK TABLES takes.
func (r *Runner) Count(ctx context.Context, snap *topo.Snapshot, t *topo.Table) error {
	if t.Scheme == "" || t.AutoIncrement < 0 {
		return nil
	}
	s, err := r.splitOf(t)
	if err != nil {
		return err
	}
	return r.countPlaces(ctx, snap, t, s)
}
