package trigger

import (
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// ForNode judges a trigger that may not be at partitions as one that nodes run, statement by statement, for each row. So it may do what a procedure may, but for what hangs on when a value comes to a row. It fills in what of tr its text tells. known says whether it could be one: its error is the reason then why it is refused.
func ForNode(tr *topo.Trigger, table *topo.Table, lookup Lookup, functions Functions) (known bool, err error) {
	j, d, err := read(tr, table, lookup, functions)
	if err != nil {
		return false, nil
	}
	if j.t.Odd != "" || slices.Contains(strings.Split(tr.SQLMode, ","), "ORACLE") {
		return false, nil
	}
	switch table.Kind {
	case topo.Sharded, topo.Keyless, topo.Single:
	default:
		return false, nil
	}
	row, err := j.row()
	if err == nil {
		err = j.early(row)
	}
	if err != nil {
		return true, err
	}
	oneRow := true
	for _, n := range j.t.Tables {
		if n.CTE {
			continue
		}
		if n.DB.Tok >= 0 && n.DB.Text != table.DB {
			return true, refuse("table '%s.%s' in a trigger: it is in another database", n.DB.Text, n.Name.Text)
		}
		if _, view := lookup(n.Name.Text); view {
			return true, refuse("view '%s' in a trigger: name its tables", n.Name.Text)
		}
		j.out.Reads = append(j.out.Reads, n.Name.Text)
	}
	for _, s := range j.t.Stmts {
		switch {
		case s.Insert != nil && s.Insert.Table != nil:
			j.out.Writes = append(j.out.Writes, s.Insert.Table.Name.Text)
			oneRow = oneRow && s.Insert.Select == nil && len(s.Insert.Rows) <= 1
		case s.Kind != sqltext.KindSelect:
			j.out.Writes = append(j.out.Writes, changedBy(s)...)
			oneRow = false
		}
	}
	if !oneRow && slices.ContainsFunc(j.t.Handled, func(h string) bool { return !ofNoRow(h) }) {
		// Of a statement that fails in a trigger MariaDB keeps the rows that it has changed before.
		return true, refuse("a handler but for NOT FOUND in a trigger that writes elsewhere more than a row of VALUES by a statement: leave the error to the statement that fires it")
	}
	for _, c := range j.t.Calls {
		if c.DB.Tok >= 0 && c.DB.Text != table.DB {
			return true, refuse("stored function '%s.%s' in a trigger: it is in another database", c.DB.Text, c.Name.Text)
		}
		j.out.Calls = append(j.out.Calls, strings.ToLower(c.Name.Text))
	}
	for i := j.t.Body.From; i < j.t.Body.To; i++ {
		if j.scan.Tokens[i].Kind == sqltext.UserVar {
			j.out.Variables = true
			if j.t.Facts&sqltext.HasUserVarAssign != 0 {
				j.out.Assigns = append(j.out.Assigns, string(j.scan.Bytes(i)))
			}
		}
	}
	for _, names := range []*[]string{&j.out.Reads, &j.out.Writes, &j.out.Calls} {
		slices.Sort(*names)
		*names = slices.Compact(*names)
	}
	j.out.AtNode, j.out.Part = true, j.part(d)
	*tr = *j.out
	return true, nil
}

// changedBy are the tables that an UPDATE or DELETE names beside what it reads by subqueries.
func changedBy(s *sqltext.Stmt) (out []string) {
	var from []sqltext.TableRef
	switch {
	case s.Update != nil:
		from = s.Update.From
	case s.Delete != nil:
		from = s.Delete.From
	}
	sqltext.WalkTables(from, func(r *sqltext.TableRef) {
		if r.Table != nil && !r.Table.CTE {
			out = append(out, r.Table.Name.Text)
		}
	})
	return out
}

// early refuses a BEFORE trigger that would see, or set, what MariaDB gives a row only afterwards.
func (j *judge) early(row []RowColumn) error {
	if j.t.Timing != "BEFORE" || j.t.Event == "DELETE" {
		return nil
	}
	for _, r := range row {
		c := &j.table.Columns[r.Column]
		switch {
		case r.Old:
		case j.t.Event == "INSERT" && r.Column == j.table.AutoIncrement:
			return refuse("NEW.%s in a BEFORE INSERT trigger that nodes run: MariaDB has not given the AUTO_INCREMENT value then. Make it an AFTER INSERT trigger", c.Name)
		case c.Generated:
			return refuse("NEW.%s, a generated column, in a BEFORE trigger that nodes run: make it an AFTER trigger", c.Name)
		case r.Assigned && (slices.Contains(j.table.ShardKey, r.Column) || r.Column == j.table.AutoIncrement):
			return refuse("SET of NEW.%s, a column of the shard key or AUTO_INCREMENT: the row would belong to another partition", c.Name)
		}
	}
	return nil
}

// RowColumn is a column of the row that fires a trigger.
type RowColumn struct {
	Old    bool
	Column int
	// Assigned: the trigger sets it.
	Assigned bool
	// Tokens are where the trigger names it, three tokens each.
	Tokens []int32
}

// row are the columns of NEW and OLD that a trigger names.
func (j *judge) row() (out []RowColumn, err error) {
	for i := j.t.Body.From; i < j.t.Body.To; i++ {
		old := strings.EqualFold(j.name(i), "OLD")
		if !old && !strings.EqualFold(j.name(i), "NEW") || !j.op(i+1, '.') {
			continue
		}
		if j.op(i-1, '.') || j.op(i+3, '.') {
			return nil, refuse("a column with its database's name in a trigger: leave the database's name out")
		}
		c := j.table.Column(j.name(i + 2))
		if c < 0 {
			return nil, refuse("%s.%s, of which '%s' has no column", strings.ToUpper(j.name(i)), j.name(i+2), j.table.Name)
		}
		at := slices.IndexFunc(out, func(r RowColumn) bool { return r.Old == old && r.Column == c })
		if at < 0 {
			at = len(out)
			out = append(out, RowColumn{Old: old, Column: c, Assigned: !old && slices.ContainsFunc(j.t.Assigns, func(a sqltext.Assign) bool { return j.table.Column(a.Column.Name.Text) == c })})
		}
		out[at].Tokens = append(out[at].Tokens, i)
	}
	return out, nil
}

// Program is a trigger that nodes run as the text of a procedure, with the columns of the row that it names for parameters. typed is the type of a variable for a column.
func Program(tr *topo.Trigger, table *topo.Table, typed func(*topo.Column) string) (text string, row []RowColumn, err error) {
	j, _, err := read(tr, table, func(string) (*topo.Table, bool) { return nil, false }, nil)
	if err != nil {
		return "", nil, err
	}
	if row, err = j.row(); err != nil {
		return "", nil, err
	}
	type splice struct {
		at   int32
		name string
	}
	var all []splice
	var out []byte
	out = append(out, "CREATE PROCEDURE "+quote(tr.Name)+"("...)
	for i, r := range row {
		c := &table.Columns[r.Column]
		name := "NEW." + c.Name
		if r.Old {
			name = "OLD." + c.Name
		}
		if i > 0 {
			out = append(out, ", "...)
		}
		out = append(out, "IN "+quote(name)+" "+typed(c)...)
		for _, t := range r.Tokens {
			all = append(all, splice{t, quote(name)})
		}
	}
	out = append(out, ") "...)
	slices.SortFunc(all, func(a, b splice) int { return int(a.at - b.at) })
	at := j.t.Body.From
	for _, s := range all {
		out = j.scan.AppendSpan(out, sqltext.Span{From: at, To: s.at})
		out = append(out, " "+s.name+" "...)
		at = s.at + 3
	}
	return string(j.scan.AppendSpan(out, sqltext.Span{From: at, To: j.t.Body.To})), row, nil
}
