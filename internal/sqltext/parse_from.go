package sqltext

// tableRefs reads the comma list of FROM.
func (p *parser) tableRefs() []TableRef {
	var refs []TableRef
	for !p.done() {
		refs = append(refs, p.tableRef())
		if !p.acceptOp(',') {
			break
		}
	}
	return refs
}

// tableRef reads a factor and the joins after it.
func (p *parser) tableRef() TableRef { return p.joins(p.tableFactor(), false) }

// joinOp takes the words of a join.
func (p *parser) joinOp() (kind JoinKind, ok bool) {
	switch p.tok().KW {
	case KwJoin, KwStraightJoin:
		p.pos++
		return InnerJoin, true
	case KwInner, KwCross:
		if p.isAt(1, KwJoin) {
			p.pos += 2
			return InnerJoin, true
		}
	case KwLeft, KwRight:
		kind = LeftJoin
		if p.is(KwRight) {
			kind = RightJoin
		}
		if p.isAt(1, KwJoin) {
			p.pos += 2
			return kind, true
		}
		if p.isAt(1, KwOuter) && p.isAt(2, KwJoin) {
			p.pos += 3
			return kind, true
		}
	case KwNatural:
		p.pos++
		kind = NaturalJoin
		switch p.acceptAny(KwLeft, KwRight, KwInner) {
		case KwLeft:
			kind = NaturalLeftJoin
		case KwRight:
			kind = NaturalRightJoin
		}
		p.accept(KwOuter)
		p.accept(KwJoin)
		return kind, true
	}
	return 0, false
}

func (p *parser) onFollows() bool { return p.is(KwOn) && !p.seq(KwOn, KwDuplicate, KwKey) }

// joins reads the joins after left. With inner set it is the right side of an outer join, whose own ON is still to come: it stops before that.
func (p *parser) joins(left TableRef, inner bool) TableRef {
	if !p.enter() {
		return left
	}
	defer func() { p.depth-- }()
	for n := 0; ; n++ {
		from := p.pos
		kind, ok := p.joinOp()
		if !ok {
			if p.onFollows() && !inner { // a JOIN b JOIN c ON … ON …: which join it belongs to is not worth telling
				p.pos++
				p.element(true)
				left.Opaque = true
				left.Span.To = p.pos
				continue
			}
			return left
		}
		if p.tooLong(n) {
			p.fail("too many joins")
			return left
		}
		j := &Join{Kind: kind, Left: left}
		j.Right = p.tableFactor()
		if kind == LeftJoin || kind == RightJoin {
			if !p.onFollows() && !p.is(KwUsing) {
				j.Right = p.joins(j.Right, true)
			}
		}
		switch {
		case kind >= NaturalJoin:
		case p.onFollows():
			p.pos++
			j.On = p.element(true)
		case p.accept(KwUsing):
			j.Using, _ = p.names()
		}
		left = TableRef{Span: p.span(left.Span.From), Join: j, Alias: noName}
		if p.pos == from {
			return left
		}
	}
}

// tableFactor reads a table, a derived table, a bracket of joins, or something opaque.
func (p *parser) tableFactor() TableRef {
	from := p.pos
	r := TableRef{Alias: noName}
	if !p.enter() {
		r.Opaque = true
		return r
	}
	defer func() { p.depth-- }()
	switch {
	case p.isOp('('):
		p.bracketFactor(&r)
	case p.isOp('{'): // { OJ a LEFT JOIN b ON … }
		p.pos++
		p.name()
		r.Nested = []TableRef{p.tableRef()}
		r.Opaque = true
		p.acceptOp('}')
	case p.is(KwJsonTable) && p.isOpAt(1, '('):
		p.pos += 2
		p.element(false)
		p.skipTo(false)
		p.acceptOp(')')
		r.Opaque = true
		p.tableAlias(&r)
	default:
		t, ok := p.source()
		if !ok {
			r.Opaque = true
			p.opaqueRest(from, nil, true)
			break
		}
		r.Table = t
		if p.is(KwPartition) && p.isOpAt(1, '(') {
			start := p.pos
			p.pos++
			p.skipBracket()
			r.Partition = p.span(start)
		}
		p.period(&r)
		p.tableAlias(&r)
		p.indexHints(&r)
	}
	r.Span = p.span(from)
	return r
}

// bracketFactor reads ( query ) alias, ( a JOIN b ), ( a, b ).
func (p *parser) bracketFactor(r *TableRef) {
	if p.beginsQuery(1) {
		r.Derived = p.bracketQuery()
		p.tableAlias(r)
		return
	}
	p.pos++
	start := p.pos
	refs := p.tableRefs()
	if len(refs) == 1 && refs[0].Derived != nil && refs[0].Alias.Tok < 0 { // a derived table has an alias: this is a query in brackets
		q := bracketed(refs[0].Derived, refs[0].Span)
		r.Derived = p.closeQuery(p.queryRest(q), start)
		p.acceptOp(')')
		p.tableAlias(r)
		return
	}
	r.Nested = refs
	if !p.isOp(')') {
		r.Opaque = true
		p.sweep()
	}
	p.acceptOp(')')
}

func (p *parser) tableAlias(r *TableRef) {
	as := p.accept(KwAs)
	t := p.tok()
	if !isName(t) || !as && t.KW == KwWindow {
		return
	}
	r.Alias, _ = p.name()
	if r.Derived != nil && p.isOp('(') { // derived (a, b)
		p.skipBracket()
		r.Opaque = true
	}
}

// period reads FOR SYSTEM_TIME … and FOR PORTION OF ….
func (p *parser) period(r *TableRef) {
	from := p.pos
	switch {
	case p.acceptSeq(KwFor, KwSystemTime):
		p.st.Facts |= HasSystemTime
		switch {
		case p.accept(KwAll):
		case p.acceptSeq(KwAs, KwOf):
			p.periodPoint()
		case p.accept(KwBetween):
			p.periodPoint()
			p.accept(KwAnd)
			p.periodPoint()
		case p.accept(KwFrom):
			p.periodPoint()
			p.accept(KwTo)
			p.periodPoint()
		}
	case p.acceptSeq(KwFor, KwPortion, KwOf):
		p.st.Facts |= HasSystemTime
		p.name()
		p.accept(KwFrom)
		p.periodPoint()
		p.accept(KwTo)
		p.periodPoint()
	default:
		return
	}
	r.SystemTime = p.span(from)
}

func (p *parser) periodPoint() {
	if k := p.tok().KW; (k == KwTimestamp || k == KwTransaction) && p.peek(1).Kind != String {
		p.pos++
	}
	p.bitExpr(0)
}

func (p *parser) indexHints(r *TableRef) {
	from := p.pos
	for p.acceptAny(KwUse, KwForce, KwIgnore) != 0 {
		if p.acceptAny(KwIndex, KwKey) == 0 {
			p.pos--
			break
		}
		if p.accept(KwFor) && p.acceptAny(KwJoin, KwOrder, KwGroup) != 0 {
			p.accept(KwBy)
		}
		if p.isOp('(') {
			p.skipBracket()
		}
	}
	r.Hints = p.span(from)
}
