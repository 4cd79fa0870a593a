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
	// a mark of its class, so that '5' and 5 differ; a sign stays outside.
	Fingerprint []byte
	// Literals are the positions in Tokens of the literals, in order: the slots of a cached plan.
	Literals []int32
	Params   int // number of ?
	// Huge says that scanning for the fingerprint stopped after a bound (a bulk insert): Tokens is complete, Fingerprint is not to be used.
	Huge bool
}
