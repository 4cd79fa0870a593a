package spider

import "strings"

// pair is a parameter as it is written.
type pair struct {
	name  string // as written
	value string // between the quotes, with its escapes
	at    int    // where the value begins in the text
}

const blanks = " \t\r\n"

// pairs takes connect information apart: names, each with a value in single or double quotes behind at least one blank, set apart by commas or blanks.
//
// An error names a parameter, and nothing of what may be a value: where quotes are wrong, what looks like a name may be a piece of a password.
func pairs(info string) ([]pair, *Error) {
	var out []pair
	rest := strings.TrimLeft(info, blanks)
	comma := true // before what follows, or nothing at all
	for rest != "" {
		end := strings.IndexAny(rest, blanks+`,'"`)
		if end < 0 {
			end = len(rest)
		}
		name := rest[:end]
		blame := name
		if !comma {
			blame = out[len(out)-1].name
		}
		value, behind, why := quoted(rest[end:])
		if name == "" {
			why = "no name before it"
		}
		if why != "" {
			return nil, invalid(blame, why)
		}
		out = append(out, pair{name, value, len(info) - len(behind) - 1 - len(value)})
		rest = strings.TrimLeft(behind, blanks)
		if comma = strings.HasPrefix(rest, ","); comma {
			rest = strings.TrimLeft(rest[1:], blanks)
		} else if rest != "" && rest == behind {
			return nil, invalid(name, "something behind its value")
		}
	}
	return out, nil
}

// quoted reads blanks and a value in quotes. A backslash keeps the character behind it from being read as the end; both stay in the value.
func quoted(s string) (value, behind, why string) {
	t := strings.TrimLeft(s, blanks)
	if t == "" || t[0] != '"' && t[0] != '\'' {
		return "", "", "no value in quotes behind it"
	}
	if len(t) == len(s) {
		return "", "", "no space before its value"
	}
	for i := 1; i < len(t); i++ {
		switch t[i] {
		case '\\':
			i++
		case t[0]:
			return t[1:i], t[i+1:], ""
		}
	}
	return "", "", "the quote is not closed"
}

// words takes a list of texts apart: by spaces that no backslash stands before. A space at its end is not ok, since Spider reads an empty word there.
//
// Escapes mean something in all words but the last; there only when a backslash stands between the space before it and the one before that. A single word
// keeps its backslashes. That is how Spider reads them, and what stands in tables that exist was written for it.
func words(s string) (list []string, ok bool) {
	s = strings.TrimLeft(s, " ")
	if s == "" {
		return []string{""}, true
	}
	word, stretch, escapes := 0, 0, false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			if s[i] == ' ' {
				escapes, stretch = true, i+1
			}
		case s[i] == ' ':
			list = append(list, unescape(s[word:i]))
			escapes = strings.Contains(s[stretch:i], `\`)
			for i+1 < len(s) && s[i+1] == ' ' {
				i++
			}
			word, stretch = i+1, i+1
		}
	}
	last := s[word:]
	if escapes {
		last = unescape(last)
	}
	return append(list, last), last != ""
}

// unescape reads \b, \n, \r and \t; before any other character a backslash goes.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '\\' && i+1 < len(s) {
			i++
			switch c = s[i]; c {
			case 'b':
				c = '\b'
			case 'n':
				c = '\n'
			case 'r':
				c = '\r'
			case 't':
				c = '\t'
			}
		}
		out = append(out, c)
	}
	return string(out)
}
