package shard

import (
	"encoding/hex"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/topo/topotest"
)

func TestMain(m *testing.M) { os.Exit(farmtest.Main(m)) }

// many partitions tell nearly all values apart.
const many = 1 << 31

// connect gives a test a connection.
func connect(t testing.TB) *farmtest.Session {
	t.Helper()
	return farmtest.Connect(t, farmtest.Shared(t, 1).Leaves()[0])
}

// keyTypes are the types that may be shard keys.
var keyTypes = []string{
	"TINYINT", "TINYINT UNSIGNED", "SMALLINT", "MEDIUMINT UNSIGNED", "INT", "INT(8) UNSIGNED ZEROFILL", "BIGINT", "BIGINT UNSIGNED",
	"BIT(1)", "BIT(12)", "BIT(64)", "YEAR",
	"DECIMAL(10,2)", "DECIMAL(30,10)", "DECIMAL(5,0) UNSIGNED", "DECIMAL(65,30)",
	"CHAR(6)", "VARCHAR(12)", "VARCHAR(3)", "VARCHAR(12) COLLATE utf8mb4_bin", "CHAR(6) COLLATE utf8mb4_nopad_bin", "VARCHAR(12) COLLATE utf8mb4_general_nopad_ci",
	"VARCHAR(12) COLLATE utf8mb4_unicode_ci", "VARCHAR(12) COLLATE utf8mb4_uca1400_ai_ci", "VARCHAR(12) COLLATE utf8mb4_unicode_520_nopad_ci",
	"VARCHAR(12) CHARACTER SET utf8mb3", "VARCHAR(12) CHARACTER SET latin1", "VARCHAR(12) CHARACTER SET latin1 COLLATE latin1_german2_ci",
	"CHAR(12) CHARACTER SET latin1 COLLATE latin1_bin", "VARCHAR(12) CHARACTER SET ascii", "VARCHAR(12) CHARACTER SET cp1251", "VARCHAR(12) CHARACTER SET gbk",
	"VARCHAR(12) CHARACTER SET ucs2", "CHAR(12) CHARACTER SET utf16", "VARCHAR(12) COLLATE utf8mb4_czech_ci", "VARCHAR(12) COLLATE utf8mb4_uca1400_as_ci",
	"VARCHAR(12) CHARACTER SET swe7",
	"BINARY(4)", "VARBINARY(12)", "CHAR(4) CHARACTER SET binary",
	"DATE", "DATETIME", "DATETIME(3)", "DATETIME(6)", "TIME", "TIME(6)", "TIME(2)",
	"UUID", "INET4", "INET6",
	"ENUM('a','B','ö','2','it''s','x,y','')", "SET('a','B','ö','2','it''s')", "ENUM('a','ss','z') CHARACTER SET latin1 COLLATE latin1_german2_ci",
	"ENUM('ch','h') COLLATE utf8mb4_czech_ci",
}

// literal is a piece of SQL and the Value that stands for it.
type literal struct {
	sql   string
	value Value
	param any // the same as a parameter of the binary protocol; nil for none
}

func literals() []literal {
	var out []literal
	for _, n := range []string{"0", "1", "2", "3", "5", "7", "12", "65", "100", "127", "128", "255", "256", "1999", "2020", "2155", "2156", "4095", "4096", "32768",
		"16777215", "2147483647", "4294967295", "4294967296", "9007199254740991", "9007199254740992", "9007199254740993", "9223372036854775807", "9223372036854775808", "18446744073709551615", "18446744073709551616",
		"007", "5.0", "5.5", "5.50", "0.0", "0.1", ".5", "5.", "123.45", "123.456", "12345678.99", "20200102", "101010", "1e0", "5e0", "1e3", "5E-1", "12.5e1", "0.30000000000000004", "1234567890123456789.0123456789"} {
		for _, neg := range []bool{false, true} {
			l := literal{sql: n, value: NumberValue([]byte(n), neg)}
			if neg {
				l.sql = "-" + n
			}
			if i, err := strconv.ParseInt(l.sql, 10, 64); err == nil {
				l.param = i
				out = append(out, literal{sql: l.sql, value: IntValue(i)})
			} else if u, err := strconv.ParseUint(l.sql, 10, 64); err == nil {
				l.param = u
				out = append(out, literal{sql: l.sql, value: UintValue(u)})
			} else if f, err := strconv.ParseFloat(l.sql, 64); err == nil && strings.ContainsAny(n, "eE") {
				out = append(out, literal{sql: l.sql, value: FloatValue(f), param: f})
			}
			out = append(out, l)
		}
	}
	for _, s := range []string{"", " ", "0", "5", " 5", "5 ", "5abc", "+5", "-5", "-0", "007", "5.0", "5.50", "5e0", "1e3", ".5", "0.1", "123.45", "123.456", "12345678.99",
		"1234567890.0123456789", "9007199254740993", "9223372036854775807", "9223372036854775808", "18446744073709551615", "-9223372036854775808",
		"20", "70", "1999", "2020", "2155", "0000", "2156", "a", "A", "a ", "a  ", " a", "aa", "AA", "b", "B", "ä", "Ä", "ae", "z", "ß", "ss", "SS", "é", "E", "e", "æ", "ch", "CH", "ch ", "c\u00adh", "h", "l·", "ŀ",
		"Ж", "ж", "漢", "가", "😀", "𝐀", "a\t", "a\x00", "\x00", "a\u00a0", "\u00ad", "it's", "x,y", "a,B", "B,a", "a,a", "b,A ", "2", "1", "toolongavalue", "toolongavalueX", "abcd", "abc ", "abc  ",
		"2020-01-02", "2020-1-2", "2020-01-02 00:00:00", "2020-01-02 10:11:12", "2020-01-02T10:11:12", "2020-01-02 10:11:12.5", "2020-01-02 10:11:12.500", "2020-01-02 10:11:12.123456", "2020-01-02 10:11:12.1234567",
		"2020-01-02 10:11", "20200102", "20200102101112", "0000-00-00", "0000-00-00 00:00:00", "2020-00-00", "2020-02-30", "2020-02-29", "2019-02-29", "20-01-02", "2020-01-02 24:00:00", "2020-01-02 ", "2020-01-02 10:11:12 ",
		"10:11:12", "-10:11:12", "-00:00:00", "00:00:00", "100:00:00", "838:59:59", "839:00:00", "-838:59:59", "10:11", "10:11:12.5", "10:11:12.123456", "1 10:11:12", "101112", "010:11:12", "10:1:2",
		"123e4567-e89b-12d3-a456-426655440000", "123E4567-E89B-12D3-A456-426655440000", "123e4567e89b12d3a456426655440000", "{123e4567-e89b-12d3-a456-426655440000}",
		"::1", "0:0:0:0:0:0:0:1", "2001:DB8::1", "2001:db8:0:0::1", "::ffff:192.0.2.1", "::192.0.2.1", "192.0.2.1", "192.0.2.01", "1.2.3", "::1%eth0", "fe80::"} {
		h := hex.EncodeToString([]byte(s))
		out = append(out, literal{sql: "_utf8mb4 x'" + h + "'", value: StringValue([]byte(s), "utf8mb4"), param: s})
		if ascii([]byte(s)) {
			out = append(out, literal{sql: "_latin1 x'" + h + "'", value: StringValue([]byte(s), "latin1")})
		}
	}
	out = append(out, literal{sql: "_latin1 x'e4'", value: StringValue([]byte{0xe4}, "latin1")}, literal{sql: "_latin1 x'80'", value: StringValue([]byte{0x80}, "latin1")})
	for _, b := range []string{"", "a", "A", "a ", "a\x00\x00\x00", "ab", "abcd", "abcde", "\x05", "\x00\x05", "5", "\xff\xff\xff\xff\xff\xff\xff\xff", "\x01\xff\xff\xff\xff\xff\xff\xff\xff", "\xc3\xa4"} {
		h := hex.EncodeToString([]byte(b))
		out = append(out, literal{sql: "x'" + h + "'", value: Value{Kind: Bytes, B: []byte(b)}})
		if b != "" {
			out = append(out, literal{sql: "0x" + h, value: Value{Kind: Hybrid, B: []byte(b)}})
		}
	}
	dt := func(sql string, kind ValueKind, v int64) {
		out = append(out, literal{sql: sql, value: Value{Kind: kind, I: v}})
	}
	dt("DATE'2020-01-02'", Date, PackDateTime(2020, 1, 2, 0, 0, 0, 0))
	dt("TIMESTAMP'2020-01-02 00:00:00'", DateTime, PackDateTime(2020, 1, 2, 0, 0, 0, 0))
	dt("TIMESTAMP'2020-01-02 10:11:12'", DateTime, PackDateTime(2020, 1, 2, 10, 11, 12, 0))
	dt("TIMESTAMP'2020-01-02 10:11:12.500000'", DateTime, PackDateTime(2020, 1, 2, 10, 11, 12, 500000))
	dt("TIMESTAMP'2020-01-02 10:11:12.123456'", DateTime, PackDateTime(2020, 1, 2, 10, 11, 12, 123456))
	dt("TIME'10:11:12'", Time, PackTime(false, 0, 10, 11, 12, 0))
	dt("TIME'-10:11:12.123456'", Time, PackTime(true, 0, 10, 11, 12, 123456))
	dt("TIME'100:00:00'", Time, PackTime(false, 4, 4, 0, 0, 0))
	return append(out, literal{sql: "NULL"})
}

// TestAgainstServer stores every literal into every type and compares every literal with what was stored.
func TestAgainstServer(t *testing.T) {
	s := connect(t)
	s.Exec("CREATE DATABASE shard_test")
	t.Cleanup(func() { s.Exec("DROP DATABASE shard_test") })
	s.Exec("USE shard_test")
	ls := literals()
	counts := map[string]int{}
	for _, mode := range []string{"STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION", ""} {
		for i, typ := range keyTypes {
			if mode == "" && i%4 != 0 {
				continue // a sample is enough for the looser conversions
			}
			s.Exec("SET sql_mode='" + mode + "'")
			s.Exec("CREATE OR REPLACE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, k " + typ + ") CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
			checkType(s, typ, ls, counts)
		}
	}
	t.Logf("%v", counts)
}

func checkType(s *farmtest.Session, typ string, ls []literal, counts map[string]int) {
	t := s.TB
	col := topotest.Columns(s, "t")[1]
	f, err := New([]topo.Column{col}, many)
	if err != nil {
		t.Fatalf("%s: %v", typ, err)
	}
	declared := Block{}.Type(col.Name, col.FullType, col.Charset, col.Collation)
	ordinal := func(text []byte) int {
		n, err := f.Row([][]byte{text}, "utf8mb4")
		if err != nil {
			if !errors.Is(err, ErrAskLeaf) && !errors.Is(err, ErrInexact) {
				t.Errorf("%s: row %q: %v", typ, text, err)
			}
			return -1
		}
		return n
	}
	for i, l := range ls {
		want, serr := f.Store([]Value{l.value})
		if err := s.Try("INSERT INTO t (k) VALUES (" + l.sql + ")"); err != nil {
			counts["refused"]++
			continue
		}
		got, err := s.TryRows("SELECT k FROM t WHERE id = LAST_INSERT_ID()")
		if err != nil {
			t.Fatal(err)
		}
		n := ordinal(got[0][0])
		switch {
		case errors.Is(serr, ErrAskLeaf):
			counts["store ask"]++
		case serr != nil:
			counts["store inexact"]++
		case n != want && n >= 0:
			t.Errorf("%s: storing %s leaves %q, which Store did not foresee", typ, l.sql, got[0][0])
		default:
			counts["store exact"]++
		}
		if serr == nil && i%5 != 0 {
			continue // the leaf is asked when Store does not know; now and then besides
		}
		answer, err := s.TryRows(string(f.StoreSQL(nil, Block{}, []string{declared}, [][]string{{l.sql}})))
		if err != nil || len(answer) != 1 {
			t.Errorf("%s: StoreSQL for %s: %v", typ, l.sql, err)
			continue
		}
		if a, err := f.Answer(answer[0]); err != nil || n >= 0 && a != n || serr == nil && a != want {
			t.Errorf("%s: StoreSQL for %s answers %q, ordinal %d, %v; the row %q has %d", typ, l.sql, answer[0], a, err, got[0][0], n)
		}
	}
	checkCompare(s, typ, f, ls, ordinal, counts)
	checkEquality(s, typ, ordinal, counts)
}

// checkCompare looks for rows that equal a literal and are not where Compare says.
func checkCompare(s *farmtest.Session, typ string, f *Func, ls []literal, ordinal func([]byte) int, counts map[string]int) {
	for i, l := range ls {
		want, err := f.Compare([]Value{l.value})
		if err != nil {
			counts["compare not exact"]++
			continue
		}
		counts["compare exact"]++
		queries := []string{"k = " + l.sql, "k IN (" + l.sql + ", " + l.sql + ")", "k <=> " + l.sql}
		for _, q := range queries[:1+i%3] {
			check(s, typ, "SELECT DISTINCT BINARY k, k FROM t WHERE "+q, want, ordinal)
		}
		if l.param != nil {
			check(s, typ, "SELECT DISTINCT BINARY k, k FROM t WHERE k = ?", want, ordinal, l.param)
		}
	}
}

func check(s *farmtest.Session, typ, q string, want int, ordinal func([]byte) int, args ...any) {
	rows, err := s.TryRows(q, args...)
	if err != nil {
		return // an illegal mix or a bad value: nothing is found anywhere
	}
	for _, r := range rows {
		if n := ordinal(r[1]); n >= 0 && n != want {
			s.Errorf("%s: %s %v finds %q, which is in another partition than Compare says", typ, q, args, r[1])
		}
	}
}

// checkEquality has the server find the equal ones among every two stored values: they, and no others, share a partition.
func checkEquality(s *farmtest.Session, typ string, ordinal func([]byte) int, counts map[string]int) {
	s.Exec("CREATE OR REPLACE TEMPORARY TABLE d SELECT MIN(id) id FROM t WHERE k IS NOT NULL GROUP BY BINARY k, LENGTH(k)")
	s.Exec("CREATE OR REPLACE TEMPORARY TABLE e SELECT * FROM d")
	vals, err := s.TryRows("SELECT t.id, k FROM t JOIN d USING (id)")
	if err != nil {
		s.Fatal(typ, err)
	}
	type value struct {
		text string
		n    int
	}
	byID := map[string]value{}
	shared := map[int]int{}
	for _, v := range vals {
		n := ordinal(v[1])
		byID[string(v[0])] = value{string(v[1]), n}
		if n >= 0 {
			shared[n]++
		}
	}
	together := 0
	for _, n := range shared {
		together += n * (n - 1) / 2
	}
	pairs, err := s.TryRows("SELECT a.id, b.id FROM d JOIN t a USING (id), e JOIN t b USING (id) WHERE a.id < b.id AND a.k = b.k")
	if err != nil {
		s.Fatal(typ, err)
	}
	for _, p := range pairs {
		a, b := byID[string(p[0])], byID[string(p[1])]
		switch {
		case a.n < 0 || b.n < 0:
		case a.n != b.n:
			s.Errorf("%s: %q = %q, in partitions %d and %d", typ, a.text, b.text, a.n, b.n)
		default:
			together--
		}
	}
	if together != 0 {
		s.Errorf("%s: %d pairs of different values have one hash", typ, together)
	}
	counts["pairs"] += len(vals) * (len(vals) - 1) / 2
}
