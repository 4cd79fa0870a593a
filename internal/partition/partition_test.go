package partition

import (
	"fmt"
	"testing"

	"github.com/orbweaver/orbweaver/internal/shard"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

func column(typ, full, charset, collation string) topo.Column {
	return topo.Column{Name: "k", Type: typ, FullType: full, Length: 100, Charset: charset, Collation: collation, Nullable: true}
}

func byKey(t testing.TB, n int, c topo.Column) *Func {
	t.Helper()
	f, err := New(&Scheme{Columns: []topo.Column{c}, By: Choice{Method: Key, Columns: []int{0}}, Partitions: make([]Partition, n)})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// forever are places that data on disk depends on: MariaDB chose them.
var forever = []struct {
	column topo.Column
	text   string
	place  int
}{
	{column("int", "int(11)", "", ""), "1", 877},
	{column("int", "int(11)", "", ""), "-1", 227},
	{column("int", "int(11)", "", ""), "123456", 166},
	{column("bigint", "bigint(20)", "", ""), "123456", 166},
	{column("decimal", "decimal(10,0)", "", ""), "-5", 526},
	{column("varchar", "varchar(100)", "utf8mb4", "utf8mb4_general_ci"), "Straße  ", 613},
	{column("varchar", "varchar(100)", "utf8mb4", "utf8mb4_unicode_ci"), "Straße", 390},
	{column("varchar", "varchar(100)", "latin1", "latin1_swedish_ci"), "Ä", 717},
	{column("datetime", "datetime", "", ""), "2026-02-28 12:00:00", 189},
	{column("uuid", "uuid", "", ""), "123e4567-e89b-12d3-a456-426655440000", 84},
}

func TestForever(t *testing.T) {
	for _, c := range forever {
		if p, err := byKey(t, 1009, c.column).Row([][]byte{[]byte(c.text)}, "utf8mb4"); err != nil || p != c.place {
			t.Errorf("%s %s: rows would be looked for in the wrong place: %d, not %d; %v", c.column.FullType, c.text, p, c.place, err)
		}
	}
}

// TestForeverOnServer asks a server for the same.
func TestForeverOnServer(t *testing.T) {
	s := connect(t)
	for _, c := range forever {
		s.Exec("CREATE OR REPLACE TABLE t (k " + shard.Block{}.Type(c.column.Name, c.column.FullType, c.column.Charset, c.column.Collation) + ") ENGINE=MEMORY PARTITION BY KEY (k) PARTITIONS 1009")
		s.Exec("INSERT INTO t VALUES ('" + c.text + "')")
		if n := string(s.Rows(fmt.Sprintf("SELECT COUNT(*) FROM t PARTITION (p%d)", c.place))[0][0]); n != "1" {
			t.Errorf("%s %s is not in place %d", c.column.FullType, c.text, c.place)
		}
	}
}

func TestNoAllocations(t *testing.T) {
	for name, c := range map[string]struct {
		col topo.Column
		val shard.Value
	}{
		"int literal":        {column("int", "int(11)", "", ""), shard.NumberValue([]byte("123456"), false)},
		"bigint parameter":   {column("bigint", "bigint(20)", "", ""), shard.IntValue(-123456)},
		"utf8mb4_general_ci": {column("varchar", "varchar(100)", "utf8mb4", "utf8mb4_general_ci"), shard.StringValue([]byte("Grüße aus Köln"), "utf8mb4")},
		"latin1_swedish_ci":  {column("varchar", "varchar(100)", "latin1", "latin1_swedish_ci"), shard.StringValue([]byte("someone@example.com"), "utf8mb4")},
		"datetime":           {column("datetime", "datetime", "", ""), shard.StringValue([]byte("2026-02-28 12:00:00"), "utf8mb4")},
	} {
		f := byKey(t, 16, c.col)
		vals := []shard.Value{c.val}
		if _, err := f.Compare(vals); err != nil {
			t.Fatal(name, err)
		}
		if n := testing.AllocsPerRun(100, func() { f.Compare(vals); f.Store(vals) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkInt(b *testing.B) {
	f := byKey(b, 16, column("int", "int(11)", "", ""))
	vals := []shard.Value{shard.NumberValue([]byte("123456789"), false)}
	for b.Loop() {
		if _, err := f.Compare(vals); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGeneralCI(b *testing.B) {
	f := byKey(b, 16, column("varchar", "varchar(100)", "utf8mb4", "utf8mb4_general_ci"))
	vals := []shard.Value{shard.StringValue([]byte("someone@example.com"), "utf8mb4")}
	for b.Loop() {
		if _, err := f.Compare(vals); err != nil {
			b.Fatal(err)
		}
	}
}

// TestRead refuses what it can't be exact about.
func TestRead(t *testing.T) {
	cols := []topo.Column{{Name: "a", Type: "int"}, {Name: "b", Type: "int", Nullable: true}}
	for _, text := range []string{
		"CREATE TABLE t (a int)",
		"CREATE TABLE t (a int) PARTITION BY SYSTEM_TIME (PARTITION p HISTORY, PARTITION n CURRENT)",
		"CREATE TABLE t (a int) PARTITION BY KEY ()",
		"CREATE TABLE t (a int) PARTITION BY KEY (c)",
		"CREATE TABLE t (a int) PARTITION BY HASH (c + 1)",
		"CREATE TABLE t (a int) PARTITION BY RANGE (a) (PARTITION p VALUES LESS THAN (TO_DAYS('2020-01-01')))",
		"DROP TABLE t",
	} {
		if s, err := Read([]byte(text), sqltext.Mode{}, cols); err == nil {
			t.Errorf("%s: %+v", text, s)
		}
	}
}

// FuzzRead reads whatever it is given, and then chooses and prunes, without panicking.
func FuzzRead(f *testing.F) {
	for _, tab := range tables {
		f.Add("CREATE TABLE t (" + tab.columns + ") PARTITION BY " + tab.by)
	}
	for _, by := range []string{"RANGE ()", "LIST ()", "HASH ()", "KEY (k0, k0)", "RANGE (k0)", "LIST (k0) (PARTITION p VALUES IN ((1, 2)))",
		"RANGE COLUMNS (k0, k1) (PARTITION p VALUES LESS THAN (1))", "RANGE (k0) SUBPARTITION BY KEY () (PARTITION p VALUES LESS THAN (1) (SUBPARTITION a), PARTITION q VALUES LESS THAN (2))",
		"HASH (k0 DIV 0) PARTITIONS 3", "HASH (1 + 1) PARTITIONS 2", "LIST (YEAR(k1)) (PARTITION p VALUES IN (1) (SUBPARTITION a))"} {
		f.Add("CREATE TABLE t (k0 INT) PARTITION BY " + by)
	}
	columns := []topo.Column{{Name: "k0", Type: "int", FullType: "int(11)", Nullable: true}, {Name: "k1", Type: "date", FullType: "date"},
		{Name: "k2", Type: "varchar", FullType: "varchar(9)", Length: 9, Charset: "utf8mb4", Collation: "utf8mb4_czech_ci"}, {Name: "k3", Type: "geometry"}}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Read([]byte(text), sqltext.Mode{}, columns)
		if err != nil {
			return
		}
		fn, err := New(s)
		if err != nil {
			return
		}
		row := make([][]byte, fn.Columns())
		vals := make([]shard.Value, fn.Columns())
		for _, v := range []string{"", "5", "2020-02-30", "x", "-9223372036854775808"} {
			var terms []Term
			for i := range row {
				row[i], vals[i] = []byte(v), shard.StringValue([]byte(v), "utf8mb4")
				terms = append(terms, Term{i, Op(len(v) % 5), vals[i : i+1]})
			}
			for _, choose := range []func() (int, error){
				func() (int, error) { return fn.Row(row, "utf8mb4") }, func() (int, error) { return fn.Compare(vals) }, func() (int, error) { return fn.Store(vals) },
			} {
				if p, err := choose(); err == nil && (p < 0 || p >= fn.Places()) {
					t.Errorf("place %d of %d", p, fn.Places())
				}
			}
			fn.Ask(vals, true)
			fn.Prune(terms)
		}
	})
}
