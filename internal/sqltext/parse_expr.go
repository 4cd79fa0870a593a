package sqltext

// Operators of more than one byte, as Token.Op holds them.
const (
	opLE     = '<' | '='<<8
	opGE     = '>' | '='<<8
	opNE     = '<' | '>'<<8
	opNE2    = '!' | '='<<8
	opNullEq = '<' | '='<<8 | '>'<<16
	opShiftL = '<' | '<'<<8
	opShiftR = '>' | '>'<<8
	opOrOr   = '|' | '|'<<8
	opAndAnd = '&' | '&'<<8
	opAssign = ':' | '='<<8
)

// stops says whether the next token ends an element of a list or a clause: a closing bracket, a comma, the end; and, outside of brackets,
// a word that begins the next clause.
func (p *parser) stops(clause bool) bool {
	t := p.tok()
	switch t.Kind {
	case EOF:
		return true
	case Op:
		return t.Op == ')' || t.Op == ',' || t.Op == ';'
	case Word:
		return clause && beginsClause(t.KW)
	}
	return false
}

func beginsClause(kw Keyword) bool {
	switch kw {
	case KwFrom, KwWhere, KwGroup, KwHaving, KwOrder, KwLimit, KwUnion, KwExcept, KwIntersect, KwInto, KwFor, KwLock, KwProcedure, KwOn,
		KwReturning, KwFetch, KwOffset, KwSet, KwSelect, KwWith, KwUsing, KwJoin, KwInner, KwCross, KwLeft, KwRight, KwNatural, KwStraightJoin:
		return true
	}
	return false
}

// element reads an expression that must end where stops says so; when it does not, all up to there is Opaque. It is never nil.
func (p *parser) element(clause bool) Expr {
	if p.lone() {
		return p.primary()
	}
	from := p.pos
	e := p.expr()
	if p.stops(clause) && e != nil {
		return e
	}
	return p.opaqueRest(from, e, clause)
}

// lone says whether a literal is all of an element: of long lists nearly each one is.
func (p *parser) lone() bool {
	if p.pos+1 >= p.end {
		return false
	}
	if next := &p.toks[p.pos+1]; next.Kind != Op || next.Op != ',' && next.Op != ')' {
		return false
	}
	switch p.toks[p.pos].Kind {
	case Number, Hex, Bit, String:
		return true
	}
	return false
}

// opaqueRest makes what began at from Opaque up to the next stop.
func (p *parser) opaqueRest(from int32, first Expr, clause bool) Expr {
	o := &Opaque{}
	if first != nil {
		o.Subs = append(o.Subs, first)
	}
	for !p.stops(clause) {
		if e := p.any(); e != nil {
			o.Subs = append(o.Subs, e)
		}
	}
	o.Span = p.span(from)
	return o
}

// any reads whatever comes next: a query, an expression, or a token of which nothing is known. It always goes on by one token at least.
func (p *parser) any() Expr {
	from := p.pos
	if p.beginsQuery(0) {
		q := p.query()
		p.st.Facts |= HasSubquery
		return &Subquery{Span: p.span(from), Query: q}
	}
	e := p.expr()
	if p.pos == from {
		p.pos++
	}
	return e
}

// sweep reads all up to the closing bracket of this level, or the end, for the sake of the tables, functions and columns in it.
func (p *parser) sweep() []Expr {
	var subs []Expr
	for !p.done() && !p.isOp(')') {
		if e := p.any(); e != nil {
			subs = append(subs, e)
		}
	}
	return subs
}

// joinBinary makes L op R, or an Opaque of what there is when an operand is missing.
func (p *parser) joinBinary(from int32, op string, l, r Expr) Expr {
	if r == nil {
		return p.opaque(from, l)
	}
	return &Binary{Span: p.span(from), Op: op, L: l, R: r}
}

func (p *parser) opaque(from int32, subs ...Expr) *Opaque {
	o := &Opaque{Span: p.span(from)}
	for _, e := range subs {
		if e != nil {
			o.Subs = append(o.Subs, e)
		}
	}
	return o
}

// chain reads operands joined by left-associative operators of one level.
func (p *parser) chain(operand func() Expr, operator func() string) Expr {
	from := p.pos
	l := operand()
	if l == nil {
		return nil
	}
	var flat *Opaque
	for n := 0; ; n++ {
		op := operator()
		if op == "" {
			return l
		}
		r := operand()
		switch {
		case flat != nil:
			if r != nil {
				flat.Subs = append(flat.Subs, r)
			}
			flat.Span = p.span(from)
		case p.tooLong(n):
			flat = p.opaque(from, l, r)
			l = flat
		default:
			l = p.joinBinary(from, op, l, r)
		}
		if r == nil {
			return l
		}
	}
}

// expr reads an expression; nil when none begins here. The levels, from the loosest to the tightest, are MariaDB's: OR, XOR, AND, NOT,
// comparison and IS, BETWEEN and LIKE and IN, |, &, shifts, + -, * / DIV MOD, ^, || as concatenation, signs, COLLATE.
func (p *parser) expr() Expr {
	if !p.enter() {
		return nil
	}
	defer func() { p.depth-- }()
	return p.chain(p.xorExpr, func() string {
		if p.accept(KwOr) || !p.mode.PipesAsConcat && p.acceptOp(opOrOr) {
			return "OR"
		}
		return ""
	})
}

func (p *parser) xorExpr() Expr {
	return p.chain(p.andExpr, func() string {
		if p.accept(KwXor) {
			return "XOR"
		}
		return ""
	})
}

func (p *parser) andExpr() Expr {
	return p.chain(p.notExpr, func() string {
		if p.accept(KwAnd) || p.acceptOp(opAndAnd) {
			return "AND"
		}
		return ""
	})
}

func (p *parser) notExpr() Expr {
	if !p.is(KwNot) || p.mode.HighNotPrecedence {
		return p.test()
	}
	if !p.enter() {
		return nil
	}
	defer func() { p.depth-- }()
	from := p.pos
	p.pos++
	x := p.notExpr()
	if x == nil {
		return p.opaque(from)
	}
	return &Not{Span: p.span(from), X: x}
}

func (p *parser) comparison() string {
	t := p.tok()
	if t.Kind != Op {
		return ""
	}
	op := ""
	switch t.Op {
	case '=':
		op = "="
	case '<':
		op = "<"
	case '>':
		op = ">"
	case opLE:
		op = "<="
	case opGE:
		op = ">="
	case opNE, opNE2:
		op = "<>"
	case opNullEq:
		op = "<=>"
	default:
		return ""
	}
	p.pos++
	return op
}

// test reads comparisons and IS.
func (p *parser) test() Expr {
	from := p.pos
	l := p.predicate()
	if l == nil {
		return nil
	}
	for n := 0; ; n++ {
		if p.tooLong(n) {
			p.fail("too many comparisons in a row")
		}
		if op := p.comparison(); op != "" {
			var r Expr
			if kw := p.tok().KW; (kw == KwAny || kw == KwAll || kw == KwSome) && p.isOpAt(1, '(') {
				r = p.quantified()
			} else {
				r = p.predicate()
			}
			l = p.joinBinary(from, op, l, r)
			continue
		}
		if !p.is(KwIs) {
			return l
		}
		p.pos++
		not := p.accept(KwNot)
		switch p.acceptAny(KwNull, KwTrue, KwFalse, KwUnknown) {
		case KwNull:
			l = &IsNull{Span: p.span(from), X: l, Not: not}
		default:
			l = p.opaque(from, l)
		}
	}
}

// quantified reads ANY|ALL|SOME (subquery).
func (p *parser) quantified() Expr {
	from := p.pos
	f := &Func{Name: p.word(0), Odd: true}
	p.pos++
	if e := p.primary(); e != nil {
		f.Args = []Expr{e}
	}
	f.Span = p.span(from)
	return f
}

// predicate reads BETWEEN, IN, LIKE, REGEXP, SOUNDS LIKE.
func (p *parser) predicate() Expr {
	if !p.enter() {
		return nil
	}
	defer func() { p.depth-- }()
	from := p.pos
	l := p.bitExpr(0)
	for n := 0; l != nil; n++ {
		if p.tooLong(n) {
			p.fail("too many predicates in a row")
		}
		next := p.predicateOn(from, l)
		if next == nil {
			break
		}
		l = next
	}
	return l
}

// pattern reads what LIKE and its kin compare with. MariaDB's grammar makes a NOT that follows part of it: a LIKE b NOT LIKE c is
// a LIKE (b NOT LIKE c), while a LIKE b LIKE c is (a LIKE b) LIKE c.
func (p *parser) pattern() Expr {
	if !p.enter() {
		return nil
	}
	defer func() { p.depth-- }()
	from := p.pos
	r := p.bitExpr(0)
	for r != nil && p.is(KwNot) {
		next := p.predicateOn(from, r)
		if next == nil {
			break
		}
		r = next
	}
	return r
}

// predicateOn reads one predicate whose left operand is l; nil when none follows.
func (p *parser) predicateOn(from int32, l Expr) Expr {
	start := p.pos
	not := p.accept(KwNot)
	switch p.tok().KW {
	case KwIn:
		p.pos++
		return p.in(from, l, not)
	case KwBetween:
		p.pos++
		lo := p.predicate()
		if !p.accept(KwAnd) {
			return p.opaque(from, l, lo)
		}
		hi := p.predicate()
		if lo == nil || hi == nil {
			return p.opaque(from, l, lo, hi)
		}
		return &Between{Span: p.span(from), X: l, Lo: lo, Hi: hi, Not: not}
	case KwLike, KwRegexp, KwRlike:
		op := "REGEXP"
		if p.is(KwLike) {
			op = "LIKE"
		}
		if not {
			op = "NOT " + op
		}
		p.pos++
		r := p.pattern()
		if p.accept(KwEscape) {
			escape := p.unary()
			return p.opaque(from, l, r, escape)
		}
		return p.joinBinary(from, op, l, r)
	case KwSounds:
		if p.isAt(1, KwLike) && !not {
			p.pos += 2
			r := p.pattern()
			return p.joinBinary(from, "SOUNDS LIKE", l, r)
		}
	}
	p.pos = start
	return nil
}

// in reads what follows IN.
func (p *parser) in(from int32, x Expr, not bool) Expr {
	if !p.isOp('(') {
		r := p.bitExpr(0)
		return p.opaque(from, x, r)
	}
	if p.beginsQuery(1) {
		q := p.bracketQuery()
		return &In{Span: p.span(from), X: x, Not: not, Sub: q}
	}
	p.pos++
	in := &In{X: x, Not: not}
	in.List = p.list()
	p.acceptOp(')')
	in.Span = p.span(from)
	return in
}

// list reads expressions separated by commas up to the closing bracket, which stays.
func (p *parser) list() []Expr {
	var list []Expr
	for !p.done() && !p.isOp(')') {
		list = append(list, p.element(false))
		if !p.acceptOp(',') && !p.isOp(')') {
			p.pos++ // a stray semicolon
		}
	}
	return list
}

// bitLevel gives the operator at the next token and how tightly it binds: | is 1 and ^ is 6; 0 is none.
func (p *parser) bitLevel() (string, int) {
	t := p.tok()
	if t.Kind == Word {
		switch t.KW {
		case KwDiv:
			return "DIV", 5
		case KwMod:
			return "%", 5
		}
		return "", 0
	}
	if t.Kind != Op {
		return "", 0
	}
	switch t.Op {
	case '|':
		return "|", 1
	case '&':
		return "&", 2
	case opShiftL:
		return "<<", 3
	case opShiftR:
		return ">>", 3
	case '+':
		return "+", 4
	case '-':
		return "-", 4
	case '*':
		return "*", 5
	case '/':
		return "/", 5
	case '%':
		return "%", 5
	case '^':
		return "^", 6
	case opOrOr:
		switch {
		case p.mode.Oracle:
			return "||", 4
		case p.mode.PipesAsConcat:
			return "||", 7
		}
	}
	return "", 0
}

// bitExpr reads operators that bind tighter than above.
func (p *parser) bitExpr(above int) Expr {
	from := p.pos
	l := p.unary()
	if l == nil {
		return nil
	}
	var flat *Opaque
	for n := 0; ; n++ {
		op, level := p.bitLevel()
		if level <= above {
			return l
		}
		p.pos++
		r := p.bitExpr(level)
		switch {
		case flat != nil:
			flat.Span = p.span(from)
			if r != nil {
				flat.Subs = append(flat.Subs, r)
			}
		case p.tooLong(n):
			flat = p.opaque(from, l, r)
			l = flat
		default:
			l = p.joinBinary(from, op, l, r)
		}
		if r == nil {
			return l
		}
	}
}

// unary reads signs, ~, !, BINARY.
func (p *parser) unary() Expr {
	t := p.tok()
	not := t.KW == KwNot && p.mode.HighNotPrecedence
	binary := t.KW == KwBinary
	if !not && !binary && !(t.Kind == Op && (t.Op == '-' || t.Op == '+' || t.Op == '~' || t.Op == '!')) {
		return p.postfix()
	}
	from := p.pos
	if t.Op == '-' || t.Op == '+' {
		next := p.peek(1)
		if !p.isAt(2, KwCollate) {
			switch next.Kind {
			case Number:
				p.pos += 2
				return &Literal{Span: p.span(from), Kind: LitNumber, Tok: p.pos - 1, Neg: t.Op == '-'}
			case Param:
				p.pos += 2
				return &ParamRef{Span: p.span(from), Index: p.paramIndex(p.pos - 1), Neg: t.Op == '-'}
			}
		}
	}
	if !p.enter() {
		return nil
	}
	defer func() { p.depth-- }()
	p.pos++
	x := p.unary()
	switch {
	case x == nil:
		return p.opaque(from)
	case not || t.Op == '!':
		return &Not{Span: p.span(from), X: x}
	case binary:
		return p.opaque(from, x)
	}
	return &Func{Span: p.span(from), Name: string(rune(t.Op)), Args: []Expr{x}}
}

// postfix reads COLLATE after an operand.
func (p *parser) postfix() Expr {
	from := p.pos
	e := p.primary()
	if e == nil || !p.is(KwCollate) {
		return e
	}
	for p.accept(KwCollate) {
		if k := p.tok().Kind; k == Word || k == QuotedID || k == String {
			p.pos++
		}
	}
	return p.opaque(from, e)
}
