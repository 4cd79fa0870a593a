package gateway

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// A temporary sequence lives where the session's temporary tables do, and stands before a sequence of its name that is everybody's, but for CREATE and ALTER SEQUENCE, as in MariaDB. What needs nothing but
// it and the other things that are there is run there. Others get its values put into them, as those of any sequence; its LASTVAL is asked for, as the connection with it is the session's alone.

// temporarySequence is a temporary sequence as those that ask one know it; nil when the name is another one's.
func (s *session) temporarySequence(k tableKey) *topo.Table {
	if _, found := s.temps.tables[k]; found {
		return s.temps.sequences[k]
	}
	return nil
}

// sequenceNamed is the sequence that a name means to the session; nil when there is none.
func (s *session) sequenceNamed(snap *topo.Snapshot, db, name string) *topo.Table {
	if t := s.temporarySequence(tableKey{db, name}); t != nil {
		return t
	}
	if t := snap.Table(db, name); t != nil && t.Kind == topo.Sequence {
		return t
	}
	return nil
}

// asksTemporary says whether a statement asks a temporary sequence.
func (s *session) asksTemporary(scan *sqltext.Scan, stmt *sqltext.Stmt) bool {
	return len(s.temps.sequences) > 0 && stmt.Facts&sqltext.HasSequence != 0 &&
		slices.ContainsFunc(sqltext.SequenceUses(scan, s.mode()), func(u sqltext.SequenceUse) bool { return s.temporarySequence(s.keyOf(u.Table)) != nil })
}

func temporaryUse(u sequenceUse) bool { return u.of.Temporary }

// allTemporary says whether a statement that asks sequences needs nothing but what is where the temporary ones are.
func (s *session) allTemporary(stmt *sqltext.Stmt, uses []sequenceUse, snap *topo.Snapshot) bool {
	other := func(u sequenceUse) bool { return !u.of.Temporary }
	if len(uses) == 0 || slices.ContainsFunc(uses, other) || s.elsewhere(stmt.Tables, snap) != nil {
		return false
	}
	switch stmt.Kind {
	case sqltext.KindSelect, sqltext.KindDo:
		return true
	case sqltext.KindInsert:
		return stmt.Insert.Table != nil && s.isTemporary(stmt.Insert.Table)
	case sqltext.KindUpdate, sqltext.KindDelete:
		return !s.writesTo(stmt, func(t *sqltext.TableName) bool { return !s.isTemporary(t) })
	}
	return false
}

// drawTemporary asks a temporary sequence for values.
func (s *session) drawTemporary(ctx context.Context, t *topo.Table, n int) (out []string, err error) {
	call := "NEXTVAL(" + quoteName(t.DB) + "." + quoteName(t.Name) + ")"
	for len(out) < n {
		now := min(n-len(out), drawnAtOnce)
		res, err := s.runTemporary(ctx, "SELECT "+call+strings.Repeat(","+call, now-1))
		if err != nil {
			return nil, err
		}
		if len(res.Rows) != 1 || len(res.Rows[0]) != now {
			return nil, wire.Errorf(wire.ErUnknown, "a leaf gave no values of a sequence")
		}
		for _, v := range res.Rows[0] {
			if _, err := strconv.ParseInt(string(v), 10, 64); err != nil {
				return nil, wire.Errorf(wire.ErUnknown, "a leaf gave no number as a sequence's value")
			}
			out = append(out, string(v))
		}
	}
	return out, nil
}

// lastOf is what a sequence has given the session last; known is false when it has given nothing.
func (s *session) lastOf(ctx context.Context, t *topo.Table) (v string, known bool, err error) {
	if !t.Temporary {
		v, known = s.lastValue[keyOfSequence(t)]
		return v, known, nil
	}
	res, err := s.runTemporary(ctx, "SELECT LASTVAL("+quoteName(t.DB)+"."+quoteName(t.Name)+")")
	if err != nil {
		return "", false, err
	}
	if len(res.Rows) != 1 || len(res.Rows[0]) != 1 || res.Rows[0][0] == nil {
		return "", false, nil
	}
	return string(res.Rows[0][0]), true, nil
}

// stillThere forgets the temporary tables among some that a statement has dropped before it failed.
func (s *session) stillThere(ctx context.Context, tables []*sqltext.TableName) error {
	for _, t := range tables {
		k := s.keyOf(t)
		if !s.temps.tables[k] {
			continue
		}
		res, err := s.runTemporary(ctx, "SHOW CREATE TABLE "+quoteName(k.db)+"."+quoteName(k.table))
		var own *wire.ServerError
		switch {
		case err != nil && !errors.As(err, &own):
			return err
		case err != nil, len(res.Rows) != 1, len(res.Rows[0]) < 2, !strings.HasPrefix(string(res.Rows[0][1]), "CREATE TEMPORARY "):
			delete(s.temps.tables, k)
		}
	}
	return nil
}

// alive says whether a temporary table is there still.
func (s *session) alive(k tableKey) bool {
	s.noteLost()
	return s.temps.tables[k]
}
