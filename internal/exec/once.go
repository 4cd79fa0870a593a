package exec

import (
	"context"
	"fmt"

	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/value"
)

// once runs an INSERT into a reference table with the values that one leaf gives its expressions, such as UUID(): the rows are the same everywhere then.
func (r *Runner) once(ctx context.Context, st *Statement) error {
	text := []byte("SELECT ")
	args := st.Args[:0:0]
	for i, s := range st.Plan.Once {
		if i > 0 {
			text = append(text, ',')
		}
		text = st.Scan.AppendSpan(text, s)
		args = st.spanArgs(args, s)
	}
	scan, p, err := st.planText(text)
	if err != nil {
		return err
	}
	out := &collected{caps: st.Out.Caps(), status: st.Out.Status(), defs: -1, limit: r.cfg.SortMemory, what: "an INSERT"}
	sub := &Statement{
		Plan: p, Scan: scan, Query: sqltext.Span{To: int32(len(scan.Tokens))}, Snap: st.Snap, Sess: st.Sess, Charset: st.Charset, Tx: st.Tx, Home: st.Home,
		Out: out, Prepared: true, Args: args, prefix: "SET STATEMENT character_set_results=" + asStored + clockEnd,
	}
	if err := r.run(ctx, sub); err != nil {
		return err
	}
	if len(out.rows) != 1 || len(out.columns) != len(st.Plan.Once) || sub.out.Warnings > 0 { // which the INSERT may have as an error
		return plan.NeedsStage("a write to a reference table with a function that differs by call, and warns")
	}
	cols := make([]value.Column, len(out.columns))
	for i := range out.columns {
		cols[i] = value.Of(&out.columns[i], value.Binary)
	}
	cells := make([][]byte, len(cols))
	if err := splitRow(out.rows[0], cols, cells); err != nil {
		return err
	}
	splices := make([]plan.Splice, len(cols))
	for i, s := range st.Plan.Once {
		literal, err := value.Literal(nil, &cols[i], cells[i])
		if err != nil {
			return err
		}
		splices[i] = plan.Splice{From: s.From, To: s.To, Pieces: []plan.Piece{{Kind: plan.PieceText, Text: " " + string(literal) + " "}}}
	}
	if scan, p, err = st.planText(plan.Render(nil, st.Scan, splices, nil, plan.Target{})); err != nil {
		return err
	}
	if len(p.Once) > 0 {
		return plan.NeedsStage("a write to a reference table with a function that differs by call")
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

// planText plans a text that is made of the statement's.
func (st *Statement) planText(text []byte) (*sqltext.Scan, *plan.Plan, error) {
	scan := new(sqltext.Scan)
	if err := scan.Scan(text, st.Sess.Mode); err != nil {
		return nil, nil, fmt.Errorf("with values in the place of expressions: %w", err)
	}
	stmt, err := sqltext.Parse(scan, st.Sess.Mode)
	if err != nil {
		return nil, nil, fmt.Errorf("with values in the place of expressions: %w", err)
	}
	p, err := plan.Build(stmt, scan, st.Snap, st.Sess)
	return scan, p, err
}
