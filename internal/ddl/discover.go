package ddl

import (
	"context"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/spider"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// linkedLike is the definition of CREATE TABLE … LIKE a linked table: the same, passwords and all.
func (j *job) linkedLike(t *topo.Table) (*linked, error) {
	def, err := j.definition(t)
	if err != nil {
		return nil, err
	}
	l := &linked{def: *def, columns: true}
	return l, l.read()
}

// discover takes the columns and keys of a table that is made without any from the remote table of its first place. t has the names and the ID that the table will have.
//
// The remote server is asked under the session's own settings: what it prints can then be spliced into the client's statement, which leaves read under the same ones.
func (j *job) discover(ctx context.Context, t *topo.Table) error {
	if j.cfg.Remote == nil {
		return unsupported("linked tables without columns at a node that can't ask their servers")
	}
	if err := j.step("discover"); err != nil {
		return err
	}
	if err := j.link(t, j.linked); err != nil {
		return err
	}
	links, err := spider.LinksOf(j.snap, t, 0)
	if err != nil {
		return err
	}
	remote := links[0].Database + "." + links[0].Table
	res, err := j.cfg.Remote(ctx, links[:1], j.s.State, "SHOW CREATE TABLE "+id(links[0].Database)+"."+id(links[0].Table))
	if err != nil {
		return err
	}
	if len(res.Rows) != 1 || len(res.Rows[0]) != 2 {
		return refuse(1235, "42000", "Columns can be read from a table only, and '%s' at %s is none; give them", remote, links[0].Name())
	}
	body, charset, err := columnsOf(res.Rows[0][1], j.scan.Mode())
	if err != nil {
		return refuse(1235, "42000", "What %s prints of the table '%s' can't be read: %v; give its columns", links[0].Name(), remote, err)
	}
	if slices.ContainsFunc(j.d.Options, func(o sqltext.Option) bool { return o.Name == "CHARSET" || o.Name == "COLLATE" }) {
		return unsupported("a character set for columns that are read from the remote table")
	}
	behind := j.d.Tables[0].Span.To
	j.linked.edits = append(j.linked.edits, edit{sqltext.Span{From: behind, To: behind}, body + charset})
	return nil
}

// columnsOf takes the columns and keys, in brackets, and the character set out of a SHOW CREATE TABLE. Constraints stay where the rows are.
func columnsOf(create []byte, mode sqltext.Mode) (body, charset string, err error) {
	var scan sqltext.Scan
	if err := scan.Scan(create, mode); err != nil {
		return "", "", err
	}
	st, err := sqltext.Parse(&scan, mode)
	if err != nil {
		return "", "", err
	}
	if st.DDL == nil || st.DDL.Body.Empty() {
		return "", "", sqltext.ErrText
	}
	inside := sqltext.Span{From: st.DDL.Body.From + 1, To: st.DDL.Body.To - 1}
	for _, ours := range st.DDL.OursSpans { // of a remote table that is sharded: behind all columns
		if ours.From > inside.From && ours.To <= inside.To {
			inside.To = ours.From
		}
	}
	var elements []string
	from, depth := inside.From, 0
	for at := inside.From; at <= inside.To; at++ {
		if at < inside.To {
			switch scan.Tokens[at].Op {
			case '(':
				depth++
			case ')':
				depth--
			}
			if scan.Tokens[at].Op != ',' || depth > 0 {
				continue
			}
		}
		if element := (sqltext.Span{From: from, To: at}); !element.Empty() && !isConstraint(&scan, element) {
			elements = append(elements, string(scan.AppendSpan(nil, element)))
		}
		from = at + 1
	}
	for _, o := range st.DDL.Options {
		if o.Name == "CHARSET" || o.Name == "COLLATE" {
			charset += " " + o.Name + "=" + o.Value.Text
		}
	}
	return " (" + strings.Join(elements, ", ") + ")", charset, nil
}

// isConstraint says whether an element of a table's body is a FOREIGN KEY or a CHECK.
func isConstraint(scan *sqltext.Scan, element sqltext.Span) bool {
	at := element.From
	if scan.Tokens[at].KW == sqltext.KwConstraint {
		if at++; at < element.To && scan.Tokens[at].Kind == sqltext.QuotedID {
			at++
		}
	}
	if at >= element.To {
		return false
	}
	kw := scan.Tokens[at].KW
	return kw == sqltext.KwForeign || kw == sqltext.KwCheck
}
