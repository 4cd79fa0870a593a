package gateway

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// A sequence is MariaDB's own, at its database's first partition. What asks nothing but sequences is run there. Other statements get values in the places of NEXTVAL (s), for which the
// sequence is asked before: outside of the transaction, as what it has given MariaDB does not take back either. LASTVAL (s) is the session's own, as each statement may have
// another connection.

// sequenceKey says which sequence LASTVAL is of: as in MariaDB it knows nothing of one that was made anew, or has another name.
type sequenceKey struct {
	id   uint64
	name string
}

func keyOfSequence(t *topo.Table) sequenceKey { return sequenceKey{t.ID, t.DB + "." + t.Name} }

// sequenceUse is a call with the sequence that it asks.
type sequenceUse struct {
	sqltext.SequenceUse
	of *topo.Table
}

// erNotSequence is MariaDB's number for a name that is none of a sequence.
const erNotSequence = 4089

// sequenceUses are a statement's calls.
func (s *session) sequenceUses(scan *sqltext.Scan, snap *topo.Snapshot) (out []sequenceUse, err error) {
	for _, u := range sqltext.SequenceUses(scan, s.mode()) {
		k := s.keyOf(u.Table)
		if k.db == "" {
			return nil, wire.Errorf(wire.ErNoDB, "No database selected")
		}
		t := snap.Table(k.db, k.table)
		switch own := s.temporarySequence(k); {
		case own != nil && !s.alive(k):
			return nil, errLostTemporary(k)
		case own != nil:
			out = append(out, sequenceUse{u, own})
		case t != nil && t.Kind == topo.Sequence && !s.isTemporary(u.Table):
			out = append(out, sequenceUse{u, t})
		case t != nil || snap.View(k.db, k.table) != nil || s.isTemporary(u.Table):
			return nil, &wire.ServerError{Code: erNotSequence, State: "42S02", Message: "'" + k.db + "." + k.table + "' is not a SEQUENCE"}
		case hidden(snap, k.db):
			return nil, topo.NoDatabase(k.db)
		default:
			return nil, topo.NoTable(k.db, k.table)
		}
	}
	return out, nil
}

// noSequence has MariaDB say of a query that a sequence is missing.
func (s *session) noSequence(ctx context.Context, w *worker, stmt *sqltext.Stmt, snap *topo.Snapshot, src source, err error) error {
	if stmt.Kind == sqltext.KindSelect && errors.Is(err, topo.ErrNoTable) {
		return s.forwardAny(ctx, w, snap, src)
	}
	return err
}

// asksSequences says whether a statement has more to it than a plan for what sequences give.
func (s *session) asksSequences(stmt *sqltext.Stmt, snap *topo.Snapshot) bool {
	switch stmt.Kind {
	case sqltext.KindSelect, sqltext.KindInsert, sqltext.KindUpdate, sqltext.KindDelete, sqltext.KindDo, sqltext.KindSet, sqltext.KindLoadData:
		return stmt.Facts&sqltext.HasSequence != 0 || s.drawing(stmt, snap) != nil
	}
	return false
}

// sequences serves a statement that asks sequences; handled is false when nothing of it is left to do.
func (s *session) sequences(ctx context.Context, w *worker, stmt *sqltext.Stmt, snap *topo.Snapshot, src source) (handled bool, err error) {
	if !s.asksSequences(stmt, snap) {
		return false, nil
	}
	uses, err := s.sequenceUses(&w.scan, snap)
	if err != nil {
		s.warnings = s.warnings[:0]
		return true, s.noSequence(ctx, w, stmt, snap, src, err)
	}
	if s.allTemporary(stmt, uses, snap) {
		return false, nil
	}
	if text := setBySequences(&w.scan, stmt, uses); text != nil {
		return true, s.rewritten(ctx, text, src)
	}
	if text, err := s.lastValues(ctx, &w.scan, stmt, snap, uses); err != nil {
		s.warnings = s.warnings[:0]
		return true, err
	} else if text != nil {
		return true, s.rewritten(ctx, text, src)
	}
	s.warnings = s.warnings[:0]
	asks := slices.ContainsFunc(uses, func(u sequenceUse) bool { return u.Name != "LASTVAL" })
	switch stmt.Kind {
	case sqltext.KindSelect, sqltext.KindDo:
		if !asks {
			return false, nil
		}
		return true, s.askSequence(ctx, w, stmt, snap, src, uses)
	}
	return s.drawValues(ctx, w, stmt, snap, src, uses)
}

// askSequence runs a statement where the sequences are that it asks.
func (s *session) askSequence(ctx context.Context, w *worker, stmt *sqltext.Stmt, snap *topo.Snapshot, src source, uses []sequenceUse) error {
	if s.namesTemporary(stmt) || slices.ContainsFunc(uses, temporaryUse) { // which no plan knows
		if items, edits, ok := s.drawnItems(&w.scan, stmt, uses); ok {
			return s.selectDrawn(ctx, w, items, edits, snap, src)
		}
		return errSequenceForm("NEXTVAL")
	}
	p, err := plan.Build(stmt, &w.scan, snap, s.sess)
	if err == nil && !p.Sequence && (p.Drawing == nil || slices.ContainsFunc(uses, func(u sequenceUse) bool { return u.Name == "SETVAL" })) {
		err = unsupported(firstWords(&w.scan, 1), "a sequence beside tables that are not where it is")
	}
	if err != nil || !p.Sequence {
		if items, edits, ok := s.drawnItems(&w.scan, stmt, uses); ok {
			return s.selectDrawn(ctx, w, items, edits, snap, src)
		}
		if err != nil {
			return s.owned(ctx, w, src, err)
		}
	}
	x := &extras{facts: stmt.Facts, drawn: drawnBy(uses)}
	if stmt.Facts&sqltext.HasUserVarAssign != 0 {
		x.assigned = userVars(&w.scan)
	}
	if p.Drawing != nil {
		if err := s.mayDraw(); err != nil {
			return err
		}
		return s.run(ctx, w, p, snap, src, x)
	}
	return s.atSequence(ctx, w, p, snap, src, x)
}

// drawnBy are the sequences that calls ask for their next values.
func drawnBy(uses []sequenceUse) (all []*topo.Table) {
	for _, u := range uses {
		if u.Name == "NEXTVAL" && !slices.Contains(all, u.of) {
			all = append(all, u.of)
		}
	}
	return all
}

// mayDraw refuses what sequences give in a transaction that may write nothing.
func (s *session) mayDraw() error {
	if s.tx.InTransaction() && s.tx.Modes().ReadOnly {
		return &wire.ServerError{Code: wire.ErReadOnlyTransaction, State: "25006", Message: "Cannot execute statement in a READ ONLY transaction"}
	}
	return nil
}

// atSequence runs a plan at a sequence's partition: on a connection of its own where the session has a transaction, which neither sees nor undoes what sequences do.
func (s *session) atSequence(ctx context.Context, w *worker, p *plan.Plan, snap *topo.Snapshot, src source, x *extras) error {
	if len(x.drawn) > 0 && slices.ContainsFunc(x.drawn, func(t *topo.Table) bool { return slices.Contains(s.lockedSequences, keyOfSequence(t)) }) {
		return s.run(ctx, w, p, snap, src, x) // on the connection that has locked it
	}
	if !src.draws && !s.tx.InTransaction() && s.tx.Autocommit() && s.xa == nil && !s.tables {
		return s.run(ctx, w, p, snap, src, x)
	}
	switch {
	case s.tx.InTransaction() && s.tx.Modes().ReadOnly && p.Writes:
		return &wire.ServerError{Code: wire.ErReadOnlyTransaction, State: "25006", Message: "Cannot execute statement in a READ ONLY transaction"}
	case p.Beside && s.tx.InTransaction():
		return unsupported(firstWords(&w.scan, 1), "a sequence beside a reference table, in a transaction: what sequences give is asked for outside of it")
	}
	tx := txn.New(s.g.cfg.Pools, s.login, backend.VariantOf(s.conn.Caps()))
	tx.SetGuard(s.g.guard)
	tx.SetState(s.tx.State())
	defer tx.Close()
	src.tx = tx
	return s.run(ctx, w, p, snap, src, x)
}

// readLast reads what the statement that has just run on a connection was given by sequences. The connection is reset afterwards: it must not know it any more when another session asks.
func (s *session) readLast(ctx context.Context, c *backend.Conn, drawn []*topo.Table) error {
	c.ResetOnRelease()
	names := make([]string, len(drawn))
	for i, t := range drawn {
		names[i] = "LASTVAL(" + quoteName(topo.PartitionID{DB: t.DB, Ordinal: topo.SequenceOrdinal}.Schema()) + "." + quoteName(t.Name) + ")"
	}
	res, err := c.Query(ctx, "SELECT "+strings.Join(names, ", "))
	if err != nil {
		return err
	}
	for i, t := range drawn {
		if v := res.Rows[0][i]; v != nil {
			s.setLast(t, string(v))
			if err := s.g.guard.reserved(ctx, t, string(v), c.Term()); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *session) setLast(t *topo.Table, v string) {
	if s.lastValue == nil {
		s.lastValue = map[sequenceKey]string{}
	}
	s.lastValue[keyOfSequence(t)] = v
}

// noLast forgets what a sequence has given when it has run out, as MariaDB does.
func (s *session) noLast(err error, drawn []*topo.Table) {
	var own *wire.ServerError
	if len(drawn) == 1 && errors.As(err, &own) && own.Code == erSequenceRunOut {
		delete(s.lastValue, keyOfSequence(drawn[0]))
	}
}

// erSequenceRunOut is MariaDB's number for a sequence without another value.
const erSequenceRunOut = 4084

// inTurn says whether all calls of a statement are made for certain, once for each row of values, and from left to right.
func inTurn(scan *sqltext.Scan, stmt *sqltext.Stmt, uses []sequenceUse) bool {
	var all []sqltext.Expr
	switch {
	case stmt.Insert != nil:
		for _, row := range stmt.Insert.Rows {
			all = append(all, row...)
		}
		for i := range stmt.Insert.Set {
			all = append(all, stmt.Insert.Set[i].Value)
		}
		if oneRow(stmt.Insert) {
			for i := range stmt.Insert.Items {
				all = append(all, stmt.Insert.Items[i].Expr)
			}
		}
	case stmt.Set != nil:
		for i := range stmt.Set.Vars {
			all = append(all, stmt.Set.Vars[i].Value)
		}
	case stmt.Kind == sqltext.KindSelect:
		q := stmt.Query
		if q == nil || q.Select == nil || q.With != nil {
			return false
		}
		sel := q.Select
		if sel.Distinct || len(sel.From) > 0 && !isDual(scan, sel.FromSpan) || sel.Where != nil || sel.Having != nil || sel.Limit != nil || len(sel.Group)+len(sel.Order) > 0 {
			return false
		}
		for i := range sel.Items {
			all = append(all, sel.Items[i].Expr)
		}
	}
	n := 0
	for _, e := range all {
		if e != nil && !certain(e, uses, &n) {
			return false
		}
	}
	return n == len(uses)
}

// steady are functions that evaluate all of their arguments.
var steady = map[string]bool{"CONCAT": true, "CONCAT_WS": true, "LPAD": true, "RPAD": true, "CAST": true, "CONVERT": true, "FORMAT": true, "HEX": true, "ABS": true, "MOD": true, "CHAR": true,
	"CONV": true, "UPPER": true, "LOWER": true, "REVERSE": true, "LEFT": true, "RIGHT": true, "SUBSTR": true, "SUBSTRING": true, "MD5": true, "SHA1": true, "BIN": true, "OCT": true, "-": true, "+": true, "~": true}

// certain counts the calls in an expression, and says whether each of them is made whatever the other values are.
func certain(e sqltext.Expr, uses []sequenceUse, n *int) bool {
	span := e.ExprSpan()
	here := slices.ContainsFunc(uses, func(u sequenceUse) bool { return span.From <= u.Span.From && u.Span.To <= span.To })
	if !here {
		return true
	}
	switch x := e.(type) {
	case *sqltext.Paren:
		return certain(x.X, uses, n)
	case *sqltext.Binary:
		switch strings.ToUpper(x.Op) {
		case "+", "-", "*", "/", "%", "DIV", "MOD", "|", "&", "^", "<<", ">>":
			return certain(x.L, uses, n) && certain(x.R, uses, n)
		}
	case *sqltext.Func:
		if slices.ContainsFunc(uses, func(u sequenceUse) bool { return u.Span == span && u.Name != "SETVAL" }) {
			*n++
			return true
		}
		if steady[strings.ToUpper(x.Name)] && !x.Stored {
			for _, a := range x.Args {
				if !certain(a, uses, n) {
					return false
				}
			}
			return true
		}
	}
	return false
}

// draw asks a sequence for values.
func (s *session) draw(ctx context.Context, t *topo.Table, n, depth int) ([]string, error) {
	if t.Temporary {
		return s.drawTemporary(ctx, t, n)
	}
	last, warnings := s.last, s.warnings
	defer func() { s.last, s.warnings = last, warnings }()
	s.warnings = nil
	call := "NEXTVAL(" + quoteName(t.DB) + "." + quoteName(t.Name) + ")"
	most := drawnAtOnce
	if slices.Contains(s.lockedSequences, keyOfSequence(t)) { // MariaDB has locked it for being named once
		most = 1
	}
	var out []string
	for len(out) < n {
		now := min(n-len(out), most)
		got := capture{caps: s.out.Caps()}
		text := "SELECT " + call + strings.Repeat(","+call, now-1)
		if err := s.rewritten(ctx, []byte(text), source{out: &got, draws: true, depth: depth + 1}); err != nil {
			return nil, err
		}
		if len(got.rows) != 1 || len(got.rows[0]) != now {
			return nil, wire.Errorf(wire.ErUnknown, "a leaf gave no values of a sequence")
		}
		for _, v := range got.rows[0] {
			if _, err := strconv.ParseInt(string(v), 10, 64); err != nil {
				return nil, wire.Errorf(wire.ErUnknown, "a leaf gave no number as a sequence's value")
			}
			out = append(out, string(v))
		}
	}
	return out, nil
}

// drawnAtOnce is how many values one statement asks for.
const drawnAtOnce = 500

// showCreateSequence has the partition say it: shapes do not know the sequence's bounds.
func (s *session) showCreateSequence(ctx context.Context, w *worker, name *sqltext.TableName, snap *topo.Snapshot, src source) error {
	k := s.keyOf(name)
	t := snap.Table(k.db, k.table)
	if t == nil || t.Kind != topo.Sequence {
		return s.forwardAny(ctx, w, snap, src)
	}
	p := &plan.Plan{Route: plan.Route{Kind: plan.RouteOne, DB: t.DB}, Rows: true, Revision: snap.Revision}
	if name.DB.Tok >= 0 {
		p.Forward = []plan.Splice{{From: name.DB.Tok, To: name.DB.Tok + 1, Pieces: []plan.Piece{{Kind: plan.PieceSchema}}}}
	}
	return s.atSequence(ctx, w, p, snap, src, &extras{})
}

// lockSequences remembers which sequences the session has locked.
func (s *session) lockSequences(locks []sqltext.LockTable, snap *topo.Snapshot) {
	s.lockedSequences = s.lockedSequences[:0]
	for i := range locks {
		k := s.keyOf(locks[i].Table)
		if t := snap.Table(k.db, k.table); t != nil && t.Kind == topo.Sequence {
			s.lockedSequences = append(s.lockedSequences, keyOfSequence(t))
		}
	}
}
