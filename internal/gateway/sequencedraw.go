package gateway

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// request is a value of a sequence that goes into a statement's text: in the place of the tokens [from, to), or before from where there are none.
type request struct {
	of             *topo.Table
	last           bool // LASTVAL
	from, to       int32
	before, behind string
	// item: it is, or is in, a column of RETURNING.
	item bool
	// computed is what the tokens are: an expression that asks sequences or not, as its other values are. A leaf evaluates it.
	computed sqltext.Expr
}

// drawing is the table of a statement that leaves columns to sequences, other than by rows of a query; nil when there is none.
func (s *session) drawing(stmt *sqltext.Stmt, snap *topo.Snapshot) *topo.Table {
	switch {
	case stmt.Insert != nil && stmt.Insert.Select == nil && stmt.Insert.Table != nil:
		in := stmt.Insert
		t := s.drawnTable(in.Table, snap)
		if t == nil {
			return nil
		}
		if len(absent(in, t)) > 0 {
			return t
		}
		for _, row := range in.Rows {
			for i, e := range row {
				if defaults(e, targetName(in, t, i), t) {
					return t
				}
			}
		}
		for i := range in.Set {
			if defaults(in.Set[i].Value, in.Set[i].Column.Name.Text, t) {
				return t
			}
		}
	case stmt.Update != nil && len(stmt.Update.From) == 1 && stmt.Update.From[0].Table != nil:
		t := s.drawnTable(stmt.Update.From[0].Table, snap)
		for i := range stmt.Update.Set {
			if set := &stmt.Update.Set[i]; t != nil && defaults(set.Value, set.Column.Name.Text, t) {
				return t
			}
		}
	}
	return nil
}

// drawnTable is a table of the cluster that has columns with a sequence's next value as their default; nil for others.
func (s *session) drawnTable(n *sqltext.TableName, snap *topo.Snapshot) *topo.Table {
	k := s.keyOf(n)
	if t := snap.Table(k.db, k.table); t != nil && t.Draws() && !s.isTemporary(n) {
		return t
	}
	return nil
}

// absent are the columns with a sequence's next value as their default that an INSERT of rows does not name.
func absent(in *sqltext.Insert, t *topo.Table) (columns []int) {
	for i := range t.Columns {
		c := &t.Columns[i]
		if _, _, ok := c.Sequence(); !ok {
			continue
		}
		named := func(n sqltext.Name) bool { return strings.EqualFold(n.Text, c.Name) }
		switch {
		case len(in.Set) > 0:
			if slices.ContainsFunc(in.Set, func(a sqltext.Assign) bool { return named(a.Column.Name) }) {
				continue
			}
		case len(in.Columns) > 0:
			if slices.ContainsFunc(in.Columns, named) {
				continue
			}
		case len(in.Rows) > 0 && len(in.Rows[0]) > 0 && !c.Invisible:
			continue
		}
		columns = append(columns, i)
	}
	return columns
}

// targetName is the column that the values at a place of the rows are for; "" when there is none.
func targetName(in *sqltext.Insert, t *topo.Table, at int) string {
	if len(in.Columns) > 0 {
		if at < len(in.Columns) {
			return in.Columns[at].Text
		}
		return ""
	}
	for i := range t.Columns {
		if t.Columns[i].Invisible {
			continue
		}
		if at == 0 {
			return t.Columns[i].Name
		}
		at--
	}
	return ""
}

// defaultOf is the sequence that a value for a column asks by DEFAULT or DEFAULT (column); nil for other values.
func defaultOf(e sqltext.Expr, column string, t *topo.Table) *topo.Column {
	switch x := sqltext.Unparen(e).(type) {
	case *sqltext.Literal:
		if x.Kind != sqltext.LitDefault {
			return nil
		}
	case *sqltext.Func:
		c, ok := (*sqltext.Column)(nil), false
		if strings.EqualFold(x.Name, "DEFAULT") && len(x.Args) == 1 {
			c, ok = x.Args[0].(*sqltext.Column)
		}
		if !ok {
			return nil
		}
		column = c.Name.Text
	default:
		return nil
	}
	if i := t.Column(column); i >= 0 {
		if _, _, ok := t.Columns[i].Sequence(); ok {
			return &t.Columns[i]
		}
	}
	return nil
}

// defaults says whether there is such a value anywhere in an expression.
func defaults(e sqltext.Expr, column string, t *topo.Table) bool {
	if e == nil {
		return false
	}
	if defaultOf(e, column, t) != nil {
		return true
	}
	found := false
	sqltext.Walk(e, func(x sqltext.Expr) bool {
		if f, ok := x.(*sqltext.Func); ok && defaultOf(f, "", t) != nil {
			found = true
		}
		return !found
	})
	return found
}

// drawValues has a statement run that changes rows, or variables, by what sequences give: put in its places before, or found with the rows.
func (s *session) drawValues(ctx context.Context, w *worker, stmt *sqltext.Stmt, snap *topo.Snapshot, src source, uses []sequenceUse) (handled bool, err error) {
	handled, err = s.drawInPlace(ctx, w, stmt, snap, src, uses)
	var form formError
	if !errors.As(err, &form) || !s.findsDrawn(stmt, snap, uses) {
		return handled, err
	}
	if err := s.mayDraw(); err != nil {
		return true, err
	}
	p, failed := plan.Build(stmt, &w.scan, snap, s.sess)
	switch {
	case failed != nil:
		return true, s.owned(ctx, w, src, failed)
	case p.ByKey == nil && (p.InsertSelect == nil || p.InsertSelect.Plan.Drawing == nil || slices.ContainsFunc(p.InsertSelect.Draws, func(d plan.Draw) bool { // whose values would not take turns with those
		return slices.ContainsFunc(uses, func(u sequenceUse) bool { return u.of.DB == d.DB && u.of.Name == d.Sequence })
	})):
		return true, err
	}
	return true, s.run(ctx, w, p, snap, src, &extras{facts: stmt.Facts, asked: drawnBy(uses)})
}

// findsDrawn says whether what a statement asks of sequences is all asked by the query that finds its rows.
func (s *session) findsDrawn(stmt *sqltext.Stmt, snap *topo.Snapshot, uses []sequenceUse) bool {
	if s.namesTemporary(stmt) || s.drawing(stmt, snap) != nil {
		return false
	}
	other := func(u sequenceUse) bool { return u.Name != "NEXTVAL" || u.of.Temporary }
	if in := stmt.Insert; in != nil {
		if in.Select == nil {
			return false
		}
		other = func(u sequenceUse) bool {
			return u.Name != "NEXTVAL" || u.of.Temporary || u.Span.From < in.Select.Span.From || u.Span.To > in.Select.Span.To
		}
	} else if stmt.Kind != sqltext.KindUpdate && stmt.Kind != sqltext.KindDelete {
		return false
	}
	return !slices.ContainsFunc(uses, other)
}

// drawInPlace puts values of sequences in their places in a statement that has no rows of others', and has the rest of it run.
func (s *session) drawInPlace(ctx context.Context, w *worker, stmt *sqltext.Stmt, snap *topo.Snapshot, src source, uses []sequenceUse) (handled bool, err error) {
	t := s.drawing(stmt, snap)
	if len(uses) == 0 && t == nil {
		return false, nil
	}
	if s.making != nil {
		return true, unsupported("CREATE TABLE … SELECT", "of values of a sequence: make the table, then use INSERT … SELECT")
	}
	var all []request
	switch {
	case stmt.Insert != nil && stmt.Insert.Select == nil:
		if len(metDraws(stmt, uses)) > 0 && !s.meetsRows(stmt.Insert.Table, snap) {
			return true, errSequenceForm("NEXTVAL")
		}
		if all, err = s.rowRequests(stmt.Insert, t, snap, uses, &w.scan); err != nil {
			return true, err
		}
	case stmt.Insert != nil && t == nil:
		return true, s.queryRequests(ctx, w, stmt, src, uses)
	case stmt.Update != nil:
		return true, s.updateRequests(ctx, w, stmt, t, snap, src, uses)
	case stmt.Set != nil && inTurn(&w.scan, stmt, uses):
		for _, u := range uses {
			all = append(all, request{of: u.of, last: u.Name == "LASTVAL", from: u.Span.From, to: u.Span.To})
		}
	case stmt.Set != nil && onlyInQueries(stmt.Set, uses):
		return false, nil // they are statements of their own
	case t != nil:
		return true, errSequenceForm("DEFAULT")
	default:
		return true, errSequenceForm(uses[0].Name)
	}
	text, err := s.withDrawn(ctx, &w.scan, all, &src)
	if err != nil {
		return true, err
	}
	if stmt.Insert != nil {
		if met := metDraws(stmt, uses); len(met) > 0 {
			if err := s.mayAsk(ctx, w, src, snap.Revision); err != nil { // for the client's text: no row may be met
				return true, err
			}
			src.permitted = true
			s.sess.Met = &met
			defer func() { s.sess.Met = nil }()
		}
	}
	return true, s.rewritten(ctx, text, src)
}

// formError is that of a statement in which values of sequences can't be put in their places.
type formError struct{ error }

func (e formError) Unwrap() error { return e.error }

func errSequenceForm(what string) error {
	return formError{unsupported(what, "of a sequence, but in SELECT and DO, in rows of VALUES and SET of INSERT and in SET of variables where it is certain to be asked, in the query of INSERT … SELECT, and in what an UPDATE sets columns to:"+
		" SELECT NEXTVAL(s) before, and use the value")}
}

// rowRequests are the values of sequences that an INSERT of rows needs, in the order in which MariaDB asks: row by row, the values given from left to right, then the columns without one.
func (s *session) rowRequests(in *sqltext.Insert, t *topo.Table, snap *topo.Snapshot, uses []sequenceUse, scan *sqltext.Scan) ([]request, error) {
	of := func(c *topo.Column) (*topo.Table, error) {
		db, name, _ := c.Sequence()
		if q := s.sequenceNamed(snap, db, name); q != nil {
			return q, nil
		}
		return nil, topo.NoTable(db, name)
	}
	var columns []int
	if t != nil {
		columns = absent(in, t)
	}
	var all []request
	n := 0
	value := func(e sqltext.Expr, column string) error {
		if t != nil {
			if c := defaultOf(e, column, t); c != nil {
				q, err := of(c)
				all = append(all, request{of: q, from: e.ExprSpan().From, to: e.ExprSpan().To})
				return err
			}
			if defaults(e, column, t) {
				return errSequenceForm("DEFAULT")
			}
		}
		span := e.ExprSpan()
		known := n
		if !certain(e, uses, &n) {
			if !computable(scan, e, uses) {
				return errSequenceForm("NEXTVAL")
			}
			n = known
			for _, u := range uses {
				if span.From <= u.Span.From && u.Span.To <= span.To {
					n++
				}
			}
			all = append(all, request{from: span.From, to: span.To, computed: e})
			return nil
		}
		for _, u := range uses {
			if span.From <= u.Span.From && u.Span.To <= span.To {
				all = append(all, request{of: u.of, last: u.Name == "LASTVAL", from: u.Span.From, to: u.Span.To})
			}
		}
		return nil
	}
	// left asks for the columns that have no value in a row: point is where the values go, each behind a comma unless it is the row's first.
	left := func(point int32, first bool, name bool) error {
		for _, c := range columns {
			q, err := of(&t.Columns[c])
			if err != nil {
				return err
			}
			r := request{of: q, from: point, to: point, before: ","}
			if first {
				r.before = ""
			}
			if first = false; name {
				r.before += quoteName(t.Columns[c].Name) + "="
			}
			all = append(all, r)
		}
		return nil
	}
	if len(in.Set) > 0 {
		for i := range in.Set {
			if err := value(in.Set[i].Value, in.Set[i].Column.Name.Text); err != nil {
				return nil, err
			}
		}
		if err := left(in.SetSpan.To, false, true); err != nil {
			return nil, err
		}
	} else {
		if len(columns) > 0 {
			list := make([]string, len(columns))
			for i, c := range columns {
				list[i] = quoteName(t.Columns[c].Name)
			}
			names := request{before: strings.Join(list, ",")}
			switch empty := len(in.Rows) > 0 && len(in.Rows[0]) == 0; {
			case len(in.Columns) > 0:
				names.from, names.before = in.ColumnsSpan.To-1, ","+names.before
			case empty && !in.ColumnsSpan.Empty():
				names.from = in.ColumnsSpan.To - 1
			case empty:
				names.from, names.before = in.InsertPoint, " ("+names.before+") "
			default:
				return nil, unsupported("INSERT without a list of columns", "into a table with an invisible column whose default is a sequence's next value: name the columns")
			}
			names.to = names.from
			all = append(all, names)
		}
		for i, row := range in.Rows {
			if len(columns) > 0 && (len(row) == 0) != (len(in.Columns) == 0) {
				return nil, unsupported("INSERT with rows of values and rows of defaults", "into a table with a column whose default is a sequence's next value")
			}
			for j, e := range row {
				column := ""
				if t != nil {
					column = targetName(in, t, j)
				}
				if err := value(e, column); err != nil {
					return nil, err
				}
			}
			if err := left(in.RowSpans[i].To-1, len(row) == 0, false); err != nil {
				return nil, err
			}
		}
	}
	if all, n, err := s.behindRows(in, uses, scan, all, n); err != nil || n == len(uses) {
		return all, err
	}
	return nil, errSequenceForm("NEXTVAL")
}

// withDrawn asks the sequences, and gives the text with the values in it: of a prepared statement as parameters, so that it stays the same text each time.
func (s *session) withDrawn(ctx context.Context, scan *sqltext.Scan, all []request, src *source) ([]byte, error) {
	need := map[*topo.Table]int{}
	var order []*topo.Table
	if slices.ContainsFunc(all, func(r request) bool { return r.computed != nil }) {
		return s.withComputed(ctx, scan, all, src)
	}
	for i := range all {
		if r := &all[i]; r.of != nil && !r.last {
			if need[r.of]++; need[r.of] == 1 {
				order = append(order, r.of)
			}
		}
	}
	drawn := map[*topo.Table][]string{}
	last := map[*topo.Table]string{}
	for _, t := range order {
		before, known, err := s.lastOf(ctx, t)
		if err != nil {
			return nil, err
		}
		if known {
			last[t] = before
		}
		values, err := s.draw(ctx, t, need[t], src.depth)
		if err != nil {
			return nil, err
		}
		drawn[t] = values
	}
	fill := make([]filled, len(all))
	for i, r := range all {
		fill[i].request = r
		switch {
		case r.of == nil:
		case !r.last:
			last[r.of], drawn[r.of] = drawn[r.of][0], drawn[r.of][1:]
			fill[i].value = last[r.of]
		default:
			v, known := last[r.of]
			if !known {
				var err error
				if v, known, err = s.lastOf(ctx, r.of); err != nil {
					return nil, err
				}
			}
			if fill[i].value = v; !known {
				fill[i].value = "NULL"
			}
		}
	}
	return filledIn(scan, fill, src)
}

// onlyInQueries says whether all calls of a SET are in subqueries.
func onlyInQueries(set *sqltext.Set, uses []sequenceUse) bool {
	n := 0
	for i := range set.Vars {
		if set.Vars[i].Value == nil {
			continue
		}
		sqltext.Walk(set.Vars[i].Value, func(e sqltext.Expr) bool {
			q, ok := e.(*sqltext.Subquery)
			if ok {
				for _, u := range uses {
					if q.Span.From <= u.Span.From && u.Span.To <= q.Span.To {
						n++
					}
				}
			}
			return !ok
		})
	}
	return n == len(uses)
}

// drawRows is how rows of queries get values of sequences.
func (s *session) drawRows(depth int) func(ctx context.Context, db, sequence string, n int) ([]int64, error) {
	return func(ctx context.Context, db, sequence string, n int) ([]int64, error) {
		t := s.sequenceNamed(s.topology(), db, sequence)
		if t == nil {
			return nil, topo.NoTable(db, sequence)
		}
		texts, err := s.draw(ctx, t, n, depth)
		if err != nil {
			return nil, err
		}
		values := make([]int64, len(texts))
		for i, text := range texts {
			if values[i], err = strconv.ParseInt(text, 10, 64); err != nil {
				return nil, err
			}
		}
		return values, nil
	}
}

// queryRequests has NEXTVAL, where it is an item of INSERT … SELECT, answered for each row that the query gives.
func (s *session) queryRequests(ctx context.Context, w *worker, stmt *sqltext.Stmt, src source, uses []sequenceUse) error {
	q := stmt.Insert.Select
	if q == nil || q.Select == nil || q.Select.Distinct || len(q.Select.Group) > 0 || q.Select.Having != nil || q.Order != nil || q.Limit != nil || s.isTemporary(stmt.Insert.Table) {
		return errSequenceForm("NEXTVAL")
	}
	var draws []plan.Draw
	var edits []edit
	for i := range q.Select.Items {
		item := &q.Select.Items[i]
		if item.Star && len(draws) < len(uses) { // which place those behind it have is not known
			break
		}
		for _, u := range uses {
			if item.Expr != nil && item.Expr.ExprSpan() == u.Span && u.Name == "NEXTVAL" {
				draws = append(draws, plan.Draw{Cell: i, DB: u.of.DB, Sequence: u.of.Name})
				edits = append(edits, edit{u.Span.From, u.Span.To, "NULL"})
			}
		}
	}
	if len(draws) != len(uses) {
		return errSequenceForm("NEXTVAL")
	}
	s.sess.Draws = &draws
	defer func() { s.sess.Draws = nil }()
	return s.rewritten(ctx, apply(&w.scan, edits), src)
}

// updateRequests has NEXTVAL, where it is what SET gives a column of one table, answered for each row that is found.
func (s *session) updateRequests(ctx context.Context, w *worker, stmt *sqltext.Stmt, t *topo.Table, snap *topo.Snapshot, src source, uses []sequenceUse) error {
	u := stmt.Update
	if len(u.From) != 1 || u.From[0].Table == nil || s.isTemporary(u.From[0].Table) {
		return errSequenceForm("NEXTVAL")
	}
	k := s.keyOf(u.From[0].Table)
	switch known := snap.Table(k.db, k.table); {
	case known == nil, known.Kind == topo.Linked, known.Kind == topo.Sequence:
		return errSequenceForm("NEXTVAL")
	}
	var draws []plan.Draw
	var edits []edit
	n := 0
	for i := range u.Set {
		span := sqltext.Unparen(u.Set[i].Value).ExprSpan()
		d := plan.Draw{Cell: i}
		if t != nil {
			if c := defaultOf(u.Set[i].Value, u.Set[i].Column.Name.Text, t); c != nil {
				if d.DB, d.Sequence, _ = c.Sequence(); snap.Table(d.DB, d.Sequence) == nil {
					return topo.NoTable(d.DB, d.Sequence)
				}
			} else if defaults(u.Set[i].Value, u.Set[i].Column.Name.Text, t) {
				return errSequenceForm("DEFAULT")
			}
		}
		for _, use := range uses {
			if use.Span == span && use.Name == "NEXTVAL" {
				d.DB, d.Sequence = use.of.DB, use.of.Name
				n++
			}
		}
		if d.Sequence != "" {
			draws, edits = append(draws, d), append(edits, edit{span.From, span.To, "NULL"})
		}
	}
	if n != len(uses) {
		return errSequenceForm("NEXTVAL")
	}
	// What it may do is asked for the client's text: without rows no sequence is asked.
	if err := s.mayAsk(ctx, w, src, snap.Revision); err != nil {
		return err
	}
	src.permitted = true
	s.sess.Draws = &draws
	defer func() { s.sess.Draws = nil }()
	return s.rewritten(ctx, apply(&w.scan, edits), src)
}

// mayAsk is mayRun for a statement that has no plan yet.
func (s *session) mayAsk(ctx context.Context, w *worker, src source, revision int64) error {
	if src.permitted {
		return nil
	}
	text := src.text
	if text == "" {
		text = string(w.scan.Src[:w.scan.End])
	}
	if len(s.temps.sequences) > 0 && len(sqltext.SequenceUses(&w.scan, s.mode())) > 0 {
		return s.prepareOnly(ctx, text, nil)
	}
	return s.mayRunText(ctx, w, text, revision)
}
