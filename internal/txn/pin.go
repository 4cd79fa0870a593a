package txn

import (
	"context"
	"errors"
)

// Pin is a set of reasons to hold a connection outside of transactions.
type Pin uint8

// The reasons.
const (
	PinLocks     Pin = 1 << iota // LOCK TABLES
	PinTemporary                 // temporary tables
	PinNamed                     // GET_LOCK
	PinOther
	PinHandler // HANDLER … OPEN
)

// Pin holds the connection at p from now on for a reason; statements at p run on it.
func (s *Session) Pin(ctx context.Context, p Place, why Pin) error {
	s.mu.Lock()
	if h := s.find(p); h != nil {
		defer s.mu.Unlock()
		if h.place.Leaf != p.Leaf || h.place.Term != p.Term {
			return s.abandon(h, nil)
		}
		h.pins |= why
		return nil
	}
	w := s.want(p)
	s.mu.Unlock()
	if err := s.Enter(p); err != nil {
		return err
	}
	c, err := s.pools.Get(ctx, w)
	if err != nil {
		s.Leave(p)
		return err
	}
	s.mu.Lock()
	s.hold(&held{place: p, conn: c, pins: why})
	s.mu.Unlock()
	return nil
}

// Pinned says whether anything is held for a reason.
func (s *Session) Pinned(why Pin) bool { return len(s.PinnedPlaces(why)) > 0 }

// PinnedPlaces are the places held for a reason.
func (s *Session) PinnedPlaces(why Pin) []Place {
	s.mu.Lock()
	defer s.mu.Unlock()
	var places []Place
	for _, h := range s.held {
		if h.pins&why != 0 {
			places = append(places, h.place)
		}
	}
	return places
}

// PinnedThread is the id that the connection held for a reason has at its leaf. It may be asked for by other sessions.
func (s *Session) PinnedThread(leaf string, why Pin) (uint64, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.held {
		if h.pins&why != 0 && h.place.Leaf == leaf {
			return h.conn.Thread(), true
		}
	}
	return 0, false
}

// Unpin ends reasons. A connection that is held for nothing else is given back and reset before others use it; from others, PinLocks takes
// the locks (UNLOCK TABLES, which commits in MariaDB as well).
func (s *Session) Unpin(ctx context.Context, why Pin) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, h := range append([]*held(nil), s.held...) {
		if h.pins&why == 0 {
			continue
		}
		locks := h.pins&why&PinLocks != 0
		h.pins &^= why
		h.conn.ResetOnRelease()
		switch {
		case h.pins == 0 && !h.inTx:
			s.drop(h)
			h.conn.Release()
		case locks:
			if _, err := h.conn.Query(ctx, "UNLOCK TABLES"); err != nil {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}
