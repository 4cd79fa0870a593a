package backend

import "github.com/orbweaver/orbweaver/internal/wire"

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

	eof   bool // DEPRECATE_EOF
	state trackState
	left  int
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
