package txn

import (
	"context"
	"errors"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// statementSavepoint is where a part of a statement goes back to when another part fails.
const statementSavepoint = "orbweaver statement"

// Group makes a statement that writes at several places atomic: outside of a transaction it runs in one of its own, within one it is rolled back
// as a whole to where it began when a part of it fails.
type Group struct {
	s   *Session
	own bool // the transaction is the group's
	// next is the SET TRANSACTION that was for it.
	next *Modes
}

// Group begins such a statement. End must be called.
func (s *Session) Group() *Group {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := &Group{s: s}
	if !s.open && s.autocommit {
		g.next = s.next
		s.begin(Modes{})
		g.own, s.internal = true, true
	}
	for _, h := range s.held {
		h.saved = false
	}
	return g
}

// Conn is Session.Conn with the group's transaction or savepoint queued ahead.
func (g *Group) Conn(ctx context.Context, p Place) (*backend.Conn, error) {
	c, err := g.s.Conn(ctx, p)
	if err != nil || g.own {
		return c, err
	}
	g.s.mu.Lock()
	defer g.s.mu.Unlock()
	if h := g.s.find(p); h != nil && !h.saved {
		h.saved = true
		c.Queue("SAVEPOINT " + quote(statementSavepoint))
	}
	return c, nil
}

// Done is Session.Done.
func (g *Group) Done(c *backend.Conn, err error) error { return g.s.Done(c, err) }

// End ends the statement: err nil commits its transaction (outside of one), else undoes it at every place. It returns err, or what went wrong.
func (g *Group) End(ctx context.Context, err error) error {
	s := g.s
	if g.own {
		defer s.forgive()
	}
	if over := s.isOver(); over != nil || !s.InTransaction() {
		return Graver(err, over)
	}
	if g.own {
		if err != nil {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), repairTimeout)
			defer cancel()
			_, _ = s.Rollback(ctx, End{})
			var refused *wire.ServerError
			if errors.As(err, &refused) && refused.Code == wire.ErReadOnlyTransaction {
				s.restore(g.next) // MariaDB has not begun it, either
			}
			return err
		}
		_, err = s.Commit(ctx, End{})
		return err
	}
	if err == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), repairTimeout)
	defer cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.parts() {
		if !h.saved {
			continue
		}
		h.saved = false
		if _, undone := end(ctx, h.conn, "ROLLBACK TO SAVEPOINT "+quote(statementSavepoint)); undone != nil {
			return s.lose(&LostError{Place: h.place, Err: undone})
		}
	}
	return err
}

// restore makes modes those of the next transaction.
func (s *Session) restore(next *Modes) {
	s.mu.Lock()
	s.next = next
	s.mu.Unlock()
}

func (s *Session) isOver() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.over
}

// forgive forgets that a transaction was lost of which the client never knew: End has said so.
func (s *Session) forgive() {
	s.mu.Lock()
	s.over = nil
	s.mu.Unlock()
}
