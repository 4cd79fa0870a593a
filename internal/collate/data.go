package collate

import (
	"bytes"
	"compress/gzip"
	_ "embed" // the tables
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"sync"
)

// encoding says how a string of a collation is read.
type encoding uint8

const (
	encAsk    encoding = iota // no table
	encBinary                 // bytes are weights
	encByte                   // one byte a character, 256 entries
	encASCII                  // bytes below 0x80 have entries, of the others only a leaf knows
	encUTF8                   // pages of code points
)

// weightsFile is what gen writes: a list of collations, then the tables, each compressed by itself, since few are used at a time.
//
//go:embed weights.bin
var weightsFile []byte

type index struct {
	byName map[string]*Collation
	byID   map[uint16]*Collation
}

var load = sync.OnceValue(func() *index {
	x, err := parseIndex(weightsFile)
	if err != nil {
		panic(fmt.Sprintf("collate: the embedded tables are damaged: %v", err)) // a broken build, nothing that a caller could mend
	}
	return x
})

// The kinds of pages of a table for UTF-8.
const (
	pageExplicit  = iota // 256 entries
	pageIdentity2        // the code point in two bytes
	pageIdentity3        // the code point in three bytes
	pageImplicit         // the UCA's implicit weights from a base
	pageUnknown          // ask
)

// Bits of an entry: offset into the pool, length, flags.
const (
	entryLenBits   = 6
	entryLen       = 1<<entryLenBits - 1
	entryInvalid   = entryLen // no character
	entryHead      = 1 << 31  // may begin a contraction
	entrySecond    = 1 << 30  // may be the second character of one
	entryOffset    = entryHead | entrySecond
	pageSize       = 256
	fileMagic      = "OWC1"
	tableFlagHead  = 1
	tableFlagSecnd = 2
)

type table struct {
	packed []byte
	once   sync.Once
	whole  bool     // every character has an entry, and none depends on its neighbour
	low    []uint32 // entries of bytes (encByte, encASCII) or of the first page
	pages  []page   // encUTF8
	pool   []byte
}

type page struct {
	kind    byte
	base    uint16
	entries []uint32
}

func parseIndex(b []byte) (*index, error) {
	r := &fileReader{b: b}
	if string(r.take(len(fileMagic))) != fileMagic {
		return nil, io.ErrUnexpectedEOF
	}
	x := &index{byName: map[string]*Collation{"binary": Binary}, byID: map[uint16]*Collation{Binary.ID: Binary}}
	type ref struct {
		c     *Collation
		table int
	}
	var refs []ref
	for range r.uvarint() {
		c := &Collation{ID: uint16(r.uvarint()), Name: string(r.bytes()), Charset: string(r.bytes())}
		r.uvarint() // whether it is its character set's default
		c.levels, c.enc = int(r.uvarint()), encoding(r.uvarint())
		for l := range c.pad {
			c.pad[l] = r.bytes()
		}
		refs = append(refs, ref{c, int(r.uvarint()) - 1})
		x.byName[c.Name], x.byID[c.ID] = c, c
	}
	tables := make([]*table, r.uvarint())
	for i := range tables {
		tables[i] = &table{packed: r.bytes()}
	}
	if r.bad || len(r.b) != 0 {
		return nil, io.ErrUnexpectedEOF
	}
	for _, name := range unsound {
		if c := x.byName[name]; c != nil {
			c.unsound = true
		}
	}
	for name, c := range x.byName {
		c.unsound = c.unsound || strings.HasSuffix(name, unsoundSuffix)
	}
	for _, f := range refs {
		if f.table >= 0 {
			f.c.table = tables[f.table]
		}
	}
	return x, nil
}

// unpack reads the table at its first use.
func (t *table) unpack() {
	z, err := gzip.NewReader(bytes.NewReader(t.packed))
	if err != nil {
		panic(fmt.Sprintf("collate: an embedded table is damaged: %v", err))
	}
	b, err := io.ReadAll(z)
	if err != nil {
		panic(fmt.Sprintf("collate: an embedded table is damaged: %v", err))
	}
	r := &fileReader{b: b}
	t.low = r.entries(int(r.uvarint()), t)
	t.pages = make([]page, r.uvarint())
	explicit := make([][]uint32, r.uvarint())
	for i := range explicit {
		explicit[i] = r.entries(pageSize, t)
	}
	for i := range t.pages {
		p := &t.pages[i]
		p.kind = byte(r.uvarint())
		n := r.uvarint()
		switch p.kind {
		case pageExplicit:
			p.entries = explicit[n]
		case pageImplicit:
			p.base = uint16(n)
		}
	}
	if r.bad {
		panic("collate: an embedded table is cut short")
	}
	if len(t.pages) > 0 {
		t.low = t.pages[0].entries
	}
	t.whole = t.isWhole()
}

// isWhole says whether the table knows the weights of every string, character by character.
func (t *table) isWhole() bool {
	alone := func(entries []uint32) bool {
		for _, e := range entries {
			if e&entryHead != 0 {
				return false
			}
		}
		return true
	}
	for i := range t.pages {
		if t.pages[i].kind == pageUnknown || !alone(t.pages[i].entries) {
			return false
		}
	}
	return alone(t.low)
}

type fileReader struct {
	b   []byte
	bad bool
}

func (r *fileReader) take(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.bad, r.b = true, nil
		return nil
	}
	s := r.b[:n:n]
	r.b = r.b[n:]
	return s
}

func (r *fileReader) uvarint() int {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return int(v)
}

func (r *fileReader) bytes() []byte { return r.take(r.uvarint()) }

// entries reads n entries: a byte of length, one of flags, the weights.
func (r *fileReader) entries(n int, t *table) []uint32 {
	out := make([]uint32, n)
	for i := range out {
		h := r.take(2)
		if h == nil {
			return out
		}
		e := uint32(h[0])
		if h[1]&tableFlagHead != 0 {
			e |= entryHead
		}
		if h[1]&tableFlagSecnd != 0 {
			e |= entrySecond
		}
		if h[0] != entryInvalid {
			w := r.take(int(h[0]))
			e |= uint32(len(t.pool)) << entryLenBits
			t.pool = append(t.pool, w...)
		}
		out[i] = e
	}
	return out
}
