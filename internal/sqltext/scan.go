package sqltext

import "errors"

// Keyword names a reserved or known word; 0 is none. The constants are in keyword.go.
type Keyword uint16

// ErrText is wrapped by what Scan and Parse return for text that no MariaDB would accept: an unclosed string, comment or bracket.
// The caller lets a leaf say it in MariaDB's words and with its position.
var ErrText = errors.New("text is not a statement")

// Scan is one pass of the lexer over one statement. It is reused for the next: nothing is allocated once its slices have grown.
type Scan struct {
	Src    []byte  // the client's bytes, from the statement's first to the packet's last
	Tokens []Token // without EOF
	End    int     // byte offset in Src after the statement, before the ';' or at len(Src)
	More   bool    // a ';' was found and something other than white space and comments follows
	// Fingerprint is the text with literals replaced and white space and comments folded: the plan cache's key. A literal is replaced by
	// a mark of its class, so that '5' and 5 differ; a sign stays outside. Words stay as typed.
	Fingerprint []byte
	// Literals are the positions in Tokens of the literals, in order: the slots of a cached plan.
	Literals []int32
	Params   int // number of ?
	// Huge says that scanning for the fingerprint stopped after a bound (a bulk insert): Tokens is complete, Fingerprint is not to be used.
	Huge bool
	// ExecMarks are the tokens before which an executable comment begins or ends, in order. Cutting a text there needs care: use AppendSpan.
	ExecMarks []int32

	mode Mode
}

// fingerprintBound is the length after which a statement is Huge: no plan cache should keep keys of that size.
const fingerprintBound = 16 << 10

// keepTokens is how many tokens' room a Scan keeps for the next statement after a bulk one.
const keepTokens = 1 << 16

// Scan reads src up to the end of its first statement. The Scan refers to src afterwards. The error wraps ErrText; Tokens, End and More are
// then what was read so far: End is len(src), as nobody can say where such a statement ends.
//
// The fingerprints of two texts scanned under one Mode are equal only if the texts differ in nothing but white space, plain comments, the
// delimiters of executable comments that were executed, and the values (not the classes) of literals.
func (s *Scan) Scan(src []byte, mode Mode) error {
	if cap(s.Tokens) > keepTokens && len(src) < keepTokens {
		s.Tokens, s.Literals = nil, nil
	}
	s.Src, s.mode = src, mode
	s.Tokens, s.Literals, s.ExecMarks = s.Tokens[:0], s.Literals[:0], s.ExecMarks[:0]
	s.Fingerprint = s.Fingerprint[:0]
	s.End, s.More, s.Params, s.Huge = len(src), false, 0, false
	if mode.Version == 0 {
		mode.Version = 101100
	}
	if int64(len(src)) > 1<<32-2 {
		return textError("statement of more than 4 GB", 0)
	}
	l := lexer{s: s, src: src, mode: mode, mb: multibyteOf(mode.Multibyte), tokens: s.Tokens, fp: s.Fingerprint}
	err := l.run()
	s.Tokens, s.Fingerprint = l.tokens, l.fp
	return err
}

// Mode is what the text was scanned under.
func (s *Scan) Mode() Mode { return s.mode }

// Bytes is the text of a token.
func (s *Scan) Bytes(tok int32) []byte {
	t := s.Tokens[tok]
	return s.Src[t.Start:t.End]
}

// Text is the client's text of a span, from the start of its first token to the end of its last; nil when it is empty. It is not fit to be
// spliced where CutsExec says so.
func (s *Scan) Text(sp Span) []byte {
	if sp.Empty() {
		return nil
	}
	return s.Src[s.Tokens[sp.From].Start:s.Tokens[sp.To-1].End]
}

// AssignsVariable says whether a user variable is assigned to in a span: @x := ….
func (s *Scan) AssignsVariable(sp Span) bool {
	for i := sp.From; i+1 < sp.To; i++ {
		if next := s.Tokens[i+1]; s.Tokens[i].Kind == UserVar && next.Kind == Op && next.Op == opAssign {
			return true
		}
	}
	return false
}

// CutsExec says whether an executable comment begins or ends inside the span, between two of its tokens.
func (s *Scan) CutsExec(sp Span) bool {
	for _, m := range s.ExecMarks {
		if m > sp.From && m < sp.To {
			return true
		}
	}
	return false
}

// AppendSpan appends the text of a span to dst as it can be sent to a leaf: the client's bytes, but where the delimiters of an executable
// comment stand between two tokens a space is written in their place, since a part of a text could hold one delimiter and not the other.
// What such a comment holds has been read as executed, so the meaning is the same.
func (s *Scan) AppendSpan(dst []byte, sp Span) []byte {
	if sp.Empty() {
		return dst
	}
	from := sp.From
	for _, m := range s.ExecMarks {
		if m <= from || m >= sp.To {
			continue
		}
		dst = append(dst, s.Text(Span{from, m})...)
		dst = append(dst, ' ')
		from = m
	}
	return append(dst, s.Text(Span{from, sp.To})...)
}
