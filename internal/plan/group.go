package plan

import (
	"slices"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
)

func itoa(i int) string { return strconv.Itoa(i) }

// groupKey is one GROUP BY item.
type groupKey struct {
	value
	node  node
	isCol bool
	item  int // the select item that it is, -1 when none
}

// grouper folds groups that span partitions: each part groups its own rows and sends partial values.
type grouper struct {
	*merger
	keys []groupKey
	// distinct are DISTINCT aggregates, one for each list of arguments; the parts group by all of these as well.
	distinct []distinctArgs
	aggCols  map[string]Col
}

// distinctArgs are the arguments of DISTINCT aggregates.
type distinctArgs struct {
	of *sqltext.Func
	// aggs are the Aggs whose Keys they are, known only at the end.
	aggs []int
}

// group plans GROUP BY and aggregates over groups that span partitions.
func (g *merger) group() string {
	s := g.sel
	r := &grouper{merger: g, aggCols: make(map[string]Col)}
	if reason := r.groupKeys(); reason != "" {
		return reason
	}
	if reason := r.findDistinct(); reason != "" {
		return reason
	}
	if reason := r.rollup(); reason != "" {
		return reason
	}
	if g.p.sess.FullGroups && len(r.distinct) > 0 && r.ungrouped() { // which the parts would take, as they group by more
		return "a DISTINCT aggregate beside what is in no GROUP BY, under ONLY_FULL_GROUP_BY"
	}
	for i := range s.Items {
		if reason := r.item(i); reason != "" {
			return reason
		}
	}
	if s.Distinct && !r.keysVisible() {
		return "DISTINCT over groups that span partitions"
	}
	if s.Having != nil {
		f, reason := r.final(s.Having, true)
		if reason != "" {
			return reason
		}
		g.m.Having = &f
		g.replace(s.HavingSpan, textPiece(" "))
	}
	order, reason := r.order()
	if reason != "" {
		return reason
	}
	if reason := r.sort(order); reason != "" {
		return reason
	}
	r.totals()
	return g.limit(s.Limit, false)
}

// groupKeys finds what GROUP BY items mean: a column of FROM, before an alias, before an expression; or a position.
func (r *grouper) groupKeys() string {
	s := r.sel
	for i := range s.Group {
		e := s.Group[i].Expr
		k := groupKey{item: -1}
		if isConstant(e) {
			n := r.b.position(e)
			if n == 0 {
				continue
			}
			if n > len(s.Items) || r.b.itemByPosition(e) == nil {
				return "a position in GROUP BY behind a *"
			}
			k.item = n - 1
		} else if n, ok := r.b.resolveExpr(e); ok {
			k.node, k.isCol = n, true
			k.value = value{pieces: []Piece{copyPiece(e.ExprSpan())}, typ: n.column(), untold: n.untold()}
			for j := range s.Items {
				if x, ok := r.b.resolveExpr(s.Items[j].Expr); ok && x == n {
					k.item = j
					break
				}
			}
		} else if j := r.b.itemIndex(e); j >= 0 && (r.b.isAlias(e) || isColumn(unparen(e))) {
			k.item = j
		} else {
			k.value = value{pieces: r.copyExpr(e), volatile: r.isVolatile(e), number: isNumber(e), untold: r.b.untold(e)}
		}
		if k.item >= 0 {
			e := s.Items[k.item].Expr
			if hasAggregate(e) {
				return "GROUP BY of an aggregate"
			}
			v, _, reason := r.itemValue(k.item)
			if reason != "" {
				return reason
			}
			k.value = v
			if n, ok := r.b.resolveExpr(e); ok {
				k.node, k.isCol = n, true
			}
		}
		if k.volatile {
			return "GROUP BY of a function that differs by call"
		}
		k.ofGroup = !k.isCol && r.p.sess.FullGroups
		r.keys = append(r.keys, k)
	}
	return ""
}

// findDistinct finds the arguments of DISTINCT aggregates.
func (r *grouper) findDistinct() string {
	reason := ""
	look := func(e sqltext.Expr) {
		walk(e, func(x sqltext.Expr) bool {
			f := aggregate(x)
			if f == nil || !f.Distinct {
				return true
			}
			switch strings.ToUpper(f.Name) {
			case "COUNT", "SUM", "AVG":
			default: // DISTINCT makes no difference to MIN, MAX; others are refused where they are combined
				return true
			}
			if r.distinctOf(f) == nil {
				r.distinct = append(r.distinct, distinctArgs{of: f})
			}
			for _, a := range f.Args {
				if !anyExpr(a, isColumn) {
					reason = "a DISTINCT aggregate of a constant"
				}
				if r.isVolatile(a) {
					reason = "a DISTINCT aggregate of a function that differs by call"
				}
			}
			if f.Odd || len(f.Args) == 0 {
				reason = "this form of a DISTINCT aggregate"
			}
			return true
		})
	}
	for i := range r.sel.Items {
		look(r.sel.Items[i].Expr)
	}
	look(r.sel.Having)
	for i := range r.sel.Order {
		look(r.sel.Order[i].Expr)
	}
	return reason
}

// distinctOf finds the arguments that a DISTINCT aggregate shares with others.
func (r *grouper) distinctOf(f *sqltext.Func) *distinctArgs {
	for i := range r.distinct {
		if r.distinct[i].of == f || r.sameArgs(r.distinct[i].of, f) { // two ? are two values, whatever they are
			return &r.distinct[i]
		}
	}
	return nil
}

func (r *grouper) sameArgs(a, b *sqltext.Func) bool {
	if len(a.Args) != len(b.Args) {
		return false
	}
	for i := range a.Args {
		x, ok := r.b.resolveExpr(a.Args[i])
		y, ok2 := r.b.resolveExpr(b.Args[i])
		if ok && ok2 && x == y {
			continue
		}
		same, literals := r.p.sameTokens(a.Args[i].ExprSpan(), b.Args[i].ExprSpan())
		r.p.literals = r.p.literals || literals
		if !same {
			return false
		}
	}
	return true
}

// item plans one select item: an aggregate combined in place, an expression over aggregates, or a value of any row of the group.
func (r *grouper) item(i int) string {
	it := &r.sel.Items[i]
	if it.Star {
		return r.loose()
	}
	e := unparen(it.Expr)
	if f := aggregate(e); f != nil {
		col, ok := r.itemCol(i)
		if !ok {
			return "an aggregate between two stars"
		}
		_, reason := r.combine(f, col, true)
		return reason
	}
	if r.sel.Rollup && r.rolledKey(it.Expr, i) < 0 && anyExpr(e, isColumn) { // of what may be NULL
		return r.computed(i)
	}
	if !hasAggregate(e) {
		if r.outerColumns(e) && !r.isKey(e, i) {
			return r.loose()
		}
		return ""
	}
	return r.computed(i)
}

// computed plans a select item that a leaf evaluates at the end.
func (r *grouper) computed(i int) string {
	f, reason := r.final(r.sel.Items[i].Expr, false)
	if reason != "" {
		return reason
	}
	var ok bool
	if f.Into, ok = r.itemCol(i); !ok {
		return "an aggregate between two stars"
	}
	r.m.Finals = append(r.m.Finals, f)
	return ""
}

// loose says that a value of any row of the group is wanted. Without GROUP BY an empty partition would answer with a row of NULLs that no
// row of the table holds.
func (r *grouper) loose() string {
	if len(r.sel.Group) == 0 {
		return "a column beside aggregates without GROUP BY"
	}
	return ""
}

// ungrouped says whether a select item or HAVING names a column, outside of aggregates, that is not in GROUP BY, or may do so.
func (r *grouper) ungrouped() bool {
	stray := false
	look := func(e sqltext.Expr, having bool) {
		walk(e, func(x sqltext.Expr) bool {
			if isAggregate(x) || stray {
				return false
			}
			stray = isSubquery(x)
			c, ok := x.(*sqltext.Column)
			if !ok || having && r.b.itemIndex(c) >= 0 {
				return !stray
			}
			n, known := r.b.resolve(c)
			stray = stray || !known || !slices.ContainsFunc(r.keys, func(k groupKey) bool { return k.isCol && k.node == n })
			return !stray
		})
	}
	for i := range r.sel.Items {
		it := &r.sel.Items[i]
		stray = stray || it.Star
		if !it.Star && !r.isKey(it.Expr, i) {
			look(it.Expr, false)
		}
	}
	look(r.sel.Having, true)
	return stray
}

func (r *grouper) outerColumns(e sqltext.Expr) bool {
	return anyExpr(e, func(x sqltext.Expr) bool { return isColumn(x) || isSubquery(x) }) || len(r.distinct) > 0 && len(r.sel.Group) == 0
}

func (r *grouper) isKey(e sqltext.Expr, item int) bool {
	n, ok := r.b.resolveExpr(e)
	for _, k := range r.keys {
		if k.item == item && item >= 0 || ok && k.isCol && k.node == n {
			return true
		}
	}
	return false
}

// parted says why the partial values of an aggregate can't become one; "" when they can.
func (r *grouper) parted(f *sqltext.Func) string {
	name := strings.ToUpper(f.Name)
	if !aggregates[name] || f.Odd {
		return name + " over groups that span partitions"
	}
	for _, a := range f.Args {
		if anyExpr(a, isSubquery) {
			return "an aggregate of a subquery over groups that span partitions"
		}
	}
	return ""
}

// finer says whether an aggregate's argument may have more digits than MariaDB prints of it: a quotient has, and so has a column that a derived table makes of one.
func (r *grouper) finer(f *sqltext.Func) bool {
	divides := func(s sqltext.Span) bool {
		for i := s.From; i < s.To; i++ {
			if r.p.isOp(i, "/") {
				return true
			}
		}
		return false
	}
	for _, a := range f.Args {
		if divides(a.ExprSpan()) {
			return true
		}
		if anyExpr(a, func(x sqltext.Expr) bool {
			c, ok := x.(*sqltext.Column)
			if !ok {
				return false
			}
			n, known := r.b.resolve(c)
			return !known || n.src.table == nil
		}) && divides(r.p.stmt.Span) {
			return true
		}
	}
	return false
}

// combine says how the partial values of an aggregate become one, in column col if inPlace, else in a new hidden column.
func (r *grouper) combine(f *sqltext.Func, col Col, inPlace bool) (Col, string) {
	name := strings.ToUpper(f.Name)
	if reason := r.parted(f); reason != "" {
		return 0, reason
	}
	if (name == "SUM" || name == "AVG" || (name == "MIN" || name == "MAX") && !inPlace) && r.finer(f) {
		return 0, name + " of a quotient, of which MariaDB has more digits than it prints, over groups that span partitions"
	}
	span := f.Span
	self := []Piece{copyPiece(span)}
	if !inPlace {
		key, share := r.key(self)
		if c, ok := r.aggCols[key]; ok && share {
			return c, ""
		}
		col = r.hide(self)
		if share {
			r.aggCols[key] = col
		}
	}
	a := Agg{Col: col}
	switch {
	case f.Distinct && name == "COUNT":
		a.Op = AggCountDistinct
	case f.Distinct && name == "SUM":
		a.Op = AggSumDistinct
	case f.Distinct && name == "AVG":
		a.Op = AggAvgDistinct
	case name == "COUNT", name == "SUM":
		a.Op = AggSum
	case name == "AVG":
		a.Op = AggAvg
		a.Sum = r.hide(aggregateOf("SUM", f))
		a.Count = r.hide(aggregateOf("COUNT", f))
	case name == "MIN", name == "MAX":
		a.Op = AggMin
		if name == "MAX" {
			a.Op = AggMax
		}
		if reason := r.extreme(f, &a, self); reason != "" {
			return 0, reason
		}
	case name == "BIT_AND":
		a.Op = AggBitAnd
	case name == "BIT_OR":
		a.Op = AggBitOr
	case name == "BIT_XOR":
		a.Op = AggBitXor
	}
	r.m.Aggs = append(r.m.Aggs, a)
	if f.Distinct && a.Op >= AggCountDistinct && a.Op <= AggAvgDistinct {
		d := r.distinctOf(f)
		d.aggs = append(d.aggs, len(r.m.Aggs)-1)
	}
	return col, ""
}

// extreme finds how MIN and MAX compare.
func (r *grouper) extreme(f *sqltext.Func, a *Agg, self []Piece) string {
	if len(f.Args) != 1 {
		return "this form of " + f.Name
	}
	if r.isVolatile(f.Args[0]) {
		return f.Name + " of a function that differs by call"
	}
	c := classUnknown
	if n, ok := r.b.resolveExpr(f.Args[0]); ok {
		c = columnClass(n.column())
		if c == classNumber && n.column().Type != "bit" {
			c = classString // ENUM and SET: MIN and MAX compare the strings
		}
	}
	if c == classUnknown && r.b.untold(f.Args[0]) && !isNumber(f.Args[0]) {
		c = classNever
	}
	switch c {
	case classNever:
		return f.Name + " of a value whose text has another order"
	case classStamp:
		a.Keys = []SortKey{{Col: r.hide(wrap("UNIX_TIMESTAMP(", self, ")"))}}
	case classString, classUnknown:
		a.Weight, a.Collation = r.weigh(value{pieces: self}, self)
		a.HasWeight = true
	}
	return ""
}

// final makes the expression over aggregates that a leaf evaluates at the end. having: names mean GROUP BY columns and select items first.
func (r *grouper) final(e sqltext.Expr, having bool) (Final, string) {
	f := Final{Span: e.ExprSpan()}
	reason := ""
	json := makesJSON(e)
	use := func(s sqltext.Span, c Col) { f.Uses = append(f.Uses, Use{Span: s, Col: c}) }
	walk(e, func(x sqltext.Expr) bool {
		if reason != "" {
			return false
		}
		if isSubquery(x) {
			reason = "a subquery in an expression over aggregates"
			return false
		}
		if placesVary(x) {
			reason = "an expression over aggregates that is rounded to as many digits as a column says"
			return false
		}
		if col, ok := r.stamp(x); ok {
			use(x.ExprSpan(), col)
			return false
		}
		if a := aggregate(x); a != nil {
			if isAverage(a) {
				var u Use
				u, reason = r.average(a, a.Span)
				f.Uses = append(f.Uses, u)
				return false
			}
			if json && r.mayBeTruth(a) {
				reason = "JSON of " + a.Name + " of what may be a truth value or JSON"
				return false
			}
			col, why := r.combine(a, 0, false)
			if reason = why; len(a.Args) == 1 && r.shortFloat(a.Args[0]) && a.Name != "SUM" && a.Name != "COUNT" {
				reason = shortFloats
			}
			use(a.Span, col)
			return false
		}
		if c, ok := x.(*sqltext.Column); ok {
			if i := r.b.itemIndex(c); having && i >= 0 {
				if a := aggregate(unparen(r.sel.Items[i].Expr)); a != nil && isAverage(a) {
					var u Use
					u, reason = r.average(a, c.Span)
					f.Uses = append(f.Uses, u)
					return false
				}
			}
			col, known, why := r.finalColumn(c, having)
			if reason = why; known && r.shortFloat(c) {
				reason = shortFloats
			}
			if known && json && r.mayBeJSON(c) {
				reason = "JSON of what may be JSON"
			}
			if known {
				use(c.Span, col)
			}
		}
		return true
	})
	if r.p.stmt.Facts&(sqltext.HasUserVar|sqltext.HasNondeterministic) != 0 && reason == "" {
		reason = "a user variable or a function that differs by call, together with an expression over aggregates"
	}
	return f, reason
}

func isAverage(f *sqltext.Func) bool { return strings.EqualFold(f.Name, "AVG") }

// average is what stands for AVG in an expression: MariaDB divides with more digits than it prints of the result.
func (r *grouper) average(f *sqltext.Func, span sqltext.Span) (Use, string) {
	if f.Distinct {
		return Use{}, "an expression over AVG(DISTINCT …)"
	}
	if reason := r.parted(f); reason != "" {
		return Use{}, reason
	}
	if r.finer(f) {
		return Use{}, "AVG of a quotient, of which MariaDB has more digits than it prints, over groups that span partitions"
	}
	partial := func(fn string) Col {
		pieces := aggregateOf(fn, f)
		key, share := r.key(pieces)
		if c, ok := r.aggCols[key]; ok && share {
			return c
		}
		c := r.hide(pieces)
		if share {
			r.aggCols[key] = c
		}
		r.m.Aggs = append(r.m.Aggs, Agg{Col: c, Op: AggSum})
		return c
	}
	return Use{Span: span, Col: partial("SUM"), Divided: true, Over: partial("COUNT")}, ""
}

// aggregateOf is another aggregate of an aggregate's arguments, without DISTINCT.
func aggregateOf(fn string, f *sqltext.Func) []Piece {
	if len(f.Args) == 0 {
		return []Piece{copyPiece(f.Span)}
	}
	s := sqltext.Span{From: f.Args[0].ExprSpan().From, To: f.Args[len(f.Args)-1].ExprSpan().To}
	return []Piece{textPiece(fn + "("), copyPiece(s), textPiece(")")}
}

// finalColumn is the column that holds a name's value in the folded row; known is false for words that only look like columns.
func (r *grouper) finalColumn(c *sqltext.Column, having bool) (col Col, known bool, reason string) {
	n, inFrom := r.b.resolve(c)
	if having {
		byKey := false
		for _, k := range r.keys {
			byKey = byKey || inFrom && k.isCol && k.node == n
		}
		if i := r.b.itemIndex(c); i >= 0 && !byKey {
			return r.havingItem(i)
		}
		if !byKey && inFrom && !r.starCovers(n) && !r.itemCovers(n) {
			r.p.fault = errBadField(string(r.p.scan.Text(c.Span)), "HAVING")
			return 0, false, r.p.fault.Message
		}
	}
	if !inFrom {
		if c.Table.Tok >= 0 {
			return 0, false, "a column that can't be resolved in an expression over aggregates"
		}
		if i := r.b.itemIndex(c); i >= 0 {
			return r.havingItem(i)
		}
		return 0, false, ""
	}
	isKey := false
	for _, k := range r.keys {
		if k.isCol && k.node == n {
			isKey = true
			if k.isVisible {
				return k.visible, true, ""
			}
		}
	}
	if !isKey {
		if reason := r.loose(); reason != "" {
			return 0, false, reason
		}
	}
	return r.hide([]Piece{copyPiece(c.Span)}), true, ""
}

func (r *grouper) starCovers(n node) bool {
	for i := range r.sel.Items {
		it := &r.sel.Items[i]
		if it.Star && (it.StarTable.Tok < 0 || it.StarTable.Text == n.src.name) {
			return true
		}
	}
	return false
}

func (r *grouper) itemCovers(n node) bool {
	for i := range r.sel.Items {
		if x, ok := r.b.resolveExpr(r.sel.Items[i].Expr); ok && x == n {
			return true
		}
	}
	return false
}

func (r *grouper) keysVisible() bool {
	for _, k := range r.keys {
		if k.item < 0 {
			return false
		}
	}
	return true
}
