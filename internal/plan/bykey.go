package plan

import (
	"errors"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// ByKey says how an UPDATE or DELETE whose rows no partition can choose by itself is run: a query, planned as a client's would be, finds the keys of the rows and locks them
// (QueryText); then each row is changed at its partition, by its key (ChangeText). The rows are locked in between, so that they are the same ones.
type ByKey struct {
	// Targets are the tables that are changed.
	Targets []KeyTarget
	// Everywhere: they are reference tables. References: some of them are.
	Everywhere, References bool
	// Values are what SET gives columns, where it is found with the keys.
	Values []KeyValue
	// Draws are values of sequences, in the places of some of Values: each row has its own.
	Draws []Draw
	// Moves are what SET gives columns of the shard key of Targets[0], found with the keys, too: each row is changed by itself then, in order, and goes to its new partition.
	Moves []KeyValue
	// InTurn: any rows will do, as many as Limit says, so that no keys are asked for: partition after partition changes what it has (TurnText).
	InTurn bool
	Limit  Operand // OperandNone without LIMIT
	// Counted: Limit is what ROWNUM() is compared with, and Below which rows it stays.
	Counted, Below bool
	// Renames: SET changes columns of the key by which rows are found.
	Renames bool
	// first: MariaDB finds all rows before it changes one (bykeyfirst.go).
	first bool
	// sorted: the rows are changed in one order everywhere, the client's and then that of the key.
	sorted bool
	// assigns: SET assigns to user variables.
	assigns bool
	// single: the statement names one table, and its text stays what it is but for WHERE and LIMIT.
	single bool
	others bool         // it reads other tables
	asked  bool         // what its text is about may be otherwise where it changes rows
	head   sqltext.Span // up to WHERE
	ignore bool
	before bool // SET's values are all of the row as it was: MariaDB makes an UPDATE of several tables of one that reads its table in a subquery, too
	set    []sqltext.Assign
	of     []int // of which target's column each of set is
	from   sqltext.Span
	where  sqltext.Span
	each   []sqltext.Span // NEXTVAL in where, which an UPDATE or DELETE of one table asks for each row
	order  sqltext.Span
	limit  sqltext.Span
	tail   sqltext.Span // RETURNING
}

// Updates says whether the statement is an UPDATE.
func (k *ByKey) Updates() bool { return len(k.set) > 0 }

// Unsafe says whether sql_safe_updates may be against the statement: it is not run as the client wrote it, and no LIMIT bounds its rows.
func (k *ByKey) Unsafe() bool {
	return (k.others || k.References || len(k.Draws) > 0) && k.limit.Empty()
}

// Whole says whether each partition can run the statement as it is, which is known to find nothing.
func (k *ByKey) Whole() bool { return k.single && !k.others && !k.asked && len(k.Draws) == 0 }

// KeyTarget is a table whose rows are changed by a key.
type KeyTarget struct {
	Table *topo.Table
	// Key are positions in Table.Columns: of a unique key without NULLs.
	Key []int
	// Linked has the places of a linked table, as of a statement on it alone; Names are what the client's text has in the place of its name there.
	Linked *Linked
	Names  []Splice
	// All: there is no such key, so that all columns together are one (alike.go). Key is the shard key then, if there is one.
	All bool
	// Padded: what All tells of a row is the same for a row of NULLs and for none, where an outer join finds none.
	Padded bool
	// Everywhere: it is a reference table, so that what is done to a row is done at every leaf.
	Everywhere bool
	// name is what the query's columns are qualified with: the client's.
	name  string
	alias string // its last word
}

// KeyValue is an assignment whose value the query tells.
type KeyValue struct {
	Target int
	Column int // in its Table.Columns
	Assign int // which of SET's
	span   sqltext.Span
	digits bool   // all of which are asked for
	stored string // how it is asked for so that it arrives as it is stored (storedIn)
}

// byKeys plans an UPDATE or DELETE that can't be split to be run by keys. first is what the planning of parts came to: a plan with the reason, or an error.
func (p *planner) byKeys(first *Plan, err error) (*Plan, error) {
	var e *Error
	if err == nil && p.sess.Draws != nil && p.stmt.Update != nil {
		err = NeedsStage(drawnRows)
	}
	if err == nil && p.sequence && !first.Sequence && (p.stmt.Kind == sqltext.KindUpdate || p.stmt.Kind == sqltext.KindDelete) {
		err = NeedsStage(besideSequence)
	}
	switch {
	case p.stmt.Kind != sqltext.KindUpdate && p.stmt.Kind != sqltext.KindDelete, err == nil && first.Stage == "":
		return first, err
	case err != nil && (!errors.As(err, &e) || e.reason == ""):
		return nil, err
	case !p.byKeysLinked(err):
		return first, err
	}
	k, reason := p.keyed()
	switch {
	case p.refused != nil && err != nil:
		return nil, p.refused
	case k != nil && err == nil:
		first.ByKey = k
	case k != nil && k.References:
		return &Plan{Route: Route{Kind: RouteEveryLeaf}, Stage: e.reason, Writes: true, Rows: !k.tail.Empty(), Forward: p.names(), ByKey: k}, nil
	case k != nil:
		return &Plan{Route: Route{Kind: RouteStage}, Stage: e.reason, Writes: true, Rows: !k.tail.Empty(), Forward: p.names(), ByKey: k}, nil
	case reason == "":
	case err == nil:
		first.Stage += ", and " + reason
	default:
		if err = NeedsStage(e.reason + ", and " + reason); p.sequence {
			p.asked = err
		}
		return nil, err
	}
	return first, err
}

// keyed finds out how a statement is run by keys; nil when it can't be, reason says why where the client may do something about it.
func (p *planner) keyed() (k *ByKey, reason string) {
	seen := p.stmt.Facts &^ (sqltext.HasSequence | sqltext.HasUserVarAssign)
	if p.rownum {
		seen &^= sqltext.HasNondeterministic // see countsKeyed
	}
	if !p.complete || p.many(seen) != "" || p.stmt.Facts&sqltext.HasSystemTime != 0 && !p.portioned() || !p.stmt.SetStatement.Empty() {
		return nil, ""
	}
	k = &ByKey{}
	var from []sqltext.TableRef
	var limit *sqltext.Limit
	var named []*sqltext.TableRef
	var where sqltext.Expr
	if u := p.stmt.Update; p.stmt.Kind == sqltext.KindUpdate {
		where = u.Where
		from, k.where, k.order, limit, k.ignore, k.set = u.From, u.WhereSpan, u.OrderSpan, u.Limit, u.Ignore, u.Set
		if len(u.Set) == 0 {
			return nil, ""
		}
		k.single = len(from) == 1 && from[0].Table != nil
		k.head.To = u.Set[len(u.Set)-1].Span.To
		if named, k.of, reason = p.updated(from, u.Set); reason != "" {
			return nil, reason
		}
	} else {
		d := p.stmt.Delete
		where = d.Where
		from, k.where, k.order, limit, k.tail = d.From, d.WhereSpan, d.OrderSpan, d.Limit, d.Returning
		k.single = !d.Multi && len(from) == 1 && from[0].Table != nil
		for i := p.stmt.Span.From; i < min(p.stmt.Span.From+4, int32(len(p.scan.Tokens))); i++ {
			k.ignore = k.ignore || p.scan.Tokens[i].KW == sqltext.KwIgnore
		}
		if len(from) > 0 {
			k.head.To = from[len(from)-1].Span.To
		}
		if !d.Multi {
			sqltext.WalkTables(from, func(r *sqltext.TableRef) { named = append(named, r) })
		} else if named = p.deleted(from, d.Targets); named == nil {
			return nil, ""
		}
	}
	if limit != nil {
		if k.limit = limit.Span; limit.Odd {
			return nil, ""
		}
	}
	k.others = len(p.stmt.Tables) > 1
	if p.stmt.Facts&sqltext.HasUserVarAssign != 0 {
		if reason := p.assigns(k); reason != "" {
			return nil, reason
		}
	}
	k.asked = p.called.oneLeaf != ""
	if len(from) == 0 || len(named) == 0 || !k.single && (limit != nil || !k.order.Empty()) {
		return nil, ""
	}
	if reason := p.countsKeyed(k, where, named[0]); reason != "" {
		return nil, reason
	}
	k.first = !k.order.Empty() || k.single && p.stmt.Kind == sqltext.KindUpdate && p.keyMoves(k.set, p.stmt.Update.Where, named[0])
	if limit != nil {
		l, ok := readLimit(limit)
		k.Limit = l.Count
		k.InTurn = ok && l.Offset.Kind == OperandNone && k.order.Empty() && !k.assigns && !k.others && !p.isReference(named[0])
	}
	k.from = asked(from)
	for _, r := range named {
		t := p.keyTarget(r)
		if t == nil {
			return nil, ""
		}
		k.before = k.single && p.readsTarget(r.Table, t.Table)
		if slices.ContainsFunc(k.Targets, func(o KeyTarget) bool { return o.Table == t.Table }) && len(k.set) > 0 {
			return nil, "it changes '" + t.Table.DB + "." + t.Table.Name + "' under two names"
		}
		if t.Table.Kind == topo.Linked {
			if p.stmt.Facts&sqltext.HasUserVarAssign != 0 {
				return nil, "it assigns to user variables"
			}
			if reason := p.linkedTarget(k, t, r.Table); reason != "" {
				return nil, reason
			}
			k.InTurn = k.InTurn && !k.asked
		}
		t.Everywhere = p.isReference(r)
		k.Everywhere, k.References = t.Everywhere && (k.Everywhere || len(k.Targets) == 0), k.References || t.Everywhere
		k.Targets = append(k.Targets, *t)
	}
	if k.References && (p.system || p.sequence) {
		return nil, ""
	}
	k.sorted = k.References && p.ordered || k.Everywhere && k.Targets[0].All && limit != nil
	if ok, reason := p.changes(k); !ok {
		return nil, reason
	}
	k.InTurn = k.InTurn && len(k.Moves) == 0 && len(k.Draws) == 0 && p.called.oneLeaf == ""
	for i := range k.Targets {
		t := &k.Targets[i]
		switch {
		case !named[i].SystemTime.Empty() && (t.All || t.Linked != nil || len(k.Moves) > 0 || k.Renames):
			return nil, "FOR PORTION OF a table without a key, or with a new one"
		case !named[i].Partition.Empty() && (!k.single || t.All && !k.InTurn || t.Linked != nil || len(k.Moves) > 0): // a row must not leave that partition of MariaDB's
			return nil, "PARTITION of a table that is changed by keys with others, by its shard key, or without a key"
		case p.checked() != nil && t.All && !k.InTurn:
			return nil, "a view's CHECK OPTION looks at rows that no key tells apart"
		case k.References && t.Linked != nil:
			return nil, "it changes a reference table and a linked one"
		case t.All && !k.InTurn && t.Linked != nil:
			return nil, "'" + t.Table.DB + "." + t.Table.Name + "' has no primary key or unique key without NULLs that tells its rows apart"
		case t.All && !k.InTurn:
			if reason := p.alike(k, t, from, named[i]); reason != "" {
				return nil, reason
			}
		}
	}
	return k, ""
}

// updated are the tables that SET names, and of which of them each assignment is.
func (p *planner) updated(from []sqltext.TableRef, set []sqltext.Assign) (named []*sqltext.TableRef, of []int, reason string) {
	var all []*sqltext.TableRef
	sqltext.WalkTables(from, func(r *sqltext.TableRef) {
		if r.Join == nil && r.Nested == nil {
			all = append(all, r)
		}
	})
	for i := range set {
		c := &set[i].Column
		var hit *sqltext.TableRef
		for _, r := range all {
			switch {
			case len(all) == 1:
			case c.Table.Tok >= 0:
				if !strings.EqualFold(refName(r), c.Table.Text) || c.DB.Tok >= 0 && (r.Table == nil || !strings.EqualFold(p.dbOf(r.Table), c.DB.Text)) {
					continue
				}
			case r.Table == nil && p.lacks(r.Derived, c.Name.Text):
				continue
			case r.Table == nil:
				return nil, nil, "the column '" + c.Name.Text + "' of SET says no table"
			default:
				if t, _, err := p.lookup(r.Table); err != nil || t == nil || t.Column(c.Name.Text) < 0 {
					continue
				}
			}
			if hit != nil {
				return nil, nil, "the column '" + c.Name.Text + "' of SET may be two tables'"
			}
			hit = r
		}
		if hit == nil || hit.Table == nil {
			return nil, nil, "the column '" + c.Name.Text + "' of SET is no table's"
		}
		at := slices.Index(named, hit)
		if at < 0 {
			at = len(named)
			named = append(named, hit)
		}
		of = append(of, at)
	}
	return named, of, ""
}

// deleted are the tables that DELETE names as its targets; nil when one of them is not found.
func (p *planner) deleted(from []sqltext.TableRef, targets []sqltext.TableName) []*sqltext.TableRef {
	var out []*sqltext.TableRef
	for i := range targets {
		var hit *sqltext.TableRef
		n := 0
		sqltext.WalkTables(from, func(r *sqltext.TableRef) {
			if r.Table != nil && strings.EqualFold(refName(r), targets[i].Name.Text) && (targets[i].DB.Tok < 0 || strings.EqualFold(p.dbOf(r.Table), targets[i].DB.Text)) {
				hit = r
				n++
			}
		})
		if n != 1 || slices.Contains(out, hit) {
			return nil
		}
		out = append(out, hit)
	}
	return out
}

// refName is the name that columns are qualified with.
func refName(r *sqltext.TableRef) string {
	if r.Alias.Tok >= 0 || r.Table == nil {
		return r.Alias.Text
	}
	return r.Table.Name.Text
}

func (p *planner) dbOf(t *sqltext.TableName) string {
	if t.DB.Tok >= 0 {
		return t.DB.Text
	}
	return p.sess.DB
}

// keyTarget is a table that is to be changed by keys; nil when it can't be.
func (p *planner) keyTarget(r *sqltext.TableRef) *KeyTarget {
	if r.Table == nil || r.Table.CTE {
		return nil
	}
	table, _, err := p.lookup(r.Table)
	if err != nil || table == nil || slices.ContainsFunc(table.ShardKey, func(c int) bool { return table.Columns[c].Ambiguous() }) {
		return nil
	}
	t := &KeyTarget{Table: table, Key: rowKey(table), name: string(p.scan.AppendSpan(nil, r.Table.Span)), alias: refName(r)}
	if t.Key == nil {
		t.All, t.Key = true, table.ShardKey
	}
	if r.Alias.Tok >= 0 {
		t.name = quoted(r.Alias.Text)
	}
	return t
}

// changes finds out what a statement does to the rows; not ok when that can't be done by keys, for a reason that the client may do something about.
func (p *planner) changes(k *ByKey) (ok bool, reason string) {
	tables := func(s sqltext.Span) bool {
		return slices.ContainsFunc(p.stmt.Tables, func(t *sqltext.TableName) bool { return inside(t.Span, s) })
	}
	if tables(k.order) || tables(k.limit) || tables(k.tail) {
		return false, ""
	}
	if k.single && p.asks(k.where) {
		k.each = p.nextValues(k.where)
		if p.comparesNext(k.each) {
			p.asked = NeedsStage("a sequence that is asked in a comparison with a column alone, which MariaDB does once where it has a key for it, and else for each row: SELECT NEXTVAL of the sequence before, and use the value")
			return false, ""
		}
	}
	asks := func(value sqltext.Span) bool { return tables(value) || p.callsForOneIn(value) || p.numbers(value) }
	found := !k.single || p.stmt.Facts&sqltext.HasUserVarAssign != 0 // every value is found, not only those that have to be
	for i := range k.set {
		value := k.set[i].Value.ExprSpan()
		found = found || k.Targets[0].All && !p.isDefault(value) && (asks(value) || k.before && p.readsSet(k, i, value) || k.Everywhere && p.differsByLeaf() != "") // as rows may then get values of their own (JoinText)
	}
	for i := range k.set {
		a, t := &k.set[i], &k.Targets[k.of[i]]
		differs := (k.Everywhere || t.copied()) && p.differsByLeaf() != "" || t.Linked != nil && p.stmt.Facts&tellsOfServer != 0
		c, value := t.Table.Column(a.Column.Name.Text), a.Value.ExprSpan()
		if c < 0 {
			return false, ""
		}
		own, ok := unparen(a.Value).(*sqltext.Column)
		d := p.drawsFor(i)
		moves := inKey(t.Table, c) && !(k.single && ok && t.Table.Column(own.Name.Text) == c)
		switch {
		case d != nil && (moves || !k.single):
			return false, "a sequence gives values to a shard key, or to one of several tables"
		case !moves:
		case len(k.Targets) > 1 || !k.single && t.All || p.isDefault(value) || p.counts(value):
			return false, ""
		case t.Linked != nil:
			return false, "its rows would have to go to other remote tables"
		case !k.single && k.ignore:
			return false, "IGNORE in a join, whose order says which rows are left as they were"
		}
		if k.Renames = k.Renames || !t.All && slices.Contains(t.Key, c); k.Renames && len(k.Targets) > 1 {
			return false, "it changes several tables, and the key by which the rows of one are found"
		}
		before := k.before && p.readsSet(k, i, value)
		if d == nil && (!found && !before && !asks(value) && !moves && !differs || p.isDefault(value)) {
			continue
		}
		// What it reads of a column that has been set before would be the new value; of another table's, who knows.
		for n := range k.set {
			if !k.before && (n < i || k.of[n] != k.of[i]) && p.reads(value, &k.Targets[k.of[n]], k.set[n].Column.Name.Text, len(k.Targets) > 1) {
				return false, "SET gives the column '" + a.Column.Name.Text + "' a value of '" + k.set[n].Column.Name.Text + "', which it changes, too"
			}
		}
		if p.folds && tables(value) { // a query would take it for one over all rows
			return false, "SET aggregates columns of the rows in a subquery"
		}
		v := KeyValue{Target: k.of[i], Column: c, Assign: i, span: value, digits: d == nil && moreDigits(a.Value, nil, false), stored: p.assigned(p.stmt.Update.From, a.Value, &t.Table.Columns[c])}
		if moves {
			// Of several values that a column is given the last one counts.
			k.Moves = append(slices.DeleteFunc(k.Moves, func(m KeyValue) bool { return m.Column == c }), v)
		}
		if d != nil {
			k.Draws = append(k.Draws, Draw{Cell: len(k.Values), DB: d.DB, Sequence: d.Sequence})
		}
		if d != nil || found || before || asks(value) || differs {
			k.Values = append(k.Values, v)
		}
	}
	if p.stmt.Facts&sqltext.HasUserVarAssign != 0 && len(k.Draws)+len(k.Moves) > 0 {
		return false, "it assigns to user variables"
	}
	if k.Renames && len(k.Draws) > 0 {
		return false, "it changes the key by which the rows are found"
	}
	return true, ""
}

// readsSet says whether a value reads a column that SET has given another one before.
func (p *planner) readsSet(k *ByKey, i int, value sqltext.Span) bool {
	return slices.ContainsFunc(k.set[:i], func(a sqltext.Assign) bool { return p.reads(value, &k.Targets[0], a.Column.Name.Text, false) })
}

// isDefault says whether a value is the word DEFAULT, or IGNORE, which leaves the column as it is: no query can ask for either.
func (p *planner) isDefault(s sqltext.Span) bool {
	return s.To == s.From+1 && (p.scan.Tokens[s.From].KW == sqltext.KwDefault || p.scan.Tokens[s.From].KW == sqltext.KwIgnore)
}

// Told says whether the value is asked for so that it arrives as it is stored.
func (v *KeyValue) Told() bool { return v.stored != "" }

// ChangeText is the statement that changes the rows of Targets[i] that where finds; splices make it a partition's. values are literals in the order of Values. params are the
// statement's parameters in it. limit is "" for none.
func (k *ByKey) ChangeText(dst []byte, scan *sqltext.Scan, i int, names []Splice, to Target, where []byte, values []string, limit string) (text []byte, params []int) {
	take := func(s sqltext.Span) {
		dst = RenderSpan(dst, scan, s, names, names, to)
		params = appendParams(params, scan, s, nil)
	}
	t := &k.Targets[i]
	switch {
	case k.single && len(k.Values) == 0:
		take(k.head)
	case k.single:
		take(sqltext.Span{To: k.set[0].Span.From})
		dst = append(dst, ' ')
	case len(k.set) == 0:
		dst = append(dst, "DELETE "...)
		if k.ignore {
			dst = append(dst, "IGNORE "...)
		}
		if to.As != "" {
			dst = append(AppendQuoted(dst, to.As), ' ')
		}
		dst = k.table(append(dst, "FROM "...), t, to)
	default:
		dst = append(dst, "UPDATE "...)
		if k.ignore {
			dst = append(dst, "IGNORE "...)
		}
		dst = append(k.table(dst, t, to), " SET "...)
	}
	if len(k.Values) > 0 || !k.single && len(k.set) > 0 {
		word := ""
		for a := range k.set {
			if k.of[a] != i {
				continue
			}
			dst = append(dst, word...)
			word = ","
			n := slices.IndexFunc(k.Values, func(v KeyValue) bool { return v.Assign == a })
			switch {
			case n < 0 && k.single:
				take(k.set[a].Span)
				continue
			case n < 0:
				dst = append(AppendQuoted(dst, t.Table.Columns[t.Table.Column(k.set[a].Column.Name.Text)].Name), "=DEFAULT"...)
				continue
			}
			dst = append(append(AppendQuoted(dst, t.Table.Columns[k.Values[n].Column].Name), '='), values[n]...)
		}
	}
	dst = append(append(dst, " WHERE "...), where...)
	for n, s := range []sqltext.Span{k.order, k.tail} {
		if !s.Empty() {
			dst = append(dst, ' ')
			take(s)
		}
		if n == 0 && k.sorted && t.Everywhere {
			dst = k.byKey(dst, t, !s.Empty(), "")
		}
		if n == 0 && limit != "" {
			dst = append(append(dst, " LIMIT "...), limit...)
		}
	}
	return dst, params
}

// byKey orders by a target's key, behind what is ordered by already.
func (k *ByKey) byKey(dst []byte, t *KeyTarget, more bool, name string) []byte {
	word := " ORDER BY "
	if more {
		word = ", "
	}
	if t.All { // MariaDB sorts by so many bytes of a text
		return append(t.rowText(append(append(dst, word...), "SHA2("...), name), ",256)"...)
	}
	for _, c := range t.Key {
		dst = append(dst, word...)
		if word = ", "; name != "" {
			dst = append(append(dst, name...), '.')
		}
		dst = AppendQuoted(dst, t.Table.Columns[c].Name)
	}
	return dst
}

// TurnText is the statement with another LIMIT.
func (k *ByKey) TurnText(dst []byte, scan *sqltext.Scan, names []Splice, to Target, limit string) (text []byte, params []int) {
	for i, s := range []sqltext.Span{k.head, k.where, k.tail} {
		if i == 2 {
			dst = append(append(dst, " LIMIT "...), limit...)
		}
		if s.Empty() {
			continue
		}
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = RenderSpan(dst, scan, s, names, names, to)
		params = appendParams(params, scan, s, nil)
	}
	return dst, params
}

// table is the target's name at a partition.
func (k *ByKey) table(dst []byte, t *KeyTarget, to Target) []byte {
	name := RemoteName{to.Schema, t.Table.Name}
	switch {
	case t.Everywhere || t.Table.Temporary:
		name.DB = t.Table.DB
	case to.Remote != nil:
		name = to.Remote[0]
	}
	dst = AppendQuoted(append(AppendQuoted(dst, name.DB), '.'), name.Table)
	if to.As != "" {
		dst = AppendQuoted(append(dst, " AS "...), to.As)
	}
	return dst
}
