package gateway

import (
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// reach is which tables a statement on information_schema can tell of, by the constants that it compares their names with.
type reach struct{ dbs, tables *nameList }

// nameList are names of which one is meant; nil stands for all names.
type nameList struct{ names []string }

// has says whether a name may be equal to one of the list under MariaDB's collation of names.
func (l *nameList) has(name string) bool {
	return l == nil || !ascii(name) || slices.ContainsFunc(l.names, func(n string) bool { return strings.EqualFold(n, name) })
}

// or is a list of the names of both.
func (l *nameList) or(o *nameList) *nameList {
	if l == nil || o == nil {
		return nil
	}
	return &nameList{append(slices.Clip(l.names), o.names...)}
}

// reach reads which tables a statement can tell of, in all the places where it names a table of information_schema that tells of rows.
func (s *session) reach(scan *sqltext.Scan, stmt *sqltext.Stmt, args []wire.Param) *reach {
	var all *reach
	known := 0
	for _, sel := range sqltext.Selects(stmt) {
		sqltext.WalkTables(sel.From, func(f *sqltext.TableRef) {
			if f.Table == nil || !s.tellsOfRows(f.Table) {
				return
			}
			known++
			c := constants{s: s, scan: scan, args: args, table: f.Alias.Text}
			if f.Alias.Tok < 0 {
				c.table = f.Table.Name.Text
			}
			of := &reach{c.of("TABLE_SCHEMA", sel.Where), c.of("TABLE_NAME", sel.Where)}
			if all == nil {
				all = of
			} else {
				all.dbs, all.tables = all.dbs.or(of.dbs), all.tables.or(of.tables)
			}
		})
	}
	for _, f := range sqltext.Factors(stmt) {
		if s.tellsOfRows(f.Table) {
			known--
		}
	}
	if all == nil || known != 0 { // it is named where no condition is known
		return &reach{}
	}
	return all
}

// tellsOfRows says whether a name is that of a table of information_schema that tells of tables' rows.
func (s *session) tellsOfRows(t *sqltext.TableName) bool {
	return tallied[strings.ToUpper(t.Name.Text)] != nil && s.inInfoSchema(t)
}

// constants finds the constants that a column of one table must be equal to.
type constants struct {
	s     *session
	scan  *sqltext.Scan
	args  []wire.Param
	table string
}

// of is the narrowest list that a condition has for a column; nil when there is none.
func (c *constants) of(column string, where sqltext.Expr) *nameList {
	var best *nameList
	better := func(l *nameList) {
		if l != nil && (best == nil || len(l.names) < len(best.names)) {
			best = l
		}
	}
	for _, e := range sqltext.Conjuncts(nil, where) {
		switch e := e.(type) {
		case *sqltext.Binary:
			if e.Op != "=" {
				continue
			}
			if c.is(column, e.L) {
				better(c.list(e.R))
			} else if c.is(column, e.R) {
				better(c.list(e.L))
			}
		case *sqltext.In:
			if !e.Not && e.Sub == nil && c.is(column, e.X) {
				better(c.list(e.List...))
			}
		}
	}
	return best
}

func (c *constants) is(column string, e sqltext.Expr) bool {
	x, ok := sqltext.Unparen(e).(*sqltext.Column)
	return ok && strings.EqualFold(x.Name.Text, column) && (x.Table.Tok < 0 || strings.EqualFold(x.Table.Text, c.table))
}

// list is the names that expressions are; nil when one of them may be anything, or equal to something that looks different.
func (c *constants) list(values ...sqltext.Expr) *nameList {
	l := &nameList{}
	for _, e := range values {
		name := ""
		switch e := sqltext.Unparen(e).(type) {
		case *sqltext.Literal:
			if e.Kind != sqltext.LitString {
				return nil
			}
			name = nameAt(c.scan, e.Tok, c.s.mode())
		case *sqltext.ParamRef:
			if e.Index >= len(c.args) {
				return nil
			}
			p := &c.args[e.Index]
			if p.Null || p.Type.IsInteger() || p.Type.IsTemporal() || p.Type == wire.TypeFloat || p.Type == wire.TypeDouble || p.Type == wire.TypeDecimal || p.Type == wire.TypeNewDecimal {
				return nil // 0 is equal to most strings
			}
			name = string(p.Bytes)
		case *sqltext.Func:
			if e.Name != "DATABASE" && e.Name != "SCHEMA" || len(e.Args) > 0 || e.Odd {
				return nil
			}
			name = c.s.sess.DB
		default:
			return nil
		}
		if !ascii(name) {
			return nil
		}
		l.names = append(l.names, strings.TrimRight(name, " "))
	}
	return l
}
