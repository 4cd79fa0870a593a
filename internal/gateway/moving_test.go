package gateway

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// alter changes the partitions of a database as the controller would.
func (b *bench) alter(t *testing.T, db string, f func(p *topo.Partition)) {
	t.Helper()
	if _, err := b.cat.Update(timeout(t), func(x *catalog.Txn) error {
		d := *x.Database(db)
		parts := d.Partitions
		d.Partitions = nil
		for _, p := range parts {
			n := *p
			n.Instances = append([]topo.Instance(nil), p.Instances...)
			f(&n)
			d.Partitions = append(d.Partitions, &n)
		}
		x.PutDatabase(&d)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// Writes wait for a replica that never applies anything, until the term ends: then nobody knows what the next master has of them, but for those over several partitions, of
// which it is known that nothing was decided. The connection goes on in order, also where rows were on their way.
func TestWritesOfAnEndedTermAreNotAcknowledged(t *testing.T) {
	b := cluster(t)
	for _, q := range []string{
		"INSERT INTO t VALUES (1, 1)",
		"INSERT INTO t VALUES (2, 1) RETURNING id",
		"INSERT INTO t VALUES (10, 1), (11, 1), (12, 1), (13, 1), (14, 1), (15, 1)",
	} {
		t.Run(q, func(t *testing.T) {
			c := b.database(t, "movdb")
			c.exec("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
			if _, err := b.cat.Update(timeout(t), func(x *catalog.Txn) error {
				d := *x.Database("movdb")
				d.Replication = topo.Sync
				x.PutDatabase(&d)
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			first := b.cat.Snapshot().Databases["movdb"].Partitions
			other := func(leaf string) string {
				for _, l := range b.farm.Leaves() {
					if l.Name != leaf {
						return l.Name
					}
				}
				return ""
			}
			b.alter(t, "movdb", func(p *topo.Partition) {
				m, _ := p.Master()
				p.Instances = append(p.Instances, topo.Instance{Leaf: other(m), Role: topo.Replica, InSync: true})
			})
			failed := make(chan error, 1)
			go func() {
				rows, err := c.c.QueryContext(timeout(t), q)
				if err == nil {
					for rows.Next() {
					}
					err = errors.Join(rows.Err(), rows.Close())
				}
				failed <- err
			}()
			select {
			case err := <-failed:
				t.Fatalf("answered without its replica: %v", err)
			case <-time.After(300 * time.Millisecond): // whether or not it has come so far by now
			}
			if several := strings.Contains(q, "(15"); several {
				// Nothing was decided, as the branches' preparing had not come to the replica: it is rolled back, and done where it can be.
				b.alter(t, "movdb", func(p *topo.Partition) { p.Term, p.Instances = p.Term+1, p.Instances[:1] })
				if err := <-failed; err != nil {
					t.Errorf("got %v", err)
				}
				c.want("SELECT COUNT(*) FROM t", "6")
			} else {
				b.alter(t, "movdb", func(p *topo.Partition) { p.Term++ })
				var e *mysql.MySQLError
				if err := <-failed; !errors.As(err, &e) || e.Number != 1180 {
					t.Errorf("got %v, want an unknown outcome", err)
				}
			}
			c.want("SELECT 5", "5")
			b.alter(t, "movdb", func(p *topo.Partition) { *p = *first[p.ID.Ordinal] })
			for len(b.g.guard.gates.Held()) > 0 || b.g.guard.gates.Inside() > 0 {
				time.Sleep(time.Millisecond)
			}
		})
	}
}

// Statements wait for a locked partition, whatever they are, and are done once.
func TestStatementsWaitForLockedPartitions(t *testing.T) {
	b := cluster(t)
	mysql.RegisterReaderHandler("moving", func() io.Reader { return strings.NewReader("1\t1\n2\t1\n3\t1\n4\t1\n") })
	for _, q := range []string{
		"INSERT INTO t VALUES (1, 1), (2, 1), (3, 1), (4, 1)",
		"LOAD DATA LOCAL INFILE 'Reader::moving' INTO TABLE t",
		"INSERT INTO t SELECT id, v FROM s",
		"REPLACE INTO t VALUES (4, 1)",
	} {
		t.Run(q, func(t *testing.T) {
			c := b.database(t, "movdb")
			c.exec("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
			c.exec("CREATE TABLE s (id INT PRIMARY KEY, v INT)")
			c.exec("INSERT INTO s VALUES (4, 1)")
			b.alter(t, "movdb", func(p *topo.Partition) { p.Locked = true })
			for { // the gates follow a moment later
				if s, _ := b.g.guard.gates.Applied(); s == b.cat.Snapshot() {
					break
				}
				time.Sleep(time.Millisecond)
			}
			failed := make(chan error, 1)
			go func() {
				_, err := c.c.ExecContext(timeout(t), q)
				failed <- err
			}()
			select {
			case err := <-failed:
				t.Fatalf("it did not wait: %v", err)
			case <-time.After(100 * time.Millisecond):
			}
			b.alter(t, "movdb", func(p *topo.Partition) { p.Locked = false })
			if err := <-failed; err != nil {
				t.Error(err)
			}
			c.want("SELECT COUNT(*) > 0, SUM(id = 4), SUM(v) = COUNT(*) FROM t", "1|1|1")
			if n := b.g.guard.gates.Inside(); n != 0 {
				t.Errorf("%d are inside of gates still", n)
			}
		})
	}
}

// What is asked of any leaf is not asked of one that is being attached: it has other tables, or none. What finds its leaf gone asks another one.
func TestLeavesThatAreNotOnlineAreNotAsked(t *testing.T) {
	b := cluster(t)
	c, other := b.root(t, ""), b.root(t, "")
	const which = "SELECT @@global.binlog_commit_wait_usec" // which leaf that is no variable says that is another one there
	for i, l := range b.farm.Leaves() {
		b.leaf(t, i, fmt.Sprintf("SET GLOBAL binlog_commit_wait_usec = %d", l.ServerID))
		defer b.leaf(t, i, "SET GLOBAL binlog_commit_wait_usec = DEFAULT")
	}
	home := c.rows(which)
	var was topo.Leaf
	for _, l := range b.cat.Snapshot().Leaves {
		if fmt.Sprint(l.ServerID) == home {
			was = *l
		}
	}
	put := func(l topo.Leaf) {
		t.Helper()
		rev, err := b.cat.Update(timeout(t), func(x *catalog.Txn) error {
			x.PutLeaf(&l)
			return nil
		})
		if err == nil {
			err = b.cat.WaitRevision(timeout(t), rev)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	away, back := was, was
	away.State, back.State = topo.LeafOffline, topo.LeafAttaching
	put(away)
	other.exec("CREATE DATABASE elsewhere PARTITIONS 2")
	defer func() {
		put(away) // it has none of it
		other.exec("DROP DATABASE elsewhere")
		put(was)
	}()
	other.exec("CREATE REFERENCE TABLE elsewhere.t (id INT PRIMARY KEY)")
	other.exec("INSERT INTO elsewhere.t VALUES (7)")
	asks := func(t *testing.T, c *client) {
		t.Helper()
		for _, q := range []string{"SELECT id FROM elsewhere.t WHERE id = ?", "SELECT id FROM t WHERE id = ?"} {
			st, err := c.c.PrepareContext(timeout(t), q)
			if err != nil {
				t.Fatal(err)
			}
			var id int
			if err := st.QueryRowContext(timeout(t), 7).Scan(&id); err != nil || id != 7 {
				t.Errorf("%d, %v", id, err)
			}
			if err := st.Close(); err != nil {
				t.Error(err)
			}
			c.exec("USE elsewhere")
		}
		c.want("SELECT @@global.binlog_commit_wait_usec <> ?", "1", home)
	}
	t.Run("attaching", func(t *testing.T) {
		put(back)
		asks(t, c)
	})
	t.Run("gone", func(t *testing.T) {
		put(was)
		c := b.root(t, "")
		for c.rows(which) != home { // sessions are spread over the leaves
			c = b.root(t, "")
		}
		gone := was
		gone.Port = 1
		put(gone)
		b.g.cfg.Pools.Break(was.Name)
		asks(t, c)
	})
}

// A partition that nobody will bring back is not waited for, whatever becomes of others of its database.
func TestPartitionsThatAreSetAsideAreNotWaitedFor(t *testing.T) {
	b := alone(t, Config{FailoverWait: time.Hour})
	c := b.database(t, "asidedb")
	c.exec("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
	first := b.cat.Snapshot().Databases["asidedb"].Partitions
	gone := first[0].ID.Ordinal
	b.alter(t, "asidedb", func(p *topo.Partition) {
		if p.ID.Ordinal == gone {
			p.Instances, p.Home = nil, "a leaf that was removed"
		}
	})
	defer b.alter(t, "asidedb", func(p *topo.Partition) { *p = *first[p.ID.Ordinal] })
	var e *mysql.MySQLError
	if _, err := c.c.ExecContext(timeout(t), "SELECT COUNT(*) FROM t"); !errors.As(err, &e) || e.Number != 1777 {
		t.Errorf("got %v", err)
	}
}
