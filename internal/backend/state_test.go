package backend

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// A leaf of the test has variables; each key sets a known set of them, NAMES more than one, and some overlap.
var touches = map[string][]string{"names": {"client", "collation"}, "collation": {"collation"}, "sql_mode": {"mode"}, "@a": {"a"}}

func apply(vars map[string]string, items []assignment) {
	for _, a := range items {
		for _, v := range touches[a.key] {
			vars[v] = a.text
		}
	}
}

// However a connection comes from one session's state to another's, it ends with the same values as a new one.
func TestChangeLeadsToTheWantedState(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	keys := []string{"names", "collation", "sql_mode", "@a"}
	random := func() *State {
		var s *State
		for range r.IntN(6) {
			k := keys[r.IntN(len(keys))]
			if r.IntN(4) == 0 {
				s = s.Without(k)
			} else {
				s = s.With(k, fmt.Sprintf("%s=%d", k, r.IntN(3)))
			}
		}
		return s
	}
	resets := 0
	for range 20000 {
		from, to := random(), random()
		conn, fresh := map[string]string{}, map[string]string{}
		apply(conn, from.list())
		apply(fresh, to.list())
		set, ok := change(from, to)
		if !ok {
			resets++
			continue
		}
		var items []assignment
		for _, text := range strings.Split(strings.TrimPrefix(set, "SET "), ", ") {
			key, _, _ := strings.Cut(text, "=")
			items = append(items, assignment{key, text})
		}
		apply(conn, items)
		for v := range conn {
			if conn[v] != fresh[v] {
				t.Fatalf("from %v to %v by %q: %s is %q, want %q", from.list(), to.list(), set, v, conn[v], fresh[v])
			}
		}
		if from.Equal(to) != (set == "") {
			t.Fatalf("from %v to %v by %q", from.list(), to.list(), set)
		}
	}
	if resets == 0 || resets == 20000 {
		t.Error(resets)
	}
}

func TestStateIsAValue(t *testing.T) {
	a := (*State)(nil).With("sql_mode", "sql_mode=''").With("@x", "@x=1")
	b := a.With("@x", "@x=2")
	if v, _ := a.Get("@x"); v != "@x=1" || a.Equal(b) || a.Hash() == b.Hash() || a.scope() != b.scope() {
		t.Error("changed")
	}
	if c := b.With("@x", "@x=1"); !c.Equal(a) || c.Hash() != a.Hash() {
		t.Error("not equal")
	}
	if a.Without("@x").Without("sql_mode") != nil || a.Without("nix") != a {
		t.Error("without")
	}
	if x := (*State)(nil).With("@x", "@x=1"); x.scope() != (*State)(nil).scope() {
		t.Error("user variables are part of a statement's scope")
	}
}

// What is taken back stands where it stood: NAMES again behind collation_connection would undo that.
func TestStateTakesBackInOrder(t *testing.T) {
	var none *State
	before := none.With("names", "NAMES latin1").With("collation_connection", "collation_connection=utf8mb4_bin").With("a", "a=1").With("b", "b=1")
	within := before.With("collation_connection", "collation_connection=latin1_bin").With("sql_mode", "sql_mode=''").With("a", "a=2").With("c", "c=1").Without("b")
	want := none.With("names", "NAMES latin1").With("collation_connection", "collation_connection=utf8mb4_bin").With("a", "a=2").With("c", "c=1")
	if got := within.Back(before, "names", "collation_connection", "sql_mode"); !got.Equal(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestStatementCacheForgetsTheOldest(t *testing.T) {
	s := newStmtCache(3)
	a, b := stmtScope{"d_1", 0}, stmtScope{"d_2", 0}
	s.add(a, "x", 1)
	s.add(b, "x", 2)
	s.add(a, "y", 3)
	if id, ok := s.find(a, "x"); !ok || id != 1 {
		t.Error(id, ok)
	}
	s.add(a, "z", 4) // b's x is the oldest
	if _, ok := s.find(b, "x"); ok || len(s.closing) != 1 || s.closing[0] != 2 || len(s.scopes) != 1 {
		t.Error(s.closing, s.scopes)
	}
	s.add(a, "z", 5)
	if id, _ := s.find(a, "z"); id != 5 || s.size != 3 || len(s.closing) != 2 {
		t.Error(id, s.size, s.closing)
	}
	s.reset()
	if _, ok := s.find(a, "x"); ok || s.size != 0 || len(s.closing) != 0 {
		t.Error("not empty")
	}
}
