package control_test

import (
	"database/sql"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/catalog"
)

// A node that died, or that knows of a commit in part, has left different rows of a reference table on the leaves: they are made the same, while in use.
func TestReferenceTablesAreMadeAlike(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 2, 1)
	c.must("CREATE DATABASE d PARTITIONS 2", "CREATE REFERENCE TABLE d.r (id BIGINT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(20), twice VARCHAR(40) AS (CONCAT(v, v)) STORED)",
		"CREATE REFERENCE TABLE d.same (id BIGINT PRIMARY KEY)", "INSERT INTO d.r (v) VALUES ('a'), ('b'), ('c')", "INSERT INTO d.same VALUES (1)")
	n := c.nodes[0]
	first, second := c.leaf(0), c.leaf(1)
	rows := func(i int) (text string) {
		conn := first
		if i == 1 {
			conn = second
		}
		if err := conn.QueryRowContext(within(t, patience), "SELECT GROUP_CONCAT(id, v, twice ORDER BY id) FROM d.r").Scan(&text); err != nil {
			t.Fatal(err)
		}
		return text
	}
	alike := func(what string) {
		t.Helper()
		for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
			marks, err := n.cat.Marks(within(t, patience))
			if err != nil {
				t.Fatal(err)
			}
			due := false
			for _, m := range marks {
				due = due || m.Orphan || m.Doubt
			}
			if !due && rows(0) == rows(1) {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: %s and %s, marks %+v", what, rows(0), rows(1), marks)
			}
		}
	}
	c.must("CREATE TRIGGER d.rb BEFORE INSERT ON d.r FOR EACH ROW SET NEW.v = CONCAT(NEW.v, '!')", "CREATE TRIGGER d.ra AFTER DELETE ON d.r FOR EACH ROW DELETE FROM same WHERE id = OLD.id")
	ghost, err := n.cat.Register(within(t, patience), catalog.NodeInfo{Name: "ghost"}, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ghost.Mark(within(t, patience), false); err != nil {
		t.Fatal(err)
	}
	c.at(second, "SET sql_log_bin=0", "UPDATE d.r SET v = 'other' WHERE id = 2", "DELETE FROM d.r WHERE id = 3", "INSERT INTO d.r (id, v) VALUES (9, 'more')")
	want := rows(0)
	if want == rows(1) {
		t.Fatal("there is nothing to be made the same")
	}
	if err := ghost.Close(within(t, patience)); err != nil { // its mark stays
		t.Fatal(err)
	}
	alike("after a node's death")
	if rows(1) != want {
		t.Errorf("%s, want the first leaf's %s", rows(1), want)
	}
	if !c.happened("reference table aligned") {
		t.Error("nobody was told")
	}
	c.at(second, "DELETE FROM d.r WHERE id = 1", "DROP TRIGGER d.rb") // as an alignment that was cut off may have left it
	if _, err := n.member.Mark(within(t, patience), true); err != nil {
		t.Fatal(err)
	}
	alike("after a commit in part")
	c.must("INSERT INTO d.r (v) VALUES ('d')")
	alike("after another write")
	for i, conn := range []*sql.Conn{first, second} {
		var same, triggers, fired int
		if err := conn.QueryRowContext(within(t, patience), "SELECT (SELECT COUNT(*) FROM d.same), (SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = 'd'),"+
			" (SELECT COUNT(*) FROM d.r WHERE v LIKE '%!')").Scan(&same, &triggers, &fired); err != nil || same != 1 || triggers != 2 || fired != 1 {
			t.Errorf("leaf %d: %d rows, %d triggers, fired for %d rows, %v", i, same, triggers, fired, err)
		}
	}
	var left int
	if err := second.QueryRowContext(within(t, patience), "SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE '%scratch%'").Scan(&left); err != nil || left > 0 {
		t.Errorf("%d databases are left, %v", left, err)
	}
}
