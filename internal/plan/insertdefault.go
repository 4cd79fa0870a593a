package plan

import (
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// computedKeys are the columns of a shard key that an INSERT of these columns gives no value, and whose default is computed for each row: UUID(), say. The place of a row is known
// once its value is, which stands in the row then.
func computedKeys(table *topo.Table, columns []int) (names []string) {
	for _, c := range table.ShardKey {
		if col := &table.Columns[c]; !slices.Contains(columns, c) && computedDefault(col) {
			names = append(names, quoted(col.Name))
		}
	}
	return names
}

// omits says whether a row of these columns leaves column c without a value, of which MariaDB says 1364.
func omits(table *topo.Table, columns []int, c int) bool {
	col := &table.Columns[c]
	return !slices.Contains(columns, c) && !col.Nullable && col.Default == "" && !col.Generated && col.Type != "enum" && c != table.AutoIncrement
}

// fills says whether ON DUPLICATE KEY UPDATE gives a value to a column that such rows leave without one.
func fills(table *topo.Table, columns []int, set []sqltext.Assign) bool {
	return slices.ContainsFunc(set, func(a sqltext.Assign) bool {
		c := table.Column(a.Column.Name.Text)
		return c >= 0 && omits(table, columns, c)
	})
}

// omitsAny says whether rows of these columns leave one without a value. Other servers know their own columns.
func omitsAny(table *topo.Table, columns []int) bool {
	for c := range table.Columns {
		if table.Kind != topo.Linked && omits(table, columns, c) {
			return true
		}
	}
	return false
}

// computedDefault says whether a column's default is an expression without columns in it, as MariaDB prints it. A
// sequence's name would be in backquotes, too.
func computedDefault(c *topo.Column) bool {
	return c.Default != "" && !strings.EqualFold(c.Default, "NULL") && !strings.ContainsRune("'0123456789-", rune(c.Default[0])) && !strings.Contains(c.Default, "`")
}

// withDefaults are the splices that name such columns in an INSERT of values, with DEFAULT in each row.
func withDefaults(s *sqltext.Insert, names []string) []Splice {
	if len(s.Set) > 0 {
		return []Splice{insertion(s.SetSpan.To, ", "+strings.Join(names, " = DEFAULT, ")+" = DEFAULT")}
	}
	empty := len(s.Rows[0]) == 0
	list, row := strings.Join(names, ", "), strings.Repeat(", DEFAULT", len(names))
	var out []Splice
	switch {
	case s.ColumnsSpan.Empty():
		out = append(out, insertion(s.InsertPoint, " ("+list+") "))
	case empty:
		out = append(out, insertion(s.ColumnsSpan.To-1, list))
	default:
		out = append(out, insertion(s.ColumnsSpan.To-1, ", "+list))
	}
	if empty {
		row = row[len(", "):]
	}
	for _, r := range s.RowSpans {
		out = append(out, insertion(r.To-1, row))
	}
	return out
}

// withDefaultItems are those of an INSERT … SELECT, whose query computes the defaults; nil where they would change it.
func withDefaultItems(s *sqltext.Insert, table *topo.Table, names []string, oracle bool) []Splice {
	q := s.Select
	if s.ColumnsSpan.Empty() || q.Select == nil || q.Select.Distinct || isGrouped(q.Select) || q.Bracket || q.With != nil {
		return nil
	}
	items := ""
	for _, c := range table.ShardKey {
		if col := &table.Columns[c]; slices.Contains(names, quoted(col.Name)) {
			text := col.Default
			if oracle {
				var ok bool
				if text, ok = sqltext.InOracle(text); !ok {
					return nil
				}
			}
			items += ", (" + text + ")"
		}
	}
	return []Splice{insertion(s.ColumnsSpan.To-1, ", "+strings.Join(names, ", ")), insertion(q.Select.ItemsSpan.To, items)}
}

// insertion puts a text before a token.
func insertion(at int32, text string) Splice {
	return Splice{From: at, To: at, Pieces: []Piece{textPiece(text)}}
}
