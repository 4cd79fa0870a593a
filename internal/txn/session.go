package txn

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// Session is the transaction state of one client's session. Conn and Done may be called by several goroutines at once (the parts of one
// statement), Kill by any; everything else by one, between statements.
type Session struct {
	pools *backend.Pools
	guard Guard // nil: partitions never move
	// coordinator makes transactions over several places atomic; nil: nobody does.
	coordinator *Coordinator
	step        func(string) error // see SetStep

	mu         sync.Mutex
	account    backend.Account
	variant    backend.Variant
	state      *backend.State
	patient    *backend.State // state at partitions
	foreign    foreign
	autocommit bool
	open       bool  // a transaction is open
	internal   bool  // and it is a Group's
	modes      Modes // the open transaction's
	next       *Modes
	savepoints []savepoint
	changes    []topo.Change // see Changed
	held       []*held       // in the order of joining
	mode       Mode
	xa         xaState // of the open transaction
	beside     map[backend.Account]*Session
	wide       func() // ends what EnterWide began
	// over says that the transaction was lost in the current statement: its other parts must not run outside of it.
	over error

	spans *Spans // nil: nobody wants to know
	span  *Span  // nil while fewer than two connections are held

	reading atomic.Bool // the statement that runs certainly writes nothing
	bare    atomic.Bool // the statement that runs reads no table
	shapes  atomic.Bool // the statement that runs writes reference tables

	lentMu sync.Mutex // taken after mu where both are
	lent   []lent     // the oldest first
	turns  uint64     // of lent
	oldest atomic.Uint64
}

// lent is a connection in use.
type lent struct {
	conn   *backend.Conn
	place  Place
	turn   uint64
	victim bool // a KILL QUERY went out to end a deadlock,
	own    bool // of the transaction with itself
	commit bool // LeaveCommit is owed
}

// held is a connection that the session keeps.
type held struct {
	place Place
	conn  *backend.Conn // nil while it is being made
	busy  bool
	pins  Pin
	// inTx: it takes part in the transaction. noAuto: by autocommit=0 and not by START TRANSACTION, which would give LOCK TABLES' locks back.
	inTx, noAuto bool
	branch       bool // and began as a branch, xid
	xid          XID
	saved        bool // has the group's savepoint
	begun        bool // a statement of the transaction may have been run there
	wrote        bool // may have written in the transaction
	shaped       bool // and that a reference table
}

// New is a session in autocommit mode without a transaction.
func New(pools *backend.Pools, account backend.Account, variant backend.Variant) *Session {
	s := &Session{pools: pools, account: account, variant: variant, autocommit: true}
	s.patient = s.state.Patient()
	return s
}

// SetLogin changes the account (COM_CHANGE_USER): the transaction is rolled back, everything held is given back, settings are forgotten.
func (s *Session) SetLogin(ctx context.Context, account backend.Account, variant backend.Variant) {
	s.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.account, s.variant, s.autocommit, s.next = account, variant, true, nil
	s.state, s.patient = nil, (*backend.State)(nil).Patient()
}

// SetState is what connections taken from now on, and held ones from their next statement on, must have set.
func (s *Session) SetState(state *backend.State) {
	s.mu.Lock()
	s.state, s.patient = state, state.Patient()
	s.mu.Unlock()
}

// State is what SetState said.
func (s *Session) State() *backend.State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// Want is what the session would ask the pools for at a place: for pipelines and for work outside of the transaction.
func (s *Session) Want(p Place) backend.Want {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.want(p)
}

func (s *Session) want(p Place) backend.Want {
	if p.Remote != nil {
		return s.wantRemote(p)
	}
	state := s.state
	if p.Domain != 0 {
		state = s.patient
	}
	return backend.Want{Leaf: p.Leaf, Account: s.account, Variant: s.variant, Schema: p.Schema, State: state, Term: p.Term, Domain: p.Domain}
}

// Free says whether a statement at p may run on any connection with the session's state, and thus on a pipeline: there is no transaction, autocommit is
// on, none was lost in the current statement, nothing is held at the place and no SET TRANSACTION waits for the next statement.
func (s *Session) Free(p Place) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.open && s.over == nil && s.autocommit && s.next == nil && s.find(p) == nil
}

func (s *Session) find(p Place) *held {
	if len(s.held) == 0 {
		return nil
	}
	key := p.key()
	for _, h := range s.held {
		if h.place.key() == key {
			return h
		}
	}
	return nil
}

// Reading says that what runs until it is taken back certainly writes nothing and locks nothing: no stored function that could. A place where all
// of a transaction's statements were such has nothing to commit, and COMMIT does not wait for it before it goes on to others.
func (s *Session) Reading(on bool) { s.reading.Store(on) }

// Bare says that what runs until it is taken back reads no table: it begins no transaction, and SET TRANSACTION waits for another.
func (s *Session) Bare(on bool) { s.bare.Store(on) }

// ErrBusy: another part of the same statement is using the connection that the transaction holds at the place.
var ErrBusy = errors.New("the transaction's connection is in use")

// Conn gives the connection for a statement at p. In a transaction, or when one begins because autocommit is off, it is the one held at p, or a
// new one with the transaction's beginning (and its savepoints) queued ahead of the statement. Outside it is a pooled one.
// The caller runs its statement and calls Done.
//
// Errors are those of backend.Pools.Get, ErrBusy, and *LostError when the transaction can't go on (p has another master now).
func (s *Session) Conn(ctx context.Context, p Place) (*backend.Conn, error) {
	s.mu.Lock()
	if s.over != nil {
		defer s.mu.Unlock()
		return nil, s.over
	}
	if h := s.find(p); h != nil {
		return s.again(ctx, h, p) // unlocks
	}
	w := s.want(p)
	if !s.open && !s.autocommit && !s.bare.Load() {
		s.begin(Modes{})
	}
	if !s.open {
		next := s.next
		if s.bare.Load() {
			next = nil
		}
		s.mu.Unlock()
		commit := s.commits(p)
		if commit {
			if err := s.enterCommit(ctx, p); err != nil {
				return nil, err
			}
		}
		c, err := s.free(ctx, p, w)
		if err != nil {
			if commit {
				s.guard.LeaveCommit(p)
			}
			return nil, err
		}
		if next != nil {
			c.Queue(next.set())
			c.ResetOnRelease() // should the statement not use it up
		}
		s.lend(c, p, commit)
		return c, nil
	}
	if err := s.mayJoin(p); err != nil {
		s.mu.Unlock()
		return nil, err
	}
	if err := s.Enter(p); err != nil {
		s.mu.Unlock()
		return nil, err
	}
	h := &held{place: p, busy: true, wrote: !s.reading.Load(), shaped: s.shaping(p)}
	if err := s.join(h); err != nil {
		s.Leave(p)
		s.mu.Unlock()
		return nil, err
	}
	s.hold(h)
	s.mu.Unlock()
	c, err := s.pools.Get(ctx, w)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil || s.over != nil {
		s.drop(h)
		if err == nil {
			c.Release()
		}
		return nil, Graver(err, s.over)
	}
	h.conn = c
	s.start(h)
	s.lend(c, p, false)
	return c, nil
}

// free gives a connection that is not held.
func (s *Session) free(ctx context.Context, p Place, w backend.Want) (*backend.Conn, error) {
	if err := s.Enter(p); err != nil {
		return nil, err
	}
	c, err := s.pools.Get(ctx, w)
	if err != nil {
		s.Leave(p)
	}
	return c, err
}

func (s *Session) lend(c *backend.Conn, p Place, commit bool) {
	s.lentMu.Lock()
	s.turns++
	s.lent = append(s.lent, lent{conn: c, place: p, turn: s.turns, commit: commit})
	s.oldest.Store(s.lent[0].turn)
	s.lentMu.Unlock()
}

// takeBack ends the loan of a connection. It waits for a Kill that is under way.
func (s *Session) takeBack(c *backend.Conn) (l lent) {
	s.lentMu.Lock()
	defer s.lentMu.Unlock()
	for i := range s.lent {
		if s.lent[i].conn == c {
			l = s.lent[i]
			s.lent = slices.Delete(s.lent, i, i+1)
			break
		}
	}
	var oldest uint64
	if len(s.lent) > 0 {
		oldest = s.lent[0].turn
	}
	s.oldest.Store(oldest)
	return l
}

// again gives a connection that is held already. The caller holds mu, again gives it back.
func (s *Session) again(ctx context.Context, h *held, p Place) (*backend.Conn, error) {
	defer s.mu.Unlock()
	if h.busy {
		return nil, ErrBusy
	}
	if h.place.Leaf != p.Leaf || h.place.Term != p.Term {
		return nil, s.abandon(h, nil)
	}
	if !s.open && !s.autocommit && !s.bare.Load() {
		s.begin(Modes{})
	}
	if s.open {
		if err := s.mayJoin(p); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	c := h.conn
	// What ends the statement, such as another part's error, must not end the transaction: a connection that is retargeted in part is broken.
	whole, cancel := context.WithTimeout(context.WithoutCancel(ctx), repairTimeout)
	defer cancel()
	if err := c.Retarget(whole, s.want(p)); err != nil {
		if c.Broken() {
			return nil, s.abandon(h, err)
		}
		return nil, err
	}
	h.place.Schema = p.Schema
	writes := !s.reading.Load()
	switch {
	case s.open && h.inTx && writes:
		s.redecide(h)
	case s.open && !h.inTx && h.pins&PinLocks != 0: // pinned before the transaction began
		h.inTx, h.noAuto, h.wrote, h.shaped = true, true, false, false
		c.Queue("SET autocommit=0")
	case s.open && !h.inTx:
		h.wrote, h.shaped = false, false
		if err := s.join(h); err != nil {
			return nil, err
		}
		s.start(h)
	}
	if !s.open && h.noAuto {
		h.noAuto = false
		c.Queue("SET autocommit=1")
	}
	if !s.open && s.next != nil && !s.bare.Load() {
		c.Queue(s.next.set())
	}
	commit := !s.open && s.commits(p)
	if commit {
		if err := s.enterCommit(ctx, p); err != nil {
			return nil, err
		}
	}
	h.busy = true
	h.wrote = h.wrote || writes
	h.shaped = h.shaped || s.shaping(p)
	s.lend(c, p, commit)
	return c, nil
}

// abandon gives up a held connection that is not in use, and the transaction with it.
func (s *Session) abandon(h *held, err error) error {
	e := &LostError{Place: h.place, Err: err}
	if h.inTx {
		_ = s.lose(e)
	}
	if slices.Contains(s.held, h) { // pinned
		s.drop(h)
		h.conn.ResetOnRelease()
		h.conn.Release()
	}
	return e
}

// Done ends the use of a connection that Conn gave, and returns the error that the client should see. err is what reading the answer gave: nil
// when it was read to its end (an ERR packet included; the connection knows of it), else the backend's error. A connection that was lost in a
// transaction, and a deadlock, end the transaction everywhere.
func (s *Session) Done(c *backend.Conn, err error) error {
	was := s.takeBack(c)
	if was.commit { // its confirmation may take long
		s.guard.LeaveCommit(was.place)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var h *held
	for _, i := range s.held {
		if i.conn == c {
			h = i
		}
	}
	if h == nil {
		return s.doneFree(c, was.place, err)
	}
	h.busy = false
	if s.over != nil && h.inTx {
		s.undo(h)
		return s.over
	}
	if c.Queued() && !c.Broken() { // the statement was never sent
		ctx, cancel := context.WithTimeout(context.Background(), repairTimeout)
		if e := c.SendQueued(ctx); e != nil {
			err = e
		}
		cancel()
	}
	if !c.Broken() && !c.Done() {
		c.Release() // closes it
		if err == nil {
			err = errUnread
		}
		return s.gone(h, err)
	}
	var prepare *backend.PrepareError
	refused := errors.As(err, &prepare) // the statement was not run
	h.begun = h.begun || h.inTx && !refused
	switch {
	case c.Broken():
		c.Release()
		return s.gone(h, err)
	case refused && h.inTx && !h.begun && h.pins == 0:
		// Nothing has been done there: the rest of the transaction may go on, and come again.
		h.inTx = false
		s.drop(h)
		c.ResetOnRelease()
		c.Release()
		return err
	case refused && h.inTx: // it lacks a savepoint
		return s.lose(&LostError{Place: h.place, Err: err})
	case was.victim && h.inTx && c.ErrCode == wire.ErQueryInterrupted:
		// Nothing else makes a transaction wait for itself: it only looks so where a leaf has given the number of a connection that was lost to another one.
		return s.lose(&DeadlockError{Place: h.place, Own: was.own && s.wroteShapes()})
	case err != nil || !h.inTx:
		return err
	}
	return s.judge(h)
}

// gone is for a held connection that was lost.
func (s *Session) gone(h *held, err error) error {
	s.drop(h)
	if !h.inTx {
		return err // what it was pinned for is gone with it
	}
	return s.lose(&LostError{Place: h.place, Err: err})
}

var errUnread = errors.New("the answer was not read to its end")

// doneFree is Done for a connection that is not held.
func (s *Session) doneFree(c *backend.Conn, place Place, err error) error {
	if err == nil && c.Done() && c.ErrCode == 0 && c.InTransaction() && len(s.held) == 0 && !s.open {
		// A procedure has begun a transaction: it is the session's from now on.
		s.begin(Modes{})
		if s.xa.plain = place.Partition.DB == ""; !s.xa.plain {
			s.xa.ordinary = place
		}
		s.hold(&held{place: place, conn: c, inTx: true, begun: true, wrote: true})
		return nil
	}
	if err == nil && c.Done() && c.ErrCode == 0 && !s.reading.Load() {
		err = s.confirm(place, c)
	}
	c.Release()
	s.Leave(place)
	return err
}

// EndBare is EndStatement for a statement that has used no SET TRANSACTION up.
func (s *Session) EndBare() (over error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	over, s.over = s.over, nil
	return over
}

// Keep makes the modes of an open transaction those that its session had when it began, where it was begun without any: they are about to be changed
// for later ones, and places join with what the session has.
func (s *Session) Keep(isolation Isolation, readOnly bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.open {
		return
	}
	if s.modes.Isolation == "" {
		s.modes.Isolation = isolation
	}
	if !s.modes.ReadOnly && !s.modes.ReadWrite {
		s.modes.ReadOnly, s.modes.ReadWrite = readOnly, !readOnly
	}
}

// EndStatement is to be called after each statement but SET TRANSACTION: it forgets a SET TRANSACTION that was for one statement, and that the
// transaction was lost. It returns why that was, of which the client must hear.
func (s *Session) EndStatement() (over error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.open {
		s.next = nil
	}
	over, s.over = s.over, nil
	return over
}

// Begin is BEGIN, START TRANSACTION: an open transaction is committed first, LOCK TABLES' locks are given back. Nothing is sent to a leaf for the
// new one yet.
func (s *Session) Begin(ctx context.Context, m Modes) error {
	if s.InTransaction() {
		if _, err := s.Commit(ctx, End{}); err != nil {
			return err
		}
	}
	if err := s.Unpin(ctx, PinLocks); err != nil {
		return err
	}
	s.mu.Lock()
	s.over, s.savepoints = nil, nil
	s.begin(m)
	s.xa.explicit = true
	s.mu.Unlock()
	return nil
}

// Next is SET TRANSACTION without SESSION: it applies to the next transaction. Error 1568 inside of one.
func (s *Session) Next(m Modes) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open {
		return wire.Errorf(1568, "Transaction characteristics can't be changed while a transaction is in progress")
	}
	if n := s.next; n != nil { // the parts that m does not name stay
		if m.Isolation == "" {
			m.Isolation = n.Isolation
		}
		if !m.ReadOnly && !m.ReadWrite {
			m.ReadOnly, m.ReadWrite = n.ReadOnly, n.ReadWrite
		}
	}
	s.next = &m
	return nil
}

// SetAutocommit is SET autocommit. Turning it on commits an open transaction.
func (s *Session) SetAutocommit(ctx context.Context, on bool) error {
	if on && !s.Autocommit() && s.InTransaction() {
		if _, err := s.Commit(ctx, End{}); err != nil {
			return err
		}
	}
	s.mu.Lock()
	s.autocommit = on
	s.mu.Unlock()
	return nil
}

// Autocommit says whether autocommit is on.
func (s *Session) Autocommit() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.autocommit
}

// InTransaction says whether a transaction is open: begun explicitly, or by a statement with autocommit off.
func (s *Session) InTransaction() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open
}

// Modes are those of the open transaction.
func (s *Session) Modes() Modes {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.modes
}

// StatusMask is the bits that Status decides, to be replaced in relayed packets.
const StatusMask = wire.StatusInTrans | wire.StatusInTransReadonly | wire.StatusAutocommit

// Status has the session's bits of a server status: in transaction, read only, autocommit. All other bits are 0.
func (s *Session) Status() wire.Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	var st wire.Status
	if s.autocommit {
		st |= wire.StatusAutocommit
	}
	if s.open && !s.internal {
		st |= wire.StatusInTrans
		if s.modes.ReadOnly {
			st |= wire.StatusInTransReadonly
		}
	}
	return st
}

// Held is the number of connections that the session holds.
func (s *Session) Held() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.held)
}

// Kill ends what runs on the session's connections now (KILL QUERY). Done waits for it, so that nobody else's statement is hit.
func (s *Session) Kill(ctx context.Context) {
	s.lentMu.Lock()
	defer s.lentMu.Unlock()
	for _, l := range s.lent {
		_ = l.conn.Kill(ctx) // a leaf that can't be reached has nothing to kill
	}
}
