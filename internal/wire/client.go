package wire

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
)

// ClientConfig says how to log in at a server.
type ClientConfig struct {
	User     string
	Password string
	// Ed25519Key, where set, is a secret for the ed25519 plugin, used instead of Password and never sent or used by another
	// plugin. The account stores Ed25519Public of it.
	Ed25519Key []byte
	Database   string
	// Caps are wished for; the server may lack some. What a login needs is added.
	Caps      Caps
	Collation uint16 // zero means utf8mb4_general_ci
	MaxPacket uint32 // zero means 1 GiB
	Attrs     map[string]string
	TLS       *tls.Config // nil means none
	// ProxySource, where valid, is the client's address that a PROXY protocol header tells the server.
	ProxySource netip.AddrPort
}

// ServerInfo is what a server said of itself.
type ServerInfo struct {
	Version   string
	ConnID    uint32
	Caps      Caps // all that it offered
	Collation uint16
	Status    Status // after the login
}

// Connect logs in over nc, which it closes if that fails. An error that the server answered is a [*ServerError]. Deadlines are
// reset when ctx ends the call or when it returns.
func Connect(ctx context.Context, nc net.Conn, cfg *ClientConfig) (conn *Conn, err error) {
	c := NewConn(nc)
	defer func() {
		if err != nil {
			c.Close()
			conn = nil
		}
	}()
	defer c.during(ctx)(&err)
	if cfg.ProxySource.IsValid() {
		if _, err := nc.Write(proxyHeader(cfg.ProxySource, nc.RemoteAddr())); err != nil {
			// A server without room says so and hangs up, which a Unix socket tells at once.
			if p, e := c.ReadPacket(); e == nil && IsError(p) {
				return nil, asError(p)
			}
			return nil, err
		}
	}
	c.SetMaxPacket(maxLoginPacket)
	p, err := c.ReadPacket()
	if err != nil {
		return nil, err
	}
	if IsError(p) {
		return nil, asError(p)
	}
	g, err := parseGreeting(p)
	if err != nil {
		return nil, err
	}
	if g.caps&ClientProtocol41 == 0 || len(g.scramble) < scrambleSize {
		return nil, ErrBadHandshake
	}
	c.server = ServerInfo{g.version, g.connID, g.caps, uint16(g.coll), g.status}
	l, err := cfg.login(g)
	if err != nil {
		return nil, err
	}
	c.caps = l.Caps
	if cfg.TLS != nil {
		if err := c.send(appendLogin(c.StartPacket(), l, true)); err != nil {
			return nil, err
		}
		if err := c.startTLS(ctx, tls.Client(c.withBuffered(), cfg.TLS)); err != nil {
			return nil, err
		}
	}
	a := authenticator{cfg: cfg, plugin: l.Plugin, scramble: g.scramble}
	if l.reply, err = a.reply(); err != nil {
		return nil, err
	}
	if err := c.send(appendLogin(c.StartPacket(), l, false)); err != nil {
		return nil, err
	}
	if err := c.authenticate(&a); err != nil {
		return nil, err
	}
	c.SetMaxPacket(DefaultMaxPacket)
	if c.caps&ClientCompress != 0 {
		c.startCompression()
	}
	return c, nil
}

// login chooses the capabilities.
func (cfg *ClientConfig) login(g *greeting) (*Login, error) {
	caps := cfg.Caps | ClientProtocol41 | ClientSecureConnection | ClientLongFlag | ClientTransactions |
		ClientPluginAuth | ClientPluginAuthLenenc
	caps &^= ClientSSL | ClientMySQL | ClientConnectWithDB | ClientConnectAttrs
	if cfg.Database != "" {
		caps |= ClientConnectWithDB
	}
	if len(cfg.Attrs) > 0 {
		caps |= ClientConnectAttrs
	}
	if cfg.TLS != nil {
		if g.caps&ClientSSL == 0 {
			return nil, ErrNoTLS
		}
		caps |= ClientSSL
	}
	caps &= g.caps
	if g.caps&ClientMySQL != 0 {
		caps = caps&0xffffffff | ClientMySQL
	}
	l := &Login{
		User: cfg.User, Database: cfg.Database, Caps: caps, Collation: cfg.Collation, MaxPacket: cfg.MaxPacket,
		Attrs: cfg.Attrs, Plugin: g.plugin,
	}
	if l.Collation == 0 {
		l.Collation = CollationUTF8MB4
	}
	if l.Collation > 255 {
		return nil, fmt.Errorf("collation %d can't be asked for in a handshake", l.Collation)
	}
	if l.MaxPacket == 0 {
		l.MaxPacket = DefaultMaxPacket
	}
	if l.Plugin != PluginCachingSHA2 || cfg.Ed25519Key != nil {
		// ed25519 has no answer to a greeting, whose scramble is too short. Without an answer here a server that tries
		// mysql_native_password first goes on to ed25519 at once.
		l.Plugin = PluginNative
	}
	return l, nil
}

// authenticator answers a server's questions.
type authenticator struct {
	cfg      *ClientConfig
	plugin   string
	scramble []byte
}

func (a *authenticator) reply() ([]byte, error) {
	switch a.plugin {
	case PluginNative:
		if a.cfg.Ed25519Key != nil {
			return nil, nil
		}
		return nativeReply(a.scramble[:min(scrambleSize, len(a.scramble))], a.cfg.Password), nil
	case PluginEd25519:
		secret := a.cfg.Ed25519Key
		if secret == nil {
			secret = []byte(a.cfg.Password)
		}
		return ed25519Sign(secret, a.scramble), nil
	case PluginCachingSHA2:
		if a.cfg.Ed25519Key != nil {
			return nil, nil
		}
		return sha2Reply(a.scramble[:min(scrambleSize, len(a.scramble))], a.cfg.Password), nil
	}
	return nil, fmt.Errorf("%w: %q", ErrAuthPlugin, a.plugin)
}

// authenticate talks until the server says OK.
func (c *Conn) authenticate(a *authenticator) error {
	// A server that keeps asking must not keep us here for ever.
	for range 16 {
		p, err := c.ReadPacket()
		if err != nil {
			return err
		}
		switch {
		case IsOK(p):
			var ok OK
			if err := ParseOK(p, c.caps, &ok); err != nil {
				return err
			}
			c.server.Status = ok.Status
			return nil
		case IsError(p):
			return asError(p)
		case len(p) > 0 && p[0] == headerEOF:
			var reply []byte
			if a.plugin, a.scramble, err = parseAuthSwitch(p); err != nil {
				return err
			}
			if reply, err = a.switched(); err != nil {
				return err
			}
			if err := c.send(append(c.StartPacket(), reply...)); err != nil {
				return err
			}
		case len(p) > 1 && p[0] == 1 && a.plugin == PluginCachingSHA2:
			if err := c.more(a, p[1:]); err != nil {
				return err
			}
		default:
			return fmt.Errorf("authentication: %w", ErrMalformed)
		}
	}
	return fmt.Errorf("authentication does not end: %w", ErrMalformed)
}

// switched answers an auth switch request.
func (a *authenticator) switched() ([]byte, error) {
	if a.plugin != PluginEd25519 {
		// These end their scramble with a NUL.
		if n := len(a.scramble); n > 0 && a.scramble[n-1] == 0 {
			a.scramble = a.scramble[:n-1]
		}
		if len(a.scramble) < scrambleSize {
			return nil, fmt.Errorf("auth switch: %w", ErrMalformed)
		}
	}
	return a.reply()
}

// What caching_sha2_password says after the first answer.
const (
	sha2RequestKey = 2
	sha2FastOK     = 3
	sha2Full       = 4
)

// more goes on with caching_sha2_password: the server has not seen this password lately and wants it, encrypted.
func (c *Conn) more(a *authenticator, data []byte) error {
	switch {
	case len(data) == 1 && data[0] == sha2FastOK:
		return nil
	case len(data) != 1 || data[0] != sha2Full || a.cfg.Ed25519Key != nil:
		return fmt.Errorf("caching_sha2_password: %w", ErrMalformed)
	}
	if _, unix := c.nc.RemoteAddr().(*net.UnixAddr); unix || c.TLS() != nil {
		return c.send(append(append(c.StartPacket(), a.cfg.Password...), 0))
	}
	if err := c.send(append(c.StartPacket(), sha2RequestKey)); err != nil {
		return err
	}
	p, err := c.ReadPacket()
	if err != nil {
		return err
	}
	if IsError(p) {
		return asError(p)
	}
	if len(p) == 0 || p[0] != 1 {
		return fmt.Errorf("caching_sha2_password: %w", ErrMalformed)
	}
	secret, err := sha2Encrypt(a.scramble[:scrambleSize], a.cfg.Password, p[1:])
	if err != nil {
		return err
	}
	return c.send(append(c.StartPacket(), secret...))
}

// send ends the packet that StartPacket began and flushes it.
func (c *Conn) send(b []byte) error {
	if err := c.FinishPacket(b); err != nil {
		return err
	}
	return c.Flush()
}

// asError returns an error packet as an error, or why it is none.
func asError(p []byte) error {
	e, err := ParseError(p)
	if err != nil {
		return err
	}
	return e
}

// proxyHeader is the PROXY protocol's header, version 1.
func proxyHeader(src netip.AddrPort, to net.Addr) []byte {
	dst := netip.AddrPortFrom(netip.IPv6Loopback(), 3306)
	if t, ok := to.(*net.TCPAddr); ok {
		dst = t.AddrPort()
	}
	s, d := src.Addr().Unmap().WithZone(""), dst.Addr().Unmap().WithZone("")
	family := "TCP4"
	if s.Is6() || d.Is6() {
		// Both must be of one family. A client's IPv4 address is told as such: accounts are matched by it.
		if s.Is4() {
			d = netip.AddrFrom4([4]byte{127, 0, 0, 1})
		} else {
			family = "TCP6"
			if d.Is4() {
				d = netip.IPv6Loopback()
			}
		}
	}
	return fmt.Appendf(nil, "PROXY %s %s %s %d %d\r\n", family, s, d, src.Port(), dst.Port())
}
