package plan

import (
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
)

// once are the values of an INSERT that may differ from leaf to leaf or from call to call; nil when what differs may be elsewhere, or can't be found out before. Of a value that reads
// columns or tables they are the calls in it that differ, which read none. What is met by ON DUPLICATE KEY UPDATE is one row at most, where one is inserted.
func (p *planner) once(s *sqltext.Insert) []sqltext.Span {
	const beyond = sqltext.HasLockFunction | sqltext.HasStoredCall | sqltext.HasSequence | sqltext.HasUserVarAssign
	if s.Select != nil || p.stmt.Facts&beyond != 0 || !p.stmt.SetStatement.Empty() {
		return nil
	}
	var out []sqltext.Span
	ok := true
	look := func(e sqltext.Expr) {
		switch computed, reads := p.computes(e); {
		case !computed:
		case reads:
			calls, fine := p.calls(e)
			out, ok = append(out, calls...), ok && fine
		default:
			out = append(out, e.ExprSpan())
		}
	}
	for i := range s.Rows {
		for _, e := range s.Rows[i] {
			look(e)
		}
	}
	for i := range s.Set {
		look(s.Set[i].Value)
	}
	for i := range s.OnDup {
		calls, fine := p.calls(s.OnDup[i].Value)
		out, ok = append(out, calls...), ok && fine && (len(calls) == 0 || len(s.Rows) <= 1)
	}
	if !ok {
		return nil
	}
	slices.SortFunc(out, func(a, b sqltext.Span) int { return int(a.From - b.From) })
	return out
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
