package plan

import (
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// The rows of all single tables of a database are in the same partition. What reads or writes no other partitioned tables is MariaDB's own statement there, whatever its form: it is
// forwarded, and nothing that is said of parts holds for it. Beside others a single table is one more table that is elsewhere.

// inOne says whether a source's rows are those of single tables.
func (s *source) inOne() bool { return s.keyTable != nil && s.keyTable.Kind == topo.Single }

// inOne says whether all partitioned rows that a query reads are those of single tables.
func (u *unit) inOne() bool {
	return u.spread && u.bad == "" && u.keyTable != nil && u.keyTable.Kind == topo.Single
}

// oneOf is the single table that stands for all that sources read; nil when there are others.
func oneOf(list []*source) (one *topo.Table) {
	for _, s := range list {
		switch {
		case s.system:
			return nil
		case !s.spread:
		case !s.inOne() || s.bad != "" || one != nil && !sameKey(one, s.keyTable):
			return nil
		default:
			one = s.keyTable
		}
	}
	return one
}

// settleInOne settles a query over a single table, and others that are together with it.
func (u *unit) settleInOne(one *topo.Table) {
	u.spread, u.bad, u.rowBad = true, "", ""
	u.anchor, u.local, u.key, u.keyTable = nil, nil, nil, one
	if at := slices.IndexFunc(u.sources, func(s *source) bool { return s.spread }); at >= 0 {
		u.anchor = u.sources[at]
	}
	u.comps = []component{{table: one, pinned: true}}
}

// armsInOne is the single table that stands for both arms of a set operation; nil when one of them reads others.
func (u *unit) armsInOne() (one *topo.Table) {
	for _, arm := range []*unit{u.left, u.right} {
		switch {
		case !arm.spread:
			if u.p.system {
				return nil
			}
		case !arm.inOne() || one != nil && !sameKey(one, arm.keyTable):
			return nil
		default:
			one = arm.keyTable
		}
	}
	return one
}

// alone says whether single tables of one database take part, and nothing that is elsewhere. It is known once all names have been looked up.
func (p *planner) alone() bool {
	return p.single != nil && !p.partitioned && p.otherDB == "" && p.far == nil && !p.system && !p.sequence && !p.temporary
}

// insertInOne forwards an INSERT or REPLACE whose tables are all where its target is; nil for another one.
func (p *planner) insertInOne(s *sqltext.Insert, table *topo.Table) (*Plan, error) {
	if p.far != nil || p.sess.Draws != nil || p.sess.Met != nil {
		return nil, nil
	}
	n := newPlanner(p.stmt, p.scan, p.snap, p.sess)
	n.seen[s.Table.Span.From] = true
	n.useTable(s.Table, table)
	around := n.newUnit(nil)
	around.main = &block{unit: around}
	n.noteItems(s.Items)
	var err error
	look := func(e sqltext.Expr) {
		if err == nil {
			err = around.expr(e, around.main)
		}
	}
	for _, row := range s.Rows {
		for _, e := range row {
			look(e)
		}
	}
	for _, list := range [][]sqltext.Assign{s.Set, s.OnDup} {
		for i := range list {
			n.qualified(around.main, list[i].Column.DB, list[i].Column.Table)
			look(list[i].Value)
		}
	}
	for i := range s.Items {
		n.qualified(around.main, s.Items[i].StarDB, s.Items[i].StarTable)
		look(s.Items[i].Expr)
	}
	if s.Select != nil && err == nil {
		_, err = n.query(s.Select, nil)
	}
	if err == nil {
		_, err = n.unseen()
	}
	if err != nil || !n.alone() {
		return nil, nil // what is wrong the others say
	}
	if err := n.givenByNode(s, table); err != nil {
		return nil, err
	}
	*p = *n
	plan := &Plan{Writes: true, Rows: !s.Returning.Empty(), Route: Route{Kind: RouteOne, DB: table.DB}, Forward: p.names(), InsertID: p.insertID(s, table)}
	if len(s.OnDup) > 0 && table.AutoIncrement >= 0 { // a row may be met, or LAST_INSERT_ID(x) be called
		plan.InsertID = InsertIDAsk
	}
	if plan.Rows {
		plan.Merge = &Merge{Splices: plan.Forward, Names: plan.Forward}
	}
	return plan, nil
}

// givenByNode refuses rows that leave a column to a sequence: partitions have no such defaults.
func (p *planner) givenByNode(s *sqltext.Insert, table *topo.Table) error {
	if !table.Draws() {
		return nil
	}
	columns, err := targetColumns(s.Columns, table)
	switch {
	case err != nil:
		return err
	case len(s.Set) > 0:
		columns = nil
		for i := range s.Set {
			columns = append(columns, table.Column(s.Set[i].Column.Name.Text))
		}
	case len(s.Rows) > 0 && len(s.Rows[0]) == 0:
		columns = nil
	}
	return p.drawn(table, columns)
}

// insertID looks whether an INSERT gives the AUTO_INCREMENT column a value, where that is counted where the rows are.
func (p *planner) insertID(s *sqltext.Insert, t *topo.Table) InsertID {
	if t.AutoIncrement < 0 {
		return InsertIDGenerated
	}
	name := t.Columns[t.AutoIncrement].Name
	var values []sqltext.Expr
	switch {
	case len(s.Set) > 0:
		for i := range s.Set {
			if strings.EqualFold(s.Set[i].Column.Name.Text, name) {
				values = append(values, s.Set[i].Value)
			}
		}
	case len(s.Columns) > 0 || s.ColumnsSpan.Empty():
		at := slices.IndexFunc(s.Columns, func(n sqltext.Name) bool { return strings.EqualFold(n.Text, name) })
		if len(s.Columns) == 0 {
			if t.Columns[t.AutoIncrement].Invisible {
				return InsertIDGenerated
			}
			at = 0
			for _, c := range t.Columns[:t.AutoIncrement] {
				if !c.Invisible {
					at++
				}
			}
		}
		if at < 0 {
			return InsertIDGenerated
		}
		if s.Select != nil {
			return InsertIDAsk
		}
		for _, row := range s.Rows {
			if at < len(row) {
				values = append(values, row[at])
			}
		}
	}
	given, made := 0, 0
	for _, v := range values {
		switch lit, ok := unparen(v).(*sqltext.Literal); {
		case ok && (lit.Kind == sqltext.LitNull || lit.Kind == sqltext.LitDefault):
			made++
		case ok && lit.Kind == sqltext.LitNumber:
			p.literals = true
			if digits(p.text(lit.Tok)) && strings.Trim(p.text(lit.Tok), "0") != "" {
				given++
			}
		}
	}
	switch len(values) {
	case made:
		return InsertIDGenerated
	case given:
		return InsertIDGiven
	}
	return InsertIDAsk
}
