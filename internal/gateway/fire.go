package gateway

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/compound"
	"github.com/orbweaver/orbweaver/internal/exec"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/trigger"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// A trigger that reads or writes what is elsewhere is at no partition. The node runs it as it runs a procedure, for each row that a statement has written: of an INSERT these are told by RETURNING, those of
// UPDATE and DELETE are found, and locked, before (firerows.go). All of it is one statement: what fails is undone with all that its triggers have done.

// firing is one statement that fires such triggers.
type firing struct {
	s        *session
	w        *worker
	stmt     *sqltext.Stmt
	src      source
	of       *plan.Firing
	programs []firedProgram
	// mixed is why the rows have to be written one by one, each with its triggers; "" where it is the same if they are not. calls: functions of the statement are in that.
	mixed string
	calls bool
	// joined: other tables say which rows are written, of the one that is called named.
	joined bool
	named  string
	// assigns: triggers at partitions set user variables. partsEarly: there is a BEFORE INSERT trigger among them.
	assigns, partsEarly bool
	// own: the statement is a transaction by itself.
	own bool
}

// firedProgram is a trigger as the node runs it.
type firedProgram struct {
	of      *topo.Trigger
	routine *topo.Routine
	is      *compound.Procedure
	row     []trigger.RowColumn
}

// firedRow is a row that fires triggers: the values of the columns that they name. Those of an INSERT have no old, those of a DELETE no new ones.
type firedRow struct{ old, new []compound.Value }

// fires says what a write fires that the session has to run; nil for any other error.
func fires(err error) *plan.Firing {
	var e *plan.Error
	if errors.As(err, &e) {
		return e.Fires()
	}
	return nil
}

// replan plans a statement anew against another snapshot.
func (s *session) replan(w *worker, snap *topo.Snapshot, src source) (*plan.Plan, error) {
	stmt, err := sqltext.Parse(&w.scan, s.mode())
	if err != nil {
		return nil, err
	}
	return plan.Build(stmt, &w.scan, snap, s.firing(src))
}

// build plans a statement, unless it is one of a trigger's that MariaDB refuses.
func (s *session) build(w *worker, stmt *sqltext.Stmt, snap *topo.Snapshot, src source) (*plan.Plan, error) {
	if !src.fires {
		if err := s.writesUsed(stmt); err != nil {
			return nil, err
		}
	}
	return plan.Build(stmt, &w.scan, snap, s.firing(src))
}

// firing is the session as a statement is planned in it.
func (s *session) firing(src source) plan.Session {
	sess := s.sess
	sess.Fires = src.fires
	return sess
}

func (f *firing) unfit(why string) error {
	return unsupported("a write to table '"+f.of.Table.Name+"', whose trigger '"+f.of.Triggers[0].Name+"' reads or writes what is elsewhere,", why)
}

// firesTriggers runs a statement and the triggers that it fires.
func (s *session) firesTriggers(ctx context.Context, w *worker, stmt *sqltext.Stmt, snap *topo.Snapshot, src source, of *plan.Firing) error {
	f := &firing{s: s, w: w, stmt: stmt, src: src, of: of}
	if err := f.refused(); err != nil {
		return s.owned(ctx, w, src, err)
	}
	if w.scan.Params > 0 {
		text, err := inlineParams(&w.scan, src.args, s.charset.connection)
		if err != nil {
			return err
		}
		src.args = nil
		return s.rewritten(ctx, text, src)
	}
	if !stmt.SetStatement.Empty() {
		if handled, err := s.meanwhile(ctx, w, stmt, src, settable); handled {
			return err
		}
		return s.owned(ctx, w, src, f.unfit("with SET STATEMENT of these variables"))
	}
	if err := f.compile(snap); err != nil {
		return s.owned(ctx, w, src, err)
	}
	defer f.uses(snap)()
	if _, ok := src.out.(*cursor); ok {
		f.src.out = &s.out
	}
	defer s.atOneMoment()()
	return f.whole(ctx)
}

// refused is why a statement's rows can't be told to triggers.
func (f *firing) refused() error {
	s, stmt := f.s, f.stmt
	switch {
	case s.xa != nil:
		return f.unfit("in an XA transaction")
	case s.tables:
		return f.unfit("under LOCK TABLES")
	case len(f.src.views) > 0:
		return f.unfit("through a view: name the table")
	case f.src.tx != nil || f.of.Several:
		return f.unfit("with other tables: write to one table by a statement")
	case stmt.Facts&sqltext.HasUserVarAssign != 0:
		return f.unfit("in a statement that assigns to user variables: SET them before")
	}
	switch stmt.Kind {
	case sqltext.KindInsert:
		in := stmt.Insert
		switch {
		case in.Replace || len(in.OnDup) > 0:
			return f.replacesPlainly()
		case in.Ignore && (in.Select != nil || f.early("INSERT")) || in.Delayed:
			return f.unfit("by INSERT IGNORE … SELECT, or DELAYED, or with IGNORE and a BEFORE trigger")
		}
	case sqltext.KindUpdate:
		if stmt.Update.Ignore || !f.target(stmt.Update.From) {
			return f.unfit("by UPDATE IGNORE, of several tables, PARTITION (…) or FOR PORTION OF: UPDATE the table by itself")
		}
		return f.updatesKey()
	case sqltext.KindDelete:
		if d := stmt.Delete; len(d.Targets) != 1 || !d.Before.Empty() || !f.target(d.From) || deleteIgnores(&f.w.scan, stmt) {
			return f.unfit("by DELETE IGNORE, of several tables, PARTITION (…), HISTORY or FOR PORTION OF: DELETE from the table by itself")
		}
	default:
		return f.unfit("by LOAD DATA: INSERT the rows")
	}
	return nil
}

// compile reads the triggers, and finds what they have in common with what is done elsewhere.
func (f *firing) compile(snap *topo.Snapshot) error {
	s, t := f.s, f.of.Table
	here, parts, calls := plan.NewReach(snap), plan.NewReach(snap), plan.NewReach(snap)
	early, late := plan.NewReach(snap), plan.NewReach(snap)
	collation := ""
	if d := snap.Databases[t.DB]; d != nil {
		collation = d.Collation
	}
	for _, tr := range f.of.Triggers {
		text, row, err := trigger.Program(tr, t, declaredAs)
		if err != nil {
			return f.unfit(err.Error())
		}
		is, err := s.g.called.read(procedureKey{t.DB, text + tr.SQLMode, 0}, func() (*compound.Procedure, error) {
			return compound.ParseProcedure(t.DB, tr.Name, text, modeOf(tr.SQLMode, s.mode()))
		})
		if err != nil {
			return refusedProgram(err)
		}
		r := &topo.Routine{DB: t.DB, Kind: ofTrigger, Name: tr.Name, SQLMode: tr.SQLMode, Charset: tr.Charset, Collation: tr.Collation, DBCollation: collation, Definer: tr.Definer}
		f.programs = append(f.programs, firedProgram{tr, r, is, row})
		here.Trigger(t.DB, tr)
		if tr.Timing == "BEFORE" {
			early.Trigger(t.DB, tr)
		} else {
			late.Trigger(t.DB, tr)
		}
	}
	misplaced := false
	for i := range t.Triggers {
		tr := &t.Triggers[i]
		if tr.AtNode || !slices.ContainsFunc(f.of.Triggers, func(o *topo.Trigger) bool { return o.Event == tr.Event }) {
			continue
		}
		parts.Trigger(t.DB, tr)
		f.partsEarly = f.partsEarly || tr.Timing == "BEFORE" && tr.Event == "INSERT"
		for j := range t.Triggers {
			o := &t.Triggers[j]
			misplaced = misplaced || o.AtNode && o.Event == tr.Event && o.Timing == tr.Timing && (o.Timing == "AFTER") == (i > j)
		}
	}
	f.assigns = parts.Assigns
	for _, n := range f.stmt.Calls {
		calls.Function(s.calledIn(n), n.Name.Text)
	}
	if f.names(here.Names) {
		return f.unfit("that names a user variable which its triggers set: SET another one to its value before")
	}
	at := [2]string{t.DB, t.Name}
	switch what := here.Meets(parts); {
	case what != "" && misplaced:
		return f.unfit("beside a trigger at partitions, in that order, and both are about " + what + ": DROP TRIGGER the latter and make it anew in a form that nodes run")
	case what != "":
		f.mixed = "as its trigger and one at partitions are both about " + what
	case here.Reads[at]:
		f.mixed = "as its trigger reads the table"
	case early.Meets(late) != "":
		f.mixed = "as its triggers before and after that are both about " + early.Meets(late)
	case here.Meets(calls) != "":
		f.calls = true
		f.mixed = "as its trigger and a function are both about " + here.Meets(calls)
	}
	return nil
}

// names says whether the statement names one of some user variables.
func (f *firing) names(variables []string) bool {
	bare := func(name string) string { return strings.ToLower(strings.Trim(strings.TrimPrefix(name, "@"), "`'\"")) }
	for i := f.stmt.Span.From; i < f.stmt.Span.To; i++ {
		if f.w.scan.Tokens[i].Kind == sqltext.UserVar && slices.ContainsFunc(variables, func(v string) bool { return bare(v) == bare(string(f.w.scan.Bytes(i))) }) {
			return true
		}
	}
	return false
}

// ofTrigger is the kind of a routine that is a trigger.
const ofTrigger topo.RoutineKind = "TRIGGER"

// uses notes which tables the statement uses, where its triggers may write some of them: MariaDB refuses that when it is done.
func (f *firing) uses(snap *topo.Snapshot) (back func()) {
	s, before := f.s, f.s.inUse
	reach := plan.NewReach(snap)
	for _, p := range f.programs {
		reach.Trigger(f.of.Table.DB, p.of)
	}
	used, meets := map[[2]string]bool{}, before != nil
	for at := range before {
		used[at] = true
	}
	for _, n := range f.stmt.Tables {
		if !n.CTE {
			k := s.keyOf(n)
			used[[2]string{k.db, k.table}] = true
		}
	}
	for at := range reach.Writes {
		meets = meets || used[at]
	}
	if meets {
		s.inUse = used
	}
	return func() { s.inUse = before }
}

// writesUsed is MariaDB's error for a trigger's write to a table that a statement uses which has fired it.
func (s *session) writesUsed(stmt *sqltext.Stmt) error {
	if s.inUse == nil {
		return nil
	}
	var written []*sqltext.TableName
	add := func(r *sqltext.TableRef) {
		if r.Table != nil {
			written = append(written, r.Table)
		}
	}
	switch {
	case stmt.Insert != nil:
		written = append(written, stmt.Insert.Table)
	case stmt.Update != nil:
		sqltext.WalkTables(stmt.Update.From, add)
	case stmt.Delete != nil:
		sqltext.WalkTables(stmt.Delete.From, add)
	}
	for _, n := range written {
		if k := s.keyOf(n); s.inUse[[2]string{k.db, k.table}] {
			return &wire.ServerError{Code: erFunctionUsesTable, State: "HY000", Message: "Can't update table '" + k.table +
				"' in stored function/trigger because it is already used by statement which invoked this stored function/trigger"}
		}
	}
	return nil
}

// whole runs the statement and its triggers as one.
func (f *firing) whole(ctx context.Context) error {
	s := f.s
	before := s.last
	out := &held{Output: f.src.out, own: !s.tx.InTransaction() && s.tx.Autocommit(), status: f.src.out.Status()}
	f.own = out.own
	end, err := s.beginUnit(ctx)
	if err != nil {
		return err
	}
	switch {
	case f.stmt.Insert != nil && (f.stmt.Insert.Replace || len(f.stmt.Insert.OnDup) > 0):
		err = f.replace(ctx, out, before)
	case f.stmt.Insert != nil && (f.early("INSERT") || f.oneByOne()):
		err = f.insertEarly(ctx, out, before)
	case f.stmt.Insert != nil:
		err = f.insert(ctx, out, before)
	default:
		err = f.change(ctx, out, before)
	}
	last, warnings := s.last, slices.Clone(s.warnings)
	if err = end(err); err != nil {
		return err
	}
	s.last, s.warnings = last, warnings
	return out.release()
}

// run runs the statement in its own or another text, whose triggers this firing runs.
func (f *firing) run(ctx context.Context, text []byte, out exec.Output) (told exec.Outcome, err error) {
	src := f.src
	src.out, src.fires, src.told, src.prepared = out, true, &told, false
	switch out.(type) {
	case *held, *partOut: // which the client gets
		src.prepared = f.src.prepared
	}
	err = f.s.rewritten(ctx, text, src)
	return told, err
}

// fire runs the triggers of a time, for each of some rows. before is what the session knew before the statement, which is what they are to know.
func (f *firing) fire(ctx context.Context, timing, event string, rows []firedRow, before lastStatement) error {
	s := f.s
	if len(rows) == 0 || !slices.ContainsFunc(f.programs, func(p firedProgram) bool { return p.of.Timing == timing && p.of.Event == event }) {
		return nil
	}
	last, warnings, functions, inside := s.last, slices.Clone(s.warnings), s.functions, s.byFunctions
	err := s.runProgram(ctx, source{out: discard{s}}, func(ctx context.Context, host compound.Host) (done compound.Done, err error) {
		h := host.(*programHost)
		h.routines = map[*compound.Procedure]*topo.Routine{}
		for _, row := range rows {
			for i := range f.programs {
				p := &f.programs[i]
				if p.of.Timing != timing || p.of.Event != event {
					continue
				}
				values := make([]compound.Value, len(p.row))
				for n, c := range p.row {
					if values[n] = at(row.new, c.Column); c.Old {
						values[n] = at(row.old, c.Column)
					}
				}
				h.routines[p.is] = p.routine
				s.last, s.functions = before, append(slices.Clone(functions), p.routine)
				if done, err = compound.Fire(ctx, p.is, host, values); err != nil {
					return done, err
				}
				for n, c := range p.row {
					if c.Assigned {
						row.new[c.Column] = values[n]
					}
				}
			}
		}
		return compound.Done{}, nil
	})
	s.last, s.functions, s.byFunctions = last, functions, inside
	if err == nil {
		s.warnings = warnings
	}
	return err
}

func at(row []compound.Value, column int) compound.Value {
	if column < len(row) {
		return row[column]
	}
	return compound.Value{}
}

// insert runs an INSERT, which tells of its rows.
func (f *firing) insert(ctx context.Context, out *held, before lastStatement) error {
	at, comma := f.stmt.Span.To, " RETURNING "
	if in := f.stmt.Insert; !in.Returning.Empty() {
		at, comma = in.Returning.To, ", "
	}
	return f.inserted(ctx, out, before, func(items string) []byte {
		return apply(&f.w.scan, []edit{{at, at, comma + items}})
	}, nil)
}

// oneByOne says whether an INSERT of several rows has to write each with its triggers.
func (f *firing) oneByOne() bool {
	in := f.stmt.Insert
	return f.mixed != "" && !f.calls && !in.Ignore && (in.Select != nil || len(in.Rows) > 1)
}

// single refuses several rows at once, where each would have to be written with its triggers.
func (f *firing) single(rows int) error {
	if f.mixed != "" && rows > 1 {
		return f.unfit("of several rows, " + f.mixed + ": write them one by one")
	}
	return nil
}

// inserted runs an INSERT and its AFTER triggers, and answers for it. tried is what a trial has told, if there was one.
func (f *firing) inserted(ctx context.Context, out *held, before lastStatement, text func(items string) []byte, tried *trial) error {
	s, t, in := f.s, f.of.Table, f.stmt.Insert
	columns := f.columns(false)
	if t.AutoIncrement >= 0 && !slices.Contains(columns, t.AutoIncrement) {
		columns = append(columns, t.AutoIncrement)
	}
	items, err := f.items(columns)
	if err != nil {
		return err
	}
	got, from := &capture{caps: s.out.Caps()}, 0
	var to exec.Output = got
	if !in.Returning.Empty() {
		got.binary = f.src.prepared
		to = &partOut{edited: edited{Output: out, prepared: f.src.prepared}, all: got, less: max(len(columns), 1)}
	}
	told, err := f.run(ctx, text(items), to)
	if err != nil {
		return err
	}
	if !in.Returning.Empty() {
		from = got.n - max(len(columns), 1)
	}
	if tried != nil {
		told.InsertID, s.last, s.warnings = tried.told.InsertID, tried.last, tried.warnings
	}
	rows, err := f.values(got, columns, from)
	if err != nil {
		return err
	}
	if in.Ignore && len(rows) > 1 && len(rows) < len(in.Rows) && t.Kind != topo.Single {
		return f.unfit("by INSERT IGNORE of several rows, of which some are there: insert them one by one")
	}
	if err := f.single(len(rows)); err != nil {
		return err
	}
	fired := make([]firedRow, len(rows))
	for i := range rows {
		fired[i].new = rows[i]
	}
	if err := f.fire(ctx, "AFTER", "INSERT", fired, before); err != nil {
		return err
	}
	if !in.Returning.Empty() {
		return nil
	}
	id := told.InsertID
	if n := len(rows); id == 0 && n > 0 && t.AutoIncrement >= 0 {
		if last, err := strconv.ParseInt(string(got.rows[n-1][from+slices.Index(columns, t.AutoIncrement)]), 10, 64); err == nil {
			id = uint64(last)
		}
	}
	return f.tellInserted(out, before, len(rows), id)
}

// tellInserted answers for an INSERT of so many rows.
func (f *firing) tellInserted(out *held, before lastStatement, rows int, id uint64) error {
	s, in := f.s, f.stmt.Insert
	ok := wire.OK{AffectedRows: uint64(rows), InsertID: id, Warnings: s.warningCount()}
	if in.Select != nil || len(in.Rows) > 1 {
		records := rows
		if in.Ignore {
			records = len(in.Rows)
		}
		ok.Info = []byte("Records: " + strconv.Itoa(records) + "  Duplicates: " + strconv.Itoa(records-rows) + "  Warnings: " + strconv.Itoa(len(s.warnings)))
	}
	s.last.rowCount, s.last.foundRows, s.last.uncounted = int64(rows), before.foundRows, before.uncounted
	return s.okTo(source{out: out}, ok)
}
