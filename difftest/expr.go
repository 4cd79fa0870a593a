package main

import (
	"fmt"
	"slices"
)

// relation is what a name in FROM has.
type relation struct {
	alias string
	cols  []column
	key   []string // columns whose values together are there once; none: nobody knows
	base  *table
}

// scope is what expressions may name: a block's FROM, and the blocks around it.
type scope struct {
	rels  []relation
	outer *scope
}

func (s *scope) with(rels ...relation) *scope {
	return &scope{rels: append(slices.Clone(s.rels), rels...), outer: s.outer}
}

// named is a column in a scope, and how it is written.
type named struct {
	text string
	column
}

// column chooses a column of a kind; not ok where there is none.
func (g *gen) column(s *scope, k kind) (named, bool) {
	if s.outer != nil && g.chance(25) {
		if c, ok := g.column(s.outer, k); ok {
			return c, true
		}
	}
	var all []named
	for _, r := range s.rels {
		for _, c := range r.cols {
			if c.ty.kind == k {
				all = append(all, named{g.written(s, r, c), c})
			}
		}
	}
	if len(all) == 0 {
		return named{}, false
	}
	return all[g.IntN(len(all))], true
}

// written is a column's name, now and then without its table's.
func (g *gen) written(s *scope, r relation, c column) string {
	if s.outer == nil && len(s.rels) == 1 && g.chance(40) {
		return c.name
	}
	return r.alias + "." + c.name
}

// literal is a value that rows may well have.
func (g *gen) literal(k kind, c *column) *node {
	if g.chance(3) {
		return &node{text: "NULL"}
	}
	if c != nil && len(c.pool) > 0 && g.chance(85) {
		return &node{text: c.pool[g.IntN(len(c.pool))]}
	}
	switch k {
	case num: // nothing that is a whole number's neighbour: MariaDB 10.11 looks 0.25 up in an index of integers as 0
		return &node{text: g.pick(fmt.Sprint(g.IntN(12)), fmt.Sprint(g.IntN(12)), fmt.Sprint(g.IntN(30)), "-1", "7.00", "'3'", "1e1", "15")}
	case str:
		return &node{text: quoted(ascii)[g.IntN(len(ascii))]}
	case day:
		return &node{text: g.pick(days[g.IntN(len(days))], "DATE"+days[g.IntN(len(days))])}
	case moment:
		return &node{text: g.pick(moments[g.IntN(len(moments))], "TIMESTAMP"+moments[g.IntN(len(moments))])}
	case clock:
		return &node{text: clocks[g.IntN(len(clocks))]}
	case addr:
		return &node{text: g.w.addrs[g.IntN(len(g.w.addrs))]}
	}
	return &node{text: docs[g.IntN(len(docs))]}
}

// expr is an expression of a kind; of a collation where one is given.
func (g *gen) expr(s *scope, t ty, depth int) (*node, ty) {
	if t.kind == str && t.coll != "" {
		e, got := g.expr(s, ty{kind: str}, depth)
		if got.coll == t.coll {
			return e, t
		}
		return val(str, g.into(e, t.coll)), t
	}
	c, ok := g.column(s, t.kind)
	g.room--
	if depth <= 0 || g.room <= 0 || g.chance(45) {
		if !ok || g.chance(4) {
			return val(t.kind, g.literal(t.kind, nil)), t
		}
		return shown(c)
	}
	if g.chance(7) && g.room > 12 && !g.flat {
		return g.scalar(s, t, depth)
	}
	if g.chance(15) {
		if e, got := g.further(s, t.kind, depth); e != nil {
			return e, got
		}
	}
	switch t.kind {
	case num:
		return g.number(s, depth), t
	case str:
		return g.str(s, depth)
	case day:
		return g.day(s, depth), t
	case moment:
		return g.moment(s, depth), t
	case clock:
		return g.clock(s, depth), t
	case addr:
		return g.addr(s, depth), t
	}
	return g.doc(s, depth), t
}

// shown is a column in an expression that the client sees. Which of several equal strings a server takes for all of them it may choose: so all of their bytes are shown.
func shown(c named) (*node, ty) {
	if c.fold {
		return val(str, "HEX("+c.text+")"), ty{kind: str}
	}
	return val(c.ty.kind, c.text), c.ty
}

func (g *gen) of(s *scope, k kind, depth int) *node {
	e, _ := g.expr(s, ty{kind: k}, depth-1)
	return e
}

// into gives a string a collation.
func (g *gen) into(e *node, coll string) *node {
	if coll == "binary" {
		return cat("CAST(", e, " AS BINARY)")
	}
	return cat("CONVERT(", e, " USING ", charsetOf(coll), ") COLLATE ", coll)
}

func charsetOf(coll string) string {
	for i := range coll {
		if coll[i] == '_' {
			return coll[:i]
		}
	}
	return coll
}

// common is a collation that strings of all columns can be given.
const common = "utf8mb4_general_ci"

func (g *gen) number(s *scope, d int) *node {
	n := func() *node { return g.of(s, num, d) }
	switch g.IntN(34) {
	case 0, 1:
		return val(num, "(", n(), g.pick(" + ", " - "), n(), ")")
	case 2:
		return val(num, "(", n(), " * ", g.pick("2", "3", "-1", "0.5"), ")")
	case 3:
		return val(num, n(), g.pick(" / ", " DIV ", " % "), g.pick("2", "3", "7", "NULLIF(4, 4)"))
	case 4:
		return val(num, g.pick("ABS", "FLOOR", "CEIL", "SIGN", "ROUND", "-", "~~")+"(", n(), ")")
	case 5:
		return val(num, g.pick("ROUND", "TRUNCATE"), "(", n(), ", ", g.pick("0", "1", "2", "-1"), ")")
	case 6, 7:
		return val(num, g.pick("IFNULL", "COALESCE", "NULLIF", "GREATEST", "LEAST"), "(", n(), ", ", n(), ")")
	case 8:
		return val(num, "IF(", g.cond(s, d-1), ", ", n(), ", ", n(), ")")
	case 9:
		return g.cases(s, num, d, n)
	case 10:
		return val(num, "CAST(", n(), " AS ", g.pick("SIGNED", "DECIMAL(10,2)", "DECIMAL(20,4)", "DOUBLE", "INT"), ")")
	case 11:
		return val(num, "(", g.cond(s, d-1), ")")
	case 12:
		return val(num, "((", g.cond(s, d-1), ")", g.pick(" IS TRUE", " IS NOT TRUE", " IS UNKNOWN"), ")")
	case 13: // not ORD: of four bytes it is more than the INT that MariaDB makes of it in a temporary table
		return val(num, g.pick("LENGTH", "CHAR_LENGTH", "BIT_LENGTH", "ASCII", "CRC32"), "(", g.of(s, str, d), ")")
	case 14:
		return val(num, g.pick("LOCATE('a', ", "INSTR('abcx', ", "FIND_IN_SET('b', ", "STRCMP('b', "), g.of(s, str, d), ")")
	case 15:
		return val(num, g.pick("YEAR", "MONTH", "DAYOFWEEK", "TO_DAYS", "QUARTER", "DAYOFYEAR", "WEEKDAY"), "(", g.of(s, day, d), ")")
	case 16:
		return val(num, "DATEDIFF(", g.of(s, day, d), ", ", g.of(s, day, d), ")")
	case 17:
		return val(num, "TIMESTAMPDIFF(", g.pick("DAY", "MONTH", "HOUR", "YEAR"), ", ", g.of(s, moment, d), ", ", g.of(s, day, d), ")")
	case 18:
		return val(num, "EXTRACT(", g.pick("YEAR_MONTH", "DAY_HOUR", "MICROSECOND", "MINUTE"), " FROM ", g.of(s, moment, d), ")")
	case 19:
		return val(num, g.pick("HOUR", "TIME_TO_SEC", "MINUTE"), "(", g.of(s, clock, d), ")")
	case 20:
		return val(num, g.pick("JSON_LENGTH", "JSON_DEPTH", "JSON_VALID"), "(", g.of(s, doc, d), ")")
	case 21:
		return val(num, "JSON_CONTAINS(", g.of(s, doc, d), ", ", g.pick("'1'", "'\"x\"'", "'null'"), ")")
	case 22:
		return val(num, "(JSON_VALUE(", g.of(s, doc, d), ", '$.a') IS ", g.pick("", "NOT "), "NULL)")
	case 23:
		return val(num, "(", n(), g.pick(" & ", " | ", " ^ "), g.pick("3", "5", "15"), ")")
	case 24:
		return val(num, "UNIX_TIMESTAMP(", g.of(s, moment, d), ")")
	case 25:
		return val(num, "FIELD(", n(), ", 3, 1, 2)")
	case 26:
		return val(num, "INTERVAL(", n(), ", 1, 3, 7)")
	case 27:
		e := g.of(s, str, d)
		if e.constant() { // of which a strict UPDATE only warns, as MariaDB looks at it before it does at rows
			e = val(str, "'12'")
		}
		return val(num, "CAST(", e, " AS ", g.pick("SIGNED", "UNSIGNED", "DECIMAL(8,2)"), ")")
	case 28:
		return val(num, "MOD(", n(), ", ", n(), ")")
	case 29:
		return val(num, "WEEK(", g.of(s, day, d), ", ", g.pick("0", "1", "3"), ")")
	case 30:
		return val(num, "BIT_COUNT(", n(), ")")
	case 31:
		if v, ok := g.variable(); ok {
			return val(num, v)
		}
	case 32:
		return val(num, "DATEDIFF(", g.of(s, moment, d), ", '2024-01-01')")
	}
	return val(num, "(", n(), " + ", g.literal(num, nil), ")")
}

// variable is a user variable that is a number.
func (g *gen) variable() (string, bool) {
	i := g.IntN(len(g.vars))
	return fmt.Sprint("@v", i), g.vars[i]
}

func (g *gen) cases(s *scope, k kind, d int, of func() *node) *node {
	if g.chance(40) {
		w := []*node{cat(" WHEN ", g.literal(num, nil), " THEN ", of()), cat(" WHEN ", g.literal(num, nil), " THEN ", of())}
		return val(k, "CASE ", g.of(s, num, d), many("", w...), may(" ELSE ", of()), " END")
	}
	w := []*node{cat(" WHEN ", g.cond(s, d-1), " THEN ", of())}
	if g.chance(40) {
		w = append(w, cat(" WHEN ", g.cond(s, d-1), " THEN ", of()))
	}
	return val(k, "CASE", many("", w...), may(" ELSE ", of()), " END")
}

// str is a function that gives a string, and its collation. Only one argument is of a column, so that collations do not clash.
func (g *gen) str(s *scope, d int) (*node, ty) {
	e, t := g.expr(s, ty{kind: str}, d-1)
	lit := func() *node { return g.literal(str, nil) }
	switch g.IntN(25) {
	case 0, 1:
		return val(str, g.pick("UPPER", "LOWER", "TRIM", "REVERSE", "LTRIM", "RTRIM"), "(", e, ")"), t
	case 2:
		return val(str, "CONCAT(", e, ", ", lit(), ")"), t
	case 3:
		return val(str, g.pick("LEFT", "RIGHT"), "(", e, ", ", g.pick("1", "2", "5"), ")"), t
	case 4:
		return val(str, "SUBSTRING(", e, ", ", g.pick("1, 2", "2", "-2", "2, 1"), ")"), t
	case 5:
		return val(str, "REPLACE(", e, ", 'a', ", lit(), ")"), t
	case 6:
		return val(str, g.pick("LPAD", "RPAD"), "(", e, ", 4, '*')"), t
	case 7, 8:
		return val(str, g.pick("IFNULL", "COALESCE", "NULLIF"), "(", e, ", ", lit(), ")"), t
	case 9:
		return val(str, "IF(", g.cond(s, d-1), ", ", e, ", ", lit(), ")"), t
	case 10:
		return val(str, "CASE WHEN ", g.cond(s, d-1), " THEN ", e, may(" ELSE ", lit()), " END"), t
	case 11:
		return val(str, "CONCAT_WS('-', ", e, ", ", lit(), ")"), t
	case 12:
		return val(str, "SUBSTRING_INDEX(", e, ", 'b', 1)"), t
	case 13:
		return val(str, "REPEAT(", e, ", 2)"), t
	case 14:
		return val(str, "INSERT(", e, ", 1, 1, 'Q')"), t
	case 15:
		return val(str, g.into(e, common)), ty{str, common}
	case 16:
		return val(str, "HEX(", e, ")"), ty{kind: str}
	case 17:
		return val(str, "CAST(", g.of(s, num, d), " AS CHAR)"), ty{kind: str}
	case 18:
		return val(str, "FORMAT(", g.of(s, num, d), ", ", g.pick("0", "2"), ")"), ty{kind: str}
	case 19:
		return val(str, "DATE_FORMAT(", g.of(s, moment, d), ", '", g.pick("%Y-%m", "%W %d %b", "%H:%i:%s.%f", "%x-%v"), "')"), ty{kind: str}
	case 20:
		return val(str, g.pick("DAYNAME", "MONTHNAME"), "(", g.of(s, day, d), ")"), ty{kind: str}
	case 21:
		return val(str, "JSON_VALUE(", g.of(s, doc, d), ", ", g.pick("'$.a'", "'$[0]'", "'$.c.d'"), ")"), ty{kind: str}
	case 22:
		return val(str, "JSON_UNQUOTE(JSON_EXTRACT(", g.of(s, doc, d), ", '$.a'))"), ty{kind: str}
	case 23:
		return val(str, "JSON_TYPE(", g.of(s, doc, d), ")"), ty{kind: str}
	}
	return val(str, "ELT(", g.of(s, num, d), ", 'one', 'two', 'three')"), ty{kind: str}
}

func (g *gen) day(s *scope, d int) *node {
	e := func() *node { return g.of(s, day, d) }
	switch g.IntN(8) {
	case 0, 1:
		return val(day, e(), g.pick(" + ", " - "), "INTERVAL ", g.pick("1 DAY", "1 MONTH", "3 WEEK", "1 YEAR"))
	case 2:
		return val(day, "LAST_DAY(", e(), ")")
	case 3:
		return val(day, "DATE(", g.of(s, moment, d), ")")
	case 4:
		return val(day, g.pick("IFNULL", "COALESCE", "GREATEST", "LEAST"), "(", e(), ", DATE'2024-01-01')")
	case 5:
		return g.cases(s, day, d, e)
	case 6:
		return val(day, "MAKEDATE(2024, ", g.of(s, num, d), ")")
	}
	return val(day, "CAST(", e(), " AS DATE)")
}

func (g *gen) moment(s *scope, d int) *node {
	e := func() *node { return g.of(s, moment, d) }
	switch g.IntN(6) {
	case 0, 1:
		return val(moment, g.pick("DATE_ADD", "DATE_SUB"), "(", e(), ", INTERVAL ", g.pick("1 HOUR", "90 MINUTE", "'1:30' MINUTE_SECOND", "1 MONTH", "500000 MICROSECOND"), ")")
	case 2:
		return val(moment, "TIMESTAMP(", g.of(s, day, d), ")")
	case 3:
		return val(moment, "CAST(", e(), " AS DATETIME", g.pick("", "(3)"), ")")
	case 4:
		return g.cases(s, moment, d, e)
	}
	return val(moment, "COALESCE(", e(), ", ", e(), ")")
}

func (g *gen) clock(s *scope, d int) *node {
	switch g.IntN(5) {
	case 0:
		return val(clock, "TIME(", g.of(s, moment, d), ")")
	case 1:
		return val(clock, "SEC_TO_TIME(", g.of(s, num, d), ")")
	case 2:
		return val(clock, "ADDTIME(", g.of(s, clock, d), ", '01:00:00')")
	case 3:
		return val(clock, "TIMEDIFF(", g.of(s, clock, d), ", '00:30:00')")
	}
	return val(clock, "IFNULL(", g.of(s, clock, d), ", TIME'10:00:00')")
}

func (g *gen) doc(s *scope, d int) *node {
	e := func() *node { return g.of(s, doc, d) }
	switch g.IntN(9) {
	case 0:
		return val(doc, "JSON_OBJECT('k', ", g.of(s, num, d), ", 's', ", g.of(s, str, d), ")")
	case 1:
		return val(doc, "JSON_ARRAY(", g.of(s, num, d), ", ", g.of(s, day, d), ")")
	case 2:
		return val(doc, "JSON_EXTRACT(", e(), ", ", g.pick("'$.a'", "'$.b[1]'", "'$[*]'", "'$.c'"), ")")
	case 3:
		return val(doc, g.pick("JSON_SET", "JSON_INSERT", "JSON_REPLACE"), "(", e(), ", '$.a', ", g.of(s, num, d), ")")
	case 4:
		return val(doc, "JSON_REMOVE(", e(), ", '$.a')")
	case 5:
		return val(doc, "JSON_MERGE_PATCH(", e(), ", '{\"z\": 1}')")
	case 6:
		return val(doc, "JSON_KEYS(", e(), ")")
	case 7:
		return val(doc, "JSON_QUERY(", e(), ", '$.b')")
	}
	return val(doc, "JSON_COMPACT(", e(), ")")
}
