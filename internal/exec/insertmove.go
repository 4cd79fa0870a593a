package exec

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// insertMoving inserts rows one after another, where ON DUPLICATE KEY UPDATE may change the shard key of those that are met.
func (r *Runner) insertMoving(ctx context.Context, st *Statement, to *insertPlaces, rows []rowPlace, first uint64) error {
	places := map[int]bool{}
	for i := range rows {
		places[rows[i].ordinal] = true
	}
	if err := st.across(len(places), false); err != nil {
		return err
	}
	own := !st.Tx.InTransaction() && st.Tx.Autocommit()
	g := st.Tx.Group()
	m := r.insertMover(st, g, to)
	return m.inTurn(ctx, rows, first, own, func(clock []byte, i int, place txn.Place) error {
		which := []int{i}
		j := job{place: place, rows: which, part: st.insertPart(clock, place, which, rows)}
		err := m.before(ctx, place)
		if err == nil {
			err = m.run(ctx, &j)
		}
		if err != nil {
			m.jobs = append(m.jobs, j)
			return m.elsewhere(ctx, err)
		}
		err = m.met(ctx, &j, rows[i].ordinal)
		m.jobs = append(m.jobs, j)
		return err
	})
}

// inTurn inserts rows one after another, each by insert, and ends the statement; own says that it is a transaction by itself.
func (m *mover) inTurn(ctx context.Context, rows []rowPlace, first uint64, own bool, insert func(clock []byte, i int, place txn.Place) error) error {
	st := m.st
	err := func() error {
		clock := st.clock()
		for i := range rows {
			place, err := m.to.at(rows[i].ordinal)
			if err != nil {
				return err
			}
			if err := insert(clock, i, place); err != nil {
				return err
			}
		}
		return nil
	}()
	if err = m.g.End(ctx, err); err != nil && own {
		err = st.undone(err)
	}
	if st.noteFailure(m.jobs, err); err != nil {
		return err
	}
	return st.inserted(m.jobs, rows, first)
}

// notUnderLocks refuses what is not done under LOCK TABLES.
func (st *Statement) notUnderLocks(reason string) error {
	if st.Tx.Pinned(txn.PinLocks) {
		return errorf(wire.ErNotSupported, "This version of Orbweaver doesn't yet support 'this statement' under LOCK TABLES: %s", reason)
	}
	return nil
}

// insertMover moves rows that an INSERT has met.
func (r *Runner) insertMover(st *Statement, g *txn.Group, to *insertPlaces) *mover {
	m := &mover{r: r, st: st, g: g, to: to}
	var moves *plan.KeyMoves
	if in := st.Plan.Insert; in != nil {
		m.table, moves = in.Table, in.Moves
	} else {
		m.table, moves = st.Plan.InsertSelect.Table, st.Plan.InsertSelect.Moves
	}
	m.columns, m.what, m.meets = moves.Columns, moves.Reason, moves
	return m
}

// before readies a place for an INSERT that may meet a row.
func (m *mover) before(ctx context.Context, at txn.Place) error {
	if m.meets.Told {
		if err := m.tell(ctx, at, "SET "+plan.MovedKey(0)+"=NULL"); err != nil {
			return err
		}
	}
	if m.meets.Ignores {
		return m.tell(ctx, at, "SAVEPOINT "+beforeMove)
	}
	return nil
}

// updatedRow is what MariaDB counts for a row that was met and changed, at least: a version that is kept counts, too.
const updatedRow = 2

// met moves the row that a job of one row has met at a partition, if it has another partition's key now.
func (m *mover) met(ctx context.Context, j *job, from int) error {
	if !m.meets.Told && j.res.ok.AffectedRows < updatedRow {
		return nil
	}
	sql := []string{}
	kinds := make([]movedKind, len(m.table.ShardKey))
	for k, c := range m.table.ShardKey {
		col := &m.table.Columns[c]
		kind, ok := movedAs(col)
		if col.Type == "enum" || col.Type == "set" { // variables have their words
			kind = movedKind{read: "HEX(%s)", write: "_" + col.Charset + " x'%s'"}
		}
		if !ok {
			return plan.NeedsStage(m.what + " of type " + col.Type)
		}
		kinds[k] = kind
		sql = append(sql, fmt.Sprintf(kind.read, plan.MovedKey(k)))
	}
	rows, err := m.ask(ctx, j.place, string(m.setting(asItIs))+"SELECT "+strings.Join(sql, ","))
	if err != nil {
		return err
	}
	cells := rows[0]
	if m.meets.Told && cells[0] == nil {
		return nil
	}
	exprs := make([]string, len(kinds))
	for k := range kinds {
		if exprs[k] = "NULL"; cells[k] != nil {
			exprs[k] = fmt.Sprintf(kinds[k].write, cells[k])
		}
	}
	ordinal, stored, err := m.r.storedPlace(ctx, m.st, m.table, m.to.f, exprs, asSession, 0)
	if err != nil || ordinal == from {
		return err
	}
	if m.st.OneShard {
		return ErrAcross
	}
	if err := m.movable(ctx); err != nil {
		return err
	}
	err = m.move(ctx, j.place, ordinal, stored.values, nil)
	if e := (*wire.ServerError)(nil); m.meets.Ignores && errors.As(err, &e) && e.Code == wire.ErDupEntry {
		res := &j.res
		res.ok.AffectedRows = 0
		res.ok.Warnings++
		res.notes = append(res.notes, Note{Level: "Warning", Code: strconv.Itoa(int(e.Code)), Message: e.Message})
		if n := numbers(res.info); len(n) == 3 { // with IGNORE rows that left nothing are duplicates
			res.info = recount(res.info, []int64{n[0], n[0], int64(res.ok.Warnings)})
		}
		return m.tell(ctx, j.place, "ROLLBACK TO SAVEPOINT "+beforeMove)
	}
	return err
}
