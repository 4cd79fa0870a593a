package ddl

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// shardKey is the kind of record of ALTER TABLE … SHARD KEY.
const shardKey = "shard key"

// placing says where a table's rows are.
type placing struct {
	// Table is its name, of ALTER TABLE … SHARD KEY and what gathers tables.
	Table    string         `json:"table,omitempty"`
	Kind     topo.TableKind `json:"kind"`
	ShardKey []string       `json:"shard_key,omitempty"`
	Explicit bool           `json:"explicit,omitempty"`
	Chosen   bool           `json:"chosen,omitempty"`
	// ID is the table's; Was is the one before. A table whose AUTO_INCREMENT values become the cluster's gets another: nodes may have kept values of the one that it had when they were.
	ID  uint64 `json:"id"`
	Was uint64 `json:"was"`
	// Try is the name of the copies that are to take the table's place, and Foreign their foreign keys: as partitions say them, for ALTER TABLE … ADD.
	Try     string   `json:"try,omitempty"`
	Foreign []string `json:"foreign,omitempty"`
}

func placingOf(t *topo.Table, was uint64) *placing {
	p := &placing{Table: t.Name, Kind: t.Kind, Explicit: t.Explicit, Chosen: t.Chosen, ID: t.ID, Was: was}
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
	t := d.table(db, name, p.Kind, key, p.Explicit, p.ID)
	t.Chosen = p.Chosen
	return t
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
	res := &Result{}
	if !j.s.gather.own {
		if res, err = j.first(ctx, all[0], j.spliced()); err != nil { // whether the account may; nothing is left to be changed there
			return nil, err
		}
	}
	j.todo = todo{DB: db, Shapes: all, Places: places}
	moves, err := j.movesOf(ctx, old)
	if err != nil {
		return nil, clientError(err, db)
	}
	if t := moves[0].t; old.SamePlaces(t) {
		if old.Explicit != t.Explicit || old.Chosen {
			_, err = j.cfg.Catalog.Update(j.answered(ctx), func(x *catalog.Txn) error {
				x.Hold(j.lock)
				x.PutTable(t)
				return nil
			})
		}
		return res, unavailable(err)
	}
	for _, m := range moves {
		j.todo.Tables = append(j.todo.Tables, m.t.Name)
		j.todo.Moves = append(j.todo.Moves, placingOf(m.t, m.old.ID))
		if m.old != old {
			res.Notes = append(res.Notes, m.note)
		}
	}
	empty, err := j.allWithoutRows(ctx, moves, nil)
	if err == nil && !empty {
		err = j.movable(ctx, moves)
	}
	if err != nil {
		return nil, clientError(err, db)
	}
	if err := j.record(ctx, shardKey); err != nil {
		return nil, err
	}
	if empty {
		empty, err = j.reshardEmpty(ctx, moves)
		if err == nil && empty {
			return res, nil
		}
		if err == nil {
			err = j.movable(ctx, moves)
		}
	}
	if err == nil {
		res.Affected, err = j.reshardRows(ctx, moves)
	}
	switch {
	case err == nil:
		return res, nil
	case j.todo.Go:
		return nil, j.late(err)
	case j.committing && errors.Is(err, catalog.ErrUnknown):
		return nil, unfinished(err.Error(), err)
	}
	err = clientError(err, db)
	for _, m := range j.todo.Moves {
		err = underName(err, m.Try, m.Table)
	}
	return nil, j.abandon(err, j.undoReshard)
}

// movesOf is the statement's table as it would have it, and those that go along: whose foreign keys tie them to it, and of which nobody has said where they are to be. All are judged as
// tables that are made.
func (j *job) movesOf(ctx context.Context, old *topo.Table) ([]move, error) {
	first := j.todo.Shapes[0]
	d, err := j.describe(ctx, first, old.Name)
	if err != nil {
		return nil, err
	}
	if d == nil {
		return nil, topo.NoTable(old.DB, old.Name)
	}
	t, err := j.newTable(old.DB, old.Name, d, nil, old.ID)
	if err != nil {
		return nil, err
	}
	t.Triggers = old.Triggers
	if t.Numbered() && !old.Numbered() {
		if t.ID, err = j.cfg.Catalog.NewTableID(ctx); err != nil {
			return nil, err
		}
	}
	moves := []move{{old: old, t: t, d: d}}
	if t.Kind == topo.Single {
		tied, err := j.tied(ctx, old.DB, []tie{{name: old.Name}})
		if err != nil {
			return nil, err
		}
		for _, m := range tied {
			if m.old == old {
				continue
			}
			if m.old.Written() {
				advice, err := j.advice(ctx, "", tied)
				if err != nil {
					return nil, err
				}
				return nil, refuse(erUnsupportedHere, "42000", "Table '%s' can't have all its rows in one partition: foreign keys tie it to '%s', whose SHARD KEY was written. What would do: %s", old.Name, m.t.Name, advice)
			}
			moves = append(moves, m)
		}
	}
	if err := j.standTogether(ctx, moves, first); err != nil {
		return nil, j.inTheWay(ctx, moves[0], first, err)
	}
	return moves, nil
}

// inTheWay adds to a refusal which foreign keys keep a table from where it is to be.
func (j *job) inTheWay(ctx context.Context, m move, first place, why error) error {
	var own *Error
	if !errors.As(why, &own) {
		return why
	}
	b := topo.NewBuilder(j.snap)
	b.PutTable(m.t)
	with := b.Build(j.snap.Revision)
	by, err := j.referring(ctx, first, m.t.Name)
	if err != nil {
		return err
	}
	var drop []string
	for _, c := range append([]child{{m.t, m.d.foreign}}, by...) {
		for _, f := range c.foreign {
			if foreignKeyRule(with, c.t, f) != nil {
				drop = append(drop, "ALTER TABLE "+id(c.t.Name)+" DROP FOREIGN KEY "+id(f.name))
			}
		}
	}
	if len(drop) == 0 {
		return why
	}
	return refuse(own.Code, own.State, "%s. What would do before it: %s", own.Message, strings.Join(drop, "; "))
}

// standTogether judges tables with their rows in other places, and what leads to them.
func (j *job) standTogether(ctx context.Context, moves []move, first place) error {
	b := topo.NewBuilder(j.snap)
	for _, m := range moves {
		b.PutTable(m.t)
	}
	with := b.Build(j.snap.Revision)
	for _, m := range moves {
		if err := j.stands(ctx, with, m.t, m.d, first); err != nil {
			return err
		}
	}
	return nil
}

// stands judges a table with its rows in other places, and what leads to it, in the topology that has it there.
func (j *job) stands(ctx context.Context, with *topo.Snapshot, t *topo.Table, d *described, first place) error {
	if err := check(with, t, d); err != nil {
		return err
	}
	if err := triggersStandWith(with, t); err != nil {
		return err
	}
	by, err := j.referring(ctx, first, t.Name)
	if err != nil {
		return err
	}
	for _, c := range by {
		child := with.Table(t.DB, c.t.Name)
		for _, f := range c.foreign {
			if err := foreignKeyRule(with, child, f); err != nil {
				return err
			}
		}
	}
	return nil
}

// movable refuses tables with more to them than rows, which tables beside would not have.
func (j *job) movable(ctx context.Context, moves []move) error {
	if j.s.gather.emptyOnly {
		return refuse(erLockWait, "HY000", "Lock wait timeout exceeded; table '%s' or one that its foreign keys lead to got rows while it was to be placed anew; try again", moves[0].t.Name)
	}
	for _, m := range moves {
		if m.d.typ == versioned {
			if _, err := j.period(ctx, m); err != nil {
				return err
			}
		}
		by, err := j.referring(ctx, j.todo.Shapes[0], m.t.Name)
		if err != nil {
			return err
		}
		for _, child := range by { // which would go on leading to what is there now
			if !slices.ContainsFunc(moves, func(o move) bool { return o.t.Name == child.t.Name }) {
				return unsupported("ALTER TABLE … SHARD KEY of a table with rows that a foreign key of table '" + child.t.Name + "' references, which stays where it is: drop that before, and add it afterwards")
			}
		}
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

// withoutRows says whether a table has no rows, and no versions of any. conns are connections that have it locked, nil for none.
func (j *job) withoutRows(ctx context.Context, t *topo.Table, d *described, conns map[place]*backend.Conn) (bool, error) {
	found := make(chan struct{}, len(j.todo.Places))
	_, err := each(j.having(t), func(p place) (err error) {
		var res *backend.Result
		sql := "SELECT 1 FROM " + id(p.Schema) + "." + id(t.Name)
		if d != nil && d.typ == versioned {
			sql += " FOR SYSTEM_TIME ALL"
		}
		sql += " LIMIT 1"
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

// allWithoutRows is withoutRows for all tables that are to go elsewhere.
func (j *job) allWithoutRows(ctx context.Context, moves []move, conns map[place]*backend.Conn) (bool, error) {
	for _, m := range moves {
		if empty, err := j.withoutRows(ctx, m.old, m.d, conns); err != nil || !empty {
			return false, err
		}
	}
	return true, nil
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
