package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// statement is one of an episode.
type statement struct {
	root     *node
	prepared bool
	typed    bool     // its parameters have types of their own
	tables   []string // whose rows are compared afterwards
	anyOrder bool     // of rows, although ORDER BY is there
	keep     bool     // it changes more than rows: a variable, a transaction
	refused  bool     // of a case: the cluster refuses it with error 1235
	follows  bool     // it asks about the statement before, a SELECT
}

// next makes the episode's next statement.
//
// Reference tables are written on connections of their own: a transaction that has locked their rows at a partition would wait for itself there, and the other way round.
func (g *gen) next() statement {
	for {
		st := g.any()
		if !g.inTrx {
			g.aside, g.beside = false, false
			return st
		}
		text := st.root.inner() + g.w.beside(st.tables)
		if !names(text, g.w.table("d1", "item")) && !names(text, g.w.table("d2", "tag")) {
			return st
		}
		reads := strings.Contains(text, " FOR UPDATE") || strings.Contains(text, " LOCK IN SHARE MODE")
		locks := len(st.tables) > 0 || reads
		ref := len(st.tables) > 0 && g.w.named(st.tables[0]).ref                                                                                    // that is written, and others by its foreign keys
		others := slices.ContainsFunc(g.w.tables, func(t *table) bool { return !t.ref && names(st.root.inner(), t) }) || len(st.tables) > 0 && !ref // of which it may name a view
		switch {
		case !locks:
			return st
		case others && (reads || ref): // at the partitions, and where reference tables are written
			if !g.aside && !g.beside {
				g.aside, g.beside = true, true
				return st
			}
		case others && !g.aside:
			g.beside = true
			return st
		case !others && !g.beside:
			g.aside = true
			return st
		}
	}
}

func (g *gen) any() statement {
	if len(g.waiting) > 0 {
		st := g.waiting[0]
		g.waiting = g.waiting[1:]
		return st
	}
	if g.made {
		g.made = false
		return statement{root: cat("SELECT * FROM d1.made")}
	}
	if g.again != nil && g.chance(8) {
		st := *g.again
		st.root = g.varied(st.root)
		return st
	}
	st := g.another()
	if g.again = nil; !st.keep && !st.follows && len(g.waiting) == 0 {
		g.again = &st
	}
	return st
}

// another makes a statement that is like none before.
func (g *gen) another() statement {
	g.aliases, g.names, g.room, g.ctes = 0, 0, 60, nil
	g.dbs = g.pick("d1", "d1", "d1", "d1", "d1", "d2", "d2", "d1 d2", "d1 d2", "d1 d2")
	st := statement{prepared: g.chance(25), typed: g.chance(40)}
	if n := g.IntN(1000); n < 8 || n < 40 && g.temp != nil {
		return g.temporary()
	} else if n > 992 && !g.inTrx {
		return g.locked()
	}
	switch n := g.IntN(100); {
	case n < 3:
		st.root, st.keep, st.prepared = g.transaction(), true, false
	case n < 6:
		st.root, st.keep = g.assignment(), true
	case n < 26:
		st.root, st.tables = g.write()
		st.tables = g.w.reached(st.tables)
		if slices.ContainsFunc(st.tables, func(t string) bool { return g.w.named(t).kept }) {
			return g.ahead(g.tick(), st)
		}
		if g.chance(3) {
			return g.asText(st)
		}
	case n < 27 && g.chance(25):
		st.root = g.described()
	case n < 34:
		st.root = g.point()
	case n < 35:
		st.root = cat("VALUES ", many(", ", cat("(", g.literal(num, nil), ", ", g.literal(str, nil), ")"), cat("(1, 'a')")))
	case n < 36:
		st.root, st.prepared, st.follows = cat(g.pick("SELECT FOUND_ROWS()", "SELECT ROW_COUNT()", "SELECT FOUND_ROWS(), @v0, @v1")), false, true
	case n < 37 && !g.inTrx && g.chance(25): // which takes its time
		st.root, st.keep, st.prepared, g.made = g.make(), true, false, true
	default:
		depth := 2
		if g.chance(15) {
			depth = 3
		}
		g.reading = true
		st.root, _ = g.query(nil, nil, depth, top)
		g.reading = false
		if g.chance(4) {
			return g.asText(st)
		}
	}
	return st
}

// varied is a statement with other numbers: what was kept of the one before must fit it, too.
func (g *gen) varied(n *node) *node {
	c := *n
	if _, err := strconv.Atoi(n.text); err == nil {
		c.text = fmt.Sprint(g.IntN(15))
	}
	c.kids = nil
	for _, k := range n.kids {
		c.kids = append(c.kids, g.varied(k))
	}
	return &c
}

func (g *gen) transaction() *node {
	if !g.inTrx {
		g.inTrx, g.points = true, 0
		return cat(g.pick("BEGIN", "START TRANSACTION", "START TRANSACTION WITH CONSISTENT SNAPSHOT", "START TRANSACTION READ WRITE"))
	}
	switch n := g.IntN(8); {
	case n < 2:
		g.points++
		return cat(fmt.Sprint("SAVEPOINT s", g.IntN(3)))
	case n < 4 && g.points > 0:
		return cat(fmt.Sprint(g.pick("ROLLBACK TO ", "ROLLBACK TO SAVEPOINT ", "RELEASE SAVEPOINT "), "s", g.IntN(3)))
	}
	g.points = 0
	if g.w.manual { // the next one begins by itself
		g.aside, g.beside = false, false
	} else {
		g.inTrx = false
	}
	return cat(g.pick("COMMIT", "COMMIT", "ROLLBACK"))
}

// assignment gives a user variable a number.
func (g *gen) assignment() *node {
	g.writing = true // what becomes of the variable when the subquery has two rows is MariaDB's secret
	defer func() { g.writing = false }()
	if g.chance(15) && !strings.Contains(g.w.mode, "ANSI") && !strings.Contains(g.w.mode, "PIPES") {
		return cat(g.pick("SET sql_mode = ''", "SET sql_mode = '"+defaultMode+"'", "SET sql_mode = 'TRADITIONAL'", "SET SESSION sql_mode = 'ONLY_FULL_GROUP_BY,"+defaultMode+"'", "SET @@sql_mode = 'NO_UNSIGNED_SUBTRACTION,NO_AUTO_VALUE_ON_ZERO'",
			"SET sql_mode = CONCAT(@@sql_mode, ',SIMULTANEOUS_ASSIGNMENT')", "SET sql_mode = 'HIGH_NOT_PRECEDENCE,IGNORE_SPACE,STRICT_ALL_TABLES'", "SET time_zone = '+02:00'", "SET div_precision_increment = 2", "SET group_concat_max_len = 10"))
	}
	i := g.IntN(len(g.vars))
	var n *node
	switch g.IntN(4) {
	case 0:
		n = cat("SET ", fmt.Sprint("@v", i), " = ", g.pick("1", "3", "2.50", "7"))
	case 1:
		e, _ := g.scalar(nil, ty{kind: num}, 1)
		n = cat("SET ", fmt.Sprint("@v", i), " = CAST(IFNULL(", e, ", 0) AS DECIMAL(20,3))")
	case 2:
		e, _ := g.scalar(nil, ty{kind: num}, 1)
		n = cat("SELECT CAST(IFNULL(", e, ", 0) AS SIGNED) INTO ", fmt.Sprint("@v", i))
	default:
		t := g.keyed()
		n = cat("SELECT IFNULL(MAX("+t.pickNumber(g)+"), 0) INTO ", fmt.Sprint("@v", i), " FROM ", t.full(), " WHERE ", g.byKey(t, ""))
	}
	g.vars[i] = true
	return n
}

func (t *table) pickNumber(g *gen) string {
	var all []string
	for _, c := range t.cols {
		if c.ty.kind == num && !c.auto && !c.made {
			all = append(all, c.name)
		}
	}
	return all[g.IntN(len(all))]
}

// keyed is a table with a primary key.
func (g *gen) keyed() *table {
	for {
		if t := g.w.tables[g.IntN(len(g.w.tables))]; len(t.key) > 0 && t.name != "seq" {
			return t
		}
	}
}

// byKey is a condition that one row meets, or none.
func (g *gen) byKey(t *table, prefix string) *node {
	var conds []*node
	for _, k := range t.key {
		c := t.column(k)
		conds = append(conds, cat(prefix+k+" = ", &node{text: c.pool[g.IntN(len(c.pool))]}))
	}
	return all(" AND ", conds...)
}

func (t *table) column(name string) *column {
	return &t.cols[slices.IndexFunc(t.cols, func(c column) bool { return c.name == name })]
}

// point reads a row by its key, as most statements of applications do.
func (g *gen) point() *node {
	t := g.keyed()
	s := &scope{rels: []relation{{alias: t.name, cols: t.cols}}}
	var items []*node
	for range 1 + g.IntN(3) {
		e, _ := g.expr(s, ty{kind: kinds[g.IntN(len(kinds))]}, 1)
		items = append(items, e)
	}
	list := many(", ", items...)
	if g.chance(40) {
		list = cat("*")
	}
	q := cat("SELECT ", list, " FROM ", t.full(), " WHERE ", g.byKey(t, ""), g.pick("", "", "", " FOR UPDATE", " LIMIT 1", " LOCK IN SHARE MODE"))
	q.form = query
	return q
}

// target is a table to write to: any, sharded ones most often.
func (g *gen) target() *table {
	t := g.w.tables[g.IntN(len(g.w.tables))]
	if t.ref && g.chance(50) {
		return g.w.tables[g.IntN(3)]
	}
	return t
}

// row is VALUES for some columns; a key is one that is there, or a new one.
func (g *gen) row(t *table, cols []string) *node {
	var vs []*node
	for _, name := range cols {
		c := t.column(name)
		switch {
		case slices.Contains(t.key, name) && c.ty.kind == num && !strings.HasPrefix(t.name, "pair") && g.chance(50) && !t.ref:
			g.fresh++
			vs = append(vs, cat(fmt.Sprint(100+g.fresh)))
		case c.null && g.chance(12):
			vs = append(vs, cat(g.pick("NULL", "DEFAULT")))
		case c.ty.kind == num && !g.flat && g.chance(12):
			vs = append(vs, cat(g.pick("1 + 1", "ABS(-3)", "'4'", "IFNULL(NULL, 2)", "(SELECT MAX(cat) FROM d1.item)", "(SELECT MAX(x) FROM d1.heap)", "(SELECT ROUND(AVG(grp)) FROM d1.acc)")))
		default:
			vs = append(vs, cat(c.pool[g.IntN(len(c.pool))]))
		}
	}
	return cat("(", all(", ", vs...), ")")
}

// some are a table's columns for an INSERT: its key, what must be there, and more.
func (g *gen) some(t *table) []string {
	var out []string
	for _, c := range t.cols {
		if c.auto || c.made {
			continue
		}
		if slices.Contains(t.key, c.name) || !c.null && !strings.Contains(c.decl, "DEFAULT") || g.chance(60) {
			out = append(out, c.name)
		}
	}
	if len(out) == 0 {
		return []string{t.cols[len(t.cols)-1].name}
	}
	return out
}

// settable are columns that UPDATE may change: not the shard key.
func (g *gen) settable(t *table) []column {
	var out []column
	for _, c := range t.cols {
		if !c.auto && !c.made && (!slices.Contains(t.key, c.name) || g.chance(4)) && !slices.Contains(t.shard, c.name) {
			out = append(out, c)
		}
	}
	return out
}

// assignments are what SET says.
func (g *gen) assignments(t *table, s *scope, prefix string) *node {
	var out []*node
	cols := g.settable(t)
	for _, i := range g.Perm(len(cols))[:min(len(cols), 1+g.IntN(2))] {
		c := cols[i]
		var v *node
		switch {
		case c.ty.kind == num && g.chance(30):
			v = cat(prefix+c.name, g.pick(" + 1", " - 1", " * 2", " % 5"))
		case c.ty.kind == num && g.chance(25) && !strings.Contains(c.decl, "UNSIGNED") && !strings.Contains(c.decl, "TINYINT") && !strings.Contains(c.decl, "YEAR") && !strings.Contains(c.decl, "BIT"):
			v, _ = g.expr(s, ty{kind: num}, 1)
		case c.null && g.chance(10):
			v = cat("NULL")
		default:
			v = cat(c.pool[g.IntN(len(c.pool))])
		}
		out = append(out, cat(prefix+c.name, " = ", v))
	}
	return many(", ", out...)
}

// reassigned adds a value for a column of the shard key, or puts the value of a subquery in the place of all others.
func (g *gen) reassigned(t *table, set *node) *node {
	key := t.shard
	if len(key) == 0 {
		key = t.key
	}
	if len(key) == 0 || g.chance(40) {
		cols := g.settable(t)
		if c := cols[g.IntN(len(cols))]; c.ty.kind == num && len(t.key) > 0 {
			g.writing = true
			defer func() { g.writing = false }()
			e, _ := g.scalar(nil, ty{kind: num}, 1)
			return cat(c.name, " = ", e)
		}
		return set
	}
	c := t.column(key[g.IntN(len(key))])
	if c.ty.kind == num && g.chance(50) {
		return many(", ", cat(c.name, " = ", c.name, g.pick(" + 1", " + 1000", " - 1", " * 3")), set)
	}
	return many(", ", cat(c.name, " = ", c.pool[g.IntN(len(c.pool))]), set)
}

// condition is a WHERE without subqueries over the table itself, for a write.
func (g *gen) writeWhere(t *table, s *scope, prefix string) *node {
	if len(t.key) > 0 && g.chance(45) && t.name != "seq" {
		return cat(" WHERE ", g.byKey(t, prefix))
	}
	return cat(" WHERE ", many(" AND ", g.cond(s, 1), g.cond(s, 0)))
}

func (g *gen) write() (*node, []string) {
	t := g.target()
	touched := []string{t.full()}
	if v := g.w.views[0]; g.chance(4) { // MariaDB writes to the table
		s := &scope{rels: []relation{{alias: v.name, cols: v.cols}}}
		n := cat("DELETE FROM d1.vacc WHERE ", g.cond(s, 1))
		if g.chance(60) {
			n = cat("UPDATE d1.vacc SET ", g.pick("amt = amt + 1", "grp = 3", "born = '2024-01-01'", "name = 'a'"), " WHERE ", g.cond(s, 1))
		}
		return n, []string{"d1.acc"}
	}
	if g.chance(18) {
		return g.seldom(t)
	}
	switch g.IntN(12) {
	case 0, 1, 2, 3, 4:
		return g.insert(t), touched
	case 5:
		return g.insertSelect(t), touched
	case 6, 7:
		s := &scope{rels: []relation{{alias: t.name, cols: t.cols}}}
		verb, set := g.pick("UPDATE ", "UPDATE ", "UPDATE IGNORE "), g.assignments(t, s, "")
		if verb == "UPDATE " && g.chance(20) {
			set = g.reassigned(t, set)
		}
		return cat(verb, t.full(), " SET ", set, g.writeWhere(t, s, ""), g.limited(t)), touched
	case 8, 9:
		s := &scope{rels: []relation{{alias: t.name, cols: t.cols}}}
		limit := g.limited(t)
		ret := ""
		if g.chance(25) {
			ret = " RETURNING " + g.returned(t)
		}
		return cat("DELETE FROM ", t.full(), g.writeWhere(t, s, ""), limit, may(ret)), touched
	}
	return g.multi()
}

// limited is ORDER BY and LIMIT of a write, by all that tells rows apart.
func (g *gen) limited(t *table) *node {
	if !g.chance(25) {
		return nil
	}
	var keys []string
	names := t.key
	if t.name == "seq" || len(names) == 0 {
		names = t.names()
		if t.name == "seq" {
			names = []string{"v", "c", "id"}
		}
	}
	for _, k := range names {
		keys = append(keys, k+g.pick("", " DESC"))
	}
	return may(" ORDER BY "+strings.Join(keys, ", "), fmt.Sprintf(" LIMIT %d", 1+g.IntN(5)))
}

func (g *gen) returned(t *table) string {
	if g.chance(30) && t.name != "seq" {
		return "*"
	}
	return t.pickNumber(g) + g.pick("", " + 1 AS r", " AS r, 'x'")
}

func (g *gen) insert(t *table) *node {
	cols := g.some(t)
	var rows []*node
	for range 1 + g.IntN(4) {
		rows = append(rows, g.row(t, cols))
	}
	verb := g.pick("INSERT INTO ", "INSERT INTO ", "INSERT IGNORE INTO ", "REPLACE INTO ")
	if t.name == "seq" && verb == "REPLACE INTO " {
		verb = "INSERT INTO "
	}
	var tail []any
	if verb == "INSERT INTO " && len(t.key) > 0 && g.chance(40) {
		set := g.settable(t)
		c := set[g.IntN(len(set))]
		s := &scope{rels: []relation{{alias: t.name, cols: t.cols}}}
		switch {
		case c.ty.kind == num && g.chance(40):
			tail = append(tail, may(" ON DUPLICATE KEY UPDATE "+c.name+" = "+c.name+" + 1"))
		case slices.Contains(cols, c.name) && g.chance(60):
			tail = append(tail, may(" ON DUPLICATE KEY UPDATE "+c.name+" = VALUES("+c.name+")"))
		default:
			tail = append(tail, may(" ON DUPLICATE KEY UPDATE ", g.assignments(t, s, "")))
		}
	}
	if g.chance(15) {
		tail = append(tail, may(" RETURNING ", g.returned(t)))
	}
	if len(rows) == 1 && g.chance(20) {
		var sets []*node
		for _, c := range cols {
			sets = append(sets, cat(c, " = ", t.column(c).pool[g.IntN(len(t.column(c).pool))]))
		}
		return cat(append([]any{verb, t.full(), " SET ", all(", ", sets...)}, tail...)...)
	}
	return cat(append([]any{verb, t.full(), " (" + strings.Join(cols, ", ") + ") ", g.pick("VALUES ", "VALUES ", "VALUE "), many(", ", rows...)}, tail...)...)
}

// insertSelect writes rows of a query: into a table without a key, or with keys that are ignored where they are there.
func (g *gen) insertSelect(t *table) *node {
	var cols []string
	var want []ty
	for _, c := range g.some(t) {
		k := t.column(c)
		if k.ty.kind == str && k.ty.coll != common || strings.Contains(k.decl, "ENUM") || strings.Contains(k.decl, "YEAR") || strings.Contains(k.decl, "UNSIGNED") || strings.Contains(k.decl, "TINYINT") ||
			strings.Contains(k.decl, "SET(") || strings.Contains(k.decl, "BIT(") {
			if k.null {
				continue
			}
		}
		cols = append(cols, c)
		want = append(want, ty{k.ty.kind, ""})
	}
	if len(cols) == 0 {
		return g.insert(t)
	}
	g.writing = true // an error in a row that is looked at by chance is one of the statement
	g.sorted = true
	q, names := g.query(nil, want, 1, nested)
	g.writing, g.sorted = false, false
	verb := g.pick("INSERT IGNORE INTO ", "INSERT IGNORE INTO ", "REPLACE INTO ")
	if len(t.key) == 0 {
		verb = "INSERT INTO "
	}
	if verb == "REPLACE INTO " { // which row comes last is the query's affair
		verb = "INSERT INTO "
	}
	var order []string
	for _, n := range names {
		order = append(order, n.name)
	}
	return cat(verb, t.full(), " ("+strings.Join(cols, ", ")+") ", q, " ORDER BY "+strings.Join(order, ", "), fmt.Sprintf(" LIMIT %d", 1+g.IntN(6)))
}

// make makes a table of a query. What is in it the next statement asks.
func (g *gen) make() *node {
	g.writing, g.sorted = true, true
	q, names := g.query(nil, nil, 2, nested)
	g.writing, g.sorted = false, false
	var order []string
	for _, n := range names {
		order = append(order, n.name)
	}
	return cat("CREATE OR REPLACE TABLE d1.made ", g.pick("", "AS "), q, " ORDER BY "+strings.Join(order, ", "), fmt.Sprintf(" LIMIT %d", 1+g.IntN(9)))
}

// multi writes to a table by others that are joined to it.
func (g *gen) multi() (*node, []string) {
	a := g.w.tables[g.IntN(2)]
	b := g.w.tables[g.IntN(len(g.w.tables))]
	if b == a || b.name == "seq" {
		b = g.w.table("d1", "item")
	}
	l, r := relation{alias: "x", cols: a.cols, base: a}, relation{alias: "y", cols: b.cols, base: b}
	s := &scope{rels: []relation{l, r}}
	join := cat(a.full(), " x ", g.pick("JOIN ", "LEFT JOIN ", "INNER JOIN "), b.full(), " y ON ", g.equal(l, r))
	where := may(" WHERE ", g.cond(s, 1))
	switch g.IntN(5) {
	case 0:
		return cat("DELETE x FROM ", join, where), []string{a.full()}
	case 1:
		return cat("DELETE FROM x USING ", join, where), []string{a.full()}
	case 2:
		return cat("DELETE x, y FROM ", join, where), []string{a.full(), b.full()}
	}
	// Values that do not hang on which of several rows is met first.
	set := g.settable(a)
	c := set[g.IntN(len(set))]
	v := cat(c.pool[g.IntN(len(c.pool))])
	if c.ty.kind == num && g.chance(40) {
		v = cat("x."+c.name, g.pick(" + 1", " - 1"))
	}
	return cat("UPDATE ", join, " SET x."+c.name+" = ", v, where), []string{a.full()}
}
