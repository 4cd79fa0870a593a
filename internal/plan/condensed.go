package plan

import (
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// Condensed is a query inside of a staged statement that makes few rows of many: groups, distinct rows, or the first ones, which partitions find by parts. With these in a temporary table, and that in the query's place, the rows
// that they are made of need not be copied.
type Condensed struct {
	Query sqltext.Span
	Plan  *Plan // of Query; nil where it is Opened
	// Opened: it computes windows over groups, so that only these are found.
	Opened *Opened
	DB     string // of its tables
	// Fills are those of the statement's fills of whose tables it reads rows.
	Fills []int
	// bare: it stands where no query may have a LIMIT.
	bare bool
}

// maxCondensed bounds them.
const maxCondensed = 8

// condensedName is what the temporary tables are called, with a number behind it.
const condensedName = "_orbweaver_groups_"

// condensed finds such queries of a staged one, outermost first, where each is known by itself. fills are the statement's.
func (p *planner) condensed(q *sqltext.Query, fills []Fill) []Condensed {
	const unfit = sqltext.HasForUpdate | sqltext.HasUserVarAssign | sqltext.HasLockFunction | sqltext.HasStoredCall | sqltext.HasSequence | sqltext.HasSystemTime | sqltext.HasInto
	if q == nil || p.far != nil || p.stmt.Facts&unfit != 0 || !p.stmt.SetStatement.Empty() || p.sess.OwnReferences || p.sess.PadChar {
		return nil
	}
	for i := range fills {
		if f := &fills[i]; f.Table.Kind == topo.Linked || f.Table.Temporary || f.Of != nil || f.Called {
			return nil
		}
	}
	c := &condenser{p: p, fills: fills}
	if !c.open(q) {
		c.inside(q, false)
	}
	slices.SortFunc(c.found, func(a, b Condensed) int { return int(a.Query.From - b.Query.From) })
	return c.found
}

// condenser looks for them.
type condenser struct {
	p     *planner
	fills []Fill
	found []Condensed
}

// setting is where a query stands: it may see columns around it; it may have no LIMIT.
type setting struct{ open, bare bool }

// query looks at a query whose rows are all that is seen of it.
func (c *condenser) query(q *sqltext.Query, at setting) {
	if q == nil || len(c.found) == maxCondensed {
		return
	}
	if plan := c.p.condensable(q, at.open); plan != nil && (!at.bare || weighed(q.Select)) {
		c.found = append(c.found, Condensed{Query: q.Span, Plan: plan, DB: plan.Route.DB, Fills: c.reads(q.Span), bare: at.bare})
		return
	}
	if at.open || !c.open(q) {
		c.inside(q, at.open)
	}
}

// open looks whether a query can be opened.
func (c *condenser) open(q *sqltext.Query) bool {
	o, db := c.p.open(q)
	if o == nil {
		return false
	}
	c.found = append(c.found, Condensed{Query: q.Span, Opened: o, DB: db, Fills: c.reads(o.From)})
	return true
}

// inside looks at the queries in one.
func (c *condenser) inside(q *sqltext.Query, open bool) {
	if q == nil {
		return
	}
	if q.With != nil {
		if q.With.Recursive {
			return
		}
		for i := range q.With.CTEs {
			c.query(q.With.CTEs[i].Query, setting{})
		}
	}
	if q.Select == nil {
		c.query(q.Left, setting{open, true})
		c.query(q.Right, setting{open, true})
		return
	}
	sqltext.WalkTables(q.Select.From, func(r *sqltext.TableRef) {
		c.query(r.Derived, setting{})
		if r.Join != nil {
			c.expr(r.Join.On)
		}
	})
	selectExprs(q.Select, c.expr)
}

// expr looks at the subqueries of an expression.
func (c *condenser) expr(e sqltext.Expr) {
	walk(e, func(x sqltext.Expr) bool {
		switch x := x.(type) {
		case *sqltext.In:
			if x.Sub != nil {
				c.query(x.Sub, setting{true, true})
			}
		case *sqltext.Subquery:
			c.inside(x.Query, true)
		}
		return true
	})
}

// reads are the fills whose tables a span names.
func (c *condenser) reads(s sqltext.Span) (out []int) {
	for _, t := range c.p.stmt.Tables {
		if t.CTE || !inside(t.Span, s) {
			continue
		}
		table, _, err := c.p.lookup(t)
		i := slices.IndexFunc(c.fills, func(f Fill) bool { return err == nil && f.Table == table })
		if i >= 0 && !slices.Contains(out, i) {
			out = append(out, i)
		}
	}
	return out
}

// condensable plans a query by itself; nil when it hangs on what is around it, makes no fewer rows, or has another answer whenever it is run.
func (p *planner) condensable(q *sqltext.Query, open bool) *Plan {
	s := q.Select
	if s == nil || q.With != nil || len(q.Order) > 0 || q.Limit != nil || !q.Tail.Empty() || !s.Tail.Empty() || !isGrouped(s) && !s.Distinct && s.Limit == nil || p.counts(q.Span) {
		return nil
	}
	windows := false
	for i := q.Span.From; i < q.Span.To; i++ {
		t := &p.scan.Tokens[i]
		if t.Kind == sqltext.SysVar || t.Kind == sqltext.UserVar {
			return nil
		}
		windows = windows || t.KW == sqltext.KwOver || t.KW == sqltext.KwWindow
	}
	for _, f := range sqltext.Factors(p.stmt) {
		if f.Table.CTE && inside(f.Table.Span, q.Span) {
			return nil
		}
	}
	sub := newPlanner(p.stmt, p.scan, p.snap, p.sess)
	sub.sess.Results = Unconverted // its rows are stored
	sub.span, sub.stage = q.Span, newStager()
	sub.stage.unsteady = sub.counts
	u, err := sub.query(q, nil)
	sub.windowSeen = sub.windowSeen || !windows
	if err != nil || sub.settleAll(u) != nil || sub.otherDB != "" || sub.system || !u.spread || u.main == nil {
		return nil
	}
	if slices.ContainsFunc(u.sources, func(s *source) bool { return s.table != nil && slices.ContainsFunc(s.table.Columns, unstorable) }) ||
		!u.outKnown || slices.ContainsFunc(u.out, func(c outCol) bool { return c.col != nil && unkept[c.col.Type] }) {
		return nil
	}
	if open && slices.ContainsFunc(sub.stage.blocks, func(b *block) bool { return !b.closed() }) {
		return nil
	}
	plan := &Plan{Rows: true, Facts: p.stmt.Facts, Revision: p.snap.Revision, Route: sub.route(u), Forward: sub.names()}
	plan.Names = sub.columnNames(q, plan.Forward)
	if plan.Merge, plan.Stage = sub.merge(u); plan.Stage != "" || sub.fault != nil {
		return nil
	}
	p.literals = p.literals || sub.literals
	return plan
}

// weighed says whether all that a query shows is of no lesser weight than a column is where MariaDB chooses a collation of several: beside other queries, and values that are looked for in it, a
// string that is computed, or a literal, gives way to columns.
func weighed(s *sqltext.Select) bool {
	return !slices.ContainsFunc(s.Items, func(it sqltext.SelectItem) bool {
		e := unparen(it.Expr)
		if f := aggregate(e); f != nil {
			switch strings.ToUpper(f.Name) {
			case "COUNT", "SUM", "AVG", "STD", "STDDEV", "STDDEV_POP", "STDDEV_SAMP", "VARIANCE", "VAR_POP", "VAR_SAMP", "BIT_AND", "BIT_OR", "BIT_XOR":
				return false
			case "MIN", "MAX":
				e = unparen(f.Args[0])
			}
		}
		_, column := e.(*sqltext.Column)
		return !it.Star && !column
	})
}

// unkept are the types of columns for whose values nobody but MariaDB makes another column.
var unkept = map[string]bool{"enum": true, "set": true, "bit": true, "float": true, "timestamp": true, "year": true, "tinytext": true, "text": true, "mediumtext": true, "longtext": true,
	"tinyblob": true, "blob": true, "mediumblob": true, "longblob": true}

// unstorable is for columns of types that answers do not tell.
func unstorable(c topo.Column) bool { return columnClass(&c) == classNever }

// CondensedTable is what stands for the rows of the n-th condensed query in the topology of the statement that is made with it.
func CondensedTable(c *Condensed, n int, columns []topo.Column) *topo.Table {
	return &topo.Table{DB: c.DB, Name: condensedName + itoa(n), Kind: topo.Reference, Temporary: true, AutoIncrement: -1, Columns: columns}
}

// CondensedEdits put the table of a condensed query's rows in its place. MariaDB merges no query with a LIMIT: so it makes keys for a derived table of it as it would for the one that is replaced.
func CondensedEdits(c *Condensed, t *topo.Table) []Splice {
	table := quoted(t.DB) + "." + quoted(t.Name)
	if o := c.Opened; o != nil {
		return append(slices.Clone(o.Splices), Splice{o.From.From, o.From.To, []Piece{textPiece("FROM " + table + " ")}})
	}
	text := "SELECT * FROM " + table
	if !c.bare {
		text += " LIMIT 18446744073709551615"
	}
	return []Splice{{c.Query.From, c.Query.To, []Piece{textPiece(text)}}}
}

// Reads is what is found first.
func (c *Condensed) Reads() sqltext.Span {
	if c.Opened != nil {
		return c.Opened.From
	}
	return c.Query
}

// WholeFill is the fill of all rows of a table.
func WholeFill(t *topo.Table) Fill {
	f := Fill{Table: t}
	for i := range t.Columns {
		f.Columns = append(f.Columns, i)
	}
	return f
}
