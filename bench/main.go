package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/orbweaver/orbweaver/bench/tpch"
)

// settings come from the environment, as make passes it on.
type settings struct {
	Seconds    int      // BENCH_TIME, of one cell and contender
	Tests      []string // BENCH_ONLY
	Threads    []int    // BENCH_THREADS
	Modes      []string // BENCH_PS
	Contenders []string // BENCH_CONTENDERS
	Tables     int      // BENCH_TABLES
	Rows       int      // BENCH_ROWS, of one table
	Options    []string // BENCH_OPTIONS, of all MariaDB servers
	Results    string   // BENCH_RESULTS
	Failover   int      // BENCH_FAILOVER, rounds; with it nothing else is measured
	Rebalance  int      // BENCH_REBALANCE, rows; the same
	Copy       int      // BENCH_COPY, rounds; the same
	Switch     int      // BENCH_SWITCH, rounds; the same
	Soak       int      // BENCH_SOAK, seconds; the same
	Schema     int      // BENCH_SCHEMA, tables; the same
	Linked     bool     // BENCH_LINKED; the same
	Trx        bool     // BENCH_TRX; the same
	TPCH       float64  // BENCH_TPCH, the scale; the same
	TPCC       int      // BENCH_TPCC, warehouses; the same
	Reference  []string // BENCH_REFERENCE, of TPC-H's tables
}

var (
	allTests       = []string{"point_select", "read_only", "read_write", "write_only", "update_index"}
	allModes       = []string{"auto", "disable"}
	allContenders  = []string{direct, haproxy, spider, orbweaver} // unless others are chosen
	moreContenders = []string{linked, spiderLinks, linkedParts}
)

func readSettings(env func(string) string) (settings, error) {
	s := settings{Results: "bench/RESULTS.md"}
	var errs []error
	number := func(name string, def int) int {
		v := env(name)
		if v == "" {
			return def
		}
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			errs = append(errs, fmt.Errorf("%s=%q: must be a number above 0", name, v))
		}
		return n
	}
	choice := func(name string, all []string, more ...string) []string {
		chosen := strings.FieldsFunc(env(name), func(r rune) bool { return r == ' ' || r == ',' })
		if len(chosen) == 0 {
			return all
		}
		for i, c := range chosen {
			chosen[i] = strings.TrimPrefix(c, "oltp_")
			if !slices.Contains(all, chosen[i]) && !slices.Contains(more, chosen[i]) {
				errs = append(errs, fmt.Errorf("%s: %q is none of %s", name, c, strings.Join(slices.Concat(all, more), ", ")))
			}
		}
		return chosen
	}
	rows, tests := 100000, allTests
	s.Threads = []int{1, 8, 64, 256}
	if v := env("BENCH_LINKED"); v != "" {
		if v != "1" {
			errs = append(errs, fmt.Errorf("BENCH_LINKED=%q: must be 1 or nothing", v))
		}
		s.Linked, s.Results = true, linkedResults
		rows, tests = linkedRows, linkedTests
		s.Threads = []int{8, 64}
	}
	if v := env("BENCH_TRX"); v != "" {
		if v != "1" {
			errs = append(errs, fmt.Errorf("BENCH_TRX=%q: must be 1 or nothing", v))
		}
		s.Trx, s.Results = true, trxResults
		rows, tests = trxOwners, trxTestNames()
		s.Threads = []int{1, 8, 64}
	}
	seconds := 10
	if v := env("BENCH_TPCH"); v != "" {
		var err error
		if s.TPCH, err = strconv.ParseFloat(v, 64); err != nil || s.TPCH < 0.001 {
			errs = append(errs, fmt.Errorf("BENCH_TPCH=%q: must be a scale of 0.001 or more", v))
		}
		s.Results, tests = tpchResults, tpchNames()
	}
	if env("BENCH_FAILOVER") != "" {
		s.Failover = number("BENCH_FAILOVER", 20)
		tests = failoverTests()
	}
	s.Reference = choice("BENCH_REFERENCE", tpch.Usual.Reference, tpch.Tables...)
	if env("BENCH_TPCC") != "" {
		s.TPCC = number("BENCH_TPCC", 4)
		s.Threads, seconds, s.Results = []int{16}, 120, tpccResults
	}
	s.Seconds = number("BENCH_TIME", seconds)
	s.Tables = number("BENCH_TABLES", 4)
	s.Rows = number("BENCH_ROWS", rows)
	s.Tests = choice("BENCH_ONLY", tests)
	s.Modes = choice("BENCH_PS", allModes)
	s.Contenders = choice("BENCH_CONTENDERS", allContenders, moreContenders...)
	if s.Linked { // one table, as random_ranges wants it
		s.Tables, s.Modes, s.Contenders = 1, allModes[:1], linkedContenders
	}
	if env("BENCH_REBALANCE") != "" {
		s.Rebalance = number("BENCH_REBALANCE", 200000)
	}
	if env("BENCH_COPY") != "" {
		s.Copy = number("BENCH_COPY", 5)
	}
	if env("BENCH_SWITCH") != "" {
		s.Switch = number("BENCH_SWITCH", 20)
	}
	if env("BENCH_SOAK") != "" {
		s.Soak = number("BENCH_SOAK", 60)
	}
	if env("BENCH_SCHEMA") != "" {
		s.Schema = number("BENCH_SCHEMA", 100)
	}
	s.Options = strings.Fields(env("BENCH_OPTIONS"))
	if r := env("BENCH_RESULTS"); r != "" {
		s.Results = r
	}
	if s.Soak > 0 {
		s.Threads = []int{soakClients}
	}
	if t := strings.FieldsFunc(env("BENCH_THREADS"), func(r rune) bool { return r == ' ' || r == ',' }); len(t) > 0 {
		s.Threads = nil
		for _, f := range t {
			n, err := strconv.Atoi(f)
			if err != nil || n < 1 {
				errs = append(errs, fmt.Errorf("BENCH_THREADS: %q is not a number of clients", f))
			}
			s.Threads = append(s.Threads, n)
		}
	}
	return s, errors.Join(errs...)
}

// cell is one place of the table: what all contenders are asked to do.
type cell struct {
	Test    string
	Mode    string
	Threads int
}

func (s settings) cells() []cell {
	var cs []cell
	for _, t := range s.Tests {
		for _, m := range s.Modes {
			for _, n := range s.Threads {
				cs = append(cs, cell{t, m, n})
			}
		}
	}
	return cs
}

// turn is one run of sysbench.
type turn struct {
	Contender string
	Seconds   int
}

// turns divides a cell's time: contenders run forth and then back, and another one begins in each cell.
func turns(contenders []string, seconds, cell int) []turn {
	n := len(contenders)
	order := make([]string, n)
	for i := range contenders {
		order[i] = contenders[(i+cell)%n]
	}
	if seconds < 2 {
		return half(order, seconds)
	}
	forth := half(order, (seconds+1)/2)
	slices.Reverse(order)
	return append(forth, half(order, seconds/2)...)
}

func half(order []string, seconds int) []turn {
	ts := make([]turn, len(order))
	for i, c := range order {
		ts[i] = turn{c, seconds}
	}
	return ts
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	s, err := readSettings(os.Getenv)
	if err != nil {
		return err
	}
	if s.Failover > 0 {
		return failover(ctx, s.Failover, s.Tests)
	}
	if s.Rebalance > 0 {
		return grow(ctx, s.Rebalance)
	}
	if s.Copy > 0 {
		return copies(ctx, s.Copy)
	}
	if s.Switch > 0 {
		return switches(ctx, s.Switch)
	}
	if s.Soak > 0 {
		return soak(ctx, s)
	}
	if s.Schema > 0 {
		return schema(ctx, s.Schema)
	}
	if s.Linked {
		return linkedTables(ctx, s)
	}
	if s.Trx {
		return trxCosts(ctx, s)
	}
	if s.TPCH > 0 {
		return tpchQueries(ctx, s)
	}
	if s.TPCC > 0 {
		return tpcc(ctx, s)
	}
	fmt.Println("starting servers and loading data")
	a, err := setUp(ctx, s)
	defer func() { err = errors.Join(err, a.close()) }()
	if err != nil {
		return err
	}
	r := report{When: time.Now().UTC(), Settings: s, Cells: map[cell]map[string]outcome{}}
	if r.Machine, err = describe(ctx); err != nil {
		return err
	}
	cells := s.cells()
	for i, c := range cells {
		r.Cells[c] = map[string]outcome{}
		for _, t := range turns(s.Contenders, s.Seconds, i) {
			o := a.sysbench(ctx, c, t)
			if err := ctx.Err(); err != nil {
				return err
			}
			r.Cells[c][t.Contender] = r.Cells[c][t.Contender].plus(o)
		}
		fmt.Printf("%d/%d %s\n", i+1, len(cells), r.line(c))
	}
	text := r.markdown()
	fmt.Print("\n", text)
	return os.WriteFile(s.Results, []byte(text), 0o644)
}
