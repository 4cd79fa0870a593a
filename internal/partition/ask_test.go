package partition

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/shard"
)

// valueOf is the Value that stands for a literal of literals.
func valueOf(sql string) shard.Value {
	switch {
	case sql == "NULL":
		return shard.Value{}
	case strings.HasPrefix(sql, "_utf8mb4 x'"), strings.HasPrefix(sql, "x'"):
		h := sql[strings.IndexByte(sql, '\'')+1 : len(sql)-1]
		b := make([]byte, len(h)/2)
		for i := range b {
			n, _ := strconv.ParseUint(h[2*i:2*i+2], 16, 8)
			b[i] = byte(n)
		}
		if sql[0] == 'x' {
			return shard.Value{Kind: shard.Bytes, B: b}
		}
		return shard.StringValue(b, "utf8mb4")
	case sql[0] == '\'':
		return shard.StringValue([]byte(sql[1:len(sql)-1]), "utf8mb4")
	case sql[0] == '-':
		return shard.NumberValue([]byte(sql[1:]), true)
	}
	return shard.NumberValue([]byte(sql), false)
}

var askedTypes = append([]string{
	"FLOAT", "FLOAT UNSIGNED", "FLOAT(10,3)", "DOUBLE(12,4)", "VARCHAR(9)", "CHAR(9) COLLATE utf8mb4_unicode_ci", "VARCHAR(9) COLLATE utf8mb4_czech_ci",
	"VARCHAR(9) CHARACTER SET latin2 COLLATE latin2_czech_cs", "CHAR(9) CHARACTER SET utf32 COLLATE utf32_uca1400_as_cs", "VARCHAR(9) CHARACTER SET sjis",
	"VARCHAR(9) CHARACTER SET tis620", "CHAR(4) COLLATE utf8mb4_nopad_bin", "CHAR(4) COLLATE utf8mb4_uca1400_nopad_ai_ci",
}, plainTypes...)

// TestStoreCompareAsk writes literals into columns of all types, and compares where they are with what was foreseen, with where equal ones are looked
// for, and with what a server says when it is asked.
func TestStoreCompareAsk(t *testing.T) {
	s := connect(t)
	r := random()
	stored, compared, asked := 0, 0, 0
	for _, typ := range askedTypes {
		s.Exec("CREATE OR REPLACE TABLE shape (k " + typ + ") PARTITION BY KEY (k) PARTITIONS 13")
		f := s.function("shape")
		s.Exec("CREATE OR REPLACE TABLE t (id INT, k " + typ + ") ENGINE=MyISAM PARTITION BY KEY (k) PARTITIONS 13")
		s.Exec("SET sql_mode='STRICT_TRANS_TABLES'")
		values := literals(r, typ, 60)
		taken := map[int]bool{}
		for id, sql := range values {
			taken[id] = s.Try(fmt.Sprintf("INSERT INTO t VALUES (%d, %s)", id, sql)) == nil
		}
		places := s.places("t", f)
		for id, sql := range values {
			v := []shard.Value{valueOf(sql)}
			p, err := f.Store(v)
			switch {
			case errors.Is(err, ErrInexact) || errors.Is(err, ErrAskLeaf):
			case err != nil:
				t.Errorf("%s: %s: %v", short(typ), sql, err)
			case !taken[id]: // what is refused may be foreseen, or not
			case p != places[id]:
				t.Errorf("%s: %s is stored in place %d, not %d", short(typ), sql, places[id], p)
			default:
				stored++
			}
			if p, err := f.Compare(v); err == nil {
				compared++
				op := " = "
				if sql == "NULL" {
					op = " <=> "
				}
				found, ferr := s.TryRows("SELECT id FROM t WHERE k" + op + sql)
				if ferr != nil {
					continue
				}
				for _, row := range found {
					n, _ := strconv.Atoi(string(row[0]))
					if places[n] != p {
						t.Errorf("%s: k%s%s finds row %d in place %d, not %d", short(typ), op, sql, n, places[n], p)
					}
				}
			}
			if id%3 != 0 || !taken[id] {
				continue
			}
			rows, err := s.TryRows(f.StoredSQL(shard.Block{}, [][]string{{sql}}))
			if err != nil {
				t.Errorf("%s: which value is %s? %v", short(typ), sql, err)
				continue
			}
			p, err = f.Row(rows[0], "utf8mb4")
			if !errors.Is(err, ErrAskLeaf) && !errors.Is(err, ErrInexact) && (err != nil || p != places[id]) {
				t.Errorf("%s: %s becomes %q, which is in place %d, not %d: %v", short(typ), sql, rows[0], places[id], p, err)
			}
			q, ok := f.AskSQL("partition_test", "shape", [][]string{{sql}})
			if !ok {
				if err != nil {
					t.Errorf("%s: %s is %q: %v", short(typ), sql, rows[0], err)
				}
				continue
			}
			if rows, err = s.TryRows(q); err != nil {
				t.Errorf("%s: where is %s? %v", short(typ), sql, err)
				continue
			}
			if p, err := f.Answer(partitionsOf(rows[0])); err != nil || p != places[id] {
				t.Errorf("%s: the server says place %d (%q) for %s, which is in %d: %v", short(typ), p, rows[0], sql, places[id], err)
			}
			asked++
		}
		s.Exec("SET sql_mode=''")
	}
	t.Logf("%d stored, %d compared, %d asked", stored, compared, asked)
	if stored < 1500 || compared < 1500 || asked < 1000 {
		t.Error("too few")
	}
}

// partitionsOf is the column "partitions" of a row of EXPLAIN PARTITIONS.
func partitionsOf(row [][]byte) []byte { return row[3] }

// TestAskMany asks for several rows of several columns at once, and for what has no place.
func TestAskMany(t *testing.T) {
	s := connect(t)
	s.Exec("CREATE TABLE r (a INT PRIMARY KEY, d DATE NOT NULL, `x``y` VARCHAR(9) COLLATE utf8mb4_czech_ci) PARTITION BY KEY (a) PARTITIONS 3")
	s.Exec("CREATE OR REPLACE TABLE r (a INT NOT NULL, d DATETIME, `x``y` VARCHAR(9) COLLATE utf8mb4_czech_ci, KEY (d), UNIQUE (a, d, `x``y`))" +
		" PARTITION BY RANGE (HOUR(d) + ABS(a)) SUBPARTITION BY KEY (`x``y`) SUBPARTITIONS 3 (PARTITION p0 VALUES LESS THAN (30), PARTITION `p_1` VALUES LESS THAN (100))")
	f := s.function("r")
	columns := []string{"'2024-01-01'", "'2024-12-01 10:00:00'", "NULL", "20240505101010"}
	var rows [][]string
	for a := range 40 {
		rows = append(rows, []string{columns[a%len(columns)], strconv.Itoa(-a * 7), fmt.Sprintf("CONCAT('ch', %d)", a)})
	}
	if f.s.Columns[0].Name != "d" || f.s.Columns[1].Name != "a" {
		t.Fatal(f.s.Columns)
	}
	if _, err := f.Row([][]byte{[]byte("2024-01-01 00:00:00"), []byte("1"), []byte("x")}, "utf8mb4"); !errors.Is(err, ErrAskLeaf) {
		t.Error(err)
	}
	q, ok := f.AskSQL("partition_test", "r", rows)
	if !ok {
		t.Fatal("no question")
	}
	answer := s.Rows(q)
	homeless := 0
	for i, row := range rows {
		p, err := f.Answer(partitionsOf(answer[i]))
		s.Exec("DELETE FROM r")
		werr := s.Try("INSERT INTO r (d, a, `x``y`) VALUES (" + strings.Join(row, ",") + ")")
		if s.number(werr) == ErrNoPartitionNumber || errors.Is(err, ErrNoPartition) {
			if homeless++; !errors.Is(err, ErrNoPartition) || s.number(werr) != ErrNoPartitionNumber {
				t.Errorf("%v: %v, and the server says %v", row, err, werr)
			}
			continue
		}
		if err != nil || werr != nil {
			t.Errorf("%v: %v, %v", row, err, werr)
			continue
		}
		if n := string(s.Rows("SELECT COUNT(*) FROM r PARTITION (" + quoteName(f.Name(p)) + ")")[0][0]); n != "1" {
			t.Errorf("%v is not in %s", row, f.Name(p))
		}
	}
	if homeless == 0 || homeless == len(rows) {
		t.Error(homeless, "without a place")
	}
}
