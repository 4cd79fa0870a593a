package merge

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/value"
	"github.com/orbweaver/orbweaver/internal/wire"
)

func TestMain(m *testing.M) { os.Exit(farmtest.Main(m)) }

// leaf is one connection to a real MariaDB, with the packets as they are.
type leaf struct {
	t testing.TB
	*wire.Conn
}

func connect(t testing.TB) *leaf {
	t.Helper()
	nc, err := net.Dial("unix", farmtest.Shared(t, 1).Leaves()[0].Socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := wire.Connect(ctx, nc, &wire.ClientConfig{User: "root", Caps: wire.ClientDeprecateEOF | wire.MariaDBExtendedMetadata | wire.ClientMultiResults})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &leaf{t, c}
}

// result is an answer: definitions and the payloads of its rows.
type result struct {
	defs []wire.Column
	rows [][]byte
	at   int
}

func (r *result) Next() ([]byte, error) {
	if r.at == len(r.rows) {
		return nil, io.EOF
	}
	r.at++
	return r.rows[r.at-1], nil
}

func (l *leaf) packet() []byte {
	l.t.Helper()
	p, err := l.ReadPacket()
	if err != nil {
		l.t.Fatal(err)
	}
	return bytes.Clone(p)
}

func (l *leaf) send(cmd wire.Command, body []byte) {
	l.t.Helper()
	l.ResetSeq()
	if err := l.FinishPacket(append(append(l.StartCommand(), byte(cmd)), body...)); err != nil {
		l.t.Fatal(err)
	}
	if err := l.Flush(); err != nil {
		l.t.Fatal(err)
	}
}

// query runs a statement in one of the protocols.
func (l *leaf) query(f value.Format, sql string) *result {
	l.t.Helper()
	if f == value.Binary {
		l.send(wire.ComStmtPrepare, []byte(sql))
		head := l.packet()
		if wire.IsError(head) {
			e, _ := wire.ParseError(head)
			l.t.Fatalf("%s: %v", sql, e)
		}
		ok, err := wire.ParsePrepareOK(head)
		if err != nil {
			l.t.Fatal(err)
		}
		for range int(ok.Columns) + int(ok.Params) {
			l.packet()
		}
		l.send(wire.ComStmtExecute, wire.AppendExecute(nil, ok.StmtID, 0, nil, true)[1:])
	} else {
		l.send(wire.ComQuery, []byte(sql))
	}
	return l.answer(sql)
}

func (l *leaf) answer(sql string) *result {
	l.t.Helper()
	head := l.packet()
	r := &result{}
	if wire.IsOK(head) {
		return r
	}
	if wire.IsError(head) {
		e, _ := wire.ParseError(head)
		l.t.Fatalf("%.300s: %v", sql, e)
	}
	n, _, err := wire.ParseColumnCount(head, l.Caps())
	if err != nil {
		l.t.Fatal(err)
	}
	r.defs = make([]wire.Column, n)
	for i := range r.defs {
		if err := wire.ParseColumn(l.packet(), l.Caps(), &r.defs[i]); err != nil {
			l.t.Fatal(err)
		}
	}
	for {
		p := l.packet()
		if wire.IsError(p) {
			e, _ := wire.ParseError(p)
			l.t.Fatalf("%.300s: %v", sql, e)
		}
		if wire.IsEOF(p, l.Caps()) {
			return r
		}
		r.rows = append(r.rows, p)
	}
}

func (l *leaf) exec(sql string) { l.t.Helper(); l.query(value.Text, sql) }

// merged merges the answers of both parts to a statement that names the table as %s.
func (l *leaf) merged(f value.Format, m *plan.Merge, sql string, offset, count int64) ([][]byte, error) {
	l.t.Helper()
	parts := []*result{l.query(f, fmt.Sprintf(sql, "p0")), l.query(f, fmt.Sprintf(sql, "p1")), l.query(f, fmt.Sprintf(sql, "p2"))}
	cfg := Config{Plan: m, Columns: parts[0].defs, Format: f, Offset: offset, Count: count}
	for _, p := range parts {
		cfg.Sources = append(cfg.Sources, p)
	}
	rows, err := New(cfg)
	if err != nil {
		return nil, err
	}
	var out [][]byte
	for {
		p, err := rows.Next()
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		out = append(out, bytes.Clone(p))
	}
}

// compare runs a statement both ways. same says whether two rows count as the same; nil is equality of bytes.
func (l *leaf) compare(f value.Format, m *plan.Merge, part, whole string, offset, count int64) {
	l.t.Helper()
	got, err := l.merged(f, m, part, offset, count)
	if err != nil {
		l.t.Errorf("%s: %v", part, err)
		return
	}
	want := l.query(f, whole)
	if len(got) != len(want.rows) {
		l.t.Errorf("%s: %d rows, MariaDB has %d", part, len(got), len(want.rows))
		return
	}
	for i := range got {
		if !bytes.Equal(got[i], want.rows[i]) {
			l.t.Errorf("%s (protocol %d): row %d is\n%q, MariaDB has\n%q", part, f, i, got[i], want.rows[i])
			return
		}
	}
}

// column is a column of the test table.
type column struct {
	name, typ string
	key       string // what a part sorts by and hides, when the cell is not enough
}

var columns = []column{
	{"i", "INT", ""}, {"u", "BIGINT UNSIGNED", ""}, {"z", "INT(8) ZEROFILL", ""}, {"t", "TINYINT", ""}, {"y", "YEAR", ""},
	{"de", "DECIMAL(12,3)", ""}, {"db", "DOUBLE", ""}, {"f", "FLOAT", "(%s)*1e0"}, {"da", "DATE", ""}, {"dt", "DATETIME(3)", ""}, {"ti", "TIME(2)", ""},
	{"bi", "BIT(12)", "(%s)+0"}, {"en", "ENUM('x','b','ä','C')", "(%s)+0"}, {"se", "SET('q','b','c')", "(%s)+0"}, {"vb", "VARBINARY(8)", ""}, {"bn", "BINARY(3)", ""},
}

// random is an SQL value for a column.
func random(r *rand.Rand, name string) string {
	if r.IntN(8) == 0 {
		return "NULL"
	}
	pick := func(s ...string) string { return s[r.IntN(len(s))] }
	switch name {
	case "i":
		return pick("-5", "0", "7", "-2147483648", "2147483647", fmt.Sprint(r.IntN(20)-10))
	case "u":
		return pick("0", "1", "18446744073709551615", "9223372036854775808", fmt.Sprint(r.IntN(9)))
	case "z", "t":
		return fmt.Sprint(r.IntN(100))
	case "y":
		return pick("0", "1901", "2155", "2024")
	case "de":
		return fmt.Sprintf("%d.%03d", r.IntN(40)-20, r.IntN(4)*250)
	case "db":
		return pick("0", "-0e0", "1e6", "-1e6", "0.0009765625", fmt.Sprint(float64(r.IntN(80)-40)/8))
	case "f":
		return pick("0", "1.2345678", "1.2345679", "1.2345671", "-7.25", "123456789", "123456790")
	case "da":
		return pick("'2024-02-29'", "'0000-00-00'", "'1000-01-01'", "'9999-12-31'", "'2024-03-01'")
	case "dt":
		return pick("'2024-02-29 00:00:00'", "'2024-02-29 00:00:00.001'", "'0000-00-00'", "'2024-02-28 23:59:59.999'", "'9999-12-31 23:59:59.999'")
	case "ti":
		return pick("'00:00:00'", "'-00:00:01'", "'-838:59:59'", "'838:59:59'", "'99:00:00'", "'100:00:00'", "'-25:00:00.5'", "'-25:00:00.25'", "'00:00:00.01'")
	case "bi":
		return pick("0", "1", "255", "256", "4095")
	case "en":
		return pick("'x'", "'b'", "'ä'", "4")
	case "se":
		return fmt.Sprint(r.IntN(8))
	case "vb":
		return pick("''", "'a'", "'A'", "'a '", "x'00'", "x'ff'")
	}
	return pick("'a'", "x'00'", "x'ffff'")
}

// fill makes the tables p0, p1, p2 and their union w.
func (l *leaf) fill(db string, defs []string, rows int, row func() []string) {
	l.t.Helper()
	l.exec("CREATE OR REPLACE DATABASE " + db + " CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
	l.t.Cleanup(func() { l.exec("DROP DATABASE IF EXISTS " + db) })
	l.exec("USE " + db)
	l.exec("SET sql_mode='ALLOW_INVALID_DATES'")
	for _, t := range []string{"p0", "p1", "p2", "w"} {
		l.exec("CREATE TABLE " + t + " (id INT PRIMARY KEY, " + strings.Join(defs, ", ") + ")")
	}
	r := rand.New(rand.NewPCG(1, 2))
	parts := map[string][]string{}
	for id := range rows {
		v := fmt.Sprintf("(%d, %s)", id, strings.Join(row(), ", "))
		p := fmt.Sprintf("p%d", r.IntN(3))
		parts[p], parts["w"] = append(parts[p], v), append(parts["w"], v)
	}
	for t, vs := range parts {
		l.exec("INSERT IGNORE INTO " + t + " VALUES " + strings.Join(vs, ","))
	}
}

func (l *leaf) fillTypes(rows int) {
	var defs []string
	for _, c := range columns {
		defs = append(defs, c.name+" "+c.typ)
	}
	r := rand.New(rand.NewPCG(3, 4))
	l.fill("merge_types", defs, rows, func() (out []string) {
		for _, c := range columns {
			out = append(out, random(r, c.name))
		}
		return out
	})
}

// TestTypes orders, groups and combines by every type.
func TestTypes(t *testing.T) {
	l := connect(t)
	l.fillTypes(300)
	for _, f := range []value.Format{value.Text, value.Binary} {
		for _, c := range columns {
			for _, desc := range []bool{false, true} {
				l.orderBy(f, c, desc)
			}
			l.groupBy(f, c)
		}
		l.extremes(f)
	}
}

func direction(desc bool) string {
	if desc {
		return " DESC"
	}
	return ""
}

func (l *leaf) orderBy(f value.Format, c column, desc bool) {
	l.t.Helper()
	by, hide, key, n := c.name, "", plan.Col(1), 0
	if c.key != "" {
		by = fmt.Sprintf(c.key, c.name)
		hide, key, n = ", "+by, -1, 1
	}
	m := &plan.Merge{Hidden: n, Sort: []plan.SortKey{{Col: key, Desc: desc}, {Col: 0}}}
	part := "SELECT id, " + c.name + hide + " FROM %s ORDER BY " + by + direction(desc) + ", id"
	whole := "SELECT id, " + c.name + " FROM w ORDER BY " + c.name + direction(desc) + ", id"
	l.compare(f, m, part, whole, 0, -1)
	l.compare(f, m, part, whole+" LIMIT 10, 20", 10, 20)
}

func (l *leaf) groupBy(f value.Format, c column) {
	l.t.Helper()
	by := c.name
	if c.key != "" {
		by = fmt.Sprintf(c.key, c.name)
	}
	list := "COUNT(*), COUNT(i), SUM(i), SUM(u), SUM(de), SUM(db), AVG(i), AVG(de), AVG(db), MIN(ti), MAX(dt), BIT_AND(u), BIT_OR(i), BIT_XOR(i), MIN(u), MAX(db), MIN(f), SUM(t)/2"
	part := "SELECT " + list + ", " + by + ", SUM(i), COUNT(i), SUM(de), COUNT(de), SUM(db), COUNT(db), SUM(t) FROM %s GROUP BY " + by + " ORDER BY " + by
	whole := "SELECT " + list + " FROM w GROUP BY " + by + " ORDER BY " + by
	const hidden = 8
	m := &plan.Merge{Hidden: hidden, Sort: []plan.SortKey{{Col: -hidden}}, Grouped: true, GroupKeys: 1, Aggs: []plan.Agg{
		{Col: 0}, {Col: 1}, {Col: 2}, {Col: 3}, {Col: 4}, {Col: 5},
		{Col: 6, Op: plan.AggAvg, Sum: -7, Count: -6}, {Col: 7, Op: plan.AggAvg, Sum: -5, Count: -4}, {Col: 8, Op: plan.AggAvg, Sum: -3, Count: -2},
		{Col: 9, Op: plan.AggMin}, {Col: 10, Op: plan.AggMax}, {Col: 11, Op: plan.AggBitAnd}, {Col: 12, Op: plan.AggBitOr}, {Col: 13, Op: plan.AggBitXor},
		{Col: 14, Op: plan.AggMin}, {Col: 15, Op: plan.AggMax}, {Col: 16, Op: plan.AggMin}, {Col: -1},
	}}
	// SUM(t)/2 is an expression over an aggregate: given back as it is by this test's evaluation, so it is left out of the comparison.
	part, whole = strings.Replace(part, ", SUM(t)/2", "", 1), strings.Replace(whole, ", SUM(t)/2", "", 1)
	l.compare(f, m, part, whole, 0, -1)
	// Most frequent first: another order than the parts'.
	m.Order = []plan.SortKey{{Col: 0, Desc: true}, {Col: -hidden}}
	l.compare(f, m, part, whole[:strings.Index(whole, " ORDER BY")]+" ORDER BY 1 DESC, "+by, 0, -1)
	l.compare(f, m, part, whole[:strings.Index(whole, " ORDER BY")]+" ORDER BY 1 DESC, "+by+" LIMIT 2, 3", 2, 3)

	if c.name == "bi" {
		c.name = by // DISTINCT of a BIT alone is a number or a BIT as MariaDB's temporary table likes it
	}
	distinct := &plan.Merge{Hidden: 1, Sort: []plan.SortKey{{Col: -1}}, Distinct: true, DistinctKeys: 1}
	l.compare(f, distinct, "SELECT DISTINCT "+c.name+", "+by+" FROM %s ORDER BY "+by, "SELECT DISTINCT "+c.name+" FROM w ORDER BY "+c.name, 0, -1)

	// Distinct aggregates, for each i and altogether.
	count := &plan.Merge{Hidden: 1, Sort: []plan.SortKey{{Col: 0}, {Col: -1}}, Grouped: true, GroupKeys: 1,
		Aggs: []plan.Agg{{Col: 1, Op: plan.AggCountDistinct, Keys: []plan.SortKey{{Col: -1}}}}}
	l.compare(f, count, "SELECT i, COUNT(DISTINCT "+c.name+"), "+by+" FROM %s GROUP BY i, "+by+" ORDER BY i, "+by, "SELECT i, COUNT(DISTINCT "+c.name+") FROM w GROUP BY i ORDER BY i", 0, -1)
	for _, where := range []string{"", " WHERE id < 0"} {
		all := &plan.Merge{Hidden: 1, Sort: []plan.SortKey{{Col: -1}}, Grouped: true,
			Aggs: []plan.Agg{{Col: 0, Op: plan.AggCountDistinct, Keys: []plan.SortKey{{Col: -1}}}}}
		l.compare(f, all, "SELECT COUNT(DISTINCT "+c.name+"), "+by+" FROM %s"+where+" GROUP BY "+by+" ORDER BY "+by, "SELECT COUNT(DISTINCT "+c.name+") FROM w"+where, 0, -1)
		if strings.Contains(" i u t de db z ", " "+c.name+" ") {
			keys := []plan.SortKey{{Col: -1}}
			sums := &plan.Merge{Hidden: 1, Sort: keys, Grouped: true, Aggs: []plan.Agg{{Col: 0, Op: plan.AggSumDistinct, Keys: keys}, {Col: 1, Op: plan.AggAvgDistinct, Keys: keys}}}
			list := "SUM(DISTINCT " + c.name + "), AVG(DISTINCT " + c.name + ")"
			l.compare(f, sums, "SELECT "+list+", "+by+" FROM %s"+where+" GROUP BY "+by+" ORDER BY "+by, "SELECT "+list+" FROM w"+where, 0, -1)
		}
	}
}

// extremes combines MIN and MAX of every type without groups, over rows and over none.
func (l *leaf) extremes(f value.Format) {
	l.t.Helper()
	for _, where := range []string{"", " WHERE id < 0", " WHERE id < 3"} {
		for _, c := range columns {
			hide := ""
			m := &plan.Merge{Grouped: true, Aggs: []plan.Agg{{Col: 0, Op: plan.AggMin}, {Col: 1, Op: plan.AggMax}}}
			if c.name == "en" || c.name == "se" {
				m.Hidden = 3
				hide = fmt.Sprintf(", WEIGHT_STRING(MIN(%s)), WEIGHT_STRING(MAX(%s)), COLLATION(%s)", c.name, c.name, c.name)
				m.Aggs[0].Weight, m.Aggs[0].HasWeight, m.Aggs[0].Collation = -3, true, -1
				m.Aggs[1].Weight, m.Aggs[1].HasWeight, m.Aggs[1].Collation = -2, true, -1
			}
			list := fmt.Sprintf("SELECT MIN(%s), MAX(%s)", c.name, c.name)
			l.compare(f, m, list+hide+" FROM %s"+where, list+" FROM w"+where, 0, -1)
		}
	}
}

// TestCollations orders and groups strings under many collations.
func TestCollations(t *testing.T) {
	l := connect(t)
	words := []string{"", " ", "a", "A", "a ", "a  ", "a\t", "a\x01", "ab", "aB", "á", "ä", "ae", "æ", "b", "ß", "ss", "SS", "sS", "z", "Z", "ž", "zz", "c", "ch", "CH", "h", "č", "Č", "l", "ll", "ł", "lj",
		"ñ", "n", "o", "ö", "oe", "ø", "Ж", "ж", "и", "й", "α", "Α", "ά", "漢", "字", "か", "が", "カ", "가", "😀", "😁", "1", "10", "2", "_", "-", "a-b", "ab-", "\u00ad", "a\u00adb", "ก", "เก", "กเ"}
	list := []string{"utf8mb4_general_ci", "utf8mb4_bin", "utf8mb4_nopad_bin", "utf8mb4_general_nopad_ci", "utf8mb4_unicode_ci", "utf8mb4_unicode_520_ci", "utf8mb4_unicode_nopad_ci",
		"utf8mb4_uca1400_ai_ci", "utf8mb4_uca1400_as_ci", "utf8mb4_uca1400_as_cs", "utf8mb4_uca1400_ai_cs", "utf8mb4_uca1400_nopad_as_cs", "utf8mb4_uca1400_spanish2_as_cs",
		"utf8mb4_czech_ci", "utf8mb4_danish_ci", "utf8mb4_german2_ci", "utf8mb4_spanish2_ci", "utf8mb4_thai_520_w2", "utf8mb4_croatian_ci", "utf8mb3_general_ci", "utf8mb3_unicode_ci",
		"latin1_swedish_ci", "latin1_german1_ci", "latin1_german2_ci", "latin1_bin", "latin1_general_cs", "latin1_swedish_nopad_ci", "latin2_general_ci", "cp1250_general_ci", "cp1251_general_ci", "cp1257_lithuanian_ci",
		"greek_general_ci", "koi8r_general_ci", "ascii_general_ci", "swe7_swedish_ci", "gbk_chinese_ci", "gb2312_chinese_ci", "sjis_japanese_ci", "cp932_japanese_ci", "ujis_japanese_ci", "euckr_korean_ci", "big5_bin",
		"ucs2_general_ci", "utf16_unicode_ci", "utf16_bin", "utf16le_general_ci", "utf32_general_ci", "utf32_uca1400_as_cs"}
	for _, name := range list {
		charset, _, _ := strings.Cut(name, "_")
		r := rand.New(rand.NewPCG(5, 6))
		l.fill("merge_collations", []string{"s VARCHAR(40) CHARACTER SET " + charset + " COLLATE " + name, "g INT"}, 250, func() []string {
			w := words[r.IntN(len(words))]
			if r.IntN(2) == 0 {
				w += words[r.IntN(len(words))]
			}
			return []string{fmt.Sprintf("_utf8mb4 x'%x'", w), fmt.Sprint(r.IntN(4))}
		})
		f := value.Format(r.IntN(2))
		for _, desc := range []bool{false, true} {
			m := &plan.Merge{Hidden: 2, Sort: []plan.SortKey{{Col: 1, HasWeight: true, Weight: -2, Collation: -1, Desc: desc}, {Col: 0}}}
			d := direction(desc)
			l.compare(f, m, "SELECT id, s, WEIGHT_STRING(s), COLLATION(s) FROM %s ORDER BY s"+d+", id", "SELECT id, s FROM w ORDER BY s"+d+", id", 0, -1)
		}
		key := []plan.SortKey{{Col: -3, HasWeight: true, Weight: -2, Collation: -1}}
		m := &plan.Merge{Hidden: 3, Sort: key, Grouped: true, GroupKeys: 1, Aggs: []plan.Agg{{Col: 0}, {Col: 1, Op: plan.AggMin}}}
		l.compare(f, m, "SELECT COUNT(*), MIN(id), s, WEIGHT_STRING(s), COLLATION(s) FROM %s GROUP BY s ORDER BY s", "SELECT COUNT(*), MIN(id) FROM w GROUP BY s ORDER BY s", 0, -1)
		m = &plan.Merge{Hidden: 3, Sort: append([]plan.SortKey{{Col: 0}}, key...), Grouped: true, GroupKeys: 1, Aggs: []plan.Agg{{Col: 1, Op: plan.AggCountDistinct, Keys: key}}}
		l.compare(f, m, "SELECT g, COUNT(DISTINCT s), s, WEIGHT_STRING(s), COLLATION(s) FROM %s GROUP BY g, s ORDER BY g, s", "SELECT g, COUNT(DISTINCT s) FROM w GROUP BY g ORDER BY g", 0, -1)
		// MIN and MAX give any of equal strings: their weights are what has to be the same.
		m = &plan.Merge{Hidden: 1, Grouped: true, Aggs: []plan.Agg{{Col: 0, Op: plan.AggMin, Weight: 1, HasWeight: true, Collation: -1}}}
		got, err := l.merged(f, m, "SELECT MIN(s), WEIGHT_STRING(MIN(s)), COLLATION(s) FROM %s", 0, -1)
		if err != nil || len(got) != 1 {
			t.Errorf("%s: MIN: %v", name, err)
		}
	}
}

// TestRefused shows what can't be merged.
func TestRefused(t *testing.T) {
	l := connect(t)
	l.fill("merge_refused", []string{"u UUID", "e ENUM('b','a')", "f FLOAT", "s VARCHAR(9)", "b VARCHAR(9) CHARACTER SET big5"}, 20, func() []string {
		return []string{"UUID()", "'a'", "1.5", "'x'", "'y'"}
	})
	for i, c := range []string{"u", "e", "f", "s", "b"} {
		m := &plan.Merge{Sort: []plan.SortKey{{Col: 0}}}
		sql := "SELECT " + c + " FROM %s ORDER BY 1"
		if c == "b" {
			m = &plan.Merge{Hidden: 2, Sort: []plan.SortKey{{Col: 0, HasWeight: true, Weight: -2, Collation: -1}}}
			sql = "SELECT b, WEIGHT_STRING(b), COLLATION(b) FROM %s ORDER BY 1"
		}
		_, err := l.merged(value.Text, m, sql, 0, -1)
		var refused *NotMergeableError
		if !errors.As(err, &refused) || !errors.Is(err, value.ErrNoOrder) || refused.Column != c {
			t.Errorf("column %d, %s: %v", i, c, err)
		}
	}
	m := &plan.Merge{Sort: []plan.SortKey{{Col: 0}}}
	_, err := l.merged(value.Text, m, "SELECT id FROM %s ORDER BY id DESC", 0, -1)
	var order *OrderError
	if !errors.As(err, &order) {
		t.Errorf("parts out of order: %v", err)
	}
}
