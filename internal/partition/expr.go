package partition

import (
	"math"
	"math/bits"

	"github.com/orbweaver/orbweaver/internal/shard"
	"github.com/orbweaver/orbweaver/internal/sqltext"
)

// evaluator gives the value of an expression for the values of the scheme's columns; ErrAskLeaf where that is not plain.
type evaluator func(vals []shard.Stored) (shard.Stored, error)

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
		return func(vals []shard.Stored) (shard.Stored, error) { return vals[i], nil }
	case *sqltext.Literal:
		if e.Kind != sqltext.LitNumber {
			return nil
		}
		n, ok := parseWhole(r.scan.Bytes(e.Tok))
		if !ok || n.v > math.MaxInt64 {
			return nil
		}
		v := shard.Stored{Kind: shard.StoredInt, U: n.v, Neg: e.Neg && n.v != 0}
		return func([]shard.Stored) (shard.Stored, error) { return v, nil }
	case *sqltext.Func:
		if e.Odd {
			return nil
		}
		if f := dateParts[e.Name]; f != nil && len(e.Args) == 1 {
			if arg := r.compile(e.Args[0]); arg != nil {
				return ofDate(arg, f)
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
	return func(vals []shard.Stored) (shard.Stored, error) {
		v, err := arg(vals)
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

// arithmetic is for whole numbers whose results are small; what overflows or depends on signs is the server's.
func (r *reader) arithmetic(op string, l, rt sqltext.Expr) evaluator {
	left, right := r.compile(l), r.compile(rt)
	if left == nil || right == nil {
		return nil
	}
	switch op {
	case "+", "-", "*", "%", "MOD", "DIV":
	default:
		return nil
	}
	return func(vals []shard.Stored) (shard.Stored, error) {
		a, err := left(vals)
		if err != nil {
			return a, err
		}
		b, err := right(vals)
		switch {
		case err != nil:
			return b, err
		case a.Kind == shard.StoredNull:
			return a, nil
		case b.Kind == shard.StoredNull:
			return b, nil
		case a.Kind != shard.StoredInt || b.Kind != shard.StoredInt || a.U > math.MaxInt64 || b.U > math.MaxInt64:
			return a, ErrAskLeaf
		}
		if op == "%" || op == "MOD" || op == "DIV" {
			if b.U == 0 || a.Neg || b.Neg {
				return a, ErrAskLeaf
			}
			if op == "DIV" {
				return shard.Stored{Kind: shard.StoredInt, U: a.U / b.U}, nil
			}
			return shard.Stored{Kind: shard.StoredInt, U: a.U % b.U}, nil
		}
		if op == "*" {
			hi, lo := bits.Mul64(a.U, b.U)
			if hi != 0 || lo > math.MaxInt64 || a.Neg || b.Neg {
				return a, ErrAskLeaf
			}
			return shard.Stored{Kind: shard.StoredInt, U: lo}, nil
		}
		x, y := signed(&a), signed(&b)
		if op == "-" {
			y = -y
		}
		sum := x + y
		if (sum > x) != (y > 0) || sum < 0 {
			return a, ErrAskLeaf // overflows, or differs between signed and unsigned columns
		}
		return shard.Stored{Kind: shard.StoredInt, U: uint64(sum)}, nil
	}
}

// signed is a number that fits.
func signed(st *shard.Stored) int64 {
	if st.Neg {
		return -int64(st.U)
	}
	return int64(st.U)
}
