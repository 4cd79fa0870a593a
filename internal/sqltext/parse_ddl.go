package sqltext

// ddl reads CREATE, ALTER, DROP, RENAME and TRUNCATE.
func (p *parser) ddl() {
	start := p.pos
	d := &DDL{Verb: p.word(0), ReferenceTok: -1, Database: noName, IndexName: noName}
	p.st.Kind, p.st.DDL = KindDDL, d
	p.pos++
	if d.Verb == "TRUNCATE" {
		d.Object = "TABLE"
		p.accept(KwTable)
		p.ddlTable(d)
		p.pos = p.end
		return
	}
	if p.acceptSeq(KwOr, KwReplace) {
		d.OrReplace = true
	}
	p.ddlPrefixes(d)
	switch kw := p.tok().KW; kw {
	case KwDatabase, KwSchema:
		p.database(d)
	case KwTable, KwTables:
		p.pos++
		d.Object = "TABLE"
		p.tableDDL(d)
	case KwIndex:
		p.index(d)
	case KwView:
		p.pos++
		d.Object = "VIEW"
		p.view(d)
	case KwSequence:
		p.pos++
		d.Object = "SEQUENCE"
		p.existence(d)
		p.ddlTables(d)
		for ; d.Verb == "CREATE" && !p.done(); p.pos++ {
			if p.is(KwEngine) {
				if o, ok := p.option(); ok {
					d.Options, d.Engine = append(d.Options, o), o.Value.Text
					p.pos--
				}
			}
		}
		p.pos = p.end
	case KwTrigger, KwProcedure, KwFunction, KwEvent, KwPackage:
		p.pos++
		d.Object = p.toks[p.pos-1].KW.String()
		p.program(d)
	case KwServer:
		p.server(d)
	case KwUser, KwRole:
		p.st.DDL = nil
		p.account(d.Verb + " " + kw.String())
	case KwPrepare: // DROP PREPARE
		p.st.DDL = nil
		p.pos = start
		p.prepared()
	default: // TABLESPACE, LOGFILE …
		d.Object = p.word(0)
		p.pos = p.end
	}
}

// ddlPrefixes takes what may stand between the verb and the object's kind.
func (p *parser) ddlPrefixes(d *DDL) {
	for {
		switch p.tok().KW {
		case KwTemporary:
			d.Temporary = true
		case KwUnique:
			d.Unique = true
		case KwFulltext, KwSpatial, KwOnline, KwAggregate, KwIgnore:
		case KwReference:
			if !p.isAt(1, KwTable) {
				return
			}
			d.Reference = true
			d.ReferenceTok = p.pos
			d.OursSpans = append(d.OursSpans, Span{p.pos, p.pos + 1})
		case KwAlgorithm:
			if !p.isOpAt(1, '=') {
				return
			}
			p.pos += 2
		case KwSql: // SQL SECURITY INVOKER
			if !p.isAt(1, KwSecurity) {
				return
			}
			p.pos += 2
		case KwDefiner:
			if !p.isOpAt(1, '=') {
				return
			}
			p.pos += 2
			if p.isOpAt(1, '(') { // CURRENT_USER()
				p.pos += 2
			}
			if p.peek(1).Kind == UserVar { // @host
				p.pos++
			}
		default:
			return
		}
		p.pos = min(p.pos+1, p.end)
	}
}

// existence takes IF EXISTS and IF NOT EXISTS.
func (p *parser) existence(d *DDL) {
	if p.acceptSeq(KwIf, KwExists) {
		d.IfExists = true
	} else if p.acceptSeq(KwIf, KwNot, KwExists) {
		d.IfNotExists = true
	}
}

func (p *parser) ddlTable(d *DDL) bool {
	t, ok := p.table()
	if ok {
		d.Tables = append(d.Tables, t)
	}
	return ok
}

func (p *parser) ddlTables(d *DDL) {
	for p.ddlTable(d) && p.acceptOp(',') {
	}
}

// database reads CREATE|ALTER|DROP DATABASE, with our PARTITIONS and REPLICATION.
func (p *parser) database(d *DDL) {
	d.Object = "DATABASE"
	p.pos++
	p.existence(d)
	if isName(p.tok()) && !(d.Verb == "ALTER" && (p.is(KwCharset) || p.is(KwComment)) && !p.nameBeforeOption() || d.Verb == "ALTER" && p.is(KwShard) && p.isAt(1, KwKey)) {
		d.Database, _ = p.name()
	}
	for !p.done() {
		from := p.pos
		switch {
		case p.is(KwPartitions) && (p.peek(1).Kind == Number || p.isOpAt(1, '=') && p.peek(2).Kind == Number):
			p.pos++
			p.acceptOp('=')
			d.Partitions = int(min(p.integer(), 1<<30))
			d.OursSpans = append(d.OursSpans, p.span(from))
		case p.is(KwWith) && (p.isAt(1, KwSync) || p.isAt(1, KwAsync)) && p.isAt(2, KwReplication):
			d.Replication = p.word(1)
			p.pos += 3
			d.OursSpans = append(d.OursSpans, p.span(from))
		case p.defaultKey(d):
			d.OursSpans = append(d.OursSpans, p.span(from))
		default:
			p.pos++
		}
	}
}

// defaultKey reads [DEFAULT] SHARD KEY [=] () or (PRIMARY KEY), the option of a database.
func (p *parser) defaultKey(d *DDL) bool {
	at := int32(0)
	if p.is(KwDefault) {
		at = 1
	}
	if !p.isAt(at, KwShard) || !p.isAt(at+1, KwKey) {
		return false
	}
	if at += 2; p.isOpAt(at, '=') {
		at++
	}
	switch {
	case p.isOpAt(at, '(') && p.isOpAt(at+1, ')'):
		d.DefaultKey, p.pos = "()", p.pos+at+2
	case p.isOpAt(at, '(') && p.isAt(at+1, KwPrimary) && p.isAt(at+2, KwKey) && p.isOpAt(at+3, ')'):
		d.DefaultKey, p.pos = "PRIMARY", p.pos+at+4
	default:
		return false
	}
	return true
}

// nameBeforeOption says whether the next token is a database's name though it looks like the beginning of an option.
func (p *parser) nameBeforeOption() bool {
	t := p.peek(1)
	return t.Kind == Word && (t.KW == KwDefault || t.KW == KwShard || t.KW == KwCharacter || t.KW == KwCharset || t.KW == KwCollate || t.KW == KwComment)
}

func (p *parser) tableDDL(d *DDL) {
	p.existence(d)
	switch d.Verb {
	case "CREATE":
		p.createTable(d)
	case "ALTER":
		p.existence(d)
		if p.ddlTable(d) {
			p.lockWait()
			p.alterActions(d)
			p.adminPartitions(d)
		}
		p.pos = p.end
	case "DROP":
		p.ddlTables(d)
		p.pos = p.end
	case "RENAME":
		for p.ddlTable(d) {
			p.lockWait()
			if !p.accept(KwTo) || !p.ddlTable(d) || !p.acceptOp(',') {
				break
			}
		}
		p.pos = p.end
	}
}

// index reads CREATE|DROP INDEX n ON t.
func (p *parser) index(d *DDL) {
	d.Object = "INDEX"
	p.pos++
	p.existence(d)
	if !p.is(KwOn) {
		d.IndexName, _ = p.anyName()
	}
	if p.accept(KwUsing) { // BTREE
		p.pos = min(p.pos+1, p.end)
	}
	if p.accept(KwOn) && p.ddlTable(d) && d.Verb == "CREATE" {
		k := KeyDef{Unique: d.Unique, Name: d.IndexName}
		p.lockWait()
		p.keyColumns(&k)
		d.Keys = append(d.Keys, k)
	}
	p.pos = p.end
}

func (p *parser) view(d *DDL) {
	p.existence(d)
	if d.Verb == "DROP" {
		p.ddlTables(d)
		p.pos = p.end
		return
	}
	if !p.ddlTable(d) {
		p.pos = p.end
		return
	}
	if p.isOp('(') {
		p.skipBracket()
	}
	if p.accept(KwAs) {
		d.AsSelect = p.query()
	}
	if !p.done() { // WITH CHECK OPTION
		p.acceptAny(KwWith)
		p.pos = p.end
	}
}

// program reads CREATE|ALTER|DROP of stored programs; their bodies only for the sake of tables and facts.
func (p *parser) program(d *DDL) {
	if d.Object == "PACKAGE" {
		p.accept(KwBody)
	}
	p.existence(d)
	n, _ := p.tableName()
	if n != nil {
		d.Program = *n
	}
	if d.Verb == "DROP" {
		p.pos = p.end
		return
	}
	if d.Object == "TRIGGER" && d.Verb == "CREATE" {
		p.trigger(d)
		return
	}
	if d.Object == "FUNCTION" && d.Verb == "CREATE" && p.isOp('(') {
		p.function(d)
		return
	}
	facts := p.st.Facts
	p.body()
	p.st.Facts = facts // of the body: they concern its calls, not this statement
}

// createTable reads CREATE TABLE behind IF NOT EXISTS.
func (p *parser) createTable(d *DDL) {
	if !p.ddlTable(d) {
		p.pos = p.end
		return
	}
	if p.accept(KwLike) {
		d.Like, _ = p.table()
		return
	}
	if p.isOp('(') && p.isAt(1, KwLike) {
		p.pos += 2
		d.Like, _ = p.table()
		p.acceptOp(')')
		return
	}
	if p.isOp('(') && !p.beginsQuery(1) && !(p.isOpAt(1, '(')) {
		p.tableBody(d)
	}
	p.tableOptions(d)
	if p.is(KwIgnore) || p.is(KwReplace) {
		d.Duplicates = p.word(0)
		p.pos++
	}
	p.accept(KwAs)
	if p.beginsQuery(0) || p.isOp('(') {
		d.AsSelect = p.query()
	}
}

// tableOptions reads ENGINE = … and the like up to a query or the end.
func (p *parser) tableOptions(d *DDL) {
	for !p.done() && (!p.beginsQuery(0) || p.seq(KwWith, KwSystem, KwVersioning)) && !p.is(KwAs) {
		switch {
		case p.isOp('('): // a query in brackets, or of UNION = (…), PARTITION BY … (…)
			if p.beginsQuery(1) || p.isOpAt(1, '(') {
				return
			}
			p.skipBracket()
			continue
		case p.is(KwEngine) && p.peek(1).Kind != EOF:
			if o, ok := p.option(); ok {
				d.Engine = o.Value.Text
				d.Options = append(d.Options, o)
				continue
			}
		case p.is(KwUnion) && p.isOpAt(1, '=') && p.isOpAt(2, '('): // of a MERGE table
			p.pos += 3
			for {
				if _, ok := p.table(); !ok || !p.acceptOp(',') {
					break
				}
			}
			p.skipTo(false)
			p.acceptOp(')')
			continue
		case p.seq(KwPartition, KwBy):
			d.HasPartitioning = true
			d.Partitioning = p.partitionBy()
			p.afterPartitions()
			continue
		case (p.is(KwIgnore) || p.is(KwReplace)) && (p.isAt(1, KwAs) || p.isAt(1, KwSelect) || p.isAt(1, KwValues) || p.isAt(1, KwWith) || p.isOpAt(1, '(')):
			return
		default:
			if o, ok := p.option(); ok {
				d.Options = append(d.Options, o)
				continue
			}
		}
		p.pos++
	}
}

// afterPartitions skips what was not understood of PARTITION BY …: brackets hold definitions, no query.
func (p *parser) afterPartitions() {
	for !p.done() && !p.beginsQuery(0) && !p.is(KwAs) {
		if p.isOp('(') {
			p.skipBracket()
			continue
		}
		p.pos++
	}
}

// tableBody reads the columns and keys of CREATE TABLE.
func (p *parser) tableBody(d *DDL) {
	from := p.pos
	p.pos++
	first := true
	for !p.done() && !p.isOp(')') {
		before := p.pos
		if p.shardKeyFollows() {
			p.shardKey(d, first)
		} else {
			p.tableElement(d)
		}
		first = false
		// A SHARD KEY inside a comment that plain servers skip may do without the comma.
		if !p.acceptOp(',') && !p.isOp(')') && !p.shardKeyFollows() {
			p.skipTo(true)
			p.acceptOp(',')
		}
		if p.pos == before {
			p.pos++
		}
	}
	p.acceptOp(')')
	d.Body = p.span(from)
}

// shardKeyFollows says whether SHARD KEY (…) begins here.
func (p *parser) shardKeyFollows() bool {
	return p.is(KwShard) && p.isAt(1, KwKey) && (p.isOpAt(2, '(') || isName(p.peek(2)) && p.isOpAt(3, '('))
}

// shardKey reads SHARD KEY (a, b). What is left of the text when its span is cut out must be right, so that the span takes the comma before it
// along, or the one behind it when it comes first, or none when there is none before it.
func (p *parser) shardKey(d *DDL, first bool) {
	from := p.pos
	p.pos += 2
	if !p.isOp('(') {
		p.pos++
	}
	k := KeyDef{}
	p.keyColumns(&k)
	d.ShardKey = k.Columns
	if d.ShardKey == nil {
		d.ShardKey = []Name{}
	}
	to := p.pos
	if t := p.toks[from-1]; t.Kind == Op && t.Op == ',' && !first {
		from--
	} else if first && p.isOp(',') {
		to++
	}
	d.OursSpans = append(d.OursSpans, Span{from, to})
}

// tableElement reads one column, key or constraint.
func (p *parser) tableElement(d *DDL) {
	if k, ok := p.key(d); ok {
		if k != nil {
			d.Keys = append(d.Keys, *k)
		}
		return
	}
	from := p.pos
	n, ok := p.name()
	if !ok {
		p.skipTo(true)
		return
	}
	c := ColumnDef{Name: n}
	p.columnOptions(d, &c)
	c.Span = p.span(from)
	d.ColumnDefs = append(d.ColumnDefs, c)
}

// columnOptions reads a column's type and attributes up to the comma, the closing bracket, or a SHARD KEY or PARTITION BY that no comma sets apart.
func (p *parser) columnOptions(d *DDL, c *ColumnDef) {
	facts := p.st.Facts
	defer func() { p.st.Facts = facts }() // of defaults: they concern the rows to come, not this statement
	for !p.done() && !p.isOp(',') && !p.isOp(')') && !p.shardKeyFollows() && !p.seq(KwPartition, KwBy) {
		switch {
		case p.isOp('('):
			if kw := p.toks[p.pos-1].KW; kw == KwAs || kw == KwCheck {
				p.primary()
				continue
			}
			p.skipBracket()
			continue
		case p.is(KwDefault):
			p.pos++
			if p.bitExpr(0) == nil && !p.done() && !p.isOp(',') && !p.isOp(')') {
				p.pos++
			}
			continue
		case p.is(KwPrimary), p.is(KwKey) && p.toks[p.pos-1].KW != KwUnique && p.toks[p.pos-1].KW != KwForeign:
			c.Primary = true
			p.pos++
			p.accept(KwKey)
			continue
		case p.is(KwUnique):
			c.Unique = true
			p.pos++
			p.accept(KwKey)
			continue
		case p.is(KwAutoIncrement), p.is(KwSerial):
			c.AutoIncrement = true
			if p.is(KwSerial) {
				c.Unique = true
			}
		case p.is(KwComment), p.is(KwCollate):
			p.pos++
			if t := p.tok(); t.Kind == Word || t.Kind == QuotedID || t.Kind == String {
				p.pos++
			}
			continue
		case p.is(KwReferences):
			p.references(d)
			continue
		}
		p.pos++
	}
}

// references reads REFERENCES t (…).
func (p *parser) references(d *DDL) {
	p.pos++
	if t, ok := p.table(); ok {
		d.References = append(d.References, t)
	}
}

// key reads a key or a constraint; ok says that it was one, and the key is nil for a CHECK, a FOREIGN KEY, a PERIOD.
func (p *parser) key(d *DDL) (k *KeyDef, ok bool) {
	start := p.pos
	k = &KeyDef{Name: noName}
	if p.accept(KwConstraint) {
		if n, ok := p.name(); ok {
			k.Name = n
		}
	}
	p.existence(&DDL{})
	switch p.tok().KW {
	case KwPrimary:
		k.Primary, k.Unique = true, true
		p.pos++
		p.accept(KwKey)
	case KwUnique:
		k.Unique = true
		p.pos++
		p.acceptAny(KwKey, KwIndex)
	case KwFulltext, KwSpatial:
		p.pos++
		p.acceptAny(KwKey, KwIndex)
	case KwKey, KwIndex:
		p.pos++
	case KwForeign:
		for !p.done() && !p.is(KwReferences) && !p.isOp(',') && !p.isOp(')') {
			if p.isOp('(') {
				p.skipBracket()
				continue
			}
			p.pos++
		}
		if p.is(KwReferences) {
			p.references(d)
		}
		p.skipToElementEnd()
		d.Foreign = append(d.Foreign, Span{From: start, To: p.pos})
		return nil, true
	case KwCheck:
		p.skipToElementEnd()
		return nil, true
	case KwPeriod:
		if p.isAt(1, KwFor) {
			p.skipToElementEnd()
			return nil, true
		}
		p.pos = start
		return nil, false
	default:
		p.pos = start
		return nil, false
	}
	p.existence(&DDL{})
	if n, ok := p.name(); ok {
		k.Name = n
	}
	if p.accept(KwUsing) || p.accept(KwType) {
		p.pos = min(p.pos+1, p.end)
	}
	p.keyColumns(k)
	p.skipToElementEnd()
	return k, true
}

// skipToElementEnd goes on to the comma or bracket after an element, or to a SHARD KEY or PARTITION BY.
func (p *parser) skipToElementEnd() {
	for !p.done() && !p.isOp(',') && !p.isOp(')') && !p.shardKeyFollows() && !p.seq(KwPartition, KwBy) {
		if p.isOp('(') {
			p.skipBracket()
			continue
		}
		p.pos++
	}
}

// keyColumns reads ( a, b (10) DESC, … ).
func (p *parser) keyColumns(k *KeyDef) {
	if !p.acceptOp('(') {
		return
	}
	for !p.done() && !p.isOp(')') {
		if n, ok := p.anyName(); ok {
			k.Columns = append(k.Columns, n)
		}
		p.skipTo(true)
		p.acceptOp(',')
	}
	p.acceptOp(')')
}
