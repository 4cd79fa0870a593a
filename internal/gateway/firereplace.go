package gateway

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/compound"
	"github.com/orbweaver/orbweaver/internal/sqltext"
)

// REPLACE and ON DUPLICATE KEY UPDATE fire triggers of rows that are there already. Which they are is known by trying (firetrial.go): the rows that the statement would leave tell the keys, by which those are
// found that are there before.

// replacesPlainly says whether such a statement does the same when it is run again, and its rows are found by their keys.
func (f *firing) replacesPlainly() error {
	in, t := f.stmt.Insert, f.of.Table
	what := "by INSERT … ON DUPLICATE KEY UPDATE"
	if in.Replace {
		what = "by REPLACE"
	}
	switch key := f.key(); {
	case in.Select != nil || in.Ignore || in.Delayed || !in.Returning.Empty() || !in.Partition.Empty():
		return f.unfit(what + " of a query's rows, or with IGNORE, DELAYED, PARTITION (…) or RETURNING: write rows of VALUES")
	case key == nil:
		return f.unfit(what + ", as the table has no PRIMARY KEY that its rows could be found by")
	case f.early("INSERT") || !in.Replace && f.early("UPDATE"):
		return f.unfit(what + ", as a trigger is BEFORE that: look whether the row is there, FOR UPDATE, and INSERT or UPDATE it")
	case f.w.scan.Tells(f.stmt.Span, sqltext.HasNondeterministic|sqltext.HasSequence):
		return f.unfit(what + " of values that differ each time: SET variables to them before")
	default:
		for i := range in.OnDup {
			if c := t.Column(in.OnDup[i].Column.Name.Text); slices.Contains(key, c) || slices.Contains(t.ShardKey, c) {
				return f.unfit(what + " of column '" + t.Columns[c].Name + "', by which its rows are found")
			}
		}
	}
	return nil
}

// replace runs such a statement.
func (f *firing) replace(ctx context.Context, out *held, before lastStatement) error {
	s, t, in, key := f.s, f.of.Table, f.stmt.Insert, f.key()
	columns := slices.Clone(key)
	for _, k := range t.Unique {
		for _, c := range k {
			if !slices.Contains(columns, c) {
				columns = append(columns, c)
			}
		}
	}
	items, err := f.items(columns)
	if err != nil {
		return err
	}
	got, to := &capture{caps: s.out.Caps()}, f.stmt.Span.To
	tried, err := f.try(ctx, slices.Clone(apply(&f.w.scan, []edit{{to, to, " RETURNING " + items}})), got, func(*trial) error { return nil })
	if err != nil {
		return err
	}
	values, err := f.values(got, columns, 0)
	if err != nil {
		return err
	}
	numbered := tried.told.Generated && slices.Contains(key, t.AutoIncrement)
	met := &found{}
	olds := make([][]firedRow, len(values))
	there, gone := 0, map[string]bool{}
	for i, row := range values {
		k := f.keyOf(key, row)
		if slices.Contains(met.keys, k) {
			return f.unfit("by a statement that writes a row twice: write them one by one")
		}
		met.keys, met.rows = append(met.keys, k), append(met.rows, firedRow{})
		if olds[i], err = f.there(ctx, row); err != nil {
			return err
		}
		there += len(olds[i])
		for _, o := range olds[i] {
			k := f.keyOf(key, o.old)
			if gone[k] {
				return f.unfit("by a statement of which several rows meet the same one: write them one by one")
			}
			gone[k] = true
		}
	}
	switch {
	case numbered && len(values) > 1:
		return f.unfit("of several rows whose AUTO_INCREMENT values are not given: write them one by one")
	case f.mixed != "" && (len(values) > 1 || in.Replace && there > 0):
		return f.unfit("of rows that are there already, or several, " + f.mixed)
	}
	for _, old := range olds {
		if in.Replace {
			err = f.fire(ctx, "BEFORE", "DELETE", old, before)
		}
		if err != nil {
			return err
		}
	}
	s.last, s.warnings = before, s.warnings[:0]
	told, err := f.run(ctx, f.w.scan.Src[:f.w.scan.End], out)
	if err != nil {
		return err
	}
	if numbered && len(olds[0]) == 0 {
		at := t.AutoIncrement
		if values[0][at], err = compound.Stored(declaredAs(&t.Columns[at]), strconv.AppendUint(nil, told.InsertID, 10), "", ""); err != nil {
			return err
		}
		met.keys[0] = f.keyOf(key, values[0])
	}
	if n, old := uint64(len(values)), uint64(there); in.Replace && told.Affected != n+old || told.Affected+old < n || told.Affected > n+old {
		return f.unfit("of rows that others write meanwhile: do it again")
	}
	if err := f.afterwards(ctx, met, f.columns(false)); err != nil {
		return err
	}
	return f.replaced(ctx, met, olds, before)
}

// replaced fires the triggers after that.
func (f *firing) replaced(ctx context.Context, met *found, olds [][]firedRow, before lastStatement) (err error) {
	s := f.s
	last := s.last
	for i := range met.rows {
		row := met.rows[i : i+1]
		switch {
		case f.stmt.Insert.Replace:
			if err = f.fire(ctx, "AFTER", "DELETE", olds[i], before); err == nil {
				err = f.fire(ctx, "AFTER", "INSERT", row, before)
			}
		case len(olds[i]) > 0:
			row[0].old = olds[i][0].old
			err = f.fire(ctx, "AFTER", "UPDATE", row, before)
		default:
			err = f.fire(ctx, "AFTER", "INSERT", row, before)
		}
		if err != nil {
			return err
		}
	}
	s.last = last
	return nil
}

// there finds and locks the rows that have a unique key of one that is written; of ON DUPLICATE KEY UPDATE it is known which of them that is.
func (f *firing) there(ctx context.Context, row []compound.Value) (rows []firedRow, err error) {
	t, columns := f.of.Table, f.columns(true)
	for _, c := range f.key() {
		if !slices.Contains(columns, c) {
			columns = append(columns, c)
		}
	}
	items, err := f.items(columns)
	if err != nil {
		return nil, err
	}
	keys := t.Unique
	if !f.stmt.Insert.Replace {
		keys = [][]int{f.key()}
	}
	var where []string
	for _, key := range keys {
		var terms []string
		for _, c := range key {
			terms = append(terms, quoteName(t.Columns[c].Name)+" = "+row[c].Literal()) // NULL is equal to none
		}
		where = append(where, strings.Join(terms, " AND "))
	}
	got := &capture{caps: f.s.out.Caps()}
	text := "SELECT " + items + " FROM " + quoteName(t.DB) + "." + quoteName(t.Name) + " WHERE " + strings.Join(where, " OR ") + " FOR UPDATE"
	if err := f.s.rewritten(ctx, []byte(text), source{out: got, limited: true}); err != nil {
		return nil, err
	}
	old, err := f.values(got, columns, 0)
	for _, o := range old {
		rows = append(rows, firedRow{old: o})
	}
	return rows, err
}
