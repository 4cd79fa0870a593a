package sqltext

import (
	"sort"
	"strings"
)

// oracleName reads what is a call without brackets in the mode ORACLE: ROWNUM, SYSDATE, s.NEXTVAL, s.CURRVAL; nil where none is.
func (p *parser) oracleName() Expr {
	from := p.pos
	if table, span, name := p.sequenceColumn(); table != nil {
		p.pos = span.To
		p.st.Tables = append(p.st.Tables, table)
		p.st.Facts |= HasSequence | HasNondeterministic
		return &Func{Span: span, Name: name, Odd: true}
	}
	if p.tok().Kind != Word || p.isOpAt(1, '(') || p.isOpAt(1, '.') {
		return nil
	}
	name := p.word(0)
	if name != "ROWNUM" && name != "SYSDATE" {
		return nil
	}
	p.pos++
	p.st.Facts |= functionFacts[name]
	return &Func{Span: p.span(from), Name: name}
}

// sequenceColumn is the sequence that [db.]s.NEXTVAL or [db.]s.CURRVAL at the parser's place asks, all of it, and the function's name; nil where it is none. The
// parser stays.
func (p *parser) sequenceColumn() (*TableName, Span, string) {
	isName := func(n int32) bool { k := p.peek(n).Kind; return k == Word || k == QuotedID }
	n := int32(1)
	for n < 5 && isName(n-1) && p.isOpAt(n, '.') && isName(n+1) {
		n += 2
	}
	if n == 1 || !isName(n-1) || p.isOpAt(n, '(') || p.isOpAt(n, '.') {
		return nil, Span{}, ""
	}
	name := ""
	switch strings.ToLower(p.nameAt(p.pos + n - 1).Text) {
	case "nextval":
		name = "NEXTVAL"
	case "currval":
		name = "LASTVAL"
	default:
		return nil, Span{}, ""
	}
	t := &TableName{DB: noName, Name: p.nameAt(p.pos + n - 3), Span: Span{p.pos, p.pos + n - 2}}
	if n == 5 {
		t.DB = p.nameAt(p.pos)
	}
	return t, Span{p.pos, p.pos + n}, name
}

// functionSchemas are what functions can be called by that other sql_modes have in another meaning. MariaDB prints them so.
var functionSchemas = map[string]bool{"mariadb_schema": true, "oracle_schema": true, "maxdb_schema": true}

// schemaCall reads a call of a function of MariaDB's that is named with its schema; nil where it is none.
func (p *parser) schemaCall() Expr {
	from := p.pos
	if !functionSchemas[p.nameAt(from).Text] || p.toks[from+2].Kind != Word {
		return nil
	}
	name := strings.ToUpper(string(p.s.Bytes(from + 2)))
	if !isBuiltin(name) {
		return nil
	}
	p.pos += 2
	return p.opaque(from, p.call(name, from))
}

// placeholder takes :name or :1, which is a parameter, as ? is: each by itself, whatever it is called.
func (l *lexer) placeholder() bool {
	start, i := l.pos, l.pos+1
	if l.at(i) == '=' {
		return false
	}
	for byteClass[l.at(i)] == cSpace && i < len(l.src) {
		i++
	}
	switch byteClass[l.at(i)] {
	case cWord, cDigit:
		if i = l.wordEnd(i); l.at(i) == '.' { // :NEW.a of a trigger
			return false
		}
	case cTick, cString:
		quote := l.at(i)
		if quote == '\'' {
			return false
		}
		for i++; i < len(l.src) && l.src[i] != quote; i++ {
		}
		i++
	default:
		return false
	}
	if len(l.tokens) > 0 && l.tokens[len(l.tokens)-1].Kind == Op && l.tokens[len(l.tokens)-1].Op == '{' {
		return false
	}
	l.pos = min(i, len(l.src))
	l.s.Params++
	l.emit(Token{Kind: Param, Op: '?'}, start)
	return true
}

// Respelled is a token of a text that MariaDB printed in its own mode, which the mode ORACLE reads in another way, with what means the same there.
type Respelled struct {
	Span
	With string
}

// ofOracle are the functions that are others in the mode ORACLE.
var ofOracle = wordSet("CONCAT DECODE LENGTH LPAD LTRIM REGEXP_REPLACE REPLACE RPAD RTRIM SUBSTR SUBSTRING TRIM")

// ForOracle is what to change in a text that MariaDB printed in its own mode, for it to mean the same in the mode ORACLE; false: that can't be written.
func ForOracle(s *Scan) (out []Respelled, ok bool) {
	p := parser{s: s, src: s.Src, toks: s.Tokens, end: int32(len(s.Tokens)), mode: s.mode, st: &Stmt{}}
	for ; p.pos < p.end; p.pos++ {
		t, at := p.toks[p.pos], p.pos
		named := at > 0 && p.toks[at-1].Kind == Op && p.toks[at-1].Op == '.'
		switch {
		case t.Kind != Word || named:
		case p.isOpAt(1, '('):
			if ofOracle[p.word(0)] {
				out = append(out, Respelled{Span{at, at + 2}, "mariadb_schema." + p.word(0) + "("}) // no space may be between them
			}
		case t.KW == KwDate && p.peek(1).Kind != String: // a DATE has a time there, but for the function's
			open := p.opening(at + 1)
			if !p.isOpAt(1, ')') || at == 0 || p.toks[at-1].KW != KwAs || open < 1 || !strings.EqualFold(string(s.Bytes(open-1)), "CAST") {
				return nil, false
			}
			out = append(out, Respelled{Span{open - 1, open}, "date"}, Respelled{Span{at - 1, at + 1}, ""})
		}
	}
	return out, true
}

// opening is the bracket that one at a token closes.
func (p *parser) opening(at int32) int32 {
	depth := 0
	for i := at; i >= 0; i-- {
		if p.toks[i].Kind != Op {
			continue
		}
		switch p.toks[i].Op {
		case ')':
			depth++
		case '(':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// InOracle is an expression that MariaDB printed in its own mode as it is written in the mode ORACLE; false: it can't be.
func InOracle(text string) (string, bool) {
	var s Scan
	if s.Scan([]byte(text), Mode{}) != nil {
		return "", false
	}
	edits, ok := ForOracle(&s)
	if !ok {
		return "", false
	}
	sort.Slice(edits, func(i, j int) bool { return edits[i].From < edits[j].From })
	out, at := []byte(nil), uint32(0)
	for _, e := range edits {
		out = append(append(out, text[at:s.Tokens[e.From].Start]...), e.With...)
		at = s.Tokens[e.To-1].End
	}
	return string(append(out, text[at:]...)), true
}
