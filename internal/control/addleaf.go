package control

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/order"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// addLeaf prepares a server and takes it in. The command knows the leaf's name before the topology does: a leaf of that name is its own, whoever had begun.
func (l *leader) addLeaf(ctx context.Context, cmd *catalog.Command, a order.Leaf) error {
	for {
		was := l.leafAt(a.Host, a.Port)
		if was == nil {
			break
		}
		end, err := l.take(ctx, "attaching "+was.Name) // somebody may be about to take it in, or to give up
		if err != nil {
			return err
		}
		now := l.leafAt(a.Host, a.Port)
		if now != nil && now.Name == cmd.Leaf && now.State == topo.LeafAttaching {
			defer end()
			return l.takeIn(ctx, now.Name, a)
		}
		end()
		switch {
		case now == nil:
		case now.Name != cmd.Leaf && now.State == topo.LeafAttaching && l.adding(now.Name): // what comes of that is the answer
			select {
			case <-time.After(tick):
			case <-ctx.Done():
				return ctx.Err()
			}
		case now.Name == cmd.Leaf && now.State == topo.LeafOnline:
			return l.pair(ctx)
		case now.Name == cmd.Leaf:
			return refuse(1731, "The leaf '%s' is in the cluster as %s, and was lost while it was taken in: it is %s. It is attached when it answers again, by ATTACH LEAF when auto_attach is off",
				now.Addr(), now.Name, now.State)
		default:
			return l.listed(now)
		}
	}
	password := ""
	if len(a.Secret) > 0 {
		if l.cfg.Open == nil {
			return fmt.Errorf("this node can't open the password of ADD LEAF")
		}
		var err error
		if password, err = l.cfg.Open(a.Secret, a.Context()); err != nil {
			return err
		}
	}
	s := l.cat.Snapshot()
	ids := map[uint32]string{}
	perGroup := map[int]int{}
	for name, x := range s.Leaves {
		ids[x.ServerID] = name
		perGroup[x.Group]++
	}
	group := a.Group
	if group == 0 {
		group = 1
		if s.Settings.Redundancy == 2 && perGroup[2] < perGroup[1] {
			group = 2
		}
	}
	if group > s.Settings.Redundancy {
		return refuse(1731, "Availability group %d needs redundancy_level %d: run SET GLOBAL redundancy_level = %d first", group, group, group)
	}
	facts, err := l.servers.Prepare(ctx, a.Addr(), a.User, password, l.cfg.ClusterKey, ids, s.Settings)
	if err != nil {
		return err
	}
	name := ""
	for i := 1; name == "" || s.Leaves[name] != nil; i++ {
		name = "leaf-" + strconv.Itoa(i)
	}
	end, err := l.take(ctx, "attaching "+name) // it is no leaf that comes back
	if err != nil {
		return err
	}
	defer end()
	cmd.Leaf = name
	if err := l.node.SaveCommand(ctx, cmd); err != nil {
		return err
	}
	if _, err := l.update(ctx, func(x *catalog.Txn) error {
		for _, other := range x.Leaves() {
			if sameAddress(other, a) {
				return l.listed(other)
			}
		}
		if x.Leaf(name) != nil {
			return errMoved
		}
		x.PutLeaf(&topo.Leaf{Name: name, Host: a.Host, Port: a.Port, Group: group, State: topo.LeafAttaching, Behind: true, ServerID: facts.ServerID})
		return nil
	}); err != nil {
		return err
	}
	return l.takeIn(ctx, name, a)
}

// takeIn makes a server that is in the topology a whole member, or takes it out again.
func (l *leader) takeIn(ctx context.Context, name string, a order.Leaf) error {
	err := l.servers.Install(ctx, name)
	if err == nil {
		err = l.shapes(ctx, name)
	}
	if err != nil && l.ctx.Err() != nil {
		return err // for the next controller
	}
	if err != nil {
		l.tidy(func(ctx context.Context) error { return l.putOut(ctx, name) })
		return err
	}
	if err := l.setLeaf(ctx, name, func(x *topo.Leaf) { x.State, x.Shaped = topo.LeafOnline, false }); err != nil {
		return err
	}
	l.event("notice", "leaf added", name, "", a.Addr())
	return l.pair(ctx)
}

// putOut takes a server out again, which had no databases before: those that it was given would keep it from being added once more.
func (l *leader) putOut(ctx context.Context, name string) error {
	var left error
	for _, db := range sortedDatabases(l.cat.Snapshot()) {
		if left = l.servers.Drop(ctx, name, db); left != nil {
			break
		}
	}
	_, err := l.update(ctx, func(x *catalog.Txn) error { x.DropLeaf(name); return nil })
	return errors.Join(left, err)
}

// listed says that a server is a leaf already, and what there is to know about it: whoever says ADD LEAF again has perhaps not heard of what the first one has done.
func (l *leader) listed(leaf *topo.Leaf) error {
	how := ""
	for _, cmd := range l.cat.Commands() {
		if cmd.Kind == order.AddLeaf && cmd.Leaf == leaf.Name && cmd.Error == nil {
			how = fmt.Sprintf(", by the ADD LEAF with number %d that node %s was asked for at %s", cmd.ID, cmd.Node, cmd.Started.UTC().Format("2006-01-02 15:04:05 UTC"))
		}
	}
	return refuse(topo.LeafExists("").Code(), "The leaf '%s' already exists: it is in the cluster as %s, %s, in availability group %d%s. Nothing is left to be done", leaf.Addr(), leaf.Name,
		leaf.State, leaf.Group, how)
}

// adding says whether an ADD LEAF that is not done is about a leaf: it takes it in, whoever else would.
func (l *leader) adding(leaf string) bool {
	for _, cmd := range l.cat.Commands() {
		if cmd.Kind == order.AddLeaf && cmd.Leaf == leaf && cmd.State != catalog.CommandDone {
			return true
		}
	}
	return false
}
