package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
)

// These mirror package collate's numbers, which are the file's format.
const (
	encByte  = 2
	encASCII = 3
	encUTF8  = 4

	pageExplicit  = 0
	pageIdentity2 = 1
	pageIdentity3 = 2
	pageImplicit  = 3

	invalid = 63
	magic   = "OWC1"
)

// pack makes a table, or finds the same one made before.
func (g *generator) pack(low []entry, pages [][]entry, b []byte) int {
	b = binary.AppendUvarint(b, uint64(len(low)))
	b = appendEntries(b, low)
	b = binary.AppendUvarint(b, uint64(len(pages)))
	explicit := map[string]int{}
	var bodies, list []byte
	for p, es := range pages {
		arg, kind := classify(p, es)
		if kind == pageExplicit {
			body := string(appendEntries(nil, es))
			n, ok := explicit[body]
			if !ok {
				n = len(explicit)
				explicit[body] = n
				bodies = append(bodies, body...)
			}
			arg = n
		}
		list = binary.AppendUvarint(binary.AppendUvarint(list, uint64(kind)), uint64(arg))
	}
	b = binary.AppendUvarint(b, uint64(len(explicit)))
	b = append(append(b, bodies...), list...)

	if n, ok := g.tables[string(b)]; ok {
		return n
	}
	var z bytes.Buffer
	w, _ := gzip.NewWriterLevel(&z, gzip.BestCompression)
	if _, err := w.Write(b); err != nil {
		panic(err) // a buffer does not fail
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	n := len(g.packed)
	g.packed = append(g.packed, z.Bytes())
	g.tables[string(b)] = n
	return n
}

func appendEntries(b []byte, es []entry) []byte {
	for _, e := range es {
		var flags byte
		if e.head {
			flags |= 1
		}
		if e.second {
			flags |= 2
		}
		if e.invalid {
			b = append(b, invalid, flags)
			continue
		}
		if len(e.w) >= invalid {
			panic(fmt.Sprintf("%d bytes of weights for one character", len(e.w)))
		}
		b = append(append(b, byte(len(e.w)), flags), e.w...)
	}
	return b
}

// encode writes the whole file.
func (g *generator) encode(list []*collation) []byte {
	b := []byte(magic)
	b = binary.AppendUvarint(b, uint64(len(list)))
	str := func(s []byte) { b = append(binary.AppendUvarint(b, uint64(len(s))), s...) }
	for _, c := range list {
		b = binary.AppendUvarint(b, uint64(c.id))
		str([]byte(c.name))
		str([]byte(c.charset))
		var d uint64
		if c.isDefault {
			d = 1
		}
		b = binary.AppendUvarint(b, d)
		b = binary.AppendUvarint(b, uint64(c.levels))
		b = binary.AppendUvarint(b, uint64(c.enc))
		for _, p := range c.pad {
			str(p)
		}
		b = binary.AppendUvarint(b, uint64(c.table+1))
	}
	b = binary.AppendUvarint(b, uint64(len(g.packed)))
	for _, t := range g.packed {
		str(t)
	}
	return b
}
