package main

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

const sample = `sysbench 1.0.20 (using system LuaJIT 2.1.0-beta3)

SQL statistics:
    queries performed:
        read:                            14
        total:                           20
    transactions:                        24123  (2411.55 per sec.)
    queries:                             24123  (2411.55 per sec.)
    ignored errors:                      3      (0.30 per sec.)
    reconnects:                          2      (0.20 per sec.)

General statistics:
    total time:                          10.0031s
    total number of events:              24123

Latency (ms):
         min:                                    0.12
         95th percentile:                        1.86
`

func TestReadSysbench(t *testing.T) {
	o := read([]byte(sample), nil)
	if want := (outcome{Transactions: 24123, Seconds: 10.0031, P95: 1.86, Errors: 3, Reconnects: 2}); o != want {
		t.Errorf("%+v, want %+v", o, want)
	}
	o = read([]byte("x\nFATAL: error 2013: Lost connection\nFATAL: more"), errors.New("exit status 1"))
	if o.Failed != "error 2013: Lost connection" || o.rate() != 0 {
		t.Errorf("%+v", o)
	}
	if o = read([]byte("nonsense"), nil); !strings.Contains(o.Failed, "nonsense") {
		t.Errorf("%+v", o)
	}
	sum := outcome{Transactions: 10, Seconds: 1, P95: 3}.plus(outcome{Transactions: 20, Seconds: 2, P95: 1, Failed: "late"})
	if want := (outcome{Transactions: 30, Seconds: 3, P95: 3, Failed: "late"}); sum != want {
		t.Errorf("%+v, want %+v", sum, want)
	}
}

func TestTurns(t *testing.T) {
	got := turns([]string{"a", "b", "c"}, 5, 1)
	want := []turn{{"b", 3}, {"c", 3}, {"a", 3}, {"a", 2}, {"c", 2}, {"b", 2}}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := turns([]string{"a", "b"}, 1, 0); !slices.Equal(got, []turn{{"a", 1}, {"b", 1}}) {
		t.Errorf("%v", got)
	}
}

func TestSettings(t *testing.T) {
	env := map[string]string{"BENCH_ONLY": "point_select, oltp_read_only", "BENCH_THREADS": "8 64", "BENCH_TIME": "3", "BENCH_PS": "auto"}
	s, err := readSettings(func(n string) string { return env[n] })
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.Tests, []string{"point_select", "read_only"}) || !slices.Equal(s.Threads, []int{8, 64}) || s.Seconds != 3 || len(s.cells()) != 4 {
		t.Errorf("%+v", s)
	}
	s, err = readSettings(func(string) string { return "" })
	if err != nil || len(s.cells()) != 40 || len(s.Contenders) != 4 {
		t.Errorf("%+v, %v", s, err)
	}
	s, err = readSettings(func(n string) string { return map[string]string{"BENCH_SOAK": "60"}[n] })
	if err != nil || s.Soak != 60 || len(s.cells()) != 10 || s.cells()[0].Threads != 64 {
		t.Errorf("%+v, %v", s, err)
	}
	env = map[string]string{"BENCH_LINKED": "1", "BENCH_TABLES": "4", "BENCH_PS": "disable"}
	s, err = readSettings(func(n string) string { return env[n] })
	if err != nil || !s.Linked || s.Rows != 400_000 || s.Tables != 1 || s.Results != "bench/LINKED.md" || !slices.Equal(s.Tests, linkedTests) ||
		!slices.Equal(s.Modes, []string{"auto"}) || !slices.Equal(s.Threads, []int{8, 64}) {
		t.Errorf("%+v, %v", s, err)
	}
	env = map[string]string{"BENCH_LINKED": "1", "BENCH_ONLY": "queries,point_select", "BENCH_ROWS": "1000", "BENCH_THREADS": "1", "BENCH_RESULTS": "x"}
	s, err = readSettings(func(n string) string { return env[n] })
	if err != nil || s.Rows != 1000 || s.Results != "x" || !slices.Equal(s.Tests, []string{"queries", "point_select"}) || !slices.Equal(s.Threads, []int{1}) {
		t.Errorf("%+v, %v", s, err)
	}
	env = map[string]string{"BENCH_TRX": "1"}
	s, err = readSettings(func(n string) string { return env[n] })
	if err != nil || !s.Trx || s.Rows != trxOwners || s.Results != trxResults || !slices.Equal(s.Tests, trxTestNames()) || !slices.Equal(s.Threads, []int{1, 8, 64}) {
		t.Errorf("%+v, %v", s, err)
	}
	for name, value := range map[string]string{"BENCH_TRX": "yes", "BENCH_LINKED": "yes", "BENCH_SOAK": "long", "BENCH_ONLY": "nope", "BENCH_THREADS": "0", "BENCH_TIME": "x", "BENCH_CONTENDERS": "oracle"} {
		if _, err := readSettings(func(n string) string {
			if n == name {
				return value
			}
			return ""
		}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s=%s: %v", name, value, err)
		}
	}
}

func TestMarkdown(t *testing.T) {
	c := cell{"point_select", "auto", 8}
	r := report{
		When:     time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
		Machine:  machine{Cores: 2, MemoryGB: 24, CPU: "some CPU", Versions: []string{"go1", "MariaDB 10"}},
		Settings: settings{Seconds: 10, Tests: []string{c.Test}, Threads: []int{8}, Modes: []string{"auto"}, Contenders: allContenders, Tables: 4, Rows: 5},
		Cells: map[cell]map[string]outcome{c: {
			direct: {Transactions: 200, Seconds: 1, P95: 1}, haproxy: {Transactions: 100, Seconds: 1, P95: 2}, spider: {Failed: "it broke"},
			orbweaver: {Transactions: 95, Seconds: 1, P95: 2.5, Errors: 1},
		}},
	}
	text := r.markdown()
	for _, want := range []string{
		"1 March 2026", "2 cores (some CPU), 24 GB", "| yes | 8 | 200 (2.00) | 100 | failed | 95 (0.95) 1 errors | 1.00 | 2.00 | 0.00 | 2.50 |",
		"point_select, ps auto, 8 clients, spider: it broke",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
}

func TestLinkedMarkdown(t *testing.T) {
	r := linkedReport{
		When:     time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
		Machine:  machine{Cores: 2, MemoryGB: 24, CPU: "some CPU", Versions: []string{"go1", "MariaDB 10"}},
		Settings: settings{Seconds: 4, Rows: 400_000},
		Lines: []linkedLine{
			{"`SUM(k)`", map[string]measure{direct: {Milliseconds: 50}, spider: {Milliseconds: 400}, spiderTuned: {Milliseconds: 200}, linkedParts: {Milliseconds: 100}}},
			{"`COUNT(DISTINCT k)`", map[string]measure{
				direct: {Milliseconds: 150}, spider: {Milliseconds: 20000, Beyond: true}, spiderTuned: {Milliseconds: 20000, Beyond: true}, linkedParts: {Milliseconds: 200},
			}},
			{"an import", map[string]measure{direct: {Milliseconds: 300}, spider: {Milliseconds: 400}, linkedParts: {Milliseconds: 200}}},
			{"point_select, 8 clients", map[string]measure{direct: {Rate: 500}, spider: {Rate: 25}, spiderTuned: {Failed: "it broke"}, linkedParts: {Rate: 250}}},
		},
	}
	r.sort()
	text := r.markdown()
	at := 0
	for _, want := range []string{
		"1 March 2026", "2 cores (some CPU), 24 GB", "400000 rows",
		"| point_select, 8 clients | 500 /s | 25 /s | failed | 250 /s | 10.00 | - | 0.50 |\n",
		"| `SUM(k)` | 50.00 ms | 400 ms | 200 ms | 100 ms | 4.00 | 2.00 | 0.50 |\n",
		"| `COUNT(DISTINCT k)` | 150 ms | not within 20 s | not within 20 s | 200 ms | > 100.00 | > 100.00 | 0.75 |\n",
		"| an import | 300 ms | 400 ms |  | 200 ms | 2.00 | - | 1.50 |\n",
		"point_select, 8 clients, spider_tuned: it broke",
	} {
		i := strings.Index(text[at:], want)
		if i < 0 {
			t.Fatalf("no %q at its place in:\n%s", want, text)
		}
		at += i + len(want)
	}
	if r := (linkedLine{Got: map[string]measure{linkedParts: {Milliseconds: 20000, Beyond: true}, spider: {Milliseconds: 20000, Beyond: true}}}).ratio(spider); r != "-" {
		t.Errorf("%q for two that did not end", r)
	}
}

func TestTrxMarkdown(t *testing.T) {
	o := func(each time.Duration) trxOutcome {
		return trxOutcome{Transactions: 100, Seconds: 1, Busy: 100 * each}
	}
	if sum := o(time.Millisecond).plus(o(3 * time.Millisecond)); sum.Transactions != 200 || sum.Seconds != 2 || sum.each() != 2*time.Millisecond {
		t.Errorf("%+v", sum)
	}
	if (trxOutcome{}).each() != 0 {
		t.Error("nothing takes time")
	}
	r := trxReport{
		When:     time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
		Machine:  machine{Cores: 2, MemoryGB: 24, CPU: "some CPU", Versions: []string{"go1", "MariaDB 10"}},
		Settings: settings{Seconds: 4, Rows: 10, Tests: []string{"two_partitions", "one_partition"}},
		Lines: []trxLine{
			{trxTests[0], 8, map[string]trxOutcome{
				xaParallel: o(2 * time.Millisecond), xaSequential: o(4 * time.Millisecond), haproxy: o(time.Millisecond), orbweaver: o(2400 * time.Microsecond),
			}},
			{trxTests[1], 64, map[string]trxOutcome{direct: o(time.Millisecond), haproxy: o(2 * time.Millisecond)}},
		},
	}
	text := r.markdown()
	for _, want := range []string{
		"1 March 2026", "20 rows", "at most 1.30 times xa_parallel", "at most 1.15 times haproxy",
		"| 8 | 2.000 ms, 100 /s | 4.000 ms, 100 /s | 1.000 ms, 100 /s | 2.400 ms, 100 /s | 1.20 | 0.60 | 2.40 |\n",
		"| 64 | 1.000 ms, 100 /s | 2.000 ms, 100 /s |  | - | - |\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	if strings.Contains(text, "read and write") {
		t.Error("a test that was not chosen is in the report")
	}
}

func TestReadTPCC(t *testing.T) {
	out := `[Current] PAYMENT - Takes(s): 10.0, Count: 260, TPM: 1565.8, Sum(ms): 31687.8, Avg(ms): 122.0, 50th(ms): 83.9, 90th(ms): 243.3, 95th(ms): 385.9, 99th(ms): 604.0, 99.9th(ms): 805.3, Max(ms): 805.3
Finished
[Summary] DELIVERY - Takes(s): 29.5, Count: 68, TPM: 138.2, Sum(ms): 6929.3, Avg(ms): 102.3, 50th(ms): 79.7, 90th(ms): 192.9, 95th(ms): 260.0, 99th(ms): 385.9, 99.9th(ms): 570.4, Max(ms): 570.4
[Summary] NEW_ORDER - Takes(s): 29.8, Count: 802, TPM: 1616.4, Sum(ms): 119242.8, Avg(ms): 148.7, 50th(ms): 100.7, 90th(ms): 335.5, 95th(ms): 469.8, 99th(ms): 704.6, 99.9th(ms): 1073.7, Max(ms): 1140.9
[Summary] NEW_ORDER_ERR - Takes(s): 29.8, Count: 3, TPM: 6.0, Sum(ms): 1192.8, Avg(ms): 148.7, 50th(ms): 100.7, 90th(ms): 335.5, 95th(ms): 469.8, 99th(ms): 704.6, 99.9th(ms): 1073.7, Max(ms): 1140.9
tpmC: 1616.4, tpmTotal: 3518.4, efficiency: 12569.1%
`
	var run tpccRun
	if err := run.read(out); err != nil {
		t.Fatal(err)
	}
	want := []tpccLine{{Kind: "DELIVERY", Count: 68, PerMinute: 138.2, Average: 102.3, P90: 192.9, P99: 385.9}, {"NEW_ORDER", 802, 1616.4, 148.7, 335.5, 704.6, 3}}
	if run.TpmC != 1616.4 || !slices.Equal(run.Lines, want) {
		t.Errorf("%+v", run)
	}
	r := tpccReport{Settings: settings{TPCC: 4, Threads: []int{16}, Seconds: 120}, Runs: map[string]*tpccRun{direct: &run, orbweaver: &run}}
	if err := r.failure(); err == nil {
		t.Error("three transactions failed, and nobody says so")
	}
	if text := r.markdown(); !strings.Contains(text, "| new_order | orbweaver | 802 | 1616 | 149 ms | 336 ms | 705 ms | 3 |") {
		t.Error(text)
	}
	if err := new(tpccRun).read("panic"); err == nil {
		t.Error("no summary, no error")
	}
}

func TestTPCHMarkdown(t *testing.T) {
	r := tpchReport{Settings: settings{TPCH: 0.1}, Sizes: map[string]int64{"orders": 150000, "lineitem": 600000}, Lines: []tpchLine{
		{Query: 1, Rows: 4, Direct: time.Second, Own: 500 * time.Millisecond, How: []string{"Merge|4|a text"}},
		{Query: 2, Rows: 10, Direct: 100 * time.Millisecond, Own: 200 * time.Millisecond, How: []string{"Stage|4|a text"}},
		{Query: 3, Rows: 10, Direct: time.Second, Failed: "a | reason"},
	}}
	text := r.markdown()
	for _, want := range []string{"| 1 | 4 | 1000 ms | 500 ms | 0.50 | Merge |", "| 2 | 10 | 100 ms | 200 ms | 2.00 | Stage |", "| 3 | 10 | 1000 ms | a   reason | | |", "geometric mean of the ratios is 1.00"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if r.failure() == nil {
		t.Error("a query failed, and nobody says so")
	}
}

func TestMedian(t *testing.T) {
	if m := median([]time.Duration{5, 1, 3}); m != 3 {
		t.Error(m)
	}
	if m := median([]time.Duration{9, 1, 3, 5}); m != 4 {
		t.Error(m)
	}
}
