package txn

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
)

// Whatever step of its commit a transaction loses all its connections at, it is committed everywhere or nowhere, the client hears which, and nothing is left when it has
// been settled, at once or later.
func TestConnectionsBreakAtEachStep(t *testing.T) {
	e := newEnv(t, farmtest.Shared(t, 2))
	broken := errors.New("broken")
	shapes := []Place{{Leaf: "leaf-1", Schema: "t_0"}, {Leaf: "leaf-2", Schema: "t_1"}}
	parts := []Place{place(0), place(1), place(2)}
	for _, c := range []struct {
		places  []Place
		without []string // steps that there are not
	}{{parts, nil}, {shapes, []string{StepWrite, StepDeciding, StepDecisionConfirmed}}} {
		for _, unending := range []bool{false, true} {
			reached := map[string]bool{}
			for _, step := range Steps() {
				for n := range 3 {
					e.must(e.multi(), n, "DELETE FROM t")
				}
				e.unending = unending
				s := e.session()
				done := false
				s.SetStep(func(at string) error {
					reached[at] = true
					if at != step || done {
						return nil
					}
					done = true
					return broken
				})
				e.ok(s.Begin(ctx, Modes{}))
				for _, p := range c.places {
					e.at(s, p, "INSERT INTO t VALUES (1, 1)")
				}
				_, err := s.Commit(ctx, End{})
				e.unending = false
				if s.InTransaction() || s.Held() != 0 {
					t.Errorf("%s: the session holds %d connections", step, s.Held())
				}
				e.later()
				time.Sleep(10 * time.Millisecond) // a leaf sees that a connection is gone
				var lost *LostError
				var pending *PendingCommitError
				var unknown *UnknownCommitError
				rolledBack, committed := errors.As(err, &lost), err == nil || errors.As(err, &pending)
				errors.As(err, &unknown)
				none, all := " /  / ", map[bool]string{false: "1 / 1 / ", true: "1 / 1 / 1"}[len(c.places) == 3]
				got := e.rows()
				before := slices.Index(Steps(), step) <= slices.Index(Steps(), StepDecide)
				if len(c.places) == 2 { // the catalog is asked all the same once all have answered
					before = slices.Index(Steps(), step) < slices.Index(Steps(), StepPrepared)
				}
				switch {
				case slices.Contains(c.without, step):
					if err != nil || got != all {
						t.Errorf("without the step %q: %v; rows are %q", step, err, got)
					}
				case before && !rolledBack, step == StepDecided && !committed, rolledBack && got != none, committed && got != all, got != none && got != all:
					t.Errorf("broken at %q, %v: %v; rows are %q", step, unending, err, got)
				case step == StepDeciding && unending && (unknown == nil || unknown.ID.IsZero() || !backend.OutcomeUnknown(err)):
					t.Errorf("broken at %q: %v", step, err)
				case (step == StepDecided || step == StepCommit || step == StepCommitting) && (pending != nil) != unending:
					t.Errorf("broken at %q, %v: %v", step, unending, err)
				}
				if err != nil {
					p, ok := backend.AsPacket(err)
					if want := map[bool]uint16{true: 1213, false: 1180}[rolledBack]; !ok || p.Code != want {
						t.Errorf("broken at %q: %v", step, p)
					}
				}
				if n := e.prepared(); n != 0 {
					t.Errorf("broken at %q: %d branches are left", step, n)
				}
			}
			for _, step := range Steps() {
				if reached[step] == slices.Contains(c.without, step) {
					t.Errorf("step %q was reached: %v", step, reached[step])
				}
			}
		}
	}
}

// Whoever settles a transaction before its own commit has decided has it rolled back, and the commit finds that.
func TestSettledByAnother(t *testing.T) {
	e := newEnv(t, farmtest.Shared(t, 2))
	s := e.session()
	var id ID
	s.SetStep(func(at string) error {
		if at == StepBegin {
			id = s.xa.id
			e.mu.Lock()
			defer e.mu.Unlock()
			outcome, err := e.settle(Unfinished{ID: id, Decider: s.xa.ordinary.Partition})
			if err != nil || outcome != RolledBack {
				t.Error(outcome, err)
			}
		}
		return nil
	})
	for _, places := range [][]Place{{place(0), place(1)}, {{Leaf: "leaf-1", Schema: "t_0"}, {Leaf: "leaf-2", Schema: "t_1"}}} {
		e.ok(s.Begin(ctx, Modes{}))
		for _, p := range places {
			e.at(s, p, "INSERT INTO t VALUES (1, 1)")
		}
		_, err := s.Commit(ctx, End{})
		var lost *LostError
		if !errors.As(err, &lost) || !errors.Is(err, errTaken) {
			t.Errorf("%v", err)
		}
		e.check(" /  / ")
	}
	if n := e.prepared(); n != 0 {
		t.Errorf("%d branches are left", n)
	}
}

// hearing is a guard whose Confirm is a test's, and that counts who is inside.
type hearing struct {
	quiet
	confirm func(p Place) error
	asked   []Place
}

func (h *hearing) Confirm(_ context.Context, p Place, _ *backend.Conn) error {
	h.mu.Lock()
	h.asked = append(h.asked, p)
	h.mu.Unlock()
	return h.confirm(p)
}

// Prepares are confirmed before the decision, that before the branches commit; what is not confirmed is settled. Commits are let in until the last branch has
// committed.
func TestCommitsAreConfirmed(t *testing.T) {
	e := newEnv(t, farmtest.Shared(t, 2))
	for n, step := range []string{StepPreparing, StepDeciding, StepCommitting} { // Confirm fails after it
		s := e.session()
		g := &hearing{quiet: quiet{held: map[int]bool{}, inside: map[int]int{}}}
		s.SetGuard(g)
		at := ""
		s.SetStep(func(step string) error { at = step; return nil })
		g.confirm = func(p Place) error {
			inside := g.nobody() != nil
			if inside == (at == StepCommitted) {
				t.Errorf("after %q: commits are let in: %v", at, inside)
			}
			if step == StepPreparing && at == StepPrepared || step == StepDeciding && at == StepDecided || step == StepCommitting && at == StepCommitted {
				return errors.New("there is another master")
			}
			return nil
		}
		e.ok(s.Begin(ctx, Modes{}))
		for n := range 3 {
			e.must(s, n, "INSERT INTO t VALUES (1, 1)")
		}
		_, err := s.Commit(ctx, End{})
		e.ok(g.nobody())
		e.later()
		var lost *LostError
		var pending *PendingCommitError
		switch n {
		case 0:
			if !errors.As(err, &lost) || len(g.asked) != 2 {
				t.Errorf("%v, asked %v", err, g.asked)
			}
			e.check(" /  / ")
		case 1: // it is committed all the same
			if err != nil || len(g.asked) != 3 || g.asked[2] != place(0) {
				t.Errorf("%v, asked %v", err, g.asked)
			}
			e.check("1 / 1 / 1")
		case 2:
			if !errors.As(err, &pending) || len(g.asked) != 5 || pending.ID.IsZero() {
				t.Errorf("%v, asked %v", err, g.asked)
			}
			e.check("1 / 1 / 1")
		}
		if n := e.prepared(); n != 0 {
			t.Errorf("%d branches are left", n)
		}
		for n := range 3 {
			e.must(e.multi(), n, "DELETE FROM t")
		}
	}
}
