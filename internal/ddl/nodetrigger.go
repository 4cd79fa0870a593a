package ddl

import (
	"context"
	"maps"
	"slices"

	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/trigger"
)

// A trigger may be made before the tables that it names, as dumps do. With a table it may turn out to be one for nodes. Until then each statement that comes to its body fails, at partitions as at nodes: so it does not
// matter when these hear of it, and when it is gone at partitions, as long as that is before the table is there.

// meetTriggers has the triggers stand that name a table which is being made.
func (j *job) meetTriggers(ctx context.Context, t *topo.Table) error {
	owners, err := reaching(j.snap, t)
	if err != nil || len(owners) == 0 {
		return err
	}
	places, err := partitions(j.snap, t.DB)
	if err != nil {
		return err
	}
	for _, o := range owners {
		if err := j.putTriggers(ctx, o); err != nil {
			return err
		}
		if err := j.placesTriggers(ctx, places, o); err != nil { // also what a statement that was cut off has left there
			return err
		}
	}
	return nil
}

// reaching are the tables with triggers for nodes that name a table, as they are to be once that is there.
func reaching(s *topo.Snapshot, t *topo.Table) (owners []*topo.Table, err error) {
	stands := triggersStandWith(s, t)
	for _, owner := range s.Databases[t.DB].Tables {
		o := *owner
		o.Triggers = slices.Clone(owner.Triggers)
		any := false
		for i := range o.Triggers {
			tr := &o.Triggers[i]
			if !tr.Touches(t.Name) || owner.Kind == topo.Reference {
				continue
			}
			if is := *tr; !tr.AtNode && trigger.Judge(&is, &o, lookIn(s, t.DB, t), functionsIn(s, t.DB)) != nil {
				if known, err := trigger.ForNode(tr, &o, lookIn(s, t.DB, t), functionsIn(s, t.DB)); !known || err != nil {
					return nil, stands
				}
				if err := firedAtNode(s, &o, tr); err != nil {
					return nil, err
				}
			}
			any = any || tr.AtNode
		}
		if any {
			owners = append(owners, &o)
		}
	}
	if len(owners) == 0 || stands == nil {
		return owners, stands
	}
	with := topo.Snapshot{Databases: map[string]*topo.Database{}}
	d := *s.Databases[t.DB]
	d.Tables = maps.Clone(d.Tables)
	for _, o := range owners {
		d.Tables[o.Name] = o
	}
	with.Databases[t.DB] = &d
	return owners, triggersStandWith(&with, t)
}
