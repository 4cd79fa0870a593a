package gateway

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/exec"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// value is a variable's or an expression's value, as a leaf tells it.
type value struct {
	null, unsigned     bool
	typ                wire.FieldType
	text               string
	bytes              []byte // of a string, in its own character set
	charset, collation string
}

// literal is the value as SQL that reads the same under every mode and character set.
func (v *value) literal() string {
	switch {
	case v.null:
		return "NULL"
	case v.typ == wire.TypeNewDecimal || v.typ == wire.TypeDecimal:
		if !strings.Contains(v.text, ".") {
			return v.text + "." // or it would be an integer
		}
		return v.text
	case v.typ.IsInteger() && v.unsigned:
		return "CAST(" + v.text + " AS UNSIGNED)"
	case v.typ.IsInteger():
		return v.text
	case v.typ == wire.TypeDouble, v.typ == wire.TypeFloat:
		if strings.ContainsAny(v.text, "eE") {
			return v.text
		}
		return v.text + "e0"
	case v.charset == "":
		return stringLiteral(v.text)
	case v.typ == wire.TypeGeometry && len(v.bytes) > 4: // which is told as it is stored: its reference system, and WKB
		return "ST_GeomFromWKB(x'" + hex.EncodeToString(v.bytes[4:]) + "'," + strconv.FormatUint(uint64(binary.LittleEndian.Uint32(v.bytes)), 10) + ")"
	case v.charset == "binary":
		return "_binary x'" + hex.EncodeToString(v.bytes) + "'"
	}
	return "_" + v.charset + " x'" + hex.EncodeToString(v.bytes) + "' COLLATE " + v.collation
}

// variable is the value for a user variable, which has a type when it is NULL, too.
func (v *value) variable() string {
	switch {
	case !v.null:
		return v.literal()
	case v.typ == wire.TypeNewDecimal || v.typ == wire.TypeDecimal:
		return "CAST(NULL AS DECIMAL(65,30))"
	case v.typ == wire.TypeDouble:
		return "CAST(NULL AS DOUBLE)"
	case v.typ.IsInteger() && v.unsigned:
		return "CAST(NULL AS UNSIGNED)"
	case v.typ.IsInteger():
		return "CAST(NULL AS SIGNED)"
	case v.charset == "" || v.charset == "binary":
		return "NULL"
	}
	return "CONVERT(NULL USING " + v.charset + ") COLLATE " + v.collation
}

// setting is the value for a system variable, which has a type of its own.
func (v *value) setting() string {
	if !v.null && v.typ.IsInteger() {
		return v.text
	}
	return v.literal()
}

func (v *value) uint() uint64 {
	n, err := strconv.ParseUint(v.text, 10, 64)
	if err != nil {
		return 0 // NULL, or negative
	}
	return n
}

// userKey is a user variable's key in the session's state: names are case-insensitive, and may be written in quotes.
func userKey(written string) string {
	name := strings.TrimPrefix(written, "@")
	if n := len(name); n >= 2 && strings.IndexByte("`'\"", name[0]) >= 0 && name[n-1] == name[0] {
		q := name[:1]
		name = strings.ReplaceAll(name[1:n-1], q+q, q)
	}
	return "@" + strings.ToLower(name)
}

// internalCaps is how connections of backend.Internal describe columns.
const internalCaps = wire.Caps(backend.Internal)

// readBack reads variables from the connection that has them. caps are the connection's.
func readBack(ctx context.Context, c *backend.Conn, caps wire.Caps, changes []change) ([]value, error) {
	var b strings.Builder
	b.WriteString("SELECT ")
	for i, ch := range changes {
		if i > 0 {
			b.WriteString(",")
		}
		if ch.user {
			n := ch.name
			b.WriteString(n + ",HEX(" + n + "),CHARSET(" + n + "),COLLATION(" + n + ")")
		} else {
			b.WriteString("@@SESSION." + ch.name)
		}
	}
	cols, row, err := queryRow(ctx, c, caps, b.String())
	if err != nil {
		return nil, err
	}
	out := make([]value, len(changes))
	at := 0
	for i, ch := range changes {
		v := &out[i]
		v.null, v.typ, v.text = row[at] == nil, cols[at].Type, string(row[at])
		v.unsigned = cols[at].Flags&wire.FlagUnsigned != 0
		at++
		if !ch.user {
			continue
		}
		v.give(row[at:])
		at += 3
	}
	return out, nil
}

// give tells a value its HEX, CHARSET and COLLATION.
func (v *value) give(told [][]byte) {
	if v.typ.IsInteger() {
		return
	}
	v.charset, v.collation = string(told[1]), string(told[2])
	if v.null {
		return
	}
	var err error
	if v.bytes, err = hex.DecodeString(string(told[0])); err != nil {
		v.bytes = []byte(v.text) // HEX of a number that is no integer
	}
}

// queryRow runs a query with one row. Of the columns only types and flags last.
func queryRow(ctx context.Context, c *backend.Conn, caps wire.Caps, sql string) (cols []wire.Column, row [][]byte, err error) {
	stop := c.Watch(ctx)
	defer stop()
	if err := c.Send(wire.ComQuery, []byte(sql)); err != nil {
		return nil, nil, err
	}
	var failed error
	for {
		p, err := c.Next()
		if err != nil {
			return nil, nil, err
		}
		switch p.Kind {
		case backend.KindErr:
			failed = p.Err()
		case backend.KindColumn:
			var col wire.Column
			if err := wire.ParseColumn(p.Payload, caps, &col); err != nil {
				return nil, nil, err
			}
			cols = append(cols, wire.Column{Type: col.Type, Flags: col.Flags})
		case backend.KindRow:
			values := make([][]byte, len(cols))
			if err := wire.SplitTextRow(p.Payload, values); err != nil {
				return nil, nil, err
			}
			for i, v := range values {
				if v != nil {
					values[i] = append([]byte{}, v...)
				}
			}
			row = values
		}
		if c.Done() {
			break
		}
	}
	if failed == nil && row == nil {
		failed = wire.Errorf(wire.ErUnknown, "a leaf gave no row for %s", sql)
	}
	return cols, row, failed
}

// and is what the session wants besides of a statement whose triggers assign to user variables.
func (x *extras) and(assigned []string) *extras {
	if len(assigned) == 0 {
		return x
	}
	own := extras{}
	if x != nil {
		own = *x
	}
	own.assigned = slices.Concat(own.assigned, assigned)
	return &own
}

// before is what tells a leaf the session's LAST_INSERT_ID(), where the statement may call LAST_INSERT_ID(x) for some rows, or for none. Where a value may be generated by the node it is 0,
// so that a call shows.
func (s *session) before(p *plan.Plan, x *extras) string {
	switch {
	case !x.setsID:
		return ""
	case p.Insert != nil:
		return "SET last_insert_id=0"
	}
	return "SET last_insert_id=" + strconv.FormatUint(s.last.insertID, 10)
}

// after is what the session reads from the connection that has run its statement.
func (s *session) after(st *exec.Statement, x *extras, found *uint64) func(context.Context, *backend.Conn) error {
	return func(ctx context.Context, c *backend.Conn) error {
		if x.facts&sqltext.HasCalcFoundRows != 0 {
			res, err := c.Query(ctx, "SELECT FOUND_ROWS()")
			if err != nil {
				return err
			}
			v := value{text: string(res.Rows[0][0])}
			*found = v.uint()
		}
		if x.setsID {
			id, err := readID(ctx, c)
			if err != nil {
				return err
			}
			own := st.Plan.Insert == nil && !st.AsksID()
			x.readID = true
			if st.Called = !own && id != 0; own || st.Called {
				s.last.insertID = id
			}
		}
		if len(x.drawn) > 0 {
			if err := s.readLast(ctx, c, x.drawn); err != nil {
				return err
			}
		}
		return s.readAssigned(ctx, c, x.assigned)
	}
}

// first are the user variables to which values are assigned that a write finds before it writes.
func (x *extras) first(p *plan.Plan) []string {
	if x == nil || p.InsertSelect == nil && len(p.Once) == 0 {
		return nil
	}
	return x.assigned
}

// keepAssigned makes what was read the session's. undone: the statement may be run again.
func (s *session) keepAssigned(undone bool) {
	if s.pending != nil && !undone {
		s.tx.SetState(s.pending)
	}
	s.pending = nil
}

// asked is what the session reads from the connection that has run the query by which a write finds its rows or values. assigned are user variables that these assign to; whole:
// what the statement calls LAST_INSERT_ID(x) with is in the query, or else it may be.
func (s *session) asked(x *extras, assigned []string, whole bool) func(context.Context, *backend.Conn) error {
	return func(ctx context.Context, c *backend.Conn) error {
		if len(x.asked) > 0 {
			if err := s.readLast(ctx, c, x.asked); err != nil {
				return err
			}
		}
		if x.setsID {
			id, err := readID(ctx, c)
			if err != nil {
				return err
			}
			x.readID = whole || id != s.last.insertID
			s.last.insertID = id
		}
		return s.readAssigned(ctx, c, assigned)
	}
}

// readID is a connection's LAST_INSERT_ID().
func readID(ctx context.Context, c *backend.Conn) (uint64, error) {
	res, err := c.Query(ctx, "SELECT LAST_INSERT_ID()")
	if err != nil {
		return 0, err
	}
	v := value{text: string(res.Rows[0][0])}
	return v.uint(), nil
}

// readAssigned reads user variables that a statement may have assigned to, unless another part of it has.
func (s *session) readAssigned(ctx context.Context, c *backend.Conn, names []string) error {
	if len(names) == 0 || s.pending != nil {
		return nil
	}
	changes := make([]change, len(names))
	for i, n := range names {
		changes[i] = change{user: true, name: n}
	}
	values, err := readBack(ctx, c, s.out.Caps(), changes)
	if err != nil {
		return err
	}
	state := s.tx.State()
	for i, n := range names {
		key := userKey(n)
		state = state.With(key, "@"+quoteName(key[1:])+"="+values[i].variable())
	}
	s.pending = state
	c.ResetOnRelease()
	return nil
}

// findsToWrite says whether a statement is a write after which FOUND_ROWS() tells of its query, or of RETURNING, in MariaDB's own ways.
func findsToWrite(stmt *sqltext.Stmt) bool {
	switch {
	case stmt.Insert != nil:
		return stmt.Insert.Select != nil || !stmt.Insert.Returning.Empty()
	case stmt.Update != nil:
		return len(stmt.Update.From) != 1 || stmt.Update.From[0].Join != nil
	case stmt.Delete != nil:
		return stmt.Delete.Multi || !stmt.Delete.Returning.Empty()
	}
	return false
}

// fetchWarnings reads the text of a statement's warnings from the connection that ran it.
func (s *session) fetchWarnings(ctx context.Context, c *backend.Conn) error {
	res, err := c.Query(ctx, "SHOW WARNINGS")
	if err != nil {
		return err
	}
	for _, row := range res.Rows {
		s.warnings = append(s.warnings, exec.Note{Level: string(row[0]), Code: string(row[1]), Message: string(row[2])})
	}
	return nil
}
