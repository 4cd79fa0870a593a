package wire

import (
	"errors"
	"reflect"
	"testing"
)

func TestBulk(t *testing.T) {
	types := []ParamType{{Type: TypeLong}, {Type: TypeVarString}, {Type: TypeDouble}}
	row := func(n uint64, s string, f float64) []Param {
		return []Param{{ParamType: types[0], Int: n}, {ParamType: types[1], Bytes: []byte(s)}, {ParamType: types[2], Float: f}}
	}
	rows := [][]Param{row(1, "a", 1.5), row(2, "", -0.25), row(3, "long enough to have bytes of its own", 0)}
	indicators := [][]Indicator{{0, 0, 0}, {IndicatorNone, IndicatorNull, IndicatorDefault}, {IndicatorIgnore, 0, 0}}
	packet := AppendBulk(nil, 7, rows, indicators)
	params, got := make([]Param, 3), make([]Indicator, 3)
	b, err := ParseBulk(packet, params)
	if err != nil || b.StmtID != 7 {
		t.Fatal(b, err)
	}
	for i := range rows {
		more, err := b.Next(params, got)
		if err != nil || !more {
			t.Fatal(i, more, err)
		}
		for j, p := range params {
			want := rows[i][j]
			if indicators[i][j] != IndicatorNone {
				want = Param{ParamType: types[j], Null: true}
			}
			if got[j] != indicators[i][j] || p.ParamType != want.ParamType || p.Int != want.Int || p.Float != want.Float || string(p.Bytes) != string(want.Bytes) || p.Null != want.Null {
				t.Errorf("row %d: parameter %d is %v %+v, want %v %+v", i, j, got[j], p, indicators[i][j], want)
			}
		}
	}
	if more, err := b.Next(params, got); more || err != nil {
		t.Error(more, err)
	}
	for n := range packet { // cut off anywhere: an error, or fewer rows
		b, err := ParseBulk(packet[:n], params)
		for more := err == nil; more; {
			more, err = b.Next(params, got)
		}
		if err != nil && !errors.Is(err, ErrMalformed) {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
	if !reflect.DeepEqual(params[0].ParamType, types[0]) {
		t.Error("types are forgotten")
	}
}

func FuzzBulk(f *testing.F) {
	f.Add([]byte{0xfa, 1, 0, 0, 0, 128, 0, 8, 0, 253, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 'x'})
	f.Fuzz(func(t *testing.T, packet []byte) {
		params, indicators := make([]Param, 2), make([]Indicator, 2)
		b, err := ParseBulk(packet, params)
		for n := 0; err == nil; n++ {
			var more bool
			if more, err = b.Next(params, indicators); !more {
				break
			}
			if n > len(packet) {
				t.Fatal("more rows than bytes")
			}
		}
	})
}
