package main

import (
	"hash/fnv"
	"math/rand/v2"
	"strconv"

	"github.com/orbweaver/orbweaver/internal/wire"
)

// typed gives parameters types that other clients send for their values: integers of every length, numbers as DOUBLE, DECIMAL or digits, dates and times as such, strings as BLOBs. A
// value has the same type wherever it is, so that a statement that was made smaller is the same but for what it lacks.
func typed(params []wire.Param) {
	for i := range params {
		p := &params[i]
		text := string(p.Bytes)
		if p.Type == wire.TypeLongLong {
			text = strconv.FormatUint(p.Int, 10)
		}
		h := fnv.New64a()
		h.Write([]byte(text))
		r := rand.New(rand.NewPCG(h.Sum64(), uint64(p.Type)))
		switch p.Type {
		case wire.TypeLongLong:
			number(p, text, r.IntN(12))
		case wire.TypeVarString:
			stringType(p, text, r.IntN(6))
		}
	}
}

// number gives an integer another type, where it is one of its values.
func number(p *wire.Param, text string, which int) {
	n := p.Int
	switch {
	case which < 2 && n < 1<<7:
		p.Type = wire.TypeTiny
	case which < 4 && n < 1<<15:
		p.Type = wire.TypeShort
	case which < 6 && n < 1<<31:
		p.Type = wire.TypeLong
	case which == 6:
		p.Unsigned = true
	case which == 7 && n < 1<<53:
		p.Type, p.Float = wire.TypeDouble, float64(n)
	case which == 8:
		p.Type, p.Bytes = wire.TypeNewDecimal, []byte(text)
	case which == 9:
		p.Type, p.Bytes = wire.TypeVarString, []byte(text)
	}
}

// stringType gives a string another type: that of the date or time that it is.
func stringType(p *wire.Param, text string, which int) {
	types := []wire.FieldType{wire.TypeDate, wire.TypeDateTime, wire.TypeTime}
	for i, length := range []int{len("2024-01-01"), len("2024-01-01 00:00:00"), len("00:00:00")} {
		at := len("2024")
		if types[i] == wire.TypeTime {
			at = len("00")
		}
		if len(text) != length || text[at] != "--:"[i] {
			continue
		}
		t, err := wire.ParseTemporalText(p.Bytes, types[i])
		if err == nil && which < 4 {
			p.Type, p.Time, p.Bytes = types[i], t, nil
		}
		return
	}
	switch which {
	case 0:
		p.Type = wire.TypeString
	case 1:
		p.Type = wire.TypeBlob
	}
}
