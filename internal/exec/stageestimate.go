package exec

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strconv"
	"sync"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/value"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// Estimate is how many rows MariaDB thinks that a fill of a staged statement has, before the keys of other fills narrow it; not known of linked tables.
func (r *Runner) Estimate(ctx context.Context, st *Statement, f *plan.Fill) (rows int64, known bool, err error) {
	if f.Table.Kind == topo.Linked {
		return 0, false, nil
	}
	sub, err := st.reading(f, "", "")
	if err != nil {
		return 0, false, err
	}
	sub.prefix = "EXPLAIN EXTENDED "
	places, err := r.places(ctx, sub)
	if err != nil {
		return 0, false, err
	}
	var all sync.WaitGroup
	found, errs := make([]int64, len(places)), make([]error, len(places))
	for i, p := range places {
		part := sub.forwardPart(p)
		part.sql = slices.Clone(part.sql)
		all.Go(func() { found[i], errs[i] = r.estimateAt(ctx, sub.Tx.Want(p), part) })
	}
	all.Wait()
	for _, n := range found {
		rows += n
	}
	return rows, true, errors.Join(errs...)
}

// estimateAt runs an EXPLAIN as a prepared statement, which may have parameters.
func (r *Runner) estimateAt(ctx context.Context, w backend.Want, p part) (int64, error) {
	c, err := r.cfg.Pools.Get(ctx, w)
	if err != nil {
		return 0, err
	}
	defer c.Release()
	defer c.Watch(ctx)()
	if err := p.send(c, true); err != nil {
		return 0, err
	}
	rows := 1.0
	var columns []value.Column
	id, at, filtered := -1, -1, -1
	number := func(cell []byte, column int) float64 {
		if c := &columns[column]; c.Class == value.Int {
			return float64(wire.BinaryInt(cell, true))
		} else if c.Type == wire.TypeDouble {
			return math.Float64frombits(binary.LittleEndian.Uint64(cell))
		}
		n, err := strconv.ParseFloat(string(cell), 64)
		if err != nil {
			return 1
		}
		return n
	}
	for {
		p, err := c.Next()
		if err != nil {
			return 0, err
		}
		switch p.Kind {
		case backend.KindErr:
			return 0, p.Err()
		case backend.KindColumn:
			var d wire.Column
			if err := wire.ParseColumn(p.Payload, wire.Caps(w.Variant), &d); err != nil {
				return 0, err
			}
			switch string(d.Name) {
			case "id":
				id = len(columns)
			case "rows":
				at = len(columns)
			case "filtered":
				filtered = len(columns)
			}
			columns = append(columns, value.Of(&d, value.Binary))
		case backend.KindRow:
			cells := make([][]byte, len(columns))
			if err := splitRow(p.Payload, columns, cells); err != nil {
				return 0, err
			}
			if id < 0 || at < 0 || filtered < 0 || cells[id] == nil || number(cells[id], id) != 1 || cells[at] == nil {
				continue // of a subquery, or there is no table
			}
			rows *= number(cells[at], at)
			if cells[filtered] != nil {
				rows *= number(cells[filtered], filtered) / 100
			}
		}
		if c.Done() {
			return int64(math.Ceil(rows)), nil
		}
	}
}
