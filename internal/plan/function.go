package plan

import (
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// FunctionReadsOwn is why a statement that partitions run may not call a function that would not see what the transaction has written.
const FunctionReadsOwn = "a stored function that reads reference tables, after the transaction has written some"

// called is what a statement's calls of functions of the cluster's databases amount to. Each gives the same wherever it is called, which package trigger has proven, so that a call is like
// that of one of MariaDB's functions. They are in the shapes: what partitions get names the database.
type called struct {
	any bool
	// others: functions are called, too, that are none of the cluster's.
	others bool
	// dbs are the databases whose functions are called, also by functions.
	dbs []string
	// reads are the tables that they read, each with its database: reference tables.
	reads [][2]string
	// fault is why one of them may not be called as things are.
	fault error
}

// functions looks up the functions that the statement calls. Where one of them is none of the cluster's the statement is taken for one that may do anything, as ever.
func (p *planner) functions() {
	if len(p.stmt.Calls) == 0 || p.stmt.Kind == sqltext.KindCall {
		return
	}
	var found []*topo.Routine
	others := false
	for _, n := range p.stmt.Calls {
		db := p.sess.DB
		if n.DB.Tok >= 0 {
			db = n.DB.Text
		}
		f := p.snap.Routine(topo.Function, db, n.Name.Text)
		if f == nil {
			others = true
			continue
		}
		found = append(found, f)
		if n.DB.Tok < 0 {
			p.rename(n.Name.Tok, textPiece(quoted(f.DB)+"."+quoted(n.Name.Text)))
		}
	}
	c := *p.stmt
	if !others {
		c.Facts &^= sqltext.HasStoredCall
	}
	if p.called.add(p.snap, found...) {
		c.Facts |= sqltext.HasTimeFunction
	}
	p.stmt, p.called.any, p.called.others = &c, len(found) > 0, others
}

// add takes account of functions and what they call; clock says that one of them asks for the time.
func (c *called) add(s *topo.Snapshot, list ...*topo.Routine) (clock bool) {
	seen := map[*topo.Routine]bool{}
	for len(list) > 0 {
		f := list[0]
		if list = list[1:]; f == nil || seen[f] { // one that is not there MariaDB tells of
			continue
		}
		seen[f] = true
		clock = clock || f.Clock
		if !slices.Contains(c.dbs, f.DB) {
			c.dbs = append(c.dbs, f.DB)
		}
		for _, name := range f.Reads {
			c.reads = append(c.reads, [2]string{f.DB, name})
			if t := s.Table(f.DB, name); t != nil && t.Kind != topo.Reference || s.View(f.DB, name) != nil {
				c.fault = NeedsStage("function '" + f.DB + "." + f.Name + "', which reads '" + name + "', a reference table no more: CREATE OR REPLACE it")
			}
		}
		for _, name := range f.Calls {
			list = append(list, s.Routine(topo.Function, f.DB, name))
		}
	}
	return clock
}

// CallsOf are the tables that the functions read which a statement calls that is run by no plan, each with its database. The error is why they may not be called.
func CallsOf(stmt *sqltext.Stmt, snap *topo.Snapshot, db string) (reads [][2]string, err error) {
	var c called
	for _, n := range stmt.Calls {
		of := db
		if n.DB.Tok >= 0 {
			of = n.DB.Text
		}
		c.add(snap, snap.Routine(topo.Function, of, n.Name.Text))
	}
	return c.reads, c.fault
}

// unfit is why the functions may not be called by a plan; nil where they may.
func (c *called) unfit(p *planner, plan *Plan) error {
	switch {
	case !c.any:
		return nil
	case c.fault != nil:
		return c.fault
	case len(c.reads) > 0 && p.sess.OwnReferences && plan.Route.Kind != RouteAny:
		return NeedsStage(FunctionReadsOwn)
	case len(c.reads) > 0 && plan.Writes && plan.Route.Kind == RouteEveryLeaf:
		return NeedsStage("a write to a reference table with a stored function that reads some")
	}
	return nil
}

// calls says of a plan what functions it calls.
func (c *called) calls(plan *Plan) {
	if c.any {
		plan.Functions = append(plan.Functions, c.dbs...)
		slices.Sort(plan.Functions)
		plan.Functions = slices.Compact(plan.Functions)
		plan.FunctionReads = append(plan.FunctionReads, c.reads...)
	}
}

// storedElsewhere is the sharded database of a function that is named with it and is not there.
func (p *planner) storedElsewhere(f *sqltext.Func) string {
	db, _, qualified := strings.Cut(f.Name, ".")
	if db = unquote(strings.TrimSpace(db)); !f.Stored || !qualified || !p.called.others || p.snap.Databases[db] == nil {
		return ""
	}
	return db
}
