package exec

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/value"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// beforeReturning is the savepoint of a statement whose RETURNING is a query's, in a transaction of the client's.
const beforeReturning = "orbweaver returning"

// returning runs a write, and a query for what its RETURNING lists.
func (r *Runner) returning(ctx context.Context, st *Statement) error {
	switch {
	case st.OneShard:
		return ErrAcross
	case st.After != nil, st.Head != nil:
		return plan.NeedsStage(st.Plan.Stage + ", beside LAST_INSERT_ID(…) or what is told later")
	}
	if err := st.notUnderLocks(st.Plan.Stage); err != nil {
		return err
	}
	if st.Permit != nil {
		if err := st.Permit(ctx); err != nil {
			return err
		}
	}
	if !st.hasOwnTime() && st.Moment == "" && st.Plan.Clocked {
		st.Moment = Clock()
		defer func() { st.Moment = "" }()
	}
	own := !st.Tx.InTransaction() && st.Tx.Autocommit()
	if !own {
		if err := st.Tx.Savepoint(ctx, beforeReturning); err != nil {
			return err
		}
	}
	g := st.Tx.Group()
	var out *returnedRows
	var err error
	if st.Plan.Returned.Key != nil {
		out, err = r.insertReturning(ctx, st)
	} else {
		out, err = r.deleteReturning(ctx, st)
	}
	if err = st.endReturning(ctx, own, g.End(ctx, err)); err != nil {
		return err
	}
	return st.writeRows([]job{{res: reply{head: out.head, rows: out.rows}}})
}

// endReturning undoes what a statement has done in a transaction of the client's, if it has failed.
func (st *Statement) endReturning(ctx context.Context, own bool, err error) error {
	switch {
	case own, !st.Tx.InTransaction() && st.Tx.Autocommit(): // it was lost as a whole
		return err
	case err != nil:
		if _, undo := st.Tx.RollbackTo(ctx, beforeReturning); undo != nil {
			return txn.Graver(err, undo)
		}
		return err
	}
	return st.Tx.ReleaseSavepoint(ctx, beforeReturning)
}

// returnedRows is an Output that keeps an answer's packets, but for the end.
type returnedRows struct {
	collected
	head [][]byte
}

// Packet takes the head and the definitions, and leaves the rows to collected.
func (o *returnedRows) Packet(p []byte) error {
	if o.defs < 0 && len(p) > 0 && p[0] == 0 { // of a DELETE
		return nil
	}
	if o.defs != 0 || len(o.rows) == 0 && wire.IsEOF(p, o.caps) && !o.caps.Has(wire.ClientDeprecateEOF) && len(o.head) == len(o.columns)+1 {
		o.head = append(o.head, bytes.Clone(p))
	}
	return o.collected.Packet(p)
}

// partOf is a statement that a text, made of the client's, is run as.
func (st *Statement) partOf(text []byte, params []int) (*Statement, *returnedRows, error) {
	scan, p, err := st.planText(text)
	if err != nil {
		return nil, nil, err
	}
	out := &returnedRows{collected: collected{caps: st.Out.Caps(), status: st.Out.Status(), defs: -1, what: "RETURNING"}}
	sub := &Statement{
		Plan: p, Scan: scan, Snap: st.Snap, Sess: st.Sess, Charset: st.Charset, Tx: st.Tx, Home: st.Home, Readers: st.Readers, StageLimit: st.StageLimit, Bring: st.Bring, Links: st.Links, Locked: st.Locked,
		Moment: st.Moment, Prepared: st.Prepared, Out: out, Draw: st.Draw,
	}
	if st.Prepared {
		sub.Args = st.pick(params)
	}
	return sub, out, nil
}

// askReturned runs the query for what RETURNING lists.
func (r *Runner) askReturned(ctx context.Context, st *Statement, where string) (*Statement, *returnedRows, error) {
	text, params := st.Plan.Returned.Query(st.Scan, where)
	sub, out, err := st.partOf(text, params)
	if err != nil {
		return nil, nil, err
	}
	out.limit = r.cfg.SortMemory
	return sub, out, r.run(ctx, sub)
}

// deleteReturning asks before the rows are deleted, and locks them.
func (r *Runner) deleteReturning(ctx context.Context, st *Statement) (*returnedRows, error) {
	asked, out, err := r.askReturned(ctx, st, "")
	if err != nil {
		return nil, err
	}
	edit := st.Plan.Returned.Edit()
	sub, _, err := st.partOf(plan.Render(nil, st.Scan, edit, nil, plan.Target{}), plan.ParamOrder(st.Scan, edit, nil))
	if err != nil {
		return nil, err
	}
	if err := r.run(ctx, sub); err != nil {
		return nil, err
	}
	if sub.out.Affected != uint64(len(out.rows)) {
		return nil, plan.NeedsStage(st.Plan.Stage + ", where it deletes other rows than its condition finds")
	}
	st.out.Notes, st.out.Warnings = asked.out.Notes, asked.out.Warnings
	return out, nil
}

// insertReturning asks for each row that was written.
func (r *Runner) insertReturning(ctx context.Context, st *Statement) (*returnedRows, error) {
	edit, t := st.Plan.Returned.Edit(), st.Plan.Returned
	sub, keys, err := st.partOf(plan.Render(nil, st.Scan, edit, nil, plan.Target{}), plan.ParamOrder(st.Scan, edit, nil))
	if err != nil {
		return nil, err
	}
	keys.limit, sub.Prepared = r.cfg.SortMemory, true
	if err := r.run(ctx, sub); err != nil {
		return nil, err
	}
	target := plan.KeyTarget{Table: t.Table, Key: t.Key}
	cols, all := make([]value.Column, len(t.Key)), &returnedRows{}
	for i := range cols {
		cols[i] = value.Of(&keys.columns[i], value.Binary)
	}
	notes, warned := slices.Clone(sub.out.Notes), sub.out.Warnings
	for n := 0; n < max(len(keys.rows), 1); n++ {
		where := string(noRow(&target))
		if len(keys.rows) > 0 {
			cells := make([][]byte, len(cols))
			if err := splitRow(keys.rows[n], cols, cells); err != nil {
				return nil, err
			}
			var err error
			if where, err = writtenRow(t, cols, cells); err != nil {
				return nil, err
			}
		}
		asked, out, err := r.askReturned(ctx, st, where)
		if err != nil {
			return nil, err
		}
		if len(out.rows) != min(len(keys.rows), 1) {
			return nil, plan.NeedsStage(st.Plan.Stage + ", of rows that are not found again")
		}
		if n == 0 {
			all.head = out.head
		}
		all.rows = append(all.rows, out.rows...)
		notes, warned = append(notes, asked.out.Notes...), warned+asked.out.Warnings
	}
	o := &st.out
	o.InsertID, o.Generated, o.Affected = sub.out.InsertID, sub.out.Generated, sub.out.Affected
	o.Notes, o.Warnings = notes[:min(len(notes), maxNotes)], warned
	return all, nil
}

// writtenRow is the condition that finds a row by the key that an INSERT has returned.
func writtenRow(t *plan.Returned, cols []value.Column, cells [][]byte) (string, error) {
	var cond []byte
	for i, c := range t.Key {
		if i > 0 {
			cond = append(cond, " AND "...)
		}
		col := &t.Table.Columns[c]
		cond = append(plan.AppendQuoted(cond, col.Name), '=')
		if col.Charset != "" {
			cond = fmt.Appendf(cond, "_%s x'%x'", col.Charset, cells[i])
			continue
		}
		var err error
		if cond, err = value.Compared(cond, &cols[i], cells[i]); err != nil {
			return "", err
		}
	}
	return string(cond), nil
}
