package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	tpccResults = "bench/TPCC.md"
	// goTPC is what runs TPC-C. It is fetched and built by Go, and no part of this module.
	goTPC        = "github.com/pingcap/go-tpc/cmd/go-tpc@v1.0.12"
	tpccLoaders  = 4
	tpccProgress = "10s"
)

// tpccLine is what go-tpc says of one kind of transaction in the end.
type tpccLine struct {
	Kind                         string
	Count                        int
	PerMinute, Average, P90, P99 float64
	Errors                       int
}

// tpccRun is a run of one contender.
type tpccRun struct {
	Prepare time.Duration
	Check   time.Duration
	Lines   []tpccLine
	TpmC    float64
	// Failures are what go-tpc has printed of transactions that have failed.
	Failures []string
}

// tpcc runs TPC-C at a plain server and at a cluster: go-tpc's tables, transactions and checks.
func tpcc(ctx context.Context, s settings) (err error) {
	a := &arena{s: s, ports: map[string]int{}}
	defer func() { err = errors.Join(err, a.close()) }()
	if err := a.directory(); err != nil {
		return err
	}
	program, err := a.goTPC(ctx)
	if err != nil {
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
	r := tpccReport{When: time.Now().UTC(), Settings: s, Runs: map[string]*tpccRun{}}
	if r.Machine, err = describe(ctx); err != nil {
		return err
	}
	for _, name := range []string{direct, orbweaver} {
		if r.Runs[name], err = a.tpcc(ctx, program, name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	text := r.markdown()
	fmt.Print("\n", text)
	if err := os.WriteFile(s.Results, []byte(text), 0o644); err != nil {
		return err
	}
	return r.failure()
}

// goTPC builds the program, of the version that is named above.
func (a *arena) goTPC(ctx context.Context) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "install", goTPC)
	cmd.Env = append(os.Environ(), "GOBIN="+a.dir, "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go install %s: %w: %s", goTPC, err, out)
	}
	return a.dir + "/go-tpc", nil
}

// tpcc prepares, runs and checks at one contender.
func (a *arena) tpcc(ctx context.Context, program, name string) (*tpccRun, error) {
	if err := sql(ctx, a.ports[name], "", "CREATE DATABASE tpcc"); err != nil {
		return nil, err
	}
	run := &tpccRun{}
	began := time.Now()
	if _, err := a.runTPC(ctx, program, name, tpccLoaders, "prepare", "--no-check"); err != nil {
		return nil, err
	}
	run.Prepare = time.Since(began)
	fmt.Printf("%s: prepared in %.0f s\n", name, run.Prepare.Seconds())
	out, err := a.runTPC(ctx, program, name, a.s.Threads[0], "run", "--time", fmt.Sprintf("%ds", a.s.Seconds), "--interval", tpccProgress)
	if err != nil {
		return nil, err
	}
	if err := run.read(out); err != nil {
		return nil, err
	}
	fmt.Printf("%s: tpmC %.0f\n", name, run.TpmC)
	if name == direct {
		return run, nil // one of the checks takes MariaDB hours, as it finds no index to use
	}
	began = time.Now()
	if _, err := a.runTPC(ctx, program, name, tpccLoaders, "check"); err != nil {
		return nil, err
	}
	run.Check = time.Since(began)
	fmt.Printf("%s: checked in %.0f s\n", name, run.Check.Seconds())
	return run, nil
}

// failedTPC is what go-tpc prints of a transaction or check that has failed; it goes on, and ends as if nothing was.
var failedTPC = regexp.MustCompile(`(?m)^.*(?:failed|panic:|Error:|Error \d+).*$`)

func (a *arena) runTPC(ctx context.Context, program, name string, threads int, command string, options ...string) (string, error) {
	args := []string{
		"tpcc", "-H", "127.0.0.1", "-P", fmt.Sprint(a.ports[name]), "-U", "root", "-D", "tpcc", "--warehouses", fmt.Sprint(a.s.TPCC), "-T", fmt.Sprint(threads),
	}
	cmd := exec.CommandContext(ctx, program, append(append(args, command), options...)...)
	var out bytes.Buffer
	to := io.Writer(&out)
	if command == "run" {
		to = io.MultiWriter(&out, os.Stdout)
	}
	cmd.Stdout, cmd.Stderr = to, to // one and the same: written by one at a time
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("go-tpc %s: %w: %.2000s", command, err, &out)
	}
	if failed := failedTPC.FindAllString(out.String(), 5); len(failed) > 0 && command != "run" { // whose failures are counted
		return "", fmt.Errorf("go-tpc %s: %s", command, strings.Join(failed, "\n"))
	}
	return out.String(), nil
}

var (
	tpccSummary = regexp.MustCompile(`^\[Summary\] (\w+) - Takes\(s\): [\d.]+, Count: (\d+), TPM: ([\d.]+), Sum\(ms\): [\d.]+, Avg\(ms\): ([\d.]+), 50th\(ms\): [\d.]+, 90th\(ms\): ([\d.]+), .*99th\(ms\): ([\d.]+),`)
	tpccRate    = regexp.MustCompile(`^tpmC: ([\d.]+),`)
)

// read takes go-tpc's summary apart.
func (r *tpccRun) read(out string) error {
	for lines := bufio.NewScanner(strings.NewReader(out)); lines.Scan(); {
		if m := tpccRate.FindStringSubmatch(lines.Text()); m != nil {
			r.TpmC, _ = strconv.ParseFloat(m[1], 64)
		}
		m := tpccSummary.FindStringSubmatch(lines.Text())
		if m == nil {
			continue
		}
		l := tpccLine{Kind: m[1]}
		l.Count, _ = strconv.Atoi(m[2])
		for i, to := range []*float64{&l.PerMinute, &l.Average, &l.P90, &l.P99} {
			*to, _ = strconv.ParseFloat(m[3+i], 64)
		}
		if kind, failed := strings.CutSuffix(l.Kind, "_ERR"); failed {
			for i := range r.Lines {
				if r.Lines[i].Kind == kind {
					r.Lines[i].Errors = l.Count
				}
			}
			continue
		}
		r.Lines = append(r.Lines, l)
	}
	r.Failures = failedTPC.FindAllString(out, -1)
	if len(r.Lines) == 0 || r.TpmC == 0 {
		return fmt.Errorf("go-tpc has no summary: %.2000s", out)
	}
	return nil
}
