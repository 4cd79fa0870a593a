package sqltext

func (p *parser) insert() {
	in := &Insert{Replace: p.is(KwReplace), OnDupTok: -1, ValuesTok: -1, InsertPoint: -1}
	p.st.Kind, p.st.Insert = KindInsert, in
	p.pos++
	for {
		switch p.acceptAny(KwLowPriority, KwDelayed, KwHighPriority, KwIgnore) {
		case KwDelayed:
			in.Delayed = true
			continue
		case KwIgnore:
			in.Ignore = true
			continue
		case 0:
		default:
			continue
		}
		break
	}
	p.accept(KwInto)
	var ok bool
	if in.Table, ok = p.table(); !ok {
		p.st.Kind, p.st.Insert = KindOther, nil
		return
	}
	if p.is(KwPartition) && p.isOpAt(1, '(') {
		from := p.pos
		p.pos++
		p.skipBracket()
		in.Partition = p.span(from)
	}
	in.InsertPoint = p.pos
	if p.isOp('(') && !p.beginsQuery(1) && !p.isOpAt(1, '(') {
		from := p.pos
		p.insertColumns(in)
		in.ColumnsSpan = p.span(from)
	}
	switch {
	case p.is(KwValues) || p.is(KwValue):
		in.ValuesTok = p.pos
		p.pos++
		p.insertRows(in)
	case p.is(KwSet):
		from := p.pos
		p.pos++
		in.Set = p.assignments()
		in.SetSpan = p.span(from)
		for _, a := range in.Set {
			in.Columns = append(in.Columns, a.Column.Name)
		}
	case p.beginsQuery(0) || p.isOp('('):
		in.Select = p.query()
	}
	if p.seq(KwOn, KwDuplicate, KwKey, KwUpdate) {
		in.OnDupTok = p.pos
		p.pos += 4
		p.onDup = true
		in.OnDup = p.assignments()
		p.onDup = false
	}
	in.Items, in.Returning = p.returning()
}

// insertColumns reads ( a, t.b, … ).
func (p *parser) insertColumns(in *Insert) {
	p.pos++
	for !p.done() && !p.isOp(')') {
		n, ok := p.anyName()
		for ok && p.acceptOp('.') {
			n, ok = p.anyName()
		}
		if !ok {
			p.skipTo(true)
		}
		in.Columns = append(in.Columns, n)
		if !p.acceptOp(',') && !p.isOp(')') {
			p.skipTo(true)
			p.acceptOp(',')
		}
	}
	p.acceptOp(')')
}

// insertRows reads the rows of VALUES. Their elements share arrays: bulk inserts have many.
func (p *parser) insertRows(in *Insert) {
	var slab []Expr
	width := 8
	for p.isOp('(') {
		from := p.pos
		p.pos++
		if cap(slab)-len(slab) < width {
			slab = make([]Expr, 0, min(len(p.toks), max(width, 32*width*min(len(in.Rows), 16))))
		}
		start := len(slab)
		for !p.done() && !p.isOp(')') {
			slab = append(slab, p.element(false))
			if !p.acceptOp(',') {
				break
			}
		}
		row := slab[start:len(slab):len(slab)]
		width = max(width, len(row))
		if !p.acceptOp(')') {
			p.skipTo(false)
			p.acceptOp(')')
		}
		in.Rows = append(in.Rows, row)
		in.RowSpans = append(in.RowSpans, p.span(from))
		if !p.acceptOp(',') {
			return
		}
	}
}

// assignments reads a = 1, t.b = 2, ….
func (p *parser) assignments() []Assign {
	var list []Assign
	for !p.done() {
		from := p.pos
		a := Assign{Column: Column{DB: noName, Table: noName, Name: noName}}
		if k := p.tok().Kind; k == Word || k == QuotedID {
			c := p.column()
			a.Column = *c
		}
		if p.acceptOp('=') || p.acceptOp(opAssign) {
			a.Value = p.element(true)
		} else {
			a.Value = p.opaqueRest(p.pos, nil, true)
		}
		a.Span = p.span(from)
		list = append(list, a)
		if !p.acceptOp(',') {
			break
		}
	}
	return list
}

// column reads [db.][table.]name.
func (p *parser) column() *Column {
	from := p.pos
	c := &Column{DB: noName, Table: noName}
	c.Name, _ = p.anyName()
	for p.isOp('.') {
		p.pos++
		c.DB, c.Table = c.Table, c.Name
		c.Name, _ = p.anyName()
	}
	c.Span = p.span(from)
	return c
}

func (p *parser) returning() ([]SelectItem, Span) {
	from := p.pos
	if !p.accept(KwReturning) {
		return nil, Span{}
	}
	var items []SelectItem
	for !p.done() {
		items = append(items, p.selectItem())
		if !p.acceptOp(',') {
			break
		}
	}
	return items, p.span(from)
}

func (p *parser) update() {
	u := &Update{}
	p.st.Kind, p.st.Update = KindUpdate, u
	p.pos++
	p.accept(KwLowPriority)
	u.Ignore = p.accept(KwIgnore)
	u.From = p.tableRefs()
	if p.accept(KwSet) {
		u.Set = p.assignments()
	}
	u.Where, u.WhereSpan = p.where()
	if p.seq(KwOrder, KwBy) {
		u.Order, u.OrderSpan = p.orderBy()
	}
	u.Limit = p.limit()
}

func (p *parser) delete() {
	d := &Delete{}
	p.st.Kind, p.st.Delete = KindDelete, d
	p.pos++
	for p.acceptAny(KwLowPriority, KwQuick, KwIgnore) != 0 {
	}
	if p.is(KwHistory) && p.isAt(1, KwFrom) {
		p.pos++
		p.st.Facts |= HasSystemTime
	}
	if p.accept(KwFrom) {
		if p.deletesFromUsing() {
			d.Multi = true
			d.Targets = p.deleteTargets()
			p.accept(KwUsing)
			d.From = p.tableRefs()
		} else {
			d.From = []TableRef{p.tableFactor()}
			if t := d.From[0].Table; t != nil {
				d.Targets = []TableName{*t}
			}
		}
	} else {
		d.Multi = true
		d.Targets = p.deleteTargets()
		if p.accept(KwFrom) {
			d.From = p.tableRefs()
		}
	}
	if p.is(KwBefore) && p.isAt(1, KwSystemTime) {
		from := p.pos
		p.pos += 2
		p.periodPoint()
		d.Before = p.span(from)
	}
	d.Where, d.WhereSpan = p.where()
	if p.seq(KwOrder, KwBy) {
		d.Order, d.OrderSpan = p.orderBy()
	}
	d.Limit = p.limit()
	d.Items, d.Returning = p.returning()
}

// deletesFromUsing says whether DELETE FROM is followed by a list of targets and USING.
func (p *parser) deletesFromUsing() bool {
	start := p.pos
	p.deleteTargets()
	ok := p.is(KwUsing)
	p.pos = start
	return ok
}

// deleteTargets reads t1, db.t2.*, …. They name tables or aliases of the FROM that follows, so they are not listed in Stmt.Tables.
func (p *parser) deleteTargets() []TableName {
	var list []TableName
	for {
		from := p.pos
		n, ok := p.name()
		if !ok {
			return list
		}
		t := TableName{DB: noName, Name: n}
		for p.isOp('.') {
			p.pos++
			if p.acceptOp('*') {
				break
			}
			t.DB = t.Name
			t.Name, _ = p.anyName()
		}
		t.Span = p.span(from)
		list = append(list, t)
		if !p.acceptOp(',') {
			return list
		}
	}
}

func (p *parser) loadData() {
	l := &LoadData{File: -1}
	p.st.Kind, p.st.Load = KindLoadData, l
	p.pos++
	l.XML = p.is(KwXml)
	p.pos++ // DATA or XML
	p.acceptAny(KwLowPriority, KwConcurrent)
	l.Local = p.accept(KwLocal)
	p.accept(KwInfile)
	if p.tok().Kind == String {
		l.File = p.pos
		p.pos++
	}
	switch p.acceptAny(KwReplace, KwIgnore) {
	case KwReplace:
		l.Replace = true
	case KwIgnore:
		l.Ignore = true
	}
	p.accept(KwInto)
	p.accept(KwTable)
	var ok bool
	if l.Table, ok = p.table(); !ok {
		p.st.Kind, p.st.Load = KindOther, nil
		return
	}
	from := p.pos
	if p.is(KwPartition) && p.isOpAt(1, '(') {
		p.pos++
		p.skipBracket()
		l.Partition = p.span(from)
	}
	if p.acceptSeq(KwCharacter, KwSet) || p.accept(KwCharset) {
		if k := p.tok().Kind; k == Word || k == QuotedID || k == String {
			l.Charset = lower(p.nameAt(p.pos).Text)
			p.pos++
		}
	}
	if l.XML && p.seq(KwRows, KwIdentified, KwBy) {
		p.pos += 4
	}
	p.loadFormat(l)
	if p.accept(KwIgnore) {
		if p.tok().Kind == Number {
			l.IgnoreLines = p.integer()
		}
		p.acceptAny(KwLines, KwRows)
	}
	if p.isOp('(') {
		start := p.pos
		p.pos++
		for !p.done() && !p.isOp(')') {
			switch k := p.tok().Kind; k {
			case Word, QuotedID:
				n, _ := p.anyName()
				l.Columns = append(l.Columns, n)
			case UserVar:
				p.st.Facts |= HasUserVar | HasUserVarAssign
				n := p.nameAt(p.pos)
				n.Text = "@" + n.Text
				l.Columns = append(l.Columns, n)
				p.pos++
			default:
				p.pos++
			}
			p.acceptOp(',')
		}
		p.acceptOp(')')
		l.ColumnsSpan = p.span(start)
	}
	if p.accept(KwSet) {
		l.Set = p.assignments()
	}
	l.Tail = p.span(from)
}

// loadFormat reads FIELDS … and LINES ….
func (p *parser) loadFormat(l *LoadData) {
	lines := false
	for {
		switch {
		case p.acceptAny(KwFields, KwColumns) != 0:
			lines = false
		case p.is(KwLines):
			p.pos++
			lines = true
		case p.seq(KwOptionally, KwEnclosed):
			p.pos++
			l.OptionallyEnclosed = true
		case p.is(KwTerminated), p.is(KwEnclosed), p.is(KwEscaped), p.is(KwStarting):
			kw := p.tok().KW
			p.pos++
			p.accept(KwBy)
			v := p.stringValue()
			switch {
			case kw == KwTerminated && lines:
				l.LinesTerminated = v
			case kw == KwTerminated:
				l.FieldsTerminated = v
			case kw == KwStarting:
				l.LinesStarting = v
			case kw == KwEnclosed:
				l.Enclosed = v
			default:
				l.Escaped = v
			}
		default:
			return
		}
	}
}

// stringValue takes a string, hexadecimal or bit literal; it is not nil where there is one, even if it is empty.
func (p *parser) stringValue() []byte {
	if p.tok().Kind == Introducer {
		p.pos++
	}
	switch t := p.tok(); t.Kind {
	case String, Hex, Bit:
		p.pos++
		return Unquote([]byte{}, t, p.src, p.mode)
	}
	return nil
}

// integer takes a number; one that does not fit is the largest there is.
func (p *parser) integer() int64 {
	n := int64(0)
	t := p.tok()
	p.pos++
	for _, c := range p.src[t.Start:t.End] {
		if c < '0' || c > '9' {
			break
		}
		if n > (1<<63-10)/10 {
			return 1<<63 - 1
		}
		n = n*10 + int64(c-'0')
	}
	return n
}
