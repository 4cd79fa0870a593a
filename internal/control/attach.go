package control

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/mariadb"
	"github.com/orbweaver/orbweaver/internal/move"
	"github.com/orbweaver/orbweaver/internal/placement"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/xid"
)

// comeBack takes a leaf in that answers again, or calls it detached where operators want to do that themselves.
func (l *leader) comeBack(ctx context.Context, leaf string) {
	end, ok := l.tryTake("attaching " + leaf)
	if !ok {
		return // ATTACH LEAF is at it
	}
	defer end()
	if now := l.cat.Snapshot().Leaves[leaf]; now == nil || now.State != topo.LeafOffline && now.State != topo.LeafAttaching || now.State == topo.LeafAttaching && l.adding(leaf) {
		return
	}
	l.returned(leaf)
	if !l.cat.Snapshot().Settings.AutoAttach {
		if err := l.setLeaf(ctx, leaf, func(x *topo.Leaf) { x.State = topo.LeafDetached }); err == nil {
			l.event("notice", "leaf detached", leaf, "", "it answers again; auto_attach is off")
		}
		return
	}
	began := time.Now()
	if err := l.attach(ctx, leaf, 0, true, true); err != nil {
		if ctx.Err() != nil {
			return // it is lost again, or the next controller goes on
		}
		if now := l.cat.Snapshot().Leaves[leaf]; now != nil && now.State == topo.LeafOnline { // another one was lost meanwhile, say
			l.event("notice", "leaf online", leaf, "", "attached in "+time.Since(began).Round(time.Millisecond).String()+"; its share of masters comes later: "+err.Error())
			return
		}
		l.event("warning", "attach failed", leaf, "", err.Error())
		if err := l.setLeaf(ctx, leaf, func(x *topo.Leaf) {
			if x.State == topo.LeafAttaching {
				x.State, x.Shaped = topo.LeafOffline, false
			}
		}); err != nil {
			l.log.Warn("control: a leaf stays attaching", "leaf", leaf, "error", err)
		}
		return
	}
	l.event("notice", "leaf online", leaf, "", "attached in "+time.Since(began).Round(time.Millisecond).String())
}

// attach makes a leaf a whole member again: what every leaf has, then its partitions, then, when even, its share of masters. force takes the cluster's copies
// for better than the leaf's.
func (l *leader) attach(ctx context.Context, leaf string, command uint64, force, even bool) error {
	if err := l.setLeaf(ctx, leaf, func(x *topo.Leaf) {
		if x.State == topo.LeafDetached { // it was not looked at
			x.Disk, x.Memory = topo.Shortage{}, topo.Shortage{}
		}
		x.State, x.Shaped = topo.LeafAttaching, false
	}); err != nil {
		return err
	}
	if err := l.servers.Install(ctx, leaf); err != nil {
		return err
	}
	if err := l.servers.EndSessions(ctx, leaf); err != nil {
		return err
	}
	// What it has prepared is what its binary log says, before the log is judged and before it follows anybody: what else it has nobody would end.
	if err := l.servers.Reconcile(ctx, leaf); err != nil {
		return err
	}
	l.settleAt(ctx, leaf)
	links, err := l.servers.Links(ctx, leaf)
	if err != nil {
		return err
	}
	found, err := l.examine(ctx, leaf, links)
	if err != nil {
		return err
	}
	// What it followed before it went may be another term's by now.
	for source := range links {
		if err := l.servers.Unlink(ctx, leaf, source); err != nil {
			return err
		}
	}
	if err := l.shapes(ctx, leaf); err != nil {
		return err
	}
	plan := func(s *topo.Snapshot, db string) ([]placement.Action, error) {
		return placement.AttachLeaf(s, db, leaf, found, false, even)
	}
	busy, err := l.planned(plan)
	if err != nil {
		return err
	}
	// The leaf is online once it has its copies; its share of masters comes after that.
	err = l.carryOut(ctx, "ATTACH LEAF", command, busy, plan, stage{before: promotePhase, then: func(ctx context.Context) error {
		if err := l.setLeaf(ctx, leaf, func(x *topo.Leaf) {
			if x.State == topo.LeafAttaching {
				x.State, x.Shaped = topo.LeafOnline, false
			}
		}); err != nil || !even {
			return err
		}
		return l.owe(ctx, leaf, true)
	}})
	if err = errors.Join(err, l.missed(ctx, leaf, command, false)); err == nil {
		err = l.owe(ctx, leaf, false)
	}
	return err
}

// missed copies to a leaf that is online by now what came while it was being attached: who made a database then saw no partner for its partitions, and attaching did not see
// the database. When even, it gets its share of masters, too.
func (l *leader) missed(ctx context.Context, leaf string, command uint64, even bool) error {
	s := l.cat.Snapshot()
	if x := s.Leaves[leaf]; x == nil || x.State != topo.LeafOnline {
		return nil
	}
	plan := func(s *topo.Snapshot, db string) ([]placement.Action, error) {
		return placement.AttachLeaf(s, db, leaf, func(*topo.Partition) placement.Found { return placement.Nothing }, false, even)
	}
	busy, err := l.planned(plan)
	if err != nil {
		return err
	}
	return l.carryOut(ctx, "ATTACH LEAF", command, busy, plan)
}

// promotePhase is the first phase of attaching that changes masters.
const promotePhase = 7

// examine says how a leaf's copies stand to the cluster's. What a stale master has written that nobody else has is kept in a file first.
func (l *leader) examine(ctx context.Context, leaf string, links map[string]*mariadb.Link) (func(*topo.Partition) placement.Found, error) {
	schemas, err := l.servers.Schemas(ctx, leaf)
	if err != nil {
		return nil, err
	}
	wrote, err := l.servers.BinlogPosition(ctx, leaf)
	if err != nil {
		return nil, err
	}
	served, err := l.servers.Served(ctx, leaf)
	if err != nil {
		return nil, err
	}
	applied, err := l.servers.Stands(ctx, leaf)
	if err != nil {
		return nil, err
	}
	look := func(p *topo.Partition) placement.Found {
		if !schemas[p.ID.Schema()] {
			return placement.Nothing
		}
		serves := served[p.ID.Schema()]
		if master, ok := p.Master(); ok && serves == 0 {
			// A replica of the present term goes on where it was. Its links are stopped when it was restarted.
			if link := links[master]; link != nil && slices.Contains(link.Domains, p.Domain) && link.Error == "" {
				return placement.Clean
			}
		}
		since, err := mariadb.ParseGTID(p.Since)
		if err != nil || serves == 0 || serves != p.Before {
			return placement.Diverged
		}
		// The master of the term before: its binary log says whether it wrote more than its successor has.
		at := wrote[p.Before]
		if at.Sequence > since.Sequence {
			l.keepErrant(ctx, leaf, p, since, at)
			return placement.Diverged
		}
		if at != since && !(at.Sequence == 0 && since.Sequence > 0 && copied(applied, since)) {
			return placement.Diverged
		}
		return placement.Clean
	}
	// What was found is found once: plans are made again.
	type key struct {
		id   topo.PartitionID
		term uint64
	}
	known := map[key]placement.Found{}
	return func(p *topo.Partition) placement.Found {
		k := key{p.ID, p.Term}
		if _, ok := known[k]; !ok {
			known[k] = look(p)
		}
		return known[k]
	}, nil
}

// copied says whether a leaf that has written nothing in a term got its copy at a position.
func copied(applied mariadb.Position, at mariadb.GTID) bool { return applied[at.Domain] == at }

// keepErrant saves what a stale master wrote after another one had begun.
func (l *leader) keepErrant(ctx context.Context, leaf string, p *topo.Partition, since, at mariadb.GTID) {
	file, err := l.servers.SaveErrant(ctx, leaf, p.ID.Schema(), since, at, l.cfg.Dir)
	if err != nil {
		l.event("error", "errant writes", leaf, p.ID.DB, fmt.Sprintf("partition %s: transactions after %s up to %s could not be kept: %v", p.ID, since, at, err))
		return
	}
	l.event("warning", "errant writes", leaf, p.ID.DB, fmt.Sprintf("partition %s: transactions after %s up to %s were never acknowledged by its next master; kept in %s", p.ID, since, at, file))
}

// shapes makes what every leaf has alike on one that joins, and keeps it so: databases, tables, reference tables' rows, accounts. Nothing of it may change
// meanwhile, which is short unless reference tables are large.
func (l *leader) shapes(ctx context.Context, leaf string) error {
	s := l.cat.Snapshot()
	var names []string
	for db := range s.Databases {
		names = append(names, db)
	}
	lock, err := l.node.Lock(ctx, append(names, "")...)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	from := ""
	for _, o := range l.cat.Snapshot().OnlineLeaves() {
		if o.Name != leaf {
			from = o.Name
			break
		}
	}
	if other := awaited(l.cat.Snapshot(), leaf); from == "" && other != "" {
		return behindError(leaf, other)
	}
	if from != "" && len(names) > 0 {
		// Or a half of it would be copied, and stay when the rest is undone.
		if err := l.ddl.Join(ctx, lock, leaf, names...); err != nil {
			return err
		}
		defer func() {
			l.tidy(func(ctx context.Context) error { _, err := l.lockShapes(ctx, false); return err })
		}()
		if err := l.quietShapes(ctx, from); err != nil {
			return err
		}
		if x := l.cat.Snapshot().Leaves[from]; x == nil || x.State != topo.LeafOnline { // others have been written without it since
			return errMoved
		}
		if err := l.setLeaf(ctx, leaf, func(x *topo.Leaf) { x.Behind = true }); err != nil { // its shapes are dropped
			return err
		}
		if err := l.servers.Discard(ctx, leaf, ofShape); err != nil {
			return err
		}
		for db, d := range l.cat.Snapshot().Databases {
			spec := move.Spec{Schema: db, From: from, To: leaf, Routines: d.Routines}
			err := l.copier.CopyShape(ctx, spec, func(table string) bool {
				t := d.Tables[table]
				return t != nil && t.Kind == topo.Reference
			})
			if err != nil {
				return err
			}
		}
	}
	if from != "" {
		var views []*topo.View
		for _, d := range l.cat.Snapshot().Databases {
			views = append(views, slices.Collect(maps.Values(d.Views))...)
		}
		refused, err := l.copier.Views(ctx, leaf, views)
		if err != nil {
			return err
		}
		for v, why := range refused {
			l.event("warning", "view left out", leaf, v.DB, fmt.Sprintf("view %s.%s is invalid and can't be made on the leaf that joins: %v; it is made there when a change of the tables that it reads lets it",
				v.DB, v.Name, why))
		}
		if err := l.copier.Events(ctx, leaf, l.cat.Snapshot().Databases); err != nil {
			return err
		}
	}
	if l.cfg.Accounts != nil && from != "" {
		if err := l.cfg.Accounts(ctx); err != nil {
			return err
		}
	}
	// Databases that came meanwhile are not on the leaf.
	_, err = l.update(ctx, func(x *catalog.Txn) error {
		x.Hold(lock)
		for db := range x.Databases() {
			if s.Databases[db] == nil && from != "" {
				return errMoved
			}
		}
		old := x.Leaf(leaf)
		if old == nil {
			return topo.NoLeaf(leaf)
		}
		if old.State != topo.LeafAttaching {
			return fmt.Errorf("leaf %s was lost while it was taken in", leaf)
		}
		n := *old
		n.Shaped, n.Behind = true, false
		x.PutLeaf(&n)
		return nil
	})
	return err
}

// quietShapes locks reference tables once no transaction that has written them is open, or prepared at the leaves: what it commits later would be missing in a copy,
// or be in its way.
func (l *leader) quietShapes(ctx context.Context, leaves ...string) error {
	for try := 1; ; try++ {
		rev, err := l.lockShapes(ctx, true)
		if err != nil {
			return err
		}
		undrained, err := l.barrier(ctx, rev)
		if err != nil {
			return err
		}
		held := ""
		for id := range undrained {
			if id.Ordinal == -1 { // a shape's
				held = "a transaction that has written reference tables is open (database " + id.DB + ", or another one)"
			}
		}
		if held == "" {
			for _, leaf := range leaves {
				branches, err := l.servers.Branches(ctx, leaf)
				if err != nil {
					return err
				}
				if i := slices.IndexFunc(branches, ofShape); i >= 0 {
					held = fmt.Sprintf("transaction %s, which has written reference tables, is prepared at leaf %s", branches[i].ID, leaf)
				}
			}
		}
		switch {
		case held == "":
			return nil
		case try == switchTries:
			return fmt.Errorf("%s: the leaf can't be given a copy", held)
		}
		if _, err := l.lockShapes(ctx, false); err != nil {
			return err
		}
		select {
		case <-time.After(time.Duration(min(try, 20)) * switchPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// ofShape says whether a branch is one of a leaf's shapes.
func ofShape(x xid.XID) bool { return x.Place == xid.PlaceShape }

// lockShapes keeps writes of reference tables waiting, or lets them go on.
func (l *leader) lockShapes(ctx context.Context, on bool) (int64, error) {
	return l.update(ctx, func(x *catalog.Txn) error {
		for db := range x.Databases() {
			if d := x.Database(db); d.Locked != on {
				n := changed(d)
				n.Locked = on
				x.PutDatabase(n)
			}
		}
		return nil
	})
}
