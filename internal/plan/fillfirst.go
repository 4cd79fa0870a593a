package plan

import (
	"math"
	"slices"
	"strconv"

	"github.com/orbweaver/orbweaver/internal/sqltext"
)

// first finds out that a table's only occurrence needs no more than the first of the rows that meet its conditions: EXISTS looks for one, MIN and MAX for the least and
// the greatest, LIMIT says how many. Outer joins of others to it leave each of its rows where it is.
func (p *planner) first(f *Fill, src *source) {
	b := src.block
	s := b.sel
	if s == nil || p.stmt.Facts&sqltext.HasUserVarAssign != 0 && p.hasUserVar(s.Span) || !b.keeps(src) || b.unsteady || b.leaves != src.told || hasWindow(s) || len(s.Group) > 0 || s.Having != nil || b.unit.outerAgg ||
		b.leaves > 0 && f.Where == nil {
		return
	}
	switch {
	case p.stage.exists[s]:
		if s.Limit == nil && !isGrouped(s) {
			f.First = &FillFirst{}
		}
	case isGrouped(s):
		if len(b.sources) == 1 {
			p.extreme(f, src)
		}
	case s.Limit != nil && !s.Limit.Odd && !s.Distinct && p.stmt.Facts&sqltext.HasCalcFoundRows == 0:
		count, ok := limitOperand(s.Limit.Count)
		if !ok {
			return
		}
		first := &FillFirst{Limit: s.Limit.Count.ExprSpan()}
		if s.Limit.Offset != nil {
			offset, ok := limitOperand(s.Limit.Offset)
			if !ok || count.Kind != OperandLiteral || offset.Kind != OperandLiteral {
				return
			}
			first.Limit, first.Offset = sqltext.Span{From: count.Tok, To: count.Tok + 1}, sqltext.Span{From: offset.Tok, To: offset.Tok + 1}
		}
		for i := range s.Order {
			n, ok := b.orderColumn(s.Order[i].Expr)
			if !ok || n.src != src || !sortsAlike(n) {
				return
			}
			first.Order = append(first.Order, FillOrder{n.col, s.Order[i].Desc})
		}
		f.First = first
	}
}

// keeps says whether each row of a source that meets WHERE is in the block's rows at least once: all others are joined to it by outer joins, if there are others.
func (b *block) keeps(src *source) bool {
	return !src.missing && !slices.ContainsFunc(b.sources, func(s *source) bool { return s != src && !s.missing })
}

// hasUserVar says whether a user variable is read or assigned to in a span: rows that LIMIT leaves out may count then, too.
func (p *planner) hasUserVar(in sqltext.Span) bool {
	return slices.ContainsFunc(p.scan.Tokens[in.From:in.To], func(t sqltext.Token) bool { return t.Kind == sqltext.UserVar })
}

// append appends LIMIT, with the rows that an offset leaves out.
func (f *FillFirst) append(dst []byte, scan *sqltext.Scan) []byte {
	if dst = append(dst, " LIMIT "...); f.Limit.Empty() {
		return append(dst, '1')
	}
	if f.Offset.Empty() {
		return scan.AppendSpan(dst, f.Limit)
	}
	count, err := strconv.ParseUint(string(scan.Bytes(f.Limit.From)), 10, 64)
	offset, err2 := strconv.ParseUint(string(scan.Bytes(f.Offset.From)), 10, 64)
	if err != nil || err2 != nil || count+offset < count {
		count, offset = math.MaxUint64, 0
	}
	return strconv.AppendUint(dst, count+offset, 10)
}

// extreme is for SELECT MIN(x) and SELECT MAX(x).
func (p *planner) extreme(f *Fill, src *source) {
	s := src.block.sel
	if len(s.Items) != 1 || s.Limit != nil || len(s.Order) > 0 {
		return
	}
	if !isExtreme(s.Items[0].Expr) {
		return
	}
	fn := unparen(s.Items[0].Expr).(*sqltext.Func)
	n, ok := src.block.resolveExpr(fn.Args[0])
	if !ok || n.src != src || keyKind(n.column()) == "" || keyKind(n.column()) == "char" { // of strings that are equal any may be it
		return
	}
	f.First = &FillFirst{Order: []FillOrder{{n.col, fn.Name == "MAX"}}}
	if !n.column().Nullable {
		return
	}
	// NULL would be the least.
	span := fn.Args[0].ExprSpan()
	some := Cond{Span: span, Splices: []Splice{{span.From, span.To, []Piece{textPiece(quoted(n.column().Name) + " IS NOT NULL")}}}}
	if f.Where == nil {
		f.Where = [][]Cond{{some}}
		return
	}
	f.Where = [][]Cond{append(slices.Clone(f.Where[0]), some)}
}

// orderColumn is the column that an ORDER BY item means: a select item by its alias or position first.
func (b *block) orderColumn(e sqltext.Expr) (node, bool) {
	if isConstant(e) {
		return node{}, false
	}
	if i := b.itemIndex(e); i >= 0 {
		e = b.sel.Items[i].Expr
	}
	return b.resolveExpr(e)
}

// sortsAlike says that parts which are sorted by a column can be merged whatever its values are.
func sortsAlike(n node) bool {
	switch c := n.column(); columnClass(c) {
	case classPlain:
		return c.Type != "tinyblob" && c.Type != "blob" && c.Type != "mediumblob" && c.Type != "longblob"
	case classString:
		return (c.Type == "char" || c.Type == "varchar") && c.Length <= 255
	}
	return false
}
