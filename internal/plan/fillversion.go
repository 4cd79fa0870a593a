package plan

import (
	"slices"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// A table's name with PARTITION (…) or FOR SYSTEM_TIME … behind it means other rows than the name alone, and a temporary table has neither partitions nor a history. So the
// clause goes to where the rows are read, and the text that runs on the copies has the name of a copy in the place of both. What stands behind a name in different ways is
// a table each to the stager: a version.

// version is a table as a clause behind its name has it.
type version struct {
	// table is what the stager takes it for: with the copy's name, and with the columns of a history.
	table *topo.Table
	from  *topo.Table
	name  *sqltext.TableName // one of the places where it is named so
	// clause is what stands behind the name there.
	clause  sqltext.Span
	key     string
	history bool
}

// versions are the tables with a clause in a span, by their names' first tokens.
type versions map[int32]*version

// of is the table that a name stands for to the stager.
func (v versions) of(t *sqltext.TableName, table *topo.Table) *topo.Table {
	if v := v[t.Span.From]; v != nil {
		return v.table
	}
	return table
}

// find is the version that a table of the stager's is; nil for a table as it is.
func (v versions) find(table *topo.Table) *version {
	for _, one := range v {
		if one.table == table {
			return one
		}
	}
	return nil
}

// versions finds the tables of a span that have a clause, and what the text that runs on copies has in their places. reason says why that can't be.
func (p *planner) versions(span sqltext.Span) (all versions, edits []Splice, reason string) {
	all = make(versions)
	times := 0
	kinds := make(map[*topo.Table][]*version) // nil for the name alone
	for i := span.From; i < span.To; i++ {
		if p.scan.Tokens[i].KW == sqltext.KwSystemTime {
			times++
		}
	}
	var named []*sqltext.TableRef
	for _, r := range sqltext.Factors(p.stmt) {
		if r.Table == nil || r.Table.CTE || !inside(r.Table.Span, span) {
			continue
		}
		table, _, err := p.lookup(r.Table)
		if err != nil || table == nil || p.snap.Table(table.DB, table.Name) != table {
			continue
		}
		clause := clauseOf(r)
		if clause.Empty() {
			if !slices.Contains(kinds[table], nil) {
				kinds[table] = append(kinds[table], nil)
			}
			continue
		}
		if !r.SystemTime.Empty() {
			if table.Kind == topo.Linked {
				return nil, nil, "FOR SYSTEM_TIME of a linked table"
			}
			if p.byTransaction(table, r.SystemTime) {
				return nil, nil, countedByLeaf
			}
			if times--; !p.steadyPeriod(r.SystemTime) {
				return nil, nil, "FOR SYSTEM_TIME with a time that is not said by values, variables or functions of the time"
			}
		}
		key := p.clauseKey(clause)
		at := slices.IndexFunc(kinds[table], func(v *version) bool { return v != nil && v.key == key })
		if at < 0 {
			at = len(kinds[table])
			kinds[table] = append(kinds[table], &version{table: versionOf(table, !r.SystemTime.Empty()), from: table, name: r.Table, clause: clause, key: key, history: !r.SystemTime.Empty()})
		}
		all[r.Table.Span.From] = kinds[table][at]
		named = append(named, r)
	}
	if times > 0 {
		return nil, nil, "FOR SYSTEM_TIME in a place that the gateway does not understand"
	}
	if len(all) == 0 {
		return nil, nil, ""
	}
	copies := 0
	for _, r := range named {
		v, clause := all[r.Table.Span.From], clauseOf(r)
		if len(kinds[v.from]) == 1 {
			edits = append(edits, Splice{clause.From, clause.To, []Piece{textPiece("")}})
			continue
		}
		if v.name == r.Table { // its own name is another's, too
			copies++
			v.table.Name = "#" + strconv.Itoa(copies)
		}
		text := quoted(v.table.Name)
		if r.Alias.Tok < 0 {
			text += " AS " + quoted(r.Table.Name.Text)
		}
		edits = append(edits, Splice{r.Table.Name.Tok, clause.To, []Piece{textPiece(text)}})
	}
	slices.SortFunc(edits, func(a, b Splice) int { return int(a.From - b.From) })
	return all, edits, ""
}

// clauseOf is PARTITION (…) and FOR SYSTEM_TIME … behind a table's name.
func clauseOf(r *sqltext.TableRef) sqltext.Span {
	switch {
	case r.Partition.Empty():
		return r.SystemTime
	case r.SystemTime.Empty():
		return r.Partition
	}
	return sqltext.Span{From: min(r.Partition.From, r.SystemTime.From), To: max(r.Partition.To, r.SystemTime.To)}
}

// clauseKey is the same for clauses that mean the same whatever the values of literals are, on which no plan may depend.
func (p *planner) clauseKey(s sqltext.Span) string {
	var key strings.Builder
	for i := s.From; i < s.To; i++ {
		switch t := &p.scan.Tokens[i]; t.Kind {
		case sqltext.Word, sqltext.QuotedID, sqltext.Op, sqltext.UserVar:
			key.WriteString(strings.ToLower(p.text(i)))
			key.WriteByte(' ')
		default:
			return "at " + strconv.Itoa(int(s.From))
		}
	}
	return key.String()
}

// periodWords are those of FOR SYSTEM_TIME.
var periodWords = map[sqltext.Keyword]bool{sqltext.KwFor: true, sqltext.KwSystemTime: true, sqltext.KwAll: true, sqltext.KwAs: true, sqltext.KwOf: true, sqltext.KwTimestamp: true,
	sqltext.KwBetween: true, sqltext.KwAnd: true, sqltext.KwFrom: true, sqltext.KwTo: true, sqltext.KwInterval: true}

// periodNames are the units of intervals, and functions that tell a time of another one.
var periodNames = map[string]bool{"FROM_UNIXTIME": true, "DATE_ADD": true, "DATE_SUB": true,
	"MICROSECOND": true, "SECOND": true, "MINUTE": true, "HOUR": true, "DAY": true, "WEEK": true, "MONTH": true, "QUARTER": true, "YEAR": true}

// steadyPeriod says that a FOR SYSTEM_TIME means the same wherever and however often it is read. A number of a transaction means one at each leaf.
func (p *planner) steadyPeriod(s sqltext.Span) bool {
	for i := s.From; i < s.To; i++ {
		switch t := &p.scan.Tokens[i]; t.Kind {
		case sqltext.Op, sqltext.String, sqltext.Number, sqltext.Param:
			if p.isOp(i, ":=") {
				return false
			}
		case sqltext.UserVar:
			if p.stmt.Facts&sqltext.HasUserVarAssign != 0 {
				return false
			}
		case sqltext.Word:
			name := strings.ToUpper(p.text(i))
			if !periodWords[t.KW] && !periodNames[name] && !clockFunctions[name] {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// DELETE HISTORY is in the log as it was written, and a replica looks the time or the number up among transactions of its own.
const countedByReplica = "DELETE HISTORY … BEFORE of versions by a transaction's number, of which replicas have others: leave BEFORE out, or say ROW START and ROW END TIMESTAMP(6)"

const countedByLeaf = "versions by a transaction's number, which each leaf counts by itself: say TIMESTAMP"

// byTransaction says whether a FOR SYSTEM_TIME may tell versions by the number of a transaction, of a table that has rows at several leaves.
func (p *planner) byTransaction(t *topo.Table, s sqltext.Span) bool {
	if s.Empty() || t.Temporary || t.Kind == topo.Single || !countsTransactions(t) {
		return false
	}
	number, time := false, false
	for i := s.From; i < s.To; i++ {
		t := &p.scan.Tokens[i]
		if t.KW == sqltext.KwTransaction {
			return true
		}
		time = time || t.KW == sqltext.KwTimestamp
		number = number || t.Kind == sqltext.Number || t.Kind == sqltext.UserVar || t.Kind == sqltext.Param
	}
	return number && !time
}

// countsTransactions says whether a table's versions are told apart by the numbers of transactions.
func countsTransactions(t *topo.Table) bool {
	return slices.ContainsFunc(t.Columns, func(c topo.Column) bool { return ofPeriod(&c) && c.Type == "bigint" })
}

// HistoryColumns are those of a history that nobody has named. All unique keys end with the second.
var HistoryColumns = [2]string{"row_start", "row_end"}

// HistoryColumn is one of HistoryColumns.
func HistoryColumn(name string) topo.Column {
	return topo.Column{Name: name, Type: "timestamp", FullType: "timestamp(6)", Scale: 6, Invisible: true}
}

// versionOf is a table as the stager has it. history: rows that are no more are there, so that keys are unique only together with the time when they ended.
func versionOf(t *topo.Table, history bool) *topo.Table {
	v := *t
	if v.Kind == topo.Reference { // its rows are those of no reference table
		v.Kind = topo.Keyless
	}
	if !history || slices.ContainsFunc(t.Columns, func(c topo.Column) bool { return ofPeriod(&c) }) {
		return &v
	}
	end := len(t.Columns) + 1
	v.Columns = slices.Clone(t.Columns)
	for _, name := range HistoryColumns {
		v.Columns = append(v.Columns, HistoryColumn(name))
	}
	v.Unique = make([][]int, len(t.Unique))
	for i, key := range t.Unique {
		v.Unique[i] = append(slices.Clone(key), end)
	}
	return &v
}

// ofPeriod says whether a column is ROW START or ROW END: no other generated column can be NOT NULL.
func ofPeriod(c *topo.Column) bool { return c.Generated && !c.Nullable }
