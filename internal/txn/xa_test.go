package txn

import (
	"errors"
	"testing"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
)

func newID(e *env) ID {
	e.t.Helper()
	id, err := e.ids.Next()
	e.ok(err)
	return id
}

// A client's XA transaction is prepared at all places that it wrote, or nowhere, and others end it.
func TestClientXA(t *testing.T) {
	e := newEnv(t, farmtest.Shared(t, 2))
	s := e.session()
	begin := func() ID {
		t.Helper()
		id := newID(e)
		e.ok(s.BeginXA(id))
		if got, ended := s.InXA(); got != id || ended {
			t.Error(got, ended)
		}
		return id
	}
	if err := s.EndXA(); !errors.Is(err, errNoClient) {
		t.Error(err)
	}
	for _, outcome := range []Outcome{RolledBack, Committed} {
		id := begin()
		if err := s.BeginXA(id); !errors.Is(err, errOpen) {
			t.Error(err)
		}
		e.must(s, 0, "INSERT INTO t VALUES (1, 1)")
		e.must(s, 1, "INSERT INTO t VALUES (1, 1)")
		s.Reading(true)
		e.must(s, 2, "SELECT a FROM t")
		s.Reading(false)
		if _, err := s.Prepare(ctx); !errors.Is(err, errNotEnded) {
			t.Error(err)
		}
		e.ok(s.EndXA())
		if _, err := s.Conn(ctx, place(0)); err == nil {
			t.Error("a statement after XA END")
		} else if p, ok := backend.AsPacket(err); !ok || p.Code != 1399 {
			t.Error(err)
		}
		branches, err := s.Prepare(ctx)
		e.ok(err)
		if len(branches) != 2 || branches[0].Place != place(0) || branches[0].XID.ID != id || branches[1].XID.Decider != 0 || e.prepared() != 2 {
			t.Errorf("%+v", branches)
		}
		if got, _ := s.InXA(); s.InTransaction() || s.Held() != 0 || !got.IsZero() {
			t.Error("the session has it still")
		}
		e.must(s, 2, "DELETE FROM t") // it goes on
		e.check(" /  / ")
		for _, b := range branches {
			e.ok(e.end(b, outcome))
		}
		e.check(map[Outcome]string{RolledBack: " /  / ", Committed: "1 / 1 / "}[outcome])
	}
	// In one phase, and not at all.
	begin()
	for n := range 3 {
		e.must(s, n, "INSERT INTO t VALUES (2, 1)")
	}
	e.ok(s.EndXA())
	_, err := s.Commit(ctx, End{})
	e.ok(err)
	if e.asked != 1 {
		t.Errorf("the catalog has decided %d times", e.asked)
	}
	e.check("1,2 / 1,2 / 2")
	begin()
	for n := range 3 {
		e.must(s, n, "INSERT INTO t VALUES (3, 1)")
	}
	_, err = s.Rollback(ctx, End{})
	e.ok(err)
	// One that can't be prepared somewhere is not anywhere.
	begin()
	for n := range 3 {
		e.must(s, n, "INSERT INTO t VALUES (3, 1)")
	}
	e.ok(s.EndXA())
	s.SetStep(func(step string) error {
		if step == StepPreparing {
			return errDead
		}
		return nil
	})
	var lost *LostError
	if _, err := s.Prepare(ctx); !errors.As(err, &lost) || s.InTransaction() || s.Held() != 0 {
		t.Error(err)
	}
	s.SetStep(nil)
	e.later()
	e.check("1,2 / 1,2 / 2")
	// A connection with temporary tables can't let go of its branch.
	e.ok(s.Pin(ctx, place(0), PinTemporary))
	e.must(s, 0, "CREATE TEMPORARY TABLE tmp (a int)")
	begin()
	e.must(s, 0, "INSERT INTO t VALUES (4, 1)")
	e.must(s, 1, "INSERT INTO t VALUES (4, 1)")
	e.ok(s.EndXA())
	var pinned *PinnedError
	if _, err := s.Prepare(ctx); !errors.As(err, &pinned) || !s.InTransaction() {
		t.Error(err)
	}
	_, err = s.Commit(ctx, End{})
	e.ok(err)
	e.must(s, 0, "INSERT INTO tmp VALUES (1)")
	e.ok(s.Unpin(ctx, PinTemporary))
	e.check("1,2,4 / 1,2,4 / 2")
	if n := e.prepared(); n != 0 {
		t.Errorf("%d branches are left", n)
	}
}
