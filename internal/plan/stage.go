package plan

import (
	"errors"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// Fill is a table of which a staged statement needs rows: those that the client would read, or more. Conditions may name the time: a statement with
// sqltext.HasTimeFunction and the reading of its fills run at one.
type Fill struct {
	Table *topo.Table
	// Columns are positions in Table.Columns, ascending, never none: those that are read, and those of unique keys, which would not hold without. Generated
	// columns are not among them: the copy computes its own.
	Columns []int
	// Lean: the copy has no columns but those, and others that keys and defaults of theirs name. Shown are columns that clients may be told the keys of, Sought those by which rows
	// may be looked for: keys of others need not be there, and unique ones that are not wholly among Columns can't be. Nil where the copy has all that the table has.
	Lean          bool
	Shown, Sought []int
	// Order is that of the rows in the table, by columns, for a Lean copy of all partitions' rows: nil where there is none to be kept.
	Order []int
	// Distinct: nobody sees how often a row is there.
	Distinct bool
	// Where says which rows are needed: those for which all conditions of one alternative hold. All rows are where it is nil.
	Where [][]Cond
	// Lock is FOR UPDATE or LOCK IN SHARE MODE as the client wrote it, with what follows it; empty when the rows are not locked.
	Lock sqltext.Span
	// Share: the rows are locked against changes, whatever Lock says.
	Share bool
	// Keys narrow the rows further: all of them hold, and each may be left out.
	Keys []FillKey
	// First says that only the first of these rows are needed; nil for all.
	First *FillFirst
	// Of is the table that is read where Table is one of its versions: as Clause, behind its name, has it. nil when it is Table. History: there are rows that are no more,
	// and columns that tell when they were.
	Of      *topo.Table
	Clause  sqltext.Span
	History bool
	// Deal, for a fill of a Bringing, is the table as one whose shard key says which partition needs a row; nil: each of them does.
	Deal *topo.Table
	// As is the name that the table is read by, "" for its own: under LOCK TABLES it must be one that is locked.
	As string
	// Called: stored functions read it, so that all of it is copied. Unnamed: the statement itself does not name it.
	Called, Unnamed bool
	// Probe, for a fill of a Bringing, is of a table that stays: nothing is copied, the rows are read for the keys of others. ProbeRows at most.
	Probe bool
}

// NamedTable is a table by one of the names that it has in a statement.
type NamedTable struct{ DB, Table, As string }

// namedTables are the tables that a span names; nil when there may be others.
func (p *planner) namedTables(span sqltext.Span) []NamedTable {
	var out []NamedTable
	seen := map[int32]bool{}
	for _, r := range sqltext.Factors(p.stmt) {
		if r.Table == nil || r.Table.CTE || !inside(r.Table.Span, span) {
			continue
		}
		seen[r.Table.Span.From] = true
		if t, _, err := p.lookup(r.Table); err == nil && t != nil && !t.Temporary && p.snap.Table(t.DB, t.Name) == t {
			out = append(out, NamedTable{t.DB, t.Name, refName(r)})
		}
	}
	for _, t := range p.stmt.Tables {
		if !t.CTE && inside(t.Span, span) && !seen[t.Span.From] {
			return nil
		}
	}
	return out
}

// From is the table that is read.
func (f *Fill) From() *topo.Table {
	if f.Of != nil {
		return f.Of
	}
	return f.Table
}

// All is the fill of all rows, in the place of those that are needed.
func (f *Fill) All() Fill {
	all := *f
	all.Where, all.Keys, all.First = nil, nil, nil
	return all
}

// Alone is the fill without what reference tables tell: a transaction that has changed them sees other rows there than partitions do.
func (f *Fill) Alone() Fill {
	alone := *f
	alone.Where = nil
	for _, all := range f.Where {
		kept := slices.DeleteFunc(slices.Clone(all), func(c Cond) bool { return c.Among != nil })
		if len(kept) == 0 {
			alone.Where = nil
			break
		}
		alone.Where = append(alone.Where, kept)
	}
	return alone
}

// FillFirst is ORDER BY and LIMIT of a fill.
type FillFirst struct {
	Order []FillOrder
	Limit sqltext.Span // the client's number; empty for one row
	// Offset is how many rows before them are left out, a number's token as Limit is then; empty for none.
	Offset sqltext.Span
}

// FillOrder is a column that rows are sorted by.
type FillOrder struct {
	Column int
	Desc   bool
}

// Cond is a condition on one row's columns: the client's tokens of Span, with Splices that name the columns as the table does. Or it is a CondAmong.
type Cond struct {
	Span    sqltext.Span
	Splices []Splice
	Among   *CondAmong
}

// CondAmong says that a column's value is one of a column of a reference table, in rows that meet conditions.
type CondAmong struct {
	Column     string
	Table      *topo.Table
	FromColumn int
	Where      []Cond
}

// FillKey says that a row is needed only if the values of Columns are those of FromColumns in one of the rows that are staged of Fills[From]. NULL is like no value. Two fills may have
// keys of each other: that of the one that is read first goes unused.
type FillKey struct {
	Columns     []int
	From        int
	FromColumns []int
}

// stager is what a planner notes for the fills of a statement.
type stager struct {
	// sources are the occurrences of tables by their names' first tokens, blocks the SELECTs.
	sources map[int32][]*source
	blocks  []*block
	// exists are the queries of EXISTS (…): nobody looks at what they select.
	exists map[*sqltext.Select]bool
	// sets are those of EXISTS (…) and IN (…) of which nobody sees how often they have a row. given are conditions that the fills have as they are.
	sets  map[*sqltext.Select]bool
	given []sqltext.Span
	// stars are the select items that are * or t.*, by their first tokens.
	stars map[int32]bool
	// named are, for each table, the occurrences at each place where it is named.
	named map[*topo.Table][][]*source
	// predicates are what is said of sources.
	predicates []sourcePredicate
	// unsteady says whether a span holds what counts its calls.
	unsteady func(sqltext.Span) bool
	// units are the queries that see nothing around them.
	units []*unit
	// all: each column of each table may be read.
	all bool
	// versions are the tables with PARTITION (…) or FOR SYSTEM_TIME.
	versions versions
	// loose are the fills as they are before they are put in order.
	loose []Fill
}

func newStager() *stager {
	return &stager{sources: make(map[int32][]*source), exists: make(map[*sqltext.Select]bool), sets: make(map[*sqltext.Select]bool), stars: make(map[int32]bool),
		named: make(map[*topo.Table][][]*source)}
}

// staged plans a query that can't be split to be staged. first is what the planning of parts came to: a plan with the reason, or an error.
func (p *planner) staged(first *Plan, err error) (*Plan, error) {
	var e *Error
	switch {
	case err == nil && first.Stage == "", p.stmt.Kind != sqltext.KindSelect && p.stmt.Kind != sqltext.KindDo:
		return first, err
	case err == nil:
	case !errors.As(err, &e) || e.reason == "":
		return nil, err
	default:
		first = &Plan{Route: Route{Kind: RouteStage}, Stage: e.reason, Rows: p.stmt.Facts&sqltext.HasInto == 0 && p.stmt.Kind == sqltext.KindSelect,
			Locks: p.stmt.Facts&sqltext.HasForUpdate != 0}
	}
	switch reason := p.fill(first, p.stmt.Query, p.stmt.Span); {
	case reason == "":
	case err != nil && p.otherDB != "":
		return nil, NeedsStage(reason)
	case err != nil: // says more
		return nil, err
	default:
		first.Stage = reason
	}
	return first, nil
}

// fill finds out which tables a staged query needs rows of; reason is why it can't be staged. q is nil where there are subqueries in the span, but it is none.
func (p *planner) fill(plan *Plan, q *sqltext.Query, span sqltext.Span) (reason string) {
	if reason = p.unstaged(); reason != "" {
		return reason
	}
	s := newPlanner(p.stmt, p.scan, p.snap, p.sess)
	s.stage = newStager()
	s.stage.unsteady = s.counts
	if s.stage.versions, plan.Copies, reason = p.versions(span); reason != "" {
		return reason
	}
	var err error
	if q != nil {
		_, err = s.query(q, nil)
	}
	for _, e := range plan.Copies {
		for from, to := range s.bare {
			if from <= e.From && e.From < to { // its text is its name
				plan.Copies = nil
				return "PARTITION (…) or FOR SYSTEM_TIME in a column without an alias"
			}
		}
	}
	for _, p := range s.stage.predicates {
		s.stage.place(p.src, p.predicate, make(map[node]bool))
	}
	if s.stmt.Facts&sqltext.HasForUpdate == 0 { // the copies' statements would lock rows of reference tables at each partition
		s.stage.placeReferences()
	}
	s.stage.placeKeys()
	if err != nil { // too many tables: what there are not, the caller has seen
		s.stage.sources, s.stage.all = nil, true
	}
	plan.Fills, plan.References = s.fills(q, span)
	plan.Named = p.namedTables(span)
	switch {
	case p.asks(span):
		if plan.Drawing = p.drawing(plan, q, span); plan.Drawing == nil {
			return besideSequence
		}
	case p.far == nil && err == nil && p.called.oneLeaf == "":
		plan.Scalars = p.scalars(s.stage.blocks)
		if q == p.stmt.Query {
			plan.Condensed = p.condensed(q, plan.Fills)
		}
		plan.Titles = titles(q, plan.Scalars, plan.Condensed)
		plan.Bringings, plan.Bring = p.bringings(s, q, span), p.stmt.Facts&sqltext.HasMatch != 0
	}
	return ""
}

// unstaged is why a query can't be run on copies of its tables; "" when it can.
func (p *planner) unstaged() string {
	switch f := p.stmt.Facts; {
	case f&sqltext.HasLockFunction != 0: // which the session would not hold
		return "a lock function"
	case f&sqltext.HasStoredCall != 0: // it may read what is not staged
		return "a stored function"
	case f&sqltext.HasExpansion != 0:
		return expansion
	}
	return ""
}

// fills lists the tables of the span that have to be filled, and the reference tables.
func (p *planner) fills(q *sqltext.Query, span sqltext.Span) (fills, references []Fill) {
	byTable := make(map[*topo.Table]*Fill)
	var order []*topo.Table
	for _, t := range p.stmt.Tables {
		if t.CTE || !inside(t.Span, span) {
			continue
		}
		table, _, err := p.lookup(t)
		if err != nil || table == nil || p.snap.Table(table.DB, table.Name) != table || table.Kind == topo.Sequence {
			continue // MariaDB's own, which are everywhere, and sequences, which are never copied
		}
		table = p.stage.versions.of(t, table)
		f := byTable[table]
		if f == nil {
			f = &Fill{Table: table, Where: [][]Cond{}}
			if v := p.stage.versions.find(table); v != nil {
				f.Of, f.Clause, f.History = v.from, v.clause, v.history
			}
			byTable[table] = f
			order = append(order, table)
		}
		p.occurrence(f, t, q)
	}
	order = p.ofFunctions(byTable, order)
	names, keys := p.namedIn(span), p.keysIn(span)
	for _, t := range order {
		f := byTable[t]
		all := p.stage.all || p.stage.starred(t)
		if f.Order, f.Lean = lean(t); f.Called || f.Of != nil || keys.named || names.mean(HistoryColumns[0]) || names.mean(HistoryColumns[1]) { // of a history that the table may have
			f.Order, f.Lean = nil, false
		}
		if f.Lean {
			f.Columns = names.columns(t, all, keys.shown)
			f.Shown, f.Sought = keys.shown.meant(t), keys.sought.meant(t)
		} else {
			f.Columns = names.columns(t, all || f.Called, nil)
		}
		if t.Temporary {
			f.Lock = sqltext.Span{} // they are the session's alone
		}
		if t.Kind == topo.Reference && !t.Temporary {
			references = append(references, *f)
		} else {
			fills = append(fills, *f)
		}
	}
	for i := range fills {
		if named := p.stage.named[fills[i].Table]; len(named) == 1 && len(named[0]) == 1 {
			p.first(&fills[i], named[0][0])
		}
		fills[i].Distinct = p.setsOf(&fills[i])
	}
	p.stage.loose = fills
	return p.stage.arrange(fills), references
}

// occurrence adds to a fill what one of the places where its table is named needs.
func (p *planner) occurrence(f *Fill, t *sqltext.TableName, q *sqltext.Query) {
	var lock sqltext.Span
	if q != nil {
		lock = p.lockIn(q.Tail)
	}
	occurrences := p.stage.sources[t.Span.From]
	p.stage.named[f.Table] = append(p.stage.named[f.Table], occurrences)
	if len(occurrences) == 0 {
		f.Where = nil
	}
	for _, s := range occurrences {
		if f.Where != nil {
			f.Where = append(f.Where, s.conds)
		}
		if len(s.conds) == 0 || len(f.Where) > maxAlternatives || !p.steadySettings() {
			f.Where = nil
		}
		if s.block.sel != nil && lock.Empty() {
			lock = p.lockIn(s.block.sel.Tail)
		}
	}
	// A lock for writing is more than one for reading.
	if f.Lock.Empty() || !lock.Empty() && p.scan.Tokens[lock.From].KW == sqltext.KwFor {
		f.Lock = lock
	}
}

// maxAlternatives bounds the occurrences of a table whose rows are told apart.
const maxAlternatives = 16

// steadySettings says that a fill is read under the settings under which the statement is run.
func (p *planner) steadySettings() bool {
	s := p.stmt.SetStatement
	for i := s.From; i < s.To; i++ {
		switch p.scan.Tokens[i].Kind {
		case sqltext.Word, sqltext.QuotedID:
			if i > s.From+1 && p.isOp(i+1, "=") && !strings.HasPrefix(strings.ToLower(unquote(p.text(i))), "max_") {
				return false
			}
		}
	}
	return true
}

// counts says whether a span holds what sees how often it is evaluated.
func (p *planner) counts(span sqltext.Span) bool {
	for i := span.From; i < span.To; i++ {
		if p.volatile[i] || p.isOp(i, ":=") || p.scan.Tokens[i].Kind == sqltext.Word && strings.EqualFold(p.text(i), "ROWNUM") {
			return true
		}
	}
	return false
}

// numbers says whether a span holds ROWNUM, whose rows depend on each other.
func (p *planner) numbers(span sqltext.Span) bool {
	for i := span.From; p.rownum && i < span.To; i++ {
		if p.scan.Tokens[i].Kind == sqltext.Word && strings.EqualFold(p.text(i), "ROWNUM") {
			return true
		}
	}
	return false
}

// countsIn is counts of a block's conditions.
func (p *planner) countsIn(b *block, refs []sqltext.TableRef) bool {
	found := b.sel != nil && p.counts(b.sel.WhereSpan)
	sqltext.WalkTables(refs, func(r *sqltext.TableRef) {
		if r.Join != nil && r.Join.On != nil {
			found = found || p.counts(r.Join.On.ExprSpan())
		}
	})
	return found
}

// lockIn is the locking clause among what follows LIMIT; empty where there is none.
func (p *planner) lockIn(tail sqltext.Span) sqltext.Span {
	for i := tail.From; i < tail.To; i++ {
		if kw := p.scan.Tokens[i].KW; kw == sqltext.KwFor || kw == sqltext.KwLock {
			to := i + 1
			for to < tail.To && p.scan.Tokens[to].KW != sqltext.KwInto && p.scan.Tokens[to].KW != sqltext.KwProcedure {
				to++
			}
			return sqltext.Span{From: i, To: to}
		}
	}
	return sqltext.Span{}
}

// starred says whether a * stands for a table's columns.
func (s *stager) starred(t *topo.Table) bool {
	return slices.ContainsFunc(s.blocks, func(b *block) bool {
		return slices.ContainsFunc(b.sources, func(src *source) bool { return src.table == t && b.starred[src] })
	})
}

// star notes the tables whose columns a select item stands for.
func (s *stager) star(b *block, it *sqltext.SelectItem) {
	s.stars[it.Span.From] = true
	if s.exists[b.sel] {
		return
	}
	hit := false
	for _, src := range b.sources {
		if it.StarTable.Tok < 0 || src.name == it.StarTable.Text && (it.StarDB.Tok < 0 || src.db == it.StarDB.Text) {
			b.starred[src], hit = true, true
		}
	}
	s.all = s.all || !hit
}

// call notes the query of EXISTS.
func (s *stager) call(f *sqltext.Func) {
	if f.Name != "EXISTS" || len(f.Args) != 1 {
		return
	}
	if sub, ok := f.Args[0].(*sqltext.Subquery); ok && sub.Query.Select != nil && sub.Query.Limit == nil {
		s.exists[sub.Query.Select], s.sets[sub.Query.Select] = true, true
	}
}

func inside(a, b sqltext.Span) bool { return b.From <= a.From && a.To <= b.To }
