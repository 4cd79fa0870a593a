package ddl

import (
	"context"
	"errors"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// chosenAnew places a table anew that has no rows, and whose statement said nothing of where they were to be, as if it had been made as it is by now: applications make their tables first and
// the keys afterwards. why is what keeps the table from being where it is, and what is returned where nothing comes of that.
func (j *job) chosenAnew(ctx context.Context, old *topo.Table, now *described, why error) (*topo.Table, error) {
	var own *Error
	if old.Written() || old.Kind != topo.Sharded && old.Kind != topo.Keyless || !errors.As(why, &own) || now.typ != "BASE TABLE" {
		return nil, why
	}
	empty, err := j.withoutRows(ctx, old, now, nil)
	if err != nil {
		return nil, err
	}
	if !empty {
		return nil, why
	}
	first := j.todo.Shapes[0]
	by, err := j.referring(ctx, first, old.Name)
	if err != nil {
		return nil, err
	}
	t, note, err := choose(j.snap, old.DB, old.Name, now, old.ID, by)
	if err != nil {
		return nil, why
	}
	t.Triggers = old.Triggers
	if err := j.standTogether(ctx, []move{{t: t, d: now}}, first); err != nil {
		return nil, instead(why, err)
	}
	j.todo.Placing, j.placed = placingOf(t, old.ID), note
	return t, nil
}

// empty closes the statement's table at all nodes and fails unless it has no rows.
func (j *job) empty(ctx context.Context, t *topo.Table) error {
	conns, err := j.alone(ctx, topo.ClosedToAll, "", "WRITE")
	if err != nil {
		return err
	}
	defer func() { unlock(j.lock.Context(), conns); release(conns) }()
	was := j.snap.Table(t.DB, t.Name)
	empty, err := j.withoutRows(ctx, was, nil, conns) // without system versioning, as chosenAnew has seen
	if err == nil && !empty {
		err = refuse(erLockWait, "HY000", "Lock wait timeout exceeded; table '%s' got rows while it was to be placed by its new keys; try again", t.Name)
	}
	if err != nil {
		return err
	}
	first := j.todo.Places[topo.SingleOrdinal]
	if was.Numbered() && t.AutoIncrement >= 0 && !t.Numbered() {
		return j.numbers(ctx, was, t, t.Name, func(sql string) (*backend.Result, error) { return conns[first].Query(ctx, sql) })
	}
	return nil
}
