package merge

import "fmt"

// total makes the rows of WITH ROLLUP over all groups that are equal in the first keys: the n-th of a group's totals in its first n.
type total struct {
	aggs  []aggregate
	nulls []int // cells
}

func (b *builder) totals() ([]total, error) {
	p := b.c.Plan
	if p.Totals == nil {
		return nil, nil
	}
	if len(p.Totals) != p.GroupKeys {
		return nil, fmt.Errorf("%w: totals over %d keys of %d", ErrConfig, len(p.Totals), p.GroupKeys)
	}
	all := make([]total, len(p.Totals))
	for i := range all {
		var err error
		if all[i].aggs, err = b.aggregates(); err != nil {
			return nil, err
		}
		for _, columns := range p.Totals[i:] {
			for _, c := range columns {
				at, err := b.col(c)
				if err != nil {
					return nil, err
				}
				all[i].nulls = append(all[i].nulls, at)
			}
		}
	}
	return all, nil
}

// total gives the next row of totals that is due: of the most keys first. More rows come into it when it was given.
func (g *group) total() (*row, error) {
	t := &g.totals[g.level]
	g.level--
	g.due--
	r, err := g.fold(&g.first.row, t.aggs)
	if err != nil {
		return nil, err
	}
	for _, c := range t.nulls {
		r.cells[c] = nil
	}
	r.dirty = true
	resetAll(t.aggs)
	return r, nil
}

// equalKeys is how many of the first keys are equal in two rows.
func equalKeys(ks []key, a, b *row) int {
	for i := range ks {
		if ks[i].compare(a.cells[ks[i].col], b.cells[ks[i].col]) != 0 {
			return i
		}
	}
	return len(ks)
}
