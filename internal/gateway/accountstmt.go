package gateway

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/exec"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// clusterUser is the account of the cluster's own work, which clients can't touch.
const clusterUser = "orbweaver"

// setAccount sets variables that SET PASSWORD has behind it first: one that is wrong changes no password.
func (s *session) setAccount(ctx context.Context, scan *sqltext.Scan, stmt *sqltext.Stmt, snap *topo.Snapshot) error {
	if stmt.Account == nil || stmt.Account.Variables.Empty() {
		return s.accountStatement(ctx, scan, stmt, snap)
	}
	rest := stmt.Account.Variables
	set, password := new(sqltext.Scan), new(sqltext.Scan)
	st, err := parsed(set, scan.AppendSpan([]byte("SET "), rest), s.mode())
	if err != nil {
		return err
	}
	if st.Kind != sqltext.KindSet {
		return unsupported("SET PASSWORD with more than variables", "send them one after another")
	}
	if err := s.set(ctx, set, st); err != nil {
		return err
	}
	if st, err = parsed(password, scan.AppendSpan(nil, sqltext.Span{From: stmt.Span.From, To: rest.From - 1}), s.mode()); err != nil {
		return err
	}
	return s.accountStatement(ctx, password, st, snap)
}

func parsed(scan *sqltext.Scan, text []byte, mode sqltext.Mode) (*sqltext.Stmt, error) {
	if err := scan.Scan(text, mode); err != nil {
		return nil, err
	}
	return sqltext.Parse(scan, mode)
}

// errGrantsNotLocked is told of changes of accounts under LOCK TABLES, which name the tables of accounts in their own way: they would wait for the session's own locks of these.
func errGrantsNotLocked(table string) error {
	return wire.Errorf(erNotLocked, "Table '%s' was not locked with LOCK TABLES", table)
}

// grantsIn is the table of accounts that MariaDB misses first.
func grantsIn(a *sqltext.Account) string {
	switch {
	case a == nil:
	case a.Verb == "SET PASSWORD", a.Verb == "ALTER USER", a.Verb == "SET DEFAULT ROLE":
		return "global_priv"
	case a.On == nil || a.On.Name.Text == "*":
	case a.OnKind == "" || a.OnKind == "TABLE":
		return "tables_priv"
	default:
		return "procs_priv"
	}
	return "db"
}

// accountStatement is CREATE USER, GRANT, SET PASSWORD and the like. One leaf runs it, under the client's account, and judges by it; what its
// tables of accounts have become is then written to the others by the cluster's account, as rows: no leaf but the first sees the client's text.
func (s *session) accountStatement(ctx context.Context, scan *sqltext.Scan, stmt *sqltext.Stmt, snap *topo.Snapshot) error {
	if s.tables {
		return errGrantsNotLocked(grantsIn(stmt.Account))
	}
	if a := stmt.Account; a != nil && a.On != nil {
		if db := unescapePattern(a.On.DB.Text); hidden(snap, db) {
			return topo.NoDatabase(a.On.DB.Text)
		}
	}
	for i, t := range scan.Tokens {
		if t.Kind != sqltext.Word && t.Kind != sqltext.QuotedID && t.Kind != sqltext.String {
			continue
		}
		name := nameAt(scan, int32(i), s.mode())
		if user, _, _ := strings.Cut(name, "@"); strings.EqualFold(user, clusterUser) {
			return &wire.ServerError{Code: erCannotUser, State: "HY000", Message: "The account '" + clusterUser + "' and the schema of that name are the cluster's own"}
		}
	}
	if err := snap.RoomEverywhere(true); err != nil { // little is written, but on a full disk that would be waited for
		return err
	}
	if err := s.commitFirst(ctx); err != nil {
		return err
	}
	for began := time.Now(); ; {
		changed := s.g.cfg.Catalog.Changed()
		version, again, err := s.changeAccounts(ctx, scan, began)
		if !again || err == nil {
			s.awaitRights(ctx, version)
			return err
		}
		if time.Since(began) > s.g.cfg.FailoverWait || ctx.Err() != nil {
			return notInForce(err, s.g.cfg.FailoverWait)
		}
		s.awaitChange(ctx, changed)
	}
}

// changeAccounts runs the statement once. again: it is in force nowhere, and what it failed by may pass: the loss of a leaf. version is that of the accounts after
// it, 0 when they are as they were; it is waited for without the lock, which a node that is starting needs before it can say that it has seen it.
func (s *session) changeAccounts(ctx context.Context, scan *sqltext.Scan, began time.Time) (version int64, again bool, err error) {
	held, unlock, err := s.g.lockAccounts(ctx)
	if err != nil {
		return 0, false, err
	}
	defer unlock()
	if err := s.g.cfg.Catalog.Sync(held); err != nil { // a leaf that was lost is not to count
		return 0, false, err
	}
	snap := s.g.cfg.Catalog.Snapshot()
	at, err := s.g.accountsAt(held, snap)
	if err != nil {
		return 0, awaited(err), err
	}
	defer func() { at.release() }()
	// What an earlier statement has left unfinished comes first.
	if _, err := at.sync(held, snap, s.g.cfg.ClusterKey); err != nil {
		return 0, awaited(err), err
	}
	if err := at.next(held); err != nil {
		return 0, awaited(err), err
	}
	first := at.conns[0].Leaf()
	err = s.atLeaf(held, first, s.sess.DB, func(c *backend.Conn) error {
		stop := c.Watch(ctx)
		defer stop()
		c.ResetOnRelease()
		res, err := c.Query(held, string(scan.Src[:scan.End]))
		if err == nil && res.Warnings > 0 {
			err = s.fetchWarnings(held, c)
		}
		return err
	})
	if unreachable(err, false) != "" {
		return 0, true, err
	}
	// A statement that failed may have changed some accounts all the same (DROP USER a, b), and must not be left half-way because its client
	// went away.
	finish, cancel := context.WithTimeout(context.WithoutCancel(held), repairWithin)
	defer cancel()
	changed, synced := at.sync(finish, snap, s.g.cfg.ClusterKey)
	for awaited(synced) && time.Since(began) < s.g.cfg.FailoverWait && (held.Err() == nil || ctx.Err() != nil) { // not when the lock is lost
		s.awaitChange(finish, s.g.cfg.Catalog.Changed())
		snap = s.g.cfg.Catalog.Snapshot()
		now, e := s.g.accountsAt(finish, snap)
		if e != nil {
			synced = e
			continue
		}
		at.release()
		at = now
		if at.conns[0].Leaf() != first { // it is lost, with all that it was told alone
			return 0, true, cmp.Or(err, synced)
		}
		var more bool
		more, synced = at.sync(finish, snap, s.g.cfg.ClusterKey)
		changed = changed || more
	}
	if unreachable(err, true) != "" && synced == nil && !changed && len(at.conns) > 1 { // its accounts are those of the others still
		return 0, true, err
	}
	if synced != nil {
		s.g.accountsDirty.Store(true)
	}
	version, told := s.g.accountsChanged(finish)
	if err != nil {
		return version, false, err
	}
	return version, false, errors.Join(synced, told)
}

// awaitRights waits until the next statement at any node is judged by a version of the accounts.
func (s *session) awaitRights(ctx context.Context, version int64) {
	ctx, cancel := context.WithTimeout(ctx, s.g.cfg.FailoverWait)
	defer cancel()
	if err := s.g.cfg.Catalog.AwaitAccounts(ctx, version); err != nil {
		s.warnings = append(s.warnings, exec.Note{Level: "Warning", Code: strconv.Itoa(int(wire.ErUnknown)), Message: "The change is made; a node that the catalog does not hear from may not know it yet"})
	}
}

// awaited says whether an error is the loss of a leaf, which is over when the leaf is back or the cluster goes on without it.
func awaited(err error) bool {
	var rule *topo.Error
	return unreachable(err, true) != "" || errors.As(err, &rule) && errors.Is(rule.Kind, topo.ErrNoOnlineLeaf)
}

// notInForce is the error of a statement that has waited for a leaf in vain.
func notInForce(err error, waited time.Duration) error {
	leaf := unreachable(err, true)
	if leaf == "" {
		return err
	}
	return wire.Errorf(erConnectForeign, "Unable to connect to leaf %s. It was waited for, for up to %s; nothing of the statement is in force: run it again when SHOW LEAVES shows the leaf as online or offline",
		leaf, waited)
}
