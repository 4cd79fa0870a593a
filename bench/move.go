package main

import (
	"context"
	dbsql "database/sql"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	moveTables  = 4
	moveRows    = 100_000 // of one table, as sysbench has them
	moveInsert  = 1000    // rows of one INSERT
	moveClients = 16
)

// instance is a copy of a partition.
type instance struct {
	leaf, host string
	port       int
}

// instances are a partition's: its master and its replica, or its master and the leaf without it.
func instances(ctx context.Context, db *dbsql.DB, database string) (master, other instance, err error) {
	rows, err := db.QueryContext(ctx, "SELECT l.NAME, l.HOST, l.PORT, p.ROLE FROM information_schema.LEAVES l"+
		" LEFT JOIN information_schema.DISTRIBUTED_PARTITIONS p ON p.LEAF = l.NAME AND p.DATABASE_NAME = ?", database)
	if err != nil {
		return master, other, err
	}
	defer rows.Close()
	for rows.Next() {
		var in instance
		var role dbsql.NullString
		if err := rows.Scan(&in.leaf, &in.host, &in.port, &role); err != nil {
			return master, other, err
		}
		if role.String == "Master" {
			master = in
		} else {
			other = in
		}
	}
	return master, other, rows.Err()
}

// copies compares COPY PARTITION, from the statement to a replica in sync, with mariadb-dump piped into mariadb.
func copies(ctx context.Context, rounds int) (err error) {
	c, err := startCluster(ctx, 2, "--redundancy", "1", "--mariadb-option", bufferPool)
	if c != nil {
		defer func() { err = errors.Join(err, c.close()) }()
	}
	if err != nil {
		return err
	}
	if err := c.exec(ctx, "CREATE DATABASE moved PARTITIONS 1"); err != nil {
		return err
	}
	for t := range moveTables {
		table := fmt.Sprintf("moved.t%d", t)
		if err := c.exec(ctx, "CREATE TABLE "+table+" (id INT PRIMARY KEY, k INT NOT NULL, c CHAR(120) NOT NULL, pad CHAR(60) NOT NULL, KEY (k))"); err != nil {
			return err
		}
		for first := 0; first < moveRows; first += moveInsert {
			values := make([]string, moveInsert)
			for i := range values {
				id := first + i
				values[i] = fmt.Sprintf("(%d, RAND()*%d, LEFT(REPEAT(SHA2(%d, 256), 2), 119), LEFT(SHA2(%d, 256), 60))", id, moveRows, id, id)
			}
			if _, err := c.db.ExecContext(ctx, "INSERT INTO "+table+" VALUES "+strings.Join(values, ", ")); err != nil {
				return err
			}
		}
	}
	master, other, err := instances(ctx, c.db, "moved")
	if err != nil {
		return err
	}
	socket := func(in instance) string { return filepath.Join(c.dir, "data", "leaves", in.leaf, "mariadb.sock") }
	pipe := fmt.Sprintf("mariadb-dump --no-defaults -u root -S %s --single-transaction moved_0 |"+
		" mariadb --no-defaults -u root -S %s --init-command='SET SESSION sql_log_bin=0' dumped", socket(master), socket(other))
	clean := func() *exec.Cmd {
		return exec.CommandContext(ctx, "mariadb", "--no-defaults", "-u", "root", "-S", socket(other), "-e",
			"SET SESSION sql_log_bin=0; DROP DATABASE IF EXISTS dumped; CREATE DATABASE dumped")
	}
	target := fmt.Sprintf("PARTITION moved:0 ON '%s':%d", other.host, other.port)
	var took [2][]time.Duration
	for range rounds {
		began := time.Now()
		if err := c.exec(ctx, "COPY "+target); err != nil {
			return err
		}
		took[0] = append(took[0], time.Since(began))
		if err := c.exec(ctx, "DROP "+target); err != nil {
			return err
		}
		if out, err := clean().CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		began = time.Now()
		if out, err := exec.CommandContext(ctx, "sh", "-c", pipe).CombinedOutput(); err != nil {
			return fmt.Errorf("mariadb-dump: %w: %s", err, out)
		}
		took[1] = append(took[1], time.Since(began))
	}
	slices.Sort(took[0])
	slices.Sort(took[1])
	own, dump := took[0], took[1]
	fmt.Printf("copies: %d rounds, %d tables of %d rows: COPY PARTITION %d ms (median), least %d; mariadb-dump | mariadb %d ms, least %d; ratio of the least %.2f\n",
		rounds, moveTables, moveRows, own[rounds/2].Milliseconds(), own[0].Milliseconds(), dump[rounds/2].Milliseconds(), dump[0].Milliseconds(),
		float64(dump[0])/float64(own[0]))
	return nil
}

// switches measures for how long no write to a partition is acknowledged while its master moves.
func switches(ctx context.Context, rounds int) (err error) {
	c, err := startCluster(ctx, 2)
	if c != nil {
		defer func() { err = errors.Join(err, c.close()) }()
	}
	if err != nil {
		return err
	}
	if err := c.exec(ctx, "CREATE DATABASE moved PARTITIONS 1 WITH SYNC REPLICATION", "CREATE TABLE moved.t (id INT PRIMARY KEY, v INT)"); err != nil {
		return err
	}
	var mu sync.Mutex
	var last time.Time
	var gap time.Duration
	var failed []error
	running, stop := context.WithCancel(ctx)
	var clients sync.WaitGroup
	defer clients.Wait()
	defer stop()
	for id := range moveClients {
		if err := c.exec(ctx, fmt.Sprintf("INSERT INTO moved.t VALUES (%d, 0)", id)); err != nil {
			return err
		}
		clients.Go(func() {
			for running.Err() == nil {
				_, err := c.db.Exec("UPDATE moved.t SET v = v + 1 WHERE id = ?", id)
				mu.Lock()
				now := time.Now()
				if err != nil {
					failed = append(failed, err)
				} else {
					gap, last = max(gap, now.Sub(last)), now
				}
				mu.Unlock()
			}
		})
	}
	var gaps []time.Duration
	for range rounds {
		_, replica, err := instances(ctx, c.db, "moved")
		if err != nil {
			return err
		}
		time.Sleep(200 * time.Millisecond)
		mu.Lock()
		gap, last = 0, time.Now()
		mu.Unlock()
		if err := c.exec(ctx, fmt.Sprintf("PROMOTE PARTITION moved:0 ON '%s':%d", replica.host, replica.port)); err != nil {
			return err
		}
		time.Sleep(200 * time.Millisecond)
		mu.Lock()
		gaps = append(gaps, max(gap, time.Since(last)))
		mu.Unlock()
	}
	stop()
	clients.Wait()
	slices.Sort(gaps)
	fmt.Printf("switches: %d, %d clients that write single rows of a SYNC database: no write was acknowledged for %d ms (median), least %d, most %d; %d writes failed\n", rounds, moveClients,
		gaps[rounds/2].Milliseconds(), gaps[0].Milliseconds(), gaps[rounds-1].Milliseconds(), len(failed))
	return errors.Join(failed...)
}
