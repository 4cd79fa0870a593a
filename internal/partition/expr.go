package partition

import (
	"math"
	"math/bits"

	"github.com/orbweaver/orbweaver/internal/shard"
	"github.com/orbweaver/orbweaver/internal/sqltext"
)

// evaluator gives the value of an expression for the values of the scheme's columns, times being those of a zone; ErrAskLeaf where that is not plain.
type evaluator func(z zone, vals []shard.Stored) (shard.Stored, error)

// compile makes an evaluator of the few expressions that are plain: parts of dates and whole numbers; nil for all others.
func (r *reader) compile(e sqltext.Expr) evaluator {
	switch e := e.(type) {
	case *sqltext.Paren:
		return r.compile(e.X)
	case *sqltext.Column:
		i, err := r.use(e.Name.Text)
		if err != nil {
			return nil
		}
		return func(_ zone, vals []shard.Stored) (shard.Stored, error) { return vals[i], nil }
	case *sqltext.Literal:
		if e.Kind != sqltext.LitNumber {
			return nil
		}
		n, ok := parseWhole(r.scan.Bytes(e.Tok))
		if !ok || n.v > math.MaxInt64 {
			return nil
		}
		v := shard.Stored{Kind: shard.StoredInt, U: n.v, Neg: e.Neg && n.v != 0}
		return func(zone, []shard.Stored) (shard.Stored, error) { return v, nil }
	case *sqltext.Func:
		if e.Odd {
			return nil
		}
		if f := dateParts[e.Name]; f != nil && len(e.Args) == 1 {
			if arg := r.compile(e.Args[0]); arg != nil {
				return ofDate(arg, f)
			}
		}
		if e.Name == "UNIX_TIMESTAMP" && len(e.Args) == 1 {
			return r.unixTime(e.Args[0])
		}
		if e.Name == "ABS" && len(e.Args) == 1 {
			if arg := r.compile(e.Args[0]); arg != nil {
				return absolute(arg)
			}
		}
		if e.Name == "MOD" && len(e.Args) == 2 {
			return r.arithmetic("%", e.Args[0], e.Args[1])
		}
	case *sqltext.Binary:
		return r.arithmetic(e.Op, e.L, e.R)
	}
	return nil
}

// dateParts are the functions of dates whose values are plain for days of the calendar.
var dateParts = map[string]func(year, month, day int64) int64{
	"YEAR":       func(y, _, _ int64) int64 { return y },
	"MONTH":      func(_, m, _ int64) int64 { return m },
	"DAY":        func(_, _, d int64) int64 { return d },
	"DAYOFMONTH": func(_, _, d int64) int64 { return d },
	"QUARTER":    func(_, m, _ int64) int64 { return (m + 2) / 3 },
	"TO_DAYS":    func(y, m, d int64) int64 { return days(y, m, d) - days(0, 1, 1) + 1 },
	"WEEKDAY":    func(y, m, d int64) int64 { return (days(y, m, d) - days(1970, 1, 5) + 7*1e6) % 7 },
	"DAYOFWEEK":  func(y, m, d int64) int64 { return (days(y, m, d)-days(1970, 1, 4)+7*1e6)%7 + 1 },
	"DAYOFYEAR":  func(y, m, d int64) int64 { return days(y, m, d) - days(y, 1, 1) + 1 },
}

func ofDate(arg evaluator, f func(year, month, day int64) int64) evaluator {
	return func(z zone, vals []shard.Stored) (shard.Stored, error) {
		v, err := arg(z, vals)
		if err != nil || v.Kind == shard.StoredNull {
			return v, err
		}
		year, month, day, _, _ := unpack(v.I)
		if v.Kind != shard.StoredDate || year == 0 || month == 0 || day == 0 || day > 28 && days(year, month, day) >= days(year, month+1, 1) {
			return v, ErrAskLeaf
		}
		return shard.Stored{Kind: shard.StoredInt, U: uint64(f(year, month, day))}, nil
	}
}

// unixTime is for TIMESTAMP columns without fractions, whatever the session's zone calls their values.
func (r *reader) unixTime(e sqltext.Expr) evaluator {
	c, ok := e.(*sqltext.Column)
	if !ok {
		return nil
	}
	i, err := r.use(c.Name.Text)
	if err != nil || r.s.Columns[i].Type != "timestamp" || r.s.Columns[i].Scale > 0 {
		return nil
	}
	return func(z zone, vals []shard.Stored) (shard.Stored, error) {
		v := vals[i]
		if v.Kind != shard.StoredDate {
			return v, nil
		}
		sec, err := z.seconds(v.I)
		return shard.Stored{Kind: shard.StoredInt, U: uint64(sec)}, err
	}
}

func absolute(arg evaluator) evaluator {
	return func(z zone, vals []shard.Stored) (shard.Stored, error) {
		v, err := arg(z, vals)
		if err == nil && v.Kind != shard.StoredNull && (v.Kind != shard.StoredInt || v.U > math.MaxInt64) {
			return v, ErrAskLeaf
		}
		v.Neg = false
		return v, err
	}
}

// arithmetic is for whole numbers of 64 bits. What overflows is the server's, and what is below zero where a column without sign is involved.
func (r *reader) arithmetic(op string, l, rt sqltext.Expr) evaluator {
	left, right := r.compile(l), r.compile(rt)
	calc := operations[op]
	if left == nil || right == nil || calc == nil {
		return nil
	}
	unsigned := r.unsigned(l) || r.unsigned(rt)
	return func(z zone, vals []shard.Stored) (shard.Stored, error) {
		a, err := left(z, vals)
		if err != nil {
			return a, err
		}
		b, err := right(z, vals)
		switch {
		case err != nil:
			return b, err
		case a.Kind == shard.StoredNull:
			return a, nil
		case b.Kind == shard.StoredNull:
			return b, nil
		case a.Kind != shard.StoredInt || b.Kind != shard.StoredInt || a.U > math.MaxInt64 || b.U > math.MaxInt64 || unsigned && (a.Neg || b.Neg):
			return a, ErrAskLeaf
		}
		n, ok := calc(signed(&a), signed(&b))
		if !ok || unsigned && n < 0 || n == math.MinInt64 {
			return a, ErrAskLeaf
		}
		return whole64(n), nil
	}
}

// unsigned says whether an expression has a column without sign.
func (r *reader) unsigned(e sqltext.Expr) bool {
	found := false
	sqltext.Walk(e, func(e sqltext.Expr) bool {
		if c, ok := e.(*sqltext.Column); ok {
			i, err := r.use(c.Name.Text)
			found = found || err != nil || r.s.Columns[i].Unsigned || r.s.Columns[i].Type == "bit" || r.s.Columns[i].Type == "year"
		}
		return true
	})
	return found
}

// operations are MariaDB's on whole numbers; false where they overflow or divide by zero.
var operations = map[string]func(a, b int64) (int64, bool){
	"+":   func(a, b int64) (int64, bool) { return a + b, (a+b > a) == (b > 0) },
	"-":   func(a, b int64) (int64, bool) { return a - b, (a-b < a) == (b > 0) },
	"*":   times,
	"DIV": func(a, b int64) (int64, bool) { return a / max(b, 1), b > 0 },
	"%":   func(a, b int64) (int64, bool) { return a % max(b, 1), b > 0 },
	"MOD": func(a, b int64) (int64, bool) { return a % max(b, 1), b > 0 },
}

func times(a, b int64) (int64, bool) {
	hi, lo := bits.Mul64(uint64(max(a, -a)), uint64(max(b, -b)))
	if hi != 0 || lo > math.MaxInt64 {
		return 0, false
	}
	return a * b, true
}

func whole64(n int64) shard.Stored {
	return shard.Stored{Kind: shard.StoredInt, U: uint64(max(n, -n)), Neg: n < 0}
}

// signed is a number that fits.
func signed(st *shard.Stored) int64 {
	if st.Neg {
		return -int64(st.U)
	}
	return int64(st.U)
}
