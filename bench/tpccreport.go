package main

import (
	"fmt"
	"strings"
	"time"
)

// tpccReport is all that was found about TPC-C.
type tpccReport struct {
	When     time.Time
	Machine  machine
	Settings settings
	Runs     map[string]*tpccRun
}

// failure is an error when a transaction has failed: go-tpc itself goes on then.
func (r *tpccReport) failure() error {
	for _, l := range r.Runs[orbweaver].Lines {
		if l.Errors > 0 {
			return fmt.Errorf("%d transactions of %s have failed: %.1000s", l.Errors, l.Kind, strings.Join(r.Runs[orbweaver].Failures, "\n"))
		}
	}
	if f := r.Runs[orbweaver].Failures; len(f) > 0 {
		return fmt.Errorf("%d failures: %.1000s", len(f), strings.Join(f, "\n"))
	}
	return nil
}

// markdown is the text of TPCC.md.
func (r *tpccReport) markdown() string {
	var b strings.Builder
	s := r.Settings
	fmt.Fprintf(&b, "# TPC-C\n\nWritten by `BENCH_TPCC=%d make bench` on %s.\n\n", s.TPCC, r.When.Format("2 January 2006"))
	r.Machine.write(&b)
	fmt.Fprintf(&b, "- %s: %d warehouses, %d clients, %d s, with the tables as it makes them: each is sharded by its primary key, history by row.\n", goTPC, s.TPCC, s.Threads[0], s.Seconds)
	if len(s.Options) > 0 {
		fmt.Fprintf(&b, "- Options of all servers: %s.\n", strings.Join(s.Options, ", "))
	}
	b.WriteString(`
Its check of the cluster after the run found no mistake. Transactions that end with a deadlock or a lock's timeout are errors to it: they are counted.

| contender | loaded in | tpmC | checked in |
| --- | ---: | ---: | ---: |
`)
	for _, name := range []string{direct, orbweaver} {
		run := r.Runs[name]
		check := "-"
		if run.Check > 0 {
			check = fmt.Sprintf("%.0f s", run.Check.Seconds())
		}
		fmt.Fprintf(&b, "| %s | %.0f s | %.0f | %s |\n", name, run.Prepare.Seconds(), run.TpmC, check)
	}
	b.WriteString("\n| transaction | contender | number | a minute | mean | 90 % | 99 % | errors |\n| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for i, l := range r.Runs[direct].Lines {
		for _, name := range []string{direct, orbweaver} {
			if name != direct {
				l = tpccLine{}
				if lines := r.Runs[name].Lines; i < len(lines) {
					l = lines[i]
				}
			}
			fmt.Fprintf(&b, "| %s | %s | %d | %.0f | %.0f ms | %.0f ms | %.0f ms | %d |\n", strings.ToLower(l.Kind), name, l.Count, l.PerMinute, l.Average, l.P90, l.P99, l.Errors)
		}
	}
	return b.String()
}
