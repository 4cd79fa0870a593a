package gateway

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
)

func TestConsistentSnapshots(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "snapdb")
	other := b.root(t, "snapdb")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
	c.exec("CREATE REFERENCE TABLE r (a INT PRIMARY KEY, v INT)")
	c.exec("INSERT INTO t VALUES (1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0), (7, 0), (8, 0)")
	c.exec("INSERT INTO r VALUES (1, 0)")
	set := func(v string) { other.exec("UPDATE t SET v = " + v); other.exec("UPDATE r SET v = " + v) }
	for _, begin := range []string{
		"START TRANSACTION WITH CONSISTENT SNAPSHOT", "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY", "START TRANSACTION READ WRITE, WITH CONSISTENT SNAPSHOT",
		"START TRANSACTION /*!40100 WITH CONSISTENT SNAPSHOT */",
	} {
		set("0")
		c.exec(begin)
		set("1") // of what the transaction has not touched yet
		c.want("SELECT SUM(v) FROM t WHERE id = 3", "0")
		c.want("SELECT SUM(v) FROM t", "0")
		c.want("SELECT v FROM r", "0")
		c.want("SELECT SUM(t.v), SUM(r.v) FROM t JOIN r ON r.a = 1", "0|0")
		c.exec("COMMIT")
		c.want("SELECT SUM(v) FROM t", "8")
	}
	// A client's XA transaction that waits for its end is in no snapshot, and in the way of none.
	set("0")
	other.exec("XA START 'waits'")
	other.exec("UPDATE t SET v = 1")
	other.exec("XA END 'waits'")
	other.exec("XA PREPARE 'waits'")
	c.exec("START TRANSACTION WITH CONSISTENT SNAPSHOT")
	other.exec("XA COMMIT 'waits'")
	c.want("SELECT SUM(v) FROM t", "0")
	c.exec("COMMIT")
	c.want("SELECT SUM(v) FROM t", "8")
	// It may write, at all of its places.
	set("0")
	c.exec("START TRANSACTION WITH CONSISTENT SNAPSHOT")
	other.exec("UPDATE r SET v = 1")
	c.exec("INSERT INTO r VALUES (2, 0)") // of its own, in the snapshot that is
	c.want("SELECT SUM(v) FROM r", "0")
	c.want("SELECT v FROM r WHERE a = 1 FOR UPDATE", "1") // which is no part of a snapshot
	c.exec("UPDATE t SET v = 2")
	c.exec("DELETE FROM r WHERE a = 2")
	c.exec("COMMIT AND CHAIN")
	set("3")
	c.want("SELECT SUM(v) FROM t WHERE id > 0", "24")
	c.exec("ROLLBACK")
	// One that has only read has nothing to prepare.
	prepares := func() (all string) {
		for i := range b.farm.Leaves() {
			all += " " + b.leaf(t, i, "SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'COM_XA_PREPARE'")
		}
		return all
	}
	before := prepares()
	c.exec("START TRANSACTION WITH CONSISTENT SNAPSHOT")
	c.want("SELECT SUM(v) FROM t WHERE id > 0", "24")
	c.exec("COMMIT")
	if after := prepares(); after != before {
		t.Errorf("branches were prepared for a transaction that has read: %s, %s before", after, before)
	}
	// SET TRANSACTION is for it, and for it alone.
	c.exec("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
	c.exec("START TRANSACTION WITH CONSISTENT SNAPSHOT")
	set("4")
	c.want("SELECT SUM(v) FROM t", "32")
	c.exec("COMMIT")
	c.exec("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
	c.exec("START TRANSACTION WITH CONSISTENT SNAPSHOT")
	set("5")
	c.want("SELECT SUM(v) FROM t", "32")
	c.fails(1792, "UPDATE t SET v = 6 WHERE id = 1")
	c.exec("ROLLBACK")
}

// A partition that has no master for a moment is a part of the snapshot as well; one that is lost is none, and is not read as of another moment.
func TestConsistentSnapshotsWaitForMasters(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "snapwait")
	other := b.root(t, "snapwait")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
	c.exec("INSERT INTO t VALUES (1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0), (7, 0), (8, 0)")
	of := map[int][]topo.Instance{}
	away := func(home bool) {
		b.alter(t, "snapwait", func(p *topo.Partition) {
			of[p.ID.Ordinal] = p.Instances
			if home {
				p.Home, _ = p.Master()
			}
			p.Instances = nil
		})
	}
	back := func() {
		b.alter(t, "snapwait", func(p *topo.Partition) { p.Instances, p.Home = of[p.ID.Ordinal], "" })
	}
	away(true)
	begun := make(chan error, 1)
	go func() {
		_, err := c.c.ExecContext(timeout(t), "START TRANSACTION WITH CONSISTENT SNAPSHOT")
		begun <- err
	}()
	select {
	case err := <-begun:
		t.Fatalf("it did not wait: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	back()
	if err := <-begun; err != nil {
		t.Fatal(err)
	}
	other.exec("UPDATE t SET v = 1")
	c.want("SELECT SUM(v) FROM t", "0")
	c.exec("COMMIT")
	away(false)
	c.exec("START TRANSACTION WITH CONSISTENT SNAPSHOT")
	back()
	c.fails(1412, "SELECT v FROM t WHERE id = 1")
	c.fails(1412, "UPDATE t SET v = 2 WHERE id = 1")
	c.exec("COMMIT")
	c.want("SELECT SUM(v) FROM t", "8")
	// So with what is younger than the snapshot.
	c.exec("START TRANSACTION WITH CONSISTENT SNAPSHOT")
	other.exec("CREATE DATABASE snapyoung PARTITIONS 2")
	other.exec("CREATE TABLE snapyoung.t (id INT PRIMARY KEY)")
	c.fails(1412, "SELECT * FROM snapyoung.t")
	c.want("SELECT SUM(v) FROM t", "8")
	c.exec("COMMIT")
	c.exec("DROP DATABASE snapyoung")
	// One that is being dropped, of which a leaf has no more what the topology tells of still, is waited for.
	gone := func(put bool) {
		if _, err := b.cat.Update(timeout(t), func(x *catalog.Txn) error {
			if !put {
				x.DropDatabase("snapgone")
				return nil
			}
			d := *x.Database("snapwait")
			p := *d.Partitions[0]
			p.ID.DB = "snapgone"
			x.PutDatabase(&topo.Database{Name: "snapgone", Partitions: []*topo.Partition{&p}})
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	gone(true)
	go func() {
		_, err := c.c.ExecContext(timeout(t), "START TRANSACTION WITH CONSISTENT SNAPSHOT")
		begun <- err
	}()
	select {
	case err := <-begun:
		t.Errorf("it did not wait: %v", err)
		begun <- nil
	case <-time.After(100 * time.Millisecond):
	}
	gone(false)
	if err := <-begun; err != nil {
		t.Fatal(err)
	}
	c.exec("COMMIT")
}

// A node holds its own commits over several places back for as long as somebody holds them, and no others.
func TestCommitsOverSeveralPlacesAreHeldBack(t *testing.T) {
	b := cluster(t)
	c := b.database(t, "heldb")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
	c.exec("INSERT INTO t VALUES (1, 0), (2, 0), (3, 0), (4, 0)")
	held, err := b.node.Hold(timeout(t), topo.Hold{All: true})
	if err != nil {
		t.Fatal(err)
	}
	g := b.g.guard
	two := []txn.Place{{Partition: topo.PartitionID{DB: "heldb"}}, {Partition: topo.PartitionID{DB: "heldb", Ordinal: 1}}}
	if g.EnterWide(two) != nil {
		t.Error("a commit at two places is let in")
	}
	short, cancel := context.WithTimeout(timeout(t), 50*time.Millisecond)
	defer cancel()
	if err := g.AwaitWide(short, two); err == nil {
		t.Error("waited for nothing")
	}
	c.exec("UPDATE t SET v = 1 WHERE id = 1") // one place's
	if took := held.End(); took <= 0 || !held.Lasts() {
		t.Errorf("held back for %s", took)
	}
	if err := g.AwaitWide(timeout(t), two); err != nil {
		t.Error(err)
	}
	leave := g.EnterWide(two)
	if leave == nil {
		t.Fatal("not let in")
	}
	// Who holds waits for it.
	short, cancel = context.WithTimeout(timeout(t), 100*time.Millisecond)
	defer cancel()
	if _, err := b.node.Hold(short, topo.Hold{Parts: []topo.PartitionID{{DB: "heldb", Ordinal: 1}}}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a commit is under way: %v", err)
	}
	if held, err = b.node.Hold(timeout(t), topo.Hold{Parts: []topo.PartitionID{{DB: "heldb", Ordinal: 2}}}); err != nil {
		t.Fatal(err)
	}
	held.End()
	leave()
	if held, err = b.node.Hold(timeout(t), topo.Hold{All: true}); err != nil {
		t.Fatal(err)
	}
	held.End()
	// What is on the board by mistake, as by a request that was given up, is taken back.
	own := strconv.FormatUint(uint64(b.node.ID()), 36)
	if err := b.node.Report(timeout(t), "hold/"+own+"-stale", []byte(`{"id":"`+own+`-stale","all":true}`)); err != nil {
		t.Fatal(err)
	}
	for until := time.Now().Add(time.Second); len(b.cat.Holds()) == 0 && time.Now().Before(until); { // unless the node itself has taken it back before it was seen here
		time.Sleep(time.Millisecond)
	}
	b.node.TidyHolds()
	if err := g.AwaitWide(timeout(t), two); err != nil {
		t.Error(err)
	}
	if holds := b.cat.Holds(); len(holds) != 0 {
		t.Errorf("holds are left: %v", holds)
	}
}
