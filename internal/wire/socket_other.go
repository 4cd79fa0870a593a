//go:build !unix

package wire

import "syscall"

const canReadRaw = false

func (c *Conn) readSocket(uintptr) bool { return true }

func (c *Conn) writeSocket(uintptr) bool { return true }

func peekSocket(syscall.RawConn) error { return nil }
