//go:build unix

package wire

import (
	"io"
	"os"
	"syscall"
	"time"
)

const canReadRaw = true

// readSocket reads from the socket into a block. Before there is something to read it gives the block back and asks to be called again:
// so a waiting connection holds none. The runtime's own read does as many system calls.
func (c *Conn) readSocket(fd uintptr) bool {
	if c.block == nil {
		n := smallBlock
		if c.large {
			n = largeBlock
		}
		c.block = takeBlock(n)
	}
	for {
		c.gotN, c.gotErr = readNow(fd, c.block.b)
		switch c.gotErr {
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
			c.dropBlock()
			c.large = false
			return false
		}
		return true
	}
}

// writeSocket writes what is left of c.out, and asks to be called again when the socket takes no more.
func (c *Conn) writeSocket(fd uintptr) bool {
	taken := c.stuck.Load() == 0
	for len(c.out) > 0 {
		n, err := writeNow(fd, c.out)
		switch err {
		case nil:
			c.out = c.out[n:]
			taken = true
		case syscall.EINTR:
		case syscall.EAGAIN:
			if taken {
				c.stuck.Store(time.Now().UnixNano())
			}
			return false
		default:
			c.outErr = os.NewSyscallError("write", err)
			return true
		}
	}
	return true
}

// peekSocket looks whether the socket has something to read.
func peekSocket(raw syscall.RawConn) error {
	var err error
	if e := raw.Control(func(fd uintptr) {
		var b [1]byte
		n, _, e := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		switch {
		case e == syscall.EAGAIN || e == syscall.EINTR:
		case e != nil:
			err = e
		case n == 0:
			err = io.EOF
		default:
			err = ErrUnexpectedData
		}
	}); e != nil {
		return e
	}
	return err
}
