package exec

import (
	"slices"

	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/txn"
)

// A transaction has a connection for each of a linked table's places, and for each further link of one. Where two of these lead to one remote table, what the one has locked the other
// waits for, until innodb_lock_wait_timeout ends it.

// meets refuses a statement that locks rows of one remote table by way of several places.
func (st *Statement) meets(places []txn.Place) error {
	k := st.Plan.Linked
	if k == nil || !st.Plan.Writes && !(st.Plan.Locks && (st.Tx.InTransaction() || !st.Tx.Autocommit())) {
		return nil
	}
	for i := range places {
		for n := range places[:i] {
			if err := meeting(&k.Places[places[i].Link], &k.Places[places[n].Link]); err != nil {
				return err
			}
		}
	}
	return nil
}

// meeting is the error of two places of a statement that have a remote table in common; nil when they have none.
func meeting(a, b *plan.LinkedPlace) error {
	l, o := &a.Links[0], &b.Links[0]
	if l.Host != o.Host || l.Port != o.Port || l.Socket != o.Socket {
		return nil
	}
	for _, name := range a.Names {
		if slices.Contains(b.Names, name) {
			return plan.NeedsStage("a lock on rows of a remote table, '" + name.DB + "." + name.Table + "' at " + l.Name() + ", to which several of the linked table's partitions or links lead: they would wait for each other")
		}
	}
	return nil
}
