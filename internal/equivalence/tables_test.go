package equivalence

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
)

// tables are the tests' tables. The plain server gets them without what it does not know.
var tables = []string{
	`CREATE TABLE ints (id INT PRIMARY KEY, a INT, b BIGINT, c SMALLINT UNSIGNED, d DECIMAL(12,3), f DOUBLE, s VARCHAR(40), t DATETIME(3),
	 e ENUM('red','green','blue'), y DATE)`,
	`CREATE TABLE kids (id INT, pid INT NOT NULL, v INT, w VARCHAR(20), PRIMARY KEY (id, pid), KEY (v), SHARD KEY (pid))`,
	`CREATE TABLE pairs (a INT, b VARCHAR(20) COLLATE utf8mb4_unicode_ci, v INT, d DECIMAL(10,2), PRIMARY KEY (a, b))`,
	`CREATE TABLE sg (k VARCHAR(20) COLLATE utf8mb4_general_ci PRIMARY KEY, n INT, w VARCHAR(20) COLLATE utf8mb4_general_ci)`,
	`CREATE TABLE su (k VARCHAR(20) COLLATE utf8mb4_unicode_ci PRIMARY KEY, n INT, w VARCHAR(20) COLLATE utf8mb4_unicode_ci)`,
	`CREATE TABLE sl (k VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_swedish_ci PRIMARY KEY, n INT, w VARCHAR(20) CHARACTER SET latin1)`,
	`CREATE TABLE sb (k VARCHAR(20) COLLATE utf8mb4_bin PRIMARY KEY, n INT, w VARCHAR(20) COLLATE utf8mb4_bin)`,
	`CREATE TABLE sc (k VARCHAR(20) CHARACTER SET utf8mb4 COLLATE uca1400_as_cs PRIMARY KEY, n INT, w VARCHAR(20) CHARACTER SET utf8mb4 COLLATE uca1400_as_cs)`,
	`CREATE TABLE vb (k VARBINARY(20) PRIMARY KEY, n INT, w BLOB)`,
	`CREATE TABLE decs (k DECIMAL(10,2) PRIMARY KEY, n INT, u BIGINT UNSIGNED, r FLOAT, m TIME)`,
	`CREATE TABLE dts (k DATETIME PRIMARY KEY, n INT, ts TIMESTAMP NULL, yr YEAR, bits BIT(9))`,
	`CREATE TABLE ens (e ENUM('red','green','blue') NOT NULL, n INT, st SET('x','y','z'), PRIMARY KEY (e, n), SHARD KEY (e))`,
	`CREATE TABLE loose (x INT, s VARCHAR(20), d DATETIME)`,
	`CREATE TABLE autos (id BIGINT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(20), n INT DEFAULT 7, at DATETIME DEFAULT '2020-01-01')`,
	`CREATE REFERENCE TABLE colours (name VARCHAR(10) PRIMARY KEY, code INT, hue VARCHAR(10))`,
	`CREATE REFERENCE TABLE codes (id INT PRIMARY KEY, label VARCHAR(20))`,
}

var tableNames = regexp.MustCompile(`TABLE (\w+) `)

// plainDDL is a statement as a server without shards takes it.
func plainDDL(sql string) string {
	if !strings.HasPrefix(sql, "CREATE") {
		return sql
	}
	return shardKey.ReplaceAllString(strings.Replace(sql, "CREATE REFERENCE TABLE", "CREATE TABLE", 1), "")
}

var shardKey = regexp.MustCompile(`, SHARD KEY \([^)]*\)`)

// words are keys that collations see differently: case, accents, expansions, trailing spaces.
var words = []string{
	"a", "A", "b", "B", "é", "e", "E", "ß", "ss", "SS", "ä", "ö", "o", "Ö", "", " x", "x", "x1", "x10", "x2", "X2", "zebra", "Zebra", "zèbre", "Strasse",
	"straße", "10", "9", "2", "abc", "ABC", "abd", "ab", "Ab", "_u", "-m", "%p",
}

// fill is the INSERT statements of the tables' rows: the same ones every time.
func fill() []string {
	r := rand.New(rand.NewPCG(1, 2))
	var out []string
	add := func(head string, n int, row func(i int) string) {
		for at := 0; at < n; at += 50 {
			var rows []string
			for i := at; i < min(at+50, n); i++ {
				rows = append(rows, row(i))
			}
			out = append(out, head+strings.Join(rows, ","))
		}
	}
	null := func(s string) string {
		if r.IntN(8) == 0 {
			return "NULL"
		}
		return s
	}
	word := func() string { return "'" + words[r.IntN(len(words))] + "'" }
	day := func() string { return fmt.Sprintf("'20%02d-%02d-%02d'", r.IntN(30), 1+r.IntN(12), 1+r.IntN(28)) }
	moment := func() string {
		return fmt.Sprintf("'20%02d-%02d-%02d %02d:%02d:%02d.%03d'", r.IntN(30), 1+r.IntN(12), 1+r.IntN(28), r.IntN(24), r.IntN(60), r.IntN(60), r.IntN(1000))
	}
	add("INSERT INTO ints VALUES ", 300, func(i int) string {
		return fmt.Sprintf("(%d,%s,%s,%s,%s,%s,%s,%s,%s,%s)", i-20, null(fmt.Sprint(r.IntN(20)-5)), null(fmt.Sprint(r.Int64()-1<<62)), null(fmt.Sprint(r.IntN(60000))),
			null(fmt.Sprintf("%d.%03d", r.IntN(200)-100, r.IntN(1000))), null(fmt.Sprint(float64(r.IntN(4000)-2000)/16)), null(word()), null(moment()),
			null([]string{"'red'", "'green'", "'blue'"}[r.IntN(3)]), null(day()))
	})
	add("INSERT INTO kids VALUES ", 300, func(i int) string {
		return fmt.Sprintf("(%d,%d,%s,%s)", i, r.IntN(320)-20, null(fmt.Sprint(r.IntN(10))), null(word()))
	})
	add("INSERT INTO pairs VALUES ", 150, func(i int) string {
		return fmt.Sprintf("(%d,'%s',%s,%s)", i%5, fmt.Sprint("k", i), null(fmt.Sprint(r.IntN(10))), null(fmt.Sprintf("%d.%02d", r.IntN(100), r.IntN(100))))
	})
	for _, t := range []string{"sg", "su", "sl", "sb", "sc", "vb"} {
		add("INSERT IGNORE INTO "+t+" VALUES ", len(words), func(i int) string {
			return fmt.Sprintf("('%s',%d,%s)", words[i], r.IntN(6), null(word()))
		})
	}
	add("INSERT INTO decs VALUES ", 120, func(i int) string {
		return fmt.Sprintf("(%d.%02d,%s,%s,%s,%s)", i-60, r.IntN(100), null(fmt.Sprint(r.IntN(9))), null(fmt.Sprint(r.Uint64())), null(fmt.Sprint(float32(r.IntN(1000))/8)),
			null(fmt.Sprintf("'%d:%02d:%02d'", r.IntN(200)-100, r.IntN(60), r.IntN(60))))
	})
	add("INSERT INTO dts VALUES ", 120, func(i int) string {
		return fmt.Sprintf("('2024-%02d-%02d %02d:00:%02d',%d,%s,%s,%s)", 1+i%12, 1+i/12, r.IntN(24), r.IntN(60), i, null("'2021"+moment()[5:20]+"'"), null(fmt.Sprint(1990+r.IntN(40))),
			null(fmt.Sprint(r.IntN(512))))
	})
	add("INSERT INTO ens VALUES ", 60, func(i int) string {
		return fmt.Sprintf("('%s',%d,%s)", []string{"red", "green", "blue"}[i%3], i, null([]string{"''", "'x'", "'x,z'", "'y,z'"}[r.IntN(4)]))
	})
	add("INSERT INTO loose VALUES ", 100, func(int) string {
		return fmt.Sprintf("(%s,%s,%s)", null(fmt.Sprint(r.IntN(10))), null(word()), null(day()))
	})
	add("INSERT INTO autos (v, n) VALUES ", 100, func(i int) string { return fmt.Sprintf("(%s,%d)", null(word()), i%13) })
	out = append(out,
		"INSERT INTO colours VALUES ('red',1,'warm'),('green',2,NULL),('blue',3,'cold'),('black',4,'none')",
		"INSERT INTO codes VALUES (1,'one'),(2,'two'),(3,'three'),(4,'four'),(5,NULL),(7,'seven'),(-1,'minus')")
	return out
}

// build makes the tables with their rows on both sides.
func (p *pair) build() {
	p.t.Helper()
	for _, sql := range tables {
		p.both(sql)
	}
	was := p.prepared
	p.prepared = false
	for _, sql := range fill() {
		p.same(sql, how{})
	}
	p.prepared = was
	p.contents()
}

// contents compares all rows of all tables.
func (p *pair) contents() {
	p.t.Helper()
	for _, sql := range tables {
		p.same("SELECT * FROM "+tableNames.FindStringSubmatch(sql)[1], how{text: true})
	}
}
