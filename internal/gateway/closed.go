package gateway

import (
	"context"
	"errors"

	"github.com/orbweaver/orbweaver/internal/exec"
	"github.com/orbweaver/orbweaver/internal/gate"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// admitted runs a plan once when it may. It is inside of the tables that it names until it has ended, so that none of them gets its rows elsewhere meanwhile.
func (s *session) admitted(ctx context.Context, w *worker, p *plan.Plan, snap *topo.Snapshot, src source, x *extras) (exec.Outcome, error) {
	if err := s.locksHeld(); err != nil {
		return exec.Outcome{}, err
	}
	if err := s.stopLasts(); err != nil {
		return exec.Outcome{}, err
	}
	if changes(p, x) {
		if err := s.enterWrite(ctx); err != nil {
			return exec.Outcome{}, err
		}
		defer s.leaveWrite()
	}
	writes := p.Writes || p.Locks
	if err := s.g.guard.gates.EnterTables(p.Placed, writes, snap); err != nil {
		return exec.Outcome{}, err
	}
	defer s.g.guard.gates.LeaveTables(p.Placed, writes)
	leave, err := s.admit(ctx, p, snap)
	if err != nil {
		return exec.Outcome{}, err
	}
	if leave != nil {
		defer leave()
	}
	return s.runOnce(ctx, w, p, snap, src, x)
}

// closed says whether a statement was kept out of a table whose shard key is being changed: as in MariaDB it waits for the ALTER TABLE, however long that takes.
func closed(err error) bool {
	var e *gate.ClosedError
	return errors.As(err, &e)
}
