package plan

import (
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// Bringing is another way to run a staged query: some of its tables stay in their partitions, and the rows that it needs of all others are copied there, as temporary tables. What every
// partition gets a whole copy of is to the query a reference table; what is dealt out by a column is a table that has this column for its shard key. So which queries that is right
// for, and how the parts become one answer, is what is known of such tables.
type Bringing struct {
	// Plan is the query's, with copies for tables: Route, Forward, Merge and Names are set.
	Plan *Plan
	// Fills are what is brought, in the order in which they are to be filled.
	Fills []Fill
}

// ProbeRows bounds the rows of a probe. Where there are more, those who ask for keys get none.
const ProbeRows = 20000

// maxBrought bounds the tables of a query of which all choices are looked at, maxTables those of which some are.
const (
	maxBrought = 4
	maxTables  = 8
)

// bringings finds the ways to bring tables to others: of those that leave the most tables where they are, each one.
func (p *planner) bringings(s *planner, q *sqltext.Query, span sqltext.Span) []Bringing {
	fills := s.stage.loose
	const unfit = sqltext.HasForUpdate | sqltext.HasUserVarAssign | sqltext.HasInto
	if q == nil || p.far != nil || p.sess.OwnReferences || p.stmt.Facts&unfit != 0 || len(fills) < 2 || len(fills) > maxTables {
		return nil
	}
	for i := range fills {
		if f := &fills[i]; f.Table.Kind == topo.Linked || f.Table.Temporary || f.Of != nil || !f.Lock.Empty() || f.Share {
			return nil
		}
	}
	b := &bringer{p: p, s: s, q: q, span: p.span, fills: fills}
	b.matched = b.matches()
	if q != p.stmt.Query {
		b.span = span
	}
	if len(fills) <= maxBrought {
		b.all()
	} else {
		b.some()
	}
	return b.found
}

// bringer looks for ways to bring tables. A set of tables is a bit for each of fills: those that stay.
type bringer struct {
	p, s  *planner
	q     *sqltext.Query
	span  sqltext.Span
	fills []Fill
	kept  []uint
	found []Bringing
	// matched are the tables whose FULLTEXT indexes the query needs, which copies have not.
	matched uint
}

// matches finds the tables of MATCH (…).
func (b *bringer) matches() (set uint) {
	tokens := b.p.scan.Tokens
	if b.p.stmt.Facts&sqltext.HasMatch == 0 {
		return 0
	}
	for i := b.p.span.From; i < b.p.span.To; i++ {
		if tokens[i].KW != sqltext.KwMatch {
			continue
		}
		for ; i < b.p.span.To && tokens[i].KW != sqltext.KwAgainst; i++ {
			column, table := b.name(i), ""
			if i+1 < b.p.span.To && tokens[i+1].Op == '.' {
				continue // a table's or database's name
			}
			if tokens[i-1].Op == '.' {
				table = b.name(i - 2)
			}
			for k := range b.fills {
				if t := b.fills[k].Table; t.Column(column) >= 0 && (table == "" || b.called(t, table)) {
					set |= 1 << k
				}
			}
		}
	}
	return set
}

// name is the name that a token is.
func (b *bringer) name(tok int32) string {
	return string(sqltext.Unquote(nil, b.p.scan.Tokens[tok], b.p.scan.Src, b.p.scan.Mode()))
}

// called says whether a table has a name somewhere in the query.
func (b *bringer) called(t *topo.Table, name string) bool {
	return slices.ContainsFunc(b.s.stage.units, func(u *unit) bool {
		return slices.ContainsFunc(u.sources, func(x *source) bool { return x.table == t && strings.EqualFold(x.name, name) })
	})
}

// all tries all sets, the large ones first.
func (b *bringer) all() {
	for n := len(b.fills) - 1; n > 0; n-- {
		for set := uint(1); set < 1<<len(b.fills)-1; set++ {
			if size(set) == n {
				b.add(set, b.try(set))
			}
		}
	}
}

// some begins with each table alone.
func (b *bringer) some() {
	for i := range b.fills {
		set := uint(1) << i
		best := b.try(set)
		for j := range b.fills {
			if best == nil || set&(1<<j) != 0 {
				continue
			}
			if more := b.try(set | 1<<j); more != nil {
				set, best = set|1<<j, more
			}
		}
		b.add(set, best)
	}
}

func size(set uint) (n int) {
	for ; set != 0; set &= set - 1 {
		n++
	}
	return n
}

// add keeps a way that brings less than those that are known.
func (b *bringer) add(set uint, w *Bringing) {
	if w == nil || slices.ContainsFunc(b.kept, func(k uint) bool { return k&set == set }) {
		return
	}
	b.kept, b.found = append(b.kept, set), append(b.found, *w)
}

// try plans the query with the tables of a set where they are; nil when partitions can't answer it so.
func (b *bringer) try(set uint) *Bringing {
	if set&b.matched != b.matched || slices.ContainsFunc(b.kept, func(k uint) bool { return k&set == set }) {
		return nil
	}
	var brought []Fill
	var dealt []*topo.Table
	any := false
	for i := range b.fills {
		if set&(1<<i) != 0 {
			continue
		}
		f := b.fills[i]
		f.Order = nil // which parts have none of
		brought = append(brought, f)
		dealt = append(dealt, b.dealt(f.Table, set))
		any = any || dealt[len(dealt)-1] != nil
	}
	use := slices.Clone(dealt)
	plan := b.plan(brought, use)
	if plan == nil && any {
		use = make([]*topo.Table, len(dealt))
		if plan = b.plan(brought, use); plan == nil {
			return nil
		}
		for i, d := range dealt {
			if d == nil {
				continue
			}
			use[i] = d
			if more := b.plan(brought, use); more != nil {
				plan = more
			} else {
				use[i] = nil
			}
		}
	}
	if plan == nil {
		return nil
	}
	for i, d := range use {
		if brought[i].Deal = d; d != nil {
			brought[i].First = nil // each partition would look for one
		}
	}
	for i := range b.fills {
		if set&(1<<i) != 0 && b.fills[i].Where != nil && b.fills[i].First == nil {
			f := b.fills[i]
			f.Probe = true
			brought = append(brought, f)
		}
	}
	way := &Bringing{plan, b.s.stage.arrange(brought)}
	way.Fills = way.Without(func(i int) bool { return way.Fills[i].Probe && !way.probes(i) })
	for i := range way.Fills {
		if f := &way.Fills[i]; f.Probe {
			f.Columns = way.asked(i)
		}
	}
	return way
}

// probes says whether a probe has keys for what is brought, or for another probe that has.
func (w *Bringing) probes(i int) bool {
	seen := make([]bool, len(w.Fills))
	var to func(i int) bool
	to = func(i int) bool {
		seen[i] = true
		for j := range w.Fills {
			asks := !seen[j] && slices.ContainsFunc(w.Fills[j].Keys, func(k FillKey) bool { return k.From == i })
			if asks && (!w.Fills[j].Probe || to(j)) {
				return true
			}
		}
		return false
	}
	return to(i)
}

// asked are the columns of a fill that others ask for.
func (w *Bringing) asked(i int) []int {
	var out []int
	for _, f := range w.Fills {
		for _, k := range f.Keys {
			if k.From == i {
				out = append(out, k.FromColumns...)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Without are the fills but for some, and the keys but for those that these would tell.
func (w *Bringing) Without(drop func(i int) bool) []Fill {
	var out []Fill
	at := make([]int, len(w.Fills))
	for i := range w.Fills {
		if at[i] = -1; !drop(i) {
			at[i] = len(out)
			out = append(out, w.Fills[i])
		}
	}
	for i := range out {
		var keys []FillKey
		for _, k := range out[i].Keys {
			if at[k.From] >= 0 {
				k.From = at[k.From]
				keys = append(keys, k)
			}
		}
		out[i].Keys = keys
	}
	return out
}

// plan plans the query with some tables brought, nil where it can't be split all the same.
func (b *bringer) plan(brought []Fill, dealt []*topo.Table) *Plan {
	p := newPlanner(b.p.stmt, b.p.scan, b.p.snap, b.p.sess)
	p.span, p.brought, p.copies = b.span, make(map[*topo.Table]*topo.Table), make(map[*topo.Table]*topo.Table)
	for i := range brought {
		t := dealt[i]
		if t == nil {
			everywhere := *brought[i].Table
			everywhere.Kind, everywhere.ShardKey = topo.Reference, nil
			t = &everywhere
		}
		p.brought[brought[i].Table], p.copies[t] = t, brought[i].Table
	}
	u, err := p.query(b.q, nil)
	if err != nil || p.settleAll(u) != nil || !u.spread || p.db == "" || p.otherDB != "" || p.stored != "" {
		return nil
	}
	plan := &Plan{Rows: true, copied: true, Facts: p.stmt.Facts, Params: p.scan.Params, Revision: p.snap.Revision, Route: p.route(u), Forward: p.names()}
	if plan.Route.Kind != RouteAll && plan.Route.Kind != RouteKeys && !u.inOne() {
		return nil
	}
	plan.Names = p.columnNames(b.q, plan.Forward)
	var reason string
	if plan.Merge, reason = p.merge(u); plan.Merge == nil || reason != "" || p.fault != nil {
		return nil
	}
	b.p.literals = b.p.literals || p.literals
	return plan
}

// dealt is a table as one that has columns for its shard key which equal that of a table that stays; nil where there are none. That they do so wherever the table is named is for
// plan to find out.
func (b *bringer) dealt(t *topo.Table, set uint) *topo.Table {
	for _, u := range b.s.stage.units {
		for _, x := range u.sources {
			at := slices.IndexFunc(b.fills, func(f Fill) bool { return f.Table == x.table })
			if at < 0 || set&(1<<at) == 0 || len(x.key) == 0 {
				continue
			}
			for _, y := range u.sources {
				if y.table != t {
					continue
				}
				if key := columnsThatEqual(u.equals(x), y); key != nil && b.dealable(t, key) {
					as := *t
					as.DB, as.Kind, as.ShardKey = x.table.DB, topo.Sharded, key
					return &as
				}
			}
		}
	}
	return nil
}

// columnsThatEqual are columns of a source, one of each set.
func columnsThatEqual(sets []map[node]bool, s *source) []int {
	var out []int
	for _, set := range sets {
		at := slices.IndexFunc(s.cols, func(c outCol) bool { return set[node{s, s.column(c.name)}] })
		if at < 0 {
			return nil
		}
		out = append(out, at)
	}
	return out
}

// dealable says whether a node can tell where rows with these columns belong, from what it is told of them: they are integers, and read.
func (b *bringer) dealable(t *topo.Table, key []int) bool {
	i := slices.IndexFunc(b.fills, func(f Fill) bool { return f.Table == t })
	for _, c := range key {
		if !slices.Contains(b.fills[i].Columns, c) || !integer(&t.Columns[c]) {
			return false
		}
	}
	return true
}

func integer(c *topo.Column) bool {
	switch c.Type {
	case "tinyint", "smallint", "mediumint", "int", "bigint":
		return true
	}
	return false
}
