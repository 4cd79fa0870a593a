package ddl

import (
	"context"
	"errors"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// changeSharedTriggers runs a statement that changes the triggers of a reference table. At its leaves they are fired as soon as they are there, so that no statement may write the
// table meanwhile, or rows would be written with a trigger at one leaf and without it at another. Nodes keep such statements waiting (topo.Database.Held), also those that were planned
// before; transactions that have written reference tables are waited for. What a trigger does is known to nodes with the same change of the topology that lets the writes go on.
func (j *job) changeSharedTriggers(ctx context.Context, old *topo.Table) (*Result, error) {
	j.hurried = true
	var res *Result
	conns := map[place]*backend.Conn{}
	let := func() {
		unlock(ctx, conns)
		release(conns)
		clear(conns)
	}
	defer let()
	for began := time.Now(); ; {
		err := j.hold(ctx)
		if err == nil {
			err = j.lockShared(ctx, conns, old)
		}
		if err == nil {
			res, err = j.first(ctx, j.todo.Shapes[0], j.spliced())
		}
		if err == nil {
			break
		}
		let()
		if !lockWaited(err) || time.Since(began) > lockWait*time.Second {
			undo := j.undoIfUnsure(err, j.undoTriggers)
			if undo == nil {
				undo = j.letGo
			}
			return nil, j.abandon(unavailable(err), undo)
		}
		if err := j.letGo(ctx); err != nil {
			return nil, j.abandon(err, j.letGo)
		}
		pause(ctx, nil)
	}
	now, changed, err := j.triggersNow(ctx, old)
	if err == nil && !changed {
		return res, j.abandon(nil, j.letGo)
	}
	if err == nil {
		_, err = each(j.todo.Shapes[1:], func(p place) error { return j.alignLocked(ctx, conns[p], p, now) })
	}
	if err == nil {
		let()
		err = j.commit(ctx, func(x *catalog.Txn) error {
			setHeld(x, old.DB, false)
			return putTriggers(x, old.DB, old.Name, now.Triggers)
		})
		if errors.Is(err, catalog.ErrUnknown) {
			return nil, unfinished(err.Error(), err)
		}
	}
	if err != nil {
		let()
		return nil, j.abandon(clientError(err, old.DB), j.undoTriggers)
	}
	return res, nil
}

// lockWaited says whether something was waited for in vain.
func lockWaited(err error) bool {
	var own *Error
	e, no := refused(err)
	return no && e.Code == erLockWait || errors.As(err, &own) && own.Code == erLockWait
}

// hold keeps statements that write reference tables waiting at all nodes. 1205: some are under way.
func (j *job) hold(ctx context.Context) error {
	if err := j.step("hold"); err != nil {
		return err
	}
	rev, err := j.cfg.Catalog.Update(j.answered(ctx), func(x *catalog.Txn) error {
		x.Hold(j.lock)
		setHeld(x, j.todo.DB, true)
		return nil
	})
	if err != nil || j.cfg.Seen == nil {
		return unavailable(err)
	}
	undrained, err := j.cfg.Seen(ctx, rev)
	if err == nil && undrained[topo.PartitionID{DB: j.todo.DB, Ordinal: -1}] { // the shape's
		return refuse(erLockWait, "HY000", "Lock wait timeout exceeded; a transaction that has written reference tables is open")
	}
	return unavailable(err)
}

// letGo lets such statements go on.
func (j *job) letGo(ctx context.Context) error {
	_, err := j.cfg.Catalog.Update(j.answered(ctx), func(x *catalog.Txn) error {
		x.Hold(j.lock)
		setHeld(x, j.todo.DB, false)
		return nil
	})
	return unavailable(err)
}

func setHeld(x *catalog.Txn, db string, on bool) {
	if d := x.Database(db); d != nil && d.Held != on {
		c := *d
		c.Held = on
		x.PutDatabase(&c)
	}
}

// lockShared locks a reference table at all leaves but the first, where the client's own statement does: whoever reads it in a transaction is in the way of its triggers, and is
// not to be waited for half-way.
func (j *job) lockShared(ctx context.Context, conns map[place]*backend.Conn, t *topo.Table) error {
	others := j.todo.Shapes[1:]
	for _, p := range others {
		c, err := j.own(ctx, p, p.Schema)
		if err != nil {
			return err
		}
		conns[p] = c
	}
	_, err := each(others, func(p place) error {
		if err := j.step("lock at " + p.Leaf + "/" + p.Schema); err != nil {
			return err
		}
		_, err := conns[p].Query(ctx, "LOCK TABLES "+id(p.Schema)+"."+id(t.Name)+" WRITE WAIT 1")
		return err
	})
	return err
}

// alignLocked gives a shape's table, which is locked, the triggers that it is to have.
func (j *job) alignLocked(ctx context.Context, c *backend.Conn, p place, t *topo.Table) error {
	if err := j.step("triggers at " + p.Leaf + "/" + p.Schema); err != nil {
		return err
	}
	have, other, err := j.otherTriggers(ctx, p, t)
	if err != nil || !other {
		return err
	}
	return remake(ctx, c, p, t, have)
}
