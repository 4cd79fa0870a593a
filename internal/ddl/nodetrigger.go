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

// triggered says whether triggers of a database name a table.
func triggered(s *topo.Snapshot, db, table string) bool {
	for _, owner := range s.Databases[db].Tables {
		if slices.ContainsFunc(owner.Triggers, func(tr topo.Trigger) bool { return tr.Touches(table) }) {
			return true
		}
	}
	return false
}

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

// judged judges a trigger as one of partitions, or else as one that nodes run.
func judged(s *topo.Snapshot, t *topo.Table, tr *topo.Trigger) error {
	look, functions := lookIn(s, t.DB, t), functionsIn(s, t.DB)
	var err error
	early := func(atNode bool) int { // what a BEFORE trigger makes of a row the next one sees
		return slices.IndexFunc(t.Triggers, func(o topo.Trigger) bool {
			return tr.Timing == "BEFORE" && tr.Event != "DELETE" && o.Name != tr.Name && o.Timing == tr.Timing && o.Event == tr.Event && o.AtNode == atNode
		})
	}
	if tr.AtNode = tr.AtNode || early(true) >= 0; !tr.AtNode { // as it was before, in a database that is restored, or under another name
		if err = trigger.Judge(tr, t, look, functions); err == nil {
			return nil
		}
	}
	known, own := trigger.ForNode(tr, t, look, functions)
	switch {
	case !known && err == nil:
		return unsupported("CREATE TRIGGER " + tr.Name + "' with 'a body that nodes do not run")
	case !known:
		return err
	case own != nil:
		return own
	}
	if at := early(false); at >= 0 {
		return unsupported("CREATE TRIGGER " + tr.Name + " that nodes run, beside '" + t.Triggers[at].Name + "' at partitions, which is of the same time: DROP TRIGGER " + t.Triggers[at].Name + " before, and make it anew afterwards")
	}
	return firedAtNode(s, t, tr)
}

// firedAtNode refuses a trigger for nodes where a trigger at partitions writes its table: they do not see that.
func firedAtNode(s *topo.Snapshot, t *topo.Table, tr *topo.Trigger) error {
	for _, owner := range s.Databases[t.DB].Tables {
		for i := range owner.Triggers {
			if by := &owner.Triggers[i]; !by.AtNode && slices.Contains(by.Writes, t.Name) {
				return unsupported("CREATE TRIGGER " + tr.Name + " that nodes run, while trigger '" + by.Name + "' of table '" + owner.Name + "' writes '" + t.Name + "' within partitions: DROP TRIGGER " + by.Name +
					" before, and make it anew afterwards")
			}
		}
	}
	return nil
}
