package control_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// draws are clients that ask the sequence d.s, by itself and by the default of a column, and all that they were given.
type draws struct {
	mu       sync.Mutex
	given    map[int64]int
	failed   []error
	unknown  []error
	stop     func()
	finished sync.WaitGroup
}

// draw begins clients, spread over the nodes. It makes the sequence, of a small cache, and the table d.n.
func (c *cluster) draw(clients int) *draws {
	c.must("CREATE SEQUENCE d.s CACHE 7", "CREATE TABLE d.n (id BIGINT NOT NULL DEFAULT NEXTVAL(d.s), v INT, PRIMARY KEY (id))")
	running, stop := context.WithCancel(context.Background())
	d := &draws{given: map[int64]int{}, stop: stop}
	c.t.Cleanup(func() {
		stop()
		d.finished.Wait()
	})
	for i := range clients {
		db := c.nodes[i%len(c.nodes)].db
		d.finished.Go(func() {
			for n := 0; running.Err() == nil; n++ {
				var err error
				var ids [2]int64
				if n%2 == 0 {
					err = db.QueryRow("SELECT NEXTVAL(d.s), NEXTVAL(d.s)").Scan(&ids[0], &ids[1])
				} else {
					_, err = db.Exec("INSERT INTO d.n (v) VALUES (?)", n)
				}
				d.mu.Lock()
				switch {
				case err == nil && n%2 == 0:
					d.given[ids[0]]++
					d.given[ids[1]]++
				case err != nil && unknownOutcome(err):
					d.unknown = append(d.unknown, err)
				case err != nil:
					d.failed = append(d.failed, err)
				}
				d.mu.Unlock()
				time.Sleep(2 * time.Millisecond) // the machine has other things to do
			}
		})
	}
	return d
}

// more waits until some more values were given.
func (d *draws) more(t *testing.T, n int) {
	t.Helper()
	count := func() int {
		d.mu.Lock()
		defer d.mu.Unlock()
		return len(d.given)
	}
	want := count() + n
	for deadline := time.Now().Add(patience); count() < want; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the sequence gave no more: %v", d.failed)
		}
	}
}

// end stops the clients and looks whether anything was given twice.
func (d *draws) end(t *testing.T, c *cluster) {
	t.Helper()
	d.stop()
	d.finished.Wait()
	rows, err := c.nodes[len(c.nodes)-1].db.Query("SELECT id FROM d.n")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		d.given[id]++
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for id, n := range d.given {
		if n > 1 {
			t.Errorf("%d was given %d times", id, n)
		}
	}
	for i, err := range d.failed {
		if i < 5 {
			t.Errorf("a value was not given: %v", err)
		}
	}
	var next int64
	if err := c.nodes[0].db.QueryRow("SELECT NEXTVAL(d.s)").Scan(&next); err != nil || d.given[next] > 0 {
		t.Errorf("then it gave %d (%v)", next, err)
	}
	if k := c.nodes[0].cat.Snapshot().Table("d", "s").Kind; k != topo.Sequence {
		t.Errorf("it is a %s", k)
	}
}
