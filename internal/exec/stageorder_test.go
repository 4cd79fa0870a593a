package exec

import (
	"fmt"
	"testing"

	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// What is small is read first, and what that leaves decides what is next.
func TestOrderOfFills(t *testing.T) {
	table := func(name string) *topo.Table {
		return &topo.Table{Name: name, Columns: []topo.Column{{Name: "id", Type: "int"}, {Name: "k", Type: "int"}}, Unique: [][]int{{0}}}
	}
	// part – line – order – customer; colour by itself
	const part, customer, orders, line, colour = 0, 1, 2, 3, 4
	key := func(column, from, fromColumn int) plan.FillKey {
		return plan.FillKey{Columns: []int{column}, From: from, FromColumns: []int{fromColumn}}
	}
	fills := []plan.Fill{
		part:     {Table: table("part"), Columns: []int{0, 1}, Keys: []plan.FillKey{key(0, line, 1)}},
		customer: {Table: table("customer"), Columns: []int{0, 1}, Keys: []plan.FillKey{key(0, orders, 1)}},
		orders:   {Table: table("orders"), Columns: []int{0, 1}, Keys: []plan.FillKey{key(1, customer, 0), key(0, line, 0)}},
		line:     {Table: table("line"), Columns: []int{0, 1}, Keys: []plan.FillKey{key(1, part, 0), key(0, orders, 0)}},
		colour:   {Table: table("colour"), Columns: []int{0}},
	}
	run := func(fills []plan.Fill, rows, found []int64) string {
		o := newOrder(fills, rows)
		o.told = func(i int, k *plan.FillKey) int64 {
			if n := found[k.From]; n <= maxKeys {
				return n
			}
			return -1
		}
		text := ""
		for _, g := range o.groups() {
			for now := o.next(g); now != nil; now = o.next(g) {
				text += fmt.Sprint(now)
				for _, i := range now {
					o.done[i] = true
				}
			}
			text += ";"
		}
		return text
	}
	for _, x := range []struct {
		rows, found []int64
		want        string
	}{
		{nil, []int64{1, 1, 1, 1, 1}, "[0 1][2][3];[4];"}, // as they stand
		{[]int64{20000, 3000, 70000, 600000, 5}, []int64{100, 3000, 700, 3700, 5}, "[0 1][3][2];[4];"},
		{[]int64{20000, 3000, 70000, 600000, 5}, []int64{20000, 3000, 700, 3700, 5}, "[0 1][2][3];[4];"}, // too many parts to tell their keys
		{[]int64{20000, 3000, 70, 600000, 5}, []int64{20000, 50, 70, 200, 5}, "[0 2][1 3];[4];"},
	} {
		if got := run(fills, x.rows, x.found); got != x.want {
			t.Errorf("%v, of which there are %v: %s, want %s", x.rows, x.found, got, x.want)
		}
	}
	if got := fmt.Sprint(reckon(fills, []int64{20000, 3000, 70, 600000, 5})); got != "[20000 70 70 70 5]" {
		t.Errorf("reckoned %s", got)
	}
	// A probe that is read after all that would ask it is not read.
	probes := []plan.Fill{{Table: table("a"), Columns: []int{0, 1}, Keys: []plan.FillKey{key(0, 1, 1)}}, {Table: table("b"), Columns: []int{1}, Probe: true, Keys: []plan.FillKey{key(1, 0, 0)}}}
	for _, x := range []struct {
		rows []int64
		want string
	}{{[]int64{100, 5000}, "[0];"}, {[]int64{5000, 100}, "[1][0];"}} {
		if got := run(probes, x.rows, x.rows); got != x.want {
			t.Errorf("probe, %v: %s, want %s", x.rows, got, x.want)
		}
	}
}
