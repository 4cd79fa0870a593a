package gateway

import (
	"bytes"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// showCreateTable is SHOW CREATE TABLE: the shape's text with what only the cluster knows put in, so that the text makes the same table
// again, here and on a plain server.
func (s *session) showCreateTable(ctx context.Context, w *worker, name *sqltext.TableName, snap *topo.Snapshot, src source) error {
	db := name.DB.Text
	if name.DB.Tok < 0 || db == "" {
		db = s.sess.DB
	}
	t := snap.Table(db, name.Name.Text)
	if t == nil {
		return s.forwardAny(ctx, w, snap, src)
	}
	next := uint64(0)
	switch {
	case t.AutoIncrement < 0 || t.Kind == topo.Reference || t.Kind == topo.Linked:
	case t.Kind == topo.Single:
		all, err := s.g.tallies(ctx, snap, &reach{&nameList{[]string{t.DB}}, &nameList{[]string{t.Name}}}, "TABLES")
		if n := slices.IndexFunc(all, func(y *tally) bool { return y.table == t && len(y.parts) > 0 }); err == nil && n >= 0 {
			next = all[n].parts[0].auto
		}
	default:
		next = s.g.cfg.Catalog.Upcoming(ctx, []uint64{t.ID})[t.ID] // 0, where it is not known: the text is right without it
	}
	src.out = &edited{Output: src.out, prepared: src.prepared, row: func(v [][]byte) ([][]byte, bool) {
		if len(v) > 1 && t.Kind == topo.Linked {
			var err error
			p := linkPrinter{t: t, mode: s.mode(), charset: s.charset.results}
			if v[1], err = p.create(v[1]); err != nil {
				return nil, false // what MariaDB prints can be read; nothing is better than the shape's
			}
		} else if len(v) > 1 {
			v[1] = createText(v[1], t, next)
		}
		return v, true
	}}
	return s.forwardAny(ctx, w, snap, src)
}

// createText puts SHARD KEY, REFERENCE and AUTO_INCREMENT into a CREATE TABLE as MariaDB prints it.
func createText(text []byte, t *topo.Table, next uint64) []byte {
	if t.Kind == topo.Reference {
		return bytes.Replace(text, []byte("CREATE TABLE "), []byte("CREATE /*!999999 REFERENCE */ TABLE "), 1)
	}
	// The options begin after the only line that begins with a bracket: names and comments that hold one are inside of quotes on
	// lines that begin with two spaces, but for line breaks in them.
	end := bodyEnd(text)
	if end < 0 {
		return text
	}
	var out []byte
	out = append(out, text[:end]...)
	if t.Kind == topo.Single || t.Explicit && len(t.ShardKey) > 0 {
		names := make([]string, len(t.ShardKey))
		for i, c := range t.ShardKey {
			names[i] = quoteName(t.Columns[c].Name)
		}
		out = append(out, " /*!999999 SHARD KEY ("+strings.Join(names, ",")+") */"...)
	}
	rest := text[end:]
	if next > 1 && bytes.HasPrefix(rest, []byte(engineOption)) {
		n := len(engineOption)
		for n < len(rest) && rest[n] != ' ' && rest[n] != '\n' {
			n++
		}
		out = append(out, rest[:n]...)
		out = append(out, " AUTO_INCREMENT="...)
		out = strconv.AppendUint(out, next, 10)
		rest = rest[n:]
		if own, ok := bytes.CutPrefix(rest, []byte(" AUTO_INCREMENT=")); ok { // the shape's, from the CREATE TABLE
			rest = bytes.TrimLeft(own, "0123456789")
		}
	}
	return append(out, rest...)
}

// bodyEnd finds the line break before the bracket that ends the columns and keys; -1 when there is none. Quotes are skipped.
func bodyEnd(text []byte) int {
	for i := 0; i < len(text); i++ {
		switch q := text[i]; q {
		case '\'', '`', '"':
			for i++; i < len(text) && text[i] != q; i++ {
				if text[i] == '\\' && q != '`' {
					i++
				}
			}
		case '\n':
			if i+1 < len(text) && text[i+1] == ')' {
				return i
			}
		}
	}
	return -1
}

// withoutClusterKey is an account's text (SHOW GRANTS, SHOW CREATE USER) without the method by which the nodes log in on its behalf, as
// MariaDB would print it for the methods that remain.
func withoutClusterKey(text []byte, key string) []byte {
	method := []byte("ed25519 USING '" + key + "'")
	const or = " OR "
	i := bytes.Index(text, method)
	if i < 0 {
		return text
	}
	switch {
	case bytes.HasSuffix(text[:i], []byte(or)):
		text = append(append([]byte{}, text[:i-len(or)]...), text[i+len(method):]...)
	case bytes.HasPrefix(text[i+len(method):], []byte(or)):
		text = append(append([]byte{}, text[:i]...), text[i+len(method)+len(or):]...)
	default:
		return text // the only method: the cluster's own account
	}
	// A single mysql_native_password is printed in the old way, and not at all when it has no password.
	const via = " IDENTIFIED VIA mysql_native_password"
	j := bytes.Index(text, []byte(via))
	if j < 0 {
		return text
	}
	rest := text[j+len(via):]
	const using = " USING '"
	stored := []byte{}
	if bytes.HasPrefix(rest, []byte(using)) {
		k := bytes.IndexByte(rest[len(using):], '\'')
		if k < 0 {
			return text
		}
		stored, rest = rest[len(using):len(using)+k], rest[len(using)+k+1:]
	}
	if bytes.HasPrefix(rest, []byte(or)) {
		return text
	}
	out := append([]byte{}, text[:j]...)
	if len(stored) > 0 {
		out = append(append(append(out, " IDENTIFIED BY PASSWORD '"...), stored...), '\'')
	}
	return append(out, rest...)
}

// grantsHidden says whether a line of SHOW GRANTS is about a database that clients do not see.
func grantsHidden(line []byte, snap *topo.Snapshot) bool {
	_, rest, _ := bytes.Cut(line, []byte(" ON "))
	for _, kind := range []string{"PROCEDURE ", "FUNCTION ", "PACKAGE BODY ", "PACKAGE "} {
		rest = bytes.TrimPrefix(rest, []byte(kind))
	}
	quote := "" // of sql_quote_show_create = 0
	for _, q := range []string{"`", `"`} {
		if bytes.HasPrefix(rest, []byte(q)) {
			quote = q
		}
	}
	rest = rest[len(quote):]
	j := bytes.Index(rest, []byte(quote+"."))
	if j < 0 {
		return false
	}
	name := string(rest[:j])
	if quote != "" {
		name = strings.ReplaceAll(name, quote+quote, quote)
	}
	return hidden(snap, name) || hidden(snap, strings.NewReplacer(`\_`, "_", `\%`, "%").Replace(name))
}
