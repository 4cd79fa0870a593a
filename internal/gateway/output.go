package gateway

import (
	"errors"
	"io"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// output gives answers to the client; it is what exec writes to.
type output struct {
	s *session
	// more: another result follows the one that is being written.
	more bool
	// modes are those that a status tells of; nil: the session's.
	modes *sqltext.Mode
	// track is the session state that the next OK tells of.
	track []byte
}

// Caps are the client's capabilities.
func (o *output) Caps() wire.Caps { return o.s.conn.Caps() }

// Status is the session's part of a status.
func (o *output) Status() wire.Status {
	st := wire.StatusAutocommit
	if o.s.tx != nil {
		st = o.s.tx.Status()
		if o.s.xaState() == xaPrepared {
			st |= wire.StatusInTrans
		}
	}
	m := &o.s.sess.Mode
	if o.modes != nil {
		m = o.modes
	}
	if m.NoBackslashEscapes {
		st |= wire.StatusNoBackslashEscape
	}
	if m.ANSIQuotes {
		st |= wire.StatusAnsiQuotes
	}
	if o.more {
		st |= wire.StatusMoreResults
	}
	return st
}

// Packet writes one packet.
func (o *output) Packet(payload []byte) error {
	o.s.g.stats.bytesOut.Add(uint64(len(payload)))
	return o.s.conn.AppendPacket(payload)
}

// ok answers a command that has no rows.
func (o *output) ok(ok wire.OK) error {
	ok.Status |= o.Status()
	ok.Track = o.track
	o.track = nil
	return o.s.conn.FinishPacket(wire.AppendOK(o.s.conn.StartPacket(), o.Caps(), &ok))
}

// fail writes an error packet.
func (o *output) fail(e *wire.ServerError) error {
	o.s.g.stats.errors.Add(1)
	return o.s.conn.FinishPacket(wire.AppendError(o.s.conn.StartPacket(), e))
}

// errNoLocalInfile: the client did not say that it can send files.
var errNoLocalInfile = wire.Errorf(4166, "The used command is not allowed because the MariaDB server or client has disabled the local infile capability")

// File asks the client for a file.
func (o *output) File(name string) (io.Reader, error) {
	if !o.Caps().Has(wire.ClientLocalFiles) {
		return nil, errNoLocalInfile
	}
	c := o.s.conn
	if err := c.FinishPacket(wire.AppendLocalInfile(c.StartPacket(), name)); err != nil {
		return nil, err
	}
	if err := c.Flush(); err != nil {
		return nil, err
	}
	return &fileReader{c: c}, nil
}

// skip reads what is left of the file.
func (f *fileReader) skip() error {
	for {
		packet, err := f.c.ReadPacket()
		switch {
		case errors.Is(err, wire.ErrPacketTooLarge):
		case err != nil:
			return err
		case len(packet) == 0:
			return nil
		}
	}
}

// fileReader reads what a client sends of a file: packets up to an empty one.
type fileReader struct {
	c    *wire.Conn
	rest []byte
	err  error
}

func (f *fileReader) Read(p []byte) (int, error) {
	for len(f.rest) == 0 {
		if f.err != nil {
			return 0, f.err
		}
		packet, err := f.c.ReadPacket()
		switch {
		case err == io.EOF: // the file had no end
			f.err = io.ErrUnexpectedEOF
		case errors.Is(err, wire.ErrPacketTooLarge):
			// The rest of the file follows: nothing of it may be taken for a command.
			if f.err = f.skip(); f.err == nil {
				f.err = wire.Errorf(wire.ErNetPacketTooLarge, "Got a packet bigger than 'max_allowed_packet' bytes")
			}
		case err != nil:
			f.err = err
		case len(packet) == 0:
			f.err = io.EOF
		}
		f.rest = packet
	}
	n := copy(p, f.rest)
	f.rest = f.rest[n:]
	return n, nil
}
