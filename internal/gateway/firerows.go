package gateway

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/compound"
	"github.com/orbweaver/orbweaver/internal/exec"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// mostByKey is how many rows a statement is bound to by their keys, and are asked for at once.
const mostByKey = 1000

// plainTable says whether rows of a table are meant as they are, all of them.
func plainTable(r *sqltext.TableRef) bool {
	return r.Table != nil && r.Partition.Empty() && r.SystemTime.Empty()
}

// target finds the one table that an UPDATE or DELETE writes, and whether others say of which rows.
func (f *firing) target(from []sqltext.TableRef) bool {
	s, t := f.s, f.of.Table
	snap := s.topology()
	var it *sqltext.TableRef
	var all []*sqltext.TableRef
	plain, found := true, 0
	sqltext.WalkTables(from, func(r *sqltext.TableRef) {
		if r.Table == nil {
			plain = plain && (r.Join != nil || len(r.Nested) > 0)
			return
		}
		if k := s.keyOf(r.Table); k.db == t.DB && k.table == t.Name {
			it = r
			found++
		} else {
			all = append(all, r)
		}
		plain = plain && plainTable(r)
	})
	if it == nil || found != 1 || !plain {
		return false
	}
	name := it.Table.Name.Text
	if it.Alias.Tok >= 0 {
		name = it.Alias.Text
	}
	if f.joined = len(all) > 0 || f.stmt.Delete != nil && f.stmt.Delete.Multi; !f.joined {
		return true
	}
	f.named = quoteName(name) + "."
	_, _, order, limit := f.clauses()
	if f.key() == nil || !order.Empty() || limit != nil {
		return false
	}
	if d := f.stmt.Delete; d != nil {
		return d.Targets[0].Name.Text == name && d.Returning.Empty()
	}
	for i := range f.stmt.Update.Set { // other tables are not written
		c := &f.stmt.Update.Set[i].Column
		if c.Table.Tok >= 0 {
			if c.Table.Text != name {
				return false
			}
			continue
		}
		for _, r := range all {
			k := s.keyOf(r.Table)
			if o := snap.Table(k.db, k.table); o == nil || o.Column(c.Name.Text) >= 0 {
				return false
			}
		}
	}
	return true
}

// deleteIgnores says whether a DELETE has IGNORE.
func deleteIgnores(scan *sqltext.Scan, stmt *sqltext.Stmt) bool {
	for i := stmt.Span.From; i < stmt.Span.To && !isWord(scan, i, "FROM"); i++ {
		if isWord(scan, i, "IGNORE") {
			return true
		}
	}
	return false
}

// columns are those of the row that the triggers name.
func (f *firing) columns(old bool) (out []int) {
	for i := range f.programs {
		for _, c := range f.programs[i].row {
			if c.Old == old && !slices.Contains(out, c.Column) {
				out = append(out, c.Column)
			}
		}
	}
	return out
}

// items ask for the values of columns.
func (f *firing) items(columns []int) (string, error) { return f.itemsOf(f.named, columns) }

// itemsOf asks so by a name of the table, with a dot.
func (f *firing) itemsOf(named string, columns []int) (string, error) {
	var out []string
	for _, i := range columns {
		c := &f.of.Table.Columns[i]
		item := compound.Asked(declaredAs(c), named+quoteName(c.Name))
		if item == "" {
			return "", f.unfit("and names column '" + c.Name + "', which is of type " + c.Type)
		}
		out = append(out, item)
	}
	if len(out) == 0 {
		return "1", nil
	}
	return strings.Join(out, ", "), nil
}

// values are the rows of an answer to such items, the first of which is at a place.
func (f *firing) values(got *capture, columns []int, from int) ([][]compound.Value, error) {
	t := f.of.Table
	out := make([][]compound.Value, len(got.rows))
	for n, row := range got.rows {
		out[n] = make([]compound.Value, len(t.Columns))
		for k, i := range columns {
			c := &t.Columns[i]
			v, err := compound.Stored(declaredAs(c), row[from+k], c.Charset, c.Collation)
			if err != nil {
				return nil, err
			}
			out[n][i] = v
		}
	}
	return out, nil
}

// key is the unique key by which rows are found again; nil where the table has none.
func (f *firing) key() []int {
	t := f.of.Table
	for _, key := range t.Unique {
		if len(key) > 0 && !slices.ContainsFunc(key, func(i int) bool {
			c := &t.Columns[i]
			return c.Nullable || c.Type == "float" || c.Type == "double" || c.Type == "timestamp" || c.Generated || c.Ambiguous()
		}) {
			return key
		}
	}
	return nil
}

// updatesKey refuses an UPDATE of what its rows are found by again.
func (f *firing) updatesKey() error {
	t, key := f.of.Table, f.key()
	if key == nil {
		return f.unfit("by UPDATE, as the table has no PRIMARY KEY that its rows could be found by afterwards")
	}
	for i := range f.stmt.Update.Set {
		if c := t.Column(f.stmt.Update.Set[i].Column.Name.Text); slices.Contains(key, c) || slices.Contains(t.ShardKey, c) {
			return f.unfit("by UPDATE of column '" + t.Columns[c].Name + "', by which its rows are found: INSERT the row anew, and DELETE the old one")
		}
	}
	return nil
}

// found are the rows that an UPDATE or DELETE meets.
type found struct {
	rows []firedRow
	// keys are the values of the rows' keys, which are all different; nil where there is no key.
	keys []string
}

// change runs an UPDATE or DELETE: its rows are found before.
func (f *firing) change(ctx context.Context, out *held, before lastStatement) error {
	met, err := f.find(ctx)
	if err != nil {
		return err
	}
	if f.mixed != "" && len(met.rows) > 1 {
		return f.changeEach(ctx, met, out, before)
	}
	_, err = f.changeRows(ctx, met, out, before)
	return err
}

// changeEach changes rows one by one, each with its triggers.
func (f *firing) changeEach(ctx context.Context, met *found, out *held, before lastStatement) error {
	s := f.s
	if met.keys == nil || f.stmt.Delete != nil && !f.stmt.Delete.Returning.Empty() {
		return f.single(len(met.rows))
	}
	var affected, changed uint64
	var warnings []exec.Note
	for i := range met.rows {
		told, err := f.changeRows(ctx, &found{met.rows[i : i+1], met.keys[i : i+1]}, &held{Output: discard{s}}, before)
		if err != nil {
			return err
		}
		affected += told.Affected
		changed += secondNumber(told.Info)
		warnings = append(warnings, s.warnings...)
	}
	s.warnings = warnings
	s.last.rowCount = int64(affected)
	ok := wire.OK{AffectedRows: affected, Warnings: s.warningCount()}
	if f.stmt.Update != nil {
		ok.Info = updated(len(met.rows), changed, len(warnings))
	}
	return s.okTo(source{out: out}, ok)
}

// changeRows changes rows that were found, and fires their triggers.
func (f *firing) changeRows(ctx context.Context, met *found, out *held, before lastStatement) (told exec.Outcome, err error) {
	s, event := f.s, "DELETE"
	if f.stmt.Update != nil {
		event = "UPDATE"
	}
	if event == "DELETE" {
		if err := f.fire(ctx, "BEFORE", event, met.rows, before); err != nil {
			return told, err
		}
	}
	s.warnings = s.warnings[:0]
	text, err := f.bound(met)
	if err != nil {
		return told, err
	}
	text = slices.Clone(text)
	var set []int
	var tried *trial
	if f.early("UPDATE") && len(met.rows) > 0 && event == "UPDATE" {
		if set, tried, err = f.updateEarly(ctx, text, met, before); err != nil {
			return told, err
		}
	}
	if tried != nil {
		told, err = f.writeRows(ctx, met, set, tried, out)
	} else {
		told, err = f.run(ctx, text, out)
	}
	if err != nil {
		return told, err
	}
	changed := told.Affected
	if told.HasRows {
		changed = told.Rows
	}
	if event == "UPDATE" {
		if changed = firstNumber(told.Info); len(met.rows) > 0 {
			if err := f.afterwards(ctx, met, f.columns(false)); err != nil {
				return told, err
			}
		}
	}
	if changed != uint64(len(met.rows)) {
		return told, f.unfit("of rows that others write meanwhile: do it again")
	}
	last := s.last
	last.foundRows, last.uncounted = before.foundRows, before.uncounted
	err = f.fire(ctx, "AFTER", event, met.rows, before)
	s.last = last
	return told, err
}

// clauses are the condition, ORDER BY and LIMIT of an UPDATE or DELETE.
func (f *firing) clauses() (table, where, order sqltext.Span, limit *sqltext.Limit) {
	if u := f.stmt.Update; u != nil {
		return sqltext.Span{From: u.From[0].Span.From, To: u.From[len(u.From)-1].Span.To}, u.WhereSpan, u.OrderSpan, u.Limit
	}
	d := f.stmt.Delete
	return sqltext.Span{From: d.From[0].Span.From, To: d.From[len(d.From)-1].Span.To}, d.WhereSpan, d.OrderSpan, d.Limit
}

// find finds and locks the rows of an UPDATE or DELETE, in its order, else in that of their key.
func (f *firing) find(ctx context.Context) (*found, error) {
	s, t, scan, key := f.s, f.of.Table, &f.w.scan, f.key()
	table, where, order, limit := f.clauses()
	for _, span := range []sqltext.Span{table, where, order} {
		if scan.Tells(span, sqltext.HasNondeterministic|sqltext.HasSequence) {
			return nil, f.unfit("whose condition or ORDER BY may have another value each time")
		}
	}
	columns, apart := f.columns(true), f.joined || key != nil && f.stmt.Facts&sqltext.HasSubquery != 0
	if apart {
		columns = nil
	}
	items, err := f.items(slices.Concat(key, columns))
	if err != nil {
		return nil, err
	}
	condition := scan.AppendSpan(nil, where)
	if apart && !f.own {
		if condition, err = f.sharing(where); err != nil {
			return nil, err
		}
	}
	text := slices.Concat([]byte("SELECT "+items+" FROM "), scan.AppendSpan(nil, table), []byte(" "), condition, []byte(" "), scan.AppendSpan(nil, order))
	if order.Empty() && limit == nil && key != nil {
		text = append(text, f.byKey()...)
	}
	if limit != nil {
		text = append(append(text, ' '), scan.AppendSpan(nil, limit.Span)...)
	}
	switch {
	case !apart:
		text = append(text, " FOR UPDATE"...)
	case !f.own:
		text = append(text, inShare...)
	}
	got := &capture{caps: s.out.Caps()}
	if err := s.rewritten(ctx, text, source{out: got, limited: true}); err != nil {
		return nil, err
	}
	met, err := f.met(got, key, columns)
	if err != nil || !apart || len(met.rows) == 0 {
		return met, err
	}
	// The rows of the other tables are not to be locked against what the statement itself does with them.
	if len(met.keys) > mostByKey {
		return nil, f.unfit("with a subquery or other tables, of " + strconv.Itoa(len(met.keys)) + " rows at once: do it for fewer rows")
	}
	columns = f.columns(true)
	if items, err = f.itemsOf("", slices.Concat(key, columns)); err != nil {
		return nil, err
	}
	got = &capture{caps: s.out.Caps()}
	sql := "SELECT " + items + " FROM " + quoteName(t.DB) + "." + quoteName(t.Name) + " WHERE " + f.keyed("", met.keys) + " FOR UPDATE"
	if err := s.rewritten(ctx, []byte(sql), source{out: got, limited: true}); err != nil {
		return nil, err
	}
	locked, err := f.met(got, key, columns)
	if err != nil {
		return nil, err
	}
	in := &found{}
	for _, k := range met.keys { // in the client's order; some may be gone
		if at := slices.Index(locked.keys, k); at >= 0 {
			in.keys, in.rows = append(in.keys, k), append(in.rows, locked.rows[at])
		}
	}
	return in, nil
}

// inShare has a query read what is there now, as an UPDATE or DELETE does: the snapshot of a transaction may lack what others have written.
const inShare = " LOCK IN SHARE MODE"

// sharing is a condition whose subqueries do so.
func (f *firing) sharing(where sqltext.Span) (text []byte, err error) {
	scan, ends := &f.w.scan, []int32{}
	is := func(i int32, op uint32) bool { return scan.Tokens[i].Kind == sqltext.Op && scan.Tokens[i].Op == op }
	from := where.From
	for i := where.From; i < where.To; i++ {
		switch {
		case is(i, '('):
			ends = append(ends, 0)
			if isWord(scan, i+1, "SELECT") {
				ends[len(ends)-1] = i
			}
		case is(i, ')') && len(ends) > 0:
			if ends[len(ends)-1] > 0 {
				text = append(scan.AppendSpan(text, sqltext.Span{From: from, To: i}), inShare...)
				from = i
			}
			ends = ends[:len(ends)-1]
		case isWord(scan, i, "UNION"), isWord(scan, i, "EXCEPT"), isWord(scan, i, "INTERSECT"), isWord(scan, i, "WITH"), isWord(scan, i, "LOCK"), isWord(scan, i, "FOR"):
			return nil, f.unfit("in a transaction, with a subquery of several queries, or one that locks: find the keys of its rows before")
		}
	}
	return scan.AppendSpan(text, sqltext.Span{From: from, To: where.To}), nil
}

// byKey is ORDER BY of the key.
func (f *firing) byKey() string {
	by := " ORDER BY "
	for n, i := range f.key() {
		if n > 0 {
			by += ", "
		}
		by += f.named + quoteName(f.of.Table.Columns[i].Name)
	}
	return by
}

// met are the rows that an answer tells of.
func (f *firing) met(got *capture, key, columns []int) (*found, error) {
	met := &found{}
	old, err := f.values(got, slices.Concat(key, columns), 0)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for i := range old {
		if k := f.keyOf(key, old[i]); key != nil {
			if seen[k] && f.joined { // beside several rows of the others
				continue
			}
			if seen[k] {
				return nil, wire.Errorf(wire.ErUnknown, "a key was met twice")
			}
			seen[k] = true
			met.keys = append(met.keys, k)
		}
		met.rows = append(met.rows, firedRow{old: old[i]})
	}
	return met, nil
}

// keyOf is a row's key, as a list in IN has it.
func (f *firing) keyOf(key []int, row []compound.Value) string {
	var all []string
	for _, i := range key {
		all = append(all, row[i].Literal())
	}
	if len(all) == 1 {
		return all[0]
	}
	return "(" + strings.Join(all, ", ") + ")"
}

// keyed is the condition that rows of a table, by the name that stands before its columns, have one of some keys.
func (f *firing) keyed(of string, keys []string) string {
	var names []string
	for _, i := range f.key() {
		names = append(names, of+quoteName(f.of.Table.Columns[i].Name))
	}
	name := names[0]
	if len(names) > 1 {
		name = "(" + strings.Join(names, ", ") + ")"
	}
	return name + " IN (" + strings.Join(keys, ", ") + ")"
}

// bound is the statement for the rows that were found, and no others: a subquery in its condition, or LIMIT, might find others by now.
func (f *firing) bound(met *found) ([]byte, error) {
	scan := &f.w.scan
	_, where, _, limit := f.clauses()
	n := len(met.rows)
	switch {
	case n > 0 && n <= mostByKey && met.keys != nil:
		if where.Empty() {
			at := f.stmt.Span.To
			if o := f.orderPoint(); o >= 0 {
				at = o
			}
			return apply(scan, []edit{{at, at, " WHERE " + f.keyed(f.named, met.keys) + " "}}), nil
		}
		return apply(scan, []edit{{where.From + 1, where.From + 1, " ("}, {where.To, where.To, ") AND " + f.keyed(f.named, met.keys)}}), nil
	case n > 0 && (limit != nil || f.joined || f.stmt.Facts&sqltext.HasSubquery != 0):
		return nil, f.unfit("with LIMIT, a subquery or other tables, of " + strconv.Itoa(n) + " rows at once: do it for fewer rows")
	}
	return scan.Src[:scan.End], nil
}

// orderPoint is where ORDER BY, LIMIT or RETURNING begins; -1 for none.
func (f *firing) orderPoint() int32 {
	_, _, order, limit := f.clauses()
	switch {
	case !order.Empty():
		return order.From
	case limit != nil:
		return limit.Span.From
	case f.stmt.Delete != nil && !f.stmt.Delete.Returning.Empty():
		return f.stmt.Delete.Returning.From
	}
	return -1
}

// afterwards reads the new values of rows that were updated.
func (f *firing) afterwards(ctx context.Context, met *found, columns []int) error {
	s, t, key := f.s, f.of.Table, f.key()
	if len(columns) == 0 {
		return nil
	}
	items, err := f.itemsOf("", slices.Concat(key, columns))
	if err != nil {
		return err
	}
	at := map[string]int{}
	for i, k := range met.keys {
		at[k] = i
	}
	warnings := slices.Clone(s.warnings)
	last := s.last
	for i := range met.rows {
		met.rows[i].new = nil
	}
	for some := range slices.Chunk(met.keys, mostByKey) {
		got := &capture{caps: s.out.Caps()}
		text := "SELECT " + items + " FROM " + quoteName(t.DB) + "." + quoteName(t.Name) + " WHERE " + f.keyed("", some) + " FOR UPDATE"
		if err := s.rewritten(ctx, []byte(text), source{out: got, limited: true}); err != nil {
			return err
		}
		rows, err := f.values(got, slices.Concat(key, columns), 0)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if n, ok := at[f.keyOf(key, row)]; ok {
				met.rows[n].new = row
			}
		}
	}
	s.warnings, s.last = warnings, last
	for i := range met.rows {
		if met.rows[i].new == nil {
			return f.unfit("whose rows are not found by their key afterwards: UPDATE other columns than those")
		}
	}
	return nil
}
