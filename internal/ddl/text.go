package ddl

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
)

// template is a statement's text with mark wherever the quoted name of the partition's database goes.
type template string

const mark = "\x00"

// MarshalJSON keeps the client's bytes as they are, whatever their character set.
func (t template) MarshalJSON() ([]byte, error) { return json.Marshal([]byte(t)) }

// UnmarshalJSON is its reverse.
func (t *template) UnmarshalJSON(b []byte) error {
	var raw []byte
	err := json.Unmarshal(b, &raw)
	*t = template(raw)
	return err
}

func (t template) in(schema string) string { return strings.ReplaceAll(string(t), mark, id(schema)) }

// edit replaces a span of the client's tokens.
type edit struct {
	span sqltext.Span
	text string
}

// spliced is the statement with edits made; those of ours are always cut.
func (j *job) spliced(edits ...edit) string {
	if j.linked != nil {
		edits = append(edits, j.linked.edits...)
	}
	if j.d.Object == "TABLE" && j.d.AsSelect != nil {
		edits = append(edits, noRows(j.d.AsSelect))
	}
	edits = append(edits, j.transactional()...)
	return withoutOurs(j.scan, j.stmt, edits)
}

// Plain is a statement as MariaDB knows it: without SHARD KEY and the like.
func Plain(scan *sqltext.Scan, stmt *sqltext.Stmt) string { return withoutOurs(scan, stmt, nil) }

// withoutOurs is a statement with edits made, and without what is ours.
func withoutOurs(scan *sqltext.Scan, stmt *sqltext.Stmt, edits []edit) string {
	for _, sp := range stmt.DDL.OursSpans {
		edits = append(edits, edit{span: sp})
	}
	if tok := stmt.DDL.ReferenceTok; stmt.DDL.Reference && tok >= 0 {
		edits = append(edits, edit{span: sqltext.Span{From: tok, To: tok + 1}})
	}
	if len(edits) == 0 {
		return string(scan.AppendSpan(nil, stmt.Span))
	}
	slices.SortFunc(edits, func(a, b edit) int { return cmp.Or(int(a.span.From-b.span.From), int(a.span.To-b.span.To)) })
	var out []byte
	at := stmt.Span.From
	for _, e := range edits {
		if e.span.From < at {
			continue // one name listed twice
		}
		out = scan.AppendSpan(out, sqltext.Span{From: at, To: e.span.From})
		out = append(append(append(out, ' '), e.text...), ' ')
		at = e.span.To
	}
	return string(scan.AppendSpan(out, sqltext.Span{From: at, To: stmt.Span.To}))
}

// partText is the statement for the partitions: names of the database become the partition's, those of reference tables the shape's.
func (j *job) partText(db string, isReference func(table string) bool, edits ...edit) template {
	names := slices.Clone(j.d.Tables)
	names = append(names, j.d.References...)
	for i, n := range names {
		if n == nil || i < len(j.d.Tables) && j.dbOf(n) != db || i >= len(j.d.Tables) && referred(n, db) != db {
			continue
		}
		switch {
		case isReference(n.Name.Text):
			edits = append(edits, edit{n.Span, id(db) + "." + id(n.Name.Text)})
		case n.DB.Tok >= 0:
			edits = append(edits, edit{n.Span, mark + "." + id(n.Name.Text)})
		}
	}
	return template(j.spliced(append(edits, j.undrawn()...)...))
}

func (j *job) dbOf(n *sqltext.TableName) string {
	if n.DB.Tok >= 0 {
		return n.DB.Text
	}
	return j.s.Schema
}

// referred is the database of a table that a foreign key of a table in db references: that one, whatever the session's is, where it is not named.
func referred(n *sqltext.TableName, db string) string {
	if n.DB.Tok >= 0 {
		return n.DB.Text
	}
	return db
}

// id quotes an identifier.
func id(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// lit quotes a string for the cluster's own sessions, whose sql_mode is the default.
func lit(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `''`, "\x00", `\0`).Replace(s) + "'"
}

// likeText makes an empty copy of a table, which may have been made without innodb_strict_mode. shown is its SHOW CREATE TABLE: MariaDB makes none LIKE one with a LIST partition for NULL alone (1479).
func likeText(as, table, shown string) string {
	made := "CREATE TABLE " + id(table)
	if strings.Contains(shown, " VALUES IN (NULL)") && strings.HasPrefix(shown, made) {
		return "SET STATEMENT innodb_strict_mode=0, sql_mode='' FOR CREATE TABLE " + id(as) + shown[len(made):]
	}
	return "SET STATEMENT innodb_strict_mode=0 FOR CREATE TABLE " + id(as) + " LIKE " + id(table)
}
