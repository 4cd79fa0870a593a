package plan

import (
	"errors"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// besideSequence is why a statement can't be run that asks a sequence where others' rows are.
const besideSequence = "a sequence beside tables that are not where it is"

// defaultDrawn is why a statement can't be run that asks for such a default where it is not certain how often.
const defaultDrawn = "DEFAULT of a column to which a sequence gives values, other than in rows of an INSERT and in SET of an UPDATE of one table: SELECT NEXTVAL of the sequence before, and use the value"

// asksDefault says whether DEFAULT (column) may be one that a sequence gives: partitions have none in its place.
func (p *planner) asksDefault() bool {
	drawn := map[string]bool{}
	for _, t := range p.stmt.Tables {
		if t.CTE {
			continue
		}
		if table, _, err := p.lookup(t); err == nil && table != nil && !table.Temporary && table.Draws() {
			for i := range table.Columns {
				if _, _, ok := table.Columns[i].Sequence(); ok {
					drawn[strings.ToLower(table.Columns[i].Name)] = true
				}
			}
		}
	}
	if len(drawn) == 0 {
		return false
	}
	for i := p.stmt.Span.From; i+2 < p.stmt.Span.To; i++ {
		if p.scan.Tokens[i].KW != sqltext.KwDefault || !p.isOp(i+1, "(") {
			continue
		}
		for i += 2; i < p.stmt.Span.To && !p.isOp(i, ")"); i++ {
			if drawn[strings.ToLower(unquote(p.text(i)))] && p.isOp(i+1, ")") {
				return true
			}
		}
	}
	return false
}

// drawnRows is why an UPDATE is not run as it is that gives each row a value of a sequence.
const drawnRows = "values of a sequence for each row"

// drawsFor is what the session has said of an assignment's value; nil when no sequence gives it.
func (p *planner) drawsFor(assign int) *Draw {
	if p.sess.Draws == nil || p.stmt.Update == nil {
		return nil
	}
	for i := range *p.sess.Draws {
		if d := &(*p.sess.Draws)[i]; d.Cell == assign {
			return d
		}
	}
	return nil
}

// sequencePlan has the partition run a statement where the sequences are that it names, if it needs nothing but those and what every leaf has.
func (p *planner) sequencePlan(plan *Plan, rows bool) error {
	if p.partitioned || p.single != nil || p.otherDB != "" || p.far != nil || p.system {
		return NeedsStage(besideSequence)
	}
	plan.Route, plan.Sequence = Route{Kind: RouteOne, DB: p.db}, true
	plan.Forward = p.names()
	plan.Writes, plan.Rows = plan.Writes || p.stmt.Facts&sqltext.HasSequence != 0, rows
	return nil
}

// toSequence plans a statement that writes to a sequence: a row of values sets it, what else there is MariaDB refuses. ok is false for other statements.
func (p *planner) toSequence() (plan *Plan, ok bool, err error) {
	for _, t := range p.stmt.Tables {
		table, _, err := p.lookup(t)
		if err != nil || table == nil || table.Kind != topo.Sequence {
			return nil, false, nil // what is wrong others say
		}
	}
	if len(p.stmt.Tables) == 0 || p.stmt.Insert != nil && p.stmt.Insert.Select != nil {
		return nil, false, nil
	}
	if _, err := p.unseen(); err != nil {
		return nil, false, err
	}
	plan = &Plan{Writes: true}
	return plan, true, p.sequencePlan(plan, p.stmt.Insert != nil && !p.stmt.Insert.Returning.Empty())
}

// Drawing is a staged statement that asks sequences: at the partition that has them, on copies of the tables.
type Drawing struct {
	Route   Route
	Forward []Splice
	Names   []ColumnName
}

// DrawnColumn is a column to which a sequence gives values.
type DrawnColumn struct{ DB, Table, Column string }

// drawnColumns are those of the statement's tables that take no NULL.
func (p *planner) drawnColumns() (out []DrawnColumn) {
	for _, t := range p.stmt.Tables {
		if t.CTE {
			continue
		}
		table, _, err := p.lookup(t)
		if err != nil || table == nil || !table.Draws() {
			continue
		}
		for i := range table.Columns {
			c := &table.Columns[i]
			if _, _, ok := c.Sequence(); ok && !c.Nullable {
				out = append(out, DrawnColumn{table.DB, table.Name, c.Name})
			}
		}
	}
	return out
}

// asks says whether a span names sequences.
func (p *planner) asks(span sqltext.Span) bool {
	return slices.ContainsFunc(p.stmt.Tables, func(t *sqltext.TableName) bool {
		if t.CTE || !inside(t.Span, span) {
			return false
		}
		table, _, err := p.lookup(t)
		return err == nil && table != nil && table.Kind == topo.Sequence
	})
}

// nextValues are the calls in a span that give a sequence's next value.
func (p *planner) nextValues(span sqltext.Span) (calls []sqltext.Span) {
	for _, u := range sqltext.SequenceUses(p.scan, p.sess.Mode) {
		if u.Name == "NEXTVAL" && inside(u.Span, span) {
			calls = append(calls, u.Span)
		}
	}
	return calls
}

// comparesNext says whether the condition of an UPDATE or DELETE compares a column by itself with what some calls give: a key may find its value.
func (p *planner) comparesNext(calls []sqltext.Span) bool {
	var where sqltext.Expr
	if p.stmt.Update != nil {
		where = p.stmt.Update.Where
	} else if p.stmt.Delete != nil {
		where = p.stmt.Delete.Where
	}
	gives := func(list ...sqltext.Expr) bool {
		return slices.ContainsFunc(list, func(e sqltext.Expr) bool {
			return slices.ContainsFunc(calls, func(c sqltext.Span) bool { return inside(c, e.ExprSpan()) })
		})
	}
	bare := func(list ...sqltext.Expr) bool {
		return slices.ContainsFunc(list, func(e sqltext.Expr) bool { return e != nil && isColumn(unparen(e)) })
	}
	return anyExpr(where, func(e sqltext.Expr) bool {
		switch x := e.(type) {
		case *sqltext.Binary:
			switch x.Op {
			case "=", "<=>", "<", "<=", ">", ">=", "<>", "!=", "LIKE":
				return gives(x) && bare(x.L, x.R)
			}
		case *sqltext.Between:
			return gives(x) && bare(x.X, x.Lo, x.Hi)
		case *sqltext.In:
			return gives(x) && bare(append([]sqltext.Expr{x.X}, x.List...)...)
		}
		return false
	})
}

// asks says whether what a plan's statement asks of sequences is asked where they are.
func (p *Plan) asks() bool {
	return p.Sequence || p.Drawing != nil || p.ByKey != nil || p.InsertSelect != nil && (p.InsertSelect.Plan.Drawing != nil || p.InsertSelect.Plan.Sequence)
}

// drawing has a query run where the sequences are that it asks, with its tables beside them as reference tables are; nil when it can't be. q is nil as in fill.
func (p *planner) drawing(plan *Plan, q *sqltext.Query, span sqltext.Span) *Drawing {
	if len(plan.Copies) > 0 { // with names that stand for versions of tables
		return nil
	}
	n := newPlanner(p.stmt, p.scan, p.snap, p.sess)
	if q != p.stmt.Query {
		n.span = span
	}
	n.brought, n.copies = make(map[*topo.Table]*topo.Table), make(map[*topo.Table]*topo.Table)
	for i := range plan.Fills {
		t := plan.Fills[i].Table
		everywhere := *t
		everywhere.Kind, everywhere.ShardKey = topo.Reference, nil
		n.brought[t], n.copies[&everywhere] = &everywhere, t
	}
	if q == nil {
		if _, err := n.unseen(); err != nil {
			return nil
		}
	} else if u, err := n.query(q, nil); err != nil || n.settleAll(u) != nil {
		return nil
	}
	if n.db == "" || n.partitioned || n.single != nil || n.otherDB != "" || n.system || n.stored != "" || n.fault != nil {
		return nil
	}
	d := &Drawing{Route: Route{Kind: RouteOne, DB: n.db}, Forward: n.names()}
	d.Names = n.columnNames(q, d.Forward)
	return d
}

// unfit says whether an error is that of a statement that can't be run as it is.
func unfit(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.reason != ""
}

// defaulted refuses values DEFAULT for columns that a sequence gives values, in statements that change rows: how many there will be nobody knows before.
func (p *planner) defaulted(table *topo.Table, list []sqltext.Assign) error {
	if table == nil || !table.Draws() {
		return nil
	}
	for i := range list {
		c := table.Column(list[i].Column.Name.Text)
		if anyExpr(list[i].Value, func(e sqltext.Expr) bool {
			at := c
			switch x := e.(type) {
			case *sqltext.Literal:
				if x.Kind != sqltext.LitDefault {
					return false
				}
			case *sqltext.Func:
				if !strings.EqualFold(x.Name, "DEFAULT") || len(x.Args) != 1 {
					return false
				}
				if of, ok := x.Args[0].(*sqltext.Column); ok {
					at = table.Column(of.Name.Text)
				}
			default:
				return false
			}
			if at < 0 {
				return false
			}
			_, _, ok := table.Columns[at].Sequence()
			return ok
		}) {
			return NeedsStage(defaultDrawn)
		}
	}
	return nil
}

// defaultedUpdate is defaulted for an UPDATE, whichever of its tables a column is of.
func (p *planner) defaultedUpdate() error {
	if p.stmt.Update == nil {
		return nil
	}
	for _, t := range p.stmt.Tables {
		if t.CTE {
			continue
		}
		if table, _, err := p.lookup(t); err == nil {
			if err := p.defaulted(table, p.stmt.Update.Set); err != nil {
				return err
			}
		}
	}
	return nil
}

// draws lists what sequences give to the rows of a query: what the session has said, and the columns that the statement leaves to them.
func (p *planner) draws(s *sqltext.Insert, table *topo.Table, columns []int) (draws []Draw, point int32, text string, err error) {
	if p.sess.Draws != nil {
		for _, d := range *p.sess.Draws {
			if d.Cell >= len(columns) {
				return nil, 0, "", &Error{Code: codeWrongCount, State: stateWrongCount, Message: "Column count doesn't match value count at row 1"}
			}
			d.Column = columns[d.Cell]
			draws = append(draws, d)
		}
	}
	for i := range table.Columns {
		db, name, ok := table.Columns[i].Sequence()
		if !ok || slices.Contains(columns, i) {
			continue
		}
		if len(s.Columns) == 0 {
			return nil, 0, "", p.drawn(table, columns)
		}
		if q := p.snap.Table(db, name); q == nil || q.Kind != topo.Sequence {
			return nil, 0, "", errNoTable(db, name)
		}
		draws = append(draws, Draw{Cell: len(columns) + countBehind(draws, len(columns)), Column: i, DB: db, Sequence: name})
		point, text = s.ColumnsSpan.To-1, text+","+quoted(table.Columns[i].Name)
	}
	return draws, point, text, nil
}

func countBehind(draws []Draw, columns int) (n int) {
	for i := range draws {
		if draws[i].Cell >= columns {
			n++
		}
	}
	return n
}

// drawn refuses rows that leave a column to a sequence, which would be the shape's. columns are those that the rows have.
func (p *planner) drawn(table *topo.Table, columns []int) error {
	for i := range table.Columns {
		if _, _, ok := table.Columns[i].Sequence(); ok && !slices.Contains(columns, i) {
			return NeedsStage("the next value of a sequence as the default of column '" + table.Columns[i].Name + "' in this form of statement")
		}
	}
	return nil
}
