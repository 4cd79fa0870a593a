package move

import (
	"context"
	"slices"

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
	res, err := run(ctx, target, "SELECT SCHEMA_NAME, TABLE_NAME FROM information_schema.SCHEMATA LEFT JOIN information_schema.TABLES ON TABLE_SCHEMA = SCHEMA_NAME AND TABLE_TYPE = 'SEQUENCE'")
	if err != nil {
		return err
	}
	there := map[string]bool{}
	for _, row := range res.Rows {
		there[id(string(row[0]))], there[id(string(row[0]))+"."+id(string(row[1]))] = true, true
	}
	var undo []string
	for _, t := range src.tables {
		for _, d := range topo.DrawnColumns(t.create) {
			name := d.DB + "." + d.Sequence
			if !there[d.DB] { // whose shape is copied later
				if _, err := run(ctx, target, "CREATE DATABASE "+d.DB); err != nil {
					return err
				}
				there[d.DB], undo = true, append(undo, "DROP DATABASE "+d.DB)
			}
			if !there[name] {
				if _, err := run(ctx, target, "CREATE SEQUENCE "+name); err != nil {
					return err
				}
				there[name], undo = true, append(undo, "DROP SEQUENCE "+name)
			}
			if _, err := run(ctx, target, "ALTER TABLE "+id(s.Schema)+"."+id(t.name)+" ALTER COLUMN "+d.Column+" SET DEFAULT NEXTVAL("+name+")"); err != nil {
				return err
			}
		}
	}
	slices.Reverse(undo)
	for _, sql := range undo {
		if _, err := run(ctx, target, sql); err != nil {
			return err
		}
	}
	return nil
}
