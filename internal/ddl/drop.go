package ddl

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// onTables prepares a statement on tables of one database.
func (j *job) onTables(ctx context.Context, tables []*sqltext.TableName) (names []string, err error) {
	if len(tables) == 0 {
		return nil, unsupported("this form of " + j.d.Verb + " TABLE")
	}
	for _, n := range tables {
		db, name, err := j.target(n)
		if err != nil {
			return nil, err
		}
		if j.todo.DB != "" && j.todo.DB != db {
			return nil, unsupported(j.d.Verb + " TABLE over two databases")
		}
		j.todo.DB = db
		names = append(names, name)
	}
	if err := j.begin(ctx, j.todo.DB); err != nil {
		return nil, err
	}
	fail := func(err error) ([]string, error) {
		j.lock.Unlock()
		return nil, err
	}
	if _, err := j.snap.Database(j.todo.DB); err != nil {
		return fail(err)
	}
	if j.todo.Shapes, err = shapes(j.snap, j.todo.DB); err != nil {
		return fail(err)
	}
	if j.todo.Places, err = partitions(j.snap, j.todo.DB); err != nil {
		return fail(err)
	}
	if err := j.reach(ctx, j.todo.Shapes, j.todo.Places); err != nil {
		return fail(err)
	}
	return names, nil
}

// dropTables: what MariaDB has dropped on the first shape is dropped everywhere. A DROP of several tables, one of which does not exist, drops the
// others and is an error all the same.
func (j *job) dropTables(ctx context.Context) (*Result, error) {
	if len(j.d.Tables) > 0 && j.several() {
		return j.dropApart(ctx)
	}
	names, err := j.onTables(ctx, j.d.Tables)
	if err != nil {
		return nil, err
	}
	defer j.lock.Unlock()
	for _, n := range names {
		if j.snap.Table(j.todo.DB, n) != nil && !slices.Contains(j.todo.Tables, n) {
			j.todo.Tables = append(j.todo.Tables, n)
		}
	}
	if len(j.todo.Tables) == 0 {
		return j.first(ctx, j.todo.Shapes[0], j.spliced()) // nothing of ours: 1142, 1051 or a note
	}
	if !slices.ContainsFunc(j.todo.Tables, func(n string) bool { return j.snap.Table(j.todo.DB, n).Kind != topo.Sequence }) {
		j.todo.Places = j.todo.Places[topo.SequenceOrdinal : topo.SequenceOrdinal+1]
	}
	if j.unchecked, err = j.unreferenced(ctx, j.todo.Shapes[0], names); err != nil {
		return nil, clientError(err, j.todo.DB)
	}
	if err := j.record(ctx, "drop table"); err != nil {
		return nil, err
	}
	j.last = true
	res, cause := j.first(ctx, j.todo.Shapes[0], j.spliced())
	if errors.Is(cause, errCrash) {
		return nil, cause
	}
	if cause != nil {
		cause = unavailable(cause)
		if !passes(cause) {
			j.verdict = cause
		}
	}
	ctx, cancel := j.detached()
	defer cancel()
	gone, err := j.gone(ctx)
	if err != nil {
		return nil, j.late(err)
	}
	if len(gone) == 0 {
		return res, j.abandon(cause, nil)
	}
	if err := j.finishDrop(ctx, gone); err != nil {
		return nil, j.late(err)
	}
	return res, cause
}

// gone lists those of the statement's tables that a shape has no more; the first one is the first to lose them.
func (j *job) gone(ctx context.Context) ([]string, error) {
	var gone []string
	for _, name := range j.todo.Tables {
		all, err := j.atAll(func(p place) (bool, error) {
			create, err := j.showCreate(ctx, p, name)
			return create != "", err
		})
		if err != nil {
			return nil, err
		}
		if !all {
			gone = append(gone, name)
		}
	}
	return gone, nil
}

// finishDrop forgets tables and then removes them: in between nobody is routed to them.
func (j *job) finishDrop(ctx context.Context, gone []string) error {
	j.todo.Tables = gone
	before := j.todo.Gone
	if err := j.forget(ctx, func(x *catalog.Txn) {
		j.todo.Gone = slices.Clone(before)
		for _, name := range gone {
			if t := x.Table(j.todo.DB, name); t != nil {
				j.todo.Gone = append(j.todo.Gone, t.ID)
				x.DropTable(j.todo.DB, name)
			}
		}
	}); err != nil {
		return err
	}
	if err := j.dropTable(ctx, append(slices.Clone(j.todo.Shapes), j.todo.Places...), gone...); err != nil {
		return err
	}
	return j.commit(ctx, func(x *catalog.Txn) error {
		x.DropSequences(j.todo.Gone...)
		return nil
	})
}

// truncate: once the first shape has accepted it, it is rolled forward.
func (j *job) truncate(ctx context.Context) (*Result, error) {
	names, err := j.onTables(ctx, j.d.Tables)
	if err != nil {
		return nil, err
	}
	defer j.lock.Unlock()
	if j.snap.View(j.todo.DB, names[0]) != nil {
		return j.first(ctx, j.todo.Shapes[0], j.spliced()) // MariaDB says that it is a view
	}
	t, err := j.snap.MustTable(j.todo.DB, names[0])
	if err != nil {
		return nil, err
	}
	if t.Kind == topo.Sequence {
		return j.first(ctx, j.todo.Shapes[0], j.spliced()) // MariaDB says that it can't be done
	}
	if t.Kind == topo.Linked {
		return j.truncateLinked(ctx, t, allPlaces(t))
	}
	j.todo.Tables, j.todo.Reference = names[:1], t.Kind == topo.Reference
	if j.todo.Reference {
		j.todo.Places = nil
	}
	if j.unchecked, err = j.unreferenced(ctx, j.todo.Shapes[0], j.todo.Tables); err != nil {
		return nil, clientError(err, j.todo.DB)
	}
	if err := j.record(ctx, "truncate"); err != nil {
		return nil, err
	}
	j.last = true
	res, err := j.first(ctx, j.todo.Shapes[0], j.spliced())
	if err != nil {
		if _, ok := refused(err); !ok && !errors.Is(err, errCrash) && j.todo.Reference {
			return nil, j.late(err)
		}
		return nil, j.abandon(unavailable(err), nil)
	}
	ctx, cancel := j.detached()
	defer cancel()
	if err := j.finishTruncate(ctx, t); err != nil {
		return nil, j.late(err)
	}
	return res, nil
}

func (j *job) finishTruncate(ctx context.Context, t *topo.Table) error {
	j.todo.Go = true
	if err := j.save(ctx, "go"); err != nil {
		return err
	}
	others := j.todo.Places
	if j.todo.Reference {
		others = j.todo.Shapes
	}
	if _, err := each(others, func(p place) error {
		_, err := j.asCluster(ctx, p, "", unlookedFor+"TRUNCATE TABLE "+id(p.Schema)+"."+id(t.Name))
		return err
	}); err != nil {
		return err
	}
	if t.AutoIncrement >= 0 && t.Kind != topo.Single && !j.todo.Reference {
		if err := j.cfg.Catalog.Sequence(t.ID).Reset(ctx, 1); err != nil {
			return err
		}
	}
	return j.commit(ctx, nil)
}

func (j *job) renameTables(ctx context.Context) (*Result, error) { return j.rename(ctx, j.d.Tables) }

// rename gives tables new names: judged on the first shape, then done everywhere, and undone everywhere when a place fails.
func (j *job) rename(ctx context.Context, tables []*sqltext.TableName) (*Result, error) {
	names, err := j.onTables(ctx, tables)
	if err != nil {
		return nil, err
	}
	defer j.lock.Unlock()
	if len(names)%2 != 0 {
		return nil, unsupported("this form of RENAME TABLE")
	}
	fails, err := j.planRename(ctx, names)
	if err != nil {
		return nil, err
	}
	if len(j.todo.Renames) == 0 {
		return j.first(ctx, j.todo.Shapes[0], j.spliced())
	}
	if err := j.record(ctx, "rename"); err != nil {
		return nil, err
	}
	res, err := j.first(ctx, j.todo.Shapes[0], j.spliced())
	if err != nil {
		return nil, j.abandon(unavailable(err), j.undoIfUnsure(err, j.undoRename))
	}
	if fails {
		return nil, j.abandon(unsupported("this form of RENAME TABLE"), j.undoRename)
	}
	triggers, err := j.triggersRenamed(ctx)
	if err != nil {
		return nil, j.abandon(clientError(err, j.todo.DB), j.undoRename)
	}
	others := slices.Clone(j.todo.Places)
	if j.todo.Reference {
		others = nil
	}
	for i, list := range j.todo.Renames {
		j.todo.Begun = i + 1
		if err = j.save(ctx, "rename"); err != nil {
			break
		}
		if _, err = each(append(slices.Clone(j.todo.Shapes[1:]), others...), func(p place) error {
			if _, here, err := j.atLocks(ctx, p, renameLocked(p, list[0])); here || err != nil {
				return err
			}
			_, err := j.asCluster(ctx, p, "", "SET foreign_key_checks=0", renameText(p, list))
			return err
		}); err != nil {
			break
		}
	}
	if err == nil {
		j.last = true
		err = j.commit(ctx, func(x *catalog.Txn) error {
			now := map[string]*topo.Table{}
			for _, n := range j.todo.Tables {
				now[n] = x.Table(j.todo.DB, n)
			}
			for _, n := range slices.Concat(j.todo.Renames...) {
				now[n.To], now[n.From] = now[n.From], nil
			}
			for n, t := range now {
				if t == nil {
					x.DropTable(j.todo.DB, n)
					continue
				}
				c := *t
				if err := j.named(&c, n); err != nil {
					return err
				}
				if len(c.Triggers) > 0 {
					c.Triggers = triggers[n]
				}
				x.PutTable(&c)
			}
			return nil
		})
		if errors.Is(err, catalog.ErrUnknown) {
			return nil, unfinished(err.Error(), err)
		}
	}
	if err != nil {
		j.loseLocks(ctx) // some are gone with the tables' names
		return nil, j.abandon(clientError(err, j.todo.DB), j.undoRename)
	}
	return res, nil
}

// triggersRenamed are those of the renamed tables by the new names, as the first shape has them: MariaDB writes the table's name in them anew, there as at the partitions.
func (j *job) triggersRenamed(ctx context.Context) (map[string][]topo.Trigger, error) {
	now, found := map[string]*topo.Table{}, false
	for _, n := range j.todo.Tables {
		now[n] = j.snap.Table(j.todo.DB, n)
		found = found || now[n] != nil && len(now[n].Triggers) > 0
	}
	if !found {
		return nil, nil
	}
	for _, n := range slices.Concat(j.todo.Renames...) {
		now[n.To], now[n.From] = now[n.From], nil
	}
	is, err := j.triggersAt(ctx, j.todo.Shapes[0])
	if err != nil {
		return nil, err
	}
	out := map[string][]topo.Trigger{}
	for n, t := range now {
		if t == nil || len(t.Triggers) == 0 {
			continue
		}
		c := *t
		c.Name, c.Triggers = n, is[n]
		if len(c.Triggers) != len(t.Triggers) {
			return nil, unsupported("RENAME TABLE of a table whose triggers the leaf's shape has not")
		}
		for i := range c.Triggers {
			c.Triggers[i].AtNode = slices.ContainsFunc(t.Triggers, func(tr topo.Trigger) bool { return tr.Name == c.Triggers[i].Name && tr.AtNode })
		}
		if err := triggersStand(j.snap, &c, nil); err != nil {
			return nil, err
		}
		for i := range c.Triggers {
			if was := slices.IndexFunc(t.Triggers, func(tr topo.Trigger) bool { return tr.Name == c.Triggers[i].Name }); was < 0 || t.Triggers[was].AtNode != c.Triggers[i].AtNode {
				return nil, unsupported("RENAME TABLE of a table whose trigger " + c.Triggers[i].Name + " would be run elsewhere: DROP TRIGGER before, and make it anew afterwards")
			}
		}
		out[n] = c.Triggers
	}
	return out, nil
}

func renameText(p place, list []renamed) string {
	var pairs []string
	for _, n := range list {
		pairs = append(pairs, id(p.Schema)+"."+id(n.From)+" TO "+id(p.Schema)+"."+id(n.To))
	}
	return "RENAME TABLE " + strings.Join(pairs, ", ")
}

// renameLocked is what MariaDB takes under LOCK TABLES.
func renameLocked(p place, n renamed) string {
	return unlookedFor + "ALTER TABLE " + id(p.Schema) + "." + id(n.From) + " RENAME TO " + id(p.Schema) + "." + id(n.To)
}

// planRename notes what will be done, which is what there is to undo: not what IF EXISTS passes over. The first pair that MariaDB will refuse ends it, and fails is set. Names that
// are both left and taken (a swap) are changed one pair after the other: which pairs are done at a place can then be seen from the names that exist there.
func (j *job) planRename(ctx context.Context, names []string) (fails bool, err error) {
	there := map[string]bool{}
	j.todo.Before = map[string]string{}
	for _, n := range names {
		if _, known := there[n]; known {
			continue
		}
		create, err := j.showCreate(ctx, j.todo.Shapes[0], n)
		if err != nil {
			return false, clientError(err, "")
		}
		j.todo.Before[n], there[n] = create, create != ""
		j.todo.Tables = append(j.todo.Tables, n)
	}
	slices.Sort(j.todo.Tables)
	was := func(n string) *topo.Table { return j.snap.Table(j.todo.DB, n) } // by the name that it had at first
	first := map[string]string{}
	var pairs []renamed
	swap := false
	kinds := map[topo.TableKind]bool{}
	for i := 0; i < len(names) && !fails; i += 2 {
		from, to := names[i], names[i+1]
		switch {
		case !there[from] && j.d.IfExists, from == to && j.d.Verb == "ALTER":
			continue
		case j.snap.View(j.todo.DB, to) != nil:
			return false, exists(to)
		case !there[from], there[to]:
			fails = true
			continue
		}
		there[from], there[to] = false, true
		pairs = append(pairs, renamed{from, to})
		_, left := first[from]
		_, taken := first[to]
		swap = swap || left || taken
		first[to] = cmp.Or(first[from], from)
		first[from] = ""
		t := was(first[to])
		if t == nil {
			continue
		}
		kind := t.Kind
		if kind == topo.Keyless || kind == topo.Single {
			kind = topo.Sharded
		}
		kinds[kind] = true
		for i := range t.Triggers {
			if tr := &t.Triggers[i]; tr.Touches(t.Name) || tr.Touches(to) {
				return false, unsupported("RENAME TABLE of a table with a trigger that names it, or the new name: DROP TRIGGER " + tr.Name + " before, and make it anew afterwards")
			}
		}
		now := *t
		now.Name, now.Triggers = to, nil // see triggersRenamed
		if err := triggersStandWith(j.snap, &now); err != nil {
			return false, err
		}
		if was(to) == nil { // foreign keys may wait for a table of the name
			by, err := j.referring(ctx, j.todo.Shapes[0], to)
			if err == nil {
				err = referredRule(j.snap, &now, by)
			}
			if err != nil {
				return false, clientError(err, "")
			}
		}
		if kind == topo.Linked { // judged here, before anything is done
			c := *t
			if err := j.named(&c, to); err != nil {
				return false, err
			}
		}
	}
	j.todo.Reference = kinds[topo.Reference]
	if j.todo.Reference && (len(kinds) > 1 || swap) {
		return false, unsupported("RENAME of reference tables together with others, or a swap of their names")
	}
	if kinds[topo.Sequence] {
		if len(kinds) > 1 {
			return false, unsupported("RENAME of sequences together with tables")
		}
		j.todo.Places = j.todo.Places[topo.SequenceOrdinal : topo.SequenceOrdinal+1]
	}
	if kinds[topo.Linked] {
		if len(kinds) > 1 {
			return false, unsupported("RENAME of linked tables together with others")
		}
		j.todo.Places = nil // they have nothing there
	}
	if swap {
		for _, p := range pairs {
			j.todo.Renames = append(j.todo.Renames, []renamed{p})
		}
	} else if len(pairs) > 0 {
		j.todo.Renames = [][]renamed{pairs}
	}
	return fails, nil
}

// undoRename gives back the old names, one list after the other: of the last that was begun a place may have done its part or not, those before are done. What is left
// to undo is written down in between: the names at a place where a swap has been undone are those of one that is done.
func (j *job) undoRename(ctx context.Context) error {
	places := j.todo.Places
	if j.todo.Reference {
		places = j.todo.Shapes
		j.todo.Begun = len(j.todo.Renames) // the first shape's by the client's own statement
	}
	for j.todo.Begun > 0 {
		list := j.todo.Renames[j.todo.Begun-1]
		if _, err := each(places, func(p place) error { return j.renameBack(ctx, p, list) }); err != nil {
			return err
		}
		if j.todo.Begun--; j.todo.Begun > 0 {
			if err := j.save(ctx, "rename back"); err != nil {
				return err
			}
		}
	}
	for _, n := range j.todo.Tables { // MariaDB has written the name in triggers anew
		if was := j.snap.Table(j.todo.DB, n); was != nil && len(was.Triggers) > 0 {
			if err := j.placesTriggers(ctx, places, was); err != nil {
				return err
			}
		}
	}
	if j.todo.Reference {
		return nil
	}
	return j.restoreShapes(ctx, j.todo)
}

// renameBack undoes one list at a place, if it was done there.
func (j *job) renameBack(ctx context.Context, p place, list []renamed) error {
	var back []renamed
	for _, n := range slices.Backward(list) {
		there, err := j.showCreate(ctx, p, n.To)
		if err != nil {
			return err
		}
		old, err := j.showCreate(ctx, p, n.From)
		if err != nil {
			return err
		}
		if there != "" && old == "" {
			back = append(back, renamed{n.To, n.From})
		}
	}
	if len(back) == 0 {
		return nil
	}
	_, err := j.asCluster(ctx, p, "", "SET foreign_key_checks=0", renameText(p, back))
	return err
}
