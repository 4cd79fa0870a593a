package merge

import (
	"fmt"
	"io"
)

// group folds neighbours that are equal in the group keys into one row: the first one's, with the aggregates' results in their places.
type group struct {
	in     operator
	layout *layout
	keys   []key
	aggs   []aggregate
	first  savedRow
	out    row
	ahead  *row // the row after the group, read already
	begun  bool
	ended  bool
	hidden int
	empty  func() ([]byte, error)
	totals []total
	due    int // how many of totals end with the group that was given
	level  int // which is the next
}

func (b *builder) group(in operator) (operator, error) {
	p := b.c.Plan
	if p.GroupKeys < 0 || p.GroupKeys > len(p.Sort) {
		return nil, fmt.Errorf("%w: %d group keys of %d", ErrConfig, p.GroupKeys, len(p.Sort))
	}
	keys, err := b.keys(p.Sort[:p.GroupKeys])
	if err != nil {
		return nil, err
	}
	g := &group{in: in, layout: &b.layout, keys: keys, hidden: p.Hidden, empty: b.c.Empty}
	if g.aggs, err = b.aggregates(); err != nil {
		return nil, err
	}
	if g.totals, err = b.totals(); err != nil {
		return nil, err
	}
	g.out.cells = make([][]byte, len(b.layout.cols))
	return g, nil
}

// aggregates resolves the plan's.
func (b *builder) aggregates() (all []aggregate, err error) {
	for i := range b.c.Plan.Aggs {
		a, err := b.aggregate(&b.c.Plan.Aggs[i])
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

func (g *group) next() (*row, error) {
	if g.due > 0 {
		return g.total()
	}
	if g.ended {
		return nil, io.EOF
	}
	r := g.ahead
	if !g.begun {
		g.begun = true
		var err error
		if r, err = g.in.next(); err == io.EOF && len(g.keys) == 0 {
			g.ended = true
			return g.nothing()
		} else if err != nil {
			return nil, err
		}
		if err := g.resolve(r); err != nil {
			return nil, err
		}
		for i := range g.totals {
			resetAll(g.totals[i].aggs)
		}
	}
	if err := g.first.save(g.layout, r); err != nil {
		return nil, err
	}
	resetAll(g.aggs)
	g.level = len(g.totals) - 1
	for {
		if err := addAll(g.aggs, r); err != nil {
			return nil, err
		}
		for i := range g.totals {
			if err := addAll(g.totals[i].aggs, r); err != nil {
				return nil, err
			}
		}
		var err error
		if r, err = g.in.next(); err == io.EOF {
			g.ended, g.due = true, len(g.totals)
			break
		} else if err != nil {
			return nil, err
		}
		if same := equalKeys(g.keys, &g.first.row, r); same < len(g.keys) {
			g.ahead, g.due = r, max(0, len(g.totals)-1-same)
			break
		}
	}
	return g.fold(&g.first.row, g.aggs)
}

func resetAll(aggs []aggregate) {
	for i := range aggs {
		aggs[i].reset()
	}
}

func addAll(aggs []aggregate, r *row) error {
	for i := range aggs {
		if err := aggs[i].add(r); err != nil {
			return err
		}
	}
	return nil
}

func (g *group) resolve(r *row) error {
	if err := resolveAll(g.keys, r); err != nil {
		return err
	}
	for i := range g.aggs {
		if err := g.aggs[i].resolve(r); err != nil {
			return err
		}
	}
	for _, t := range g.totals {
		for i := range t.aggs {
			if err := t.aggs[i].resolve(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// fold makes the row of a group, or of totals.
func (g *group) fold(first *row, aggs []aggregate) (*row, error) {
	g.out.payload, g.out.dirty = first.payload, len(aggs) > 0
	copy(g.out.cells, first.cells)
	for i := range aggs {
		a := &aggs[i]
		cell, null, err := a.result()
		if err != nil {
			return nil, err
		}
		if null {
			cell = nil
		}
		g.out.cells[a.col] = cell
		if a.ranked() && a.key.col != a.col {
			// What follows may order by it: the rank goes with the value that was kept.
			g.out.cells[a.key.col] = a.rank
			if null {
				g.out.cells[a.key.col] = nil
			}
		}
	}
	return &g.out, nil
}

// nothing is the one row of aggregates over no rows.
func (g *group) nothing() (*row, error) {
	if g.empty != nil {
		p, err := g.empty()
		return &row{payload: p, final: true}, err
	}
	covered := make([]bool, len(g.out.cells))
	for i := range g.aggs {
		g.aggs[i].reset()
		covered[g.aggs[i].col] = true
	}
	for i := range len(covered) - g.hidden {
		if !covered[i] {
			return nil, fmt.Errorf("%w: no row tells column %d of an empty group", ErrConfig, i+1)
		}
	}
	return g.fold(&row{cells: make([][]byte, len(g.out.cells))}, g.aggs)
}

// distinct drops a row that equals the one before.
type distinct struct {
	in   operator
	keys []key
	last *saved
}

func (b *builder) distinct(in operator) (operator, error) {
	p := b.c.Plan
	if p.DistinctKeys < 0 || p.DistinctKeys > len(p.Sort) {
		return nil, fmt.Errorf("%w: %d distinct keys of %d", ErrConfig, p.DistinctKeys, len(p.Sort))
	}
	keys, err := b.keys(p.Sort[:p.DistinctKeys])
	if err != nil {
		return nil, err
	}
	return &distinct{in: in, keys: keys, last: newSaved(keys)}, nil
}

func (d *distinct) next() (*row, error) {
	for {
		r, err := d.in.next()
		if err != nil || r.final {
			return r, err
		}
		if !d.last.any {
			if err := resolveAll(d.keys, r); err != nil {
				return nil, err
			}
		} else if c, _ := d.last.compare(r); c == 0 {
			continue
		}
		d.last.set(r)
		return r, nil
	}
}
