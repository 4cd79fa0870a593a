package history

import (
	"fmt"
	"slices"
)

// within looks whether a transaction agrees with itself.
func (c *checker) within(i int) {
	type state struct {
		known bool // what the key held before own, or what the register holds
		list  []int64
		own   []int64
		value int64
	}
	states := map[int64]*state{}
	for _, op := range c.h[i].Ops {
		s := states[op.Key]
		if s == nil {
			s = &state{}
			states[op.Key] = s
		}
		switch op.Kind {
		case Append:
			s.own = append(s.own, op.Value)
		case List:
			if want := slices.Concat(s.list, s.own); s.known && !slices.Equal(op.List, want) {
				c.report(Internal, []int{i}, "T%d reads %v of key %d, where it should be %v by what it read and wrote before", i, op.List, op.Key, want)
			} else if !s.known && !endsWith(op.List, s.own) {
				c.report(Internal, []int{i}, "T%d reads %v of key %d, to which it has appended %v", i, op.List, op.Key, s.own)
			}
			s.known, s.list, s.own = true, op.List, nil
		case Write:
			s.known, s.value = true, op.Value
		case Read:
			if s.known && op.Value != s.value {
				c.report(Internal, []int{i}, "T%d reads %d of key %d, where it read or wrote %d before", i, op.Value, op.Key, s.value)
			}
			s.known, s.value = true, op.Value
		}
	}
}

func endsWith(list, end []int64) bool {
	return len(list) >= len(end) && slices.Equal(list[len(list)-len(end):], end)
}

// foreign is a list without what the transaction itself has appended last.
func (c *checker) foreign(i int, op Op) []int64 {
	list := op.List
	for len(list) > 0 {
		if w, ok := c.writers[version{op.Key, list[len(list)-1]}]; !ok || w != i {
			break
		}
		list = list[:len(list)-1]
	}
	return list
}

// order finds the order in which the values of each key came.
func (c *checker) order() {
	longest := func(key int64, values []int64) {
		if l := c.lists[key]; len(values) > len(l.order) {
			l.order = values
		}
	}
	for key, values := range c.final {
		longest(key, values)
	}
	for i, t := range c.h {
		if !c.there[i] {
			continue
		}
		var before = map[int64]int64{} // of registers: what it read or wrote last
		for _, op := range t.Ops {
			switch op.Kind {
			case List:
				longest(op.Key, op.List)
			case Read:
				before[op.Key] = op.Value
			case Write:
				r := c.registers[op.Key]
				was := before[op.Key] // Initial when it did not look: everything comes after that
				r.next[was] = append(r.next[was], op.Value)
				before[op.Key] = op.Value
			}
		}
	}
	for key, l := range c.lists {
		l.at = map[int64]int{}
		for at, v := range l.order {
			l.at[v] = at
		}
		c.look(-1, key, l.order)
	}
	for i, t := range c.h {
		if !c.there[i] {
			continue
		}
		for _, op := range t.Ops {
			if op.Kind != Append {
				continue
			}
			if l := c.lists[op.Key]; !l.holds(op.Value) {
				l.unseen = append(l.unseen, op.Value)
			}
		}
	}
}

// look checks a list that was read, by nobody when i is -1.
func (c *checker) look(i int, key int64, values []int64) {
	seen := map[int64]bool{}
	for _, v := range values {
		if seen[v] {
			c.report(Duplicate, who(i), "%s finds %d twice in key %d: %v", reader(i), v, key, values)
		}
		seen[v] = true
		c.lookAt(i, key, v)
	}
}

// lookAt checks one value that was read.
func (c *checker) lookAt(i int, key, value int64) {
	w, ok := c.writers[version{key, value}]
	switch {
	case !ok:
		c.report(Garbage, who(i), "%s finds %d in key %d, which nobody wrote", reader(i), value, key)
	case c.h[w].Outcome == RolledBack && w != i:
		c.report(G1a, append(who(i), w), "%s finds %d in key %d, and T%d, which wrote it, was rolled back", reader(i), value, key, w)
	}
}

func who(i int) []int {
	if i < 0 {
		return nil
	}
	return []int{i}
}

func reader(i int) string {
	if i < 0 {
		return "who reads longest"
	}
	return fmt.Sprintf("T%d", i)
}

// depend notes what a transaction depends on, and what depends on it.
func (c *checker) depend(i int) {
	t := c.h[i]
	read := map[int64]int{}        // of lists: how much of it others wrote, at the last read before its own first write
	base := map[int64]int64{}      // of registers: the value of others that it read last
	wrote := map[int64]bool{}      // it has written the key
	looked := map[version]bool{}   // reads that were checked: they are repeated often
	lengths := map[[2]int64]bool{} // the same of lists
	for _, op := range t.Ops {
		switch op.Kind {
		case List:
			ext := c.foreign(i, op)
			if !wrote[op.Key] {
				read[op.Key] = len(ext)
			}
			if k := [2]int64{op.Key, int64(len(ext))}; !lengths[k] {
				lengths[k] = true
				c.readList(i, op.Key, ext)
			}
		case Append:
			if n, ok := read[op.Key]; ok && !wrote[op.Key] {
				l := c.lists[op.Key]
				if at, there := l.at[op.Value]; there && at > n {
					other := c.writers[version{op.Key, l.order[n]}]
					c.report(LostUpdate, []int{i, other}, "T%d appends %d to key %d after it read %v, and T%d appended %d in between",
						i, op.Value, op.Key, l.order[:n], other, l.order[n])
					c.updates[update{i, op.Key}] = true
				}
			}
			wrote[op.Key] = true
		case Read:
			v := version{op.Key, op.Value}
			if w, ok := c.writers[v]; ok && w == i {
				continue
			}
			base[op.Key] = op.Value
			if !looked[v] {
				looked[v] = true
				c.readRegister(i, op.Key, op.Value)
			}
		case Write:
			if from, ok := base[op.Key]; ok && !wrote[op.Key] {
				for _, next := range c.registers[op.Key].next[from] {
					if w := c.writers[version{op.Key, next}]; w > i && c.readBefore(w, op.Key, from) {
						c.report(LostUpdate, []int{i, w}, "T%d and T%d both replace %d of key %d, which both have read", i, w, from, op.Key)
						c.updates[update{i, op.Key}], c.updates[update{w, op.Key}] = true, true
					}
				}
			}
			wrote[op.Key] = true
		}
	}
	c.overwrite(i)
}

// readBefore says whether a transaction read a register's value before it wrote the register.
func (c *checker) readBefore(i int, key, value int64) bool {
	for _, op := range c.h[i].Ops {
		switch {
		case op.Key == key && op.Kind == Read && op.Value == value:
			return true
		case op.Key == key && op.Kind == Write:
			return false
		}
	}
	return false
}

// readList is for what others wrote of a list that T i read.
func (c *checker) readList(i int, key int64, ext []int64) {
	l := c.lists[key]
	if len(ext) > len(l.order) || !slices.Equal(ext, l.order[:len(ext)]) {
		c.report(Order, []int{i}, "T%d reads %v of key %d, and others %v", i, ext, key, l.order)
		c.look(i, key, ext)
		return
	}
	if n := len(ext); n > 0 {
		c.lookAt(i, key, ext[n-1])
		c.readFrom(i, key, ext[n-1])
	}
	if n := len(ext); n < len(l.order) { // what comes next was not there yet
		if w, ok := c.writers[version{key, l.order[n]}]; ok && w != i {
			c.edge(i, w, rw, key)
		}
	}
	for _, v := range slices.Concat(l.order[len(ext):], l.unseen) {
		if w, ok := c.writers[version{key, v}]; ok && c.late(i, w, key, v) {
			break
		}
	}
}

// readRegister is for a value of others that T i read.
func (c *checker) readRegister(i int, key, value int64) {
	r := c.registers[key]
	if value != Initial {
		c.lookAt(i, key, value)
		c.readFrom(i, key, value)
	}
	for _, next := range r.next[value] {
		if w := c.writers[version{key, next}]; w != i {
			c.edge(i, w, rw, key)
		}
	}
	seen := map[int64]bool{value: true}
	for todo := []int64{value}; len(todo) > 0; {
		v := todo[0]
		todo = todo[1:]
		for _, next := range r.next[v] {
			// What was written without a look at what was before is later than nothing but the beginning.
			if seen[next] || v == Initial && value != Initial {
				continue
			}
			seen[next] = true
			if c.late(i, c.writers[version{key, next}], key, next) {
				return
			}
			todo = append(todo, next)
		}
	}
}

// late reports a value that T i should have seen, as its writer had been told of its commit before T i began.
func (c *checker) late(i, w int, key, value int64) bool {
	t, o := c.h[i], c.h[w]
	if w == i || o.Outcome != Committed || o.Ended == 0 || t.Began == 0 || o.Ended >= t.Began {
		return false
	}
	c.report(Stale, []int{i, w}, "T%d does not see %d in key %d, though T%d had been acknowledged before it began", i, value, key, w)
	return true
}

// readFrom is for a value that T i read and another one wrote.
func (c *checker) readFrom(i int, key, value int64) {
	v := version{key, value}
	w, ok := c.writers[v]
	if !ok || w == i {
		return
	}
	if !c.last[v] {
		c.report(G1b, []int{i, w}, "T%d finds %d in key %d, where T%d, which wrote it, went on to write", i, value, key, w)
	}
	if c.there[w] {
		c.edge(w, i, wr, key)
	}
}

// overwrite notes whose values a transaction's are placed after.
func (c *checker) overwrite(i int) {
	for _, op := range c.h[i].Ops {
		switch op.Kind {
		case Append:
			l := c.lists[op.Key]
			if at, ok := l.at[op.Value]; ok && at > 0 {
				if w, ok := c.writers[version{op.Key, l.order[at-1]}]; ok && w != i && c.there[w] {
					c.edge(w, i, ww, op.Key)
				}
			}
		case Write:
			for _, next := range c.registers[op.Key].next[op.Value] {
				if w := c.writers[version{op.Key, next}]; w != i {
					c.edge(i, w, ww, op.Key)
				}
			}
		}
	}
}

// ending looks for what is missing in the end.
func (c *checker) ending() {
	if c.final == nil {
		return
	}
	for i, t := range c.h {
		var gone, kept []int64
		key := int64(0)
		for _, op := range t.Ops {
			if op.Kind != Append {
				continue
			}
			if slices.Contains(c.final[op.Key], op.Value) {
				kept = append(kept, op.Value)
			} else {
				gone, key = append(gone, op.Value), op.Key
			}
		}
		switch {
		case len(gone) == 0:
		case t.Outcome == Committed:
			c.report(Lost, []int{i}, "T%d was acknowledged, and %v (key %d) is not there in the end", i, gone, key)
		case t.Outcome == Unknown && (len(kept) > 0 || c.there[i]):
			c.report(Torn, []int{i}, "T%d is there in part: %v is, %v (key %d) is not", i, kept, gone, key)
		}
	}
}
