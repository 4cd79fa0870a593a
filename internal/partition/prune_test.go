package partition

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/shard"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// condition is terms and the SQL that they stand for.
type condition struct {
	sql   string
	terms []Term
}

var operators = map[Op]string{Less: "<", AtMost: "<=", Greater: ">", AtLeast: ">="}

// randomCondition compares some of the columns with literals.
func randomCondition(r *rand.Rand, names []string, values [][]string) condition {
	var parts []string
	var c condition
	add := func(sql string, terms ...Term) {
		parts = append(parts, sql)
		c.terms = append(c.terms, terms...)
	}
	for i, name := range names {
		pick := func() string { return values[i][r.IntN(len(values[i]))] }
		quoted := quoteName(name)
		for range []int{1, 1, 1, 0, 2}[r.IntN(5)] {
			switch r.IntN(8) {
			case 0, 1:
				v := pick()
				add(quoted+" = "+v, Term{i, In, []shard.Value{valueOf(v)}})
			case 2:
				var list []string
				t := Term{Column: i, Op: In}
				for range 1 + r.IntN(4) {
					v := pick()
					list, t.Values = append(list, v), append(t.Values, valueOf(v))
				}
				add(quoted+" IN ("+strings.Join(list, ", ")+")", t)
			case 3:
				a, b := pick(), pick()
				add(quoted+" BETWEEN "+a+" AND "+b, Term{i, Between, []shard.Value{valueOf(a), valueOf(b)}})
			case 4:
				if r.IntN(3) == 0 {
					add(quoted+" IS NOT NULL", Term{Column: i, Op: NotNull})
				} else {
					add(quoted+" IS NULL", Term{Column: i, Op: IsNull})
				}
			default:
				op, v := Less+Op(r.IntN(4)), pick()
				add(quoted+" "+operators[op]+" "+v, Term{i, op, []shard.Value{valueOf(v)}})
			}
		}
	}
	c.sql = strings.Join(parts, " AND ")
	return c
}

// TestPrune finds the rows for which random conditions are true only where Prune says, and everything that the server does not prune.
func TestPrune(t *testing.T) {
	s := connect(t)
	r := random()
	equal, more, found, all := 0, 0, 0, 0
	for _, tab := range tables {
		what := tab.columns + ": " + tab.by
		s.Exec("CREATE OR REPLACE TABLE t (id INT NOT NULL, " + tab.columns + ") ENGINE=InnoDB PARTITION BY " + tab.by)
		f := s.function("t")
		var names []string
		var values [][]string
		for i := range f.s.Columns {
			c := &f.s.Columns[i]
			names = append(names, c.Name)
			values = append(values, pruneValues(r, c.FullType, tab.by))
		}
		for id := range 150 {
			row := fmt.Sprint(id)
			for i := range names {
				row += ", " + values[i][r.IntN(len(values[i]))]
			}
			if err := s.Try("INSERT IGNORE INTO t (id, " + quoteNames(names) + ") VALUES (" + row + ")"); err != nil && s.number(err) == 0 {
				t.Fatal(err)
			}
		}
		places := s.places("t", f)
		for range 60 {
			c := randomCondition(r, names, values)
			if c.sql == "" {
				continue
			}
			got := f.Prune(c.terms)
			rows, err := s.TryRows("SELECT id FROM t WHERE " + c.sql)
			if err != nil {
				continue
			}
			for _, row := range rows {
				id, _ := strconv.Atoi(string(row[0]))
				if found++; !slices.Contains(got, places[id]) {
					t.Errorf("%s: row %d in place %d has %s, which is looked for in %v only", what, id, places[id], c.sql, got)
				}
			}
			theirs, err := f.Listed(partitionsOf(s.Rows("EXPLAIN PARTITIONS SELECT id FROM t USE INDEX () WHERE " + c.sql)[0]))
			if err != nil {
				theirs = nil
			}
			all++
			if slices.Equal(got, theirs) {
				equal++
			} else if len(got) > len(theirs) {
				more++
				if testing.Verbose() {
					t.Logf("%s: %s: %v, the server %v", what, c.sql, got, theirs)
				}
			}
		}
	}
	t.Logf("%d conditions: %d times the server's places, %d times more; %d rows found", all, equal, more, found)
	if equal*10 < all*7 || found < 1000 {
		t.Errorf("of %d conditions only %d gave what the server gives; %d rows", all, equal, found)
	}
}

func pruneValues(r *rand.Rand, typ, by string) []string {
	values := literals(r, typ, 25)
	switch {
	case strings.Contains(typ, "int"):
		values = append(values, "18446744073709551615", "18446744073709551614", "9223372036854775807", "-9223372036854775808", "0", "1", "2", "3", "5", "9", "10", "11", "12", "20", "32", "100", "-1", "1970")
	case strings.HasPrefix(typ, "date"), strings.HasPrefix(typ, "time"):
		values = append(values, "'1970-12-31'", "'1971-01-01'", "'2000-01-01'", "'2000-06-05'", "'2024-02-29'", "'2024-01-01'", "'1999-06-01'", "'2024-01-02'")
		if strings.HasPrefix(typ, "time") {
			values = append(values[:25:25], "'-10:00:00'", "'00:00:00'", "'00:00:00.500'", "'00:00:00.499'", "'100:00:00'")
		}
	case strings.Contains(typ, "binary"):
		values = append(values, "x'61'", "x'2020'", "x'4100'", "x'20'", "x'ff'", "x'0000'")
	case strings.Contains(typ, "char"):
		values = append(values, "5", "0", "'a'", "'A'", "'a '", "''", "'b'", "'ch'", "'h'", "'z'", "'ö'", "'ä'", "'漢'", "'ss'", "'ß'")
	}
	return values
}

func quoteNames(names []string) string {
	var out []string
	for _, n := range names {
		out = append(out, quoteName(n))
	}
	return strings.Join(out, ", ")
}

// plain are tables and values for which the server is no better at pruning.
var plain = []struct {
	columns, by string
	values      []string
}{
	{"k0 INT", "HASH (k0) PARTITIONS 7", []string{"0", "1", "5", "6", "7", "12", "-3", "-1", "100"}},
	{"k0 INT", "LINEAR HASH (k0) PARTITIONS 40", []string{"0", "1", "5", "6", "7", "12", "-3", "-1", "100"}},
	{"k0 INT", "KEY (k0) PARTITIONS 7", []string{"0", "1", "5", "6", "7", "12", "-3", "-1", "100"}},
	{"k0 INT, k1 VARCHAR(9)", "KEY (k0, k1) PARTITIONS 13", []string{"0", "1", "5", "7"}},
	{"k0 VARCHAR(9)", "LINEAR KEY (k0) PARTITIONS 13", []string{"'a'", "'b'", "'ä'", "'z'"}},
	{"k0 INT", "RANGE (k0) (PARTITION a VALUES LESS THAN (0), PARTITION b VALUES LESS THAN (10), PARTITION c VALUES LESS THAN (20), PARTITION d VALUES LESS THAN MAXVALUE)", []string{"-1", "0", "1", "9", "10", "11", "19", "20", "21"}},
	{"k0 INT UNSIGNED", "RANGE (k0) (PARTITION b VALUES LESS THAN (10), PARTITION c VALUES LESS THAN (20), PARTITION d VALUES LESS THAN (30))", []string{"0", "1", "9", "10", "11", "19", "20", "21", "29", "30", "40"}},
	{"k0 DATE", "RANGE (YEAR(k0)) (PARTITION a VALUES LESS THAN (2000), PARTITION b VALUES LESS THAN (2001), PARTITION c VALUES LESS THAN (2005), PARTITION d VALUES LESS THAN MAXVALUE)", []string{"'1999-12-31'", "'2000-01-01'", "'2000-06-01'", "'2001-01-01'", "'2004-12-31'", "'2005-01-01'"}},
	{"k0 DATE", "RANGE (TO_DAYS(k0)) (PARTITION a VALUES LESS THAN (TO_DAYS('2000-01-01')), PARTITION b VALUES LESS THAN (TO_DAYS('2001-01-01')), PARTITION c VALUES LESS THAN (TO_DAYS('2002-01-01')), PARTITION d VALUES LESS THAN MAXVALUE)", []string{"'1999-12-31'", "'2000-01-01'", "'2000-06-01'", "'2000-12-31'", "'2001-01-01'", "'2001-12-31'", "'2002-01-01'"}},
	{"k0 DATETIME", "RANGE (TO_DAYS(k0)) (PARTITION a VALUES LESS THAN (TO_DAYS('2000-01-01')), PARTITION b VALUES LESS THAN (TO_DAYS('2001-01-01')), PARTITION c VALUES LESS THAN MAXVALUE)", []string{"'1999-12-31'", "'2000-01-01'", "'2000-01-01 00:00:01'", "'2000-12-31 23:59:59'", "'2001-01-01'", "'2001-12-31'"}},
	{"k0 TIMESTAMP NULL", "RANGE (UNIX_TIMESTAMP(k0)) (PARTITION a VALUES LESS THAN (UNIX_TIMESTAMP('2000-01-01')), PARTITION b VALUES LESS THAN (UNIX_TIMESTAMP('2001-01-01')), PARTITION c VALUES LESS THAN MAXVALUE)", []string{"'1999-12-31'", "'2000-01-01'", "'2000-01-01 00:00:01'", "'2000-12-31 23:59:59'", "'2001-01-01'", "'2001-12-31'"}},
	{"k0 DATE", "RANGE COLUMNS (k0) (PARTITION a VALUES LESS THAN ('2000-01-01'), PARTITION b VALUES LESS THAN ('2001-01-01'), PARTITION c VALUES LESS THAN (MAXVALUE))", []string{"'1999-12-31'", "'2000-01-01'", "'2000-06-01'", "'2001-01-01'", "'2004-12-31'"}},
	{"k0 VARCHAR(9)", "RANGE COLUMNS (k0) (PARTITION a VALUES LESS THAN ('b'), PARTITION b VALUES LESS THAN ('k'), PARTITION c VALUES LESS THAN (MAXVALUE))", []string{"'a'", "'B'", "'c'", "'k '", "'l'", "''"}},
	{"k0 INT, k1 INT", "RANGE COLUMNS (k0, k1) (PARTITION a VALUES LESS THAN (1, 5), PARTITION b VALUES LESS THAN (1, 10), PARTITION c VALUES LESS THAN (2, 0), PARTITION d VALUES LESS THAN (2, MAXVALUE), PARTITION e VALUES LESS THAN (MAXVALUE, 0))", []string{"0", "1", "2", "3", "4", "5", "9", "10", "11"}},
	{"k0 INT", "LIST (k0) (PARTITION a VALUES IN (1, 2, 3), PARTITION b VALUES IN (10, 20), PARTITION c VALUES IN (NULL, 15))", []string{"0", "1", "2", "3", "10", "15", "20"}},
	{"k0 INT, k1 INT", "RANGE (k0) SUBPARTITION BY HASH (k1) SUBPARTITIONS 3 (PARTITION a VALUES LESS THAN (5), PARTITION b VALUES LESS THAN MAXVALUE)", []string{"0", "1", "4", "5", "6"}},
}

// TestPruneLikeServer leaves out exactly what the server leaves out.
func TestPruneLikeServer(t *testing.T) {
	s := connect(t)
	r := random()
	for _, tab := range plain {
		s.Exec("CREATE OR REPLACE TABLE t (id INT NOT NULL, " + tab.columns + ") ENGINE=InnoDB PARTITION BY " + tab.by)
		f := s.function("t")
		var names []string
		var values [][]string
		for i := range f.s.Columns {
			names, values = append(names, f.s.Columns[i].Name), append(values, tab.values)
			if i > 0 && strings.Contains(tab.columns, "VARCHAR") {
				values[i] = []string{"'a'", "'B'", "'c'"}
			}
		}
		differ := 0
		for range 80 {
			c := randomCondition(r, names, values)
			if c.sql == "" {
				continue
			}
			row := s.Rows("EXPLAIN PARTITIONS SELECT id FROM t USE INDEX () WHERE " + c.sql)[0]
			theirs, err := f.Listed(partitionsOf(row))
			if err != nil {
				t.Fatal(err)
			}
			if got := f.Prune(c.terms); !slices.Equal(got, theirs) {
				if differ++; differ < 5 {
					t.Errorf("%s: %s: %v, the server %v", tab.by, c.sql, got, theirs)
				}
			}
		}
	}
}

// TestPruneMany stops trying where there is too much to try.
func TestPruneMany(t *testing.T) {
	many := make([]shard.Value, 3000)
	for i := range many {
		many[i] = shard.IntValue(int64(i))
	}
	columns := []topo.Column{}
	for _, n := range []string{"a", "b", "c"} {
		columns = append(columns, topo.Column{Name: n, Type: "int", FullType: "int(11)", Nullable: true})
	}
	for _, by := range []string{"KEY (a, b, c) PARTITIONS 3", "RANGE COLUMNS (a, b, c) (PARTITION p VALUES LESS THAN (1, 1, 1), PARTITION q VALUES LESS THAN (2000, 5, 5), PARTITION r VALUES LESS THAN (5000, 0, 0))",
		"LIST COLUMNS (a, b, c) (PARTITION p VALUES IN ((1, 1, 1)), PARTITION q VALUES IN ((2, 5000, 5)), PARTITION r DEFAULT)"} {
		sc, err := Read([]byte("CREATE TABLE t (a int) PARTITION BY "+by), sqltext.Mode{}, columns)
		if err != nil {
			t.Fatal(err)
		}
		f, err := New(sc)
		if err != nil {
			t.Fatal(err)
		}
		want := []int{0, 1, 2}
		if sc.By.Method == ListColumns {
			want = []int{0, 2}
		}
		if got := f.Prune([]Term{{0, In, many}, {1, In, many}, {2, In, many}}); !slices.Equal(got, want) {
			t.Errorf("%s: %v", by, got)
		}
		if got := f.Prune([]Term{{0, In, many}, {1, In, many[:1]}, {2, In, many[1:2]}}); sc.By.Method == RangeColumns && !slices.Equal(got, want) || sc.By.Method == ListColumns && !slices.Equal(got, []int{2}) {
			t.Errorf("%s: %v", by, got)
		}
	}
}
