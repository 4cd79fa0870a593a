package catalog

import (
	"errors"
	"testing"
	"time"
)

// Marks outlive their node, a doubt outlives Unmark, and what the controller has settled is settled unless it has changed meanwhile.
func TestMarks(t *testing.T) {
	c := open(t, newEtcd(t))
	ctx := within(t, time.Minute)
	node := func(name string) *Node {
		n, err := c.Register(ctx, NodeInfo{Name: name}, 10*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	a, b := node("a"), node("b")
	t.Cleanup(func() { _ = a.Close(within(t, time.Minute)) })
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	want := func(what string, want ...Mark) []Mark {
		t.Helper()
		marks, err := c.Marks(ctx)
		ok(err)
		if len(marks) != len(want) {
			t.Fatalf("%s: %+v", what, marks)
		}
		for _, w := range want {
			found := false
			for _, m := range marks {
				found = found || m.Node == w.Node && m.Doubt == w.Doubt && m.Orphan == w.Orphan
			}
			if !found {
				t.Errorf("%s: %+v, want %+v", what, marks, w)
			}
		}
		return marks
	}
	alive, err := a.Mark(ctx, false)
	ok(err)
	if alive != a.Alive() {
		t.Error("it is not the lease's")
	}
	want("marked", Mark{Node: "a"})
	ok(a.Unmark(ctx))
	want("unmarked")
	_, err = a.Mark(ctx, true)
	ok(err)
	_, err = a.Mark(ctx, false)
	ok(err)
	ok(a.Unmark(ctx))
	marks := want("in doubt", Mark{Node: "a", Doubt: true})
	if err := a.Even(ctx, marks[0]); !errors.Is(err, ErrNotController) {
		t.Errorf("%v", err)
	}
	_, err = a.Campaign(ctx)
	ok(err)
	_, err = a.Mark(ctx, true) // once more, meanwhile
	ok(err)
	ok(a.Even(ctx, marks[0]))
	marks = want("another doubt", Mark{Node: "a", Doubt: true})
	ok(a.Even(ctx, marks[0]))
	want("settled, and still writing", Mark{Node: "a"})
	_, err = b.Mark(ctx, false)
	ok(err)
	ok(b.Close(ctx))
	for _, m := range want("b has died", Mark{Node: "a"}, Mark{Node: "b", Orphan: true}) {
		if m.Orphan {
			ok(a.Even(ctx, m))
		}
	}
	want("settled", Mark{Node: "a"})
	b = node("b")
	t.Cleanup(func() { _ = b.Close(within(t, time.Minute)) })
	_, err = b.Mark(ctx, false)
	ok(err)
	want("again", Mark{Node: "a"}, Mark{Node: "b"})
}
