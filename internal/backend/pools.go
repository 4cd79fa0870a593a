package backend

import (
	"context"
	"errors"
)

// Pools are a node's connections to all leaves.
type Pools struct {
	cfg Config
}

// New makes empty pools. Close ends them.
func New(cfg Config) *Pools { return &Pools{cfg: cfg} }

// Get lends a connection: an idle one that is as wanted, else an idle one of the same login that is retargeted, else a new one. Retargeting
// (COM_INIT_DB, SET, COM_RESET_CONNECTION) is one write and one wait before Get returns: were it sent ahead of the caller's command in one
// write, a refused COM_INIT_DB would let the command run in another partition. A connection found dead here is replaced.
//
// Errors: *LeafDownError, *PoolFullError, *PrepareError, *wire.ServerError (the leaf refused the login), ErrClosed, ctx's.
func (p *Pools) Get(ctx context.Context, w Want) (*Conn, error) { return nil, errors.ErrUnsupported }

// Kill ends the statement that runs on a connection of a leaf (KILL QUERY), or the connection (KILL CONNECTION), by the cluster's account.
func (p *Pools) Kill(ctx context.Context, leaf string, thread uint64, connection bool) error {
	return errors.ErrUnsupported
}

// Pipeline is where short autocommit statements of w's login and state go; nil when pipelines are off.
func (p *Pools) Pipeline(w Want) *Pipeline { return nil }

// Drop closes the idle connections to a leaf, and those in use when they are released: it has moved, or is gone.
func (p *Pools) Drop(leaf string) {}

// Close closes idle connections, waits for those in use and for everything that runs in the background.
func (p *Pools) Close() {}

// Stats is a picture of the pools, one entry a leaf that was ever used, by name.
func (p *Pools) Stats() []LeafStats { return nil }
