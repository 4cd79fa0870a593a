package plan

import (
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/collate"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// merger builds the Merge of one SELECT: the hidden columns that its parts carry and the splices that make the parts' text.
type merger struct {
	p      *planner
	u      *unit
	b      *block
	sel    *sqltext.Select
	m      *Merge
	hidden []hiddenCol
	edits  []Splice
	// byText finds a hidden column by its text, so that one is made once.
	byText map[string]int
	// ordered is how many keys of the merge's Order, or else of its Sort, ORDER BY names.
	ordered int
}

type hiddenCol struct {
	pieces []Piece
	alias  string // "" when nothing refers to it by name
}

// Columns are numbered before the number of hidden ones is known: these bases stand for "the h-th hidden" and "the n-th from the client's last".
const (
	hiddenBase Col = 1 << 24
	endBase    Col = 1 << 25
)

func newMerger(p *planner, u *unit) *merger {
	return &merger{p: p, u: u, b: u.main, sel: u.main.sel, m: &Merge{}, byText: make(map[string]int)}
}

func textPiece(s string) Piece       { return Piece{Kind: PieceText, Text: s} }
func copyPiece(s sqltext.Span) Piece { return Piece{Kind: PieceCopy, Span: s} }
func wrap(l string, p []Piece, r string) []Piece {
	out := append([]Piece{textPiece(l)}, p...)
	return append(out, textPiece(r))
}

// hide appends a hidden column and returns its number. Equal ones are shared unless they hold literals or parameters, whose values may differ.
func (g *merger) hide(pieces []Piece) Col {
	key, share := g.key(pieces)
	if share {
		if i, ok := g.byText[key]; ok {
			return hiddenBase + Col(i)
		}
		g.byText[key] = len(g.hidden)
	}
	g.hidden = append(g.hidden, hiddenCol{pieces: pieces})
	return hiddenBase + Col(len(g.hidden)-1)
}

func (g *merger) key(pieces []Piece) (key string, share bool) {
	var sb strings.Builder
	for _, p := range pieces {
		if p.Kind == PieceText {
			sb.WriteString(p.Text)
			continue
		}
		for i := p.Span.From; i < p.Span.To; i++ {
			switch g.p.scan.Tokens[i].Kind {
			case sqltext.String, sqltext.Number, sqltext.Hex, sqltext.Bit, sqltext.Param:
				return "", false
			}
			if g.p.volatile[i] {
				return "", false
			}
			sb.WriteString(g.p.text(i))
			sb.WriteByte(' ')
		}
	}
	return sb.String(), true
}

// itemCol is the number of the i-th select item's column; ok is false when stars on both sides hide it.
func (g *merger) itemCol(i int) (Col, bool) {
	before, after, n := false, false, 0
	for j := range g.sel.Items {
		it := &g.sel.Items[j]
		if !it.Star {
			if j < i {
				n++
			}
			continue
		}
		if j < i {
			before = true
			if more, ok := g.b.star(it); ok {
				n += len(more)
			} else {
				n = -1 << 20
			}
		}
		after = after || j > i
	}
	switch {
	case !before:
		return Col(i), true
	case !after:
		return endBase + Col(len(g.sel.Items)-i), true
	}
	return Col(n), n >= 0
}

// class says how a column's values are compared by the node.
type class uint8

const (
	classUnknown class = iota // decided by the type that the result column turns out to have
	classPlain                // the value's text or number is enough
	classString               // by WEIGHT_STRING
	classNumber               // by the value + 0: ENUM, SET, BIT
	classFloat                // FLOAT prints fewer digits than it has
	classStamp                // TIMESTAMP: local time goes back once a year
	classNever                // text and order differ, and no function gives the order
)

func columnClass(c *topo.Column) class {
	if c == nil {
		return classUnknown
	}
	switch c.Type {
	case "tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "double", "date", "datetime", "time", "year",
		"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob":
		return classPlain
	case "char", "varchar", "tinytext", "text", "mediumtext", "longtext":
		if c.Charset == "binary" || c.Collation == "binary" {
			return classPlain
		}
		return classString
	case "enum", "set", "bit":
		return classNumber
	case "float":
		return classFloat
	case "timestamp":
		return classStamp
	case "uuid", "inet4", "inet6", "geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon",
		"geometrycollection":
		return classNever
	}
	return classUnknown
}

// value is an expression that a key is made of.
type value struct {
	pieces []Piece
	typ    *topo.Column
	// visible is the select item's column that holds it, when there is one.
	visible   Col
	isVisible bool
	// number: surely no string, whatever typ says. volatile: another evaluation yields another value, so no weight can be asked for.
	number, volatile bool
	// ofGroup: it is the same in all rows of a group, of which MariaDB has to be told under ONLY_FULL_GROUP_BY: columns of a part that are made of it are aggregates.
	ofGroup bool
	// untold: it may be of a type whose values print in another order, though typ does not say so.
	untold bool
}

// isNumber says that an expression's value is a number whatever its operands are.
func isNumber(e sqltext.Expr) bool {
	switch x := unparen(e).(type) {
	case *sqltext.Binary:
		switch x.Op {
		case "+", "-", "*", "/", "%", "DIV", "&", "|", "^", "<<", ">>": // but for x + INTERVAL …, which is Opaque
			_, l := unparen(x.L).(*sqltext.Opaque)
			_, r := unparen(x.R).(*sqltext.Opaque)
			return !l && !r
		}
	case *sqltext.Func:
		switch x.Name {
		case "COUNT", "SUM", "AVG", "BIT_AND", "BIT_OR", "BIT_XOR", "LENGTH", "CHAR_LENGTH", "YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND",
			"DAYOFMONTH", "DAYOFWEEK", "DAYOFYEAR", "WEEK", "QUARTER", "UNIX_TIMESTAMP", "TO_DAYS", "DATEDIFF", "TIMESTAMPDIFF", "FLOOR", "RAND",
			"ROW_NUMBER", "RANK", "DENSE_RANK", "NTILE", "CUME_DIST", "PERCENT_RANK":
			return true
		}
	}
	return false
}

// sortKey makes the key that compares by v. order writes it in a part's ORDER BY: as a position or as the alias of a hidden column.
func (g *merger) sortKey(v value, desc bool) (k SortKey, order func() Piece, reason string) {
	k.Desc = desc
	hidden := func(pieces []Piece) {
		k.Col = g.hide(v.told(pieces))
		col := k.Col
		order = func() Piece { return g.alias(col) }
	}
	switch c := columnClass(v.typ); {
	case c == classNever:
		return k, nil, "comparing values of type " + strings.ToUpper(v.typ.Type)
	case v.typ == nil && v.untold && !v.number:
		return k, nil, "comparing values that may be of type UUID, INET6, FLOAT or GEOMETRY"
	case c == classNumber && v.typ.Type == "set": // whose number has a sign in sums: that of its 64th member
		hidden(wrap("(", v.pieces, ")|0"))
	case c == classNumber:
		hidden(wrap("(", v.pieces, ")+0"))
	case c == classFloat:
		hidden(wrap("(", v.pieces, ")*1e0"))
	case c == classStamp:
		hidden(wrap("UNIX_TIMESTAMP(", v.pieces, ")"))
	default:
		switch {
		case !v.isVisible:
			hidden(v.pieces)
		case v.visible < endBase:
			k.Col = v.visible
			order = func() Piece { return textPiece(itoa(int(v.visible) + 1)) }
		default:
			k.Col = v.visible
			order = func() Piece { return g.alias(g.hide(v.told(v.pieces))) }
		}
		switch {
		case c == classPlain || v.number || v.volatile:
		case c == classString && spaced(v.typ):
			k.Weight, k.Collation = g.weigh(v, spaces(v.pieces, v.typ))
			k.HasWeight = true
		case c == classString && g.p.comparedHere(v.typ):
			k.Node = v.typ.Collation
		case c == classString && g.p.readsFar() && g.p.arrivesAsIs(v.typ):
			k.Node = v.typ.Collation
			k.Collation = g.hide(wrap("COLLATION(", v.pieces, ")"))
			k.Weight = g.hide(slices.Concat(wrap("IF(COLLATION(", v.pieces, ")='"+k.Node+"', NULL, "), wrap("WEIGHT_STRING(", v.pieces, "))")))
			k.HasWeight = true
		default:
			k.Weight, k.Collation = g.weigh(v, v.pieces)
			k.HasWeight = true
		}
	}
	return k, order, ""
}

// spaced says whether MariaDB sorts and groups a column's values with the spaces that fill it up, though they print without: CHAR where spaces at the end count.
// 'a' comes after 'a\0' then.
func spaced(c *topo.Column) bool { return c.Type == "char" && strings.Contains(c.Collation, "nopad") }

// spaces are such values with them.
func spaces(pieces []Piece, c *topo.Column) []Piece {
	return wrap("RPAD(", pieces, ", "+strconv.FormatInt(c.Length, 10)+", ' ')")
}

// comparedHere says whether the node can compare a column's values as they arrive. Remote tables may have another collation than it is told.
func (p *planner) comparedHere(c *topo.Column) bool { return !p.readsFar() && p.arrivesAsIs(c) }

// arrivesAsIs says whether a column's values arrive in its character set, and the node knows its collation.
func (p *planner) arrivesAsIs(c *topo.Column) bool {
	if p.sess.Results != Unconverted && c.Charset != p.sess.Results && (c.Charset != "utf8mb3" || p.sess.Results != "utf8mb4") {
		return false
	}
	coll := collate.Lookup(c.Collation)
	return coll != nil && coll.Whole()
}

// weigh appends what a string is compared by: its weights, and the collation that says how they are padded.
func (g *merger) weigh(v value, weighed []Piece) (weight, collation Col) {
	weight = g.hide(v.told(wrap("WEIGHT_STRING(", weighed, ")")))
	return weight, g.hide(v.told(wrap("COLLATION(", v.pieces, ")")))
}

// told is what a part tells of the value.
func (v *value) told(pieces []Piece) []Piece {
	if v.ofGroup {
		return wrap("MIN(", pieces, ")")
	}
	return pieces
}

// orderValue is what an ORDER BY item means: a position, a select item by its alias or name, else an expression. skip: it orders nothing.
func (g *merger) orderValue(e sqltext.Expr) (v value, skip bool, reason string) {
	if isConstant(e) {
		n := g.b.position(e)
		if n == 0 {
			return v, true, ""
		}
		return g.positionValue(n)
	}
	if i := g.b.itemIndex(e); i >= 0 {
		return g.itemValue(i)
	}
	n, resolved := g.b.resolveExpr(e)
	if resolved {
		for i := range g.sel.Items {
			if x, ok := g.b.resolveExpr(g.sel.Items[i].Expr); ok && x == n {
				return g.itemValue(i)
			}
		}
		v.typ = n.column()
	}
	v.pieces = g.copyExpr(e)
	v.volatile, v.number, v.untold = g.isVolatile(e), isNumber(e), g.b.untold(e)
	return v, false, ""
}

func (g *merger) positionValue(n int) (v value, skip bool, reason string) {
	items, ok := g.b.columns()
	if !ok {
		for i := 0; i < len(g.sel.Items) && i < n; i++ {
			if g.sel.Items[i].Star {
				return v, false, "a position in ORDER BY or GROUP BY behind a * that can't be expanded"
			}
		}
		if n > len(g.sel.Items) {
			return v, false, "a position in ORDER BY or GROUP BY that is not in the select list"
		}
		return g.itemValue(n - 1)
	}
	if n > len(items) {
		return v, false, "a position in ORDER BY or GROUP BY that is not in the select list"
	}
	return g.columnValue(items, n-1), false, ""
}

// columnValue is the value of the i-th column of the result.
func (g *merger) columnValue(items []item, i int) value {
	it := items[i]
	v := value{typ: it.col, visible: Col(i), isVisible: true}
	if it.expr != nil {
		v.pieces = g.copyExpr(it.expr)
		v.volatile, v.number, v.untold = g.isVolatile(it.expr), isNumber(it.expr), g.b.untold(it.expr)
	} else {
		v.pieces, v.untold = []Piece{textPiece(quoted(it.node.src.name) + "." + quoted(it.name))}, it.node.untold()
	}
	return v
}

func (g *merger) itemValue(i int) (v value, skip bool, reason string) {
	it := &g.sel.Items[i]
	v.pieces = []Piece{copyPiece(it.Expr.ExprSpan())}
	v.volatile, v.number, v.untold = g.isVolatile(it.Expr), isNumber(it.Expr), g.b.untold(it.Expr)
	if n, ok := g.b.resolveExpr(it.Expr); ok {
		v.typ = n.column()
	}
	v.visible, v.isVisible = g.itemCol(i)
	if !v.isVisible && v.volatile {
		return v, false, "ORDER BY of a select item between two stars"
	}
	return v, false, ""
}

// isVolatile says whether e holds a function whose value differs from call to call.
func (g *merger) isVolatile(e sqltext.Expr) bool {
	s := e.ExprSpan()
	for i := s.From; i < s.To; i++ {
		if g.p.volatile[i] {
			return true
		}
	}
	return false
}

// copyExpr copies an expression of ORDER BY or GROUP BY into the select list, where aliases aren't known: they are replaced by what they stand
// for. A name means a column of FROM first.
func (g *merger) copyExpr(e sqltext.Expr) []Piece {
	type sub struct{ at, by sqltext.Span }
	var subs []sub
	walk(e, func(x sqltext.Expr) bool {
		c, ok := x.(*sqltext.Column)
		if !ok || c.Table.Tok >= 0 {
			return true
		}
		if _, ok := g.b.resolve(c); ok {
			return true
		}
		if it := g.b.itemByName(c); it != nil && it.Alias.Tok >= 0 {
			subs = append(subs, sub{c.Span, it.Expr.ExprSpan()})
		}
		return true
	})
	all := e.ExprSpan()
	if len(subs) == 0 {
		return []Piece{copyPiece(all)}
	}
	sort.Slice(subs, func(i, j int) bool { return subs[i].at.From < subs[j].at.From })
	var out []Piece
	pos := all.From
	for _, s := range subs {
		if pos < s.at.From {
			out = append(out, copyPiece(sqltext.Span{From: pos, To: s.at.From}))
		}
		out = append(out, textPiece(" ("), copyPiece(s.by), textPiece(") "))
		pos = s.at.To
	}
	if pos < all.To {
		out = append(out, copyPiece(sqltext.Span{From: pos, To: all.To}))
	}
	return out
}

// limit reads LIMIT and notes how parts write it; push says whether a part may stop after OFFSET + COUNT rows.
func (g *merger) limit(l *sqltext.Limit, push bool) string {
	if l == nil {
		return ""
	}
	read, before, behind := *l, "LIMIT ", ""
	if l.Ties && g.ordered > 0 && !g.counts() && g.p.stmt.Facts&sqltext.HasForUpdate == 0 {
		read.Odd, g.m.Ties = false, g.ordered
		before, behind = "FETCH FIRST ", " ROWS WITH TIES"
	}
	var ok bool
	if g.m.Limit, ok = readLimit(&read); !ok {
		return "this form of LIMIT"
	}
	if push {
		g.replace(l.Span, textPiece(before), Piece{Kind: PieceLimit}, textPiece(behind))
	} else {
		g.replace(l.Span, textPiece(" "))
	}
	switch {
	case g.counts() && push:
		g.m.Counted = CountedByParts
	case g.counts():
		g.m.Counted = CountedMerged
	}
	return ""
}

func limitOperand(e sqltext.Expr) (Operand, bool) {
	switch x := unparen(e).(type) {
	case *sqltext.Literal:
		if x.Kind == sqltext.LitNumber && !x.Neg {
			return Operand{Kind: OperandLiteral, Tok: x.Tok}, true
		}
	case *sqltext.ParamRef:
		return Operand{Kind: OperandParam, Param: x.Index}, !x.Neg
	}
	return Operand{}, false
}

func (g *merger) replace(s sqltext.Span, pieces ...Piece) {
	g.edits = append(g.edits, Splice{s.From, s.To, pieces})
}

func (g *merger) insert(at int32, pieces ...Piece) {
	g.edits = append(g.edits, Splice{at, at, pieces})
}

// orderBy writes the parts' order: in place of the client's ORDER BY, or where one may stand.
func (g *merger) orderBy(keys []orderKey) {
	if len(keys) == 0 {
		if !g.sel.OrderSpan.Empty() {
			g.replace(g.sel.OrderSpan, textPiece(" "))
		}
		return
	}
	pieces := []Piece{textPiece(" ORDER BY ")}
	for i, k := range keys {
		if i > 0 {
			pieces = append(pieces, textPiece(", "))
		}
		pieces = append(pieces, k.order())
		if k.desc {
			pieces = append(pieces, textPiece(" DESC"))
		}
	}
	if !g.sel.OrderSpan.Empty() {
		g.replace(g.sel.OrderSpan, pieces...)
		return
	}
	g.insert(g.orderPoint(), pieces...)
}

type orderKey struct {
	order func() Piece
	desc  bool
}

// orderPoint is the token before which an ORDER BY may be inserted: behind all clauses that come before it.
func (g *merger) orderPoint() int32 {
	s := g.sel
	at := s.ItemsSpan.To
	for _, c := range []sqltext.Span{s.FromSpan, s.WhereSpan, s.GroupSpan, s.HavingSpan, s.Windows} {
		if !c.Empty() && c.To > at {
			at = c.To
		}
	}
	return at
}

// finish writes the hidden columns, numbers all columns and puts the splices together.
func (g *merger) finish() *Merge {
	m := g.m
	if len(g.hidden) > 0 {
		var pieces []Piece
		for i, h := range g.hidden {
			if len(h.pieces) == 1 && h.alias == "" {
				// Under its own name a column could make a name in ORDER BY ambiguous.
				h.alias = hiddenAlias(i)
			}
			pieces = append(append(pieces, textPiece(", ")), h.pieces...)
			if h.alias != "" {
				pieces = append(pieces, textPiece(" AS "+quoted(h.alias)))
				g.callBack(h)
			}
		}
		g.insert(g.sel.ItemsSpan.To, pieces...)
	}
	m.Hidden = len(g.hidden)
	m.number()
	m.Names = g.p.names()
	m.Splices = combine(g.edits, m.Names)
	return m
}

// number turns the bases into final column numbers.
func (m *Merge) number() {
	h := Col(m.Hidden)
	fix := func(c *Col) {
		switch {
		case *c >= endBase:
			*c = -(h + *c - endBase)
		case *c >= hiddenBase:
			*c -= hiddenBase + h
		}
	}
	keys := func(list []SortKey) {
		for i := range list {
			fix(&list[i].Col)
			if list[i].HasWeight {
				fix(&list[i].Weight)
				fix(&list[i].Collation)
			}
		}
	}
	keys(m.Sort)
	keys(m.Order)
	for _, columns := range m.Totals {
		for i := range columns {
			fix(&columns[i])
		}
	}
	for i := range m.Aggs {
		a := &m.Aggs[i]
		fix(&a.Col)
		if a.Op == AggAvg {
			fix(&a.Sum)
			fix(&a.Count)
		}
		if a.HasWeight {
			fix(&a.Weight)
			fix(&a.Collation)
		}
		keys(a.Keys)
	}
	uses := func(f *Final) {
		fix(&f.Into)
		for i := range f.Uses {
			fix(&f.Uses[i].Col)
			if f.Uses[i].Divided {
				fix(&f.Uses[i].Over)
			}
		}
	}
	for i := range m.Finals {
		uses(&m.Finals[i])
	}
	if m.Having != nil {
		uses(m.Having)
	}
}

// combine sorts edits and puts in the renames that no edit covers (what an edit copies has them applied when it is rendered).
func combine(edits, names []Splice) []Splice {
	out := append([]Splice(nil), edits...)
	for _, n := range names {
		covered := false
		for _, e := range edits {
			covered = covered || e.From <= n.From && n.To <= e.To
		}
		if !covered {
			out = append(out, n)
		}
	}
	// At one place, what is inserted comes before what is replaced: it stands behind the token before.
	sort.SliceStable(out, func(i, j int) bool {
		if out[i].From != out[j].From {
			return out[i].From < out[j].From
		}
		return out[i].To < out[j].To
	})
	return out
}
