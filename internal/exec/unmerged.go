package exec

import (
	"context"
	"errors"

	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/sqltext"
)

// unmerged stages a query whose parts have given rows that make no answer: of a collation that only rows tell, for instance. err is why; it stays where the query can't be staged either.
func (r *Runner) unmerged(ctx context.Context, st *Statement, err error) error {
	var refused *plan.Error
	if err == nil || st.out.Begun || !errors.As(err, &refused) || refused.Reason() == "" || st.Plan.Linked != nil || st.Plan.Locks {
		return err
	}
	text := st.Scan.Src[:st.Scan.End]
	if !st.Query.Empty() {
		text = plan.RenderSpan(nil, st.Scan, st.Query, nil, nil, plan.Target{})
	}
	again := *st
	again.Sess.Unmerged, again.Text, again.out = refused.Reason(), "", Outcome{}
	scan, p, failed := again.planText(text)
	if failed != nil || p.Route.Kind != plan.RouteStage && p.Stage == "" || len(p.Fills) == 0 {
		return err
	}
	again.Scan, again.Plan = scan, p
	if !st.Query.Empty() {
		again.Args = st.spanArgs(nil, st.Query)
		again.Query = sqltext.Span{To: int32(len(scan.Tokens))}
	}
	failed = r.staged(ctx, &again)
	st.out = again.out
	return failed
}
