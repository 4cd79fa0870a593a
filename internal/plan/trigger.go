package plan

import (
	"fmt"

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
	for _, n := range f.targets {
		if n == nil {
			continue
		}
		if t := p.snap.Table(p.named(n), n.Name.Text); t != nil {
			f.fire(p.snap, t, events)
		}
	}
	return f
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
		f.any = true
		f.references = f.references || len(tr.References) > 0
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
