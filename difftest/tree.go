package main

import (
	"slices"
	"strings"
)

// form is what may be done with a piece of a statement when it is made smaller.
type form int

const (
	fixed     form = iota
	optional       // may be left out
	list           // any but the last of its kids may be left out
	value          // an expression: any other of its kind will do
	condition      // any other will do
	source         // what stands in FROM: any other will do
	query          // any other will do
)

// dress is how a piece is printed that is a statement inside of another.
type dress int

const (
	bare dress = iota
	inQuotes
	unseen // it is run by the name under which it was prepared
)

// node is a piece of a statement.
type node struct {
	form form
	kind kind   // a value's
	text string // a leaf's
	sep  string // between the kids of a list
	kids []*node
	as   dress
	// Of a query: the columns, by their names, that its ORDER BY sorts by, most significant first.
	order []string
	cols  []column
}

// cat puts pieces together: strings and nodes.
func cat(parts ...any) *node { return &node{kids: pieces(parts)} }

// may is a piece that can be left out.
func may(parts ...any) *node { return &node{form: optional, kids: pieces(parts)} }

// many is a list.
func many(sep string, kids ...*node) *node { return &node{form: list, sep: sep, kids: kids} }

// all is a list of which none can be left out.
func all(sep string, kids ...*node) *node { return &node{sep: sep, kids: kids} }

func val(k kind, parts ...any) *node { return &node{form: value, kind: k, kids: pieces(parts)} }

func cond(parts ...any) *node { return &node{form: condition, kids: pieces(parts)} }

func from(parts ...any) *node { return &node{form: source, kids: pieces(parts)} }

func pieces(parts []any) []*node {
	var out []*node
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			if p != "" {
				out = append(out, &node{text: p})
			}
		case *node:
			if p != nil {
				out = append(out, p)
			}
		}
	}
	return out
}

func (n *node) String() string {
	var b strings.Builder
	n.print(&b)
	return b.String()
}

var escapes = strings.NewReplacer("'", "''", `\`, `\\`)

func (n *node) print(b *strings.Builder) {
	switch c := *n; n.as {
	case inQuotes:
		c.as = bare
		b.WriteString("'" + escapes.Replace(c.String()) + "'")
		return
	case unseen:
		return
	}
	b.WriteString(n.text)
	for i, k := range n.kids {
		if i > 0 {
			b.WriteString(n.sep)
		}
		k.print(b)
	}
}

// sorted is the order of the statement's answer: that of its first query.
func (n *node) sorted() []string {
	if n.form == query {
		return n.order
	}
	return nil
}

// smaller gives the node with one piece of it simplified, in every way that there is, the boldest first. It stops when yield says so.
func (n *node) smaller(yield func(*node) bool) bool {
	switch n.form {
	case optional:
		if len(n.kids) > 0 && !yield(&node{form: optional}) {
			return false
		}
	case list:
		if !n.shorter(yield) {
			return false
		}
	case value, condition, source, query:
		for _, other := range n.within(n, nil) {
			if !yield(other) {
				return false
			}
		}
		for _, text := range plain(n) {
			if !yield(&node{form: n.form, kind: n.kind, text: text}) {
				return false
			}
		}
	}
	for i, k := range n.kids {
		if !k.smaller(func(less *node) bool {
			c := *n
			c.kids = slices.Clone(n.kids)
			c.kids[i] = less
			return yield(&c)
		}) {
			return false
		}
	}
	return true
}

func (n *node) shorter(yield func(*node) bool) bool {
	for size := len(n.kids) / 2; size >= 1; size /= 2 {
		for at := 0; at+size <= len(n.kids); at += size {
			c := *n
			c.kids = slices.Delete(slices.Clone(n.kids), at, at+size)
			if len(c.kids) > 0 && !yield(&c) {
				return false
			}
		}
	}
	return true
}

// within are the outermost nodes inside of n that could stand in its place.
func (n *node) within(top *node, out []*node) []*node {
	for _, k := range n.kids {
		if k.form == top.form && k.kind == top.kind {
			out = append(out, k)
			continue
		}
		out = k.within(top, out)
	}
	return out
}

// plain are the shortest texts of the node's kind.
func plain(n *node) []string {
	if n.text != "" || n.String() == "NULL" {
		return nil // it is one, or a name
	}
	switch n.form {
	case condition:
		return []string{"1"}
	case value:
		switch n.kind {
		case num:
			return []string{"1", "NULL"}
		case str:
			return []string{"'a'", "NULL"}
		}
		return []string{"NULL"}
	}
	return nil
}
