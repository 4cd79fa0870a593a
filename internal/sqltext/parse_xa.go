package sqltext

import "strings"

// xa reads XA …. What it can't read to the end stays without Stmt.XA: MariaDB says what is wrong with it.
func (p *parser) xa() {
	p.st.Kind = KindXA
	p.pos++
	x := &XA{GtridTok: -1, BqualTok: -1, FormatTok: -1}
	switch p.acceptAny(KwStart, KwBegin, KwEnd, KwPrepare, KwCommit, KwRollback, KwRecover) {
	case KwStart, KwBegin:
		x.Verb = "START"
		if p.xid(x) {
			switch p.acceptAny(KwJoin, KwResume) {
			case KwJoin:
				x.Join = true
			case KwResume:
				x.Resume = true
			}
		}
	case KwEnd:
		x.Verb = "END"
		if p.xid(x) && p.accept(KwSuspend) {
			x.Suspend = true
			p.acceptSeq(KwFor, KwMigrate)
		}
	case KwPrepare:
		x.Verb = "PREPARE"
		p.xid(x)
	case KwCommit:
		x.Verb = "COMMIT"
		x.OnePhase = p.xid(x) && p.acceptSeq(KwOne, KwPhase)
	case KwRollback:
		x.Verb = "ROLLBACK"
		p.xid(x)
	case KwRecover:
		x.Verb = "RECOVER"
		p.xaFormat(x)
	}
	if p.done() && (x.GtridTok >= 0 || x.Verb == "RECOVER") {
		p.st.XA = x
	}
	p.pos = p.end
}

// xaFormat reads FORMAT = name.
func (p *parser) xaFormat(x *XA) {
	if !p.is(KwFormat) || !p.isOpAt(1, '=') {
		return
	}
	if t := p.peek(2); isName(t) || t.Kind == String {
		name := string(Unquote(nil, t, p.src, p.mode))
		if x.SQL = strings.EqualFold(name, "SQL"); x.SQL || strings.EqualFold(name, "RAW") {
			p.pos += 3
		}
	}
}

// xid reads gtrid [, bqual [, format]].
func (p *parser) xid(x *XA) bool {
	if !p.xidText() {
		return false
	}
	x.GtridTok = p.pos - 1
	if !p.acceptOp(',') {
		return true
	}
	if !p.xidText() {
		x.GtridTok = -1
		return false
	}
	x.BqualTok = p.pos - 1
	if !p.acceptOp(',') {
		return true
	}
	t := p.tok()
	if t.Kind != Number && (t.Kind != Hex || p.src[t.Start] != '0') {
		x.GtridTok = -1
		return false
	}
	x.FormatTok = p.pos
	p.pos++
	return true
}

// xidText takes a string, 'x' or hexadecimal or binary.
func (p *parser) xidText() bool {
	switch p.tok().Kind {
	case String, Hex, Bit:
		p.pos++
		return true
	}
	return false
}
