package exec

import (
	"context"
	"errors"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// forward runs a statement that one place serves and relays the answer.
func (r *Runner) forward(ctx context.Context, st *Statement, place txn.Place) error {
	return r.forwardText(ctx, st, place, st.forwardPart(place), false)
}

// forwardText runs a part at one place. quiet keeps the OK packet for the caller.
func (r *Runner) forwardText(ctx context.Context, st *Statement, place txn.Place, p part, quiet bool) error {
	inside := st.Tx.InTransaction()
	err := r.forwardOnce(ctx, st, place, p, quiet)
	if err == nil || st.out.Begun || !st.repeatable(err, inside) {
		return err
	}
	st.out = Outcome{}
	return secondError(err, r.forwardOnce(ctx, st, place, p, quiet))
}

// repeatable says whether a statement that failed with err may simply be run again: nothing was executed, or it only reads. inside: it was begun in a transaction, which may be
// over by now: the statement must not be run outside of it.
func (st *Statement) repeatable(err error, inside bool) bool {
	if inside || st.Tx.InTransaction() || st.Once {
		return false
	}
	var remote *RemoteError
	var lost *backend.LostError
	switch {
	case errors.As(err, &remote):
		return remote.again
	case errors.As(err, &lost):
		return lost.SafeToRetry() || !st.Plan.Writes && !st.Plan.Locks
	}
	return false
}

func (r *Runner) forwardOnce(ctx context.Context, st *Statement, place txn.Place, p part, quiet bool) error {
	if st.Plan.Short && st.After == nil && st.Tx.Free(place) {
		want := st.Tx.Want(place)
		if place.Remote != nil {
			want.Silence = patient(&st.Plan.Linked.Places[place.Link].Links[0])
		}
		if pipe := r.cfg.Pools.Pipeline(want); pipe != nil {
			if err := st.Tx.Enter(place); err != nil {
				return err
			}
			done, err := r.pipelined(ctx, st, pipe, place, p)
			st.Tx.Leave(place)
			if done || err != nil && !errors.Is(err, backend.ErrStalled) {
				return err
			}
		}
	}
	c, err := st.Tx.Conn(ctx, place)
	if err != nil {
		return st.unconnected(place, err)
	}
	l := relay{st: st, place: place, schema: place.Schema, db: st.logicalDB(place), quiet: quiet, hold: st.Plan.Writes}
	if st.Plan.Linked != nil || st.AsksID() {
		ctx, l.patience = st.beforeRemote(ctx, c, place)
		defer l.patience.end()
	}
	if st.Before != "" && !st.AsksID() {
		c.Queue(st.Before)
	}
	stop := c.Watch(ctx)
	err = st.send(c, p)
	if err == nil {
		err = l.drain(c)
	}
	if stop() && err == nil && l.err == nil {
		err = ctx.Err()
	}
	if (err != nil || l.err != nil) && silenced(ctx) {
		err, l.err = errSilent, nil
	}
	code := c.ErrCode // of the statement, by which the transaction is judged
	if err == nil {
		if l.err != nil && !c.Broken() {
			c.Warnings = 1 // an error does not tell how many
		}
		err = st.notes(ctx, c, place)
		if l.err != nil {
			st.out.Notes = withoutError(st.out.Notes, l.err, place.Remote != nil)
		}
	}
	if err == nil && l.err == nil && st.insertID() != plan.InsertIDGiven {
		err = st.afterRemote(ctx, c)
	}
	if err == nil && (l.err == nil || len(st.Plan.Assigned) > 0) && st.After != nil { // what triggers assigned before an error stays
		err = st.After(ctx, c)
	}
	if l.err != nil {
		c.ErrCode = code
	}
	if err = st.Tx.Done(c, err); err != nil {
		return st.at(place, err)
	}
	if l.err != nil {
		return l.err
	}
	if l.last != nil {
		return l.patched(l.last, 0)
	}
	if !quiet && !st.out.HasRows {
		return st.writeOK()
	}
	return nil
}

// logicalDB is the database that the client knows the place's schema by.
func (st *Statement) logicalDB(place txn.Place) string {
	if place.Partition.DB != "" {
		return place.Partition.DB
	}
	return place.Schema
}

// pipelined runs a short read on a shared connection. It is not done when others wait there for a slow answer, when the answer has warnings, whose text can only be had from a
// connection of its own, or a packet of 16 MiB or more.
func (r *Runner) pipelined(ctx context.Context, st *Statement, pipe *backend.Pipeline, place txn.Place, p part) (done bool, err error) {
	if st.Prepared {
		st.body = appendExecuteBody(st.body[:0], p.params)
		if p.text == "" {
			p.text = string(p.sql)
		}
		st.pipe, err = pipe.Execute(ctx, p.text, st.body, st.pipe[:0])
	} else {
		st.pipe, err = pipe.Do(ctx, wire.ComQuery, p.sql, st.pipe[:0])
	}
	if err != nil {
		return false, st.unconnected(place, err)
	}
	cmd := wire.ComQuery
	if st.Prepared {
		cmd = wire.ComStmtExecute
	}
	variant := backend.VariantOf(st.Out.Caps())
	var t backend.Tracker
	t.Begin(cmd, variant)
	for rest := st.pipe; len(rest) > 0; {
		var frame, payload []byte
		if _, frame, payload, rest, err = t.NextFrame(rest); err != nil {
			return true, err
		}
		if len(frame) != wire.HeaderSize+len(payload) {
			return false, nil
		}
	}
	if t.Warnings > 0 {
		return false, nil
	}
	l := relay{st: st, place: place, schema: place.Schema, db: st.logicalDB(place)}
	t.Begin(cmd, variant)
	for rest := st.pipe; len(rest) > 0; {
		var p backend.Packet
		if p.Kind, _, p.Payload, rest, err = t.NextFrame(rest); err != nil {
			return true, err
		}
		if err := l.packet(p); err != nil {
			return true, err
		}
	}
	if l.err != nil {
		return true, l.err
	}
	if !st.out.HasRows {
		return true, st.writeOK()
	}
	return true, nil
}
