package backend

import (
	"context"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/orbweaver/orbweaver/internal/wire"
)

// Remote is a server that is no leaf: one that linked tables lead to, with a login of its own. It is immutable: another address, account or password is another
// Remote with another ID, and so has other connections.
type Remote struct {
	ID   string // takes the place of a leaf's name: Want.Leaf and Conn.Leaf
	Name string // what errors call it
	// Network and Addr are what is dialled: "tcp" with host:port, or "unix" with a path.
	Network, Addr string
	User          string
	password      string
	// TLS makes the configuration for a connection, at each dial, as files may have changed; nil for none.
	TLS func() (*tls.Config, error)
	// Connect bounds a dial with its login; 0 is what the pools have for leaves.
	Connect time.Duration
	// Base is what connections must have set under the session's own state: what sessions here start with, and there perhaps not.
	Base *State
}

// WithPassword is the server with the password to log in with, which is not shown anywhere.
func (r Remote) WithPassword(password string) *Remote {
	r.password = password
	return &r
}

// String is the server's name.
func (r *Remote) String() string { return r.Name }

// GoString keeps the password out of prints.
func (r *Remote) GoString() string { return r.Name }

// remoteName is the name of the remote server that the pool's connections go to; "" for a leaf's.
func (l *leafPool) remoteName() string {
	if l.remote == nil {
		return ""
	}
	return l.remote.Name
}

// hopsKey is the user variable by which a node that is linked to knows how many nodes a statement has come through: nobody would see otherwise that it goes in
// circles.
const hopsKey = "@orbweaver_hops"

// Hops is how many nodes a session's statements have come through before this one.
func (s *State) Hops() int {
	text, _ := s.Get(hopsKey)
	_, n, _ := strings.Cut(text, "=")
	hops, err := strconv.Atoi(n)
	if err != nil || hops < 0 { // clients may set it, too
		return 0
	}
	return hops
}

// TimeZone is what the state sets time_zone to; "" when it does not.
func (s *State) TimeZone() string {
	text, _ := s.Get("time_zone")
	head, v, _ := strings.Cut(text, "'")
	v, _, _ = strings.Cut(v, "'")
	if !strings.HasSuffix(head, "x") {
		return v
	}
	plain, err := hex.DecodeString(v)
	if err != nil {
		return ""
	}
	return string(plain)
}

// State is what a connection for a session must have set: roles are the cluster's, and mean nothing there.
func (r *Remote) State(s *State) *State {
	items := []assignment{{hopsKey, "@`" + hopsKey[1:] + "`=" + strconv.Itoa(s.Hops()+1)}}
	items = append(items, patience)
	for _, a := range r.Base.list() {
		if _, own := s.Get(a.key); !own {
			items = append(items, a)
		}
	}
	for _, a := range s.list() {
		if a.key != RoleKey && a.key != hopsKey && a.key != patienceKey {
			items = append(items, a)
		}
	}
	return newState(items)
}

var errRemoteTimeout = errors.New("the server does not answer")

// remoteCaps are the flags of a connection to a remote server besides its Variant's. A server that asks for a file when it is not loading one gets nothing.
const remoteCaps = wire.ClientLocalFiles | wire.MariaDBStmtBulk

// connect dials the server and logs in.
func (r *Remote) connect(ctx context.Context, variant Variant) (*wire.Conn, error) {
	cfg := &wire.ClientConfig{User: r.User, Password: r.password, Caps: wire.Caps(variant) | remoteCaps}
	if r.TLS != nil {
		var err error
		if cfg.TLS, err = r.TLS(); err != nil {
			return nil, err
		}
	}
	nc, err := new(net.Dialer).DialContext(ctx, r.Network, r.Addr)
	if err != nil {
		return nil, err
	}
	return wire.Connect(ctx, nc, cfg)
}

// ErrLeaf: the server that a link leads to is a leaf, of this cluster or another. What is written there other than by its nodes is lost to replicas, or stops them.
var ErrLeaf = errors.New("the server is a leaf of an Orbweaver cluster; let the link lead to one of its nodes")

// erProcedureArgs: a procedure is there, may be called, and was called with too few arguments.
const erProcedureArgs = 1318

// noLeaf looks whether a server is a leaf, by a procedure that nodes install there and that every account may call: information_schema shows an account only what it
// has rights on. It is called with too few arguments, and so never runs. Other servers refuse the call (1370) or know no such procedure (1305), as nodes do.
func (c *Conn) noLeaf(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() { c.w.Close() })() // a KILL would have to wait for the same server
	_, err := c.Query(context.WithoutCancel(ctx), "CALL orbweaver.serve()")
	var refused *wire.ServerError
	switch {
	case err == nil:
		return ErrLeaf
	case !errors.As(err, &refused):
		return err
	case refused.Code == erProcedureArgs:
		return ErrLeaf
	case passing(refused.Code):
		return err
	}
	return nil
}

// passing says whether an error tells of the server's moment, and nothing of what was asked.
func passing(code uint16) bool {
	switch code {
	case 1037, 1038, 1041, 1053, 1205, 1206, 1213, 1317, 1927, 1969: // memory, shutdown, locks, KILL, a time limit
		return true
	}
	return false
}

// errRetired: a pool of a remote server that nobody had used for long was thrown away just now.
var errRetired = errors.New("the pool was retired")

// retire takes out pools of remote servers that have no connections any more; a server that has changed is never asked for under its old ID.
func (p *Pools) retire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, l := range p.leaves {
		if l.remote == nil {
			continue
		}
		l.mu.Lock()
		if l.open == 0 && len(l.waiters) == 0 && len(l.lines) == 0 {
			l.retired = true
			delete(p.leaves, id)
		}
		l.mu.Unlock()
	}
}
