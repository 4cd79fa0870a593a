package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// session is one connection, on which statements are run.
func session(t *testing.T, d *sql.DB, statements ...string) *sql.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := d.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	for _, q := range statements {
		if _, err := c.ExecContext(ctx, q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	return c
}

// recovered are the XIDs that XA RECOVER lists.
func recovered(d *sql.DB) (all []string, err error) {
	rows, err := d.Query("XA RECOVER")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var format, gtrid, bqual int
		var data string
		if err := rows.Scan(&format, &gtrid, &bqual, &data); err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, rows.Err()
}

// What clients have prepared outlives kill -9 of their node, of leaves with failovers, of both, and of everything; all of it is committed or rolled back in the end, and
// nothing of what was not prepared.
func TestXAOutlivesKills(t *testing.T) {
	data := filepath.Join(dataDir(t), "data")
	args := []string{"up", "--nodes", "2", "--leaves", "2", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data-dir", data}
	p := launchNodes(t, nil, 2, args...)
	nodes := []*sql.DB{openAt(t, p.nodes[0].mysql, ""), openAt(t, p.nodes[1].mysql, "")}
	do(t, nodes[0], "CREATE DATABASE x PARTITIONS 4 WITH SYNC REPLICATION", "CREATE TABLE x.t (id INT PRIMARY KEY, v INT)", "CREATE TABLE x.u (id INT PRIMARY KEY)",
		"CREATE REFERENCE TABLE x.r (id INT PRIMARY KEY)", "INSERT INTO x.t VALUES (0,0),(1,0),(2,0),(3,0),(4,0),(5,0),(6,0),(7,0),(8,0),(9,0),(10,0),(11,0)")
	whole := func() {
		t.Helper()
		eventually(t, "all partitions have replicas in sync", func() error {
			var n int
			err := nodes[1].QueryRow("SELECT COUNT(*) FROM information_schema.DISTRIBUTED_PARTITIONS WHERE DATABASE_NAME='x' AND ROLE='Slave' AND IN_SYNC=1").Scan(&n)
			if err == nil && n != 4 {
				err = fmt.Errorf("%d replicas", n)
			}
			return err
		})
	}
	leaf := func(n int) {
		t.Helper()
		if err := syscall.Kill(leafPID(t, data, n), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	node := func() { kill9(t, filepath.Join(data, "nodes", nodeName(1))) }
	var never *sql.Conn
	// prepare leaves one to be committed, one to be rolled back, and one that is not prepared.
	prepare := func(i int) {
		commit, back := fmt.Sprintf("'commit', '%d'", i), fmt.Sprintf("'back', '%d'", i)
		session(t, nodes[0], "XA START "+commit, "UPDATE x.t SET v = v + 1", fmt.Sprintf("INSERT INTO x.r VALUES (%d)", i), "XA END "+commit, "XA PREPARE "+commit)
		session(t, nodes[0], "XA START "+back, fmt.Sprintf("INSERT INTO x.t VALUES (%d, 0), (%d, 0), (%d, 0), (%d, 0)", 101+i*10, 102+i*10, 103+i*10, 104+i*10), "XA END "+back, "XA PREPARE "+back)
		never = session(t, nodes[0], "XA START 'never'", fmt.Sprintf("INSERT INTO x.u VALUES (%d), (%d), (%d)", i*10, i*10+1, i*10+2), "XA END 'never'")
	}
	// finish ends them at the other node, and looks at what has come of it.
	finish := func(i int, at *sql.DB) {
		t.Helper()
		eventually(t, "the transactions are listed", func() error {
			all, err := recovered(at)
			if got := strings.Join(all, " "); err == nil && got != fmt.Sprintf("commit%d back%d", i, i) {
				t.Fatalf("XA RECOVER lists %q", got)
			}
			return err
		})
		_ = never.Raw(func(any) error { return driver.ErrBadConn }) // it is closed where it is not lost
		for _, q := range []string{fmt.Sprintf("XA COMMIT 'commit', '%d'", i), fmt.Sprintf("XA ROLLBACK 'back', '%d'", i)} {
			_, err := at.Exec(q)
			var told *mysql.MySQLError
			if err != nil && (!errors.As(err, &told) || told.Number != 1180 || !strings.Contains(told.Message, "will show later")) {
				t.Fatalf("%s: %v", q, err)
			}
			if err != nil {
				t.Logf("%s: %v", q, err)
			}
		}
		want := fmt.Sprintf("%d rows, %d, %d in the reference table, 0 that were not prepared", 12, 12*(i+1), i+1)
		eventually(t, want, func() error {
			var rows, sum, refs, never int
			for q, to := range map[string]*int{"SELECT COUNT(*) FROM x.t": &rows, "SELECT SUM(v) FROM x.t": &sum, "SELECT COUNT(*) FROM x.r": &refs, "SELECT COUNT(*) FROM x.u": &never} {
				if err := at.QueryRow(q).Scan(to); err != nil {
					return err
				}
			}
			if got := fmt.Sprintf("%d rows, %d, %d in the reference table, %d that were not prepared", rows, sum, refs, never); got != want {
				return errors.New(got)
			}
			return nil
		})
		eventually(t, "no branch is left", func() error {
			var n int
			err := at.QueryRow("SELECT COUNT(*) FROM mysql.spider_xa").Scan(&n)
			if err == nil && n > 0 {
				err = fmt.Errorf("%d transactions", n)
			}
			return err
		})
		do(t, at, fmt.Sprintf("INSERT INTO x.u VALUES (%d), (%d), (%d)", i*10, i*10+1, i*10+2), "DELETE FROM x.u") // nothing holds locks
	}
	round := 0
	for _, c := range []struct {
		what string
		kill func()
	}{
		{"the node", node}, {"leaf 1", func() { leaf(1) }}, {"leaf 2", func() { leaf(2) }}, {"a leaf and the node", func() { leaf(1); node() }},
	} {
		whole()
		allOnline(t, nodes)
		prepare(round)
		c.kill()
		finish(round, nodes[1])
		t.Logf("killed %s: all is as it was decided", c.what)
		round++
	}
	whole()
	allOnline(t, nodes)
	prepare(round)
	for _, d := range nodes {
		d.Close()
	}
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	p.cmd.Wait()
	again := launchNodes(t, nil, 2, args...)
	nodes = []*sql.DB{openAt(t, again.nodes[0].mysql, ""), openAt(t, again.nodes[1].mysql, "")}
	allOnline(t, nodes)
	finish(round, nodes[1])
	whole()
}
