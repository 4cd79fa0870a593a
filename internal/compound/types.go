package compound

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
)

// Field is a column of a table or a query: its name, and a type as it may be declared.
type Field struct{ Name, Type string }

// spec is a variable's type as it was declared.
type spec struct {
	text  string
	class class
	// fields are those of ROW (…).
	fields []*variable
	// of are the names of TYPE OF and, where row is set, of ROW TYPE OF: what they stand for is looked up when the declaration is run.
	of  []string
	row bool
}

// classOfType is the class of a type that is written out; 0: variables of it are not known.
func classOfType(text string) class {
	words := strings.FieldsFunc(strings.ToUpper(text), func(r rune) bool { return r == ' ' || r == '(' || r == '\t' || r == '\n' })
	if len(words) == 0 {
		return 0
	}
	c := classes[words[0]]
	if c == classInt {
		for _, w := range words[1:] {
			if w == "UNSIGNED" || w == "ZEROFILL" {
				c = classUnsigned
			}
		}
		if words[0] == "YEAR" {
			c = classUnsigned
		}
	}
	return c
}

// typeTo reads a type that ends before a token.
func (r *reader) typeTo(to int32) spec {
	from := r.pos
	r.pos = to
	word := func(i int32) string {
		if i < to && r.toks[i].Kind == sqltext.Word {
			return strings.ToUpper(string(r.scan.Bytes(i)))
		}
		return ""
	}
	s := spec{text: r.text(from, to)}
	switch first := word(from); {
	case first == "TYPE" && word(from+1) == "OF":
		s.of = r.namesIn(from+2, to)
	case first == "ROW" && word(from+1) == "TYPE" && word(from+2) == "OF":
		s.of, s.row = r.namesIn(from+3, to), true
	case first == "ROW":
		r.pos = from + 1
		r.expectOp('(')
		for {
			if !r.isName(0) {
				r.odd()
			}
			f := &variable{name: r.written(r.pos)}
			r.pos++
			at := r.pos
			r.pos = r.comma(to - 1)
			f.typ = r.text(at, r.pos)
			if f.class = classOfType(f.typ); f.class == 0 {
				r.refuse("a field of the type "+f.typ, "declare it as another type that has its values, a string say")
			}
			s.fields = append(s.fields, f)
			if !r.acceptOp(',') {
				break
			}
		}
		r.pos = to
	default:
		if s.class = classOfType(s.text); s.class == 0 {
			r.refuse("a variable of the type "+first, "declare it as another type that has its values, a string say")
		}
	}
	return s
}

// namesIn are names with dots between them.
func (r *reader) namesIn(from, to int32) (out []string) {
	for i := from; i < to; i += 2 {
		out = append(out, r.written(i))
	}
	if len(out) == 0 || len(out) > 3 || (to-from)%2 == 0 {
		r.odd()
	}
	return out
}

// written is an identifier as it is written.
func (r *reader) written(tok int32) string {
	return string(sqltext.Unquote(nil, r.toks[tok], r.scan.Src, r.p.mode))
}

// typed makes a variable of a declared type, looking up what TYPE OF stands for. nil: an error was handled.
func (in *interpreter) typed(ctx context.Context, name string, s *spec) (*variable, flow, error) {
	v := &variable{name: name, typ: s.text, class: s.class, fields: copies(s.fields)}
	if s.of == nil {
		return v, goOn, nil
	}
	last := s.of[len(s.of)-1]
	if len(s.of) == 1 && !s.row {
		like := in.scope.lookup(lower(last))
		if like == nil {
			return nil, goOn, &RefusedError{"TYPE OF " + last, "there is no such variable here"}
		}
		v.typ, v.class, v.fields = like.typ, like.class, copies(like.fields)
		return v, goOn, nil
	}
	if f, err := in.flush(ctx); f != goOn || err != nil {
		return nil, f, err
	}
	var fields []Field
	var err error
	if c := in.scope.cursor(lower(last)); s.row && len(s.of) == 1 && c != nil {
		var text string
		if text, err = in.query(c, c.blank()); err == nil {
			fields, err = in.host.Describe(ctx, text)
		}
	} else {
		table, column := s.of, ""
		if !s.row {
			table, column = s.of[:len(s.of)-1], last
		}
		db := ""
		if len(table) == 2 {
			db = table[0]
		}
		fields, err = in.host.Fields(ctx, db, table[len(table)-1], column)
	}
	var cond *Condition
	if errors.As(err, &cond) {
		f, err := in.raise(ctx, *cond)
		return nil, f, err
	}
	if err != nil {
		return nil, goOn, err
	}
	if s.row {
		return v, goOn, v.asRow(fields)
	}
	v.typ = fields[0].Type
	if v.class = classOfType(v.typ); v.class == 0 {
		return nil, goOn, &RefusedError{"a variable of the type " + v.typ, "declare it as another type that has its values, a string say"}
	}
	return v, goOn, nil
}

// asRow makes a variable one with these fields.
func (v *variable) asRow(fields []Field) error {
	text := ""
	for _, f := range fields {
		c := classOfType(f.Type)
		if c == 0 {
			return &RefusedError{"a row with the field " + f.Name + " of the type " + f.Type, "leave that column out"}
		}
		v.fields = append(v.fields, &variable{name: f.Name, typ: f.Type, class: c})
		text += ", " + ident(f.Name) + " " + f.Type
	}
	v.typ = "ROW (" + text[2:] + ")"
	return nil
}

// copies are fields of their own.
func copies(fields []*variable) (out []*variable) {
	for _, f := range fields {
		out = append(out, &variable{name: f.name, typ: f.typ, class: f.class})
	}
	return out
}

// field finds a field of a ROW by its name.
func (v *variable) field(name string) *variable {
	for _, f := range v.fields {
		if strings.EqualFold(f.name, name) {
			return f
		}
	}
	return nil
}

// asked are the columns by which a leaf tells the value.
func (v *variable) asked() string {
	if v.fields == nil {
		return "," + v.class.asked(ident(v.name))
	}
	s := ""
	for _, f := range v.fields {
		s += "," + f.class.asked(ident(v.name)+"."+ident(f.name))
	}
	return s
}

// told takes over the value that a leaf tells at the front of a row, and gives what is behind it.
func (v *variable) told(row [][]byte) (rest [][]byte, err error) {
	for _, f := range v.fields {
		if row, err = f.told(row); err != nil {
			return row, err
		}
	}
	if v.fields != nil {
		return row, nil
	}
	n := v.class.columns()
	if len(row) < n {
		return row, errors.New("a leaf told fewer values than it was asked for")
	}
	v.value, err = v.class.told(row[:n])
	return row[n:], err
}

// given is what a leaf needs to have a ROW's values; "" where all of them are NULL.
func (v *variable) given() string {
	s := ""
	for _, f := range v.fields {
		if f.value.class != 0 {
			s += ", " + ident(v.name) + "." + ident(f.name) + " = " + f.value.literal()
		}
	}
	if s == "" {
		return ""
	}
	return "SET " + s[2:] + "; "
}

// typed is the value as an expression of the variable's type, to be given to one of another.
func (v *variable) typed() string {
	switch v.value.class {
	case classDate, classTime, classStamp:
		if strings.HasPrefix(v.value.text, "0000-") || strings.Contains(v.value.text, "-00") { // which an sql_mode may refuse as a literal
			return v.value.literal()
		}
	case classBit:
		return v.bits()
	case classNamed:
		return "CAST('" + v.value.text + "' AS " + strings.ToUpper(strings.TrimSpace(v.typ)) + ")"
	}
	return v.value.spliced(v.name, Env{}, false)
}

// bits is the literal of a BIT, which is a number and as many bytes as the variable has.
func (v *variable) bits() string {
	n, _ := strconv.ParseUint(v.value.text, 10, 64)                                // a leaf's digits
	width, err := strconv.Atoi(strings.Trim(strings.ToUpper(v.typ), "BIT() \t\n")) // BIT alone has one
	if err != nil {
		width = 1
	}
	return fmt.Sprintf("b'%0*b'", width, n)
}

// takes is the value of a query's column as it is given to a variable: a BIT is a number, but for strings.
func (c class) takes(lit string) string {
	if c != classText && strings.HasPrefix(lit, "0x") {
		return lit + "+0"
	}
	return lit
}

// classOf is the class of what takes a value; 0 for a user variable.
func (in *interpreter) classOf(to target) class {
	v := in.scope.lookup(to.local)
	if v != nil && to.field != "" {
		v = v.field(to.field)
	}
	if v == nil {
		return 0
	}
	return v.class
}
