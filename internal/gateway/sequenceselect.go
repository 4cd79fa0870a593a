package gateway

import (
	"context"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/exec"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// A SELECT of rows that are elsewhere than the sequences which it asks runs without those. What it gives is held back until there are values for it: each row gets its own, in the order in which the
// client sees them.

// drawnItem is an item of a SELECT that is the next value of a sequence.
type drawnItem struct {
	at int // its column, from the end where it is negative
	of *topo.Table
}

// noValue stands in the place of NEXTVAL: a column of its type, which may be NULL.
const noValue = "IF(1, CAST('00000000000000000000' AS SIGNED), NULL)"

// drawnItems are the items of a SELECT that ask sequences, and the edits that take these out; not ok when it is not certain that each row asks once, or something else hangs on what they give.
func (s *session) drawnItems(scan *sqltext.Scan, stmt *sqltext.Stmt, uses []sequenceUse) (items []drawnItem, edits []edit, ok bool) {
	q := stmt.Query
	if stmt.Kind != sqltext.KindSelect || q == nil || q.Select == nil || q.Order != nil || q.Limit != nil || !stmt.SetStatement.Empty() ||
		stmt.Facts&(sqltext.HasInto|sqltext.HasWindow|sqltext.HasProcedureAnalyse|sqltext.HasUserVarAssign|sqltext.HasStoredCall|sqltext.HasLockFunction) != 0 {
		return nil, nil, false
	}
	sel := q.Select
	if sel.Distinct || len(sel.Group) > 0 || sel.Having != nil || !sel.GroupSpan.Empty() {
		return nil, nil, false
	}
	stars := 0
	for i := range sel.Items {
		if sel.Items[i].Star {
			stars++
		}
	}
	before := 0
	var names []string
	queries := false
	for i := range sel.Items {
		item := &sel.Items[i]
		if item.Star {
			before++
			continue
		}
		var use *sequenceUse
		for n := range uses {
			if item.Expr != nil && item.Expr.ExprSpan() == uses[n].Span && uses[n].Name == "NEXTVAL" {
				use = &uses[n]
			}
		}
		if use == nil {
			if item.Expr == nil {
				return nil, nil, false
			}
			if plan.HasAggregate(item.Expr) {
				return nil, nil, false
			}
			sqltext.Walk(item.Expr, func(e sqltext.Expr) bool {
				_, query := e.(*sqltext.Subquery)
				queries = queries || query
				return !query
			})
			continue
		}
		d := drawnItem{i, use.of}
		switch before {
		case 0:
		case stars:
			d.at = i - len(sel.Items)
		default:
			return nil, nil, false
		}
		items = append(items, d)
		text := noValue
		if item.Alias.Tok < 0 {
			text += " AS " + quoteName(string(scan.Text(item.Span)))
		}
		names = append(names, item.Alias.Text)
		edits = append(edits, edit{use.Span.From, use.Span.To, text})
	}
	named := slices.ContainsFunc(names, func(n string) bool { return n != "" })
	if len(items) != len(uses) || named && queries { // which may name an item
		return nil, nil, false
	}
	for i := range sel.Order {
		steady := true
		sqltext.Walk(sel.Order[i].Expr, func(e sqltext.Expr) bool {
			switch x := e.(type) {
			case *sqltext.Literal, *sqltext.Subquery:
				steady = false
			case *sqltext.Column:
				steady = steady && !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, x.Name.Text) })
			}
			return steady
		})
		if !steady {
			return nil, nil, false
		}
	}
	return items, edits, true
}

// selectDrawn runs a SELECT whose items ask sequences beside rows that are elsewhere.
func (s *session) selectDrawn(ctx context.Context, w *worker, items []drawnItem, edits []edit, snap *topo.Snapshot, src source) error {
	if s.tx.InTransaction() && s.tx.Modes().ReadOnly && slices.ContainsFunc(items, func(d drawnItem) bool { return !d.of.Temporary }) {
		return &wire.ServerError{Code: wire.ErReadOnlyTransaction, State: "25006", Message: "Cannot execute statement in a READ ONLY transaction"}
	}
	// What it may do is asked for the client's text: without rows no sequence is asked.
	if err := s.mayAsk(ctx, w, src, snap.Revision); err != nil {
		return err
	}
	src.permitted = true
	out := &drawnOutput{Output: src.out, s: s, ctx: ctx, items: items, binary: src.prepared, depth: src.depth, defs: -1}
	src.out = out
	return s.rewritten(ctx, apply(&w.scan, edits), src)
}

// drawnOutput puts values of sequences into the rows of an answer on its way.
type drawnOutput struct {
	exec.Output
	s      *session
	ctx    context.Context
	items  []drawnItem
	binary bool
	depth  int

	defs  int // definitions still to come; -1 before the head
	types []wire.FieldType
	ended bool // the definitions
	rows  [][]byte
	size  int
}

// drawnBytes bounds the rows that are held back.
const drawnBytes = 1 << 20

// Packet follows the packets of one result.
func (d *drawnOutput) Packet(p []byte) error {
	switch {
	case d.defs < 0:
		n, follow, err := wire.ParseColumnCount(p, d.Caps())
		if err != nil || !follow {
			return wire.ErrMalformed
		}
		if d.defs = n; n < len(d.items) {
			return wire.ErrMalformed
		}
	case d.defs > 0:
		var c wire.Column
		if err := wire.ParseColumn(slices.Clone(p), d.Caps(), &c); err != nil {
			return err
		}
		d.types = append(d.types, c.Type)
		d.defs--
	case !d.ended && !d.Caps().Has(wire.ClientDeprecateEOF):
		d.ended = true
	case wire.IsEOF(p, d.Caps()):
		if err := d.flush(); err != nil {
			return err
		}
	case len(p) >= wire.MaxPayload:
		return unsupported("NEXTVAL", "beside values of 16 MiB")
	default:
		d.rows, d.size = append(d.rows, slices.Clone(p)), d.size+len(p)
		if len(d.rows) < drawnAtOnce && d.size < drawnBytes {
			return nil
		}
		return d.flush()
	}
	return d.Output.Packet(p)
}

// flush gives the rows that were held back to the client.
func (d *drawnOutput) flush() error {
	if len(d.rows) == 0 {
		return nil
	}
	need := map[*topo.Table]int{}
	for _, i := range d.items {
		need[i.of] += len(d.rows)
	}
	values := map[*topo.Table][]string{}
	for _, i := range d.items {
		if values[i.of] != nil {
			continue
		}
		var err error
		if values[i.of], err = d.s.draw(d.ctx, i.of, need[i.of], d.depth); err != nil {
			return err
		}
	}
	given := make([]string, len(d.types))
	for _, row := range d.rows {
		for _, i := range d.items {
			at := i.at
			if at < 0 {
				at += len(d.types)
			}
			given[at], values[i.of] = values[i.of][0], values[i.of][1:]
		}
		row, err := d.filled(row, given)
		if err != nil {
			return err
		}
		if err := d.Output.Packet(row); err != nil {
			return err
		}
	}
	d.rows, d.size = d.rows[:0], 0
	return nil
}

// filled is a row with values in the places of those that stand for them.
func (d *drawnOutput) filled(row []byte, given []string) ([]byte, error) {
	if d.binary {
		var b wire.BinaryRow
		if err := b.Reset(row, len(d.types)); err != nil {
			return nil, err
		}
		for i, t := range d.types {
			v, null, ok := b.Next(t)
			if !ok || given[i] != "" && (null || len(v) != 8) {
				return nil, wire.ErrMalformed
			}
			if given[i] == "" {
				continue
			}
			n, err := strconv.ParseInt(given[i], 10, 64)
			if err != nil {
				return nil, err
			}
			binary.LittleEndian.PutUint64(v, uint64(n)) // it is a part of the row
		}
		return row, nil
	}
	out := make([]byte, 0, len(row)+20*len(d.items))
	for _, g := range given {
		rest, ok := row, false
		if len(row) > 0 && row[0] == 0xfb {
			rest, ok = row[1:], g == ""
		} else {
			_, rest, ok = wire.LenencBytes(row)
		}
		if !ok {
			return nil, wire.ErrMalformed
		}
		if g == "" {
			out = append(out, row[:len(row)-len(rest)]...)
		} else {
			out = append(append(out, byte(len(g))), g...)
		}
		row = rest
	}
	return out, nil
}
