package exec

import "testing"

func TestWarningsOfPartsTogether(t *testing.T) {
	zero, abc := Note{Level: "Warning", Code: "1365", Message: "Division by 0"}, Note{Level: "Warning", Code: "1292", Message: "Truncated incorrect DECIMAL value: 'abc'"}
	ambiguous := Note{Level: "Warning", Code: "1052", Message: "Column 'a' in GROUP BY is ambiguous"}
	part := func(rows uint64, total uint16, notes ...Note) partWarnings { return partWarnings{rows, total, notes} }
	of := func(n Note, times int) (all []Note) {
		for range times {
			all = append(all, n)
		}
		return all
	}
	for _, c := range []struct {
		what   string
		parts  []partWarnings
		rows   uint64
		perRow bool
		total  uint16
		notes  int
	}{
		{"one for each row", []partWarnings{part(3, 3, of(zero, 3)...), part(7, 7, of(zero, 7)...), part(0, 0)}, 10, true, 10, 10},
		{"the first part has no rows", []partWarnings{part(0, 0), part(3, 2, of(zero, 2)...), part(7, 4, of(zero, 4)...)}, 10, true, 6, 6},
		{"with LIMIT", []partWarnings{part(3, 3, of(zero, 3)...), part(3, 3, of(zero, 3)...), part(2, 2, of(zero, 2)...)}, 3, true, 3, 3},
		{"two for each row of DISTINCT", []partWarnings{part(1, 2, of(zero, 2)...), part(1, 2, of(zero, 2)...)}, 1, true, 2, 2},
		{"a constant in a condition, no rows", []partWarnings{part(0, 1, abc), part(0, 1, abc), part(0, 1, abc)}, 0, true, 1, 1},
		{"a constant in a condition, some rows", []partWarnings{part(4, 1, abc), part(2, 1, abc), part(0, 1, abc)}, 6, true, 1, 1},
		{"a constant in a condition, aggregates", []partWarnings{part(1, 1, abc), part(1, 1, abc)}, 1, false, 1, 1},
		{"both kinds", []partWarnings{part(4, 5, append(of(zero, 4), abc)...), part(2, 3, append(of(zero, 2), abc)...)}, 6, true, 7, 7},
		{"rows that a condition looked at", []partWarnings{part(4, 2, of(abc, 2)...), part(2, 3, of(abc, 3)...)}, 6, true, 5, 5},
		{"rows that aggregates looked at", []partWarnings{part(1, 2, of(abc, 2)...), part(1, 3, of(abc, 3)...), part(1, 0)}, 1, false, 5, 5},
		{"about the text", []partWarnings{part(4, 1, ambiguous), part(0, 0)}, 4, false, 1, 1},
		{"more than a server keeps, all alike", []partWarnings{part(100, 100, of(zero, 64)...), part(200, 200, of(zero, 64)...)}, 300, true, 300, 64},
		{"the same with LIMIT", []partWarnings{part(100, 100, of(zero, 64)...), part(100, 100, of(zero, 64)...)}, 100, true, 100, 64},
		{"more than a server keeps, and various", []partWarnings{part(9, 100, append(of(zero, 63), abc)...), part(9, 9, of(zero, 9)...)}, 18, true, 109, 64},
		{"more than can be counted", []partWarnings{part(60000, 60000, of(zero, 64)...), part(60000, 60000, of(zero, 64)...)}, 120000, true, 65535, 64},
	} {
		notes, total := together(c.parts, c.rows, c.perRow)
		if total != c.total || len(notes) != c.notes {
			t.Errorf("%s: %d warnings, %d told; want %d and %d", c.what, total, len(notes), c.total, c.notes)
		}
	}
}
