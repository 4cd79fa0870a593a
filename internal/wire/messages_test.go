package wire

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestLenenc(t *testing.T) {
	for _, n := range []uint64{0, 250, 251, 252, 0xffff, 0x10000, 0xffffff, 0x1000000, 1<<63 + 1, ^uint64(0)} {
		b := AppendLenencInt(nil, n)
		got, rest, ok := LenencInt(append(b, 'x'))
		if got != n || string(rest) != "x" || !ok {
			t.Errorf("%d: %d %q %v", n, got, rest, ok)
		}
		for i := range b {
			if _, _, ok := LenencInt(b[:i]); ok {
				t.Errorf("%d: read from %d bytes", n, i)
			}
		}
	}
	if _, _, ok := LenencBytes(AppendLenencInt(nil, ^uint64(0))); ok {
		t.Error("a string that is not there")
	}
}

func TestOK(t *testing.T) {
	track := AppendTrackVariable(nil, "last_gtid", "0-1-41")
	track = AppendTrackVariable(track, "autocommit", "ON")
	track = AppendTrackSchema(AppendTrackVariable(track, "last_gtid", "0-1-42"), "db")
	for _, caps := range []Caps{0, ClientSessionTrack, ClientDeprecateEOF, ClientDeprecateEOF | ClientSessionTrack} {
		in := OK{AffectedRows: 300, InsertID: 1 << 40, Status: StatusAutocommit | StatusInTrans, Warnings: 3, Info: []byte("info"), Track: track}
		for _, eof := range []bool{false, true} {
			p := AppendOK(nil, caps, &in)
			if eof {
				p = AppendEOF(nil, caps, &in)
			}
			var out OK
			if err := ParseOK(p, caps, &out); err != nil || out.Status&^StatusStateChanged != in.Status || out.Warnings != 3 {
				t.Errorf("%x %v: %+v %v", caps, eof, out, err)
			}
			if IsOK(p) == eof || IsEOF(p, caps) != eof || IsError(p) {
				t.Errorf("%x %v: % x is taken for something else", caps, eof, p)
			}
			short := eof && !caps.Has(ClientDeprecateEOF)
			if !short && (out.AffectedRows != 300 || out.InsertID != 1<<40 || string(out.Info) != "info") {
				t.Errorf("%+v", out)
			}
			if want := caps.Has(ClientSessionTrack) && !short; want != (string(out.LastGTID()) == "0-1-42") {
				t.Errorf("%x %v: last_gtid %q", caps, eof, out.LastGTID())
			} else if s, _ := out.TrackedSchema(); want != (string(s) == "db") {
				t.Errorf("%x %v: schema %q", caps, eof, s)
			}
			if err := PatchStatus(p, caps, StatusMoreResults); err != nil {
				t.Error(err)
			}
			if s, err := PeekStatus(p, caps); err != nil || s&^StatusStateChanged != StatusMoreResults {
				t.Errorf("%x %v", s, err)
			}
			if err := ParseOK(p, caps, &out); err != nil || string(out.LastGTID()) != "0-1-42" && caps.Has(ClientSessionTrack) && !short {
				t.Errorf("patching lost the session track: %+v, %v", out, err)
			}
		}
	}
	// The longest EOF and a row that looks like one.
	if IsEOF(append([]byte{0xfe}, make([]byte, 8)...), 0) || IsEOF(nil, 0) {
		t.Error("a row is taken for an EOF")
	}
}

func TestError(t *testing.T) {
	e := Errorf(ErNotSupported, "This version doesn't yet support '%s'", "x")
	got, err := ParseError(AppendError(nil, e))
	if err != nil || *got != *e || got.State != "42000" || got.Error() != "ERROR 1235 (42000): This version doesn't yet support 'x'" {
		t.Errorf("%v %v", got, err)
	}
	got, err = ParseError([]byte("\xff\x10\x04Too many connections"))
	if err != nil || got.Code != ErConCount || got.State != "" || got.Message != "Too many connections" {
		t.Errorf("%+v %v", got, err)
	}
	if !IsProgress([]byte("\xff\xff\xff\x01")) || IsProgress(AppendError(nil, e)) {
		t.Error("progress")
	}
	for code, state := range map[uint16]string{1045: "28000", 1062: "23000", 1146: "42S02", 1213: "40001", 1317: "70100", 1927: "70100", 1105: "HY000"} {
		if SQLState(code) != state {
			t.Errorf("%d: %s", code, SQLState(code))
		}
	}
}

func TestColumnRewrite(t *testing.T) {
	for _, from := range []Caps{0, MariaDBExtendedMetadata} {
		for _, to := range []Caps{0, MariaDBExtendedMetadata} {
			w := ColumnRewrite{From: "d_3", To: "d", Server: from, Client: to}
			for schema, want := range map[string]string{"d_3": "d", "d_33": "d_33", "": "", "other": "other"} {
				in := Column{Schema: []byte(schema), Table: []byte("d_3"), OrgTable: []byte("t"), Name: []byte("d_3"), OrgName: []byte("c"),
					Extended: []byte("\x00\x04uuid"), Collation: 3270, Length: 1 << 31, Type: TypeString, Flags: FlagNotNull | FlagUnsigned, Decimals: 39}
				out, err := w.Append([]byte("before"), AppendColumn(nil, from, &in))
				if err != nil || !bytes.HasPrefix(out, []byte("before")) {
					t.Fatal(err)
				}
				var got Column
				if err := ParseColumn(out[6:], to, &got); err != nil {
					t.Fatal(err)
				}
				wantType := ""
				if from&to != 0 {
					wantType = "uuid"
				}
				if string(got.Schema) != want || string(got.Table) != "d_3" || string(got.Name) != "d_3" || got.Length != in.Length ||
					got.Collation != 3270 || got.Flags != in.Flags || got.Decimals != 39 || got.ExtendedType() != wantType {
					t.Errorf("%q: %+v", schema, got)
				}
			}
			dst, p := make([]byte, 0, 1000), columnSeed(from)
			if n := testing.AllocsPerRun(100, func() { dst, _ = w.Append(dst[:0], p) }); n != 0 {
				t.Errorf("%v allocations", n)
			}
		}
	}
}

func TestRowsDoNotAllocate(t *testing.T) {
	var text []byte
	cols := []Column{{Type: TypeLong}, {Type: TypeDouble}, {Type: TypeDateTime}, {Type: TypeVarString}, {Type: TypeString}}
	for _, v := range []string{"-5", "2.5e10", "2026-01-02 03:04:05.5", strings.Repeat("long", 100)} {
		text = AppendLenencBytes(text, v)
	}
	text = AppendNull(text)
	dst, okPacket := make([]byte, 0, 1000), []byte{0, 0, 0, 2, 0, 0, 0}
	var ok OK
	if n := testing.AllocsPerRun(100, func() {
		r := TextRow(text)
		for !r.Done() {
			if _, _, ok := r.Next(); !ok {
				t.Fatal("row")
			}
		}
		var err error
		if dst, err = AppendBinaryRow(dst[:0], cols, text); err != nil {
			t.Fatal(err)
		}
		var b BinaryRow
		b.Reset(dst, len(cols))
		for i := range cols {
			if _, _, ok := b.Next(cols[i].Type); !ok {
				t.Fatal("binary row")
			}
		}
		if ParseOK(okPacket, 0, &ok) != nil {
			t.Fatal("OK")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestConvertRefuses(t *testing.T) {
	for _, x := range []struct {
		typ      FieldType
		unsigned bool
		value    string
		ok       bool
	}{
		{TypeTiny, false, "127", true}, {TypeTiny, false, "128", false}, {TypeTiny, false, "-128", true}, {TypeTiny, false, "-129", false},
		{TypeTiny, true, "255", true}, {TypeTiny, true, "256", false}, {TypeTiny, true, "-1", false}, {TypeTiny, false, "", false},
		{TypeLongLong, false, "9223372036854775808", false}, {TypeLongLong, true, "18446744073709551616", false},
		{TypeLongLong, true, "18446744073709551615", true}, {TypeLongLong, false, "-9223372036854775808", true},
		{TypeLong, false, "1x", false}, {TypeDouble, false, "1e400", false}, {TypeDouble, false, "x", false},
		{TypeDate, false, "2026-01-02", true}, {TypeDate, false, "2026-01", false}, {TypeDateTime, false, "20260102", false},
		{TypeTime, false, "12:00:00", true}, {TypeTime, false, "12:61:00", false}, {TypeTime, false, "1:2:3.1234567", false},
	} {
		c := Column{Type: x.typ}
		if x.unsigned {
			c.Flags = FlagUnsigned
		}
		_, err := AppendBinaryRow(nil, []Column{c}, AppendLenencBytes(nil, x.value))
		if (err == nil) != x.ok || err != nil && !errors.Is(err, ErrMalformed) {
			t.Errorf("%x %q: %v", x.typ, x.value, err)
		}
	}
}

func TestCollations(t *testing.T) {
	for _, x := range []struct {
		id      uint16
		name    string
		charset string
	}{{8, "latin1_swedish_ci", "latin1"}, {33, "utf8mb3_general_ci", "utf8mb3"}, {45, "utf8mb4_general_ci", "utf8mb4"}, {63, "binary", "binary"}} {
		c := CollationByID(x.id)
		if c == nil || c.Name != x.name || c.Charset != x.charset || CollationByName(x.name) != c || DefaultCollation(x.charset) != c {
			t.Errorf("%d: %+v", x.id, c)
		}
	}
	if CollationByID(255) != nil || CollationByName("utf8mb4_0900_ai_ci") != nil || DefaultCollation("utf8").ID != CollationUTF8MB3 {
		t.Error("a collation that MariaDB does not have")
	}
}

// handshake runs a login between both sides of this package.
func handshake(t *testing.T, caps Caps, cfg ClientConfig, methods ...AuthMethod) (client, server *Conn, ok bool, err error) {
	t.Helper()
	a, b := socketPair(t)
	server = NewConn(b)
	done := make(chan error, 1)
	go func() {
		l, err := server.Greet(t.Context(), &Greeting{Version: "test", ConnID: 1, Caps: caps})
		if err == nil {
			ok, err = server.Verify(t.Context(), l, methods)
		}
		if err == nil && ok {
			err = server.Accept(&OK{Status: StatusAutocommit})
		} else if err == nil {
			err = server.Refuse(Errorf(ErAccessDenied, "Access denied"))
		}
		done <- err
	}()
	client, err = Connect(t.Context(), a, &cfg)
	return client, server, ok, errors.Join(err, <-done)
}

func TestChangeUser(t *testing.T) {
	native := func(pw string) AuthMethod { return AuthMethod{PluginNative, NativeHash(pw)} }
	client, server, ok, err := handshake(t, 0, ClientConfig{User: "a", Password: "one"}, native("one"))
	if err != nil || !ok {
		t.Fatal(err)
	}
	for _, x := range []struct {
		password string
		method   AuthMethod
		old      bool // answers the scramble of the greeting
		ok       bool
	}{
		{"two", native("two"), false, true}, {"two", native("two"), true, true}, {"bad", native("two"), false, false}, {"", native(""), false, true},
		{"ed", AuthMethod{"ed25519", Ed25519Public("ed")}, false, true}, {"bad", AuthMethod{"ed25519", Ed25519Public("ed")}, false, false},
	} {
		var reply []byte
		if x.old {
			reply = nativeReply(server.scramble[:], x.password)
		}
		p := append([]byte{byte(ComChangeUser)}, "b\x00"...)
		p = append(append(p, byte(len(reply))), reply...)
		p = append(p, "db\x00\x2d\x00"+PluginNative+"\x00"...)
		client.ResetSeq()
		client.AppendPacket(p)
		client.Flush()
		got := make(chan error, 1)
		go func() {
			got <- client.authenticate(&authenticator{cfg: &ClientConfig{Password: x.password}})
		}()
		_, packet, err := server.ReadCommand()
		if err != nil {
			t.Fatal(err)
		}
		l, err := server.ParseChangeUser(packet)
		if err != nil || l.User != "b" || l.Database != "db" || l.Collation != 45 {
			t.Fatalf("%+v %v", l, err)
		}
		ok, err := server.Verify(t.Context(), l, []AuthMethod{x.method})
		if err != nil || ok != x.ok {
			t.Errorf("%+v: %v %v", x, ok, err)
		}
		if ok {
			err = server.Accept(&OK{})
		} else {
			err = server.Refuse(Errorf(ErAccessDenied, "no"))
		}
		if cerr := <-got; err != nil || (cerr == nil) != x.ok {
			t.Errorf("%+v: %v %v", x, err, cerr)
		}
	}
}

func TestOldClient(t *testing.T) {
	// Without plugins only the greeting's scramble can be answered.
	for pw, want := range map[string]bool{"one": true, "two": false} {
		_, _, ok, err := handshake(t, ServerCaps&^(ClientPluginAuth|ClientPluginAuthLenenc), ClientConfig{User: "a", Password: pw}, AuthMethod{PluginNative, NativeHash("one")})
		if ok != want || (err == nil) != want {
			t.Errorf("%s: %v %v", pw, ok, err)
		}
	}
}

// TestCachingSHA2 plays MySQL 8's part of caching_sha2_password.
func TestCachingSHA2(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, _ := x509.MarshalPKIXPublicKey(&key.PublicKey)
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	const password = "a password"
	stage1 := sha256.Sum256([]byte(password))
	stage2 := sha256.Sum256(stage1[:])
	for _, mode := range []string{"fast", "full", "switched"} {
		for _, good := range []bool{true, false} {
			a, b := socketPair(t)
			s := NewConn(b)
			done := make(chan error, 1)
			go func() {
				done <- func() error {
					scramble := []byte("abcdefghijklmnopqrst")
					g := greeting{version: "8.4.0", connID: 1, scramble: scramble, caps: ServerCaps&0xffffffff | ClientMySQL, coll: 255, plugin: PluginCachingSHA2}
					if mode == "switched" {
						g.plugin = PluginNative
					}
					s.AppendPacket(g.append(nil))
					s.Flush()
					p, err := s.ReadPacket()
					if err != nil {
						return err
					}
					l, _, err := parseLogin(p, g.caps)
					if err != nil || l.Plugin != g.plugin {
						return fmt.Errorf("%+v %w", l, err)
					}
					if mode == "switched" {
						scramble = []byte("ABCDEFGHIJKLMNOPQRST")
						s.AppendPacket(appendAuthSwitch(nil, PluginCachingSHA2, append(scramble, 0)))
						s.Flush()
						if p, err = s.ReadPacket(); err != nil {
							return err
						}
						l.reply = bytes.Clone(p)
					}
					h := sha256.Sum256(append(stage2[:], scramble...))
					for i := range h {
						h[i] ^= l.reply[i]
					}
					ok := h == stage1
					if mode != "fast" {
						s.AppendPacket([]byte{1, sha2Full})
						s.Flush()
						if p, err = s.ReadPacket(); err != nil || len(p) != 1 || p[0] != sha2RequestKey {
							return fmt.Errorf("%q %w", p, err)
						}
						s.AppendPacket(append([]byte{1}, public...))
						s.Flush()
						if p, err = s.ReadPacket(); err != nil {
							return err
						}
						plain, err := rsa.DecryptOAEP(sha1.New(), nil, key, p, nil)
						if err != nil {
							return err
						}
						for i := range plain {
							plain[i] ^= scramble[i%len(scramble)]
						}
						ok = string(plain) == password+"\x00"
					} else if ok {
						s.AppendPacket([]byte{1, sha2FastOK})
					}
					if !ok {
						return s.Refuse(Errorf(ErAccessDenied, "no"))
					}
					s.AppendPacket(AppendOK(nil, 0, &OK{}))
					return s.Flush()
				}()
			}()
			cfg := &ClientConfig{User: "u", Password: password}
			if !good {
				cfg.Password = "wrong"
			}
			_, err := Connect(t.Context(), a, cfg)
			var e *ServerError
			if (err == nil) != good || !good && !errors.As(err, &e) {
				t.Errorf("%s %v: %v", mode, good, err)
			}
			if err := <-done; err != nil {
				t.Errorf("%s %v: %v", mode, good, err)
			}
		}
	}
}

// TestSecretsStayHere checks that a login by key tells a server nothing that another account's password could be learned from.
func TestSecretsStayHere(t *testing.T) {
	a := authenticator{cfg: &ClientConfig{Ed25519Key: []byte("key"), Password: "password"}, scramble: make([]byte, 20)}
	for _, a.plugin = range []string{PluginNative, PluginCachingSHA2} {
		if reply, err := a.reply(); len(reply) != 0 || err != nil {
			t.Errorf("%s is answered by %x", a.plugin, reply)
		}
	}
	for _, a.plugin = range []string{"mysql_clear_password", "dialog", ""} {
		if _, err := a.reply(); !errors.Is(err, ErrAuthPlugin) {
			t.Errorf("%s: %v", a.plugin, err)
		}
	}
}

func TestGreetEndsWithContext(t *testing.T) {
	_, b := socketPair(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := NewConn(b).Greet(ctx, &Greeting{Version: "x"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// TestIdleMemory measures what a client costs that waits after a command, its goroutine included.
func TestIdleMemory(t *testing.T) {
	if raceEnabled {
		t.Log("not measured under the race detector")
		return
	}
	const n = 300
	clients, conns := make([]*net.TCPConn, n), make([]*Conn, n)
	for i := range n {
		var s *net.TCPConn
		clients[i], s = socketPair(t)
		conns[i] = NewConn(s)
	}
	measure := func() uint64 {
		for range 3 {
			runtime.GC() // thrice: pools keep their victims for two
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapInuse + m.StackInuse
	}
	before := measure()
	done := make(chan error, n)
	for i, c := range conns {
		go func() {
			for {
				if _, _, err := c.ReadCommand(); err != nil {
					done <- err
					return
				}
				c.AppendPacket(make([]byte, 1000))
				c.Flush()
			}
		}()
		clients[i].Write([]byte("\x01\x00\x00\x00\x0e"))
	}
	buf := make([]byte, 1004)
	for _, c := range clients {
		for got := 0; got < len(buf); {
			n, err := c.Read(buf[got:])
			if err != nil {
				t.Fatal(err)
			}
			got += n
		}
	}
	each := (int64(measure()) - int64(before)) / n
	t.Logf("%d bytes a waiting client", each)
	if each > 12<<10 {
		t.Errorf("%d bytes a waiting client", each)
	}
	for _, c := range conns {
		c.Close()
	}
	for range conns {
		if err := <-done; !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	}
}

func TestTLSOverBufferedBytes(t *testing.T) {
	// A client may send its ClientHello in one segment with the request for TLS.
	a, b := socketPair(t)
	s := NewConn(b)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		_, err := s.Greet(ctx, &Greeting{Version: "x", TLS: &tls.Config{}})
		done <- err
	}()
	c := NewConn(a)
	if _, err := c.ReadPacket(); err != nil {
		t.Fatal(err)
	}
	c.AppendPacket(appendLogin(nil, &Login{Caps: ServerCaps | ClientSSL}, true))
	a.Write(append(bytes.Clone(c.wbuf), "\x16\x03\x01\x00\x09 no hello"...))
	var re tls.RecordHeaderError
	err := <-done
	if err == nil || errors.As(err, &re) || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the bytes after the request were not read as TLS: %v", err)
	}
}
