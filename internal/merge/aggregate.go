package merge

import (
	"fmt"
	"strconv"

	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/value"
)

// aggregate combines one column over the rows of a group.
type aggregate struct {
	op  plan.AggOp
	col int
	out *value.Column
	// sum and count: AggSum uses sum, AggAvg both; the cells that go in. The distinct forms count into n.
	sum, count       value.Sum
	sumCol, countCol int
	n                uint64
	// AggMin and AggMax: the best value so far, and what it is compared by.
	key        key
	best, rank []byte
	has        bool
	// bits of AggBitAnd and its like.
	bits   uint64
	bitCol *value.Column
	// keys of the distinct forms; last is the value before, or all are gathered.
	keys     []key
	last     *saved
	gathered *gathered
	cell     []byte
}

func (b *builder) aggregate(p *plan.Agg) (aggregate, error) {
	a := aggregate{op: p.Op}
	var err error
	if a.col, err = b.col(p.Col); err != nil {
		return a, err
	}
	a.out = &b.layout.cols[a.col]
	a.key.collation = -1
	switch p.Op {
	case plan.AggSum:
		return a, b.summand(&a.sum, &a.sumCol, p.Col)
	case plan.AggAvg:
		if err := b.summand(&a.sum, &a.sumCol, p.Sum); err != nil {
			return a, err
		}
		return a, b.summand(&a.count, &a.countCol, p.Count)
	case plan.AggMin, plan.AggMax:
		return a, b.extreme(&a, p)
	case plan.AggBitAnd, plan.AggBitOr, plan.AggBitXor:
		if a.out.Class != value.Int {
			return a, b.refuse(a.col, value.ErrMalformed)
		}
		a.bitCol = a.out
		return a, nil
	case plan.AggCountDistinct, plan.AggSumDistinct, plan.AggAvgDistinct:
		if err := b.distinctKeys(p); err != nil {
			return a, err
		}
		if a.keys, err = b.keys(p.Keys); err != nil {
			return a, err
		}
		if p.Gather {
			a.gathered = &gathered{keys: a.keys, limit: b.sortMemory()}
		} else {
			a.last = newSaved(a.keys)
		}
		if p.Op != plan.AggCountDistinct {
			return a, b.summand(&a.sum, &a.sumCol, p.Keys[0].Col)
		}
		return a, nil
	case plan.AggFirst:
		return a, nil
	}
	return a, fmt.Errorf("%w: aggregate %d", ErrConfig, p.Op)
}

// summand prepares a sum of a column, which must be a number.
func (b *builder) summand(s *value.Sum, at *int, c plan.Col) error {
	i, err := b.col(c)
	if err != nil {
		return err
	}
	*at, s.Column = i, b.layout.cols[i]
	switch s.Column.Class {
	case value.Int, value.Decimal, value.Double, value.Null:
		return nil
	case value.Float:
		if s.Column.Format == value.Binary {
			return nil
		}
	}
	return b.refuse(i, fmt.Errorf("%w: it can't be added", value.ErrNoOrder))
}

// extreme prepares MIN and MAX.
func (b *builder) extreme(a *aggregate, p *plan.Agg) error {
	a.best, a.rank = []byte{}, []byte{} // never nil, which is NULL
	a.key.name, a.key.col = string(b.c.Columns[a.col].Name), a.col
	col := *a.out
	if len(p.Keys) > 0 { // the value does not show all that it is compared by
		ks, err := b.keys(p.Keys[:1])
		if err != nil {
			return err
		}
		a.key = ks[0]
		return nil
	}
	switch {
	case col.Class == value.String || (col.Class == value.Enum || col.Class == value.Bytes) && p.HasWeight:
		return b.weighed(&a.key, a.col, p.HasWeight, p.Weight, p.Collation)
	case col.Class == value.Float && col.Format == value.Text:
		col.Class = value.Double // what prints alike is alike: the value is only printed
	}
	var err error
	if a.key.cmp, err = col.Order(); err != nil {
		return b.refuse(a.col, err)
	}
	return nil
}

// distinctKeys checks that the rows come sorted by group and then by the distinct expressions.
func (b *builder) distinctKeys(p *plan.Agg) error {
	m := b.c.Plan
	if p.Gather && len(p.Keys) > 0 {
		return nil
	}
	if len(p.Keys) == 0 || m.GroupKeys+len(p.Keys) > len(m.Sort) {
		return fmt.Errorf("%w: rows do not come sorted by what is to be distinct", ErrConfig)
	}
	for i, k := range p.Keys {
		if m.Sort[m.GroupKeys+i].Col != k.Col {
			return fmt.Errorf("%w: rows do not come sorted by what is to be distinct", ErrConfig)
		}
	}
	return nil
}

func (a *aggregate) resolve(r *row) error {
	if err := a.key.resolve(r); err != nil {
		return err
	}
	return resolveAll(a.keys, r)
}

func (a *aggregate) reset() {
	a.sum.Reset()
	a.count.Reset()
	a.n, a.has = 0, false
	a.bits = 0
	if a.op == plan.AggBitAnd {
		a.bits = ^uint64(0)
	}
	if a.last != nil {
		a.last.any = false
	}
	if a.gathered != nil {
		a.gathered.reset()
	}
}

func (a *aggregate) add(r *row) error {
	switch a.op {
	case plan.AggSum:
		return a.sum.Add(r.cells[a.sumCol])
	case plan.AggAvg:
		if err := a.sum.Add(r.cells[a.sumCol]); err != nil {
			return err
		}
		return a.count.Add(r.cells[a.countCol])
	case plan.AggMin, plan.AggMax:
		a.extreme(r)
	case plan.AggBitAnd, plan.AggBitOr, plan.AggBitXor:
		return a.bit(r.cells[a.col])
	case plan.AggCountDistinct, plan.AggSumDistinct, plan.AggAvgDistinct:
		for i := range a.keys {
			if r.cells[a.keys[i].col] == nil {
				return nil
			}
		}
		if a.gathered != nil {
			return a.gathered.add(r)
		}
		if a.last.any {
			if c, _ := a.last.compare(r); c == 0 {
				return nil
			}
		}
		a.last.set(r)
		a.n++
		if a.op != plan.AggCountDistinct {
			return a.sum.Add(r.cells[a.sumCol])
		}
	}
	return nil
}

// ranked says that one of the group's values is kept, by its rank.
func (a *aggregate) ranked() bool { return a.op == plan.AggMin || a.op == plan.AggMax }

func (a *aggregate) extreme(r *row) {
	v := r.cells[a.col]
	if v == nil {
		return
	}
	w := r.cells[a.key.col]
	if a.has {
		if c := a.key.compare(w, a.rank); c == 0 || (c < 0) != (a.op == plan.AggMin) {
			return
		}
	}
	a.has = true
	a.best, a.rank = append(a.best[:0], v...), append(a.rank[:0], w...)
}

func (a *aggregate) bit(cell []byte) error {
	if cell == nil {
		return nil
	}
	v, err := a.bitCol.Uint64(cell)
	switch a.op {
	case plan.AggBitAnd:
		a.bits &= v
	case plan.AggBitOr:
		a.bits |= v
	default:
		a.bits ^= v
	}
	return err
}

// result is the aggregate's cell, good until the next reset.
func (a *aggregate) result() (cell []byte, null bool, err error) {
	if a.gathered != nil {
		if err := a.countGathered(); err != nil {
			return nil, false, err
		}
	}
	switch a.op {
	case plan.AggSum:
		if !a.sum.Any() {
			if a.out.Class != value.Int { // SUM; COUNT is never NULL
				return nil, true, nil
			}
			a.cell, err = a.out.AppendUint64(a.cell[:0], 0)
			return a.cell, false, err
		}
		a.cell, err = a.sum.Append(a.cell[:0], a.out)
	case plan.AggAvg:
		a.cell, null, err = value.AppendAverage(a.cell[:0], &a.sum, &a.count, a.out)
	case plan.AggMin, plan.AggMax:
		return a.best, !a.has, nil
	case plan.AggBitAnd, plan.AggBitOr, plan.AggBitXor:
		a.cell, err = a.out.AppendUint64(a.cell[:0], a.bits)
	case plan.AggCountDistinct:
		a.cell, err = a.out.AppendUint64(a.cell[:0], a.n)
	case plan.AggSumDistinct:
		if !a.sum.Any() {
			return nil, true, nil
		}
		a.cell, err = a.sum.Append(a.cell[:0], a.out)
	case plan.AggAvgDistinct:
		a.count = value.Sum{Column: value.Column{Class: value.Int}}
		if err = a.count.Add(strconv.AppendUint(nil, a.n, 10)); err == nil {
			a.cell, null, err = value.AppendAverage(a.cell[:0], &a.sum, &a.count, a.out)
		}
	}
	return a.cell, null, err
}
