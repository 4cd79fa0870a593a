package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// linkedReport is all that was found about linked tables.
type linkedReport struct {
	When     time.Time
	Machine  machine
	Settings settings
	Lines    []linkedLine
}

// linkedLine is one thing that all contenders did.
type linkedLine struct {
	What string
	Got  map[string]measure
}

// String is what the table says of a contender.
func (m measure) String() string {
	switch {
	case m.Failed != "":
		return "failed"
	case m.Beyond:
		return fmt.Sprintf("not within %.0f s", m.Milliseconds/1000)
	case m.Rate > 0:
		return fmt.Sprintf("%.0f /s", m.Rate)
	case m.Milliseconds >= 100:
		return fmt.Sprintf("%.0f ms", m.Milliseconds)
	case m.Milliseconds > 0:
		return fmt.Sprintf("%.2f ms", m.Milliseconds)
	}
	return ""
}

// times says how many times as fast as another one is, if both have a number. An other one that did not end is at least as slow.
func (m measure) times(other measure) (n float64, least, ok bool) {
	switch {
	case m.Failed != "" || m.Beyond || other.Failed != "":
		return 0, false, false
	case m.Rate > 0 && other.Rate > 0:
		return m.Rate / other.Rate, false, true
	case m.Milliseconds > 0 && other.Milliseconds > 0:
		return other.Milliseconds / m.Milliseconds, other.Beyond, true
	}
	return 0, false, false
}

// ratio compares Orbweaver with another contender.
func (l linkedLine) ratio(other string) string {
	n, least, ok := l.Got[linkedParts].times(l.Got[other])
	switch {
	case !ok:
		return "-"
	case least:
		return fmt.Sprintf("> %.2f", n)
	}
	return fmt.Sprintf("%.2f", n)
}

// add takes a line up and prints it.
func (r *linkedReport) add(l linkedLine) {
	r.Lines = append(r.Lines, l)
	s := fmt.Sprintf("%-32s", l.What)
	for _, name := range linkedContenders {
		if m, ok := l.Got[name]; ok {
			s += fmt.Sprintf("  %s %s", name, m)
		}
	}
	fmt.Printf("%s; orbweaver/spider %s, /spider_tuned %s, /direct %s\n", s, l.ratio(spider), l.ratio(spiderTuned), l.ratio(direct))
}

// sort puts sysbench's tests before single queries, though they were measured later.
func (r *linkedReport) sort() {
	slices.SortStableFunc(r.Lines, func(a, b linkedLine) int {
		rank := func(l linkedLine) int {
			if strings.HasSuffix(l.What, " clients") {
				return 0
			}
			return 1
		}
		return rank(a) - rank(b)
	})
}

// markdown is the text of LINKED.md.
func (r *linkedReport) markdown() string {
	var b strings.Builder
	s := r.Settings
	fmt.Fprintf(&b, "# Linked tables and Spider tables\n\nWritten by `BENCH_LINKED=1 make bench` on %s.\n\n", r.When.Format("2 January 2006"))
	r.Machine.write(&b)
	fmt.Fprintf(&b, "- Data: sysbench's table with %d rows, in memory: at the single server, and partitioned by key over two plain servers, which Spider and\n"+
		"  Orbweaver both lead to. Both have the same tables, by the same statements.\n", s.Rows)
	fmt.Fprintf(&b, "- sysbench: prepared statements, %d s for each contender, in turns; transactions a second. Queries: the median time of up to %d, by turns, with\n"+
		"  fresh statistics (ANALYZE TABLE); all contenders gave the same answers before. The import: %d times, `mariadb-dump --no-create-info` of the single server's table into an empty one.\n",
		s.Seconds, questionRounds, importRounds)
	if len(s.Options) > 0 {
		fmt.Fprintf(&b, "- Options of all servers: %s.\n", strings.Join(s.Options, ", "))
	}
	b.WriteString("\nSpider runs with its defaults, and tuned, with spider_bgs_mode=1 and spider_casual_read=1. The last columns say how many times as fast as the\n" +
		"others Orbweaver is.\n\n" +
		"| what | single server | Spider | Spider, tuned | Orbweaver | Orbweaver/Spider | Orbweaver/tuned | Orbweaver/single |\n" +
		"| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	var failures []string
	for _, l := range r.Lines {
		fmt.Fprintf(&b, "| %s |", l.What)
		for _, name := range linkedContenders {
			m := l.Got[name]
			fmt.Fprintf(&b, " %s |", m)
			if m.Failed != "" {
				failures = append(failures, fmt.Sprintf("%s, %s: %s", l.What, name, m.Failed))
			}
		}
		fmt.Fprintf(&b, " %s | %s | %s |\n", l.ratio(spider), l.ratio(spiderTuned), l.ratio(direct))
	}
	if len(failures) > 0 {
		b.WriteString("\n## Failures\n\n- " + strings.Join(failures, "\n- ") + "\n")
	}
	return b.String()
}
