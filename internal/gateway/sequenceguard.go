package gateway

import (
	"context"
	"strconv"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
)

// reserved waits, in a SYNC database, until every replica would go on behind a value that a sequence has given: by its row, for the value may be of a range that another session's statement
// has reserved a moment before, which is in no binary log yet. A sequence that cycles gives its values again anyway.
func (g *guard) reserved(ctx context.Context, t *topo.Table, value string, term uint64) error {
	d := g.cat.Snapshot().Databases[t.DB]
	if d == nil || d.Replication != topo.Sync {
		return nil
	}
	given, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return err
	}
	at := txn.Place{Partition: topo.PartitionID{DB: t.DB, Ordinal: topo.SequenceOrdinal}, Term: term}
	for {
		leaves, ok := g.waited(at)
		if !ok {
			return &UnconfirmedError{at, "another leaf has become the partition's master"}
		}
		behind := false
		for _, leaf := range leaves {
			if ok, err := g.reservedAt(ctx, leaf, at.Partition, t.Name, given); err != nil && ctx.Err() != nil {
				return &UnconfirmedError{at, err.Error()}
			} else if !ok || err != nil {
				behind = true // or it is a replica no more in a moment
				break
			}
		}
		if !behind {
			return nil
		}
		select {
		case <-time.After(reservedLook):
		case <-ctx.Done():
			return &UnconfirmedError{at, "a replica has not applied in time what the sequence has reserved"}
		}
	}
}

// reservedLook is how often a replica is looked at that lags behind.
const reservedLook = 2 * time.Millisecond

// reservedAt says whether a leaf's copy of a sequence would go on behind a value.
func (g *guard) reservedAt(ctx context.Context, leaf string, id topo.PartitionID, name string, given int64) (bool, error) {
	c, err := g.pools.Get(ctx, backend.Want{Leaf: leaf, Account: backend.Cluster, Variant: backend.Internal})
	if err != nil {
		return false, err
	}
	defer c.Release()
	stop := c.Watch(ctx)
	defer stop()
	v := strconv.FormatInt(given, 10)
	res, err := c.Query(ctx, "SELECT cycle_option = 1 OR IF(increment < 0, next_not_cached_value < "+v+", next_not_cached_value > "+v+") FROM "+quoteName(id.Schema())+"."+quoteName(name))
	if err != nil {
		return false, err
	}
	return len(res.Rows) == 1 && string(res.Rows[0][0]) == "1", nil
}
