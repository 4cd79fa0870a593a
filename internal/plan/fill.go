package plan

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// names are the identifiers of a text. A column that none of them can mean is not read: so nothing depends on what the analysis makes of the text.
type names struct {
	plain map[string]bool // in lower case
	// MariaDB compares names without accents, in ways of its own. Of names that are not ASCII only the number of characters is looked at.
	lengths, odd map[int]bool
	all          bool
}

// namedIn collects the identifiers of a span.
func (p *planner) namedIn(span sqltext.Span) *names {
	n := newNames()
	stars := 0
	for i := span.From; i < span.To; i++ {
		switch t := &p.scan.Tokens[i]; {
		case t.Kind == sqltext.Word || t.Kind == sqltext.QuotedID:
			n.add(p, i)
			n.all = n.all || t.KW == sqltext.KwNatural
		case p.isOp(i, "*") && p.beginsStar(i):
			stars++
		}
	}
	n.all = n.all || stars > len(p.stage.stars) // there is one in text that the parser kept opaque
	return n
}

func newNames() *names {
	return &names{plain: make(map[string]bool), lengths: make(map[int]bool), odd: make(map[int]bool)}
}

// add takes the identifier that a token is.
func (n *names) add(p *planner, i int32) {
	name := unquote(p.text(i))
	length := utf8.RuneCountInString(name)
	n.lengths[length] = true
	n.plain[strings.ToLower(name)] = true
	if !ascii(name) {
		n.odd[length] = true
		n.all = n.all || p.sess.Mode.Multibyte != "" // how many characters those are is not known
	}
}

// beginsStar says whether a * stands where it means columns.
func (p *planner) beginsStar(i int32) bool {
	if i == 0 || p.isOp(i-1, ".") || p.isOp(i-1, ",") {
		return true
	}
	switch p.scan.Tokens[i-1].KW {
	case sqltext.KwSelect, sqltext.KwDistinct, sqltext.KwDistinctrow, sqltext.KwAll, sqltext.KwSqlCalcFoundRows, sqltext.KwSqlNoCache, sqltext.KwSqlCache,
		sqltext.KwSqlBigResult, sqltext.KwSqlSmallResult, sqltext.KwSqlBufferResult, sqltext.KwHighPriority, sqltext.KwStraightJoin:
		return true
	}
	return false
}

// columns are those of a table that are to be filled. Of a unique key all are, since it would not hold without; a lean copy lacks the key where nobody is shown that there is one.
func (n *names) columns(t *topo.Table, all bool, shown *names) []int {
	all = all || n.all || t.Temporary // whose keys are not known
	unique := make([]bool, len(t.Columns))
	for _, key := range t.Unique {
		if shown != nil && !slices.ContainsFunc(key, func(c int) bool { return shown.mean(t.Columns[c].Name) }) {
			continue
		}
		for _, c := range key {
			unique[c] = true
		}
	}
	for i := range t.Columns {
		all = all || t.Columns[i].Generated && !ofPeriod(&t.Columns[i]) // from which others, nobody says
	}
	var out []int
	least := -1 // the column that is taken where none is needed: rows must have one to be counted
	for i := range t.Columns {
		c := &t.Columns[i]
		if c.Generated && !ofPeriod(c) {
			continue
		}
		if all || unique[i] || n.mean(c.Name) {
			out = append(out, i)
		}
		if least < 0 || fixed(t.Columns[i].Type) && !fixed(t.Columns[least].Type) {
			least = i
		}
	}
	if len(out) == 0 && least >= 0 {
		out = append(out, least)
	}
	return out
}

// meant are the columns of a table that the names can mean.
func (n *names) meant(t *topo.Table) (out []int) {
	for i := range t.Columns {
		if n.mean(t.Columns[i].Name) {
			out = append(out, i)
		}
	}
	return out
}

// mean says whether one of the names can mean a column.
func (n *names) mean(column string) bool {
	if n.all {
		return true
	}
	length := utf8.RuneCountInString(column)
	if !ascii(column) {
		return n.lengths[length]
	}
	return n.odd[length] || n.plain[strings.ToLower(column)]
}

func fixed(typ string) bool {
	switch typ {
	case "tinyint", "smallint", "mediumint", "int", "bigint", "date", "year", "double", "float":
		return true
	}
	return false
}

func ascii(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// RenderFill appends the statement that reads a fill's rows: SELECT columns FROM `db`.`table` WHERE …, TIMESTAMPs as
// seconds since 1970, an ENUM or SET that has ” among its members as a number. extra, "" for none, is a further condition. params are, for
// each ? of the text, which of the client's parameters it is. scan is of any statement with the fingerprint that the plan was made for.
func RenderFill(dst []byte, scan *sqltext.Scan, f *Fill, extra string) (text []byte, params []int) {
	word := "SELECT "
	if f.Distinct {
		word = "SELECT DISTINCT "
	}
	for _, c := range f.Columns {
		col := &f.Table.Columns[c]
		if dst = append(dst, word...); col.Type == "timestamp" { // a text in a time zone may stand for two
			dst = append(AppendQuoted(append(dst, "UNIX_TIMESTAMP("...), col.Name), ')')
		} else if col.EmptyMember() && f.Table.Kind != topo.Linked { // which '' it is
			dst = append(AppendQuoted(dst, col.Name), "+0"...)
		} else {
			dst = AppendQuoted(dst, col.Name)
		}
		word = ","
	}
	dst = AppendQuoted(append(AppendQuoted(append(dst, " FROM "...), f.Table.DB), '.'), f.From().Name)
	if !f.Clause.Empty() {
		dst = scan.AppendSpan(append(dst, ' '), f.Clause)
		params = appendParams(params, scan, f.Clause, nil)
	}
	if f.As != "" {
		dst = AppendQuoted(append(dst, " AS "...), f.As)
	}
	word = " WHERE ("
	for _, all := range f.Where {
		for j := range all {
			dst, params = all[j].render(append(dst, word...), params, scan)
			word = " AND "
		}
		word = " OR "
	}
	if f.Where != nil {
		dst = append(dst, ')')
		word = " AND ("
	}
	if extra != "" {
		dst = append(append(append(dst, word...), extra...), ')')
	}
	if f.First == nil && !f.Probe && !f.Distinct {
		word = " ORDER BY "
		for _, c := range f.Order {
			dst = AppendQuoted(append(dst, word...), f.Table.Columns[c].Name)
			word = ","
		}
	}
	if f.First != nil {
		word = " ORDER BY "
		for _, o := range f.First.Order {
			dst = AppendQuoted(append(dst, word...), f.Table.Columns[o.Column].Name)
			if word = ","; o.Desc {
				dst = append(dst, " DESC"...)
			}
		}
		dst = f.First.append(dst, scan)
		params = appendParams(params, scan, f.First.Limit, nil)
	}
	if f.Probe {
		dst = append(append(dst, " LIMIT "...), itoa(ProbeRows)...)
	}
	switch {
	case f.Share:
		dst = append(dst, " LOCK IN SHARE MODE"...)
	case !f.Lock.Empty():
		dst = scan.AppendSpan(append(dst, ' '), f.Lock)
		params = appendParams(params, scan, f.Lock, nil)
	}
	return dst, params
}

// render appends the condition, in brackets.
func (c *Cond) render(dst []byte, params []int, scan *sqltext.Scan) ([]byte, []int) {
	dst = append(dst, '(')
	in := c.Among
	if in == nil {
		return append(RenderSpan(dst, scan, c.Span, c.Splices, nil, Target{}), ')'), appendParams(params, scan, c.Span, c.Splices)
	}
	dst = append(AppendQuoted(dst, in.Column), " IN (SELECT "...)
	dst = append(AppendQuoted(dst, in.Table.Columns[in.FromColumn].Name), " FROM "...)
	dst = AppendQuoted(append(AppendQuoted(dst, in.Table.DB), '.'), in.Table.Name)
	word := " WHERE "
	for i := range in.Where {
		dst, params = in.Where[i].render(append(dst, word...), params, scan)
		word = " AND "
	}
	return append(dst, "))"...), params
}

// appendParams appends which of the statement's parameters stand in a span, but for what is replaced there.
func appendParams(params []int, scan *sqltext.Scan, span sqltext.Span, splices []Splice) []int {
	replaced := func(i int32) bool {
		return slices.ContainsFunc(splices, func(s Splice) bool { return s.From <= i && i < s.To })
	}
	n := 0
	for i := int32(0); i < span.To; i++ {
		if scan.Tokens[i].Kind != sqltext.Param {
			continue
		}
		if i >= span.From && !replaced(i) {
			params = append(params, n)
		}
		n++
	}
	return params
}
