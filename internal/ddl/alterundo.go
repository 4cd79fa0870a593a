package ddl

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/backend"
)

func unlock(ctx context.Context, conns map[place]*backend.Conn) {
	for _, c := range conns {
		if !c.Broken() {
			_, _ = c.Query(ctx, "UNLOCK TABLES") // the reset at release does it too
		}
	}
}

func release(conns map[place]*backend.Conn) {
	for _, c := range conns {
		c.Release()
	}
}

// undoAlter brings all places back to what they were, for statements that have not changed any partition but by indexes.
func (j *job) undoAlter(ctx context.Context) error {
	if j.todo.Placing != nil {
		if _, err := j.setClosed(ctx, ""); err != nil {
			return err
		}
	}
	return j.undoAlterOf(ctx, j.todo)
}

func (j *job) undoAlterOf(ctx context.Context, t todo) error {
	name := t.Tables[0]
	if _, err := each(t.Places, lookingAgain(func(p place) error {
		if t.Try != "" {
			if _, err := j.asCluster(ctx, p, "", "DROP TABLE IF EXISTS "+id(p.Schema)+"."+id(t.Try)); err != nil {
				return err
			}
		}
		if len(t.Indexes) == 0 {
			return nil
		}
		var drops []string
		for _, k := range t.Indexes {
			drops = append(drops, "DROP INDEX IF EXISTS "+id(k))
		}
		_, err := j.asCluster(ctx, p, "", "ALTER TABLE IF EXISTS "+id(p.Schema)+"."+id(name)+" "+strings.Join(drops, ", "))
		return err
	})); err != nil {
		return err
	}
	return j.restoreShapes(ctx, t)
}

// restoreShapes makes empty shape tables anew as they were.
func (j *job) restoreShapes(ctx context.Context, t todo) error {
	names := slices.Clone(t.Tables)
	slices.SortStableFunc(names, func(a, b string) int { // what was not there goes first: it may have the names of constraints of what comes back
		return cmp.Compare(min(len(t.Before[a]), 1), min(len(t.Before[b]), 1))
	})
	_, err := each(t.Shapes, lookingAgain(func(p place) error {
		for _, name := range names {
			now, err := j.showCreate(ctx, p, name)
			if err != nil {
				return err
			}
			before := t.Before[name]
			if now != before {
				sql := []string{"SET foreign_key_checks=0, sql_mode='', innodb_strict_mode=0", "DROP TABLE IF EXISTS " + id(p.Schema) + "." + id(name)}
				if before != "" {
					sql = append(sql, before)
				}
				if strings.HasSuffix(before, sequenceOption) {
					sql = append(sql, bluntText(p, name))
				}
				if _, err := j.asCluster(ctx, p, p.Schema, sql...); err != nil {
					return err
				}
			}
		}
		for _, name := range t.Tables { // triggers' names are the database's: a table with another name may have had them
			if was := j.snap.Table(t.DB, name); was != nil && t.Before[name] != "" && len(was.Triggers) > 0 {
				if err := j.alignTriggers(ctx, p, was); err != nil {
					return err
				}
			}
		}
		return nil
	}))
	return err
}
