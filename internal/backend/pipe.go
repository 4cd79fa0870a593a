package backend

import (
	"context"
	"errors"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/orbweaver/orbweaver/internal/wire"
)

// pipe is one connection of a Pipeline. Whoever comes appends his command; the first to come writes for all that come while he does. Answers are read
// in turn, each by the one who asked: whoever has read his gives the turn to the next, so that a statement alone costs no goroutine but its own.
type pipe struct {
	line    *Pipeline
	conn    *Conn
	waiting atomic.Int32 // commands without an answer
	// headSince is since when (nanoseconds) the queue's head is the next to be answered; 0 when nobody waits.
	headSince atomic.Int64
	silent    atomic.Bool // it was cut because of that

	mu      sync.Mutex
	out     []byte    // commands not yet given to the kernel
	spare   []byte    // the last out, to be used again
	unsent  int       // how many waiters at the queue's end are in out
	queue   []*waiter // in the order of the commands, from head on
	head    int
	writing bool
	turn    *waiter // the one who reads: the queue's head; nil when nobody waits
	cut     bool    // the read deadline was set to interrupt turn
	err     error   // why it ended; nothing is taken any more
	ended   bool
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
	err    error         // why there is no answer
	ready  chan struct{} // it is the waiter's turn, or err is set; has room for one signal
	before bool          // COM_STMT_PREPARE's answer comes first
	text   string        // what is prepared
	sentAt time.Time     // when it is sampled
	gone   bool          // nobody wants the answer any more
}

var waiters = sync.Pool{New: func() any { return &waiter{ready: make(chan struct{}, 1)} }}

func newWaiter(cmd wire.Command) *waiter {
	w := waiters.Get().(*waiter)
	w.track.cmd = cmd
	return w
}

func (w *waiter) free() {
	*w = waiter{ready: w.ready}
	waiters.Put(w)
}

// wait reads the answer when it is the waiter's turn. mine: it is already.
func (i *pipe) wait(ctx context.Context, w *waiter, mine bool, dst []byte) ([]byte, error) {
	if !mine {
		select {
		case <-w.ready:
		case <-ctx.Done():
			i.mu.Lock()
			select {
			case <-w.ready: // in the meantime
				i.mu.Unlock()
			default:
				w.gone = true // it stays in the queue, and is not used again
				i.mu.Unlock()
				return dst, context.Cause(ctx)
			}
		}
		if w.err != nil {
			err := w.err
			w.free()
			return dst, err
		}
	}
	stop := func() bool { return true }
	if ctx.Done() != nil {
		stop = context.AfterFunc(ctx, func() { i.interrupt(w) })
	}
	n := len(dst)
	dst, err := i.readAnswer(w, dst)
	switch {
	case err == nil:
		i.answered(w)
	case ctx.Err() != nil && errors.Is(err, os.ErrDeadlineExceeded) && i.conn.w.ReadErr() == nil:
		i.resume(w)
		return dst[:n], context.Cause(ctx)
	default:
		i.end(err)
		<-w.ready // end has told all that wait
		dst, err = dst[:n], w.err
	}
	if stop() { // else interrupt is still to see w
		w.free()
	}
	return dst, err
}

// interrupt makes the one who reads give up.
func (i *pipe) interrupt(w *waiter) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.turn == w && !i.ended {
		i.cut = true
		_ = i.conn.w.SetReadDeadline(time.Unix(1, 0))
	}
}

// resume reads on in the background, from where an interrupted waiter stopped, until somebody wants the next answer.
func (i *pipe) resume(w *waiter) {
	i.mu.Lock()
	i.uncut()
	w.gone = true
	i.mu.Unlock()
	if !i.line.leaf.pools.inBackground(func() { i.skip(w) }) {
		i.end(ErrClosed)
	}
}

// uncut takes an interrupt back, for the next one to read; the caller holds mu.
func (i *pipe) uncut() {
	if i.cut {
		i.cut = false
		_ = i.conn.w.SetReadDeadline(time.Time{})
	}
}

// skip reads answers that nobody wants, w's first.
func (i *pipe) skip(w *waiter) {
	var buf []byte
	for w != nil {
		var err error
		if buf, err = i.readAnswer(w, buf[:0]); err != nil {
			i.end(err)
			return
		}
		w = i.pass(w)
	}
}

// enqueue appends a command and writes if nobody else does. ok is false when the connection has ended; mine: the waiter is the one who reads.
func (i *pipe) enqueue(w *waiter, cmd wire.Command, body []byte) (mine, ok bool) {
	if !i.enter() {
		return false, false
	}
	i.out = appendCommand(i.out, cmd, body)
	return i.push(w), true
}

// push appends the waiter of what was appended to out, and writes. The caller holds mu, push gives it back. mine: nobody reads, so that it is the
// waiter's turn.
func (i *pipe) push(w *waiter) (mine bool) {
	w.track.Begin(w.track.cmd, i.conn.variant)
	i.queue = append(i.queue, w)
	i.unsent++
	i.waiting.Add(1)
	if i.turn == nil {
		i.turn, mine = w, true
		i.headSince.Store(time.Now().UnixNano())
	}
	if i.count.Add(1)%sampleEvery == 0 {
		w.sentAt = time.Now()
	}
	if i.writing {
		i.mu.Unlock()
		return mine
	}
	i.writing = true
	i.mu.Unlock()
	runtime.Gosched() // those who run meanwhile may have something for the same write
	i.mu.Lock()
	for len(i.out) > 0 && i.err == nil {
		buf := i.out
		i.out, i.spare, i.unsent = i.spare[:0], nil, 0
		i.mu.Unlock()
		err := i.conn.w.Write(buf)
		i.mu.Lock()
		if cap(buf) <= 256<<10 {
			i.spare = buf[:0]
		}
		if err != nil {
			i.conn.w.Close() // the one who reads ends it all
			break
		}
	}
	i.writing = false
	i.mu.Unlock()
	return mine
}

// execute is enqueue for a prepared statement. again: the id was a guess, and error 1243 in the answer means that it has to be sent again.
func (i *pipe) execute(ctx context.Context, w *waiter, text string, body []byte) (mine, again, ok bool) {
	for {
		if !i.enter() {
			return false, false, false
		}
		id, known := i.stmts.find(stmtScope{}, text)
		if known {
			i.out = appendExecute(i.out, id, body)
			return i.push(w), false, true
		}
		if i.prepared != nil && i.preparing == text {
			i.out = appendExecute(i.out, i.stmts.next, body)
			return i.push(w), true, true
		}
		if wait := i.prepared; wait != nil {
			i.mu.Unlock()
			select {
			case <-wait:
				continue
			case <-ctx.Done():
				return false, false, false
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
		return i.push(w), true, true
	}
}

func appendExecute(b []byte, id uint32, body []byte) []byte {
	return appendCommand(b, wire.ComStmtExecute, []byte{byte(id), byte(id >> 8), byte(id >> 16), byte(id >> 24)}, body)
}

// readAnswer appends the frames of the answer to w's command to dst, from where they were left; the caller has the turn.
func (i *pipe) readAnswer(w *waiter, dst []byte) ([]byte, error) {
	if w.before {
		f, _, err := i.conn.w.ReadFrame()
		if err != nil {
			return dst, err
		}
		refused, err := i.readPrepared(f, w.text)
		if err != nil {
			return dst, err
		}
		w.before = false
		if refused != nil { // it takes the place of the answer, which can only be error 1243
			f, _, err := i.conn.w.ReadFrame()
			if err != nil {
				return dst, err
			}
			if kind, err := w.track.Next(f.Payload(), len(f.Payload())); err != nil || kind != KindErr {
				return dst, wire.ErrMalformed
			}
			return append(dst, refused...), nil
		}
	}
	for {
		f, cont, err := i.conn.w.ReadFrame()
		if err != nil {
			return dst, err
		}
		dst = append(dst, f...)
		if !cont {
			if _, err := w.track.Next(f.Payload(), len(f.Payload())); err != nil {
				return dst, err
			}
		}
		if w.track.Done() && f.Last() {
			return dst, nil
		}
	}
}

// answered accounts for an answer and gives the turn on.
func (i *pipe) answered(w *waiter) {
	count := &i.line.leaf.count
	count.commands.Add(1)
	if !w.sentAt.IsZero() {
		count.sample(time.Since(w.sentAt))
	}
	if next := i.pass(w); next != nil && !i.line.leaf.pools.inBackground(func() { i.skip(next) }) {
		i.end(ErrClosed)
	}
}

// pass takes the queue's head out, w, and gives the turn to the next. It is returned instead when nobody wants its answer.
func (i *pipe) pass(w *waiter) (unwanted *waiter) {
	i.waiting.Add(-1)
	now := time.Now()
	i.mu.Lock()
	defer i.mu.Unlock()
	i.uncut()
	i.queue[i.head] = nil
	if i.head++; i.head == len(i.queue) {
		i.queue, i.head = i.queue[:0], 0
		i.turn = nil
		i.headSince.Store(0)
		i.conn.idleSince = now
		return nil
	}
	i.headSince.Store(now.UnixNano())
	if i.head >= 1024 {
		i.queue, i.head = append(i.queue[:0], i.queue[i.head:]...), 0
	}
	next := i.queue[i.head]
	i.turn = next
	if next.gone {
		return next
	}
	next.ready <- struct{}{}
	return nil
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

// close ends the connection: what waits for it fails.
func (i *pipe) close(why error) {
	i.conn.w.Close()
	i.mu.Lock()
	idle := i.turn == nil && i.err == nil
	if idle {
		i.err = why
	}
	i.mu.Unlock()
	if idle { // else the one who reads sees it
		i.end(why)
	}
}

// enter takes mu where the connection takes commands. Nobody reads from an idle one, so that its leaf may have closed it unseen.
func (i *pipe) enter() bool {
	i.mu.Lock()
	if i.err == nil && i.turn == nil && !i.conn.alive() {
		i.err = net.ErrClosed
		i.mu.Unlock()
		i.end(net.ErrClosed)
		return false
	}
	if i.err != nil {
		i.mu.Unlock()
		return false
	}
	return true
}

// end fails all that wait and gives the connection back.
func (i *pipe) end(err error) {
	i.mu.Lock()
	if i.ended {
		i.mu.Unlock()
		return
	}
	if i.silent.Load() {
		err = ErrSilent
	}
	i.ended, i.err = true, err
	waiting := i.queue[i.head:]
	for n, w := range waiting {
		if !w.gone {
			w.err = &LostError{Leaf: i.line.leaf.name, Remote: i.line.leaf.remoteName(), Sent: n < len(waiting)-i.unsent, Err: err}
			w.ready <- struct{}{}
		}
	}
	i.queue, i.head, i.out, i.turn = nil, 0, nil, nil
	if i.prepared != nil {
		close(i.prepared)
		i.prepared = nil
	}
	i.mu.Unlock()
	i.line.remove(i)
	l := i.line.leaf
	l.mu.Lock()
	l.pipes--
	l.mu.Unlock()
	i.conn.breakOff()
	i.conn.Release()
}

// closedByLeaf says whether the leaf has closed a connection that is idle.
func (i *pipe) closedByLeaf() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.turn == nil && i.err == nil && !i.conn.alive()
}

// unusedSince says whether no command came since before; it is asked about once a second.
func (i *pipe) unusedSince(before time.Time) bool {
	if n := i.count.Load(); n != i.seen || i.since.IsZero() {
		i.seen, i.since = n, time.Now()
	}
	return i.waiting.Load() == 0 && i.since.Before(before)
}
