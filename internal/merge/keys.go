package merge

import (
	"bytes"
	"fmt"

	"github.com/orbweaver/orbweaver/internal/collate"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/value"
)

// key is one key of an order.
type key struct {
	name string
	col  int // the cell that is compared: the value's, or its weights'
	desc bool
	cmp  func(a, b []byte) int
	// collation is the cell that names the collation of weights; -1 when col is the value itself. coll is found with the first row.
	collation int
	coll      *collate.Collation
	// node is the collation under which values stand in for the weights; "" when it is always weights that are compared.
	node  string
	text  bool // long values are compared by a prefix only on the leaves
	rough int  // see roughBytes
	class value.Class
}

// keys resolves an order. The collations are still open: see resolve.
func (b *builder) keys(ks []plan.SortKey) ([]key, error) {
	out := make([]key, len(ks))
	for i, k := range ks {
		c, err := b.col(k.Col)
		if err != nil {
			return nil, err
		}
		out[i] = key{name: string(b.c.Columns[c].Name), col: c, desc: k.Desc, collation: -1, rough: roughBytes(b.sortLength())}
		if col := &b.layout.cols[c]; col.Class != value.String && (col.Class != value.Bytes || !k.HasWeight) { // a client that speaks in bytes is told strings as such
			if out[i].cmp, err = col.Order(); err != nil {
				return nil, b.refuse(c, err)
			}
			out[i].text, out[i].class = col.Class == value.Bytes, col.Class
			continue
		}
		if k.Node != "" && !k.HasWeight {
			coll := collate.Lookup(k.Node)
			if coll == nil {
				return nil, b.refuse(c, fmt.Errorf("%w: collation %q is not known", value.ErrNoOrder, k.Node))
			}
			out[i].cmp, out[i].text, out[i].coll = nullsFirst(collate.NewComparer(coll).Compare), true, coll
			continue
		}
		if err := b.weighed(&out[i], c, k.HasWeight, k.Weight, k.Collation); err != nil {
			return nil, err
		}
		if k.Node != "" {
			out[i].node = k.Node
			b.layout.stands = append(b.layout.stands, standIn{name: out[i].name, value: c, weight: out[i].col, collation: out[i].collation, node: k.Node})
		}
	}
	return out, nil
}

// nullsFirst orders NULL before everything else.
func nullsFirst(cmp func(a, b []byte) int) func(a, b []byte) int {
	return func(a, b []byte) int {
		switch {
		case a != nil && b != nil:
			return cmp(a, b)
		case a != nil:
			return 1
		case b != nil:
			return -1
		}
		return 0
	}
}

// weighed makes k a key by the weights of a string.
func (b *builder) weighed(k *key, c int, has bool, weight, collation plan.Col) error {
	if !has {
		return b.refuse(c, fmt.Errorf("%w: a string without its weights", value.ErrNoOrder))
	}
	var err error
	if k.col, err = b.col(weight); err != nil {
		return err
	}
	k.text = true
	if k.collation, err = b.col(collation); err == nil && k.collation < len(b.c.Columns)-b.c.Plan.Hidden {
		err = fmt.Errorf("%w: the weights of column '%s' come without their collation", ErrConfig, k.name)
	}
	return err
}

// resolve finds the key's collation in the first row that there is.
func (k *key) resolve(r *row) error {
	if k.collation < 0 || k.coll != nil {
		return nil
	}
	// A result character set of two bytes or more has zeros between the letters.
	name := bytes.ReplaceAll(r.cells[k.collation], []byte{0}, nil)
	if k.coll = collate.Lookup(string(name)); k.coll != nil && k.node == string(name) {
		k.cmp, k.collation = nullsFirst(collate.NewComparer(k.coll).Compare), -1
		return nil
	}
	if k.coll == collate.Binary {
		k.class = value.Bytes
	}
	if k.coll == nil || !k.coll.Sound() {
		return &NotMergeableError{Column: k.name, Err: fmt.Errorf("%w: no order is known for collation %q", value.ErrNoOrder, name)}
	}
	return nil
}

// compare compares two cells of the key.
func (k *key) compare(a, b []byte) int {
	var r int
	switch {
	case k.collation < 0:
		r = k.cmp(a, b)
	case a == nil || b == nil:
		switch {
		case a == nil && b != nil:
			r = -1
		case a != nil:
			r = 1
		}
	default:
		r = k.coll.Compare(a, b)
	}
	if k.desc {
		return -r
	}
	return r
}

func resolveAll(ks []key, r *row) error {
	for i := range ks {
		if err := ks[i].resolve(r); err != nil {
			return err
		}
	}
	return nil
}

func compareRows(ks []key, a, b *row) int {
	for i := range ks {
		k := &ks[i]
		if r := k.compare(a.cells[k.col], b.cells[k.col]); r != 0 {
			return r
		}
	}
	return 0
}

// saved keeps the key cells of one row.
type saved struct {
	keys  []key
	buf   []byte
	cells [][]byte // one a key
	any   bool
}

func newSaved(ks []key) *saved { return &saved{keys: ks, cells: make([][]byte, len(ks))} }

// set copies the keys of r.
func (s *saved) set(r *row) {
	n := 0
	for i := range s.keys {
		n += len(r.cells[s.keys[i].col])
	}
	if cap(s.buf) < n || s.buf == nil { // an empty value must not become nil, which is NULL
		s.buf = make([]byte, 0, 2*n)
	}
	s.buf = s.buf[:0]
	for i := range s.keys {
		c := r.cells[s.keys[i].col]
		if c == nil {
			s.cells[i] = nil
			continue
		}
		from := len(s.buf)
		s.buf = append(s.buf, c...)
		s.cells[i] = s.buf[from:len(s.buf):len(s.buf)]
	}
	s.any = true
}

// compare compares the kept keys with those of r, and says which key differs.
func (s *saved) compare(r *row) (result, at int) {
	for i := range s.keys {
		k := &s.keys[i]
		if c := k.compare(s.cells[i], r.cells[k.col]); c != 0 {
			return c, i
		}
	}
	return 0, 0
}

// compareRough is compareRough for the kept keys, and says which key differs.
func (s *saved) compareRough(r *row) (result, at int) {
	for i := range s.keys {
		k := &s.keys[i]
		if c, cut := k.compareRough(s.cells[i], r.cells[k.col]); c != 0 || cut {
			return c, i
		}
	}
	return 0, 0
}
