package ddl

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// nameOf is a name in InnoDB's tables of names: as the file system has it.
func nameOf(expr string) string { return "CONVERT(CONVERT(" + expr + " USING filename) USING binary)" }

// unreferenced says whether foreign keys to what is dropped or emptied are those of partitions alone, of the tables that are dropped with it: tables in their order, nil for the
// whole database. At a leaf partitions' foreign keys lead into the shape, which MariaDB takes for a reason to refuse. Whether there is a reason the shapes tell: a partition's table
// goes when the shape's does, and a replica's copy of it a moment later than that.
func (j *job) unreferenced(ctx context.Context, first place, tables []string) (bool, error) {
	databases := slices.Sorted(maps.Keys(j.snap.Databases))
	var exprs []string
	for _, n := range append(slices.Clone(databases), tables...) {
		exprs = append(exprs, nameOf(lit(n)))
	}
	res, err := j.asCluster(ctx, first, "", "SELECT "+strings.Join(exprs, ", "))
	if err != nil {
		return false, err
	}
	own := ""
	partitions := map[string]bool{}
	for i, name := range databases {
		as := string(res.Rows[0][i])
		if name == j.todo.DB {
			own = as
		}
		for _, p := range j.snap.Databases[name].Partitions {
			partitions[as+strings.TrimPrefix(p.ID.Schema(), name)] = true // of digits and a line
		}
	}
	position := map[string]int{}
	for i := range tables {
		position[string(res.Rows[0][len(databases)+i])] = i
	}
	if res, err = j.asCluster(ctx, first, "", "SELECT FOR_NAME, REF_NAME FROM information_schema.INNODB_SYS_FOREIGN"); err != nil {
		return false, err
	}
	for _, row := range res.Rows {
		schema, table, _ := strings.Cut(string(row[0]), "/")
		refSchema, refTable, _ := strings.Cut(string(row[1]), "/")
		at, touched := position[refTable]
		if refSchema != own || tables != nil && !touched || partitions[schema] {
			continue
		}
		if before, goes := position[table]; schema == own && (tables == nil || goes && before <= at) {
			continue
		}
		return false, nil
	}
	return true, nil
}

// child is a table with foreign keys to another one.
type child struct {
	t       *topo.Table
	foreign []foreignKey
}

// referring are the cluster's tables that have foreign keys to a table of their database, which may not be there yet: MariaDB takes those without foreign_key_checks, as dumps have them.
func (j *job) referring(ctx context.Context, p place, name string) (out []child, err error) {
	res, err := j.asCluster(ctx, p, "", "SELECT COUNT(*) FROM information_schema.INNODB_SYS_FOREIGN WHERE REF_NAME = CONCAT("+nameOf(lit(p.Schema))+", '/', "+nameOf(lit(name))+")")
	if err != nil || string(res.Rows[0][0]) == "0" {
		return nil, err
	}
	if res, err = j.asCluster(ctx, p, "", "SELECT DISTINCT TABLE_NAME FROM information_schema.KEY_COLUMN_USAGE WHERE TABLE_SCHEMA = "+lit(p.Schema)+" AND REFERENCED_TABLE_SCHEMA = "+lit(p.Schema)+
		" AND REFERENCED_TABLE_NAME = "+lit(name)+" ORDER BY TABLE_NAME"); err != nil {
		return nil, err
	}
	for _, row := range res.Rows {
		t := j.snap.Table(p.Schema, string(row[0]))
		if t == nil || t.Name == name {
			continue
		}
		d, err := j.describe(ctx, p, t.Name)
		if err != nil {
			return nil, err
		}
		c := child{t: t}
		if d != nil {
			for _, f := range d.foreign {
				if f.refName == name && f.refSchema == t.DB {
					c.foreign = append(c.foreign, f)
				}
			}
		}
		out = append(out, c)
	}
	return out, nil
}

// referredRule: what tables reference that are there already must be where they look for it.
func referredRule(s *topo.Snapshot, t *topo.Table, by []child) error {
	for _, c := range by {
		if c.t.Kind == topo.Single && t.Kind != topo.Single {
			return refuse(1235, "42000", "Table '%s' must be made with SHARD KEY (): a foreign key of table '%s', whose rows are all in one partition, references it", t.Name, c.t.Name)
		}
		if c.t.Kind != topo.Single && t.Kind == topo.Single {
			return refuse(1235, "42000", "Table '%s' can't be made with SHARD KEY (): a foreign key of table '%s', whose rows are in several partitions, references it", t.Name, c.t.Name)
		}
		if c.t.Kind != topo.Sharded {
			continue
		}
		if t.Kind == topo.Reference { // partitions' foreign keys lead to a table beside theirs
			return refuse(1235, "42000", "Table '%s' can't be made by CREATE REFERENCE TABLE: a foreign key of table '%s', which was made before it, references it. DROP that FOREIGN KEY, and add it afterwards", t.Name, c.t.Name)
		}
		b := topo.NewBuilder(s)
		b.PutTable(t)
		with := b.Build(s.Revision)
		for _, f := range c.foreign {
			if err := foreignKeyRule(with, c.t, f); err != nil {
				return err
			}
		}
	}
	return nil
}
