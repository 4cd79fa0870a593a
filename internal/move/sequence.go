package move

import (
	"context"
	"regexp"
	"slices"

	"github.com/orbweaver/orbweaver/internal/backend"
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

// drawn finds defaults of columns that are a sequence's next value.
var drawn = regexp.MustCompile("nextval\\((`(?:[^`]|``)+`)\\.(`(?:[^`]|``)+`)\\)")

// define makes sequences and tables. MariaDB makes no table with a column whose default is the next value of a sequence that was dropped since: there is one while it does.
func (c *Copier) define(ctx context.Context, s Spec, src *source, target *backend.Conn) error {
	shape := s.Schema
	if s.Domain != 0 {
		shape = s.Partition.DB
	}
	for _, sql := range src.sequences {
		if _, err := run(ctx, target, sql...); err != nil {
			return err
		}
	}
	var wanted []string
	for _, t := range src.tables {
		for _, m := range drawn.FindAllStringSubmatch(t.create, -1) {
			if m[1] == id(shape) && !slices.Contains(wanted, m[2]) {
				wanted = append(wanted, m[2])
			}
		}
	}
	tables := func() error {
		for _, t := range src.tables {
			if _, err := run(ctx, target, t.create); err != nil {
				return err
			}
		}
		return nil
	}
	if len(wanted) == 0 {
		return tables()
	}
	missing := func() (names []string, err error) {
		res, err := run(ctx, target, "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = "+lit(shape))
		if err != nil {
			return nil, err
		}
		for _, name := range wanted {
			if !slices.ContainsFunc(res.Rows, func(row [][]byte) bool { return id(string(row[0])) == name }) {
				names = append(names, name)
			}
		}
		return names, nil
	}
	names, err := missing()
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return tables()
	}
	still := s.Still
	if still == nil {
		still = func(_ context.Context, f func() error) error { return f() }
	}
	return still(ctx, func() error { // nobody makes one of that name meanwhile
		if names, err = missing(); err != nil {
			return err
		}
		for i := range names {
			names[i] = id(shape) + "." + names[i]
		}
		for _, name := range names {
			if _, err := run(ctx, target, "CREATE SEQUENCE "+name); err != nil {
				return err
			}
		}
		err := tables()
		for _, name := range names {
			if _, dropped := run(ctx, target, "DROP SEQUENCE "+name); err == nil {
				err = dropped
			}
		}
		return err
	})
}
