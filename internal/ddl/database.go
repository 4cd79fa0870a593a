package ddl

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// singleDefault is the DEFAULT SHARD KEY of a database whose tables are single ones where their statements say nothing else.
const singleDefault = "()"

func (j *job) createDatabase(ctx context.Context) (*Result, error) {
	db := j.d.Database.Text
	if j.d.OrReplace {
		return nil, unsupported("CREATE OR REPLACE DATABASE")
	}
	if err := j.begin(ctx, db); err != nil {
		return nil, err
	}
	defer j.lock.Unlock()
	all, err := shapes(j.snap, db)
	if err != nil {
		return nil, err
	}
	if j.snap.Databases[db] != nil {
		// MariaDB says it, with the account's rights looked at first: 1044, 1007, or a note.
		return j.first(ctx, all[0], j.spliced())
	}
	n := j.d.Partitions
	if n == 0 {
		n = topo.PartitionsPerLeaf * max(1, len(j.snap.OnlineLeaves()))
	}
	if err := j.snap.CheckNewDatabase(db, n); err != nil {
		return nil, err
	}
	domain, err := j.cfg.Catalog.NewDomains(ctx, n)
	if err != nil {
		return nil, unavailable(err)
	}
	parts, err := j.snap.Place(db, n, domain)
	if err != nil {
		return nil, err
	}
	j.todo = todo{DB: db, Shapes: all}
	for _, p := range parts {
		leaf, _ := p.Master()
		j.todo.Places = append(j.todo.Places, place{Leaf: leaf, Schema: p.ID.Schema(), Domain: p.Domain})
	}
	if err := j.vacant(ctx); err != nil {
		return nil, err
	}
	if err := j.record(ctx, "create database"); err != nil {
		return nil, err
	}
	res, err := j.first(ctx, all[0], j.spliced())
	if err != nil {
		return nil, j.abandon(err, j.undoIfUnsure(err, j.dropDatabases))
	}
	var d *topo.Database
	err = func() error {
		var create string
		if d, create, err = j.databaseAs(ctx, all[0]); err != nil {
			return err
		}
		if _, err := each(all[1:], func(p place) error {
			_, err := j.asCluster(ctx, p, "", create+id(db)+charsetClause(d))
			return err
		}); err != nil {
			return err
		}
		if _, err := each(j.todo.Places, func(p place) error {
			if err := j.step("serve " + p.Schema); err != nil {
				return err
			}
			return j.servers.Serve(ctx, p.Leaf, p.Schema, p.Domain, 1)
		}); err != nil {
			return err
		}
		if _, err := each(j.todo.Places, func(p place) error {
			_, err := j.asCluster(ctx, p, "", create+id(p.Schema)+charsetClause(d))
			return err
		}); err != nil {
			return err
		}
		return j.mirrorGrants(ctx, all, parts)
	}()
	if err != nil {
		return nil, j.abandon(clientError(err, db), j.dropDatabases)
	}
	d.Partitions, d.Replication = parts, topo.Async
	if strings.EqualFold(j.d.Replication, string(topo.Sync)) {
		d.Replication = topo.Sync
	}
	d.Single = j.d.DefaultKey == singleDefault || j.d.DefaultKey == "" && j.snap.Settings.SingleTables
	j.last = true
	err = j.commit(ctx, func(x *catalog.Txn) error {
		if err := x.Snapshot().CheckNewDatabase(db, n); err != nil {
			return err
		}
		x.Databases()
		x.Leaves()
		x.PutDatabase(d)
		return nil
	})
	if err != nil && !errors.Is(err, catalog.ErrUnknown) {
		return nil, j.abandon(err, j.dropDatabases)
	}
	return res, err
}

// goneWithin is how long databases that are in the way are waited for: a replica may have a DROP DATABASE still before it.
const goneWithin = 10 * time.Second

// vacant makes sure that no database is in the way on any leaf: what this statement undoes must be its own.
func (j *job) vacant(ctx context.Context) error {
	for began := time.Now(); ; {
		err := j.occupied(ctx)
		var taken *topo.Error
		if !errors.As(err, &taken) || !errors.Is(taken, topo.ErrDatabaseExists) || time.Since(began) > goneWithin {
			return clientError(err, "")
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return clientError(err, "")
		}
	}
}

// occupied is an error that says which database is in the way.
func (j *job) occupied(ctx context.Context) error {
	names := []string{lit(j.todo.DB)}
	for _, p := range j.todo.Places {
		names = append(names, lit(p.Schema))
	}
	_, err := each(j.todo.Shapes, func(p place) error {
		c, err := j.own(ctx, p, "")
		if err != nil {
			return err
		}
		defer c.Release()
		res, err := c.Query(ctx, "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME IN ("+strings.Join(names, ", ")+")")
		if err != nil {
			return err
		}
		for _, row := range res.Rows {
			for _, q := range names {
				if lit(string(row[0])) == q {
					return &topo.Error{Kind: topo.ErrDatabaseExists, Number: 1007, SQL: "HY000",
						Message: fmt.Sprintf("Can't create database '%s'; database '%s' exists on leaf %s and is not the cluster's", j.todo.DB, row[0], p.Leaf)}
				}
			}
		}
		return nil
	})
	return err
}

// undoIfUnsure is the undoing when it is not known whether a statement was run, and nothing when it was refused.
func (j *job) undoIfUnsure(err error, undo func(context.Context) error) func(context.Context) error {
	if _, ok := refused(err); ok {
		return nil
	}
	return undo
}

// databaseAs reads a shape's defaults back.
func (j *job) databaseAs(ctx context.Context, p place) (*topo.Database, string, error) {
	res, err := j.asCluster(ctx, p, "", "SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = "+lit(p.Schema))
	if err != nil {
		return nil, "", err
	}
	if len(res.Rows) != 1 {
		return nil, "", fmt.Errorf("database %s is not on leaf %s", p.Schema, p.Leaf)
	}
	return &topo.Database{Name: p.Schema, Charset: string(res.Rows[0][0]), Collation: string(res.Rows[0][1])}, "CREATE DATABASE ", nil
}

func charsetClause(d *topo.Database) string {
	return " CHARACTER SET " + d.Charset + " COLLATE " + d.Collation
}

// dropDatabases removes the databases from all places.
func (j *job) dropDatabases(ctx context.Context) error {
	return j.dropDatabasesOf(ctx, j.todo)
}

func (j *job) dropDatabasesOf(ctx context.Context, t todo) error {
	if _, err := each(t.Places, func(p place) error {
		served, err := j.servers.Served(ctx, p.Leaf)
		if err != nil {
			return err
		}
		if served[p.Schema] == p.Domain { // the replicas' go with it
			if _, err := j.asCluster(ctx, p, "", "SET foreign_key_checks=0", "DROP DATABASE IF EXISTS "+id(p.Schema)); err != nil {
				return err
			}
		}
		return j.servers.Drop(ctx, p.Leaf, p.Schema)
	}); err != nil {
		return err
	}
	if _, err := each(t.Shapes, func(p place) error {
		_, err := j.asCluster(ctx, p, "", "SET foreign_key_checks=0", "DROP DATABASE IF EXISTS "+id(p.Schema))
		return err
	}); err != nil {
		return err
	}
	return j.dropGrants(ctx, t)
}

// grantPattern is a partition's database as a database-level grant names it: there `_` is a wildcard.
func grantPattern(schema string) string {
	return strings.NewReplacer(`\`, `\\`, `_`, `\_`, `%`, `\%`).Replace(schema)
}

// mirrorGrants gives accounts on the new partitions the rights that they have on the database: a GRANT may come before its database.
func (j *job) mirrorGrants(ctx context.Context, leaves []place, parts []*topo.Partition) error {
	_, err := each(leaves, func(p place) error {
		c, err := j.own(ctx, p, "mysql")
		if err != nil {
			return err
		}
		defer c.Release()
		db := lit(j.todo.DB)
		res, err := c.Query(ctx, "SELECT (SELECT COUNT(*) FROM db WHERE "+db+" LIKE Db) + (SELECT COUNT(*) FROM tables_priv WHERE Db = "+db+
			") + (SELECT COUNT(*) FROM columns_priv WHERE Db = "+db+") + (SELECT COUNT(*) FROM procs_priv WHERE Db = "+db+")")
		if err != nil {
			return err
		}
		if string(res.Rows[0][0]) == "0" {
			return nil
		}
		// Rights are each leaf's own: they are made on every leaf, never replicated.
		if _, err := c.Query(ctx, "SET sql_log_bin=0"); err != nil {
			return err
		}
		for _, part := range parts {
			schema := part.ID.Schema()
			for _, t := range []struct{ table, from, name string }{
				// Of several patterns that fit, MariaDB takes the most particular one: so it must come first here.
				{"db", "(SELECT * FROM db WHERE " + db + " LIKE Db ORDER BY Db = " + db + " DESC, LENGTH(Db) DESC) x", grantPattern(schema)},
				{"tables_priv", "tables_priv x WHERE Db = " + db, schema},
				{"columns_priv", "columns_priv x WHERE Db = " + db, schema},
			} {
				cols, err := c.Query(ctx, "SELECT GROUP_CONCAT(CONCAT('`', COLUMN_NAME, '`') ORDER BY ORDINAL_POSITION) FROM information_schema.COLUMNS"+
					" WHERE TABLE_SCHEMA = 'mysql' AND TABLE_NAME = "+lit(t.table)+" AND COLUMN_NAME <> 'Db'")
				if err != nil {
					return err
				}
				list := string(cols.Rows[0][0])
				if _, err := c.Query(ctx, "INSERT IGNORE INTO "+t.table+" (Db, "+list+") SELECT "+lit(t.name)+", "+list+" FROM "+t.from); err != nil {
					return err
				}
			}
		}
		_, err = c.Query(ctx, "FLUSH LOCAL PRIVILEGES")
		return err
	})
	return err
}

// dropGrants removes the rights on partitions that are no more; those on the database stay, as MariaDB leaves them.
func (j *job) dropGrants(ctx context.Context, t todo) error {
	if len(t.Places) == 0 {
		return nil
	}
	var patterns, names []string
	for _, p := range t.Places {
		patterns, names = append(patterns, lit(grantPattern(p.Schema))), append(names, lit(p.Schema))
	}
	_, err := each(t.Shapes, func(p place) error {
		c, err := j.own(ctx, p, "mysql")
		if err != nil {
			return err
		}
		defer c.Release()
		if _, err := c.Query(ctx, "SET sql_log_bin=0"); err != nil {
			return err
		}
		gone := uint64(0)
		for table, list := range map[string][]string{"db": patterns, "tables_priv": names, "columns_priv": names} {
			res, err := c.Query(ctx, "DELETE FROM "+table+" WHERE Db IN ("+strings.Join(list, ", ")+")")
			if err != nil {
				return err
			}
			gone += res.Affected
		}
		if gone > 0 {
			_, err = c.Query(ctx, "FLUSH LOCAL PRIVILEGES")
		}
		return err
	})
	return err
}

// alterDatabase changes defaults: it can be repeated, and is rolled forward.
func (j *job) alterDatabase(ctx context.Context) (*Result, error) {
	db := j.d.Database.Text
	if db == "" {
		db = j.s.Schema
	}
	if db == "" {
		return nil, refuse(1046, "3D000", "No database selected")
	}
	if err := j.begin(ctx, db); err != nil {
		return nil, err
	}
	defer j.lock.Unlock()
	old, err := j.snap.Database(db)
	if err != nil {
		return nil, err
	}
	if j.todo.Shapes, err = shapes(j.snap, db); err != nil {
		return nil, err
	}
	if j.todo.Places, err = partitions(j.snap, db); err != nil {
		return nil, err
	}
	if err := j.reach(ctx, j.todo.Shapes, j.todo.Places); err != nil {
		return nil, err
	}
	j.todo.DB = db
	if err := j.record(ctx, "alter database"); err != nil {
		return nil, err
	}
	text := j.spliced()
	if j.onlyOurs() {
		text += charsetClause(old) // for MariaDB to judge
	}
	res, err := j.first(ctx, j.todo.Shapes[0], text)
	if err != nil {
		return nil, j.abandon(err, j.undoIfUnsure(err, func(ctx context.Context) error { return j.likeDatabase(ctx, j.todo, old) }))
	}
	now, _, err := j.databaseAs(ctx, j.todo.Shapes[0])
	if err == nil && (now.Charset != old.Charset || now.Collation != old.Collation) {
		err = keptByCollation(old)
	}
	if err == nil {
		err = j.likeDatabase(ctx, j.todo, now)
	}
	if err != nil {
		return nil, j.abandon(clientError(err, db), func(ctx context.Context) error { return j.likeDatabase(ctx, j.todo, old) })
	}
	return res, j.commit(ctx, func(x *catalog.Txn) error {
		d := x.Database(db)
		if d == nil {
			return topo.NoDatabase(db)
		}
		c := *d
		c.Charset, c.Collation = now.Charset, now.Collation
		if j.d.DefaultKey != "" {
			c.Single = j.d.DefaultKey == singleDefault
		}
		x.PutDatabase(&c)
		return nil
	})
}

// onlyOurs says whether an ALTER DATABASE has no option of MariaDB's.
func (j *job) onlyOurs() bool {
	n := j.stmt.Span.To - j.stmt.Span.From - 2 // ALTER DATABASE
	if j.d.Database.Tok >= 0 && j.d.Database.Text != "" {
		n--
	}
	for _, s := range j.d.OursSpans {
		n -= s.To - s.From
	}
	return n == 0 && len(j.d.OursSpans) > 0
}

// likeDatabase gives all places a database's defaults.
func (j *job) likeDatabase(ctx context.Context, t todo, d *topo.Database) error {
	all := append(append([]place(nil), t.Shapes...), t.Places...)
	_, err := each(all, func(p place) error {
		_, err := j.asCluster(ctx, p, "", "ALTER DATABASE "+id(p.Schema)+charsetClause(d))
		return err
	})
	return err
}

func (j *job) dropDatabase(ctx context.Context) (*Result, error) {
	db := j.d.Database.Text
	if err := j.begin(ctx, db); err != nil {
		return nil, err
	}
	defer j.lock.Unlock()
	all, err := shapes(j.snap, db)
	if err != nil {
		return nil, err
	}
	if j.snap.Databases[db] == nil {
		// A database that only a leaf knows is not the cluster's to drop.
		if !j.d.IfExists {
			return nil, refuse(1008, "HY000", "Can't drop database '%s'; database doesn't exist", db)
		}
		return &Result{Warnings: 1, Notes: []Note{{"Note", 1008, "Can't drop database '" + db + "'; database doesn't exist"}}}, nil
	}
	places, err := partitions(j.snap, db)
	if err != nil {
		return nil, err
	}
	if err := j.reach(ctx, all, places); err != nil {
		return nil, err
	}
	j.todo = todo{DB: db, Shapes: all, Places: places}
	if j.unchecked, err = j.unreferenced(ctx, all[0], nil); err != nil {
		return nil, clientError(err, db)
	}
	if j.cfg.Decided != nil {
		var ids []topo.PartitionID
		for _, p := range j.snap.Databases[db].Partitions {
			ids = append(ids, p.ID)
		}
		if err := j.cfg.Decided(ctx, ids); err != nil {
			return nil, err
		}
	}
	if err := j.record(ctx, "drop database"); err != nil {
		return nil, err
	}
	res, err := j.first(ctx, all[0], j.spliced())
	if _, ok := refused(err); ok {
		return nil, j.abandon(err, nil)
	}
	if err != nil {
		return nil, unfinished("DROP DATABASE "+id(db)+" was interrupted and will be finished or undone: "+err.Error(), err)
	}
	// The shape is gone: from here on there is no way back.
	ctx, cancel := j.detached()
	defer cancel()
	if err := j.finishDropDatabase(ctx); err != nil {
		return nil, unfinished("DROP DATABASE "+id(db)+" is not finished on all leaves; it will be: "+err.Error(), err)
	}
	return res, nil
}

func (j *job) finishDropDatabase(ctx context.Context) error {
	db := j.todo.DB
	before := j.todo.Gone
	if err := j.forget(ctx, func(x *catalog.Txn) {
		j.todo.Gone = slices.Clone(before)
		if d := x.Snapshot().Databases[db]; d != nil {
			for _, t := range d.Tables {
				j.todo.Gone = append(j.todo.Gone, t.ID)
			}
		}
		x.DropDatabase(db)
	}); err != nil {
		return err
	}
	if err := j.dropEverywhere(ctx); err != nil {
		return err
	}
	if err := j.cfg.Catalog.DropSequences(ctx, j.todo.Gone...); err != nil {
		return err
	}
	gone, places := absent(j.cfg.Catalog.Snapshot(), db, j.todo.Places)
	return j.leave(ctx, gone, places)
}
