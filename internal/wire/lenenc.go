package wire

import (
	"bytes"
	"encoding/binary"
)

// nullMark is the first byte of a NULL in a text row, where a length would be.
const nullMark = 0xfb

// AppendLenencInt appends an integer in the length-encoded form.
func AppendLenencInt(dst []byte, n uint64) []byte {
	switch {
	case n < 251:
		return append(dst, byte(n))
	case n < 1<<16:
		return append(dst, 0xfc, byte(n), byte(n>>8))
	case n < 1<<24:
		return append(dst, 0xfd, byte(n), byte(n>>8), byte(n>>16))
	}
	return binary.LittleEndian.AppendUint64(append(dst, 0xfe), n)
}

// AppendLenencBytes appends a string with its length before it.
func AppendLenencBytes[T ~[]byte | ~string](dst []byte, s T) []byte {
	return append(AppendLenencInt(dst, uint64(len(s))), s...)
}

// AppendNull appends a text row's NULL.
func AppendNull(dst []byte) []byte { return append(dst, nullMark) }

// LenencInt reads a length-encoded integer at the start of p and returns what follows it.
func LenencInt(p []byte) (n uint64, rest []byte, ok bool) {
	if len(p) == 0 {
		return 0, p, false
	}
	switch c := p[0]; {
	case c < 251:
		return uint64(c), p[1:], true
	case c == 0xfc && len(p) >= 3:
		return uint64(p[1]) | uint64(p[2])<<8, p[3:], true
	case c == 0xfd && len(p) >= 4:
		return uint64(p[1]) | uint64(p[2])<<8 | uint64(p[3])<<16, p[4:], true
	case c == 0xfe && len(p) >= 9:
		return binary.LittleEndian.Uint64(p[1:]), p[9:], true
	}
	return 0, p, false
}

// LenencBytes reads a string with its length before it; s is a slice of p.
func LenencBytes(p []byte) (s, rest []byte, ok bool) {
	n, rest, ok := LenencInt(p)
	if !ok || n > uint64(len(rest)) {
		return nil, p, false
	}
	return rest[:n:n], rest[n:], true
}

// reader walks over a payload. Its first failure sticks, so that a parser checks once, at the end.
type reader struct {
	p   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.p) {
		r.bad, r.p = true, nil
		return nil
	}
	s := r.p[:n:n]
	r.p = r.p[n:]
	return s
}

func (r *reader) u8() uint8 {
	if s := r.take(1); s != nil {
		return s[0]
	}
	return 0
}

func (r *reader) u16() uint16 {
	if s := r.take(2); s != nil {
		return binary.LittleEndian.Uint16(s)
	}
	return 0
}

func (r *reader) u32() uint32 {
	if s := r.take(4); s != nil {
		return binary.LittleEndian.Uint32(s)
	}
	return 0
}

func (r *reader) lenenc() uint64 {
	n, rest, ok := LenencInt(r.p)
	if !ok {
		r.bad, r.p = true, nil
		return 0
	}
	r.p = rest
	return n
}

func (r *reader) lenencBytes() []byte {
	s, rest, ok := LenencBytes(r.p)
	if !ok {
		r.bad, r.p = true, nil
		return nil
	}
	r.p = rest
	return s
}

// cstring reads up to a NUL, which must be there.
func (r *reader) cstring() []byte {
	i := bytes.IndexByte(r.p, 0)
	if i < 0 {
		r.bad, r.p = true, nil
		return nil
	}
	s := r.p[:i:i]
	r.p = r.p[i+1:]
	return s
}

// cstringOrRest reads up to a NUL or, where there is none, to the end: some peers leave out the last NUL.
func (r *reader) cstringOrRest() []byte {
	if bytes.IndexByte(r.p, 0) < 0 {
		s := r.p
		r.p = nil
		return s
	}
	return r.cstring()
}

func (r *reader) err() error {
	if r.bad {
		return ErrMalformed
	}
	return nil
}
