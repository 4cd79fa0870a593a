package value

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/collate"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
	"github.com/orbweaver/orbweaver/internal/wire"
)

func TestMain(m *testing.M) { os.Exit(farmtest.Main(m)) }

// session is one connection to a real MariaDB.
type session struct {
	t *testing.T
	*wire.Conn
}

func connect(t *testing.T) *session {
	t.Helper()
	nc, err := net.Dial("unix", farmtest.Shared(t, 1).Leaves()[0].Socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := wire.Connect(ctx, nc, &wire.ClientConfig{User: "root", Caps: wire.ClientDeprecateEOF | wire.MariaDBExtendedMetadata})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &session{t, c}
}

func (s *session) packet() []byte {
	s.t.Helper()
	p, err := s.ReadPacket()
	if err != nil {
		s.t.Fatal(err)
	}
	return bytes.Clone(p)
}

func (s *session) send(cmd wire.Command, body []byte) {
	s.t.Helper()
	s.ResetSeq()
	if err := s.FinishPacket(append(append(s.StartCommand(), byte(cmd)), body...)); err != nil {
		s.t.Fatal(err)
	}
	if err := s.Flush(); err != nil {
		s.t.Fatal(err)
	}
}

// query gives the columns and the cells of an answer in one of the protocols.
func (s *session) query(f Format, sql string) ([]Column, [][][]byte) {
	s.t.Helper()
	fail := func(p []byte) {
		e, _ := wire.ParseError(p)
		s.t.Fatalf("%.400s: %v", sql, e)
	}
	if f == Binary {
		s.send(wire.ComStmtPrepare, []byte(sql))
		head := s.packet()
		if wire.IsError(head) {
			fail(head)
		}
		ok, err := wire.ParsePrepareOK(head)
		if err != nil {
			s.t.Fatal(err)
		}
		for range ok.Columns {
			s.packet()
		}
		s.send(wire.ComStmtExecute, wire.AppendExecute(nil, ok.StmtID, 0, nil, true)[1:])
	} else {
		s.send(wire.ComQuery, []byte(sql))
	}
	head := s.packet()
	if wire.IsError(head) {
		fail(head)
	}
	if wire.IsOK(head) {
		return nil, nil
	}
	n, _, err := wire.ParseColumnCount(head, s.Caps())
	if err != nil {
		s.t.Fatal(err)
	}
	cols := make([]Column, n)
	for i := range cols {
		var d wire.Column
		if err := wire.ParseColumn(s.packet(), s.Caps(), &d); err != nil {
			s.t.Fatal(err)
		}
		cols[i] = Of(&d, f)
	}
	var rows [][][]byte
	for {
		p := s.packet()
		if wire.IsError(p) {
			fail(p)
		}
		if wire.IsEOF(p, s.Caps()) {
			return cols, rows
		}
		cells := make([][]byte, n)
		if f == Text {
			if err := wire.SplitTextRow(p, cells); err != nil {
				s.t.Fatal(err)
			}
		} else {
			var r wire.BinaryRow
			if err := r.Reset(p, n); err != nil {
				s.t.Fatal(err)
			}
			for i := range cells {
				v, null, ok := r.Next(cols[i].Type)
				if !ok {
					s.t.Fatalf("%s: malformed row", sql)
				}
				if !null {
					cells[i] = v
				}
			}
		}
		rows = append(rows, cells)
	}
}

// TestDoubles prints random doubles as MariaDB does, free and with decimals.
func TestDoubles(t *testing.T) {
	s := connect(t)
	r := rand.New(rand.NewPCG(1, 1))
	var fs []float64
	for e := -25; e < 25; e++ {
		for _, m := range []float64{1, 1.5, -9.999999999999999, 1.2345678901234567, 5e-1} {
			f, _ := strconv.ParseFloat(fmt.Sprintf("%ve%d", m, e), 64)
			fs = append(fs, f)
		}
	}
	fs = append(fs, 0, math.Copysign(0, -1), math.MaxFloat64, -math.MaxFloat64, 2.2250738585072014e-308, 5e-324, 1<<53, 123456789012345, 1234567890123456, 999999999999999, 1e15, 0.1+0.2)
	for range 3000 {
		f := math.Float64frombits(r.Uint64())
		switch r.IntN(3) {
		case 0:
			f = r.NormFloat64() * math.Pow(10, float64(r.IntN(40)-20))
		case 1:
			f = float64(r.IntN(2_000_000)-1_000_000) / math.Pow(10, float64(r.IntN(7)))
		}
		if !math.IsNaN(f) && !math.IsInf(f, 0) {
			fs = append(fs, f)
		}
	}
	s.query(Text, "CREATE OR REPLACE DATABASE value_doubles")
	defer s.query(Text, "DROP DATABASE value_doubles")
	s.query(Text, "SET sql_mode=''")
	s.query(Text, "CREATE TABLE value_doubles.t (id INT PRIMARY KEY, d DOUBLE, f FLOAT, d2 DOUBLE(30,2), f3 FLOAT(20,3))")
	for i := 0; i < len(fs); i += 500 {
		var q strings.Builder
		for j, f := range fs[i:min(i+500, len(fs))] {
			x := strconv.FormatFloat(f, 'e', -1, 64)
			fmt.Fprintf(&q, ",(%d,%s,%s,%s,%s)", i+j, x, x, x, x)
		}
		s.query(Text, "INSERT IGNORE INTO value_doubles.t VALUES "+q.String()[1:])
	}
	cols, text := s.query(Text, "SELECT d, f, d2, f3 FROM value_doubles.t ORDER BY id")
	_, raw := s.query(Binary, "SELECT d, f, d2, f3 FROM value_doubles.t ORDER BY id")
	for i := range text {
		for c := range cols {
			var got []byte
			if cols[c].Class == Double {
				got = AppendDouble(nil, readDouble(raw[i][c]), cols[c].Decimals)
			} else {
				got = AppendFloat(nil, readFloat(raw[i][c]), cols[c].Decimals)
			}
			if !bytes.Equal(got, text[i][c]) {
				t.Errorf("column %d: %s printed as %s, MariaDB %s", c, strconv.FormatFloat(fs[i], 'e', -1, 64), got, text[i][c])
			}
		}
	}
}

// TestLiterals gives values of every type back to the server: the literal must have the same value, type and collation.
func TestLiterals(t *testing.T) {
	s := connect(t)
	s.query(Text, "CREATE OR REPLACE DATABASE value_literals CHARACTER SET utf8mb4")
	defer s.query(Text, "DROP DATABASE value_literals")
	s.query(Text, "USE value_literals")
	s.query(Text, "SET sql_mode='ALLOW_INVALID_DATES'")
	s.query(Text, `CREATE TABLE t (a TINYINT, b BIGINT, c BIGINT UNSIGNED, d INT ZEROFILL, e YEAR, f DECIMAL(20,5), g DECIMAL(65,30), h DOUBLE, i FLOAT, j DATE, k DATETIME, l DATETIME(6),
		m TIME, n TIME(3), o BIT(12), p VARBINARY(20), q VARCHAR(20), r TEXT, s VARCHAR(20) COLLATE utf8mb4_bin, u BLOB, v TIMESTAMP(2) NULL)`)
	s.query(Text, `INSERT INTO t VALUES
		(1, 9223372036854775807, 18446744073709551615, 7, 2026, 12.50000, 1.000000000000000000000000000001, 1.5, 1.5, '2026-02-28', '2026-02-28 01:02:03', '2026-02-28 01:02:03.000001', '10:11:12', '-10:11:12.5', 4095, 'a''b', 'ä''\\', 'x', 'A', x'00ff', '2026-02-28 01:02:03.45'),
		(-1, -9223372036854775808, 0, 0, 0, -0.00001, -99999999999999999999999999999999999, -1e300, -2e-10, '0000-00-00', '0000-00-00', '9999-12-31 23:59:59.999999', '-838:59:59', '838:59:59', 0, '', '', '', '', '', NULL),
		(0, 0, 1, 1, 1901, 0, 0, 0, 0, '2024-02-31', '1000-01-01', '2024-00-00', '00:00:00', '00:00:00', 1, x'00', '😀', REPEAT('y', 300), ' ', 'z', NULL),
		(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)`)
	for _, f := range []Format{Text, Binary} {
		cols, rows := s.query(f, "SELECT * FROM t")
		for _, row := range rows {
			var q strings.Builder
			for i, c := range row {
				l, err := Literal(nil, &cols[i], c)
				if err != nil {
					t.Fatal(i, err)
				}
				fmt.Fprintf(&q, ", %s", l)
			}
			gotCols, got := s.query(f, "SELECT "+q.String()[2:])
			for i := range row {
				want := row[i]
				name := string(rune('a' + i))
				if want == nil {
					if got[0][i] != nil {
						t.Errorf("%s: NULL comes back as %q", name, got[0][i])
					}
					continue
				}
				if !same(&cols[i], &gotCols[i], want, got[0][i]) {
					t.Errorf("column %d, protocol %d: %q comes back as %q, class %s", i, f, want, got[0][i], gotCols[i].Class)
				}
				a, b := cols[i].Class, gotCols[i].Class
				if a == Bit {
					a = Bytes // a literal of bits is a byte string, and a number among numbers
				}
				if a != b || a == Decimal && (cols[i].Decimals != gotCols[i].Decimals || cols[i].Length != gotCols[i].Length) {
					t.Errorf("column %d, protocol %d: %s with %d decimals, length %d comes back as %s with %d, %d", i, f, a, cols[i].Decimals, cols[i].Length, b, gotCols[i].Decimals, gotCols[i].Length)
				}
			}
		}
	}
	for _, name := range []string{"utf8mb4_bin", "utf8mb4_unicode_ci", "latin1_german2_ci", "utf8mb4_uca1400_as_cs", "cp1251_general_ci", "ucs2_general_ci", "gbk_chinese_ci"} {
		c := Column{Class: String, Collation: collate.Lookup(name)}
		l, err := Literal(nil, &c, []byte("AbAb"))
		if err != nil {
			t.Fatal(err)
		}
		_, rows := s.query(Text, fmt.Sprintf("SELECT COLLATION(%s), HEX(%s), COERCIBILITY(%s)", l, l, l))
		if r := rows[0]; string(r[0]) != name || string(r[1]) != "41624162" || string(r[2]) != "2" {
			t.Errorf("%s: %q", name, r)
		}
	}
}

// same compares two cells of a class, which may differ in width.
func same(a, b *Column, x, y []byte) bool {
	switch a.Class {
	case Int:
		u, _ := a.Uint64(x)
		v, err := b.Uint64(y)
		return err == nil && u == v
	case Bit:
		return compareBits(x, y) == 0
	case Date, DateTime, Time:
		if a.Format == Binary {
			p, _ := wire.ParseTemporal(x, a.Type)
			q, err := wire.ParseTemporal(y, b.Type)
			return err == nil && p == q
		}
	}
	return bytes.Equal(x, y)
}
