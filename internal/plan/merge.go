package plan

import (
	"github.com/orbweaver/orbweaver/internal/sqltext"
)

// merge says how the answers of several partitions become one, or why they can't.
func (p *planner) merge(u *unit) (*Merge, string) {
	if u.bad != "" {
		return nil, u.bad
	}
	if u.inOne() {
		names := p.names()
		return &Merge{Splices: names, Names: names}, ""
	}
	if p.sess.Unmerged != "" {
		return nil, p.sess.Unmerged
	}
	facts := p.stmt.Facts
	if u.main != nil { // whose rows can be counted part by part
		facts &^= sqltext.HasCalcFoundRows
	}
	if reason := p.many(facts); reason != "" {
		return nil, reason
	}
	if u.main == nil {
		return p.mergeSet(u)
	}
	q, s := u.q, u.main.sel
	if q.Bracket && (len(q.Order) > 0 || q.Limit != nil) {
		return nil, "ORDER BY or LIMIT around a bracketed query"
	}
	g := newMerger(p, u)
	grouped := isGrouped(s)
	switch {
	case p.stmt.Facts&sqltext.HasWindow != 0 && !p.windowSeen:
		return nil, "window functions"
	case hasWindow(s) && (!u.windowsLocally() || grouped && !u.groupsLocally() || s.Distinct && (grouped || len(u.key) == 0)):
		return nil, "window functions over rows of several partitions"
	}
	var reason string
	switch {
	case g.strays():
		reason = "a position in GROUP BY that is not in the select list"
	case (grouped || s.Distinct) && g.readsBits():
		reason = "a BIT column in DISTINCT or GROUP BY, which MariaDB tells as a number where it makes a temporary table"
	case grouped && !u.groupsLocally():
		reason = g.group()
	case s.Distinct && (len(u.key) == 0 || grouped):
		reason = g.distinct()
	default:
		reason = g.plain()
	}
	if reason != "" {
		return nil, reason
	}
	return g.finish(), ""
}

// counts says whether FOUND_ROWS() is to tell of the rows without LIMIT.
func (g *merger) counts() bool { return g.p.stmt.Facts&sqltext.HasCalcFoundRows != 0 }

// strays says whether GROUP BY has a position that is no column's: it would be one of the columns that parts have more.
func (g *merger) strays() bool {
	for i := range g.sel.Group {
		n := g.b.position(g.sel.Group[i].Expr)
		if n == 0 {
			continue
		}
		if items, ok := g.b.columns(); !ok || n > len(items) {
			return true
		}
	}
	return false
}

// readsBits says whether what is selected, or what chooses among it, names a column of type BIT.
func (g *merger) readsBits() bool {
	found := false
	look := func(e sqltext.Expr) {
		found = found || e != nil && anyExpr(e, func(x sqltext.Expr) bool {
			n, ok := g.b.resolveExpr(x)
			return ok && n.column() != nil && n.column().Type == "bit"
		})
	}
	selectExprs(g.sel, look)
	if items, ok := g.b.columns(); ok {
		for i := range items {
			found = found || items[i].isCol && items[i].node.column() != nil && items[i].node.column().Type == "bit"
		}
	}
	return found
}

// manyReason is why a query can't run at several places whatever its form.
func (p *planner) manyReason() string { return p.many(p.stmt.Facts) }

// many is manyReason for some of the statement's facts.
func (p *planner) many(f sqltext.Facts) string {
	switch {
	case f&sqltext.HasUserVarAssign != 0:
		return "an assignment to a user variable"
	case f&sqltext.HasInto != 0:
		return "SELECT … INTO"
	case f&sqltext.HasCalcFoundRows != 0:
		return "SQL_CALC_FOUND_ROWS"
	case f&sqltext.HasProcedureAnalyse != 0:
		return "PROCEDURE ANALYSE"
	case f&sqltext.HasLockFunction != 0:
		return "a lock function"
	case f&(sqltext.HasStoredCall|sqltext.HasSequence) != 0:
		return "a stored function or sequence"
	case f&sqltext.HasExpansion != 0:
		return expansion
	case f&sqltext.HasNondeterministic != 0 && p.rownum:
		return "ROWNUM()"
	}
	return ""
}

// expansion is why MATCH … WITH QUERY EXPANSION needs all rows in one place.
const expansion = "WITH QUERY EXPANSION, which looks for words of the rows that are found first in all of the table"

// plain is for rows that each belong to one partition: the parts' rows are the answer's rows.
func (g *merger) plain() string {
	s := g.sel
	rewrite := false
	var parts []orderKey
	for i := range s.Order {
		o := &s.Order[i]
		v, skip, reason := g.orderValue(o.Expr)
		if reason != "" {
			return reason
		}
		if skip {
			continue
		}
		v.ofGroup = g.p.sess.FullGroups && len(s.Group) > 0 && v.typ == nil && !g.overGroups(o.Expr)
		k, order, reason := g.sortKey(v, o.Desc)
		if reason != "" {
			return "ORDER BY " + reason
		}
		// The order of the part must be by the very value that it sends.
		rewrite = rewrite || v.volatile
		g.m.Sort = append(g.m.Sort, k)
		parts = append(parts, orderKey{order, o.Desc})
	}
	if rewrite {
		g.orderBy(parts)
	}
	g.ordered = len(g.m.Sort)
	return g.limit(s.Limit, true)
}

// distinct is for SELECT DISTINCT whose rows may be equal across partitions: the parts are sorted by all columns.
func (g *merger) distinct() string {
	s := g.sel
	items, ok := g.b.columns()
	if !ok {
		return "DISTINCT with a * that can't be expanded"
	}
	if g.p.stmt.Facts&sqltext.HasNondeterministic != 0 {
		return "DISTINCT with a function that differs by call"
	}
	done := make([]bool, len(items))
	var parts []orderKey
	push := !g.counts() // what is in several parts they would count several times
	add := func(i int, desc bool) string {
		if done[i] {
			return ""
		}
		done[i] = true
		v := g.columnValue(items, i)
		v.ofGroup = g.p.sess.FullGroups && v.typ == nil && isGrouped(s) && !g.overGroups(items[i].expr)
		k, order, reason := g.sortKey(v, desc)
		if reason != "" {
			return "DISTINCT " + reason
		}
		// Values that are equal may have weights that differ in trailing spaces: a part sends both, so it must not stop counting them.
		push = push && !k.HasWeight
		g.m.Sort = append(g.m.Sort, k)
		parts = append(parts, orderKey{order, desc})
		return ""
	}
	for i := range s.Order {
		o := &s.Order[i]
		if isConstant(o.Expr) && g.b.position(o.Expr) == 0 {
			continue
		}
		at := g.distinctItem(items, o.Expr)
		if at < 0 {
			return "DISTINCT with an ORDER BY that is not in the select list"
		}
		if reason := add(at, o.Desc); reason != "" {
			return reason
		}
	}
	for i := range items {
		if reason := add(i, false); reason != "" {
			return reason
		}
	}
	g.m.Distinct, g.m.DistinctKeys = true, len(g.m.Sort)
	g.orderBy(parts)
	return g.limit(s.Limit, push)
}

// distinctItem is the column of the result that an ORDER BY item is; -1 when it is none.
func (g *merger) distinctItem(items []item, e sqltext.Expr) int {
	if n := g.b.position(e); n > 0 {
		if n <= len(items) {
			return n - 1
		}
		return -1
	}
	if i := g.b.itemIndex(e); i >= 0 {
		it := &g.sel.Items[i]
		for j := range items {
			if items[j].expr == it.Expr {
				return j
			}
		}
	}
	n, ok := g.b.resolveExpr(e)
	for j := range items {
		if ok && items[j].isCol && items[j].node == n {
			return j
		}
		if items[j].expr == nil || ok {
			continue
		}
		same, literals := g.p.sameTokens(items[j].expr.ExprSpan(), e.ExprSpan())
		g.p.literals = g.p.literals || literals
		if same {
			return j
		}
	}
	return -1
}

// mergeSet is for UNION, EXCEPT and INTERSECT at the top. Each partition runs the whole.
func (p *planner) mergeSet(u *unit) (*Merge, string) {
	q := u.q
	if restOutside(q) {
		return nil, "ORDER BY or LIMIT around a bracketed query"
	}
	distinct := u.key == nil && q.Op == sqltext.Union
	for x := u; ; x = x.left {
		if x.left == nil {
			break
		}
		if x.q.Bracket && x != u {
			return nil, "bracketed set operations"
		}
		if x.right.left != nil {
			return nil, "nested set operations"
		}
		if u.key == nil && x.q.Op != sqltext.UnionAll && (x.q.Op != sqltext.Union || !distinct) {
			return nil, "a set operation that compares rows of different partitions, under another one"
		}
		if x != u && (len(x.q.Order) > 0 || x.q.Limit != nil) {
			return nil, "ORDER BY or LIMIT in an arm of a set operation"
		}
	}
	if p.stmt.Facts&sqltext.HasWindow != 0 && !p.windowSeen {
		return nil, "window functions"
	}
	m := &Merge{Names: p.names()}
	first := u
	for first.left != nil {
		first = first.left
	}
	if len(q.Order) == 0 && !distinct {
		m.Splices = m.Names
		return m, p.setLimit(m, q)
	}
	if !u.outKnown {
		return nil, "ORDER BY or DISTINCT over a set operation with a * that can't be expanded"
	}
	arms := u.arms()
	hidden := make([][]Piece, len(arms))
	n := 0
	done := make([]bool, len(u.out))
	var order []Piece
	key := func(i int, desc bool) string {
		if done[i] {
			return ""
		}
		done[i] = true
		c := columnClass(u.out[i].col)
		switch c {
		case classPlain, classString:
		case classUnknown:
			return "ORDER BY or DISTINCT over a set operation whose arms differ in type"
		default:
			return "ORDER BY or DISTINCT over a set operation of values of type " + u.out[i].col.Type
		}
		k := SortKey{Col: Col(i), Desc: desc}
		if c == classString {
			for a, arm := range arms {
				items, _ := arm.main.columns()
				v := newMerger(p, arm).columnValue(items, i)
				weighed := v.pieces
				if spaced(u.out[i].col) {
					weighed = spaces(weighed, u.out[i].col)
				}
				hidden[a] = append(append(hidden[a], textPiece(", ")), wrap("WEIGHT_STRING(", weighed, ")")...)
				hidden[a] = append(append(hidden[a], textPiece(", ")), wrap("COLLATION(", v.pieces, ")")...)
			}
			k.Weight, k.Collation, k.HasWeight = hiddenBase+Col(n), hiddenBase+Col(n+1), true
			n += 2
		}
		m.Sort = append(m.Sort, k)
		if order != nil {
			order = append(order, textPiece(", "))
		}
		order = append(order, textPiece(itoa(i+1)))
		if desc {
			order = append(order, textPiece(" DESC"))
		}
		return ""
	}
	for i := range q.Order {
		at := setItem(u, first, q.Order[i].Expr)
		if at < 0 {
			return nil, "ORDER BY of a set operation by something that is not one of its columns"
		}
		if reason := key(at, q.Order[i].Desc); reason != "" {
			return nil, reason
		}
	}
	var edits []Splice
	if distinct {
		for i := range u.out {
			if reason := key(i, false); reason != "" {
				return nil, reason
			}
		}
		m.Distinct, m.DistinctKeys = true, len(m.Sort)
		order = append([]Piece{textPiece(" ORDER BY ")}, order...)
		if !q.OrderSpan.Empty() {
			edits = append(edits, Splice{q.OrderSpan.From, q.OrderSpan.To, order})
		} else {
			at := q.Right.Span.To
			edits = append(edits, Splice{at, at, order})
		}
	}
	for a, arm := range arms {
		if at := arm.main.sel.ItemsSpan.To; hidden[a] != nil {
			edits = append(edits, Splice{at, at, hidden[a]})
		}
	}
	if q.Limit != nil {
		var ok bool
		if m.Limit, ok = readLimit(q.Limit); !ok {
			return nil, "this form of LIMIT"
		}
		pieces := []Piece{textPiece("LIMIT "), {Kind: PieceLimit}}
		if distinct && n > 0 {
			pieces = []Piece{textPiece(" ")}
		}
		edits = append(edits, Splice{q.Limit.Span.From, q.Limit.Span.To, pieces})
	}
	m.Hidden = n
	m.number()
	m.Splices = combine(edits, m.Names)
	return m, ""
}

// restOutside says whether ORDER BY or LIMIT stands behind the brackets of a set operation.
func restOutside(q *sqltext.Query) bool {
	if !q.Bracket || len(q.Order) == 0 && q.Limit == nil {
		return false
	}
	end := q.OrderSpan.To
	if q.Limit != nil {
		end = q.Limit.Span.To
	}
	if !q.Tail.Empty() {
		end = q.Tail.To
	}
	return end == q.Span.To
}

func (p *planner) setLimit(m *Merge, q *sqltext.Query) string {
	if q.Limit == nil {
		return ""
	}
	var ok bool
	if m.Limit, ok = readLimit(q.Limit); !ok {
		return "this form of LIMIT"
	}
	m.Splices = combine([]Splice{{q.Limit.Span.From, q.Limit.Span.To, []Piece{textPiece("LIMIT "), {Kind: PieceLimit}}}}, m.Names)
	return ""
}

// arms are the plain queries of a set operation, in order.
func (u *unit) arms() []*unit {
	if u.left == nil {
		return []*unit{u}
	}
	return append(u.left.arms(), u.right.arms()...)
}

// setItem is the column of a set operation that an ORDER BY item names: by position, or by a name of the first arm.
func setItem(u, first *unit, e sqltext.Expr) int {
	if n := first.main.position(e); n > 0 {
		if n <= len(u.out) {
			return n - 1
		}
		return -1
	}
	c, ok := unparen(e).(*sqltext.Column)
	if !ok || c.Table.Tok >= 0 {
		return -1
	}
	for i := range u.out {
		if u.out[i].name != "" && lower(u.out[i].name) == lower(c.Name.Text) {
			return i
		}
	}
	return -1
}

func readLimit(l *sqltext.Limit) (out Limit, ok bool) {
	if l.Odd || l.Count == nil {
		return out, false
	}
	if out.Count, ok = limitOperand(l.Count); !ok {
		return out, false
	}
	if l.Offset != nil {
		out.Offset, ok = limitOperand(l.Offset)
	}
	return out, ok
}
