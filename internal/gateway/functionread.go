package gateway

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/exec"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// functionReaders are the sessions by which tables are copied that stored functions read. MariaDB asks a function's definer for the right to them, or with SQL SECURITY INVOKER whoever
// calls it; here both read whole tables. What the client's account may not read is read by a definer's connections: in the transaction, as views of definers are.
func (s *session) functionReaders(ctx context.Context, p *plan.Plan, tables []*topo.Table) (by exec.Readers, done func(), err error) {
	own := s.tx.Want(txn.Place{Leaf: s.home})
	var opened []*txn.Session
	back := func() {
		for _, tx := range opened {
			tx.EndStatement()
			tx.Close()
		}
	}
	defer func() {
		if err != nil {
			back()
		}
	}()
	of := map[string]*txn.Session{}
	for _, t := range tables {
		as, definer := own, ""
		for _, r := range p.FunctionReaders {
			if r.DB != t.DB || r.Table != t.Name {
				continue
			}
			want := own
			if r.As != "" && r.As != s.login.User+"@"+s.login.Host {
				if want, err = s.wantDefiner(ctx, own, r.As); err != nil {
					return nil, nil, err
				}
				as, definer = want, r.As
			}
			if err = s.mayReadWhole(ctx, want, t); err != nil {
				return nil, nil, err
			}
		}
		if definer == "" {
			continue
		}
		switch err = s.mayReadWhole(ctx, own, t); {
		case err == nil:
			continue
		case !deniedRight(ctx, err) && serverError(ctx, err).Code != wire.ErNotSupported:
			return nil, nil, err
		}
		if of[definer] == nil {
			tx, mine, err := s.readsAs(ctx, as.Account, t)
			if err != nil {
				return nil, nil, err
			}
			if of[definer] = tx; mine {
				opened = append(opened, tx)
			}
		}
		if by == nil {
			by = exec.Readers{}
		}
		by[t] = of[definer]
	}
	return by, back, nil
}

// wantDefiner is a connection as a function's definer.
func (s *session) wantDefiner(ctx context.Context, own backend.Want, definer string) (backend.Want, error) {
	user, host, found := cutLast(definer, "@")
	as, ok := s.definer(&topo.View{DefinerUser: user, DefinerHost: host})
	if !found || !ok || !s.g.definers.are(ctx, s, as) {
		return own, unsupported("a stored function that runs with the rights of "+definer+", and reads copies of tables,",
			"no node can log in as that account: make it anew, with SQL SECURITY INVOKER or by another account")
	}
	own.Account, own.State = as, own.State.Without(backend.RoleKey) // the role is the client's
	return own, nil
}

// mayReadWhole asks a leaf whether an account may read all of a table, unless that was asked just now.
func (s *session) mayReadWhole(ctx context.Context, want backend.Want, t *topo.Table) error {
	name := quoteName(t.DB) + "." + quoteName(t.Name)
	rights, revision, now := s.g.rights.Load(), s.topology().Revision, time.Now()
	ip := want.Account.ClientIP.As16()
	key := binary.LittleEndian.AppendUint64([]byte("read\x00"), want.State.Env())
	key = slices.Concat(key, []byte(want.Account.User), []byte{0}, []byte(want.Account.Host), []byte{0}, ip[:], []byte(name))
	if s.g.permits.hold(key, rights, revision, now) {
		return nil
	}
	want.Variant, want.Schema = backend.Internal, ""
	ask := func(what string) error {
		return s.g.elsewhere(ctx, s.home, true, func(leaf string) error {
			want.Leaf = leaf
			c, err := s.g.cfg.Pools.Get(ctx, want)
			if err != nil {
				return err
			}
			defer c.Release()
			_, err = prepareOn(ctx, c, "SELECT "+what+" FROM "+name, false)
			return err
		})
	}
	err := ask("*")
	var e *wire.ServerError
	if errors.As(err, &e) && deniedRight(ctx, err) && ask("1") == nil {
		return unsupported("a stored function that reads table '"+t.Name+"'", "by the rights of an account that may not read all of its columns: GRANT SELECT on the table")
	}
	if err == nil {
		s.g.permits.put(key, permit{rights, revision, now.Add(permitFor)})
	}
	return err
}

// readsAs is a session that reads a table under a definer's account; mine: it is for this statement alone.
func (s *session) readsAs(ctx context.Context, as backend.Account, t *topo.Table) (tx *txn.Session, mine bool, err error) {
	switch tx, err = s.tx.Beside(ctx, as); {
	case err != nil || tx != nil:
		return tx, false, err
	case s.tx.InTransaction():
		return nil, false, unsupported("a stored function that reads table '"+t.Name+"', to which the account has no rights of its own,",
			"in a transaction that has written, or begun with a snapshot, or is SERIALIZABLE")
	}
	tx = txn.New(s.g.cfg.Pools, as, backend.VariantOf(s.conn.Caps()))
	tx.SetGuard(s.g.guard)
	tx.SetState(s.tx.State().Without(backend.RoleKey))
	return tx, true, nil
}
