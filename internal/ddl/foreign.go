package ddl

import (
	"context"
	"maps"
	"slices"
	"strings"
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
