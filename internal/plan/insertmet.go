package plan

import (
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// MetDraws say that ON DUPLICATE KEY UPDATE gives rows that are met values of sequences. Only MariaDB knows whether a row is met: each is inserted with an ON DUPLICATE KEY UPDATE that changes nothing and tells of it (Probe), and
// if it was met, once more with the client's, in which the values are then.
type MetDraws struct {
	Draws []MetDraw
	// Bearer is a column that is assigned to.
	Bearer string
}

// MetDraw is a token in whose place a value of a sequence goes.
type MetDraw struct {
	At           int32
	DB, Sequence string
}

// MetRow is the variable of a connection that says which row has met another last.
const MetRow = "@`orbweaver.met`"

// metDraws plans what the session has said of ON DUPLICATE KEY UPDATE.
func (p *planner) metDraws(s *sqltext.Insert, table *topo.Table, moves *KeyMoves) (*MetDraws, error) {
	const what = "NEXTVAL in ON DUPLICATE KEY UPDATE"
	but := ""
	switch {
	case moves != nil:
		but = ", which changes the shard key"
	case table.Kind != topo.Sharded && table.Kind != topo.Single, table.Kind == topo.Single && table.AutoIncrement >= 0:
		but = " of a table that is none of a shard key, or has AUTO_INCREMENT and none"
	case s.Select != nil:
		but = " of a query's rows"
	case p.insertIgnores():
		but = ", with IGNORE"
	case !s.Returning.Empty():
		but = ", with RETURNING"
	case !s.Partition.Empty(), !p.stmt.SetStatement.Empty():
		but = ", with PARTITION or SET STATEMENT"
	case len(table.Triggers) > 0:
		but = " of a table with triggers, which would see a row twice"
	}
	m := &MetDraws{}
	for _, d := range *p.sess.Met {
		if d.At = p.stmt.Span.To - d.At - 1; d.At < 0 || p.scan.Tokens[d.At].KW != sqltext.KwNull {
			return nil, NeedsStage(what + " in this form of statement")
		}
		m.Draws = append(m.Draws, d)
	}
	for i := range s.OnDup {
		if c := table.Column(s.OnDup[i].Column.Name.Text); c >= 0 && m.Bearer == "" && bears(table.Columns[c].Type) && !table.Columns[c].Generated {
			m.Bearer = quoted(table.Columns[c].Name)
		}
	}
	if m.Bearer == "" && but == "" {
		but = " that changes no column of a number, a date or a text"
	}
	if but != "" {
		return nil, NeedsStage(what + but + ": SELECT NEXTVAL of the sequence before, and use the value")
	}
	return m, nil
}

// bears says whether a column of a type may be assigned its own value by way of IF.
func bears(typ string) bool {
	switch typ {
	case "tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "double", "char", "varchar", "binary", "varbinary", "date", "datetime", "time",
		"tinytext", "text", "mediumtext", "longtext", "tinyblob", "blob", "mediumblob", "longblob":
		return true
	}
	return false
}

// Probe stands in the place of the client's ON DUPLICATE KEY UPDATE. It changes nothing, not even what ON UPDATE would.
func (m *MetDraws) Probe(row uint64) string {
	return "ON DUPLICATE KEY UPDATE " + m.Bearer + "=IF((" + MetRow + ":=" + itoa(int(row)) + ")=0," + m.Bearer + "," + m.Bearer + ")"
}
