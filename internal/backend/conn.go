package backend

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"time"

	"github.com/orbweaver/orbweaver/internal/wire"
)

// Conn is a connection to a leaf, lent by Pools.Get. One goroutine uses it at a time; Kill may be called by any.
//
// A command is sent (Send, SendPacket, SendExecute), then its answer is read packet by packet (Next, Frame) until Done. An error of these other than
// *PrepareError means that the connection is broken; it must be released all the same.
type Conn struct {
	Tracker // of the answer that is being read, or of the last one

	pool       *leafPool
	account    Account
	variant    Variant
	addr       string
	generation uint64
	w          *wire.Conn
	thread     uint64

	schema string
	choice uint64 // the pools' choices when it was chosen, or later
	domain uint32 // GTID domain, 0 for the server's own
	state  *State
	status wire.Status // the last that the leaf said; an ERR says none
	stmts  *stmtCache
	term   uint64

	// expects are the commands sent ahead of the current one whose answers were not read yet.
	expects []expect
	// await says that the current command's answer has not begun: expects come first.
	await     bool
	frames    int  // of the current command: its answer's first number
	cont      bool // the last frame goes on in the next
	exec      execution
	sentAt    time.Time // when a sampled command was written, zero for others
	sampleIn  uint8
	idleSince time.Time

	// needsReset: COM_RESET_CONNECTION comes before anything else. onRelease: once the user has released it.
	needsReset, onRelease bool
	broken                bool
	// killed: a KILL QUERY went out for this connection, and may hit the next command.
	killed atomic.Bool
}

// expect is a command sent ahead.
type expect struct {
	kind expectKind
	what string // for messages
	then func() // done when the leaf says OK; may be nil
}

type expectKind uint8

const (
	expectOK      expectKind = iota // an ERR is a *PrepareError
	expectAny                       // an ERR does not matter
	expectPrepare                   // COM_STMT_PREPARE of Conn.exec
)

// execution is what SendExecute must remember until the answer of COM_STMT_PREPARE is there.
type execution struct {
	scope stmtScope
	text  string
	body  []byte
	id    uint32 // with which COM_STMT_EXECUTE went out
	real  uint32 // which the leaf gave
	err   []byte // COM_STMT_PREPARE's ERR
	held  bool   // COM_STMT_EXECUTE has not gone out: it is longer than aheadMax
}

// aheadMax is how long a COM_STMT_EXECUTE may be that is written before COM_STMT_PREPARE's answer is read. Sockets take it at their smallest; what they don't take
// waits for the leaf to read, which waits itself for somebody to read thousands of definitions of parameters.
const aheadMax = 16 << 10

// sampleEvery is how many commands go by for one whose time is taken.
const sampleEvery = 16

// Leaf is the leaf's name.
func (c *Conn) Leaf() string { return c.pool.name }

// Thread is the connection's id at the leaf.
func (c *Conn) Thread() uint64 { return c.thread }

// Term is what the Want said.
func (c *Conn) Term() uint64 { return c.term }

// Domain is the GTID domain that the connection writes in, 0 for the server's own.
func (c *Conn) Domain() uint32 { return c.domain }

// Schema is the default database.
func (c *Conn) Schema() string { return c.schema }

// Queue puts a statement in front of the next command: it leaves in the same write, and its answer is read before the command's. If the leaf
// refuses it, reading the command's answer gives a *PrepareError; the command's own answer is read and thrown away, and the command MAY
// HAVE BEEN EXECUTED without what was queued. So queue only what a healthy leaf does not refuse: START TRANSACTION, SAVEPOINT.
func (c *Conn) Queue(sql string) {
	c.absorb()
	c.queue(expect{what: sql}, wire.ComQuery, sql)
}

// QueueAny is Queue for a statement that the leaf may refuse: the next command is answered for all the same.
func (c *Conn) QueueAny(sql string) {
	c.absorb()
	c.queue(expect{kind: expectAny}, wire.ComQuery, sql)
}

// absorb queues a statement for a late KILL QUERY to hit.
func (c *Conn) absorb() {
	if c.killed.Swap(false) {
		c.queue(expect{kind: expectAny}, wire.ComQuery, "DO 0")
	}
}

func (c *Conn) queue(e expect, cmd wire.Command, body string) {
	c.w.SetPipelined(true)
	b := append(c.w.StartCommand(), byte(cmd))
	// An error comes back from the write that follows.
	_ = c.w.FinishPacket(append(b, body...))
	c.expects = append(c.expects, e)
}

// Queued says whether something waits for the next command.
func (c *Conn) Queued() bool { return len(c.expects) > 0 && !c.await }

// Send writes a command: its byte and the parts of its body.
func (c *Conn) Send(cmd wire.Command, parts ...[]byte) error {
	if err := c.begin(cmd); err != nil {
		return err
	}
	b := append(c.w.StartCommand(), byte(cmd))
	at := len(b)
	for _, p := range parts {
		b = append(b, p...)
	}
	c.frames = (len(b)-at+1)/wire.MaxPayload + 1
	return c.flush(c.w.FinishPacket(b))
}

// SendPacket writes a command's packet as a client sent it, the command's byte first. A large one is not copied.
func (c *Conn) SendPacket(packet []byte) error {
	if err := c.begin(wire.Command(packet[0])); err != nil {
		return err
	}
	c.w.ResetSeq()
	c.frames = len(packet)/wire.MaxPayload + 1
	return c.flush(c.w.AppendPacket(packet))
}

// begin makes ready for a command.
func (c *Conn) begin(cmd wire.Command) error {
	if c.broken {
		return c.lost(false, net.ErrClosed)
	}
	if !c.Tracker.Done() || c.cont {
		return c.lost(false, errUnread)
	}
	c.absorb()
	c.w.SetPipelined(len(c.expects) > 0)
	for _, id := range c.stmts.closing {
		b := append(c.w.StartCommand(), byte(wire.ComStmtClose), byte(id), byte(id>>8), byte(id>>16), byte(id>>24))
		_ = c.w.FinishPacket(b)
	}
	c.stmts.closing = c.stmts.closing[:0]
	c.Tracker.Begin(cmd, c.variant)
	c.await = true
	c.exec = execution{}
	return nil
}

var errUnread = errors.New("the last answer was not read to its end")

func (c *Conn) flush(err error) error {
	if err == nil {
		if c.sampleIn++; c.sampleIn >= sampleEvery {
			c.sampleIn = 0
			c.sentAt = time.Now()
		}
		err = c.w.Flush()
	}
	if err != nil {
		// The command's last bytes were not taken by the kernel, so the leaf can't have all of it.
		return c.lost(false, err)
	}
	return nil
}

// SendExecute runs a prepared statement by its text, binary protocol: COM_STMT_EXECUTE with the statement's id filled in, preceded by COM_STMT_PREPARE in the
// same write where this connection has not prepared the text yet, and the body is not long. body is COM_STMT_EXECUTE's payload after the id (flags, iteration count, null
// bitmap, types, values), and stays untouched until the answer begins; its types must be there (new-params-bound 1) when there are parameters,
// as other sessions use the statement too. COM_STMT_PREPARE's answer is consumed; its error takes the place of the command's.
func (c *Conn) SendExecute(text string, body []byte) error {
	return c.sendExecute(wire.ComStmtExecute, text, body)
}

// SendBulkExecute is SendExecute for COM_STMT_BULK_EXECUTE: many rows of parameters in one packet; body is its payload after the id.
func (c *Conn) SendBulkExecute(text string, body []byte) error {
	return c.sendExecute(wire.ComStmtBulkExecute, text, body)
}

func (c *Conn) sendExecute(cmd wire.Command, text string, body []byte) error {
	if err := c.begin(cmd); err != nil {
		return err
	}
	scope := stmtScope{c.schema, c.state.scope()}
	id, known := c.stmts.find(scope, text)
	if !known {
		c.queue(expect{kind: expectPrepare}, wire.ComStmtPrepare, text)
		// The id is foretold, not LastStatement: if COM_STMT_PREPARE is refused that could be another statement.
		id = c.stmts.next
		c.exec = execution{scope: scope, text: text, body: body, id: id, held: len(body) > aheadMax}
		if c.exec.held {
			return c.flush(nil)
		}
	}
	return c.flush(c.appendExecute(id, body))
}

func (c *Conn) appendExecute(id uint32, body []byte) error {
	c.frames = (len(body)+5)/wire.MaxPayload + 1
	b := append(c.w.StartCommand(), byte(c.Tracker.cmd), byte(id), byte(id>>8), byte(id>>16), byte(id>>24))
	return c.w.FinishPacket(append(b, body...))
}

// SendPrepare prepares a statement for those who need its definitions: the answer of COM_STMT_PREPARE is read as usual. The statement is not
// cached; CloseStatement closes it.
func (c *Conn) SendPrepare(text string) error {
	return c.Send(wire.ComStmtPrepare, []byte(text))
}

// CloseStatement closes a statement of SendPrepare, in the next write.
func (c *Conn) CloseStatement(id uint32) { c.stmts.closing = append(c.stmts.closing, id) }

// SendData writes data of LOAD DATA LOCAL after KindInfile; an empty call ends the data.
func (c *Conn) SendData(data []byte) error {
	for {
		n := min(len(data), dataFrame)
		if err := c.w.AppendPacket(data[:n]); err != nil {
			return c.lost(true, err)
		}
		if data = data[n:]; len(data) == 0 {
			break
		}
	}
	if err := c.w.Flush(); err != nil {
		return c.lost(true, err)
	}
	return nil
}

// dataFrame is the size of LOAD DATA LOCAL's packets: they must stay below the leaf's max_allowed_packet.
const dataFrame = 1 << 20

// Broken says that the connection can't be used any more.
func (c *Conn) Broken() bool { return c.broken }

// InTransaction is what the leaf said last.
func (c *Conn) InTransaction() bool { return c.status&wire.StatusInTrans != 0 }

// ResetOnRelease has the connection reset as soon as it is released: it holds temporary tables, locks, settings that State does not know, or, after
// CALL, perhaps a transaction that an ERR packet did not tell of.
func (c *Conn) ResetOnRelease() { c.onRelease = true }

// Discard breaks the connection off: nobody knows in which state it is. Release must follow.
func (c *Conn) Discard() { c.breakOff() }

// Release gives the connection back. It is closed when it is broken, when its answer was not read to the end, or when it is in a transaction.
func (c *Conn) Release() { c.pool.put(c) }

// reusable says whether anybody else may use the connection.
func (c *Conn) reusable() bool {
	if c.status&wire.StatusAutocommit == 0 {
		c.onRelease = true
	}
	return !c.broken && c.Done() && len(c.expects) == 0 && !c.w.Pending() && (c.onRelease || !c.InTransaction())
}

// Alive looks, without waiting, whether the leaf has closed the connection; for those that were unused for a while.
func (c *Conn) Alive() bool { return !c.broken && c.w.CheckIdle() == nil }

// alive is Alive for an idle connection, without a look at one that was used a moment ago; one to a remote server, in whose place no other can answer, is
// always looked at.
func (c *Conn) alive() bool {
	if c.pool.remote == nil && c.idleSince.UnixNano() > c.pool.suspected.Load() && time.Since(c.idleSince) < checkAfter {
		return true
	}
	return c.Alive()
}

// dying is how long the end of a server's process may take that has closed a first connection.
const dying = 200 * time.Millisecond

// doubtful says whether an idle connection may be one of a server that is just dying: its kernel closes them one after the other, and takes what is sent on those
// whose turn has not come.
func (c *Conn) doubtful() bool {
	since := c.pool.suspected.Load()
	return c.idleSince.UnixNano() <= since && time.Now().UnixNano()-since < int64(dying)
}

// answers asks the leaf for a sign of life. Nothing of the caller's is lost where there is none.
func (c *Conn) answers(ctx context.Context) bool {
	_, err := c.Query(ctx, "DO 0")
	return err == nil
}

// lost marks the connection as broken and says so.
func (c *Conn) lost(sent bool, err error) error {
	c.breakOff()
	return &LostError{Leaf: c.pool.name, Remote: c.pool.remoteName(), Sent: sent, Err: err}
}

func (c *Conn) breakOff() {
	if !c.broken {
		c.broken = true
		c.pool.count.lost.Add(1)
		c.w.Close()
	}
}

// close ends the connection, politely where that does not wait.
func (c *Conn) close() {
	c.pool.mu.Lock()
	delete(c.pool.conns, c)
	c.pool.mu.Unlock()
	if !c.broken && c.w.SetWriteDeadline(time.Now().Add(time.Millisecond)) == nil {
		c.w.SetPipelined(true)
		if c.w.FinishPacket(append(c.w.StartCommand(), byte(wire.ComQuit))) == nil {
			_ = c.w.Flush()
		}
	}
	c.w.Close()
	c.w.ReleaseBuffers()
}
