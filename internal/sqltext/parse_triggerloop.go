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

// bounds reads lower..upper. Of digits beside the dots the lexer makes the numbers 1. and .3, which will do for what they are.
func (r *triggerReader) bounds() bool {
	if r.word(0) == "REVERSE" {
		r.pos++
	}
	to, next := r.dots()
	if to < 0 {
		return false
	}
	outer := r.end
	r.parser.end = to
	lower, ok := r.expression()
	r.parser.end = outer
	if !ok || r.pos != to {
		return false
	}
	r.pos = next
	upper, ok := r.expression()
	r.t.Exprs = append(r.t.Exprs, lower, upper)
	return ok
}

// dots finds where the lower bound of a FOR ends, and the upper one begins.
func (r *triggerReader) dots() (to, next int32) {
	for i := r.pos; i+1 < r.end && r.toks[i].KW != KwDo; i++ {
		t, after := r.toks[i], r.toks[i+1]
		if after.Start != t.End || r.src[after.Start] != '.' {
			continue
		}
		if after.Kind == Op {
			next = i + 2
		} else {
			next = i + 1
		}
		switch {
		case t.Kind == Op && t.Op == '.':
			return i, next
		case t.Kind == Number && r.src[t.End-1] == '.':
			return i + 1, next
		}
	}
	return -1, -1
}
