package sqltext

import "strings"

// alterActions reads the actions of ALTER TABLE.
func (p *parser) alterActions(d *DDL) {
	for !p.done() {
		from := p.pos
		a := AlterAction{Name: noName, NewName: noName}
		p.alterAction(d, &a)
		p.skipToAction()
		a.Span = p.span(from)
		if a.Span.Empty() {
			p.pos++
			continue
		}
		d.Actions = append(d.Actions, a)
		if !p.acceptOp(',') && !p.done() && !p.seq(KwPartition, KwBy) {
			p.pos++
		}
	}
}

// skipToAction goes on to the comma after an action, or to PARTITION BY, which no comma sets apart.
func (p *parser) skipToAction() {
	for !p.done() && !p.isOp(',') && !p.isOp(')') && !p.seq(KwPartition, KwBy) {
		if p.isOp('(') {
			p.skipBracket()
			continue
		}
		p.pos++
	}
}

func (p *parser) alterAction(d *DDL, a *AlterAction) {
	if p.alterPartitions(d, a) {
		return
	}
	if p.shardKeyFollows() {
		a.Verb = "SHARD KEY"
		p.alterShardKey(d, a, p.pos)
		return
	}
	verb := p.word(0)
	switch p.acceptAny(KwAdd, KwDrop, KwModify, KwChange, KwAlter, KwRename) {
	case KwAdd:
		p.alterAdd(d, a)
		return
	case KwDrop:
		p.alterDrop(a)
		return
	case KwModify, KwChange, KwAlter:
		if verb == "ALTER" && p.acceptAny(KwIndex, KwKey) != 0 {
			a.Verb = "ALTER INDEX"
			p.existence(&DDL{})
			a.Name, _ = p.name()
			return
		}
		p.accept(KwColumn)
		p.existence(&DDL{})
		a.Verb = verb
		if verb == "ALTER" {
			a.Verb = "ALTER COLUMN"
		}
		a.Name, _ = p.name()
		if verb == "CHANGE" {
			a.NewName, _ = p.name()
		}
		if verb != "ALTER" {
			a.Column = p.alterColumn(d, p.pos, a.Name)
			if verb == "CHANGE" {
				a.Column.Name = a.NewName
			}
		}
		return
	case KwRename:
		switch p.acceptAny(KwColumn, KwIndex, KwKey) {
		case KwColumn:
			a.Verb = "RENAME COLUMN"
		case 0:
			a.Verb = "RENAME TO"
			if p.acceptAny(KwTo, KwAs) == 0 {
				p.acceptOp('=')
			}
			if t, ok := p.table(); ok {
				a.To = t
			}
			return
		default:
			a.Verb = "RENAME INDEX"
		}
		p.existence(&DDL{})
		a.Name, _ = p.name()
		p.accept(KwTo)
		a.NewName, _ = p.name()
		return
	}
	defer p.alterOptions(d, a, p.pos)
	words := []string{verb}
	if p.tok().Kind == Word {
		p.pos++
	}
	for p.tok().Kind == Word && len(words) < 3 && !p.isOp('=') {
		switch words[0] {
		case "DEFAULT", "CONVERT", "DISABLE", "ENABLE", "CHARACTER", "ORDER", "DISCARD", "IMPORT":
			words = append(words, p.word(0))
			p.pos++
			continue
		}
		break
	}
	a.Verb = strings.Join(words, " ")
	switch words[0] {
	case "ENGINE":
		p.acceptOp('=')
		if n, ok := p.anyName(); ok {
			d.Engine = n.Text
			a.Name = n
		} else if p.tok().Kind == String {
			a.Name = p.nameAt(p.pos)
			d.Engine = a.Name.Text
			p.pos++
		}
	}
}

// alterOptions reads the table options from a position on: no comma need set them apart.
func (p *parser) alterOptions(d *DDL, a *AlterAction, from int32) {
	end := p.pos
	p.pos = from
	for !p.done() {
		o, ok := p.option()
		if !ok {
			break
		}
		if o.Name == "ENGINE" {
			d.Engine = o.Value.Text
		}
		a.Options = append(a.Options, o)
	}
	p.pos = max(p.pos, end)
}

// alterColumn reads the definition of a column in ALTER TABLE.
func (p *parser) alterColumn(d *DDL, from int32, name Name) *ColumnDef {
	c := &ColumnDef{Name: name}
	p.columnOptions(d, c)
	c.Span = p.span(from)
	return c
}

// alterShardKey reads SHARD KEY (a, b) of an action that begins at from.
func (p *parser) alterShardKey(d *DDL, a *AlterAction, from int32) {
	p.pos += 2
	if !p.isOp('(') {
		p.pos++
	}
	k := KeyDef{Name: noName}
	p.keyColumns(&k)
	a.Key = &k
	if d.ShardKey = k.Columns; d.ShardKey == nil {
		d.ShardKey = []Name{}
	}
	to := p.pos
	if t := p.toks[from-1]; t.Kind == Op && t.Op == ',' { // what is left without it must be right
		from--
	} else if p.isOp(',') {
		to++
	}
	d.OursSpans = append(d.OursSpans, Span{from, to})
}

func (p *parser) alterAdd(d *DDL, a *AlterAction) {
	if p.shardKeyFollows() {
		a.Verb = "ADD SHARD KEY"
		p.alterShardKey(d, a, p.pos-1)
		return
	}
	if k, ok := p.key(d); ok {
		a.Verb = "ADD CONSTRAINT"
		if k != nil {
			a.Verb = "ADD INDEX"
			a.Key, a.Name = k, k.Name
		}
		return
	}
	switch {
	case p.is(KwPeriod) && p.isAt(1, KwFor) || p.is(KwSystem) && p.isAt(1, KwVersioning):
		a.Verb = "ADD " + p.word(0)
		return
	}
	a.Verb = "ADD COLUMN"
	p.accept(KwColumn)
	p.existence(&DDL{})
	if p.isOp('(') { // ADD (a int, b int): several columns, and keys
		body := &DDL{Database: noName, IndexName: noName}
		p.tableBody(body)
		d.References = append(d.References, body.References...)
		a.Columns = body.ColumnDefs
		a.Keys = body.Keys
		return
	}
	from := p.pos
	a.Name, _ = p.name()
	a.Column = p.alterColumn(d, from, a.Name)
}

func (p *parser) alterDrop(a *AlterAction) {
	kw := p.acceptAny(KwColumn, KwIndex, KwKey, KwPrimary, KwForeign, KwConstraint, KwPeriod, KwSystem, KwCheck)
	switch kw {
	case KwPrimary:
		p.accept(KwKey)
		a.Verb = "DROP PRIMARY KEY"
		return
	case KwForeign:
		p.accept(KwKey)
		a.Verb = "DROP FOREIGN KEY"
	case KwIndex, KwKey:
		a.Verb = "DROP INDEX"
	case 0, KwColumn:
		a.Verb = "DROP COLUMN"
	default:
		a.Verb = "DROP " + kw.String()
	}
	p.existence(&DDL{})
	a.Name, _ = p.name()
}
