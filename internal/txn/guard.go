package txn

import (
	"context"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
)

// Guard watches over partitions that may get other masters.
type Guard interface {
	// Enter lets the session in to a partition, until Leave. Its error means that nothing was done there, and that it may be tried again on a newer topology.
	Enter(p Place) error
	Leave(p Place)
	// Confirm says that what was just committed on a connection at a place is safe to be acknowledged: the place's term is still the partition's, and what the
	// database's replication promises has been done. Its error means that the outcome is unknown.
	Confirm(ctx context.Context, p Place, c *backend.Conn) error
	// EnterCommit lets the session commit at a place, until LeaveCommit. false: commits there are held back for a moment, which AwaitCommit waits for.
	EnterCommit(p Place) bool
	LeaveCommit(p Place)
	AwaitCommit(ctx context.Context, p Place) error
	// EnterWide begins a commit at several places, which is visible at some of them only until leave is called; nil: such commits are held back for a moment, which
	// AwaitWide waits for.
	EnterWide(places []Place) (leave func())
	AwaitWide(ctx context.Context, places []Place) error
	// Uneven tells that a transaction that wrote what all leaves have alike was committed at some of them only, or perhaps.
	Uneven()
}

// SetGuard gives the session a guard. To be called before it is used.
func (s *Session) SetGuard(g Guard) { s.guard = g }

// Enter lets a statement in to a place that no connection of Conn is for, such as a pipeline's; Leave must follow.
func (s *Session) Enter(p Place) error {
	if s.guard == nil || p.Partition.DB == "" {
		return nil
	}
	return s.guard.Enter(p)
}

// Leave is what Enter asks for.
func (s *Session) Leave(p Place) {
	if s.guard != nil && p.Partition.DB != "" {
		s.guard.Leave(p)
	}
}

// enterCommit waits until what commits by itself may be sent to a place.
func (s *Session) enterCommit(ctx context.Context, p Place) error {
	for !s.guard.EnterCommit(p) {
		if err := s.guard.AwaitCommit(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// commits says whether a statement at a place, outside of a transaction, commits something that the guard wants to know of.
func (s *Session) commits(p Place) bool {
	return s.guard != nil && !s.reading.Load() && (p.Partition.DB != "" || s.shapes.Load())
}

// enterCommits waits until the parts' commits may be sent, all of them: while one is waited for none is let in. Remote servers' are nobody's to hold back by
// themselves.
func (s *Session) enterCommits(ctx context.Context, parts []*held) *LostError {
	if s.guard == nil {
		return nil
	}
	for i := 0; i < len(parts); i++ {
		p := parts[i].place
		if p.Remote != nil || s.guard.EnterCommit(p) {
			continue
		}
		s.leaveCommits(parts[:i])
		if err := s.guard.AwaitCommit(ctx, p); err != nil {
			return &LostError{Place: p, Err: err}
		}
		i = -1
	}
	if len(parts) < 2 && !s.xa.client { // a client's branch stays prepared, if it is the only one
		return nil
	}
	places := make([]Place, len(parts))
	for i, h := range parts {
		places[i] = h.place
	}
	if s.wide = s.guard.EnterWide(places); s.wide != nil {
		return nil
	}
	s.leaveCommits(parts)
	if err := s.guard.AwaitWide(ctx, places); err != nil {
		return &LostError{Place: places[0], Err: err}
	}
	return s.enterCommits(ctx, parts)
}

func (s *Session) leaveCommits(parts []*held) {
	if s.guard == nil {
		return
	}
	if s.wide != nil {
		s.wide()
		s.wide = nil
	}
	for _, h := range parts {
		if h.place.Remote == nil {
			s.guard.LeaveCommit(h.place)
		}
	}
}

// confirmTime bounds how long a commit waits for its confirmation.
const confirmTime = 20 * time.Second

// confirm asks the guard about something that was committed at a place.
func (s *Session) confirm(p Place, c *backend.Conn) error {
	if s.guard == nil || p.Partition.DB == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), confirmTime)
	defer cancel()
	return s.guard.Confirm(ctx, p, c)
}
