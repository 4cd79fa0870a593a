package plan

import (
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/partition"
	"github.com/orbweaver/orbweaver/internal/shard"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// putParts adds linked tables with partitions. Each has its partitions' names in lower case, and leads to the servers that are listed, in turn.
func putParts(b *topo.Builder) {
	put := func(name, cols, by string, servers ...string) {
		t := table("db", name, topo.Linked, cols, nil, -1)
		t.Scheme = "CREATE TABLE `" + name + "` (\n  `x` int(11)\n)\n PARTITION BY " + by
		s, err := partition.Read([]byte(t.Scheme), sqltext.Mode{}, t.Columns)
		if err != nil {
			panic(err)
		}
		for _, c := range s.Columns {
			t.ShardKey = append(t.ShardKey, t.Column(c.Name))
		}
		f, err := partition.New(s)
		if err != nil {
			panic(err)
		}
		for i := range f.Places() {
			server, readOnly, _ := strings.Cut(servers[i%len(servers)], " ")
			p := topo.LinkPlace{Partition: s.Partitions[f.Partition(i)].Name, Count: 1, Params: map[string][]string{"server": {server}, "table": {fmt.Sprint(name, "_", i)}}}
			if s.Sub.Method != partition.None {
				p.Subpartition = f.Name(i)
			}
			if readOnly != "" {
				p.Params["read_only_mode"] = []string{"1"}
			}
			t.Places = append(t.Places, p)
		}
		if strings.HasPrefix(cols, "id:") {
			t.AutoIncrement = 0
		}
		b.PutTable(t)
	}
	put("k", "id:int name:varchar(9)? n:int?", "KEY (`id`)\nPARTITIONS 2", "s1", "s2")
	put("o", "owner:int pos:int note:varchar(9)?", "KEY (`owner`)\nPARTITIONS 2", "s1", "s2")
	put("swapped", "id:int name:varchar(9)?", "KEY (`id`)\nPARTITIONS 2", "s2", "s1")
	put("big", "key:bigint v:int", "KEY (`key`)\nPARTITIONS 2", "s1", "s2")
	put("half", "key:int v:int", "KEY (`key`)\nPARTITIONS 3", "s1", "s2")
	put("old", "key:int v:int", "KEY (`key`)\nPARTITIONS 2", "s1 ro", "s2")
	put("dbl", "key:double v:int", "KEY (`key`)\nPARTITIONS 2", "s1", "s2")
	put("r", "id:int? name:varchar(9)? at:datetime?", "RANGE (`id`)\n(PARTITION `p0` VALUES LESS THAN (10) ENGINE = InnoDB,\n PARTITION `p1` VALUES LESS THAN (20) ENGINE = InnoDB,\n"+
		" PARTITION `p2` VALUES LESS THAN MAXVALUE ENGINE = InnoDB)", "s1")
	put("d", "day:date? v:int", "RANGE (year(`day`))\nSUBPARTITION BY HASH (to_days(`day`))\nSUBPARTITIONS 2\n(PARTITION `p0` VALUES LESS THAN (2020) ENGINE = InnoDB,\n"+
		" PARTITION `p1` VALUES LESS THAN (2030) ENGINE = InnoDB)", "s1", "s2")
	put("d2", "w:int born:date?", "RANGE (year(`born`))\nSUBPARTITION BY HASH (to_days(`born`))\nSUBPARTITIONS 2\n(PARTITION `a` VALUES LESS THAN (2020) ENGINE = InnoDB,\n"+
		" PARTITION `b` VALUES LESS THAN (2030) ENGINE = InnoDB)", "s1", "s2")
	put("ab", "a:int b:varchar(9) v:int", "LIST  COLUMNS(`a`,`b`)\n(PARTITION `p0` VALUES IN ((1,'x'),(2,'x')) ENGINE = InnoDB,\n PARTITION `p1` DEFAULT ENGINE = InnoDB)", "s1", "s2")
}

// partFuncs are ways to partition rows by k.
var partFuncs = []string{
	"KEY (`k`)\nPARTITIONS 3",
	"HASH (`k`)\nPARTITIONS 3",
	"RANGE (`k`)\n(PARTITION `p0` VALUES LESS THAN (1) ENGINE = InnoDB,\n PARTITION `p1` VALUES LESS THAN (3) ENGINE = InnoDB,\n PARTITION `p2` VALUES LESS THAN MAXVALUE ENGINE = InnoDB)",
	"LIST (`k`)\n(PARTITION `p0` VALUES IN (1,3) ENGINE = InnoDB,\n PARTITION `p1` VALUES IN (NULL,2) ENGINE = InnoDB,\n PARTITION `p2` DEFAULT ENGINE = InnoDB)",
	"RANGE  COLUMNS(`k`,`v`)\n(PARTITION `p0` VALUES LESS THAN (1,2) ENGINE = InnoDB,\n PARTITION `p1` VALUES LESS THAN (1,MAXVALUE) ENGINE = InnoDB,\n" +
		" PARTITION `p2` VALUES LESS THAN (MAXVALUE,MAXVALUE) ENGINE = InnoDB)",
}

// parts is a partitioned pair of linked tables, tl and tr.
type parts struct {
	snap *topo.Snapshot
	f    *partition.Func
}

func newParts(t *testing.T, by string) parts {
	t.Helper()
	b := topo.NewBuilder(nil)
	b.PutServer(&topo.Server{Name: "s1", Wrapper: "mysql", Host: "h1", Port: 3307, User: "u", Database: "far"})
	b.PutDatabase(&topo.Database{Name: "db", Partitions: []*topo.Partition{{ID: topo.PartitionID{DB: "db"}}}})
	var p parts
	for _, name := range []string{"tl", "tr"} {
		tab := table("db", name, topo.Linked, "k:int? v:int?", nil, -1)
		tab.Scheme = "CREATE TABLE `t` (\n  `x` int(11)\n)\n PARTITION BY " + by
		s, err := partition.Read([]byte(tab.Scheme), sqltext.Mode{}, tab.Columns)
		if err != nil {
			t.Fatal(err)
		}
		if p.f, err = partition.New(s); err != nil {
			t.Fatal(err)
		}
		for i := range s.Columns {
			tab.ShardKey = append(tab.ShardKey, i)
		}
		for i := range p.f.Places() {
			tab.Places = append(tab.Places, topo.LinkPlace{Partition: p.f.Name(i), Count: 1, Params: map[string][]string{"server": {"s1"}}})
		}
		b.PutTable(tab)
	}
	p.snap = b.Build(1)
	return p
}

// slice are the rows of a place.
func (p parts) slice(t *testing.T, rows [][]*int, places ...int) [][]*int {
	t.Helper()
	var out [][]*int
	for _, r := range rows {
		vals := make([]shard.Value, p.f.Columns())
		for i := range vals {
			if r[i] != nil {
				vals[i] = shard.IntValue(int64(*r[i]))
			}
		}
		o, err := p.f.Store(vals)
		if err != nil {
			t.Fatal(err)
		}
		if slices.Contains(places, o) {
			out = append(out, r)
		}
	}
	return out
}

// places are those of a plan as exec finds them.
func (p parts) places(t *testing.T, k *Linked, scan *sqltext.Scan) []int {
	t.Helper()
	var terms []partition.Term
	for _, term := range k.Terms {
		out := partition.Term{Column: term.Column, Op: term.Op}
		for _, o := range term.Values {
			switch o.Kind {
			case OperandNull:
				out.Values = append(out.Values, shard.Value{Kind: shard.Null})
			case OperandLiteral:
				out.Values = append(out.Values, shard.NumberValue(scan.Bytes(o.Tok), o.Neg))
			default:
				t.Fatalf("operand %v", o)
			}
		}
		terms = append(terms, out)
	}
	at := slices.DeleteFunc(p.f.Prune(terms), func(o int) bool { return k.Only != nil && !slices.Contains(k.Only, o) })
	switch {
	case len(at) > 0:
		return at
	case k.Only != nil:
		return k.Only[:1]
	}
	return []int{0}
}

// TestPartsYieldTheWhole is TestPlacesYieldTheWhole for linked tables with partitions, some of which are chosen by PARTITION (…).
func TestPartsYieldTheWhole(t *testing.T) {
	var all []parts
	for _, by := range partFuncs {
		all = append(all, newParts(t, by))
	}
	merged, single, pruned, staged, apart, chosen := 0, 0, 0, 0, 0, 0
	for seed := int64(0); seed < 4000; seed++ {
		g := generator{rand.New(rand.NewSource(seed))}
		p := all[g.Intn(len(all))]
		kind := []string{"INNER", "LEFT", "RIGHT"}[g.Intn(3)]
		on, where := g.cond(2), g.cond(2)
		if g.Intn(3) > 0 {
			on = cond{"l.k = r.k AND l.v = r.v AND " + on.text, func(c cond) func(l, r []*int) tri {
				return func(l, r []*int) tri { return and(and(equal(l[0], r[0]), equal(l[1], r[1])), c.eval(l, r)) }
			}(on)}
		}
		clause, only := [2]string{}, [2][]int{{0, 1, 2}, {0, 1, 2}}
		for i := range only {
			if g.Intn(4) == 0 {
				only[i] = [][]int{{0}, {1, 2}, {1}}[g.Intn(3)]
				var names []string
				for _, n := range only[i] {
					names = append(names, p.f.Name(n))
				}
				clause[i] = " PARTITION (" + strings.Join(names, ", ") + ")"
			}
		}
		text := fmt.Sprintf("SELECT * FROM tl%s l %s JOIN tr%s r ON %s WHERE %s", clause[0], kind, clause[1], on.text, where.text)
		plan, scan, err := planText(text, p.snap, Session{DB: "db"})
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if plan.Route.Kind == RouteStage { // the clauses leave the tables different partitions
			if clause == [2]string{} || len(plan.Fills) != 2 {
				t.Fatalf("%s: staged with %d fills", text, len(plan.Fills))
			}
			apart++
			continue
		}
		at := p.places(t, plan.Linked, scan)
		switch {
		case len(at) == 1:
			single++
		case plan.Stage != "":
			staged++
			continue
		default:
			merged++
			if len(at) < 3 {
				pruned++
			}
		}
		if plan.Linked.Only != nil {
			chosen++
		}
		for round := 0; round < 6; round++ {
			l, r := g.rows(), g.rows()
			want := join(kind, p.slice(t, l, only[0]...), p.slice(t, r, only[1]...), on, where)
			var got []string
			for _, o := range at {
				got = append(got, join(kind, p.slice(t, l, o), p.slice(t, r, o), on, where)...)
			}
			slices.Sort(got)
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("seed %d: %s\nplan:\n%s\nat %v want %v\ngot  %v", seed, text, Trace(plan, scan), at, want, got)
			}
		}
	}
	t.Logf("%d merged, %d of them not everywhere, %d at one place, %d staged, %d of different places, %d with chosen places", merged, pruned, single, staged, apart, chosen)
	for _, n := range []int{merged, single, pruned, staged, apart, chosen} {
		if n < 100 {
			t.Fatal("the generator has lost its variety")
		}
	}
}
