package gateway

import (
	"bytes"
	"context"
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

// another picks an online leaf that is not the one that is named, while there is one.
func (g *Gateway) another(leaf string) string {
	leaves := g.cfg.Catalog.Snapshot().OnlineLeaves()
	for i, l := range leaves {
		if l.Name == leaf {
			return leaves[(i+1)%len(leaves)].Name
		}
	}
	if len(leaves) == 0 {
		return leaf
	}
	return leaves[0].Name
}

// settle gives the session another leaf when its own is not online: one that is paused would be found out only by its silence, and one that is being attached
// has no tables for a while, or others.
func (s *session) settle(snap *topo.Snapshot) {
	if s.tx == nil || s.tx.Held() > 0 {
		return
	}
	if l := snap.Leaves[s.home]; l == nil || l.State != topo.LeafOnline {
		if other := s.g.home(s.id); other != "" {
			s.home = other
		}
	}
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
func (s *session) prepareOnly(ctx context.Context, text string, described func(backend.Packet) error) error {
	var answer []backend.Packet
	var err error
	at := s.temporaryPlace()
	there := s.hasTemporary()
	if h, found := s.readsHandler(text); found {
		at, there = h.place, true
	}
	if there {
		inside := s.tx.InTransaction()
		answer, err = s.prepareHeld(ctx, at, text, described != nil)
		there = inside || unreachable(err, true) == "" // or the tables are lost, and any leaf will do
	}
	if !there {
		answer, err = s.prepareAnywhere(ctx, text, described != nil)
	}
	for _, p := range answer {
		if err == nil {
			err = described(p)
		}
	}
	return err
}

// prepareAnywhere is prepareOnly at a leaf that answers, on a connection that knows the account's rights of now and no temporary tables.
func (s *session) prepareAnywhere(ctx context.Context, text string, described bool) (answer []backend.Packet, err error) {
	err = s.g.elsewhere(ctx, s.home, true, func(leaf string) (err error) {
		answer, err = s.prepareAt(ctx, leaf, text, described)
		return err
	})
	return answer, err
}

// prepareAt is prepareOnly at one leaf. The answer comes back whole, or not at all: another leaf may be asked.
func (s *session) prepareAt(ctx context.Context, leaf, text string, described bool) (answer []backend.Packet, err error) {
	w := s.tx.Want(txn.Place{Leaf: leaf, Schema: s.sess.DB})
	if !described {
		w.Variant = backend.Internal
	}
	c, err := s.g.cfg.Pools.Get(ctx, w)
	if err != nil {
		return nil, err
	}
	defer c.Release()
	return prepareOn(ctx, c, text, described)
}

// prepareOn is prepareAt on a connection.
func prepareOn(ctx context.Context, c *backend.Conn, text string, described bool) (answer []backend.Packet, err error) {
	stop := c.Watch(ctx)
	defer stop()
	if err := c.SendPrepare(text); err != nil {
		return nil, err
	}
	var failed error
	for {
		p, err := c.Next()
		if err != nil {
			return nil, err
		}
		if p.Kind == backend.KindErr {
			failed = p.Err()
		}
		if p.Kind == backend.KindPrepared {
			c.CloseStatement(c.Statement)
		}
		if described {
			answer = append(answer, backend.Packet{Kind: p.Kind, Payload: bytes.Clone(p.Payload)})
		}
		if c.Done() {
			if failed != nil {
				return nil, failed
			}
			return answer, nil
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
