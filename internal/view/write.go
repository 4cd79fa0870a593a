package view

import (
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// window is a view that shows rows of one table as they are, so that a write to it is one to the table.
type window struct {
	view      *topo.View
	db, table string
	// columns are the table's columns behind the view's; "" for an expression.
	columns []string
	where   string // "" for all rows; with mark for the table wherever one of its columns is named
	// all is where as the view has it, whatever the session's settings; checks is what of it a CHECK OPTION looks at, "" for nothing.
	all, checks string
	odd         bool // where tells of the account, or calls stored functions
	// reads are the table's columns in where; shifting: where has something else that may change from moment to moment.
	reads    []string
	shifting bool
}

const mark = "\x00"

// window finds out whether a view is one; nil when it is not.
func (s *splicer) window(v *topo.View, depth int) (*window, error) {
	scan, stmt, err := s.sess.Bodies.parsed(v)
	if err != nil {
		return nil, err
	}
	sel := stmt.Query.Select
	if depth > maxDepth || !v.Updatable || sel == nil || stmt.Query.With != nil || len(sel.From) != 1 || sel.From[0].Table == nil || sel.Distinct || sel.Group != nil || sel.Having != nil ||
		sel.Limit != nil || stmt.Query.Limit != nil || stmt.Query.Order != nil || len(sel.Items) != len(v.Columns) || stmt.Facts&sqltext.HasSubquery != 0 {
		return nil, nil
	}
	t := &sel.From[0]
	w := &window{view: v, db: t.Table.DB.Text, table: t.Table.Name.Text}
	if t.Table.DB.Tok < 0 || !t.Partition.Empty() || !t.Hints.Empty() || !t.SystemTime.Empty() {
		return nil, nil
	}
	if s.hides != nil && s.hides(w.db, w.table) {
		return nil, refuse("'%s' reads the table '%s.%s', which a temporary table of the session hides", v.Name, w.db, w.table)
	}
	base := func(name string) string { return name }
	var below *window
	if inner := s.snap.View(w.db, w.table); inner != nil {
		if below, err = s.window(inner, depth+1); err != nil || below == nil {
			return nil, err
		}
		base = func(name string) string {
			if i := at(inner.Columns, name); i >= 0 {
				return below.columns[i]
			}
			return ""
		}
	}
	for i := range sel.Items {
		c, ok := sel.Items[i].Expr.(*sqltext.Column)
		if !ok {
			w.columns = append(w.columns, "")
			continue
		}
		w.columns = append(w.columns, base(c.Name.Text))
	}
	if sel.Where != nil {
		if err = s.condition(w, scan, sel.Where, base); err != nil || w.where == "" {
			return nil, err
		}
		const shifts = sqltext.HasNondeterministic | sqltext.HasTimeFunction | sqltext.HasSysVar | sqltext.HasPlaceFunction | sqltext.HasStoredCall | sqltext.HasSequence | sqltext.HasDatabaseFunc |
			sqltext.HasLockFunction
		w.shifting = stmt.Facts&shifts != 0
		w.odd = stmt.Facts&(sqltext.HasPlaceFunction|sqltext.HasStoredCall|sqltext.HasSysVar|sqltext.HasDatabaseFunc) != 0 || tellsOfAccount(scan)
	}
	if v.Check == "LOCAL" {
		w.checks = w.all
	}
	if below != nil {
		w.odd = w.odd || below.odd || below.view.Collation != v.Collation
		w.reads, w.shifting = append(w.reads, below.reads...), w.shifting || below.shifting
		w.db, w.table = below.db, below.table
		w.where, w.all = both(w.where, below.where), both(w.all, below.all)
	}
	if v.Check == "CASCADED" {
		w.checks = w.all
	}
	if !slices.Contains(s.used, v) {
		s.used = append(s.used, v)
	}
	return w, nil
}

// both are two conditions of which either may be missing.
func both(a, b string) string {
	switch {
	case a == "":
		return b
	case b == "":
		return a
	}
	return "(" + a + ") AND (" + b + ")"
}

// condition puts a view's WHERE in terms of the table, and leaves it empty when that can't be said.
func (s *splicer) condition(w *window, scan *sqltext.Scan, e sqltext.Expr, base func(string) string) error {
	edits, err := s.translated(w.view, scan)
	if err != nil {
		return err
	}
	span, fit := e.ExprSpan(), true
	var plain []edit
	edits = slices.DeleteFunc(edits, func(e edit) bool { return e.from < span.From || e.to > span.To })
	sqltext.Walk(e, func(x sqltext.Expr) bool {
		switch c := x.(type) {
		case *sqltext.Opaque, *sqltext.Subquery:
			fit = false
		case *sqltext.Column:
			name := base(c.Name.Text)
			fit = fit && name != ""
			w.reads = append(w.reads, name)
			plain = append(plain, edit{c.Span.From, c.Span.To, mark + "." + quote(name)})
		}
		return fit
	})
	if !fit {
		return nil
	}
	edits = append(edits, plain...)
	for _, list := range [][]edit{edits, plain} {
		slices.SortFunc(list, func(a, b edit) int { return int(a.from - b.from) })
	}
	w.where, w.all = string(part(scan, span, edits)), string(part(scan, span, plain))
	return nil
}

// stays says whether an UPDATE leaves all rows in the view, as it changes nothing that the conditions look at: then there is nothing to check.
func (s *splicer) stays(w *window, u *sqltext.Update) bool {
	t := s.snap.Table(w.db, w.table)
	if t == nil || w.shifting {
		return false
	}
	for _, name := range w.reads {
		i := t.Column(name)
		if i < 0 || t.Columns[i].Generated || t.Columns[i].Type == "timestamp" || t.Columns[i].Type == "datetime" { // which may have ON UPDATE CURRENT_TIMESTAMP
			return false
		}
	}
	for i := range u.Set {
		n := at(w.view.Columns, u.Set[i].Column.Name.Text)
		if n < 0 || w.columns[n] == "" || at(w.reads, w.columns[n]) >= 0 {
			return false
		}
	}
	return true
}

// at is the position of a column's name.
func at(columns []string, name string) int {
	return slices.IndexFunc(columns, func(n string) bool { return strings.EqualFold(n, name) })
}

// part is the text of a span with edits made.
func part(scan *sqltext.Scan, span sqltext.Span, edits []edit) []byte {
	var out []byte
	at := span.From
	for _, e := range edits {
		if at < e.from {
			out = append(scan.AppendSpan(out, sqltext.Span{From: at, To: e.from}), ' ')
		}
		out = append(append(out, e.with...), ' ')
		at = e.to
	}
	return scan.AppendSpan(out, sqltext.Span{From: at, To: span.To})
}

// target makes a write to a view one to its table. done are the names that were replaced.
func (s *splicer) target(scan *sqltext.Scan, stmt *sqltext.Stmt) (edits []edit, done map[int32]bool, err error) {
	done = map[int32]bool{}
	inner := stmt
	if stmt.Inner != nil {
		inner = stmt.Inner
	}
	switch {
	case inner.Insert != nil:
		return s.insert(scan, inner, done)
	case inner.Load != nil:
		return s.load(scan, inner, done)
	case inner.Update != nil:
		u := inner.Update
		if len(u.From) == 1 && u.From[0].Table != nil {
			v := lookup(u.From[0].Table, s.snap, &s.sess)
			if v == nil {
				return nil, done, nil
			}
			if edits, err := s.joined(scan, inner, v, done); edits != nil || err != nil {
				return edits, done, err
			}
			w, err := s.writable(v)
			if err == nil && w.checks != "" && !s.stays(w, u) {
				err = s.checked(w)
			}
			if err != nil {
				return nil, nil, err
			}
			if u.Limit != nil && !s.keyed(w) {
				s.unkeyed = w.view.Name
				if u.From[0].Alias.Tok >= 0 {
					s.unkeyed = u.From[0].Alias.Text
				}
			}
			edits, err = s.rows(scan, inner, w, &u.From[0], u.Where, u.WhereSpan, after(u.OrderSpan, u.Limit, inner.Span.To), done)
			return edits, done, err
		}
		edits, err = s.several(scan, inner, u.From, u.Where, u.WhereSpan, after(u.OrderSpan, u.Limit, inner.Span.To), done, func(v *topo.View, alias string) bool {
			for i := range u.Set {
				c := &u.Set[i].Column
				if c.Table.Tok >= 0 && c.Table.Text == alias || c.Table.Tok < 0 && at(v.Columns, c.Name.Text) >= 0 {
					return true
				}
			}
			return false
		})
		return edits, done, err
	case inner.Delete != nil:
		d := inner.Delete
		if !d.Multi && len(d.From) == 1 && d.From[0].Table != nil {
			v := lookup(d.From[0].Table, s.snap, &s.sess)
			if v == nil {
				return nil, done, nil
			}
			w, err := s.writable(v)
			if err != nil {
				return nil, nil, err
			}
			end := inner.Span.To
			if !d.Returning.Empty() {
				end = d.Returning.From
			}
			edits, err = s.rows(scan, inner, w, &d.From[0], d.Where, d.WhereSpan, after(d.OrderSpan, d.Limit, end), done)
			return edits, done, err
		}
		edits, err = s.several(scan, inner, d.From, d.Where, d.WhereSpan, after(d.OrderSpan, d.Limit, inner.Span.To), done, func(v *topo.View, alias string) bool {
			return slices.ContainsFunc(d.Targets, func(t sqltext.TableName) bool { return t.Name.Text == alias })
		})
		return edits, done, err
	}
	return nil, done, nil
}

// after is the token before which a WHERE goes.
func after(order sqltext.Span, limit *sqltext.Limit, end int32) int32 {
	switch {
	case !order.Empty():
		return order.From
	case limit != nil:
		return limit.Span.From
	}
	return end
}

// writable is the window that a view is, or why it can't be written to.
func (s *splicer) writable(v *topo.View) (*window, error) {
	w, err := s.window(v, 1)
	switch {
	case err != nil:
		return nil, err
	case w == nil:
		return nil, refuse("a write to '%s', which is more than columns of one table with a WHERE: write to the tables that it shows", v.Name)
	}
	return w, nil
}

// rows makes an UPDATE or DELETE of a view one of its table. In an UPDATE the table goes by the view's name; a DELETE has no syntax for that.
func (s *splicer) rows(scan *sqltext.Scan, stmt *sqltext.Stmt, w *window, ref *sqltext.TableRef, where sqltext.Expr, whereSpan sqltext.Span, end int32, done map[int32]bool) (edits []edit, err error) {
	if !ref.Partition.Empty() || !ref.Hints.Empty() || !ref.SystemTime.Empty() {
		return nil, refuse("PARTITION, an index hint or FOR PORTION OF of '%s'", w.view.Name)
	}
	alias := w.view.Name
	if ref.Alias.Tok >= 0 {
		alias = ref.Alias.Text
	}
	done[ref.Table.Span.From] = true
	from, goes := quote(w.db)+"."+quote(w.table), w.table
	if stmt.Update != nil {
		from, goes = from+" AS "+quote(alias), alias
	}
	edits = append(edits, edit{ref.Span.From, ref.Span.To, from})
	if w.where != "" {
		text := strings.ReplaceAll(w.where, mark, quote(goes))
		if where == nil {
			edits = append(edits, edit{end, end, "WHERE " + text})
		} else {
			span := where.ExprSpan()
			edits = append(edits, edit{span.From, span.From, "("}, edit{whereSpan.To, whereSpan.To, ") AND (" + text + ")"})
		}
	}
	columns, err := s.columns(scan, stmt, w, alias, goes)
	return append(edits, columns...), err
}

// sameNames says whether the view calls its columns what the table calls them.
func (w *window) sameNames() bool {
	for i, c := range w.columns {
		if !strings.EqualFold(c, w.view.Columns[i]) {
			return false
		}
	}
	return true
}

// columns are the edits by which a statement on a view alone names its table's columns; alias is what it calls the view, goes what the table goes by, "" for nothing.
func (s *splicer) columns(scan *sqltext.Scan, stmt *sqltext.Stmt, w *window, alias, goes string) (edits []edit, err error) {
	known := map[int32]bool{}
	beside := stmt.Insert != nil && stmt.Insert.Select != nil // names may be those of a query's tables
	rename := func(c *sqltext.Column) {
		known[c.Span.From] = true
		i := at(w.view.Columns, c.Name.Text)
		switch {
		case err != nil, beside && c.Table.Tok >= 0 && c.Table.Text != alias:
		case beside && i < 0 && c.Table.Tok < 0 && s.has(w, c.Name.Text):
			err = refuse("a write to '%s' that names '%s' without its table: say of which table it is", w.view.Name, c.Name.Text)
		case i < 0:
		case w.columns[i] == "":
			err = refuse("a write that names '%s' of '%s', which is an expression", c.Name.Text, w.view.Name)
		case c.Table.Tok >= 0 && goes != "":
			edits = append(edits, edit{c.Span.From, c.Span.To, quote(goes) + "." + quote(w.columns[i])})
		case c.Table.Tok >= 0:
			edits = append(edits, edit{c.Span.From, c.Span.To, quote(w.columns[i])})
		case !strings.EqualFold(w.columns[i], c.Name.Text):
			edits = append(edits, edit{c.Span.From, c.Span.To, quote(w.columns[i])})
		}
	}
	expr := func(e sqltext.Expr) {
		if e == nil {
			return
		}
		sqltext.Walk(e, func(x sqltext.Expr) bool {
			switch c := x.(type) {
			case *sqltext.Column:
				rename(c)
			case *sqltext.Subquery:
				return false
			}
			return true
		})
	}
	returning := func(items []sqltext.SelectItem) {
		for i := range items {
			it := &items[i]
			switch {
			case !it.Star:
				before := len(edits)
				_, column := sqltext.Unparen(it.Expr).(*sqltext.Column)
				if expr(it.Expr); len(edits) > before && !column && it.Alias.Tok < 0 { // which it is called by
					edits = append(edits, edit{it.Span.To, it.Span.To, "AS " + quote(string(scan.Text(it.Span)))})
				}
			case !w.sameNames():
				err = refuse("RETURNING of '%s', whose names are not those of its table", w.view.Name)
			default:
				var all []string
				for _, c := range w.view.Columns {
					all = append(all, quote(c))
				}
				for n := it.Span.From; n < it.Span.To; n++ {
					known[n] = true
				}
				edits = append(edits, edit{it.Span.From, it.Span.To, strings.Join(all, ", ")})
			}
		}
		if len(items) > 0 && !w.sameNames() {
			err = refuse("RETURNING of '%s', whose names are not those of its table", w.view.Name)
		}
	}
	rest := stmt.Span
	if u := stmt.Update; u != nil {
		for i := range u.Set {
			if n := at(w.view.Columns, u.Set[i].Column.Name.Text); n >= 0 && w.columns[n] == "" {
				return nil, &Error{1348, "HY000", "Column '" + u.Set[i].Column.Name.Text + "' is not updatable"}
			}
			rename(&u.Set[i].Column)
			expr(u.Set[i].Value)
		}
		expr(u.Where)
		for i := range u.Order {
			expr(u.Order[i].Expr)
		}
	}
	if d := stmt.Delete; d != nil {
		expr(d.Where)
		for i := range d.Order {
			expr(d.Order[i].Expr)
		}
		returning(d.Items)
	}
	if l := stmt.Load; l != nil {
		for i := range l.Set {
			rename(&l.Set[i].Column)
			expr(l.Set[i].Value)
		}
		rest = sqltext.Span{}
		if len(l.Set) > 0 {
			rest = sqltext.Span{From: l.Set[0].Span.From, To: stmt.Span.To}
		}
	}
	if in := stmt.Insert; in != nil {
		for i := range in.OnDup {
			rename(&in.OnDup[i].Column)
			expr(in.OnDup[i].Value)
		}
		returning(in.Items)
		// Those of the columns that are written are seen to by insert, those of the query are no columns of the view.
		from := stmt.Span.To
		for _, at := range []sqltext.Span{{From: in.OnDupTok, To: in.OnDupTok + 1}, in.Returning} {
			if at.From >= 0 && !at.Empty() {
				from = min(from, at.From)
			}
		}
		rest.From = from
	}
	// Subqueries, and what the gateway does not understand, keep their names, but for those that say of which table they are.
	hidden := shadowed(stmt, alias) || goes != alias && shadowed(stmt, goes)
	for i := rest.From; i < rest.To && err == nil; i++ {
		if i+2 < rest.To && !hidden && stmt.Insert == nil && name(scan, i) == alias && isOp(scan, i+1, '.') && isName(scan, i+2) && !known[i] && !isOp(scan, i+3, '.') && (i == 0 || !isOp(scan, i-1, '.')) {
			if n := at(w.view.Columns, name(scan, i+2)); n >= 0 && w.columns[n] != "" {
				edits = append(edits, edit{i, i + 3, quote(goes) + "." + quote(w.columns[n])})
				i += 2
				continue
			}
		}
		if !isName(scan, i) || known[i] || i > 0 && isOp(scan, i-1, '.') {
			continue
		}
		n := at(w.view.Columns, name(scan, i))
		lost := n >= 0 && !isOp(scan, i+1, '.') && !strings.EqualFold(w.columns[n], w.view.Columns[n])
		renamed := name(scan, i) == alias && isOp(scan, i+1, '.') && (goes != alias || hidden && stmt.Insert == nil && !w.sameNames())
		if (lost || renamed) && (stmt.Facts&sqltext.HasSubquery != 0 || !s.table(stmt, i)) {
			return nil, refuse("a write to '%s' that names '%s' in a subquery or an expression that the gateway does not look into, where it can't be given its table's name", w.view.Name, name(scan, i))
		}
	}
	return edits, err
}

// shadowed says whether a table of a statement's goes by a name, other than that to which it writes.
func shadowed(stmt *sqltext.Stmt, name string) bool {
	var from []sqltext.TableRef
	switch {
	case stmt.Update != nil:
		from = stmt.Update.From
	case stmt.Delete != nil:
		from = stmt.Delete.From
	}
	return slices.ContainsFunc(append(sqltext.Factors(stmt), sqltext.DerivedTables(stmt)...), func(f *sqltext.TableRef) bool {
		switch {
		case len(from) > 0 && f.Span == from[0].Span:
			return false
		case f.Alias.Tok >= 0 || f.Table == nil:
			return strings.EqualFold(f.Alias.Text, name)
		}
		return strings.EqualFold(f.Table.Name.Text, name)
	})
}

// has says whether a view's table has a column.
func (s *splicer) has(w *window, column string) bool {
	t := s.snap.Table(w.db, w.table)
	return t == nil || t.Column(column) >= 0
}

// table says whether a token is of a table's name.
func (s *splicer) table(stmt *sqltext.Stmt, tok int32) bool {
	return slices.ContainsFunc(stmt.Tables, func(t *sqltext.TableName) bool { return t.Span.From <= tok && tok < t.Span.To })
}

// base is the table's column behind one of the view's.
func (w *window) base(name string) (string, error) {
	i := at(w.view.Columns, name)
	if i < 0 || w.columns[i] == "" {
		return "", refuse("INSERT into '%s', whose column '%s' is none of its table", w.view.Name, name)
	}
	return quote(w.columns[i]), nil
}

// adding is where rows that are added to a view go. goes is the table by whose name the statement goes, "" where it does not, as the rows are looked at.
func (s *splicer) adding(v *topo.View) (w *window, goes string, err error) {
	switch w, err = s.writable(v); {
	case err != nil:
		return nil, "", err
	case w.checks != "":
		return w, "", s.checked(w)
	}
	return w, w.table, nil
}

// insert makes an INSERT or REPLACE into a view one into its table.
func (s *splicer) insert(scan *sqltext.Scan, stmt *sqltext.Stmt, done map[int32]bool) (edits []edit, _ map[int32]bool, err error) {
	in := stmt.Insert
	v := lookup(in.Table, s.snap, &s.sess)
	if v == nil {
		return nil, done, nil
	}
	w, err := s.oneTable(in, v)
	goes := ""
	if w != nil {
		goes = w.table
	} else if err == nil {
		w, goes, err = s.adding(v)
	}
	if err != nil {
		return nil, nil, err
	}
	if !in.Partition.Empty() {
		return nil, nil, refuse("INSERT into '%s' with PARTITION: name the table '%s.%s'", v.Name, w.db, w.table)
	}
	if in.Select != nil && len(in.OnDup) > 0 && slices.ContainsFunc(sqltext.Factors(stmt), func(f *sqltext.TableRef) bool {
		n := f.Table.Name.Text
		if f.Alias.Tok >= 0 {
			n = f.Alias.Text
		}
		return f.Table != in.Table && (n == w.table || n == v.Name)
	}) {
		return nil, nil, refuse("INSERT into '%s' from a query of the view or its table, with ON DUPLICATE KEY UPDATE: name the table '%s.%s'", v.Name, w.db, w.table)
	}
	if edits, err = s.columns(scan, stmt, w, v.Name, goes); err != nil {
		return nil, nil, err
	}
	base := w.base
	names := false // the values name columns
	value := func(e sqltext.Expr) {
		if e != nil {
			sqltext.Walk(e, func(x sqltext.Expr) bool {
				switch x.(type) {
				case *sqltext.Column, *sqltext.Opaque:
					names = true
				}
				return true
			})
		}
	}
	for _, row := range in.Rows {
		for _, e := range row {
			value(e)
		}
	}
	for i := range in.Set {
		value(in.Set[i].Value)
	}
	if names {
		return nil, nil, refuse("INSERT into '%s' of values that name columns: name the table '%s.%s'", v.Name, w.db, w.table)
	}
	done[in.Table.Span.From], s.into = true, v
	t := s.snap.Table(w.db, w.table)
	s.unnumbered = t != nil && t.AutoIncrement >= 0 && !slices.Contains(w.columns, t.Columns[t.AutoIncrement].Name)
	edits = append(edits, edit{in.Table.Span.From, in.Table.Span.To, quote(w.db) + "." + quote(w.table)})
	switch {
	case len(in.Set) > 0:
		for i := range in.Set {
			c := &in.Set[i].Column
			name, err := base(c.Name.Text)
			if err != nil {
				return nil, nil, err
			}
			edits = append(edits, edit{c.Span.From, c.Span.To, name})
		}
	case len(in.Columns) > 0:
		for _, c := range in.Columns {
			name, err := base(c.Text)
			if err != nil {
				return nil, nil, err
			}
			from := c.Tok
			for from >= 2 && isOp(scan, from-1, '.') { // t.a
				from -= 2
			}
			edits = append(edits, edit{from, c.Tok + 1, name})
		}
	case in.ColumnsSpan.Empty():
		var names []string
		for _, c := range v.Columns {
			name, err := base(c)
			if err != nil {
				return nil, nil, err
			}
			names = append(names, name)
		}
		edits = append(edits, edit{in.InsertPoint, in.InsertPoint, "(" + strings.Join(names, ", ") + ")"})
	}
	return edits, done, nil
}
