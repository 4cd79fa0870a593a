package gateway

import (
	"context"
	"errors"
	"strings"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// home picks a leaf for a session's statements without a partition: sessions are spread over the leaves that are online.
func (g *Gateway) home(id uint32) string {
	leaves := g.cfg.Catalog.Snapshot().OnlineLeaves()
	if len(leaves) == 0 {
		return ""
	}
	return leaves[int(id)%len(leaves)].Name
}

// leaves names every leaf that holds shapes, in a fixed order: what must be the same everywhere is done at all of them.
func (s *session) leaves() []string {
	var out []string
	for _, l := range s.g.cfg.Catalog.Snapshot().AttachedLeaves() {
		out = append(out, l.Name)
	}
	return out
}

// atLeaf runs f on a connection of the client's account at a leaf, outside of the session's transaction.
func (s *session) atLeaf(ctx context.Context, leaf, schema string, f func(*backend.Conn) error) error {
	w := s.tx.Want(txn.Place{Leaf: leaf, Schema: schema})
	w.Variant = backend.Internal
	c, err := s.g.cfg.Pools.Get(ctx, w)
	if err != nil {
		return err
	}
	defer c.Release()
	return f(c)
}

// partly makes of a leaf's error one that says what has been done already, when that is something.
func partly(err error, done []string, leaf string) error {
	if len(done) == 0 {
		return err
	}
	e := serverError(context.Background(), err)
	return &wire.ServerError{Code: e.Code, State: e.State, Message: e.Message +
		" (at " + leaf + "; it was done at " + strings.Join(done, ", ") + " already: repeat the statement)"}
}

// prepareOnly has a leaf prepare a text on the shape, under the client's account, and throws the statement away: what is wrong with it, or
// forbidden to the account, comes back as MariaDB's own error. described gets the packets of the answer; nil for none.
func (s *session) prepareOnly(ctx context.Context, text string, described func(backend.Packet, *backend.Conn) error) error {
	w := s.tx.Want(s.place())
	if described == nil {
		w.Variant = backend.Internal
	}
	c, err := s.g.cfg.Pools.Get(ctx, w)
	if err != nil {
		return err
	}
	defer c.Release()
	stop := c.Watch(ctx)
	defer stop()
	if err := c.SendPrepare(text); err != nil {
		return err
	}
	var failed, told error
	for {
		p, err := c.Next()
		if err != nil {
			return err
		}
		if p.Kind == backend.KindErr {
			failed = p.Err()
		}
		if p.Kind == backend.KindPrepared {
			c.CloseStatement(c.Statement)
		}
		if described != nil && failed == nil && told == nil {
			told = described(p, c) // the answer is read to its end all the same
		}
		if c.Done() {
			return errors.Join(failed, told)
		}
	}
}

// pinNamedLocks sends statements with GET_LOCK and the like to one leaf, the same for all nodes, and keeps the connection: such a lock is
// one for the whole cluster, and belongs to a connection.
func (s *session) pinNamedLocks(ctx context.Context, stmt *sqltext.Stmt, p *plan.Plan) error {
	if stmt.Facts&sqltext.HasLockFunction == 0 {
		return nil
	}
	if p.Route.Kind != plan.RouteAny {
		return unsupported("GET_LOCK", "in a statement on tables: take the lock in a statement of its own")
	}
	leaves := s.g.cfg.Catalog.Snapshot().AttachedLeaves()
	if len(leaves) == 0 {
		return topo.NoOnlineLeaf()
	}
	s.home = leaves[0].Name
	if s.tx.Pinned(txn.PinNamed) {
		return nil
	}
	return s.tx.Pin(ctx, s.place(), txn.PinNamed)
}
