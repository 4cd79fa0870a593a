package sqltext

// cursor reads what follows DECLARE in DECLARE name CURSOR FOR query.
func (r *triggerReader) cursor() bool {
	n, ok := r.name()
	if !ok || isRowName(n.Text) {
		return r.odd("")
	}
	r.pos++ // CURSOR
	if r.isOp('(') {
		return r.odd("a CURSOR with parameters")
	}
	if !r.accept(KwFor) {
		return r.odd("")
	}
	to := r.pos
	for to < r.end && !(r.toks[to].Kind == Op && r.toks[to].Op == ';') {
		to++
	}
	if !r.rows(to) {
		return false
	}
	r.cursors = append(r.cursors, lower(n.Text))
	return true
}

// rows reads a query up to a token, which may have no INTO.
func (r *triggerReader) rows(to int32) bool {
	for i := r.pos; i < to; i++ {
		if r.toks[i].Kind == Word && r.toks[i].KW == KwInto {
			return r.odd("")
		}
	}
	if !r.is(KwSelect) && !(r.function && (r.isOp('(') || r.is(KwWith))) {
		return r.odd("")
	}
	outer := r.end
	r.parser.end = to
	st := r.nested()
	r.parser.end = outer
	if r.err != nil || r.pos < to || st.Kind != KindSelect || st.Query == nil || st.Query.Opaque {
		return r.odd("this SELECT")
	}
	r.t.Stmts = append(r.t.Stmts, st)
	r.t.Loops = append(r.t.Loops, st)
	return true
}

// isCursor takes the name of a cursor that is declared.
func (r *triggerReader) isCursor() bool {
	if !isName(r.tok()) {
		return false
	}
	name := lower(r.nameAt(r.pos).Text)
	for _, c := range r.cursors {
		if c == name {
			r.pos++
			return true
		}
	}
	return false
}

// onCursor reads OPEN, CLOSE and FETCH … INTO variables.
func (r *triggerReader) onCursor(kw Keyword) bool {
	r.pos++
	if kw == KwFetch && r.function && r.acceptWords("GROUP", "NEXT", "ROW") { // of an aggregate function
		return true
	}
	if kw == KwFetch {
		r.accept(KwNext)
		r.accept(KwFrom)
	}
	if !r.isCursor() {
		return r.odd("")
	}
	if kw != KwFetch {
		return true
	}
	if !r.accept(KwInto) {
		return r.odd("")
	}
	for {
		if !r.variable() {
			return r.odd("")
		}
		if !r.acceptOp(',') {
			return true
		}
	}
}

// forLoop reads FOR name IN a..b, a cursor or (query) DO … END FOR. A row of a query is a variable, whose fields are called as columns of a table of its name are.
func (r *triggerReader) forLoop() bool {
	r.pos++
	n, ok := r.name()
	if !ok || isRowName(n.Text) || !r.accept(KwIn) {
		return r.odd("")
	}
	switch {
	case r.isOp('('):
		to := r.closing()
		if r.pos++; !r.rows(to) {
			return false
		}
		r.pos = to + 1
	case r.isCursor():
	case !r.bounds():
		return r.odd("FOR with these bounds")
	}
	if !r.accept(KwDo) {
		return r.odd("")
	}
	outer := len(r.scope)
	r.scope = append(r.scope, lower(n.Text))
	r.t.Vars = append(r.t.Vars, lower(n.Text))
	ok = r.list(KwEnd) && r.closes(KwFor)
	r.scope = r.scope[:outer]
	return ok
}

// closing is the bracket that ends what begins here.
func (r *triggerReader) closing() int32 {
	depth := 0
	for i := r.pos; i < r.end; i++ {
		if r.toks[i].Kind != Op {
			continue
		}
		switch r.toks[i].Op {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return r.end
}

// bounds reads 1..3 or 1..name, of which the lexer makes the numbers 1. and .3.
func (r *triggerReader) bounds() bool {
	if r.word(0) == "REVERSE" {
		r.pos++
	}
	first := r.tok()
	if first.Kind != Number || r.src[first.End-1] != '.' {
		return false
	}
	r.pos++
	next := r.tok()
	switch {
	case next.Start != first.End:
		return false
	case next.Kind == Number && r.src[next.Start] == '.':
		r.pos++
		return true
	}
	return r.acceptOp('.') && r.variable()
}
