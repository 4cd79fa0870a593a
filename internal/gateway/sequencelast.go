package gateway

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// lastValues puts the session's values in the places of LASTVAL; nil when there are none to be put. What comes behind NEXTVAL of the same sequence is for whoever evaluates both.
func (s *session) lastValues(ctx context.Context, scan *sqltext.Scan, stmt *sqltext.Stmt, snap *topo.Snapshot, uses []sequenceUse) ([]byte, error) {
	items := selectItems(stmt)
	left := s.leftTo(stmt, snap)
	var edits []edit
	for i, u := range uses {
		if u.Name != "LASTVAL" {
			continue
		}
		same := func(o sequenceUse) bool { return o.of == u.of && o.Name == "NEXTVAL" }
		if slices.ContainsFunc(uses, same) {
			if !inTurn(scan, stmt, uses) {
				return nil, unsupported("LASTVAL", "in a statement with NEXTVAL of the same sequence, but for rows of VALUES, SET, and SELECT without tables and conditions")
			}
			if slices.ContainsFunc(uses[:i], same) || stmt.Kind != sqltext.KindSelect && stmt.Kind != sqltext.KindDo {
				continue
			}
		}
		if slices.Contains(left, u.of) {
			if stmt.Insert == nil || stmt.Insert.Select != nil {
				return nil, unsupported("LASTVAL", "of a sequence that the statement asks for the default of a column, but for rows of VALUES: SELECT LASTVAL(s) before, and use the value")
			}
			continue // each row has its own
		}
		item := itemAt(items, u.Span.From)
		v, known, err := s.lastOf(ctx, u.of)
		switch {
		case err != nil:
			return nil, err
		case item != nil: // a column of the type that MariaDB's has
			if v, err = givenItem(v, known); err != nil {
				return nil, err
			}
		case !known:
			v = "NULL"
		case strings.HasPrefix(v, "-"):
			v = "(" + v + ")"
		}
		edits = append(edits, edit{u.Span.From, u.Span.To, v})
		if item != nil && item.Alias.Tok < 0 {
			edits = append(edits, edit{item.Span.To, item.Span.To, " AS " + quoteName(string(scan.Text(item.Span)))})
		}
	}
	if len(edits) == 0 {
		return nil, nil
	}
	return apply(scan, inOrder(edits)), nil
}

// givenItem is what a sequence has given as an expression of a column: of the type and the width that MariaDB's calls have.
func givenItem(v string, known bool) (string, error) {
	n, err := strconv.ParseInt(cmp.Or(v, "0"), 10, 64)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("IF(%s, CAST('%020d' AS SIGNED), NULL)", bit(known), n), nil
}

// leftTo are the sequences that a statement asks for the defaults of columns.
func (s *session) leftTo(stmt *sqltext.Stmt, snap *topo.Snapshot) (all []*topo.Table) {
	t := s.drawing(stmt, snap)
	if in := stmt.Insert; in != nil && in.Select != nil && in.Table != nil {
		t = s.drawnTable(in.Table, snap)
	}
	if t == nil {
		return nil
	}
	for i := range t.Columns {
		c := &t.Columns[i]
		db, name, ok := c.Sequence()
		if !ok {
			continue
		}
		if in := stmt.Insert; in != nil && !leaves(in, t, i) {
			continue
		}
		if q := s.sequenceNamed(snap, db, name); q != nil {
			all = append(all, q)
		}
	}
	return all
}

// leaves says whether an INSERT leaves a column to its default, in some row.
func leaves(in *sqltext.Insert, t *topo.Table, column int) bool {
	if in.Select != nil {
		return len(in.Columns) > 0 && !slices.ContainsFunc(in.Columns, func(n sqltext.Name) bool { return strings.EqualFold(n.Text, t.Columns[column].Name) })
	}
	if slices.Contains(absent(in, t), column) {
		return true
	}
	left := func(e sqltext.Expr, name string) bool {
		return defaultOf(e, name, t) == &t.Columns[column]
	}
	for _, row := range in.Rows {
		for i, e := range row {
			if left(e, targetName(in, t, i)) {
				return true
			}
		}
	}
	return slices.ContainsFunc(in.Set, func(a sqltext.Assign) bool { return left(a.Value, a.Column.Name.Text) })
}

// setBySequences has a SET find values by queries of their own where it is not certain whether they ask a sequence; nil where there is no need to.
func setBySequences(scan *sqltext.Scan, stmt *sqltext.Stmt, uses []sequenceUse) []byte {
	if stmt.Set == nil || len(uses) == 0 || inTurn(scan, stmt, uses) || onlyInQueries(stmt.Set, uses) {
		return nil
	}
	var edits []edit
	for i := range stmt.Set.Vars {
		v := &stmt.Set.Vars[i]
		if v.Value != nil && slices.ContainsFunc(uses, func(u sequenceUse) bool { return v.ValueSpan.From <= u.Span.From && u.Span.To <= v.ValueSpan.To }) {
			edits = append(edits, edit{v.ValueSpan.From, v.ValueSpan.From, "(SELECT "}, edit{v.ValueSpan.To, v.ValueSpan.To, ")"})
		}
	}
	return bytes.Clone(apply(scan, edits))
}
