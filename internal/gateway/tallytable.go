package gateway

import (
	"bytes"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/exec"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// tallyKind is a table of information_schema that tells of tables' rows: the leaf that runs a statement has shapes, which have none. So what the partitions' masters tell,
// added up, is joined to the leaf's own rows, which say what the account may see. Where the shape's word is good it stays: of reference tables, of system tables, of names.
type tallyKind struct {
	// keys are the columns besides TABLE_SCHEMA and TABLE_NAME by which rows are known, as SQL; keyTypes their types.
	keys, keyTypes []string
	told           []toldColumn
	rows           func(ctx context.Context, s *session, r *reach) ([][]any, error)
}

// toldColumn is a column whose values come from all partitions.
type toldColumn struct {
	name, typ string
	// with makes of the value's name what stands for the column; nil where it is the value.
	with func(value string) string
}

const (
	typeCount = "BIGINT(21) UNSIGNED"
	typeEpoch = "BIGINT"
)

func instant(value string) string { return "FROM_UNIXTIME(" + value + ")" }

// earliest: the shape at a leaf that has joined later is younger than the table, and so is a partition that has moved.
func earliest(value string) string {
	return "LEAST(CREATE_TIME,COALESCE(FROM_UNIXTIME(" + value + "),CREATE_TIME))"
}

var sizesTold = []toldColumn{
	{name: "TABLE_ROWS", typ: typeCount}, {name: "AVG_ROW_LENGTH", typ: typeCount}, {name: "DATA_LENGTH", typ: typeCount}, {name: "INDEX_LENGTH", typ: typeCount},
	{name: "DATA_FREE", typ: typeCount}, {"CREATE_TIME", typeEpoch, earliest}, {"UPDATE_TIME", typeEpoch, instant}, {"CHECK_TIME", typeEpoch, instant},
}

// tallied are those tables by name.
var tallied = map[string]*tallyKind{
	"TABLES": {told: append(slices.Clip(sizesTold), toldColumn{name: "AUTO_INCREMENT", typ: typeCount}), rows: tableRows},
	"PARTITIONS": {
		keys: []string{"COALESCE(PARTITION_NAME,'')", "COALESCE(SUBPARTITION_NAME,'')"}, keyTypes: []string{"CHAR(64)", "CHAR(64)"}, told: sizesTold,
		rows: func(ctx context.Context, s *session, r *reach) ([][]any, error) {
			return sizeRows(ctx, s, r, "PARTITIONS")
		},
	},
	"STATISTICS": {
		keys: []string{"INDEX_NAME", "SEQ_IN_INDEX"}, keyTypes: []string{"CHAR(64)", "BIGINT"}, told: []toldColumn{{name: "CARDINALITY", typ: "BIGINT(21)"}},
		rows: cardinalityRows,
	},
}

// needsTallies says whether a statement may read a column that tells of rows. EXPLAIN reads none, and would tell what the node has put in.
func (s *session) needsTallies(scan *sqltext.Scan, stmt *sqltext.Stmt) bool {
	if stmt.Kind == sqltext.KindExplain {
		return false
	}
	var cols []toldColumn
	for _, f := range sqltext.Factors(stmt) {
		if s.tellsOfRows(f.Table) {
			cols = append(cols, tallied[strings.ToUpper(f.Table.Name.Text)].told...)
		}
	}
	if len(cols) == 0 {
		return false
	}
	for _, sel := range sqltext.Selects(stmt) {
		if slices.ContainsFunc(sel.Items, func(i sqltext.SelectItem) bool { return i.Star }) {
			return true
		}
	}
	for i, t := range scan.Tokens {
		if t.Kind != sqltext.Word && t.Kind != sqltext.QuotedID {
			continue
		}
		name := nameAt(scan, int32(i), s.mode())
		if strings.EqualFold(name, "NATURAL") || slices.ContainsFunc(cols, func(c toldColumn) bool { return strings.EqualFold(c.name, name) }) {
			return true
		}
	}
	return false
}

// tallyTable is such a table in a FROM clause, without its alias. told is nil where no column that tells of rows is read.
func (s *session) tallyTable(ctx context.Context, name string, snap *topo.Snapshot, told *reach, where string) (string, error) {
	kind := tallied[name]
	values := map[string]string{}
	join := ""
	if told != nil {
		rows, err := kind.rows(ctx, s, told)
		if err != nil {
			return "", err
		}
		if len(rows) > 0 {
			join = kind.join(rows)
			for i, c := range kind.told {
				value := "w.c" + strconv.Itoa(i)
				if c.with != nil {
					value = c.with(value)
				}
				if slices.Contains(s.g.notNull[name], c.name) {
					values[c.name] = "IFNULL(" + value + "," + c.name + ")"
				} else {
					values[c.name] = "IF(w.d IS NULL," + c.name + "," + value + ")"
				}
			}
		}
	}
	if name == "TABLES" {
		asLinked(snap, values)
	}
	columns := "*"
	if len(values) > 0 {
		cols := slices.Clone(s.g.columns[name])
		for i, c := range cols {
			if v := values[c]; v != "" {
				cols[i] = v + " AS " + c
			}
		}
		columns = strings.Join(cols, ",")
	}
	return "(SELECT " + columns + " FROM information_schema." + name + join + " WHERE " + where + ")", nil
}

// join is rows as something that is joined. MariaDB makes a table with a key of what DISTINCT keeps it from merging, so that it finds a row's companion without reading all.
func (k *tallyKind) join(rows [][]any) string {
	cols, types := []colDef{text("d", 64), text("t", 64)}, []string{"CHAR(64)", "CHAR(64)"}
	on := "w.d=TABLE_SCHEMA AND w.t=TABLE_NAME"
	for i, t := range k.keyTypes {
		c := text("k"+strconv.Itoa(i), 64)
		if t == "BIGINT" {
			c = integer(c.name)
		}
		cols, types = append(cols, c), append(types, t)
		on += " AND w." + c.name + "=" + k.keys[i]
	}
	for i, c := range k.told {
		cols, types = append(cols, integer("c"+strconv.Itoa(i))), append(types, c.typ)
	}
	return " LEFT JOIN (SELECT DISTINCT * FROM " + typedTable(cols, types, rows) + " AS j) AS w ON " + on
}

// counter is the next AUTO_INCREMENT value of a table that counts them itself; nil for none.
func (y *tally) counter() any {
	if y.table.Kind != topo.Single || len(y.parts) != 1 || y.parts[0].auto == 0 {
		return nil
	}
	return y.parts[0].auto
}

// sizeRows are the rows of TABLES and PARTITIONS: names, then sizesTold, and of TABLES the tables' own counters.
func sizeRows(ctx context.Context, s *session, r *reach, from string) (rows [][]any, err error) {
	err = s.toldWhole(ctx, func(snap *topo.Snapshot) (bool, error) {
		all, err := s.g.tallies(ctx, snap, r, from)
		rows = rows[:0]
		whole := true
		for _, y := range all {
			row := []any{y.table.DB, y.table.Name}
			if from == "PARTITIONS" {
				row = append(row, y.part, y.sub)
			}
			unknown := y.unknown || len(y.parts) != partsOf(snap, y.table)
			whole = whole && !unknown
			row = append(row, sizesOf(y.parts, unknown)...)
			if from == "TABLES" {
				row = append(row, y.counter())
			}
			rows = append(rows, row)
		}
		return whole, err
	})
	return rows, err
}

// sizesOf adds up. Of a table that is at some of its partitions only, as while it is dropped, nothing is known.
func sizesOf(parts []partTally, unknown bool) []any {
	if unknown {
		return make([]any, len(sizesTold))
	}
	var sum partTally
	for _, p := range parts {
		sum.rows, sum.data, sum.index, sum.free = sum.rows+p.rows, sum.data+p.data, sum.index+p.index, sum.free+p.free
		if p.created > 0 && (sum.created == 0 || p.created < sum.created) {
			sum.created = p.created
		}
		sum.updated, sum.checked = max(sum.updated, p.updated), max(sum.checked, p.checked)
	}
	average := uint64(0)
	if sum.rows > 0 {
		average = sum.data / sum.rows // as InnoDB reckons it
	}
	return []any{sum.rows, average, sum.data, sum.index, sum.free, orNone(sum.created), orNone(sum.updated), orNone(sum.checked)}
}

func orNone(seconds int64) any {
	if seconds == 0 {
		return nil
	}
	return seconds
}

// tableRows are the rows of TABLES, with the next values of AUTO_INCREMENT, of which the catalog knows.
func tableRows(ctx context.Context, s *session, r *reach) ([][]any, error) {
	rows, err := sizeRows(ctx, s, r, "TABLES")
	if err != nil {
		return nil, err
	}
	snap := s.topology()
	var ids []uint64
	numbered := make([]uint64, len(rows))
	for i, row := range rows {
		if t := snap.Table(valueText(row[0]), valueText(row[1])); t != nil && t.Numbered() {
			numbered[i] = t.ID
			ids = append(ids, t.ID)
		}
	}
	next := s.g.cfg.Catalog.Upcoming(ctx, ids)
	for i := range rows {
		if v := next[numbered[i]]; v > 0 {
			rows[i][len(rows[i])-1] = v
		}
	}
	return rows, nil
}

// cardinalityRows are the rows of STATISTICS.
func cardinalityRows(ctx context.Context, s *session, r *reach) (rows [][]any, err error) {
	err = s.toldWhole(ctx, func(snap *topo.Snapshot) (bool, error) {
		sizes, err := s.g.tallies(ctx, snap, r, "TABLES")
		if err != nil {
			return false, err
		}
		indexes, err := s.g.indexTallies(ctx, snap, r)
		rows = rows[:0]
		whole := true
		for _, c := range cardinalities(sizes, indexes) {
			i := c.of
			row := []any{i.table.DB, i.table.Name, i.index, i.seq, nil}
			if len(i.parts) != partsOf(snap, i.table) {
				whole = false
			} else if c.known {
				row[4] = c.value
			}
			rows = append(rows, row)
		}
		return whole, err
	})
	return rows, err
}

// describedAs is an output that tells of columns of tables of information_schema, for which subqueries stand, as of those themselves.
func (s *session) describedAs(stmt *sqltext.Stmt, src source) exec.Output {
	alias, written, accounts := map[string]string{}, map[string]string{}, map[string]bool{}
	for _, f := range sqltext.Factors(stmt) {
		name := strings.ToUpper(f.Table.Name.Text)
		if s.mysqlFiltered(f.Table) == mysqlSchema+".user" {
			called := f.Table.Name.Text
			if f.Alias.Tok >= 0 {
				called = f.Alias.Text
			}
			accounts[called] = true
		}
		if !s.inInfoSchema(f.Table) || s.g.infoSchema[name] == "" {
			continue
		}
		if f.Alias.Tok >= 0 {
			alias[f.Alias.Text] = name
		} else {
			alias[name], written[name] = name, f.Table.Name.Text // as the subquery is called, and as MariaDB tells of the table
		}
	}
	if len(alias) == 0 && len(accounts) == 0 {
		return src.out
	}
	renamed := map[string]string{} // columns by their aliases, which are what is told of the columns of some subqueries
	for _, it := range itemsOf(stmt.Query) {
		if col, ok := it.Expr.(*sqltext.Column); ok && it.Alias.Tok >= 0 {
			renamed[it.Alias.Text] = col.Name.Text
		}
	}
	return &edited{Output: src.out, prepared: src.prepared, column: func(c *wire.Column) bool {
		if accounts[string(c.Table)] && renamed[string(c.Name)] == "" && bytes.EqualFold(c.Name, c.OrgName) {
			c.Name = c.OrgName // a view's column is called as the view has it
			return true
		}
		table := alias[string(c.Table)]
		if table == "" || len(c.OrgName) == 0 || len(c.Schema) > 0 && string(c.Schema) != "information_schema" {
			return false
		}
		if w := written[string(c.Table)]; w != "" {
			c.Table = []byte(w)
		}
		if name := renamed[string(c.Name)]; name != "" {
			c.OrgName = []byte(name)
		}
		ofInfoSchema(c, table)
		return true
	}}
}

// ofInfoSchema makes a column's definition that of a table's of information_schema, of which expressions and subqueries are told otherwise.
func ofInfoSchema(c *wire.Column, table string) {
	c.OrgTable, c.OrgName = []byte(table), bytes.ToUpper(c.OrgName)
	if len(c.Schema) > 0 {
		return // no expression
	}
	c.Schema = []byte("information_schema")
	c.Flags |= wire.FlagNoDefault
	if c.Type.IsInteger() {
		c.Flags &^= wire.FlagBinary
	} else if c.Type == wire.TypeVarString {
		c.Decimals = 0
	}
}
