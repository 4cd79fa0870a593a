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
	// reads are the tables that they read, each with its database. readers say by whose rights.
	reads   [][2]string
	readers []FunctionRead
	// oneLeaf is why one leaf has to run all of the statement; "" where it need not. copied: some of what they read is no leaf's.
	oneLeaf string
	copied  bool
	// folds: there are aggregate functions among them.
	folds bool
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

// FunctionRead is a table that a stored function reads, with the account whose rights count: user@host, "" for whoever runs the statement.
type FunctionRead struct{ As, DB, Table string }

// add takes account of functions and what they call; clock says that one of them asks for the time.
func (c *called) add(s *topo.Snapshot, list ...*topo.Routine) (clock bool) {
	type call struct {
		f  *topo.Routine
		as string // by whom
	}
	var calls []call
	for _, f := range list {
		calls = append(calls, call{f, ""})
	}
	seen := map[call]bool{}
	for len(calls) > 0 {
		now := calls[0]
		f := now.f
		if calls = calls[1:]; f == nil || seen[now] { // one that is not there MariaDB tells of
			continue
		}
		seen[now] = true
		if !f.Invoker {
			now.as = f.Definer
		}
		name := "function '" + f.DB + "." + f.Name + "'"
		c.folds = c.folds || f.Aggregate
		switch {
		case f.Aggregate:
			c.oneLeaf = name + ", which folds rows"
		case f.AtNode:
			c.fault = NeedsStage(name + ", which writes, locks rows or reads views, but as a value by itself, called with constants and variables, in SELECT without tables, DO, SET, rows of INSERT and UPDATE of one row:" +
				" SET a variable to its value before")
		case f.OneLeaf:
			c.oneLeaf = name + ", which reads more than reference tables, or what differs from leaf to leaf"
		}
		clock = clock || f.Clock
		if !slices.Contains(c.dbs, f.DB) {
			c.dbs = append(c.dbs, f.DB)
		}
		for _, table := range f.Reads {
			c.reads = append(c.reads, [2]string{f.DB, table})
			c.readers = append(c.readers, FunctionRead{now.as, f.DB, table})
			switch t := s.Table(f.DB, table); {
			case s.View(f.DB, table) != nil:
				c.fault = NeedsStage(name + ", which reads '" + table + "', a view by now: name its tables")
			case t != nil && t.Kind != topo.Reference:
				c.oneLeaf, c.copied = name+", which reads table '"+table+"'", true
			}
		}
		for _, g := range f.Calls {
			calls = append(calls, call{s.Routine(topo.Function, f.DB, g), now.as})
		}
	}
	return clock
}

// CallsOf are the tables that the functions read which a statement calls that is run by no plan, each with its database; copied: some of them are no leaf's. The error is why they may not be called.
func CallsOf(stmt *sqltext.Stmt, snap *topo.Snapshot, db string) (reads [][2]string, copied bool, err error) {
	var c called
	for _, n := range stmt.Calls {
		of := db
		if n.DB.Tok >= 0 {
			of = n.DB.Text
		}
		c.add(snap, snap.Routine(topo.Function, of, n.Name.Text))
	}
	return c.reads, c.copied, c.fault
}

// unfit is why the functions may not be called by a plan; nil where they may.
func (c *called) unfit(p *planner, plan *Plan) error {
	switch {
	case !c.any:
		return nil
	case c.fault != nil:
		return c.fault
	case p.sequence && c.oneLeaf != "":
		return NeedsStage("a stored function beside a sequence")
	case len(c.reads) > 0 && p.sess.OwnReferences && plan.Route.Kind != RouteAny && (plan.Route.Kind != RouteStage || plan.Writes):
		return NeedsStage(FunctionReadsOwn)
	case len(c.reads) > 0 && plan.Writes && plan.Route.Kind == RouteEveryLeaf && c.oneLeaf == "": // or its calls are found first
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
		plan.FunctionReads, plan.FunctionReaders = append(plan.FunctionReads, c.reads...), append(plan.FunctionReaders, c.readers...)
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
