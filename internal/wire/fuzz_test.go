package wire

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"testing"
	"time"
)

func hello() []byte {
	g := greeting{version: "5.5.5-10.11.19-MariaDB", connID: 7, scramble: bytes.Repeat([]byte("s"), 20), caps: ServerCaps, coll: 45, plugin: PluginNative}
	return g.append(nil)
}

func loginSeed(caps Caps) []byte {
	return appendLogin(nil, &Login{User: "u", Database: "d", Caps: caps, MaxPacket: 1 << 24, Collation: 45, Plugin: PluginNative,
		Attrs: map[string]string{"a": "b"}, reply: make([]byte, 20)}, false)
}

func columnSeed(caps Caps) []byte {
	return AppendColumn(nil, caps, &Column{
		Schema: []byte("d_3"), Table: []byte("t"), OrgTable: []byte("t"), Name: []byte("c"), OrgName: []byte("c"),
		Extended: []byte("\x00\x04uuid"), Collation: 45, Length: 20, Type: TypeVarString,
	})
}

func FuzzGreeting(f *testing.F) {
	f.Add(hello())
	f.Add([]byte{10, 0})
	f.Fuzz(func(t *testing.T, p []byte) {
		g, err := parseGreeting(p)
		if err != nil || len(g.scramble) != scrambleSize {
			return
		}
		again, err := parseGreeting(g.append(nil))
		if g.caps.Has(ClientSecureConnection|ClientPluginAuth) && (err != nil || again.version != g.version || again.caps != g.caps || again.plugin != g.plugin) {
			t.Errorf("%+v is read back as %+v, %v", g, again, err)
		}
	})
}

func FuzzLogin(f *testing.F) {
	all := ServerCaps | ClientSSL
	f.Add(loginSeed(all), uint64(all))
	f.Add(loginSeed(ClientProtocol41|ClientMySQL), uint64(all))
	f.Add(appendLogin(nil, &Login{Caps: all}, true), uint64(all))
	f.Fuzz(func(t *testing.T, p []byte, offered uint64) {
		l, _, err := parseLogin(p, Caps(offered))
		if err == nil && l.Caps&^Caps(offered) != 0 {
			t.Error("agreed on more than was offered")
		}
	})
}

func FuzzChangeUser(f *testing.F) {
	f.Add([]byte("\x11user\x00\x00db\x00\x2d\x00mysql_native_password\x00\x04\x01a\x01b"), uint64(ServerCaps))
	f.Fuzz(func(t *testing.T, p []byte, caps uint64) { parseChangeUser(p, Caps(caps)) })
}

func FuzzOK(f *testing.F) {
	ok := &OK{AffectedRows: 300, InsertID: 1 << 40, Status: StatusAutocommit, Warnings: 3, Info: []byte("info"),
		Track: AppendTrackSchema(AppendTrackVariable(nil, "last_gtid", "0-1-2"), "db")}
	for _, caps := range []Caps{0, ClientSessionTrack, ClientDeprecateEOF | ClientSessionTrack} {
		f.Add(AppendOK(nil, caps, ok), uint64(caps))
		f.Add(AppendEOF(nil, caps, ok), uint64(caps))
	}
	f.Fuzz(func(t *testing.T, p []byte, bits uint64) {
		caps := Caps(bits)
		IsEOF(p, caps)
		PatchStatus(bytes.Clone(p), caps, StatusInTrans)
		var a, b OK
		if ParseOK(p, caps, &a) != nil {
			return
		}
		a.LastGTID()
		a.TrackedSchema()
		if p[0] != headerOK {
			return
		}
		again := AppendOK(nil, caps, &a)
		if err := ParseOK(again, caps, &b); err != nil || a.AffectedRows != b.AffectedRows || !bytes.Equal(a.Info, b.Info) || !bytes.Equal(a.Track, b.Track) {
			t.Errorf("%+v is read back as %+v, %v", a, b, err)
		}
	})
}

func FuzzError(f *testing.F) {
	f.Add(AppendError(nil, Errorf(ErAccessDenied, "no")))
	f.Add([]byte("\xff\x10\x04Too many connections"))
	f.Fuzz(func(t *testing.T, p []byte) {
		e, err := ParseError(p)
		if (err == nil) != (e != nil && len(p) >= 3 && p[0] == headerErr) {
			t.Errorf("%v %v", e, err)
		}
	})
}

func FuzzColumn(f *testing.F) {
	for _, caps := range []Caps{0, MariaDBExtendedMetadata} {
		f.Add(columnSeed(caps), uint64(caps), uint64(MariaDBExtendedMetadata))
	}
	f.Fuzz(func(t *testing.T, p []byte, server, client uint64) {
		w := ColumnRewrite{From: "d_3", To: "d", Server: Caps(server), Client: Caps(client)}
		var c, d Column
		err := ParseColumn(p, w.Server, &c)
		out, rewriteErr := w.Append(nil, p)
		if err != nil {
			return
		}
		c.ExtendedType()
		if rewriteErr != nil {
			t.Fatalf("can be parsed, not rewritten: %v", rewriteErr)
		}
		if err := ParseColumn(out, w.Client, &d); err != nil {
			t.Fatalf("what was rewritten can't be parsed: %v", err)
		}
		if string(c.Schema) == "d_3" {
			c.Schema = []byte("d")
		}
		if string(c.Schema) != string(d.Schema) || string(c.Name) != string(d.Name) || c.Type != d.Type || c.Length != d.Length {
			t.Errorf("%+v became %+v", c, d)
		}
	})
}

func FuzzTextRow(f *testing.F) {
	f.Add(AppendNull(AppendLenencBytes(nil, "x")), byte(TypeVarString), byte(2))
	f.Add(AppendLenencBytes(nil, "2026-01-02 03:04:05.5"), byte(TypeDateTime), byte(1))
	f.Add(AppendLenencBytes(nil, "-838:59:59"), byte(TypeTime), byte(1))
	f.Add(AppendLenencBytes(nil, "-1"), byte(TypeTiny), byte(1))
	f.Fuzz(func(t *testing.T, p []byte, typ, n byte) {
		cols := make([]Column, n)
		for i := range cols {
			cols[i].Type = FieldType(typ)
		}
		values := make([][]byte, n)
		err := SplitTextRow(p, values)
		out, convErr := AppendBinaryRow(nil, cols, p)
		if err != nil && convErr == nil {
			t.Fatal("converted what can't be read")
		}
		if convErr != nil {
			return
		}
		var row BinaryRow
		if err := row.Reset(out, len(cols)); err != nil {
			t.Fatal(err)
		}
		for i, v := range values {
			got, null, ok := row.Next(FieldType(typ))
			if !ok || null != (v == nil || FieldType(typ) == TypeNull) {
				t.Fatalf("value %d: %v %v", i, null, ok)
			}
			if FieldType(typ).fixedSize() < 0 && !FieldType(typ).IsTemporal() && !bytes.Equal(got, v) {
				t.Fatalf("value %d: %q became %q", i, v, got)
			}
			if FieldType(typ).IsTemporal() && !null {
				if _, err := ParseTemporal(got, FieldType(typ)); err != nil {
					t.Fatal(err)
				}
			}
		}
		if !row.Done() {
			t.Fatal("bytes are left")
		}
	})
}

func FuzzBinaryRow(f *testing.F) {
	f.Add([]byte{0, 0, 5, 1, 2, 3, 4, 5}, []byte{byte(TypeVarString), byte(TypeLong)})
	f.Fuzz(func(t *testing.T, p, types []byte) {
		var r BinaryRow
		if r.Reset(p, len(types)) != nil {
			return
		}
		for _, typ := range types {
			v, _, ok := r.Next(FieldType(typ))
			if !ok {
				return
			}
			BinaryInt(v, true)
			if FieldType(typ).IsTemporal() {
				if tm, err := ParseTemporal(v, FieldType(typ)); err == nil {
					tm.AppendText(nil, FieldType(typ), 6)
				}
			}
		}
	})
}

func FuzzExecute(f *testing.F) {
	params := []Param{
		{ParamType: ParamType{Type: TypeLong}, Int: 5},
		{ParamType: ParamType{Type: TypeVarString}, Bytes: []byte("x")},
		{ParamType: ParamType{Type: TypeTime}, Time: Temporal{Neg: true, Days: 1, Micro: 5}},
	}
	f.Add(AppendExecute(nil, 1, CursorReadOnly, params, true), byte(3))
	f.Add(AppendExecute(nil, 1, CursorNone, nil, false), byte(0))
	f.Fuzz(func(t *testing.T, p []byte, n byte) {
		params := make([]Param, n)
		e, err := ParseExecute(p, params)
		if err != nil {
			return
		}
		again := make([]Param, n)
		for i := range again {
			again[i].ParamType = params[i].ParamType
		}
		if _, err := ParseExecute(AppendExecute(nil, e.StmtID, e.Cursor, params, e.NewTypes), again); err != nil {
			t.Fatal(err)
		}
		for i := range params {
			a, b := params[i], again[i]
			if a.Null != b.Null || a.Int != b.Int || a.Time != b.Time || !bytes.Equal(a.Bytes, b.Bytes) {
				t.Fatalf("%+v is read back as %+v", a, b)
			}
		}
	})
}

func FuzzCommands(f *testing.F) {
	f.Add(AppendFetch(nil, 1, 2))
	f.Add(AppendLongData(nil, 1, 2, []byte("x")))
	f.Add(AppendFieldList(nil, "t", "%"))
	f.Add(AppendSetOption(nil, 1))
	f.Add(AppendPrepareOK(nil, PrepareOK{StmtID: 1, Columns: 2, Params: 3}))
	f.Add(appendAuthSwitch(nil, PluginEd25519, make([]byte, 32)))
	f.Add(AppendLocalInfile(nil, "file"))
	f.Add(AppendColumnCount(nil, 0, 5))
	f.Fuzz(func(t *testing.T, p []byte) {
		ParseFetch(p)
		ParseLongData(p)
		ParseSetOption(p)
		ParseStmtCommand(p)
		ParsePrepareOK(p)
		parseAuthSwitch(p)
		ParseLocalInfile(p)
		ParseColumnCount(p, MariaDBCacheMetadata)
		ParseColumnCount(p, 0)
	})
}

func FuzzTemporalText(f *testing.F) {
	f.Add([]byte("2026-01-02 03:04:05.123456"), true)
	f.Add([]byte("-838:59:59.5"), false)
	f.Fuzz(func(t *testing.T, p []byte, date bool) {
		typ := TypeTime
		if date {
			typ = TypeDateTime
		}
		a, err := ParseTemporalText(p, typ)
		if err != nil {
			return
		}
		b, err := ParseTemporalText(a.AppendText(nil, typ, 6), typ)
		if err != nil || a != b {
			t.Errorf("%q: %+v, then %+v, %v", p, a, b, err)
		}
	})
}

// byteConn is a client that sends what it is given and hears nothing.
type byteConn struct{ r *bytes.Reader }

func (b *byteConn) Read(p []byte) (int, error) { return b.r.Read(p) }
func (*byteConn) Write(p []byte) (int, error)  { return len(p), nil }
func (*byteConn) Close() error                 { return nil }
func (*byteConn) LocalAddr() net.Addr          { return &net.TCPAddr{} }
func (*byteConn) RemoteAddr() net.Addr         { return &net.TCPAddr{} }
func (*byteConn) SetDeadline(time.Time) error  { return nil }

func (*byteConn) SetReadDeadline(time.Time) error  { return nil }
func (*byteConn) SetWriteDeadline(time.Time) error { return nil }

func framed(payloads ...[]byte) []byte {
	var out []byte
	for i, p := range payloads {
		out = append(out, byte(len(p)), byte(len(p)>>8), byte(len(p)>>16), byte(i+1))
		out = append(out, p...)
	}
	return out
}

func fuzzCertificate(f testing.TB) *tls.Config {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		f.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

// FuzzServer feeds arbitrary bytes to a server: through the login, then as commands, compressed or not.
func FuzzServer(f *testing.F) {
	cfg := fuzzCertificate(f)
	all := ServerCaps | ClientSSL
	login := framed(loginSeed(ServerCaps &^ ClientCompress))
	f.Add(login, []byte("\x01\x00\x00\x00\x03"))
	f.Add(framed(loginSeed(ServerCaps)), []byte("\x06\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x03q"))
	f.Add(framed(loginSeed(all), make([]byte, 64)), []byte{})
	f.Add(append(framed(appendLogin(nil, &Login{Caps: all}, true)), 22, 3, 1, 0, 5, 1, 0, 0, 1, 0), []byte{})
	var z bytes.Buffer
	(&compressor{}).pack(&z, append([]byte{0x60, 0, 0, 0, 3}, bytes.Repeat([]byte("x"), 95)...))
	f.Add(framed(loginSeed(ServerCaps)), z.Bytes())
	f.Fuzz(func(t *testing.T, login, commands []byte) {
		c := NewConn(&byteConn{bytes.NewReader(append(bytes.Clone(login), commands...))})
		c.SetMaxPacket(1 << 20)
		l, err := c.Greet(context.Background(), &Greeting{Version: "v", ConnID: 1, TLS: cfg})
		if err != nil {
			return
		}
		if _, err := c.Verify(context.Background(), l, []AuthMethod{{"ed25519", Ed25519Public("x")}, {PluginNative, NativeHash("x")}}); err != nil {
			return
		}
		if err := c.Accept(&OK{}); err != nil {
			return
		}
		for i := 0; ; i++ {
			if i%2 == 0 {
				_, _, err = c.ReadCommand()
				if _, large := err.(*PacketTooLargeError); large || err == ErrMalformed {
					continue
				}
			} else {
				c.ResetSeq()
				_, _, err = c.ReadFrame()
			}
			if err != nil {
				return
			}
		}
	})
}

// FuzzClient feeds arbitrary bytes to a client that logs in.
func FuzzClient(f *testing.F) {
	withHello := func(payloads ...[]byte) []byte {
		h := hello()
		out := append([]byte{byte(len(h)), 0, 0, 0}, h...)
		for i, p := range payloads {
			out = append(append(out, byte(len(p)), byte(len(p)>>8), 0, byte(2*i+2)), p...)
		}
		return out
	}
	f.Add(withHello(AppendOK(nil, ServerCaps, &OK{})))
	f.Add(withHello(appendAuthSwitch(nil, PluginEd25519, make([]byte, 32)), AppendOK(nil, ServerCaps, &OK{})))
	f.Add(withHello(appendAuthSwitch(nil, PluginCachingSHA2, make([]byte, 21)), []byte{1, sha2Full}, []byte("\x01-----BEGIN")))
	f.Add(withHello(AppendError(nil, Errorf(ErAccessDenied, "no"))))
	f.Fuzz(func(t *testing.T, p []byte) {
		c, err := Connect(context.Background(), &byteConn{bytes.NewReader(p)}, &ClientConfig{User: "u", Password: "p", Caps: ServerCaps})
		if err != nil {
			return
		}
		for err == nil {
			_, err = c.ReadPacket()
		}
		if err == io.EOF {
			return
		}
	})
}
