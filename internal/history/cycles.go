package history

import (
	"fmt"
	"slices"
	"strings"
)

// kinds of dependencies, a set.
type kinds byte

const (
	ww kinds = 1 << iota // the second overwrote what the first wrote
	wr                   // the second read what the first wrote
	rw                   // the second overwrote what the first read
)

func (k kinds) String() string {
	switch k {
	case ww:
		return "ww"
	case wr:
		return "wr"
	}
	return "rw"
}

// edge is all that makes a transaction come before another one.
type edge struct {
	kinds kinds
	keys  [3]int64 // one for each kind
}

func (c *checker) edge(from, to int, kind kinds, key int64) {
	if !c.there[from] || !c.there[to] {
		return
	}
	if c.edges[from] == nil {
		c.edges[from] = map[int]edge{}
	}
	e := c.edges[from][to]
	if e.kinds&kind == 0 {
		e.kinds |= kind
		e.keys[kind/2] = key
		c.edges[from][to] = e
	}
}

// cycles names the cycles.
func (c *checker) cycles() {
	for _, part := range c.components(ww) {
		if path := c.path(part[0], part[0], ww, part); path != nil {
			c.cycle(G0, path, ww)
		}
	}
	for _, part := range c.components(ww | wr) {
		c.eachEdge(part, wr, func(a, b int) bool {
			path := c.path(b, a, ww|wr, part)
			if path != nil {
				c.cycle(G1c, append([]int{a}, path...), ww|wr, wr)
			}
			return path == nil
		})
	}
	for _, part := range c.components(ww | wr | rw) {
		told := map[string]bool{}
		more := false
		c.eachEdge(part, rw, func(a, b int) bool {
			name := GSingle
			key := c.edges[a][b].keys[rw/2]
			switch {
			case c.h[a].Snapshot:
				name = NotOne
			case c.edges[b][a].kinds&wr != 0 && c.edges[b][a].keys[wr/2] != key:
				name = Fractured
			}
			if c.counts[name] >= enough || c.updates[update{a, key}] && name != NotOne { // told
				return true
			}
			path := c.path(b, a, ww|wr, part)
			if path == nil {
				if !more {
					more = true
					c.cycle(G2, append([]int{a}, c.path(b, a, ww|wr|rw, part)...), ww|wr|rw, rw)
				}
				return true
			}
			set := slices.Clone(path)
			slices.Sort(set)
			if text := fmt.Sprint(name, set); !told[text] && c.counts[name] < enough {
				told[text] = true
				c.cycle(name, append([]int{a}, path...), ww|wr, rw)
			}
			return true
		})
	}
}

// eachEdge goes through the edges of a kind within a component, in order, until do says false.
func (c *checker) eachEdge(part []int, kind kinds, do func(a, b int) bool) {
	in := map[int]bool{}
	for _, i := range part {
		in[i] = true
	}
	for _, a := range part {
		for _, b := range c.after(a, kind) {
			if in[b] && !do(a, b) {
				return
			}
		}
	}
}

// after are the transactions after one, in order.
func (c *checker) after(i int, kind kinds) (out []int) {
	for b, e := range c.edges[i] {
		if e.kinds&kind != 0 {
			out = append(out, b)
		}
	}
	slices.Sort(out)
	return out
}

// path is a shortest way from a to b, both included, of one edge at least, by edges of these kinds within a component; nil when there is none.
func (c *checker) path(a, b int, kind kinds, part []int) []int {
	if c.from == nil {
		c.from, c.seen, c.in = make([]int, len(c.h)), make([]int, len(c.h)), make([]int, len(c.h))
	}
	c.search++ // what seen and in hold of earlier ones does not count
	for _, i := range part {
		c.in[i] = c.search
	}
	for todo := []int{a}; len(todo) > 0; {
		i := todo[0]
		todo = todo[1:]
		for _, n := range c.after(i, kind) {
			if c.seen[n] == c.search || c.in[n] != c.search {
				continue
			}
			c.seen[n], c.from[n] = c.search, i
			if n == b {
				path := []int{b}
				for at := i; ; at = c.from[at] {
					path = append(path, at)
					if at == a {
						break
					}
				}
				slices.Reverse(path)
				return path
			}
			todo = append(todo, n)
		}
	}
	return nil
}

// cycle reports a cycle: path begins and ends at the same transaction. Its first edge is of a kind in first, if given, the others are of a kind in rest.
func (c *checker) cycle(name Name, path []int, rest kinds, first ...kinds) {
	var b strings.Builder
	fmt.Fprintf(&b, "T%d", path[0])
	for n, to := range path[1:] {
		want := rest
		if n == 0 && len(first) > 0 {
			want = first[0]
		}
		e := c.edges[path[n]][to]
		for _, k := range []kinds{ww, wr, rw} {
			if e.kinds&want&k != 0 {
				fmt.Fprintf(&b, " -%s(key %d)-> T%d", k, e.keys[k/2], to)
				break
			}
		}
	}
	c.report(name, path[:len(path)-1], "%s", b.String())
}

// components are the sets of more than one transaction each of which comes before all others of the set: Tarjan's, with a stack of its own.
func (c *checker) components(kind kinds) (parts [][]int) {
	n := len(c.h)
	number, low, on := make([]int, n), make([]int, n), make([]bool, n)
	var stack []int
	count := 0
	type frame struct {
		node int
		rest []int
	}
	for root := range n {
		if number[root] != 0 || !c.there[root] {
			continue
		}
		enter := func(i int) frame {
			count++
			number[i], low[i], on[i] = count, count, true
			stack = append(stack, i)
			return frame{i, c.after(i, kind)}
		}
		for calls := []frame{enter(root)}; len(calls) > 0; {
			f := &calls[len(calls)-1]
			if len(f.rest) > 0 {
				to := f.rest[0]
				f.rest = f.rest[1:]
				switch {
				case number[to] == 0:
					calls = append(calls, enter(to))
				case on[to]:
					low[f.node] = min(low[f.node], number[to])
				}
				continue
			}
			node := f.node
			calls = calls[:len(calls)-1]
			if len(calls) > 0 {
				up := calls[len(calls)-1].node
				low[up] = min(low[up], low[node])
			}
			if low[node] != number[node] {
				continue
			}
			var part []int
			for {
				top := stack[len(stack)-1]
				stack = stack[:len(stack)-1]
				on[top] = false
				part = append(part, top)
				if top == node {
					break
				}
			}
			if len(part) > 1 {
				slices.Sort(part)
				parts = append(parts, part)
			}
		}
	}
	return parts
}
