package main

import (
	"fmt"
	"strings"
	"time"
)

// trxReport is all that was found about transactions.
type trxReport struct {
	When     time.Time
	Machine  machine
	Settings settings
	Lines    []trxLine
}

// trxLine is one kind of transaction and number of clients.
type trxLine struct {
	Test    trxTest
	Threads int
	Got     map[string]trxOutcome
}

// ratio is how many times another contender's time Orbweaver takes.
func (l trxLine) ratio(other string) string {
	own, base := l.Got[orbweaver].each(), l.Got[other].each()
	if own == 0 || base == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", float64(own)/float64(base))
}

func (l trxLine) entry(name string) string {
	o, ok := l.Got[name]
	if !ok || o.Transactions == 0 {
		return ""
	}
	return fmt.Sprintf("%.3f ms, %.0f /s", milliseconds(o.each()), float64(o.Transactions)/o.Seconds)
}

// add takes a line up and prints it.
func (r *trxReport) add(l trxLine) {
	r.Lines = append(r.Lines, l)
	s := fmt.Sprintf("%-15s %3d clients:", l.Test.name, l.Threads)
	for _, name := range l.Test.contenders {
		s += fmt.Sprintf("  %s %s", name, l.entry(name))
	}
	fmt.Printf("%s; orbweaver/%s %s\n", s, l.Test.base, l.ratio(l.Test.base))
}

// markdown is the text of TRANSACTIONS.md.
func (r *trxReport) markdown() string {
	var b strings.Builder
	s := r.Settings
	fmt.Fprintf(&b, "# What transactions cost\n\nWritten by `BENCH_TRX=1 make bench` on %s.\n\n", r.When.Format("2 January 2006"))
	r.Machine.write(&b)
	fmt.Fprintf(&b, "- Data: %d rows, in memory. %d s for each contender, in turns of a second. The clients are goroutines of one program, with text statements.\n", 2*s.Rows, s.Seconds)
	if len(s.Options) > 0 {
		fmt.Fprintf(&b, "- Options of all servers: %s.\n", strings.Join(s.Options, ", "))
	}
	b.WriteString(`
The time of a transaction from its BEGIN to the answer to its COMMIT, the mean, and transactions a second. Ratios say how many times a contender's time Orbweaver takes:
below 1 it is faster.

- xa_parallel: a client that has a connection to each of two servers, and knows beforehand that it will write at both: XA START at both at once, a statement at each, one after the
  other as an application has them, then XA END, XA PREPARE and XA COMMIT at both at once each. It notes its decision nowhere: when it dies in between, somebody has to guess.
- xa_sequential: the same, with each command sent to one server after the other.
- haproxy, direct: a transaction of one server, through HAProxy or not.
- orbweaver: BEGIN, two statements, COMMIT. The decision is written down, replicated with the data, and settled by the cluster when a node dies.
`)
	for _, t := range trxTests {
		if !chosen(s.Tests, t.name) {
			continue
		}
		fmt.Fprintf(&b, "\n## %s\n\nEach transaction %s.", strings.ReplaceAll(t.name, "_", " "), t.what)
		if t.aim > 0 {
			fmt.Fprintf(&b, " The aim is at most %.2f times %s.", t.aim, t.base)
		}
		b.WriteString("\n\n| clients |")
		for _, name := range t.contenders {
			b.WriteString(" " + name + " |")
		}
		for _, name := range t.contenders {
			if name != orbweaver {
				b.WriteString(" orbweaver/" + name + " |")
			}
		}
		b.WriteString("\n|" + strings.Repeat(" ---: |", 2*len(t.contenders)) + "\n")
		for _, l := range r.Lines {
			if l.Test.name != t.name {
				continue
			}
			fmt.Fprintf(&b, "| %d |", l.Threads)
			for _, name := range t.contenders {
				b.WriteString(" " + l.entry(name) + " |")
			}
			for _, name := range t.contenders {
				if name != orbweaver {
					b.WriteString(" " + l.ratio(name) + " |")
				}
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}
