package main

import (
	"testing"
	"time"
)

// Each fault meets a transaction over two partitions at each step of it: before a command arrives, when it has been done and not been answered, and while replicas are waited for. In
// the end the transaction is everywhere or nowhere, its client was not told a lie, nothing is in doubt and nothing is locked.
func TestFaultAtEachStep(t *testing.T) {
	t.Parallel() // with all of the others: this and the one below wait most of the time
	s := startSteps(t, true)
	n1, n2 := s.c.nodes["node-1"], s.c.nodes["node-2"]
	s.lead(n2)
	for _, f := range []struct {
		name  string
		node  *node // of the transactions
		fault func(b *batch)
	}{
		{"a connection is lost", n1, func(b *batch) { b.release() }},
		{"the node is killed, and started again", n1, func(b *batch) {
			b.node.kill()
			b.release()
			s.c.again(b.node.process)
		}},
		{"the node is killed, and away until all is settled", n1, func(b *batch) {
			b.node.kill()
			b.release()
			s.settled()
			s.c.again(b.node.process)
		}},
		{"the node is the controller, and killed", n2, func(b *batch) {
			b.node.kill()
			b.release()
			s.settled()
			s.c.again(b.node.process)
		}},
		{"the node is paused until all is settled", n1, func(b *batch) {
			b.node.pause()
			b.heal()
			s.until("the node's lease ends", func() bool { return !s.registered(b.node.name) })
			s.settled()
			b.node.resume()
			b.release()
		}},
		{"the decider's leaf is killed, and fails over", n1, func(b *batch) { b.failOver(decider) }},
		{"the branch's leaf is killed, and fails over", n1, func(b *batch) { b.failOver(branch) }},
		{"etcd is away until leases have ended", n1, func(b *batch) {
			for _, name := range s.c.shape.nodes {
				s.c.wires.cut(name, "etcd")
			}
			s.until("leases end", func() bool { return len(s.c.cat.Nodes()) == 0 })
			b.release()
			for _, name := range s.c.shape.nodes {
				s.c.wires.heal(name, "etcd")
			}
		}},
	} {
		s.run(t, f.name, func() {
			b := s.batch(f.node, f.name == "a connection is lost")
			b.reach()
			f.fault(b)
			b.check()
		})
	}
}

// Without replicas a leaf that was killed comes back with what it had.
func TestLeafKilledAtEachStep(t *testing.T) {
	t.Parallel()
	s := startSteps(t, false)
	s.lead(s.c.nodes["node-2"])
	for at, name := range []string{"the decider's leaf is killed, and comes back", "the branch's leaf is killed, and comes back"} {
		s.run(t, name, func() {
			b := s.batch(s.c.nodes["node-1"], false)
			b.reach()
			if err := s.c.killLeaf(b.leaves[at]); err != nil {
				s.t.Fatal(err)
			}
			if err := s.c.startLeaf(b.leaves[at]); err != nil {
				s.t.Fatal(err)
			}
			b.release()
			b.check()
		})
	}
}

// run is one fault; what was told, and what became of it, is counted.
func (s *steps) run(t *testing.T, name string, do func()) {
	t.Run(name, func(t *testing.T) {
		began := time.Now()
		s.t, s.met = t, map[string]int{}
		do()
		t.Logf("%v, within %s", s.met, time.Since(began).Round(time.Millisecond))
		if t.Failed() {
			for _, e := range s.c.events(t.Context()) {
				if e.Time.After(began) {
					t.Logf("%s event %s %s %s %s %s: %s", e.Time.Format(clock), e.Node, e.Severity, e.Kind, e.Leaf, e.Database, e.Detail)
				}
			}
		}
	})
}

// settled waits until leaves have nothing prepared.
func (s *steps) settled() {
	s.until("what was left is settled", func() bool {
		doubt, err := s.prepared()
		return len(doubt) == 0 && err == nil
	})
}

// failOver kills a leaf, which is back only when others have its partitions.
func (b *batch) failOver(at side) {
	s, leaf := b.s, b.leaves[at]
	if err := s.c.killLeaf(leaf); err != nil {
		s.t.Fatal(err)
	}
	b.release()
	s.until("the partitions of "+leaf+" have other masters", func() bool {
		for _, p := range s.c.cat.Snapshot().Databases["steps"].Partitions {
			if master, ok := p.Master(); !ok || master == leaf {
				return false
			}
		}
		return true
	})
	if err := s.c.startLeaf(leaf); err != nil {
		s.t.Fatal(err)
	}
}
