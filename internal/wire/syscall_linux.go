package wire

import (
	"syscall"
	"unsafe"
)

// The sockets never block, so that the scheduler need not hear of their system calls. It would take the processor away from a goroutine whose write
// lasts for 20 µs, as those to a waiting peer on the same machine do, and wake another thread for it.

func readNow(fd uintptr, b []byte) (int, error) { return transfer(syscall.SYS_READ, fd, b) }

func writeNow(fd uintptr, b []byte) (int, error) { return transfer(syscall.SYS_WRITE, fd, b) }

// transfer is for b of at least a byte.
func transfer(call, fd uintptr, b []byte) (int, error) {
	n, _, e := syscall.RawSyscall(call, fd, uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
	if e != 0 {
		return 0, e
	}
	return int(n), nil
}
