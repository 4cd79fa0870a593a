package exec

import (
	"context"
	"slices"
	"strconv"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/topo"
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
	sub.prefix, sub.Prepared = "EXPLAIN ", false
	places, err := r.places(ctx, sub)
	if err != nil {
		return 0, false, err
	}
	for _, p := range places {
		n, err := r.estimateAt(ctx, sub.Tx.Want(p), sub.forwardPart(p))
		if err != nil {
			return 0, false, err
		}
		rows += n
	}
	return rows, true, nil
}

func (r *Runner) estimateAt(ctx context.Context, w backend.Want, p part) (int64, error) {
	c, err := r.cfg.Pools.Get(ctx, w)
	if err != nil {
		return 0, err
	}
	defer c.Release()
	res, err := c.Query(ctx, string(p.sql))
	if err != nil {
		return 0, err
	}
	at := slices.Index(res.Columns, "rows")
	var rows int64
	for _, row := range res.Rows {
		if at >= 0 && row[at] != nil {
			n, err := strconv.ParseInt(string(row[at]), 10, 64)
			if err != nil {
				return 0, err
			}
			rows = max(rows, n)
		}
	}
	return rows, nil
}
