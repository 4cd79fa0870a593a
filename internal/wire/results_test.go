package wire_test

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/wire"
)

func results(t *testing.T, c *wire.Conn) {
	mustQuery(t, c, "DROP TABLE IF EXISTS r")
	mustQuery(t, c, "CREATE TABLE r (id INT PRIMARY KEY AUTO_INCREMENT, s VARCHAR(20), j JSON, i INET6)")
	ok := mustQuery(t, c, "INSERT INTO r (s, j, i) VALUES ('a', '[1]', '::1'), (NULL, NULL, NULL)").ok
	if ok.AffectedRows != 2 || ok.InsertID != 1 || !strings.HasPrefix(string(ok.Info), "Records: 2") {
		t.Errorf("%+v", ok)
	}
	track := c.Caps().Has(wire.ClientSessionTrack)
	if gtid := ok.LastGTID(); (len(gtid) > 0) != track {
		t.Errorf("last_gtid %q", gtid)
	}
	r := mustQuery(t, c, "SELECT id, s, j, i, '' FROM r ORDER BY id")
	if fmt.Sprint(r.rows) != "[[1 a [1] ::1 ] [2 NULL NULL NULL ]]" {
		t.Error(r.rows)
	}
	if d := r.defs[1]; string(d.Schema) != "w_3" || string(d.OrgTable) != "r" || d.Type != wire.TypeVarString || d.Length != 80 ||
		wire.CollationByID(d.Collation).Name != "utf8mb4_general_ci" {
		t.Errorf("%+v", d)
	}
	if ext := c.Caps().Has(wire.MariaDBExtendedMetadata); ext != (r.defs[2].ExtendedFormat() == "json") || ext != (r.defs[3].ExtendedType() == "inet6") {
		t.Errorf("%q %q", r.defs[2].Extended, r.defs[3].Extended)
	}
	if r := mustQuery(t, c, "SELECT * FROM r WHERE id < 0"); len(r.rows) != 0 || len(r.cols) != 4 {
		t.Errorf("%+v", r)
	}
	_, err := query(c, "SELECT * FORM r")
	if e, ok := err.(*wire.ServerError); !ok || e.Code != 1064 || e.State != "42000" || !strings.Contains(e.Message, "FORM r") {
		t.Error(err)
	}
	if track {
		ok := mustQuery(t, c, "SET autocommit = 0").ok
		if v, found := ok.TrackedVariable("autocommit"); !found || string(v) != "OFF" {
			t.Errorf("%+v", ok)
		}
		if s := mustQuery(t, c, "SET autocommit = 1, character_set_client = latin1").ok; true {
			if v, _ := s.TrackedVariable("character_set_client"); string(v) != "latin1" {
				t.Errorf("%q", s.Track)
			}
		}
		ok = mustQuery(t, c, "USE information_schema").ok
		if s, found := ok.TrackedSchema(); !found || string(s) != "information_schema" {
			t.Errorf("%+v", ok)
		}
		mustQuery(t, c, "USE w_3")
	}
	if c.Caps().Has(wire.ClientMultiStatements) {
		send(c, wire.AppendCommand(nil, wire.ComQuery, "SELECT 1; SELECT 2; DO 1"))
		for i := range 3 {
			r, err := readResult(c, false, nil)
			if err != nil || r.ok.Status.Has(wire.StatusMoreResults) != (i < 2) {
				t.Fatalf("%d: %+v %v", i, r, err)
			}
		}
	}
	for _, data := range []string{"", "7\tseven\n8\teight\n", strings.Repeat("x\n", 100_000)} {
		mustQuery(t, c, "DROP TABLE IF EXISTS l")
		mustQuery(t, c, "CREATE TABLE l (a VARCHAR(20), b VARCHAR(20))")
		send(c, wire.AppendCommand(nil, wire.ComQuery, "LOAD DATA LOCAL INFILE 'a file' INTO TABLE l"))
		r, err := readResult(c, false, func(name string) []byte {
			if name != "a file" {
				t.Errorf("asked for %q", name)
			}
			return []byte(data)
		})
		if err != nil || int(r.ok.AffectedRows) != strings.Count(data, "\n") {
			t.Errorf("%+v %v", r, err)
		}
	}
	// COM_FIELD_LIST, COM_STATISTICS, COM_PING, COM_SET_OPTION, COM_INIT_DB.
	send(c, wire.AppendFieldList(nil, "r", "%"))
	for n := 0; ; n++ {
		p, err := c.ReadPacket()
		if err != nil {
			t.Fatal(err)
		}
		if wire.IsEOF(p, c.Caps()) {
			if n != 4 {
				t.Errorf("%d fields", n)
			}
			break
		}
		var d wire.Column
		if err := wire.ParseColumn(p, c.Caps(), &d); err != nil {
			t.Fatal(err)
		}
		if again := wire.AppendColumn(nil, c.Caps(), &d); n > 0 && !bytes.Equal(again, p) && !bytes.Equal(append(again, 0xfb), p) {
			t.Errorf("%q %q", p, again)
		}
	}
	send(c, wire.AppendCommand(nil, wire.ComStatistics, ""))
	if p, err := c.ReadPacket(); err != nil || !bytes.HasPrefix(p, []byte("Uptime")) {
		t.Errorf("%q %v", p, err)
	}
	for _, p := range [][]byte{
		wire.AppendCommand(nil, wire.ComPing, ""), wire.AppendCommand(nil, wire.ComInitDB, "w_3"),
		wire.AppendSetOption(nil, wire.OptionMultiStatementsOn), wire.AppendCommand(nil, wire.ComResetConnection, ""),
	} {
		send(c, p)
		p, err := c.ReadPacket()
		var ok wire.OK
		if err != nil || wire.IsError(p) || wire.ParseOK(p, c.Caps(), &ok) != nil || !ok.Status.Has(wire.StatusAutocommit) {
			t.Errorf("%q %v", p, err)
		}
	}
}

func bigPackets(t *testing.T, c *wire.Conn) {
	sizes := []int{1<<24 - 20, 1<<24 - 1, 1 << 24, 40 << 20}
	if c.Caps().Has(wire.ClientCompress) {
		sizes = []int{17 << 20}
	}
	for _, n := range sizes {
		head := "SELECT LENGTH('"
		sql := head + strings.Repeat("x", n-len(head)-3) + "')" // the command byte makes it n
		if got := mustQuery(t, c, sql).rows[0][0]; got != fmt.Sprint(n-len(head)-3) {
			t.Errorf("%d: %s", n, got)
		}
		r := mustQuery(t, c, fmt.Sprintf("SELECT REPEAT('y', %d), 1", n-4)) // its length takes four bytes, mostly
		if len(r.rows[0][0]) != n-4 || strings.Trim(r.rows[0][0], "y") != "" || r.rows[0][1] != "1" {
			t.Errorf("%d: %d bytes came", n, len(r.rows[0][0]))
		}
	}
}

// stmt prepares a statement.
func prepare(t *testing.T, c *wire.Conn, sql string) (wire.PrepareOK, []wire.Column) {
	t.Helper()
	send(c, wire.AppendCommand(nil, wire.ComStmtPrepare, sql))
	p, err := c.ReadPacket()
	if err != nil || !wire.IsOK(p) {
		t.Fatalf("%q %v", p, err)
	}
	ok, err := wire.ParsePrepareOK(p)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(wire.AppendPrepareOK(nil, ok), p) {
		t.Errorf("%q", p)
	}
	var cols []wire.Column
	for i, n := range []int{int(ok.Params), int(ok.Columns)} {
		for range n {
			p, _ := c.ReadPacket()
			var d wire.Column
			if err := wire.ParseColumn(bytes.Clone(p), c.Caps(), &d); err != nil {
				t.Fatal(err)
			}
			if i == 1 {
				cols = append(cols, d)
			}
		}
		if n > 0 && !c.Caps().Has(wire.ClientDeprecateEOF) {
			if p, err := c.ReadPacket(); err != nil || !wire.IsEOF(p, c.Caps()) {
				t.Fatalf("%q %v", p, err)
			}
		}
	}
	return ok, cols
}

func prepared(t *testing.T, c *wire.Conn) {
	params := []wire.Param{
		{ParamType: wire.ParamType{Type: wire.TypeTiny}, Int: ^uint64(0)},
		{ParamType: wire.ParamType{Type: wire.TypeTiny, Unsigned: true}, Int: 255},
		{ParamType: wire.ParamType{Type: wire.TypeShort}, Int: ^uint64(1)},
		{ParamType: wire.ParamType{Type: wire.TypeLong, Unsigned: true}, Int: math.MaxUint32},
		{ParamType: wire.ParamType{Type: wire.TypeLongLong}, Int: 1 << 63},
		{ParamType: wire.ParamType{Type: wire.TypeLongLong, Unsigned: true}, Int: math.MaxUint64},
		{ParamType: wire.ParamType{Type: wire.TypeDouble}, Float: -1.5},
		{ParamType: wire.ParamType{Type: wire.TypeFloat}, Float: 0.25},
		{ParamType: wire.ParamType{Type: wire.TypeVarString}, Bytes: []byte("it's")},
		{ParamType: wire.ParamType{Type: wire.TypeNewDecimal}, Bytes: []byte("-12.340")},
		{ParamType: wire.ParamType{Type: wire.TypeDate}, Time: wire.Temporal{Year: 2026, Month: 2, Day: 3}},
		{ParamType: wire.ParamType{Type: wire.TypeDateTime}, Time: wire.Temporal{Year: 2026, Month: 2, Day: 3, Hour: 4, Second: 5, Micro: 6}},
		{ParamType: wire.ParamType{Type: wire.TypeTime}, Time: wire.Temporal{Neg: true, Days: 3, Hour: 4, Minute: 5, Second: 6, Micro: 700}},
		{ParamType: wire.ParamType{Type: wire.TypeNull}, Null: true},
		{ParamType: wire.ParamType{Type: wire.TypeVarString}, Null: true},
		{ParamType: wire.ParamType{Type: wire.TypeBlob}, Long: true, Bytes: []byte("long data")},
	}
	want := "-1|255|-2|4294967295|-9223372036854775808|18446744073709551615|-1.5|0.25|it's|-12.340|2026-02-03|2026-02-03 04:00:05.000006|-76:05:06.000700|NULL|NULL|long data"
	sql := "SELECT CONCAT_WS('|'" + strings.Repeat(", IFNULL(?, 'NULL')", len(params)) + ")"
	ok, cols := prepare(t, c, sql)
	if int(ok.Params) != len(params) || ok.Columns != 1 {
		t.Fatalf("%+v", ok)
	}
	for _, newTypes := range []bool{true, false} {
		last := len(params) - 1
		c.ResetSeq()
		c.AppendPacket(wire.AppendLongData(nil, ok.StmtID, uint16(last), params[last].Bytes[:4]))
		c.ResetSeq()
		c.AppendPacket(wire.AppendLongData(nil, ok.StmtID, uint16(last), params[last].Bytes[4:]))
		packet := wire.AppendExecute(nil, ok.StmtID, wire.CursorNone, params, newTypes)
		send(c, packet)
		r, err := readResult(c, true, nil)
		if err != nil {
			t.Fatal(err)
		}
		var row wire.BinaryRow
		if err := row.Reset(r.raw[0], 1); err != nil {
			t.Fatal(err)
		}
		v, null, good := row.Next(cols[0].Type)
		if string(v) != want || null || !good || !row.Done() {
			t.Errorf("got  %s\nwant %s", v, want)
		}
		// What was built is read back the same.
		got := make([]wire.Param, len(params))
		for i := range got {
			got[i].ParamType, got[i].Long = params[i].ParamType, params[i].Long
			if got[i].Long {
				got[i].Bytes = params[i].Bytes
			}
		}
		if e, err := wire.ParseExecute(packet, got); err != nil || e.StmtID != ok.StmtID || e.NewTypes != newTypes {
			t.Fatalf("%+v %v", e, err)
		}
		if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", params) {
			t.Errorf("got  %+v\nwant %+v", got, params)
		}
	}
	send(c, wire.AppendStmtCommand(nil, wire.ComStmtReset, ok.StmtID))
	if p, err := c.ReadPacket(); err != nil || !wire.IsOK(p) {
		t.Errorf("%q %v", p, err)
	}
	send(c, wire.AppendStmtCommand(nil, wire.ComStmtClose, ok.StmtID))

	// A cursor.
	ok, cols = prepare(t, c, "SELECT seq FROM seq_1_to_10")
	send(c, wire.AppendExecute(nil, ok.StmtID, wire.CursorReadOnly, nil, false))
	r, err := readResult(c, true, nil)
	if err != nil || !r.ok.Status.Has(wire.StatusCursorExists) {
		t.Fatalf("%+v %v", r, err)
	}
	var seen []uint64
	for done := false; !done; {
		send(c, wire.AppendFetch(nil, ok.StmtID, 4))
		for {
			p, err := c.ReadPacket()
			if err != nil {
				t.Fatal(err)
			}
			if wire.IsEOF(p, c.Caps()) {
				st, _ := wire.PeekStatus(p, c.Caps())
				done = st.Has(wire.StatusLastRowSent)
				break
			}
			var row wire.BinaryRow
			row.Reset(p, 1)
			v, _, _ := row.Next(cols[0].Type)
			seen = append(seen, wire.BinaryInt(v, true))
		}
	}
	if fmt.Sprint(seen) != "[1 2 3 4 5 6 7 8 9 10]" {
		t.Error(seen)
	}
}

// binaryRows compares what AppendBinaryRow makes of a text row with what the server sends for a prepared statement.
func binaryRows(t *testing.T, c *wire.Conn) {
	mustQuery(t, c, `CREATE OR REPLACE TABLE b (
		i1 TINYINT, u1 TINYINT UNSIGNED, i2 SMALLINT, u2 SMALLINT UNSIGNED, i3 MEDIUMINT, u3 MEDIUMINT UNSIGNED ZEROFILL, i4 INT, u4 INT UNSIGNED,
		i8 BIGINT, u8 BIGINT UNSIGNED, y YEAR, f FLOAT, d DOUBLE, f2 FLOAT(9,3), d2 DOUBLE(20,5), n DECIMAL(30,10), b BIT(20), s VARCHAR(50), bl BLOB, e ENUM('p','q'), st SET('p','q'),
		da DATE, dt DATETIME, dt3 DATETIME(3), ti TIME, ti6 TIME(6), ts TIMESTAMP(6) NULL, j JSON, u UUID)`)
	mustQuery(t, c, "SET sql_mode = ''")
	mustQuery(t, c, `INSERT INTO b VALUES
		(-128, 255, -32768, 65535, -8388608, 16777215, -2147483648, 4294967295, -9223372036854775808, 18446744073709551615, 2155,
		 1.5e-10, -1.7976931348623157e308, 3.25, 12345.67891, -12345678901234567890.0123456789, b'10101010101010101010', 'text', 'blob', 'q', 'p,q',
		 '9999-12-31', '2026-01-02 03:04:05', '2026-01-02 03:04:05.123', '-838:59:59', '12:13:14.000015', '2026-01-02 03:04:05.000001', '{}', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'),
		(127, 0, 1, 2, 3, 4, 5, 6, 9223372036854775807, 8, 0, 3.4e38, 1e15, 0, 0.00001, 0, b'0', '', '', 'p', '',
		 '0000-00-00', '0000-00-00 00:00:00', '2026-01-02 00:00:00', '00:00:00', '-00:00:00.5', '2026-01-02 00:00:00', NULL, NULL)`)
	mustQuery(t, c, "INSERT INTO b () VALUES ()")
	text := mustQuery(t, c, "SELECT * FROM b")
	ok, _ := prepare(t, c, "SELECT * FROM b")
	send(c, wire.AppendExecute(nil, ok.StmtID, wire.CursorNone, nil, false))
	bin, err := readResult(c, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range text.raw {
		got, err := wire.AppendBinaryRow(nil, text.defs, text.raw[i])
		if err != nil {
			t.Errorf("row %d: %v", i, err)
			continue
		}
		var a, b wire.BinaryRow
		a.Reset(got, len(text.defs))
		b.Reset(bin.raw[i], len(text.defs))
		for j := range text.defs {
			d := &bin.defs[j]
			x, xn, xok := a.Next(d.Type)
			y, yn, yok := b.Next(d.Type)
			if !bytes.Equal(x, y) || xn != yn || !xok || !yok {
				// The text of a FLOAT has six digits only.
				if d.Type == wire.TypeFloat && len(x) == 4 {
					continue
				}
				t.Errorf("row %d, %s: %q is % x, MariaDB sends % x", i, d.Name, text.rows[i][j], x, y)
				continue
			}
			if yn || !d.Type.IsTemporal() {
				continue
			}
			tm, err := wire.ParseTemporal(y, d.Type)
			if s := tm.AppendText(nil, d.Type, d.Decimals); err != nil || string(s) != text.rows[i][j] {
				t.Errorf("row %d, %s: %s is written as %s", i, d.Name, text.rows[i][j], s)
			}
		}
		if !b.Done() {
			t.Errorf("row %d: not read to its end", i)
		}
	}
}
