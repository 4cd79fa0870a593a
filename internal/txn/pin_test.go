package txn

import (
	"errors"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
	"github.com/orbweaver/orbweaver/internal/wire"
)

func TestPins(t *testing.T) {
	e := newEnv(t, farmtest.Shared(t, 2))
	s := e.session()
	e.ok(s.Pin(ctx, place(0), PinTemporary))
	e.must(s, 0, "CREATE TEMPORARY TABLE tmp (a int)")
	e.must(s, 0, "INSERT INTO tmp VALUES (1)")
	e.ok(s.Pin(ctx, place(0), PinLocks))
	e.ok(s.Pin(ctx, place(1), PinLocks))
	for n := range 2 {
		e.must(s, n, "LOCK TABLES t WRITE")
	}
	if got := s.PinnedPlaces(PinLocks); len(got) != 2 {
		t.Error(got)
	}
	if s.Free(place(0)) || !s.Free(place(2)) {
		t.Error("free")
	}
	// autocommit=0 under LOCK TABLES does not give the locks back.
	e.ok(s.SetAutocommit(ctx, false))
	e.must(s, 0, "INSERT INTO t VALUES (1, 1)")
	_, err := s.Rollback(ctx, End{})
	e.ok(err)
	e.must(s, 0, "INSERT INTO t VALUES (2, 1)")
	_, err = s.Commit(ctx, End{})
	e.ok(err)
	e.ok(s.SetAutocommit(ctx, true))
	e.must(s, 0, "INSERT INTO t VALUES (3, 1)")
	e.ok(s.Begin(ctx, Modes{})) // gives locks back, keeps temporary tables
	if s.Pinned(PinLocks) || !s.Pinned(PinTemporary) {
		t.Error("pins")
	}
	if got := e.must(s, 0, "SELECT a FROM tmp"); got != "1" {
		t.Error(got)
	}
	_, err = s.Commit(ctx, End{})
	e.ok(err)
	e.check("2,3 /  / ")
	e.ok(s.Unpin(ctx, PinTemporary))
	if s.Held() != 0 {
		t.Error(s.Held())
	}
	for range 3 {
		if _, err := run(s, 0, "SELECT a FROM tmp"); err == nil {
			t.Error("a temporary table is left")
		}
	}
}

func TestProceduresThatBeginAndEnd(t *testing.T) {
	e := newEnv(t, farmtest.Shared(t, 2))
	s := e.session()
	e.must(s, 1, "CREATE PROCEDURE ends() COMMIT")
	e.must(s, 0, "CREATE PROCEDURE begins() BEGIN START TRANSACTION; INSERT INTO t VALUES (1, 1); END")
	e.must(s, 0, "CREATE PROCEDURE ends() COMMIT")
	e.must(s, 0, "CALL begins()")
	if !s.InTransaction() || s.Held() != 1 {
		t.Fatal("the procedure's transaction is not the session's")
	}
	e.must(s, 0, "INSERT INTO t VALUES (2, 1)")
	e.check(" /  / ")
	e.must(s, 0, "CALL ends()")
	if s.InTransaction() || s.Held() != 0 {
		t.Error("still open")
	}
	e.check("1,2 /  / ")
	// A branch can't be ended by a procedure.
	e.ok(s.Begin(ctx, Modes{}))
	e.must(s, 0, "INSERT INTO t VALUES (3, 1)")
	e.must(s, 1, "INSERT INTO t VALUES (3, 1)")
	_, err := run(s, 1, "CALL ends()")
	if p, ok := backend.AsPacket(err); !ok || p.Code != 1399 || !s.InTransaction() {
		t.Errorf("%v", err)
	}
	// The partition that came first can.
	_, err = run(s, 0, "CALL ends()")
	var ended *EndedError
	if !errors.As(err, &ended) || s.InTransaction() {
		t.Errorf("%v", err)
	}
	s.EndStatement()
	e.check("1,2,3 /  / ")
}

func TestKillAndLogin(t *testing.T) {
	e := newEnv(t, farmtest.Shared(t, 2))
	s := e.session()
	e.ok(s.Begin(ctx, Modes{}))
	e.must(s, 0, "INSERT INTO t VALUES (1, 1)")
	time.AfterFunc(100*time.Millisecond, func() { s.Kill(ctx) })
	if _, err := run(s, 0, "SELECT sleep(20) FROM t"); err != nil {
		if p, ok := backend.AsPacket(err); !ok || p.Code != wire.ErQueryInterrupted {
			t.Error(err)
		}
	}
	if got := e.must(s, 0, "SELECT count(*) FROM t"); got != "1" {
		t.Error(got)
	}
	s.SetLogin(ctx, backend.Cluster, backend.Internal)
	if s.InTransaction() || s.Held() != 0 {
		t.Error("still open")
	}
	e.check(" /  / ")
}
