package gateway

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// errFiredForUser refuses a write of which partitions would tell triggers another user than the session's.
var errFiredForUser = unsupported("a write whose triggers call USER(), in a procedure that runs with the rights of another account", "have the procedure made with SQL SECURITY INVOKER, or CALL it in a transaction")

// asDefiner has the session run under a procedure's definer, until back is called: on connections of its own. What a transaction, LOCK TABLES and the like hold is seen by the connections of
// the caller's account alone; where there is any the statements stay there, and the definer's rights are asked for before each.
func (h *programHost) asDefiner(r *topo.Routine) (back func() error, err error) {
	s := h.s
	user, host, found := cutLast(r.Definer, "@")
	if r.Invoker {
		return func() error { return nil }, nil
	}
	before := h.lent
	back = func() error {
		h.lent = before
		return nil
	}
	if found && user == s.login.User && host == s.login.Host {
		h.lent = nil
		return back, nil
	}
	refused := func(why string) error {
		if r.Kind == ofTrigger {
			return unsupported("a write that fires trigger '"+r.DB+"."+r.Name+"', which nodes run with the rights of "+r.Definer+",", why+"; make it with the account that writes for its DEFINER")
		}
		return unsupported("CALL of procedure '"+r.DB+"."+r.Name+"', which runs with the rights of "+r.Definer+",",
			why+"; have it made with SQL SECURITY INVOKER, or call it as its definer")
	}
	as, ok := s.definer(&topo.View{DefinerUser: user, DefinerHost: host})
	if !found || !ok || !s.g.definers.are(s.query(), s, as) {
		return nil, refused("no node can log in as that account")
	}
	if before != nil || s.tx.InTransaction() || !s.tx.Autocommit() || s.tables || s.xa != nil || s.hasTemporary() || s.tx.Pinned(txn.PinNamed) {
		h.lent = &as
		return back, nil
	}
	if s.caller == "" {
		v, err := s.evaluate(s.query(), "USER()")
		if err != nil {
			return nil, err
		}
		s.caller = v.text
	}
	tx, login, super := s.tx, s.login, s.guards.super
	other := txn.New(s.g.cfg.Pools, as, backend.VariantOf(s.conn.Caps()))
	other.SetGuard(s.g.guard)
	other.SetCoordinator(s.g.coordinator)
	other.SetSpans(s.g.cfg.Spans)
	role, hadRole := tx.State().Get(backend.RoleKey)
	other.SetState(tx.State().Without(backend.RoleKey))
	s.tx, s.login, s.guards.super, s.lentAs = other, as, nil, true
	return func() error {
		s.lentAs = false
		h.lent = before
		state := other.State().Without(backend.RoleKey)
		if hadRole {
			state = state.With(backend.RoleKey, role)
		}
		left := ""
		switch {
		case other.InTransaction() || !other.Autocommit():
			left = "a transaction open"
		case s.hasTemporary():
			left = "a temporary table"
			s.temps = temporaries{}
		case other.Pinned(txn.PinNamed) || s.tables:
			left = "a lock"
			s.tables = false
		}
		other.Close()
		s.tx, s.login, s.guards.super = tx, login, super
		s.tx.SetState(state)
		if left != "" {
			return refused("it has left " + left + ", which is undone")
		}
		return nil
	}, nil
}

// asks is a connection by which a leaf is asked what the account may whose rights count.
func (h *programHost) asks(at txn.Place) backend.Want {
	w := h.s.tx.Want(at)
	if h.lent != nil {
		w.Account, w.State = *h.lent, w.State.Without(backend.RoleKey)
	}
	return w
}

// mayLent says whether a statement may be run on the caller's connections with a definer's rights: the definer has to have them, which a leaf says by a PREPARE. That the caller has them, too,
// shows when it is run. What would tell them apart, or can't be asked about so, is refused.
func (h *programHost) mayLent(ctx context.Context, text string) error {
	if h.lent == nil {
		return nil
	}
	s := h.s
	w := workers.Get().(*worker)
	defer workers.Put(w)
	if w.scan.Scan([]byte(text), s.mode()) != nil {
		return nil // a leaf says what is wrong
	}
	stmt, err := sqltext.Parse(&w.scan, s.mode())
	if err != nil {
		return nil
	}
	if asksWho(&w.scan) {
		return h.refusedLent("CURRENT_ROLE, or CURRENT_USER here,")
	}
	if len(s.functionsHere(stmt, s.topology())) > 0 {
		return h.refusedLent("a call of a stored function that writes, locks rows or reads views")
	}
	switch stmt.Kind {
	case sqltext.KindBegin, sqltext.KindCommit, sqltext.KindRollback, sqltext.KindSavepoint, sqltext.KindEmpty:
		return nil
	case sqltext.KindDeallocate:
		return nil
	case sqltext.KindPrepare: // a text in a variable or a string: what it does is asked for when it is executed
		if p := stmt.Prepared; p != nil && stmt.Facts&sqltext.HasSubquery == 0 {
			return nil
		}
		return h.refusedLent(firstWords(&w.scan, 2))
	case sqltext.KindExecute:
		p := stmt.Prepared
		if p == nil || p.Immediate || stmt.Facts&(sqltext.HasSubquery|sqltext.HasStoredCall) != 0 {
			return h.refusedLent(firstWords(&w.scan, 2))
		}
		prepared, ok := s.named[strings.ToLower(p.Name.Text)]
		if !ok {
			return nil // MariaDB's error
		}
		if prepared.db != s.sess.DB {
			return h.refusedLent("EXECUTE of what was prepared in another database")
		}
		if !modesAlike(prepared.text, prepared.mode, s.mode()) {
			return h.refusedLent("EXECUTE of what was prepared under another sql_mode")
		}
		return h.mayLent(ctx, prepared.text)
	case sqltext.KindSet:
		for i := range w.scan.Tokens {
			if isWord(&w.scan, int32(i), "GLOBAL") || w.scan.Tokens[i].Kind == sqltext.SysVar && strings.HasPrefix(strings.ToLower(string(w.scan.Bytes(int32(i)))), "@@global") {
				return h.refusedLent("SET GLOBAL")
			}
		}
	case sqltext.KindSelect, sqltext.KindInsert, sqltext.KindUpdate, sqltext.KindDelete, sqltext.KindDo:
	default:
		return h.refusedLent(firstWords(&w.scan, 2))
	}
	own := len(stmt.Tables) > 0
	for _, t := range stmt.Tables {
		db := t.DB.Text
		if t.DB.Tok < 0 || db == "" {
			db = s.sess.DB
		}
		if isSystemSchema(db) {
			return h.refusedLent("a statement on " + db)
		}
		own = own && s.temps.tables[tableKey{db, t.Name.Text}]
	}
	if own && stmt.Facts&sqltext.HasStoredCall == 0 {
		return nil // temporary tables are the session's, whoever asks
	}
	snap := s.topology()
	rights, now := s.g.rights.Load(), time.Now()
	w.may = append(s.permitKeyOf(w.may[:0], w, h.asks(txn.Place{Leaf: s.home})), "definer"...)
	if s.g.permits.hold(w.may, rights, snap.Revision, now) {
		return nil
	}
	err = s.g.elsewhere(ctx, s.home, true, func(leaf string) error {
		want := h.asks(txn.Place{Leaf: leaf, Schema: s.sess.DB})
		want.Variant = backend.Internal
		c, err := s.g.cfg.Pools.Get(ctx, want)
		if err != nil {
			return err
		}
		defer c.Release()
		_, err = prepareOn(ctx, c, text, false)
		return err
	})
	if err == nil {
		s.g.permits.put(w.may, permit{rights, snap.Revision, now.Add(permitFor)})
	} else if e := serverError(ctx, err); s.hasTemporary() && e.Code == wire.ErNoSuchTable {
		return h.refusedLent("a statement on temporary and other tables")
	}
	return err
}

// byName puts the definer's name in the places of CURRENT_USER, where the caller's connections run what a definer does: they would give their own. So would the definer's connections in the places of USER().
func (h *programHost) byName(text string) string {
	var scan sqltext.Scan
	if h.lent == nil && !h.s.lentAs || scan.Scan([]byte(text), h.s.mode()) != nil {
		return text
	}
	edits := h.namings(&scan)
	if len(edits) == 0 {
		return text
	}
	stmt, err := sqltext.Parse(&scan, h.s.mode())
	if err != nil || stmt.Query != nil && stmt.Query.Select == nil {
		return text // which is refused
	}
	if stmt.Kind == sqltext.KindSelect && stmt.Query != nil {
		for i := range stmt.Query.Select.Items {
			item := &stmt.Query.Select.Items[i]
			if item.Alias.Tok < 0 && item.Expr != nil && slices.ContainsFunc(edits, func(e edit) bool { return item.Span.From <= e.from && e.to <= item.Span.To }) {
				edits = append(edits, edit{item.Span.To, item.Span.To, " AS " + quoteName(string(scan.Text(item.Span)))})
			}
		}
		slices.SortStableFunc(edits, func(a, b edit) int { return int(a.from - b.from) })
	}
	return string(apply(&scan, edits))
}

// namings are the edits by which a text says the definer's name instead of CURRENT_USER, or the caller's instead of USER().
func (h *programHost) namings(scan *sqltext.Scan) (edits []edit) {
	for i := range int32(len(scan.Tokens)) {
		if h.s.lentAs && (isWord(scan, i, "USER") || isWord(scan, i, "SESSION_USER") || isWord(scan, i, "SYSTEM_USER")) && isOp(scan, i+1, "(") && isOp(scan, i+2, ")") && (i == 0 || !isOp(scan, i-1, ".")) {
			edits = append(edits, edit{i, i + 3, "_utf8mb3" + stringLiteral(h.s.caller)})
			continue
		}
		if h.lent == nil {
			continue
		}
		if !isWord(scan, i, "CURRENT_USER") || i > 0 && isOp(scan, i-1, ".") || isOp(scan, i+1, ".") {
			continue
		}
		end := i + 1
		if isOp(scan, end, "(") && isOp(scan, end+1, ")") {
			end += 2
		}
		edits = append(edits, edit{i, end, "_utf8mb3" + stringLiteral(h.lent.User+"@"+h.lent.Host)})
	}
	return edits
}

// byNameIn is byName for a block that a leaf computes, but for its SELECTs, whose columns the client would see under another name.
func (h *programHost) byNameIn(block string) string {
	var scan sqltext.Scan
	if h.lent == nil && !h.s.lentAs || scan.Scan([]byte(block), h.s.mode()) != nil {
		return block
	}
	edits := slices.DeleteFunc(h.namings(&scan), func(e edit) bool {
		for i := e.from; i >= 0 && !isOp(&scan, i, ";"); i-- {
			if isWord(&scan, i, "SELECT") {
				return true
			}
		}
		return false
	})
	if len(edits) == 0 {
		return block
	}
	return string(apply(&scan, edits))
}

// mayCompute is mayLent for what a leaf computes from variables.
func (h *programHost) mayCompute(block string) error {
	var scan sqltext.Scan
	if h.lent != nil && scan.Scan([]byte(block), h.s.mode()) == nil && asksWho(&scan) {
		return h.refusedLent("CURRENT_USER or CURRENT_ROLE")
	}
	return nil
}

// fires says whether what runs is a trigger's.
func (h *programHost) fires() bool {
	n := len(h.s.functions)
	return n > 0 && h.s.functions[n-1].Kind == ofTrigger
}

func (h *programHost) refusedLent(what string) error {
	if h.fires() {
		return unsupported(what+" in a trigger that nodes run with the rights of "+h.lent.User+"@"+h.lent.Host+",", "make it with the account that writes for its DEFINER")
	}
	return unsupported(what+" in a procedure that runs with the rights of "+h.lent.User+"@"+h.lent.Host+" within the caller's transaction, or beside its temporary tables or locks,",
		"have the procedure made with SQL SECURITY INVOKER, or call it as its definer")
}

// lentFailed is the error of a statement that a definer may run, but the caller may not.
func (h *programHost) lentFailed(ctx context.Context, err error) error {
	if h.lent == nil || !deniedRight(ctx, err) {
		return err
	}
	if h.fires() {
		return unsupported("a statement that only "+h.lent.User+"@"+h.lent.Host+" may run, in a trigger that nodes run with its rights,", "grant the account that writes the right as well: "+serverError(ctx, err).Message)
	}
	return unsupported("a statement that only "+h.lent.User+"@"+h.lent.Host+" may run, with whose rights a procedure runs, within the caller's transaction, or beside its temporary tables or locks,",
		"CALL it outside of these, or grant the caller the right as well: "+serverError(ctx, err).Message)
}

// asksWho says whether a text names the account that it is run by.
func asksWho(scan *sqltext.Scan) bool {
	for i := range scan.Tokens {
		if isWord(scan, int32(i), "CURRENT_USER") || isWord(scan, int32(i), "CURRENT_ROLE") {
			return true
		}
	}
	return false
}
