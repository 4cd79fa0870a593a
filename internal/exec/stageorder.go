package exec

import (
	"cmp"
	"slices"

	"github.com/orbweaver/orbweaver/internal/plan"
)

// order decides which fills are read before which: what is small first, as its keys leave less of the others. How much that is shows only when it was read, so that what is next is
// decided then.
type order struct {
	fills []plan.Fill
	// rows are how many MariaDB thinks that there are, without keys; nil when it was not asked. Then they are read in the order that they are in.
	rows []int64
	done []bool
	// skipped are probes whose keys came too late for anybody.
	skipped []bool
	// told is how many values there are of a fill's key, which those tell that were read; negative when they tell none.
	told func(i int, key *plan.FillKey) int64
}

const (
	// keyFan is how many rows there may be for each key that a fill is narrowed by.
	keyFan = 10
	// waitRows is how many rows a fill may be expected to have for others to wait for its keys.
	waitRows = 10 * maxKeys
)

func newOrder(fills []plan.Fill, rows []int64) *order {
	return &order{fills: fills, rows: rows, done: make([]bool, len(fills)), skipped: make([]bool, len(fills))}
}

// expect is how many rows a fill is expected to have when it is read now.
func (o *order) expect(i int) int64 {
	if o.rows == nil {
		return int64(i)
	}
	f := &o.fills[i]
	n := o.rows[i]
	if f.Probe {
		n = min(n, plan.ProbeRows)
	}
	for k := range f.Keys {
		key := &f.Keys[k]
		if !o.done[key.From] {
			continue
		}
		if told := o.told(i, key); told >= 0 {
			fan := int64(keyFan)
			if uniqueIn(f.Table, key.Columns) {
				fan = 1
			}
			n = min(n, told*fan)
		}
	}
	if f.First != nil && f.First.Limit.Empty() {
		n = min(n, 1)
	}
	return n
}

// asks says whether a fill has keys that another one tells.
func (o *order) asks(i, of int) bool {
	f := &o.fills[i]
	return slices.ContainsFunc(f.Keys, func(k plan.FillKey) bool { return k.From == of && keyable(f, &k, &o.fills[of]) })
}

// waits says whether a fill is better read after another one.
func (o *order) waits(i, j int) bool {
	if !o.asks(i, j) {
		return false
	}
	a, b := o.expect(i), o.expect(j)
	if o.rows != nil && b > waitRows {
		return false
	}
	return o.rows != nil && !o.asks(j, i) || b < a || b == a && j < i
}

// groups are the fills that keys connect.
func (o *order) groups() (out [][]int) {
	in := make([]int, len(o.fills))
	for i := range in {
		in[i] = i
	}
	for i := range o.fills {
		for _, k := range o.fills[i].Keys {
			for n, from, to := 0, in[i], in[k.From]; n < len(in); n++ {
				if in[n] == from {
					in[n] = to
				}
			}
		}
	}
	for n := range in {
		var group []int
		for i := range in {
			if in[i] == n {
				group = append(group, i)
			}
		}
		if group != nil {
			out = append(out, group)
		}
	}
	return out
}

// next are those of a group that are to be read now, at once; none when all were.
func (o *order) next(group []int) []int {
	for {
		left := slices.DeleteFunc(slices.Clone(group), func(i int) bool { return o.done[i] })
		if len(left) == 0 {
			return nil
		}
		now := slices.DeleteFunc(slices.Clone(left), func(i int) bool {
			return slices.ContainsFunc(left, func(j int) bool { return o.waits(i, j) })
		})
		if len(now) == 0 { // they wait for each other in a circle
			now = []int{slices.MinFunc(left, func(i, j int) int { return cmp.Or(cmp.Compare(o.expect(i), o.expect(j)), i-j) })}
		}
		for _, i := range now {
			o.skipped[i] = o.fills[i].Probe && !slices.ContainsFunc(left, func(j int) bool { return !slices.Contains(now, j) && o.asks(j, i) })
			o.done[i] = o.skipped[i]
		}
		now = slices.DeleteFunc(now, func(i int) bool { return o.done[i] })
		if len(now) > 0 {
			return now
		}
	}
}

// reckon is how many rows each fill is expected to have when all were read.
func reckon(fills []plan.Fill, rows []int64) []int64 {
	out := make([]int64, len(fills))
	o := newOrder(fills, rows)
	o.told = func(i int, key *plan.FillKey) int64 {
		if out[key.From] > maxKeys || o.skipped[key.From] || !keyable(&fills[i], key, &fills[key.From]) {
			return -1
		}
		return out[key.From]
	}
	for _, g := range o.groups() {
		for now := o.next(g); now != nil; now = o.next(g) {
			for _, i := range now {
				out[i] = o.expect(i)
			}
			for _, i := range now {
				o.done[i] = true
			}
		}
	}
	return out
}
