package gateway

import (
	"fmt"
	"math/rand"
	"strconv"
	"strings"
)

// typeGenerator makes statements on tables of random types.
type typeGenerator struct {
	*rand.Rand
	t        *randomTable
	prepared bool
	args     []any
	writes   bool // the statement under way
}

func (g *typeGenerator) of(list ...string) string { return list[g.Intn(len(list))] }

func (g *typeGenerator) column() *randomColumn { return &g.t.columns[g.Intn(len(g.t.columns))] }

// deciding is a column, often the one that decides.
func (g *typeGenerator) deciding() *randomColumn {
	if g.Intn(2) == 0 {
		return &g.t.columns[1]
	}
	return g.column()
}

// value is one for the column, or an odd one; as a parameter where the statement is prepared.
func (g *typeGenerator) value(c *randomColumn) string {
	text := g.of(c.literals()...)
	switch n := g.Intn(40); {
	case g.writes && (c.class == 'D' || c.class == 'M'):
		text = g.of(c.literals()...) // of 0000-00-00 MariaDB forgets where its rows are
	case n < 2:
		text = "NULL"
	case n < 8 && (c.class == 'o' || c.class == 'B'):
		// MariaDB compares these with other values in several ways, by the indexes and partitions that there are.
	case n < 8:
		text = g.of(oddValues...)
	case n == 8 && !g.writes && c.class != 'o':
		text = g.of(collated...)
	}
	if !g.prepared || g.Intn(4) == 0 {
		return text
	}
	arg, ok := parameter(text)
	if !ok {
		return text
	}
	g.args = append(g.args, arg)
	return "?"
}

// parameter is a literal as a client's value.
func parameter(text string) (any, bool) {
	if text == "NULL" {
		return nil, true
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, true
	}
	if n, err := strconv.ParseUint(text, 10, 64); err == nil {
		return n, true
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil && strings.Trim(text, "-0123456789.e") == "" {
		return f, true
	}
	if text[0] == '\'' && !strings.Contains(text, "COLLATE") && !strings.Contains(text, "\\") {
		return strings.Trim(text, "'"), true
	}
	return nil, false
}

// good is a value of the column's type.
func (g *typeGenerator) good(c *randomColumn) string {
	if !c.required && g.Intn(8) == 0 {
		return "NULL"
	}
	return g.of(c.literals()...)
}

func (g *typeGenerator) comparison(name string) string {
	c := g.deciding()
	full := name + "." + c.name
	switch g.Intn(12) {
	case 0, 1:
		return full + g.of(" = ", " = ", " <=> ", " <> ") + g.value(c)
	case 2, 3:
		return full + g.of(" < ", " <= ", " > ", " >= ") + g.value(c)
	case 4:
		return g.value(c) + g.of(" < ", " <= ", " > ", " >= ", " = ") + full
	case 5:
		return full + g.of(" IN (", " NOT IN (") + g.value(c) + ", " + g.value(c) + ", " + g.value(c) + ")"
	case 6, 7:
		between := full + g.of(" BETWEEN ", " BETWEEN ", " NOT BETWEEN ")
		if c.class == 's' || c.class == 'b' || c.class == 'e' { // which MariaDB prunes wrongly where the ends are of several types
			return between + g.of(c.literals()...) + " AND " + g.of(c.literals()...)
		}
		return between + g.value(c) + " AND " + g.value(c)
	case 8:
		return full + g.of(" IS NULL", " IS NOT NULL")
	case 9:
		o := g.column()
		return "(" + full + ", " + name + "." + o.name + ")" + g.of(" = ", " < ", " >= ", " IN (") + "(" + g.value(c) + ", " + g.value(o) + ")"
	case 10:
		return full + g.of(" LIKE ", " NOT LIKE ") + g.of("'a%'", "'%b%'", "'1%'", "'_'", "'20%'", "'%'")
	}
	return name + ".id % " + strconv.Itoa(2+g.Intn(3)) + " = 1"
}

// condition is about the columns of a table that is called by the name.
func (g *typeGenerator) condition(name string, depth int) string {
	n := 11
	if depth <= 0 {
		n = 6
	}
	switch g.Intn(n) {
	case 6:
		return "NOT (" + g.condition(name, depth-1) + ")"
	case 7, 8:
		return "(" + g.condition(name, depth-1) + " OR " + g.condition(name, depth-1) + ")"
	case 9, 10:
		return "(" + g.condition(name, depth-1) + " AND " + g.condition(name, depth-1) + ")"
	}
	text := g.comparison(name)
	if strings.Contains(text, " IN ((") {
		text += ")"
	}
	return text
}

// all are the columns as values that clients see alike, total what orders their rows wholly.
func (g *typeGenerator) all(name string) string {
	var out []string
	for i := range g.t.columns {
		c := &g.t.columns[i]
		out = append(out, c.shown(name+"."+c.name))
	}
	return strings.Join(out, ", ")
}

func (g *typeGenerator) total(name string) string {
	out := name + ".id"
	for i := range g.t.columns[1:] {
		c := &g.t.columns[i+1]
		out += ", HEX(CONCAT(" + c.shown(name+"."+c.name) + "))"
	}
	return out
}

// one is a column of those that fit; id fits always.
func (g *typeGenerator) one(fits func(*kind) bool) *randomColumn {
	for range 6 {
		if c := g.deciding(); fits(c.kind) {
			return c
		}
	}
	return &g.t.columns[0]
}

// aggregate is one whose answer does not depend on the order of rows.
func (g *typeGenerator) aggregate() string {
	switch g.Intn(8) {
	case 0:
		return "COUNT(*)"
	case 1:
		return "COUNT(" + g.column().name + ")"
	case 2:
		return "COUNT(DISTINCT " + g.one(func(k *kind) bool { return k.class != 'g' && k.class != 't' && k.class != 'j' }).name + ")"
	case 3:
		return "SUM(" + g.one((*kind).numeric).name + ")"
	case 4:
		return "AVG(" + g.one(func(k *kind) bool { return k.class == 'i' || k.class == 'd' || k.class == 'y' }).name + ")"
	case 5:
		return g.of("BIT_AND(", "BIT_OR(", "BIT_XOR(") + g.one(func(k *kind) bool { return k.class == 'i' || k.class == 'B' }).name + ")"
	}
	return g.of("MIN(", "MAX(") + g.one(func(k *kind) bool {
		return k.exact() && k.class != 'e' && k.class != 'B' && !strings.HasSuffix(k.ddl, "ZEROFILL")
	}).name + ")"
}

// read is a SELECT; sorted says that it decides the rows' order.
func (g *typeGenerator) read() (text string, sorted bool) {
	t := g.t.name
	switch g.Intn(16) {
	case 0, 1, 2:
		return "SELECT * FROM " + t + " WHERE " + g.condition(t, 2), false
	case 3, 4:
		c := g.one(func(k *kind) bool { return k.class != 'g' })
		return fmt.Sprintf("SELECT %s FROM %s WHERE %s ORDER BY %s%s, %s LIMIT %s%d", g.all(t), t, g.condition(t, 1), c.name, g.of("", " DESC"), g.total(t), g.of("", "", "2, "), 1+g.Intn(9)), true
	case 5:
		return "SELECT " + g.aggregate() + ", " + g.aggregate() + ", " + g.aggregate() + " FROM " + t + " WHERE " + g.condition(t, 2), false
	case 6, 7:
		c := g.one(func(k *kind) bool { return k.class != 'g' })
		shown := c.shownName()
		if !c.exact() {
			shown = "COUNT(*)"
		}
		return fmt.Sprintf("SELECT %s, %s, %s FROM %s WHERE %s GROUP BY %s%s", shown, g.aggregate(), g.aggregate(), t, g.condition(t, 1), c.name, g.of("", "", " HAVING COUNT(*) > 1")), false
	case 8:
		c, d := g.one((*kind).exact), g.one((*kind).exact)
		return "SELECT DISTINCT " + g.of(c.shownName(), c.shownName()+", "+d.shownName()) + " FROM " + t + " WHERE " + g.condition(t, 1), false
	case 9:
		c := g.one((*kind).exact)
		return fmt.Sprintf("SELECT DISTINCT %s AS c FROM %s WHERE %s ORDER BY c LIMIT %d", c.shownName(), t, g.condition(t, 1), 1+g.Intn(6)), true
	case 10:
		c := g.deciding()
		return "SELECT id, " + c.name + g.of(" = ", " < ", " <=> ") + g.value(c) + " FROM " + t + " WHERE " + g.condition(t, 1), false
	case 11:
		return "SELECT x.id, y.id FROM " + t + " x JOIN " + t + " y ON x.k = y.k" + g.of("", " AND x.id = y.id", " AND x.x = y.x") + " WHERE " + g.condition("x", 1), false
	case 12:
		c := g.one((*kind).exact)
		return fmt.Sprintf("SELECT * FROM (SELECT id, %s AS c FROM %s WHERE %s) d WHERE c %s %s", c.shownName(), t, g.condition(t, 1), g.of("=", "<", ">="), g.value(c)), false
	case 13:
		return "SELECT id, " + g.deciding().shownName() + " FROM " + t + " WHERE " + g.condition(t, 1) + " UNION ALL SELECT id, " + g.column().shownName() + " FROM " + t + " WHERE " + g.condition(t, 1), false
	case 14:
		return "SELECT " + g.all(t) + " FROM " + t + " WHERE " + g.condition(t, 2) + g.of("", " FOR UPDATE", " LOCK IN SHARE MODE"), false
	}
	c := &g.t.columns[1]
	return "SELECT *, HEX(CONCAT(" + c.shownName() + ")) FROM " + t + " WHERE k = " + g.value(c) + g.of("", " AND id = "+strconv.Itoa(g.Intn(40))), false
}

func (c *randomColumn) shownName() string { return c.shown(c.name) }

// row is the values of a row; odd ones where they may be.
func (g *typeGenerator) row(good bool) string {
	out := "(" + strconv.Itoa(g.Intn(40))
	for i := range g.t.columns[1:] {
		c := &g.t.columns[i+1]
		if good || g.Intn(3) > 0 {
			out += ", " + g.good(c)
		} else {
			out += ", " + g.value(c)
		}
	}
	return out + ")"
}

// sets gives columns that decide nothing new values.
func (g *typeGenerator) sets() string {
	n := g.Intn(2)
	c, o := &g.t.columns[3+n], &g.t.columns[4-n]
	text := c.name + " = "
	if c.numeric() && g.Intn(3) == 0 {
		text += c.name + " + 1"
	} else {
		text += g.value(c)
	}
	if g.Intn(3) == 0 {
		text += ", " + o.name + " = " + g.value(o)
	}
	return text
}

// write changes rows.
func (g *typeGenerator) write() string {
	t := g.t.name
	rows := func() string {
		out := g.row(false)
		for range g.Intn(4) {
			out += ", " + g.row(false)
		}
		return out
	}
	switch g.Intn(18) {
	case 0, 1:
		return "DELETE FROM " + t + " WHERE id % 5 = 0 AND " + g.condition(t, 1)
	case 14, 15, 16, 17:
		if g.t.unique {
			return g.beside()
		}
	case 2, 3:
		return "UPDATE " + g.of("", "", "IGNORE ") + t + " SET " + g.sets() + " WHERE " + g.condition(t, 1)
	case 4:
		return "INSERT IGNORE INTO " + t + " VALUES " + rows()
	case 5:
		return "REPLACE INTO " + t + " VALUES " + rows()
	case 6:
		return "INSERT INTO " + t + " VALUES " + rows() + " ON DUPLICATE KEY UPDATE " + g.sets()
	case 7:
		return "INSERT INTO " + t + " (id, k) VALUES (" + strconv.Itoa(g.Intn(40)) + ", " + g.value(&g.t.columns[1]) + ")"
	case 8:
		c, d := &g.t.columns[1], g.column()
		if d.name == "id" || d.name == "k" {
			return "INSERT INTO " + t + " SET id = 7, k = " + g.value(c)
		}
		return "INSERT INTO " + t + " SET id = " + strconv.Itoa(g.Intn(40)) + ", k = " + g.value(c) + ", " + d.name + " = " + g.value(d)
	case 9:
		return "INSERT " + g.of("", "IGNORE ") + "INTO " + t + " SELECT id + 40, k, x, y, z FROM " + t + " AS s WHERE id % 7 = 3 AND " + g.condition("s", 1)
	}
	return "INSERT INTO " + t + " VALUES " + rows()
}

// beside changes rows as a table of another place, or their order, says.
func (g *typeGenerator) beside() string {
	t := g.t.name
	c := &g.t.columns[3+g.Intn(2)]
	where := func() string {
		if g.t.by != "" { // where MariaDB forgets rows of partitions, and warns of what it looks at there
			return t + ".id % 4 <> " + strconv.Itoa(g.Intn(5))
		}
		return g.condition(t, 1)
	}
	n := 6
	if g.t.by != "" { // MariaDB does not change all rows that it goes through in order
		n = 4
	}
	switch g.Intn(n) {
	case 0:
		return "UPDATE " + g.of("", "IGNORE ") + t + " JOIN other ON other.id = " + t + ".id SET " + t + "." + c.name + " = " + g.value(c) + ", other.n = other.n + 1 WHERE other.n > " + strconv.Itoa(g.Intn(10))
	case 1:
		return "UPDATE " + t + " SET " + g.sets() + " WHERE id IN (SELECT id FROM other WHERE n < " + strconv.Itoa(g.Intn(8)) + ") AND " + where()
	case 2:
		return "UPDATE " + t + " AS a LEFT JOIN other b ON b.id = a.id + 30 SET a." + c.name + " = IF(b.n IS NULL, " + g.value(c) + ", " + g.value(c) + ") WHERE a.id > " + strconv.Itoa(g.Intn(30))
	case 3:
		return "DELETE " + t + " FROM " + t + " JOIN other ON other.id = " + t + ".id WHERE other.n = " + strconv.Itoa(g.Intn(10)) + " AND " + where()
	case 4:
		return "UPDATE " + t + " SET " + g.sets() + " WHERE " + where() + " ORDER BY id LIMIT 1000"
	}
	return "DELETE FROM " + t + " WHERE id % 7 = 0 AND " + where() + " ORDER BY id LIMIT 1000"
}
