package control

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/order"
	"github.com/orbweaver/orbweaver/internal/placement"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// obey begins the commands that wait, and those that an earlier controller has begun: they are planned anew from what it has done.
func (l *leader) obey() {
	for _, cmd := range l.cat.Commands() {
		if cmd.State == catalog.CommandDone {
			continue
		}
		l.begin("command "+strconv.FormatUint(cmd.ID, 10), func(ctx context.Context) { l.do(ctx, cmd.ID) })
	}
}

// do runs a command to its end and tells it.
func (l *leader) do(ctx context.Context, id uint64) {
	cmd := l.cat.Command(id)
	if cmd == nil || cmd.State == catalog.CommandDone {
		return
	}
	resumed := cmd.State == catalog.CommandRunning
	cmd.State = catalog.CommandRunning
	if err := l.node.SaveCommand(ctx, cmd); err != nil {
		return
	}
	run, cancel := context.WithCancel(ctx)
	defer cancel()
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		for run.Err() == nil {
			changed := l.cat.BoardChanged()
			if now := l.cat.Command(id); now == nil || now.Canceled {
				cancel()
				return
			}
			select {
			case <-changed:
			case <-run.Done():
			}
		}
	}()
	affected, err := l.execute(run, cmd, resumed)
	if err != nil && run.Err() != nil {
		err = run.Err() // whatever came of it
	}
	cancel()
	<-watched
	if ctx.Err() != nil {
		return // the next controller goes on
	}
	cmd.State, cmd.Affected, cmd.Ended, cmd.Args = catalog.CommandDone, affected, time.Now(), nil
	if err != nil {
		cmd.Error = commandError(err)
		l.log.Info("control: a command failed", "kind", cmd.Kind, "error", err)
	}
	for ctx.Err() == nil {
		err := l.node.SaveCommand(ctx, cmd)
		if err == nil && (resumed || !l.living(cmd.Node)) {
			l.tellOutcome(cmd, resumed)
		}
		if err == nil || errors.Is(err, catalog.ErrNotController) {
			return
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// living says whether a node is there.
func (l *leader) living(node string) bool {
	return slices.ContainsFunc(l.cat.Nodes(), func(n catalog.NodeInfo) bool { return n.Name == node })
}

// tellOutcome tells operators what has become of a command whose client may not have heard it.
func (l *leader) tellOutcome(cmd *catalog.Command, resumed bool) {
	detail := fmt.Sprintf("%s, number %d, that node %s was asked for", cmd.Kind, cmd.ID, cmd.Node)
	if resumed {
		detail += ", and that went on under another controller"
	}
	if cmd.Error != nil {
		l.event("warning", "command failed", cmd.Leaf, "", fmt.Sprintf("%s: error %d: %s", detail, cmd.Error.Code, cmd.Error.Message))
		return
	}
	l.event("notice", "command done", cmd.Leaf, "", detail)
}

// execute runs a command. resumed: an earlier controller has begun it.
func (l *leader) execute(ctx context.Context, cmd *catalog.Command, resumed bool) (affected uint64, err error) {
	switch cmd.Kind {
	case order.AddLeaf, order.RemoveLeaf, order.AttachLeaf, order.DetachLeaf:
		a, err := order.Read[order.Leaf](cmd.Args)
		if err != nil {
			return 0, err
		}
		if cmd.Kind == order.AddLeaf {
			return 1, l.addLeaf(ctx, cmd, a)
		}
		leaf := l.leafAt(a.Host, a.Port)
		if leaf != nil && cmd.Leaf != leaf.Name {
			cmd.Leaf = leaf.Name
			if err := l.node.SaveCommand(ctx, cmd); err != nil {
				return 0, err
			}
		}
		switch {
		case leaf == nil && cmd.Kind == order.RemoveLeaf && cmd.Leaf != "":
			return 1, nil // by an earlier controller, which did not come to say so
		case leaf == nil && cmd.Kind == order.AttachLeaf:
			return 0, refuse(1477, "The leaf %s is not in the cluster: use ADD LEAF", a.Addr())
		case leaf == nil:
			return 0, topo.NoLeaf(a.Addr())
		case cmd.Kind == order.AttachLeaf:
			return 1, l.attachLeaf(ctx, cmd.ID, leaf, a)
		case cmd.Kind == order.DetachLeaf:
			return 1, l.detachLeaf(ctx, cmd, leaf.Name)
		}
		return 1, l.removeLeaf(ctx, cmd, leaf.Name, a.Force)
	case order.AttachAllLeaves:
		a, err := order.Read[order.Leaf](cmd.Args)
		if err != nil {
			return 0, err
		}
		for _, leaf := range l.cat.Snapshot().Leaves {
			if leaf.State == topo.LeafDetached {
				if err := l.attachLeaf(ctx, cmd.ID, leaf, a); err != nil {
					return affected, err
				}
				affected++
			}
		}
		return affected, nil
	case order.Rebalance, order.RestoreRedundancy, order.RebalanceAll:
		a, err := order.Read[order.Database](cmd.Args)
		if err != nil {
			return 0, err
		}
		names := []string{a.Database}
		if cmd.Kind == order.RebalanceAll {
			names = sortedDatabases(l.cat.Snapshot())
		}
		for _, db := range names {
			if err := l.rebalance(ctx, cmd, db, a); err != nil {
				return affected, err
			}
			affected++
		}
		return affected, nil
	case order.CopyPartition, order.PromotePartition, order.AttachPartition, order.DetachPartition, order.DropPartition, order.CreatePartition:
		a, err := order.Read[order.Partition](cmd.Args)
		if err != nil {
			return 0, err
		}
		leaf := l.leafAt(a.Host, a.Port)
		if leaf == nil {
			return 0, topo.NoLeaf(a.Addr())
		}
		return 1, l.carryOut(ctx, cmd.Kind, cmd.ID, []string{a.Database}, fixed(placement.Action{Action: cmd.Kind, DB: a.Database, Ordinal: a.Ordinal, Leaf: leaf.Name, Phase: 1}))
	case order.ClearOrphans:
		return l.clearOrphans(ctx)
	case order.SetGlobal:
		a, err := order.Read[order.Setting](cmd.Args)
		if err != nil {
			return 0, err
		}
		return 0, l.set(ctx, a)
	case order.PromoteAggregator:
		a, err := order.Read[order.Node](cmd.Args)
		if err != nil {
			return 0, err
		}
		return 1, l.handOver(ctx, a)
	case order.Backup, order.Restore:
		a, err := order.Read[order.Archive](cmd.Args)
		if err != nil {
			return 0, err
		}
		if cmd.Kind == order.Backup {
			return l.backup(ctx, cmd, a)
		}
		return l.restore(ctx, cmd, a)
	case order.RestartLeaves:
		return l.restartLeaves(ctx, cmd, resumed)
	}
	return 0, refuse(1235, "This version of Orbweaver doesn't yet support '%s'", cmd.Kind)
}

func (l *leader) leafAt(host string, port int) *topo.Leaf {
	for _, x := range l.cat.Snapshot().Leaves {
		if sameAddress(x, order.Leaf{Host: host, Port: port}) {
			return x
		}
	}
	return nil
}

func sameAddress(x *topo.Leaf, a order.Leaf) bool {
	return strings.EqualFold(x.Host, a.Host) && x.Port == a.Port
}

// attachLeaf is ATTACH LEAF: of a leaf that is detached, or offline and reachable.
func (l *leader) attachLeaf(ctx context.Context, command uint64, leaf *topo.Leaf, a order.Leaf) error {
	end, err := l.take(ctx, "attaching "+leaf.Name)
	if err != nil {
		return err
	}
	defer end()
	if leaf = l.cat.Snapshot().Leaves[leaf.Name]; leaf == nil {
		return topo.NoLeaf(a.Addr())
	}
	if leaf.State == topo.LeafOnline {
		return nil
	}
	if !a.Force {
		if err := l.conflicts(ctx, leaf); err != nil {
			return err
		}
	}
	err = l.attach(ctx, leaf.Name, command, a.Force, !a.NoRebalance)
	if err != nil {
		l.tidy(func(ctx context.Context) error {
			return l.setLeaf(ctx, leaf.Name, func(x *topo.Leaf) {
				if x.State == topo.LeafAttaching {
					x.State, x.Shaped = topo.LeafDetached, false
				}
			})
		})
	}
	return err
}

// conflicts is MemSQL's error 1811: the leaf takes itself for the master of a partition that has another one.
func (l *leader) conflicts(ctx context.Context, leaf *topo.Leaf) error {
	served, err := l.servers.Served(ctx, leaf.Name)
	if err != nil {
		return err
	}
	s := l.cat.Snapshot()
	for _, db := range sortedDatabases(s) {
		for _, p := range s.Databases[db].Partitions {
			master, ok := p.Master()
			if !ok || master == leaf.Name || served[p.ID.Schema()] == 0 {
				continue
			}
			m := s.Leaves[master]
			return refuse(1811, "Unable to attach leaf '%s':%d. Database `%s` (which is in the 'Online' state) conflicts with an existing master instance of `%s`:%d on '%s':%d. Use ATTACH LEAF ... FORCE to override this conflict.",
				leaf.Host, leaf.Port, p.ID.Schema(), db, p.ID.Ordinal, m.Host, m.Port)
		}
	}
	return nil
}

// detachLeaf moves a leaf's partitions away and keeps its row.
func (l *leader) detachLeaf(ctx context.Context, cmd *catalog.Command, leaf string) error {
	return l.empty(ctx, cmd, leaf, func(ctx context.Context) error {
		_, err := l.update(ctx, func(t *catalog.Txn) error {
			old := t.Leaf(leaf)
			switch {
			case old == nil:
				return topo.NoLeaf(leaf)
			case hasMasters(t, leaf):
				return errMoved
			}
			n := *old
			n.State = topo.LeafDetached
			left(t, old, &n, nil)
			t.PutLeaf(&n)
			return nil
		})
		return err
	})
}

// hasMasters says whether a leaf has masters, of a database that was made meanwhile.
func hasMasters(t *catalog.Txn, leaf string) bool {
	for name := range t.Databases() {
		for _, p := range t.Database(name).Partitions {
			if m, ok := p.Master(); ok && m == leaf {
				return true
			}
		}
	}
	return false
}

// empty moves a leaf's partitions away, and then does something before anybody else can move partitions there.
func (l *leader) empty(ctx context.Context, cmd *catalog.Command, leaf string, then func(ctx context.Context) error) error {
	for try := 0; ; try++ {
		err := l.carryOut(ctx, cmd.Kind, cmd.ID, sortedDatabases(l.cat.Snapshot()), func(s *topo.Snapshot, db string) ([]placement.Action, error) {
			if s.Databases[db] == nil { // dropped meanwhile
				return nil, nil
			}
			return placement.Empty(s, db, leaf, false)
		}, stage{before: math.MaxInt, then: then})
		if !errors.Is(err, errMoved) || try >= 5 {
			return err
		}
	}
}

// removeLeaf forgets a leaf, after its partitions were moved away; force does not move them.
func (l *leader) removeLeaf(ctx context.Context, cmd *catalog.Command, leaf string, force bool) error {
	x := l.cat.Snapshot().Leaves[leaf]
	if !force && x.State == topo.LeafOnline {
		return l.empty(ctx, cmd, leaf, func(ctx context.Context) error { return l.forgetLeaf(ctx, leaf, false) })
	}
	return l.forgetLeaf(ctx, leaf, force)
}

// forgetLeaf takes a leaf out of the topology, with its instances; with its masters when forced to.
func (l *leader) forgetLeaf(ctx context.Context, leaf string, force bool) error {
	_, err := l.update(ctx, func(t *catalog.Txn) error {
		old := t.Leaf(leaf)
		if old == nil {
			return nil
		}
		for name := range t.Databases() {
			d, touched := changed(t.Database(name)), false
			for _, p := range d.Partitions {
				if m, ok := p.Master(); ok && m == leaf && !force {
					return errMoved
				}
				if n := len(p.Instances); n > 0 {
					p.Instances = slices.DeleteFunc(p.Instances, func(i topo.Instance) bool { return i.Leaf == leaf })
					touched = touched || len(p.Instances) != n
				}
			}
			if touched {
				t.PutDatabase(d)
			}
		}
		t.DropLeaf(leaf)
		if pair := t.Leaf(old.Pair); old.Pair != "" && pair != nil {
			n := *pair
			n.Pair = ""
			t.PutLeaf(&n)
		}
		return nil
	})
	return err
}

// clearOrphans drops the partitions' databases that are no instance where they are, but those whose partition has no master.
func (l *leader) clearOrphans(ctx context.Context) (dropped uint64, err error) {
	s := l.cat.Snapshot()
	for _, leaf := range s.OnlineLeaves() {
		have, err := l.servers.Schemas(ctx, leaf.Name)
		if err != nil {
			return dropped, err
		}
		for schema := range have {
			id, ok := s.Schemas[schema]
			if !ok {
				continue
			}
			p := l.cat.Snapshot().Partition(id)
			if _, mapped := p.Master(); !mapped || slices.ContainsFunc(p.Instances, func(i topo.Instance) bool { return i.Leaf == leaf.Name }) {
				continue
			}
			end, err := l.alone(ctx, id.DB) // what looks like an orphan may be a copy that is being made
			if err != nil {
				return dropped, err
			}
			if p = l.cat.Snapshot().Partition(id); p != nil && !slices.ContainsFunc(p.Instances, func(i topo.Instance) bool { return i.Leaf == leaf.Name }) && len(p.Instances) > 0 {
				if master, ok := p.Master(); ok { // it may follow still, to be taken in again
					err = l.servers.Unfollow(ctx, leaf.Name, master, p.Domain)
				}
				if err == nil {
					err = l.servers.Drop(ctx, leaf.Name, schema)
					dropped++
				}
			}
			end()
			if err != nil {
				return dropped, err
			}
		}
	}
	return dropped, nil
}

// pair brings the leaves' pairs in line with the settings and with who is there.
func (l *leader) pair(ctx context.Context) error {
	_, err := l.update(ctx, func(x *catalog.Txn) error {
		want := placement.Pairs(x.Snapshot())
		for name := range x.Leaves() {
			old := x.Leaf(name)
			if old.Pair != want[name] {
				n := *old
				n.Pair = want[name]
				x.PutLeaf(&n)
			}
		}
		return nil
	})
	return err
}

// handOver makes another node the controller.
func (l *leader) handOver(ctx context.Context, a order.Node) error {
	for _, n := range l.cat.Nodes() {
		host, port, err := net.SplitHostPort(n.MySQL)
		if err != nil || !strings.EqualFold(host, a.Host) || port != strconv.Itoa(a.Port) {
			continue
		}
		if n.Name == l.node.Name() {
			return nil
		}
		return l.node.HandOver(ctx, n)
	}
	return refuse(1477, "The aggregator %s does not exist", a.Addr())
}

// restartLeaves restarts all leaves, one after the other, each after its partitions' masters were moved to its pair. One that is younger than the command was restarted
// by an earlier controller.
func (l *leader) restartLeaves(ctx context.Context, cmd *catalog.Command, resumed bool) (n uint64, err error) {
	for _, leaf := range l.cat.Snapshot().OnlineLeaves() {
		if up, err := l.servers.Uptime(ctx, leaf.Name); err == nil && resumed && time.Duration(up+1)*time.Second < time.Since(cmd.Started) {
			n++
			continue
		}
		err := l.everywhere(ctx, cmd, func(s *topo.Snapshot, db string) ([]placement.Action, error) {
			var out []placement.Action
			for _, p := range s.Databases[db].Partitions {
				if m, ok := p.Master(); !ok || m != leaf.Name {
					continue
				}
				r := p.Replicas()
				if len(r) == 0 {
					return nil, refuse(1777, "Partition %s has no replica: leaf %s can't be restarted without an error for clients. Run RESTORE REDUNDANCY ON %s first.", p.ID, leaf.Name, db)
				}
				out = append(out, placement.Action{Action: placement.Promote, DB: db, Ordinal: p.ID.Ordinal, Leaf: r[0], Phase: 6})
			}
			return out, nil
		})
		if err != nil {
			return n, err
		}
		if err := l.restart(ctx, leaf.Name); err != nil {
			return n, err
		}
		n++
	}
	return n, l.everywhere(ctx, cmd, func(s *topo.Snapshot, db string) ([]placement.Action, error) {
		return placement.Rebalance(s, db, false)
	})
}

// restart ends a server, which its supervisor starts again, and waits until it is a whole member again.
func (l *leader) restart(ctx context.Context, leaf string) error {
	before := 0
	for before < 2 { // to tell the next life by its being younger
		var err error
		if before, err = l.servers.Uptime(ctx, leaf); err != nil {
			return err
		}
		if before < 2 {
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	if err := l.servers.Shutdown(ctx, leaf); err != nil {
		return err
	}
	again := false // its next life has begun, or the one before has ended at least
	for ctx.Err() == nil {
		x := l.cat.Snapshot().Leaves[leaf]
		if x == nil {
			return topo.NoLeaf(leaf)
		}
		now, err := l.servers.Uptime(ctx, leaf)
		again = again || err != nil || now < before
		if again && err == nil && x.State == topo.LeafOnline && l.whole(leaf) {
			return nil
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}

// whole says whether a leaf's pair has nothing that the leaf has no copy of.
func (l *leader) whole(leaf string) bool {
	s := l.cat.Snapshot()
	pair := s.Leaves[leaf].Pair
	for _, d := range s.Databases {
		for _, p := range d.Partitions {
			if m, ok := p.Master(); ok && m == pair && !slices.ContainsFunc(p.Instances, func(i topo.Instance) bool { return i.Leaf == leaf && i.InSync }) {
				return false
			}
		}
	}
	return true
}
