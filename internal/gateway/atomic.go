package gateway

import (
	"context"
	"errors"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/settle"
	"github.com/orbweaver/orbweaver/internal/txn"
)

// coordinate makes the sessions' transactions over several places atomic. It needs the node's lease.
func (g *Gateway) coordinate() {
	if g.cfg.Node == nil {
		return
	}
	g.settler = settle.New(settle.Config{Catalog: g.cfg.Catalog, Node: g.cfg.Node, Pools: g.cfg.Pools, Remotes: g.Remotes, Log: g.cfg.Log})
	g.own = g.settler.NewOwn()
	g.coordinator = &txn.Coordinator{
		IDs:     txn.NewIDs(g.owner),
		Decider: decider{g.cfg.Node},
		Settler: leftovers{g.own, g},
		// A client waits no longer than a failover takes.
		Patience: g.cfg.FailoverWait,
	}
}

// owner is the lease that transactions over several places are begun and decided under; 0 while it is not certain that it lasts: who holds such commits back does not wait for this
// node then.
func (g *Gateway) owner() uint64 {
	if !g.cfg.Node.Valid() {
		return 0
	}
	return uint64(g.cfg.Node.Lease())
}

// decider has the catalog decide about transactions in which no partition can.
type decider struct{ node *catalog.Node }

// Decide makes the decision, or learns of the one that was made.
func (d decider) Decide(ctx context.Context, id txn.ID, _ []txn.Branch) (txn.Outcome, error) {
	now, err := d.node.Decide(ctx, &catalog.Decision{ID: id.String(), Owner: int64(id.Owner), Outcome: catalog.Committed})
	switch {
	case errors.Is(err, catalog.ErrUnknown):
		return "", err
	case err != nil:
		return txn.RolledBack, err
	}
	return txn.Outcome(now.Outcome), nil
}

// Ended does nothing: the decision is kept for a while, for those who ask.
func (d decider) Ended(txn.ID) {}

// leftovers gives package settle what sessions can't end.
type leftovers struct {
	*settle.Own
	g *Gateway
}

// Settle ends a transaction.
func (l leftovers) Settle(ctx context.Context, u txn.Unfinished) (txn.Outcome, error) {
	left := settle.Unfinished{ID: u.ID, Decider: u.Decider, Outcome: catalog.Outcome(u.Outcome)}
	for _, b := range u.Branches {
		left.Branches = append(left.Branches, settle.Branch(b))
	}
	out, err := l.Own.Settle(ctx, left)
	var waits *settle.LeftError
	if errors.As(err, &waits) {
		var failed []catalog.Member
		for _, b := range waits.Branches {
			failed = append(failed, memberOf(txn.Branch(b)))
		}
		l.g.noteFailed(catalog.FailedBranch{ID: u.ID.String(), Outcome: out}, failed)
	}
	return txn.Outcome(out), err
}

// Settled is what this node has settled of its own transactions, and what is left.
func (g *Gateway) Settled() (st settle.Stats) {
	if g.settler != nil {
		st = g.settler.Stats()
		st.InDoubt = g.own.Left()
	}
	return st
}
