package ddl

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/mariadb"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// clusterUser is the account of the cluster's own work.
const clusterUser = "orbweaver"

// createView is CREATE VIEW and ALTER VIEW. A view holds nothing: it is made on the shapes, from what the first one says of it, and undone by making all shapes what the
// topology says.
func (j *job) createView(ctx context.Context) (*Result, error) {
	if len(j.d.Tables) != 1 {
		return nil, unsupported("this form of " + j.d.Verb + " VIEW")
	}
	db, name, err := j.target(j.d.Tables[0])
	if err != nil {
		return nil, err
	}
	if err := j.onViews(ctx, db, name); err != nil {
		return nil, err
	}
	defer j.lock.Unlock()
	have, err := j.viewsAt(ctx, j.todo.Shapes[0])
	if err != nil {
		return nil, clientError(err, db)
	}
	if j.snap.Table(db, name) != nil || have[name] && j.d.Verb == "CREATE" && !j.d.OrReplace {
		return j.first(ctx, j.todo.Shapes[0], j.spliced()) // MariaDB says it: 1347, 1050 or a note
	}
	if err := j.record(ctx, "view"); err != nil {
		return nil, err
	}
	res, err := j.first(ctx, j.todo.Shapes[0], j.spliced())
	if err != nil {
		return nil, j.abandon(unavailable(err), j.undoIfUnsure(err, j.alignViews))
	}
	v, err := j.readView(ctx, j.todo.Shapes[0], db, name)
	switch {
	case errors.Is(err, mariadb.ErrViewText):
		err = refuse(1235, "42000", "This version of Orbweaver doesn't yet support views with strings in other character sets than UTF-8 that have characters beyond ASCII: '%s.%s'; write them with _utf8mb4", db, name)
	case err == nil && v == nil:
		err = topo.NoTable(db, name)
	}
	if err == nil && v.DefinerUser == clusterUser {
		err = refuse(1227, "42000", "View '%s.%s' can't have the DEFINER '%s'@'%s': the account is the cluster's own", db, name, v.DefinerUser, v.DefinerHost)
	}
	if err == nil {
		err = j.makeViews(ctx, j.todo.Shapes, v)
	}
	if err == nil {
		err = j.commit(ctx, func(x *catalog.Txn) error {
			x.PutView(v)
			return nil
		})
		if errors.Is(err, catalog.ErrUnknown) {
			return nil, unfinished(err.Error(), err)
		}
	}
	if err != nil {
		return nil, j.abandon(clientError(err, db), j.alignViews)
	}
	return res, nil
}

// onViews prepares a statement on views of one database.
func (j *job) onViews(ctx context.Context, db string, names ...string) error {
	if err := j.begin(ctx, db); err != nil {
		return err
	}
	fail := func(err error) error {
		j.lock.Unlock()
		return err
	}
	if _, err := j.snap.Database(db); err != nil {
		return fail(err)
	}
	all, err := shapes(j.snap, db)
	if err != nil {
		return fail(err)
	}
	if err := j.reach(ctx, all); err != nil {
		return fail(err)
	}
	j.todo = todo{DB: db, Tables: names, Shapes: all}
	// A leaf that joined when a view was invalid may lack it: the statement is judged where it is not missed.
	for i, p := range all {
		have, err := j.viewsAt(ctx, p)
		if err != nil {
			return fail(clientError(err, db))
		}
		if !slices.ContainsFunc(names, func(n string) bool { return j.snap.View(db, n) != nil && !have[n] }) {
			all[0], all[i] = all[i], all[0]
			break
		}
	}
	return nil
}

// viewsAt are the views of a shape.
func (j *job) viewsAt(ctx context.Context, p place) (map[string]bool, error) {
	res, err := j.asCluster(ctx, p, "", "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = "+lit(p.Schema)+" AND TABLE_TYPE = 'VIEW'")
	if err != nil {
		return nil, err
	}
	have := map[string]bool{}
	for _, row := range res.Rows {
		have[string(row[0])] = true
	}
	return have, nil
}

func (j *job) readView(ctx context.Context, p place, db, name string) (*topo.View, error) {
	c, err := j.own(ctx, p, "")
	if err != nil {
		return nil, err
	}
	defer c.Release()
	return mariadb.ReadView(ctx, c, db, name)
}

// makeViews makes views at shapes.
func (j *job) makeViews(ctx context.Context, places []place, views ...*topo.View) error {
	_, err := each(places, func(p place) error {
		if err := j.step("view at " + p.Leaf + "/" + p.Schema); err != nil {
			return err
		}
		c, err := j.own(ctx, p, "")
		if err != nil {
			return err
		}
		defer c.Release()
		for _, v := range views {
			if err := mariadb.MakeView(ctx, c, v); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

// alignViews gives all shapes those views, of the statement's names, that the topology has. One that a server refuses, as what it reads is no more, is missing there.
func (j *job) alignViews(ctx context.Context) error {
	_, err := each(j.todo.Shapes, func(p place) error {
		for _, name := range j.todo.Tables {
			if j.snap.Table(j.todo.DB, name) != nil {
				continue
			}
			v := j.snap.View(j.todo.DB, name)
			if v != nil {
				err := j.makeViews(ctx, []place{p}, v)
				if _, no := refused(err); err == nil || !no {
					if err != nil {
						return err
					}
					continue
				}
			}
			if _, err := j.asCluster(ctx, p, "", "DROP VIEW IF EXISTS "+id(p.Schema)+"."+id(name)); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

// dropViews is DROP VIEW: what MariaDB has dropped on the first shape is dropped everywhere. A DROP of several, one of which does not exist, drops the others.
func (j *job) dropViews(ctx context.Context) (*Result, error) {
	names, db, err := j.namesOfOne(j.d.Verb + " VIEW")
	if err != nil {
		return nil, err
	}
	if err := j.onViews(ctx, db, names...); err != nil {
		return nil, err
	}
	defer j.lock.Unlock()
	j.todo.Tables = slices.DeleteFunc(slices.Compact(slices.Sorted(slices.Values(names))), func(n string) bool { return j.snap.View(db, n) == nil })
	if len(j.todo.Tables) == 0 {
		return j.first(ctx, j.todo.Shapes[0], j.spliced()) // nothing of ours: MariaDB's error or note
	}
	if err := j.record(ctx, "view"); err != nil {
		return nil, err
	}
	res, cause := j.first(ctx, j.todo.Shapes[0], j.spliced())
	const erUnknownView = 4092
	e, no := refused(cause)
	if cause != nil && (!no || e.Code != erUnknownView) {
		return nil, j.abandon(unavailable(cause), j.undoIfUnsure(cause, j.alignViews))
	}
	have, err := j.viewsAt(ctx, j.todo.Shapes[0])
	if err != nil {
		return nil, j.abandon(clientError(err, db), j.alignViews)
	}
	var gone []string
	for _, n := range j.todo.Tables {
		if !have[n] {
			gone = append(gone, n)
		}
	}
	if len(gone) == 0 {
		return res, j.abandon(cause, nil)
	}
	_, err = each(j.todo.Shapes[1:], func(p place) error {
		for _, n := range gone {
			if _, err := j.asCluster(ctx, p, "", "DROP VIEW IF EXISTS "+id(p.Schema)+"."+id(n)); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = j.commit(ctx, func(x *catalog.Txn) error {
			for _, n := range gone {
				x.DropView(db, n)
			}
			return nil
		})
		if errors.Is(err, catalog.ErrUnknown) {
			return nil, unfinished(err.Error(), err)
		}
	}
	if err != nil {
		return nil, j.abandon(clientError(err, db), j.alignViews)
	}
	if no && len(gone) == len(j.d.Tables) { // the shape lacked one that was known
		res, cause = &Result{}, nil
	}
	return res, cause
}

// namesOfOne are the statement's names, which must be of one database.
func (j *job) namesOfOne(what string) (names []string, db string, err error) {
	for _, n := range j.d.Tables {
		of, name, err := j.target(n)
		if err != nil {
			return nil, "", err
		}
		if db != "" && db != of {
			return nil, "", unsupported(what + " over two databases")
		}
		db = of
		names = append(names, name)
	}
	if len(names) == 0 {
		return nil, "", unsupported("this form of " + what)
	}
	return names, db, nil
}

// renamesViews says whether a RENAME TABLE is about views.
func (j *job) renamesViews() bool {
	s := j.cfg.Catalog.Snapshot()
	for i := 0; i < len(j.d.Tables); i += 2 {
		if n := j.d.Tables[i]; s.View(j.dbOf(n), n.Name.Text) != nil {
			return true
		}
	}
	return false
}

// renameViews is RENAME TABLE of views. Others that read them become invalid, as in MariaDB.
func (j *job) renameViews(ctx context.Context) (*Result, error) {
	names, db, err := j.namesOfOne("RENAME TABLE")
	if err != nil {
		return nil, err
	}
	if err := j.onViews(ctx, db, names...); err != nil {
		return nil, err
	}
	defer j.lock.Unlock()
	now := map[string]*topo.View{}
	for _, n := range names {
		now[n] = j.snap.View(db, n)
	}
	var pairs []renamed
	for i := 0; i+1 < len(names); i += 2 {
		from, to := names[i], names[i+1]
		switch {
		case now[from] == nil:
			return nil, unsupported("RENAME of views together with tables, or of one that does not exist")
		case now[to] != nil:
			return nil, exists(to)
		}
		v := *now[from]
		v.Name = to
		now[from], now[to] = nil, &v
		pairs = append(pairs, renamed{from, to})
	}
	if err := j.record(ctx, "view"); err != nil {
		return nil, err
	}
	res, err := j.first(ctx, j.todo.Shapes[0], j.spliced())
	if err != nil {
		return nil, j.abandon(unavailable(err), j.undoIfUnsure(err, j.alignViews))
	}
	_, err = each(j.todo.Shapes[1:], func(p place) error {
		_, err := j.asCluster(ctx, p, "", renameText(p, pairs))
		return err
	})
	if err == nil {
		err = j.commit(ctx, func(x *catalog.Txn) error {
			for n, v := range now {
				if v == nil {
					x.DropView(db, n)
				} else {
					x.PutView(v)
				}
			}
			return nil
		})
		if errors.Is(err, catalog.ErrUnknown) {
			return nil, unfinished(err.Error(), err)
		}
	}
	if err != nil {
		return nil, j.abandon(clientError(err, db), j.alignViews)
	}
	return res, nil
}

// exists is MariaDB's error for a name that is taken.
func exists(name string) error { return refuse(1050, "42S01", "Table '%s' already exists", name) }

// notAView is MariaDB's error for a statement on a table that is a view; nil when it is none.
func notAView(s *topo.Snapshot, db, name string) error {
	if s.View(db, name) == nil {
		return nil
	}
	return refuse(1347, "HY000", "'%s.%s' is not of type 'BASE TABLE'", db, name)
}

// readersOf are a database's views and those that read its tables.
func readersOf(s *topo.Snapshot, db string) []*topo.View {
	var out []*topo.View
	for _, d := range s.Databases {
		for _, v := range d.Views {
			if v.DB == db || strings.Contains(v.Body, id(db)+".") {
				out = append(out, v)
			}
		}
	}
	slices.SortFunc(out, func(a, b *topo.View) int { return strings.Compare(a.DB+"\x00"+a.Name, b.DB+"\x00"+b.Name) })
	return out
}

// databases are those of the tables that the statement names.
func (j *job) databases() (out []string) {
	for _, n := range j.d.Tables {
		if db := j.dbOf(n); !slices.Contains(out, db) {
			out = append(out, db)
		}
	}
	return out
}

// healWithin bounds what a statement that is done waits for that.
const healWithin = 5 * time.Second

// heal makes views that leaves lack, as what they read was not there when the leaf joined, and may be there now that a table of the database has changed. It is a try: what a
// server refuses is no worse than it was.
func (r *Runner) heal(ctx context.Context, db string) {
	views := readersOf(r.cfg.Catalog.Snapshot(), db)
	if len(views) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, healWithin)
	defer cancel()
	if err := r.healAll(ctx, views); err != nil {
		r.log.Warn("ddl: it could not be seen to whether leaves lack views that may be made again; the next change of a table of the database looks anew", "database", db, "error", err)
	}
}

func (r *Runner) healAll(ctx context.Context, views []*topo.View) error {
	var dbs []string
	for _, v := range views {
		dbs = append(dbs, v.DB)
	}
	slices.Sort(dbs)
	dbs = slices.Compact(dbs)
	// What is asked and made here is none of a statement's steps: that is done.
	lacking := func(s *topo.Snapshot, at *backend.Conn) (out []*topo.View, err error) {
		for _, db := range dbs {
			res, err := at.Query(ctx, "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = "+lit(db)+" AND TABLE_TYPE = 'VIEW'")
			if err != nil {
				return nil, err
			}
			have := map[string]bool{}
			for _, row := range res.Rows {
				have[string(row[0])] = true
			}
			for _, v := range views {
				if now := s.View(v.DB, v.Name); v.DB == db && now != nil && !have[v.Name] {
					out = append(out, now)
				}
			}
		}
		return out, nil
	}
	everywhere := func(s *topo.Snapshot, f func(c *backend.Conn, lacks []*topo.View) error) error {
		var places []place
		for _, l := range s.AttachedLeaves() {
			places = append(places, place{Leaf: l.Name})
		}
		_, err := each(places, func(p place) error {
			c, err := r.own(ctx, p, "")
			if err != nil {
				return err
			}
			defer c.Release()
			lacks, err := lacking(s, c)
			if err != nil || len(lacks) == 0 {
				return err
			}
			return f(c, lacks)
		})
		return err
	}
	var missed atomic.Bool
	if err := everywhere(r.cfg.Catalog.Snapshot(), func(*backend.Conn, []*topo.View) error {
		missed.Store(true)
		return nil
	}); err != nil || !missed.Load() {
		return err
	}
	lock, err := r.cfg.Node.Lock(ctx, dbs...)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	if err := r.cfg.Catalog.Sync(ctx); err != nil {
		return err
	}
	return everywhere(r.cfg.Catalog.Snapshot(), func(c *backend.Conn, lacks []*topo.View) error {
		_, err := mariadb.MakeViews(ctx, c, lacks)
		return err
	})
}
