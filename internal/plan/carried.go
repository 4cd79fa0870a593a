package plan

import (
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// MariaDB stores one column in another by what the two are: an ENUM in an INT as its member's number, a FLOAT in a TEXT as it is printed. A value that a query told, and that is written
// elsewhere, is an expression's: an ENUM's text. So of such columns the query tells what is stored, too.

// CarriedCell is what the query tells of one of its columns, behind them all.
type CarriedCell struct {
	Cell int // of the query's columns
	From int // the one that tells
}

// NoMember is told in the place of an ENUM's value that is none of its members.
const NoMember = "\x00"

// carriedPrefix begins the aliases of items that tell what a column is stored as, and the column's number ends them.
const carriedPrefix = "_orbweaver_carried_"

// carriedCells finds the items that tell what is stored, or has the query get them: that is the result.
func (p *planner) carriedCells(is *InsertSelect, s *sqltext.Insert, u *unit) []Splice {
	if s.Select.Op != sqltext.SetNone || u.main == nil {
		return nil
	}
	items, ok := u.main.columns()
	if !ok {
		return nil
	}
	more := ""
	for i := range items {
		it := &items[i]
		if n, ok := strings.CutPrefix(it.name, carriedPrefix); ok {
			at, err := strconv.Atoi(n)
			if err != nil || at >= len(is.Columns) {
				continue
			}
			is.Hidden++
			is.Carried = append(is.Carried, CarriedCell{Cell: at, From: i})
			continue
		}
		if i >= len(is.Columns) || !it.isCol || is.Columns[i] < 0 {
			continue
		}
		if format := storedIn(it.col, &is.Table.Columns[is.Columns[i]]); format != "" {
			more += ", " + strings.ReplaceAll(format, "%", p.itemText(it)) + " AS " + carriedPrefix + itoa(i)
		}
	}
	if more == "" || len(is.Carried) > 0 {
		return nil
	}
	return []Splice{insertion(u.main.sel.ItemsSpan.To, more)}
}

// itemText is a column as a query's item.
func (p *planner) itemText(it *item) string {
	if it.expr != nil {
		return string(p.scan.Text(it.expr.ExprSpan()))
	}
	return quoted(it.node.src.name) + "." + quoted(it.name) // of a *
}

// storedIn is how a column is asked for so that it arrives in another one as if it were stored there directly, % being the column; "" for as it is.
func storedIn(from, to *topo.Column) (format string) {
	if from == nil {
		return ""
	}
	const number = "CAST(% AS UNSIGNED)"
	text := strings.HasSuffix(to.Type, "text") || strings.HasSuffix(to.Type, "blob")
	bytes := strings.HasSuffix(to.Type, "blob") || strings.HasSuffix(to.Type, "binary")
	switch from.Type {
	case "enum", "set":
		switch {
		case IsNumeric(to):
			return number
		case from.Type == "enum" && to.Type == "enum":
			return "IF(" + number + "=0,_latin1 x'00',%)"
		}
	case "bit":
		if !IsNumeric(to) && !text {
			return number
		}
	case "uuid", "inet6":
		if bytes {
			return "CAST(% AS BINARY(16))"
		}
	case "inet4":
		if bytes {
			return "CAST(% AS BINARY(4))"
		}
	case "float", "year":
		if text {
			return "CAST(% AS CHAR)"
		}
	case "double", "decimal", "tinyint", "smallint", "mediumint", "int", "bigint":
		if text && (strings.Contains(from.FullType, "zerofill") || from.Type == "double" && strings.Contains(from.FullType, "(")) {
			return "CAST(% AS CHAR)"
		}
	}
	return ""
}

// assigned is how SET's value, an item of a query with these tables, is asked for so that it arrives in a column as MariaDB stores it there.
func (p *planner) assigned(from []sqltext.TableRef, value sqltext.Expr, to *topo.Column) (format string) {
	c, ok := unparen(value).(*sqltext.Column)
	if !ok {
		return ""
	}
	var hit *topo.Column
	sqltext.WalkTables(from, func(r *sqltext.TableRef) {
		if r.Table == nil || r.Table.CTE || c.Table.Tok >= 0 && !strings.EqualFold(refName(r), c.Table.Text) || c.DB.Tok >= 0 && !strings.EqualFold(p.dbOf(r.Table), c.DB.Text) {
			return
		}
		if t, _, err := p.lookup(r.Table); err == nil && t != nil && t.Column(c.Name.Text) >= 0 {
			hit = &t.Columns[t.Column(c.Name.Text)]
		}
	})
	return storedIn(hit, to)
}

// IsNumeric says whether a column keeps numbers: strings are read as such then.
func IsNumeric(c *topo.Column) bool {
	switch c.Type {
	case "tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "float", "double", "year", "bit":
		return true
	}
	return false
}
