package backend

import (
	"errors"
	"testing"

	"github.com/orbweaver/orbweaver/internal/wire"
)

// packets are payloads of answers, by what they are.
var (
	okPacket    = []byte{0, 1, 5, 2, 0, 3, 0}
	morePacket  = []byte{0, 0, 0, 10, 0, 0, 0}
	errPacket   = []byte("\xff\x7a\x04#42S02Table 'd.nix' doesn't exist")
	eofPacket   = []byte{0xfe, 0, 0, 2, 0}
	eofMore     = []byte{0xfe, 0, 0, 10, 0}
	eofCursor   = []byte{0xfe, 0, 0, 0x42, 0}
	eofOK       = []byte{0xfe, 0, 0, 2, 0, 0, 0}
	twoColumns  = []byte{2}
	column      = []byte("\x03def\x00\x00\x00\x01a\x00\x0c\x3f\x00\x01\x00\x00\x00\x03\x81\x00\x00\x00\x00")
	row         = []byte("\x011\xfb")
	binaryRow   = []byte{0, 0, 1, 0, 0, 0}
	infile      = []byte("\xfbfile")
	prepared    = []byte{0, 9, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0}
	preparedDML = []byte{0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
)

func TestTrackerFollowsAnswers(t *testing.T) {
	const old, deprecated = Variant(0), Variant(wire.ClientDeprecateEOF)
	for _, c := range []struct {
		name    string
		cmd     wire.Command
		variant Variant
		packets [][]byte
		kinds   []Kind
	}{
		{"ok", wire.ComQuery, old, [][]byte{okPacket}, []Kind{KindOK}},
		{"error", wire.ComQuery, old, [][]byte{errPacket}, []Kind{KindErr}},
		{"rows", wire.ComQuery, old, [][]byte{twoColumns, column, column, eofPacket, row, row, eofPacket},
			[]Kind{KindHead, KindColumn, KindColumn, KindColumnsEnd, KindRow, KindRow, KindEnd}},
		{"rows without EOF", wire.ComQuery, deprecated, [][]byte{twoColumns, column, column, row, eofOK},
			[]Kind{KindHead, KindColumn, KindColumn, KindRow, KindEnd}},
		{"no rows", wire.ComStmtExecute, deprecated, [][]byte{twoColumns, column, column, eofOK},
			[]Kind{KindHead, KindColumn, KindColumn, KindEnd}},
		{"error between rows", wire.ComStmtExecute, old, [][]byte{twoColumns, column, column, eofPacket, binaryRow, errPacket},
			[]Kind{KindHead, KindColumn, KindColumn, KindColumnsEnd, KindRow, KindErr}},
		{"several results", wire.ComQuery, old, [][]byte{twoColumns, column, column, eofPacket, row, eofMore, morePacket, okPacket},
			[]Kind{KindHead, KindColumn, KindColumn, KindColumnsEnd, KindRow, KindEnd, KindOK, KindOK}},
		{"a file", wire.ComQuery, old, [][]byte{infile, okPacket}, []Kind{KindInfile, KindOK}},
		{"a cursor", wire.ComStmtExecute, old, [][]byte{twoColumns, column, column, eofCursor},
			[]Kind{KindHead, KindColumn, KindColumn, KindColumnsEnd}},
		{"fetch", wire.ComStmtFetch, old, [][]byte{binaryRow, binaryRow, eofPacket}, []Kind{KindRow, KindRow, KindEnd}},
		{"prepare", wire.ComStmtPrepare, old, [][]byte{prepared, column, column, eofPacket, column, eofPacket},
			[]Kind{KindPrepared, KindParam, KindParam, KindParamsEnd, KindColumn, KindColumnsEnd}},
		{"prepare without EOF", wire.ComStmtPrepare, deprecated, [][]byte{prepared, column, column, column},
			[]Kind{KindPrepared, KindParam, KindParam, KindColumn}},
		{"prepare of nothing", wire.ComStmtPrepare, old, [][]byte{preparedDML}, []Kind{KindPrepared}},
		{"fields", wire.ComFieldList, old, [][]byte{column, eofPacket}, []Kind{KindColumn, KindEnd}},
		{"statistics", wire.ComStatistics, old, [][]byte{[]byte("Uptime: 5")}, []Kind{KindText}},
		{"set option", wire.ComSetOption, old, [][]byte{eofPacket}, []Kind{KindEnd}},
		{"close", wire.ComStmtClose, old, nil, nil},
	} {
		var tr Tracker
		tr.Begin(c.cmd, c.variant)
		for i, p := range c.packets {
			if tr.Done() {
				t.Errorf("%s: done before packet %d", c.name, i)
			}
			kind, err := tr.Next(p, len(p))
			if err != nil || kind != c.kinds[i] {
				t.Errorf("%s: packet %d is %d, %v; want %d", c.name, i, kind, err, c.kinds[i])
			}
		}
		if !tr.Done() {
			t.Errorf("%s: not done", c.name)
		}
		if _, err := tr.Next(okPacket, len(okPacket)); !errors.Is(err, wire.ErrMalformed) {
			t.Errorf("%s: a packet after the end: %v", c.name, err)
		}
	}
}

func TestTrackerReadsOK(t *testing.T) {
	var tr Tracker
	tr.Begin(wire.ComQuery, 0)
	if _, err := tr.Next(okPacket, len(okPacket)); err != nil || tr.Affected != 1 || tr.InsertID != 5 || tr.Warnings != 3 || tr.Status != wire.StatusAutocommit {
		t.Errorf("%+v %v", tr, err)
	}
	tr.Begin(wire.ComQuery, 0)
	if _, err := tr.Next(errPacket, len(errPacket)); err != nil || tr.ErrCode != wire.ErNoSuchTable {
		t.Errorf("%+v %v", tr, err)
	}
	// A row whose first value has 16 MiB looks like an EOF, but for its size.
	big := []byte{0xfe, 0, 0, 0, 1, 0, 0, 0, 0, 'x'}
	for _, v := range []Variant{0, Variant(wire.ClientDeprecateEOF)} {
		tr.Begin(wire.ComStmtFetch, v)
		if kind, err := tr.Next(big, wire.MaxPayload); err != nil || kind != KindRow {
			t.Error(kind, err)
		}
	}
}

// Whatever a leaf sends, the tracker neither panics nor takes a packet after the end, and NextFrame loses no byte.
func FuzzTracker(f *testing.F) {
	frame := func(payloads ...[]byte) (all []byte) {
		for i, p := range payloads {
			all = append(append(all, byte(len(p)), byte(len(p)>>8), byte(len(p)>>16), byte(i+1)), p...)
		}
		return all
	}
	f.Add(byte(wire.ComQuery), false, frame(twoColumns, column, column, eofPacket, row, eofMore, okPacket))
	f.Add(byte(wire.ComStmtPrepare), true, frame(prepared, column, column, column))
	f.Add(byte(wire.ComStmtExecute), true, frame(twoColumns, column, column, binaryRow, eofOK))
	f.Add(byte(wire.ComFieldList), false, frame(column, eofPacket))
	f.Fuzz(func(t *testing.T, cmd byte, deprecate bool, answer []byte) {
		v := Variant(0)
		if deprecate {
			v = Variant(wire.ClientDeprecateEOF)
		}
		var tr Tracker
		tr.Begin(wire.Command(cmd), v)
		for len(answer) > 0 {
			done := tr.Done()
			kind, frame, _, rest, err := tr.NextFrame(answer)
			if err != nil {
				return
			}
			if done || kind == 0 || len(frame)+len(rest) != len(answer) {
				t.Fatal(done, kind, len(frame), len(rest), len(answer))
			}
			answer = rest
		}
	})
}
