package exec

import (
	"context"
	"errors"
	"strings"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/spider"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// AtRemote runs statements one after another at the server that links lead to, on one connection that has what a session has set. They are about the first link's
// table. The last one's result comes back.
func (r *Runner) AtRemote(ctx context.Context, links []spider.Link, state *backend.State, sql ...string) (*backend.Result, error) {
	if r.cfg.Remote == nil {
		return nil, plan.NeedsStage("linked tables at a node that can't open passwords")
	}
	if state.Hops() >= maxHops {
		return nil, errorf(erRemoteLoop, "An infinite loop is detected when opening table %s.%s: links lead from node to node", links[0].Database, links[0].Table)
	}
	remote, err := r.cfg.Remote(links)
	if err != nil {
		return nil, err
	}
	c, err := r.cfg.Pools.Get(ctx, backend.Want{Leaf: remote.ID, Remote: remote, Variant: backend.Internal, State: remote.State(state)})
	if err != nil {
		return nil, ConnectError(remote, err)
	}
	defer c.Release()
	var res *backend.Result
	for _, q := range sql {
		if res, err = r.askRemote(ctx, c, links, q); err != nil {
			return nil, answerFailure(remote, &links[0], err, !strings.HasPrefix(q, "SELECT ") && !strings.HasPrefix(q, "SHOW "))
		}
	}
	return res, nil
}

// AnswerError is what a client is told of a statement's failure at the server that a link leads to, ConnectError what it is told when there was no connection to
// send it on.
func AnswerError(remote *backend.Remote, link *spider.Link, err error) error {
	return answerFailure(remote, link, err, true)
}

func answerFailure(remote *backend.Remote, link *spider.Link, err error, writes bool) error {
	var answer *wire.ServerError
	if errors.As(err, &answer) {
		return remoteAnswer(link.Name(), plan.RemoteName{DB: link.Database, Table: link.Table}, answer)
	}
	return remoteError(remote, err, &plan.Plan{Writes: writes})
}

// ConnectError is described at AnswerError.
func ConnectError(remote *backend.Remote, err error) error {
	return loginError(remote, err, &plan.Plan{})
}

// askRemote runs one statement, for no longer than its link's net_read_timeout.
func (r *Runner) askRemote(ctx context.Context, c *backend.Conn, links []spider.Link, sql string) (*backend.Result, error) {
	bound, p := wait(ctx, &links[0])
	defer p.end()
	p.reads()
	res, err := c.Query(bound, sql)
	if err != nil && silenced(bound) {
		return nil, errSilent
	}
	return res, err
}
