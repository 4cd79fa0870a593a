package ddl

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/topo"
)

const timeSetting = ", timestamp="

// alterReference changes a reference table. The shapes have its rows, so that nothing of it can be undone once it is done at the first one: it is judged on an empty table like it
// before. All leaves have the same rows: what the first one accepts all accept.
func (j *job) alterReference(ctx context.Context, old *topo.Table) (*Result, error) {
	db, name, first := old.DB, old.Name, j.todo.Shapes[0]
	if err := j.tryReference(ctx, old); err != nil {
		return nil, j.abandon(underName(clientError(err, db), j.todo.Try, name), j.dropTry)
	}
	// Columns that come are given one time at all leaves, the settings'.
	if at := strings.LastIndex(j.todo.Settings, timeSetting); at >= 0 {
		j.todo.ShapeText = template("SET STATEMENT " + j.todo.Settings[at+len(", "):] + " FOR " + string(j.todo.ShapeText))
	}
	res, err := j.first(ctx, first, string(j.todo.ShapeText))
	if _, no := refused(err); no || errors.Is(err, errCrash) {
		return nil, j.abandon(err, nil)
	}
	var t *topo.Table
	if err == nil {
		t, err = j.asAltered(ctx, old, name)
	}
	if err != nil { // whether it is done the journal tells
		return nil, j.late(err)
	}
	return res, j.rollForward(ctx, t)
}

// tryReference does the change on an empty table like the reference table, and judges what has become of that.
func (j *job) tryReference(ctx context.Context, old *topo.Table) error {
	first := j.todo.Shapes[0]
	was := j.was
	drops := func(verb string) bool {
		return strings.HasPrefix(verb, "DROP FOREIGN") || strings.HasPrefix(verb, "DROP CONSTRAINT")
	}
	for _, a := range j.d.Actions {
		switch {
		case was == nil || len(was.foreign) == 0 || !drops(a.Verb): // a table that is made like another one has no foreign keys
		case len(j.d.Actions) == 1:
			return nil
		default:
			return unsupported("ALTER TABLE that drops a constraint of a reference table with foreign keys and does something else: make it two statements")
		}
	}
	j.todo.Try = "ow$try$" + strconv.FormatUint(j.rec.ID, 10)
	if err := j.save(ctx, "rehearsal"); err != nil {
		return err
	}
	isReference := func(n string) bool { r := j.snap.Table(old.DB, n); return r != nil && r.Kind == topo.Reference }
	text := j.partText(old.DB, isReference, edit{j.d.Tables[0].Span, mark + "." + id(j.todo.Try)})
	// What the columns' defaults ask for may be missing.
	if _, err := j.asCluster(ctx, first, first.Schema, "SET sql_log_bin=0", likeText(j.todo.Try, old.Name, j.todo.Before[old.Name]), j.todo.Settings, text.in(first.Schema)); err != nil {
		return err
	}
	t, err := j.asAltered(ctx, old, j.todo.Try)
	if err != nil {
		return err
	}
	d, err := j.describe(ctx, first, j.todo.Try)
	if err != nil {
		return err
	}
	if err := check(j.snap, t, d); err != nil {
		return err
	}
	if err := j.numberedAlike(ctx, t, was); err != nil {
		return err
	}
	if err := triggersStandWith(j.snap, t); err != nil {
		return err
	}
	return j.dropTry(ctx)
}

// asAltered is the table as the first shape has it under a name.
func (j *job) asAltered(ctx context.Context, old *topo.Table, under string) (*topo.Table, error) {
	d, err := j.describe(ctx, j.todo.Shapes[0], under)
	if err != nil {
		return nil, err
	}
	if d == nil {
		return nil, topo.NoTable(old.DB, old.Name)
	}
	return merged(old, old.Name, d)
}

// dropTry drops what a change was tried on.
func (j *job) dropTry(ctx context.Context) error {
	if j.todo.Try == "" {
		return nil
	}
	_, err := each(j.todo.Shapes, func(p place) error {
		_, err := j.asCluster(ctx, p, p.Schema, "SET sql_log_bin=0", "DROP TABLE IF EXISTS "+id(j.todo.Try))
		return err
	})
	return err
}
