package plan

import (
	"slices"

	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
)

// walk visits e and what is in it, outside in, until f says no for a branch. Subqueries are visited, not entered.
func walk(e sqltext.Expr, f func(sqltext.Expr) bool) {
	if e == nil || !f(e) {
		return
	}
	switch x := e.(type) {
	case *sqltext.Binary:
		walk(x.L, f)
		walk(x.R, f)
	case *sqltext.Not:
		walk(x.X, f)
	case *sqltext.In:
		walk(x.X, f)
		walkAll(x.List, f)
	case *sqltext.Between:
		walk(x.X, f)
		walk(x.Lo, f)
		walk(x.Hi, f)
	case *sqltext.IsNull:
		walk(x.X, f)
	case *sqltext.Func:
		walkAll(x.Args, f)
		walkAll(x.Windows, f)
	case *sqltext.Row:
		walkAll(x.Elems, f)
	case *sqltext.Paren:
		walk(x.X, f)
	case *sqltext.Opaque:
		walkAll(x.Subs, f)
	}
}

func walkAll(list []sqltext.Expr, f func(sqltext.Expr) bool) {
	for _, e := range list {
		walk(e, f)
	}
}

// any says whether f holds for e or something in it.
func anyExpr(e sqltext.Expr, f func(sqltext.Expr) bool) bool {
	found := false
	walk(e, func(x sqltext.Expr) bool {
		found = found || f(x)
		return !found
	})
	return found
}

// unparen strips brackets.
func unparen(e sqltext.Expr) sqltext.Expr {
	for {
		p, ok := e.(*sqltext.Paren)
		if !ok {
			return e
		}
		e = p.X
	}
}

// aggregates are the functions over a group. True: parts of a group can be combined.
var aggregates = map[string]bool{
	"COUNT": true, "SUM": true, "AVG": true, "MIN": true, "MAX": true, "BIT_AND": true, "BIT_OR": true, "BIT_XOR": true,
	"GROUP_CONCAT": false, "STD": false, "STDDEV": false, "STDDEV_POP": false, "STDDEV_SAMP": false, "VAR_POP": false,
	"VAR_SAMP": false, "VARIANCE": false, "JSON_ARRAYAGG": false, "JSON_OBJECTAGG": false, "MEDIAN": false,
	"PERCENTILE_CONT": false, "PERCENTILE_DISC": false, "ST_COLLECT": false,
}

// aggregate is the aggregate function that e is.
func aggregate(e sqltext.Expr) *sqltext.Func {
	f, ok := e.(*sqltext.Func)
	if !ok || !f.Over.Empty() {
		return nil
	}
	if _, known := aggregates[strings.ToUpper(f.Name)]; !known {
		return nil
	}
	return f
}

func isAggregate(e sqltext.Expr) bool { return aggregate(e) != nil }

// HasAggregate says whether an expression has a call of an aggregate function in it.
func HasAggregate(e sqltext.Expr) bool { return hasAggregate(e) }

func hasAggregate(e sqltext.Expr) bool { return anyExpr(e, isAggregate) }

func isWindow(e sqltext.Expr) bool {
	f, ok := e.(*sqltext.Func)
	return ok && !f.Over.Empty()
}

func isSubquery(e sqltext.Expr) bool {
	switch x := e.(type) {
	case *sqltext.Subquery:
		return true
	case *sqltext.In:
		return x.Sub != nil
	}
	return false
}

func isColumn(e sqltext.Expr) bool { _, ok := e.(*sqltext.Column); return ok }

// isConstant says that e names no column, function or subquery: it orders nothing.
func isConstant(e sqltext.Expr) bool {
	return !anyExpr(e, func(x sqltext.Expr) bool {
		switch x.(type) {
		case *sqltext.Literal, *sqltext.ParamRef, *sqltext.Paren:
			return false
		}
		return true
	})
}

// selectExprs calls f with every expression of a SELECT that belongs to its block, ON conditions excluded.
func selectExprs(s *sqltext.Select, f func(sqltext.Expr)) {
	for i := range s.Items {
		f(s.Items[i].Expr)
	}
	f(s.Where)
	for i := range s.Group {
		f(s.Group[i].Expr)
	}
	f(s.Having)
	for i := range s.Order {
		f(s.Order[i].Expr)
	}
	if s.Limit != nil {
		f(s.Limit.Count)
		f(s.Limit.Offset)
	}
}

// isGrouped says that a SELECT folds rows: GROUP BY or an aggregate outside subqueries.
func isGrouped(s *sqltext.Select) bool {
	if len(s.Group) > 0 {
		return true
	}
	found := false
	look := func(e sqltext.Expr) { found = found || (e != nil && hasAggregate(e)) }
	for i := range s.Items {
		look(s.Items[i].Expr)
	}
	look(s.Having)
	for i := range s.Order {
		look(s.Order[i].Expr)
	}
	return found
}

// hasWindow says that a SELECT computes window functions.
func hasWindow(s *sqltext.Select) bool {
	if !s.Windows.Empty() {
		return true
	}
	found := false
	for i := range s.Items {
		found = found || anyExpr(s.Items[i].Expr, isWindow)
	}
	for i := range s.Order {
		found = found || anyExpr(s.Order[i].Expr, isWindow)
	}
	return found
}

// noteFunc remembers window functions and stored functions of sharded databases.
func (p *planner) noteFunc(f *sqltext.Func) {
	p.windowSeen = p.windowSeen || !f.Over.Empty()
	if db := p.storedElsewhere(f); db != "" {
		p.stored = db
	}
}

// has says whether a table name is one of the block's own.
func (b *block) has(table sqltext.Name) bool {
	return table.Tok >= 0 && slices.ContainsFunc(b.sources, func(s *source) bool { return s.name == table.Text })
}

// foldsOuter says whether an aggregate of a subquery may be over columns of outer queries only: then it belongs to them.
func foldsOuter(b *block) bool {
	found := false
	selectExprs(b.sel, func(e sqltext.Expr) {
		walk(e, func(x sqltext.Expr) bool {
			if f := aggregate(x); f != nil {
				outer, own := false, false
				for _, a := range f.Args {
					walk(a, func(y sqltext.Expr) bool {
						c, is := y.(*sqltext.Column)
						if !is {
							return true
						}
						n, ok := b.resolve(c)
						mine := ok && n.src.block == b || !ok && b.has(c.Table)
						outer, own = outer || !mine, own || mine
						return true
					})
				}
				found = found || outer && !own
			}
			return true
		})
	})
	return found
}
