package gateway

import (
	"context"
	"errors"
	"strings"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// clusterUser is the account of the cluster's own work, which clients can't touch.
const clusterUser = "orbweaver"

// accountStatement is CREATE USER, GRANT, SET PASSWORD and the like. One leaf runs it, under the client's account, and judges by it; what its
// tables of accounts have become is then written to the others by the cluster's account, as rows: no leaf but the first sees the client's text.
func (s *session) accountStatement(ctx context.Context, scan *sqltext.Scan, stmt *sqltext.Stmt, snap *topo.Snapshot) error {
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
	held, unlock, err := s.g.lockAccounts(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	at, err := s.g.accountsAt(held, snap)
	if err != nil {
		return err
	}
	defer at.release()
	// What an earlier statement has left unfinished comes first.
	if _, err := at.sync(held, snap, s.g.cfg.ClusterKey); err != nil {
		return err
	}
	if err := at.next(held); err != nil {
		return err
	}
	err = s.atLeaf(held, at.conns[0].Leaf(), s.sess.DB, func(c *backend.Conn) error {
		stop := c.Watch(ctx)
		defer stop()
		c.ResetOnRelease()
		res, err := c.Query(held, string(scan.Src[:scan.End]))
		if err == nil && res.Warnings > 0 {
			err = s.fetchWarnings(held, c)
		}
		return err
	})
	// A statement that failed may have changed some accounts all the same (DROP USER a, b), and must not be left half-way because its client
	// went away.
	finish, cancel := context.WithTimeout(context.WithoutCancel(held), repairWithin)
	defer cancel()
	_, synced := at.sync(finish, snap, s.g.cfg.ClusterKey)
	if synced != nil {
		s.g.accountsDirty.Store(true)
	}
	told := s.g.accountsChanged(finish)
	if err != nil {
		return err
	}
	return errors.Join(synced, told)
}
