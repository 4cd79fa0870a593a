package exec

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/value"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// once runs an INSERT with the values that a query gives its expressions: such as UUID() for a reference table, whose rows are the same everywhere then, or subqueries over partitions.
func (r *Runner) once(ctx context.Context, st *Statement) error {
	if !st.hasOwnTime() && st.Moment == "" && st.Plan.Clocked {
		st.Moment = Clock()
		defer func() { st.Moment = "" }()
	}
	text := []byte("SELECT ")
	args := st.Args[:0:0]
	for i := range st.Plan.Once {
		if i > 0 {
			text = append(text, ',')
		}
		text = st.Plan.Once[i].Append(text, st.Scan)
		args = st.spanArgs(args, st.Plan.Once[i].Span)
	}
	scan, p, err := st.planFirst(text)
	if err != nil {
		return unplaced(err)
	}
	out := &collected{caps: st.Out.Caps(), status: st.Out.Status(), defs: -1, limit: r.cfg.SortMemory, what: "an INSERT"}
	sub := &Statement{
		Plan: p, Scan: scan, Query: sqltext.Span{To: int32(len(scan.Tokens))}, Snap: st.Snap, Sess: st.Sess, Charset: st.Charset, Tx: st.Tx, Home: st.Home,
		OneShard: st.OneShard, Permit: st.Permit, Readers: st.Readers, Links: st.Links, StageLimit: st.StageLimit, Bring: st.Bring, Locked: st.Locked, Moment: st.Moment,
		Out: out, Prepared: true, Args: args, After: st.Asked, prefix: "SET STATEMENT character_set_results=" + asStored,
	}
	if st.Moment != "" {
		sub.prefix += "," + st.Moment
	}
	sub.prefix += clockEnd
	err = r.run(ctx, sub)
	if st.out.Staged = sub.out.Staged; err != nil {
		return unplaced(err)
	}
	if len(out.rows) != 1 || len(out.columns) != len(st.Plan.Once) || sub.out.Warnings > 0 { // which the INSERT may have as an error
		return plan.NeedsStage("values of an INSERT that are found out first, and warn")
	}
	splices, err := literalsFor(st.Plan.Once, out)
	if err != nil {
		return err
	}
	if scan, p, err = st.planText(plan.Render(nil, st.Scan, splices, nil, plan.Target{})); err != nil {
		return err
	}
	if len(p.Once) > 0 {
		return plan.NeedsStage("values of an INSERT that differ whenever they are asked for")
	}
	before, scanned, named, given := st.Plan, st.Scan, st.Text, st.Args
	if st.Prepared {
		st.Args = st.pick(plan.ParamOrder(st.Scan, splices, nil))
	}
	st.Plan, st.Scan, st.Text = p, scan, ""
	err = r.run(ctx, st)
	st.Plan, st.Scan, st.Text, st.Args = before, scanned, named, given
	return err
}

// literalsFor puts the values of the row that a query gave in the places of the expressions that it asked for.
func literalsFor(asked []plan.First, out *collected) ([]plan.Splice, error) {
	cols := make([]value.Column, len(out.columns))
	for i := range out.columns {
		cols[i] = value.Of(&out.columns[i], value.Binary)
	}
	cells := make([][]byte, len(cols))
	if err := splitRow(out.rows[0], cols, cells); err != nil {
		return nil, err
	}
	splices := make([]plan.Splice, len(cols))
	for i := range asked {
		s := &asked[i]
		if s.Divided {
			cells[i] = value.Divided(cells[i])
		}
		literal, err := value.Literal(nil, &cols[i], cells[i])
		if err != nil { // a user variable that has got another type
			return nil, plan.NeedsStage("values of an INSERT that are of another type than what was in their variables")
		}
		text := string(literal)
		if strings.HasPrefix(text, "x'") { // which would take a collation from what is beside it
			text = "CAST(" + text + " AS BINARY)"
		}
		splices[i] = plan.Splice{From: s.From, To: s.To, Pieces: []plan.Piece{{Kind: plan.PieceText, Text: " " + text + " "}}}
	}
	return splices, nil
}

// unplaced is the error of an expression outside of its statement: a column that is not there may be the row's.
func unplaced(err error) error {
	const badField = 1054
	var of *plan.Error
	var own *wire.ServerError
	if errors.As(err, &of) && of.Code == badField || errors.As(err, &own) && own.Code == badField {
		return plan.NeedsStage("a subquery in an INSERT that reads columns of the row")
	}
	return err
}

// planFirst plans a query for values of the statement's: in a transaction it sees what others have committed since the first read, as a write does.
func (st *Statement) planFirst(text []byte) (*sqltext.Scan, *plan.Plan, error) {
	if !st.Tx.InTransaction() && st.Tx.Autocommit() {
		return st.planText(text)
	}
	scan, stmt, err := st.parseText(text)
	if err != nil {
		return nil, nil, err
	}
	p, err := plan.BuildKeys(stmt, scan, st.Snap, st.Sess, &plan.ByKey{})
	return scan, p, err
}

// planText plans a text that is made of the statement's.
func (st *Statement) planText(text []byte) (*sqltext.Scan, *plan.Plan, error) {
	scan, stmt, err := st.parseText(text)
	if err != nil {
		return nil, nil, err
	}
	p, err := plan.Build(stmt, scan, st.Snap, st.Sess)
	return scan, p, err
}

func (st *Statement) parseText(text []byte) (*sqltext.Scan, *sqltext.Stmt, error) {
	scan := new(sqltext.Scan)
	if err := scan.Scan(text, st.Sess.Mode); err != nil {
		return nil, nil, fmt.Errorf("with values in the place of expressions: %w", err)
	}
	stmt, err := sqltext.Parse(scan, st.Sess.Mode)
	if err != nil {
		return nil, nil, fmt.Errorf("with values in the place of expressions: %w", err)
	}
	return scan, stmt, nil
}
