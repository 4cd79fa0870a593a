package txn

import (
	"context"

	"github.com/orbweaver/orbweaver/internal/backend"
)

// Joined says whether a place takes part in the open transaction.
func (s *Session) Joined(p Place) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.find(p)
	return h != nil && h.inTx
}

// Apart lends a connection at a partition that takes no part in the transaction: what is locked there is given free at the statement's end. done must follow. A KILL of the session's
// statement reaches it.
func (s *Session) Apart(ctx context.Context, p Place) (c *backend.Conn, done func(), err error) {
	if c, err = s.free(ctx, p, s.Want(p)); err != nil {
		return nil, nil, err
	}
	s.lend(c, p, false)
	return c, func() {
		s.takeBack(c)
		c.Release()
		s.Leave(p)
	}, nil
}
