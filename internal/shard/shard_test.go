package shard

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/topo"
)

func intColumn() topo.Column {
	return topo.Column{Name: "id", Type: "int", FullType: "int(11)", Nullable: true}
}

func textColumn(charset, collation string) topo.Column {
	return topo.Column{Name: "s", Type: "varchar", FullType: "varchar(100)", Length: 100, Charset: charset, Collation: collation, Nullable: true}
}

func newFunc(t testing.TB, n int, cols ...topo.Column) *Func {
	t.Helper()
	f, err := New(cols, n)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// What a CHAR shows with spaces under PAD_CHAR_TO_FULL_LENGTH is where it is stored without.
func TestShownSpaces(t *testing.T) {
	for _, kind := range []string{"char", "varchar"} {
		for _, coll := range []string{"latin1_swedish_nopad_ci", "utf8mb4_nopad_bin"} {
			charset, _, _ := strings.Cut(coll, "_")
			c := textColumn(charset, coll)
			c.Type, c.FullType = kind, kind+"(6)"
			f := newFunc(t, 1<<20, c)
			var at [2]int
			for i, v := range []string{"b", "b     "} {
				var err error
				if at[i], err = f.Compare([]Value{StringValue([]byte(v), "utf8mb4")}); err != nil {
					t.Fatal(kind, coll, err)
				}
			}
			if (at[0] == at[1]) != (kind == "char") {
				t.Errorf("%s %s: places %v", kind, coll, at)
			}
		}
	}
}

// TestForever holds ordinals that data on disk depends on. It must never be changed to make it pass.
func TestForever(t *testing.T) {
	big := textColumn("utf8mb4", "utf8mb4_general_ci")
	dec := topo.Column{Name: "d", Type: "decimal", FullType: "decimal(10,2)", Scale: 2}
	date := topo.Column{Name: "at", Type: "datetime", FullType: "datetime", Nullable: true}
	got := []int{}
	one := func(c topo.Column, v Value) {
		n, err := newFunc(t, 1<<20, c).Compare([]Value{v})
		if err != nil {
			t.Fatal(c.Type, v, err)
		}
		got = append(got, n)
	}
	one(intColumn(), IntValue(0))
	one(intColumn(), IntValue(1))
	one(intColumn(), IntValue(-1))
	one(intColumn(), UintValue(1<<63))
	one(intColumn(), Value{})
	one(dec, NumberValue([]byte("12.50"), true))
	one(big, StringValue([]byte("Straße  "), "utf8mb4"))
	one(big, StringValue(nil, "utf8mb4"))
	one(textColumn("latin1", "latin1_swedish_ci"), StringValue([]byte("Ä"), "utf8mb4"))
	one(topo.Column{Type: "varbinary", Length: 10}, Value{Kind: Bytes, B: []byte{0, 1}})
	one(date, StringValue([]byte("2026-02-28 12:00:00"), "utf8mb4"))
	two, err := newFunc(t, 1<<20, intColumn(), big).Compare([]Value{IntValue(7), StringValue([]byte("x"), "utf8mb4")})
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, two)
	want := []int{785585, 872475, 655233, 108536, 757812, 191405, 712813, 663850, 200438, 832306, 593824, 524279}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("rows would be looked for in the wrong places: %v, not %v", got, want)
	}
}

// TestDistribution is a chi-square test: consecutive keys must spread like random ones.
func TestDistribution(t *testing.T) {
	keys := map[string]func(i int) Value{
		"consecutive": func(i int) Value { return IntValue(int64(i)) },
		"even":        func(i int) Value { return IntValue(int64(2 * i)) },
		"thousands":   func(i int) Value { return IntValue(int64(1000 * i)) },
		"snowflakes":  func(i int) Value { return IntValue(int64(i) << 22) },
	}
	for name, key := range keys {
		for n := 2; n <= 64; n++ {
			f := newFunc(t, n, topo.Column{Type: "bigint"})
			const rows = 20000
			seen := make([]int, n)
			for i := range rows {
				p, err := f.Compare([]Value{key(i)})
				if err != nil || p < 0 || p >= n {
					t.Fatal(p, err)
				}
				seen[p]++
			}
			mean, chi := float64(rows)/float64(n), 0.0
			for _, s := range seen {
				chi += (float64(s) - mean) * (float64(s) - mean) / mean
			}
			// Mean n-1, deviation sqrt(2(n-1)): five deviations and a bit for the small ones.
			if d := float64(n - 1); (chi-d)*(chi-d) > 50*d+100 {
				t.Errorf("%s keys over %d partitions: chi-square %.1f", name, n, chi)
			}
		}
	}
}

func TestNoAllocations(t *testing.T) {
	vals := map[string]struct {
		col topo.Column
		val Value
	}{
		"int literal":        {intColumn(), NumberValue([]byte("123456"), true)},
		"int parameter":      {intColumn(), IntValue(-123456)},
		"int string":         {intColumn(), StringValue([]byte("123456"), "utf8mb4")},
		"utf8mb4_general_ci": {textColumn("utf8mb4", "utf8mb4_general_ci"), StringValue([]byte("Grüße aus Köln"), "utf8mb4")},
		"utf8mb3_general_ci": {textColumn("utf8mb3", "utf8mb3_general_ci"), StringValue([]byte("Grüße aus Köln"), "utf8mb4")},
		"utf8mb4_uca1400":    {textColumn("utf8mb4", "utf8mb4_uca1400_ai_ci"), StringValue([]byte("Grüße aus Köln"), "utf8mb4")},
		"utf8mb4_bin":        {textColumn("utf8mb4", "utf8mb4_bin"), StringValue([]byte("Grüße aus Köln"), "utf8mb4")},
		"latin1_swedish_ci":  {textColumn("latin1", "latin1_swedish_ci"), StringValue([]byte("someone@example.com"), "utf8mb4")},
		"binary":             {topo.Column{Type: "varbinary", Length: 100}, Value{Kind: Bytes, B: []byte("abcdefgh")}},
		"datetime":           {topo.Column{Type: "datetime"}, StringValue([]byte("2026-02-28 12:00:00"), "utf8mb4")},
		"uuid":               {topo.Column{Type: "uuid"}, StringValue([]byte("123e4567-e89b-12d3-a456-426655440000"), "utf8mb4")},
		"decimal":            {topo.Column{Type: "decimal", FullType: "decimal(10,2)", Scale: 2}, NumberValue([]byte("12.50"), false)},
	}
	for name, v := range vals {
		f := newFunc(t, 16, v.col)
		args := []Value{v.val}
		if _, err := f.Compare(args); err != nil {
			t.Fatal(name, err)
		}
		if n := testing.AllocsPerRun(100, func() { f.Compare(args); f.Store(args) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkInt(b *testing.B) {
	f := newFunc(b, 16, intColumn())
	lit := []byte("123456789")
	for b.Loop() {
		vals := [1]Value{NumberValue(lit, false)}
		if _, err := f.Compare(vals[:]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGeneralCI(b *testing.B) {
	f := newFunc(b, 16, textColumn("utf8mb4", "utf8mb4_general_ci"))
	s := []byte("someone@example.com")
	for b.Loop() {
		vals := [1]Value{StringValue(s, "utf8mb4")}
		if _, err := f.Compare(vals[:]); err != nil {
			b.Fatal(err)
		}
	}
}

func TestCheckKeyType(t *testing.T) {
	for _, c := range []topo.Column{
		{Type: "float"}, {Type: "double"}, {Type: "timestamp"}, {Type: "text", Collation: "utf8mb4_general_ci"}, {Type: "blob"}, {Type: "json"}, {Type: "longtext"},
		{Type: "geometry"}, {Type: "point"}, textColumn("utf8mb4", "utf8mb4_klingon_ci"), textColumn("big5", "big5_chinese_ci"),
	} {
		err := CheckKeyType(&c)
		var k *KeyTypeError
		if !errors.As(err, &k) || k.Reason == "" {
			t.Errorf("%s %s: %v", c.Type, c.Collation, err)
		}
	}
	for _, c := range []topo.Column{intColumn(), textColumn("utf8mb4", "utf8mb4_czech_ci"), {Type: "uuid"}} {
		if err := CheckKeyType(&c); err != nil {
			t.Error(err)
		}
	}
}

func TestCompatible(t *testing.T) {
	general, bin := textColumn("utf8mb4", "utf8mb4_general_ci"), textColumn("utf8mb4", "utf8mb4_bin")
	char := topo.Column{Type: "char", Length: 3, Charset: "utf8mb4", Collation: "utf8mb4_general_ci"}
	nopad, filled := textColumn("utf8mb4", "utf8mb4_general_nopad_ci"), char
	filled.Collation = nopad.Collation
	big := topo.Column{Type: "bigint", Unsigned: true}
	dec, year := topo.Column{Type: "decimal", FullType: "decimal(5,0)"}, topo.Column{Type: "year"}
	id := intColumn()
	date, datetime := topo.Column{Type: "date"}, topo.Column{Type: "datetime", Scale: 6}
	for _, c := range []struct {
		a, b topo.Column
		want bool
	}{
		{id, big, true}, {id, dec, false}, {id, year, false}, {id, general, false}, {general, bin, false}, {general, char, true}, {nopad, filled, false}, {filled, filled, true},
		{date, datetime, true}, {date, general, false}, {topo.Column{Type: "double"}, topo.Column{Type: "double"}, false},
		{topo.Column{Type: "binary", Length: 3}, topo.Column{Type: "varbinary", Length: 5}, true},
	} {
		if got := Compatible(&c.a, &c.b); got != c.want {
			t.Errorf("%s %s and %s %s: %v", c.a.Type, c.a.Collation, c.b.Type, c.b.Collation, got)
		}
	}
}

// TestAsk lets a leaf's answers be learned.
func TestAsk(t *testing.T) {
	s := connect(t)
	czech := textColumn("utf8mb4", "utf8mb4_czech_ci")
	cache := NewCache(1 << 20)
	f := newFunc(t, many, intColumn(), czech).WithWeights(cache)
	ordinal := func(text string) int {
		vals := []Value{IntValue(1), StringValue([]byte(text), "utf8mb4")}
		_, err := f.Compare(vals)
		if !errors.Is(err, ErrAskLeaf) {
			t.Fatalf("%q: %v", text, err)
		}
		qs := f.Ask(vals, false)
		if len(qs) != 1 {
			t.Fatalf("%q: %d questions", text, len(qs))
		}
		rows, err := s.TryRows(string(WeightSQL([]byte("SELECT "), qs[0])))
		if err != nil {
			t.Fatal(err)
		}
		cache.Learn(qs[0].Collation, qs[0].S, rows[0][0])
		n, err := f.Compare(vals)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if ordinal("chata") != ordinal("CHATA  ") || ordinal("hrad") == ordinal("chrad") {
		t.Error("equal strings in two partitions, or different ones in one")
	}
	small := NewCache(2000)
	for i := range 100 {
		small.Learn("c", []byte{byte(i)}, []byte{1})
	}
	if _, err := small.Weight(nil, "c", []byte{0}); !errors.Is(err, ErrAskLeaf) || small.used > 2000 {
		t.Errorf("the cache has no bound: %v, %d bytes", err, small.used)
	}
	if w, err := small.Weight(nil, "c", []byte{99}); err != nil || len(w) != 1 {
		t.Errorf("what was learned last is forgotten: %v", err)
	}
}
