package trigger

import (
	"errors"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// Functions finds a function of the database by its name; nil where there is none.
type Functions func(name string) *topo.Routine

// calls says whether functions that a trigger or another function calls may be called there.
func (j *judge) calls() error {
	for _, c := range j.t.Calls {
		name := c.Name.Text
		if c.DB.Tok >= 0 && c.DB.Text != j.table.DB {
			return refuse("stored function '%s.%s' in a trigger: it is in another database", c.DB.Text, name)
		}
		var f *topo.Routine
		if j.functions != nil {
			f = j.functions(name)
		}
		switch {
		case f == nil:
			return refuse("stored function '%s' in a trigger, which '%s' does not have: CREATE FUNCTION %s before, or write its expression out", name, j.table.DB, name)
		case f.AtNode:
			return refuse("stored function '%s' in a trigger: it writes, locks rows or reads views, and is run by nodes", name)
		case f.OneLeaf && !j.oneLeaf:
			return refuse("stored function '%s' in a trigger: it reads tables whose rows are in partitions, or what differs from leaf to leaf, and is for statements that one leaf runs", name)
		}
		j.out.Calls = append(j.out.Calls, strings.ToLower(name))
	}
	slices.Sort(j.out.Calls)
	j.out.Calls = slices.Compact(j.out.Calls)
	return nil
}

// asFunction turns reasons that speak of triggers into ones that speak of functions.
var asFunction = strings.NewReplacer("in a trigger of a reference table, whose rows leaves may go through in another order", "in a function, whose rows leaves may go through in another order",
	"a trigger of a reference table", "a function", "A trigger of a reference table", "A function", ", which runs the trigger,", ", which may run it,", "what the trigger does", "its value",
	"give it with the statement, as a column's value", "pass it as a parameter", "a trigger", "a function", "CREATE TRIGGER", "CREATE FUNCTION", "the trigger", "the function")

// Function says whether a function of a database, which leaves call in their shapes, may be there, and fills in what of r its text tells. One that reads what a trigger of a reference
// table may, under the same rules, gives the same at every leaf. Another one may be called where one leaf runs all of the statement, with copies of the tables that it reads. One that writes nodes run (atnode.go).
func Function(r *topo.Routine, lookup Lookup, functions Functions) error {
	scan := new(sqltext.Scan)
	mode := Mode(r.SQLMode)
	if err := scan.Scan([]byte(r.Text), mode); err != nil || scan.More {
		return refuse("its text can't be read")
	}
	stmt, err := sqltext.Parse(scan, mode)
	if err != nil || stmt.DDL == nil || stmt.DDL.Function == nil {
		return refuse("its text can't be read")
	}
	if d := stmt.DDL; d.Verb != "CREATE" || d.Object != "FUNCTION" || d.Program.DB.Tok >= 0 || d.Program.Name.Text != r.Name {
		return refuse("its text is another one's")
	}
	return reworded(anywhere(r, scan, stmt.DDL, lookup, functions))
}

// Drafted is Function for the client's CREATE FUNCTION: one that will be refused is not to be there for a moment, in which it could be called.
func Drafted(scan *sqltext.Scan, d *sqltext.DDL, db string, lookup Lookup, functions Functions) error {
	r := &topo.Routine{DB: db}
	for i := range d.Program.Span.From {
		r.Aggregate = r.Aggregate || scan.Tokens[i].Kind == sqltext.Word && scan.Tokens[i].KW == sqltext.KwAggregate
	}
	return reworded(anywhere(r, scan, d, lookup, functions))
}

func reworded(err error) error {
	var no *Error
	if errors.As(err, &no) {
		return &Error{asFunction.Replace(no.Reason)}
	}
	return err
}

// anywhere judges a function as one that leaves call wherever rows are, then as one that one leaf calls, then as one that nodes run.
func anywhere(r *topo.Routine, scan *sqltext.Scan, d *sqltext.DDL, lookup Lookup, functions Functions) error {
	r.OneLeaf = r.Aggregate
	err := function(r, scan, d, lookup, functions)
	if err != nil && !r.OneLeaf {
		r.OneLeaf = true
		err = function(r, scan, d, lookup, functions)
	}
	if err != nil {
		if known, own := atNode(r, scan, d, lookup, functions); known {
			return own
		}
	}
	return err
}

func function(r *topo.Routine, scan *sqltext.Scan, d *sqltext.DDL, lookup Lookup, functions Functions) error {
	// It is judged like a trigger of a reference table that has no columns.
	out := topo.Trigger{SQLMode: r.SQLMode}
	j := &judge{scan: scan, t: d.Function, table: &topo.Table{DB: r.DB, Kind: topo.Reference, AutoIncrement: -1}, lookup: lookup, functions: functions, function: true, oneLeaf: r.OneLeaf, out: &out}
	switch f := j.t.Facts; {
	case f&sqltext.HasForUpdate != 0:
		return refuse("FOR UPDATE or LOCK IN SHARE MODE in a trigger: the lock would be at one leaf. Lock in a procedure")
	case slices.ContainsFunc(j.t.Stmts, func(s *sqltext.Stmt) bool { return s.Kind != sqltext.KindSelect }):
		return refuse("INSERT, UPDATE or DELETE in a trigger: at each leaf it would be another statement's. Write in a procedure")
	}
	if r.Aggregate && len(j.t.Tables) > 0 {
		return refuse("a query of tables in a trigger that is AGGREGATE: read them with the rows that it folds, or in a function of its own")
	}
	if err := j.all(); err != nil {
		return err
	}
	for _, n := range j.t.Tables {
		if t, view := lookup(n.Name.Text); t == nil && !view { // what it will be nobody knows
			return refuse("table '%s' in a trigger, which '%s' does not have", n.Name.Text, r.DB)
		}
	}
	r.Reads, r.Calls, r.Clock = out.Reads, out.Calls, j.t.Facts&sqltext.HasTimeFunction != 0
	return nil
}
