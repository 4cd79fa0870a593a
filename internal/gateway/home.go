package gateway

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
)

// unreachable is the leaf that err says could not be reached, "" when it says something else. again: also when what was sent may have been done.
func unreachable(err error, again bool) string {
	var down *backend.LeafDownError
	var lost *backend.LostError
	switch {
	case errors.As(err, &down):
		return down.Leaf
	case errors.As(err, &lost) && (again || lost.SafeToRetry()):
		return lost.Leaf
	}
	return ""
}

// elsewhere runs f, which says something to the leaf that it is given, at another leaf when that one can't be reached, and again until one can. again: f may be
// repeated whatever became of it.
func (g *Gateway) elsewhere(ctx context.Context, home string, again bool, f func(leaf string) error) error {
	began := time.Now()
	var tried []string
	for {
		changed := g.cfg.Catalog.Changed()
		err := f(home)
		if bad := unreachable(err, again); bad == "" || bad != home {
			return err
		}
		tried = append(tried, home)
		next := ""
		for _, l := range g.cfg.Catalog.Snapshot().OnlineLeaves() {
			if !slices.Contains(tried, l.Name) {
				next = l.Name
				break
			}
		}
		if next != "" {
			home = next
			continue
		}
		if time.Since(began) > g.cfg.FailoverWait || ctx.Err() != nil {
			return err
		}
		select {
		case <-changed:
		case <-time.After(retryEvery):
		case <-ctx.Done():
		}
		tried = tried[:0]
	}
}

// leafPatience is how long one leaf of several that would do is waited for: a network that swallows packets must not use up all the time of a login.
const leafPatience = 3 * time.Second

// patiently runs f, which asks a leaf something. One that does not answer in time counts as one that can't be reached.
func patiently(ctx context.Context, leaf string, f func(ctx context.Context) error) error {
	short, cancel := context.WithTimeout(ctx, leafPatience)
	defer cancel()
	err := f(short)
	if err != nil && short.Err() != nil && ctx.Err() == nil {
		return &backend.LeafDownError{Leaf: leaf, Err: err}
	}
	return err
}

// roleGone takes the session's role away where leaves no longer know it for the account's: it was dropped or revoked, which does not end what the session does. Nothing was done yet.
func (s *session) roleGone(err error) bool {
	const invalidRole, none = 1959, "ROLE NONE"
	var unprepared *backend.PrepareError
	if !errors.As(err, &unprepared) || unprepared.Err.Code != invalidRole || s.tx.InTransaction() {
		return false
	}
	if role, set := s.tx.State().Get(backend.RoleKey); !set || role == none {
		return false
	}
	s.tx.SetState(s.tx.State().With(backend.RoleKey, none))
	return true
}
