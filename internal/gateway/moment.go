package gateway

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/gate"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
	"github.com/orbweaver/orbweaver/internal/xid"
)

// moments are what commits over several places at this node have to do with those who look for a moment without any: a consistent snapshot, a copy.
type moments struct {
	windows  gate.Windows
	stopping gate.Stop // of all writes
	cat      *catalog.Catalog
	node     *catalog.Node // nil: alone

	mu    sync.Mutex
	lease context.Context // the lease under which the holds have been applied
	stops []topo.Hold     // of a node that is alone
	last  int             // of those
	alone sync.Mutex      // the hold of a node that is alone
}

// follow applies the holds of all nodes, and tells when nothing that they concern is under way here, until done.
func (m *moments) follow(done <-chan struct{}) {
	if m.node == nil {
		return
	}
	var told []string
	var under context.Context // the lease that told is under
	var tidy <-chan time.Time
	for {
		changed, alive := m.cat.BoardChanged(), m.node.Alive()
		holds := m.cat.Holds()
		m.windows.Apply(holds)
		m.obey(holds)
		m.mu.Lock()
		m.lease = alive
		m.mu.Unlock()
		underWay, left := m.windows.Still()
		writes, ends, written := m.stopping.Still()
		for i := range holds {
			if h := &holds[i]; h.Stop {
				underWay[h.ID] = writes || h.Ends && ends
			}
		}
		var still []string
		mine := false
		for id, is := range underWay {
			if !is {
				still = append(still, id)
			}
			mine = mine || m.node.Holds(id)
		}
		slices.Sort(still)
		var again <-chan time.Time
		if len(still) > 0 && alive.Err() == nil && (under != alive || !slices.Equal(still, told)) {
			ctx, cancel := context.WithTimeout(alive, time.Second)
			err := m.node.Holding(ctx, still)
			cancel()
			if err == nil {
				told, under = still, alive
			} else {
				again = time.After(retryEvery)
			}
		}
		if mine && tidy == nil {
			tidy = time.After(tidyAfter)
		}
		select {
		case <-changed:
		case <-left:
		case <-written:
		case <-again:
		case <-tidy:
			tidy = nil
			m.node.TidyHolds()
		case <-alive.Done(): // the report went with it
			under = nil
			select {
			case <-time.After(retryEvery):
			case <-done:
				return
			}
		case <-done:
			return
		}
	}
}

// tidyAfter is how long a hold of this node may be on the board before it is looked whether it is one still.
const tidyAfter = 200 * time.Millisecond

// ready says whether the holds have been seen that are in force under the present lease.
func (m *moments) ready() bool {
	if m.node == nil {
		return true
	}
	alive := m.node.Alive()
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.lease == alive && alive.Err() == nil
}

// hold finds a moment without commits over several places at any node. end must be called; it says for how long they waited at most.
func (m *moments) hold(ctx context.Context) (lasts func() bool, end func() time.Duration, err error) {
	if m.node != nil {
		h, err := m.node.Hold(ctx, topo.Hold{All: true})
		if err != nil {
			return nil, nil, err
		}
		return h.Lasts, h.End, nil
	}
	m.alone.Lock()
	began := time.Now()
	end = func() time.Duration {
		m.windows.Apply(nil)
		m.alone.Unlock()
		return time.Since(began)
	}
	m.windows.Apply([]topo.Hold{{ID: "alone", All: true}})
	for {
		underWay, left := m.windows.Still()
		if !underWay["alone"] {
			return func() bool { return true }, end, nil
		}
		select {
		case <-left:
		case <-ctx.Done():
			end()
			return nil, nil, fmt.Errorf("commits over several places are still under way: %w", ctx.Err())
		}
	}
}

// EnterWide begins a commit at several places.
func (g *guard) EnterWide(places []txn.Place) (leave func()) {
	if !g.valid() || !g.moments.ready() {
		return nil
	}
	in := g.moments.windows.Enter(partitions(places))
	if in == nil {
		return nil
	}
	return func() { g.moments.windows.Leave(in) }
}

// AwaitWide waits while commits at several places are held back, which is short.
func (g *guard) AwaitWide(ctx context.Context, places []txn.Place) error {
	ctx, cancel := context.WithTimeout(ctx, g.patience)
	defer cancel()
	for !g.valid() || !g.moments.ready() {
		select {
		case <-time.After(leaseLook):
		case <-ctx.Done():
			return errNoLease
		}
	}
	return g.moments.windows.Await(ctx, partitions(places))
}

func partitions(places []txn.Place) []topo.PartitionID {
	out := make([]topo.PartitionID, len(places))
	for i, p := range places {
		out[i] = p.Partition
	}
	return out
}

// UnfinishedError: no snapshot of everything can be had, since a transaction over several places is committed at some of them only.
type UnfinishedError struct {
	Leaf   string
	Branch xid.XID
}

func (e *UnfinishedError) Error() string {
	return fmt.Sprintf("No consistent snapshot was found: transaction %s is not finished at leaf %s; try again once it is", e.Branch.ID, e.Leaf)
}

// MySQL is 1205 ER_LOCK_WAIT_TIMEOUT.
func (e *UnfinishedError) MySQL() (uint16, string, string) { return 1205, "HY000", e.Error() }

// NoMomentError: commits over several places were under way for too long, somewhere, as where a replica does not keep up that they wait for; or a database was being dropped.
type NoMomentError struct{ Err error }

func (e *NoMomentError) Error() string {
	return "No consistent snapshot was found, as commits over several partitions take long, or a database is being dropped; try again: " + e.Err.Error()
}

// Unwrap gives the cause.
func (e *NoMomentError) Unwrap() error { return e.Err }

// MySQL is 1205 ER_LOCK_WAIT_TIMEOUT.
func (e *NoMomentError) MySQL() (uint16, string, string) { return 1205, "HY000", e.Error() }

// heldWithin bounds how long commits are held back each time.
const heldWithin = 2 * time.Second

// beginSnapshot is START TRANSACTION WITH CONSISTENT SNAPSHOT: all partitions of all databases, and this session's reference tables, are seen as of one moment, at which
// no transaction is committed at some of its places only. A partition without a master is waited for as long as statements on it would; what is no part of the snapshot
// can't be read in the transaction. Only commits over several places are held back, and only while the places' snapshots are opened: the
// connections have been got before.
func (s *session) beginSnapshot(ctx context.Context, m txn.Modes) error {
	if err := s.tx.Begin(ctx, m); err != nil {
		return err
	}
	m = s.tx.Modes() // with what SET TRANSACTION has said
	if m.Isolation != "" && m.Isolation != "REPEATABLE READ" {
		return nil // as at one server, which takes no snapshot then
	}
	late, cancel := context.WithTimeout(ctx, s.g.cfg.FailoverWait)
	defer cancel()
	for {
		changed := s.g.cfg.Catalog.Changed()
		err := s.openAll(late)
		if err == nil {
			s.tx.Seal()
			return nil
		}
		if _, e := s.tx.Rollback(ctx, txn.End{}); e != nil {
			return e
		}
		s.tx.EndStatement()
		var unfinished *UnfinishedError
		var none *NoMomentError
		if late.Err() != nil || !errors.As(err, &unfinished) && !errors.As(err, &none) && !s.g.worthWaiting(err, false, true) {
			return err
		}
		s.awaitChange(late, changed)
		if err := s.tx.Begin(ctx, m); err != nil {
			return err
		}
	}
}

// openAll begins the session's transaction at all places, at one moment.
func (s *session) openAll(ctx context.Context) error {
	places, err := s.everyPlace()
	if err != nil {
		return err
	}
	conns := make([]*backend.Conn, len(places))
	get := func(i int) (err error) {
		conns[i], err = s.tx.Conn(ctx, places[i])
		return err
	}
	s.tx.Reading(true) // so far: nothing has to be prepared for it
	defer s.tx.Reading(false)
	// What comes first decides about the transaction, should it write.
	err = get(0)
	if err == nil {
		err = each(len(places)-1, func(i int) error { return get(i + 1) })
	}
	if err != nil {
		_ = s.givenBack(conns, nil) // the transaction is rolled back
		var refused *wire.ServerError
		if errors.As(err, &refused) && refused.Code == wire.ErBadDB { // a database is being dropped
			return &NoMomentError{err}
		}
		return err
	}
	errs := make([]error, len(places))
	err = s.atOnce(ctx, places, func() error {
		return each(len(places), func(i int) error {
			errs[i] = conns[i].SendQueued(ctx)
			return errs[i]
		})
	})
	return errors.Join(err, s.givenBack(conns, errs))
}

// atOnce runs open at a moment at which no transaction is committed at some of its places only.
func (s *session) atOnce(ctx context.Context, places []txn.Place, open func() error) error {
	var leaves []string
	for _, p := range places {
		if !slices.Contains(leaves, p.Leaf) {
			leaves = append(leaves, p.Leaf)
		}
	}
	// What a leaf that was started anew has prepared may be committed long since: MariaDB leaves that to its binary log. The connections end with the leaf, so
	// that commits need not be held back for this.
	if err := each(len(leaves), func(i int) error { return s.g.guard.servers.Reconcile(ctx, leaves[i]) }); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, heldWithin)
	defer cancel()
	lasts, end, err := s.g.guard.moments.hold(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return &NoMomentError{err}
	}
	if err != nil {
		return err
	}
	defer func() {
		s.g.stats.snapshots.Add(1)
		s.g.stats.heldMicros.Add(uint64(end().Microseconds()))
	}()
	waiting, err := s.g.finished(ctx, leaves, places)
	if err != nil {
		return err
	}
	if err := open(); err != nil {
		return err
	}
	if err := s.g.waiting(ctx, waiting); err != nil {
		return err
	}
	if !lasts() {
		return errNoLease
	}
	return nil
}

// finished looks whether a branch is prepared at any of the places while nobody who lives commits anything over several places: its transaction's owner has died, and
// others of its branches may have committed. What copies of other partitions at these leaves have prepared is no matter of the snapshot's. A client's own XA transaction waits for its end
// nowhere or everywhere: those are given, with where they were seen.
func (g *Gateway) finished(ctx context.Context, leaves []string, places []txn.Place) (waiting map[xid.XID]string, err error) {
	type at struct {
		leaf  string
		place uint64
	}
	read := map[at]bool{}
	for _, p := range places {
		if p.Partition.DB != "" {
			read[at{p.Leaf, xid.PlaceHash(p.Partition)}] = true
		}
	}
	found := make([][]xid.XID, len(leaves))
	if err := each(len(leaves), func(i int) (err error) {
		found[i], err = g.guard.servers.Branches(ctx, leaves[i])
		return err
	}); err != nil {
		return nil, err
	}
	waiting = map[xid.XID]string{}
	for i, all := range found {
		for _, x := range all {
			if x.Place != xid.PlaceShape && !read[at{leaves[i], x.Place}] {
				continue
			}
			if x.Decider != 0 {
				return nil, &UnfinishedError{leaves[i], x}
			}
			waiting[x] = leaves[i]
		}
	}
	return waiting, g.waiting(ctx, waiting)
}

// waiting says whether nothing has been committed yet of these branches' transactions, about which the catalog decides first.
func (g *Gateway) waiting(ctx context.Context, branches map[xid.XID]string) error {
	for x, leaf := range branches {
		switch d, err := g.cfg.Catalog.Decision(ctx, x.ID.String()); {
		case err != nil:
			return err
		case d == nil || d.Outcome == catalog.Committed:
			return &UnfinishedError{leaf, x}
		}
	}
	return nil
}

// givenBack ends the use of connections, each with its error.
func (s *session) givenBack(conns []*backend.Conn, errs []error) error {
	var all []error
	for i, c := range conns {
		if c == nil {
			continue
		}
		var err error
		if errs != nil {
			err = errs[i]
		}
		all = append(all, s.tx.Done(c, err))
	}
	return errors.Join(all...)
}

// everyPlace is every partition, and then the shapes that the session reads. Left out are partitions without a master for which waiting has no point; the error is
// topo.ErrNoMaster of another one.
func (s *session) everyPlace() ([]txn.Place, error) {
	snap := s.g.cfg.Catalog.Snapshot()
	if l := snap.Leaves[s.home]; l == nil || !l.Member() {
		s.home = s.g.another(s.home)
	}
	var places []txn.Place
	for _, d := range snap.Databases {
		for _, p := range d.Partitions {
			leaf, ok := p.Master()
			if ok {
				places = append(places, txn.Place{Leaf: leaf, Partition: p.ID, Schema: p.ID.Schema(), Term: p.Term, Domain: p.Domain})
			} else if err := topo.NoMaster(p.ID); !s.g.lost(err) {
				return nil, err
			}
		}
	}
	// The session may hold the connection already, for temporary tables or locks: its database stays.
	return append(places, txn.Place{Leaf: s.home, Schema: s.sess.DB}), nil
}

// each runs f for all numbers below n at once. The first error by number comes back.
func each(n int, f func(i int) error) error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = f(i) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
