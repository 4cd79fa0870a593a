package compound

import (
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
)

// piece is a text that was read by itself: an expression behind SELECT, or a statement.
type piece struct {
	scan  sqltext.Scan
	stmt  *sqltext.Stmt
	names *sqltext.Names
	from  int32 // the first token of the piece: behind the SELECT of an expression
}

// notAlone are the facts of what only the session knows or may do: such expressions are computed by it.
const notAlone = sqltext.HasSubquery | sqltext.HasLastInsertID | sqltext.HasFoundRows | sqltext.HasRowCount | sqltext.HasLockFunction | sqltext.HasSequence |
	sqltext.HasStoredCall | sqltext.HasDatabaseFunc | sqltext.HasPlaceFunction | sqltext.HasSysVar

// find is the next of some words that belongs to no CASE expression and no bracket.
func (r *reader) find(kws ...sqltext.Keyword) int32 {
	cases, brackets := 0, 0
	for i := r.pos; i < r.end; i++ {
		t := r.toks[i]
		if t.Kind == sqltext.Op {
			switch t.Op {
			case '(':
				brackets++
			case ')':
				brackets--
			case ';':
				r.odd()
			}
		}
		if t.Kind != sqltext.Word || brackets > 0 || i > r.pos && r.toks[i-1].Kind == sqltext.Op && r.toks[i-1].Op == '.' {
			continue
		}
		if cases == 0 && slices.Contains(kws, t.KW) {
			return i
		}
		switch t.KW {
		case sqltext.KwCase:
			cases++
		case sqltext.KwEnd:
			cases--
		}
	}
	r.odd()
	return 0
}

// expr reads an expression up to one of the words.
func (r *reader) expr(until ...sqltext.Keyword) expr { return r.exprTo(r.find(until...)) }

// exprTo reads one up to a token.
func (r *reader) exprTo(to int32) expr {
	if to <= r.pos {
		r.odd()
	}
	e := r.exprOf(r.text(r.pos, to))
	r.pos = to
	return e
}

func (r *reader) exprOf(text string) expr {
	p := r.read("SELECT " + text)
	p.from = 1
	if p.stmt.Query == nil || p.stmt.Query.Opaque || p.stmt.Query.Select == nil || len(p.stmt.Query.Select.Items) != 1 {
		r.odd()
	}
	return expr{p, r.alone(p)}
}

func (r *reader) read(text string) *piece {
	p := &piece{}
	err := p.scan.Scan([]byte(text), r.p.mode)
	if err == nil {
		p.stmt, p.names, err = sqltext.ParseNames(&p.scan, r.p.mode)
	}
	if err != nil {
		panic(failure{err})
	}
	return p
}

// alone says whether a leaf can compute an expression, or a SELECT, by itself.
func (r *reader) alone(p *piece) bool {
	return p.stmt.Facts&notAlone == 0 && len(p.stmt.Tables) == 0
}

// text is the piece's own.
func (p *piece) text() string {
	return string(p.scan.AppendSpan(nil, sqltext.Span{From: p.from, To: int32(len(p.scan.Tokens))}))
}

// semicolon is the next one, or the end.
func (r *reader) semicolon() int32 {
	to := r.pos
	for to < r.end && !(r.toks[to].Kind == sqltext.Op && r.toks[to].Op == ';') {
		to++
	}
	return to
}

// comma is the end of an item of a list that ends at a token.
func (r *reader) comma(end int32) int32 {
	depth := 0
	for i := r.pos; i < end; i++ {
		if r.toks[i].Kind == sqltext.Op {
			switch r.toks[i].Op {
			case '(':
				depth++
			case ')':
				depth--
			case ',':
				if depth == 0 {
					return i
				}
			}
		}
	}
	return end
}

// set reads SET: of the program's and the user's variables as one assignment each, of anything else as a statement.
func (r *reader) set(from int32) node {
	end := r.semicolon()
	r.pos++
	var list []node
	for r.pos < end { // a later item may still be one of the session's: then all is read anew
		begin := r.pos
		s := &set{}
		switch {
		case r.toks[r.pos].Kind == sqltext.UserVar:
			s.user = string(r.scan.Bytes(r.pos))
			r.pos++
		case r.isName(0) && r.declared(r.nameAt(r.pos)) && (r.op(1, '=') || r.op(1, opAssign)):
			s.local = r.name()
		case r.isName(0) && r.op(1, '.') && r.isName(2) && r.declared(r.nameAt(r.pos)) && (r.op(3, '=') || r.op(3, opAssign)):
			s.local = r.name()
			r.pos++
			s.field = r.written(r.pos)
			r.pos++
		default: // of the session: the statement as it is
			r.pos = from
			if at := r.localIn(from+1, end); at >= 0 {
				return r.mixed(from, end)
			}
			return r.plain(from)
		}
		if !r.acceptOp('=') {
			r.expectOp(opAssign)
		}
		s.value = r.exprTo(r.comma(end))
		s.span = span{begin, r.pos, s.value.alone, false}
		list = append(list, s)
		if r.pos < end {
			r.expectOp(',')
		}
	}
	if len(list) == 0 {
		r.odd()
	}
	return &sets{span{from, end, allPure(list), false}, list}
}

// localIn is where one of the items of a SET gives a variable of the program a value, -1 where none does.
func (r *reader) localIn(from, end int32) int32 {
	for i := from; i < end; i++ {
		if i > from && !opAt(r.scan, i-1, ',') || r.toks[i].Kind != sqltext.Word && r.toks[i].Kind != sqltext.QuotedID || !r.declared(r.nameAt(i)) {
			continue
		}
		at := i + 1
		if opAt(r.scan, at, '.') {
			at += 2
		}
		if opAt(r.scan, at, '=', opAssign) {
			return i
		}
	}
	return -1
}

// mixed reads a SET of variables of the program and of the session: as MariaDB does it, one SET after another.
func (r *reader) mixed(from, end int32) node {
	if r.word(1) == "GLOBAL" || r.word(1) == "SESSION" || r.word(1) == "LOCAL" {
		r.refuse("SET of variables of the program behind "+r.word(1), "write a SET for each")
	}
	all := &sets{span: span{from, end, false, false}}
	r.pos = from + 1
	for r.pos < end {
		begin := r.pos
		if r.localIn(begin, r.comma(end)) == begin {
			local := &set{local: r.name()}
			if r.acceptOp('.') {
				local.field = r.written(r.pos)
				r.pos++
			}
			r.pos++
			local.value = r.exprTo(r.comma(end))
			local.span = span{begin, r.pos, local.value.alone, false}
			all.list = append(all.list, local)
		} else {
			for r.pos = r.comma(end); r.pos < end && r.localIn(r.pos+1, r.commaFrom(r.pos+1, end)) != r.pos+1; {
				r.pos = r.commaFrom(r.pos+1, end)
			}
			s := &statement{span: span{begin, r.pos, false, false}, piece: r.read("SET " + r.text(begin, r.pos))}
			all.list = append(all.list, s)
		}
		if r.pos < end {
			r.expectOp(',')
		}
	}
	return all
}

// commaFrom is comma from another token on.
func (r *reader) commaFrom(from, end int32) int32 {
	here := r.pos
	defer func() { r.pos = here }()
	r.pos = from
	return r.comma(end)
}

// target reads what takes a value.
func (r *reader) target() target {
	if r.pos < r.end && r.toks[r.pos].Kind == sqltext.UserVar {
		r.pos++
		return target{user: string(r.scan.Bytes(r.pos - 1))}
	}
	n := r.name()
	if !r.declared(n) {
		r.odd()
	}
	if r.acceptOp('.') {
		if !r.isName(0) {
			r.odd()
		}
		r.pos++
		return target{local: n, field: r.written(r.pos - 1)}
	}
	return target{local: n}
}

func (r *reader) targets() (out []target) {
	for {
		out = append(out, r.target())
		if !r.acceptOp(',') {
			return out
		}
	}
}

// plain reads a statement that is not the program's own.
func (r *reader) plain(from int32) node {
	end := r.semicolon()
	if end == from {
		r.odd()
	}
	s := &statement{}
	text := r.text(from, end)
	if r.kw(0) == sqltext.KwSelect || r.kw(0) == sqltext.KwWith || r.op(0, '(') {
		if at, ok := r.into(from, end); ok {
			r.pos = at + 1
			s.into = r.targets()
			text = r.text(from, at) + " " + r.text(r.pos, end)
		}
	}
	s.piece = r.read(text)
	switch s.stmt.Kind {
	case sqltext.KindOther:
		r.refuse(strings.ToUpper(string(r.scan.Bytes(from)))+" in a program", "it is no statement that the cluster has for programs")
	case sqltext.KindLoadData, sqltext.KindLock, sqltext.KindUnlock, sqltext.KindUse, sqltext.KindHandler, sqltext.KindCluster, sqltext.KindXA:
		r.refuse(strings.ToUpper(string(r.scan.Bytes(from)))+" in a program", "have the application send it")
	case sqltext.KindSelect:
		q := s.stmt.Query
		s.emit = s.into == nil && r.alone(s.piece) && q != nil && !q.Opaque && q.Select != nil && q.Select.Tail.Empty() && q.Select.From == nil &&
			s.stmt.Facts&(sqltext.HasInto|sqltext.HasCalcFoundRows|sqltext.HasUserVarAssign|sqltext.HasProcedureAnalyse) == 0 && s.stmt.SetStatement.Empty()
	}
	r.pos = end
	s.span = span{from, end, false, false}
	return s
}

// into finds the INTO of a SELECT that names variables.
func (r *reader) into(from, to int32) (int32, bool) {
	for i := from; i+1 < to; i++ {
		t := r.toks[i]
		if t.Kind != sqltext.Word || t.KW != sqltext.KwInto || r.toks[i-1].Kind == sqltext.Op && r.toks[i-1].Op == '.' {
			continue
		}
		next := r.toks[i+1]
		if next.Kind == sqltext.UserVar {
			return i, true
		}
		if next.Kind == sqltext.Word && (next.KW == sqltext.KwOutfile || next.KW == sqltext.KwDumpfile) {
			r.refuse("SELECT … INTO OUTFILE in a program", "the file would be a leaf's")
		}
		return i, true
	}
	return 0, false
}

// declare reads DECLARE.
func (r *reader) declare() node {
	from := r.pos
	r.pos++
	switch kw := r.kw(0); {
	case (kw == sqltext.KwContinue || kw == sqltext.KwExit || kw == sqltext.KwUndo) && r.kw(1) == sqltext.KwHandler:
		return r.handler(from, kw == sqltext.KwExit)
	case r.isName(1) && r.kw(1) == sqltext.KwCondition:
		c := &condition{name: r.name()}
		r.expect(sqltext.KwCondition, sqltext.KwFor)
		at := r.pos
		c.value, _ = r.match()
		c.text = r.text(at, r.pos)
		c.span = span{from, r.pos, false, false}
		return c
	case r.isName(1) && r.kw(1) == sqltext.KwCursor:
		c := &cursor{name: r.name()}
		r.pos++
		c.params = r.cursorParams()
		r.expect(sqltext.KwFor)
		if r.kw(0) == sqltext.KwPrepare || r.isName(0) && r.kw(0) != sqltext.KwSelect && r.kw(0) != sqltext.KwWith && r.kw(0) != sqltext.KwValues {
			r.refuse("a cursor for a prepared statement", "declare it with its query")
		}
		q, ok := r.plain(r.pos).(*statement)
		if !ok || q.stmt.Kind != sqltext.KindSelect || q.into != nil {
			r.odd()
		}
		c.query = q
		c.span = span{from, r.pos, false, false}
		return c
	}
	d := &declare{}
	for {
		if !r.isName(0) {
			r.odd()
		}
		d.vars = append(d.vars, r.written(r.pos))
		r.pos++
		if !r.acceptOp(',') {
			break
		}
	}
	at, end := r.pos, r.semicolon()
	for r.pos < end && r.kw(0) != sqltext.KwDefault && !r.op(0, opAssign) {
		r.pos++
	}
	to := r.pos
	r.pos = at
	d.spec = r.typeTo(to)
	pure := d.spec.of == nil // a leaf knows no cursor of an outer block, and no temporary table
	if r.pos < end {
		r.pos++
		e := r.exprTo(end)
		d.value, pure = &e, e.alone && pure
	}
	for _, v := range d.vars {
		r.scope = append(r.scope, lower(v))
	}
	d.span = span{from, r.pos, pure, false}
	return d
}

func (r *reader) handler(from int32, exit bool) node {
	r.pos += 2
	h := &handler{exit: exit}
	r.expect(sqltext.KwFor)
	for {
		m, name := r.match()
		if name != "" {
			h.names = append(h.names, name)
		} else {
			h.for_ = append(h.for_, m)
		}
		if !r.acceptOp(',') {
			break
		}
	}
	n := r.one()
	h.body = n[0]
	if len(n) > 1 {
		h.body = &block{span: n[0].at(), items: n}
	}
	h.span = span{from, r.pos, false, false}
	return h
}

// match reads what a handler is for; name is that of a declared condition.
func (r *reader) match() (m match, name string) {
	switch {
	case r.kw(0) == sqltext.KwNot && r.word(1) == "FOUND":
		r.pos += 2
		return match{kind: forNotFound}, ""
	case r.acceptWord("SQLEXCEPTION"):
		return match{kind: forException}, ""
	case r.acceptWord("SQLWARNING"):
		return match{kind: forWarning}, ""
	case r.pos < r.end && r.toks[r.pos].Kind == sqltext.Number:
		r.pos++
		n := 0
		for _, c := range r.scan.Bytes(r.pos - 1) {
			if c < '0' || c > '9' || n > 1<<16 {
				r.odd()
			}
			n = n*10 + int(c-'0')
		}
		return match{kind: forCode, code: uint16(n)}, ""
	case r.word(0) == "SQLSTATE":
		r.pos++
		r.acceptWord("VALUE")
		if r.pos >= r.end || r.toks[r.pos].Kind != sqltext.String {
			r.odd()
		}
		r.pos++
		return match{kind: forState, state: string(sqltext.Unquote(nil, r.toks[r.pos-1], r.scan.Src, r.p.mode))}, ""
	}
	return match{}, r.name()
}

func (r *reader) fetch(from int32) node {
	r.pos++
	if r.kw(0) == sqltext.KwNext {
		r.pos++
		r.expect(sqltext.KwFrom)
	} else if r.kw(0) == sqltext.KwFrom {
		r.pos++
	}
	f := &fetch{cursor: r.name()}
	if r.acceptWord("GROUP") {
		r.refuse("FETCH GROUP NEXT ROW", "it is for aggregate functions")
	}
	r.expect(sqltext.KwInto)
	f.into = r.targets()
	f.span = span{from, r.pos, false, false}
	return f
}

func (r *reader) signal(from int32) node {
	s := &signal{again: r.kw(0) == sqltext.KwResignal}
	r.pos++
	end := r.semicolon()
	s.plain = r.pos == end
	if r.pos < end && r.kw(0) != sqltext.KwSet {
		s.named = true
		_, s.condition = r.match()
	}
	r.pos = end
	s.span = span{from, end, false, false}
	return s
}

func (r *reader) diagnostics(from int32) node {
	d := &diagnostics{}
	r.pos++
	if r.acceptWord("STACKED") {
		r.odd()
	}
	r.acceptWord("CURRENT")
	if !r.acceptWord("DIAGNOSTICS") {
		r.odd()
	}
	if r.accept(sqltext.KwCondition) {
		e := r.exprTo(r.pos + 1)
		d.number = &e
	}
	for {
		it := item{to: r.target()}
		r.expectOp('=')
		it.what = r.word(0)
		r.pos++
		d.items = append(d.items, it)
		if !r.acceptOp(',') {
			break
		}
	}
	d.span = span{from, r.pos, false, false}
	return d
}
