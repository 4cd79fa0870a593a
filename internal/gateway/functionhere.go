package gateway

import (
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/orbweaver/orbweaver/internal/compound"
	"github.com/orbweaver/orbweaver/internal/exec"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// A stored function that writes no leaf may call: there its tables are empty. The node runs it as it runs a procedure, and puts its value into the statement in the place of the call. So it
// has to be known that MariaDB would call it once, and with what. All of it is one statement: what fails is undone with all that its functions have done.

// functionCall is a call of a function that the node runs.
type functionCall struct {
	of   *topo.Routine
	call *sqltext.Func
	bare bool // it is a value by itself
}

// MariaDB's numbers for functions.
const (
	erFunctionUsesTable   = 1442
	erRecursiveFunction   = 1424
	erFunctionArguments   = 1318
	functionValue         = "orbweaver function"
	functionUnit          = "orbweaver function "
	erSavepointNotThere   = 1305
	rollbackWithin        = 10 * time.Second
	mostColumnName        = 256
	functionElsewhereText = "but as a value of SELECT without tables, DO, SET, rows of INSERT and UPDATE of one row, called with constants and variables, where it is certain to be called once: SET a variable to its value before"
)

// functionsHere are the functions that a statement calls which the node has to run.
func (s *session) functionsHere(stmt *sqltext.Stmt, snap *topo.Snapshot) (found map[int32]*topo.Routine) {
	for _, n := range stmt.Calls {
		if r := snap.Routine(topo.Function, s.calledIn(n), n.Name.Text); r != nil && r.AtNode {
			if found == nil {
				found = map[int32]*topo.Routine{}
			}
			found[n.Span.From] = r
		}
	}
	return found
}

// callsFunctions serves a statement that calls functions which the node runs, or refuses it; handled is false where it calls none.
func (s *session) callsFunctions(ctx context.Context, w *worker, stmt *sqltext.Stmt, snap *topo.Snapshot, src source) (handled bool, err error) {
	found := s.functionsHere(stmt, snap)
	if found == nil {
		return false, nil
	}
	switch stmt.Kind {
	case sqltext.KindSelect, sqltext.KindDo, sqltext.KindSet, sqltext.KindInsert, sqltext.KindUpdate:
	default:
		if stmt.Kind == sqltext.KindDDL && !makesOfQuery(stmt) { // which keeps its text
			return false, nil
		}
		return true, errFunctionForm(found)
	}
	s.warnings = s.warnings[:0]
	if len(src.views) > 0 { // whose definer calls it
		return true, errFunctionForm(found)
	}
	if text := namedCalls(&w.scan, stmt, found); w.scan.Params > 0 && text != nil {
		return true, s.rewritten(ctx, text, src)
	}
	if w.scan.Params > 0 {
		text, err := inlineParams(&w.scan, src.args, s.charset.connection)
		if err != nil {
			return true, err
		}
		src.args = nil
		return true, s.rewritten(ctx, text, src)
	}
	if stmt.Kind == sqltext.KindDo { // a SELECT whose answer nobody gets
		inner := src
		inner.out, inner.prepared = discard{s}, false
		at := w.scan.Tokens[stmt.Span.From]
		if !isWord(&w.scan, stmt.Span.From, "DO") {
			return true, errFunctionForm(found)
		}
		text := slices.Concat(w.scan.Src[:at.Start], []byte("SELECT"), w.scan.Src[at.End:w.scan.End])
		err := s.rewritten(ctx, text, inner)
		var failed *programError
		if errors.As(err, &failed) && failed.err.Code != wire.ErStatementTimeout && failed.err.Code != wire.ErDeadlock { // which MariaDB only tells as a warning
			s.noteError(failed.err)
			s.warnings = append(s.warnings, failed.notes...)
			err = nil
		}
		return true, s.done(src, err)
	}
	if err := s.prepareOnly(ctx, string(w.scan.Src[:w.scan.End]), nil); err != nil { // rights, and the number of arguments
		return true, err
	}
	calls, ok := callsInTurn(&w.scan, stmt, found)
	switch {
	case !ok || stmt.Facts&sqltext.HasSequence != 0 || stmt.Kind == sqltext.KindSelect && stmt.Facts&sqltext.HasRowCount != 0:
		return true, errFunctionForm(found)
	case s.xa != nil:
		return true, unsupported("a stored function that writes, locks rows or reads views", "in an XA transaction: CALL a procedure")
	case s.tables:
		return true, unsupported("a stored function that writes, locks rows or reads views", "under LOCK TABLES: CALL a procedure")
	}
	if err := s.meetsFunctions(stmt, calls, snap); err != nil {
		return true, err
	}
	return true, s.withFunctions(ctx, w, stmt, calls, src)
}

func errFunctionForm(found map[int32]*topo.Routine) error {
	for _, r := range found {
		return unsupported("the stored function '"+r.DB+"."+r.Name+"', which writes, locks rows or reads views,", functionElsewhereText)
	}
	return nil
}

// callsInTurn are a statement's calls from left to right; ok says whether each is made for certain and once, with what depends on no row.
func callsInTurn(scan *sqltext.Scan, stmt *sqltext.Stmt, found map[int32]*topo.Routine) (calls []functionCall, ok bool) {
	all, ok := valuesInTurn(scan, stmt)
	if !ok {
		return nil, false
	}
	inside := 0
	for _, e := range all {
		ok = ok && (e == nil || calledOnce(e, found, &calls))
		for i := spanOf(e).From; i < spanOf(e).To; i++ {
			ok = ok && !isOp(scan, i, ":=") // a call may hang on it
		}
	}
	for i := range calls {
		c := &calls[i]
		span := c.call.ExprSpan()
		for from := range found {
			if span.From <= from && from < span.To {
				inside++
			}
		}
		for _, a := range c.call.Args {
			sqltext.Walk(a, func(x sqltext.Expr) bool {
				switch x := x.(type) {
				case *sqltext.Column:
					ok = false
				case *sqltext.Subquery:
					ok = ok && stmt.Insert == nil && stmt.Update == nil
					return false
				case *sqltext.In:
					ok = ok && x.Sub == nil
				}
				return true
			})
			for i := a.ExprSpan().From; i < a.ExprSpan().To && stmt.Kind == sqltext.KindSet && len(stmt.Set.Vars) > 1; i++ {
				ok = ok && scan.Tokens[i].Kind != sqltext.UserVar && scan.Tokens[i].Kind != sqltext.SysVar // an assignment before may give it another value
			}
		}
		c.bare = slices.ContainsFunc(all, func(e sqltext.Expr) bool { return e != nil && sqltext.Unparen(e) == sqltext.Expr(c.call) })
	}
	return calls, ok && inside == len(found)
}

func spanOf(e sqltext.Expr) (span sqltext.Span) {
	if e != nil {
		span = e.ExprSpan()
	}
	return span
}

// valuesInTurn are the values of a statement, in the order in which MariaDB finds them.
func valuesInTurn(scan *sqltext.Scan, stmt *sqltext.Stmt) (all []sqltext.Expr, ok bool) {
	switch {
	case stmt.Set != nil:
		for i := range stmt.Set.Vars {
			all = append(all, stmt.Set.Vars[i].Value)
		}
		return all, !stmt.Set.Global
	case stmt.Insert != nil:
		in := stmt.Insert
		for _, row := range in.Rows {
			all = append(all, row...)
		}
		for i := range in.Set {
			all = append(all, in.Set[i].Value)
		}
		return all, in.Select == nil && !in.Ignore && len(in.Items) == 0
	case stmt.Update != nil:
		for i := range stmt.Update.Set {
			all = append(all, stmt.Update.Set[i].Value)
		}
		return all, updatesPlainly(stmt.Update)
	case stmt.Query == nil || stmt.Query.Select == nil || stmt.Query.With != nil || stmt.Query.Opaque:
		return nil, false
	}
	sel := stmt.Query.Select
	if sel.Distinct || len(sel.From) > 0 && !isDual(scan, sel.FromSpan) || sel.Where != nil || sel.Having != nil || sel.Limit != nil || len(sel.Group)+len(sel.Order) > 0 ||
		stmt.Query.Order != nil || stmt.Query.Limit != nil {
		return nil, false
	}
	for i := range sel.Items {
		all = append(all, sel.Items[i].Expr)
	}
	return all, true
}

// calledOnce collects the calls in an expression, and says whether each of them is made whatever the other values are.
func calledOnce(e sqltext.Expr, found map[int32]*topo.Routine, calls *[]functionCall) bool {
	span := e.ExprSpan()
	here := false
	for from := range found {
		here = here || span.From <= from && from < span.To
	}
	if !here {
		return true
	}
	switch x := e.(type) {
	case *sqltext.Paren:
		return calledOnce(x.X, found, calls)
	case *sqltext.Not:
		return calledOnce(x.X, found, calls)
	case *sqltext.IsNull:
		return calledOnce(x.X, found, calls)
	case *sqltext.Binary:
		switch strings.ToUpper(x.Op) {
		case "+", "-", "*", "/", "%", "DIV", "MOD", "|", "&", "^", "<<", ">>", "=", "<", ">", "<=", ">=", "<>", "!=", "<=>":
			return calledOnce(x.L, found, calls) && calledOnce(x.R, found, calls)
		}
	case *sqltext.Func:
		if r := found[span.From]; r != nil && x.Stored && !x.Odd {
			*calls = append(*calls, functionCall{of: r, call: x})
			return true
		}
		if steady[strings.ToUpper(x.Name)] && !x.Stored {
			for _, a := range x.Args {
				if !calledOnce(a, found, calls) {
					return false
				}
			}
			return true
		}
	}
	return false
}

// meetsFunctions says what MariaDB would where a statement's functions write, or are called by, what is under way, and refuses what would be found in another order.
func (s *session) meetsFunctions(stmt *sqltext.Stmt, calls []functionCall, snap *topo.Snapshot) error {
	var touches, writes []string
	seen := map[*topo.Routine]bool{}
	var add func(r *topo.Routine)
	add = func(r *topo.Routine) {
		if r == nil || seen[r] {
			return
		}
		seen[r] = true
		for _, t := range r.Reads {
			touches = append(touches, r.DB+"."+t)
		}
		touches, writes = append(touches, r.Touches...), append(writes, r.Writes...)
		for _, c := range r.Calls {
			add(snap.Routine(topo.Function, r.DB, c))
		}
	}
	for _, c := range calls {
		if slices.ContainsFunc(s.functions, func(o *topo.Routine) bool { return o.DB == c.of.DB && o.Key() == c.of.Key() }) {
			return &wire.ServerError{Code: erRecursiveFunction, State: "HY000", Message: "Recursive stored functions and triggers are not allowed"}
		}
		add(c.of)
	}
	for _, n := range stmt.Tables {
		k := s.keyOf(n)
		name := k.db + "." + k.table
		if slices.Contains(writes, name) {
			return &wire.ServerError{Code: erFunctionUsesTable, State: "HY000", Message: "Can't update table '" + k.table +
				"' in stored function/trigger because it is already used by statement which invoked this stored function/trigger"}
		}
		if slices.Contains(touches, name) || stmt.Insert == nil && (stmt.Update == nil || len(stmt.Tables) > 1) {
			return unsupported("a stored function that writes, locks rows or reads views", "in a statement that reads tables, or writes what the function reads: SET a variable to its value before")
		}
	}
	return nil
}

// callNames are the edits by which columns with calls in them keep their names.
func callNames(scan *sqltext.Scan, stmt *sqltext.Stmt, calls func(sqltext.Span) bool) (edits []edit) {
	if stmt.Kind != sqltext.KindSelect || stmt.Query == nil || stmt.Query.Select == nil {
		return nil
	}
	for i := range stmt.Query.Select.Items {
		item := &stmt.Query.Select.Items[i]
		if name := string(scan.Text(item.Span)); item.Alias.Tok < 0 && item.Expr != nil && len(name) <= mostColumnName && calls(item.Span) {
			edits = append(edits, edit{item.Span.To, item.Span.To, " AS " + quoteName(name)})
		}
	}
	return edits
}

// namedCalls is the text of a SELECT with such names; nil where it has them.
func namedCalls(scan *sqltext.Scan, stmt *sqltext.Stmt, found map[int32]*topo.Routine) []byte {
	edits := callNames(scan, stmt, func(span sqltext.Span) bool {
		for from := range found {
			if span.From <= from && from < span.To {
				return true
			}
		}
		return false
	})
	if len(edits) == 0 {
		return nil
	}
	return slices.Clone(apply(scan, edits))
}

// withFunctions runs a statement with the values of its calls in their places, all as one.
func (s *session) withFunctions(ctx context.Context, w *worker, stmt *sqltext.Stmt, calls []functionCall, src source) error {
	if _, ok := src.out.(*cursor); ok {
		src.out = &s.out // the answer is there before it is known that all is done
	}
	scan := &w.scan
	text := func(unit func() (func(error) error, error)) ([]byte, error) {
		var edits []edit
		for i := range calls {
			c := &calls[i]
			v, err := s.callFunction(ctx, scan, c, unit)
			if err != nil {
				return nil, err
			}
			span := c.call.ExprSpan()
			edits = append(edits, edit{span.From, span.To, v})
		}
		edits = append(edits, callNames(scan, stmt, func(span sqltext.Span) bool {
			return slices.ContainsFunc(calls, func(c functionCall) bool { return span.From <= c.call.Span.From && c.call.Span.To <= span.To })
		})...)
		slices.SortStableFunc(edits, func(a, b edit) int { return int(a.from - b.from) })
		return slices.Clone(apply(scan, edits)), nil
	}
	back := s.atOneMoment()
	defer back()
	if c := calls[0]; len(calls) == 1 && c.bare && stmt.Insert == nil && stmt.Update == nil && !s.tx.InTransaction() && s.tx.Autocommit() {
		// What is left cannot fail, so that the function is the unit, under whosever rights it runs.
		sql, err := text(func() (func(error) error, error) { return s.beginUnit(s.query()) })
		if err != nil {
			return err
		}
		return s.rewritten(ctx, sql, src)
	}
	out := &held{Output: src.out, own: !s.tx.InTransaction() && s.tx.Autocommit(), status: src.out.Status()}
	end, err := s.beginUnit(ctx)
	if err != nil {
		return err
	}
	var sql []byte
	if stmt.Update != nil {
		sql, err = s.updateCalls(ctx, scan, stmt, calls)
	} else {
		sql, err = text(nil)
	}
	if err == nil {
		inner := src
		inner.out = out
		err = s.rewritten(ctx, sql, inner)
	}
	if err == nil && stmt.Update != nil {
		err = out.updatedOne()
	}
	last, warnings := s.last, slices.Clone(s.warnings)
	if err = end(err); err != nil {
		return err
	}
	s.last, s.warnings = last, warnings
	return out.release()
}

// beginUnit begins what is done as a whole or not at all: a transaction, or a part of the one that is open.
func (s *session) beginUnit(ctx context.Context) (end func(failed error) error, err error) {
	h := &programHost{s: s}
	name := quoteName(functionUnit + strconv.Itoa(len(s.functions)))
	begin, undo, keep := "START TRANSACTION", "ROLLBACK", "COMMIT"
	if s.tx.InTransaction() || !s.tx.Autocommit() {
		begin, undo, keep = "SAVEPOINT "+name, "ROLLBACK TO "+name, "RELEASE SAVEPOINT "+name
	}
	last := s.last
	if err := h.one(ctx, begin, source{out: discard{s}}); err != nil {
		return nil, err
	}
	s.last = last
	return func(failed error) error {
		if failed == nil {
			if err := h.one(ctx, keep, source{out: discard{s}}); err != nil {
				return serverError(ctx, err) // not as one of a leaf, for which all of it would be done again
			}
			return nil
		}
		if !s.tx.InTransaction() && undo == "ROLLBACK" { // it was lost
			return failed
		}
		within, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackWithin)
		defer cancel()
		warnings := slices.Clone(s.warnings)
		if err := h.one(within, undo, source{out: discard{s}}); err != nil && serverError(within, err).Code != erSavepointNotThere { // of a transaction that is lost
			return serverError(within, err)
		}
		s.warnings = warnings
		return failed
	}, nil
}

// unitLost says whether a statement of a function has lost the transaction in which it was: no handler is for that, or what follows would be done by itself.
func (h *programHost) unitLost(inside bool) bool {
	return inside && len(h.s.functions) > 0 && !h.s.tx.InTransaction()
}

// atOneMoment has functions know the time as their statement does.
func (s *session) atOneMoment() (back func()) {
	before := s.tx
	state := before.State()
	if state.Timed() {
		return func() {}
	}
	now := strconv.FormatFloat(float64(time.Now().UnixMicro())/1e6, 'f', 6, 64)
	before.SetState(state.AtTime(now))
	return func() {
		if before.Held() > 0 { // a connection that is held forgets nothing
			before.SetState(before.State().TimeDefault())
		} else {
			before.SetState(before.State().Without("timestamp"))
		}
	}
}

// callFunction runs a function, and gives its value as it is written into the statement. unit begins what is one with it, if that is not under way.
func (s *session) callFunction(ctx context.Context, scan *sqltext.Scan, c *functionCall, unit func() (func(error) error, error)) (string, error) {
	args := make([]string, 0, len(c.call.Args)+1)
	for _, a := range c.call.Args {
		args = append(args, string(scan.AppendSpan(nil, a.ExprSpan())))
	}
	args = append(args, "@`"+functionValue+"`")
	p, err := compound.Parse([]byte("CALL "+quoteName(c.of.DB)+"."+quoteName(c.of.Name)+"("+strings.Join(args, ", ")+")"), s.mode())
	if err != nil {
		return "", refusedProgram(err)
	}
	last, functions := s.last, s.functions
	s.functions = append(slices.Clone(functions), c.of)
	defer func() { s.last, s.functions = last, functions }()
	err = s.runProgram(ctx, source{out: discard{s}}, func(ctx context.Context, h compound.Host) (compound.Done, error) {
		if h, ok := h.(*programHost); ok {
			h.function, h.unit = c.of, unit
		}
		return compound.Run(ctx, p, h, nil, nil)
	})
	if err != nil {
		return "", err
	}
	key := "@" + functionValue
	set, ok := s.tx.State().Get(key)
	if !ok {
		return "", wire.Errorf(wire.ErUnknown, "a function's value was not found")
	}
	s.tx.SetState(s.tx.State().Without(key))
	return returnedAs(c.of, strings.TrimPrefix(set, "@`"+functionValue+"`="), s)
}

// calledFunction is Procedure for the function that is called.
func (h *programHost) calledFunction(args int) (*compound.Procedure, error) {
	r := h.function
	p, err := h.s.g.called.get(r, modeOf(r.SQLMode, h.s.mode()))
	if err != nil {
		return nil, refusedProgram(err)
	}
	if args != p.Params() {
		return nil, &compound.Condition{Level: "Error", Code: erFunctionArguments, State: wire.SQLState(erFunctionArguments),
			Message: "Incorrect number of arguments for FUNCTION " + r.DB + "." + r.Name + "; expected " + strconv.Itoa(p.Params()-1) + ", got " + strconv.Itoa(args-1)}
	}
	if h.routines == nil {
		h.routines = map[*compound.Procedure]*topo.Routine{}
	}
	h.routines[p] = r
	return p, nil
}

// returnedAs is a function's value with the type that a user variable does not keep.
func returnedAs(r *topo.Routine, literal string, s *session) (string, error) {
	p, err := s.g.called.get(r, modeOf(r.SQLMode, s.mode()))
	if err != nil {
		return "", refusedProgram(err)
	}
	typ := strings.ToUpper(p.Returns())
	word := strings.TrimRight(typ, "0123456789() ")
	if literal == "NULL" {
		switch name := typ[:len(typ)-len(strings.TrimLeft(typ, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))]; {
		case strings.HasSuffix(name, "CHAR"), strings.HasSuffix(name, "TEXT"):
			return "CAST(NULL AS CHAR)", nil
		case strings.HasSuffix(name, "INT"), name == "INTEGER":
			return "CAST(NULL AS SIGNED)", nil
		}
	}
	switch word {
	case "DATE", "TIME", "DATETIME", "FLOAT", "DOUBLE":
		return "CAST(" + literal + " AS " + typ + ")", nil
	case "TIMESTAMP":
		return "CAST(" + literal + " AS DATETIME" + strings.TrimPrefix(typ, word) + ")", nil
	}
	if strings.HasPrefix(word, "DECIMAL") || strings.HasPrefix(word, "NUMERIC") {
		if _, of, ok := strings.Cut(typ, "("); ok {
			if of, _, ok = strings.Cut(of, ")"); ok {
				return "CAST(" + literal + " AS DECIMAL(" + of + "))", nil
			}
		}
	}
	if strings.HasPrefix(literal, "-") {
		literal = "(" + literal + ")"
	}
	return literal, nil
}

// held keeps an answer until all that it tells of is done.
type held struct {
	exec.Output
	own     bool // the transaction is the statement's own: status is what the session's is before and afterwards
	status  wire.Status
	packets [][]byte
}

// Status is the session's as it will be.
func (o *held) Status() wire.Status {
	if o.own {
		return o.status
	}
	return o.Output.Status()
}

// Packet keeps a packet.
func (o *held) Packet(p []byte) error {
	o.packets = append(o.packets, slices.Clone(p))
	return nil
}

// File is none: no statement with functions reads one.
func (o *held) File(string) (io.Reader, error) { return nil, errNoLocalInfile }

func (o *held) release() error {
	for _, p := range o.packets {
		if err := o.Output.Packet(p); err != nil {
			return err
		}
	}
	return nil
}
