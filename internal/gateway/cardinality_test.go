package gateway

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// The estimate is near the truth when values are spread by chance, and exact when each part has values of its own.
func TestValuesOf(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct{ rows, values, parts int }{
		{400, 10, 4}, {1000, 50, 8}, {10_000, 10_000, 8}, {20_000, 2_000, 8}, {1000, 1, 4}, {5000, 100_000, 2}, {300, 30, 1},
	} {
		sets := make([]map[int]bool, c.parts)
		n := make([]int, c.parts)
		all := map[int]bool{}
		for i := range sets {
			sets[i] = map[int]bool{}
		}
		for range c.rows {
			p, v := r.IntN(c.parts), r.IntN(c.values)
			sets[p][v], all[v] = true, true
			n[p]++
		}
		var parts [][2]float64
		sum := 0
		for i := range sets {
			parts = append(parts, [2]float64{float64(n[i]), float64(len(sets[i]))})
			sum += len(sets[i])
		}
		if got, want := valuesOf(parts, false), float64(len(all)); math.Abs(got-want) > want/10+1 {
			t.Errorf("%+v: %.1f values, want about %.0f", c, got, want)
		}
		if got := valuesOf(parts, true); got != float64(sum) {
			t.Errorf("%+v: %.1f values that are apart, want %d", c, got, sum)
		}
	}
}

func TestCardinality(t *testing.T) {
	table := &topo.Table{Columns: []topo.Column{{Name: "a"}, {Name: "b"}}, ShardKey: []int{0}}
	var parts []partValues
	rows := map[topo.PartitionID]uint64{}
	for n := range 4 {
		id := topo.PartitionID{DB: "d", Ordinal: n}
		rows[id] = 100
		parts = append(parts, partValues{id: id, values: 10})
	}
	empty := topo.PartitionID{DB: "d", Ordinal: 4}
	parts = append(parts, partValues{id: empty, doubled: true})
	i := &indexTally{table: table, parts: parts}
	for _, c := range []struct {
		name   string
		prefix []string
		unique bool
		want   int64
	}{
		{"the same values in each", []string{"b"}, false, 20}, // as MariaDB tells of 400 rows with 10 values
		{"other values in each", []string{"a"}, false, 80},
		{"unique", []string{"b", "a"}, true, 400},
	} {
		if got := i.cardinality(rows, c.prefix, c.unique); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	if got := i.cardinality(map[topo.PartitionID]uint64{}, []string{"b"}, false); got != 0 {
		t.Errorf("no rows: %d", got)
	}
	parts[0].values, parts[1].values, parts[2].values, parts[3].values = 0, 0, 0, 0
	if got := i.cardinality(rows, []string{"b"}, false); got <= 0 {
		t.Errorf("never counted: %d", got)
	}
}
