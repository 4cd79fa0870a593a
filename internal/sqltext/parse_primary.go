package sqltext

// newLiteral takes the next token as a literal.
func (p *parser) newLiteral(kind LiteralKind) *Literal {
	if len(p.literals) == 0 {
		p.literals = make([]Literal, 1+min(255, len(p.s.Literals)/4))
	}
	l := &p.literals[0]
	p.literals = p.literals[1:]
	*l = Literal{Span: Span{p.pos, p.pos + 1}, Kind: kind, Tok: p.pos}
	p.pos++
	return l
}

// primary reads an operand; nil when none begins here.
func (p *parser) primary() Expr {
	t := p.tok()
	switch t.Kind {
	case Number:
		return p.newLiteral(LitNumber)
	case Hex:
		return p.newLiteral(LitHex)
	case Bit:
		return p.newLiteral(LitBit)
	case String:
		if p.peek(1).Kind == String {
			return p.strings(p.pos)
		}
		return p.newLiteral(LitString)
	case Introducer:
		from := p.pos
		p.pos++
		if k := p.tok().Kind; k == Hex || k == Bit {
			p.pos++
			return p.opaque(from)
		}
		return p.strings(from)
	case Param:
		p.pos++
		return &ParamRef{Span: Span{p.pos - 1, p.pos}, Index: p.paramIndex(p.pos - 1)}
	case UserVar:
		return p.userVar()
	case SysVar:
		return p.sysVar()
	case QuotedID:
		return p.nameOrCall()
	case Op:
		switch t.Op {
		case '(':
			return p.bracket()
		case '{':
			return p.braces()
		}
		return nil
	case Word:
		return p.wordExpr(t)
	}
	return nil
}

// strings takes 'a' 'b' …, maybe after an introducer: one value, but none that a single token holds.
func (p *parser) strings(from int32) Expr {
	for p.tok().Kind == String {
		p.pos++
	}
	return p.opaque(from)
}

func (p *parser) userVar() Expr {
	from := p.pos
	p.pos++
	p.st.Facts |= HasUserVar
	if p.acceptOp(opAssign) {
		p.st.Facts |= HasUserVarAssign
		e := p.expr()
		return p.opaque(from, e)
	}
	return p.opaque(from)
}

func (p *parser) sysVar() Expr {
	from := p.pos
	p.pos++
	for p.isOp('.') {
		p.pos++
		p.anyName()
	}
	p.st.Facts |= HasSysVar
	name := p.nameAt(p.pos - 1).Text
	p.st.Facts |= sysVarFacts(name)
	return p.opaque(from)
}

// braces reads ODBC's {d '2020-01-01'}.
func (p *parser) braces() Expr {
	from := p.pos
	p.pos++
	if p.tok().Kind == Word {
		p.pos++
	}
	e := p.expr()
	p.acceptOp('}')
	return p.opaque(from, e)
}

// bracket reads ( … ): an expression, a row or a subquery.
func (p *parser) bracket() Expr {
	from := p.pos
	if p.beginsQuery(1) {
		q := p.bracketQuery()
		return &Subquery{Span: p.span(from), Query: q}
	}
	p.pos++
	first := p.expr()
	if sub, ok := first.(*Subquery); ok && p.continuesQuery() { // ((SELECT …) UNION …)
		q := p.closeQuery(p.queryRest(bracketed(sub.Query, sub.Span)), sub.Span.From)
		p.acceptOp(')')
		return &Subquery{Span: p.span(from), Query: q}
	}
	if first == nil || !p.stops(false) {
		first = p.opaqueRest(from+1, first, false)
	}
	if p.acceptOp(')') {
		return &Paren{Span: p.span(from), X: first}
	}
	row := &Row{Elems: []Expr{first}}
	for p.acceptOp(',') || p.acceptOp(';') {
		row.Elems = append(row.Elems, p.element(false))
	}
	p.acceptOp(')')
	row.Span = p.span(from)
	return row
}

// wordExpr reads what an unquoted word begins.
func (p *parser) wordExpr(t Token) Expr {
	from := p.pos
	switch t.KW {
	case 0:
		return p.nameOrCall()
	case KwNull:
		return p.newLiteral(LitNull)
	case KwTrue:
		return p.newLiteral(LitTrue)
	case KwFalse:
		return p.newLiteral(LitFalse)
	case KwCase:
		return p.caseExpr()
	case KwExists:
		if p.isOpAt(1, '(') {
			p.pos++
			f := &Func{Name: "EXISTS"}
			if e := p.primary(); e != nil {
				f.Args = []Expr{e}
			}
			f.Span = p.span(from)
			return f
		}
	case KwInterval:
		return p.interval()
	case KwRow:
		if p.isOpAt(1, '(') {
			p.pos++
			e := p.bracket()
			if r, ok := e.(*Row); ok {
				r.Span = p.span(from)
				return r
			}
			return p.opaque(from, e)
		}
	case KwDate, KwTime, KwTimestamp:
		if p.peek(1).Kind == String {
			p.pos += 2
			return &Literal{Span: p.span(from), Kind: LitTemporal, Tok: p.pos - 1}
		}
	case KwDefault:
		if !p.isOpAt(1, '(') {
			return p.newLiteral(LitDefault)
		}
		return p.call(p.word(0), from)
	case KwIgnore:
		if p.st.Insert != nil { // which leaves a column as it is in UPDATE alone
			return p.newLiteral(LitDefault)
		}
	case KwMatch:
		return p.match()
	case KwCurrentDate, KwCurrentTime, KwCurrentTimestamp, KwLocaltime, KwLocaltimestamp, KwUtcDate, KwUtcTime, KwUtcTimestamp,
		KwCurrentUser, KwCurrentRole:
		if p.isOpAt(1, '(') {
			return p.call(p.word(0), from)
		}
		f := &Func{Name: p.word(0)}
		p.pos++
		f.Span = p.span(from)
		p.st.Facts |= functionFacts[f.Name]
		return f
	case KwNext, KwPrevious:
		if p.isAt(1, KwValue) && p.isAt(2, KwFor) {
			f := &Func{Name: map[Keyword]string{KwNext: "NEXTVAL", KwPrevious: "LASTVAL"}[t.KW], Odd: true}
			p.pos += 3
			p.table()
			p.st.Facts |= HasSequence | HasNondeterministic
			f.Span = p.span(from)
			return f
		}
	case KwSelect, KwWith:
		return nil
	case KwValues:
		if !p.isOpAt(1, '(') {
			return nil
		}
		return p.call("VALUES", from)
	}
	if t.KW.isName() {
		return p.nameOrCall()
	}
	// Reserved words that are functions too: LEFT(…), IF(…), REPLACE(…), INSERT(…), MOD(…), CHAR(…), CONVERT(…).
	if p.isOpAt(1, '(') && reservedFunctions[t.KW] {
		return p.call(p.word(0), from)
	}
	return nil
}

var reservedFunctions = map[Keyword]bool{KwLeft: true, KwRight: true, KwIf: true, KwReplace: true, KwInsert: true, KwMod: true,
	KwChar: true, KwConvert: true, KwRepeat: true, KwRowNumber: true, KwSchemas: true}

func (p *parser) caseExpr() Expr {
	from := p.pos
	p.pos++
	o := &Opaque{}
	for !p.done() && !p.isOp(')') {
		if p.accept(KwEnd) {
			break
		}
		if p.acceptAny(KwWhen, KwThen, KwElse) != 0 {
			continue
		}
		if e := p.any(); e != nil {
			o.Subs = append(o.Subs, e)
		}
	}
	o.Span = p.span(from)
	return o
}

// interval reads INTERVAL e unit, and the function INTERVAL(a, b, …).
func (p *parser) interval() Expr {
	from := p.pos
	p.pos++
	if !p.isOp('(') {
		e := p.expr()
		p.takeUnit()
		return p.opaque(from, e)
	}
	e := p.bracket()
	if r, ok := e.(*Row); ok {
		return &Func{Span: p.span(from), Name: "INTERVAL", Args: r.Elems}
	}
	if p.takeUnit() {
		return p.opaque(from, e)
	}
	rest := p.expr() // INTERVAL (a) + 1 DAY
	p.takeUnit()
	return p.opaque(from, e, rest)
}

var units = map[string]bool{"MICROSECOND": true, "SECOND": true, "MINUTE": true, "HOUR": true, "DAY": true, "WEEK": true, "MONTH": true,
	"QUARTER": true, "YEAR": true, "SECOND_MICROSECOND": true, "MINUTE_MICROSECOND": true, "MINUTE_SECOND": true, "HOUR_MICROSECOND": true,
	"HOUR_SECOND": true, "HOUR_MINUTE": true, "DAY_MICROSECOND": true, "DAY_SECOND": true, "DAY_MINUTE": true, "DAY_HOUR": true, "YEAR_MONTH": true,
	"SQL_TSI_SECOND": true, "SQL_TSI_MINUTE": true, "SQL_TSI_HOUR": true, "SQL_TSI_DAY": true, "SQL_TSI_WEEK": true, "SQL_TSI_MONTH": true,
	"SQL_TSI_QUARTER": true, "SQL_TSI_YEAR": true}

func (p *parser) takeUnit() bool {
	if units[p.word(0)] {
		p.named(p.pos)
		p.pos++
		return true
	}
	return false
}

// match reads MATCH (a, b) AGAINST (x …) and MATCH a, b AGAINST (x …).
func (p *parser) match() Expr {
	from := p.pos
	p.pos++
	f := &Func{Name: "MATCH", Odd: true}
	for !p.done() && !p.is(KwAgainst) && !p.isOp(')') {
		before := p.pos
		if e := p.primary(); e != nil {
			f.Args = append(f.Args, e)
		}
		p.acceptOp(',')
		if p.pos == before {
			break
		}
	}
	if p.accept(KwAgainst) && p.acceptOp('(') {
		if e := p.bitExpr(0); e != nil {
			f.Args = append(f.Args, e)
		}
		mode := p.pos
		p.skipTo(false) // IN BOOLEAN MODE …
		if p.pos > mode && p.word(-1) == "EXPANSION" {
			p.st.Facts |= HasExpansion
		}
		p.acceptOp(')')
	}
	p.st.Facts |= HasMatch
	f.Span = p.span(from)
	return f
}

// nameOrCall reads a column or a call of a function by its name.
func (p *parser) nameOrCall() Expr {
	from := p.pos
	if p.mode.Oracle {
		if e := p.oracleName(); e != nil {
			return e
		}
	}
	if p.isOpAt(1, '(') {
		t := p.tok()
		if t.Kind == Word {
			return p.call(p.word(0), from)
		}
		return p.storedCall(from, 1)
	}
	c := &Column{DB: noName, Table: noName}
	c.Name, _ = p.anyName()
	if p.isOp('.') && !p.isOpAt(1, '*') {
		p.pos++
		second, ok := p.anyName()
		if !ok {
			return p.opaque(from)
		}
		if p.isOp('(') {
			p.pos = from
			if e := p.schemaCall(); e != nil {
				return e
			}
			return p.storedCall(from, 3)
		}
		c.Table, c.Name = c.Name, second
		if p.isOp('.') && !p.isOpAt(1, '*') {
			p.pos++
			third, ok := p.anyName()
			if !ok {
				return p.opaque(from)
			}
			if p.isOp('(') { // package call: db.pkg.f()
				p.pos = from
				return p.storedCall(from, 5)
			}
			c.DB, c.Table, c.Name = c.Table, c.Name, third
		}
	}
	c.Span = p.span(from)
	if p.heard != nil {
		p.heard.Columns = append(p.heard.Columns, c)
	}
	return c
}
