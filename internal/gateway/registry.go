package gateway

import (
	"context"
	"syscall"
	"time"
)

// idBits is how many bits of a connection's id count within a node; the node's number is above them. 32 bits are all that a greeting
// has room for.
const idBits = 20

// register gives a session its id. The caller holds g.mu.
func (g *Gateway) register(s *session) {
	for {
		g.lastID = (g.lastID + 1) & (1<<idBits - 1)
		id := uint32(g.cfg.NodeID)<<idBits | g.lastID
		if id == 0 || g.sessions[id] != nil {
			continue
		}
		s.id = id
		g.sessions[id] = s
		return
	}
}

func (g *Gateway) unregister(s *session) {
	g.mu.Lock()
	delete(g.sessions, s.id)
	g.mu.Unlock()
}

// session finds a session of this node; nil when there is none.
func (g *Gateway) session(id uint64) *session {
	if id>>32 != 0 {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.sessions[uint32(id)]
}

// all lists the sessions of this node.
func (g *Gateway) all() []*session {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := make([]*session, 0, len(g.sessions))
	for _, s := range g.sessions {
		out = append(out, s)
	}
	return out
}

// monitorEvery is how often sessions are looked at: the precision of wait_timeout, and how soon a statement whose client has vanished
// is ended.
const monitorEvery = 500 * time.Millisecond

// monitor ends sessions that are silent for too long, and statements whose clients have gone: nobody reads from a client while its
// statement runs.
func (g *Gateway) monitor() {
	tick := time.NewTicker(monitorEvery)
	defer tick.Stop()
	for {
		select {
		case <-g.done:
			return
		case now := <-tick.C:
			for _, s := range g.all() {
				s.look(now)
			}
			if g.accountsDirty.CompareAndSwap(true, false) {
				g.behind.Go(g.repairLater)
			}
		}
	}
}

// repairLater tries again what a change of accounts has left undone.
func (g *Gateway) repairLater() {
	err := g.RepairAccounts(g.ctx)
	if err == nil {
		return
	}
	g.cfg.Log.Warn("the leaves' accounts could not be made equal yet", "error", err)
	select {
	case <-g.done:
	case <-time.After(repairEvery):
	}
	g.accountsDirty.Store(true)
}

const repairEvery = 5 * time.Second

// look is the monitor's visit.
func (s *session) look(now time.Time) {
	since := now.UnixNano() - s.since.Load()
	if !s.busy.Load() {
		if t := s.waitTimeout.Load(); t > 0 && since > t && s.loggedIn.Load() {
			s.end(errIdle)
		}
		return
	}
	if t := s.writeTimeout.Load(); t > 0 && s.conn.Stuck(now) > time.Duration(t) {
		s.g.stats.aborted.Add(1)
		s.end(errGone)
		return
	}
	if since > int64(2*monitorEvery) && hungUp(s.sys) {
		s.g.stats.aborted.Add(1)
		s.end(errGone)
	}
}

// hungUp says whether the peer has closed a connection, without taking anything from it.
func hungUp(raw syscall.RawConn) bool {
	if raw == nil {
		return false
	}
	gone := false
	err := raw.Control(func(fd uintptr) {
		var b [1]byte
		n, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		gone = n == 0 && err == nil || err == syscall.ECONNRESET
	})
	return gone || err != nil
}

// end closes a session from outside: what runs is cancelled, the connection closed.
func (s *session) end(cause error) {
	s.cancel(cause)
	s.conn.Close()
}

// interrupt wakes a session that waits for its client, to see that the gateway shuts down.
func (s *session) interrupt() {
	if s.conn.SetReadDeadline(time.Unix(1, 0)) != nil {
		s.conn.Close()
	}
}

// killQuery ends the statement that runs now, if any.
func (s *session) killQuery() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy.Load() {
		s.cancelQuery(errKilledQuery)
	}
}

// query is the context of the statement that begins now. One context serves many statements: only a KILL QUERY uses it up.
func (s *session) query() context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.queryCtx == nil || s.queryCtx.Err() != nil {
		s.queryCtx, s.cancelQuery = context.WithCancelCause(s.ctx)
	}
	return s.queryCtx
}
