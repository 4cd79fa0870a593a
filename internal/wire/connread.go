package wire

import (
	"errors"
	"fmt"
	"io"
	"slices"
)

// Frame is one frame with its header.
type Frame []byte

// Payload returns what follows the header.
func (f Frame) Payload() []byte { return f[HeaderSize:] }

// Seq returns the sequence number.
func (f Frame) Seq() uint8 { return f[3] }

// Last reports whether the packet ends with this frame.
func (f Frame) Last() bool { return len(f) < HeaderSize+MaxPayload }

// ReadFrame reads one frame, valid until the next read. cont tells that it goes on with the packet that the frame before began, so
// that its first byte does not say what it is.
func (c *Conn) ReadFrame() (f Frame, cont bool, err error) {
	n, cont, err := c.readHeader()
	if err != nil {
		return nil, false, err
	}
	total := n + HeaderSize
	if total <= largeBlock {
		if err := c.fill(total); err != nil {
			return nil, false, c.breakRead(err)
		}
		f = Frame(c.block.b[c.r : c.r+total : c.r+total])
		c.r += total
	} else {
		if err := c.readBig(total); err != nil {
			return nil, false, err
		}
		f = Frame(c.big)
	}
	return f, cont, c.took(f[3], n)
}

// ReadPacket reads one packet, joined where it has several frames, and returns its payload, valid until the next read. A packet
// above the maximum is thrown away and reported as a [*PacketTooLargeError]; the Conn can be read on.
func (c *Conn) ReadPacket() ([]byte, error) {
	n, _, err := c.readHeader()
	if err != nil {
		return nil, err
	}
	if n+HeaderSize <= largeBlock && n <= c.max {
		if err := c.fill(n + HeaderSize); err != nil {
			return nil, c.breakRead(err)
		}
		p := c.block.b[c.r : c.r+n+HeaderSize : c.r+n+HeaderSize]
		c.r += len(p)
		return p[HeaderSize:], c.took(p[3], n)
	}
	// Frames of 16 MiB, or one large frame.
	for size := int64(0); ; {
		seq := c.block.b[c.r+3]
		c.r += HeaderSize
		if size += int64(n); size <= int64(c.max) {
			err = c.readBig(n)
		} else {
			c.releaseBig()
			err = c.discard(n)
		}
		if err == nil {
			err = c.took(seq, n)
		}
		if err != nil {
			return nil, err
		}
		if n < MaxPayload {
			if size > int64(c.max) {
				return nil, &PacketTooLargeError{Size: size, Max: c.max}
			}
			return c.big, nil
		}
		if err := c.fill(HeaderSize); err != nil {
			return nil, c.breakRead(err)
		}
		n = frameSize(c.block.b[c.r:])
	}
}

// ReadCommand begins a new command and reads its packet, which has at least one byte; for the server side.
func (c *Conn) ReadCommand() (Command, []byte, error) {
	c.ResetSeq()
	p, err := c.ReadPacket()
	if err != nil {
		return 0, nil, err
	}
	if len(p) == 0 {
		return 0, nil, ErrMalformed
	}
	return Command(p[0]), p, nil
}

// Buffered reports whether another whole frame has been read already, so that the next read does not wait.
func (c *Conn) Buffered() bool {
	n := c.w - c.r
	return n >= HeaderSize && n >= HeaderSize+frameSize(c.block.b[c.r:])
}

func frameSize(h []byte) int { return int(h[0]) | int(h[1])<<8 | int(h[2])<<16 }

// readHeader waits for a frame's header and leaves it in the buffer.
func (c *Conn) readHeader() (n int, cont bool, err error) {
	if !c.cont {
		c.releaseBig()
	} else {
		c.big = c.big[:0]
	}
	if err := c.fill(HeaderSize); err != nil {
		return 0, false, err
	}
	return frameSize(c.block.b[c.r:]), c.cont, nil
}

// took accounts for a frame that was read.
func (c *Conn) took(seq uint8, n int) error {
	c.cont = n == MaxPayload
	if c.pipelined {
		return nil
	}
	if c.z != nil {
		// Only the compressed packets' numbers count; those of the frames inside follow them at each turn, as with MariaDB.
		c.rseq, c.wseq = c.z.seq, c.z.seq
		return nil
	}
	if seq != c.rseq {
		return c.breakRead(fmt.Errorf("%w: got %d, want %d", ErrSequence, seq, c.rseq))
	}
	c.rseq = seq + 1
	c.wseq = c.rseq
	return nil
}

// breakRead makes a read error final, since the stream lost its framing.
func (c *Conn) breakRead(err error) error {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if c.rerr == nil {
		c.rerr = fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return err
}

// fill reads until n bytes are in the buffer; n is at most largeBlock.
func (c *Conn) fill(n int) error {
	for c.w-c.r < n {
		if c.rerr != nil {
			return c.rerr
		}
		if c.r == c.w {
			c.r, c.w = 0, 0
			if err := c.readFirst(); err != nil {
				return err
			}
			continue
		}
		if size := len(c.block.b); c.large && size < largeBlock {
			c.makeRoom(largeBlock)
		} else if size-c.r < n || c.r > 0 && size-c.w < size/2 {
			c.makeRoom(n) // a read into what little is left would be a system call for little
		}
		room := c.block.b[c.w:]
		got, err := c.source().Read(room)
		c.large = got == len(room)
		c.w += got
		if err != nil && c.w-c.r < n {
			if err == io.EOF && c.w > c.r {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}

// makeRoom moves what is buffered so that n bytes fit.
func (c *Conn) makeRoom(n int) {
	if n <= len(c.block.b) {
		c.w = copy(c.block.b, c.block.b[c.r:c.w])
		c.r = 0
		return
	}
	b := takeBlock(n)
	c.w = copy(b.b, c.block.b[c.r:c.w])
	c.r = 0
	giveBlock(c.block)
	c.block = b
}

// readFirst waits for the first bytes, without holding a buffer while it waits.
func (c *Conn) readFirst() error {
	if c.raw != nil && c.z == nil {
		if c.large && c.block != nil && len(c.block.b) < largeBlock {
			c.dropBlock()
		}
		c.gotN, c.gotErr = 0, nil
		err := c.raw.Read(c.tryRead)
		switch {
		case err != nil:
			return err
		case c.gotErr != nil:
			c.dropBlock()
			return c.gotErr
		case c.gotN == 0:
			c.dropBlock()
			return io.EOF
		}
		c.large = c.large || c.gotN == len(c.block.b)
		c.w = c.gotN
		return nil
	}
	// TLS and compression hand out one byte, and keep the rest of what they decoded for the read that follows.
	c.dropBlock()
	n, err := c.source().Read(c.one[:])
	if n == 0 {
		if err == nil {
			err = io.ErrNoProgress
		}
		return err
	}
	c.block = takeBlock(smallBlock)
	c.block.b[0] = c.one[0]
	c.w = 1
	return nil
}

func (c *Conn) source() io.Reader {
	if c.z != nil {
		return c.z
	}
	return c.nc
}

// readBig appends n bytes to big. The memory grows as the bytes come, not as the header claims.
func (c *Conn) readBig(n int) error {
	if c.big == nil {
		c.bigBlock = takeBlock(hugeBlock)
		c.big = c.bigBlock.b[:0]
	}
	got := min(n, c.w-c.r)
	c.big = append(c.big, c.block.b[c.r:c.r+got]...)
	c.r += got
	for n -= got; n > 0; {
		if len(c.big) == cap(c.big) {
			c.big = slices.Grow(c.big, min(n, len(c.big)))
		}
		room := c.big[len(c.big):min(cap(c.big), len(c.big)+n)]
		got, err := c.source().Read(room)
		c.big = c.big[:len(c.big)+got]
		if n -= got; err != nil && n > 0 {
			return c.breakRead(err)
		}
	}
	return nil
}

// discard throws n bytes away.
func (c *Conn) discard(n int) error {
	for {
		got := min(n, c.w-c.r)
		c.r += got
		if n -= got; n == 0 {
			return nil
		}
		// Not just one byte, which is all that TLS and compression give for that.
		if err := c.fill(min(n, smallBlock)); err != nil {
			return c.breakRead(err)
		}
	}
}

func (c *Conn) releaseBig() {
	if c.big == nil {
		return
	}
	c.big = nil
	if c.bigBlock != nil {
		giveBlock(c.bigBlock)
		c.bigBlock = nil
	}
}

func (c *Conn) dropBlock() {
	if c.block != nil {
		giveBlock(c.block)
		c.block = nil
	}
}

// ReadErr is why nothing can be read any more; nil where a read that failed, by its deadline, can be repeated. The reader asks for it.
func (c *Conn) ReadErr() error { return c.rerr }

// ErrUnexpectedData is returned by [Conn.CheckIdle] when the peer said something that nobody waits for.
var ErrUnexpectedData = errors.New("unexpected data on an idle connection")

// CheckIdle reports, without waiting, whether an idle connection is still good: the peer neither closed it nor sent anything. Where the
// system can't tell it returns nil.
func (c *Conn) CheckIdle() error {
	if c.rerr != nil {
		return c.rerr
	}
	if c.werr != nil {
		return c.werr
	}
	if c.r != c.w {
		return ErrUnexpectedData
	}
	if c.sys == nil {
		return nil
	}
	return peekSocket(c.sys)
}
