package placement

import (
	"cmp"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// The actions, as SHOW REBALANCE STATUS prints them.
const (
	Copy    = "COPY PARTITION"    // make the leaf a replica
	Promote = "PROMOTE PARTITION" // make the replica on the leaf the master
	Attach  = "ATTACH PARTITION"  // take in what the leaf has
	Detach  = "DETACH PARTITION"  // forget the leaf's replica, keep its data
	Drop    = "DROP PARTITION"    // remove the leaf's replica
	Create  = "CREATE PARTITION"  // begin anew, empty
)

// Action is one step of a plan.
type Action struct {
	Action  string
	DB      string
	Ordinal int
	Leaf    string
	Phase   int
}

// Found says how a leaf's copy of a partition stands to the cluster's.
type Found int

// What may be found.
const (
	Nothing  Found = iota
	Diverged       // a copy that is not where a term ended
	Clean          // a copy that ended exactly where the present term began
)

// compareNames puts leaf-2 before leaf-10.
func compareNames(a, b string) int {
	pa, pb := strings.TrimRight(a, "0123456789"), strings.TrimRight(b, "0123456789")
	if pa == pb {
		if c := cmp.Compare(len(a), len(b)); c != 0 {
			return c
		}
	}
	return strings.Compare(a, b)
}

// Pairs says which leaf of the other group each leaf shares its partitions with. Pairs that are stay; leaves without one are paired in the order of their
// names. With redundancy 1 there are none.
func Pairs(s *topo.Snapshot) map[string]string {
	out := map[string]string{}
	if s.Settings.Redundancy < 2 {
		return out
	}
	free := map[int][]string{}
	for name, l := range s.Leaves {
		if o := s.Leaves[l.Pair]; o != nil && o.Pair == name && o.Group != l.Group {
			out[name] = l.Pair
		} else {
			free[l.Group] = append(free[l.Group], name)
		}
	}
	for _, g := range free {
		slices.SortFunc(g, compareNames)
	}
	for i := range min(len(free[1]), len(free[2])) {
		out[free[1][i]], out[free[2][i]] = free[2][i], free[1][i]
	}
	return out
}

// unit is what partitions are spread over: a pair, or a leaf without one. leaves has one or two names.
type unit struct {
	leaves []string
	away   string // the partner of a half
	rank   int
	parts  []*state // whose master is here
}

// How good units are for the second copies of their partitions.
const (
	single = iota // a leaf that has no partner
	half          // one whose partner is away
	whole         // a pair
)

// state is a partition while a plan is made.
type state struct {
	p      *topo.Partition
	master string          // "" while it is not settled which leaf of its unit gets it
	copies map[string]bool // the master's too
	// replaced: it gets another copy before its master moves, so that one may go.
	replaced bool
}

// plan is a plan under way.
type plan struct {
	s       *topo.Snapshot
	db      string
	units   []*unit
	unitOf  map[string]*unit
	actions []Action
}

func (pl *plan) add(action string, p *topo.Partition, leaf string, phase int) {
	pl.actions = append(pl.actions, Action{action, pl.db, p.ID.Ordinal, leaf, phase})
}

// done is the plan in the order of its phases, within a phase by partition.
func (pl *plan) done() []Action {
	slices.SortStableFunc(pl.actions, func(a, b Action) int { return cmp.Or(cmp.Compare(a.Phase, b.Phase), cmp.Compare(a.Ordinal, b.Ordinal)) })
	return pl.actions
}

func newPlan(s *topo.Snapshot, db string) (*plan, *topo.Database, error) {
	d, err := s.Database(db)
	if err != nil {
		return nil, nil, err
	}
	pl := &plan{s: s, db: db, unitOf: map[string]*unit{}}
	var names []string
	for name, l := range s.Leaves {
		if l.State == topo.LeafOnline {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, compareNames)
	pairs := Pairs(s)
	for _, name := range names {
		if pl.unitOf[name] != nil {
			continue
		}
		u := &unit{leaves: []string{name}}
		switch o := s.Leaves[pairs[name]]; {
		case o == nil:
		case o.State == topo.LeafOnline:
			u.leaves, u.rank = append(u.leaves, o.Name), whole
		case o.State != topo.LeafDetached:
			u.away, u.rank = o.Name, half
		}
		for _, l := range u.leaves {
			pl.unitOf[l] = u
		}
		pl.units = append(pl.units, u)
	}
	if len(pl.units) == 0 {
		return nil, nil, topo.NoOnlineLeaf()
	}
	return pl, d, nil
}

func stateOf(p *topo.Partition) *state {
	st := &state{p: p, copies: map[string]bool{}}
	for _, in := range p.Instances {
		st.copies[in.Leaf] = true
		if in.Role == topo.Master {
			st.master = in.Leaf
		}
	}
	return st
}

// Rebalance makes a database balanced, with as few partitions moved as that takes. force replaces lost partitions by empty ones; without it they are error 1777.
func Rebalance(s *topo.Snapshot, db string, force bool) ([]Action, error) {
	return rebalance(s, db, force, false)
}

// RebalanceFull is Rebalance that looks at what the leaves have of the other databases, too: partitions, and masters, that don't divide evenly go to those that have the
// fewest of all databases together. Databases that are each balanced by themselves may all have one partition more on the same leaf.
func RebalanceFull(s *topo.Snapshot, db string, force bool) ([]Action, error) {
	return rebalance(s, db, force, true)
}

func rebalance(s *topo.Snapshot, db string, force, full bool) ([]Action, error) {
	pl, d, err := newPlan(s, db)
	if err != nil {
		return nil, err
	}
	var lost, leaving []*state
	for _, p := range d.Partitions {
		st := stateOf(p)
		switch u := pl.unitOf[st.master]; {
		case st.master == "" && !force:
			return nil, topo.NoMaster(p.ID)
		case st.master == "":
			lost = append(lost, st)
		case u == nil: // on a leaf that is leaving: it has to go somewhere
			leaving = append(leaving, st)
		default:
			u.parts = append(u.parts, st)
		}
	}
	// After those that may stay: where there is room for the others is known only then.
	for _, st := range leaving {
		to := pl.emptiest()
		for _, old := range slices.SortedFunc(keys(st.copies), compareNames) {
			if u := pl.unitOf[old]; u != nil && len(u.leaves) == len(to.leaves) {
				to = u // it has the rows already
				break
			}
		}
		to.take(st)
	}
	for _, st := range lost {
		pl.emptiest().take(st)
	}
	for _, u := range pl.units {
		if u.rank != single || pl.emptiest().rank != whole {
			continue
		}
		alone := u.parts
		u.parts = nil
		for _, st := range alone {
			pl.emptiest().take(st)
		}
	}
	for {
		from, to := pl.fullest(), pl.emptiest()
		if len(from.parts)-len(to.parts) < 2 {
			break
		}
		st := from.parts[len(from.parts)-1]
		from.parts = from.parts[:len(from.parts)-1]
		to.take(st)
	}
	others := map[string]int{} // masters of other databases
	if full {
		others = pl.others()
		pl.level(others)
	}
	for _, u := range pl.units {
		pl.within(u, others)
	}
	return pl.done(), nil
}

// others counts the leaves' masters of other databases.
func (pl *plan) others() map[string]int {
	out := map[string]int{}
	for name, d := range pl.s.Databases {
		if name == pl.db {
			continue
		}
		for _, p := range d.Partitions {
			if m, ok := p.Master(); ok {
				out[m]++
			}
		}
	}
	return out
}

// level moves the partitions that some units have more than others from those that have much of other databases to those that have less.
func (pl *plan) level(others map[string]int) {
	load := func(u *unit) (n int) {
		for _, l := range u.leaves {
			n += others[l]
		}
		return n
	}
	for {
		var from, to *unit
		few := len(pl.emptiest().parts)
		for _, u := range pl.units {
			switch {
			case u.rank != pl.emptiest().rank:
			case len(u.parts) > few && (from == nil || load(u) > load(from)):
				from = u
			case len(u.parts) == few && (to == nil || load(u) < load(to)):
				to = u
			}
		}
		if from == nil || to == nil || load(from) <= load(to) {
			return
		}
		st := from.parts[len(from.parts)-1]
		from.parts = from.parts[:len(from.parts)-1]
		to.take(st)
	}
}

// emptiest is where partitions go. Where there are pairs it is one of them: a leaf without a partner would cost a partition its second copy, and one whose
// partner is away may get it back.
func (pl *plan) emptiest() *unit {
	return slices.MinFunc(pl.units, func(a, b *unit) int {
		return cmp.Or(cmp.Compare(b.rank, a.rank), cmp.Compare(len(a.parts), len(b.parts)))
	})
}

// fullest is where partitions are taken from. What half a pair has stays there while others are pairs: the partner is only away. A leaf that has none has
// given up its partitions by then.
func (pl *plan) fullest() *unit {
	return slices.MaxFunc(pl.units, func(a, b *unit) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(len(a.parts), len(b.parts)))
	})
}

// take gives a unit a partition; on which of its leaves the master will be is settled once all are there, so that none is promoted twice.
func (u *unit) take(st *state) {
	st.master = ""
	u.parts = append(u.parts, st)
}

// settle puts the master of a partition that a unit has taken on a leaf of it, out of whatever copies there are elsewhere.
func (pl *plan) settle(st *state, u *unit, leaf string) {
	rest := 7
	switch {
	case len(st.copies) == 0:
		pl.add(Create, st.p, leaf, 1)
		rest = 2
	default:
		if !st.copies[leaf] {
			pl.add(Copy, st.p, leaf, 2)
			st.replaced = true
		}
		pl.add(Promote, st.p, leaf, 6)
	}
	st.master, st.copies[leaf] = leaf, true
	for _, l := range u.leaves {
		if !st.copies[l] {
			pl.add(Copy, st.p, l, rest)
			st.copies[l] = true
		}
	}
}

func keys(m map[string]bool) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// masters counts a leaf's.
func (u *unit) masters(leaf string) int {
	n := 0
	for _, st := range u.parts {
		if st.master == leaf {
			n++
		}
	}
	return n
}

func (u *unit) lighter() string {
	if len(u.leaves) == 2 && u.masters(u.leaves[1]) < u.masters(u.leaves[0]) {
		return u.leaves[1]
	}
	return u.leaves[0]
}

// within gives every partition of a unit its replica and no other, and evens the masters out.
func (pl *plan) within(u *unit, others map[string]int) {
	slices.SortFunc(u.parts, func(a, b *state) int { return cmp.Compare(a.p.ID.Ordinal, b.p.ID.Ordinal) })
	masters := map[string]int{}
	for _, st := range u.parts {
		masters[st.master]++
	}
	for _, st := range u.parts {
		if st.master == "" {
			leaf := slices.MinFunc(u.leaves, func(a, b string) int {
				return cmp.Or(cmp.Compare(masters[a], masters[b]), cmp.Compare(others[a], others[b]))
			})
			pl.settle(st, u, leaf)
			masters[leaf]++
		}
		for _, l := range u.leaves {
			if !st.copies[l] {
				pl.add(Copy, st.p, l, 2)
				st.copies[l], st.replaced = true, true
			}
		}
		master, _ := st.p.Master()
		for _, old := range slices.SortedFunc(keys(st.copies), compareNames) {
			if slices.Contains(u.leaves, old) || old == u.away { // it may be about to come back, with this copy
				continue
			}
			phase := 8
			if old != master && st.replaced { // each write waits for all copies there are
				phase = 4
			}
			pl.add(Drop, st.p, old, phase)
			delete(st.copies, old)
		}
	}
	pl.even(u, 6, 7, others)
}

// even promotes replicas of a pair until each leaf has half of the masters; the old masters are replicas afterwards. An odd one goes to the leaf with fewer others.
func (pl *plan) even(u *unit, promote, back int, others map[string]int) {
	if len(u.leaves) != 2 {
		return
	}
	a, b := u.masters(u.leaves[0]), u.masters(u.leaves[1])
	from, to := u.leaves[0], u.leaves[1]
	if b > a {
		from, to, a, b = to, from, b, a
	}
	n := (a - b) / 2
	if (a-b)%2 == 1 && others[from] > others[to] {
		n++
	}
	for _, st := range u.parts {
		if n > 0 && st.master == from && st.copies[to] {
			pl.add(Promote, st.p, to, promote)
			pl.add(Copy, st.p, from, back)
			st.master = to
			n--
		}
	}
}

// RestoreRedundancy copies partitions that have one instance to the other leaf of the pair.
func RestoreRedundancy(s *topo.Snapshot, db string) ([]Action, error) {
	pl, d, err := newPlan(s, db)
	if err != nil {
		return nil, err
	}
	for _, p := range d.Partitions {
		st := stateOf(p)
		u := pl.unitOf[st.master]
		if u == nil {
			continue
		}
		for _, l := range u.leaves {
			if !st.copies[l] {
				pl.add(Copy, p, l, 2)
			}
		}
	}
	return pl.done(), nil
}

// Alone are the partitions of a database that have no second copy, and can't get one where they are: their leaf has no partner.
func Alone(s *topo.Snapshot, db string) (ordinals []int) {
	d := s.Databases[db]
	if d == nil || s.Settings.Redundancy < 2 {
		return nil
	}
	pairs := Pairs(s)
	for _, p := range d.Partitions {
		if m, ok := p.Master(); ok && len(p.Instances) == 1 && pairs[m] == "" {
			ordinals = append(ordinals, p.ID.Ordinal)
		}
	}
	return ordinals
}

// AttachLeaf takes in what a leaf has of a database and, with redundancy 2, makes it a whole half of its pair again; even is whether the masters are evened
// out then. found says what the leaf has of each partition. The leaf counts as online. force takes a copy also of a partition whose newest copy is elsewhere
// and away.
func AttachLeaf(s *topo.Snapshot, db, leaf string, found func(*topo.Partition) Found, force, even bool) ([]Action, error) {
	b := topo.NewBuilder(s)
	l := s.Leaves[leaf]
	if l == nil {
		return nil, topo.NoLeaf(leaf)
	}
	online := *l
	online.State = topo.LeafOnline
	b.PutLeaf(&online)
	pl, d, err := newPlan(b.Build(s.Revision), db)
	if err != nil {
		return nil, err
	}
	u := pl.unitOf[leaf]
	var alone []*state
	for _, p := range d.Partitions {
		st := stateOf(p)
		switch {
		case st.master == "" && found(p) != Nothing && (p.Home == leaf || p.Home == "" || force):
			pl.add(Attach, p, leaf, 1)
			st.master, st.copies[leaf] = leaf, true
			u.parts, alone = append(u.parts, st), append(alone, st)
		case st.master == "" || !slices.Contains(u.leaves, st.master):
		case st.copies[leaf]:
			u.parts = append(u.parts, st)
			if st.master == leaf { // brought back while the other leaf was away or coming
				alone = append(alone, st)
			}
		default:
			if found(p) == Clean {
				pl.add(Attach, p, leaf, 1)
			} else {
				pl.add(Copy, p, leaf, 3)
			}
			st.copies[leaf] = true
			u.parts = append(u.parts, st)
		}
	}
	if even {
		pl.even(u, 7, 8, nil)
	}
	for _, st := range alone { // the other leaf of the pair may have come back before this one, and had nobody to copy from
		for _, l := range u.leaves {
			if !st.copies[l] {
				pl.add(Copy, st.p, l, 8)
			}
		}
	}
	return pl.done(), nil
}

// Empty moves all partitions of a database away from a leaf. force leaves those behind that no other leaf could take; without it they are an error.
func Empty(s *topo.Snapshot, db, leaf string, force bool) ([]Action, error) {
	b := topo.NewBuilder(s)
	l := s.Leaves[leaf]
	if l == nil {
		return nil, topo.NoLeaf(leaf)
	}
	leaving := *l
	leaving.State, leaving.Pair = topo.LeafDetached, ""
	b.PutLeaf(&leaving)
	pl, d, err := newPlan(b.Build(s.Revision), db)
	if err != nil {
		d := s.Databases[db]
		if d == nil {
			return nil, nil
		}
		var out []Action
		for _, p := range d.Partitions {
			switch st := stateOf(p); {
			case st.master == leaf && !force:
				return nil, err
			case st.master != leaf && st.copies[leaf]: // nobody has to take it
				out = append(out, Action{Detach, db, p.ID.Ordinal, leaf, 8})
			}
		}
		return out, nil
	}
	var homeless []*state
	for _, p := range d.Partitions {
		st := stateOf(p)
		switch {
		case !st.copies[leaf]:
			if u := pl.unitOf[st.master]; u != nil {
				u.parts = append(u.parts, st)
			}
		case st.master != leaf:
			pl.add(Detach, p, leaf, 8)
			if u := pl.unitOf[st.master]; u != nil {
				u.parts = append(u.parts, st)
			}
		default:
			homeless = append(homeless, st)
		}
	}
	for _, st := range homeless {
		to := ""
		for _, other := range slices.SortedFunc(keys(st.copies), compareNames) {
			if pl.unitOf[other] != nil && to == "" {
				to = other
			}
		}
		if to == "" {
			u := pl.emptiest()
			to = u.lighter()
			pl.add(Copy, st.p, to, 2)
			for _, l := range u.leaves {
				if l != to {
					pl.add(Copy, st.p, l, 7)
				}
			}
		}
		st.master = to
		pl.unitOf[to].parts = append(pl.unitOf[to].parts, st)
		pl.add(Promote, st.p, to, 6)
		pl.add(Detach, st.p, leaf, 8)
	}
	return pl.done(), nil
}
