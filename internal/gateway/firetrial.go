package gateway

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/compound"
	"github.com/orbweaver/orbweaver/internal/exec"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// What a BEFORE trigger sees of a row, and may change, is known only by writing the row. So that is tried, and taken back to a savepoint: the triggers find all as it was before. Then the rows are written
// with the values that were found, or set.

// trial is what was told of a statement that was taken back.
type trial struct {
	told     exec.Outcome
	last     lastStatement
	warnings []exec.Note
}

// early says whether there is a BEFORE trigger for an event.
func (f *firing) early(event string) bool {
	return slices.ContainsFunc(f.of.Triggers, func(tr *topo.Trigger) bool { return tr.Timing == "BEFORE" && tr.Event == event })
}

// try runs the statement, and takes it back once seen has looked.
func (f *firing) try(ctx context.Context, text []byte, out exec.Output, seen func(*trial) error) (*trial, error) {
	s := f.s
	if f.assigns {
		return nil, f.unfit("beside a trigger at partitions that sets user variables")
	}
	h, name := &programHost{s: s}, quoteName("orbweaver trial "+strconv.Itoa(len(s.functions)))
	last := s.last
	if err := h.one(ctx, "SAVEPOINT "+name, source{out: discard{s}}); err != nil {
		return nil, err
	}
	s.last = last
	told, err := f.run(ctx, text, out)
	if err != nil {
		return nil, err
	}
	tried := &trial{told, s.last, slices.Clone(s.warnings)}
	if err := seen(tried); err != nil {
		return nil, err
	}
	for _, sql := range []string{"ROLLBACK TO " + name, "RELEASE SAVEPOINT " + name} {
		if err := h.one(ctx, sql, source{out: discard{s}}); err != nil {
			return nil, err
		}
	}
	s.last = last
	return tried, nil
}

// partOut gives the client what it has asked for of an answer whose last columns are for triggers.
type partOut struct {
	edited
	all  *capture
	less int
	defs int
}

// Packet follows the packets of an answer.
func (o *partOut) Packet(p []byte) error {
	began, rows := o.all.n > 0, len(o.all.rows)
	if err := o.all.Packet(p); err != nil {
		return err
	}
	switch {
	case !began && o.all.n > 0:
		o.n = o.all.n - o.less
		return o.Output.Packet(wire.AppendColumnCount(nil, o.Caps(), o.n))
	case began && o.defs < o.all.n:
		if o.defs++; o.defs > o.n {
			return nil
		}
		o.types = append(o.types, o.all.cols[o.defs-1].Type)
	case len(o.all.rows) > rows:
		whole := edited{prepared: o.prepared, n: o.all.n}
		for i := range o.all.cols {
			whole.types = append(whole.types, o.all.cols[i].Type)
		}
		values, err := whole.split(p)
		if err != nil {
			return err
		}
		return o.Output.Packet(o.join(values[:o.n]))
	}
	return o.Output.Packet(p)
}

// insertEarly runs an INSERT with BEFORE triggers, or one whose rows are to be written one by one.
func (f *firing) insertEarly(ctx context.Context, out *held, before lastStatement) error {
	s, t := f.s, f.of.Table
	var columns []int
	for i := range t.Columns {
		if !t.Columns[i].Generated {
			columns = append(columns, i)
		}
	}
	items, err := f.items(columns)
	if err != nil {
		return err
	}
	if f.partsEarly {
		return f.unfit("of several rows, " + f.mixed + ", with a BEFORE INSERT trigger at partitions: write them one by one")
	}
	got, at, given := &capture{caps: s.out.Caps()}, sqltext.Span{From: f.stmt.Span.To, To: f.stmt.Span.To}, ""
	if in := f.stmt.Insert; !in.Returning.Empty() {
		at, given = in.Returning, string(f.w.scan.AppendSpan(nil, sqltext.Span{From: in.Returning.From + 1, To: in.Returning.To}))+", "
	}
	tried, err := f.try(ctx, slices.Clone(apply(&f.w.scan, []edit{{at.From, at.To, " RETURNING " + items}})), got, func(*trial) error { return nil })
	if err != nil {
		return err
	}
	values, err := f.values(got, columns, 0)
	if err != nil {
		return err
	}
	if len(values) == 0 {
		return f.insert(ctx, out, before)
	}
	rows := make([]firedRow, len(values))
	for i := range values {
		rows[i].new = values[i]
	}
	if err := f.certain(rows, columns); err != nil && !s.sess.Strict { // which takes members only
		return err
	}
	text := func(some []firedRow) func(string) []byte {
		return func(items string) []byte { return f.insertOf(columns, some, given+items) }
	}
	if !f.oneByOne() {
		if err := f.single(len(rows)); err != nil {
			return err
		}
		if err := f.fire(ctx, "BEFORE", "INSERT", rows, before); err != nil {
			return err
		}
		return f.inserted(ctx, out, before, text(rows), tried)
	}
	if given != "" && len(rows) > 1 {
		return f.unfit("of several rows with RETURNING, " + f.mixed + ": write them one by one")
	}
	for i := range rows {
		to := &held{Output: discard{s}}
		if given != "" {
			to = out
		}
		if err := f.fire(ctx, "BEFORE", "INSERT", rows[i:i+1], before); err != nil {
			return err
		}
		if err := f.inserted(ctx, to, before, text(rows[i:i+1]), tried); err != nil {
			return err
		}
	}
	if given != "" {
		return nil
	}
	id := tried.told.InsertID
	if id == 0 && t.AutoIncrement >= 0 {
		if last, err := strconv.ParseInt(rows[len(rows)-1].new[t.AutoIncrement].Literal(), 10, 64); err == nil {
			id = uint64(last)
		}
	}
	return f.tellInserted(out, before, len(rows), id)
}

// certain refuses an ENUM's value that may be its empty member or none.
func (f *firing) certain(rows []firedRow, columns []int) error {
	for _, i := range columns {
		c := &f.of.Table.Columns[i]
		if !c.Ambiguous() {
			continue
		}
		empty, err := compound.Stored(declaredAs(c), []byte{}, c.Charset, c.Collation)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if row.new[i].Literal() == empty.Literal() {
				return f.unfit("of an empty value in column '" + c.Name + "', which may be a member of the ENUM or none: write the column by another statement")
			}
		}
	}
	return nil
}

// insertOf is an INSERT of rows that are known.
func (f *firing) insertOf(columns []int, rows []firedRow, returning string) []byte {
	t := f.of.Table
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = quoteName(t.Columns[c].Name)
	}
	text := []byte("INSERT INTO " + quoteName(t.DB) + "." + quoteName(t.Name) + " (" + strings.Join(names, ", ") + ") VALUES ")
	for i, row := range rows {
		if i > 0 {
			text = append(text, ", "...)
		}
		text = append(text, "("+literals(row.new, columns)+")"...)
	}
	return append(text, " RETURNING "+returning...)
}

func literals(row []compound.Value, columns []int) string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = row[c].Literal()
	}
	return strings.Join(out, ", ")
}

// updateEarly has the BEFORE triggers of an UPDATE see what it would make of its rows. rowwise: its rows have to be written by the values that were found, or set.
func (f *firing) updateEarly(ctx context.Context, text []byte, met *found, before lastStatement) (set []int, tried *trial, err error) {
	t := f.of.Table
	columns := f.columns(false)
	for i := range f.stmt.Update.Set {
		if c := t.Column(f.stmt.Update.Set[i].Column.Name.Text); c >= 0 && !slices.Contains(set, c) {
			set = append(set, c)
		}
	}
	for _, c := range columns {
		if typ := t.Columns[c].Type; t.Clocked && (typ == "timestamp" || typ == "datetime") && !slices.Contains(set, c) {
			return nil, nil, f.unfit("as it names NEW." + t.Columns[c].Name + " before the UPDATE, which may be set to the time only afterwards")
		}
	}
	rowwise := f.w.scan.Tells(f.stmt.Span, sqltext.HasNondeterministic)
	for i := range f.programs {
		for _, c := range f.programs[i].row {
			if c.Assigned && !slices.Contains(set, c.Column) {
				set = append(set, c.Column)
			}
			rowwise = rowwise || c.Assigned
		}
	}
	for _, c := range set {
		if slices.Contains(f.key(), c) {
			return nil, nil, f.unfit("as it sets NEW." + t.Columns[c].Name + ", by which its rows are found")
		}
		if !slices.Contains(columns, c) {
			columns = append(columns, c)
		}
	}
	tried, err = f.try(ctx, text, discard{f.s}, func(tr *trial) error {
		if firstNumber(tr.told.Info) != uint64(len(met.rows)) {
			return f.unfit("of rows that others write meanwhile: do it again")
		}
		return f.afterwards(ctx, met, columns)
	})
	if err == nil && rowwise {
		err = f.certain(met.rows, set)
	}
	if err == nil {
		err = f.fire(ctx, "BEFORE", "UPDATE", met.rows, before)
	}
	if !rowwise {
		tried = nil
	}
	return set, tried, err
}

// writeRows updates rows one by one to the values that they are to have, and answers for that.
func (f *firing) writeRows(ctx context.Context, met *found, set []int, tried *trial, out *held) (exec.Outcome, error) {
	s, t := f.s, f.of.Table
	var sum exec.Outcome
	changed := uint64(0)
	for i, row := range met.rows {
		text := "UPDATE " + quoteName(t.DB) + "." + quoteName(t.Name) + " SET "
		for n, c := range set {
			if n > 0 {
				text += ", "
			}
			text += quoteName(t.Columns[c].Name) + " = " + row.new[c].Literal()
		}
		told, err := f.run(ctx, []byte(text+" WHERE "+f.keyed("", met.keys[i:i+1])), discard{s})
		if err != nil {
			return sum, err
		}
		sum.Affected += told.Affected
		changed += secondNumber(told.Info)
	}
	s.last, s.warnings = tried.last, tried.warnings
	s.last.rowCount = int64(sum.Affected)
	sum.Info = updated(len(met.rows), changed, len(s.warnings))
	return sum, s.okTo(source{out: out}, wire.OK{AffectedRows: sum.Affected, Warnings: s.warningCount(), Info: sum.Info})
}

// updated is the text of an UPDATE's OK packet.
func updated(matched int, changed uint64, warnings int) []byte {
	return []byte("Rows matched: " + strconv.Itoa(matched) + "  Changed: " + strconv.FormatUint(changed, 10) + "  Warnings: " + strconv.Itoa(warnings))
}

// firstNumber is that in an OK packet's text.
func firstNumber(info []byte) uint64 { n, _ := digits(info); return n }

func secondNumber(info []byte) uint64 {
	_, rest := digits(info)
	n, _ := digits(rest)
	return n
}

// digits is the first number in a text, and what follows it.
func digits(text []byte) (n uint64, rest []byte) {
	isDigit := func(c byte) bool { return c >= '0' && c <= '9' }
	for len(text) > 0 && !isDigit(text[0]) {
		text = text[1:]
	}
	for len(text) > 0 && isDigit(text[0]) {
		n, text = n*10+uint64(text[0]-'0'), text[1:]
	}
	return n, text
}
