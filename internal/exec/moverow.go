package exec

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/value"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// mover runs a write that changes the shard key, row by row as MariaDB does: whether a key is there twice hangs on which rows have been changed before. Each row is changed where
// it is, so that MariaDB computes and judges all of it; if it has another partition's key then, no other row there has, by which it is found, read, deleted and inserted where it
// belongs.
type mover struct {
	r       *Runner
	st      *Statement
	g       *txn.Group
	table   *topo.Table
	to      *insertPlaces
	columns []int  // of the shard key, that change
	what    string // the statement does, for errors
	jobs    []job
	bonds   *bonds
	meets   *plan.KeyMoves // of an INSERT
	fixed   []plan.Splice  // values that its rows share
	// of an UPDATE:
	t     *plan.KeyTarget
	found *foundRows
}

func (r *Runner) moveRows(ctx context.Context, st *Statement, g *txn.Group, found *foundRows) ([]job, error) {
	m := &mover{r: r, st: st, g: g, t: &st.Plan.ByKey.Targets[0], found: found, what: st.Plan.Stage}
	m.table = m.t.Table
	for _, v := range st.Plan.ByKey.Moves {
		m.columns = append(m.columns, v.Column)
	}
	var err error
	if m.to, err = r.rowPlaces(st, m.table); err != nil {
		return nil, err
	}
	if err := m.movable(ctx); err != nil {
		return nil, err
	}
	seen := map[string]bool{} // a join may tell of a row more than once
	for n := range found.rows {
		if !m.t.All {
			key, there, err := keyCondition(m.t, found.cols, found.rows[n][:len(m.t.Key)])
			if err != nil {
				return m.jobs, err
			}
			if !there || seen[string(key)] {
				continue
			}
			seen[string(key)] = true
		}
		if err := m.row(ctx, n); err != nil {
			return m.jobs, err
		}
	}
	if len(m.jobs) == 0 { // MariaDB says what it has to say of a statement that finds nothing
		return m.none(ctx)
	}
	return m.jobs, nil
}

// none runs the statement for no row.
func (m *mover) none(ctx context.Context) ([]job, error) {
	place, err := m.to.at(0)
	if err != nil {
		return nil, err
	}
	values := make([]string, len(m.st.Plan.ByKey.Values))
	for i := range values {
		values[i] = "NULL"
	}
	j := job{place: place, part: m.st.change(m.st.forMoment(), 0, place, noRow(m.t), values, "")}
	err = m.run(ctx, &j)
	return []job{j}, err
}

// row changes a row.
func (m *mover) row(ctx context.Context, n int) error {
	st, t := m.st, m.t
	cells := m.found.rows[n]
	from, err := m.r.foundOrdinal(ctx, st, t, m.to.f, m.found.cols[t.First():], cells[t.First():t.Cells()])
	if err != nil {
		return err
	}
	place, err := m.to.at(from)
	if err != nil {
		return err
	}
	where, limit, err := m.where(cells)
	if err != nil {
		return err
	}
	var values []string
	for i := range st.Plan.ByKey.Values {
		at := t.Cells() + i
		v, err := st.assigned(&st.Plan.ByKey.Values[i], &m.found.cols[at], cells[at])
		if err != nil {
			return err
		}
		values = append(values, v)
	}
	to, stored, unknown := m.target(ctx, cells)
	moves := unknown == nil && to != from
	clock, again := m.st.forMoment(), m.bonds.versioned || st.Plan.ByKey.Ignores()
	if moves {
		if err := m.stays(ctx, place, where); err != nil {
			return err
		}
		if m.bonds.up {
			clock = m.setting(uncheckedKeys)
		}
		if again {
			if err := m.tell(ctx, place, "SAVEPOINT "+beforeMove); err != nil {
				return err
			}
		}
	}
	j := job{place: place, rows: []int{n}, part: st.change(clock, 0, place, where, values, limit)}
	if err := m.run(ctx, &j); err != nil {
		m.jobs = append(m.jobs, j)
		return err
	}
	defer func() { m.jobs = append(m.jobs, j) }()
	counts := numbers(j.res.info)
	switch {
	case t.All && (len(counts) == 0 || counts[0] != 1):
		return errorf(wire.ErUnknown, "a row of '%s.%s' was not found again", m.table.DB, m.table.Name)
	case unknown != nil: // MariaDB takes the value all the same
		return unknown
	case !moves, st.Plan.ByKey.Ignores() && len(counts) > 1 && counts[1] == 0: // IGNORE has left it as it was
		return nil
	}
	var old []byte
	if m.bonds.versioned {
		old = append([]byte(" WHERE "), where...)
		if limit != "" {
			old = append(append(old, " LIMIT "...), limit...)
		}
	}
	err = m.move(ctx, place, to, stored.values, old)
	if e := (*wire.ServerError)(nil); st.Plan.ByKey.Ignores() && errors.As(err, &e) && forgiven(e.Code) {
		err = m.tell(ctx, place, "ROLLBACK TO SAVEPOINT "+beforeMove)
		j.stays(st.Out.Caps().Has(wire.ClientFoundRows))
	}
	return err
}

// where finds a row. Of several that are alike one is changed, no matter which: those that are found again later are as many as there were.
func (m *mover) where(cells [][]byte) (where []byte, limit string, err error) {
	if m.t.All {
		text, err := alikeText(cells[0])
		if err != nil {
			return nil, "", err
		}
		one := &alikeRows{}
		if one.near, err = nearby(m.t, m.found.cols[m.t.First():], cells[m.t.First():]); err != nil {
			return nil, "", err
		}
		return m.t.WhereTexts([]string{text}, near(m.t, []*alikeRows{one})), "1", nil
	}
	key, _, err := keyCondition(m.t, m.found.cols, cells[:len(m.t.Key)])
	return whereKeys(m.t, [][]byte{key}), "", err
}

// target is the partition where a row is to be, and the values of its shard key.
func (m *mover) target(ctx context.Context, cells [][]byte) (int, storedKey, error) {
	st, t := m.st, m.t
	moves := st.Plan.ByKey.Moves
	exprs := make([]string, len(t.Table.ShardKey))
	for k, c := range t.Table.ShardKey {
		at := t.First() + slices.Index(t.Key, c)
		if i := slices.IndexFunc(moves, func(v plan.KeyValue) bool { return v.Column == c }); i >= 0 {
			at = len(m.found.cols) - len(moves) + i
			var err error
			if exprs[k], err = st.assigned(&moves[i], &m.found.cols[at], cells[at]); err != nil {
				return 0, storedKey{}, err
			}
			continue
		}
		lit, err := value.Literal(nil, &m.found.cols[at], cells[at])
		if err != nil {
			return 0, storedKey{}, err
		}
		exprs[k] = string(lit)
	}
	return m.r.storedPlace(ctx, st, t.Table, m.to.f, exprs, ignoring(st.Plan.ByKey.Ignores()), 0)
}

// move takes the row with these values of the shard key to its partition. old: the row is to be as it was first, found so, and deleted then, so that its history is here.
func (m *mover) move(ctx context.Context, from txn.Place, ordinal int, stored [][]byte, old []byte) error {
	t := m.table
	to, err := m.to.at(ordinal)
	if err != nil {
		return err
	}
	row, err := m.read(ctx, from, t, stored)
	if err != nil {
		return err
	}
	if len(row.values) != 1 {
		return errorf(wire.ErUnknown, "of a row of '%s.%s' that moves to another partition there are %d", t.DB, t.Name, len(row.values))
	}
	children, err := m.children(ctx, from, stored)
	if err != nil {
		return err
	}
	if old != nil {
		if err := m.tell(ctx, from, "ROLLBACK TO SAVEPOINT "+beforeMove); err != nil {
			return err
		}
		row.where = old
	}
	for _, c := range append([]*carried{row}, children...) {
		gone := job{place: from, part: part{sql: fmt.Appendf(m.setting(uncheckedKeys), "DELETE FROM %s%s", named(from, c.table), c.where)}}
		if err := m.run(ctx, &gone); err != nil {
			return err
		}
		if gone.res.ok.AffectedRows != uint64(len(c.values)) {
			return errorf(wire.ErUnknown, "a row of '%s.%s' that moves to another partition was not found", c.table.DB, c.table.Name)
		}
	}
	if len(children) > 0 && m.ignores() {
		if err := m.tell(ctx, to, "SAVEPOINT "+beforeMove); err != nil {
			return err
		}
	}
	for _, c := range children { // before the row, as MariaDB changes them
		err := m.write(ctx, to, c, uncheckedKeys)
		if e := (*wire.ServerError)(nil); errors.As(err, &e) {
			return plan.NeedsStage(m.what + " of a row with which rows of '" + c.table.Name + "' can't go: " + e.Message)
		}
		if err != nil {
			return err
		}
	}
	checks := uncheckedKeys // the UPDATE has looked at them
	if m.bonds.up {
		checks = ""
	}
	if err := m.write(ctx, to, row, checks); err != nil {
		if e := (*wire.ServerError)(nil); len(children) > 0 && m.ignores() && errors.As(err, &e) && forgiven(e.Code) { // they stay with the row
			return cmp.Or(m.tell(ctx, to, "ROLLBACK TO SAVEPOINT "+beforeMove), err)
		}
		return err
	}
	if a := t.AutoIncrement; a >= 0 {
		if k := slices.Index(t.ShardKey, a); k >= 0 && slices.Contains(m.columns, a) {
			if u, err := strconv.ParseUint(string(stored[k]), 10, 64); err == nil && u > 0 && t.Numbered() {
				return m.r.cfg.Sequences.Observe(ctx, t, u)
			}
		}
	}
	return nil
}

// ignores says whether a row that can't go stays as it was.
func (m *mover) ignores() bool {
	if m.meets != nil {
		return m.meets.Ignores
	}
	return m.st.Plan.ByKey.Ignores()
}

// carried are rows that go from one partition to another.
type carried struct {
	table   *topo.Table
	where   []byte // finds them
	columns []byte
	values  [][]byte // of each row, as INSERT has them
	odd     []int    // how often a row has an ENUM's value that is none of its members, of which MariaDB warns
}

// read reads the rows of a table with these values of the shard key.
func (m *mover) read(ctx context.Context, from txn.Place, t *topo.Table, stored [][]byte) (*carried, error) {
	c := &carried{table: t, where: []byte(" WHERE ")}
	for k, i := range t.ShardKey {
		if k > 0 {
			c.where = append(c.where, " AND "...)
		}
		c.where = append(append(plan.AppendQuoted(c.where, t.Columns[i].Name), "<=>"...), comparable(stored[k], &t.Columns[i])...)
	}
	sql, kinds := append(m.setting(asItIs), "SELECT "...), make([]movedKind, 0, len(t.Columns))
	for i := range t.Columns {
		col := &t.Columns[i]
		if col.Generated {
			continue
		}
		kind, ok := movedAs(col)
		if !ok {
			return nil, plan.NeedsStage(m.what + " of a table with the column '" + col.Name + "' of type " + col.Type)
		}
		if len(kinds) > 0 {
			sql, c.columns = append(sql, ','), append(c.columns, ',')
		}
		name := plan.AppendQuoted(nil, col.Name)
		c.columns = append(c.columns, name...)
		sql = fmt.Appendf(sql, kind.read, name)
		kinds = append(kinds, kind)
	}
	rows, err := m.ask(ctx, from, string(append(fmt.Appendf(sql, " FROM %s", named(from, t)), c.where...)))
	if err != nil {
		return nil, err
	}
	size := int64(0)
	for _, row := range rows {
		var values []byte
		odd := 0
		for i, cell := range row {
			if i > 0 {
				values = append(values, ',')
			}
			if cell == nil {
				values = append(values, "NULL"...)
				continue
			}
			values = fmt.Appendf(values, kinds[i].write, cell)
			if kinds[i].members && string(cell) == "0" {
				odd++
			}
		}
		c.values, c.odd = append(c.values, values), append(c.odd, odd)
		if size += int64(len(values)); size > m.r.cfg.SortMemory {
			return nil, &Error{Code: 1038, State: "HY001", Message: fmt.Sprintf("Out of memory: %s holds at most %d bytes of rows of '%s' at the node", m.what, m.r.cfg.SortMemory, t.Name)}
		}
	}
	return c, nil
}

// carriedBytes is about how long an INSERT of rows that go along may be.
const carriedBytes = 1 << 20

// write inserts rows.
func (m *mover) write(ctx context.Context, to txn.Place, c *carried, checks string) error {
	for at := 0; at < len(c.values); {
		sql := fmt.Appendf(m.setting(asItIs, checks), "INSERT INTO %s (%s) VALUES ", named(to, c.table), c.columns)
		odd := 0
		for first := at; at < len(c.values) && (at == first || len(sql) < carriedBytes); at++ {
			odd += c.odd[at]
			if at > first {
				sql = append(sql, ',')
			}
			sql = append(append(append(sql, '('), c.values[at]...), ')')
		}
		come := job{place: to, part: part{sql: sql}}
		if err := m.run(ctx, &come); err != nil {
			return err
		}
		if int(come.res.ok.Warnings) > odd {
			return plan.NeedsStage(m.what + " of a row that can't be written again as it is")
		}
	}
	return nil
}

// Settings under which a row is moved: asItIs so that it stays what it is, uncheckedKeys where foreign keys are looked at elsewhere.
const (
	asItIs        = "sql_mode='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES',time_zone='+00:00',check_constraint_checks=0,character_set_results=" + wideCharset
	uncheckedKeys = "foreign_key_checks=0"
)

// beforeMove is a savepoint.
const beforeMove = "`orbweaver move`"

// setting begins a statement that has settings, and the client's statement's time.
func (m *mover) setting(settings ...string) []byte {
	sql := []byte("SET STATEMENT ")
	for i, s := range append(settings, m.st.Moment) {
		if s == "" {
			continue
		}
		if i > 0 {
			sql = append(sql, ',')
		}
		sql = append(sql, s...)
	}
	return append(sql, clockEnd...)
}

// tell runs a statement at a place, in the client's statement's transaction, that has no rows.
func (m *mover) tell(ctx context.Context, at txn.Place, sql string) error {
	_, err := m.ask(ctx, at, sql)
	return err
}

// ask is a query at a place, in the client's statement's transaction.
func (m *mover) ask(ctx context.Context, at txn.Place, sql string) ([][][]byte, error) {
	c, err := m.g.Conn(ctx, at)
	if err != nil {
		return nil, m.st.unconnected(at, err)
	}
	res, err := c.Query(ctx, sql)
	var refused *wire.ServerError
	if errors.As(err, &refused) {
		if err := m.g.Done(c, nil); err != nil {
			return nil, m.st.at(at, err)
		}
		return nil, m.st.answered(at, refused)
	}
	if err := m.g.Done(c, err); err != nil {
		return nil, m.st.at(at, err)
	}
	return res.Rows, nil
}

// movedKind says how a column's value is read as text and written again, exactly.
type movedKind struct {
	read, write string
	members     bool // of an ENUM, by number
}

func movedAs(c *topo.Column) (movedKind, bool) {
	switch c.Type {
	case "tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "year", "double":
		return movedKind{read: "%s", write: "%s"}, true
	case "float": // whose text is rounded
		return movedKind{read: "CAST(%s AS DOUBLE)", write: "%s"}, true
	case "bit", "enum", "set":
		return movedKind{read: "%s+0", write: "%s", members: c.Type == "enum"}, true
	case "date", "time", "datetime", "timestamp":
		return movedKind{read: "%s", write: "'%s'"}, true
	case "uuid", "inet6", "inet4":
		return movedKind{read: "HEX(CAST(%s AS CHAR CHARACTER SET " + wideCharset + "))", write: "_" + wideCharset + " x'%s'"}, true
	case "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob",
		"geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geometrycollection":
		return movedKind{read: "HEX(%s)", write: "x'%s'"}, true
	}
	if c.Charset != "" {
		return movedKind{read: "HEX(%s)", write: "_" + c.Charset + " x'%s'"}, true
	}
	return movedKind{}, false
}

// comparable is a stored value of the shard key as SQL to be compared with its column.
func comparable(text []byte, c *topo.Column) string {
	switch c.Type {
	case "tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "year":
		if text != nil {
			return string(text)
		}
	case "bit": // beside a string it would be that string's number
		if text != nil {
			return fmt.Sprintf("0x%x+0", text)
		}
	}
	return storedLiteral(text, c)
}

func named(p txn.Place, t *topo.Table) []byte {
	return plan.AppendQuoted(append(plan.AppendQuoted(nil, p.Schema), '.'), t.Name)
}

// run runs a statement of its own, of which there may be no parameters but the client's.
func (m *mover) run(ctx context.Context, j *job) error {
	if err := m.st.room(j.place); err != nil {
		return err
	}
	return m.r.run1(ctx, m.st, m.g, j)
}
