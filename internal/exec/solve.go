package exec

import (
	"context"
	"errors"
	"slices"
	"unicode/utf8"

	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/value"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// solved runs a statement that would be staged with the values of its scalar subqueries in their places. done is false, and nothing was given to the client, when those
// are none that a literal stands for exactly: then the statement says itself what becomes of it.
func (r *Runner) solved(ctx context.Context, st *Statement) (done bool, err error) {
	if len(st.Plan.Scalars) == 0 || !st.Query.Empty() {
		return false, nil
	}
	splices := make([]plan.Splice, 0, len(st.Plan.Scalars))
	for i := range st.Plan.Scalars {
		literal, err := r.scalar(ctx, st, &st.Plan.Scalars[i])
		if own := (*wire.ServerError)(nil); errors.As(err, &own) || err == nil && literal == "" {
			return false, nil
		}
		if err != nil {
			return true, err
		}
		s := st.Plan.Scalars[i].Span
		splices = append(splices, plan.Splice{From: s.From, To: s.To, Pieces: []plan.Piece{{Kind: plan.PieceText, Text: "(" + literal + ")"}}})
	}
	for _, item := range st.Plan.Titles {
		as := plan.AppendQuoted([]byte(" AS "), string(Title(st.Scan.Text(item))))
		splices = append(splices, plan.Splice{From: item.To, To: item.To, Pieces: []plan.Piece{{Kind: plan.PieceText, Text: string(as)}}})
	}
	slices.SortStableFunc(splices, func(a, b plan.Splice) int { return int(a.From - b.From) })
	return true, r.restated(ctx, st, splices)
}

// maxTitle is how many bytes of an expression MariaDB makes the name of its column.
const maxTitle = 255

// Title is the name of the column that an expression of this text makes.
func Title(text []byte) []byte {
	if len(text) <= maxTitle {
		return text
	}
	n := maxTitle
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}

// restated runs the statement that splices make of one, once.
func (r *Runner) restated(ctx context.Context, st *Statement, splices []plan.Splice) error {
	scan, p, err := st.planText(plan.Render(nil, st.Scan, splices, nil, plan.Target{}))
	if err != nil {
		return err
	}
	p.Scalars = nil // those that are left are not to be solved again
	before, text := st.Plan, st.Text
	key, scanned := st.guessKey(), st.Scan
	st.Plan, st.Scan, st.Text, st.solving = p, scan, "", key
	err = r.run(ctx, st)
	st.Plan, st.Scan, st.Text, st.solving = before, scanned, text, ""
	return err
}

// scalar is the value of a subquery as SQL; "" when it is of a type whose literals are compared in other ways, or there were warnings, which belong to the statement.
func (r *Runner) scalar(ctx context.Context, st *Statement, sc *plan.Scalar) (string, error) {
	out := &collected{caps: st.Out.Caps(), status: st.Out.Status(), defs: -1, limit: r.cfg.SortMemory, what: "a subquery"}
	sub := &Statement{
		Plan: sc.Plan, Scan: st.Scan, Query: sc.Query, Snap: st.Snap, Sess: st.Sess, Charset: st.Charset, Tx: st.Tx, Home: st.Home, OneShard: st.OneShard,
		Out: out, Prepared: true, Locked: st.Locked,
	}
	if err := r.run(ctx, sub); err != nil {
		return "", err
	}
	if len(out.columns) != 1 || len(out.rows) != 1 || sub.out.Warnings > 0 {
		return "", nil
	}
	col := value.Of(&out.columns[0], value.Binary)
	switch col.Class {
	case value.Int, value.Decimal, value.Date:
	default:
		return "", nil
	}
	cells := make([][]byte, 1)
	if err := splitRow(out.rows[0], []value.Column{col}, cells); err != nil {
		return "", err
	}
	if col.OddDate(cells[0]) {
		return "", nil
	}
	literal, err := value.Literal(nil, &col, cells[0])
	return string(literal), err
}
