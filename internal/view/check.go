package view

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// Check is the CHECK OPTION of a view that a statement writes to. MariaDB looks at it, row by row: the table's part is written to by a view of all its columns, with
// the conditions that are to be looked at, which nodes make where the part is.
type Check struct {
	View  *topo.View
	Table *topo.Table
	// ID tells apart what is not the same: the conditions, and the columns of the table.
	ID    string
	where string
}

// checked has a write be looked at.
func (s *splicer) checked(w *window) error {
	t := s.snap.Table(w.db, w.table)
	switch {
	case t == nil || t.Kind == topo.Linked || t.Kind == topo.Sequence:
		return refuse("a write to '%s' that its CHECK OPTION has to look at, where no leaf has the table '%s.%s': write to the table", w.view.Name, w.db, w.table)
	case w.odd:
		return refuse("a write to '%s' that its CHECK OPTION has to look at, which asks for the account, variables or stored functions, or is made of views under several collations: write to the table '%s.%s'",
			w.view.Name, w.db, w.table)
	}
	s.check = &Check{View: w.view, Table: t, where: w.checks}
	h := sha256.New()
	fmt.Fprintf(h, "%s\x00%s\x00%s", w.view.Charset, w.view.Collation, s.check.Query(""))
	s.check.ID = hex.EncodeToString(h.Sum(nil)[:16])
	return nil
}

// Query is what the view that looks at rows shows, of the table in a database of a leaf.
func (c *Check) Query(schema string) string {
	var b strings.Builder
	for i := range c.Table.Columns {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(quote(c.Table.Columns[i].Name))
	}
	return "SELECT " + b.String() + " FROM " + quote(schema) + "." + quote(c.Table.Name) + " WHERE " + strings.ReplaceAll(c.where, mark, quote(c.Table.Name))
}

// tellsOfAccount says whether a body has a function that tells who asks.
func tellsOfAccount(scan *sqltext.Scan) bool {
	for i := int32(0); int(i) < len(scan.Tokens); i++ {
		for _, word := range []string{"CURRENT_USER", "CURRENT_ROLE", "USER", "SESSION_USER", "SYSTEM_USER"} {
			if isWord(scan, i, word) {
				return true
			}
		}
	}
	return false
}

// keyed says whether a view shows a unique key without NULLs of its table, or all columns.
func (s *splicer) keyed(w *window) bool {
	t := s.snap.Table(w.db, w.table)
	if t == nil {
		return true
	}
	shown := func(c int) bool { return at(w.columns, t.Columns[c].Name) >= 0 }
	for _, key := range t.Unique {
		if !slices.ContainsFunc(key, func(c int) bool { return t.Columns[c].Nullable || !shown(c) }) {
			return true
		}
	}
	for c := range t.Columns {
		if !shown(c) {
			return false
		}
	}
	return true
}
