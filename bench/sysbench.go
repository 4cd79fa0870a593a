package main

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
)

// outcome is what one contender did in one cell.
type outcome struct {
	Transactions int
	Seconds      float64
	P95          float64 // milliseconds, of the slower turn
	Errors       int     // that sysbench went on after
	Reconnects   int
	Failed       string // why there is no number
}

// rate is transactions a second.
func (o outcome) rate() float64 {
	if o.Seconds == 0 || o.Failed != "" {
		return 0
	}
	return float64(o.Transactions) / o.Seconds
}

// plus joins two turns of one cell.
func (o outcome) plus(p outcome) outcome {
	sum := outcome{
		Transactions: o.Transactions + p.Transactions, Seconds: o.Seconds + p.Seconds, P95: max(o.P95, p.P95), Errors: o.Errors + p.Errors,
		Reconnects: o.Reconnects + p.Reconnects, Failed: o.Failed,
	}
	if sum.Failed == "" {
		sum.Failed = p.Failed
	}
	return sum
}

var (
	transactions = regexp.MustCompile(`(?m)^\s+transactions:\s+(\d+)`)
	totalTime    = regexp.MustCompile(`(?m)^\s+total time:\s+([\d.]+)s`)
	percentile   = regexp.MustCompile(`(?m)^\s+95th percentile:\s+([\d.]+)`)
	ignored      = regexp.MustCompile(`(?m)^\s+ignored errors:\s+(\d+)`)
	reconnects   = regexp.MustCompile(`(?m)^\s+reconnects:\s+(\d+)`)
	fatal        = regexp.MustCompile(`(?m)^FATAL: (.*)`)
)

// read takes sysbench's report apart.
func read(out []byte, err error) outcome {
	var o outcome
	if err != nil {
		o.Failed = err.Error()
		if m := fatal.FindSubmatch(out); m != nil {
			o.Failed = string(m[1])
		}
		return o
	}
	for _, f := range []struct {
		re   *regexp.Regexp
		into func(string) error
	}{
		{transactions, func(s string) (err error) { o.Transactions, err = strconv.Atoi(s); return }},
		{totalTime, func(s string) (err error) { o.Seconds, err = strconv.ParseFloat(s, 64); return }},
		{percentile, func(s string) (err error) { o.P95, err = strconv.ParseFloat(s, 64); return }},
		{ignored, func(s string) (err error) { o.Errors, err = strconv.Atoi(s); return }},
		{reconnects, func(s string) (err error) { o.Reconnects, err = strconv.Atoi(s); return }},
	} {
		m := f.re.FindSubmatch(out)
		if m == nil {
			o.Failed = fmt.Sprintf("sysbench's report has no line like %s: %q", f.re, bytes.TrimSpace(out))
			return o
		}
		if err := f.into(string(m[1])); err != nil {
			o.Failed = err.Error()
			return o
		}
	}
	return o
}
