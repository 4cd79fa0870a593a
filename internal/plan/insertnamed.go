package plan

import (
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// NamedCell is a name of the query's in the ON DUPLICATE KEY UPDATE of an INSERT … SELECT: each row is written by itself, with its value in the name's place.
type NamedCell struct {
	Span sqltext.Span
	Cell int // of the query's columns
	// Charset and Collation are the column's, which the value of a string keeps; "" otherwise.
	Charset, Collation string
	// To is the column that is given it, where the value is told as it is stored there.
	To *topo.Column
}

// assignedBy is the column that a name is the whole value for; nil for none.
func assignedBy(s *sqltext.Insert, c *sqltext.Column, table *topo.Table) *topo.Column {
	for i := range s.OnDup {
		if v, ok := unparen(s.OnDup[i].Value).(*sqltext.Column); ok && v == c {
			if at := table.Column(s.OnDup[i].Column.Name.Text); at >= 0 {
				return &table.Columns[at]
			}
		}
	}
	return nil
}

// carriable says whether a column is of a type whose values arrive in another column as they are stored, though they can't be part of an expression there.
func carriable(c *topo.Column) bool {
	if c == nil {
		return false
	}
	switch c.Type {
	case "enum", "set", "bit", "float", "uuid", "inet4", "inet6":
		return true
	}
	return false
}

// namedPrefix begins the aliases of items that the query gets for names that it has no column for.
const namedPrefix = "_orbweaver_named_"

// namedCells finds where the values of the query's columns are that ON DUPLICATE KEY UPDATE names. Where the query does not tell them it is to tell more: that is the second result.
func (p *planner) namedCells(is *InsertSelect, named []*sqltext.Column, s *sqltext.Insert, u *unit) ([]Splice, error) {
	const what = "INSERT … SELECT … ON DUPLICATE KEY UPDATE that names columns of the query"
	if len(named) == 0 {
		return nil, nil
	}
	switch {
	case is.Moves != nil:
		return nil, NeedsStage(what + ", and changes the shard key")
	case len(is.Draws) > 0:
		return nil, NeedsStage(what + ", with values of a sequence")
	case u.main == nil || isGrouped(u.main.sel) || u.main.sel.Distinct || hasWindow(u.main.sel) || s.Select.Bracket:
		return nil, NeedsStage(what + ", where that is no plain SELECT: VALUES(…) names what a row would have got")
	}
	items, ok := u.main.columns()
	if !ok {
		return nil, NeedsStage(what + ", of which one is a * that can't be expanded")
	}
	for i := len(items); i > 0 && strings.HasPrefix(items[i-1].name, namedPrefix); i-- {
		is.Hidden++
	}
	more := ""
	for _, c := range named {
		n, ok := u.main.resolve(c)
		if !ok {
			return nil, NeedsStage(what + ": " + string(p.scan.Text(c.Span)))
		}
		cell, text := NamedCell{Span: c.Span, Cell: -1}, string(p.scan.Text(c.Span))
		alias := namedPrefix + itoa(len(is.Named))
		switch columnClass(n.column()) {
		case classPlain, classStamp:
		case classString:
			cell.Charset, cell.Collation = n.column().Charset, n.column().Collation
		default: // what is stored of it where it is all that a column is given
			cell.To = assignedBy(s, c, is.Table)
			if cell.To == nil || !carriable(n.column()) {
				return nil, NeedsStage(what + " whose values can't be written out: use VALUES(…)")
			}
			if format := storedIn(n.column(), cell.To); format != "" {
				text, n = strings.ReplaceAll(format, "%", text), node{}
			}
		}
		for i := range items {
			if items[i].isCol && items[i].node == n || items[i].name == alias {
				cell.Cell = i
			}
		}
		if cell.Cell < 0 {
			more += ", " + text + " AS " + alias
		}
		is.Named = append(is.Named, cell)
	}
	if more == "" {
		return nil, nil
	}
	return []Splice{insertion(u.main.sel.ItemsSpan.To, more)}, nil
}
