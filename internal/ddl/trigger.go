package ddl

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/mariadb"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/trigger"
)

const (
	erTriggerExists   = 1359
	erUnsupportedHere = 1235
	erLockWait        = 1205
)

// triggerOwner is the table that a trigger is of; nil when there is none of its name.
func triggerOwner(s *topo.Snapshot, db, name string) *topo.Table {
	d := s.Databases[db]
	if d == nil {
		return nil
	}
	for _, t := range d.Tables {
		if slices.ContainsFunc(t.Triggers, func(tr topo.Trigger) bool { return tr.Name == name }) {
			return t
		}
	}
	return nil
}

// onTrigger prepares a statement on triggers of a table.
func (j *job) onTrigger(ctx context.Context, db string) error {
	if err := j.onShapes(ctx, db); err != nil {
		return err
	}
	places, err := partitions(j.snap, db)
	if err == nil {
		err = j.reach(ctx, places)
	}
	if err != nil {
		j.lock.Unlock()
		return err
	}
	j.todo.Places = places
	return nil
}

// createTrigger is CREATE TRIGGER. The first shape, where it fires for nothing, takes it from the client; what has become of it there is judged, made at the other shapes, known to
// all nodes, and then made at the partitions, which nobody writes to meanwhile. It is undone by making all places what the topology said before.
func (j *job) createTrigger(ctx context.Context) (*Result, error) {
	if len(j.d.Tables) != 1 {
		return nil, unsupported("this form of CREATE TRIGGER")
	}
	db, name, err := j.target(j.d.Tables[0])
	if err != nil {
		return nil, err
	}
	if err := j.onTrigger(ctx, db); err != nil {
		return nil, err
	}
	defer j.lock.Unlock()
	old := j.snap.Table(db, name)
	if old == nil {
		return j.first(ctx, j.todo.Shapes[0], j.spliced()) // MariaDB says it: 1146, 1347
	}
	if t := triggerOwner(j.snap, db, j.d.Program.Name.Text); t != nil && t != old && j.d.OrReplace {
		return nil, refuse(erTriggerExists, "HY000", "Trigger '%s.%s' already exists", db, j.d.Program.Name.Text)
	}
	j.todo.Tables = []string{name}
	return j.changeTriggers(ctx, old)
}

// dropTrigger is DROP TRIGGER of one that there is.
func (j *job) dropTrigger(ctx context.Context) (*Result, error) {
	db, name, err := j.target(&j.d.Program)
	if err != nil {
		return nil, err
	}
	if err := j.onTrigger(ctx, db); err != nil {
		return nil, err
	}
	defer j.lock.Unlock()
	old := triggerOwner(j.snap, db, name)
	if old == nil {
		return j.first(ctx, j.todo.Shapes[0], j.spliced()) // MariaDB says it: 1360, or a note
	}
	j.todo.Tables = []string{old.Name}
	return j.changeTriggers(ctx, old)
}

// changeTriggers runs a statement that changes the triggers of a table.
func (j *job) changeTriggers(ctx context.Context, old *topo.Table) (*Result, error) {
	db := old.DB
	j.todo.Triggers = old.Triggers
	if j.todo.Reference = old.Kind == topo.Reference; j.todo.Reference {
		j.todo.Places = nil
	}
	if err := j.trustCreators(ctx); err != nil {
		return nil, clientError(err, db)
	}
	if err := j.record(ctx, "trigger"); err != nil {
		return nil, err
	}
	if j.todo.Reference {
		return j.changeSharedTriggers(ctx, old)
	}
	res, err := j.first(ctx, j.todo.Shapes[0], j.spliced())
	if err != nil {
		return nil, j.abandon(unavailable(err), j.undoIfUnsure(err, j.undoTriggers))
	}
	now, changed, err := j.triggersNow(ctx, old)
	if err == nil && !changed {
		return res, j.abandon(nil, nil) // it was there, which is a note
	}
	if err == nil {
		_, err = each(j.todo.Shapes[1:], func(p place) error { return j.alignTriggers(ctx, p, now) })
	}
	more := len(now.Triggers) > len(old.Triggers) || j.d.Verb == "CREATE"
	if err == nil && more {
		err = j.putTriggers(ctx, now)
	}
	if err == nil {
		err = j.partitionTriggers(ctx, now)
	}
	if err == nil {
		err = j.commit(ctx, func(x *catalog.Txn) error {
			if !more {
				return putTriggers(x, db, now.Name, now.Triggers)
			}
			return nil
		})
		if errors.Is(err, catalog.ErrUnknown) {
			return nil, unfinished(err.Error(), err)
		}
	}
	if err != nil {
		return nil, j.abandon(clientError(err, db), j.undoTriggers)
	}
	return res, nil
}

// triggersNow is the table with the triggers that the first shape has by now, judged; not changed where they are what they were.
func (j *job) triggersNow(ctx context.Context, old *topo.Table) (now *topo.Table, changed bool, err error) {
	t := *old
	is, err := j.triggersAt(ctx, j.todo.Shapes[0])
	if errors.Is(err, mariadb.ErrTriggerText) {
		err = refuse(erUnsupportedHere, "42000", "This version of Orbweaver doesn't yet support triggers with characters beyond ASCII that are not written in UTF-8: SET NAMES utf8mb4 before CREATE TRIGGER")
	}
	if err != nil {
		return &t, true, err
	}
	t.Triggers = is[old.Name]
	if slices.EqualFunc(t.Triggers, old.Triggers, func(a, b topo.Trigger) bool { return a.Same(&b) }) {
		return old, false, nil
	}
	if err = triggersStand(j.snap, &t, old.Triggers); err == nil {
		err = ours(&t)
	}
	return &t, true, err
}

// ours refuses the cluster's own account as a DEFINER.
func ours(t *topo.Table) error {
	for i := range t.Triggers {
		if strings.HasPrefix(t.Triggers[i].Definer, clusterUser+"@") {
			return refuse(1227, "42000", "Trigger '%s.%s' can't have the DEFINER %s: the account is the cluster's own", t.DB, t.Triggers[i].Name, t.Triggers[i].Definer)
		}
	}
	return nil
}

// putTriggers tells all nodes what triggers a table has, before there are any: what a node does for a statement hangs on it.
func (j *job) putTriggers(ctx context.Context, t *topo.Table) error {
	if err := j.step("triggers known"); err != nil {
		return err
	}
	rev, err := j.cfg.Catalog.Update(j.answered(ctx), func(x *catalog.Txn) error {
		x.Hold(j.lock)
		return putTriggers(x, t.DB, t.Name, t.Triggers)
	})
	if err == nil && j.cfg.Seen != nil {
		_, err = j.cfg.Seen(ctx, rev)
	}
	return unavailable(err)
}

func putTriggers(x *catalog.Txn, db, table string, triggers []topo.Trigger) error {
	t := x.Table(db, table)
	if t == nil {
		return topo.NoTable(db, table)
	}
	c := *t
	c.Triggers = triggers
	x.PutTable(&c)
	return nil
}

// triggersAt are the triggers of a place, by table.
func (j *job) triggersAt(ctx context.Context, p place) (map[string][]topo.Trigger, error) {
	c, err := j.own(ctx, p, "")
	if err != nil {
		return nil, err
	}
	defer c.Release()
	return mariadb.Triggers(ctx, c, p.Schema)
}

// differ says whether a place's triggers are others than those that it is to have.
func differ(want, have []topo.Trigger, db, schema string) bool {
	return !slices.EqualFunc(topo.At(want, db, schema), have, func(w, h topo.Trigger) bool {
		return w.Name == h.Name && w.Timing == h.Timing && w.Event == h.Event && w.SQLMode == h.SQLMode && w.Charset == h.Charset && w.Collation == h.Collation &&
			w.In(db, schema) == h.Text && (w.Created == h.Created || w.Created == "")
	})
}

// otherTriggers are those that a place's table has, and whether they are others than those that it is to have: one that a node can't read is.
func (j *job) otherTriggers(ctx context.Context, p place, t *topo.Table) ([]topo.Trigger, bool, error) {
	all, err := j.triggersAt(ctx, p)
	if err != nil && !errors.Is(err, mariadb.ErrTriggerText) {
		return nil, false, err
	}
	have := all[t.Name]
	return have, differ(t.Triggers, have, t.DB, p.Schema), nil
}

// alignTriggers gives a shape's table the triggers that it is to have.
func (j *job) alignTriggers(ctx context.Context, p place, t *topo.Table) error {
	if err := j.step("triggers at " + p.Leaf + "/" + p.Schema); err != nil {
		return err
	}
	have, other, err := j.otherTriggers(ctx, p, t)
	if err != nil || !other {
		return err
	}
	c, err := j.own(ctx, p, p.Schema)
	if err != nil {
		return err
	}
	defer c.Release()
	return remake(ctx, c, p, t, have)
}

// remake drops a table's triggers and makes those that it is to have.
func remake(ctx context.Context, c *backend.Conn, p place, t *topo.Table, have []topo.Trigger) error {
	for i := range have {
		if _, err := c.Query(ctx, "DROP TRIGGER IF EXISTS "+id(p.Schema)+"."+id(have[i].Name)); err != nil {
			return err
		}
	}
	return mariadb.MakeTriggers(ctx, c, t.DB, p.Schema, t.Triggers)
}

// partitionTriggers gives the table the triggers that it is to have at all partitions, which are all locked while that is done: no statement meets them at some of its rows only.
func (j *job) partitionTriggers(ctx context.Context, t *topo.Table) error {
	return j.placesTriggers(ctx, j.todo.Places, t)
}

// placesTriggers is partitionTriggers for any places.
func (j *job) placesTriggers(ctx context.Context, all []place, t *topo.Table) error {
	conns, has := map[place]*backend.Conn{}, map[place][]topo.Trigger{}
	defer release(conns)
	for _, p := range all {
		have, other, err := j.otherTriggers(ctx, p, t)
		if err != nil {
			return err
		}
		if !other {
			continue
		}
		has[p] = have
		if err := j.fenced(); err != nil {
			return err
		}
		c, err := j.cfg.Pools.Get(ctx, j.now(p).want(p.Schema))
		if err != nil {
			return err
		}
		c.ResetOnRelease()
		conns[p] = c
	}
	places := slices.Collect(maps.Keys(conns))
	if err := j.lockAll(ctx, places, conns, t.Name); err != nil {
		return err
	}
	_, err := each(places, func(p place) error {
		if err := j.step("triggers at " + p.Leaf + "/" + p.Schema); err != nil {
			return err
		}
		return remake(ctx, conns[p], p, t, has[p])
	})
	if err == nil {
		unlock(ctx, conns)
	}
	return err
}

// lockAll locks a table at all partitions. A statement that has one partition and waits for another, which is locked already, is let go on by giving all locks back for a moment.
func (j *job) lockAll(ctx context.Context, places []place, conns map[place]*backend.Conn, table string) error {
	for began := time.Now(); ; {
		_, err := each(places, func(p place) error {
			if err := j.step("lock at " + p.Leaf + "/" + p.Schema); err != nil {
				return err
			}
			_, err := conns[p].Query(ctx, "LOCK TABLES "+id(p.Schema)+"."+id(table)+" WRITE WAIT 1")
			return err
		})
		if e, no := refused(err); err == nil || !no || e.Code != erLockWait || time.Since(began) > lockWait*time.Second {
			return err
		}
		unlock(ctx, conns)
		pause(ctx, nil)
	}
}

// undoTriggers makes all places and the topology what they were before the statement.
func (j *job) undoTriggers(ctx context.Context) error {
	old := j.cfg.Catalog.Snapshot().Table(j.todo.DB, j.todo.Tables[0])
	if old == nil {
		return nil
	}
	was := *old
	was.Triggers = j.todo.Triggers
	if _, err := each(j.todo.Shapes, func(p place) error { return j.alignTriggers(ctx, p, &was) }); err != nil {
		return err
	}
	if err := j.partitionTriggers(ctx, &was); err != nil {
		return err
	}
	_, err := j.cfg.Catalog.Update(j.answered(ctx), func(x *catalog.Txn) error {
		x.Hold(j.lock)
		setHeld(x, was.DB, false)
		return putTriggers(x, was.DB, was.Name, was.Triggers)
	})
	return err
}

// triggersOfDatabase refuses another character set for a database with triggers: they keep the one that it had when they were made, and copies of them would have the other.
func triggersOfDatabase(d *topo.Database) error {
	for _, name := range slices.Sorted(maps.Keys(d.Tables)) {
		if t := d.Tables[name]; len(t.Triggers) > 0 {
			return unsupported("ALTER DATABASE of the character set of a database with triggers: DROP TRIGGER " + t.Triggers[0].Name + " before, and make it anew afterwards")
		}
	}
	return nil
}

// lookIn finds tables and views of a database, with t in the place of what has its name.
func lookIn(s *topo.Snapshot, db string, t *topo.Table) trigger.Lookup {
	return func(name string) (*topo.Table, bool) {
		if t != nil && t.Name == name {
			return t, false
		}
		return s.Table(db, name), s.View(db, name) != nil
	}
}

// triggersStand judges the triggers of a table, as it is to be. Of those that were there before it is known what they are at the partitions.
func triggersStand(s *topo.Snapshot, t *topo.Table, before []topo.Trigger) error {
	var made []*topo.Trigger
	for i := range t.Triggers {
		at := slices.IndexFunc(before, func(b topo.Trigger) bool { return b.Same(&t.Triggers[i]) })
		if at < 0 {
			made = append(made, &t.Triggers[i])
			continue
		}
		created := t.Triggers[i].Created
		if t.Triggers[i] = before[at]; before[at].Created == "" {
			t.Triggers[i].Created = created
		}
	}
	for _, tr := range made {
		if err := judged(s, t, tr); err != nil {
			var no *trigger.Error
			if errors.As(err, &no) {
				return unsupported("CREATE TRIGGER " + tr.Name + "' with '" + no.Reason)
			}
			return err
		}
		for _, b := range before {
			if b.Name == tr.Name && b.AtNode != tr.AtNode { // between two changes it would be fired twice, or not at all
				return unsupported("CREATE OR REPLACE TRIGGER " + b.Name + " by one that is run elsewhere: DROP TRIGGER before")
			}
		}
	}
	return nil
}

// triggersStandWith judges the triggers of a database anew that a table has or that name it, which is to be made or changed. What is proven must stay so: at the partitions they
// are what they are.
func triggersStandWith(s *topo.Snapshot, t *topo.Table) error {
	d := s.Databases[t.DB]
	if d == nil {
		return nil
	}
	judge := func(owner *topo.Table) error {
		for i := range owner.Triggers {
			tr := owner.Triggers[i]
			if owner.Name != t.Name && !tr.Touches(t.Name) {
				continue
			}
			is := tr
			if tr.AtNode {
				if _, err := trigger.ForNode(&is, owner, lookIn(s, t.DB, t), functionsIn(s, t.DB)); err != nil {
					return standsNoMore(owner, t, &tr, err.Error())
				}
				continue
			}
			err := trigger.Judge(&is, owner, lookIn(s, t.DB, t), functionsIn(s, t.DB))
			why := "at the partitions it names the table as one of another kind"
			if err != nil {
				why = err.Error()
			} else if owner.Kind == topo.Reference || is.Part == tr.Part { // the former has none at partitions
				continue
			}
			return standsNoMore(owner, t, &tr, why)
		}
		return nil
	}
	for _, owner := range d.Tables {
		if owner.Name == t.Name {
			owner = t
		}
		if err := judge(owner); err != nil {
			return err
		}
	}
	return nil
}

func standsNoMore(owner, t *topo.Table, tr *topo.Trigger, why string) error {
	return refuse(erUnsupportedHere, "42000", "This version of Orbweaver doesn't yet support table '%s.%s' as it would be with trigger '%s' of table '%s': %s. DROP TRIGGER %s before", t.DB, t.Name, tr.Name,
		owner.Name, why, tr.Name)
}
