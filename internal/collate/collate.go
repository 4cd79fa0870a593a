package collate

import (
	"bytes"
	"errors"
	"strings"
)

// ErrAskLeaf says that only a MariaDB server can tell the weights of this string.
var ErrAskLeaf = errors.New("collate: only a leaf knows the weights of this string")

// ErrInvalid says that the bytes are no string of the collation's character set.
var ErrInvalid = errors.New("collate: bytes that are no string of the character set")

// Collation is what a node knows of one of MariaDB's collations. It is immutable and shared.
type Collation struct {
	ID      uint16
	Name    string // utf8mb4_general_ci
	Charset string // utf8mb4
	// pad has the weight of a space for each level; empty when trailing spaces count, or when the weights account for them already.
	pad [3][]byte
	// levels is 1, or more when weights of several levels follow each other (uca1400_as_cs); they are told apart by their ranges.
	levels  int
	enc     encoding
	table   *table // nil: always ask
	unsound bool
}

// Binary is the collation of byte strings.
var Binary = &Collation{ID: 63, Name: "binary", Charset: "binary", levels: 1, enc: encBinary}

// Lookup finds a collation by its full name; nil when this package has never heard of it.
func Lookup(name string) *Collation { return load().byName[name] }

// ByID finds a collation by its number in column definitions; nil when it is unknown.
func ByID(id uint16) *Collation { return load().byID[id] }

// PadSpace says whether trailing spaces are ignored.
func (c *Collation) PadSpace() bool { return c.enc != encBinary && len(c.pad[0]) > 0 }

// Sound says whether the server's WEIGHT_STRING decides order and equality. It does not for some old collations: big5_chinese_ci calls strings
// unequal that have the same weights, cp1250_czech_cs calls strings equal that have not, and GROUP BY under latin2_czech_cs and tis620_thai_ci
// keeps strings apart that = calls equal. Under uca1400_nopad_ai_cs COUNT(DISTINCT) of a CHAR counts 'A' and 'Ä' as two, and GROUP BY as one. Nothing may be ordered or hashed by their weights.
func (c *Collation) Sound() bool { return !c.unsound }

// Tailored says whether the weights are of the tables of the Unicode Collation Algorithm: two bytes each, and not one a character.
func (c *Collation) Tailored() bool {
	return (strings.HasPrefix(c.Charset, "utf") || c.Charset == "ucs2") && !strings.Contains(c.Name, "_general_") && !strings.HasSuffix(c.Name, "bin")
}

// Width is how many bytes of weights a character has, under a collation that is not Tailored.
func (c *Collation) Width() int {
	switch {
	case !strings.HasPrefix(c.Charset, "utf") && c.Charset != "ucs2":
		return 1
	case strings.HasSuffix(c.Name, "bin"):
		return 3
	}
	return 2
}

// unsound are the collations for which Sound is false.
var unsound = []string{"big5_chinese_ci", "big5_chinese_nopad_ci", "cp1250_czech_cs", "latin2_czech_cs", "tis620_thai_ci", "tis620_thai_nopad_ci"}

// unsoundSuffix is what the names of more of them end in.
const unsoundSuffix = "_nopad_ai_cs"

// Compare orders two WEIGHT_STRING values of the collation.
func (c *Collation) Compare(a, b []byte) int {
	if c.levels == 1 {
		return comparePadded(a, b, c.pad[0])
	}
	for l := 0; l < c.levels; l++ {
		var x, y []byte
		x, a = c.cut(a, l)
		y, b = c.cut(b, l)
		if r := comparePadded(x, y, c.pad[l]); r != 0 {
			return r
		}
	}
	return bytes.Compare(a, b)
}

// AppendKey appends bytes that are equal for two weight strings exactly when Compare calls them equal: the weights without trailing pads.
func (c *Collation) AppendKey(dst, w []byte) []byte {
	if c.levels == 1 {
		return append(dst, trim(w, c.pad[0])...)
	}
	for l := 0; l < c.levels; l++ {
		var x []byte
		x, w = c.cut(w, l)
		dst = append(dst, trim(x, c.pad[l])...)
		dst = append(dst, 0, 0) // no weight is zero: this ends the level
	}
	return append(dst, w...)
}

// Ranges of the 16-bit weights of the three levels in the UCA tables: each level's weights are below all of the level before.
const (
	minPrimary   = 0x0200
	minSecondary = 0x0020
)

// cut splits w after its weights of level l.
func (c *Collation) cut(w []byte, l int) (level, rest []byte) {
	if l == c.levels-1 {
		return w, nil
	}
	i := 0
	for i+1 < len(w) {
		v := uint16(w[i])<<8 | uint16(w[i+1])
		if l == 0 && v < minPrimary || l == 1 && v < minSecondary {
			break
		}
		i += 2
	}
	return w[:i], w[i:]
}

// comparePadded compares as if the shorter one were continued with pad for ever. Without pad a prefix comes first.
func comparePadded(a, b, pad []byte) int {
	n := min(len(a), len(b))
	if r := bytes.Compare(a[:n], b[:n]); r != 0 || len(a) == len(b) {
		return r
	}
	if len(pad) == 0 {
		if len(a) < len(b) {
			return -1
		}
		return 1
	}
	if len(a) < len(b) {
		return -compareToPad(b[n:], pad)
	}
	return compareToPad(a[n:], pad)
}

// compareToPad compares tail with endless pads.
func compareToPad(tail, pad []byte) int {
	for len(tail) > 0 {
		n := min(len(tail), len(pad))
		if r := bytes.Compare(tail[:n], pad[:n]); r != 0 {
			return r
		}
		tail = tail[n:]
	}
	return 0
}

// trim cuts pads off the end.
func trim(w, pad []byte) []byte {
	if len(pad) == 0 {
		return w
	}
	for len(w) >= len(pad) && bytes.Equal(w[len(w)-len(pad):], pad) {
		w = w[:len(w)-len(pad)]
	}
	return w
}

// TrimKey makes of weights that were appended to dst at from (by AppendWeights) what AppendKey makes of them, in place.
func (c *Collation) TrimKey(dst []byte, from int) []byte {
	if c.levels == 1 {
		return dst[:from+len(trim(dst[from:], c.pad[0]))]
	}
	w := append([]byte(nil), dst[from:]...)
	return c.AppendKey(dst[:from], w)
}

// Primary is the part of w that has the weights of the first level, without trailing pads.
func (c *Collation) Primary(w []byte) []byte {
	x, _ := c.cut(w, 0)
	return trim(x, c.pad[0])
}
