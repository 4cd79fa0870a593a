package view

import (
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// several makes an UPDATE or DELETE of several tables that writes to views one of their tables, under the views' names. Views that are only read stay for factors.
func (s *splicer) several(scan *sqltext.Scan, stmt *sqltext.Stmt, from []sqltext.TableRef, where sqltext.Expr, whereSpan sqltext.Span, end int32, done map[int32]bool,
	writes func(v *topo.View, alias string) bool) (edits []edit, err error) {
	outer := false
	var conditions []string
	var refs []*sqltext.TableRef
	sqltext.WalkTables(from, func(r *sqltext.TableRef) {
		outer = outer || r.Join != nil && r.Join.Kind != sqltext.InnerJoin
		if r.Table != nil && lookup(r.Table, s.snap, &s.sess) != nil {
			refs = append(refs, r)
		}
	})
	for _, r := range refs {
		v := lookup(r.Table, s.snap, &s.sess)
		alias := v.Name
		if r.Alias.Tok >= 0 {
			alias = r.Alias.Text
		}
		if !writes(v, alias) {
			continue
		}
		w, err := s.writable(v)
		switch {
		case err != nil:
			return nil, err
		case outer:
			return nil, refuse("an outer or natural join that writes to '%s': name the table that it shows", v.Name)
		case !r.Partition.Empty() || !r.Hints.Empty() || !r.SystemTime.Empty():
			return nil, refuse("PARTITION, an index hint or FOR SYSTEM_TIME of '%s'", v.Name)
		case w.checks != "" && stmt.Update != nil:
			return nil, refuse("an UPDATE of several tables that writes to '%s', whose CHECK OPTION has to be looked at: write to one view, or to the table '%s.%s'", v.Name, w.db, w.table)
		}
		names, err := s.ofSeveral(scan, stmt, w, alias)
		if err != nil {
			return nil, err
		}
		done[r.Table.Span.From] = true
		edits = append(append(edits, names...), edit{r.Span.From, r.Span.To, quote(w.db) + "." + quote(w.table) + " AS " + quote(alias)})
		if w.where != "" {
			conditions = append(conditions, "("+strings.ReplaceAll(w.where, mark, quote(alias))+")")
		}
	}
	if len(conditions) == 0 {
		return edits, nil
	}
	text := strings.Join(conditions, " AND ")
	if where == nil {
		return append(edits, edit{end, end, "WHERE " + text}), nil
	}
	span := where.ExprSpan()
	return append(edits, edit{span.From, span.From, "("}, edit{whereSpan.To, whereSpan.To, ") AND " + text}), nil
}

// ofSeveral are the edits by which a statement on several tables names the columns of the table behind a view. Which table a name alone is of only MariaDB knows: where the table would have it
// mean something else, the statement is refused.
func (s *splicer) ofSeveral(scan *sqltext.Scan, stmt *sqltext.Stmt, w *window, alias string) (edits []edit, err error) {
	t := s.snap.Table(w.db, w.table)
	if t == nil {
		return nil, refuse("a write to '%s' and other tables: name the table '%s.%s'", w.view.Name, w.db, w.table)
	}
	table := map[int32]bool{}
	for _, t := range stmt.Tables {
		for i := t.Span.From; i < t.Span.To; i++ {
			table[i] = true
		}
	}
	for i := stmt.Span.From; i < stmt.Span.To; i++ {
		if !isName(scan, i) || table[i] || i > 0 && (isOp(scan, i-1, '.') || isWord(scan, i-1, "AS")) || isOp(scan, i+1, '(') {
			continue
		}
		n := name(scan, i)
		if isOp(scan, i+1, '.') {
			switch {
			case n == w.view.DB && isOp(scan, i+3, '.') && name(scan, i+2) == alias:
				return nil, refuse("a write to '%s' and other tables that names it with its database", w.view.Name)
			case n != alias || !isName(scan, i+2):
				continue
			}
			c := at(w.view.Columns, name(scan, i+2))
			switch {
			case c < 0:
			case w.columns[c] == "", !strings.EqualFold(w.columns[c], w.view.Columns[c]) && stmt.Facts&sqltext.HasSubquery != 0:
				return nil, refuse("a write to '%s' and other tables that names '%s', which is an expression, or beside subqueries another name than the table has: name the table '%s.%s'", w.view.Name, name(scan, i+2), w.db, w.table)
			case !strings.EqualFold(w.columns[c], w.view.Columns[c]):
				edits = append(edits, edit{i + 2, i + 3, quote(w.columns[c])})
			}
			continue
		}
		c := at(w.view.Columns, n)
		other := c < 0 && slices.ContainsFunc(t.Columns, func(c topo.Column) bool { return strings.EqualFold(c.Name, n) })
		if other || c >= 0 && !strings.EqualFold(w.columns[c], n) {
			return nil, refuse("a write to '%s' and other tables that names '%s' without its table, which the table '%s.%s' has or has not: say of which table it is", w.view.Name, n, w.db, w.table)
		}
	}
	return edits, nil
}
