package partition

import (
	"bytes"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/collate"
	"github.com/orbweaver/orbweaver/internal/shard"
)

// textHash says what of a string is hashed under a collation. Equal strings have equal hashes in all of them.
type textHash uint8

const (
	hashAsk     textHash = iota // only a leaf knows
	hashBytes                   // the bytes
	hashTrimmed                 // the bytes, without spaces at the end
	hashWeights                 // the weights, without those of spaces at the end
	hashSwapped                 // 16-bit weights, low byte first, without spaces at the end
	hashUCA                     // the weights of the first level, without those of spaces at the end
	hashByByte                  // the bytes, ASCII ones by their weights though they may be halves of characters
)

// manyBytes are the character sets other than UTF-8 in which a character may take several bytes, and what is hashed under their collations.
var manyBytes = map[string]textHash{
	"sjis": hashByByte, "cp932": hashByByte, "gbk": hashByByte, "big5": hashByByte, "gb2312": hashByByte, "euckr": hashByByte, "ujis": hashByByte,
	"eucjpms": hashByByte, "ucs2": hashSwapped, "utf16": hashSwapped, "utf16le": hashSwapped, "utf32": hashSwapped,
}

// strange are collations whose hash is not that of what WEIGHT_STRING tells.
var strange = map[string]bool{"latin2_czech_cs": true, "cp1250_czech_cs": true, "tis620_thai_ci": true, "tis620_thai_nopad_ci": true}

// newText reads what a CHAR or VARCHAR column's collation asks for.
func (f *field) newText(name string) {
	c := collate.Lookup(strings.ToLower(name))
	f.coll, f.text = c, hashAsk
	if c == nil || c == collate.Binary || strange[c.Name] {
		return
	}
	many := manyBytes[c.Charset]
	f.nopad = strings.Contains(c.Name, "_nopad_")
	f.space = []byte{' '}
	f.order, f.hash = newScale(c), newScale(c)
	if base, ok := primary(c.Name); ok {
		f.hash = newScale(collate.Lookup(base))
		f.nopad = false
	}
	if many == hashSwapped {
		f.space, _ = shard.Convert(f.space, "ascii", c.Charset)
	}
	switch {
	case strings.HasSuffix(c.Name, "_bin"):
		switch {
		case c.Charset == "utf32": // of all things by the weights of another one
			f.text = hashSwapped
			f.hash = newScale(collate.Lookup("utf32_general_ci"))
		case f.nopad:
			f.text = hashBytes
		default:
			f.text = hashTrimmed
		}
	case many == hashByByte:
		if ascii, ok := asciiWeights(c); ok {
			f.text, f.ascii = hashByByte, ascii
		}
	case many == 0 && c.Charset != "utf8mb3" && c.Charset != "utf8mb4":
		f.text = hashWeights
	case strings.Contains(c.Name, "_general_"):
		f.text = hashSwapped
	default:
		f.text = hashUCA
	}
}

func asciiWeights(c *collate.Collation) (*[128]byte, bool) {
	var out [128]byte
	for b := range out {
		w, err := c.AppendWeights(nil, []byte{byte(b)})
		if err != nil || len(w) != 1 {
			return nil, false
		}
		out[b] = w[0]
	}
	return &out, true
}

// textBuffer is enough for the weights of most keys to stay on the stack.
const textBuffer = 256

// trimmed is s without spaces at its end.
func (f *field) trimmed(s []byte) []byte {
	if len(f.space) == 1 {
		return bytes.TrimRight(s, " ")
	}
	for len(s)%len(f.space) == 0 && bytes.HasSuffix(s, f.space) {
		s = s[:len(s)-len(f.space)]
	}
	return s
}

// pad is s with spaces up to the bytes that a CHAR has in a record.
func (f *field) pad(s []byte) []byte {
	n := int(f.length) * maxBytes(f.coll.Charset)
	s = slices.Clip(s)
	for len(s)+len(f.space) <= n {
		s = append(s, f.space...)
	}
	return s
}

// maxBytes is the most that a character takes.
func maxBytes(charset string) int {
	switch charset {
	case "utf8mb4", "utf16", "utf16le", "utf32":
		return 4
	case "utf8mb3", "ujis", "eucjpms":
		return 3
	case "ucs2", "sjis", "cp932", "gbk", "big5", "gb2312", "euckr":
		return 2
	}
	return 1
}

// hashText adds a string of the column's character set.
func (f *field) hashText(h *hasher, s []byte, w shard.Weights) error {
	if f.nopad && f.fixed && f.text != hashAsk {
		s = f.pad(s)
	}
	switch f.text {
	case hashAsk:
		return shard.ErrAskLeaf
	case hashBytes:
		h.bytes(s)
		return nil
	case hashTrimmed:
		h.bytes(f.trimmed(s))
		return nil
	case hashByByte:
		if !f.nopad {
			s = f.trimmed(s)
		}
		for _, b := range s {
			if b < 128 {
				b = f.ascii[b]
			}
			h.add(b)
		}
		return nil
	case hashSwapped:
		if !f.nopad {
			s = f.trimmed(s)
		}
	}
	var buf [textBuffer]byte
	ws, err := f.hash.weights(buf[:0], s, w)
	if err != nil {
		return err
	}
	if f.text == hashSwapped {
		h.swapped(ws, f.coll.Charset == "utf32")
		return nil
	}
	h.bytes(f.hash.Primary(ws))
	return nil
}

// primary is the collation that knows the weights which are hashed of the newer collations: those of the first level. Where that is not all
// of them, spaces at the end are left out even when they count.
func primary(name string) (string, bool) {
	stem, tail := name[:max(len(name)-len("ai_ci"), 0)], name[max(len(name)-len("ai_ci"), 0):]
	if !strings.Contains(name, "_uca1400_") || tail == "ai_ci" {
		return name, false
	}
	return strings.Replace(stem, "_nopad_", "_", 1) + "ai_ci", true
}

// scale is a collation by whose weights strings are hashed or ordered.
type scale struct {
	*collate.Collation
	// sibling knows the weights of the same characters in UTF-8: there are no tables for UTF-16 and the like.
	sibling *collate.Collation
}

func newScale(c *collate.Collation) scale {
	sc := scale{Collation: c}
	if manyBytes[c.Charset] == hashSwapped {
		sc.sibling = collate.Lookup("utf8mb4" + strings.TrimPrefix(c.Name, c.Charset))
	}
	return sc
}

// weights appends the weights of s, from the tables or as a leaf told them.
func (sc scale) weights(dst, s []byte, w shard.Weights) ([]byte, error) {
	out, err := sc.AppendWeights(dst, s)
	if sc.sibling != nil {
		u, ok := shard.Convert(s, sc.Charset, "utf8mb4")
		if !ok {
			return dst, shard.ErrInexact
		}
		out, err = sc.sibling.AppendWeights(dst, u)
	}
	switch {
	case err == nil:
		return out, nil
	case err != collate.ErrAskLeaf:
		return dst, shard.ErrInexact
	case w == nil:
		return dst, shard.ErrAskLeaf
	}
	out, err = w.Weight(nil, sc.Name, s) // not dst: it would leave the stack
	return append(dst, out...), err
}
