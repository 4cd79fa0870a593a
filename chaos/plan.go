package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// shape is what a plan is made for.
type shape struct {
	leaves  []string // in pairs: the first with the second, and so on
	nodes   []string
	members []string // of etcd
	severs  bool     // whether connections are cut off, too
}

// controller is a target that is looked up when its time comes: the node that is the controller then.
const controller = "controller"

type kind string

const (
	kill  kind = "kill"  // kill -9, and another start after a while
	pause kind = "pause" // SIGSTOP and SIGCONT
	cut   kind = "cut"   // what from and to say to each other is dropped, silently
	sever kind = "sever" // all connections of from to another end at once, again and again; new ones are served
)

// fault is one disturbance and its end.
type fault struct {
	kind   kind
	target string
	other  string        // of a cut, and where connections are severed: the other end, "*" for all
	after  time.Duration // the step's command
	lasts  time.Duration
}

func (f fault) String() string {
	return fmt.Sprintf("%s after %s for %s", f.begins(), f.after, f.lasts)
}

// step is a part of the plan: something that an operator asks for, or nothing, and what fails in the middle of it.
type step struct {
	number  int
	wait    time.Duration // before it
	command command
	faults  []fault
}

func (s step) String() string {
	parts := []string{fmt.Sprintf("step %d: wait %s", s.number, s.wait)}
	if s.command.what != "" {
		parts = append(parts, s.command.String())
	}
	for _, f := range s.faults {
		parts = append(parts, f.String())
	}
	return strings.Join(parts, "; ")
}

// command is what an operator asks for; its SQL depends on what is there when its time comes.
type command struct {
	what string
	n    int // chooses among what is there
}

func (c command) String() string { return fmt.Sprintf("%s (%d)", c.what, c.n) }

// The commands.
const (
	rebalance   = "rebalance"
	restore     = "restore redundancy"
	orphans     = "clear orphans"
	handOver    = "promote aggregator"
	promote     = "promote partition"
	restart     = "restart leaves"
	alter       = "alter table"
	createTable = "create and drop table"
	createDB    = "create and drop database"
	grow        = "add or remove leaves"
	detach      = "detach and attach leaf"
	account     = "create and drop user"
)

var commands = []struct {
	what   string
	weight int
}{
	{rebalance, 3}, {restore, 2}, {orphans, 1}, {handOver, 3}, {promote, 4}, {restart, 1}, {alter, 4}, {createTable, 2}, {createDB, 2}, {grow, 2},
	{detach, 2}, {account, 2},
}

// plan is one step of the plan that a seed stands for. It depends on nothing else.
func plan(seed uint64, number int, sh shape) step {
	r := rand.New(rand.NewPCG(seed, uint64(number)))
	s := step{number: number, wait: between(r, 100*time.Millisecond, 2*time.Second)}
	if r.IntN(3) > 0 {
		s.command = command{what: drawCommand(r), n: r.IntN(1 << 16)}
	}
	n := 1
	if r.IntN(4) == 0 {
		n = 2
	}
	for range n {
		f := drawFault(r, sh)
		if !meets(s.faults, f, sh) {
			s.faults = append(s.faults, f)
		}
	}
	return s
}

func drawCommand(r *rand.Rand) string {
	sum := 0
	for _, c := range commands {
		sum += c.weight
	}
	n := r.IntN(sum)
	for _, c := range commands {
		if n -= c.weight; n < 0 {
			return c.what
		}
	}
	panic("unreachable")
}

func drawFault(r *rand.Rand, sh shape) fault {
	pick := func(names []string) string { return names[r.IntN(len(names))] }
	f := fault{after: between(r, 0, 1500*time.Millisecond), lasts: between(r, 100*time.Millisecond, 3*time.Second)}
	if r.IntN(4) == 0 {
		f.lasts = between(r, 3*time.Second, 10*time.Second)
	}
	node := func() string {
		if r.IntN(2) == 0 {
			return controller
		}
		return pick(sh.nodes)
	}
	if sh.severs && r.IntN(3) == 0 {
		f.kind, f.target, f.other = sever, node(), pick(sh.leaves)
		return f.rounded()
	}
	switch n := r.IntN(20); {
	case n < 4:
		f.kind, f.target = kill, pick(sh.leaves)
	case n < 7:
		f.kind, f.target = pause, pick(sh.leaves)
	case n < 9:
		f.kind, f.target, f.other = cut, pick(sh.leaves), "*"
	case n < 10: // replication alone: commits wait, for 30 s at most
		i := r.IntN(len(sh.leaves))
		f.kind, f.target, f.other = cut, sh.leaves[i], sh.leaves[i^1]
		if r.IntN(4) == 0 {
			f.lasts = between(r, 30*time.Second, 45*time.Second)
		}
	case n < 12:
		f.kind, f.target, f.other = cut, pick(sh.nodes), pick(sh.leaves)
	case n < 14:
		f.kind, f.target = kill, node()
	case n < 16:
		f.kind, f.target = pause, node()
	case n < 18:
		f.kind, f.target, f.other = cut, node(), "etcd"
	case n < 19:
		f.kind, f.target = kill, pick(sh.members)
	default:
		f.kind, f.target = pause, pick(sh.members)
	}
	if len(sh.members) < 3 && strings.HasPrefix(f.target, "etcd") {
		f.lasts = min(f.lasts, 4*time.Second) // a lone member is the majority
	}
	return f.rounded()
}

// meets says whether a fault hits what another one of the step hits: both leaves of a pair, two nodes, two members of etcd.
func meets(others []fault, f fault, sh shape) bool {
	class := func(name string) string {
		for i, l := range sh.leaves {
			if l == name {
				return fmt.Sprint("pair ", i/2)
			}
		}
		if strings.HasPrefix(name, "etcd") {
			return "etcd"
		}
		return "nodes"
	}
	classes := func(f fault) []string {
		if f.kind == sever { // all go on
			return nil
		}
		cs := []string{class(f.target)}
		if f.kind == cut && f.other != "*" {
			cs = append(cs, class(f.other))
		}
		return cs
	}
	for _, o := range others {
		for _, a := range classes(o) {
			for _, b := range classes(f) {
				if a == b {
					return true
				}
			}
		}
	}
	return false
}

func (f fault) rounded() fault {
	f.after, f.lasts = f.after.Round(time.Millisecond), f.lasts.Round(time.Millisecond)
	return f
}

func between(r *rand.Rand, low, high time.Duration) time.Duration {
	return (low + time.Duration(r.Int64N(int64(high-low)))).Round(time.Millisecond)
}
