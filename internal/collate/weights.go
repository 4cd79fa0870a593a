package collate

import (
	"bytes"
	"unicode/utf8"
)

// AppendWeights appends the weights of s, a string in the collation's character set: what WEIGHT_STRING(s) is. ErrAskLeaf says that only
// a leaf knows them, ErrInvalid that s is no string of the character set.
func (c *Collation) AppendWeights(dst, s []byte) ([]byte, error) {
	if c.enc == encBinary {
		return append(dst, s...), nil
	}
	t := c.table
	if t == nil {
		return dst, ErrAskLeaf
	}
	t.once.Do(t.unpack)
	switch c.enc {
	case encByte, encASCII:
		for _, b := range s {
			if int(b) >= len(t.low) {
				return dst, ErrAskLeaf
			}
			e := t.low[b]
			n := e & entryLen
			if n == entryInvalid {
				return dst, ErrInvalid
			}
			off := e &^ entryOffset >> entryLenBits
			dst = append(dst, t.pool[off:off+n]...)
		}
		return dst, nil
	case encUTF8:
		return t.appendUTF8(dst, s)
	}
	return dst, ErrAskLeaf
}

func (t *table) appendUTF8(dst, s []byte) ([]byte, error) {
	head := false // the character before may begin a contraction
	for i := 0; i < len(s); {
		var e uint32
		if s[i] < utf8.RuneSelf {
			e = t.low[s[i]]
			i++
		} else {
			r, n := utf8.DecodeRune(s[i:])
			if n < 2 || int(r)/pageSize >= len(t.pages) {
				return dst, ErrInvalid
			}
			i += n
			switch p := &t.pages[r/pageSize]; p.kind {
			case pageExplicit:
				e = p.entries[r%pageSize]
			case pageIdentity2:
				dst, head = append(dst, byte(r>>8), byte(r)), false
				continue
			case pageIdentity3:
				dst, head = append(dst, byte(r>>16), byte(r>>8), byte(r)), false
				continue
			case pageImplicit:
				a, b := p.base+uint16(r>>15), uint16(r)&0x7fff|0x8000
				dst, head = append(dst, byte(a>>8), byte(a), byte(b>>8), byte(b)), false
				continue
			default:
				return dst, ErrAskLeaf
			}
		}
		if head && e&entrySecond != 0 {
			return dst, ErrAskLeaf
		}
		head = e&entryHead != 0
		n := e & entryLen
		if n == entryInvalid {
			return dst, ErrInvalid
		}
		off := e &^ entryOffset >> entryLenBits
		dst = append(dst, t.pool[off:off+n]...)
	}
	return dst, nil
}

// Whole says whether AppendWeights knows every string of the collation's character set, character by character: a node can then compare such
// strings by itself.
func (c *Collation) Whole() bool {
	if c.table == nil || c.levels != 1 || !c.Sound() || c.enc != encByte && c.enc != encUTF8 {
		return false
	}
	c.table.once.Do(c.table.unpack)
	return c.table.whole
}

// Comparer compares strings of one collation that is Whole, as they are. It is for one goroutine.
type Comparer struct {
	c    *Collation
	x, y []byte
}

// NewComparer makes a Comparer for a collation that is Whole.
func NewComparer(c *Collation) *Comparer {
	c.table.once.Do(c.table.unpack)
	return &Comparer{c: c}
}

// Compare orders two strings. Bytes that are no string of the character set are ordered as bytes.
func (p *Comparer) Compare(a, b []byte) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	if n == len(a) && n == len(b) {
		return 0
	}
	if p.c.enc == encUTF8 { // back to where a character begins in both
		for n > 0 && (n < len(a) && a[n]&0xc0 == 0x80 || n < len(b) && b[n]&0xc0 == 0x80) {
			n--
		}
	}
	a, b = a[n:], b[n:]
	r, n := p.c.table.decide(a, b)
	if r != 0 {
		return r
	}
	a, b = a[n:], b[n:]
	var err1, err2 error
	p.x, err1 = p.c.AppendWeights(p.x[:0], a)
	p.y, err2 = p.c.AppendWeights(p.y[:0], b)
	if err1 != nil || err2 != nil {
		return bytes.Compare(a, b)
	}
	return p.c.Compare(p.x, p.y)
}

// decide compares as long as both strings have ASCII characters (of encByte: any) with weights of one length: the first difference decides, and
// most comparisons end there. n is how far it came without one.
func (t *table) decide(a, b []byte) (r, n int) {
	for n < len(a) && n < len(b) {
		if int(a[n]) >= len(t.low) || int(b[n]) >= len(t.low) || len(t.pages) > 0 && (a[n] >= utf8.RuneSelf || b[n] >= utf8.RuneSelf) {
			return 0, n
		}
		if x, y := t.low[a[n]], t.low[b[n]]; x != y {
			size := x & entryLen
			if size == 0 || size == entryInvalid || y&entryLen != size {
				return 0, n
			}
			i, j := x&^entryOffset>>entryLenBits, y&^entryOffset>>entryLenBits
			if r := bytes.Compare(t.pool[i:i+size], t.pool[j:j+size]); r != 0 {
				return r, n
			}
		}
		n++
	}
	return 0, n
}
