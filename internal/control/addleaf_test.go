package control_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/order"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// outsiders gives servers that are no leaves yet an account to add them by, and their ADD LEAF.
func (c *cluster) outsiders() (statements []string) {
	c.t.Helper()
	for i := c.members; i < len(c.farm.Leaves()); i++ {
		c.at(c.leaf(i), "SET sql_log_bin=0", "CREATE USER adder@'%'", "GRANT ALL PRIVILEGES ON *.* TO adder@'%' WITH GRANT OPTION")
		statements = append(statements, fmt.Sprintf("ADD LEAF adder@'%s':%d", c.farm.Leaves()[i].Host, c.farm.Leaves()[i].Port))
	}
	return statements
}

// eventOf waits for an event of a kind.
func (c *cluster) eventOf(n *node, kind, text string) {
	c.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		events, err := n.cat.Events(within(c.t, patience))
		if err != nil {
			c.t.Fatal(err)
		}
		for _, e := range events {
			if e.Kind == kind && strings.Contains(e.Detail, text) {
				return
			}
		}
		if time.Now().After(deadline) {
			c.t.Errorf("there is no event %q with %q: %+v", kind, text, events)
			return
		}
	}
}

// failedWith makes sure that an error is a number and says something.
func failedWith(t *testing.T, err error, number uint16, text string) {
	t.Helper()
	var e *mysql.MySQLError
	if !errors.As(err, &e) || e.Number != number || !strings.Contains(e.Message, text) {
		t.Errorf("%v, want %d … %s …", err, number, text)
	}
}

// The controller dies in the middle of ADD LEAF: the next one goes on with it, and says so. Who says it again hears that it is done.
func TestAddLeafGoesOnUnderTheNextController(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 1, 0)
	c.members = 1
	c.first(3)
	c.must("SET GLOBAL auto_attach = OFF", "CREATE DATABASE d PARTITIONS 2", "CREATE REFERENCE TABLE d.r (id INT PRIMARY KEY)", "INSERT INTO d.r VALUES (1), (2)")
	add := c.outsiders()[0]
	last := c.nodes[2]
	lock, err := last.member.Lock(within(t, patience), "") // as DDL does: the leaf can't be given its shapes
	if err != nil {
		t.Fatal(err)
	}
	said := func(on *sql.DB) chan error {
		done := make(chan error, 1)
		go func() { _, err := on.ExecContext(within(t, patience), add); done <- err }()
		return done
	}
	first := said(last.db)
	c.until("begun", func(s *topo.Snapshot) bool { l := s.Leaves["leaf-2"]; return l != nil && l.State == topo.LeafAttaching })
	again := said(c.nodes[1].db)
	c.nodes[0].crash(t)
	for last.cat.Controller() == "" || last.cat.Controller() == "node-1" {
		time.Sleep(10 * time.Millisecond)
	}
	lock.Unlock()
	if err := <-first; err != nil {
		t.Errorf("under the next controller: %v", err)
	}
	if l := last.cat.Snapshot().Leaves["leaf-2"]; l == nil || l.State != topo.LeafOnline {
		t.Errorf("leaf-2: %+v", l)
	}
	failedWith(t, <-again, 1476, "as leaf-2, online, in availability group 1, by the ADD LEAF with number")
	_, err = last.db.Exec(add)
	failedWith(t, err, 1476, "Nothing is left to be done")
	if n := c.ask("leaf-2", "SELECT COUNT(*) FROM d.r"); n != "2" {
		t.Errorf("%s rows of the reference table", n)
	}
	c.eventOf(last, "command done", "ADD LEAF, number")
}

// A server that could not be taken in is as it was: it can be added once more.
func TestAddLeafThatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 1, 0)
	c.members = 1
	c.first(1)
	c.must("CREATE DATABASE a PARTITIONS 1", "CREATE TABLE a.t (id INT PRIMARY KEY)", "CREATE DATABASE d PARTITIONS 1", "CREATE REFERENCE TABLE d.r (id INT PRIMARY KEY)", "INSERT INTO d.r VALUES (1)")
	add := c.outsiders()[0]
	n := c.nodes[0]
	tx, err := n.db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec("INSERT INTO d.r VALUES (2)"); err != nil { // the leaf waits for its end
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	go func() { _, err := n.db.ExecContext(within(t, patience), add); failed <- err }()
	c.until("begun", func(s *topo.Snapshot) bool { return s.Leaves["leaf-2"] != nil })
	c.at(c.leaf(1), "SET sql_log_bin=0", "CREATE DATABASE a") // what a copy that was cut off leaves
	for _, cmd := range n.cat.Commands() {
		if cmd.Kind == order.AddLeaf {
			c.must(fmt.Sprintf("CANCEL %d", cmd.ID))
		}
	}
	failedWith(t, <-failed, 1317, "cancelled")
	if err := tx.Rollback(); err != nil {
		t.Error(err)
	}
	if l := n.cat.Snapshot().Leaves["leaf-2"]; l != nil {
		t.Errorf("the leaf is there: %+v", l)
	}
	c.must(add)
	c.until("online", func(s *topo.Snapshot) bool {
		return s.Leaves["leaf-2"] != nil && s.Leaves["leaf-2"].State == topo.LeafOnline
	})
}

// A controller has removed a leaf and died before it could say so.
func TestRemoveLeafThatWasDoneIsNoError(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 1, 2)
	c.nodes[1].watch.Close() // which is not the controller
	c.nodes[0].watch.Close()
	n := c.nodes[0]
	ctx := within(t, patience)
	lead, err := n.member.Campaign(ctx)
	if err != nil {
		t.Fatal(err)
	}
	leaf := c.farm.Leaves()[1]
	done := make(chan error, 1)
	go func() {
		_, err := c.nodes[1].db.ExecContext(ctx, fmt.Sprintf("REMOVE LEAF '%s':%d", leaf.Host, leaf.Port))
		done <- err
	}()
	for len(n.cat.Commands()) == 0 {
		time.Sleep(time.Millisecond)
	}
	cmd := n.cat.Commands()[0]
	cmd.State, cmd.Leaf = catalog.CommandRunning, leaf.Name
	if err := n.member.SaveCommand(lead, cmd); err != nil {
		t.Fatal(err)
	}
	if _, err := n.cat.Update(lead, func(x *catalog.Txn) error { x.DropLeaf(leaf.Name); return nil }); err != nil {
		t.Fatal(err)
	}
	if err := n.member.Resign(context.Background()); err != nil {
		t.Fatal(err)
	}
	c.next()
	if err := <-done; err != nil {
		t.Error(err)
	}
	c.eventOf(c.nodes[1], "command done", "REMOVE LEAF")
	_, err = c.nodes[1].db.Exec(fmt.Sprintf("REMOVE LEAF '%s':%d", leaf.Host, leaf.Port))
	failedWith(t, err, 1477, "does not exist")
}
