package partition

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sort"

	"github.com/orbweaver/orbweaver/internal/collate"
	"github.com/orbweaver/orbweaver/internal/shard"
)

// ranges are VALUES LESS THAN of all partitions, in order.
type ranges struct {
	less []limit   // RANGE
	cols [][]bound // RANGE COLUMNS
}

// limit is a bound of RANGE.
type limit struct {
	max bool
	integer
}

// integer is between -2^63 and 2^64-1.
type integer struct {
	neg bool
	v   uint64
}

func (a integer) compare(b integer) int {
	switch {
	case a.neg != b.neg && a.neg:
		return -1
	case a.neg != b.neg:
		return 1
	case a.neg:
		return cmp.Compare(b.v, a.v)
	}
	return cmp.Compare(a.v, b.v)
}

// bound is a bound of a column.
type bound struct {
	max     bool
	unknown bool // a text that can't be converted to the column's character set here
	st      shard.Stored
	weights []byte // of a text, when the tables know them
	known   bool
}

// lists are VALUES IN of all partitions.
type lists struct {
	ints    map[integer]int
	null    int // the partition of LIST's NULL, -1 when there is none
	other   int // the DEFAULT partition, -1 when there is none
	keys    map[string]int
	pending []pendingKey
	values  [][][]shard.Stored // of LIST COLUMNS, by partition
	unsure  []int              // partitions that have other values, too
}

// pendingKey is a value of LIST COLUMNS whose weights only a leaf knows.
type pendingKey struct {
	vals []shard.Stored
	part int
}

// whole reads a number in RANGE or LIST.
func whole(v *shard.Value) (integer, bool) {
	switch v.Kind {
	case shard.Int:
		if v.I < 0 {
			return integer{true, -uint64(v.I)}, true
		}
		return integer{false, uint64(v.I)}, true
	case shard.Uint:
		return integer{false, v.U}, true
	case shard.Number:
		n, ok := parseWhole(v.B)
		n.neg = n.neg != v.Neg && n.v != 0
		return n, ok
	}
	return integer{}, false
}

// parseWhole reads -?[0-9]+ up to 64 bits.
func parseWhole(b []byte) (n integer, ok bool) {
	if len(b) > 0 && b[0] == '-' {
		n.neg, b = true, b[1:]
	}
	for _, d := range b {
		d -= '0'
		if d > 9 || n.v > (1<<64-1-uint64(d))/10 {
			return n, false
		}
		n.v = n.v*10 + uint64(d)
	}
	return n, len(b) > 0 && (!n.neg || n.v <= 1<<63)
}

func storedInteger(st *shard.Stored) (integer, error) {
	if st.Kind != shard.StoredInt {
		return integer{}, ErrInexact
	}
	return integer{st.Neg, st.U}, nil
}

var errBounds = errors.New("partition: bounds that do not fit the method")

// stored brings bounds to what the columns would hold.
func (l *level) stored(f *Func, p *Partition, bs []Bound) ([]bound, error) {
	if len(bs) != len(l.Columns) {
		return nil, fmt.Errorf("%w: %d values for %d columns in %s", errBounds, len(bs), len(l.Columns), p.Name)
	}
	out := make([]bound, len(bs))
	for i := range bs {
		b := &out[i]
		if b.max = bs[i].Max; b.max || bs[i].Value.Kind == shard.Null {
			continue
		}
		fl := f.fields[l.Columns[i]]
		if fl.reader == nil {
			return nil, fmt.Errorf("%w: a column of type %s", errBounds, fl.typ)
		}
		var err error
		if fl.typ == "binary" { // BINARY has its zeros
			b.st, err = fl.reader.Store(&bs[i].Value, nil)
		} else {
			b.st, err = fl.reader.Compare(&bs[i].Value)
		}
		switch {
		case err != nil && fl.coll != nil:
			b.unknown = true
			continue
		case err != nil:
			return nil, fmt.Errorf("partition: a bound of %s: %w", p.Name, err)
		}
		if b.st.Kind == shard.StoredText {
			if b.weights, err = fl.order.weights(nil, b.st.B, nil); err == nil {
				b.known = true
			}
		}
	}
	return out, nil
}

func (l *level) newRanges(f *Func) error {
	for i := range f.s.Partitions {
		p := &f.s.Partitions[i]
		if l.Method == RangeColumns {
			bs, err := l.stored(f, p, p.Less)
			if err != nil {
				return err
			}
			l.ranges.cols = append(l.ranges.cols, bs)
			continue
		}
		if len(p.Less) != 1 {
			return fmt.Errorf("%w: %d values in %s", errBounds, len(p.Less), p.Name)
		}
		n, ok := whole(&p.Less[0].Value)
		if !ok && !p.Less[0].Max {
			return fmt.Errorf("%w: no number in %s", errBounds, p.Name)
		}
		l.ranges.less = append(l.ranges.less, limit{p.Less[0].Max, n})
	}
	return nil
}

// rangeOf is the partition for a value of RANGE: the first one whose bound is above it; NULL is below all.
func (l *level) rangeOf(v *shard.Stored) (int, error) {
	if v.Kind == shard.StoredNull {
		return 0, nil
	}
	n, err := storedInteger(v)
	if err != nil {
		return 0, err
	}
	p := sort.Search(len(l.ranges.less), func(i int) bool {
		return l.ranges.less[i].max || n.compare(l.ranges.less[i].integer) < 0
	})
	return l.found(p)
}

func (l *level) found(p int) (int, error) {
	if p >= l.n {
		return 0, ErrNoPartition
	}
	return p, nil
}

// row is the values of some columns, with the weights of texts once they were needed.
type row struct {
	f       *Func
	cols    []int
	vals    []shard.Stored
	weights [][]byte
}

func (f *Func) row(l *level, vals []shard.Stored) *row {
	return &row{f: f, cols: l.Columns, vals: vals, weights: make([][]byte, len(l.Columns))}
}

// compare orders the value of the i-th column and a bound.
func (r *row) compare(i int, b *bound) (int, error) {
	fl := r.f.fields[r.cols[i]]
	v := &r.vals[r.cols[i]]
	switch {
	case b.max:
		return -1, nil
	case b.unknown:
		return 0, ErrAskLeaf
	case v.Kind == shard.StoredNull || b.st.Kind == shard.StoredNull:
		return cmp.Compare(v.Kind, b.st.Kind), nil // NULL is the least of the kinds
	case v.Kind != b.st.Kind:
		return 0, ErrInexact
	}
	switch v.Kind {
	case shard.StoredInt:
		return integer{v.Neg, v.U}.compare(integer{b.st.Neg, b.st.U}), nil
	case shard.StoredDate: // its highest bit is one of the year's
		return cmp.Compare(uint64(v.I), uint64(b.st.I)), nil
	case shard.StoredTime:
		return cmp.Compare(v.I, b.st.I), nil
	case shard.StoredBytes:
		return compareBytes(v, &b.st), nil
	case shard.StoredInet4, shard.StoredInet6:
		return bytes.Compare(v.Address[:], b.st.Address[:]), nil
	case shard.StoredUUID: // the order depends on the version of the server
		return 0, ErrAskLeaf
	case shard.StoredText:
		if fl.coll == nil || !fl.coll.Sound() {
			return 0, ErrAskLeaf
		}
		var err error
		if r.weights[i] == nil {
			if r.weights[i], err = fl.order.weights([]byte{}, v.B, r.f.w); err != nil {
				return 0, err
			}
		}
		w := b.weights
		if !b.known {
			if w, err = fl.order.weights(nil, b.st.B, r.f.w); err != nil {
				return 0, err
			}
		}
		return fl.coll.Compare(r.weights[i], w), nil
	}
	return 0, ErrInexact
}

// compareBytes orders byte strings as they are stored, with their zeros.
func compareBytes(a, b *shard.Stored) int {
	x := append(slices.Clip(a.B), make([]byte, a.Pad)...)
	y := append(slices.Clip(b.B), make([]byte, b.Pad)...)
	return bytes.Compare(x, y)
}

// below says whether the row is below the bounds, the first column that differs deciding.
func (r *row) below(bs []bound) (bool, error) {
	for i := range bs {
		c, err := r.compare(i, &bs[i])
		if err != nil || c != 0 {
			return c < 0, err
		}
	}
	return false, nil
}

func (f *Func) rangeOfColumns(l *level, vals []shard.Stored) (int, error) {
	r := f.row(l, vals)
	var err error
	p := sort.Search(l.n, func(i int) bool {
		if err != nil {
			return true
		}
		var below bool
		below, err = r.below(l.ranges.cols[i])
		return below
	})
	if err != nil {
		return 0, err
	}
	return l.found(p)
}

func (l *level) newLists(f *Func) error {
	ls := &l.lists
	ls.null, ls.other = -1, -1
	ls.ints, ls.keys, ls.values = map[integer]int{}, map[string]int{}, make([][][]shard.Stored, l.n)
	for i := range f.s.Partitions {
		p := &f.s.Partitions[i]
		if p.Default {
			ls.other = i
		}
		for _, in := range p.In {
			if l.Method == List {
				if len(in) != 1 || in[0].Max {
					return fmt.Errorf("%w: in %s", errBounds, p.Name)
				}
				n, ok := whole(&in[0].Value)
				switch {
				case in[0].Value.Kind == shard.Null:
					ls.null = i
				case !ok:
					return fmt.Errorf("%w: no number in %s", errBounds, p.Name)
				default:
					ls.ints[n] = i
				}
				continue
			}
			bs, err := l.stored(f, p, in)
			if err != nil {
				return err
			}
			vals := make([]shard.Stored, len(bs))
			for c := range bs {
				if bs[c].max {
					return fmt.Errorf("%w: MAXVALUE in %s", errBounds, p.Name)
				}
				vals[c] = bs[c].st
			}
			if slices.ContainsFunc(bs, func(b bound) bool { return b.unknown }) {
				ls.unsure = append(ls.unsure, i)
				continue
			}
			ls.values[i] = append(ls.values[i], vals)
			key, err := f.listKey(nil, l, func(c int) *shard.Stored { return &vals[c] })
			switch {
			case errors.Is(err, ErrAskLeaf):
				ls.pending = append(ls.pending, pendingKey{vals, i})
			case err != nil:
				return err
			default:
				ls.keys[string(key)] = i
			}
		}
	}
	return nil
}

// listOf is the partition for a value of LIST.
func (l *level) listOf(v *shard.Stored) (int, error) {
	p := l.lists.null
	if v.Kind != shard.StoredNull {
		n, err := storedInteger(v)
		if err != nil {
			return 0, err
		}
		var ok bool
		if p, ok = l.lists.ints[n]; !ok {
			p = -1
		}
	}
	return l.listed(p)
}

// listed is a partition that was found, or the DEFAULT one.
func (l *level) listed(p int) (int, error) {
	if p < 0 {
		p = l.lists.other
	}
	if p < 0 {
		return 0, ErrNoPartition
	}
	return p, nil
}

// listKey appends what is equal for equal values of a level's columns.
func (f *Func) listKey(dst []byte, l *level, val func(i int) *shard.Stored) ([]byte, error) {
	var err error
	for i, c := range l.Columns {
		fl := f.fields[c]
		st := val(i)
		if st.Kind == shard.StoredText && (fl.coll == nil || fl.coll != collate.Binary && !fl.coll.Sound()) {
			return dst, ErrAskLeaf
		}
		if dst, err = fl.reader.Append(dst, st, f.w); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func (f *Func) listOfColumns(l *level, vals []shard.Stored) (int, error) {
	var buf [textBuffer]byte
	key, err := f.listKey(buf[:0], l, func(i int) *shard.Stored { return &vals[l.Columns[i]] })
	if err != nil {
		return 0, err
	}
	if p, ok := l.lists.keys[string(key)]; ok {
		return p, nil
	}
	for i := range l.lists.pending {
		p := &l.lists.pending[i]
		k, err := f.listKey(nil, l, func(c int) *shard.Stored { return &p.vals[c] })
		if err != nil {
			return 0, err
		}
		if bytes.Equal(k, key) {
			return p.part, nil
		}
	}
	if len(l.lists.unsure) > 0 {
		return 0, ErrAskLeaf
	}
	return l.listed(-1)
}
