package gateway

import (
	"context"
	"encoding/json"

	"github.com/orbweaver/orbweaver/internal/wire"
)

// userKill is KILL USER: all sessions of a user, from one host where At names one, at all nodes.
type userKill struct {
	Of    string `json:"of"`
	At    string `json:"at"`
	Query bool   `json:"query"`
	// User and Host are the account of who kills; Any: it may end others' sessions, too.
	User string `json:"user"`
	Host string `json:"host"`
	Any  bool   `json:"any"`
	// Asks: nothing is ended yet, only looked at.
	Asks bool `json:"asks"`
}

// userKilled is what has become of it.
type userKilled struct {
	Count  uint64 `json:"count"`
	Denied uint64 `json:"denied"` // a session that may not be ended, 0 when there is none
}

// killUserHere ends sessions of this node, but for by, whose statement it is: that one ends by itself.
func (g *Gateway) killUserHere(u *userKill, by *session) (a userKilled) {
	for _, s := range g.all() {
		if !s.isOf(u.Of, u.At) {
			continue
		}
		a.Count++
		switch {
		case !u.Any && !s.belongsTo(u.User, u.Host):
			a.Denied = uint64(s.id)
		case u.Asks || s == by:
		case u.Query:
			s.killQuery()
		default:
			s.killConnection()
		}
	}
	return a
}

// isOf says whether a session is a user's, from a host unless that is "".
func (s *session) isOf(user, host string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shownUser != "" && s.shownUser == user && (host == "" || host == s.shownHost())
}

// killUser is KILL USER. Where not all of the sessions may be ended none is, so that an account without CONNECTION ADMIN has the nodes look first.
func (s *session) killUser(ctx context.Context, src source, u userKill) error {
	var err error
	if u.Any, err = s.hasRight(ctx, connectionAdmin); err != nil {
		return err
	}
	if u.At == "%" {
		u.At = ""
	}
	u.User, u.Host = s.user, s.login.Host
	for u.Asks = !u.Any; ; u.Asks = false {
		n, err := s.killUserAt(ctx, u)
		if err != nil {
			return err
		}
		if !u.Asks {
			s.released = s.released || !u.Query && s.isOf(u.Of, u.At)
			s.last.rowCount = int64(n)
			return s.okTo(src, wire.OK{AffectedRows: n, Warnings: s.warningCount()})
		}
	}
}

// killUserAt has all nodes end sessions, or look at them.
func (s *session) killUserAt(ctx context.Context, u userKill) (uint64, error) {
	total := s.g.killUserHere(&u, s)
	if peers := s.g.peers(); len(peers) > 0 {
		doc, err := json.Marshal(&u)
		if err != nil {
			return 0, err
		}
		within, cancel := context.WithTimeout(ctx, askWithin)
		defer cancel()
		answers, asked := s.g.cfg.Node.Ask(within, topicKillUser, doc, peers...)
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		for _, p := range peers {
			text, answered := answers[p.ID]
			if now, lives := s.g.peerOf(uint64(p.ID) << idBits); !answered && !(lives && now.Lease == p.Lease) {
				continue // its sessions have died with it
			} else if !answered {
				return 0, wire.Errorf(wire.ErUnknown, "Node %s did not answer within %s: sessions of the user there may be killed or not%s", p.Name, askWithin, because(asked))
			}
			var a userKilled
			if err := json.Unmarshal(text, &a); err != nil {
				return 0, err
			}
			total.Count += a.Count
			total.Denied = max(total.Denied, a.Denied)
		}
	}
	if total.Denied != 0 {
		return 0, killed(total.Denied, wire.ErKillDenied)
	}
	return total.Count, nil
}
