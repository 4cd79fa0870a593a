package exec

import (
	"bytes"
	"fmt"
	"io"

	"github.com/orbweaver/orbweaver/internal/wire"
)

// rowHead is about what a row that is kept takes besides its bytes.
const rowHead = 48

// returnsTooMuch refuses a write whose RETURNING gives more than the node holds.
func returnsTooMuch(limit int64) *wire.ServerError {
	return &wire.ServerError{Code: 1038, State: "HY001", Message: fmt.Sprintf("Out of memory: the rows of RETURNING of several partitions may take at most %d bytes at the node; write fewer rows at once", limit)}
}

// collected is an Output that keeps the rows of a query.
type collected struct {
	caps    wire.Caps
	status  wire.Status
	columns []wire.Column
	defs    int // definitions still to come; -1 before the head
	rows    [][]byte
	size    int64
	limit   int64
	what    string // is told, where that is too little
}

func (c *collected) Caps() wire.Caps     { return c.caps }
func (c *collected) Status() wire.Status { return c.status }

func (c *collected) File(string) (io.Reader, error) {
	return nil, errorf(wire.ErNotAllowedCommand, "a query can't read a file of the client")
}

// Packet takes the head, the definitions, the rows; the packets that end them are told apart by where they stand.
func (c *collected) Packet(p []byte) error {
	switch {
	case c.defs < 0:
		n, _, err := wire.ParseColumnCount(p, c.caps)
		c.defs = n
		return err
	case c.defs > 0:
		var d wire.Column
		if err := wire.ParseColumn(bytes.Clone(p), c.caps, &d); err != nil {
			return err
		}
		c.columns = append(c.columns, d)
		c.defs--
		return nil
	case wire.IsEOF(p, c.caps):
		return nil
	}
	c.size += int64(len(p)) + rowHead
	if c.size > c.limit {
		return &Error{Code: 1038, State: "HY001", Message: fmt.Sprintf("Out of memory: %s over partitions holds at most %d bytes of rows at the node", c.what, c.limit)}
	}
	c.rows = append(c.rows, bytes.Clone(p))
	return nil
}
