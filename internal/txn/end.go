package txn

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// End says what follows a COMMIT or ROLLBACK.
type End struct {
	Chain bool // AND CHAIN: another transaction with the same modes begins
}

// OK is what a leaf answered to COMMIT or ROLLBACK.
type OK struct {
	Warnings uint16
	Status   wire.Status
	// Notes are the rows of SHOW WARNINGS after a ROLLBACK that could not take all back.
	Notes [][][]byte
	// Packet is the OK packet's payload when exactly one leaf was asked, nil otherwise.
	Packet []byte
}

// Errors by which InnoDB may have rolled back the whole transaction, depending on settings.
const (
	erCheckread = 1020 // innodb_snapshot_isolation
)

// judge looks at a statement that was answered in a transaction. The caller holds mu.
func (s *Session) judge(h *held) error {
	c := h.conn
	switch c.ErrCode {
	case 0:
		if c.InTransaction() || h.noAuto {
			return nil
		}
		// A procedure or an implicit commit has ended the transaction there.
		return s.ended(h)
	case wire.ErDeadlock:
		s.rolledBack(h)
	case wire.ErLockWaitTimeout, erCheckread:
		ctx, cancel := context.WithTimeout(context.Background(), repairTimeout)
		defer cancel()
		r, err := c.Query(ctx, "SELECT @@in_transaction")
		switch {
		case c.Broken():
			return s.gone(h, err)
		case err != nil:
			return s.lose(&LostError{Place: h.place, Err: err})
		case len(r.Rows) == 1 && len(r.Rows[0]) == 1 && string(r.Rows[0][0]) == "0" && !h.noAuto:
			s.rolledBack(h)
		}
	}
	return nil
}

// rolledBack is for a part that its leaf has rolled back: the others follow. The client gets the leaf's error.
func (s *Session) rolledBack(h *held) {
	s.over = &LostError{Place: h.place, Err: wire.Errorf(h.conn.ErrCode, "the leaf rolled the transaction back")}
	if h.branch { // which is still to be ended
		s.undo(h)
	} else {
		s.forget(h)
	}
	s.rollbackAll()
}

// repairTimeout bounds what is done on connections to bring a session in order. One that takes longer is closed, which rolls back as well.
const repairTimeout = 10 * time.Second

// ended is for a statement that has ended the transaction by itself. Alone, that is how MariaDB does it; otherwise nobody knows what the others
// should do.
func (s *Session) ended(h *held) error {
	if h.branch { // nothing but a rollback could, of which the statement has not told: a procedure has caught the error
		return s.lose(&LostError{Place: h.place, Err: errRolledBack})
	}
	others := 0
	for _, i := range s.held {
		if i.inTx && i != h {
			others++
		}
	}
	place := h.place
	s.forget(h)
	if others == 0 {
		s.finish(End{})
		return nil
	}
	s.rollbackAll()
	return &EndedError{Place: place}
}

// lose ends the transaction after the loss of a part. Parts that still run are ended by their Done. The caller holds mu.
func (s *Session) lose(e error) error {
	s.over = e
	s.rollbackAll()
	return e
}

// rollbackAll rolls back every part that does not run, ends what runs, and closes the transaction. The caller holds mu.
func (s *Session) rollbackAll() {
	s.killParts()
	for _, h := range slices.Clone(s.held) {
		if h.inTx && !h.busy {
			s.undo(h)
		}
	}
	s.finish(End{})
}

// killParts ends the parts of a statement that run in a transaction that is over: they may wait for locks, and for nothing. The caller holds mu.
func (s *Session) killParts() {
	s.lentMu.Lock()
	defer s.lentMu.Unlock()
	if len(s.lent) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), repairTimeout)
	defer cancel()
	for _, l := range s.lent {
		_ = l.conn.Kill(ctx) // Done finds out what has become of it
	}
}

// undo rolls back one part and lets it go, and says whether that was answered. A connection that does not obey is closed, which rolls back all that is not prepared.
func (s *Session) undo(h *held) bool {
	if c := h.conn; !c.Broken() && c.Done() && !c.Queued() {
		ctx, cancel := context.WithTimeout(context.Background(), repairTimeout)
		defer cancel()
		stop := c.Watch(ctx)
		_, err := h.end(false)
		stop()
		if err == nil {
			s.forget(h)
			return true
		}
		c.Discard()
	}
	s.drop(h)
	h.conn.Release()
	return false
}

var errRolledBack = errors.New("its leaf has rolled it back")

// forget takes a part out of the transaction; its connection goes back unless it is pinned. The caller holds mu.
func (s *Session) forget(h *held) {
	h.inTx, h.branch, h.begun, h.saved, h.wrote, h.shaped = false, false, false, false, false, false
	if h.pins != 0 && !h.conn.Broken() {
		return
	}
	s.drop(h)
	h.conn.Release()
}

func (s *Session) drop(h *held) {
	if i := slices.Index(s.held, h); i >= 0 {
		s.held = slices.Delete(s.held, i, i+1)
		s.spanned()
		s.Leave(h.place)
	}
}

// finish closes the transaction, or begins the next one of a chain.
func (s *Session) finish(e End) {
	s.endBeside()
	if !s.xa.id.IsZero() && !s.xa.left {
		s.coordinator.Settler.End(s.xa.id)
	}
	s.internal, s.savepoints, s.changes, s.xa = false, nil, nil, xaState{mode: s.mode}
	if e.Chain {
		return // open, with the same modes
	}
	s.open, s.modes = false, Modes{}
}

// send writes what ends the part: COMMIT or ROLLBACK, in one phase.
func (h *held) send(commit bool) error {
	c, verb := h.conn, "ROLLBACK"
	if commit {
		verb = "COMMIT"
	}
	if !h.branch {
		return c.Send(wire.ComQuery, []byte(verb))
	}
	x := h.xid.SQL()
	if commit {
		c.Queue("XA END " + x)
		return c.Send(wire.ComQuery, []byte("XA COMMIT "+x+" ONE PHASE"))
	}
	c.QueueAny("XA END " + x) // refused when the branch is prepared, or was rolled back already
	return c.Send(wire.ComQuery, []byte("XA ROLLBACK "+x))
}

// erNoXID is ER_XAER_NOTA: there is no such branch.
const erNoXID = 1397

// answer reads the answer to send.
func (h *held) answer(commit bool) (OK, error) {
	ok, err := answer(h.conn)
	var refused *wire.ServerError
	if h.branch && !commit && errors.As(err, &refused) && refused.Code == erNoXID {
		h.conn.ResetOnRelease() // it takes itself to be in a transaction still
		return OK{}, nil
	}
	return ok, err
}

// end is send and answer.
func (h *held) end(commit bool) (OK, error) {
	if err := h.send(commit); err != nil {
		return OK{}, err
	}
	return h.answer(commit)
}

// end runs a statement of the session's own and gives the OK packet.
func end(ctx context.Context, c *backend.Conn, verb string) (OK, error) {
	defer c.Watch(ctx)()
	if err := c.Send(wire.ComQuery, []byte(verb)); err != nil {
		return OK{}, err
	}
	return answer(c)
}

// answer reads an OK packet.
func answer(c *backend.Conn) (OK, error) {
	p, err := c.Next()
	if err != nil {
		return OK{}, err
	}
	if e := p.Err(); e != nil {
		return OK{}, e
	}
	ok := OK{Warnings: c.Warnings, Status: c.Status, Packet: slices.Clone(p.Payload)}
	return ok, c.Drain()
}

// parts are the held connections that take part in the transaction, in the order of joining.
func (s *Session) parts() []*held {
	var parts []*held
	for _, h := range s.held {
		if h.inTx {
			parts = append(parts, h)
		}
	}
	return parts
}

// Commit commits every held partition. One: its answer is MariaDB's own. Several: as atomic says; those that were only read end meanwhile, and nothing
// is lost when they can't. RELEASE is the caller's business. When ctx ends, a commit that has been begun is finished.
func (s *Session) Commit(ctx context.Context, e End) (OK, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = nil
	e.Chain = e.Chain && s.open
	parts := s.parts()
	for _, h := range parts {
		if h.busy {
			return OK{}, ErrBusy
		}
	}
	if len(parts) > 1 {
		// Much cheaper than a commit in part.
		for _, h := range parts {
			if !h.conn.Alive() {
				return OK{}, s.fallen(&LostError{Place: h.place, Err: errDead})
			}
		}
	}
	wrote, read := divide(parts)
	if len(wrote) > 1 && slices.ContainsFunc(wrote, func(h *held) bool { return h.branch }) {
		return s.commitBranches(ctx, e, wrote, read)
	}
	return s.commitInTurn(ctx, e, wrote, read)
}

// fallen is lose at a commit, where the client hears of it at once.
func (s *Session) fallen(err *LostError) error {
	_ = s.lose(err)
	s.over = nil
	return err
}

// commitInTurn commits at one place after the other: *PartialCommitError when some have committed and others have not, *UnknownCommitError when it can't be known.
func (s *Session) commitInTurn(ctx context.Context, e End, wrote, read []*held) (OK, error) {
	alone := len(wrote)+len(read) == 1
	writes := len(wrote) > 0 && wrote[0].wrote
	if writes {
		if lost := s.enterCommits(ctx, wrote); lost != nil {
			return OK{}, s.fallen(lost)
		}
	}
	endings := s.endReads(ctx, read)
	var committed []Place
	var last OK
	for i, h := range wrote {
		stop := h.conn.Watch(ctx)
		ok, err := h.end(true)
		stop()
		if err != nil {
			for _, done := range wrote[:i] {
				s.forget(done)
			}
			s.readsEnded(endings)
			if writes {
				s.leaveCommits(wrote)
			}
			return OK{}, s.failed(committed, wrote[i:], err)
		}
		committed, last = append(committed, h.place), ok
	}
	if writes { // what is waited for from here on may take long
		s.leaveCommits(wrote)
	}
	// Replicas are waited for once all have committed: in between, the others could still fail.
	var unconfirmed error
	for _, h := range wrote {
		if h.wrote && unconfirmed == nil {
			unconfirmed = s.confirm(h.place, h.conn)
		}
		s.forget(h)
	}
	s.readsEnded(endings)
	s.finish(e)
	if !alone {
		last.Packet = nil
	}
	return last, unconfirmed
}

// divide tells the parts that may have written from those that certainly have not. One at least is among the first, for its answer.
func divide(parts []*held) (wrote, read []*held) {
	for _, h := range parts {
		if h.wrote {
			wrote = append(wrote, h)
		} else {
			read = append(read, h)
		}
	}
	if len(wrote) == 0 && len(read) > 0 {
		return read[:1], read[1:]
	}
	return wrote, read
}

// ending is a COMMIT whose answer is read later.
type ending struct {
	part *held
	stop func() bool
	err  error
}

// endReads sends COMMIT to parts that were only read.
func (s *Session) endReads(ctx context.Context, parts []*held) []ending {
	var all []ending
	for _, h := range parts {
		all = append(all, ending{h, h.conn.Watch(ctx), h.send(true)})
	}
	return all
}

// readsEnded reads the answers. A connection that did not give one is closed: its locks are gone, and there was nothing to lose.
func (s *Session) readsEnded(all []ending) {
	for _, e := range all {
		if e.err == nil {
			e.err = answered(e.part.conn)
		}
		e.stop()
		if e.err == nil {
			s.forget(e.part)
			continue
		}
		s.drop(e.part)
		e.part.conn.Discard()
		e.part.conn.Release()
	}
}

var errDead = errors.New("closed by the leaf")

// failed ends a transaction whose commit failed at rest[0].
func (s *Session) failed(committed []Place, rest []*held, err error) error {
	unknown := backend.OutcomeUnknown(err)
	at := rest[0].place
	var back []Place
	for i, h := range rest {
		if i > 0 || !unknown {
			back = append(back, h.place)
		}
		s.undo(h)
	}
	s.finish(End{})
	if s.guard != nil && (len(committed) > 0 || unknown) && slices.ContainsFunc(append(back, append(committed, at)...), Place.shape) {
		s.guard.Uneven()
	}
	switch {
	case len(committed) > 0 && unknown:
		return &PartialCommitError{Committed: committed, RolledBack: back, Unknown: []Place{at}, Err: err}
	case len(committed) > 0:
		return &PartialCommitError{Committed: committed, RolledBack: back, Err: err}
	case unknown:
		return &UnknownCommitError{Place: at, RolledBack: back, Err: err}
	}
	var refused *wire.ServerError
	if errors.As(err, &refused) {
		return err
	}
	return &LostError{Place: at, Err: err}
}

// Rollback rolls back every held partition; a lost connection counts as rolled back.
func (s *Session) Rollback(ctx context.Context, e End) (OK, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = nil
	e.Chain = e.Chain && s.open
	var last, notes OK
	parts := s.parts()
	for _, h := range parts {
		if h.busy {
			return OK{}, ErrBusy
		}
	}
	var sent []ending
	for _, h := range parts {
		sent = append(sent, ending{h, h.conn.Watch(ctx), h.send(false)})
	}
	for _, r := range sent {
		var ok OK
		if r.err == nil {
			ok, r.err = r.part.answer(false)
		}
		if r.err == nil {
			r.err = notes.warnedBy(ctx, r.part.conn, ok.Warnings)
		}
		r.stop()
		if r.err != nil {
			s.drop(r.part)
			r.part.conn.Discard()
			r.part.conn.Release()
			continue
		}
		last = ok
		s.forget(r.part)
	}
	last.Warnings, last.Notes = notes.Warnings, notes.Notes
	s.finish(e)
	if len(parts) != 1 {
		last.Packet = nil
	}
	return last, nil
}

// Close rolls back and gives everything back. Every Conn must be Done.
func (s *Session) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), repairTimeout)
	defer cancel()
	_, _ = s.Rollback(ctx, End{})
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.held {
		s.Leave(h.place)
		if h.conn == nil {
			continue
		}
		h.conn.ResetOnRelease()
		h.conn.Release()
	}
	s.held, s.over = nil, nil
	s.spanned()
}
