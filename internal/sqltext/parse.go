package sqltext

import (
	"sort"
	"strings"
)

// maxDepth bounds the nesting that is parsed; MariaDB's own stack gives up before.
const maxDepth = 3000

// maxTables bounds the tables that queries name: far more than MariaDB joins.
const maxTables = 1 << 16

// maxChain bounds operators and set operations in one chain, which make a tree as deep as the chain is long. The chains of a statement may
// stand in each other's first operands, where their lengths add up: maxLinks bounds what they have together beyond shortChain each.
const (
	maxChain   = 10000
	maxLinks   = 3 * maxChain
	shortChain = 16
)

// Parse reads the statement that s holds. It fails, with an error that wraps ErrText, for unbalanced brackets and for nesting past what
// any server takes; everything else yields a Stmt, with KindOther and Opaque parts for what it does not know. The result refers to tokens
// by position and does not keep s.
func Parse(s *Scan, mode Mode) (*Stmt, error) { return parse(s, mode, nil) }

func parse(s *Scan, mode Mode, names *Names) (*Stmt, error) {
	p := parser{s: s, src: s.Src, toks: s.Tokens, end: int32(len(s.Tokens)), mode: mode, st: &Stmt{}, heard: names}
	if err := p.balance(); err != nil {
		return nil, err
	}
	p.st.Span = Span{0, p.end}
	p.statement()
	if p.err != nil {
		return nil, p.err
	}
	if p.pos < p.end { // not understood to its end: what is left still counts
		p.sweep()
	}
	switch p.st.Kind {
	case KindSelect, KindInsert, KindUpdate, KindDelete, KindDo, KindCall:
	default:
		p.st.LiteralsMatter = true
	}
	if p.err != nil {
		return nil, p.err
	}
	return p.st, nil
}

type parser struct {
	s     *Scan
	src   []byte
	toks  []Token
	mode  Mode
	pos   int32
	end   int32
	st    *Stmt
	depth int
	links int // of chains, beyond their first ones
	err   error
	// paramToks are the positions of the ?s, once one was met.
	paramToks []int32
	// ctes are the names of the common table expressions in scope in lower case, inner ones last; cteCount says how often each is among them.
	ctes     []string
	cteCount map[string]int
	// onDup: inside ON DUPLICATE KEY UPDATE, where VALUES (a) is a function even in brackets.
	onDup bool
	// slabs hold literals of bulk inserts, to allocate them by the hundred.
	literals []Literal
	// heard takes the statement's names, where somebody wants them.
	heard *Names
}

func (p *parser) fail(what string) {
	if p.err == nil {
		at := len(p.src)
		if p.pos < p.end {
			at = int(p.toks[p.pos].Start)
		}
		p.err = textError(what, at)
	}
	p.pos = p.end // nothing reads on
}

// balance checks that the brackets match; the parser relies on it to find the ends of what it does not understand.
func (p *parser) balance() error {
	depth := 0
	for i := range p.toks {
		if p.toks[i].Kind != Op {
			continue
		}
		switch p.toks[i].Op {
		case '(':
			depth++
		case ')':
			depth--
			if depth < 0 {
				return textError("unbalanced bracket", int(p.toks[i].Start))
			}
		}
	}
	if depth != 0 {
		return textError("unclosed bracket", len(p.src))
	}
	return nil
}

// enter counts a level of nesting; it must be left by p.depth-- where it returns true.
func (p *parser) enter() bool {
	if p.depth >= maxDepth {
		p.fail("nested too deeply")
		return false
	}
	p.depth++
	return true
}

// tooLong counts link n of a chain, from 0, and says whether the tree must not grow deeper by it.
func (p *parser) tooLong(n int) bool {
	if n < shortChain {
		return false
	}
	p.links++
	return n >= maxChain || p.links > maxLinks
}

// peek is the token n places on, a zero Token (Kind EOF) after the end.
func (p *parser) peek(n int32) Token {
	if p.pos+n < p.end {
		return p.toks[p.pos+n]
	}
	return Token{}
}

// tok is the next token.
func (p *parser) tok() Token { return p.peek(0) }

func (p *parser) done() bool { return p.pos >= p.end }

// is says whether the next token is the keyword.
func (p *parser) is(kw Keyword) bool { return p.pos < p.end && p.toks[p.pos].KW == kw }

// isAt says whether the token n places on is the keyword.
func (p *parser) isAt(n int32, kw Keyword) bool { return p.peek(n).KW == kw }

// seq says whether the next tokens are these keywords.
func (p *parser) seq(kws ...Keyword) bool {
	for i, kw := range kws {
		if p.peek(int32(i)).KW != kw {
			return false
		}
	}
	return true
}

func (p *parser) accept(kw Keyword) bool {
	if p.is(kw) {
		p.pos++
		return true
	}
	return false
}

// acceptSeq takes all of the keywords or none.
func (p *parser) acceptSeq(kws ...Keyword) bool {
	if !p.seq(kws...) {
		return false
	}
	p.pos += int32(len(kws))
	return true
}

// acceptAny takes one of the keywords.
func (p *parser) acceptAny(kws ...Keyword) Keyword {
	t := p.tok()
	if t.KW != 0 {
		for _, kw := range kws {
			if t.KW == kw {
				p.pos++
				return kw
			}
		}
	}
	return 0
}

func (p *parser) isOp(op uint32) bool { return p.isOpAt(0, op) }

func (p *parser) isOpAt(n int32, op uint32) bool {
	t := p.peek(n)
	return t.Kind == Op && t.Op == op
}

func (p *parser) acceptOp(op uint32) bool {
	if p.isOp(op) {
		p.pos++
		return true
	}
	return false
}

// word is the upper-case text of the token n places on, "" when it is no unquoted word.
func (p *parser) word(n int32) string {
	t := p.peek(n)
	if t.Kind != Word {
		return ""
	}
	if t.KW != 0 {
		return t.KW.String()
	}
	return strings.ToUpper(string(p.src[t.Start:t.End]))
}

func (p *parser) span(from int32) Span { return Span{from, p.pos} }

// touches says whether the token n places on begins where the one before it ends.
func (p *parser) touches(n int32) bool {
	i := p.pos + n
	return i > 0 && i < p.end && p.toks[i-1].End == p.toks[i].Start
}

var noName = Name{Tok: -1}

// isName says whether a token can be an identifier.
func isName(t Token) bool {
	return t.Kind == QuotedID || t.Kind == Word && t.KW.isName()
}

func (p *parser) nameAt(tok int32) Name {
	return Name{Tok: tok, Text: string(Unquote(nil, p.toks[tok], p.src, p.mode))}
}

// name takes an identifier.
func (p *parser) name() (Name, bool) {
	if p.pos < p.end && isName(p.toks[p.pos]) {
		p.named(p.pos)
		p.pos++
		return p.nameAt(p.pos - 1), true
	}
	return noName, false
}

// anyName takes an identifier where keywords are allowed too: after a dot or in places where nothing else can stand.
func (p *parser) anyName() (Name, bool) {
	if k := p.tok().Kind; k == Word || k == QuotedID {
		p.named(p.pos)
		p.pos++
		return p.nameAt(p.pos - 1), true
	}
	return noName, false
}

// tableName takes [db.]name without recording it.
func (p *parser) tableName() (*TableName, bool) {
	from := p.pos
	n, ok := p.name()
	if !ok {
		return nil, false
	}
	t := &TableName{DB: noName, Name: n}
	if p.isOp('.') {
		p.pos++
		second, ok := p.anyName()
		if !ok {
			p.pos = from
			return nil, false
		}
		t.DB, t.Name = n, second
	}
	t.Span = p.span(from)
	return t, true
}

// table takes [db.]name and lists it among the statement's tables.
func (p *parser) table() (*TableName, bool) {
	t, ok := p.tableName()
	if ok {
		p.st.Tables = append(p.st.Tables, t)
	}
	return t, ok
}

// source is table for FROM: a name may be that of a common table expression.
func (p *parser) source() (*TableName, bool) {
	t, ok := p.tableName()
	if !ok {
		return nil, false
	}
	if t.DB.Tok < 0 && p.isCTE(t.Name.Text) {
		t.CTE = true
		return t, true
	}
	if len(p.st.Tables) > maxTables {
		p.fail("too many tables")
	}
	p.st.Tables = append(p.st.Tables, t)
	return t, true
}

func (p *parser) isCTE(name string) bool {
	return len(p.ctes) > 0 && p.cteCount[lower(name)] > 0
}

// pushCTE brings a common table expression into scope.
func (p *parser) pushCTE(name string) {
	if p.cteCount == nil {
		p.cteCount = map[string]int{}
	}
	name = lower(name)
	p.ctes = append(p.ctes, name)
	p.cteCount[name]++
}

// popCTEs ends the scope of all but the outer n.
func (p *parser) popCTEs(n int) {
	for _, name := range p.ctes[n:] {
		p.cteCount[name]--
	}
	p.ctes = p.ctes[:n]
}

// skipBracket takes ( … ) without looking inside.
func (p *parser) skipBracket() Span {
	from := p.pos
	depth := 0
	for p.pos < p.end {
		if t := p.toks[p.pos]; t.Kind == Op {
			switch t.Op {
			case '(':
				depth++
			case ')':
				depth--
			}
		}
		p.pos++
		if depth <= 0 {
			break
		}
	}
	return p.span(from)
}

// skipTo goes on to a comma or the closing bracket of this level, or to the end, without looking inside.
func (p *parser) skipTo(comma bool) {
	for p.pos < p.end {
		if t := p.toks[p.pos]; t.Kind == Op {
			switch {
			case t.Op == '(':
				p.skipBracket()
				continue
			case t.Op == ')', t.Op == ',' && comma:
				return
			}
		}
		p.pos++
	}
}

// names takes ( a, b, … ).
func (p *parser) names() (list []Name, ok bool) {
	if !p.acceptOp('(') {
		return nil, false
	}
	for !p.done() && !p.isOp(')') {
		n, ok := p.anyName()
		if !ok {
			return list, false
		}
		list = append(list, n)
		if !p.acceptOp(',') {
			break
		}
	}
	return list, p.acceptOp(')')
}

// paramIndex is the number of the ? at a position.
func (p *parser) paramIndex(tok int32) int {
	if p.paramToks == nil {
		for i := range p.toks {
			if p.toks[i].Kind == Param {
				p.paramToks = append(p.paramToks, int32(i))
			}
		}
	}
	return sort.Search(len(p.paramToks), func(i int) bool { return p.paramToks[i] >= tok })
}
