package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// What a session has besides transactions and variables: temporary tables, statements that it has prepared by their text, locked tables.

// temporary makes a temporary table, writes to it or ends it.
func (g *gen) temporary() statement {
	keep := func(parts ...any) statement { return statement{root: cat(parts...), keep: true} }
	if g.temp == nil {
		acc := g.w.table("d1", "acc")
		name := acc.column("name")
		g.temp = &table{db: "d1", name: "tmp", key: []string{"tk"}, cols: []column{
			plainColumn("tk", "INT", num, numbers(1, 22), false), plainColumn("tn", "INT", num, numbers(0, 5), true), {name: "ts", ty: name.ty, decl: name.decl, pool: name.pool, null: true}, plainColumn("td", "DATE", day, days, true),
		}}
		if g.chance(40) {
			s := &scope{rels: []relation{{alias: "acc", cols: acc.cols}}}
			g.temp.key = nil
			return keep("CREATE ", g.pick("", "OR REPLACE "), "TEMPORARY TABLE d1.tmp AS SELECT id AS tk, grp AS tn, name AS ts, born AS td FROM d1.acc WHERE ", g.cond(s, 0))
		}
		fill := "INSERT INTO d1.tmp (tk, tn, ts, td) SELECT id, grp, name, born FROM d1.acc"
		if g.chance(30) {
			t := *g.temp
			t.rows = nil
			g.fill(&t)
			fill = t.insert(t.rows)
		}
		g.waiting = append(g.waiting, keep(fill))
		return keep(strings.Replace(g.temp.create(false, false), "CREATE TABLE", "CREATE TEMPORARY TABLE", 1))
	}
	t := g.temp
	s := &scope{rels: []relation{{alias: "tmp", cols: t.cols}}}
	st := keep("DROP TEMPORARY TABLE d1.tmp")
	g.flat = true
	switch n := g.IntN(6); {
	case n == 0:
		st = keep("UPDATE d1.tmp SET ", g.assignments(t, s, ""), " WHERE ", g.cond(s, 0))
	case n == 1:
		st = keep("DELETE FROM d1.tmp WHERE ", g.cond(s, 0))
	case n == 2:
		cols := g.some(t)
		st = keep(g.pick("INSERT IGNORE INTO", "REPLACE INTO"), " d1.tmp ("+strings.Join(cols, ", ")+") VALUES ", many(", ", g.row(t, cols), g.row(t, cols)))
	default:
		g.temp = nil
	}
	g.flat = false
	if g.temp != nil {
		g.waiting = append(g.waiting, statement{root: cat("SELECT * FROM d1.tmp")})
	}
	return st
}

// locked does a write and a read of a table while it is locked.
func (g *gen) locked() statement {
	t := g.w.tables[g.IntN(len(g.w.tables))]
	s := &scope{rels: []relation{{alias: t.name, cols: t.cols}}}
	g.flat = true
	defer func() { g.flat = false }()
	write := statement{root: cat("UPDATE ", t.full(), " SET ", g.assignments(t, s, ""), g.writeWhere(t, s, ""))}
	switch g.IntN(3) {
	case 0:
		write.root = g.insert(t)
	case 1:
		write.root = cat("DELETE FROM ", t.full(), g.writeWhere(t, s, ""))
	}
	read := &node{form: query, kids: pieces([]any{"SELECT * FROM ", t.full(), may(" WHERE ", g.cond(s, 1))})}
	write.tables = g.w.reached([]string{t.full()})
	list := ""
	for _, name := range write.tables[1:] {
		list += ", " + name + " WRITE"
	}
	if t.kept {
		g.waiting = append(g.waiting, statement{root: cat(g.tick()), keep: true})
	}
	g.waiting = append(g.waiting, write, statement{root: read}, statement{root: cat("UNLOCK TABLES"), keep: true})
	return statement{root: cat("LOCK TABLES ", t.full(), " WRITE", list), keep: true}
}

// asText has a statement run by its text, at once or twice after it was prepared.
func (g *gen) asText(st statement) statement {
	was := st.root
	using := ""
	if i := g.IntN(len(g.vars)); g.vars[i] && g.chance(50) && parameters(was.String()) {
		if n := was.parameter(); n != nil {
			was, using = n, fmt.Sprint(" USING @v", i)
		}
	}
	wrap := func(head string, kids ...any) *node {
		return &node{form: st.root.form, order: st.root.order, cols: st.root.cols, kids: pieces(append([]any{head}, kids...))}
	}
	text := &node{as: inQuotes, kids: []*node{was}}
	st.prepared = false
	if g.chance(60) {
		st.root = wrap("EXECUTE IMMEDIATE ", text, using)
		return st
	}
	g.fresh++
	name := fmt.Sprint("p", g.fresh) // its own: where the cluster refuses it, the other server is not to have another one
	st.root = wrap("EXECUTE ", name, using, &node{as: unseen, kids: []*node{was}})
	for range 1 + g.IntN(2) {
		g.waiting = append(g.waiting, st)
	}
	return statement{root: cat("PREPARE ", name, " FROM ", text), keep: true}
}

// parameter is the statement with a parameter in the place of its first number that is a value by itself; nil where there is none.
func (n *node) parameter() *node {
	if n.form == value && n.kind == num && len(n.kids) == 1 && len(n.kids[0].kids) == 0 {
		if _, err := strconv.Atoi(n.kids[0].text); err == nil {
			return &node{form: fixed, text: "?"}
		}
	}
	for i, k := range n.kids {
		if with := k.parameter(); with != nil {
			c := *n
			c.kids = slices.Clone(n.kids)
			c.kids[i] = with
			return &c
		}
	}
	return nil
}

// inner is what a text says that is run by EXECUTE, or prepared; any other one as it is.
func (n *node) inner() string {
	for _, k := range n.kids {
		if k.as != bare {
			return k.kids[0].String()
		}
	}
	return n.String()
}

// described asks what the server says of tables and what else is there.
func (g *gen) described() *node {
	t := g.w.tables[g.IntN(len(g.w.tables))]
	q := &node{form: query}
	switch g.IntN(6) {
	case 0:
		q.kids = pieces([]any{"SHOW COLUMNS FROM ", t.full()})
	case 1:
		q.kids = pieces([]any{"SHOW FULL COLUMNS FROM ", t.full(), " LIKE '%a%'"})
	case 2:
		q.kids = pieces([]any{"SELECT COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, COLUMN_KEY, GENERATION_EXPRESSION FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = '" + t.db + "' AND TABLE_NAME = '" + t.name + "'"})
	case 3:
		q.kids = pieces([]any{"SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_SCHEMA IN ('d1', 'd2') AND TABLE_NAME <> 'made'"})
	case 4:
		q.kids = pieces([]any{"SELECT INDEX_NAME, SEQ_IN_INDEX, COLUMN_NAME, NON_UNIQUE FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = 'd1' AND TABLE_NAME IN ('acc', 'word')"})
	default:
		q.kids = pieces([]any{"SELECT @@sql_mode, @@autocommit, @@time_zone, CURRENT_USER()"})
	}
	return q
}
