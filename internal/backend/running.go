package backend

import (
	"context"
	"slices"
	"sync"
)

// Running is which connections to leaves a session's statement waits for at the moment: those that are watched under a context that it belongs to.
type Running struct {
	mu    sync.Mutex
	count uint64
	conns []runs
}

type runs struct {
	of   *Conn
	turn uint64
}

// Run is a connection at work: the leaf and its thread there, as long as Running still has it.
type Run struct {
	Leaf   string
	Thread uint64
	turn   uint64
}

type runningKey struct{}

// WithRunning is a context under which Watch tells r.
func WithRunning(ctx context.Context, r *Running) context.Context {
	return context.WithValue(ctx, runningKey{}, r)
}

func runningOf(ctx context.Context) *Running {
	r, _ := ctx.Value(runningKey{}).(*Running)
	return r
}

func (r *Running) add(c *Conn) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count++
	r.conns = append(r.conns, runs{c, r.count})
	return r.count
}

func (r *Running) remove(turn uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := slices.IndexFunc(r.conns, func(o runs) bool { return o.turn == turn }); i >= 0 {
		r.conns = slices.Delete(r.conns, i, i+1)
	}
}

// All lists the leaves' connections that are waited for, in the order in which that began.
func (r *Running) All() []Run {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []Run
	for _, o := range r.conns {
		if o.of.pool.remote == nil {
			all = append(all, Run{o.of.Leaf(), o.of.thread, o.turn})
		}
	}
	return all
}

// Still says whether a connection has been waited for ever since it was listed: what its leaf has told of it meanwhile is the session's.
func (r *Running) Still(run Run) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.conns, func(o runs) bool { return o.turn == run.turn })
}
