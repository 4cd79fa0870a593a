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
	"syscall"
	"time"

	"github.com/orbweaver/orbweaver/internal/localfarm"
)

const (
	failoverClients = 16
	failoverRows    = 1000
	// rateSeconds is how long throughput is looked at between failures.
	rateSeconds = 4
)

// disturbance is a way for leaves to fail.
type disturbance struct {
	name        string
	chosen      string // what BENCH_ONLY calls it
	far         bool   // of the leaves that are reached through proxies
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
	{"kill -9", "kill", false, func(v victim) error {
		return errors.Join(os.WriteFile(filepath.Join(v.dir, localfarm.HoldFile), nil, 0o600), signalLeaf(v, syscall.SIGKILL))
	}, func(v victim) error { return os.Remove(filepath.Join(v.dir, localfarm.HoldFile)) }},
	{"SIGSTOP", "stop", false, func(v victim) error { return signalLeaf(v, syscall.SIGSTOP) }, func(v victim) error { return signalLeaf(v, syscall.SIGCONT) }},
	{"dropped packets", "drop", true, func(v victim) error { v.proxy.BlackHole(); return nil }, func(v victim) error { return v.proxy.Heal() }},
}

// sysbenchKills are kills under sysbench's read write test: what BENCH_ONLY calls them, and sysbench's options.
var sysbenchKills = []struct {
	chosen  string
	options []string
}{{"sysbench", nil}, {"skip_trx", []string{"--skip-trx=on"}}}

// failoverTests are what BENCH_ONLY may choose of.
func failoverTests() (all []string) {
	for _, d := range disturbances {
		all = append(all, d.chosen)
	}
	for _, k := range sysbenchKills {
		all = append(all, k.chosen)
	}
	return all
}

// failover measures how long writes to a leaf's partitions stop when it fails, under load, and what clients notice of it.
func failover(ctx context.Context, rounds int, tests []string) (err error) {
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
	fmt.Printf("failover: %d rounds each, %d clients of a SYNC database, 4 leaves in pairs\n", rounds, failoverClients)
	for _, d := range disturbances {
		if !slices.Contains(tests, d.chosen) {
			continue
		}
		n := &counts{table: "failover.t", rows: failoverRows}
		if err := c.suffer(ctx, d, rounds, n.start(ctx, c.db)); err != nil {
			return err
		}
	}
	if err := c.prepare(ctx, "failover"); err != nil {
		return err
	}
	for _, k := range sysbenchKills {
		if !slices.Contains(tests, k.chosen) {
			continue
		}
		load, err := startSysbench(ctx, c.port, "failover", k.options...)
		if err != nil {
			return err
		}
		if err := c.suffer(ctx, disturbances[0], rounds, load); err != nil {
			return err
		}
	}
	return nil
}

// load is what runs while leaves fail.
type load interface {
	name() string
	// rate is how many writes or transactions are done a second, from now on for a few seconds.
	rate(ctx context.Context) (float64, error)
	round()
	// stop ends the load, and tells what clients met.
	stop() string
}

// suffer lets leaves fail one after the other, under a load.
func (c *cluster) suffer(ctx context.Context, d disturbance, rounds int, l load) error {
	var told string
	defer func() {
		if told == "" {
			l.stop()
		}
	}()
	var victims []victim
	for _, v := range c.leaves {
		if !d.far || v.proxy != nil {
			victims = append(victims, v)
		}
	}
	before, err := l.rate(ctx)
	if err != nil {
		return err
	}
	var gaps []time.Duration
	var after []float64
	for r := range rounds {
		l.round()
		gap, err := disturb(ctx, c.db, d, victims[r%len(victims)])
		if err != nil {
			return fmt.Errorf("%s, round %d: %w", d.name, r+1, err)
		}
		rate, err := l.rate(ctx)
		if err != nil {
			return fmt.Errorf("%s, after round %d: %w", d.name, r+1, err)
		}
		gaps, after = append(gaps, gap), append(after, rate)
	}
	told = l.stop()
	slices.Sort(gaps)
	slices.Sort(after)
	fmt.Printf("%s under %s: to the next write median %d ms, least %d, most %d; %s; %.0f a second before, after each return %.0f in the median (%.2f), %.0f at least\n",
		d.name, l.name(), gaps[len(gaps)/2].Milliseconds(), gaps[0].Milliseconds(), gaps[len(gaps)-1].Milliseconds(), told,
		before, after[len(after)/2], after[len(after)/2]/before, after[0])
	return nil
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
	for back, look := time.Now(), 0; ; time.Sleep(100 * time.Millisecond) {
		if look++; look%10 == 0 {
			// A leaf that comes and goes as often as here is held back for minutes, unless an operator wants it. One that was cut off and takes itself for a master
			// wants FORCE: what it has beyond its successor is kept in a file.
			_, _ = db.ExecContext(ctx, fmt.Sprintf("ATTACH LEAF '127.0.0.1':%d FORCE", v.port))
		}
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
			return 0, fmt.Errorf("the leaf at port %d did not come back: %d leaves online, %d replicas in sync; of late:%s", v.port, online, replicas, lately(ctx, db))
		}
	}
}

// lately are the cluster's last events, a line each.
func lately(ctx context.Context, db *dbsql.DB) string {
	rows, err := db.QueryContext(ctx, "SELECT e.EVENT_TIME, e.EVENT_TYPE, COALESCE(e.LEAF, ''), e.DETAILS FROM information_schema.MV_EVENTS e ORDER BY e.EVENT_TIME DESC LIMIT 20")
	if err != nil {
		return " " + err.Error()
	}
	defer rows.Close()
	var out strings.Builder
	for rows.Next() {
		var at, kind, leaf, details string
		if err := rows.Scan(&at, &kind, &leaf, &details); err != nil {
			return " " + err.Error()
		}
		fmt.Fprintf(&out, "\n  %s %s %s: %s", at, leaf, kind, details)
	}
	return out.String()
}
