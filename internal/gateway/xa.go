package gateway

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"math"
	"strconv"
	"sync"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// xaState is how far a client's own XA transaction is, by MariaDB's names.
type xaState string

const (
	xaNone         xaState = "NON-EXISTING"
	xaActive       xaState = "ACTIVE"
	xaIdle         xaState = "IDLE"
	xaPrepared     xaState = "PREPARED"
	xaRollbackOnly xaState = "ROLLBACK ONLY"
)

// clientXA is a session's own XA transaction. Its places are branches with names of ours, and the catalog decides about them; what the client calls it is known
// there once it is prepared.
type clientXA struct {
	xid   catalog.XID
	state xaState
	cause uint16 // the error that rolled it back, when it is ROLLBACK ONLY
}

// MariaDB's errors on XA.
const (
	erXANota       = 1397
	erXAInval      = 1398
	erXARMFail     = 1399
	erXAOutside    = 1400
	erXARollback   = 1402
	erXADupID      = 1440
	erXARBTimeout  = 1613
	erXARBDeadlock = 1614
)

var (
	errXANota     = &wire.ServerError{Code: erXANota, State: "XAE04", Message: "XAER_NOTA: Unknown XID"}
	errXAInval    = &wire.ServerError{Code: erXAInval, State: "XAE05", Message: "XAER_INVAL: Invalid arguments (or unsupported command)"}
	errXAOutside  = &wire.ServerError{Code: erXAOutside, State: "XAE09", Message: "XAER_OUTSIDE: Some work is done outside global transaction"}
	errXARollback = &wire.ServerError{Code: erXARollback, State: "XA100", Message: "XA_RBROLLBACK: Transaction branch was rolled back"}
	errXADupID    = &wire.ServerError{Code: erXADupID, State: "XAE08", Message: "XAER_DUPID: The XID already exists"}
	errXATimeout  = &wire.ServerError{Code: erXARBTimeout, State: "XA106", Message: "XA_RBTIMEOUT: Transaction branch was rolled back: took too long"}
	errXADeadlock = &wire.ServerError{Code: erXARBDeadlock, State: "XA102", Message: "XA_RBDEADLOCK: Transaction branch was rolled back: deadlock was detected"}
)

// errXAState says that a statement is not for the state that the session's XA transaction is in.
func errXAState(state xaState) error {
	return &wire.ServerError{Code: erXARMFail, State: "XAE07", Message: "XAER_RMFAIL: The command cannot be executed when global transaction is in the  " + string(state) + " state"}
}

// rolledBack is the error of who wants to go on with a transaction that was rolled back.
func (x *clientXA) rolledBack() error {
	switch x.cause {
	case wire.ErDeadlock:
		return errXADeadlock
	case wire.ErLockWaitTimeout:
		return errXATimeout
	}
	return errXARollback
}

// is says whether it has that XID. As in MariaDB, the format does not count.
func (x *clientXA) is(xid *catalog.XID) bool {
	return x != nil && bytes.Equal(x.xid.Gtrid, xid.Gtrid) && bytes.Equal(x.xid.Bqual, xid.Bqual)
}

// xaState is the state of the session's XA transaction.
func (s *session) xaState() xaState {
	if s.xa == nil {
		return xaNone
	}
	return s.xa.state
}

// xaNames are the XIDs of this node's sessions.
type xaNames struct {
	mu  sync.Mutex
	all map[string]bool
}

func xidKey(x *catalog.XID) string {
	return string(x.Gtrid) + "\x00" + string(x.Bqual) + strconv.Itoa(len(x.Gtrid))
}

// take takes an XID for a session; false: another one has it.
func (n *xaNames) take(x *catalog.XID) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.all[xidKey(x)] {
		return false
	}
	if n.all == nil {
		n.all = map[string]bool{}
	}
	n.all[xidKey(x)] = true
	return true
}

func (n *xaNames) giveBack(x *catalog.XID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.all, xidKey(x))
}

// forgetXA ends what the session knows of its XA transaction: it has come to its end, or the session has. One that is prepared stays so.
func (s *session) forgetXA() {
	if s.xa == nil {
		return
	}
	s.g.xids.giveBack(&s.xa.xid)
	s.xa = nil
}

// xaStatement serves XA ….
func (s *session) xaStatement(ctx context.Context, w *worker, stmt *sqltext.Stmt, src source) error {
	x := stmt.XA
	if x == nil {
		return s.unknown(ctx, &w.scan)
	}
	if s.g.cfg.Node == nil {
		return unsupported("XA", "this node has no lease in the catalog, which keeps what is prepared")
	}
	if x.Verb == "RECOVER" {
		return s.xaRecover(ctx, w, x.SQL, src)
	}
	xid, err := s.xidOf(ctx, &w.scan, x)
	if err != nil {
		return err
	}
	switch x.Verb {
	case "START":
		err = s.xaStart(ctx, x, xid)
	case "END":
		err = s.xaEnd(x, xid)
	case "PREPARE":
		err = s.xaPrepare(ctx, xid)
	case "COMMIT":
		err = s.xaCommit(ctx, xid, x.OnePhase)
	case "ROLLBACK":
		err = s.xaRollback(ctx, xid)
	}
	return s.done(src, err)
}

// xidPart is how long each part of an XID may be.
const xidPart = 64

// xidOf reads a statement's XID. What MariaDB would not take is for MariaDB to say.
func (s *session) xidOf(ctx context.Context, scan *sqltext.Scan, x *sqltext.XA) (*catalog.XID, error) {
	xid := &catalog.XID{Format: 1, Bqual: []byte{}}
	var err error
	if xid.Gtrid, err = s.xidText(ctx, scan, x.GtridTok); err != nil {
		return nil, err
	}
	if x.BqualTok >= 0 {
		if xid.Bqual, err = s.xidText(ctx, scan, x.BqualTok); err != nil {
			return nil, err
		}
	}
	fits := len(xid.Gtrid) <= xidPart && len(xid.Bqual) <= xidPart
	if x.FormatTok >= 0 {
		var ok bool
		xid.Format, ok = xidFormat(scan.Bytes(x.FormatTok))
		fits = fits && ok
	}
	if !fits {
		return nil, s.unknown(ctx, scan)
	}
	return xid, nil
}

// xidFormat reads an XID's format: as much of a number as is an integer.
func xidFormat(text []byte) (int64, bool) {
	base := 10
	if len(text) > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X') {
		text, base = text[2:], 16
	} else {
		n := 0
		for n < len(text) && text[n] >= '0' && text[n] <= '9' {
			n++
		}
		text = text[:n]
	}
	if len(text) == 0 {
		return 0, true
	}
	n, err := strconv.ParseInt(string(text), base, 64)
	return n, err == nil && n <= math.MaxInt32
}

// xidText is a part of an XID: a string's bytes are those that it has in the connection's character set.
func (s *session) xidText(ctx context.Context, scan *sqltext.Scan, tok int32) ([]byte, error) {
	t := scan.Tokens[tok]
	b := sqltext.Unquote([]byte{}, t, scan.Src, s.mode())
	if t.Kind != sqltext.String || s.charset.client == s.charset.connection || ascii(string(b)) {
		return b, nil
	}
	v, err := s.evaluate(ctx, "HEX("+string(scan.Bytes(tok))+")")
	if err != nil {
		return nil, err
	}
	return hex.DecodeString(v.text)
}

func (s *session) xaStart(ctx context.Context, x *sqltext.XA, xid *catalog.XID) error {
	if x.Resume && s.xaState() == xaIdle {
		if !s.xa.is(xid) {
			return errXANota
		}
		s.xa.state = xaActive
		return nil
	}
	switch {
	case x.Join, x.Resume, len(xid.Gtrid) == 0:
		return errXAInval
	case s.xa != nil:
		return errXAState(s.xa.state)
	case s.tables, s.tx.InTransaction() && !s.tx.Untouched():
		return errXAOutside
	}
	if s.tx.InTransaction() {
		if _, err := s.tx.Rollback(ctx, endPlain); err != nil {
			return err
		}
	}
	if !s.g.xids.take(xid) {
		return errXADupID
	}
	prepared, err := s.preparedXA(ctx, xid)
	if err == nil && prepared != nil {
		err = errXADupID
	}
	var id txn.ID
	if err == nil {
		id, err = s.g.coordinator.IDs.Next()
	}
	if err == nil {
		err = s.tx.BeginXA(id)
	}
	if err != nil {
		s.g.xids.giveBack(xid)
		return err
	}
	s.xa = &clientXA{xid: *xid, state: xaActive}
	return nil
}

// preparedXA is the transaction that is prepared under an XID, nil when none is. While etcd is away it is what was last seen.
func (s *session) preparedXA(ctx context.Context, xid *catalog.XID) (*catalog.Decision, error) {
	d, err := s.g.cfg.Catalog.XA(ctx, *xid)
	if !errors.Is(err, catalog.ErrUnavailable) {
		return d, err
	}
	for _, d := range s.g.cfg.Catalog.KnownDecisions() {
		if d.Outcome == catalog.Prepared && (&clientXA{xid: *d.XA}).is(xid) {
			return d, nil
		}
	}
	return nil, nil
}

func (s *session) xaEnd(x *sqltext.XA, xid *catalog.XID) error {
	switch {
	case x.Suspend:
		return errXAInval
	case s.xaState() != xaActive:
		return errXAState(s.xaState())
	case !s.xa.is(xid):
		return errXANota
	}
	s.xa.state = xaIdle
	return nil
}

// xaPrepare prepares the transaction: at its places first, then in the catalog, from where on it outlives the session, the node and the leaves.
func (s *session) xaPrepare(ctx context.Context, xid *catalog.XID) error {
	switch {
	case s.xaState() != xaIdle:
		return errXAState(s.xaState())
	case !s.xa.is(xid):
		return errXANota
	}
	id, _ := s.tx.InXA()
	if err := s.tx.EndXA(); err != nil {
		return err
	}
	branches, err := s.tx.Prepare(ctx)
	var pinned *txn.PinnedError
	if errors.As(err, &pinned) { // the transaction is as it was
		s.tx.ResumeXA()
		return err
	}
	if err == nil {
		err = s.keepPrepared(ctx, id, branches)
	}
	if err != nil {
		s.forgetXA()
		return s.rolledBackXA(err)
	}
	s.xa.state = xaPrepared
	return nil
}

// rolledBackXA is MariaDB's error for a transaction that could not be prepared or committed, and was rolled back, with the reason as a warning; what is not known to
// be rolled back says so itself.
func (s *session) rolledBackXA(err error) error {
	var unknown interface{ OutcomeUnknown() bool }
	if errors.As(err, &unknown) && unknown.OutcomeUnknown() {
		return err
	}
	s.noteError(serverError(context.Background(), err))
	return errXARollback
}

func (s *session) xaCommit(ctx context.Context, xid *catalog.XID, onePhase bool) error {
	if !s.xa.is(xid) {
		switch {
		case s.xa != nil, !s.tx.Autocommit(), s.tx.InTransaction():
			return errXAOutside
		case onePhase:
			return errXAInval
		}
		return s.finishXA(ctx, xid, catalog.Committed)
	}
	switch {
	case s.xa.state == xaRollbackOnly:
		err := s.xa.rolledBack()
		s.forgetXA()
		return err
	case s.xa.state == xaPrepared && onePhase:
		return errXAInval
	case s.xa.state == xaPrepared:
		return s.finishOwnXA(ctx, xid, catalog.Committed)
	case s.xa.state != xaIdle || !onePhase:
		return errXAState(s.xa.state)
	}
	defer s.forgetXA()
	if err := s.tx.EndXA(); err != nil {
		return err
	}
	if _, err := s.tx.Commit(ctx, endPlain); err != nil {
		return s.rolledBackXA(err)
	}
	return nil
}

// finishOwnXA ends what the session has prepared. While etcd is away nothing has become of it.
func (s *session) finishOwnXA(ctx context.Context, xid *catalog.XID, outcome catalog.Outcome) error {
	err := s.finishXA(ctx, xid, outcome)
	if !errors.Is(err, catalog.ErrUnavailable) {
		s.forgetXA()
	}
	return err
}

func (s *session) xaRollback(ctx context.Context, xid *catalog.XID) error {
	if !s.xa.is(xid) {
		if s.xa != nil || !s.tx.Autocommit() || s.tx.InTransaction() {
			return errXAOutside
		}
		return s.finishXA(ctx, xid, catalog.RolledBack)
	}
	switch s.xa.state {
	case xaActive:
		return errXAState(xaActive)
	case xaPrepared:
		return s.finishOwnXA(ctx, xid, catalog.RolledBack)
	}
	defer s.forgetXA()
	ok, err := s.tx.Rollback(ctx, endPlain)
	s.notes(ok.Notes)
	return err
}
