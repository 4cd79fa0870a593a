package plan

import (
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// outCol is a column of a source or of a query's result. col is nil when its type isn't known here. null: it may be NULL even if col can't be.
type outCol struct {
	name            string
	col             *topo.Column
	invisible, null bool
}

// source is one occurrence of a table, CTE or derived table in a FROM clause.
type source struct {
	name  string // how columns address it
	db    string // the database of a base table
	table *topo.Table
	unit  *unit // of a derived table or CTE
	cols  []outCol
	known bool // cols is complete
	// spread: its rows are partitioned. key: positions in cols of the columns that decide the partition; nil when they can't be seen.
	spread bool
	key    []int
	// keyTable is the table whose shard key key is.
	keyTable *topo.Table
	// bad is why its rows can't be had partition by partition; "" when they can.
	bad string
	// system tables differ from leaf to leaf.
	system bool
	// missing: an outer join may fill it with NULLs. padded: one of those that have been read so far may.
	missing, padded bool
	// conds are what its rows must meet to count, of a table that is staged. cte is what it refers to.
	conds []Cond
	cte   *env
	// exact are the columns of which conds leave few values, keys those whose values must be among another's.
	exact []int
	keys  []sourceKey
	// told is how many of WHERE's conditions conds have as they are.
	told int
	// only are the places of linked rows that PARTITION (…) leaves; nil for all.
	only  []int
	block *block
	// joined are columns that USING and NATURAL hide from unqualified names, lower case.
	joined map[string]bool
}

// column finds a column by name; -1 when there is none.
func (s *source) column(name string) int {
	for i := range s.cols {
		if strings.EqualFold(s.cols[i].name, name) {
			return i
		}
	}
	return -1
}

// node is a column of a source.
type node struct {
	src *source
	col int
}

func (n node) column() *topo.Column { return n.src.cols[n.col].col }

// notNull says that the column can't be NULL in a row of its block's tables.
func (n node) notNull() bool {
	c := n.column()
	return c != nil && !c.Nullable && !n.src.missing && !n.src.cols[n.col].null
}

// totals says whether columns of a block may be NULL where the one says that names them, for there are sums of groups, or one of no rows.
func (b *block) totals() bool {
	return !b.filtering && b.sel != nil && (b.sel.Rollup || len(b.sel.Group) == 0 && isGrouped(b.sel))
}

// block is one SELECT, or the tables of an UPDATE or DELETE, within its unit.
type block struct {
	unit    *unit
	parent  *block
	env     *env
	sel     *sqltext.Select
	sources []*source
	// murky: unqualified names can't be resolved (a NATURAL join over unknown columns).
	murky bool
	// joinBad is why the join tree isn't the union of the partitions' join trees.
	joinBad string
	// starred are the sources whose columns a * stands for; kept when staging.
	starred map[*source]bool
	// unsteady: its conditions count the rows that they see, or can't be told to be one join's. Kept when staging.
	unsteady bool
	// leaves is the number of WHERE's conditions.
	leaves int
	// filtering: ON and WHERE are being read, which see rows of tables. having: HAVING is, where a name is a select item's first.
	filtering, having bool
	// hidden, while an ON condition is read, are the sources that it does not join.
	hidden func(*source) bool
}

// resolve finds the source and column that a column reference means; ok is false when that isn't certain. Names are looked up outwards.
func (b *block) resolve(c *sqltext.Column) (node, bool) {
	if c.Table.Tok >= 0 {
		for s := b; s != nil; s = s.parent {
			for _, src := range s.sources {
				if src.name != c.Table.Text || (c.DB.Tok >= 0 && src.db != c.DB.Text) {
					continue
				}
				i := src.column(c.Name.Text)
				return node{src, i}, i >= 0 && !s.hides(src)
			}
		}
		return node{}, false
	}
	for s := b; s != nil; s = s.parent {
		if s.murky {
			return node{}, false
		}
		var found node
		hits, unknown := 0, false
		for _, src := range s.sources {
			unknown = unknown || !src.known
			if i := src.column(c.Name.Text); i >= 0 && !src.joined[strings.ToLower(c.Name.Text)] {
				found = node{src, i}
				hits++
			}
		}
		if hits > 0 || unknown {
			return found, hits == 1 && !s.hides(found.src)
		}
	}
	return node{}, false
}

// hides says whether a source is none that the condition which is being read joins: its names mean something around the query.
func (b *block) hides(s *source) bool { return b.hidden != nil && b.hidden(s) }

// resolveExpr is resolve for an expression that is a column.
func (b *block) resolveExpr(e sqltext.Expr) (node, bool) {
	c, ok := unparen(e).(*sqltext.Column)
	if !ok {
		return node{}, false
	}
	return b.resolve(c)
}

// env is the chain of common table expressions that are visible at a place.
type env struct {
	up   *env
	name string
	q    *sqltext.Query
	// cols renames the columns, WITH c(a, b); nil when absent. odd: there is a list that could not be read.
	cols []string
	odd  bool
	in   *env // what the query itself sees
	unit *unit
	// busy: being analysed, a reference is recursive; recursive: there was one.
	busy, recursive bool
	// ring is the first of those that refer to each other, as this one does; rings are the others, of that one.
	ring  *env
	rings []*env
	// refs is how often it is named.
	refs int
}

func (e *env) find(name string) *env {
	for ; e != nil; e = e.up {
		if strings.EqualFold(e.name, name) {
			return e
		}
	}
	return nil
}

// systemDBs are MariaDB's own databases. The value says whether their names ignore case.
var systemDBs = map[string]bool{"information_schema": true, "performance_schema": true, "mysql": false, "sys": false}

func isSystemDB(db string) bool {
	if _, ok := systemDBs[db]; ok {
		return true
	}
	return systemDBs[strings.ToLower(db)]
}

// tableDB is the database that a table's name is in.
func (p *planner) tableDB(t *sqltext.TableName) (string, error) {
	db := t.DB.Text
	if t.DB.Tok < 0 {
		if db = p.sess.DB; db == "" {
			return "", errNoDB()
		}
	}
	if isSystemDB(db) {
		return db, nil
	}
	if _, hidden := p.snap.Schemas[db]; hidden {
		return "", errBadDB(db)
	}
	if p.snap.Databases[db] == nil { // MariaDB says so of a table in a database that isn't there
		return "", errNoTable(db, t.Name.Text)
	}
	return db, nil
}

// lookup finds a table. Both results are nil/"" only for DUAL; system tables have a database and no table.
func (p *planner) lookup(t *sqltext.TableName) (*topo.Table, string, error) {
	if t.DB.Tok < 0 && strings.EqualFold(t.Name.Text, "dual") {
		return nil, "", nil
	}
	db, err := p.tableDB(t)
	if err != nil {
		return nil, "", err
	}
	if isSystemDB(db) {
		return nil, db, nil
	}
	table := p.table(db, t.Name.Text)
	if table == nil {
		table = sequence(db, t.Name.Text)
	}
	if table == nil {
		return nil, "", errNoTable(db, t.Name.Text)
	}
	return table, db, nil
}

// table is a table of the snapshot, or the copy that stands for it.
func (p *planner) table(db, name string) *topo.Table {
	t := p.snap.Table(db, name)
	if as := p.brought[t]; as != nil {
		return as
	}
	return t
}

// sequence is a table of MariaDB's SEQUENCE engine, which is in every database and need not be made: seq_1_to_10, seq_1_to_10_step_3. It has the
// same rows everywhere, as a reference table has; the shapes have it as any database has. nil for other names.
func sequence(db, name string) *topo.Table {
	rest, ok := strings.CutPrefix(strings.ToLower(name), "seq_")
	if !ok {
		return nil
	}
	from, rest, ok := strings.Cut(rest, "_to_")
	to, step, stepped := strings.Cut(rest, "_step_")
	if !ok || !digits(from) || !digits(to) || stepped && !digits(step) {
		return nil
	}
	return &topo.Table{
		DB: db, Name: name, Kind: topo.Reference, AutoIncrement: -1, Unique: [][]int{{0}},
		Columns: []topo.Column{{Name: "seq", Type: "bigint", FullType: "bigint(20) unsigned", Unsigned: true}},
	}
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// baseSource is the source of a base table; nil for DUAL. It notes the splices that the table's name needs in a partition's text.
func (p *planner) baseSource(t *sqltext.TableName, alias sqltext.Name) (*source, error) {
	p.seen[t.Span.From] = true
	table, db, err := p.lookup(t)
	if err != nil || db == "" {
		return nil, err
	}
	if p.stage != nil {
		table = p.stage.versions.of(t, table)
	}
	s := &source{name: t.Name.Text, db: db, table: table}
	if alias.Tok >= 0 {
		s.name = alias.Text
	}
	if table == nil {
		s.system = true
		p.system = true
		return s, nil
	}
	s.known = true
	for i := range table.Columns {
		c := &table.Columns[i]
		s.cols = append(s.cols, outCol{name: c.Name, col: c, invisible: c.Invisible})
	}
	p.useTable(t, table)
	if table.Kind != topo.Reference {
		s.spread = true
		s.keyTable = table
		s.key = table.ShardKey
	}
	if p.far != nil {
		p.far.source(s, t)
	}
	if p.stage != nil {
		p.stage.sources[t.Span.From] = append(p.stage.sources[t.Span.From], s)
	}
	return s, nil
}

// temporaryIn says whether a span names a temporary table of the session's.
func (p *planner) temporaryIn(span sqltext.Span) bool {
	return slices.ContainsFunc(p.stmt.Tables, func(t *sqltext.TableName) bool {
		if t.CTE || !inside(t.Span, span) {
			return false
		}
		table, _, err := p.lookup(t)
		return err == nil && table != nil && table.Temporary
	})
}

// useTable notes that a table takes part and how its name is written in a partition's text.
func (p *planner) useTable(t *sqltext.TableName, table *topo.Table) {
	if table.Kind == topo.Linked {
		return // the linker has
	}
	if of := p.copies[table]; of != nil || table.Kind == topo.Reference {
		p.reference = p.reference || of == nil && !table.Temporary
		p.temporary = p.temporary || table.Temporary
		if t.DB.Tok < 0 {
			if of == nil {
				of = table
			}
			p.rename(t.Name.Tok, Piece{Kind: PieceText, Text: quoted(of.DB) + "." + quoted(of.Name)})
		}
		return
	}
	switch table.Kind {
	case topo.Sequence:
		p.sequence = true
	case topo.Single:
		p.single = table
	default:
		p.partitioned = true
	}
	switch p.db {
	case "":
		p.db = table.DB
	case table.DB:
	default:
		p.otherDB = table.DB
	}
	if t.DB.Tok >= 0 {
		p.rename(t.DB.Tok, Piece{Kind: PieceSchema})
	}
}

// rename replaces one token in every partition's text.
func (p *planner) rename(tok int32, piece Piece) {
	p.renames[tok] = piece
}

// qualified renames the database of a column or star reference d.t.c when it means a sharded table.
func (p *planner) qualified(b *block, db, table sqltext.Name) {
	if db.Tok < 0 {
		return
	}
	for s := b; s != nil; s = s.parent {
		for _, src := range s.sources {
			if src.name == table.Text && src.db == db.Text {
				if p.inSchema(src.table) {
					p.rename(db.Tok, Piece{Kind: PieceSchema})
				}
				return
			}
		}
	}
	if p.inSchema(p.table(db.Text, table.Text)) {
		p.rename(db.Tok, Piece{Kind: PieceSchema})
	}
}

// inSchema says whether a table is in the partitions' databases.
func (p *planner) inSchema(t *topo.Table) bool {
	return t != nil && t.Kind != topo.Reference && t.Kind != topo.Linked && p.copies[t] == nil
}
