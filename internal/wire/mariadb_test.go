package wire_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// certificate makes a self-signed certificate for 127.0.0.1.
func certificate(t testing.TB) (certPEM, keyPEM []byte, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "orbweaver test"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certPEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(certPEM)
	return certPEM, keyPEM, pool
}

// result is a result set, or an OK packet where Cols is nil.
type result struct {
	cols []string
	defs []wire.Column
	rows [][]string // "NULL" for NULL
	raw  [][]byte
	ok   wire.OK
}

func clone(ok wire.OK) wire.OK {
	ok.Info, ok.Track = bytes.Clone(ok.Info), bytes.Clone(ok.Track)
	return ok
}

// readResult reads one answer; binary for that of a prepared statement.
func readResult(c *wire.Conn, binary bool, infile func(name string) []byte) (*result, error) {
	p, err := c.ReadPacket()
	if err != nil {
		return nil, err
	}
	var r result
	switch {
	case wire.IsError(p):
		e, err := wire.ParseError(p)
		if err != nil {
			return nil, err
		}
		return nil, e
	case wire.IsOK(p):
		err := wire.ParseOK(p, c.Caps(), &r.ok)
		r.ok = clone(r.ok)
		return &r, err
	case wire.IsLocalInfile(p):
		name, _ := wire.ParseLocalInfile(p)
		if data := infile(name); len(data) > 0 {
			if err := c.AppendPacket(data); err != nil {
				return nil, err
			}
		}
		if err := c.AppendPacket(nil); err != nil {
			return nil, err
		}
		if err := c.Flush(); err != nil {
			return nil, err
		}
		return readResult(c, binary, infile)
	}
	n, _, err := wire.ParseColumnCount(p, c.Caps())
	if err != nil {
		return nil, err
	}
	for range n {
		if p, err = c.ReadPacket(); err != nil {
			return nil, err
		}
		var d wire.Column
		if err := wire.ParseColumn(bytes.Clone(p), c.Caps(), &d); err != nil {
			return nil, err
		}
		if again := wire.AppendColumn(nil, c.Caps(), &d); !bytes.Equal(again, p) {
			return nil, fmt.Errorf("column definition %q is written as %q", p, again)
		}
		r.defs = append(r.defs, d)
		r.cols = append(r.cols, string(d.Name))
	}
	if !c.Caps().Has(wire.ClientDeprecateEOF) {
		if p, err = c.ReadPacket(); err != nil || !wire.IsEOF(p, c.Caps()) {
			return nil, fmt.Errorf("no EOF after the columns: %v", err)
		}
		if st, _ := wire.PeekStatus(p, c.Caps()); st.Has(wire.StatusCursorExists) {
			return &r, wire.ParseOK(p, c.Caps(), &r.ok) // the rows are to be fetched
		}
	}
	for {
		if p, err = c.ReadPacket(); err != nil {
			return nil, err
		}
		if wire.IsError(p) {
			e, _ := wire.ParseError(p)
			return nil, e
		}
		if wire.IsEOF(p, c.Caps()) {
			err := wire.ParseOK(p, c.Caps(), &r.ok)
			r.ok = clone(r.ok)
			return &r, err
		}
		r.raw = append(r.raw, bytes.Clone(p))
		if binary {
			continue
		}
		row := make([]string, 0, n)
		for tr := wire.TextRow(p); !tr.Done(); {
			v, null, ok := tr.Next()
			if !ok {
				return nil, wire.ErrMalformed
			}
			if null {
				v = []byte("NULL")
			}
			row = append(row, string(v))
		}
		r.rows = append(r.rows, row)
	}
}

func send(c *wire.Conn, packet []byte) error {
	c.ResetSeq()
	if err := c.AppendPacket(packet); err != nil {
		return err
	}
	return c.Flush()
}

func query(c *wire.Conn, sql string) (*result, error) {
	if err := send(c, wire.AppendCommand(nil, wire.ComQuery, sql)); err != nil {
		return nil, err
	}
	return readResult(c, false, nil)
}

func mustQuery(t testing.TB, c *wire.Conn, sql string) *result {
	t.Helper()
	r, err := query(c, sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return r
}

func dial(t testing.TB, addr string, cfg wire.ClientConfig) (*wire.Conn, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	c, err := wire.Connect(ctx, nc, &cfg)
	if err == nil {
		t.Cleanup(func() { c.Close() })
	}
	return c, err
}

func mustDial(t testing.TB, addr string, cfg wire.ClientConfig) *wire.Conn {
	t.Helper()
	c, err := dial(t, addr, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestMariaDB is the client side against a real server.
func TestMariaDB(t *testing.T) {
	dir, err := os.MkdirTemp("", "orbweaver-wire-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	os.Chmod(dir, 0o755)
	certPEM, keyPEM, pool := certificate(t)
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if err := errors.Join(os.WriteFile(certFile, certPEM, 0o644), os.WriteFile(keyFile, keyPEM, 0o644)); err != nil {
		t.Fatal(err)
	}
	farm := farmtest.Start(t, 1, "ssl-cert="+certFile, "ssl-key="+keyFile, "max_allowed_packet=1G", "local_infile=1",
		"session_track_system_variables=last_gtid,autocommit,character_set_client")
	addr := farm.Addrs()[0]
	root := wire.ClientConfig{User: "orbweaver", Ed25519Key: []byte(farmtest.ClusterPassword)}
	admin := mustDial(t, addr, root)
	for _, sql := range []string{
		"CREATE DATABASE w_3",
		"INSTALL SONAME IF NOT EXISTS 'auth_ed25519'",
		"CREATE USER n@'%' IDENTIFIED BY 'secret'",
		"CREATE USER empty@'%'",
		"CREATE USER e@'%' IDENTIFIED VIA ed25519 USING PASSWORD('secret')",
		"CREATE USER two@'%' IDENTIFIED VIA mysql_native_password USING PASSWORD('theirs') OR ed25519 USING '" + farmtest.ClusterPublicKey + "'",
		"CREATE USER here@'192.0.2.7' IDENTIFIED BY 'secret'",
		"CREATE USER here6@'2001:db8::7' IDENTIFIED BY 'secret'",
		"CREATE USER safe@'%' IDENTIFIED BY 'secret' REQUIRE SSL",
		"GRANT ALL ON w_3.* TO n@'%'",
	} {
		if _, err := query(admin, sql); err != nil && !strings.HasPrefix(sql, "INSTALL") {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	n := wire.ClientConfig{User: "n", Password: "secret", Database: "w_3"}

	t.Run("logins", func(t *testing.T) {
		tlsCfg := &tls.Config{RootCAs: pool, ServerName: "127.0.0.1"}
		key := []byte(farmtest.ClusterPassword)
		src := netip.MustParseAddrPort("192.0.2.7:4711")
		for _, x := range []struct {
			cfg  wire.ClientConfig
			want string // CURRENT_USER(), or the error's number
		}{
			{wire.ClientConfig{User: "n", Password: "secret"}, "n@%"},
			{wire.ClientConfig{User: "n", Password: "wrong"}, "1045"},
			{wire.ClientConfig{User: "n"}, "1045"},
			{wire.ClientConfig{User: "nobody", Password: "secret"}, "1045"},
			{wire.ClientConfig{User: "n", Password: "secret", Database: "missing"}, "1044"},
			{wire.ClientConfig{User: "empty"}, "empty@%"},
			{wire.ClientConfig{User: "empty", Password: "some"}, "1045"},
			{wire.ClientConfig{User: "e", Password: "secret"}, "e@%"},
			{wire.ClientConfig{User: "e", Password: "wrong"}, "1045"},
			{wire.ClientConfig{User: "e", Ed25519Key: []byte("secret")}, "e@%"},
			{wire.ClientConfig{User: "two", Password: "theirs"}, "two@%"},
			{wire.ClientConfig{User: "two", Ed25519Key: key}, "two@%"},
			{wire.ClientConfig{User: "two", Ed25519Key: []byte("other")}, "1045"},
			{wire.ClientConfig{User: "here", Password: "secret"}, "1045"},
			{wire.ClientConfig{User: "here", Password: "secret", ProxySource: src}, "here@192.0.2.7"},
			{wire.ClientConfig{User: "here6", Password: "secret", ProxySource: netip.MustParseAddrPort("[2001:db8::7]:1")}, "here6@2001:db8::7"},
			{wire.ClientConfig{User: "here", Password: "secret", ProxySource: netip.MustParseAddrPort("[::ffff:192.0.2.7]:1")}, "here@192.0.2.7"},
			{wire.ClientConfig{User: "n", Password: "secret", ProxySource: src}, "n@%"},
			{wire.ClientConfig{User: "safe", Password: "secret"}, "1045"},
			{wire.ClientConfig{User: "safe", Password: "secret", TLS: tlsCfg}, "safe@%"},
			{wire.ClientConfig{User: "two", Ed25519Key: key, TLS: tlsCfg, ProxySource: src, Caps: wire.ClientCompress}, "two@%"},
			{wire.ClientConfig{User: "n", Password: "secret", Caps: wire.ClientCompress, Attrs: map[string]string{"a": "b"}}, "n@%"},
		} {
			c, err := dial(t, addr, x.cfg)
			var se *wire.ServerError
			switch {
			case errors.As(err, &se):
				if fmt.Sprint(se.Code) != x.want {
					t.Errorf("%+v: %v", x.cfg, err)
				}
				continue
			case err != nil:
				t.Errorf("%+v: %v", x.cfg, err)
				continue
			}
			if got := mustQuery(t, c, "SELECT CURRENT_USER()").rows[0][0]; got != x.want {
				t.Errorf("%+v: logged in as %s", x.cfg, got)
			}
			if (c.TLS() != nil) != (x.cfg.TLS != nil) {
				t.Errorf("%+v: TLS %v", x.cfg, c.TLS())
			}
			if x.cfg.Caps&wire.ClientCompress != 0 {
				if got := mustQuery(t, c, "SHOW STATUS LIKE 'Compression'").rows[0][1]; got != "ON" {
					t.Errorf("compression is %s", got)
				}
			}
			if !strings.Contains(c.Server().Version, "MariaDB") || c.Server().ConnID == 0 || !c.Server().Status.Has(wire.StatusAutocommit) {
				t.Errorf("%+v", c.Server())
			}
		}
	})

	t.Run("TLS that is not trusted", func(t *testing.T) {
		cfg := n
		cfg.TLS = &tls.Config{ServerName: "127.0.0.1"}
		var unknown x509.UnknownAuthorityError
		if _, err := dial(t, addr, cfg); !errors.As(err, &unknown) {
			t.Fatal(err)
		}
	})

	t.Run("ed25519_password", func(t *testing.T) {
		if got := wire.Ed25519Public("x"); got != "Gv2JI8Env2fd5YGonZ082tX3UAW+yJYldOlj4R1bfK4" {
			t.Error(got)
		}
		for _, pw := range []string{"", "a", "a password of exactly 32 bytes!!", strings.Repeat("long ", 50), "ü€"} {
			admin := mustDial(t, addr, root)
			mustQuery(t, admin, "CREATE OR REPLACE USER x@'%' IDENTIFIED VIA ed25519 USING PASSWORD('"+pw+"')")
			got := mustQuery(t, admin, "SELECT JSON_VALUE(Priv, '$.authentication_string') FROM mysql.global_priv WHERE User = 'x'").rows[0][0]
			if pw != "" && got != wire.Ed25519Public(pw) {
				t.Errorf("%q: %s", pw, got)
			}
			if got := mustQuery(t, admin, "SELECT PASSWORD('"+pw+"')").rows[0][0]; got != wire.NativeHash(pw) {
				t.Errorf("%q: %s", pw, got)
			}
		}
	})

	for _, caps := range []wire.Caps{
		0, wire.ClientDeprecateEOF, wire.ClientSessionTrack, wire.ClientCompress,
		wire.ClientDeprecateEOF | wire.ClientSessionTrack | wire.MariaDBExtendedMetadata | wire.ClientMultiResults | wire.ClientMultiStatements,
	} {
		cfg := n
		cfg.Caps = caps | wire.ClientLocalFiles
		t.Run(fmt.Sprintf("caps %x", uint64(caps)), func(t *testing.T) { results(t, mustDial(t, addr, cfg)) })
	}
	t.Run("big packets", func(t *testing.T) {
		for _, caps := range []wire.Caps{0, wire.ClientCompress} {
			cfg := n
			cfg.Caps = caps
			bigPackets(t, mustDial(t, addr, cfg))
		}
	})
	t.Run("prepared", func(t *testing.T) { prepared(t, mustDial(t, addr, n)) })
	t.Run("binary rows", func(t *testing.T) { binaryRows(t, mustDial(t, addr, n)) })
	t.Run("cancelled login", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		nc, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer cancel()
		if _, err := wire.Connect(ctx, nc, &n); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
	})
}
