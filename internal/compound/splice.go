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
	for _, c := range p.names.Columns {
		if c.DB.Tok >= 0 || c.Table.Tok >= 0 || c.Name.Tok < p.from {
			continue
		}
		v := in.scope.lookup(lower(c.Name.Text))
		if v == nil || isColumnAlone(&p.scan, c.Name.Tok) || p.stmt.Kind == sqltext.KindDDL && (p.stmt.DDL.AsSelect == nil || c.Name.Tok < p.stmt.DDL.AsSelect.Span.From) {
			continue
		}
		with := ""
		if isLimit(&p.scan, c.Name.Tok) {
			with = v.value.limit()
		} else {
			with = v.value.spliced(c.Name.Text, in.env, isCompared(&p.scan, c.Name.Tok))
		}
		edits = append(edits, edit{c.Name.Tok, c.Name.Tok + 1, with})
	}
	if err := in.unexplained(p); err != nil {
		return "", err
	}
	if len(edits) == 0 {
		return p.text(), nil
	}
	sort.Slice(edits, func(i, j int) bool { return edits[i].from < edits[j].from })
	edits = slices.CompactFunc(edits, func(a, b edit) bool { return a.from == b.from })
	if p.from == 0 {
		edits = append(edits, aliases(p, edits)...)
		sort.SliceStable(edits, func(i, j int) bool { return edits[i].from < edits[j].from })
	}
	return p.apply(edits), nil
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

// isLimit says whether a name is a number of LIMIT.
func isLimit(s *sqltext.Scan, i int32) bool {
	return kwAt(s, i-1, sqltext.KwLimit, sqltext.KwOffset) || opAt(s, i-1, ',') && kwAt(s, i-3, sqltext.KwLimit)
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
func (in *interpreter) unexplained(p *piece) error {
	for i := p.from; i < int32(len(p.scan.Tokens)); i++ {
		t := p.scan.Tokens[i]
		if t.Kind != sqltext.Word && t.Kind != sqltext.QuotedID || p.names.Named[i] || opAt(&p.scan, i-1, '.') || opAt(&p.scan, i+1, '(', '.') {
			continue
		}
		if p.stmt.Kind == sqltext.KindDDL && p.stmt.DDL.AsSelect == nil || t.KW.Reserved() || isColumnAlone(&p.scan, i) {
			continue
		}
		name := string(sqltext.Unquote(nil, t, p.scan.Src, p.scan.Mode()))
		if in.scope.lookup(lower(name)) != nil {
			return &RefusedError{"a statement in which it can't be told whether " + name + " is the variable", "give the variable another name"}
		}
	}
	return nil
}
