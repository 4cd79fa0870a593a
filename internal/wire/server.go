package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"
)

// Greeting is what the server side says of itself.
type Greeting struct {
	Version   string
	ConnID    uint32
	Caps      Caps // zero means ServerCaps; without ClientSSL, which TLS adds
	TLS       *tls.Config
	Collation uint16 // zero means utf8mb4_general_ci; one above 255 can't be told
	Status    Status // zero means autocommit
}

// Greet greets a client and reads how it wants to log in, over TLS where it asks for that. Afterwards the caller looks the account up,
// calls [Conn.Verify], and ends with [Conn.Accept] or [Conn.Refuse]. Deadlines are reset when ctx ends the call or when it returns.
func (c *Conn) Greet(ctx context.Context, g *Greeting) (l *Login, err error) {
	defer c.during(ctx)(&err)
	caps := g.Caps
	if caps == 0 {
		caps = ServerCaps
	}
	caps |= ClientProtocol41 | ClientSecureConnection
	if g.TLS != nil {
		caps |= ClientSSL
	}
	nonce(c.scramble[:])
	hello := greeting{
		version: g.Version, connID: g.ConnID, scramble: c.scramble[:], caps: caps,
		coll: uint8(CollationUTF8MB4), status: StatusAutocommit, plugin: PluginNative,
	}
	if g.Collation != 0 && g.Collation < 256 {
		hello.coll = uint8(g.Collation)
	}
	if g.Status != 0 {
		hello.status = g.Status
	}
	c.ResetSeq()
	if err := c.FinishPacket(hello.append(c.StartPacket())); err != nil {
		return nil, err
	}
	if err := c.Flush(); err != nil {
		return nil, err
	}
	limit := c.max
	c.SetMaxPacket(maxLoginPacket)
	defer c.SetMaxPacket(limit)
	p, err := c.ReadPacket()
	if err != nil {
		return nil, err
	}
	l, wantTLS, err := parseLogin(p, caps)
	if err != nil {
		return nil, err
	}
	if wantTLS {
		if g.TLS == nil {
			return nil, ErrBadHandshake
		}
		if err := c.startTLS(ctx, tls.Server(c.withBuffered(), g.TLS)); err != nil {
			return nil, err
		}
		if p, err = c.ReadPacket(); err != nil {
			return nil, err
		}
		if l, wantTLS, err = parseLogin(p, caps); err != nil {
			return nil, err
		}
		if wantTLS {
			return nil, ErrMalformed
		}
	} else {
		l.Caps &^= ClientSSL
	}
	c.caps = l.Caps
	return l, nil
}

// ParseChangeUser reads COM_CHANGE_USER's packet. Go on with [Conn.Verify] and [Conn.Accept] or [Conn.Refuse], as for a login.
func (c *Conn) ParseChangeUser(packet []byte) (*Login, error) { return parseChangeUser(packet, c.caps) }

// AuthMethod is one of the ways in which an account authenticates, as mysql.global_priv has it.
type AuthMethod struct {
	Plugin string // "mysql_native_password" or "ed25519"; others never succeed
	Stored string // authentication_string
}

// unknowable is no hash of any password: what an account that does not exist is checked against, so that it looks like one that does.
var unknowable = []AuthMethod{{PluginNative, "*"}}

// Verify authenticates a client by any of an account's methods, asking it to use another plugin where needed. Without
// methods it fails, only not sooner than with a wrong password.
func (c *Conn) Verify(ctx context.Context, l *Login, methods []AuthMethod) (ok bool, err error) {
	defer c.during(ctx)(&err)
	limit := c.max
	c.SetMaxPacket(maxLoginPacket)
	defer c.SetMaxPacket(limit)
	known := make([]AuthMethod, 0, len(methods))
	for _, m := range methods {
		if clientPlugin(m.Plugin) != "" {
			known = append(known, m)
		}
	}
	if len(known) == 0 {
		known = unknowable
	}
	// What the client sent already may do; only mysql_native_password can be answered from the greeting.
	byGreeting := l.Plugin == PluginNative || l.Plugin == "" && l.Caps&ClientPluginAuth == 0
	tried := make([]bool, len(known))
	if byGreeting {
		for i, m := range known {
			if m.Plugin != PluginNative {
				continue
			}
			if verifyNative(m.Stored, c.scramble[:], l.reply) {
				return true, nil
			}
			// A client that changes the user may have taken the answer from elsewhere: it is asked again.
			tried[i] = !l.change
		}
	}
	if l.Caps&ClientPluginAuth == 0 {
		return false, nil
	}
	for i, m := range known {
		if tried[i] {
			continue
		}
		if ok, err := c.verifySwitched(l, m); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

// verifySwitched asks the client to authenticate by a method.
func (c *Conn) verifySwitched(l *Login, m AuthMethod) (bool, error) {
	plugin := clientPlugin(m.Plugin)
	data := make([]byte, ed25519Nonce)
	if plugin == PluginNative {
		data = data[:scrambleSize+1]
		nonce(data[:scrambleSize])
		copy(c.scramble[:], data)
	} else {
		nonce(data)
	}
	if err := c.FinishPacket(appendAuthSwitch(c.StartPacket(), plugin, data)); err != nil {
		return false, err
	}
	if err := c.Flush(); err != nil {
		return false, err
	}
	reply, err := c.ReadPacket()
	if err != nil {
		return false, err
	}
	l.reply = append(l.reply[:0], reply...)
	if plugin == PluginNative {
		return verifyNative(m.Stored, data[:scrambleSize], reply), nil
	}
	return verifyEd25519(m.Stored, data, reply), nil
}

// clientPlugin is the protocol's name for an account's plugin, empty for one that is not known.
func clientPlugin(plugin string) string {
	switch plugin {
	case PluginNative:
		return PluginNative
	case "ed25519":
		return PluginEd25519
	}
	return ""
}

// Accept tells a client that it is in. Compression begins, where both sides have it.
func (c *Conn) Accept(ok *OK) error {
	if err := c.FinishPacket(AppendOK(c.StartPacket(), c.caps, ok)); err != nil {
		return err
	}
	if err := c.Flush(); err != nil {
		return err
	}
	if c.caps&ClientCompress != 0 && c.z == nil {
		c.startCompression()
	}
	return nil
}

// Refuse writes an error packet and flushes it. Before the client is known to speak protocol 4.1 it carries no SQLSTATE.
func (c *Conn) Refuse(e *ServerError) error {
	if c.caps&ClientProtocol41 == 0 {
		e = &ServerError{Code: e.Code, Message: e.Message}
	}
	if err := c.FinishPacket(AppendError(c.StartPacket(), e)); err != nil {
		return err
	}
	return c.Flush()
}

// startTLS changes over to TLS.
func (c *Conn) startTLS(ctx context.Context, t *tls.Conn) error {
	if err := t.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("TLS: %w", err)
	}
	c.nc, c.raw = t, nil
	return nil
}

// during lets ctx end the reads and writes until the returned function is called, which resets the deadlines and puts ctx's error in
// place of the one that it caused.
func (c *Conn) during(ctx context.Context) func(*error) {
	past := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(past)
		c.sock.SetDeadline(time.Unix(1, 0))
	})
	return func(err *error) {
		if !stop() {
			<-past
			if *err == nil || !errors.Is(*err, ctx.Err()) {
				*err = errors.Join(context.Cause(ctx), *err)
			}
		}
		c.sock.SetDeadline(time.Time{})
	}
}
