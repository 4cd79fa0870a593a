package plan

import (
	"fmt"
	"math/rand"
	"strings"
)

// statements makes SELECTs.
type statements struct {
	*rand.Rand
	aliases int
	tables  []genSource
	// keyed: shard keys meet shard keys.
	keyed bool
	// nested is how often, of five times, a table is a derived one.
	nested int
	ctes   []genSource
}

// genSource is what a FROM clause offers: columns by their kinds, i, s, d or x.
type genSource struct {
	name string
	cols []genColumn
}

type genColumn struct {
	name string
	kind byte
	// loose: a string that stands for others which are equal to it. Which one is not decided.
	loose bool
	// key: it is a shard key.
	key bool
}

// genScope is the sources that an expression sees, and those around.
type genScope struct {
	sources []genSource
	outer   *genScope
	part    bool // there are further sources
}

var baseSources = []genSource{
	{"p", []genColumn{{name: "id", kind: 'i', key: true}, {name: "a", kind: 'i'}, {name: "b", kind: 'i'}, {name: "c", kind: 's'}, {name: "d", kind: 'd'}, {name: "x", kind: 'x'}}},
	{"q", []genColumn{{name: "k", kind: 'i'}, {name: "a", kind: 'i'}, {name: "c", kind: 's'}, {name: "n", kind: 'i'}, {name: "g", kind: 'i'}}},
	{"r", []genColumn{{name: "k", kind: 'i', key: true}, {name: "v", kind: 'i'}, {name: "c", kind: 's'}, {name: "d", kind: 'd'}}},
	{"other.s", []genColumn{{name: "id", kind: 'i'}, {name: "a", kind: 'i'}, {name: "c", kind: 's'}, {name: "b", kind: 'i'}}},
	{"f", []genColumn{{name: "id", kind: 'i'}, {name: "a", kind: 'i'}, {name: "c", kind: 's'}}},
}

func (g *statements) one(list ...string) string { return list[g.Intn(len(list))] }

func (g *statements) alias() string {
	g.aliases++
	return fmt.Sprintf("t%d", g.aliases)
}

func (g *statements) value(kind byte) string {
	if g.Intn(25) == 0 {
		return "NULL"
	}
	switch kind {
	case 's':
		return "'" + g.one("", "a", "A", "b", "ab", "a ", "B") + "'"
	case 'd':
		return g.one("'2020-01-01'", "'2020-01-02'", "DATE '2020-01-03'", "20200102", "'2020-01-01' + INTERVAL 1 DAY")
	case 'x':
		return g.one("0", "1.0", "1.5", "2", "'3'")
	}
	return g.one("0", "1", "2", "3", "4", "'2'", "1 + 1")
}

// column names a column of a kind.
func (g *statements) column(sc *genScope, kind byte, loose bool) (string, bool) {
	if sc.outer != nil && g.Intn(4) == 0 {
		if c, ok := g.column(sc.outer, kind, loose); ok {
			return c, true
		}
	}
	type found struct{ table, col string }
	var all []found
	for _, s := range sc.sources {
		for _, c := range s.cols {
			if c.kind == kind && (loose || !c.loose) {
				all = append(all, found{s.name, c.name})
			}
		}
	}
	if len(all) == 0 {
		return "", false
	}
	f := all[g.Intn(len(all))]
	if g.Intn(6) == 0 && !sc.part {
		same := 0
		for _, s := range sc.sources {
			for _, c := range s.cols {
				if c.name == f.col {
					same++
				}
			}
		}
		if same == 1 || g.Intn(100) == 0 { // ambiguous, unless it is what a join was USING
			return f.col, true
		}
	}
	return f.table + "." + f.col, true
}

// key is a shard key column of one of the sources, when such are wanted.
func (g *statements) key(sc *genScope) (string, bool) {
	if !g.keyed || g.Intn(15) == 0 {
		return "", false
	}
	var all []string
	for _, s := range sc.sources {
		for _, c := range s.cols {
			if c.key {
				all = append(all, s.name+"."+c.name)
			}
		}
	}
	if len(all) == 0 {
		return "", false
	}
	return g.one(all...), true
}

func (g *statements) kind() byte { return "iiisdx"[g.Intn(6)] }

// operand is a column or a value.
func (g *statements) operand(sc *genScope, kind byte) string {
	if g.Intn(3) > 0 {
		if c, ok := g.column(sc, kind, true); ok {
			return c
		}
	}
	return g.value(kind)
}

func (g *statements) cond(sc *genScope, depth int) string {
	n := 16
	if depth > 0 {
		n = 27
	}
	kind := g.kind()
	col, ok := g.column(sc, kind, true)
	if !ok {
		kind = 'i'
		if col, ok = g.column(sc, 'i', true); !ok {
			return g.one("1", "0", "NULL", "1 = 1")
		}
	}
	if depth > 0 && !g.keyed && g.Intn(12) == 0 {
		in := &genScope{outer: sc}
		from := g.from(in, depth-1)
		own := &genScope{sources: in.sources}
		if x, ok := g.column(own, "iiidx"[g.Intn(5)], false); ok {
			at := sc
			if g.Intn(2) == 0 {
				in = own
			}
			if y, ok := g.column(at, 'i', true); ok {
				return y + " " + g.one("=", "<", ">=") + " (SELECT " + g.one("COUNT(*)", "COUNT("+x+") - 1", "MIN("+x+")", "MAX("+x+")") + from + g.where(in, depth-1) + ")"
			}
		}
	}
	if k, ok := g.key(sc); ok && depth > 0 && g.Intn(3) == 0 {
		in := &genScope{outer: sc}
		from := g.from(in, depth-1)
		if y, ok := g.key(&genScope{sources: in.sources}); ok {
			switch g.Intn(4) {
			case 0:
				return k + g.one("", " NOT") + " IN (SELECT " + y + from + g.where(in, depth-1) + ")"
			case 1:
				return g.value('i') + " < (SELECT COUNT(*)" + from + " WHERE " + y + " = " + k + " AND " + g.cond(in, depth-1) + ")"
			}
			return g.one("", "NOT ") + "EXISTS (SELECT 1" + from + " WHERE " + y + " = " + k + " AND " + g.cond(in, depth-1) + ")"
		}
	}
	if k, ok := g.key(sc); ok && g.Intn(5) == 0 {
		return k + g.one(" = "+g.value('i'), " IN (1, 2)", " > 1")
	}
	if g.keyed && g.Intn(6) > 0 {
		n = min(n, 20) // other subqueries are about rows of all partitions
	}
	switch g.Intn(n) {
	case 0, 1, 2:
		return col + " = " + g.operand(sc, kind)
	case 3:
		return g.value(kind) + " " + g.one("=", "<", ">=") + " " + col
	case 4:
		return col + " " + g.one("<", "<=", ">", ">=", "<>", "<=>") + " " + g.operand(sc, kind)
	case 5:
		return col + g.one("", " NOT") + " IN (" + g.operand(sc, kind) + ", " + g.value(kind) + ")"
	case 6:
		return col + g.one("", " NOT") + " BETWEEN " + g.operand(sc, kind) + " AND " + g.operand(sc, kind)
	case 7, 8:
		return col + " IS" + g.one("", " NOT") + " NULL"
	case 9:
		return "COALESCE(" + col + ", " + g.operand(sc, kind) + ") = " + g.value(kind)
	case 10:
		return "(" + col + " = " + g.operand(sc, kind) + ") IS " + g.one("TRUE", "NOT TRUE", "FALSE", "UNKNOWN")
	case 11:
		return "CASE WHEN " + col + " = " + g.operand(sc, kind) + " THEN " + g.one("0", "1") + " ELSE " + g.one("0", "1", "NULL") + " END"
	case 12:
		if s, ok := g.column(sc, 's', false); ok {
			return g.one("LENGTH("+s+") = 1", s+" LIKE 'a%'", s+" COLLATE utf8mb4_bin = 'A'", "HEX("+s+") = '41'", "IFNULL("+s+", 'a') = 'a'", "UPPER("+s+") = 'A'")
		}
		return col + " IS NULL"
	case 13:
		if d, ok := g.column(sc, 'd', true); ok {
			return g.one("YEAR("+d+") = 2020", "DAYOFMONTH("+d+") > 1", d+" + INTERVAL 1 DAY > '2020-01-02'", "EXTRACT(DAY FROM "+d+") = 2")
		}
		return col + " = " + g.operand(sc, kind)
	case 14:
		c2, ok := g.column(sc, 'i', true)
		c1, ok2 := g.column(sc, 'i', true)
		if !ok || !ok2 {
			return "TRUE"
		}
		return "(" + c1 + ", " + c2 + ") " + g.one("= ("+g.operand(sc, 'i')+", "+g.operand(sc, 'i')+")", "IN ((1, 2), (2, 3), (0, 0))")
	case 15:
		return g.one("1 = 1", "NULL", "0 = 1 OR "+col+" = "+g.value(kind), col+" % 2 = 1")
	case 16:
		return "NOT (" + g.cond(sc, depth-1) + ")"
	case 17, 18:
		return "(" + g.cond(sc, depth-1) + " OR " + g.cond(sc, depth-1) + ")"
	case 19:
		return "(" + g.cond(sc, depth-1) + " AND " + g.cond(sc, depth-1) + " OR " + g.cond(sc, depth-1) + " AND " + g.cond(sc, depth-1) + ")"
	case 20:
		return g.one("", "NOT ") + "EXISTS (" + g.query(sc, depth-1, 0, false) + ")"
	case 21, 22:
		return col + g.one("", "", " NOT") + " IN (" + g.query(sc, depth-1, kind, false) + ")"
	case 23:
		return g.operand(sc, kind) + " " + g.one("=", "<") + " (SELECT " + g.one("MAX", "MIN", "COUNT") + "(y) FROM (" + g.named(nil, depth-1, kind) + ") z)"
	case 24:
		return col + " " + g.one("= ANY", "> ALL", "<> ALL") + " (" + g.query(sc, depth-1, kind, false) + ")"
	default:
		return g.cond(sc, depth-1) + " AND " + g.cond(sc, depth-1)
	}
}

// named is a query of one column y.
func (g *statements) named(sc *genScope, depth int, kind byte) string {
	inner := &genScope{outer: sc}
	from := g.from(inner, depth)
	c, ok := g.column(&genScope{sources: inner.sources}, kind, true)
	if !ok {
		c = g.value(kind)
	}
	return "SELECT " + c + " y" + from + g.where(inner, depth)
}

func (g *statements) where(sc *genScope, depth int) string {
	if g.Intn(5) == 0 {
		return ""
	}
	return " WHERE " + g.cond(sc, depth)
}

// query is a SELECT: of one column of a kind, or of anything when kind is 0. alone: its columns are all to be compared.
func (g *statements) query(outer *genScope, depth int, kind byte, alone bool) string {
	sc := &genScope{outer: outer}
	from := g.from(sc, depth)
	where := g.where(sc, depth)
	own := &genScope{sources: sc.sources}
	if kind == 0 && !alone {
		return "SELECT " + g.one("*", "1") + from + where
	}
	if kind != 0 {
		c, ok := g.column(own, kind, true)
		if !ok {
			c = g.value(kind)
		}
		switch g.Intn(6) {
		case 0:
			return "SELECT " + g.one("MIN", "MAX") + "(" + c + ")" + from + where
		case 1:
			return "SELECT DISTINCT " + c + from + where
		case 2:
			return "SELECT " + c + from + where + " GROUP BY " + c + g.one("", " HAVING COUNT(*) > 1")
		}
		return "SELECT " + c + from + where
	}
	var items []string
	for i := 0; i <= g.Intn(4); i++ {
		if c, ok := g.column(own, g.kind(), true); ok {
			items = append(items, c)
		}
	}
	if len(items) == 0 {
		items = []string{"1"}
	}
	list := strings.Join(items, ", ")
	switch g.Intn(10) {
	case 0:
		return "SELECT COUNT(*)" + from + where
	case 1:
		c, ok := g.column(own, 'i', true)
		if !ok {
			c = "1"
		}
		return "SELECT " + items[0] + ", COUNT(*), SUM(" + c + "), MIN(" + c + ")" + from + where + " GROUP BY " + items[0] + g.one("", " WITH ROLLUP", " HAVING COUNT(*) > 1")
	case 2:
		return "SELECT DISTINCT " + list + from + where
	case 3:
		return "SELECT *" + from + where
	case 4:
		return "SELECT " + sc.sources[0].name + ".*" + from + where
	case 5:
		if depth > 0 {
			return "SELECT " + list + ", (SELECT COUNT(*)" + func() string {
				in := &genScope{outer: sc}
				return g.from(in, depth-1) + g.where(in, depth-1)
			}() + ")" + from + where
		}
	case 6:
		c, ok := g.column(own, 'i', true)
		if !ok {
			c = "1"
		}
		over := items[0]
		if k, ok := g.key(own); ok {
			over = k
		}
		return "SELECT " + list + ", COUNT(" + c + ") OVER (PARTITION BY " + over + ")" + from + where
	}
	return "SELECT " + list + from + where
}

// from makes a FROM clause and the sources that it offers.
func (g *statements) from(sc *genScope, depth int) string {
	n := 1 + g.Intn(3)
	text := " FROM " + g.tree(sc, depth, n)
	if !g.keyed && g.Intn(8) == 0 {
		text += ", " + g.factor(sc, depth)
	}
	return text
}

// tree is a join of n factors.
func (g *statements) tree(sc *genScope, depth, n int) string {
	if n <= 1 {
		return g.factor(sc, depth)
	}
	left := &genScope{outer: sc.outer}
	right := &genScope{outer: sc.outer}
	m := 1
	if g.Intn(3) == 0 {
		m = n - 1
	}
	l := g.tree(left, depth, n-m)
	r := g.tree(right, depth, m)
	if m > 1 || g.Intn(6) == 0 && !strings.HasPrefix(r, "(") {
		r = "(" + r + ")"
	}
	both := &genScope{sources: append(append([]genSource(nil), left.sources...), right.sources...), outer: sc.outer}
	sc.sources = append(sc.sources, both.sources...)
	kind := g.one("JOIN", "JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN")
	if _, ok := g.key(left); g.keyed && !ok {
		kind = "JOIN" // what is kept of the left side would be kept by each partition
	}
	switch g.Intn(9) {
	case 0:
		if len(left.sources) == 1 && len(right.sources) == 1 {
			for _, c := range left.sources[0].cols {
				for _, d := range right.sources[0].cols {
					if c.name == d.name && g.Intn(2) == 0 {
						return l + " " + kind + " " + r + " USING (" + c.name + ")"
					}
				}
			}
		}
	case 1:
		if g.Intn(3) == 0 && !g.keyed {
			return l + " " + g.one("NATURAL JOIN ", "NATURAL LEFT JOIN ", "NATURAL RIGHT JOIN ") + r
		}
	}
	on := g.cond(both, max(depth-1, 0))
	a, ok := g.key(left)
	b, ok2 := g.key(right)
	if !ok || !ok2 {
		a, ok = g.column(&genScope{sources: left.sources, part: true}, 'i', true)
		b, ok2 = g.column(&genScope{sources: right.sources, part: true}, 'i', true)
	}
	if ok && ok2 && g.Intn(4) > 0 {
		if on = a + " = " + b + g.one("", " AND "+on); g.Intn(3) == 0 {
			on = b + " = " + a + g.one("", " AND "+on)
		}
	}
	return l + " " + kind + " " + r + " ON " + on
}

func (g *statements) factor(sc *genScope, depth int) string {
	add := func(name string, cols []genColumn) { sc.sources = append(sc.sources, genSource{name, cols}) }
	if len(g.ctes) > 0 && g.Intn(3) == 0 {
		c := g.ctes[g.Intn(len(g.ctes))]
		a := g.alias()
		add(a, c.cols)
		return c.name + " " + a
	}
	if depth > 0 && g.Intn(5) < g.nested {
		a := g.alias()
		text, cols := g.derived(depth - 1)
		add(a, cols)
		return "(" + text + ") " + a
	}
	b := g.tables[g.Intn(len(g.tables))]
	a := g.alias()
	add(a, b.cols)
	return b.name + " " + a
}

// derived is a query with named columns.
func (g *statements) derived(depth int) (string, []genColumn) {
	sc := &genScope{}
	from := g.from(sc, depth)
	where := g.where(sc, depth)
	var cols []genColumn
	var items, names []string
	for i := 0; i <= 1+g.Intn(2); i++ {
		kind := g.kind()
		c, key := g.key(sc)
		if key = key && i == 0; key {
			kind = 'i'
		} else {
			var ok bool
			if c, ok = g.column(sc, kind, true); !ok {
				c = g.value(kind)
			}
		}
		n := g.one("a", "id", "c", "z") + fmt.Sprint(i)
		cols = append(cols, genColumn{name: n, kind: kind, key: key})
		items, names = append(items, c+" "+n), append(names, c)
	}
	loosen := func() {
		for i := range cols {
			cols[i].loose = true
		}
	}
	list := strings.Join(items, ", ")
	switch g.Intn(9) {
	case 8:
		over := names[0]
		if k, ok := g.key(sc); ok {
			over = k
		}
		cols = append(cols, genColumn{name: "n", kind: 'i'})
		return "SELECT " + list + ", COUNT(*) OVER (PARTITION BY " + over + ") n" + from + where, cols
	case 0:
		loosen()
		return "SELECT DISTINCT " + list + from + where, cols
	case 1:
		loosen()
		cols = append(cols, genColumn{name: "n", kind: 'i'})
		return "SELECT " + list + ", COUNT(*) n" + from + where + " GROUP BY " + strings.Join(names, ", "), cols
	case 2:
		loosen()
		in := &genScope{}
		text := g.from(in, depth)
		var other []string
		for _, c := range cols {
			o, ok := g.column(in, c.kind, true)
			if !ok {
				o = g.value(c.kind)
			}
			other = append(other, o)
		}
		return "SELECT " + list + from + where + g.one(" UNION ", " UNION ALL ", " EXCEPT ", " INTERSECT ") + "SELECT " + strings.Join(other, ", ") + text + g.where(in, depth), cols
	case 3:
		if !g.keyed {
			loosen()
			return "SELECT " + list + from + where + " ORDER BY 1, 2 LIMIT 1000", cols
		}
	}
	return "SELECT " + list + from + where, cols
}

// statement is a whole one.
func (g *statements) statement() string {
	g.aliases, g.ctes, g.nested = 0, nil, g.Intn(5)
	with := ""
	if g.Intn(4) == 0 {
		text, cols := g.derived(1)
		with = "WITH w AS (" + text + ") "
		g.ctes = []genSource{{"w", cols}}
		if g.Intn(4) == 0 && !g.keyed {
			with = "WITH RECURSIVE w AS (SELECT id a0, a z1 FROM p WHERE " + g.one("b < 2", "id = 1", "1") + " UNION SELECT p.id, p.a FROM p JOIN w ON p.a = w.a0" + g.one("", " WHERE p.b > 0", " AND p.id > 1") + ") "
			g.ctes[0].cols = []genColumn{{name: "a0", kind: 'i', loose: true}, {name: "z1", kind: 'i', loose: true}}
		}
	}
	if !g.keyed && g.Intn(6) == 0 {
		g.ctes = nil
		return g.firsts()
	}
	text := g.query(nil, 2, 0, true)
	if g.Intn(8) == 0 {
		text = "SELECT * FROM (" + text + ") whole"
		if strings.Contains(text, "*") {
			text = g.query(nil, 1, 'i', true) + g.one(" UNION ", " UNION ALL ", " INTERSECT ", " EXCEPT ") + g.query(nil, 1, 'i', true)
		}
	}
	return with + text
}

// firsts is a statement whose subqueries look at the first rows of tables.
func (g *statements) firsts() string {
	var items []string
	from := ""
	for _, at := range g.Perm(len(g.tables))[:1+g.Intn(min(4, len(g.tables)))] {
		t := g.tables[at]
		sc := &genScope{sources: []genSource{{name: g.alias(), cols: t.cols}}}
		table := " FROM " + t.name + " " + sc.sources[0].name + " WHERE " + g.cond(sc, 0) + g.one("", " AND "+g.cond(sc, 2), " AND "+sc.sources[0].name+"."+t.cols[0].name+" + 0 < 3")
		col, _ := g.column(sc, 'i', true)
		switch g.Intn(4) {
		case 0:
			items = append(items, g.one("", "NOT ")+"EXISTS (SELECT "+g.one("*", "1", col)+table+")")
		case 1:
			if d, ok := g.column(sc, g.kind(), true); ok {
				col = d
			}
			items = append(items, "(SELECT "+g.one("MIN", "MAX")+"("+col+")"+table+")")
		default:
			var by []string
			for _, c := range t.cols {
				by = append(by, sc.sources[0].name+"."+c.name+g.one("", " DESC"))
			}
			items = append(items, "(SELECT "+col+table+" ORDER BY "+strings.Join(by, ", ")+" LIMIT 1)")
			if from == "" && g.Intn(2) == 0 {
				items = items[:len(items)-1]
				from = " FROM (SELECT *" + table + " ORDER BY " + strings.Join(by, ", ") + fmt.Sprintf(" LIMIT %d) first", 1+g.Intn(3))
			}
		}
	}
	if from != "" {
		items = append(items, "first.*")
	}
	return "SELECT " + strings.Join(items, ", ") + from
}
