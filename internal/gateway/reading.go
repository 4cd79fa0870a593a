package gateway

import (
	"regexp"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// reading is what a prepared statement is read by for good, as in MariaDB: the database, the mode, the client's character set and the collation of strings, as they were when it was prepared.
type reading struct {
	db                string
	mode              sqltext.Mode
	client, collation string
}

// namedText is a statement of PREPARE.
type namedText struct {
	text string
	reading
}

// reads is how the session reads texts now.
func (s *session) reads() reading {
	return reading{s.sess.DB, s.sess.Mode, s.charset.client, s.charset.collation}
}

// readAs runs a prepared statement, which is read as it was when it was prepared; all else is as it is now. Leaves read texts anew: where they would read this one otherwise, they are given what it
// was read by, for as long as it takes.
func (s *session) readAs(text string, was reading, params []wire.Param, run func() error) error {
	now := s.reads()
	was.mode.Version = now.mode.Version
	mode, client, collation := !modesAlike(text, was.mode, now.mode), was.client != now.client && !ascii(text), was.collation != now.collation && strings.ContainsAny(text, `'"`)
	if !mode && !client && !collation {
		return run()
	}
	var scan sqltext.Scan
	if err := scan.Scan([]byte(text), was.mode); err != nil {
		return err
	}
	stmt, err := sqltext.Parse(&scan, was.mode)
	c := wire.CollationByName(was.collation)
	plain := err == nil && !needsText(stmt.Kind) && !namesReading.MatchString(text)
	switch {
	case mode && (!plain || was.mode.Oracle != now.mode.Oracle):
		return unsupported("EXECUTE of what was prepared under another sql_mode", "leaves would read it otherwise: prepare it again, or set sql_mode as it was")
	case client && (!plain || c == nil || slices.ContainsFunc(params, func(p wire.Param) bool { return !ascii(string(p.Bytes)) })):
		return unsupported("EXECUTE of what was prepared in another character set", "leaves would read it otherwise: prepare it again, or SET NAMES "+was.client)
	case !plain || c == nil:
		return run()
	}
	before, sess, charset := s.tx.State(), s.sess, s.charset
	kept := map[string]string{"sql_mode": s.sqlMode(), "character_set_client": charset.client, "collation_connection": charset.collation}
	state := before
	if mode {
		mixed := readingMode(kept["sql_mode"], was.mode)
		state = state.With("sql_mode", "sql_mode="+stringLiteral(mixed))
		s.setSQLMode(mixed)
	}
	if client || collation {
		state = state.With("character_set_client", "character_set_client="+stringLiteral(was.client)).With("collation_connection", "collation_connection="+stringLiteral(c.Name))
		s.charset.client, s.charset.connection, s.charset.collation = was.client, c.Charset, c.Name
		s.noteCharset()
	}
	s.tx.SetState(state)
	defer func() {
		within := s.tx.State()
		after := within.Back(before, ofReading...)
		for key, value := range kept {
			_, had := before.Get(key)
			if _, set := within.Get(key); set && !had && s.tx.Held() > 0 {
				after = after.With(key, key+"="+stringLiteral(value)) // a connection that is held forgets nothing
			}
		}
		s.tx.SetState(after)
		s.setSQLMode(kept["sql_mode"])
		s.sess.Mode.Version, s.charset = sess.Mode.Version, charset
		s.noteCharset()
	}()
	return run()
}

// ofReading are the settings that a prepared statement brings along.
var ofReading = []string{"sql_mode", "collation_connection", "character_set_client", "names"}

// namesReading finds what tells of these settings.
var namesReading = regexp.MustCompile(`(?i)sql_mode|character_set_|collation_connection`)

// sqlMode is the session's sql_mode.
func (s *session) sqlMode() string {
	if text, ok := s.tx.State().Get("sql_mode"); ok {
		return strings.Trim(strings.TrimPrefix(text, "sql_mode="), "'")
	}
	return s.g.sqlMode
}

// calledBefore is a name with a space before its bracket.
var calledBefore = regexp.MustCompile(`\w\s+\(`)

// modesAlike says whether a text means the same in two modes for certain.
func modesAlike(text string, a, b sqltext.Mode) bool {
	upper := strings.ToUpper(text)
	has := func(s string) bool { return strings.Contains(upper, s) }
	return (a.ANSIQuotes == b.ANSIQuotes || !has(`"`)) && (a.NoBackslashEscapes == b.NoBackslashEscapes || !has(`\`) && !has("LIKE")) &&
		(a.PipesAsConcat == b.PipesAsConcat || !has("||")) && (a.HighNotPrecedence == b.HighNotPrecedence || !has("NOT")) &&
		(a.IgnoreSpace == b.IgnoreSpace || !calledBefore.MatchString(text)) && a.Oracle == b.Oracle && (a.Multibyte == b.Multibyte || ascii(text))
}

// readingMode is an sql_mode with what a mode says of how text is read.
func readingMode(now string, mode sqltext.Mode) string {
	// Names that stand for several would bring back what is taken out.
	out := slices.DeleteFunc(strings.Split(now, ","), func(f string) bool {
		switch f {
		case "", "ANSI_QUOTES", "NO_BACKSLASH_ESCAPES", "PIPES_AS_CONCAT", "HIGH_NOT_PRECEDENCE", "IGNORE_SPACE", "ANSI", "DB2", "MAXDB", "MSSQL", "POSTGRESQL":
			return true
		}
		return false
	})
	for _, f := range []struct {
		on   bool
		name string
	}{
		{mode.ANSIQuotes, "ANSI_QUOTES"}, {mode.NoBackslashEscapes, "NO_BACKSLASH_ESCAPES"}, {mode.PipesAsConcat, "PIPES_AS_CONCAT"}, {mode.HighNotPrecedence, "HIGH_NOT_PRECEDENCE"}, {mode.IgnoreSpace, "IGNORE_SPACE"},
	} {
		if f.on {
			out = append(out, f.name)
		}
	}
	return strings.Join(out, ",")
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
