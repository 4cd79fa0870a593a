package sqltext

// Walk calls f for e and, where f returns true, for the expressions inside it, in the order of the text. It does not enter the queries of
// subqueries.
func Walk(e Expr, f func(Expr) bool) {
	if e == nil || !f(e) {
		return
	}
	switch e := e.(type) {
	case *Binary:
		walkBinary(e, f)
	case *Not:
		Walk(e.X, f)
	case *In:
		Walk(e.X, f)
		walkAll(e.List, f)
		if e.Sub != nil {
			f(&Subquery{Span: e.Sub.Span, Query: e.Sub})
		}
	case *Between:
		Walk(e.X, f)
		Walk(e.Lo, f)
		Walk(e.Hi, f)
	case *IsNull:
		Walk(e.X, f)
	case *Func:
		walkAll(e.Args, f)
	case *Row:
		walkAll(e.Elems, f)
	case *Paren:
		Walk(e.X, f)
	case *Opaque:
		walkAll(e.Subs, f)
	}
}

// walkBinary walks the operands of e, without a call per operator of a long chain.
func walkBinary(e *Binary, f func(Expr) bool) {
	spine := []*Binary{e}
	for {
		l, ok := e.L.(*Binary)
		if !ok {
			Walk(e.L, f)
			break
		}
		if !f(l) {
			break
		}
		spine = append(spine, l)
		e = l
	}
	for i := len(spine) - 1; i >= 0; i-- {
		Walk(spine[i].R, f)
	}
}

func walkAll(list []Expr, f func(Expr) bool) {
	for _, e := range list {
		Walk(e, f)
	}
}

// WalkTables calls f for every factor and join of a FROM clause, outer ones first, without entering derived tables' queries.
func WalkTables(refs []TableRef, f func(*TableRef)) {
	for i := range refs {
		walkTable(&refs[i], f)
	}
}

func walkTable(r *TableRef, f func(*TableRef)) {
	f(r)
	if r.Join != nil {
		walkTable(&r.Join.Left, f)
		walkTable(&r.Join.Right, f)
	}
	WalkTables(r.Nested, f)
}

// Unparen strips brackets off an expression.
func Unparen(e Expr) Expr {
	for {
		p, ok := e.(*Paren)
		if !ok {
			return e
		}
		e = p.X
	}
}

// Equated calls visit with the sides of each = that must be true for where to be, in both orders.
func Equated(where Expr, visit func(x, y Expr)) {
	for _, e := range Conjuncts(nil, where) {
		if b, ok := e.(*Binary); ok && b.Op == "=" {
			visit(b.L, b.R)
			visit(b.R, b.L)
		}
	}
}

// Conjuncts appends the operands of the ANDs at the top of e to dst, brackets stripped: all of them must be true for e to be.
func Conjuncts(dst []Expr, e Expr) []Expr {
	e = Unparen(e)
	if e == nil {
		return dst
	}
	if b, ok := e.(*Binary); ok && b.Op == "AND" {
		return Conjuncts(Conjuncts(dst, b.L), b.R)
	}
	return append(dst, e)
}
