package txn

import (
	"context"

	"github.com/orbweaver/orbweaver/internal/backend"
)

// statementSavepoint is where a part of a statement goes back to when another part fails.
const statementSavepoint = "orbweaver statement"

// Group makes a statement that writes at several places atomic: outside of a transaction it runs in one of its own, within one it is rolled back
// as a whole to where it began when a part of it fails.
type Group struct {
	s   *Session
	own bool // the transaction is the group's
}

// Group begins such a statement. End must be called.
func (s *Session) Group() *Group {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := &Group{s: s}
	if !s.open && s.autocommit {
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
	if over := s.isOver(); over != nil || !s.InTransaction() {
		return Graver(err, over)
	}
	if g.own {
		if err != nil {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), repairTimeout)
			defer cancel()
			_, _ = s.Rollback(ctx, End{})
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

func (s *Session) isOver() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.over
}
