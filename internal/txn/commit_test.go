package txn

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
)

// Places that were only read have no say in a commit: they end while the others commit, and may be gone.
func TestCommitOfPlacesThatWereRead(t *testing.T) {
	f := farmtest.Start(t, 2)
	e := newEnv(t, f)
	read := func(s *Session, n int) {
		t.Helper()
		s.Reading(true)
		e.must(s, n, "SELECT a FROM t")
		s.Reading(false)
	}
	s := e.session()
	e.ok(s.Begin(ctx, Modes{}))
	for n := range 3 {
		read(s, n)
	}
	ok, err := s.Commit(ctx, End{}) // of nothing but reads
	if e.ok(err); ok.Packet != nil || s.Held() != 0 {
		t.Error(ok, s.Held())
	}
	e.ok(s.Begin(ctx, Modes{}))
	read(s, 1)
	read(s, 2)
	e.must(s, 0, "INSERT INTO t VALUES (1, 1)")
	read(s, 0) // it was written to all the same
	e.ok(f.Pause(1))
	cctx, cancel := context.WithTimeout(ctx, time.Second)
	_, err = s.Commit(cctx, End{})
	cancel()
	e.ok(f.Resume(1))
	if err != nil || s.InTransaction() || s.Held() != 0 {
		t.Errorf("%v, holds %d", err, s.Held())
	}
	e.check("1 /  / ")
	// One that was read and is written to later counts.
	e.ok(s.Begin(ctx, Modes{}))
	read(s, 1)
	e.must(s, 0, "INSERT INTO t VALUES (2, 1)")
	e.must(s, 1, "INSERT INTO t VALUES (2, 1)")
	e.ok(f.Pause(1))
	cctx, cancel = context.WithTimeout(ctx, time.Second)
	_, err = s.Commit(cctx, End{})
	cancel()
	e.ok(f.Resume(1))
	var lost *LostError
	if !errors.As(err, &lost) || lost.Place != place(1) {
		t.Error(err)
	}
	e.later()
}
