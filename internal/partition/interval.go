package partition

import (
	"math"
	"slices"

	"github.com/orbweaver/orbweaver/internal/shard"
)

// The lowest and the highest whole number that an expression may have.
var (
	lowest  = integer{true, 1 << 63}
	highest = integer{false, math.MaxUint64}
)

func (a integer) next() integer {
	switch {
	case a.neg && a.v == 1:
		return integer{}
	case a.neg:
		return integer{true, a.v - 1}
	}
	return integer{false, a.v + 1}
}

func (a integer) prev() integer {
	if a.neg || a.v == 0 {
		return integer{true, a.v + 1}
	}
	return integer{false, a.v - 1}
}

// minus is a - b for a not below b, at most the largest uint64.
func (a integer) minus(b integer) uint64 {
	switch {
	case a.neg:
		return b.v - a.v
	case b.neg && a.v > math.MaxUint64-b.v:
		return math.MaxUint64
	case b.neg:
		return a.v + b.v
	}
	return a.v - b.v
}

// interval is the whole numbers between which the value of a level's only column or expression is, NULL aside; false when that is not known. The
// interval may be empty.
func (f *Func) interval(l *level, spans []span) (lo, hi integer, ok bool) {
	if len(l.Columns) != 1 {
		return lo, hi, false
	}
	s := &spans[l.Columns[0]]
	if s.listed || s.lo == nil && s.hi == nil {
		return lo, hi, false
	}
	lo, hi = lowest, highest
	if l.Expr != "" {
		return f.monotone(l, s)
	}
	if s.lo != nil {
		if s.lo.Kind != shard.StoredInt {
			return lo, hi, false
		}
		if lo = (integer{s.lo.Neg, s.lo.U}); s.loOpen {
			if lo == highest {
				return lo, hi, false
			}
			lo = lo.next()
		}
	}
	if s.hi != nil {
		if s.hi.Kind != shard.StoredInt {
			return lo, hi, false
		}
		if hi = (integer{s.hi.Neg, s.hi.U}); s.hiOpen {
			if hi == lowest {
				return lo, hi, false
			}
			hi = hi.prev()
		}
	}
	return lo, hi, true
}

// lastSecond is 23:59:59 as shard.PackDateTime packs it.
const lastSecond = 23<<12 | 59<<6 | 59

// monotone is interval for functions that grow with their dates.
func (f *Func) monotone(l *level, s *span) (lo, hi integer, ok bool) {
	lo, hi = lowest, highest
	if l.grows == "" {
		return lo, hi, false
	}
	vals := make([]shard.Stored, len(f.fields))
	value := func(at *shard.Stored) (integer, bool) {
		vals[l.Columns[0]] = *at
		v, err := l.eval(f.zone, vals)
		return integer{v.Neg, v.U}, err == nil && v.Kind == shard.StoredInt
	}
	if s.lo != nil {
		if lo, ok = value(s.lo); !ok {
			return lo, hi, false
		}
		_, _, _, clock, _ := unpack(s.lo.I)
		fl := f.fields[l.Columns[0]]
		if s.loOpen && (l.grows == "UNIX_TIMESTAMP" || l.grows == "TO_DAYS" && (fl.typ == "date" || fl.scale == 0 && clock == lastSecond)) {
			lo = lo.next()
		}
	}
	if s.hi != nil {
		if hi, ok = value(s.hi); !ok {
			return lo, hi, false
		}
		_, month, day, clock, micro := unpack(s.hi.I)
		midnight := clock == 0 && micro == 0
		if s.hiOpen && (l.grows == "UNIX_TIMESTAMP" || midnight && (l.grows == "TO_DAYS" || month == 1 && day == 1)) {
			hi = hi.prev()
		}
	}
	return lo, hi, true
}

// pruneInterval adds the partitions of RANGE and LIST for values between lo and hi.
func (l *level) pruneInterval(out set, lo, hi integer) set {
	switch l.Method {
	case Range:
		for i := range out {
			above := i == 0 || !l.ranges.less[i-1].max && l.ranges.less[i-1].compare(hi) <= 0 // the partition's lowest value is not above hi
			out[i] = above && (l.ranges.less[i].max || l.ranges.less[i].compare(lo) > 0)
		}
	case List:
		for n, p := range l.lists.ints {
			if n.compare(lo) >= 0 && n.compare(hi) <= 0 {
				out[p] = true
			}
		}
		if l.lists.other >= 0 {
			out[l.lists.other] = true
		}
	default:
		return out.addAll()
	}
	// Of days that are none, as the 0th of a month, TO_DAYS is NULL.
	if l.grows == "TO_DAYS" {
		if l.Method == Range {
			out[0] = true
		} else if l.lists.null >= 0 {
			out[l.lists.null] = true
		}
	}
	return out
}

// compareStored orders two values of a column.
func (f *Func) compareStored(col int, a, b *shard.Stored) (int, error) {
	vals := make([]shard.Stored, len(f.fields))
	vals[col] = *a
	r := row{f: f, cols: []int{col}, vals: vals, weights: make([][]byte, 1)}
	return r.compare(0, &bound{st: *b})
}

// pruneRanges adds the partitions of RANGE COLUMNS for rows whose first columns are known: the columns up to expand are listed, and tried one by one, the
// others are between bounds, or anything.
func (f *Func) pruneRanges(out set, l *level, spans []span, known []shard.Stored, expand int) error {
	if len(known) < expand {
		for _, v := range spans[l.Columns[len(known)]].in {
			if err := f.pruneRanges(out, l, spans, append(known, v), expand); err != nil {
				return err
			}
		}
		return nil
	}
	if expand == len(l.Columns) {
		vals := make([]shard.Stored, len(f.fields))
		for i, c := range l.Columns {
			vals[c] = known[i]
		}
		p, err := f.rangeOfColumns(l, vals)
		if err == nil {
			out[p] = true
		} else if err == ErrNoPartition {
			err = nil
		}
		return err
	}
	e := &edge{known: known, r: f.row(l, make([]shard.Stored, len(f.fields)))}
	for _, c := range l.Columns[len(known):] {
		e.spans = append(e.spans, &spans[c])
	}
	for i := range out {
		first, err := e.below(l.ranges.cols[i], false)
		if err != nil {
			return err
		}
		if !first {
			continue // even the least of the rows is not below the partition's bounds
		}
		out[i] = true
		last, err := e.below(l.ranges.cols[i], true)
		if err != nil {
			return err
		}
		if last {
			break // all rows are below them
		}
	}
	return nil
}

// edge is the least or the greatest of rows of which the first columns are known and the others have spans.
type edge struct {
	known []shard.Stored
	spans []*span
	r     *row
}

// below says whether the least row, or the greatest one, is below bounds.
func (e *edge) below(bs []bound, greatest bool) (bool, error) {
	for i := range e.known {
		if c, err := e.compare(i, &e.known[i], &bs[i]); err != nil || c != 0 {
			return c < 0, err
		}
	}
	for j, s := range e.spans {
		i := len(e.known) + j
		at, open := s.lo, s.loOpen
		if greatest {
			at, open = s.hi, s.hiOpen
		}
		if at == nil { // anything up to the end
			return !greatest || bs[i].max, nil
		}
		c, err := e.compare(i, at, &bs[i])
		switch {
		case err != nil || c != 0:
			return c < 0, err
		case open:
			return greatest, nil
		}
	}
	return false, nil
}

func (e *edge) compare(i int, v *shard.Stored, b *bound) (int, error) {
	e.r.vals[e.r.cols[i]] = *v
	e.r.weights[i] = nil
	return e.r.compare(i, b)
}

// pruneLists adds the partitions of LIST COLUMNS that have a value which the spans let in.
func (f *Func) pruneLists(out set, l *level, spans []span) set {
	listed := make([]map[string]bool, len(l.Columns))
	for c, col := range l.Columns {
		if spans[col].listed {
			listed[c] = f.keys(col, spans[col].in)
		}
	}
	for i, rows := range l.lists.values {
		out[i] = slices.ContainsFunc(rows, func(vals []shard.Stored) bool {
			for c, col := range l.Columns {
				if listed[c] != nil {
					if key, ok := f.key(col, &vals[c]); ok && !listed[c][key] {
						return false
					}
				} else if !f.within(col, &spans[col], &vals[c]) {
					return false
				}
			}
			return true
		})
	}
	for _, i := range l.lists.unsure {
		out[i] = true
	}
	if l.lists.other >= 0 {
		out[l.lists.other] = true
	}
	return out
}

// key is what is equal for equal values of a column; false when that is not known here.
func (f *Func) key(col int, v *shard.Stored) (string, bool) {
	fl := f.fields[col]
	if v.Kind == shard.StoredText && fl.coll != nil && !fl.coll.Sound() {
		return "", false
	}
	b, err := fl.reader.Append(nil, v, f.w)
	return string(b), err == nil
}

// keys are those of several values; nil when one is not known.
func (f *Func) keys(col int, vals []shard.Stored) map[string]bool {
	out := make(map[string]bool, len(vals))
	for i := range vals {
		k, ok := f.key(col, &vals[i])
		if !ok {
			return nil
		}
		out[k] = true
	}
	return out
}
