package view

import (
	"slices"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// flat is a SELECT of columns of one view, whose rows are groups, as a SELECT of those groups: the view's own query with fewer columns, and with the client's conditions, order and limit. Partitions'
// groups can be merged, where those of a derived table would have to be brought together first. All of a
// view is its query as it stands. "" where that can't be said so; it is another text for what the derived
// table's says, and to be used where that one can't be planned.
func (s *splicer) flat(scan *sqltext.Scan, stmt *sqltext.Stmt) (string, error) {
	f := flattening{s: s, scan: scan}
	q := stmt.Query
	const odd = sqltext.HasSubquery | sqltext.HasUserVarAssign | sqltext.HasNondeterministic | sqltext.HasWindow | sqltext.HasInto | sqltext.HasForUpdate | sqltext.HasCalcFoundRows | sqltext.HasStoredCall
	if stmt.Kind != sqltext.KindSelect || q == nil || q.Select == nil || q.With != nil || q.Bracket || stmt.Facts&odd != 0 || !stmt.SetStatement.Empty() {
		return "", nil
	}
	sel := q.Select
	if len(sel.From) != 1 || sel.From[0].Table == nil || sel.Distinct || !sel.Options.Empty() || sel.Group != nil || sel.Having != nil || !sel.Tail.Empty() || aggregates(sel.Items) || sel.Limit != nil && sel.Limit.Odd {
		return "", nil
	}
	ref := &sel.From[0]
	if f.view = lookup(ref.Table, s.snap, &s.sess); f.view == nil {
		return "", nil
	}
	f.alias = f.view.Name
	if ref.Alias.Tok >= 0 {
		f.alias = ref.Alias.Text
	}
	body, bodyStmt, err := s.sess.Bodies.parsed(f.view)
	if err != nil {
		return "", err
	}
	if edits, err := s.translated(f.view, body); err != nil || len(edits) > 0 {
		return "", err
	}
	f.body, f.of = body, bodyStmt.Query.Select
	// A group of a view is a row of a temporary table, whose BIT columns are such; a lone group's MIN() of them is a number.
	under, err := Reads(f.view, s.snap)
	if err != nil {
		return "", err
	}
	for _, r := range under {
		t := s.snap.Table(r.DB, r.Table)
		if t == nil || slices.ContainsFunc(t.Columns, func(c topo.Column) bool { return c.Type == "bit" }) {
			return "", nil
		}
	}
	if star := sel.Items; len(star) == 1 && star[0].Star && (star[0].StarTable.Tok < 0 || star[0].StarTable.Text == f.alias) && sel.Where == nil && sel.Order == nil && sel.Limit == nil {
		s.ordered = true
		text, err := s.bodyWith(f.view, 1, nil, false)
		s.ordered = false
		return text, err
	}
	const oddBody = sqltext.HasWindow | sqltext.HasNondeterministic | sqltext.HasUserVar | sqltext.HasStoredCall | sqltext.HasSequence
	if f.of == nil || bodyStmt.Query.With != nil || f.of.Distinct || f.of.Rollup || f.of.Limit != nil || bodyStmt.Query.Limit != nil || bodyStmt.Query.Order != nil || !f.of.Options.Empty() || !f.of.Tail.Empty() ||
		bodyStmt.Facts&oddBody != 0 || len(f.of.Items) != len(f.view.Columns) || f.of.Group == nil && !aggregates(f.of.Items) || f.of.FromSpan.Empty() {
		return "", nil
	}
	for i := range f.of.Items {
		if f.of.Items[i].Expr == nil || bare(f.of.Items[i].Expr) {
			return "", nil
		}
	}
	for i := range f.of.Group {
		if _, position := sqltext.Unparen(f.of.Group[i].Expr).(*sqltext.Literal); position || bare(f.of.Group[i].Expr) {
			return "", nil
		}
	}
	if f.of.Having != nil && bare(f.of.Having) {
		return "", nil
	}
	items, ok := f.items(sel.Items)
	if !ok {
		return "", nil
	}
	var where, having []string
	var conditions []sqltext.Expr
	if sel.Where != nil {
		conditions = sqltext.Conjuncts(nil, sel.Where)
	}
	for _, c := range conditions {
		text, grouping, ok := f.condition(c)
		switch {
		case !ok:
			return "", nil
		case grouping:
			where = append(where, text)
		default:
			having = append(having, text)
		}
	}
	if scan.Params > 0 && len(where) > 0 && len(having) > 0 { // parameters have to stay in their order
		return "", nil
	}
	order, ok := f.order(sel.Order, sel.Items)
	if !ok {
		return "", nil
	}
	// The body without its list, its conditions and its order, which are written anew.
	edits := []edit{{f.of.ItemsSpan.From, f.of.ItemsSpan.To, strings.Join(items, ", ")}}
	if len(where) > 0 {
		text := strings.Join(where, " AND ")
		if f.of.Where != nil {
			span := f.of.Where.ExprSpan()
			edits = append(edits, edit{span.From, span.From, "("}, edit{f.of.WhereSpan.To, f.of.WhereSpan.To, ") AND " + text})
		} else {
			edits = append(edits, edit{f.of.FromSpan.To, f.of.FromSpan.To, "WHERE " + text})
		}
	}
	end := f.of.FromSpan.To
	for _, span := range []sqltext.Span{f.of.WhereSpan, f.of.GroupSpan, f.of.HavingSpan} {
		if !span.Empty() {
			end = span.To
		}
	}
	if len(having) > 0 {
		text := strings.Join(having, " AND ")
		if f.of.Having != nil {
			span := f.of.Having.ExprSpan()
			edits = append(edits, edit{span.From, span.From, "("}, edit{f.of.HavingSpan.To, f.of.HavingSpan.To, ") AND " + text})
		} else {
			edits = append(edits, edit{end, end, "HAVING " + text})
		}
	}
	if len(sel.Order) == 0 && f.of.Order != nil { // the view's own, as it is
		for i := range f.of.Order {
			by := string(body.AppendSpan(nil, f.of.Order[i].Expr.ExprSpan()))
			if _, err := strconv.Atoi(by); err == nil {
				return "", nil
			}
			if n := column(body, f.of, f.view, f.of.Order[i].Expr); n >= 0 {
				by = f.text(n)
			} else if bare(f.of.Order[i].Expr) {
				return "", nil
			}
			if f.of.Order[i].Desc {
				by += " DESC"
			}
			order = append(order, by)
		}
	}
	text, err := s.bodyWith(f.view, 1, edits, false)
	if err != nil {
		return "", err
	}
	if len(order) > 0 {
		text += " ORDER BY " + strings.Join(order, ", ")
	}
	if sel.Limit != nil {
		text += " " + string(scan.AppendSpan(nil, sel.Limit.Span))
	}
	return text, nil
}

// flattening is one flat under way.
type flattening struct {
	s     *splicer
	scan  *sqltext.Scan
	view  *topo.View
	alias string
	body  *sqltext.Scan
	of    *sqltext.Select
}

// column is the view's column that a name of the client's means; -1 for none.
func (f *flattening) column(c *sqltext.Column) int {
	if c.Table.Tok >= 0 && c.Table.Text != f.alias {
		return -1
	}
	return at(f.view.Columns, c.Name.Text)
}

// text is the expression behind a column of the view.
func (f *flattening) text(i int) string {
	return string(f.body.AppendSpan(nil, f.of.Items[i].Expr.ExprSpan()))
}

// kind says whether a column of the view is one that rows are grouped by, or an aggregate by itself.
func (f *flattening) kind(i int) (grouping, whole bool) {
	e := f.of.Items[i].Expr
	if fn, ok := sqltext.Unparen(e).(*sqltext.Func); ok && aggregate[strings.ToUpper(fn.Name)] && fn.Over.Empty() {
		return false, true
	}
	if _, ok := sqltext.Unparen(e).(*sqltext.Column); !ok {
		return false, false
	}
	for n := range f.of.Group {
		if string(f.body.AppendSpan(nil, f.of.Group[n].Expr.ExprSpan())) == f.text(i) {
			return true, false
		}
	}
	return false, false
}

// items is the list, where it has nothing but columns.
func (f *flattening) items(list []sqltext.SelectItem) (out []string, ok bool) {
	for i := range list {
		it := &list[i]
		if it.Star {
			if it.StarTable.Tok >= 0 && it.StarTable.Text != f.alias {
				return nil, false
			}
			for n, name := range f.view.Columns {
				out = append(out, f.text(n)+" AS "+quote(name))
			}
			continue
		}
		c, isColumn := it.Expr.(*sqltext.Column)
		if !isColumn || f.column(c) < 0 {
			return nil, false
		}
		name := c.Name.Text
		if it.Alias.Tok >= 0 {
			name = it.Alias.Text
		}
		out = append(out, f.text(f.column(c))+" AS "+quote(name))
	}
	return out, true
}

// condition is one of the client's in terms of the body. grouping: it compares a column that rows are grouped by with a value, so that it may be asked of the rows.
func (f *flattening) condition(e sqltext.Expr) (text string, grouping, ok bool) {
	span, ok := e.ExprSpan(), true
	var edits []edit
	all := true
	sqltext.Walk(e, func(x sqltext.Expr) bool {
		switch c := x.(type) {
		case *sqltext.Opaque, *sqltext.Subquery:
			ok = false
		case *sqltext.Column:
			i := f.column(c)
			if i < 0 {
				ok = false
				return false
			}
			by, whole := f.kind(i)
			ok = ok && (by || whole)
			all = all && by
			edits = append(edits, edit{c.Span.From, c.Span.To, f.text(i)})
		}
		return ok
	})
	if !ok || len(edits) == 0 {
		return "", false, false
	}
	return "(" + string(part(f.scan, span, edits)) + ")", all && plain(e), true
}

// plain says whether an expression is a comparison of a column with a value, under the column's own collation.
func plain(e sqltext.Expr) bool {
	b, ok := sqltext.Unparen(e).(*sqltext.Binary)
	if !ok {
		return false
	}
	value := func(x sqltext.Expr) bool {
		switch sqltext.Unparen(x).(type) {
		case *sqltext.Literal, *sqltext.ParamRef:
			return true
		}
		return false
	}
	name := func(x sqltext.Expr) bool {
		_, ok := sqltext.Unparen(x).(*sqltext.Column)
		return ok
	}
	switch b.Op {
	case "=", "<", ">", "<=", ">=", "<>", "!=", "<=>":
		return name(b.L) && value(b.R) || value(b.L) && name(b.R)
	}
	return false
}

// bare says whether an expression has a name without a table, which may be an alias's, or what can't be looked into.
func bare(e sqltext.Expr) (found bool) {
	sqltext.Walk(e, func(x sqltext.Expr) bool {
		switch c := x.(type) {
		case *sqltext.Opaque, *sqltext.Subquery:
			found = true
		case *sqltext.Column:
			found = found || c.Table.Tok < 0
		}
		return !found
	})
	return found
}

// order is the client's ORDER BY, where it is by columns or by positions.
func (f *flattening) order(list []sqltext.OrderItem, items []sqltext.SelectItem) (out []string, ok bool) {
	for i := range list {
		by := ""
		switch e := list[i].Expr.(type) {
		case *sqltext.Literal:
			if by = string(f.scan.AppendSpan(nil, e.Span)); strings.Trim(by, "0123456789") != "" {
				return nil, false
			}
		case *sqltext.Column:
			n := f.column(e)
			for k := range items {
				if it := &items[k]; it.Alias.Tok >= 0 && e.Table.Tok < 0 && strings.EqualFold(it.Alias.Text, e.Name.Text) {
					n = -1 // an alias comes first
				}
			}
			if n < 0 {
				return nil, false
			}
			by = f.text(n)
		default:
			return nil, false
		}
		if list[i].Desc {
			by += " DESC"
		}
		out = append(out, by)
	}
	return out, true
}
