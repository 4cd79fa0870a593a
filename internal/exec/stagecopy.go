package exec

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// define finds out how the tables' copies are made: as CREATE TABLE LIKE makes them, but for tables with partitions or FULLTEXT keys, which temporary tables have none of. Their
// definitions are asked for each time, as an ALTER TABLE that is under way may be undone. MATCH is refused on the copy as it would be without the key.
func (s *stage) define(ctx context.Context, at txn.Place) error {
	s.definitions = make([]string, len(s.fills))
	own, locked := false, s.st.Tx.Pinned(txn.PinLocks)
	for i := range s.fills {
		f := &s.fills[i]
		t := f.From()
		if odd, known := s.r.copies.Load(t); known && !odd.(bool) && f.Of == nil && !locked {
			continue
		}
		d, err := s.ask(ctx, at, t, f.History)
		if err != nil {
			return err
		}
		if !t.Temporary {
			s.r.copies.Store(t, d.odd)
		}
		if d.odd || f.Of != nil || t.Temporary || locked { // CREATE TABLE LIKE would wait for the session's own locks
			s.definitions[i] = d.text
		}
		if d.hidden {
			if !own { // they are the plan's
				s.fills, own = slices.Clone(s.fills), true
			}
			s.fills[i] = withHistory(*f)
		}
	}
	return nil
}

// definition is how a copy is made.
type definition struct {
	text   string // what follows the name in CREATE TABLE
	odd    bool   // CREATE TABLE LIKE does not make it: there are partitions, FULLTEXT keys or versions
	hidden bool   // it has the HistoryColumns, of which the table's own columns tell nothing
}

// withHistory is a fill with the columns of a history that nobody has named, which may be read by their names.
func withHistory(f plan.Fill) plan.Fill {
	t := *f.Table
	for _, name := range plan.HistoryColumns {
		if slices.ContainsFunc(t.Columns, func(c topo.Column) bool { return strings.EqualFold(c.Name, name) }) {
			return f
		}
	}
	t.Columns, f.Columns = slices.Clone(t.Columns), slices.Clone(f.Columns)
	for _, name := range plan.HistoryColumns {
		f.Columns = append(f.Columns, len(t.Columns))
		t.Columns = append(t.Columns, plan.HistoryColumn(name))
	}
	f.Table = &t
	return f
}

// ask gives a table's definition for a copy.
func (s *stage) ask(ctx context.Context, at txn.Place, t *topo.Table, history bool) (d definition, err error) {
	// In ways of MariaDB's own to write it, whatever the session's sql_mode is.
	query := "SET STATEMENT sql_mode='' FOR SHOW CREATE TABLE " + string(plan.AppendQuoted(append(plan.AppendQuoted(nil, t.DB), '.'), t.Name))
	var res *backend.Result
	if t.Temporary {
		res, err = s.askSession(ctx, at, query)
	} else {
		var c *backend.Conn
		if c, err = s.r.cfg.Pools.Get(ctx, backend.Want{Leaf: at.Leaf, Account: backend.Cluster, Variant: backend.Internal}); err == nil {
			defer c.Release()
			res, err = c.Query(ctx, query)
		}
	}
	if err != nil {
		return d, err
	}
	if len(res.Rows) != 1 || len(res.Rows[0]) < 2 {
		return d, errorf(wire.ErUnknown, "leaf %s does not tell the definition of '%s.%s'", at.Leaf, t.DB, t.Name)
	}
	return bareDefinition(res.Rows[0][1], history)
}

// askSession asks on the connection that has the session's temporary tables.
func (s *stage) askSession(ctx context.Context, at txn.Place, query string) (*backend.Result, error) {
	c, err := s.st.Tx.Conn(ctx, at)
	if err != nil {
		return nil, err
	}
	stop := c.Watch(ctx)
	res, err := c.Query(ctx, query)
	stop()
	refused, ok := backend.AsPacket(err)
	if ok { // no failure of the connection
		err = nil
	}
	if err = s.st.Tx.Done(c, err); err == nil && ok {
		err = refused
	}
	return res, err
}

// bareDefinition is what a SHOW CREATE TABLE says, without what temporary tables can't have. history: the rows that are no more are to find a place.
func bareDefinition(create []byte, history bool) (d definition, err error) {
	var scan sqltext.Scan
	if err := scan.Scan(create, sqltext.Mode{}); err != nil {
		return d, fmt.Errorf("a table's definition: %w", err)
	}
	versioned := history
	for i := range scan.Tokens[:max(len(scan.Tokens)-2, 0)] {
		versioned = versioned || scan.Tokens[i].KW == sqltext.KwWith && scan.Tokens[i+1].KW == sqltext.KwSystem && scan.Tokens[i+2].KW == sqltext.KwVersioning
	}
	var out []byte
	depth, kept := 0, true
	named := false                    // the columns of the history are among the others
	from, item := int32(3), int32(-1) // CREATE TABLE `name`
	if len(scan.Tokens) > 1 && scan.Tokens[1].KW == sqltext.KwTemporary {
		from++
	}
	is := func(i int32, kw sqltext.Keyword) bool { return scan.Tokens[i].KW == kw }
	end := int32(len(scan.Tokens))
	keep := func(to int32) {
		if from < to {
			out = append(append(out, scan.Text(sqltext.Span{From: from, To: to})...), ' ')
		}
	}
	skip := func(i, n int32) int32 {
		if kept {
			keep(i)
		}
		from, d.odd = i+n, true
		return i + n - 1
	}
	for i := from; i < end; i++ {
		switch t := &scan.Tokens[i]; {
		case depth < 2 && (t.KW == sqltext.KwWith || t.KW == sqltext.KwWithout) && i+2 < end && is(i+1, sqltext.KwSystem) && is(i+2, sqltext.KwVersioning):
			i = skip(i, 3)
		case depth == 1 && t.KW == sqltext.KwGenerated && i+4 < end && is(i+3, sqltext.KwRow): // GENERATED ALWAYS AS ROW START
			i = skip(i, 5)
			out, named = append(out, "NOT NULL "...), true
		case t.Op == '(':
			if depth++; depth == 1 {
				keep(i + 1)
				from, item, kept = i+1, i+1, true
			}
		case t.Op == ')' && depth == 1, t.Op == ',' && depth == 1:
			if without(&scan, item, i) {
				kept, d.odd = false, d.odd || is(item, sqltext.KwFulltext) || is(item, sqltext.KwPeriod)
			}
			if kept {
				keep(i)
				out = append(out, ',')
			}
			if t.Op == ')' {
				depth--
				if d.hidden = versioned && !named; d.hidden {
					for _, name := range plan.HistoryColumns {
						out = append(plan.AppendQuoted(out, name), " timestamp(6) NOT NULL INVISIBLE DEFAULT 0,"...)
					}
				}
				out = append(out[:len(out)-1], ')', ' ') // the last comma
			}
			from, item, kept = i+1, i+1, true
		case t.Op == ')':
			if depth == 2 && history && !named && (is(item, sqltext.KwPrimary) || is(item, sqltext.KwUnique)) {
				keep(i)
				out, from = plan.AppendQuoted(append(out, ','), plan.HistoryColumns[1]), i
			}
			depth--
		case depth == 0 && is(i, sqltext.KwPartition):
			keep(i)
			d.text, d.odd = string(out), true
			return d, nil
		}
	}
	keep(end)
	d.text = string(out)
	return d, nil
}

// without says whether an item of a definition is one that temporary tables can't have.
func without(scan *sqltext.Scan, from, to int32) bool {
	if kw := scan.Tokens[from].KW; kw == sqltext.KwFulltext || kw == sqltext.KwPeriod && scan.Tokens[from+2].KW == sqltext.KwSystemTime {
		return true
	}
	if scan.Tokens[from].KW == sqltext.KwConstraint {
		for i := from; i < to; i++ {
			if scan.Tokens[i].KW == sqltext.KwForeign {
				return true
			}
		}
	}
	return false
}
