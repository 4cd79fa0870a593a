package txn

import (
	"context"
	"sync"
	"time"

	"github.com/orbweaver/orbweaver/internal/wire"
)

// Spans are the transactions of a node that hold connections at two places or more: those that can wait for each other where no leaf sees it.
type Spans struct {
	mu   sync.Mutex
	open map[*Span]struct{}
	last uint64
	some chan struct{} // has room for one
}

// NewSpans is an empty set.
func NewSpans() *Spans { return &Spans{open: map[*Span]struct{}{}, some: make(chan struct{}, 1)} }

// Some gets a value when the set is no longer empty.
func (s *Spans) Some() <-chan struct{} { return s.some }

// Append adds the spans that are open now.
func (s *Spans) Append(to []*Span) []*Span {
	s.mu.Lock()
	defer s.mu.Unlock()
	for sp := range s.open {
		to = append(to, sp)
	}
	return to
}

func (s *Spans) add(session *Session) *Span {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	sp := &Span{ID: s.last, Begun: time.Now(), session: session}
	s.open[sp] = struct{}{}
	if len(s.open) == 1 {
		select {
		case s.some <- struct{}{}:
		default: // said already
		}
	}
	return sp
}

func (s *Spans) remove(sp *Span) {
	s.mu.Lock()
	delete(s.open, sp)
	s.mu.Unlock()
}

// Span is a transaction at two places or more. It may be used after its end.
type Span struct {
	ID      uint64    // unique in its Spans
	Begun   time.Time // when it reached the second place
	session *Session
}

// Thread is a connection at a leaf.
type Thread struct {
	Leaf string
	ID   uint64
}

// Running is a statement, or a part of one, that has not been answered to its end.
type Running struct {
	Thread Thread
	Turn   uint64 // tells it from others of its session, never 0
}

// Oldest is the turn of the statement that has been running for the longest, 0 when none is: one atomic load.
func (sp *Span) Oldest() uint64 { return sp.session.oldest.Load() }

// Look says which connections the session holds, and what runs on them. It never waits: false when the session is being worked on, as it is while
// it begins or ends something.
func (sp *Span) Look() (threads []Thread, running []Running, ok bool) {
	s := sp.session
	if !s.mu.TryLock() {
		return nil, nil, false
	}
	defer s.mu.Unlock()
	if s.span != sp || !s.lentMu.TryLock() {
		return nil, nil, false
	}
	defer s.lentMu.Unlock()
	for _, h := range s.held {
		if h.conn != nil && h.place.Remote == nil { // which tells nobody who waits for whom
			threads = append(threads, Thread{h.conn.Leaf(), h.conn.Thread()})
		}
	}
	for _, l := range s.lent {
		if l.place.Remote != nil {
			continue
		}
		running = append(running, Running{Thread{l.conn.Leaf(), l.conn.Thread()}, l.turn})
	}
	return threads, running, true
}

// BreakDeadlock makes the transaction the victim of a deadlock: if the part with that turn still runs, everything that runs in the session is
// ended. The statement fails with a *DeadlockError and the transaction is rolled back everywhere, unless the statement was answered before the
// end could reach it. Other statements are never hit, however late it comes. It says whether there was anything to end. own: the transaction waits for itself alone.
func (sp *Span) BreakDeadlock(ctx context.Context, turn uint64, own bool) bool {
	s := sp.session
	s.lentMu.Lock() // Done waits for it
	defer s.lentMu.Unlock()
	found := false
	for i := range s.lent {
		found = found || s.lent[i].turn == turn
	}
	if !found {
		return false
	}
	for i := range s.lent {
		s.lent[i].victim, s.lent[i].own = true, own
		_ = s.lent[i].conn.Kill(ctx) // a leaf that can't be reached has nothing to kill
	}
	return true
}

// SetSpans has the session report its transactions over several places. To be called before it is used.
func (s *Session) SetSpans(spans *Spans) { s.spans = spans }

// hold adds a connection to those that are held. The caller holds mu.
func (s *Session) hold(h *held) {
	s.held = append(s.held, h)
	if len(s.held) > 1 && s.span == nil && s.spans != nil {
		s.span = s.spans.add(s)
	}
}

// spanned ends the span when there is nothing left that could make one. The caller holds mu.
func (s *Session) spanned() {
	if len(s.held) < 2 && s.span != nil {
		s.spans.remove(s.span)
		s.span = nil
	}
}

// DeadlockError: the transaction waited for others that waited for it at other partitions, and was rolled back everywhere to let them go on. Own: it waited for itself.
// Reference tables are written by connections that are not those of partitions, where a foreign key to them has their rows locked.
type DeadlockError struct {
	Place Place
	Own   bool
}

func (e *DeadlockError) Error() string {
	if e.Own {
		return "This version of Orbweaver doesn't yet support 'a foreign key, or a locking read, that leads to rows of a reference table which the same transaction has changed': " +
			"the transaction was rolled back; change reference tables in one of their own"
	}
	return "Deadlock found when trying to get lock; try restarting transaction"
}

// SafeToRetry is true for the transaction as a whole, of which nothing has been committed, unless it would wait for itself again.
func (e *DeadlockError) SafeToRetry() bool { return !e.Own }

// MySQL is 1213 ER_LOCK_DEADLOCK, in MariaDB's words, or 1235 ER_NOT_SUPPORTED_YET, as clients repeat the transaction after 1213.
func (e *DeadlockError) MySQL() (uint16, string, string) {
	if e.Own {
		return wire.ErNotSupported, "42000", e.Error()
	}
	return wire.ErDeadlock, "40001", e.Error()
}
