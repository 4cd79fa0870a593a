package ddl

import (
	"cmp"
	"context"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// renaming is the RENAME TO of an ALTER TABLE; nil when it has none.
func (j *job) renaming() *sqltext.AlterAction {
	for i := range j.d.Actions {
		if a := &j.d.Actions[i]; a.Verb == "RENAME TO" && a.To != nil {
			return a
		}
	}
	return nil
}

// renames notes that an ALTER TABLE gives the table another name beside what else it does. All places do both at once, so that whether it is done there can be told by the old name.
func (j *job) renames(ctx context.Context, old *topo.Table, a *sqltext.AlterAction) error {
	to, what := a.To.Name.Text, "ALTER TABLE … RENAME TO together with other changes"
	if j.dbOf(a.To) == old.DB && to == old.Name {
		return nil
	}
	more := 0
	for _, other := range j.d.Actions {
		if other.Verb == a.Verb {
			more++
		}
	}
	switch {
	case j.snap.Databases[j.dbOf(a.To)] == nil:
		return topo.NoDatabase(j.dbOf(a.To))
	case j.dbOf(a.To) != old.DB:
		return unsupported(what + ", to another database")
	case old.Kind == topo.Reference, len(old.Triggers) > 0, more > 1:
		return unsupported(what + ", of a reference table or one with triggers: change the name by itself")
	case j.s.Locks != nil:
		return j.underLocks(what)
	case j.snap.View(old.DB, to) != nil:
		return exists(to)
	}
	first := j.todo.Shapes[0]
	before, err := j.showCreate(ctx, first, to)
	if err != nil {
		return clientError(err, "")
	}
	if before != "" {
		return exists(to)
	}
	by, err := j.referring(ctx, first, to) // foreign keys may wait for a table of the name
	if err != nil {
		return clientError(err, "")
	}
	now := *old
	now.Name = to
	if err := referredRule(j.snap, &now, by); err != nil {
		return err
	}
	j.todo.NewName, j.todo.Tables = to, append(j.todo.Tables, to)
	return nil
}

// renamedAs has the partitions take the new name for one in their database.
func (j *job) renamedAs(a *sqltext.AlterAction) []edit {
	if a == nil || a.To.DB.Tok < 0 {
		return nil
	}
	return []edit{{a.To.Span, mark + "." + id(a.To.Name.Text)}}
}

// without cuts one of several actions.
func (j *job) without(a *sqltext.AlterAction) edit {
	span := a.Span
	if span.To < j.stmt.Span.To && j.scan.Tokens[span.To].Op == ',' {
		span.To++
	} else if j.scan.Tokens[span.From-1].Op == ',' {
		span.From--
	}
	return edit{span: span}
}

// nameNow is the name that the statement's table has where the statement is done.
func (j *job) nameNow(name string) string { return cmp.Or(j.todo.NewName, name) }

// underNewName is the statement's table as it will be called.
func (j *job) underNewName(t *topo.Table) *topo.Table {
	is := *t
	is.Name = j.nameNow(t.Name)
	return &is
}
