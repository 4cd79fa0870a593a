package gateway

import (
	"math"
	"slices"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// cardinality is what CARDINALITY says of the first columns of an index of a whole table.
type cardinality struct {
	of    *indexTally
	value int64
	known bool
}

// cardinalities reckons the numbers for whole tables out of what the partitions have.
func cardinalities(sizes []*tally, indexes []*indexTally) []cardinality {
	rows := map[*topo.Table]map[topo.PartitionID]uint64{}
	for _, y := range sizes {
		of := map[topo.PartitionID]uint64{}
		for _, p := range y.parts {
			of[p.id] = p.rows
		}
		rows[y.table] = of
	}
	columns := map[*topo.Table]map[string][]string{} // of each index, in order
	for _, i := range indexes {
		of := columns[i.table]
		if of == nil {
			of = map[string][]string{}
			columns[i.table] = of
		}
		if n := len(of[i.index]); n < i.seq {
			of[i.index] = append(of[i.index], make([]string, i.seq-n)...)
		}
		of[i.index][i.seq-1] = i.column
	}
	out := make([]cardinality, 0, len(indexes))
	for _, i := range indexes {
		prefix := columns[i.table][i.index]
		c := cardinality{of: i, known: !slices.ContainsFunc(i.parts, func(p partValues) bool { return p.none })}
		c.value = i.cardinality(rows[i.table], prefix[:i.seq], i.unique && i.seq == len(prefix))
		out = append(out, c)
	}
	return out
}

// cardinality is the number for all partitions, of which rows tells how many rows each has.
func (i *indexTally) cardinality(rows map[topo.PartitionID]uint64, prefix []string, unique bool) int64 {
	n, doubled := 0.0, false
	parts := make([][2]float64, 0, len(i.parts))
	for _, p := range i.parts {
		if has := float64(rows[p.id]); has > 0 {
			n += has
			doubled = doubled || p.doubled
			parts = append(parts, [2]float64{has, p.values})
		}
	}
	if unique || n == 0 {
		return int64(n)
	}
	values := max(math.Round(valuesOf(parts, holdsShardKey(i.table, prefix))), 1)
	if doubled {
		return int64(values)
	}
	// What MariaDB tells of n rows: it takes half the rows for each value, so that its optimizer prefers indexes.
	return int64(n / max(math.Floor(n/values/2), 1))
}

// holdsShardKey says whether equal values of columns are in one partition.
func holdsShardKey(t *topo.Table, columns []string) bool {
	return len(t.ShardKey) > 0 && !slices.ContainsFunc(t.ShardKey, func(c int) bool { return !slices.Contains(columns, t.Columns[c].Name) })
}

// valuesOf estimates how many different values all parts have, each of which has rows and some values among them. apart: no two parts have one in common. Else the rows are
// taken to be spread over the parts by chance, whatever their values: of v values, n rows drawn by chance have v(1 - e^(-n/v)).
func valuesOf(parts [][2]float64, apart bool) float64 {
	var rows, values, most float64
	for _, p := range parts {
		rows, values, most = rows+p[0], values+min(p[0], p[1]), max(most, min(p[0], p[1]))
	}
	share := values / max(rows, 1)
	if apart || len(parts) < 2 || share >= 1 || values == 0 {
		return values
	}
	// x is rows for each value in one part: (1 - e^-x) / x falls from 1 to 0.
	low, high := 0.0, 1/share
	for range 60 {
		if x := (low + high) / 2; -math.Expm1(-x)/x > share {
			low = x
		} else {
			high = x
		}
	}
	all := rows / float64(len(parts)) / max(low, 1e-12)
	return min(max(all*-math.Expm1(-rows/all), most), values)
}
