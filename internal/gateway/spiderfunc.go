package gateway

import (
	"context"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/orbweaver/orbweaver/internal/spider"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// Spider's functions, as statements call them.
const (
	directSQL     = "spider_direct_sql"
	bgDirectSQL   = "spider_bg_direct_sql"
	pingTable     = "spider_ping_table"
	copyTables    = "spider_copy_tables"
	flushMonCache = "spider_flush_table_mon_cache"
)

// spiderCall is a call of one of Spider's functions in a statement.
type spiderCall struct {
	name string
	span sqltext.Span
	f    *sqltext.Func // nil when the call is not an item by itself
}

// spiderCalls finds the calls of Spider's functions: leaves do not have them.
func spiderCalls(scan *sqltext.Scan, stmt *sqltext.Stmt) []spiderCall {
	if stmt.Facts&sqltext.HasStoredCall == 0 || stmt.Kind == sqltext.KindDDL || stmt.Kind == sqltext.KindAccount {
		return nil
	}
	var calls []spiderCall
	for i := range int32(len(scan.Tokens)) {
		if scan.Tokens[i].Kind != sqltext.Word || !isOp(scan, i+1, "(") || i > 0 && isOp(scan, i-1, ".") {
			continue
		}
		switch name := strings.ToLower(string(scan.Bytes(i))); name {
		case directSQL, bgDirectSQL, pingTable, copyTables, flushMonCache:
			calls = append(calls, spiderCall{name: name, span: sqltext.Span{From: i, To: closing(scan, i+1) + 1}})
		}
	}
	return calls
}

// closing is the token that closes the bracket at a token.
func closing(scan *sqltext.Scan, open int32) int32 {
	depth := 0
	for i := open; int(i) < len(scan.Tokens); i++ {
		switch {
		case isOp(scan, i, "("):
			depth++
		case isOp(scan, i, ")"):
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return int32(len(scan.Tokens)) - 1
}

// meet finds which of the calls are what an expression is, and nothing more.
func meet(calls []spiderCall, e sqltext.Expr) *spiderCall {
	f, ok := e.(*sqltext.Func)
	if !ok || f.Distinct || f.Star || f.Odd {
		return nil
	}
	for i := range calls {
		if calls[i].span == f.Span {
			calls[i].f = f
			return &calls[i]
		}
	}
	return nil
}

var errCallForm = unsupported("spider_… functions", "elsewhere than as items of SELECT by themselves, in DO, or as what SET gives a user variable")

// spiderFunctions serves a statement that calls Spider's functions. handled is false when it calls none.
func (s *session) spiderFunctions(ctx context.Context, scan *sqltext.Scan, stmt *sqltext.Stmt, src source) (handled bool, err error) {
	calls := spiderCalls(scan, stmt)
	if len(calls) == 0 {
		return false, nil
	}
	s.warnings = s.warnings[:0]
	for i := range calls {
		if calls[i].name == directSQL || calls[i].name == bgDirectSQL {
			if err := s.mayManageServers(ctx); err != nil {
				return true, err
			}
			break
		}
	}
	switch {
	case !stmt.SetStatement.Empty():
		return true, unsupported("SET STATEMENT … FOR", "spider_… functions")
	case stmt.Kind == sqltext.KindSelect:
		return true, s.selectCalls(ctx, scan, stmt, calls, src)
	case stmt.Kind == sqltext.KindDo:
		return true, s.doCalls(ctx, scan, src)
	case stmt.Kind == sqltext.KindSet && stmt.Set != nil:
		for i := range stmt.Set.Vars {
			meet(calls, stmt.Set.Vars[i].Value)
		}
		return true, s.withCalls(ctx, scan, calls, nil, src)
	}
	return true, errCallForm
}

// doCalls is DO: a SELECT whose answer nobody sees.
func (s *session) doCalls(ctx context.Context, scan *sqltext.Scan, src source) error {
	text := apply(scan, []edit{{0, 1, "SELECT"}})
	out := capture{caps: s.out.Caps()}
	inner, stmt, err := s.parsed(text)
	if err != nil {
		return err
	}
	if _, err := s.spiderFunctions(ctx, inner, stmt, source{out: &out, args: src.args, depth: src.depth + 1}); err != nil {
		return err
	}
	return s.done(src, nil)
}

// selectCalls is a SELECT with calls.
func (s *session) selectCalls(ctx context.Context, scan *sqltext.Scan, stmt *sqltext.Stmt, calls []spiderCall, src source) error {
	q := stmt.Query
	if q == nil || q.Select == nil || q.With != nil {
		return errCallForm
	}
	sel := q.Select
	if sel.Distinct || len(sel.Group) > 0 || sel.Having != nil || !sel.Windows.Empty() {
		return errCallForm
	}
	for i := range sel.Items {
		meet(calls, sel.Items[i].Expr)
	}
	into := stmt.Facts&sqltext.HasInto != 0
	if len(stmt.Tables) > 0 || len(sel.From) > 0 && !isDual(scan, sel.FromSpan) {
		if into {
			return errCallForm
		}
		return s.callRows(ctx, scan, sel, calls, src)
	}
	if sel.Where != nil || sel.Limit != nil {
		return errCallForm // it might be no call at all
	}
	if len(calls) == len(sel.Items) && !into && sel.Tail.Empty() && len(sel.Order) == 0 {
		return s.callRows(ctx, scan, sel, calls, src)
	}
	return s.withCalls(ctx, scan, calls, sel.Items, src)
}

// withCalls makes the calls, and has the rest of the statement run.
func (s *session) withCalls(ctx context.Context, scan *sqltext.Scan, calls []spiderCall, items []sqltext.SelectItem, src source) error {
	edits, err := s.callEdits(ctx, scan, calls, items, src)
	if err != nil {
		return err
	}
	src.args = nil
	warnings := s.warnings
	s.warnings = nil
	err = s.rewritten(ctx, apply(scan, edits), src)
	s.warnings = append(warnings, s.warnings...)
	return err
}

func isDual(scan *sqltext.Scan, from sqltext.Span) bool {
	return from.To == from.From+2 && isWord(scan, from.From+1, "DUAL")
}

// callEdits makes the calls, from left to right, and puts what they return in their places, and parameters' values in the other parameters'.
func (s *session) callEdits(ctx context.Context, scan *sqltext.Scan, calls []spiderCall, items []sqltext.SelectItem, src source) ([]edit, error) {
	for i := range calls {
		if calls[i].f == nil {
			return nil, errCallForm
		}
	}
	// All arguments first: what is wrong with one is told before anything is done.
	all := make([][]argument, len(calls))
	for i := range calls {
		for _, e := range calls[i].f.Args {
			a, err := s.argument(ctx, scan, e, src)
			if err != nil {
				return nil, err
			}
			all[i] = append(all[i], a)
		}
	}
	var edits []edit
	for i := range calls {
		n, err := s.call(ctx, calls[i].name, all[i])
		if err != nil {
			return nil, err
		}
		edits = append(edits, edit{calls[i].span.From, calls[i].span.To, "CAST('" + wide(strconv.FormatInt(n, 10)) + "' AS SIGNED)"})
		edits = append(edits, named(scan, items, calls[i].span)...)
	}
	n := 0
	for i, t := range scan.Tokens {
		if t.Kind != sqltext.Param {
			continue
		}
		if n++; inCall(calls, int32(i)) {
			continue
		}
		if n > len(src.args) {
			return nil, wire.Errorf(wire.ErWrongArguments, "Incorrect arguments to EXECUTE")
		}
		edits = append(edits, edit{int32(i), int32(i) + 1, paramLiteral(&src.args[n-1], s.charset.connection)})
	}
	return inOrder(edits), nil
}

// inCall says whether a token belongs to a call.
func inCall(calls []spiderCall, tok int32) bool {
	for i := range calls {
		if calls[i].span.From <= tok && tok < calls[i].span.To {
			return true
		}
	}
	return false
}

// named keeps a column's name where a call is replaced.
func named(scan *sqltext.Scan, items []sqltext.SelectItem, span sqltext.Span) []edit {
	item := itemAt(items, span.From)
	if item == nil || item.Alias.Tok >= 0 {
		return nil
	}
	return []edit{{item.Span.To, item.Span.To, " AS " + quoteName(callName(scan, span))}}
}

// callNameBytes bounds the name of a column, which MariaDB cuts off, too.
const callNameBytes = 200

// callName is how the column with a call's result is called: by its text, with strings masked that may hold passwords. A leaf is told.
func callName(scan *sqltext.Scan, span sqltext.Span) string {
	var b strings.Builder
	at := scan.Tokens[span.From].Start
	for i := span.From; i < span.To; i++ {
		t := scan.Tokens[i]
		if t.Kind != sqltext.String || !secretString(scan.Bytes(i)) {
			continue
		}
		b.Write(scan.Src[at:t.Start])
		b.WriteString("'" + masked + "'")
		at = t.End
	}
	b.Write(scan.Src[at:scan.Tokens[span.To-1].End])
	name := strings.Map(func(r rune) rune {
		if r < ' ' || r == utf8.RuneError {
			return ' '
		}
		return r
	}, b.String())
	if n := callNameBytes; len(name) > n {
		for n > 0 && !utf8.RuneStart(name[n]) {
			n--
		}
		name = name[:n]
	}
	return strings.TrimRight(name, " ")
}

// secretString says whether a string may hold a password.
func secretString(text []byte) bool {
	lower := strings.ToLower(string(text))
	return strings.Contains(lower, "password") || strings.Contains(lower, "identified")
}

// describableCalls is a statement's text with what leaves can describe in the place of calls, with as many parameters: "" when it calls nothing.
func describableCalls(scan *sqltext.Scan, stmt *sqltext.Stmt) string {
	calls := spiderCalls(scan, stmt)
	if len(calls) == 0 {
		return ""
	}
	var edits []edit
	for i := range calls {
		span := calls[i].span
		text := "CAST(CONCAT('1'"
		for j := span.From; j < span.To; j++ {
			if scan.Tokens[j].Kind == sqltext.Param {
				text += ", ?"
			}
		}
		text += ") AS SIGNED)"
		if calls[i].name == bgDirectSQL && len(stmt.Tables) > 0 {
			text = "COUNT(" + text + ")"
		}
		edits = append(edits, edit{span.From, span.To, text})
		edits = append(edits, named(scan, selectItems(stmt), span)...)
	}
	return string(apply(scan, inOrder(edits)))
}

// argument is an argument of a call.
type argument struct {
	text   string
	null   bool
	number bool // not a string
}

// argument evaluates an argument that is the same for all rows. A string by itself no leaf is told.
func (s *session) argument(ctx context.Context, scan *sqltext.Scan, e sqltext.Expr, src source) (argument, error) {
	switch e := e.(type) {
	case *sqltext.Literal:
		switch e.Kind {
		case sqltext.LitNull:
			return argument{null: true}, nil
		case sqltext.LitString:
			text := nameAt(scan, e.Tok, s.mode())
			if !ascii(text) && !strings.HasPrefix(s.charset.client, "utf8") {
				return argument{}, unsupported("spider_… functions", "with other than ASCII characters in "+s.charset.client+": SET NAMES utf8mb4 before")
			}
			return argument{text: text}, nil
		}
	case *sqltext.ParamRef:
		if e.Neg || e.Index >= len(src.args) {
			return argument{}, wire.Errorf(wire.ErWrongArguments, "Incorrect arguments to EXECUTE")
		}
		p := &src.args[e.Index]
		switch {
		case p.Null || p.Type == wire.TypeNull:
			return argument{null: true}, nil
		case p.Type.IsInteger(), p.Type == wire.TypeDouble, p.Type == wire.TypeFloat, p.Type == wire.TypeNewDecimal, p.Type == wire.TypeDecimal, p.Type.IsTemporal():
			return argument{text: paramLiteral(p, s.charset.connection), number: true}, nil
		}
		return argument{text: string(p.Bytes)}, nil
	}
	text := scan.Text(e.ExprSpan())
	if mayHoldSecret(text) {
		return argument{}, unsupported("spider_… functions", "with an argument that may hold a password and is no string by itself: no leaf is to be told one")
	}
	v, err := s.evaluate(ctx, string(text))
	if err != nil {
		return argument{}, err
	}
	return valueArgument(&v), nil
}

func valueArgument(v *value) argument {
	switch {
	case v.null:
		return argument{null: true}
	case v.typ.IsInteger():
		return argument{text: v.text, number: true}
	}
	switch v.typ {
	case wire.TypeDecimal, wire.TypeNewDecimal, wire.TypeDouble, wire.TypeFloat:
		return argument{text: v.text, number: true}
	}
	return argument{text: v.text}
}

// cannotCall is MariaDB's error for arguments that a function does not take.
func cannotCall(name, why string) error {
	return &wire.ServerError{Code: 1123, State: "HY000", Message: "Can't initialize function '" + name + "'; " + why}
}

// call makes a call.
func (s *session) call(ctx context.Context, name string, args []argument) (int64, error) {
	snap := s.g.cfg.Catalog.Snapshot()
	switch name {
	case flushMonCache:
		return 1, nil
	case pingTable:
		return s.ping(ctx, snap, args)
	case copyTables:
		return s.copyLinks(ctx, snap, args)
	}
	d, err := s.direct(ctx, name, args)
	if err != nil {
		return 0, err
	}
	if err := d.run(ctx); err != nil {
		return 0, err
	}
	return 1, nil
}

func noRecord(table string) error {
	return &wire.ServerError{Code: 1032, State: "HY000", Message: "Can't find record in '" + table + "'"}
}

// placeOf finds the place of a linked table that is called so: t, t#P#p1, t#P#p1#SP#s1.
func placeOf(snap *topo.Snapshot, db, name string) (*topo.Table, int) {
	table, _, _ := strings.Cut(name, "#")
	t := snap.Table(db, table)
	if t == nil || t.Kind != topo.Linked {
		return nil, 0
	}
	for i := range t.Places {
		if p := spider.Kept(&t.Places[i]); p.Name(t.Name) == name {
			return t, i
		}
	}
	return nil, 0
}

// linkNumber reads a link's id, which counts from 0.
func linkNumber(id string) (int, bool) {
	n := 0
	for _, c := range id {
		if c < '0' || c > '9' || n > 1<<20 {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, id != ""
}
