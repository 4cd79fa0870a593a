package plan

import (
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// QueryText is the query for the keys of the rows: of each target its key's columns, then the values. locks says whether it is to lock the rows itself. params are the statement's
// parameters that stand in it.
func (k *ByKey) QueryText(scan *sqltext.Scan) (text []byte, params []int) {
	return k.queryText(scan, k.Values, k.Moves)
}

// ConditionText is QueryText without the values.
func (k *ByKey) ConditionText(scan *sqltext.Scan) (text []byte, params []int) {
	return k.queryText(scan)
}

func (k *ByKey) queryText(scan *sqltext.Scan, found ...[]KeyValue) (text []byte, params []int) {
	word := "SELECT "
	for i := range k.Targets {
		t := &k.Targets[i]
		if t.All {
			text = t.rowText(append(text, word...), t.name)
			word = ", "
		}
		for _, c := range t.Key {
			text = append(append(append(text, word...), t.name...), '.')
			text = AppendQuoted(text, t.Table.Columns[c].Name)
			word = ", "
		}
	}
	spans := make([]sqltext.Span, 0, 8)
	for _, values := range found {
		for i := range values {
			text = append(text, word...)
			switch {
			case values[i].digits:
				text = append(scan.AppendSpan(append(text, '('), values[i].span), ")+"+nothing...)
			case values[i].stored != "":
				text = append(text, strings.ReplaceAll(values[i].stored, "%", string(scan.Text(values[i].span)))...)
			default:
				text = scan.AppendSpan(text, values[i].span)
			}
			spans = append(spans, values[i].span)
		}
	}
	text = scan.AppendSpan(append(text, " FROM "...), k.from)
	spans = append(spans, k.from)
	for i, s := range []sqltext.Span{k.where, k.order, k.limit} {
		if !s.Empty() {
			text = k.asking(append(text, ' '), scan, s)
			spans = append(spans, s)
		}
		if i == 1 && (k.sorted && k.Targets[0].Everywhere || s.Empty() && (len(k.Moves) > 0 || k.assigns)) { // as MariaDB goes through a table
			text = k.byKey(text, &k.Targets[0], !s.Empty(), k.Targets[0].name)
		}
	}
	for _, s := range spans {
		params = appendParams(params, scan, s, nil)
	}
	return append(text, " FOR UPDATE"...), params
}

// asking appends a span of the query. A SELECT takes NEXTVAL in its condition for a constant and asks once, but not where it hangs on what differs by row.
func (k *ByKey) asking(text []byte, scan *sqltext.Scan, s sqltext.Span) []byte {
	for _, e := range k.each {
		if inside(e, s) {
			text = scan.AppendSpan(text, sqltext.Span{From: s.From, To: e.From})
			text = scan.AppendSpan(append(text, " IF(RAND()<2,"...), e)
			text = append(text, ",NULL) "...)
			s.From = e.To
		}
	}
	return scan.AppendSpan(text, s)
}

// Forgives says whether what is wrong with a row's values is never an error, in strict mode either: in a DELETE, and after IGNORE.
func (k *ByKey) Forgives() bool { return !k.Updates() || k.ignore }

// FindsFirst says whether MariaDB finds all rows before it changes the first: where it sorts them, and where SET changes the primary key, by which it may go through the table.
func (k *ByKey) FindsFirst() bool { return k.first }

// BuildKeys plans the query of QueryText. With several tables it is always staged: then the rows of the others are read as they are, and locked against changes, as
// the rows are that a write looks at; a part of a query would see those of its transaction's snapshot. k may have no targets: then it is a query for the values of an INSERT.
func BuildKeys(stmt *sqltext.Stmt, scan *sqltext.Scan, snap *topo.Snapshot, sess Session, k *ByKey) (*Plan, error) {
	p := newPlanner(stmt, scan, snap, sess)
	alike := func(t *sqltext.TableName) bool {
		table, _, err := p.lookup(t)
		return err == nil && table != nil && table.Kind == topo.Reference && !table.Temporary
	}
	if len(stmt.Tables) == 0 || len(stmt.Tables) == 1 && len(k.Targets) > 0 || !slices.ContainsFunc(stmt.Tables, func(t *sqltext.TableName) bool { return !alike(t) }) {
		return Build(stmt, scan, snap, sess)
	}
	plan, err := p.staged(nil, NeedsStage("rows that are found by other tables"))
	if err != nil {
		return nil, err
	}
	for _, fills := range [][]Fill{plan.Fills, plan.References} {
		for i := range fills {
			if fills[i].Table.Temporary || fills[i].Unnamed { // which nobody else changes, or which a function reads
				continue
			}
			if fills[i].Share = !slices.ContainsFunc(k.Targets, func(t KeyTarget) bool { return t.Table == fills[i].From() }); !fills[i].Share && fills[i].Lock.Empty() {
				return nil, NeedsStage("a lock that is not found")
			}
		}
	}
	plan.Facts, plan.Params, plan.Revision, plan.Scalars, plan.Condensed = stmt.Facts, scan.Params, snap.Revision, nil, nil
	p.called.calls(plan)
	return plan, nil
}

// portioned says whether the history that a statement names is that of no table, but the portion of a period for which rows of one table are changed: all that its condition finds are found.
func (p *planner) portioned() bool {
	var from []sqltext.TableRef
	var limit *sqltext.Limit
	if u := p.stmt.Update; u != nil {
		from, limit = u.From, u.Limit
	} else if d := p.stmt.Delete; d != nil {
		from, limit = d.From, d.Limit
	}
	if len(from) != 1 || from[0].Table == nil || from[0].SystemTime.Empty() || from[0].Alias.Tok >= 0 || !from[0].Partition.Empty() || limit != nil {
		return false
	}
	if t, _, err := p.lookup(from[0].Table); err != nil || t == nil || t.Numbered() && !t.KeepsNumber { // see writePlan
		return false
	}
	for i := range p.scan.Tokens {
		at := sqltext.Span{From: int32(i), To: int32(i) + 1}
		if kw := p.scan.Tokens[i].KW; (kw == sqltext.KwSystemTime || kw == sqltext.KwPortion) && !inside(at, from[0].SystemTime) {
			return false
		}
	}
	return p.ofPortion()
}

// asked are the tables of the query that finds the rows: all of a table of which a portion is changed.
func asked(from []sqltext.TableRef) sqltext.Span {
	if !from[0].SystemTime.Empty() {
		return from[0].Table.Span
	}
	return sqltext.Span{From: from[0].Span.From, To: from[len(from)-1].Span.To}
}

// keyMoves says whether an UPDATE of one table changes columns of the primary key, or of the unique key that InnoDB takes for it, but for one that the condition gives a single value.
func (p *planner) keyMoves(set []sqltext.Assign, where sqltext.Expr, r *sqltext.TableRef) bool {
	if r.Table == nil || r.Table.CTE {
		return false
	}
	t, _, err := p.lookup(r.Table)
	if err != nil || t == nil {
		return false
	}
	at := slices.IndexFunc(t.Unique, func(key []int) bool {
		return len(key) > 0 && !slices.ContainsFunc(key, func(c int) bool { return t.Columns[c].Nullable })
	})
	if at < 0 || !slices.ContainsFunc(set, func(a sqltext.Assign) bool { return slices.Contains(t.Unique[at], t.Column(a.Column.Name.Text)) }) {
		return false
	}
	fixed := map[int]bool{}
	var look func(e sqltext.Expr)
	look = func(e sqltext.Expr) {
		x, ok := unparen(e).(*sqltext.Binary)
		switch {
		case !ok:
		case x.Op == "AND" || x.Op == "&&":
			look(x.L)
			look(x.R)
		case x.Op == "=":
			for _, side := range [2][2]sqltext.Expr{{x.L, x.R}, {x.R, x.L}} {
				if c, ok := unparen(side[0]).(*sqltext.Column); ok && isConstant(side[1]) {
					fixed[t.Column(c.Name.Text)] = true
				}
			}
		}
	}
	look(where)
	return slices.ContainsFunc(t.Unique[at], func(c int) bool { return !fixed[c] })
}

// assigns is why an UPDATE that assigns to user variables can't be run by keys; "" where SET alone does, row by row in an order that the statement says, or else that of the key: the query does it in the same way, as MariaDB sorts rows of one
// table before it looks at what is selected.
func (p *planner) assigns(k *ByKey) string {
	u := p.stmt.Update
	if u == nil || !k.single || k.others {
		return "it assigns to user variables, and is no UPDATE of one table alone"
	}
	if slices.ContainsFunc(u.Order, func(o sqltext.OrderItem) bool { return !isColumn(unparen(o.Expr)) }) {
		return "it assigns to user variables, in an order that is not that of columns"
	}
	k.assigns = true
	name := func(i int32) string { return strings.ToLower(strings.Trim(strings.TrimPrefix(p.text(i), "@"), "`'\"")) }
	assigned := map[string]bool{}
	for i := u.Set[0].Span.From; i+1 < k.head.To; i++ {
		if p.isOp(i+1, ":=") {
			assigned[name(i)] = true
		}
	}
	for i := k.head.To; i < p.stmt.Span.To; i++ {
		if p.isOp(i, ":=") || p.scan.Tokens[i].Kind == sqltext.UserVar && assigned[name(i)] {
			return "its condition hangs on user variables that it assigns to"
		}
	}
	return ""
}

// isReference says whether a name is a reference table's.
func (p *planner) isReference(r *sqltext.TableRef) bool {
	if r.Table == nil || r.Table.CTE {
		return false
	}
	t, _, err := p.lookup(r.Table)
	return err == nil && t != nil && t.Kind == topo.Reference && !t.Temporary
}
