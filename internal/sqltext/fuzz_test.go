package sqltext

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// seedTexts are the statements of the golden files and of the corpus.
func seedTexts(f testing.TB) []string {
	f.Helper()
	var all []string
	files, err := filepath.Glob("testdata/parse/*.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range append(files, "testdata/scan.txt", "testdata/corpus.sql") {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.SplitSeq(string(b), "\n") {
			if line != "" && line != "----" && !strings.HasPrefix(line, "{") {
				all = append(all, line)
			}
		}
	}
	return all
}

func modeOf(bits byte) Mode {
	m := Mode{ANSIQuotes: bits&1 != 0, NoBackslashEscapes: bits&2 != 0, PipesAsConcat: bits&4 != 0, HighNotPrecedence: bits&8 != 0,
		IgnoreSpace: bits&16 != 0, Oracle: bits&32 != 0}
	m.Multibyte = []string{"", "gbk", "big5", "sjis"}[bits>>6]
	return m
}

func FuzzScan(f *testing.F) {
	for i, text := range seedTexts(f) {
		f.Add([]byte(text), byte(i*37))
	}
	f.Fuzz(func(t *testing.T, src []byte, bits byte) {
		checkScan(t, src, modeOf(bits))
	})
}

// checkScan holds what must be true of every scan.
func checkScan(t *testing.T, src []byte, mode Mode) {
	var s, again Scan
	err := s.Scan(src, mode)
	if err != nil && !errors.Is(err, ErrText) {
		t.Fatalf("%v does not wrap ErrText", err)
	}
	if s.End > len(src) || err != nil && s.End != len(src) || s.More && s.End == len(src) {
		t.Fatalf("end %d of %d, more %v", s.End, len(src), s.More)
	}
	// Tokens and the gaps between them make up the statement, in order.
	var glued []byte
	at := uint32(0)
	params, literal := 0, 0
	for i, tok := range s.Tokens {
		if tok.Start < at || tok.End <= tok.Start || int(tok.End) > s.End {
			t.Fatalf("token %d is [%d,%d) after %d, statement ends at %d", i, tok.Start, tok.End, at, s.End)
		}
		glued = append(append(glued, src[at:tok.Start]...), s.Bytes(int32(i))...)
		at = tok.End
		switch tok.Kind {
		case Param:
			params++
		case String, Number, Hex, Bit:
			if literal >= len(s.Literals) || s.Literals[literal] != int32(i) {
				t.Fatalf("literal %d is not token %d: %v", literal, i, s.Literals)
			}
			literal++
		}
		Unquote(nil, tok, src, mode)
	}
	if err == nil && !bytes.Equal(append(glued, src[at:s.End]...), src[:s.End]) {
		t.Fatalf("glued %q, was %q", glued, src[:s.End])
	}
	if params != s.Params || literal != len(s.Literals) {
		t.Fatalf("%d params, %d literals: counted %d and %d", s.Params, len(s.Literals), params, literal)
	}
	// A Scan that was used before reads the same.
	if err2 := again.Scan([]byte("select 'x', ? /*!40101 y */; z"), Mode{}); err2 != nil {
		t.Fatal(err2)
	}
	err2 := again.Scan(src, mode)
	if (err == nil) != (err2 == nil) || len(again.Tokens) != len(s.Tokens) || !bytes.Equal(again.Fingerprint, s.Fingerprint) ||
		again.Huge != s.Huge || again.End != s.End || again.More != s.More || len(again.ExecMarks) != len(s.ExecMarks) {
		t.Fatalf("second scan differs: %v, %v", s, again)
	}
	if err != nil {
		return
	}
	// The statement alone, and its text made fit for splicing, read the same as well.
	whole := Span{0, int32(len(s.Tokens))}
	for _, text := range [][]byte{src[:s.End], s.AppendSpan(nil, whole)} {
		if bytes.HasSuffix(text, []byte{0}) || bytes.HasSuffix(text, []byte("--")) {
			continue // at the very end, a NUL is taken for the end, and -- for a comment
		}
		if err := again.Scan(text, mode); err != nil || len(again.Tokens) != len(s.Tokens) || again.More {
			t.Fatalf("%q alone: %v, %d tokens, were %d", text, err, len(again.Tokens), len(s.Tokens))
		}
		for i := range s.Tokens {
			if !bytes.Equal(again.Bytes(int32(i)), s.Bytes(int32(i))) || again.Tokens[i].Kind != s.Tokens[i].Kind || again.Tokens[i].KW != s.Tokens[i].KW {
				t.Fatalf("%q alone: token %d is %q, was %q", text, i, again.Bytes(int32(i)), s.Bytes(int32(i)))
			}
		}
		if !bytes.Equal(again.Fingerprint, s.Fingerprint) {
			t.Fatalf("%q alone: fingerprint %q, was %q", text, again.Fingerprint, s.Fingerprint)
		}
	}
}

func FuzzParse(f *testing.F) {
	for i, text := range seedTexts(f) {
		f.Add([]byte(text), byte(i*37)&0x3f)
	}
	f.Fuzz(func(t *testing.T, src []byte, bits byte) {
		mode := modeOf(bits)
		var s Scan
		if s.Scan(src, mode) != nil {
			return
		}
		checkParse(t, &s, mode)
	})
}

func checkParse(t *testing.T, s *Scan, mode Mode) *Stmt {
	start := time.Now()
	st, err := Parse(s, mode)
	if took := time.Since(start); took > 20*time.Second {
		t.Fatalf("%d tokens took %v", len(s.Tokens), took)
	}
	if err != nil {
		if !errors.Is(err, ErrText) || st != nil {
			t.Fatalf("%v, %v", st, err)
		}
		return nil
	}
	n := int32(len(s.Tokens))
	if st.Span != (Span{0, n}) {
		t.Fatalf("span %v of %d tokens", st.Span, n)
	}
	if (len(s.Tokens) == 0) != (st.Kind == KindEmpty) {
		t.Fatalf("kind %d of %d tokens", st.Kind, len(s.Tokens))
	}
	checkSpans(t, reflect.ValueOf(st), st.Span, "Stmt")
	at := int32(0)
	for _, sp := range st.Secrets {
		if sp.Empty() || sp.From < at {
			t.Fatalf("secrets are not in order: %v", st.Secrets)
		}
		at = sp.To
	}
	return st
}

var exprType = reflect.TypeFor[Expr]()

// checkSpans holds that every span in a tree lies within that of what it is part of, and that no expression is missing in a list.
func checkSpans(t *testing.T, v reflect.Value, outer Span, path string) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			checkSpans(t, v.Elem(), outer, path)
		}
	case reflect.Slice:
		for i := range v.Len() {
			e := v.Index(i)
			if e.Type() == exprType && e.IsNil() {
				t.Fatalf("%s holds nil", path)
			}
			checkSpans(t, e, outer, path)
		}
	case reflect.Struct:
		if sp, ok := v.Interface().(Span); ok {
			if sp.From > sp.To || sp.From < 0 || !sp.Empty() && (sp.From < outer.From || sp.To > outer.To) {
				t.Fatalf("%s: %v is not within %v", path, sp, outer)
			}
			return
		}
		if n, ok := v.Interface().(Name); ok {
			if n.Tok < -1 || n.Tok >= outer.To && n.Tok > 0 {
				t.Fatalf("%s: name %v is not within %v", path, n, outer)
			}
			return
		}
		path += "." + v.Type().Name()
		// Tables are listed apart; a query's or a join's parts lie within it.
		switch v.Type().Name() {
		case "Binary", "Not", "In", "Between", "IsNull", "Func", "Row", "Subquery", "Paren", "Opaque", "Column", "Literal", "Query", "Select",
			"SelectItem", "OrderItem", "TableRef", "Limit", "With", "Assign":
			if sp := v.FieldByName("Span").Interface().(Span); !sp.Empty() {
				checkSpans(t, reflect.ValueOf(sp), outer, path)
				outer = sp
			}
		}
		for i := range v.NumField() {
			checkSpans(t, v.Field(i), outer, path+"."+v.Type().Field(i).Name)
		}
	}
}

// TestNesting holds that neither depth nor length breaks the parser, and that time grows with the text alone.
func TestNesting(t *testing.T) {
	const n = 100_000
	for _, c := range []struct {
		name, text string
		fails      bool
	}{
		{"brackets", "select " + strings.Repeat("(", n) + "1" + strings.Repeat(")", n), true},
		{"brackets of queries", strings.Repeat("(", n) + "select 1" + strings.Repeat(")", n), true},
		{"subqueries", strings.Repeat("select (", n) + "1" + strings.Repeat(")", n), true},
		{"derived tables", strings.Repeat("select 1 from (", n) + "select 1" + strings.Repeat(") x", n), true},
		{"joins in brackets", "select 1 from " + strings.Repeat("(", n) + "t" + strings.Repeat(")", n), true},
		{"calls", "select " + strings.Repeat("f(", n) + strings.Repeat(")", n), true},
		{"NOT", "select " + strings.Repeat("not ", n) + "1", true},
		{"signs", "select " + strings.Repeat("- ", n) + "1", true},
		{"BETWEEN", "select 1" + strings.Repeat(" between 1 and 1", n), true},
		{"assignments", "select " + strings.Repeat("@a:=", n) + "1", true},
		{"CASE", "select " + strings.Repeat("case ", n), true},
		{"INTERVAL", "select " + strings.Repeat("interval ", n), true},
		{"joins", "select 1 from t" + strings.Repeat(" join t", n), true},
		{"EXPLAIN", strings.Repeat("explain ", n) + "select 1", false},
		{"SET STATEMENT", strings.Repeat("set statement a=1 for ", n) + "select 1", true},
		{"WITH", strings.Repeat("with a as (", n) + "select 1" + strings.Repeat(") select 1", n), true},
		{"OR", "select 1" + strings.Repeat(" or 1", n), false},
		{"plus", "select 1" + strings.Repeat("+1", n), false},
		{"IS NULL", "select 1" + strings.Repeat(" is null", n), true},
		{"unions", "select 1" + strings.Repeat(" union select 1", n), false},
		{"COLLATE", "select 1" + strings.Repeat(" collate a", n), false},
		{"ON", "select 1 from t" + strings.Repeat(" on 1", n), false},
		{"list", "select 1 in (1" + strings.Repeat(",1", n) + ")", false},
		{"columns", "select 1" + strings.Repeat(",a", n), false},
		{"braces", "select " + strings.Repeat("{d ", n), true},
		{"begins", "begin not atomic " + strings.Repeat("begin ", n), false},
		{"window", "select " + strings.Repeat("f() over (order by ", n) + strings.Repeat(")", n), true},
		{"row", "select " + strings.Repeat("row(", n) + strings.Repeat(")", n), true},
		{"interval brackets", "select " + strings.Repeat("interval(", n) + strings.Repeat(")", n), true},
		{"delete targets", "delete from t" + strings.Repeat(",t", n), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s Scan
			if err := s.Scan([]byte(c.text), Mode{}); err != nil {
				t.Fatal(err)
			}
			st, err := Parse(&s, Mode{})
			if (err != nil) != c.fails || err != nil && !errors.Is(err, ErrText) {
				t.Fatalf("error %v, expected one: %v", err, c.fails)
			}
			if st == nil {
				return
			}
			walkAllOf(st)
		})
	}
}

// TestChainsInChains holds that chains in each other's first operands make no tree that is too deep to be walked: each planner's walk is a
// call a level, and a stack that overflows ends the process.
func TestChainsInChains(t *testing.T) {
	const n = 5
	for name, text := range map[string]string{
		"OR":   "select " + strings.Repeat("(", n) + "1" + strings.Repeat(strings.Repeat(" or 1", maxChain-1)+")", n),
		"plus": "select " + strings.Repeat("(", n) + "1" + strings.Repeat(strings.Repeat("+1", maxChain-1)+")", n),
	} {
		var s Scan
		if err := s.Scan([]byte(text), Mode{}); err != nil {
			t.Fatal(err)
		}
		st, err := Parse(&s, Mode{})
		if err != nil {
			t.Fatal(name, err)
		}
		if h := height(st.Query.Select.Items[0].Expr); h > maxLinks+100*n {
			t.Errorf("%s: a tree of %d levels", name, h)
		}
	}
}

func height(e Expr) int {
	h := 0
	Walk(e, func(x Expr) bool {
		if x == e {
			return true
		}
		h = max(h, height(x))
		return false
	})
	return h + 1
}

// walkAllOf uses the walkers on a statement's select list and condition.
func walkAllOf(st *Stmt) int {
	n := 0
	if st.Query == nil || st.Query.Select == nil {
		return 0
	}
	for _, it := range st.Query.Select.Items {
		Walk(it.Expr, func(Expr) bool { n++; return true })
		Conjuncts(nil, it.Expr)
	}
	WalkTables(st.Query.Select.From, func(*TableRef) { n++ })
	return n
}
