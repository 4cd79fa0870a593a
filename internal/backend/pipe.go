package backend

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/orbweaver/orbweaver/internal/wire"
)

// pipe is one connection of a Pipeline. Whoever comes appends his command; the first to come writes for all that come while he does. One goroutine
// reads the answers and hands them out.
type pipe struct {
	line    *Pipeline
	conn    *Conn
	waiting atomic.Int32 // commands without an answer

	mu      sync.Mutex
	out     []byte    // commands not yet given to the kernel
	spare   []byte    // the last out, to be used again
	unsent  int       // how many waiters at the queue's end are in out
	queue   []*waiter // in the order of the commands, from head on
	head    int
	writing bool
	err     error // why it ended; nothing is taken any more
	stmts   *stmtCache
	// preparing is the statement whose COM_STMT_PREPARE has no answer yet: at most one, so that its foretold id can't be another statement's.
	preparing string
	prepared  chan struct{} // closed when preparing is over; nil when nothing is

	seen  uint64 // for unusedSince: commands at the last look, and since when there are no more
	since time.Time
	count atomic.Uint64
}

// waiter is one command on its way.
type waiter struct {
	track  Tracker
	buf    []byte // the answer
	err    error
	ready  chan struct{} // has room for one signal
	before bool          // COM_STMT_PREPARE's answer comes first
	text   string        // what is prepared
	sentAt time.Time     // when it is sampled
}

var waiters = sync.Pool{New: func() any { return &waiter{ready: make(chan struct{}, 1)} }}

func newWaiter(cmd wire.Command) *waiter {
	w := waiters.Get().(*waiter)
	w.track.cmd = cmd
	return w
}

func (w *waiter) free() {
	if cap(w.buf) > 64<<10 {
		w.buf = nil
	}
	*w = waiter{ready: w.ready, buf: w.buf[:0]}
	waiters.Put(w)
}

// wait waits for the answer.
func (w *waiter) wait(ctx context.Context, dst []byte) ([]byte, error) {
	if done := ctx.Done(); done == nil {
		<-w.ready
	} else {
		select {
		case <-w.ready:
		case <-done:
			return dst, context.Cause(ctx) // the waiter stays in the queue, and is not used again
		}
	}
	dst, err := append(dst, w.buf...), w.err
	w.free()
	return dst, err
}

// start lets the reader run until the connection ends.
func (i *pipe) start() {
	if !i.line.leaf.pools.inBackground(i.read) {
		i.end(ErrClosed)
	}
}

// enqueue appends a command and writes if nobody else does. It is false when the connection has ended.
func (i *pipe) enqueue(w *waiter, cmd wire.Command, body []byte) bool {
	i.mu.Lock()
	if i.err != nil {
		i.mu.Unlock()
		return false
	}
	i.out = appendCommand(i.out, cmd, body)
	i.push(w)
	return true
}

// push appends the waiter of what was appended to out, and writes. The caller holds mu, push gives it back.
func (i *pipe) push(w *waiter) {
	w.track.Begin(w.track.cmd, i.conn.variant)
	i.queue = append(i.queue, w)
	i.unsent++
	i.waiting.Add(1)
	if i.count.Add(1)%sampleEvery == 0 {
		w.sentAt = time.Now()
	}
	if i.writing {
		i.mu.Unlock()
		return
	}
	i.writing = true
	for len(i.out) > 0 && i.err == nil {
		buf := i.out
		i.out, i.spare, i.unsent = i.spare[:0], nil, 0
		i.mu.Unlock()
		_, err := i.conn.w.NetConn().Write(buf)
		i.mu.Lock()
		if cap(buf) <= 256<<10 {
			i.spare = buf[:0]
		}
		if err != nil {
			i.conn.w.Close() // the reader ends it all
			break
		}
	}
	i.writing = false
	i.mu.Unlock()
}

// execute is enqueue for a prepared statement. again: the id was a guess, and error 1243 in the answer means that it has to be sent again.
func (i *pipe) execute(ctx context.Context, w *waiter, text string, body []byte) (again, ok bool) {
	for {
		i.mu.Lock()
		if i.err != nil {
			i.mu.Unlock()
			return false, false
		}
		id, known := i.stmts.find(stmtScope{}, text)
		if known {
			i.out = appendExecute(i.out, id, body)
			i.push(w)
			return false, true
		}
		if i.prepared != nil && i.preparing == text {
			i.out = appendExecute(i.out, i.stmts.next, body)
			i.push(w)
			return true, true
		}
		if wait := i.prepared; wait != nil {
			i.mu.Unlock()
			select {
			case <-wait:
				continue
			case <-ctx.Done():
				return false, false
			}
		}
		i.preparing, i.prepared = text, make(chan struct{})
		for _, old := range i.stmts.closing {
			i.out = appendCommand(i.out, wire.ComStmtClose, []byte{byte(old), byte(old >> 8), byte(old >> 16), byte(old >> 24)})
		}
		i.stmts.closing = i.stmts.closing[:0]
		i.out = appendCommand(i.out, wire.ComStmtPrepare, []byte(text))
		i.out = appendExecute(i.out, i.stmts.next, body)
		w.before, w.text = true, text
		i.push(w)
		return true, true
	}
}

func appendExecute(b []byte, id uint32, body []byte) []byte {
	return appendCommand(b, wire.ComStmtExecute, []byte{byte(id), byte(id >> 8), byte(id >> 16), byte(id >> 24)}, body)
}

// read hands out answers until the connection ends.
func (i *pipe) read() {
	var err error
	for err == nil {
		err = i.readOne()
	}
	i.end(err)
}

var errUnasked = errors.New("the leaf answered what nobody asked")

// readOne reads one answer.
func (i *pipe) readOne() error {
	f, cont, err := i.conn.w.ReadFrame()
	if err != nil {
		return err
	}
	i.mu.Lock()
	if i.head == len(i.queue) {
		i.mu.Unlock()
		return errUnasked
	}
	w := i.queue[i.head]
	i.mu.Unlock()
	if w.before {
		refused, err := i.readPrepared(f, w.text)
		if err != nil {
			return err
		}
		w.before = false
		if f, cont, err = i.conn.w.ReadFrame(); err != nil {
			return err
		}
		if refused != nil { // it takes the place of the answer, which can only be error 1243
			if kind, err := w.track.Next(f.Payload(), len(f.Payload())); err != nil || kind != KindErr {
				return wire.ErrMalformed
			}
			w.buf = refused
			i.answered(w)
			return nil
		}
	}
	for {
		w.buf = append(w.buf, f...)
		if !cont {
			size := len(f.Payload())
			if _, err := w.track.Next(f.Payload(), size); err != nil {
				return err
			}
		}
		if w.track.Done() && f.Last() {
			i.answered(w)
			return nil
		}
		if f, cont, err = i.conn.w.ReadFrame(); err != nil {
			return err
		}
	}
}

// answered takes the queue's first waiter out and wakes it.
func (i *pipe) answered(w *waiter) {
	i.mu.Lock()
	i.queue[i.head] = nil
	if i.head++; i.head == len(i.queue) {
		i.queue, i.head = i.queue[:0], 0
	} else if i.head >= 1024 {
		i.queue, i.head = append(i.queue[:0], i.queue[i.head:]...), 0
	}
	i.mu.Unlock()
	i.waiting.Add(-1)
	count := &i.line.leaf.count
	count.commands.Add(1)
	if !w.sentAt.IsZero() {
		count.sample(time.Since(w.sentAt))
	}
	w.ready <- struct{}{}
}

// readPrepared reads the answer of COM_STMT_PREPARE, which begins with f; refused is its ERR frame.
func (i *pipe) readPrepared(f wire.Frame, text string) (refused []byte, err error) {
	var t Tracker
	t.Begin(wire.ComStmtPrepare, i.conn.variant)
	for {
		kind, err := t.Next(f.Payload(), len(f.Payload()))
		if err != nil {
			return nil, err
		}
		if kind == KindErr {
			refused = append([]byte(nil), f...)
		}
		if t.Done() {
			break
		}
		if f, _, err = i.conn.w.ReadFrame(); err != nil {
			return nil, err
		}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if refused == nil {
		i.stmts.add(stmtScope{}, text, t.Statement)
		i.stmts.next = t.Statement + 1
	} else {
		i.stmts.next++
	}
	close(i.prepared)
	i.prepared = nil
	return refused, nil
}

// end fails all that wait and gives the connection back.
func (i *pipe) end(err error) {
	i.conn.breakOff()
	i.mu.Lock()
	i.err = err
	queue, unsent := i.queue[i.head:], i.unsent
	i.queue, i.head, i.out = nil, 0, nil
	if i.prepared != nil {
		close(i.prepared)
		i.prepared = nil
	}
	i.mu.Unlock()
	i.line.remove(i)
	for n, w := range queue {
		w.err = &LostError{Leaf: i.line.leaf.name, Sent: n < len(queue)-unsent, Err: err}
		w.buf = w.buf[:0]
		w.ready <- struct{}{}
	}
	l := i.line.leaf
	l.mu.Lock()
	l.pipes--
	l.mu.Unlock()
	i.conn.Release()
}

// unusedSince says whether no command came since before; it is asked about once a second.
func (i *pipe) unusedSince(before time.Time) bool {
	if n := i.count.Load(); n != i.seen || i.since.IsZero() {
		i.seen, i.since = n, time.Now()
	}
	return i.waiting.Load() == 0 && i.since.Before(before)
}
