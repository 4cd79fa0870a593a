package sqltext

// set reads SET in all its forms.
func (p *parser) set() {
	from := p.pos
	p.pos++
	switch {
	case p.is(KwStatement) && !p.isOpAt(1, '='):
		p.setStatement(from)
		return
	case p.is(KwPassword) && !p.isOpAt(1, '.'):
		p.account("SET PASSWORD")
		a := p.st.Account
		if p.setAlone(from); p.st.Account == nil {
			p.setRest(from, a)
		}
		return
	case p.seq(KwDefault, KwRole):
		p.account("SET DEFAULT ROLE")
		p.setAlone(from)
		return
	case p.is(KwRole) && !p.isOpAt(1, '=') && !p.isOpAt(1, opAssign):
		p.st.Kind = KindSetRole
		p.setAlone(from)
		return
	}
	set := &Set{}
	p.st.Kind, p.st.Set = KindSet, set
	scope := ""
	for !p.done() {
		if p.is(KwPassword) || p.is(KwRole) && !p.isOpAt(1, '=') {
			p.st.Kind, p.st.Set = KindOther, nil
			break
		}
		p.setVar(set, &scope)
		if !p.acceptOp(',') {
			break
		}
	}
}

// setAlone gives up the kind of a SET PASSWORD or SET ROLE that sets variables as well: nobody is to look at one part of it only.
func (p *parser) setAlone(from int32) {
	p.pos = from
	p.skipTo(true)
	if !p.done() {
		p.st.Kind, p.st.Account = KindOther, nil
		p.pos = p.end
	}
}

// setRest takes SET PASSWORD = …, variable = … for two statements, as mariadb-admin sends it.
func (p *parser) setRest(from int32, a *Account) {
	p.pos = from
	p.skipTo(true)
	if !p.acceptOp(',') {
		p.pos = p.end
		return
	}
	a.Variables = Span{From: p.pos, To: p.end}
	p.st.Kind, p.st.Account = KindAccount, a
	p.pos = p.end
}

// setStatement reads SET STATEMENT a=1, b=2 FOR statement.
func (p *parser) setStatement(from int32) {
	p.pos++
	for !p.done() && !p.is(KwFor) {
		p.element(true)
		p.acceptOp(',')
		if p.isOp(')') || p.isOp(';') {
			p.pos++
		} else if !p.is(KwFor) && p.stops(true) && !p.done() && !p.isOp(',') {
			break
		}
	}
	if !p.accept(KwFor) || p.done() { // no statement: the leaf says so
		return
	}
	p.st.SetStatement = p.span(from)
	p.statement()
}

func scopeOf(kw Keyword) string {
	switch kw {
	case KwGlobal:
		return "GLOBAL"
	case KwSession, KwLocal:
		return "SESSION"
	}
	return ""
}

// setVar reads one assignment. A scope before it holds for those that follow too, until the next scope.
func (p *parser) setVar(set *Set, scope *string) {
	from := p.pos
	v := SetVar{}
	kw := p.tok().KW
	if s := scopeOf(kw); s != "" && !p.isOpAt(1, '=') && !p.isOpAt(1, opAssign) && !p.isOpAt(1, '.') {
		*scope = s
		p.pos++
		kw = p.tok().KW
	}
	v.Scope = *scope
	var valueFrom int32
	switch {
	case kw == KwTransaction && (p.isAt(1, KwIsolation) || p.isAt(1, KwRead)):
		set.Transaction = true
		v.Name = "transaction"
		p.pos++
		valueFrom = p.pos
		for !p.done() && p.tok().Kind == Word || p.isOp(',') {
			p.pos++
		}
	case kw == KwNames && !p.isOpAt(1, '='):
		set.Names = true
		v.Name = "names"
		p.pos++
		valueFrom = p.pos
		v.Value = p.charsetValue()
		if p.accept(KwCollate) {
			p.charsetValue()
		}
	case kw == KwCharacter && p.isAt(1, KwSet), kw == KwCharset && !p.isOpAt(1, '='):
		set.Names = true
		v.Name = "character set"
		p.pos++
		p.accept(KwSet)
		valueFrom = p.pos
		v.Value = p.charsetValue()
	case p.tok().Kind == UserVar:
		v.Scope = "USER"
		v.Name = p.nameAt(p.pos).Text
		p.pos++
		p.st.Facts |= HasUserVar | HasUserVarAssign
		valueFrom = p.setValue(&v)
	default:
		p.setName(&v)
		valueFrom = p.setValue(&v)
	}
	v.ValueSpan = p.span(valueFrom)
	v.Span = p.span(from)
	set.Global = set.Global || v.Scope == "GLOBAL"
	set.Vars = append(set.Vars, v)
}

// setName reads name, @@name, @@global.name, global.name.
func (p *parser) setName(v *SetVar) {
	t := p.tok()
	switch t.Kind {
	case Word, QuotedID:
	case SysVar:
		v.Scope = ""
	default:
		return
	}
	v.Name = lower(p.nameAt(p.pos).Text)
	p.pos++
	for p.isOp('.') {
		p.pos++
		switch v.Name {
		case "global":
			v.Scope, v.Name = "GLOBAL", ""
		case "session", "local":
			v.Scope, v.Name = "SESSION", ""
		default:
			v.Name += "."
		}
		n, _ := p.anyName()
		v.Name += lower(n.Text)
	}
}

// setValue reads = value; what it returns is where the value begins.
func (p *parser) setValue(v *SetVar) int32 {
	if !p.acceptOp('=') {
		p.acceptOp(opAssign)
	}
	from := p.pos
	t := p.tok()
	if t.Kind == Word && (t.KW == KwOn || t.KW == KwAll || t.KW == KwBinary || t.KW == KwRow || t.KW == KwSystem) && p.endsSetValue(1) {
		p.pos++ // words that are values here: SET autocommit = ON
		v.Value = &Opaque{Span: p.span(from)}
		return from
	}
	v.Value = p.element(false)
	return from
}

func (p *parser) endsSetValue(n int32) bool {
	t := p.peek(n)
	return t.Kind == EOF || t.Kind == Op && (t.Op == ',' || t.Op == ';') || t.KW == KwFor
}

// charsetValue reads a character set's or collation's name; nil for DEFAULT.
func (p *parser) charsetValue() Expr {
	switch t := p.tok(); t.Kind {
	case String:
		return p.newLiteral(LitString)
	case QuotedID, Word:
		from := p.pos
		n, _ := p.anyName()
		if t.KW == KwDefault {
			return nil
		}
		return &Column{Span: p.span(from), DB: noName, Table: noName, Name: n}
	}
	return nil
}
