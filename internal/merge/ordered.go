package merge

import "io"

// ordered merges sorted parts with a tree of losers: one comparison a level of the tree for each row, whatever the number of parts. Equal rows
// come in the order of the parts.
type ordered struct {
	keys    []key
	readers []*reader
	// tree has at [0] the winner, at the inner nodes the loser of the match there. A part that has ended loses against all others.
	tree  []int
	ended []bool
	begun bool
	last  *saved // the keys of the row given last: rows must not go back behind it
}

func (m *ordered) next() (*row, error) {
	if len(m.readers) == 0 {
		return nil, io.EOF
	}
	if !m.begun {
		if err := m.begin(); err != nil {
			return nil, err
		}
	} else {
		w := m.tree[0]
		if err := m.read(w); err != nil {
			return nil, err
		}
		m.replay(w)
	}
	if m.ended[m.tree[0]] {
		return nil, io.EOF
	}
	r := &m.readers[m.tree[0]].row
	if m.last.any {
		if c, at := m.last.compareRough(r); c > 0 {
			return nil, &OrderError{Column: m.keys[at].name}
		}
	}
	m.last.set(r)
	return r, nil
}

// begin reads every part's first row and plays all matches.
func (m *ordered) begin() error {
	m.begun = true
	n := len(m.readers)
	m.ended = make([]bool, n)
	for i := range m.readers {
		if err := m.read(i); err != nil {
			return err
		}
		if !m.ended[i] {
			if err := resolveAll(m.keys, &m.readers[i].row); err != nil {
				return err
			}
		}
	}
	// Leaves of the tree are n … 2n-1, part i at n+i; winners of each node, bottom up.
	m.tree = make([]int, n)
	winners := make([]int, 2*n)
	for i := range n {
		winners[n+i] = i
	}
	for node := n - 1; node >= 1; node-- {
		a, b := winners[2*node], winners[2*node+1]
		if m.before(b, a) {
			a, b = b, a
		}
		winners[node], m.tree[node] = a, b
	}
	m.tree[0] = winners[1]
	return nil
}

// read advances a part.
func (m *ordered) read(i int) error {
	err := m.readers[i].advance()
	if err == io.EOF {
		m.ended[i] = true
		return nil
	}
	return err
}

// replay plays the matches from a part's leaf up to the root again.
func (m *ordered) replay(w int) {
	for node := (len(m.readers) + w) / 2; node >= 1; node /= 2 {
		if m.before(m.tree[node], w) {
			m.tree[node], w = w, m.tree[node]
		}
	}
	m.tree[0] = w
}

// before says whether part a's row comes before part b's.
func (m *ordered) before(a, b int) bool {
	if m.ended[a] || m.ended[b] {
		return !m.ended[a] && m.ended[b]
	}
	c, _ := compareRough(m.keys, &m.readers[a].row, &m.readers[b].row)
	return c < 0 || c == 0 && a < b
}
