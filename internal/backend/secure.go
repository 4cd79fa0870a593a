package backend

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/orbweaver/orbweaver/internal/wire"
)

// Apart makes pools of their own to the same leaves, with the same login and TLS. c says the rest.
func (p *Pools) Apart(c Config) *Pools {
	c.Addr, c.Password, c.TLS, c.TLSWhereRequired = p.cfg.Addr, p.cfg.Password, p.cfg.TLS, p.cfg.TLSWhereRequired
	return New(c)
}

// TLS is what connections to a server at an address, host:port, must use; nil where none need TLS.
func (p *Pools) TLS(addr string) *tls.Config {
	if p.cfg.TLSWhereRequired {
		return nil
	}
	return p.cfg.tlsTo(addr)
}

func (c *Config) tlsTo(addr string) *tls.Config {
	if c.TLS == nil || c.TLS.ServerName != "" {
		return c.TLS
	}
	named := c.TLS.Clone()
	named.ServerName, _, _ = net.SplitHostPort(addr) // an address that is none has not been dialled
	return named
}

// connect dials a leaf and logs in. Where TLS is only for accounts that require it, the leaf tells which do: it refuses them without, and is asked once
// for each account.
func (l *leafPool) connect(ctx context.Context, account Account, addr string, cfg *wire.ClientConfig) (*wire.Conn, error) {
	conf := &l.pools.cfg
	account.ClientIP = netip.Addr{} // of whatever client
	_, required := l.secure.Load(account)
	if cfg.TLS = nil; !conf.TLSWhereRequired || required {
		cfg.TLS = conf.tlsTo(addr)
	}
	c, err := l.connectOnce(ctx, addr, cfg)
	var refused *wire.ServerError
	if !conf.TLSWhereRequired || required || conf.TLS == nil || account == Cluster || !errors.As(err, &refused) || refused.Code != wire.ErAccessDenied {
		return c, err
	}
	cfg.TLS = conf.tlsTo(addr)
	if c, err = l.connectOnce(ctx, addr, cfg); err == nil {
		l.secure.Store(account, true)
		return c, nil
	}
	if !errors.As(err, new(*wire.ServerError)) {
		return nil, fmt.Errorf("%w; over TLS: %v", refused, err) // it is not down: it has answered
	}
	return nil, err
}

func (l *leafPool) connectOnce(ctx context.Context, addr string, cfg *wire.ClientConfig) (*wire.Conn, error) {
	if cfg.TLS == nil {
		l.findSocket(ctx, addr)
	}
	if path := l.local.socket(addr); path != "" && cfg.TLS == nil {
		nc, err := new(net.Dialer).DialContext(ctx, "unix", path)
		if err == nil {
			w, err := wire.Connect(ctx, nc, cfg)
			if err != nil && !errors.As(err, new(*wire.ServerError)) {
				l.local.forget()
			}
			return w, err
		}
		l.local.forget()
	}
	nc, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	if tcp, ok := nc.(*net.TCPConn); ok {
		// Best effort: a leaf whose machine is gone is found by the probes and by deadlines.
		_ = tcp.SetNoDelay(true)
	}
	return wire.Connect(ctx, nc, cfg)
}
