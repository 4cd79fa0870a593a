package settle

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
)

// State is what a transaction is.
type State string

// The states, as SHOW TRANSACTION STATUS prints them.
const (
	Open       State = "open"
	Preparing  State = "preparing"
	Committed  State = "committed"
	RolledBack State = "rolled back"
	Unknown    State = "unknown"
)

const (
	// tryEvery is how often a transaction that a client waits for is tried, againEvery one that nobody waits for any more; both also when the topology changes.
	tryEvery   = 50 * time.Millisecond
	againEvery = time.Second
)

var errGone = errors.New("it is gone")

// Unfinished is a transaction of this node of which something is left to do.
type Unfinished struct {
	ID      txn.ID
	Decider topo.PartitionID // the zero ID: the catalog decides
	// Outcome is what was decided; "" when that is not known.
	Outcome  catalog.Outcome
	Branches []Branch // that are not known to be ended
}

// Branch is one of its branches.
type Branch struct {
	XID   txn.XID
	Place txn.Place
}

// LeftError: what was decided about a transaction is known, and not done everywhere: it will be.
type LeftError struct {
	ID      txn.ID
	Outcome catalog.Outcome // "" when nobody could tell in time
	Left    []string        // what waits, and why
	// Branches are those that wait.
	Branches []Branch
}

func (e *LeftError) Error() string {
	if e.Outcome == "" {
		return fmt.Sprintf("it is unknown yet whether transaction %s was committed: %s", e.ID, strings.Join(e.Left, "; "))
	}
	return fmt.Sprintf("transaction %s is %s, and some partitions show that later: %s", e.ID, e.Outcome, strings.Join(e.Left, "; "))
}

// Own are the transactions of a node over several places: those that are under way, and those that could not be finished, which it finishes as soon as it can. Those are
// in memory alone: when the node dies they are the controller's.
type Own struct {
	s    *Settler
	ctx  context.Context
	stop context.CancelFunc
	work sync.WaitGroup
	some chan struct{} // has room for one: there is something for the background

	mu    sync.Mutex
	known map[txn.ID]*own
}

type own struct {
	state State
	left  *Unfinished // nil: it is under way
	busy  bool        // it is being tried
}

// NewOwn begins a node's. Close ends it.
func (s *Settler) NewOwn() *Own {
	o := &Own{s: s, known: map[txn.ID]*own{}, some: make(chan struct{}, 1)}
	o.ctx, o.stop = context.WithCancel(context.Background())
	o.work.Go(o.follow)
	o.work.Go(o.sweeps)
	if s.cfg.Node != nil {
		o.work.Go(func() { s.cfg.Node.Answer(o.ctx, o.answer) })
	}
	return o
}

// Close ends the work in the background. What is left is the controller's once the node's lease is gone.
func (o *Own) Close() {
	o.stop()
	o.work.Wait()
}

// Begin notes that a transaction is under way, until End or Settle.
func (o *Own) Begin(id txn.ID) { o.set(id, Open) }

// Prepare notes that it is about to commit.
func (o *Own) Prepare(id txn.ID) { o.set(id, Preparing) }

func (o *Own) set(id txn.ID, st State) {
	o.mu.Lock()
	o.known[id] = &own{state: st}
	o.mu.Unlock()
}

// End notes that nothing is left of a transaction that was under way.
func (o *Own) End(id txn.ID) {
	o.mu.Lock()
	if k := o.known[id]; k != nil && k.left == nil {
		delete(o.known, id)
	}
	o.mu.Unlock()
}

// Settle finds out what is decided about a transaction, has it rolled back when nothing is, and ends its branches. It tries until ctx ends; what is left then,
// as *LeftError says, it does in the background. The outcome is "" when it could not be known.
func (o *Own) Settle(ctx context.Context, u Unfinished) (catalog.Outcome, error) {
	k := &own{state: Preparing, left: &u, busy: true}
	o.mu.Lock()
	o.known[u.ID] = k
	o.mu.Unlock()
	for {
		changed := o.s.cfg.Catalog.Changed()
		waits := o.try(ctx, k)
		if len(waits) == 0 {
			return u.Outcome, nil
		}
		select {
		case <-changed:
		case <-time.After(tryEvery):
		case <-ctx.Done():
			left := &LeftError{u.ID, u.Outcome, waits, u.Branches}
			o.mu.Lock()
			k.busy = false
			o.mu.Unlock()
			o.wake()
			return left.Outcome, left
		}
	}
}

func (o *Own) wake() {
	select {
	case o.some <- struct{}{}:
	default: // said already
	}
}

// try does what can be done for a transaction that is busy, and says why not all of it could. One of which nothing is left is forgotten.
func (o *Own) try(ctx context.Context, k *own) (waits []string) {
	u := k.left
	known := Outcomes{}
	if u.Outcome != "" {
		known[u.ID] = u.Outcome
	}
	plan := u.plan(o.s.cfg.Catalog.Snapshot())
	if u.Outcome == "" && len(plan.Ends) == 0 { // no branch can be ended, but the client wants to know
		if at, why := u.decider(o.s.cfg.Catalog.Snapshot()); why == "" {
			out, err := o.s.askOne(ctx, at, []txn.ID{u.ID}, make(chan struct{}, 1))
			if err != nil {
				waits = append(waits, err.Error())
			}
			known = out
		} else {
			waits = append(waits, why)
		}
	}
	done := o.s.Carry(ctx, plan, known)
	if out, ok := done.Outcomes[u.ID]; ok {
		u.Outcome = out
	}
	var left []Branch
	for _, b := range u.Branches {
		for _, w := range done.Waits {
			if w.XID == b.XID {
				left = append(left, b)
				waits = append(waits, w.Why)
				break
			}
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	u.Branches = left
	if u.Outcome != "" {
		k.state = State(u.Outcome)
	}
	if u.Outcome == "" && len(waits) == 0 {
		waits = append(waits, "nothing is decided about it")
	}
	if len(waits) == 0 && o.known[u.ID] == k {
		delete(o.known, u.ID)
	}
	return waits
}

// decider is where it is decided about a transaction, or why that can't be asked now.
func (u *Unfinished) decider(s *topo.Snapshot) (Place, string) {
	if u.Decider.DB == "" {
		return Place{}, ""
	}
	return deciderOf(s, s.Partition(u.Decider))
}

// plan is what can be done for a transaction in a topology.
func (u *Unfinished) plan(s *topo.Snapshot) Plan {
	var plan Plan
	decider, unasked := u.decider(s)
	for _, b := range u.Branches {
		at, why := Place{Leaf: b.Place.Leaf, Remote: b.Place.Remote}, ""
		if id := b.Place.Partition; id.DB != "" {
			if p := s.Partition(id); p != nil {
				at, why = masterOf(p, "which it is a branch at")
			}
		} else if leaf := s.Leaves[b.Place.Leaf]; b.Place.Remote == nil && leaf == nil {
			continue // it was taken out of the cluster, with the branch
		}
		if why == "" && u.Outcome == "" {
			why = unasked
		}
		if why != "" {
			plan.Waits = append(plan.Waits, Wait{Seen{b.XID, b.Place.Leaf, b.Place.Remote}, why})
			continue
		}
		plan.Ends = append(plan.Ends, End{b.XID, at, decider})
	}
	return plan
}

// follow tries what is left, until Close.
func (o *Own) follow() {
	for {
		select {
		case <-o.some:
		case <-o.ctx.Done():
			return
		}
		for o.ctx.Err() == nil {
			changed := o.s.cfg.Catalog.Changed()
			if o.tryAll() == 0 {
				break
			}
			select {
			case <-changed:
				select { // topologies may come one after the other
				case <-time.After(tryEvery):
				case <-o.ctx.Done():
				}
			case <-time.After(againEvery):
			case <-o.ctx.Done():
			}
		}
	}
}

// tryAll tries once what nobody waits for, and says how many are left.
func (o *Own) tryAll() int {
	var mine []*own
	o.mu.Lock()
	for id, k := range o.known {
		switch {
		case k.left == nil || k.busy:
		case k.left.Outcome == "" && o.s.cfg.Node != nil && o.s.cfg.Node.Lease() != 0 && uint64(o.s.cfg.Node.Lease()) != id.Owner:
			delete(o.known, id) // the lease that it was begun under is gone: it is the controller's to decide
		default:
			k.busy = true
			mine = append(mine, k)
		}
	}
	o.mu.Unlock()
	if o.s.cfg.Node != nil && o.s.cfg.Node.Lease() == 0 { // the topology may be another one by now
		o.mu.Lock()
		for _, k := range mine {
			k.busy = false
		}
		o.mu.Unlock()
		return len(mine)
	}
	slices.SortFunc(mine, func(a, b *own) int { return compareIDs(a.left.ID, b.left.ID) })
	left := 0
	var mu sync.Mutex
	var trying sync.WaitGroup
	turn := make(chan struct{}, 2*atOnce)
	for _, k := range mine {
		trying.Go(func() {
			turn <- struct{}{}
			defer func() { <-turn }()
			waits := o.try(o.ctx, k)
			o.mu.Lock()
			k.busy = false
			o.mu.Unlock()
			if len(waits) > 0 {
				mu.Lock()
				left++
				mu.Unlock()
				o.s.log.Debug("settle: a transaction of this node is not finished yet", "transaction", k.left.ID.String(), "why", waits[0])
				return
			}
			o.s.log.Info("settle: a transaction of this node was finished late", "transaction", k.left.ID.String(), "outcome", string(k.left.Outcome))
		})
	}
	trying.Wait()
	return left
}

// state is what this node knows of one of its transactions; "" for nothing.
func (o *Own) state(id txn.ID) State {
	o.mu.Lock()
	defer o.mu.Unlock()
	if k := o.known[id]; k != nil {
		return k.state
	}
	return ""
}

// answer tells another node what this one's transactions are.
func (o *Own) answer(_ context.Context, asked string, doc []byte) []byte {
	var ids []string
	if asked != topic || json.Unmarshal(doc, &ids) != nil {
		return nil
	}
	said := map[string]State{}
	for _, text := range ids {
		if id, err := txn.ParseID(text); err == nil {
			if st := o.state(id); st != "" {
				said[text] = st
			}
		}
	}
	out, err := json.Marshal(said)
	if err != nil {
		return nil
	}
	return out
}

// Left is how many transactions of this node are not finished, and nobody waits for.
func (o *Own) Left() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := 0
	for _, k := range o.known {
		if k.left != nil {
			n++
		}
	}
	return n
}
