package sqltext

// account marks a statement on accounts whose inside is left to MariaDB.
func (p *parser) account(verb string) {
	p.st.Kind, p.st.Account = KindAccount, &Account{Verb: verb}
	p.pos = p.end
}

// grant reads GRANT and REVOKE as far as their object.
func (p *parser) grant() {
	a := &Account{Verb: p.word(0)}
	p.st.Kind, p.st.Account = KindAccount, a
	p.pos++
	for !p.done() && !p.is(KwOn) && !p.is(KwTo) && !p.is(KwFrom) {
		if p.isOp('(') { // of columns
			p.skipBracket()
			continue
		}
		p.pos++
	}
	if !p.accept(KwOn) {
		p.pos = p.end
		return
	}
	switch {
	case p.is(KwTable), p.is(KwFunction), p.is(KwProcedure), p.is(KwSequence), p.is(KwPackage):
		a.OnKind = p.word(0)
		if next := p.peek(1); isName(next) || next.Kind == Op && next.Op == '*' {
			p.pos++
		} else {
			a.OnKind = ""
		}
		if a.OnKind == "PACKAGE" && p.is(KwBody) && isName(p.peek(1)) {
			p.pos++
		}
	}
	from := p.pos
	on := &TableName{DB: noName, Name: noName}
	if p.acceptOp('*') {
		on.Name = Name{Tok: from, Text: "*"}
	} else if n, ok := p.anyName(); ok {
		on.Name = n
	} else {
		p.pos = p.end
		return
	}
	if p.isOp('.') {
		p.pos++
		on.DB = on.Name
		if p.acceptOp('*') {
			on.Name = Name{Tok: p.pos - 1, Text: "*"}
		} else {
			on.Name, _ = p.anyName()
		}
	}
	a.OnSpan = p.span(from)
	on.Span = a.OnSpan
	if on.Name.Text == "*" || a.OnKind == "" || a.OnKind == "TABLE" || a.OnKind == "SEQUENCE" {
		if a.OnKind == "" && p.word(0) != "TO" && p.word(0) != "FROM" { // GRANT PROXY ON user@host
			p.pos = p.end
			return
		}
		if on.Name.Text != "*" {
			p.st.Tables = append(p.st.Tables, on)
		}
	}
	a.On = on
	p.pos = p.end
}
