package main

import (
	"fmt"
	"strings"
)

// place is where a query stands.
type place int

const (
	top    place = iota // by itself
	nested              // in brackets, without ORDER BY and LIMIT
)

// query is a SELECT with what may be around it: WITH, set operations. want are the types of its columns, nil for any.
func (g *gen) query(outer *scope, want []ty, depth int, p place) (*node, []column) {
	if want == nil {
		for range 1 + g.IntN(4) {
			want = append(want, ty{kind: g.kind()})
		}
	}
	var with *node
	ctes := len(g.ctes)
	if depth > 0 && g.room > 20 && g.chance(9) {
		with = g.with(depth)
	}
	body, cols := g.body(outer, want, depth, p)
	g.ctes = g.ctes[:ctes]
	if with != nil {
		body = &node{form: query, kids: []*node{with, body}, order: body.order}
	}
	return body, cols
}

// body is a block, or several ones and how they are put together.
func (g *gen) body(outer *scope, want []ty, depth int, p place) (*node, []column) {
	if depth <= 0 || g.room < 15 || !g.chance(13) {
		return g.block(outer, want, depth, p)
	}
	for i := range want {
		if want[i].kind == str {
			want[i].coll = common
		}
	}
	first, cols := g.member(outer, want, depth-1)
	if g.chance(12) { // brackets on the left
		next, _ := g.block(outer, want, depth-1, nested)
		first = cat("(", &node{form: query, kids: pieces([]any{first, g.pick(" UNION ALL ", " EXCEPT ", " UNION ", " INTERSECT "), next})}, ")")
	}
	parts := []any{first}
	whole := false
	for range 1 + g.IntN(2) {
		op := g.pick(" UNION ", " UNION ALL ", " UNION ALL ", " INTERSECT ", " EXCEPT ", " INTERSECT ALL ", " EXCEPT ALL ", " UNION DISTINCT ")
		if op == " INTERSECT ALL " || op == " EXCEPT ALL " {
			if whole { // one after another MariaDB 10.11 may never end
				op = " EXCEPT "
			}
			whole = true
		}
		next, _ := g.member(outer, want, depth-1)
		switch {
		case g.chance(8):
			next = g.values(want)
		case g.chance(15):
			third, _ := g.block(outer, want, depth-1, nested)
			next = cat("(", &node{form: query, kids: pieces([]any{next, g.pick(" UNION ALL ", " EXCEPT ", " UNION "), third})}, ")")
		case g.chance(20):
			next = cat("(", next, ")")
		}
		parts = append(parts, may(op, next))
	}
	q := &node{form: query, kids: pieces(parts)}
	if p == top {
		g.ordered(q, cols, nil, false)
	}
	return q, cols
}

// member is one of several blocks: now and then in brackets, and the first of its rows by all columns.
func (g *gen) member(outer *scope, want []ty, depth int) (*node, []column) {
	if !g.chance(12) {
		return g.block(outer, want, depth, nested)
	}
	was := g.sorted
	g.sorted = true
	q, cols := g.block(outer, want, depth, nested)
	g.sorted = was
	var names []string
	for _, i := range g.Perm(len(cols)) {
		names = append(names, cols[i].name+g.pick("", "", " DESC"))
	}
	return cat("(", &node{form: query, kids: pieces([]any{q, " ORDER BY " + strings.Join(names, ", "), fmt.Sprintf(" LIMIT %d", 1+g.IntN(9))})}, ")"), cols
}

// values are rows of literals.
func (g *gen) values(want []ty) *node {
	var rows []*node
	for range 1 + g.IntN(3) {
		var vs []*node
		for _, w := range want {
			vs = append(vs, g.literal(w.kind, nil))
		}
		rows = append(rows, cat("(", all(", ", vs...), ")"))
	}
	return &node{form: query, kids: pieces([]any{"VALUES ", many(", ", rows...)})}
}

func (g *gen) name() string {
	g.names++
	return fmt.Sprint("c", g.names)
}

// block is one SELECT.
func (g *gen) block(outer *scope, want []ty, depth int, p place) (*node, []column) {
	switch n := g.IntN(100); {
	case n < 12:
		if q := g.aggregated(outer, want, depth); q != nil {
			return q, columnsOf(q)
		}
	case n < 34:
		return g.grouped(outer, want, depth, p)
	case n < 42 && depth > 0:
		return g.windowed(outer, want, depth, p)
	}
	f, s, key := g.from(outer, depth)
	var items []*node
	var cols []column
	star := p == top && len(s.rels) > 0 && g.chance(6)
	for _, w := range want {
		if star {
			break
		}
		e, t := g.expr(s, w, depth)
		name := g.name()
		items = append(items, cat(e, g.pick(" AS ", " AS ", " ")+name))
		cols = append(cols, column{name: name, ty: t, null: true})
	}
	distinct := p != top && g.chance(10) || g.chance(14)
	head := "SELECT "
	if distinct {
		head += g.pick("DISTINCT ", "DISTINCT ", "DISTINCTROW ")
		key = nil
	}
	if p == top && g.chance(5) {
		head += g.pick("SQL_CALC_FOUND_ROWS ", "SQL_CALC_FOUND_ROWS ", "HIGH_PRIORITY ", "SQL_BIG_RESULT ", "SQL_SMALL_RESULT ", "SQL_BUFFER_RESULT ", "STRAIGHT_JOIN ", "SQL_NO_CACHE ")
	}
	list := all(", ", items...)
	if p == top {
		list.form = list_(items)
	}
	if star {
		list = cat("*")
		if g.chance(40) {
			list = cat(s.rels[g.IntN(len(s.rels))].alias, ".*")
		}
	}
	q := &node{form: query, kids: pieces([]any{head, list, " FROM ", f, g.where(s, depth)})}
	if p == top {
		if e, ok := g.column(&scope{rels: s.rels}, num); ok && !distinct && !star && len(key) > 0 && g.chance(12) { // by what the client does not see
			q.kids = append(q.kids, may(" ORDER BY ", g.pick("", "-", "1 + "), e.text, g.pick("", " DESC"), ", "+strings.Join(key, ", "), may(g.pick("", " LIMIT 5", " LIMIT 2, 4"))))
			q.cols = cols
			return q, cols
		}
		g.ordered(q, cols, key, distinct || star)
		if !distinct && g.chance(2) {
			q.kids = append(q.kids, may(g.pick(" FOR UPDATE", " LOCK IN SHARE MODE")))
		}
	}
	q.cols = cols
	return q, cols
}

// list_ is the form of a query's items where their number is its own affair.
func list_(items []*node) form {
	if len(items) > 1 {
		return list
	}
	return fixed
}

func columnsOf(q *node) []column { return q.cols }

func (g *gen) where(s *scope, depth int) *node {
	switch n := g.IntN(10); {
	case n < 5 || len(s.rels) == 0:
		return nil
	case n < 9:
		return may(" WHERE ", g.cond(s, depth))
	}
	return may(" WHERE ", many(" AND ", g.cond(s, depth), g.cond(s, depth)))
}

// ordered gives a query ORDER BY and LIMIT. key are columns by which rows could be told apart, nil where none are known.
func (g *gen) ordered(q *node, cols []column, key []string, named bool) {
	limit := ""
	constant := true // MariaDB forgets the offset of SELECT DISTINCT of constants
	for _, k := range q.kids {
		constant = constant && (k.form != fixed && k.form != list || k.constant() || k.text != "")
	}
	switch g.IntN(5) {
	case 0:
		limit = fmt.Sprintf(" LIMIT %d", g.IntN(12))
	case 1:
		limit = g.pick(fmt.Sprintf(" LIMIT %d OFFSET %d", g.IntN(12), g.IntN(8)), fmt.Sprintf(" LIMIT %d, %d", g.IntN(8), g.IntN(12)),
			fmt.Sprintf(" OFFSET %d ROWS FETCH NEXT %d ROWS ONLY", g.IntN(5), 1+g.IntN(9)), fmt.Sprintf(" FETCH FIRST %d ROWS WITH TIES", 1+g.IntN(9)))
	}
	if len(cols) == 0 || g.chance(25) {
		return
	}
	if named && constant {
		limit = ""
	}
	var keys []*node
	var names []string
	for _, i := range g.Perm(len(cols)) {
		names = append(names, cols[i].name)
		keys = append(keys, cat(cols[i].name, g.pick("", "", " ASC", " DESC")))
	}
	if limit == "" {
		n := 1 + g.IntN(len(keys))
		if !named && g.chance(15) { // an order that nobody sees, nearly
			keys = append([]*node{cat(names[0], " IS NULL")}, keys[:n]...)
			names = nil
			q.kids = append(q.kids, may(" ORDER BY ", many(", ", keys...)))
			return
		}
		q.order = names[:n]
		q.kids = append(q.kids, may(" ORDER BY ", many(", ", keys[:n]...)))
		return
	}
	for _, k := range key {
		if !named && g.chance(30) {
			keys, names = nil, nil
			break
		}
		_ = k
	}
	if keys == nil {
		for _, k := range key {
			keys = append(keys, cat(k, g.pick("", " DESC")))
		}
	}
	q.order = names
	q.kids = append(q.kids, may(" ORDER BY ", all(", ", keys...), may(limit)))
}

// aggregated is a query of one row.
func (g *gen) aggregated(outer *scope, want []ty, depth int) *node {
	f, s, _ := g.from(outer, depth-1)
	var items []*node
	var cols []column
	for _, w := range want {
		e, t := g.aggregate(s, w, depth-1)
		if w.coll != "" && t.coll != w.coll {
			e, t = val(str, g.into(e, w.coll)), w
		}
		name := g.name()
		items = append(items, cat(e, " AS "+name))
		cols = append(cols, column{name: name, ty: t, null: true})
	}
	return &node{form: query, cols: cols, kids: pieces([]any{"SELECT ", all(", ", items...), " FROM ", f, g.where(s, depth-1)})}
}

// argument is what an aggregate is of. MIN and MAX of an ENUM depend on an index in MariaDB.
func (g *gen) argument(s *scope, k kind, depth int) (*node, ty) {
	e, t := g.expr(s, ty{kind: k}, min(depth, 1))
	if k == str {
		e = val(str, "CONCAT(", e, ")")
	}
	return e, t
}

// An aggregate of nothing but columns of the query around it would be that query's, whose other columns are of any row then.
func (g *gen) aggregate(s *scope, w ty, depth int) (*node, ty) {
	s = &scope{rels: s.rels}
	e, t := g.argument(s, w.kind, depth)
	switch w.kind {
	case num:
		any, _ := g.argument(s, kinds[g.IntN(len(kinds)-1)], depth)
		t = ty{kind: num}
		switch g.IntN(17) {
		case 0, 1:
			return val(num, "COUNT(*)"), t
		case 2:
			return val(num, "COUNT(", any, ")"), t
		case 3:
			return val(num, "COUNT(DISTINCT ", any, ")"), t
		case 4, 5:
			return val(num, "SUM(", e, ")"), t
		case 6:
			return val(num, g.pick("SUM", "AVG"), "(DISTINCT ", e, ")"), t
		case 7:
			return val(num, "AVG(", e, ")"), t
		case 8:
			return val(num, g.pick("BIT_AND", "BIT_OR", "BIT_XOR"), "(", e, ")"), t
		case 9:
			return val(num, "ROUND(", g.pick("STD", "VARIANCE", "STDDEV_SAMP", "VAR_SAMP"), "(", e, "), 3)"), t
		case 10:
			return val(num, "SUM(", e, ")", g.pick(" + ", " * ", " - "), "COUNT(*)"), t
		case 11:
			return val(num, "COALESCE(", g.pick("MAX", "SUM", "MIN"), "(", e, "), -1)"), t
		case 12:
			return val(num, "COUNT(DISTINCT ", e, ", ", any, ")"), t
		case 13:
			return val(num, "SUM(", g.cond(s, 0), ")"), t
		}
		return val(num, g.pick("MIN", "MAX"), "(", e, ")"), t
	case str:
		if g.chance(50) {
			if second, _ := g.argument(s, kinds[g.IntN(4)], 0); g.chance(25) {
				return val(str, "GROUP_CONCAT(", g.pick("", "DISTINCT "), "CONCAT(", e, "), '/', ", second, " ORDER BY ", e, g.pick("", " DESC"), ", ", second, g.pick("", " DESC"), may(g.pick("", " SEPARATOR '; '", " LIMIT 3")), ")"), t
			}
			return val(str, "GROUP_CONCAT(", g.pick("", "DISTINCT "), e, " ORDER BY ", g.pick("1", e.String()), g.pick("", " DESC"), may(" SEPARATOR ", g.pick("'|'", "''")), may(g.pick("", "", " LIMIT 2", " LIMIT 1, 2")), ")"), t
		}
	case doc:
		n := g.of(s, num, depth)
		return val(doc, "JSON_ARRAYAGG(", n, " ORDER BY 1)"), t
	}
	return val(w.kind, g.pick("MIN", "MAX"), "(", e, ")"), t
}

// grouped is a query with GROUP BY.
func (g *gen) grouped(outer *scope, want []ty, depth int, p place) (*node, []column) {
	f, s, _ := g.from(outer, depth)
	var items, keys []*node
	var cols []column
	rollup := !g.sorted && g.chance(9)
	for i, w := range want {
		name := g.name()
		var e *node
		var t ty
		if i == 0 && g.chance(70) || g.chance(25) {
			e, t = g.expr(s, w, min(depth, 1))
			if strings.Contains(e.String(), "SELECT") || strings.Contains(e.String(), "@") { // MariaDB may make it once more, for another row
				e, t = val(w.kind, g.literal(w.kind, nil)), w
				if c, ok := g.column(&scope{rels: s.rels}, w.kind); ok {
					e, t = shown(c)
				}
				if w.coll != "" && t.coll != w.coll {
					e, t = val(str, g.into(e, w.coll)), w
				}
			}
			key := g.pick(name, name, e.String())
			if g.chance(10) {
				key = fmt.Sprint(i + 1)
			}
			if e.constant() {
				key = name
			}
			keys = append(keys, cat(key, g.pick("", "", "", " DESC")))
			if rollup {
				keys[len(keys)-1] = cat(key)
			}
		} else {
			e, t = g.aggregate(s, w, depth-1)
			if w.kind == num && !rollup && g.chance(6) {
				e = val(num, g.pick("SUM(", "MAX(", "COUNT("), e, ")", g.pick(" OVER ()", " OVER (ORDER BY COUNT(*))"))
				if g.chance(40) {
					e = val(num, g.pick("RANK()", "DENSE_RANK()"), " OVER (ORDER BY ", g.pick("COUNT(*)", "COUNT(*) DESC"), ")")
				}
			}
			if w.coll != "" && t.coll != w.coll {
				e, t = val(str, g.into(e, w.coll)), w
			}
		}
		items = append(items, cat(e, " AS "+name))
		cols = append(cols, column{name: name, ty: t, null: true})
	}
	if len(keys) == 0 || g.chance(12) {
		k := kinds[g.IntN(4)]
		if c, ok := g.column(&scope{rels: s.rels}, k); ok {
			keys = append(keys, cat(c.text))
		}
	}
	q := &node{form: query, cols: cols, kids: pieces([]any{"SELECT ", all(", ", items...), " FROM ", f, g.where(s, depth)})}
	if len(keys) > 0 {
		tail := ""
		if rollup {
			tail = " WITH ROLLUP"
		}
		q.kids = append(q.kids, cat(" GROUP BY ", all(", ", keys...), tail))
	} else {
		rollup = false
		return g.block(outer, want, 0, p)
	}
	if g.chance(25) {
		e, _ := g.aggregate(s, ty{kind: num}, 0)
		other := g.literal(num, nil)
		if depth > 0 && g.chance(20) {
			other, _ = g.scalar(nil, ty{kind: num}, depth-1)
		}
		q.kids = append(q.kids, may(" HAVING ", cond(e, g.pick(" > ", " < ", " <> ", " >= "), other)))
	}
	if p == top && !rollup {
		g.ordered(q, cols, nil, true)
	}
	return q, cols
}

// constant tells whether there is no name in an expression: GROUP BY of a number is a position.
func (n *node) constant() bool {
	return !strings.ContainsRune(n.String(), '.') && !strings.Contains(n.String(), "(")
}

// windowed is a query with window functions.
func (g *gen) windowed(outer *scope, want []ty, depth int, p place) (*node, []column) {
	f, s, key := g.from(outer, depth-1)
	var items []*node
	var cols []column
	var window *node
	for i, w := range want {
		name := g.name()
		e, t := g.expr(s, w, min(depth, 1))
		if i == len(want)-1 || g.chance(40) {
			e, t = g.window(s, w, key, &window)
		}
		items = append(items, cat(e, " AS "+name))
		cols = append(cols, column{name: name, ty: t, null: true})
	}
	q := &node{form: query, cols: cols, kids: pieces([]any{"SELECT ", all(", ", items...), " FROM ", f, g.where(s, depth-1)})}
	if window != nil {
		q.kids = append(q.kids, cat(" WINDOW w1 AS (", window, ")"))
	}
	if p == top {
		g.ordered(q, cols, nil, true)
	}
	return q, cols
}

// window is a window function whose answer its window decides.
func (g *gen) window(s *scope, w ty, key []string, shared **node) (*node, ty) {
	e, t := g.argument(s, w.kind, 1)
	var spec []any
	if c, ok := g.column(&scope{rels: s.rels}, kinds[g.IntN(4)]); ok && g.chance(65) {
		spec = append(spec, may("PARTITION BY ", c.text, " "))
	}
	partition := cat(spec...)
	var total *node
	if len(key) > 0 {
		var ks []*node
		if c, ok := g.column(&scope{rels: s.rels}, kinds[g.IntN(4)]); ok && g.chance(60) {
			ks = append(ks, cat(c.text, g.pick("", " DESC")))
		}
		for _, k := range key {
			ks = append(ks, cat(k, g.pick("", "", " DESC")))
		}
		total = cat("ORDER BY ", all(", ", ks...))
	}
	frame := ""
	if g.chance(50) {
		frame = g.pick(" ROWS", " ROWS", " RANGE") + g.pick(" UNBOUNDED PRECEDING", " BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW", " BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING",
			" BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING")
		if g.chance(50) {
			frame = g.pick(" ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING", " ROWS 2 PRECEDING", " ROWS BETWEEN 1 FOLLOWING AND 3 FOLLOWING")
		}
	}
	var fn *node
	switch {
	case w.kind == num && total == nil:
		fn = cat(g.pick("SUM", "MIN", "MAX", "COUNT"), "(", e, ")")
		if c, ok := g.column(&scope{rels: s.rels}, num); ok && g.chance(50) { // equal rows get the same
			if g.chance(25) {
				return val(num, g.pick("SUM("+c.text+")", "COUNT(*)", "MIN("+c.text+")"), over(partition, cat("ORDER BY ", c.text, g.pick("", " DESC")), g.pick(" RANGE BETWEEN 2 PRECEDING AND 1 FOLLOWING", " RANGE BETWEEN 1 FOLLOWING AND 5 FOLLOWING",
					" RANGE 3 PRECEDING"))), ty{kind: num}
			}
			return val(num, g.pick("RANK()", "DENSE_RANK()", "SUM("+c.text+")", "COUNT(*)", "PERCENT_RANK()", "CUME_DIST()"), over(partition, cat("ORDER BY ", c.text), "")), ty{kind: num}
		}
	case w.kind == num && total != nil && g.chance(10):
		fn = cat(g.pick("NTH_VALUE(", "NTH_VALUE("), e, ", ", g.pick("1", "2", "4"), ")")
	case w.kind == num && g.chance(8):
		c, ok := g.column(&scope{rels: s.rels}, num)
		if !ok || w.coll != "" {
			fn = cat("COUNT(*)")
			break
		}
		return val(num, g.pick("MEDIAN("+c.text+")", "PERCENTILE_CONT(0.25) WITHIN GROUP (ORDER BY "+c.text+")", "PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY "+c.text+" DESC)"), " OVER (", partition, ")"), ty{kind: num}
	case w.kind == num && g.chance(55):
		fn = cat(g.pick("ROW_NUMBER()", "RANK()", "DENSE_RANK()", "NTILE(3)", "PERCENT_RANK()", "CUME_DIST()"))
		frame = ""
	case w.kind == num && g.chance(60):
		fn = cat(g.pick("SUM", "AVG", "MIN", "MAX", "COUNT"), "(", e, ")")
	case total != nil && g.chance(60):
		fn = cat(g.pick("LAG", "LEAD"), "(", e, g.pick("", ", 2"), ")")
		frame = ""
	case total != nil:
		fn = cat(g.pick("FIRST_VALUE", "LAST_VALUE"), "(", e, ")")
	case w.kind == doc || w.kind == str:
		return val(w.kind, e), t
	default:
		fn = cat(g.pick("MIN", "MAX"), "(", e, ")")
	}
	t.coll = ""
	if w.kind == str && w.coll != "" {
		fn = cat(g.into(cat(fn, over(partition, total, frame)), w.coll))
		return val(str, fn), w
	}
	if total != nil && frame == "" && *shared == nil && g.chance(20) {
		*shared = cat(partition, total)
		return val(w.kind, fn, " OVER w1"), t
	}
	return val(w.kind, fn, over(partition, total, frame)), t
}

func over(partition, order *node, frame string) *node {
	if order == nil {
		return cat(" OVER (", partition, ")")
	}
	if frame == "" {
		return cat(" OVER (", partition, order, ")")
	}
	return cat(" OVER (", partition, order, may(frame), ")")
}
