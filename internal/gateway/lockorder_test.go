package gateway

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"testing"
)

// Transactions that lock the same rows of several partitions by one statement wait for each other, as on one server: none is a deadlock's victim.
func TestLockingReadsMeetInOrder(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "inorder")
	c.exec("CREATE TABLE queue (w INT, id INT, PRIMARY KEY (w, id))")
	const rows, clients = 120, 8
	for id := range rows {
		c.exec("INSERT INTO queue VALUES (1, ?)", id)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	taken := map[int]int{}
	for i := range clients {
		db := b.open(t, "root", "", "inorder", "")
		all.Go(func() {
			for {
				id, err := takeFirst(timeout(t), db)
				if err == sql.ErrNoRows {
					return
				}
				if err != nil {
					t.Errorf("client %d: %v", i, err)
					return
				}
				mu.Lock()
				taken[id]++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if len(taken) != rows {
		t.Errorf("%d of %d rows were taken", len(taken), rows)
	}
	for id, n := range taken {
		if n > 1 {
			t.Errorf("row %d was taken %d times", id, n)
		}
	}
}

// takeFirst takes a queue's first row out of it.
func takeFirst(ctx context.Context, db *sql.DB) (id int, err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()
	if err := tx.QueryRowContext(ctx, "SELECT id FROM queue WHERE w = 1 ORDER BY id LIMIT 1 FOR UPDATE").Scan(&id); err != nil {
		return 0, err
	}
	res, err := tx.ExecContext(ctx, "DELETE FROM queue WHERE w = 1 AND id = ?", id)
	if err != nil {
		return 0, err
	}
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		return 0, fmt.Errorf("row %d: %d deleted, %v", id, n, err)
	}
	return id, tx.Commit()
}

// What SKIP LOCKED gives is all that it locks: sessions that take a queue's first rows get one after the other, with none left out for as long as others work.
func TestSkipLockedLocksWhatItGives(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "skipping")
	c.exec("CREATE TABLE job (id INT PRIMARY KEY, prio INT, at DATETIME, KEY (prio, id))")
	for id := 1; id <= 12; id++ {
		c.exec("INSERT INTO job VALUES (?, ?, NOW())", id, (id-1)/4)
	}
	for name, q := range map[string]string{
		"in order":         "SELECT id FROM job FORCE INDEX (prio) ORDER BY prio, id LIMIT 2 FOR UPDATE SKIP LOCKED", // or MariaDB sorts so few rows, and locks them all
		"with a condition": "SELECT id FROM job WHERE at <= NOW() + INTERVAL 1 DAY ORDER BY id LIMIT 2 LOCK IN SHARE MODE SKIP LOCKED",
		"of any order":     "SELECT id FROM job LIMIT 2 FOR UPDATE SKIP LOCKED",
	} {
		t.Run(name, func(t *testing.T) {
			taken, shared := map[int]bool{}, name == "with a condition"
			for i := range 6 {
				tx, err := b.open(t, "root", "", "skipping", "").BeginTx(timeout(t), nil)
				if err != nil {
					t.Fatal(err)
				}
				defer tx.Rollback()
				if shared && i == 0 { // shared locks skip nothing but this
					q := "SELECT id FROM job ORDER BY id LIMIT 2 FOR UPDATE SKIP LOCKED"
					if got := rowsOf(t, tx, q); fmt.Sprint(got) != "[1 2]" {
						t.Fatalf("%s: %v", q, got)
					}
					continue
				}
				got := rowsOf(t, tx, q)
				want := fmt.Sprint([]int{2*i + 1, 2*i + 2})
				if shared {
					want = "[3 4]"
				}
				if name != "of any order" && fmt.Sprint(got) != want {
					t.Errorf("session %d got %v, not %s", i, got, want)
				}
				if name == "in order" && i == 5 { // its own locks are none to skip
					if again := rowsOf(t, tx, q); fmt.Sprint(again) != want {
						t.Errorf("session %d got %v again as %v", i, got, again)
					}
				}
				for _, id := range got {
					if taken[id] && !shared {
						t.Errorf("row %d was given twice", id)
					}
					taken[id] = true
				}
			}
			if !shared {
				if len(taken) != 12 {
					t.Errorf("%d of 12 rows were given", len(taken))
				}
				c.exec("BEGIN")
				c.want(q, "")
				c.exec("ROLLBACK")
			}
		})
	}
}

// rowsOf are the numbers that a query gives.
func rowsOf(t *testing.T, tx *sql.Tx, query string) (out []int) {
	t.Helper()
	rows, err := tx.QueryContext(timeout(t), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id int
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		out = append(out, id)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}
