package sqltext

import "strings"

// call reads a call of a function by its unquoted name, which is the next token; from is where the expression begins.
func (p *parser) call(name string, from int32) Expr {
	gap := !p.touches(1)
	if !isBuiltin(name) || gap && !p.mode.IgnoreSpace && gapBreaks[name] {
		// With a space before the bracket, `count (a)` calls a stored function of that name.
		return p.storedCall(from, 1)
	}
	p.pos += 2
	f := &Func{Name: name}
	p.st.Facts |= functionFacts[name]
	switch name {
	case "EXTRACT", "TIMESTAMPADD", "TIMESTAMPDIFF", "GET_FORMAT":
		if p.tok().Kind == Word { // a unit is no column
			p.pos++
			f.Odd = true
			if !p.acceptOp(',') {
				p.accept(KwFrom)
			}
		}
	case "TRIM", "TRIM_ORACLE":
		if p.acceptAny(KwBoth, KwLeading, KwTrailing) != 0 {
			f.Odd = true
		}
		if p.accept(KwFrom) {
			f.Odd = true
		}
	case "POSITION":
		f.Odd = true
		if e := p.bitExpr(0); e != nil {
			f.Args = append(f.Args, e)
		}
		p.accept(KwIn)
	case "CONVERT":
		f.Args = append(f.Args, p.convertOperand())
		f.Odd = true
		p.skipTo(false) // a type or a character set is no column
	case "LAST_INSERT_ID":
		if p.isOp(')') {
			p.st.Facts |= HasLastInsertID
		}
	case "NEXTVAL", "LASTVAL", "SETVAL":
		p.table()
		p.acceptOp(',')
	case "DATABASE", "SCHEMA":
		p.st.Facts |= HasDatabaseFunc
	}
	p.arguments(f)
	p.acceptOp(')')
	p.window(f)
	f.Span = p.span(from)
	return f
}

// convertOperand reads the first operand of CONVERT (x, type) and CONVERT (x USING charset).
func (p *parser) convertOperand() Expr {
	from := p.pos
	e := p.expr()
	if e == nil || !p.stops(true) {
		return p.opaqueRest(from, e, true)
	}
	return e
}

// arguments reads up to the closing bracket, which stays.
func (p *parser) arguments(f *Func) {
	if p.isOp('*') && p.isOpAt(1, ')') {
		p.pos++
		f.Star = true
		return
	}
	switch p.acceptAny(KwDistinct, KwAll) {
	case KwDistinct:
		f.Distinct = true
	}
	for !p.done() && !p.isOp(')') {
		var e Expr
		if !p.isOp(',') {
			e = p.any()
		}
		if e != nil {
			f.Args = append(f.Args, e)
		}
		if p.acceptOp(',') || p.isOp(')') {
			f.Odd = f.Odd || e == nil
			continue
		}
		f.Odd = true
		switch p.tok().KW {
		case KwFrom, KwFor, KwSeparator, KwLimit: // SUBSTRING (a FROM 1 FOR 2), GROUP_CONCAT (… SEPARATOR ',')
			p.pos++
		case KwOrder:
			if p.isAt(1, KwBy) {
				items, _ := p.orderBy()
				for _, it := range items {
					f.Args = append(f.Args, it.Expr)
				}
			}
		case KwAs, KwUsing: // types and character sets hold nothing to be found
			p.skipTo(true)
			p.acceptOp(',')
		}
	}
}

// window reads WITHIN GROUP (…) and OVER ….
func (p *parser) window(f *Func) {
	if p.seq(KwWithin, KwGroup) && p.isOpAt(2, '(') {
		p.pos += 2
		f.Windows = append(f.Windows, p.windowSpec()...)
	}
	if !p.is(KwOver) {
		return
	}
	from := p.pos
	p.pos++
	if p.isOp('(') {
		f.Windows = append(f.Windows, p.windowSpec()...)
	} else {
		p.name()
	}
	f.Over = p.span(from)
	p.st.Facts |= HasWindow
}

// windowSpec reads ( [name] [PARTITION BY …] [ORDER BY …] [frame] ).
func (p *parser) windowSpec() []Expr {
	var found []Expr
	matter := p.st.LiteralsMatter
	p.pos++
	if isName(p.tok()) && !p.is(KwPartition) && !p.is(KwRows) && !p.is(KwRange) {
		p.pos++
	}
	if p.acceptSeq(KwPartition, KwBy) {
		for _, it := range p.orderItems() {
			found = append(found, it.Expr)
		}
	}
	if p.seq(KwOrder, KwBy) {
		items, _ := p.orderBy()
		for _, it := range items {
			found = append(found, it.Expr)
		}
	}
	p.skipTo(false)
	p.acceptOp(')')
	p.st.LiteralsMatter = matter // a number is a constant there
	return found
}

// storedCall reads a call of a function that is not MariaDB's own; its name has so many tokens.
func (p *parser) storedCall(from, nameTokens int32) Expr {
	f := &Func{Stored: true}
	t := p.toks[from]
	last := p.toks[from+nameTokens-1]
	f.Name = string(p.src[t.Start:last.End])
	if nameTokens == 1 && t.Kind == QuotedID {
		f.Name = p.nameAt(from).Text
		upper := strings.ToUpper(f.Name)
		if isBuiltin(upper) && !gapBreaks[upper] { // `abs`(1) is MariaDB's own all the same
			f.Stored, f.Name = false, upper
			p.st.Facts |= functionFacts[upper]
		}
	}
	p.pos = from + nameTokens + 1
	if f.Stored {
		p.st.Facts |= HasStoredCall
		p.noteCall(from, nameTokens)
	}
	p.arguments(f)
	p.acceptOp(')')
	p.window(f)
	f.Span = p.span(from)
	if f.Stored && nameTokens == 1 && isBuiltin(strings.ToUpper(f.Name)) {
		// Kept from looking like the aggregate of the same name.
		return p.opaque(from, f.Args...)
	}
	return f
}

// noteCall keeps the name of a function that is called, which is read once more where something is read anew.
func (p *parser) noteCall(from, nameTokens int32) {
	n := &TableName{DB: noName, Name: p.nameAt(from + nameTokens - 1), Span: Span{from, from + nameTokens}}
	switch nameTokens {
	case 3:
		n.DB = p.nameAt(from)
	case 5: // of a package: no database's
		n.DB.Tok = from
	}
	if k := len(p.st.Calls); k > 0 && p.st.Calls[k-1].Span.From >= from {
		for _, c := range p.st.Calls {
			if c.Span == n.Span {
				return
			}
		}
	}
	p.st.Calls = append(p.st.Calls, n)
}

// sysVarFacts are the facts of reading a system variable: some differ from leaf to leaf.
func sysVarFacts(name string) Facts {
	switch strings.ToLower(name) {
	case "hostname", "port", "server_id", "server_uid", "socket", "pid_file", "datadir", "pseudo_thread_id", "last_gtid", "gtid_binlog_pos",
		"gtid_current_pos", "gtid_slave_pos", "gtid_binlog_state", "gtid_domain_id", "basedir", "tmpdir", "report_host", "report_port":
		return HasPlaceFunction
	case "last_insert_id", "identity":
		return HasLastInsertID
	case "timestamp":
		return HasTimeFunction
	case "rand_seed1", "rand_seed2":
		return HasNondeterministic
	}
	return 0
}

// functionFacts are the facts that a call of a function states.
var functionFacts = makeFunctionFacts()

func makeFunctionFacts() map[string]Facts {
	m := map[string]Facts{}
	add := func(f Facts, names string) {
		for n := range strings.FieldsSeq(names) {
			m[n] |= f
		}
	}
	add(HasNondeterministic, "RAND UUID UUID_SHORT SYS_GUID SYSDATE SLEEP CONNECTION_ID NEXTVAL LASTVAL SETVAL RANDOM_BYTES ROWNUM BENCHMARK "+
		"MASTER_POS_WAIT MASTER_GTID_WAIT LOAD_FILE DES_ENCRYPT ENCRYPT BINLOG_GTID_POS WSREP_LAST_WRITTEN_GTID WSREP_LAST_SEEN_GTID "+
		"WSREP_SYNC_WAIT_UPTO_GTID")
	add(HasSequence, "NEXTVAL LASTVAL SETVAL")
	add(HasTimeFunction, "NOW CURDATE CURTIME CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP LOCALTIME LOCALTIMESTAMP UTC_DATE UTC_TIME "+
		"UTC_TIMESTAMP UNIX_TIMESTAMP")
	add(HasLockFunction, "GET_LOCK RELEASE_LOCK RELEASE_ALL_LOCKS IS_FREE_LOCK IS_USED_LOCK")
	add(HasFoundRows, "FOUND_ROWS")
	add(HasRowCount, "ROW_COUNT")
	add(HasDatabaseFunc, "DATABASE SCHEMA")
	add(HasPlaceFunction, "CONNECTION_ID USER SESSION_USER SYSTEM_USER CURRENT_USER CURRENT_ROLE LOAD_FILE MASTER_POS_WAIT MASTER_GTID_WAIT "+
		"BINLOG_GTID_POS VERSION")
	return m
}
