package gateway

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/exec"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// What nodes ask each other, by topic.
const (
	topicKill     = "kill"
	topicKillUser = "kill user"
	topicSessions = "sessions"
	topicLocks    = "locks"
	topicExplain  = "explain"
)

const (
	// askWithin is how long other nodes' answers are waited for. A node that has died is missed within its lease of two seconds.
	askWithin = 5 * time.Second
	// listWithin is the same for lists of sessions: without the answer of a node that does not give one there is a warning in its place.
	listWithin = 2 * time.Second
)

// killRequest is a KILL of a session at another node.
type killRequest struct {
	ID    uint64 `json:"id"`
	Query bool   `json:"query"`
	// User and Host are the account of who kills; Any: it may end others' sessions, too.
	User string `json:"user"`
	Host string `json:"host"`
	Any  bool   `json:"any"`
}

// killAnswer is what has become of it: an error's number, 0 for none.
type killAnswer struct {
	Code uint16 `json:"code"`
}

// killed is a KILL's answer, as MariaDB gives it.
func killed(id uint64, code uint16) error {
	switch code {
	case 0:
		return nil
	case wire.ErKillDenied:
		return wire.Errorf(wire.ErKillDenied, "You are not owner of thread %d", id)
	}
	return wire.Errorf(wire.ErNoSuchThread, "Unknown thread id: %d", id)
}

// killHere ends a session of this node for a client of another one.
func (g *Gateway) killHere(r *killRequest) uint16 {
	s := g.session(r.ID)
	switch {
	case s == nil:
		return wire.ErNoSuchThread
	case !r.Any && !s.belongsTo(r.User, r.Host):
		return wire.ErKillDenied
	case r.Query:
		s.killQuery()
	default:
		s.killConnection()
	}
	return 0
}

// killElsewhere is KILL of a session that is another node's, if any's.
func (s *session) killElsewhere(ctx context.Context, id uint64, query bool) error {
	peer, ok := s.g.peerOf(id)
	if !ok {
		return killed(id, wire.ErNoSuchThread)
	}
	r := killRequest{ID: id, Query: query, User: s.user, Host: s.login.Host}
	var err error
	if r.Any, err = s.hasRight(ctx, connectionAdmin); err != nil {
		return err
	}
	doc, err := json.Marshal(&r)
	if err != nil {
		return err
	}
	within, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	answers, err := s.g.cfg.Node.Ask(within, topicKill, doc, peer)
	var a killAnswer
	switch text, answered := answers[peer.ID]; {
	case answered:
		if err := json.Unmarshal(text, &a); err != nil {
			return err
		}
		return killed(id, a.Code)
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case within.Err() != nil:
		return wire.Errorf(wire.ErUnknown, "Node %s, which has thread %d, did not answer within %s: it may be killed or not", peer.Name, id, askWithin)
	case err != nil:
		return err
	}
	if now, lives := s.g.peerOf(id); lives && now.Lease != peer.Lease {
		return wire.Errorf(wire.ErUnknown, "Node %s has lost touch with the cluster meanwhile: thread %d may be killed or not", peer.Name, id)
	}
	return killed(id, wire.ErNoSuchThread) // its sessions have died with it
}

// peerOf is the other living node that a connection id belongs to.
func (g *Gateway) peerOf(id uint64) (catalog.NodeInfo, bool) {
	for _, n := range g.peers() {
		if id>>idBits == uint64(n.ID) {
			return n, true
		}
	}
	return catalog.NodeInfo{}, false
}

// asksPeers says whether this node asks others, and answers them.
func (g *Gateway) asksPeers() bool {
	return g.cfg.Node != nil && g.cfg.Seal != nil && g.cfg.Open != nil
}

// peers are the other living nodes.
func (g *Gateway) peers() []catalog.NodeInfo {
	if !g.asksPeers() {
		return nil
	}
	return slices.DeleteFunc(g.cfg.Catalog.Nodes(), func(n catalog.NodeInfo) bool { return n.ID == g.cfg.Node.ID() })
}

// shownSession is what a list of sessions tells of one.
type shownSession struct {
	ID      uint32  `json:"id"`
	User    string  `json:"user"`
	Host    string  `json:"host"`
	DB      string  `json:"db"`
	Command string  `json:"command"`
	Millis  int64   `json:"ms"` // in this state
	Info    *string `json:"info"`
}

// sessionsRequest asks for the sessions that an account may see.
type sessionsRequest struct {
	All  bool   `json:"all"`
	User string `json:"user"`
	Host string `json:"host"`
	// Info is how many bytes of a statement are wanted.
	Info int `json:"info"`
}

// sessionsAnswer is packed: compressed, and sealed, as statements may hold secrets and etcd keeps what it was told for a while.
type sessionsAnswer struct {
	Sessions []shownSession `json:"sessions"`
	LeftOut  int            `json:"left_out"` // for want of room
}

// allSessions are the sessions of all nodes, by their ids. missing says what could not be found out.
func (s *session) allSessions(ctx context.Context, infoSize int) (list []shownSession, missing []string, err error) {
	r := sessionsRequest{User: s.user, Host: s.login.Host, Info: infoSize}
	if r.All, err = s.hasRight(ctx, processRight); err != nil {
		return nil, nil, err
	}
	list = s.g.sessionsHere(&r)
	peers := s.g.peers()
	if len(peers) == 0 {
		return list, nil, nil
	}
	doc, err := json.Marshal(&r)
	if err != nil {
		return nil, nil, err
	}
	within, cancel := context.WithTimeout(ctx, listWithin)
	defer cancel()
	answers, asked := s.g.cfg.Node.Ask(within, topicSessions, doc, peers...)
	if ctx.Err() != nil {
		return nil, nil, context.Cause(ctx)
	}
	living := s.g.peers()
	for _, p := range peers {
		text, ok := answers[p.ID]
		if !ok {
			if slices.ContainsFunc(living, func(n catalog.NodeInfo) bool { return n.ID == p.ID }) {
				missing = append(missing, fmt.Sprintf("The sessions of node %s are missing: it did not answer%s", p.Name, because(asked)))
			}
			continue
		}
		a, err := s.g.unpackSessions(text)
		if err != nil {
			missing = append(missing, fmt.Sprintf("The sessions of node %s are missing: its answer can't be read: %s", p.Name, err))
			continue
		}
		if a.LeftOut > 0 {
			missing = append(missing, fmt.Sprintf("%d sessions of node %s are missing, idle ones first: there are too many to be told; ask that node", a.LeftOut, p.Name))
		}
		list = append(list, a.Sessions...)
	}
	slices.SortFunc(list, func(a, b shownSession) int { return cmp.Compare(a.ID, b.ID) })
	return list, missing, nil
}

func because(err error) string {
	if err == nil {
		return ""
	}
	return ": " + err.Error()
}

// sessionsHere are this node's sessions, by their ids.
func (g *Gateway) sessionsHere(r *sessionsRequest) []shownSession {
	now := time.Now()
	var list []shownSession
	for _, s := range g.all() {
		if r.All || s.belongsTo(r.User, r.Host) {
			list = append(list, s.shown(now, r.Info))
		}
	}
	slices.SortFunc(list, func(a, b shownSession) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// purposeSessions is what lists of sessions are sealed for.
const purposeSessions = "sessions"

// packSessions makes an answer that fits: what runs before what is idle.
func (g *Gateway) packSessions(list []shownSession) ([]byte, error) {
	slices.SortStableFunc(list, func(a, b shownSession) int {
		switch {
		case (a.Info == nil) == (b.Info == nil):
			return 0
		case a.Info != nil:
			return -1
		}
		return 1
	})
	a := sessionsAnswer{Sessions: list}
	for {
		var b bytes.Buffer
		z, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
		if err != nil {
			return nil, err
		}
		if err := json.NewEncoder(z).Encode(&a); err != nil {
			return nil, err
		}
		if err := z.Close(); err != nil {
			return nil, err
		}
		if doc := g.cfg.Seal(b.String(), purposeSessions); len(doc) <= catalog.MostAnswer {
			return doc, nil
		}
		keep := len(a.Sessions) * 3 / 4
		a.Sessions, a.LeftOut = a.Sessions[:keep], len(list)-keep
	}
}

func (g *Gateway) unpackSessions(doc []byte) (a sessionsAnswer, err error) {
	text, err := g.cfg.Open(doc, purposeSessions)
	if err != nil {
		return a, err
	}
	z, err := gzip.NewReader(strings.NewReader(text))
	if err != nil {
		return a, err
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		return a, err
	}
	return a, json.Unmarshal(plain, &a)
}

// answerPeers answers what other nodes ask, until the gateway ends.
func (g *Gateway) answerPeers() {
	g.cfg.Node.Answer(g.ctx, func(ctx context.Context, topic string, doc []byte) []byte {
		var answer []byte
		var err error
		switch topic {
		case topicKill:
			var r killRequest
			if err = json.Unmarshal(doc, &r); err == nil {
				answer, err = json.Marshal(killAnswer{g.killHere(&r)})
			}
		case topicKillUser:
			var u userKill
			if err = json.Unmarshal(doc, &u); err == nil {
				answer, err = json.Marshal(g.killUserHere(&u, nil))
			}
		case topicExplain:
			answer, err = g.explainAsked(ctx, doc)
		case topicLocks:
			answer, err = json.Marshal(g.lockHoldersHere(string(doc)))
		case topicSessions:
			var r sessionsRequest
			if err = json.Unmarshal(doc, &r); err == nil {
				answer, err = g.packSessions(g.sessionsHere(&r))
			}
		}
		if err != nil {
			g.cfg.Log.Warn("another node's question can't be answered", "topic", topic, "error", err)
			return nil
		}
		return answer
	})
}

// note keeps warnings of the node's own for SHOW WARNINGS.
func (s *session) note(texts []string) {
	for _, t := range texts {
		s.warnings = append(s.warnings, exec.Note{Level: "Warning", Code: "1105", Message: t})
	}
}
