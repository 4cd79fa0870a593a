package control

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/mariadb"
	"github.com/orbweaver/orbweaver/internal/placement"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// young is how many transactions a partition may have had, and youngSize how many bytes it may have, whose replicas follow it from its beginning: more are copied sooner, where there is room.
const (
	young     = 100
	youngSize = 4 << 20
)

// besideWithin bounds for how long the replicas of a new database are waited for, under its lock.
const besideWithin = 10 * time.Second

// link is a replica that follows a master.
type link struct{ master, leaf string }

// accompany gives a database that has just been made the replicas that it lacks: they follow its partitions from their beginning, all at once, as there is nothing to copy. What anything
// keeps it from is left to the plan, which begins with taking away what it finds.
func (l *leader) accompany(ctx context.Context, db string) error {
	free, err := l.alone(ctx, db)
	if err != nil {
		return err
	}
	defer free()
	actions, err := placement.RestoreRedundancy(l.cat.Snapshot(), db)
	if err != nil {
		return err
	}
	parts := map[link][]*topo.Partition{}
	for _, a := range actions {
		p := l.cat.Snapshot().Partition(topo.PartitionID{DB: a.DB, Ordinal: a.Ordinal})
		if p == nil || p.Term != 1 || p.Locked || len(p.Instances) != 1 || a.Action != placement.Copy {
			return nil
		}
		master, _ := p.Master()
		to := link{master, a.Leaf}
		parts[to] = append(parts[to], p)
	}
	if len(parts) == 0 {
		return nil
	}
	short, cancel := context.WithTimeout(ctx, besideWithin)
	defer cancel()
	if err := l.beside(short, db, parts); err != nil && ctx.Err() == nil {
		l.log.Info("control: the replicas of a new database are made as those of others are", "database", db, "error", err)
	}
	return ctx.Err()
}

// errNotYoung: a partition has a past, or what has its name at the leaf has.
var errNotYoung = errors.New("there is something to copy, or in the way")

// beside has replicas follow partitions from their beginning, and makes them instances once they have caught up.
func (l *leader) beside(ctx context.Context, db string, parts map[link][]*topo.Partition) error {
	for to := range parts {
		free, err := l.hold(ctx, to.master)
		if err != nil {
			return err
		}
		defer free()
	}
	if err := l.atLinks(parts, func(to link, all []*topo.Partition) error { return l.isYoung(ctx, to, all) }); err != nil {
		return err
	}
	for to := range parts { // which may promote partitions: one after the other
		if err := l.unblock(ctx, to.master, to.leaf); err != nil {
			return err
		}
	}
	lock, err := l.node.Lock(ctx, db) // its names are not another database's by now, and no DROP DATABASE comes in between
	if err != nil {
		return err
	}
	defer lock.Unlock()
	if err := l.cat.Sync(ctx); err != nil {
		return err
	}
	if err := l.atLinks(parts, func(to link, all []*topo.Partition) error {
		var starts []mariadb.Start
		for _, p := range all {
			if now := l.cat.Snapshot().Partition(p.ID); now == nil || now.Domain != p.Domain {
				return errMoved
			}
			starts = append(starts, mariadb.Start{Domain: p.Domain})
		}
		return l.servers.Follow(ctx, to.leaf, to.master, l.addr(to.master), starts...)
	}); err != nil {
		return err
	}
	caughtUp := func() error {
		return l.atLinks(parts, func(to link, all []*topo.Partition) error {
			for _, p := range all {
				if err := l.catchUp(ctx, p, to.master, to.leaf, mariadb.GTID{}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := caughtUp(); err != nil {
		return err
	}
	rev, err := l.instances(ctx, db, parts, topo.Instance{Role: topo.Replica})
	if err == nil {
		_, err = l.barrier(ctx, rev) // see inSync
	}
	if err == nil {
		err = caughtUp()
	}
	if err == nil {
		_, err = l.instances(ctx, db, parts, topo.Instance{Role: topo.Replica, InSync: true})
	}
	return err
}

// atLinks runs f for all links at once.
func (l *leader) atLinks(parts map[link][]*topo.Partition, f func(to link, all []*topo.Partition) error) error {
	var mu sync.Mutex
	var wg sync.WaitGroup
	var errs []error
	for to, all := range parts {
		wg.Go(func() {
			err := f(to, all)
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// isYoung fails unless the master's binary logs have all that partitions ever had, which is little, and the leaf has nothing of them.
func (l *leader) isYoung(ctx context.Context, to link, all []*topo.Partition) error {
	if x := l.cat.Snapshot().Leaves[to.leaf]; x != nil && x.NoRoom(false) != nil {
		return errNotYoung
	}
	pos, err := l.servers.BinlogPosition(ctx, to.master)
	if err != nil {
		return err
	}
	var names []string
	for _, p := range all {
		names = append(names, "'"+p.ID.Schema()+"'")
		if at := pos[p.Domain].Sequence; at == 0 || at > young {
			return errNotYoung
		}
		if keeps, err := l.servers.Keeps(ctx, to.master, mariadb.Start{Domain: p.Domain}); err != nil || !keeps {
			return errors.Join(err, errNotYoung)
		}
		if size, err := l.servers.Size(ctx, to.master, p.ID.Schema()); err != nil || size > youngSize {
			return errors.Join(err, errNotYoung)
		}
	}
	c, err := l.copier.Pools.Get(ctx, backend.Want{Leaf: to.leaf, Account: backend.Cluster, Variant: backend.Internal})
	if err != nil {
		return err
	}
	defer c.Release()
	res, err := c.Query(ctx, "SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME IN ("+strings.Join(names, ", ")+")")
	if err != nil {
		return fmt.Errorf("leaf %s: %w", to.leaf, err)
	}
	if string(res.Rows[0][0]) != "0" {
		return errNotYoung
	}
	return nil
}

// instances puts replicas into the topology, or changes what it says of them, as long as the partitions are what they were.
func (l *leader) instances(ctx context.Context, db string, parts map[link][]*topo.Partition, as topo.Instance) (int64, error) {
	return l.update(ctx, func(x *catalog.Txn) error {
		old := x.Database(db)
		if old == nil {
			return topo.NoDatabase(db)
		}
		d := changed(old)
		for to, all := range parts {
			is := as
			is.Leaf = to.leaf
			for _, was := range all {
				p := d.Partitions[was.ID.Ordinal]
				if m, ok := p.Master(); !ok || m != to.master || p.Term != was.Term || p.Domain != was.Domain {
					return errMoved
				}
				at := slices.IndexFunc(p.Instances, func(in topo.Instance) bool { return in.Leaf == to.leaf })
				if at < 0 && as.InSync { // it was taken out meanwhile
					return errMoved
				}
				p.Instances = slices.DeleteFunc(p.Instances, func(in topo.Instance) bool { return in.Leaf == to.leaf })
				p.Instances = append(p.Instances, is)
			}
		}
		x.PutDatabase(d)
		return nil
	})
}
