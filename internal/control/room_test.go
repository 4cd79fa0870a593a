package control_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// code is an error's MySQL number, 0 for none.
func code(err error) uint16 {
	var e *mysql.MySQLError
	if errors.As(err, &e) {
		return e.Number
	}
	return 0
}

// refused wants all of some statements to be refused at every node with an error of one number that says what is in says.
func (c *cluster) refused(want uint16, says []string, statements ...string) {
	c.t.Helper()
	for i, n := range c.nodes {
		for _, statement := range statements {
			_, err := n.db.ExecContext(within(c.t, patience), statement)
			if code(err) != want {
				c.t.Errorf("node %d, %s: %v, want error %d", i+1, statement, err, want)
				continue
			}
			for _, part := range says {
				if !strings.Contains(err.Error(), part) {
					c.t.Errorf("node %d, %s: %v does not say %q", i+1, statement, err, part)
				}
			}
		}
	}
}

// value is one value that a statement answers with at the last node.
func (c *cluster) value(statement string) string {
	c.t.Helper()
	var v *string
	if err := c.nodes[len(c.nodes)-1].db.QueryRowContext(within(c.t, patience), statement).Scan(&v); err != nil {
		c.t.Fatalf("%s: %v", statement, err)
	}
	if v == nil {
		return "NULL"
	}
	return *v
}

// everywhere waits until all nodes see the topology as wanted.
func (c *cluster) everywhere(what string, ok func(*topo.Snapshot) bool) {
	c.t.Helper()
	c.until(what, ok)
	for _, n := range c.nodes {
		if err := n.cat.WaitRevision(within(c.t, patience), c.nodes[len(c.nodes)-1].cat.Snapshot().Revision); err != nil {
			c.t.Fatal(err)
		}
	}
}

func every(f func(*topo.Leaf) bool) func(*topo.Snapshot) bool {
	return func(s *topo.Snapshot) bool {
		for _, l := range s.Leaves {
			if !f(l) {
				return false
			}
		}
		return true
	}
}

// same wants every partition in the term that it was in, and every leaf online.
func (c *cluster) same(before []*topo.Partition) {
	c.t.Helper()
	s := c.nodes[0].cat.Snapshot()
	for i, p := range s.Databases["d"].Partitions {
		if p.Term != before[i].Term || len(p.Instances) != len(before[i].Instances) {
			c.t.Errorf("partition %s: %+v, before: %+v", p.ID, p, before[i])
		}
	}
	for _, l := range s.Leaves {
		if l.State != topo.LeafOnline {
			c.t.Errorf("%s is %s", l.Name, l.State)
		}
	}
}

// Reserves that no machine has make all leaves short: what writes is refused, what reads or makes room goes on, at every node.
func TestShortLeavesTakeNoWrites(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 2, 2)
	c.must("CREATE DATABASE d PARTITIONS 4", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT)", "CREATE TABLE d.keyless (v INT)",
		"CREATE REFERENCE TABLE d.r (a INT PRIMARY KEY)", "INSERT INTO d.r VALUES (1), (2)", "INSERT INTO d.t VALUES (1,1), (2,1), (3,1), (4,1), (5,1), (6,1)")
	c.until("whole", whole)
	before := c.nodes[0].cat.Snapshot().Databases["d"].Partitions
	writes := []string{
		"INSERT INTO d.t VALUES (100, 1)", "INSERT INTO d.t VALUES (101, 1), (102, 1), (103, 1), (104, 1)", "REPLACE INTO d.t VALUES (1, 2)", "UPDATE d.t SET v = 2",
		"UPDATE d.t SET v = 2 WHERE id = 1", "INSERT INTO d.t SELECT id + 1000, v FROM d.t", "INSERT INTO d.keyless VALUES (1)", "INSERT INTO d.keyless SELECT v FROM d.t",
		"INSERT INTO d.r VALUES (3)", "UPDATE d.r SET a = 9 WHERE a = 1",
		"CREATE TABLE d.more (id INT PRIMARY KEY)", "ALTER TABLE d.t ADD COLUMN w INT", "CREATE INDEX i ON d.t (v)", "CREATE DATABASE another",
	}
	for _, kind := range []struct {
		setting, event string
		code           uint16
		says           []string
		of             func(*topo.Leaf) topo.Shortage
	}{
		{"disk_reserve", "disk", 1021, []string{"Disk nearly full at leaf leaf-", "are left, disk_reserve keeps 1000.0 TiB free"}, func(l *topo.Leaf) topo.Shortage { return l.Disk }},
		{"memory_reserve", "memory", 1041, []string{"Out of memory at leaf leaf-", "are left, memory_reserve keeps 1000.0 TiB free"}, func(l *topo.Leaf) topo.Shortage { return l.Memory }},
	} {
		tx, err := c.nodes[0].db.Begin()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec("UPDATE d.t SET v = v + 1 WHERE id = 1"); err != nil {
			t.Fatal(err)
		}
		c.must("SET GLOBAL " + kind.setting + " = '1000T'")
		c.everywhere("short", every(func(l *topo.Leaf) bool { return kind.of(l).Short() }))
		rows := c.value("SELECT COUNT(*) FROM d.t")
		c.refused(kind.code, kind.says, writes...)
		if _, err := tx.Exec("INSERT INTO d.t VALUES (200, 1)"); code(err) != kind.code {
			t.Errorf("in a transaction: %v", err)
		}
		if err := tx.Commit(); err != nil {
			t.Errorf("what was written before is committed: %v", err)
		}
		stmt, err := c.nodes[1].db.Prepare("INSERT INTO d.t VALUES (?, ?)")
		if err == nil {
			_, err = stmt.Exec(300, 1)
			stmt.Close()
		}
		if code(err) != kind.code {
			t.Errorf("a prepared statement: %v", err)
		}
		if got := c.value("SELECT COUNT(*) FROM d.t"); got != rows {
			t.Errorf("%s rows, %s before", got, rows)
		}
		if got := c.value("SELECT COUNT(*) FROM d.keyless"); got != "0" {
			t.Errorf("%s keyless rows", got)
		}
		if got := c.value("SELECT COUNT(*) FROM information_schema.LEAVES WHERE SHORT_OF = '" + kind.event + "'"); got != "2" {
			t.Errorf("%s of the leaves are short by SHOW LEAVES", got)
		}
		s := c.nodes[0].cat.Snapshot()
		replica := s.Leaves[s.Databases["d"].Partitions[0].Replicas()[0]]
		at := fmt.Sprintf("d:0 ON '%s':%d", replica.Host, replica.Port)
		c.must("DROP PARTITION " + at)
		c.refused(kind.code, []string{"leaf " + replica.Name}, "COPY PARTITION "+at)
		c.must("DELETE FROM d.t WHERE id = 6", "DELETE FROM d.t WHERE v > 1000", "DELETE FROM d.r WHERE a = 2", "TRUNCATE TABLE d.keyless", "DROP TABLE IF EXISTS d.nosuch")
		c.must("SET GLOBAL " + kind.setting + " = 0")
		c.everywhere("room again", every(func(l *topo.Leaf) bool { return !kind.of(l).Short() }))
		c.must("RESTORE REDUNDANCY ON d", "INSERT INTO d.t VALUES (6, 1)", "INSERT INTO d.r VALUES (2)", "INSERT INTO d.keyless VALUES (1)", "TRUNCATE TABLE d.keyless")
		c.until("whole", whole)
		c.event(kind.event+" nearly full", "leaf-1", "writes are refused")
		c.event(kind.event+" has room", "leaf-2", "writes are taken again")
	}
	for i, p := range c.nodes[0].cat.Snapshot().Databases["d"].Partitions {
		if p.Term != before[i].Term {
			t.Errorf("partition %s was failed over", p.ID)
		}
	}
	c.equal("t")
}

// event wants an event to have been told, within a while.
func (c *cluster) event(kind, leaf, says string) {
	c.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		events, err := c.nodes[0].cat.Events(context.Background())
		if err != nil {
			c.t.Fatal(err)
		}
		for _, e := range events {
			if e.Kind == kind && e.Leaf == leaf && strings.Contains(e.Detail, says) {
				return
			}
		}
		if time.Now().After(deadline) {
			c.t.Errorf("no event %q of %s that says %q in %+v", kind, leaf, says, events)
			return
		}
	}
}

// A copy that is under way when its target gets short is given up.
func TestCopyEndsWhereRoomEnds(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 2, 1)
	c.must("CREATE DATABASE d PARTITIONS 2", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT)", "INSERT INTO d.t VALUES (1,1), (2,1), (3,1), (4,1)")
	c.until("whole", whole)
	s := c.nodes[0].cat.Snapshot()
	replica := s.Leaves[s.Databases["d"].Partitions[0].Replicas()[0]]
	at := fmt.Sprintf("d:0 ON '%s':%d", replica.Host, replica.Port)
	c.must("DROP PARTITION " + at)
	lock, err := c.nodes[0].member.Lock(within(t, patience), "d") // which the copy waits for
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Unlock()
	copied := make(chan error, 1)
	go func() {
		_, err := c.nodes[0].db.ExecContext(within(t, patience), "COPY PARTITION "+at)
		copied <- err
	}()
	for deadline := time.Now().Add(patience); c.value("SELECT COUNT(*) FROM information_schema.MV_REBALANCE_STATUS WHERE COMMAND = 'COPY PARTITION' AND STATUS = 'running'") != "1"; {
		if time.Now().After(deadline) {
			t.Fatal("the copy did not begin")
		}
	}
	time.Sleep(500 * time.Millisecond) // it has looked whether there is room, and waits
	select {
	case err := <-copied:
		t.Fatalf("it did not wait: %v", err)
	default:
	}
	c.must("SET GLOBAL disk_reserve = '1000T'")
	if err := <-copied; code(err) != 1021 || !strings.Contains(err.Error(), "leaf "+replica.Name) {
		t.Errorf("the copy ended with %v", err)
	}
}
