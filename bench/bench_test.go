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
	for name, value := range map[string]string{"BENCH_SOAK": "long", "BENCH_ONLY": "nope", "BENCH_THREADS": "0", "BENCH_TIME": "x", "BENCH_CONTENDERS": "oracle"} {
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
