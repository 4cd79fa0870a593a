package control_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// fat is a row's content that is soon too much.
var fat = strings.Repeat("x", 32<<10)

// thin is one that the binary log alone has no room for: where tables have none, InnoDB may end the server.
var thin = strings.Repeat("x", 300)

// A leaf's disk fills up: writes are refused while there is room still, of both partitions that it masters and that it follows; what makes room does, and they go on.
func TestNearlyFullDisk(t *testing.T) {
	t.Parallel()
	if !mounting(t) {
		return
	}
	c := newCluster(t, 2, 2, 0)
	d := smallDisk(t, c.farm, 1, "192m")
	c.first(2)
	c.must("CREATE DATABASE d PARTITIONS 2", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT)", "CREATE TABLE d.fat (id BIGINT PRIMARY KEY, v LONGTEXT)",
		"INSERT INTO d.t VALUES (1,1), (2,1), (3,1), (4,1)", "SET GLOBAL disk_reserve = '32M'")
	c.until("whole", whole)
	before := c.nodes[0].cat.Snapshot().Databases["d"].Partitions
	least, end := d.left(), int64(0)
	refusedAt := map[int]bool{} // partitions' masters
	for id := int64(0); len(refusedAt) < 2; id++ {
		_, err := c.nodes[id%2].db.ExecContext(within(t, patience), "INSERT INTO d.fat VALUES (?, ?)", id, fat)
		least = min(least, d.left())
		switch {
		case code(err) == 1021 && strings.Contains(err.Error(), "leaf leaf-2"):
			if end == 0 {
				end = id
			}
			refusedAt[int(id%2)] = true
		case err != nil:
			t.Fatalf("row %d: %v", id, err)
		case id > 20000:
			t.Fatalf("20,000 rows, and %d bytes left", d.left())
		}
	}
	if least < 1<<20 {
		t.Errorf("refused when %d bytes were left", least)
	}
	c.everywhere("short", func(s *topo.Snapshot) bool {
		return s.Leaves["leaf-2"].Disk.Short() && !s.Leaves["leaf-1"].Disk.Short()
	})
	c.refused(1021, []string{"leaf leaf-2", "disk_reserve keeps 32.0 MiB free"}, "INSERT INTO d.t VALUES (101, 1), (102, 1), (103, 1), (104, 1), (105, 1), (106, 1)", "UPDATE d.t SET v = 2")
	if got := c.value("SELECT SUM(v) FROM d.t"); got != "4" {
		t.Errorf("the rows of refused statements: %s", got)
	}
	c.must("DELETE FROM d.fat WHERE id = 1", "TRUNCATE TABLE d.fat")
	c.everywhere("room again", func(s *topo.Snapshot) bool { return !s.Leaves["leaf-2"].Disk.Short() })
	c.must("UPDATE d.t SET v = 3", "INSERT INTO d.fat VALUES (1, 'y')")
	c.same(before)
	c.equal("t", "fat")
}

// A disk is full before anybody could look: writes hang in MariaDB. Their clients are told that the outcome is unknown, queries go on, the leaf is not taken for
// dead, and once there is room all is as before.
func TestFullDisk(t *testing.T) {
	t.Parallel() // MariaDB looks once a minute whether there is room
	if !mounting(t) {
		return
	}
	c := newCluster(t, 2, 2, 0)
	d := smallDisk(t, c.farm, 1, "128m")
	c.wait = 10 * time.Second // what hangs for longer is given up
	c.first(2)
	c.must("CREATE DATABASE d PARTITIONS 2", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT)", "CREATE TABLE d.fat (id BIGINT PRIMARY KEY, v LONGTEXT)",
		"INSERT INTO d.t VALUES (1,1), (2,1), (3,1), (4,1)")
	c.until("whole", whole)
	before := c.nodes[0].cat.Snapshot().Databases["d"].Partitions
	d.fill(0)
	var clients sync.WaitGroup
	errs := make([]error, 8)
	tx, err := c.nodes[0].db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	for id := range 2 * len(errs) {
		if _, err := tx.Exec("INSERT INTO d.fat VALUES (?, ?)", 1000+id, "small"); err != nil {
			t.Fatal(err)
		}
	}
	for i := range errs {
		clients.Go(func() {
			for id := int64(i); errs[i] == nil && id < 4000; id += int64(len(errs)) {
				_, errs[i] = c.nodes[i%2].db.ExecContext(within(t, patience), "INSERT INTO d.fat VALUES (?, ?)", 100000+id, thin)
			}
		})
	}
	time.Sleep(2 * time.Second) // some of them hang by now, or will
	c.must("SET GLOBAL disk_reserve = '1M'")
	c.everywhere("full", func(s *topo.Snapshot) bool { return s.Leaves["leaf-2"].Disk.Full })
	var commit error
	clients.Go(func() { commit = tx.Commit() })
	ended := make(chan struct{})
	go func() { clients.Wait(); close(ended) }()
	for reading := true; reading; {
		select {
		case <-ended:
			reading = false
		default:
			for _, n := range c.nodes {
				var got string
				if err := n.db.QueryRowContext(within(t, patience), "SELECT SUM(v) FROM d.t").Scan(&got); err != nil || got != "4" {
					t.Fatalf("a query: %s, %v", got, err)
				}
			}
		}
	}
	unknown := 0
	for i, err := range errs {
		switch {
		case unknownOutcome(err):
			unknown++
		case code(err) != 1021:
			t.Errorf("client %d: %v", i, err)
		}
	}
	if unknown == 0 {
		t.Errorf("no write was given up: %v", errs)
	}
	if !unknownOutcome(commit) && code(commit) != 1213 {
		t.Errorf("COMMIT: %v", commit)
	}
	c.refused(1021, []string{"Disk full at leaf leaf-2"}, "DELETE FROM d.t", "UPDATE d.t SET v = 5", "TRUNCATE TABLE d.fat", "DROP TABLE d.fat", "CREATE USER u")
	if got := c.value("SELECT SHORT_OF FROM information_schema.LEAVES WHERE NAME = 'leaf-2'"); got != "disk, full" {
		t.Errorf("SHOW LEAVES: %s", got)
	}
	c.event("disk full", "leaf-2", "given up")
	c.same(before)
	d.empty()
	for deadline := time.Now().Add(3 * time.Minute); c.nodes[0].cat.Snapshot().Leaves["leaf-2"].Disk.Short(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the leaf has room, and is said to be short")
		}
	}
	c.everywhere("room again", func(s *topo.Snapshot) bool { return !s.Leaves["leaf-2"].Disk.Short() })
	c.must("UPDATE d.t SET v = 5") // nothing in doubt holds a row
	got := c.value("SELECT COUNT(*) FROM d.fat WHERE v = 'small'")
	if all := fmt.Sprint(2 * len(errs)); got != "0" && (code(commit) == 1213 || got != all) {
		t.Errorf("%s of %s rows are there, of a transaction whose COMMIT was answered with %v", got, all, commit)
	}
	c.must("DELETE FROM d.fat", "INSERT INTO d.fat VALUES (1, 'y')")
	c.same(before)
	c.equal("t", "fat")
}

// A partition is larger than what a leaf has left: it is not begun to be copied there.
func TestCopyThatDoesNotFit(t *testing.T) {
	t.Parallel()
	if !mounting(t) {
		return
	}
	c := newCluster(t, 2, 2, 0)
	d := smallDisk(t, c.farm, 1, "128m")
	c.first(1)
	c.must("CREATE DATABASE d PARTITIONS 1", "CREATE TABLE d.fat (id BIGINT PRIMARY KEY, v LONGTEXT)", "SET GLOBAL disk_reserve = '16M'")
	c.until("whole", whole)
	leaf := c.nodes[0].cat.Snapshot().Leaves["leaf-2"]
	at := fmt.Sprintf("d:0 ON '%s':%d", leaf.Host, leaf.Port)
	c.must("PROMOTE PARTITION d:0 ON '127.0.0.1':"+fmt.Sprint(c.nodes[0].cat.Snapshot().Leaves["leaf-1"].Port), "DROP PARTITION "+at)
	const free = 40 << 20
	d.fill(free)
	for written := 0; written < free; written += 16 * len(fat) {
		c.must("INSERT INTO d.fat VALUES " + strings.TrimSuffix(strings.Repeat("(UUID_SHORT(), '"+fat+"'),", 16), ","))
	}
	c.refused(1021, []string{"Partition d:0 does not fit on leaf leaf-2", "disk_reserve keeps 16.0 MiB free"}, "COPY PARTITION "+at, "RESTORE REDUNDANCY ON d")
	if left := d.left(); left < free*3/4 {
		t.Errorf("%d bytes are left on the disk, %d before", left, free)
	}
	d.empty()
	c.must("RESTORE REDUNDANCY ON d")
	c.until("whole", whole)
	c.equal("fat")
}
