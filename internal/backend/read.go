package backend

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/orbweaver/orbweaver/internal/wire"
)

// Packet is one packet of an answer. Payload is valid until the next call on the connection.
type Packet struct {
	Kind    Kind
	Payload []byte
}

// Err is the error that a packet of KindErr carries; nil for others.
func (p Packet) Err() *wire.ServerError {
	if p.Kind != KindErr {
		return nil
	}
	e, err := wire.ParseError(p.Payload)
	if err != nil {
		return wire.Errorf(wire.ErMalformedPacket, "Malformed communication packet.")
	}
	return e
}

// Next reads the next packet of the answer, whole. The command's own ERR is no error of Next but a packet of KindErr.
func (c *Conn) Next() (Packet, error) {
	if c.await {
		if p, ok, err := c.firstPacket(); ok || err != nil {
			return p, err
		}
	}
	payload, err := c.w.ReadPacket()
	if err != nil {
		return Packet{}, c.lost(true, err)
	}
	kind, err := c.class(payload, len(payload))
	return Packet{kind, payload}, err
}

// Frame reads the next frame of the answer, for a relay: packets of 16 MiB and more are never put together, what follows the first frame is of
// KindPart. An ERR for which there is no frame, as it was COM_STMT_PREPARE's, is made one. The frame is valid until the next call.
func (c *Conn) Frame() (Kind, wire.Frame, error) {
	if c.await {
		if p, ok, err := c.firstPacket(); ok || err != nil {
			n := len(p.Payload)
			return p.Kind, append(wire.Frame{byte(n), byte(n >> 8), byte(n >> 16), 1}, p.Payload...), err
		}
	}
	f, cont, err := c.w.ReadFrame()
	if err != nil {
		return 0, nil, c.lost(true, err)
	}
	c.cont = !f.Last()
	if cont {
		return KindPart, f, nil
	}
	size := len(f.Payload())
	if c.cont {
		size = wire.MaxPayload
	}
	kind, err := c.class(f.Payload(), size)
	return kind, f, err
}

// Buffered says that the next packet has been read already: a relay need not flush before it asks for it.
func (c *Conn) Buffered() bool { return c.w.Buffered() }

func (c *Conn) class(payload []byte, size int) (Kind, error) {
	kind, err := c.Tracker.Next(payload, size)
	if err != nil {
		return 0, c.protocol("a packet that can't stand where it does")
	}
	if kind == KindOK || kind == KindEnd {
		c.status = c.Tracker.Status
	}
	if !c.sentAt.IsZero() {
		c.pool.count.sample(time.Since(c.sentAt))
		c.sentAt = time.Time{}
	}
	if c.Tracker.Done() {
		c.pool.count.commands.Add(1)
	}
	return kind, nil
}

// Done says whether the answer has been read to its end, with nothing left of a large packet.
func (c *Conn) Done() bool { return c.Tracker.Done() && !c.cont && !c.await }

// firstPacket reads what was sent ahead of the command. ok: the packet takes the place of the command's answer.
func (c *Conn) firstPacket() (p Packet, ok bool, err error) {
	c.await = false
	if c.Tracker.Done() && len(c.expects) == 0 {
		return Packet{}, false, nil // a command without an answer
	}
	if len(c.expects) > 0 {
		refused, err := c.settle()
		if err != nil {
			return Packet{}, false, err
		}
		c.w.SetPipelined(false)
		c.w.SetSeq(uint8(c.frames))
		if refused != nil {
			if c.exec.held {
				c.exec, c.Tracker.state = execution{}, trackDone
			} else if err := c.Drain(); err != nil {
				return Packet{}, false, err
			}
			return Packet{}, false, refused
		}
		switch e := &c.exec; {
		case e.err != nil:
			payload := e.err
			if err := c.expectErr(); err != nil {
				return Packet{}, false, err
			}
			c.exec = execution{}
			c.Tracker.ErrCode = uint16(payload[1]) | uint16(payload[2])<<8
			return Packet{KindErr, payload}, true, nil
		case e.held || e.real != e.id:
			if err := c.expectErr(); err != nil {
				return Packet{}, false, err
			}
			c.Tracker.Begin(c.Tracker.cmd, c.variant)
			if err := c.flush(c.appendExecute(e.real, e.body)); err != nil {
				return Packet{}, false, err
			}
		}
	}
	return Packet{}, false, nil
}

// expectErr reads the answer of a COM_STMT_EXECUTE whose statement the leaf can't know, if it was sent.
func (c *Conn) expectErr() error {
	if c.exec.held {
		c.Tracker.state = trackDone
		return nil
	}
	payload, err := c.w.ReadPacket()
	if err != nil {
		return c.lost(true, err)
	}
	if kind, err := c.class(payload, len(payload)); err != nil {
		return err
	} else if kind != KindErr {
		return c.protocol("an answer to a statement that was not prepared")
	}
	return nil
}

// settle reads the answers to what was sent ahead; refused is the first that should not have been an ERR.
func (c *Conn) settle() (refused *PrepareError, err error) {
	for _, e := range c.expects {
		var t Tracker
		cmd := wire.ComQuery
		if e.kind == expectPrepare {
			cmd = wire.ComStmtPrepare
		}
		t.Begin(cmd, c.variant)
		for !t.Done() {
			payload, err := c.w.ReadPacket()
			if err != nil {
				return nil, c.lost(!c.exec.held, err)
			}
			kind, err := t.Next(payload, len(payload))
			if err != nil {
				return nil, c.protocol("an answer to " + e.what + " that is none")
			}
			switch kind {
			case KindOK, KindEnd:
				c.status = t.Status
				if e.then != nil {
					e.then()
				}
			case KindPrepared:
				c.exec.real = t.Statement
				c.stmts.add(c.exec.scope, c.exec.text, t.Statement)
				c.stmts.next = t.Statement + 1
			case KindErr:
				switch {
				case e.kind == expectPrepare:
					c.exec.err = append([]byte(nil), payload...)
					c.stmts.next++ // refused statements get a number as well
				case e.kind == expectOK && refused == nil:
					refused = &PrepareError{What: e.what, Err: Packet{kind, payload}.Err()}
				}
			}
		}
	}
	c.expects = c.expects[:0]
	return refused, nil
}

func (c *Conn) protocol(what string) error {
	c.breakOff()
	return &ProtocolError{Leaf: c.pool.name, What: what}
}

// Drain reads the answer to its end and throws it away.
func (c *Conn) Drain() error {
	for !c.Done() {
		kind, _, err := c.Frame()
		if err != nil {
			return err
		}
		if kind == KindInfile {
			if err := c.SendData(nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// Result is a small answer, read whole.
type Result struct {
	Columns  []string
	Rows     [][][]byte // nil for NULL; text protocol
	Affected uint64
	InsertID uint64
	Warnings uint16
	Status   wire.Status
	Info     []byte // the OK's text
}

// Query runs a statement and reads its answer whole: for the node's own small ones. The leaf's error is a *wire.ServerError. Of several results
// the last one with rows is kept. When ctx ends the statement is killed and ctx's error comes back.
func (c *Conn) Query(ctx context.Context, sql string) (*Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	return c.whole(ctx, func() error { return c.Send(wire.ComQuery, []byte(sql)) })
}

// executeHead is what wire.AppendExecute writes before what SendExecute wants: the command byte and the statement's id.
const executeHead = 5

// Execute is Query for a statement with parameters. Its rows, if it has any, are not to be asked for.
func (c *Conn) Execute(ctx context.Context, sql string, args []wire.Param) (*Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	args = slices.Clone(args)
	for i := range args {
		args[i].Long = false // what came in pieces leaves in one
	}
	return c.whole(ctx, func() error { return c.SendExecute(sql, wire.AppendExecute(nil, 0, 0, args, true)[executeHead:]) })
}

// SendExecuteAlone is SendExecute for a text without parameters.
func (c *Conn) SendExecuteAlone(text string) error {
	return c.SendExecute(text, wire.AppendExecute(nil, 0, 0, nil, true)[executeHead:])
}

// noShutdown is a level of COM_SHUTDOWN (WAIT_CONNECTIONS) that no MariaDB has.
const noShutdown = 0x01

// AskShutdown asks for a way to shut down that no MariaDB has: the leaf judges the account's right first (1227), and refuses the way then (1235).
func (c *Conn) AskShutdown(ctx context.Context) error {
	_, err := c.whole(ctx, func() error { return c.Send(wire.ComShutdown, []byte{noShutdown}) })
	return err
}

// whole sends a statement and reads its answer.
func (c *Conn) whole(ctx context.Context, send func() error) (*Result, error) {
	stop := c.Watch(ctx)
	r, err := c.query(send)
	if stop() && err != nil {
		var refused *wire.ServerError
		if !errors.As(err, &refused) || refused.Code == wire.ErQueryInterrupted {
			return nil, context.Cause(ctx)
		}
	}
	return r, err
}

func (c *Conn) query(send func() error) (*Result, error) {
	if err := send(); err != nil {
		return nil, err
	}
	r := &Result{}
	for !c.Done() {
		p, err := c.Next()
		if err != nil {
			return nil, err
		}
		switch p.Kind {
		case KindErr:
			return nil, p.Err()
		case KindHead:
			r.Columns, r.Rows = nil, nil
		case KindColumn:
			name, ok := columnName(p.Payload)
			if !ok {
				return nil, c.protocol("a column definition that is none")
			}
			r.Columns = append(r.Columns, name)
		case KindRow:
			row, ok := textRow(p.Payload, len(r.Columns))
			if !ok {
				return nil, c.protocol("a row that is none")
			}
			r.Rows = append(r.Rows, row)
		case KindInfile: // nothing here has a file to give
			if err := c.SendData(nil); err != nil {
				return nil, err
			}
		case KindOK, KindEnd:
			r.Affected, r.InsertID, r.Warnings, r.Status = c.Affected, c.InsertID, c.Warnings, c.Status
			if p.Kind == KindOK {
				var ok wire.OK
				if err := wire.ParseOK(p.Payload, c.w.Caps(), &ok); err != nil {
					return nil, c.protocol("an OK that is none")
				}
				r.Info = bytes.Clone(ok.Info)
			}
		}
	}
	return r, nil
}

// columnName is the fifth string of a column definition: catalog, schema, table, original table, name.
func columnName(payload []byte) (string, bool) {
	var s []byte
	ok := true
	for range 5 {
		if s, payload, ok = wire.LenencBytes(payload); !ok {
			return "", false
		}
	}
	return string(s), true
}

// textRow copies a row of the text protocol.
func textRow(payload []byte, columns int) ([][]byte, bool) {
	row := make([][]byte, 0, columns)
	for range columns {
		if len(payload) > 0 && payload[0] == 0xfb {
			row, payload = append(row, nil), payload[1:]
			continue
		}
		s, rest, ok := wire.LenencBytes(payload)
		if !ok {
			return nil, false
		}
		row, payload = append(row, append(make([]byte, 0, len(s)), s...)), rest
	}
	return row, len(payload) == 0
}
