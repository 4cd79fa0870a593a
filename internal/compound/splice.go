package compound

import (
	"slices"
	"sort"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
)

// maxName bounds the names of columns, in bytes: MariaDB takes no longer ones as an alias.
const maxName = 256

// edit replaces tokens [from, to) by a text.
type edit struct {
	from, to int32
	with     string
}

// spliced is a piece's text with the variables' values in the place of their names, as MariaDB itself writes such statements into its binary log: NAME_CONST keeps a
// column's name, and what else a variable is besides its value. A select item that holds one keeps the name that its text gives it.
func (in *interpreter) spliced(p *piece) (string, error) {
	var edits []edit
	explained := map[int32]bool{}
	for _, c := range p.names.Columns {
		from := c.Name.Tok
		if c.Table.Tok >= 0 {
			from = c.Table.Tok
		}
		if c.DB.Tok >= 0 || from < p.from {
			continue
		}
		v := in.scope.lookup(lower(string(sqltext.Unquote(nil, p.scan.Tokens[from], p.scan.Src, p.scan.Mode()))))
		if v == nil || c.Table.Tok >= 0 && v.fields == nil || isColumnAlone(&p.scan, c.Name.Tok) || p.stmt.Kind == sqltext.KindDDL && (p.stmt.DDL.AsSelect == nil || c.Name.Tok < p.stmt.DDL.AsSelect.Span.From) {
			continue
		}
		explained[from] = true
		with, err := in.inPlaceOf(p, v, c, from)
		if err != nil {
			return "", err
		}
		edits = append(edits, edit{from, c.Name.Tok + 1, with})
	}
	if err := in.unexplained(p, explained); err != nil {
		return "", err
	}
	if len(edits) == 0 {
		return p.text(), nil
	}
	sort.Slice(edits, func(i, j int) bool { return edits[i].from < edits[j].from })
	edits = slices.CompactFunc(edits, func(a, b edit) bool { return a.from == b.from })
	if p.from == 0 {
		edits = append(append(edits, aliases(p, edits)...), in.definitions(p)...)
		sort.SliceStable(edits, func(i, j int) bool { return edits[i].from < edits[j].from })
	}
	return p.apply(edits), nil
}

// inPlaceOf is what takes the place of a variable's name, or of that of a field, which begins at a token.
func (in *interpreter) inPlaceOf(p *piece, v *variable, c *sqltext.Column, from int32) (string, error) {
	name, to := c.Name.Text, c.Name.Tok+1
	switch {
	case c.Table.Tok >= 0:
		f := v.field(name)
		if f == nil {
			return "", &Condition{Level: "Error", Code: 4082, State: "HY000", Message: "Row variable '" + c.Table.Text + "' does not have a field '" + name + "'"}
		}
		v = f
	case len(v.fields) == 1:
		return "", &RefusedError{"the row " + v.name + ", of one field, as a whole", "name its field"}
	case v.fields != nil:
		list := make([]string, len(v.fields))
		for i, f := range v.fields {
			if f.class == classEnum && f.value.class != 0 {
				return "", &RefusedError{"the row " + v.name + ", which has an ENUM or SET, as a whole", "name its fields"}
			}
			list[i] = f.value.spliced(f.name, in.env, false)
		}
		return "(" + strings.Join(list, ",") + ")", nil
	}
	if isLimit(&p.scan, from) {
		return v.value.limit(), nil
	}
	switch v.value.class {
	case classEnum:
		if !in.isString(p, from, to) {
			return "", &RefusedError{"the ENUM or SET " + name + " in a statement, where its number may be what counts", "compare it with or store it in string columns, or use a variable of a string type"}
		}
	case classBit:
		if depth := enclosing(&p.scan, from); depth > 0 && p.scan.Tokens[depth-1].Kind == sqltext.Word && !p.scan.Tokens[depth-1].KW.Reserved() && !kwAt(&p.scan, depth-1, sqltext.KwValues, sqltext.KwValue) {
			return "", &RefusedError{"the BIT " + name + " in a function's arguments", "use an integer variable"}
		}
		return v.bits(), nil
	case classNamed:
		return v.typed(), nil
	}
	return v.value.spliced(name, in.env, isCompared(&p.scan, from)), nil
}

// enclosing is the bracket that a token is in; 0: none.
func enclosing(s *sqltext.Scan, i int32) int32 {
	depth := 0
	for i--; i > 0; i-- {
		switch {
		case opAt(s, i, ')'):
			depth++
		case opAt(s, i, '('):
			if depth--; depth < 0 {
				return i
			}
		}
	}
	return 0
}

// textual are the types of columns that an ENUM is compared with, and stored in, as a string.
var textual = []string{"char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set"}

// ofStrings are functions that take all of their arguments for strings.
var ofStrings = []string{"CONCAT", "CONCAT_WS", "UPPER", "LOWER", "UCASE", "LCASE", "LENGTH", "OCTET_LENGTH", "CHAR_LENGTH", "CHARACTER_LENGTH", "TRIM", "LTRIM", "RTRIM", "REPLACE", "REVERSE", "QUOTE", "MD5", "SHA1"}

// compares are the operators of comparison for equality.
var compares = []uint32{'=', '<' | '>'<<8, '!' | '='<<8, '<' | '='<<8 | '>'<<16}

// isString says whether an ENUM or SET counts as its string where its name is: as an item of the client's, beside LIKE or the name of a textual column.
func (in *interpreter) isString(p *piece, from, to int32) bool {
	s := &p.scan
	isText := func(i int32) bool {
		return i >= 0 && int(i) < len(s.Tokens) && (s.Tokens[i].Kind == sqltext.Word || s.Tokens[i].Kind == sqltext.QuotedID) &&
			slices.Contains(textual, in.host.Column(p.stmt.Tables, string(sqltext.Unquote(nil, s.Tokens[i], s.Src, s.Mode()))))
	}
	ends := int(to) == len(s.Tokens) || opAt(s, to, ')', ',') || s.Tokens[to].Kind == sqltext.Word && s.Tokens[to].KW.Reserved()
	if kwAt(s, from-1, sqltext.KwLike) && ends {
		return true
	}
	if at := enclosing(s, from); at > 0 && s.Tokens[at-1].Kind == sqltext.Word && opAt(s, from-1, '(', ',') && opAt(s, to, ')', ',') &&
		slices.Contains(ofStrings, strings.ToUpper(string(s.Bytes(at-1)))) {
		return true
	}
	if q := p.stmt.Query; p.stmt.Kind == sqltext.KindSelect && q != nil && q.Select != nil {
		for _, it := range q.Select.Items {
			if it.Span.From == from && (it.Span.To == to || it.Alias.Tok >= 0) && (int(to) == len(s.Tokens) || !opAt(s, to, '+', '-', '*', '/')) {
				return true
			}
		}
	}
	if ins := p.stmt.Insert; ins != nil {
		for _, row := range ins.Rows {
			for i, e := range row {
				c, ok := e.(*sqltext.Column)
				switch {
				case !ok || c.Name.Tok+1 != to || !ends:
				case len(ins.Columns) == 0:
					return slices.Contains(textual, in.host.ColumnAt(ins.Table, i))
				case i < len(ins.Columns):
					return isText(ins.Columns[i].Tok)
				}
			}
		}
	}
	literal := func(i int32) bool { return i >= 0 && int(i) < len(s.Tokens) && s.Tokens[i].Kind == sqltext.String }
	begins := from == p.from || opAt(s, from-1, '(', ',') || from > 0 && s.Tokens[from-1].Kind == sqltext.Word && s.Tokens[from-1].KW.Reserved()
	switch {
	case begins && opAt(s, to, compares...) && literal(to+1), ends && opAt(s, from-1, compares...) && literal(from-2):
		return true
	case begins && kwAt(s, to, sqltext.KwIn) && opAt(s, to+1, '('):
		for i := to + 2; literal(i); i += 2 {
			if opAt(s, i+1, ')') {
				return true
			}
		}
	}
	if !ends || !opAt(s, from-1, compares...) || !isText(from-2) {
		return false
	}
	first := from - 2
	for opAt(s, first-1, '.') {
		first -= 2
	}
	return first == p.from || opAt(s, first-1, '(', ',') || s.Tokens[first-1].Kind == sqltext.Word && s.Tokens[first-1].KW.Reserved()
}

// aliases are what items of select lists need to keep their names.
func aliases(p *piece, edits []edit) (out []edit) {
	seen := map[int32]bool{}
	for _, it := range p.names.Items {
		if it.Star || it.Alias.Tok >= 0 || seen[it.Span.To] {
			continue
		}
		for _, e := range edits {
			if e.from >= it.Span.From && e.to <= it.Span.To {
				if name := string(p.scan.Text(it.Span)); len(name) <= maxName {
					if it.Span.To == it.Span.From+1 {
						name = string(sqltext.Unquote(nil, p.scan.Tokens[it.Span.From], p.scan.Src, p.scan.Mode()))
					}
					out = append(out, edit{it.Span.To, it.Span.To, " AS " + ident(name)})
					seen[it.Span.To] = true
				}
				break
			}
		}
	}
	return out
}

// apply is the piece's text with edits made, which are in order.
func (p *piece) apply(edits []edit) string {
	var b strings.Builder
	at := p.from
	for _, e := range edits {
		if e.from > at {
			b.Write(p.scan.AppendSpan(nil, sqltext.Span{From: at, To: e.from}))
			if e.to > e.from || e.from == int32(len(p.scan.Tokens)) {
				b.WriteByte(' ')
			}
		}
		b.WriteString(e.with)
		b.WriteByte(' ')
		at = max(at, e.to)
	}
	b.Write(p.scan.AppendSpan(nil, sqltext.Span{From: at, To: int32(len(p.scan.Tokens))}))
	return b.String()
}

func opAt(s *sqltext.Scan, i int32, ops ...uint32) bool {
	return i >= 0 && int(i) < len(s.Tokens) && s.Tokens[i].Kind == sqltext.Op && slices.Contains(ops, s.Tokens[i].Op)
}

func kwAt(s *sqltext.Scan, i int32, kws ...sqltext.Keyword) bool {
	return i >= 0 && int(i) < len(s.Tokens) && s.Tokens[i].Kind == sqltext.Word && slices.Contains(kws, s.Tokens[i].KW)
}

// unitFirst are the functions whose first argument is a word of the grammar's.
var unitFirst = []string{"EXTRACT", "TIMESTAMPADD", "TIMESTAMPDIFF", "GET_FORMAT"}

// isColumnAlone says whether a name stands where MariaDB's grammar has a word or a column and no expression: VALUES(c) and DEFAULT(c), EXTRACT(day FROM …).
func isColumnAlone(s *sqltext.Scan, i int32) bool {
	if opAt(s, i-1, '(') && i >= 2 && s.Tokens[i-2].Kind == sqltext.Word && slices.Contains(unitFirst, strings.ToUpper(string(s.Bytes(i-2)))) {
		return true
	}
	if !opAt(s, i-1, '(') || !opAt(s, i+1, ')') {
		return false
	}
	return kwAt(s, i-2, sqltext.KwDefault) || kwAt(s, i-2, sqltext.KwValues, sqltext.KwValue) && updatesDuplicates(s, i)
}

// updatesDuplicates says whether a place is in ON DUPLICATE KEY UPDATE, where alone VALUES is a function: elsewhere a row follows.
func updatesDuplicates(s *sqltext.Scan, i int32) bool {
	for i--; i > 0; i-- {
		if kwAt(s, i, sqltext.KwDuplicate) && kwAt(s, i+1, sqltext.KwKey) {
			return true
		}
	}
	return false
}

// isLimit says whether a name is a number of LIMIT, OFFSET, FETCH or ROWS EXAMINED.
func isLimit(s *sqltext.Scan, i int32) bool {
	return kwAt(s, i-1, sqltext.KwLimit, sqltext.KwOffset, sqltext.KwExamined) || opAt(s, i-1, ',') && kwAt(s, i-3, sqltext.KwLimit) ||
		kwAt(s, i-1, sqltext.KwFirst, sqltext.KwNext) && kwAt(s, i-2, sqltext.KwFetch)
}

// isCompared says whether a name stands between operators of comparison, commas and brackets: there an integer's value is all that counts.
func isCompared(s *sqltext.Scan, i int32) bool {
	before := opAt(s, i-1, '=', '<', '>', '<'|'='<<8, '>'|'='<<8, '<'|'>'<<8, '!'|'='<<8, '<'|'='<<8|'>'<<16) || kwAt(s, i-1, sqltext.KwWhere, sqltext.KwAnd, sqltext.KwOn)
	return before && (int(i)+1 == len(s.Tokens) || opAt(s, i+1, ')', ',') || kwAt(s, i+1, sqltext.KwAnd, sqltext.KwOr, sqltext.KwOrder, sqltext.KwGroup, sqltext.KwLimit, sqltext.KwFor, sqltext.KwWhere))
}

// limit is the value as a number of rows: what is below zero is more than there can be.
func (v Value) limit() string {
	switch {
	case v.class == 0:
		return "0"
	case strings.HasPrefix(v.text, "-"):
		return "18446744073709551615"
	}
	return v.text
}

// unexplained refuses a statement in which a variable's name stands where the parser has not seen whether it is one.
func (in *interpreter) unexplained(p *piece, explained map[int32]bool) error {
	for i := p.from; i < int32(len(p.scan.Tokens)); i++ {
		t := p.scan.Tokens[i]
		if t.Kind != sqltext.Word && t.Kind != sqltext.QuotedID || p.names.Named[i] || explained[i] || opAt(&p.scan, i-1, '.') || opAt(&p.scan, i+1, '(') {
			continue
		}
		if p.stmt.Kind == sqltext.KindDDL && p.stmt.DDL.AsSelect == nil || t.KW.Reserved() || isColumnAlone(&p.scan, i) {
			continue
		}
		name := string(sqltext.Unquote(nil, t, p.scan.Src, p.scan.Mode()))
		if v := in.scope.lookup(lower(name)); v != nil && (v.fields != nil || !opAt(&p.scan, i+1, '.')) {
			return &RefusedError{"a statement in which it can't be told whether " + name + " is the variable", "give the variable another name"}
		}
	}
	return nil
}
