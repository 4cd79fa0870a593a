package faultproxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"
)

// block is how much is read and passed on at once.
const block = 32 << 10

// Proxy passes connections to its target, well or badly. Its methods may be called concurrently.
type Proxy struct {
	target string
	addr   string
	ctx    context.Context // of dialing: a target that is paused may take for ever
	end    context.CancelFunc

	mu       sync.Mutex
	listener net.Listener // nil while cut, and after Close
	hole     bool
	holes    map[string]bool // by the names of clients
	delay    time.Duration
	closed   bool
	changed  chan struct{}       // closed and replaced whenever a field above changes
	conns    map[net.Conn]string // both sides of what is passed, and the client's name
	stops    []*Stop
	number   uint64 // of the last connection
	running  sync.WaitGroup

	name  func(client net.Conn) string
	mysql bool
}

// ErrClosed is returned by what needs a proxy that is not closed.
var ErrClosed = errors.New("faultproxy: closed")

// Start listens on a free port of 127.0.0.1 and passes what comes to target, host:port or unix:path, which need not be there yet.
func Start(target string) (*Proxy, error) {
	return StartNamed(target, func(net.Conn) string { return "" })
}

// StartNamed is Start for a proxy that several clients use: name tells them apart, from the addresses of a connection, so that BlackHoleFrom can cut
// off one of them. It is asked once for each connection, by many goroutines.
func StartNamed(target string, name func(client net.Conn) string) (*Proxy, error) {
	return startNamed(target, name, false)
}

func startNamed(target string, name func(client net.Conn) string, mysql bool) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{
		target: target, addr: l.Addr().String(), changed: make(chan struct{}), conns: map[net.Conn]string{}, holes: map[string]bool{}, name: name, mysql: mysql,
	}
	p.ctx, p.end = context.WithCancel(context.Background())
	p.listen(l)
	return p, nil
}

// Addr is where clients connect, host:port. It stays the same over all faults.
func (p *Proxy) Addr() string { return p.addr }

// listen accepts from l; Start calls it before others know the proxy, Heal with the state locked.
func (p *Proxy) listen(l net.Listener) {
	p.listener = l
	p.running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil { // closed by Cut or Close
				return
			}
			if !p.add(l, c) {
				reset(c)
				continue
			}
			p.running.Go(func() {
				p.identify(c, p.name(c))
				p.serve(c)
			})
		}
	})
}

// add keeps a connection for Cut and Close. It refuses one that l accepted just before it was cut.
func (p *Proxy) add(l net.Listener, c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != l {
		return false
	}
	p.conns[c] = ""
	return true
}

// identify notes whose a connection is, unless it has been cut meanwhile.
func (p *Proxy) identify(c net.Conn, name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, lives := p.conns[c]; lives {
		p.conns[c] = name
	}
}

func (p *Proxy) drop(c net.Conn) {
	p.mu.Lock()
	delete(p.conns, c)
	p.mu.Unlock()
	c.Close()
}

// pass waits while the proxy is a black hole, then for the delay. It says whether the connection c lives still.
func (p *Proxy) pass(c net.Conn) bool {
	var late <-chan time.Time
	for {
		p.mu.Lock()
		name, lives := p.conns[c]
		hole, delay, changed := p.hole || p.holes[name], p.delay, p.changed
		p.mu.Unlock()
		if !lives {
			return false
		}
		switch {
		case hole:
			late = nil // what it had waited is lost with the packet
		case delay == 0:
			return true
		case late == nil:
			late = time.After(delay)
		}
		select {
		case <-changed:
		case <-late:
			return true
		}
	}
}

// serve passes one connection until both directions have ended.
func (p *Proxy) serve(client net.Conn) {
	defer p.drop(client)
	if !p.pass(client) {
		return
	}
	var dialer net.Dialer
	network, target := "tcp", p.target
	if path, ok := strings.CutPrefix(target, "unix:"); ok {
		network, target = "unix", path
	}
	server, err := dialer.DialContext(p.ctx, network, target)
	if err != nil {
		reset(client)
		return
	}
	p.mu.Lock()
	name, lives := p.conns[client]
	if lives {
		p.conns[server] = name
	}
	p.mu.Unlock()
	if !lives { // cut meanwhile
		reset(server)
		return
	}
	defer p.drop(server)
	forth, back := p.passOn, p.passOn
	if p.mysql {
		p.mu.Lock()
		p.number++
		t := &tap{p: p, client: client, number: p.number, waiting: map[int]*Stop{}}
		p.mu.Unlock()
		forth, back = t.forth(), t.back()
	}
	var backwards sync.WaitGroup
	backwards.Go(func() { p.copy(client, server, back) })
	p.copy(server, client, forth)
	backwards.Wait()
}

// write passes a block on; false: the connection is over.
type write func(to, from net.Conn, data []byte) bool

func (p *Proxy) passOn(to, from net.Conn, data []byte) bool {
	if _, err := to.Write(data); err != nil {
		reset(from) // or it would write into nothing for ever
		return false
	}
	return true
}

// copy passes what from sends to to, and then from's end or failure.
func (p *Proxy) copy(to, from net.Conn, pass write) {
	buf := make([]byte, block)
	for {
		n, err := from.Read(buf)
		if !p.pass(from) {
			return
		}
		if n > 0 && !pass(to, from, buf[:n]) {
			return
		}
		switch {
		case errors.Is(err, io.EOF):
			to.(interface{ CloseWrite() error }).CloseWrite() // an error tells that to is gone: its own direction sees that
			return
		case err != nil:
			reset(to)
			return
		}
	}
}

// reset ends a connection at once, with an RST instead of a FIN.
func reset(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok { // a unix socket has nothing to linger for
		t.SetLinger(0)
	}
	c.Close()
}

// change changes the state and wakes all who wait for it.
func (p *Proxy) change(f func()) {
	f()
	close(p.changed)
	p.changed = make(chan struct{})
}

// BlackHole lets connections open and passes nothing more, either way, until Heal: but for a block that was being written when it was called.
func (p *Proxy) BlackHole() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.change(func() { p.hole = true })
}

// BlackHoleFrom is BlackHole for the connections of one client, by its name.
func (p *Proxy) BlackHoleFrom(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.change(func() { p.holes[name] = true })
}

// HealFrom ends BlackHoleFrom.
func (p *Proxy) HealFrom(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.change(func() { delete(p.holes, name) })
}

// ResetFrom ends the connections of one client at once, by its name, in the middle of whatever they carry. New ones are served.
func (p *Proxy) ResetFrom(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.change(func() {
		for c, n := range p.conns {
			if n == name {
				reset(c)
				delete(p.conns, c)
			}
		}
	})
}

// Delay passes each block that much later, in each direction; 0 ends it.
func (p *Proxy) Delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.change(func() { p.delay = d })
}

// Cut resets all connections and refuses new ones until Heal.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.change(p.cut)
}

// cut ends everything; the state is locked.
func (p *Proxy) cut() {
	if p.listener != nil {
		p.listener.Close()
		p.listener = nil
	}
	for c := range p.conns {
		reset(c)
	}
	clear(p.conns)
}

// Heal ends all black holes, a delay and a cut. It fails when another program has taken the port since the cut.
func (p *Proxy) Heal() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return ErrClosed
	}
	if p.listener == nil {
		l, err := net.Listen("tcp", p.addr)
		if err != nil {
			return fmt.Errorf("faultproxy: listening again: %w", err)
		}
		p.listen(l)
	}
	p.change(func() {
		p.hole, p.delay = false, 0
		clear(p.holes)
	})
	return nil
}

// Close ends all connections and waits until nothing runs. Further calls do nothing.
func (p *Proxy) Close() {
	p.mu.Lock()
	p.change(func() { p.closed = true; p.cut() })
	p.mu.Unlock()
	p.end()
	p.running.Wait()
}
