package settle

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/txn"
)

const (
	// branchesAtOnce is how many branches of a place one connection ends before it goes on to another place.
	branchesAtOnce = 64
	// freeWithin is for how long branches that dead connections hold are waited for; they are freed as soon as the server has ended these.
	freeWithin = 3 * time.Second
	freeEvery  = 10 * time.Millisecond
)

// errHeld: the branch is another connection's that lives.
var errHeld = errors.New("a connection still holds the branch")

// Result is what has become of a plan.
type Result struct {
	Outcomes              Outcomes        // what was decided, as far as it is known
	Committed, RolledBack map[txn.ID]bool // transactions of which nothing is left
	Waits                 []Wait
}

// Left are the transactions that wait.
func (r *Result) Left() map[txn.ID]string {
	out := map[txn.ID]string{}
	for _, w := range r.Waits {
		out[w.XID.ID] = w.Why
	}
	return out
}

// Carry carries a plan out: deciders are asked at the same time, but for what is known, then branches are ended, at each server by a few connections.
func (s *Settler) Carry(ctx context.Context, plan Plan, known Outcomes) *Result {
	r := &Result{Committed: map[txn.ID]bool{}, RolledBack: map[txn.ID]bool{}, Waits: slices.Clone(plan.Waits)}
	began := time.Now()
	outcomes, failed := s.ask(ctx, slices.DeleteFunc(slices.Clone(plan.Ends), func(e End) bool { return known[e.XID.ID] != "" }))
	maps.Copy(outcomes, known)
	r.Outcomes = outcomes
	asked := time.Since(began)
	work := map[Place][]End{}
	for _, e := range plan.Ends {
		switch _, ok := outcomes[e.XID.ID]; {
		case ok:
			work[e.At] = append(work[e.At], e)
		case failed[e.Decider] != nil:
			r.Waits = append(r.Waits, Wait{seenAt(e), failed[e.Decider].Error()})
		case e.Decider != Place{}: // in the catalog it is a client's own transaction, which waits for its client
			r.Waits = append(r.Waits, Wait{seenAt(e), "its decision is not to be found at " + e.Decider.String()})
		}
	}
	var mu sync.Mutex
	var working sync.WaitGroup
	free := map[string]chan struct{}{}
	for at, ends := range work {
		if free[at.Leaf] == nil {
			free[at.Leaf] = make(chan struct{}, atOnce)
		}
		turn := free[at.Leaf]
		for some := range slices.Chunk(ends, branchesAtOnce) {
			working.Go(func() {
				turn <- struct{}{}
				defer func() { <-turn }()
				left := s.end(ctx, at, some, outcomes)
				mu.Lock()
				defer mu.Unlock()
				for _, e := range some {
					if err := left[e.XID]; err != nil {
						r.Waits = append(r.Waits, Wait{seenAt(e), err.Error()})
					} else if outcomes[e.XID.ID] == catalog.Committed {
						r.Committed[e.XID.ID] = true
					} else {
						r.RolledBack[e.XID.ID] = true
					}
				}
			})
		}
	}
	working.Wait()
	s.log.Debug("settle: branches were ended", "branches", len(plan.Ends), "asking", asked, "all", time.Since(began))
	for _, w := range r.Waits { // not all of it is done
		delete(r.Committed, w.XID.ID)
		delete(r.RolledBack, w.XID.ID)
	}
	s.count.committed.Add(int64(len(r.Committed)))
	s.count.rolledBack.Add(int64(len(r.RolledBack)))
	return r
}

func seenAt(e End) Seen { return Seen{XID: e.XID, Leaf: e.At.Leaf, Remote: e.At.Remote} }

// ask asks all deciders.
func (s *Settler) ask(ctx context.Context, ends []End) (Outcomes, map[Place]error) {
	all, failed := Outcomes{}, map[Place]error{}
	var mu sync.Mutex
	var asked sync.WaitGroup
	free := map[string]chan struct{}{}
	for at, ids := range byDecider(ends) {
		if free[at.Leaf] == nil {
			free[at.Leaf] = make(chan struct{}, atOnce)
		}
		turn := free[at.Leaf]
		asked.Go(func() {
			said, err := s.askOne(ctx, at, ids, turn)
			mu.Lock()
			defer mu.Unlock()
			maps.Copy(all, said)
			if err != nil {
				failed[at] = err
			}
		})
	}
	asked.Wait()
	return all, failed
}

// askOne asks one decider about some at a time, as it is its leaf's turn.
func (s *Settler) askOne(ctx context.Context, at Place, ids []txn.ID, turn chan struct{}) (Outcomes, error) {
	if at == (Place{}) {
		return s.decideInCatalog(ctx, ids)
	}
	said := Outcomes{}
	var blocked []txn.ID
	var failed error
	var mu sync.Mutex
	var asked sync.WaitGroup
	for some := range slices.Chunk(ids, decidedAtOnce) {
		asked.Go(func() {
			turn <- struct{}{}
			defer func() { <-turn }()
			out, open, err := s.decide(ctx, at, some)
			mu.Lock()
			defer mu.Unlock()
			maps.Copy(said, out)
			blocked = append(blocked, open...)
			if err != nil {
				failed = err
			}
		})
	}
	asked.Wait()
	if len(blocked) > 0 {
		out, err := s.decideBlocked(ctx, at, blocked)
		maps.Copy(said, out)
		failed = errors.Join(failed, err)
	}
	if len(said) == 0 {
		return nil, failed
	}
	if err := s.confirm(ctx, at); err != nil {
		return nil, err
	}
	return said, failed
}

// end ends branches at one place. Those that are not there any more somebody else has ended. The errors are those of the branches that are left.
func (s *Settler) end(ctx context.Context, at Place, ends []End, outcomes Outcomes) map[txn.XID]error {
	left := map[txn.XID]error{}
	fail := func(err error) map[txn.XID]error {
		for _, e := range ends {
			if left[e.XID] == nil {
				left[e.XID] = fmt.Errorf("%s: %w", at, err)
			}
		}
		return left
	}
	ctx, cancel := context.WithTimeout(ctx, 4*answerWithin)
	defer cancel()
	if at.Remote == nil { // or what a crash has left would be ended in the log as well, where replicas do not have it or have ended it
		if err := s.servers.Reconcile(ctx, at.Leaf); err != nil {
			return fail(err)
		}
	}
	c, err := s.at(ctx, at)
	if err != nil {
		return fail(err)
	}
	defer c.Release()
	for began, try := time.Now(), 1; ; try++ {
		if err := s.outlive(ctx, c, at, ends); err != nil {
			return fail(err)
		}
		var absent []End
		for i, e := range ends {
			verb := "XA ROLLBACK "
			if outcomes[e.XID.ID] == catalog.Committed {
				verb = "XA COMMIT "
			}
			_, err := s.run(ctx, c, verb+e.XID.SQL())
			switch {
			case err == nil:
			case refused(err, erNoSuchBranch):
				absent = append(absent, e)
			case c.Broken():
				ends = append(absent, ends[i:]...)
				return fail(err)
			default:
				left[e.XID] = fmt.Errorf("%s: %w", at, err)
			}
		}
		if len(absent) == 0 {
			return left
		}
		listed, err := s.list(ctx, c, at)
		if err != nil {
			ends = absent
			return fail(err)
		}
		ends = slices.DeleteFunc(absent, func(e End) bool {
			return !slices.ContainsFunc(listed, func(l Seen) bool { return l.XID == e.XID })
		})
		if len(ends) == 0 {
			return left
		}
		if try > 1 { // at first it may be somebody who is just ending it
			if _, err := s.free(ctx, c, at, ends); err != nil {
				return fail(err)
			}
		}
		if time.Since(began) > freeWithin {
			return fail(errHeld)
		}
		select {
		case <-time.After(freeEvery):
		case <-ctx.Done():
			return fail(ctx.Err())
		}
	}
}

// outliveWithin is for how long the connections that branches were prepared on may take to end by themselves.
const outliveWithin = 500 * time.Millisecond

// outlive waits until the connections that prepared the branches have ended, and ends those that go on: an XA COMMIT that comes before is answered with OK and lost. Who has one
// of their numbers by now, and is not at the branches' place, is let alone.
func (s *Settler) outlive(ctx context.Context, c *backend.Conn, at Place, ends []End) error {
	var threads []uint64
	for _, e := range ends {
		threads = append(threads, e.XID.Thread)
	}
	late, err := outlived(ctx, c, outliveWithin, threads)
	if !late {
		return err
	}
	others, err := s.free(ctx, c, at, ends)
	if err != nil {
		return err
	}
	threads = slices.DeleteFunc(threads, func(t uint64) bool { return slices.Contains(others, t) })
	if late, err = outlived(ctx, c, freeWithin, threads); late {
		return errHeld
	}
	return err
}

// outlived waits for a while; late: some are there still.
func outlived(ctx context.Context, c *backend.Conn, within time.Duration, threads []uint64) (late bool, err error) {
	short, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	err = c.Outlive(short, threads...)
	return err != nil && !c.Broken() && short.Err() != nil, err
}

// erNoSuchBranch is XAER_NOTA: the branch is not there, or it is another connection's.
const erNoSuchBranch = 1397

// free ends the connections that hold branches. A number may be another connection's by now, where the server was restarted or the branch came by replication: those that
// are not at the branch's place are let alone: others. others.
func (s *Settler) free(ctx context.Context, c *backend.Conn, at Place, ends []End) (others []uint64, err error) {
	res, err := s.run(ctx, c, "SHOW PROCESSLIST")
	if err != nil {
		return nil, err
	}
	for _, row := range res.Rows {
		thread, err := strconv.ParseUint(string(row[0]), 10, 64)
		if err != nil || thread == c.Thread() || len(row) < 5 || strings.HasPrefix(string(row[1]), "system user") {
			continue
		}
		if !slices.ContainsFunc(ends, func(e End) bool { return e.XID.Thread == thread }) {
			continue
		}
		if at.Partition.DB != "" && string(row[3]) != at.Partition.Schema() {
			others = append(others, thread)
			continue
		}
		if _, err := s.run(ctx, c, "KILL CONNECTION "+strconv.FormatUint(thread, 10)); err != nil && !refused(err, erNoSuchThread, erKillDenied) {
			return nil, err
		}
	}
	return others, nil
}

const (
	erNoSuchThread = 1094
	erKillDenied   = 1095
)
