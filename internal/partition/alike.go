package partition

import (
	"bytes"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/shard"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// Alike says why rows with equal values in the deciding columns of two schemes may be in places of different numbers; "" when they are not. The columns are
// taken in the schemes' order: what they, and the partitions, are called does not matter.
func Alike(a, b *Scheme) string {
	switch {
	case len(a.Columns) != len(b.Columns):
		return "other columns decide"
	case !alikeChoice(a, b, &a.By, &b.By):
		return "they are chosen in different ways"
	case !alikeChoice(a, b, &a.Sub, &b.Sub):
		return "subpartitions are chosen in different ways"
	case len(a.Partitions) != len(b.Partitions):
		return "the numbers of partitions differ"
	}
	for i := range a.Columns {
		if !alikeColumn(&a.Columns[i], &b.Columns[i]) {
			return "the types of the columns '" + a.Columns[i].Name + "' and '" + b.Columns[i].Name + "' differ"
		}
	}
	for i := range a.Partitions {
		x, y := &a.Partitions[i], &b.Partitions[i]
		if len(x.Subs) != len(y.Subs) {
			return "the numbers of subpartitions differ"
		}
		if x.Default != y.Default || !alikeBounds(x.Less, y.Less) || !alikeLists(x.In, y.In) {
			return "the values of '" + x.Name + "' and '" + y.Name + "' differ"
		}
	}
	return ""
}

func alikeChoice(a, b *Scheme, x, y *Choice) bool {
	// KEY's two ways differ for few types, but nobody needs both.
	return x.Method == y.Method && x.Linear == y.Linear && (x.Algorithm == 1) == (y.Algorithm == 1) && slices.Equal(x.Columns, y.Columns) &&
		alikeExpr(a, b, x.Expr, y.Expr)
}

// alikeExpr compares expressions as SHOW CREATE TABLE prints them, where every column is quoted.
func alikeExpr(a, b *Scheme, x, y string) bool {
	if x == "" || y == "" {
		return x == y
	}
	var s, t sqltext.Scan
	if s.Scan([]byte(x), sqltext.Mode{}) != nil || t.Scan([]byte(y), sqltext.Mode{}) != nil || len(s.Tokens) != len(t.Tokens) {
		return false
	}
	column := func(of *Scheme, scan *sqltext.Scan, tok sqltext.Token) int {
		name := string(sqltext.Unquote(nil, tok, scan.Src, sqltext.Mode{}))
		return slices.IndexFunc(of.Columns, func(c topo.Column) bool { return strings.EqualFold(c.Name, name) })
	}
	for i := range s.Tokens {
		p, q := s.Tokens[i], t.Tokens[i]
		switch {
		case p.Kind != q.Kind:
			return false
		case p.Kind == sqltext.QuotedID:
			if n := column(a, &s, p); n < 0 || n != column(b, &t, q) {
				return false
			}
		case !bytes.Equal(s.Src[p.Start:p.End], t.Src[q.Start:q.End]):
			return false
		}
	}
	return true
}

// alikeColumn says whether two columns store equal values as equal bytes, and order them alike.
func alikeColumn(a, b *topo.Column) bool {
	if a.Type != b.Type || a.Unsigned != b.Unsigned || a.Charset != b.Charset || a.Collation != b.Collation {
		return false
	}
	switch a.Type {
	case "tinyint", "smallint", "mediumint", "int", "bigint": // what follows is how many digits are shown
		return true
	case "varchar", "varbinary": // there are bytes for the length, which do not count
		return true
	}
	return a.FullType == b.FullType
}

func alikeLists(a, b [][]Bound) bool {
	if len(a) != len(b) {
		return false
	}
	for _, x := range a {
		if !slices.ContainsFunc(b, func(y []Bound) bool { return alikeBounds(x, y) }) {
			return false
		}
	}
	return true
}

func alikeBounds(a, b []Bound) bool {
	return slices.EqualFunc(a, b, func(x, y Bound) bool { return x.Max == y.Max && alikeValue(&x.Value, &y.Value) })
}

func alikeValue(a, b *shard.Value) bool {
	return a.Kind == b.Kind && a.Neg == b.Neg && a.I == b.I && a.U == b.U && a.F == b.F && bytes.Equal(a.B, b.B) && a.Charset == b.Charset
}
