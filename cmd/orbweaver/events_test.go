package main

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"
)

// startTicks has the cluster write a row each second.
func startTicks(t *testing.T, d *sql.DB) {
	t.Helper()
	do(t, d, "CREATE TABLE load_d.ticks (id BIGINT AUTO_INCREMENT PRIMARY KEY, at DATETIME)", "CREATE EVENT load_d.tick ON SCHEDULE EVERY 1 SECOND DO INSERT INTO load_d.ticks (at) VALUES (NOW())")
	awaitTicks(t, "at first", d)
}

// awaitTicks waits until it goes on.
func awaitTicks(t *testing.T, step string, d *sql.DB) {
	t.Helper()
	had := -1
	eventually(t, step+": the event is run", func() error {
		var n int
		err := d.QueryRow("SELECT COUNT(*) FROM load_d.ticks").Scan(&n)
		if err == nil && had < 0 {
			had = n
		}
		if err == nil && n <= had+1 {
			err = fmt.Errorf("%d rows, and %d before", n, had)
		}
		return err
	})
}

// runsEvents is the node that runs events; the one behind the controller where that does.
func runsEvents(t *testing.T, nodes []place, controller int) int {
	t.Helper()
	for i, n := range nodes {
		p := process{http: n.http}
		if i != controller && strings.Contains(p.get(t, "/metrics"), "\norbweaver_events_run_here 1\n") {
			return i
		}
	}
	return (controller + 1) % len(nodes)
}
