package sqltext

// SequenceUse is a place where a text asks a sequence: NEXTVAL (s), NEXT VALUE FOR s, LASTVAL (s), PREVIOUS VALUE FOR s, SETVAL (s, …), and
// in the mode ORACLE s.NEXTVAL and s.CURRVAL.
type SequenceUse struct {
	Name  string // NEXTVAL, LASTVAL or SETVAL
	Span  Span
	Table *TableName // the sequence
}

// SequenceUses finds them all, in order, whatever the text around them is.
func SequenceUses(s *Scan, mode Mode) []SequenceUse {
	var out []SequenceUse
	p := parser{s: s, src: s.Src, toks: s.Tokens, end: int32(len(s.Tokens)), mode: mode, st: &Stmt{}}
	for ; p.pos < p.end; p.pos++ {
		from, use := p.pos, SequenceUse{}
		if from > 0 && p.toks[from-1].Kind == Op && p.toks[from-1].Op == '.' {
			continue
		}
		if mode.Oracle {
			if table, span, name := p.sequenceColumn(); table != nil {
				out = append(out, SequenceUse{Name: name, Span: span, Table: table})
				p.pos = span.To - 1
				continue
			}
		}
		switch {
		case p.toks[from].Kind != Word:
			continue
		case p.seq(KwNext, KwValue, KwFor), p.seq(KwPrevious, KwValue, KwFor):
			use.Name = "NEXTVAL"
			if p.is(KwPrevious) {
				use.Name = "LASTVAL"
			}
			p.pos += 3
		case p.isOpAt(1, '('):
			if use.Name = p.word(0); functionFacts[use.Name]&HasSequence == 0 {
				continue
			}
			p.pos += 2
		default:
			continue
		}
		table, ok := p.tableName()
		if !ok {
			p.pos = from
			continue
		}
		use.Table = table
		if p.toks[from].KW != KwNext && p.toks[from].KW != KwPrevious {
			for depth := 0; p.pos < p.end && (depth > 0 || !p.isOp(')')); p.pos++ {
				switch {
				case p.isOp('('):
					depth++
				case p.isOp(')'):
					depth--
				}
			}
			p.pos++
		}
		use.Span = Span{from, min(p.pos, p.end)}
		out = append(out, use)
		p.pos = table.Span.To - 1 // SETVAL's value may ask another one
	}
	return out
}
