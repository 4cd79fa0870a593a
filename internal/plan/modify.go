package plan

import (
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// modify analyses the tables and the condition of an UPDATE or DELETE.
func (p *planner) modify(from []sqltext.TableRef, where sqltext.Expr, set []sqltext.Assign, order []sqltext.OrderItem,
	items []sqltext.SelectItem) (*unit, error) {
	u := p.newUnit(nil)
	u.main = &block{unit: u}
	if err := u.from(u.main, from); err != nil {
		return nil, err
	}
	if err := u.conditions(u.main, from, where); err != nil {
		return nil, err
	}
	for i := range set {
		p.qualified(u.main, set[i].Column.DB, set[i].Column.Table)
		if err := u.expr(set[i].Value, u.main); err != nil {
			return nil, err
		}
	}
	for i := range order {
		if err := u.expr(order[i].Expr, u.main); err != nil {
			return nil, err
		}
	}
	p.noteItems(items)
	for i := range items {
		p.qualified(u.main, items[i].StarDB, items[i].StarTable)
		if err := u.expr(items[i].Expr, u.main); err != nil {
			return nil, err
		}
	}
	u.settle()
	if err := p.settleAll(u); err != nil {
		return nil, err
	}
	p.complete, p.folds = true, u.outerAgg
	return u, nil
}

func (p *planner) updatePlan() (*Plan, error) {
	s := p.stmt.Update
	u, err := p.modify(s.From, s.Where, s.Set, s.Order, nil)
	if err != nil {
		return nil, err
	}
	if u.inOne() && !p.reference { // MariaDB says which table a column is of
		return p.writePlan(u, nil, s.Order, s.Limit, false)
	}
	var targets []*source
	for i := range s.Set {
		a := &s.Set[i]
		n, ok := u.main.resolve(&a.Column)
		if !ok {
			if len(u.main.sources) == 1 { // an unknown column: MariaDB says so
				targets = append(targets, u.main.sources[0])
				continue
			}
			return nil, NeedsStage("an UPDATE of several tables whose column '" + a.Column.Name.Text + "' can't be told to be one table's")
		}
		targets = append(targets, n.src)
		if n.src.isKey(n.col) {
			if v, ok := u.main.resolveExpr(a.Value); !ok || v != n {
				return nil, NeedsStage("an UPDATE of the shard key column '" + n.src.cols[n.col].name + "'")
			}
		}
	}
	return p.writePlan(u, targets, s.Order, s.Limit, false)
}

// isKey says whether a column of a base table is part of its shard key.
func (s *source) isKey(col int) bool {
	if s.table == nil {
		return false
	}
	return inKey(s.table, col)
}

func (p *planner) deletePlan() (*Plan, error) {
	s := p.stmt.Delete
	u, err := p.modifyDelete(s)
	if err != nil {
		return nil, err
	}
	var targets []*source
	if !s.Multi {
		targets = append(targets, u.main.sources...)
	}
	for i := range s.Targets {
		t := &s.Targets[i]
		for _, src := range u.main.sources {
			if s.Multi && src.name == t.Name.Text && (t.DB.Tok < 0 || src.db == t.DB.Text) {
				targets = append(targets, src)
				if t.DB.Tok >= 0 && p.inSchema(src.table) {
					p.rename(t.DB.Tok, Piece{Kind: PieceSchema})
				}
			}
		}
	}
	for _, t := range targets {
		if t.table != nil && !s.Before.Empty() && !t.table.Temporary && countsTransactions(t.table) {
			return nil, NeedsStage(countedByReplica)
		}
	}
	plan, err := p.writePlan(u, targets, s.Order, s.Limit, !s.Returning.Empty())
	if err == nil {
		plan.Frees = true
	}
	return plan, err
}

// modifyDelete is modify for DELETE, whose targets name tables of its FROM, not tables of their own.
func (p *planner) modifyDelete(s *sqltext.Delete) (*unit, error) {
	for i := range s.Targets {
		p.seen[s.Targets[i].Span.From] = true
	}
	return p.modify(s.From, s.Where, nil, s.Order, s.Items)
}

// writePlan plans an UPDATE or DELETE once its tables are known.
func (p *planner) writePlan(u *unit, targets []*source, order []sqltext.OrderItem, limit *sqltext.Limit, returning bool) (*Plan, error) {
	plan := &Plan{Writes: true, Rows: returning}
	toReference, toSpread := false, false
	for _, t := range targets {
		switch {
		case t.system:
			return nil, NeedsStage("a write to a system table")
		case t.table != nil && t.table.Numbered() && !t.table.KeepsNumber && p.ofPortion():
			return nil, NeedsStage("FOR PORTION OF table '" + t.table.Name + "', whose further rows would get AUTO_INCREMENT values that each partition counts by itself: SHARD KEY () lets one count them, and a key of that column WITHOUT OVERLAPS keeps them")
		case t.table == nil: // a derived table or CTE: MariaDB refuses it
		case t.table.Kind == topo.Reference:
			toReference = true
		default:
			toSpread = true
		}
	}
	if !u.spread {
		if !toReference {
			return plan, nil
		}
		if p.system {
			return nil, NeedsStage("a write to a reference table that reads system tables, which differ by leaf")
		}
		if limit != nil {
			return nil, NeedsStage("LIMIT in a write to a reference table, which must be the same on every leaf")
		}
		if reason := p.differsByLeaf(); reason != "" {
			return nil, NeedsStage(reason)
		}
		plan.Route = Route{Kind: RouteEveryLeaf}
		if p.checked() != nil {
			plan.Forward = p.names()
		}
		return plan, nil
	}
	if toReference {
		if toSpread {
			return nil, NeedsStage("a write to a reference table and a sharded table in one statement")
		}
		return nil, NeedsStage("a write to a reference table that reads a sharded table")
	}
	plan.Route = p.route(u)
	plan.Forward = p.names()
	plan.Stage = u.bad
	switch {
	case u.inOne():
		if returning {
			plan.Merge = &Merge{Splices: plan.Forward, Names: plan.Forward}
		}
	case plan.Stage != "":
	case limit != nil:
		plan.Stage = "LIMIT in a write"
	case p.manyReason() != "":
		plan.Stage = p.manyReason()
	case returning:
		plan.Merge = &Merge{Splices: plan.Forward, Names: plan.Forward}
	}
	return plan, nil
}

// ofPortion says whether the statement writes FOR PORTION OF a period, which makes rows of the rest of those that it finds.
func (p *planner) ofPortion() bool {
	if p.stmt.Facts&sqltext.HasSystemTime == 0 {
		return false
	}
	for i := range p.scan.Tokens {
		if p.scan.Tokens[i].KW == sqltext.KwPortion {
			return true
		}
	}
	return false
}

// differsByLeaf is why a write to a reference table would not be the same on every leaf; "" when it is.
func (p *planner) differsByLeaf() string {
	f := p.stmt.Facts
	switch {
	case f&(sqltext.HasNondeterministic|sqltext.HasSequence) != 0:
		return "a write to a reference table with a function that differs by call"
	case f&sqltext.HasPlaceFunction != 0 && f&sqltext.HasSysVar != 0: // the functions among them that are not volatile tell of the user
		return "a write to a reference table with a system variable that differs by leaf"
	case f&(sqltext.HasLockFunction|sqltext.HasStoredCall) != 0:
		return "a write to a reference table with a lock function or a stored function"
	}
	return ""
}
