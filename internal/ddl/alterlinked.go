package ddl

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/spider"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// alterLinked changes the definition of a linked table: its columns and keys, its links, its partitions. Nothing is done at the remote servers but to truncate
// partitions. There are only empty shapes, so that the change can be undone until the topology has it.
func (j *job) alterLinked(ctx context.Context, old *topo.Table, all []place) (*Result, error) {
	if places, ok := j.truncated(old); ok {
		j.todo.DB, j.todo.Shapes = old.DB, all
		return j.truncateLinked(ctx, old, places)
	}
	a := altering{job: j, old: old}
	if err := a.read(); err != nil {
		return nil, err
	}
	j.linked = &a.linked
	if err := j.reach(ctx, all); err != nil {
		return nil, err
	}
	j.todo.DB, j.todo.Tables, j.todo.Shapes = old.DB, []string{old.Name}, all
	j.todo.ShapeText = template(j.spliced())
	before, err := j.showCreate(ctx, all[0], old.Name)
	if err != nil {
		return nil, clientError(err, "")
	}
	j.todo.Before = map[string]string{old.Name: before}
	if err := j.record(ctx, "alter"); err != nil {
		return nil, err
	}
	res, err := j.first(ctx, all[0], string(j.todo.ShapeText))
	if err != nil {
		return nil, j.abandon(err, j.undoIfUnsure(err, j.undoAlter))
	}
	t, err := a.table(ctx, all[0])
	if err == nil {
		_, err = each(all[1:], func(p place) error {
			_, err := j.asClient(ctx, p, j.s.Schema, string(j.todo.ShapeText))
			return err
		})
	}
	if err == nil {
		err = j.commitTable(ctx, t)
		if errors.Is(err, catalog.ErrUnknown) {
			return nil, unfinished(err.Error(), err)
		}
	}
	if err != nil {
		return nil, j.abandon(clientError(err, old.DB), j.undoAlter)
	}
	res.Notes = append(res.Notes, a.notes...)
	if len(j.linked.edits) > 0 {
		res.Notes = append(res.Notes, j.linked.notes()...)
	}
	return res, nil
}

// altering is an ALTER TABLE of a linked table.
type altering struct {
	*job
	old    *topo.Table
	linked linked
	// spread: partitions come or go, where the statement says so. Otherwise rows must belong where they did.
	spread bool
	notes  []Note
}

// read judges the statement, and makes the new definition.
func (a *altering) read() error {
	def, err := a.definition(a.old)
	if err != nil {
		return err
	}
	if a.d.Engine != "" && !strings.EqualFold(a.d.Engine, spiderEngine) {
		return refuse(1235, "42000", "Linked table '%s' can't be given ENGINE=%s by ALTER TABLE: make another table, copy the rows with INSERT … SELECT, and change the names", a.old.Name, a.d.Engine)
	}
	a.linked = linked{def: *def, columns: true}
	for i := range a.d.Actions {
		if err := a.action(&a.d.Actions[i]); err != nil {
			return err
		}
	}
	return a.linked.read()
}

// moves is the error for what would have rows go from one remote table to another.
func (a *altering) moves(verb, instead string) error {
	return refuse(1235, "42000", "'%s' of a linked table, as '%s.%s' is, would have rows move between remote tables, and Orbweaver leaves them alone: %s", verb, a.old.DB, a.old.Name, instead)
}

func (a *altering) action(act *sqltext.AlterAction) error {
	if err := a.linked.options(a.scan, act.Options, &a.linked.def.Info, "COMMENT=''"); err != nil {
		return err
	}
	byValue := strings.Contains(a.old.Scheme, partitionBy+"RANGE") || strings.Contains(a.old.Scheme, partitionBy+"LIST")
	parts := &a.linked.def.Parts
	switch act.Verb {
	case "AUTO_INCREMENT":
		if a.old.Scheme == "" {
			return refuse(1235, "42000", "AUTO_INCREMENT of linked table '%s' is counted by its remote table: alter that", a.old.Name)
		}
	case "PARTITION BY":
		defs, err := a.linked.parts(a.scan, a.d.Partitioning)
		*parts = defs
		return err
	case "REMOVE PARTITIONING":
		return a.moves(act.Verb, "make another linked table for the rows as they are to be spread")
	case "ADD PARTITION":
		if !byValue {
			return a.moves(act.Verb, "make another linked table with more partitions and copy the rows")
		}
		if slices.ContainsFunc(a.defaults(), func(d bool) bool { return d }) {
			return a.moves(act.Verb, "the DEFAULT partition may have rows that belong into the new one")
		}
		a.spread = true
		defs, err := a.linked.defined(a.scan, act.PartitionDefs, a.subs())
		for _, d := range defs {
			if !slices.ContainsFunc(*parts, func(p spider.Part) bool { return strings.EqualFold(p.Name, d.Name) }) { // IF NOT EXISTS
				*parts = append(slices.Clip(*parts), d)
			}
		}
		return err
	case "DROP PARTITION":
		a.spread = true
		for _, n := range act.Partitions {
			at := slices.IndexFunc(*parts, func(p spider.Part) bool { return strings.EqualFold(p.Name, n.Text) })
			if at < 0 {
				continue // MariaDB says it
			}
			*parts = slices.Delete(slices.Clone(*parts), at, at+1)
			a.notes = append(a.notes, Note{"Note", 1105, "The link of partition '" + n.Text + "' is dropped; its remote table is left alone, with its rows"})
		}
	case "REORGANIZE PARTITION":
		return a.reorganize(act)
	case "TRUNCATE PARTITION":
		return unsupported("TRUNCATE PARTITION together with other changes")
	case "COALESCE PARTITION":
		return a.moves(act.Verb, "make another linked table with fewer partitions and copy the rows")
	case "EXCHANGE PARTITION", "CONVERT PARTITION", "CONVERT TABLE":
		return a.moves(act.Verb, "rename remote tables, or change the link by ALTER TABLE … REORGANIZE PARTITION")
	case "REBUILD PARTITION", "DISCARD PARTITION", "IMPORT PARTITION", "DISCARD TABLESPACE", "IMPORT TABLESPACE":
		return topo.IsLinked("ALTER TABLE … "+act.Verb, a.old.DB, a.old.Name)
	}
	return nil
}

// partitionBy is how SHOW CREATE TABLE begins to say how a table is partitioned.
const partitionBy = "\n PARTITION BY "

// subs is how many subpartitions each partition has.
func (a *altering) subs() int {
	if len(a.linked.def.Parts) == 0 {
		return 0
	}
	return len(a.linked.def.Parts[0].Sub)
}

// defaults says of each partition whether it is a DEFAULT one.
func (a *altering) defaults() (out []bool) {
	var scan sqltext.Scan
	if scan.Scan([]byte(a.old.Scheme), sqltext.Mode{}) != nil {
		return nil
	}
	st, err := sqltext.Parse(&scan, sqltext.Mode{})
	if err != nil || st.DDL == nil || st.DDL.Partitioning == nil {
		return nil
	}
	for _, p := range st.DDL.Partitioning.Partitions {
		listed := slices.ContainsFunc(p.Bounds, func(row []sqltext.PartitionBound) bool {
			return slices.ContainsFunc(row, func(b sqltext.PartitionBound) bool { return b.Default })
		})
		out = append(out, p.Values == sqltext.ValuesDefault || listed)
	}
	return out
}

// reorganize replaces definitions of partitions by others: the same ones with other links.
func (a *altering) reorganize(act *sqltext.AlterAction) error {
	if len(act.Partitions) == 0 || len(act.Partitions) != len(act.PartitionDefs) {
		return a.moves(act.Verb, "only the links of partitions can be changed by it, with names and values as they are")
	}
	defs, err := a.linked.defined(a.scan, act.PartitionDefs, a.subs())
	if err != nil {
		return err
	}
	parts := slices.Clone(a.linked.def.Parts)
	for i := range defs {
		at := slices.IndexFunc(parts, func(p spider.Part) bool { return strings.EqualFold(p.Name, act.Partitions[i].Text) })
		if at < 0 {
			return refuse(1507, "HY000", "Error in list of partitions to REORGANIZE: there is no partition '%s'", act.Partitions[i].Text)
		}
		parts[at] = defs[i]
	}
	a.linked.def.Parts = parts
	return nil
}

// table is what the table has become, by what the first shape is now.
func (a *altering) table(ctx context.Context, first place) (*topo.Table, error) {
	now, err := a.describe(ctx, first, a.old.Name)
	if err != nil {
		return nil, err
	}
	if now == nil {
		return nil, topo.NoTable(a.old.DB, a.old.Name)
	}
	t := now.table(a.old.DB, a.old.Name, topo.Linked, nil, false, a.old.ID)
	if err := a.link(t, &a.linked); err != nil {
		return nil, err
	}
	create, err := a.showCreate(ctx, first, t.Name)
	if err != nil {
		return nil, err
	}
	if err := partitioned(t, create); err != nil {
		return nil, err
	}
	if err := a.staysPut(t); err != nil {
		return nil, err
	}
	return t, check(a.snap, t, now)
}

// staysPut refuses what has rows belong elsewhere than they are.
func (a *altering) staysPut(t *topo.Table) error {
	if len(a.old.ShardKey) != len(t.ShardKey) {
		return a.moves("ALTER TABLE", "the columns that decide which partition a row is in can't be others")
	}
	for i, at := range a.old.ShardKey {
		was, is := &a.old.Columns[at], &t.Columns[t.ShardKey[i]]
		if was.FullType != is.FullType || was.Collation != is.Collation {
			return a.moves("ALTER TABLE", fmt.Sprintf("column '%s' decides which partition a row is in, and can't be changed from %s to %s", was.Name, was.FullType, is.FullType))
		}
	}
	same, err := sameSpread(a.old, t)
	if err != nil {
		return err
	}
	if !a.spread && !same {
		return a.moves("PARTITION BY", "of partitions only the links can be changed, with names and values as they are")
	}
	return nil
}
