package txn

import "github.com/orbweaver/orbweaver/internal/backend"

// foreign is what the session's state was last at remote servers: it is the same for statement after statement, and for all that have one base.
type foreign struct {
	base, under, state *backend.State
}

// wantRemote is want for a remote server, which knows neither accounts nor partitions.
func (s *Session) wantRemote(p Place) backend.Want {
	if f := &s.foreign; f.state == nil || f.base != p.Remote.Base || f.under != s.state {
		s.foreign = foreign{p.Remote.Base, s.state, p.Remote.State(s.state)}
	}
	return backend.Want{Leaf: p.Leaf, Remote: p.Remote, Variant: s.variant, State: s.foreign.state}
}
