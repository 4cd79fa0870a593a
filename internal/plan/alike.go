package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// A table without a key has rows that only all their columns together tell apart. Two that are the same in each of them are the same to whatever a statement says, so that it does
// not matter which of them it changes, but how many. So the key of such a row is one text of all that it has (rowText): the same for rows of the same bytes, whatever collations call
// equal, and for no others. It is computed where the rows are, when they are found and when they are changed, and nobody reads it but to compare it.
//
// A change gives rows the texts of others. So what one statement at a partition changes is changed by one statement there (JoinText where rows get values of their own), or row by row,
// each time one of those that are alike: then it is no matter, either, whether that one was there before.

// rowKey is a key by whose values a table's rows are found again; nil when there is none.
func rowKey(t *topo.Table) []int {
	if t.Kind == topo.Keyless { // it has none that holds over partitions
		return nil
	}
	for _, key := range t.Unique {
		key = slices.DeleteFunc(slices.Clone(key), func(c int) bool { return ofPeriod(&t.Columns[c]) }) // only rows of now are written
		if len(key) > 0 && !slices.ContainsFunc(key, func(c int) bool { return !findable(&t.Columns[c]) }) {
			return key
		}
	}
	return nil
}

// findable says whether a literal of a column's value finds it. A TIMESTAMP as text may stand for two.
func findable(c *topo.Column) bool {
	switch c.Type {
	case "timestamp", "float", "double", "geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geometrycollection":
		return false
	}
	return !c.Nullable && !c.Ambiguous()
}

// alike is why the rows of a target can't be told apart by all their columns; "" where they can. The statement finds it in from, as r.
func (p *planner) alike(k *ByKey, t *KeyTarget, from []sqltext.TableRef, r *sqltext.TableRef) string {
	keyless := "'" + t.Table.DB + "." + t.Table.Name + "' has no primary key or unique key without NULLs that tells its rows apart"
	if !slices.Contains([]topo.TableKind{topo.Sharded, topo.Keyless, topo.Single, topo.Reference}, t.Table.Kind) {
		return keyless
	}
	for i := range t.Table.Columns {
		c := &t.Table.Columns[i]
		if _, ok := columnText(c); !ok {
			return keyless + ", nor does its column '" + c.Name + "' of type " + c.Type
		}
	}
	switch {
	case len(k.Draws) > 0:
		return keyless + ", and each is to have its own value of a sequence"
	case p.counts(k.where) || p.counts(k.from) || p.counts(k.order) || slices.ContainsFunc(k.Values, func(v KeyValue) bool { return &k.Targets[v.Target] == t && p.counts(v.span) }):
		return keyless + ", and which ones are meant, or what they get, differs by call"
	case p.namesHistory(t.Table):
		return keyless + ", but the time since when they are"
	case t.Everywhere && p.ordered && len(k.Values) > 0:
		return keyless + ", so that triggers would see them changed in another order at each leaf"
	case len(k.Moves) > 0 && len(t.Table.Unique) > 0 && k.order.Empty():
		return keyless + ", so that nobody knows in which order they would be changed: add ORDER BY"
	}
	given := func(c topo.Column) bool { return !c.Nullable && !computed(&c) }
	t.Padded = padded(from, r) && !slices.ContainsFunc(t.Table.Columns, given)
	return ""
}

// padded says whether an outer join may have NULLs in the place of a table's rows.
func padded(refs []sqltext.TableRef, r *sqltext.TableRef) bool {
	in := func(at *sqltext.TableRef) bool {
		found := false
		sqltext.WalkTables([]sqltext.TableRef{*at}, func(o *sqltext.TableRef) { found = found || o.Table != nil && o.Table == r.Table })
		return found
	}
	for i := range refs {
		j := refs[i].Join
		if j == nil {
			if padded(refs[i].Nested, r) {
				return true
			}
			continue
		}
		switch j.Kind {
		case sqltext.LeftJoin, sqltext.NaturalLeftJoin:
			if in(&j.Right) {
				return true
			}
		case sqltext.RightJoin, sqltext.NaturalRightJoin:
			if in(&j.Left) {
				return true
			}
		}
		if padded([]sqltext.TableRef{j.Left, j.Right}, r) {
			return true
		}
	}
	return false
}

// namesHistory says whether the statement may read a column of a table's history that the table's own columns do not tell of.
func (p *planner) namesHistory(t *topo.Table) bool {
	for i := p.stmt.Span.From; i < p.stmt.Span.To; i++ {
		for _, name := range HistoryColumns {
			if strings.EqualFold(unquote(p.text(i)), name) && t.Column(name) < 0 {
				return true
			}
		}
	}
	return false
}

// computed says whether a column's value follows from others.
func computed(c *topo.Column) bool { return c.Generated && !ofPeriod(c) }

// textBytes is the length up to which a string's bytes are written out. Of longer ones the hash tells as much.
const textBytes = 255

// columnText is a format of what tells a column's values apart: ASCII without commas, which is never 'N'.
func columnText(c *topo.Column) (format string, ok bool) {
	switch c.Type {
	case "tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "year", "double", "date", "time", "datetime", "uuid", "inet6", "inet4":
		return "CAST(%s AS CHAR)", true
	case "float": // whose text is rounded
		return "CAST(CAST(%s AS DOUBLE) AS CHAR)", true
	case "bit", "enum", "set":
		return "CAST(CAST(%s AS UNSIGNED) AS CHAR)", true
	case "timestamp": // a text in a time zone may stand for two
		return "CAST(UNIX_TIMESTAMP(%s) AS CHAR)", true
	case "geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geometrycollection":
		return "SHA2(%s,256)", true
	case "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob":
	default:
		if c.Charset == "" {
			return "", false
		}
	}
	if c.Length > 0 && c.Length <= textBytes {
		return "HEX(%s)", true
	}
	return "SHA2(%s,256)", true
}

// textCharset is that of rowText, whatever the session's is.
const textCharset = "latin1"

// rowText appends what tells the row of a target apart. name is what its columns are qualified with, "" for nothing.
func (t *KeyTarget) rowText(dst []byte, name string) []byte {
	dst = append(dst, "CONVERT(CONCAT("...)
	word := ""
	for i := range t.Table.Columns {
		c := &t.Table.Columns[i]
		if computed(c) {
			continue
		}
		var column []byte
		if name != "" {
			column = append([]byte(name), '.')
		}
		format, _ := columnText(c)
		if c.Nullable {
			format = "IFNULL(" + format + ",'N')"
		}
		dst = fmt.Appendf(append(dst, word...), format, AppendQuoted(column, c.Name))
		word = ",',',"
	}
	return append(dst, ") USING "+textCharset+")"...)
}

// Turns are the positions of Targets in the order in which they are changed: reference tables last, as rows of the others may reference theirs.
func (k *ByKey) Turns() []int {
	var first, last []int
	for i := range k.Targets {
		if k.Targets[i].Everywhere {
			last = append(last, i)
		} else {
			first = append(first, i)
		}
	}
	return append(first, last...)
}

// Single says whether the statement names one table.
func (k *ByKey) Single() bool { return k.single }

// Ignores says whether it leaves out what fails.
func (k *ByKey) Ignores() bool { return k.ignore }

// NullText is the text of a row that has nothing but NULLs. Where Padded, it is that of no row, too.
func (t *KeyTarget) NullText() string {
	text := ""
	for i := range t.Table.Columns {
		if c := &t.Table.Columns[i]; !computed(c) {
			text += ",N"
		}
	}
	return strings.TrimPrefix(text, ",")
}

// Cells is how many columns of QueryText are a target's.
func (t *KeyTarget) Cells() int { return t.First() + len(t.Key) }

// First is where among them Key's are.
func (t *KeyTarget) First() int {
	if t.All {
		return 1
	}
	return 0
}

// AppendText appends a text that QueryText told of a row, as SQL.
func AppendText(dst []byte, text string) []byte {
	return append(append(append(dst, "_"+textCharset+"'"...), text...), '\'')
}

// WhereTexts is the condition that a row's text is one of these, and that another condition holds; "" for none.
func (t *KeyTarget) WhereTexts(texts []string, and string) []byte {
	var dst []byte
	if and != "" {
		dst = append([]byte(and), " AND "...)
	}
	dst = append(t.rowText(dst, ""), " IN ("...)
	for i, text := range texts {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendText(dst, text)
	}
	return append(dst, ')')
}

// WhereText is the query for the texts of a target's rows at a partition that meet a condition; it locks them.
func (t *KeyTarget) WhereText(to Target, where []byte) []byte {
	dst := append(t.rowText([]byte("SELECT "), ""), " FROM "...)
	if t.Everywhere || t.Table.Temporary {
		to.Schema = t.Table.DB
	}
	dst = AppendQuoted(append(AppendQuoted(dst, to.Schema), '.'), t.Table.Name)
	return append(append(append(dst, " WHERE "...), where...), " FOR UPDATE"...)
}

// GivenRow is a text of rows, and the literals in the order of Values that they get.
type GivenRow struct {
	Text   string
	Values []string
}

// JoinText is the UPDATE that gives rows of Targets[i] values of their own, all at once. where and limit are "" for none.
func (k *ByKey) JoinText(dst []byte, scan *sqltext.Scan, i int, names []Splice, to Target, rows []GivenRow, where, limit string) (text []byte, params []int) {
	t := &k.Targets[i]
	name := quoted(t.alias)
	dst = append(dst, "UPDATE "...)
	if k.ignore {
		dst = append(dst, "IGNORE "...)
	}
	dst = append(k.table(dst, t, to), " AS "+name+" JOIN (SELECT NULL AS `#row`"...)
	for n := range k.Values {
		if k.Values[n].Target == i {
			dst = fmt.Appendf(dst, ",NULL AS `#%d`", n)
		}
	}
	dst = append(dst, " FROM DUAL WHERE FALSE UNION ALL VALUES "...)
	for r := range rows {
		if r > 0 {
			dst = append(dst, ',')
		}
		dst = AppendText(append(dst, '('), rows[r].Text)
		for n := range k.Values {
			if k.Values[n].Target == i {
				dst = append(append(dst, ','), rows[r].Values[n]...)
			}
		}
		dst = append(dst, ')')
	}
	dst = append(t.rowText(append(dst, ") AS `#given` ON "...), name), "=`#given`.`#row` SET "...)
	word := ""
	for a := range k.set {
		if k.of[a] != i {
			continue
		}
		column := AppendQuoted([]byte(name+"."), t.Table.Columns[t.Table.Column(k.set[a].Column.Name.Text)].Name)
		dst = append(append(append(dst, word...), column...), '=')
		if n := slices.IndexFunc(k.Values, func(v KeyValue) bool { return v.Assign == a }); n >= 0 {
			dst = fmt.Appendf(dst, "`#given`.`#%d`", n)
		} else {
			dst = append(dst, "DEFAULT"...)
		}
		word = ","
	}
	if where != "" {
		dst = append(append(dst, " WHERE "...), where...)
	}
	if !k.order.Empty() {
		dst = RenderSpan(append(dst, ' '), scan, k.order, names, names, to)
		params = appendParams(params, scan, k.order, nil)
	}
	if k.sorted && t.Everywhere {
		dst = k.byKey(dst, t, !k.order.Empty(), name)
	}
	if limit != "" {
		dst = append(append(dst, " LIMIT "...), limit...)
	}
	return dst, params
}
