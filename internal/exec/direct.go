package exec

import (
	"context"
	"errors"
	"slices"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/spider"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// Direct runs texts at the server of a link, one after another on a connection of their own: outside of transactions, and with the session's settings. rows
// gets the rows of each result set with its number, some at a time; what it keeps of them it may. All that the connection was left with is forgotten.
func (r *Runner) Direct(ctx context.Context, link spider.Link, state *backend.State, texts []string, rows func(result int, cols []wire.Column, rows [][][]byte) error) error {
	if state.Hops() >= maxHops {
		return errorf(erRemoteLoop, "An infinite loop is detected when server %s was called: links lead from node to node", link.Name())
	}
	remote, err := r.cfg.Remote([]spider.Link{link})
	if err != nil {
		return err
	}
	c, err := r.cfg.Pools.Get(ctx, backend.Want{Leaf: remote.ID, Remote: remote, Schema: link.Database, Variant: backend.Internal, State: remote.State(state)})
	if err != nil {
		return ConnectError(remote, err)
	}
	defer c.Release()
	c.ResetOnRelease()
	within, p := wait(ctx, &link)
	defer p.end()
	result := 0
	for _, text := range texts {
		d := directRows{conn: c, patience: p, result: &result, rows: rows}
		err := d.run(within, text)
		var here *rowsError
		if errors.As(err, &here) {
			return here.error
		}
		if err != nil {
			return remoteError(remote, err, &plan.Plan{Writes: true})
		}
	}
	return nil
}

// directBatch is how many rows are handed on at a time, and directBytes how many bytes of them about.
const (
	directBatch = 1000
	directBytes = 1 << 20
)

// rowsError is what became of rows here.
type rowsError struct{ error }

// directRows reads the answer to one text.
type directRows struct {
	conn     *backend.Conn
	patience *patience
	result   *int
	rows     func(int, []wire.Column, [][][]byte) error

	cols  []wire.Column
	batch [][][]byte
	size  int
}

// run has the text run. When the rows are not wanted any more, the connection is given up.
func (d *directRows) run(ctx context.Context, text string) error {
	stop := d.conn.Watch(ctx)
	defer stop()
	if err := d.conn.Send(wire.ComQuery, []byte(text)); err != nil {
		return err
	}
	var failed error
	for {
		p, err := d.patience.next(d.conn)
		if err != nil {
			if silenced(ctx) {
				return errSilent
			}
			return err
		}
		switch p.Kind {
		case backend.KindErr:
			failed = p.Err()
		case backend.KindHead:
			d.cols, d.batch, d.size = nil, nil, 0
		case backend.KindColumn:
			var col wire.Column
			if err := wire.ParseColumn(slices.Clone(p.Payload), wire.Caps(backend.Internal), &col); err != nil {
				return err
			}
			d.cols = append(d.cols, col)
		case backend.KindRow:
			row := make([][]byte, len(d.cols))
			if err := wire.SplitTextRow(slices.Clone(p.Payload), row); err != nil {
				return err
			}
			d.batch = append(d.batch, row)
			d.size += len(p.Payload)
			if len(d.batch) >= directBatch || d.size >= directBytes {
				err = d.give()
			}
		case backend.KindEnd:
			err = d.give()
			*d.result++
		case backend.KindInfile:
			err = d.conn.SendData(nil) // there is no file to be had
		}
		if err != nil {
			return errors.Join(err, d.drain())
		}
		if d.conn.Done() {
			break
		}
	}
	var answer *wire.ServerError
	if errors.As(failed, &answer) {
		if silenced(ctx) { // by which it was interrupted
			return errSilent
		}
		return answer
	}
	return failed
}

// give hands the rows on that were read; the server waits meanwhile.
func (d *directRows) give() error {
	if len(d.batch) == 0 {
		return nil
	}
	err := d.rows(*d.result, d.cols, d.batch)
	d.batch, d.size = nil, 0
	if err != nil {
		return &rowsError{err}
	}
	return nil
}

// drain reads the rest of an answer that nobody wants.
func (d *directRows) drain() error {
	if d.conn.Done() {
		return nil
	}
	return d.conn.Drain()
}
