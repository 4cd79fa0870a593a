package exec

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/shard"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// ask has a leaf evaluate something for the statement, as the client and with the session's settings, but outside of its transaction.
func (r *Runner) ask(ctx context.Context, st *Statement, db string, sql []byte) (*backend.Result, error) {
	w := st.Tx.Want(txn.Place{Leaf: st.Home, Schema: db})
	w.Variant = backend.Internal
	c, err := r.cfg.Pools.Get(ctx, w)
	if err != nil {
		return nil, err
	}
	defer c.Release()
	return c.Query(ctx, string(sql))
}

// learn asks a leaf for the weights of strings that only MariaDB can weigh.
func (r *Runner) learn(ctx context.Context, st *Statement, questions []shard.Question) error {
	if len(questions) == 0 {
		return errorf(wire.ErUnknown, "the collation of a shard key can't be weighed")
	}
	sql := []byte("SELECT ")
	for i, q := range questions {
		if i > 0 {
			sql = append(sql, ',')
		}
		sql = shard.WeightSQL(sql, q)
	}
	res, err := r.ask(ctx, st, "", sql)
	if err != nil {
		return err
	}
	if len(res.Rows) != 1 || len(res.Rows[0]) != len(questions) {
		return errorf(wire.ErUnknown, "leaf %s gave no weights for %d strings", st.Home, len(questions))
	}
	for i, q := range questions {
		r.weights.Learn(q.Collation, q.S, res.Rows[0][i])
	}
	return nil
}

// compare is f.Compare, with a leaf's help where a collation asks for it.
func (r *Runner) compare(ctx context.Context, st *Statement, f *shard.Func) (int, error) {
	o, err := f.Compare(st.vals)
	if !errors.Is(err, shard.ErrAskLeaf) {
		return o, err
	}
	if err := r.learn(ctx, st, f.Ask(st.vals, false)); err != nil {
		return 0, err
	}
	return f.Compare(st.vals)
}

// askOrdinal has a leaf say which values a row's key columns will store. Expressions are replaced by what they gave, so that the row that
// is inserted is the row that was asked about.
func (r *Runner) askOrdinal(ctx context.Context, st *Statement, f *shard.Func, key plan.KeyTuple, row *rowPlace, auto int) (int, error) {
	t := st.Plan.Insert.Table
	types := make([]string, len(key))
	exprs := make([]string, len(key))
	for k := range key {
		col := &t.Columns[t.ShardKey[k]]
		types[k] = shard.DeclaredType(col.FullType, col.Charset, col.Collation)
		if k == auto && row.given {
			exprs[k] = strconv.FormatUint(row.auto, 10)
			continue
		}
		e, err := st.expression(&key[k], col)
		if err != nil {
			return 0, err
		}
		exprs[k] = e
	}
	res, err := r.ask(ctx, st, t.DB, f.StoreSQL(nil, types, [][]string{exprs}))
	if err != nil {
		return 0, err
	}
	if len(res.Rows) != 1 {
		return 0, errorf(wire.ErUnknown, "leaf %s did not evaluate the shard key of a row", st.Home)
	}
	o, err := f.Answer(res.Rows[0])
	if err != nil {
		return 0, errorf(wire.ErNotSupported, "This version of Orbweaver doesn't yet support this value for the shard key of '%s.%s'", t.DB, t.Name)
	}
	at := 0
	for k := range key {
		col := &t.Columns[t.ShardKey[k]]
		text := res.Rows[0][at]
		at++
		if isText(col) {
			at++
		}
		if key[k].Kind == plan.OperandExpr {
			row.splices = append(row.splices, plan.Splice{From: key[k].Expr.From, To: key[k].Expr.To, Pieces: []plan.Piece{{Text: storedLiteral(text, col)}}})
		}
	}
	slices.SortFunc(row.splices, func(a, b plan.Splice) int { return int(a.From - b.From) })
	return o, nil
}

// isText says whether the answer of StoreSQL has a weight behind the column's value.
func isText(c *topo.Column) bool { return c.Charset != "" && c.Collation != "binary" }

// storedLiteral is a stored value as SQL that stores it again.
func storedLiteral(text []byte, c *topo.Column) string {
	if text == nil {
		return "NULL"
	}
	prefix := "_utf8mb4 "
	if c.Charset == "" && (c.Type == "binary" || c.Type == "varbinary" || c.Type == "bit") {
		prefix = ""
	}
	return prefix + "x'" + hex.EncodeToString(text) + "'"
}

// expression is an operand as SQL text.
func (st *Statement) expression(o *plan.Operand, col *topo.Column) (string, error) {
	switch o.Kind {
	case plan.OperandNull:
		return "NULL", nil
	case plan.OperandNone, plan.OperandDefault:
		if col.Default == "" {
			if col.Nullable {
				return "NULL", nil
			}
			return "", &Error{Code: 1364, State: "HY000", Message: "Field '" + col.Name + "' doesn't have a default value"}
		}
		return col.Default, nil
	case plan.OperandLiteral:
		t := st.Scan.Tokens[o.Tok]
		text := string(st.Scan.Src[t.Start:t.End])
		if o.Neg {
			text = "-" + text
		}
		return text, nil
	case plan.OperandParam:
		return st.argument(o.Param, o.Neg)
	}
	if st.Prepared && slices.ContainsFunc(st.Scan.Tokens[o.Expr.From:o.Expr.To], func(t sqltext.Token) bool { return t.Kind == sqltext.Param }) {
		return st.spliceArguments(o.Expr)
	}
	return string(plan.RenderSpan(nil, st.Scan, o.Expr, nil, nil, "", 0)), nil
}

// spliceArguments is a span's text with its parameters as literals.
func (st *Statement) spliceArguments(s sqltext.Span) (string, error) {
	n := st.paramsBefore(s.From)
	var splices []plan.Splice
	for i := s.From; i < s.To; i++ {
		if st.Scan.Tokens[i].Kind != sqltext.Param {
			continue
		}
		text, err := st.argument(n, false)
		if err != nil {
			return "", err
		}
		splices = append(splices, plan.Splice{From: i, To: i + 1, Pieces: []plan.Piece{{Text: text}}})
		n++
	}
	return string(plan.RenderSpan(nil, st.Scan, s, splices, nil, "", 0)), nil
}

// argument is a parameter's value as a literal.
func (st *Statement) argument(n int, neg bool) (string, error) {
	a := &st.Args[n]
	minus := ""
	if neg {
		minus = "-"
	}
	switch {
	case a.Null || a.Type == wire.TypeNull:
		return "NULL", nil
	case a.Type.IsInteger() && a.Unsigned:
		return minus + strconv.FormatUint(a.Int, 10), nil
	case a.Type.IsInteger():
		return minus + "(" + strconv.FormatInt(int64(a.Int), 10) + ")", nil
	case a.Type == wire.TypeDouble, a.Type == wire.TypeFloat:
		return minus + "(" + strconv.FormatFloat(a.Float, 'e', -1, 64) + ")", nil
	case a.Type == wire.TypeNewDecimal, a.Type == wire.TypeDecimal:
		return minus + "(" + string(a.Bytes) + ")", nil
	case a.Type.IsTemporal():
		return fmt.Sprintf("'%s'", a.Time.AppendText(nil, a.Type, 6)), nil
	case a.Type == wire.TypeTinyBlob, a.Type == wire.TypeBlob, a.Type == wire.TypeMediumBlob, a.Type == wire.TypeLongBlob:
		return minus + "x'" + hex.EncodeToString(a.Bytes) + "'", nil
	}
	charset := st.Charset
	if charset == "" {
		return "", errorf(wire.ErNotSupported, "This version of Orbweaver doesn't yet support string parameters in an expression for a shard key when character_set_client differs from character_set_connection")
	}
	return minus + "_" + charset + " x'" + hex.EncodeToString(a.Bytes) + "'", nil
}

// askInt has a leaf say which integer an AUTO_INCREMENT column would store. ok is false for NULL.
func (r *Runner) askInt(ctx context.Context, st *Statement, o *plan.Operand) (v int64, u uint64, ok bool, err error) {
	t := st.Plan.Insert.Table
	col := t.Columns[t.AutoIncrement]
	e, err := st.expression(o, &col)
	if err != nil {
		return 0, 0, false, err
	}
	f, err := shard.New([]topo.Column{col}, 1)
	if err != nil {
		return 0, 0, false, err
	}
	res, err := r.ask(ctx, st, t.DB, f.StoreSQL(nil, []string{shard.DeclaredType(col.FullType, "", "")}, [][]string{{e}}))
	if err != nil {
		return 0, 0, false, err
	}
	if len(res.Rows) != 1 || len(res.Rows[0]) != 1 {
		return 0, 0, false, errorf(wire.ErUnknown, "leaf %s did not evaluate a value of '%s'", st.Home, col.Name)
	}
	text := res.Rows[0][0]
	if text == nil {
		return 0, 0, false, nil
	}
	if v, err = strconv.ParseInt(string(text), 10, 64); err == nil {
		return v, uint64(max(v, 0)), true, nil
	}
	if u, err = strconv.ParseUint(string(text), 10, 64); err == nil {
		return 1, u, true, nil
	}
	return 0, 0, false, errorf(wire.ErNotSupported, "This version of Orbweaver doesn't yet support the value %s for the AUTO_INCREMENT column '%s'", text, col.Name)
}
