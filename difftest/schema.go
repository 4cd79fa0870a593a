package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/collate"
)

// kind is what an expression is, as far as functions care.
type kind int

const (
	num    kind = iota
	str         // a string; its collation is a type's
	day         // DATE
	moment      // DATETIME, TIMESTAMP
	clock       // TIME
	addr        // UUID, INET6, INET4: one of them in an episode
	doc         // JSON
)

var kinds = []kind{num, str, day, moment, clock, addr, doc}

// ty is an expression's type. A string's collation is "" where it does not matter: literals take the other side's.
type ty struct {
	kind kind
	coll string
}

type column struct {
	name string
	ty   ty
	decl string
	pool []string // literals that its rows have, and that statements ask for
	null bool
	fold bool // rows have strings that are equal and not the same
	auto bool
	made bool // generated: nobody gives it a value
}

type table struct {
	db, name string
	cols     []column
	key      []string // the primary key; none: the table is keyless
	shard    []string // where the shard key is not the primary key
	unique   []string // a further unique key
	extra    string   // further keys, and checks
	foreign  []foreign
	referred bool // by foreign keys
	ref      bool
	one      bool // all rows are in one partition
	kept     bool // WITH SYSTEM VERSIONING
	rows     [][]string
}

func (t *table) full() string { return t.db + "." + t.name }

// create is the table's DDL at the cluster, or at a plain server; with parts cut in another way, so that its rows come in another order.
func (t *table) create(cluster, twin bool) string {
	var defs []string
	for _, c := range t.cols {
		defs = append(defs, c.name+" "+c.decl)
	}
	if len(t.key) > 0 {
		defs = append(defs, "PRIMARY KEY ("+strings.Join(t.key, ", ")+")")
	}
	if len(t.unique) > 0 {
		defs = append(defs, "UNIQUE KEY ("+strings.Join(t.unique, ", ")+")")
	}
	if t.extra != "" {
		defs = append(defs, t.extra)
	}
	for _, f := range t.foreign {
		defs = append(defs, f.text)
	}
	switch {
	case cluster && t.one:
		defs = append(defs, "SHARD KEY ()")
	case cluster && len(t.shard) > 0:
		defs = append(defs, "SHARD KEY ("+strings.Join(t.shard, ", ")+")")
	}
	head, tail := "CREATE TABLE ", ""
	if cluster && t.ref {
		head = "CREATE REFERENCE TABLE "
	}
	if t.kept {
		tail = " WITH SYSTEM VERSIONING"
	}
	if twin && len(t.key) > 0 && !t.ref && !t.kept && len(t.foreign) == 0 && !t.referred && (len(t.unique) == 0 || slices.Contains(t.unique, t.key[0])) {
		tail += " PARTITION BY KEY (" + t.key[0] + ") PARTITIONS 3"
	}
	return head + t.full() + " (" + strings.Join(defs, ", ") + ")" + tail
}

// insert is the statement that gives the table some rows.
func (t *table) insert(rows [][]string) string {
	var list []string
	for _, r := range rows {
		list = append(list, "("+strings.Join(r, ", ")+")")
	}
	return "INSERT INTO " + t.full() + " (" + strings.Join(t.names(), ", ") + ") VALUES " + strings.Join(list, ", ")
}

// names are the columns that may be given a value.
func (t *table) names() []string {
	var out []string
	for _, c := range t.cols {
		if !c.made {
			out = append(out, c.name)
		}
	}
	return out
}

// charset is a sample's character set: some of its collations, and words that it has.
type charset struct {
	name  string
	words []string
}

// No two words of one list are equal and yet differ, in the collations that there are.
var (
	ascii    = []string{"a", "b", "c", "ab", "abc", "x", "zebra", "10", "9", "A1", "", "a_b", "_u", "%p", "Foo"}
	latin    = append([]string{"é", "ö", "ß", "straße", "zèbre"}, ascii...)
	cyrillic = append([]string{"я", "ё", "дом", "Мир"}, ascii...)
	kana     = append([]string{"あ", "カ", "日本"}, ascii...)
	every    = append([]string{"я", "日本", "é", "ß", "😀"}, ascii...)
	folds    = []string{"A", "É", "e", "SS", "ss", "Zebra", "aB ", "ABC", "X", "x "} // equal to others where a collation says so
)

// sample are the character sets that columns have. Names of collations that are not there are not chosen: see collations in run.go.
var sample = []charset{
	{"utf8mb4", latin},
	{"utf8mb4", every},
	{"utf8mb3", cyrillic},
	{"latin1", latin},
	{"cp1250", append([]string{"é", "ö", "ß"}, ascii...)},
	{"latin2", ascii},
	{"koi8r", cyrillic},
	{"cp1251", cyrillic},
	{"sjis", kana},
	{"gbk", ascii},
	{"ucs2", cyrillic},
	{"utf16", every},
	{"utf32", kana},
	{"ascii", ascii},
	{"binary", latin},
}

// view is a query with a name.
type view struct {
	db, name, text string
	cols           []column
}

func (v *view) create() string { return "CREATE VIEW " + v.db + "." + v.name + " AS " + v.text }

// world is an episode's tables and views, and how its session is set.
type world struct {
	tables    []*table
	more      []*table // that are there, but not chosen as the others are: see fired.go
	triggers  []*trigger
	views     []*view
	functions []stored
	session   []string // SET statements
	mode      string
	bring     bool     // the cluster brings tables to others wherever it can
	addrs     []string // literals of the kind addr
	fixed     bool     // the session has set its time
	current   string   // its database
	manual    bool     // it has no autocommit
}

// everything is all of its tables, those that triggers write to behind those that have them.
func (w *world) everything() []*table { return append(slices.Clone(w.tables), w.more...) }

func (w *world) table(db, name string) *table {
	i := slices.IndexFunc(w.tables, func(t *table) bool { return t.db == db && t.name == name })
	return w.tables[i]
}

func sound(coll string) bool {
	c := collate.Lookup(coll)
	return c == nil || c.Sound()
}

// collation chooses a collation, and the words that its columns may have.
func (g *gen) collation() (cs, coll string, words []string) {
	s := sample[g.IntN(len(sample))]
	if g.chance(35) {
		s = sample[0]
	}
	names := g.collations[s.name]
	for coll = names[g.IntN(len(names))]; !sound(coll); { // can't be a shard key's
		coll = names[g.IntN(len(names))]
	}
	if s.name == "utf8mb4" && g.chance(40) {
		coll = "utf8mb4_general_ci"
	}
	return s.name, coll, s.words
}

func quoted(words []string) []string {
	var out []string
	for _, w := range words {
		out = append(out, "'"+w+"'")
	}
	return out
}

func (g *gen) text(name string, length int, null bool) column {
	cs, coll, words := g.collation()
	decl := fmt.Sprintf("VARCHAR(%d) CHARACTER SET %s COLLATE %s", length, cs, coll)
	if cs == "binary" {
		decl = fmt.Sprintf("VARBINARY(%d)", length)
	}
	c := column{name: name, ty: ty{str, coll}, decl: decl, pool: quoted(words), null: null}
	return c
}

// word is a string column whose rows have strings that are equal and yet differ.
func (g *gen) word(name string) column {
	c := g.text(name, 20, true)
	c.pool, c.fold = append(c.pool, quoted(folds[:4])...), true
	if strings.Contains(c.decl, "utf") || strings.Contains(c.decl, "latin1") {
		c.pool = append(c.pool, quoted(folds)...)
		return c
	}
	c.pool = append(quoted(ascii), "'A'", "'SS'", "'ss'", "'Zebra'", "'aB '", "'ABC'", "'X'", "'x '")
	return c
}

func numbers(from, to int) []string {
	var out []string
	for i := from; i <= to; i++ {
		out = append(out, fmt.Sprint(i))
	}
	return out
}

var (
	decimals = []string{"0.00", "1.50", "-2.25", "10.99", "7.00", "100.10", "0.01", "-0.50", "3.00", "12345.67"}
	doubles  = []string{"0", "0.5", "-1.25", "3", "1024.75", "7.5", "-16", "2"}
	days     = []string{"'2024-02-29'", "'2023-12-31'", "'2024-01-01'", "'2020-06-15'", "'1999-12-31'", "'2024-03-10'", "'2000-02-29'", "'2023-07-04'"}
	moments  = []string{"'2024-02-29 23:59:59'", "'2023-12-31 00:00:00'", "'2024-01-01 12:30:00'", "'2020-06-15 06:07:08'", "'2024-03-10 02:30:00'", "'1999-12-31 23:59:59'"}
	fine     = []string{"'2024-02-29 23:59:59.999'", "'2023-12-31 00:00:00.001'", "'2024-01-01 12:30:00.500'", "'2020-06-15 06:07:08'", "'2024-01-01 12:30:00'"}
	clocks   = []string{"'00:00:00'", "'12:30:00'", "'-01:15:00'", "'23:59:59'", "'101:00:00'", "'06:07:08'"}
	docs     = []string{`'{"a": 1, "b": [1, 2, 3]}'`, `'[1, "x", null]'`, `'{"a": "x", "c": {"d": 2}}'`, `'5'`, `'"str"'`, `'null'`, `'[]'`, `'{"a": 1.50}'`}
)

// computed is a generated column.
func computed(name, decl string, k kind) column {
	return column{name: name, ty: ty{kind: k}, decl: decl, null: true, made: true}
}

func plainColumn(name, decl string, k kind, pool []string, null bool) column {
	c := column{name: name, ty: ty{kind: k}, decl: decl, pool: pool, null: null}
	if !null {
		c.decl += " NOT NULL"
	}
	return c
}

// build makes an episode's tables with their rows.
func (g *gen) build() *world {
	ids := numbers(1, 22)
	choose := func(of ...string) string { return g.pick(of...) }
	member := column{name: "e", ty: ty{str, "utf8mb4_general_ci"}, decl: "ENUM('red','green','blue') CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
		pool: quoted([]string{"red", "green", "blue"}), null: true}
	label := g.text("label", 20, true)
	w := &world{fixed: g.chance(50), current: choose("d1", "d1", "d1", "d1", "d2"), manual: g.chance(10)}
	g.inTrx = w.manual
	mixed, versioned := g.mixed(w), g.versioned(w)
	w.tables = []*table{
		{db: "d1", name: "acc", key: []string{"id"}, extra: choose("KEY (grp)", "KEY (name), KEY (grp, amt)", "", "KEY (half)"), cols: []column{
			plainColumn("id", choose("INT", "BIGINT", "INT UNSIGNED", "SMALLINT"), num, ids, false), plainColumn("grp", "INT", num, numbers(0, 5), true),
			plainColumn("amt", choose("DECIMAL(12,2)", "DECIMAL(20,4)"), num, decimals, true), plainColumn("big", choose("BIGINT", "BIGINT UNSIGNED"), num, []string{"1", "4000000000", "9007199254740993", "0"}, true),
			g.text("name", 20, true), g.text("note", 30, true), plainColumn("born", "DATE", day, days, true), plainColumn("at", "DATETIME(3)", moment, fine, true),
			plainColumn("f", "DOUBLE", num, doubles, true), computed("half", "INT AS (grp DIV 2) "+choose("STORED", "VIRTUAL"), num), member, plainColumn("js", "JSON", doc, docs, true), plainColumn("boss", "INT", num, ids, true),
		}},
		{db: "d1", name: "ord", key: []string{"id", "acc"}, shard: []string{"acc"}, extra: choose("", "KEY (item)", "KEY (acc, day)", "CHECK (item <> 10)"), cols: []column{
			plainColumn("id", "INT", num, numbers(1, 30), false), plainColumn("acc", "INT", num, ids, false), plainColumn("item", "INT", num, numbers(0, 9), true),
			plainColumn("qty", choose("INT", "TINYINT UNSIGNED", "MEDIUMINT"), num, numbers(0, 9), true), plainColumn("price", choose("DECIMAL(10,3)", "DECIMAL(8,2) UNSIGNED"), num, []string{"0.00", "9.99", "1.25", "100.00", "3.50"}, true),
			plainColumn("day", "DATE", day, days, true), g.text("memo", 20, true), computed("tot", "DECIMAL(14,3) AS (qty * price) "+choose("STORED", "VIRTUAL"), num),
		}},
		{db: "d1", name: "heap", extra: choose("", "KEY (x)"), cols: []column{
			plainColumn("x", "INT", num, numbers(0, 9), true), g.text("s", 20, true), plainColumn("d", "DATETIME", moment, moments, true), plainColumn("n", "DECIMAL(8,2)", num, decimals, true),
		}},
		{db: "d1", name: "word", key: []string{"id"}, cols: []column{plainColumn("id", "INT", num, ids, false), g.word("lex"), plainColumn("n", "INT", num, numbers(0, 4), true)}},
		{db: "d1", name: "item", ref: true, key: []string{"id"}, cols: []column{
			plainColumn("id", "INT", num, numbers(0, 9), false), label, plainColumn("cat", "INT", num, numbers(0, 3), true), plainColumn("w", "DECIMAL(6,2)", num, decimals[:8], true),
		}},
		{db: "d1", name: "seq", key: []string{"id"}, cols: []column{
			{name: "id", ty: ty{kind: num}, decl: "BIGINT NOT NULL AUTO_INCREMENT", auto: true, pool: ids}, plainColumn("v", "INT", num, numbers(0, 9), true),
			{name: "c", ty: ty{kind: num}, decl: "INT NOT NULL DEFAULT 7", pool: numbers(5, 8)},
		}},
		{db: "d2", name: "usr", key: []string{"k"}, cols: []column{
			g.text("k", 20, false), plainColumn("n", "INT", num, numbers(0, 9), true), plainColumn("t", "TIME", clock, clocks, true), plainColumn("acc", "INT", num, ids, true),
			computed("len", "INT AS (CHAR_LENGTH(k) + n) "+choose("STORED", "VIRTUAL"), num), computed("late", "TIME AS (ADDTIME(t, '01:00:00')) "+choose("STORED", "VIRTUAL"), clock),
		}},
		{db: "d2", name: "ev", extra: choose("", "KEY (v)"), cols: []column{
			plainColumn("ts", "TIMESTAMP", moment, moments, true), plainColumn("v", "INT", num, numbers(0, 9), true), plainColumn("y", "YEAR", num, []string{"1999", "2000", "2024"}, true), g.text("m", 12, true),
		}},
		{db: "d2", name: "pair", key: []string{"a", "b"}, cols: []column{
			plainColumn("a", "INT", num, numbers(0, 5), false), plainColumn("b", "INT", num, numbers(0, 5), false), plainColumn("v", "FLOAT", num, doubles, true), plainColumn("d", "DATE", day, days, true),
		}},
		{db: "d2", name: "tag", ref: true, key: []string{"id"}, cols: []column{plainColumn("id", "INT", num, numbers(0, 9), false), g.text("t", 12, true)}},
	}
	w.tables = append(w.tables, mixed, versioned)
	for _, t := range w.tables {
		t.one = !t.ref && t.name != "acc" && t.name != "ord" && g.chance(20)
	}
	if g.chance(20) { // with the foreign keys and triggers that go from one to the other
		w.table("d1", "acc").one, w.table("d1", "ord").one = true, true
	}
	if ord := w.table("d1", "ord"); g.chance(50) {
		ord.unique = []string{"acc", "item", "day"}
	}
	if item := w.table("d1", "item"); g.chance(30) {
		item.unique = []string{"cat", "w"}
	}
	w.table("d2", "ev").cols[0].decl = "TIMESTAMP NULL"
	usr := w.table("d2", "usr")
	usr.cols[0].decl += " NOT NULL"
	for _, t := range w.tables {
		g.fill(t)
	}
	if g.chance(40) {
		g.triggers(w)
	}
	if g.chance(35) {
		g.related(w)
	}
	acc, ord, pair := w.table("d1", "acc"), w.table("d1", "ord"), w.table("d2", "pair")
	some := func(t *table, names ...string) (out []column) {
		for _, n := range names {
			out = append(out, *t.column(n))
		}
		return out
	}
	count := column{name: "vn", ty: ty{kind: num}, null: true, pool: numbers(1, 4)}
	w.views = []*view{
		{"d1", "vacc", "SELECT id, grp, amt, name, born FROM d1.acc WHERE grp " + choose("< 4", "IS NOT NULL", "<> 2"), some(acc, "id", "grp", "amt", "name", "born")},
		{"d1", "vord", "SELECT o.id, o.acc, o.qty, a.note, a.f FROM d1.ord o " + choose("JOIN", "LEFT JOIN") + " d1.acc a ON a.id = o.acc", append(some(ord, "id", "acc", "qty"), some(acc, "note", "f")...)},
		{"d2", "vpair", "SELECT a, COUNT(*) AS vn, MAX(d) AS d FROM d2.pair GROUP BY a", append(some(pair, "a", "d"), count)},
	}
	w.views = append(w.views,
		&view{"d1", "vboth", "SELECT id, grp AS n FROM d1.acc UNION " + choose("", "ALL ") + "SELECT id, n FROM d1.word", []column{*acc.column("id"), *w.table("d1", "word").column("n")}},
		&view{"d1", "vsub", "SELECT id, grp, born, UPPER(name) AS up FROM d1.vacc WHERE id " + choose("> 5", "< 18"), append(some(acc, "id", "grp", "born"), column{name: "up", ty: acc.column("name").ty, pool: acc.column("name").pool})},
		&view{"d2", "vdist", "SELECT DISTINCT n, t FROM d2.usr", some(w.table("d2", "usr"), "n", "t")},
		&view{"d1", "vnest", "SELECT s.id, s.up, o.qty, o.note FROM d1.vsub s " + choose("JOIN", "LEFT JOIN") + " d1.vord o ON o.acc = s.id", append(some(acc, "id", "note"), column{name: "up", ty: acc.column("name").ty, pool: acc.column("name").pool}, *ord.column("qty"))},
		&view{"d1", "vsum", "SELECT grp, COUNT(*) AS vn, MAX(born) AS born FROM d1.vsub GROUP BY grp" + choose("", " HAVING COUNT(*) > 1"), append(some(acc, "grp", "born"), count)})
	for _, v := range w.views { // its rows, and who knows in which order
		for i := range v.cols {
			v.cols[i].null = true
		}
	}
	if g.chance(25) {
		w.functions = storedFunctions
	}
	w.mode = defaultMode
	switch g.IntN(10) {
	case 0, 1:
		w.mode = ""
	case 2:
		w.mode = "TRADITIONAL"
	case 3:
		if g.chance(30) {
			w.mode = "ONLY_FULL_GROUP_BY," + defaultMode
		}
	}
	w.session = []string{"SET sql_mode = '" + w.mode + "'", "SET time_zone = '" + choose("+00:00", "+00:00", "+05:30", "-03:00") + "'",
		"SET NAMES utf8mb4" + choose("", "", " COLLATE utf8mb4_unicode_ci"), "SET innodb_lock_wait_timeout = 3", "USE " + w.current}
	w.bring = g.IntN(4) > 0
	for _, more := range []string{"SET group_concat_max_len = 20", "SET div_precision_increment = 7", "SET tx_isolation = 'READ-COMMITTED'", "SET default_week_format = 3", "SET lc_time_names = 'de_DE'"} {
		if g.chance(8) {
			w.session = slices.Insert(w.session, 0, more)
		}
	}
	if g.chance(25) {
		w.mode = strings.TrimPrefix(w.mode+","+choose("PAD_CHAR_TO_FULL_LENGTH", "ANSI", "EMPTY_STRING_IS_NULL", "SIMULTANEOUS_ASSIGNMENT", "TIME_ROUND_FRACTIONAL", "NO_UNSIGNED_SUBTRACTION", "NO_ZERO_DATE,NO_ZERO_IN_DATE", "PIPES_AS_CONCAT"), ",")
		w.session[slices.IndexFunc(w.session, func(s string) bool { return strings.HasPrefix(s, "SET sql_mode") })] = "SET sql_mode = '" + w.mode + "'"
	}
	if w.manual {
		w.session = slices.Insert(w.session, 0, "SET autocommit = 0")
	}
	if w.fixed {
		w.session = slices.Insert(w.session, 0, fmt.Sprintf("SET timestamp = %d", times))
	}
	return w
}

// fill gives a table rows.
func (g *gen) fill(t *table) {
	n := 10 + g.IntN(14)
	seen, unique := map[string]bool{}, map[string]bool{}
	for i := range n {
		var row []string
		for _, c := range t.cols {
			if c.made {
				continue
			}
			v := c.pool[g.IntN(len(c.pool))]
			if len(t.key) == 1 && c.name == t.key[0] {
				v = c.pool[i%len(c.pool)]
			}
			if c.null && g.chance(14) {
				v = "NULL"
			}
			row = append(row, v)
		}
		if len(t.key) > 0 && !distinct(seen, t, t.key, row) || len(t.unique) > 0 && !distinct(unique, t, t.unique, row) {
			continue
		}
		t.rows = append(t.rows, row)
	}
}

// gen makes an episode's tables and statements.
type gen struct {
	*rand.Rand
	collations map[string][]string // by character set
	w          *world
	aliases    int // of the statement
	names      int // of result columns
	room       int // how much of a statement there may still be
	ctes       []relation
	vars       []bool // whether user variables @v0, @v1 are set: numbers
	inTrx      bool
	points     int // savepoints
	// In the transaction reference tables were locked by statements on them alone (aside), or on others too (beside).
	aside, beside bool
	sorted        bool        // ORDER BY will follow: no ROLLUP, which MariaDB does not take before it
	writing       bool        // what is made is part of a write
	fresh         int         // for keys that are new
	made          bool        // a table was, by the statement before
	waiting       []statement // that were made already
	again         *statement  // the one before, if it may come once more with other numbers
	ticks         int         // by which the session's time has gone on
	temp          *table      // a temporary one, while it is there
	flat          bool        // no subqueries, nor literals that are one
	reading       bool        // what is made is a SELECT: tables that only these may name are among others
	dbs           string      // the databases whose tables the statement may name
}

// kind chooses one: as often as tables have columns of it.
func (g *gen) kind() kind {
	weights := [...]int{num: 49, str: 25, day: 8, moment: 6, clock: 3, addr: 3, doc: 6}
	n := g.IntN(100)
	for k, w := range weights {
		if n -= w; n < 0 {
			return kind(k)
		}
	}
	return num
}

func (g *gen) chance(percent int) bool { return g.IntN(100) < percent }

func (g *gen) pick(of ...string) string { return of[g.IntN(len(of))] }
