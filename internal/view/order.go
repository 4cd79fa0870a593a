package view

import (
	"slices"
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
		name, desc := "", ""
		if it.Desc {
			desc = " DESC"
		}
		if at < 0 {
			text, err := s.byShown(bodyScan, v, it.Expr, alias)
			if err != nil {
				return nil, err
			}
			if text != "" {
				by = append(by, text+desc)
				continue
			}
		}
		switch {
		case at >= 0:
			name = v.Columns[at]
		case bodyStmt.Query.Select == nil || first.Select.Distinct:
			return nil, refuse("the order of '%s' is by what it does not show; make the view anew without ORDER BY, or with it by its columns", v.Name)
		default:
			named, err := s.byItems(bodyScan, first.Select, v, it.Expr)
			if err != nil {
				return nil, err
			}
			name = "orbweaver order " + strconv.Itoa(len(hidden)+1)
			hidden = append(hidden, named+" AS "+quote(name))
		}
		by = append(by, quote(alias)+"."+quote(name)+desc)
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

// byShown is an expression of a view's ORDER BY in terms of what the view shows, where it names nothing else; "" otherwise. MariaDB prints columns of tables with their tables.
func (s *splicer) byShown(scan *sqltext.Scan, v *topo.View, e sqltext.Expr, alias string) (string, error) {
	var names []edit
	fit := true
	sqltext.Walk(e, func(x sqltext.Expr) bool {
		switch c := x.(type) {
		case *sqltext.Opaque, *sqltext.Subquery:
			fit = false
		case *sqltext.Column:
			i := at(v.Columns, c.Name.Text)
			if fit = fit && c.Table.Tok < 0 && i >= 0; fit {
				names = append(names, edit{c.Span.From, c.Span.To, quote(alias) + "." + quote(v.Columns[i])})
			}
		}
		return fit
	})
	if !fit || len(names) == 0 {
		return "", nil
	}
	return s.said(v, scan, e, names)
}

// byItems is an expression of a view's ORDER BY as one of its items: what it calls by the names of others is written out, as items don't know each other's names.
func (s *splicer) byItems(scan *sqltext.Scan, sel *sqltext.Select, v *topo.View, e sqltext.Expr) (string, error) {
	var names []edit
	var failed error
	sqltext.Walk(e, func(x sqltext.Expr) bool {
		c, ok := x.(*sqltext.Column)
		if !ok || c.Table.Tok >= 0 || len(sel.Items) != len(v.Columns) {
			return failed == nil
		}
		if i := at(v.Columns, c.Name.Text); i >= 0 && sel.Items[i].Expr != nil {
			text, err := s.said(v, scan, sel.Items[i].Expr, nil)
			failed = err
			names = append(names, edit{c.Span.From, c.Span.To, "(" + text + ")"})
		}
		return failed == nil
	})
	if failed != nil {
		return "", failed
	}
	return s.said(v, scan, e, names)
}

// said is an expression of a view's body as it means the same in the session, with edits of names made.
func (s *splicer) said(v *topo.View, scan *sqltext.Scan, e sqltext.Expr, names []edit) (string, error) {
	edits, err := s.translated(v, scan)
	if err != nil {
		return "", err
	}
	span := e.ExprSpan()
	edits = append(slices.DeleteFunc(edits, func(e edit) bool { return e.from < span.From || e.to > span.To }), names...)
	slices.SortFunc(edits, func(a, b edit) int { return int(a.from - b.from) })
	return string(part(scan, span, edits)), nil
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
