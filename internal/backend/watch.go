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
	killGrace   = 2 * time.Second // from the first KILL QUERY to the statement's end
	killPause   = 50 * time.Millisecond
)

// Watch ends the running statement when ctx ends: KILL QUERY, and when no answer follows, KILL CONNECTION. stop ends the watch and
// says whether ctx had ended; it must be called before Release and waits for a KILL that is under way.
func (c *Conn) Watch(ctx context.Context) (stop func() bool) {
	if ctx.Done() == nil {
		return notWatched
	}
	w := &watch{conn: c, running: runningOf(ctx)}
	if w.running != nil {
		w.turn = w.running.add(c)
	}
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
	running  *Running       // whose connections this one is among until stop; nil for nobody's
	turn     uint64

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
	ctx, cancel := context.WithTimeout(pools.ctx, killTimeout+killGrace)
	defer cancel()
	// A KILL QUERY that comes before its statement has begun, or between COM_STMT_PREPARE and its execution, has no effect: it is sent again, at
	// longer and longer intervals.
	begun := time.Now()
	for pause := killPause; time.Since(begun) < killGrace; pause *= 2 {
		if err := w.conn.Kill(ctx); err != nil {
			w.conn.w.Close() // the reader gets an error
			return
		}
		select {
		case <-wake:
			return
		case <-time.After(pause):
		case <-pools.ctx.Done():
			w.conn.w.Close()
			return
		}
	}
	// A statement does not see that its connection is closed. This one the leaf remembers, whatever runs.
	_ = pools.Kill(ctx, w.conn.pool.name, w.conn.thread, true)
	w.conn.w.Close()
}

func (w *watch) stop() bool {
	if w.running != nil {
		w.running.remove(w.turn)
	}
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
