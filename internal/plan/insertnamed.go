package plan

import (
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
)

// NamedCell is a name of the query's in the ON DUPLICATE KEY UPDATE of an INSERT … SELECT: each row is written by itself, with its value in the name's place.
type NamedCell struct {
	Span sqltext.Span
	Cell int // of the query's columns
	// Charset and Collation are the column's, which the value of a string keeps; "" otherwise.
	Charset, Collation string
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
		cell := NamedCell{Span: c.Span, Cell: -1}
		for i := range items {
			if items[i].isCol && items[i].node == n {
				cell.Cell = i
			}
		}
		switch columnClass(n.column()) {
		case classPlain, classStamp:
		case classString:
			cell.Charset, cell.Collation = n.column().Charset, n.column().Collation
		default:
			return nil, NeedsStage(what + " whose values can't be written out")
		}
		if cell.Cell < 0 {
			more += ", " + string(p.scan.Text(c.Span)) + " AS " + namedPrefix + itoa(len(is.Named))
		}
		is.Named = append(is.Named, cell)
	}
	if more == "" {
		return nil, nil
	}
	return []Splice{insertion(u.main.sel.ItemsSpan.To, more)}, nil
}
