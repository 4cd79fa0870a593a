package merge

import (
	"container/heap"
	"io"
	"math"
	"slices"
)

// sorted gives rows in another order than they come in. With a LIMIT it holds no more rows than that.
type sorted struct {
	in     operator
	layout *layout
	keys   []key
	length int   // see compareCut
	limit  int64 // bytes
	used   int64
	keep   int // rows; 0 is all
	rows   []*sortRow
	count  int64 // rows seen
	begun  bool
	final  *row
}

// sortRow is a row held, with its place in the input: equal rows keep their order.
type sortRow struct {
	savedRow
	seq int64
}

// rowCost is what a row takes besides its bytes and cells.
const (
	rowCost  = 160
	cellCost = 24
)

func (b *builder) sorted(in operator) (operator, error) {
	keys, err := b.keys(b.c.Plan.Order)
	if err != nil {
		return nil, err
	}
	s := &sorted{in: in, layout: &b.layout, keys: keys, length: b.sortLength(), limit: b.sortMemory()}
	if n := b.c.Count; n >= 0 && n <= math.MaxInt32 && b.c.Offset <= math.MaxInt32 && b.c.Plan.Ties == 0 {
		s.keep = int(n + max(b.c.Offset, 0))
		if s.keep == 0 {
			s.keep = 1
		}
	}
	return s, nil
}

func (b *builder) sortMemory() int64 {
	if b.c.SortMemory <= 0 {
		return DefaultSortMemory
	}
	return b.c.SortMemory
}

// Len, Less, Swap, Push and Pop make rows a heap with the last row on top.
func (s *sorted) Len() int           { return len(s.rows) }
func (s *sorted) Less(i, j int) bool { return s.compare(s.rows[i], s.rows[j]) > 0 }
func (s *sorted) Swap(i, j int)      { s.rows[i], s.rows[j] = s.rows[j], s.rows[i] }

// Push is for container/heap.
func (s *sorted) Push(x any) { s.rows = append(s.rows, x.(*sortRow)) }

// Pop is for container/heap.
func (s *sorted) Pop() any {
	last := s.rows[len(s.rows)-1]
	s.rows = s.rows[:len(s.rows)-1]
	return last
}

func (s *sorted) compare(a, b *sortRow) int {
	if c := compareCut(s.keys, s.length, &a.row, &b.row); c != 0 {
		return c
	}
	if a.seq < b.seq {
		return -1
	}
	return 1
}

func (s *sorted) next() (*row, error) {
	if !s.begun {
		s.begun = true
		if err := s.fill(); err != nil {
			return nil, err
		}
		slices.SortFunc(s.rows, s.compare)
	}
	if r := s.final; r != nil {
		s.final = nil
		return r, nil
	}
	if len(s.rows) == 0 {
		return nil, io.EOF
	}
	r := s.rows[0]
	s.rows[0] = nil
	s.rows = s.rows[1:]
	return &r.row, nil
}

func (s *sorted) fill() error {
	for {
		r, err := s.in.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if r.final {
			s.final = r
			return nil
		}
		if s.count == 0 {
			if err := resolveAll(s.keys, r); err != nil {
				return err
			}
		}
		s.count++
		if err := s.take(r); err != nil {
			return err
		}
	}
}

// take keeps a row, or drops it when enough rows before it are held.
func (s *sorted) take(r *row) error {
	full := s.keep > 0 && len(s.rows) == s.keep
	if full && compareCut(s.keys, s.length, r, &s.rows[0].row) >= 0 {
		return nil
	}
	var h *sortRow
	if full {
		h = s.rows[0]
		s.used -= s.cost(h)
	} else {
		h = &sortRow{}
	}
	if err := h.save(s.layout, r); err != nil {
		return err
	}
	h.seq = s.count
	if s.used += s.cost(h); s.used > s.limit {
		return &SortMemoryError{Limit: s.limit}
	}
	switch {
	case full:
		heap.Fix(s, 0)
	case s.keep > 0:
		heap.Push(s, h)
	default:
		s.rows = append(s.rows, h)
	}
	return nil
}

func (s *sorted) cost(h *sortRow) int64 {
	return int64(rowCost + cellCost*len(h.cells) + cap(h.buf))
}
