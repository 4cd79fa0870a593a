package plan

import (
	"slices"

	"github.com/orbweaver/orbweaver/internal/partition"
	"github.com/orbweaver/orbweaver/internal/shard"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// limit says how a column compares with values in every row that counts.
type limit struct {
	node   node
	op     partition.Op
	values []Operand
}

// source adds to a source of linked rows what only such have.
func (l *linker) source(s *source, t *sqltext.TableName) {
	s.only = l.only[t.Span.From]
	if !equalTogether(s.table) {
		s.key = nil
	}
}

// equalTogether says whether rows with equal values in the deciding columns are in one place for certain: there are unequal bytes for equal numbers in a DOUBLE,
// collations whose order and hash disagree, and a CHAR with spaces that count is hashed with those that fill it up, of which 'ä' has fewer than 'a'.
func equalTogether(t *topo.Table) bool {
	return !slices.ContainsFunc(t.ShardKey, func(c int) bool { return !shard.Compatible(&t.Columns[c], &t.Columns[c]) || spaced(&t.Columns[c]) })
}

// route finds the places of a unit's linked rows.
func (l *linker) route(u *unit) Route {
	k := l.query
	k.Terms, k.Only = nil, u.only
	for i := range u.comps {
		if i == 0 {
			k.Terms = u.comps[i].terms
			continue
		}
		k.Terms = eitherTerms(k.Terms, u.comps[i].terms)
	}
	return Route{Kind: RouteLinked}
}

// into finds the places of rows that are inserted.
func (l *linker) into(t *sqltext.TableName) Route {
	l.target.Terms, l.target.Only = nil, l.only[t.Span.From]
	return Route{Kind: RouteLinked}
}

// inner is what is known of the query of INSERT … SELECT, when it is run by itself.
func (l *linker) inner() *Linked {
	k := *l.query
	return &k
}

// chosen are the places that PARTITION (…) leaves a unit. Nothing of that is in the parts' texts: where its tables are read at the same places, those are the
// places; where they are not, the text would mean something else.
func (l *linker) chosen(u *unit) []int {
	var only []int
	for _, s := range u.sources {
		if !s.spread || s.only == nil || u.bad == "" && (s.missing || s.block != u.main) {
			continue
		}
		if only == nil {
			only = s.only
			continue
		}
		only = common(only, s.only)
	}
	for _, s := range u.sources {
		switch {
		case !s.spread || s.only == nil && u.bad == "":
		case u.bad != "" && !slices.Equal(s.only, only), u.bad == "" && !slices.Equal(common(only, s.only), only), s.only != nil && len(only) == 0:
			l.refuse("PARTITION (…) that leaves the tables different partitions")
		}
	}
	return only
}

// chosenByBoth is chosen for a set operation.
func (l *linker) chosenByBoth(a, b *unit) []int {
	switch {
	case !a.spread:
		return b.only
	case b.spread && !slices.Equal(a.only, b.only):
		l.refuse("PARTITION (…) that leaves the tables different partitions")
	}
	return a.only
}

func (l *linker) refuse(reason string) {
	if l.fault == nil {
		l.fault = errLinked(reason)
	}
}

// common are the places of a that b has, too.
func common(a, b []int) []int {
	return slices.DeleteFunc(slices.Clone(a), func(n int) bool { return !slices.Contains(b, n) })
}

// pinning says whether terms leave each deciding column a list of values.
func (l *linker) pinning(terms []Term) bool {
	if l.query.Table == nil {
		return false
	}
	for i := range l.query.Table.ShardKey {
		if listed(terms, i) == nil {
			return false
		}
	}
	return true
}

// listed is the term that leaves a column the fewest values, nil when there is none.
func listed(terms []Term, column int) *Term {
	var found *Term
	for i := range terms {
		if t := &terms[i]; t.Column == column && t.Op == partition.In && (found == nil || len(t.Values) < len(found.Values)) {
			found = t
		}
	}
	return found
}

// eitherTerms is what is true of rows of which a or b is true.
func eitherTerms(a, b []Term) []Term {
	var out []Term
	for i := range a {
		x := listed(a, a[i].Column)
		if x != &a[i] {
			continue
		}
		y := listed(b, x.Column)
		if y == nil || len(x.Values)+len(y.Values) > maxTuples {
			continue
		}
		out = append(out, Term{x.Column, partition.In, append(slices.Clone(x.Values), y.Values...)})
	}
	return out
}

// limit notes what a condition that must be true says about the order of columns.
func (u *unit) limit(e sqltext.Expr, sc scope) {
	note := func(x sqltext.Expr, op partition.Op, values ...sqltext.Expr) {
		n, ok := sc.b.resolveExpr(x)
		if !ok || !u.restricts(n, sc) {
			return
		}
		l := limit{node: n, op: op}
		for _, v := range values {
			o, ok := compareOperand(v, n)
			if !ok {
				return
			}
			l.values = append(l.values, o)
		}
		u.limits = append(u.limits, l)
	}
	switch x := unparen(e).(type) {
	case *sqltext.Binary:
		op, ok := limitOps[x.Op]
		if !ok {
			return
		}
		l, lrow := unparen(x.L).(*sqltext.Row)
		r, rrow := unparen(x.R).(*sqltext.Row)
		if lrow || rrow {
			if lrow && rrow && len(l.Elems) == len(r.Elems) { // (a, b) < (1, 2): a is at most 1
				note(l.Elems[0], op.first, r.Elems[0])
				note(r.Elems[0], op.turnedFirst, l.Elems[0])
			}
			return
		}
		note(x.L, op.op, x.R)
		note(x.R, op.turned, x.L)
	case *sqltext.Between:
		if !x.Not {
			note(x.X, partition.Between, x.Lo, x.Hi)
		}
	case *sqltext.IsNull:
		if x.Not {
			note(x.X, partition.NotNull)
		}
	}
}

// limitOps are the comparisons by order: with the column on the left, and on the right; and what they say of the first column of a row.
var limitOps = map[string]struct{ op, turned, first, turnedFirst partition.Op }{
	"<":  {partition.Less, partition.Greater, partition.AtMost, partition.AtLeast},
	"<=": {partition.AtMost, partition.AtLeast, partition.AtMost, partition.AtLeast},
	">":  {partition.Greater, partition.Less, partition.AtLeast, partition.AtMost},
	">=": {partition.AtLeast, partition.AtMost, partition.AtLeast, partition.AtMost},
}

// terms are what is true of the deciding columns of a source in every row that counts.
func (u *unit) terms(s *source) []Term {
	var out []Term
	if s.unit != nil && len(s.unit.comps) == 1 {
		out = slices.Clone(s.unit.comps[0].terms)
	}
	key := s.key
	if s.table != nil {
		key = s.table.ShardKey
	}
	if len(key) == 0 {
		return out
	}
	add := func(n node, op partition.Op, values []Operand) {
		reached := u.reach(n)
		for i, k := range key {
			if to := (node{s, k}); reached[to] && carries(n, to) {
				out = append(out, Term{i, op, values})
			}
		}
	}
	for i := range u.cons {
		c := &u.cons[i]
		for e, n := range c.cols {
			if op, values, ok := c.values(e); ok {
				add(n, op, values)
			}
		}
	}
	for i := range u.limits {
		l := &u.limits[i]
		add(l.node, l.op, l.values)
	}
	return out
}

// values are those that a constraint leaves one of its columns; ok is false when NULL is among others.
func (c *constraint) values(column int) (op partition.Op, values []Operand, ok bool) {
	nulls := 0
	for _, t := range c.tuples {
		o := t[column]
		switch {
		case o.Kind == OperandNull:
			nulls++
		case c.nullSafe && o.Kind == OperandParam: // it may be NULL
			return 0, nil, false
		}
		values = append(values, o)
	}
	switch {
	case nulls == 0:
		return partition.In, values, true
	case nulls == len(values) && c.nullSafe:
		return partition.IsNull, nil, true
	}
	return 0, nil, false
}

// carries says whether what is true of one column is true of another that equals it: they compare alike with every value.
func carries(from, to node) bool {
	if from == to {
		return true
	}
	a, b := from.column(), to.column()
	return a != nil && b != nil && (isInteger(a) && isInteger(b) || sameColumnType(a, b))
}

func isInteger(c *topo.Column) bool {
	switch c.Type {
	case "tinyint", "smallint", "mediumint", "int", "bigint":
		return true
	}
	return false
}
