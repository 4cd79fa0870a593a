package txn

import (
	"context"
	"errors"
	"strings"

	"github.com/orbweaver/orbweaver/internal/backend"
)

// Beside is a session that reads under another account in this one's transaction, on connections of its own: READ ONLY, in the transaction's isolation, until the transaction ends. As it
// does not see what the transaction writes, there is none where that has written, has a snapshot of one moment, or locks what it reads, and where there is no transaction: nil then. With
// autocommit off it begins one. What a partition shows it, it shows from its first read there on, as partitions that join a transaction do.
func (s *Session) Beside(ctx context.Context, account backend.Account) (*Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.open && !s.autocommit {
		s.begin(Modes{})
	}
	isolation, _ := s.state.Get("tx_isolation")
	if !s.open || s.internal || s.modes.Snapshot || strings.Contains(isolation+string(s.modes.Isolation), "SERIALIZABLE") {
		return nil, nil
	}
	for _, h := range s.held {
		if h.inTx && h.wrote {
			return nil, nil
		}
	}
	b := s.beside[account]
	if b != nil && !b.InTransaction() {
		// It was lost, and what it has shown with it.
		return nil, s.fallen(&LostError{Err: errBeside})
	}
	if b == nil {
		b = New(s.pools, account, s.variant)
		b.SetGuard(s.guard)
		if err := b.Begin(ctx, Modes{ReadOnly: true, Isolation: s.modes.Isolation}); err != nil {
			return nil, err
		}
		if s.beside == nil {
			s.beside = map[backend.Account]*Session{}
		}
		s.beside[account] = b
	}
	b.SetState(s.state.Without(backend.RoleKey)) // the role is this account's
	return b, nil
}

var errBeside = errors.New("what another account has read there in the transaction can't be read on")

// Lose ends the transaction, as a part of it is lost that this session does not have itself: see Beside.
func (s *Session) Lose() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open {
		s.rollbackAll()
	}
}

// endBeside ends what reads beside the transaction. The caller holds mu.
func (s *Session) endBeside() {
	for _, b := range s.beside {
		b.Close()
	}
	s.beside = nil
}
