package view

import (
	"slices"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// joined makes an UPDATE of a view that joins tables one of that join, as MariaDB does; nil where the view is no such one.
func (s *splicer) joined(scan *sqltext.Scan, stmt *sqltext.Stmt, v *topo.View, done map[int32]bool) (edits []edit, err error) {
	body, of, err := s.sess.Bodies.parsed(v)
	if err != nil {
		return nil, err
	}
	sel, u := of.Query.Select, stmt.Update
	if !v.Updatable || sel == nil || of.Query.With != nil || len(sel.From) == 0 || len(sel.From) == 1 && sel.From[0].Table != nil || sel.Distinct || sel.Group != nil || sel.Having != nil || sel.Limit != nil ||
		of.Query.Limit != nil || len(sel.Items) != len(v.Columns) || of.Facts&(sqltext.HasSubquery|sqltext.HasStoredCall) != 0 || v.Check != "" || !u.OrderSpan.Empty() || u.Limit != nil {
		return nil, nil
	}
	for _, t := range of.Tables {
		switch {
		case t.DB.Tok < 0 || s.snap.View(t.DB.Text, t.Name.Text) != nil:
			return nil, nil
		case s.hides != nil && s.hides(t.DB.Text, t.Name.Text):
			return nil, refuse("'%s' reads the table '%s.%s', which a temporary table of the session hides", v.Name, t.DB.Text, t.Name.Text)
		}
	}
	for i := range sel.Items {
		if sel.Items[i].Expr == nil {
			return nil, nil
		}
	}
	ref := &u.From[0]
	if !ref.Partition.Empty() || !ref.Hints.Empty() || !ref.SystemTime.Empty() {
		return nil, nil
	}
	alias := v.Name
	if ref.Alias.Tok >= 0 {
		alias = ref.Alias.Text
	}
	written := ""
	for i := range u.Set {
		name := u.Set[i].Column.Name.Text
		n := at(v.Columns, name)
		if n < 0 {
			return nil, nil
		}
		c, ok := sqltext.Unparen(sel.Items[n].Expr).(*sqltext.Column)
		switch {
		case !ok:
			return nil, &Error{1348, "HY000", "Column '" + name + "' is not updatable"}
		case written != "" && written != c.Table.Text:
			return nil, &Error{1393, "HY000", "Can not modify more than one base table through a join view '" + v.DB + "." + v.Name + "'"}
		}
		written = c.Table.Text
	}
	known := map[int32]bool{}
	rename := func(e sqltext.Expr) {
		sqltext.Walk(e, func(x sqltext.Expr) bool {
			c, ok := x.(*sqltext.Column)
			if !ok || err != nil {
				return err == nil
			}
			n := at(v.Columns, c.Name.Text)
			if n < 0 {
				return true
			}
			for i := c.Span.From; i < c.Span.To; i++ {
				known[i] = true
			}
			var text string
			if text, err = s.said(v, body, sel.Items[n].Expr, nil); err == nil {
				if _, column := sqltext.Unparen(sel.Items[n].Expr).(*sqltext.Column); !column {
					text = "(" + text + ")"
				}
				edits = append(edits, edit{c.Span.From, c.Span.To, text})
			}
			return true
		})
	}
	for i := range u.Set {
		rename(&u.Set[i].Column)
		rename(u.Set[i].Value)
	}
	if u.Where != nil {
		rename(u.Where)
	}
	for i := ref.Span.To; i < stmt.Span.To && err == nil; i++ {
		if isName(scan, i) && !known[i] && !(i > 0 && isOp(scan, i-1, '.')) && (at(v.Columns, name(scan, i)) >= 0 && !isOp(scan, i+1, '.') || name(scan, i) == alias) {
			return nil, refuse("a write to '%s' that names '%s' in a subquery or an expression that the gateway does not look into: write to the tables that it shows", v.Name, name(scan, i))
		}
	}
	if err != nil {
		return nil, err
	}
	own, err := s.translated(v, body)
	if err != nil {
		return nil, err
	}
	from := sqltext.Span{From: sel.From[0].Span.From, To: sel.From[len(sel.From)-1].Span.To}
	own = slices.DeleteFunc(own, func(e edit) bool { return e.from < from.From || e.to > from.To })
	edits = append(edits, edit{ref.Span.From, ref.Span.To, string(part(body, from, own))})
	done[ref.Table.Span.From] = true
	if !slices.Contains(s.used, v) {
		s.used = append(s.used, v)
	}
	if sel.Where == nil {
		return edits, nil
	}
	text, err := s.said(v, body, sel.Where, nil)
	if err != nil {
		return nil, err
	}
	if u.Where == nil {
		return append(edits, edit{stmt.Span.To, stmt.Span.To, "WHERE " + text}), nil
	}
	span := u.Where.ExprSpan()
	return append(edits, edit{span.From, span.From, "("}, edit{u.WhereSpan.To, u.WhereSpan.To, ") AND (" + text + ")"}), nil
}

// oneTable is what an INSERT into a view that joins tables adds rows to: the one table whose columns it names, whatever the join and the WHERE say. nil where the view is no such one.
func (s *splicer) oneTable(in *sqltext.Insert, v *topo.View) (*window, error) {
	_, of, err := s.sess.Bodies.parsed(v)
	if err != nil {
		return nil, err
	}
	sel := of.Query.Select
	if sel == nil || of.Query.With != nil || len(of.Tables) < 2 || sel.Distinct || sel.Group != nil || sel.Having != nil || sel.Limit != nil || of.Query.Limit != nil || len(sel.Items) != len(v.Columns) ||
		of.Facts&(sqltext.HasSubquery|sqltext.HasStoredCall) != 0 || v.Check != "" {
		return nil, nil
	}
	var names []string
	for _, n := range in.Columns {
		names = append(names, n.Text)
	}
	for i := range in.Set {
		names = append(names, in.Set[i].Column.Name.Text)
	}
	column := func(i int) *sqltext.Column {
		c, _ := sqltext.Unparen(sel.Items[i].Expr).(*sqltext.Column)
		return c
	}
	alias := ""
	for _, n := range names {
		i := at(v.Columns, n)
		if i < 0 || column(i) == nil || column(i).Table.Tok < 0 || alias != "" && column(i).Table.Text != alias { // of several tables MariaDB refuses them
			return nil, nil
		}
		alias = column(i).Table.Text
	}
	w := &window{view: v}
	sqltext.WalkTables(sel.From, func(r *sqltext.TableRef) {
		switch {
		case r.Table == nil:
		case r.Alias.Tok >= 0 && r.Alias.Text == alias, r.Alias.Tok < 0 && r.Table.Name.Text == alias:
			w.db, w.table = r.Table.DB.Text, r.Table.Name.Text
		}
	})
	switch {
	case w.db == "" || s.snap.Table(w.db, w.table) == nil:
		return nil, nil
	case s.hides != nil && s.hides(w.db, w.table):
		return nil, refuse("'%s' reads the table '%s.%s', which a temporary table of the session hides", v.Name, w.db, w.table)
	}
	for i := range sel.Items {
		name := ""
		if c := column(i); c != nil && c.Table.Text == alias {
			name = c.Name.Text
		}
		w.columns = append(w.columns, name)
	}
	if !slices.Contains(s.used, v) {
		s.used = append(s.used, v)
	}
	return w, nil
}
