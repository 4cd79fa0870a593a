package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"time"

	"github.com/orbweaver/orbweaver/internal/localfarm"
)

// report is all that a bench found.
type report struct {
	When     time.Time
	Machine  machine
	Settings settings
	Cells    map[cell]map[string]outcome
}

// machine is what the numbers depend on, without its name.
type machine struct {
	Cores    int
	MemoryGB int
	CPU      string
	Versions []string
}

func describe(ctx context.Context) (machine, error) {
	m := machine{Cores: runtime.NumCPU(), CPU: "unknown CPU", Versions: []string{runtime.Version()}}
	v, err := localfarm.Version(ctx)
	if err != nil {
		return m, err
	}
	m.Versions = append(m.Versions, "MariaDB "+v)
	for name, re := range map[string]string{"sysbench": `^sysbench [\d.]+`, "haproxy": `^HAProxy version [\d.]+`} {
		path, err := findProgram(name)
		if err != nil {
			continue // not a contender, or the bench would have failed
		}
		flag := map[string]string{"sysbench": "--version", "haproxy": "-v"}[name]
		out, err := exec.CommandContext(ctx, path, flag).Output()
		if err != nil {
			return m, err
		}
		if v := regexp.MustCompile(re).Find(out); v != nil {
			m.Versions = append(m.Versions, strings.Replace(string(v), " version", "", 1))
		}
	}
	scan := func(file, pattern string, use func(string)) {
		f, err := os.Open(file)
		if err != nil {
			return // another system than Linux
		}
		defer f.Close()
		re := regexp.MustCompile(pattern)
		for sc := bufio.NewScanner(f); sc.Scan(); {
			if g := re.FindStringSubmatch(sc.Text()); g != nil {
				use(g[1])
				return
			}
		}
	}
	scan("/proc/cpuinfo", `^model name\s*:\s*(.+)$`, func(s string) { m.CPU = s })
	scan("/proc/meminfo", `^MemTotal:\s*(\d+) kB`, func(s string) {
		var kb int
		if _, err := fmt.Sscan(s, &kb); err == nil {
			m.MemoryGB = (kb + 1<<19) >> 20
		}
	})
	return m, nil
}

func (m machine) write(b *strings.Builder) {
	fmt.Fprintf(b, "- Machine: %d cores (%s), %d GB of memory; everything runs on it, sysbench included.\n", m.Cores, m.CPU, m.MemoryGB)
	fmt.Fprintf(b, "- Versions: %s.\n", strings.Join(m.Versions, ", "))
}

// ratio is a contender's share of what HAProxy lets through.
func (r report) ratio(c cell, contender string) (float64, bool) {
	base, own := r.Cells[c][haproxy].rate(), r.Cells[c][contender].rate()
	if base == 0 || own == 0 {
		return 0, false
	}
	return own / base, true
}

func (r report) entry(c cell, contender string) string {
	o := r.Cells[c][contender]
	if o.Failed != "" {
		return "failed"
	}
	s := fmt.Sprintf("%.0f", o.rate())
	if q, ok := r.ratio(c, contender); ok && contender != haproxy {
		s += fmt.Sprintf(" (%.2f)", q)
	}
	if o.Errors > 0 {
		s += fmt.Sprintf(" %d errors", o.Errors)
	}
	return s
}

// line sums a cell up for the terminal.
func (r report) line(c cell) string {
	s := fmt.Sprintf("%-12s ps %-7s %3d clients:", c.Test, c.Mode, c.Threads)
	for _, name := range r.Settings.Contenders {
		s += fmt.Sprintf("  %s %s", name, r.entry(c, name))
	}
	return s
}

// markdown is the text of RESULTS.md.
func (r report) markdown() string {
	var b strings.Builder
	s := r.Settings
	fmt.Fprintf(&b, "# Results\n\nWritten by `make bench` on %s.\n\n", r.When.Format("2 January 2006"))
	r.Machine.write(&b)
	fmt.Fprintf(&b, "- Data: %d tables of %d rows, in memory. %d s a cell and contender, in turns.\n", s.Tables, s.Rows, s.Seconds)
	if len(s.Options) > 0 {
		fmt.Fprintf(&b, "- Options of all servers: %s.\n", strings.Join(s.Options, ", "))
	}
	b.WriteString("\nTransactions a second; in parentheses the ratio to HAProxy, which passes TCP through to one server. Spider and Orbweaver have\n" +
		"two servers with half of the rows each. The last columns are the 95th percentiles of latency in milliseconds.\n")
	var failures []string
	for _, t := range s.Tests {
		fmt.Fprintf(&b, "\n## %s\n\n| prepared | clients |", t)
		for _, name := range s.Contenders {
			b.WriteString(" " + name + " |")
		}
		for _, name := range s.Contenders {
			b.WriteString(" p95 " + name + " |")
		}
		b.WriteString("\n| --- | ---: |" + strings.Repeat(" ---: |", 2*len(s.Contenders)) + "\n")
		for _, m := range s.Modes {
			for _, n := range s.Threads {
				c := cell{t, m, n}
				fmt.Fprintf(&b, "| %s | %d |", map[string]string{"auto": "yes", "disable": "no"}[m], n)
				for _, name := range s.Contenders {
					b.WriteString(" " + r.entry(c, name) + " |")
					if f := r.Cells[c][name].Failed; f != "" {
						failures = append(failures, fmt.Sprintf("%s, ps %s, %d clients, %s: %s", t, m, n, name, f))
					}
				}
				for _, name := range s.Contenders {
					fmt.Fprintf(&b, " %.2f |", r.Cells[c][name].P95)
				}
				b.WriteString("\n")
			}
		}
	}
	if len(failures) > 0 {
		b.WriteString("\n## Failures\n\n- " + strings.Join(failures, "\n- ") + "\n")
	}
	return b.String()
}
