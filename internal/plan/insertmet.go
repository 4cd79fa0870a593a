package plan

import (
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// MetDraws say that ON DUPLICATE KEY UPDATE gives rows that are met values of sequences, or of subqueries over partitions that hang on them. Only MariaDB knows whether a row is met: each is inserted with an ON DUPLICATE KEY
// UPDATE that changes nothing and tells of it (Probe), and if it was met, once more with the client's, in which the values are then.
type MetDraws struct {
	Draws []MetDraw
	// Reads are found by a query of the row that was met, which Key finds: columns that Probe leaves in the variables MovedKey.
	// Fixed: MariaDB finds it out for the first row that is met, and keeps it.
	Reads []First
	Fixed []bool
	Key   []int
	table *topo.Table
	name  sqltext.Span // as the client writes it
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
	m := &MetDraws{}
	for _, d := range *p.sess.Met {
		if d.At = p.stmt.Span.To - d.At - 1; d.At < 0 || p.scan.Tokens[d.At].KW != sqltext.KwNull {
			return nil, NeedsStage(what + " in this form of statement")
		}
		m.Draws = append(m.Draws, d)
	}
	but := ""
	if m.Bearer, but = p.metBearer(s, table, moves); but != "" {
		return nil, NeedsStage(what + but + ": SELECT NEXTVAL of the sequence before, and use the value")
	}
	return m, nil
}

// metBearer is the column that an ON DUPLICATE KEY UPDATE may assign its own value to, or why rows can't be looked for others that they meet.
func (p *planner) metBearer(s *sqltext.Insert, table *topo.Table, moves *KeyMoves) (bearer, but string) {
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
	if but != "" {
		return "", but
	}
	for i := range s.OnDup {
		if c := table.Column(s.OnDup[i].Column.Name.Text); c >= 0 && bears(table.Columns[c].Type) && !table.Columns[c].Generated {
			return quoted(table.Columns[c].Name), ""
		}
	}
	return "", " that changes no column of a number, a date or a text"
}

// metReads plans subqueries in ON DUPLICATE KEY UPDATE to be found out for each row that is met; nil where that can't be done.
func (p *planner) metReads(s *sqltext.Insert, table *topo.Table, moves *KeyMoves) *MetDraws {
	m := &MetDraws{table: table, name: s.Table.Span, Key: rowKey(table)}
	but := ""
	if m.Bearer, but = p.metBearer(s, table, moves); but != "" || m.Key == nil || p.sess.Met != nil || !p.onceFit() || p.stmt.Facts&sqltext.HasUserVarAssign != 0 {
		return nil
	}
	changing := len(s.Rows) > 1 && p.readsTarget(s.Table, table)
	for i := range s.OnDup {
		list, ok := p.readsOf(s.OnDup[i].Value)
		if !ok {
			return nil
		}
		hangs := p.dependent(s.OnDup[i].Value)
		for _, f := range list {
			for n := f.From; n < f.To; n++ { // the value of a row that was to be inserted is none of the row that is met
				if kw := p.scan.Tokens[n].KW; kw == sqltext.KwValues || kw == sqltext.KwValue {
					return nil
				}
			}
			if slices.ContainsFunc(s.OnDup[:i], func(a sqltext.Assign) bool { return p.reads(f.Span, nil, a.Column.Name.Text, false) }) {
				return nil
			}
			fixed := !hangs && p.isOp(f.From, "(") && p.scan.Tokens[f.From+1].KW == sqltext.KwSelect
			if changing && !fixed { // what MariaDB remembers of earlier rows hangs on its caches
				return nil
			}
			m.Fixed = append(m.Fixed, fixed)
		}
		m.Reads = append(m.Reads, list...)
	}
	return m
}

// readsOf are the largest parts of a value that are truth values with subqueries, or subqueries; not ok when it has others in other things.
func (p *planner) readsOf(e sqltext.Expr) (list []First, ok bool) {
	if !anyExpr(e, isSubquery) {
		return nil, true
	}
	var parts []sqltext.Expr
	switch x := unparen(e).(type) {
	case *sqltext.Subquery, *sqltext.In, *sqltext.Not, *sqltext.IsNull, *sqltext.Between:
		return []First{firstOf(e)}, true
	case *sqltext.Binary:
		if f, is := unparen(x.R).(*sqltext.Func); is && f.Odd {
			return []First{firstOf(e)}, true
		}
		parts = []sqltext.Expr{x.L, x.R}
	case *sqltext.Func:
		if x.Name == "EXISTS" || looksAtType(x) {
			return []First{firstOf(e)}, true
		}
		if parts = x.Args; x.Odd || !x.Over.Empty() {
			return nil, false
		}
	default:
		return nil, false
	}
	for _, part := range parts {
		found, fine := p.readsOf(part)
		if !fine || p.losesType(part) {
			return nil, false
		}
		list = append(list, found...)
	}
	return list, true
}

// dependent says whether a subquery of an expression may name columns of what is around it.
func (p *planner) dependent(e sqltext.Expr) bool {
	return anyExpr(e, func(x sqltext.Expr) bool {
		var q *sqltext.Query
		switch x := x.(type) {
		case *sqltext.Subquery:
			q = x.Query
		case *sqltext.In:
			q = x.Sub
		}
		if q == nil {
			return false
		}
		sub := newPlanner(p.stmt, p.scan, p.snap, p.sess)
		sub.span, sub.stage = q.Span, newStager()
		sub.stage.unsteady = sub.counts
		if _, err := sub.query(q, nil); err != nil {
			return true
		}
		return slices.ContainsFunc(sub.stage.blocks, func(b *block) bool { return !b.closed() })
	})
}

// Query is the text that asks for what some of Reads tell of the row that was met, where finds it.
func (m *MetDraws) Query(scan *sqltext.Scan, asked []First, where string) (text []byte, params []int) {
	text = append(text, "SELECT "...)
	for i := range asked {
		if i > 0 {
			text = append(text, ", "...)
		}
		text = asked[i].Append(text, scan)
		params = appendParams(params, scan, asked[i].Span, nil)
	}
	text = scan.AppendSpan(append(text, " FROM "...), m.name)
	return append(append(append(text, " WHERE "...), where...), " FOR UPDATE"...), params
}

// Target is the table whose rows are met.
func (m *MetDraws) Target() *topo.Table { return m.table }

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
	told := []string{"(" + MetRow + ":=" + itoa(int(row)) + ")=0"}
	for i, c := range m.Key {
		told = append(told, "("+MovedKey(i)+":="+quoted(m.table.Columns[c].Name)+") IS NULL")
	}
	return "ON DUPLICATE KEY UPDATE " + m.Bearer + "=IF(" + strings.Join(told, " XOR ") + "," + m.Bearer + "," + m.Bearer + ")" // XOR looks at all of them
}
