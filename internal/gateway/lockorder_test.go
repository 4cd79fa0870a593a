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
