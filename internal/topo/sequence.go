package topo

import (
	"regexp"
	"strings"
)

// SequenceOrdinal is the partition of its database that a sequence lives in, as a sequence of MariaDB's: there it is replicated, and moves with the partition. Shapes have
// one of the same name that gives no value.
const SequenceOrdinal = 0

// SingleOrdinal is the partition of its database that all rows of a single table are in: those of one database are together, and sequences with them.
const SingleOrdinal = SequenceOrdinal

// BluntRow is the row of a sequence that gives no value: whoever asks it gets error 4084, where another one's values would be given twice.
const BluntRow = "(3, 1, 2, 1, 1, 0, 0, 0)"

// Sequence is the sequence whose next value is the column's default, as MariaDB prints it; not ok for columns with another default.
func (c *Column) Sequence() (db, name string, ok bool) {
	rest, ok := strings.CutPrefix(c.Default, "nextval(")
	if !ok {
		return "", "", false
	}
	if db, rest, ok = quotedName(rest); !ok {
		return "", "", false
	}
	if rest, ok = strings.CutPrefix(rest, "."); !ok {
		return "", "", false
	}
	if name, rest, ok = quotedName(rest); !ok || rest != ")" {
		return "", "", false
	}
	return db, name, true
}

// quotedName reads a name in backquotes.
func quotedName(s string) (name, rest string, ok bool) {
	if s, ok = strings.CutPrefix(s, "`"); !ok {
		return "", "", false
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '`' {
			b.WriteByte(s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == '`' {
			b.WriteByte('`')
			i++
			continue
		}
		return b.String(), s[i+1:], true
	}
	return "", "", false
}

// Draws says whether a column of the table has a sequence's next value as its default.
func (t *Table) Draws() bool {
	for i := range t.Columns {
		if _, _, ok := t.Columns[i].Sequence(); ok {
			return true
		}
	}
	return false
}

// drawnColumn finds columns whose default is a sequence's next value in what SHOW CREATE TABLE says.
var drawnColumn = regexp.MustCompile("(?m)^  (`(?:[^`]|``)+`) (.*) DEFAULT nextval\\((`(?:[^`]|``)+`)\\.(`(?:[^`]|``)+`)\\)")

// DrawnColumn is a column with such a default. All names are quoted.
type DrawnColumn struct{ Column, DB, Sequence string }

// DrawnColumns are those of a table, given what SHOW CREATE TABLE says of it.
func DrawnColumns(create string) (out []DrawnColumn) {
	for _, m := range drawnColumn.FindAllStringSubmatch(create, -1) {
		out = append(out, DrawnColumn{m[1], m[3], m[4]})
	}
	return out
}

// Undrawn is the table's definition without these defaults. Partitions have it so: the nodes give such columns their values.
func Undrawn(create string) string { return drawnColumn.ReplaceAllString(create, "  $1 $2") }
