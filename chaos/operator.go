package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// commandWithin is the longest that any command may take; then it is stuck.
const commandWithin = 4 * time.Minute

// operator gives commands while everything else goes on, one after the other. Commands may fail under faults: that is told, and is no breach.
type operator struct {
	c    *cluster
	wg   sync.WaitGroup
	busy sync.Mutex

	loaded   []string // databases of the loads
	database string   // that commands are about
	table    string   // of it, which gets and loses columns
	columns  []string // that alter has added and not dropped
}

// ask begins a step's command, unless the one before is under way.
func (o *operator) ask(ctx context.Context, s step) {
	if !o.busy.TryLock() {
		o.c.story.say("step %d: no %s: the command before is under way", s.number, s.command.what)
		return
	}
	o.wg.Go(func() {
		defer o.busy.Unlock()
		o.run(ctx, s)
	})
}

// wait waits for the command that is under way.
func (o *operator) wait() { o.wg.Wait() }

func (o *operator) run(ctx context.Context, s step) {
	name := o.c.nodeNames()[s.command.n%nodes]
	n := o.c.nodes[name]
	for _, q := range o.statements(s) {
		if !o.give(ctx, n, fmt.Sprintf("step %d: %s", s.number, name), q) {
			return
		}
	}
	o.attach(ctx)
}

// last gives the commands of an operator who finds that nothing is disturbed any more, and that all leaves are online or within is over.
func (o *operator) last(ctx context.Context, within time.Duration) {
	o.attach(ctx)
	online := func() bool {
		for _, l := range o.c.cat.Snapshot().Leaves {
			if l.State != topo.LeafOnline {
				return false
			}
		}
		return true
	}
	for late := time.Now().Add(within); !online() && time.Now().Before(late) && ctx.Err() == nil; {
		sleep(ctx, 100*time.Millisecond)
	}
	for _, q := range append(o.halfRemoved(), o.redundancy()...) {
		o.give(ctx, o.c.nodes[o.c.nodeNames()[0]], "in the end", q)
	}
}

// halfRemoved removes a spare leaf whose partner is gone, as its node was killed when it was to be removed: nothing alone there gets a second copy.
func (o *operator) halfRemoved() []string {
	s := o.c.cat.Snapshot()
	var there []string
	for _, leaf := range names("leaf", leaves+spares)[leaves:] {
		if known(s, o.at(leaf)) {
			there = append(there, leaf)
		}
	}
	if len(there) != 1 {
		return nil
	}
	return []string{"REMOVE LEAF " + o.at(there[0])}
}

// give has a node run a command, and is false when that does not end.
func (o *operator) give(ctx context.Context, n *node, when, q string) bool {
	began := time.Now()
	o.c.story.say("%s: %s", when, q)
	// Not ctx: at the end of the plan a command goes on, and is waited for.
	short, cancel := context.WithTimeout(context.WithoutCancel(ctx), commandWithin)
	_, err := n.text.ExecContext(short, q)
	cancel()
	took := time.Since(began).Round(time.Millisecond)
	if errors.Is(err, context.DeadlineExceeded) {
		o.c.dump()
		o.c.story.fail("%s: %s: no end after %s", when, q, took)
		return false
	}
	o.c.story.say("%s: %s: %s after %s", when, q, result(err), took)
	return true
}

// attach brings back leaves that are detached, as an operator would whose ATTACH LEAF has failed: nobody else does.
func (o *operator) attach(ctx context.Context) {
	for try := range 20 {
		q := ""
		for _, l := range o.c.cat.Snapshot().Leaves {
			if l.State == topo.LeafDetached {
				// What a detached leaf has may conflict with what the cluster has by now, error 1811: the cluster's is right.
				q = fmt.Sprintf("ATTACH LEAF '%s':%d FORCE", l.Host, l.Port)
			}
		}
		if q == "" {
			return
		}
		short, cancel := context.WithTimeout(context.WithoutCancel(ctx), commandWithin)
		_, err := o.c.nodes[o.c.nodeNames()[try%nodes]].text.ExecContext(short, q)
		cancel()
		o.c.story.say("%s: %s", q, result(err))
		time.Sleep(time.Second)
	}
	o.c.story.fail("detached leaves can't be attached")
}

// redundancy asks for second copies where there are none: a leaf that is detached while its pair is away has its partitions go elsewhere, and nobody
// makes second copies of these by himself.
func (o *operator) redundancy() (qs []string) {
	for _, d := range o.loaded {
		qs = append(qs, "RESTORE REDUNDANCY ON "+d)
	}
	return qs
}

func result(err error) string {
	var refused *mysql.MySQLError
	switch {
	case err == nil:
		return "done"
	case errors.As(err, &refused):
		return fmt.Sprintf("error %d: %s", refused.Number, refused.Message)
	}
	return err.Error()
}

// at is a leaf's address as SQL has it.
func (o *operator) at(leaf string) string {
	host, port := o.c.addr(leaf)
	return fmt.Sprintf("'%s':%d", host, port)
}

// statements are the SQL of a command.
func (o *operator) statements(s step) []string {
	snap, n := o.c.cat.Snapshot(), s.command.n
	switch s.command.what {
	case rebalance:
		return []string{"REBALANCE PARTITIONS ON " + o.database + []string{"", " FULL"}[n%2]}
	case restore:
		return []string{"RESTORE REDUNDANCY ON " + o.database}
	case orphans:
		return []string{"CLEAR ORPHAN DATABASES"}
	case restart:
		return []string{"RESTART LEAVES"}
	case handOver:
		name := o.c.nodeNames()[n/7%nodes]
		addr, _ := o.c.nodes[name].mysql.Load().(string)
		return []string{fmt.Sprintf("PROMOTE AGGREGATOR %s TO MASTER", quoted(addr))}
	case promote:
		d := snap.Databases[o.database]
		if d == nil || len(d.Partitions) == 0 {
			return nil
		}
		p := d.Partitions[n/7%len(d.Partitions)]
		for _, r := range p.Replicas() {
			return []string{fmt.Sprintf("PROMOTE PARTITION %s ON %s", p.ID, o.at(r))}
		}
	case alter:
		if len(o.columns) > 2 {
			column := o.columns[0]
			o.columns = o.columns[1:]
			return []string{"ALTER TABLE " + o.table + " DROP COLUMN IF EXISTS " + column}
		}
		column := fmt.Sprintf("c%d", s.number)
		o.columns = append(o.columns, column)
		return []string{"ALTER TABLE " + o.table + " ADD COLUMN " + column + []string{" INT", " INT, ALGORITHM=COPY", " VARCHAR(9) NOT NULL DEFAULT 'x' FIRST"}[n%3]}
	case createTable:
		t := fmt.Sprintf("%s.t%d", o.database, s.number)
		return []string{"CREATE TABLE " + t + " (id BIGINT PRIMARY KEY, v INT)", "INSERT INTO " + t + " VALUES (1,1),(2,2),(3,3),(4,4)", "DROP TABLE IF EXISTS " + t}
	case createDB:
		d := fmt.Sprintf("side%d", s.number)
		return []string{
			"CREATE DATABASE " + d + " PARTITIONS 4 WITH SYNC REPLICATION", "CREATE TABLE " + d + ".t (id BIGINT PRIMARY KEY)", "INSERT INTO " + d + ".t VALUES (1),(2),(3)",
			"DROP DATABASE IF EXISTS " + d,
		}
	case account:
		u := fmt.Sprintf("user%d@'%%'", s.number)
		return []string{"CREATE USER " + u + " IDENTIFIED BY 'x'", "GRANT SELECT ON " + o.table + " TO " + u, "DROP USER IF EXISTS " + u}
	case grow:
		return o.growth(snap)
	case detach:
		leaf := o.c.shape.leaves[n/7%len(o.c.shape.leaves)]
		return append([]string{"DETACH LEAF " + o.at(leaf), "ATTACH LEAF " + o.at(leaf)}, o.redundancy()...)
	}
	return nil
}

// growth adds the spare leaves when none of them is there, and removes those that are. What a fault has left half done the next such command ends.
func (o *operator) growth(s *topo.Snapshot) (qs []string) {
	spare := names("leaf", leaves+spares)[leaves:]
	for _, leaf := range spare {
		if known(s, o.at(leaf)) {
			qs = append(qs, "REMOVE LEAF "+o.at(leaf))
		}
	}
	if len(qs) > 0 {
		return qs
	}
	for i, leaf := range spare {
		host, port := o.c.addr(leaf)
		qs = append(qs, fmt.Sprintf("ADD LEAF root@'%s':%d INTO GROUP %d", host, port, 1+i%2))
	}
	return append(qs, "REBALANCE PARTITIONS ON "+o.database)
}

// known says whether the topology has a leaf at an address.
func known(s *topo.Snapshot, at string) bool {
	for _, l := range s.Leaves {
		if fmt.Sprintf("'%s':%d", l.Host, l.Port) == at {
			return true
		}
	}
	return false
}

// quoted is an address as SQL has it.
func quoted(addr string) string {
	host, port, _ := net.SplitHostPort(addr) // a listener's
	return fmt.Sprintf("'%s':%s", host, port)
}
