package ddl

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/rekey"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// move is a table whose rows are to be elsewhere: as it is, as it is to be, and as the first shape describes it. note says why it goes along with another.
type move struct {
	old, t *topo.Table
	d      *described
	note   Note
}

// reshardEmpty has nodes plan by the new keys; false: there are rows by now.
func (j *job) reshardEmpty(ctx context.Context, moves []move) (bool, error) {
	conns, err := j.alone(ctx, topo.ClosedToAll, "", "WRITE")
	if err != nil {
		return false, err
	}
	defer func() { unlock(j.lock.Context(), conns); release(conns) }()
	if empty, err := j.allWithoutRows(ctx, moves, conns); err != nil || !empty {
		return false, err
	}
	first := j.todo.Places[topo.SingleOrdinal]
	for _, m := range moves {
		if err := j.numbers(ctx, m.old, m.t, m.t.Name, func(sql string) (*backend.Result, error) { return conns[first].Query(ctx, sql) }); err != nil {
			return false, err
		}
	}
	err = j.commit(ctx, func(x *catalog.Txn) error {
		for _, m := range moves {
			x.PutTable(m.t)
		}
		return nil
	})
	if err == nil {
		for _, m := range moves {
			j.dropNumbers(m.t, m.old.ID)
		}
	}
	return true, err
}

// reshardRows copies the rows and has the copies take the tables' places.
func (j *job) reshardRows(ctx context.Context, moves []move) (rows uint64, err error) {
	creates := make([]string, len(moves))
	for i, m := range j.todo.Moves {
		m.Try = j.beside("key", i)
		if creates[i], m.Foreign, err = j.createBeside(ctx, j.todo.Places[0], m.Table, m.Try); err != nil {
			return 0, err
		}
	}
	if err := j.save(ctx, "copies"); err != nil {
		return 0, err
	}
	if _, err := each(j.todo.Places, func(p place) error {
		_, err := j.asCluster(ctx, p, p.Schema, append([]string{"SET sql_mode='', innodb_strict_mode=0"}, creates...)...)
		return err
	}); err != nil {
		return 0, err
	}
	if rows, err = j.copyRows(ctx, moves); err != nil {
		return 0, err
	}
	first := j.todo.Places[topo.SingleOrdinal]
	for i, m := range moves {
		if err := j.numbers(ctx, m.old, m.t, j.todo.Moves[i].Try, func(sql string) (*backend.Result, error) { return j.asCluster(ctx, first, "", sql) }); err != nil {
			return 0, err
		}
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

// beside is the name of what the statement's table of a number has beside it for a while.
func (j *job) beside(what string, number int) string {
	return "ow$" + what + "$" + strconv.FormatUint(j.rec.ID, 10) + "$" + strconv.Itoa(number)
}

// createBeside is what makes a table like another one, without its foreign keys, and these in the words of SHOW CREATE TABLE. Where there are some it is that text: of LIKE it would have
// indexes that the foreign keys have brought along, and adding these would bring others in their places, under other names.
func (j *job) createBeside(ctx context.Context, p place, table, as string) (create string, foreign []string, err error) {
	if create, err = j.showCreate(ctx, p, table); err != nil {
		return "", nil, err
	}
	scan := new(sqltext.Scan)
	if err := scan.Scan([]byte(create), sqltext.Mode{}); err != nil {
		return "", nil, err
	}
	stmt, err := sqltext.Parse(scan, sqltext.Mode{})
	if err != nil {
		return "", nil, err
	}
	if stmt.DDL == nil || len(stmt.DDL.Tables) != 1 {
		return "", nil, topo.NoTable(p.Schema, table)
	}
	if len(stmt.DDL.Foreign) == 0 {
		return "CREATE TABLE " + id(as) + " LIKE " + id(table), nil, nil
	}
	edits := []edit{{stmt.DDL.Tables[0].Span, id(as)}}
	for _, f := range stmt.DDL.Foreign {
		foreign = append(foreign, string(scan.AppendSpan(nil, f)))
		edits = append(edits, edit{span: sqltext.Span{From: f.From - 1, To: f.To}}) // with the comma before it: they stand behind columns
	}
	return withoutOurs(scan, stmt, edits), foreign, nil
}

// copyRows fills the tables beside, while others read.
func (j *job) copyRows(ctx context.Context, moves []move) (rows uint64, err error) {
	reading, err := j.alone(ctx, topo.ClosedToWrites, "", "READ")
	if err != nil {
		return 0, err
	}
	defer func() { unlock(j.lock.Context(), reading); release(reading) }()
	filling := map[place]*backend.Conn{}
	defer func() { release(filling) }()
	for _, p := range j.todo.Places {
		if filling[p], err = j.own(ctx, p, p.Schema); err != nil {
			delete(filling, p)
			return 0, err
		}
	}
	for n, m := range moves {
		c := rekey.Copy{Table: m.t, Into: j.todo.Moves[n].Try}
		if m.d.typ == versioned {
			if c.Period, err = j.period(ctx, m); err != nil {
				return 0, err
			}
		}
		for i, p := range j.todo.Places {
			c.To = append(c.To, rekey.Side{Conn: filling[p], Schema: p.Schema})
			if m.old.In(i) {
				c.From = append(c.From, rekey.Side{Conn: reading[p], Schema: p.Schema})
			}
		}
		if err := j.step("copy"); err != nil {
			return 0, err
		}
		copied, err := c.Run(ctx)
		if err != nil {
			return 0, err
		}
		rows += copied
	}
	return rows, nil
}

// unlooked has a session change tables whatever foreign keys lead to them.
const unlooked = "SET foreign_key_checks=0"

// unlookedFor is the same for the one statement behind it.
const unlookedFor = "SET STATEMENT foreign_key_checks=0 FOR "

// finishReshard has the copies take the tables' places and gives them what they lack: first their foreign keys, whose names are free only when the tables are gone that had them, then
// triggers, which are not to see the copying. Nobody is let in before.
func (j *job) finishReshard(ctx context.Context) error {
	db := j.todo.DB
	if !j.todo.Swapped {
		if _, err := each(j.todo.Places, lookingAgain(func(p place) error { return j.swap(ctx, p) })); err != nil {
			return err
		}
		if err := j.replicated(ctx); err != nil {
			return err
		}
		j.todo.Swapped = true
		if err := j.save(ctx, "swapped"); err != nil {
			return err
		}
	}
	if _, err := each(j.todo.Places, func(p place) error {
		sql := []string{unlooked}
		for i := range j.todo.Moves {
			sql = append(sql, "DROP TABLE IF EXISTS "+id(p.Schema)+"."+id(j.beside("old", i)))
		}
		_, err := j.asCluster(ctx, p, "", sql...)
		return err
	}); err != nil {
		return err
	}
	if _, err := each(j.todo.Places, lookingAgain(func(p place) error { return j.addForeign(ctx, p) })); err != nil {
		return err
	}
	var now []*topo.Table
	for _, m := range j.todo.Moves {
		old := j.cfg.Catalog.Snapshot().Table(db, m.Table)
		d, err := j.describe(ctx, j.todo.Shapes[0], m.Table)
		if err != nil {
			return err
		}
		if d == nil || old == nil {
			return topo.NoTable(db, m.Table)
		}
		t := m.table(db, m.Table, d)
		t.Triggers = old.Triggers
		if len(t.Triggers) > 0 {
			if err := j.partitionTriggers(ctx, t); err != nil {
				return err
			}
		}
		now = append(now, t)
	}
	if err := j.commit(ctx, func(x *catalog.Txn) error {
		for _, t := range now {
			if x.Table(db, t.Name) == nil {
				return topo.NoTable(db, t.Name)
			}
			x.PutTable(t)
		}
		return nil
	}); err != nil {
		return err
	}
	for i, t := range now {
		j.dropNumbers(t, j.todo.Moves[i].Was)
	}
	return nil
}

// swap gives a partition's copies the names of the tables, where that is not done.
func (j *job) swap(ctx context.Context, p place) error {
	var names []renamed
	for i, m := range j.todo.Moves {
		gone := j.beside("old", i)
		beside, err := j.showCreate(ctx, p, m.Try)
		if err != nil {
			return err
		}
		if beside != "" {
			names = append(names, renamed{m.Table, gone}, renamed{m.Try, m.Table})
			continue
		}
		done, err := j.showCreate(ctx, p, gone)
		if err == nil && done == "" {
			err = fmt.Errorf("leaf %s has no copy of table '%s.%s'", p.Leaf, p.Schema, m.Table)
		}
		if err != nil {
			return err
		}
	}
	if len(names) == 0 {
		return nil
	}
	_, err := j.asCluster(ctx, p, "", unlooked, renameText(p, names))
	return err
}

// addForeign gives a partition's tables the foreign keys that they had. Their rows have been looked at where they were, or not, as whoever made them wanted.
func (j *job) addForeign(ctx context.Context, p place) error {
	for _, m := range j.todo.Moves {
		if len(m.Foreign) == 0 {
			continue
		}
		d, err := j.describe(ctx, p, m.Table)
		if err != nil {
			return err
		}
		if d == nil {
			return topo.NoTable(p.Schema, m.Table)
		}
		if len(d.foreign) > 0 {
			continue
		}
		sql := "ALTER TABLE " + id(m.Table)
		for i, f := range m.Foreign {
			if i > 0 {
				sql += ","
			}
			sql += " ADD " + f
		}
		if _, err := j.asCluster(ctx, p, p.Schema, unlooked, sql); err != nil {
			return err
		}
	}
	return nil
}

// undoReshard opens the tables, and drops what was made beside them.
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
	if slices.ContainsFunc(j.todo.Moves, func(m *placing) bool { return m.Try != "" }) {
		if _, err := each(j.todo.Places, func(p place) error {
			var sql []string
			for _, m := range j.todo.Moves {
				sql = append(sql, "DROP TABLE IF EXISTS "+id(p.Schema)+"."+id(m.Try))
			}
			_, err := j.asCluster(ctx, p, "", sql...)
			return err
		}); err != nil {
			return err
		}
	}
	for _, m := range j.todo.Moves {
		if m.ID != m.Was {
			if err := j.cfg.Catalog.DropSequences(ctx, m.ID); err != nil {
				return err
			}
		}
	}
	return nil
}
