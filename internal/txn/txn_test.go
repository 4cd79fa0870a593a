package txn

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/localfarm"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
	"github.com/orbweaver/orbweaver/internal/mariadb"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

func TestMain(m *testing.M) { os.Exit(farmtest.Main(m)) }

var ctx = context.Background()

// env is a farm of two leaves with the partitions t:0 and t:2 on the first, t:1 on the second, each with a table t (a int primary key, b int).
type env struct {
	t     *testing.T
	farm  *localfarm.Farm
	pools *backend.Pools
	ids   *IDs
	*others
}

func newEnv(t *testing.T, f *localfarm.Farm) *env {
	t.Helper()
	ignore := goleak.IgnoreCurrent()
	e := &env{t: t, farm: f, ids: NewIDs(func() uint64 { return 0x5e55 })}
	e.others = &others{e: e, decided: map[ID]Outcome{}}
	e.pools = backend.New(backend.Config{Password: farmtest.ClusterPassword, DialTimeout: 2 * time.Second, Addr: func(leaf string) (string, bool) {
		for _, l := range f.Leaves() {
			if l.Name == leaf {
				return l.Addr(), true
			}
		}
		return "", false
	}})
	t.Cleanup(func() {
		e.pools.Close()
		for _, s := range e.pools.Stats() {
			if s.Open != 0 {
				t.Errorf("left open: %+v", s)
			}
		}
		if err := goleak.Find(ignore); err != nil {
			t.Error(err)
		}
	})
	servers := mariadb.New(e.pools)
	for _, l := range f.Leaves()[:2] { // a third one is a remote server
		e.ok(servers.Install(ctx, l.Name))
	}
	for n := range 3 {
		p := place(n)
		e.ok(servers.Serve(ctx, p.Leaf, p.Schema, p.Domain, p.Term))
		c := e.get(backend.Want{Leaf: p.Leaf, Variant: backend.Internal})
		for _, sql := range []string{"CREATE OR REPLACE DATABASE " + p.Schema, "CREATE TABLE " + p.Schema + ".t (a int primary key, b int) ENGINE=InnoDB"} {
			if _, err := c.Query(ctx, sql); err != nil {
				t.Fatal(err)
			}
		}
		c.Release()
	}
	return e
}

func place(n int) Place {
	id := topo.PartitionID{DB: "t", Ordinal: n}
	leaf := "leaf-1"
	if n == 1 {
		leaf = "leaf-2"
	}
	return Place{Leaf: leaf, Partition: id, Schema: id.Schema(), Term: 1, Domain: uint32(701 + n)}
}

func (e *env) get(w backend.Want) *backend.Conn {
	e.t.Helper()
	c, err := e.pools.Get(ctx, w)
	if err != nil {
		e.t.Fatal(err)
	}
	return c
}

// session is a session whose transactions are atomic; see others.
func (e *env) session() *Session {
	s := e.multi()
	s.SetCoordinator(&Coordinator{IDs: e.ids, Decider: e.others, Settler: e.others, Patience: 2 * time.Second})
	return s
}

// multi is a session without a coordinator.
func (e *env) multi() *Session {
	s := New(e.pools, backend.Cluster, backend.Internal)
	e.t.Cleanup(s.Close) // before the pools close
	return s
}

type lender interface {
	Conn(context.Context, Place) (*backend.Conn, error)
	Done(*backend.Conn, error) error
}

// run runs a statement at a partition as the executor does; the leaf's error comes back as it is.
func run(l lender, n int, sql string) (string, error) {
	c, err := l.Conn(ctx, place(n))
	if err != nil {
		return "", err
	}
	r, err := c.Query(ctx, sql)
	var refused *wire.ServerError
	var prep *backend.PrepareError
	if errors.As(err, &refused) && !errors.As(err, &prep) {
		if e := l.Done(c, nil); e != nil {
			return "", e
		}
		return "", refused
	}
	if err := l.Done(c, err); err != nil {
		return "", err
	}
	var b strings.Builder
	for i, row := range r.Rows {
		if i > 0 {
			b.WriteByte(',')
		}
		for j, v := range row {
			if j > 0 {
				b.WriteByte('|')
			}
			b.Write(v)
		}
	}
	return b.String(), nil
}

func (e *env) must(l lender, n int, sql string) string {
	e.t.Helper()
	got, err := run(l, n, sql)
	if err != nil {
		e.t.Fatalf("%s: %v", sql, err)
	}
	return got
}

// gone waits until a leaf has ended a connection, which another one asks for.
func (e *env) gone(c *backend.Conn, thread string) {
	e.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		res, err := c.Query(ctx, "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = "+thread)
		e.ok(err)
		if string(res.Rows[0][0]) == "0" {
			return
		}
		if time.Now().After(deadline) {
			e.t.Fatalf("connection %s does not end", thread)
		}
	}
}

func (e *env) ok(err error) {
	e.t.Helper()
	if err != nil {
		e.t.Fatal(err)
	}
}

// rows is what is committed in the three partitions, seen by others.
func (e *env) rows() string {
	e.t.Helper()
	s := New(e.pools, backend.Cluster, backend.Internal)
	defer s.Close()
	var all []string
	for n := range 3 {
		all = append(all, e.must(s, n, "SELECT a FROM t ORDER BY a"))
	}
	return strings.Join(all, " / ")
}

func (e *env) check(want string) {
	e.t.Helper()
	if got := e.rows(); got != want {
		e.t.Errorf("rows are %q, want %q", got, want)
	}
}

func TestTransactionsSpanPartitions(t *testing.T) {
	e := newEnv(t, farmtest.Shared(t, 2))
	s := e.session()
	e.must(s, 0, "INSERT INTO t VALUES (1, 1)") // autocommit
	e.check("1 /  / ")
	if !s.Free(place(0)) || s.Status() != wire.StatusAutocommit {
		t.Error("not free")
	}
	e.ok(s.Begin(ctx, Modes{}))
	if s.Status() != wire.StatusAutocommit|wire.StatusInTrans || s.Free(place(0)) {
		t.Error(s.Status())
	}
	for n := range 3 {
		e.must(s, n, "INSERT INTO t VALUES (2, 2)")
		e.must(s, n, "INSERT INTO t VALUES (3, 2)")
	}
	e.check("1 /  / ")
	if s.Held() != 3 {
		t.Error(s.Held())
	}
	if _, err := run(s, 0, "INSERT INTO t VALUES (1, 1)"); err == nil { // an error of a statement ends nothing
		t.Error("duplicate")
	}
	okPacket, err := s.Commit(ctx, End{Chain: true})
	e.ok(err)
	if okPacket.Packet != nil || !s.InTransaction() || s.Held() != 0 {
		t.Error("chain", okPacket)
	}
	e.check("1,2,3 / 2,3 / 2,3")
	e.must(s, 1, "DELETE FROM t")
	_, err = s.Rollback(ctx, End{})
	e.ok(err)
	e.check("1,2,3 / 2,3 / 2,3")
	e.ok(s.Begin(ctx, Modes{ReadOnly: true, Snapshot: true, Isolation: "READ COMMITTED"}))
	if _, err := run(s, 1, "DELETE FROM t"); err == nil || s.Status()&wire.StatusInTransReadonly == 0 {
		t.Error("a read-only transaction writes")
	}
	okPacket, err = s.Commit(ctx, End{})
	if err != nil || len(okPacket.Packet) == 0 || okPacket.Packet[0] != 0 {
		t.Error(okPacket, err)
	}
	if _, err := s.Commit(ctx, End{}); err != nil { // nothing to commit is no error
		t.Error(err)
	}
}

func TestAutocommitOff(t *testing.T) {
	e := newEnv(t, farmtest.Shared(t, 2))
	s := e.session()
	e.ok(s.SetAutocommit(ctx, false))
	if s.Status() != 0 {
		t.Error(s.Status())
	}
	e.must(s, 0, "INSERT INTO t VALUES (1, 1)")
	e.must(s, 1, "INSERT INTO t VALUES (1, 1)")
	e.check(" /  / ")
	if s.Status() != wire.StatusInTrans {
		t.Error(s.Status())
	}
	e.ok(s.SetAutocommit(ctx, true))
	e.check("1 / 1 / ")
	e.must(s, 2, "INSERT INTO t VALUES (1, 1)")
	e.check("1 / 1 / 1")
}

func TestNextTransaction(t *testing.T) {
	e := newEnv(t, farmtest.Shared(t, 2))
	s := e.session()
	e.ok(s.Next(Modes{ReadOnly: true}))
	if _, err := run(s, 0, "INSERT INTO t VALUES (1, 1)"); err == nil {
		t.Error("written")
	}
	s.EndStatement()
	e.must(s, 0, "INSERT INTO t VALUES (1, 1)")
	e.ok(s.Next(Modes{ReadOnly: true}))
	e.ok(s.Begin(ctx, Modes{}))
	if _, err := run(s, 0, "INSERT INTO t VALUES (2, 1)"); err == nil {
		t.Error("written")
	}
	if p, ok := backend.AsPacket(s.Next(Modes{})); !ok || p.Code != 1568 {
		t.Error(p)
	}
	_, err := s.Rollback(ctx, End{})
	e.ok(err)
	e.check("1 /  / ")
}

func TestSavepointsReachLateComers(t *testing.T) {
	e := newEnv(t, farmtest.Shared(t, 2))
	s := e.session()
	e.ok(s.Savepoint(ctx, "nothing"))
	e.ok(s.Begin(ctx, Modes{}))
	e.must(s, 0, "INSERT INTO t VALUES (1, 1)")
	e.ok(s.Savepoint(ctx, "a`b"))
	e.must(s, 0, "INSERT INTO t VALUES (2, 1)")
	e.must(s, 1, "INSERT INTO t VALUES (2, 1)") // joins after the savepoint
	e.ok(s.Savepoint(ctx, "later"))
	e.must(s, 2, "INSERT INTO t VALUES (2, 1)")
	back := func(to string) error {
		_, err := s.RollbackTo(ctx, to)
		return err
	}
	e.ok(back("LATER"))
	e.must(s, 2, "INSERT INTO t VALUES (3, 1)")
	e.ok(back("A`B"))
	if p, ok := backend.AsPacket(back("later")); !ok || p.Code != 1305 {
		t.Error(p)
	}
	e.must(s, 1, "INSERT INTO t VALUES (9, 1)")
	e.ok(s.ReleaseSavepoint(ctx, "a`b"))
	if p, ok := backend.AsPacket(s.ReleaseSavepoint(ctx, "a`b")); !ok || p.Code != 1305 {
		t.Error(p)
	}
	_, err := s.Commit(ctx, End{})
	e.ok(err)
	e.check("1 / 9 / ")
}

func TestGroupIsAtomic(t *testing.T) {
	e := newEnv(t, farmtest.Shared(t, 2))
	s := e.session()
	e.must(s, 1, "INSERT INTO t VALUES (5, 1)")
	insert := func(value string) error {
		g := s.Group()
		var failed error
		for n := range 3 {
			if _, err := run(g, n, "INSERT INTO t VALUES ("+value+", 1)"); err != nil {
				failed = err
				break
			}
		}
		return g.End(ctx, failed)
	}
	e.ok(insert("1"))
	e.check("1 / 1,5 / 1")
	if err := insert("5"); err == nil || s.Held() != 0 || s.InTransaction() {
		t.Error(err)
	}
	e.check("1 / 1,5 / 1")
	e.ok(s.Begin(ctx, Modes{}))
	e.must(s, 0, "INSERT INTO t VALUES (2, 1)")
	e.ok(insert("3"))
	if err := insert("5"); err == nil || !s.InTransaction() {
		t.Error(err)
	}
	_, err := s.Commit(ctx, End{})
	e.ok(err)
	e.check("1,2,3 / 1,3,5 / 1,3")
}

func TestDeadlockEndsTheTransactionEverywhere(t *testing.T) {
	e := newEnv(t, farmtest.Shared(t, 2))
	a, b := e.session(), e.session()
	e.must(a, 0, "INSERT INTO t VALUES (1, 1), (2, 1)")
	e.ok(a.Begin(ctx, Modes{}))
	e.ok(b.Begin(ctx, Modes{}))
	e.must(a, 1, "INSERT INTO t VALUES (7, 1)")
	e.must(b, 1, "INSERT INTO t VALUES (8, 1)")
	e.must(a, 0, "UPDATE t SET b=2 WHERE a=1")
	e.must(b, 0, "UPDATE t SET b=3 WHERE a=2")
	result := make(chan error)
	go func() {
		_, err := run(a, 0, "UPDATE t SET b=2 WHERE a=2")
		result <- err
	}()
	time.Sleep(200 * time.Millisecond)
	_, errB := run(b, 0, "UPDATE t SET b=3 WHERE a=1")
	errA := <-result
	loser, winner, err := a, b, errA
	if errB != nil {
		loser, winner, err = b, a, errB
	}
	if p, ok := backend.AsPacket(err); !ok || p.Code != wire.ErDeadlock {
		t.Fatalf("%v, %v", errA, errB)
	}
	if loser.InTransaction() || loser.Held() != 0 || !winner.InTransaction() {
		t.Error("the loser's transaction is open")
	}
	// What still comes of the statement is refused, until it ends.
	if _, err := run(loser, 2, "INSERT INTO t VALUES (1, 1)"); err == nil {
		t.Error("a part ran outside of the transaction")
	}
	loser.EndStatement()
	_, err = winner.Commit(ctx, End{})
	e.ok(err)
	want := "1,2 / 7 / "
	if loser == a {
		want = "1,2 / 8 / "
	}
	e.check(want)
}

func TestLockWaitTimeoutKeepsTheTransaction(t *testing.T) {
	e := newEnv(t, farmtest.Shared(t, 2))
	a, b := e.session(), e.session()
	e.must(a, 0, "INSERT INTO t VALUES (1, 1)")
	e.ok(a.Begin(ctx, Modes{}))
	e.must(a, 0, "UPDATE t SET b=2")
	b.SetState((*backend.State)(nil).With("innodb_lock_wait_timeout", "innodb_lock_wait_timeout=1"))
	e.ok(b.Begin(ctx, Modes{}))
	e.must(b, 1, "INSERT INTO t VALUES (1, 1)")
	_, err := run(b, 0, "UPDATE t SET b=3")
	if p, ok := backend.AsPacket(err); !ok || p.Code != wire.ErLockWaitTimeout || !b.InTransaction() {
		t.Error(err)
	}
	_, err = b.Commit(ctx, End{})
	e.ok(err)
	_, err = a.Rollback(ctx, End{})
	e.ok(err)
	e.check("1 / 1 / ")
}

func TestLostConnectionRollsBackEverywhere(t *testing.T) {
	e := newEnv(t, farmtest.Shared(t, 2))
	s := e.session()
	e.ok(s.Begin(ctx, Modes{}))
	e.must(s, 0, "INSERT INTO t VALUES (1, 1)")
	id := e.must(s, 1, "SELECT connection_id()")
	e.must(s, 1, "INSERT INTO t VALUES (1, 1)")
	killer := e.get(backend.Want{Leaf: "leaf-2", Variant: backend.Internal})
	_, err := killer.Query(ctx, "KILL "+id)
	e.ok(err)
	e.gone(killer, id)
	killer.Release()
	_, err = run(s, 1, "SELECT 1")
	var lost *LostError
	if p, ok := backend.AsPacket(err); !errors.As(err, &lost) || !ok || p.Code != 1213 || p.State != "40001" || !strings.Contains(p.Message, "t:1 at leaf-2") {
		t.Errorf("%v", err)
	}
	s.EndStatement()
	if s.InTransaction() || s.Held() != 0 {
		t.Error("still open")
	}
	e.check(" /  / ")
	// At COMMIT of several, a dead part is seen before anything is committed.
	e.ok(s.Begin(ctx, Modes{}))
	e.must(s, 0, "INSERT INTO t VALUES (1, 1)")
	id = e.must(s, 1, "SELECT connection_id()")
	killer = e.get(backend.Want{Leaf: "leaf-2", Variant: backend.Internal})
	_, err = killer.Query(ctx, "KILL "+id)
	e.ok(err)
	e.gone(killer, id)
	killer.Release()
	if _, err = s.Commit(ctx, End{}); !errors.As(err, &lost) {
		t.Errorf("%v", err)
	}
	e.check(" /  / ")
	// Another master in the midst of it.
	e.ok(s.Begin(ctx, Modes{}))
	e.must(s, 0, "INSERT INTO t VALUES (1, 1)")
	p := place(0)
	p.Term = 2
	if _, err := s.Conn(ctx, p); !errors.As(err, &lost) || lost.Err != nil {
		t.Errorf("%v", err)
	}
	s.EndStatement()
	e.check(" /  / ")
}

// A leaf that stops answering in the middle of COMMIT: where nobody makes transactions atomic they are committed in part, or it is unknown, each named.
func TestCommitInTurnThatIsCutOff(t *testing.T) {
	f := farmtest.Start(t, 2)
	e := newEnv(t, f)
	s := e.multi()
	atomic := e.session()
	atomic.SetMode(Multi) // is the same
	for i, order := range [][]int{{0, 1, 2}, {1, 0}} {
		if i == 1 {
			s = atomic
		}
		e.ok(s.Begin(ctx, Modes{}))
		for _, n := range order {
			e.must(s, n, "INSERT INTO t VALUES (1, 1)")
		}
		e.ok(f.Pause(1))
		cctx, cancel := context.WithTimeout(ctx, time.Second)
		_, err := s.Commit(cctx, End{})
		cancel()
		e.ok(f.Resume(1))
		if len(order) == 3 {
			var part *PartialCommitError
			if !errors.As(err, &part) || len(part.Committed) != 1 || len(part.Unknown) != 1 || len(part.RolledBack) != 1 ||
				part.Committed[0] != place(0) || part.Unknown[0] != place(1) || part.RolledBack[0] != place(2) || !backend.OutcomeUnknown(err) {
				t.Errorf("%v", err)
			}
		} else {
			var unknown *UnknownCommitError
			if !errors.As(err, &unknown) || unknown.Place != place(1) || len(unknown.RolledBack) != 1 {
				t.Errorf("%v", err)
			}
		}
		if p, ok := backend.AsPacket(err); !ok || p.Code != 1180 {
			t.Error(p)
		}
		if s.InTransaction() || s.Held() != 0 {
			t.Error("still open")
		}
		for n := range 3 {
			e.must(s, n, "DELETE FROM t")
		}
	}
}

// Atomic ones are rolled back everywhere when a branch can't be prepared, and settled when it is the deciding partition that does not answer.
func TestCommitThatIsCutOff(t *testing.T) {
	f := farmtest.Start(t, 2)
	e := newEnv(t, f)
	s := e.session()
	for _, order := range [][]int{{0, 1, 2}, {1, 0}} {
		e.ok(s.Begin(ctx, Modes{}))
		for _, n := range order {
			e.must(s, n, "INSERT INTO t VALUES (1, 1)")
		}
		e.ok(f.Pause(1))
		cctx, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
		_, err := s.Commit(cctx, End{})
		cancel()
		e.ok(f.Resume(1))
		var lost *LostError
		if !errors.As(err, &lost) || lost.Place != place(1) {
			t.Errorf("%v", err)
		}
		if s.InTransaction() || s.Held() != 0 {
			t.Error("still open")
		}
		e.later()
		if n := e.prepared(); n != 0 {
			t.Errorf("%d branches are left", n)
		}
		e.check(" /  / ")
	}
}
