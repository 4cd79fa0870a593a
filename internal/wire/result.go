package wire

import (
	"bytes"
	"encoding/binary"
)

// The first bytes of responses.
const (
	headerOK     = 0x00
	headerInfile = 0xfb
	headerEOF    = 0xfe
	headerErr    = 0xff
)

// OK is an OK packet, or the EOF packet that ends a result. Its slices point into the payload it was parsed from.
type OK struct {
	AffectedRows uint64
	InsertID     uint64
	Status       Status
	Warnings     uint16
	Info         []byte
	// Track is the session state that changed, still encoded; read it with [NextTrack]. It is only sent to a client with
	// ClientSessionTrack, and StatusStateChanged is set and cleared by it when encoding.
	Track []byte
}

// IsOK reports whether payload is an OK packet that answers a command (not the one that ends a result).
func IsOK(payload []byte) bool { return len(payload) > 0 && payload[0] == headerOK }

// IsError reports whether payload is an error packet. Progress reports look alike: see [IsProgress].
func IsError(payload []byte) bool { return len(payload) > 0 && payload[0] == headerErr }

// IsProgress reports whether payload is one of MariaDB's progress reports, sent only when MariaDBProgress was negotiated.
func IsProgress(payload []byte) bool {
	return len(payload) >= 3 && payload[0] == headerErr && payload[1] == 0xff && payload[2] == 0xff
}

// IsLocalInfile reports whether payload, as the first packet of a response, asks the client for a file.
func IsLocalInfile(payload []byte) bool { return len(payload) > 0 && payload[0] == headerInfile }

// IsEOF reports whether payload, where a row could be, ends the rows: an EOF packet, or with ClientDeprecateEOF the OK packet in
// its place. A row that begins with 0xfe has a first value of 16 MiB or more, and so a payload as long.
func IsEOF(payload []byte, caps Caps) bool {
	if len(payload) == 0 || payload[0] != headerEOF {
		return false
	}
	if caps&ClientDeprecateEOF != 0 {
		return len(payload) < MaxPayload
	}
	return len(payload) < 9
}

// AppendOK appends an OK packet as a peer with caps reads it.
func AppendOK(dst []byte, caps Caps, ok *OK) []byte { return appendOK(append(dst, headerOK), caps, ok) }

func appendOK(dst []byte, caps Caps, ok *OK) []byte {
	dst = AppendLenencInt(dst, ok.AffectedRows)
	dst = AppendLenencInt(dst, ok.InsertID)
	status := ok.Status &^ StatusStateChanged
	track := caps&ClientSessionTrack != 0
	if track && len(ok.Track) > 0 {
		status |= StatusStateChanged
	}
	dst = binary.LittleEndian.AppendUint16(dst, uint16(status))
	dst = binary.LittleEndian.AppendUint16(dst, ok.Warnings)
	track = track && len(ok.Track) > 0
	if len(ok.Info) > 0 || track {
		dst = AppendLenencBytes(dst, ok.Info)
	}
	if track {
		dst = AppendLenencBytes(dst, ok.Track)
	}
	return dst
}

// AppendEOF appends what ends a result's rows for a peer with caps: an EOF packet, or with ClientDeprecateEOF an OK packet, of
// which Track and Info are kept.
func AppendEOF(dst []byte, caps Caps, ok *OK) []byte {
	if caps&ClientDeprecateEOF != 0 {
		return appendOK(append(dst, headerEOF), caps, ok)
	}
	dst = append(dst, headerEOF)
	dst = binary.LittleEndian.AppendUint16(dst, ok.Warnings)
	return binary.LittleEndian.AppendUint16(dst, uint16(ok.Status&^StatusStateChanged))
}

// ParseOK reads an OK packet, or one that ends rows (see [IsEOF]), as a peer with caps writes it.
func ParseOK(payload []byte, caps Caps, ok *OK) error {
	*ok = OK{}
	r := reader{p: payload}
	if h := r.u8(); h == headerEOF && caps&ClientDeprecateEOF == 0 {
		if len(payload) == 1 { // before protocol 4.1
			return nil
		}
		ok.Warnings, ok.Status = r.u16(), Status(r.u16())
		return r.err()
	} else if h != headerOK && h != headerEOF {
		return ErrMalformed
	}
	ok.AffectedRows = r.lenenc()
	ok.InsertID = r.lenenc()
	ok.Status = Status(r.u16())
	ok.Warnings = r.u16()
	// MariaDB writes the length before it also where the protocol's description has the rest of the packet.
	if len(r.p) > 0 {
		ok.Info = r.lenencBytes()
	}
	if caps&ClientSessionTrack != 0 && ok.Status&StatusStateChanged != 0 && len(r.p) > 0 {
		ok.Track = r.lenencBytes()
	}
	return r.err()
}

// PatchStatus replaces the status flags of an OK or EOF payload in place, where nothing else has to change: no
// re-encoding for a relay. StatusStateChanged keeps its value, since it tells how to read the packet.
func PatchStatus(payload []byte, caps Caps, status Status) error {
	at, err := statusAt(payload, caps)
	if err != nil {
		return err
	}
	old := Status(binary.LittleEndian.Uint16(payload[at:]))
	binary.LittleEndian.PutUint16(payload[at:], uint16(status&^StatusStateChanged|old&StatusStateChanged))
	return nil
}

// PeekStatus reads the status flags of an OK or EOF payload.
func PeekStatus(payload []byte, caps Caps) (Status, error) {
	at, err := statusAt(payload, caps)
	if err != nil {
		return 0, err
	}
	return Status(binary.LittleEndian.Uint16(payload[at:])), nil
}

func statusAt(payload []byte, caps Caps) (int, error) {
	r := reader{p: payload}
	if r.u8() == headerEOF && caps&ClientDeprecateEOF == 0 {
		r.u16()
	} else {
		r.lenenc()
		r.lenenc()
	}
	if r.bad || len(r.p) < 2 {
		return 0, ErrMalformed
	}
	return len(payload) - len(r.p), nil
}

// AppendError appends an error packet.
func AppendError(dst []byte, e *ServerError) []byte {
	dst = append(dst, headerErr, byte(e.Code), byte(e.Code>>8))
	if e.State != "" {
		dst = append(dst, '#')
		dst = append(dst, e.State...)
		for n := len(e.State); n < 5; n++ {
			dst = append(dst, '0')
		}
	}
	return append(dst, e.Message...)
}

// ParseError reads an error packet. What is not one gives an error that is [ErrMalformed] instead.
func ParseError(payload []byte) (*ServerError, error) {
	r := reader{p: payload}
	if r.u8() != headerErr {
		return nil, ErrMalformed
	}
	e := &ServerError{Code: r.u16()}
	if len(r.p) >= 6 && r.p[0] == '#' {
		e.State = string(r.p[1:6])
		r.p = r.p[6:]
	}
	e.Message = string(r.p)
	return e, r.err()
}

// AppendLocalInfile appends the request for a file of the client.
func AppendLocalInfile(dst []byte, name string) []byte {
	return append(append(dst, headerInfile), name...)
}

// ParseLocalInfile reads the request for a file.
func ParseLocalInfile(payload []byte) (name string, err error) {
	if !IsLocalInfile(payload) {
		return "", ErrMalformed
	}
	return string(payload[1:]), nil
}

// AppendColumnCount appends the packet that begins a result whose column definitions follow.
func AppendColumnCount(dst []byte, caps Caps, n int) []byte {
	dst = AppendLenencInt(dst, uint64(n))
	if caps&MariaDBCacheMetadata != 0 {
		dst = append(dst, 1)
	}
	return dst
}

// ParseColumnCount reads the packet that begins a result. follow tells whether column definitions do follow: always,
// unless MariaDBCacheMetadata was negotiated.
func ParseColumnCount(payload []byte, caps Caps) (n int, follow bool, err error) {
	r := reader{p: payload}
	c := r.lenenc()
	follow = true
	if caps&MariaDBCacheMetadata != 0 {
		follow = r.u8() != 0
	}
	// A table has at most 4096 columns, and so has a result.
	if r.bad || len(r.p) != 0 || c == 0 || c > 1<<16 {
		return 0, false, ErrMalformed
	}
	return int(c), follow, nil
}

// TrackType is the kind of a change in [OK].Track.
type TrackType byte

// The kinds of changes.
const (
	TrackSystemVariable TrackType = 0
	TrackSchema         TrackType = 1
	TrackStateChange    TrackType = 2
	TrackGTIDs          TrackType = 3
	TrackTransaction    TrackType = 4
	TrackTransState     TrackType = 5
)

// NextTrack splits the first change off an OK's Track.
func NextTrack(track []byte) (typ TrackType, data, rest []byte, ok bool) {
	if len(track) == 0 {
		return 0, nil, nil, false
	}
	data, rest, ok = LenencBytes(track[1:])
	return TrackType(track[0]), data, rest, ok
}

// NextVariable splits a name and value off the data of a TrackSystemVariable; MariaDB puts several there.
func NextVariable(data []byte) (name, value, rest []byte, ok bool) {
	name, rest, ok = LenencBytes(data)
	if !ok {
		return nil, nil, nil, false
	}
	value, rest, ok = LenencBytes(rest)
	return name, value, rest, ok
}

// TrackedVariable returns the new value of a session variable that the server tracks; ok is false where it did not change. The
// last change counts.
func (o *OK) TrackedVariable(name string) (value []byte, ok bool) {
	track := o.Track
	for {
		typ, data, rest, more := NextTrack(track)
		if !more {
			return value, ok
		}
		track = rest
		for typ == TrackSystemVariable {
			n, v, r, more := NextVariable(data)
			if !more {
				break
			}
			if data = r; string(n) == name {
				value, ok = v, true
			}
		}
	}
}

// LastGTID returns the GTID of the transaction that was committed, nil where none was or the session does not track last_gtid.
func (o *OK) LastGTID() []byte {
	v, _ := o.TrackedVariable("last_gtid")
	return bytes.TrimSpace(v)
}

// TrackedSchema returns the new default database.
func (o *OK) TrackedSchema() (schema []byte, ok bool) {
	track := o.Track
	for {
		typ, data, rest, more := NextTrack(track)
		if !more {
			return schema, ok
		}
		track = rest
		if typ == TrackSchema {
			if s, _, good := LenencBytes(data); good {
				schema, ok = s, true
			}
		}
	}
}

// AppendTrackVariable appends a change of a system variable, for [OK].Track.
func AppendTrackVariable(dst []byte, name, value string) []byte {
	dst = append(dst, byte(TrackSystemVariable))
	dst = AppendLenencInt(dst, uint64(lenencSize(len(name))+lenencSize(len(value))))
	return AppendLenencBytes(AppendLenencBytes(dst, name), value)
}

// AppendTrackSchema appends a change of the default database, for [OK].Track.
func AppendTrackSchema(dst []byte, schema string) []byte {
	dst = append(dst, byte(TrackSchema))
	return AppendLenencBytes(AppendLenencInt(dst, uint64(lenencSize(len(schema)))), schema)
}

// lenencSize is what a string of n bytes takes with its length before it.
func lenencSize(n int) int {
	switch {
	case n < 251:
		return n + 1
	case n < 1<<16:
		return n + 3
	case n < 1<<24:
		return n + 4
	}
	return n + 9
}
