package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// owner finds whose a connection is that a proxy has accepted, by the kernel's tables; "" when it is none of these, or has gone.
func owner(client net.Conn, who map[string]int) string {
	from, to := client.RemoteAddr().(*net.TCPAddr), client.LocalAddr().(*net.TCPAddr)
	inode, err := askSocket(from, to)
	if err != nil && !errors.Is(err, errNoSocket) { // a kernel without the service, or one that refuses it
		inode, err = findSocket(from.Port, to.Port)
	}
	if err != nil {
		return ""
	}
	for name, pid := range who {
		if pid == 0 {
			continue
		}
		fds := filepath.Join("/proc", strconv.Itoa(pid), "fd")
		list, err := os.ReadDir(fds)
		if err != nil {
			continue
		}
		for _, fd := range list {
			if to, err := os.Readlink(filepath.Join(fds, fd.Name())); err == nil && to == "socket:["+inode+"]" {
				return name
			}
		}
	}
	return ""
}

var (
	errNoSocket = errors.New("no such socket")
	errNoAnswer = errors.New("the kernel's answer is not understood")
)

// What sock_diag(7) says of messages, in the machine's order of bytes but for ports and addresses.
const (
	diagByFamily = 20 // SOCK_DIAG_BY_FAMILY
	diagRequest  = 56 // struct inet_diag_req_v2
	diagPorts    = 8  // where its struct inet_diag_sockid is; in an answer it is diagAnswered
	diagAnswered = 4
	diagInode    = 68 // where struct inet_diag_msg has it
)

// askSocket asks the kernel for the number of one socket, by both of its ends. The table in /proc has all of the machine's, those that were closed a minute ago, too: after
// other tests it takes longer to read than anything that a node does with a connection.
func askSocket(from, to *net.TCPAddr) (inode string, err error) {
	local, remote := from.IP.To4(), to.IP.To4()
	if local == nil || remote == nil {
		return "", errNoAnswer
	}
	fd, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, syscall.NETLINK_INET_DIAG)
	if err != nil {
		return "", err
	}
	defer syscall.Close(fd)
	q := make([]byte, syscall.SizeofNlMsghdr+diagRequest)
	binary.NativeEndian.PutUint32(q, uint32(len(q)))
	binary.NativeEndian.PutUint16(q[4:], diagByFamily)
	binary.NativeEndian.PutUint16(q[6:], syscall.NLM_F_REQUEST)
	r := q[syscall.SizeofNlMsghdr:]
	r[0], r[1] = syscall.AF_INET, syscall.IPPROTO_TCP
	binary.NativeEndian.PutUint32(r[4:], ^uint32(0)) // in any state
	id := r[diagPorts:]
	binary.BigEndian.PutUint16(id, uint16(from.Port))
	binary.BigEndian.PutUint16(id[2:], uint16(to.Port))
	copy(id[4:], local)
	copy(id[20:], remote)
	binary.NativeEndian.PutUint64(id[40:], ^uint64(0)) // no cookie
	if err := syscall.Sendto(fd, q, 0, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK}); err != nil {
		return "", err
	}
	answer := make([]byte, 4096)
	n, _, err := syscall.Recvfrom(fd, answer, 0)
	if err != nil {
		return "", err
	}
	messages, err := syscall.ParseNetlinkMessage(answer[:n])
	if err != nil || len(messages) == 0 {
		return "", errors.Join(errNoAnswer, err)
	}
	switch m := messages[0]; {
	case m.Header.Type == syscall.NLMSG_ERROR && len(m.Data) >= 4:
		if no := syscall.Errno(-int32(binary.NativeEndian.Uint32(m.Data))); no != syscall.ENOENT {
			return "", no
		}
		return "", errNoSocket
	case m.Header.Type == diagByFamily && len(m.Data) >= diagInode+4:
		if binary.BigEndian.Uint16(m.Data[diagAnswered+2:]) != uint16(to.Port) { // one that listens there, for want of another
			return "", errNoSocket
		}
		return strconv.FormatUint(uint64(binary.NativeEndian.Uint32(m.Data[diagInode:])), 10), nil
	}
	return "", errNoAnswer
}

// findSocket finds the number in the table of all of the machine's sockets.
func findSocket(from, to int) (inode string, err error) {
	text, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		return "", err
	}
	local, remote := fmt.Sprintf(":%04X", from), fmt.Sprintf(":%04X", to)
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) > 9 && strings.HasSuffix(f[1], local) && strings.HasSuffix(f[2], remote) {
			return f[9], nil
		}
	}
	return "", errNoSocket
}
