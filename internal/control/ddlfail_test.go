package control_test

import (
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// Whatever defines something and meets a dead leaf before its failover is done waits for that, as other statements do.
func TestDDLMeetsADeadLeaf(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 2, 2)
	statements := []string{
		"CREATE TABLE %s.x (id BIGINT PRIMARY KEY)", "CREATE REFERENCE TABLE %s.x (id BIGINT PRIMARY KEY)", "ALTER TABLE %s.t ADD w INT DEFAULT 7", "ALTER TABLE %s.t MODIFY v BIGINT NOT NULL",
		"CREATE INDEX i ON %s.t (v)", "DROP INDEX k ON %s.t", "TRUNCATE TABLE %s.t", "TRUNCATE TABLE %s.r", "RENAME TABLE %[1]s.t TO %[1]s.u", "DROP TABLE %[1]s.t, %[1]s.r",
		"ALTER DATABASE %s COLLATE utf8mb4_bin", "DROP DATABASE %s", "CREATE DATABASE new_%s PARTITIONS 2",
		"CREATE VIEW %[1]s.x AS SELECT v FROM %[1]s.t", "CREATE OR REPLACE VIEW %[1]s.w AS SELECT v FROM %[1]s.t", "DROP VIEW %[1]s.w", "RENAME TABLE %[1]s.w TO %[1]s.x",
	}
	db := func(i int) string { return fmt.Sprint("d", i) }
	for i := range statements {
		c.must("CREATE DATABASE "+db(i)+" PARTITIONS 2 WITH SYNC REPLICATION", "CREATE TABLE "+db(i)+".t (id BIGINT PRIMARY KEY, v INT, KEY k (v))",
			"CREATE REFERENCE TABLE "+db(i)+".r (id BIGINT PRIMARY KEY)", "INSERT INTO "+db(i)+".t VALUES (1, 1), (2, 2), (3, 3), (4, 4)", "INSERT INTO "+db(i)+".r VALUES (1)",
			"CREATE VIEW "+db(i)+".w AS SELECT id FROM "+db(i)+".t")
	}
	accounts := []string{"CREATE USER u1 IDENTIFIED BY 'x'", "GRANT SELECT ON d0.* TO old", "DROP USER older", "SET PASSWORD FOR old = PASSWORD('y')", "CREATE ROLE r1"}
	c.must("CREATE USER old", "CREATE USER older")
	c.until("whole", whole)
	for round := range 2 {
		gone := c.farm.Leaves()[round].Name
		release := c.hold(round)
		began := time.Now()
		var wg sync.WaitGroup
		run := func(on *sql.DB, s string) {
			wg.Go(func() {
				if _, err := on.ExecContext(within(t, patience), s); err != nil {
					t.Errorf("%s after %s: %v", s, time.Since(began), err)
				}
			})
		}
		for i, s := range statements {
			run(c.nodes[i%2].db, fmt.Sprintf(s, db(i)))
		}
		for i, s := range accounts {
			run(c.nodes[i%2].db, s)
		}
		wg.Wait()
		if s := c.nodes[0].cat.Snapshot().Leaves[gone].State; s != topo.LeafOffline {
			t.Errorf("%s is %s: the test is none", gone, s)
		}
		release()
		c.until("whole again", whole)
		for _, n := range c.nodes {
			var grants string
			if err := n.db.QueryRow(fmt.Sprint("SHOW GRANTS FOR u", round+1)).Scan(&grants); err != nil {
				t.Error(err)
			}
			var n2 int
			if err := n.db.QueryRow("SELECT COUNT(*) FROM d2.t WHERE w = 7").Scan(&n2); err != nil || n2 != 4 {
				t.Errorf("%d rows have the new column (%v)", n2, err)
			}
		}
		if t.Failed() {
			t.FailNow()
		}
		// The other way round, and with the other leaf.
		statements = []string{
			"DROP TABLE %s.x", "DROP TABLE %s.x", "ALTER TABLE %s.t MODIFY w BIGINT DEFAULT 7", "ALTER TABLE %s.t MODIFY v INT", "DROP INDEX i ON %s.t", "CREATE INDEX k ON %s.t (v)",
			"CREATE UNIQUE INDEX u ON %s.t (id, v)", "ALTER TABLE %s.r ADD v INT", "RENAME TABLE %[1]s.u TO %[1]s.t", "CREATE TABLE %s.t (id BIGINT PRIMARY KEY)",
			"ALTER DATABASE %s COLLATE utf8mb4_general_ci", "CREATE DATABASE %s PARTITIONS 2", "DROP DATABASE new_%s",
			"ALTER VIEW %[1]s.x AS SELECT id, v FROM %[1]s.t", "DROP VIEW %s.w", "CREATE VIEW %[1]s.w AS SELECT v FROM %[1]s.t", "RENAME TABLE %[1]s.x TO %[1]s.y",
		}
		accounts = []string{"REVOKE SELECT ON d0.* FROM old", "CREATE USER older", "DROP ROLE r1", "RENAME USER u1 TO u2"}
	}
	for i := range statements {
		c.alikeEverywhere(db(i))
	}
	c.accountsAlike()
}

// The same again and again while leaves die under it: each statement is done once, whatever it was at.
func TestDDLWhileLeavesDie(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 2, 1)
	const clients = 4
	var setup []string
	for i := range clients {
		setup = append(setup, fmt.Sprintf("CREATE DATABASE d%d PARTITIONS 2 WITH SYNC REPLICATION", i))
	}
	c.must(setup...)
	c.until("whole", whole)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	var mu sync.Mutex
	done := 0
	for i := range clients {
		wg.Go(func() {
			for n := 0; ; n++ {
				for _, s := range []string{
					"CREATE TABLE d%d.t (id BIGINT PRIMARY KEY, v INT)", "CREATE REFERENCE TABLE d%d.r (id INT PRIMARY KEY)", "ALTER TABLE d%d.t ADD w INT DEFAULT 7", "ALTER TABLE d%d.t MODIFY v BIGINT NOT NULL",
					"CREATE INDEX i ON d%d.t (v)", "RENAME TABLE d%[1]d.t TO d%[1]d.u", "TRUNCATE TABLE d%d.u", "CREATE USER u%d", "GRANT SELECT ON d%[1]d.* TO u%[1]d", "DROP USER u%d",
					"DROP TABLE d%[1]d.u, d%[1]d.r",
				} {
					select {
					case <-stop:
						return
					default:
					}
					s := fmt.Sprintf(s, i)
					if _, err := c.nodes[0].db.ExecContext(within(t, patience), s); err != nil {
						t.Errorf("%s, time %d: %v", s, n, err)
						return
					}
					mu.Lock()
					done++
					mu.Unlock()
				}
			}
		})
	}
	more := func(n int) {
		t.Helper()
		mu.Lock()
		want := done + n
		mu.Unlock()
		for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
			mu.Lock()
			enough := done >= want
			mu.Unlock()
			if enough || t.Failed() {
				return
			}
			if time.Now().After(deadline) {
				t.Fatal("the statements did not go on")
			}
		}
	}
	for round := range 4 {
		more(20)
		leaf := c.farm.Leaves()[round%2].Name
		var release func()
		if round < 2 {
			release = c.hold(round % 2)
			c.until("a failover", func(s *topo.Snapshot) bool { return s.Leaves[leaf].State == topo.LeafOffline })
		} else { // it is back at once
			if err := c.farm.Kill(round % 2); err != nil {
				t.Fatal(err)
			}
			release = func() {}
		}
		more(20)
		release()
		c.until("whole again", whole)
	}
	close(stop)
	wg.Wait()
	for i := range clients {
		c.alikeEverywhere(fmt.Sprint("d", i))
	}
	c.accountsAlike()
}

// alikeEverywhere compares a database's tables on all leaves, shapes and partitions with their replicas, once no record of a statement that was cut off is left.
func (c *cluster) alikeEverywhere(db string) {
	c.t.Helper()
	n := c.nodes[0]
	c.settledDDL(db)
	snap := n.cat.Snapshot()
	d := snap.Databases[db]
	if d == nil {
		c.t.Errorf("there is no database %s", db)
		return
	}
	show := func(leaf, schema, table string) string { // "" when there is no such table
		if len(c.rows(leaf, "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = '"+schema+"' AND TABLE_NAME = '"+table+"'")) == 0 {
			return ""
		}
		res := c.rows(leaf, "SHOW CREATE TABLE `"+schema+"`.`"+table+"`")
		return strings.ReplaceAll(res[0][1], "`"+db+"`.", "")
	}
	tables := func(leaf, schema string) string {
		return fmt.Sprint(c.rows(leaf, "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = '"+schema+"' ORDER BY 1"))
	}
	first := snap.OnlineLeaves()[0].Name
	for name := range d.Views {
		want := show(first, db, name)
		for _, l := range snap.OnlineLeaves() {
			if got := show(l.Name, db, name); got != want || got == "" {
				c.t.Errorf("view %s.%s on %s:\n%s\non %s:\n%s", db, name, l.Name, got, first, want)
			}
		}
	}
	for name, table := range d.Tables {
		want := show(first, db, name)
		for _, l := range snap.OnlineLeaves() {
			if got := show(l.Name, db, name); got != want {
				c.t.Errorf("table %s.%s on %s:\n%s\non %s:\n%s", db, name, l.Name, got, first, want)
			}
		}
		if table.Kind == topo.Reference {
			continue
		}
		for _, p := range d.Partitions {
			for _, in := range p.Instances {
				if got := show(in.Leaf, p.ID.Schema(), name); got != want {
					c.t.Errorf("table %s of partition %s on %s:\n%s\nthe shape on %s:\n%s", name, p.ID, in.Leaf, got, first, want)
				}
			}
		}
	}
	for _, p := range d.Partitions {
		for _, in := range p.Instances {
			want := 0
			for _, table := range d.Tables {
				if table.Kind != topo.Reference {
					want++
				}
			}
			if got := c.rows(in.Leaf, "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = '"+p.ID.Schema()+"'"); len(got) != want {
				c.t.Errorf("partition %s on %s has %v, of %d tables", p.ID, in.Leaf, got, want)
			}
		}
	}
	for _, l := range snap.OnlineLeaves() {
		if a, b := tables(first, db), tables(l.Name, db); a != b {
			c.t.Errorf("%s has %s on %s, and %s on %s", db, a, first, b, l.Name)
		}
	}
}

// settledDDL waits until nothing is left of statements that were cut off: a node that was in the midst of one when a leaf died may be about to settle it.
func (c *cluster) settledDDL(db string) {
	c.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		recs, err := c.nodes[0].cat.DDLRecords(within(c.t, patience), db)
		if err == nil && len(recs) == 0 {
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("records are left: %+v %v", recs, err)
		}
	}
}

// accountsAlike compares the accounts of all leaves.
func (c *cluster) accountsAlike() {
	c.t.Helper()
	want := ""
	for i, l := range c.nodes[0].cat.Snapshot().OnlineLeaves() {
		got := fmt.Sprint(c.rows(l.Name, "SELECT User, Host, Priv FROM mysql.global_priv ORDER BY 1, 2"), c.rows(l.Name, "SELECT * FROM mysql.db ORDER BY User, Host, Db"))
		if i > 0 && got != want {
			c.t.Errorf("the accounts on %s:\n%s\nelsewhere:\n%s", l.Name, got, want)
		}
		want = got
	}
}

// rows asks a leaf itself.
func (c *cluster) rows(leaf, q string) (rows [][]string) {
	c.t.Helper()
	n := c.nodes[0]
	conn, err := n.pools.Get(within(c.t, patience), backend.Want{Leaf: leaf, Account: backend.Cluster, Variant: backend.Internal})
	if err != nil {
		c.t.Fatal(err)
	}
	defer conn.Release()
	res, err := conn.Query(within(c.t, patience), q)
	if err != nil {
		c.t.Fatalf("%s at %s: %v", q, leaf, err)
	}
	for _, row := range res.Rows {
		var out []string
		for _, v := range row {
			out = append(out, string(v))
		}
		rows = append(rows, out)
	}
	return rows
}

// What a statement defines is at the replicas, too, before its client hears of it: a master that dies then takes no table with it.
func TestDDLIsAtTheReplicasWhenItEnds(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 2, 1)
	c.must("CREATE DATABASE d PARTITIONS 2 WITH SYNC REPLICATION", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT)", "INSERT INTO d.t VALUES (1, 1), (2, 2), (3, 3), (4, 4)")
	c.until("whole", whole)
	d := c.nodes[0].cat.Snapshot().Databases["d"]
	for i, s := range []string{"ALTER TABLE d.t ADD w INT", "ALTER TABLE d.t MODIFY w BIGINT DEFAULT 1", "CREATE INDEX v ON d.t (v)", "TRUNCATE TABLE d.t", "RENAME TABLE d.t TO d.u"} {
		p := d.Partitions[i%2]
		replica := 0
		if p.Replicas()[0] == c.farm.Leaves()[1].Name {
			replica = 1
		}
		conn := c.leaf(replica) // a reader there, whom replication waits for
		c.at(conn, "BEGIN", "SELECT COUNT(*) FROM "+p.ID.Schema()+".t")
		var gone sync.WaitGroup
		gone.Go(func() {
			time.Sleep(700 * time.Millisecond)
			if _, err := conn.ExecContext(within(t, patience), "COMMIT"); err != nil {
				t.Error(err)
			}
		})
		if _, err := c.nodes[0].db.Exec(s); err != nil {
			t.Errorf("%s: %v", s, err)
		}
		if a, b := c.defined(p.Replicas()[0], p.ID.Schema()), c.defined(c.masterOf(p), p.ID.Schema()); a != b {
			t.Errorf("%s: the replica has\n%s\nthe master has\n%s", s, a, b)
		}
		gone.Wait()
	}
}

func (c *cluster) masterOf(p *topo.Partition) string {
	leaf, ok := p.Master()
	if !ok {
		c.t.Fatalf("partition %s has no master", p.ID)
	}
	return leaf
}

// defined are all columns and keys of a schema at a leaf, and how many rows it has.
func (c *cluster) defined(leaf, schema string) string {
	c.t.Helper()
	out := fmt.Sprint(c.rows(leaf, "SELECT TABLE_NAME, COLUMN_NAME, COLUMN_TYPE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = '"+schema+"' ORDER BY 1, 2"),
		c.rows(leaf, "SELECT TABLE_NAME, INDEX_NAME, COLUMN_NAME FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = '"+schema+"' ORDER BY 1, 2, 3"))
	for _, row := range c.rows(leaf, "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = '"+schema+"'") {
		out += fmt.Sprint(row, c.rows(leaf, "SELECT COUNT(*) FROM `"+schema+"`.`"+row[0]+"`"))
	}
	return out
}

// So do statements that look after tables, and FLUSH: they may be done twice.
func TestTablesAreLookedAfterWhenALeafDies(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 2, 2)
	c.must("CREATE DATABASE d PARTITIONS 4 WITH SYNC REPLICATION", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT)", "CREATE REFERENCE TABLE d.r (id BIGINT PRIMARY KEY)",
		"INSERT INTO d.t VALUES (1, 1), (2, 2), (3, 3), (4, 4)", "INSERT INTO d.r VALUES (1)")
	c.until("whole", whole)
	statements := []string{"CHECK TABLE d.t, d.r", "ANALYZE TABLE d.t", "OPTIMIZE TABLE d.r", "FLUSH TABLES d.t, d.r", "FLUSH TABLES", "FLUSH PRIVILEGES"}
	for round := range 2 {
		gone := c.farm.Leaves()[round].Name
		release := c.hold(round)
		var wg sync.WaitGroup
		for i, q := range statements {
			wg.Go(func() {
				rows, err := c.nodes[i%2].db.QueryContext(within(t, patience), q)
				if err != nil {
					t.Errorf("%s: %v", q, err)
					return
				}
				defer rows.Close()
				for rows.Next() {
					var table, op, kind, message string
					if err := rows.Scan(&table, &op, &kind, &message); err != nil || kind == "Error" {
						t.Errorf("%s: %s %s %s %s, %v", q, table, op, kind, message, err)
					}
				}
				if err := rows.Err(); err != nil {
					t.Errorf("%s: %v", q, err)
				}
			})
		}
		wg.Wait()
		if s := c.nodes[0].cat.Snapshot().Leaves[gone].State; s != topo.LeafOffline {
			t.Errorf("%s is %s: the test is none", gone, s)
		}
		release()
		c.until("whole again", whole)
	}
}
