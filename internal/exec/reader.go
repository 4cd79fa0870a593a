package exec

import (
	"context"
	"slices"

	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
)

// Readers are the sessions by which tables are copied for stored functions, where that is not the statement's own: its account may have a right to the function and none to what that reads.
type Readers map[*topo.Table]*txn.Session

// FindReaders finds them for tables, once it is certain that the accounts by whose rights functions read them may: an error is why not. done gives them back.
type FindReaders func(ctx context.Context, p *plan.Plan, tables []*topo.Table) (by Readers, done func(), err error)

// readers finds who copies what the functions of a staged statement read. MariaDB asks for no rights on copies, so that the accounts' are asked for here.
func (st *Statement) readers(ctx context.Context) (done func(), err error) {
	st.readBy, done = nil, func() {}
	fills := st.Plan.Fills
	if st.Tx.InTransaction() || !st.Tx.Autocommit() || st.Tx.Pinned(txn.PinLocks) {
		fills = slices.Concat(fills, st.Plan.References)
	}
	var tables []*topo.Table
	for i := range fills {
		if fills[i].Called {
			tables = append(tables, fills[i].Table)
		}
	}
	switch {
	case len(tables) == 0:
		return done, nil
	case st.Readers == nil:
		return nil, plan.NeedsStage(st.Plan.Stage)
	}
	by, back, err := st.Readers(ctx, st.Plan, tables)
	if err != nil {
		return nil, err
	}
	st.readBy = by
	return func() {
		st.readBy = nil
		back()
	}, nil
}
