package wire

import "time"

// flushAt is how much is gathered before it is written without being told.
const flushAt = 64 << 10

// direct is from which size on a payload is written from where it is, instead of being copied to the buffer.
const direct = 32 << 10

// StartPacket begins a packet in the write buffer: append the payload to what it returns, and give that to [Conn.FinishPacket]. Nothing
// else may be written in between.
func (c *Conn) StartPacket() []byte {
	c.reserve(HeaderSize + 4<<10)
	c.start = len(c.wbuf)
	return append(c.wbuf, 0, 0, 0, 0)
}

// StartCommand is [Conn.ResetSeq] and [Conn.StartPacket]; for the client side.
func (c *Conn) StartCommand() []byte {
	c.ResetSeq()
	return c.StartPacket()
}

// FinishPacket ends the packet that StartPacket began. Where it makes the buffer exceed some 64 KiB, that is written.
func (c *Conn) FinishPacket(b []byte) error {
	if c.werr != nil {
		return c.werr
	}
	n := len(b) - c.start - HeaderSize
	if n < MaxPayload {
		c.stamp(b[c.start:], n)
		c.wbuf = b
		return c.flushFull()
	}
	c.wbuf = b[:c.start]
	payload := b[c.start+HeaderSize:]
	if err := c.flush(); err != nil {
		return err
	}
	c.wbuf = nil // b's memory still holds the payload
	return c.AppendPacket(payload)
}

// AppendPacket writes a packet to the buffer, in several frames where it is large. A large payload is not copied but written
// at once, after all that was buffered.
func (c *Conn) AppendPacket(payload []byte) error {
	for {
		n := min(len(payload), MaxPayload)
		if err := c.appendFrame(payload[:n]); err != nil {
			return err
		}
		payload = payload[n:]
		if n < MaxPayload {
			return nil
		}
	}
}

// AppendFrame writes a frame that another Conn read to the buffer, with a sequence number of this Conn.
func (c *Conn) AppendFrame(f Frame) error { return c.appendFrame(f[HeaderSize:]) }

func (c *Conn) appendFrame(payload []byte) error {
	if c.werr != nil {
		return c.werr
	}
	n := len(payload)
	if n < direct {
		c.reserve(HeaderSize + n)
		at := len(c.wbuf)
		c.wbuf = append(c.wbuf, 0, 0, 0, 0)
		c.stamp(c.wbuf[at:], n)
		c.wbuf = append(c.wbuf, payload...)
		return c.flushFull()
	}
	c.reserve(HeaderSize)
	at := len(c.wbuf)
	c.wbuf = append(c.wbuf, 0, 0, 0, 0)
	c.stamp(c.wbuf[at:], n)
	if c.z != nil {
		if err := c.flush(); err != nil {
			return err
		}
		c.werr = c.z.write(payload)
		return c.werr
	}
	first := min(n, stuckPiece)
	c.stuck.Store(time.Now().UnixNano())
	c.iov[0], c.iov[1] = c.wbuf, payload[:first]
	c.iovs = c.iov[:]
	_, c.werr = c.iovs.WriteTo(c.nc)
	c.iov = [2][]byte{}
	c.wbuf = c.wbuf[:0]
	c.stuck.Store(0)
	if c.werr == nil && first < n {
		c.werr = c.Write(payload[first:])
	}
	return c.werr
}

// stamp writes a header for a payload of n bytes.
func (c *Conn) stamp(h []byte, n int) {
	h[0], h[1], h[2], h[3] = byte(n), byte(n>>8), byte(n>>16), c.wseq
	c.wseq++
	if !c.pipelined {
		c.rseq = c.wseq
	}
}

// Pending reports whether something waits to be flushed.
func (c *Conn) Pending() bool { return len(c.wbuf) > 0 }

// Flush writes what is buffered. An error of an earlier write comes back again.
func (c *Conn) Flush() error {
	err := c.flush()
	c.dropWriteBlock()
	if c.z != nil {
		c.rseq, c.wseq = c.z.seq, c.z.seq
	}
	return err
}

func (c *Conn) flushFull() error {
	if len(c.wbuf) < flushAt {
		return nil
	}
	return c.flush()
}

func (c *Conn) flush() error {
	if c.werr != nil || len(c.wbuf) == 0 {
		return c.werr
	}
	if c.z != nil {
		c.werr = c.z.write(c.wbuf)
	} else {
		c.werr = c.Write(c.wbuf)
	}
	c.wbuf = c.wbuf[:0]
	return c.werr
}

// Write writes bytes that are frames already, past the buffer and compression.
func (c *Conn) Write(b []byte) error {
	if c.raw == nil || len(b) == 0 {
		_, err := c.watched().Write(b)
		return err
	}
	c.out, c.outErr = b, nil
	err := c.raw.Write(c.tryWrite)
	c.out = nil
	if c.stuck.Load() != 0 {
		c.stuck.Store(0)
	}
	if err == nil {
		err = c.outErr
	}
	return err
}

// reserve makes room for n bytes, in a block where one is large enough.
func (c *Conn) reserve(n int) {
	n += len(c.wbuf)
	if n <= cap(c.wbuf) || n > largeBlock {
		return // append takes care of the rest
	}
	b := takeBlock(n)
	old := c.wblock
	c.wbuf = append(b.b[:0], c.wbuf...)
	c.wblock = b
	if old != nil {
		giveBlock(old)
	}
}

func (c *Conn) dropWriteBlock() {
	if c.wblock != nil {
		giveBlock(c.wblock)
		c.wblock = nil
	}
	c.wbuf = nil
}
