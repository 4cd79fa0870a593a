package partition

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/shard"
	"github.com/orbweaver/orbweaver/internal/topo/topotest"
)

// tables are definitions beside which rows of values(…) are compared; exact says that no row may be left to a leaf.
var tables = []struct {
	columns string // k0 TYPE, k1 TYPE
	by      string
	exact   bool
}{
	{"k0 INT", "HASH (k0) PARTITIONS 7", true},
	{"k0 INT", "HASH (k0) PARTITIONS 8", true},
	{"k0 TINYINT", "HASH (k0) PARTITIONS 31", true},
	{"k0 BIGINT", "HASH (k0) PARTITIONS 13", true},
	{"k0 BIGINT UNSIGNED", "HASH (k0) PARTITIONS 13", true},
	{"k0 BIGINT UNSIGNED", "LINEAR HASH (k0) PARTITIONS 13", true},
	{"k0 BIGINT", "LINEAR HASH (k0) PARTITIONS 5", true},
	{"k0 INT", "LINEAR HASH (k0) PARTITIONS 8", true},
	{"k0 INT", "LINEAR HASH (k0) PARTITIONS 1", true},
	{"k0 YEAR", "HASH (k0) PARTITIONS 13", true},
	{"k0 BIT(40)", "HASH (k0) PARTITIONS 13", true},
	{"k0 DATE", "HASH (YEAR(k0)) PARTITIONS 13", false},
	{"k0 DATE", "HASH (TO_DAYS(k0)) PARTITIONS 13", false},
	{"k0 DATETIME(3)", "HASH (TO_DAYS(k0)) PARTITIONS 13", false},
	{"k0 DATETIME", "HASH (MONTH(k0) * 31 + DAYOFMONTH(k0)) PARTITIONS 13", false},
	{"k0 DATE", "HASH (WEEKDAY(k0) + 10 * DAYOFWEEK(k0) + 100 * DAYOFYEAR(k0) + QUARTER(k0) * 100000) PARTITIONS 31", false},
	{"k0 INT", "HASH (k0 DIV 10 + 5) PARTITIONS 13", false},
	{"k0 BIGINT UNSIGNED", "HASH (k0 MOD 100) PARTITIONS 13", false},
	{"k0 INT, k1 INT UNSIGNED", "HASH (k0 * k1 - 7) PARTITIONS 13", false},
	{"k0 INT", "HASH (ABS(k0)) PARTITIONS 13", false},
	{"k0 INT", "RANGE (k0) (PARTITION a VALUES LESS THAN (-1000), PARTITION b VALUES LESS THAN (0), PARTITION c VALUES LESS THAN (70000), PARTITION d VALUES LESS THAN MAXVALUE)", true},
	{"k0 BIGINT UNSIGNED", "RANGE (k0) (PARTITION a VALUES LESS THAN (10), PARTITION b VALUES LESS THAN (9223372036854775808), PARTITION c VALUES LESS THAN (18446744073709551615))", true},
	{"k0 BIGINT", "RANGE (k0) (PARTITION a VALUES LESS THAN (-9223372036854775807), PARTITION b VALUES LESS THAN (0), PARTITION c VALUES LESS THAN (9223372036854775807))", true},
	{"k0 YEAR", "RANGE (k0) (PARTITION a VALUES LESS THAN (1970), PARTITION b VALUES LESS THAN (2000), PARTITION c VALUES LESS THAN (2100))", true},
	{"k0 DATE", "RANGE (YEAR(k0)) (PARTITION a VALUES LESS THAN (1970), PARTITION b VALUES LESS THAN (2000), PARTITION c VALUES LESS THAN (9000))", false},
	{"k0 DATE", "RANGE (TO_DAYS(k0)) (PARTITION a VALUES LESS THAN (TO_DAYS('1999-06-01')), PARTITION b VALUES LESS THAN (TO_DAYS('2024-02-29')), PARTITION c VALUES LESS THAN MAXVALUE)", false},
	{"k0 TIMESTAMP NULL", "RANGE (UNIX_TIMESTAMP(k0)) (PARTITION a VALUES LESS THAN (1), PARTITION b VALUES LESS THAN (UNIX_TIMESTAMP('2000-01-01 00:00:00')), PARTITION c VALUES LESS THAN (UNIX_TIMESTAMP('2024-01-02 03:04:05')), PARTITION d VALUES LESS THAN MAXVALUE)", true},
	{"k0 TIMESTAMP NULL", "HASH (UNIX_TIMESTAMP(k0)) PARTITIONS 7", true},
	{"k0 INT", "HASH (k0 % 10 + k0 DIV -3) PARTITIONS 7", false},
	{"k0 DATE, k1 INT", "RANGE (TO_DAYS(k0)) SUBPARTITION BY HASH (k1) SUBPARTITIONS 3 (PARTITION a VALUES LESS THAN (TO_DAYS('1999-06-01')), PARTITION b VALUES LESS THAN MAXVALUE)", false},
	{"k0 INT, k1 VARCHAR(9)", "RANGE (k0) SUBPARTITION BY LINEAR KEY (k1) (PARTITION a VALUES LESS THAN (5) (SUBPARTITION x, SUBPARTITION `y,z`, SUBPARTITION w), PARTITION b VALUES LESS THAN MAXVALUE (SUBPARTITION x2, SUBPARTITION y2, SUBPARTITION w2))", true},
	{"k0 INT, k1 VARCHAR(9)", "LIST (k0) SUBPARTITION BY KEY (k1, k0) SUBPARTITIONS 2 (PARTITION a VALUES IN (0,1,2,3,-1,32,NULL), PARTITION b DEFAULT)", true},
	{"k0 TINYINT", "LIST (k0) (PARTITION a VALUES IN (0,1,2,3,-1,32), PARTITION b VALUES IN (NULL,4,5,-128,127))", true},
	{"k0 BIGINT UNSIGNED", "LIST (k0) (PARTITION a VALUES IN (0,1,2,18446744073709551615), PARTITION b VALUES IN (9223372036854775808,1970), PARTITION c DEFAULT)", true},
	{"k0 DATE", "LIST (MONTH(k0)) (PARTITION a VALUES IN (1,2,3), PARTITION b VALUES IN (4,5,6,NULL), PARTITION c DEFAULT)", false},
	{"k0 INT", "RANGE COLUMNS (k0) (PARTITION a VALUES LESS THAN (-5), PARTITION b VALUES LESS THAN (100), PARTITION c VALUES LESS THAN (MAXVALUE))", true},
	{"k0 BIGINT UNSIGNED, k1 INT", "RANGE COLUMNS (k0, k1) (PARTITION a VALUES LESS THAN (1, 5), PARTITION b VALUES LESS THAN (1, 200), PARTITION c VALUES LESS THAN (1, MAXVALUE), PARTITION d VALUES LESS THAN (9223372036854775807, 0), PARTITION e VALUES LESS THAN (MAXVALUE, 0))", true},
	{"k0 DATE", "RANGE COLUMNS (k0) (PARTITION a VALUES LESS THAN ('1971-01-01'), PARTITION b VALUES LESS THAN ('2000-06-05'), PARTITION c VALUES LESS THAN ('8888-01-01'))", true},
	{"k0 DATETIME(6), k1 DATE", "RANGE COLUMNS (k0, k1) (PARTITION a VALUES LESS THAN ('1971-01-01 10:00:00', '2000-01-01'), PARTITION b VALUES LESS THAN ('2000-06-05 11:11:11', MAXVALUE), PARTITION c VALUES LESS THAN (MAXVALUE, MAXVALUE))", true},
	{"k0 TIME(3)", "RANGE COLUMNS (k0) (PARTITION a VALUES LESS THAN ('-10:00:00'), PARTITION b VALUES LESS THAN ('00:00:00.500'), PARTITION c VALUES LESS THAN ('100:00:00'))", true},
	{"k0 VARCHAR(12)", "RANGE COLUMNS (k0) (PARTITION a VALUES LESS THAN (''), PARTITION b VALUES LESS THAN ('a'), PARTITION d VALUES LESS THAN ('Bä'), PARTITION e VALUES LESS THAN ('z'), PARTITION f VALUES LESS THAN ('漢'), PARTITION g VALUES LESS THAN (MAXVALUE))", true},
	{"k0 CHAR(12) COLLATE utf8mb4_bin", "RANGE COLUMNS (k0) (PARTITION b VALUES LESS THAN ('a'), PARTITION c VALUES LESS THAN ('ä'), PARTITION f VALUES LESS THAN ('漢'), PARTITION g VALUES LESS THAN (MAXVALUE))", true},
	{"k0 VARCHAR(12) COLLATE utf8mb4_unicode_ci", "RANGE COLUMNS (k0) (PARTITION b VALUES LESS THAN ('a'), PARTITION c VALUES LESS THAN ('ö'), PARTITION f VALUES LESS THAN ('漢'), PARTITION g VALUES LESS THAN (MAXVALUE))", true},
	{"k0 VARCHAR(12) COLLATE utf8mb4_unicode_nopad_ci", "RANGE COLUMNS (k0) (PARTITION b VALUES LESS THAN ('a'), PARTITION c VALUES LESS THAN ('a '), PARTITION d VALUES LESS THAN ('ö'), PARTITION f VALUES LESS THAN ('漢'), PARTITION g VALUES LESS THAN (MAXVALUE))", true},
	{"k0 VARCHAR(12) COLLATE utf8mb4_czech_ci", "RANGE COLUMNS (k0) (PARTITION b VALUES LESS THAN ('a'), PARTITION c VALUES LESS THAN ('ch'), PARTITION d VALUES LESS THAN ('ö'), PARTITION g VALUES LESS THAN (MAXVALUE))", false},
	{"k0 VARCHAR(12) CHARACTER SET latin1", "RANGE COLUMNS (k0) (PARTITION b VALUES LESS THAN ('a'), PARTITION c VALUES LESS THAN ('Ä'), PARTITION d VALUES LESS THAN ('ö'), PARTITION g VALUES LESS THAN (MAXVALUE))", true},
	{"k0 VARCHAR(12) CHARACTER SET ucs2", "RANGE COLUMNS (k0) (PARTITION b VALUES LESS THAN ('a'), PARTITION d VALUES LESS THAN ('ö'), PARTITION g VALUES LESS THAN (MAXVALUE))", true},
	{"k0 VARCHAR(12) CHARACTER SET big5", "RANGE COLUMNS (k0) (PARTITION b VALUES LESS THAN ('a'), PARTITION g VALUES LESS THAN (MAXVALUE))", false},
	{"k0 VARCHAR(12) CHARACTER SET gbk", "RANGE COLUMNS (k0) (PARTITION b VALUES LESS THAN ('a'), PARTITION d VALUES LESS THAN ('漢'), PARTITION g VALUES LESS THAN (MAXVALUE))", false},
	{"k0 VARCHAR(12) CHARACTER SET cp1251", "LIST COLUMNS (k0) (PARTITION a VALUES IN ('a', 'ж', 'ss'), PARTITION b VALUES IN ('ch', ''), PARTITION c DEFAULT)", false},
	{"k0 VARCHAR(12) CHARACTER SET cp1251, k1 VARCHAR(4)", "RANGE COLUMNS (k1, k0) (PARTITION a VALUES LESS THAN ('h', 'ж'), PARTITION b VALUES LESS THAN ('h', MAXVALUE), PARTITION c VALUES LESS THAN (MAXVALUE, ''))", false},
	{"k0 VARBINARY(12), k1 BINARY(3)", "RANGE COLUMNS (k0, k1) (PARTITION b VALUES LESS THAN (x'20', x'00'), PARTITION c VALUES LESS THAN (x'6100', x'ff'), PARTITION d VALUES LESS THAN (x'ff', x'61'), PARTITION g VALUES LESS THAN (MAXVALUE,MAXVALUE))", true},
	{"k0 INET6", "RANGE COLUMNS (k0) (PARTITION b VALUES LESS THAN ('1000::'), PARTITION c VALUES LESS THAN ('8000::1'), PARTITION g VALUES LESS THAN (MAXVALUE))", true},
	{"k0 UUID", "RANGE COLUMNS (k0) (PARTITION b VALUES LESS THAN ('80000000-0000-1000-8000-000000000000'), PARTITION g VALUES LESS THAN (MAXVALUE))", false},
	{"k0 VARCHAR(12)", "LIST COLUMNS (k0) (PARTITION a VALUES IN ('a','b',NULL,''), PARTITION b VALUES IN ('ss','z','ö'), PARTITION c DEFAULT)", true},
	{"k0 VARCHAR(12) COLLATE utf8mb4_czech_ci", "LIST COLUMNS (k0) (PARTITION a VALUES IN ('a','ch',NULL,''), PARTITION b VALUES IN ('z','ö'), PARTITION c DEFAULT)", false},
	{"k0 VARCHAR(12) COLLATE utf8mb4_bin", "LIST COLUMNS (k0) (PARTITION a VALUES IN ('a',' ',NULL,''''), PARTITION b VALUES IN ('z','ö','\\\\','-'))", true},
	{"k0 TINYINT, k1 TINYINT UNSIGNED", "LIST COLUMNS (k0, k1) (PARTITION a VALUES IN ((1,1),(2,NULL),(NULL,NULL),(-1,255)), PARTITION b VALUES IN ((NULL,1),(0,0),(127,255)), PARTITION c DEFAULT)", true},
	{"k0 DATE, k1 VARCHAR(4)", "LIST COLUMNS (k0, k1) (PARTITION a VALUES IN (('2024-01-01','a'),(NULL,NULL)), PARTITION c DEFAULT)", true},
	{"k0 BINARY(2)", "LIST COLUMNS (k0) (PARTITION a VALUES IN (x'61', x'0000'), PARTITION b VALUES IN (x'2020', x'4100'), PARTITION c DEFAULT)", true},
	{"k0 DATETIME(2)", "LIST COLUMNS (k0) (PARTITION a VALUES IN ('2024-01-01 10:00:00.5', '2024-01-02'), PARTITION c DEFAULT)", true},
	{"k0 INT, k1 VARCHAR(9), k2 DATETIME(3), k3 DECIMAL(10,2)", "KEY (k0, k1, k2, k3) PARTITIONS 31", true},
	{"k0 INT, k1 CHAR(9) COLLATE utf8mb4_bin, k2 ENUM('a','b')", "LINEAR KEY (k2, k1, k0) PARTITIONS 11", true},
	{"k0 INT NOT NULL, k1 CHAR(9) NOT NULL, PRIMARY KEY (k1, k0)", "KEY () PARTITIONS 11", true},
	{"k0 INT NOT NULL, k1 CHAR(9), UNIQUE (k0, k1), UNIQUE (k0)", "KEY () PARTITIONS 11", true},
	{"k0 INT, k1 CHAR(9)", "KEY (k0) (PARTITION `a b`, PARTITION `c``d`, PARTITION ö)", true},
}

// TestChoose compares what was chosen for each row of each table.
func TestChoose(t *testing.T) {
	s := connect(t)
	r := random()
	total := 0
	for _, tab := range tables {
		what := tab.columns + ": " + tab.by
		s.Exec("CREATE OR REPLACE TABLE t (id INT NOT NULL, " + tab.columns + ") ENGINE=MyISAM PARTITION BY " + tab.by)
		f := s.function("t")
		all := topotest.Columns(s.Session, "t")[1:]
		values := make([][]string, len(all))
		var names []string
		for i, c := range all {
			names = append(names, c.Name)
			values[i] = literals(r, c.FullType, 60)
			if strings.Contains(tab.by, "LIST") || i > 0 {
				values[i] = append(values[i], "0", "1", "-1", "127", "255", "'a'", "'ss'", "'ch'", "''", "'2024-01-01'", "NULL", "x'61'", "''''", "'\\\\'", "' '", "'2024-01-01 10:00:00.5'")
			}
		}
		var rows []string
		for id := range 600 {
			row := fmt.Sprint("(", id)
			for i := range all {
				row += "," + values[i][r.IntN(len(values[i]))]
			}
			rows = append(rows, row+")")
		}
		insert := "INSERT IGNORE INTO t (id," + strings.Join(names, ",") + ") VALUES "
		if err := s.Try(insert + strings.Join(rows, ",")); err != nil {
			for _, row := range rows { // some have values for which the expression fails
				if err := s.Try(insert + row); err != nil && s.number(err) == 0 {
					t.Fatal(err)
				}
			}
		}
		var cols []string
		for i := range f.s.Columns {
			cols = append(cols, f.s.Columns[i].Name)
		}
		exact, asked := s.check(what, "t", f, cols)
		if tab.exact && asked > 0 || exact+asked < 20 {
			t.Errorf("%s: %d exact, %d asked", what, exact, asked)
		}
		stored := s.Rows("SELECT id, " + strings.Join(cols, ", ") + " FROM t")
		taught, _ := s.compare(what+" with weights", s.places("t", f), stored, s.taught(f, stored, "utf8mb4"), "utf8mb4")
		if strings.Contains(what, "czech") && taught != len(stored) {
			t.Errorf("%s: %d of %d known with the weights", what, taught, len(stored))
		}
		total += exact
	}
	t.Logf("%d rows of %d tables", total, len(tables))
}

// TestNoPartition refuses what the server refuses with 1526.
func TestNoPartition(t *testing.T) {
	s := connect(t)
	for _, c := range []struct{ columns, by, value string }{
		{"k INT", "RANGE (k) (PARTITION a VALUES LESS THAN (10))", "10"},
		{"k INT", "RANGE COLUMNS (k) (PARTITION a VALUES LESS THAN (10))", "10"},
		{"k INT", "LIST (k) (PARTITION a VALUES IN (10))", "11"},
		{"k INT", "LIST (k) (PARTITION a VALUES IN (10))", "NULL"},
		{"k INT", "LIST COLUMNS (k) (PARTITION a VALUES IN (10))", "NULL"},
		{"k DATE", "RANGE (YEAR(k)) (PARTITION a VALUES LESS THAN (2000))", "'2000-01-01'"},
	} {
		s.Exec("CREATE OR REPLACE TABLE t (" + c.columns + ") PARTITION BY " + c.by)
		if n := s.number(s.Try("INSERT INTO t VALUES (" + c.value + ")")); n != ErrNoPartitionNumber {
			t.Errorf("%s: the server says %d for %s", c.by, n, c.value)
		}
		text := []byte(strings.Trim(c.value, "'"))
		if c.value == "NULL" {
			text = nil
		}
		if p, err := s.function("t").Row([][]byte{text}, "utf8mb4"); !errors.Is(err, ErrNoPartition) {
			t.Errorf("%s: place %d, %v for %s", c.by, p, err, c.value)
		}
	}
}

// TestAsk learns what a value lacks.
func TestAsk(t *testing.T) {
	s := connect(t)
	for _, by := range []string{"KEY (k) PARTITIONS 5", "LIST COLUMNS (k) (PARTITION a VALUES IN ('ch', 'h'), PARTITION b DEFAULT)",
		"RANGE COLUMNS (k) (PARTITION a VALUES LESS THAN ('ci'), PARTITION b VALUES LESS THAN ('ch'), PARTITION c VALUES LESS THAN (MAXVALUE))"} {
		s.Exec("CREATE OR REPLACE TABLE t (id INT, k VARCHAR(9) COLLATE utf8mb4_czech_ci) PARTITION BY " + by)
		s.Exec("INSERT INTO t VALUES (0, 'chata'), (1, 'H'), (2, 'CH '), (3, 'c')")
		learned := shard.NewCache(1 << 16)
		f := s.function("t").WithWeights(learned)
		places := s.places("t", f)
		for id, text := range []string{"chata", "h ", "ch", "C"} {
			vals := []shard.Value{shard.StringValue([]byte(text), "utf8mb4")}
			for _, q := range f.Ask(vals, false) {
				learned.Learn(q.Collation, q.S, s.Rows(string(shard.WeightSQL([]byte("SELECT "), q)))[0][0])
			}
			if p, err := f.Compare(vals); err != nil || p != places[id] {
				t.Errorf("%s: %q is in place %d, not %d: %v", by, text, places[id], p, err)
			}
			if qs := f.Ask(vals, true); len(qs) > 0 {
				t.Errorf("%s: %q still lacks %q", by, text, qs)
			}
		}
	}
}

// TestNamed selects what PARTITION (name) selects.
func TestNamed(t *testing.T) {
	s := connect(t)
	s.Exec("CREATE TABLE t (id INT, k INT) PARTITION BY RANGE (k) SUBPARTITION BY HASH (id) SUBPARTITIONS 2" +
		" (PARTITION a VALUES LESS THAN (10) (SUBPARTITION x, SUBPARTITION Ö), PARTITION B VALUES LESS THAN (20) (SUBPARTITION z, SUBPARTITION w))")
	for id := range 20 {
		s.Exec(fmt.Sprintf("INSERT INTO t VALUES (%d, %d)", id, id))
	}
	f := s.function("t")
	places := s.places("t", f)
	for _, name := range []string{"a", "A", "b", "x", "ö", "W"} {
		ps := f.Named(name)
		rows := s.Rows("SELECT id FROM t PARTITION (" + name + ")")
		n := 0
		for _, p := range places {
			if slices.Contains(ps, p) {
				n++
			}
		}
		if len(rows) == 0 || n != len(rows) {
			t.Errorf("%s: %v with %d rows, not %d", name, ps, n, len(rows))
		}
	}
	if ps := f.Named("none"); ps != nil {
		t.Error(ps)
	}
}
