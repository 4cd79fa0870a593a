package gateway

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// FLUSH TABLES WITH READ LOCK stops all writes at all nodes: it is a hold on the board (package catalog), which every node obeys (gate.Stop) and answers once nothing is under way there, and which ends with the
// session, or with its node's lease. Leaves are not locked: clients have no other way to them.

// stopped is a session's own stop.
type stopped struct {
	lasts func() bool
	end   func()
}

// erConflictingReadLock is MariaDB's error for writes of who has the read lock.
const erConflictingReadLock = 1223

// obey stops here what the holds of all nodes say.
func (m *moments) obey(holds []topo.Hold) {
	writes, ends := false, false
	for i := range holds {
		writes, ends = writes || holds[i].Stop, ends || holds[i].Stop && holds[i].Ends
	}
	m.stopping.Apply(writes, ends)
}

// stop is a hold of all writes at all nodes: first of statements, and, once none of them is under way anywhere, of commits. end must be called.
func (m *moments) stop(ctx context.Context) (*stopped, error) {
	first, err := m.stopStep(ctx, topo.Hold{Stop: true})
	if err != nil {
		return nil, err
	}
	second, err := m.stopStep(ctx, topo.Hold{Stop: true, Ends: true})
	if err != nil {
		first.end()
		return nil, err
	}
	return &stopped{func() bool { return first.lasts() && second.lasts() }, func() { second.end(); first.end() }}, nil
}

func (m *moments) stopStep(ctx context.Context, hold topo.Hold) (*stopped, error) {
	if m.node != nil {
		h, err := m.node.Hold(ctx, hold)
		if err != nil {
			return nil, err
		}
		return &stopped{h.Lasts, func() { h.End() }}, nil
	}
	m.mu.Lock()
	m.last++
	hold.ID = strconv.Itoa(m.last)
	m.stops = append(m.stops, hold)
	m.obey(m.stops)
	m.mu.Unlock()
	end := func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.stops = slices.DeleteFunc(m.stops, func(h topo.Hold) bool { return h.ID == hold.ID })
		m.obey(m.stops)
	}
	for {
		writes, ends, changed := m.stopping.Still()
		if !writes && !(hold.Ends && ends) {
			return &stopped{func() bool { return true }, end}, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			end()
			return nil, ctx.Err()
		}
	}
}

// flushAndStop is FLUSH TABLES WITH READ LOCK.
func (s *session) flushAndStop(ctx context.Context) error {
	if may, err := s.hasRight(ctx, reloadRight); err != nil {
		return err
	} else if !may {
		return noReload()
	}
	if s.tables {
		return errLocked()
	}
	if err := s.commitFirst(ctx); err != nil {
		return err
	}
	if s.stop != nil {
		return s.stopLasts()
	}
	wait, cancel := context.WithTimeout(ctx, s.lockPatience())
	defer cancel()
	stop, err := s.g.guard.moments.stop(wait)
	if err != nil {
		if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
			return errLockTimeout()
		}
		return err
	}
	s.stop = stop
	return nil
}

// endStop is UNLOCK TABLES, and the session's end.
func (s *session) endStop() {
	if s.stop != nil {
		s.stop.end()
		s.stop = nil
	}
}

// endStops is the session's end.
func (s *session) endStops() {
	s.endStop()
	s.tables = false
	s.unlockWrites()
}

// lockWrites notes that LOCK TABLES has succeeded: while it locks for writing it is a write that is under way, as others wait for it.
func (s *session) lockWrites(stmt *sqltext.Stmt) {
	switch writes := writesByItself(stmt); {
	case writes && !s.locksWrites:
		s.writing++ // it is within one
		s.locksWrites = true
	case !writes && s.locksWrites:
		s.locksWrites = false
		s.leaveWrite()
	}
}

// unlockWrites is lockWrites' counterpart once nothing is locked any more.
func (s *session) unlockWrites() {
	if s.locksWrites && !s.tables {
		s.locksWrites = false
		s.leaveWrite()
	}
}

// stopLasts says whether the session's stop, if it has one, is in force still.
func (s *session) stopLasts() error {
	if s.stop == nil || s.stop.lasts() {
		return nil
	}
	return wire.Errorf(wire.ErUnknown, "The read lock of FLUSH TABLES WITH READ LOCK was lost with this node's lease: others may have written meanwhile; UNLOCK TABLES")
}

// lockPatience is the session's lock_wait_timeout.
func (s *session) lockPatience() time.Duration {
	const otherwise = 24 * time.Hour // MariaDB's
	text, _ := s.tx.State().Get("lock_wait_timeout")
	_, number, _ := strings.Cut(text, "=")
	n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 32)
	if err != nil {
		return otherwise
	}
	return time.Duration(n) * time.Second
}

func errLockTimeout() error {
	return &wire.ServerError{Code: wire.ErLockWaitTimeout, State: "HY000", Message: "Lock wait timeout exceeded; try restarting transaction"}
}

// changes says whether a plan is of a statement that writes.
func changes(p *plan.Plan, x *extras) bool {
	return p.Writes || p.Sequence || p.Drawing != nil || x != nil && len(x.drawn)+len(x.asked) > 0
}

// enterWrite waits until writes are not stopped; leaveWrite must follow. Statements within one that writes are let in with it.
func (s *session) enterWrite(ctx context.Context) error {
	if s.stop != nil {
		return &wire.ServerError{Code: erConflictingReadLock, State: "HY000", Message: "Can't execute the query because you have a conflicting read lock"}
	}
	if s.writing > 0 {
		s.writing++
		return nil
	}
	m := s.g.guard.moments
	if s.g.guard.valid() && !m.ready() { // it has a new lease, and may not know of a stop that is in force
		return errNoLease
	}
	for !m.stopping.EnterWrite() {
		if err := s.awaitStop(ctx); err != nil {
			return err
		}
	}
	s.writing++
	return nil
}

// awaitStop waits for the end of a stop.
func (s *session) awaitStop(ctx context.Context) error {
	wait, cancel := context.WithTimeout(ctx, s.lockPatience())
	defer cancel()
	if err := s.g.guard.moments.stopping.Await(wait); err != nil {
		if ctx.Err() == nil {
			return errLockTimeout()
		}
		return err
	}
	return nil
}

func (s *session) leaveWrite() {
	if s.writing--; s.writing == 0 {
		s.g.guard.moments.stopping.LeaveWrite()
	}
}

// enterEnd waits until what the open transaction has written may be committed: leave must follow. Where that is waited for too long the transaction is rolled back, as in MariaDB. Who has stopped the others has written
// nothing since but to temporary tables.
func (s *session) enterEnd(ctx context.Context) (leave func(), err error) {
	if s.stop != nil || s.writing > 0 || !s.tx.Wrote() {
		return func() {}, nil
	}
	m := s.g.guard.moments
	for !m.stopping.EnterEnd() {
		if err := s.awaitStop(ctx); err != nil {
			if _, failed := s.tx.Rollback(context.WithoutCancel(ctx), endPlain); failed != nil {
				return nil, failed
			}
			return nil, err
		}
	}
	return m.stopping.LeaveEnd, nil
}

// setAutocommit changes autocommit, which may commit.
func (s *session) setAutocommit(ctx context.Context, on bool) error {
	leave, err := s.enterEnd(ctx)
	if err != nil {
		return err
	}
	defer leave()
	return s.tx.SetAutocommit(ctx, on)
}

// aloneWriting runs what writes and has no plan.
func (s *session) aloneWriting(ctx context.Context, run func() error) error {
	for began := time.Now(); ; {
		err := s.enterWrite(ctx)
		if err == nil {
			defer s.leaveWrite()
			return run()
		}
		if !errors.Is(err, errNoLease) || time.Since(began) > s.g.cfg.FailoverWait {
			return err
		}
		select {
		case <-time.After(leaseLook):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// writesByItself says whether a statement that has no plan writes: of those, others have to wait while all writes are stopped.
func writesByItself(stmt *sqltext.Stmt) bool {
	switch stmt.Kind {
	case sqltext.KindDDL, sqltext.KindAccount:
		return true
	case sqltext.KindAdmin:
		return stmt.DDL != nil && (stmt.DDL.Verb == "ANALYZE" || stmt.DDL.Verb == "OPTIMIZE" || stmt.DDL.Verb == "REPAIR")
	case sqltext.KindXA:
		return stmt.XA != nil && (stmt.XA.Verb == "PREPARE" || stmt.XA.Verb == "COMMIT" || stmt.XA.Verb == "ROLLBACK")
	case sqltext.KindLock:
		for i := range stmt.Lock {
			if !strings.HasPrefix(stmt.Lock[i].Mode, "READ") {
				return true
			}
		}
	}
	return false
}
