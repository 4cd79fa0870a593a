package main

import (
	"net/http"
	"net/http/pprof"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/control"
	"github.com/orbweaver/orbweaver/internal/deadlock"
	"github.com/orbweaver/orbweaver/internal/gateway"
	"github.com/orbweaver/orbweaver/internal/settle"
)

// httpHandler serves /healthz, /metrics and /debug/pprof/.
func httpHandler(gw *gateway.Gateway, pools *backend.Pools, deadlocks *deadlock.Detector, watch *control.Control) http.Handler {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), &metrics{gw, pools, deadlocks, watch})
	m := http.NewServeMux()
	m.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("ok\n")) // the asker is gone: nobody to tell
	})
	m.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
	m.HandleFunc("/debug/pprof/", pprof.Index)
	m.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	m.HandleFunc("/debug/pprof/profile", pprof.Profile)
	m.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	m.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return m
}

// metrics reads the counters of gateway and pools when it is asked.
type metrics struct {
	gw        *gateway.Gateway
	pools     *backend.Pools
	deadlocks *deadlock.Detector
	watch     *control.Control
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("orbweaver_"+name, help, labels, nil)
}

var (
	clientsConnected = desc("clients_connected", "Clients connected now.")
	clientsAccepted  = desc("clients_accepted_total", "Clients ever accepted.")
	clientsRefused   = desc("clients_refused_total", "Clients turned away: too many connections.")
	clientsDenied    = desc("logins_failed_total", "Logins that failed.")
	clientsAborted   = desc("clients_aborted_total", "Clients that vanished.")
	stmtRunning      = desc("statements_running", "Statements running now.")
	stmtSlowest      = desc("statement_slowest_running_seconds", "Time that the longest running statement has taken so far.")
	stmtTotal        = desc("statements_total", "Statements run.")
	stmtErrors       = desc("statement_errors_total", "Statements that ended with an error.")
	stmtShapes       = desc("plans_run_total", "Plans run, by shape.", "shape")
	snapshots        = desc("consistent_snapshots_total", "Snapshots of all partitions that were taken.")
	commitsHeld      = desc("commits_held_seconds_total", "Time that commits over several partitions were held back at most for such snapshots.")
	deadlocksFound   = desc("deadlocks_total", "Transactions ended because of a deadlock over several partitions.")
	txSettled        = desc("transactions_settled_total", "Transactions that were settled late, by what was decided, and by whom: the node whose they were, or the controller.", "by", "outcome")
	txInDoubt        = desc("transactions_in_doubt", "Transactions that could not be settled yet.", "by")
	eventsHere       = desc("events_run_here", "1 where this is the node that runs the cluster's events.")
	eventsRunning    = desc("events_running", "Events that this node runs now.")
	eventRuns        = desc("event_runs_total", "Events that were run, by how they ended.", "outcome")
	eventsSkipped    = desc("event_runs_skipped_total", "Due times of events at which no node could run them.")
	planCache        = desc("plan_cache_lookups_total", "Lookups in the plan cache.", "result")
	plansCached      = desc("plans_cached", "Plans in the cache.")
	clientBytes      = desc("client_bytes_total", "Bytes read from and written to clients.", "direction")
	leafConns        = desc("leaf_connections", "Connections to a leaf.", "leaf", "state")
	leafWaiting      = desc("leaf_connection_waiters", "Callers that wait for a connection to a leaf.", "leaf")
	leafOpened       = desc("leaf_connections_opened_total", "Connections ever opened to a leaf.", "leaf")
	leafFailed       = desc("leaf_dials_failed_total", "Dials to a leaf that failed.", "leaf")
	leafLost         = desc("leaf_connections_lost_total", "Connections to a leaf that broke.", "leaf")
	leafResets       = desc("leaf_connection_resets_total", "Connections to a leaf that were reset for another session.", "leaf")
	leafRetargets    = desc("leaf_connection_retargets_total", "Connections to a leaf that changed their database or state.", "leaf")
	leafCommands     = desc("leaf_commands_total", "Commands answered by a leaf.", "leaf")
	leafRoundTrip    = desc("leaf_round_trip_seconds", "Moving average of the time to the first byte of an answer.", "leaf")
)

// Describe sends nothing: the leaves come and go, so the collector is not checked in advance.
func (m *metrics) Describe(chan<- *prometheus.Desc) {}

// Collect reads the counters.
func (m *metrics) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	count := func(d *prometheus.Desc, v uint64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	g := m.gw.Stats()
	gauge(clientsConnected, float64(g.Connections))
	count(clientsAccepted, g.Accepted)
	count(clientsRefused, g.Refused)
	count(clientsDenied, g.Denied)
	count(clientsAborted, g.Aborted)
	gauge(stmtRunning, float64(g.Running))
	gauge(stmtSlowest, float64(g.SlowestRunning)/1000)
	count(stmtTotal, g.Statements)
	count(stmtErrors, g.Errors)
	count(deadlocksFound, m.deadlocks.Found())
	count(snapshots, g.Snapshots)
	out <- prometheus.MustNewConstMetric(commitsHeld, prometheus.CounterValue, float64(g.HeldMicros)/1e6)
	for by, settled := range map[string]settle.Stats{"node": m.gw.Settled(), "controller": m.watch.Settled()} {
		count(txSettled, settled.Committed, by, "committed")
		count(txSettled, settled.RolledBack, by, "rolled back")
		gauge(txInDoubt, float64(settled.InDoubt), by)
	}
	e := m.gw.Events()
	here := 0.0
	if e.Leads {
		here = 1
	}
	gauge(eventsHere, here)
	gauge(eventsRunning, float64(e.Running))
	count(eventRuns, e.Runs-e.Failed, "done")
	count(eventRuns, e.Failed, "failed")
	count(eventsSkipped, e.Skipped)
	count(stmtShapes, g.Forwarded, "forward")
	count(stmtShapes, g.Merged, "merge")
	count(stmtShapes, g.Staged, "stage")
	count(stmtShapes, g.Spread, "spread")
	count(planCache, g.PlanHits, "hit")
	count(planCache, g.PlanMisses, "miss")
	gauge(plansCached, float64(g.PlansCached))
	count(clientBytes, g.BytesIn, "in")
	count(clientBytes, g.BytesOut, "out")
	for _, l := range m.pools.Stats() {
		gauge(leafConns, float64(l.InUse), l.Leaf, "in use")
		gauge(leafConns, float64(l.Idle), l.Leaf, "idle")
		gauge(leafConns, float64(l.Pipes), l.Leaf, "pipeline")
		gauge(leafWaiting, float64(l.Waiting), l.Leaf)
		count(leafOpened, l.Opened, l.Leaf)
		count(leafFailed, l.Failed, l.Leaf)
		count(leafLost, l.Lost, l.Leaf)
		count(leafResets, l.Resets, l.Leaf)
		count(leafRetargets, l.Retargets, l.Leaf)
		count(leafCommands, l.Commands, l.Leaf)
		gauge(leafRoundTrip, l.RoundTrip.Seconds(), l.Leaf)
	}
}
