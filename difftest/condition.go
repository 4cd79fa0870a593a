package main

import "strings"

// cond is a condition on a scope's rows.
func (g *gen) cond(s *scope, depth int) *node {
	g.room--
	if depth > 0 && g.room > 0 {
		switch g.IntN(16) {
		case 0:
			return cond("(", g.cond(s, depth-1), " OR ", g.cond(s, depth-1), ")")
		case 1:
			return cond("(", many(" AND ", g.cond(s, depth-1), g.cond(s, depth-1)), ")")
		case 2:
			return cond("NOT (", g.cond(s, depth-1), ")")
		case 3:
			return cond("(", g.cond(s, depth-1), " XOR ", g.cond(s, depth-1), ")")
		case 4, 5:
			if g.room > 10 && !g.flat {
				return g.subcondition(s, depth)
			}
		}
	}
	k := g.kind()
	if k == doc {
		k = num
	}
	c, ok := g.column(s, k)
	if !ok {
		if c, ok = g.column(s, num); !ok {
			return cond(g.of(s, num, depth), " > ", g.literal(num, nil))
		}
		k = num
	}
	left, t := val(k, c.text), c.ty
	if depth > 0 && g.chance(25) {
		left, t = g.expr(s, ty{kind: k}, depth)
	}
	lit := func() *node { return val(k, g.literal(k, &c.column)) }
	switch g.IntN(17) {
	case 14: // in another collation
		if names := g.collations["utf8mb4"]; k == str {
			return cond(g.into(left, names[g.IntN(len(names))]), g.pick(" = ", " < ", " >= ", " LIKE ", " <> "), lit())
		}
	case 15: // a list that is a query
		if k != doc && k != addr && depth > 0 {
			return cond(left, g.pick(" IN (", " NOT IN ("), "VALUES ", many(", ", cat("(", lit(), ")"), cat("(", lit(), ")")), ")")
		}
	case 16: // of another kind
		switch k {
		case str:
			return cond("CONCAT(", c.text, ", '')", g.pick(" = ", " > ", " <> "), g.pick("9", "10", "0", "1.5"))
		case num:
			return cond(left, g.pick(" = ", " > ", " <> "), g.pick("'3'", "'10'", "'-1'", "'7.0'"))
		case day:
			return cond(left, g.pick(" = ", " > ", " <= "), g.pick("20240229", "'2024-1-1'", "TIMESTAMP'2024-01-01 00:00:00'", "'20231231'"))
		case moment:
			return cond(left, g.pick(" = ", " > ", " <= "), g.pick("20240229235959", "DATE'2023-12-31'", "'2024-1-1 12:30'"))
		case clock:
			return cond(left, g.pick(" = ", " > ", " <= "), g.pick("123000", "'12:30'", "0"))
		}
	case 0, 1, 2:
		return cond(left, g.pick(" = ", " <=> ", " = "), lit())
	case 3, 4:
		return cond(left, g.pick(" < ", " <= ", " > ", " >= ", " <> ", " != "), lit())
	case 5:
		return cond(left, g.pick(" IN (", " IN (", " NOT IN ("), many(", ", lit(), lit(), lit()), ")")
	case 6:
		return cond(left, g.pick(" BETWEEN ", " NOT BETWEEN "), lit(), " AND ", lit())
	case 7:
		return cond(left, g.pick(" IS NULL", " IS NOT NULL", " IS NOT NULL"))
	case 8:
		if k == str && g.chance(25) {
			return cond(left, g.pick(" REGEXP ", " NOT REGEXP ", " RLIKE "), g.pick("'^a'", "'b$'", "'[0-9]+'", "'^.$'", "'a|x'"))
		}
		if k == str && t.coll != "binary" {
			return cond(left, g.pick(" LIKE ", " NOT LIKE ", " LIKE "), g.pick("'a%'", "'%b%'", "'_'", "'%'", "'%é%'"))
		}
		if k == str {
			return cond(left, " REGEXP '^[a-m]'")
		}
		return cond(lit(), g.pick(" = ", " < ", " >= "), left)
	case 9, 10:
		return g.between(s, k, left, t, depth)
	case 11:
		o, ok := g.column(s, num)
		if !ok || k == doc {
			break
		}
		return cond("(", left, ", ", val(num, o.text), ")", g.pick(" = ", " < ", " >= ", " <> "), "(", lit(), ", ", g.literal(num, &o.column), ")")
	case 12:
		o, ok := g.column(s, num)
		if !ok {
			break
		}
		row := func() *node { return cat("(", lit(), ", ", g.literal(num, &o.column), ")") }
		return cond("(", left, ", ", val(num, o.text), ")", g.pick(" IN (", " NOT IN ("), many(", ", row(), row(), row()), ")")
	}
	return cond(left, g.pick(" > ", " <> ", " <= "), lit())
}

// between compares with another column of the scope.
func (g *gen) between(s *scope, k kind, left *node, t ty, depth int) *node {
	right, o := g.expr(s, ty{kind: k}, min(depth, 1)-1)
	if k == str && t.coll != o.coll {
		left, right = val(str, g.into(left, common)), val(str, g.into(right, common))
	}
	return cond(left, g.pick(" = ", " < ", " >= ", " <> ", " <=> "), right)
}

// subcondition is a condition with a subquery.
func (g *gen) subcondition(s *scope, depth int) *node {
	k := kinds[g.IntN(4)]
	if g.chance(60) {
		k = num
	}
	t := ty{kind: k}
	if k == str {
		t.coll = common
	}
	left, _ := g.expr(s, t, min(depth-1, 1))
	sub := func(want ...ty) *node { return g.sub(s, want, depth-1) }
	switch g.IntN(9) {
	case 0, 1:
		return cond(g.pick("", "", "NOT "), "EXISTS (", sub(ty{kind: num}), ")")
	case 2, 3, 4:
		return cond(left, g.pick(" IN (", " IN (", " NOT IN ("), sub(t), ")")
	case 5:
		return cond(left, g.pick(" > ", " = ", " <> ", " <= "), g.pick("ANY", "ALL", "SOME"), " (", sub(t), ")")
	case 6:
		second, _ := g.expr(s, ty{kind: num}, 0)
		return cond("(", left, ", ", second, ")", g.pick(" IN (", " NOT IN (", " IN ("), sub(t, ty{kind: num}), ")")
	case 7:
		q, r := g.scalar(s, t, depth)
		_ = r
		return cond(left, g.pick(" = ", " < ", " >= ", " <> "), q)
	}
	second, _ := g.expr(s, ty{kind: num}, 0)
	return cond("(", left, ", ", second, ")", g.pick(" = ", " < ", " >= "), "(", g.one(s, []ty{t, {kind: num}}, depth-1), ")")
}

// sub is a query of given types for IN, ANY and EXISTS: of any number of rows, without LIMIT.
func (g *gen) sub(s *scope, want []ty, depth int) *node {
	q, _ := g.query(s, want, depth, nested)
	return q
}

// scalar is a subquery of one row and column: by an aggregate, by LIMIT, or seldom by hope.
func (g *gen) scalar(s *scope, t ty, depth int) (*node, ty) {
	if t.kind == str {
		t.coll = common
	}
	return val(t.kind, "(", g.one(s, []ty{t}, depth-1), ")"), t
}

// one is a query of one row.
func (g *gen) one(s *scope, want []ty, depth int) *node {
	if !g.writing && g.chance(4) {
		return g.sub(s, want, depth)
	}
	if g.chance(70) {
		if q := g.aggregated(s, want, depth); q != nil {
			return q
		}
	}
	was := g.sorted
	g.sorted = true
	q, cols := g.query(s, want, depth, nested)
	g.sorted = was
	// All columns decide the order: rows that are equal in it are the same.
	var names []string
	for _, c := range cols {
		names = append(names, c.name)
	}
	return &node{form: query, kids: pieces([]any{q, " ORDER BY " + strings.Join(names, ", ") + " LIMIT 1"})}
}
