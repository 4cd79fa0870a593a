package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// fired are the triggers that a write may fire, and those that what they write may fire in turn. They stay within the partition of their row, and are no part of the plan, but for
// what they have in common with the statement.
type fired struct {
	targets       []*sqltext.TableName // the tables that may be written
	reads, writes map[[2]string]bool   // by database and name
	references    bool                 // some read reference tables
	any           bool
	called        called // functions that they call
	clock         bool
	// ordered: those of a reference table see in which order its rows are changed, which may be another one at each leaf.
	ordered bool
	// variables: they read user variables, account: they ask for the session's user.
	variables, account bool
	assigns            []string // user variables that they may assign to
	here               *Firing  // what nodes run; nil: nothing
	// beyond is a trigger that nodes would have to run, of a table that a trigger at partitions writes.
	beyond *topo.Trigger
}

// triggers finds the triggers that the statement may fire.
func (p *planner) triggers() *fired {
	f := &fired{reads: map[[2]string]bool{}, writes: map[[2]string]bool{}}
	events := map[string]bool{}
	switch s := p.stmt; s.Kind {
	case sqltext.KindInsert:
		f.targets = append(f.targets, s.Insert.Table)
		events["INSERT"], events["UPDATE"], events["DELETE"] = true, len(s.Insert.OnDup) > 0, s.Insert.Replace
	case sqltext.KindLoadData:
		f.targets = append(f.targets, s.Load.Table)
		events["INSERT"], events["DELETE"] = true, s.Load.Replace
	case sqltext.KindUpdate:
		events["UPDATE"] = true
		f.from(s.Update.From)
	case sqltext.KindDelete:
		events["DELETE"] = true
		f.from(s.Delete.From)
	}
	written := map[*topo.Table]bool{}
	for _, n := range f.targets {
		if n == nil {
			continue
		}
		if t := p.snap.Table(p.named(n), n.Name.Text); t != nil {
			if f.fire(p.snap, t, events); !written[t] && p.writes(n, t) {
				written[t] = true
				f.atNode(t, events, p.stmt.Kind != sqltext.KindInsert && p.ofPortion())
			}
		}
	}
	return f
}

// writes says whether rows of a table that a statement names as one of several may be written.
func (p *planner) writes(n *sqltext.TableName, t *topo.Table) bool {
	u, d := p.stmt.Update, p.stmt.Delete
	if u == nil && (d == nil || !d.Multi) {
		return true
	}
	var from []sqltext.TableRef
	if u != nil {
		from = u.From
	} else {
		from = d.From
	}
	written := false
	sqltext.WalkTables(from, func(r *sqltext.TableRef) {
		switch {
		case r.Table != n:
		case u != nil:
			written = len(assigned(u.Set, r, t)) > 0
		default:
			written = slices.ContainsFunc(d.Targets, func(of sqltext.TableName) bool { return of.Name.Text == refName(r) })
		}
	})
	return written
}

// named is the database of a table that the statement names.
func (p *planner) named(n *sqltext.TableName) string {
	if n.DB.Tok >= 0 {
		return n.DB.Text
	}
	return p.sess.DB
}

func (f *fired) from(refs []sqltext.TableRef) {
	sqltext.WalkTables(refs, func(r *sqltext.TableRef) {
		if r.Table != nil && !r.Table.CTE {
			f.targets = append(f.targets, r.Table)
		}
	})
}

// fire adds what the triggers of a table do; events nil: all of them.
func (f *fired) fire(s *topo.Snapshot, t *topo.Table, events map[string]bool) {
	for i := range t.Triggers {
		tr := &t.Triggers[i]
		if events != nil && !events[tr.Event] {
			continue
		}
		if tr.AtNode {
			if events == nil {
				f.beyond = tr
			}
			continue
		}
		f.any = true
		f.assigns = append(f.assigns, tr.Assigns...)
		f.variables, f.account = f.variables || tr.Variables, f.account || tr.Account
		f.ordered = f.ordered || t.Kind == topo.Reference && (len(tr.Writes) > 0 || slices.ContainsFunc(f.targets, func(n *sqltext.TableName) bool { return n != nil && slices.Contains(tr.Reads, n.Name.Text) }))
		f.references = f.references || len(tr.References) > 0
		for _, name := range tr.Calls {
			f.called.any = true
			known := len(f.called.reads)
			f.clock = f.called.add(s, s.Routine(topo.Function, t.DB, name)) || f.clock
			for _, at := range f.called.reads[known:] {
				f.reads[at] = true
				f.references = true
				f.ordered = f.ordered || t.Kind == topo.Reference && slices.ContainsFunc(f.targets, func(n *sqltext.TableName) bool { return n != nil && n.Name.Text == at[1] })
			}
		}
		for _, n := range tr.Reads {
			f.reads[[2]string{t.DB, n}] = true
		}
		for _, n := range tr.Writes {
			if at := [2]string{t.DB, n}; !f.writes[at] {
				f.writes[at] = true
				if next := s.Table(t.DB, n); next != nil {
					f.fire(s, next, nil)
				}
			}
		}
	}
}

// named are the tables that they name.
func (f *fired) named() (out [][2]string) {
	for _, names := range []map[[2]string]bool{f.reads, f.writes} {
		for at := range names {
			out = append(out, at)
		}
	}
	return out
}

// apart refuses a statement that names what its triggers write: MariaDB does, once one is fired, and where the statement is run in parts they would not be seen to do so. Of several
// tables that are written at once nobody says in which order their rows are, so that what one's triggers read of another hangs on it.
func (f *fired) apart(p *planner) error {
	for _, n := range p.stmt.Tables {
		if n.CTE {
			continue
		}
		at := [2]string{p.named(n), n.Name.Text}
		target := false
		for _, t := range f.targets {
			target = target || t == n
		}
		switch {
		case f.writes[at] && !target:
			return &Error{Code: codeUsedByStatement, State: "HY000",
				Message: fmt.Sprintf("Can't update table '%s' in stored function/trigger because it is already used by statement which invoked this stored function/trigger", n.Name.Text)}
		case target && len(f.targets) > 1 && (f.writes[at] || f.reads[at]):
			return NeedsStage("a write of several tables of which triggers name '" + n.Name.Text + "'")
		}
	}
	return nil
}

// oneOrder says whether an UPDATE or DELETE of a reference table changes its rows in the same order at all leaves: it names one row at most, or its ORDER BY leaves no two equal.
func (p *planner) oneOrder() bool {
	var from []sqltext.TableRef
	var where sqltext.Expr
	var order []sqltext.OrderItem
	switch s := p.stmt; s.Kind {
	case sqltext.KindUpdate:
		from, where, order = s.Update.From, s.Update.Where, s.Update.Order
	case sqltext.KindDelete:
		if s.Delete.Multi {
			return false
		}
		from, where, order = s.Delete.From, s.Delete.Where, s.Delete.Order
	default:
		return true // the rows of an INSERT come as they are written, or as the node brings them
	}
	if len(from) != 1 || from[0].Table == nil {
		return false
	}
	t, _, err := p.lookup(from[0].Table)
	if err != nil || t == nil {
		return false
	}
	column := func(e sqltext.Expr) int {
		c, ok := unparen(e).(*sqltext.Column)
		if !ok || c.DB.Tok >= 0 || c.Table.Tok >= 0 && c.Table.Text != refName(&from[0]) {
			return -1
		}
		return t.Column(c.Name.Text)
	}
	named := map[int]bool{}
	for i := range order {
		named[column(order[i].Expr)] = true
	}
	fixed := map[int]bool{}
	sqltext.Equated(where, func(x, y sqltext.Expr) {
		if c := column(x); c >= 0 && p.exactly(&t.Columns[c], y) {
			fixed[c] = true
		}
	})
	return slices.ContainsFunc(t.Unique, func(key []int) bool {
		return len(key) > 0 && (!slices.ContainsFunc(key, func(c int) bool { return !fixed[c] }) ||
			!slices.ContainsFunc(key, func(c int) bool { return !named[c] || t.Columns[c].Nullable }))
	})
}

// exactly says whether a value is compared with a column as one of its type, so that no two of the column's values are equal to it.
func (p *planner) exactly(c *topo.Column, e sqltext.Expr) bool {
	switch x := unparen(e).(type) {
	case *sqltext.Literal:
		switch x.Kind {
		case sqltext.LitNumber:
			return (isInteger(c) || c.Type == "decimal") && !strings.ContainsAny(p.text(x.Tok), "eE")
		case sqltext.LitString:
			return c.Charset != ""
		}
	case *sqltext.ParamRef: // maybe a string, which is compared as DOUBLE
		return isInteger(c) && c.Type != "bigint"
	}
	return false
}
