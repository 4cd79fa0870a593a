package txn

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// commit is the commit of a transaction with branches that more than one place may have been written in.
type commit struct {
	s        *Session
	decider  *held   // nil: the catalog decides
	branches []*held // that were written to
	read     []ending
	prepared map[*held]bool // XA PREPARE was sent there
	doubt    bool           // a partition may have another master, which has the branch as well
}

var (
	errDeciders = errors.New("its branches name different partitions as what decides about it")
	errTaken    = errors.New("it took so long that it was taken for lost")
)

// erDupEntry: a decision is there already.
const erDupEntry = 1062

// commitBranches commits everywhere or nowhere: the branches that were written to are prepared, the partition that came first commits, and with it the row which says that
// all is committed, then the branches commit. Errors: *LostError when all is rolled back, *UnknownCommitError, *PendingCommitError.
func (s *Session) commitBranches(ctx context.Context, e End, wrote, read []*held) (OK, error) {
	k := &commit{s: s, prepared: map[*held]bool{}}
	if err := k.divide(ctx, wrote, &read); err != nil {
		return OK{}, s.fallen(err)
	}
	all := k.written()
	if lost := s.enterCommits(ctx, all); lost != nil {
		return OK{}, s.fallen(lost)
	}
	inside := true
	leave := func() {
		if inside {
			s.leaveCommits(all)
		}
		inside = false
	}
	defer leave()
	s.coordinator.Settler.Prepare(s.xa.id)
	k.read = s.endReads(ctx, read)
	s.at(StepBegin)
	if err := k.prepare(ctx); err != nil {
		return OK{}, k.abort(err)
	}
	outcome, why := k.decide(ctx)
	switch outcome {
	case RolledBack:
		return OK{}, k.abort(&LostError{Place: k.deciding(), Err: why})
	case "":
		outcome, err := k.settle(ctx, "", why)
		if outcome == Committed && err == nil {
			s.finish(e)
			return OK{}, nil
		}
		s.finish(End{})
		return OK{}, err
	}
	left, why := k.commit()
	if len(left) > 0 {
		_, err := k.settle(ctx, Committed, why, left...)
		if err != nil {
			s.finish(End{})
			return OK{}, err
		}
	}
	leave() // what is waited for from here on may take long
	err := k.confirmed(left)
	for _, h := range all {
		if slices.Contains(s.held, h) { // else the settler has ended it
			s.forget(h)
		}
	}
	s.readsEnded(k.read)
	if k.decider == nil {
		s.coordinator.Decider.Ended(s.xa.id)
	}
	s.finish(e)
	return OK{}, err
}

// divide finds out who decides. A partition that was only read, or that is no part of the transaction, does so all the same where the branches name it.
func (k *commit) divide(ctx context.Context, wrote []*held, read *[]*held) *LostError {
	s := k.s
	var by uint64
	for _, h := range wrote {
		if h.branch {
			if len(k.branches) > 0 && h.xid.Decider != by {
				return &LostError{Place: h.place, Err: errDeciders}
			}
			by = h.xid.Decider
			k.branches = append(k.branches, h)
			continue
		}
		if k.decider != nil {
			return &LostError{Place: h.place, Err: errDeciders}
		}
		k.decider = h
	}
	ordinary := s.xa.ordinary.Partition
	switch {
	case by == 0 && k.decider == nil:
		return nil
	case by == 0 || PlaceHash(ordinary) != by || k.decider != nil && k.decider.place.Partition != ordinary:
		return &LostError{Place: wrote[0].place, Err: errDeciders}
	case k.decider != nil:
		return nil
	}
	if k.decider = s.find(s.xa.ordinary); k.decider == nil {
		return k.fetch(ctx)
	}
	*read = slices.DeleteFunc(*read, func(h *held) bool { return h == k.decider })
	k.decider.wrote = true
	return nil
}

// fetch makes the deciding partition a part of the transaction: its connection could not be made when it was asked for.
func (k *commit) fetch(ctx context.Context) *LostError {
	s, p := k.s, k.s.xa.ordinary
	c, err := s.free(ctx, p, s.want(p))
	if err != nil {
		return &LostError{Place: p, Err: err}
	}
	k.decider = &held{place: p, conn: c, inTx: true, begun: true, wrote: true}
	s.hold(k.decider)
	s.modes.queue(c)
	return nil
}

// written are all that take part in the decision, the deciding one first.
func (k *commit) written() []*held {
	if k.decider == nil {
		return k.branches
	}
	return append([]*held{k.decider}, k.branches...)
}

// deciding is the place that errors name.
func (k *commit) deciding() Place {
	if k.decider != nil {
		return k.decider.place
	}
	return k.branches[0].place
}

// prepare has every branch prepared and the decision written at its partition, all at the same time.
func (k *commit) prepare(ctx context.Context) *LostError {
	var sent []ending
	if h := k.decider; h != nil {
		id := k.s.xa.id
		sql := fmt.Sprintf("CALL orbweaver.decide(x'%x', %d, %d)", h.place.Partition.Schema(), id.Owner, id.Seq)
		k.s.at(StepWrite)
		sent = append(sent, ending{h, h.conn.Watch(ctx), h.conn.Send(wire.ComQuery, []byte(sql))})
	}
	for _, h := range k.branches {
		k.s.at(StepPrepare)
		k.prepared[h] = true
		sent = append(sent, ending{h, h.conn.Watch(ctx), h.prepare()})
	}
	k.s.at(StepPreparing)
	h, err := answers(sent)
	if err != nil {
		var refused *wire.ServerError
		if h == k.decider && errors.As(err, &refused) && refused.Code == erDupEntry {
			err = errTaken
		}
		return &LostError{Place: h.place, Err: err}
	}
	k.s.at(StepPrepared)
	if h, err := k.s.confirmAll(k.branches); err != nil {
		k.doubt = true
		return &LostError{Place: h.place, Err: err}
	}
	k.s.at(StepPreparesConfirmed)
	return nil
}

// prepare writes XA END and XA PREPARE.
func (h *held) prepare() error {
	x := h.xid.SQL()
	h.conn.Queue("XA END " + x)
	return h.conn.Send(wire.ComQuery, []byte("XA PREPARE "+x))
}

// answers reads the answers to what was sent to several connections: all of them, and tells of the first that failed.
func answers(sent []ending) (failed *held, err error) {
	for _, e := range sent {
		if e.err == nil {
			e.err = answered(e.part.conn)
		}
		e.stop()
		if e.err != nil && err == nil {
			failed, err = e.part, e.err
		}
	}
	return failed, err
}

// decide makes the decision. "": nobody knows which one.
func (k *commit) decide(ctx context.Context) (Outcome, error) {
	s, h := k.s, k.decider
	s.at(StepDecide)
	// Who is not the owner any more is taken for dead, and has been rolled back: the row that says so is not kept for ever.
	if s.coordinator.IDs.owner() != s.xa.id.Owner {
		return RolledBack, errTaken
	}
	if h == nil {
		outcome, err := s.coordinator.Decider.Decide(ctx, s.xa.id, k.open(k.branches))
		if outcome == RolledBack && err == nil {
			err = errTaken
		}
		s.at(StepDecided)
		return outcome, err
	}
	stop := h.conn.Watch(ctx)
	err := h.send(true)
	s.at(StepDeciding)
	if err == nil {
		_, err = h.answer(true)
	}
	stop()
	switch {
	case err != nil && backend.SafeToRetry(err): // it was not sent
		return RolledBack, err
	case err != nil:
		return "", err
	}
	s.at(StepDecided)
	if err := s.confirm(h.place, h.conn); err != nil {
		return "", err
	}
	s.at(StepDecisionConfirmed)
	return Committed, nil
}

// commit has the branches commit, and gives those that did not answer that they have.
func (k *commit) commit() (left []*held, why error) {
	ctx, cancel := context.WithTimeout(context.Background(), k.s.coordinator.Patience)
	defer cancel()
	var sent []ending
	for _, h := range k.branches {
		k.s.at(StepCommit)
		sent = append(sent, ending{h, h.conn.Watch(ctx), h.conn.Send(wire.ComQuery, []byte("XA COMMIT "+h.xid.SQL()))})
	}
	k.s.at(StepCommitting)
	for _, e := range sent {
		if e.err == nil {
			e.err = answered(e.part.conn)
		}
		e.stop()
		if e.err != nil {
			left = append(left, e.part)
			why = e.err
		}
	}
	k.s.at(StepCommitted)
	return left, why
}

// confirmed waits until what was committed by branches lasts.
func (k *commit) confirmed(but []*held) error {
	var parts []*held
	for _, h := range k.branches {
		if !slices.Contains(but, h) {
			parts = append(parts, h)
		}
	}
	h, err := k.s.confirmAll(parts)
	k.s.at(StepConfirmed)
	if err == nil {
		return nil
	}
	return &PendingCommitError{ID: k.s.xa.id, Places: []Place{h.place}, Err: err}
}

// settle hands what the session can't end to the settler, waits for it as long as statements wait for a failover, and gives the error that the client
// should see. known is the outcome as far as it is known; what has not ended are all branches, or those that are named.
func (k *commit) settle(ctx context.Context, known Outcome, why error, left ...*held) (Outcome, error) {
	s := k.s
	u := Unfinished{ID: s.xa.id, Outcome: known}
	if known == "" {
		left = k.branches
	}
	if k.decider != nil {
		u.Decider = k.decider.place.Partition
	}
	u.Branches = k.open(left)
	places := make([]Place, len(left))
	for i, h := range left {
		places[i] = h.place
		k.discard(h)
	}
	if known == "" {
		if k.decider != nil {
			k.discard(k.decider)
		}
		s.readsEnded(k.read)
		k.read = nil
	}
	s.xa.left = true
	short, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.coordinator.Patience)
	defer cancel()
	outcome, err := s.coordinator.Settler.Settle(short, u)
	switch {
	case outcome == Committed && err == nil:
		return outcome, nil
	case outcome == Committed:
		for _, h := range k.branches { // those that have answered
			if slices.Contains(s.held, h) {
				s.forget(h)
			}
		}
		if k.decider != nil && slices.Contains(s.held, k.decider) {
			s.forget(k.decider)
		}
		s.readsEnded(k.read)
		return outcome, &PendingCommitError{ID: u.ID, Places: places, Err: err}
	case outcome == RolledBack:
		return outcome, &LostError{Place: k.deciding(), Err: why}
	}
	return "", &UnknownCommitError{ID: u.ID, Place: k.deciding(), Err: why}
}

// open are the branches of parts.
func (k *commit) open(parts []*held) []Branch {
	all := make([]Branch, len(parts))
	for i, h := range parts {
		all[i] = Branch{XID: h.xid, Place: h.place}
	}
	return all
}

// discard closes a part's connection: a branch that is prepared stays, for others to end.
func (k *commit) discard(h *held) {
	k.s.drop(h)
	h.conn.Discard()
	h.conn.Release()
}

// abort rolls everything back before the decision. Branches of which it is not known that they are rolled back go to the settler, and nobody waits for that.
func (k *commit) abort(why *LostError) error {
	s := k.s
	var left []Branch
	for _, h := range k.written() {
		b := Branch{XID: h.xid, Place: h.place}
		switch {
		case !k.prepared[h]:
			s.undo(h)
		case k.doubt:
			k.discard(h)
			left = append(left, b)
		case !s.undo(h):
			left = append(left, b)
		}
	}
	s.readsEnded(k.read)
	if len(left) > 0 {
		u := Unfinished{ID: s.xa.id, Outcome: RolledBack, Branches: left}
		if k.decider != nil {
			u.Decider = k.decider.place.Partition
		}
		now, cancel := context.WithCancel(context.Background())
		cancel()
		s.xa.left = true
		_, _ = s.coordinator.Settler.Settle(now, u)
	}
	s.finish(End{})
	return why
}

// confirmAll asks the guard about all parts at the same time, and tells of one that is not confirmed.
func (s *Session) confirmAll(parts []*held) (*held, error) {
	if s.guard == nil || len(parts) == 0 {
		return nil, nil
	}
	errs := make([]error, len(parts))
	var wg sync.WaitGroup
	for i, h := range parts[1:] {
		wg.Go(func() { errs[i+1] = s.confirm(h.place, h.conn) })
	}
	errs[0] = s.confirm(parts[0].place, parts[0].conn)
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			return parts[i], err
		}
	}
	return nil, nil
}
