package exec

import (
	"errors"

	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/txn"
)

// on is the statement as one on a target's table alone, where that is a linked one: its places are the target's then.
func (st *Statement) on(t *plan.KeyTarget) *Statement {
	if t.Linked == nil {
		return st
	}
	p := *st.Plan
	p.Route, p.Linked, p.Forward = plan.Route{Kind: plan.RouteLinked}, t.Linked, t.Names
	sub := &Statement{Plan: &p, Scan: st.Scan, Snap: st.Snap, Sess: st.Sess, Charset: st.Charset, Tx: st.Tx, Home: st.Home, Prepared: st.Prepared, Args: st.Args,
		Locked: st.Locked, Links: st.Links, Out: st.Out, Moment: st.Moment}
	sub.adjust()
	return sub
}

// adjust puts what the session sets for links into a plan that was made on the way.
func (st *Statement) adjust() {
	if st.Links != nil && st.Plan.Linked != nil {
		st.Plan = st.Links(st.Plan)
	}
}

// foundAgain says whether a remote table had the rows that are to be changed under the keys that they were found by: its own columns and keys need not be those of the
// definition. first: nothing else of the statement can have deleted them.
func (st *Statement) foundAgain(t *plan.KeyTarget, jobs []job, first bool) error {
	if t.Linked == nil {
		return nil
	}
	k := st.Plan.ByKey
	for i := range jobs {
		j := &jobs[i]
		wanted, done := int64(len(j.rows)), int64(j.res.ok.AffectedRows)
		if n := numbers(j.res.info); len(n) > 0 {
			done = n[0] // rows matched
		}
		if len(j.res.head) > 0 { // of RETURNING
			done = int64(len(j.res.rows))
		}
		switch {
		case done == wanted, wanted == 0:
		case !k.Updates() && done < wanted && (done > 0 || !first || k.Ignores()): // foreign keys delete, too, and IGNORE leaves some
		default:
			name := st.Plan.Linked.Places[j.place.Link].Names[0]
			return errorf(erRemoteTable, "Remote table '%s.%s' at %s has not the key by which rows of '%s.%s' are found: %d rows were found, and %d of them by their keys",
				name.DB, name.Table, st.Plan.Linked.Places[j.place.Link].Links[0].Name(), t.Table.DB, t.Table.Name, wanted, done)
		}
	}
	return nil
}

// lockedBy is the name by which LOCK TABLES has locked a target, "" for its own: it must be called as the client calls it.
func (st *Statement) lockedBy(t *plan.KeyTarget) string {
	if !st.Tx.Pinned(txn.PinLocks) {
		return ""
	}
	return t.As()
}

// lockAs has the query for keys read targets by the names by which they are locked to be written to.
func (st *Statement) lockAs(p *plan.Plan, k *plan.ByKey) {
	for _, fills := range [][]plan.Fill{p.Fills, p.References} {
		for i := range fills {
			for n := range k.Targets {
				if t := &k.Targets[n]; t.Table == fills[i].Table && fills[i].As == "" {
					fills[i].As = st.lockedBy(t)
				}
			}
		}
	}
}

// byKeyUnderLocks refuses what is not done by keys under LOCK TABLES.
func (st *Statement) byKeyUnderLocks() error {
	k := st.Plan.ByKey
	for i := range k.Targets {
		// A DELETE by an alias wants a default database, which connections to remote servers have none of.
		if t := &k.Targets[i]; len(k.Draws) > 0 || len(k.Moves) > 0 && st.lockedAs(t.Table) != "" || t.Linked != nil && !k.Updates() && t.As() != "" {
			return st.notUnderLocks(st.Plan.Stage)
		}
	}
	return nil
}

// targetPlaceOf is linkedPlaceOf, of a write by keys for the table that has the place.
func (st *Statement) targetPlaceOf(place txn.Place) *plan.LinkedPlace {
	if p := st.linkedPlaceOf(place); p != nil || st.Plan.ByKey == nil {
		return p
	}
	for i := range st.Plan.ByKey.Targets {
		if t := &st.Plan.ByKey.Targets[i]; t.Linked != nil {
			if p := st.on(t).linkedPlaceOf(place); p != nil {
				return p
			}
		}
	}
	return nil
}

// undoneByKey is undone, of a write to tables that each have places of their own.
func (st *Statement) undoneByKey(err error) error {
	var lost *txn.LostError
	if errors.As(err, &lost) && lost.Place.Remote != nil {
		for i := range st.Plan.ByKey.Targets {
			if sub := st.on(&st.Plan.ByKey.Targets[i]); sub.linkedPlaceOf(lost.Place) != nil {
				return sub.undone(err)
			}
		}
	}
	return st.undone(err)
}
