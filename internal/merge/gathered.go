package merge

import (
	"slices"

	"github.com/orbweaver/orbweaver/internal/plan"
)

// gathered are the values of a DISTINCT aggregate whose rows do not come in their order, those of one group: with two such aggregates rows are sorted for one
// of them.
type gathered struct {
	keys        []key
	rows        []*saved
	sorted      int // so many rows, the first, are in order and no two of them equal
	used, limit int64
}

// gatherAtLeast is how many rows come unsorted before equal ones are looked for.
const gatherAtLeast = 1024

func (g *gathered) reset() {
	clear(g.rows)
	g.rows, g.sorted, g.used = g.rows[:0], 0, 0
}

// add keeps a row's value.
func (g *gathered) add(r *row) error {
	s := newSaved(g.keys)
	s.set(r)
	g.rows = append(g.rows, s)
	g.used += g.cost(s)
	if len(g.rows) >= 2*g.sorted+gatherAtLeast || g.used > g.limit {
		g.settle()
	}
	if g.used > g.limit {
		return &SortMemoryError{Limit: g.limit}
	}
	return nil
}

func (g *gathered) cost(s *saved) int64 {
	return int64(rowCost + cellCost*len(s.cells) + cap(s.buf))
}

// settle sorts the rows and drops equal ones.
func (g *gathered) settle() {
	slices.SortFunc(g.rows, g.compare)
	g.rows = slices.CompactFunc(g.rows, func(a, b *saved) bool { return g.compare(a, b) == 0 })
	g.sorted, g.used = len(g.rows), 0
	for _, s := range g.rows {
		g.used += g.cost(s)
	}
}

func (g *gathered) compare(a, b *saved) int {
	for i := range g.keys {
		if c := g.keys[i].compare(a.cells[i], b.cells[i]); c != 0 {
			return c
		}
	}
	return 0
}

// countGathered makes n and sum what they would be had the values come in order.
func (a *aggregate) countGathered() error {
	a.gathered.settle()
	a.n = uint64(len(a.gathered.rows))
	if a.op == plan.AggCountDistinct {
		return nil
	}
	a.sum.Reset()
	for _, s := range a.gathered.rows {
		if err := a.sum.Add(s.cells[0]); err != nil { // what is added is a number, and compared as it is
			return err
		}
	}
	return nil
}
