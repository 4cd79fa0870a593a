package value

import (
	"errors"
	"math"
	"testing"

	"github.com/orbweaver/orbweaver/internal/collate"
	"github.com/orbweaver/orbweaver/internal/wire"
)

func TestSumsBeyondInt64(t *testing.T) {
	out := Column{Class: Decimal}
	for _, c := range []struct {
		col  Column
		in   []string
		want string
	}{
		{Column{Class: Int}, []string{"9223372036854775807", "1"}, "9223372036854775808"},
		{Column{Class: Int}, []string{"-9223372036854775808", "-1", "18446744073709551615"}, "9223372036854775806"},
		{Column{Class: Int, Unsigned: true}, []string{"18446744073709551615", "18446744073709551615"}, "36893488147419103230"},
		{Column{Class: Decimal}, []string{"99999999999999999999999999999999999", "1"}, "100000000000000000000000000000000000"},
	} {
		s := Sum{Column: c.col}
		for range 2 { // a sum is used again
			s.Reset()
			for _, v := range c.in {
				if err := s.Add([]byte(v)); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := s.Append(nil, &out); err != nil || string(got) != c.want {
				t.Errorf("%v: %s, %v", c.in, got, err)
			}
		}
	}
	big := Sum{Column: Column{Class: Decimal}}
	nines := make([]byte, 65)
	for i := range nines {
		nines[i] = '9'
	}
	for range 2 {
		if err := big.Add(nines); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := big.Append(nil, &out); !errors.Is(err, ErrOverflow) {
		t.Errorf("a DECIMAL of 66 digits: %v", err)
	}
	double := Sum{Column: Column{Class: Double, Format: Binary}}
	for range 2 {
		if err := double.Add([]byte("\xff\xff\xff\xff\xff\xff\xef\x7f")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := double.Append(nil, &Column{Class: Double}); !errors.Is(err, ErrOverflow) {
		t.Errorf("an infinite DOUBLE: %v", err)
	}
}

func TestAveragesRoundHalfAwayFromZero(t *testing.T) {
	for _, c := range []struct {
		sum, count string
		decimals   uint8
		want       string
	}{
		{"1", "8", 4, "0.1250"}, {"1", "16", 4, "0.0625"}, {"1", "32", 4, "0.0313"}, {"-1", "32", 4, "-0.0313"}, {"2", "3", 4, "0.6667"}, {"-2", "3", 4, "-0.6667"},
		{"0", "3", 4, "0.0000"}, {"-1", "30000", 4, "0.0000"}, {"-1", "20000", 4, "-0.0001"}, {"5", "2", 0, "2"}, {"199.70", "3", 9, "66.566666666"}, {"-2", "3", 9, "-0.666666666"}, {"2", "3", 10, "0.6666666667"}, {"10.005", "1", 2, "10.01"},
		{"99999999999999999999999999999999999", "7", 4, "14285714285714285714285714285714285.5714"},
	} {
		sum, count := Sum{Column: Column{Class: Decimal}}, Sum{Column: Column{Class: Int}}
		if err := errors.Join(sum.Add([]byte(c.sum)), count.Add([]byte(c.count))); err != nil {
			t.Fatal(err)
		}
		got, null, err := AppendAverage(nil, &sum, &count, &Column{Class: Decimal, Decimals: c.decimals})
		if err != nil || null || string(got) != c.want {
			t.Errorf("%s/%s: %s, %v, not %s", c.sum, c.count, got, err, c.want)
		}
	}
	none, zero := Sum{Column: Column{Class: Decimal}}, Sum{Column: Column{Class: Int}}
	if _, null, err := AppendAverage(nil, &none, &zero, &Column{Class: Decimal}); !null || err != nil {
		t.Errorf("the average of nothing: %v", err)
	}
}

// TestLiteralsHoldNoSQL: a leaf that sends junk can't make the node send a statement of its choice.
func TestLiteralsHoldNoSQL(t *testing.T) {
	junk := []byte("1'; DROP TABLE t; -- ")
	for _, class := range []Class{Int, Decimal, Double, Float, Date, DateTime, Time} {
		if l, err := Literal(nil, &Column{Class: class}, junk); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %s, %v", class, l, err)
		}
	}
	for _, c := range []Column{{Class: Bytes}, {Class: String, Collation: collate.Lookup("latin1_swedish_ci")}, {Class: Enum, Collation: collate.Lookup("utf8mb4_bin")}} {
		l, err := Literal(nil, &c, junk)
		if err != nil || len(l) < 2*len(junk) {
			t.Errorf("%s: %s, %v", c.Class, l, err)
		}
	}
	if _, err := Literal(nil, &Column{Class: String}, junk); !errors.Is(err, ErrMalformed) {
		t.Errorf("a string without a character set: %v", err)
	}
	if l, err := Literal(nil, &Column{Class: Int}, nil); err != nil || string(l) != "NULL" {
		t.Errorf("NULL: %s, %v", l, err)
	}
}

func TestIsDecimal(t *testing.T) {
	for _, text := range []string{"0", "-1", "+1.50", ".5", "5.", "-0.000", "12345678901234567890123456789012345.6789", "1e5", "1.5E-10"} {
		if !IsDecimal([]byte(text)) {
			t.Errorf("%q is none", text)
		}
	}
	for _, text := range []string{"", "-", ".", "-.", "e", "e5", "1e", "1e+", "1--", "--1", "1-1", "1.2.3", "1e5e5", "1 ", " 1", "0x10", "1) OR (1", "NULL", "1;", "1\x00", "١"} {
		if IsDecimal([]byte(text)) {
			t.Errorf("%q is one", text)
		}
	}
}

func TestOrderIsRefused(t *testing.T) {
	for _, d := range []wire.Column{
		{Type: wire.TypeString, Flags: wire.FlagEnum, Collation: 45}, {Type: wire.TypeString, Flags: wire.FlagSet, Collation: 45}, {Type: wire.TypeVarString, Collation: 45},
		{Type: wire.TypeGeometry, Collation: 63}, {Type: wire.TypeString, Collation: 8, Extended: []byte("\x00\x04uuid")}, {Type: wire.TypeFloat, Collation: 63},
	} {
		c := Of(&d, Text)
		if _, err := c.Order(); !errors.Is(err, ErrNoOrder) {
			t.Errorf("%s: %v", c.Class, err)
		}
	}
}

func TestComparingDoesNotAllocate(t *testing.T) {
	for _, c := range []struct {
		col  Column
		a, b string
	}{
		{Column{Class: Int}, "-12", "7"}, {Column{Class: Decimal}, "1.50", "1.5"}, {Column{Class: Double}, "1e10", "2.5"}, {Column{Class: Time}, "-10:00:00", "100:00:00"},
		{Column{Class: Bytes}, "a", "b"}, {Column{Class: DateTime, Format: Binary}, "\xea\x07\x01\x02", "\xea\x07\x01\x02\x01\x02\x03"},
	} {
		f, err := c.col.Order()
		if err != nil {
			t.Fatal(err)
		}
		a, b := []byte(c.a), []byte(c.b)
		if f(a, b) != -f(b, a) || f(a, a) != 0 || f(nil, a) >= 0 || f(a, nil) <= 0 || f(nil, nil) != 0 {
			t.Errorf("%s: no order", c.col.Class)
		}
		if n := testing.AllocsPerRun(100, func() { f(a, b) }); n != 0 {
			t.Errorf("%s: %v allocations", c.col.Class, n)
		}
	}
}

func TestDoublesThatAreNone(t *testing.T) {
	for _, f := range []float64{math.Inf(1), math.NaN()} {
		if got := AppendDouble(nil, f, 31); string(got) != "0" {
			t.Errorf("%v printed as %s", f, got)
		}
	}
}
