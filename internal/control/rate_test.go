package control_test

import (
	"fmt"
	"testing"
	"time"
)

// A copy of 32 MiB keeps to a MiB a second, until it is allowed more.
func TestCopyRateHoldsForCopiesThatRun(t *testing.T) {
	t.Parallel() // it waits for the rate
	c := newCluster(t, 2, 1, 2)
	c.must("SET GLOBAL copy_rate = 1", "CREATE DATABASE d PARTITIONS 1", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, pad MEDIUMBLOB)")
	const rows, size = 128, 256 << 10
	for id := range rows {
		c.must(fmt.Sprintf("INSERT INTO d.t VALUES (%d, REPEAT('x', %d))", id, size))
	}
	c.must("SET GLOBAL redundancy_level = 2")
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
}
