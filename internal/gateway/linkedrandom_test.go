package gateway

import (
	"errors"
	"fmt"
	"math/rand"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// partedTables are partitioned as they are here, and plain ones at a server. What is marked with @ is at the second server.
var partedTables = []struct{ name, by string }{
	{"k1", "KEY (a) (PARTITION p0, PARTITION p1@, PARTITION p2)"},
	{"k2", "KEY (a) (PARTITION x0, PARTITION x1@, PARTITION x2)"},
	{"h", "HASH (a + 3) (PARTITION p0, PARTITION p1@, PARTITION p2, PARTITION p3@)"},
	{"lk", "LINEAR KEY (s, a) (PARTITION p0, PARTITION p1@, PARTITION p2)"},
	{"r", "RANGE (a) (PARTITION p0 VALUES LESS THAN (3), PARTITION p1 VALUES LESS THAN (6)@, PARTITION p2 VALUES LESS THAN MAXVALUE)"},
	{"rd", "RANGE (YEAR(d)) SUBPARTITION BY HASH (TO_DAYS(d)) SUBPARTITIONS 2 (PARTITION p0 VALUES LESS THAN (2001), PARTITION p1 VALUES LESS THAN (2003)@, PARTITION p2 VALUES LESS THAN MAXVALUE)"},
	{"rc", "RANGE COLUMNS (s, a) (PARTITION p0 VALUES LESS THAN ('b', 3)@, PARTITION p1 VALUES LESS THAN ('c', MAXVALUE), PARTITION p2 VALUES LESS THAN (MAXVALUE, MAXVALUE))"},
	{"l", "LIST (a) (PARTITION p0 VALUES IN (1, 2, 3, NULL), PARTITION p1 VALUES IN (4, 5)@, PARTITION p2 DEFAULT)"},
	{"lc", "LIST COLUMNS (s) (PARTITION p0 VALUES IN ('a', 'b')@, PARTITION p1 DEFAULT)"},
}

const partedColumns = "a INT, b INT NOT NULL, s VARCHAR(10) COLLATE utf8mb4_general_ci, v DECIMAL(6,2), d DATE"

// sqlGenerator makes statements that mean the same wherever the rows are.
type sqlGenerator struct {
	*rand.Rand
	prepared bool // values are parameters
	args     []any
}

func (g *sqlGenerator) of(list ...string) string { return list[g.Intn(len(list))] }

func (g *sqlGenerator) value(column string) string {
	text := g.literal(column)
	if !g.prepared || strings.HasPrefix(text, "DATE") {
		return text
	}
	var arg any
	if plain, quoted := strings.CutPrefix(text, "'"); quoted {
		arg = strings.TrimSuffix(plain, "'")
	} else if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		arg = n
	} else if f, err := strconv.ParseFloat(text, 64); err == nil {
		arg = f
	}
	g.args = append(g.args, arg)
	return "?"
}

func (g *sqlGenerator) literal(column string) string {
	if g.Intn(12) == 0 {
		return "NULL"
	}
	switch column {
	case "s":
		return g.of("'a'", "'A'", "'b'", "'b '", "'c'", "'Ö'", "''", "'zz'")
	case "v":
		return g.of("1.50", "2", "0", "-1.25", "'1.5'", "99.99")
	case "d":
		return g.of("'2000-01-01'", "'2001-06-30'", "'2002-12-31'", "'2003-01-01'", "'2020-02-02'", "DATE'2001-06-30'", "'2001-06-30 00:00:00'")
	}
	return g.of("0", "1", "2", "3", "4", "5", "6", "7", "'3'", "2.5", "-1", "1000")
}

func (g *sqlGenerator) column() string { return g.of("a", "a", "b", "s", "v", "d") }

// condition is about the columns of a table that is called by the name.
func (g *sqlGenerator) condition(name string, depth int) string {
	c := g.column()
	full := name + "." + c
	n := 13
	if depth <= 0 {
		n = 10
	}
	switch g.Intn(n) {
	case 0, 1:
		return full + g.of(" = ", " <=> ", " <> ") + g.value(c)
	case 2, 3:
		return full + g.of(" < ", " <= ", " > ", " >= ") + g.value(c)
	case 4:
		return g.value(c) + g.of(" < ", " <= ", " > ", " >= ", " = ") + full
	case 5:
		return full + g.of(" IN (", " NOT IN (") + g.value(c) + ", " + g.value(c) + ", " + g.value(c) + ")"
	case 6, 7:
		return full + g.of(" BETWEEN ", " BETWEEN ", " NOT BETWEEN ") + g.value(c) + " AND " + g.value(c)
	case 8:
		return full + g.of(" IS NULL", " IS NOT NULL")
	case 9:
		o := g.column()
		return "(" + full + ", " + name + "." + o + ")" + g.of(" = ", " < ", " >= ", " <= ", " > ") + "(" + g.value(c) + ", " + g.value(o) + ")"
	case 10:
		return "NOT (" + g.condition(name, depth-1) + ")"
	case 11:
		return "(" + g.condition(name, depth-1) + " OR " + g.condition(name, depth-1) + ")"
	}
	return "(" + g.condition(name, depth-1) + " AND " + g.condition(name, depth-1) + ")"
}

// partition is PARTITION (…) now and then.
func (g *sqlGenerator) partition(table string) string {
	switch g.Intn(36) {
	case 0, 1, 2, 3, 4:
	case 5:
		return " PARTITION (" + g.of("p0, nosuch", "`x``y`") + ")"
	default:
		return ""
	}
	switch table {
	case "rd":
		return " PARTITION (" + g.of("p0", "p1sp1, P2", "p2sp0") + ")"
	case "lc":
		return " PARTITION (" + g.of("p0", "p1") + ")"
	case "k2":
		return " PARTITION (" + g.of("x0", "x1, x2", "x2") + ")"
	}
	return " PARTITION (" + g.of("p0", "p1, p2", "p2") + ")"
}

// read is a SELECT; sorted says that it decides the rows' order.
func (g *sqlGenerator) read(table string) (text string, sorted bool) {
	from := table + g.partition(table)
	where := func() string { return g.condition(table, 2) } // in the order of the text, for parameters
	switch g.Intn(19) {
	case 0:
		return "SELECT * FROM " + from + " WHERE " + where(), false
	case 1:
		return "SELECT *, b * 2 FROM " + from + " AS t WHERE " + g.condition("t", 2), false
	case 2:
		return fmt.Sprintf("SELECT a, s, v, d FROM %s WHERE %s ORDER BY %s, a, v, d, b, HEX(s) LIMIT %d", from, where(), g.of("a", "s", "v DESC", "d", "s DESC, a"), 1+g.Intn(9)), true
	case 3:
		return "SELECT COUNT(*), SUM(a), AVG(v), RTRIM(LOWER(MIN(s))), MAX(d), COUNT(DISTINCT s) FROM " + from + " WHERE " + where(), false
	case 4:
		c := g.column()
		return fmt.Sprintf("SELECT %s, COUNT(*), SUM(v), MAX(b) FROM %s WHERE %s GROUP BY %s", g.of("MIN(b)", "COUNT("+c+")", "MIN(v) + MAX(a)"), from, where(), c), false
	case 5:
		return "SELECT a AS x, COUNT(*) AS n FROM " + from + " WHERE " + where() + " GROUP BY x HAVING n > 1 ORDER BY n, x", true
	case 6:
		return "SELECT DISTINCT " + g.of("a", "d", "a, d", "b", "v") + " FROM " + from + " WHERE " + where(), false
	case 7:
		return "SELECT * FROM (SELECT a, s, d, v AS w FROM " + from + " WHERE " + where() + ") x WHERE x.a > " + g.value("a"), false
	case 8:
		return "SELECT a, d FROM " + from + " WHERE " + where() + " UNION ALL SELECT a, d FROM " + table + " WHERE " + g.condition(table, 1), false
	case 9:
		return "WITH c AS (SELECT * FROM " + from + ") SELECT COUNT(*), SUM(b) FROM c WHERE " + g.condition("c", 2), false
	case 10:
		return "SELECT COUNT(*), SUM(x.b), SUM(y.b) FROM k1" + g.partition("k1") + " x " + g.of("", "LEFT", "RIGHT") + " JOIN k2" + g.partition("k2") + " y ON x.a = y.a AND " +
			g.condition(g.of("x", "y"), 1) + " WHERE " + g.condition(g.of("x", "y"), 1), false
	case 11:
		return "SELECT b FROM k1 WHERE a IN (SELECT a FROM k2" + g.partition("k2") + " WHERE " + g.condition("k2", 1) + ") AND " + g.condition("k1", 1), false
	case 12:
		return "SELECT DATABASE(), b FROM " + from + " WHERE " + where() + g.of("", " FOR UPDATE", " LOCK IN SHARE MODE"), false
	case 13:
		return "SELECT b, (SELECT COUNT(*) FROM k2" + g.partition("k2") + " WHERE k2.a = k1.a AND " + g.condition("k2", 1) + ") FROM k1 WHERE " + g.condition("k1", 1), false
	case 14:
		return "SELECT a, d, s, GROUP_CONCAT(b ORDER BY b), ROUND(STD(b), 6) FROM " + from + " WHERE " + where() + " GROUP BY a, d, HEX(s), s", false
	case 15:
		return "SELECT a, b, d FROM " + from + " WHERE " + where() + " UNION SELECT a, 1, d FROM " + table + " WHERE " + g.condition(table, 1), false
	case 16:
		return "SELECT COUNT(*), MAX(y.v) FROM k1 JOIN (SELECT a, MAX(v) AS v FROM k2 WHERE " + g.condition("k2", 1) + " GROUP BY a) y ON y.a = k1.a AND " + g.condition("k1", 1), false
	case 17:
		return "SELECT MAX(b) - MIN(b) AS x, MAX(d) FROM " + from + " WHERE " + where() + " HAVING x > " + g.value("a"), false
	}
	return "SELECT x.a, y.b FROM " + table + " x JOIN " + table + " y USING (a, s, d) WHERE " + g.condition("x", 1), false
}

// write changes rows.
func (g *sqlGenerator) write(table string) string {
	where := func() string { return g.condition(table, 2) } // in the order of the text, for parameters
	switch g.Intn(8) {
	case 0:
		return "DELETE FROM " + table + g.partition(table) + " WHERE b % 5 = 0 AND " + where()
	case 1, 2:
		return "UPDATE " + table + g.partition(table) + " SET v = v + 1, b = b + 1 WHERE " + where()
	case 3:
		return "UPDATE k1 x JOIN k2 y ON x.a = y.a SET x.v = 7 WHERE " + g.condition("y", 1)
	case 4:
		return "DELETE x FROM k1 AS x JOIN k2 y ON x.a = y.a WHERE x.b > y.b AND " + g.condition("x", 1)
	case 5:
		return "INSERT INTO k2 SELECT * FROM k1 WHERE b % 3 = 1 AND " + g.condition("k1", 1)
	case 6:
		return "INSERT INTO " + table + " (a, s, d, b) SELECT b % 9, s, d, a + 1 FROM " + g.of("k1", "h", "r") + " AS t WHERE b % 3 = 1 AND a IS NOT NULL AND " + g.condition("t", 1)
	}
	var rows []string
	for range 1 + g.Intn(3) {
		rows = append(rows, fmt.Sprintf("(%s, %d, %s, %s, %s)", g.value("a"), g.Intn(10), g.value("s"), g.value("v"), g.value("d")))
	}
	return "INSERT INTO " + table + g.partition(table) + " VALUES " + strings.Join(rows, ", ")
}

// Random statements on linked tables with partitions answer as they do on partitioned tables of one server, and write the same.
func TestLinkedRandomStatements(t *testing.T) {
	b := cluster(t)
	b.dropServers(t)
	one, two := newRemote(t), newRemote(t)
	c := b.database(t, "parted")
	c.exec(one.server("one"))
	c.exec(two.server("two"))
	one.exec("CREATE DATABASE parted")
	one.exec("USE parted")
	g := &sqlGenerator{Rand: rand.New(rand.NewSource(1))}
	for _, table := range partedTables {
		one.exec("CREATE TABLE " + table.name + " (" + partedColumns + ") PARTITION BY " + strings.ReplaceAll(table.by, "@", ""))
		for _, name := range strings.Split(one.rows("SELECT CONCAT_WS('#', table_name, 'P', partition_name, IF(subpartition_name IS NULL, NULL, 'SP'), subpartition_name) "+
			"FROM information_schema.partitions WHERE table_schema = 'parted' AND table_name = ?", table.name), "/") {
			for _, r := range []*remoteServer{one, two} { // columns in another order, and one more: nobody may see it
				r.exec("CREATE TABLE old.`" + name + "` (x INT DEFAULT 5, d DATE, v DECIMAL(6,2), s VARCHAR(10) COLLATE utf8mb4_general_ci, b INT NOT NULL, a INT)")
			}
		}
		c.exec("CREATE TABLE " + table.name + " (" + partedColumns + ") ENGINE=SPIDER COMMENT='srv \"one\"' PARTITION BY " + strings.ReplaceAll(table.by, "@", ` COMMENT 'srv "two"'`))
		c.want("SHOW WARNINGS", "")
		for range 25 {
			row := fmt.Sprintf("INSERT INTO %s VALUES (%s, %d, %s, %s, %s)", table.name, g.value("a"), g.Intn(10), g.value("s"), g.value("v"), g.value("d"))
			one.exec(row)
			c.exec(row)
		}
	}
	for _, at := range []*client{c, one.client} {
		at.exec("SET sql_mode=''")
	}
	refused := 0
	const statements = 800
	for n := range statements {
		table := partedTables[g.Intn(len(partedTables))].name
		text, sorted, write := "", false, g.Intn(4) == 0
		g.prepared, g.args = g.Intn(3) == 0, nil
		if write {
			text = g.write(table)
		} else {
			text, sorted = g.read(table)
		}
		got, err := answered(c, text, g.args, sorted, write)
		var e *mysql.MySQLError
		if errors.As(err, &e) && e.Number == 1235 {
			refused++
			continue
		}
		want, werr := answered(one.client, text, g.args, sorted, write)
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("%d: %s %v: %v", n, text, g.args, err)
		}
		if got != want || told(err) != told(werr) {
			t.Fatalf("%d: %s %v\nanswers %s, %v\nnot     %s, %v", n, text, g.args, got, err, want, werr)
		}
		if write && n%5 == 0 {
			for _, name := range []string{table, "k1", "k2"} {
				all := "SELECT * FROM " + name
				if got, want := orderless(c.rows(all)), orderless(one.rows(all)); got != want {
					t.Fatalf("%d: after %s\n%s has %s\nnot %s", n, text, name, got, want)
				}
			}
		}
	}
	t.Logf("%d of %d statements refused", refused, statements)
	if refused > statements/5 {
		t.Error("too many statements are refused")
	}
}

// answered is what a statement answers: its rows, or how many it has changed.
func answered(c *client, text string, args []any, sorted, write bool) (string, error) {
	if write {
		res, err := c.c.ExecContext(timeout(c.t), text, args...)
		if err != nil {
			return "", err
		}
		n, err := res.RowsAffected()
		return fmt.Sprint(n, " rows"), err
	}
	rows, err := c.query(text, args...)
	if !sorted {
		rows = orderless(rows)
	}
	return rows, err
}

// told is an error's text but for what MariaDB calls the table that lacks a partition: that may be an alias of an earlier statement.
func told(err error) string {
	text, _, _ := strings.Cut(fmt.Sprint(err), " in table '")
	return text
}

func orderless(rows string) string {
	list := strings.Split(rows, "/")
	slices.Sort(list)
	return strings.Join(list, "/")
}
