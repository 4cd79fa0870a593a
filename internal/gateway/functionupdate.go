package gateway

import (
	"context"
	"slices"
	"strconv"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// An UPDATE calls the functions of what it sets once for each row that it finds. Of one row, or none, it is known how often that is.

// updatesPlainly says whether an UPDATE is one of one table, whose rows a query with its condition finds.
func updatesPlainly(u *sqltext.Update) bool {
	return !u.Ignore && len(u.From) == 1 && u.From[0].Table != nil && u.From[0].Partition.Empty() && u.From[0].SystemTime.Empty() && u.Order == nil && u.Limit == nil
}

// rowsMet locks the rows that an UPDATE finds, and says how many there are.
func (s *session) rowsMet(ctx context.Context, scan *sqltext.Scan, u *sqltext.Update) (int, error) {
	got := capture{caps: s.out.Caps()}
	text := slices.Concat([]byte("SELECT COUNT(*) FROM "), scan.AppendSpan(nil, u.From[0].Span), []byte(" "), scan.AppendSpan(nil, u.WhereSpan), []byte(" FOR UPDATE"))
	if err := s.rewritten(ctx, text, source{out: &got}); err != nil {
		return 0, err
	}
	if len(got.rows) != 1 || len(got.rows[0]) != 1 {
		return 0, wire.Errorf(wire.ErUnknown, "a leaf did not count rows")
	}
	return strconv.Atoi(string(got.rows[0][0]))
}

// updateCalls is an UPDATE with the values of its functions: of no row it calls none, and must find none then.
func (s *session) updateCalls(ctx context.Context, scan *sqltext.Scan, stmt *sqltext.Stmt, calls []functionCall) ([]byte, error) {
	n, err := s.rowsMet(ctx, scan, stmt.Update)
	if err != nil {
		return nil, err
	}
	var edits []edit
	for i := range calls {
		c := &calls[i]
		span := c.call.ExprSpan()
		switch {
		case n > 1:
			return nil, unsupported("the stored function '"+c.of.DB+"."+c.of.Name+"', which writes, locks rows or reads views,", "in an UPDATE of "+strconv.Itoa(n)+" rows: it would be called for each. Update them one by one")
		case n == 0:
			edits = append(edits, edit{span.From, span.To, "NULL"})
			continue
		}
		v, err := s.callFunction(ctx, scan, c, nil)
		if err != nil {
			return nil, err
		}
		edits = append(edits, edit{span.From, span.To, v})
	}
	if where := stmt.Update.WhereSpan; n == 0 && where.Empty() {
		edits = append(edits, edit{stmt.Span.To, stmt.Span.To, " WHERE FALSE"})
	} else if n == 0 { // though there may be a row by now; a constant would change what the answer tells
		edits = append(edits, edit{where.From + 1, where.From + 1, " ("}, edit{where.To, where.To, ") AND @`orbweaver no row`"})
	}
	slices.SortStableFunc(edits, func(a, b edit) int { return int(a.from - b.from) })
	return slices.Clone(apply(scan, edits)), nil
}

// updatedOne refuses an answer that tells of more rows than there were when they were counted: others have come, which got a value that was not made for them.
func (o *held) updatedOne() error {
	for _, p := range o.packets {
		var ok wire.OK
		if !wire.IsOK(p) {
			continue
		}
		if err := wire.ParseOK(p, o.Caps(), &ok); err != nil {
			return err
		}
		if ok.AffectedRows > 1 {
			return unsupported("UPDATE with a stored function that writes, locks rows or reads views", "of rows that others insert meanwhile: do it again")
		}
	}
	return nil
}
