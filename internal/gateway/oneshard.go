package gateway

import (
	"context"
	"errors"
	"strings"

	"github.com/orbweaver/orbweaver/internal/exec"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// TenDB's numbers of what its guards refuse.
const (
	erTransactionAcross = 1734
	erQueryAcross       = 1735
)

// restraint is one of TenDB's guards as a session has it.
type restraint struct {
	on bool
	// common: it is on for all sessions. Accounts with SUPER are not held to that.
	common bool
}

// guards are those of a session.
type guards struct {
	query, transaction restraint
	mode               txn.Mode // transaction_mode
	// super says whether the account has SUPER; nil: it was not asked yet.
	super *bool
}

// setGuards reads the guards from the session's variables. any: one at least of all variables has another value than its default.
func (s *session) setGuards(any bool) {
	s.guards.query, s.guards.transaction, s.guards.mode = restraint{}, restraint{}, txn.Atomic
	if !any {
		s.tx.SetMode(txn.Atomic)
		return
	}
	s.guards.query, s.guards.transaction = s.restraint(queryOneShard), s.restraint(transactionOneShard)
	switch mode, _ := s.spiderValue(findVariable(transactionMode), false); mode {
	case "single":
		s.guards.mode = txn.Single
	case "multi":
		s.guards.mode = txn.Multi
	}
	s.tx.SetMode(s.guards.mode)
}

// setMode says how the transaction that may begin now is to be, where it depends on the account.
func (s *session) setMode(ctx context.Context) error {
	if !s.guards.transaction.on {
		return nil
	}
	held, err := s.holds(ctx, s.guards.transaction)
	if err != nil {
		return err
	}
	if mode := s.guards.mode; held {
		s.tx.SetMode(txn.Single)
	} else {
		s.tx.SetMode(mode)
	}
	return nil
}

func (s *session) restraint(name string) restraint {
	value, _ := s.spiderValue(findVariable(name), false)
	_, own := s.spider.own[name]
	return restraint{on: value == "ON", common: !own}
}

// holds says whether the session is held to a guard.
func (s *session) holds(ctx context.Context, g restraint) (bool, error) {
	if !g.on || !g.common {
		return g.on, nil
	}
	if s.guards.super == nil {
		err := s.needSuper(ctx)
		var denied *wire.ServerError
		if err != nil && (!errors.As(err, &denied) || denied.Code != wire.ErSpecificAccessDenied) {
			return false, err
		}
		super := err == nil
		s.guards.super = &super
	}
	return !*s.guards.super, nil
}

// refused is TenDB's error for a statement on several partitions, with what its author can do; other errors are left alone.
func (s *session) refused(w *worker, snap *topo.Snapshot, err error) error {
	var second *txn.SingleError
	if errors.As(err, &second) && s.guards.mode != txn.Single {
		return &wire.ServerError{Code: erTransactionAcross, State: "HY000", Message: "Transaction across different partitions denied to user " + s.shownAccount() +
			": " + transactionOneShard + " is on; " + second.Places()}
	}
	if !errors.Is(err, exec.ErrAcross) {
		return err
	}
	verb, table, hint := "Statement", "", ""
	if stmt, perr := sqltext.Parse(&w.scan, s.mode()); perr == nil {
		verb = strings.ToUpper(firstVerb(&w.scan, stmt))
		verb = verb[:1] + strings.ToLower(verb[1:])
		table, hint = s.spreadTable(stmt, snap)
	}
	return &wire.ServerError{Code: erQueryAcross, State: "HY000", Message: verb + " across multiple partitions denied to user " + s.shownAccount() +
		" for table '" + table + "': " + queryOneShard + " is on" + hint}
}

// firstVerb is the word that says what a statement does.
func firstVerb(scan *sqltext.Scan, stmt *sqltext.Stmt) string {
	switch stmt.Kind {
	case sqltext.KindSelect:
		return "SELECT"
	case sqltext.KindLoadData:
		return "LOAD"
	}
	at := int32(0)
	if !stmt.SetStatement.Empty() {
		at = stmt.SetStatement.To
	}
	for _, verb := range []string{"INSERT", "REPLACE", "UPDATE", "DELETE"} {
		if isWord(scan, at, verb) {
			return verb
		}
	}
	return "Statement"
}

// spreadTable is the first table of a statement that has partitions, and how a statement stays in one of them.
func (s *session) spreadTable(stmt *sqltext.Stmt, snap *topo.Snapshot) (name, hint string) {
	for _, n := range stmt.Tables {
		db := n.DB.Text
		if n.DB.Tok < 0 {
			db = s.sess.DB
		}
		t := snap.Table(db, n.Name.Text)
		if t == nil || t.Kind == topo.Reference {
			continue
		}
		var key []string
		for _, c := range t.ShardKey {
			key = append(key, quoteName(t.Columns[c].Name))
		}
		if len(key) > 0 {
			hint = "; give its shard key " + strings.Join(key, ", ") + " one value"
		}
		return t.Name, hint
	}
	return "", ""
}

// shownAccount is the user as MariaDB's refusals name it.
func (s *session) shownAccount() string { return "'" + s.user + "'@'" + s.ip.String() + "'" }
