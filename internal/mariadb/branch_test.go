package mariadb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/localfarm"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
	"github.com/orbweaver/orbweaver/internal/xid"
)

// branches are two leaves of which the second follows partition p:0 of the first, and transactions over several places that are driven by hand.
type branches struct {
	t     *testing.T
	ctx   context.Context
	farm  *localfarm.Farm
	s     *Servers
	pools *backend.Pools
	a, b  string
	seq   uint64
}

const (
	firstTerm, secondTerm = 11, 12 // their domains
	inTheLog              = true
)

func newBranches(t *testing.T) *branches {
	farm := farmtest.Start(t, 2)
	s, pools := servers(t, farm)
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	t.Cleanup(cancel)
	e := &branches{t: t, ctx: ctx, farm: farm, s: s, pools: pools, a: farm.Leaves()[0].Name, b: farm.Leaves()[1].Name}
	must := fatal(t)
	must(s.Serve(ctx, e.a, "p_0", firstTerm, 1))
	must(s.Follow(ctx, e.b, e.a, farm.Leaves()[0].Addr(), Start{Domain: firstTerm}))
	writer(t, pools, e.a, "p_0", firstTerm, "CREATE DATABASE p_0", "CREATE TABLE p_0.t (a INT PRIMARY KEY, b INT, KEY (b))", "INSERT INTO p_0.t VALUES (1, 1), (10, 10), (20, 20)")
	e.arrived(e.b, e.a, firstTerm)
	return e
}

// xid is a new branch of p:0.
func (e *branches) branch() xid.XID {
	e.seq++
	return xid.XID{ID: xid.ID{Owner: 7, Seq: uint64(time.Now().UnixMicro()) + e.seq}, Decider: 99, Place: xid.PlaceHash(topo.PartitionID{DB: "p"}), Thread: 1}
}

// at runs statements on a connection of their own, which is closed then.
func (e *branches) at(leaf string, sql ...string) (last *backend.Result) {
	e.t.Helper()
	c, err := e.s.conn(e.ctx, leaf)
	if err != nil {
		e.t.Fatal(err)
	}
	defer e.closed(leaf, c)
	for _, q := range sql {
		if last, err = c.Query(e.ctx, q); err != nil {
			e.t.Fatalf("leaf %s: %s: %v", leaf, q, err)
		}
	}
	return last
}

// closed ends a connection and waits until it is gone: a branch is free only then.
func (e *branches) closed(leaf string, c *backend.Conn) {
	e.t.Helper()
	thread := c.Thread()
	_, _ = c.Query(e.ctx, fmt.Sprintf("KILL CONNECTION %d", thread))
	c.Release()
	other, err := e.s.conn(e.ctx, leaf)
	if err != nil {
		e.t.Fatal(err)
	}
	defer other.Release()
	for {
		res, err := other.Query(e.ctx, fmt.Sprintf("SELECT 1 FROM information_schema.PROCESSLIST WHERE ID = %d", thread))
		if err != nil {
			e.t.Fatalf("leaf %s: %v", leaf, err)
		}
		if len(res.Rows) == 0 {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// prepare leaves a branch prepared; one that is not logged is what a crash between InnoDB and the log leaves.
func (e *branches) prepare(leaf string, x xid.XID, domain int, inLog bool, sql ...string) {
	e.t.Helper()
	begin := []string{fmt.Sprintf("CALL orbweaver.serve('p_0', %d)", domain)}
	if !inLog {
		begin = []string{unlogged}
	}
	e.at(leaf, append(append(append(begin, "XA START "+x.SQL()), sql...), "XA END "+x.SQL(), "XA PREPARE "+x.SQL())...)
}

func (e *branches) end(leaf, verb string, x xid.XID, domain int) {
	e.t.Helper()
	e.at(leaf, fmt.Sprintf("CALL orbweaver.serve('p_0', %d)", domain), verb+" "+x.SQL())
}

// prepared says whether exactly these branches are prepared at a leaf.
func (e *branches) prepared(leaf string, want ...xid.XID) {
	e.t.Helper()
	var all []xid.XID
	for range 100 { // connections that are being closed
		var err error
		if all, err = e.s.Branches(e.ctx, leaf); err != nil {
			e.t.Fatal(err)
		}
		if len(all) == len(want) && !slices.ContainsFunc(want, func(x xid.XID) bool { return !slices.Contains(all, x) }) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	e.t.Errorf("leaf %s has prepared %v, want %v", leaf, all, want)
}

func (e *branches) position(leaf string, domain uint32) uint64 {
	e.t.Helper()
	pos, err := e.s.BinlogPosition(e.ctx, leaf)
	if err != nil {
		e.t.Fatal(err)
	}
	return pos[domain].Sequence
}

// arrived waits until a leaf has what another one has of a domain, by a link that goes on.
func (e *branches) arrived(leaf, from string, domain uint32) {
	e.t.Helper()
	pos, err := e.s.BinlogPosition(e.ctx, from)
	if err != nil {
		e.t.Fatal(err)
	}
	for {
		short, cancel := context.WithTimeout(e.ctx, 500*time.Millisecond)
		err := e.s.WaitReached(short, leaf, pos[domain])
		cancel()
		links, lerr := e.s.Links(e.ctx, leaf)
		if err == nil && lerr == nil && links[from] != nil && links[from].Applying {
			return
		}
		if lerr != nil || links[from] == nil || links[from].Broken() || e.ctx.Err() != nil {
			e.t.Fatalf("leaf %s does not follow %s: %v, %+v, %v", leaf, from, err, links[from], lerr)
		}
	}
}

func (e *branches) rows(leaf, want string) {
	e.t.Helper()
	res := e.at(leaf, "SELECT COALESCE(GROUP_CONCAT(a, ':', b ORDER BY a), '') FROM p_0.t")
	if got := string(res.Rows[0][0]); got != want {
		e.t.Errorf("leaf %s has %s, want %s", leaf, got, want)
	}
}

// restart kills a server with -9 and waits until it is back.
func (e *branches) restart(i int) {
	e.t.Helper()
	if err := e.farm.Kill(i); err != nil {
		e.t.Fatal(err)
	}
	if err := e.farm.AwaitReady(e.ctx, i); err != nil {
		e.t.Fatal(err)
	}
	e.pools.Drop(e.farm.Leaves()[i].Name)
}

func TestBranchesAreReplicated(t *testing.T) {
	e := newBranches(t)
	x, y, empty, once := e.branch(), e.branch(), e.branch(), e.branch()
	e.prepare(e.a, x, firstTerm, inTheLog, "INSERT INTO p_0.t VALUES (2, 2)")
	e.prepare(e.a, y, firstTerm, inTheLog, "UPDATE p_0.t SET b = 11 WHERE a = 10")
	e.arrived(e.b, e.a, firstTerm)
	e.prepared(e.b, x, y)
	e.rows(e.b, "1:1,10:10,20:20")
	// What has written nothing is prepared, and is in no log; nor is its end.
	was := e.position(e.a, firstTerm)
	e.at(e.a, "CALL orbweaver.serve('p_0', 11)", "XA START "+empty.SQL(), "SELECT * FROM p_0.t WHERE a = 1 FOR UPDATE", "XA END "+empty.SQL(), "XA PREPARE "+empty.SQL(), "XA COMMIT "+empty.SQL())
	if now := e.position(e.a, firstTerm); now != was {
		t.Errorf("a branch without writes has logged %d transactions", now-was)
	}
	// One phase is one transaction; two are two.
	e.at(e.a, "CALL orbweaver.serve('p_0', 11)", "XA START "+once.SQL(), "INSERT INTO p_0.t VALUES (3, 3)", "XA END "+once.SQL(), "XA COMMIT "+once.SQL()+" ONE PHASE")
	if now := e.position(e.a, firstTerm); now != was+1 {
		t.Errorf("one phase has logged %d transactions", now-was)
	}
	// A replica that is killed meanwhile has them still.
	e.restart(1)
	fatal(t)(e.s.Reconcile(e.ctx, e.b))
	e.prepared(e.b, x, y)
	fatal(t)(e.s.Tune(e.ctx, e.b, func(string) bool { return true }))
	e.end(e.a, "XA COMMIT", x, firstTerm)
	e.end(e.a, "XA ROLLBACK", y, firstTerm)
	e.arrived(e.b, e.a, firstTerm)
	e.prepared(e.b)
	e.rows(e.b, "1:1,2:2,3:3,10:10,20:20")
}

// A master is killed with prepared branches; its replica goes on, and ends them in its own term. The old master comes back and follows.
func TestBranchesOutliveAMaster(t *testing.T) {
	e := newBranches(t)
	must := fatal(t)
	committed, undone, open, errant := e.branch(), e.branch(), e.branch(), e.branch()
	e.prepare(e.a, committed, firstTerm, inTheLog, "INSERT INTO p_0.t VALUES (2, 2)")
	e.prepare(e.a, undone, firstTerm, inTheLog, "INSERT INTO p_0.t VALUES (3, 3)")
	e.prepare(e.a, open, firstTerm, inTheLog, "INSERT INTO p_0.t VALUES (4, 4)")
	e.arrived(e.b, e.a, firstTerm)
	// What nobody else has would hold the row for ever.
	e.prepare(e.a, errant, firstTerm, !inTheLog, "UPDATE p_0.t SET b = 77 WHERE a = 20")
	must(e.farm.Kill(0))
	must(e.s.DrainReceived(e.ctx, e.b, e.a, []uint32{firstTerm}))
	must(e.s.Serve(e.ctx, e.b, "p_0", secondTerm, 2))
	must(e.s.Unlink(e.ctx, e.b, e.a))
	e.end(e.b, "XA COMMIT", committed, secondTerm)
	e.end(e.b, "XA ROLLBACK", undone, secondTerm)
	e.at(e.b, "CALL orbweaver.serve('p_0', 12)", "UPDATE p_0.t SET b = 21 WHERE a = 20")
	must(e.farm.AwaitReady(e.ctx, 0))
	e.pools.Drop(e.a)
	e.prepared(e.a, committed, undone, open, errant)
	was := e.position(e.a, firstTerm)
	must(e.s.Reconcile(e.ctx, e.a))
	e.prepared(e.a, committed, undone, open)
	if now := e.position(e.a, firstTerm); now != was {
		t.Errorf("%d transactions were logged where none may be", now-was)
	}
	must(e.s.Follow(e.ctx, e.a, e.b, e.farm.Leaves()[1].Addr(), Start{Domain: secondTerm}))
	e.arrived(e.a, e.b, secondTerm)
	e.prepared(e.a, open)
	e.rows(e.a, "1:1,2:2,10:10,20:21")
	e.end(e.b, "XA COMMIT", open, secondTerm)
	e.arrived(e.a, e.b, secondTerm)
	e.prepared(e.a)
	e.rows(e.a, "1:1,2:2,4:4,10:10,20:21")
}

// What a crash leaves between InnoDB and the binary log is ended as the log has it, and without another entry: replicas follow on.
func TestReconcileGoesByTheLog(t *testing.T) {
	e := newBranches(t)
	must := fatal(t)
	prepared, unlogged1 := e.branch(), e.branch()
	e.prepare(e.a, prepared, firstTerm, inTheLog, "INSERT INTO p_0.t VALUES (2, 2)")
	e.prepare(e.a, unlogged1, firstTerm, !inTheLog, "INSERT INTO p_0.t VALUES (3, 3)")
	// Ended in the log, and not in InnoDB: the replica has got it, and the master is made to have it prepared once more.
	ends := map[string]xid.XID{"XA COMMIT": e.branch(), "XA ROLLBACK": e.branch()}
	for verb, x := range ends {
		row := map[string]string{"XA COMMIT": "4", "XA ROLLBACK": "5"}[verb]
		e.prepare(e.a, x, firstTerm, inTheLog, "INSERT INTO p_0.t VALUES ("+row+", 4)")
		e.end(e.a, verb, x, firstTerm)
		e.at(e.a, unlogged, "DELETE FROM p_0.t WHERE a = "+row)
		e.prepare(e.a, x, firstTerm, !inTheLog, "INSERT INTO p_0.t VALUES ("+row+", 4)")
	}
	e.at(e.a, "FLUSH BINARY LOGS")
	e.restart(0)
	was := e.position(e.a, firstTerm)
	if err := e.s.DiscardStrays(e.ctx, e.a, func(xid.XID) bool { return true }); !errors.Is(err, ErrNotReconciled) {
		t.Errorf("branches are discarded by a list that is not the log's: %v", err)
	}
	for range 2 {
		must(e.s.Reconcile(e.ctx, e.a))
		e.prepared(e.a, prepared)
	}
	if now := e.position(e.a, firstTerm); now != was {
		t.Errorf("%d transactions were logged where none may be", now-was)
	}
	e.rows(e.a, "1:1,4:4,10:10,20:20")
	e.end(e.a, "XA COMMIT", prepared, firstTerm)
	e.arrived(e.b, e.a, firstTerm)
	e.prepared(e.b)
	e.rows(e.b, "1:1,2:2,4:4,10:10,20:20")
	// A replica that was killed when it had prepared what its log does not have gets it once more.
	again := e.branch()
	must(e.farm.Kill(1))
	e.prepare(e.a, again, firstTerm, inTheLog, "INSERT INTO p_0.t VALUES (6, 6)")
	must(e.farm.AwaitReady(e.ctx, 1))
	e.pools.Drop(e.b)
	e.prepare(e.b, again, firstTerm, !inTheLog, "INSERT INTO p_0.t VALUES (6, 6)")
	e.restart(1)
	must(e.s.Reconcile(e.ctx, e.b))
	e.prepared(e.b)
	must(e.s.Tune(e.ctx, e.b, func(string) bool { return true }))
	e.arrived(e.b, e.a, firstTerm)
	e.prepared(e.b, again)
	e.end(e.a, "XA COMMIT", again, firstTerm)
	e.arrived(e.b, e.a, firstTerm)
	e.rows(e.b, "1:1,2:2,4:4,6:6,10:10,20:20")
}

// XA PREPARE is in the log before it is in InnoDB: what a crash in between has lost has its end all the same, and a replica that has lost it stands before it.
func TestReconcileFindsWhatWasLost(t *testing.T) {
	e := newBranches(t)
	must := fatal(t)
	loses := func(i int, x xid.XID) { // which others have
		t.Helper()
		leaf := e.farm.Leaves()[i].Name
		e.restart(i) // or the connection that has prepared it may still be there, and nothing would be rolled back
		e.at(leaf, unlogged, "XA ROLLBACK "+x.SQL())
		e.prepared(leaf)
		e.at(leaf, unlogged, "REPLACE INTO orbweaver.probe VALUES (78, NOW())") // a rollback alone need not be on disk
		e.restart(i)
	}
	lostAt := func(leaf string) map[xid.Branch]bool {
		t.Helper()
		c, err := e.s.conn(e.ctx, leaf)
		must(err)
		defer c.Release()
		all, err := Lost(e.ctx, c)
		must(err)
		return all
	}
	// The master: its replica has the branch, and its row's lock. Another replica may get it later.
	lost := e.branch()
	e.prepare(e.a, lost, firstTerm, inTheLog, "UPDATE p_0.t SET b = 11 WHERE a = 10")
	e.arrived(e.b, e.a, firstTerm)
	e.prepared(e.b, lost)
	loses(0, lost)
	was := e.position(e.a, firstTerm)
	for range 2 {
		must(e.s.Reconcile(e.ctx, e.a))
		e.prepared(e.a)
		if all := lostAt(e.a); len(all) != 1 || !all[lost.Branch()] {
			t.Errorf("lost are %v", all)
		}
	}
	if now := e.position(e.a, firstTerm); now != was {
		t.Errorf("%d transactions were logged where none may be", now-was)
	}
	e.at(e.a, "CALL orbweaver.serve('p_0', 11)", "UPDATE p_0.t SET b = 12 WHERE a = 10")
	must(e.s.Discard(e.ctx, e.b, func(x xid.XID) bool { return x == lost })) // or the replica would wait for it
	e.arrived(e.b, e.a, firstTerm)
	e.rows(e.b, "1:1,10:12,20:20")
	// Twice: another start, another look.
	e.restart(0)
	must(e.s.Reconcile(e.ctx, e.a))
	e.prepared(e.a)
	if all := lostAt(e.a); len(all) != 1 {
		t.Errorf("lost are %v", all)
	}
	// What was discarded is not lost.
	given := e.branch()
	e.prepare(e.a, given, firstTerm, inTheLog, "UPDATE p_0.t SET b = 13 WHERE a = 10")
	e.arrived(e.b, e.a, firstTerm)
	must(e.s.Discard(e.ctx, e.b, func(x xid.XID) bool { return x == given }))
	stood, err := e.s.Stands(e.ctx, e.b)
	must(err)
	e.restart(1)
	must(e.s.Reconcile(e.ctx, e.b))
	e.prepared(e.b)
	now, err := e.s.Stands(e.ctx, e.b)
	must(err)
	if now[firstTerm] != stood[firstTerm] {
		t.Errorf("with a discarded branch it stands at %s, was at %s", now[firstTerm], stood[firstTerm])
	}
	// The replica: what it has is not enough for its position.
	e.end(e.a, "XA ROLLBACK", given, firstTerm)
	e.at(e.b, unlogged, "XA START "+given.SQL(), "INSERT INTO orbweaver.probe VALUES (77, NOW())", "XA END "+given.SQL(), "XA PREPARE "+given.SQL())
	must(e.s.Tune(e.ctx, e.b, func(string) bool { return true }))
	e.arrived(e.b, e.a, firstTerm)
	third := e.branch()
	e.prepare(e.a, third, firstTerm, inTheLog, "UPDATE p_0.t SET b = 14 WHERE a = 10")
	e.arrived(e.b, e.a, firstTerm)
	stood, err = e.s.Stands(e.ctx, e.b)
	must(err)
	loses(1, third)
	must(e.s.Reconcile(e.ctx, e.b))
	now, err = e.s.Stands(e.ctx, e.b)
	must(err)
	if now[firstTerm].Sequence != stood[firstTerm].Sequence-1 {
		t.Errorf("a replica that has lost a branch stands at %s, was at %s", now[firstTerm], stood[firstTerm])
	}
	must(e.s.Tune(e.ctx, e.b, func(string) bool { return true }))
	for range 200 {
		links, err := e.s.Links(e.ctx, e.b)
		must(err)
		if links[e.a].Error != "" {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Error("replication goes on after a loss")
}

// What Reconcile is for: without it replication ends with these errors.
func TestReplicationEndsAtForeignBranches(t *testing.T) {
	e := newBranches(t)
	number := func(want string) {
		t.Helper()
		for range 100 {
			res := e.at(e.b, "SHOW ALL SLAVES STATUS")
			if i := slices.Index(res.Columns, "Last_SQL_Errno"); string(res.Rows[0][i]) != "0" {
				if got := string(res.Rows[0][i]); got != want {
					t.Errorf("error %s, want %s", got, want)
				}
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
		t.Errorf("replication goes on, want error %s", want)
	}
	twice, unknown := e.branch(), e.branch()
	e.prepare(e.b, twice, firstTerm, !inTheLog, "INSERT INTO p_0.t VALUES (2, 2)")
	e.prepare(e.a, twice, firstTerm, inTheLog, "INSERT INTO p_0.t VALUES (2, 2)")
	number("1440")
	fatal(t)(e.s.Discard(e.ctx, e.b, func(x xid.XID) bool { return x == twice }))
	e.at(e.b, "START SLAVE "+lit(e.a))
	e.arrived(e.b, e.a, firstTerm)
	e.prepare(e.a, unknown, firstTerm, !inTheLog, "INSERT INTO p_0.t VALUES (3, 3)")
	e.end(e.a, "XA ROLLBACK", unknown, firstTerm) // it is logged, though its XA PREPARE was not
	number("1397")
}

// A copy that is given up has its branches discarded, which would keep its tables from being dropped, and its decisions go with it.
func TestDropDiscardsBranches(t *testing.T) {
	e := newBranches(t)
	mine, other := e.branch(), e.branch()
	other.Place = xid.PlaceHash(topo.PartitionID{DB: "p", Ordinal: 1})
	e.prepare(e.a, mine, firstTerm, inTheLog, "INSERT INTO p_0.t VALUES (2, 2)")
	e.at(e.a, unlogged, "CREATE DATABASE p_1", "CREATE TABLE p_1.t (a INT PRIMARY KEY)", "INSERT INTO orbweaver.decisions VALUES ('p_0', 1, 1, 'committed', NOW(6)), ('p_1', 1, 1, 'committed', NOW(6))")
	e.prepare(e.a, other, firstTerm, !inTheLog, "INSERT INTO p_1.t VALUES (2)")
	c, err := e.s.conn(e.ctx, e.a)
	fatal(t)(err)
	defer c.Release()
	var refused *wire.ServerError
	if _, err := c.Query(e.ctx, "SET SESSION innodb_lock_wait_timeout = 1, sql_log_bin = 0"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Query(e.ctx, "DROP DATABASE p_0"); !errors.As(err, &refused) || refused.Code != wire.ErLockWaitTimeout {
		t.Errorf("DROP DATABASE with a prepared branch: %v", err)
	}
	was := e.position(e.a, firstTerm)
	fatal(t)(e.s.Drop(e.ctx, e.a, "p_0"))
	e.prepared(e.a, other)
	if now := e.position(e.a, firstTerm); now != was {
		t.Errorf("%d transactions were logged where none may be", now-was)
	}
	if left := e.at(e.a, "SELECT GROUP_CONCAT(`partition`) FROM orbweaver.decisions"); string(left.Rows[0][0]) != "p_1" {
		t.Errorf("decisions of %s are left", left.Rows[0][0])
	}
	if all := e.at(e.a, "SHOW DATABASES LIKE 'p\\_%'"); len(all.Rows) != 1 || !strings.HasPrefix(string(all.Rows[0][0]), "p_1") {
		t.Errorf("databases %q", all.Rows)
	}
}

// A connection that is reset seems to let go of its branch: others see it, and end it without an error and without any effect. So connections with prepared branches are
// closed.
func TestResetConnectionsKeepBranches(t *testing.T) {
	e := newBranches(t)
	for _, closed := range []bool{false, true} {
		x := e.branch()
		c, err := e.s.conn(e.ctx, e.a)
		fatal(t)(err)
		for _, q := range []string{unlogged, "DELETE FROM p_0.t", "XA START " + x.SQL(), "INSERT INTO p_0.t VALUES (2, 2)", "XA END " + x.SQL(), "XA PREPARE " + x.SQL()} {
			if _, err := c.Query(e.ctx, q); err != nil {
				t.Fatal(err)
			}
		}
		if closed {
			c.Discard()
			c.Release()
		} else {
			fatal(t)(c.Send(wire.ComResetConnection))
			fatal(t)(c.Drain())
		}
		ended := false
		for !ended {
			other, err := e.s.conn(e.ctx, e.a)
			fatal(t)(err)
			ended, err = endBranch(e.ctx, other, "XA COMMIT ", x)
			fatal(t)(err)
			other.Release()
		}
		if closed {
			e.rows(e.a, "2:2")
			continue
		}
		e.rows(e.a, "")
		c.Discard()
		c.Release()
		e.restart(0)
		e.prepared(e.a, x) // there it is
		fatal(t)(e.s.Discard(e.ctx, e.a, func(xid.XID) bool { return true }))
	}
}
