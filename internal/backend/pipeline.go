package backend

import (
	"context"
	"errors"
	"time"

	"github.com/orbweaver/orbweaver/internal/wire"
)

// Pipeline sends commands of many clients over few connections with one login, database and state. Only statements known to be short belong
// here, in autocommit, without effect on the connection (no variables, no temporary tables, no locks).
type Pipeline struct{}

type lineKey struct {
	login  login
	schema string
	state  uint64
}

func (l *leafPool) closePipes()         {}
func (l *leafPool) trimPipes(time.Time) {}

// Do sends a command and waits for its answer, which is appended to dst: whole frames, sequence numbers from 1, walked with Tracker.NextFrame. The
// leaf's ERR is part of the answer, not an error. When ctx ends the answer is thrown away once it comes.
//
// An error is a *LostError, *LeafDownError, *PoolFullError, *PrepareError, *wire.ServerError (login refused), ErrClosed or ctx's.
func (p *Pipeline) Do(ctx context.Context, cmd wire.Command, body, dst []byte) ([]byte, error) {
	return dst, errors.ErrUnsupported
}

// Execute is Do for a prepared statement by its text; body as in Conn.SendExecute.
func (p *Pipeline) Execute(ctx context.Context, text string, body, dst []byte) ([]byte, error) {
	return dst, errors.ErrUnsupported
}
func (p *Pools) Pipeline(w Want) *Pipeline { return nil }
