package sqltext

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

var tokenKinds = strings.Fields("EOF word id string number hex bit param uservar sysvar op introducer")

// testMode reads a mode from a directive's arguments.
func testMode(t *testing.T, d *datadriven.TestData) Mode {
	m := Mode{ANSIQuotes: d.HasArg("ansi"), NoBackslashEscapes: d.HasArg("nobackslash"), PipesAsConcat: d.HasArg("pipes"),
		HighNotPrecedence: d.HasArg("highnot"), IgnoreSpace: d.HasArg("ignorespace")}
	d.MaybeScanArgs(t, "version", &m.Version)
	d.MaybeScanArgs(t, "charset", &m.Multibyte)
	return m
}

// unescape makes the bytes of \xNN in golden files.
func unescape(s string) []byte {
	var out []byte
	for i := 0; i < len(s); i++ {
		if strings.HasPrefix(s[i:], `\x`) && i+3 < len(s) {
			var c byte
			if n, err := fmt.Sscanf(s[i+2:i+4], "%02x", &c); n == 1 && err == nil {
				out = append(out, c)
				i += 3
				continue
			}
		}
		out = append(out, s[i])
	}
	return out
}

// TestScanGolden shows the tokens of one statement a line, the fingerprint, and what follows the statement.
func TestScanGolden(t *testing.T) {
	datadriven.RunTest(t, "testdata/scan.txt", func(t *testing.T, d *datadriven.TestData) string {
		mode := testMode(t, d)
		var out strings.Builder
		lines := strings.Split(d.Input, "\n")
		if d.HasArg("whole") {
			lines = []string{d.Input}
		}
		for _, line := range lines {
			var s Scan
			err := s.Scan(unescape(line), mode)
			for i, tok := range s.Tokens {
				if i > 0 {
					out.WriteString(" ")
				}
				kind := tokenKinds[tok.Kind]
				if tok.KW != 0 {
					kind = tok.KW.String()
				}
				fmt.Fprintf(&out, "%s:%s", kind, printable(s.Bytes(int32(i))))
			}
			if err != nil {
				if !errors.Is(err, ErrText) {
					t.Fatalf("%v does not wrap ErrText", err)
				}
				fmt.Fprintf(&out, " error: %v", err)
			} else if d.HasArg("fingerprint") {
				fmt.Fprintf(&out, "\n  %q", s.Fingerprint)
			}
			if s.End < len(s.Src) || s.More {
				fmt.Fprintf(&out, " | end %d more %v", s.End, s.More)
			}
			out.WriteString("\n")
		}
		return out.String()
	})
}

func printable(b []byte) string {
	q := fmt.Sprintf("%q", b)
	q = q[1 : len(q)-1]
	return strings.NewReplacer(`\"`, `"`, `\\`, `\`, `\n`, `⏎`).Replace(q)
}

// TestParseGolden shows the trees of one statement a line.
func TestParseGolden(t *testing.T) {
	datadriven.Walk(t, "testdata/parse", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			mode := testMode(t, d)
			var out strings.Builder
			for line := range strings.SplitSeq(d.Input, "\n") {
				var s Scan
				if err := s.Scan(unescape(line), mode); err != nil {
					fmt.Fprintf(&out, "scan: %v\n", err)
					continue
				}
				st, err := Parse(&s, mode)
				if err != nil {
					fmt.Fprintf(&out, "parse: %v\n", err)
					continue
				}
				fmt.Fprintln(&out, dump(&s, st))
			}
			return out.String()
		})
	})
}

func TestUnquote(t *testing.T) {
	for _, c := range []struct {
		text, want string
		mode       Mode
	}{
		{`'a''b'`, "a'b", Mode{}},
		{`"a""b'c"`, `a"b'c`, Mode{}},
		{`'a\'b\n\t\r\0\b\Z\\\%\_\x'`, "a'b\n\t\r\x00\b\x1a\\\\%\\_x", Mode{}},
		{`'a\'`, `a\`, Mode{NoBackslashEscapes: true}},
		{`"a\b"`, `a\b`, Mode{ANSIQuotes: true}},
		{"`a``b\\`", "a`b\\", Mode{}},
		{"@'a''b'", "a'b", Mode{}},
		{"@`a b`", "a b", Mode{}},
		{"@a.b", "a.b", Mode{}},
		{"@@sql_mode", "sql_mode", Mode{}},
		{"x'4142'", "AB", Mode{}},
		{"X''", "", Mode{}},
		{"0x141", "\x01A", Mode{}},
		{"b'1'", "\x01", Mode{}},
		{"b'101000001'", "\x01A", Mode{}},
		{"0b01000001", "A", Mode{}},
		{"b''", "", Mode{}},
		{"1.5e3", "1.5e3", Mode{}},
		{"'\x95\\'", "\x95\\", Mode{Multibyte: "gbk"}},
		{"'\\\x95\\''", "\x95'", Mode{Multibyte: "gbk"}},
		{"'\x83\\x'", "\x83\\x", Mode{Multibyte: "sjis"}},
	} {
		var s Scan
		if err := s.Scan([]byte(c.text), c.mode); err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		if len(s.Tokens) != 1 {
			t.Errorf("%q: %d tokens", c.text, len(s.Tokens))
			continue
		}
		if got := string(Unquote(nil, s.Tokens[0], s.Src, c.mode)); got != c.want {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
}

// TestFingerprintTellsApart holds that texts which mean different things differ in their fingerprints, and others do not.
func TestFingerprintTellsApart(t *testing.T) {
	print := func(text string) string {
		var s Scan
		if err := s.Scan([]byte(text), Mode{}); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return string(s.Fingerprint)
	}
	for _, same := range [][]string{
		{"select 1", "select  2", "select/* */3", " select\n4 -- x", "select 5;", "/*!40101 select 6 */", "select /*!100000 7*/", "select 8 /*!99999 +1 */"},
		{"a='x'", "a='yy''y'", `a="\""`},
		{"a=0x41", "a=x'42'"},
		{"a=1.5", "a=.5", "a=2."},
	} {
		for _, text := range same[1:] {
			if print(text) != print(same[0]) {
				t.Errorf("%q and %q: %q, %q", same[0], text, print(same[0]), print(text))
			}
		}
	}
	different := []string{"select 1", "select '1'", "select 1.0", "select 1e0", "select x'31'", "select b'1'", "select -1", "select - 1", "SELECT 1",
		"select 1 1", "select 1 '1'", "select a", "select `a`", "select 'a''b'", "select 'a' 'b'", "select @a", "select @@a", "select ?", "select 1a",
		"select 1 a", "select 1.0a", "select count(*)", "select count (*)", "select a.b", "select a .b", "select a. b", "select a<b", "select a< b",
		"select _utf8'a'", "select n'a'", "select \x01", "select \x02", "select \x07\x01", "select @'a'", "select \"a\" 'b'  ,", "select null", "select \\N"}
	seen := map[string]string{}
	for _, text := range different {
		f := print(text)
		if other, ok := seen[f]; ok && !(strings.Contains(text, "'a''b'") || other == "select '1'") {
			t.Errorf("%q and %q: both %q", text, other, f)
		}
		seen[f] = text
	}
}

func TestHuge(t *testing.T) {
	var b strings.Builder
	b.WriteString("insert into t values (1,'x')")
	for i := range 10000 {
		fmt.Fprintf(&b, ",(%d,'row %d')", i, i)
	}
	var s Scan
	if err := s.Scan([]byte(b.String()), Mode{}); err != nil {
		t.Fatal(err)
	}
	if !s.Huge {
		t.Error("not Huge")
	}
	st, err := Parse(&s, Mode{})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(st.Insert.Rows); n != 10001 {
		t.Errorf("%d rows", n)
	}
	for i, row := range st.Insert.Rows {
		if len(row) != 2 {
			t.Fatalf("row %d: %d elements", i, len(row))
		}
	}
	if err := s.Scan([]byte("select 1"), Mode{}); err != nil || s.Huge || len(s.Literals) != 1 || cap(s.Tokens) > keepTokens {
		t.Errorf("after a huge statement: %v, huge %v, %d tokens' room", err, s.Huge, cap(s.Tokens))
	}
}

const pointSelect = "SELECT c FROM sbtest1 WHERE id=5003"

func TestScanAllocatesNothing(t *testing.T) {
	var s Scan
	for _, text := range []string{pointSelect,
		"/* x */ UPDATE sbtest1 SET k=k+1, c='it''s' WHERE id=-0x5 /*!40101 AND `a b`=@x */ -- done",
		"SELECT DISTINCT c FROM sbtest1 WHERE id BETWEEN ? AND ? ORDER BY c; SELECT 2"} {
		src := []byte(text)
		if err := s.Scan(src, Mode{}); err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(100, func() {
			if err := s.Scan(src, Mode{}); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", text, n)
		}
	}
}

func BenchmarkScanPointSelect(b *testing.B) {
	var s Scan
	src := []byte(pointSelect)
	for b.Loop() {
		if err := s.Scan(src, Mode{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParsePointSelect(b *testing.B) {
	var s Scan
	if err := s.Scan([]byte(pointSelect), Mode{}); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(&s, Mode{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBulkInsert(b *testing.B) {
	text := []byte("insert into t values (1,2,'x',3.5)" + strings.Repeat(",(1,2,'x',3.5)", 9999))
	var s Scan
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Scan(text, Mode{}); err != nil {
			b.Fatal(err)
		}
		if _, err := Parse(&s, Mode{}); err != nil {
			b.Fatal(err)
		}
	}
}
