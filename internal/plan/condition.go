package plan

import (
	"github.com/orbweaver/orbweaver/internal/shard"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// maxTuples bounds the key values of a route; more of them are no better than all partitions.
const maxTuples = 4096

// constraint says that the columns equal one of the tuples in every row that counts.
type constraint struct {
	cols   []node
	tuples [][]Operand
	// nullSafe: a tuple may match NULL (IS NULL, <=>).
	nullSafe bool
}

// scope says what a condition restricts: the sources for which free holds. Others are seen, but lose no rows by it. Of a source that is padded it may see NULLs,
// which an outer join below has put in the place of rows. on: it is an ON condition.
type scope struct {
	b            *block
	free, padded func(*source) bool
	on           bool
}

// leaf counts a condition of WHERE.
func (sc scope) leaf() {
	if !sc.on {
		sc.b.leaves++
	}
}

// conjunct notes what a condition that must be true says about keys, and analyses the subqueries in it.
func (u *unit) conjunct(e sqltext.Expr, sc scope) error {
	switch x := unparen(e).(type) {
	case nil:
		return nil
	case *sqltext.Binary:
		switch x.Op {
		case "AND", "&&":
			if err := u.conjunct(x.L, sc); err != nil {
				return err
			}
			return u.conjunct(x.R, sc)
		case "=", "<=>":
			u.equality(x.L, x.R, x.Op == "<=>", sc)
		}
	case *sqltext.In:
		if x.Sub != nil && !x.Not {
			if err := u.expr(x.X, sc.b); err != nil {
				return err
			}
			sc.leaf()
			return u.inSubquery(x, sc, true)
		}
	}
	if u.p.stage != nil {
		sc.leaf()
		u.filter(e, sc)
	}
	u.cons = append(u.cons, u.constraints(e, sc)...)
	if u.p.far != nil {
		u.limit(e, sc)
	}
	return u.expr(e, sc.b)
}

// equality notes edges between the columns of L = R, element by element for rows.
func (u *unit) equality(l, r sqltext.Expr, nullSafe bool, sc scope) {
	l, r = unparen(l), unparen(r)
	if lr, ok := l.(*sqltext.Row); ok {
		if rr, ok := r.(*sqltext.Row); ok && len(lr.Elems) == len(rr.Elems) {
			for i := range lr.Elems {
				u.equality(lr.Elems[i], rr.Elems[i], nullSafe, sc)
			}
		}
		return
	}
	x, ok := sc.b.resolveExpr(l)
	if !ok {
		return
	}
	y, ok := sc.b.resolveExpr(r)
	if !ok || x == y || nullSafe && (x.src.missing || y.src.missing) {
		return
	}
	if u.restricts(y, sc) {
		u.edge(x, y)
		u.equal(x, y, nullSafe)
	}
	if u.restricts(x, sc) {
		u.edge(y, x)
		u.equal(y, x, nullSafe)
	}
}

// restricts says whether a condition in the scope restricts the rows of the node's source.
func (u *unit) restricts(n node, sc scope) bool { return n.src.block == sc.b && sc.free(n.src) }

// edge notes that rows of to's source count only where to equals from.
func (u *unit) edge(from, to node) {
	a, b := from.column(), to.column()
	if a == nil || b == nil || !shard.Compatible(a, b) {
		return
	}
	u.edges[from] = append(u.edges[from], to)
}

// constraints lists what a condition says about the values of columns.
func (u *unit) constraints(e sqltext.Expr, sc scope) []constraint {
	switch x := unparen(e).(type) {
	case *sqltext.Binary:
		switch x.Op {
		case "=", "<=>":
			if c, ok := u.valueConstraint(x.L, []sqltext.Expr{x.R}, x.Op == "<=>", sc); ok {
				return []constraint{c}
			}
			if c, ok := u.valueConstraint(x.R, []sqltext.Expr{x.L}, x.Op == "<=>", sc); ok {
				return []constraint{c}
			}
		case "AND", "&&":
			return append(u.constraints(x.L, sc), u.constraints(x.R, sc)...)
		case "OR":
			return either(u.constraints(x.L, sc), u.constraints(x.R, sc))
		case "||":
			if !u.p.sess.Mode.PipesAsConcat {
				return either(u.constraints(x.L, sc), u.constraints(x.R, sc))
			}
		}
	case *sqltext.In:
		if x.Sub == nil && !x.Not && len(x.List) <= maxTuples {
			if c, ok := u.valueConstraint(x.X, x.List, false, sc); ok {
				return []constraint{c}
			}
		}
	case *sqltext.IsNull:
		// IS NULL on a NOT NULL column has meanings of its own in MariaDB: the last AUTO_INCREMENT value, the zero date.
		if n, ok := sc.b.resolveExpr(x.X); ok && !x.Not && u.restricts(n, sc) && !n.src.missing && n.column() != nil && n.column().Nullable {
			return []constraint{{cols: []node{n}, tuples: [][]Operand{{{Kind: OperandNull}}}, nullSafe: true}}
		}
	}
	return nil
}

// valueConstraint reads column = value, (a, b) = (1, 2) and their IN forms.
func (u *unit) valueConstraint(what sqltext.Expr, values []sqltext.Expr, nullSafe bool, sc scope) (constraint, bool) {
	var c constraint
	elems := []sqltext.Expr{what}
	row, isRow := unparen(what).(*sqltext.Row)
	if isRow {
		elems = row.Elems
	}
	for _, e := range elems {
		n, ok := sc.b.resolveExpr(e)
		if !ok || !u.restricts(n, sc) || nullSafe && n.src.missing {
			return c, false
		}
		c.cols = append(c.cols, n)
	}
	c.nullSafe = nullSafe
	for _, v := range values {
		vals := []sqltext.Expr{v}
		if isRow {
			r, ok := unparen(v).(*sqltext.Row)
			if !ok || len(r.Elems) != len(elems) {
				return c, false
			}
			vals = r.Elems
		}
		tuple := make([]Operand, len(vals))
		never := false
		for i, x := range vals {
			op, ok := compareOperand(x, c.cols[i])
			if !ok {
				return c, false
			}
			never = never || op.Kind == OperandNull && !nullSafe
			tuple[i] = op
		}
		if !never { // = NULL is never true
			c.tuples = append(c.tuples, tuple)
		}
	}
	return c, true
}

// constant is the value of NAME_CONST(name, value), which a program's variable stands for in a statement of its; anything else is as it is.
func constant(e sqltext.Expr) sqltext.Expr {
	if f, ok := unparen(e).(*sqltext.Func); ok && f.Name == "NAME_CONST" && len(f.Args) == 2 && !f.Odd {
		return f.Args[1]
	}
	return e
}

// compareOperand is the operand for a value that a column is compared with.
func compareOperand(e sqltext.Expr, n node) (Operand, bool) {
	switch x := unparen(constant(e)).(type) {
	case *sqltext.Literal:
		switch x.Kind {
		case sqltext.LitNumber, sqltext.LitString, sqltext.LitHex, sqltext.LitBit:
			return Operand{Kind: OperandLiteral, Tok: x.Tok, Neg: x.Neg}, true
		case sqltext.LitNull:
			return Operand{Kind: OperandNull}, true
		case sqltext.LitTemporal:
			// With a string column the comparison would be one of dates.
			if c := n.column(); c != nil && (c.Type == "date" || c.Type == "datetime") {
				return Operand{Kind: OperandLiteral, Tok: x.Tok}, true
			}
		}
	case *sqltext.ParamRef:
		return Operand{Kind: OperandParam, Param: x.Index, Neg: x.Neg}, true
	}
	return Operand{}, false
}

// either keeps what both sides of an OR say about the same columns.
func either(l, r []constraint) []constraint {
	var out []constraint
	for _, a := range l {
		for _, b := range r {
			if !sameNodes(a.cols, b.cols) || len(a.tuples)+len(b.tuples) > maxTuples {
				continue
			}
			// l is nobody else's: in a long chain of ORs its values are not copied for each.
			out = append(out, constraint{cols: a.cols, tuples: append(a.tuples, b.tuples...), nullSafe: a.nullSafe || b.nullSafe})
			break
		}
	}
	return out
}

func sameNodes(a, b []node) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// reach is everything that equals n by the edges that start there.
func (u *unit) reach(start ...node) map[node]bool {
	seen := make(map[node]bool, len(start))
	queue := append([]node(nil), start...)
	for len(queue) > 0 {
		n := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if seen[n] {
			continue
		}
		seen[n] = true
		queue = append(queue, u.edges[n]...)
	}
	return seen
}

// keyColumn is the column of a table that the i-th key column of a source comes from.
func keyColumn(s *source, i int) *topo.Column { return &s.keyTable.Columns[s.keyTable.ShardKey[i]] }

// readsAlike says whether a literal that a column is compared with means what it would beside the key's column, which has equal values: a number may be that of an ENUM's member.
// c is nil for a column of a set operation over several types.
func readsAlike(c, key *topo.Column) bool {
	numbered := func(c *topo.Column) bool { return c.Type == "enum" || c.Type == "set" || c.Type == "bit" }
	switch {
	case c == key:
		return true
	case c == nil:
		return isInteger(key)
	case numbered(c) || numbered(key):
		return sameColumnType(c, key)
	}
	return true
}

// pinned is the shortest list of key values that the constraints leave a source; ok is false when they leave all.
func (u *unit) pinned(s *source) (tuples []KeyTuple, ok bool) {
	if len(s.key) == 0 {
		return nil, false
	}
	type choice struct{ con, elem int }
	best := make([]choice, len(s.key))
	for i := range best {
		best[i].con = -1
	}
	for ci := range u.cons {
		c := &u.cons[ci]
		for ei, n := range c.cols {
			reached := u.reach(n)
			for ki, k := range s.key {
				if reached[node{s, k}] && readsAlike(n.column(), keyColumn(s, ki)) && (best[ki].con < 0 || len(c.tuples) < len(u.cons[best[ki].con].tuples)) {
					best[ki] = choice{ci, ei}
				}
			}
		}
	}
	tuples = []KeyTuple{make(KeyTuple, len(s.key))}
	done := make(map[int]bool)
	for _, b := range best {
		if b.con < 0 {
			return nil, false
		}
		if done[b.con] {
			continue
		}
		done[b.con] = true
		con := &u.cons[b.con]
		if len(tuples)*len(con.tuples) > maxTuples {
			return nil, false
		}
		next := make([]KeyTuple, 0, len(tuples)*len(con.tuples))
		for _, t := range tuples {
			for _, v := range con.tuples {
				n := append(KeyTuple(nil), t...)
				for kj, bj := range best {
					if bj.con == b.con {
						n[kj] = v[bj.elem]
					}
				}
				next = append(next, n)
			}
		}
		tuples = next
	}
	return tuples, true
}
