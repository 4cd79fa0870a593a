package ddl

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/rekey"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// shardKey is the kind of record of ALTER TABLE … SHARD KEY.
const shardKey = "shard key"

// placing says where a table's rows are.
type placing struct {
	Kind     topo.TableKind `json:"kind"`
	ShardKey []string       `json:"shard_key,omitempty"`
	Explicit bool           `json:"explicit,omitempty"`
	// ID is the table's; Was is the one before. A table whose AUTO_INCREMENT values become the cluster's gets another: nodes may have kept values of the one that it had when they were.
	ID  uint64 `json:"id"`
	Was uint64 `json:"was"`
}

func placingOf(t *topo.Table, was uint64) *placing {
	p := &placing{Kind: t.Kind, Explicit: t.Explicit, ID: t.ID, Was: was}
	for _, c := range t.ShardKey {
		p.ShardKey = append(p.ShardKey, t.Columns[c].Name)
	}
	return p
}

// table is the topology's table of a description, with its rows there.
func (p *placing) table(db, name string, d *described) *topo.Table {
	var key []int
	for _, n := range p.ShardKey {
		key = append(key, d.column(n))
	}
	return d.table(db, name, p.Kind, key, p.Explicit, p.ID)
}

// reshard is ALTER TABLE … SHARD KEY. Each partition has a table of the name whatever the key is, so that nothing is done where there are no rows, but that nodes plan by another key. Where
// there are, they are copied into tables beside, by the new key, with the writers kept out; then all are kept out, and the names change hands.
//
// What matters is that no statement finds rows by a key that they are not placed by any more, or writes such. A table is closed to statements by the topology: nodes let none in, and say
// when those have ended that are inside (gate.Tables); transactions that have met the table before, and branches, are waited for by locks at the partitions. Statements that were planned
// by the key before do not get in afterwards.
func (j *job) reshard(ctx context.Context, old *topo.Table, all []place) (*Result, error) {
	db, name := old.DB, old.Name
	switch {
	case len(j.d.Actions) > 1:
		return nil, unsupported("ALTER TABLE … SHARD KEY together with other changes: give it a statement by itself")
	case old.Kind == topo.Sequence:
		return nil, unsupported("ALTER TABLE … SHARD KEY of a sequence")
	case old.Kind == topo.Linked:
		return nil, topo.IsLinked("SHARD KEY", db, name)
	case old.Kind == topo.Reference:
		return nil, unsupported("ALTER TABLE … SHARD KEY of a reference table, of which every leaf has all rows: RENAME the table, CREATE one of its name with the SHARD KEY, and INSERT … SELECT the rows")
	}
	places, err := partitions(j.snap, db)
	if err != nil {
		return nil, err
	}
	if err := j.reach(ctx, all, places); err != nil {
		return nil, err
	}
	res, err := j.first(ctx, all[0], j.spliced()) // whether the account may; nothing is left to be changed there
	if err != nil {
		return nil, err
	}
	t, d, err := j.replaced(ctx, old, all[0])
	if err != nil {
		return nil, clientError(err, db)
	}
	if old.SamePlaces(t) {
		if old.Explicit != t.Explicit {
			_, err = j.cfg.Catalog.Update(j.answered(ctx), func(x *catalog.Txn) error {
				x.Hold(j.lock)
				x.PutTable(t)
				return nil
			})
		}
		return res, unavailable(err)
	}
	j.todo = todo{DB: db, Tables: []string{name}, Shapes: all, Places: places, Placing: placingOf(t, old.ID)}
	empty, err := j.withoutRows(ctx, old, nil)
	if err == nil && !empty {
		err = j.movable(ctx, old, d)
	}
	if err != nil {
		return nil, clientError(err, db)
	}
	if err := j.record(ctx, shardKey); err != nil {
		return nil, err
	}
	if empty {
		empty, err = j.reshardEmpty(ctx, old, t)
		if err == nil && empty {
			return res, nil
		}
		if err == nil {
			err = j.movable(ctx, old, d)
		}
	}
	if err == nil {
		res.Affected, err = j.reshardRows(ctx, old, t)
	}
	switch {
	case err == nil:
		return res, nil
	case j.todo.Go:
		return nil, j.late(err)
	case j.committing && errors.Is(err, catalog.ErrUnknown):
		return nil, unfinished(err.Error(), err)
	}
	return nil, j.abandon(underName(clientError(err, db), j.todo.Try, name), j.undoReshard)
}

// replaced is a table as the statement would have it, judged as one that is made.
func (j *job) replaced(ctx context.Context, old *topo.Table, first place) (*topo.Table, *described, error) {
	d, err := j.describe(ctx, first, old.Name)
	if err != nil {
		return nil, nil, err
	}
	if d == nil {
		return nil, nil, topo.NoTable(old.DB, old.Name)
	}
	t, err := j.newTable(old.DB, old.Name, d, nil, old.ID)
	if err != nil {
		return nil, nil, err
	}
	t.Triggers = old.Triggers
	if t.Numbered() && !old.Numbered() {
		if t.ID, err = j.cfg.Catalog.NewTableID(ctx); err != nil {
			return nil, nil, err
		}
	}
	return t, d, j.stands(ctx, t, d, first)
}

// stands judges a table with its rows in other places, and what leads to it.
func (j *job) stands(ctx context.Context, t *topo.Table, d *described, first place) error {
	if err := check(j.snap, t, d); err != nil {
		return err
	}
	if err := triggersStandWith(j.snap, t); err != nil {
		return err
	}
	by, err := j.referring(ctx, first, t.Name)
	if err != nil || len(by) == 0 {
		return err
	}
	b := topo.NewBuilder(j.snap)
	b.PutTable(t)
	with := b.Build(j.snap.Revision)
	for _, child := range by {
		cd, err := j.describe(ctx, first, child.Name)
		if err != nil || cd == nil {
			return err
		}
		for _, f := range cd.foreign {
			if f.refName == t.Name && f.refSchema == t.DB {
				if err := foreignKeyRule(with, child, f); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// movable refuses tables with more to them than rows, which tables beside would not have.
func (j *job) movable(ctx context.Context, old *topo.Table, d *described) error {
	by, err := j.referring(ctx, j.todo.Shapes[0], old.Name)
	switch {
	case err != nil:
		return err
	case len(old.Triggers) > 0:
		return unsupported("ALTER TABLE … SHARD KEY of a table with rows and triggers: DROP TRIGGER " + old.Triggers[0].Name + " before, and make it anew afterwards")
	case len(d.foreign) > 0:
		return unsupported("ALTER TABLE … SHARD KEY of a table with rows and foreign keys: DROP FOREIGN KEY " + d.foreign[0].name + " before, and ADD it afterwards, if the new shard key can keep it")
	case len(by) > 0:
		return unsupported("ALTER TABLE … SHARD KEY of a table with rows that a foreign key of table '" + by[0].Name + "' references: drop that before, and add it afterwards, if the new shard key can keep it")
	case d.typ != "BASE TABLE":
		return unsupported("ALTER TABLE … SHARD KEY of a system-versioned table with rows: they have versions, which copies would not")
	}
	return nil
}

// having are the statement's partitions that may have rows of a table.
func (j *job) having(t *topo.Table) (out []place) {
	for i, p := range j.todo.Places {
		if t.In(i) {
			out = append(out, p)
		}
	}
	return out
}

// withoutRows says whether a table has no rows. conns are connections that have it locked, nil for none.
func (j *job) withoutRows(ctx context.Context, t *topo.Table, conns map[place]*backend.Conn) (bool, error) {
	found := make(chan struct{}, len(j.todo.Places))
	_, err := each(j.having(t), func(p place) (err error) {
		var res *backend.Result
		sql := "SELECT 1 FROM " + id(p.Schema) + "." + id(t.Name) + " LIMIT 1"
		if c := conns[p]; c != nil {
			res, err = c.Query(ctx, sql)
		} else {
			res, err = j.asCluster(ctx, p, "", sql)
		}
		if err == nil && len(res.Rows) > 0 {
			found <- struct{}{}
		}
		return err
	})
	return len(found) == 0, err
}

// reshardEmpty has nodes plan by the new key; false: there are rows by now.
func (j *job) reshardEmpty(ctx context.Context, old, t *topo.Table) (bool, error) {
	conns, err := j.alone(ctx, topo.ClosedToAll, "", "WRITE")
	if err != nil {
		return false, err
	}
	defer func() { unlock(j.lock.Context(), conns); release(conns) }()
	if empty, err := j.withoutRows(ctx, old, conns); err != nil || !empty {
		return false, err
	}
	first := j.todo.Places[topo.SingleOrdinal]
	if err := j.numbers(ctx, old, t, t.Name, func(sql string) (*backend.Result, error) { return conns[first].Query(ctx, sql) }); err != nil {
		return false, err
	}
	err = j.commit(ctx, func(x *catalog.Txn) error {
		x.PutTable(t)
		return nil
	})
	if err == nil {
		j.dropNumbers(t, old.ID)
	}
	return true, err
}

// reshardRows copies the rows and has the copies take the table's place.
func (j *job) reshardRows(ctx context.Context, old, t *topo.Table) (rows uint64, err error) {
	name := t.Name
	j.todo.Try = "ow$key$" + strconv.FormatUint(j.rec.ID, 10)
	if err := j.save(ctx, "copies"); err != nil {
		return 0, err
	}
	if _, err := each(j.todo.Places, func(p place) error {
		_, err := j.asCluster(ctx, p, p.Schema, "CREATE TABLE "+id(j.todo.Try)+" LIKE "+id(name))
		return err
	}); err != nil {
		return 0, err
	}
	if rows, err = j.copyRows(ctx, old, t); err != nil {
		return 0, err
	}
	first := j.todo.Places[topo.SingleOrdinal]
	if err := j.numbers(ctx, old, t, j.todo.Try, func(sql string) (*backend.Result, error) { return j.asCluster(ctx, first, "", sql) }); err != nil {
		return 0, err
	}
	if err := j.replicated(ctx); err != nil {
		return 0, err
	}
	conns, err := j.alone(ctx, topo.ClosedToAll, topo.ClosedToWrites, "WRITE")
	if err != nil {
		return 0, err
	}
	j.todo.Go = true
	if err = j.save(ctx, "go"); err != nil {
		j.todo.Go = false
	}
	if !errors.Is(err, errCrash) {
		unlock(j.lock.Context(), conns) // nobody is there any more, and nobody gets in
	}
	release(conns)
	if err != nil {
		return 0, err
	}
	done, cancel := context.WithCancel(j.lock.Context()) // DROP may take its time
	defer cancel()
	return rows, j.finishReshard(done)
}

// copyRows fills the tables beside, while others read.
func (j *job) copyRows(ctx context.Context, old, t *topo.Table) (uint64, error) {
	reading, err := j.alone(ctx, topo.ClosedToWrites, "", "READ")
	if err != nil {
		return 0, err
	}
	defer func() { unlock(j.lock.Context(), reading); release(reading) }()
	filling := map[place]*backend.Conn{}
	defer func() { release(filling) }()
	c := rekey.Copy{Table: t, Into: j.todo.Try}
	for i, p := range j.todo.Places {
		if filling[p], err = j.own(ctx, p, p.Schema); err != nil {
			delete(filling, p)
			return 0, err
		}
		c.To = append(c.To, rekey.Side{Conn: filling[p], Schema: p.Schema})
		if old.In(i) {
			c.From = append(c.From, rekey.Side{Conn: reading[p], Schema: p.Schema})
		}
	}
	if err := j.step("copy"); err != nil {
		return 0, err
	}
	return c.Run(ctx)
}

// finishReshard has the copies take the table's place, and only then forgets what it was.
func (j *job) finishReshard(ctx context.Context) error {
	db, name, to := j.todo.DB, j.todo.Tables[0], j.todo.Placing
	gone := "ow$old$" + strconv.FormatUint(j.rec.ID, 10)
	is := j.cfg.Catalog.Snapshot().Table(db, name)
	replaced := is != nil && is.ID == to.ID && is.SamePlaces(to.table(db, name, &described{columns: is.Columns}))
	if _, err := each(j.todo.Places, lookingAgain(func(p place) error {
		beside, err := j.showCreate(ctx, p, j.todo.Try)
		if err != nil || replaced {
			return err
		}
		if beside == "" {
			done, err := j.showCreate(ctx, p, gone)
			if err == nil && done == "" {
				err = fmt.Errorf("leaf %s has no copy of table '%s.%s'", p.Leaf, p.Schema, name)
			}
			return err
		}
		_, err = j.asCluster(ctx, p, "", renameText(p, []renamed{{name, gone}, {j.todo.Try, name}}))
		return err
	})); err != nil {
		return err
	}
	if err := j.replicated(ctx); err != nil {
		return err
	}
	d, err := j.describe(ctx, j.todo.Shapes[0], name)
	if err != nil {
		return err
	}
	if d == nil {
		return topo.NoTable(db, name)
	}
	t := to.table(db, name, d)
	if err := j.step("topology"); err != nil {
		return err
	}
	if _, err := j.cfg.Catalog.Update(ctx, func(x *catalog.Txn) error {
		x.Hold(j.lock)
		old := x.Table(db, name)
		if old == nil {
			return topo.NoTable(db, name)
		}
		t.Triggers = old.Triggers
		x.PutTable(t)
		return nil
	}); err != nil {
		return unavailable(err)
	}
	if _, err := each(j.todo.Places, func(p place) error {
		_, err := j.asCluster(ctx, p, "", "DROP TABLE IF EXISTS "+id(p.Schema)+"."+id(gone))
		return err
	}); err != nil {
		return err
	}
	if err := j.commit(ctx, nil); err != nil {
		return err
	}
	j.dropNumbers(t, to.Was)
	return nil
}

// undoReshard opens the table, and drops what was made beside it.
func (j *job) undoReshard(ctx context.Context) error {
	if j.decided != undecided { // whoever reads the record is not to look for what is dropped here
		j.todo.Go = false
		if err := j.save(ctx, "undo"); err != nil {
			return err
		}
		j.decided = undecided
	}
	if _, err := j.setClosed(ctx, ""); err != nil {
		return err
	}
	if j.todo.Try != "" {
		if _, err := each(j.todo.Places, func(p place) error {
			_, err := j.asCluster(ctx, p, "", "DROP TABLE IF EXISTS "+id(p.Schema)+"."+id(j.todo.Try))
			return err
		}); err != nil {
			return err
		}
	}
	if p := j.todo.Placing; p.ID != p.Was {
		return j.cfg.Catalog.DropSequences(ctx, p.ID)
	}
	return nil
}

// numbers carries the next AUTO_INCREMENT value over, where the cluster is to give what one server has, or the other way round. ask asks the partition of single tables; under is the
// table's name there.
func (j *job) numbers(ctx context.Context, old, t *topo.Table, under string, ask func(sql string) (*backend.Result, error)) error {
	if old.AutoIncrement < 0 || old.Numbered() == t.Numbered() {
		return nil
	}
	p := j.todo.Places[topo.SingleOrdinal]
	if err := j.step("numbers"); err != nil {
		return err
	}
	if t.Numbered() {
		res, err := ask("SELECT COALESCE(AUTO_INCREMENT, 1) FROM information_schema.TABLES WHERE TABLE_SCHEMA = " + lit(p.Schema) + " AND TABLE_NAME = " + lit(old.Name))
		if err != nil {
			return err
		}
		n, err := strconv.ParseUint(string(res.Rows[0][0]), 10, 64)
		if err != nil {
			return err
		}
		return j.cfg.Catalog.Sequence(t.ID).Reset(ctx, n)
	}
	if n := j.cfg.Catalog.Upcoming(ctx, []uint64{old.ID})[old.ID]; n > 1 {
		_, err := ask("ALTER TABLE " + id(p.Schema) + "." + id(under) + " AUTO_INCREMENT = " + strconv.FormatUint(n, 10))
		return err
	}
	return nil
}

// dropNumbers forgets what gave the table's AUTO_INCREMENT values before.
func (j *job) dropNumbers(t *topo.Table, was uint64) {
	if t.Numbered() && t.ID == was {
		return
	}
	ctx, cancel := j.detached()
	defer cancel()
	if err := j.cfg.Catalog.DropSequences(ctx, was); err != nil {
		j.log.Warn("ddl: the sequence of a table whose values it does not give any more could not be dropped", "table", t.DB+"."+t.Name, "error", err)
	}
}
