package gateway

import (
	"context"
	"errors"
	"net"
)

// ErrClosed is what Serve returns after Shutdown.
var ErrClosed = errors.New("the gateway is shut down")

// Gateway serves clients. One serves any number of listeners.
type Gateway struct {
	cfg Config
}

// New prepares a gateway: it asks a leaf for the version and the accounts, which must be reachable. Shutdown ends it.
func New(ctx context.Context, cfg Config) (*Gateway, error) {
	cfg.defaults()
	return &Gateway{cfg: cfg}, nil
}

// Serve accepts clients until ctx ends or Shutdown is called, then closes the listener and returns ErrClosed, or the listener's error.
// Sessions live on until Shutdown.
func (g *Gateway) Serve(ctx context.Context, l net.Listener) error { return errors.ErrUnsupported }

// Shutdown stops accepting, lets statements that run and transactions that are open end until ctx does, closes all sessions and waits for
// them.
func (g *Gateway) Shutdown(ctx context.Context) error { return nil }

// Stats is a picture of what the gateway does.
func (g *Gateway) Stats() Stats { return Stats{} }

// Stats counts what happened since the start, but for Connections and Running.
type Stats struct {
	Connections    int    // clients connected now
	Running        int    // statements running now
	Accepted       uint64 // clients ever accepted
	Refused        uint64 // turned away: too many connections
	Denied         uint64 // logins that failed
	Aborted        uint64 // clients that vanished
	Statements     uint64 // statements run
	Errors         uint64 // of these ended with an error
	PlanHits       uint64 // plans found in the cache
	PlanMisses     uint64
	Forwarded      uint64 // statements by shape
	Merged         uint64
	Spread         uint64
	BytesIn        uint64
	BytesOut       uint64
	PlansCached    int
	SlowestRunning int64 // milliseconds that the longest running statement has taken so far
}
