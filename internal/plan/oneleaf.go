package plan

import (
	"slices"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// Some stored functions are for one leaf: they read tables of which no leaf has all rows, or what differs from leaf to leaf. A temporary table stands before the table of its name in a
// function, too, however that names it. So the statement is staged, with all rows of what its functions read. A write has such calls in what a query finds before: INSERT in its values or
// its query, UPDATE and DELETE in their conditions and in what SET gives.

// atOneLeaf has one leaf run a statement whose functions ask for that; first is what the planning of parts came to.
func (p *planner) atOneLeaf(first *Plan, err error) (*Plan, error) {
	why := p.called.oneLeaf
	if err != nil || why == "" {
		return first, err
	}
	switch s := p.stmt; s.Kind {
	case sqltext.KindSelect, sqltext.KindDo:
		switch {
		case p.called.copied, first.Linked != nil:
		case first.Route.Kind == RouteAny:
			return first, nil
		case s.Kind == sqltext.KindSelect && first.Stage == "": // rows of one partition are at one leaf
			first.Stage = why
			return first, nil
		}
	case sqltext.KindInsert:
		spans := []sqltext.Span{}
		for i := range first.Once {
			spans = append(spans, first.Once[i].Span)
		}
		if first.InsertSelect != nil {
			spans = append(spans, first.InsertSelect.Query)
		}
		if p.callsIn(spans...) && !(p.called.folds && len(first.Once) > 0) { // MariaDB refuses to fold no rows
			return first, nil
		}
	case sqltext.KindUpdate:
		spans := []sqltext.Span{s.Update.WhereSpan}
		for i := range s.Update.Set {
			spans = append(spans, s.Update.Set[i].Value.ExprSpan())
		}
		if !p.callsIn(spans...) {
			return nil, onlyFound(why)
		}
	case sqltext.KindDelete:
		if !p.callsIn(s.Delete.WhereSpan) {
			return nil, onlyFound(why)
		}
	}
	return nil, NeedsStage(why)
}

// onlyFound is NeedsStage for what finding rows first does not help.
func onlyFound(why string) *Error {
	e := NeedsStage(why + ", in a write, but in its condition or the values that SET gives")
	e.reason = ""
	return e
}

// callsIn says whether all calls of stored functions are in some spans.
func (p *planner) callsIn(spans ...sqltext.Span) bool {
	return !slices.ContainsFunc(p.stmt.Calls, func(n *sqltext.TableName) bool {
		return !slices.ContainsFunc(spans, func(s sqltext.Span) bool { return inside(n.Span, s) })
	})
}

// callsForOne says whether an expression may call a function that is for one leaf.
func (p *planner) callsForOne(e sqltext.Expr) bool {
	return e != nil && p.callsForOneIn(e.ExprSpan())
}

func (p *planner) callsForOneIn(s sqltext.Span) bool {
	return p.called.oneLeaf != "" && slices.ContainsFunc(p.stmt.Calls, func(n *sqltext.TableName) bool { return inside(n.Span, s) })
}

// readsWritten says of a write whether functions that are called before read tables that it, or a trigger, writes: MariaDB's would find what was written of them meanwhile.
func (c *called) readsWritten(p *planner, f *fired) error {
	if c.oneLeaf == "" {
		return nil
	}
	for _, at := range c.reads {
		if f.writes[at] || slices.ContainsFunc(f.targets, func(n *sqltext.TableName) bool { return n != nil && p.named(n) == at[0] && n.Name.Text == at[1] }) {
			return NeedsStage("a stored function that reads table '" + at[1] + "', in a statement that writes it")
		}
	}
	return nil
}

// ofFunctions adds to the fills of a statement, in some order, what functions read: all of it, as nobody knows which rows they will ask for, with all keys. Where they fold rows, of which
// the planner takes no account, all rows are copied.
func (p *planner) ofFunctions(byTable map[*topo.Table]*Fill, order []*topo.Table) []*topo.Table {
	if p.called.folds {
		for t, f := range byTable {
			f.Where = nil
			p.stage.named[t] = append(p.stage.named[t], nil)
		}
	}
	for _, at := range p.called.reads {
		t := p.snap.Table(at[0], at[1])
		if t == nil {
			continue
		}
		f := byTable[t]
		if f == nil {
			f = &Fill{Table: t, Unnamed: true}
			byTable[t], order = f, append(order, t)
		}
		f.Called, f.Where = true, nil
		p.stage.named[t] = append(p.stage.named[t], nil) // in a way that nothing is known of
	}
	return order
}
