package plan

import (
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// insertPlan plans INSERT and REPLACE.
func (p *planner) insertPlan() (*Plan, error) {
	s := p.stmt.Insert
	p.seen[s.Table.Span.From] = true
	table, db, err := p.lookup(s.Table)
	if err != nil {
		return nil, err
	}
	if table == nil {
		if db == "" { // INSERT INTO dual: MariaDB's own syntax error
			return &Plan{Writes: true}, nil
		}
		return nil, NeedsStage("a write to a system table")
	}
	if table.Kind == topo.Single && p.called.oneLeaf == "" {
		if plan, err := p.insertInOne(s, table); plan != nil || err != nil {
			return plan, err
		}
	}
	if table.Kind != topo.Reference && p.countsRows(s) {
		return nil, NeedsStage("ROWNUM() in an INSERT of several rows, which each partition would count for itself: use INSERT … SELECT of them, ROWNUM() a column of its")
	}
	p.useTable(s.Table, table)
	plan := &Plan{Writes: true, Rows: !s.Returning.Empty()}
	moves, err := p.onDuplicate(s, table)
	if err != nil {
		return nil, err
	}
	if table.Kind == topo.Reference {
		if reason := p.differsByLeaf(); reason != "" && (s.Select == nil || len(s.OnDup) > 0) {
			if plan.Once = p.once(s); plan.Once == nil {
				return nil, NeedsStage(reason)
			}
		}
	}
	if s.Select != nil {
		if p.stmt.Facts&sqltext.HasUserVarAssign != 0 && p.varsBehind(s) {
			return nil, NeedsStage("user variables in ON DUPLICATE KEY UPDATE or RETURNING of an INSERT … SELECT that assigns to some")
		}
		return plan, p.insertSelect(plan, s, table, moves)
	}
	first, reads, err := p.insertExprs(s, table, moves)
	if err != nil {
		return nil, err
	}
	plan.Route = Route{Kind: RouteEveryLeaf}
	ins, err := p.insertRows(s, table)
	if err != nil {
		return nil, err
	}
	assigned, err := p.assignedFirst(s, table, ins, len(plan.Once)+len(first) > 0)
	if err != nil {
		return nil, err
	}
	if first = append(first, assigned...); len(first) > 0 || reads != nil {
		plan.Once, p.otherDB = inTextOrder(append(plan.Once, first...)), ""
	}
	plan.Insert, ins.Moves, ins.Met = ins, moves, reads
	if p.sess.Met != nil {
		if ins.Met, err = p.metDraws(s, table, moves); err != nil {
			return nil, err
		}
	}
	if len(ins.computed) > 0 {
		plan.Restate = withDefaults(s, ins.computed)
	}
	switch table.Kind {
	case topo.Linked:
		plan.Route = p.far.into(s.Table)
	case topo.Sharded:
		plan.Route = Route{Kind: RouteKeys, DB: table.DB, Table: table, Keys: ins.Keys}
	case topo.Keyless, topo.Single:
		plan.Route = Route{Kind: RouteOne, DB: table.DB}
	}
	plan.Forward = p.names()
	ins.Names = plan.Forward
	if ins.Returning {
		plan.Merge = &Merge{Splices: plan.Forward, Names: plan.Forward}
	}
	return plan, nil
}

// countsRows says whether ROWNUM() of an INSERT is about its rows, of which there may be several, and not those of its query.
func (p *planner) countsRows(s *sqltext.Insert) bool {
	if !p.rownum || s.Select == nil && len(s.Rows) <= 1 {
		return false
	}
	if s.Select == nil {
		return p.numbers(p.stmt.Span)
	}
	return p.numbers(sqltext.Span{From: p.stmt.Span.From, To: s.Select.Span.From}) || p.numbers(sqltext.Span{From: s.Select.Span.To, To: p.stmt.Span.To})
}

// insertExprs looks for subqueries over sharded tables, of which a partition would see its own rows only: the values that have one are found out first, or in ON DUPLICATE KEY UPDATE for each row that is met.
func (p *planner) insertExprs(s *sqltext.Insert, table *topo.Table, moves *KeyMoves) (first []First, met *MetDraws, err error) {
	u := p.newUnit(nil)
	u.main = &block{unit: u}
	p.noteItems(s.Items)
	look := func(e sqltext.Expr) (spread bool) {
		known := len(u.sources)
		if err == nil {
			err = u.expr(e, u.main)
		}
		return slices.ContainsFunc(u.sources[known:], func(src *source) bool { return src.spread })
	}
	null, unsure := p.takesNull(table)
	fit, alone := p.onceFit(), len(s.Rows) <= 1 || !p.readsTarget(s.Table, table) || p.knownBefore(s, table)
	value := func(e sqltext.Expr) (spread bool) {
		if x, ok := e.(*sqltext.Literal); ok && x.Kind == sqltext.LitDefault {
			if fit = fit && !unsure; null {
				first = append(first, First{Span: x.ExprSpan(), Null: true})
			}
		}
		call := p.callsForOne(e)
		if !look(e) && !call {
			return false
		}
		found, ok := p.firstsIn(e)
		ok = ok && alone && (!call || !anyExpr(e, isColumn))
		first, fit = append(first, found...), fit && ok
		return true
	}
	for i := range s.Rows {
		for _, e := range s.Rows[i] {
			value(e)
		}
	}
	for i := range s.Set {
		value(s.Set[i].Value)
		p.qualified(u.main, s.Set[i].Column.DB, s.Set[i].Column.Table)
	}
	before, fitBefore, hangs := len(first), fit, false
	for i := range s.OnDup {
		hangs = value(s.OnDup[i].Value) && p.dependent(s.OnDup[i].Value) || hangs
		p.qualified(u.main, s.OnDup[i].Column.DB, s.OnDup[i].Column.Table)
	}
	if hangs || fitBefore && !fit {
		if met = p.metReads(s, table, moves); met != nil {
			first, fit = first[:before], fitBefore
		}
	}
	for i := range s.Items {
		fit = !look(s.Items[i].Expr) && fit
		p.qualified(u.main, s.Items[i].StarDB, s.Items[i].StarTable)
	}
	if err != nil {
		return nil, nil, err
	}
	opaque, err := p.unseen()
	if err != nil {
		return nil, nil, err
	}
	spread := slices.ContainsFunc(u.sources, func(src *source) bool { return src.spread })
	if opaque || spread && !fit {
		return nil, nil, NeedsStage("a subquery over a sharded table in an INSERT")
	}
	return first, met, nil
}

// knownBefore says whether MariaDB, too, finds out what subqueries give before it inserts the first of several rows, so that none sees an earlier one. It does not where they differ by call, in ON DUPLICATE KEY
// UPDATE, where they hang on the row, and where none of them names the table by its own name, outside of derived tables: only then MariaDB sees that it is the same one.
func (p *planner) knownBefore(s *sqltext.Insert, table *topo.Table) bool {
	if p.stmt.Facts&(sqltext.HasNondeterministic|sqltext.HasUserVar) != 0 || !p.readsByName(table) {
		return false
	}
	for i := range s.OnDup {
		if anyExpr(s.OnDup[i].Value, isSubquery) {
			return false
		}
	}
	for _, row := range s.Rows {
		for _, e := range row {
			if anyExpr(e, isSubquery) && anyExpr(e, isColumn) {
				return false
			}
		}
	}
	return true
}

// takesNull says whether MariaDB takes DEFAULT for NULL in the values of an INSERT: where a subquery names the table by its own name. Whether it sees that below a derived table hangs on whether it merges it.
func (p *planner) takesNull(table *topo.Table) (null, unsure bool) {
	if table.Kind == topo.Reference { // its leaves see it themselves
		return false, false
	}
	if null = p.readsByName(table); null {
		return true, false
	}
	return false, slices.ContainsFunc(sqltext.Factors(p.stmt), func(f *sqltext.TableRef) bool {
		if f.Table == nil || refName(f) != table.Name {
			return false
		}
		t, _, err := p.lookup(f.Table)
		return err == nil && t == table
	})
}

// readsByName says whether a subquery of the statement reads a table by the table's own name.
func (p *planner) readsByName(table *topo.Table) bool {
	derived := sqltext.DerivedTables(p.stmt)
	return !slices.ContainsFunc(p.stmt.Tables, func(t *sqltext.TableName) bool { return t.CTE }) && slices.ContainsFunc(sqltext.Factors(p.stmt), func(f *sqltext.TableRef) bool {
		if f.Table == nil || refName(f) != table.Name || slices.ContainsFunc(derived, func(d *sqltext.TableRef) bool { return inside(f.Span, d.Span) }) {
			return false
		}
		t, _, err := p.lookup(f.Table)
		return err == nil && t == table
	})
}

// insertRows reads the rows of VALUES and SET.
func (p *planner) insertRows(s *sqltext.Insert, table *topo.Table) (*Insert, error) {
	ins := &Insert{Table: table, Replace: s.Replace, Returning: !s.Returning.Empty(), ZeroIsValue: p.sess.NoAutoValueOnZero}
	columns, err := targetColumns(s.Columns, table)
	if err != nil {
		return nil, err
	}
	rows := s.Rows
	whole := p.stmt.Span
	if len(s.Set) > 0 {
		columns = columns[:0:0]
		row := make([]sqltext.Expr, len(s.Set))
		for i := range s.Set {
			col := table.Column(s.Set[i].Column.Name.Text)
			if col < 0 && !ofVersion(table, s.Set[i].Column.Name.Text) {
				return nil, errBadField(s.Set[i].Column.Name.Text, "INSERT INTO")
			}
			columns = append(columns, col)
			row[i] = s.Set[i].Value
		}
		rows = [][]sqltext.Expr{row}
		ins.Head = sqltext.Span{From: whole.From, To: s.Set[0].Span.From}
		ins.Rows = []sqltext.Span{{From: s.Set[0].Span.From, To: s.SetSpan.To}}
		ins.Tail = sqltext.Span{From: s.SetSpan.To, To: whole.To}
	} else {
		if len(rows) == 0 || len(s.RowSpans) != len(rows) {
			return nil, NeedsStage("this form of INSERT")
		}
		ins.Head = sqltext.Span{From: whole.From, To: s.RowSpans[0].From}
		ins.Rows = s.RowSpans
		ins.Tail = sqltext.Span{From: s.RowSpans[len(rows)-1].To, To: whole.To}
	}
	if len(rows) > 0 && len(rows[0]) == 0 && len(s.Set) == 0 {
		err = p.drawn(table, nil)
	} else {
		err = p.drawn(table, columns)
	}
	if err != nil {
		return nil, err
	}
	at := make([]int, len(table.Columns)) // where in a row a column's value is
	for i := range at {
		at[i] = -1
	}
	for i, c := range columns {
		if c >= 0 {
			at[c] = i
		}
	}
	for i, row := range rows {
		if len(row) != len(columns) && len(row) != 0 {
			return nil, &Error{Code: codeWrongCount, State: stateWrongCount, Message: "Column count doesn't match value count at row " + itoa(i+1)}
		}
		if len(row) == 0 && len(columns) > 0 && len(s.Columns) > 0 {
			return nil, &Error{Code: codeWrongCount, State: stateWrongCount, Message: "Column count doesn't match value count at row " + itoa(i+1)}
		}
		if len(table.ShardKey) == 0 {
			continue
		}
		tuple := make(KeyTuple, len(table.ShardKey))
		for j, c := range table.ShardKey {
			if table.Columns[c].Generated {
				return nil, NeedsStage("an INSERT into a table whose shard key column '" + table.Columns[c].Name + "' is generated")
			}
			tuple[j] = Operand{Kind: OperandDefault}
			if at[c] >= 0 && len(row) > 0 {
				if tuple[j], err = insertOperand(row[at[c]], table.Columns[c].Name); err != nil {
					return nil, err
				}
			}
		}
		ins.Keys = append(ins.Keys, tuple)
	}
	if len(rows[0]) == 0 {
		columns = nil
	}
	ins.computed, ins.Fills = computedKeys(table, columns), fills(table, columns, s.OnDup)
	return ins, p.autoIncrement(ins, s, table, rows, at)
}

// ofVersion says whether a name may be one of the columns that tell a version's time and that nobody has written: they are in no list of the table's columns, and take
// values under system_versioning_insert_history. MariaDB says where they are not.
func ofVersion(table *topo.Table, name string) bool {
	return table.Clocked && table.Column(name) < 0 && (strings.EqualFold(name, "row_start") || strings.EqualFold(name, "row_end"))
}

// targetColumns are the positions of the columns that the values are for, -1 of one of a version's.
func targetColumns(names []sqltext.Name, table *topo.Table) ([]int, error) {
	var out []int
	if len(names) == 0 {
		for i := range table.Columns {
			if !table.Columns[i].Invisible {
				out = append(out, i)
			}
		}
		return out, nil
	}
	seen := make([]bool, len(table.Columns))
	for _, n := range names {
		c := table.Column(n.Text)
		if c < 0 && ofVersion(table, n.Text) {
			out = append(out, c)
			continue
		}
		if c < 0 {
			return nil, errBadField(n.Text, "INSERT INTO")
		}
		if seen[c] {
			return nil, &Error{Code: codeFieldTwice, State: stateSyntaxOrRight, Message: "Column '" + n.Text + "' specified twice"}
		}
		seen[c] = true
		out = append(out, c)
	}
	return out, nil
}

// insertOperand is the operand for a value that is stored. Its value is OperandExpr's for all that a leaf has to evaluate.
func insertOperand(e sqltext.Expr, column string) (Operand, error) {
	switch x := unparen(constant(e)).(type) {
	case *sqltext.Literal:
		switch x.Kind {
		case sqltext.LitNumber, sqltext.LitString, sqltext.LitHex, sqltext.LitBit:
			return Operand{Kind: OperandLiteral, Tok: x.Tok, Neg: x.Neg}, nil
		case sqltext.LitNull:
			return Operand{Kind: OperandNull}, nil
		case sqltext.LitDefault:
			return Operand{Kind: OperandDefault, Expr: e.ExprSpan()}, nil
		}
	case *sqltext.ParamRef:
		return Operand{Kind: OperandParam, Param: x.Index, Neg: x.Neg}, nil
	}
	if f, ok := unparen(e).(*sqltext.Func); ok && strings.EqualFold(f.Name, "DEFAULT") && len(f.Args) == 1 {
		if c, ok := f.Args[0].(*sqltext.Column); ok && strings.EqualFold(c.Name.Text, column) {
			return Operand{Kind: OperandDefault, Expr: e.ExprSpan()}, nil
		}
	}
	if anyExpr(e, isColumn) {
		return Operand{}, NeedsStage("an INSERT whose shard key or AUTO_INCREMENT column '" + column + "' is computed from other columns")
	}
	return Operand{Kind: OperandExpr, Expr: e.ExprSpan()}, nil
}

// autoIncrement finds where the AUTO_INCREMENT column's values are, or where they go.
func (p *planner) autoIncrement(ins *Insert, s *sqltext.Insert, table *topo.Table, rows [][]sqltext.Expr, at []int) error {
	col := table.AutoIncrement
	if col < 0 || table.Kind == topo.Single {
		return nil
	}
	name := table.Columns[col].Name
	if at[col] >= 0 && len(rows[0]) > 0 {
		ins.Auto = AutoGiven
		for _, row := range rows {
			if len(row) == 0 {
				return NeedsStage("an INSERT with rows of values and rows of defaults")
			}
			e := row[at[col]]
			op, err := insertOperand(e, name)
			if err != nil {
				return err
			}
			ins.Autos = append(ins.Autos, op)
			ins.AutoSpans = append(ins.AutoSpans, e.ExprSpan())
		}
		return nil
	}
	ins.Auto = AutoAbsent
	if len(s.Set) > 0 {
		ins.ColumnPoint = ins.Head.To
		ins.ColumnText = quoted(name) + "="
		ins.RowPoints = []int32{ins.Rows[0].From}
		return nil
	}
	for i, row := range rows {
		if (len(row) == 0) != (len(rows[0]) == 0) {
			return NeedsStage("an INSERT with rows of values and rows of defaults")
		}
		ins.RowPoints = append(ins.RowPoints, s.RowSpans[i].From+1)
	}
	switch {
	case !s.ColumnsSpan.Empty() && len(s.Columns) > 0:
		ins.ColumnPoint, ins.ColumnText = s.ColumnsSpan.From+1, quoted(name)+","
	case !s.ColumnsSpan.Empty(): // ()
		ins.ColumnPoint, ins.ColumnText = s.ColumnsSpan.From+1, quoted(name)
	case len(rows[0]) == 0:
		ins.ColumnPoint, ins.ColumnText = s.InsertPoint, " ("+quoted(name)+") "
	default: // the column is invisible: name all that the values are for
		ins.ColumnPoint, ins.ColumnText = s.InsertPoint, " ("+withVisible(table, col)+") "
	}
	return nil
}

// inKey says whether a column is part of the table's shard key.
func inKey(t *topo.Table, col int) bool {
	return slices.Contains(t.ShardKey, col)
}
