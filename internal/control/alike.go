package control

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/move"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// alike makes reference tables the same on all leaves when they may differ: a node has died that was writing them, or knows that it has done so in part. What
// was acknowledged is on every leaf, so any leaf's rows will do.
func (l *leader) alike(ctx context.Context) {
	marks, err := l.cat.Marks(ctx)
	if err != nil {
		return
	}
	var due []catalog.Mark
	for _, m := range marks {
		if m.Orphan || m.Doubt {
			due = append(due, m)
		}
	}
	if len(due) == 0 {
		return
	}
	if err := l.align(ctx); err != nil {
		if ctx.Err() == nil {
			l.log.Info("control: reference tables could not be compared yet", "error", err)
		}
		return
	}
	for _, m := range due {
		if err := l.node.Even(ctx, m); err != nil {
			return
		}
	}
}

// align compares all reference tables of all members, and gives those that differ the rows of the first member: it is the first to be written.
func (l *leader) align(ctx context.Context) error {
	var names []string
	for db := range l.cat.Snapshot().Databases {
		names = append(names, db)
	}
	lock, err := l.node.Lock(ctx, names...)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	// What a statement on triggers has left half done goes first: those in the topology are then what all leaves are to have.
	if err := l.ddl.Settle(ctx, lock, names...); err != nil {
		return err
	}
	if err := l.cat.Sync(ctx); err != nil {
		return err
	}
	s := l.cat.Snapshot()
	members := s.AttachedLeaves()
	tables := references(s, names)
	if len(members) < 2 || len(tables) == 0 {
		return nil
	}
	defer func() {
		l.tidy(func(ctx context.Context) error { _, err := l.lockShapes(ctx, false); return err })
	}()
	var leaves []string
	for _, m := range members {
		leaves = append(leaves, m.Name)
	}
	if err := l.quietShapes(ctx, leaves...); err != nil {
		return err
	}
	// Until then one of them may have been set aside or lost, and lacks what was written without it.
	if !slices.EqualFunc(members, l.cat.Snapshot().AttachedLeaves(), func(a, b *topo.Leaf) bool { return a.Name == b.Name }) {
		return errMoved
	}
	for _, t := range tables {
		var given []string
		if err := l.copier.Retrigger(ctx, members[0].Name, t.DB, t.Name, t.Triggers); err != nil {
			return fmt.Errorf("table %s.%s: %w", t.DB, t.Name, err)
		}
		for _, m := range members[1:] {
			differed, err := l.copier.Align(ctx, move.Spec{Schema: t.DB, From: members[0].Name, To: m.Name}, t.Name, t.Triggers)
			if err != nil {
				return fmt.Errorf("table %s.%s: %w", t.DB, t.Name, err)
			}
			if differed {
				given = append(given, m.Name)
			}
		}
		if len(given) > 0 {
			l.event("warning", "reference table aligned", members[0].Name, t.DB, fmt.Sprintf("table %s had other rows on %s, from a write that was cut off; they have those of %s now",
				t.Name, strings.Join(given, ", "), members[0].Name))
		}
	}
	return nil
}

// references are the reference tables of databases.
func references(s *topo.Snapshot, databases []string) (out []*topo.Table) {
	for _, db := range databases {
		d := s.Databases[db]
		if d == nil {
			continue
		}
		for _, t := range d.Tables {
			if t.Kind == topo.Reference {
				out = append(out, t)
			}
		}
	}
	return out
}
