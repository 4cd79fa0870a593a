package partition

import (
	"bytes"
	"slices"

	"github.com/orbweaver/orbweaver/internal/shard"
)

// Op is a comparison of a column with constants.
type Op uint8

// The comparisons. BETWEEN is AtLeast and AtMost.
const (
	In      Op = iota // equal to one of the values: =, IN (…)
	Less              // <
	AtMost            // <=
	Greater           // >
	AtLeast           // >=
	IsNull            // IS NULL, <=> NULL
	NotNull           // IS NOT NULL
)

// Term is a comparison of one of the scheme's columns with constants, under the column's own collation.
type Term struct {
	Column int
	Op     Op
	Values []shard.Value // of In any number, of the others with a constant one
}

// maxWalk bounds how many combinations of values are tried.
const maxWalk = 4096

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
		if _, err := fl.reader.Compare(&shard.Value{}); err != nil {
			return // of a NOT NULL date 0000-00-00
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
	if len(t.Values) != 1 {
		return
	}
	v := &t.Values[0]
	if v.Kind == shard.Null {
		s.none = true
		return
	}
	// A string column is ordered by its collation only among strings, and an ENUM or SET not by what numbers it has.
	if fl.typ == "enum" || fl.typ == "set" || fl.coll != nil && v.Kind != shard.String {
		return
	}
	st, err := fl.reader.Compare(v)
	if err != nil {
		return
	}
	s.notNull = true
	open := t.Op == Less || t.Op == Greater
	if t.Op == Less || t.Op == AtMost {
		if s.hi != nil {
			if c, err := f.compareStored(t.Column, &st, s.hi); err != nil || c > 0 || c == 0 && !open {
				return
			}
		}
		s.hi, s.hiOpen = &st, open
		return
	}
	if s.lo != nil {
		if c, err := f.compareStored(t.Column, &st, s.lo); err != nil || c < 0 || c == 0 && !open {
			return
		}
	}
	s.lo, s.loOpen = &st, open
}

// restrict takes it into account that the value is one of in.
func (f *Func) restrict(col int, s *span, in []shard.Stored) {
	if !s.listed {
		s.listed, s.in = true, in
		return
	}
	s.in = slices.DeleteFunc(s.in, func(a shard.Stored) bool {
		return !slices.ContainsFunc(in, func(b shard.Stored) bool { return f.maybeEqual(col, &a, &b) })
	})
}

// maybeEqual says whether two values of a column are equal, or can't be told apart here.
func (f *Func) maybeEqual(col int, a, b *shard.Stored) bool {
	if a.Kind == shard.StoredNull || b.Kind == shard.StoredNull {
		return a.Kind == b.Kind
	}
	fl := f.fields[col]
	if fl.coll != nil && !fl.coll.Sound() {
		return true
	}
	x, err1 := fl.reader.Append(nil, a, f.w)
	y, err2 := fl.reader.Append(nil, b, f.w)
	return err1 != nil || err2 != nil || bytes.Equal(x, y)
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
		if f.pruneRanges(out, l, spans, nil) != nil {
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
	}
	return nil
}
