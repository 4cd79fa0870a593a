package main

import (
	"fmt"
	"slices"
)

// wide are numbers of more digits than a BIGINT or a DOUBLE has.
var wide = []string{"12345678901234567890.12345678901234567890", "-0.00000000000000000001", "0", "1.5", "99999999999999999999", "3"}

var (
	uuids = quoted([]string{"00000000-0000-0000-0000-000000000001", "123e4567-e89b-12d3-a456-426655440000", "ffffffff-ffff-4fff-8fff-ffffffffffff", "6ccd780c-baba-1026-9564-5b8c656024db", "00000000-0000-1000-0000-000000000001"})
	inet6 = quoted([]string{"::", "::1", "2001:db8::ff00:42:8329", "::ffff:192.0.2.128", "fe80::1"})
	inet4 = quoted([]string{"0.0.0.0", "127.0.0.1", "192.0.2.128", "10.0.0.10", "10.0.0.9"})
)

// mixed is a table of the types that others have not, with a key of any type that may be one.
func (g *gen) mixed(w *world) *table {
	typ := ""
	switch g.IntN(3) {
	case 0:
		typ, w.addrs = "UUID", uuids
	case 1:
		typ, w.addrs = "INET6", inet6
	default:
		typ, w.addrs = "INET4", inet4
	}
	some := quoted([]string{"a", "b", "ab", "x", "abc", "zebra", "10", "9", "A1", "_u"})
	keys := []column{
		plainColumn("k", typ, addr, w.addrs, false), plainColumn("k", "DATE", day, days, false), plainColumn("k", "DECIMAL(7,2)", num, decimals, false),
		plainColumn("k", "DATETIME(3)", moment, fine[:4], false), plainColumn("k", "TIME", clock, clocks, false), plainColumn("k", "BIT(6)", num, numbers(1, 20), false),
		plainColumn("k", "YEAR", num, []string{"1999", "2000", "2024", "2155", "1901"}, false), plainColumn("k", "BIGINT UNSIGNED", num, numbers(1, 20), false),
		{name: "k", ty: ty{str, "binary"}, decl: "VARBINARY(8) NOT NULL", pool: some}, {name: "k", ty: ty{str, common}, decl: "CHAR(8) CHARACTER SET utf8mb4 COLLATE " + common + " NOT NULL", pool: some},
		{name: "k", ty: ty{str, common}, decl: "ENUM('x','b','a') CHARACTER SET utf8mb4 COLLATE " + common + " NOT NULL", pool: quoted([]string{"a", "b", "x"})},
	}
	t := &table{db: "d1", name: "mix", key: []string{"k"}, extra: g.pick("", "KEY (st)", "KEY (u)"), cols: []column{
		keys[g.IntN(len(keys))],
		{name: "st", ty: ty{str, common}, decl: "SET('a','b','c','x') CHARACTER SET utf8mb4 COLLATE " + common, pool: quoted([]string{"a", "a,b", "b,x", "c", "", "a,b,c,x"}), null: true},
		plainColumn("bt", "BIT(5)", num, numbers(0, 9), true), plainColumn("u", typ, addr, w.addrs, true), plainColumn("t6", "TIME(6)", clock, append([]string{"'12:30:00.000001'", "'-00:00:00.5'"}, clocks...), true),
		plainColumn("dt6", "DATETIME(6)", moment, append([]string{"'2024-01-01 12:30:00.123456'"}, fine...), true), plainColumn("dc", "DECIMAL(45,20)", num, wide, true),
		{name: "bl", ty: ty{str, "binary"}, decl: "BLOB", pool: some, null: true}, plainColumn("n", "INT", num, numbers(0, 9), true),
		computed("dbl", "INT AS (n * 2) "+g.pick("STORED", "VIRTUAL"), num),
	}}
	for _, c := range []struct{ name, typ string }{{"tx", "TEXT"}, {"ch", "CHAR(8)"}} {
		cs, coll, words := g.collation()
		if cs == "binary" {
			cs, coll, words = "latin1", "latin1_swedish_ci", latin
		}
		t.cols = append(t.cols, column{name: c.name, ty: ty{str, coll}, decl: fmt.Sprintf("%s CHARACTER SET %s COLLATE %s", c.typ, cs, coll), pool: quoted(words), null: true})
	}
	if g.chance(50) {
		t.key = append(t.key, "n")
		if g.chance(50) {
			t.shard = []string{g.pick("k", "n")}
		}
		t.column("n").null, t.column("n").decl = false, "INT NOT NULL"
	}
	if w.fixed {
		t.cols = append(t.cols, column{name: "upd", ty: ty{kind: moment}, decl: g.pick("DATETIME", "TIMESTAMP") + " NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP", pool: moments})
	}
	return t
}

// versioned is a table whose rows have a history, where the time of what is done to it is known.
func (g *gen) versioned(w *world) *table {
	return &table{db: "d2", name: "ver", kept: w.fixed, key: []string{"id"}, cols: []column{
		plainColumn("id", "INT", num, numbers(1, 14), false), plainColumn("v", "INT", num, numbers(0, 9), true), g.text("s", 16, true), plainColumn("d", "DATE", day, days, true),
	}}
}

// times are from when on a session's writes are: each to a table with a history has a time of its own.
const times = 1_700_000_000

// aside is a statement that goes ahead of another one.
func (g *gen) ahead(sql string, st statement) statement {
	g.waiting = append(g.waiting, st)
	return statement{root: cat(sql), keep: true}
}

// tick gives the session a later time.
func (g *gen) tick() string {
	g.ticks++
	return fmt.Sprintf("SET timestamp = %d.%d", times+g.ticks, g.IntN(3)*25)
}

// history is what stands behind a table to see its rows of other times.
func (g *gen) history() string {
	at := func() string { return fmt.Sprintf("FROM_UNIXTIME(%d)", times+g.IntN(g.ticks+2)) }
	switch g.IntN(4) {
	case 0:
		return " FOR SYSTEM_TIME ALL"
	case 1:
		return " FOR SYSTEM_TIME BETWEEN " + at() + " AND " + at()
	case 2:
		return " FOR SYSTEM_TIME FROM " + at() + " TO " + at()
	}
	return " FOR SYSTEM_TIME AS OF " + at()
}

func (g *gen) addr(s *scope, d int) *node {
	e := func() *node { return g.of(s, addr, d) }
	switch g.IntN(4) {
	case 0:
		return val(addr, g.pick("IFNULL", "COALESCE", "NULLIF"), "(", e(), ", ", e(), ")")
	case 1:
		return g.cases(s, addr, d, e)
	case 2:
		return val(addr, "IF(", g.cond(s, d-1), ", ", e(), ", ", e(), ")")
	}
	return val(addr, "COALESCE(", e(), ", ", g.literal(addr, nil), ")")
}

// distinct tells whether a row's values of some columns are not there yet; NULL is never there.
func distinct(seen map[string]bool, t *table, cols []string, row []string) bool {
	key := ""
	for _, name := range cols {
		v := row[slices.Index(t.names(), name)]
		if v == "NULL" {
			return true
		}
		key += v + "/"
	}
	if seen[key] {
		return false
	}
	seen[key] = true
	return true
}
