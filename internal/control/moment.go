package control

import (
	"context"
	"errors"
	"time"

	"github.com/orbweaver/orbweaver/internal/move"
	"github.com/orbweaver/orbweaver/internal/topo"
)

const (
	// momentWithin bounds how long a copy looks for a moment to begin at: what living nodes have prepared they end.
	momentWithin = 10 * time.Second
	// holdWithin bounds how long commits are held back each time.
	holdWithin = 2 * time.Second
	// momentPause is how long it is waited before the next look, longer each time.
	momentPause     = 50 * time.Millisecond
	longMomentPause = 2 * time.Second
)

// moment gives what runs f at a moment at which a partition has no transaction between its XA PREPARE and its XA COMMIT: a copy that began there would get the second
// without the first. Commits over several places that the partition has a part in are held back for that, and no others.
// What is prepared there by nobody who lives is settled; what is left of that is waited for.
func (l *leader) moment(id topo.PartitionID, master string) func(ctx context.Context, f func(ctx context.Context) error) error {
	return func(ctx context.Context, f func(ctx context.Context) error) error {
		pause := momentPause
		for began := time.Now(); ; pause = min(2*pause, longMomentPause) {
			err := l.holding(ctx, topo.Hold{Parts: []topo.PartitionID{id}}, f)
			again := errors.Is(err, move.ErrPrepared) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errMoved)
			if err == nil || !again || ctx.Err() != nil || time.Since(began) > momentWithin {
				return err
			}
			if errors.Is(err, move.ErrPrepared) {
				l.settleAt(ctx, master)
			}
			select {
			case <-time.After(pause):
			case <-ctx.Done():
			}
		}
	}
}

// holding runs f while commits are held back.
func (l *leader) holding(ctx context.Context, scope topo.Hold, f func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, holdWithin)
	defer cancel()
	held, err := l.node.Hold(ctx, scope)
	if err != nil {
		return err
	}
	defer held.End()
	if err := f(ctx); err != nil {
		return err
	}
	if !held.Lasts() {
		return errMoved // commits may have gone on
	}
	return nil
}
