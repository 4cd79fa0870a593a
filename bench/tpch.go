package main

import (
	"context"
	dbsql "database/sql"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/orbweaver/orbweaver/bench/tpch"
)

const (
	tpchResults = "bench/TPCH.md"
	tpchSeed    = 20
	tpchRounds  = 3 // times that each query is asked; the first warms up and does not count

	// A query that takes longer than this is ended, and not asked again.
	tpchLimit = 5 * time.Minute
)

func tpchNames() (out []string) {
	for n := range tpch.Queries {
		out = append(out, fmt.Sprintf("q%d", n+1))
	}
	return out
}

// tpchLine is one query.
type tpchLine struct {
	Query  int
	Rows   int
	Direct time.Duration // the median
	Own    time.Duration
	Failed string // why Orbweaver has no answer, or not the same one
	How    []string
}

func (l tpchLine) ratio() float64 { return float64(l.Own) / float64(l.Direct) }

// tpchQueries times TPC-H's queries at a plain server and at a cluster, and compares the answers.
func tpchQueries(ctx context.Context, s settings) (err error) {
	a := &arena{s: s, ports: map[string]int{}}
	defer func() { err = errors.Join(err, a.close()) }()
	if err := a.directory(); err != nil {
		return err
	}
	plain, err := a.farm(ctx, "plain", 1)
	if err != nil {
		return err
	}
	a.ports[direct] = plain[0].Port
	if a.ports[orbweaver], err = a.cluster(ctx, orbweaver); err != nil {
		return err
	}
	layout := tpch.Layout{Reference: s.Reference}
	r := tpchReport{When: time.Now().UTC(), Settings: s, Layout: layout, Sizes: map[string]int64{}}
	if r.Machine, err = describe(ctx); err != nil {
		return err
	}
	conns := map[string]*dbsql.Conn{}
	for _, name := range []string{direct, orbweaver} {
		db, err := open(a.ports[name])
		if err != nil {
			return err
		}
		defer db.Close()
		c, err := db.Conn(ctx)
		if err != nil {
			return err
		}
		conns[name] = c
		create := "CREATE DATABASE tpch"
		if name == orbweaver {
			create += " PARTITIONS 4"
		}
		for _, q := range []string{create, "USE tpch"} {
			if _, err := c.ExecContext(ctx, q); err != nil {
				return fmt.Errorf("%s: %w", q, err)
			}
		}
		began := time.Now()
		if err := tpch.Load(ctx, c, tpch.Data{Scale: s.TPCH, Seed: tpchSeed}, layout, func(table string, rows int64) { r.Sizes[table] = rows }); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Printf("%s: loaded in %.1f s\n", name, time.Since(began).Seconds())
	}
	for n := 1; n <= tpch.Queries; n++ {
		if !chosen(s.Tests, fmt.Sprintf("q%d", n)) {
			continue
		}
		l, err := askTPCH(ctx, conns[direct], conns[orbweaver], n, s.TPCH)
		if err != nil {
			return err
		}
		r.add(l)
	}
	text := r.markdown()
	fmt.Print("\n", text)
	if err := os.WriteFile(filepath.Clean(s.Results), []byte(text), 0o644); err != nil {
		return err
	}
	return r.failure()
}

// open opens a contender.
func open(port int) (*dbsql.DB, error) {
	cfg := mysql.NewConfig()
	cfg.Net, cfg.Addr, cfg.User = "tcp", fmt.Sprintf("127.0.0.1:%d", port), "root"
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, err
	}
	return dbsql.OpenDB(connector), nil
}

// askTPCH asks a query by turns.
func askTPCH(ctx context.Context, plain, own *dbsql.Conn, n int, scale float64) (l tpchLine, err error) {
	l.Query = n
	q := tpch.Query(n, scale)
	var direct, ours []time.Duration
	for round := range tpchRounds {
		took, want, err := timed(ctx, plain, q)
		if err != nil {
			return l, fmt.Errorf("query %d at the plain server: %w", n, err)
		}
		l.Rows = len(want)
		if round > 0 {
			direct = append(direct, took)
		}
		if l.Failed != "" {
			continue
		}
		took, got, err := timed(ctx, own, q)
		switch {
		case ctx.Err() != nil:
			return l, ctx.Err()
		case err != nil:
			l.Failed = err.Error()
		case !slices.Equal(got, want):
			l.Failed = "another answer"
		case round > 0:
			ours = append(ours, took)
		}
	}
	l.Direct, l.Own = least(direct), least(ours)
	if l.How, err = tpch.Rows(ctx, own, "EXPLAIN "+q); err != nil {
		l.How = []string{err.Error()}
	}
	return l, nil
}

func timed(ctx context.Context, c *dbsql.Conn, q string) (time.Duration, []string, error) {
	ctx, cancel := context.WithTimeout(ctx, tpchLimit)
	defer cancel()
	began := time.Now()
	rows, err := tpch.Rows(ctx, c, q)
	return time.Since(began), rows, err
}

// least is the time that other work on the machine has disturbed least.
func least(times []time.Duration) time.Duration {
	if len(times) == 0 {
		return 0
	}
	return slices.Min(times)
}

// tpchReport is all that was found about TPC-H.
type tpchReport struct {
	When     time.Time
	Machine  machine
	Settings settings
	Layout   tpch.Layout
	Sizes    map[string]int64
	Lines    []tpchLine
}

func (r *tpchReport) add(l tpchLine) {
	r.Lines = append(r.Lines, l)
	if l.Failed != "" {
		fmt.Printf("q%-3d %8.0f ms   failed: %.300s\n", l.Query, milliseconds(l.Direct), l.Failed)
		return
	}
	fmt.Printf("q%-3d %8.0f ms   orbweaver %8.0f ms   %6.2f\n", l.Query, milliseconds(l.Direct), milliseconds(l.Own), l.ratio())
}

// failure is an error when not every query had its answer.
func (r *tpchReport) failure() error {
	var failed []string
	for _, l := range r.Lines {
		if l.Failed != "" {
			failed = append(failed, fmt.Sprintf("q%d (%.200s)", l.Query, l.Failed))
		}
	}
	if len(failed) > 0 {
		return fmt.Errorf("%d of %d queries failed: %s", len(failed), len(r.Lines), strings.Join(failed, ", "))
	}
	return nil
}

// mean is the geometric mean of the ratios.
func (r *tpchReport) mean() float64 {
	sum, n := 0.0, 0
	for _, l := range r.Lines {
		if l.Failed == "" {
			sum += math.Log(l.ratio())
			n++
		}
	}
	return math.Exp(sum / float64(max(n, 1)))
}

// markdown is the text of TPCH.md.
func (r *tpchReport) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# TPC-H\n\nWritten by `BENCH_TPCH=%g make bench` on %s.\n\n", r.Settings.TPCH, r.When.Format("2 January 2006"))
	r.Machine.write(&b)
	fmt.Fprintf(&b, "- Data: scale %g, %d orders with %d lines, in memory. Two leaves, four partitions: %s.\n", r.Settings.TPCH, r.Sizes["orders"], r.Sizes["lineitem"], r.Layout)
	if len(r.Settings.Options) > 0 {
		fmt.Fprintf(&b, "- Options of all servers: %s.\n", strings.Join(r.Settings.Options, ", "))
	}
	fmt.Fprintf(&b, `
The queries have the specification's validation parameters, the data is that of [tpch](tpch/doc.go). One client asks each query %d times by turns of a plain server and a cluster on the same machine; the first
time does not count, the least of the others does. All answers were the same. A ratio above 1 means that Orbweaver takes longer.

| query | rows | plain server | Orbweaver | ratio | shape |
| ---: | ---: | ---: | ---: | ---: | --- |
`, tpchRounds)
	for _, l := range r.Lines {
		if l.Failed != "" {
			fmt.Fprintf(&b, "| %d | %d | %.0f ms | %s | | |\n", l.Query, l.Rows, milliseconds(l.Direct), strings.ReplaceAll(l.Failed, "|", " "))
			continue
		}
		fmt.Fprintf(&b, "| %d | %d | %.0f ms | %.0f ms | %.2f | %s |\n", l.Query, l.Rows, milliseconds(l.Direct), milliseconds(l.Own), l.ratio(), l.shape())
	}
	fmt.Fprintf(&b, "\nThe geometric mean of the ratios is %.2f. The aim is 1, and none above 3.\n", r.mean())
	return b.String()
}

// shape is how the query was run, as EXPLAIN has it.
func (l tpchLine) shape() string {
	if len(l.How) == 0 {
		return ""
	}
	shape, _, _ := strings.Cut(l.How[0], "|")
	return shape
}
