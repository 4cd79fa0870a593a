package compound

import (
	"context"
	"errors"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
)

// each is FOR name IN the rows of a cursor or of a query.
type each struct {
	span
	label, name string
	cursor      string
	query       *statement // where it is no cursor's
	args        []expr
	do          []node
}

// forRows reads FOR name IN (query) DO, and FOR name IN cursor(…) DO; do is where DO is.
func (r *reader) forRows(from int32, label, name string, do int32) node {
	e := &each{label: label, name: name}
	if r.op(0, '(') && (r.kw(1) == sqltext.KwSelect || r.kw(1) == sqltext.KwWith || r.kw(1) == sqltext.KwValues || r.op(1, '(')) {
		e.query = r.queryOf(r.read(r.text(r.pos+1, do-1)), span{r.pos, do, false, false})
		r.pos = do
	} else {
		e.cursor = r.name()
		e.args = r.arguments()
	}
	if r.pos != do {
		r.odd()
	}
	outer := len(r.scope)
	r.scope = append(r.scope, name)
	r.expect(sqltext.KwDo)
	e.do = r.list(sqltext.KwEnd)
	r.scope = r.scope[:outer]
	r.expect(sqltext.KwEnd, sqltext.KwFor)
	e.span = span{from, r.pos, false, true}
	return e
}

// queryOf is a piece that is a cursor's query.
func (r *reader) queryOf(p *piece, at span) *statement {
	if p.stmt.Kind != sqltext.KindSelect {
		r.odd()
	}
	return &statement{span: at, piece: p}
}

// arguments reads what OPEN and FOR give a cursor, if there is anything.
func (r *reader) arguments() (out []expr) {
	if !r.acceptOp('(') {
		return nil
	}
	end := r.closing()
	for r.pos < end {
		out = append(out, r.exprTo(r.comma(end)))
		if r.pos < end {
			r.expectOp(',')
		}
	}
	r.expectOp(')')
	return out
}

// closing is where the bracket closes that the reader is in.
func (r *reader) closing() int32 {
	depth := 0
	for i := r.pos; i < r.end; i++ {
		if r.toks[i].Kind != sqltext.Op {
			continue
		}
		switch r.toks[i].Op {
		case '(':
			depth++
		case ')':
			if depth--; depth < 0 {
				return i
			}
		}
	}
	r.odd()
	return 0
}

// cursorParams reads the parameters of a cursor.
func (r *reader) cursorParams() (out []param) {
	if !r.acceptOp('(') {
		return nil
	}
	end := r.closing()
	for r.pos < end {
		r.acceptWord("IN")
		if !r.isName(0) {
			r.odd()
		}
		p := param{name: r.written(r.pos), in: true}
		r.pos++
		p.spec = r.typeTo(r.comma(end))
		out = append(out, p)
		if r.pos < end {
			r.expectOp(',')
		}
	}
	r.expectOp(')')
	return out
}

// each runs FOR over rows. No handler is called when there are no more.
func (in *interpreter) each(ctx context.Context, e *each) (flow, error) {
	outer := in.scope
	defer func() { in.scope = outer }()
	c := in.scope.cursor(e.cursor)
	if e.query != nil {
		c = &rows{cursor: &cursor{span: e.span, query: e.query}, scope: outer}
	}
	if c == nil {
		return in.raise(ctx, Condition{Level: "Error", Code: 1324, State: "42000", Message: "Undefined CURSOR: " + e.cursor})
	}
	opened, f, err := in.open(ctx, c, e.args)
	if f != goOn || err != nil {
		return f, err
	}
	if !opened { // each of the loop's own steps fails: its row's types, its OPEN, whose error was handled, its FETCH and CLOSE
		conds := in.failedOpen
		for _, again := range []Condition{conds, cursorNotOpen, cursorNotOpen} {
			if f, err := in.raise(ctx, again); f != goOn || err != nil {
				return f, err
			}
		}
		return goOn, nil
	}
	f, err = in.eachRow(ctx, e, c, outer)
	if f.kind != exitBlock { // what a handler leaves stays open, as in MariaDB
		c.close()
	}
	return f, err
}

// eachRow runs the body for the rows of an open cursor.
func (in *interpreter) eachRow(ctx context.Context, e *each, c *rows, outer *scope) (flow, error) {
	v := &variable{name: e.name}
	seen := map[string]bool{}
	for _, f := range c.fields {
		if seen[strings.ToLower(f.Name)] {
			return in.raise(ctx, Condition{Level: "Error", Code: 1060, State: "42S21", Message: "Duplicate column name '" + f.Name + "'"})
		}
		seen[strings.ToLower(f.Name)] = true
	}
	if err := v.asRow(c.fields); err != nil {
		return goOn, err
	}
	in.scope = &scope{parent: outer, vars: map[string]*variable{e.name: v}}
	for len(c.rows) > 0 {
		if err := ctx.Err(); err != nil {
			return goOn, context.Cause(ctx)
		}
		if f, err := in.nextRow(ctx, c, v, e); f != goOn || err != nil {
			return f, err
		}
		f, err := in.list(ctx, e.do)
		if err != nil {
			return f, err
		}
		f, over := f.ends(e.label)
		if f == goOn && !over {
			f, err = in.flush(ctx)
		}
		if over || f != goOn || err != nil {
			return f, err
		}
	}
	return goOn, nil
}

// nextRow gives a ROW a cursor's next row.
func (in *interpreter) nextRow(ctx context.Context, c *rows, v *variable, n node) (flow, error) {
	row := c.rows[0]
	c.rows = c.rows[1:]
	st := step{node: n, names: map[string]bool{lower(v.name): true}, assigns: []*variable{v}}
	for i, f := range v.fields {
		st.text += ", " + ident(v.name) + "." + ident(f.name) + " = " + f.class.takes(row[i])
	}
	st.text = "SET " + st.text[2:]
	return in.step(ctx, st)
}

func (c *rows) close() { c.open, c.rows, c.fields = false, nil, nil }

// blank are a cursor's parameters without values.
func (c *rows) blank() map[string]*variable {
	vars := map[string]*variable{}
	for _, p := range c.params {
		vars[lower(p.name)] = &variable{name: p.name, typ: p.text, class: p.class}
	}
	return vars
}

// query is a cursor's query, whose variables are those of where it was declared, and its parameters.
func (in *interpreter) query(c *rows, params map[string]*variable) (string, error) {
	here := in.scope
	defer func() { in.scope = here }()
	in.scope = &scope{parent: c.scope, vars: params}
	in.env = in.host.Env()
	return in.spliced(c.cursor.query.piece)
}

// open opens a cursor; not ok: an error was handled.
func (in *interpreter) open(ctx context.Context, c *rows, args []expr) (ok bool, f flow, err error) {
	fails := func(cond Condition) (bool, flow, error) {
		in.failedOpen = cond
		f, err := in.raise(ctx, cond)
		return false, f, err
	}
	if c.open {
		return fails(Condition{Level: "Error", Code: 1325, State: "24000", Message: "Cursor is already open"})
	}
	if len(args) != len(c.params) {
		return fails(Condition{Level: "Error", Code: 4080, State: "42000", Message: "Incorrect parameter count to cursor '" + c.name + "'"})
	}
	params := map[string]*variable{}
	for i := range c.params {
		p := &c.params[i]
		v, f, err := in.typed(ctx, p.name, &p.spec)
		if v == nil || f != goOn || err != nil {
			return false, f, err
		}
		text, f, err := in.value(ctx, args[i])
		if f != goOn || err != nil {
			return false, f, err
		}
		if args[i].alone { // a variable may be called as the parameter is
			if f, err := in.flush(ctx); f != goOn || err != nil {
				return false, f, err
			}
			in.env = in.host.Env()
			if text, err = in.spliced(args[i].piece); err != nil {
				return false, goOn, err
			}
		}
		params[lower(p.name)] = v
		one := &scope{vars: map[string]*variable{lower(p.name): v}}
		if f, err := in.with(ctx, one, in.assigning(v, "", text, c.cursor)); f != goOn || err != nil {
			return false, f, err
		}
	}
	text, err := in.query(c, params)
	if err != nil {
		return false, goOn, err
	}
	out, err := in.host.Statement(ctx, text, ForCursor, in.conditions)
	var cond *Condition
	if errors.As(err, &cond) {
		in.failedOpen = *cond
	}
	if f, err, over := in.came(ctx, out, err, len(c.cursor.query.stmt.Tables) > 0); over {
		return false, f, err
	}
	c.open, c.rows, c.cols, c.fields = true, out.Rows, out.Columns, out.Fields
	f, err = in.warned(ctx)
	return true, f, err
}
