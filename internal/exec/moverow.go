package exec

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/value"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// mover runs a write that changes the shard key, row by row as MariaDB does: whether a key is there twice hangs on which rows have been changed before. Each row is changed where
// it is, so that MariaDB computes and judges all of it; if it has another partition's key then, no other row there has, by which it is found, read, deleted and inserted where it
// belongs.
type mover struct {
	r       *Runner
	st      *Statement
	g       *txn.Group
	table   *topo.Table
	to      *insertPlaces
	columns []int  // of the shard key, that change
	what    string // the statement does, for errors
	jobs    []job
	// of an UPDATE:
	t     *plan.KeyTarget
	found *foundRows
}

// moving are the settings under which a row is read and written again, so that it stays what it is.
const moving = "SET STATEMENT sql_mode='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES',time_zone='+00:00',check_constraint_checks=0,character_set_results=" + wideCharset + clockEnd

func (r *Runner) moveRows(ctx context.Context, st *Statement, g *txn.Group, found *foundRows) ([]job, error) {
	m := &mover{r: r, st: st, g: g, t: &st.Plan.ByKey.Targets[0], found: found, what: st.Plan.Stage}
	m.table = m.t.Table
	for _, v := range st.Plan.ByKey.Moves {
		m.columns = append(m.columns, v.Column)
	}
	var err error
	if m.to, err = r.rowPlaces(st, m.table); err != nil {
		return nil, err
	}
	if err := m.movable(ctx); err != nil {
		return nil, err
	}
	for n := range found.rows {
		if err := m.row(ctx, n); err != nil {
			return m.jobs, err
		}
	}
	return m.jobs, nil
}

// movable refuses tables of which a row is more than its columns: foreign keys and triggers would see it gone, or act on it, and versions would stay.
func (m *mover) movable(ctx context.Context) error {
	t := m.table
	first, err := m.to.at(0)
	if err != nil {
		return err
	}
	res, err := m.r.askWanted(ctx, backend.Want{Leaf: first.Leaf, Account: backend.Cluster, Variant: backend.Internal}, fmt.Appendf(nil,
		"SELECT (SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA=x'%[1]x' AND EVENT_OBJECT_TABLE=x'%[2]x'),"+
			" (SELECT COUNT(*) FROM information_schema.KEY_COLUMN_USAGE WHERE REFERENCED_TABLE_NAME IS NOT NULL AND (TABLE_SCHEMA=x'%[1]x' AND TABLE_NAME=x'%[2]x'"+
			" OR REFERENCED_TABLE_SCHEMA=x'%[1]x' AND REFERENCED_TABLE_NAME=x'%[2]x')),"+
			" (SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA=x'%[1]x' AND TABLE_NAME=x'%[2]x' AND TABLE_TYPE='BASE TABLE')",
		first.Schema, t.Name), false)
	switch {
	case err != nil:
		return err
	case len(res.Rows) != 1 || string(res.Rows[0][2]) != "1":
		return plan.NeedsStage(m.what + " of a table with system versioning")
	case string(res.Rows[0][0]) != "0": // asked for here, with the rows locked: nobody makes one now
		return plan.NeedsStage(m.what + " of a table with triggers, which would see a DELETE and an INSERT")
	case string(res.Rows[0][1]) != "0":
		return plan.NeedsStage(m.what + " of a table with foreign keys")
	}
	return nil
}

// row changes a row.
func (m *mover) row(ctx context.Context, n int) error {
	st, t := m.st, m.t
	cells := m.found.rows[n]
	from, err := m.r.foundOrdinal(ctx, st, t, m.to.f, m.found.cols[t.First():], cells[t.First():t.Cells()])
	if err != nil {
		return err
	}
	place, err := m.to.at(from)
	if err != nil {
		return err
	}
	where, limit, err := m.where(cells)
	if err != nil {
		return err
	}
	var values []string
	for i := range st.Plan.ByKey.Values {
		at := t.Cells() + i
		v, err := value.Literal(nil, &m.found.cols[at], cells[at])
		if err != nil {
			return err
		}
		values = append(values, string(v))
	}
	to, stored, unknown := m.target(ctx, cells)
	j := job{place: place, rows: []int{n}, part: st.change(st.forMoment(), 0, place, where, values, limit)}
	if err := m.run(ctx, &j); err != nil {
		m.jobs = append(m.jobs, j)
		return err
	}
	m.jobs = append(m.jobs, j)
	if matched := numbers(j.res.info); t.All && (len(matched) == 0 || matched[0] != 1) {
		return errorf(wire.ErUnknown, "a row of '%s.%s' was not found again", m.table.DB, m.table.Name)
	}
	switch {
	case unknown != nil: // MariaDB takes the value all the same
		return unknown
	case to == from:
		return nil
	}
	return m.move(ctx, place, to, stored.values)
}

// where finds a row. Of several that are alike one is changed, no matter which: those that are found again later are as many as there were.
func (m *mover) where(cells [][]byte) (where []byte, limit string, err error) {
	if m.t.All {
		text, err := alikeText(cells[0])
		if err != nil {
			return nil, "", err
		}
		one := &alikeRows{}
		if one.near, err = nearby(m.t, m.found.cols[m.t.First():], cells[m.t.First():]); err != nil {
			return nil, "", err
		}
		return m.t.WhereTexts([]string{text}, near(m.t, []*alikeRows{one})), "1", nil
	}
	key, _, err := keyCondition(m.t, m.found.cols, cells[:len(m.t.Key)])
	return whereKeys(m.t, [][]byte{key}), "", err
}

// target is the partition where a row is to be, and the values of its shard key.
func (m *mover) target(ctx context.Context, cells [][]byte) (int, storedKey, error) {
	st, t := m.st, m.t
	moves := st.Plan.ByKey.Moves
	exprs := make([]string, len(t.Table.ShardKey))
	for k, c := range t.Table.ShardKey {
		at := t.First() + slices.Index(t.Key, c)
		if i := slices.IndexFunc(moves, func(v plan.KeyValue) bool { return v.Column == c }); i >= 0 {
			at = len(m.found.cols) - len(moves) + i
		}
		lit, err := value.Literal(nil, &m.found.cols[at], cells[at])
		if err != nil {
			return 0, storedKey{}, err
		}
		exprs[k] = string(lit)
	}
	return m.r.storedPlace(ctx, st, t.Table, m.to.f, exprs, false, 0)
}

// move takes the row with these values of the shard key to its partition.
func (m *mover) move(ctx context.Context, from txn.Place, ordinal int, stored [][]byte) error {
	t := m.table
	to, err := m.to.at(ordinal)
	if err != nil {
		return err
	}
	where := []byte(" WHERE ")
	for k, c := range t.ShardKey {
		if k > 0 {
			where = append(where, " AND "...)
		}
		where = append(append(plan.AppendQuoted(where, t.Columns[c].Name), "<=>"...), comparable(stored[k], &t.Columns[c])...)
	}
	columns, text, err := m.read(ctx, from, where)
	if err != nil {
		return err
	}
	gone := job{place: from, part: part{sql: fmt.Appendf(nil, "DELETE FROM %s%s", m.named(from), where)}}
	if err := m.run(ctx, &gone); err != nil {
		return err
	}
	if gone.res.ok.AffectedRows != 1 {
		return errorf(wire.ErUnknown, "a row of '%s.%s' that moves to another partition was not found", t.DB, t.Name)
	}
	come := job{place: to, part: part{sql: fmt.Appendf(nil, "%sINSERT INTO %s (%s) VALUES (%s)", moving, m.named(to), columns, text)}}
	if err := m.run(ctx, &come); err != nil {
		return err
	}
	if come.res.ok.Warnings > 0 {
		return plan.NeedsStage(m.what + " of a row that can't be written again as it is")
	}
	if a := t.AutoIncrement; a >= 0 {
		if k := slices.Index(t.ShardKey, a); k >= 0 && slices.Contains(m.columns, a) {
			if u, err := strconv.ParseUint(string(stored[k]), 10, 64); err == nil && u > 0 && t.Numbered() {
				return m.r.cfg.Sequences.Observe(ctx, t, u)
			}
		}
	}
	return nil
}

// read reads a row as the columns and values of an INSERT.
func (m *mover) read(ctx context.Context, from txn.Place, where []byte) (columns, values []byte, err error) {
	t := m.table
	sql, kinds := []byte(moving+"SELECT "), make([]movedKind, 0, len(t.Columns))
	for i := range t.Columns {
		col := &t.Columns[i]
		if col.Generated {
			continue
		}
		kind, ok := movedAs(col)
		if !ok {
			return nil, nil, plan.NeedsStage(m.what + " of a table with the column '" + col.Name + "' of type " + col.Type)
		}
		if len(kinds) > 0 {
			sql, columns = append(sql, ','), append(columns, ',')
		}
		name := plan.AppendQuoted(nil, col.Name)
		columns = append(columns, name...)
		sql = fmt.Appendf(sql, kind.read, name)
		kinds = append(kinds, kind)
	}
	sql = append(fmt.Appendf(sql, " FROM %s", m.named(from)), where...)
	row, err := m.ask(ctx, from, string(sql))
	if err != nil {
		return nil, nil, err
	}
	for i, cell := range row {
		if i > 0 {
			values = append(values, ',')
		}
		if cell == nil {
			values = append(values, "NULL"...)
			continue
		}
		values = fmt.Appendf(values, kinds[i].write, cell)
	}
	return columns, values, nil
}

// ask is a query at a place, in the statement's transaction, for one row.
func (m *mover) ask(ctx context.Context, at txn.Place, sql string) ([][]byte, error) {
	c, err := m.g.Conn(ctx, at)
	if err != nil {
		return nil, m.st.unconnected(at, err)
	}
	res, err := c.Query(ctx, sql)
	var refused *wire.ServerError
	if errors.As(err, &refused) {
		if err := m.g.Done(c, nil); err != nil {
			return nil, m.st.at(at, err)
		}
		return nil, err
	}
	if err := m.g.Done(c, err); err != nil {
		return nil, m.st.at(at, err)
	}
	if len(res.Rows) != 1 {
		return nil, errorf(wire.ErUnknown, "of a row of '%s.%s' that moves to another partition there are %d", m.table.DB, m.table.Name, len(res.Rows))
	}
	return res.Rows[0], nil
}

// movedKind says how a column's value is read as text and written again, exactly.
type movedKind struct{ read, write string }

func movedAs(c *topo.Column) (movedKind, bool) {
	switch c.Type {
	case "tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "year", "double":
		return movedKind{"%s", "%s"}, true
	case "float": // whose text is rounded
		return movedKind{"CAST(%s AS DOUBLE)", "%s"}, true
	case "bit", "enum", "set":
		return movedKind{"%s+0", "%s"}, true
	case "date", "time", "datetime", "timestamp":
		return movedKind{"%s", "'%s'"}, true
	case "uuid", "inet6", "inet4":
		return movedKind{"HEX(CAST(%s AS CHAR CHARACTER SET " + wideCharset + "))", "_" + wideCharset + " x'%s'"}, true
	case "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob",
		"geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geometrycollection":
		return movedKind{"HEX(%s)", "x'%s'"}, true
	}
	if c.Charset != "" {
		return movedKind{"HEX(%s)", "_" + c.Charset + " x'%s'"}, true
	}
	return movedKind{}, false
}

// comparable is a stored value of the shard key as SQL to be compared with its column.
func comparable(text []byte, c *topo.Column) string {
	switch c.Type {
	case "tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "year":
		if text != nil {
			return string(text)
		}
	}
	return storedLiteral(text, c)
}

func (m *mover) named(p txn.Place) []byte {
	return plan.AppendQuoted(append(plan.AppendQuoted(nil, p.Schema), '.'), m.table.Name)
}

// run runs a statement of its own, of which there may be no parameters but the client's.
func (m *mover) run(ctx context.Context, j *job) error {
	if err := m.st.room(j.place); err != nil {
		return err
	}
	return m.r.run1(ctx, m.st, m.g, j)
}
