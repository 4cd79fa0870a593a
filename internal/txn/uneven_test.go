package txn

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// uneven is a guard that only counts.
type uneven struct{ n int }

func (u *uneven) Enter(Place) error { return nil }

func (u *uneven) Leave(Place) {}

func (u *uneven) Confirm(context.Context, Place, *backend.Conn) error { return nil }

func (u *uneven) EnterCommit(Place) bool { return true }

func (u *uneven) LeaveCommit(Place) {}

func (u *uneven) AwaitCommit(context.Context, Place) error { return nil }
func (u *uneven) EnterWide([]Place) func()                 { return func() {} }
func (u *uneven) AwaitWide(context.Context, []Place) error { return nil }

func (u *uneven) Uneven() { u.n++ }

// A commit in part of what all leaves have alike is told, one of partitions is not: their rows are nobody else's.
func TestUnevenCommitsAreTold(t *testing.T) {
	f := farmtest.Start(t, 2)
	e := newEnv(t, f)
	for _, c := range []struct {
		alike bool
		want  int
	}{{true, 1}, {false, 0}} {
		s, u := e.multi(), &uneven{}
		s.SetGuard(u)
		e.ok(s.Begin(ctx, Modes{}))
		for n := range 2 {
			p := place(n)
			if c.alike {
				p.Partition = topo.PartitionID{}
			}
			conn, err := s.Conn(ctx, p)
			e.ok(err)
			_, err = conn.Query(ctx, "INSERT INTO t VALUES (1, 1)")
			e.ok(err)
			e.ok(s.Done(conn, nil))
		}
		e.ok(f.Pause(1))
		cctx, cancel := context.WithTimeout(ctx, time.Second)
		_, err := s.Commit(cctx, End{})
		cancel()
		e.ok(f.Resume(1))
		var part *PartialCommitError
		if !errors.As(err, &part) {
			t.Errorf("%v", err)
		}
		if u.n != c.want {
			t.Errorf("told %d times, want %d", u.n, c.want)
		}
		for n := range 2 {
			e.must(s, n, "DELETE FROM t")
		}
	}
}
