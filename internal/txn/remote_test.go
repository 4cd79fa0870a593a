package txn

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
)

// far are two places of a remote server: the farm's third leaf, under another login.
func (e *env) far() [2]Place {
	e.t.Helper()
	c := e.get(backend.Want{Leaf: "leaf-3", Variant: backend.Internal})
	defer c.Release()
	for _, sql := range []string{
		"CREATE OR REPLACE USER far@'%' IDENTIFIED BY 'f'", "CREATE OR REPLACE DATABASE far", "CREATE TABLE far.t (a int primary key, b int) ENGINE=InnoDB", "GRANT ALL ON far.* TO far@'%'",
	} {
		if _, err := c.Query(ctx, sql); err != nil {
			e.t.Fatal(err)
		}
	}
	r := backend.Remote{ID: "server far", Name: "far", Network: "tcp", Addr: e.farm.Leaves()[2].Addr(), User: "far",
		Base: (*backend.State)(nil).With("sql_mode", "sql_mode='ANSI'")}.WithPassword("f")
	return [2]Place{{Leaf: r.ID, Remote: r}, {Leaf: r.ID, Remote: r, Slot: 1, Link: 1}}
}

// unasked is a guard that must not be asked about remote servers.
type unasked struct {
	uneven
	t *testing.T
}

func (u *unasked) asked(p Place) {
	if p.Remote != nil {
		u.t.Errorf("%s was asked about", p)
	}
}

func (u *unasked) EnterCommit(p Place) bool { u.asked(p); return true }

func (u *unasked) LeaveCommit(p Place) { u.asked(p) }

func (u *unasked) Confirm(_ context.Context, p Place, _ *backend.Conn) error { u.asked(p); return nil }

// at runs a statement at a place.
func (e *env) at(l lender, p Place, sql string) {
	e.t.Helper()
	c, err := l.Conn(ctx, p)
	e.ok(err)
	_, err = c.Query(ctx, sql)
	e.ok(l.Done(c, err))
}

// Partitions of one remote server have a connection each, and are committed and rolled back with all else.
func TestRemotePlaces(t *testing.T) {
	e := newEnv(t, farmtest.Shared(t, 3))
	far := e.far()
	s := e.session()
	u := &unasked{t: t}
	s.SetGuard(u)
	for _, commit := range []bool{false, true} {
		e.ok(s.Begin(ctx, Modes{}))
		e.at(s, far[0], `INSERT INTO "far"."t" VALUES (1, 1)`) // under the base's mode
		e.at(s, far[1], `INSERT INTO "far"."t" VALUES (2, 2)`)
		e.at(s, place(0), "INSERT INTO t VALUES (3, 3)")
		if n := s.Held(); n != 3 {
			t.Errorf("%d connections are held", n)
		}
		end, want, there := s.Rollback, " /  / ", ""
		if commit {
			end, want, there = s.Commit, "3 /  / ", "1,2"
		}
		_, err := end(ctx, End{})
		e.ok(err)
		e.check(want)
		e.checkFar(there)
	}
	// One that is lost when it is about to commit leaves nothing uneven.
	e.ok(s.Begin(ctx, Modes{}))
	e.at(s, far[0], "INSERT INTO far.t VALUES (4, 4)")
	c, err := s.Conn(ctx, far[1])
	e.ok(err)
	_, err = c.Query(ctx, "INSERT INTO far.t VALUES (5, 5)")
	thread := c.Thread()
	e.ok(s.Done(c, err))
	e.ok(e.pools.Kill(ctx, far[1].Leaf, thread, true))
	for end := time.Now().Add(time.Minute); c.Alive() && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	var lost *LostError
	if _, err = s.Commit(ctx, End{}); !errors.As(err, &lost) || lost.Place != far[1] {
		t.Error(err)
	}
	if u.n != 0 {
		t.Error("remote servers have nothing alike")
	}
	e.check("3 /  / ")
	e.checkFar("1,2")
	// One partition is enough to decide, and the catalog where there is none.
	if n := e.asked; n != 1 { // the partition had come after the remote server
		t.Errorf("the catalog has decided %d times", n)
	}
	e.ok(s.Begin(ctx, Modes{}))
	e.must(s, 0, "INSERT INTO t VALUES (6, 6)")
	e.at(s, far[0], "INSERT INTO far.t VALUES (6, 6)")
	_, err = s.Commit(ctx, End{})
	e.ok(err)
	if n := e.asked; n != 1 {
		t.Errorf("the catalog has decided %d times", n)
	}
	e.ok(s.Begin(ctx, Modes{}))
	e.at(s, far[0], "INSERT INTO far.t VALUES (7, 7)")
	e.at(s, far[1], "INSERT INTO far.t VALUES (8, 8)")
	_, err = s.Commit(ctx, End{})
	e.ok(err)
	if n := e.asked; n != 2 {
		t.Errorf("the catalog has decided %d times", n)
	}
	e.check("3,6 /  / ")
	e.checkFar("1,2,6,7,8")
	e.away = true
	e.ok(s.Begin(ctx, Modes{}))
	e.at(s, far[0], "INSERT INTO far.t VALUES (9, 9)")
	e.at(s, far[1], "INSERT INTO far.t VALUES (10, 10)")
	if _, err = s.Commit(ctx, End{}); !errors.As(err, &lost) {
		t.Error(err)
	}
	e.checkFar("1,2,6,7,8")
	if n := e.prepared(); n != 0 {
		t.Errorf("%d branches are left", n)
	}
}

// checkFar looks at the remote server's rows.
func (e *env) checkFar(want string) {
	e.t.Helper()
	c := e.get(backend.Want{Leaf: "leaf-3", Variant: backend.Internal})
	defer c.Release()
	res, err := c.Query(ctx, "SELECT COALESCE(GROUP_CONCAT(a ORDER BY a), '') FROM far.t")
	e.ok(err)
	if got := string(res.Rows[0][0]); got != want {
		e.t.Errorf("the remote server's rows are %q, want %q", got, want)
	}
}

// A statement's own transaction that is lost at a remote server is over with the statement: what comes next knows nothing of it.
func TestRemoteGroupIsForgotten(t *testing.T) {
	e := newEnv(t, farmtest.Shared(t, 3))
	far := e.far()
	s := e.session()
	g := s.Group()
	c, err := g.Conn(ctx, far[0])
	e.ok(err)
	e.at(g, far[1], "INSERT INTO far.t VALUES (1, 1)")
	e.ok(e.pools.Kill(ctx, far[0].Leaf, c.Thread(), true))
	_, err = c.Query(ctx, "SELECT SLEEP(20)")
	err = g.End(ctx, g.Done(c, err))
	var lost *LostError
	if !errors.As(err, &lost) || lost.Place != far[0] {
		t.Fatal(err)
	}
	if over := s.EndStatement(); over != nil {
		t.Errorf("the session still knows of %v", over)
	}
	if s.InTransaction() || s.Held() != 0 {
		t.Error("something is left")
	}
	e.checkFar("")
}
