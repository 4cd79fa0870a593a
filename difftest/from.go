package main

import (
	"fmt"
	"slices"
	"strings"
)

// from is what stands in FROM, the scope that it makes, and columns by which its rows could be told apart, nil where nobody knows.
func (g *gen) from(outer *scope, depth int) (*node, *scope, []string) {
	n := 1
	switch r := g.IntN(10); {
	case depth <= 0 || r < 4:
	case r < 8:
		n = 2
	case r < 9 || g.writing:
		n = 3
	default:
		n = 3 + g.IntN(3)
	}
	s := &scope{outer: outer}
	if n == 1 && g.chance(3) && outer == nil {
		return from("DUAL"), s, nil
	}
	var chains []*node
	for n > 0 {
		m := n
		if n > 1 && g.chance(25) {
			m = n - 1
		}
		f, rels := g.chain(s, m, depth)
		s = s.with(rels...)
		chains = append(chains, f)
		n -= m
	}
	var key []string
	for i, r := range s.rels {
		if len(r.key) == 0 {
			key = nil
			break
		}
		for _, k := range r.key {
			key = append(key, s.rels[i].alias+"."+k)
		}
	}
	if len(chains) == 1 {
		return chains[0], s, key
	}
	return from(many(", ", chains...)), s, key
}

// chain is n tables and how they are joined. before is what stands left of it: only JSON_TABLE may name it.
func (g *gen) chain(before *scope, n, depth int) (*node, []relation) {
	f, r := g.relation(before, depth)
	rels := []relation{r}
	for ; n > 1; n-- {
		s := &scope{rels: rels, outer: before.outer}
		var right *node
		var more []relation
		if n > 2 && g.chance(40) {
			right, more = g.chain(before, 2, depth)
			right = cat("(", right, ")")
			n--
		} else {
			right, r = g.relation(s, depth)
			more = []relation{r}
		}
		f = g.join(f, right, s, more, depth)
		rels = append(slices.Clone(rels), more...)
	}
	return f, rels
}

func (g *gen) join(left, right *node, s *scope, more []relation, depth int) *node {
	both := s.with(more...)
	if strings.HasPrefix(right.String(), "JSON_TABLE") {
		if g.chance(40) {
			return from(left, " LEFT JOIN ", right, " ON ", cond("1"))
		}
		return from(left, g.pick(" JOIN ", " CROSS JOIN "), right)
	}
	if shared := g.shared(s.rels, more); shared != "" && g.chance(22) {
		if g.chance(40) && len(s.rels) == 1 && len(more) == 1 {
			return from(left, g.pick(" NATURAL JOIN ", " NATURAL LEFT JOIN ", " NATURAL RIGHT JOIN "), right)
		}
		return from(left, g.pick(" JOIN ", " LEFT JOIN ", " RIGHT JOIN ", " INNER JOIN "), right, " USING ("+shared+")")
	}
	if g.chance(5) && len(both.rels) < 3 {
		return from(left, g.pick(" CROSS JOIN ", " JOIN ", " STRAIGHT_JOIN "), right)
	}
	return from(left, g.pick(" JOIN ", " JOIN ", " INNER JOIN ", " LEFT JOIN ", " LEFT JOIN ", " RIGHT JOIN ", " LEFT OUTER JOIN ", " STRAIGHT_JOIN "), right, " ON ", g.on(s, more, both, depth))
}

// shared is a column that both sides have once.
func (g *gen) shared(left, right []relation) string {
	times := func(rels []relation, name string) (n int) {
		for _, r := range rels {
			for _, c := range r.cols {
				if c.name == name {
					n++
				}
				if c.name == name && c.ty.kind != num {
					n++ // it is not compared with numbers
				}
			}
		}
		return n
	}
	var all []string
	for _, r := range left {
		for _, c := range r.cols {
			if c.ty.kind == num && times(left, c.name) == 1 && times(right, c.name) == 1 {
				all = append(all, c.name)
			}
		}
	}
	if len(all) == 0 {
		return ""
	}
	return all[g.IntN(len(all))]
}

// on joins by columns: those that belong together, or any of one kind.
func (g *gen) on(s *scope, more []relation, both *scope, depth int) *node {
	l, r := s.rels[g.IntN(len(s.rels))], more[g.IntN(len(more))]
	conds := []*node{g.equal(l, r)}
	if g.chance(25) {
		conds = append(conds, g.cond(both, min(depth-1, 1)))
	}
	if g.chance(4) {
		conds = conds[len(conds)-1:]
	}
	return cond(many(" AND ", conds...))
}

// belong are columns by which tables are joined in one partition.
var belong = map[string]string{"acc/ord": "id=acc", "ord/acc": "acc=id", "ord/item": "item=id", "item/ord": "id=item", "acc/usr": "id=acc", "acc/acc": "id=boss", "ord/ord": "acc=acc", "usr/acc": "acc=id",
	"acc/word": "id=id", "word/acc": "id=id", "acc/item": "grp=cat"}

func (g *gen) equal(l, r relation) *node {
	if l.base != nil && r.base != nil && g.chance(65) {
		if by, ok := belong[l.base.name+"/"+r.base.name]; ok {
			a, b, _ := strings.Cut(by, "=")
			return cond(l.alias+"."+a, " = ", r.alias+"."+b)
		}
	}
	for range 10 {
		a := l.cols[g.IntN(len(l.cols))]
		b := r.cols[g.IntN(len(r.cols))]
		if a.ty.kind != b.ty.kind || a.ty.kind == doc || g.chance(40) && a.ty.kind != num {
			continue
		}
		x, y := val(a.ty.kind, l.alias+"."+a.name), val(b.ty.kind, r.alias+"."+b.name)
		if a.ty.coll != b.ty.coll {
			x, y = val(str, g.into(x, common)), val(str, g.into(y, common))
		}
		return cond(x, g.pick(" = ", " = ", " = ", " = ", " <=> ", " < "), y)
	}
	return cond("1")
}

func (g *gen) alias() string {
	g.aliases++
	return fmt.Sprint("t", g.aliases)
}

// relation is one table, under a name of its own.
func (g *gen) relation(s *scope, depth int) (*node, relation) {
	alias := g.alias()
	switch n := g.IntN(100); {
	case n < 45 && len(g.ctes) > 0:
		c := g.ctes[g.IntN(len(g.ctes))]
		name := c.alias
		c.alias = alias
		return from(name, g.pick(" ", " AS "), alias), c
	case n < 10 && depth > 0 && g.room > 12:
		return g.derived(alias, depth)
	case n < 13 && !g.writing:
		return g.jsonTable(s, alias)
	}
	if v := g.w.views[g.IntN(len(g.w.views))]; g.chance(8) && strings.Contains(g.dbs, v.db) {
		return from(v.db+"."+v.name, g.pick(" ", " AS "), alias), relation{alias: alias, cols: v.cols}
	}
	if g.reading && !g.writing && strings.Contains(g.dbs, "d1") {
		if t := g.temp; t != nil && g.chance(25) {
			name := "d1.tmp "
			if g.w.current == "d1" && g.chance(50) {
				name = "tmp "
			}
			return from(name, alias), relation{alias: alias, cols: t.cols, key: t.key, base: t}
		}
		if len(g.w.more) > 0 && g.chance(6) {
			t := g.w.more[0]
			return from(t.full(), " ", alias), relation{alias: alias, cols: t.cols, base: t}
		}
	}
	t := g.w.tables[g.IntN(len(g.w.tables))]
	for !strings.Contains(g.dbs, t.db) {
		t = g.w.tables[g.IntN(len(g.w.tables))]
	}
	name := t.full()
	if t.db == g.w.current && g.chance(85) {
		name = t.name
	}
	hint := ""
	if g.chance(2) && len(t.key) > 0 {
		hint = g.pick(" USE INDEX ()", " FORCE INDEX (PRIMARY)", " IGNORE INDEX (PRIMARY)")
	}
	cols := slices.Clone(t.cols)
	if t.kept && !g.writing {
		cols = append(cols, column{name: "row_start", ty: ty{kind: moment}}, column{name: "row_end", ty: ty{kind: moment}})
		if g.ticks > 0 && g.chance(40) {
			return from(name, g.history(), " ", alias), relation{alias: alias, cols: cols}
		}
	}
	if i := slices.IndexFunc(cols, func(c column) bool { return c.auto }); i >= 0 {
		cols = slices.Delete(cols, i, i+1) // values have gaps where a plain server's have none
		return from(name, " ", alias), relation{alias: alias, cols: cols, base: t}
	}
	return from(name, g.pick(" ", " AS "), alias, hint), relation{alias: alias, cols: cols, key: t.key, base: t}
}

func (g *gen) derived(alias string, depth int) (*node, relation) {
	was, limited := g.sorted, g.chance(25)
	g.sorted = was || limited
	q, cols := g.query(nil, nil, depth-1, nested)
	g.sorted = was
	if limited { // all columns decide which rows there are
		var names []string
		for _, c := range cols {
			names = append(names, c.name+g.pick("", " DESC"))
		}
		q = &node{form: query, kids: pieces([]any{q, " ORDER BY " + strings.Join(names, ", "), fmt.Sprintf(" LIMIT %d", 1+g.IntN(9))})}
	}
	return from("(", q, ")", g.pick(" ", " AS "), alias), relation{alias: alias, cols: cols}
}

// jsonTable is a table made of a document: a constant, or one of what stands left of it.
func (g *gen) jsonTable(s *scope, alias string) (*node, relation) {
	arg, path := `'[{"a": 1, "b": "x"}, {"a": 2}, {"a": "z", "b": "y"}]'`, "$[*]"
	if c, ok := g.column(&scope{rels: s.rels}, doc); ok && g.chance(70) {
		arg, path = c.text, g.pick("$", "$.b[*]", "$[*]")
	}
	cols := []column{
		{name: "ja", ty: ty{kind: num}, null: true, pool: numbers(1, 3)}, {name: "jb", ty: ty{str, common}, null: true, pool: []string{"'x'", "'y'"}}, {name: "jo", ty: ty{kind: num}, null: true},
	}
	deflt := g.pick("", " DEFAULT '0' ON EMPTY", " NULL ON EMPTY NULL ON ERROR")
	if g.chance(25) { // a row for each of the inner ones
		return from("JSON_TABLE("+arg+", '"+path+"' COLUMNS (jo FOR ORDINALITY, ja INT EXISTS PATH '$.a', NESTED PATH '"+g.pick("$.b[*]", "$[*]", "$.c")+"' COLUMNS (jb VARCHAR(10) CHARACTER SET utf8mb4 COLLATE "+common+" PATH '$'))) ", alias),
			relation{alias: alias, cols: cols}
	}
	return from("JSON_TABLE("+arg+", '"+path+"' COLUMNS (jo FOR ORDINALITY, ja INT PATH '", g.pick("$.a", "$"), "'", deflt, ", jb VARCHAR(10) CHARACTER SET utf8mb4 COLLATE "+common+" PATH '$.b')) ", alias),
		relation{alias: alias, cols: cols}
}

// with is WITH and what follows it until the query.
func (g *gen) with(depth int) *node {
	g.aliases++
	name := fmt.Sprint("q", g.aliases)
	if g.chance(35) {
		return g.recursive(name)
	}
	if g.chance(12) {
		g.ctes = append(g.ctes, relation{alias: name, cols: []column{{name: "va", ty: ty{kind: num}, null: true}, {name: "vb", ty: ty{kind: num}, null: true}}})
		return cat("WITH ", name, " (va, vb) AS (VALUES (1, 2), (3, 4), (NULL, 5)) ")
	}
	q, cols := g.query(nil, nil, depth-1, nested)
	first := cat(name, " AS (", q, ")")
	g.ctes = append(g.ctes, relation{alias: name, cols: cols})
	if g.chance(25) {
		g.aliases++
		second := fmt.Sprint("q", g.aliases)
		q, cols = g.query(nil, nil, depth-1, nested)
		g.ctes = append(g.ctes, relation{alias: second, cols: cols})
		return cat("WITH ", first, ", ", second, " AS (", q, ") ")
	}
	return cat("WITH ", first, " ")
}

// recursive is one of a few recursions that end.
func (g *gen) recursive(name string) *node {
	ints := func(names ...string) []column {
		var out []column
		for _, n := range names {
			out = append(out, column{name: n, ty: ty{kind: num}, null: true, pool: numbers(0, 9)})
		}
		return out
	}
	add := func(cols []column) { g.ctes = append(g.ctes, relation{alias: name, cols: cols}) }
	switch g.IntN(8) {
	case 4: // a path, made of strings
		add([]column{{name: "rid", ty: ty{kind: num}, null: true, pool: numbers(0, 9)}, {name: "rpath", ty: ty{str, common}, null: true, pool: []string{"'1'", "'1/2'"}}})
		return cat(fmt.Sprintf("WITH RECURSIVE %s (rid, rpath) AS (SELECT id, CONVERT(CAST(id AS CHAR(60)) USING utf8mb4) COLLATE %s FROM d1.acc WHERE boss IS NULL OR id < %d UNION ALL SELECT a.id, CONCAT(r.rpath, '/', a.id) FROM %s r JOIN d1.acc a ON a.boss = r.rid WHERE LENGTH(r.rpath) < 7) ",
			name, common, 2+g.IntN(4), name))
	case 5: // two of each kind
		add(ints("rx", "ry"))
		return cat(fmt.Sprintf("WITH RECURSIVE %s (rx, ry) AS (SELECT 1, 0 UNION SELECT item, 0 FROM d1.ord WHERE acc < %d UNION SELECT rx + 1, ry + 1 FROM %s WHERE rx < 6 UNION SELECT i.cat, r.ry + 1 FROM %s r JOIN d1.item i ON i.id = r.rx WHERE r.ry < 3) ", name, g.IntN(6), name, name))
	case 6: // two that need each other
		add(ints("rx"))
		return cat(fmt.Sprintf("WITH RECURSIVE %s (rx) AS (SELECT id FROM d1.acc WHERE id < %d UNION SELECT b.ry + 1 FROM %sb b WHERE b.ry < 9), %sb (ry) AS (SELECT rx + 1 FROM %s WHERE rx < 9) ", name, 2+g.IntN(4), name, name, name))
	case 7: // rows that come again end it
		add(ints("ra", "rb"))
		return cat(fmt.Sprintf("WITH RECURSIVE %s (ra, rb) AS (SELECT a, b FROM d2.pair WHERE a < %d UNION ALL SELECT p.a, p.b FROM %s r JOIN d2.pair p ON p.a = r.rb) CYCLE ra, rb RESTRICT ", name, 1+g.IntN(2), name))
	case 0:
		add(ints("rn"))
		return cat(fmt.Sprintf("WITH RECURSIVE %s (rn) AS (SELECT 1 UNION ALL SELECT rn + 1 FROM %s WHERE rn < %d) ", name, name, 3+g.IntN(8)))
	case 1:
		s := &scope{rels: []relation{{alias: "a", cols: g.w.tables[0].cols}}}
		c := g.cond(s, 0)
		add(ints("rid", "rboss", "rlvl"))
		return cat(fmt.Sprintf("WITH RECURSIVE %s (rid, rboss, rlvl) AS (SELECT a.id, a.boss, 0 FROM d1.acc a WHERE ", name), c,
			fmt.Sprintf(" UNION ALL SELECT a.id, a.boss, r.rlvl + 1 FROM %s r JOIN d1.acc a ON a.boss = r.rid WHERE r.rlvl < 2) ", name))
	case 2:
		add(ints("rx"))
		return cat(fmt.Sprintf("WITH RECURSIVE %s (rx) AS (SELECT id FROM d1.acc WHERE id < %d UNION SELECT o.item FROM d1.ord o JOIN %s r ON o.acc = r.rx) ", name, 3+g.IntN(5), name))
	}
	add(ints("rx"))
	return cat(fmt.Sprintf("WITH RECURSIVE %s (rx) AS (SELECT x FROM d1.heap WHERE x < %d UNION SELECT p.b FROM d2.pair p, %s r WHERE p.a = r.rx) ", name, 2+g.IntN(5), name))
}
