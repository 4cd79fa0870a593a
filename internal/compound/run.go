package compound

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
)

// Use says what a statement's rows are for.
type Use uint8

// The uses of rows.
const (
	ToClient Use = iota // if there are any
	ForCursor
	IntoVariables
)

// Outcome is what a statement has done.
type Outcome struct {
	// Rows are literals, and Columns their number, unless they went to the client.
	Rows    [][]string
	Columns int
	// Fields are a cursor's columns.
	Fields []Field
	// Affected is what its OK says.
	Affected uint64
	// Conditions are those that it raised, an error among them where it failed.
	Conditions []Condition
}

// Result is a result of a block that a leaf ran.
type Result struct {
	// Name is that of the first column.
	Name string
	Rows [][][]byte
	// Raw is for the host.
	Raw any
	// Out is the procedure whose OUT parameters it tells, for a prepared CALL; nil for any other result.
	Out *Procedure
}

// Computed is what a leaf says to a block.
type Computed struct {
	Results    []Result
	Conditions []Condition
	// Keep takes over the user variables as the block has left them; it may be nil.
	Keep func() error
}

// Host is the session that a program runs in. Errors of SQL are *Condition, with which a program may deal; all others end it.
type Host interface {
	// Statement runs a statement as if the client had sent it. conditions are what SHOW WARNINGS tells then.
	Statement(ctx context.Context, text string, use Use, conditions []Condition) (Outcome, error)
	// Evaluate has the session find the value of an expression, as a literal.
	Evaluate(ctx context.Context, expr string, conditions []Condition) (string, []Condition, error)
	// Compute has a leaf run a compound statement that changes nothing but variables. users are the user variables that it assigns to, as they are written.
	Compute(ctx context.Context, block string, users []string) (Computed, error)
	// Send gives a result of Compute to the client.
	Send(r Result) error
	// Fields are the columns of a table, which an account may read, or one of them: the error is MariaDB's for what is wrong.
	Fields(ctx context.Context, db, table, column string) ([]Field, error)
	// Describe tells a query's columns without running it.
	Describe(ctx context.Context, query string) ([]Field, error)
	// Column finds what a statement calls a column of one of some tables: its type's name, "" where that is not known.
	Column(tables []*sqltext.TableName, name string) string
	// ColumnAt is the type's name of the column that an INSERT without names fills at a place.
	ColumnAt(table *sqltext.TableName, at int) string
	// Env is how the session's literals are read.
	Env() Env
	// Procedure finds a procedure that a CALL with so many arguments names, and may be run: the error is MariaDB's for what is wrong.
	Procedure(ctx context.Context, db, name string, args int) (*Procedure, error)
	// Enter makes the session's database and modes those of a procedure that is found, until leave is called with what has come of it.
	Enter(p *Procedure) (leave func(error) error, err error)
}

// Done is what a program has come to.
type Done struct {
	Affected uint64
	// Conditions are what the diagnostics area holds, Kept how many of them were there before.
	Conditions []Condition
	Kept       int
	// Failed are the places where it failed: the innermost first.
	Failed []Where
}

// Where is a place in a program.
type Where struct {
	In   string // what the program is
	Line int
}

// interpreter runs one program.
type interpreter struct {
	host  Host
	prog  *Program
	env   Env
	scope *scope
	// pending are steps that a leaf is going to compute together with what comes next.
	pending []step
	// fine: each step by itself, as something has happened in one of several that a handler may be for.
	fine bool
	// conditions are the diagnostics area, which has been replaced as often as epoch says.
	conditions []Condition
	epoch      int
	affected   uint64
	failed     int32 // the token at which it failed
	where      []Where
	values     []string
	// called is what the program is, depth how many procedures it is called by.
	called string
	depth  []*Procedure
	// failedOpen is why a cursor was not opened.
	failedOpen Condition
}

// flow is where to go on.
type flow struct {
	kind  flowKind
	label string
	scope *scope // of the block to leave
}

type flowKind uint8

const (
	next flowKind = iota
	leaveLabel
	iterateLabel
	exitBlock
)

var goOn = flow{}

// Run runs a program. values are those of the arguments of a CALL that are a ?, before is what the diagnostics area holds.
func Run(ctx context.Context, p *Program, host Host, values []string, before []Condition) (Done, error) {
	in := &interpreter{host: host, prog: p, scope: &scope{}, called: "anonymous block", values: values, conditions: before}
	err := in.whole(ctx)
	if err != nil {
		if _, ok := p.body.(*call); !ok {
			in.where = append(in.where, in.failedAt())
		}
	}
	done := Done{Affected: in.affected, Conditions: in.conditions, Failed: in.where}
	if in.epoch == 0 {
		done.Kept = len(before)
	}
	return done, err
}

func (in *interpreter) whole(ctx context.Context) error {
	if _, err := in.run(ctx, in.prog.body); err != nil {
		return err
	}
	_, err := in.flush(ctx)
	return err
}

// failedAt is where the program failed.
func (in *interpreter) failedAt() Where {
	line := 1
	if toks := in.prog.scan.Tokens; int(in.failed) < len(toks) {
		line += strings.Count(string(in.prog.scan.Src[:toks[in.failed].Start]), "\n")
	}
	return Where{In: in.called, Line: line}
}

// run runs a node. An error is one that no handler of the program is for.
func (in *interpreter) run(ctx context.Context, n node) (flow, error) {
	if err := ctx.Err(); err != nil {
		return goOn, context.Cause(ctx)
	}
	f, err := in.node(ctx, n)
	if err != nil && in.failed == 0 {
		in.failed = in.told(n)
	}
	return f, err
}

func (in *interpreter) node(ctx context.Context, n node) (flow, error) {
	switch n := n.(type) {
	case *declare:
		return in.declare(ctx, n)
	case *set:
		return in.set(ctx, n)
	case *sets:
		return in.list(ctx, n.list)
	}
	if s, ok := n.(*statement); ok && s.emit {
		return in.step(ctx, in.emitting(s))
	}
	if n.at().whole() && !in.fine {
		return in.step(ctx, in.verbatim(n))
	}
	if f, err := in.flush(ctx); f != goOn || err != nil {
		return f, err
	}
	switch n := n.(type) {
	case *block:
		return in.block(ctx, n)
	case *condition:
		if in.scope.conditions == nil {
			in.scope.conditions = map[string]*condition{}
		}
		in.scope.conditions[n.name] = n
	case *handler:
		a := &active{handler: n, for_: slices.Clone(n.for_), scope: in.scope}
		for _, name := range n.names {
			if c := in.scope.condition(name); c != nil {
				a.for_ = append(a.for_, c.value)
			}
		}
		in.scope.handlers = append(in.scope.handlers, a)
	case *cursor:
		if in.scope.cursors == nil {
			in.scope.cursors = map[string]*rows{}
		}
		in.scope.cursors[n.name] = &rows{cursor: n, scope: in.scope}
	case *choice:
		return in.choose(ctx, n)
	case *loop:
		return in.loop(ctx, n)
	case *count:
		return in.count(ctx, n)
	case *each:
		return in.each(ctx, n)
	case *leave:
		if n.again {
			return flow{kind: iterateLabel, label: n.label}, nil
		}
		return flow{kind: leaveLabel, label: n.label}, nil
	case *open:
		return in.onCursor(ctx, n)
	case *fetch:
		return in.fetch(ctx, n)
	case *signal:
		return in.signal(ctx, n)
	case *diagnostics:
		return in.diagnose(ctx, n)
	case *call:
		return in.callProcedure(ctx, n)
	case *giveBack:
		return in.giveBack(ctx, n)
	case *unreturned:
		return in.raise(ctx, Condition{Level: "Error", Code: 1321, State: "2F005", Message: "FUNCTION " + n.name + " ended without RETURN"})
	case *statement:
		return in.statement(ctx, n)
	}
	return goOn, nil
}

// list runs nodes one after another.
func (in *interpreter) list(ctx context.Context, nodes []node) (flow, error) {
	for _, n := range nodes {
		if f, err := in.run(ctx, n); f != goOn || err != nil {
			return f, err
		}
	}
	return goOn, nil
}

// block runs BEGIN … END.
func (in *interpreter) block(ctx context.Context, b *block) (flow, error) {
	outer := in.scope
	in.scope = &scope{parent: outer, block: b}
	inner := in.scope
	f, err := in.list(ctx, b.items)
	if f == goOn && err == nil {
		f, err = in.flush(ctx)
	}
	in.scope = outer
	switch {
	case err != nil:
	case f.kind == exitBlock && f.scope == inner, f.kind == leaveLabel && b.label != "" && f.label == b.label:
		f = goOn
	}
	return f, err
}

// choose runs IF and CASE.
func (in *interpreter) choose(ctx context.Context, c *choice) (flow, error) {
	whens := make([]expr, len(c.arms))
	for i := range c.arms {
		whens[i] = c.arms[i].when
	}
	n, f, err := in.decide(ctx, whens, c.subject)
	switch {
	case f != goOn || err != nil:
		return f, err
	case n == skipped:
		return goOn, nil
	case n >= 0:
		return in.list(ctx, c.arms[n].do)
	case c.isCase && !c.hasElse:
		return in.raise(ctx, Condition{Level: "Error", Code: 1339, State: "20000", Message: "Case not found for CASE statement"})
	}
	return in.list(ctx, c.other)
}

// What decide says when it has chosen no expression, and when an error was handled and the whole statement is passed over.
const (
	noArm   = -1
	skipped = -2
)

// decide finds the first of some conditions that holds, or that a value is equal to.
func (in *interpreter) decide(ctx context.Context, whens []expr, subject *expr) (int, flow, error) {
	alone := subject == nil || subject.alone
	for _, w := range whens {
		alone = alone && w.alone
	}
	text := func(e expr) (string, flow, error) { return e.text(), goOn, nil }
	if !alone {
		if f, err := in.flush(ctx); f != goOn || err != nil {
			return skipped, f, err
		}
		if subject == nil && len(whens) > 1 { // conditions behind the one that holds are not to be looked at
			for i := range whens {
				n, f, err := in.decide(ctx, whens[i:i+1], nil)
				switch {
				case f != goOn || err != nil || n == skipped:
					return n, f, err
				case n == 0:
					return i, f, nil
				}
			}
			return noArm, goOn, nil
		}
		text = func(e expr) (string, flow, error) { return in.value(ctx, e) }
	}
	var b strings.Builder
	head, end := "IF ", "IF"
	if subject != nil {
		t, f, err := text(*subject)
		if f != goOn || err != nil {
			return skipped, f, err
		}
		if t == "" {
			return skipped, goOn, nil
		}
		b.WriteString("CASE " + t + " ")
		head, end = "WHEN ", "CASE"
	}
	for i, w := range whens {
		t, f, err := text(w)
		if f != goOn || err != nil {
			return skipped, f, err
		}
		if t == "" {
			return skipped, goOn, nil
		}
		b.WriteString(head + t + " THEN SELECT " + strconv.Itoa(i) + " AS `" + armColumn + "`; ")
		if subject == nil {
			head = "ELSEIF "
		}
	}
	b.WriteString("ELSE SELECT -1 AS `" + armColumn + "`; END " + end)
	return in.flushDeciding(ctx, b.String())
}

// value is an expression's text for a leaf: as it is, or its value where only the session can find that. "": an error was handled.
func (in *interpreter) value(ctx context.Context, e expr) (string, flow, error) {
	if e.alone {
		return e.text(), goOn, nil
	}
	if f, err := in.flush(ctx); f != goOn || err != nil {
		return "", f, err
	}
	in.env = in.host.Env()
	text, err := in.spliced(e.piece)
	if err != nil {
		f, err := in.unspliced(ctx, err)
		return "", f, err
	}
	lit, conds, err := in.evaluate(ctx, e, text)
	var c *Condition
	if errors.As(err, &c) {
		in.replace(conds)
		f, err := in.raise(ctx, *c)
		return "", f, err
	}
	if err != nil {
		return "", goOn, err
	}
	if len(conds) > 0 || len(e.stmt.Tables) > 0 {
		in.replace(conds)
		if f, err := in.warned(ctx); f != goOn || err != nil {
			return "", f, err
		}
	}
	return lit, goOn, nil
}

// evaluate has the session find a value. One that takes a lock is asked for by a SELECT, by which the session keeps the connection that has the lock.
func (in *interpreter) evaluate(ctx context.Context, e expr, text string) (string, []Condition, error) {
	if e.stmt.Facts&sqltext.HasLockFunction == 0 {
		return in.host.Evaluate(ctx, text, in.conditions)
	}
	out, err := in.host.Statement(ctx, "SELECT "+text, ForCursor, in.conditions)
	if err != nil {
		return "", out.Conditions, err
	}
	if len(out.Rows) != 1 || out.Columns != 1 {
		return "", nil, &RefusedError{"this expression with a lock", "take the lock by SELECT … INTO"}
	}
	return out.Rows[0][0], out.Conditions, nil
}

func (in *interpreter) replace(conds []Condition) {
	in.conditions = conds
	in.epoch++
}

// declare makes variables. Their default may name those that they hide.
func (in *interpreter) declare(ctx context.Context, d *declare) (flow, error) {
	hides := false
	for _, name := range d.vars {
		hides = hides || in.scope.lookup(lower(name)) != nil
	}
	if hides {
		if f, err := in.flush(ctx); f != goOn || err != nil {
			return f, err
		}
	}
	text := ""
	if d.value != nil {
		var f flow
		var err error
		if text, f, err = in.value(ctx, *d.value); err != nil {
			return f, err
		} else if f != goOn {
			return f, nil
		}
		if hides && d.value.alone {
			in.env = in.host.Env()
			if text, err = in.spliced(d.value.piece); err != nil {
				return goOn, err
			}
		}
	}
	if in.scope.vars == nil {
		in.scope.vars = map[string]*variable{}
	}
	var v *variable
	for _, name := range d.vars {
		var f flow
		var err error
		if v == nil || d.of == nil {
			v, f, err = in.typed(ctx, name, &d.spec)
		} else {
			v = &variable{name: name, typ: v.typ, class: v.class, fields: copies(v.fields)}
		}
		if f != goOn || err != nil {
			return f, err
		}
		if v == nil { // of a type that was not found, which was handled
			return goOn, &RefusedError{"the variable " + name + ", whose type was not found,", "write the type out"}
		}
		in.scope.vars[lower(name)] = v
	}
	if text == "" {
		return goOn, nil
	}
	for _, name := range d.vars {
		if f, err := in.step(ctx, in.assigning(in.scope.vars[lower(name)], "", text, d)); f != goOn || err != nil {
			return f, err
		}
	}
	return goOn, nil
}

// set is one assignment.
func (in *interpreter) set(ctx context.Context, s *set) (flow, error) {
	if s.local != "" && s.field == "" && !s.value.alone {
		if v := in.scope.lookup(s.local); v != nil && v.fields != nil {
			return goOn, &RefusedError{"SET of a row to what reads tables or asks the session", "SELECT … INTO it"}
		}
	}
	text, f, err := in.value(ctx, s.value)
	if f != goOn || err != nil {
		return f, err
	}
	if text == "" { // an error was handled: as in MariaDB the variable is NULL then
		text = "NULL"
	}
	return in.assign(ctx, target{s.local, s.field, s.user}, text, s)
}

func (in *interpreter) assign(ctx context.Context, to target, text string, n node) (flow, error) {
	var v *variable
	if to.local != "" {
		if v = in.scope.lookup(to.local); v == nil {
			return goOn, &RefusedError{"the variable " + to.local, "it is not declared here"}
		}
	}
	return in.step(ctx, in.assigningField(v, to.field, to.user, text, n))
}

// statement runs a statement of the session's.
func (in *interpreter) statement(ctx context.Context, s *statement) (flow, error) {
	in.env = in.host.Env()
	text, err := in.spliced(s.piece)
	if err != nil {
		return in.unspliced(ctx, err)
	}
	use := ToClient
	if s.into != nil {
		use = IntoVariables
	}
	out, err := in.host.Statement(ctx, text, use, in.conditions)
	in.affected += out.Affected
	if err == nil && s.stmt.Kind == sqltext.KindShow { // of the diagnostics area it tells, and leaves it
		return goOn, nil
	}
	if f, err, over := in.came(ctx, out, err, len(s.stmt.Tables) > 0); over {
		return f, err
	}
	warns := len(out.Conditions) > 0 // what was there before it has had its handler
	if s.into == nil {
		if !warns {
			return goOn, nil
		}
		return in.warned(ctx)
	}
	if row := in.rowInto(s.into); row != nil && out.Columns == len(row.fields) {
	} else if out.Columns != len(s.into) {
		return in.raise(ctx, Condition{Level: "Error", Code: 1222, State: "21000", Message: "The used SELECT statements have a different number of columns"})
	}
	if len(out.Rows) == 0 {
		in.replace(append(slices.Clone(in.conditions), noData("Warning")))
		return in.warned(ctx)
	}
	st, err := in.storing(s, out.Rows[0])
	if err != nil {
		return goOn, err
	}
	if f, err := in.step(ctx, st); f != goOn || err != nil {
		return f, err
	}
	if len(out.Rows) > 1 {
		if f, err := in.flush(ctx); f != goOn || err != nil {
			return f, err
		}
		return in.raise(ctx, Condition{Level: "Error", Code: 1172, State: "42000", Message: "Result consisted of more than one row"})
	}
	if !warns {
		return goOn, nil
	}
	return in.warned(ctx)
}

func noData(level string) Condition {
	return Condition{Level: level, Code: 1329, State: "02000", Message: "No data - zero rows fetched, selected, or processed"}
}

// came takes over what a statement has left; over says that it failed.
func (in *interpreter) came(ctx context.Context, out Outcome, err error, tables bool) (flow, error, bool) {
	var c *Condition
	switch {
	case errors.As(err, &c):
		in.replace(out.Conditions)
		f, err := in.handled(ctx, c)
		return f, err, true
	case err != nil:
		return goOn, err, true
	case len(out.Conditions) > 0 || tables:
		in.replace(out.Conditions)
	}
	return goOn, nil, false
}

// rowInto is the ROW that is all that takes values.
func (in *interpreter) rowInto(into []target) *variable {
	if len(into) != 1 || into[0].local == "" || into[0].field != "" {
		return nil
	}
	if v := in.scope.lookup(into[0].local); v != nil && v.fields != nil {
		return v
	}
	return nil
}

// unspliced goes on with an error of splicing, which may be one of SQL.
func (in *interpreter) unspliced(ctx context.Context, err error) (flow, error) {
	var c *Condition
	if errors.As(err, &c) {
		return in.raise(ctx, *c)
	}
	return goOn, err
}
