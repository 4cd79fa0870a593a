package plan

import (
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// loadPlan plans LOAD DATA LOCAL.
func (p *planner) loadPlan() (*Plan, error) {
	s := p.stmt.Load
	p.seen[s.Table.Span.From] = true
	table, db, err := p.lookup(s.Table)
	if err != nil {
		return nil, err
	}
	switch {
	case table == nil && db == "":
		return &Plan{Writes: true}, nil
	case table == nil:
		return nil, NeedsStage("a write to a system table")
	case !s.Local:
		return nil, NeedsStage("LOAD DATA without LOCAL")
	case s.XML:
		return nil, NeedsStage("LOAD XML")
	}
	p.useTable(s.Table, table)
	spread, err := p.unseen()
	if err != nil {
		return nil, err
	}
	if spread && !p.alone() {
		return nil, NeedsStage("a subquery over a sharded table in LOAD DATA")
	}
	plan := &Plan{Writes: true, Route: Route{Kind: RouteAll, DB: table.DB}}
	if table.Kind == topo.Single {
		plan.Route.Kind = RouteOne
	}
	if table.Kind == topo.Linked {
		plan.Route = p.far.into(s.Table)
	}
	if table.Kind == topo.Reference {
		if reason := p.differsByLeaf(); reason != "" {
			return nil, NeedsStage(reason)
		}
		plan.Route = Route{Kind: RouteEveryLeaf}
	}
	load := &Load{Table: table, Stmt: s, Auto: -1}
	field, err := loadFields(s, table)
	if err != nil {
		return nil, err
	}
	for _, c := range table.ShardKey {
		if table.Columns[c].Generated {
			return nil, NeedsStage("LOAD DATA into a table whose shard key column '" + table.Columns[c].Name + "' is generated")
		}
		load.Key = append(load.Key, field[c])
	}
	if table.Numbered() {
		load.Auto = field[table.AutoIncrement]
		switch name := table.Columns[table.AutoIncrement].Name; {
		case load.Auto >= 0:
		case s.ColumnsSpan.Empty() || len(s.Columns) == 0:
			return nil, NeedsStage("LOAD DATA without a list of columns into a table whose AUTO_INCREMENT column '" + name + "' is invisible")
		default:
			load.ColumnPoint, load.ColumnText, load.AutoFirst = s.ColumnsSpan.From+1, quoted(name)+",", true
		}
	}
	if err := p.loadDraws(load, field); err != nil {
		return nil, err
	}
	for i := range s.Set {
		c := table.Column(s.Set[i].Column.Name.Text)
		if c >= 0 && (inKey(table, c) || c == table.AutoIncrement && table.Numbered()) {
			return nil, NeedsStage("LOAD DATA that sets the shard key or AUTO_INCREMENT column '" + table.Columns[c].Name + "'")
		}
		p.qualified(&block{}, s.Set[i].Column.DB, s.Set[i].Column.Table)
	}
	load.Forward = p.names()
	plan.Forward = load.Forward
	plan.Load = load
	return plan, nil
}

// loadDraws finds the columns that the lines leave to sequences.
func (p *planner) loadDraws(load *Load, field []int) error {
	s, table := load.Stmt, load.Table
	for c := range table.Columns {
		db, name, ok := table.Columns[c].Sequence()
		if !ok || field[c] >= 0 || slices.ContainsFunc(s.Set, func(a sqltext.Assign) bool { return table.Column(a.Column.Name.Text) == c }) {
			continue
		}
		if s.ColumnsSpan.Empty() || len(s.Columns) == 0 {
			return NeedsStage("LOAD DATA without a list of columns into a table whose column '" + table.Columns[c].Name + "', to which a sequence gives values, is invisible")
		}
		if q := p.snap.Table(db, name); q == nil || q.Kind != topo.Sequence {
			return errNoTable(db, name)
		}
		load.Draws = append(load.Draws, Draw{Cell: len(load.Draws), Column: c, DB: db, Sequence: name})
		load.ColumnPoint, load.ColumnText = s.ColumnsSpan.From+1, load.ColumnText+quoted(table.Columns[c].Name)+","
	}
	return p.defaulted(table, s.Set)
}

// loadFields is the number of the field that each column is read from, -1 for none.
func loadFields(s *sqltext.LoadData, table *topo.Table) ([]int, error) {
	field := make([]int, len(table.Columns))
	for i := range field {
		field[i] = -1
	}
	if len(s.Columns) == 0 {
		n := 0
		for i := range table.Columns {
			if !table.Columns[i].Invisible {
				field[i] = n
				n++
			}
		}
		return field, nil
	}
	for i, n := range s.Columns {
		if strings.HasPrefix(n.Text, "@") {
			continue
		}
		c := table.Column(n.Text)
		if c < 0 {
			return nil, errBadField(n.Text, "SELECT") // as MariaDB words it
		}
		field[c] = i
	}
	return field, nil
}
