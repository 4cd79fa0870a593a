package gateway

import (
	"context"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// passwordColumn is the column of mysql.servers that no leaf has, and where it stands among the others.
const (
	passwordColumn = "Password"
	passwordAt     = 4
)

// serverRows is INSERT, REPLACE, UPDATE and DELETE of rows of mysql.servers. A leaf runs it as it runs statements on servers, with what stands for passwords in their
// places: rows may be renamed and copied, and passwords go with them.
func (s *session) serverRows(ctx context.Context, scan *sqltext.Scan, stmt *sqltext.Stmt, snap *topo.Snapshot, src source) error {
	const what = "Writing to mysql.servers"
	insteadOf := "; CREATE SERVER, ALTER SERVER and DROP SERVER do the same"
	if s.tables {
		return errLocked()
	}
	switch {
	case stmt.Insert == nil && stmt.Update == nil && stmt.Delete == nil:
		return unsupported(what, "by other statements than INSERT, REPLACE, UPDATE and DELETE"+insteadOf)
	case !slices.ContainsFunc(stmt.Tables, s.inServers) || slices.ContainsFunc(stmt.Tables, func(t *sqltext.TableName) bool { return !t.CTE && !s.inServers(t) }):
		return unsupported(what, "in a statement on other tables"+insteadOf)
	case stmt.Facts&(sqltext.HasUserVar|sqltext.HasUserVarAssign|sqltext.HasStoredCall|sqltext.HasSequence) != 0:
		return unsupported(what, "with user variables, stored functions or sequences"+insteadOf)
	case stmt.Insert != nil && !stmt.Insert.Returning.Empty(), stmt.Delete != nil && !stmt.Delete.Returning.Empty():
		return unsupported(what, "with RETURNING"+insteadOf)
	}
	if err := s.needsCatalog(what); err != nil {
		return err
	}
	m := passwordMarks{scan: scan, mode: s.mode(), args: src.args, at: passwordAt}
	if err := m.statement(stmt); err != nil {
		return err
	}
	for i, t := range scan.Tokens {
		if t.Kind != sqltext.Param {
			continue
		}
		n := m.param
		if m.param++; n >= len(src.args) {
			return wire.Errorf(wire.ErWrongArguments, "Incorrect arguments to EXECUTE")
		}
		if !slices.ContainsFunc(m.edits, func(e edit) bool { return e.from == int32(i) }) {
			m.edits = append(m.edits, edit{int32(i), int32(i) + 1, paramLiteral(&src.args[n], s.charset.connection)})
		}
	}
	for _, p := range m.passwords {
		if err := s.fitPassword(what, p); err != nil {
			return err
		}
	}
	slices.SortFunc(m.edits, func(a, b edit) int { return int(a.from - b.from) })
	return s.changed(ctx, &serverChange{text: string(apply(scan, m.edits)), passwords: m.passwords, rows: true}, snap, src)
}

// passwordMarks finds the passwords in a statement on rows of mysql.servers, and what stands for them.
type passwordMarks struct {
	scan      *sqltext.Scan
	mode      sqltext.Mode
	args      []wire.Param
	at        int // where the column stands
	param     int
	edits     []edit
	passwords []string
	// known are the tokens at which the column is spoken of in a way that needs no password.
	known []int32
}

// statement finds all passwords that a statement gives, and refuses one that needs to know others.
func (m *passwordMarks) statement(stmt *sqltext.Stmt) error {
	var set []sqltext.Assign
	switch {
	case stmt.Update != nil:
		set = stmt.Update.Set
	case stmt.Insert != nil:
		set = slices.Concat(stmt.Insert.Set, stmt.Insert.OnDup)
		at := m.at
		if !stmt.Insert.ColumnsSpan.Empty() {
			at = slices.IndexFunc(stmt.Insert.Columns, func(n sqltext.Name) bool { return strings.EqualFold(n.Text, passwordColumn) })
			if at >= 0 {
				m.known = append(m.known, stmt.Insert.Columns[at].Tok)
			}
		}
		for _, row := range stmt.Insert.Rows {
			if len(stmt.Insert.Set) == 0 && at >= 0 && at < len(row) {
				if err := m.value(row[at]); err != nil {
					return err
				}
			}
		}
		if err := m.query(stmt.Insert.Select, at); err != nil {
			return err
		}
	}
	for _, a := range set {
		if strings.EqualFold(a.Column.Name.Text, passwordColumn) {
			m.known = append(m.known, a.Column.Name.Tok)
			if err := m.value(a.Value); err != nil {
				return err
			}
		}
	}
	for i, t := range m.scan.Tokens {
		if t.Kind != sqltext.Word && t.Kind != sqltext.QuotedID || !strings.EqualFold(nameAt(m.scan, int32(i), m.mode), passwordColumn) {
			continue
		}
		if !slices.Contains(m.known, int32(i)) {
			return unsupported("Writing to mysql.servers", "where it depends on passwords, which are in the catalog alone")
		}
	}
	return nil
}

// query reads what a query gives for the column, which is the one at a place.
func (m *passwordMarks) query(q *sqltext.Query, at int) error {
	switch {
	case q == nil || at < 0:
		return nil
	case q.Left != nil:
		if err := m.query(q.Left, at); err != nil {
			return err
		}
		return m.query(q.Right, at)
	case q.Select == nil:
		return errNoPassword
	case len(q.Select.Items) > at && !slices.ContainsFunc(q.Select.Items[:at+1], func(i sqltext.SelectItem) bool { return i.Star }):
		return m.value(q.Select.Items[at].Expr)
	}
	return nil
}

// value reads what the column is set to: a string or a number by itself, or something that has a row's own password, or none.
func (m *passwordMarks) value(e sqltext.Expr) error {
	password := ""
	var tok int32
	switch v := sqltext.Unparen(e).(type) {
	case *sqltext.Column: // of another row, or of its own
		if !strings.EqualFold(v.Name.Text, passwordColumn) {
			return errNoPassword
		}
		m.known = append(m.known, v.Name.Tok)
		return nil
	case *sqltext.Func: // VALUES (Password), behind ON DUPLICATE KEY UPDATE
		if len(v.Args) == 1 && (v.Name == "VALUES" || v.Name == "VALUE") {
			return m.value(v.Args[0])
		}
		return errNoPassword
	case *sqltext.Literal:
		switch v.Kind {
		case sqltext.LitNull, sqltext.LitDefault:
			return nil
		case sqltext.LitString, sqltext.LitNumber:
		default:
			return errNoPassword
		}
		if v.Neg {
			return errNoPassword
		}
		tok, password = v.Tok, nameAt(m.scan, v.Tok, m.mode)
	case *sqltext.ParamRef:
		tok = v.Span.To - 1
		if v.Neg || v.Index >= len(m.args) {
			return errNoPassword
		}
		switch p := &m.args[v.Index]; {
		case p.Null:
			m.edits = append(m.edits, edit{tok, tok + 1, "NULL"})
			return nil
		case len(p.Bytes) == 0 && p.Type.IsInteger():
			return errNoPassword
		default:
			password = string(p.Bytes)
		}
	default:
		return errNoPassword
	}
	if password == "" {
		m.edits = append(m.edits, edit{tok, tok + 1, "''"})
		return nil
	}
	m.edits = append(m.edits, edit{tok, tok + 1, "'" + newPassword(len(m.passwords)) + "'"})
	m.passwords = append(m.passwords, password)
	return nil
}

var errNoPassword = unsupported("Writing to mysql.servers", "with a password that is not a string by itself: no leaf is to be told one")
