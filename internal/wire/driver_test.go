package wire_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/orbweaver/orbweaver/internal/wire"
)

// testServer is a tiny server on the package's server side: it knows a few statements by heart.
type testServer struct {
	t        testing.TB
	addr     string
	tls      *tls.Config
	caps     wire.Caps
	accounts map[string][]wire.AuthMethod
	wg       sync.WaitGroup
	ln       net.Listener
	mu       sync.Mutex
	conns    []*wire.Conn
}

func startServer(t testing.TB, s *testServer) *testServer {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.t, s.ln, s.addr = t, ln, ln.Addr().String()
	s.wg.Go(func() {
		for id := uint32(1); ; id++ {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			c := wire.NewConn(nc)
			s.mu.Lock()
			s.conns = append(s.conns, c)
			s.mu.Unlock()
			s.wg.Go(func() {
				defer c.Close()
				if err := s.serve(c, id); err != nil && err != io.EOF && !errors.Is(err, net.ErrClosed) {
					t.Logf("connection %d: %v", id, err)
				}
			})
		}
	})
	t.Cleanup(func() {
		ln.Close()
		s.mu.Lock()
		for _, c := range s.conns {
			c.Close()
		}
		s.mu.Unlock()
		s.wg.Wait()
	})
	return s
}

func (s *testServer) login(c *wire.Conn, l *wire.Login) error {
	ok, err := c.Verify(context.Background(), l, s.accounts[l.User])
	if err != nil {
		return err
	}
	if !ok {
		c.Refuse(wire.Errorf(wire.ErAccessDenied, "Access denied for user '%s'", l.User))
		return fmt.Errorf("wrong password of %q", l.User)
	}
	return c.Accept(&wire.OK{Status: wire.StatusAutocommit})
}

func (s *testServer) serve(c *wire.Conn, id uint32) error {
	l, err := c.Greet(context.Background(), &wire.Greeting{Version: "5.5.5-10.11.19-MariaDB-test", ConnID: id, TLS: s.tls, Caps: s.caps})
	if err != nil {
		return err
	}
	if err := s.login(c, l); err != nil {
		return err
	}
	var params []wire.Param
	for {
		cmd, p, err := c.ReadCommand()
		if err != nil {
			return err
		}
		arg := p[1:]
		switch cmd {
		case wire.ComQuit:
			return nil
		case wire.ComPing, wire.ComInitDB, wire.ComResetConnection:
			err = c.FinishPacket(wire.AppendOK(c.StartPacket(), c.Caps(), &wire.OK{Status: wire.StatusAutocommit}))
		case wire.ComChangeUser:
			if l, err = c.ParseChangeUser(p); err == nil {
				err = s.login(c, l)
			}
		case wire.ComStmtClose:
			continue
		case wire.ComQuery:
			err = s.query(c, string(arg), l)
		case wire.ComStmtPrepare: // echoes its parameters
			params = make([]wire.Param, strings.Count(string(arg), "?"))
			n := uint16(len(params))
			c.FinishPacket(wire.AppendPrepareOK(c.StartPacket(), wire.PrepareOK{StmtID: 7, Params: n, Columns: n}))
			for range 2 {
				for range n {
					c.FinishPacket(wire.AppendColumn(c.StartPacket(), c.Caps(), &wire.Column{Name: []byte("?"), Type: wire.TypeVarString, Collation: 45}))
				}
				if n > 0 && !c.Caps().Has(wire.ClientDeprecateEOF) {
					c.FinishPacket(wire.AppendEOF(c.StartPacket(), c.Caps(), &wire.OK{}))
				}
			}
		case wire.ComStmtExecute:
			if _, err = wire.ParseExecute(p, params); err != nil {
				return err
			}
			cols, row := []wire.Column{}, []byte{}
			for _, x := range params {
				col := wire.Column{Name: []byte("?"), Type: wire.TypeVarString, Collation: 45}
				switch {
				case x.Null:
					row = wire.AppendNull(row)
				case x.Type.IsInteger():
					col.Type = wire.TypeLongLong
					row = wire.AppendLenencBytes(row, fmt.Sprint(int64(x.Int)))
				case x.Type == wire.TypeDouble:
					col.Type = wire.TypeDouble
					row = wire.AppendLenencBytes(row, fmt.Sprint(x.Float))
				case x.Type.IsTemporal():
					col.Type, col.Decimals = wire.TypeDateTime, 6
					row = wire.AppendLenencBytes(row, x.Time.AppendText(nil, wire.TypeDateTime, 6))
				default:
					row = wire.AppendLenencBytes(row, x.Bytes)
				}
				cols = append(cols, col)
			}
			var bin []byte
			if bin, err = wire.AppendBinaryRow(nil, cols, row); err == nil {
				err = writeResult(c, cols, [][]byte{bin}, 0)
			}
		default:
			err = c.FinishPacket(wire.AppendError(c.StartPacket(), wire.Errorf(wire.ErUnknownCom, "Unknown command")))
		}
		if err == nil {
			err = c.Flush()
		}
		if err != nil {
			return err
		}
	}
}

func writeResult(c *wire.Conn, cols []wire.Column, rows [][]byte, status wire.Status) error {
	c.FinishPacket(wire.AppendColumnCount(c.StartPacket(), c.Caps(), len(cols)))
	for i := range cols {
		c.FinishPacket(wire.AppendColumn(c.StartPacket(), c.Caps(), &cols[i]))
	}
	if !c.Caps().Has(wire.ClientDeprecateEOF) {
		c.FinishPacket(wire.AppendEOF(c.StartPacket(), c.Caps(), &wire.OK{Status: status}))
	}
	for _, r := range rows {
		c.AppendPacket(r)
	}
	return c.FinishPacket(wire.AppendEOF(c.StartPacket(), c.Caps(), &wire.OK{Status: status | wire.StatusAutocommit}))
}

func (s *testServer) query(c *wire.Conn, q string, l *wire.Login) error {
	col := func(name string) wire.Column {
		return wire.Column{Schema: []byte("db"), Name: []byte(name), Type: wire.TypeVarString, Collation: 45, Length: 1 << 20}
	}
	one := func(values ...string) []byte {
		var row []byte
		for _, v := range values {
			row = wire.AppendLenencBytes(row, v)
		}
		return row
	}
	switch {
	case strings.HasPrefix(q, "SELECT USER"):
		return writeResult(c, []wire.Column{col("u"), col("tls"), col("db"), col("program")},
			[][]byte{one(l.User, fmt.Sprint(c.TLS() != nil), l.Database, l.Attrs["program_name"])}, 0)
	case strings.HasPrefix(q, "SELECT LENGTH"):
		return writeResult(c, []wire.Column{col("n")}, [][]byte{one(fmt.Sprint(len(q)))}, 0)
	case q == "SELECT @@max_allowed_packet":
		return writeResult(c, []wire.Column{col("m")}, [][]byte{one(fmt.Sprint(1 << 30))}, 0)
	case strings.HasPrefix(q, "SELECT BIG"):
		return writeResult(c, []wire.Column{col("b"), col("e")}, [][]byte{one(strings.Repeat("b", 20<<20), ""), one("", "end")}, 0)
	case strings.HasPrefix(q, "SELECT MANY"):
		rows := make([][]byte, 10_000)
		for i := range rows {
			rows[i] = one(fmt.Sprint(i))
		}
		if err := writeResult(c, []wire.Column{col("i")}, rows, wire.StatusMoreResults); err != nil {
			return err
		}
		return writeResult(c, []wire.Column{col("second")}, [][]byte{wire.AppendNull(nil)}, 0)
	case strings.HasPrefix(q, "LOAD DATA"):
		c.FinishPacket(wire.AppendLocalInfile(c.StartPacket(), strings.Split(q, "'")[1]))
		if err := c.Flush(); err != nil {
			return err
		}
		n := 0
		for {
			p, err := c.ReadPacket()
			if err != nil {
				return err
			}
			if len(p) == 0 {
				break
			}
			n += bytes.Count(p, []byte("\n"))
		}
		return c.FinishPacket(wire.AppendOK(c.StartPacket(), c.Caps(), &wire.OK{AffectedRows: uint64(n), InsertID: 3, Info: []byte("Records: 1")}))
	case strings.HasPrefix(q, "SET"), q == "select @@version_comment limit 1":
		return c.FinishPacket(wire.AppendOK(c.StartPacket(), c.Caps(), &wire.OK{Status: wire.StatusAutocommit,
			Track: wire.AppendTrackSchema(wire.AppendTrackVariable(nil, "last_gtid", "0-1-2"), "db")}))
	}
	return c.FinishPacket(wire.AppendError(c.StartPacket(), wire.Errorf(wire.ErParse, "You have an error in %q", q)))
}

func serverForTest(t *testing.T) (*testServer, *x509.CertPool) {
	certPEM, keyPEM, pool := certificate(t)
	cert, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		t.Fatal(err)
	}
	return startServer(t, &testServer{
		tls: &tls.Config{Certificates: []tls.Certificate{cert}},
		accounts: map[string][]wire.AuthMethod{
			"nat":   {{Plugin: "mysql_native_password", Stored: wire.NativeHash("secret")}},
			"empty": {{Plugin: "mysql_native_password"}},
			"ed":    {{Plugin: "ed25519", Stored: wire.Ed25519Public("secret")}},
			"both":  {{Plugin: "unix_socket"}, {Plugin: "ed25519", Stored: wire.Ed25519Public("one")}, {Plugin: "mysql_native_password", Stored: wire.NativeHash("two")}},
			"none":  {{Plugin: "unix_socket"}},
		},
	}), pool
}

func TestGoDriver(t *testing.T) {
	s, pool := serverForTest(t)
	if err := mysql.RegisterTLSConfig("wire-test", &tls.Config{RootCAs: pool, ServerName: "127.0.0.1"}); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		user, password, options string
		ok                      bool
	}{
		{"nat", "secret", "", true},
		{"nat", "wrong", "", false},
		{"nat", "", "", false},
		{"empty", "", "", true},
		{"empty", "some", "", false},
		{"ed", "secret", "", true},
		{"ed", "wrong", "", false},
		{"both", "one", "", true},
		{"both", "two", "", true},
		{"both", "three", "", false},
		{"none", "", "", false},
		{"nobody", "", "", false},
		{"nobody", "secret", "", false},
		{"nat", "secret", "tls=wire-test", true},
		{"ed", "secret", "tls=wire-test&compress=true", true},
		{"ed", "secret", "charset=utf8mb4", true},
	} {
		db, err := sql.Open("mysql", fmt.Sprintf("%s:%s@tcp(%s)/db?allowAllFiles=true&maxAllowedPacket=0&parseTime=true&timeout=5s&connectionAttributes=program_name:t&%s", x.user, x.password, s.addr, x.options))
		if err != nil {
			t.Fatal(err)
		}
		t.Run(fmt.Sprint(x), func(t *testing.T) {
			defer db.Close()
			db.SetMaxOpenConns(1)
			var user, tls, name, program string
			err := db.QueryRow("SELECT USER").Scan(&user, &tls, &name, &program)
			if !x.ok {
				var e *mysql.MySQLError
				if !errors.As(err, &e) || e.Number != 1045 || string(e.SQLState[:]) != "28000" {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil || user != x.user || name != "db" || program != "t" || (tls == "true") != strings.Contains(x.options, "tls") {
				t.Fatal(user, tls, name, program, err)
			}
			driverSession(t, db)
			if x.options != "" {
				driverBigPackets(t, db)
			}
		})
	}
}

func driverSession(t *testing.T, db *sql.DB) {
	var e *mysql.MySQLError
	if _, err := db.Exec("FORM"); !errors.As(err, &e) || e.Number != 1064 {
		t.Error(err)
	}
	when := time.Date(2026, 2, 3, 4, 5, 6, 7000, time.UTC)
	var i int64
	var f float64
	var s string
	var n sql.NullString
	var at string // the driver sends a time as a string
	if err := db.QueryRow("? ? ? ? ?", int64(-5), 2.5, "it's", nil, when).Scan(&i, &f, &s, &n, &at); err != nil ||
		i != -5 || f != 2.5 || s != "it's" || n.Valid || at != "2026-02-03 04:05:06.000007" {
		t.Error(i, f, s, n, at, err)
	}
	rows, err := db.Query("SELECT MANY")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for want := range 10_000 {
		if !rows.Next() || rows.Scan(&i) != nil || i != int64(want) {
			t.Fatal(want, i, rows.Err())
		}
	}
	if rows.Next() || !rows.NextResultSet() || !rows.Next() || rows.Scan(&n) != nil || n.Valid || rows.Next() || rows.Err() != nil {
		t.Error("second result:", n, rows.Err())
	}
	mysql.RegisterReaderHandler("data", func() io.Reader { return strings.NewReader(strings.Repeat("line\n", 100_000)) })
	r, err := db.Exec("LOAD DATA LOCAL INFILE 'Reader::data'")
	if err != nil {
		t.Fatal(err)
	}
	if n, _ := r.RowsAffected(); n != 100_000 {
		t.Error(n)
	}
	if n, _ := r.LastInsertId(); n != 3 {
		t.Error(n)
	}
	if err := db.Ping(); err != nil {
		t.Error(err)
	}
}

func driverBigPackets(t *testing.T, db *sql.DB) {
	var i int64
	var s string
	q := "SELECT LENGTH " + strings.Repeat("x", 17<<20)
	if err := db.QueryRow(q).Scan(&i); err != nil || int(i) != len(q) {
		t.Error(i, err)
	}
	var end string
	big, err := db.Query("SELECT BIG")
	if err != nil {
		t.Fatal(err)
	}
	defer big.Close()
	if !big.Next() || big.Scan(&s, &end) != nil || len(s) != 20<<20 || strings.Trim(s, "b") != "" || !big.Next() || big.Scan(&s, &end) != nil || end != "end" {
		t.Error(len(s), end, big.Err())
	}
	big.Close()
}

// TestCommandLine is the server side against MariaDB's own client library.
func TestCommandLine(t *testing.T) {
	s, _ := serverForTest(t)
	_, port, _ := net.SplitHostPort(s.addr)
	for _, x := range []struct {
		user, password string
		options        []string
		ok             bool
	}{
		{"nat", "secret", nil, true},
		{"nat", "wrong", nil, false},
		{"empty", "", nil, true},
		{"ed", "secret", nil, true},
		{"ed", "wrong", nil, false},
		{"both", "one", nil, true},
		{"both", "two", nil, true},
		{"both", "two", []string{"--default-auth=client_ed25519"}, true},
		{"nobody", "secret", nil, false},
		{"nat", "secret", []string{"--ssl", "--skip-ssl-verify-server-cert"}, true},
		{"ed", "secret", []string{"--ssl", "--skip-ssl-verify-server-cert", "--compress"}, true},
		{"nat", "secret", []string{"--compress"}, true},
	} {
		t.Run(fmt.Sprint(x), func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			if len(x.options) == 0 || x.options[0] != "--ssl" {
				x.options = append(x.options, "--skip-ssl") // Debian's client uses TLS where it is offered
			}
			args := append([]string{"--no-defaults", "-h127.0.0.1", "-P" + port, "-u" + x.user, "--password=" + x.password, "-NB"}, x.options...)
			args = append(args, "-e", "SELECT USER; SELECT MANY; FORM", "db")
			cmd := exec.CommandContext(ctx, "mariadb", args...)
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			err := cmd.Run()
			if !x.ok {
				if err == nil || !strings.Contains(stderr.String(), "ERROR 1045 (28000)") {
					t.Error(err, stderr.String())
				}
				return
			}
			ssl := fmt.Sprint(x.options[0] == "--ssl")
			lines := strings.Split(stdout.String(), "\n")
			if lines[0] != x.user+"\t"+ssl+"\tdb\tmysql" || len(lines) != 10_003 || lines[10_000] != "9999" || lines[10_001] != "NULL" ||
				!strings.Contains(stderr.String(), "ERROR 1064 (42000)") {
				t.Errorf("%q… %d lines, %s", lines[0], len(lines), stderr.String())
			}
		})
	}
}
