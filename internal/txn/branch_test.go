package txn

import (
	"errors"
	"testing"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// A transaction of the mode single stays at one partition; places that are none do not count.
func TestSingle(t *testing.T) {
	e := newEnv(t, farmtest.Shared(t, 2))
	s := e.session()
	s.SetMode(Single)
	e.ok(s.Begin(ctx, Modes{}))
	e.at(s, Place{Leaf: "leaf-2", Schema: "t_1"}, "INSERT INTO t VALUES (1, 1)")
	e.must(s, 0, "INSERT INTO t VALUES (1, 1)")
	_, err := run(s, 1, "INSERT INTO t VALUES (2, 1)")
	var single *SingleError
	if p, ok := backend.AsPacket(err); !errors.As(err, &single) || !ok || p.Code != 1105 || !s.InTransaction() {
		t.Errorf("%v", err)
	}
	s.SetMode(Atomic) // is for the next one
	if _, err := run(s, 2, "SELECT 1"); !errors.As(err, &single) {
		t.Errorf("%v", err)
	}
	_, err = s.Commit(ctx, End{})
	e.ok(err)
	e.check("1 / 1 / ")
	s.SetMode(Single)
	g := s.Group()
	e.must(g, 0, "INSERT INTO t VALUES (3, 1)")
	_, err = run(g, 2, "INSERT INTO t VALUES (3, 1)")
	if err = g.End(ctx, err); !errors.As(err, &single) {
		t.Errorf("a statement: %v", err)
	}
	e.check("1 / 1 / ")
}

// Who decides depends on what comes first, and is named by every branch that was written to.
func TestWhoDecides(t *testing.T) {
	e := newEnv(t, farmtest.Shared(t, 2))
	shape := Place{Leaf: "leaf-2", Schema: "t_1"}
	read := func(s *Session) {
		t.Helper()
		s.Reading(true)
		e.at(s, shape, "SELECT a FROM t")
		s.Reading(false)
	}
	write := func(s *Session) { t.Helper(); e.at(s, shape, "INSERT INTO t VALUES (1, 1)") }
	part := func(s *Session) { t.Helper(); e.must(s, 0, "INSERT INTO t VALUES (1, 1)") }
	savepoint := func(s *Session) { t.Helper(); e.ok(s.Savepoint(ctx, "a")) }
	for i, c := range []struct {
		does    []func(*Session)
		asked   int // how often the catalog was
		decides int // rows of decisions
	}{
		{[]func(*Session){part, write}, 0, 1},
		{[]func(*Session){write, part}, 1, 0},
		{[]func(*Session){read, part}, 0, 0},
		{[]func(*Session){read, savepoint, part, write, savepoint, write}, 0, 1}, // the second one is refused, as the row is there: the branch goes on
		{[]func(*Session){read, write, part}, 1, 0},
		{[]func(*Session){read, write}, 0, 0},
	} {
		s := e.session()
		for n := range 2 {
			e.must(s, n, "DELETE FROM t")
			e.must(s, n, "DELETE FROM orbweaver.decisions")
		}
		e.asked = 0
		e.ok(s.Begin(ctx, Modes{}))
		for j, f := range c.does {
			if j == 5 {
				cn, err := s.Conn(ctx, shape)
				e.ok(err)
				_, err = cn.Query(ctx, "INSERT INTO t VALUES (1, 1)")
				var refused *wire.ServerError
				if !errors.As(err, &refused) || refused.Code != 1062 {
					t.Error(err)
				}
				e.ok(s.Done(cn, nil))
				continue
			}
			f(s)
		}
		_, err := s.Commit(ctx, End{})
		e.ok(err)
		if e.asked != c.asked {
			t.Errorf("case %d: the catalog was asked %d times", i, e.asked)
		}
		if got, want := e.must(s, 0, "SELECT COUNT(*) FROM orbweaver.decisions"), string(rune('0'+c.decides)); got != want {
			t.Errorf("case %d: %s rows", i, got)
		}
	}
}

// The partition that came first decides, also when it could not be reached then.
func TestTheDeciderComesLate(t *testing.T) {
	e := newEnv(t, farmtest.Shared(t, 2))
	s := e.session()
	e.ok(s.Begin(ctx, Modes{}))
	c, err := s.Conn(ctx, place(0))
	e.ok(err)
	e.must(s, 1, "INSERT INTO t VALUES (1, 1)")
	e.must(s, 2, "INSERT INTO t VALUES (1, 1)")
	c.Queue("SIGNAL SQLSTATE '70100' SET MYSQL_ERRNO = 1317")
	_, err = c.Query(ctx, "SELECT 1")
	var prepare *backend.PrepareError
	if err = s.Done(c, err); !errors.As(err, &prepare) || s.Held() != 2 {
		t.Fatalf("%v, holds %d", err, s.Held())
	}
	before := e.must(e.multi(), 0, "SELECT COUNT(*) FROM orbweaver.decisions")
	_, err = s.Commit(ctx, End{})
	e.ok(err)
	e.check(" / 1 / 1")
	if after := e.must(e.multi(), 0, "SELECT COUNT(*) FROM orbweaver.decisions"); after == before || e.asked != 0 {
		t.Errorf("%s rows before, %s after; the catalog was asked %d times", before, after, e.asked)
	}
}

// What a branch's server has rolled back leaves no connection inside of it, also when a procedure has kept the error to itself.
func TestBranchesThatWereRolledBack(t *testing.T) {
	e := newEnv(t, farmtest.Shared(t, 2))
	b := e.session()
	e.must(b, 1, "INSERT INTO t VALUES (1, 1), (2, 1)")
	e.must(b, 1, "CREATE OR REPLACE PROCEDURE quiet() BEGIN DECLARE CONTINUE HANDLER FOR 1213 SET @caught=1; UPDATE t SET b=2 WHERE a=2; END")
	for _, sql := range []string{"UPDATE t SET b=2 WHERE a=2", "CALL quiet()"} {
		s := e.session()
		e.ok(s.Begin(ctx, Modes{}))
		e.must(s, 0, "INSERT INTO t VALUES (7, 1)")
		e.must(s, 1, "UPDATE t SET b=2 WHERE a=1")
		e.ok(b.Begin(ctx, Modes{}))
		for range 20 { // the lighter one is the victim
			e.must(b, 1, "INSERT INTO t SELECT MAX(a)+1, 1 FROM t WHERE a > 1")
		}
		e.must(b, 1, "UPDATE t SET b=3 WHERE a=2")
		done := make(chan error)
		go func() {
			_, err := run(b, 1, "UPDATE t SET b=3 WHERE a=1")
			done <- err
		}()
		_, err := run(s, 1, sql)
		if p, ok := backend.AsPacket(err); !ok || p.Code != wire.ErDeadlock || s.InTransaction() || s.Held() != 0 {
			t.Errorf("%s: %v, holds %d", sql, err, s.Held())
		}
		_ = s.EndStatement()
		e.ok(<-done)
		_, err = b.Rollback(ctx, End{})
		e.ok(err)
		e.ok(s.Begin(ctx, Modes{}))
		for n := range 3 {
			e.must(s, n, "INSERT INTO t VALUES (50, 1)")
		}
		_, err = s.Rollback(ctx, End{})
		e.ok(err)
		e.check(" / 1,2 / ")
	}
}

func TestIDs(t *testing.T) {
	owner := uint64(0)
	ids := NewIDs(func() uint64 { return owner })
	if id, err := ids.Next(); !errors.Is(err, ErrNoOwner) || !id.IsZero() {
		t.Error(id, err)
	}
	owner = 7
	var last ID
	for i := range 10_000 {
		if i == 5_000 {
			owner = 0 // its lease is gone: it stays the owner until there is another
		}
		id, err := ids.Next()
		if err != nil || id.Owner != 7 || id.Seq <= last.Seq {
			t.Fatalf("%v after %v: %v", id, last, err)
		}
		last = id
	}
	owner = 9
	if id, err := ids.Next(); err != nil || id.Owner != 9 || id.Seq <= last.Seq || uint64(id.Born().UnixMicro()) != id.Seq {
		t.Error(id, err)
	}
}
