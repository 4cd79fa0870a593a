package sqltext

import "strings"

func lower(s string) string { return strings.ToLower(s) }
func upper(s string) string { return strings.ToUpper(s) }

// statement reads the statement at the parser's place, up to where it understands it, and sets its kind.
func (p *parser) statement() {
	if !p.enter() {
		return
	}
	defer func() { p.depth-- }()
	if p.done() {
		p.st.Kind = KindEmpty
		return
	}
	if p.isOp('(') || p.is(KwSelect) || p.is(KwWith) || p.is(KwValues) {
		p.st.Kind = KindSelect
		p.st.Query = p.query()
		if !p.done() { // what follows changes the meaning
			p.sweep()
			p.st.Query = &Query{Span: p.span(p.st.Query.Span.From), Opaque: true}
		}
		return
	}
	switch p.tok().KW {
	case KwInsert, KwReplace:
		p.insert()
	case KwUpdate:
		p.update()
	case KwDelete:
		p.delete()
	case KwLoad:
		if p.isAt(1, KwData) || p.isAt(1, KwXml) {
			p.loadData()
		}
	case KwSet:
		p.set()
	case KwShow:
		if !p.cluster() {
			p.show()
		}
	case KwExplain, KwDescribe, KwDesc:
		if !p.is(KwExplain) || !p.cluster() {
			p.explain()
		}
	case KwAnalyze:
		p.analyze()
	case KwUse:
		p.st.Kind = KindUse
		p.pos++
		var ok bool
		if p.st.Name, ok = p.name(); !ok {
			p.st.Kind = KindOther // MariaDB says what is wrong
		}
	case KwBegin, KwStart, KwCommit, KwRollback, KwSavepoint, KwRelease:
		p.transaction()
	case KwXa:
		p.xa()
	case KwCreate, KwAlter, KwDrop, KwRename, KwTruncate:
		if !p.isAt(1, KwPartition) || !p.cluster() {
			p.ddl()
		}
	case KwCheck, KwOptimize, KwRepair, KwChecksum:
		p.admin()
	case KwPrepare, KwExecute, KwDeallocate:
		p.prepared()
	case KwLock, KwUnlock:
		p.lockTables()
	case KwGrant, KwRevoke:
		p.grant()
	case KwKill:
		p.kill()
	case KwCall:
		p.st.Kind = KindCall
		p.st.Facts |= HasStoredCall
		p.pos++
		p.sweep()
	case KwDo:
		p.st.Kind = KindDo
		p.pos++
		p.sweep()
	case KwHandler:
		p.handler()
	case KwFlush:
		p.flush()
	case KwSignal, KwResignal:
		p.st.Kind = KindSignal
		p.sweep()
	case KwGet:
		if p.isAt(1, KwDiagnostics) || p.isAt(2, KwDiagnostics) {
			p.diagnostics()
		}
	case KwHelp:
		p.st.Kind = KindHelp
		p.sweep()
	default:
		if !p.cluster() {
			p.compound()
		}
	}
}

// compound reads statements that hold others: their tables and facts count, whatever they do.
func (p *parser) compound() {
	p.st.Kind = KindOther
	p.body()
}

// body reads statements separated by semicolons, and the words of control around them, for the sake of their tables and facts.
func (p *parser) body() {
	for !p.done() {
		before := p.pos
		p.bodyStatement()
		if p.pos == before {
			p.pos++
		}
	}
}

// bodyStatement reads one statement or one word of control inside a body.
func (p *parser) bodyStatement() {
	switch p.tok().KW {
	case KwSelect, KwWith:
		p.query()
	case KwInsert, KwReplace, KwUpdate, KwDelete, KwCall, KwTruncate, KwCreate, KwDrop, KwAlter, KwLoad:
		if p.isOpAt(1, '(') { // the functions of that name
			p.expr()
			return
		}
		p.nested()
	case KwFrom, KwJoin, KwInto:
		p.pos++
		if p.tok().Kind == Word || p.tok().Kind == QuotedID {
			p.source()
		}
	default:
		p.expr()
	}
}

// nested reads a statement within this one; only its tables, calls, facts and secrets are kept, which are this one's as well.
func (p *parser) nested() *Stmt {
	outer := p.st
	inner := &Stmt{Tables: outer.Tables, Calls: outer.Calls, Facts: outer.Facts, Secrets: outer.Secrets}
	from := p.pos
	p.st = inner
	p.statement()
	inner.Span = p.span(from)
	p.st = outer
	outer.Tables, outer.Calls, outer.Facts, outer.Secrets = inner.Tables, inner.Calls, outer.Facts|inner.Facts, inner.Secrets
	outer.LiteralsMatter = outer.LiteralsMatter || inner.LiteralsMatter
	return inner
}

func (p *parser) transaction() {
	tx := &Tx{}
	kw := p.tok().KW
	switch {
	case kw == KwBegin && p.isAt(1, KwNot):
		p.compound()
		return
	case kw == KwBegin:
		p.st.Kind = KindBegin
		p.pos++
		p.accept(KwWork)
	case kw == KwStart && p.isAt(1, KwTransaction):
		p.st.Kind = KindBegin
		p.pos += 2
		for p.pos < p.end {
			at := p.pos
			switch {
			case p.acceptSeq(KwRead, KwOnly):
				tx.ReadOnly = true
			case p.acceptSeq(KwRead, KwWrite):
				tx.ReadWrite = true
			case p.acceptSeq(KwWith, KwConsistent, KwSnapshot):
				tx.Snapshot = true
			}
			if tx.Odd = p.pos == at; !p.acceptOp(',') {
				break
			}
			tx.Odd = tx.Odd || p.pos == p.end
		}
		tx.Odd = tx.Odd || tx.ReadOnly && tx.ReadWrite
	case kw == KwCommit || kw == KwRollback:
		p.st.Kind = KindCommit
		if kw == KwRollback {
			p.st.Kind = KindRollback
		}
		p.pos++
		p.accept(KwWork)
		if kw == KwRollback && p.accept(KwTo) {
			p.accept(KwSavepoint)
			p.savepoint("ROLLBACK")
			return
		}
		if p.accept(KwAnd) {
			no := p.accept(KwNo)
			tx.Odd = !p.accept(KwChain)
			tx.Chain, tx.NoChain = !no, no
		}
		no := p.accept(KwNo)
		if p.accept(KwRelease) {
			tx.Release, tx.NoRelease = !no, no
		} else if no {
			tx.Odd = true
		}
		tx.Odd = tx.Odd || tx.Chain && tx.Release
	case kw == KwSavepoint:
		p.pos++
		p.savepoint("SAVEPOINT")
		return
	case kw == KwRelease && p.isAt(1, KwSavepoint):
		p.pos += 2
		p.savepoint("RELEASE")
		return
	default:
		p.pos = p.end // START SLAVE and the like
		return
	}
	tx.Odd = tx.Odd || p.pos < p.end
	p.st.Tx = tx
}

func (p *parser) savepoint(verb string) {
	n, ok := p.name()
	p.st.Kind, p.st.Savepoint = KindSavepoint, &Savepoint{Verb: verb, Name: n, Odd: !ok || p.pos < p.end}
}

func (p *parser) prepared() {
	pr := &Prepared{Name: noName}
	p.st.Prepared = pr
	switch {
	case p.accept(KwPrepare):
		p.st.Kind = KindPrepare
		pr.Name = p.statementName()
		if !p.accept(KwFrom) {
			p.st.Prepared = nil // MariaDB says what is wrong
			return
		}
		pr.From = p.element(false)
	case p.accept(KwExecute):
		p.st.Kind = KindExecute
		if p.is(KwImmediate) {
			p.pos++
			pr.Immediate = true
			pr.From = p.element(true)
		} else {
			pr.Name = p.statementName()
		}
		if p.accept(KwUsing) {
			pr.Using = p.list()
		}
	default:
		p.pos++
		p.accept(KwPrepare)
		p.st.Kind = KindDeallocate
		pr.Name = p.statementName()
	}
}

// statementName takes a prepared statement's name. Without one there is nothing to be served: MariaDB says so.
func (p *parser) statementName() Name {
	n, ok := p.name()
	if !ok {
		p.st.Prepared = nil
	}
	return n
}

func (p *parser) handler() {
	p.st.Kind = KindHandler
	p.pos++
	t, ok := p.tableName()
	if !ok {
		return
	}
	h := &Handler{Verb: p.word(0), Alias: t.Name}
	switch {
	case p.accept(KwOpen):
		h.Table = t
		p.st.Tables = append(p.st.Tables, t)
		if as := p.accept(KwAs); as || p.pos < p.end {
			if h.Alias, ok = p.name(); !ok {
				return
			}
		}
		ok = p.pos == p.end
	case p.accept(KwRead):
		ok = t.DB.Tok < 0
	case p.accept(KwClose):
		ok = t.DB.Tok < 0 && p.pos == p.end
	default:
		ok = false
	}
	if p.sweep(); ok {
		p.st.Handler = h
	}
}

func (p *parser) lockTables() {
	if p.accept(KwUnlock) {
		p.st.Kind = KindUnlock
		p.pos = p.end
		return
	}
	p.pos++
	if p.acceptAny(KwTables, KwTable) == 0 {
		p.pos = p.end
		return
	}
	p.st.Kind = KindLock
	for {
		l := LockTable{Alias: noName}
		var ok bool
		if l.Table, ok = p.table(); !ok {
			return
		}
		p.accept(KwAs)
		if t := p.tok(); isName(t) {
			l.Alias, _ = p.name()
		}
		var words []string
		for p.tok().Kind == Word && !p.is(KwWait) && !p.is(KwNowait) {
			words = append(words, p.word(0))
			p.pos++
		}
		l.Mode = strings.Join(words, " ")
		p.st.Lock = append(p.st.Lock, l)
		if !p.acceptOp(',') {
			break
		}
	}
	p.lockWait()
}

func (p *parser) kill() {
	k := &Kill{User: noName}
	p.st.Kind, p.st.Kill = KindKill, k
	p.pos++
	p.acceptAny(KwHard, KwSoft)
	switch p.acceptAny(KwConnection, KwQuery) {
	case KwQuery:
		k.Query = true
		k.ByQueryID = p.accept(KwId)
	}
	if p.accept(KwUser) {
		switch t := p.tok(); {
		case t.KW == KwCurrentUser && t.Kind == Word:
			k.Own = true
			p.pos++
			if p.acceptOp('(') {
				p.acceptOp(')')
			}
		case t.Kind == Word || t.Kind == QuotedID || t.Kind == String:
			k.User = p.nameAt(p.pos)
			p.pos++
			if p.tok().Kind == UserVar { // @host
				k.Host = p.nameAt(p.pos).Text
				p.pos++
			}
		}
		if k.User.Tok < 0 && !k.Own || !p.done() {
			p.st.Kill = nil
		}
		return
	}
	k.ID = p.element(false)
}

func (p *parser) flush() {
	p.st.Kind = KindFlush
	p.pos++
	p.acceptAny(KwLocal, KwNoWriteToBinlog)
	if p.acceptAny(KwTables, KwTable) != 0 {
		for isName(p.tok()) && !p.is(KwWith) {
			if _, ok := p.table(); !ok || !p.acceptOp(',') {
				break
			}
		}
	}
	p.pos = p.end
}

// diagnostics reads GET [CURRENT] DIAGNOSTICS [CONDITION n] @a = NAME, …
func (p *parser) diagnostics() {
	p.st.Kind = KindDiagnostics
	d := &Diagnostics{}
	p.pos++
	p.accept(KwCurrent)
	p.accept(KwDiagnostics)
	if p.accept(KwCondition) {
		from := p.pos
		p.pos = min(p.pos+1, p.end)
		d.Condition = p.span(from)
	}
	for p.tok().Kind == UserVar && p.isOpAt(1, '=') && p.word(2) != "" {
		d.Items = append(d.Items, DiagnosticsItem{p.pos, p.word(2)})
		if p.pos += 3; !p.acceptOp(',') {
			break
		}
	}
	if p.done() && len(d.Items) > 0 {
		p.st.Diagnostics = d
	}
}

// admin reads CHECK|OPTIMIZE|REPAIR|CHECKSUM|ANALYZE TABLE.
func (p *parser) admin() {
	verb := p.word(0)
	p.pos++
	p.acceptAny(KwLocal, KwNoWriteToBinlog)
	if p.accept(KwView) {
		p.adminTables(&DDL{Verb: verb, Object: "VIEW"})
		return
	}
	if p.acceptAny(KwTable, KwTables) == 0 {
		p.pos = p.end
		return
	}
	p.adminTables(&DDL{Verb: verb, Object: "TABLE"})
}

func (p *parser) adminTables(d *DDL) {
	d.Database, d.IndexName, d.ReferenceTok = noName, noName, -1
	p.st.Kind, p.st.DDL = KindAdmin, d
	for {
		t, ok := p.table()
		if !ok {
			break
		}
		d.Tables = append(d.Tables, t)
		if !p.acceptOp(',') {
			break
		}
	}
	p.pos = p.end
}

func (p *parser) analyze() {
	switch p.peek(1).KW {
	case KwTable, KwTables, KwLocal, KwNoWriteToBinlog:
		p.admin()
		return
	}
	p.explain()
}

// explain reads EXPLAIN, DESCRIBE and ANALYZE of a statement, and of a table.
func (p *parser) explain() {
	verb := p.word(0)
	p.pos++
	for {
		if p.acceptAny(KwExtended, KwPartitions) != 0 {
			continue
		}
		if p.is(KwFormat) && p.isOpAt(1, '=') {
			p.pos = min(p.pos+3, p.end)
			continue
		}
		break
	}
	switch p.tok().KW {
	case KwSelect, KwInsert, KwReplace, KwUpdate, KwDelete, KwWith, KwValues:
		p.st.Kind = KindExplain
		p.st.Inner = p.nested()
		return
	case KwFor:
		if p.isAt(1, KwConnection) {
			p.pos = p.end
			p.st.Kind = KindExplain
			return
		}
	}
	if p.isOp('(') {
		p.st.Kind = KindExplain
		p.st.Inner = p.nested()
		return
	}
	if verb == "ANALYZE" {
		p.st.Kind = KindOther
		return
	}
	p.st.Kind = KindShow
	sh := &Show{What: "DESCRIBE", DB: noName, Server: noName}
	p.st.Show = sh
	if t, ok := p.table(); ok {
		sh.Table = t
	}
	sh.Rest = Span{p.pos, p.end}
	p.pos = p.end
}
