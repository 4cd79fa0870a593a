package history

import (
	"fmt"
	"slices"
	"strings"
)

// Kind is what an operation does.
type Kind byte

// The kinds. A key is that of a list or of a register, never of both.
const (
	Append Kind = iota // of Value to the list of Key
	List               // the list of Key was read
	Write              // of Value to the register Key
	Read               // Value was read of the register Key; Initial when nobody had written it
)

// Initial is what a register holds that was never written.
const Initial = 0

// Op is one operation. No value is written twice to a key, whatever becomes of the transaction.
type Op struct {
	Kind  Kind
	Key   int64
	Value int64
	List  []int64
}

// Outcome is what the client was told of its transaction.
type Outcome byte

// The outcomes.
const (
	Committed Outcome = iota
	RolledBack
	Unknown
)

// Txn is a transaction: its operations in order, those of which the client had an answer.
type Txn struct {
	Ops     []Op
	Outcome Outcome
	// Snapshot: it only reads, all of it what was there at one moment, over all keys.
	Snapshot bool
	// Began and Ended are times by one clock, for Stale: before its first statement, and after the answer to its last. 0: nobody looked.
	Began, Ended int64
}

// Name is the name of an anomaly.
type Name string

// The anomalies.
const (
	Garbage    Name = "garbage"            // a value that nobody wrote
	Duplicate  Name = "duplicate"          // a value twice in a list
	Order      Name = "incompatible order" // two lists of a key, neither of which is the beginning of the other
	Internal   Name = "internal"           // a transaction does not see what itself read or wrote before
	Lost       Name = "lost"               // what was acknowledged is not there in the end
	Torn       Name = "torn"               // a transaction of unknown outcome is there in part
	Vanished   Name = "vanished"           // what a transaction has read, of one of unknown outcome, is not there in the end, nor anything else of that
	Stale      Name = "stale"              // a transaction does not see what was acknowledged before it began
	G0         Name = "G0"                 // a cycle of ww
	G1a        Name = "G1a"                // a read of what was rolled back
	G1b        Name = "G1b"                // a read of what its writer replaced before it committed
	G1c        Name = "G1c"                // a cycle of ww and wr
	LostUpdate Name = "lost update"        // a write in place of what was read, between which another one wrote
	Fractured  Name = "fractured read"     // of two writes of a transaction, one is seen and the other not
	GSingle    Name = "G-single"           // a cycle with one rw, other than the two before
	G2         Name = "G2"                 // a cycle with more than one rw
	NotOne     Name = "not one moment"     // a cycle with one rw, which begins at a snapshot
)

// Level is an isolation level.
type Level string

// The levels, as SQL names them.
const (
	ReadCommitted  Level = "READ COMMITTED"
	RepeatableRead Level = "REPEATABLE READ"
	Serializable   Level = "SERIALIZABLE"
)

// allowed are the anomalies that InnoDB's transactions may have below SERIALIZABLE. REPEATABLE READ is no more than READ COMMITTED here: its plain reads are all of one
// moment, but its writes and locking reads see what was committed since, and what it has written itself it reads with what came in between. Only a transaction that just
// reads is better off: Project it on one partition, where it is a Snapshot.
var allowed = []Name{Internal, LostUpdate, Fractured, GSingle, G2}

// Forbids says whether an anomaly must not be at the level. Vanished is never forbidden: a commit is seen by others before its replica has it, and may be lost with its
// server until then, when it has not been acknowledged.
func (l Level) Forbids(n Name) bool {
	return n != Vanished && (l == Serializable || !slices.Contains(allowed, n))
}

// Anomaly is something that must not be, unless the isolation level allows it.
type Anomaly struct {
	Name Name
	Txns []int // indexes of the history
	Text string
}

func (a Anomaly) String() string { return fmt.Sprintf("%s: %s", a.Name, a.Text) }

// enough is how many anomalies of one name are told.
const enough = 20

// Check looks for all anomalies. final are the lists in the end, when nothing runs any more; nil: they were not read.
func Check(h []Txn, final map[int64][]int64) []Anomaly {
	c := &checker{
		h: h, final: final, writers: map[version]int{}, last: map[version]bool{}, there: make([]bool, len(h)), lists: map[int64]*list{}, registers: map[int64]*register{},
		edges: make([]map[int]edge, len(h)), counts: map[Name]int{}, updates: map[update]bool{},
	}
	c.index()
	c.vanish()
	c.infer()
	for i := range h {
		if c.there[i] {
			c.within(i)
		}
	}
	c.order()
	for i := range h {
		if c.there[i] {
			c.depend(i)
		}
	}
	c.ending()
	c.cycles()
	return c.found
}

// Project is the history of some keys alone. A transaction that only reads there, and is of one moment there as all its reads on a partition at REPEATABLE READ, becomes a Snapshot.
func Project(h []Txn, key func(int64) bool) []Txn {
	out := make([]Txn, 0, len(h))
	for _, t := range h {
		ops, reads := []Op(nil), true
		for _, op := range t.Ops {
			if key(op.Key) {
				ops = append(ops, op)
				reads = reads && (op.Kind == List || op.Kind == Read)
			}
		}
		if len(ops) > 0 {
			t.Ops, t.Snapshot = ops, reads
			out = append(out, t)
		}
	}
	return out
}

// version is one value of a key.
type version struct{ key, value int64 }

// update is a transaction that lost one.
type update struct {
	txn int
	key int64
}

// list is what is known of a key to which is appended.
type list struct {
	order  []int64
	at     map[int64]int
	unseen []int64 // by nobody, of transactions that have committed
}

func (l *list) holds(v int64) bool { _, ok := l.at[v]; return ok }

// register is what is known of a key that is replaced: which values came after which, at once or later.
type register struct{ next map[int64][]int64 }

type checker struct {
	h         []Txn
	final     map[int64][]int64
	writers   map[version]int
	last      map[version]bool // the last write of its transaction to its key
	there     []bool           // committed, as was told or as can be seen
	lists     map[int64]*list
	registers map[int64]*register
	edges     []map[int]edge
	updates   map[update]bool
	counts    map[Name]int
	found     []Anomaly

	// Of path: the way back, and what the current search has seen and may see.
	from, seen, in []int
	search         int
}

func (c *checker) report(name Name, txns []int, format string, args ...any) {
	if c.counts[name]++; c.counts[name] <= enough {
		c.found = append(c.found, Anomaly{Name: name, Txns: txns, Text: fmt.Sprintf(format, args...)})
	}
}

// index notes who wrote what.
func (c *checker) index() {
	for i, t := range c.h {
		latest := map[int64]int64{}
		for _, op := range t.Ops {
			if op.Kind == Append || op.Kind == Write {
				v := version{op.Key, op.Value}
				if _, twice := c.writers[v]; twice || op.Kind == Write && op.Value == Initial {
					panic(fmt.Sprintf("history: value %d is written to key %d, and is not unique", op.Value, op.Key))
				}
				c.writers[v] = i
				latest[op.Key] = op.Value
			}
			switch op.Kind {
			case Append, List:
				if c.lists[op.Key] == nil {
					c.lists[op.Key] = &list{}
				}
			case Write, Read:
				if c.registers[op.Key] == nil {
					c.registers[op.Key] = &register{next: map[int64][]int64{}}
				}
			}
		}
		for key, value := range latest {
			c.last[version{key, value}] = true
		}
		c.there[i] = t.Outcome == Committed
	}
	for key := range c.final {
		if c.lists[key] == nil {
			c.lists[key] = &list{}
		}
	}
}

// vanish takes what was seen of transactions of unknown outcome, of which nothing is there in the end, out of the history: who saw it saw nothing that counts.
func (c *checker) vanish() {
	if c.final == nil {
		return
	}
	gone := map[int]bool{}
	for i, t := range c.h {
		appends, kept := 0, 0
		for _, op := range t.Ops {
			if op.Kind == Append {
				appends++
				if slices.Contains(c.final[op.Key], op.Value) {
					kept++
				}
			}
		}
		gone[i] = t.Outcome == Unknown && appends > 0 && kept == 0
	}
	own := slices.Clone(c.h)
	for i, t := range c.h {
		var ops []Op
		for _, op := range t.Ops {
			w, seen := -1, false
			switch op.Kind {
			case Read:
				w, seen = c.writer(op.Key, op.Value)
			case List:
				for _, v := range op.List {
					if by, ok := c.writer(op.Key, v); ok && gone[by] && by != i {
						w, seen = by, true
					}
				}
			}
			if !seen || w == i || !gone[w] {
				ops = append(ops, op)
			} else if t.Outcome == Committed {
				c.report(Vanished, []int{i, w}, "T%d reads of key %d what T%d wrote, of which nothing is there in the end", i, op.Key, w)
			}
		}
		own[i].Ops = ops
	}
	c.h = own
}

func (c *checker) writer(key, value int64) (i int, ok bool) {
	i, ok = c.writers[version{key, value}]
	return i, ok
}

// infer finds the transactions of unknown outcome that must have committed: somebody who has committed saw them.
func (c *checker) infer() {
	var todo []int
	saw := func(by int, key, value int64) {
		if w, ok := c.writers[version{key, value}]; ok && w != by && !c.there[w] && c.h[w].Outcome == Unknown {
			c.there[w] = true
			todo = append(todo, w)
		}
	}
	look := func(i int) {
		for _, op := range c.h[i].Ops {
			switch op.Kind {
			case List:
				for _, v := range op.List {
					saw(i, op.Key, v)
				}
			case Read:
				saw(i, op.Key, op.Value)
			}
		}
	}
	for key, values := range c.final {
		for _, v := range values {
			saw(-1, key, v)
		}
	}
	for i := range c.h {
		if c.h[i].Outcome == Committed {
			look(i)
		}
	}
	for len(todo) > 0 {
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		look(i)
	}
}

// String is the transaction for people: of long lists the last values.
func (t Txn) String() string {
	var b strings.Builder
	b.WriteString([]string{"committed", "rolled back", "unknown"}[t.Outcome])
	if t.Snapshot {
		b.WriteString(", snapshot")
	}
	if t.Began != 0 {
		fmt.Fprintf(&b, ", from %d to %d", t.Began, t.Ended)
	}
	for _, op := range t.Ops {
		switch op.Kind {
		case Append:
			fmt.Fprintf(&b, "; %d append %d", op.Key, op.Value)
		case Write:
			fmt.Fprintf(&b, "; %d write %d", op.Key, op.Value)
		case Read:
			fmt.Fprintf(&b, "; %d is %d", op.Key, op.Value)
		default:
			list := op.List
			dots := ""
			if len(list) > 5 {
				list, dots = list[len(list)-5:], "… "
			}
			fmt.Fprintf(&b, "; %d is [%s%s", op.Key, dots, strings.TrimPrefix(fmt.Sprint(list), "["))
		}
	}
	return b.String()
}
