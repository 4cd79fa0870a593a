package exec

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/partition"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/shard"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/value"
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

// askStored is ask for what a column will store. As the session has it that is an error where MariaDB's is; a statement that warns of it (IGNORE) stores the nearest
// value.
func (r *Runner) askStored(ctx context.Context, st *Statement, db string, sql []byte, how asking) (*backend.Result, error) {
	w := st.Tx.Want(txn.Place{Leaf: st.Home, Schema: db})
	w.Variant = backend.Internal
	return r.askWanted(ctx, w, sql, how)
}

// asking says which values a leaf that is asked what would be stored takes: those that the session's sql_mode does, or strict as it may be, as one that only warns; or those of a row that is there
// already, whose dates another sql_mode may have let in.
type asking uint8

const (
	asSession asking = iota
	asWarned
	asKept
)

// ignoring is for statements with IGNORE.
func ignoring(ignores bool) asking {
	if ignores {
		return asWarned
	}
	return asSession
}

// askWanted is askStored on such a connection.
func (r *Runner) askWanted(ctx context.Context, w backend.Want, sql []byte, how asking) (*backend.Result, error) {
	c, err := r.cfg.Pools.Get(ctx, w)
	if err != nil {
		return nil, err
	}
	defer c.Release()
	if how == asSession {
		return c.Query(ctx, string(sql))
	}
	c.ResetOnRelease()
	// TRADITIONAL stands for both, and for others that are named beside it.
	mode := "REPLACE(REPLACE(REPLACE(@@sql_mode,'STRICT_TRANS_TABLES',''),'STRICT_ALL_TABLES',''),'TRADITIONAL','')"
	if how == asKept {
		mode = "CONCAT('ALLOW_INVALID_DATES,',REPLACE(REPLACE(" + mode + ",'NO_ZERO_IN_DATE',''),'NO_ZERO_DATE',''))"
	}
	if _, err := c.Query(ctx, "SET sql_mode="+mode); err != nil {
		return nil, err
	}
	return c.Query(ctx, string(sql))
}

// block is how the session's sql_mode has a block written with variables like a table's columns.
func (st *Statement) block(t *topo.Table) shard.Block {
	return shard.Block{Oracle: st.Sess.Mode.Oracle, Table: string(plan.AppendQuoted(append(plan.AppendQuoted(nil, t.DB), '.'), t.Name))}
}

// storedKey is what the columns will have that decide a row's place.
type storedKey struct {
	values [][]byte
	null   []bool // NULL was given to a NOT NULL column: its value is what NULL becomes, unless MariaDB refuses the row
}

// storedPlace is the place of the row whose key columns are given these expressions, and what they will have.
func (r *Runner) storedPlace(ctx context.Context, st *Statement, t *topo.Table, f chooser, exprs []string, how asking, row int) (int, storedKey, error) {
	if p, ok := f.(*partition.Func); ok {
		return r.storedRow(ctx, st, t, p, exprs, how, row)
	}
	block, types := st.block(t), make([]string, len(exprs))
	for k, c := range t.ShardKey {
		col := &t.Columns[c]
		types[k] = block.Type(col.Name, col.FullType, col.Charset, col.Collation)
	}
	return r.shardPlace(ctx, st, t, f.(*shard.Func), types, exprs, how, row)
}

// shardPlace is storedPlace for sharded tables.
func (r *Runner) shardPlace(ctx context.Context, st *Statement, t *topo.Table, f *shard.Func, types, exprs []string, how asking, row int) (int, storedKey, error) {
	res, err := r.askStored(ctx, st, t.DB, f.StoreSQL(nil, st.block(t), types, [][]string{exprs}), how)
	if err != nil {
		return 0, storedKey{}, storeError(err, t, t.ShardKey, row)
	}
	if len(res.Rows) != 1 {
		return 0, storedKey{}, errorf(wire.ErUnknown, "leaf %s did not evaluate the shard key of a row", st.Home)
	}
	key := storedKey{make([][]byte, len(t.ShardKey)), make([]bool, len(t.ShardKey))}
	missing := false
	at := 0
	for k, c := range t.ShardKey {
		col := &t.Columns[c]
		// NULL for a NOT NULL column: MariaDB refuses the row or stores the type's default, depending on the mode.
		if res.Rows[0][at] == nil && !col.Nullable {
			key.null[k] = true
			if isText(col) {
				missing, exprs[k] = true, stringLiteral(nil)
				if col.Type == "enum" {
					exprs[k] = "1"
				}
			} else {
				res.Rows[0][at] = implicitDefault(col)
			}
		}
		key.values[k] = res.Rows[0][at]
		if at++; isText(col) {
			at++
		}
	}
	if missing {
		o, again, err := r.shardPlace(ctx, st, t, f, types, exprs, how, row)
		again.null = key.null
		return o, again, err
	}
	o, err := f.Answer(res.Rows[0])
	if err != nil {
		return 0, storedKey{}, errorf(wire.ErNotSupported, "This version of Orbweaver doesn't yet support this value for the shard key of '%s.%s'", t.DB, t.Name)
	}
	return o, key, nil
}

// insertIgnores says whether the statement is INSERT IGNORE.
func (st *Statement) insertIgnores() bool {
	return st.headHas("IGNORE", st.Plan.Insert.Head)
}

func (st *Statement) headHas(keyword string, head sqltext.Span) bool {
	return slices.ContainsFunc(st.Scan.Tokens[head.From:head.To], func(t sqltext.Token) bool { return word(st.Scan, t, keyword) })
}

// storeError is the error of a row whose key can't be stored, with the names that the table has in place of those of StoreSQL.
func storeError(err error, t *topo.Table, columns []int, row int) error {
	var e *wire.ServerError
	if !errors.As(err, &e) {
		return err
	}
	m := e.Message
	for k, c := range columns {
		name := t.Columns[c].Name
		m = strings.ReplaceAll(m, fmt.Sprintf("``.``.`v0_%d`", k), fmt.Sprintf("`%s`.`%s`.`%s`", t.DB, t.Name, name))
		m = strings.ReplaceAll(m, fmt.Sprintf("'v0_%d'", k), "'"+name+"'")
	}
	if head, ok := strings.CutSuffix(m, " at row 0"); ok {
		m = head + " at row " + strconv.Itoa(row+1)
	}
	return &wire.ServerError{Code: e.Code, State: e.State, Message: m}
}

// constant says whether a default is the same for every row: a literal.
func constant(def string) bool {
	return def == "" || strings.EqualFold(def, "NULL") || strings.IndexByte("'0123456789-", def[0]) >= 0
}

// stringDefault is a column's default that is a string.
func stringDefault(col *topo.Column) (text []byte, ok bool) {
	var scan sqltext.Scan
	if scan.Scan([]byte(col.Default), sqltext.Mode{}) != nil || len(scan.Tokens) != 1 || scan.Tokens[0].Kind != sqltext.String {
		return nil, false
	}
	return sqltext.Unquote(nil, scan.Tokens[0], scan.Src, sqltext.Mode{}), true
}

// stringLiteral is a string as SQL that means it under any sql_mode: EMPTY_STRING_IS_NULL and NO_BACKSLASH_ESCAPES, too.
func stringLiteral(text []byte) string {
	if len(text) == 0 {
		return "LEFT(' ',0)"
	}
	return "_utf8mb4 x'" + hex.EncodeToString(text) + "'"
}

// implicitDefault is what a NOT NULL column has when it is given nothing and the mode is not strict, for the types without a collation.
func implicitDefault(c *topo.Column) []byte {
	switch c.Type {
	case "date":
		return []byte("0000-00-00")
	case "datetime":
		return []byte("0000-00-00 00:00:00")
	case "time":
		return []byte("00:00:00")
	case "timestamp":
		return []byte("0000-00-00 00:00:00")
	case "year":
		return []byte("0000")
	case "binary", "varbinary":
		return []byte{}
	case "bit":
		return []byte{0}
	case "uuid":
		return []byte("00000000-0000-0000-0000-000000000000")
	case "inet4":
		return []byte("0.0.0.0")
	case "inet6":
		return []byte("::")
	}
	return []byte("0")
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
func (r *Runner) askOrdinal(ctx context.Context, st *Statement, to *insertPlaces, i int, row *rowPlace, auto int) (int, error) {
	t, key := st.Plan.Insert.Table, st.Plan.Insert.Keys[i]
	exprs, err := st.keyExpressions(i, row, auto)
	if err != nil {
		return 0, err
	}
	o, stored, err := r.storedPlace(ctx, st, t, to.f, exprs, ignoring(st.insertIgnores()), i)
	if err != nil {
		return 0, err
	}
	for k := range key {
		col := &t.Columns[t.ShardKey[k]]
		text := stored.values[k]
		if stored.null[k] {
			text = nil
		}
		if key[k].Kind == plan.OperandExpr && st.varies(key[k].Expr) || key[k].Kind == plan.OperandDefault && !key[k].Expr.Empty() && !constant(col.Default) {
			row.splices = append(row.splices, plan.Splice{From: key[k].Expr.From, To: key[k].Expr.To, Pieces: []plan.Piece{{Text: storedLiteral(text, col)}}})
		}
	}
	slices.SortFunc(row.splices, func(a, b plan.Splice) int { return int(a.From - b.From) })
	return o, nil
}

// keyExpressions are a row's key as SQL.
func (st *Statement) keyExpressions(i int, row *rowPlace, auto int) ([]string, error) {
	t, key := st.Plan.Insert.Table, st.Plan.Insert.Keys[i]
	exprs := make([]string, len(key))
	for k := range key {
		if k == auto && row.given {
			exprs[k] = strconv.FormatUint(row.auto, 10)
			continue
		}
		e, err := st.expression(&key[k], &t.Columns[t.ShardKey[k]])
		if err != nil {
			return nil, err
		}
		exprs[k] = e
	}
	return exprs, nil
}

// isText says whether the answer of StoreSQL has a weight behind the column's value.
func isText(c *topo.Column) bool { return c.Charset != "" && c.Collation != "binary" }

// varies says whether an expression may have another value when it is evaluated again. One that does not stays as it is: MariaDB then warns of what
// is cut off.
func (st *Statement) varies(e sqltext.Span) bool {
	return st.Plan.Facts != 0 || slices.ContainsFunc(st.Scan.Tokens[e.From:e.To], func(t sqltext.Token) bool {
		return t.Kind == sqltext.UserVar || t.Kind == sqltext.SysVar || word(st.Scan, t, "SELECT")
	})
}

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
			return "NULL", nil // and for a NOT NULL column an error, or what NULL becomes
		}
		if o.Expr.Empty() && !constant(col.Default) {
			return "", errorf(wire.ErNotSupported, "This version of Orbweaver doesn't yet support an INSERT that leaves the shard key column '%s' to its default %s", col.Name, col.Default)
		}
		if text, ok := stringDefault(col); ok {
			return stringLiteral(text), nil
		}
		if st.Sess.Mode.Oracle {
			text, ok := sqltext.InOracle(col.Default)
			if !ok {
				return "", errorf(wire.ErNotSupported, "This version of Orbweaver doesn't yet support an INSERT that leaves the shard key column '%s' to its default %s under sql_mode=ORACLE", col.Name, col.Default)
			}
			return text, nil
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
	return string(plan.RenderSpan(nil, st.Scan, o.Expr, st.namesIn(o.Expr), nil, plan.Target{})), nil
}

// namesIn are the splices that make a span mean the same where the default database is a partition's: a value names no table but reference tables.
func (st *Statement) namesIn(s sqltext.Span) []plan.Splice {
	var out []plan.Splice
	for _, x := range st.Plan.Forward {
		if x.From >= s.From && x.To <= s.To {
			out = append(out, x)
		}
	}
	return out
}

// spliceArguments is a span's text with its parameters as literals.
func (st *Statement) spliceArguments(s sqltext.Span) (string, error) {
	n := st.paramsBefore(s.From)
	splices := st.namesIn(s)
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
	slices.SortFunc(splices, func(a, b plan.Splice) int { return int(a.From - b.From) })
	return string(plan.RenderSpan(nil, st.Scan, s, splices, nil, plan.Target{})), nil
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
	case (a.Type == wire.TypeNewDecimal || a.Type == wire.TypeDecimal) && value.IsDecimal(a.Bytes):
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
func (r *Runner) askInt(ctx context.Context, st *Statement, o *plan.Operand, i int) (v int64, u uint64, ok bool, err error) {
	t := st.Plan.Insert.Table
	col := t.Columns[t.AutoIncrement]
	e, err := st.expression(o, &col)
	if err != nil {
		return 0, 0, false, err
	}
	return r.storedInt(ctx, st, t, e, st.insertIgnores(), i)
}

// storedInt is askInt for an expression.
func (r *Runner) storedInt(ctx context.Context, st *Statement, t *topo.Table, e string, lenient bool, i int) (v int64, u uint64, ok bool, err error) {
	col := t.Columns[t.AutoIncrement]
	f, err := shard.New([]topo.Column{col}, 1)
	if err != nil {
		return 0, 0, false, err
	}
	res, err := r.askStored(ctx, st, t.DB, f.StoreSQL(nil, st.block(t), []string{col.FullType}, [][]string{{e}}), ignoring(lenient))
	if err != nil {
		return 0, 0, false, storeError(err, t, []int{t.AutoIncrement}, i)
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
