package ddl

import (
	"context"
	"errors"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// replaceLinked is CREATE OR REPLACE of a linked table by another one. Shapes are empty: they are what they were again if it fails, also where MariaDB itself drops
// the old table and then refuses the new one.
func (j *job) replaceLinked(ctx context.Context, old, like *topo.Table, number uint64) (*Result, error) {
	first := j.todo.Shapes[0]
	before, err := j.showCreate(ctx, first, old.Name)
	if err != nil {
		return nil, clientError(err, "")
	}
	j.todo.Before = map[string]string{old.Name: before}
	if err := j.record(ctx, "alter"); err != nil {
		return nil, err
	}
	res, err := j.first(ctx, first, j.spliced())
	if err != nil {
		return nil, j.abandon(unavailable(err), j.undoAlter)
	}
	var made []place
	t, err := j.placeTable(ctx, old.DB, old.Name, like, number, &made)
	if err == nil {
		err = j.commit(ctx, func(x *catalog.Txn) error {
			x.PutTable(t)
			return nil
		})
		if errors.Is(err, catalog.ErrUnknown) {
			return nil, unfinished(err.Error(), err)
		}
	}
	if err != nil {
		return nil, j.abandon(clientError(err, old.DB), j.undoAlter)
	}
	if err := j.cfg.Catalog.DropSequences(ctx, old.ID); err != nil { // nobody asks for it any more
		j.log.Warn("ddl: the sequence of a table that is no more could not be dropped", "table", old.DB+"."+old.Name, "error", err)
	}
	res.Notes = append(res.Notes, j.linked.notes()...)
	return res, nil
}
