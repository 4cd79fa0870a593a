package ddl

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/mariadb"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/view"
)

// Saved is a database as a backup tells it, under the name that it is to have.
type Saved struct {
	Name               string
	Of                 string // the name of the database that was saved
	Partitions         int
	Replication        topo.Replication
	Charset, Collation string
	Single             bool // DEFAULT SHARD KEY ()
	Tables             []SavedTable
	// Views are those of the database that was saved, whose name they have.
	Views []*topo.View
	// Events are those of that database. One that was to be run once at a time that has passed is not run, as when a dump is loaded.
	Events []*topo.Event
	// Routines are its routines, in the database's new name.
	Routines []*topo.Routine
}

// SavedTable is one of its tables.
type SavedTable struct {
	Name     string
	Kind     topo.TableKind
	ShardKey []string
	Explicit bool
	Create   string // MariaDB's SHOW CREATE TABLE of the shape
	Next     uint64 // what AUTO_INCREMENT goes on with, at least; 0 where there is no such column
	Row      string // a sequence's
	// Triggers have the database's name in their texts.
	Triggers []topo.Trigger
}

// SavedPlace is where rows of a saved database are to be loaded: a partition, or, with Ordinal -1, a leaf's shape.
type SavedPlace struct {
	Leaf, Schema string
	Ordinal      int
	Domain       uint32
}

// restore is a Restore under way.
type restore struct {
	*job
	saved  Saved
	parts  []*topo.Partition
	views  []*topo.View
	events []*topo.Event
	tables []*savedTable
	fill   func(ctx context.Context, places []SavedPlace) error
}

// savedTable is a table with the texts that make it.
type savedTable struct {
	SavedTable
	*job                 // of its CREATE TABLE
	t        *topo.Table // once it was described
	d        *described
	partText template
}

// restoreSettings are the session's when tables are made: what was once accepted is accepted again.
const restoreSettings = "SET SESSION sql_mode='NO_AUTO_VALUE_ON_ZERO', time_zone='+00:00', foreign_key_checks=0, innodb_strict_mode=0"

// atATime is how many tables are put into the topology by one transaction: etcd bounds their size.
var atATime = 50

// Restore makes a database with its tables, has fill load their rows, and only then lets anybody know of it. fill is called once more for leaves that join the
// cluster meanwhile. After an error there is nothing of it, or, when it could not be undone yet, it is undone before the next DDL on the database. Its errors
// are those of Run.
func (r *Runner) Restore(ctx context.Context, s Saved, fill func(ctx context.Context, places []SavedPlace) error) error {
	j := &job{Runner: r, d: &sqltext.DDL{Verb: "RESTORE", Object: "DATABASE"}, text: "RESTORE DATABASE " + id(s.Name)}
	x := &restore{job: j, saved: s, fill: fill}
	if err := x.read(); err != nil {
		return err
	}
	if err := j.begin(ctx, s.Name); err != nil {
		return err
	}
	defer j.lock.Unlock()
	all, err := shapes(j.snap, s.Name)
	if err != nil {
		return err
	}
	if err := j.snap.CheckNewDatabase(s.Name, s.Partitions); err != nil {
		return err
	}
	for _, e := range x.events {
		if e.ID, err = j.cfg.Catalog.NewTableID(ctx); err != nil {
			return unavailable(err)
		}
	}
	domain, err := j.cfg.Catalog.NewDomains(ctx, s.Partitions)
	if err != nil {
		return unavailable(err)
	}
	if x.parts, err = j.snap.Place(s.Name, s.Partitions, domain); err != nil {
		return err
	}
	j.todo = todo{DB: s.Name, Shapes: all}
	for _, p := range x.parts {
		leaf, _ := p.Master()
		j.todo.Places = append(j.todo.Places, place{Leaf: leaf, Schema: p.ID.Schema(), Domain: p.Domain})
	}
	if err := j.vacant(ctx); err != nil {
		return err
	}
	if err := j.record(ctx, "restore"); err != nil {
		return err
	}
	// Without the lock somebody else may be undoing it.
	working, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(j.lock.Context(), cancel)()
	if err := x.make(working); err != nil {
		if j.lock.Context().Err() != nil && ctx.Err() == nil {
			err = unavailable(catalog.ErrLockLost)
		}
		return j.abandon(clientError(err, s.Name), x.undo)
	}
	if err := x.publish(working); err != nil {
		if errors.Is(err, catalog.ErrUnknown) {
			return unfinished(err.Error(), err)
		}
		return j.abandon(clientError(err, s.Name), x.undo)
	}
	return nil
}

var plainNumber = regexp.MustCompile(`^[0-9.]+$`)

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_]+$`)

// read parses what the backup says. A text that is not the CREATE TABLE that it should be is not run.
func (x *restore) read() error {
	bad := func(what string) error {
		return refuse(1033, "HY000", "The backup of database '%s' can't be used: %s", x.saved.Name, what)
	}
	if !plainWord.MatchString(x.saved.Charset) || !plainWord.MatchString(x.saved.Collation) {
		return bad("its character set is none")
	}
	kinds := map[string]topo.TableKind{}
	for _, t := range x.saved.Tables {
		if kinds[t.Name] != "" {
			return bad("table '" + t.Name + "' is in it twice")
		}
		kinds[t.Name] = t.Kind
	}
	ok := false
	for _, t := range x.saved.Tables {
		if t.Kind != topo.Reference {
			t.Create = withoutCounter(t.Create)
		}
		if t.Create, ok = drawnFrom(t.Create, x.saved.Of, x.saved.Name); !ok || (t.Kind == topo.Sequence) != sequenceRow.MatchString(t.Row) {
			return bad("the definition of table '" + t.Name + "' is not one")
		}
		scan := new(sqltext.Scan)
		if err := scan.Scan([]byte(t.Create), sqltext.Mode{}); err != nil {
			return bad("the definition of table '" + t.Name + "': " + err.Error())
		}
		stmt, err := sqltext.Parse(scan, sqltext.Mode{})
		if err != nil {
			return bad("the definition of table '" + t.Name + "': " + err.Error())
		}
		d := stmt.DDL
		if scan.More || stmt.Kind != sqltext.KindDDL || d == nil || d.Verb != "CREATE" || d.Object != "TABLE" || d.OrReplace || d.Temporary || len(d.Tables) != 1 || d.Like != nil ||
			d.AsSelect != nil || d.Tables[0].DB.Tok >= 0 || d.Tables[0].Name.Text != t.Name {
			return bad("the definition of table '" + t.Name + "' is not one")
		}
		d.Reference, d.ReferenceTok = t.Kind == topo.Reference, -1
		if t.Kind == topo.Sequence {
			d.Object = "SEQUENCE"
		}
		if t.Explicit && t.Kind == topo.Sharded {
			d.ShardKey = []sqltext.Name{}
			for _, c := range t.ShardKey {
				d.ShardKey = append(d.ShardKey, sqltext.Name{Tok: -1, Text: c})
			}
		}
		for _, tr := range t.Triggers {
			if !plainWord.MatchString(tr.Charset) || !plainWord.MatchString(tr.Collation) {
				return bad("the definition of trigger '" + tr.Name + "' is not one")
			}
		}
		st := &savedTable{SavedTable: t, job: &job{Runner: x.Runner, s: Session{Schema: x.saved.Name}, scan: scan, stmt: stmt, d: d, as: t.Kind}}
		st.partText = st.job.partText(x.saved.Name, func(n string) bool { return kinds[n] == topo.Reference })
		x.tables = append(x.tables, st)
	}
	slices.SortStableFunc(x.tables, func(a, b *savedTable) int { return sequencesFirst(a) - sequencesFirst(b) }) // defaults need them
	for _, v := range x.saved.Views {
		if kinds[v.Name] != "" {
			return bad("view '" + v.Name + "' is a table in it")
		}
		kinds[v.Name] = "view"
		if !plainWord.MatchString(v.Charset) || !plainWord.MatchString(v.Collation) || view.Fit(v) != nil {
			return bad("the definition of view '" + v.Name + "' is not one")
		}
		v, err := view.In(v, x.saved.Name)
		if err != nil {
			return bad("the definition of view '" + v.Name + "' can't be read")
		}
		x.views = append(x.views, v)
	}
	for _, r := range x.saved.Routines {
		if r.DB != x.saved.Name || !plainWord.MatchString(r.Charset) || !plainWord.MatchString(r.Collation) || !plainNumber.MatchString(r.Created) || !plainNumber.MatchString(r.Modified) {
			return bad("the definition of routine '" + r.Name + "' is not one")
		}
		if err := moveRoutine(r, x.saved.Of); err != nil {
			return err
		}
	}
	return x.readEvents()
}

// make makes all of it but its place in the topology.
func (x *restore) make(ctx context.Context) error {
	db := x.saved.Name
	charset := charsetClause(&topo.Database{Charset: x.saved.Charset, Collation: x.saved.Collation})
	first, others := x.todo.Shapes[:1], x.todo.Shapes[1:]
	if err := x.shape(ctx, first); err != nil {
		return err
	}
	snap := topo.NewBuilder(x.snap)
	snap.PutDatabase(x.database())
	for _, t := range x.tables {
		d, err := x.describe(ctx, first[0], t.Name)
		if err != nil {
			return err
		}
		if d == nil {
			return topo.NoTable(db, t.Name)
		}
		number, err := x.cfg.Catalog.NewTableID(ctx)
		if err != nil {
			return err
		}
		if t.t, err = t.newTable(db, t.Name, d, nil, number); err != nil {
			return err
		}
		t.d = d
		var key []string
		for _, c := range t.t.ShardKey {
			key = append(key, t.t.Columns[c].Name)
		}
		if t.t.Kind != t.Kind || !slices.Equal(key, t.ShardKey) {
			return refuse(1033, "HY000", "The backup of database '%s' can't be used: the rows of table '%s' would not be spread as they are in it", db, t.Name)
		}
		snap.PutTable(t.t)
	}
	for _, r := range x.saved.Routines {
		snap.PutRoutine(r)
	}
	whole := snap.Build(x.snap.Revision)
	for _, r := range x.saved.Routines {
		if err := routineStands(whole, r); err != nil {
			return err
		}
		var err error
		if r.Revision, err = x.cfg.Catalog.NewTableID(ctx); err != nil {
			return err
		}
	}
	for _, t := range x.tables {
		if err := check(whole, t.t, t.d); err != nil {
			return err
		}
		t.t.Triggers = slices.Clone(t.Triggers)
		if err := triggersStand(whole, t.t, nil); err != nil {
			return err
		}
	}
	if err := x.shape(ctx, others); err != nil {
		return err
	}
	if _, err := each(x.todo.Places, func(p place) error {
		if err := x.step("serve " + p.Schema); err != nil {
			return err
		}
		if err := x.servers.Serve(ctx, p.Leaf, p.Schema, p.Domain, 1); err != nil {
			return err
		}
		sql := []string{restoreSettings, "CREATE DATABASE " + id(p.Schema) + charset}
		if _, err := x.asCluster(ctx, p, "", sql...); err != nil {
			return err
		}
		return x.create(ctx, p, func(t *savedTable) []string {
			switch {
			case t.Kind == topo.Sequence && p.Schema == x.todo.Places[topo.SequenceOrdinal].Schema:
				return []string{t.partText.in(p.Schema), "INSERT INTO " + id(t.Name) + " VALUES (" + t.Row + ")"}
			case t.Kind == topo.Sequence, t.Kind == topo.Reference:
				return nil
			}
			return []string{t.partText.in(p.Schema)}
		})
	}); err != nil {
		return err
	}
	var places []SavedPlace
	for i, p := range x.todo.Places {
		places = append(places, SavedPlace{p.Leaf, p.Schema, i, p.Domain})
	}
	if err := x.load(ctx, append(places, shapePlaces(x.todo.Shapes)...)); err != nil {
		return err
	}
	if err := x.triggers(ctx, x.todo.Shapes, x.todo.Places); err != nil {
		return err
	}
	if err := x.sequences(ctx); err != nil {
		return err
	}
	return x.mirrorGrants(ctx, x.todo.Shapes, x.parts)
}

func shapePlaces(shapes []place) (out []SavedPlace) {
	for _, p := range shapes {
		out = append(out, SavedPlace{Leaf: p.Leaf, Schema: p.Schema, Ordinal: -1})
	}
	return out
}

// triggers makes those of all tables, whose rows are there.
func (x *restore) triggers(ctx context.Context, places ...[]place) error {
	_, err := each(slices.Concat(places...), func(p place) error {
		if err := x.step("triggers at " + p.Leaf + "/" + p.Schema); err != nil {
			return err
		}
		c, err := x.own(ctx, p, p.Schema)
		if err != nil {
			return err
		}
		defer c.Release()
		for _, t := range x.tables {
			if t.Kind == topo.Reference && p.Schema != x.saved.Name { // whose rows are in the shape
				continue
			}
			if err := mariadb.MakeTriggers(ctx, c, x.saved.Name, p.Schema, t.t.Triggers); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

func (x *restore) database() *topo.Database {
	return &topo.Database{Name: x.saved.Name, Replication: x.saved.Replication, Charset: x.saved.Charset, Collation: x.saved.Collation, Single: x.saved.Single, Partitions: x.parts}
}

// shape makes the shape at leaves.
func (x *restore) shape(ctx context.Context, places []place) error {
	_, err := each(places, func(p place) error {
		if _, err := x.asCluster(ctx, p, "", "CREATE DATABASE "+id(p.Schema)+charsetClause(x.database())); err != nil {
			return err
		}
		if err := x.create(ctx, p, func(t *savedTable) []string {
			if t.Kind == topo.Sequence {
				return []string{t.Create, bluntText(p, t.Name)}
			}
			return []string{t.Create}
		}); err != nil || len(x.views)+len(x.events)+len(x.saved.Routines) == 0 {
			return err
		}
		c, err := x.own(ctx, p, p.Schema)
		if err != nil {
			return err
		}
		defer c.Release()
		for _, r := range x.saved.Routines {
			if err := mariadb.MakeRoutine(ctx, c, r); err != nil {
				return err
			}
		}
		if err := mariadb.AlignEvents(ctx, c, p.Schema, x.events); err != nil {
			return err
		}
		refused, err := mariadb.MakeViews(ctx, c, x.views)
		for v, why := range refused {
			x.log.Warn("ddl: a restored view is invalid, as what it reads is not there; it is made when a change of that lets it", "view", v.DB+"."+v.Name, "leaf", p.Leaf, "error", why)
		}
		return err
	})
	return err
}

// create makes tables at a place, each by the statements that texts gives.
func (x *restore) create(ctx context.Context, p place, texts func(*savedTable) []string) error {
	sql := []string{restoreSettings}
	for _, t := range x.tables {
		sql = append(sql, texts(t)...)
	}
	_, err := x.asCluster(ctx, p, p.Schema, sql...)
	return err
}

// sequences has AUTO_INCREMENT go on behind all that was there.
func (x *restore) sequences(ctx context.Context) error {
	for _, t := range x.tables {
		if t.t.AutoIncrement < 0 {
			continue
		}
		places := x.todo.Places
		if t.Kind == topo.Reference {
			places = x.todo.Shapes[:1]
		}
		column := id(t.t.Columns[t.t.AutoIncrement].Name)
		next := max(t.Next, 1)
		for _, p := range places {
			res, err := x.asCluster(ctx, p, p.Schema, "SELECT CAST(GREATEST(COALESCE(MAX("+column+"), 0), 0) AS UNSIGNED) FROM "+id(t.Name))
			if err != nil {
				return err
			}
			greatest, err := strconv.ParseUint(string(res.Rows[0][0]), 10, 64)
			if err != nil {
				return err
			}
			if greatest >= next && greatest+1 > greatest {
				next = greatest + 1
			}
		}
		if t.Kind == topo.Single {
			p := places[topo.SingleOrdinal]
			if _, err := x.asCluster(ctx, p, p.Schema, "ALTER TABLE "+id(t.Name)+" AUTO_INCREMENT="+strconv.FormatUint(next, 10)); err != nil {
				return err
			}
			continue
		}
		if err := x.cfg.Catalog.Sequence(t.t.ID).Reset(ctx, next); err != nil {
			return err
		}
	}
	return nil
}

// publish puts the database into the topology, with the tables' rows on every leaf that is a member then.
func (x *restore) publish(ctx context.Context) error {
	for {
		var joined []string
		err := x.commitAll(ctx, func(t *catalog.Txn) error {
			joined = joined[:0]
			if err := t.Snapshot().CheckNewDatabase(x.saved.Name, x.saved.Partitions); err != nil {
				return err
			}
			t.Databases()
			leaves := t.Leaves()
			for _, name := range slices.Sorted(maps.Keys(leaves)) {
				if leaves[name].Member() && !slices.ContainsFunc(x.todo.Shapes, func(p place) bool { return p.Leaf == name }) {
					joined = append(joined, name)
				}
			}
			if len(joined) > 0 {
				return errJoined
			}
			for _, p := range x.todo.Places {
				if l := leaves[p.Leaf]; l == nil || l.State != topo.LeafOnline {
					return refuse(1158, "08S01", "Leaf %s, which has partitions of the restored database, is not online any more", p.Leaf)
				}
			}
			return nil
		})
		if !errors.Is(err, errJoined) {
			return err
		}
		var places []place
		for _, leaf := range joined {
			places = append(places, place{Leaf: leaf, Schema: x.saved.Name})
		}
		x.todo.Shapes = append(x.todo.Shapes, places...)
		if err := x.save(ctx, "leaves joined"); err != nil {
			return err
		}
		if err := x.shape(ctx, places); err != nil {
			return err
		}
		if err := x.load(ctx, shapePlaces(places)); err != nil {
			return err
		}
		if err := x.triggers(ctx, places); err != nil {
			return err
		}
		if err := x.mirrorGrants(ctx, places, x.parts); err != nil {
			return err
		}
	}
}

// errJoined: a leaf has become a member that lacks the database.
var errJoined = errors.New("a leaf has joined the cluster meanwhile")

// commitAll puts the database and its tables into the topology: at once, unless there are very many tables. Those that are cut off in between are taken out
// again by settle.
func (x *restore) commitAll(ctx context.Context, look func(*catalog.Txn) error) error {
	rest := x.tables
	begin := func(t *catalog.Txn) error {
		if err := look(t); err != nil {
			return err
		}
		t.PutDatabase(x.database())
		return nil
	}
	for ; len(rest) > atATime; rest = rest[atATime:] {
		if err := x.step("tables"); err != nil {
			return err
		}
		if _, err := x.cfg.Catalog.Update(ctx, func(t *catalog.Txn) error {
			t.Hold(x.lock)
			if err := begin(t); err != nil {
				return err
			}
			return putTables(t, rest[:atATime])
		}); err != nil {
			return err
		}
		begin = func(*catalog.Txn) error { return nil }
	}
	return x.commit(ctx, func(t *catalog.Txn) error {
		if err := begin(t); err != nil {
			return err
		}
		for _, v := range x.views {
			t.PutView(v)
		}
		for _, e := range x.events {
			t.PutEvent(e)
		}
		for _, r := range x.saved.Routines {
			t.PutRoutine(r)
		}
		return putTables(t, rest)
	})
}

func putTables(t *catalog.Txn, tables []*savedTable) error {
	for _, s := range tables {
		t.PutTable(s.t)
	}
	return nil
}

// undo removes all of it.
func (x *restore) undo(ctx context.Context) error {
	var ids []uint64
	for _, t := range x.tables {
		if t.t != nil && t.t.AutoIncrement >= 0 {
			ids = append(ids, t.t.ID)
		}
	}
	if err := x.undoRestore(ctx); err != nil {
		return err
	}
	return x.cfg.Catalog.DropSequences(ctx, ids...)
}

// undoRestore removes a database that was being restored. It is in the topology when it was cut off between two of its tables.
func (j *job) undoRestore(ctx context.Context) error {
	if _, err := j.cfg.Catalog.Update(ctx, func(t *catalog.Txn) error {
		t.Hold(j.lock)
		if t.Database(j.todo.DB) != nil {
			t.DropDatabase(j.todo.DB)
		}
		return nil
	}); err != nil {
		return fmt.Errorf("taking the database out of the topology: %w", err)
	}
	return j.dropDatabases(ctx)
}

// settleRestore is undoRestore of what another node has left, which may load rows still because it does not know yet that it is out of it: such sessions have
// the database as their default.
func (j *job) settleRestore(ctx context.Context) error {
	if _, err := each(append(slices.Clone(j.todo.Places), j.todo.Shapes...), func(p place) error {
		err := j.servers.Fence(ctx, p.Leaf, p.Schema)
		j.cfg.Pools.Drop(p.Leaf) // idle ones of this node may have been among them
		return err
	}); err != nil {
		return err
	}
	return j.undoRestore(ctx)
}
