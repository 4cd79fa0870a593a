package txn

import (
	"context"
	"errors"
	"sync"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// erRMFail is ER_XAER_RMFAIL: not in this state of an XA transaction.
const erRMFail = 1399

func errIdle() error {
	return wire.Errorf(erRMFail, "XAER_RMFAIL: The command cannot be executed when global transaction is in the  IDLE state")
}

var (
	errOpen          = errors.New("a transaction is open")
	errNoClient      = errors.New("no XA transaction of the client's is open")
	errNotEnded      = errors.New("the XA transaction has not been ended")
	errNoCoordinator = errors.New("the session has no coordinator, without which it can't begin an XA transaction")
)

// PinnedError: an XA transaction can't be prepared, as a connection that holds its part holds temporary tables or named locks as well.
type PinnedError struct{ Place Place }

func (e *PinnedError) Error() string {
	return "XA PREPARE is not possible while the session has temporary tables or locks at " + e.Place.String() +
		", where the transaction has written; use XA COMMIT ... ONE PHASE or XA ROLLBACK"
}

// MySQL is 1399 ER_XAER_RMFAIL.
func (e *PinnedError) MySQL() (uint16, string, string) { return erRMFail, "XAE07", e.Error() }

// BeginXA begins a client's own XA transaction: all its parts are branches, about which the catalog decides. Nothing may be open.
func (s *Session) BeginXA(id ID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.open:
		return errOpen
	case s.coordinator == nil:
		return errNoCoordinator
	}
	s.over = nil
	s.begin(Modes{})
	s.xa.client, s.xa.id = true, id
	s.coordinator.Settler.Begin(id)
	return nil
}

// Untouched says whether the transaction that is open was begun by a statement while autocommit was off, as a plain server would not have done: it has come to no partition
// and no other server, and has written nothing.
func (s *Session) Untouched() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.held {
		if h.inTx && (h.wrote || h.place.Partition.DB != "" || h.place.Remote != nil) {
			return false
		}
	}
	return s.open && !s.xa.explicit && !s.xa.client
}

// InXA is the ID of the client's XA transaction that is open, and whether it was ended; the zero ID when there is none.
func (s *Session) InXA() (id ID, ended bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.open || !s.xa.client {
		return ID{}, false
	}
	return s.xa.id, s.xa.ended
}

// EndXA is XA END: statements are refused from now on. Commit (in one phase), Prepare or Rollback follow.
func (s *Session) EndXA() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.open || !s.xa.client {
		return errNoClient
	}
	s.xa.ended = true
	return nil
}

// Prepare prepares the client's XA transaction and lets go of it: its branches, which are given, wait at their places for whoever ends them, and the
// session has no transaction any more. *PinnedError leaves the transaction as it was; with any other error it is rolled back everywhere.
func (s *Session) Prepare(ctx context.Context) ([]Branch, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.open || !s.xa.client:
		return nil, errNoClient
	case !s.xa.ended:
		return nil, errNotEnded
	}
	s.over = nil
	k := &commit{s: s, prepared: map[*held]bool{}}
	var read []*held
	for _, h := range s.parts() {
		switch {
		case h.busy:
			return nil, ErrBusy
		case !h.wrote:
			read = append(read, h)
		case h.pins != 0:
			return nil, &PinnedError{h.place}
		default:
			k.branches = append(k.branches, h)
		}
	}
	for _, h := range k.branches {
		if !h.branch {
			return nil, s.fallen(&LostError{Place: h.place, Err: errDeciders})
		}
	}
	if lost := s.enterCommits(ctx, k.branches); lost != nil {
		return nil, s.fallen(lost)
	}
	defer s.leaveCommits(k.branches)
	s.coordinator.Settler.Prepare(s.xa.id)
	k.read = s.endReads(ctx, read)
	s.at(StepBegin)
	if err := k.prepare(ctx); err != nil {
		return nil, k.abort(err)
	}
	s.readsEnded(k.read)
	members := k.open(k.branches)
	for _, h := range k.branches {
		k.discard(h) // a connection that is reset instead keeps what it has prepared, and nobody else can end it
	}
	s.outlive(ctx, members)
	s.finish(End{})
	return members, nil
}

// outlive waits until the servers have taken over the branches of connections that were closed, so that who ends them then does. One that can't be asked is left to its
// branch's end.
func (s *Session) outlive(ctx context.Context, branches []Branch) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.coordinator.Patience)
	defer cancel()
	var wg sync.WaitGroup
	for _, b := range branches {
		w := backend.Want{Leaf: b.Place.Leaf, Account: backend.Cluster, Variant: backend.Internal}.Urgent()
		if r := b.Place.Remote; r != nil {
			w.Remote, w.State = r, r.State(nil)
		}
		wg.Go(func() {
			c, err := s.pools.Get(ctx, w)
			if err != nil {
				return
			}
			defer c.Release()
			_ = c.Outlive(ctx, b.XID.Thread)
		})
	}
	wg.Wait()
}
