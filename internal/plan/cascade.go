package plan

import (
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// Foreign keys of sharded tables may change rows with those of reference tables that they reference. InnoDB does that in the transaction of the leaf's shape, so that partitions'
// connections do not see it before it is committed: a plan says what it does to reference tables, and which tables' rows it meets.

// altered is what the statement may do to rows of reference tables that are there, by itself and by triggers.
func (p *planner) altered(f *fired) []topo.Change {
	var out []topo.Change
	add := func(n *sqltext.TableName, c topo.Change) {
		if n == nil || n.CTE {
			return
		}
		t := p.snap.Table(p.named(n), n.Name.Text)
		if t == nil || t.Kind != topo.Reference || t.Temporary {
			return
		}
		c.DB, c.Table = t.DB, t.Name
		c.All = c.All || len(c.Columns) > 0 && len(t.Triggers) > 0 // those of BEFORE UPDATE give values, too
		out = append(out, c)
	}
	switch s := p.stmt; s.Kind {
	case sqltext.KindInsert:
		if s.Insert.Replace || len(s.Insert.OnDup) > 0 {
			add(s.Insert.Table, topo.Change{Deletes: s.Insert.Replace, All: s.Insert.Replace, Columns: assigned(s.Insert.OnDup, nil, nil)})
		}
	case sqltext.KindLoadData:
		if s.Load.Replace {
			add(s.Load.Table, topo.Change{Deletes: true, All: true})
		}
	case sqltext.KindUpdate:
		sqltext.WalkTables(s.Update.From, func(r *sqltext.TableRef) {
			if r.Table == nil {
				return
			}
			if columns := assigned(s.Update.Set, r, p.snap.Table(p.named(r.Table), r.Table.Name.Text)); len(columns) > 0 {
				add(r.Table, topo.Change{Columns: columns})
			}
		})
	case sqltext.KindDelete:
		sqltext.WalkTables(s.Delete.From, func(r *sqltext.TableRef) {
			target := !s.Delete.Multi
			for i := range s.Delete.Targets {
				target = target || s.Delete.Targets[i].Name.Text == refName(r)
			}
			if target {
				add(r.Table, topo.Change{Deletes: true})
			}
		})
	}
	for at := range f.writes {
		if t := p.snap.Table(at[0], at[1]); t != nil && t.Kind == topo.Reference {
			out = append(out, topo.Change{DB: at[0], Table: at[1], Deletes: true, All: true})
		}
	}
	return out
}

// assigned are the columns to which values are assigned and that may be those of a table of the statement; r nil: it is the only one.
func assigned(set []sqltext.Assign, r *sqltext.TableRef, t *topo.Table) []string {
	var out []string
	for i := range set {
		c := &set[i].Column
		if r == nil || c.Table.Tok >= 0 && strings.EqualFold(c.Table.Text, refName(r)) || c.Table.Tok < 0 && t != nil && t.Column(c.Name.Text) >= 0 {
			out = append(out, c.Name.Text)
		}
	}
	return out
}

// placed are the tables with rows in partitions that a plan meets.
func (p *planner) placed(plan *Plan, f *fired) (out []*topo.Table) {
	add := func(db, name string) {
		t := p.snap.Table(db, name)
		if t != nil && (t.Kind == topo.Sharded || t.Kind == topo.Keyless || t.Kind == topo.Single) && !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	for _, n := range p.stmt.Tables {
		if !n.CTE {
			add(p.named(n), n.Name.Text)
		}
	}
	for _, at := range f.named() {
		add(at[0], at[1])
	}
	for _, at := range plan.FunctionReads {
		add(at[0], at[1])
	}
	return out
}

// touched are the tables with rows in partitions that the statement or its triggers read or change. That of an INSERT of new rows is none: all that these meet is locked, so that the statement waits for what a foreign
// key has changed.
func (p *planner) touched(f *fired) [][2]string {
	var out [][2]string
	add := func(db, name string) {
		if t := p.snap.Table(db, name); t != nil && (t.Kind == topo.Sharded || t.Kind == topo.Keyless || t.Kind == topo.Single) {
			out = append(out, [2]string{db, name})
		}
	}
	for _, n := range p.stmt.Tables {
		if s := p.stmt.Insert; n.CTE || s != nil && n == s.Table && !s.Replace && len(s.OnDup) == 0 || p.stmt.Load != nil && n == p.stmt.Load.Table && !p.stmt.Load.Replace {
			continue
		}
		add(p.named(n), n.Name.Text)
	}
	for _, at := range f.named() {
		add(at[0], at[1])
	}
	return out
}
