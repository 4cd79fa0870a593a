package compound

import (
	"fmt"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
)

// Program is a body that was read.
type Program struct {
	scan sqltext.Scan
	mode sqltext.Mode
	body node
}

// RefusedError says what of a program is not run, and what to do instead.
type RefusedError struct{ What, Why string }

func (e *RefusedError) Error() string { return e.What + ": " + e.Why }

// Parse reads a compound statement, which a server has found no fault with: BEGIN [NOT ATOMIC] … END, IF, CASE or a loop, or CALL. The error is a RefusedError, or wraps
// sqltext.ErrText.
func Parse(text []byte, mode sqltext.Mode) (p *Program, err error) {
	p = &Program{mode: mode}
	if err := p.scan.Scan(append([]byte(nil), text...), mode); err != nil {
		return nil, err
	}
	defer func() {
		if e := failed(recover()); e != nil {
			p, err = nil, e
		}
	}()
	p.body = newReader(p).whole()
	return p, nil
}

func newReader(p *Program) *reader {
	return &reader{p: p, scan: &p.scan, toks: p.scan.Tokens, end: int32(len(p.scan.Tokens))}
}

// whole reads a statement that ends with the text.
func (r *reader) whole() node {
	n := r.statement()
	if r.pos < r.end || r.scan.More {
		r.odd()
	}
	return n
}

// failure carries an error out of the reader.
type failure struct{ err error }

// failed is the error that the reader was left with.
func failed(x any) error {
	if x == nil {
		return nil
	}
	f, ok := x.(failure)
	if !ok {
		panic(x)
	}
	return f.err
}

// reader reads a body. What it does not understand ends it by a failure.
type reader struct {
	p    *Program
	scan *sqltext.Scan
	toks []sqltext.Token
	pos  int32
	end  int32
	// scope are the variables that are declared, inner ones last, labels those of the statements around.
	scope  []string
	labels []string
	depth  int
	// function: it is the body of one, which returns.
	function bool
}

// maxNesting bounds blocks within blocks.
const maxNesting = 200

func (r *reader) refuse(what, why string) {
	panic(failure{&RefusedError{what, why}})
}

// odd refuses what is not understood.
func (r *reader) odd() {
	near := "the end"
	if r.pos < r.end {
		near = "'" + string(r.scan.Bytes(r.pos)) + "'"
	}
	panic(failure{fmt.Errorf("%w: a program was not understood at %s", sqltext.ErrText, near)})
}

func (r *reader) kw(n int32) sqltext.Keyword {
	if r.pos+n < r.end && r.toks[r.pos+n].Kind == sqltext.Word {
		return r.toks[r.pos+n].KW
	}
	return 0
}

func (r *reader) word(n int32) string {
	if r.pos+n < r.end && r.toks[r.pos+n].Kind == sqltext.Word {
		return strings.ToUpper(string(r.scan.Bytes(r.pos + n)))
	}
	return ""
}

func (r *reader) op(n int32, op uint32) bool {
	i := r.pos + n
	return i < r.end && r.toks[i].Kind == sqltext.Op && r.toks[i].Op == op
}

const (
	opAssign = ':' | '='<<8
)

func (r *reader) accept(kw sqltext.Keyword) bool {
	if r.kw(0) == kw {
		r.pos++
		return true
	}
	return false
}

func (r *reader) acceptOp(op uint32) bool {
	if r.op(0, op) {
		r.pos++
		return true
	}
	return false
}

func (r *reader) acceptWord(w string) bool {
	if r.word(0) == w {
		r.pos++
		return true
	}
	return false
}

func (r *reader) expect(kws ...sqltext.Keyword) {
	for _, kw := range kws {
		if !r.accept(kw) {
			r.odd()
		}
	}
}

func (r *reader) expectOp(op uint32) {
	if !r.acceptOp(op) {
		r.odd()
	}
}

// isName says whether a token may be an identifier.
func (r *reader) isName(n int32) bool {
	i := r.pos + n
	return i < r.end && (r.toks[i].Kind == sqltext.Word || r.toks[i].Kind == sqltext.QuotedID)
}

// name takes an identifier, in lower case: names of variables, labels, cursors and conditions are compared without case.
func (r *reader) name() string {
	if !r.isName(0) {
		r.odd()
	}
	r.pos++
	return r.nameAt(r.pos - 1)
}

func (r *reader) nameAt(tok int32) string {
	return lower(string(sqltext.Unquote(nil, r.toks[tok], r.scan.Src, r.p.mode)))
}

func lower(s string) string { return strings.ToLower(s) }

func (r *reader) declared(name string) bool {
	for _, v := range r.scope {
		if v == name {
			return true
		}
	}
	return false
}

func (r *reader) text(from, to int32) string {
	return string(r.scan.AppendSpan(nil, sqltext.Span{From: from, To: to}))
}

// statement reads one statement, without the semicolon behind it.
func (r *reader) statement() node {
	if r.depth++; r.depth > maxNesting {
		r.refuse("a program of so many blocks within blocks", "split it")
	}
	defer func() { r.depth-- }()
	from := r.pos
	label := ""
	if r.isName(0) && r.op(1, ':') {
		label = r.nameAt(r.pos)
		r.pos += 2
	}
	r.labels = append(r.labels, label)
	defer func() { r.labels = r.labels[:len(r.labels)-1] }()
	var n node
	switch r.kw(0) {
	case sqltext.KwBegin:
		n = r.block(from, label)
	case sqltext.KwLoop, sqltext.KwWhile, sqltext.KwRepeat:
		n = r.loop(from, label)
	case sqltext.KwFor:
		n = r.forLoop(from, label)
	default:
		if label != "" {
			r.odd()
		}
		return r.simple(from)
	}
	if label != "" && r.isName(0) && r.nameAt(r.pos) == label {
		r.pos++
	}
	return n
}

func (r *reader) simple(from int32) node {
	switch r.kw(0) {
	case sqltext.KwIf:
		return r.ifStatement(from)
	case sqltext.KwCase:
		return r.caseStatement(from)
	case sqltext.KwSet:
		return r.set(from)
	case sqltext.KwLeave, sqltext.KwIterate:
		again := r.kw(0) == sqltext.KwIterate
		r.pos++
		label := r.name()
		return &leave{span{from, r.pos, true, true}, label, again}
	case sqltext.KwOpen, sqltext.KwClose:
		if r.isName(1) && !r.op(1, '(') {
			shut := r.kw(0) == sqltext.KwClose
			r.pos++
			name := r.name()
			args := r.arguments()
			if r.kw(0) == sqltext.KwFor {
				r.refuse("OPEN … FOR", "declare the cursor with its query")
			}
			return &open{span{from, r.pos, false, false}, name, args, shut}
		}
	case sqltext.KwFetch:
		return r.fetch(from)
	case sqltext.KwSignal, sqltext.KwResignal:
		return r.signal(from)
	case sqltext.KwGet:
		return r.diagnostics(from)
	case sqltext.KwCall:
		return r.call(from)
	case sqltext.KwReturn:
		return r.giveBack(from)
	}
	return r.plain(from)
}

// list reads statements with their semicolons up to one of the words, which stays.
func (r *reader) list(until ...sqltext.Keyword) []node {
	var out []node
	for {
		for _, kw := range until {
			if r.kw(0) == kw {
				return out
			}
		}
		if r.pos >= r.end {
			r.odd()
		}
		out = append(out, r.one()...)
		r.expectOp(';')
	}
}

// one reads a statement; SET of several variables is as many.
func (r *reader) one() []node {
	n := r.statement()
	if s, ok := n.(*sets); ok {
		return s.list
	}
	return []node{n}
}

// sets is what SET of several variables is read as.
type sets struct {
	span
	list []node
}

func allPure(list []node) bool {
	for _, n := range list {
		if !n.at().pure {
			return false
		}
	}
	return true
}

// block reads BEGIN … END.
func (r *reader) block(from int32, label string) node {
	r.pos++
	if r.kw(0) == sqltext.KwNot {
		r.expect(sqltext.KwNot, sqltext.KwAtomic)
	}
	outer := len(r.scope)
	defer func() { r.scope = r.scope[:outer] }()
	b := &block{label: label}
	for !r.accept(sqltext.KwEnd) {
		if r.pos >= r.end {
			r.odd()
		}
		if r.kw(0) == sqltext.KwDeclare {
			b.items = append(b.items, r.declare())
		} else {
			b.items = append(b.items, r.one()...)
		}
		r.expectOp(';')
	}
	b.span = span{from, r.pos, allPure(b.items), !r.closed(from, r.pos)}
	return b
}

// closed says whether LEAVE and ITERATE between two tokens are about labels that are there, too.
func (r *reader) closed(from, to int32) bool {
	for i := from; i+1 < to; i++ {
		t := r.toks[i]
		if t.Kind != sqltext.Word || t.KW != sqltext.KwLeave && t.KW != sqltext.KwIterate {
			continue
		}
		label, found := r.nameAt(i+1), false
		for j := from; j+1 < to; j++ {
			k := r.toks[j].Kind
			if (k == sqltext.Word || k == sqltext.QuotedID) && r.toks[j+1].Kind == sqltext.Op && r.toks[j+1].Op == ':' && r.nameAt(j) == label {
				found = true
			}
		}
		if !found {
			return false
		}
	}
	return true
}

func (r *reader) ifStatement(from int32) node {
	r.pos++
	c := &choice{}
	pure := true
	for {
		when := r.expr(sqltext.KwThen)
		r.expect(sqltext.KwThen)
		do := r.list(sqltext.KwElseif, sqltext.KwElse, sqltext.KwEnd)
		pure = pure && when.alone && allPure(do)
		c.arms = append(c.arms, arm{when, do})
		if !r.accept(sqltext.KwElseif) {
			break
		}
	}
	if r.accept(sqltext.KwElse) {
		c.other, c.hasElse = r.list(sqltext.KwEnd), true
		pure = pure && allPure(c.other)
	}
	r.expect(sqltext.KwEnd, sqltext.KwIf)
	c.span = span{from, r.pos, pure, !r.closed(from, r.pos)}
	return c
}

func (r *reader) caseStatement(from int32) node {
	r.pos++
	c := &choice{isCase: true}
	pure := true
	if r.kw(0) != sqltext.KwWhen {
		e := r.expr(sqltext.KwWhen)
		c.subject, pure = &e, e.alone
	}
	for r.accept(sqltext.KwWhen) {
		when := r.expr(sqltext.KwThen)
		r.expect(sqltext.KwThen)
		do := r.list(sqltext.KwWhen, sqltext.KwElse, sqltext.KwEnd)
		pure = pure && when.alone && allPure(do)
		c.arms = append(c.arms, arm{when, do})
	}
	if r.accept(sqltext.KwElse) {
		c.other, c.hasElse = r.list(sqltext.KwEnd), true
		pure = pure && allPure(c.other)
	}
	r.expect(sqltext.KwEnd, sqltext.KwCase)
	c.span = span{from, r.pos, pure, !r.closed(from, r.pos)}
	return c
}

func (r *reader) loop(from int32, label string) node {
	l := &loop{label: label}
	kw := r.kw(0)
	r.pos++
	pure := true
	switch kw {
	case sqltext.KwLoop:
		l.do = r.list(sqltext.KwEnd)
	case sqltext.KwWhile:
		e := r.expr(sqltext.KwDo)
		r.expect(sqltext.KwDo)
		l.while, pure = &e, e.alone
		l.do = r.list(sqltext.KwEnd)
	case sqltext.KwRepeat:
		l.do = r.list(sqltext.KwUntil)
		r.pos++
		e := r.expr(sqltext.KwEnd)
		l.until, pure = &e, e.alone
	}
	r.expect(sqltext.KwEnd, kw)
	l.span = span{from, r.pos, pure && allPure(l.do), !r.closed(from, r.pos)}
	return l
}

// forLoop reads FOR name IN a..b DO.
func (r *reader) forLoop(from int32, label string) node {
	r.pos++
	c := &count{label: label, name: r.name()}
	r.expect(sqltext.KwIn)
	c.reverse = r.acceptWord("REVERSE")
	do := r.find(sqltext.KwDo)
	dots := r.dots(do)
	if dots < 0 {
		return r.forRows(from, label, c.name, do)
	}
	last := r.toks[do-1]
	c.lower = r.exprOf(strings.TrimSpace(string(r.scan.Src[r.toks[r.pos].Start:dots])))
	c.upper = r.exprOf(strings.TrimSpace(string(r.scan.Src[dots+2 : last.End])))
	r.pos = do
	outer := len(r.scope)
	r.scope = append(r.scope, c.name)
	r.expect(sqltext.KwDo)
	c.do = r.list(sqltext.KwEnd)
	r.scope = r.scope[:outer]
	r.expect(sqltext.KwEnd, sqltext.KwFor)
	c.span = span{from, r.pos, c.lower.alone && c.upper.alone && allPure(c.do), !r.closed(from, r.pos)}
	return c
}

// dots finds where the two dots behind the lower bound of a FOR are in the text: 1..3 the lexer takes for the numbers 1. and .3. -1 when there are none.
func (r *reader) dots(to int32) int {
	for i := r.pos; i+1 < to; i++ {
		t, next := r.toks[i], r.toks[i+1]
		if t.End == next.Start && r.scan.Src[t.End-1] == '.' && r.scan.Src[next.Start] == '.' {
			return int(t.End) - 1
		}
	}
	return -1
}
