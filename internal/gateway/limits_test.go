package gateway

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"go.uber.org/goleak"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// alone is a cluster of one test's own.
func alone(t *testing.T, cfg Config) *bench {
	t.Helper()
	b, err := newBench(farmtest.Shared(t, 2), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.close)
	return b
}

func TestTooManyConnections(t *testing.T) {
	b := alone(t, Config{MaxConnections: 3})
	var all []*client
	for range 3 {
		all = append(all, b.root(t, ""))
	}
	if code, text := b.login(t, "root", "", "", ""); code != 1040 || !strings.Contains(text, "Too many connections") {
		t.Errorf("%d %s", code, text)
	}
	all[0].c.Raw(func(any) error { return errors.New("gone") })
	all[0].c.Close()
	if err := all[1].c.Raw(func(any) error { return nil }); err != nil {
		t.Error(err)
	}
	raw, err := net.Dial("tcp", b.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	raw.Close()
	all[2].want("SELECT 1", "1")
}

func TestPacketLimit(t *testing.T) {
	b := alone(t, Config{MaxPacket: 1 << 20, SortMemory: 1 << 20})
	d := b.open(t, "root", "", "", "maxAllowedPacket=67108864")
	d.SetMaxIdleConns(-1) // the session ends with the packet, which its client may notice too late
	var e *mysql.MySQLError
	if _, err := d.Exec("SELECT '" + strings.Repeat("x", 2<<20) + "'"); !errors.As(err, &e) || e.Number != 1153 {
		t.Errorf("a packet that is too large: %v", err)
	}
	var n int
	if err := d.QueryRow("SELECT LENGTH('" + strings.Repeat("x", 1<<19) + "')").Scan(&n); err != nil || n != 1<<19 {
		t.Error(n, err)
	}
	c := b.database(t, "limitdb")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY, v LONGTEXT)")
	r := b.raw(t, "limitdb", wire.ClientLocalFiles|wire.ClientDeprecateEOF)
	t.Run("file", func(t *testing.T) { // its rest is no command
		r.t = t
		r.send(wire.AppendCommand(nil, wire.ComQuery, "LOAD DATA LOCAL INFILE 'x' INTO TABLE t"))
		r.read()
		for _, packet := range []string{"1\ta\n2\t", strings.Repeat("x", 2<<20), "\n", string([]byte{byte(wire.ComPing)}), ""} {
			if err := r.c.AppendPacket([]byte(packet)); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.c.Flush(); err != nil {
			t.Fatal(err)
		}
		r.refused(1153)
		r.ok([]byte{byte(wire.ComPing)})
		c.want("SELECT COUNT(*) FROM t", "0")
	})
	t.Run("batch", func(t *testing.T) { // of few bytes, whose INSERT is long
		r.t = t
		id := r.prepare("INSERT INTO t VALUES (?, '" + strings.Repeat("v", 1<<19) + "')")
		var rows [][]wire.Param
		var values [][]wire.Indicator
		for i := range 10 {
			rows = append(rows, []wire.Param{{ParamType: wire.ParamType{Type: wire.TypeLong}, Int: uint64(i)}})
			values = append(values, []wire.Indicator{wire.IndicatorNone})
		}
		r.send(wire.AppendBulk(nil, id, rows, values))
		r.refused(1153)
		r.ok(wire.AppendBulk(nil, id, rows[:6], values[:6]))
		c.want("SELECT COUNT(*) FROM t", "6")
	})
	t.Run("cursors", func(t *testing.T) { // of one session together
		r.t = t
		first, second := r.prepare("SELECT REPEAT('c', 700000)"), r.prepare("SELECT REPEAT('d', 700000)")
		open := func(id uint32) {
			r.send(wire.AppendExecute(nil, id, wire.CursorReadOnly, nil, false))
			r.read()
			r.read()
		}
		open(first)
		r.rows()
		open(second)
		r.refused(1041)
		r.ok(wire.AppendStmtCommand(nil, wire.ComStmtReset, first))
		open(second)
		r.rows()
		r.send(wire.AppendFetch(nil, second, 1))
		if n, _ := r.rows(); n != 1 {
			t.Errorf("%d rows", n)
		}
		open(first)
		r.rows()
	})
}

func TestWaitTimeout(t *testing.T) {
	b := cluster(t)
	c := b.root(t, "")
	before := len(b.g.all())
	c.exec("SET wait_timeout = 2")
	c.want("SELECT SLEEP(2.8)", "0") // a statement that runs is not idle
	waitFor(t, func() bool { return len(b.g.all()) < before })
	if _, err := c.query("SELECT 1"); err == nil {
		t.Error("a silent session lives on")
	}
}

func TestSilentClients(t *testing.T) {
	b := alone(t, Config{HandshakeTimeout: time.Second})
	raw, err := net.Dial("tcp", b.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if err := raw.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(raw); err != nil {
		t.Errorf("a client that says nothing is not left: %v", err)
	}
	for _, junk := range []string{"\x00\x00\x00\x01", "\x05\x00\x00\x01hello", "GET / HTTP/1.0\r\n\r\n", strings.Repeat("\xff", 1000)} {
		raw, err := net.Dial("tcp", b.addr.String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := raw.Write([]byte(junk)); err != nil {
			t.Error(err)
		}
		if err := raw.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(raw); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%q keeps a connection open", junk)
		}
		raw.Close()
	}
	b.root(t, "").want("SELECT 1", "1")
}

// Clients vanish in every state; nothing of them stays.
func TestNothingStaysOfClientsThatVanish(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "vandb")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
	c.exec("INSERT INTO t VALUES (1,1),(2,2),(3,3)")
	c.want("SELECT 1", "1")
	before, stay := len(b.g.all()), goleak.IgnoreCurrent()
	for _, q := range []string{
		"", "SELECT SLEEP(300)", "BEGIN; UPDATE t SET v = 0", "LOCK TABLES t WRITE", "SELECT * FROM t a, t b, information_schema.COLUMNS, information_schema.COLUMNS d",
		"SELECT GET_LOCK('van', 5)", "BEGIN NOT ATOMIC WHILE TRUE DO SET @x = 1; END WHILE; END", "BEGIN NOT ATOMIC DECLARE n INT; LOOP SELECT v INTO n FROM t WHERE id = 1; END LOOP; END",
		"BEGIN; SELECT SLEEP(300), v FROM t WHERE id = 1 FOR UPDATE",
	} {
		raw, err := net.Dial("tcp", b.addr.String())
		if err != nil {
			t.Fatal(err)
		}
		conn, err := wire.Connect(context.Background(), raw, &wire.ClientConfig{User: "root", Database: "vandb", Caps: wire.ClientMultiStatements | wire.ClientMultiResults})
		if err != nil {
			t.Fatal(err)
		}
		if q != "" {
			if err := conn.FinishPacket(append(append(conn.StartCommand(), byte(wire.ComQuery)), q...)); err != nil {
				t.Fatal(err)
			}
			if err := conn.Flush(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if tcp, ok := raw.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		raw.Close()
	}
	waitFor(t, func() bool { return len(b.g.all()) == before })
	waitFor(t, func() bool { // what they were about is still being ended
		return !slices.ContainsFunc(b.pools.Stats(), func(st backend.LeafStats) bool { return st.InUse != 0 })
	})
	c.want("SELECT SUM(v) FROM t", "6")
	c.exec("UPDATE t SET v = v") // no lock is left
	c.want("SELECT IS_FREE_LOCK('van')", "1")
	if err := goleak.Find(stay, goleak.IgnoreTopFunction("database/sql.(*DB).connectionOpener"), goleak.IgnoreAnyFunction("github.com/go-sql-driver/mysql.(*mysqlConn).startWatcher.func1"),
		goleak.IgnoreAnyFunction("github.com/orbweaver/orbweaver/internal/backend.(*Conn).breakOff")); err != nil && strings.Contains(err.Error(), "gateway.") {
		t.Error(err)
	}
}

func TestShutdownDrains(t *testing.T) {
	b, err := newBench(farmtest.Shared(t, 2), Config{})
	if err != nil {
		t.Fatal(err)
	}
	idle, busy, open := b.root(t, ""), b.root(t, ""), b.root(t, "")
	open.exec("BEGIN")
	slept := make(chan error, 1)
	go func() {
		var n int
		slept <- busy.c.QueryRowContext(context.Background(), "SELECT SLEEP(1)").Scan(&n)
	}()
	waitFor(t, func() bool { return b.g.Stats().Running == 1 })
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		b.close()
	}()
	if err := <-slept; err != nil {
		t.Errorf("the statement that ran: %v", err)
	}
	open.want("SELECT 1", "1") // its transaction is let go on
	select {
	case <-ended:
		t.Error("the gateway ended while a transaction was open")
	case <-time.After(200 * time.Millisecond):
	}
	open.exec("COMMIT")
	select {
	case <-ended:
	case <-time.After(50 * time.Second):
		t.Error("the gateway does not end")
	}
	if _, err := idle.query("SELECT 1"); err == nil {
		t.Error("a session outlived its gateway")
	}
	if _, err := net.DialTimeout("tcp", b.addr.String(), time.Second); err == nil {
		t.Error("a gateway that is shut down accepts clients")
	}
}

func TestIdleSessionsAreSmall(t *testing.T) {
	b := cluster(t)
	const n = 1000
	measure := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapInuse + m.StackInuse
	}
	b.root(t, "").want("SELECT 1", "1")
	before := measure()
	conns := make([]*wire.Conn, 0, n)
	defer func() {
		for _, c := range conns {
			c.Close()
		}
	}()
	for range n {
		raw, err := net.Dial("tcp", b.addr.String())
		if err != nil {
			t.Fatal(err)
		}
		c, err := wire.Connect(context.Background(), raw, &wire.ClientConfig{User: "root"})
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
		if err := c.FinishPacket(append(append(c.StartCommand(), byte(wire.ComQuery)), "SELECT 1"...)); err != nil {
			t.Fatal(err)
		}
		if err := c.Flush(); err != nil {
			t.Fatal(err)
		}
		for range 4 {
			if _, err := c.ReadPacket(); err != nil {
				t.Fatal(err)
			}
		}
		c.ReleaseBuffers()
	}
	// The client's side of it is in this process too.
	if each := (measure() - before) / n; each > 36<<10 {
		t.Errorf("an idle session takes %d bytes", each)
	} else {
		t.Logf("an idle session takes %d bytes, its client included", each)
	}
}

func TestVanishingBetweenBatches(t *testing.T) {
	b := cluster(t)
	d, err := sql.Open("mysql", b.dsn("root", "", "", ""))
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
		_, _ = d.ExecContext(ctx, "SELECT SLEEP(5)") // it is cut off
		cancel()
	}
	d.Close()
	waitFor(t, func() bool { return b.g.Stats().Running == 0 })
}

// A statement of a gigabyte is refused when it has all come, in memory that no more than max_allowed_packet is needed of.
func TestStatementOfAGigabyte(t *testing.T) {
	b := alone(t, Config{})
	var wires []net.Conn
	mysql.RegisterDialContext("gigabyte", func(ctx context.Context, addr string) (net.Conn, error) {
		var d net.Dialer
		c, err := d.DialContext(ctx, "tcp", addr)
		wires = append(wires, c)
		return c, err
	})
	cfg := mysql.NewConfig()
	cfg.Net, cfg.Addr, cfg.User = "gigabyte", b.addr.String(), "root"
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		t.Fatal(err)
	}
	d := sql.OpenDB(connector)
	defer d.Close()
	if err := d.Ping(); err != nil {
		t.Fatal(err)
	}
	other := b.root(t, "")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	wireOf := wires[0]
	frame := make([]byte, wire.HeaderSize+wire.MaxPayload)
	for i := range frame {
		frame[i] = 'x'
	}
	for seq := range 65 { // 64 of the largest, and what is left
		n := wire.MaxPayload
		if seq == 64 {
			n = 64
		}
		frame[0], frame[1], frame[2], frame[3] = byte(n), byte(n>>8), byte(n>>16), byte(seq)
		frame[4] = 'x'
		if seq == 0 {
			frame[4] = byte(wire.ComQuery)
		}
		if _, err := wireOf.Write(frame[:wire.HeaderSize+n]); err != nil {
			t.Fatal(err)
		}
	}
	answer := make([]byte, 256)
	n, err := wireOf.Read(answer)
	if err != nil || n < 7 || answer[4] != 0xff || int(answer[5])|int(answer[6])<<8 != 1153 || !strings.Contains(string(answer[:n]), "max_allowed_packet") {
		t.Errorf("%q, %v", answer[:n], err)
	}
	runtime.ReadMemStats(&after)
	if took := after.Sys - before.Sys; took > 400<<20 {
		t.Errorf("it took %d MiB", took>>20)
	}
	other.want("SELECT 1", "1")
}
