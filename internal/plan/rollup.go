package plan

import "github.com/orbweaver/orbweaver/internal/sqltext"

// GROUP BY … WITH ROLLUP over groups that span partitions: the parts send the groups alone, in the order of the keys, and a row of totals is made of them wherever the values of the first keys end. In it the keys that
// follow are NULL, in all that is computed of the groups, too.

// rollup says why totals can't be made of groups; "" when they can.
func (r *grouper) rollup() string {
	s := r.sel
	if !s.Rollup {
		return ""
	}
	if len(s.Order) > 0 || s.Distinct || r.counts() || len(r.distinct) > 0 || len(r.keys) != len(s.Group) || hasWindow(s) || r.p.readsFar() {
		return "GROUP BY … WITH ROLLUP of linked tables, or beside DISTINCT, windows or constants"
	}
	plain := true
	for i, k := range r.keys {
		plain = plain && k.isCol
		if s.Group[i].Desc || k.volatile {
			return "GROUP BY … DESC WITH ROLLUP"
		}
		for j := range i {
			if k.isCol && r.keys[j].isCol && k.node == r.keys[j].node || k.item >= 0 && k.item == r.keys[j].item {
				return "GROUP BY … WITH ROLLUP of one column twice"
			}
		}
	}
	for i := range s.Items {
		if s.Items[i].Star {
			return "GROUP BY … WITH ROLLUP beside a *"
		}
		if e := s.Items[i].Expr; r.rolledKey(e, i) < 0 && !r.ofKeys(e, plain, false) {
			return "GROUP BY … WITH ROLLUP beside what is in no GROUP BY"
		}
	}
	if !r.ofKeys(s.Having, plain, true) {
		return "HAVING of what is in no GROUP BY … WITH ROLLUP"
	}
	return ""
}

// rolledKey is the group key that a select item is; -1 for none.
func (r *grouper) rolledKey(e sqltext.Expr, item int) int {
	n, isCol := r.b.resolveExpr(e)
	for i, k := range r.keys {
		if k.item >= 0 && k.item == item || isCol && k.isCol && k.node == n {
			return i
		}
		if isCol || k.isCol || k.item >= 0 {
			continue
		}
		same, literals := r.p.sameTokens(e.ExprSpan(), r.sel.Group[i].Expr.ExprSpan())
		r.p.literals = r.p.literals || literals
		if same {
			return i
		}
	}
	return -1
}

// ofKeys says whether all columns that an expression names outside of aggregates are group keys, of which there are no others then. In HAVING they are the names of what is computed of aggregates, or keys that may be NULL:
// MariaDB (10.11) takes others for ones that are not.
func (r *grouper) ofKeys(e sqltext.Expr, plain, having bool) bool {
	ok := true
	walk(e, func(x sqltext.Expr) bool {
		if isAggregate(x) {
			return false
		}
		ok = ok && !isSubquery(x)
		switch c, is := x.(*sqltext.Column); {
		case !is:
		case having:
			i := r.b.itemIndex(c)
			computed := c.Table.Tok < 0 && i >= 0 && hasAggregate(r.sel.Items[i].Expr) && r.ofNoKey(r.sel.Items[i].Expr)
			ok = ok && (computed || plain && r.nullableKey(c))
		default:
			ok = ok && plain && r.rolledKey(c, -1) >= 0
		}
		return ok
	})
	return ok
}

// nullableKey says whether a name is that of a group key, and nothing else, whose column may be NULL in its table.
func (r *grouper) nullableKey(c *sqltext.Column) bool {
	n, ok := r.b.resolve(c)
	if !ok || n.column() == nil || !n.column().Nullable || r.rolledKey(c, -1) < 0 {
		return false
	}
	i := r.b.itemIndex(c)
	if i < 0 {
		return true
	}
	x, ok := r.b.resolveExpr(r.sel.Items[i].Expr)
	return ok && x == n
}

// ofNoKey says whether an expression names columns in aggregates alone.
func (r *grouper) ofNoKey(e sqltext.Expr) bool {
	bare := true
	walk(e, func(x sqltext.Expr) bool {
		bare = bare && !isColumn(x)
		return !isAggregate(x)
	})
	return bare
}

// totals notes which columns are NULL where the totals go over a key. All else is planned.
func (r *grouper) totals() {
	if !r.sel.Rollup {
		return
	}
	g := r.sel.GroupSpan
	const withRollup = 2
	r.replace(sqltext.Span{From: g.To - withRollup, To: g.To}, textPiece(" "))
	r.m.Totals = make([][]Col, len(r.keys))
	note := func(key int, c Col) {
		if key >= 0 {
			r.m.Totals[key] = append(r.m.Totals[key], c)
		}
	}
	for i := range r.sel.Items {
		if c, ok := r.itemCol(i); ok {
			note(r.rolledKey(r.sel.Items[i].Expr, i), c)
		}
	}
	used := func(e sqltext.Expr, f *Final) {
		walk(e, func(x sqltext.Expr) bool {
			if c, ok := x.(*sqltext.Column); ok {
				for _, u := range f.Uses {
					if u.Span == c.Span {
						if _, inFrom := r.b.resolve(c); inFrom {
							note(r.rolledKey(c, -1), u.Col)
						}
					}
				}
			}
			return !isAggregate(x)
		})
	}
	if r.m.Having != nil {
		used(r.sel.Having, r.m.Having)
	}
	for i := range r.m.Finals {
		for j := range r.sel.Items {
			if e := r.sel.Items[j].Expr; e != nil && e.ExprSpan() == r.m.Finals[i].Span {
				used(e, &r.m.Finals[i])
			}
		}
	}
}
