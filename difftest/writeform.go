package main

import (
	"fmt"
	"slices"
	"strings"
)

// The seldom forms of writes. Each has rows and values that do not hang on which row is met first.

// seldom is a write of another form than the plain ones.
func (g *gen) seldom(t *table) (*node, []string) {
	s := &scope{rels: []relation{{alias: t.name, cols: t.cols}}}
	touched := []string{t.full()}
	g.writing = true
	defer func() { g.writing = false }()
	switch g.IntN(12) {
	case 0: // values of a subquery that depends on the row
		c, ok := g.nullable(t)
		if !ok {
			break
		}
		e, _ := g.scalar(s, ty{kind: num}, 1)
		return cat("UPDATE ", t.full(), " SET ", c.name, " = ", e, g.writeWhere(t, s, "")), touched
	case 1: // both tables of a join
		a, b := g.w.table("d1", "acc"), g.w.table("d1", "ord")
		c, d := g.settable(a), g.settable(b)
		x, y := c[g.IntN(len(c))], d[g.IntN(len(d))]
		both := &scope{rels: []relation{{alias: "x", cols: a.cols, base: a}, {alias: "y", cols: b.cols, base: b}}}
		return cat("UPDATE d1.acc x JOIN d1.ord y ON x.id = y.acc SET x.", x.name, " = ", x.pool[g.IntN(len(x.pool))], ", y.", y.name, " = ", y.pool[g.IntN(len(y.pool))], may(" WHERE ", g.cond(both, 1))), []string{a.full(), b.full()}
	case 2: // a derived table
		a := g.w.tables[g.IntN(3)]
		f, rel := g.derived("y", 1)
		c := g.settable(a)
		x := c[g.IntN(len(c))]
		l := relation{alias: "x", cols: a.cols, base: a}
		if g.chance(40) {
			return cat("DELETE x FROM ", a.full(), " x JOIN ", f, " ON ", g.equal(l, rel)), []string{a.full()}
		}
		return cat("UPDATE ", a.full(), " x JOIN ", f, " ON ", g.equal(l, rel), " SET x.", x.name, " = ", x.pool[g.IntN(len(x.pool))]), []string{a.full()}
	case 3: // rows that meet others, of a query
		if len(t.key) == 0 || t.name == "seq" {
			break
		}
		n := g.insertSelect(t)
		if text := n.String(); !strings.HasPrefix(text, "INSERT IGNORE") {
			return n, touched
		}
		n.kids[0] = cat("INSERT INTO ")
		cols := g.settable(t)
		c := cols[g.IntN(len(cols))]
		n.kids = append(n.kids, may(" ON DUPLICATE KEY UPDATE ", c.name, " = ", g.pick("VALUES("+c.name+")", c.name, c.pool[g.IntN(len(c.pool))])))
		return n, touched
	case 4: // and what became of them
		if t.name == "seq" {
			break
		}
		n := g.insertSelect(t)
		n.kids = append(n.kids, may(" RETURNING ", g.returned(t)))
		return n, touched
	case 5:
		n := g.insertSelect(t)
		if len(t.key) > 0 && t.name != "seq" {
			n.kids[0] = cat("REPLACE INTO ")
		}
		return n, touched
	case 6: // through a view
		ids := g.w.table("d1", "acc").column("id").pool
		g.fresh++
		return cat(g.pick("INSERT INTO", "INSERT IGNORE INTO", "REPLACE INTO"), " d1.vacc (id, grp, born) VALUES ",
			many(", ", cat("(", ids[g.IntN(len(ids))], ", ", g.literal(num, nil), ", ", days[g.IntN(len(days))], ")"), cat(fmt.Sprintf("(%d, 3, NULL)", 100+g.fresh)))), []string{"d1.acc"}
	case 7: // all defaults
		if t.name == "seq" || len(t.key) == 0 {
			return cat("INSERT INTO ", t.full(), " () VALUES ()", g.pick("", ", ()")), touched
		}
	case 8: // everything
		if g.chance(30) && !g.inTrx && !t.kept {
			return cat("TRUNCATE TABLE ", t.full()), touched
		}
	case 9: // with a priority or a setting of its own
		switch g.IntN(4) {
		case 0:
			return cat("DELETE QUICK FROM ", t.full(), g.writeWhere(t, s, "")), touched
		case 1:
			return cat("UPDATE LOW_PRIORITY ", t.full(), " SET ", g.assignments(t, s, ""), g.writeWhere(t, s, "")), touched
		case 2:
			return cat("SET STATEMENT max_statement_time = 60 FOR DELETE FROM ", t.full(), " WHERE ", g.cond(s, 0)), touched
		}
		return cat("DELETE IGNORE FROM ", t.full(), g.writeWhere(t, s, "")), touched
	case 10: // each value by a function of others
		c, ok := g.nullable(t)
		if !ok {
			break
		}
		return cat("UPDATE ", t.full(), " SET ", c.name, " = CASE WHEN ", g.cond(s, 1), " THEN ", c.pool[g.IntN(len(c.pool))], " ELSE ", c.name, " END", g.writeWhere(t, s, ""), g.limited(t)), touched
	case 11: // rows that are met, and go where their new keys belong
		if len(t.key) == 0 || t.name == "seq" || t.kept {
			break
		}
		cols := g.some(t)
		rows := []*node{g.row(t, cols)}
		if g.chance(30) {
			rows = append(rows, g.row(t, cols))
		}
		return cat(g.pick("INSERT", "INSERT", "INSERT IGNORE"), " INTO ", t.full(), " (", strings.Join(cols, ", "), ") VALUES ", many(", ", rows...), " ON DUPLICATE KEY UPDATE ", g.reassigned(t, g.assignments(t, s, ""))), touched
	}
	return g.insert(t), touched
}

// nullable is a number that may be NULL, and is no key's.
func (g *gen) nullable(t *table) (column, bool) {
	var all []column
	for _, c := range g.settable(t) {
		if c.ty.kind == num && c.null && !slices.Contains(t.key, c.name) && !slices.Contains(t.unique, c.name) && !strings.Contains(c.decl, "UNSIGNED") && !strings.Contains(c.decl, "BIT") && !strings.Contains(c.decl, "YEAR") {
			all = append(all, c)
		}
	}
	if len(all) == 0 {
		return column{}, false
	}
	return all[g.IntN(len(all))], true
}
