package history

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// parse reads a history: a transaction a line, `a1:5` appends 5 to list 1, `r1:5,6` reads it, `w2:7` writes register 2, `v2:7` reads it. A line may begin with
// rolled, unknown or snapshot, and `@1-2` says when it began and ended.
func parse(t *testing.T, text string) (h []Txn) {
	t.Helper()
	for line := range strings.Lines(strings.TrimSpace(text)) {
		var x Txn
		for word := range strings.FieldsSeq(line) {
			switch word {
			case "rolled":
				x.Outcome = RolledBack
				continue
			case "unknown":
				x.Outcome = Unknown
				continue
			case "snapshot":
				x.Snapshot = true
				continue
			}
			if strings.HasPrefix(word, "@") {
				if _, err := fmt.Sscanf(word, "@%d-%d", &x.Began, &x.Ended); err != nil {
					t.Fatal(err)
				}
				continue
			}
			var op Op
			what, value, _ := strings.Cut(word[1:], ":")
			if _, err := fmt.Sscan(what, &op.Key); err != nil {
				t.Fatal(err)
			}
			op.Kind = map[byte]Kind{'a': Append, 'r': List, 'w': Write, 'v': Read}[word[0]]
			for v := range strings.FieldsFuncSeq(value, func(r rune) bool { return r == ',' }) {
				var n int64
				if _, err := fmt.Sscan(v, &n); err != nil {
					t.Fatal(err)
				}
				if op.Kind == List {
					op.List = append(op.List, n)
				} else {
					op.Value = n
				}
			}
			x.Ops = append(x.Ops, op)
		}
		h = append(h, x)
	}
	return h
}

func namesOf(all []Anomaly) (out []Name) {
	for _, a := range all {
		if !slices.Contains(out, a.Name) {
			out = append(out, a.Name)
		}
	}
	slices.Sort(out)
	return out
}

func TestAnomalies(t *testing.T) {
	for _, c := range []struct {
		what, history string
		final         map[int64][]int64
		want          []Name
	}{
		{"serial", "a1:1 a2:1 \n r1:1 r2:1 a1:2 \n r1:1,2 r2:1 \n w9:5 \n v9:5 w9:6 \n v9:6", nil, nil},
		{"empty", "r1: \n v9:0 \n a1:1 w9:1", nil, nil},
		{"a value of nobody", "r1:7", nil, []Name{Garbage}},
		{"a register of nobody", "v1:7", nil, []Name{Garbage}},
		{"twice", "a1:1 \n r1:1,1", nil, []Name{Duplicate}},
		{"two orders", "a1:1 \n a1:2 \n r1:1,2 \n r1:2", nil, []Name{Order}},
		{"own append not seen", "a1:1 r1:", nil, []Name{Internal}},
		{"another read", "a1:1 \n r1: r1:1", nil, []Name{GSingle, Internal}},
		{"own value not seen", "w1:1 v1:0", nil, []Name{Internal}},
		{"own value seen", "w1:1 v1:1 w1:2 v1:2 \n a3:1 r3:1 a3:2 r3:1,2", nil, nil},
		{"between own", "a1:1 \n r1: a1:2 r1:1,2", nil, []Name{Internal, LostUpdate}},
		{"lost in the end", "a1:1 \n a1:2", map[int64][]int64{1: {2}}, []Name{Lost}},
		{"unknown and not there", "unknown a1:1 a2:1 \n a1:2", map[int64][]int64{1: {2}, 2: nil}, nil},
		{"unknown and there", "unknown a1:1 a2:1 \n a1:2", map[int64][]int64{1: {1, 2}, 2: {1}}, nil},
		{"torn", "unknown a1:1 a2:1", map[int64][]int64{1: {1}, 2: nil}, []Name{Torn}},
		{"seen and gone", "unknown a1:1 \n r1:1 a2:1", map[int64][]int64{1: nil, 2: {1}}, []Name{Vanished}},
		{"seen of a register and gone", "unknown w5:1 a1:1 \n v5:1 a2:1 \n v5:0 w5:2 a1:2", map[int64][]int64{1: {2}, 2: {1}}, []Name{Vanished}},
		{"stale list", "a1:1 @1-2 \n r1: @3-4", nil, []Name{Stale}},
		{"not yet acknowledged", "a1:1 @1-3 \n r1: @2-4", nil, nil},
		{"stale register", "w1:1 @1-2 \n v1:1 w1:2 @3-4 \n v1:1 @5-6", nil, []Name{Stale}},
		{"registers without order", "w1:1 @1-2 \n w1:2 @1-2 \n v1:1 @5-6 \n v1:2 @5-6", nil, nil},
		{"dirty write", "a1:1 a2:1 \n a1:2 a2:2 \n r1:1,2 r2:2,1", nil, []Name{G0}},
		{"dirty write of registers", "w1:1 v2:2 w2:1 \n v1:1 w1:2 w2:2", nil, []Name{G0, G1c}},
		{"dirty read", "rolled a1:1 \n r1:1", nil, []Name{G1a}},
		{"dirty read of a register", "rolled w1:1 \n v1:1", nil, []Name{G1a}},
		{"rolled back and there", "rolled a1:1", map[int64][]int64{1: {1}}, []Name{G1a}},
		{"rolled back, by itself seen", "rolled a1:1 r1:1", map[int64][]int64{1: nil}, nil},
		{"seen by one who was rolled back", "rolled a1:1 \n rolled r1:1", nil, nil},
		{"unknown, seen", "unknown a1:1 a2:1 \n r1:1 r2:1", nil, nil},
		{"unknown, seen in part", "unknown a1:1 a2:1 \n r1:1 r2: \n r2:1", nil, []Name{Fractured}},
		{"intermediate read", "a1:1 a1:2 \n r1:1 \n r1:1,2", nil, []Name{GSingle, G1b}},
		{"intermediate register", "w1:1 w1:2 \n v1:1", nil, []Name{GSingle, G1b}},
		{"circular information", "a1:1 r2:1 \n a2:1 r1:1", nil, []Name{G1c}},
		{"circular information of registers", "w1:1 v2:1 \n w2:1 v1:1", nil, []Name{G1c}},
		{"circular by three", "a1:1 r3:1 \n r1:1 a2:1 \n r2:1 a3:1", nil, []Name{G1c}},
		{"lost update of registers", "w1:1 \n v1:1 w1:2 \n v1:1 w1:3", nil, []Name{LostUpdate}},
		{"lost update of lists", "a1:1 \n r1:1 a1:2 \n r1:1 a1:3 \n r1:1,2,3", nil, []Name{LostUpdate}},
		{"blind appends", "a1:1 \n a1:2 \n a1:3 \n r1:1,2,3", nil, nil},
		{"fractured", "a1:1 a2:1 \n r1:1 r2: \n r2:1", nil, []Name{Fractured}},
		{"fractured registers", "w1:1 w2:1 \n v1:1 v2:0", nil, []Name{Fractured}},
		{"read skew", "a1:1 \n r1:1 a2:1 \n r2:1 r1:", nil, []Name{GSingle}},
		{"a snapshot in between", "snapshot r2:1 r1: \n a1:1 \n r1:1 a2:1", nil, []Name{NotOne}},
		{"half of a transaction in a snapshot", "snapshot r2:1 r1: \n a1:1 a2:1 \n r1:1", nil, []Name{NotOne}},
		{"write skew", "r1: r2: a1:1 \n r1: r2: a2:1 \n r1:1 r2:1", nil, []Name{G2}},
		{"write skew of registers", "v1:0 v2:0 w1:1 \n v1:0 v2:0 w2:1", nil, []Name{G2}},
		{"read-only anomaly", "r1: r2: a1:1 \n r2: a2:2 \n r1: r2:2 \n r1:1 r2:2", nil, []Name{G2}},
	} {
		got := Check(parse(t, c.history), c.final)
		want := slices.Clone(c.want)
		slices.Sort(want)
		if names := namesOf(got); !slices.Equal(names, want) {
			t.Errorf("%s: %v, want %v:\n%v", c.what, names, want, got)
		}
	}
}

// What is told names the transactions, the keys and the kinds of dependencies.
func TestText(t *testing.T) {
	all := Check(parse(t, "a1:1 a2:1 \n a1:2 a2:2 \n r1:1,2 r2:2,1"), nil)
	if len(all) != 1 || all[0].String() != "G0: T0 -ww(key 1)-> T1 -ww(key 2)-> T0" || !slices.Equal(all[0].Txns, []int{0, 1}) {
		t.Errorf("%v", all)
	}
	all = Check(parse(t, "r1: r2: a1:1 \n r1: r2: a2:1 \n r1:1 r2:1"), nil)
	if len(all) != 1 || all[0].String() != "G2: T0 -rw(key 2)-> T1 -rw(key 1)-> T0" {
		t.Errorf("%v", all)
	}
}

func TestTxnText(t *testing.T) {
	x := parse(t, "unknown snapshot @1-2 a1:7 r1:1,2,3,4,5,6 r2: w3:4 v3:4")[0]
	if s := x.String(); s != "unknown, snapshot, from 1 to 2; 1 append 7; 1 is [… 2 3 4 5 6]; 2 is []; 3 write 4; 3 is 4" {
		t.Error(s)
	}
}

func TestLevels(t *testing.T) {
	if Serializable.Forbids(Vanished) {
		t.Error(Vanished)
	}
	for _, n := range []Name{
		Garbage, Duplicate, Order, Internal, Lost, Torn, Stale, G0, G1a, G1b, G1c, LostUpdate, Fractured, GSingle, G2, NotOne,
	} {
		below := !slices.Contains([]Name{Internal, LostUpdate, Fractured, GSingle, G2}, n)
		if !Serializable.Forbids(n) || RepeatableRead.Forbids(n) != below || ReadCommitted.Forbids(n) != below {
			t.Error(n)
		}
	}
}

func TestProject(t *testing.T) {
	h := Project(parse(t, "a1:1 r2:1 \n a2:1 \n r1:1 a1:2"), func(key int64) bool { return key == 2 })
	if len(h) != 2 || !h[0].Snapshot || h[1].Snapshot || len(h[0].Ops) != 1 {
		t.Errorf("%+v", h)
	}
}

func TestValuesAreUnique(t *testing.T) {
	for _, h := range []string{"a1:1 \n a1:1", "w1:1 \n rolled w1:1", "w1:0"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s passes", h)
				}
			}()
			Check(parse(t, h), nil)
		}()
	}
}

// store is a database of one process, for making histories.
type store struct {
	lists     map[int64][]int64
	registers map[int64]int64
}

func (s store) clone() store {
	c := store{map[int64][]int64{}, map[int64]int64{}}
	for k, v := range s.lists {
		c.lists[k] = slices.Clone(v)
	}
	for k, v := range s.registers {
		c.registers[k] = v
	}
	return c
}

func (s store) apply(op *Op) {
	switch op.Kind {
	case Append:
		s.lists[op.Key] = append(slices.Clone(s.lists[op.Key]), op.Value)
	case List:
		op.List = slices.Clone(s.lists[op.Key])
	case Write:
		s.registers[op.Key] = op.Value
	case Read:
		op.Value = s.registers[op.Key]
	}
}

// draw is a transaction of random operations on lists 0 to 4 and registers 5 to 9; a register is read before it is written.
func draw(r *rand.Rand, next *int64) (x Txn) {
	for range 1 + r.IntN(5) {
		*next++
		key := r.Int64N(10)
		switch write := r.IntN(2) == 0; {
		case key < 5 && write:
			x.Ops = append(x.Ops, Op{Kind: Append, Key: key, Value: *next})
		case key < 5:
			x.Ops = append(x.Ops, Op{Kind: List, Key: key})
		case write:
			x.Ops = append(x.Ops, Op{Kind: Read, Key: key}, Op{Kind: Write, Key: key, Value: *next})
		default:
			x.Ops = append(x.Ops, Op{Kind: Read, Key: key})
		}
	}
	x.Outcome = []Outcome{Committed, Committed, Committed, RolledBack, Unknown}[r.IntN(5)]
	return x
}

// One after the other: nothing may be found, and in the order of the history or another one.
func TestSerialHistories(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		s, next := store{map[int64][]int64{}, map[int64]int64{}}, int64(0)
		var h []Txn
		for n := range int64(60) {
			x := draw(r, &next)
			x.Began, x.Ended = 2*n+1, 2*n+2
			work := s.clone()
			for i := range x.Ops {
				work.apply(&x.Ops[i])
			}
			if x.Outcome == Committed || x.Outcome == Unknown && r.IntN(2) == 0 {
				s = work
			}
			h = append(h, x)
		}
		r.Shuffle(len(h), func(i, j int) { h[i], h[j] = h[j], h[i] })
		if all := Check(h, s.lists); len(all) > 0 {
			t.Fatalf("seed %d: %v", seed, all)
		}
	}
}

// Snapshot isolation, where the first who commits wins: write skew is all that may be found, and is found.
func TestSnapshotIsolation(t *testing.T) {
	skews := 0
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 2))
		s, next := store{map[int64][]int64{}, map[int64]int64{}}, int64(0)
		changed := map[int64]int{} // key to the commit that wrote it last
		commits := 0
		type open struct {
			x      Txn
			sees   store
			begun  int
			writes map[int64]bool
		}
		var h []Txn
		var running []*open
		for n := 0; n < 80 || len(running) > 0; n++ {
			if n < 80 && len(running) < 5 {
				running = append(running, &open{x: draw(r, &next), sees: s.clone(), begun: commits, writes: map[int64]bool{}})
				continue
			}
			at := r.IntN(len(running))
			o := running[at]
			running = slices.Delete(running, at, at+1)
			for i := range o.x.Ops {
				o.sees.apply(&o.x.Ops[i])
				if k := o.x.Ops[i].Kind; k == Append || k == Write {
					o.writes[o.x.Ops[i].Key] = true
				}
			}
			for key := range o.writes {
				if changed[key] > o.begun {
					o.x.Outcome = RolledBack
				}
			}
			o.x.Snapshot = len(o.writes) == 0
			if o.x.Outcome == Committed || o.x.Outcome == Unknown && r.IntN(2) == 0 {
				commits++
				for key := range o.writes {
					changed[key] = commits
					s.lists[key], s.registers[key] = o.sees.lists[key], o.sees.registers[key]
				}
			}
			h = append(h, o.x)
		}
		for key := range s.lists {
			if key >= 5 {
				delete(s.lists, key)
			}
		}
		for _, a := range Check(h, s.lists) {
			if a.Name != G2 {
				t.Fatalf("seed %d: %v", seed, a)
			}
			skews++
		}
	}
	if skews == 0 {
		t.Error("no write skew was found in 200 histories that must have some")
	}
}
