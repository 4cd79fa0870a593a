package control_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
)

// pulse are clients that write rows of their own in one partition again and again, and when that was acknowledged.
type pulse struct {
	mu     sync.Mutex
	acks   []time.Time // since take
	slow   time.Duration
	total  int
	failed []error
}

// client writes one row, by itself or in a transaction of two statements.
func (p *pulse) client(ctx context.Context, db *sql.DB, id int, transaction bool) {
	write := func() error {
		if !transaction {
			_, err := db.Exec("UPDATE d.t SET v = v + 1 WHERE id = ?", id)
			return err
		}
		tx, err := db.Begin()
		if err != nil {
			return err
		}
		defer tx.Rollback()
		var v int
		if err := tx.QueryRow("SELECT v FROM d.t WHERE id = ? FOR UPDATE", id).Scan(&v); err != nil {
			return err
		}
		if _, err := tx.Exec("UPDATE d.t SET v = ? WHERE id = ?", v+1, id); err != nil {
			return err
		}
		return tx.Commit()
	}
	for ctx.Err() == nil {
		began := time.Now()
		err := write()
		now := time.Now()
		p.mu.Lock()
		if err != nil {
			p.failed = append(p.failed, err)
		} else {
			p.acks = append(p.acks, now)
			p.slow = max(p.slow, now.Sub(began))
			p.total++
		}
		p.mu.Unlock()
	}
}

// take gives the longest time without an acknowledgement, and the longest write, since the last call.
func (p *pulse) take() (gap, slow time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := 1; i < len(p.acks); i++ {
		gap = max(gap, p.acks[i].Sub(p.acks[i-1]))
	}
	slow = p.slow
	p.acks, p.slow = p.acks[max(0, len(p.acks)-1):], 0
	return gap, slow
}

// more waits for n writes.
func (p *pulse) more(t *testing.T, n int) {
	t.Helper()
	count := func() int {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.total
	}
	want := count() + n
	for deadline := time.Now().Add(patience); count() < want; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the writes did not go on: %v", p.failed)
		}
	}
}

// How long writes to a partition stop while its master moves is printed, not judged: the machine may be busy. No write fails, and none is lost.
func TestSwitchesStopWritesForAMoment(t *testing.T) {
	for _, kind := range []string{"ASYNC", "SYNC"} {
		t.Run(kind, func(t *testing.T) {
			c := newCluster(t, 2, 2, 2)
			c.must("CREATE DATABASE d PARTITIONS 1 WITH "+kind+" REPLICATION", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT)")
			const clients = 8
			switches := number(t, "ORBWEAVER_SWITCHES", 8)
			for id := range clients {
				c.must(fmt.Sprintf("INSERT INTO d.t VALUES (%d, 0)", id))
			}
			c.until("whole", whole)
			p := &pulse{}
			ctx, stop := context.WithCancel(context.Background())
			var running sync.WaitGroup
			defer running.Wait()
			defer stop()
			for id := range clients {
				running.Go(func() { p.client(ctx, c.nodes[id%2].db, id, id%4 > 1) })
			}
			p.more(t, 100)
			quiet, _ := p.take()
			var gaps, slow []time.Duration
			for range switches {
				p.more(t, 50)
				p.take()
				part := c.nodes[0].cat.Snapshot().Databases["d"].Partitions[0]
				to := c.nodes[0].cat.Snapshot().Leaves[part.Replicas()[0]]
				c.must(fmt.Sprintf("PROMOTE PARTITION d:0 ON '%s':%d", to.Host, to.Port))
				p.more(t, 2*clients)
				g, s := p.take()
				gaps, slow = append(gaps, g), append(slow, s)
			}
			stop()
			running.Wait()
			slices.Sort(gaps)
			slices.Sort(slow)
			ms := func(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
			t.Logf("%s: %d switches under %d clients. No write was acknowledged for %v (median), %v at most; without a switch %v. The slowest write took %v (median), %v at most",
				kind, switches, clients, ms(gaps[switches/2]), ms(gaps[switches-1]), ms(quiet), ms(slow[switches/2]), ms(slow[switches-1]))
			for _, err := range p.failed {
				t.Error(err)
			}
			var sum int
			if err := c.nodes[0].db.QueryRow("SELECT SUM(v) FROM d.t").Scan(&sum); err != nil || sum != p.total {
				t.Errorf("%d writes were acknowledged, %d are there (%v)", p.total, sum, err)
			}
			c.equal("t")
		})
	}
}
