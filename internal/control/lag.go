package control

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/orbweaver/orbweaver/internal/mariadb"
	"github.com/orbweaver/orbweaver/internal/placement"
	"github.com/orbweaver/orbweaver/internal/topo"
)

const (
	// slowPatience is how long a replica that was taken out because it fell behind may take to catch up, before it is made anew.
	slowPatience = 10 * time.Minute
	firstRetry   = 5 * time.Second
	longRetry    = 5 * time.Minute
)

// mending is a replica that was taken out of the topology and is to come back. It is kept in the catalog, for the next controller: in the topology it looks as
// if an operator had removed it.
type mending struct {
	DB      string    `json:"db"`
	Ordinal int       `json:"ordinal"`
	Leaf    string    `json:"leaf"`
	Since   time.Time `json:"since"`
	Slow    bool      `json:"slow,omitempty"` // its link is whole, it only has to catch up
}

func (m mending) id() topo.PartitionID { return topo.PartitionID{DB: m.DB, Ordinal: m.Ordinal} }

func (m mending) key() string { return "mend/" + m.Leaf + "/" + m.id().String() }

// mark is what a replica is to have had for some time.
type mark struct {
	at    mariadb.GTID
	since time.Time
}

// retry is when a mending that failed is tried again.
type retry struct {
	due   time.Time
	pause time.Duration
}

// note writes a mending down.
func (l *leader) note(ctx context.Context, m mending) error {
	doc, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return l.node.SaveProcedure(ctx, m.key(), doc)
}

// lagging takes replicas out of SYNC databases that for long have not had what their masters had: every commit waits for them.
func (l *leader) lagging(ctx context.Context) {
	s := l.cat.Snapshot()
	at := map[string]mariadb.Position{}
	for _, db := range sortedDatabases(s) {
		d := s.Databases[db]
		for _, p := range d.Partitions {
			master, ok := p.Master()
			if !ok || p.Locked || d.Replication != topo.Sync {
				continue
			}
			for _, leaf := range p.Replicas() {
				m := mending{DB: db, Ordinal: p.ID.Ordinal, Leaf: leaf, Since: time.Now(), Slow: true}
				if l.has(ctx, at, p, master, m.key()+" in", leaf) || time.Since(l.marks[m.key()+" in"].since) < l.cfg.Behind {
					continue
				}
				if err := l.note(ctx, m); err != nil {
					return
				}
				if _, err := l.alter(ctx, p, func(n *topo.Partition) (*topo.Partition, error) {
					for i, in := range n.Instances {
						if in.Leaf == leaf && in.Role == topo.Replica {
							n.Instances = append(n.Instances[:i], n.Instances[i+1:]...)
							return n, nil
						}
					}
					return nil, errMoved
				}); err != nil {
					continue
				}
				l.event("warning", "replica behind", leaf, db, "partition "+p.ID.String()+" has not got for "+l.cfg.Behind.String()+
					" what its master on "+master+" has: commits don't wait for it any more; it is taken in again once it has caught up")
			}
		}
	}
}

// has says whether a leaf has what the master of a partition had when that was looked at before; then the next thing to have is what the master has now.
// What can't be found out counts as had: a server that does not answer is not this one's matter.
func (l *leader) has(ctx context.Context, at map[string]mariadb.Position, p *topo.Partition, master, key, leaf string) bool {
	position := func(leaf string) (mariadb.Position, bool) {
		if pos, ok := at[leaf]; ok {
			return pos, pos != nil
		}
		pos, err := l.servers.BinlogPosition(ctx, leaf)
		if err != nil {
			at[leaf] = nil
			return nil, false
		}
		at[leaf] = pos
		return pos, true
	}
	now, ok := position(master)
	if !ok {
		return true
	}
	have, ok := position(leaf)
	if !ok {
		return true
	}
	m, known := l.marks[key]
	if known && m.at.Domain == p.Domain && have[p.Domain].Sequence < m.at.Sequence {
		applied, err := l.servers.Stands(ctx, leaf) // a copy was made at a position that its own binary log does not tell
		if err == nil && applied[p.Domain].Sequence < m.at.Sequence {
			return false
		}
	}
	l.marks[key] = mark{at: now[p.Domain], since: time.Now()}
	return true
}

// mendings brings back what was taken out, one after the other on each database.
func (l *leader) mendings(ctx context.Context) {
	at := map[string]mariadb.Position{}
	for key, doc := range l.cat.Procedures() {
		if !strings.HasPrefix(key, "mend/") {
			continue
		}
		var m mending
		if err := json.Unmarshal(doc, &m); err != nil || l.moot(m) {
			if err := l.node.SaveProcedure(ctx, key, nil); err != nil {
				return
			}
			delete(l.retries, key)
			delete(l.marks, key+" out")
			continue
		}
		s := l.cat.Snapshot()
		p := s.Partition(m.id())
		master, ok := p.Master()
		if !ok || p.Locked {
			continue
		}
		r := l.retries[key]
		if r == nil {
			r = &retry{pause: firstRetry}
			l.retries[key] = r
		}
		if time.Now().Before(r.due) {
			continue
		}
		again := l.again
		if m.Slow && time.Since(m.Since) < slowPatience {
			_, looked := l.marks[key+" out"]
			if !l.has(ctx, at, p, master, key+" out", m.Leaf) || !looked {
				continue
			}
			again = l.rejoin
		}
		if l.begin("mending "+m.id().String(), func(ctx context.Context) {
			if err := again(ctx, m); err != nil && ctx.Err() == nil {
				l.log.Warn("control: a replica could not be brought back yet", "partition", m.id().String(), "leaf", m.Leaf, "error", err)
			}
		}) {
			r.due = time.Now().Add(r.pause)
			r.pause = min(2*r.pause, longRetry)
		}
	}
}

// moot says whether nothing is left to be mended: it is done, or somebody else's matter.
func (l *leader) moot(m mending) bool {
	s := l.cat.Snapshot()
	p, leaf := s.Partition(m.id()), s.Leaves[m.Leaf]
	if p == nil || leaf == nil || leaf.State != topo.LeafOnline || s.Settings.Redundancy < 2 {
		return true // attaching looks at everything that a leaf has
	}
	if len(p.Instances) >= s.Settings.Redundancy { // it was a copy more, or has been replaced
		return true
	}
	for _, in := range p.Instances {
		if in.Leaf == m.Leaf {
			return true
		}
	}
	return false
}

// again copies a replica anew.
func (l *leader) again(ctx context.Context, m mending) error {
	return l.carryOut(ctx, "MEND", 0, []string{m.DB}, fixed(placement.Action{Action: placement.Copy, DB: m.DB, Ordinal: m.Ordinal, Leaf: m.Leaf, Phase: 2}))
}

// rejoin makes a copy that has caught up a replica again, or a new one when its link has ended meanwhile.
func (l *leader) rejoin(ctx context.Context, m mending) error {
	end, err := l.alone(ctx, m.DB)
	if err != nil {
		return err
	}
	defer end()
	p, master, err := l.part(m.id())
	if err != nil {
		return err
	}
	if l.moot(m) || p.Locked {
		return nil
	}
	links, err := l.servers.Links(ctx, m.Leaf)
	if err != nil {
		return err
	}
	if broken(links[master], p.Domain) {
		return l.copyTo(ctx, m.id(), m.Leaf, nil)
	}
	return l.join(ctx, p, master, m.Leaf, mariadb.Start{Domain: p.Domain})
}
