package ddl

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/orbweaver/orbweaver/internal/mariadb"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// errOtherMaster: a partition got another master while a statement changed it. Nobody knows what that one has of it.
var errOtherMaster = errors.New("a partition has got another master meanwhile")

// positions notes where the partitions' domains are before a statement writes to them. Those that it has noted already stay.
func (j *job) positions(ctx context.Context, s *topo.Snapshot, places []place) ([]place, error) {
	out := slices.Clone(places)
	var asked []place
	lacks := func(p place) bool {
		_, known := s.Schemas[p.Schema]
		return known && p.From == 0
	}
	for _, p := range places {
		if lacks(p) && j.reached[p.Leaf] == nil {
			asked = append(asked, p)
		}
	}
	at, err := j.positionsAt(ctx, asked)
	if err != nil {
		return nil, err
	}
	for i, p := range out {
		if !lacks(p) {
			continue
		}
		pos := j.reached[p.Leaf]
		if pos == nil {
			pos = at[p.Leaf]
		}
		out[i].From = pos[p.Domain].Sequence + 1
	}
	return out, nil
}

// positionsAt asks the leaves of places where they are, each once and all at the same time.
func (r *Runner) positionsAt(ctx context.Context, places []place) (map[string]mariadb.Position, error) {
	var leaves []place
	for _, p := range places {
		if leaf := (place{Leaf: p.Leaf}); !slices.Contains(leaves, leaf) {
			leaves = append(leaves, leaf)
		}
	}
	var mu sync.Mutex
	all := map[string]mariadb.Position{}
	_, err := each(leaves, func(p place) error {
		pos, err := r.servers.BinlogPosition(ctx, p.Leaf)
		mu.Lock()
		defer mu.Unlock()
		all[p.Leaf] = pos
		return err
	})
	return all, err
}

// refreshed are places with the masters that they have now; what was noted of another term is forgotten.
func (j *job) refreshed(places []place) []place {
	out := make([]place, len(places))
	for i, p := range places {
		if out[i] = j.now(p); out[i].Domain != p.Domain {
			out[i].From = 0
		}
	}
	return out
}

// replicated waits until the replicas have applied what the statement has written to their partitions: a table that a partition lacks is worse than a row, and no
// statement repairs it. In a SYNC database the controller takes out those that do not keep up; in an ASYNC one they are waited for as long as a leaf is.
func (j *job) replicated(ctx context.Context) error {
	began := time.Now()
	var followed, wait []place
	written := map[string]mariadb.GTID{} // by schema
	for _, p := range j.todo.Places {
		replicas, err := j.replicasOf(p)
		if err != nil {
			return err
		}
		if len(replicas) > 0 {
			followed = append(followed, p)
		}
	}
	at, err := j.positionsAt(ctx, followed)
	if err != nil {
		return err
	}
	for _, p := range followed {
		// What was there before it may have come with a copy, and be in no binary log but the master's.
		if at := at[p.Leaf][p.Domain]; at.Sequence >= p.From {
			wait, written[p.Schema] = append(wait, p), at
		}
	}
	_, err = each(wait, func(p place) error {
		for {
			changed := j.cfg.Catalog.Changed()
			replicas, err := j.replicasOf(p)
			if err != nil {
				return err
			}
			if err = j.applied(ctx, replicas, written[p.Schema]); err == nil || ctx.Err() != nil {
				return err
			}
			if d := j.cfg.Catalog.Snapshot().Databases[j.todo.DB]; d != nil && d.Replication != topo.Sync && time.Since(began) > j.cfg.Wait {
				return nil
			}
			pause(ctx, changed)
		}
	})
	return err
}

// replicasOf are the leaves with replicas of a partition; none of one that is not in the topology.
func (j *job) replicasOf(p place) ([]string, error) {
	s := j.cfg.Catalog.Snapshot()
	part := s.Partition(s.Schemas[p.Schema])
	switch {
	case part == nil:
		return nil, nil
	case part.Domain != p.Domain:
		return nil, errOtherMaster
	}
	return part.Replicas(), nil
}

// applied waits for leaves to have applied a transaction, for a moment.
func (j *job) applied(ctx context.Context, leaves []string, at mariadb.GTID) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	for _, leaf := range leaves {
		if err := j.servers.WaitApplied(ctx, leaf, at); err != nil {
			return err
		}
	}
	return nil
}
