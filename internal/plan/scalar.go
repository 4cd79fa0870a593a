package plan

import (
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// Scalar is a subquery in a condition that depends on nothing around it and gives one value. With that in its place the statement may need no stage, or a smaller one.
type Scalar struct {
	Span  sqltext.Span // with its brackets
	Query sqltext.Span
	Plan  *Plan // of Query
}

// maxScalars bounds them.
const maxScalars = 8

// scalars finds such subqueries among the blocks of a statement, where partitions can answer each by itself.
func (p *planner) scalars(blocks []*block) []Scalar {
	const unfit = sqltext.HasForUpdate | sqltext.HasUserVarAssign | sqltext.HasLockFunction | sqltext.HasStoredCall | sqltext.HasSequence | sqltext.HasSystemTime
	if p.stmt.Facts&unfit != 0 || !p.stmt.SetStatement.Empty() {
		return nil
	}
	var out []Scalar
	var b *block
	look := func(e sqltext.Expr) {
		if e == nil || p.asksYear(e, b) {
			return
		}
		p.operands(e, func(sub *sqltext.Subquery) bool {
			for i := range out {
				if inside(sub.Span, out[i].Span) {
					return true
				}
			}
			if len(out) == maxScalars {
				return true
			}
			plan := p.scalar(sub.Query)
			if plan != nil {
				out = append(out, Scalar{sub.Span, sub.Query.Span, plan})
			}
			return plan != nil
		})
	}
	for _, b = range blocks {
		look(b.sel.Where)
		look(b.sel.Having)
		sqltext.WalkTables(b.sel.From, func(r *sqltext.TableRef) {
			if r.Join != nil {
				look(r.Join.On)
			}
		})
	}
	slices.SortFunc(out, func(a, b Scalar) int { return int(a.Span.From - b.Span.From) })
	return out
}

// titles are the items of a query that are called by their text, and have a scalar or a condensed query in it.
func titles(q *sqltext.Query, scalars []Scalar, condensed []Condensed) (spans []sqltext.Span) {
	for q != nil && q.Select == nil {
		q = q.Left
	}
	if q == nil || len(scalars) == 0 && len(condensed) == 0 {
		return nil
	}
	for _, n := range itemNames(q.Select.Items, func(s sqltext.Span) bool {
		return slices.ContainsFunc(scalars, func(x Scalar) bool { return inside(x.Span, s) }) ||
			slices.ContainsFunc(condensed, func(x Condensed) bool { return inside(x.Query, s) })
	}) {
		spans = append(spans, n.Span)
	}
	return spans
}

// asksYear says whether a condition may be about a YEAR: MariaDB makes a year of a literal of two digits that one is compared with, and of no subquery's value.
func (p *planner) asksYear(e sqltext.Expr, b *block) bool {
	year := func(c topo.Column) bool { return c.Type == "year" }
	some := slices.ContainsFunc(p.stmt.Tables, func(t *sqltext.TableName) bool {
		table, _, err := p.lookup(t)
		return err == nil && table != nil && slices.ContainsFunc(table.Columns, year)
	})
	return some && anyExpr(e, func(x sqltext.Expr) bool {
		if _, ok := x.(*sqltext.Column); !ok {
			return false
		}
		n, ok := b.resolveExpr(x)
		return !ok || n.column() == nil || year(*n.column())
	})
}

// operands calls f with the subqueries that stand for a value in a condition.
func (p *planner) operands(e sqltext.Expr, f func(*sqltext.Subquery) bool) {
	switch x := e.(type) {
	case *sqltext.Subquery:
		f(x)
	case *sqltext.Paren:
		p.operands(x.X, f)
	case *sqltext.Not:
		p.operands(x.X, f)
	case *sqltext.Between:
		p.operands(x.X, f)
		p.operands(x.Lo, f)
		p.operands(x.Hi, f)
	case *sqltext.Binary:
		p.operands(x.L, f)
		p.operands(x.R, f)
	case *sqltext.In:
		if x.Sub == nil {
			for _, e := range x.List {
				p.operands(e, f)
			}
		}
	}
}

// scalar plans a subquery by itself; nil when it depends on what is around it, is not the same whenever it is run, may have more than a row, or would be staged.
func (p *planner) scalar(q *sqltext.Query) *Plan {
	s := q.Select
	if s == nil || q.With != nil || q.Bracket || len(s.Items) != 1 || s.Items[0].Star || !isGrouped(s) || len(s.Group) > 0 || s.Having != nil || len(s.Order) > 0 ||
		s.Limit != nil || !s.Tail.Empty() || p.counts(q.Span) {
		return nil
	}
	for i := q.Span.From; i < q.Span.To; i++ {
		t := &p.scan.Tokens[i]
		// A parameter's place among the others would be lost.
		if t.Kind == sqltext.Param || t.Kind == sqltext.SysVar || t.Kind == sqltext.Word && clockFunctions[strings.ToUpper(p.text(i))] {
			return nil
		}
	}
	if !isNumber(s.Items[0].Expr) && !isExtreme(s.Items[0].Expr) {
		return nil // it would be another value as a literal, with a collation of its own
	}
	for _, f := range sqltext.Factors(p.stmt) {
		if f.Table.CTE && inside(f.Table.Span, q.Span) {
			return nil
		}
	}
	sub := newPlanner(p.stmt, p.scan, p.snap, p.sess)
	sub.span, sub.stage = q.Span, newStager()
	sub.stage.unsteady = sub.counts
	u, err := sub.query(q, nil)
	if err != nil || sub.settleAll(u) != nil || sub.otherDB != "" || sub.system || !u.spread {
		return nil
	}
	for _, b := range sub.stage.blocks {
		if !b.closed() {
			return nil
		}
	}
	if f, ok := unparen(s.Items[0].Expr).(*sqltext.Func); ok && isExtreme(f) {
		n, ok := u.main.resolveExpr(f.Args[0])
		if !ok || n.column() == nil || keyKind(n.column()) == "" || keyKind(n.column()) == "char" {
			return nil
		}
	}
	plan := &Plan{Rows: true, Facts: p.stmt.Facts, Revision: p.snap.Revision, Route: sub.route(u), Forward: sub.names()}
	if plan.Merge, plan.Stage = sub.merge(u); plan.Stage != "" || sub.fault != nil {
		return nil
	}
	p.literals = p.literals || sub.literals
	return plan
}

// isExtreme is for MIN(x) and MAX(x).
func isExtreme(e sqltext.Expr) bool {
	f, ok := unparen(e).(*sqltext.Func)
	return ok && (f.Name == "MIN" || f.Name == "MAX") && len(f.Args) == 1 && !f.Odd && f.Over.Empty()
}

// closed says whether all columns that a block names are those of its own query.
func (b *block) closed() bool {
	all := true
	look := func(e sqltext.Expr) {
		walk(e, func(x sqltext.Expr) bool {
			if c, ok := x.(*sqltext.Column); ok {
				_, known := b.resolve(c)
				all = all && known
			}
			return true
		})
	}
	selectExprs(b.sel, look)
	sqltext.WalkTables(b.sel.From, func(r *sqltext.TableRef) {
		if r.Join != nil {
			look(r.Join.On)
		}
	})
	return all
}
