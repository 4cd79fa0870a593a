package main

import (
	"bufio"
	"context"
	dbsql "database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/go-sql-driver/mysql"
)

const (
	failoverClients = 16
	failoverRows    = 1000
)

// disturbance is a way for a leaf to fail.
type disturbance struct {
	name        string
	begin, over func(dir string) error // the leaf's directory
}

func pid(dir string) (int, error) {
	text, err := os.ReadFile(filepath.Join(dir, "mariadbd.pid"))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}

func signalLeaf(dir string, sig syscall.Signal) error {
	p, err := pid(dir)
	if err != nil {
		return err
	}
	return syscall.Kill(p, sig)
}

var disturbances = []disturbance{
	{"kill -9", func(dir string) error {
		return errors.Join(os.WriteFile(filepath.Join(dir, "hold"), nil, 0o600), signalLeaf(dir, syscall.SIGKILL))
	}, func(dir string) error { return os.Remove(filepath.Join(dir, "hold")) }},
	{"SIGSTOP", func(dir string) error { return signalLeaf(dir, syscall.SIGSTOP) }, func(dir string) error { return signalLeaf(dir, syscall.SIGCONT) }},
}

// counts are what clients met.
type counts struct{ done, unknown, failed, reads, readsFailed atomic.Int64 }

// failover measures how long writes to a leaf's partitions stop when it fails, under load, and what clients notice of it.
func failover(ctx context.Context, rounds int) (err error) {
	dir, err := os.MkdirTemp("", "orbweaver-failover-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o711); err != nil {
		return err
	}
	port, err := freePort()
	if err != nil {
		return err
	}
	data := filepath.Join(dir, "data")
	cmd := exec.Command("bin/orbweaver", "up", "--redundancy", "2", "--data-dir", data, "--listen", fmt.Sprintf("127.0.0.1:%d", port), "--http", "127.0.0.1:0")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		err = errors.Join(err, cmd.Wait())
	}()
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || !strings.HasPrefix(line, "ready:") {
		return fmt.Errorf("orbweaver up printed %q: %w", line, err)
	}
	cfg := mysql.NewConfig()
	cfg.Net, cfg.Addr, cfg.User, cfg.InterpolateParams = "tcp", fmt.Sprintf("127.0.0.1:%d", port), "root", true
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return err
	}
	db := dbsql.OpenDB(connector)
	defer db.Close()
	db.SetMaxIdleConns(failoverClients + 4)
	for _, q := range []string{
		"CREATE DATABASE failover PARTITIONS 8 WITH SYNC REPLICATION", "CREATE TABLE failover.t (id INT PRIMARY KEY, v INT, pad CHAR(100))",
	} {
		if _, err := db.ExecContext(ctx, q); err != nil {
			return err
		}
	}
	for id := range failoverRows {
		if _, err := db.ExecContext(ctx, "INSERT INTO failover.t VALUES (?, 0, 'x')", id); err != nil {
			return err
		}
	}
	fmt.Printf("failover: %d rounds each, %d clients that write and read single rows of a SYNC database, 4 leaves in pairs\n", rounds, failoverClients)
	for _, d := range disturbances {
		var n counts
		running, stop := context.WithCancel(ctx)
		var clients sync.WaitGroup
		for i := range failoverClients {
			clients.Go(func() { n.client(running, db, i) })
		}
		var gaps []time.Duration
		for r := range rounds {
			gap, e := disturb(ctx, db, data, d, r)
			if e != nil {
				err = fmt.Errorf("%s, round %d: %w", d.name, r+1, e)
				break
			}
			gaps = append(gaps, gap)
		}
		stop()
		clients.Wait()
		if err != nil {
			return err
		}
		slices.Sort(gaps)
		fmt.Printf("%-8s to the next write: median %d ms, least %d, most %d; %d writes done, %d of unknown outcome, %d failed; %d reads, %d failed\n", d.name,
			gaps[len(gaps)/2].Milliseconds(), gaps[0].Milliseconds(), gaps[len(gaps)-1].Milliseconds(), n.done.Load(), n.unknown.Load(), n.failed.Load(),
			n.reads.Load(), n.readsFailed.Load())
	}
	return nil
}

func (n *counts) client(ctx context.Context, db *dbsql.DB, i int) {
	for id := i; ctx.Err() == nil; id = (id + failoverClients) % failoverRows {
		_, err := db.Exec("UPDATE failover.t SET v = v + 1 WHERE id = ?", id)
		var e *mysql.MySQLError
		switch {
		case err == nil:
			n.done.Add(1)
		case errors.As(err, &e) && (e.Number == 12701 || e.Number == 1180):
			n.unknown.Add(1)
		default:
			n.failed.Add(1)
			fmt.Println("  a write failed:", err)
		}
		var v int
		n.reads.Add(1)
		if err := db.QueryRow("SELECT v FROM failover.t WHERE id = ?", id).Scan(&v); err != nil {
			n.readsFailed.Add(1)
			fmt.Println("  a read failed:", err)
		}
	}
}

// disturb lets one leaf fail, and measures until a write to one of its partitions succeeds; then the leaf comes back.
func disturb(ctx context.Context, db *dbsql.DB, data string, d disturbance, round int) (time.Duration, error) {
	leaf := fmt.Sprintf("leaf-%d", round%4+1)
	var ordinal int
	if err := db.QueryRowContext(ctx, "SELECT p.ORDINAL FROM information_schema.DISTRIBUTED_PARTITIONS p WHERE p.LEAF = ? AND p.ROLE = 'Master' LIMIT 1", leaf).Scan(&ordinal); err != nil {
		return 0, fmt.Errorf("a partition of %s: %w", leaf, err)
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
	dir := filepath.Join(data, "leaves", leaf)
	if err := d.begin(dir); err != nil {
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
	if err := d.over(dir); err != nil {
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
			return 0, fmt.Errorf("%s did not come back: %d leaves online, %d replicas in sync", leaf, online, replicas)
		}
	}
}
