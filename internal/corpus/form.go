package corpus

import (
	"errors"
	"hash/fnv"
	"math/rand/v2"
	"strings"
)

// Expand gives the statements of a form: all of them, or where they are more than most some in which every alternative occurs as often as any other of its group.
func Expand(form string, most int) ([]string, error) {
	p := parser{form}
	root, err := p.sequence(false)
	if err != nil {
		return nil, err
	}
	h := fnv.New64a()
	h.Write([]byte(form))
	r := rand.New(rand.NewPCG(h.Sum64(), 1))
	n := root.count()
	seen := map[string]bool{}
	var out []string
	for try := 0; len(out) < min(n, most) && try < 10*most; try++ {
		var b strings.Builder
		if n <= most {
			root.nth(try%n, &b)
		} else {
			root.some(r, &b)
		}
		text := strings.Join(strings.Fields(b.String()), " ")
		if !seen[text] {
			seen[text] = true
			out = append(out, text)
		}
	}
	return out, nil
}

// sequence is texts and groups, one after the other.
type sequence []any // string, *group

// group is alternatives.
type group struct {
	of   []sequence
	used []int
}

type parser struct{ rest string }

var errBrackets = errors.New("brackets do not match")

// sequence reads up to the end, or inside of a group up to its next bar or its end.
func (p *parser) sequence(inside bool) (sequence, error) {
	stops := "["
	if inside {
		stops = "[|]"
	}
	var s sequence
	for {
		at := strings.IndexAny(p.rest, stops)
		if at < 0 {
			if inside {
				return nil, errBrackets
			}
			return append(s, p.rest), nil
		}
		s = append(s, p.rest[:at])
		if p.rest[at] != '[' {
			p.rest = p.rest[at:]
			return s, nil
		}
		p.rest = p.rest[at+1:]
		g := &group{}
		for more := true; more; {
			alt, err := p.sequence(true)
			if err != nil {
				return nil, err
			}
			g.of = append(g.of, alt)
			more = p.rest[0] == '|'
			p.rest = p.rest[1:]
		}
		g.used = make([]int, len(g.of))
		s = append(s, g)
	}
}

// tooMany bounds how far statements are counted.
const tooMany = 1_000_000

func (s sequence) count() int {
	n := 1
	for _, x := range s {
		if g, ok := x.(*group); ok {
			n = min(n*g.count(), tooMany)
		}
	}
	return n
}

func (g *group) count() int {
	n := 0
	for _, alt := range g.of {
		n += alt.count()
	}
	return n
}

// nth writes one of the count() statements.
func (s sequence) nth(i int, b *strings.Builder) {
	for _, x := range s {
		switch x := x.(type) {
		case string:
			b.WriteString(x)
		case *group:
			k := i % x.count()
			i /= x.count()
			for _, alt := range x.of {
				if k < alt.count() {
					alt.nth(k, b)
					break
				}
				k -= alt.count()
			}
		}
	}
}

// some writes one of the statements, of the alternatives those that were used least.
func (s sequence) some(r *rand.Rand, b *strings.Builder) {
	for _, x := range s {
		switch x := x.(type) {
		case string:
			b.WriteString(x)
		case *group:
			pick := -1
			for _, i := range r.Perm(len(x.of)) {
				if pick < 0 || x.used[i] < x.used[pick] {
					pick = i
				}
			}
			x.used[pick]++
			x.of[pick].some(r, b)
		}
	}
}
