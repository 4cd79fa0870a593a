package exec

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/orbweaver/orbweaver/internal/sqltext"
)

// fieldsOf reads all lines, one byte at a time from below, and prints their fields.
func fieldsOf(t *testing.T, text string, l *sqltext.LoadData) (lines []string, raw string) {
	t.Helper()
	r, err := newRecords(iotest.OneByteReader(strings.NewReader(text)), l, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for {
		err := r.next()
		if errors.Is(err, io.EOF) {
			return lines, raw
		}
		if err != nil {
			t.Fatal(err)
		}
		var fs []string
		for _, f := range r.fields {
			if f.null {
				fs = append(fs, "NULL")
			} else {
				fs = append(fs, "<"+string(f.value)+">")
			}
		}
		lines = append(lines, strings.Join(fs, ""))
		raw += string(r.raw)
	}
}

func TestRecords(t *testing.T) {
	csv := &sqltext.LoadData{FieldsTerminated: []byte(","), Enclosed: []byte(`"`), LinesTerminated: []byte("\r\n")}
	for _, c := range []struct {
		name, text string
		load       *sqltext.LoadData
		want       []string
	}{
		{"tabs", "1\ta\n2\tb\n", &sqltext.LoadData{}, []string{"<1><a>", "<2><b>"}},
		{"no newline at the end", "1\ta\n2\tb", &sqltext.LoadData{}, []string{"<1><a>", "<2><b>"}},
		{"empty fields", "\t\n\t", &sqltext.LoadData{}, []string{"<><>", "<><>"}},
		{"null and escapes", "\\N\ta\\tb\\\nc\n\\Nx\t\\\\N\n", &sqltext.LoadData{}, []string{"NULL<a\tb\nc>", "NULL<\\N>"}},
		{"csv", "1,\"a,\"\"b\"\r\n2,\"c\r\nd\"\r\n", csv, []string{`<1><a,"b>`, "<2><c\r\nd>"}},
		{"quote inside", "1,a\"b\r\n", csv, []string{`<1><a"b>`}},
		{"bare NULL", "NULL,\"NULL\"\r\n", csv, []string{"NULL<NULL>"}},
		{"no escape", "a\\\tb\n", &sqltext.LoadData{Escaped: []byte{}}, []string{`<a\><b>`}},
		{"long terminators", "a||b##c||d##", &sqltext.LoadData{FieldsTerminated: []byte("||"), LinesTerminated: []byte("##")}, []string{"<a><b>", "<c><d>"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, raw := fieldsOf(t, c.text, c.load)
			if strings.Join(got, ";") != strings.Join(c.want, ";") {
				t.Errorf("fields %q, want %q", got, c.want)
			}
			if raw != c.text {
				t.Errorf("lines %q are not the file %q", raw, c.text)
			}
		})
	}
}

// A line is bounded, wherever it has no end; a file is not.
func TestRecordsAreBounded(t *testing.T) {
	const limit = 1 << 20
	long := strings.Repeat("x", 3*limit)
	for _, text := range []string{long, "\"" + long, strings.Repeat("\\n", limit), strings.Repeat("x,", limit), "1\n2\n" + long} {
		r, err := newRecords(strings.NewReader(text), &sqltext.LoadData{FieldsTerminated: []byte(","), Enclosed: []byte(`"`)}, limit)
		for err == nil {
			err = r.next()
		}
		if e := (*Error)(nil); !errors.As(err, &e) || e.Code != 1038 {
			t.Errorf("%q…: %v, want error 1038", text[:4], err)
		}
		if len(r.raw) > 2*limit {
			t.Errorf("%q…: %d bytes are held", text[:4], len(r.raw))
		}
	}
	r, err := newRecords(strings.NewReader(strings.Repeat(strings.Repeat("x", 1000)+"\n", 3000)), &sqltext.LoadData{}, limit)
	n := 0
	for err == nil {
		if err = r.next(); err == nil {
			n++
		}
	}
	if n != 3000 || !errors.Is(err, io.EOF) {
		t.Errorf("%d lines, %v", n, err)
	}
}

func TestRecordsRefused(t *testing.T) {
	for _, l := range []*sqltext.LoadData{
		{FieldsTerminated: []byte{}}, {LinesStarting: []byte("xxx")}, {LinesTerminated: []byte{}},
	} {
		var e *Error
		if _, err := newRecords(strings.NewReader(""), l, 1<<20); !errors.As(err, &e) || e.Code != 1235 {
			t.Errorf("%+v: %v, want error 1235", l, err)
		}
	}
}

func FuzzRecords(f *testing.F) {
	f.Add("1\t\\N\n\"a\"", true)
	f.Fuzz(func(t *testing.T, text string, enclosed bool) {
		l := &sqltext.LoadData{}
		if enclosed {
			l.Enclosed = []byte(`"`)
		}
		if _, raw := fieldsOf(t, text, l); raw != text {
			t.Errorf("%q became %q", text, raw)
		}
	})
}
