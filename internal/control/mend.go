package control

import (
	"context"
	"slices"
	"time"

	"github.com/orbweaver/orbweaver/internal/mariadb"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// mend compares the leaves with the topology and repairs what differs: replicas that nothing reaches any more are made anew, links that carry nothing are
// ended, servers that are to be masters are told so.
func (l *leader) mend(ctx context.Context) {
	s := l.cat.Snapshot()
	for _, leaf := range s.OnlineLeaves() {
		if ctx.Err() != nil {
			return
		}
		err := l.mendLeaf(ctx, leaf.Name)
		if err == nil {
			err = l.servers.DropChecks(ctx, leaf.Name, checksNeeded(s, leaf.Name))
		}
		if err != nil {
			l.log.Info("control: a leaf could not be looked after", "leaf", leaf.Name, "error", err)
		}
	}
	l.begin("settle", l.settle)
	l.begin("alike", l.alike)
	l.shares(ctx)
	if err := l.unquiet(ctx); err != nil {
		l.log.Info("control: commits to a database are held back still", "error", err)
	}
	l.lagging(ctx)
	l.mendings(ctx)
	if err := l.forget(ctx); err != nil {
		l.log.Info("control: records of old operations are left", "error", err)
	}
}

// cutOff is the age of a DDL statement's record from which it is looked whether anybody is still at it.
const cutOff = 10 * time.Second

// settle finishes or undoes DDL that was cut off: as long as it is not, the leaves' shapes differ. One that goes on holds its lock.
func (l *leader) settle(ctx context.Context) {
	recs, err := l.cat.DDLRecords(ctx)
	if err != nil {
		return
	}
	for _, rec := range recs {
		if !rec.Orphan && time.Since(rec.Started) < cutOff {
			continue
		}
		short, cancel := context.WithTimeout(ctx, tick)
		lock, err := l.node.Lock(short, rec.Databases...)
		cancel()
		if err != nil { // it goes on, as a RESTORE does for long, or others are at it
			continue
		}
		if err := l.ddl.Settle(ctx, lock, rec.Databases...); err != nil && ctx.Err() == nil {
			l.log.Info("control: a statement that was cut off is not settled yet", "statement", rec.Statement, "error", err)
		}
		lock.Unlock()
	}
}

// checksNeeded is how many views of the cluster's own a leaf can need for the CHECK OPTIONs that there are: one for each place where a row may go.
func checksNeeded(s *topo.Snapshot, leaf string) int {
	options, places := 0, 0
	for _, d := range s.Databases {
		places++ // of reference tables
		for _, p := range d.Partitions {
			if master, _ := p.Master(); master == leaf {
				places++
			}
		}
		for _, v := range d.Views {
			if v.Check != "" {
				options++
			}
		}
	}
	return options * places
}

func (l *leader) mendLeaf(ctx context.Context, leaf string) error {
	end, err := l.take(ctx, "mending of "+leaf)
	if err != nil {
		return err
	}
	defer end()
	online := func(source string) bool { // a link that a failover has stopped must stay so
		x := l.cat.Snapshot().Leaves[source]
		return x != nil && x.State == topo.LeafOnline
	}
	if err := l.servers.Reconcile(ctx, leaf); err != nil { // before it replicates
		return err
	}
	if err := l.servers.Tune(ctx, leaf, online); err != nil {
		return err
	}
	served, err := l.servers.Served(ctx, leaf)
	if err != nil {
		return err
	}
	links, err := l.servers.Links(ctx, leaf)
	if err != nil {
		return err
	}
	for source, link := range links { // a cluster that was stopped as a whole may have its leaves at other ports
		if addr := l.addr(source); addr != link.Addr && online(source) {
			if err := l.servers.Follow(ctx, leaf, source, addr); err != nil {
				return err
			}
		}
	}
	s := l.cat.Snapshot()
	for _, db := range sortedDatabases(s) {
		for _, p := range s.Databases[db].Partitions {
			master, ok := p.Master()
			switch {
			case !ok || p.Locked:
			case master == leaf && served[p.ID.Schema()] != p.Domain:
				if err := l.servers.Serve(ctx, leaf, p.ID.Schema(), p.Domain, p.Term); err != nil {
					return err
				}
			case slices.Contains(p.Replicas(), leaf) && broken(links[master], p.Domain) && !otherAtFault(s, links[master], p, leaf):
				if err := l.renew(ctx, p, leaf); err != nil {
					return err
				}
			case slices.Contains(p.Instances, topo.Instance{Leaf: leaf, Role: topo.Replica}): // whole, and not in sync
				l.begin("sync "+p.ID.String(), func(ctx context.Context) {
					if err := l.copyTo(ctx, p.ID, leaf, nil); err != nil {
						l.log.Info("control: a replica is not in sync yet", "partition", p.ID.String(), "leaf", leaf, "error", err)
					}
				})
			}
		}
	}
	return nil
}

// broken says whether a link does not carry a domain, or will not go on. One whose master is away goes on when it is back.
func broken(link *mariadb.Link, domain uint32) bool {
	return link == nil || link.Broken() || !slices.Contains(link.Domains, domain)
}

// otherAtFault says whether a link goes on when another replica than p's, which it brings to the leaf as well, has been made anew.
func otherAtFault(s *topo.Snapshot, link *mariadb.Link, p *topo.Partition, leaf string) bool {
	if link == nil || link.Fault == p.Domain || !slices.Contains(link.Domains, p.Domain) {
		return false
	}
	for _, d := range s.Databases {
		for _, q := range d.Partitions {
			if master, ok := q.Master(); ok && master == link.Source && q.Domain == link.Fault && slices.Contains(q.Replicas(), leaf) {
				return slices.Contains(link.Domains, q.Domain)
			}
		}
	}
	return false
}

// renew takes a replica out that is broken indeed, and has it made anew. Commits in a SYNC database stop waiting for it at once, so that this waits for no
// operation when replication tells an error; a link that is merely not there may be about to come while an operation is under way on the database.
func (l *leader) renew(ctx context.Context, p *topo.Partition, leaf string) error {
	look := func() (why string, err error) {
		now := l.cat.Snapshot().Partition(p.ID)
		if now == nil || now.Term != p.Term || now.Locked || !slices.Contains(now.Replicas(), leaf) {
			return "", nil
		}
		links, err := l.servers.Links(ctx, leaf)
		if err != nil {
			return "", err
		}
		master, _ := now.Master()
		link := links[master]
		switch {
		case !broken(link, now.Domain):
			return "", nil
		case link != nil && link.Broken() && link.Error != "":
			return link.Error, nil
		case link != nil && slices.Contains(link.Domains, now.Domain): // stopped, as after a restart: it is started by Tune
			return "", nil
		}
		return notLinked, nil
	}
	why, err := look()
	if why == notLinked {
		end, ok := l.tryTake("operation on " + p.ID.DB)
		if !ok {
			return nil
		}
		defer end()
		why, err = look()
	}
	if err != nil || why == "" {
		return err
	}
	if err := l.note(ctx, mending{DB: p.ID.DB, Ordinal: p.ID.Ordinal, Leaf: leaf, Since: time.Now()}); err != nil {
		return err
	}
	if err := l.drop(ctx, p.ID, leaf, false); err != nil {
		l.log.Info("control: a broken replica could not be taken out yet", "partition", p.ID.String(), "leaf", leaf, "error", err)
		return nil
	}
	l.event("warning", "replica broken", leaf, p.ID.DB, "partition "+p.ID.String()+" is copied anew: "+why)
	return nil
}

const notLinked = "it is not linked to its master"
