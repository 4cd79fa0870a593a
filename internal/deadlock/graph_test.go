package deadlock

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/orbweaver/orbweaver/internal/txn"
)

// tx is a transaction of node 1 with a connection per "leaf/thread", all running.
func tx(id uint64, begun int64, threads ...txn.Thread) Transaction {
	t := Transaction{Name: Name{1, id}, Begun: begun, Threads: threads, Said: 1}
	for i, th := range threads {
		t.Running = append(t.Running, txn.Running{Thread: th, Turn: id*10 + uint64(i)})
	}
	return t
}

func at(leaf string, id uint64) txn.Thread { return txn.Thread{Leaf: leaf, ID: id} }

func waits(leaf string, waiter, blocker uint64) Wait {
	return Wait{leaf, Party{waiter, fmt.Sprint("w", waiter)}, Party{blocker, fmt.Sprint("w", blocker)}}
}

func TestVictims(t *testing.T) {
	two := []Transaction{tx(1, 100, at("a", 1), at("b", 1)), tx(2, 200, at("a", 2), at("b", 2))}
	for _, c := range []struct {
		name string
		p    Picture
		want []Victim
	}{
		{"nothing", Picture{}, nil},
		{"waiting only", Picture{two, []Wait{waits("a", 1, 2)}}, nil},
		{"both for one that works", Picture{two, []Wait{waits("a", 1, 9), waits("b", 2, 9)}}, nil},
		{"two over two leaves", Picture{two, []Wait{waits("a", 1, 2), waits("b", 2, 1)}}, []Victim{{Name: Name{1, 2}, Turn: 21}}},
		{"within a leaf", Picture{two, []Wait{waits("a", 1, 2), waits("a", 2, 1)}}, nil},
		{"two partitions of one leaf", Picture{
			[]Transaction{tx(1, 300, at("a", 1), at("a", 2)), tx(2, 200, at("a", 3), at("a", 4))},
			[]Wait{waits("a", 1, 3), waits("a", 4, 2)},
		}, []Victim{{Name: Name{1, 1}, Turn: 10}}},
		{"through one of a single place", Picture{two, []Wait{waits("a", 1, 7), waits("a", 7, 2), waits("b", 2, 1)}}, []Victim{{Name: Name{1, 2}, Turn: 21}}},
		{"one that waits for itself", Picture{two[:1], []Wait{{"a", Party{1, "x"}, Party{5, "y"}}}}, nil},
		{"own connections", Picture{
			[]Transaction{tx(1, 1, at("a", 1), at("a", 2))}, []Wait{waits("a", 1, 2)},
		}, []Victim{{Name: Name{1, 1}, Turn: 10, Own: true}}},
		{"three", Picture{
			append(slices.Clone(two), tx(3, 150, at("b", 3), at("c", 3))),
			[]Wait{waits("a", 1, 2), waits("b", 2, 3), waits("b", 3, 1)},
		}, []Victim{{Name: Name{1, 2}, Turn: 21}}},
		{"two circles that share the oldest", Picture{
			append(slices.Clone(two), tx(3, 150, at("a", 3), at("c", 3)), Transaction{}),
			[]Wait{waits("a", 1, 2), waits("b", 2, 1), waits("a", 1, 3), waits("c", 3, 8), waits("c", 8, 3), waits("b", 3, 1)},
		}, []Victim{{Name: Name{1, 2}, Turn: 21}}},
		{"one waits for the circle", Picture{
			append(slices.Clone(two), tx(3, 900, at("a", 3), at("b", 3))),
			[]Wait{waits("a", 1, 2), waits("b", 2, 1), waits("a", 3, 2), waits("b", 3, 1)},
		}, []Victim{{Name: Name{1, 2}, Turn: 21}}},
	} {
		if got := Victims(c.p); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestWaitsOfTransactionsWithoutNumber(t *testing.T) {
	rows := func(of ...string) (rows [][][]byte) {
		for _, r := range of {
			rows = append(rows, bytes.Split([]byte(r), []byte(" ")))
		}
		return rows
	}
	numbered := Wait{"a", Party{2, "12"}, Party{3, "13"}}
	for _, c := range []struct {
		rows []string
		want []Wait
	}{
		{[]string{"0 12 2", "0 13 3", "1 12 13"}, []Wait{numbered}},
		{[]string{"0 12 2", "0 13 3", "0 0 4", "1 12 13", "1 12 0"}, []Wait{numbered, {"a", Party{2, "12"}, Party{4, "0"}}}},
		{[]string{"0 0 5", "0 12 2", "0 13 3", "0 0 4", "1 12 13", "1 12 0", "1 0 13", "1 0 0"}, []Wait{numbered}},
		{[]string{"0 12 2", "0 13 NULL", "1 12 13", "1 12 99"}, nil},
	} {
		if got := waitsOf("a", rows(c.rows...)); !slices.Equal(got, c.want) {
			t.Errorf("%q: %v", c.rows, got)
		}
	}
}

func TestEqualAgeIsDecidedByName(t *testing.T) {
	a, b := tx(7, 100, at("a", 1), at("b", 1)), tx(7, 100, at("a", 2), at("b", 2))
	b.Node = 2
	w := []Wait{waits("a", 1, 2), waits("b", 2, 1)}
	x, y := Victims(Picture{[]Transaction{a, b}, w}), Victims(Picture{[]Transaction{b, a}, []Wait{w[1], w[0]}})
	if len(x) != 1 || x[0].Node != 2 || !slices.Equal(x, y) {
		t.Error(x, y)
	}
}

// Drawn graphs: the order in which things are listed changes nothing, and no circle that passes through two connections of a transaction is left.
func TestVictimsOfDrawnGraphs(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		const perLeaf = 6
		n := rapid.IntRange(1, perLeaf).Draw(rt, "transactions")
		var p Picture
		for i := range n {
			threads := []txn.Thread{at("a", uint64(i+1)), at("b", uint64(i+1))}
			p.Transactions = append(p.Transactions, tx(uint64(i+1), rapid.Int64Range(1, 4).Draw(rt, "begun"), threads...))
		}
		for range rapid.IntRange(0, 14).Draw(rt, "waits") {
			// Threads above n belong to nobody.
			w := waits(rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "leaf"), rapid.Uint64Range(1, perLeaf+2).Draw(rt, "from"),
				rapid.Uint64Range(1, perLeaf+2).Draw(rt, "to"))
			if w.Waiter != w.Blocker {
				p.Waits = append(p.Waits, w)
			}
		}
		got := Victims(p)
		shuffled := Picture{rapid.Permutation(p.Transactions).Draw(rt, "order"), rapid.Permutation(p.Waits).Draw(rt, "order")}
		// turnAt takes the first of several connections that wait; only the choice of transactions must agree.
		names := func(v []Victim) (all []Name) {
			for _, x := range v {
				all = append(all, x.Name)
			}
			return all
		}
		if again := Victims(shuffled); !slices.Equal(names(got), names(again)) {
			rt.Fatalf("%v, and in another order %v", got, again)
		}
		dead := map[Name]bool{}
		for _, v := range got {
			dead[v.Name] = true
			if v.Turn == 0 {
				rt.Fatalf("victim %v waits nowhere", v)
			}
		}
		if c := crossing(p, dead); c != "" {
			rt.Fatalf("%s is left after %v", c, got)
		}
		for name := range dead { // none too many: each takes part in a circle of its own kind in the whole graph
			if crossing(only(p, name), nil) == "" && crossing(p, nil) == "" {
				rt.Fatalf("%v is no part of any circle", name)
			}
		}
	})
}

func only(p Picture, name Name) Picture {
	return Picture{slices.DeleteFunc(slices.Clone(p.Transactions), func(t Transaction) bool { return t.Name != name }), p.Waits}
}

// crossing looks for a simple circle that enters one of a transaction's connections and leaves by another, the slow way.
func crossing(p Picture, dead map[Name]bool) string {
	owner := map[txn.Thread]Name{}
	for _, t := range p.Transactions {
		for _, th := range t.Threads {
			owner[th] = t.Name
		}
	}
	point := func(t txn.Thread) any {
		if o, ok := owner[t]; ok {
			return o
		}
		return t
	}
	var path []Wait
	var walk func(from any) string
	walk = func(from any) string {
		for _, w := range p.Waits {
			if dead[owner[w.waiter()]] || dead[owner[w.blocker()]] || point(w.waiter()) != from {
				continue
			}
			to := point(w.blocker())
			for i, before := range path {
				if point(before.waiter()) != to {
					continue
				}
				circle := append(slices.Clone(path[i:]), w)
				for j := range circle {
					next := circle[(j+1)%len(circle)]
					if _, ours := owner[next.waiter()]; ours && circle[j].blocker() != next.waiter() {
						return fmt.Sprint(circle)
					}
				}
			}
			if slices.ContainsFunc(path, func(b Wait) bool { return point(b.waiter()) == to }) || to == from {
				if to == from && w.waiter() != w.blocker() {
					return fmt.Sprint(w)
				}
				continue
			}
			path = append(path, w)
			if c := walk(to); c != "" {
				return c
			}
			path = path[:len(path)-1]
		}
		return ""
	}
	for _, t := range p.Transactions {
		if dead[t.Name] {
			continue
		}
		if c := walk(t.Name); c != "" {
			return c
		}
	}
	return ""
}

// A wait counts once it was seen often enough, between the same ones.
func TestHistory(t *testing.T) {
	mine, other := tx(1, 100, at("a", 1), at("b", 1)), tx(2, 200, at("a", 2), at("b", 2))
	here := []Wait{waits("a", 1, 2), waits("b", 2, 1)}
	look := func(h *history, a, b Transaction, w []Wait) int {
		return len(h.next(Picture{[]Transaction{a, b}, w}).Waits)
	}
	said := func(t Transaction, n uint64) Transaction { t.Said = n; return t }
	h := history{self: 1}
	if n := look(&h, said(mine, 1), said(other, 1), here); n != 0 {
		t.Errorf("certain at the first look: %d", n)
	}
	if n := look(&h, said(mine, 2), said(other, 2), here); n != 2 {
		t.Errorf("%d are certain at the second", n)
	}
	next := said(other, 3)
	next.Running = []txn.Running{{Thread: at("b", 2), Turn: 99}}
	if n := look(&h, said(mine, 3), next, here); n != 1 {
		t.Errorf("with a new statement that waits %d are certain", n)
	}
	changed := slices.Clone(here)
	changed[0].Blocker.Trx = "another"
	if n := look(&h, said(mine, 4), said(next, 4), changed); n != 1 {
		t.Errorf("with another transaction behind a connection %d are certain", n)
	}
	// Another node's is believed when it was renewed while it was seen.
	h = history{self: 1}
	other.Node = 2
	for i, c := range []struct {
		said uint64
		want int
	}{{1, 0}, {2, 0}, {2, 0}, {2, 0}, {3, 2}} {
		if n := look(&h, said(mine, uint64(i+1)), said(other, c.said), here); n != c.want {
			t.Errorf("look %d, said %d times: %d are certain, want %d", i, c.said, n, c.want)
		}
	}
}

// A queue of ten thousand for one row is no problem.
func TestLongQueue(t *testing.T) {
	var p Picture
	for i := range uint64(10000) {
		p.Transactions = append(p.Transactions, tx(i+1, int64(i), at("a", i+1), at("b", i+1)))
		p.Waits = append(p.Waits, waits("a", i+2, i+1))
	}
	if got := Victims(p); len(got) != 0 {
		t.Error(got)
	}
	p.Waits = append(p.Waits, waits("b", 1, 10000))
	if got := Victims(p); len(got) != 1 || got[0].ID != 10000 {
		t.Error(got)
	}
}
