package view

import (
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// order gives a SELECT of one view, and nothing else, the order that the view's ORDER BY asks for: MariaDB reads the rows in it, though it is none of a table's. It may
// change the edit that replaces the view.
func (s *splicer) order(scan *sqltext.Scan, stmt *sqltext.Stmt, edits *[]edit) ([]edit, error) {
	q := stmt.Query
	if stmt.Kind != sqltext.KindSelect || q == nil || q.Select == nil || len(q.Select.From) != 1 || q.Select.From[0].Table == nil {
		return nil, nil
	}
	sel := q.Select
	ref := &sel.From[0]
	v := lookup(ref.Table, s.snap, &s.sess)
	if v == nil || sel.Distinct || sel.Group != nil || sel.Order != nil || q.Order != nil || sel.Having != nil || aggregates(sel.Items) {
		return nil, nil
	}
	bodyScan, bodyStmt, err := s.sess.Bodies.parsed(v)
	if err != nil {
		return nil, err
	}
	items, first := bodyStmt.Query.Order, bodyStmt.Query
	for first != nil && first.Select == nil {
		first = first.Left
	}
	if items == nil && bodyStmt.Query.Select != nil {
		items = bodyStmt.Query.Select.Order
	}
	if len(items) == 0 || first == nil {
		return nil, nil
	}
	alias := v.Name
	if ref.Alias.Tok >= 0 {
		alias = ref.Alias.Text
	}
	var by, hidden []string
	for _, it := range items {
		at := column(bodyScan, first.Select, v, it.Expr)
		name := ""
		switch {
		case at >= 0:
			name = v.Columns[at]
		case bodyStmt.Query.Select == nil || first.Select.Distinct:
			return nil, refuse("the order of '%s' is by what it does not show; make the view anew without ORDER BY, or with it by its columns", v.Name)
		default:
			name = "orbweaver order " + strconv.Itoa(len(hidden)+1)
			hidden = append(hidden, string(bodyScan.AppendSpan(nil, it.Expr.ExprSpan()))+" AS "+quote(name))
		}
		text := quote(alias) + "." + quote(name)
		if it.Desc {
			text += " DESC"
		}
		by = append(by, text)
	}
	var out []edit
	if len(hidden) > 0 {
		body, err := s.bodyWith(v, 1, []edit{{first.Select.ItemsSpan.To, first.Select.ItemsSpan.To, ", " + strings.Join(hidden, ", ")}}, s.lock != "")
		if err != nil {
			return nil, err
		}
		for i := range *edits {
			if e := &(*edits)[i]; e.from == ref.Table.Span.From {
				e.with = "(" + body + ")"
				if ref.Alias.Tok < 0 {
					e.with += " AS " + quote(v.Name)
				}
			}
		}
		var all []string
		for _, c := range v.Columns {
			all = append(all, quote(alias)+"."+quote(c))
		}
		for i := range sel.Items {
			if it := &sel.Items[i]; it.Star {
				out = append(out, edit{it.Span.From, it.Span.To, strings.Join(all, ", ")})
			}
		}
	}
	at := sel.Span.To
	switch {
	case sel.Limit != nil:
		at = sel.Limit.Span.From
	case !sel.Tail.Empty():
		at = sel.Tail.From
	}
	return append(out, edit{at, at, "ORDER BY " + strings.Join(by, ", ")}), nil
}

// column is the position of the view's column that an expression of its ORDER BY is; -1 when it is none.
func column(scan *sqltext.Scan, sel *sqltext.Select, v *topo.View, e sqltext.Expr) int {
	if len(sel.Items) != len(v.Columns) {
		return -1
	}
	text := string(scan.AppendSpan(nil, e.ExprSpan()))
	if n, err := strconv.Atoi(text); err == nil && n >= 1 && n <= len(v.Columns) {
		return n - 1
	}
	if c, ok := sqltext.Unparen(e).(*sqltext.Column); ok && c.Table.Tok < 0 {
		for i := range v.Columns {
			if strings.EqualFold(v.Columns[i], c.Name.Text) {
				return i
			}
		}
	}
	for i := range sel.Items {
		if x := sel.Items[i].Expr; x != nil && string(scan.AppendSpan(nil, x.ExprSpan())) == text {
			return i
		}
	}
	return -1
}

// aggregates says whether items have functions over all rows or over windows.
func aggregates(items []sqltext.SelectItem) (found bool) {
	for i := range items {
		if items[i].Expr == nil {
			continue
		}
		sqltext.Walk(items[i].Expr, func(x sqltext.Expr) bool {
			switch f := x.(type) {
			case *sqltext.Subquery:
				return false
			case *sqltext.Func:
				found = found || aggregate[strings.ToUpper(f.Name)] || !f.Over.Empty() || f.Stored
			case *sqltext.Opaque:
				found = true
			}
			return true
		})
	}
	return found
}

var aggregate = words(`AVG BIT_AND BIT_OR BIT_XOR COUNT GROUP_CONCAT JSON_ARRAYAGG JSON_OBJECTAGG MAX MEDIAN MIN PERCENTILE_CONT PERCENTILE_DISC STD STDDEV STDDEV_POP STDDEV_SAMP SUM VARIANCE VAR_POP VAR_SAMP`)
