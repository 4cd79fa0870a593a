package move

import (
	"context"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// addSequence reads a sequence. What it has given beyond its row is kept in the leaf's memory: the row says from where on nobody has been given anything. What is followed later brings
// the row forward, and ALTER SEQUENCE takes the lock under which this is read.
func (src *source) addSequence(ctx context.Context, name string) error {
	create, err := src.definition(ctx, name)
	if err != nil {
		return err
	}
	of := id(src.schema) + "." + id(name)
	res, err := run(ctx, src.conn, "SELECT CONCAT_WS(', ', next_not_cached_value, minimum_value, maximum_value, start_value, increment, cache_size, cycle_option, cycle_count) FROM "+of)
	if err != nil {
		return err
	}
	src.sequences = append(src.sequences, []string{create, "INSERT INTO " + of + " VALUES (" + string(res.Rows[0][0]) + ")"})
	return nil
}

// redraw gives columns of a shape the defaults that they were made without: rows can't be loaded where a sequence is not locked, or has been dropped since. MariaDB takes none of one that is not
// there: so it is, meanwhile. The caller keeps DDL out.
func redraw(ctx context.Context, s Spec, src *source, target *backend.Conn) error {
	res, err := run(ctx, target, "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = "+lit(s.Schema)+" AND TABLE_TYPE = 'SEQUENCE'")
	if err != nil {
		return err
	}
	there := map[string]bool{}
	for _, row := range res.Rows {
		there[id(string(row[0]))] = true
	}
	var missing []string
	for _, t := range src.tables {
		for _, d := range topo.DrawnColumns(t.create) {
			name := d.DB + "." + d.Sequence
			if !there[d.Sequence] {
				if _, err := run(ctx, target, "CREATE SEQUENCE "+name); err != nil {
					return err
				}
				there[d.Sequence], missing = true, append(missing, name)
			}
			if _, err := run(ctx, target, "ALTER TABLE "+id(s.Schema)+"."+id(t.name)+" ALTER COLUMN "+d.Column+" SET DEFAULT NEXTVAL("+name+")"); err != nil {
				return err
			}
		}
	}
	for _, name := range missing {
		if _, err := run(ctx, target, "DROP SEQUENCE "+name); err != nil {
			return err
		}
	}
	return nil
}
