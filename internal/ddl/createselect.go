package ddl

import (
	"context"
	"errors"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// selectable refuses a CREATE TABLE … SELECT that can't be one.
func (j *job) selectable() error {
	q := j.d.AsSelect
	switch {
	case q == nil:
		return nil
	case j.s.Fill == nil || q.Opaque && !OfValues(j.scan, q):
		return unsupported("this form of CREATE TABLE … SELECT: make the table, then use INSERT")
	case j.linked != nil:
		return unsupported("CREATE TABLE … SELECT of a linked table, whose rows are elsewhere: make the table, then use INSERT … SELECT")
	}
	return nil
}

// OfValues says whether a query is VALUES in the place of a SELECT.
func OfValues(scan *sqltext.Scan, q *sqltext.Query) bool {
	return q.Opaque && !q.Span.Empty() && scan.Tokens[q.Span.From].KW == sqltext.KwValues
}

// NoRows is what a query gets in the place of a span so that it has its columns and no rows.
func NoRows(q *sqltext.Query) (at sqltext.Span, text string) {
	e := noRows(q)
	return e.span, e.text
}

// noRows gives a query LIMIT 0: a leaf finds the columns of a table that is made of it, and no rows.
func noRows(q *sqltext.Query) edit {
	limit, tail, end := q.Limit, q.Tail, q.Span.To
	if sel := q.Select; sel != nil && limit == nil && q.OrderSpan.Empty() { // else they stand behind a bracket
		limit, tail, end = sel.Limit, sel.Tail, sel.Span.To
	}
	switch {
	case limit != nil:
		return edit{limit.Span, "LIMIT 0"}
	case !tail.Empty():
		end = tail.From
	}
	return edit{sqltext.Span{From: end, To: end}, "LIMIT 0"}
}

// args are the parameters in the text that the first shape gets.
func (j *job) args() []wire.Param {
	if j.d.AsSelect == nil || len(j.s.Args) == 0 {
		return nil
	}
	return argsIn(j.scan, j.stmt.Span, noRows(j.d.AsSelect).span, j.s.Args)
}

// argsIn are those of a statement's parameters that stand in a span of its text, and not in the gap.
func argsIn(scan *sqltext.Scan, span, gap sqltext.Span, args []wire.Param) (out []wire.Param) {
	n := 0
	for i, t := range scan.Tokens {
		if t.Kind != sqltext.Param || n >= len(args) {
			continue
		}
		if at := int32(i); at >= span.From && at < span.To && (at < gap.From || at >= gap.To) {
			out = append(out, args[n])
		}
		n++
	}
	return out
}

// QueryArgs are those of the parameters of CREATE TABLE … SELECT that its query has.
func QueryArgs(scan *sqltext.Scan, d *sqltext.DDL, args []wire.Param) []wire.Param {
	return argsIn(scan, d.AsSelect.Span, sqltext.Span{}, args)
}

// withDefaults gives DEFAULT NULL to columns that MariaDB makes of a query without a default, though they may be NULL. SHOW CREATE TABLE can't tell of those: a dump of
// the table, and any leaf but this one, would have them so.
func (j *job) withDefaults(ctx context.Context, p place, table string, d *described) error {
	var changes []string
	for i := range d.columns {
		if c := &d.columns[i]; c.Nullable && c.Default == "" && !c.Generated {
			changes = append(changes, "ALTER COLUMN "+id(c.Name)+" SET DEFAULT NULL")
			c.Default = "NULL"
		}
	}
	if len(changes) == 0 {
		return nil
	}
	_, err := j.asCluster(ctx, p, "", "SET sql_mode=''", "ALTER TABLE "+id(p.Schema)+"."+id(table)+" "+strings.Join(changes, ", "))
	return err
}

// fill puts the query's rows into the table that is everywhere by now, and in no topology yet: what comes between is undone with the table.
func (j *job) fill(ctx context.Context, t *topo.Table, res *Result) error {
	if err := j.step("fill"); err != nil {
		return err
	}
	filled, err := j.s.Fill(ctx, t, false)
	if err == nil {
		res.Affected = filled.Affected
		res.Warnings += filled.Warnings
		return nil
	}
	if t.AutoIncrement >= 0 {
		short, cancel := j.detached()
		defer cancel()
		if err := j.cfg.Catalog.DropSequences(short, t.ID); err != nil { // nobody asks for it any more
			j.log.Warn("ddl: the sequence of a table that was not made could not be dropped", "table", t.DB+"."+t.Name, "error", err)
		}
	}
	return err
}

// errInPlace: the table may be put in the place of the one that there is.
var errInPlace = errors.New("ddl: a table of the name is there")

// rehearse puts a table in the place of one that exists at the first shape, which has no rows, and takes it back: so the old one, with its rows, goes only for one
// that MariaDB and the cluster's rules allow, and for a query that can be run. It returns errInPlace then.
func (j *job) rehearse(ctx context.Context, old, like *topo.Table) error {
	if old.Kind == topo.Reference {
		return unsupported("CREATE OR REPLACE TABLE for a reference table that exists: DROP TABLE it first")
	}
	all, err := shapes(j.snap, old.DB)
	if err != nil {
		return err
	}
	first := all[0]
	before, err := j.showCreate(ctx, first, old.Name)
	if err != nil {
		return clientError(err, "")
	}
	j.todo = todo{DB: old.DB, Tables: []string{old.Name}, Shapes: all[:1], Before: map[string]string{old.Name: before}}
	if err := j.record(ctx, "alter"); err != nil {
		return err
	}
	_, err = j.first(ctx, first, j.spliced())
	if err == nil {
		err = j.fits(ctx, first, old, like)
	}
	if err := j.abandon(clientError(unavailable(err), ""), j.undoAlter); err != nil {
		return err
	}
	return errInPlace
}

func (j *job) fits(ctx context.Context, first place, old, like *topo.Table) error {
	d, err := j.describe(ctx, first, old.Name)
	if err != nil {
		return err
	}
	if d == nil {
		return topo.NoTable(old.DB, old.Name)
	}
	if j.d.AsSelect != nil && len(d.foreign) > 0 {
		return errForeign()
	}
	if j.linked != nil {
		return nil
	}
	t, err := j.newTable(old.DB, old.Name, d, like, old.ID)
	if err != nil {
		return err
	}
	if err := check(j.snap, t, d); err != nil {
		return err
	}
	if err := triggersStandWith(j.snap, t); err != nil || j.d.AsSelect == nil {
		return err
	}
	_, err = j.s.Fill(ctx, t, true)
	return err
}

func errForeign() error {
	return unsupported("a FOREIGN KEY in CREATE TABLE … SELECT: add it by ALTER TABLE")
}

// replaceTable is CREATE OR REPLACE of a table that exists. As in MariaDB it is two statements: what the second one fails by does not bring the old table back.
func (j *job) replaceTable() (*Result, error) {
	ctx := j.outer // the lock is given back, and with it has gone what it bound
	j.lock = nil
	db, name, err := j.target(j.d.Tables[0])
	if err != nil {
		return nil, err
	}
	scan := new(sqltext.Scan)
	if err := scan.Scan([]byte("DROP TABLE IF EXISTS "+id(db)+"."+id(name)), sqltext.Mode{}); err != nil {
		return nil, err
	}
	drop, err := sqltext.Parse(scan, sqltext.Mode{})
	if err != nil {
		return nil, err
	}
	if _, err := j.Run(ctx, j.s, scan, drop); err != nil {
		return nil, err
	}
	stmt, d := *j.stmt, *j.d
	or := sqltext.Span{From: j.stmt.Span.From + 1, To: j.stmt.Span.From + 3}
	d.OrReplace, d.OursSpans = false, append([]sqltext.Span{or}, d.OursSpans...)
	stmt.DDL = &d
	return j.Run(ctx, j.s, j.scan, &stmt)
}
