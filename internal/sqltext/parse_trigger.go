package sqltext

import (
	"slices"
	"strings"
)

// Trigger is what CREATE TRIGGER says behind its name. It is read strictly, other than all else: what is not understood is named by Odd.
type Trigger struct {
	Timing, Event string    // BEFORE or AFTER; INSERT, UPDATE or DELETE
	Other         TableName // the trigger that it follows or precedes; Name.Tok 0 when there is none
	Body          Span
	// Assigns are SET NEW.column = value, Exprs all other expressions outside of statements on tables, Stmts those statements.
	Assigns []Assign
	Exprs   []Expr
	Stmts   []*Stmt
	// Loops are those of Stmts whose rows are gone through: the queries of cursors and FOR loops.
	Loops []*Stmt
	// Handled are what handlers are for and declared conditions stand for, in upper case: NOT FOUND, SQLEXCEPTION, SQLWARNING, a number, or a string that is a SQLSTATE.
	Handled []string
	Vars    []string // all variables that it declares, and those of its FOR loops, in lower case
	Tables  []*TableName
	Calls   []*TableName // of functions that are not MariaDB's own
	Facts   Facts        // of all of the body
	// Odd is what was not understood, or is no part of what is read, "" when the body was read to its end; OddTok where that begins.
	Odd    string
	OddTok int32
}

// IsRow says whether a column is one of the row that fires a trigger: NEW.c or OLD.c, whatever tables are called.
func IsRow(c *Column) bool { return c.DB.Tok < 0 && c.Table.Tok >= 0 && isRowName(c.Table.Text) }

func isRowName(name string) bool { return lower(name) == "new" || lower(name) == "old" }

// FactsOf are the facts of calling one of MariaDB's functions, by its name in upper case.
func FactsOf(function string) Facts { return functionFacts[function] }

// Tells says whether a span has the name of a function that states one of the facts.
func (s *Scan) Tells(in Span, facts Facts) bool {
	return slices.ContainsFunc(s.Tokens[in.From:in.To], func(t Token) bool {
		return t.Kind == Word && FactsOf(strings.ToUpper(string(s.Src[t.Start:t.End])))&facts != 0
	})
}

// triggerReader reads a trigger. Its methods return false once there is something odd.
type triggerReader struct {
	*parser
	t     *Trigger
	scope []string // variables in scope
	// function: it is a function, which has no row.
	function bool
	// cursors are all that were declared before.
	cursors []string
}

// trigger reads what follows the name.
func (p *parser) trigger(d *DDL) {
	t := &Trigger{}
	d.Trigger = t
	r := &triggerReader{parser: p, t: t}
	r.read(func() bool { return r.head(d) })
}

// read reads a program of which head takes what stands before its body.
func (r *triggerReader) read(head func() bool) {
	p, t := r.parser, r.t
	facts := p.st.Facts
	p.st.Facts = 0
	ok := head()
	tables, calls := len(p.st.Tables), len(p.st.Calls)
	from := p.pos
	t.Body = Span{from, p.end}
	if ok && r.statement() && !p.done() {
		r.odd("")
	}
	t.Tables = append([]*TableName(nil), p.st.Tables[min(tables, len(p.st.Tables)):]...)
	t.Calls = append([]*TableName(nil), p.st.Calls[min(calls, len(p.st.Calls)):]...)
	t.Facts = p.st.Facts
	if t.Odd != "" { // what is left still counts
		p.body()
	}
	p.st.Facts = facts // of the body: they concern its calls, not this statement
}

func (r *triggerReader) head(d *DDL) bool {
	timing, event := r.word(0), r.word(1)
	if r.acceptAny(KwBefore, KwAfter) == 0 || r.acceptAny(KwInsert, KwUpdate, KwDelete) == 0 || !r.accept(KwOn) {
		return r.odd("")
	}
	r.t.Timing, r.t.Event = timing, event
	if !r.ddlTable(d) || !r.acceptSeq(KwFor, KwEach, KwRow) {
		return r.odd("")
	}
	if (r.is(KwFollows) || r.is(KwPrecedes)) && isName(r.peek(1)) && !r.isOpAt(1, ':') {
		r.pos++
		if n, ok := r.tableName(); ok {
			r.t.Other = *n
		}
	}
	return true
}

// odd notes that something is not understood, or that it is not for triggers here: what.
func (r *triggerReader) odd(what string) bool {
	if r.t.Odd == "" {
		r.t.OddTok = min(r.pos, r.end)
		if what == "" {
			what = "what follows"
			if r.pos < r.end {
				what = "'" + string(r.src[r.tok().Start:r.tok().End]) + "'"
			}
		}
		r.t.Odd = what
	}
	return false
}

func (r *triggerReader) declared(name string) bool {
	for _, v := range r.scope {
		if v == lower(name) {
			return true
		}
	}
	return false
}

// expression reads one that ends where one of the words or operators that may follow it stands.
func (r *triggerReader) expression() (Expr, bool) {
	e := r.expr()
	if e == nil {
		return nil, r.odd("")
	}
	return e, true
}

func (r *triggerReader) condition(end Keyword) bool {
	e, ok := r.expression()
	if !ok {
		return false
	}
	r.t.Exprs = append(r.t.Exprs, e)
	if !r.accept(end) {
		return r.odd("")
	}
	return true
}

// statement reads one statement, without the semicolon behind it.
func (r *triggerReader) statement() bool {
	if !r.enter() {
		return false
	}
	defer func() { r.depth-- }()
	labelled := isName(r.tok()) && r.isOpAt(1, ':')
	if labelled {
		r.pos += 2
	}
	ok := true
	switch kw := r.tok().KW; {
	case r.tok().Kind != Word:
		return r.odd("")
	case kw == KwBegin:
		ok = r.block()
	case kw == KwLoop:
		r.pos++
		ok = r.list(KwEnd) && r.closes(KwLoop)
	case kw == KwWhile:
		r.pos++
		ok = r.condition(KwDo) && r.list(KwEnd) && r.closes(KwWhile)
	case kw == KwRepeat:
		r.pos++
		ok = r.list(KwUntil)
		if ok {
			r.pos++
			ok = r.condition(KwEnd) && (r.accept(KwRepeat) || r.odd(""))
		}
	case kw == KwFor:
		ok = r.forLoop()
	case labelled:
		return r.odd("")
	default:
		return r.simple(kw)
	}
	if ok && labelled && isName(r.tok()) {
		r.pos++ // the label again
	}
	return ok
}

// closes reads END and the word that says of what.
func (r *triggerReader) closes(of Keyword) bool {
	if !r.acceptSeq(KwEnd, of) {
		return r.odd("")
	}
	return true
}

// simple reads a statement that can have no label.
func (r *triggerReader) simple(kw Keyword) bool {
	switch kw {
	case KwIf:
		return r.ifStatement()
	case KwCase:
		return r.caseStatement()
	case KwSet:
		return r.set()
	case KwReturn:
		if !r.function {
			break
		}
		r.pos++
		e, ok := r.expression()
		if ok {
			r.t.Exprs = append(r.t.Exprs, e)
		}
		return ok
	case KwLeave, KwIterate:
		r.pos++
		if _, ok := r.name(); !ok {
			return r.odd("")
		}
		return true
	case KwSignal, KwResignal:
		return r.signal()
	case KwGet:
		return r.diagnostics()
	case KwDo:
		r.pos++
		for {
			e, ok := r.expression()
			if !ok {
				return false
			}
			r.t.Exprs = append(r.t.Exprs, e)
			if !r.acceptOp(',') {
				return true
			}
		}
	case KwOpen, KwClose, KwFetch:
		return r.onCursor(kw)
	case KwSelect, KwInsert, KwReplace, KwUpdate, KwDelete:
		return r.onTables()
	}
	return r.odd(upper(string(r.src[r.tok().Start:r.tok().End])))
}

// list reads statements with their semicolons up to one of the words, which stays.
func (r *triggerReader) list(until ...Keyword) bool {
	for {
		for _, kw := range until {
			if r.is(kw) {
				return true
			}
		}
		if r.done() || !r.statement() || !r.acceptOp(';') {
			return r.odd("")
		}
	}
}

// block reads BEGIN … END.
func (r *triggerReader) block() bool {
	r.pos++
	outer := len(r.scope)
	defer func() { r.scope = r.scope[:outer] }()
	for !r.accept(KwEnd) {
		if r.done() {
			return r.odd("")
		}
		if r.is(KwDeclare) {
			if !r.declare() {
				return false
			}
		} else if !r.statement() {
			return false
		}
		if !r.acceptOp(';') {
			return r.odd("")
		}
	}
	return true
}

func (r *triggerReader) ifStatement() bool {
	r.pos++
	for {
		if !r.condition(KwThen) || !r.list(KwElseif, KwElse, KwEnd) {
			return false
		}
		if !r.accept(KwElseif) {
			break
		}
	}
	if r.accept(KwElse) && !r.list(KwEnd) {
		return false
	}
	return r.closes(KwIf)
}

func (r *triggerReader) caseStatement() bool {
	r.pos++
	if !r.is(KwWhen) {
		e, ok := r.expression()
		if !ok {
			return false
		}
		r.t.Exprs = append(r.t.Exprs, e)
	}
	if !r.is(KwWhen) {
		return r.odd("")
	}
	for r.accept(KwWhen) {
		if !r.condition(KwThen) || !r.list(KwWhen, KwElse, KwEnd) {
			return false
		}
	}
	if r.accept(KwElse) && !r.list(KwEnd) {
		return false
	}
	return r.closes(KwCase)
}

// declare reads DECLARE of variables, conditions and handlers.
func (r *triggerReader) declare() bool {
	r.pos++
	switch {
	case (r.is(KwContinue) || r.is(KwExit) || r.is(KwUndo)) && r.isAt(1, KwHandler):
		r.pos += 2
		if !r.accept(KwFor) {
			return r.odd("")
		}
		for {
			if !r.conditionValue() {
				return false
			}
			if !r.acceptOp(',') {
				return r.statement()
			}
		}
	case r.isAt(1, KwCursor):
		return r.cursor()
	case r.isAt(1, KwCondition):
		r.pos += 2
		if !r.accept(KwFor) {
			return r.odd("")
		}
		return r.conditionValue()
	}
	var names []string
	for {
		n, ok := r.name()
		if !ok || isRowName(n.Text) && !r.function {
			return r.odd("")
		}
		names = append(names, lower(n.Text))
		if !r.acceptOp(',') {
			break
		}
	}
	if r.tok().Kind != Word || r.is(KwRow) || r.is(KwType) {
		return r.odd("")
	}
	for !r.done() && !r.isOp(';') && !r.is(KwDefault) {
		switch {
		case r.is(KwOf):
			return r.odd("a variable of the TYPE OF a column")
		case r.isOp('('):
			r.skipBracket()
		default:
			r.pos++
		}
	}
	if r.accept(KwDefault) {
		e, ok := r.expression()
		if !ok {
			return false
		}
		r.t.Exprs = append(r.t.Exprs, e)
	}
	r.scope = append(r.scope, names...)
	r.t.Vars = append(r.t.Vars, names...)
	return true
}

// conditionValue reads what a handler is for: SQLSTATE '…', a number, a class or a condition's name.
func (r *triggerReader) conditionValue() bool {
	switch {
	case r.acceptWords("NOT", "FOUND"):
		r.t.Handled = append(r.t.Handled, "NOT FOUND")
		return true
	case r.is(KwSqlexception), r.is(KwSqlwarning), r.tok().Kind == Number:
		r.t.Handled = append(r.t.Handled, upper(string(r.src[r.tok().Start:r.tok().End])))
		r.pos++
		return true
	case r.accept(KwSqlstate):
		r.accept(KwValue)
		if r.tok().Kind != String {
			return r.odd("")
		}
		r.t.Handled = append(r.t.Handled, upper(string(r.src[r.tok().Start:r.tok().End])))
		r.pos++
		return true
	}
	if _, ok := r.name(); !ok {
		return r.odd("")
	}
	return true
}

// signal reads SIGNAL and RESIGNAL.
func (r *triggerReader) signal() bool {
	r.pos++
	handled := r.t.Handled
	if !r.is(KwSet) && !r.isOp(';') && !r.done() && !r.conditionValue() {
		return false
	}
	r.t.Handled = handled
	if !r.accept(KwSet) {
		return true
	}
	for {
		if r.tok().Kind != Word || !r.isOpAt(1, '=') {
			return r.odd("")
		}
		r.pos += 2
		e, ok := r.expression()
		if !ok {
			return false
		}
		r.t.Exprs = append(r.t.Exprs, e)
		if !r.acceptOp(',') {
			return true
		}
	}
}

// diagnosticItems are what GET DIAGNOSTICS may ask for: the others tell of names, which are a partition's.
var diagnosticItems = map[string]bool{"NUMBER": true, "ROW_COUNT": true, "RETURNED_SQLSTATE": true, "MYSQL_ERRNO": true}

// diagnostics reads GET DIAGNOSTICS.
func (r *triggerReader) diagnostics() bool {
	r.pos++
	if r.word(0) == "CURRENT" {
		r.pos++
	}
	if r.word(0) != "DIAGNOSTICS" {
		return r.odd("")
	}
	r.pos++
	if r.accept(KwCondition) {
		e, ok := r.expression()
		if !ok {
			return false
		}
		r.t.Exprs = append(r.t.Exprs, e)
	}
	for {
		if !r.variable() || !r.acceptOp('=') {
			return r.odd("")
		}
		if item := r.word(0); !diagnosticItems[item] {
			return r.odd("GET DIAGNOSTICS of " + item)
		}
		r.pos++
		if !r.acceptOp(',') {
			return true
		}
	}
}

// variable takes the name of a variable that is declared.
func (r *triggerReader) variable() bool {
	if !isName(r.tok()) || !r.declared(r.nameAt(r.pos).Text) || r.isOpAt(1, '.') {
		return false
	}
	r.pos++
	return true
}

// set reads SET of columns of the row and of variables; others than the trigger's are odd.
func (r *triggerReader) set() bool {
	r.pos++
	for {
		from := r.pos
		c := Column{DB: noName, Table: noName, Name: noName}
		switch {
		case !r.function && isName(r.tok()) && isRowName(r.nameAt(r.pos).Text) && r.isOpAt(1, '.'):
			c.Table = r.nameAt(r.pos)
			r.pos += 2
			c.Name, _ = r.anyName()
			c.Span = r.span(from)
		case !r.function && r.tok().Kind == UserVar:
			r.pos++
			r.st.Facts |= HasUserVar | HasUserVarAssign
		case !r.variable():
			return r.odd("SET of what is no variable of its own")
		}
		if !r.acceptOp('=') && !r.acceptOp(opAssign) {
			return r.odd("")
		}
		e, ok := r.expression()
		if !ok {
			return false
		}
		if c.Name.Tok >= 0 {
			r.t.Assigns = append(r.t.Assigns, Assign{Span: r.span(from), Column: c, Value: e})
		} else {
			r.t.Exprs = append(r.t.Exprs, e)
		}
		if !r.acceptOp(',') {
			return true
		}
	}
}

// onTables reads a statement on tables, which ends with the next semicolon.
func (r *triggerReader) onTables() bool {
	from, outer := r.pos, r.end
	end := from
	for end < outer && !(r.toks[end].Kind == Op && r.toks[end].Op == ';') {
		end++
	}
	kw := r.tok().KW
	r.parser.end = end
	st := r.nested()
	r.parser.end = outer
	if r.err != nil {
		return r.odd("")
	}
	if r.pos < end {
		return r.odd("")
	}
	r.pos = end
	if kw == KwSelect {
		if st.Kind != KindSelect || st.Query == nil || st.Query.Opaque || !r.into(from, end) {
			return r.odd("this SELECT")
		}
	} else if st.Kind != KindInsert && st.Kind != KindUpdate && st.Kind != KindDelete {
		return r.odd("")
	}
	r.t.Stmts = append(r.t.Stmts, st)
	return true
}

// into says whether the only INTO of a SELECT names variables of the trigger, or user variables.
func (r *triggerReader) into(from, to int32) bool {
	seen := 0
	for i := from; i < to; i++ {
		if r.toks[i].Kind != Word || r.toks[i].KW != KwInto {
			continue
		}
		seen++
		for i++; ; i++ {
			if i >= to || !(r.toks[i].Kind == UserVar && !r.function) && (!isName(r.toks[i]) || !r.declared(r.nameAt(i).Text)) {
				return false
			}
			if i++; i >= to || r.toks[i].Kind != Op || r.toks[i].Op != ',' {
				break
			}
		}
		i--
	}
	return seen == 1
}
