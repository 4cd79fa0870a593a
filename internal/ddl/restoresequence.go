package ddl

import (
	"context"
	"regexp"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// A restored sequence goes on from the row that the backup has, which no value is beyond that was given before. Defaults of the database's own sequences become those of its restored ones.

// sequenceRow is what a sequence's row looks like in a backup.
var sequenceRow = regexp.MustCompile(`^-?[0-9]+(, -?[0-9]+){7}$`)

// sequencesFirst orders tables: defaults need the sequences.
func sequencesFirst(t *savedTable) int {
	if t.Kind == topo.Sequence {
		return 0
	}
	return 1
}

// drawnFrom is a definition in which defaults are the next values of sequences in the database to, where they were those of sequences in from.
func drawnFrom(create, from, to string) (text string, ok bool) {
	var scan sqltext.Scan
	if scan.Scan([]byte(create), sqltext.Mode{}) != nil {
		return "", false
	}
	at := uint32(0)
	for _, u := range sqltext.SequenceUses(&scan, sqltext.Mode{}) {
		if u.Table.DB.Tok >= 0 && u.Table.DB.Text == from {
			t := scan.Tokens[u.Table.DB.Tok]
			text, at = text+create[at:t.Start]+id(to), t.End
		}
	}
	return text + create[at:], true
}

// load has the rows of places loaded.
func (x *restore) load(ctx context.Context, places []SavedPlace) error {
	if err := x.step("fill"); err != nil {
		return err
	}
	var shapes []place
	for _, p := range places {
		if p.Ordinal < 0 {
			shapes = append(shapes, place{Leaf: p.Leaf, Schema: p.Schema})
		}
	}
	// Rows of reference tables are loaded behind a lock of the table alone: it must not need its sequences (1100).
	drop, set := x.draws()
	alter := func(sql []string) error {
		if len(sql) == 0 {
			return nil
		}
		_, err := each(shapes, func(p place) error {
			_, err := x.asCluster(ctx, p, p.Schema, append([]string{restoreSettings}, sql...)...)
			return err
		})
		return err
	}
	if err := alter(drop); err != nil {
		return err
	}
	if err := x.fill(ctx, places); err != nil {
		return err
	}
	return alter(set)
}

// draws are the statements that take defaults that are a sequence's next value from the reference tables, and those that set them again.
func (x *restore) draws() (drop, set []string) {
	for _, t := range x.tables {
		if t.Kind != topo.Reference {
			continue
		}
		for i := range t.t.Columns {
			if db, name, ok := t.t.Columns[i].Sequence(); ok {
				alter := "ALTER TABLE " + id(t.Name) + " ALTER COLUMN " + id(t.t.Columns[i].Name)
				drop, set = append(drop, alter+" DROP DEFAULT"), append(set, alter+" SET DEFAULT NEXTVAL("+id(db)+"."+id(name)+")")
			}
		}
	}
	return drop, set
}
