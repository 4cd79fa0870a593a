package ddl

import (
	"context"
	"reflect"

	"github.com/orbweaver/orbweaver/internal/mariadb"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// sameEvents compares the events of a shape with the topology's.
func (b *bench) sameEvents(p place, d *topo.Database) {
	b.t.Helper()
	c, err := b.run.own(context.Background(), p, "")
	if err != nil {
		b.t.Fatal(err)
	}
	defer c.Release()
	all, err := mariadb.ReadEvents(context.Background(), c, p.Schema)
	if err != nil {
		b.t.Fatal(err)
	}
	is := map[string]*topo.Event{}
	for _, e := range all {
		if e.Status != topo.EventOnSlave {
			b.t.Errorf("%s may run event %s", p.Leaf, e.Name)
		}
		if w := d.Events[e.Name]; w != nil {
			e.ID, e.Version, e.Status = w.ID, w.Version, w.Status
		}
		is[e.Name] = e
	}
	if len(is)+len(d.Events) > 0 && !reflect.DeepEqual(is, d.Events) {
		b.t.Errorf("events at %s:\n%+v\nagainst\n%+v", p.Leaf, is, d.Events)
	}
}
