package plan

import (
	"slices"

	"github.com/orbweaver/orbweaver/internal/shard"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// unit is a query that sees nothing around it: the statement itself, a derived table, a CTE, an arm of a set operation. Its subqueries are
// blocks of the same unit, as they may be correlated.
type unit struct {
	p       *planner
	q       *sqltext.Query
	main    *block // nil for set operations and text that isn't understood
	left    *unit  // of a set operation
	right   *unit
	sources []*source // of all blocks
	edges   map[node][]node
	ties    []tie // kept when staging
	cons    []constraint
	limits  []limit // kept for linked rows only: a shard key's order says nothing

	// spread: partitioned rows take part. bad: why the rows before folding aren't the union of what the partitions yield.
	spread bool
	bad    string
	// rowBad: why the result isn't the union of the partitions' results, though bad is "".
	rowBad string
	// outerAgg: a subquery aggregates columns of the query around it.
	outerAgg bool
	// anchor decides the partition of each row; nil when nothing is spread or bad is set.
	anchor *source
	// only are the places of linked rows that PARTITION (…) leaves; nil for all.
	only []int
	// comps are where the rows come from: one entry when bad is "", else one for each source that has to be found by itself.
	comps []component
	// local[i] are the columns that equal the anchor's i-th key column in every row.
	local []map[node]bool
	// out are the result's columns; outKnown that there are no others; key the positions of the anchor's key columns in out.
	out      []outCol
	outKnown bool
	key      []int
	keyTable *topo.Table
}

// component is a set of rows that move together: pinned to key values of table, or anywhere.
type component struct {
	table  *topo.Table
	tuples []KeyTuple
	pinned bool
	// terms are what is true of linked rows, in place of tuples.
	terms []Term
}

const maxSources = 512

func (p *planner) newUnit(q *sqltext.Query) *unit {
	u := &unit{p: p, q: q, edges: make(map[node][]node)}
	if p.stage != nil {
		p.stage.units = append(p.stage.units, u)
	}
	return u
}

// query analyses a query that isn't correlated.
func (p *planner) query(q *sqltext.Query, e *env) (*unit, error) {
	u := p.newUnit(q)
	e, err := p.with(q.With, e)
	if err != nil {
		return nil, err
	}
	switch {
	case q.Select != nil:
		u.main = &block{unit: u, env: e, sel: q.Select}
		if err := u.selectBlock(u.main); err != nil {
			return nil, err
		}
		u.settle()
		u.result()
		u.foldable(q)
	case q.Left != nil && q.Right != nil:
		if u.left, err = p.query(q.Left, e); err != nil {
			return nil, err
		}
		if u.right, err = p.query(q.Right, e); err != nil {
			return nil, err
		}
		u.setOperation()
	default:
		u.bad = notUnderstood
		p.conceal(e)
	}
	return u, nil
}

const notUnderstood = "text that the gateway does not understand"

// selectBlock analyses FROM, the conditions and the subqueries of a SELECT.
func (u *unit) selectBlock(b *block) error {
	s := b.sel
	if err := u.from(b, s.From); err != nil {
		return err
	}
	if err := u.conditions(b, s.From, s.Where); err != nil {
		return err
	}
	u.p.noteItems(s.Items)
	if u.p.stage != nil {
		u.p.stage.blocks = append(u.p.stage.blocks, b)
		b.starred = make(map[*source]bool)
	}
	for i := range s.Items {
		if s.Items[i].Star {
			u.p.qualified(b, s.Items[i].StarDB, s.Items[i].StarTable)
			if u.p.stage != nil {
				u.p.stage.star(b, &s.Items[i])
			}
		}
	}
	var err error
	selectExprs(s, func(e sqltext.Expr) {
		if err == nil && e != s.Where {
			b.having = e == s.Having
			err = u.expr(e, b)
		}
	})
	b.having = false
	return err
}

// from makes the sources of a block.
func (u *unit) from(b *block, refs []sqltext.TableRef) error {
	for i := range refs {
		if err := u.ref(b, &refs[i], false); err != nil {
			return err
		}
	}
	return nil
}

func (u *unit) ref(b *block, r *sqltext.TableRef, missing bool) error {
	if len(u.sources) > maxSources {
		return NeedsStage("too many tables")
	}
	if r.Opaque && (r.Join != nil || r.Nested != nil) {
		b.joinBad = "joins whose ON conditions do not follow them"
		b.unsteady = true // which ON is whose is not known
	}
	var s *source
	switch {
	case r.Join != nil:
		return u.join(b, r.Join, missing)
	case r.Nested != nil:
		for i := range r.Nested {
			if err := u.ref(b, &r.Nested[i], missing); err != nil {
				return err
			}
		}
		return nil
	case r.Derived != nil:
		d, err := u.p.query(r.Derived, b.env)
		if err != nil {
			return err
		}
		s = d.source(r.Alias.Text)
		if r.Opaque { // derived (a, b): the columns have other names
			s.cols, s.known, s.key = nil, false, nil
		}
	case r.Table != nil:
		var err error
		if s, err = u.tableSource(b, r); err != nil || s == nil {
			return err
		}
	default: // JSON_TABLE and the like
		s = &source{name: r.Alias.Text}
	}
	s.missing, s.block = missing, b
	b.sources = append(b.sources, s)
	u.sources = append(u.sources, s)
	return nil
}

func (u *unit) tableSource(b *block, r *sqltext.TableRef) (*source, error) {
	if r.Table.DB.Tok < 0 {
		if c := b.env.find(r.Table.Name.Text); c != nil {
			u.p.seen[r.Table.Span.From] = true
			name := r.Table.Name.Text
			if r.Alias.Tok >= 0 {
				name = r.Alias.Text
			}
			c.refs++
			if c.busy { // what a recursive reference yields is decided by the arms' own sources
				u.p.recurs(c)
				return &source{name: name}, nil
			}
			if err := u.p.cte(c); err != nil {
				return nil, err
			}
			if c.ring != nil && c.ring.busy {
				u.p.recurs(c.ring)
			}
			s := c.unit.source(name)
			s.cte = c
			if c.odd {
				s.cols, s.known, s.key = nil, false, nil
			} else if c.cols != nil {
				if s.known && len(c.cols) == len(s.cols) {
					cols := append([]outCol(nil), s.cols...)
					for i := range cols {
						cols[i].name = c.cols[i]
					}
					s.cols = cols
				} else {
					s.cols, s.known, s.key = nil, false, nil
				}
			}
			return s, nil
		}
	}
	s, err := u.p.baseSource(r.Table, r.Alias)
	if err == nil && s != nil && s.table != nil && u.p.byTransaction(s.table, r.SystemTime) {
		return nil, NeedsStage(countedByLeaf)
	}
	return s, err
}

// source is the unit as a derived table.
func (u *unit) source(name string) *source {
	s := &source{name: name, unit: u, cols: u.out, known: u.outKnown, spread: u.spread, keyTable: u.keyTable, key: u.key, bad: u.bad, only: u.only}
	if s.spread && s.bad == "" {
		s.bad = u.rowBad
	}
	if !s.spread { // a leaf evaluates all of it
		s.bad = ""
	}
	if s.bad != "" {
		s.key = nil
	}
	return s
}

func (u *unit) join(b *block, j *sqltext.Join, missing bool) error {
	first := len(b.sources)
	left := missing || j.Kind == sqltext.RightJoin || j.Kind == sqltext.NaturalRightJoin
	right := missing || j.Kind == sqltext.LeftJoin || j.Kind == sqltext.NaturalLeftJoin
	if err := u.ref(b, &j.Left, left); err != nil {
		return err
	}
	mid := len(b.sources)
	if err := u.ref(b, &j.Right, right); err != nil {
		return err
	}
	ls, rs := b.sources[first:mid], b.sources[mid:]
	switch j.Kind {
	case sqltext.LeftJoin, sqltext.NaturalLeftJoin:
		outerJoin(b, ls, rs)
	case sqltext.RightJoin, sqltext.NaturalRightJoin:
		outerJoin(b, rs, ls)
	}
	names := make([]string, 0, len(j.Using))
	for _, n := range j.Using {
		names = append(names, n.Text)
	}
	if j.Kind >= sqltext.NaturalJoin {
		if names = commonColumns(ls, rs); names == nil {
			b.murky = true
			return nil
		}
	}
	for _, n := range names {
		u.using(b, n, ls, rs, j.Kind)
	}
	return nil
}

// outerJoin checks that rows which the join fills up with NULLs are filled up in one partition only.
func outerJoin(b *block, kept, filled []*source) {
	if !anySpread(kept) && anySpread(filled) && b.joinBad == "" {
		b.joinBad = "an outer join that keeps the rows of a table which every partition sees"
	}
}

func anySpread(list []*source) bool {
	for _, s := range list {
		if s.spread {
			return true
		}
	}
	return false
}

// conditions reads ON conditions and WHERE.
func (u *unit) conditions(b *block, refs []sqltext.TableRef, where sqltext.Expr) error {
	b.filtering = true
	defer func() { b.filtering = false }()
	rest := b.sources
	if u.p.stage != nil {
		b.unsteady = b.unsteady || u.p.countsIn(b, refs)
	}
	for i := range refs {
		var err error
		if rest, err = u.on(b, &refs[i], rest); err != nil {
			return err
		}
	}
	return u.conjunct(where, scope{b: b, free: func(*source) bool { return true }, padded: func(s *source) bool { return s.missing }})
}

// on reads the ON conditions of a join tree. list starts with the tree's sources, in the order that ref made them; what follows is returned.
func (u *unit) on(b *block, r *sqltext.TableRef, list []*source) ([]*source, error) {
	switch {
	case r.Join != nil:
		j := r.Join
		mid, err := u.on(b, &j.Left, list)
		if err != nil {
			return nil, err
		}
		end, err := u.on(b, &j.Right, mid)
		if err != nil {
			return nil, err
		}
		n, m := len(list)-len(mid), len(list)-len(end)
		restricted := list[:m]
		outer := true
		switch j.Kind {
		case sqltext.LeftJoin, sqltext.NaturalLeftJoin:
			restricted = list[n:m]
		case sqltext.RightJoin, sqltext.NaturalRightJoin:
			restricted = list[:n]
		default:
			outer = false
		}
		joined := list[:m]
		b.hidden = func(s *source) bool { return !slices.Contains(joined, s) }
		err = u.conjunct(j.On, scope{b, func(s *source) bool { return slices.Contains(restricted, s) }, func(s *source) bool { return s.padded }, true})
		b.hidden = nil
		for _, s := range restricted {
			s.padded = s.padded || outer
		}
		return end, err
	case r.Nested != nil:
		for i := range r.Nested {
			var err error
			if list, err = u.on(b, &r.Nested[i], list); err != nil {
				return nil, err
			}
		}
		return list, nil
	case r.Table != nil && r.Table.DB.Tok < 0 && lower(r.Table.Name.Text) == "dual" && b.env.find(r.Table.Name.Text) == nil:
		return list, nil
	}
	return list[1:], nil
}

// expr analyses the subqueries and the qualified columns of an expression of the block.
func (u *unit) expr(e sqltext.Expr, b *block) error {
	var err error
	walk(e, func(x sqltext.Expr) bool {
		if err != nil {
			return false
		}
		switch x := x.(type) {
		case *sqltext.Column:
			u.p.qualified(b, x.DB, x.Table)
		case *sqltext.Func:
			u.p.noteFunc(x)
			if u.p.stage != nil {
				u.p.stage.call(x)
			}
		case *sqltext.Subquery:
			_, err = u.subquery(x.Query, b, b.env)
		case *sqltext.In:
			if x.Sub != nil {
				err = u.inSubquery(x, scope{b: b}, false)
			}
		}
		return true
	})
	return err
}

// subquery analyses a query inside an expression; its block is nil when it isn't a plain SELECT.
func (u *unit) subquery(q *sqltext.Query, parent *block, e *env) (*block, error) {
	if u.p.nested[q.Span] { // a condition is walked more than once
		return nil, nil
	}
	u.p.nested[q.Span] = true
	e, err := u.p.with(q.With, e)
	if err != nil {
		return nil, err
	}
	switch {
	case q.Select != nil:
		b := &block{unit: u, parent: parent, env: e, sel: q.Select}
		if err := u.selectBlock(b); err != nil {
			return nil, err
		}
		u.outerAgg = u.outerAgg || foldsOuter(b)
		return b, nil
	case q.Left != nil && q.Right != nil:
		if _, err := u.subquery(q.Left, parent, e); err != nil {
			return nil, err
		}
		_, err := u.subquery(q.Right, parent, e)
		return nil, err
	}
	u.p.conceal(e)
	return nil, nil
}

// inSubquery analyses X IN (SELECT y …): rows of the subquery count only where y equals X, if the subquery's rows don't depend on each
// other. Where the answer isn't just a condition, NULLs matter: X IN (…) is NULL, not false, when some y is NULL.
func (u *unit) inSubquery(in *sqltext.In, sc scope, condition bool) error {
	b := sc.b
	inner, err := u.subquery(in.Sub, b, b.env)
	if err != nil || inner == nil {
		return err
	}
	s := inner.sel
	if u.p.stage != nil && in.Sub.Limit == nil {
		u.p.stage.sets[s] = true
	}
	if condition && u.p.stage != nil {
		u.inValues(in, sc, inner)
	}
	if s.Limit != nil || in.Sub.Limit != nil || hasWindow(s) || s.Rollup || u.outerAgg || u.p.numbers(s.Span) {
		return nil
	}
	left := []sqltext.Expr{in.X}
	if row, ok := unparen(in.X).(*sqltext.Row); ok {
		left = row.Elems
	}
	if len(left) != len(s.Items) {
		return nil
	}
	for i, e := range left {
		x, ok := b.resolveExpr(e)
		if !ok || s.Items[i].Star || b.having && !b.sameItem(e, x) {
			continue
		}
		y, ok := inner.resolveExpr(s.Items[i].Expr)
		if !ok || y.src.block != inner || isGrouped(s) && !groupsBy(inner, y) {
			continue
		}
		if condition || x.notNull() && y.notNull() && !x.src.block.totals() {
			u.edge(x, y)
			u.equal(x, y, false)
		}
	}
	return nil
}

// groupsBy says whether n is one of the block's GROUP BY columns.
func groupsBy(b *block, n node) bool {
	for i := range b.sel.Group {
		if g, ok := b.resolveExpr(b.sel.Group[i].Expr); ok && g == n {
			return true
		}
	}
	return false
}

// sameKey says whether equal key values of two tables have the same partition.
func sameKey(a, b *topo.Table) bool {
	if a == b {
		return true
	}
	if a == nil || b == nil {
		return false
	}
	switch {
	case a.Kind == topo.Linked || b.Kind == topo.Linked:
		return a.Kind == b.Kind // the linker has found them alike
	case a.Kind == topo.Single || b.Kind == topo.Single:
		return a.Kind == b.Kind && a.DB == b.DB
	}
	if a.DB != b.DB || len(a.ShardKey) != len(b.ShardKey) {
		return false
	}
	for i := range a.ShardKey {
		if !shard.Compatible(&a.Columns[a.ShardKey[i]], &b.Columns[b.ShardKey[i]]) {
			return false
		}
	}
	return true
}
