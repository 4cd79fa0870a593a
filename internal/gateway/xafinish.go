package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/settle"
	"github.com/orbweaver/orbweaver/internal/spider"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
)

// keepPrepared has the catalog say that a client's XA transaction, of which all branches are prepared, is. When that can't be, they are rolled back.
func (s *session) keepPrepared(ctx context.Context, id txn.ID, branches []txn.Branch) error {
	d := &catalog.Decision{ID: id.String(), Owner: int64(id.Owner), Outcome: catalog.Prepared, XA: &s.xa.xid, User: s.user + "@" + s.login.Host}
	for _, b := range branches {
		d.Members = append(d.Members, memberOf(b))
	}
	now, err := s.g.cfg.Node.Decide(ctx, d)
	switch {
	case errors.Is(err, catalog.ErrUnknown):
		s.g.endLater(id, branches)
		return &XAUnknownError{d.ID, "XA PREPARE", err}
	case err == nil && now.Outcome == catalog.Prepared:
		s.g.coordinator.Settler.End(id) // it is nobody's but the client's from here on
		return nil
	case err == nil:
		err = fmt.Errorf("transaction %s was rolled back, as this node was taken for dead", id)
	}
	over, cancel := context.WithCancel(ctx)
	cancel() // the client need not wait for it
	if _, left := s.g.coordinator.Settler.Settle(over, txn.Unfinished{ID: id, Branches: branches}); left != nil {
		s.g.cfg.Log.Info("xa: a transaction that could not be prepared is rolled back in the background", "transaction", d.ID, "why", err)
	}
	return err
}

// memberOf is a branch as the catalog keeps it.
func memberOf(b txn.Branch) catalog.Member {
	m := catalog.Member{Thread: b.XID.Thread, Partition: b.Place.Partition}
	if r := b.Place.Remote; r != nil {
		m.Server, m.Address, m.User = r.Name, r.Network+":"+r.Addr, r.User
		return m
	}
	m.Leaf = b.Place.Leaf
	return m
}

// branchOf is a branch that the catalog has kept. A server of linked tables is looked for among those that linked tables lead to now.
func branchOf(id txn.ID, m *catalog.Member, remotes []*backend.Remote) (settle.Branch, error) {
	b := settle.Branch{XID: txn.XID{ID: id, Place: txn.PlaceShape, Thread: m.Thread}, Place: txn.Place{Leaf: m.Leaf, Partition: m.Partition}}
	switch {
	case m.Partition.DB != "":
		b.XID.Place, b.Place.Schema = txn.PlaceHash(m.Partition), m.Partition.Schema()
	case m.Server != "":
		b.XID.Place = txn.PlaceRemote
		i := slices.IndexFunc(remotes, func(r *backend.Remote) bool { return r.Network+":"+r.Addr == m.Address && r.User == m.User })
		if i < 0 {
			return b, fmt.Errorf("server %s: no linked table leads to %s any more", m.Server, m.Address)
		}
		b.Place.Leaf, b.Place.Remote = remotes[i].ID, remotes[i]
	}
	return b, nil
}

// Remotes are the servers that linked tables lead to now, each once.
func (g *Gateway) Remotes() ([]*backend.Remote, error) {
	var all []*backend.Remote
	var bad error
	snap := g.cfg.Catalog.Snapshot()
	for _, d := range snap.Databases {
		for _, t := range d.Tables {
			for i := range t.Places {
				links, err := spider.LinksOf(snap, t, i)
				if err != nil {
					bad = err
					continue
				}
				for i := range links {
					r, err := g.makeRemote(links[i : i+1])
					if err != nil {
						bad = err
						continue
					}
					if !slices.ContainsFunc(all, func(o *backend.Remote) bool { return o.ID == r.ID }) {
						all = append(all, r)
					}
				}
			}
		}
	}
	return all, bad
}

// XAUnknownError: etcd did not answer when a client's XA transaction was to be prepared or ended.
type XAUnknownError struct {
	ID, Verb string
	Err      error
}

func (e *XAUnknownError) Error() string {
	return fmt.Sprintf("it is unknown whether %s of transaction %s was done, as the cluster's etcd did not answer; XA RECOVER tells later: %v", e.Verb, e.ID, e.Err)
}

func (e *XAUnknownError) Unwrap() error { return e.Err }

// OutcomeUnknown is true.
func (e *XAUnknownError) OutcomeUnknown() bool { return true }

// MySQL is 1180 ER_ERROR_DURING_COMMIT.
func (e *XAUnknownError) MySQL() (uint16, string, string) { return 1180, "HY000", e.Error() }

// XALeftError: it is decided for good what becomes of a client's XA transaction, and not all of its places know yet.
type XALeftError struct {
	ID      string
	Outcome catalog.Outcome
	Left    []string
}

func (e *XALeftError) Error() string {
	return fmt.Sprintf("the transaction is %s, which these places will show later: %s (transaction %s, to be found in mysql.spider_xa_failed_log)",
		e.Outcome, strings.Join(e.Left, "; "), e.ID)
}

// MySQL is 1180 ER_ERROR_DURING_COMMIT.
func (e *XALeftError) MySQL() (uint16, string, string) { return 1180, "HY000", e.Error() }

// finishXA ends a prepared transaction, whoever has prepared it and where: it is decided in the catalog, and then its branches are ended.
func (s *session) finishXA(ctx context.Context, xid *catalog.XID, outcome catalog.Outcome) error {
	d, err := s.g.cfg.Catalog.XA(ctx, *xid)
	if err != nil {
		return err
	}
	if d == nil {
		return errXANota
	}
	own := s.xa.is(xid)
	verb := "XA COMMIT"
	if outcome == catalog.RolledBack {
		verb = "XA ROLLBACK"
	}
	if now, err := s.g.cfg.Catalog.Resolve(ctx, d, outcome); err != nil {
		if errors.Is(err, catalog.ErrUnknown) {
			if id, bad := txn.ParseID(d.ID); bad == nil {
				s.g.endLater(id, nil)
			}
			return &XAUnknownError{d.ID, verb, err}
		}
		return err
	} else if d = now; d == nil || d.Outcome != outcome { // another session was faster
		return errXANota
	}
	if err := s.g.endBranches(ctx, d); err != nil {
		return err
	}
	if err := s.g.cfg.Catalog.Finish(ctx, d); err != nil {
		s.g.cfg.Log.Info("xa: it could not be noted that a transaction is finished", "transaction", d.ID, "error", err)
	}
	if len(d.Members) == 0 && !own { // MariaDB's servers have nothing of such a one when its session has ended
		return errXARollback
	}
	return nil
}

// endLater does what is to be done about a transaction of which it is not known whether etcd has heard, once etcd answers: its branches are those that are given when it
// is not on record.
func (g *Gateway) endLater(id txn.ID, branches []txn.Branch) {
	g.behind.Go(func() {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		for {
			d, err := g.cfg.Catalog.Decision(ctx, id.String())
			switch {
			case err != nil:
			case d != nil && d.Outcome == catalog.Prepared:
				g.coordinator.Settler.End(id) // it is its client's
				return
			case d != nil:
				if err = g.endBranches(ctx, d); err == nil {
					err = g.cfg.Catalog.Finish(ctx, d)
				}
			case len(branches) > 0:
				cancel() // what is left is done in the background
				_, err = g.coordinator.Settler.Settle(ctx, txn.Unfinished{ID: id, Branches: branches})
			}
			if err == nil || ctx.Err() != nil {
				return
			}
			var left *XALeftError
			if errors.As(err, &left) {
				return
			}
			select {
			case <-time.After(time.Second):
			case <-g.done:
				return
			}
		}
	})
}

// endBranches does at a transaction's places what was decided. Reference tables are written inside of alike, as ever; when there are other leaves by now than when it
// was prepared, they may lack what the others have got.
func (g *Gateway) endBranches(ctx context.Context, d *catalog.Decision) error {
	if len(d.Members) == 0 {
		return nil
	}
	id, err := txn.ParseID(d.ID)
	if err != nil {
		return err
	}
	shapes := map[string]bool{}
	u := settle.Unfinished{ID: id, Outcome: d.Outcome}
	var left []string
	var failed []catalog.Member
	remotes, err := g.Remotes()
	if err != nil {
		g.cfg.Log.Info("xa: a server of linked tables can't be found", "error", err)
	}
	for i := range d.Members {
		m := &d.Members[i]
		b, err := branchOf(id, m, remotes)
		if err != nil {
			left, failed = append(left, err.Error()), append(failed, *m)
			continue
		}
		if m.Server == "" && m.Partition.DB == "" {
			shapes[m.Leaf] = true
		}
		u.Branches = append(u.Branches, b)
	}
	if len(shapes) > 0 && d.Outcome == catalog.Committed {
		if err := g.guard.alike.enter(ctx); err != nil {
			return err
		}
		defer g.guard.alike.leave()
	}
	wait, cancel := context.WithTimeout(ctx, g.cfg.FailoverWait)
	defer cancel()
	_, err = g.own.Settle(wait, u)
	var some *settle.LeftError
	switch {
	case errors.As(err, &some):
		left = append(left, some.Left...)
		for _, b := range some.Branches {
			failed = append(failed, memberOf(txn.Branch(b)))
		}
	case err != nil:
		left = append(left, err.Error())
	}
	if len(shapes) > 0 && d.Outcome == catalog.Committed && (len(left) > 0 || !sameLeaves(shapes, g.cfg.Catalog.Snapshot())) {
		g.guard.alike.doubt()
	}
	if len(left) == 0 {
		return nil
	}
	g.noteFailed(catalog.FailedBranch{ID: d.ID, XA: d.XA, Outcome: d.Outcome}, failed)
	return &XALeftError{d.ID, d.Outcome, left}
}

// sameLeaves says whether all leaves that have reference tables now are among some.
func sameLeaves(some map[string]bool, snap *topo.Snapshot) bool {
	for name, l := range snap.Leaves {
		if l.State != topo.LeafDetached && !some[name] {
			return false
		}
	}
	return true
}

// noteFailed keeps for mysql.spider_xa_failed_log where a transaction could not be ended.
func (g *Gateway) noteFailed(f catalog.FailedBranch, failed []catalog.Member) {
	ctx, cancel := context.WithTimeout(context.Background(), answersWithin)
	defer cancel()
	for _, f.Member = range failed {
		if err := g.cfg.Catalog.AddFailedBranch(ctx, f); err != nil {
			g.cfg.Log.Warn("xa: a branch that could not be ended could not be noted", "transaction", f.ID, "error", err)
			return
		}
	}
}

// addressOf takes a member's address apart as Spider's tables have it.
func addressOf(m *catalog.Member, snap *topo.Snapshot) (host, port, socket any) {
	if m.Server == "" {
		if l := snap.Leaves[m.Leaf]; l != nil {
			return l.Host, strconv.Itoa(l.Port), nil
		}
		return m.Leaf, nil, nil
	}
	network, addr, _ := strings.Cut(m.Address, ":")
	if network == "unix" {
		return "localhost", nil, addr
	}
	h, p, err := net.SplitHostPort(addr)
	if err != nil {
		return addr, nil, nil
	}
	return h, p, nil
}
