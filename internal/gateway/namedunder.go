package gateway

import (
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
)

// namedText is a statement of PREPARE, with the database, the mode and the character set of the session then: as in MariaDB it is read by these for good.
type namedText struct {
	text, db string
	mode     sqltext.Mode
	client   string
}

// readAsPrepared refuses what was prepared under settings by which leaves would read its text as another statement now.
func (s *session) readAsPrepared(was sqltext.Mode, client, text string) error {
	now := s.sess.Mode
	switch {
	case was.ANSIQuotes != now.ANSIQuotes && strings.Contains(text, `"`),
		was.NoBackslashEscapes != now.NoBackslashEscapes && strings.Contains(text, `\`),
		was.PipesAsConcat != now.PipesAsConcat && strings.Contains(text, "||"),
		was.HighNotPrecedence != now.HighNotPrecedence && strings.Contains(strings.ToUpper(text), "NOT"),
		was.IgnoreSpace != now.IgnoreSpace && strings.Contains(text, " ("):
		return unsupported("EXECUTE of what was prepared under another sql_mode", "leaves would read it otherwise: prepare it again, or set sql_mode as it was")
	case client != s.charset.client && slices.ContainsFunc([]byte(text), func(b byte) bool { return b >= 0x80 }):
		return unsupported("EXECUTE of what was prepared in another character set", "leaves would read it otherwise: prepare it again, or SET NAMES "+client)
	}
	return nil
}

// tellsWarningsNamed says whether a prepared statement tells of the warnings of the one before it.
func (s *session) tellsWarningsNamed(name string) bool {
	kept, ok := s.named[name]
	w := worker{}
	return ok && w.scan.Scan([]byte(kept.text), kept.mode) == nil && s.scanTellsWarnings(&w.scan)
}

func (s *session) scanTellsWarnings(scan *sqltext.Scan) bool {
	stmt, err := sqltext.Parse(scan, s.mode())
	return err == nil && tellsWarnings(scan, stmt)
}
