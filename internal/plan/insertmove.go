package plan

import (
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// KeyMoves says that ON DUPLICATE KEY UPDATE may change the shard key of the row that is met. Every unique key holds the shard key, so that this row is in the new row's partition: it
// is changed there, and goes where it belongs then. Whether a row is met hangs on those before it: they are written one by one.
type KeyMoves struct {
	// Columns of the shard key are given other values.
	Columns []int
	// Point is where Text goes (before this token): an assignment that changes nothing, and leaves what the shard key has become in user variables of the connection.
	Point int32
	Text  string
	// Ignores: a row that can't move stays as it was. Told: the answer has rows, and does not tell whether a row was met; the first column of the shard key is not NULL then.
	Ignores, Told bool
	// Reason says what the statement does, for errors.
	Reason string
}

// MovedKey is the name of the variable that the nth column of the shard key is left in.
func MovedKey(n int) string { return "@`orbweaver.moved." + itoa(n) + "`" }

// onDuplicate finds the columns of the shard key that ON DUPLICATE KEY UPDATE changes, by any form but those that keep what is there.
func (p *planner) onDuplicate(s *sqltext.Insert, table *topo.Table) (*KeyMoves, error) {
	if err := p.defaulted(table, s.OnDup); err != nil {
		return nil, err
	}
	m := &KeyMoves{}
	for i := range s.OnDup {
		a := &s.OnDup[i]
		col := table.Column(a.Column.Name.Text)
		if col < 0 || !inKey(table, col) || keepsColumn(a.Value, table.Columns[col].Name) {
			continue
		}
		m.Columns = append(m.Columns, col)
	}
	if len(m.Columns) == 0 {
		return nil, nil
	}
	m.Ignores, m.Told = p.insertIgnores(), !s.Returning.Empty()
	m.Reason = "ON DUPLICATE KEY UPDATE of the shard key column '" + table.Columns[m.Columns[0]].Name + "'"
	but := ""
	switch {
	case p.sess.Simultaneous: // Text would be told the values of before
		but = " under sql_mode=SIMULTANEOUS_ASSIGNMENT"
	case table.Kind != topo.Sharded:
		but = " of a linked table"
	case p.insertIgnores() && !s.Returning.Empty():
		but = ", with IGNORE and RETURNING"
	case !s.Returning.Empty() && table.Columns[table.ShardKey[0]].Nullable:
		but = ", with RETURNING, where it may be NULL"
	case !s.Partition.Empty(), !p.stmt.SetStatement.Empty():
		but = ", with PARTITION or SET STATEMENT"
	case slices.ContainsFunc(table.Triggers, func(t topo.Trigger) bool { return t.Event != "UPDATE" }):
		but = " of a table with triggers of INSERT or DELETE, which would see a DELETE and an INSERT"
	}
	for _, c := range table.ShardKey {
		if table.Columns[c].Type == "bit" {
			but = ", where the shard key has a BIT"
		}
	}
	if but != "" {
		return nil, NeedsStage(m.Reason + but)
	}
	// The column that bears the assignment is one that is assigned to anyway: assigning to others might keep ON UPDATE from it.
	bearer := quoted(table.Columns[m.Columns[0]].Name)
	var told []string
	for k, c := range table.ShardKey {
		told = append(told, "("+MovedKey(k)+":="+quoted(table.Columns[c].Name)+") IS NULL")
	}
	m.Point = s.OnDup[len(s.OnDup)-1].Span.To
	m.Text = "," + bearer + "=IF(" + strings.Join(told, " XOR ") + "," + bearer + "," + bearer + ")" // XOR looks at all of them
	return m, nil
}

// insertIgnores says whether INSERT has IGNORE.
func (p *planner) insertIgnores() bool {
	for i := p.stmt.Span.From; i < min(p.stmt.Span.From+4, int32(len(p.scan.Tokens))); i++ {
		if p.scan.Tokens[i].KW == sqltext.KwIgnore {
			return true
		}
	}
	return false
}

// keepsColumn says whether a value is the column's own, the one that is being inserted, or LAST_INSERT_ID of the former.
func keepsColumn(e sqltext.Expr, name string) bool {
	switch x := unparen(e).(type) {
	case *sqltext.Column:
		return strings.EqualFold(x.Name.Text, name)
	case *sqltext.Func:
		switch strings.ToUpper(x.Name) {
		case "VALUES", "VALUE", "LAST_INSERT_ID":
			return len(x.Args) == 1 && keepsColumn(x.Args[0], name)
		}
	}
	return false
}

// Splice puts Text into the statement.
func (m *KeyMoves) Splice() Splice {
	return Splice{From: m.Point, To: m.Point, Pieces: []Piece{{Text: m.Text}}}
}
