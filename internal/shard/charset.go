package shard

import (
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"
)

// Convert brings a string from one character set to another without loss; false when that can't be told here. The result may be s itself.
func Convert(s []byte, from, to string) ([]byte, bool) { return convert(s, from, to) }

func convert(s []byte, from, to string) ([]byte, bool) {
	from, to = alias(from), alias(to)
	if ascii(s) && asciiCompatible(from) && asciiCompatible(to) {
		return s, true
	}
	switch {
	case from == "":
		return nil, false
	case from == to:
		return s, true
	}
	u, ok := toUTF8(s, from)
	if !ok {
		return nil, false
	}
	switch to {
	case "utf8mb4":
		return u, true
	case "utf8mb3":
		return u, noSupplementary(u)
	case "latin1":
		out := make([]byte, 0, len(u))
		for len(u) > 0 {
			r, n := utf8.DecodeRune(u)
			b, ok := toLatin1(r)
			if !ok {
				return nil, false
			}
			out, u = append(out, b), u[n:]
		}
		return out, true
	case "ucs2", "utf16", "utf16le", "utf32":
		return toWide(u, to)
	}
	return nil, false
}

// toUTF8 reads character sets whose characters are known here.
func toUTF8(s []byte, from string) ([]byte, bool) {
	switch {
	case from == "utf8mb4" || from == "utf8mb3":
		return s, utf8.Valid(s)
	case from == "latin1":
		out := make([]byte, 0, 2*len(s))
		for _, b := range s {
			out = utf8.AppendRune(out, fromLatin1(b))
		}
		return out, true
	case wide(from):
		return fromWide(s, from)
	}
	return s, ascii(s) && asciiCompatible(from)
}

func toWide(s []byte, to string) ([]byte, bool) {
	out := make([]byte, 0, 2*len(s))
	for _, r := range string(s) {
		switch {
		case to == "utf32":
			out = binary.BigEndian.AppendUint32(out, uint32(r))
		case r > 0xffff && to == "ucs2":
			return nil, false
		case to == "utf16le":
			for _, u := range utf16.AppendRune(nil, r) {
				out = binary.LittleEndian.AppendUint16(out, u)
			}
		default:
			for _, u := range utf16.AppendRune(nil, r) {
				out = binary.BigEndian.AppendUint16(out, u)
			}
		}
	}
	return out, true
}

func fromWide(s []byte, from string) ([]byte, bool) {
	out := make([]byte, 0, len(s))
	size := 2
	if from == "utf32" {
		size = 4
	}
	for len(s) >= size {
		var r rune
		switch from {
		case "utf32":
			r = rune(binary.BigEndian.Uint32(s))
		case "utf16le":
			r = rune(binary.LittleEndian.Uint16(s))
		default:
			r = rune(binary.BigEndian.Uint16(s))
		}
		s = s[size:]
		if utf16.IsSurrogate(r) && from != "ucs2" && from != "utf32" && len(s) >= 2 {
			low := rune(binary.BigEndian.Uint16(s))
			if from == "utf16le" {
				low = rune(binary.LittleEndian.Uint16(s))
			}
			r, s = utf16.DecodeRune(r, low), s[2:]
		}
		if !utf8.ValidRune(r) {
			return nil, false
		}
		out = utf8.AppendRune(out, r)
	}
	return out, len(s) == 0
}

func alias(charset string) string {
	if charset == "utf8" {
		return "utf8mb3"
	}
	return charset
}

// wide character sets are not made of ASCII bytes.
func wide(charset string) bool {
	switch charset {
	case "ucs2", "utf16", "utf16le", "utf32":
		return true
	}
	return false
}

// asciiCompatible says whether bytes below 0x80 mean ASCII in it. swe7 is the one that replaces letters; the Japanese ones have a yen sign for
// the backslash, which MariaDB keeps at its place.
func asciiCompatible(charset string) bool {
	return charset != "swe7" && charset != "binary" && !wide(charset)
}

func ascii(s []byte) bool {
	for _, b := range s {
		if b >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func noSupplementary(s []byte) bool {
	for _, b := range s {
		if b >= 0xf0 {
			return false
		}
	}
	return true
}

// latin1High are MariaDB's characters of latin1 from 0x80 to 0x9f: Windows-1252, with its five holes filled by the control characters.
var latin1High = [32]rune{
	0x20ac, 0x81, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8d, 0x017d, 0x8f,
	0x90, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x9d, 0x017e, 0x0178,
}

func fromLatin1(b byte) rune {
	if b >= 0x80 && b < 0xa0 {
		return latin1High[b-0x80]
	}
	return rune(b)
}

func toLatin1(r rune) (byte, bool) {
	if r < 0x80 || r >= 0xa0 && r < 0x100 {
		return byte(r), true
	}
	for i, h := range latin1High {
		if h == r {
			return byte(0x80 + i), true
		}
	}
	return 0, false
}
