package gateway

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/exec"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// runViews runs a statement that views were taken out of. It may be that the account has rights on the views and none on what they read, which at the partitions is all that is
// named. A leaf has said before, of the client's own text, that the account may read all that the statement reads. So when the partitions refuse it, a SELECT outside of a
// transaction is run once more under the account of a view's definer, unless it holds something that would be another thing there than at the client's account.
func (s *session) runViews(ctx context.Context, w *worker, p *plan.Plan, snap *topo.Snapshot, src source, x *extras) error {
	said := &noticed{Output: src.out}
	src.out = said
	rights, now := s.g.rights.Load(), time.Now()
	known := !w.scan.Huge
	if known {
		w.may = s.permitKey(w.may[:0], w)
	}
	if !known || !s.g.denied.hold(w.may, rights, snap.Revision, now) {
		err := s.run(ctx, w, p, snap, src, x)
		if err == nil || said.any || !deniedRight(ctx, err) {
			return err
		}
		if known {
			s.g.denied.put(w.may, permit{rights, snap.Revision, now.Add(permitFor)})
		}
	}
	view := src.views[0]
	refused := func(why string) error {
		return unsupported("this statement", "on view '"+view.DB+"."+view.Name+"' by an account without rights of its own on the tables that it reads: "+why+
			"; GRANT the rights on them, too, or ask by a SELECT in a transaction that only reads, or in none")
	}
	stmt, err := sqltext.Parse(&w.scan, s.mode())
	if err != nil {
		return err
	}
	if why := s.otherwise(w, stmt, p); why != "" {
		return refused(why)
	}
	why := "all views' rights are those of whoever asks"
	tried := map[backend.Account]bool{}
	for _, v := range src.views {
		as, ok := s.definer(v)
		if v.Invoker || tried[as] {
			continue
		}
		tried[as] = true
		if !ok {
			why = "no node can log in as the definer '" + v.DefinerUser + "'@'" + v.DefinerHost + "'"
			continue
		}
		if !s.g.definers.are(ctx, s, as) {
			why = "the definer '" + v.DefinerUser + "'@'" + v.DefinerHost + "' can't log in, or another account is taken for it"
			continue
		}
		s.warnings = s.warnings[:0]
		beside, err := s.tx.Beside(ctx, as)
		switch {
		case err != nil:
			return err
		case beside != nil:
			src.tx = beside
			if err = s.run(ctx, w, p, snap, src, nil); !beside.InTransaction() {
				s.tx.Lose()
			}
		case s.tx.InTransaction():
			return refused("the transaction has written, or begun with a snapshot, or is SERIALIZABLE")
		default:
			err = s.runAs(ctx, as, w, p, snap, src)
		}
		if err == nil || said.any || !deniedRight(ctx, err) {
			return err
		}
		why = "no single definer has rights on all that is read"
	}
	return refused(why)
}

// runAs runs a plan under another account, on connections of its own.
func (s *session) runAs(ctx context.Context, as backend.Account, w *worker, p *plan.Plan, snap *topo.Snapshot, src source) error {
	tx := txn.New(s.g.cfg.Pools, as, backend.VariantOf(s.conn.Caps()))
	tx.SetGuard(s.g.guard)
	tx.SetState(s.tx.State().Without(backend.RoleKey)) // the role is the client's
	defer tx.Close()
	src.tx = tx
	return s.run(ctx, w, p, snap, src, nil)
}

// otherwise is what keeps a statement from being run under another account; "" for nothing.
func (s *session) otherwise(w *worker, stmt *sqltext.Stmt, p *plan.Plan) string {
	const own = sqltext.HasUserVarAssign | sqltext.HasInto | sqltext.HasForUpdate | sqltext.HasStoredCall | sqltext.HasSequence | sqltext.HasLockFunction | sqltext.HasSysVar |
		sqltext.HasPlaceFunction | sqltext.HasProcedureAnalyse | sqltext.HasSystemTime | sqltext.HasCalcFoundRows
	switch {
	case stmt.Kind != sqltext.KindSelect || p.Writes || p.Locks:
		return "it is no SELECT, or locks rows"
	case s.tables || s.xa != nil:
		return "there is an XA transaction or LOCK TABLES, under which all is read by one account"
	case s.hasTemporary():
		return "the session has temporary tables"
	case stmt.Facts&own != 0 || !stmt.SetStatement.Empty():
		return "it holds a variable, a lock, or a function that tells of the account or is stored"
	case s.namesSystem(stmt):
		return "it reads tables of which each account sees its own part"
	}
	for i := range w.scan.Tokens {
		if isWord(&w.scan, int32(i), "LOAD_FILE") || isWord(&w.scan, int32(i), "CURRENT_USER") || isWord(&w.scan, int32(i), "CURRENT_ROLE") || isWord(&w.scan, int32(i), "SESSION_USER") ||
			isWord(&w.scan, int32(i), "SYSTEM_USER") || isWord(&w.scan, int32(i), "USER") {
			return "it may ask for a file, or for the account"
		}
	}
	return ""
}

// definer is how a node logs in as a view's definer; not ok for roles and the cluster's own.
func (s *session) definer(v *topo.View) (as backend.Account, ok bool) {
	as = backend.Account{User: v.DefinerUser, Host: v.DefinerHost, ClientIP: s.ip}
	switch host := strings.ToLower(v.DefinerHost); {
	case host == "" || v.DefinerUser == "" || strings.EqualFold(v.DefinerUser, clusterUser):
		return as, false
	case host == "localhost":
		as.ClientIP = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	default:
		if ip, err := netip.ParseAddr(host); err == nil {
			as.ClientIP = ip
		}
	}
	return as, true
}

// deniedRight says whether a leaf has refused a statement for want of a right on a database, table, column or routine.
func deniedRight(ctx context.Context, err error) bool {
	switch serverError(ctx, err).Code {
	case wire.ErDBAccessDenied, wire.ErTableAccessDenied, erColumnDenied, erRoutineDenied:
		return true
	}
	return false
}

// definers are the accounts that were found to be those of views' definers, under a version of the accounts.
type definers struct {
	mu     sync.Mutex
	all    map[backend.Account]bool
	rights int64
}

// are says whether a login by an account is taken for just that account: of several that fit a client's address a leaf chooses the most specific one.
func (d *definers) are(ctx context.Context, s *session, as backend.Account) bool {
	rights := s.g.rights.Load()
	d.mu.Lock()
	if d.rights != rights || len(d.all) > maxPermits {
		d.all, d.rights = map[backend.Account]bool{}, rights
	}
	known := d.all[as]
	d.mu.Unlock()
	if known {
		return true
	}
	var current leafLogin
	err := s.g.elsewhere(ctx, s.home, true, func(leaf string) (err error) {
		current, err = s.g.whoAmI(ctx, backend.Want{Leaf: leaf, Account: as, Variant: backend.Internal})
		return err
	})
	if err != nil || current.account != as.User+"@"+as.Host {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.rights == rights {
		d.all[as] = true
	}
	return true
}

// noticed passes an answer on and remembers that there was one.
type noticed struct {
	exec.Output
	any bool
}

// Packet takes one packet's payload.
func (n *noticed) Packet(payload []byte) error {
	n.any = true
	return n.Output.Packet(payload)
}
