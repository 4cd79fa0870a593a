package plan

import (
	"slices"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// insertSelect plans INSERT … SELECT: inside each partition where the rows stay in it, else as a query whose rows are inserted.
func (p *planner) insertSelect(plan *Plan, s *sqltext.Insert, table *topo.Table, moves *KeyMoves) error {
	columns, err := targetColumns(s.Columns, table)
	if err != nil {
		return err
	}
	if slices.Contains(columns, -1) && table.Kind != topo.Single {
		return NeedsStage("INSERT … SELECT of the times of versions: insert rows of values")
	}
	draws, drawPoint, drawText, err := p.draws(s, table, columns)
	if err != nil {
		return err
	}
	if len(draws) > 0 && moves != nil {
		return NeedsStage(moves.Reason + ", with values of a sequence")
	}
	u, err := p.query(s.Select, nil)
	if err != nil {
		return err
	}
	named, err := p.settleInsert(u, s, table)
	if err != nil {
		return err
	}
	query := p
	if p.apart != "" || p.otherDB != "" && p.far == nil { // the query is planned by itself
		query, p.otherDB = newPlanner(p.stmt, p.scan, p.snap, p.sess), ""
		query.span = s.Select.Span
		if u, err = query.query(s.Select, nil); err != nil {
			return err
		}
		if err := query.settleAll(u); err != nil {
			return err
		}
	}
	beside := u.spread && p.temporaryIn(s.Select.Span)
	apart := p.called.oneLeaf != "" && (u.spread || p.called.copied)
	if query == p && !apart && s.Partition.Empty() && !beside && moves == nil && len(draws) == 0 && p.staysInside(u, table, columns) {
		plan.Route = p.route(u)
		plan.Forward = p.names()
		if !s.Returning.Empty() {
			plan.Merge = &Merge{Splices: plan.Forward, Names: plan.Forward}
		}
		return nil
	}
	inner := &Plan{Rows: true, Locks: p.stmt.Facts&sqltext.HasForUpdate != 0, Params: p.scan.Params, Revision: p.snap.Revision,
		Facts: p.stmt.Facts}
	inner.Route = query.route(u)
	if p.readsFar() && u.spread {
		inner.Linked = p.far.inner()
	}
	switch {
	case query.otherDB != "" || beside || apart || p.apart != "":
		inner.Route = Route{Kind: RouteStage}
		switch {
		case p.apart != "":
			inner.Stage = p.apart
		case apart:
			inner.Stage = p.called.oneLeaf
		case beside:
			inner.Stage = "temporary tables beside others, which are elsewhere"
		default:
			inner.Stage = twoDatabases(query.db, query.otherDB)
		}
		if reason := p.fill(inner, s.Select, s.Select.Span); reason != "" {
			return NeedsStage(reason)
		}
	case u.spread:
		inner.Forward = query.names()
		if inner.Merge, inner.Stage = query.merge(u); query.fault != nil {
			return query.fault
		}
		p.literals = p.literals || query.literals
		if inner.Stage != "" {
			if reason := p.fill(inner, s.Select, s.Select.Span); reason != "" {
				inner.Stage = reason
			}
		}
	}
	whole := p.stmt.Span
	plan.InsertSelect = &InsertSelect{Table: table, Query: s.Select.Span, Plan: inner, Columns: columns, Omits: omitsAny(table, columns),
		Head: sqltext.Span{From: whole.From, To: s.Select.Span.From}, Tail: sqltext.Span{From: s.Select.Span.To, To: whole.To},
		ReadsTarget: p.readsTarget(s.Table, table), Moves: moves, Gathered: gathered(s.Select)}
	plan.InsertSelect.Draws, plan.InsertSelect.DrawPoint, plan.InsertSelect.DrawText = draws, drawPoint, drawText
	plan.InsertSelect.ColumnPoint, plan.InsertSelect.ColumnText = autoColumn(s, table, columns)
	more, err := p.namedCells(plan.InsertSelect, named, s, u)
	if err != nil {
		return err
	}
	plan.Restate, plan.InsertSelect.Exact = withAllDigits(s.Select, u.main, p.scan)
	plan.InsertSelect.Windowed = windowed(u.main)
	if names := computedKeys(table, columns); len(names) > 0 {
		plan.Restate = append(plan.Restate, withDefaultItems(s, table, names, p.sess.Mode.Oracle)...)
	}
	plan.Restate = append(append(plan.Restate, p.carriedCells(plan.InsertSelect, s, u)...), more...)
	slices.SortStableFunc(plan.Restate, func(a, b Splice) int { return int(a.From - b.From) })
	switch {
	case table.Temporary:
		plan.Route = Route{Kind: RouteAny}
	case table.Kind == topo.Reference:
		plan.Route = Route{Kind: RouteEveryLeaf}
		if p.checked() != nil {
			plan.InsertSelect.Names = p.names()
		}
	case table.Kind == topo.Linked:
		plan.Route = p.far.into(s.Table)
		plan.InsertSelect.Names = p.names()
	default:
		plan.Route = Route{Kind: RouteAll, DB: table.DB}
		if table.Kind == topo.Single {
			plan.Route.Kind = RouteOne
		}
		plan.InsertSelect.Names = p.names()
	}
	if !s.Returning.Empty() {
		if table.Kind == topo.Single && table.AutoIncrement >= 0 {
			return NeedsStage("RETURNING of rows from elsewhere, into a single table that has an AUTO_INCREMENT column")
		}
		if table.AutoIncrement >= 0 && !table.Numbered() { // whose answer does not tell the generated value
			return errLinked("RETURNING of rows from elsewhere, into a table without partitions that has an AUTO_INCREMENT column")
		}
		plan.Merge = &Merge{Splices: plan.InsertSelect.Names, Names: plan.InsertSelect.Names}
	}
	return nil
}

// windowed are the columns of a block that are window functions.
func windowed(b *block) (columns []int) {
	if b == nil {
		return nil
	}
	items, ok := b.columns()
	for i := 0; ok && i < len(items); i++ {
		if f, is := unparen(items[i].expr).(*sqltext.Func); is && !f.Over.Empty() {
			columns = append(columns, i)
		}
	}
	return columns
}

// autoColumn puts the AUTO_INCREMENT column before the columns that the query's are for, when it isn't among them.
func autoColumn(s *sqltext.Insert, table *topo.Table, columns []int) (point int32, text string) {
	auto := table.AutoIncrement
	if !table.Numbered() {
		return 0, ""
	}
	for _, c := range columns {
		if c == auto {
			return 0, ""
		}
	}
	if len(s.Columns) > 0 {
		return s.ColumnsSpan.From + 1, quoted(table.Columns[auto].Name) + ","
	}
	return s.InsertPoint, " (" + withVisible(table, auto) + ") "
}

// withVisible lists a column that is invisible, then all that are visible.
func withVisible(table *topo.Table, col int) string {
	list := quoted(table.Columns[col].Name)
	for i := range table.Columns {
		if !table.Columns[i].Invisible {
			list += "," + quoted(table.Columns[i].Name)
		}
	}
	return list
}

// readsTarget says whether the statement names the table that it writes to once more.
func (p *planner) readsTarget(target *sqltext.TableName, table *topo.Table) bool {
	for _, t := range p.stmt.Tables {
		if t.Span == target.Span || t.CTE {
			continue
		}
		if other, _, err := p.lookup(t); err == nil && other == table {
			return true
		}
	}
	return false
}

// settleInsert checks what surrounds the query: ON DUPLICATE KEY UPDATE and RETURNING run on rows of values, where the query's tables are not.
// What the former names of the query's is told.
func (p *planner) settleInsert(u *unit, s *sqltext.Insert, table *topo.Table) (named []*sqltext.Column, err error) {
	around := p.newUnit(nil)
	target := &source{name: s.Table.Name.Text, db: table.DB, table: table, known: true, spread: table.Kind != topo.Reference}
	for i := range table.Columns {
		target.cols = append(target.cols, outCol{name: table.Columns[i].Name})
	}
	around.main = &block{unit: around, sources: []*source{target}}
	target.block = around.main
	look := func(e sqltext.Expr) error {
		walk(e, func(x sqltext.Expr) bool {
			if c, ok := x.(*sqltext.Column); ok {
				if _, own := around.main.resolve(c); !own {
					named = append(named, c)
				}
			}
			return true
		})
		return around.expr(e, around.main)
	}
	for i := range s.OnDup {
		p.qualified(around.main, s.OnDup[i].Column.DB, s.OnDup[i].Column.Table)
		if err := look(s.OnDup[i].Value); err != nil {
			return nil, err
		}
	}
	p.noteItems(s.Items)
	for i := range s.Items {
		p.qualified(around.main, s.Items[i].StarDB, s.Items[i].StarTable)
		if err := around.expr(s.Items[i].Expr, around.main); err != nil {
			return nil, err
		}
	}
	for _, src := range around.sources {
		if src.spread {
			return nil, NeedsStage("a subquery over a sharded table in an INSERT")
		}
	}
	return named, p.settleAll(u)
}

// staysInside says whether every row of the query belongs into the partition that it comes from, and nothing else needs the node: then each
// partition inserts its own rows.
func (p *planner) staysInside(u *unit, table *topo.Table, columns []int) bool {
	if len(table.ShardKey) == 0 || p.far != nil && p.far.split() || u.bad != "" || u.rowBad != "" || u.main == nil || len(u.key) == 0 || !sameKey(u.keyTable, table) ||
		table.AutoIncrement >= 0 || p.manyReason() != "" || len(u.out) != len(columns) {
		return false
	}
	at := make(map[int]int, len(columns))
	for i, c := range columns {
		at[c] = i
	}
	items, ok := u.main.columns()
	if !ok {
		return false
	}
	for i, k := range table.ShardKey {
		j, given := at[k]
		if !given || !items[j].isCol || !u.local[i][items[j].node] {
			return false
		}
		// A value that the column had to convert could belong elsewhere.
		if from := items[j].col; from == nil || !sameColumnType(from, &table.Columns[k]) {
			return false
		}
	}
	return true
}

// sameColumnType says whether every value of one column is a value of the other, with the same meaning.
func sameColumnType(a, b *topo.Column) bool {
	return a != nil && b != nil && a.Type == b.Type && a.FullType == b.FullType && a.Charset == b.Charset && a.Collation == b.Collation &&
		a.Scale == b.Scale && a.Unsigned == b.Unsigned && a.Length == b.Length
}

// gathered says whether a query is a set operation that goes through a table of MariaDB's own: any but UNION ALL, and that with an ORDER BY.
func gathered(q *sqltext.Query) bool {
	if q == nil || q.Op == sqltext.SetNone {
		return false
	}
	return q.Op != sqltext.UnionAll || len(q.Order) > 0 || gathered(q.Left)
}
