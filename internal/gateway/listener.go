package gateway

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/orbweaver/orbweaver/internal/wire"
)

// Serve accepts clients until ctx ends or Shutdown is called, then closes the listener and returns ErrClosed, or the listener's error.
// Sessions live on until Shutdown.
func (g *Gateway) Serve(ctx context.Context, l net.Listener) error {
	if !g.addListener(l) {
		l.Close()
		return ErrClosed
	}
	defer g.dropListener(l)
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	var pause time.Duration
	for {
		nc, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil || g.closing() {
				return ErrClosed
			}
			// Out of file descriptors or memory: others may give some back.
			var temporary interface{ Temporary() bool }
			if errors.As(err, &temporary) && temporary.Temporary() {
				pause = min(max(2*pause, 5*time.Millisecond), time.Second)
				g.cfg.Log.Warn("accepting a client failed, trying again", "error", err)
				select {
				case <-ctx.Done():
				case <-g.done:
				case <-time.After(pause):
				}
				continue
			}
			return err
		}
		pause = 0
		g.stats.accepted.Add(1)
		if !g.start(nc) {
			nc.Close()
		}
	}
}

// start runs a session in a goroutine of its own. It says false once the gateway is closing.
func (g *Gateway) start(nc net.Conn) bool {
	s := newSession(g, nc)
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return false
	}
	full := len(g.sessions) >= g.cfg.MaxConnections
	// Beyond the limit a client is greeted all the same, so that it can read why it is turned away; but not without end.
	if full && g.turned >= maxTurned {
		g.mu.Unlock()
		g.stats.refused.Add(1)
		return false
	}
	g.running.Add(1)
	if full {
		g.turned++
	} else {
		g.register(s)
	}
	g.mu.Unlock()
	go func() {
		defer g.running.Done()
		if full {
			s.refuse()
			g.mu.Lock()
			g.turned--
			g.mu.Unlock()
			return
		}
		defer g.unregister(s)
		s.serve()
	}()
	return true
}

// maxTurned bounds the clients that are being told that there are too many.
const maxTurned = 64

// refuse tells a client that there are too many, in place of a greeting.
func (s *session) refuse() {
	s.g.stats.refused.Add(1)
	defer s.conn.Close()
	if err := s.conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return
	}
	// No SQLSTATE: the client has not said yet that it would understand one.
	e := &wire.ServerError{Code: wire.ErConCount, Message: "Too many connections"}
	if s.conn.AppendPacket(wire.AppendError(nil, e)) == nil {
		_ = s.conn.Flush() // it may have left: nobody to tell
	}
}

func (g *Gateway) addListener(l net.Listener) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.listeners[l] = struct{}{}
	return true
}

func (g *Gateway) dropListener(l net.Listener) {
	g.mu.Lock()
	delete(g.listeners, l)
	g.mu.Unlock()
	l.Close()
}

func (g *Gateway) closing() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.closed
}
