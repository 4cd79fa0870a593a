package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"
)

const (
	growClients = 16
	growParts   = 16
	// growQuiet is how long throughput is measured where nothing happens.
	growQuiet = 10 * time.Second
	// growWindow is the time over which throughput is looked at: shorter ones show the scheduler's mood.
	growWindow = time.Second
)

// grow measures what clients notice while a cluster grows from 4 leaves to 6 and shrinks again, of a table with so many rows.
func grow(ctx context.Context, rows int) (err error) {
	c, err := startCluster(ctx, 4)
	if c != nil {
		defer func() { err = errors.Join(err, c.close()) }()
	}
	if err != nil {
		return err
	}
	more, err := c.servers(ctx)
	if err != nil {
		return err
	}
	if err := c.exec(ctx, fmt.Sprintf("CREATE DATABASE grow PARTITIONS %d WITH SYNC REPLICATION", growParts), "CREATE TABLE grow.t (id INT PRIMARY KEY, v INT NOT NULL, pad CHAR(200) NOT NULL)"); err != nil {
		return err
	}
	const batch = 1000
	for from := 0; from < rows; from += batch {
		var values []string
		for id := from; id < min(from+batch, rows); id++ {
			values = append(values, fmt.Sprintf("(%d,0,REPEAT('x',200))", id))
		}
		if _, err := c.db.ExecContext(ctx, "INSERT INTO grow.t VALUES "+strings.Join(values, ",")); err != nil {
			return err
		}
	}
	fmt.Printf("rebalance: from 4 leaves to 6 and back, %d rows of 200 bytes in %d partitions of a SYNC database, %d clients that write and read single rows\n", rows, growParts, growClients)
	n := &counts{table: "grow.t", rows: rows}
	running, stop := context.WithCancel(ctx)
	var clients sync.WaitGroup
	defer clients.Wait()
	defer stop()
	for i := range growClients {
		clients.Go(func() { n.client(running, c.db, i) })
	}
	address := func(i int) string { return fmt.Sprintf("'127.0.0.1':%d", more[i].port) }
	usual := 0.0
	for _, phase := range []struct {
		name string
		f    func() error
	}{
		{"4 leaves", quiet},
		{"two more, REBALANCE", func() error {
			return c.exec(ctx, "ADD LEAF bench:'bench'@"+address(0)+" INTO GROUP 1", "ADD LEAF bench:'bench'@"+address(1)+" INTO GROUP 2", "REBALANCE PARTITIONS ON grow")
		}},
		{"6 leaves", quiet},
		{"REMOVE both", func() error { return c.exec(ctx, "REMOVE LEAF "+address(0), "REMOVE LEAF "+address(1)) }},
		{"4 leaves again", quiet},
	} {
		done := make(chan struct{})
		var e error
		go func() {
			e = phase.f()
			close(done)
		}()
		took, rate, least := n.watch(done)
		if e != nil {
			return fmt.Errorf("%s: %w", phase.name, e)
		}
		if usual == 0 {
			usual = rate
		}
		fmt.Printf("%-20s %5.1f s: %6.0f statements/s (%.2f of before), in the least second %.0f (%.2f)\n", phase.name, took.Seconds(), rate, rate/usual, least, least/usual)
	}
	stop()
	clients.Wait()
	fmt.Printf("%d writes done, %d of unknown outcome, %d failed; %d reads, %d failed\n", n.done.Load(), n.unknown.Load(), n.failed.Load(), n.reads.Load(), n.readsFailed.Load())
	var count, distinct, sum int64
	if err := c.db.QueryRowContext(ctx, "SELECT COUNT(*), COUNT(DISTINCT id), SUM(v) FROM grow.t").Scan(&count, &distinct, &sum); err != nil {
		return err
	}
	fmt.Printf("%d rows, %d of them different, %d writes are there\n", count, distinct, sum)
	if count != int64(rows) || distinct != count || sum < n.done.Load() || sum > n.done.Load()+n.unknown.Load() {
		return errors.New("rows or writes are lost, or there twice")
	}
	return nil
}

func quiet() error { time.Sleep(growQuiet); return nil }

// watch looks at the throughput until done: its mean, and that of the least window, in statements a second.
func (n *counts) watch(done <-chan struct{}) (took time.Duration, mean, least float64) {
	total := func() int64 { return n.done.Load() + n.reads.Load() }
	began, first := time.Now(), total()
	since, last := began, first
	ticker := time.NewTicker(growWindow)
	defer ticker.Stop()
	least = math.Inf(1)
	for over := false; !over; {
		select {
		case <-ticker.C:
			now, t := time.Now(), total()
			if r := float64(t-last) / now.Sub(since).Seconds(); r < least {
				least = r
			}
			since, last = now, t
		case <-done:
			over = true
		}
	}
	took = time.Since(began)
	mean = float64(total()-first) / took.Seconds()
	return took, mean, min(least, mean)
}
