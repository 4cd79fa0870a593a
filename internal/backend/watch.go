package backend

import (
	"context"
	"sync"
	"time"
)

// Kill ends the running statement (KILL QUERY) by another connection.
func (c *Conn) Kill(ctx context.Context) error {
	c.killed.Store(true)
	return c.pool.pools.Kill(ctx, c.pool.name, c.thread, false)
}

const (
	killTimeout = 3 * time.Second // for a KILL QUERY itself
	killGrace   = 2 * time.Second // from KILL QUERY to the statement's end
)

// Watch ends the running statement when ctx ends: KILL QUERY, and when no answer follows, the connection is closed. stop ends the watch and
// says whether ctx had ended; it must be called before Release and waits for a KILL that is under way.
func (c *Conn) Watch(ctx context.Context) (stop func() bool) {
	if ctx.Done() == nil {
		return notWatched
	}
	w := &watch{conn: c}
	w.finished.Add(1)
	w.cancel = context.AfterFunc(ctx, w.fire)
	return w.stop
}

func notWatched() bool { return false }

// watch is Conn.Watch under way. It is made for every statement, so it makes nothing that only a firing one needs.
type watch struct {
	conn     *Conn
	cancel   func() bool
	finished sync.WaitGroup // of fire

	mu       sync.Mutex
	answered bool
	wake     chan struct{} // closed by stop; nil until fire waits for it
}

func (w *watch) fire() {
	defer w.finished.Done()
	w.mu.Lock()
	if w.answered {
		w.mu.Unlock()
		return
	}
	wake := make(chan struct{})
	w.wake = wake
	w.mu.Unlock()
	pools := w.conn.pool.pools
	ctx, cancel := context.WithTimeout(pools.ctx, killTimeout)
	defer cancel()
	if err := w.conn.Kill(ctx); err != nil {
		w.conn.w.Close() // the reader gets an error
		return
	}
	grace := time.NewTimer(killGrace)
	defer grace.Stop()
	select {
	case <-wake:
	case <-grace.C:
		w.conn.w.Close()
	case <-pools.ctx.Done():
		w.conn.w.Close()
	}
}

func (w *watch) stop() bool {
	if w.cancel() {
		return false
	}
	w.mu.Lock()
	w.answered = true
	if w.wake != nil {
		close(w.wake)
		w.wake = nil
	}
	w.mu.Unlock()
	w.finished.Wait()
	return true
}
