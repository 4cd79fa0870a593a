package ddl

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/orbweaver/orbweaver/internal/wire"
)

// evenHistory gives a table the same partitions of history at all places, and says whether some were added. With PARTITION BY SYSTEM_TIME … AUTO, MariaDB adds one where
// a row is written when it is time for it: shapes have none of these, and a partition where nobody writes fewer than others.
func (j *job) evenHistory(ctx context.Context, places []place, name, definition string) (changed bool, err error) {
	if !strings.Contains(definition, "PARTITION BY SYSTEM_TIME") || !strings.Contains(definition, " AUTO") {
		return false, nil
	}
	counts := make([]int, len(places))
	_, err = each(places, func(p place) error {
		res, err := j.asCluster(ctx, p, "", "SELECT COUNT(DISTINCT PARTITION_NAME) FROM information_schema.PARTITIONS WHERE PARTITION_METHOD = 'SYSTEM_TIME' AND TABLE_SCHEMA = "+lit(p.Schema)+" AND TABLE_NAME = "+lit(name))
		if err != nil {
			return err
		}
		if len(res.Rows) != 1 {
			return wire.ErrMalformed
		}
		counts[slices.Index(places, p)], err = strconv.Atoi(string(res.Rows[0][0]))
		return err
	})
	if err != nil {
		return false, err
	}
	most := slices.Max(counts)
	var added atomic.Bool
	_, err = each(places, func(p place) error {
		n := most - counts[slices.Index(places, p)]
		if n == 0 {
			return nil
		}
		added.Store(true)
		_, err := j.asCluster(ctx, p, "", "ALTER TABLE "+id(p.Schema)+"."+id(name)+" ADD PARTITION PARTITIONS "+strconv.Itoa(n))
		return err
	})
	return added.Load(), err
}
