package plan

import (
	"errors"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// Returned says that RETURNING has subqueries over partitions, of which one that writes sees its own rows only. What it lists is asked for by a query: of a DELETE's rows before they are deleted, of an
// INSERT's once they are there, by the key that the INSERT returns instead.
type Returned struct {
	Table *topo.Table
	Key   []int // an INSERT's
	tail  sqltext.Span
	from  sqltext.Span // of a DELETE: its tables, WHERE and ORDER BY
	where sqltext.Span
	order sqltext.Span
}

// returning plans a statement whose RETURNING can't be told where the rows are written. first and err are what it came to otherwise.
func (p *planner) returning(first *Plan, err error) (*Plan, error) {
	var refused *Error
	if err == nil && first.Stage == "" || err != nil && (!errors.As(err, &refused) || refused.reason == "") {
		return first, err
	}
	t := &Returned{}
	var target *sqltext.TableName
	switch {
	case p.stmt.Insert != nil:
		t.tail, target = p.stmt.Insert.Returning, p.stmt.Insert.Table
	case p.stmt.Delete != nil && len(p.stmt.Delete.From) == 1 && !p.stmt.Delete.Multi && p.stmt.Delete.Limit == nil:
		d := p.stmt.Delete
		t.tail, target = d.Returning, d.From[0].Table
		t.from, t.where, t.order = d.From[0].Span, d.WhereSpan, d.OrderSpan
	}
	if t.tail.Empty() || target == nil || !p.returnsOthers(t.tail, target) {
		return first, err
	}
	table, _, lost := p.lookup(target)
	unfit := sqltext.HasSystemTime | sqltext.HasUserVarAssign
	if p.stmt.Delete != nil { // which rows it is about is asked twice
		unfit |= sqltext.HasNondeterministic
	}
	if lost != nil || table == nil || table.Kind == topo.Linked || table.Temporary || len(table.Triggers) > 0 || p.far != nil || p.checked() != nil || !p.onceFit() || p.stmt.Facts&unfit != 0 || p.sess.Met != nil || p.sess.Draws != nil {
		return first, err
	}
	if t.Table = table; p.stmt.Insert != nil {
		if t.Key = rowKey(table); t.Key == nil {
			return first, err
		}
	}
	return &Plan{Route: Route{Kind: RouteStage}, Stage: "a subquery over a sharded table in RETURNING", Writes: true, Rows: true, Returned: t}, nil
}

// returnsOthers says whether RETURNING reads tables that are not everywhere, and not the one that is written, which MariaDB refuses.
func (p *planner) returnsOthers(tail sqltext.Span, target *sqltext.TableName) bool {
	others := false
	own, _, _ := p.lookup(target)
	for _, t := range p.stmt.Tables {
		if t.CTE || !inside(t.Span, tail) {
			continue
		}
		table, _, err := p.lookup(t)
		if err != nil || table == nil || table == own || table.Kind == topo.Linked {
			return false
		}
		others = others || table.Kind != topo.Reference
	}
	return others
}

// listed is what RETURNING lists, without the keyword.
func (t *Returned) listed() sqltext.Span {
	return sqltext.Span{From: t.tail.From + 1, To: t.tail.To}
}

// Query asks for what RETURNING lists: of the rows that an INSERT has written, where finds them, or "" of those that a DELETE is about.
func (t *Returned) Query(scan *sqltext.Scan, where string) (text []byte, params []int) {
	spans := []sqltext.Span{t.listed()}
	text = append(scan.AppendSpan(append(text, "SELECT "...), spans[0]), " FROM "...)
	if where != "" {
		text = AppendQuoted(append(AppendQuoted(text, t.Table.DB), '.'), t.Table.Name)
		text = append(append(text, " WHERE "...), where...)
	} else {
		text = scan.AppendSpan(text, t.from)
		spans = append(spans, t.from)
		for _, s := range []sqltext.Span{t.where, t.order} {
			if !s.Empty() {
				text = scan.AppendSpan(append(text, ' '), s)
				spans = append(spans, s)
			}
		}
		text = append(text, " FOR UPDATE"...)
	}
	for _, s := range spans {
		params = appendParams(params, scan, s, nil)
	}
	return text, params
}

// Edit makes a statement of the client's that does not return what RETURNING lists: an INSERT returns the key, a DELETE nothing.
func (t *Returned) Edit() []Splice {
	if t.Key == nil {
		return []Splice{{From: t.tail.From, To: t.tail.To}}
	}
	var names []byte
	for i, c := range t.Key {
		if i > 0 {
			names = append(names, ',')
		}
		name := AppendQuoted(nil, t.Table.Columns[c].Name)
		if t.Table.Columns[c].Charset != "" { // whatever the client can read
			name = append(append([]byte("CAST("), name...), " AS BINARY)"...)
		}
		names = append(names, name...)
	}
	return []Splice{{From: t.listed().From, To: t.tail.To, Pieces: []Piece{{Kind: PieceText, Text: " " + string(names)}}}}
}
