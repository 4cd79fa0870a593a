package plan

import (
	"github.com/orbweaver/orbweaver/internal/sqltext"
)

// ExplainRow is one line of EXPLAIN: the shape, one place, and the text that the place gets.
type ExplainRow struct {
	Shape     string // Forward, Merge, Spread or Stage
	Partition string // "db:3", "any leaf", "every leaf"
	Text      string
}

// Explain describes the plan of scan's statement. ordinals are the partitions that the route has yielded (those of Route.DB), nil for
// routes without partitions.
func Explain(p *Plan, scan *sqltext.Scan, ordinals []int) []ExplainRow {
	return nil
}
