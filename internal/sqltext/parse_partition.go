package sqltext

import "strings"

// partitionBy reads PARTITION BY … with its definitions.
func (p *parser) partitionBy() *Partitioning {
	facts := p.st.Facts
	defer func() { p.st.Facts = facts }() // of its expressions: they concern the rows to come, not this statement
	from := p.pos
	p.pos += 2
	pt := &Partitioning{By: p.partitionMethod()}
	if p.accept(KwPartitions) && p.tok().Kind == Number {
		pt.Count = int(min(p.integer(), 1<<30))
	}
	if p.acceptSeq(KwSubpartition, KwBy) {
		sub := p.partitionMethod()
		pt.Sub = &sub
		if p.word(0) == "SUBPARTITIONS" && p.peek(1).Kind == Number {
			p.pos++
			pt.SubCount = int(min(p.integer(), 1<<30))
		}
	}
	if p.isOp('(') && p.isAt(1, KwPartition) {
		start := p.pos
		pt.Partitions = p.partitionDefs(KwPartition)
		pt.Definitions = p.span(start)
	}
	pt.Span = p.span(from)
	return pt
}

// partitionMethod reads [LINEAR] KEY (…) and the like.
func (p *parser) partitionMethod() PartitionBy {
	from := p.pos
	m := PartitionBy{Linear: p.accept(KwLinear)}
	switch p.acceptAny(KwKey, KwHash, KwRange, KwList, KwSystemTime) {
	case KwKey:
		m.Method = "KEY"
		if p.accept(KwAlgorithm) {
			p.acceptOp('=')
			if p.tok().Kind == Number {
				m.Algorithm = int(min(p.integer(), 1<<30))
			}
		}
	case KwHash:
		m.Method = "HASH"
	case KwRange:
		m.Method = "RANGE"
	case KwList:
		m.Method = "LIST"
	case KwSystemTime:
		m.Method = "SYSTEM_TIME"
		for !p.done() && !p.is(KwPartitions) && !p.is(KwSubpartition) && !(p.isOp('(') && p.isAt(1, KwPartition)) && !p.beginsQuery(0) && !p.is(KwAs) &&
			!p.isOp(',') {
			if p.isOp('(') { // INTERVAL (…) DAY
				p.skipBracket()
				continue
			}
			p.pos++
		}
		m.Span = p.span(from)
		return m
	}
	if (m.Method == "RANGE" || m.Method == "LIST") && p.accept(KwColumns) {
		m.Method += " COLUMNS"
	}
	if p.isOp('(') {
		p.partitionArg(&m)
	}
	m.Span = p.span(from)
	return m
}

// partitionArg reads ( what partitions are chosen by ).
func (p *parser) partitionArg(m *PartitionBy) {
	p.pos++
	start := p.pos
	if m.Method == "KEY" || strings.HasSuffix(m.Method, "COLUMNS") {
		for !p.done() && !p.isOp(')') {
			if n, ok := p.anyName(); ok {
				m.Columns = append(m.Columns, n)
			}
			p.skipTo(true)
			p.acceptOp(',')
		}
	} else {
		m.Expr = p.expr()
		p.skipTo(false)
	}
	m.Arg = p.span(start)
	p.acceptOp(')')
}

// partitionDefs reads ( PARTITION …, … ), or those of SUBPARTITION.
func (p *parser) partitionDefs(word Keyword) []PartitionDef {
	var defs []PartitionDef
	p.pos++
	for !p.done() && !p.isOp(')') {
		before := p.pos
		if p.is(word) {
			defs = append(defs, p.partitionDef())
		}
		p.skipTo(true)
		p.acceptOp(',')
		if p.pos == before {
			p.pos++
		}
	}
	p.acceptOp(')')
	return defs
}

// partitionDef reads [SUB]PARTITION name …
func (p *parser) partitionDef() PartitionDef {
	from := p.pos
	p.pos++
	d := PartitionDef{Name: noName}
	if n, ok := p.anyName(); ok {
		d.Name = n
	} else if p.tok().Kind == String {
		d.Name = p.nameAt(p.pos)
		p.pos++
	}
	p.partitionValues(&d)
	for !p.done() && !p.isOp(',') && !p.isOp(')') {
		if p.isOp('(') && p.isAt(1, KwSubpartition) {
			d.Subs = p.partitionDefs(KwSubpartition)
			continue
		}
		if o, ok := p.option(); ok {
			d.Options = append(d.Options, o)
			continue
		}
		if p.isOp('(') {
			p.skipBracket()
			continue
		}
		p.pos++
	}
	d.Span = p.span(from)
	return d
}

func (p *parser) partitionValues(d *PartitionDef) {
	from := p.pos
	switch {
	case p.is(KwDefault) && !p.isOpAt(1, '='):
		d.Values = ValuesDefault
		p.pos++
	case p.is(KwHistory) && !p.isOpAt(1, '='):
		d.Values = ValuesHistory
		p.pos++
	case p.is(KwCurrent) && !p.isOpAt(1, '='):
		d.Values = ValuesCurrent
		p.pos++
	case p.seq(KwValues, KwLess) && p.word(2) == "THAN":
		d.Values = ValuesLessThan
		p.pos += 3
		if p.is(KwMaxvalue) {
			d.Bounds = [][]PartitionBound{{p.partitionBound()}}
		} else if p.isOp('(') {
			d.Bounds = [][]PartitionBound{p.partitionRow()}
		}
	case p.seq(KwValues, KwIn):
		d.Values = ValuesIn
		p.pos += 2
		p.partitionList(d)
	}
	d.ValuesSpan = p.span(from)
}

// partitionList reads ( 1, 2 ) or ( (1, 'a'), (2, 'b') ).
func (p *parser) partitionList(d *PartitionDef) {
	if !p.acceptOp('(') {
		return
	}
	for !p.done() && !p.isOp(')') {
		if p.isOp('(') && p.bracketIsItem() {
			d.Bounds = append(d.Bounds, p.partitionRow())
		} else {
			d.Bounds = append(d.Bounds, []PartitionBound{p.partitionBound()})
		}
		p.skipTo(true)
		p.acceptOp(',')
	}
	p.acceptOp(')')
}

// bracketIsItem says whether the bracket that begins here is followed by a comma or a closing one: no operator.
func (p *parser) bracketIsItem() bool {
	from := p.pos
	p.skipBracket()
	is := p.isOp(',') || p.isOp(')')
	p.pos = from
	return is
}

// partitionRow reads ( a, b, … ).
func (p *parser) partitionRow() []PartitionBound {
	var row []PartitionBound
	p.pos++
	for !p.done() && !p.isOp(')') {
		row = append(row, p.partitionBound())
		p.acceptOp(',')
	}
	p.acceptOp(')')
	return row
}

// partitionBound reads one value up to the comma or bracket behind it.
func (p *parser) partitionBound() PartitionBound {
	from := p.pos
	var b PartitionBound
	switch p.acceptAny(KwMaxvalue, KwDefault) {
	case KwMaxvalue:
		b.Max = true
		b.Span = p.span(from)
		return b
	case KwDefault:
		b.Default = true
	default:
		b.Expr = p.expr()
	}
	p.skipTo(true)
	b.Span = p.span(from)
	return b
}

// bareOptions may stand without an equals sign.
var bareOptions = map[string]bool{
	"COMMENT": true, "CONNECTION": true, "ENGINE": true, "DATA DIRECTORY": true, "INDEX DIRECTORY": true, "MAX_ROWS": true, "MIN_ROWS": true,
	"TABLESPACE": true, "NODEGROUP": true,
}

// option reads name [=] value.
func (p *parser) option() (Option, bool) {
	from := p.pos
	k := p.tok().Kind
	if k != Word && k != QuotedID {
		return Option{}, false
	}
	name := strings.ToUpper(p.nameAt(p.pos).Text)
	p.pos++
	switch second := p.word(0); {
	case k == QuotedID:
	case (name == "DATA" || name == "INDEX") && second == "DIRECTORY":
		name += " DIRECTORY"
		p.pos++
	case name == "STORAGE" && second == "ENGINE":
		name = second
		p.pos++
	case name == "CHARACTER" && second == "SET":
		name = "CHARSET"
		p.pos++
	}
	ok := p.acceptOp('=') || k == Word && bareOptions[name]
	switch p.tok().Kind {
	case Word, QuotedID, String, Number, Hex:
	default:
		ok = false
	}
	if !ok {
		p.pos = from
		return Option{}, false
	}
	o := Option{Name: name, Value: p.nameAt(p.pos)}
	p.pos++
	o.Span = p.span(from)
	return o, true
}

// alterPartitions reads what follows the verb in ALTER TABLE … ADD|DROP|… PARTITION; false when it is no such action.
func (p *parser) alterPartitions(d *DDL, a *AlterAction) bool {
	verb := p.word(0)
	second := p.word(1)
	switch {
	case verb == "PARTITION" && second == "BY":
		d.HasPartitioning = true
		a.Verb = "PARTITION BY"
		d.Partitioning = p.partitionBy()
		return true
	case verb == "REMOVE" && second == "PARTITIONING":
		a.Verb = "REMOVE PARTITIONING"
		p.pos += 2
		return true
	case verb == "CONVERT" && second == "TABLE":
		p.pos += 2
		a.Verb = "CONVERT TABLE"
		a.To, _ = p.table()
		if p.accept(KwTo) && p.is(KwPartition) {
			a.PartitionDefs = []PartitionDef{p.partitionDef()}
		}
		return true
	case second != "PARTITION":
		return false
	}
	switch verb {
	case "ADD", "DROP", "REORGANIZE", "TRUNCATE", "EXCHANGE", "COALESCE", "CONVERT", "REBUILD", "OPTIMIZE", "CHECK", "REPAIR", "ANALYZE", "DISCARD", "IMPORT":
	default:
		return false
	}
	a.Verb = verb + " PARTITION"
	p.pos += 2
	for p.word(0) == "NO_WRITE_TO_BINLOG" || p.is(KwLocal) && !p.isOpAt(1, ',') && p.peek(1).Kind != EOF {
		p.pos++
	}
	p.existence(&DDL{})
	facts := p.st.Facts
	defer func() { p.st.Facts = facts }()
	if p.is(KwPartitions) && p.peek(1).Kind == Number { // ADD PARTITION PARTITIONS 2
		p.pos++
	}
	switch {
	case p.tok().Kind == Number:
		a.PartitionCount = int(min(p.integer(), 1<<30))
	case p.isOp('('):
		a.PartitionDefs = p.partitionDefs(KwPartition)
	case p.is(KwAll):
		a.AllPartitions = true
		p.pos++
	case !p.is(KwInto):
		a.Partitions = p.partitionNames()
	}
	switch {
	case p.accept(KwInto) && p.isOp('('):
		a.PartitionDefs = p.partitionDefs(KwPartition)
	case verb == "EXCHANGE" && p.acceptSeq(KwWith, KwTable), verb == "CONVERT" && p.acceptSeq(KwTo, KwTable):
		a.To, _ = p.table()
	}
	return true
}

// partitionNames reads a, b, …
func (p *parser) partitionNames() (names []Name) {
	for {
		n, ok := p.anyName()
		if !ok {
			return names
		}
		names = append(names, n)
		if !p.acceptOp(',') {
			return names
		}
	}
}

// adminPartitions takes ALTER TABLE t CHECK PARTITION p and its kin for what they are: CHECK TABLE of a part of it.
func (p *parser) adminPartitions(d *DDL) {
	if len(d.Actions) != 1 {
		return
	}
	switch verb, of, _ := strings.Cut(d.Actions[0].Verb, " "); verb {
	case "ANALYZE", "CHECK", "OPTIMIZE", "REPAIR":
		if of == "PARTITION" {
			p.st.Kind, d.Verb = KindAdmin, verb
		}
	}
}
