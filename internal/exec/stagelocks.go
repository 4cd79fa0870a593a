package exec

import (
	"slices"

	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// erNotLocked is MariaDB's for a table that LOCK TABLES has not locked under its name.
const erNotLocked = 1100

// underLocks says, under LOCK TABLES, what MariaDB would of a statement that is staged: where its copies are nobody knows of the locks.
func (st *Statement) underLocks() error {
	if !st.Tx.Pinned(txn.PinLocks) {
		return nil
	}
	if st.Plan.Named == nil {
		return st.notUnderLocks(st.Plan.Stage)
	}
	for _, n := range st.Plan.Named {
		if !slices.Contains(st.Locked, n) {
			return wire.Errorf(erNotLocked, "Table '%s' was not locked with LOCK TABLES", n.As)
		}
	}
	return nil
}

// lockedAs is a name that a table is locked by, "" for its own.
func (st *Statement) lockedAs(t *topo.Table) string {
	if !st.Tx.Pinned(txn.PinLocks) || t.Temporary || slices.Contains(st.Locked, plan.NamedTable{DB: t.DB, Table: t.Name, As: t.Name}) {
		return ""
	}
	if i := slices.IndexFunc(st.Locked, func(n plan.NamedTable) bool { return n.DB == t.DB && n.Table == t.Name }); i >= 0 {
		return st.Locked[i].As
	}
	return ""
}
