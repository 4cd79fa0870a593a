package partition

import (
	"slices"

	"github.com/orbweaver/orbweaver/internal/shard"
)

// Op is a comparison of a column with constants.
type Op uint8

// The comparisons.
const (
	In      Op = iota // equal to one of the values: =, IN (…)
	Less              // <
	AtMost            // <=
	Greater           // >
	AtLeast           // >=
	Between           // BETWEEN a AND b
	IsNull            // IS NULL, <=> NULL
	NotNull           // IS NOT NULL
)

// Term is a comparison of one of the scheme's columns with constants, under the column's own collation.
type Term struct {
	Column int
	Op     Op
	Values []shard.Value // of In any number, of Between two, of the others with a constant one
}

// maxWalk bounds how many combinations of values are tried, maxScan how many are compared with all partitions' bounds, times the partitions.
const (
	maxWalk = 1 << 16
	maxScan = 1 << 20
)

// Prune lists the places that can hold rows for which all terms are true, in ascending order: never too few, and all of them when the terms say
// nothing that is certain. Rows for which one of several such conditions is true are in the union of their places.
func (f *Func) Prune(terms []Term) []int {
	spans := make([]span, len(f.fields))
	for i := range terms {
		t := &terms[i]
		if t.Column < 0 || t.Column >= len(spans) || f.fields[t.Column].reader == nil {
			continue
		}
		f.narrow(&spans[t.Column], t)
	}
	for c := range spans {
		f.settle(c, &spans[c])
		if spans[c].none {
			return nil
		}
	}
	parts := f.pruned(&f.by, spans)
	if f.s.Sub.Method == None {
		return parts.list()
	}
	subs := f.pruned(&f.sub, spans)
	var out []int
	for _, p := range parts.list() {
		for _, s := range subs.list() {
			out = append(out, p*f.subs+s)
		}
	}
	return out
}

// set is a set of a level's partitions.
type set []bool

func (s set) list() (out []int) {
	for i, in := range s {
		if in {
			out = append(out, i)
		}
	}
	return out
}

func (s set) addAll() set {
	for i := range s {
		s[i] = true
	}
	return s
}

// span is what is known of a column's values.
type span struct {
	none           bool // there can be none
	listed         bool // one of in
	in             []shard.Stored
	lo, hi         *shard.Stored
	loOpen, hiOpen bool // the bound itself is out
	notNull        bool
}

// narrow takes a term into account, when its constants are certain.
func (f *Func) narrow(s *span, t *Term) {
	fl := f.fields[t.Column]
	switch t.Op {
	case IsNull:
		if !f.s.Columns[t.Column].Nullable {
			return // there are two things that IS NULL finds there: 0000-00-00, and with sql_auto_is_null the row inserted last
		}
		f.restrict(t.Column, s, []shard.Stored{{}})
		return
	case NotNull:
		s.notNull = true
		return
	case In:
		var in []shard.Stored
		for i := range t.Values {
			if t.Values[i].Kind == shard.Null {
				continue // equal to nothing
			}
			st, err := fl.reader.Compare(&t.Values[i])
			if err != nil {
				return
			}
			if fl.reader.Holds(&st) {
				in = append(in, st)
			}
		}
		f.restrict(t.Column, s, in)
		return
	}
	if slices.ContainsFunc(t.Values, func(v shard.Value) bool { return v.Kind == shard.Null }) {
		s.none = true
		return
	}
	switch {
	case t.Op == Between && len(t.Values) == 2:
		// Of different kinds, they may be compared with each other's type.
		if a, b := &t.Values[0], &t.Values[1]; a.Kind == b.Kind && a.Charset == b.Charset || isWhole(a) && isWhole(b) {
			f.bind(t.Column, s, a, false, false)
			f.bind(t.Column, s, b, true, false)
		}
	case t.Op != Between && len(t.Values) == 1:
		f.bind(t.Column, s, &t.Values[0], t.Op == Less || t.Op == AtMost, t.Op == Less || t.Op == Greater)
	}
}

// isWhole says whether a value is a whole number.
func isWhole(v *shard.Value) bool {
	_, ok := whole(v)
	return ok
}

// bind takes an upper or lower bound into account, when it is certain.
func (f *Func) bind(col int, s *span, v *shard.Value, upper, open bool) {
	fl := f.fields[col]
	// A string column is ordered by its collation only among strings, and an ENUM or SET not by what numbers it has.
	if fl.typ == "enum" || fl.typ == "set" || fl.coll != nil && v.Kind != shard.String {
		return
	}
	st, err := fl.reader.Compare(v)
	if err != nil {
		return
	}
	s.notNull = true
	at, sign := &s.lo, 1
	if upper {
		at, sign = &s.hi, -1
	}
	if *at != nil {
		if c, err := f.compareStored(col, &st, *at); err != nil || sign*c < 0 || c == 0 && !open {
			return
		}
	}
	*at = &st
	if upper {
		s.hiOpen = open
	} else {
		s.loOpen = open
	}
}

// restrict takes it into account that the value is one of in.
func (f *Func) restrict(col int, s *span, in []shard.Stored) {
	if !s.listed {
		s.listed, s.in = true, in
		return
	}
	if also := f.keys(col, in); also != nil {
		s.in = slices.DeleteFunc(s.in, func(v shard.Stored) bool {
			k, ok := f.key(col, &v)
			return ok && !also[k]
		})
	}
}

// settle drops listed values that the bounds exclude, and sees contradictions.
func (f *Func) settle(col int, s *span) {
	if s.listed {
		s.in = slices.DeleteFunc(s.in, func(v shard.Stored) bool { return !f.within(col, s, &v) })
		s.none = s.none || len(s.in) == 0
		return
	}
	if s.lo != nil && s.hi != nil {
		c, err := f.compareStored(col, s.lo, s.hi)
		s.none = s.none || err == nil && (c > 0 || c == 0 && (s.loOpen || s.hiOpen))
		if err == nil && c == 0 {
			s.listed, s.in = true, []shard.Stored{*s.lo}
		}
	}
}

// within says whether the bounds let a value in, or it is not certain that they do not.
func (f *Func) within(col int, s *span, v *shard.Stored) bool {
	if v.Kind == shard.StoredNull {
		return !s.notNull
	}
	if s.lo != nil {
		if c, err := f.compareStored(col, v, s.lo); err == nil && (c < 0 || c == 0 && s.loOpen) {
			return false
		}
	}
	if s.hi != nil {
		if c, err := f.compareStored(col, v, s.hi); err == nil && (c > 0 || c == 0 && s.hiOpen) {
			return false
		}
	}
	return true
}

// pruned are the partitions of a level that the columns' spans leave.
func (f *Func) pruned(l *level, spans []span) set {
	out := make(set, l.n)
	switch l.Method {
	case RangeColumns:
		if f.pruneRanges(out, l, spans, make([]shard.Stored, 0, len(l.Columns)), f.expandable(l, spans)) != nil {
			return out.addAll()
		}
		return out
	case ListColumns:
		if f.walk(out, l, spans) == nil {
			return out
		}
		clear(out)
		return f.pruneLists(out, l, spans)
	}
	if f.walk(out, l, spans) == nil {
		return out
	}
	clear(out)
	if lo, hi, ok := f.interval(l, spans); ok {
		return l.pruneInterval(out, lo, hi)
	}
	return out.addAll()
}

// expandable is how many of the first columns of RANGE COLUMNS are listed with not too many combinations.
func (f *Func) expandable(l *level, spans []span) int {
	n := 1
	for i, c := range l.Columns {
		if !spans[c].listed {
			return i
		}
		n *= len(spans[c].in)
		if i+1 == len(l.Columns) && n > maxWalk || i+1 < len(l.Columns) && n > maxScan/l.n {
			return i
		}
	}
	return len(l.Columns)
}

// walk tries all combinations of values that the level's columns may have; an error says that they are not known, or too many.
func (f *Func) walk(out set, l *level, spans []span) error {
	n := 1
	for _, c := range l.Columns {
		if !spans[c].listed {
			if lo, hi, ok := f.interval(l, spans); ok && l.Expr == "" && (l.Method == Key || l.Method == Hash) && hi.minus(lo) < uint64(max(l.n, fewValues)) {
				return f.walkInterval(out, l, lo, hi)
			}
			return ErrInexact
		}
		if n *= len(spans[c].in); n > maxWalk {
			return ErrInexact
		}
	}
	vals := make([]shard.Stored, len(f.fields))
	var try func(i int) error
	try = func(i int) error {
		if i < len(l.Columns) {
			c := l.Columns[i]
			for _, v := range spans[c].in {
				vals[c] = v
				if err := try(i + 1); err != nil {
					return err
				}
			}
			return nil
		}
		p, err := f.choose(l, vals)
		switch err {
		case nil:
			out[p] = true
		case ErrNoPartition:
			err = nil // there are no such rows
		}
		return err
	}
	return try(0)
}

// fewValues is how many whole numbers are tried one by one where there are fewer partitions.
const fewValues = 32

// walkInterval tries the whole numbers of the level's only column.
func (f *Func) walkInterval(out set, l *level, lo, hi integer) error {
	vals := make([]shard.Stored, len(f.fields))
	for n := lo; n.compare(hi) <= 0; n = n.next() {
		vals[l.Columns[0]] = shard.Stored{Kind: shard.StoredInt, Neg: n.neg, U: n.v}
		p, err := f.choose(l, vals)
		if err != nil {
			return err
		}
		out[p] = true
		if n == hi {
			break // the greatest number has no next one
		}
	}
	return nil
}
