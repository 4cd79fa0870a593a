package plan

import (
	"slices"

	"github.com/orbweaver/orbweaver/internal/sqltext"
)

// clocked says whether the parts of a plan must have the same time: where it is written, also by defaults, ON UPDATE and system versioning, or shown. In conditions alone moments
// that are that near each other make no difference, as rows are read at different moments anyway; and texts without the time in them are prepared once.
func (p *planner) clocked(plan *Plan) bool {
	if plan.Writes {
		return plan.Facts&sqltext.HasTimeFunction != 0 || slices.ContainsFunc(p.stmt.Tables, func(n *sqltext.TableName) bool {
			t := p.snap.Table(p.named(n), n.Name.Text)
			return !n.CTE && t != nil && t.Clocked
		})
	}
	if plan.Merge == nil || plan.Facts&sqltext.HasTimeFunction == 0 {
		return false
	}
	q := p.stmt.Query
	if q == nil || q.Select == nil {
		return true
	}
	where := q.Select.WhereSpan
	return where.Empty() || p.scan.Tells(sqltext.Span{From: 0, To: where.From}, sqltext.HasTimeFunction) ||
		p.scan.Tells(sqltext.Span{From: where.To, To: int32(len(p.scan.Tokens))}, sqltext.HasTimeFunction)
}
