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

// referring are the cluster's tables that have foreign keys to a table of their database, which may not be there yet: MariaDB takes those without foreign_key_checks, as dumps have them.
func (j *job) referring(ctx context.Context, p place, name string) (out []*topo.Table, err error) {
	res, err := j.asCluster(ctx, p, "", "SELECT COUNT(*) FROM information_schema.INNODB_SYS_FOREIGN WHERE REF_NAME = CONCAT("+nameOf(lit(p.Schema))+", '/', "+nameOf(lit(name))+")")
	if err != nil || string(res.Rows[0][0]) == "0" {
		return nil, err
	}
	if res, err = j.asCluster(ctx, p, "", "SELECT DISTINCT TABLE_NAME FROM information_schema.KEY_COLUMN_USAGE WHERE TABLE_SCHEMA = "+lit(p.Schema)+" AND REFERENCED_TABLE_SCHEMA = "+lit(p.Schema)+
		" AND REFERENCED_TABLE_NAME = "+lit(name)); err != nil {
		return nil, err
	}
	for _, row := range res.Rows {
		if t := j.snap.Table(p.Schema, string(row[0])); t != nil && t.Name != name {
			out = append(out, t)
		}
	}
	return out, nil
}

// referredRule: what tables reference that are there already must be where they look for it.
func referredRule(t *topo.Table, by []*topo.Table) error {
	for _, child := range by {
		if child.Kind == topo.Single && t.Kind != topo.Single {
			return refuse(1235, "42000", "Table '%s' must be made with SHARD KEY (): a foreign key of table '%s', whose rows are all in one partition, references it", t.Name, child.Name)
		}
		if child.Kind != topo.Single && t.Kind == topo.Single {
			return refuse(1235, "42000", "Table '%s' can't be made with SHARD KEY (): a foreign key of table '%s', whose rows are in several partitions, references it", t.Name, child.Name)
		}
	}
	return nil
}
