package txn

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// Branch is the part of a transaction at one place, begun so that it can be prepared.
type Branch struct {
	XID   XID
	Place Place
}

// Outcome is what became of a transaction; "" when that is not known.
type Outcome string

// The outcomes.
const (
	Committed  Outcome = "committed"
	RolledBack Outcome = "rolled back"
)

// Unfinished is a transaction whose session has lost what it needs to end it.
type Unfinished struct {
	ID ID
	// Decider is the partition that decides; the zero ID: the catalog.
	Decider topo.PartitionID
	// Outcome is what is known already: the decision, or that there will be none.
	Outcome Outcome
	// Branches may be prepared, and are not known to have ended.
	Branches []Branch
}

// Settler ends what sessions can't.
type Settler interface {
	// Begin, Prepare and End tell what a transaction does: it has branches; its commit begins; nothing of it is left.
	Begin(id ID)
	Prepare(id ID)
	End(id ID)
	// Settle finds out what became of a transaction, decides that it is rolled back when nobody has decided, and ends its branches accordingly. When it
	// can't do all of that before ctx ends, perhaps at once, it goes on by itself, and says with an error what is left; the outcome may be known all the same. The
	// session's connections are closed by then, of which their leaves may not have heard yet: what was sent last may still be on its way, and a branch must not be ended
	// before its connection is gone (backend.Conn.Outlive).
	Settle(ctx context.Context, u Unfinished) (Outcome, error)
}

// Decider decides about transactions in which no partition does.
type Decider interface {
	// Decide decides that a transaction is committed unless something was decided about it before, and says what counts. With an error RolledBack means
	// that nothing was decided, "" that nobody knows.
	Decide(ctx context.Context, id ID, branches []Branch) (Outcome, error)
	// Ended says that no branch is left which would ask for the decision.
	Ended(id ID)
}

// Coordinator is what a session needs to make transactions over several places atomic.
type Coordinator struct {
	IDs     *IDs
	Decider Decider
	Settler Settler
	// Patience is for how long a commit whose connections broke is settled while its client waits.
	Patience time.Duration
}

// SetCoordinator gives the session a coordinator. To be called before it is used; without one its transactions are Multi.
func (s *Session) SetCoordinator(c *Coordinator) { s.coordinator = c }

// IDs gives transactions their IDs.
type IDs struct {
	owner func() uint64

	mu   sync.Mutex
	last ID
}

// NewIDs makes IDs of an owner that may change, and is 0 while there is none.
func NewIDs(owner func() uint64) *IDs { return &IDs{owner: owner} }

// ErrNoOwner: nobody could tell whether the transaction goes on.
var ErrNoOwner = errors.New("this node has not had a lease yet, without which it can't begin a transaction over several partitions")

// Next is another ID. While there is no owner it is the last one's: reads go on, and whoever takes that owner for dead has rolled back what it tries to commit. ErrNoOwner
// when there was none ever.
func (i *IDs) Next() (ID, error) {
	owner := i.owner()
	i.mu.Lock()
	defer i.mu.Unlock()
	if owner != 0 {
		i.last.Owner = owner
	}
	if i.last.Owner == 0 {
		return ID{}, ErrNoOwner
	}
	i.last.Seq = max(i.last.Seq+1, uint64(time.Now().UnixMicro()))
	return i.last, nil
}

// xaState is what a transaction knows of its branches.
type xaState struct {
	mode Mode
	id   ID // zero as long as it has no branch
	// ordinary is the partition that came first, and began as an ordinary transaction: it decides. It stays so when its connection could not be made after all.
	ordinary Place
	// client: the transaction is a client's own XA transaction, all of which are branches; ended: by XA END.
	client, ended bool
	// left: the settler goes on with it.
	left bool
	// explicit: by BEGIN or START TRANSACTION, not by a statement while autocommit was off.
	explicit bool
	// plain: something began an ordinary transaction that can't decide.
	plain bool
	// sealed: all places that may be read have been joined, at one moment.
	sealed bool
}

// SingleError: a transaction would have come to a second partition, or remote server, which its mode forbids.
type SingleError struct{ At, Place Place }

func (e *SingleError) Error() string {
	return "transaction_mode is 'single': " + e.Places()
}

// Places says where the transaction is, and where it would have come to.
func (e *SingleError) Places() string {
	return fmt.Sprintf("the transaction is at %s, and may not come to %s as well", where(e.At), where(e.Place))
}

// where is a place that counts as one of several, in words.
func where(p Place) string {
	if p.Remote != nil {
		return p.String()
	}
	return "partition " + p.Partition.String()
}

// MySQL is 1105 ER_UNKNOWN_ERROR.
func (e *SingleError) MySQL() (uint16, string, string) { return 1105, "HY000", e.Error() }

// Seal says that the open transaction has joined all leaves' places that it may read: one that joined later would show another moment, and is refused with *OutsideError.
func (s *Session) Seal() {
	s.mu.Lock()
	s.xa.sealed = true
	s.mu.Unlock()
}

// mayJoin says whether a transaction may come to a place. The caller holds mu.
func (s *Session) mayJoin(p Place) error {
	if s.xa.ended {
		return errIdle()
	}
	if s.xa.sealed && p.Remote == nil && (!p.shape() || s.reading.Load() && !s.bare.Load()) && s.find(p) == nil { // who writes or locks sees what is
		return &OutsideError{p}
	}
	if s.xa.mode != Single || p.shape() {
		return nil
	}
	for _, h := range s.held {
		at := h.place
		same := at.Partition == p.Partition && (p.Remote == nil || at.Leaf == p.Leaf)
		if h.inTx && !at.shape() && !same {
			return &SingleError{at, p}
		}
	}
	return nil
}

// join makes a held place part of the transaction: how it begins there is decided, and not sent yet. The caller holds mu.
func (s *Session) join(h *held) error {
	h.inTx, h.branch, h.xid = true, false, XID{}
	partition := h.place.Partition.DB != ""
	if !s.branching() {
		return nil
	}
	if partition && !s.xa.client && s.xa.ordinary == (Place{}) && !s.decidedByCatalog() {
		s.xa.ordinary = h.place
		return nil
	}
	if partition && s.xa.ordinary.Partition == h.place.Partition { // it comes again after it could not begin
		s.xa.ordinary = h.place
		return nil
	}
	if s.xa.id.IsZero() {
		id, err := s.coordinator.IDs.Next()
		if err != nil {
			h.inTx = false
			return err
		}
		s.xa.id = id
		s.coordinator.Settler.Begin(id)
	}
	h.branch, h.xid = true, XID{ID: s.xa.id, Place: PlaceShape}
	if s.xa.ordinary != (Place{}) {
		h.xid.Decider = PlaceHash(s.xa.ordinary.Partition)
	}
	switch {
	case partition:
		h.xid.Place = PlaceHash(h.place.Partition)
	case h.place.Remote != nil:
		h.xid.Place = PlaceRemote
	}
	return nil
}

// branching says whether parts of the transaction that are not the first begin as branches. The caller holds mu.
func (s *Session) branching() bool {
	if s.coordinator == nil {
		return false
	}
	if s.xa.client {
		return true
	}
	if s.xa.mode == Multi || s.xa.plain || s.modes.ReadOnly {
		return false
	}
	for _, h := range s.held {
		if h.pins&PinLocks != 0 { // a server with locked tables begins no branch
			return false
		}
	}
	return true
}

// decidedByCatalog says whether something may have been written by a branch that names the catalog as what decides about it: a partition that comes now can't decide
// any more. The caller holds mu.
func (s *Session) decidedByCatalog() bool {
	for _, h := range s.held {
		if h.branch && h.xid.Decider == 0 && h.wrote {
			return true
		}
	}
	return false
}

// start queues the transaction's beginning at a place, and its savepoints. The caller holds mu.
func (s *Session) start(h *held) {
	c := h.conn
	switch {
	case h.branch:
		h.xid.Thread = c.Thread()
		s.modes.queueBranch(c, h.xid, h.place.Remote == nil)
	default:
		s.modes.queue(c)
	}
	if h.place.Remote == nil && s.locksReads() {
		c.Queue("CALL orbweaver.number()")
	}
	for _, at := range s.savepoints {
		c.Queue("SAVEPOINT " + quote(at.name))
	}
}

// locksReads says whether all that the transaction reads is locked in share mode. InnoDB gives no number to a transaction that has done nothing else, and lists the locks of all such
// as those of one: what waits for what could not be told (package deadlock). The caller holds mu.
func (s *Session) locksReads() bool {
	isolation := string(s.modes.Isolation)
	if isolation == "" {
		isolation, _ = s.state.Get("tx_isolation")
	}
	return !s.modes.ReadOnly && strings.Contains(isolation, "SERIALIZABLE")
}

// redecide is for a branch that was only read, begun before the partition came that decides, and may be written to now: it begins anew, so that it names that
// partition. The caller holds mu.
//
// What it read before it may read otherwise from now on, as it would by a locking read; START TRANSACTION WITH CONSISTENT SNAPSHOT has its first partition before all else.
func (s *Session) redecide(h *held) {
	if !h.branch || h.wrote || h.xid.Decider != 0 || s.xa.ordinary == (Place{}) {
		return
	}
	c, old := h.conn, h.xid.SQL()
	c.Queue("XA END " + old)
	c.Queue("XA COMMIT " + old + " ONE PHASE")
	h.xid.Decider, h.saved = PlaceHash(s.xa.ordinary.Partition), false
	s.start(h)
}
