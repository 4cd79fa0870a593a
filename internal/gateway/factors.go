package gateway

import "github.com/orbweaver/orbweaver/internal/sqltext"

// factors are the plain tables of all FROM clauses of a statement, subqueries included.
func factors(stmt *sqltext.Stmt) []*sqltext.TableRef {
	w := factorWalk{}
	w.statement(stmt)
	return w.out
}

type factorWalk struct{ out []*sqltext.TableRef }

func (w *factorWalk) statement(stmt *sqltext.Stmt) {
	switch {
	case stmt.Query != nil:
		w.query(stmt.Query)
	case stmt.Insert != nil:
		w.query(stmt.Insert.Select)
		for _, row := range stmt.Insert.Rows {
			w.exprs(row)
		}
	case stmt.Update != nil:
		w.refs(stmt.Update.From)
		w.expr(stmt.Update.Where)
		for _, a := range stmt.Update.Set {
			w.expr(a.Value)
		}
	case stmt.Delete != nil:
		w.refs(stmt.Delete.From)
		w.expr(stmt.Delete.Where)
	case stmt.Set != nil:
		for _, v := range stmt.Set.Vars {
			w.expr(v.Value)
		}
	case stmt.Inner != nil:
		w.statement(stmt.Inner)
	}
}

func (w *factorWalk) query(q *sqltext.Query) {
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
	for _, o := range q.Order {
		w.expr(o.Expr)
	}
	sel := q.Select
	if sel == nil {
		return
	}
	for i := range sel.Items {
		w.expr(sel.Items[i].Expr)
	}
	w.refs(sel.From)
	w.expr(sel.Where)
	w.expr(sel.Having)
	for _, o := range sel.Group {
		w.expr(o.Expr)
	}
	for _, o := range sel.Order {
		w.expr(o.Expr)
	}
}

func (w *factorWalk) refs(refs []sqltext.TableRef) {
	for i := range refs {
		w.ref(&refs[i])
	}
}

func (w *factorWalk) ref(r *sqltext.TableRef) {
	switch {
	case r.Table != nil:
		w.out = append(w.out, r)
	case r.Derived != nil:
		w.query(r.Derived)
	case r.Join != nil:
		w.ref(&r.Join.Left)
		w.ref(&r.Join.Right)
		w.expr(r.Join.On)
	default:
		w.refs(r.Nested)
	}
}

func (w *factorWalk) exprs(list []sqltext.Expr) {
	for _, e := range list {
		w.expr(e)
	}
}

func (w *factorWalk) expr(e sqltext.Expr) {
	if e == nil {
		return
	}
	sqltext.Walk(e, func(x sqltext.Expr) bool {
		if sub, ok := x.(*sqltext.Subquery); ok {
			w.query(sub.Query)
			return false
		}
		return true
	})
}
