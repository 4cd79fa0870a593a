package gateway

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// stages is a cluster of its own with two tables whose join is staged.
func stages(t *testing.T) (*bench, *client) {
	t.Helper()
	b, err := newBench(farmtest.Start(t, 2), Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.close)
	c := b.database(t, "st")
	c.exec("CREATE TABLE a (id INT PRIMARY KEY, k INT, v VARCHAR(100))")
	c.exec("CREATE TABLE b (id INT PRIMARY KEY, k INT, v VARCHAR(100))")
	c.exec("INSERT INTO a SELECT seq, seq, 'some' FROM seq_1_to_500")
	c.exec("INSERT INTO b SELECT seq, seq + 1, 'more' FROM seq_1_to_500")
	return b, c
}

const (
	stagedJoin = "SELECT COUNT(*) FROM a JOIN b ON a.k = b.k"
	sleepyJoin = "SELECT COUNT(*), SLEEP(600) FROM a JOIN b ON a.k = b.k WHERE a.id > 0"
	lockedJoin = "SELECT COUNT(*) FROM a JOIN b ON a.k = b.k FOR UPDATE"

	sleepyParts = "SELECT a.id, SLEEP(600) FROM a JOIN b ON a.k = b.k WHERE a.id > 0" // which may be one of partitions
)

// bring has a session bring one of the tables to the partitions of the other.
func (c *client) bring(t *testing.T) {
	t.Helper()
	c.exec("SET stage_bring = ALWAYS")
	if got := c.rows("EXPLAIN " + stagedJoin); !strings.HasPrefix(got, "Bring|st.") {
		t.Fatal(got)
	}
}

// nothingLeft sees to it that all connections are given back, no ticket is valid, nothing runs, and nobody finds a copy in a table's place.
func (b *bench) nothingLeft(t *testing.T, leaves ...int) {
	t.Helper()
	waitFor(t, func() bool {
		for _, st := range b.pools.Stats() {
			if st.InUse != 0 {
				return false
			}
		}
		return true
	})
	for _, i := range leaves {
		waitFor(t, func() bool { return b.leaf(t, i, "SELECT COUNT(*) FROM information_schema.INNODB_TRX") == "0" })
		waitFor(t, func() bool {
			return b.leaf(t, i, "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID() AND (INFO LIKE '%SLEEP(%' OR INFO LIKE '%orbweaver_stage%')") == "0"
		})
		places := []txn.Place{{Leaf: b.farm.Leaves()[i].Name, Schema: "st"}}
		for _, p := range b.g.cfg.Catalog.Snapshot().Databases["st"].Partitions {
			if leaf, ok := p.Master(); ok && leaf == places[0].Leaf {
				places = append(places, txn.Place{Leaf: leaf, Partition: p.ID, Schema: p.ID.Schema(), Term: p.Term, Domain: p.Domain})
			}
		}
		for _, s := range b.g.all() {
			for _, place := range places {
				w := s.tx.Want(place)
				var all []*backend.Conn
				for range 8 { // more than are idle
					c, err := b.pools.Get(timeout(t), w)
					if err != nil {
						t.Fatal(err)
					}
					all = append(all, c)
				}
				for _, c := range all {
					for _, q := range []string{"SELECT COUNT(*) FROM st.a", "SELECT COUNT(*) FROM st.b", "SELECT @@sql_mode NOT LIKE '%STRICT%'"} {
						res, err := c.Query(timeout(t), q)
						var refused *wire.ServerError
						if err != nil && !errors.As(err, &refused) {
							break // it was lost while it was idle, and took all along
						}
						if err != nil || string(res.Rows[0][0]) != "0" {
							t.Errorf("%s: %v %v", q, res, err)
						}
					}
					c.Release()
				}
			}
		}
	}
}

// running waits until a leaf runs a text like this.
func (b *bench) running(t *testing.T, like string) {
	t.Helper()
	waitFor(t, func() bool {
		for i := range b.farm.Leaves() {
			if b.leaf(t, i, "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID() AND INFO LIKE '"+like+"'") != "0" {
				return true
			}
		}
		return false
	})
}

// A statement that would copy too much is refused, with what to do.
func TestStageLimit(t *testing.T) {
	t.Parallel()
	b, c := stages(t)
	c.want(stagedJoin, "499")
	c.exec("SET stage_max_bytes = 6000")
	c.want("SELECT @@stage_max_bytes", "6000")
	c.want("SELECT COUNT(*) FROM a JOIN b ON a.k = b.k WHERE a.id < 10 AND b.id < 10", "8")
	for range 3 {
		if m := c.fails(1038, "SELECT a.v, b.v FROM a JOIN b ON a.k = b.k"); !strings.Contains(m, "stage_max_bytes") || !strings.Contains(m, "'st.") {
			t.Error(m)
		}
	}
	c.fails(1038, "INSERT INTO a SELECT a.id + 1000, b.k, b.v FROM a JOIN b ON a.k = b.k")
	c.want("SELECT COUNT(*) FROM a", "500")
	b.nothingLeft(t, 0, 1)
	c.exec("SET stage_max_bytes = DEFAULT")
	c.want("SELECT COUNT(*) FROM a JOIN b ON a.k = b.k WHERE a.v <> b.v", "499")
}

// KILL QUERY ends a staged statement while it reads its tables, and while it runs.
func TestKillStaged(t *testing.T) {
	t.Parallel()
	b, c := stages(t)
	other := b.root(t, "st")
	id := c.rows("SELECT CONNECTION_ID()")
	kill := func(q, like string) {
		t.Helper()
		done := make(chan error, 1)
		go func() {
			_, err := c.query(q)
			done <- err
		}()
		b.running(t, like)
		other.exec("KILL QUERY " + id)
		if err := <-done; err == nil || !strings.Contains(err.Error(), "1317") {
			t.Errorf("%s: %v", q, err)
		}
	}
	kill(sleepyJoin, "SELECT COUNT(*), SLEEP%")
	c.want(stagedJoin, "499")
	other.exec("BEGIN")
	other.exec("UPDATE b SET v = 'held'")
	kill(lockedJoin, "%FROM `st_%`.`b`%FOR UPDATE")
	other.exec("ROLLBACK")
	b.nothingLeft(t, 0, 1)
	c.want(lockedJoin, "499")
	// In a transaction, which goes on.
	c.exec("BEGIN")
	c.exec("INSERT INTO b VALUES (501, 1, 'own')")
	kill(sleepyJoin, "SELECT COUNT(*), SLEEP%")
	c.want(stagedJoin, "500")
	c.exec("COMMIT")
	c.want(stagedJoin, "500")
	b.nothingLeft(t, 0, 1)
	c.bring(t)
	kill(sleepyParts, "SELECT a.id, SLEEP%")
	c.want(stagedJoin, "500")
	b.nothingLeft(t, 0, 1)
}

// A client that vanishes leaves nothing behind, whether its statement was about to read, at work, or answering.
func TestStagedClientVanishes(t *testing.T) {
	t.Parallel()
	b, c := stages(t)
	hold := b.root(t, "st")
	c.exec("UPDATE a SET v = REPEAT('x', 100)")
	for _, q := range []struct{ sql, like string }{
		{"SELECT COUNT(*), SLEEP(2) FROM a JOIN b ON a.k = b.k WHERE a.id > 0", "SELECT COUNT(*), SLEEP%"},
		{lockedJoin, "%FROM `st_%`.`b`%FOR UPDATE"},
		{"SELECT a.v, b.v, 'much' FROM a, b WHERE a.k > b.k", "SELECT a.v, b.v, %"},
		{"SET GLOBAL stage_bring = 'ALWAYS'", ""},
		{"SELECT a.id, SLEEP(2) FROM a JOIN b ON a.k = b.k WHERE a.id < 5", "SELECT a.id, SLEEP%"},
		{"SELECT a.v, b.v, 'much' FROM a, b WHERE a.k > b.k", "SELECT a.v, b.v, %"},
	} {
		if q.like == "" {
			hold.exec(q.sql)
			continue
		}
		if q.sql == lockedJoin {
			hold.exec("BEGIN")
			hold.exec("UPDATE b SET v = 'held'")
		}
		before := len(b.g.all())
		u := b.raw(t, "st", wire.ClientDeprecateEOF)
		u.send(append([]byte{byte(wire.ComQuery)}, q.sql...))
		b.running(t, q.like)
		u.c.Close()
		if q.sql == lockedJoin {
			hold.exec("ROLLBACK")
		}
		waitFor(t, func() bool { return len(b.g.all()) == before })
		b.nothingLeft(t, 0, 1)
	}
	c.want(stagedJoin, "499")
}

// lost has c run a query, kills the connections that run what is like that, and tells how many there were, and the query's answer.
func (b *bench) lost(t *testing.T, c *client, q, like string) (killed int, got string) {
	t.Helper()
	done := make(chan string, 1)
	go func() {
		got, err := c.query(q)
		if err != nil {
			got = err.Error()
		}
		done <- got
	}()
	b.running(t, like)
	for i := range b.farm.Leaves() {
		for id := range strings.SplitSeq(b.leaf(t, i, "SELECT ID FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID() AND INFO LIKE '"+like+"'"), "/") {
			if id != "" {
				killed++
				b.leaf(t, i, "KILL CONNECTION "+id)
			}
		}
	}
	return killed, <-done
}

// Of the connections that a staged statement has at its leaf, any may be lost. It is run again on others; in a transaction its connection is no part of that.
func TestStagedConnectionsAreLost(t *testing.T) {
	t.Parallel()
	b, c := stages(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	lose := func(q, like, want string) {
		t.Helper()
		killed, got := 0, ""
		for try := 0; killed == 0 && try < 10; try++ { // on a busy machine it may have ended before it is killed
			killed, got = b.lost(t, c, q, like)
		}
		if killed == 0 || want != "" && got != want {
			t.Errorf("%s, %d connections lost: %s", q, killed, got)
		}
	}
	lose("SELECT COUNT(*), SLEEP(3) FROM a JOIN b ON a.k = b.k WHERE a.id > 0", "SELECT COUNT(*), SLEEP%", "499|0")
	b.nothingLeft(t, 0, 1)
	c.exec("BEGIN")
	c.exec("INSERT INTO b VALUES (501, 1, 'own')")
	lose("SELECT COUNT(*), SLEEP(3) FROM a JOIN b ON a.k = b.k WHERE a.id > 0", "SELECT COUNT(*), SLEEP%", "")
	c.want(stagedJoin, "500")
	c.exec("COMMIT")
	c.want(stagedJoin, "500")
	b.nothingLeft(t, 0, 1)

	// Tickets and all else under fire.
	const pause = 5 * time.Millisecond
	var pauses atomic.Int64 // longer and longer until a statement comes through: a busy machine needs that
	pauses.Store(int64(pause))
	stop := make(chan struct{})
	fire := make(chan int)
	go func() {
		n := 0
		defer func() { fire <- n }()
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Duration(pauses.Load())):
			}
			p := pauses.Load()
			pauses.CompareAndSwap(p, min(p+p/16, int64(4*time.Second)))
			for i := range b.farm.Leaves() {
				w := backend.Want{Leaf: b.farm.Leaves()[i].Name, Variant: backend.Internal}
				k, err := b.pools.Get(ctx, w.Urgent())
				if err != nil {
					continue
				}
				res, err := k.Query(ctx, "SELECT ID FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID() AND (DB LIKE 'st%' OR INFO LIKE '%tickets%') ORDER BY RAND() LIMIT 1")
				if err == nil && len(res.Rows) > 0 {
					if _, err := k.Query(ctx, "KILL CONNECTION "+string(res.Rows[0][0])); err == nil {
						n++
					}
				}
				k.Release()
			}
		}
	}()
	good, bad := 0, map[string]int{}
	for begun := time.Now(); time.Since(begun) < 6*time.Second || good == 0 && time.Since(begun) < 5*time.Minute; {
		if time.Since(begun) > 3*time.Second {
			c.exec("SET stage_bring = ALWAYS")
		}
		got, err := c.query(stagedJoin)
		switch {
		case err != nil:
			bad[fmt.Sprintf("%.60s", err)]++
		case got != "500":
			t.Fatalf("got %s rows", got)
		default:
			good++
			pauses.Store(int64(pause))
		}
	}
	close(stop)
	if n := <-fire; n == 0 || good == 0 {
		t.Errorf("%d connections lost, %d statements done, failed: %v", n, good, bad)
	} else {
		t.Logf("%d connections lost, %d statements done, failed: %v", n, good, bad)
	}
	b.nothingLeft(t, 0, 1)
	c.want(stagedJoin, "500")
}

// A leaf that dies takes nothing along but what has not been answered: outside of transactions statements wait, or run elsewhere.
func TestStagedLeafDies(t *testing.T) {
	t.Parallel()
	b, _ := stages(t)
	var sessions []*client
	for range 4 { // at both leaves
		c := b.root(t, "st")
		c.want(stagedJoin, "499")
		sessions = append(sessions, c)
	}
	// The partitions of one leaf are gone for good, so that what is left to see is how statements end.
	results := make(chan string, len(sessions))
	for _, c := range sessions {
		go func() {
			got, err := c.query("SELECT COUNT(*), SLEEP(2) FROM a JOIN b ON a.k = b.k WHERE a.id > 0")
			if err != nil {
				got = err.Error()
			}
			results <- got
		}()
	}
	b.running(t, "SELECT COUNT(*), SLEEP%")
	if err := b.farm.Kill(0); err != nil {
		t.Fatal(err)
	}
	done := 0
	for range sessions {
		if got := <-results; got == "499|0" {
			done++
		} else if !strings.HasPrefix(got, "Error ") {
			t.Error(got)
		}
	}
	if done == 0 {
		t.Error("no statement ended at the other leaf")
	}
	if err := b.farm.AwaitReady(timeout(t), 0); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool {
		got, err := sessions[0].query(stagedJoin)
		return err == nil && got == "499"
	})
	b.nothingLeft(t, 0, 1)
}
