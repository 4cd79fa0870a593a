package trigger

import (
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// atNode judges a function that leaves may not call: one that writes, locks rows, reads views or calls such a function. Nodes run it, statement by statement, where a statement of the client's calls
// it once for certain; so it may do what a procedure may. known says whether it is such a function: its error is the reason then why it is refused.
func atNode(r *topo.Routine, scan *sqltext.Scan, d *sqltext.DDL, lookup Lookup, functions Functions) (known bool, err error) {
	t := d.Function
	known = t.Facts&sqltext.HasForUpdate != 0
	var touches, writes []string
	oneRow := true
	for _, n := range t.Tables {
		touches = append(touches, tableIn(r.DB, n))
		if _, view := lookup(n.Name.Text); view && n.DB.Tok < 0 {
			known = true
		}
	}
	for _, s := range t.Stmts {
		switch {
		case s.Insert != nil && s.Insert.Table != nil:
			writes = append(writes, tableIn(r.DB, s.Insert.Table))
			oneRow = oneRow && s.Insert.Select == nil && len(s.Insert.Rows) <= 1
		case s.Kind == sqltext.KindSelect:
			continue
		default:
			for _, n := range s.Tables {
				writes = append(writes, tableIn(r.DB, n))
			}
			oneRow = false
		}
		known = true
	}
	var calls []string
	for _, c := range t.Calls {
		if c.DB.Tok >= 0 && c.DB.Text != r.DB {
			continue // a statement of its own will tell
		}
		calls = append(calls, strings.ToLower(c.Name.Text))
		if f := functions(c.Name.Text); f != nil && f.AtNode {
			known = true
		}
	}
	switch {
	case !known:
		return false, nil
	case r.Aggregate:
		return true, refuse("writes, locks or views in a trigger that is AGGREGATE: read what it needs with the rows that it folds")
	case t.Odd != "":
		return true, refuse("%s in a trigger that writes: CALL a procedure that does it", t.Odd)
	case !oneRow && slices.ContainsFunc(t.Handled, func(h string) bool { return !ofNoRow(h) }):
		// Of a statement that fails in a function MariaDB keeps the rows that it has changed before.
		return true, refuse("a handler but for NOT FOUND in a trigger that writes more than a row of VALUES by a statement: leave the error to the caller")
	}
	slices.Sort(touches)
	slices.Sort(writes)
	slices.Sort(calls)
	r.AtNode, r.OneLeaf, r.Reads, r.Clock = true, false, nil, false
	r.Touches, r.Writes, r.Calls = slices.Compact(touches), slices.Compact(writes), slices.Compact(calls)
	return true, nil
}

// tableIn is db.table of a name.
func tableIn(db string, n *sqltext.TableName) string {
	if n.DB.Tok >= 0 {
		db = n.DB.Text
	}
	return db + "." + n.Name.Text
}

// ofNoRow says whether what a handler is for is that there is no row.
func ofNoRow(handled string) bool {
	return handled == "NOT FOUND" || handled == "1329" || strings.HasPrefix(strings.Trim(handled, `'"`), "02")
}
