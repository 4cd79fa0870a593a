package wire

import (
	"encoding/binary"
	"slices"
)

// greeting is the first packet of a connection, protocol version 10.
type greeting struct {
	version  string
	connID   uint32
	scramble []byte
	caps     Caps
	coll     uint8
	status   Status
	plugin   string
}

func (g *greeting) append(dst []byte) []byte {
	dst = append(append(append(dst, 10), g.version...), 0)
	dst = binary.LittleEndian.AppendUint32(dst, g.connID)
	dst = append(append(dst, g.scramble[:8]...), 0)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(g.caps))
	dst = append(dst, g.coll)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(g.status))
	dst = binary.LittleEndian.AppendUint16(dst, uint16(g.caps>>16))
	dst = append(dst, byte(len(g.scramble)+1), 0, 0, 0, 0, 0, 0)
	if g.caps&ClientMySQL == 0 {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(g.caps>>32))
	} else {
		dst = append(dst, 0, 0, 0, 0)
	}
	dst = append(append(dst, g.scramble[8:]...), 0)
	return append(append(dst, g.plugin...), 0)
}

func parseGreeting(payload []byte) (*greeting, error) {
	r := reader{p: payload}
	if r.u8() != 10 {
		return nil, ErrBadHandshake
	}
	g := &greeting{version: string(r.cstring()), connID: r.u32()}
	g.scramble = slices.Clone(r.take(8))
	r.u8()
	g.caps = Caps(r.u16())
	if len(r.p) == 0 && !r.bad {
		return g, nil
	}
	g.coll = r.u8()
	g.status = Status(r.u16())
	g.caps |= Caps(r.u16()) << 16
	authLen := int(r.u8())
	r.take(6)
	ext := r.u32()
	if g.caps&ClientMySQL == 0 {
		g.caps |= Caps(ext) << 32
	}
	if g.caps&ClientSecureConnection != 0 {
		// At least 13 bytes: 12 and a NUL.
		rest := r.take(min(max(13, authLen-8), len(r.p)))
		if n := len(rest); n > 0 && rest[n-1] == 0 {
			rest = rest[:n-1]
		}
		g.scramble = append(g.scramble, rest...)
	}
	if g.caps&ClientPluginAuth != 0 {
		g.plugin = string(r.cstringOrRest())
	}
	return g, r.err()
}

// Login is what a client said to log in, or to change the user.
type Login struct {
	User     string
	Database string
	// Caps are the capabilities that both sides have.
	Caps      Caps
	Collation uint16 // as the client said; it may be one that MariaDB does not know
	MaxPacket uint32
	Attrs     map[string]string
	// Plugin is the authentication plugin that the client would use; empty with an old client.
	Plugin string

	reply  []byte
	change bool // COM_CHANGE_USER
}

// UsedPassword tells whether the client sent a password, as MariaDB's error 1045 says it.
func (l *Login) UsedPassword() bool { return len(l.reply) > 0 }

// maxLoginPacket bounds what an unauthenticated client may make us hold: connection attributes are 64 KiB at most.
const maxLoginPacket = 128 << 10

// parseLogin reads a handshake response. tls tells that it is only the request to begin TLS.
func parseLogin(payload []byte, offered Caps) (l *Login, tls bool, err error) {
	r := reader{p: payload}
	caps := Caps(r.u32())
	if caps&ClientProtocol41 == 0 {
		return nil, false, ErrBadHandshake
	}
	l = &Login{MaxPacket: r.u32(), Collation: uint16(r.u8())}
	r.take(19)
	ext := r.u32()
	if r.bad {
		return nil, false, ErrMalformed
	}
	if caps&ClientMySQL == 0 {
		caps |= Caps(ext) << 32
	}
	// How the packet is to be read is told by what the client said, not by what was offered to it.
	l.Caps = caps & offered
	if len(r.p) == 0 && caps&ClientSSL != 0 {
		return l, true, nil
	}
	l.User = string(r.cstringOrRest())
	switch {
	case caps&ClientPluginAuthLenenc != 0:
		l.reply = slices.Clone(r.lenencBytes())
	case caps&ClientSecureConnection != 0:
		l.reply = slices.Clone(r.take(int(r.u8())))
	default:
		l.reply = slices.Clone(r.cstringOrRest())
	}
	if caps&ClientConnectWithDB != 0 && len(r.p) > 0 {
		l.Database = string(r.cstringOrRest())
	}
	if caps&ClientPluginAuth != 0 && len(r.p) > 0 {
		l.Plugin = string(r.cstringOrRest())
	}
	if caps&ClientConnectAttrs != 0 && len(r.p) > 0 {
		l.Attrs = parseAttrs(r.lenencBytes())
	}
	return l, false, r.err()
}

// parseAttrs reads connection attributes, as far as they can be read: they are only shown, and no reason to refuse a client.
func parseAttrs(p []byte) map[string]string {
	if len(p) == 0 {
		return nil
	}
	attrs := map[string]string{}
	for len(p) > 0 {
		k, rest, ok1 := LenencBytes(p)
		v, rest, ok2 := LenencBytes(rest)
		if !ok1 || !ok2 {
			break
		}
		attrs[string(k)] = string(v)
		p = rest
	}
	return attrs
}

// parseChangeUser reads COM_CHANGE_USER of a client with caps.
func parseChangeUser(packet []byte, caps Caps) (*Login, error) {
	r := reader{p: packet}
	if Command(r.u8()) != ComChangeUser {
		return nil, ErrMalformed
	}
	l := &Login{Caps: caps, change: true, User: string(r.cstring())}
	if caps&ClientSecureConnection != 0 {
		l.reply = slices.Clone(r.take(int(r.u8())))
	} else {
		l.reply = slices.Clone(r.cstring())
	}
	l.Database = string(r.cstringOrRest())
	if len(r.p) >= 2 {
		l.Collation = r.u16()
	}
	if caps&ClientPluginAuth != 0 && len(r.p) > 0 {
		l.Plugin = string(r.cstringOrRest())
	}
	if caps&ClientConnectAttrs != 0 && len(r.p) > 0 {
		l.Attrs = parseAttrs(r.lenencBytes())
	}
	return l, r.err()
}

// appendLogin appends a handshake response; with tlsOnly just its head, which asks for TLS.
func appendLogin(dst []byte, l *Login, tlsOnly bool) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(l.Caps))
	dst = binary.LittleEndian.AppendUint32(dst, l.MaxPacket)
	dst = append(dst, byte(l.Collation))
	dst = append(dst, make([]byte, 19)...)
	if l.Caps&ClientMySQL == 0 {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(l.Caps>>32))
	} else {
		dst = append(dst, 0, 0, 0, 0)
	}
	if tlsOnly {
		return dst
	}
	dst = append(append(dst, l.User...), 0)
	if l.Caps&ClientPluginAuthLenenc != 0 {
		dst = AppendLenencBytes(dst, l.reply)
	} else {
		dst = append(append(dst, byte(len(l.reply))), l.reply...)
	}
	if l.Caps&ClientConnectWithDB != 0 {
		dst = append(append(dst, l.Database...), 0)
	}
	if l.Caps&ClientPluginAuth != 0 {
		dst = append(append(dst, l.Plugin...), 0)
	}
	if l.Caps&ClientConnectAttrs != 0 {
		n := 0
		for k, v := range l.Attrs {
			n += lenencSize(len(k)) + lenencSize(len(v))
		}
		dst = AppendLenencInt(dst, uint64(n))
		for k, v := range l.Attrs {
			dst = AppendLenencBytes(AppendLenencBytes(dst, k), v)
		}
	}
	return dst
}

// appendAuthSwitch appends the request to authenticate by another plugin.
func appendAuthSwitch(dst []byte, plugin string, data []byte) []byte {
	dst = append(append(append(dst, headerEOF), plugin...), 0)
	return append(dst, data...)
}

func parseAuthSwitch(payload []byte) (plugin string, data []byte, err error) {
	r := reader{p: payload}
	if r.u8() != headerEOF {
		return "", nil, ErrMalformed
	}
	plugin = string(r.cstring())
	return plugin, slices.Clone(r.p), r.err()
}
