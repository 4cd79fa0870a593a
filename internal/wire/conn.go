package wire

import (
	"crypto/tls"
	"net"
	"sync/atomic"
	"syscall"
	"time"
)

// DefaultMaxPacket is what [Conn.ReadPacket] accepts unless told otherwise: the most that MariaDB's max_allowed_packet can be.
const DefaultMaxPacket = 1 << 30

// Conn frames packets over a net.Conn. One goroutine may read while another one writes, if [Conn.SetPipelined] was called; otherwise
// one at a time uses it. Deadlines and Close may be called by anyone.
type Conn struct {
	sock net.Conn        // the connection below all, never changed: Close may come at any time
	nc   net.Conn        // what the bytes go through: the socket, or TLS over it
	raw  syscall.RawConn // the socket, nil where it can't be waited on without a buffer
	sys  syscall.RawConn // the socket even below TLS
	z    *compressor     // nil without compression

	// The reader's.
	block    *block // holds block.b[r:w] to be read; nil while there is nothing
	r, w     int
	big      []byte // the last frame or packet that is too large for a block
	bigBlock *block // what big began in
	one      [1]byte
	tryRead  func(fd uintptr) bool // c.readSocket, kept so that it is not allocated for each read
	gotN     int                   // what tryRead got
	gotErr   error
	large    bool // the last read filled its block
	cont     bool // the next frame goes on with the packet of the last one
	rseq     uint8
	max      int
	rerr     error

	// The writer's.
	wblock *block
	wbuf   []byte // not yet written, in wblock or where append put it
	start  int    // where the packet begins that is being built
	wseq   uint8
	werr   error
	iov    [2][]byte
	iovs   net.Buffers

	stuck     atomic.Int64          // see Stuck
	out       []byte                // what tryWrite is to write
	outErr    error                 // why it could not
	tryWrite  func(fd uintptr) bool // c.writeSocket
	pipelined bool
	caps      Caps
	server    ServerInfo
	scramble  [scrambleSize]byte
}

// NewConn frames packets over nc.
func NewConn(nc net.Conn) *Conn {
	c := &Conn{sock: nc, nc: nc, max: DefaultMaxPacket}
	if sc, ok := nc.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			c.sys = raw
			if canReadRaw {
				c.raw = raw
			}
		}
	}
	c.tryRead, c.tryWrite = c.readSocket, c.writeSocket
	return c
}

// Caps returns the capabilities that both sides agreed on.
func (c *Conn) Caps() Caps { return c.caps }

// Assume sets the capabilities where there is no client to agree on them with: of a session that serves nobody.
func (c *Conn) Assume(caps Caps) { c.caps = caps }

// Server returns what the server said of itself; for the client side.
func (c *Conn) Server() ServerInfo { return c.server }

// TLS returns the state of TLS, nil where the connection is not encrypted.
func (c *Conn) TLS() *tls.ConnectionState {
	t, ok := c.nc.(*tls.Conn)
	if !ok {
		return nil
	}
	s := t.ConnectionState()
	return &s
}

// SetPipelined tells that requests are written without waiting for the answers of those before. Reading and writing
// then keep separate sequence numbers: each request begins with [Conn.ResetSeq], and answers are not checked for their order.
func (c *Conn) SetPipelined(on bool) { c.pipelined = on }

// SetMaxPacket limits the packets that [Conn.ReadPacket] joins and returns.
func (c *Conn) SetMaxPacket(n int) { c.max = n }

// ResetSeq begins a new command: the next frame, read or written, has sequence number 0. Of a pipelined Conn it is the writer's.
func (c *Conn) ResetSeq() {
	c.wseq = 0
	if !c.pipelined {
		c.rseq = 0
		c.cont = false
	}
	if c.z != nil {
		c.z.seq = 0
	}
}

// RemoteAddr returns the peer's address.
func (c *Conn) RemoteAddr() net.Addr { return c.sock.RemoteAddr() }

// LocalAddr returns our own address.
func (c *Conn) LocalAddr() net.Addr { return c.sock.LocalAddr() }

// SetDeadline sets when reads and writes fail. A read that timed out before the first byte of a frame can be repeated.
func (c *Conn) SetDeadline(t time.Time) error { return c.sock.SetDeadline(t) }

// SetReadDeadline sets when reads fail.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.sock.SetReadDeadline(t) }

// SetWriteDeadline sets when writes fail.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.sock.SetWriteDeadline(t) }

// Stuck is for how long the peer has taken nothing of what is being written; 0 when nothing is.
func (c *Conn) Stuck(now time.Time) time.Duration {
	since := c.stuck.Load()
	if since == 0 {
		return 0
	}
	return time.Duration(max(0, now.UnixNano()-since))
}

// sending is the socket for writers that don't come through Conn.Write.
type sending struct {
	net.Conn
	c *Conn
}

// Write writes b in pieces: each that the peer takes counts.
func (s *sending) Write(b []byte) (n int, err error) {
	defer s.c.stuck.Store(0)
	for {
		s.c.stuck.Store(time.Now().UnixNano())
		piece := b[n:min(n+stuckPiece, len(b))]
		m, err := s.Conn.Write(piece)
		if n += m; err != nil || n == len(b) {
			return n, err
		}
	}
}

// stuckPiece is how much a peer has to take to be seen taking something.
const stuckPiece = 64 << 10

// Close closes the connection at once, without flushing. It may be called while others read or write: these then fail.
func (c *Conn) Close() error {
	// Not TLS's Close: it waits for its alert to be written, to a peer that may not read any more.
	return c.sock.Close()
}

// ReleaseBuffers gives back what buffers hold nothing, for a Conn that nobody reads from or writes to for a while. Slices returned by
// reads are not valid after it. A Conn that waits in a read does this of itself.
func (c *Conn) ReleaseBuffers() {
	c.releaseBig()
	if c.r == c.w {
		c.dropBlock()
	}
	if len(c.wbuf) == 0 {
		c.dropWriteBlock()
	}
}
