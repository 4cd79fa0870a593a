package exec

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// define finds out how the tables' copies are made: lean ones by what is left of the tables' definitions, others as CREATE TABLE LIKE makes them, but for tables with partitions or FULLTEXT keys,
// which temporary tables have none of, and those with columns that have values of sequences. Definitions are asked for each time, as an ALTER TABLE that is under way may be undone. MATCH is refused on the copy as it would be without the key.
func (s *stage) define(ctx context.Context, at txn.Place) error {
	s.definitions = make([]string, len(s.fills))
	hidden, errs := make([]bool, len(s.fills)), make([]error, len(s.fills))
	var all sync.WaitGroup
	for i := range s.fills {
		f := &s.fills[i]
		if f.Probe {
			continue
		}
		if odd, known := s.r.copies.Load(f.From()); known && !odd.(bool) && f.Of == nil && !f.Lean && !s.locked() {
			continue
		}
		one := func() { s.definitions[i], hidden[i], errs[i] = s.definition(ctx, at, f) }
		if f.From().Temporary { // on the session's own connection
			one()
			continue
		}
		all.Go(one)
	}
	all.Wait()
	own := false
	for i, more := range hidden {
		if !more {
			continue
		}
		if !own { // they are the plan's
			s.fills, own = slices.Clone(s.fills), true
		}
		s.fills[i] = withHistory(s.fills[i])
	}
	return errors.Join(errs...)
}

// locked says whether LOCK TABLES is in force.
func (s *stage) locked() bool { return s.st.Tx.Pinned(txn.PinLocks) }

// definition is the text of a copy's definition, "" where it is made like its table. hidden: it has columns of a history that the fill knows nothing of.
func (s *stage) definition(ctx context.Context, at txn.Place, f *plan.Fill) (text string, hidden bool, err error) {
	if g := s.st.given[f.Table]; g != nil {
		return g.definition, false, nil
	}
	t := f.From()
	told, err := s.ask(ctx, at, t)
	if err != nil {
		return "", false, err
	}
	create := []byte(topo.Undrawn(string(told))) // a default that is a sequence's next value would be asked of the shape, for columns that are not copied
	if f.Lean {
		text, err := leanDefinition(create, f, s.rows[f.Table])
		if err != nil {
			err = fmt.Errorf("the definition of %s.%s: %w", t.DB, t.Name, err)
		}
		return text, false, err
	}
	d, err := bareDefinition(create, f.History)
	if err != nil {
		return "", false, err
	}
	d.odd = d.odd || len(create) < len(told)
	if !t.Temporary {
		s.r.copies.Store(t, d.odd)
	}
	if d.odd || f.Of != nil || t.Temporary || s.locked() { // CREATE TABLE LIKE would wait for the session's own locks
		text = d.text
	}
	return text, d.hidden, nil
}

// definition is how a copy is made.
type definition struct {
	text   string // what follows the name in CREATE TABLE
	odd    bool   // CREATE TABLE LIKE does not make it: there are partitions, FULLTEXT keys, versions or sequences
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

// ask gives what SHOW CREATE TABLE says of a table.
func (s *stage) ask(ctx context.Context, at txn.Place, t *topo.Table) ([]byte, error) {
	// In ways of MariaDB's own to write it, whatever the session's sql_mode is.
	query := "SET STATEMENT sql_mode='' FOR SHOW CREATE TABLE " + string(plan.AppendQuoted(append(plan.AppendQuoted(nil, t.DB), '.'), t.Name))
	var res *backend.Result
	var err error
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
		return nil, err
	}
	if len(res.Rows) != 1 || len(res.Rows[0]) < 2 {
		return nil, errorf(wire.ErUnknown, "leaf %s does not tell the definition of '%s.%s'", at.Leaf, t.DB, t.Name)
	}
	return res.Rows[0][1], nil
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
			if i+1 < end && is(i+1, sqltext.KwInvisible) { // which needs a default
				out = append(out, "DEFAULT 0 "...)
			}
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
