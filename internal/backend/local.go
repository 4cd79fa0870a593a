package backend

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"sync"

	"github.com/orbweaver/orbweaver/internal/wire"
)

// local knows the Unix socket of a leaf that runs on this machine: a statement by it costs two thirds of the system's time that it costs by TCP.
type local struct {
	mu   sync.Mutex
	addr string // for which the rest was found out
	path string // "" when there is none to be used
	busy bool   // somebody is finding out
}

// socket is the path for an address, "" for none.
func (s *local) socket(addr string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.addr != addr {
		return ""
	}
	return s.path
}

// forget has it found out anew: the server may be another one.
func (s *local) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addr, s.path = "", ""
}

// begin says whether the caller is to find out.
func (s *local) begin(addr string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy || s.addr == addr {
		return false
	}
	s.busy = true
	return true
}

func (s *local) end(addr, path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy, s.addr, s.path = false, addr, path
}

// findSocket looks, once for an address, whether its server has a socket on this machine. What is at the path that the server names may be another one's, if it
// runs in a container: a lock that is taken by TCP tells. Whoever comes meanwhile does without.
func (l *leafPool) findSocket(ctx context.Context, addr string) {
	if !here(addr) || !l.local.begin(addr) {
		return
	}
	path := ""
	defer func() { l.local.end(addr, path) }()
	_, port, _ := net.SplitHostPort(addr)
	c, err := l.visit(ctx, "tcp", addr)
	if err != nil {
		return
	}
	defer c.w.Close()
	name := "orbweaver-" + rand.Text()
	res, err := c.Query(ctx, "SELECT @@port, @@socket, GET_LOCK('"+name+"', 0)")
	if err != nil || len(res.Rows) != 1 || string(res.Rows[0][0]) != port || !filepath.IsAbs(string(res.Rows[0][1])) {
		return
	}
	other, err := l.visit(ctx, "unix", string(res.Rows[0][1]))
	if err != nil {
		return
	}
	defer other.w.Close()
	holder, err := other.Query(ctx, "SELECT IS_USED_LOCK('"+name+"')")
	if err == nil && len(holder.Rows) == 1 && string(holder.Rows[0][0]) == fmt.Sprint(c.thread) {
		path = string(res.Rows[0][1])
	}
}

// visit logs in for a look, with a PROXY header as clients' connections have.
func (l *leafPool) visit(ctx context.Context, network, addr string) (*Conn, error) {
	nc, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	w, err := wire.Connect(ctx, nc, &wire.ClientConfig{
		User: clusterUser, Ed25519Key: []byte(l.pools.cfg.Password), Caps: wire.Caps(Internal) | fixedCaps,
		ProxySource: netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 1),
	})
	if err != nil {
		return nil, err
	}
	return &Conn{pool: l, w: w, variant: Internal, thread: uint64(w.Server().ConnID), stmts: newStmtCache(1)}, nil
}

// here says whether an address is one of this machine's.
func here(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	if ip.IsLoopback() {
		return true
	}
	own, err := net.InterfaceAddrs()
	return err == nil && slices.ContainsFunc(own, func(a net.Addr) bool {
		n, ok := a.(*net.IPNet)
		return ok && n.IP.Equal(net.IP(ip.AsSlice()))
	})
}
