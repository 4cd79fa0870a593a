package plan

import (
	"slices"
	"sort"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// How a condition finds its way into a fill. Whatever rows a copy lacks must be rows that the statement would have passed over:
//
//   - A condition of WHERE, or of an inner join's ON, that looks at one table: the rows of that table for which it is not true take part in nothing. An outer join's
//     ON says so of the side that it may fill with NULLs, never of the other one.
//   - Where an outer join below may fill the table's columns with NULLs, rows that are missing make it do so. That changes nothing as long as the condition is not
//     true of NULLs: what is filled up is passed over as well.
//   - Parts of a condition under AND and OR that look at other tables can be taken for true: more rows are left then.
//   - What is true of a column is true of all that equal it in the rows that count.
//   - What counts the rows that it sees (@n := @n + 1) sees all of them.
//   - Derived tables, and common table expressions that are named once, hand on what is said of columns that they do not compute.

// predicate is a condition on the columns of one source.
type predicate struct {
	span sqltext.Span
	// edits put TRUE in the place of what is about others.
	edits []Splice
	cols  []usedCol
	// strict: not true when all the source's columns are NULL. simple: its truth is the same for values that are equal. exact: it leaves a column a few values.
	strict, simple, exact bool
	// clock: it names the time.
	clock bool
	// among is the column of a table among whose values the predicate's only column must be; there is no span then.
	among *among
	// reference is what it says in place of a span.
	reference *CondAmong
}

// usedCol is a column where a predicate names it.
type usedCol struct {
	span sqltext.Span
	node node
}

// sourcePredicate is a predicate and what it is about, kept until all of the statement is known.
type sourcePredicate struct {
	src *source
	predicate
}

// filter notes what a condition that must be true says about single sources.
func (u *unit) filter(e sqltext.Expr, sc scope) {
	if sc.b.unsteady {
		return
	}
	var about []*source
	walk(e, func(x sqltext.Expr) bool {
		if c, ok := x.(*sqltext.Column); ok {
			if n, ok := sc.b.resolve(c); ok && n.src.block == sc.b && !slices.Contains(about, n.src) {
				about = append(about, n.src)
			}
		}
		return true
	})
	lone := len(about) < 2
	if about == nil { // a constant: it is about all of them
		about = sc.b.sources
	}
	for _, src := range about {
		if !sc.free(src) {
			continue
		}
		if p, ok := u.about(e, src); ok && (p.strict || !sc.padded(src)) {
			p.span = e.ExprSpan()
			if lone && p.edits == nil && !sc.on {
				src.told++
			}
			if len(about) == 1 && p.edits == nil {
				u.p.stage.given = append(u.p.stage.given, p.span)
			}
			u.p.stage.predicates = append(u.p.stage.predicates, sourcePredicate{src, p})
		}
	}
}

// about is what a condition says about a source.
func (u *unit) about(e sqltext.Expr, src *source) (predicate, bool) {
	switch x := e.(type) {
	case *sqltext.Paren:
		return u.about(x.X, src)
	case *sqltext.Binary:
		if x.Op != "AND" && x.Op != "OR" {
			break
		}
		l, lok := u.about(x.L, src)
		r, rok := u.about(x.R, src)
		if x.Op == "OR" {
			return predicate{edits: slices.Concat(l.edits, r.edits), cols: slices.Concat(l.cols, r.cols), strict: l.strict && r.strict, simple: l.simple && r.simple,
				clock: l.clock || r.clock}, lok && rok
		}
		if !lok {
			l = predicate{edits: []Splice{alwaysTrue(x.L)}, simple: true}
		}
		if !rok {
			r = predicate{edits: []Splice{alwaysTrue(x.R)}, simple: true}
		}
		return predicate{edits: slices.Concat(l.edits, r.edits), cols: slices.Concat(l.cols, r.cols), strict: l.strict || r.strict, simple: l.simple && r.simple,
			clock: l.clock || r.clock}, lok || rok
	}
	t := tame{b: src.block, src: src}
	if !t.expr(e) {
		return predicate{}, false
	}
	p := predicate{cols: t.cols, strict: isNull(e), clock: t.clock}
	if len(p.cols) > 0 {
		c := p.cols[0].node.column()
		p.simple = c != nil && isComparison(e, c.Charset != "")
	}
	switch x := unparen(e).(type) {
	case *sqltext.Binary:
		p.exact = p.simple && x.Op == "="
	case *sqltext.In:
		p.exact = p.simple && !x.Not
	}
	return p, true
}

func alwaysTrue(e sqltext.Expr) Splice {
	s := e.ExprSpan()
	return Splice{s.From, s.To, []Piece{textPiece("TRUE")}}
}

// isNull says that an expression is NULL when all columns in it are, and that there is one.
func isNull(e sqltext.Expr) bool {
	switch x := e.(type) {
	case *sqltext.Column:
		return true
	case *sqltext.Paren:
		return isNull(x.X)
	case *sqltext.Not:
		return isNull(x.X)
	case *sqltext.Between: // an end that is NULL does not make it so
		return isNull(x.X)
	case *sqltext.In:
		return isNull(x.X)
	case *sqltext.Binary:
		switch x.Op {
		case "=", "<", "<=", ">", ">=", "<>", "LIKE", "NOT LIKE", "REGEXP", "NOT REGEXP", "SOUNDS LIKE", "+", "-", "%", "&", "|", "^", "<<", ">>":
			return isNull(x.L) || isNull(x.R)
		}
	}
	return false
}

// isComparison says that a condition compares a column with values, as the column's type compares. A string is not compared as one with a number, nor with what has
// a collation of its own.
func isComparison(e sqltext.Expr, str bool) bool {
	value := func(e sqltext.Expr) bool {
		if str {
			l, ok := unparen(e).(*sqltext.Literal)
			return ok && l.Kind == sqltext.LitString
		}
		return !anyExpr(e, isColumn)
	}
	switch x := e.(type) {
	case *sqltext.Paren:
		return isComparison(x.X, str)
	case *sqltext.Binary:
		switch x.Op {
		case "=", "<", "<=", ">", ">=", "<>":
			return isColumn(x.L) && value(x.R) || value(x.L) && isColumn(x.R)
		}
	case *sqltext.Between:
		return isColumn(x.X) && value(x.Lo) && value(x.Hi)
	case *sqltext.In:
		return isColumn(x.X) && !slices.ContainsFunc(x.List, func(e sqltext.Expr) bool { return !value(e) })
	}
	return false
}

// tie says that rows of to's source count only where to equals from.
type tie struct{ from, to node }

// equal notes such an equality for the fills. NULLs are not equal to anything there.
func (u *unit) equal(from, to node, nullSafe bool) {
	if u.p.stage != nil && !nullSafe && !to.src.block.unsteady && alike(from.column(), to.column()) {
		u.ties = append(u.ties, tie{from, to})
	}
}

// alike says whether values of two columns that are equal compare alike with all others.
func alike(a, b *topo.Column) bool {
	if a == nil || b == nil {
		return false
	}
	switch k := keyKind(a); {
	case k == "" || k != keyKind(b):
		return false
	case k == "char":
		return a.Charset == b.Charset && a.Collation == b.Collation && !spaced(a) && !spaced(b)
	case k == "datetime":
		return a.Scale == b.Scale
	}
	return true
}

// keyKind groups the types whose values are exact, and are compared as they are written.
func keyKind(c *topo.Column) string {
	switch c.Type {
	case "tinyint", "smallint", "mediumint", "int", "bigint":
		return "int"
	case "decimal", "date", "datetime":
		return c.Type
	case "char", "varchar":
		if c.Collation == "" || c.Collation == "binary" {
			return ""
		}
		return "char"
	}
	return ""
}

// place hands a predicate down to the tables that its source is made of, and on to what equals its column.
func (s *stager) place(src *source, p predicate, seen map[node]bool) {
	switch {
	case src.table != nil && p.among != nil:
		src.keys = append(src.keys, sourceKey{p.cols[0].node.col, *p.among})
	case src.table != nil && p.reference != nil:
		if src.table.Kind == topo.Sharded || src.table.Kind == topo.Keyless || src.table.Kind == topo.Single {
			in := *p.reference
			in.Column = src.table.Columns[p.cols[0].node.col].Name
			src.conds = append(src.conds, Cond{Among: &in})
		}
	case src.table != nil && p.clock && src.table.Kind == topo.Linked: // whose server has a time of its own
	case src.table != nil:
		src.conds = append(src.conds, p.cond())
		if p.exact {
			src.exact = append(src.exact, p.cols[0].node.col)
		}
	case src.unit != nil && !src.shared():
		s.into(src.unit, p, seen)
	}
	n, ok := p.column()
	if !ok || seen[n] {
		return
	}
	seen[n] = true
	for _, t := range src.block.unit.ties {
		if t.from != n || seen[t.to] || t.to.src.block.unsteady {
			continue
		}
		next := p
		next.cols = make([]usedCol, len(p.cols))
		for i, c := range p.cols {
			next.cols[i] = usedCol{c.span, t.to}
		}
		s.place(t.to.src, next, seen)
	}
}

// column is the only column of a predicate that holds for all that equals it.
func (p *predicate) column() (node, bool) {
	if !p.simple || !p.strict || len(p.cols) == 0 {
		return node{}, false
	}
	for _, c := range p.cols[1:] {
		if c.node != p.cols[0].node {
			return node{}, false
		}
	}
	return p.cols[0].node, true
}

// shared says whether a query's rows are read more than once, or by itself.
func (s *source) shared() bool { return s.cte != nil && (s.cte.refs > 1 || s.cte.recursive) }

// into hands a predicate on the columns of a query's result on to what they are columns of.
func (s *stager) into(u *unit, p predicate, seen map[node]bool) {
	if u.q.Limit != nil {
		return
	}
	if u.left != nil {
		if u.q.Op != sqltext.UnionAll && !p.simple {
			return // one of several equal values is left, which may be the one of which it is not true
		}
		for _, c := range p.cols { // the columns of two types are converted first
			if c.node.col >= len(u.out) || u.out[c.node.col].col == nil {
				return
			}
		}
		s.into(u.left, p, seen)
		s.into(u.right, p, seen)
		return
	}
	if u.main == nil || u.outerAgg || s.unsteady(u.main.sel.Span) || !p.simple && (u.main.sel.Distinct || isGrouped(u.main.sel)) || u.main.sel.Limit != nil || hasWindow(u.main.sel) || u.main.sel.Rollup {
		return
	}
	items, ok := u.main.columns()
	if !ok {
		return
	}
	next := p
	next.cols = make([]usedCol, len(p.cols))
	var src *source
	for i, c := range p.cols {
		if c.node.col >= len(items) || !items[c.node.col].isCol {
			return
		}
		n := items[c.node.col].node
		if n.src.block != u.main || src != nil && n.src != src || isGrouped(u.main.sel) && !groupsBy(u.main, n) {
			return
		}
		src = n.src
		next.cols[i] = usedCol{c.span, n}
	}
	if src != nil && (p.strict || !src.missing) {
		s.place(src, next, seen)
	}
}

// cond is the predicate as a fill has it.
func (p *predicate) cond() Cond {
	c := Cond{Span: p.span, Splices: slices.Clone(p.edits)}
	for _, u := range p.cols {
		c.Splices = append(c.Splices, Splice{u.span.From, u.span.To, []Piece{textPiece(quoted(u.node.src.table.Columns[u.node.col].Name))}})
	}
	sort.Slice(c.Splices, func(i, j int) bool { return c.Splices[i].From < c.Splices[j].From })
	return c
}

// inValues notes that rows count only where X of X IN (SELECT y …) equals a value of y.
func (u *unit) inValues(in *sqltext.In, sc scope, inner *block) {
	left := []sqltext.Expr{in.X}
	if row, ok := unparen(in.X).(*sqltext.Row); ok {
		left = row.Elems
	}
	for i, e := range left {
		if i >= len(inner.sel.Items) || inner.sel.Items[i].Star {
			return
		}
		x, ok := sc.b.resolveExpr(e)
		y, ok2 := inner.resolveExpr(inner.sel.Items[i].Expr)
		if ok && ok2 && y.src.block == inner && u.restricts(x, sc) {
			u.equal(y, x, false)
		}
	}
}
