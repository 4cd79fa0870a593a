package gateway

import (
	"bytes"
	"context"
	"encoding/hex"
	"slices"
	"strings"
	"sync/atomic"
	"unicode"
	"unicode/utf8"

	"github.com/orbweaver/orbweaver/internal/shard"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// Names are kept in UTF-8. A statement with names beyond ASCII from a client that writes another character set is run as the same text in UTF-8 is: MariaDB takes literals from
// character_set_client to the character set of the connection, so that they stay what they are.

// speaksOther says whether the client writes another character set than UTF-8.
func (s *session) speaksOther() bool {
	return !strings.HasPrefix(s.charset.client, "utf8") && s.charset.client != "binary"
}

// inOtherNames says whether a statement of a client that does not write UTF-8 has to do with names beyond ASCII: no plan is taken from the cache for it.
func (s *session) inOtherNames(scan *sqltext.Scan) bool {
	return s.speaksOther() && (namesBeyondASCII(scan) || s.namesAround())
}

// namesAround says whether what a statement names may have, or be in, what is named beyond ASCII.
func (s *session) namesAround() bool {
	return !ascii(s.sess.DB) || s.g.otherNames.in(s.g.cfg.Catalog.Snapshot())
}

// namesBeyondASCII says whether a text has such names, those of user variables too.
func namesBeyondASCII(scan *sqltext.Scan) bool {
	for i, t := range scan.Tokens {
		switch t.Kind {
		case sqltext.Word, sqltext.QuotedID, sqltext.UserVar:
			if !ascii(string(scan.Bytes(int32(i)))) {
				return true
			}
		}
	}
	return false
}

// unsureNames says whether names without quotes have what may be no letter in the client's character set, so that they are none: MariaDB knows. In UTF-8 all characters beyond ASCII
// may be in names.
func (s *session) unsureNames(scan *sqltext.Scan) bool {
	for i, t := range scan.Tokens {
		if t.Kind != sqltext.Word && t.Kind != sqltext.UserVar {
			continue
		}
		name := scan.Bytes(int32(i))
		if ascii(string(name)) || len(name) > 1 && name[0] == '@' && bytes.IndexByte([]byte("`'\""), name[1]) >= 0 {
			continue
		}
		text, ok := shard.Convert(name, s.charset.client, "utf8mb4")
		if !ok || bytes.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf && !unicode.IsLetter(r) || r == 'ª' || r == 'º' }) {
			return true
		}
	}
	return false
}

// asUTF8 runs a statement as the text in UTF-8 that it stands for, if it has to be.
func (s *session) asUTF8(ctx context.Context, scan *sqltext.Scan, stmt *sqltext.Stmt, src source) (handled bool, err error) {
	if !s.speaksOther() {
		return false, nil
	}
	named := namesBeyondASCII(scan)
	switch stmt.Kind {
	case sqltext.KindPrepare, sqltext.KindDeallocate, sqltext.KindEmpty:
		return false, nil
	case sqltext.KindSet, sqltext.KindExecute, sqltext.KindUse:
		if !named {
			return false, nil
		}
	default:
		if !named && (keepsText(stmt) && ascii(string(scan.Src[:scan.End])) || !keepsText(stmt) && !s.namesAround()) {
			return false, nil
		}
	}
	if named && s.unsureNames(scan) && !ours(stmt) {
		if err := s.prepareOnly(ctx, string(scan.Src[:scan.End]), nil); err != nil && serverError(ctx, err).Code == wire.ErParse {
			s.warnings = s.warnings[:0]
			return true, err
		}
	}
	text, args, why := s.toUTF8(ctx, scan, src.args)
	switch {
	case why == nil && setsClient(scan):
		why = errNotInUTF8("it has to do with character_set_client")
	case why == nil:
		src.args = args
		return true, s.speakingUTF8(func() error { return s.rewritten(ctx, text, src) })
	}
	if !named {
		return false, nil // a leaf reads it as it is
	}
	s.warnings = s.warnings[:0]
	return true, why
}

func errNotInUTF8(why string) error {
	return unsupported("names beyond ASCII in another character set than UTF-8 in this statement", why+": SET NAMES utf8mb4 before")
}

// keepsText says whether a statement makes what is kept as its text: views, triggers, routines, events.
func keepsText(stmt *sqltext.Stmt) bool {
	return stmt.DDL != nil && slices.Contains([]string{"VIEW", "TRIGGER", "PROCEDURE", "FUNCTION", "EVENT"}, stmt.DDL.Object)
}

// setsClient says whether a text names the variable, by which it would be read otherwise.
func setsClient(scan *sqltext.Scan) bool {
	for i, t := range scan.Tokens {
		if t.Kind != sqltext.Word && t.Kind != sqltext.SysVar {
			continue
		}
		name := strings.ToLower(strings.TrimPrefix(string(scan.Bytes(int32(i))), "@@"))
		if name == "character_set_client" || i == 1 && (name == "names" || name == "character" || name == "charset") && scan.Tokens[0].KW == sqltext.KwSet {
			return true
		}
	}
	return false
}

// speakingUTF8 runs what is written in UTF-8 whatever the client writes.
func (s *session) speakingUTF8(run func() error) error {
	const key = "character_set_client"
	client, before := s.charset.client, s.tx.State()
	s.tx.SetState(before.With(key, key+"='utf8mb4'"))
	s.charset.client = "utf8mb4"
	s.noteCharset()
	err := run()
	after := s.tx.State().Back(before, key)
	if _, set := before.Get(key); !set {
		after = after.With(key, key+"="+stringLiteral(client)) // a connection forgets nothing but by a reset
	}
	s.tx.SetState(after)
	s.charset.client = client
	s.noteCharset()
	return err
}

// toUTF8 is a statement's text in UTF-8, and its parameters. Strings behind an introducer stay as they are, those of N'x' too.
func (s *session) toUTF8(ctx context.Context, scan *sqltext.Scan, args []wire.Param) ([]byte, []wire.Param, error) {
	src := scan.Src[:scan.End]
	var pieces []string // every second one stays
	from := 0
	for i, t := range scan.Tokens {
		if t.Kind != sqltext.Introducer || i+1 >= len(scan.Tokens) || int(scan.Tokens[i+1].End) > len(src) {
			continue
		}
		v := scan.Tokens[i+1]
		text := string(src[v.Start:v.End])
		if v.Kind != sqltext.String || ascii(text) {
			continue
		}
		if s.sess.Mode.Multibyte != "" || i+2 < len(scan.Tokens) && scan.Tokens[i+2].Kind == sqltext.String {
			return nil, nil, errNotInUTF8("a string in a character set of its own is beyond ASCII")
		}
		pieces = append(pieces, string(src[from:v.Start]), text)
		from = int(v.End)
	}
	pieces = append(pieces, string(src[from:]))
	texts := len(pieces)
	args = slices.Clone(args)
	var strs []int
	for i := range args {
		if p := &args[i]; isText(p) && !ascii(string(p.Bytes)) {
			pieces = append(pieces, string(p.Bytes), "")
			strs = append(strs, i)
		}
	}
	if err := s.convertAll(ctx, src, pieces, texts); err != nil {
		return nil, nil, err
	}
	for n, i := range strs {
		args[i].Bytes = []byte(pieces[texts+2*n])
	}
	return []byte(strings.Join(pieces[:texts], "")), args, nil
}

// isText says whether a parameter is a string, which MariaDB takes to be in character_set_client.
func isText(p *wire.Param) bool {
	if p.Null || p.Type.IsInteger() || p.Type.IsTemporal() {
		return false
	}
	switch p.Type {
	case wire.TypeNull, wire.TypeFloat, wire.TypeDouble, wire.TypeDecimal, wire.TypeNewDecimal, wire.TypeTinyBlob, wire.TypeBlob, wire.TypeMediumBlob, wire.TypeLongBlob:
		return false
	}
	return true
}

// maxConverted bounds the texts that leaves are asked to convert.
const maxConverted = 1 << 20

// convertAll converts every second piece of a text, from the first, and then those of parameters. What the node does not know a leaf is asked for.
func (s *session) convertAll(ctx context.Context, text []byte, pieces []string, texts int) error {
	var asked []int
	var exprs []string
	bytesAsked := 0
	for i := range pieces {
		if i < texts && i%2 == 1 || ascii(pieces[i]) {
			continue
		}
		if b, ok := shard.Convert([]byte(pieces[i]), s.charset.client, "utf8mb4"); ok {
			pieces[i] = string(b)
			continue
		}
		x := "_" + s.charset.client + " x'" + hex.EncodeToString([]byte(pieces[i])) + "'"
		u := "CONVERT(" + x + " USING utf8mb4)"
		exprs = append(exprs, "IF(CONVERT(CONVERT("+u+" USING "+s.charset.client+") USING binary) = CONVERT("+x+" USING binary), "+u+", NULL)")
		asked = append(asked, i)
		bytesAsked += len(pieces[i])
	}
	if len(asked) == 0 {
		return nil
	}
	if bytesAsked > maxConverted || mayHoldSecret(text) {
		return errNotInUTF8("it is too long, or may hold a password")
	}
	values, err := s.evaluateAll(ctx, exprs)
	if err != nil {
		return err
	}
	for n, i := range asked {
		if values[n].null {
			return errNotInUTF8("it has characters that are none of " + s.charset.client)
		}
		pieces[i] = string(values[n].bytes)
	}
	return nil
}

// nameInUTF8 is a name that a command has, in the client's character set.
func (s *session) nameInUTF8(name string) (string, error) {
	if !s.speaksOther() || ascii(name) {
		return name, nil
	}
	pieces := []string{name}
	err := s.convertAll(s.query(), nil, pieces, 1)
	return pieces[0], err
}

// forClient is what a node tells in UTF-8, as the client wants results.
func (s *session) forClient(told string) string {
	if ascii(told) || s.charset.results == "" || strings.HasPrefix(s.charset.results, "utf8") {
		return told
	}
	if b, ok := shard.Convert([]byte(told), "utf8mb4", s.charset.results); ok {
		return string(b)
	}
	return told
}

// otherNames remembers of the last snapshot whether it has names beyond ASCII.
type otherNames struct{ last atomic.Pointer[knownNames] }

type knownNames struct {
	of  *topo.Snapshot
	has bool
}

func (o *otherNames) in(snap *topo.Snapshot) bool {
	if known := o.last.Load(); known != nil && known.of == snap {
		return known.has
	}
	has := hasOtherNames(snap)
	o.last.Store(&knownNames{snap, has})
	return has
}

func hasOtherNames(snap *topo.Snapshot) bool {
	for _, d := range snap.Databases {
		if !ascii(d.Name) {
			return true
		}
		for name, v := range d.Views {
			if !ascii(name) || !ascii(v.Body) || !ascii(strings.Join(v.Columns, "")) {
				return true
			}
		}
		for name, t := range d.Tables {
			if !ascii(name) || slices.ContainsFunc(t.Columns, func(c topo.Column) bool { return !ascii(c.Name) }) {
				return true
			}
		}
	}
	return false
}
