package gateway

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/order"
	"github.com/orbweaver/orbweaver/internal/placement"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// explainCluster is EXPLAIN of a statement on the cluster: the steps that it would take on the topology that this node knows.
func (s *session) explainCluster(ctx context.Context, c *sqltext.Cluster, snap *topo.Snapshot, src source) error {
	if c.Verb == order.ClearOrphans {
		return s.explainOrphans(ctx, snap).write(src.out, src.prepared)
	}
	steps, err := s.stepsOf(ctx, c, snap)
	if err != nil {
		return err
	}
	r := &rowset{cols: []colDef{text("Action", 32), integer("Ordinal"), text("Target_Host", 255), integer("Target_Port"), integer("Phase")}}
	several := c.DB.Tok < 0 // databases: then it must be said which one a step is about
	if several {
		r.cols = append(r.cols, text("Database", 64))
	}
	for _, a := range steps {
		host, port := any(a.Leaf), any(nil)
		if l := snap.Leaves[a.Leaf]; l != nil {
			host, port = l.Host, l.Port
		}
		row := []any{a.Action, a.Ordinal, host, port, a.Phase}
		if several {
			row = append(row, a.DB)
		}
		r.rows = append(r.rows, row)
	}
	return r.write(src.out, src.prepared)
}

// rebalanced is the plan of a rebalance.
func rebalanced(snap *topo.Snapshot, db string, c *sqltext.Cluster) ([]placement.Action, error) {
	if c.Full {
		return placement.RebalanceFull(snap, db, c.Force)
	}
	return placement.Rebalance(snap, db, c.Force)
}

// stepsOf are the steps that a statement would take.
func (s *session) stepsOf(ctx context.Context, c *sqltext.Cluster, snap *topo.Snapshot) ([]placement.Action, error) {
	switch c.Verb {
	case order.Rebalance, order.RestoreRedundancy:
		d, err := snap.Database(c.DB.Text)
		if err != nil {
			return nil, err
		}
		if c.Verb == order.Rebalance {
			return rebalanced(snap, d.Name, c)
		}
		return placement.RestoreRedundancy(snap, d.Name)
	case order.RebalanceAll:
		return eachDatabase(snap, func(db string) ([]placement.Action, error) { return rebalanced(snap, db, c) })
	case order.AttachAllLeaves:
		var out []placement.Action
		for _, l := range allLeaves(snap) {
			if l.State != topo.LeafDetached {
				continue
			}
			steps, err := s.attachSteps(ctx, snap, l, c)
			if err != nil {
				return nil, err
			}
			out = append(out, steps...)
		}
		return out, nil
	}
	l, err := leafAt(snap, c)
	if err != nil {
		return nil, err
	}
	switch {
	case c.Verb == order.AttachLeaf:
		return s.attachSteps(ctx, snap, l, c)
	case c.Verb == order.RemoveLeaf && c.Force:
		return nil, nil // nothing is moved
	}
	return eachDatabase(snap, func(db string) ([]placement.Action, error) { return placement.Empty(snap, db, l.Name, c.Force) })
}

func eachDatabase(snap *topo.Snapshot, plan func(db string) ([]placement.Action, error)) ([]placement.Action, error) {
	var out []placement.Action
	for _, db := range slices.Sorted(maps.Keys(snap.Databases)) {
		steps, err := plan(db)
		if err != nil {
			return nil, err
		}
		out = append(out, steps...)
	}
	return out, nil
}

// attachSteps asks the leaf what it has.
func (s *session) attachSteps(ctx context.Context, snap *topo.Snapshot, l *topo.Leaf, c *sqltext.Cluster) ([]placement.Action, error) {
	if l.State == topo.LeafOnline {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, answersWithin)
	defer cancel()
	v, err := s.g.viewOf(ctx, l.Name)
	if err != nil {
		return nil, err
	}
	if !c.Force {
		if err := v.conflict(snap, l); err != nil {
			return nil, err
		}
	}
	return eachDatabase(snap, func(db string) ([]placement.Action, error) {
		return placement.AttachLeaf(snap, db, l.Name, v.found, c.Force, !c.NoRebalance)
	})
}

// conflict is why a leaf is not attached without FORCE: it thinks that it holds the master of a partition which has another one.
func (v *leafView) conflict(snap *topo.Snapshot, l *topo.Leaf) error {
	for _, name := range v.schemas {
		p := snap.Partition(snap.Schemas[name])
		if p == nil || v.masters[name] == 0 {
			continue
		}
		if m := snap.Leaves[masterOf(p)]; m != nil && m != l {
			return &wire.ServerError{Code: 1811, State: "HY000", Message: fmt.Sprintf("Unable to attach leaf '%s':%d. Database `%s` (which is in the 'Online' state) "+
				"conflicts with an existing master instance of `%s`:%d on '%s':%d. Use ATTACH LEAF ... FORCE to override this conflict.",
				l.Host, l.Port, name, p.ID.DB, p.ID.Ordinal, m.Host, m.Port)}
		}
	}
	return nil
}

func masterOf(p *topo.Partition) string {
	leaf, _ := p.Master() // "" names no leaf
	return leaf
}

// found says how the leaf's copy of a partition stands to the cluster's.
func (v *leafView) found(p *topo.Partition) placement.Found {
	schema := p.ID.Schema()
	if !slices.Contains(v.schemas, schema) {
		return placement.Nothing
	}
	serves := v.masters[schema]
	if serves == 0 && slices.Contains(strings.FieldsFunc(v.follows[masterOf(p)], func(r rune) bool { return r == ',' || r == ' ' }), strconv.Itoa(int(p.Domain))) {
		return placement.Clean // a replica of the present term goes on where it was
	}
	if serves != 0 && serves == p.Before && p.Since != "" && v.ends[p.Before] == p.Since {
		return placement.Clean // the master of the term before, which has written no more than its successor has
	}
	return placement.Diverged
}

// explainOrphans lists what CLEAR ORPHAN DATABASES would drop: on leaves that are online, the copies whose partition has a master elsewhere.
func (s *session) explainOrphans(ctx context.Context, snap *topo.Snapshot) *rowset {
	r := &rowset{cols: []colDef{
		text("Action", 32), integer("Ordinal"), text("Target_Host", 255), integer("Target_Port"), integer("Phase"), text("Database", 64),
	}}
	leaves := allLeaves(snap)
	views := s.g.views(ctx, leaves)
	for _, l := range leaves {
		v := views[l.Name]
		if v == nil || l.State != topo.LeafOnline {
			continue
		}
		for _, name := range v.orphans(l.Name, snap) {
			p := snap.Partition(snap.Schemas[name])
			if p == nil || masterOf(p) == "" {
				continue // nobody knows what it is, or it may be the last copy
			}
			r.add(placement.Drop, p.ID.Ordinal, l.Host, l.Port, 1, p.ID.DB)
		}
	}
	slices.SortStableFunc(r.rows, func(a, b []any) int { return cmp.Compare(valueText(a[5]), valueText(b[5])) })
	return r
}
