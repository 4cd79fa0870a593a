package deadlock

import (
	"cmp"
	"slices"

	"github.com/orbweaver/orbweaver/internal/txn"
)

// Name tells a transaction from all others of the cluster.
type Name struct {
	Node uint32
	ID   uint64
}

// Transaction is one that holds connections at several places.
type Transaction struct {
	Name
	Begun   int64 // microseconds since 1970, by its node's clock
	Threads []txn.Thread
	Running []txn.Running
	// Said counts how often its node has said so: a number that has grown means that the transaction was still there.
	Said uint64
}

// Party is one side of a wait: a connection and what it is to InnoDB.
type Party struct {
	Thread uint64
	Trx    string
}

// Wait says that at a leaf one waits for another.
type Wait struct {
	Leaf            string
	Waiter, Blocker Party
}

func (w Wait) waiter() txn.Thread  { return txn.Thread{Leaf: w.Leaf, ID: w.Waiter.Thread} }
func (w Wait) blocker() txn.Thread { return txn.Thread{Leaf: w.Leaf, ID: w.Blocker.Thread} }

// Picture is what one look has seen.
type Picture struct {
	Transactions []Transaction
	Waits        []Wait
}

// How often a wait must have been seen to count: between this node's own transactions, and where another node's take part.
const (
	seenHere  = 2
	seenThere = 3
)

// history follows waits from look to look.
type history struct {
	self  uint32 // this node
	waits map[Wait]sighting
}

// sighting is what is known of a wait that the last look has seen.
type sighting struct {
	count           int
	waiter, blocker side
}

// side is the transaction behind one end of a wait.
type side struct {
	name Name
	said uint64
	turn uint64 // of what runs on that connection
}

// next takes a look, and returns what of it is certain.
func (h *history) next(p Picture) Picture {
	sides := map[txn.Thread]side{}
	for _, t := range p.Transactions {
		for _, thread := range t.Threads {
			sides[thread] = side{name: t.Name, said: t.Said}
		}
		for _, r := range t.Running {
			sides[r.Thread] = side{name: t.Name, said: t.Said, turn: r.Turn}
		}
	}
	now := make(map[Wait]sighting, len(p.Waits))
	certain := Picture{Transactions: p.Transactions}
	for _, w := range p.Waits {
		if _, twice := now[w]; twice {
			continue
		}
		s := sighting{1, sides[w.waiter()], sides[w.blocker()]}
		if before, ok := h.waits[w]; ok && s.waiter.follows(before.waiter, true) && s.blocker.follows(before.blocker, false) {
			s.count = before.count
			if s.waiter.renewed(before.waiter) && s.blocker.renewed(before.blocker) {
				s.count++
			} else { // nothing was learnt: the next report is to be compared with the same one
				s.waiter.said, s.blocker.said = before.waiter.said, before.blocker.said
			}
		}
		now[w] = s
		need := seenHere
		if h.foreign(s.waiter) || h.foreign(s.blocker) {
			need = seenThere
		}
		if s.count >= need {
			certain.Waits = append(certain.Waits, w)
		}
	}
	h.waits = now
	return certain
}

func (h *history) foreign(s side) bool { return s.name != (Name{}) && s.name.Node != h.self }

// follows says whether s is the same transaction as before; for one who waits, in the same statement.
func (s side) follows(before side, waits bool) bool {
	return s.name == before.name && (!waits || s.turn == before.turn)
}

// renewed says whether s was said anew; those that nobody speaks for are what the leaf says.
func (s side) renewed(before side) bool { return s.name == (Name{}) || s.said > before.said }

// Victim is a transaction that has to end, and the turn of one of its statements that wait. Own: it waits for nobody but itself, which it would again.
type Victim struct {
	Name
	Turn uint64
	Own  bool
}

// Victims are the transactions to be ended so that no circle is left that no leaf sees. The same picture gives the same victims, in whatever order
// it lists things.
func Victims(p Picture) []Victim {
	g := graphOf(p)
	var victims []Victim
	for {
		round := g.round()
		if len(round) == 0 {
			break
		}
		victims = append(victims, round...)
	}
	slices.SortFunc(victims, func(a, b Victim) int { return compareNames(a.Name, b.Name) })
	return victims
}

func compareNames(a, b Name) int { return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.ID, b.ID)) }

// graph has a point for each transaction over several places and for each other connection.
type graph struct {
	points []point
}

type point struct {
	tx   *Transaction // nil for another connection
	out  []arc
	in   []txn.Thread // where others of its component wait for it
	gone bool
	// Tarjan's numbers; scc is the number of its component.
	index, low, scc int
	onStack         bool
}

// arc is a wait: from one's connection to another's.
type arc struct {
	to       int
	from, at txn.Thread
}

func graphOf(p Picture) *graph {
	g := &graph{}
	of := map[txn.Thread]int{}
	for i := range p.Transactions {
		t := &p.Transactions[i]
		g.points = append(g.points, point{tx: t})
		for _, thread := range t.Threads {
			of[thread] = len(g.points) - 1
		}
	}
	find := func(t txn.Thread) int {
		n, ok := of[t]
		if !ok {
			n = len(g.points)
			g.points = append(g.points, point{})
			of[t] = n
		}
		return n
	}
	for _, w := range p.Waits {
		from, to := find(w.waiter()), find(w.blocker())
		g.points[from].out = append(g.points[from].out, arc{to, w.waiter(), w.blocker()})
	}
	return g
}

// round takes one victim out of each knot of circles.
func (g *graph) round() []Victim {
	knots := g.components()
	for i := range g.points {
		g.points[i].in = g.points[i].in[:0]
	}
	for i := range g.points {
		for _, a := range g.points[i].out {
			if to := &g.points[a.to]; to.scc == g.points[i].scc {
				to.in = append(to.in, a.at)
			}
		}
	}
	var victims []Victim
	for _, knot := range knots {
		knot = slices.DeleteFunc(knot, func(i int) bool { return g.points[i].tx == nil })
		slices.SortFunc(knot, func(a, b int) int { return youngerFirst(g.points[a].tx, g.points[b].tx) })
		for _, i := range knot {
			if from, own, ok := g.crossed(i); ok {
				t := g.points[i].tx
				g.points[i].gone = true
				victims = append(victims, Victim{t.Name, turnAt(t, from), own})
				break
			}
		}
	}
	return victims
}

// crossed says whether a circle leaves a transaction by one of its connections, which it tells, and comes back to another. A circle that comes
// back to the same one at every transaction is a leaf's own. own: it leads there at once.
func (g *graph) crossed(i int) (from txn.Thread, own, ok bool) {
	start := &g.points[i]
	for n, first := range start.out {
		if slices.ContainsFunc(start.out[:n], func(a arc) bool { return a.from == first.from }) {
			continue
		}
		if !slices.ContainsFunc(start.in, func(at txn.Thread) bool { return at != first.from }) {
			continue
		}
		// All that can be reached from this connection without passing through the transaction again.
		seen := map[int]bool{}
		var todo []int
		for _, a := range start.out[n:] {
			if a.from != first.from {
				continue
			}
			if a.to == i {
				return first.from, true, true
			}
			todo = append(todo, a.to)
		}
		for len(todo) > 0 {
			at := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			p := &g.points[at]
			if seen[at] || p.gone || p.scc != start.scc {
				continue
			}
			seen[at] = true
			for _, a := range p.out {
				if a.to == i && a.at != first.from {
					return first.from, false, true
				}
				if a.to != i {
					todo = append(todo, a.to)
				}
			}
		}
	}
	return txn.Thread{}, false, false
}

func youngerFirst(a, b *Transaction) int {
	return cmp.Or(cmp.Compare(b.Begun, a.Begun), compareNames(b.Name, a.Name))
}

// turnAt is the turn of what runs at a thread, 0 when its node does not know of anything.
func turnAt(t *Transaction, at txn.Thread) uint64 {
	for _, r := range t.Running {
		if r.Thread == at {
			return r.Turn
		}
	}
	return 0
}

// components are the strongly connected components (Tarjan), without those that are gone. Recursion is on the heap: a queue for one row makes a
// graph as deep as the queue is long.
func (g *graph) components() [][]int {
	for i := range g.points {
		p := &g.points[i]
		p.index, p.low, p.scc, p.onStack = 0, 0, -1-i, false
	}
	type frame struct{ at, arc int }
	var all [][]int
	var stack []int
	var calls []frame
	counter := 0
	enter := func(i int) {
		counter++
		p := &g.points[i]
		p.index, p.low, p.onStack = counter, counter, true
		stack = append(stack, i)
		calls = append(calls, frame{i, 0})
	}
	for root := range g.points {
		if g.points[root].gone || g.points[root].index != 0 {
			continue
		}
		enter(root)
		for len(calls) > 0 {
			f := &calls[len(calls)-1]
			p := &g.points[f.at]
			if f.arc < len(p.out) {
				to := p.out[f.arc].to
				f.arc++
				switch q := &g.points[to]; {
				case q.gone:
				case q.index == 0:
					enter(to)
				case q.onStack:
					p.low = min(p.low, q.index)
				}
				continue
			}
			at := f.at
			calls = calls[:len(calls)-1]
			if len(calls) > 0 {
				up := &g.points[calls[len(calls)-1].at]
				up.low = min(up.low, p.low)
			}
			if p.low != p.index {
				continue
			}
			var knot []int
			for {
				i := stack[len(stack)-1]
				stack = stack[:len(stack)-1]
				g.points[i].onStack, g.points[i].scc = false, len(all)
				knot = append(knot, i)
				if i == at {
					break
				}
			}
			all = append(all, knot)
		}
	}
	return all
}
