package sqltext

import "strings"

// kwClass says where a keyword may stand as a name.
type kwClass uint8

const (
	kwPlain    kwClass = iota
	kwReserved         // no name unless quoted
	kwValue            // an expression by itself: NULL, CURRENT_DATE …
)

// kwIntroducer is the Keyword under which _utf8mb4 and the like are found in the table; it never leaves the lexer.
const kwIntroducer = keywordEnd

const kwSlots = 4096 // a power of two, large enough that most words are found at the first probe

type kwEntry struct {
	text string // lower case
	kw   Keyword
}

var (
	kwTable   [kwSlots]kwEntry
	kwText    [keywordEnd]string // upper case
	kwClasses [keywordEnd]kwClass
	kwMaxLen  int
)

// charsets are the names that an introducer may carry.
const charsets = "big5 dec8 cp850 hp8 koi8r latin1 latin2 swe7 ascii ujis sjis hebrew tis620 euckr koi8u gb2312 greek cp1250 gbk latin5 " +
	"armscii8 utf8 utf8mb3 ucs2 cp866 keybcs2 macce macroman cp852 latin7 utf8mb4 cp1251 utf16 utf16le cp1256 cp1257 utf32 binary geostd8 " +
	"cp932 eucjpms"

func init() {
	kw := Keyword(0)
	for word := range strings.FieldsSeq(keywordNames) {
		kw++
		switch {
		case strings.HasSuffix(word, "*"):
			kwClasses[kw] = kwReserved
			word = word[:len(word)-1]
		case strings.HasSuffix(word, "+"):
			kwClasses[kw] = kwValue
			word = word[:len(word)-1]
		}
		kwText[kw] = word
		addKeyword(strings.ToLower(word), kw)
	}
	for name := range strings.FieldsSeq(charsets) {
		addKeyword("_"+name, kwIntroducer)
	}
}

func addKeyword(lower string, kw Keyword) {
	h := uint32(0)
	for i := range len(lower) {
		h = hashByte(h, lower[i])
	}
	slot := h & (kwSlots - 1)
	for kwTable[slot].kw != 0 {
		slot = (slot + 1) & (kwSlots - 1)
	}
	kwTable[slot] = kwEntry{lower, kw}
	kwMaxLen = max(kwMaxLen, len(lower))
}

// hashByte adds a byte to a word's hash; |0x20 folds the case of letters, and what else it folds the comparison tells apart.
func hashByte(h uint32, c byte) uint32 {
	h = h*31 + uint32(c|0x20)
	return h ^ h>>11
}

// lookupKeyword finds a word by its hash; 0 when it is no keyword.
func lookupKeyword(word []byte, h uint32) Keyword {
	if len(word) > kwMaxLen {
		return 0
	}
	for slot := h & (kwSlots - 1); ; slot = (slot + 1) & (kwSlots - 1) {
		e := &kwTable[slot]
		if e.kw == 0 {
			return 0
		}
		if len(e.text) == len(word) && equalFoldLower(word, e.text) {
			return e.kw
		}
	}
}

// equalFoldLower compares ASCII text with text that is in lower case already and of the same length.
func equalFoldLower(b []byte, lower string) bool {
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// String is the keyword in upper case, "" for 0.
func (k Keyword) String() string {
	if int(k) < len(kwText) {
		return kwText[k]
	}
	return ""
}

// Reserved says whether the word is a name only in quotes.
func (k Keyword) Reserved() bool { return int(k) < len(kwClasses) && kwClasses[k] == kwReserved }

// isName says whether an unquoted word with this keyword may name a column, a table or an alias.
func (k Keyword) isName() bool { return kwClasses[k] == kwPlain }
