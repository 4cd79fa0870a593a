package merge

import (
	"io"
	"slices"
	"unicode/utf8"

	"github.com/orbweaver/orbweaver/internal/value"
)

// roughBytes is how much of a long string is looked at when parts are merged. Leaves sort by more, so that their rows are in this order, too: by max_sort_length bytes of the string
// where they pack sort keys, of its weights elsewhere.
func roughBytes(sortLength int) int { return min(sortLength, defaultSortLength) / 2 }

// long says whether a cell is one of which the leaves may not have looked at the whole.
func (k *key) long(cell []byte) bool { return k.text && len(cell) > k.rough }

// compareRough compares cells of the key as far as leaves are certain to have done; cut: that is not to the end.
func (k *key) compareRough(a, b []byte) (result int, cut bool) {
	if cut = k.long(a) || k.long(b); cut {
		a, b = a[:min(len(a), k.rough)], b[:min(len(b), k.rough)]
	}
	return k.compare(a, b), cut
}

// compareRough is compareRows for rows as leaves sort them. ties: they are equal as far as both are certain to be in order. What comes after a key that is cut short is not.
func compareRough(ks []key, a, b *row) (result int, ties bool) {
	for i := range ks {
		k := &ks[i]
		if r, cut := k.compareRough(a.cells[k.col], b.cells[k.col]); r != 0 || cut {
			return r, r == 0
		}
	}
	return 0, false
}

// cut is as much of a cell as MariaDB's ORDER BY looks at, as tried with 10.11: max_sort_length bytes of the string, or of its weights under the collations of the Unicode tables, and of a binary
// string two bytes less.
func (k *key) cut(cell []byte, length int) []byte {
	weights := k.collation >= 0
	switch {
	case k.class == value.Bytes:
		length -= 2
	case k.coll != nil && k.coll.Tailored() && !weights: // of two bytes a character
		for n, chars := 0, 0; n < len(cell); n++ {
			if utf8.RuneStart(cell[n]) {
				if chars++; chars > length/2 {
					return cell[:n]
				}
			}
		}
		return cell
	case weights && !k.coll.Tailored(): // of so many bytes a character as a letter of one byte has
		length *= k.coll.Width()
	}
	return cell[:min(len(cell), length)]
}

// compareCut is compareRows as MariaDB's ORDER BY compares.
func compareCut(ks []key, length int, a, b *row) int {
	for i := range ks {
		k := &ks[i]
		x, y := a.cells[k.col], b.cells[k.col]
		if !k.long(x) && !k.long(y) {
			if r := k.compare(x, y); r != 0 {
				return r
			}
			continue
		}
		r := k.compare(k.cut(x, length), k.cut(y, length))
		if r == 0 && k.class == value.Bytes {
			if r = len(x) - len(y); k.desc {
				r = -r
			}
		}
		if r != 0 {
			return r
		}
	}
	return 0
}

// runs puts rows in order that come so but for what leaves have not looked at: neighbours that have the same long beginning.
type runs struct {
	in      operator
	layout  *layout
	keys    []key
	compare func(a, b *row) int
	strict  bool // equal rows have to be neighbours
	limit   int64

	rows  []*savedRow
	ahead *row // the row after the run, read already
	last  *saved
}

// sortLength is the session's max_sort_length.
func (b *builder) sortLength() int {
	if b.c.SortLength <= 0 {
		return defaultSortLength
	}
	return b.c.SortLength
}

// parted makes runs of what parts gave where the order has strings.
func (b *builder) parted(m *ordered, strict bool) operator {
	if !slices.ContainsFunc(m.keys, func(k key) bool { return k.text }) {
		return m
	}
	length := b.sortLength()
	r := &runs{in: m, layout: &b.layout, keys: m.keys, strict: strict, limit: b.sortMemory(), last: newSaved(m.keys)}
	r.compare = func(x, y *row) int { return compareCut(r.keys, length, x, y) }
	if strict {
		r.compare = func(x, y *row) int { return compareRows(r.keys, x, y) }
	}
	return r
}

func (o *runs) next() (*row, error) {
	if len(o.rows) == 0 {
		r := o.ahead
		if o.ahead = nil; r == nil {
			var err error
			if r, err = o.in.next(); err != nil {
				return nil, err
			}
		}
		if !slices.ContainsFunc(o.keys, func(k key) bool { return k.long(r.cells[k.col]) }) {
			return r, o.follows(r)
		}
		if err := o.collect(r); err != nil {
			return nil, err
		}
	}
	r := &o.rows[0].row
	o.rows = o.rows[1:]
	return r, o.follows(r)
}

// collect reads the run that a row begins.
func (o *runs) collect(r *row) error {
	used := int64(0)
	for {
		s := &savedRow{}
		if err := s.save(o.layout, r); err != nil {
			return err
		}
		if used += int64(rowCost + cellCost*len(s.cells) + cap(s.buf)); used > o.limit {
			return &SortMemoryError{Limit: o.limit}
		}
		o.rows = append(o.rows, s)
		var err error
		if r, err = o.in.next(); err == io.EOF {
			break
		} else if err != nil {
			return err
		}
		if _, ties := compareRough(o.keys, &o.rows[0].row, r); !ties {
			o.ahead = r
			break
		}
	}
	slices.SortStableFunc(o.rows, func(a, b *savedRow) int { return o.compare(&a.row, &b.row) })
	return nil
}

// follows refuses a row that comes before the one given last, where equal ones have to be neighbours.
func (o *runs) follows(r *row) error {
	if !o.strict {
		return nil
	}
	if o.last.any {
		if c, at := o.last.compare(r); c > 0 {
			return &OrderError{Column: o.keys[at].name}
		}
	}
	o.last.set(r)
	return nil
}
