package backend

import (
	"context"
	"errors"

	"github.com/orbweaver/orbweaver/internal/wire"
)

// Conn is a connection to a leaf, lent by Pools.Get. One goroutine uses it at a time; Kill may be called by any.
//
// A command is sent (Send, SendExecute), then its answer is read packet by packet (Next, Frame) until Done. After an error other than
// *wire.ServerError the connection is broken; it must still be released.
type Conn struct {
	Tracker // of the answer that is being read, or of the last one
	leaf    string
	thread  uint64
}

// Leaf is the leaf's name.
func (c *Conn) Leaf() string { return c.leaf }

// Thread is the connection's id at the leaf.
func (c *Conn) Thread() uint64 { return c.thread }

// Term is what the Want said.
func (c *Conn) Term() uint64 { return 0 }

// Schema is the default database.
func (c *Conn) Schema() string { return "" }

// Queue puts a statement in front of the next command: it leaves in the same write, and its answer is read before the command's. If the leaf
// refuses it, reading the command's answer gives a *PrepareError; the command's own answer is read and thrown away, and the command MAY
// HAVE BEEN EXECUTED without what was queued. So queue only what a healthy leaf does not refuse: START TRANSACTION, SAVEPOINT.
func (c *Conn) Queue(sql string) {}

// Send writes a command: its byte and the parts of its body. Nothing is copied that need not be.
func (c *Conn) Send(cmd wire.Command, parts ...[]byte) error { return errors.ErrUnsupported }

// SendExecute runs a prepared statement by its text, binary protocol: COM_STMT_EXECUTE with the statement's id filled in, preceded by COM_STMT_PREPARE in the
// same write where this connection has not prepared the text yet. body is COM_STMT_EXECUTE's payload after the id (flags, iteration count, null
// bitmap, types, values); its types must be there (new-params-bound 1) when there are parameters, as other sessions use the statement too. COM_STMT_PREPARE's answer is
// consumed; its error comes as a *wire.ServerError from Next or Frame.
func (c *Conn) SendExecute(text string, body []byte) error { return errors.ErrUnsupported }

// SendPrepare is the first half of SendExecute, for those who need the definitions: the answer of COM_STMT_PREPARE is read as usual. The
// statement is not cached and is closed by CloseStatement.
func (c *Conn) SendPrepare(text string) error { return errors.ErrUnsupported }

// CloseStatement closes a statement of SendPrepare, in the next write.
func (c *Conn) CloseStatement(id uint32) {}

// SendData writes data of LOAD DATA LOCAL after KindInfile; an empty call ends the data.
func (c *Conn) SendData(data []byte) error { return errors.ErrUnsupported }

// Packet is one packet of an answer. Payload is valid until the next call on the connection.
type Packet struct {
	Kind    Kind
	Payload []byte
}

// Next reads the next packet of the answer, whole. A *wire.ServerError is never returned for the command's own ERR: that is a packet of KindErr
// (Packet.Err parses it).
func (c *Conn) Next() (Packet, error) { return Packet{}, errors.ErrUnsupported }

// Err is the error that a packet of KindErr carries; nil for others.
func (p Packet) Err() *wire.ServerError { return nil }

// Done says whether the answer has been read to its end.
func (c *Conn) Done() bool { return true }

// Drain reads the answer to its end and throws it away.
func (c *Conn) Drain() error { return errors.ErrUnsupported }

// Watch ends the running statement when ctx ends: KILL QUERY, and when no answer follows, the connection is closed. stop ends the watch and
// says whether ctx had ended it; it must be called before Release and waits for a KILL that is under way.
func (c *Conn) Watch(ctx context.Context) (stop func() bool) { return func() bool { return false } }

// Kill ends the running statement (KILL QUERY) by another connection.
func (c *Conn) Kill(ctx context.Context) error { return errors.ErrUnsupported }

// Result is a small answer, read whole.
type Result struct {
	Columns  []string
	Rows     [][][]byte // nil for NULL; text protocol
	Affected uint64
	InsertID uint64
	Warnings uint16
	Status   wire.Status
}

// Query runs a statement and reads its answer whole: for the node's own small ones. The leaf's error is a *wire.ServerError. Several results:
// the last one with rows is kept.
func (c *Conn) Query(ctx context.Context, sql string) (*Result, error) {
	return nil, errors.ErrUnsupported
}

// Broken says that the connection can't be used any more.
func (c *Conn) Broken() bool { return false }

// InTransaction is what the leaf said last.
func (c *Conn) InTransaction() bool { return c.Status&wire.StatusInTrans != 0 }

// ResetOnRelease has the connection reset before it serves anybody else: it holds temporary tables, locks or settings that State does not know.
func (c *Conn) ResetOnRelease() {}

// Release gives the connection back. It is closed when it is broken, when its answer was not read to the end, or when it is in a transaction.
func (c *Conn) Release() {}
