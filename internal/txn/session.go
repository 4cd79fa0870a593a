package txn

import (
	"context"
	"errors"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// Place is where a statement, or a part of it, runs: a partition at its master, or a leaf's shapes when Partition is the zero value.
type Place struct {
	Leaf      string
	Partition topo.PartitionID
	Schema    string // default database: the partition's, or the shape's, or ""
	Term      uint64 // of the partition; 0 for shapes
}

// Isolation is an isolation level as SQL spells it: "READ COMMITTED"; "" is the session's.
type Isolation string

// Modes modify a transaction.
type Modes struct {
	ReadOnly  bool
	ReadWrite bool // said explicitly
	Snapshot  bool // WITH CONSISTENT SNAPSHOT
	Isolation Isolation
}

// Pin is a reason to hold a connection outside of transactions.
type Pin uint8

// The reasons.
const (
	PinLocks     Pin = 1 << iota // LOCK TABLES
	PinTemporary                 // temporary tables
	PinNamed                     // GET_LOCK
	PinOther
)

// Session is the transaction state of one client's session. Conn and Done may be called by several goroutines at once (the parts of one
// statement); everything else by one, between statements.
type Session struct{}

// New is a session in autocommit mode without a transaction.
func New(pools *backend.Pools, account backend.Account, variant backend.Variant) *Session {
	return &Session{}
}

// SetLogin changes the account (COM_CHANGE_USER): the transaction is rolled back, everything held is given back.
func (s *Session) SetLogin(ctx context.Context, account backend.Account, variant backend.Variant) {}

// SetState is what connections taken from now on, and held ones from their next statement on, must have set.
func (s *Session) SetState(state *backend.State) {}

// State is what SetState said.
func (s *Session) State() *backend.State { return nil }

// Want is what the session would ask the pools for at a place: for pipelines and for reads outside of the transaction.
func (s *Session) Want(p Place) backend.Want { return backend.Want{} }

// Free says whether a statement at p may run on any connection with the session's state, and thus on a pipeline: there is no transaction, autocommit is
// on, nothing is held at the place and no SET TRANSACTION waits for the next statement.
func (s *Session) Free(p Place) bool { return true }

// Conn gives the connection for a statement at p. In a transaction, or when one begins because autocommit is off, it is the one held at p, or a
// new one with the transaction's beginning (and its savepoints) queued ahead of the statement. Outside it is a pooled one.
// The caller runs its statement and calls Done.
//
// Errors are those of backend.Pools.Get, and *LostError when the transaction can't go on (p has another master now).
func (s *Session) Conn(ctx context.Context, p Place) (*backend.Conn, error) {
	return nil, errors.ErrUnsupported
}

// Done ends the use of a connection that Conn gave, and returns the error that the client should see. err is what reading the answer gave: nil
// when it was read to its end (an ERR packet included; the connection knows of it), else the backend's error. A connection that was lost in a
// transaction, and a deadlock, end the transaction everywhere.
func (s *Session) Done(c *backend.Conn, err error) error { return err }

// EndStatement forgets a SET TRANSACTION that was for one statement; to be called after each statement outside of a transaction.
func (s *Session) EndStatement() {}

// Begin is BEGIN, START TRANSACTION: an open transaction is committed first, LOCK TABLES' locks are given back. Nothing is sent to a leaf yet.
func (s *Session) Begin(ctx context.Context, m Modes) error { return nil }

// Next is SET TRANSACTION without SESSION: it applies to the next transaction. Error 1568 inside of one.
func (s *Session) Next(m Modes) error { return nil }

// End says what follows a COMMIT or ROLLBACK.
type End struct {
	Chain bool // AND CHAIN: another transaction with the same modes begins
}

// OK is what a leaf answered to COMMIT or ROLLBACK.
type OK struct {
	Warnings uint16
	Status   wire.Status
	// Info is the OK packet's payload when exactly one leaf was asked, nil otherwise.
	Info []byte
}

// Commit commits every held partition. One: its answer is MariaDB's own. Several: one after another; *PartialCommitError when some have
// committed and others have not, *UnknownCommitError when it can't be known. RELEASE is the caller's business.
func (s *Session) Commit(ctx context.Context, e End) (OK, error) { return OK{}, nil }

// Rollback rolls back every held partition; a lost connection counts as rolled back.
func (s *Session) Rollback(ctx context.Context, e End) (OK, error) { return OK{}, nil }

// Savepoint sets a savepoint at every held partition, and at those that join later. name is quoted as SQL.
func (s *Session) Savepoint(ctx context.Context, name string) error { return nil }

// RollbackTo rolls back to a savepoint; 1305 when there is none.
func (s *Session) RollbackTo(ctx context.Context, name string) error { return nil }

// ReleaseSavepoint forgets a savepoint; 1305 when there is none.
func (s *Session) ReleaseSavepoint(ctx context.Context, name string) error { return nil }

// SetAutocommit is SET autocommit. Turning it on commits an open transaction.
func (s *Session) SetAutocommit(ctx context.Context, on bool) error { return nil }

// Autocommit says whether autocommit is on.
func (s *Session) Autocommit() bool { return true }

// InTransaction says whether a transaction is open: begun explicitly, or by a statement with autocommit off.
func (s *Session) InTransaction() bool { return false }

// Modes are those of the open transaction.
func (s *Session) Modes() Modes { return Modes{} }

// Status has the session's bits of a server status: in transaction, read only, autocommit. All other bits are 0.
func (s *Session) Status() wire.Status { return wire.StatusAutocommit }

// StatusMask is the bits that Status decides, to be replaced in relayed packets.
const StatusMask = wire.StatusInTrans | wire.StatusInTransReadonly | wire.StatusAutocommit

// Pin holds the connection at p from now on for a reason; statements at p run on it. For LOCK TABLES, temporary tables, GET_LOCK.
func (s *Session) Pin(ctx context.Context, p Place, why Pin) error { return nil }

// Pinned says whether anything is held for a reason.
func (s *Session) Pinned(why Pin) bool { return false }

// PinnedPlaces are the places held for a reason.
func (s *Session) PinnedPlaces(why Pin) []Place { return nil }

// Unpin gives back what was held for that reason alone; connections are reset before others use them.
func (s *Session) Unpin(why Pin) {}

// Held is the number of connections that the session holds.
func (s *Session) Held() int { return 0 }

// Kill ends what runs on the session's connections now (KILL QUERY). It may be called by any goroutine.
func (s *Session) Kill(ctx context.Context) {}

// Close rolls back and gives everything back.
func (s *Session) Close() {}

// Group makes a statement that writes at several places atomic: outside of a transaction it runs in one of its own, within one it is rolled back
// as a whole to where it began when a part of it fails.
type Group struct{}

// Group begins such a statement. End must be called.
func (s *Session) Group() *Group { return &Group{} }

// Conn is Session.Conn with the group's transaction or savepoint queued ahead.
func (g *Group) Conn(ctx context.Context, p Place) (*backend.Conn, error) {
	return nil, errors.ErrUnsupported
}

// Done is Session.Done.
func (g *Group) Done(c *backend.Conn, err error) error { return err }

// End ends the statement: err nil commits its transaction (outside of one), else undoes it at every place. It returns err, or what went wrong.
func (g *Group) End(ctx context.Context, err error) error { return err }
