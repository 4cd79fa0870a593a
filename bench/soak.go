package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"
)

// soakClients is how many clients a soak has, unless BENCH_THREADS says otherwise.
const soakClients = 64

// soak runs sysbench's scripts as people run them, prepare, run and cleanup, against a cluster as `make up` gives it. Any error, ignored by sysbench or not,
// any reconnect, and any row too few or too many is an error of the soak.
func soak(ctx context.Context, s settings) (err error) {
	var options []string
	for _, o := range s.Options {
		options = append(options, "--mariadb-option", o)
	}
	c, err := startCluster(ctx, 4, options...)
	if c != nil {
		defer func() { err = errors.Join(err, c.close()) }()
	}
	if err != nil {
		return err
	}
	if err := c.exec(ctx, "CREATE DATABASE sbtest"); err != nil {
		return err
	}
	fmt.Printf("soak: sysbench prepare, run for %d s and cleanup, %d tables of %d rows, a cluster of 4 leaves and redundancy 2\n", s.Soak, s.Tables, s.Rows)
	var failed []error
	for _, test := range s.Tests {
		for _, mode := range s.Modes {
			for _, threads := range s.Threads {
				o, err := c.soak(ctx, s, cell{test, mode, threads})
				if ctx.Err() != nil {
					return ctx.Err()
				}
				what := fmt.Sprintf("oltp_%s, ps %s, %d clients", test, mode, threads)
				fmt.Printf("%-45s %8.0f transactions/s, p95 %8.2f ms, %d errors, %d reconnects\n", what, o.rate(), o.P95, o.Errors, o.Reconnects)
				if o.Errors > 0 || o.Reconnects > 0 {
					err = errors.Join(fmt.Errorf("%d errors that sysbench ignored, %d reconnects", o.Errors, o.Reconnects), err)
				}
				if err != nil {
					failed = append(failed, fmt.Errorf("%s: %w", what, err))
				}
			}
		}
	}
	if len(failed) == 0 {
		fmt.Println("soak: no errors")
	}
	return errors.Join(failed...)
}

// soak is prepare, run and cleanup of one script.
func (c *cluster) soak(ctx context.Context, s settings, what cell) (o outcome, err error) {
	sysbench := func(command string, limit time.Duration) ([]byte, error) {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		out, err := exec.CommandContext(ctx, "sysbench", "oltp_"+what.Test, "--mysql-host=127.0.0.1", fmt.Sprintf("--mysql-port=%d", c.port), "--mysql-user=root", "--mysql-db=sbtest",
			fmt.Sprintf("--tables=%d", s.Tables), fmt.Sprintf("--table-size=%d", s.Rows), fmt.Sprintf("--threads=%d", what.Threads), fmt.Sprintf("--time=%d", s.Soak),
			"--db-ps-mode="+what.Mode, command).CombinedOutput()
		if m := fatal.FindAll(out, -1); m != nil && command != "run" { // it ends well when one of its threads did not
			err = fmt.Errorf("%s: %s", command, bytes.Join(m, []byte("; ")))
		} else if err != nil && command != "run" {
			err = fmt.Errorf("%s: %w: %s", command, err, bytes.TrimSpace(out))
		}
		return out, err
	}
	const patience = 10 * time.Minute // beside what is asked for
	if _, err := sysbench("prepare", patience); err != nil {
		return o, err
	}
	o = read(sysbench("run", time.Duration(s.Soak)*time.Second+patience))
	if o.Failed != "" {
		err = errors.New(o.Failed)
	}
	for i := range s.Tables { // what is deleted is put in again by the same transaction
		var n int
		if e := c.db.QueryRowContext(ctx, fmt.Sprintf("SELECT COUNT(*) FROM sbtest.sbtest%d", i+1)).Scan(&n); e != nil {
			err = errors.Join(err, fmt.Errorf("counting the rows of sbtest%d: %w", i+1, e))
		} else if n != s.Rows {
			err = errors.Join(err, fmt.Errorf("sbtest%d has %d rows, not %d", i+1, n, s.Rows))
		}
	}
	if _, e := sysbench("cleanup", patience); e != nil {
		return o, errors.Join(err, e)
	}
	return o, err
}
