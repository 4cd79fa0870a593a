package gateway

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	rowvalue "github.com/orbweaver/orbweaver/internal/value"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// evaluate has a leaf evaluate an expression of the client's, under its account and with its session's settings.
func (s *session) evaluate(ctx context.Context, expr string) (value, error) {
	vs, err := s.evaluateAll(ctx, []string{expr})
	if err != nil {
		return value{}, err
	}
	return vs[0], nil
}

// evaluateAll evaluates several expressions. Each is put into a variable first: so it is known with its type and character set.
func (s *session) evaluateAll(ctx context.Context, exprs []string) ([]value, error) {
	if len(exprs) == 0 {
		return nil, nil
	}
	var out []value
	w := s.tx.Want(txn.Place{Leaf: s.home, Schema: s.sess.DB})
	w.Variant = backend.Internal
	c, err := s.g.cfg.Pools.Get(ctx, w)
	if err != nil {
		return nil, err
	}
	defer c.Release()
	c.ResetOnRelease()
	var b strings.Builder
	changes := make([]change, len(exprs))
	b.WriteString("SET ")
	for i, e := range exprs {
		if i > 0 {
			b.WriteString(", ")
		}
		changes[i] = change{user: true, name: "@`orbweaver " + string(rune('a'+i%26)) + strings.Repeat("'", i/26) + "`"}
		b.WriteString(changes[i].name + " = (" + e + ")")
	}
	stop := c.Watch(ctx)
	defer stop()
	if _, err := c.Query(ctx, b.String()); err != nil {
		return nil, err
	}
	out, err = readBack(ctx, c, internalCaps, changes)
	return out, err
}

// evaluateSubqueries makes a SET statement's text without subqueries: their rows may live anywhere, and be the transaction's own, so values are asked for by queries. So are those of
// GET_LOCK and the like, which belong to a connection that the session keeps.
func (s *session) evaluateSubqueries(ctx context.Context, scan *sqltext.Scan, stmt *sqltext.Stmt) ([]byte, error) {
	var edits []edit
	for i := range stmt.Set.Vars {
		v := &stmt.Set.Vars[i]
		calls := s.callsTables(stmt, v)
		if v.Value == nil || !calls && !hasSubquery(v.Value) && stmt.Facts&sqltext.HasLockFunction == 0 {
			continue
		}
		var lit string
		var err error
		text := func(span sqltext.Span, digits []plan.Splice) []byte {
			return plan.RenderSpan(nil, scan, span, digits, nil, plan.Target{})
		}
		if sub, ok := sqltext.Unparen(v.Value).(*sqltext.Subquery); ok && sub.Query != nil {
			digits := plan.AllDigits(sub.Query)
			lit, err = s.subqueryLiteral(ctx, text(sub.Query.Span, digits), len(digits) > 0)
		} else if stmt.Facts&sqltext.HasLockFunction != 0 {
			lit, err = s.subqueryLiteral(ctx, append([]byte("SELECT "), text(v.ValueSpan, nil)...), false)
		} else if calls || s.readsPartitions(stmt, s.g.cfg.Catalog.Snapshot()) || s.tx.InTransaction() || !s.tx.Autocommit() {
			digits := plan.AllDigitsOf(v.Value)
			lit, err = s.expressionLiteral(ctx, text(v.ValueSpan, digits), len(digits) > 0)
		} else {
			continue
		}
		if err != nil {
			return nil, err
		}
		edits = append(edits, edit{v.ValueSpan.From, v.ValueSpan.To, lit})
	}
	if len(edits) == 0 {
		return scan.Src[:scan.End], nil
	}
	return apply(scan, edits), nil
}

// subqueryLiteral is the value of a subquery, which is run as a query of its own: it may go by its shard key. A string arrives in its own character set, which is part of its value. divided: all digits
// of a number are asked for.
func (s *session) subqueryLiteral(ctx context.Context, query []byte, divided bool) (string, error) {
	got := capture{caps: s.out.Caps()}
	if err := s.rewritten(ctx, slices.Concat([]byte("SET STATEMENT character_set_results = NULL FOR "), query), source{out: &got}); err != nil {
		return "", err
	}
	switch {
	case got.n != 1:
		return "", &wire.ServerError{Code: erOperandColumns, State: "21000", Message: "Operand should contain 1 column(s)"}
	case len(got.rows) > 1:
		return "", &wire.ServerError{Code: erSubqueryRows, State: "21000", Message: "Subquery returns more than 1 row"}
	case len(got.rows) == 0:
		return "NULL", nil
	}
	if divided {
		got.rows[0][0] = rowvalue.Divided(got.rows[0][0])
	}
	return got.literal(0, 0)
}

// expressionLiteral is the value of an expression with subqueries, which a leaf evaluates once.
func (s *session) expressionLiteral(ctx context.Context, expr []byte, divided bool) (string, error) {
	got := capture{caps: s.out.Caps()}
	query := slices.Concat([]byte("SELECT v, HEX(v), CHARSET(v), COLLATION(v) FROM (SELECT "), expr, []byte(" AS v LIMIT 1) AS `one value`"))
	if err := s.rewritten(ctx, query, source{out: &got}); err != nil {
		return "", err
	}
	if len(got.rows) != 1 || len(got.rows[0]) != 4 {
		return "", wire.Errorf(wire.ErUnknown, "a leaf gave no value for an expression")
	}
	row := got.rows[0]
	if divided {
		row[0] = rowvalue.Divided(row[0])
	}
	v := value{null: row[0] == nil, unsigned: got.cols[0].Flags&wire.FlagUnsigned != 0, typ: got.cols[0].Type, text: string(row[0])}
	v.give(row[1:])
	return v.literal(), nil
}

// readsPartitions says whether a statement names a table whose rows are in partitions, or a view, which may read some: at a shape it is empty.
func (s *session) readsPartitions(stmt *sqltext.Stmt, snap *topo.Snapshot) bool {
	for _, n := range stmt.Tables {
		db := n.DB.Text
		if n.DB.Tok < 0 {
			db = s.sess.DB
		}
		if t := snap.Table(db, n.Name.Text); t != nil && t.Kind != topo.Reference || snap.View(db, n.Name.Text) != nil {
			return true
		}
	}
	return false
}

func hasSubquery(e sqltext.Expr) bool {
	found := false
	sqltext.Walk(e, func(x sqltext.Expr) bool {
		if _, ok := x.(*sqltext.Subquery); ok {
			found = true
		}
		return !found
	})
	return found
}

// capture is an output that keeps the rows of an answer, for the node's own use.
type capture struct {
	caps wire.Caps
	cols []wire.Column
	rows [][][]byte
	n    int
	size int
	done bool
	// binary: rows come in the binary protocol.
	binary bool
}

// captureBytes bounds what is kept.
const captureBytes = 64 << 20

var errCapture = errors.New("the answer is too large to be kept at the node")

func (c *capture) Caps() wire.Caps                { return c.caps }
func (c *capture) Status() wire.Status            { return wire.StatusAutocommit }
func (c *capture) File(string) (io.Reader, error) { return nil, errNoLocalInfile }

// Packet follows the packets of one text result.
func (c *capture) Packet(p []byte) error {
	switch {
	case c.done:
		return nil
	case c.n == 0:
		if wire.IsOK(p) {
			c.done = true
			return nil
		}
		n, _, err := wire.ParseColumnCount(p, c.caps)
		if err != nil {
			return err
		}
		c.n = n
		return nil
	case len(c.cols) < c.n:
		var col wire.Column
		if err := wire.ParseColumn(append([]byte(nil), p...), c.caps, &col); err != nil {
			return err
		}
		c.cols = append(c.cols, col)
		return nil
	case wire.IsEOF(p, c.caps):
		// Without DEPRECATE_EOF the first EOF ends the columns.
		if !c.caps.Has(wire.ClientDeprecateEOF) && c.rows == nil {
			c.rows = [][][]byte{}
			return nil
		}
		c.done = true
		return nil
	}
	if c.size += len(p); c.size > captureBytes {
		return errCapture
	}
	row := make([][]byte, c.n)
	split := wire.SplitTextRow
	if c.binary {
		split = func(p []byte, row [][]byte) error { return wire.SplitBinaryRow(p, c.cols, row) }
	}
	if err := split(append([]byte(nil), p...), row); err != nil {
		return err
	}
	c.rows = append(c.rows, row)
	return nil
}

// literal is a captured value as SQL.
func (c *capture) literal(row, col int) (string, error) {
	v := value{null: c.rows[row][col] == nil, unsigned: c.cols[col].Flags&wire.FlagUnsigned != 0, typ: c.cols[col].Type, text: string(c.rows[row][col]), bytes: c.rows[row][col]}
	switch {
	case v.null, v.typ.IsInteger():
	case v.typ == wire.TypeFloat && c.binary:
		return "CAST(" + v.literal() + " AS FLOAT)", nil
	case v.typ == wire.TypeBit:
		return "0x" + hex.EncodeToString(v.bytes), nil // a number, and bytes
	case v.typ.IsTemporal(): // of which clients are told that it is binary
		v.charset, v.collation = "latin1", "latin1_swedish_ci"
	default:
		coll := wire.CollationByID(c.cols[col].Collation)
		if coll == nil {
			return "", wire.Errorf(wire.ErUnknown, "a leaf told of an unknown collation %d", c.cols[col].Collation)
		}
		v.charset, v.collation = coll.Charset, coll.Name
	}
	return v.literal(), nil
}
