package gateway

import (
	"context"
	"net"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/wire"
)

// raw is a client that speaks the protocol packet by packet, for what drivers do not use.
type raw struct {
	t *testing.T
	c *wire.Conn
}

func (b *bench) raw(t *testing.T, db string, caps wire.Caps) *raw {
	t.Helper()
	return b.rawAs(t, "root", "", db, caps)
}

func (b *bench) rawAs(t *testing.T, user, password, db string, caps wire.Caps) *raw {
	t.Helper()
	nc, err := net.Dial("tcp", b.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	c, err := wire.Connect(context.Background(), nc, &wire.ClientConfig{User: user, Password: password, Database: db, Caps: caps})
	if err != nil {
		t.Fatal(err)
	}
	return &raw{t, c}
}

func (r *raw) send(packet []byte) {
	r.t.Helper()
	if err := r.c.FinishPacket(append(r.c.StartCommand(), packet...)); err != nil {
		r.t.Fatal(err)
	}
	if err := r.c.Flush(); err != nil {
		r.t.Fatal(err)
	}
}

func (r *raw) read() []byte {
	r.t.Helper()
	p, err := r.c.ReadPacket()
	if err != nil {
		r.t.Fatal(err)
	}
	if wire.IsError(p) {
		e, _ := wire.ParseError(p)
		r.t.Fatalf("%v", e)
	}
	return p
}

func (r *raw) ok(packet []byte) wire.OK {
	r.t.Helper()
	r.send(packet)
	var ok wire.OK
	p := r.read()
	if err := wire.ParseOK(p, r.c.Caps(), &ok); err != nil {
		r.t.Fatalf("%x: %v", p, err)
	}
	return ok
}

// refused reads an error.
func (r *raw) refused(code uint16) {
	r.t.Helper()
	p, err := r.c.ReadPacket()
	if err != nil {
		r.t.Fatal(err)
	}
	if e, err := wire.ParseError(p); err != nil || e.Code != code {
		r.t.Fatalf("%v %v, want error %d", e, err, code)
	}
}

// prepare prepares a statement, of a client that reads no EOF after definitions.
func (r *raw) prepare(text string) uint32 {
	r.t.Helper()
	r.send(wire.AppendCommand(nil, wire.ComStmtPrepare, text))
	ok, err := wire.ParsePrepareOK(r.read())
	if err != nil {
		r.t.Fatal(err)
	}
	for range ok.Params + ok.Columns {
		r.read()
	}
	return ok.StmtID
}

// rows reads rows up to the EOF, whose status it gives.
func (r *raw) rows() (n int, status wire.Status) {
	r.t.Helper()
	for {
		p := r.read()
		if wire.IsEOF(p, r.c.Caps()) {
			s, err := wire.PeekStatus(p, r.c.Caps())
			if err != nil {
				r.t.Fatal(err)
			}
			return n, s
		}
		n++
	}
}

// one is the only value of a text query.
func (r *raw) one(q string) string {
	r.t.Helper()
	r.send(wire.AppendCommand(nil, wire.ComQuery, q))
	r.read()
	r.read()
	if !r.c.Caps().Has(wire.ClientDeprecateEOF) {
		r.read()
	}
	row := make([][]byte, 1)
	if err := wire.SplitTextRow(r.read(), row); err != nil {
		r.t.Fatal(err)
	}
	r.read()
	return string(row[0])
}

func TestCursorsAndLongData(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "curdb")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(100))")
	for i := range 10 {
		c.exec("INSERT INTO t VALUES (?, ?)", i, strings.Repeat("v", i))
	}
	for _, caps := range []wire.Caps{0, wire.ClientDeprecateEOF} {
		r := b.raw(t, "curdb", caps)
		r.send(wire.AppendCommand(nil, wire.ComStmtPrepare, "SELECT id, v FROM t WHERE v LIKE CONCAT(?, '%') ORDER BY id"))
		ok, err := wire.ParsePrepareOK(r.read())
		if err != nil || ok.Params != 1 || ok.Columns != 2 {
			t.Fatal(ok, err)
		}
		definitions := 3
		if caps == 0 {
			definitions += 2 // EOFs
		}
		for range definitions {
			r.read()
		}
		params := []wire.Param{{ParamType: wire.ParamType{Type: wire.TypeVarString}, Long: true}}
		for _, part := range []string{"v", "v"} {
			r.send(wire.AppendLongData(nil, ok.StmtID, 0, []byte(part)))
		}
		r.send(wire.AppendExecute(nil, ok.StmtID, wire.CursorReadOnly, params, true))
		r.read()
		r.read()
		r.read()
		if n, status := r.rows(); n != 0 || status&wire.StatusCursorExists == 0 {
			t.Errorf("caps %x: %d rows with the execution, status %x", caps, n, status)
		}
		got := 0
		for range 10 {
			r.send(wire.AppendFetch(nil, ok.StmtID, 3))
			n, status := r.rows()
			got += n
			if status&wire.StatusLastRowSent != 0 {
				break
			}
		}
		if got != 8 {
			t.Errorf("caps %x: %d rows of 8 were fetched", caps, got)
		}
		r.send(wire.AppendFetch(nil, ok.StmtID, 3))
		if p, err := r.c.ReadPacket(); err != nil || !wire.IsError(p) {
			t.Errorf("a cursor that was read to its end: %x %v", p, err)
		}
		r.ok(wire.AppendStmtCommand(nil, wire.ComStmtReset, ok.StmtID))
		r.send(wire.AppendStmtCommand(nil, wire.ComStmtClose, ok.StmtID))
		r.send(wire.AppendStmtCommand(nil, wire.ComStmtReset, ok.StmtID))
		if p, err := r.c.ReadPacket(); err != nil || !wire.IsError(p) {
			t.Errorf("a statement that was closed: %x %v", p, err)
		}
	}
}

func TestCommands(t *testing.T) {
	b := cluster(t)
	b.database(t, "comdb")
	r := b.raw(t, "", wire.ClientSessionTrack|wire.ClientMultiStatements)
	r.ok([]byte{byte(wire.ComPing)})
	ok := r.ok(wire.AppendCommand(nil, wire.ComInitDB, "comdb"))
	if s, tracked := ok.TrackedSchema(); !tracked || string(s) != "comdb" {
		t.Errorf("the new database was not told: %q", ok.Track)
	}
	ok = r.ok(wire.AppendCommand(nil, wire.ComQuery, "SET autocommit = 0"))
	if v, tracked := ok.TrackedVariable("autocommit"); !tracked || string(v) != "OFF" || ok.Status&wire.StatusAutocommit != 0 {
		t.Errorf("autocommit was not told: %q, status %x", ok.Track, ok.Status)
	}
	if ok = r.ok(wire.AppendCommand(nil, wire.ComQuery, "BEGIN")); ok.Status&wire.StatusInTrans == 0 {
		t.Errorf("status %x in a transaction", ok.Status)
	}
	r.ok(wire.AppendCommand(nil, wire.ComQuery, "SET @a = 5, sql_mode = 'ANSI'"))
	r.ok(wire.AppendCommand(nil, wire.ComQuery, "SET NAMES latin1"))
	if ok = r.ok([]byte{byte(wire.ComResetConnection)}); ok.Status&wire.StatusAutocommit == 0 || ok.Status&wire.StatusInTrans != 0 {
		t.Errorf("status %x after COM_RESET_CONNECTION", ok.Status)
	}
	if got := r.one("SELECT CONCAT_WS(',', @a IS NULL, @@autocommit, @@in_transaction, @@sql_mode LIKE 'ANSI%', DATABASE())"); got != "1,ON,0,0,comdb" {
		t.Errorf("after COM_RESET_CONNECTION: %s", got)
	}
	// Names are read in the login's character set again.
	r.ok(wire.AppendCommand(nil, wire.ComQuery, "CREATE TABLE é (id INT PRIMARY KEY)"))
	if got := b.raw(t, "", 0).one("SELECT COUNT(*) FROM comdb.é"); got != "0" {
		t.Errorf("%s", got)
	}
	for _, option := range []uint16{1, 0} {
		r.send(wire.AppendSetOption(nil, option))
		r.read()
	}
	for _, unknown := range []wire.Command{wire.ComBinlogDump, wire.ComRegisterSlave, 0x77} {
		r.send([]byte{byte(unknown), 0, 0, 0, 0})
		p, err := r.c.ReadPacket()
		if e, perr := wire.ParseError(p); err != nil || perr != nil || e.Code != wire.ErUnknownCom {
			t.Errorf("command %x: %v %v", unknown, e, err)
		}
	}
	for _, cut := range []wire.Command{wire.ComStmtExecute, wire.ComStmtFetch, wire.ComStmtReset, wire.ComSetOption, wire.ComProcessKill, wire.ComChangeUser} {
		r.send([]byte{byte(cut), 1})
		if p, err := r.c.ReadPacket(); err != nil || !wire.IsError(p) {
			t.Errorf("command %x, cut off: %x %v", cut, p, err)
		}
	}
	if got := r.one("SELECT 'still here'"); got != "still here" {
		t.Error(got)
	}
}

// What a client sends as a DECIMAL may be any bytes: in the place of a parameter they are a number, or a string.
func TestDecimalsHoldNoSQL(t *testing.T) {
	for text, want := range map[string]string{"-1.50": "-1.50", "1--": "'1--'", "e": "'e'", "1) OR (1": "'1) OR (1'"} {
		p := wire.Param{ParamType: wire.ParamType{Type: wire.TypeNewDecimal}, Bytes: []byte(text)}
		if got := paramLiteral(&p, "utf8mb4"); got != want {
			t.Errorf("%q became %s, want %s", text, got, want)
		}
	}
}
