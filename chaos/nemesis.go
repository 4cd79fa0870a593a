package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// admitWithin is how long a fault waits until what it hits may fail: until a leaf's partitions have another copy each that is whole.
const admitWithin = 20 * time.Second

// nemesis carries out the plan.
type nemesis struct {
	c    *cluster
	op   *operator
	seed uint64

	mu        sync.Mutex
	disturbed map[string]int // what is under a fault now
}

// run goes through the plan until ctx ends, and heals what it has broken.
func (n *nemesis) run(ctx context.Context) {
	for i := 0; ctx.Err() == nil; i++ {
		s := plan(n.seed, i, n.c.shape)
		n.c.story.say("%s", s)
		if !sleep(ctx, s.wait) {
			return
		}
		if s.command.what != "" {
			n.op.ask(ctx, s)
		}
		var wg sync.WaitGroup
		for _, f := range s.faults {
			wg.Go(func() { n.inflict(ctx, s.number, f) })
		}
		wg.Wait()
	}
}

// sleep waits; false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// inflict carries out one fault, if what it hits may fail, and ends it.
func (n *nemesis) inflict(ctx context.Context, step int, f fault) {
	if !sleep(ctx, f.after) {
		return
	}
	if f.target == controller {
		if f.target = n.c.cat.Controller(); n.c.nodes[f.target] == nil {
			n.c.story.say("step %d: there is no controller to %s", step, f.kind)
			return
		}
	}
	if why := n.admit(ctx, f); why != "" {
		n.c.story.say("step %d: no %s of %s: %s", step, f.kind, f.target, why)
		return
	}
	defer n.release(f)
	n.c.story.say("step %d: %s", step, f.begins())
	heal, err := n.c.begin(f)
	if err != nil { // it is just ending, or starting
		n.c.story.say("step %d: no %s: %v", step, f.begins(), err)
		return
	}
	sleep(ctx, f.lasts)
	n.c.story.say("step %d: %s ends", step, f.begins())
	heal()
}

func (f fault) begins() string {
	s := string(f.kind) + " " + f.target
	if f.other != "" {
		s += " from " + strings.Replace(f.other, "*", "all", 1)
	}
	return s
}

// hits are the processes that a fault hits, which do not serve meanwhile or not all.
func (f fault) hits() []string {
	if f.kind == sever {
		return nil
	}
	if f.kind == cut && f.other != "*" && f.other != "etcd" {
		return []string{f.target, f.other}
	}
	return []string{f.target}
}

// admit waits until a fault may be; why not is "" when it may.
func (n *nemesis) admit(ctx context.Context, f fault) (why string) {
	for end := time.Now().Add(admitWithin); ; {
		n.mu.Lock()
		why = n.objection(ctx, f)
		if why == "" {
			for _, h := range f.hits() {
				n.disturbed[h]++
			}
		}
		n.mu.Unlock()
		if why == "" || time.Now().After(end) || !sleep(ctx, 100*time.Millisecond) {
			return why
		}
	}
}

func (n *nemesis) release(f fault) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, h := range f.hits() {
		if n.disturbed[h]--; n.disturbed[h] == 0 {
			delete(n.disturbed, h)
		}
	}
}

// objection says why a fault would take more than redundancy gives.
func (n *nemesis) objection(ctx context.Context, f fault) string {
	for _, h := range f.hits() {
		if n.disturbed[h] > 0 {
			return h + " is disturbed already"
		}
		if p := n.c.target(h); p != nil && !p.up() {
			return h + " does not run"
		}
		if n.c.nodes[h] != nil {
			others := 0
			for name, o := range n.c.nodes {
				if name != h && n.disturbed[name] == 0 && o.up() {
					others++
				}
			}
			if others == 0 {
				return "it is the last node"
			}
		}
		if slices.Contains(n.c.shape.members, h) {
			for _, m := range n.c.shape.members {
				if n.disturbed[m] > 0 {
					return m + " is away: most members of etcd would be"
				}
			}
		}
		if _, leaf := n.c.leaves[h]; leaf {
			if why := n.whole(ctx, h); why != "" {
				return why
			}
		}
	}
	return ""
}

// whole says why a leaf may not fail: a partition that it holds has no other copy that is in sync, or one that is disturbed.
func (n *nemesis) whole(ctx context.Context, leaf string) string {
	short, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if err := n.c.cat.Sync(short); err != nil {
		return "etcd does not answer"
	}
	s := n.c.cat.Snapshot()
	if l := s.Leaves[leaf]; l == nil || l.State != topo.LeafOnline {
		return "it is not online"
	}
	for _, d := range s.Databases {
		for _, p := range d.Partitions {
			here, others := false, 0
			for _, in := range p.Instances {
				switch {
				case in.Leaf == leaf:
					here = true
				case n.disturbed[in.Leaf] == 0 && (in.Role == topo.Master || in.InSync):
					others++
				}
			}
			if here && (others == 0 || p.Locked) {
				return fmt.Sprintf("partition %s has no other copy that is whole", p.ID)
			}
		}
	}
	return ""
}

// settling is what a member of etcd that is back is given before another one may go.
const settling = 3 * time.Second

// begin inflicts a fault and says how it ends.
func (c *cluster) begin(f fault) (heal func(), err error) {
	node, p := c.nodes[f.target], c.target(f.target)
	sight := func() {}
	if node != nil && f.kind != sever && (f.kind != cut || f.other == "etcd") {
		node.blinded(1)
		sight = func() { node.blinded(-1) }
	}
	if m, ok := c.member(f.target); ok {
		heal, err := m.begin(f.kind)
		return func() {
			if err := heal(); err != nil {
				c.story.fail("%v", err)
			}
			time.Sleep(settling)
		}, err
	}
	switch {
	case f.kind == sever:
		return c.wires.sever(f.target, f.other), nil
	case f.kind == cut:
		c.wires.cut(f.target, f.other)
		return func() { c.wires.heal(f.target, f.other); sight() }, nil
	case f.kind == pause && p != nil:
		p.pause()
		return func() { p.resume(); sight() }, nil
	case f.kind == pause:
		i := c.index[f.target]
		if err := c.farm.Pause(i); err != nil {
			return nil, err
		}
		return func() {
			if err := c.farm.Resume(i); err != nil {
				c.story.fail("%v", err)
			}
		}, nil
	case p != nil:
		p.kill()
		return func() {
			sight()
			c.backing.Go(func() { c.again(p) })
		}, nil
	}
	if err := c.killLeaf(f.target); err != nil {
		return nil, err
	}
	return func() {
		if err := c.startLeaf(f.target); err != nil {
			c.story.fail("%v", err)
		}
	}, nil
}

// again starts a process that was killed. A node that finds no etcd says so and ends: whoever runs it starts it again.
func (c *cluster) again(p *process) {
	for try := 1; ; try++ {
		err := p.start()
		if err == nil {
			c.story.say("%s is ready", p.name)
			return
		}
		p.kill()
		if try == 5 {
			c.story.fail("%s can't be started again: %v", p.name, err)
			return
		}
		c.story.say("%s is started once more: %v", p.name, err)
	}
}
