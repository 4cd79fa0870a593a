package shard

import "unicode/utf8"

// convert brings a string from one character set to another without loss; false when that can't be told here. The result may be s itself.
func convert(s []byte, from, to string) ([]byte, bool) {
	from, to = alias(from), alias(to)
	if wide(to) || wide(from) {
		return nil, from == to && from != ""
	}
	if ascii(s) && asciiCompatible(from) && asciiCompatible(to) {
		return s, true
	}
	switch {
	case from == "":
		return nil, false
	case from == to:
		return s, true
	case from == "utf8mb3" && to == "utf8mb4":
		return s, utf8.Valid(s)
	case from == "utf8mb4" && to == "utf8mb3":
		return s, utf8.Valid(s) && noSupplementary(s)
	case from == "latin1" && (to == "utf8mb4" || to == "utf8mb3"):
		out := make([]byte, 0, 2*len(s))
		for _, b := range s {
			out = utf8.AppendRune(out, fromLatin1(b))
		}
		return out, true
	case (from == "utf8mb4" || from == "utf8mb3") && to == "latin1":
		out := make([]byte, 0, len(s))
		for len(s) > 0 {
			r, n := utf8.DecodeRune(s)
			b, ok := toLatin1(r)
			if !ok || r == utf8.RuneError {
				return nil, false
			}
			out, s = append(out, b), s[n:]
		}
		return out, true
	}
	return nil, false
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
