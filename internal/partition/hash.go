package partition

import (
	"bytes"
	"math/bits"

	"github.com/orbweaver/orbweaver/internal/collate"
)

// hasher is MariaDB's hash of a row's KEY columns. It decides where rows are in tables that exist: it must never change.
type hasher struct{ a, b uint64 }

func newHasher() hasher { return hasher{a: 1, b: 4} }

func (h *hasher) null() { h.a ^= h.a<<1 | 1 }

func (h *hasher) add(v byte) {
	h.a ^= (h.a&63+h.b)*uint64(v) + h.a<<8
	h.b += 3
}

func (h *hasher) bytes(s []byte) {
	for _, v := range s {
		h.add(v)
	}
}

// swapped adds 16-bit weights, their low bytes first; as numbers of 32 bits, the high ones first.
func (h *hasher) swapped(w []byte, wide bool) {
	for i := 0; i+1 < len(w); i += 2 {
		if wide {
			h.bytes([]byte{0, 0, w[i], w[i+1]})
			continue
		}
		h.add(w[i+1])
		h.add(w[i])
	}
}

func (h *hasher) sum() uint64 { return uint64(uint32(h.a)) }

// reduce maps the hash of a KEY or the value of a HASH to one of n partitions.
func reduce(v uint64, n int, linear bool) int {
	if !linear {
		r := int64(v) % int64(n)
		if r < 0 {
			r = -r
		}
		return int(r)
	}
	mask := uint64(1)<<bits.Len(uint(n-1)) - 1
	if p := v & mask; p < uint64(n) {
		return int(p)
	}
	return int(v & (mask >> 1))
}

// numeric is the collation by which MariaDB hashes the bytes of numbers, of all things.
var numeric = collate.Lookup("latin1_swedish_ci")

// folded adds the bytes of a number, as if they were text.
func (h *hasher) folded(b []byte) error {
	var buf [64]byte
	w, err := numeric.AppendWeights(buf[:0], bytes.TrimRight(b, " "))
	h.bytes(w)
	return err
}

// number says whether the type's bytes are hashed as text since ALGORITHM=2.
func (f *field) number() bool {
	switch f.typ {
	case "tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "float", "double", "year":
		return true
	}
	return false
}
