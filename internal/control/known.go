package control

import (
	"context"
	"slices"
)

// unblock makes way for a link from source to target. A source refuses a replica that has more of a domain than the source has in its own binary log, be that domain followed
// from elsewhere: it has a part of it where it held a copy of that partition before. So the terms of such partitions are ended: the target, which has a whole copy, becomes the master.
func (l *leader) unblock(ctx context.Context, source, target string) error {
	links, err := l.servers.Links(ctx, target)
	if err != nil {
		return err
	}
	known, err := l.servers.BinlogPosition(ctx, source)
	if err != nil {
		return err
	}
	has, err := l.servers.AppliedPosition(ctx, target)
	if err != nil {
		return err
	}
	s := l.cat.Snapshot()
	for _, db := range sortedDatabases(s) {
		for _, p := range s.Databases[db].Partitions {
			master, ok := p.Master()
			at, knows := known[p.Domain]
			if !ok || !knows || at.Sequence >= has[p.Domain].Sequence || master == source || slices.Contains(p.Replicas(), source) {
				continue
			}
			if link := links[master]; link == nil || !slices.Contains(link.Domains, p.Domain) || !slices.Contains(p.Replicas(), target) {
				continue
			}
			if err := l.promote(ctx, p.ID, target); err != nil {
				return err
			}
		}
	}
	return nil
}
