package move

import (
	"context"
	"fmt"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
)

func (src *source) holds(t table) {
	if len(src.held) == 0 {
		src.since = time.Now()
	}
	src.held = append(src.held, t)
}

// release looks whether the tables that are held are those of the snapshot, and lets them go: when they have been held for long enough, or now.
func (src *source) release(ctx context.Context, now bool) error {
	if len(src.held) == 0 || !now && time.Since(src.since) < HoldFor {
		return nil
	}
	ids, err := Identities(ctx, src.conn, src.schema)
	if err != nil {
		return err
	}
	for _, t := range src.held {
		create, err := src.definition(ctx, t.name)
		if err != nil {
			return err
		}
		if ids[t.file] != src.ids[t.file] || Undated(create) != Undated(t.create) {
			return fmt.Errorf("table %s.%s: %w", src.schema, t.name, ErrChanged)
		}
	}
	src.held = nil
	_, err = run(ctx, src.conn, LetGo)
	return err
}

func (src *source) definition(ctx context.Context, table string) (string, error) {
	res, err := run(ctx, src.conn, "SHOW CREATE TABLE "+id(src.schema)+"."+id(table))
	if err != nil {
		return "", err
	}
	return string(res.Rows[0][1]), nil
}

// giveWay gives a context that ends with ErrGaveWay when statements at the source wait for tables of the partition; the snapshot is ended at once then, without
// waiting for the target. end has to be called.
func (c *Copier) giveWay(ctx context.Context, s Spec, snapshot uint64) (giving context.Context, end func(), err error) {
	conn, err := c.Pools.Get(ctx, backend.Want{Leaf: s.From, Account: backend.Cluster, Variant: backend.Internal}.Urgent())
	if err != nil {
		return nil, nil, err
	}
	conn.ResetOnRelease()
	giving, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer conn.Release()
		switch waits, err := AwaitWaiting(giving, conn, func(db, sql string) bool { return db == s.Schema || Names(sql, s.Schema) }); {
		case err != nil:
			cancel(err)
		case waits:
			cancel(ErrGaveWay)
			// When it can't be killed it has ended by itself, or its end goes the longer way.
			_, _ = conn.Query(ctx, fmt.Sprintf("KILL CONNECTION %d", snapshot))
		}
	}()
	return giving, func() { cancel(context.Canceled); <-done }, nil
}
