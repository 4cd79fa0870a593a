package txn

import (
	"slices"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// Changed notes what a statement of the open transaction has done to reference tables. With it foreign keys may have changed rows of partitions, which their connections do not see before
// the transaction is committed.
func (s *Session) Changed(changes []topo.Change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open && !s.internal {
		s.changes = append(s.changes, changes...)
	}
}

// Changes are all that Changed has noted in the open transaction and no ROLLBACK TO has taken back.
func (s *Session) Changes() []topo.Change {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.changes) == 0 {
		return nil
	}
	return slices.Clone(s.changes)
}

// savepoint is one of the client's.
type savepoint struct {
	name    string
	changes int // of the session's changes: those that were there before
}
