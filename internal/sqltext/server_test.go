package sqltext

import (
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/orbweaver/orbweaver/internal/corpus"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
)

func TestMain(m *testing.M) { os.Exit(farmtest.Main(m)) }

// server is a connection to a real MariaDB with an empty database p.
func server(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("mysql", "root@unix("+farmtest.Shared(t, 1).Leaves()[0].Socket+")/?charset=utf8mb4")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	for _, q := range []string{"create database if not exists p", "use p"} {
		if _, err := db.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

// errorNumber is MariaDB's number of an error, 0 for none.
func errorNumber(t *testing.T, err error) uint16 {
	t.Helper()
	if err == nil {
		return 0
	}
	var e *mysql.MySQLError
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	return e.Number
}

// prepare has the server read a statement without running it.
func prepare(t *testing.T, db *sql.DB, text string) error {
	t.Helper()
	st, err := db.Prepare(text)
	if err == nil {
		st.Close()
	}
	return err
}

// others are the first words of statements that the parser is right to have no kind for.
var others = regexp.MustCompile(`^(install|uninstall|cache|load index|purge|binlog|change|start (slave|replica|all)|stop|backup|` +
	`begin not|if|case|loop|while|repeat|for|reset|shutdown)\b`)

var missingTable = regexp.MustCompile(`Table '([^']*)\.([^'.]*)' doesn't exist`)

// TestCorpus gives every statement of the corpus to a real MariaDB and to the parser: what the one accepts the other must understand, with every
// table that the server misses listed.
func TestCorpus(t *testing.T) {
	db := server(t)
	all, err := corpus.Read("testdata", corpus.Most)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		if c.Golden {
			continue
		}
		text, ours := c.Text, c.Ours
		var s Scan
		mode := Mode{Version: 101119}
		if err := s.Scan([]byte(text), mode); err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if s.End != len(text) || s.More {
			t.Errorf("%s: ends at %q", text, text[:s.End])
		}
		st := checkParse(t, &s, mode)
		if st == nil {
			t.Errorf("%s: not parsed", text)
			continue
		}
		if (st.Kind == KindOther) != others.MatchString(text) {
			t.Errorf("%s: kind %s", text, kindName(st.Kind))
		}
		if found := opaques(reflect.ValueOf(st)); found != "" {
			t.Errorf("%s: %s is Opaque", text, found)
		}
		for _, form := range slices.Compact([]string{text, string(s.AppendSpan(nil, st.Span))}) {
			if ours {
				form = string(cut(&s, st.DDL.OursSpans))
			}
			err := prepare(t, db, form)
			if n := errorNumber(t, err); n == 1064 {
				t.Errorf("%s: %v", form, err)
			} else if n == 1146 {
				if m := missingTable.FindStringSubmatch(err.Error()); m == nil || !lists(st.Tables, m[1], m[2]) {
					t.Errorf("%s: %v: listed are %s", form, err, dump(&s, st.Tables))
				}
			}
		}
		if ours && (st.DDL == nil || len(st.DDL.OursSpans) == 0) {
			t.Errorf("%s: nothing of ours found", text)
		}
	}
}

// cut is the statement without the spans.
func cut(s *Scan, spans []Span) []byte {
	var out []byte
	from := int32(0)
	for _, sp := range spans {
		out = append(s.AppendSpan(out, Span{from, sp.From}), ' ')
		from = sp.To
	}
	return s.AppendSpan(out, Span{from, int32(len(s.Tokens))})
}

func lists(tables []*TableName, db, name string) bool {
	for _, t := range tables {
		if t.Name.Text == name && (t.DB.Tok < 0 && db == "p" || t.DB.Text == db) {
			return true
		}
	}
	return false
}

// opaques finds clauses that were not understood: those of queries and statements, as opposed to operands that are Opaque by nature.
func opaques(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			return opaques(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			if s := opaques(v.Index(i)); s != "" {
				return s
			}
		}
	case reflect.Struct:
		if o, ok := v.Interface().(Opaque); ok && o.Span.Empty() {
			return "an empty span"
		}
		for i := range v.NumField() {
			if s := opaques(v.Field(i)); s != "" {
				return v.Type().Field(i).Name + "." + s
			}
		}
	}
	return ""
}

// TestLexerAgreesWithServer compares what the lexer makes of strings with the values that the server sees, under every mode and character set that
// matters to where a string ends.
func TestLexerAgreesWithServer(t *testing.T) {
	db := server(t)
	r := rand.New(rand.NewPCG(1, 2))
	pieces := []string{"a", "'", "''", `"`, `""`, `\`, `\\`, `\'`, `\"`, `\n`, `\0`, `\Z`, `\%`, `\_`, `\x`, `\b`, " ", "`", "--", "/*", "*/", "#", ";",
		"\x00", "\x81", "\x83", "\x95", "\xa1", "\xe0", "\xf9", "\xff", "\x80", "@", "}"}
	for _, m := range []struct {
		set  string
		mode Mode
	}{
		{"sql_mode = ''", Mode{}},
		{"sql_mode = 'NO_BACKSLASH_ESCAPES'", Mode{NoBackslashEscapes: true}},
		{"sql_mode = '', names latin1", Mode{}},
		{"names gbk", Mode{Multibyte: "gbk"}},
		{"names big5", Mode{Multibyte: "big5"}},
		{"names sjis", Mode{Multibyte: "sjis"}},
		{"names cp932", Mode{Multibyte: "cp932"}},
		{"names euckr", Mode{}},
		{"names gb2312", Mode{}},
		{"names ujis", Mode{}},
	} {
		if _, err := db.Exec("set " + m.set); err != nil {
			t.Fatal(err)
		}
		compared := 0
		for range 1500 {
			var text strings.Builder
			quote := []string{"'", `"`}[r.IntN(2)]
			text.WriteString(quote)
			for range r.IntN(5) {
				text.WriteString(pieces[r.IntN(len(pieces))])
			}
			text.WriteString(quote)
			var s Scan
			scanErr := s.Scan([]byte(text.String()), m.mode)
			alone := scanErr == nil && len(s.Tokens) > 0 && onlyStrings(s.Tokens) && s.End == len(s.Src)
			var value []byte
			err := db.QueryRow("select hex(" + text.String() + "\n)").Scan(&value)
			if !alone {
				// What follows the string is another matter, but the server can't find one value where we find none.
				if n := errorNumber(t, err); n == 0 {
					t.Errorf("%s: %q: server reads it, lexer %v, %d tokens", m.set, text.String(), scanErr, len(s.Tokens))
				}
				continue
			}
			if n := errorNumber(t, err); n != 0 {
				if n != 1300 { // an invalid character string
					t.Errorf("%s: %q: server %v, lexer reads it", m.set, text.String(), err)
				}
				continue
			}
			compared++
			var ours []byte
			for _, tok := range s.Tokens {
				ours = Unquote(ours, tok, s.Src, m.mode)
			}
			if want := fmt.Sprintf("%X", ours); want != string(value) {
				t.Errorf("%s: %q: server %s, lexer %s", m.set, text.String(), value, want)
			}
		}
		if compared < 500 {
			t.Errorf("%s: only %d compared", m.set, compared)
		}
	}
}

func onlyStrings(tokens []Token) bool {
	for _, t := range tokens {
		if t.Kind != String {
			return false
		}
	}
	return true
}

// TestPrecedence writes random expressions with and without the brackets that the parser's tree says are meant: the server must find the
// same values for both.
func TestPrecedence(t *testing.T) {
	db := server(t)
	r := rand.New(rand.NewPCG(3, 4))
	for _, m := range []struct {
		sqlMode string
		mode    Mode
	}{
		{"", Mode{}}, {"PIPES_AS_CONCAT", Mode{PipesAsConcat: true}}, {"HIGH_NOT_PRECEDENCE", Mode{HighNotPrecedence: true}},
	} {
		if _, err := db.Exec("set sql_mode = '" + m.sqlMode + "'"); err != nil {
			t.Fatal(err)
		}
		compared := 0
		for range 4000 {
			text := randomExpr(r, 2+r.IntN(5))
			var s Scan
			if err := s.Scan([]byte("select "+text), m.mode); err != nil {
				t.Fatal(err)
			}
			st := checkParse(t, &s, m.mode)
			bracketed := brackets(&s, st.Query.Select.Items[0].Expr)
			var plain, with sql.NullString
			err := db.QueryRow("select " + text).Scan(&plain)
			if errorNumber(t, err) != 0 {
				continue // not MariaDB's grammar, or out of range
			}
			if err := db.QueryRow("select " + bracketed).Scan(&with); err != nil {
				t.Errorf("%s: %s: %v", text, bracketed, err)
				continue
			}
			compared++
			if plain != with {
				t.Errorf("%s is %v, %s is %v", text, plain, bracketed, with)
			}
		}
		if compared < 1500 {
			t.Errorf("only %d expressions compared", compared)
		}
	}
}

func randomExpr(r *rand.Rand, operands int) string {
	var b strings.Builder
	for i := range operands {
		if i > 0 {
			ops := []string{"or", "||", "xor", "and", "&&", "=", "<=>", "<", ">=", "<>", "|", "&", "<<", "-", "+", "*", "/", "div", "%", "mod", "^",
				"like", "not like", "regexp", "is null or", "is not true and", "in (0, 1) =", "not in (2) +", "between 0 and", "not between 1 and",
				"and 1 between", "is null is", "collate utf8mb4_bin =", "in (1) in (0) <", "like 1 escape '|' like"}
			fmt.Fprintf(&b, " %s ", ops[r.IntN(len(ops))])
		}
		for range r.IntN(3) / 2 {
			b.WriteString([]string{"not ", "!", "- ", "~", "binary ", "+ "}[r.IntN(6)])
		}
		b.WriteString([]string{"0", "1", "2", "3", "7", "null", "'1'", "1.5", "true", "unhex('31')"}[r.IntN(10)])
		if r.IntN(12) == 0 {
			b.WriteString([]string{" is null", " in (1, 2)", " between 0 and 2", " is not null", " not between 1 and 5"}[r.IntN(5)])
		}
	}
	return b.String()
}

// brackets writes an expression with every part of it in brackets.
func brackets(s *Scan, e Expr) string {
	switch e := e.(type) {
	case *Literal, *Column, *Func:
		return string(s.Text(e.ExprSpan()))
	case *Opaque:
		if len(e.Subs) == 0 {
			return string(s.Text(e.Span))
		}
	}
	var b strings.Builder
	b.WriteString("(")
	at := e.ExprSpan().From
	for _, c := range children(e) {
		sp := c.ExprSpan()
		fmt.Fprintf(&b, "%s %s ", s.Text(Span{at, sp.From}), brackets(s, c))
		at = sp.To
	}
	fmt.Fprintf(&b, "%s)", s.Text(Span{at, e.ExprSpan().To}))
	return b.String()
}

// children are the expressions directly inside another.
func children(e Expr) []Expr {
	var list []Expr
	Walk(e, func(x Expr) bool {
		if x == e {
			return true
		}
		list = append(list, x)
		return false
	})
	return list
}

// TestFunctionsAreKnown holds that MariaDB's own functions are told from stored ones.
func TestFunctionsAreKnown(t *testing.T) {
	db := server(t)
	rows, err := db.Query("select function from information_schema.sql_functions")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		if !isBuiltin(name) {
			t.Errorf("%s is not known", name)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for _, set := range []map[string]bool{gapBreaks, builtins} {
		for name := range set {
			// A call of the wrong arguments is refused in many ways, but only of a stored function because it does not exist.
			missing := func(call string) bool {
				return isNoFunction(errorNumber(t, prepare(t, db, "select "+name+call+"(a)"))) &&
					isNoFunction(errorNumber(t, prepare(t, db, "select "+name+call+"(a, b)"))) // POINT
			}
			if missing("") {
				t.Errorf("%s is no function of MariaDB", name)
			} else if missing(" ") && !gapBreaks[name] {
				t.Errorf("%s needs its bracket close", name)
			}
		}
	}
	for name := range gapBreaks {
		if err := prepare(t, db, "select "+name+" (a)"); !isNoFunction(errorNumber(t, err)) && errorNumber(t, err) != 1064 {
			t.Errorf("%s does not need its bracket close: %v", name, err)
		}
	}
}

// isNoFunction says whether an error says that a function does not exist.
func isNoFunction(n uint16) bool { return n == 1305 || n == 1630 }

// TestKeywordsAgreeWithServer holds that words are reserved here exactly when they are there.
func TestKeywordsAgreeWithServer(t *testing.T) {
	db := server(t)
	rows, err := db.Query("select word from information_schema.keywords where word rlike '^[A-Z]'")
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for rows.Next() {
		var w string
		if err := rows.Scan(&w); err != nil {
			t.Fatal(err)
		}
		words = append(words, w)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	rows.Close()
	for _, w := range words {
		var s Scan
		if err := s.Scan([]byte(w), Mode{}); err != nil {
			t.Fatal(err)
		}
		if len(s.Tokens) != 1 {
			t.Errorf("%s: %d tokens", w, len(s.Tokens))
			continue
		}
		n := errorNumber(t, prepare(t, db, "select 1 as a from (select 1 as x) "+w))
		if !s.Tokens[0].KW.isName() != (n == 1064) && w != "WINDOW" {
			t.Errorf("%s: name %v, server says %d", w, s.Tokens[0].KW.isName(), n)
		}
	}
}
