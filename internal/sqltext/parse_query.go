package sqltext

// beginsQuery says whether the token n places on begins a query.
func (p *parser) beginsQuery(n int32) bool {
	switch p.peek(n).KW {
	case KwSelect, KwWith:
		return true
	case KwValues:
		return !p.onDup && p.isOpAt(n+1, '(')
	}
	return false
}

// continuesQuery says whether what follows a bracketed query makes it part of a larger one.
func (p *parser) continuesQuery() bool {
	switch p.tok().KW {
	case KwUnion, KwExcept, KwIntersect, KwOrder, KwLimit:
		return true
	}
	return false
}

// bracketQuery reads ( query ), the query of a subquery or a derived table. What it does not understand is Opaque, so that the closing
// bracket is always found.
func (p *parser) bracketQuery() *Query {
	p.pos++
	from := p.pos
	p.st.Facts |= HasSubquery
	q := p.closeQuery(p.query(), from)
	p.acceptOp(')')
	return q
}

// closeQuery makes a query Opaque that does not end at a closing bracket.
func (p *parser) closeQuery(q *Query, from int32) *Query {
	if p.done() || p.isOp(')') {
		return q
	}
	p.sweep()
	return &Query{Span: p.span(from), Opaque: true}
}

// query reads [WITH …] and a query expression. It never returns nil.
func (p *parser) query() *Query {
	from := p.pos
	if !p.enter() {
		return &Query{Opaque: true}
	}
	scope := len(p.ctes)
	defer func() {
		p.depth--
		p.popCTEs(scope)
	}()
	var with *With
	if p.is(KwWith) {
		if with = p.with(); with == nil {
			p.sweep()
			return &Query{Span: p.span(from), Opaque: true}
		}
	}
	q := p.queryRest(p.setChain(p.queryTerm(), Union))
	if with != nil {
		if q.With != nil { // WITH … (WITH … SELECT …)
			q = &Query{Opaque: true}
		}
		q.With = with
	}
	q.Span = p.span(from)
	return q
}

// with reads WITH [RECURSIVE] a [(cols)] AS (query), …; nil when it is none.
func (p *parser) with() *With {
	from := p.pos
	p.pos++
	w := &With{Recursive: p.accept(KwRecursive)}
	firstTable := len(p.st.Tables)
	for {
		name, ok := p.name()
		if !ok {
			return nil
		}
		if p.isOp('(') {
			p.skipBracket()
		}
		if !p.accept(KwAs) || !p.isOp('(') {
			return nil
		}
		if w.Recursive {
			p.pushCTE(name.Text)
		}
		q := p.bracketQuery()
		if !w.Recursive {
			p.pushCTE(name.Text)
		}
		w.CTEs = append(w.CTEs, CTE{Name: name, Query: q})
		if p.accept(KwCycle) { // CYCLE a, b RESTRICT
			for !p.done() && !p.is(KwRestrict) && p.tok().KW != KwSelect && !p.isOp('(') && !p.isOp(')') {
				p.pos++
			}
			p.accept(KwRestrict)
		}
		if !p.acceptOp(',') {
			break
		}
	}
	if w.Recursive {
		p.forwardCTEs(firstTable)
	}
	w.Span = p.span(from)
	return w
}

// forwardCTEs marks the tables listed from first on that are really common table expressions defined further on: under RECURSIVE each sees all.
func (p *parser) forwardCTEs(first int) {
	keep := p.st.Tables[:first]
	for _, t := range p.st.Tables[first:] {
		if t.DB.Tok < 0 && p.isCTE(t.Name.Text) {
			t.CTE = true
		} else {
			keep = append(keep, t)
		}
	}
	p.st.Tables = keep
}

// queryTerm reads one operand of a set operation.
func (p *parser) queryTerm() *Query {
	from := p.pos
	switch {
	case p.is(KwSelect):
		sel := p.selectCore()
		return &Query{Span: sel.Span, Select: sel}
	case p.is(KwValues):
		p.pos++
		q := &Query{Opaque: true}
		for p.isOp('(') {
			p.pos++
			p.list()
			p.acceptOp(')')
			if !p.acceptOp(',') {
				break
			}
		}
		q.Span = p.span(from)
		return q
	case p.isOp('('):
		p.pos++
		q := p.closeQuery(p.query(), from+1)
		p.acceptOp(')')
		return bracketed(q, p.span(from))
	}
	return &Query{Span: p.span(from), Opaque: true}
}

// bracketed is the query that brackets around q make.
func bracketed(q *Query, span Span) *Query {
	if q.Bracket && q.hasRest() {
		q = &Query{Opaque: true} // one more level of brackets around clauses of its own
	}
	q.Bracket, q.Span = true, span
	return q
}

// hasRest says whether a query has clauses behind it that are not its SELECT's.
func (q *Query) hasRest() bool { return q.Order != nil || q.Limit != nil || !q.Tail.Empty() }

// setOperator takes UNION, EXCEPT or INTERSECT; only binds the tighter one when intersect is set.
func (p *parser) setOperator(intersect bool) SetOp {
	op := SetNone
	switch {
	case intersect && p.is(KwIntersect):
		op = Intersect
	case !intersect && p.is(KwUnion):
		op = Union
	case !intersect && p.is(KwExcept):
		op = Except
	default:
		return SetNone
	}
	p.pos++
	if p.accept(KwAll) {
		op++
	} else {
		p.accept(KwDistinct)
	}
	return op
}

// setChain reads the set operations after left; level is Intersect for those that bind tighter.
func (p *parser) setChain(left *Query, level SetOp) *Query {
	if level != Intersect {
		left = p.setChain(left, Intersect)
	}
	for n := 0; ; n++ {
		op := p.setOperator(level == Intersect)
		if op == SetNone {
			return left
		}
		right := p.queryTerm()
		if level != Intersect {
			right = p.setChain(right, Intersect)
		}
		span := Span{left.Span.From, p.pos}
		if p.tooLong(n) {
			left = &Query{Span: span, Opaque: true}
			continue
		}
		left = &Query{Span: span, Left: left, Op: op, Right: right}
	}
}

// queryRest reads what follows the last operand: set operations (after a bracketed query that was read as an operand), ORDER BY, LIMIT, INTO and
// locks. They belong to the one SELECT, or to the whole.
func (p *parser) queryRest(q *Query) *Query {
	q = p.setChain(q, Union)
	var order []OrderItem
	var orderSpan Span
	if p.seq(KwOrder, KwBy) {
		order, orderSpan = p.orderBy()
	}
	limit := p.limit()
	tail := p.tail()
	within := q.Left != nil && q.Bracket && q.hasRest() // (… UNION … LIMIT 1)
	switch {
	case within && order == nil && limit == nil && tail.Empty():
	case within:
		q = &Query{Opaque: true}
	case q.Select != nil && !q.Bracket:
		s := q.Select
		s.Order, s.OrderSpan, s.Limit, s.Tail = order, orderSpan, limit, tail
		s.Span.To = p.pos
	default:
		q.Order, q.OrderSpan, q.Limit, q.Tail = order, orderSpan, limit, tail
	}
	q.Span.To = p.pos
	return q
}

// selectCore reads SELECT up to WINDOW, without ORDER BY and what follows it.
func (p *parser) selectCore() *Select {
	s := &Select{}
	from := p.pos
	p.pos++
	p.selectOptions(s)
	start := p.pos
	for !p.done() {
		s.Items = append(s.Items, p.selectItem())
		if !p.acceptOp(',') {
			break
		}
	}
	s.ItemsSpan = p.span(start)
	if p.is(KwInto) {
		p.into()
	}
	if p.is(KwFrom) {
		start = p.pos
		p.pos++
		if !p.accept(KwDual) {
			s.From = p.tableRefs()
		}
		s.FromSpan = p.span(start)
	}
	s.Where, s.WhereSpan = p.where()
	if p.seq(KwGroup, KwBy) {
		start = p.pos
		p.pos += 2
		s.Group = p.orderItems()
		s.Rollup = p.acceptSeq(KwWith, KwRollup)
		s.GroupSpan = p.span(start)
	}
	if p.is(KwHaving) {
		start = p.pos
		p.pos++
		s.Having = p.element(true)
		s.HavingSpan = p.span(start)
	}
	if p.is(KwWindow) && p.isAt(2, KwAs) {
		start = p.pos
		p.pos++
		for {
			p.name()
			p.accept(KwAs)
			if !p.isOp('(') {
				break
			}
			p.windowSpec()
			if !p.acceptOp(',') {
				break
			}
		}
		s.Windows = p.span(start)
		p.st.Facts |= HasWindow
	}
	s.Span = p.span(from)
	return s
}

func (p *parser) selectOptions(s *Select) {
	start := p.pos
	unique := KwDistinct
	if p.mode.Oracle {
		unique = KwUnique
	}
	for {
		switch p.acceptAny(KwDistinct, unique, KwDistinctrow, KwAll, KwSqlCalcFoundRows, KwSqlNoCache, KwSqlCache, KwSqlBigResult, KwSqlSmallResult,
			KwSqlBufferResult, KwHighPriority, KwStraightJoin) {
		case 0:
			s.Options = p.span(start)
			return
		case KwDistinct, KwDistinctrow, KwUnique:
			s.Distinct = true
		case KwSqlCalcFoundRows:
			p.st.Facts |= HasCalcFoundRows
		}
	}
}

// selectItem reads one item of a select list or of RETURNING.
func (p *parser) selectItem() SelectItem {
	from := p.pos
	it := SelectItem{Alias: noName, StarTable: noName, StarDB: noName}
	if p.star(&it) {
		it.Span = p.span(from)
		return it
	}
	it.Expr = p.expr()
	if it.Expr != nil {
		p.alias(&it)
	}
	if t := p.tok(); it.Expr == nil || !(p.stops(true) || t.KW == KwWindow) {
		it.Alias = noName
		it.Expr = p.opaqueRest(from, it.Expr, true)
	}
	it.Span = p.span(from)
	if p.heard != nil {
		p.heard.Items = append(p.heard.Items, it)
	}
	return it
}

// star takes *, t.*, db.t.*.
func (p *parser) star(it *SelectItem) bool {
	switch {
	case p.isOp('*'):
		p.pos++
	case p.isOpAt(1, '.') && p.isOpAt(2, '*') && p.tok().Kind != Op:
		it.StarTable, _ = p.anyName()
		p.pos += 2
	case p.isOpAt(1, '.') && p.isOpAt(3, '.') && p.isOpAt(4, '*') && p.tok().Kind != Op:
		it.StarDB, _ = p.anyName()
		p.pos++
		it.StarTable, _ = p.anyName()
		p.pos += 2
	default:
		return false
	}
	it.Star = true
	return true
}

func (p *parser) alias(it *SelectItem) {
	as := p.accept(KwAs)
	t := p.tok()
	switch {
	case t.Kind == String: // its text is a literal of the fingerprint, but names a column
		p.st.LiteralsMatter = true
	case as && t.Kind == Word, isName(t):
	default:
		if as {
			p.pos--
		}
		return
	}
	p.named(p.pos)
	p.pos++
	it.Alias = p.nameAt(p.pos - 1)
}

func (p *parser) where() (Expr, Span) {
	if !p.is(KwWhere) {
		return nil, Span{}
	}
	from := p.pos
	p.pos++
	e := p.element(true)
	return e, p.span(from)
}

func (p *parser) orderBy() ([]OrderItem, Span) {
	from := p.pos
	p.pos += 2
	items := p.orderItems()
	return items, p.span(from)
}

// orderItems reads the items of ORDER BY and GROUP BY. A number among them is the position of a select item, not a value.
func (p *parser) orderItems() []OrderItem {
	var items []OrderItem
	for !p.done() {
		from := p.pos
		it := OrderItem{Expr: p.expr()}
		switch p.acceptAny(KwAsc, KwDesc) {
		case KwDesc:
			it.Desc = true
		}
		if it.Expr == nil || !p.stops(true) && !p.isOrderEnd() {
			it.Expr = p.opaqueRest(from, it.Expr, true)
			it.Desc = false
		}
		if l, ok := Unparen(it.Expr).(*Literal); ok && l.Kind == LitNumber {
			p.st.LiteralsMatter = true
		}
		it.Span = p.span(from)
		items = append(items, it)
		if !p.acceptOp(',') {
			break
		}
	}
	return items
}

// isOrderEnd says whether a word follows that may stand after ORDER BY or GROUP BY and that stops does not know.
func (p *parser) isOrderEnd() bool {
	switch p.tok().KW {
	case KwWith, KwWindow, KwSeparator, KwRows, KwRange:
		return true
	}
	return false
}

// limit reads LIMIT in its forms, and OFFSET … FETCH; nil when there is none.
func (p *parser) limit() *Limit {
	from := p.pos
	switch {
	case p.is(KwLimit):
		p.pos++
		l := &Limit{}
		if p.is(KwRows) {
			return p.oddLimit(l, from)
		}
		l.Count = p.limitOperand()
		if p.acceptOp(',') {
			l.Offset = l.Count
			l.Count = p.limitOperand()
		} else if p.accept(KwOffset) {
			l.Offset = p.limitOperand()
		}
		if p.is(KwRows) {
			return p.oddLimit(l, from)
		}
		l.Span = p.span(from)
		return l
	case p.is(KwOffset) || p.is(KwFetch):
		l := &Limit{}
		if p.accept(KwOffset) {
			l.Offset = p.limitOperand()
			p.acceptAny(KwRow, KwRows)
		}
		if p.accept(KwFetch) {
			p.acceptAny(KwFirst, KwNext)
			if !p.is(KwRow) && !p.is(KwRows) {
				l.Count = p.limitOperand()
			}
			p.acceptAny(KwRow, KwRows)
			ties := p.acceptSeq(KwWith, KwTies)
			p.accept(KwOnly)
			l.Odd, l.Ties = ties || l.Count == nil, ties && l.Count != nil
		}
		l.Span = p.span(from)
		return l
	}
	return nil
}

// limitOperand reads an operand of LIMIT.
func (p *parser) limitOperand() Expr {
	if e := p.bitExpr(0); e != nil {
		return e
	}
	return p.opaque(p.pos)
}

func (p *parser) oddLimit(l *Limit, from int32) *Limit {
	if p.acceptSeq(KwRows, KwExamined) {
		p.bitExpr(0)
	}
	l.Odd = true
	l.Span = p.span(from)
	return l
}

// tail reads PROCEDURE, INTO, FOR UPDATE and LOCK IN SHARE MODE, in any order.
func (p *parser) tail() Span {
	from := p.pos
	for {
		switch {
		case p.is(KwProcedure):
			p.st.Facts |= HasProcedureAnalyse
			p.pos++
			for !p.done() && !p.isOp('(') && !p.isOp(')') {
				p.pos++
			}
			if p.isOp('(') {
				p.skipBracket()
			}
		case p.is(KwInto):
			p.into()
		case p.seq(KwFor, KwUpdate):
			p.pos += 2
			p.st.Facts |= HasForUpdate
			p.lockWait()
		case p.seq(KwLock, KwIn, KwShare, KwMode):
			p.pos += 4
			p.st.Facts |= HasForUpdate
			p.lockWait()
		default:
			return p.span(from)
		}
	}
}

func (p *parser) lockWait() {
	switch {
	case p.accept(KwNowait):
	case p.acceptSeq(KwSkip, KwLocked):
		p.st.Facts |= HasSkipLocked
	case p.accept(KwWait):
		p.pos = min(p.pos+1, p.end)
	}
}

// into reads INTO OUTFILE, INTO DUMPFILE and INTO variables.
func (p *parser) into() {
	p.pos++
	p.st.Facts |= HasInto
	if p.acceptAny(KwOutfile, KwDumpfile) != 0 {
		for !p.done() && !p.isOp(')') && !p.is(KwFrom) && !p.is(KwFor) && !p.is(KwLock) && !p.is(KwUnion) {
			p.pos++
		}
		return
	}
	for {
		switch t := p.tok(); {
		case t.Kind == UserVar:
			p.st.Facts |= HasUserVar | HasUserVarAssign
			p.pos++
		case isName(t):
			p.pos++
		default:
			return
		}
		if !p.acceptOp(',') {
			return
		}
	}
}
