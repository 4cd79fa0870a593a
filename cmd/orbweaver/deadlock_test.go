package main

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// deadlocks has two clients wait for each other at different leaves, by statements of every shape.
func deadlocks(t *testing.T, p *process) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	do(t, p.open(t, ""), "CREATE DATABASE dead PARTITIONS 2")
	db := p.open(t, "dead")
	do(t, db, "CREATE TABLE t (a INT PRIMARY KEY, b INT)", "INSERT INTO t SELECT seq, 0 FROM seq_1_to_40")
	// A row that does not live with the first one.
	other := 0
	for id := 2; other == 0; id++ {
		if partition(t, db, 1) != partition(t, db, id) {
			other = id
		}
	}
	for name, second := range map[string]string{
		"keys":       "UPDATE t SET b = b + 1 WHERE a IN (?, ?)",
		"everywhere": "UPDATE t SET b = b + 1 WHERE ? <> ?",
		"merge":      "SELECT a, b FROM t WHERE ? <> ? ORDER BY b, a FOR UPDATE",
	} {
		clients := [2]*sql.Conn{}
		for i, row := range []int{1, other} {
			c, err := db.Conn(ctx)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			clients[i] = c
			for _, sql := range []string{"BEGIN", "UPDATE t SET b = b + 1 WHERE a = ?"} {
				args := []any{row}
				if sql == "BEGIN" {
					args = nil
				}
				if _, err := c.ExecContext(ctx, sql, args...); err != nil {
					t.Fatal(err)
				}
			}
		}
		began := time.Now()
		type answer struct {
			i   int
			err error
		}
		answers := make(chan answer, 2)
		for i, c := range clients {
			go func() {
				_, err := c.ExecContext(ctx, second, 1, other)
				answers <- answer{i, err}
			}()
		}
		lost := 0
		for range clients {
			a := <-answers
			c := clients[a.i]
			var said *mysql.MySQLError
			switch {
			case a.err == nil:
				if _, err := c.ExecContext(ctx, "COMMIT"); err != nil {
					t.Errorf("%s: the other one's commit: %v", name, err)
				}
			case !errors.As(a.err, &said) || said.Number != 1213 || said.Message != "Deadlock found when trying to get lock; try restarting transaction":
				t.Errorf("%s: %v", name, a.err)
			default:
				lost++
				t.Logf("%s: found after %s", name, time.Since(began).Round(time.Millisecond))
				if took := time.Since(began); took > 2*time.Second { // one is promised; the machine may be busy
					t.Errorf("%s: found after %s", name, took)
				}
				var open int
				if err := c.QueryRowContext(ctx, "SELECT @@in_transaction").Scan(&open); err != nil || open != 0 {
					t.Errorf("%s: the victim is in a transaction: %d, %v", name, open, err)
				}
			}
		}
		if lost != 1 {
			t.Errorf("%s: %d had to go", name, lost)
		}
	}
}

// partition is where EXPLAIN says that a row lives.
func partition(t *testing.T, db *sql.DB, id int) string {
	t.Helper()
	var shape, at, leaf, text sql.NullString
	if err := db.QueryRow("EXPLAIN UPDATE t SET b = 0 WHERE a = "+strconv.Itoa(id)).Scan(&shape, &at, &leaf, &text); err != nil {
		t.Fatal(err)
	}
	return at.String
}
