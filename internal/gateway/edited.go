package gateway

import (
	"bytes"

	"github.com/orbweaver/orbweaver/internal/exec"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// edited passes an answer on with its rows changed or left out.
type edited struct {
	exec.Output
	prepared bool
	// column changes a column's definition and says whether it has; nil leaves all as they are.
	column func(c *wire.Column) bool
	// row gets a row's values (of the binary protocol: as they are there, without lengths; nil for NULL) and says whether the row stays; nil leaves all as they are.
	row func(values [][]byte) ([][]byte, bool)

	// more are rows to be added, in the order of their first values, as the answer's rows are; all values are strings.
	more [][][]byte
	// last makes the rows that follow all others, when the columns are known; nil for none.
	last func() [][][]byte

	n     int // columns
	types []wire.FieldType
	rows  bool // rows have begun
	other bool // not a result with rows, or its end has passed
	buf   []byte
}

// Packet follows the packets of one result.
func (e *edited) Packet(p []byte) error {
	caps := e.Caps()
	switch {
	case e.other:
		return e.Output.Packet(p)
	case e.n == 0:
		if len(p) == 0 || wire.IsOK(p) || wire.IsError(p) {
			e.other = true
			return e.Output.Packet(p)
		}
		n, _, err := wire.ParseColumnCount(p, caps)
		if err != nil {
			return err
		}
		e.n = n
		return e.Output.Packet(p)
	case len(e.types) < e.n:
		var c wire.Column
		if err := wire.ParseColumn(p, caps, &c); err != nil {
			return err
		}
		e.types = append(e.types, c.Type)
		e.rows = len(e.types) == e.n && caps.Has(wire.ClientDeprecateEOF)
		if e.column != nil && e.column(&c) {
			e.buf = wire.AppendColumn(e.buf[:0], caps, &c)
			return e.Output.Packet(e.buf)
		}
		return e.Output.Packet(p)
	case !e.rows:
		e.rows = true
		return e.Output.Packet(p)
	case wire.IsEOF(p, caps):
		e.other = true
		if e.last != nil {
			e.more = append(e.more, e.last()...)
		}
		for ; len(e.more) > 0; e.more = e.more[1:] {
			if err := e.Output.Packet(e.join(e.more[0])); err != nil {
				return err
			}
		}
		return e.Output.Packet(p)
	}
	if e.row == nil {
		return e.Output.Packet(p)
	}
	values, err := e.split(p)
	if err != nil {
		return err
	}
	for ; len(e.more) > 0 && bytes.Compare(e.more[0][0], values[0]) < 0; e.more = e.more[1:] {
		if err := e.Output.Packet(e.join(e.more[0])); err != nil {
			return err
		}
	}
	values, stays := e.row(values)
	if !stays {
		return nil
	}
	return e.Output.Packet(e.join(values))
}

func (e *edited) split(p []byte) ([][]byte, error) {
	values := make([][]byte, e.n)
	if !e.prepared {
		return values, wire.SplitTextRow(p, values)
	}
	var r wire.BinaryRow
	if err := r.Reset(p, e.n); err != nil {
		return nil, err
	}
	for i, t := range e.types {
		v, null, ok := r.Next(t)
		if !ok {
			return nil, wire.ErrMalformed
		}
		if !null {
			values[i] = v
		}
	}
	return values, nil
}

func (e *edited) join(values [][]byte) []byte {
	e.buf = e.buf[:0]
	if !e.prepared {
		for _, v := range values {
			if v == nil {
				e.buf = wire.AppendNull(e.buf)
			} else {
				e.buf = wire.AppendLenencBytes(e.buf, v)
			}
		}
		return e.buf
	}
	e.buf = append(e.buf, 0)
	nulls := len(e.buf)
	e.buf = append(e.buf, make([]byte, (len(values)+9)/8)...)
	for i, v := range values {
		switch {
		case v == nil:
			e.buf[nulls+(i+2)>>3] |= 1 << ((i + 2) & 7)
		case fixedSize(e.types[i]):
			e.buf = append(e.buf, v...)
		default:
			e.buf = wire.AppendLenencBytes(e.buf, v)
		}
	}
	return e.buf
}

// fixedSize says whether a type's binary values have no length before them.
func fixedSize(t wire.FieldType) bool {
	return t.IsInteger() || t == wire.TypeFloat || t == wire.TypeDouble
}
