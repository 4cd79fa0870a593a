package control

import (
	"context"
	"errors"
	"time"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/order"
	"github.com/orbweaver/orbweaver/internal/placement"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// rebalance plans until there is nothing left to do: the topology may change while a plan is carried out.
func (l *leader) rebalance(ctx context.Context, cmd *catalog.Command, db string, a order.Database) error {
	if cmd.Kind == order.RestoreRedundancy {
		if err := l.accompany(ctx, db); err != nil {
			return err
		}
	}
	for try := 0; ; try++ {
		if cmd.Kind != order.RestoreRedundancy {
			if err := l.awaitHomes(ctx, db); err != nil {
				return err
			}
		}
		steps := 0
		plan := func(s *topo.Snapshot, db string) (actions []placement.Action, err error) {
			switch {
			case cmd.Kind == order.RestoreRedundancy:
				actions, err = placement.RestoreRedundancy(s, db)
			case a.Full && try == 0: // two of these at once would even each other out again and again
				actions, err = placement.RebalanceFull(s, db, a.Force)
			default:
				actions, err = placement.Rebalance(s, db, a.Force)
			}
			steps = len(actions)
			return actions, err
		}
		err := l.carryOut(ctx, cmd.Kind, cmd.ID, []string{db}, plan)
		switch {
		case err == nil && steps == 0:
			return nil
		case err != nil && (!errors.Is(err, errMoved) || try >= 5):
			return err
		}
	}
}

// homecoming bounds for how long a rebalance waits for leaves that answer again and are about to be attached.
const homecoming = 10 * time.Second

// awaitHomes waits while the leaf that has the only copy of a partition is being attached, or is about to be: the partition is not lost, and must not be
// replaced by an empty one.
func (l *leader) awaitHomes(ctx context.Context, db string) error {
	for began := time.Now(); ; {
		changed := l.cat.Changed()
		s := l.cat.Snapshot()
		d := s.Databases[db]
		if d == nil {
			return nil // it is said by the plan
		}
		said, err := verdicts(l.cat.Heard(topicLeaves))
		if err != nil {
			return err
		}
		coming := false
		for _, p := range d.Partitions {
			home := s.Leaves[p.Home]
			if len(p.Instances) > 0 || home == nil {
				continue
			}
			v, told := said[home.Name]
			coming = coming || home.State == topo.LeafAttaching ||
				home.State == topo.LeafOffline && s.Settings.AutoAttach && told && !v.down && time.Since(began) < homecoming
		}
		if !coming {
			return nil
		}
		select {
		case <-changed:
		case <-time.After(tick):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// planned lists the databases for which there is something to do.
func (l *leader) planned(plan planner) (databases []string, err error) {
	s := l.cat.Snapshot()
	for _, db := range sortedDatabases(s) {
		actions, err := plan(s, db)
		if err != nil {
			return nil, err
		}
		if len(actions) > 0 {
			databases = append(databases, db)
		}
	}
	return databases, nil
}

// everywhere carries a plan of every database out.
func (l *leader) everywhere(ctx context.Context, cmd *catalog.Command, plan planner) error {
	busy, err := l.planned(plan)
	if err != nil {
		return err
	}
	return l.carryOut(ctx, cmd.Kind, cmd.ID, busy, plan)
}
