package gateway

import (
	"context"
	"strconv"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// killStatement is KILL [HARD | SOFT] [CONNECTION | QUERY] id, or of all sessions of a USER. The id may be an expression: a leaf evaluates it. HARD and SOFT differ for tables that need
// repair only.
func (s *session) killStatement(ctx context.Context, scan *sqltext.Scan, stmt *sqltext.Stmt, src source) error {
	k := stmt.Kill
	switch {
	case k == nil:
		return s.unknown(ctx, scan)
	case k.Own:
		return s.killUser(ctx, src, userKill{Of: s.account.User, At: s.account.Host, Query: k.Query})
	case k.User.Tok >= 0:
		return s.killUser(ctx, src, userKill{Of: k.User.Text, At: k.Host, Query: k.Query})
	case k.ID == nil:
		return s.unknown(ctx, scan)
	}
	v, err := s.evaluate(ctx, string(scan.Text(k.ID.ExprSpan())))
	if err != nil {
		return err
	}
	if _, err := strconv.ParseInt(v.text, 10, 64); err != nil && !v.null {
		if v.text, err = s.integer(ctx, string(scan.Text(k.ID.ExprSpan()))); err != nil {
			return err
		}
	}
	if k.ByQueryID { // no list of sessions tells one
		n, err := strconv.ParseInt(v.text, 10, 64)
		if err != nil {
			n = 0
		}
		return wire.Errorf(erNoSuchQuery, "Unknown query id: %d", n)
	}
	return s.done(src, s.kill(ctx, v.uint(), k.Query))
}

// integer has a leaf say what an expression is as an integer, and what is wrong with it.
func (s *session) integer(ctx context.Context, expr string) (text string, err error) {
	err = s.atLeaf(ctx, s.home, s.sess.DB, func(c *backend.Conn) error {
		res, err := c.Query(ctx, "SELECT CAST(("+expr+") AS SIGNED)")
		if err != nil {
			return err
		}
		text = string(res.Rows[0][0])
		if res.Warnings > 0 {
			return s.fetchWarnings(ctx, c)
		}
		return nil
	})
	return text, err
}

// kill ends a session, whichever node has it, or the statement that it runs.
func (s *session) kill(ctx context.Context, id uint64, query bool) error {
	other := s.g.session(id)
	if other == nil {
		return s.killElsewhere(ctx, id, query)
	}
	if other != s {
		if may, err := s.mayKill(ctx, other); err != nil {
			return err
		} else if !may {
			return killed(id, wire.ErKillDenied)
		}
	}
	if other == s {
		if query {
			return wire.Errorf(wire.ErQueryInterrupted, "Query execution was interrupted")
		}
		s.cancel(errKilledSession)
		return wire.Errorf(wire.ErConnectionKilled, "Connection was killed")
	}
	if query {
		other.killQuery()
		return nil
	}
	other.killConnection()
	return nil
}

// mayKill says whether the session's account may end another one's: its own, or with CONNECTION ADMIN any.
func (s *session) mayKill(ctx context.Context, other *session) (bool, error) {
	if other.belongsTo(s.user, s.login.Host) {
		return true, nil
	}
	return s.hasRight(ctx, connectionAdmin)
}

// Statements that need a right and do nothing: with them a leaf tells whether the account has the right, by roles too.
const (
	connectionAdmin = "SET GLOBAL slow_launch_time = @@GLOBAL.slow_launch_time"
	reloadRight     = "FLUSH HOSTS"
	processRight    = "SELECT 1 FROM information_schema.INNODB_CMP LIMIT 1"
)

// hasRight asks a leaf whether the client's account, in its session's role, has a right.
func (s *session) hasRight(ctx context.Context, probe string) (bool, error) {
	var answer error
	err := s.atLeaf(ctx, s.home, "", func(c *backend.Conn) error {
		_, answer = c.Query(ctx, probe)
		return nil
	})
	if err != nil {
		return false, err
	}
	if answer == nil {
		return true, nil
	}
	if e := serverError(ctx, answer); e.Code == wire.ErSpecificAccessDenied {
		return false, nil
	}
	return false, answer
}

// killConnection ends a session from another one's KILL. What runs sees its context end, tells the client, and the session ends; a client
// that does not listen is given a moment.
func (s *session) killConnection() {
	s.cancel(errKilledSession)
	if !s.busy.Load() {
		s.conn.Close()
		return
	}
	if s.conn.SetDeadline(time.Now().Add(killPatience)) != nil {
		s.conn.Close()
	}
}

// killPatience is how long a killed session may take to tell its client so.
const killPatience = 2 * time.Second
