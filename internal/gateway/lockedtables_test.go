package gateway

import (
	"strings"
	"testing"
)

// What changes a locked table is done under the lock: a writer that waits for it does so until the tables are unlocked, whatever was done to them meanwhile.
func TestDDLKeepsLocks(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "lockddl")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
	c.exec("CREATE REFERENCE TABLE r (id INT PRIMARY KEY)")
	c.exec("INSERT INTO t VALUES (1, 1), (2, 2), (3, 3), (4, 4)")
	other := b.root(t, "lockddl")
	c.exec("LOCK TABLES t WRITE")
	wrote := make(chan error, 1)
	go func() {
		_, err := other.c.ExecContext(timeout(t), "UPDATE t SET v = v + 100")
		wrote <- err
	}()
	waitFor(t, func() bool {
		return strings.Contains(b.leaf(t, 0, waitingForTables)+b.leaf(t, 1, waitingForTables), "UPDATE")
	})
	for _, sql := range []string{
		"ALTER TABLE t ADD COLUMN w INT NOT NULL DEFAULT 1", "ALTER TABLE t MODIFY v BIGINT NOT NULL", "CREATE INDEX v ON t (v)", "OPTIMIZE TABLE t", "ALTER TABLE t DROP KEY v, ADD KEY v (v, w)",
	} {
		c.exec(sql)
		c.want("SELECT SUM(v) FROM t", "10")
	}
	c.fails(1265, "ALTER TABLE t MODIFY v ENUM('1', '2', '3')")
	c.want("SELECT SUM(v) FROM t", "10")
	select {
	case err := <-wrote:
		t.Errorf("the writer got in: %v", err)
	default:
	}
	c.exec("UNLOCK TABLES")
	if err := <-wrote; err != nil {
		t.Error(err)
	}
	c.want("SELECT SUM(v), SUM(w) FROM t", "410|4")

	c.exec("LOCK TABLES t WRITE, r READ")
	c.fails(1235, "ALTER TABLE t DROP COLUMN w")
	c.exec("LOCK TABLES t WRITE")
	for _, sql := range []string{"ALTER TABLE t SHARD KEY ()", "CREATE OR REPLACE TABLE t (id INT)", "CREATE TRIGGER i BEFORE INSERT ON t FOR EACH ROW SET NEW.v = 1", "ALTER TABLE t ADD FOREIGN KEY (id) REFERENCES r (id)",
		"ALTER TABLE t PARTITION BY KEY (id) PARTITIONS 2"} {
		c.fails(1235, sql)
	}
	c.want("SELECT SUM(v), SUM(w) FROM t", "410|4")
	// A lock that is lost with its connection is missed.
	const open = "SELECT id FROM information_schema.PROCESSLIST WHERE user = 'root' AND db LIKE 'lockddl\\_%'"
	for i := range b.farm.Leaves() {
		for id := range strings.SplitSeq(b.leaf(t, i, open), "/") {
			if id != "" {
				b.leaf(t, i, "KILL "+id)
			}
		}
	}
	waitFor(t, func() bool { return b.leaf(t, 0, open)+b.leaf(t, 1, open) == "" })
	c.fails(1100, "ALTER TABLE t DROP COLUMN w")
	c.fails(1100, "SELECT * FROM t")
	c.exec("UNLOCK TABLES")
	c.want("SELECT SUM(v), SUM(w) FROM t", "410|4")
}

const waitingForTables = "SELECT info FROM information_schema.PROCESSLIST WHERE state LIKE 'Waiting for table%'"
