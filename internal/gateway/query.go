package gateway

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/orbweaver/orbweaver/internal/exec"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// worker is what a statement needs while it runs. Workers are shared by all sessions, so that idle ones stay small.
type worker struct {
	scan sqltext.Scan
	st   exec.Statement
	key  []byte // of a plan
	may  []byte // of a permit
}

var workers = sync.Pool{New: func() any { return new(worker) }}

// source is where a statement came from: how its answer is to be given, and with which parameters.
type source struct {
	prepared bool // by the binary protocol
	args     []wire.Param
	text     string      // of the prepared statement, as a string
	out      exec.Output // where the answer goes
	filtered bool        // tables of information_schema have been replaced
	limited  bool        // sql_select_limit has been written out
	named    bool        // holders of locks have been named
	// permitted: a leaf was asked whether the account may run what the client said, of which this statement is made by putting tables in the place of views.
	permitted bool
	// views are those views, and the ones that they read.
	views []*topo.View
	tx    *txn.Session // by which it runs; nil: the session's
	// draws: it asks a sequence for a statement that is under way.
	draws bool
	// fires: its triggers that nodes run are run by whom it is from, who wants to be told what has come of it.
	fires bool
	told  *exec.Outcome
	// depth counts the statements that this one is inside of: EXECUTE, and texts made by rewriting.
	depth int
}

// query1 serves COM_QUERY: one statement or several.
func (s *session) query1(text []byte) error {
	ctx := s.query()
	for {
		w := workers.Get().(*worker)
		scanErr := w.scan.Scan(text, s.mode())
		more := scanErr == nil && w.scan.More
		s.out.more = more && s.multi
		s.g.stats.statements.Add(1)
		s.g.runningStatements.Add(1)
		var err error
		switch {
		case scanErr != nil:
			err = s.textError(ctx, text, scanErr)
		case more && !s.multi:
			// Without CLIENT_MULTI_STATEMENTS the semicolon is a syntax error; a leaf says which.
			err = s.textError(ctx, text, sqltext.ErrText)
		default:
			before := s.staying(&w.scan)
			if err = s.atHome(ctx, func() error { return s.statement(ctx, w, source{out: &s.out}) }); err == nil {
				s.stayed(before)
			}
		}
		s.g.runningStatements.Add(-1)
		if s.out.more {
			text = w.scan.Src[w.scan.End+1:] // a copy of the packet where the packet's buffer was needed
		}
		workers.Put(w)
		if err != nil {
			s.out.more = false
			return s.failed(ctx, err)
		}
		if !s.out.more {
			return nil
		}
	}
}

// atHome runs a statement, at another leaf when the session's own can't be reached for what is no partition's. One of a transaction is not run again: the
// transaction has been lost with its leaf, and what is left of it must not be done alone.
func (s *session) atHome(ctx context.Context, run func() error) (err error) {
	inside := s.tx.InTransaction()
	defer func() { s.xaLost(ctx, err) }()
	if err = run(); !inside && s.roleGone(err) {
		err = run()
	}
	if bad := unreachable(err, false); inside || bad == "" || bad != s.home || s.tx.InTransaction() {
		return err
	}
	return s.g.elsewhere(ctx, s.home, false, func(leaf string) error {
		s.home = leaf
		return run()
	})
}

// textError asks a leaf what is wrong with a text that can't be read: MariaDB's own message, with its position.
func (s *session) textError(ctx context.Context, text []byte, cause error) error {
	s.warnings = s.warnings[:0]
	if !mayHoldSecret(text) { // a leaf would repeat it, in its message and in its log
		if err := s.prepareOnly(ctx, string(text), nil); err != nil {
			return err
		}
	}
	return wire.Errorf(wire.ErParse, "You have an error in your SQL syntax; %s", cause)
}

// statement runs the statement that w.scan holds. Its answer is written, its error returned.
func (s *session) statement(ctx context.Context, w *worker, src source) error {
	snap := s.g.cfg.Catalog.Snapshot()
	s.settle(snap)
	s.sess.OwnReferences = s.tx.WroteShapes()
	cacheable := !w.scan.Huge && src.depth == 0 && len(s.temps.tables) == 0 && s.xaOpen() && s.limit == "" && !s.inOtherNames(&w.scan) && s.inUse == nil
	if cacheable {
		w.key = planKey(w.key[:0], &w.scan, &s.sess)
		if p := s.g.plans.get(w.key, snap.Revision); p != nil {
			s.g.stats.planHits.Add(1)
			s.warnings = s.warnings[:0]
			return s.run(ctx, w, p, snap, src, nil)
		}
	}
	s.g.stats.planMisses.Add(1)
	stmt, err := sqltext.Parse(&w.scan, s.mode())
	if err != nil {
		return s.textError(ctx, w.scan.Src, err)
	}
	return s.dispatchStatement(ctx, w, stmt, snap, src, cacheable)
}

// dispatchStatement sends a parsed statement its way.
func (s *session) dispatchStatement(ctx context.Context, w *worker, stmt *sqltext.Stmt, snap *topo.Snapshot, src source, cacheable bool) error {
	if isCompound(&w.scan) {
		return s.compound(ctx, w, src)
	}
	if handled, err := s.asUTF8(ctx, &w.scan, stmt, src); handled {
		return err
	}
	if s.callsOwn(&w.scan, snap) {
		return s.callOwn(ctx, w, src)
	}
	if err := s.visible(&w.scan, stmt, snap); err != nil {
		return err
	}
	if err := variableScopes(&w.scan, stmt); err != nil {
		return err
	}
	if err := s.neverForStatement(&w.scan, stmt); err != nil {
		return err
	}
	if !src.filtered {
		if err := s.xaRefuses(stmt); err != nil {
			s.warnings = s.warnings[:0]
			return err
		}
	}
	if text, inner, set := s.spiderStatement(&w.scan, stmt); set != nil {
		s.warnings = s.warnings[:0]
		return s.forStatement(ctx, text, inner, set, src)
	}
	if handled, err := s.spiderFunctions(ctx, &w.scan, stmt, src); handled {
		return err
	}
	switch v, err := s.spliceViews(ctx, w, stmt, snap, src); {
	case err != nil:
		s.warnings = s.warnings[:0]
		return err
	case v != nil:
		return s.throughViews(ctx, stmt, v, src)
	}
	if handled, err := s.callsFunctions(ctx, w, stmt, snap, src); handled {
		return err
	}
	if stmt.Facts&sqltext.HasFoundRows != 0 && s.last.uncounted {
		return unsupported("FOUND_ROWS()", "nobody has counted the rows that LIMIT, OFFSET or WITH TIES left out before, or that a write has found: use SQL_CALC_FOUND_ROWS there, and ROW_COUNT() after writes")
	}
	if text := s.substitute(&w.scan, stmt); text != nil {
		return s.rewritten(ctx, text, src)
	}
	if !src.named {
		switch text, err := s.usedLocks(ctx, &w.scan, stmt); {
		case err != nil:
			s.warnings = s.warnings[:0]
			return err
		case text != nil:
			src.named = true
			return s.rewritten(ctx, text, src)
		}
	}
	if handled, err := s.sequences(ctx, w, stmt, snap, src); handled {
		return err
	}
	if text := s.writeLimit(&w.scan, stmt, src); text != nil {
		src.limited = true
		return s.rewritten(ctx, text, src)
	}
	if mayRepeat(stmt) && mayHoldSecret(w.scan.Src[:w.scan.End]) {
		return unsupported(firstWords(&w.scan, 2), "the text may hold a password, which no leaf is to be told")
	}
	if err := s.writesSpiderTables(stmt); err != nil {
		return err
	}
	if name := s.writesKept(stmt); name != "" {
		s.warnings = s.warnings[:0]
		return s.aloneWriting(ctx, func() error { return s.keptChange(ctx, &w.scan, stmt, name, src) })
	}
	if s.writesServers(stmt) {
		s.warnings = s.warnings[:0]
		return s.aloneWriting(ctx, func() error { return s.serverRows(ctx, &w.scan, stmt, snap, src) })
	}
	if !keepsWarnings(stmt) { // SHOW WARNINGS is about the statement before, and so is @@warning_count
		s.warnings = s.warnings[:0]
	}
	if !src.filtered {
		text, err := s.spliceSystemTables(ctx, &w.scan, stmt, snap, src)
		if err != nil {
			return err
		}
		if text != nil {
			src.filtered = true
			src.out = s.describedAs(stmt, src)
			return s.rewritten(ctx, text, src)
		}
	}
	if handled, err := s.temporary(ctx, w, stmt, snap, src); handled {
		return err
	}
	if needsText(stmt.Kind) && len(src.args) > 0 && !makesOfQuery(stmt) {
		// These are served from their text: parameters become literals.
		text, err := inlineParams(&w.scan, src.args, s.charset.connection)
		if err != nil {
			return err
		}
		src.args = nil
		return s.rewritten(ctx, text, src)
	}
	switch stmt.Kind {
	case sqltext.KindCall:
		return s.callProcedure(ctx, w, snap, src)
	case sqltext.KindSelect, sqltext.KindInsert, sqltext.KindUpdate, sqltext.KindDelete, sqltext.KindLoadData, sqltext.KindDo:
		return s.planned(ctx, w, stmt, snap, src, cacheable)
	}
	if stmt.Kind != sqltext.KindShow && stmt.Kind != sqltext.KindSet && !stmt.SetStatement.Empty() {
		return s.servedWith(ctx, w, stmt, src)
	}
	if len(stmt.Calls) > 0 && stmt.Kind != sqltext.KindDDL {
		if err := s.callsApart(stmt, snap); err != nil {
			return err
		}
	}
	if stmt.Facts&sqltext.HasSubquery != 0 && stmt.Kind != sqltext.KindSet && stmt.Kind != sqltext.KindDDL && stmt.Kind != sqltext.KindExplain &&
		s.readsPartitions(stmt, snap) {
		return unsupported(firstWords(&w.scan, 1), "with a subquery on a sharded table")
	}
	return s.sessionStatement(ctx, w, stmt, snap, src)
}

// makesOfQuery says whether a statement is CREATE TABLE … SELECT, which takes parameters: written out they could make other columns.
func makesOfQuery(stmt *sqltext.Stmt) bool {
	return stmt.DDL != nil && stmt.DDL.Object == "TABLE" && stmt.DDL.AsSelect != nil
}

// mayRepeat says whether a statement is given to a leaf as it is only so that the leaf says what is wrong with it.
func mayRepeat(stmt *sqltext.Stmt) bool {
	switch stmt.Kind {
	case sqltext.KindOther:
		return true
	case sqltext.KindExplain:
		return stmt.Inner == nil
	case sqltext.KindShow:
		return stmt.Show.What == "DESCRIBE" && stmt.Show.Table == nil
	}
	return false
}

// needsText says whether statements of a kind are served from their text rather than by a plan.
func needsText(k sqltext.StmtKind) bool {
	switch k {
	case sqltext.KindSelect, sqltext.KindInsert, sqltext.KindUpdate, sqltext.KindDelete, sqltext.KindDo:
		return false
	}
	return true
}

// planned plans a statement and runs the plan.
func (s *session) planned(ctx context.Context, w *worker, stmt *sqltext.Stmt, snap *topo.Snapshot, src source, cacheable bool) error {
	p, err := s.build(w, stmt, snap, src)
	if of := fires(err); of != nil {
		return s.firesTriggers(ctx, w, stmt, snap, src, of)
	}
	if err == nil && p.Route.Kind == plan.RouteAny && p.Writes && !s.plansTemporary() {
		err = unsupported(firstWords(&w.scan, 2), "it would be done at one leaf only")
	}
	if handled, err := s.inSteps(ctx, w, stmt, p, err, src); handled {
		return err
	}
	if err != nil {
		err = s.owned(ctx, w, src, err, wire.ErNoSuchTable) // which may be no table's name: LATERAL
		return s.newlyCalled(ctx, w, stmt, snap, src, err)
	}
	if s.making != nil && s.making.dry {
		return nil
	}
	if text := s.oneTime(&w.scan, stmt, p); text != nil {
		return s.rewritten(ctx, text, src)
	}
	if stmt.Kind == sqltext.KindLoadData {
		if stmt.Load != nil && !stmt.Load.Local {
			return unsupported("LOAD DATA INFILE", "the file would be looked for on a leaf; use LOAD DATA LOCAL INFILE")
		}
		if src.prepared {
			return wire.Errorf(wire.ErUnsupportedPS, "This command is not supported in the prepared statement protocol yet")
		}
		if charset := s.fileCharset(); charset != "" && stmt.Load != nil && stmt.Load.Charset == "" {
			at := stmt.Load.Tail.From
			if part := stmt.Load.Partition; part.From < part.To {
				at = part.To
			}
			return s.rewritten(ctx, apply(&w.scan, []edit{{at, at, " CHARACTER SET " + charset}}), src)
		}
		if err := s.keepText(w); err != nil {
			return err
		}
	}
	if err := s.pinNamedLocks(ctx, stmt, p); err != nil {
		return err
	}
	var assigned []string
	if stmt.Facts&sqltext.HasUserVarAssign != 0 {
		assigned = userVars(&w.scan)
	}
	setsID := callsWithArgument(&w.scan, "LAST_INSERT_ID")
	sorts := namesVariable(&w.scan, stmt.SetStatement, s.mode(), "max_sort_length")
	if cacheable && p.Cacheable && !sorts && !setsID && !stmt.LiteralsMatter && stmt.Facts&sessionFacts == 0 && p.Load == nil {
		s.g.plans.put(w.key, p)
	}
	if sorts {
		whole := s.sess.SortLength
		if s.sess.SortLength, err = s.statementSortLength(ctx, &w.scan, stmt); err != nil {
			s.sess.SortLength = whole
			return err
		}
		defer func() { s.sess.SortLength = whole }()
	}
	x := &extras{assigned: assigned, setsID: setsID, facts: stmt.Facts}
	if len(src.views) > 0 {
		return s.runViews(ctx, w, p, snap, src, x)
	}
	if err = s.run(ctx, w, p, snap, src, x); err == nil {
		s.last.uncounted = s.last.uncounted || findsToWrite(stmt)
		return nil
	}
	return s.newlyCalled(ctx, w, stmt, snap, src, err)
}

// sessionFacts are the facts by which the session has more to do for a statement than to run its plan.
const sessionFacts = sqltext.HasUserVarAssign | sqltext.HasLastInsertID | sqltext.HasFoundRows | sqltext.HasRowCount |
	sqltext.HasDatabaseFunc | sqltext.HasCalcFoundRows | sqltext.HasLockFunction | sqltext.HasSysVar | sqltext.HasPlaceFunction

// keepText copies a statement's text: reading the client's file overwrites the buffer that it came in.
func (s *session) keepText(w *worker) error {
	return w.scan.Scan(bytes.Clone(w.scan.Src), s.mode())
}

// rewritten runs a text that the node has made of the client's, under the client's account as ever.
func (s *session) rewritten(ctx context.Context, text []byte, src source) error {
	if src.depth > maxDepth {
		return wire.Errorf(wire.ErUnknown, "a statement was rewritten too often")
	}
	src.depth++
	src.text = ""
	w := workers.Get().(*worker)
	defer workers.Put(w)
	if err := w.scan.Scan(text, s.mode()); err != nil {
		return err
	}
	snap := s.topology()
	stmt, err := sqltext.Parse(&w.scan, s.mode())
	if err != nil {
		return err
	}
	return s.dispatchStatement(ctx, w, stmt, snap, src, false)
}

const maxDepth = 8

// extras are what the session wants of a statement besides its answer.
type extras struct {
	assigned []string // user variables to be read back
	setsID   bool     // LAST_INSERT_ID(x) is called
	readID   bool     // its value was read from the one connection that may have called it
	facts    sqltext.Facts
	drawn    []*topo.Table // sequences that are asked for their next value
	asked    []*topo.Table // sequences that are asked so by the query of a write
}

// run runs a plan, again and again while a partition that it needs is getting another master, or a leaf is coming back.
func (s *session) run(ctx context.Context, w *worker, p *plan.Plan, snap *topo.Snapshot, src source, x *extras) error {
	if err := s.shadowed(p); err != nil {
		return err
	}
	tx := s.tx
	if src.tx != nil {
		tx = src.tx
	}
	inside, told := tx.InTransaction(), len(s.warnings)
	var began time.Time
	for {
		s.warnings = s.warnings[:min(told, len(s.warnings))] // without those of what failed before
		out, err := s.admitted(ctx, w, p, snap, src, x)
		if err == nil || out.Begun || inside && !tx.InTransaction() || !s.g.worthWaiting(err, inside, !p.Writes && !p.Locks) {
			return err
		}
		if began.IsZero() || closed(err) {
			began = time.Now()
		}
		if time.Since(began) > s.g.cfg.FailoverWait || s.g.lost(err) || ctx.Err() != nil {
			return err
		}
		tx.EndStatement()
		if changed := s.g.cfg.Catalog.Changed(); s.topology() == snap && !s.awaitGates(ctx, err, snap) {
			s.awaitChange(ctx, changed)
		}
		if now := s.topology(); now != snap {
			snap = now
			calls := len(p.Functions) > 0
			switch p, err = s.replan(w, snap, src); {
			case err != nil && calls, fires(err) != nil: // one of them may be gone, or about to be there again
				return s.rewritten(ctx, bytes.Clone(w.scan.Src[:w.scan.End]), src)
			case err != nil:
				return err
			}
		}
		if s.settle(snap); unreachable(err, true) == s.home && tx.Held() == 0 {
			s.home = s.g.another(s.home)
		}
	}
}

// runOnce runs a plan and remembers what the session has to.
func (s *session) runOnce(ctx context.Context, w *worker, p *plan.Plan, snap *topo.Snapshot, src source, x *extras) (exec.Outcome, error) {
	st := &w.st
	st.Plan, st.Scan, st.Snap, st.Sess, st.Tx, st.Home = p, &w.scan, snap, s.firing(src), s.tx, s.home
	if src.tx != nil {
		st.Tx = src.tx
	}
	st.Charset = ""
	if s.charset.client == s.charset.connection {
		st.Charset = s.charset.connection
	}
	st.Prepared, st.Args, st.Text, st.Out = src.prepared, src.args, src.text, src.out
	if len(p.Drawn) > 0 {
		st.Out = &defaultOutput{Output: src.out, of: p.Drawn, defs: -1}
	}
	st.Before, st.Called = "", false
	st.After, st.Permit, st.Readers, st.Links, st.OneShard, st.Draw = nil, nil, nil, nil, false, s.drawRows(src.depth)
	if s.plansTemporary() {
		st.Once, st.Moment = true, s.making.moment
		defer func() { st.Once, st.Moment = false, "" }()
	}
	var err error
	if p.FiredForUser && s.lentAs {
		err = errFiredForUser
	}
	if s.guards.query.on {
		var held error
		if st.OneShard, held = s.holds(ctx, s.guards.query); err == nil {
			err = held
		}
	}
	if err == nil {
		err = s.setMode(ctx)
	}
	found := uint64(0)
	first := x.first(p)
	x = x.and(p.Assigned)
	if x != nil && (len(x.assigned) > 0 || x.setsID || len(x.drawn) > 0 || x.facts&sqltext.HasCalcFoundRows != 0) {
		st.After = s.after(st, x, &found)
		st.Before = s.before(p, x)
	}
	if mayStage(p) {
		st.Locked = nil
		if s.tables {
			st.Locked = s.locked
		}
		st.Links = s.withVariables
		st.StageLimit, st.Bring = int64(s.spiderNumber(stageMaxBytes)), s.bring()
		st.Readers = s.functionReaders
		st.Permit = func(ctx context.Context) error { return s.mayRun(ctx, w, src, snap.Revision) }
	}
	if x != nil && (len(x.asked) > 0 || len(first) > 0 || x.setsID && (p.InsertSelect != nil || p.ByKey != nil)) {
		st.Asked = s.asked(x, first, p.InsertSelect != nil)
	}
	var out exec.Outcome
	if err == nil && (p.Linked != nil || p.InsertSelect != nil && p.InsertSelect.Plan.Linked != nil) {
		st.Plan = s.withVariables(p)
		err = s.mayRun(ctx, w, src, snap.Revision)
	}
	if err == nil {
		out, err = s.g.exec.Run(ctx, st)
		s.count(p, out.Staged)
		err = s.refused(w, snap, s.owned(ctx, w, src, err, wire.ErParse))
	}
	if x != nil && err != nil {
		s.noLast(err, x.drawn)
	}
	tx := st.Tx
	st.Plan, st.Snap, st.Tx, st.Args, st.Out, st.After, st.Asked, st.Permit, st.Readers, st.Links = nil, nil, nil, nil, nil, nil, nil, nil, nil, nil // the worker outlives the session
	s.keepAssigned(err != nil && len(first) > 0)
	if len(src.views) > 0 && (p.Found.All || p.Found.Unknown || p.Found.Offset.Kind != plan.OperandNone) { // the LIMIT may be a view's
		out.Uncounted = true
	}
	if src.told != nil {
		*src.told = out
	}
	s.noteOutcome(&out, found, x != nil && x.setsID && !x.readID, err)
	if !tx.InTransaction() {
		end := tx.EndStatement
		if p.Bare || neverBegan(err) {
			end = tx.EndBare
		}
		if over := end(); err != nil {
			err = txn.Graver(err, over)
		}
	}
	return out, err
}

// mayStage says whether a plan is one of a statement that is staged when its tables are on several partitions.
func mayStage(p *plan.Plan) bool {
	return p.ByKey != nil || p.Returned != nil || len(p.Once) > 0 || len(p.Fills) > 0 || p.InsertSelect != nil && len(p.InsertSelect.Plan.Fills) > 0
}

// neverBegan says whether a statement was refused before MariaDB began a transaction for it.
func neverBegan(err error) bool {
	var own *wire.ServerError
	if !errors.As(err, &own) {
		return false
	}
	switch own.Code {
	case wire.ErReadOnlyTransaction, wire.ErNoSuchTable, wire.ErParse, wire.ErDBAccessDenied, wire.ErTableAccessDenied, erQueryAcross:
		return true
	}
	return false
}

// owned puts MariaDB's own error for a statement in the place of one that says less of it: of a partition's refusal to be entered, and of the
// node's refusal to run what the account may not run anyway; also says of which other errors.
func (s *session) owned(ctx context.Context, w *worker, src source, err error, also ...uint16) error {
	if err == nil || src.permitted {
		return err
	}
	if e := serverError(ctx, err); e.Code != wire.ErDBAccessDenied && e.Code != wire.ErNotSupported && !slices.Contains(also, e.Code) {
		return err
	}
	text := src.text
	if text == "" {
		text = string(w.scan.Src[:w.scan.End])
	}
	if own := s.prepareOnly(ctx, text, nil); own != nil && serverError(ctx, own).Code != wire.ErUnsupportedPS {
		return own
	}
	return err
}

// noteOutcome keeps what later statements may ask for.
func (s *session) noteOutcome(out *exec.Outcome, found uint64, setsID bool, err error) {
	s.warnings = append(s.warnings, out.Notes...)
	if err != nil {
		var own *wire.ServerError
		if errors.As(err, &own) {
			s.last.rowCount = -1
		}
		return
	}
	if out.HasRows {
		s.last.rowCount = -1
		s.last.foundRows, s.last.uncounted = out.Found, out.Uncounted
		if found > 0 {
			s.last.foundRows = found
		}
	} else {
		s.last.rowCount = int64(out.Affected)
	}
	if out.InsertID != 0 && (out.Generated || setsID) {
		s.last.insertID = out.InsertID
	}
}

// place is where statements without a partition run.
func (s *session) place() txn.Place { return txn.Place{Leaf: s.home, Schema: s.sess.DB} }
