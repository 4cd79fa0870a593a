package control_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/localfarm"
)

// A copy of 32 MiB keeps to a MiB a second, until it is allowed more. Meanwhile its source forgets no domains: the copy would be refused, which begins before that.
func TestCopyRateHoldsForCopiesThatRun(t *testing.T) {
	t.Parallel() // it waits for the rate
	c := newCluster(t, 2, 1, 0)
	const ended, firstEnded = 31, 900000 // one fewer than are cleared away
	own := c.leaf(0)
	var position []string // a source refuses those who need logs that begin with what it has followed itself and then forgotten
	for d := range ended {
		c.at(own, fmt.Sprintf("SET SESSION gtid_domain_id=%d", firstEnded+d), "DROP DATABASE IF EXISTS nothing")
		position = append(position, fmt.Sprintf("%d-%d-1", firstEnded+d, c.farm.Leaves()[0].ServerID))
	}
	c.at(own, "SET GLOBAL gtid_strict_mode=OFF", "SET GLOBAL gtid_slave_pos='"+strings.Join(position, ",")+"'", "SET GLOBAL gtid_strict_mode=ON")
	c.configure = often
	c.first(2)
	one, two := c.farm.Leaves()[0], c.farm.Leaves()[1]
	c.must("CREATE DATABASE d PARTITIONS 1", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, pad MEDIUMBLOB)", "CREATE DATABASE e PARTITIONS 1", "CREATE TABLE e.t (id BIGINT PRIMARY KEY)")
	to := func(command string, leaf localfarm.Leaf) {
		c.must(fmt.Sprintf("%s '%s':%d", command, leaf.Host, leaf.Port))
	}
	if got := c.mastered(one.Name); len(got) != 1 {
		t.Fatalf("leaf-1 has %v", got)
	}
	if m, _ := c.nodes[0].cat.Snapshot().Databases["e"].Partitions[0].Master(); m == one.Name {
		to("COPY PARTITION e:0 ON", two)
	} else {
		to("COPY PARTITION e:0 ON", one)
		to("PROMOTE PARTITION e:0 ON", one)
	}
	c.must("INSERT INTO e.t VALUES (1)") // in leaf-1's log
	const rows, size = 128, 256 << 10
	for id := range rows {
		c.must(fmt.Sprintf("INSERT INTO d.t VALUES (%d, REPEAT('x', %d))", id, size))
	}
	c.at(own, "SET SESSION sql_log_bin=0", "FLUSH BINARY LOGS")
	c.must("SET GLOBAL copy_rate = 1", "SET GLOBAL redundancy_level = 2")
	began := time.Now()
	done := make(chan error, 1)
	go func() {
		_, err := c.nodes[1].db.Exec("REBALANCE PARTITIONS ON d")
		done <- err
	}()
	copied := func() (n int64) {
		t.Helper()
		if err := c.nodes[0].db.QueryRow("SELECT COALESCE(MAX(s.COPIED_ROWS), 0) FROM information_schema.MV_REBALANCE_STATUS s WHERE s.DATABASE_NAME = 'd'").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	n := int64(0)
	for n < 3 {
		select {
		case err := <-done:
			t.Fatalf("the copy has ended after %v (%v)", time.Since(began), err)
		case <-time.After(50 * time.Millisecond):
		}
		n = copied()
	}
	if most := int64(time.Since(began).Seconds()*(1<<20)/size) + 2; n > most {
		t.Errorf("%d rows were copied in %v, allowed were %d", n, time.Since(began), most)
	}
	// Another domain ends, after a write that the copy does not have.
	to("PROMOTE PARTITION e:0 ON", two)
	c.must("INSERT INTO d.t VALUES (1000, 'y')")
	to("PROMOTE PARTITION e:0 ON", one)
	someRounds()
	if has := c.logged(0); has[firstEnded].Sequence == 0 && len(done) == 0 {
		t.Errorf("domains were forgotten beside a copy: %s", has)
	}
	c.must("SET GLOBAL copy_rate = 0")
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(28 * time.Second):
		t.Error("a copy that ran did not take the new rate")
	}
	c.until("two copies", whole)
	c.equal("t")
	for deadline := time.Now().Add(patience); c.logged(0)[firstEnded].Sequence > 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("domains are kept when the copy has ended: %s", c.logged(0))
		}
	}
}
