package sqltext

// Factors are the plain tables of all FROM clauses of a statement, subqueries included, in no particular order.
func Factors(stmt *Stmt) []*TableRef {
	w := factorWalk{}
	w.statement(stmt)
	return w.out
}

// DerivedTables are the derived tables of all FROM clauses of a statement, in no particular order.
func DerivedTables(stmt *Stmt) []*TableRef {
	w := factorWalk{}
	w.statement(stmt)
	return w.derived
}

// Selects are the SELECT blocks of a statement, subqueries included, in no particular order.
func Selects(stmt *Stmt) []*Select {
	w := factorWalk{}
	w.statement(stmt)
	return w.selects
}

type factorWalk struct {
	out, derived []*TableRef
	selects      []*Select
}

func (w *factorWalk) statement(stmt *Stmt) {
	switch {
	case stmt.Query != nil:
		w.query(stmt.Query)
	case stmt.Insert != nil:
		w.query(stmt.Insert.Select)
		for _, row := range stmt.Insert.Rows {
			w.exprs(row)
		}
		w.assigns(stmt.Insert.Set)
		w.assigns(stmt.Insert.OnDup)
		w.items(stmt.Insert.Items)
	case stmt.Update != nil:
		w.refs(stmt.Update.From)
		w.expr(stmt.Update.Where)
		w.assigns(stmt.Update.Set)
		w.orders(stmt.Update.Order)
	case stmt.Delete != nil:
		w.refs(stmt.Delete.From)
		w.expr(stmt.Delete.Where)
		w.orders(stmt.Delete.Order)
		w.items(stmt.Delete.Items)
	case stmt.Set != nil:
		for _, v := range stmt.Set.Vars {
			w.expr(v.Value)
		}
	case stmt.Inner != nil:
		w.statement(stmt.Inner)
	}
}

func (w *factorWalk) query(q *Query) {
	if q == nil {
		return
	}
	if q.With != nil {
		for i := range q.With.CTEs {
			w.query(q.With.CTEs[i].Query)
		}
	}
	w.query(q.Left)
	w.query(q.Right)
	w.orders(q.Order)
	sel := q.Select
	if sel == nil {
		return
	}
	w.selects = append(w.selects, sel)
	w.items(sel.Items)
	w.refs(sel.From)
	w.expr(sel.Where)
	w.expr(sel.Having)
	w.orders(sel.Group)
	w.orders(sel.Order)
}

func (w *factorWalk) refs(refs []TableRef) {
	for i := range refs {
		w.ref(&refs[i])
	}
}

func (w *factorWalk) ref(r *TableRef) {
	switch {
	case r.Table != nil:
		w.out = append(w.out, r)
	case r.Derived != nil:
		w.derived = append(w.derived, r)
		w.query(r.Derived)
	case r.Join != nil:
		w.ref(&r.Join.Left)
		w.ref(&r.Join.Right)
		w.expr(r.Join.On)
	default:
		w.refs(r.Nested)
	}
}

func (w *factorWalk) exprs(list []Expr) {
	for _, e := range list {
		w.expr(e)
	}
}

func (w *factorWalk) items(list []SelectItem) {
	for i := range list {
		w.expr(list[i].Expr)
	}
}

func (w *factorWalk) assigns(list []Assign) {
	for i := range list {
		w.expr(list[i].Value)
	}
}

func (w *factorWalk) orders(list []OrderItem) {
	for i := range list {
		w.expr(list[i].Expr)
	}
}

func (w *factorWalk) expr(e Expr) {
	if e == nil {
		return
	}
	Walk(e, func(x Expr) bool {
		if sub, ok := x.(*Subquery); ok {
			w.query(sub.Query)
			return false
		}
		return true
	})
}
