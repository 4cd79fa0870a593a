package plan

import (
	"slices"

	"github.com/orbweaver/orbweaver/internal/sqltext"
)

// Opened is a query of groups that computes windows over them, as two: the one that makes the groups, and the client's own on these, in which their columns stand for what it groups by and for its aggregates.
type Opened struct {
	// Groups are the spans of the first one's select list, in their order, each called as Names has it; Rest is what follows the list.
	Groups []sqltext.Span
	Names  []string
	Rest   sqltext.Span
	// Splices make the client's query the second one, but for From, in whose place the rows of the first one go.
	Splices []Splice
	From    sqltext.Span
	// Titles are the items of the second one that the client's text calls by their own.
	Titles []sqltext.Span
}

// opener makes one.
type opener struct {
	*grouper
	out   Opened
	known map[string]string // the columns by what they are
	bad   bool
}

// open divides a query; nil where that is not known to be the same.
func (p *planner) open(q *sqltext.Query) (o *Opened, db string) {
	s := q.Select
	if s == nil || q.With != nil || q.Bracket || !s.Tail.Empty() || !isGrouped(s) || !hasWindow(s) || !s.Windows.Empty() || s.FromSpan.Empty() || p.counts(q.Span) ||
		p.stmt.Facts&(sqltext.HasCalcFoundRows|sqltext.HasNondeterministic) != 0 {
		return nil, ""
	}
	for _, f := range sqltext.Factors(p.stmt) {
		if f.Table.CTE && inside(f.Table.Span, q.Span) {
			return nil, ""
		}
	}
	sub := newPlanner(p.stmt, p.scan, p.snap, p.sess)
	sub.span = q.Span
	u, err := sub.query(q, nil)
	if err != nil || sub.settleAll(u) != nil || sub.otherDB != "" || sub.system || !u.spread || u.inOne() || u.main == nil || u.bad != "" {
		return nil, ""
	}
	r := &opener{grouper: &grouper{merger: newMerger(sub, u), aggCols: make(map[string]Col)}, known: make(map[string]string)}
	if r.groupKeys() != "" || len(r.keys) != len(s.Group) {
		return nil, ""
	}
	r.open()
	p.literals = p.literals || sub.literals
	if r.bad {
		return nil, ""
	}
	return &r.out, sub.db
}

func (r *opener) open() {
	s := r.sel
	for i := range s.Items {
		it := &s.Items[i]
		if it.Star {
			r.bad = true
			return
		}
		name := ""
		if c, ok := it.Expr.(*sqltext.Column); ok {
			name = c.Name.Text
		}
		aliased := it.Alias.Tok >= 0
		if aliased {
			name = it.Alias.Text
		}
		before := len(r.out.Splices)
		if !r.whole(it.Expr, i, name) {
			r.parts(it.Expr)
		}
		if !aliased && len(r.out.Splices) > before {
			r.out.Titles = append(r.out.Titles, it.Span)
		}
	}
	for i := range s.Order {
		if o := s.Order[i].Expr; !isConstant(o) && !(r.b.isAlias(o) && !r.ambiguous(o)) && !r.whole(o, -1, "") {
			r.parts(o)
		}
	}
	to := s.FromSpan.To
	for _, c := range []sqltext.Span{s.WhereSpan, s.GroupSpan, s.HavingSpan} {
		to = max(to, c.To)
	}
	walk(s.Having, func(x sqltext.Expr) bool {
		if c, ok := x.(*sqltext.Column); ok && !r.grouped(c) {
			i := r.b.itemIndex(c)
			r.bad = r.bad || i < 0 || s.Items[i].Alias.Tok < 0 || !slices.Contains(r.out.Names, s.Items[i].Alias.Text)
		}
		r.bad = r.bad || isSubquery(x)
		return !isAggregate(x)
	})
	r.out.From = sqltext.Span{From: s.FromSpan.From, To: to}
	r.out.Rest = r.out.From
	r.bad = r.bad || len(r.out.Groups) == 0
}

// ambiguous says whether an alias is a column's name, too.
func (r *opener) ambiguous(e sqltext.Expr) bool {
	_, ok := r.b.resolveExpr(e)
	return ok
}

// grouped says whether a column is one of the group keys.
func (r *opener) grouped(c *sqltext.Column) bool { return r.rolledKey(c, -1) >= 0 }

// whole puts a column in the place of an expression that is a group key or an aggregate.
func (r *opener) whole(e sqltext.Expr, item int, name string) bool {
	x := unparen(e)
	if isAggregate(x) || item >= 0 && r.rolledKey(x, item) >= 0 || r.isGroupKey(x) {
		r.column(e.ExprSpan(), name)
		return true
	}
	return false
}

// isGroupKey says whether an expression is one, as it stands.
func (r *opener) isGroupKey(e sqltext.Expr) bool {
	if isConstant(e) {
		return false
	}
	for _, k := range r.keys {
		if k.item < 0 || k.isCol {
			continue
		}
		same, literals := r.p.sameTokens(e.ExprSpan(), unparen(r.sel.Items[k.item].Expr).ExprSpan())
		if r.p.literals = r.p.literals || literals; same {
			return true
		}
	}
	return r.rolledKey(e, -1) >= 0
}

// parts does so with what is in an expression.
func (r *opener) parts(e sqltext.Expr) {
	walk(e, func(x sqltext.Expr) bool {
		if isSubquery(x) {
			r.bad = true
		}
		if f := aggregate(x); f != nil && isAverage(f) { // MariaDB may go on with more digits
			r.bad = true
		}
		switch {
		case r.bad:
			return false
		case isAggregate(x), r.isGroupKey(x):
			r.column(x.ExprSpan(), "")
			return false
		}
		if c, ok := x.(*sqltext.Column); ok {
			_, inFrom := r.b.resolve(c)
			r.bad = inFrom || c.Table.Tok >= 0 || r.b.itemIndex(c) < 0 // an alias stays
		}
		return true
	})
}

// column makes a column of the groups of a span, and puts it in the span's place.
func (r *opener) column(s sqltext.Span, name string) {
	text, share := r.key([]Piece{copyPiece(s)})
	as, there := r.known[text]
	if !there || !share || name != "" && as != name {
		as = name
		if as == "" {
			as = "_orbweaver_group_" + itoa(len(r.out.Groups)) // parts call hidden columns otherwise
		}
		r.out.Groups, r.out.Names = append(r.out.Groups, s), append(r.out.Names, as)
		r.known[text] = as
	}
	r.out.Splices = append(r.out.Splices, Splice{s.From, s.To, []Piece{textPiece(quoted(as))}})
}
