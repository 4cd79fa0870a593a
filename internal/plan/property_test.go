package plan

import (
	"fmt"
	"math/rand"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// The property: what the plan's places yield, put together, is what one server would yield. Tables of a few rows, conditions of all kinds that the
// planner reads, a join evaluated by nested loops with SQL's three-valued logic.

// tri is a truth value: -1 unknown, 0 false, 1 true.
type tri int

// cond is a random condition: its text and its meaning for a row of both tables (nil row: NULL-extended).
type cond struct {
	text string
	eval func(l, r []*int) tri
}

type generator struct{ *rand.Rand }

func (g generator) column() (string, func(l, r []*int) *int) {
	side, c := g.Intn(2), g.Intn(2)
	name := []string{"l", "r"}[side] + "." + []string{"k", "v"}[c]
	return name, func(l, r []*int) *int {
		row := l
		if side == 1 {
			row = r
		}
		if row == nil {
			return nil
		}
		return row[c]
	}
}

func (g generator) value() (string, *int) {
	if g.Intn(8) == 0 {
		return "NULL", nil
	}
	n := g.Intn(4)
	return strconv.Itoa(n), &n
}

func equal(a, b *int) tri {
	switch {
	case a == nil || b == nil:
		return -1
	case *a == *b:
		return 1
	}
	return 0
}

func and(a, b tri) tri {
	if a == 0 || b == 0 {
		return 0
	}
	if a == 1 && b == 1 {
		return 1
	}
	return -1
}

func not(a tri) tri {
	if a < 0 {
		return a
	}
	return 1 - a
}

func (g generator) cond(depth int) cond {
	n := 12
	if depth <= 0 {
		n = 8
	}
	switch g.Intn(n) {
	case 0: // column = value
		name, get := g.column()
		text, v := g.value()
		if g.Intn(2) == 0 {
			return cond{text + " = " + name, func(l, r []*int) tri { return equal(get(l, r), v) }}
		}
		return cond{name + " = " + text, func(l, r []*int) tri { return equal(get(l, r), v) }}
	case 1: // column = column
		a, x := g.column()
		b, y := g.column()
		return cond{a + " = " + b, func(l, r []*int) tri { return equal(x(l, r), y(l, r)) }}
	case 2: // <=>
		name, get := g.column()
		text, v := g.value()
		if g.Intn(2) == 0 {
			b, y := g.column()
			return cond{name + " <=> " + b, func(l, r []*int) tri { return nullSafe(get(l, r), y(l, r)) }}
		}
		return cond{name + " <=> " + text, func(l, r []*int) tri { return nullSafe(get(l, r), v) }}
	case 3: // IS NULL
		name, get := g.column()
		return cond{name + " IS NULL", func(l, r []*int) tri { return nullSafe(get(l, r), nil) }}
	case 4: // IN
		name, get := g.column()
		var texts []string
		var vals []*int
		for i := 0; i <= g.Intn(3); i++ {
			t, v := g.value()
			texts, vals = append(texts, t), append(vals, v)
		}
		return cond{name + " IN (" + strings.Join(texts, ", ") + ")", func(l, r []*int) tri {
			out := tri(0)
			for _, v := range vals {
				out = not(and(not(out), not(equal(get(l, r), v))))
			}
			return out
		}}
	case 5: // < and the like, on both sides
		name, get := g.column()
		text, v := g.value()
		op := []string{"<", "<=", ">", ">="}[g.Intn(4)]
		if g.Intn(2) == 0 {
			return cond{text + " " + op + " " + name, func(l, r []*int) tri { return ordered(v, get(l, r), op) }}
		}
		return cond{name + " " + op + " " + text, func(l, r []*int) tri { return ordered(get(l, r), v, op) }}
	case 6: // BETWEEN
		name, get := g.column()
		a, lo := g.value()
		b, hi := g.value()
		word, turn := " BETWEEN ", func(t tri) tri { return t }
		if g.Intn(3) == 0 {
			word, turn = " NOT BETWEEN ", not
		}
		return cond{name + word + a + " AND " + b, func(l, r []*int) tri { return turn(and(ordered(get(l, r), lo, ">="), ordered(get(l, r), hi, "<="))) }}
	case 7: // IS NOT NULL, rows
		name, get := g.column()
		if g.Intn(2) == 0 {
			return cond{name + " IS NOT NULL", func(l, r []*int) tri { return 1 - nullSafe(get(l, r), nil) }}
		}
		second, other := g.column()
		a, v := g.value()
		b, w := g.value()
		op := []string{"<", "<=", ">", ">="}[g.Intn(4)]
		return cond{"(" + name + ", " + second + ") " + op + " (" + a + ", " + b + ")", func(l, r []*int) tri {
			x, y := get(l, r), other(l, r)
			return not(and(not(ordered(x, v, op[:1])), not(and(equal(x, v), ordered(y, w, op)))))
		}}
	case 8: // NOT
		c := g.cond(depth - 1)
		return cond{"NOT (" + c.text + ")", func(l, r []*int) tri { return not(c.eval(l, r)) }}
	case 9: // OR
		a, b := g.cond(depth-1), g.cond(depth-1)
		return cond{"(" + a.text + " OR " + b.text + ")", func(l, r []*int) tri { return not(and(not(a.eval(l, r)), not(b.eval(l, r)))) }}
	default:
		a, b := g.cond(depth-1), g.cond(depth-1)
		return cond{"(" + a.text + " AND " + b.text + ")", func(l, r []*int) tri { return and(a.eval(l, r), b.eval(l, r)) }}
	}
}

// ordered is a op b.
func ordered(a, b *int, op string) tri {
	if a == nil || b == nil {
		return -1
	}
	if map[string]bool{"<": *a < *b, "<=": *a <= *b, ">": *a > *b, ">=": *a >= *b}[op] {
		return 1
	}
	return 0
}

func nullSafe(a, b *int) tri {
	if a == nil && b == nil || equal(a, b) == 1 {
		return 1
	}
	return 0
}

func (g generator) rows() [][]*int {
	out := make([][]*int, g.Intn(6))
	for i := range out {
		for j := 0; j < 2; j++ {
			_, v := g.value()
			out[i] = append(out[i], v)
		}
	}
	return out
}

// join evaluates SELECT * FROM l kind JOIN r ON on WHERE where.
func join(kind string, l, r [][]*int, on, where cond) []string {
	var out []string
	emit := func(x, y []*int) {
		if where.eval(x, y) == 1 {
			out = append(out, rowText(x)+rowText(y))
		}
	}
	seen := make([]bool, len(r))
	for _, x := range l {
		hit := false
		for j, y := range r {
			if on.eval(x, y) == 1 {
				hit, seen[j] = true, true
				emit(x, y)
			}
		}
		if !hit && kind == "LEFT" {
			emit(x, nil)
		}
	}
	for j, y := range r {
		if kind == "RIGHT" && !seen[j] {
			emit(nil, y)
		}
	}
	sort.Strings(out)
	return out
}

func rowText(row []*int) string {
	if row == nil {
		return "[- -]"
	}
	s := "["
	for _, v := range row {
		if v == nil {
			s += "N "
		} else {
			s += fmt.Sprint(*v, " ")
		}
	}
	return s + "]"
}

const places = 3

func place(key *int) int {
	if key == nil {
		return 1
	}
	return *key % places
}

func slice(rows [][]*int, at int) [][]*int {
	var out [][]*int
	for _, r := range rows {
		if place(r[0]) == at {
			out = append(out, r)
		}
	}
	return out
}

func TestPlacesYieldTheWhole(t *testing.T) {
	snap := testTopology()
	d := snap.Databases["shop"]
	for _, n := range []string{"tl", "tr"} {
		d.Tables[n] = table("shop", n, topo.Sharded, "k:int? v:int?", []int{0}, -1)
	}
	d.Tables["rr"] = table("shop", "rr", topo.Reference, "k:int? v:int?", nil, -1)
	merged, single, staged := 0, 0, 0
	for seed := int64(0); seed < 9000; seed++ {
		g := generator{rand.New(rand.NewSource(seed))}
		kind := []string{"INNER", "LEFT", "RIGHT"}[g.Intn(3)]
		on, where := g.cond(2), g.cond(2)
		lt, rt := "tl", "tr"
		switch g.Intn(6) {
		case 0:
			lt = "rr"
		case 1:
			rt = "rr"
		}
		if g.Intn(3) == 0 {
			on = cond{"l.k = r.k AND " + on.text, func(c cond) func(l, r []*int) tri {
				return func(l, r []*int) tri { return and(equal(l[0], r[0]), c.eval(l, r)) }
			}(on)}
		}
		text := fmt.Sprintf("SELECT * FROM %s l %s JOIN %s r ON %s WHERE %s", lt, kind, rt, on.text, where.text)
		p, scan, err := planText(text, snap, Session{DB: "shop"})
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		at := routePlaces(t, p, scan)
		if p.Stage != "" {
			if len(at) > 1 {
				staged++
				continue
			}
		}
		if len(at) == 1 {
			single++
		} else {
			merged++
		}
		for round := 0; round < 8; round++ {
			l, r := g.rows(), g.rows()
			want := join(kind, l, r, on, where)
			var got []string
			for o := range at {
				pl, pr := l, r
				if lt != "rr" {
					pl = slice(l, o)
				}
				if rt != "rr" {
					pr = slice(r, o)
				}
				got = append(got, join(kind, pl, pr, on, where)...)
			}
			sort.Strings(got)
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("seed %d: %s\nplan:\n%s\nwant %v\ngot  %v", seed, text, Trace(p, scan), want, got)
			}
		}
	}
	t.Logf("%d merged, %d at one place, %d staged", merged, single, staged)
	if merged < 1000 || single < 800 || staged < 1000 {
		t.Fatal("the generator has lost its variety")
	}
}

// routePlaces are the places of a route as exec would find them.
func routePlaces(t *testing.T, p *Plan, scan *sqltext.Scan) map[int]bool {
	at := make(map[int]bool)
	switch p.Route.Kind {
	case RouteAny, RouteOne:
		at[0] = true
	case RouteAll:
		for i := 0; i < places; i++ {
			at[i] = true
		}
	case RouteKeys:
		for _, k := range p.Route.Keys {
			switch o := k[0]; o.Kind {
			case OperandNull:
				at[place(nil)] = true
			case OperandLiteral:
				n, err := strconv.Atoi(string(scan.Bytes(o.Tok)))
				if err != nil {
					t.Fatal(err)
				}
				at[place(&n)] = true
			default:
				t.Fatalf("operand %v", o)
			}
		}
	}
	return at
}
