package plan

import (
	"slices"

	"github.com/orbweaver/orbweaver/internal/sqltext"
)

// once are the values of an INSERT that may differ from leaf to leaf or from call to call; nil when what differs may be elsewhere, or can't be found out before.
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
			ok = false
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
		if computed, _ := p.computes(s.OnDup[i].Value); computed {
			ok = false
		}
	}
	if !ok {
		return nil
	}
	slices.SortFunc(out, func(a, b sqltext.Span) int { return int(a.From - b.From) })
	return out
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
