package view

import (
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
)

// load makes a LOAD DATA into a view one into its table.
func (s *splicer) load(scan *sqltext.Scan, stmt *sqltext.Stmt, done map[int32]bool) (edits []edit, _ map[int32]bool, err error) {
	l := stmt.Load
	v := lookup(l.Table, s.snap, &s.sess)
	if v == nil {
		return nil, done, nil
	}
	w, goes, err := s.adding(v)
	if err != nil {
		return nil, nil, err
	}
	if !l.Partition.Empty() {
		return nil, nil, refuse("LOAD DATA into '%s' with PARTITION: name the table '%s.%s'", v.Name, w.db, w.table)
	}
	if edits, err = s.columns(scan, stmt, w, v.Name, goes); err != nil {
		return nil, nil, err
	}
	done[l.Table.Span.From], s.into = true, v
	edits = append(edits, edit{l.Table.Span.From, l.Table.Span.To, quote(w.db) + "." + quote(w.table)})
	names := make([]string, 0, len(v.Columns))
	if len(l.Columns) == 0 {
		for _, c := range v.Columns {
			name, err := w.base(c)
			if err != nil {
				return nil, nil, err
			}
			names = append(names, name)
		}
		span := l.ColumnsSpan // ()
		if span.Empty() {
			span.From = stmt.Span.To
			if len(l.Set) > 0 {
				span.From = l.Set[0].Span.From - 1 // SET
			}
			span.To = span.From
		}
		return append(edits, edit{span.From, span.To, "(" + strings.Join(names, ", ") + ")"}), done, nil
	}
	for _, c := range l.Columns {
		if strings.HasPrefix(c.Text, "@") {
			continue
		}
		name, err := w.base(c.Text)
		if err != nil {
			return nil, nil, err
		}
		edits = append(edits, edit{c.Tok, c.Tok + 1, name})
	}
	return edits, done, nil
}
