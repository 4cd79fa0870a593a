package exec

import (
	"bytes"
	"context"
	"errors"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// sessionBits are the bits of a status that are the session's to say, not the connection's.
const sessionBits = txn.StatusMask | wire.StatusMoreResults

// errAsksFile: a server asks for a file in the midst of a statement that has none. It gets none, and its connection is closed.
var errAsksFile = errorf(wire.ErMalformedPacket, "The server asks for a file of the client's")

// relay gives packets of one answer to the client as they come, with the partition's name replaced and the session's status put in.
type relay struct {
	st     *Statement
	place  txn.Place // zero where parts of several places are put together
	schema string    // the partition's database, as leaves say it
	db     string    // as clients know it
	// quiet keeps an OK for the caller: writes whose parts are added up.
	quiet bool
	// hold keeps the packet after the last row in last: of a write that returns rows it is the acknowledgement.
	hold bool
	last []byte
	err  *wire.ServerError // of the answer
	// verbatim: the text is the client's, and so are the columns' names.
	verbatim bool
	// patience waits for the packets of a remote server.
	patience *patience
	// The column that comes next, of how many; counted where the plan names columns.
	column, columns int
}

// packet handles one packet of the answer.
func (l *relay) packet(p backend.Packet) error {
	st, out := l.st, l.st.Out
	switch p.Kind {
	case backend.KindRow:
		st.out.Rows++
		return out.Packet(p.Payload)
	case backend.KindColumn:
		var b []byte
		var err error
		if l.place.Remote != nil {
			b, err = st.local(p.Payload, l.place)
		} else {
			rw := wire.ColumnRewrite{From: l.schema, To: l.db, Server: out.Caps(), Client: out.Caps()}
			b, err = rw.Append(st.buf[:0], p.Payload)
		}
		if err != nil {
			return err
		}
		st.buf = b
		if l.verbatim && len(st.Plan.Copies) > 0 {
			if b, err = st.unversioned(b); err != nil {
				return err
			}
		}
		if l.verbatim && l.column < len(st.heads) {
			if b, err = st.told(b, st.heads[l.column]); err != nil {
				return err
			}
			l.column++
		}
		if len(st.Plan.Names) > 0 && !l.verbatim {
			if b, err = st.named(b, l.column, l.columns); err != nil {
				return err
			}
			l.column++
		}
		return out.Packet(b)
	case backend.KindHead:
		if len(st.Plan.Names) > 0 && !l.verbatim {
			n, _, err := wire.ParseColumnCount(p.Payload, out.Caps())
			if err != nil {
				return err
			}
			l.column, l.columns = 0, n
		}
		st.out.Begun, st.out.HasRows = true, true
		return out.Packet(p.Payload)
	case backend.KindColumnsEnd:
		return l.patched(p.Payload, 0)
	case backend.KindEnd:
		s, err := wire.PeekStatus(p.Payload, out.Caps())
		if err != nil {
			return err
		}
		if l.hold && s&wire.StatusMoreResults == 0 {
			l.last = append(l.last, p.Payload...)
			return nil
		}
		return l.patched(p.Payload, s&wire.StatusMoreResults)
	case backend.KindOK:
		return l.ok(p.Payload)
	case backend.KindInfile:
		return errAsksFile
	case backend.KindErr:
		if l.place.Remote != nil {
			l.err = st.linkedAnswer(l.place, p.Err())
			return nil
		}
		l.err = logical(p.Err(), l.schema, l.db)
	}
	return nil
}

// named is the definition of one of the client's n columns under the name that the client's text gives it.
func (st *Statement) named(def []byte, column, n int) ([]byte, error) {
	for _, c := range st.Plan.Names {
		if int(c.Col) != column && int(c.Col)+n != column {
			continue
		}
		var d wire.Column
		if err := wire.ParseColumn(def, st.Out.Caps(), &d); err != nil {
			return nil, err
		}
		text := Title(st.Scan.Text(c.Span))
		if bytes.Equal(d.OrgName, d.Name) { // a stored function's has its text twice
			d.OrgName = text
		}
		d.Name = text
		return wire.AppendColumn(nil, st.Out.Caps(), &d), nil
	}
	return def, nil
}

// told is what is told of a column by the definition of what is run and own, that of the client's text.
func (st *Statement) told(def, own []byte) ([]byte, error) {
	var a, b wire.Column
	if err := errors.Join(wire.ParseColumn(def, st.Out.Caps(), &a), wire.ParseColumn(own, st.Out.Caps(), &b)); err != nil || st.headed && a.Type == b.Type {
		return own, err
	}
	a.Schema, a.Table, a.OrgTable, a.Name, a.OrgName = b.Schema, b.Table, b.OrgTable, b.Name, b.OrgName
	return wire.AppendColumn(nil, st.Out.Caps(), &a), nil
}

// unversioned is the definition of a column of a copy under the name of the table that it is a copy of.
func (st *Statement) unversioned(def []byte) ([]byte, error) {
	var d wire.Column
	if err := wire.ParseColumn(def, st.Out.Caps(), &d); err != nil {
		return nil, err
	}
	for i := range st.Plan.Fills {
		if f := &st.Plan.Fills[i]; f.Of != nil && string(d.OrgTable) == f.Table.Name && string(d.Schema) == f.Table.DB {
			d.OrgTable = []byte(f.Of.Name)
			return wire.AppendColumn(nil, st.Out.Caps(), &d), nil
		}
	}
	return def, nil
}

// patched relays an EOF or OK with the session's status in place of the connection's.
func (l *relay) patched(payload []byte, more wire.Status) error {
	caps := l.st.Out.Caps()
	s, err := wire.PeekStatus(payload, caps)
	if err != nil {
		return err
	}
	if err := wire.PatchStatus(payload, caps, s&^sessionBits|l.st.Out.Status()|more); err != nil {
		return err
	}
	l.st.out.Status = s
	return l.st.Out.Packet(payload)
}

func (l *relay) ok(payload []byte) error {
	caps := l.st.Out.Caps()
	var ok wire.OK
	if err := wire.ParseOK(payload, caps, &ok); err != nil {
		return err
	}
	o := &l.st.out
	o.Affected, o.InsertID, o.Warnings, o.Status = ok.AffectedRows, ok.InsertID, ok.Warnings, ok.Status
	o.Info = append(o.Info[:0], ok.Info...)
	if l.quiet {
		return nil
	}
	if ok.Status&wire.StatusMoreResults != 0 { // a result in the midst of several: CALL
		o.Begun = true
		ok.Status = ok.Status&^sessionBits | l.st.Out.Status() | wire.StatusMoreResults
		ok.Track = nil
		return l.st.Out.Packet(wire.AppendOK(l.st.buf[:0], caps, &ok))
	}
	return nil
}

// drain reads an answer from a connection to its end and gives its packets to the client. The error is the backend's or the client's; the
// answer's own error is in l.err.
func (l *relay) drain(c *backend.Conn) error {
	for {
		p, err := l.patience.next(c)
		if err != nil {
			return err
		}
		if err := l.packet(p); err != nil {
			return err
		}
		if c.Done() {
			l.st.out.Warnings = c.Warnings
			return nil
		}
	}
}

// writeOK gives the client the OK packet of a statement without rows, from the outcome.
func (st *Statement) writeOK() error {
	st.out.Begun = true
	st.buf = wire.AppendOK(st.buf[:0], st.Out.Caps(), &wire.OK{
		AffectedRows: st.out.Affected,
		InsertID:     st.out.InsertID,
		Status:       st.out.Status&^sessionBits | st.Out.Status(),
		Warnings:     st.out.Warnings,
		Info:         st.out.Info,
	})
	return st.Out.Packet(st.buf)
}

// notes fetches the text of a statement's warnings from the connection that ran it, before others use it.
func (st *Statement) notes(ctx context.Context, c *backend.Conn, place txn.Place) error {
	if c.Warnings == 0 || c.Broken() {
		return nil
	}
	warnings := c.Warnings
	res, err := c.Query(ctx, "SHOW WARNINGS")
	if err != nil {
		return err
	}
	c.Warnings = warnings
	for _, row := range res.Rows {
		if len(row) < 3 {
			continue
		}
		m := string(row[2])
		if place.Remote != nil {
			m = st.localNames(place, m)
		} else if place.Schema != "" {
			if r := renamed(row[2], place.Schema, st.logicalDB(place)); r != nil {
				m = string(r)
			}
		}
		st.out.Notes = append(st.out.Notes, Note{Level: string(row[0]), Code: string(row[1]), Message: m})
	}
	return nil
}
