package plan

import (
	"cmp"
	"iter"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// once are the values of an INSERT that may differ from leaf to leaf or from call to call; nil when what differs may be elsewhere, or can't be found out before. Of a value that reads
// columns or tables they are the calls in it that differ, which read none. What is met by ON DUPLICATE KEY UPDATE is one row at most, where one is inserted.
func (p *planner) once(s *sqltext.Insert) []First {
	if s.Select != nil || !p.onceFit() {
		return nil
	}
	var out []First
	ok := true
	add := func(calls []sqltext.Span) {
		for _, c := range calls {
			out = append(out, First{Span: c})
		}
	}
	look := func(e sqltext.Expr) {
		switch computed, reads := p.computes(e); {
		case !computed:
		case reads:
			calls, fine := p.calls(e)
			add(calls)
			ok = ok && fine
		default:
			out = append(out, firstOf(e))
		}
	}
	for e := range valuesOf(s) {
		look(e)
	}
	for i := range s.OnDup {
		calls, fine := p.calls(s.OnDup[i].Value)
		add(calls)
		ok = ok && fine && (len(calls) == 0 || len(s.Rows) <= 1)
	}
	if !ok {
		return nil
	}
	return inTextOrder(out)
}

// First is an expression of an INSERT whose value is found out first, and then stands in its place.
type First struct {
	sqltext.Span
	Divided bool // it may have more digits than are printed, all of which are asked for
	Null    bool // it is DEFAULT, which MariaDB takes for NULL
}

// Append appends the text that asks for it.
func (f *First) Append(text []byte, scan *sqltext.Scan) []byte {
	if f.Null {
		return append(text, "NULL"...)
	}
	if !f.Divided {
		return scan.AppendSpan(text, f.Span)
	}
	return append(scan.AppendSpan(append(text, '('), f.Span), ")+"+nothing...)
}

func firstOf(e sqltext.Expr) First {
	return First{Span: e.ExprSpan(), Divided: moreDigits(e, nil, false)}
}

// firstsIn are the expressions of a value that are to be found out first, as there are subqueries over partitions in it: the value, or where it reads columns of its row, its
// subqueries. Not ok when these do not stand for one value each.
func (p *planner) firstsIn(e sqltext.Expr) (list []First, ok bool) {
	if !anyExpr(e, isColumn) {
		return []First{firstOf(e)}, true
	}
	var parts []sqltext.Expr
	switch x := unparen(e).(type) {
	case *sqltext.Column:
		return nil, true
	case *sqltext.Binary:
		parts = []sqltext.Expr{x.L, x.R}
	case *sqltext.Func:
		parts = x.Args
		if x.Odd || !x.Over.Empty() || looksAtType(x) && anyExpr(x, isSubquery) {
			return nil, false
		}
	default:
		return nil, false
	}
	for _, part := range parts {
		found, fine := p.firstsIn(part)
		if !fine || p.losesType(part) {
			return nil, false
		}
		if anyExpr(part, isSubquery) {
			list = append(list, found...)
		}
	}
	return list, true
}

// looksAtType says whether a function makes something else of JSON, or of a truth value, than of a literal of it.
func looksAtType(f *sqltext.Func) bool { return strings.HasPrefix(f.Name, "JSON_") }

// losesType says whether an expression is a subquery whose value a literal may not stand for in another expression: nobody tells that it is a UUID or INET6, and not a string.
func (p *planner) losesType(e sqltext.Expr) bool {
	x, ok := unparen(e).(*sqltext.Subquery)
	if !ok {
		return false
	}
	s := x.Query.Select
	plain := s != nil && len(s.Items) == 1 && s.Items[0].Expr != nil && !anyExpr(s.Items[0].Expr, isSubquery)
	for _, n := range p.stmt.Tables {
		t, _, err := p.lookup(n)
		if !inside(n.Span, x.Span) || err != nil || t == nil {
			continue
		}
		if slices.ContainsFunc(t.Columns, func(c topo.Column) bool {
			return columnClass(&c) == classNever && (!plain || anyExpr(s.Items[0].Expr, func(e sqltext.Expr) bool {
				named, ok := e.(*sqltext.Column)
				return ok && strings.EqualFold(named.Name.Text, c.Name)
			}))
		}) {
			return true
		}
	}
	return false
}

// inTextOrder puts expressions in the order of the text, without those that are in others.
func inTextOrder(list []First) []First {
	slices.SortFunc(list, func(a, b First) int { return cmp.Or(int(a.From-b.From), int(b.To-a.To)) })
	to := int32(-1)
	return slices.DeleteFunc(list, func(f First) bool {
		in := f.To <= to
		to = max(to, f.To)
		return in
	})
}

// onceFit says whether a statement may be run with the values that a query gives some of its expressions.
func (p *planner) onceFit() bool {
	const beyond = sqltext.HasLockFunction | sqltext.HasStoredCall | sqltext.HasSequence
	return p.stmt.Facts&beyond == 0 && p.stmt.SetStatement.Empty()
}

// assignedFirst are the values of an INSERT that assign to user variables or read some, where others assign: they are found out first, by one query, row after row, unless the one row is written as it is. others: there
// are other values that are.
func (p *planner) assignedFirst(s *sqltext.Insert, table *topo.Table, ins *Insert, others bool) ([]First, error) {
	if p.stmt.Facts&sqltext.HasUserVarAssign == 0 || !others && !p.assignsApart(table, ins) {
		return nil, nil
	}
	var out []First
	assigns, reads := false, false
	look := func(e sqltext.Expr) {
		span := e.ExprSpan()
		if !p.hasUserVar(span) {
			return
		}
		assigns = assigns || p.scan.AssignsVariable(span)
		_, read := p.computes(e)
		reads = reads || read || anyExpr(e, asksDefault)
		out = append(out, firstOf(e))
	}
	for e := range valuesOf(s) {
		look(e)
	}
	switch {
	case (assigns || others) && p.varsBehind(s):
		return nil, NeedsStage("user variables in ON DUPLICATE KEY UPDATE or RETURNING of an INSERT with values that are found out first")
	case !assigns:
		return nil, nil
	case reads || !p.onceFit():
		return nil, NeedsStage("a value of an INSERT with user variables that are assigned to, and columns, subqueries, stored functions or the like")
	}
	return out, nil
}

// valuesOf are the values of an INSERT, in the order of its text.
func valuesOf(s *sqltext.Insert) iter.Seq[sqltext.Expr] {
	return func(yield func(sqltext.Expr) bool) {
		for i := range s.Rows {
			for _, e := range s.Rows[i] {
				if !yield(e) {
					return
				}
			}
		}
		for i := range s.Set {
			if !yield(s.Set[i].Value) {
				return
			}
		}
	}
}

// assignsApart says whether what an INSERT assigns to user variables may be assigned at several places, or is needed where a row's place is found out.
func (p *planner) assignsApart(table *topo.Table, ins *Insert) bool {
	if table.Kind == topo.Reference || len(ins.Rows) > 1 && (table.Kind == topo.Sharded || table.Kind == topo.Linked) {
		return true
	}
	return slices.ContainsFunc(append(slices.Concat(ins.Keys...), ins.Autos...), func(o Operand) bool {
		return p.hasUserVar(o.Expr) && p.scan.AssignsVariable(sqltext.Span{From: ins.Rows[0].From, To: o.Expr.To})
	})
}

// asksDefault says whether an expression is DEFAULT, or DEFAULT of a column.
func asksDefault(e sqltext.Expr) bool {
	switch x := e.(type) {
	case *sqltext.Literal:
		return x.Kind == sqltext.LitDefault
	case *sqltext.Func:
		return strings.EqualFold(x.Name, "DEFAULT")
	}
	return false
}

// varsBehind says whether ON DUPLICATE KEY UPDATE or RETURNING name user variables.
func (p *planner) varsBehind(s *sqltext.Insert) bool {
	return p.hasUserVar(s.Returning) || slices.ContainsFunc(s.OnDup, func(a sqltext.Assign) bool { return p.hasUserVar(a.Value.ExprSpan()) })
}

// calls are the calls in an expression that differ from leaf to leaf or from call to call; not fine when one of them reads a column or a table. What is in subqueries may be called
// for each of their rows, and is left where it is: the statement is found to differ still.
func (p *planner) calls(e sqltext.Expr) (out []sqltext.Span, fine bool) {
	const differ = sqltext.HasNondeterministic | sqltext.HasPlaceFunction
	fine = true
	walk(e, func(x sqltext.Expr) bool {
		switch x := x.(type) {
		case *sqltext.Subquery:
			return false
		case *sqltext.Func:
			if x.Stored || sqltext.FactsOf(strings.ToUpper(x.Name))&differ == 0 {
				return true
			}
			if _, reads := p.computes(x); reads {
				fine = false
			}
			out = append(out, x.ExprSpan())
			return false
		}
		return true
	})
	return out, fine
}

// computes says whether an expression is more than what is the same everywhere, values, columns, plain functions and the time, and whether it reads columns or tables.
func (p *planner) computes(e sqltext.Expr) (computed, reads bool) {
	walk(e, func(x sqltext.Expr) bool {
		switch x := x.(type) {
		case *sqltext.Column:
			reads = true
		case *sqltext.Func:
			_, tame := tameFunctions[x.Name]
			computed = computed || x.Stored || !tame && !clockFunctions[x.Name] && x.Name != "VALUES" && x.Name != "VALUE"
		case *sqltext.Literal, *sqltext.ParamRef, *sqltext.Paren, *sqltext.Binary, *sqltext.Not, *sqltext.IsNull, *sqltext.Between, *sqltext.Row:
		default:
			computed = true
		}
		return true
	})
	span := e.ExprSpan()
	reads = reads || slices.ContainsFunc(p.stmt.Tables, func(t *sqltext.TableName) bool { return inside(t.Span, span) })
	return computed, reads
}
