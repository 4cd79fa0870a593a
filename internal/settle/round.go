package settle

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
)

const (
	// askWithin is how long an owner's answer is waited for, mostAsked how many transactions one is asked about at once.
	askWithin = 5 * time.Second
	mostAsked = 1000
	// sweepEvery is how often decisions are swept that nobody needs any more.
	sweepEvery = time.Minute
)

// Rounds is how the controller settles what no node does: transactions whose owners are gone, or know nothing of them. Not for concurrent use.
type Rounds struct {
	s     *Settler
	event func(severity, kind, leaf, database, detail string)
	told  map[txn.ID]bool // that they wait
	lost  map[txn.ID]bool // that a crash has taken a part of them
	swept time.Time
}

// NewRounds begins a controller's. event tells operators.
func (s *Settler) NewRounds(event func(severity, kind, leaf, database, detail string)) *Rounds {
	return &Rounds{s: s, event: event, told: map[txn.ID]bool{}, lost: map[txn.ID]bool{}}
}

// End says that another node is the controller now.
func (r *Rounds) End() { r.s.count.inDoubt.Store(0) }

// Sweep has the next round sweep decisions.
func (r *Rounds) Sweep() { r.swept = time.Time{} }

// Once looks at all servers and settles what can be settled. It returns how much is left for another try: transactions that wait for something, and servers that
// have not answered though they are not known to be away. While the catalog does not answer nothing is done: who lives, and who is a partition's
// master, is not known then.
func (r *Rounds) Once(ctx context.Context) (left int, err error) {
	look := r.s.Look(ctx)
	// What is known of owners and partitions must be newer than what was seen of branches: neither begins with a branch.
	f, err := r.facts(ctx, look.Seen)
	if err != nil {
		return 0, err
	}
	seen, orphans := look.divide()
	plan := MakePlan(seen, f)
	discards, living := MakeDiscards(orphans, f)
	given, silent := r.ask(ctx, append(plan.Living, living...))
	if len(given) > 0 { // or they were ended while the owners were asked: then nothing lists them any more
		again := r.s.Look(ctx)
		maps.Copy(look.Missing, again.Missing)
		seen, orphans = still(seen, again.Seen), still(orphans, again.Seen)
		f.Given = given
		plan = MakePlan(seen, f)
		discards, _ = MakeDiscards(orphans, f)
	}
	began := time.Now()
	done := r.s.Carry(ctx, plan, f.Known)
	r.tell(done, time.Since(began))
	left += r.discard(ctx, discards, f.Known)
	left += r.strays(ctx, MakeStrays(seen, f.Snapshot))
	left += r.remnants(ctx, MakeRemnants(seen, f.Snapshot))
	r.s.count.inDoubt.Store(int64(len(done.Left())))
	for name, err := range look.Missing {
		r.s.log.Debug("settle: a server could not be asked for branches", "server", name, "error", err)
		if leaf := f.Snapshot.Leaves[strings.TrimPrefix(name, "leaf ")]; leaf == nil || leaf.State == topo.LeafOnline {
			left++
		}
	}
	left += len(done.Waits) + silent
	if time.Since(r.swept) > sweepEvery && ctx.Err() == nil {
		r.swept = time.Now()
		r.sweep(ctx, look, f, done)
	}
	return left, ctx.Err()
}

// still leaves what is listed again.
func still(before, now []Seen) []Seen {
	type at struct {
		server string
		xid    txn.XID
	}
	listed := make(map[at]bool, len(now))
	for _, b := range now {
		listed[at{b.Leaf, b.XID}] = true
	}
	return slices.DeleteFunc(before, func(b Seen) bool { return !listed[at{b.Leaf, b.XID}] })
}

// facts asks the catalog, for what is so now.
func (r *Rounds) facts(ctx context.Context, seen []Seen) (Facts, error) {
	cat := r.s.cfg.Catalog
	if err := cat.Sync(ctx); err != nil {
		return Facts{}, err
	}
	f := Facts{Snapshot: cat.Snapshot(), Ours: map[uint64]bool{}, Living: map[uint64]bool{}, Held: map[txn.ID]bool{}}
	leases, err := cat.Leases(ctx)
	if err != nil {
		return Facts{}, err
	}
	for lease := range leases.Known {
		f.Ours[uint64(lease)] = true
	}
	for lease := range leases.Living {
		f.Living[uint64(lease)] = true
	}
	f.Known = r.s.found(ctx, seen, f.Snapshot)
	if !slices.ContainsFunc(seen, func(s Seen) bool { return s.XID.Decider == 0 }) {
		return f, nil
	}
	all, err := cat.Decisions(ctx)
	if err != nil {
		return Facts{}, err
	}
	for _, d := range all {
		if id, err := txn.ParseID(d.ID); err == nil && d.Outcome == catalog.Prepared {
			f.Held[id] = true
		}
	}
	return f, nil
}

// ask asks living owners about branches that are prepared, and returns the transactions that they know nothing of: a failover in an ASYNC database may bring back what its
// owner has ended long ago, and it holds locks. An owner knows its transactions from before the first is prepared. silent is how many were not answered about.
func (r *Rounds) ask(ctx context.Context, living []txn.ID) (given map[txn.ID]bool, silent int) {
	byOwner := map[uint64][]txn.ID{}
	for _, id := range living {
		byOwner[id.Owner] = append(byOwner[id.Owner], id)
	}
	given = map[txn.ID]bool{}
	for owner, ids := range byOwner {
		some := ids[:min(len(ids), mostAsked)]
		states, err := r.s.askOwner(ctx, owner, some)
		if err != nil {
			r.s.log.Info("settle: a node does not say what has become of its transactions", "error", err)
			silent += len(ids)
			continue
		}
		silent += len(ids) - len(some)
		for _, id := range some {
			if states[id] == "" {
				given[id] = true
			}
		}
	}
	return given, silent
}

// discard has replicas roll back, at themselves alone, what their master has lost. It returns how many branches are left.
func (r *Rounds) discard(ctx context.Context, ends []End, known Outcomes) (left int) {
	if len(ends) == 0 {
		return 0
	}
	outcomes, _ := r.s.ask(ctx, slices.DeleteFunc(slices.Clone(ends), func(e End) bool { return known[e.XID.ID] != "" }))
	maps.Copy(outcomes, known)
	for _, e := range ends {
		switch outcomes[e.XID.ID] {
		case catalog.RolledBack:
			if err := r.s.servers.Discard(ctx, e.At.Leaf, func(x txn.XID) bool { return x == e.XID }); err != nil {
				r.s.log.Info("settle: a branch that its master has lost is left", "leaf", e.At.Leaf, "transaction", e.XID.ID, "error", err)
				left++
			} else {
				r.s.log.Info("settle: a branch that its master has lost in a crash was rolled back", "leaf", e.At.Leaf, "transaction", e.XID.ID)
			}
		case catalog.Committed:
			// The master had said that it had it: its disk has lost what was written. The replica knows better.
			left++
			if !r.lost[e.XID.ID] {
				r.lost[e.XID.ID] = true
				r.event("error", "branch lost", e.At.Leaf, "", fmt.Sprintf("transaction %s is committed, and a crash has taken what it wrote from its partition's master; leaf %s has it, prepared: make that the master", e.XID.ID, e.At.Leaf))
			}
		default:
			left++
		}
	}
	return left
}

// topic is what nodes ask each other about transactions by.
const topic = "transactions"

// askOwner asks the node that owns transactions what they are. Those that it knows nothing of are missing.
func (s *Settler) askOwner(ctx context.Context, owner uint64, ids []txn.ID) (map[txn.ID]State, error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	nodes := s.cfg.Catalog.Nodes()
	i := slices.IndexFunc(nodes, func(n catalog.NodeInfo) bool { return uint64(n.Lease) == owner })
	if i < 0 || s.cfg.Node == nil {
		return nil, fmt.Errorf("the node of lease %x is not known", owner)
	}
	doc, err := json.Marshal(texts(ids))
	if err != nil {
		return nil, err
	}
	answers, err := s.cfg.Node.Ask(ctx, topic, doc, nodes[i])
	text, ok := answers[nodes[i].ID]
	if !ok {
		return nil, fmt.Errorf("node %s has not answered: %w", nodes[i].Name, cmp.Or(err, context.Cause(ctx), errGone))
	}
	var said map[string]State
	if err := json.Unmarshal(text, &said); err != nil {
		return nil, fmt.Errorf("the answer of node %s: %w", nodes[i].Name, err)
	}
	out := map[txn.ID]State{}
	for _, id := range ids {
		if st, ok := said[id.String()]; ok {
			out[id] = st
		}
	}
	return out, nil
}

func texts(ids []txn.ID) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = id.String()
	}
	return out
}

// tell makes events of what was done, and of what newly waits.
func (r *Rounds) tell(done *Result, took time.Duration) {
	if n, m := len(done.Committed), len(done.RolledBack); n+m > 0 {
		ids := slices.AppendSeq(slices.Collect(maps.Keys(done.Committed)), maps.Keys(done.RolledBack))
		r.event("notice", "transactions settled", "", "", fmt.Sprintf("of nodes that are gone or had lost them: %d committed, %d rolled back, in %s: %s",
			n, m, took.Round(time.Millisecond), some(ids)))
	}
	left := done.Left()
	var fresh []txn.ID
	for id := range left {
		if !r.told[id] {
			r.told[id] = true
			fresh = append(fresh, id)
		}
	}
	maps.DeleteFunc(r.told, func(id txn.ID, _ bool) bool { _, waits := left[id]; return !waits })
	if len(fresh) == 0 {
		return
	}
	slices.SortFunc(fresh, compareIDs)
	r.event("warning", "transactions in doubt", "", "", fmt.Sprintf("%s: the first waits because %s; they keep their locks until it is known whether they are committed",
		some(fresh), left[fresh[0]]))
}

// some names transactions, and how many more there are.
func some(ids []txn.ID) string {
	const most = 3
	slices.SortFunc(ids, compareIDs)
	text := strings.Join(texts(ids[:min(most, len(ids))]), ", ")
	if n := len(ids) - most; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}

// At settles what is prepared at a leaf that is about to serve again: partitions whose only copy is there have it for a master already. It returns how many branches
// are left; those are settled once it serves.
func (r *Rounds) At(ctx context.Context, leaf string) (left int, err error) {
	r.s.pools.Drop(leaf) // the leaf's sessions were ended, or it was restarted
	seen, _, err := r.s.prepared(ctx, Place{Leaf: leaf})
	if err != nil || len(seen) == 0 {
		return 0, err
	}
	f, err := r.facts(ctx, seen)
	if err != nil {
		return 0, err
	}
	f.Snapshot = served(f.Snapshot, leaf)
	began := time.Now()
	done := r.s.Carry(ctx, MakePlan(seen, f), f.Known)
	r.tell(done, time.Since(began))
	return len(done.Waits), ctx.Err()
}

// served is a topology in which a leaf is the master of what has no other copy.
func served(s *topo.Snapshot, leaf string) *topo.Snapshot {
	n := *s
	n.Databases = map[string]*topo.Database{}
	for name, d := range s.Databases {
		e := *d
		e.Partitions = slices.Clone(d.Partitions)
		for i, p := range d.Partitions {
			if len(p.Instances) == 0 && p.Home == leaf {
				q := *p
				q.Instances, q.Locked = []topo.Instance{{Leaf: leaf, Role: topo.Master}}, false
				e.Partitions[i] = &q
			}
		}
		n.Databases[name] = &e
	}
	return &n
}
