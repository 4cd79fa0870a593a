package gateway

import (
	"sync/atomic"
	"time"

	"github.com/orbweaver/orbweaver/internal/plan"
)

// Stats counts what happened since the start, but for Connections, Running, PlansCached and SlowestRunning, which are of now.
type Stats struct {
	Connections    int    // clients connected
	Running        int    // statements running
	Accepted       uint64 // clients ever accepted
	Refused        uint64 // turned away: too many connections
	Denied         uint64 // logins that failed
	Aborted        uint64 // sessions whose clients vanished
	Statements     uint64 // statements run
	Errors         uint64 // error packets sent to clients that are logged in
	PlanHits       uint64 // plans found in the cache
	PlanMisses     uint64
	Forwarded      uint64 // statements by shape
	Merged         uint64
	Spread         uint64
	Staged         uint64 // the queries of spread ones, too
	BytesIn        uint64 // of commands
	BytesOut       uint64 // of answers
	Snapshots      uint64 // moments without commits over several places that were found for consistent snapshots
	HeldMicros     uint64 // for how long such commits were held back for them at most, all together
	PlansCached    int
	SlowestRunning int64 // milliseconds that the longest running command has taken so far
}

type counters struct {
	accepted, refused, denied, aborted, statements, errors, planHits, planMisses, forwarded, merged, spread, staged, bytesIn, bytesOut, snapshots, heldMicros atomic.Uint64
}

// Stats is a picture of what the gateway does.
func (g *Gateway) Stats() Stats {
	c := &g.stats
	st := Stats{
		Running: int(g.runningStatements.Load()), Accepted: c.accepted.Load(), Refused: c.refused.Load(), Denied: c.denied.Load(),
		Aborted: c.aborted.Load(), Statements: c.statements.Load(), Errors: c.errors.Load(), PlanHits: c.planHits.Load(),
		PlanMisses: c.planMisses.Load(), Forwarded: c.forwarded.Load(), Merged: c.merged.Load(), Spread: c.spread.Load(), Staged: c.staged.Load(),
		BytesIn: c.bytesIn.Load(), BytesOut: c.bytesOut.Load(), Snapshots: c.snapshots.Load(), HeldMicros: c.heldMicros.Load(), PlansCached: g.plans.len(),
	}
	now := time.Now().UnixNano()
	for _, s := range g.all() {
		if !s.clientless {
			st.Connections++
		}
		if s.busy.Load() {
			st.SlowestRunning = max(st.SlowestRunning, (now-s.since.Load())/int64(time.Millisecond))
		}
	}
	return st
}

// count counts a statement by how it was run.
func (s *session) count(p *plan.Plan, staged bool) {
	if staged { // and spread, where it is the query of an INSERT
		s.g.stats.staged.Add(1)
	}
	switch {
	case p.Insert != nil || p.InsertSelect != nil || p.Load != nil:
		s.g.stats.spread.Add(1)
	case p.Route.Kind == plan.RouteAll && p.Merge != nil && !p.Writes:
		s.g.stats.merged.Add(1)
	case (p.Route.Kind == plan.RouteAll || p.Route.Kind == plan.RouteEveryLeaf) && !staged:
		s.g.stats.spread.Add(1)
	case staged:
	default:
		s.g.stats.forwarded.Add(1)
	}
}
