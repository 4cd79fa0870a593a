package main

import (
	"context"
	dbsql "database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/orbweaver/orbweaver/internal/localfarm"
)

const (
	failoverClients = 16
	failoverRows    = 1000
)

// disturbance is a way for leaves to fail.
type disturbance struct {
	name        string
	far         bool // of the leaves that are reached through proxies
	begin, over func(victim) error
}

func signalLeaf(v victim, sig syscall.Signal) error {
	text, err := os.ReadFile(filepath.Join(v.dir, "mariadbd.pid"))
	if err != nil {
		return err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return err
	}
	return syscall.Kill(pid, sig)
}

var disturbances = []disturbance{
	{"kill -9", false, func(v victim) error {
		return errors.Join(os.WriteFile(filepath.Join(v.dir, localfarm.HoldFile), nil, 0o600), signalLeaf(v, syscall.SIGKILL))
	}, func(v victim) error { return os.Remove(filepath.Join(v.dir, localfarm.HoldFile)) }},
	{"SIGSTOP", false, func(v victim) error { return signalLeaf(v, syscall.SIGSTOP) }, func(v victim) error { return signalLeaf(v, syscall.SIGCONT) }},
	{"dropped packets", true, func(v victim) error { v.proxy.BlackHole(); return nil }, func(v victim) error { return v.proxy.Heal() }},
}

// counts are what clients met.
type counts struct {
	table                                     string
	rows                                      int
	done, unknown, failed, reads, readsFailed atomic.Int64
	unknownOf                                 sync.Map // client to int64
}

// failover measures how long writes to a leaf's partitions stop when it fails, under load, and what clients notice of it.
func failover(ctx context.Context, rounds int) (err error) {
	c, err := startCluster(ctx, 2)
	if c != nil {
		defer func() { err = errors.Join(err, c.close()) }()
	}
	if err != nil {
		return err
	}
	if err := c.addLeaves(ctx); err != nil {
		return err
	}
	if err := c.exec(ctx, "CREATE DATABASE failover PARTITIONS 8 WITH SYNC REPLICATION", "CREATE TABLE failover.t (id INT PRIMARY KEY, v INT, pad CHAR(100))"); err != nil {
		return err
	}
	for id := range failoverRows {
		if _, err := c.db.ExecContext(ctx, "INSERT INTO failover.t VALUES (?, 0, 'x')", id); err != nil {
			return err
		}
	}
	fmt.Printf("failover: %d rounds each, %d clients that write and read single rows of a SYNC database, 4 leaves in pairs\n", rounds, failoverClients)
	for _, d := range disturbances {
		n := &counts{table: "failover.t", rows: failoverRows}
		running, stop := context.WithCancel(ctx)
		var clients sync.WaitGroup
		for i := range failoverClients {
			clients.Go(func() { n.client(running, c.db, i) })
		}
		var victims []victim
		for _, v := range c.leaves {
			if !d.far || v.proxy != nil {
				victims = append(victims, v)
			}
		}
		var gaps []time.Duration
		most := int64(0)
		for r := range rounds {
			n.unknownOf.Range(func(k, _ any) bool { n.unknownOf.Delete(k); return true })
			gap, e := disturb(ctx, c.db, d, victims[r%len(victims)])
			if e != nil {
				err = fmt.Errorf("%s, round %d: %w", d.name, r+1, e)
				break
			}
			gaps = append(gaps, gap)
			n.unknownOf.Range(func(_, v any) bool { most = max(most, v.(int64)); return true })
		}
		stop()
		clients.Wait()
		if err != nil {
			return err
		}
		slices.Sort(gaps)
		fmt.Printf("%-15s to the next write: median %d ms, least %d, most %d; %d writes done, %d of unknown outcome (at most %d of one client in one round), %d failed; %d reads, %d failed\n",
			d.name, gaps[len(gaps)/2].Milliseconds(), gaps[0].Milliseconds(), gaps[len(gaps)-1].Milliseconds(), n.done.Load(), n.unknown.Load(), most, n.failed.Load(),
			n.reads.Load(), n.readsFailed.Load())
	}
	return nil
}

// client writes and reads rows of its own, one after the other.
func (n *counts) client(ctx context.Context, db *dbsql.DB, i int) {
	for id := i; ctx.Err() == nil; {
		_, err := db.Exec("UPDATE "+n.table+" SET v = v + 1 WHERE id = ?", id)
		var e *mysql.MySQLError
		switch {
		case err == nil:
			n.done.Add(1)
		case errors.As(err, &e) && (e.Number == 12701 || e.Number == 1180):
			n.unknown.Add(1)
			was, _ := n.unknownOf.LoadOrStore(i, int64(0))
			n.unknownOf.Store(i, was.(int64)+1)
		default:
			n.failed.Add(1)
			fmt.Println("  a write failed:", err)
		}
		var v int
		n.reads.Add(1)
		if err := db.QueryRow("SELECT v FROM "+n.table+" WHERE id = ?", id).Scan(&v); err != nil {
			n.readsFailed.Add(1)
			fmt.Println("  a read failed:", err)
		}
		if id += failoverClients; id >= n.rows {
			id = i
		}
	}
}

// disturb lets one leaf fail, and measures until a write to one of its partitions succeeds; then the leaf comes back.
func disturb(ctx context.Context, db *dbsql.DB, d disturbance, v victim) (time.Duration, error) {
	var ordinal int
	if err := db.QueryRowContext(ctx, "SELECT p.ORDINAL FROM information_schema.DISTRIBUTED_PARTITIONS p WHERE p.PORT = ? AND p.ROLE = 'Master' LIMIT 1", v.port).Scan(&ordinal); err != nil {
		return 0, fmt.Errorf("a partition of the leaf at port %d: %w", v.port, err)
	}
	id := -1
	for i := range failoverRows {
		var shape, partition, text string
		var at dbsql.NullString
		if err := db.QueryRowContext(ctx, fmt.Sprintf("EXPLAIN SELECT * FROM failover.t WHERE id = %d", i)).Scan(&shape, &partition, &at, &text); err != nil {
			return 0, err
		}
		if partition == fmt.Sprintf("failover:%d", ordinal) {
			id = i
			break
		}
	}
	if err := d.begin(v); err != nil {
		return 0, err
	}
	began := time.Now()
	for {
		if _, err := db.ExecContext(ctx, "UPDATE failover.t SET v = v + 1 WHERE id = ?", id); err == nil {
			break
		} else if time.Since(began) > time.Minute {
			return 0, err
		}
	}
	gap := time.Since(began)
	time.Sleep(500 * time.Millisecond) // some load without the leaf
	if err := d.over(v); err != nil {
		return 0, err
	}
	for back := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		var replicas, online int
		if err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM information_schema.DISTRIBUTED_PARTITIONS p WHERE p.IN_SYNC = 1").Scan(&replicas); err != nil {
			return 0, err
		}
		if err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM information_schema.LEAVES l WHERE l.STATE = 'online'").Scan(&online); err != nil {
			return 0, err
		}
		if replicas >= 8 && online == 4 {
			time.Sleep(700 * time.Millisecond) // the masters are evened out
			return gap, nil
		}
		if time.Since(back) > 2*time.Minute {
			return 0, fmt.Errorf("the leaf at port %d did not come back: %d leaves online, %d replicas in sync", v.port, online, replicas)
		}
	}
}
