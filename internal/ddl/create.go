package ddl

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// target finds the database and table that the statement is about.
func (j *job) target(n *sqltext.TableName) (db, table string, err error) {
	db = j.dbOf(n)
	if db == "" {
		return "", "", refuse(1046, "3D000", "No database selected")
	}
	if id, hidden := j.cfg.Catalog.Snapshot().Schemas[db]; hidden {
		return "", "", refuse(1044, "42000", "Access denied: '%s' is the database of partition %s", db, id)
	}
	return db, n.Name.Text, nil
}

func (j *job) createTable(ctx context.Context) (*Result, error) {
	if len(j.d.Tables) == 0 {
		return nil, unsupported("this form of CREATE TABLE")
	}
	db, name, err := j.target(j.d.Tables[0])
	if err != nil {
		return nil, err
	}
	if j.linked, err = linkedTable(j.scan, j.d); err != nil {
		return nil, err
	}
	if j.linked != nil && (j.cfg.Seal == nil || j.cfg.Open == nil) {
		return nil, errNoKey()
	}
	if err := j.selectable(); err != nil {
		return nil, err
	}
	if err := j.begin(ctx, db); err != nil {
		return nil, err
	}
	defer j.lock.Unlock()
	if _, err := j.snap.Database(db); err != nil {
		return nil, err
	}
	all, err := shapes(j.snap, db)
	if err != nil {
		return nil, err
	}
	old := j.snap.Table(db, name)
	if j.snap.View(db, name) != nil {
		have, err := j.viewsAt(ctx, all[0])
		if err != nil {
			return nil, clientError(err, db)
		}
		if !have[name] {
			return nil, exists(name)
		}
		return j.first(ctx, all[0], j.spliced())
	}
	if old != nil && !j.d.OrReplace {
		// MariaDB says it, with the account's rights looked at first: 1142, 1050, 1965, or a note.
		return j.first(ctx, all[0], j.spliced())
	}
	var like *topo.Table
	if j.d.Like != nil {
		likeDB, likeName, err := j.target(j.d.Like)
		if err != nil {
			return nil, err
		}
		if err := notAView(j.snap, likeDB, likeName); err != nil {
			return nil, err
		}
		if like, err = j.snap.MustTable(likeDB, likeName); err != nil {
			return nil, err
		}
		if like.Kind == topo.Sequence {
			return nil, unsupported("CREATE TABLE … LIKE a sequence: use CREATE SEQUENCE")
		}
		if like.Kind == topo.Linked {
			if j.linked, err = j.linkedLike(like); err != nil {
				return nil, err
			}
		}
	}
	if old != nil && (j.linked == nil || old.Kind != topo.Linked) {
		return nil, j.rehearse(ctx, old, like)
	}
	places, err := partitions(j.snap, db)
	if err != nil {
		return nil, err
	}
	switch {
	case j.linked != nil:
		places = nil
	case j.d.Object == "SEQUENCE":
		places = places[topo.SequenceOrdinal : topo.SequenceOrdinal+1]
	}
	if err := j.reach(ctx, all, places); err != nil {
		return nil, err
	}
	number, err := j.cfg.Catalog.NewTableID(ctx)
	if err != nil {
		return nil, unavailable(err)
	}
	if j.linked != nil && !j.linked.columns {
		if err := j.discover(ctx, &topo.Table{DB: db, Name: name, ID: number}); err != nil {
			return nil, err
		}
	}
	j.todo = todo{DB: db, Tables: []string{name}, Shapes: all, Places: places}
	if old != nil {
		return j.replaceLinked(ctx, old, like, number)
	}
	if err := j.record(ctx, "create table"); err != nil {
		return nil, err
	}
	var t *topo.Table
	var judged error
	alike := j.everywhereAlike(like)
	res, made, others, err := j.make(ctx, db, alike, func() { t, _, judged = j.judged(ctx, db, name, nil, number) })
	if err != nil {
		if _, no := refused(err); !no {
			made = append(made, all[0])
		}
		return nil, j.abandon(err, func(ctx context.Context) error { return j.dropTable(ctx, made, name) })
	}
	made = append(made, all[0])
	switch {
	case !alike:
		t, err = j.placeTable(ctx, db, name, like, number, &made)
	case judged != nil:
		err = judged
	default:
		err = others
	}
	if err == nil {
		err = j.begins(ctx, t)
	}
	if err == nil && j.d.AsSelect != nil {
		err = j.fill(ctx, t, res)
	}
	if err == nil {
		j.last = true
		err = j.commit(ctx, func(x *catalog.Txn) error {
			if x.Table(db, name) != nil {
				return topo.TableExists(name)
			}
			x.PutTable(t)
			return nil
		})
		if errors.Is(err, catalog.ErrUnknown) {
			return nil, unfinished(err.Error(), err)
		}
	}
	if err != nil {
		return nil, j.abandon(clientError(err, db), func(ctx context.Context) error { return j.dropTable(ctx, made, name) })
	}
	if j.linked != nil {
		res.Notes = append(res.Notes, j.linked.notes()...)
	}
	if j.placed != nil {
		res.Notes = append(res.Notes, *j.placed)
	}
	j.s.Made.add(t)
	return res, nil
}

// everywhereAlike says that it is the client's text that all places get, whatever is judged. Not of a table that triggers name: those that become ones for nodes have to be gone from partitions before it is there.
func (j *job) everywhereAlike(like *topo.Table) bool {
	return j.d.Object == "TABLE" && j.linked == nil && like == nil && j.d.AsSelect == nil && !j.d.Reference && !triggered(j.snap, j.todo.DB, j.todo.Tables[0])
}

// make makes a table at the first shape, and where all places get the same at the others, too, as others tells; then is done with what the first has meanwhile.
func (j *job) make(ctx context.Context, db string, alike bool, then func()) (res *Result, made []place, others, err error) {
	first := j.todo.Shapes[0]
	if !alike {
		res, err = j.first(ctx, first, j.spliced())
		return res, nil, nil, err
	}
	part := j.partText(db, j.references(db))
	err = together(func() (err error) {
		if res, err = j.first(ctx, first, j.spliced()); err == nil {
			then()
		}
		return err
	}, func() error {
		made, others = each(slices.Concat(j.todo.Shapes[1:], j.todo.Places), func(p place) error {
			schema, text := p.Schema, part.in(p.Schema)
			if schema == db {
				schema, text = j.s.Schema, j.spliced()
			}
			_, err := j.asClient(ctx, p, schema, text)
			return err
		})
		if errors.Is(others, errCrash) {
			return others
		}
		return nil
	})
	return res, made, others, err
}

// placeTable judges the table that the first shape has now, and makes it everywhere else.
func (j *job) placeTable(ctx context.Context, db, name string, like *topo.Table, number uint64, made *[]place) (*topo.Table, error) {
	t, d, err := j.judged(ctx, db, name, like, number)
	if err != nil {
		return nil, err
	}
	return j.placeJudged(ctx, t, d, like, made)
}

// judged is the table that the first shape has now.
func (j *job) judged(ctx context.Context, db, name string, like *topo.Table, number uint64) (*topo.Table, *described, error) {
	first := j.todo.Shapes[0]
	d, err := j.describe(ctx, first, name)
	if err != nil {
		return nil, nil, err
	}
	if d == nil {
		return nil, nil, refuse(1146, "42S02", "Table '%s.%s' doesn't exist on leaf %s after it was created there", db, name, first.Leaf)
	}
	by, err := j.referring(ctx, first, name)
	if err != nil {
		return nil, nil, err
	}
	t, err := j.newTable(db, name, d, like, number, by...)
	if err == nil {
		err = referredRule(j.snap, t, by)
	}
	if err == nil && j.linked == nil {
		err = check(j.snap, t, d)
	}
	if err != nil {
		return nil, nil, j.gathering(ctx, name, d, err)
	}
	return t, d, nil
}

// placeJudged makes everywhere else a table whose text hangs on what the first shape has.
func (j *job) placeJudged(ctx context.Context, t *topo.Table, d *described, like *topo.Table, made *[]place) (*topo.Table, error) {
	first, db, name := j.todo.Shapes[0], t.DB, t.Name
	if j.linked != nil {
		if err := j.link(t, j.linked); err != nil {
			return nil, err
		}
		create, err := j.showCreate(ctx, first, name)
		if err != nil {
			return nil, err
		}
		if err := partitioned(t, create); err != nil {
			return nil, err
		}
		if err := check(j.snap, t, d); err != nil {
			return nil, err
		}
	}
	if err := j.meetTriggers(ctx, t); err != nil {
		return nil, err
	}
	if t.Kind == topo.Sequence {
		if err := j.blunt(ctx, first, name); err != nil {
			return nil, err
		}
	}
	shapeText := j.spliced()
	part := j.partText(db, j.references(db))
	if j.d.AsSelect != nil {
		if len(d.foreign) > 0 {
			return nil, errForeign()
		}
		if err := j.withDefaults(ctx, first, name, d); err != nil {
			return nil, err
		}
	}
	if like != nil || j.d.AsSelect != nil {
		// What it is made of may be elsewhere, or have other partitions: what MariaDB made of it is repeated in its own words.
		c, err := j.client(ctx, first, db, printing(j.s.State))
		if err != nil {
			return nil, err
		}
		res, err := c.Query(ctx, "SHOW CREATE TABLE "+id(db)+"."+id(name))
		c.Release()
		if err != nil {
			return nil, err
		}
		shapeText = string(res.Rows[0][1])
		part = template(topo.Undrawn(shapeText))
		if j.d.OrReplace {
			shapeText = strings.Replace(shapeText, "CREATE TABLE ", "CREATE OR REPLACE TABLE ", 1)
		}
	}
	shapeSchema, state := j.s.Schema, j.s.State
	if like != nil || j.d.AsSelect != nil {
		shapeSchema, state = db, printing(j.s.State)
	}
	done, err := each(j.todo.Shapes[1:], func(p place) error {
		_, err := j.asClientWith(ctx, p, shapeSchema, state, shapeText)
		if err == nil && t.Kind == topo.Sequence {
			err = j.blunt(ctx, p, name)
		}
		return err
	})
	*made = append(*made, done...)
	if err != nil || t.Kind == topo.Reference || t.Kind == topo.Linked {
		return t, err
	}
	done, err = each(j.todo.Places, func(p place) error {
		_, err := j.asClientWith(ctx, p, p.Schema, state, part.in(p.Schema))
		return err
	})
	*made = append(*made, done...)
	return t, err
}

// printing is a session's state but for its sql_mode, for a table's text that is asked for and repeated: the session's might refuse what it has made, such as DEFAULT ” under
// EMPTY_STRING_IS_NULL, or zero dates of a table which it is made like.
func printing(s *backend.State) *backend.State { return s.With("sql_mode", "sql_mode=''") }

// newTable says how the rows of a new table are placed. by are the tables that reference it.
func (j *job) newTable(db, name string, d *described, like *topo.Table, number uint64, by ...child) (*topo.Table, error) {
	names, explicit := j.d.ShardKey, j.d.ShardKey != nil
	switch {
	case j.d.Object == "SEQUENCE":
		return d.table(db, name, topo.Sequence, nil, false, number), nil
	case j.linked != nil:
		return d.table(db, name, topo.Linked, nil, false, number), nil
	case j.d.Reference:
		if explicit {
			return nil, refuse(1235, "42000", "Table '%s': a reference table has no shard key, as every leaf has all its rows", name)
		}
		return d.table(db, name, topo.Reference, nil, false, number), nil
	case j.as == topo.Keyless || j.as == topo.Single:
		return d.table(db, name, j.as, nil, false, number), nil
	case like != nil:
		t := *like
		t.DB, t.ID, t.Triggers = db, number, nil
		return merged(&t, name, d)
	case len(names) > 0:
		var cols []int
		for _, n := range names {
			at := d.column(n.Text)
			if at < 0 {
				return nil, refuse(1072, "42000", "Key column '%s' doesn't exist in table", n.Text)
			}
			for _, c := range cols {
				if c == at {
					return nil, refuse(1060, "42S21", "Duplicate column name '%s'", n.Text)
				}
			}
			cols = append(cols, at)
		}
		return d.table(db, name, topo.Sharded, cols, true, number), nil
	case explicit:
		return d.table(db, name, topo.Single, nil, false, number), nil
	case j.as != "": // of a backup, where it is what it was
		return byPrimary(db, name, d, number)
	case j.snap.Databases[db].Single:
		return d.table(db, name, topo.Single, nil, false, number), nil
	}
	t, note, err := choose(j.snap, db, name, d, number, by)
	j.placed = note
	return t, err
}

// dropTable removes a table of the cluster's own making from places: from partitions before shapes, as their foreign keys refer to these. MariaDB locks both sides of one,
// and two sessions that drop them at once may be in each other's way (1205).
func (j *job) dropTable(ctx context.Context, places []place, names ...string) error {
	drop := func(p place) error {
		var sql []string
		for _, n := range names {
			sql = append(sql, unlookedFor+"DROP TABLE IF EXISTS "+id(p.Schema)+"."+id(n))
		}
		_, err := j.asCluster(ctx, p, "", sql...)
		return err
	}
	var parts, shapes []place
	for _, p := range places {
		if p.Schema == j.todo.DB {
			shapes = append(shapes, p)
		} else {
			parts = append(parts, p)
		}
	}
	if _, err := each(parts, drop); err != nil {
		return err
	}
	_, err := each(shapes, drop)
	return err
}
