package compound

import (
	"github.com/orbweaver/orbweaver/internal/sqltext"
)

// Procedure is a stored procedure that was read.
type Procedure struct {
	DB, Name string
	params   []param
	prog     *Program
}

// param is a parameter.
type param struct {
	name    string // as it is written
	in, out bool
	spec
}

// Params is how many parameters it has.
func (p *Procedure) Params() int { return len(p.params) }

// ParseProcedure reads CREATE PROCEDURE as a server prints it. The errors are Parse's.
func ParseProcedure(db, name, text string, mode sqltext.Mode) (*Procedure, error) {
	return parseRoutine(db, name, text, mode, sqltext.KwProcedure)
}

func parseRoutine(db, name, text string, mode sqltext.Mode, kind sqltext.Keyword) (p *Procedure, err error) {
	p = &Procedure{DB: db, Name: name, prog: &Program{mode: mode}}
	if err := p.prog.scan.Scan([]byte(text), mode); err != nil {
		return nil, err
	}
	r := newReader(p.prog)
	defer func() {
		if e := failed(recover()); e != nil {
			p, err = nil, e
		}
	}()
	r.function = kind == sqltext.KwFunction
	for r.kw(0) != kind {
		if r.pos++; r.pos >= r.end {
			r.odd()
		}
	}
	r.pos++
	r.name()
	if r.acceptOp('.') {
		r.name()
	}
	r.expectOp('(')
	for !r.acceptOp(')') {
		a := r.param()
		if n := len(a.of); a.row && n == 1 || !a.row && n == 2 { // looked up where the CALL stands
			a.of = append([]string{db}, a.of...)
		}
		p.params = append(p.params, a)
		if !r.op(0, ')') {
			r.expectOp(',')
		}
	}
	if r.function {
		p.params = append(p.params, param{name: returned, out: true, spec: r.returns()})
	}
	r.characteristics()
	for _, a := range p.params {
		r.scope = append(r.scope, lower(a.name))
	}
	p.prog.body = r.whole()
	if r.function {
		at := p.prog.body.at()
		at.pure = false
		p.prog.body = &block{at, returned, []node{p.prog.body, &unreturned{span{at.from, at.to, false, false}, name}}}
	}
	return p, nil
}

// param reads a parameter.
func (r *reader) param() param {
	p := param{in: true}
	switch r.kw(0) {
	case sqltext.KwIn:
		r.pos++
	case sqltext.KwOut:
		p.in, p.out = false, true
		r.pos++
	case sqltext.KwInout:
		p.out = true
		r.pos++
	}
	if !r.isName(0) {
		r.odd()
	}
	p.name = string(sqltext.Unquote(nil, r.toks[r.pos], r.scan.Src, r.p.mode))
	r.pos++
	p.spec = r.typeTo(r.comma(r.closing()))
	return p
}

// characteristics reads what stands between the parameters and the body.
func (r *reader) characteristics() {
	for {
		switch w := r.word(0); {
		case w == "COMMENT", w == "LANGUAGE":
			r.pos += 2
		case w == "DETERMINISTIC":
			r.pos++
		case w == "NOT" && r.word(1) == "DETERMINISTIC", w == "NO" && r.word(1) == "SQL", w == "CONTAINS" && r.word(1) == "SQL":
			r.pos += 2
		case (w == "READS" || w == "MODIFIES") && r.word(1) == "SQL", w == "SQL" && r.word(1) == "SECURITY":
			r.pos += 3
		default:
			return
		}
	}
}

// call is CALL.
type call struct {
	span
	db, name string // db is "" for the current one
	args     []argument
}

// argument is what CALL gives a parameter.
type argument struct {
	expr
	// to is what takes the value of an OUT parameter; none: it is no variable.
	to target
	// placeholder: a ? of a prepared statement, that is none of the statement's values.
	placeholder bool
}

func (r *reader) call(from int32) node {
	end := r.semicolon()
	r.pos++
	c := &call{}
	if !r.isName(0) {
		r.odd()
	}
	written := func() string {
		if !r.isName(0) {
			r.odd()
		}
		r.pos++
		return string(sqltext.Unquote(nil, r.toks[r.pos-1], r.scan.Src, r.p.mode))
	}
	c.name = written()
	if r.acceptOp('.') {
		c.db, c.name = c.name, written()
		if r.op(0, '.') {
			r.refuse("CALL of a package's procedure", "have a procedure of its own")
		}
	}
	if r.acceptOp('(') {
		for !r.acceptOp(')') {
			to := r.comma(end - 1)
			a := argument{}
			first := r.toks[r.pos]
			if to == r.pos+1 {
				switch {
				case first.Kind == sqltext.UserVar:
					a.to.user = string(r.scan.Bytes(r.pos))
				case first.Kind == sqltext.Param:
					a.placeholder = true
				case (first.Kind == sqltext.Word || first.Kind == sqltext.QuotedID) && r.declared(r.nameAt(r.pos)):
					a.to.local = r.nameAt(r.pos)
				}
			} else if to == r.pos+3 && r.isName(0) && r.op(1, '.') && r.isName(2) && r.declared(r.nameAt(r.pos)) {
				a.to.local, a.to.field = r.nameAt(r.pos), r.nameAt(r.pos+2)
			}
			a.expr = r.exprTo(to)
			c.args = append(c.args, a)
			if !r.op(0, ')') {
				r.expectOp(',')
			}
		}
	}
	if r.pos != end {
		r.odd()
	}
	c.span = span{from, end, false, false}
	return c
}

// routineName is how messages call a procedure.
func (p *Procedure) routineName() string { return p.DB + "." + p.Name }
