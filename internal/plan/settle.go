package plan

import (
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// settle decides where the rows of a plain query, an UPDATE or a DELETE come from, once all sources, edges and constraints are known.
func (u *unit) settle() {
	for _, s := range u.sources {
		u.spread = u.spread || s.spread
	}
	if !u.spread {
		return
	}
	if one := oneOf(u.sources); one != nil && !u.p.readsFar() {
		u.settleInOne(one)
		return
	}
	u.bad = u.together()
	if u.bad == "" {
		u.comps = []component{u.component(u.anchor)}
	} else {
		u.anchor, u.local = nil, nil
		u.comps = u.apart()
	}
	if u.p.readsFar() {
		u.only = u.p.far.chosen(u)
	}
}

// together finds the anchor and says why the sources are not all attached to it; "" when they are.
func (u *unit) together() string {
	for _, s := range u.main.sources {
		if s.spread && !s.missing {
			u.anchor = s
			break
		}
	}
	for _, s := range u.sources {
		if s.bad != "" {
			return s.bad
		}
		if s.system {
			return "system tables and sharded tables in one statement"
		}
		if !s.spread && s.unit != nil && s.unit.differsByCall() {
			return "a derived table or common table expression that differs by call, and that each partition would have its own of"
		}
	}
	if u.main.joinBad != "" {
		return u.main.joinBad
	}
	if u.anchor == nil {
		return "a subquery over a sharded table in a query that isn't over one"
	}
	if u.outerAgg {
		return "an aggregate in a subquery over columns of the query around it"
	}
	known := u.equals(u.anchor)
	for _, s := range u.sources {
		if s.spread && s != u.anchor && !attached(s, u.anchor, known) {
			if s.block != u.main {
				return "a subquery over " + s.label() + " that isn't tied to " + u.anchor.label() + " by the whole shard key"
			}
			return "a join of " + u.anchor.label() + " and " + s.label() + " that isn't on the whole shard key"
		}
	}
	u.local = make([]map[node]bool, len(known))
	for i, set := range known {
		u.local[i] = make(map[node]bool)
		for n := range set {
			if n.src.block == u.main && !n.src.missing {
				u.local[i][n] = true
			}
		}
	}
	return ""
}

// label names a source in a reason.
func (s *source) label() string {
	if s.table != nil {
		return "'" + s.table.DB + "." + s.table.Name + "'"
	}
	return "'" + s.name + "'"
}

// equals lists, for each key column of s, the columns that equal it wherever they count.
func (u *unit) equals(s *source) []map[node]bool {
	sets := make([]map[node]bool, len(s.key))
	for i, k := range s.key {
		sets[i] = u.reach(node{s, k})
	}
	return sets
}

// attached says whether the rows of s that count are in the partition of a's row.
func attached(s, a *source, known []map[node]bool) bool {
	if s.inOne() && a.inOne() {
		return sameKey(s.keyTable, a.keyTable)
	}
	if len(s.key) == 0 || len(s.key) != len(known) || !sameKey(s.keyTable, a.keyTable) {
		return false
	}
	for i, k := range s.key {
		if !known[i][node{s, k}] {
			return false
		}
	}
	return true
}

// component is where the rows of a source are: by this unit's constraints, or by those inside a derived table, which may be on a key that it does not show.
func (u *unit) component(s *source) component {
	c := component{table: s.keyTable}
	if s.inOne() {
		c.pinned = true
		return c
	}
	if u.p.readsFar() {
		c.terms = u.terms(s)
		c.pinned = u.p.far.pinning(c.terms)
		return c
	}
	c.tuples, c.pinned = u.pinned(s)
	if s.unit != nil && len(s.unit.comps) == 1 {
		if in := s.unit.comps[0]; in.pinned && (!c.pinned || len(in.tuples) < len(c.tuples)) {
			c.table, c.tuples, c.pinned = in.table, in.tuples, true
		}
	}
	return c
}

// apart lists where each source's rows are, for statements that only one place can serve. What is attached to a pinned source needs nothing
// of its own.
func (u *unit) apart() []component {
	var comps []component
	done := make(map[*source]bool)
	own := make([]component, len(u.sources))
	for i, s := range u.sources {
		if !s.spread || s.bad != "" {
			continue
		}
		if own[i] = u.component(s); own[i].pinned {
			comps = append(comps, own[i])
			done[s] = true
		}
	}
	for again := true; again; {
		again = false
		for _, a := range u.sources {
			if !done[a] {
				continue
			}
			known := u.equals(a)
			for _, s := range u.sources {
				if s.spread && s.bad == "" && !done[s] && attached(s, a, known) {
					done[s], again = true, true
				}
			}
		}
	}
	for i, s := range u.sources {
		switch {
		case !s.spread || done[s]:
		case s.bad != "" && s.unit != nil:
			comps = append(comps, s.unit.comps...)
		default:
			own[i].table, own[i].tuples = s.keyTable, nil
			comps = append(comps, own[i])
		}
	}
	return comps
}

// result finds the columns of a plain query's result and where the key is among them.
func (u *unit) result() {
	items, ok := u.main.columns()
	u.outKnown = ok
	if !ok {
		return
	}
	for _, it := range items {
		u.out = append(u.out, outCol{name: it.name, col: it.col, null: it.isCol && !it.node.notNull() || u.main.totals()})
	}
	if u.anchor == nil || u.bad != "" || len(u.anchor.key) == 0 || u.inOne() {
		return
	}
	key := make([]int, len(u.local))
	for i := range u.local {
		key[i] = -1
		for j, it := range items {
			if it.isCol && u.local[i][it.node] {
				key[i] = j
				break
			}
		}
		if key[i] < 0 {
			return
		}
	}
	u.key, u.keyTable = key, u.anchor.keyTable
}

// item is a column of a query's result.
type item struct {
	name  string
	expr  sqltext.Expr // nil when it comes from a star
	node  node         // what it is, when isCol
	isCol bool
	col   *topo.Column // its type, when known
}

// columns are the columns of a block's result, stars expanded; ok is false when a star can't be.
func (b *block) columns() ([]item, bool) {
	var out []item
	for i := range b.sel.Items {
		it := &b.sel.Items[i]
		if !it.Star {
			x := item{expr: it.Expr, name: it.Alias.Text}
			if n, ok := b.resolveExpr(it.Expr); ok {
				x.node, x.isCol, x.col = n, true, n.column()
			}
			if c, ok := unparen(it.Expr).(*sqltext.Column); ok && it.Alias.Tok < 0 {
				x.name = c.Name.Text
			}
			out = append(out, x)
			continue
		}
		more, ok := b.star(it)
		if !ok {
			return nil, false
		}
		out = append(out, more...)
	}
	return out, true
}

// star expands * or t.*; ok is false when the columns can't be known.
func (b *block) star(it *sqltext.SelectItem) ([]item, bool) {
	var out []item
	hit := false
	for _, s := range b.sources {
		if it.StarTable.Tok >= 0 && (s.name != it.StarTable.Text || it.StarDB.Tok >= 0 && s.db != it.StarDB.Text) {
			continue
		}
		if !s.known || it.StarTable.Tok < 0 && (b.murky || len(s.joined) > 0) {
			return nil, false
		}
		hit = true
		for i, c := range s.cols {
			if !c.invisible {
				out = append(out, item{name: c.name, node: node{s, i}, isCol: true, col: c.col})
			}
		}
	}
	return out, hit
}

// groupsLocally says that GROUP BY names the whole key, so that no group spans partitions.
func (u *unit) groupsLocally() bool {
	if len(u.local) == 0 {
		return false
	}
	s := u.main.sel
	if s.Rollup {
		return false
	}
	for _, set := range u.local {
		found := false
		for i := range s.Group {
			if g, ok := u.main.groupColumn(s.Group[i].Expr); ok && set[g] {
				found = true
				break
			}
		}
		if !found {
			return false
		}
	}
	return true
}

// groupColumn is the column that a GROUP BY item means: a column of FROM before an alias of the select list, and positions.
func (b *block) groupColumn(e sqltext.Expr) (node, bool) {
	if n, ok := b.resolveExpr(e); ok {
		return n, n.src.block == b
	}
	it := b.itemByName(e)
	if it == nil {
		it = b.itemByPosition(e)
	}
	if it == nil || it.Star {
		return node{}, false
	}
	n, ok := b.resolveExpr(it.Expr)
	return n, ok && n.src.block == b
}

// foldable decides whether the query's result, not just its rows before folding, is the union of the partitions' results.
func (u *unit) foldable(q *sqltext.Query) {
	if u.bad != "" || !u.spread || u.inOne() {
		return
	}
	s := q.Select
	switch {
	case s.Limit != nil || q.Limit != nil:
		u.rowBad = "LIMIT in a derived table"
	case u.p.numbers(q.Span):
		u.rowBad = "ROWNUM() in a derived table"
	case hasWindow(s) && !u.windowsLocally():
		u.rowBad = "a window function in a derived table, over rows of several partitions"
	case isGrouped(s) && !u.groupsLocally():
		u.rowBad = "aggregates in a derived table whose groups span partitions"
	case s.Distinct && len(u.key) == 0 && !isGrouped(s):
		u.rowBad = "DISTINCT in a derived table without the shard key"
	case s.Distinct && len(u.key) == 0:
		u.rowBad = "DISTINCT over groups in a derived table"
	}
}

// differsByPlace says whether what reads no partition may be something else at each.
func (p *planner) differsByPlace() bool {
	const differs = sqltext.HasNondeterministic | sqltext.HasTimeFunction | sqltext.HasPlaceFunction | sqltext.HasSysVar | sqltext.HasSequence | sqltext.HasStoredCall
	return p.system || p.stmt.Facts&differs != 0
}

// differsByCall says whether a query that reads no partition may have other rows when it is run again.
func (u *unit) differsByCall() bool {
	if u == nil || u.p.stmt.Facts&sqltext.HasNondeterministic == 0 {
		return false
	}
	return u.p.scan.Tells(u.q.Span, sqltext.HasNondeterministic) || u.left.differsByCall() || u.right.differsByCall() ||
		slices.ContainsFunc(u.sources, func(s *source) bool { return s.unit.differsByCall() })
}

// setOperation combines the arms of UNION, EXCEPT and INTERSECT.
func (u *unit) setOperation() {
	l, r := u.left, u.right
	u.spread = l.spread || r.spread
	u.comps = append(append([]component(nil), l.comps...), r.comps...)
	if u.p.readsFar() && u.spread {
		u.only = u.p.far.chosenByBoth(l, r)
	}
	if len(l.out) == len(r.out) && l.outKnown && r.outKnown {
		u.outKnown = true
		u.out = make([]outCol, len(l.out))
		for i := range l.out {
			u.out[i].name = l.out[i].name
			if c, d := l.out[i].col, r.out[i].col; sameColumnType(c, d) {
				u.out[i].col = c
				u.out[i].null = l.out[i].null || r.out[i].null || d.Nullable
			}
		}
	}
	if !u.spread {
		return
	}
	if one := u.armsInOne(); one != nil {
		u.settleInOne(one)
		return
	}
	for _, arm := range []*unit{l, r} {
		switch {
		case arm.bad != "":
			u.bad = arm.bad
		case arm.inOne(): // its rows may be computed ones, of which each partition would have some
			u.bad = "a set operation of the rows of single tables and others"
		case arm.rowBad != "":
			u.bad = strings.Replace(arm.rowBad, "a derived table", "an arm of a set operation", 1)
		case !arm.spread && (u.q.Op != sqltext.Union || u.p.differsByPlace()): // its rows come from each partition: UNION takes them for one
			u.bad = "a set operation of rows that are sharded and rows that are not"
		}
		if u.bad != "" {
			return
		}
	}
	if sameKey(l.keyTable, r.keyTable) && len(l.key) > 0 && len(l.key) == len(r.key) {
		u.key, u.keyTable = l.key, l.keyTable
		for i := range l.key {
			if l.key[i] != r.key[i] {
				u.key, u.keyTable = nil, nil
				break
			}
		}
	}
	if u.q.Op != sqltext.UnionAll && u.key == nil {
		u.rowBad = "a set operation that compares rows of different partitions, in a derived table"
		if u.q.Op != sqltext.Union {
			u.bad = "EXCEPT or INTERSECT without the shard key in the same place on both sides"
		}
	}
	if u.q.Limit != nil {
		u.rowBad = "LIMIT in a derived table"
	}
	if len(u.comps) == 2 { // both arms are read at the same places
		c := component{table: u.comps[0].table, terms: eitherTerms(u.comps[0].terms, u.comps[1].terms)}
		if u.comps[0].pinned && u.comps[1].pinned && sameKey(u.comps[0].table, u.comps[1].table) {
			c.pinned = true
			c.tuples = append(append(c.tuples, u.comps[0].tuples...), u.comps[1].tuples...)
		}
		u.comps = []component{c}
	}
}
