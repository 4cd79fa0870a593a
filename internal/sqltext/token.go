package sqltext

// Mode is the part of a session's state that changes how its text is read.
type Mode struct {
	ANSIQuotes         bool // sql_mode ANSI_QUOTES: "x" is an identifier
	NoBackslashEscapes bool // sql_mode NO_BACKSLASH_ESCAPES
	PipesAsConcat      bool // sql_mode PIPES_AS_CONCAT
	HighNotPrecedence  bool
	IgnoreSpace        bool
	Oracle             bool // sql_mode ORACLE, whose words and operators differ
	Version            int  // the leaves' version as six digits or five, 101119: decides executable comments; 0 reads as 101100
	// Multibyte names a client character set whose second bytes may be ASCII (gbk, big5, sjis, cp932, gb2312 is safe): "" for all others.
	Multibyte string
}

// Kind is the class of a token.
type Kind uint8

// The kinds of tokens. Comments and white space are no tokens; the inside of an executable comment is.
const (
	EOF        Kind = iota
	Word            // unquoted identifier or keyword
	QuotedID        // `x`, or "x" under ANSI_QUOTES
	String          // 'x' or "x"; what introduces it (_utf8mb4, N) is an Introducer before it, and 'a' 'b' are two
	Number          // 1, 1.5, 1e3, .5
	Hex             // x'41', 0x41
	Bit             // b'01', 0b01
	Param           // ?
	UserVar         // @x, @'x', @`x`
	SysVar          // @@x, @@global.x is SysVar, Dot, Word
	Op              // operators and punctuation: one token each, e.g. "<=", ":=", "<=>"
	Introducer      // _utf8mb4 before a string, N in N'x'
)

// Token is a piece of the text: src[Start:End].
type Token struct {
	Kind       Kind
	KW         Keyword // for Word: which keyword it is, 0 when none
	Start, End uint32  // byte offsets
	// Op holds an Op token's bytes, first byte lowest ('<' | '='<<8), so that comparing needs no text.
	Op uint32
}

// Span is a run of tokens, [From, To).
type Span struct{ From, To int32 }

// Empty says whether the span holds no token.
func (s Span) Empty() bool { return s.From >= s.To }
