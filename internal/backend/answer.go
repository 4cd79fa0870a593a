package backend

import (
	"encoding/binary"

	"github.com/orbweaver/orbweaver/internal/wire"
)

// Kind says what a packet of an answer is.
type Kind uint8

// The kinds of packets.
const (
	KindOK         Kind = iota + 1 // OK: the answer, or one of its results, without rows
	KindErr                        // ERR: ends the answer
	KindHead                       // the number of columns: a result set begins
	KindColumn                     // a column definition (of COM_FIELD_LIST too)
	KindColumnsEnd                 // EOF after the columns; absent under DEPRECATE_EOF
	KindRow                        // a row
	KindEnd                        // EOF or OK after the last row
	KindInfile                     // the leaf asks for the data of LOAD DATA LOCAL: send it with SendData, then go on
	KindPrepared                   // COM_STMT_PREPARE's OK
	KindParam                      // a parameter's definition
	KindParamsEnd                  // EOF after the parameters; absent under DEPRECATE_EOF
	KindText                       // COM_STATISTICS's string
	KindPart                       // of Conn.Frame: a frame that goes on with the packet before
)

// Tracker follows the packets of one answer and knows where it ends. Begin it with the command; give it each packet in turn.
type Tracker struct {
	Status   wire.Status // of the last OK or EOF
	Warnings uint16      // of the last OK or EOF
	Affected uint64      // of the last OK
	InsertID uint64      // of the last OK
	ErrCode  uint16      // of the ERR that ended the answer, 0 when none did
	// Statement, Columns and Params are what COM_STMT_PREPARE's OK says.
	Statement       uint32
	Columns, Params int

	caps  wire.Caps
	state trackState
	left  int // columns or parameters to come
	cmd   wire.Command
}

type trackState uint8

const (
	trackDone trackState = iota
	trackFirst
	trackColumns
	trackColumnsEnd
	trackRows
	trackParams
	trackParamsEnd
	trackPrepColumns
	trackPrepColumnsEnd
	trackFields
	trackText
)

// Begin is called when a command has been sent on a connection of variant v.
func (t *Tracker) Begin(cmd wire.Command, v Variant) {
	*t = Tracker{caps: wire.Caps(v), cmd: cmd, state: trackFirst}
	switch cmd {
	case wire.ComStmtClose, wire.ComStmtSendLongData, wire.ComQuit:
		t.state = trackDone // no answer
	case wire.ComStmtFetch:
		t.state = trackRows
	case wire.ComFieldList:
		t.state = trackFields
	case wire.ComStatistics:
		t.state = trackText
	}
}

// Done says whether the answer has ended.
func (t *Tracker) Done() bool { return t.state == trackDone }

// InRows says whether the next packet is a row or the rows' end.
func (t *Tracker) InRows() bool { return t.state == trackRows }

// Next classes the answer's next packet: its payload, or at least the payload's first 32 bytes, and the payload's size. wire.ErrMalformed when the packet
// can't stand here.
func (t *Tracker) Next(payload []byte, size int) (Kind, error) {
	if len(payload) == 0 && t.state != trackText {
		// A row of no bytes can't be: a result has a column at least.
		return 0, wire.ErrMalformed
	}
	if t.state != trackDone && t.state != trackText && payload[0] == 0xff {
		if len(payload) < 3 {
			return 0, wire.ErrMalformed
		}
		t.ErrCode = uint16(payload[1]) | uint16(payload[2])<<8
		t.state = trackDone
		return KindErr, nil
	}
	switch t.state {
	case trackFirst:
		return t.first(payload, size)
	case trackColumns:
		if t.left--; t.left == 0 {
			t.state = trackColumnsEnd
			if t.caps.Has(wire.ClientDeprecateEOF) {
				t.state = trackRows
			}
		}
		return KindColumn, nil
	case trackColumnsEnd:
		if err := t.eof(payload, size); err != nil {
			return 0, err
		}
		t.state = trackRows
		if t.Status&wire.StatusCursorExists != 0 {
			t.state = trackDone // the rows wait for COM_STMT_FETCH
		}
		return KindColumnsEnd, nil
	case trackRows:
		if !t.isEOF(payload, size) {
			return KindRow, nil
		}
		if err := t.eof(payload, size); err != nil {
			return 0, err
		}
		t.ended()
		return KindEnd, nil
	case trackParams:
		if t.left--; t.left == 0 {
			t.state = trackParamsEnd
			if t.caps.Has(wire.ClientDeprecateEOF) {
				t.prepColumns()
			}
		}
		return KindParam, nil
	case trackParamsEnd:
		if err := t.eof(payload, size); err != nil {
			return 0, err
		}
		t.prepColumns()
		return KindParamsEnd, nil
	case trackPrepColumns:
		if t.left--; t.left == 0 {
			t.state = trackPrepColumnsEnd
			if t.caps.Has(wire.ClientDeprecateEOF) {
				t.state = trackDone
			}
		}
		return KindColumn, nil
	case trackPrepColumnsEnd:
		if err := t.eof(payload, size); err != nil {
			return 0, err
		}
		t.state = trackDone
		return KindColumnsEnd, nil
	case trackFields:
		if !t.isEOF(payload, size) {
			return KindColumn, nil
		}
		if err := t.eof(payload, size); err != nil {
			return 0, err
		}
		t.state = trackDone
		return KindEnd, nil
	case trackText:
		t.state = trackDone
		return KindText, nil
	}
	return 0, wire.ErrMalformed
}

func (t *Tracker) first(payload []byte, size int) (Kind, error) {
	switch {
	case payload[0] == 0x00 && t.cmd == wire.ComStmtPrepare:
		if len(payload) < 9 {
			return 0, wire.ErrMalformed
		}
		t.Statement = binary.LittleEndian.Uint32(payload[1:])
		t.Columns = int(binary.LittleEndian.Uint16(payload[5:]))
		t.Params = int(binary.LittleEndian.Uint16(payload[7:]))
		if len(payload) >= 12 {
			t.Warnings = binary.LittleEndian.Uint16(payload[10:])
		}
		if t.left = t.Params; t.left > 0 {
			t.state = trackParams
		} else {
			t.prepColumns()
		}
		return KindPrepared, nil
	case payload[0] == 0x00:
		if err := t.ok(payload); err != nil {
			return 0, err
		}
		t.ended()
		return KindOK, nil
	case wire.IsLocalInfile(payload) && t.cmd == wire.ComQuery:
		return KindInfile, nil // the answer's first packet is still to come
	case t.isEOF(payload, size): // COM_SET_OPTION, and old commands, answer with EOF
		if err := t.eof(payload, size); err != nil {
			return 0, err
		}
		t.ended()
		return KindEnd, nil
	}
	n, _, err := wire.ParseColumnCount(payload, t.caps)
	if err != nil {
		return 0, err
	}
	t.left, t.state = n, trackColumns
	return KindHead, nil
}

func (t *Tracker) prepColumns() {
	t.state = trackDone
	if t.left = t.Columns; t.left > 0 {
		t.state = trackPrepColumns
	}
}

func (t *Tracker) ended() {
	t.state = trackDone
	if t.Status&wire.StatusMoreResults != 0 {
		t.state = trackFirst
	}
}

func (t *Tracker) isEOF(payload []byte, size int) bool {
	if payload[0] != 0xfe {
		return false
	}
	if t.caps.Has(wire.ClientDeprecateEOF) {
		return size < wire.MaxPayload
	}
	return size < 9
}

func (t *Tracker) eof(payload []byte, size int) error {
	if !t.isEOF(payload, size) {
		return wire.ErrMalformed
	}
	if t.caps.Has(wire.ClientDeprecateEOF) {
		return t.ok(payload)
	}
	if len(payload) < 5 {
		return wire.ErrMalformed
	}
	t.Warnings = binary.LittleEndian.Uint16(payload[1:])
	t.Status = wire.Status(binary.LittleEndian.Uint16(payload[3:]))
	return nil
}

// ok reads the head of an OK packet; not by wire.ParseOK, as payload may be cut.
func (t *Tracker) ok(payload []byte) error {
	var good bool
	rest := payload[1:]
	if t.Affected, rest, good = wire.LenencInt(rest); !good {
		return wire.ErrMalformed
	}
	if t.InsertID, rest, good = wire.LenencInt(rest); !good || len(rest) < 4 {
		return wire.ErrMalformed
	}
	t.Status = wire.Status(binary.LittleEndian.Uint16(rest))
	t.Warnings = binary.LittleEndian.Uint16(rest[2:])
	return nil
}

// NextFrame splits the first packet off an answer in frames, as Pipeline.Do gives it, and classes it. frame is the packet with its header, or headers when
// it has 16 MiB or more; payload is the first frame's without the header.
func (t *Tracker) NextFrame(answer []byte) (kind Kind, frame, payload, rest []byte, err error) {
	end := 0
	for {
		if len(answer)-end < wire.HeaderSize {
			return 0, nil, nil, answer, wire.ErrMalformed
		}
		size := int(answer[end]) | int(answer[end+1])<<8 | int(answer[end+2])<<16
		if len(answer)-end-wire.HeaderSize < size {
			return 0, nil, nil, answer, wire.ErrMalformed
		}
		if end == 0 {
			payload = answer[wire.HeaderSize : wire.HeaderSize+size]
		}
		end += wire.HeaderSize + size
		if size < wire.MaxPayload {
			break
		}
	}
	kind, err = t.Next(payload, len(payload))
	return kind, answer[:end], payload, answer[end:], err
}
