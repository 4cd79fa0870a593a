package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/compound"
	"github.com/orbweaver/orbweaver/internal/exec"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// isCompound says whether a text is a compound statement: BEGIN NOT ATOMIC, and what may stand by itself besides.
func isCompound(scan *sqltext.Scan) bool {
	if len(scan.Tokens) == 0 || scan.Tokens[0].Kind != sqltext.Word {
		return scan.Mode().Oracle && isOp(scan, 0, "<<")
	}
	switch scan.Tokens[0].KW {
	case sqltext.KwBegin:
		return isWord(scan, 1, "NOT") || scan.Mode().Oracle // where it begins no transaction
	case sqltext.KwDeclare:
		return scan.Mode().Oracle
	case sqltext.KwIf, sqltext.KwCase, sqltext.KwLoop, sqltext.KwWhile, sqltext.KwRepeat, sqltext.KwFor:
		return true
	}
	return false
}

// compound runs a compound statement that is none of a procedure's. MariaDB says whether it is one.
func (s *session) compound(ctx context.Context, w *worker, src source) error {
	if w.scan.Params > 0 {
		text, err := inlineParams(&w.scan, src.args, s.charset.connection)
		if err != nil {
			s.warnings = s.warnings[:0]
			return err
		}
		src.args = nil
		return s.rewritten(ctx, text, src)
	}
	before := conditionsOf(s.warnings)
	s.warnings = s.warnings[:0]
	text := bytes.Clone(w.scan.Src[:w.scan.End])
	if mayHoldSecret(text) {
		return unsupported(firstWords(&w.scan, 3), "the text may hold a password, which no leaf is to be told")
	}
	if err := s.prepareOnly(ctx, string(text), nil); err != nil {
		return err
	}
	if s.sess.Mode.Oracle {
		return unsupported("a block of statements under sql_mode=ORACLE", "set another sql_mode, and write it in MariaDB's own language")
	}
	p, err := compound.Parse(text, s.mode())
	if err != nil {
		return refusedProgram(err)
	}
	return s.runProgram(ctx, src, func(ctx context.Context, h compound.Host) (compound.Done, error) {
		return compound.Run(ctx, p, h, nil, before)
	})
}

// refusedProgram is error 1235 for what a program has that is not run.
func refusedProgram(err error) error {
	var r *compound.RefusedError
	if errors.As(err, &r) {
		return unsupported(r.What, r.Why)
	}
	if errors.Is(err, sqltext.ErrText) {
		return unsupported("this program", err.Error()+"; write that part in another way")
	}
	return err
}

// programError is a program's error with the notes of where it was raised, which follow it in the list of warnings.
type programError struct {
	err    *wire.ServerError
	notes  []exec.Note
	origin string // exec.Note's, of the error
}

func (e *programError) Error() string { return e.err.Error() }
func (e *programError) Unwrap() error { return e.err }

// maxPrograms bounds programs that EXECUTE others, or themselves: procedures count their own calls.
const maxPrograms = 64

// runProgram runs a program and answers for it: OK with what all its statements have affected.
func (s *session) runProgram(ctx context.Context, src source, run func(context.Context, compound.Host) (compound.Done, error)) error {
	if _, ok := src.out.(*cursor); ok {
		src.out = &s.out // which results it will have nobody knows: none of them is a cursor's
	}
	if s.programs >= maxPrograms {
		return wire.Errorf(erStackOverrun, "Thread stack overrun: %d programs run by each other's EXECUTE", maxPrograms)
	}
	s.programs++
	defer func() { s.programs-- }()
	h := &programHost{s: s, src: src}
	more, modes := s.out.more, s.out.modes
	if modes == nil {
		m := s.mode()
		s.out.modes = &m // a procedure's own are not told
	}
	s.out.more = true
	defer s.liftLimit()()
	timed, cancel := s.withinTime(ctx)
	before := s.byFunctions
	s.byFunctions = 0
	done, err := run(timed, h)
	cancel()
	done.Affected += s.byFunctions
	if s.byFunctions = before; h.function != nil && err == nil {
		s.byFunctions += done.Affected
	}
	s.out.more, s.out.modes = more, modes
	if err != nil && ctx.Err() == nil && errors.Is(context.Cause(timed), errStatementTime) {
		s.warnings = s.warnings[:0]
		return withLines(wire.Errorf(wire.ErStatementTimeout, "Query execution was interrupted (max_statement_time exceeded)"), done)
	}
	if h.broken != nil {
		return h.broken
	}
	if err != nil {
		return h.ended(ctx, done, err)
	}
	all := notesOf(done.Conditions)
	s.warnings = all
	s.last.rowCount = int64(done.Affected)
	if around, ok := src.out.(*programOutput); ok && around.seen { // of a program that has run this one by EXECUTE, and tells of its own end alone
		around.ok, around.affected = true, done.Affected
		return nil
	}
	s.warnings = all[done.Kept:] // what was there before is shown, and not counted
	err = s.okTo(src, wire.OK{AffectedRows: done.Affected, Warnings: s.warningCount()})
	s.warnings = all
	return err
}

// errStatementTime ends a program that has run for the session's max_statement_time, which is for all of it.
var errStatementTime = errors.New("max_statement_time")

// withinTime bounds a program by max_statement_time, where the session has set it.
func (s *session) withinTime(ctx context.Context) (context.Context, context.CancelFunc) {
	set, _ := s.tx.State().Get("max_statement_time")
	seconds, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimPrefix(set, "max_statement_time="), "e0"), 64)
	if err != nil || seconds <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, time.Duration(seconds*float64(time.Second)), errStatementTime)
}

// ended is the error that a program has ended with.
func (h *programHost) ended(ctx context.Context, done compound.Done, err error) error {
	var c *compound.Condition
	if !errors.As(err, &c) {
		if err = refusedProgram(err); ctx.Err() != nil {
			return err
		}
		h.s.warnings = h.s.warnings[:0]
		return serverError(ctx, err)
	}
	conds := done.Conditions
	if n := len(conds); n > 0 && conds[n-1].Code == c.Code && conds[n-1].Message == c.Message {
		conds = conds[:n-1] // it is added again where the client is told
	}
	h.s.warnings = notesOf(conds)
	failed := withLines(&wire.ServerError{Code: c.Code, State: c.State, Message: c.Message}, done)
	failed.origin = originOf(c)
	return failed
}

// withLines is a program's error with the notes of where it was raised.
func withLines(err *wire.ServerError, done compound.Done) *programError {
	failed := &programError{err: err}
	for _, at := range done.Failed {
		failed.notes = append(failed.notes, exec.Note{Level: "Note", Code: "4094", Message: "At line " + strconv.Itoa(at.Line) + " in " + at.In})
	}
	return failed
}

// programHost is a session as programs see it.
type programHost struct {
	s   *session
	src source
	// routines are what the procedures that were found are.
	routines map[*compound.Procedure]*topo.Routine
	// function is the stored function that is called, nil for procedures. unit begins what is to be one with it, under the account that it runs by; nil where that is under way.
	function *topo.Routine
	unit     func() (end func(failed error) error, err error)
	// lent is the definer whose rights count, though the statements are run by the caller's connections; nil: the account of the connections.
	lent *backend.Account
	// broken is why nothing can be told to the client any more.
	broken error
}

// Env is how literals are read.
func (h *programHost) Env() compound.Env {
	return compound.Env{Charset: h.s.charset.connection, Collation: h.s.charset.collation,
		Multibyte: h.s.sess.Mode.Multibyte != "" || h.s.charset.client != h.s.charset.connection}
}

// Statement runs a statement the usual way.
func (h *programHost) Statement(ctx context.Context, text string, use compound.Use, conditions []compound.Condition) (compound.Outcome, error) {
	s := h.s
	s.warnings = notesOf(conditions)
	text = h.byName(text)
	src := source{depth: 0}
	own := &programOutput{Output: h.src.out, h: h}
	got := &capture{caps: s.out.Caps()}
	if use == compound.ToClient {
		src.out = own
		if h.src.prepared {
			src.prepared, src.text = true, text
		}
	} else {
		got.binary = h.floats(text)
		text = "SET STATEMENT character_set_results = NULL FOR " + text // strings arrive in their own character sets
		src.out = got
		if got.binary {
			src.prepared, src.text = true, text
		}
	}
	inside := s.tx.InTransaction()
	err := h.mayLent(ctx, text)
	if err == nil {
		err = h.lentFailed(ctx, h.one(ctx, text, src))
	}
	var out compound.Outcome
	if err != nil {
		if h.broken != nil {
			return out, h.broken
		}
		if h.unitLost(inside) {
			return out, serverError(ctx, err)
		}
		e := serverError(ctx, err)
		s.noteError(e)
		s.last.rowCount = -1
		out.Conditions = conditionsOf(s.warnings)
		last := &out.Conditions[len(out.Conditions)-1]
		last.State = e.State
		c := *last
		return out, &c
	}
	out.Conditions, out.Affected = conditionsOf(s.warnings), own.affected
	if use == compound.ToClient {
		return out, nil
	}
	out.Columns = got.n
	if use == compound.ForCursor {
		if out.Fields, err = h.fieldsOf(ctx, got.cols); err != nil {
			out.Fields = nil // DECLARE … CURSOR has no use for them
		}
	}
	for i := range got.rows {
		row := make([]string, got.n)
		for j := range row {
			if row[j], err = got.typed(i, j); err != nil {
				return out, err
			}
		}
		out.Rows = append(out.Rows, row)
	}
	if use == compound.IntoVariables && len(out.Rows) == 1 {
		s.last.rowCount = 1
	}
	return out, nil
}

// one runs one text.
func (h *programHost) one(ctx context.Context, text string, src source) error {
	s := h.s
	w := workers.Get().(*worker)
	defer workers.Put(w)
	if err := w.scan.Scan([]byte(text), s.mode()); err != nil {
		return s.textError(ctx, []byte(text), err)
	}
	s.g.stats.statements.Add(1)
	return s.atHome(ctx, func() error { return s.statement(ctx, w, src) })
}

// programVar is where the session puts values that it finds for a program.
const programVar = "orbweaver value"

// Evaluate has the session find a value, as SET of a user variable would.
func (h *programHost) Evaluate(ctx context.Context, expr string, conditions []compound.Condition) (string, []compound.Condition, error) {
	s := h.s
	last := s.last
	s.warnings = notesOf(conditions)
	expr = strings.TrimPrefix(h.byName("SET @x = "+expr), "SET @x = ")
	inside := s.tx.InTransaction()
	err := h.mayLent(ctx, "SELECT "+expr)
	if err == nil {
		err = h.lentFailed(ctx, h.one(ctx, "SET @`"+programVar+"` = "+expr, source{out: discard{s}}))
	}
	s.last.rowCount, s.last.foundRows, s.last.uncounted = last.rowCount, last.foundRows, last.uncounted
	if err != nil {
		e := serverError(ctx, err)
		if h.unitLost(inside) {
			return "", nil, e
		}
		s.noteError(e)
		conds := conditionsOf(s.warnings)
		conds[len(conds)-1].State = e.State
		c := conds[len(conds)-1]
		return "", conds, &c
	}
	set, ok := s.tx.State().Get("@" + programVar)
	if !ok {
		return "", nil, wire.Errorf(wire.ErUnknown, "a value was not found")
	}
	s.tx.SetState(s.tx.State().Without("@" + programVar))
	return strings.TrimPrefix(set, "@`"+programVar+"`="), conditionsOf(s.warnings), nil
}

// Compute runs a block at a leaf, on a connection that has the session's variables and is in no transaction.
func (h *programHost) Compute(ctx context.Context, block string, users []string) (done compound.Computed, err error) {
	block = h.byNameIn(block)
	if err := h.mayCompute(block); err != nil {
		return done, err
	}
	err = h.s.atHome(ctx, func() (err error) {
		done, err = h.computeAt(ctx, block, users)
		return err
	})
	var e *wire.ServerError
	if errors.As(err, &e) && ctx.Err() == nil {
		conds := done.Conditions
		if len(conds) == 0 {
			conds = []compound.Condition{{Level: "Error", Code: e.Code, Message: e.Message}}
		}
		c := compound.Condition{Level: "Error", Code: e.Code, State: e.State, Message: e.Message}
		done.Conditions = conds
		return done, &c
	}
	return done, err
}

func (h *programHost) computeAt(ctx context.Context, block string, users []string) (done compound.Computed, err error) {
	s := h.s
	w := s.tx.Want(s.place())
	w.Variant = backend.Internal
	c, err := s.g.cfg.Pools.Get(ctx, w)
	if err != nil {
		return done, err
	}
	defer c.Release()
	if strings.Contains(block, "@") {
		c.ResetOnRelease()
	}
	stop := c.Watch(ctx)
	defer stop()
	failed, err := readResults(c, block, &done)
	if err != nil {
		return done, err
	}
	if failed != nil || c.Tracker.Warnings > 0 {
		res, err := c.Query(ctx, "SHOW WARNINGS")
		if err != nil {
			return done, err
		}
		done.Conditions = compound.ConditionsOf(res.Rows)
		if n := len(done.Conditions); failed != nil && n > 1 && done.Conditions[n-1].Code == 4094 {
			done.Conditions = done.Conditions[:n-1] // of the leaf's block
		}
	}
	if len(users) > 0 {
		changes := make([]change, len(users))
		for i, u := range users {
			changes[i] = change{user: true, name: u}
		}
		values, err := readBack(ctx, c, internalCaps, changes)
		if err != nil {
			return done, err
		}
		done.Keep = func() error {
			state := s.tx.State()
			for i, u := range users {
				key := userKey(u)
				state = state.With(key, "@"+quoteName(key[1:])+"="+values[i].variable())
			}
			s.tx.SetState(state)
			return nil
		}
	}
	if failed != nil {
		return done, failed
	}
	return done, nil
}

// blockResult is a result as a leaf gave it.
type blockResult struct {
	cols []wire.Column
	rows [][]byte // packets
	// warnings are the statement's own.
	warnings uint16
}

// readResults runs a text that has several results.
func readResults(c *backend.Conn, text string, done *compound.Computed) (failed *wire.ServerError, err error) {
	if err := c.Send(wire.ComQuery, []byte(text)); err != nil {
		return nil, err
	}
	var raw *blockResult
	size := 0
	for {
		p, err := c.Next()
		if err != nil {
			return nil, err
		}
		switch p.Kind {
		case backend.KindErr:
			failed = p.Err()
		case backend.KindHead:
			raw = &blockResult{}
			done.Results = append(done.Results, compound.Result{Raw: raw})
		case backend.KindColumn:
			var col wire.Column
			if err := wire.ParseColumn(bytes.Clone(p.Payload), internalCaps, &col); err != nil {
				return nil, err
			}
			if len(raw.cols) == 0 {
				done.Results[len(done.Results)-1].Name = string(col.Name)
			}
			raw.cols = append(raw.cols, col)
		case backend.KindRow:
			if size += len(p.Payload); size > captureBytes {
				return nil, errCapture
			}
			packet := bytes.Clone(p.Payload)
			row := make([][]byte, len(raw.cols))
			if err := wire.SplitTextRow(packet, row); err != nil {
				return nil, err
			}
			r := &done.Results[len(done.Results)-1]
			r.Rows, raw.rows = append(r.Rows, row), append(raw.rows, packet)
		case backend.KindEnd:
			raw.warnings = c.Tracker.Warnings
		}
		if c.Done() {
			return failed, nil
		}
	}
}

// Send gives the client a result that a leaf has computed.
func (h *programHost) Send(r compound.Result) error {
	raw, ok := r.Raw.(*blockResult)
	if !ok {
		return wire.Errorf(wire.ErUnknown, "a result of another kind")
	}
	s, out := h.s, h.src.out
	caps := out.Caps()
	status := wire.Status(0)
	if p := r.Out; p != nil {
		if !h.src.prepared || !caps.Has(wire.ClientPSMultiResults) {
			return nil
		}
		status = wire.StatusPSOutParams
		for i := range raw.cols {
			c := &raw.cols[i]
			c.Schema, c.Table, c.OrgTable, c.OrgName = []byte(p.DB), []byte(p.Name), []byte(p.Name), c.Name
		}
	} else if err := h.mayReturn(); err != nil {
		return err
	}
	packet := func(p []byte) {
		if h.broken == nil {
			h.broken = out.Packet(p)
		}
	}
	packet(wire.AppendColumnCount(nil, caps, len(raw.cols)))
	for i := range raw.cols {
		packet(wire.AppendColumn(nil, caps, &raw.cols[i]))
	}
	if !caps.Has(wire.ClientDeprecateEOF) {
		packet(wire.AppendEOF(nil, caps, &wire.OK{Status: out.Status() | status}))
	}
	for _, row := range raw.rows {
		if h.src.prepared {
			var err error
			if row, err = wire.AppendBinaryRow(nil, raw.cols, row); err != nil {
				return err
			}
		}
		packet(row)
	}
	packet(wire.AppendEOF(nil, caps, &wire.OK{Status: out.Status() | status, Warnings: raw.warnings}))
	if r.Out == nil {
		s.last.rowCount, s.last.foundRows, s.last.uncounted = -1, uint64(len(raw.rows)), false
	}
	return h.broken
}

// mayReturn says whether the client takes several results.
func (h *programHost) mayReturn() error {
	if h.src.out.Caps().Has(wire.ClientMultiResults) {
		return nil
	}
	return &compound.Condition{Level: "Error", Code: 1312, State: "0A000", Message: "PROCEDURE can't return a result set in the given context"}
}

// programOutput gives the client the rows of a program's statement, and keeps its OK.
type programOutput struct {
	exec.Output
	h        *programHost
	seen, ok bool
	affected uint64
}

// Packet follows the packets of an answer.
func (o *programOutput) Packet(p []byte) error {
	switch {
	case o.ok:
		return nil
	case !o.seen && wire.IsOK(p):
		o.seen, o.ok = true, true
		var ok wire.OK
		if err := wire.ParseOK(p, o.Caps(), &ok); err != nil {
			return err
		}
		o.affected = ok.AffectedRows
		return nil
	case !o.seen:
		o.seen = true
		if err := o.h.mayReturn(); err != nil {
			return wire.Errorf(1312, "PROCEDURE can't return a result set in the given context")
		}
	}
	err := o.Output.Packet(p)
	if err != nil && o.h.broken == nil {
		o.h.broken = err
	}
	return err
}

// discard is an output for statements without rows.
type discard struct{ s *session }

func (d discard) Caps() wire.Caps                { return d.s.out.Caps() }
func (d discard) Status() wire.Status            { return d.s.out.Status() }
func (d discard) Packet([]byte) error            { return nil }
func (d discard) File(string) (io.Reader, error) { return nil, errNoLocalInfile }
