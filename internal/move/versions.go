package move

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/orbweaver/orbweaver/internal/backend"
)

const (
	// Versioned is the TABLE_TYPE of tables with system versioning.
	Versioned = "SYSTEM VERSIONED"
	// InsertHistory lets a session say when rows began and ended.
	InsertHistory = "system_versioning_insert_history=1"
)

// History is what a table with system versioning has besides rows: all their versions are copied, each with the time for which it held. CHECKSUM TABLE sums up all of them, and
// their times.
type History struct {
	Start, End string // the columns with the time, which may be hidden
	// Parts are the partitions of a table to whose history partitions rows go by number (LIMIT): no value says where a version is, so that they are copied one after the other, into the same.
	Parts []string
}

// ErrVersions: a table's versions are of a kind that nothing can write as they are.
var ErrVersions = errors.New("its versions can't be copied")

// HistoryOf finds out how the versions of a table with system versioning are read and written. Versions that are counted by transactions are ErrVersions.
func HistoryOf(ctx context.Context, c *backend.Conn, schema, table string) (*History, error) {
	where := " WHERE TABLE_SCHEMA = " + lit(schema) + " AND TABLE_NAME = " + lit(table)
	res, err := run(ctx, c, "SELECT COLUMN_NAME, DATA_TYPE, GENERATION_EXPRESSION FROM information_schema.COLUMNS"+where+" AND IS_GENERATED <> 'NEVER' AND GENERATION_EXPRESSION IN ('ROW START', 'ROW END')")
	if err != nil {
		return nil, err
	}
	h := &History{Start: "row_start", End: "row_end"}
	for _, row := range res.Rows {
		if !strings.EqualFold(string(row[1]), "timestamp") {
			return nil, fmt.Errorf("table %s.%s: %w: they are counted by transactions (%s %s)", schema, table, ErrVersions, row[0], row[1])
		}
		if string(row[2]) == "ROW START" {
			h.Start = string(row[0])
		} else {
			h.End = string(row[0])
		}
	}
	if res, err = run(ctx, c, "SELECT PARTITION_NAME, MAX(PARTITION_DESCRIPTION IS NULL) FROM information_schema.PARTITIONS"+where+
		" AND PARTITION_METHOD = 'SYSTEM_TIME' GROUP BY PARTITION_NAME ORDER BY MIN(PARTITION_ORDINAL_POSITION)"); err != nil {
		return nil, err
	}
	byNumber := false // by time, each but the last tells its end
	for _, row := range res.Rows {
		h.Parts, byNumber = append(h.Parts, string(row[0])), byNumber || string(row[1]) == "1"
	}
	if !byNumber {
		h.Parts = nil
	}
	return h, nil
}

// addHistory has a table's versions copied.
func (src *source) addHistory(ctx context.Context, t *table) (err error) {
	if t.history, err = HistoryOf(ctx, src.conn, src.schema, t.name); err == nil {
		t.columns = append(t.columns, column{name: t.history.Start}, column{name: t.history.End})
	}
	return err
}

// passage is a part of a table that is read, and written, by one statement.
type passage struct {
	of, where string // what stands behind the table's name, and behind that, to read it
	to        string // behind its name to write it
}

// everything is what stands behind a table's name to read all that is in it.
func (t *table) everything() string {
	if t.history == nil {
		return ""
	}
	return " FOR SYSTEM_TIME ALL"
}

// passages are a table in the order in which it has to be written. Versions that ended when they began are none of it: see instant.
func (t *table) passages() (out []passage) {
	if t.history == nil {
		return []passage{{}}
	}
	where := " WHERE " + id(t.history.Start) + " <> " + id(t.history.End)
	if len(t.history.Parts) == 0 {
		return []passage{{of: t.everything(), where: where}}
	}
	for _, name := range t.history.Parts {
		part := " PARTITION (" + id(name) + ")" // with FOR SYSTEM_TIME it is refused, and has all its versions without
		out = append(out, passage{of: part, where: where, to: part})
	}
	return out
}

// instant is a moment at which versions of a table began and ended.
type instant struct {
	rows   table  // the table without the times
	where  string // which versions they are
	second string // for @@timestamp
}

// instants are those of a table's versions that ended when they began, as those of a row that one trigger inserts and deletes. MariaDB refuses them in an INSERT that tells the times (1525), but
// keeps them where a row is deleted at the time at which it was inserted. So that is done, while no other row is there.
func (src *source) instants(ctx context.Context, t table) (out []instant, err error) {
	if t.history == nil {
		return nil, nil
	}
	start, end := id(t.history.Start), id(t.history.End)
	res, err := run(ctx, src.conn, "SELECT DISTINCT "+end+", UNIX_TIMESTAMP("+end+") FROM "+id(src.schema)+"."+id(t.name)+t.everything()+" WHERE "+start+" = "+end)
	if err != nil || len(res.Rows) == 0 {
		return nil, err
	}
	if len(t.history.Parts) > 0 {
		return nil, fmt.Errorf("%w: of those that ended when they began nobody could say in which partition they are", ErrVersions)
	}
	rows := t
	rows.columns = t.columns[:len(t.columns)-2]
	for _, row := range res.Rows {
		out = append(out, instant{rows, " WHERE " + start + " = " + end + " AND " + end + " = " + lit(string(row[0])), string(row[1])})
	}
	return out, nil
}

// then are statements that make a session's time the instant's, and its own again when it has deleted what it has inserted into the table to.
func (i *instant) then(to string) (before, after []string) {
	return []string{"SET SESSION timestamp=" + i.second}, []string{"DELETE FROM " + to, "SET SESSION timestamp=DEFAULT"}
}

// instants copies them into an empty table.
func (p *pump) instants(ctx context.Context, src *source, target *backend.Conn, t table) error {
	all, err := src.instants(ctx, t)
	if err != nil {
		return err
	}
	for _, i := range all {
		before, after := i.then(id(t.name))
		if _, err := run(ctx, target, before...); err != nil {
			return err
		}
		if err := p.pass(ctx, src, target, i.rows, passage{of: t.everything(), where: i.where}); err != nil {
			return err
		}
		if _, err := run(ctx, target, after...); err != nil {
			return err
		}
	}
	return nil
}

// columnList is the names of the columns that are written.
func (t *table) columnList() string {
	var names []string
	for _, c := range t.columns {
		names = append(names, id(c.name))
	}
	return strings.Join(names, ", ")
}

// replace are statements that give the table to all that the table from has. Who runs them makes a transaction of them.
func (t *table) replace(to, from string, instants []instant) []string {
	fill := []string{"DELETE FROM " + to}
	if t.history != nil {
		fill = append(fill, "DELETE HISTORY FROM "+to)
	}
	insert := func(t *table, p passage) string {
		return "INSERT INTO " + to + p.to + " (" + t.columnList() + ") SELECT " + t.columnList() + " FROM " + from + p.of + p.where
	}
	for _, i := range instants {
		before, after := i.then(to)
		fill = append(append(append(fill, before...), insert(&i.rows, passage{of: t.everything(), where: i.where})), after...)
	}
	for _, p := range t.passages() {
		fill = append(fill, insert(t, p))
	}
	return fill
}
