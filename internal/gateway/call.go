package gateway

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/compound"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// MariaDB's numbers for calls.
const (
	erRoutineArguments = 1318
)

// procedures are those that were called of late, as they were read. One that is changed has another revision.
type procedures struct {
	mu  sync.Mutex
	all map[procedureKey]*compound.Procedure
}

type procedureKey struct {
	db, key  string
	revision uint64
}

// maxProcedures bounds what is remembered.
const maxProcedures = 1024

func (c *procedures) get(r *topo.Routine, mode sqltext.Mode) (*compound.Procedure, error) {
	return c.read(procedureKey{r.DB, topo.RoutineKey(r.Kind, r.Name), r.Revision}, func() (*compound.Procedure, error) {
		if r.Kind == topo.Function {
			return compound.ParseFunction(r.DB, r.Name, r.Text, mode)
		}
		return compound.ParseProcedure(r.DB, r.Name, r.Text, mode)
	})
}

// read gives what was read before under a key.
func (c *procedures) read(key procedureKey, parse func() (*compound.Procedure, error)) (*compound.Procedure, error) {
	c.mu.Lock()
	p := c.all[key]
	c.mu.Unlock()
	if p != nil {
		return p, nil
	}
	p, err := parse()
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil || len(c.all) >= maxProcedures {
		c.all = map[procedureKey]*compound.Procedure{}
	}
	c.all[key] = p
	return p, nil
}

// callsOwn says whether a statement is CALL of a procedure that the cluster has.
func (s *session) callsOwn(scan *sqltext.Scan, snap *topo.Snapshot) bool {
	if len(scan.Tokens) < 2 || !isWord(scan, 0, "CALL") || !isNamed(scan, 1) {
		return false
	}
	db, name := s.sess.DB, nameAt(scan, 1, s.mode())
	if isOp(scan, 2, ".") && isNamed(scan, 3) {
		db, name = name, nameAt(scan, 3, s.mode())
	}
	return snap.Routine(topo.Procedure, db, name) != nil
}

// callOwn runs CALL of a procedure of the cluster. A ? that is an argument by itself stays one, as it may be where the value of an OUT parameter goes.
func (s *session) callOwn(ctx context.Context, w *worker, src source) error {
	before := s.areaBefore(&w.scan)
	s.warnings = s.warnings[:0]
	var values []string
	var edits []edit
	scan, n := &w.scan, 0
	for i := range scan.Tokens {
		if scan.Tokens[i].Kind != sqltext.Param {
			continue
		}
		if n >= len(src.args) {
			return wire.Errorf(wire.ErWrongArguments, "Incorrect arguments to EXECUTE")
		}
		lit := paramLiteral(&src.args[n], s.charset.connection)
		n++
		if at := int32(i); (isOp(scan, at-1, "(") || isOp(scan, at-1, ",")) && (isOp(scan, at+1, ")") || isOp(scan, at+1, ",")) && bracketsAt(scan, at) == 1 {
			values = append(values, lit)
		} else {
			edits = append(edits, edit{at, at + 1, lit})
		}
	}
	p, err := compound.Parse(apply(scan, edits), s.mode())
	if err != nil {
		return refusedProgram(err)
	}
	src.args = nil
	return s.runProgram(ctx, src, func(ctx context.Context, h compound.Host) (compound.Done, error) {
		return compound.Run(ctx, p, h, values, before)
	})
}

// bracketsAt is how many brackets a token is in.
func bracketsAt(scan *sqltext.Scan, tok int32) (depth int) {
	for i := range tok {
		switch {
		case isOp(scan, i, "("):
			depth++
		case isOp(scan, i, ")"):
			depth--
		}
	}
	return depth
}

// Procedure finds a procedure for a CALL, and asks a leaf whether the account may run it.
func (h *programHost) Procedure(ctx context.Context, db, name string, args int) (*compound.Procedure, error) {
	s := h.s
	if h.function != nil {
		return h.calledFunction(args)
	}
	if db == "" {
		db = s.sess.DB
	}
	if db == "" {
		return nil, &compound.Condition{Level: "Error", Code: wire.ErNoDB, State: wire.SQLState(wire.ErNoDB), Message: "No database selected"}
	}
	snap := s.topology()
	r := snap.Routine(topo.Procedure, db, name)
	if r == nil {
		err := h.one(ctx, "CALL "+quoteName(db)+"."+quoteName(name)+"()", source{out: discard{s}})
		if err == nil {
			err = unsupported("CALL", "the procedure is none of the cluster's")
		}
		return nil, h.condition(ctx, err)
	}
	mode := modeOf(r.SQLMode, s.mode())
	if strings.Contains(r.SQLMode, "ORACLE") {
		return nil, unsupported("CALL of a procedure made under sql_mode=ORACLE", "it is read in another way; make it under another sql_mode")
	}
	if d := snap.Databases[db]; d != nil && d.Collation != r.DBCollation {
		return nil, unsupported("CALL of a procedure that was made when its database had another collation", "make it anew: CREATE OR REPLACE PROCEDURE")
	}
	p, err := s.g.called.get(r, mode)
	if err != nil {
		return nil, refusedProgram(err)
	}
	if err := h.mayCall(ctx, r, p, snap); err != nil {
		return nil, h.condition(ctx, err)
	}
	if args != p.Params() {
		e := wire.Errorf(erRoutineArguments, "Incorrect number of arguments for PROCEDURE %s.%s; expected %d, got %d", r.DB, r.Name, p.Params(), args)
		return nil, h.condition(ctx, e)
	}
	if h.routines == nil {
		h.routines = map[*compound.Procedure]*topo.Routine{}
	}
	h.routines[p] = r
	return p, nil
}

// condition is an error of MariaDB's as a program sees it.
func (h *programHost) condition(ctx context.Context, err error) error {
	var refused *compound.RefusedError
	if errors.As(err, &refused) || ctx.Err() != nil {
		return err
	}
	e := serverError(ctx, err)
	return &compound.Condition{Level: "Error", Code: e.Code, State: e.State, Message: e.Message}
}

// mayCall asks a leaf whether the account has the right to a procedure, unless that was asked just now: by a CALL with an argument too many, which MariaDB refuses once it has looked at
// the rights. Had the procedure got another parameter meanwhile, the arguments could not be evaluated.
func (h *programHost) mayCall(ctx context.Context, r *topo.Routine, p *compound.Procedure, snap *topo.Snapshot) error {
	s := h.s
	args := strings.Repeat(",(SELECT 1 UNION SELECT 2)", p.Params()+1)
	text := "CALL " + quoteName(r.DB) + "." + quoteName(r.Name) + "(" + args[1:] + ")"
	w := workers.Get().(*worker)
	defer workers.Put(w)
	if err := w.scan.Scan([]byte(text), s.mode()); err != nil {
		return err
	}
	rights, now := s.g.rights.Load(), time.Now()
	w.may = s.permitKeyOf(w.may[:0], w, h.asks(txn.Place{Leaf: s.home}))
	if s.g.permits.hold(w.may, rights, snap.Revision, now) {
		return nil
	}
	err := s.g.elsewhere(ctx, s.home, true, func(leaf string) error {
		want := h.asks(txn.Place{Leaf: leaf})
		want.Variant = backend.Internal
		c, err := s.g.cfg.Pools.Get(ctx, want)
		if err != nil {
			return err
		}
		defer c.Release()
		_, err = c.Query(ctx, text)
		return err
	})
	var e *wire.ServerError
	switch {
	case errors.As(err, &e) && e.Code == erRoutineArguments:
		s.g.permits.put(w.may, permit{rights, snap.Revision, now.Add(permitFor)})
		return nil
	case err == nil:
		return wire.Errorf(wire.ErUnknown, "the procedure has changed; call it again")
	}
	return err
}

// modeOf is how text is read under an sql_mode.
func modeOf(sqlMode string, base sqltext.Mode) sqltext.Mode {
	m := sqltext.Mode{Version: base.Version}
	readAs(&m, sqlMode)
	return m
}

// readAs gives a mode what an sql_mode says of how text is read.
func readAs(m *sqltext.Mode, sqlMode string) {
	m.ANSIQuotes, m.NoBackslashEscapes, m.PipesAsConcat, m.HighNotPrecedence, m.IgnoreSpace, m.Oracle = false, false, false, false, false, false
	for _, f := range strings.Split(sqlMode, ",") {
		switch f {
		case "ANSI_QUOTES":
			m.ANSIQuotes = true
		case "NO_BACKSLASH_ESCAPES":
			m.NoBackslashEscapes = true
		case "PIPES_AS_CONCAT":
			m.PipesAsConcat = true
		case "HIGH_NOT_PRECEDENCE":
			m.HighNotPrecedence = true
		case "IGNORE_SPACE":
			m.IgnoreSpace = true
		case "ORACLE":
			m.Oracle = true
		}
	}
}

// ofProcedure are the settings that a procedure brings along, as the session's state knows them.
var ofProcedure = []string{"sql_mode", "collation_connection", "character_set_client", "names", "collation_database"}

// Enter gives the session what a procedure runs under: its database, sql_mode, the collation of its literals, and the rights of its definer. All of that is as before when it ends, as in MariaDB.
func (h *programHost) Enter(p *compound.Procedure) (leave func(error) error, err error) {
	s, r := h.s, h.routines[p]
	back, err := h.asDefiner(r)
	if err != nil {
		return nil, err
	}
	before, sess, charset := s.tx.State(), s.sess, s.charset
	own := map[string]string{"sql_mode": s.g.sqlMode, "character_set_client": charset.client, "collation_connection": charset.collation}
	state := before.Without("collation_database")
	if s.sess.DB != r.DB {
		s.setDB(r.DB)
	}
	if mode, set := before.Get("sql_mode"); set && mode != "sql_mode="+stringLiteral(r.SQLMode) || !set && s.g.sqlMode != r.SQLMode {
		state = state.With("sql_mode", "sql_mode="+stringLiteral(r.SQLMode))
	}
	s.setSQLMode(r.SQLMode)
	if c := wire.CollationByName(r.Collation); c != nil && (s.charset.collation != r.Collation || s.charset.client != "utf8mb4") {
		state = state.With("character_set_client", "character_set_client='utf8mb4'").With("collation_connection", "collation_connection="+stringLiteral(c.Name))
		s.charset.client, s.charset.connection, s.charset.collation = "utf8mb4", c.Charset, c.Name
		s.noteCharset()
	}
	s.tx.SetState(state)
	limited := s.liftLimit()
	end := func(error) error { return nil }
	if h.unit != nil {
		if end, err = h.unit(); err != nil {
			end = func(error) error { return nil }
		}
	}
	leave = func(failed error) error {
		over := end(failed)
		limited()
		within := s.tx.State()
		after := within.Back(before, ofProcedure...)
		for _, key := range ofProcedure {
			_, had := before.Get(key)
			if _, set := within.Get(key); set && !had && s.tx.Held() > 0 {
				after = after.With(key, key+"="+stringLiteral(own[key])) // a connection that is held forgets nothing
			}
		}
		s.tx.SetState(after)
		sess.OwnReferences, sess.LinksReadOnly = s.sess.OwnReferences, s.sess.LinksReadOnly
		results := s.charset.results
		s.sess, s.charset = sess, charset
		s.charset.results = results
		s.setDB(sess.DB)
		s.noteCharset()
		if err := back(); over == nil {
			return err
		}
		return over
	}
	if err != nil {
		_ = leave(err) // why it was not entered counts
		return nil, err
	}
	return leave, nil
}

// cutLast is strings.Cut at the last separator.
func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
