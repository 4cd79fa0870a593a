package plan

import (
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// columnList are a table's columns that * stands for, of an alias where one is given.
func columnList(t *topo.Table, alias string) string {
	var b strings.Builder
	for i := range t.Columns {
		if t.Columns[i].Invisible {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		if alias != "" {
			b.WriteString(quoted(alias))
			b.WriteByte('.')
		}
		b.WriteString(quoted(t.Columns[i].Name))
	}
	return b.String()
}

func (l *linker) replace(s sqltext.Span, pieces ...Piece) {
	l.splices = append(l.splices, Splice{s.From, s.To, pieces})
	l.covered = append(l.covered, s)
}

// shape writes out what the client leaves to the table's definition: the remote table may have more columns, in another order.
func (l *linker) shape() {
	switch {
	case l.plain:
		t := &l.plan.Linked.Tables[0]
		l.stars(l.stmt.Query.Select.Items, columnList(t.Table, t.Alias))
	case len(l.bare) == 0: // as in INSERT INTO dual
	case l.stmt.Insert != nil:
		l.insertShape(l.stmt.Insert)
	case l.stmt.Load != nil:
		l.loadShape(l.stmt.Load)
	case l.stmt.Delete != nil && !l.stmt.Delete.Multi:
		l.stars(l.stmt.Delete.Items, columnList(l.plan.Linked.Tables[l.bare[0]].Table, ""))
	}
}

// databases writes out what DATABASE() says here: connections there have no default database.
func (l *linker) databases() error {
	if l.stmt.Facts&sqltext.HasDatabaseFunc == 0 {
		return nil
	}
	if len(sqltext.DerivedTables(l.stmt)) > 0 || slices.ContainsFunc(l.scan.Tokens, func(t sqltext.Token) bool { return t.KW == sqltext.KwWith }) {
		return errLinked("DATABASE() beside derived tables or common table expressions, whose columns it may name")
	}
	l.splices = append(l.splices, l.databaseCalls()...)
	return nil
}

// stars replaces * and t.* of a list.
func (l *linker) stars(items []sqltext.SelectItem, columns string) {
	for i := range items {
		if items[i].Star {
			l.replace(items[i].Span, textPiece(columns))
		}
	}
}

// insertShape names the columns of RETURNING *, and finds out what the answer's id will be.
func (l *linker) insertShape(s *sqltext.Insert) {
	t := l.plan.Linked.Tables[l.bare[0]].Table
	l.stars(s.Items, columnList(t, ""))
	if l.plan.Linked.Table == nil { // else the AUTO_INCREMENT values are the catalog's
		l.plan.Linked.InsertID = l.insertID(s, t)
	}
}

// loadShape names the fields of a LOAD DATA that does not.
func (l *linker) loadShape(s *sqltext.LoadData) {
	if len(s.Columns) > 0 {
		return
	}
	at := s.Tail.To
	if len(s.Set) > 0 {
		at = s.Set[0].Span.From - 1 // SET
	}
	list := " (" + columnList(l.plan.Linked.Tables[l.bare[0]].Table, "") + ") "
	if !s.ColumnsSpan.Empty() { // ()
		l.replace(s.ColumnsSpan, textPiece(list))
		return
	}
	l.splices = append(l.splices, Splice{at, at, []Piece{textPiece(list)}})
}

// unnamed says whether an INSERT leaves its columns to the table's definition.
func (l *linker) unnamed(t *topo.Table) bool {
	s := l.stmt.Insert
	if s == nil || len(s.Columns) > 0 || len(s.Set) > 0 || !s.ColumnsSpan.Empty() || len(s.Rows) > 0 && len(s.Rows[0]) == 0 {
		return false
	}
	// Values of an invisible AUTO_INCREMENT column are added to the rows, and its name to those of the others.
	return t.Scheme == "" || t.AutoIncrement < 0 || !t.Columns[t.AutoIncrement].Invisible
}

// qualifiers makes the names of columns fit: the remote table goes by the linked table's name where it can have an alias, and no database is named.
func (l *linker) qualifiers() error {
	for _, t := range l.stmt.Tables {
		l.covered = append(l.covered, t.Span)
	}
	if d := l.stmt.Delete; d != nil && d.Multi {
		for i := range d.Targets { // they name the tables of FROM
			t := &d.Targets[i]
			l.covered = append(l.covered, t.Span)
			for _, n := range l.bare {
				if b := &l.plan.Linked.Tables[n]; t.Name.Text == b.Alias && (t.DB.Tok < 0 || t.DB.Text == b.Table.DB) {
					l.replace(t.Span, Piece{Kind: PieceRemote, Remote: n})
					break
				}
			}
		}
	}
	hidden := map[int32]bool{}
	for _, s := range l.covered {
		for i := s.From; i < s.To; i++ {
			hidden[i] = true
		}
	}
	name := func(i int32) bool {
		return int(i) < len(l.scan.Tokens) && (l.scan.Tokens[i].Kind == sqltext.Word || l.scan.Tokens[i].Kind == sqltext.QuotedID)
	}
	for i := int32(0); int(i) < len(l.scan.Tokens); i++ {
		k := l.side(i)
		if k == nil || hidden[i] || !name(i) || !l.isOp(i+1, ".") || i > 0 && l.isOp(i-1, ".") {
			continue
		}
		at := i
		if name(i+2) && l.isOp(i+3, ".") { // db.t.c
			if l.ambiguous(k, unquote(l.text(i+2))) {
				return errLinked("tables of one name in several databases, or in several places")
			}
			l.splices = append(l.splices, Splice{From: i, To: i + 2})
			at = i + 2
		}
		for _, n := range l.bare {
			if k != l.plan.Linked {
				break
			}
			if unquote(l.text(at)) != l.plan.Linked.Tables[n].Alias || l.sameName(n) {
				continue
			}
			if l.shadowed(n) {
				return errLinked("a write to a table whose remote name differs, which reads tables by its name")
			}
			l.splices = append(l.splices, Splice{at, at + 1, []Piece{{Kind: PieceRemoteTable, Remote: n}}})
			break
		}
		i = at
	}
	return nil
}

// ambiguous says whether a name means several tables of the statement when no database is named with it.
func (l *linker) ambiguous(k *Linked, name string) bool {
	var found *topo.Table
	for _, t := range k.Tables {
		if t.Alias != name {
			continue
		}
		if found != nil && found != t.Table {
			return true
		}
		found = t.Table
	}
	for _, f := range l.factors {
		if f.Table.CTE && (f.Alias.Tok >= 0 && f.Alias.Text == name || f.Alias.Tok < 0 && f.Table.Name.Text == name) {
			return true
		}
	}
	return slices.ContainsFunc(sqltext.DerivedTables(l.stmt), func(r *sqltext.TableRef) bool { return r.Alias.Text == name })
}

// sameName says whether a table is called alike there, at every place.
func (l *linker) sameName(table int) bool {
	return !slices.ContainsFunc(l.plan.Linked.Places, func(p LinkedPlace) bool { return p.Names[table].Table != l.plan.Linked.Tables[table].Alias })
}

// sameRemote says whether two tables have one name at a place.
func (l *linker) sameRemote(a, b int) bool {
	return slices.ContainsFunc(l.plan.Linked.Places, func(p LinkedPlace) bool { return p.Names[a].Table == p.Names[b].Table })
}

// shadowed says whether the name of a table, or its remote name at a place, might mean another one somewhere in the statement.
func (l *linker) shadowed(table int) bool {
	b := &l.plan.Linked.Tables[table]
	other := func(name string) bool {
		return name == b.Alias || slices.ContainsFunc(l.plan.Linked.Places, func(p LinkedPlace) bool { return p.Names[table].Table == name })
	}
	n := 0
	for i := range l.plan.Linked.Tables {
		if other(l.plan.Linked.Tables[i].Alias) {
			n++
		}
	}
	for _, f := range l.factors {
		if f.Table.CTE && (f.Alias.Tok >= 0 && other(f.Alias.Text) || f.Alias.Tok < 0 && other(f.Table.Name.Text)) {
			return true
		}
	}
	return n > 1 || slices.ContainsFunc(sqltext.DerivedTables(l.stmt), func(r *sqltext.TableRef) bool { return other(r.Alias.Text) })
}

// names are the columns of the answer that are called by a text that the remote server does not get as it is.
func (l *linker) names() []ColumnName {
	var items []sqltext.SelectItem
	switch {
	case l.stmt.Insert != nil:
		items = l.stmt.Insert.Items
	case l.stmt.Delete != nil:
		items = l.stmt.Delete.Items
	case l.stmt.Query != nil:
		q := l.stmt.Query
		for q.Select == nil && q.Left != nil {
			q = q.Left
		}
		if q.Select != nil {
			items = q.Select.Items
		}
	}
	return itemNames(items, func(s sqltext.Span) bool {
		if len(within(l.splices, s)) > 0 {
			return true
		}
		for i := s.From + 1; i < s.To; i++ {
			if !blank(l.scan.Src[l.scan.Tokens[i-1].End:l.scan.Tokens[i].Start]) {
				return true
			}
		}
		return false
	})
}

func blank(gap []byte) bool {
	for _, c := range gap {
		if c != ' ' && (c < '\t' || c > '\r') {
			return false
		}
	}
	return true
}
