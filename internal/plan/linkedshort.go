package plan

import (
	"slices"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// short says whether the statement reads one row of a single table by a unique key and does nothing that may wait. The remote table may lack the key, and then it
// takes long: those who wait behind it take connections of their own.
func (l *linker) short() bool {
	const harmless = sqltext.HasTimeFunction | sqltext.HasDatabaseFunc
	if !l.plain || l.plan.Locks || !l.plan.Rows || l.stmt.Facts&^harmless != 0 {
		return false
	}
	s := l.stmt.Query.Select
	if s.Limit != nil && s.Limit.Odd || s.Where == nil {
		return false
	}
	t := &l.plan.Linked.Tables[0]
	fixed := map[int]bool{}
	l.fixed(s.Where, t, fixed)
	return slices.ContainsFunc(t.Table.Unique, func(key []int) bool {
		return len(key) > 0 && !slices.ContainsFunc(key, func(col int) bool { return !fixed[col] })
	})
}

// fixed notes the columns that are equal to a value in all rows that a condition is true of.
func (l *linker) fixed(e sqltext.Expr, t *LinkedTable, columns map[int]bool) {
	x, ok := unparen(e).(*sqltext.Binary)
	if !ok {
		return
	}
	switch x.Op {
	case "AND":
		l.fixed(x.L, t, columns)
		l.fixed(x.R, t, columns)
	case "=":
		for _, side := range [][2]sqltext.Expr{{x.L, x.R}, {x.R, x.L}} {
			c, ok := unparen(side[0]).(*sqltext.Column)
			if !ok || c.Table.Tok >= 0 && c.Table.Text != t.Alias {
				continue
			}
			if at := t.Table.Column(c.Name.Text); at >= 0 && indexed(&t.Table.Columns[at], unparen(side[1])) {
				columns[at] = true
			}
		}
	}
}

// indexed says whether MariaDB looks a value up in an index of the column: a number is no value of a string's index.
func indexed(c *topo.Column, value sqltext.Expr) bool {
	switch v := value.(type) {
	case *sqltext.ParamRef:
		return true
	case *sqltext.Literal:
		return v.Kind == sqltext.LitString || v.Kind == sqltext.LitNumber && c.Charset == ""
	}
	return false
}
