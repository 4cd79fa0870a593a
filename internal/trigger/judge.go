package trigger

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// ErrUnproven is what all refusals wrap.
var ErrUnproven = errors.New("the trigger can't be shown to stay within a partition")

// Error is why a trigger is refused.
type Error struct{ Reason string }

// Error is the reason.
func (e *Error) Error() string { return e.Reason }

// Unwrap lets errors.Is find ErrUnproven.
func (e *Error) Unwrap() error { return ErrUnproven }

func refuse(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...)} }

// Lookup finds what has a name in the table's database: a table, or a view; neither where there is nothing.
type Lookup func(name string) (t *topo.Table, view bool)

// judge is one judgement under way.
type judge struct {
	scan   *sqltext.Scan
	t      *sqltext.Trigger
	table  *topo.Table
	lookup Lookup
	// functions finds those that it may call; function: it is one itself. oneLeaf: one that is called where one leaf runs all of the statement, on copies of the tables that it reads.
	functions Functions
	function  bool
	oneLeaf   bool
	out       *topo.Trigger
	// selects and tables are how many of them the judgement has met.
	selects, tables int
}

// Judge says what a trigger of a table touches, and how it is made at partitions: it fills in what of tr its text, which is given with its sql_mode, tells.
func Judge(tr *topo.Trigger, table *topo.Table, lookup Lookup, functions Functions) error {
	j, d, err := read(tr, table, lookup, functions)
	if err != nil {
		return err
	}
	if err := j.all(); err != nil {
		return err
	}
	j.out.Part = j.part(d)
	*tr = *j.out
	return nil
}

// read reads a trigger's text.
func read(tr *topo.Trigger, table *topo.Table, lookup Lookup, functions Functions) (*judge, *sqltext.DDL, error) {
	scan := new(sqltext.Scan)
	mode := Mode(tr.SQLMode)
	if err := scan.Scan([]byte(tr.Text), mode); err != nil || scan.More {
		return nil, nil, refuse("its text can't be read")
	}
	stmt, err := sqltext.Parse(scan, mode)
	if err != nil || stmt.DDL == nil || stmt.DDL.Trigger == nil || len(stmt.DDL.Tables) != 1 {
		return nil, nil, refuse("its text can't be read")
	}
	named := func(n *sqltext.TableName, is string) bool {
		return n.Name.Text == is && (n.DB.Tok < 0 || n.DB.Text == table.DB)
	}
	if d := stmt.DDL; d.Verb != "CREATE" || d.Object != "TRIGGER" || !named(&d.Program, tr.Name) || !named(d.Tables[0], table.Name) {
		return nil, nil, refuse("its text is another one's")
	}
	out := topo.Trigger{Name: tr.Name, Text: tr.Text, SQLMode: tr.SQLMode, Charset: tr.Charset, Collation: tr.Collation, Created: tr.Created, Definer: tr.Definer}
	j := &judge{scan: scan, t: stmt.DDL.Trigger, table: table, lookup: lookup, functions: functions, out: &out}
	out.Timing, out.Event = j.t.Timing, j.t.Event
	return j, stmt.DDL, nil
}

// Mode is how texts are read under a sql_mode.
func Mode(sqlMode string) sqltext.Mode {
	has := func(word string) bool { return slices.Contains(strings.Split(sqlMode, ","), word) }
	return sqltext.Mode{ANSIQuotes: has("ANSI_QUOTES"), NoBackslashEscapes: has("NO_BACKSLASH_ESCAPES"), PipesAsConcat: has("PIPES_AS_CONCAT"),
		HighNotPrecedence: has("HIGH_NOT_PRECEDENCE"), IgnoreSpace: has("IGNORE_SPACE"), Oracle: has("ORACLE")}
}

func (j *judge) all() error {
	if j.table.Kind == topo.Linked {
		return refuse("the rows of a linked table are at other servers: make the trigger there")
	}
	if slices.Contains(strings.Split(j.out.SQLMode, ","), "ORACLE") {
		return refuse("sql_mode ORACLE, whose programs are not read: set another one before CREATE TRIGGER")
	}
	if j.t.Odd != "" {
		return refuse("%s in a trigger: it may have %s", j.t.Odd, j.bodies())
	}
	if err := j.words(); err != nil {
		return err
	}
	if err := j.calls(); err != nil {
		return err
	}
	if err := j.handlers(); err != nil {
		return err
	}
	for i := range j.t.Assigns {
		a := &j.t.Assigns[i]
		at := j.table.Column(a.Column.Name.Text)
		switch {
		case slices.Contains(j.table.ShardKey, at):
			return refuse("SET of NEW.%s, a column of the shard key: the row would belong to another partition", a.Column.Name.Text)
		case at >= 0 && at == j.table.AutoIncrement && !j.inOne():
			return refuse("SET of NEW.%s, an AUTO_INCREMENT column: its values are given before", a.Column.Name.Text)
		}
		if err := j.expr(a.Value); err != nil {
			return err
		}
	}
	if err := j.exprs(j.t.Exprs...); err != nil {
		return err
	}
	for _, s := range j.t.Stmts {
		if err := j.statement(s); err != nil {
			return err
		}
	}
	selects := 0
	for i := j.t.Body.From; i < j.t.Body.To; i++ {
		if t := j.scan.Tokens[i]; t.Kind == sqltext.Word && t.KW == sqltext.KwSelect {
			selects++
		}
	}
	if selects != j.selects || len(j.t.Tables) != j.tables {
		return refuse("a query that is not understood in a trigger: write its condition out, with plain tables in FROM")
	}
	for _, name := range j.out.Writes {
		if t, _ := j.lookup(name); t != nil && slices.ContainsFunc(t.Triggers, func(tr topo.Trigger) bool { return tr.AtNode }) {
			return refuse("a write to table '%s' in a trigger: it has triggers that nodes run", name)
		}
	}
	slices.Sort(j.out.Assigns)
	j.out.Assigns = slices.Compact(j.out.Assigns)
	slices.Sort(j.out.Reads)
	slices.Sort(j.out.Writes)
	slices.Sort(j.out.References)
	j.out.Reads, j.out.Writes, j.out.References = slices.Compact(j.out.Reads), slices.Compact(j.out.Writes), slices.Compact(j.out.References)
	return nil
}

// inOne says whether all rows of the table are in one partition, and with them those of others of its kind. MariaDB counts their AUTO_INCREMENT values.
func (j *judge) inOne() bool { return j.table.Kind == topo.Single }

func (j *judge) bodies() string {
	const bodies = "SET NEW.column, its own variables, IF, CASE, loops, cursors, handlers, SIGNAL, SELECT … INTO variables, and INSERT, REPLACE, UPDATE and DELETE of rows of "
	switch {
	case j.function:
		return "RETURN, its own variables, IF, CASE, loops, cursors, handlers, SIGNAL and SELECT … INTO variables of rows of tables of its database"
	case j.everywhere():
		return bodies + "reference tables"
	}
	if j.inOne() {
		return bodies + "tables that are in the same partition"
	}
	return bodies + "the same shard key"
}

// fine are the facts of a text that say nothing of a place, a session or a call.
const fine = sqltext.HasSubquery | sqltext.HasTimeFunction | sqltext.HasInto | sqltext.HasForUpdate | sqltext.HasWindow

// words looks at each token of the body, whatever the parser has made of it.
func (j *judge) words() error {
	place, fine := "partition", fine
	if !j.function {
		fine |= sqltext.HasUserVar | sqltext.HasUserVarAssign | sqltext.HasPlaceFunction
	}
	if !j.everywhere() { // what differs by call does so for each row, at one server, too
		fine |= sqltext.HasNondeterministic
	}
	if j.everywhere() {
		place = "leaf"
	}
	if j.oneLeaf {
		fine |= sqltext.HasNondeterministic
	}
	differ := "its value would hang on the " + place + ", the session or the call, and so would what the trigger does: give it with the statement, as a column's value"
	scan := j.scan
	auto := ""
	if j.t.Timing == "BEFORE" && j.t.Event == "INSERT" && j.table.AutoIncrement >= 0 && !j.inOne() {
		auto = j.table.Columns[j.table.AutoIncrement].Name
	}
	assigns := j.t.Facts&sqltext.HasUserVarAssign != 0
	if assigns && !j.function && j.everywhere() {
		return refuse("an assignment to a user variable in a trigger of a reference table, which every leaf runs: DECLARE a variable")
	}
	for i := j.t.Body.From; i < j.t.Body.To; i++ {
		switch scan.Tokens[i].Kind {
		case sqltext.UserVar:
			if j.function {
				return refuse("user variable %s in a trigger: the session's are not at its %s. DECLARE one", scan.Bytes(i), place)
			}
			j.out.Variables = true
			if assigns {
				j.out.Assigns = append(j.out.Assigns, string(scan.Bytes(i)))
			}
		case sqltext.SysVar:
			if j.alikeVariable(i) {
				continue
			}
			return refuse("system variable %s in a trigger: %s", scan.Bytes(i), differ)
		case sqltext.Param:
			return refuse("a ? in a trigger")
		}
		n := j.name(i)
		if n == "" {
			continue
		}
		upper := strings.ToUpper(n)
		if j.op(i+1, '(') && (upper == "USER" || upper == "SESSION_USER" || upper == "SYSTEM_USER") {
			j.out.Account = true
		}
		seeded := upper == "RAND" && !j.op(i+2, ')') && !j.inOne() && !j.function // one row's value is made from that of the row before
		if j.op(i+1, '(') && !j.op(i-1, '.') && (placed[upper] || seeded || sqltext.FactsOf(upper)&^fine != 0 && !(j.function && sqltext.FactsOf(upper) == sqltext.HasDatabaseFunc) || upper == "LAST_INSERT_ID") {
			return refuse("function %s in a trigger: %s", upper, differ)
		}
		if j.op(i+1, '.') && j.name(i+2) != "" && !j.function {
			switch row := upper == "NEW" || upper == "OLD"; {
			case j.op(i+3, '.'):
				return refuse("a column with its database's name in a trigger: leave the database's name out")
			case auto != "" && upper == "NEW" && strings.EqualFold(j.name(i+2), auto):
				return refuse("NEW.%s in a BEFORE INSERT trigger: MariaDB has not given the AUTO_INCREMENT value then, the cluster has. Make it an AFTER INSERT trigger", auto)
			case row && j.table.Column(j.name(i+2)) < 0: // MariaDB would not make it again, as a copy of the partition must
				return refuse("%s.%s, of which '%s' has no column", upper, j.name(i+2), j.table.Name)
			}
		}
	}
	fine |= sqltext.HasSysVar
	if j.function { // whose default database is that of the shape
		fine |= sqltext.HasDatabaseFunc
	}
	switch f := j.t.Facts &^ fine; {
	case f&sqltext.HasStoredCall != 0 && len(j.t.Calls) == 0:
		return refuse("a stored function in a trigger that is not understood")
	case f&^sqltext.HasStoredCall != 0:
		return refuse("a function in a trigger of which %s", differ)
	}
	return nil
}

// name is the word at a token of the trigger's body, without its quotes; "" for anything else.
func (j *judge) name(i int32) string {
	if i >= j.t.Body.To {
		return ""
	}
	switch t := j.scan.Tokens[i]; t.Kind {
	case sqltext.Word, sqltext.QuotedID:
		return string(sqltext.Unquote(nil, t, j.scan.Src, j.scan.Mode()))
	}
	return ""
}

// op says whether an operator of one character is at a token of the trigger's body.
func (j *judge) op(i int32, c uint32) bool {
	return i < j.t.Body.To && j.scan.Tokens[i].Kind == sqltext.Op && j.scan.Tokens[i].Op == c
}

// part is the text for partitions.
func (j *judge) part(d *sqltext.DDL) string {
	type splice struct {
		span sqltext.Span
		text string
	}
	var all []splice
	names := append([]*sqltext.TableName{&d.Program, d.Tables[0]}, j.t.Tables...)
	for i, n := range names {
		switch {
		case i > 1 && slices.Contains(j.out.References, n.Name.Text):
			all = append(all, splice{n.Span, topo.TriggerShape + "." + quote(n.Name.Text)})
		case n.DB.Tok >= 0:
			all = append(all, splice{n.Span, topo.TriggerMark + "." + quote(n.Name.Text)})
		}
	}
	for _, n := range j.t.Calls { // functions are in the shapes
		all = append(all, splice{n.Span, topo.TriggerShape + "." + quote(n.Name.Text)})
	}
	slices.SortFunc(all, func(a, b splice) int { return int(a.span.From - b.span.From) })
	var out []byte
	at := int32(0)
	for _, s := range all {
		if s.span.From < at {
			continue
		}
		out = j.scan.AppendSpan(out, sqltext.Span{From: at, To: s.span.From})
		out = append(append(append(out, ' '), s.text...), ' ')
		at = s.span.To
	}
	return string(j.scan.AppendSpan(out, sqltext.Span{From: at, To: int32(len(j.scan.Tokens))}))
}

func quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }
