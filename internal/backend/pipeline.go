package backend

import (
	"context"
	"errors"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/orbweaver/orbweaver/internal/wire"
)

// fewWait is how many commands may wait on a pipeline's connection before another one is used.
const fewWait = 8

// stallTime is how long the answer that is next on a connection may take before nobody else waits behind it: it is no short one, or the leaf reads
// from its disk.
const stallTime = 5 * time.Millisecond

// ErrStalled: statements on all of a pipeline's connections wait for one that takes long, or the pipeline was given up meanwhile. The statement was not sent, and is to
// have a connection of its own.
var ErrStalled error = stalled{}

type stalled struct{}

func (stalled) Error() string { return "the pipeline's connections are all waiting for a slow answer" }

// SafeToRetry is true.
func (stalled) SafeToRetry() bool { return true }

// Pipeline sends commands of many clients over few connections with one login, database and state. Only statements known to be short belong
// here, in autocommit, without effect on the connection (no variables, no temporary tables, no locks).
type Pipeline struct {
	leaf *leafPool
	want Want

	mu      sync.Mutex
	pipes   []*pipe
	opening *opening // the dial under way; nil when there is none
	used    bool     // since the last trim
	gone    bool     // forgotten by its leaf: nobody would end its connections
}

// opening is a dial that others wait for: they share its error, instead of dialling a dead leaf one after another.
type opening struct {
	done chan struct{}
	err  error // written before done is closed
}

type lineKey struct {
	login   login
	schema  string
	domain  uint32
	state   uint64
	silence time.Duration
}

// Pipeline is where short autocommit statements of w's login, database and state go; nil when there can be none.
func (p *Pools) Pipeline(w Want) *Pipeline {
	l, err := p.leaf(w.Leaf, w.Remote)
	if err != nil {
		return nil
	}
	key := lineKey{loginOf(w), w.Schema, w.Domain, w.State.Hash(), w.Silence}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.retired {
		return nil
	}
	line := l.lines[key]
	if line == nil {
		line = &Pipeline{leaf: l, want: w}
		l.lines[key] = line
	}
	if !line.want.State.Equal(w.State) {
		return nil // two states of one hash
	}
	return line
}

// Do sends a command and waits for its answer, which is appended to dst: whole frames, walked with Tracker.NextFrame, with sequence
// numbers from 1 on (from n on for a command of n frames). The leaf's ERR is part of the answer, not an error. When ctx ends the answer is thrown away once it comes.
//
// An error is ErrStalled, a *LostError, *LeafDownError, *PoolFullError, *PrepareError, *wire.ServerError (login refused), ErrClosed or ctx's.
func (p *Pipeline) Do(ctx context.Context, cmd wire.Command, body, dst []byte) ([]byte, error) {
	for {
		i, err := p.pick(ctx)
		if err != nil {
			return dst, err
		}
		w := newWaiter(cmd)
		mine, ok := i.enqueue(w, cmd, body)
		if !ok {
			w.free()
			continue // it ended since pick
		}
		return i.wait(ctx, w, mine, dst)
	}
}

// Execute is Do for a prepared statement by its text; body as in Conn.SendExecute.
func (p *Pipeline) Execute(ctx context.Context, text string, body, dst []byte) ([]byte, error) {
	// A statement whose id was foretold wrongly is unknown to the leaf, and executed again once the id is known.
	for {
		i, err := p.pick(ctx)
		if err != nil {
			return dst, err
		}
		w := newWaiter(wire.ComStmtExecute)
		mine, again, ok := i.execute(ctx, w, text, body)
		if !ok {
			w.free()
			if ctx.Err() != nil {
				return dst, context.Cause(ctx)
			}
			continue
		}
		n := len(dst)
		if dst, err = i.wait(ctx, w, mine, dst); err != nil || !again || !unknownStatement(dst[n:]) {
			return dst, err
		}
		dst = dst[:n]
	}
}

// unknownStatement says whether an answer is error 1243.
func unknownStatement(answer []byte) bool {
	return len(answer) > 6 && answer[4] == 0xff && uint16(answer[5])|uint16(answer[6])<<8 == wire.ErUnknownStmtHandler
}

// appendCommand appends a command in frames.
func appendCommand(b []byte, cmd wire.Command, parts ...[]byte) []byte {
	size := 1
	for _, p := range parts {
		size += len(p)
	}
	at := len(b)
	b = append(b, byte(size), byte(size>>8), byte(size>>16), 0, byte(cmd))
	for _, p := range parts {
		b = append(b, p...)
	}
	if size >= wire.MaxPayload {
		return split(b, at)
	}
	return b
}

// split cuts a command of 16 MiB or more, which begins at b[at], into frames.
func split(b []byte, at int) []byte {
	payload := append([]byte(nil), b[at+wire.HeaderSize:]...)
	b = b[:at]
	for seq := byte(0); ; seq++ {
		n := min(len(payload), wire.MaxPayload)
		b = append(append(b, byte(n), byte(n>>8), byte(n>>16), seq), payload[:n]...)
		if payload = payload[n:]; n < wire.MaxPayload {
			return b
		}
	}
}

// pick chooses a connection: the first on which few wait, so that a leaf with few clients answers them one after the other, with one thread and in
// few writes; else the least busy one, or a new one. ErrStalled when none is prompt.
func (p *Pipeline) pick(ctx context.Context) (*pipe, error) {
	for {
		p.mu.Lock()
		if p.gone {
			p.mu.Unlock()
			return nil, ErrStalled
		}
		p.used = true
		var best, slow *pipe
		least, now := int32(0), time.Now().UnixNano()
		for _, i := range p.pipes {
			n := i.waiting.Load()
			if since := i.headSince.Load(); since != 0 && now-since > int64(stallTime) {
				if slow == nil || n < slow.waiting.Load() {
					slow = i
				}
				continue
			}
			if best == nil || n < least {
				best, least = i, n
			}
			if n < fewWait {
				break
			}
		}
		full := len(p.pipes) >= p.leaf.width()
		if best != nil && (least < fewWait || full || p.opening != nil) {
			p.mu.Unlock()
			return best, nil
		}
		if best == nil && full {
			p.mu.Unlock()
			if p.leaf.crowded() {
				return slow, nil
			}
			return nil, ErrStalled
		}
		if o := p.opening; o != nil {
			p.mu.Unlock()
			select {
			case <-o.done:
				if o.err != nil && !errors.Is(o.err, context.Canceled) && !errors.Is(o.err, context.DeadlineExceeded) {
					return nil, o.err
				}
				continue // there is one now, or it was the other's context that ended
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			}
		}
		o := &opening{done: make(chan struct{})}
		p.opening = o
		p.mu.Unlock()
		made, err := p.open(ctx)
		p.mu.Lock()
		if err == nil {
			p.pipes = append(p.pipes, made)
		}
		p.opening, o.err = nil, err
		p.mu.Unlock()
		close(o.done)
		switch {
		case err == nil:
			return made, nil
		case best == nil:
			return nil, err
		}
		return best, nil // there is one at least
	}
}

func (p *Pipeline) open(ctx context.Context) (*pipe, error) {
	c, err := p.leaf.pools.Get(ctx, p.want)
	if err != nil {
		return nil, err
	}
	if err := p.leaf.countProcessors(ctx, c); err != nil {
		c.Release()
		return nil, err
	}
	c.w.SetPipelined(true)
	p.leaf.mu.Lock()
	p.leaf.pipes++
	p.leaf.mu.Unlock()
	return &pipe{line: p, conn: c, stmts: c.stmts.handOver()}, nil
}

// countProcessors asks a leaf, once, for the number of its machine's processors: thread_pool_size is that unless somebody has set it. A remote server that does not
// know it is no MariaDB.
func (l *leafPool) countProcessors(ctx context.Context, c *Conn) error {
	if l.processors.Load() > 0 {
		return nil
	}
	n := 0
	res, err := c.Query(ctx, "SELECT @@thread_pool_size")
	var refused *wire.ServerError
	switch {
	case err == nil:
	case l.remote != nil && errors.As(err, &refused):
		res = &Result{}
	default:
		return err
	}
	if len(res.Rows) == 1 && len(res.Rows[0]) == 1 {
		n, _ = strconv.Atoi(string(res.Rows[0][0]))
	}
	l.processors.Store(int32(max(1, n)))
	return nil
}

// width is how many connections a pipeline to the leaf may have: each keeps a thread of the leaf busy, and half of the processors are for all else.
func (l *leafPool) width() int {
	if w := l.pools.cfg.PipelineWidth; w > 0 {
		return w
	}
	return max(1, min(int(l.processors.Load())/2, maxWidth))
}

// crowded says whether so many connections are in use that statements had better wait at a pipeline: a leaf that is slow under thousands of clients must not
// be asked for as many connections, too.
func (l *leafPool) crowded() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open-l.idle-l.pipes > l.pools.cfg.MaxPerLeaf/8
}

// maxWidth bounds the connections of a pipeline to a large leaf.
const maxWidth = 32

// remove takes a connection out that has ended.
func (p *Pipeline) remove(dead *pipe) {
	p.mu.Lock()
	for n, i := range p.pipes {
		if i == dead {
			p.pipes = append(p.pipes[:n], p.pipes[n+1:]...)
			break
		}
	}
	p.mu.Unlock()
}

// closePipes ends all pipelines' connections: what waits there fails.
func (l *leafPool) closePipes() {
	l.mu.Lock()
	lines := make([]*Pipeline, 0, len(l.lines))
	for _, p := range l.lines {
		lines = append(lines, p)
	}
	l.mu.Unlock()
	for _, p := range lines {
		p.mu.Lock()
		pipes := append([]*pipe(nil), p.pipes...)
		p.mu.Unlock()
		for _, i := range pipes {
			i.close(ErrClosed)
		}
	}
}

// trimPipes ends connections of pipelines that were not used since before or are silent for too long, and forgets pipelines without any.
func (l *leafPool) trimPipes(before time.Time) {
	addr, _ := l.addr()
	generation := l.generation.Load()
	var old, silent []*pipe
	l.mu.Lock()
	for key, p := range l.lines {
		p.mu.Lock()
		for _, i := range p.pipes {
			if i.unusedSince(before) || i.conn.generation != generation || i.conn.addr != addr || i.closedByLeaf() {
				old = append(old, i)
			}
			if since := i.headSince.Load(); p.want.Silence > 0 && since != 0 && time.Now().UnixNano()-since > int64(p.want.Silence) {
				silent = append(silent, i)
			}
		}
		if len(p.pipes) == 0 && !p.used && p.opening == nil {
			delete(l.lines, key)
			p.gone = true
		}
		p.used = false
		p.mu.Unlock()
	}
	l.mu.Unlock()
	for _, i := range old {
		i.close(net.ErrClosed)
	}
	for _, i := range silent {
		i.silent.Store(true)
		i.conn.w.Close() // the one who reads ends it all
	}
}

// ErrSilent is why a pipeline's connection was cut: the server has said nothing for Want.Silence.
var ErrSilent = errors.New("the server has said nothing for too long")
