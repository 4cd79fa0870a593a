package ddl

import (
	"context"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// versioned is the TABLE_TYPE of tables with system versioning.
const versioned = "SYSTEM VERSIONED"

// period gives the columns that say when versions of a table's rows began and ended, and refuses a table whose versions can't be copied with it.
func (j *job) period(ctx context.Context, m move) (columns [2]string, err error) {
	what := "ALTER TABLE … SHARD KEY of the system-versioned table '" + m.t.Name + "' with rows: "
	if len(m.d.foreign) > 0 {
		return columns, unsupported(what + "it has foreign keys, which are not added to tables with a past")
	}
	return j.versions(ctx, m.old, what)
}

// versions are the columns that say when versions of a table's rows began and ended. A table whose versions can't be written again is refused, in words that begin with what.
func (j *job) versions(ctx context.Context, t *topo.Table, what string) (columns [2]string, err error) {
	refused := func(why string) error { return unsupported(what + why) }
	p := j.todo.Places[0]
	where := " WHERE TABLE_SCHEMA = " + lit(p.Schema) + " AND TABLE_NAME = " + lit(t.Name)
	of := "SELECT COALESCE(MAX(COLUMN_NAME), "
	from := ") FROM information_schema.COLUMNS" + where + " AND IS_GENERATED <> 'NEVER' AND GENERATION_EXPRESSION = "
	res, err := j.asCluster(ctx, p, "", "SELECT ("+of+"'row_start'"+from+"'ROW START'), ("+of+"'row_end'"+from+"'ROW END'),"+
		" (SELECT COUNT(*) FROM information_schema.COLUMNS"+where+" AND IS_GENERATED <> 'NEVER' AND GENERATION_EXPRESSION = 'ROW START' AND DATA_TYPE <> 'timestamp'),"+
		" (SELECT COUNT(*) FROM information_schema.PARTITIONS"+where+" AND PARTITION_METHOD = 'SYSTEM_TIME' AND PARTITION_DESCRIPTION IS NULL)")
	if err != nil {
		return columns, err
	}
	row := res.Rows[0]
	if string(row[2]) != "0" {
		return columns, refused("its versions are counted by transactions")
	}
	if string(row[3]) != "0" {
		return columns, refused("its history is partitioned by LIMIT, and nothing says where a version belongs")
	}
	columns = [2]string{string(row[0]), string(row[1])}
	found := make(chan struct{}, len(j.todo.Places))
	if _, err := each(j.having(t), func(p place) error {
		res, err := j.asCluster(ctx, p, "", "SELECT 1 FROM "+id(p.Schema)+"."+id(t.Name)+" FOR SYSTEM_TIME ALL WHERE "+id(columns[0])+" = "+id(columns[1])+" LIMIT 1")
		if err == nil && len(res.Rows) > 0 {
			found <- struct{}{}
		}
		return err
	}); err != nil {
		return columns, err
	}
	if len(found) > 0 {
		return columns, refused("versions of rows ended when they began, which can't be written again")
	}
	return columns, nil
}
