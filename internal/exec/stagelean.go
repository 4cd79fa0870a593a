package exec

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// A lean copy is made for the rows that come into it: it has the columns that are read, and the keys that these are in, which MariaDB tells clients of and finds rows by. What stores a row costs most of
// all that is done with it, and most of that goes into keys. Where many rows are expected it is a table of the Aria engine, which keeps no undo of it. Of few, too, Aria knows how many there are: MariaDB reads a lone one
// while it plans, needs no temporary table then, and tells other things of the result's columns.

// ariaOptions are a lean copy's. In pages, rows are written where others are; else each of them is a write to a file.
const ariaOptions = "ENGINE=Aria TRANSACTIONAL=0 ROW_FORMAT=PAGE PAGE_CHECKSUM=0"

// maxAriaKey bounds the bytes of a key in an Aria table, well below what Aria has.
const maxAriaKey = 1000

// errDefinition: a table's definition is not what SHOW CREATE TABLE prints.
var errDefinition = errors.New("a table's definition that is not understood")

// leaner reads a definition.
type leaner struct {
	f     *plan.Fill
	scan  sqltext.Scan
	items []leanItem
	tail  sqltext.Span
	kept  []bool // by position in Table.Columns
	aria  bool
	out   []byte
}

// leanItem is a column or a key of a definition.
type leanItem struct {
	span   sqltext.Span
	column int // its position; -1 for a key
	parts  []leanPart
}

// leanPart is a column of a key.
type leanPart struct {
	span   sqltext.Span
	column int
	prefix int // in characters; 0 for the whole
}

// manyRows is from how many rows on a copy is worth another engine than its table's.
const manyRows = 1000

// leanDefinition is what follows the name in the CREATE TABLE of a fill's copy, which is to have so many rows.
func leanDefinition(create []byte, f *plan.Fill, rows int64) (string, error) {
	l := &leaner{f: f, kept: make([]bool, len(f.Table.Columns)), aria: rows >= manyRows}
	if err := l.read(create); err != nil {
		return "", err
	}
	for _, c := range f.Columns {
		l.kept[c] = true
	}
	l.out = append(l.out, '(')
	keys := l.keys()
	l.names()
	for i := range l.items {
		if it := &l.items[i]; it.column >= 0 && l.kept[it.column] {
			l.column(it)
		}
	}
	l.out = append(l.out[:len(l.out)-1], keys...)
	l.out = append(l.out, ") "...)
	l.options()
	return string(l.out), nil
}

func (l *leaner) is(i int32, kw sqltext.Keyword) bool { return l.scan.Tokens[i].KW == kw }

// read finds the items.
func (l *leaner) read(create []byte) error {
	if err := l.scan.Scan(create, sqltext.Mode{}); err != nil {
		return err
	}
	const first = 4 // after CREATE TABLE `name` (
	tokens := l.scan.Tokens
	if len(tokens) <= first || tokens[first-1].Op != '(' {
		return errDefinition
	}
	depth, from := 1, int32(first)
	for i := from; i < int32(len(tokens)); i++ {
		switch op := tokens[i].Op; {
		case op == '(':
			depth++
		case op == ',' && depth == 1, op == ')' && depth == 1:
			if err := l.item(sqltext.Span{From: from, To: i}); err != nil {
				return err
			}
			if from = i + 1; op == ')' {
				l.tail = sqltext.Span{From: from, To: int32(len(tokens))}
				return nil
			}
		case op == ')':
			depth--
		}
	}
	return errDefinition
}

// item notes a column or a key. What else there is checks rows that are known to be right.
func (l *leaner) item(s sqltext.Span) error {
	if s.Empty() {
		return errDefinition
	}
	switch t := &l.scan.Tokens[s.From]; {
	case t.Kind == sqltext.QuotedID:
		c := l.named(s.From)
		if c < 0 {
			return errDefinition
		}
		l.items = append(l.items, leanItem{span: s, column: c})
	case t.KW == sqltext.KwPrimary, t.KW == sqltext.KwUnique, t.KW == sqltext.KwKey, t.KW == sqltext.KwSpatial:
		it := leanItem{span: s, column: -1}
		open := s.From
		for open < s.To && l.scan.Tokens[open].Op != '(' {
			open++
		}
		depth, from := 1, open+1
		for i := from; i < s.To && depth > 0; i++ {
			switch op := l.scan.Tokens[i].Op; {
			case op == '(':
				depth++
			case op == ')' && depth > 1:
				depth--
			case op == ')', op == ',' && depth == 1:
				p := leanPart{span: sqltext.Span{From: from, To: i}, column: l.named(from)}
				period := i > from && l.is(i-1, sqltext.KwOverlaps) // which is not there
				if p.column < 0 && !period {
					return errDefinition
				}
				if from+1 < i && l.scan.Tokens[from+1].Op == '(' {
					p.prefix, _ = strconv.Atoi(string(l.scan.Bytes(from + 2)))
				}
				if !period {
					it.parts = append(it.parts, p)
				}
				if from = i + 1; op == ')' {
					depth = 0
				}
			}
		}
		if it.parts == nil {
			return nil
		}
		l.items = append(l.items, it)
	}
	return nil
}

// named is the column that a token names; -1 for none.
func (l *leaner) named(i int32) int {
	t := &l.scan.Tokens[i]
	if t.Kind != sqltext.QuotedID {
		return -1
	}
	return l.f.Table.Column(string(sqltext.Unquote(nil, *t, l.scan.Src, l.scan.Mode())))
}

// keys are the keys that stay: those whose columns are shown, and those that begin with what is sought.
func (l *leaner) keys() (out []byte) {
	read := slices.Clone(l.kept)
	numbered := l.f.Table.AutoIncrement >= 0 && l.kept[l.f.Table.AutoIncrement] // which must be the first in a key
	for i := range l.items {
		it := &l.items[i]
		if it.column >= 0 {
			continue
		}
		unique := l.is(it.span.From, sqltext.KwUnique) || l.is(it.span.From, sqltext.KwPrimary)
		parts := l.parts(it, unique, read)
		if parts == nil {
			continue
		}
		numbered = numbered && parts[0].column != l.f.Table.AutoIncrement
		head, period := it.span.From, false
		for i := it.span.From; i < it.span.To; i++ { // which rows may share that a period tells apart
			period = period || l.is(i, sqltext.KwOverlaps)
		}
		if out = append(out, ','); period || unique && len(parts) < len(it.parts) {
			out = append(out, "KEY"...)
		} else {
			for head+1 < it.span.To && l.scan.Tokens[head+1].Op != '(' {
				head++
			}
			out = l.scan.AppendSpan(out, sqltext.Span{From: it.span.From, To: head + 1})
		}
		word, bytes := byte('('), 0
		for _, p := range parts {
			l.kept[p.column] = true
			bytes += keyBytes(&l.f.Table.Columns[p.column], p.prefix)
			out = l.scan.AppendSpan(append(out, word), p.span)
			word = ','
		}
		out = append(out, ')')
		l.aria = l.aria && bytes <= maxAriaKey && !l.is(it.span.From, sqltext.KwSpatial)
	}
	if numbered {
		out = append(plan.AppendQuoted(append(out, ",KEY("...), l.f.Table.Columns[l.f.Table.AutoIncrement].Name), ')')
	}
	return out
}

// parts are the columns that are left of a key; nil where it goes.
func (l *leaner) parts(it *leanItem, unique bool, read []bool) []leanPart {
	shown := slices.ContainsFunc(it.parts, func(p leanPart) bool { return read[p.column] && slices.Contains(l.f.Shown, p.column) })
	first := it.parts[0].column
	sought := read[first] && slices.Contains(l.f.Sought, first)
	left := slices.IndexFunc(it.parts, func(p leanPart) bool { return !read[p.column] })
	switch {
	case !shown && !sought:
		return nil
	case !unique && !sought && !(read[first] && slices.Contains(l.f.Shown, first)) && !slices.ContainsFunc(it.parts, func(p leanPart) bool {
		return read[p.column] && slices.Contains(l.f.Shown, p.column) && !l.leads(p.column)
	}):
		return nil // of what is shown others tell all that it would
	case left < 0:
		return it.parts
	case !shown:
		return it.parts[:left]
	case unique: // the plan reads all of them
		return nil
	}
	// By the first MariaDB tells the others' flags.
	parts := slices.DeleteFunc(slices.Clone(it.parts), func(p leanPart) bool { return !read[p.column] })
	if parts[0].column != first {
		parts = slices.Insert(parts, 0, it.parts[0])
	}
	return parts
}

// leads says whether a column is the first of a key that may have equal values.
func (l *leaner) leads(column int) bool {
	return slices.ContainsFunc(l.items, func(it leanItem) bool {
		return it.column < 0 && l.is(it.span.From, sqltext.KwKey) && it.parts[0].column == column
	})
}

// keyBytes is no less than what a column has in a key.
func keyBytes(c *topo.Column, prefix int) int {
	const wide = 4 // bytes of a character
	switch c.Type {
	case "char", "varchar", "binary", "varbinary", "tinytext", "text", "mediumtext", "longtext", "tinyblob", "blob", "mediumblob", "longblob":
		if prefix == 0 {
			prefix = int(min(c.Length, maxAriaKey))
		}
		return prefix*wide + 3
	}
	return 34 // a DECIMAL
}

// names keeps the columns that defaults and checks of others name.
func (l *leaner) names() {
	for again := true; again; {
		again = false
		for i := range l.items {
			it := &l.items[i]
			if it.column < 0 || !l.kept[it.column] {
				continue
			}
			for j := it.span.From + 1; j < it.span.To; j++ {
				if c := l.named(j); c >= 0 && !l.kept[c] {
					l.kept[c], again = true, true
				}
			}
		}
	}
}

// column appends a column, without what says that it has a history.
func (l *leaner) column(it *leanItem) {
	from := it.span.From
	for i := from; i+2 < it.span.To; i++ {
		if l.is(i, sqltext.KwWithout) && l.is(i+1, sqltext.KwSystem) && l.is(i+2, sqltext.KwVersioning) {
			l.out = append(l.scan.AppendSpan(l.out, sqltext.Span{From: from, To: i}), ' ')
			from = i + 3
		}
	}
	l.out = append(l.scan.AppendSpan(l.out, sqltext.Span{From: from, To: it.span.To}), ',')
}

// options appends what follows the items: the character set and collation of the columns that name none.
func (l *leaner) options() {
	for i := l.tail.From; i+2 < l.tail.To && !l.is(i, sqltext.KwPartition); i++ {
		if l.scan.Tokens[i+1].Op != '=' {
			continue
		}
		switch name := strings.ToUpper(string(l.scan.Bytes(i))); name {
		case "CHARSET", "COLLATE":
			l.out = append(append(append(l.out, name...), '='), l.scan.Bytes(i+2)...)
			l.out = append(l.out, ' ')
		}
	}
	if l.aria {
		l.out = append(l.out, ariaOptions...)
	} else {
		l.out = append(l.out, "ENGINE=InnoDB"...)
	}
}
