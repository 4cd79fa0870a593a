package plan

import (
	"strings"

	"github.com/orbweaver/orbweaver/internal/collate"
	"github.com/orbweaver/orbweaver/internal/sqltext"
)

// groupOrder is one ORDER BY item of a grouped query: a group key, or a column of the folded row.
type groupOrder struct {
	key  int // index of the group key, -1 when it is something else
	sort SortKey
	desc bool
}

// order finds what ORDER BY compares in the folded rows.
func (r *grouper) order() ([]groupOrder, string) {
	var out []groupOrder
	for i := range r.sel.Order {
		o := &r.sel.Order[i]
		item := -1
		if isConstant(o.Expr) {
			n := r.b.position(o.Expr)
			if n == 0 {
				continue
			}
			if n > len(r.sel.Items) || r.b.itemByPosition(o.Expr) == nil {
				return nil, "a position in ORDER BY behind a *"
			}
			item = n - 1
		} else {
			item = r.b.itemIndex(o.Expr)
		}
		g, reason := r.orderOne(o.Expr, item)
		if reason != "" {
			return nil, reason
		}
		g.desc, g.sort.Desc = o.Desc, o.Desc
		out = append(out, g)
	}
	return out, ""
}

func (r *grouper) orderOne(e sqltext.Expr, item int) (groupOrder, string) {
	g := groupOrder{key: -1}
	n, isCol := r.b.resolveExpr(e)
	for i, k := range r.keys {
		if item >= 0 && k.item == item || item < 0 && isCol && k.isCol && k.node == n {
			g.key = i
			return g, ""
		}
	}
	if item >= 0 {
		e = r.sel.Items[item].Expr
		if n, isCol = r.b.resolveExpr(e); isCol {
			for i, k := range r.keys {
				if k.isCol && k.node == n {
					g.key = i
					return g, ""
				}
			}
		}
	}
	if f := aggregate(unparen(e)); f != nil {
		var col Col
		if item >= 0 {
			c, ok := r.itemCol(item)
			if !ok {
				return g, "ORDER BY of a select item between two stars"
			}
			col = c
		} else {
			c, reason := r.combine(f, 0, false)
			if reason != "" {
				return g, reason
			}
			col = c
		}
		g.sort.Col = col
		for _, a := range r.m.Aggs {
			switch {
			case a.Col != col:
			case a.HasWeight:
				g.sort.Weight, g.sort.Collation, g.sort.HasWeight = a.Weight, a.Collation, true
			case (a.Op == AggMin || a.Op == AggMax) && len(a.Keys) == 1:
				g.sort = a.Keys[0]
			}
		}
		return g, ""
	}
	if r.overAggregates(e) {
		if item >= 0 { // the item's own Final fills its column
			c, ok := r.itemCol(item)
			if !ok {
				return g, "ORDER BY of a select item between two stars"
			}
			g.sort.Col = c
			return g, ""
		}
		f, reason := r.final(e, false)
		if reason != "" {
			return g, reason
		}
		f.Into = r.hide(r.copyExpr(e))
		r.m.Finals = append(r.m.Finals, f)
		g.sort.Col = f.Into
		return g, ""
	}
	if isColumnOrMore(e) {
		if reason := r.loose(); reason != "" && r.outerColumns(e) {
			return g, reason
		}
	}
	var v value
	if item >= 0 {
		var reason string
		if v, _, reason = r.itemValue(item); reason != "" {
			return g, reason
		}
	} else {
		v = value{pieces: r.copyExpr(e), volatile: r.isVolatile(e), number: isNumber(e), untold: r.b.untold(e)}
		if isCol {
			v.typ = n.column()
		}
	}
	v.ofGroup = v.typ == nil && r.p.sess.FullGroups
	k, _, reason := r.sortKey(v, false)
	g.sort = k
	if reason != "" {
		reason = "ORDER BY " + reason
	}
	return g, reason
}

func isColumnOrMore(e sqltext.Expr) bool { return !isConstant(e) }

// overAggregates says that e holds an aggregate, itself or by an alias of the select list.
func (g *merger) overAggregates(e sqltext.Expr) bool {
	return anyExpr(e, func(x sqltext.Expr) bool {
		if isAggregate(x) {
			return true
		}
		c, ok := x.(*sqltext.Column)
		if !ok {
			return false
		}
		if _, inFrom := g.b.resolve(c); inFrom {
			return false
		}
		it := g.b.itemByName(c)
		return it != nil && it.Expr != sqltext.Expr(c) && hasAggregate(it.Expr)
	})
}

// overGroups says that an ORDER BY item is computed of groups: it has aggregates or windows, itself, by an alias or by its position.
func (g *merger) overGroups(e sqltext.Expr) bool {
	if it := g.b.itemByPosition(e); it != nil {
		e = it.Expr
	} else if i := g.b.itemIndex(e); i >= 0 {
		e = g.sel.Items[i].Expr
	}
	return g.overAggregates(e) || anyExpr(e, isWindow)
}

// sort orders the parts by the group keys, those of ORDER BY first when it names nothing else, then by the DISTINCT arguments; and says how the
// folded rows are sorted when that isn't enough.
func (r *grouper) sort(order []groupOrder) string {
	if len(r.keys) == 0 && len(r.sel.Group) > 0 {
		return "GROUP BY of a constant"
	}
	byKeys := true
	for _, o := range order {
		byKeys = byKeys && o.key >= 0
	}
	keySort := make([]SortKey, len(r.keys))
	done := make([]bool, len(r.keys))
	var parts []orderKey
	add := func(i int, desc bool) string {
		if done[i] {
			return ""
		}
		done[i] = true
		k, pieces, reason := r.sortKey(r.keys[i].value, desc)
		if reason != "" {
			return "GROUP BY " + reason
		}
		keySort[i] = k
		r.m.Sort = append(r.m.Sort, k)
		parts = append(parts, orderKey{pieces, desc})
		return ""
	}
	if byKeys {
		for _, o := range order {
			if reason := add(o.key, o.desc); reason != "" {
				return reason
			}
		}
		r.ordered = len(r.m.Sort)
	}
	for i := range r.keys {
		if reason := add(i, false); reason != "" {
			return reason
		}
	}
	if !byKeys {
		for _, o := range order {
			k := o.sort
			if o.key >= 0 {
				k = keySort[o.key]
				k.Desc = o.desc
			}
			r.m.Order = append(r.m.Order, k)
		}
		r.ordered = len(r.m.Order)
	}
	r.m.Grouped, r.m.GroupKeys = true, len(r.m.Sort)
	if reason := r.sortDistinct(&parts); reason != "" {
		return reason
	}
	r.orderBy(parts)
	return ""
}

// sortDistinct makes the parts group by the arguments of DISTINCT aggregates too. Their rows can come in the order of one list of these; values of the
// others are gathered.
func (r *grouper) sortDistinct(parts *[]orderKey) string {
	if len(r.distinct) == 0 {
		return ""
	}
	var by []Piece
	for n := range r.distinct {
		keys, orders, reason := r.distinctKeys(&r.distinct[n], &by)
		if reason != "" {
			return reason
		}
		for _, i := range r.distinct[n].aggs {
			r.m.Aggs[i].Keys, r.m.Aggs[i].Gather = keys, n > 0
		}
		if n == 0 {
			r.m.Sort = append(r.m.Sort, keys...)
			*parts = append(*parts, orders...)
		}
	}
	if !r.sel.GroupSpan.Empty() {
		r.insert(r.sel.GroupSpan.To, by...)
		return ""
	}
	at := r.sel.ItemsSpan.To
	for _, c := range []sqltext.Span{r.sel.FromSpan, r.sel.WhereSpan} {
		if !c.Empty() && c.To > at {
			at = c.To
		}
	}
	by[0] = textPiece(" GROUP BY ")
	r.insert(at, by...)
	return ""
}

// distinctKeys makes keys of the arguments of DISTINCT aggregates, and adds these to what the parts group by.
func (r *grouper) distinctKeys(d *distinctArgs, by *[]Piece) (keys []SortKey, orders []orderKey, reason string) {
	for _, a := range d.of.Args {
		v := value{pieces: []Piece{copyPiece(a.ExprSpan())}, number: isNumber(a), untold: r.b.untold(a)}
		if n, ok := r.b.resolveExpr(a); ok {
			v.typ = n.column()
		}
		short := digest(v)
		v.ofGroup = r.p.sess.FullGroups && (v.typ == nil || short != nil)
		if short != nil && !r.p.readsFar() {
			if r.sums(d) {
				return nil, nil, "SUM or AVG of DISTINCT values of type " + v.typ.Type
			}
			col := r.hide(v.told(short))
			keys = append(keys, SortKey{Col: col})
			orders = append(orders, orderKey{func() Piece { return r.alias(col) }, false})
			*by = append(append(*by, textPiece(", ")), short...)
			continue
		}
		k, pieces, reason := r.sortKey(v, false)
		if reason != "" {
			return nil, nil, "DISTINCT " + reason
		}
		if r.sums(d) && r.b.noNumber(a) {
			return nil, nil, "SUM or AVG of DISTINCT strings or times"
		}
		// SUM and AVG need the value itself, not a number that orders like it.
		if (columnClass(v.typ) == classNumber || columnClass(v.typ) == classFloat || columnClass(v.typ) == classStamp) && r.sums(d) {
			return nil, nil, "SUM or AVG of DISTINCT values of type " + v.typ.Type
		}
		keys = append(keys, k)
		orders = append(orders, orderKey{pieces, false})
		*by = append(append(*by, textPiece(", ")), v.pieces...)
	}
	return keys, orders, ""
}

// digest is what tells long values apart in few bytes: a leaf that sorts rows to group them looks at the first max_sort_length bytes (1024) alone, where COUNT(DISTINCT) looks at all. nil for
// values that are short, or of an unknown type.
func digest(v value) []Piece {
	c := v.typ
	if c == nil || v.volatile {
		return nil
	}
	switch c.Type {
	case "text", "mediumtext", "longtext", "blob", "mediumblob", "longblob":
	case "varchar": // of as many as three bytes of weights a character
		if c.Length <= 1024/3 {
			return nil
		}
	case "varbinary":
		if c.Length <= 1000 {
			return nil
		}
	default:
		return nil
	}
	text := v.pieces
	if columnClass(c) == classString {
		if coll := collate.Lookup(c.Collation); coll == nil || !coll.Sound() {
			return nil
		}
		if !strings.Contains(c.Collation, "nopad") { // spaces at the end do not count
			text = wrap("RTRIM(", text, ")")
		}
		text = wrap("WEIGHT_STRING(", text, ")")
	}
	return wrap("UNHEX(MD5(", text, "))")
}

// sums says whether there is a SUM or AVG of these arguments.
func (r *grouper) sums(d *distinctArgs) bool {
	for _, i := range d.aggs {
		if r.m.Aggs[i].Op != AggCountDistinct {
			return true
		}
	}
	return false
}

// havingItem is the column of a select item that HAVING names.
func (r *grouper) havingItem(i int) (Col, bool, string) {
	col, ok := r.itemCol(i)
	if !ok {
		return 0, false, "HAVING over a select item between two stars"
	}
	return col, true, ""
}
